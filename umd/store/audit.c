/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The audit chain: entry n's hash covers entry n-1's hash and the bytes of entry n's record, which
 * has a digest of its values.  The values themselves stand beside the chain, under a salt, so that
 * they can be erased one day and the chain still verifies, and cannot be guessed from the digest.
 *
 * The chain begins at a hash of the store's id: a chain cannot be moved from one store to another.
 * The meta record keeps the last number and hash, so that an end that was cut off is missed. */

#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "umd/store/internal.h"

#define VALUES_MAX      256U
#define VALUES_MAX_SIZE (1U << 20)
#define VALUE_BEFORE    1U
#define VALUE_AFTER     2U

static const CodecField audit_fields[] = {
        { 1, CODEC_U64, true, offsetof(AuditRecord, entry.seq), 0, 0 },
        { 2, CODEC_U64, true, offsetof(AuditRecord, entry.time_usec), 0, 0 },
        { 3, CODEC_TEXT, true, offsetof(AuditRecord, entry.type), 0, CODEC_KEY_MAX },
        { 4, CODEC_TEXT, true, offsetof(AuditRecord, entry.verb), 0, CODEC_KEY_MAX },
        { 5, CODEC_TEXT, false, offsetof(AuditRecord, entry.object), 0, CODEC_TEXT_MAX },
        { 6, CODEC_U32, false, offsetof(AuditRecord, entry.object_id), 0, 0 },
        { 7, CODEC_U32, true, offsetof(AuditRecord, entry.actor), 0, 0 },
        { 8, CODEC_U32, true, offsetof(AuditRecord, entry.login_uid), 0, 0 },
        { 9, CODEC_TEXT, false, offsetof(AuditRecord, entry.via), 0, CODEC_KEY_MAX },
        { 10, CODEC_TEXT, false, offsetof(AuditRecord, entry.service), 0, CODEC_TEXT_MAX },
        { 11, CODEC_TEXT, false, offsetof(AuditRecord, entry.source), 0, CODEC_TEXT_MAX },
        { 12, CODEC_TEXT, false, offsetof(AuditRecord, entry.tty), 0, CODEC_TEXT_MAX },
        { 13, CODEC_TEXT, false, offsetof(AuditRecord, entry.outcome), 0, CODEC_KEY_MAX },
        { 14, CODEC_TEXT, false, offsetof(AuditRecord, entry.reason), 0, CODEC_TEXT_MAX },
        { 15, CODEC_BYTES, false, offsetof(AuditRecord, digest), offsetof(AuditRecord, digest_len),
          STORE_HASH_BYTES },
};

const CodecKind codec_audit = { 6, 1, sizeof(AuditRecord), audit_fields,
                                ARRAY_LENGTH(audit_fields) };

static const CodecField values_fields[] = {
        { 1, CODEC_FIXED, true, offsetof(ValuesRecord, salt), 0, 16 },
        { 2, CODEC_BYTES, false, offsetof(ValuesRecord, list), offsetof(ValuesRecord, list_len),
          VALUES_MAX_SIZE },
        { 3, CODEC_BYTES, false, offsetof(ValuesRecord, undo), offsetof(ValuesRecord, undo_len),
          STORE_UNDO_BYTES_MAX },
        { 4, CODEC_U64, false, offsetof(ValuesRecord, undoes), 0, 0 },
        { 5, CODEC_U32, false, offsetof(ValuesRecord, parts), 0, 0 },
};

#define TAG_LIST 2U

const CodecKind codec_values = { 7, 1, sizeof(ValuesRecord), values_fields,
                                 ARRAY_LENGTH(values_fields) };

/* hash(previous, record) and, with previous NULL, hash(blob). */
static void hash_bytes(const uint8_t *previous, const void *data, size_t len, uint8_t *ret) {
        crypto_generichash_state state;

        crypto_generichash_init(&state, NULL, 0, STORE_HASH_BYTES);
        if (previous)
                crypto_generichash_update(&state, previous, STORE_HASH_BYTES);
        crypto_generichash_update(&state, data, len);
        crypto_generichash_final(&state, ret, STORE_HASH_BYTES);
}

