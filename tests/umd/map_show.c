/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* map_show MAP [user|group] NAME: the entry as getent(1) would print it.  Exit status: 0 found, 2
 * not there, 3 no map, 1 a map that contradicts itself. */

#include <stdio.h>
#include <string.h>

#include "map/map.h"

static int user_show(const MapView *view, const char *name) {
        MapUser user;
        int r = map_user_by_name(view, name, strlen(name), &user);

        if (r <= 0)
                return r < 0 ? 1 : 2;
        printf("%s:%s:%u:%u:%s:%s:%s", user.strings, user.strings + user.password_at, user.uid,
               user.gid, user.strings + user.gecos_at, user.strings + user.home_at,
               user.strings + user.shell_at);
        for (uint32_t i = 0; i < user.gid_count; i++)
                printf("%c%u", i == 0 ? ' ' : ',', user.gids[i]);
        printf("\n");
        return 0;
}

static int group_show(const MapView *view, const char *name) {
        MapGroup group;
        int r = map_group_by_name(view, name, strlen(name), &group);

        if (r <= 0)
                return r < 0 ? 1 : 2;
        printf("%s:%u:", group.strings, group.gid);
        for (uint32_t i = 0; i < group.member_count; i++)
                printf("%s%s", i == 0 ? "" : ",", group.strings + group.member_at[i]);
        printf("\n");
        return 0;
}

int main(int argc, char **argv) {
        MapView view;
        int r;

        if (argc != 4)
                return 1;
        r = map_open(argv[1], &view);
        if (r < 0)
                return 3;
        r = strcmp(argv[2], "user") == 0 ? user_show(&view, argv[3]) : group_show(&view, argv[3]);
        map_close(&view);
        return r;
}
