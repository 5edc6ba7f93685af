/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One record of one table: get, put, delete, walk; the index of names; the meta record.
 *
 * A write that fails marks the transaction: half of a change can never be committed.  LMDB's own
 * error numbers end here, in store_fault(). */

#include <errno.h>
#include <string.h>

#include "umd/store/internal.h"

#define META_KEY "meta"

#define META_BYTES_MAX 256U

#define FORMER_BYTES 12U /* uid, until when: as keys are written */

/* What a write may take of the map: the path from the root is copied, and pages split.  Several
 * times of what it is on average, since a batch is ended by it and nothing else. */
#define WRITE_PAGES 8U

static const CodecField meta_fields[] = {
        { 1, CODEC_FIXED, true, offsetof(Meta, id), 0, 16 },
        { 2, CODEC_U64, true, offsetof(Meta, users), 0, 0 },
        { 3, CODEC_U64, true, offsetof(Meta, groups), 0, 0 },
        { 4, CODEC_U32, true, offsetof(Meta, next_id), 0, 0 },
        { 5, CODEC_U64, true, offsetof(Meta, audit_last), 0, 0 },
        { 6, CODEC_FIXED, true, offsetof(Meta, audit_hash), 0, STORE_HASH_BYTES },
        { 7, CODEC_U64, true, offsetof(Meta, event_first), 0, 0 },
        { 8, CODEC_U64, true, offsetof(Meta, event_last), 0, 0 },
};

/* The version of the meta record is the schema of the whole store. */
const CodecKind codec_meta = { 1, STORE_SCHEMA, sizeof(Meta), meta_fields,
                               ARRAY_LENGTH(meta_fields) };

int store_fault(int mdb_error) {
        switch (mdb_error) {
        case MDB_SUCCESS:
                return 0;
        case MDB_MAP_FULL:
                return -ENOSPC;
        case MDB_PANIC:
                return -EIO;
        case MDB_TXN_FULL:
        case MDB_CURSOR_FULL:
                return -E2BIG;
        case MDB_READERS_FULL:
        case MDB_DBS_FULL:
        case MDB_TLS_FULL:
                return -EAGAIN;
        case MDB_CORRUPTED:
        case MDB_PAGE_NOTFOUND:
        case MDB_KEYEXIST: /* where only new keys are put, the table does not fit the meta record */
        case MDB_INVALID:
        case MDB_INCOMPATIBLE:
                return -EBADMSG;
        }
        return mdb_error > 0 ? -mdb_error : -EINVAL;
}

static int write_fault(StoreTxn *txn, int mdb_error) {
        int r = store_fault(mdb_error);

        if (r == 0)
                return 0;
        if (mdb_error == MDB_MAP_FULL)
                txn->store->grow = true;
        if (txn->fault == 0)
                txn->fault = r;
        return r;
}

int table_get(StoreTxn *txn, Table table, const void *key, size_t key_len, MDB_val *ret) {
        MDB_val k = { key_len, (void *)(uintptr_t)key };
        int r = mdb_get(txn->mdb, txn->store->dbi[table], &k, ret);

        return r == MDB_NOTFOUND ? STORE_E_MISSING : store_fault(r);
}

int table_put(StoreTxn *txn, Table table, const void *key, size_t key_len, const void *data,
              size_t len, unsigned flags) {
        MDB_val k = { key_len, (void *)(uintptr_t)key }, v = { len, (void *)(uintptr_t)data };

        if (!txn->writing)
                return -EINVAL;
        txn->store->used_pages += WRITE_PAGES + len / txn->store->page_bytes;
        return write_fault(txn, mdb_put(txn->mdb, txn->store->dbi[table], &k, &v, flags));
}

int table_delete(StoreTxn *txn, Table table, const void *key, size_t key_len) {
        MDB_val k = { key_len, (void *)(uintptr_t)key };
        int r;

        if (!txn->writing)
                return -EINVAL;
        txn->store->used_pages += WRITE_PAGES;
        r = mdb_del(txn->mdb, txn->store->dbi[table], &k, NULL);
        return r == MDB_NOTFOUND ? STORE_E_MISSING : write_fault(txn, r);
}

int table_cursor(StoreTxn *txn, Table table, MDB_cursor **ret) {
        return store_fault(mdb_cursor_open(txn->mdb, txn->store->dbi[table], ret));
}

int cursor_get(MDB_cursor *cursor, MDB_val *key, MDB_val *data, MDB_cursor_op op) {
        int r = mdb_cursor_get(cursor, key, data, op);

        return r == MDB_NOTFOUND ? STORE_E_MISSING : store_fault(r);
}

