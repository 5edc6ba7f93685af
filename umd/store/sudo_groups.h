/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A page of store.h, which includes it: sudo command groups (FEATURES D15). */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct StoreTxn;

typedef struct StoreSudoGroup {
        uint64_t version;
        const char *name, *description;
        const char *const *commands;       /* ends with NULL */
        const char *run_as, *run_as_group; /* the group "": none */
        bool no_password;
        bool broad; /* has commands that amount to more than themselves */
        uint64_t created_usec;
        uid_t created_by;
} StoreSudoGroup;

/* As those of roles. */
int store_sudo_group_get(struct StoreTxn *txn, const char *name, StoreSudoGroup **ret);
int store_sudo_group_put(struct StoreTxn *txn, const StoreSudoGroup *group);
int store_sudo_group_delete(struct StoreTxn *txn, const char *name);
int store_sudo_group_each(struct StoreTxn *txn, int (*each)(void *userdata, StoreSudoGroup **group),
                          void *userdata);
StoreSudoGroup *store_sudo_group_free(StoreSudoGroup *group);

static inline void store_sudo_group_freep(StoreSudoGroup **group) {
        *group = store_sudo_group_free(*group);
}
