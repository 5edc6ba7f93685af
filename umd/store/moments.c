/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* When something of a user's begins or ends by itself: rows by time, so that whoever waits for the
 * next one looks at one row and never at the users.  A row stays as long as what it is of, also
 * when its time is past: a clock that is set back finds it again.
 *
 * They stand in front of all users, beside the holders of roles, where a grant is written anyway.
 * In front of them is how far they have been told, as the key of the last one. */

#include <errno.h>
#include <string.h>

#include "umd/store/internal.h"

#define MOMENT_PREFIX    'm'
#define MOMENT_HEAD      (USER_KEY_BYTES + 1) /* uid 0, 'm': the key of what was told */
#define MOMENT_BYTES     13U                  /* time, uid, kind */
#define MOMENT_KEY_BYTES (MOMENT_HEAD + MOMENT_BYTES)

static void moment_key(const StoreMoment *moment, uint8_t *ret) {
        key_u32(ret, 0);
        ret[USER_KEY_BYTES] = MOMENT_PREFIX;
        key_u64(ret + MOMENT_HEAD, moment->usec);
        key_u32(ret + MOMENT_HEAD + 8, moment->uid);
        ret[MOMENT_HEAD + 12] = (uint8_t)moment->kind;
}

static StoreMoment moment_read(const uint8_t *bytes) {
        return (StoreMoment){
                .usec = key_read_u64(bytes),
                .uid = key_read_u32(bytes + 8),
                .kind = (StoreMomentKind)bytes[12],
        };
}

int store_moment_compare(const StoreMoment *a, const StoreMoment *b) {
        uint8_t x[MOMENT_KEY_BYTES], y[MOMENT_KEY_BYTES];

        moment_key(a, x);
        moment_key(b, y);
        return memcmp(x, y, sizeof(x));
}

int store_moment_put(StoreTxn *txn, const StoreMoment *moment) {
        uint8_t key[MOMENT_KEY_BYTES];

        if (moment->usec == 0 || moment->usec == USEC_INFINITY)
                return 0;
        moment_key(moment, key);
        return table_put(txn, TABLE_USERS, key, sizeof(key), "", 0, 0);
}

int store_moment_delete(StoreTxn *txn, const StoreMoment *moment) {
        uint8_t key[MOMENT_KEY_BYTES];

        moment_key(moment, key);
        return table_delete(txn, TABLE_USERS, key, sizeof(key));
}

int store_moment_next(StoreTxn *txn, const StoreMoment *after, StoreMoment *ret) {
        _cleanup_(mdb_cursor_closep) MDB_cursor *cursor = NULL;
        uint8_t start[MOMENT_KEY_BYTES];
        MDB_val key = { sizeof(start), start }, data;
        int r;

        moment_key(after, start);
        r = table_cursor(txn, TABLE_USERS, &cursor);
        if (r == 0)
                r = cursor_get(cursor, &key, &data, MDB_SET_RANGE);
        if (r == 0 && key.mv_size == sizeof(start) &&
            memcmp(key.mv_data, start, sizeof(start)) == 0)
                r = cursor_get(cursor, &key, &data, MDB_NEXT);
        if (r != 0)
                return r;
        if (key.mv_size < MOMENT_HEAD || memcmp(key.mv_data, start, MOMENT_HEAD) != 0)
                return STORE_E_MISSING;
        if (key.mv_size != MOMENT_KEY_BYTES)
                return -EBADMSG;
        *ret = moment_read((const uint8_t *)key.mv_data + MOMENT_HEAD);
        return 0;
}

int store_moment_told(StoreTxn *txn, StoreMoment *ret) {
        uint8_t key[MOMENT_KEY_BYTES];
        MDB_val data;
        int r;

        moment_key(&(StoreMoment){ 0 }, key);
        r = table_get(txn, TABLE_USERS, key, MOMENT_HEAD, &data);
        if (r != 0)
                return r;
        if (data.mv_size != MOMENT_BYTES)
                return -EBADMSG;
        *ret = moment_read(data.mv_data);
        return 0;
}

int store_moment_tell(StoreTxn *txn, const StoreMoment *moment) {
        uint8_t key[MOMENT_KEY_BYTES];

        moment_key(moment, key);
        return table_put(txn, TABLE_USERS, key, MOMENT_HEAD, key + MOMENT_HEAD, MOMENT_BYTES, 0);
}