/* ---- values: field, which of the two are there, before, after -------------------------------- */

static int text_add(CodecBuffer *buffer, const char *s) {
        size_t len = strnlen(s, CODEC_VALUE_MAX + 1);
        int r;

        if (len > CODEC_VALUE_MAX || !codec_text_ok(s, len))
                return -EINVAL;
        r = codec_buffer_add_varint(buffer, (uint32_t)len);
        return r < 0 ? r : codec_buffer_add(buffer, s, len);
}

static int value_add(CodecBuffer *buffer, const StoreValue *value) {
        uint8_t which =
                (uint8_t)((value->before ? VALUE_BEFORE : 0) | (value->after ? VALUE_AFTER : 0));
        int r;

        r = text_add(buffer, value->field);
        if (r == 0)
                r = codec_buffer_add(buffer, &which, 1);
        if (r == 0 && value->before)
                r = text_add(buffer, value->before);
        if (r == 0 && value->after)
                r = text_add(buffer, value->after);
        return r;
}

/* Takes one text off the front.  With memory it is copied there and *ret points to it. */
static int text_take(const uint8_t **at, const uint8_t *end, char **memory, const char **ret,
                     size_t *size) {
        uint32_t len;
        int n = codec_varint_read(*at, (size_t)(end - *at), &len);

        if (n < 0 || len > CODEC_VALUE_MAX || len > (size_t)(end - *at) - (size_t)n)
                return -EBADMSG;
        *at += n;
        if (!codec_text_ok((const char *)*at, len))
                return -EBADMSG;
        if (memory) {
                memcpy(*memory, *at, len);
                (*memory)[len] = '\0';
                *ret = *memory;
                *memory += len + 1;
        }
        *size += len + 1;
        *at += len;
        return 0;
}

static int value_take(const uint8_t **at, const uint8_t *end, char **memory, StoreValue *ret,
                      size_t *size) {
        uint8_t which;
        int r;

        r = text_take(at, end, memory, &ret->field, size);
        if (r < 0)
                return r;
        if (*at == end || **at > (VALUE_BEFORE | VALUE_AFTER))
                return -EBADMSG;
        which = *(*at)++;
        if (which & VALUE_BEFORE)
                r = text_take(at, end, memory, &ret->before, size);
        if (r == 0 && which & VALUE_AFTER)
                r = text_take(at, end, memory, &ret->after, size);
        return r;
}

static int list_measure(const uint8_t *list, size_t len, size_t max, size_t *ret_count,
                        size_t *ret_size) {
        const uint8_t *at = list, *end = len > 0 ? list + len : list;
        size_t count = 0, size = 0;

        for (; at < end; count++) {
                StoreValue value = {};
                int r = value_take(&at, end, NULL, &value, &size);

                if (r < 0 || count >= max)
                        return -EBADMSG;
        }
        *ret_count = count;
        *ret_size = count * sizeof(StoreValue) + size;
        return 0;
}

int audit_values_measure(const uint8_t *list, size_t len, size_t *ret_count, size_t *ret_size) {
        return list_measure(list, len, VALUES_MAX, ret_count, ret_size);
}

static void values_fill(const uint8_t *list, size_t len, StoreValue *values, size_t count) {
        const uint8_t *at = list, *end = len > 0 ? list + len : list;
        char *memory = (char *)(values + count);
        size_t size = 0;

        for (size_t i = 0; i < count; i++) {
                values[i] = (StoreValue){};
                (void)value_take(&at, end, &memory, &values[i], &size); /* it was measured */
        }
}

static void buffer_freep(CodecBuffer *buffer) {
        free(buffer->data);
}

static int list_encode(const StoreValue *values, size_t count, CodecBuffer *buffer) {
        int r = 0;

        for (size_t i = 0; r == 0 && i < count; i++)
                r = value_add(buffer, &values[i]);
        return r;
}

