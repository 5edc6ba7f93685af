/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The module as glibc loads it: found by name, each function by dlsym(). */

#include <dlfcn.h>
#include <errno.h>
#include <grp.h>
#include <nss.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "tests/nss/mkmap.h"

typedef struct Module {
        void *handle;
        enum nss_status (*getpwnam)(const char *, struct passwd *, char *, size_t, int *);
        enum nss_status (*getpwuid)(uid_t, struct passwd *, char *, size_t, int *);
        enum nss_status (*setpwent)(int);
        enum nss_status (*getpwent)(struct passwd *, char *, size_t, int *);
        enum nss_status (*endpwent)(void);
        enum nss_status (*getgrnam)(const char *, struct group *, char *, size_t, int *);
        enum nss_status (*getgrgid)(gid_t, struct group *, char *, size_t, int *);
        enum nss_status (*setgrent)(int);
        enum nss_status (*getgrent)(struct group *, char *, size_t, int *);
        enum nss_status (*endgrent)(void);
        enum nss_status (*initgroups)(const char *, gid_t, long *, long *, gid_t **, long, int *);
} Module;

static inline void *module_symbol(void *handle, const char *source, const char *name,
                                  bool optional) {
        char symbol[64];
        void *found;

        snprintf(symbol, sizeof(symbol), "_nss_%s_%s", source, name);
        /* glibc's own source "files" stands in libc, under its private version */
        found = handle ? dlsym(handle, symbol) : dlvsym(RTLD_DEFAULT, symbol, "GLIBC_PRIVATE");
        if (!found && !optional) {
                fprintf(stderr, "no %s\n", symbol);
                exit(1);
        }
        return found;
}

/* handle NULL: what libc itself has. */
static inline void module_symbols(void *handle, const char *source, Module *ret) {
        static const struct {
                const char *name;
                size_t at;
        } rows[] = {
                { "getpwnam_r", offsetof(Module, getpwnam) },
                { "getpwuid_r", offsetof(Module, getpwuid) },
                { "setpwent", offsetof(Module, setpwent) },
                { "getpwent_r", offsetof(Module, getpwent) },
                { "endpwent", offsetof(Module, endpwent) },
                { "getgrnam_r", offsetof(Module, getgrnam) },
                { "getgrgid_r", offsetof(Module, getgrgid) },
                { "setgrent", offsetof(Module, setgrent) },
                { "getgrent_r", offsetof(Module, getgrent) },
                { "endgrent", offsetof(Module, endgrent) },
                { "initgroups_dyn", offsetof(Module, initgroups) },
        };

        ret->handle = handle;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                /* not every source has the last one */
                void *found = module_symbol(handle, source, rows[i].name,
                                            rows[i].at == offsetof(Module, initgroups));

                memcpy((char *)ret + rows[i].at, &found, sizeof(found));
        }
}

static inline void module_open(Module *ret) {
        void *handle = dlopen("libnss_um.so.2", RTLD_NOW | RTLD_LOCAL);

        if (!handle) {
                fprintf(stderr, "%s\n", dlerror());
                exit(1);
        }
        module_symbols(handle, "um", ret);
}

/* What a test says when it is not as it should be; it goes on no further. */
#define EXPECT(condition)                                                                          \
        do {                                                                                       \
                if (!(condition)) {                                                                \
                        fprintf(stderr, "%s:%d: %s (errno %d)\n", __FILE__, __LINE__, #condition,  \
                                errno);                                                            \
                        _exit(1);                                                                  \
                }                                                                                  \
        } while (0)

static inline bool user_is(const struct passwd *pw, uint32_t n, const char *shell) {
        Person p;

        person_make(n, shell, &p);
        return strcmp(pw->pw_name, p.name) == 0 && strcmp(pw->pw_passwd, "*") == 0 &&
               pw->pw_uid == p.user.uid && pw->pw_gid == p.user.gid &&
               strcmp(pw->pw_gecos, p.gecos) == 0 && strcmp(pw->pw_dir, p.home) == 0 &&
               strcmp(pw->pw_shell, shell) == 0;
}

static inline bool group_is(const struct group *gr, uint32_t n) {
        Person p;
        size_t i;

        person_make(n, "/bin/bash", &p);
        if (strcmp(gr->gr_name, p.name) != 0 || strcmp(gr->gr_passwd, "*") != 0 ||
            gr->gr_gid != p.group.gid)
                return false;
        for (i = 0; i < p.group.member_count; i++)
                if (!gr->gr_mem[i] || strcmp(gr->gr_mem[i], p.members[i]) != 0)
                        return false;
        return !gr->gr_mem[i];
}

/* Publishes anew, by the program beside this one. */
static inline void republish(const char *arguments) {
        char command[512];
        const char *mkmap = getenv("MKMAP");

        EXPECT(mkmap);
        snprintf(command, sizeof(command), "%s /run/um/map.d %s", mkmap, arguments);
        EXPECT(system(command) == 0);
}