int record_put(StoreTxn *txn, Table table, const void *key, size_t key_len, const CodecKind *kind,
               const void *record, unsigned flags) {
        CodecBuffer *scratch = &txn->store->scratch;
        int r;

        r = codec_encode(kind, record, scratch);
        if (r < 0)
                return r;
        return table_put(txn, table, key, key_len, scratch->data, scratch->len, flags);
}

/* Is the key behind all others of the table? */
static int key_is_last(StoreTxn *txn, Table table, const void *key, size_t key_len, bool *ret) {
        _cleanup_(mdb_cursor_closep) MDB_cursor *cursor = NULL;
        MDB_val k = { key_len, (void *)(uintptr_t)key }, last, data;
        int r;

        r = table_cursor(txn, table, &cursor);
        if (r == 0)
                r = cursor_get(cursor, &last, &data, MDB_LAST);
        if (r < 0)
                return r;
        *ret = r > 0 || mdb_cmp(txn->mdb, txn->store->dbi[table], &k, &last) > 0;
        return 0;
}

int record_put_rising(StoreTxn *txn, Table table, const void *key, size_t key_len,
                      const CodecKind *kind, const void *record, unsigned flags) {
        bool last;
        int r;

        r = key_is_last(txn, table, key, key_len, &last);
        return r < 0 ? r
                     : record_put(txn, table, key, key_len, kind, record,
                                  last ? MDB_APPEND : flags);
}

int record_get(StoreTxn *txn, Table table, const void *key, size_t key_len, const CodecKind *kind,
               void **ret) {
        MDB_val data;
        int r;

        r = table_get(txn, table, key, key_len, &data);
        if (r != 0)
                return r;
        return codec_decode(kind, data.mv_data, data.mv_size, 0, ret, NULL);
}

int record_reuse(const CodecKind *kind, const MDB_val *data, void **memory, size_t *size) {
        size_t needed;
        void *grown;
        int r;

        r = codec_measure(kind, data->mv_data, data->mv_size, &needed);
        if (r < 0)
                return r;
        if (needed > *size) {
                grown = realloc(*memory, needed * 2);
                if (!grown)
                        return -ENOMEM;
                *memory = grown;
                *size = needed * 2;
        }
        codec_fill(kind, data->mv_data, data->mv_size, *memory);
        return 0;
}

/* The record, and its schema as far as it says one: else 0. */
static int meta_get(MDB_txn *mdb, MDB_dbi main, MDB_val *ret, uint8_t *ret_schema) {
        MDB_val key = { strlen(META_KEY), (void *)(uintptr_t)META_KEY };
        const uint8_t *bytes;
        int r;

        r = mdb_get(mdb, main, &key, ret);
        if (r == MDB_NOTFOUND || r == MDB_INCOMPATIBLE || r == MDB_CORRUPTED ||
            r == MDB_PAGE_NOTFOUND)
                return STORE_E_DAMAGED;
        if (r != 0)
                return store_fault(r);
        bytes = ret->mv_data;
        *ret_schema =
                ret->mv_size >= CODEC_HEADER_BYTES && bytes[0] == codec_meta.kind ? bytes[1] : 0;
        return 0;
}

int meta_load(MDB_txn *mdb, MDB_dbi main, Meta *ret) {
        uint8_t schema;
        MDB_val data;
        size_t size;
        int r;

        r = meta_get(mdb, main, &data, &schema);
        if (r != 0)
                return r;
        if (schema > STORE_SCHEMA)
                return STORE_E_TOO_NEW;
        if (schema > 0 && schema < STORE_SCHEMA)
                return META_OLDER;
        if (codec_measure(&codec_meta, data.mv_data, data.mv_size, &size) < 0)
                return STORE_E_DAMAGED;
        codec_fill(&codec_meta, data.mv_data, data.mv_size, ret);
        return 0;
}

/* Schema 2 only added rows, the later ones fields that may be left out as well: the meta records
 * differ in the version alone, which keeps an older um from a store that it would not see all of.
 * What else schema 5 asks for is env.c's. */
int meta_upgrade(MDB_txn *mdb, MDB_dbi main) {
        MDB_val key = { strlen(META_KEY), (void *)(uintptr_t)META_KEY }, data;
        uint8_t schema, record[META_BYTES_MAX];
        size_t size;
        int r;

        r = meta_get(mdb, main, &data, &schema);
        if (r != 0)
                return r;
        if (data.mv_size > sizeof(record))
                return STORE_E_DAMAGED;
        memcpy(record, data.mv_data, data.mv_size);
        record[1] = STORE_SCHEMA;
        if (codec_measure(&codec_meta, record, data.mv_size, &size) < 0)
                return STORE_E_DAMAGED;
        data.mv_data = record;
        return store_fault(mdb_put(mdb, main, &key, &data, 0));
}

int meta_save(StoreTxn *txn) {
        return record_put(txn, TABLE_MAIN, META_KEY, strlen(META_KEY), &codec_meta, &txn->meta, 0);
}

