/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the tests of map/ share: a folder of their own, and users and groups made from a number. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"
#include "map/map.h"

#define FIRST_ID 1879048192U /* behind the sub-uid and container ids: room for a million */
#define COMPLETE (MAP_FLAG_COMPLETE | MAP_FLAG_ENUMERATE)

typedef struct Folder {
        char path[64];
        char map[80];
        int fd;
} Folder;

static inline Folder folder_make(void) {
        Folder folder = { .path = "/tmp/um-test-map-XXXXXX" };

        assert_non_null(mkdtemp(folder.path));
        snprintf(folder.map, sizeof(folder.map), "%s/" MAP_NAME, folder.path);
        folder.fd = open(folder.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(folder.fd >= 0);
        return folder;
}

static inline void folder_done(Folder *folder) {
        unlinkat(folder->fd, MAP_NAME, 0);
        assert_int_equal(rmdir(folder->path), 0); /* nothing else was left in it */
        close(folder->fd);
}

/* User n: name u<n>, its own group, supplementary groups n+1 .. n+n%5. */
typedef struct Person {
        char name[32], gecos[64], home[64];
        gid_t gids[8];
        MapUserSpec user;
        const char *members[1];
        MapGroupSpec group;
} Person;

static inline void person_make(uint32_t n, Person *p) {
        snprintf(p->name, sizeof(p->name), "u%u", n);
        snprintf(p->gecos, sizeof(p->gecos), "User %u,,,", n);
        snprintf(p->home, sizeof(p->home), "/home/u%u", n);
        for (uint32_t i = 0; i < n % 5; i++)
                p->gids[i] = FIRST_ID + n + i + 1;
        p->members[0] = p->name;
        p->user = (MapUserSpec){ .uid = FIRST_ID + n,
                                 .gid = FIRST_ID + n,
                                 .name = p->name,
                                 .gecos = p->gecos,
                                 .home = p->home,
                                 .shell = "/bin/bash",
                                 .gids = p->gids,
                                 .gid_count = n % 5 };
        p->group = (MapGroupSpec){
                .gid = FIRST_ID + n, .name = p->name, .members = p->members, .member_count = n % 2
        };
}

static inline MapBuild *build_of(uint32_t count, uint32_t flags) {
        MapBuild *build = NULL;
        Person p;

        assert_int_equal(map_build_new(flags, &build), 0);
        for (uint32_t n = 0; n < count; n++) {
                person_make(n, &p);
                assert_int_equal(map_build_user(build, &p.user), 0);
                assert_int_equal(map_build_group(build, &p.group), 0);
        }
        return build;
}

static inline MapWriter *published(const Folder *folder, uint32_t count, MapWriter *replaced) {
        MapBuild *build = build_of(count, COMPLETE);
        MapWriter *writer = NULL;

        assert_int_equal(map_build_write(build, folder->fd, &writer), 0);
        assert_int_equal(map_publish(folder->fd, writer, replaced), 0);
        map_build_free(build);
        return writer;
}

static inline void assert_user(const MapUser *user, uint32_t n) {
        Person p;

        person_make(n, &p);
        assert_int_equal(user->uid, p.user.uid);
        assert_int_equal(user->gid, p.user.gid);
        assert_string_equal(user->strings, p.name);
        assert_string_equal(user->strings + user->password_at, "*");
        assert_string_equal(user->strings + user->gecos_at, p.gecos);
        assert_string_equal(user->strings + user->home_at, p.home);
        assert_string_equal(user->strings + user->shell_at, "/bin/bash");
        assert_int_equal(user->gid_count, n % 5 + 1);
        for (uint32_t i = 0; i <= n % 5; i++)
                assert_int_equal(user->gids[i], FIRST_ID + n + i);
}

static inline void assert_group(const MapGroup *group, uint32_t n) {
        Person p;

        person_make(n, &p);
        assert_int_equal(group->gid, p.group.gid);
        assert_string_equal(group->strings, p.name);
        assert_string_equal(group->strings + group->password_at, "*");
        assert_int_equal(group->member_count, n % 2);
        if (n % 2)
                assert_string_equal(group->strings + group->member_at[0], p.name);
}

/* What the four lookups say of person n: 1 all found and right, 0 none, else the test fails. */
static inline int person_in(const MapView *view, uint32_t n) {
        MapGroup group;
        MapUser user;
        Person p;
        int r;

        person_make(n, &p);
        r = map_user_by_name(view, p.name, strlen(p.name), &user);
        assert_in_range(r, 0, 1);
        if (r == 1)
                assert_user(&user, n);
        assert_int_equal(map_user_by_uid(view, FIRST_ID + n, &user), r);
        if (r == 1)
                assert_user(&user, n);
        assert_int_equal(map_group_by_name(view, p.name, strlen(p.name), &group), r);
        if (r == 1)
                assert_group(&group, n);
        assert_int_equal(map_group_by_gid(view, FIRST_ID + n, &group), r);
        if (r == 1)
                assert_group(&group, n);
        return r;
}
