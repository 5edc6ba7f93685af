/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The users that mkmap publishes, made from a number, so that a test knows what to expect. */

#include <stdint.h>
#include <stdio.h>

#include "map/map.h"

#define MKMAP_FIRST_ID    1879048192U /* behind the sub-uid and container ids: room for a million */
#define MKMAP_BIG_ID      70000U
#define MKMAP_BIG_MEMBERS 50000U
#define MKMAP_BIG_GROUPS  65536U

typedef struct Person {
        char name[32], gecos[256], home[64];
        gid_t gids[8];
        char member_names[4][32];
        const char *members[4];
        MapUserSpec user;
        MapGroupSpec group;
} Person;

/* User n: groups n (its own) and n+1 .. n+n%4; so group n has the members n-k with k <= (n-k)%4, as
 * nss_files would find them, if the last few groups of a map are left aside. */
static inline void person_make(uint32_t n, const char *shell, Person *p) {
        size_t members = 0;

        *p = (Person){};
        snprintf(p->name, sizeof(p->name), "u%u", n);
        if (n % 7 != 0)
                snprintf(p->gecos, sizeof(p->gecos), "J\xc3\xbcrgen %u,Room %u,,%*s", n, n,
                         n % 11 == 0 ? 120 : 1, "x");
        snprintf(p->home, sizeof(p->home), "/home/u%u", n);
        for (uint32_t k = 1; k <= n % 4; k++)
                p->gids[k - 1] = MKMAP_FIRST_ID + n + k;
        for (uint32_t k = 1; k <= 3 && k <= n; k++)
                if (k <= (n - k) % 4) {
                        snprintf(p->member_names[members], sizeof(p->member_names[0]), "u%u",
                                 n - k);
                        p->members[members] = p->member_names[members];
                        members++;
                }
        p->user = (MapUserSpec){ .uid = MKMAP_FIRST_ID + n,
                                 .gid = MKMAP_FIRST_ID + n,
                                 .name = p->name,
                                 .gecos = p->gecos,
                                 .home = p->home,
                                 .shell = shell,
                                 .gids = p->gids,
                                 .gid_count = n % 4 };
        p->group = (MapGroupSpec){ .gid = MKMAP_FIRST_ID + n,
                                   .name = p->name,
                                   .members = p->members,
                                   .member_count = members };
}