/* The values record's bytes and their digest. */
static int values_encode(const StoreAudit *entry, CodecBuffer *buffer, uint8_t *ret_digest) {
        _cleanup_(buffer_freep) CodecBuffer list = {}, undo = {};
        ValuesRecord record = { .undoes = entry->undo.undoes, .parts = entry->undo.parts };
        int r;

        if (entry->value_count > VALUES_MAX || entry->undo.count > STORE_UNDO_MAX)
                return -EINVAL;
        r = list_encode(entry->values, entry->value_count, &list);
        if (r == 0)
                r = list_encode(entry->undo.list, entry->undo.count, &undo);
        if (r == 0)
                r = base_random(record.salt, sizeof(record.salt));
        if (r < 0)
                return r;
        record.list = list.data;
        record.list_len = list.len;
        record.undo = undo.data;
        record.undo_len = undo.len;
        r = codec_encode(&codec_values, &record, buffer);
        if (r == 0)
                hash_bytes(NULL, buffer->data, buffer->len, ret_digest);
        return r;
}

/* ---- entries --------------------------------------------------------------------------------- */

static const uint8_t *chain_head(const StoreTxn *txn) {
        return txn->meta.audit_last == 0 ? txn->store->genesis : txn->meta.audit_hash;
}

/* Puts record and hash; the hash is the new head. */
static int entry_put(StoreTxn *txn, const AuditRecord *record) {
        CodecBuffer *scratch = &txn->store->scratch;
        uint8_t hash[STORE_HASH_BYTES], key[LOG_KEY_BYTES];
        int r;

        r = codec_encode(&codec_audit, record, scratch);
        if (r < 0)
                return r;
        hash_bytes(chain_head(txn), scratch->data, scratch->len, hash);
        r = codec_buffer_add(scratch, hash, sizeof(hash));
        if (r < 0)
                return r;
        key_log(key, record->entry.seq, LOG_ENTRY);
        r = table_put(txn, TABLE_LOG, key, sizeof(key), scratch->data, scratch->len, MDB_APPEND);
        if (r == 0)
                memcpy(txn->meta.audit_hash, hash, sizeof(hash));
        return r;
}

static bool has_values(const StoreAudit *entry) {
        return entry->value_count > 0 || entry->undo.count > 0 || entry->undo.undoes > 0 ||
               entry->undo.parts > 0;
}

int store_audit_append(StoreTxn *txn, const StoreAudit *entry, uint64_t *ret_seq) {
        _cleanup_(buffer_freep) CodecBuffer values = {};
        AuditRecord record = { .entry = *entry };
        uint8_t digest[STORE_HASH_BYTES], key[LOG_KEY_BYTES];
        int r;

        if (!txn->writing)
                return -EINVAL;
        record.entry.seq = txn->meta.audit_last + 1;
        if (has_values(entry)) {
                r = values_encode(entry, &values, digest);
                if (r < 0)
                        return r;
                record.digest = digest;
                record.digest_len = sizeof(digest);
        }
        r = entry_put(txn, &record);
        if (r < 0)
                return r;
        key_log(key, record.entry.seq, LOG_VALUES);
        if (has_values(entry))
                r = table_put(txn, TABLE_LOG, key, sizeof(key), values.data, values.len,
                              MDB_APPEND);
        if (r < 0)
                return r;
        txn->meta.audit_last = record.entry.seq;
        txn->meta_changed = true;
        r = events_drop(txn);
        if (r < 0)
                return r;
        *ret_seq = record.entry.seq;
        return 0;
}

