/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Policy values, what was set where: part of store.h, which includes it, on a page of its own. */

#include "umd/store/store.h"

/* As the rows have it: numbers of their own, since PolicyLevel gets more levels. */
typedef enum StorePolicyLevel {
        STORE_POLICY_COMPANY = 'c',
        STORE_POLICY_DEPARTMENT = 'd',
        STORE_POLICY_ROLE = 'r',
        STORE_POLICY_USER = 'u',
} StorePolicyLevel;

typedef struct StorePolicyValue {
        uint32_t level;      /* StorePolicyLevel */
        const char *subject; /* whose: the tenant, the department, the role, or the uid in decimal;
                                with level and name the key */
        const char *name, *value;
        uid_t by;
        uint64_t set_usec;
} StorePolicyValue;

int store_policy_value_put(StoreTxn *txn, const StorePolicyValue *value); /* new or replaced */
/* STORE_E_MISSING */
int store_policy_value_delete(StoreTxn *txn, StorePolicyLevel level, const char *subject,
                              const char *name);
/* Has any subject of the level a value?  0 or STORE_E_MISSING. */
int store_policy_value_any(StoreTxn *txn, StorePolicyLevel level);
/* STORE_E_MISSING */
int store_policy_value_get(StoreTxn *txn, StorePolicyLevel level, const char *subject,
                           const char *name, StorePolicyValue **ret);
StorePolicyValue *store_policy_value_free(StorePolicyValue *value);

static inline void store_policy_value_freep(StorePolicyValue **value) {
        *value = store_policy_value_free(*value);
}

/* All of one subject by name; a value other than 0 from each ends the walk and is returned.  Valid
 * during the call; each may read, not write. */
int store_policy_value_each(StoreTxn *txn, StorePolicyLevel level, const char *subject,
                            int (*each)(void *userdata, const StorePolicyValue *value),
                            void *userdata);
/* All there are, by level, subject and name: those behind `after` (NULL: from the start; its level,
 * subject and name count). */
int store_policy_value_all(StoreTxn *txn, const StorePolicyValue *after,
                           int (*each)(void *userdata, const StorePolicyValue *value),
                           void *userdata);
