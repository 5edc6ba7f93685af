/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The group database.  A record is handed out as one copy of its strings into the caller's buffer,
 * in front of them the array of members, aligned whatever the buffer's address; the reader has
 * checked the members' offsets.  Walks are as those of passwd.c. */

#include <errno.h>
#include <string.h>

#include "base/base.h"
#include "map/map.h"
#include "nss_um/nss_um.h"

static inline enum nss_status group_copy(const MapGroup *group, struct group *ret, char *buffer,
                                         size_t size, int *ret_errno) {
        size_t skip = -(uintptr_t)buffer % _Alignof(char *),
               array = ((size_t)group->member_count + 1) * sizeof(char *);
        char *strings, **members;

        if (!buffer || size < skip || size - skip < array ||
            size - skip - array < group->strings_bytes)
                return nss_too_small(ret_errno);
        members = (char **)(void *)(buffer + skip);
        strings = buffer + skip + array;
        memcpy(strings, group->strings, group->strings_bytes);
        for (uint32_t i = 0; i < group->member_count; i++)
                members[i] = strings + group->member_at[i];
        members[group->member_count] = NULL;
        *ret = (struct group){
                .gr_name = strings,
                .gr_passwd = strings + group->password_at,
                .gr_gid = group->gid,
                .gr_mem = members,
        };
        return NSS_STATUS_SUCCESS;
}

/* Where the map gave a fault. */
static COLD enum nss_status group_ask(Query query, int fault, struct group *ret, char *buffer,
                                      size_t size, int *ret_errno) {
        _cleanup_(answer_done) Answer answer = {};
        int saved = errno, r;

        r = query_group_possible(&query);
        if (r > 0)
                r = socket_group(&query, &answer);
        if (r == 0)
                return nss_none(ret_errno);
        if (r < 0)
                return nss_unavailable(r == -ENOENT ? fault : r, ret_errno);
        errno = saved;
        return group_copy(&answer.group, ret, buffer, size, ret_errno);
}

static inline enum nss_status group_get(Query query, struct group *ret, char *buffer, size_t size,
                                        int *ret_errno) {
        enum nss_status status;
        MapView spare;
        MapGroup group;
        Hold hold;
        int r;

        r = lookup_group(query, &hold, &spare, &group);
        if (r == 0)
                return nss_none(ret_errno);
        if (r < 0)
                return group_ask(query, r, ret, buffer, size, ret_errno);
        status = group_copy(&group, ret, buffer, size, ret_errno);
        mapping_release(hold);
        return status;
}

NSS_UM_LOOKUP enum nss_status _nss_um_getgrnam_r(const char *name, struct group *ret, char *buffer,
                                                 size_t size, int *ret_errno) {
        Query query = { .name = name, .len = name ? strnlen(name, BASE_NAME_MAX + 1) : 0 };

        return query.len == 0 ? nss_none(ret_errno)
                              : group_get(query, ret, buffer, size, ret_errno);
}

NSS_UM_LOOKUP enum nss_status _nss_um_getgrgid_r(gid_t gid, struct group *ret, char *buffer,
                                                 size_t size, int *ret_errno) {
        Query query = { .id = gid };

        return group_get(query, ret, buffer, size, ret_errno);
}

/* ---- walking ------------------------------------------------------------------------------------
 */

typedef struct Walk {
        bool begun, over;
        MapView view;
        MapCursor cursor;
} Walk;

/* A thread's own: glibc's callers may walk in several threads (SECURITY F7). */
static __thread Walk walk;

static void walk_end(void) {
        if (walk.begun && !walk.over)
                map_close(&walk.view);
        walk = (Walk){};
}

/* Over for good, until set or end is called: the map is let go, the next call says so again. */
static void walk_over(void) {
        walk_end();
        walk.begun = walk.over = true;
}

static int walk_begin(void) {
        int r;

        r = map_open(MAP_PATH, &walk.view);
        if (r < 0)
                return r;
        walk.begun = true;
        if (!(walk.view.flags & MAP_FLAG_ENUMERATE)) {
                walk_over();
                return 0;
        }
        r = map_cursor_start(&walk.view, &walk.cursor);
        if (r < 0)
                walk_over();
        return r;
}

NSS_UM_EXPORT enum nss_status _nss_um_setgrent(int stay_open) {
        walk_end();
        return NSS_STATUS_SUCCESS;
}

NSS_UM_EXPORT enum nss_status _nss_um_endgrent(void) {
        walk_end();
        return NSS_STATUS_SUCCESS;
}

NSS_UM_EXPORT enum nss_status _nss_um_getgrent_r(struct group *ret, char *buffer, size_t size,
                                                 int *ret_errno) {
        enum nss_status status;
        MapCursor before;
        MapGroup group;
        int r = walk.begun ? 0 : walk_begin();

        if (r < 0)
                return nss_unavailable(r, ret_errno);
        if (walk.over)
                return nss_none(ret_errno);
        before = walk.cursor;
        r = map_group_next(&walk.view, &walk.cursor, &group);
        if (r <= 0) {
                walk_over();
                return r == 0 ? nss_none(ret_errno) : nss_unavailable(r, ret_errno);
        }
        status = group_copy(&group, ret, buffer, size, ret_errno);
        if (status != NSS_STATUS_SUCCESS)
                walk.cursor = before; /* the same one again, with a larger buffer */
        return status;
}

/* Only of the thread that unloads; others' walks that were never ended stay mapped. */
static __attribute__((destructor)) void walk_unload(void) {
        walk_end();
}