/* The values beside an entry; empty where they were erased or there never were any. */
static int values_get(StoreTxn *txn, uint64_t seq, const uint8_t **ret_list, size_t *ret_len,
                      size_t *ret_count, size_t *ret_size) {
        uint8_t key[LOG_KEY_BYTES];
        size_t record_size;
        MDB_val data;
        int r;

        *ret_len = *ret_count = *ret_size = 0;
        key_log(key, seq, LOG_VALUES);
        r = table_get(txn, TABLE_LOG, key, sizeof(key), &data);
        if (r != 0)
                return r == STORE_E_MISSING ? 0 : r;
        r = codec_measure(&codec_values, data.mv_data, data.mv_size, &record_size);
        if (r < 0)
                return r;
        /* where it stands, valid as long as data is; it may have been left out */
        if (codec_field(&codec_values, data.mv_data, data.mv_size, TAG_LIST, ret_list, ret_len) < 0)
                return 0;
        return audit_values_measure(*ret_list, *ret_len, ret_count, ret_size);
}

int store_audit_get(StoreTxn *txn, uint64_t seq, StoreAudit **ret) {
        _cleanup_free_ AuditRecord *record = NULL;
        size_t list_len, count, size;
        const uint8_t *list = NULL;
        uint8_t key[LOG_KEY_BYTES];
        void *values;
        MDB_val data;
        int r;

        key_log(key, seq, LOG_ENTRY);
        r = table_get(txn, TABLE_LOG, key, sizeof(key), &data);
        if (r != 0)
                return r;
        if (data.mv_size < STORE_HASH_BYTES)
                return -EBADMSG;
        r = values_get(txn, seq, &list, &list_len, &count, &size);
        if (r < 0)
                return r;
        r = codec_decode(&codec_audit, data.mv_data, data.mv_size - STORE_HASH_BYTES, size,
                         (void **)&record, &values);
        if (r < 0)
                return r;
        if (record->entry.seq != seq)
                return -EBADMSG;
        values_fill(list, list_len, values, count);
        record->entry.values = count > 0 ? values : NULL;
        record->entry.value_count = count;
        *ret = &TAKE(record)->entry;
        return 0;
}

int store_audit_range(StoreTxn *txn, uint64_t *ret_first, uint64_t *ret_last) {
        *ret_first = txn->meta.audit_last > 0 ? 1 : 0;
        *ret_last = txn->meta.audit_last;
        return 0;
}

StoreAudit *store_audit_free(StoreAudit *entry) {
        free(entry);
        return NULL;
}

/* The record as it is taken back by, with room behind it for the list. */
int store_audit_undo(StoreTxn *txn, uint64_t seq, StoreUndo **ret) {
        _cleanup_free_ ValuesRecord *record = NULL;
        size_t count, size;
        StoreUndo *undo;
        uint8_t key[LOG_KEY_BYTES];
        int r;

        key_log(key, seq, LOG_VALUES);
        r = record_get(txn, TABLE_LOG, key, sizeof(key), &codec_values, (void **)&record);
        if (r != 0)
                return r;
        if (record->undo_len == 0 && record->undoes == 0 && record->parts == 0)
                return STORE_E_MISSING;
        r = list_measure(record->undo, record->undo_len, STORE_UNDO_MAX, &count, &size);
        if (r < 0)
                return r;
        undo = malloc(sizeof(*undo) + size);
        if (!undo)
                return -ENOMEM;
        values_fill(record->undo, record->undo_len, (StoreValue *)(undo + 1), count);
        *undo = (StoreUndo){ .undoes = record->undoes,
                             .parts = record->parts,
                             .list = (const StoreValue *)(undo + 1),
                             .count = count };
        *ret = undo;
        return 0;
}

StoreUndo *store_undo_free(StoreUndo *undo) {
        free(undo);
        return NULL;
}

/* ---- checking -------------------------------------------------------------------------------- */

static int bad(StoreAuditCheck *check, uint64_t seq, const char *why) {
        check->bad_seq = seq;
        check->bad_why = why;
        return 0;
}

/* The values, where they are still there, are those the entry was made with. */
static int values_check(StoreTxn *txn, const AuditRecord *record, const char **ret_why) {
        uint8_t digest[STORE_HASH_BYTES], key[LOG_KEY_BYTES];
        MDB_val blob;
        int r;

        key_log(key, record->entry.seq, LOG_VALUES);
        r = table_get(txn, TABLE_LOG, key, sizeof(key), &blob);
        if (r == STORE_E_MISSING)
                return 0; /* never any, or erased */
        if (r < 0)
                return r;
        hash_bytes(NULL, blob.mv_data, blob.mv_size, digest);
        if (record->digest_len == 0)
                *ret_why = "has values it was made without";
        else if (memcmp(digest, record->digest, sizeof(digest)) != 0)
                *ret_why = "its values were altered";
        return 0;
}

