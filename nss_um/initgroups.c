/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A user's groups, all at once: the list stands ready in his record.  glibc calls this for local
 * names and for root too; they are not in the map, and the socket is never asked for them. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "map/map.h"
#include "nss_um/nss_um.h"

/* glibc's list: *groups has room for *size, *start are taken; limit > 0 is the most there may be.
 */
typedef struct List {
        gid_t group; /* is in the list already */
        long *start, *size;
        gid_t **groups;
        long limit;
} List;

/* Room for count more, or as many as the limit permits. */
static int list_grow(const List *list, size_t count) {
        size_t wanted = (size_t)*list->start + count, size = (size_t)*list->size;
        gid_t *groups;

        if (list->limit > 0 && wanted > (size_t)list->limit)
                wanted = (size_t)list->limit;
        if (wanted <= size)
                return 0;
        if (wanted < size * 2 && (list->limit <= 0 || size * 2 <= (size_t)list->limit))
                wanted = size * 2;
        groups = realloc(*list->groups, wanted * sizeof(*groups));
        if (!groups)
                return -ENOMEM;
        *list->groups = groups;
        *list->size = (long)wanted;
        return 0;
}

/* What does not fit under the limit is left out: that is what a limit asks for (SECURITY F8). */
static enum nss_status gids_add(const List *list, const MapUser *user, int *ret_errno) {
        long room, at = *list->start;
        int r;

        r = list_grow(list, user->gid_count);
        if (r < 0)
                return nss_unavailable(r, ret_errno);
        room = *list->size;
        if (list->limit > 0 && list->limit < room)
                room = list->limit;
        for (uint32_t i = 0; i < user->gid_count && at < room; i++)
                if (user->gids[i] != list->group)
                        (*list->groups)[at++] = user->gids[i];
        *list->start = at;
        return NSS_STATUS_SUCCESS;
}

/* Where the map gave a fault. */
static COLD enum nss_status gids_ask(Query query, int fault, List list, int *ret_errno) {
        _cleanup_(answer_done) Answer answer = {};
        int r;

        r = query_user_possible(&query);
        if (r > 0)
                r = socket_groups_of(&query, &answer);
        if (r == 0)
                return nss_none(ret_errno);
        if (r < 0)
                return nss_unavailable(r == -ENOENT ? fault : r, ret_errno);
        return gids_add(&list, &answer.user, ret_errno);
}

NSS_UM_LOOKUP enum nss_status _nss_um_initgroups_dyn(const char *name, gid_t group, long *start,
                                                     long *size, gid_t **groups, long limit,
                                                     int *ret_errno) {
        Query query = { .name = name, .len = name ? strnlen(name, BASE_NAME_MAX + 1) : 0 };
        List list = {
                .group = group, .start = start, .size = size, .groups = groups, .limit = limit
        };
        enum nss_status status;
        MapView spare;
        MapUser user;
        Hold hold;
        int r;

        if (query.len == 0)
                return nss_none(ret_errno);
        r = lookup_user(query, &hold, &spare, &user);
        if (r == 0)
                return nss_none(ret_errno);
        if (r < 0)
                return gids_ask(query, r, list, ret_errno);
        status = gids_add(&list, &user, ret_errno);
        mapping_release(hold);
        return status;
}
