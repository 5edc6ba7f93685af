/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The passwd database.  A record is handed out as one copy of its strings into the caller's buffer;
 * nothing of it, not even an empty string, stays in the map.  A walk has a mapping of its own, so
 * it shows one moment from beginning to end; endpwent() and the walk's end give it back. */

#include <errno.h>
#include <string.h>

#include "base/base.h"
#include "map/map.h"
#include "nss_um/nss_um.h"

static inline enum nss_status user_copy(const MapUser *user, struct passwd *ret, char *buffer,
                                        size_t size, int *ret_errno) {
        if (!buffer || size < user->strings_bytes)
                return nss_too_small(ret_errno);
        memcpy(buffer, user->strings, user->strings_bytes);
        *ret = (struct passwd){
                .pw_name = buffer,
                .pw_passwd = buffer + user->password_at,
                .pw_uid = user->uid,
                .pw_gid = user->gid,
                .pw_gecos = buffer + user->gecos_at,
                .pw_dir = buffer + user->home_at,
                .pw_shell = buffer + user->shell_at,
        };
        return NSS_STATUS_SUCCESS;
}

/* Where the map gave a fault. */
static COLD enum nss_status user_ask(Query query, int fault, struct passwd *ret, char *buffer,
                                     size_t size, int *ret_errno) {
        _cleanup_(answer_done) Answer answer = {};
        int saved = errno, r;

        r = query_user_possible(&query);
        if (r > 0)
                r = socket_user(&query, &answer);
        if (r == 0)
                return nss_none(ret_errno);
        if (r < 0)
                return nss_unavailable(r == -ENOENT ? fault : r, ret_errno);
        errno = saved;
        return user_copy(&answer.user, ret, buffer, size, ret_errno);
}

static inline enum nss_status user_get(Query query, struct passwd *ret, char *buffer, size_t size,
                                       int *ret_errno) {
        enum nss_status status;
        MapView spare;
        MapUser user;
        Hold hold;
        int r;

        r = lookup_user(query, &hold, &spare, &user);
        if (r == 0)
                return nss_none(ret_errno);
        if (r < 0)
                return user_ask(query, r, ret, buffer, size, ret_errno);
        status = user_copy(&user, ret, buffer, size, ret_errno);
        mapping_release(hold);
        return status;
}

NSS_UM_LOOKUP enum nss_status _nss_um_getpwnam_r(const char *name, struct passwd *ret, char *buffer,
                                                 size_t size, int *ret_errno) {
        Query query = { .name = name, .len = name ? strnlen(name, BASE_NAME_MAX + 1) : 0 };

        return query.len == 0 ? nss_none(ret_errno) : user_get(query, ret, buffer, size, ret_errno);
}

NSS_UM_LOOKUP enum nss_status _nss_um_getpwuid_r(uid_t uid, struct passwd *ret, char *buffer,
                                                 size_t size, int *ret_errno) {
        Query query = { .id = uid };

        return user_get(query, ret, buffer, size, ret_errno);
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

NSS_UM_EXPORT enum nss_status _nss_um_setpwent(int stay_open) {
        walk_end();
        return NSS_STATUS_SUCCESS;
}

NSS_UM_EXPORT enum nss_status _nss_um_endpwent(void) {
        walk_end();
        return NSS_STATUS_SUCCESS;
}

NSS_UM_EXPORT enum nss_status _nss_um_getpwent_r(struct passwd *ret, char *buffer, size_t size,
                                                 int *ret_errno) {
        enum nss_status status;
        MapCursor before;
        MapUser user;
        int r = walk.begun ? 0 : walk_begin();

        if (r < 0)
                return nss_unavailable(r, ret_errno);
        if (walk.over)
                return nss_none(ret_errno);
        before = walk.cursor;
        r = map_user_next(&walk.view, &walk.cursor, &user);
        if (r <= 0) {
                walk_over();
                return r == 0 ? nss_none(ret_errno) : nss_unavailable(r, ret_errno);
        }
        status = user_copy(&user, ret, buffer, size, ret_errno);
        if (status != NSS_STATUS_SUCCESS)
                walk.cursor = before; /* the same one again, with a larger buffer */
        return status;
}

/* Only of the thread that unloads; others' walks that were never ended stay mapped. */
static __attribute__((destructor)) void walk_unload(void) {
        walk_end();
}
