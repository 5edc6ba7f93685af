/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The sessions that are open: what is needed to find out, after umd was away, whether one still is.
 * Who opened it, from where and by what is in the log, under the same number.
 *
 * The rows stand in LMDB's unnamed table, beside the meta record, which every commit writes anyway:
 * to open and close a session costs no page of its own. */

#include "umd/store/internal.h"

#define SESSION_KEY_BYTES 9U
#define SESSION_PREFIX    's'

static const CodecField session_fields[] = {
        { 1, CODEC_U64, true, offsetof(StoreSession, seq), 0, 0 },
        { 2, CODEC_U32, true, offsetof(StoreSession, uid), 0, 0 },
        { 3, CODEC_U32, false, offsetof(StoreSession, pid), 0, 0 },
        { 4, CODEC_U64, false, offsetof(StoreSession, start_ticks), 0, 0 },
};

const CodecKind codec_session = { 9, 1, sizeof(StoreSession), session_fields,
                                  ARRAY_LENGTH(session_fields) };

static void session_key(uint8_t *key, uint64_t seq) {
        key[0] = SESSION_PREFIX;
        key_u64(key + 1, seq);
}

int store_session_put(StoreTxn *txn, const StoreSession *session) {
        uint8_t key[SESSION_KEY_BYTES];

        session_key(key, session->seq);
        return record_put(txn, TABLE_MAIN, key, sizeof(key), &codec_session, session, 0);
}

int store_session_delete(StoreTxn *txn, uint64_t seq) {
        uint8_t key[SESSION_KEY_BYTES];

        session_key(key, seq);
        return table_delete(txn, TABLE_MAIN, key, sizeof(key));
}

/* The names of the other tables stand here too: none has this form. */
static bool is_session(const MDB_val *key) {
        return key->mv_size == SESSION_KEY_BYTES &&
               *(const uint8_t *)key->mv_data == SESSION_PREFIX;
}

int store_session_each(StoreTxn *txn, int (*each)(void *userdata, const StoreSession *session),
                       void *userdata) {
        _cleanup_(mdb_cursor_closep) MDB_cursor *cursor = NULL;
        _cleanup_free_ void *memory = NULL;
        uint8_t start[SESSION_KEY_BYTES];
        MDB_val key = { sizeof(start), start }, data;
        size_t size = 0;
        int r;

        session_key(start, 0);
        r = table_cursor(txn, TABLE_MAIN, &cursor);
        if (r < 0)
                return r;
        for (r = cursor_get(cursor, &key, &data, MDB_SET_RANGE); r == 0 && is_session(&key);
             r = cursor_get(cursor, &key, &data, MDB_NEXT)) {
                r = record_reuse(&codec_session, &data, &memory, &size);
                if (r == 0)
                        r = each(userdata, memory);
                if (r != 0)
                        return r;
        }
        return r < 0 ? r : 0;
}
