/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Publishes a map for the tests of nss_um: mkmap FOLDER COUNT [FLAG...].  Users u0, u1, ... with
 * ids from MKMAP_FIRST_ID on, a group each.  Flags: incomplete      "not found" is not final silent
 * getpwent lists nobody big             a group "all" of 50,000 and a user "many" in 65,536 groups
 *   shell=PATH      of every user: what differs between two publications
 *   passwd=FILE     writes the same users as /etc/passwd lines (group=FILE: groups), and no map
 *   withdraw        takes the map away instead
 *   append          u<COUNT> comes in a delta behind them */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base.h"
#include "map/map.h"
#include "tests/nss/mkmap.h"

typedef struct Options {
        uint32_t flags;
        bool big, withdraw, append;
        const char *shell;
        FILE *passwd, *group;
} Options;

static void check(const char *what, int r) {
        if (r == 0)
                return;
        fprintf(stderr, "mkmap: %s: %s\n", what, r < 0 ? strerror(-r) : "full");
        exit(1);
}

static FILE *file_open(const char *path) {
        FILE *f = fopen(path, "we");

        check(path, f ? 0 : -errno);
        return f;
}

static void option_read(const char *arg, Options *o) {
        if (strcmp(arg, "incomplete") == 0)
                o->flags &= ~MAP_FLAG_COMPLETE;
        else if (strcmp(arg, "silent") == 0)
                o->flags &= ~MAP_FLAG_ENUMERATE;
        else if (strcmp(arg, "big") == 0)
                o->big = true;
        else if (strcmp(arg, "withdraw") == 0)
                o->withdraw = true;
        else if (strcmp(arg, "append") == 0)
                o->append = true;
        else if (strncmp(arg, "shell=", 6) == 0)
                o->shell = arg + 6;
        else if (strncmp(arg, "passwd=", 7) == 0)
                o->passwd = file_open(arg + 7);
        else if (strncmp(arg, "group=", 6) == 0)
                o->group = file_open(arg + 6);
        else
                check(arg, -EINVAL);
}

static void person_add(MapBuild *build, const Options *o, uint32_t n) {
        Person p;

        person_make(n, o->shell, &p);
        if (o->passwd)
                fprintf(o->passwd, "%s:*:%u:%u:%s:%s:%s\n", p.user.name, p.user.uid, p.user.gid,
                        p.user.gecos, p.user.home, p.user.shell);
        if (o->group) {
                fprintf(o->group, "%s:*:%u:", p.group.name, p.group.gid);
                for (size_t i = 0; i < p.group.member_count; i++)
                        fprintf(o->group, "%s%s", i ? "," : "", p.members[i]);
                fputc('\n', o->group);
        }
        check("user", map_build_user(build, &p.user));
        check("group", map_build_group(build, &p.group));
}

static void big_add(MapBuild *build) {
        static char names[MKMAP_BIG_MEMBERS][8];
        static const char *members[MKMAP_BIG_MEMBERS];
        static gid_t gids[MKMAP_BIG_GROUPS];
        MapGroupSpec all = { .gid = MKMAP_BIG_ID,
                             .name = "all",
                             .members = members,
                             .member_count = MKMAP_BIG_MEMBERS };
        MapUserSpec many = { .uid = MKMAP_BIG_ID,
                             .gid = MKMAP_BIG_ID,
                             .name = "many",
                             .gecos = "",
                             .home = "/home/many",
                             .shell = "/bin/sh",
                             .gids = gids,
                             .gid_count = MKMAP_BIG_GROUPS };

        for (uint32_t i = 0; i < MKMAP_BIG_MEMBERS; i++) {
                snprintf(names[i], sizeof(names[i]), "m%u", i);
                members[i] = names[i];
        }
        for (uint32_t i = 0; i < MKMAP_BIG_GROUPS; i++)
                gids[i] = MKMAP_FIRST_ID + i;
        check("group all", map_build_group(build, &all));
        check("user many", map_build_user(build, &many));
}

int main(int argc, char **argv) {
        Options o = { .flags = MAP_FLAG_COMPLETE | MAP_FLAG_ENUMERATE, .shell = "/bin/bash" };
        MapWriter *writer = NULL;
        MapBuild *build = NULL;
        uint32_t count;
        int dir_fd;

        if (argc < 3)
                return 2;
        count = (uint32_t)strtoul(argv[2], NULL, 10);
        for (int i = 3; i < argc; i++)
                option_read(argv[i], &o);
        dir_fd = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        check(argv[1], dir_fd < 0 ? -errno : 0);
        if (o.withdraw) {
                check("withdraw", map_withdraw(dir_fd, NULL));
                return 0;
        }
        check("new", map_build_new(o.flags, &build));
        for (uint32_t n = 0; n < count; n++)
                person_add(build, &o, n);
        if (o.big)
                big_add(build);
        if (o.passwd || o.group)
                return (o.passwd && fclose(o.passwd)) || (o.group && fclose(o.group));
        check("write", map_build_write(build, dir_fd, &writer));
        if (o.append) {
                Person p;
                MapChange change = { .user = &p.user, .group = &p.group };

                person_make(count, o.shell, &p);
                check("append", map_append(writer, &change, 1));
        }
        check("publish", map_publish(dir_fd, writer, NULL));
        map_writer_free(writer);
        map_build_free(build);
        return 0;
}
