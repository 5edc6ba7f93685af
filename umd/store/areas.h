/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Areas of permissions that applications registered: part of store.h, which includes it, on a page
 * of its own. */

#include "umd/store/store.h"

#define STORE_AREA_MAX PERMISSION_AREA_COUNT_MAX /* permissions of one, those that are gone too */

typedef struct StoreAreaPermission {
        const char *name, *meaning;
        uint32_t category; /* PermissionCategory */
        bool reads;
        bool gone; /* nobody has it any more; the name is kept, since roles use it */
} StoreAreaPermission;

typedef struct StoreArea {
        uint64_t version;
        const char *name, *app;
        const StoreAreaPermission *permissions; /* 1 to STORE_AREA_MAX */
        size_t permission_count;
        uint64_t created_usec;
        uid_t created_by;
} StoreArea;

int store_area_get(StoreTxn *txn, const char *name, StoreArea **ret); /* STORE_E_MISSING */
/* As store_role_put(). */
int store_area_put(StoreTxn *txn, const StoreArea *area);
int store_area_delete(StoreTxn *txn, const char *name); /* STORE_E_MISSING */
/* As store_role_each(). */
int store_area_each(StoreTxn *txn, int (*each)(void *userdata, StoreArea **area), void *userdata);
StoreArea *store_area_free(StoreArea *area);

static inline void store_area_freep(StoreArea **area) {
        *area = store_area_free(*area);
}
