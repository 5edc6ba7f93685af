/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The lists behind host.c: one file's names and ids, what differs between two of them, and the ids
 * of running processes.  For host.c and its tests. */

#include "umd/umd.h"

typedef enum HostKind {
        HOST_PASSWD,
        HOST_GROUP,
        _HOST_KIND_MAX,
} HostKind;

typedef struct HostList HostList;

/* Reads /etc/passwd or /etc/group, or another path of that form; one that is not there is an empty
 * list that is absent. */
int host_list_read(const char *path, HostList **ret);
HostList *host_list_free(HostList *list);
bool host_list_is_absent(const HostList *list);
/* Is the file still the one that was read? */
bool host_list_is_current(const HostList *list);
bool host_list_has_name(const HostList *list, const char *name);
/* The id of that name; false also where lines of that name differ in it. */
bool host_list_id_of(const HostList *list, const char *name, uint32_t *ret);
/* The name at that place in their order; NULL behind the last. */
const char *host_list_name_at(const HostList *list, size_t at);
/* Whose the id is (one of them), or NULL; valid as long as the list. */
const char *host_list_name_of(const HostList *list, uint32_t id);

/* Whose home the path is: root's or a user's (uid 1000 and above, but nobody's), or NULL; valid as
 * long as the list.  /etc/group has none. */
const char *host_list_owner_of(const HostList *list, const char *home);

/* Names and ids that only one of the two lists has.  Borrows from both lists. */
int host_diff_new(const HostList *before, const HostList *after, HostDiff **ret);
HostDiff *host_diff_free(HostDiff *diff);

/* Uids and gids of processes, of all four kinds, unsorted; what proc does not show is not there.
 * *ret is the caller's. */
int host_process_ids(const char *proc, uint32_t **ret, size_t *ret_count);

static inline void host_list_freep(HostList **list) {
        *list = host_list_free(*list);
}

static inline void host_diff_freep(HostDiff **diff) {
        *diff = host_diff_free(*diff);
}
