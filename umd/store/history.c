/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Former passwords, for password.history: what the vault sealed stays as it was, and only the vault
 * can hold anything against it.
 *
 * They stand behind the user's credential, a row each, by the number the verifier is bound to: the
 * last row is the latest, and a login reads none of them. */

#include <errno.h>
#include <string.h>

#include "umd/store/internal.h"

#define PAST_KEY_BYTES 13U /* uid, the mark, version */
#define PAST_MARK      'h'

static const CodecField past_fields[] = {
        { 1, CODEC_U32, true, offsetof(StorePast, uid), 0, 0 },
        { 2, CODEC_BYTES, true, offsetof(StorePast, password.bytes),
          offsetof(StorePast, password.len), CODEC_VERIFIER_MAX },
        { 3, CODEC_U64, true, offsetof(StorePast, password.version), 0, 0 },
        { 4, CODEC_U64, false, offsetof(StorePast, until_usec), 0, 0 },
};

const CodecKind codec_history = { 15, 1, sizeof(StorePast), past_fields,
                                  ARRAY_LENGTH(past_fields) };

static void past_key(uint8_t *key, uid_t uid, uint64_t version) {
        key_u32(key, uid);
        key[4] = PAST_MARK;
        key_u64(key + 5, version);
}

static bool is_past_of(const MDB_val *key, uid_t uid) {
        return key->mv_size == PAST_KEY_BYTES && ((const uint8_t *)key->mv_data)[4] == PAST_MARK &&
               key_read_u32(key->mv_data) == uid;
}

static int past_decode(const MDB_val *key, const MDB_val *data, StorePast **ret) {
        _cleanup_free_ StorePast *past = NULL;
        int r;

        r = codec_decode(&codec_history, data->mv_data, data->mv_size, 0, (void **)&past, NULL);
        if (r < 0)
                return r;
        if (past->uid != key_read_u32(key->mv_data) ||
            past->password.version != key_read_u64((const uint8_t *)key->mv_data + 5))
                return -EBADMSG;
        *ret = TAKE(past);
        return 0;
}

int store_history_put(StoreTxn *txn, const StorePast *past) {
        uint8_t key[PAST_KEY_BYTES];

        past_key(key, past->uid, past->password.version);
        return record_put(txn, TABLE_CREDENTIALS, key, sizeof(key), &codec_history, past, 0);
}

/* The list turned round: keys rise, and the latest is wanted first. */
static void history_reverse(StoreHistory *history) {
        for (size_t i = 0; i < history->count / 2; i++) {
                StorePast **a = &history->list[i], **b = &history->list[history->count - 1 - i],
                          *kept = *a;

                *a = *b;
                *b = kept;
        }
}

int store_history_of_user(StoreTxn *txn, uid_t uid, StoreHistory *ret) {
        _cleanup_(mdb_cursor_closep) MDB_cursor *cursor = NULL;
        _cleanup_(store_history_done) StoreHistory history = { 0 };
        uint8_t start[PAST_KEY_BYTES];
        MDB_val key = { sizeof(start), start }, data;
        int r;

        past_key(start, uid, 0);
        r = table_cursor(txn, TABLE_CREDENTIALS, &cursor);
        if (r < 0)
                return r;
        for (r = cursor_get(cursor, &key, &data, MDB_SET_RANGE); r == 0 && is_past_of(&key, uid);
             r = cursor_get(cursor, &key, &data, MDB_NEXT)) {
                if (history.count == STORE_HISTORY_MAX)
                        return -EBADMSG;
                r = past_decode(&key, &data, &history.list[history.count]);
                if (r < 0)
                        return r;
                history.count++;
        }
        if (r < 0)
                return r;
        history_reverse(&history);
        *ret = history;
        history = (StoreHistory){ 0 };
        return 0;
}

void store_history_done(StoreHistory *history) {
        for (size_t i = 0; i < history->count; i++)
                free(history->list[i]);
        *history = (StoreHistory){ 0 };
}

/* How many there are, and the version of the oldest. */
static int history_count(StoreTxn *txn, uid_t uid, size_t *ret, uint64_t *ret_oldest) {
        _cleanup_(mdb_cursor_closep) MDB_cursor *cursor = NULL;
        uint8_t start[PAST_KEY_BYTES];
        MDB_val key = { sizeof(start), start }, data;
        uint64_t oldest = 0;
        size_t count = 0;
        int r;

        past_key(start, uid, 0);
        r = table_cursor(txn, TABLE_CREDENTIALS, &cursor);
        if (r < 0)
                return r;
        for (r = cursor_get(cursor, &key, &data, MDB_SET_RANGE); r == 0 && is_past_of(&key, uid);
             r = cursor_get(cursor, &key, &data, MDB_NEXT))
                if (count++ == 0)
                        oldest = key_read_u64((const uint8_t *)key.mv_data + 5);
        if (r < 0)
                return r;
        *ret = count;
        *ret_oldest = oldest;
        return 0;
}

int store_history_keep(StoreTxn *txn, uid_t uid, size_t count) {
        uint8_t key[PAST_KEY_BYTES];
        uint64_t oldest;
        size_t there;
        int r;

        if (!txn->writing)
                return -EINVAL;
        for (;;) {
                r = history_count(txn, uid, &there, &oldest);
                if (r < 0 || there <= count)
                        return r;
                past_key(key, uid, oldest);
                r = table_delete(txn, TABLE_CREDENTIALS, key, sizeof(key));
                if (r != 0)
                        return r < 0 ? r : -EUCLEAN;
        }
}