static int index_key(IndexKind kind, const char *name, size_t len, uint8_t *ret) {
        if (len == 0 || len > INDEX_KEY_MAX)
                return -EINVAL;
        ret[0] = (uint8_t)kind;
        memcpy(ret + 1, name, len);
        return 0;
}

static int index_read(const MDB_val *data, uint32_t *ret) {
        if (data->mv_size != 4)
                return -EBADMSG;
        *ret = key_read_u32(data->mv_data);
        return 0;
}

int index_get(StoreTxn *txn, IndexKind kind, const char *name, size_t len, uint32_t *ret) {
        uint8_t key[1 + INDEX_KEY_MAX];
        MDB_val data;
        int r;

        if (index_key(kind, name, len, key) < 0)
                return STORE_E_MISSING;
        r = table_get(txn, TABLE_INDEX, key, 1 + len, &data);
        return r != 0 ? r : index_read(&data, ret);
}

int index_put(StoreTxn *txn, IndexKind kind, const char *name, size_t len, uint32_t id) {
        uint8_t key[1 + INDEX_KEY_MAX], value[4];
        int r;

        r = index_key(kind, name, len, key);
        if (r < 0)
                return r;
        key_u32(value, id);
        return table_put(txn, TABLE_INDEX, key, 1 + len, value, sizeof(value), MDB_NOOVERWRITE);
}

int index_delete(StoreTxn *txn, IndexKind kind, const char *name, size_t len) {
        uint8_t key[1 + INDEX_KEY_MAX];
        int r;

        r = index_key(kind, name, len, key);
        if (r == 0)
                r = table_delete(txn, TABLE_INDEX, key, 1 + len);
        return r == STORE_E_MISSING ? -EBADMSG : r;
}

int index_next(StoreTxn *txn, IndexKind kind, const char *after, uint32_t *ret) {
        _cleanup_(mdb_cursor_closep) MDB_cursor *cursor = NULL;
        uint8_t start[1 + INDEX_KEY_MAX] = { (uint8_t)kind };
        size_t len = strnlen(after, INDEX_KEY_MAX + 1);
        MDB_val key = { 1 + len, start }, data;
        int r;

        if (len > INDEX_KEY_MAX)
                return -EINVAL;
        memcpy(start + 1, after, len);
        r = table_cursor(txn, TABLE_INDEX, &cursor);
        if (r < 0)
                return r;
        r = cursor_get(cursor, &key, &data, MDB_SET_RANGE);
        if (r == 0 && key.mv_size == 1 + len && memcmp(key.mv_data, start, 1 + len) == 0)
                r = cursor_get(cursor, &key, &data, MDB_NEXT);
        if (r != 0)
                return r;
        return *(uint8_t *)key.mv_data == start[0] ? index_read(&data, ret) : STORE_E_MISSING;
}

int former_get(StoreTxn *txn, const char *name, uid_t *ret_uid, uint64_t *ret_until_usec) {
        uint8_t key[1 + INDEX_KEY_MAX];
        size_t len = strlen(name);
        MDB_val data;
        int r;

        if (index_key(INDEX_FORMER, name, len, key) < 0)
                return STORE_E_MISSING;
        r = table_get(txn, TABLE_INDEX, key, 1 + len, &data);
        if (r != 0)
                return r;
        if (data.mv_size != FORMER_BYTES)
                return -EBADMSG;
        *ret_uid = key_read_u32(data.mv_data);
        *ret_until_usec = key_read_u64((const uint8_t *)data.mv_data + 4);
        return 0;
}

int former_put(StoreTxn *txn, const char *name, uid_t uid, uint64_t until_usec) {
        uint8_t key[1 + INDEX_KEY_MAX], value[FORMER_BYTES];
        size_t len = strlen(name);
        int r;

        r = index_key(INDEX_FORMER, name, len, key);
        if (r < 0)
                return r;
        key_u32(value, uid);
        key_u64(value + 4, until_usec);
        return table_put(txn, TABLE_INDEX, key, 1 + len, value, sizeof(value), MDB_NOOVERWRITE);
}

int name_used(StoreTxn *txn, const char *name, uid_t uid, bool *ret) {
        size_t len = strlen(name);
        bool his = false;
        uint64_t until_usec;
        uint32_t id;
        int r;

        r = index_get(txn, INDEX_USER, name, len, &id);
        if (r == STORE_E_MISSING)
                r = index_get(txn, INDEX_GROUP, name, len, &id);
        if (r == STORE_E_MISSING) {
                r = former_get(txn, name, &id, &until_usec);
                his = r == 0 && id == uid;
        }
        if (r < 0)
                return r;
        *ret = r == 0 && !his;
        return 0;
}