/* One entry against its number and its predecessor's hash, which becomes its own. */
static int entry_check(StoreTxn *txn, uint64_t seq, uint8_t *hash, const char **ret_why) {
        _cleanup_free_ AuditRecord *record = NULL;
        uint8_t expected[STORE_HASH_BYTES], key[LOG_KEY_BYTES];
        const uint8_t *stored;
        MDB_val data;
        int r;

        key_log(key, seq, LOG_ENTRY);
        r = table_get(txn, TABLE_LOG, key, sizeof(key), &data);
        if (r < 0)
                return r;
        if (r == STORE_E_MISSING || data.mv_size < STORE_HASH_BYTES) {
                *ret_why = r == STORE_E_MISSING ? "is missing" : "was altered";
                return 0;
        }
        data.mv_size -= STORE_HASH_BYTES;
        stored = (const uint8_t *)data.mv_data + data.mv_size;
        r = codec_decode(&codec_audit, data.mv_data, data.mv_size, 0, (void **)&record, NULL);
        if (r == -EBADMSG) {
                *ret_why = "was altered";
                return 0;
        }
        if (r < 0)
                return r;
        hash_bytes(hash, data.mv_data, data.mv_size, expected);
        if (record->entry.seq != seq)
                *ret_why = "is another entry, out of order";
        else if (memcmp(expected, stored, sizeof(expected)) != 0)
                *ret_why = "was altered, or does not follow the entry before it";
        else
                memcpy(hash, expected, sizeof(expected));
        return *ret_why ? 0 : values_check(txn, record, ret_why);
}

/* Does the log have anything after the head? */
static int tail_check(StoreTxn *txn, bool *ret_beyond) {
        _cleanup_(mdb_cursor_closep) MDB_cursor *cursor = NULL;
        uint8_t last[8];
        MDB_val key, data;
        int r;

        r = table_cursor(txn, TABLE_LOG, &cursor);
        if (r < 0)
                return r;
        r = cursor_get(cursor, &key, &data, MDB_LAST);
        if (r < 0)
                return r;
        key_u64(last, txn->meta.audit_last);
        *ret_beyond = r == 0 && (key.mv_size != LOG_KEY_BYTES || memcmp(key.mv_data, last, 8) > 0);
        return 0;
}

static int end_check(StoreTxn *txn, StoreAuditCheck *check) {
        uint64_t last = txn->meta.audit_last;
        bool beyond = false;
        int r;

        if (memcmp(check->hash, chain_head(txn), STORE_HASH_BYTES) != 0)
                return bad(check, last, "is not the head kept in the meta record");
        r = tail_check(txn, &beyond);
        if (r < 0)
                return r;
        if (beyond)
                return bad(check, last + 1, "was added behind the head kept in the meta record");
        check->done = true;
        return 0;
}

int store_audit_verify(StoreTxn *txn, uint64_t count, StoreAuditCheck *check) {
        uint64_t last = txn->meta.audit_last;

        if (check->bad_seq != 0)
                return 0;
        check->done = false;
        if (check->next == 0) {
                check->next = 1;
                memcpy(check->hash, txn->store->genesis, STORE_HASH_BYTES);
        }
        for (; count > 0 && check->next <= last; count--, check->next++) {
                const char *why = NULL;
                int r = entry_check(txn, check->next, check->hash, &why);

                if (r < 0)
                        return r;
                if (why)
                        return bad(check, check->next, why);
        }
        if (check->next <= last)
                return 0;
        if (check->next != last + 1) /* there were more when the check began */
                return bad(check, last + 1, "is missing");
        return end_check(txn, check);
}
