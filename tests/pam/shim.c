/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Preloaded into app: lets the Nth allocation fail, counts what is alive, reports who reads the
 * environment, and makes the name "elsewhere" resolve as if another NSS source had it.
 *
 * The counting is for one thread, which is what app is. */

#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <pwd.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PUBLIC __attribute__((visibility("default")))

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *p, size_t size);
extern void __libc_free(void *p);

static long fail_in; /* 0: not armed */
static long live;

void shim_arm(long fail_at);
long shim_disarm(void);
long shim_live(void);
const char *shim_where(void);

PUBLIC void shim_arm(long fail_at) {
        fail_in = fail_at;
}

/* What is left to count: 0 when the failure has happened. */
PUBLIC long shim_disarm(void) {
        long left = fail_in;

        fail_in = 0;
        return left;
}

PUBLIC long shim_live(void) {
        return live;
}

static char where[1024]; /* the functions that led to the failed allocation, innermost first */

/* At once: later the module may be unloaded. */
static void where_note(void) {
        void *frames[64];
        int count = backtrace(frames, 64);
        size_t at = 0;

        where[0] = '\0';
        for (int i = 2; i < count && at < sizeof(where); i++) {
                const char *name;
                Dl_info info;

                if (!dladdr(frames[i], &info) || !info.dli_fname)
                        continue;
                name = strrchr(info.dli_fname, '/');
                at += (size_t)snprintf(where + at, sizeof(where) - at, " %s:%s",
                                       name ? name + 1 : info.dli_fname,
                                       info.dli_sname ? info.dli_sname : "?");
        }
}

static int fails(void) {
        if (fail_in == 0 || --fail_in > 0)
                return 0;
        where_note();
        errno = ENOMEM;
        return 1;
}

PUBLIC const char *shim_where(void) {
        return where;
}

PUBLIC void *malloc(size_t size) {
        void *p = fails() ? NULL : __libc_malloc(size);

        live += p != NULL;
        return p;
}

PUBLIC void *calloc(size_t count, size_t size) {
        void *p = fails() ? NULL : __libc_calloc(count, size);

        live += p != NULL;
        return p;
}

PUBLIC void *realloc(void *old, size_t size) {
        void *p = fails() ? NULL : __libc_realloc(old, size);

        if (!old)
                live += p != NULL;
        else if (!p && size == 0)
                live--;
        return p;
}

PUBLIC void free(void *p) {
        live -= p != NULL;
        __libc_free(p);
}

static void report(const char *function, const char *name, void *caller) {
        const char *library = "?";
        char line[512];
        Dl_info info;
        int len;

        if (!getpid() || !fail_in) /* armed: inside a phase */
                return;
        if (dladdr(caller, &info) && info.dli_fname)
                library = info.dli_fname;
        if (!strstr(library, "pam_um") && !strstr(library, "libsystemd."))
                return;
        len = snprintf(line, sizeof(line), "%s %s by %s\n", function, name, library);
        (void)!write(1, line, (size_t)len);
}

PUBLIC char *getenv(const char *name) {
        size_t len = strlen(name);

        report("getenv", name, __builtin_return_address(0));
        for (char **at = environ; at && *at; at++)
                if (strncmp(*at, name, len) == 0 && (*at)[len] == '=')
                        return *at + len + 1;
        return NULL;
}

PUBLIC char *secure_getenv(const char *name) {
        report("secure_getenv", name, __builtin_return_address(0));
        return NULL;
}

PUBLIC int getpwnam_r(const char *name, struct passwd *pw, char *buf, size_t size,
                      struct passwd **ret) {
        static int (*next)(const char *, struct passwd *, char *, size_t, struct passwd **);
        long armed;
        int r;

        if (strcmp(name, "elsewhere") == 0 && size >= 64) {
                memcpy(buf, name, strlen(name) + 1);
                *pw = (struct passwd){ .pw_name = buf,
                                       .pw_passwd = buf + strlen(buf),
                                       .pw_uid = 700001,
                                       .pw_gid = 700001,
                                       .pw_gecos = buf + strlen(buf),
                                       .pw_dir = buf + strlen(buf),
                                       .pw_shell = buf + strlen(buf) };
                *ret = pw;
                return 0;
        }
        if (!next) {
                void *symbol = dlsym(RTLD_NEXT, "getpwnam_r");

                memcpy(&next, &symbol, sizeof(next));
        }
        /* Other NSS modules' memory is none of ours: a lookup fails as a whole. */
        if (fails())
                return ENOMEM;
        armed = shim_disarm();
        r = next(name, pw, buf, size, ret);
        shim_arm(armed);
        return r;
}
