/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Asks the map, and says when nothing but umd could know.  The map is believed only where it is
 * valid and complete: anything else is "no answer", never "nobody".  Root is answered before
 * anything is looked at. */

#include <errno.h>
#include <string.h>

#include "base/base.h"
#include "map/map.h"
#include "nss_um/nss_um.h"

static inline bool query_is_root(Query query) {
        return query.name ? query.len == 4 && memcmp(query.name, "root", 4) == 0 : query.id == 0;
}

/* What a lookup's outcome means once the map was let go: 0 final, or a fault. */
static inline int outcome(int r, uint32_t flags) {
        if (r == 0)
                return flags & MAP_FLAG_COMPLETE ? 0 : -ENODATA;
        return r > 0 ? -EBADMSG : r; /* a record for uid or gid 0 is no record */
}

/* -ESTALE: deltas outgrew the window between two looks; the second hold maps anew. */
int lookup_user(Query query, Hold *hold, MapView *spare, MapUser *ret) {
        int r = -ESTALE;

        if (query_is_root(query) || query.len > BASE_NAME_MAX)
                return 0;
        for (int i = 0; i < 2 && r == -ESTALE; i++) {
                uint32_t flags;

                r = mapping_hold(hold, spare);
                if (r < 0)
                        return r;
                r = query.name ? map_user_by_name(hold->view, query.name, query.len, ret)
                               : map_user_by_uid(hold->view, query.id, ret);
                if (r > 0 && ret->uid != 0 && ret->gid != 0)
                        return 1;
                flags = hold->view->flags;
                mapping_release(*hold);
                r = outcome(r, flags);
        }
        return r;
}

int lookup_group(Query query, Hold *hold, MapView *spare, MapGroup *ret) {
        int r = -ESTALE;

        if (query_is_root(query) || query.len > BASE_NAME_MAX)
                return 0;
        for (int i = 0; i < 2 && r == -ESTALE; i++) {
                uint32_t flags;

                r = mapping_hold(hold, spare);
                if (r < 0)
                        return r;
                r = query.name ? map_group_by_name(hold->view, query.name, query.len, ret)
                               : map_group_by_gid(hold->view, query.id, ret);
                if (r > 0 && ret->gid != 0)
                        return 1;
                flags = hold->view->flags;
                mapping_release(*hold);
                r = outcome(r, flags);
        }
        return r;
}

static int query_local(const Query *query, const char *path) {
        char name[BASE_NAME_MAX + 1];
        uint32_t id;

        if (!query->name)
                return base_local_find_id(path, query->id, name, sizeof(name));
        memcpy(name, query->name, query->len);
        name[query->len] = '\0';
        return base_local_find_name(path, name, &id);
}

static int query_possible(const Query *query, const char *path) {
        int r;

        if (!query->name && base_id_reserved(query->id))
                return 0;
        r = query_local(query, path);
        return r < 0 ? r : !r;
}

int query_user_possible(const Query *query) {
        if (query->name && base_field_check(FIELD_USER_NAME, query->name, query->len) != FIELD_OK)
                return 0;
        return query_possible(query, BASE_PASSWD_PATH);
}

/* um's own groups have reserved names, but those of its processes are in /etc/group. */
int query_group_possible(const Query *query) {
        FieldFault fault = query->name ? base_field_check(FIELD_GROUP_NAME, query->name, query->len)
                                       : FIELD_OK;

        if (fault != FIELD_OK && fault != FIELD_FAULT_RESERVED)
                return 0;
        return query_possible(query, BASE_GROUP_PATH);
}
