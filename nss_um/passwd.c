/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The passwd database.  A record is handed out as one copy of its strings into the caller's buffer;
 * nothing of it, not even an empty string, stays in the map. */

#include <string.h>

#include "map/map.h"
#include "nss_um/nss_um.h"

enum nss_status user_copy(const MapUser *user, Request request, int *ret_errno) {
        char *buffer = request.buffer;

        if (!buffer || request.size < user->strings_bytes)
                return nss_too_small(ret_errno);
        memcpy(buffer, user->strings, user->strings_bytes);
        buffer[user->strings_bytes - 1] = '\0'; /* whatever became of the map's own meanwhile */
        *(struct passwd *)request.ret = (struct passwd){
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

NSS_UM_LOOKUP enum nss_status _nss_um_getpwnam_r(const char *name, struct passwd *ret, char *buffer,
                                                 size_t size, int *ret_errno) {
        Request request = request_by_name(KIND_USER, name, ret, buffer, size);

        return lookup(request, ret_errno);
}

NSS_UM_LOOKUP enum nss_status _nss_um_getpwuid_r(uid_t uid, struct passwd *ret, char *buffer,
                                                 size_t size, int *ret_errno) {
        Request request = request_by_id(KIND_USER, uid, ret, buffer, size);

        return lookup(request, ret_errno);
}

/* A thread's own: glibc's callers may walk in several threads (SECURITY F7). */
static __thread Walk walk;

NSS_UM_EXPORT enum nss_status _nss_um_setpwent(int stay_open) {
        walk_end(&walk);
        return NSS_STATUS_SUCCESS;
}

NSS_UM_EXPORT enum nss_status _nss_um_endpwent(void) {
        walk_end(&walk);
        return NSS_STATUS_SUCCESS;
}

NSS_UM_EXPORT enum nss_status _nss_um_getpwent_r(struct passwd *ret, char *buffer, size_t size,
                                                 int *ret_errno) {
        Request request = request_by_id(KIND_USER, 0, ret, buffer, size);

        return walk_next(&walk, request, ret_errno);
}
