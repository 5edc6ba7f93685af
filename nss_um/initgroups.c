/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A user's groups, all at once: the list stands ready in his record.  glibc calls this for local
 * names and for root too; they are not in the map, and the socket is never asked for them. */

#include <errno.h>
#include <stdlib.h>

#include "map/map.h"
#include "nss_um/nss_um.h"

enum nss_status gids_copy(const MapUser *user, Request request, int *ret_errno) {
        Gids *gids = request.ret;
        long at = gids->at, room = gids->room;

        if (!gids->cut && user->gid_count > (size_t)(room - at)) {
                gids->more = user->gid_count - (size_t)(room - at);
                return nss_too_small(ret_errno);
        }
        for (uint32_t i = 0; i < user->gid_count && at < room; i++)
                if (user->gids[i] != gids->group)
                        gids->list[at++] = user->gids[i];
        gids->end = at;
        return NSS_STATUS_SUCCESS;
}

/* A limit is not an error: what is beyond it is left out (SECURITY F8). */
static inline void gids_bound(Gids *gids, long size, long limit) {
        gids->cut = limit > 0 && size >= limit;
        gids->room = gids->cut ? limit : size;
        if (gids->room < gids->at)
                gids->room = gids->at;
}

/* Makes the list as much longer as it was too short, or twice as long, or as long as it may be. */
static COLD int gids_grow(Gids *gids, long *size, long limit) {
        size_t wanted = (size_t)gids->room + gids->more;
        gid_t *list;

        if (wanted < (size_t)gids->room * 2)
                wanted = (size_t)gids->room * 2;
        if (limit > 0 && wanted > (size_t)limit)
                wanted = (size_t)limit;
        list = reallocarray(gids->list, wanted, sizeof(*list));
        if (!list)
                return -ENOMEM;
        gids->list = list;
        *size = (long)wanted;
        gids_bound(gids, *size, limit);
        return 0;
}

NSS_UM_LOOKUP enum nss_status _nss_um_initgroups_dyn(const char *name, gid_t group, long *start,
                                                     long *size, gid_t **groups, long limit,
                                                     int *ret_errno) {
        Gids gids = { .group = group, .list = *groups, .at = *start };
        Request request = request_by_name(KIND_GROUPS_OF_USER, name, &gids, NULL, 0);
        enum nss_status status;
        int r = 0;

        gids_bound(&gids, *size, limit);
        while ((status = lookup(request, ret_errno)) == NSS_STATUS_TRYAGAIN) {
                r = gids_grow(&gids, size, limit);
                if (r < 0)
                        return nss_unavailable(r, ret_errno);
                *groups = gids.list;
        }
        if (status == NSS_STATUS_SUCCESS)
                *start = gids.end;
        return status;
}
