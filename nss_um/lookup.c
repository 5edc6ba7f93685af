/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Asks the map, and umd where the map says nothing.  The map is believed only where it is valid and
 * complete: anything else is "no answer", never "nobody".  Root is answered before anything is
 * looked at; every other local name and id before umd is asked. */

#include <errno.h>
#include <string.h>

#include "base/base.h"
#include "map/map.h"
#include "nss_um/nss_um.h"

#define ATTEMPTS_MAX 3 /* with a mapping of its own, which deltas may outgrow */

/* ---- what was found -------------------------------------------------------------------------- */

bool found_valid(const Found *found, Kind kind) {
        return kind == KIND_GROUP ? found->group.gid != 0
                                  : found->user.uid != 0 && found->user.gid != 0;
}

enum nss_status found_copy(const Found *found, Request request, int *ret_errno) {
        switch (request.kind) {
        case KIND_USER:
                return user_copy(&found->user, request, ret_errno);
        case KIND_GROUP:
                return group_copy(&found->group, request, ret_errno);
        case KIND_GROUPS_OF_USER:
                return gids_copy(&found->user, request, ret_errno);
        case _KIND_MAX:
                break;
        }
        return nss_unavailable(-EINVAL, ret_errno);
}

/* ---- umd ------------------------------------------------------------------------------------- */

static int query_local(const Query *query, const char *path) {
        char name[BASE_NAME_MAX + 1];
        uint32_t id;

        if (!query->name)
                return base_local_find_id(path, query->id, name, sizeof(name));
        memcpy(name, query->name, query->len);
        name[query->len] = '\0';
        return base_local_find_name(path, name, &id);
}

/* um's own groups have reserved names, but those of its processes are in /etc/group. */
static bool query_name_possible(Kind kind, const Query *query) {
        FieldFault fault = base_field_check(kind == KIND_GROUP ? FIELD_GROUP_NAME : FIELD_USER_NAME,
                                            query->name, query->len);

        return fault == FIELD_OK || (kind == KIND_GROUP && fault == FIELD_FAULT_RESERVED);
}

int query_possible(Kind kind, const Query *query) {
        int r;

        if (query->name ? !query_name_possible(kind, query) : !!base_id_reserved(query->id))
                return 0;
        r = query_local(query, kind == KIND_GROUP ? BASE_GROUP_PATH : BASE_PASSWD_PATH);
        return r < 0 ? r : !r;
}

/* ---- the map --------------------------------------------------------------------------------- */

static inline bool query_is_nobody(Query query) {
        if (!query.name)
                return query.id == 0;
        return query.len == 0 || query.len > BASE_NAME_MAX ||
               (query.len == 4 && memcmp(query.name, "root", 4) == 0);
}

static inline MapTable request_table(Request request) {
        if (request.kind == KIND_GROUP)
                return request.query.name ? MAP_TABLE_GROUP_NAME : MAP_TABLE_GID;
        return request.query.name ? MAP_TABLE_USER_NAME : MAP_TABLE_UID;
}

/* 1 found, 0 final, or a fault. */
static inline int view_find(const MapView *view, Request request, Found *ret) {
        Query query = request.query;
        int r;

        if (request.kind == KIND_GROUP)
                r = query.name ? map_group_by_name(view, query.name, query.len, &ret->group)
                               : map_group_by_gid(view, query.id, &ret->group);
        else
                r = query.name ? map_user_by_name(view, query.name, query.len, &ret->user)
                               : map_user_by_uid(view, query.id, &ret->user);
        if (r == 0 && !(view->flags & MAP_FLAG_COMPLETE))
                return -ENODATA;
        return r > 0 && !found_valid(ret, request.kind) ? -EBADMSG : r;
}

/* 1 found and handed out as the status says, 0 final, -ESTALE to be repeated, or a fault. */
static inline int map_answer(Request request, bool alone, enum nss_status *ret_status,
                             int *ret_errno) {
        enum nss_status status = NSS_STATUS_UNAVAIL;
        Found found;
        Hold hold;
        int r;

        r = mapping_hold(request_table(request), alone, &hold);
        if (r < 0)
                return r;
        r = view_find(&hold.view, request, &found);
        if (r > 0)
                status = found_copy(&found, request, ret_errno);
        if (!mapping_release(&hold))
                return -ESTALE;
        *ret_status = status;
        return r;
}

static inline enum nss_status answer_status(int r, enum nss_status status, int *ret_errno) {
        return r == 0 ? nss_none(ret_errno) : status;
}

/* Where the map gave a fault, or was replaced in the midst. */
static COLD enum nss_status lookup_again(Request request, int fault, int *ret_errno) {
        _cleanup_(answer_done) Answer answer = {};
        enum nss_status status = NSS_STATUS_UNAVAIL;
        int saved = errno, r;

        for (int i = 0; i < ATTEMPTS_MAX && fault == -ESTALE; i++)
                fault = map_answer(request, true, &status, ret_errno);
        if (fault >= 0)
                return answer_status(fault, status, ret_errno);
        r = query_possible(request.kind, &request.query);
        if (r > 0)
                r = socket_ask(request.kind, &request.query, &answer);
        errno = saved;
        if (r == 0)
                return nss_none(ret_errno);
        if (r < 0)
                return nss_unavailable(r == -ENOENT ? fault : r, ret_errno);
        return found_copy(&answer.found, request, ret_errno);
}

/* Arguments go by value, and one by one where they leave the registers: copied as a whole, they
 * would be laid out in memory for each lookup. */
static inline Request request_copy(Request r) {
        return (Request){ .kind = r.kind,
                          .query = { .name = r.query.name, .len = r.query.len, .id = r.query.id },
                          .ret = r.ret,
                          .buffer = r.buffer,
                          .size = r.size };
}

enum nss_status lookup(Request request, int *ret_errno) {
        enum nss_status status = NSS_STATUS_UNAVAIL;
        int r;

        if (query_is_nobody(request.query))
                return nss_none(ret_errno);
        r = map_answer(request, false, &status, ret_errno);
        if (r < 0)
                return lookup_again(request_copy(request), r, ret_errno);
        return answer_status(r, status, ret_errno);
}
