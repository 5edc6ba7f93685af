/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One counter gives the ids of users and groups alike.  It only rises, and stands in the meta
 * record: an id that a committed transaction took is never given again, whatever becomes of it. */

#include <errno.h>

#include "umd/store/internal.h"

int store_id_used(StoreTxn *txn, uint32_t id, bool *ret) {
        uint8_t key[USER_KEY_BYTES]; /* as long as a group's */
        MDB_val data;
        int r;

        key_u32(key, id);
        r = table_get(txn, TABLE_USERS, key, sizeof(key), &data);
        if (r == STORE_E_MISSING)
                r = table_get(txn, TABLE_GROUPS, key, sizeof(key), &data);
        if (r < 0)
                return r;
        *ret = r == 0;
        return 0;
}

uint32_t store_id_next(const StoreTxn *txn) {
        return txn->meta.next_id;
}

int store_id_allocate(StoreTxn *txn, uint32_t first, uint32_t last,
                      bool (*taken)(void *userdata, uint32_t id), void *userdata, uint32_t *ret) {
        uint32_t id = txn->meta.next_id > first ? txn->meta.next_id : first;

        if (!txn->writing || last == UINT32_MAX)
                return -EINVAL;
        for (; id <= last; id++) {
                bool used;
                int r = store_id_used(txn, id, &used);

                if (r < 0)
                        return r;
                if (used || (taken && taken(userdata, id)))
                        continue;
                txn->meta.next_id = id + 1;
                txn->meta_changed = true;
                *ret = id;
                return 0;
        }
        return STORE_E_FULL;
}
