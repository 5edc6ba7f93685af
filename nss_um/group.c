/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The group database.  A record is handed out as one copy of its strings into the caller's buffer,
 * in front of them the array of members, aligned whatever the buffer's address. */

#include <string.h>

#include "map/map.h"
#include "nss_um/nss_um.h"

/* The reader has checked the members' offsets; another process may have written them since. */
static inline char *member_string(const MapGroup *group, uint32_t i, char *strings) {
        uint32_t at = __atomic_load_n(&group->member_at[i], __ATOMIC_RELAXED);

        return strings + (at < group->strings_bytes ? at : 0);
}

enum nss_status group_copy(const MapGroup *group, Request request, int *ret_errno) {
        size_t skip = -(uintptr_t)request.buffer % _Alignof(char *), size = request.size,
               array = ((size_t)group->member_count + 1) * sizeof(char *);
        char *strings, **members;

        if (!request.buffer || size < skip || size - skip < array ||
            size - skip - array < group->strings_bytes)
                return nss_too_small(ret_errno);
        members = (char **)(void *)(request.buffer + skip);
        strings = request.buffer + skip + array;
        memcpy(strings, group->strings, group->strings_bytes);
        strings[group->strings_bytes - 1] = '\0';
        for (uint32_t i = 0; i < group->member_count; i++)
                members[i] = member_string(group, i, strings);
        members[group->member_count] = NULL;
        *(struct group *)request.ret = (struct group){
                .gr_name = strings,
                .gr_passwd = strings + group->password_at,
                .gr_gid = group->gid,
                .gr_mem = members,
        };
        return NSS_STATUS_SUCCESS;
}

NSS_UM_LOOKUP enum nss_status _nss_um_getgrnam_r(const char *name, struct group *ret, char *buffer,
                                                 size_t size, int *ret_errno) {
        Request request = request_by_name(KIND_GROUP, name, ret, buffer, size);

        return lookup(request, ret_errno);
}

NSS_UM_LOOKUP enum nss_status _nss_um_getgrgid_r(gid_t gid, struct group *ret, char *buffer,
                                                 size_t size, int *ret_errno) {
        Request request = request_by_id(KIND_GROUP, gid, ret, buffer, size);

        return lookup(request, ret_errno);
}

/* A thread's own, as that of passwd.c. */
static __thread Walk walk;

NSS_UM_EXPORT enum nss_status _nss_um_setgrent(int stay_open) {
        walk_end(&walk);
        return NSS_STATUS_SUCCESS;
}

NSS_UM_EXPORT enum nss_status _nss_um_endgrent(void) {
        walk_end(&walk);
        return NSS_STATUS_SUCCESS;
}

NSS_UM_EXPORT enum nss_status _nss_um_getgrent_r(struct group *ret, char *buffer, size_t size,
                                                 int *ret_errno) {
        Request request = request_by_id(KIND_GROUP, 0, ret, buffer, size);

        return walk_next(&walk, request, ret_errno);
}
