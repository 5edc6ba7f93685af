/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Second factors: what the vault sealed or hashed for each, and how far its codes are used up.
 *
 * They stand behind the user's credential, a row each, so that a login that needs no code reads
 * none of them.  A row only ever moves forward: a code that was accepted lowers nothing, a recovery
 * code that was used stays used, an active factor is never pending again. */

#include <errno.h>
#include <string.h>

#include "umd/store/internal.h"

#define FACTOR_KEY_BYTES 9U /* uid, the mark, number */
#define FACTOR_MARK      'f'

static const CodecField factor_fields[] = {
        { 1, CODEC_U64, true, offsetof(StoreFactor, version), 0, 0 },
        { 2, CODEC_U32, true, offsetof(StoreFactor, uid), 0, 0 },
        { 3, CODEC_U32, true, offsetof(StoreFactor, number), 0, 0 },
        { 4, CODEC_U32, true, offsetof(StoreFactor, method), 0, 0 },
        { 5, CODEC_BOOL, true, offsetof(StoreFactor, active), 0, 0 },
        { 6, CODEC_TEXT, false, offsetof(StoreFactor, label), 0, CODEC_KEY_MAX },
        { 7, CODEC_BYTES, true, offsetof(StoreFactor, sealed.bytes),
          offsetof(StoreFactor, sealed.len), CODEC_VERIFIER_MAX },
        { 8, CODEC_U64, true, offsetof(StoreFactor, sealed.version), 0, 0 },
        { 9, CODEC_U32, false, offsetof(StoreFactor, algorithm), 0, 0 },
        { 10, CODEC_U32, false, offsetof(StoreFactor, digits), 0, 0 },
        { 11, CODEC_U32, false, offsetof(StoreFactor, period_seconds), 0, 0 },
        { 12, CODEC_U64, false, offsetof(StoreFactor, next), 0, 0 },
        { 13, CODEC_U32, false, offsetof(StoreFactor, used), 0, 0 },
        { 14, CODEC_U64, false, offsetof(StoreFactor, created_usec), 0, 0 },
        { 15, CODEC_U64, false, offsetof(StoreFactor, last_used_usec), 0, 0 },
        { 16, CODEC_BYTES, false, offsetof(StoreFactor, credential),
          offsetof(StoreFactor, credential_len), CODEC_TEXT_MAX },
        { 17, CODEC_BYTES, false, offsetof(StoreFactor, aaguid), offsetof(StoreFactor, aaguid_len),
          16 },
        { 18, CODEC_BOOL, false, offsetof(StoreFactor, verifies), 0, 0 },
};

const CodecKind codec_factor = { 14, 1, sizeof(StoreFactor), factor_fields,
                                 ARRAY_LENGTH(factor_fields) };

static void factor_key(uint8_t *key, uid_t uid, uint32_t number) {
        key_u32(key, uid);
        key[4] = FACTOR_MARK;
        key_u32(key + 5, number);
}

bool factor_key_is(const MDB_val *key) {
        return key->mv_size == FACTOR_KEY_BYTES &&
               ((const uint8_t *)key->mv_data)[4] == FACTOR_MARK;
}

static bool is_factor_of(const MDB_val *key, uid_t uid) {
        return factor_key_is(key) && key_read_u32(key->mv_data) == uid;
}

/* A method that means nothing here is not taken for another: the whole record is refused. */
static bool factor_ok(const StoreFactor *factor) {
        return factor->number > 0 && (unsigned int)factor->method < _POLICY_METHOD_MAX;
}

static int factor_decode(const MDB_val *data, uid_t uid, uint32_t number, StoreFactor **ret) {
        _cleanup_(store_factor_freep) StoreFactor *factor = NULL;
        int r;

        r = codec_decode(&codec_factor, data->mv_data, data->mv_size, 0, (void **)&factor, NULL);
        if (r < 0)
                return r;
        if (factor->uid != uid || factor->number != number || !factor_ok(factor))
                return -EBADMSG;
        *ret = TAKE(factor);
        return 0;
}

int store_factor_get(StoreTxn *txn, uid_t uid, uint32_t number, StoreFactor **ret) {
        uint8_t key[FACTOR_KEY_BYTES];
        MDB_val data;
        int r;

        factor_key(key, uid, number);
        r = table_get(txn, TABLE_CREDENTIALS, key, sizeof(key), &data);
        return r != 0 ? r : factor_decode(&data, uid, number, ret);
}

static bool moves_forward(const StoreFactor *old, const StoreFactor *factor) {
        static const uint8_t none[1];

        return old->method == factor->method && factor->next >= old->next &&
               (factor->used & old->used) == old->used && (factor->active || !old->active) &&
               old->sealed.version == factor->sealed.version && old->verifies == factor->verifies &&
               old->credential_len == factor->credential_len &&
               memcmp(old->credential ? old->credential : none,
                      factor->credential ? factor->credential : none, old->credential_len) == 0;
}

int store_factor_put(StoreTxn *txn, const StoreFactor *factor) {
        _cleanup_(store_factor_freep) StoreFactor *old = NULL;
        StoreFactor written = *factor;
        uint8_t key[FACTOR_KEY_BYTES];
        int r;

        if (!txn->writing || !factor_ok(factor))
                return -EINVAL;
        r = store_factor_get(txn, factor->uid, factor->number, &old);
        if (r < 0)
                return r;
        if ((old ? old->version : 0) != factor->version)
                return STORE_E_CONFLICT;
        if (old && !moves_forward(old, factor))
                return -EINVAL;
        written.version++;
        factor_key(key, factor->uid, factor->number);
        return record_put(txn, TABLE_CREDENTIALS, key, sizeof(key), &codec_factor, &written, 0);
}

int store_factor_delete(StoreTxn *txn, uid_t uid, uint32_t number) {
        uint8_t key[FACTOR_KEY_BYTES];

        factor_key(key, uid, number);
        return table_delete(txn, TABLE_CREDENTIALS, key, sizeof(key));
}

int store_factors_of_user(StoreTxn *txn, uid_t uid, StoreFactors *ret) {
        _cleanup_(mdb_cursor_closep) MDB_cursor *cursor = NULL;
        _cleanup_(store_factors_done) StoreFactors factors = { 0 };
        uint8_t start[FACTOR_KEY_BYTES];
        MDB_val key = { sizeof(start), start }, data;
        int r;

        factor_key(start, uid, 0);
        r = table_cursor(txn, TABLE_CREDENTIALS, &cursor);
        if (r < 0)
                return r;
        for (r = cursor_get(cursor, &key, &data, MDB_SET_RANGE); r == 0 && is_factor_of(&key, uid);
             r = cursor_get(cursor, &key, &data, MDB_NEXT)) {
                if (factors.count == STORE_FACTORS_MAX)
                        return -EBADMSG;
                r = factor_decode(&data, uid, key_read_u32((const uint8_t *)key.mv_data + 5),
                                  &factors.list[factors.count]);
                if (r < 0)
                        return r;
                factors.count++;
        }
        if (r < 0)
                return r;
        *ret = factors;
        factors = (StoreFactors){ 0 };
        return 0;
}

int store_factor_each(StoreTxn *txn, int (*each)(void *userdata, const StoreFactor *factor),
                      void *userdata) {
        _cleanup_(mdb_cursor_closep) MDB_cursor *cursor = NULL;
        _cleanup_free_ StoreFactor *factor = NULL;
        MDB_val key, data;
        size_t size = 0;
        int r;

        r = table_cursor(txn, TABLE_CREDENTIALS, &cursor);
        if (r < 0)
                return r;
        while ((r = cursor_get(cursor, &key, &data, MDB_NEXT)) == 0) {
                if (!factor_key_is(&key))
                        continue;
                r = record_reuse(&codec_factor, &data, (void **)&factor, &size);
                if (r == 0 && (factor->uid != key_read_u32(key.mv_data) || !factor_ok(factor)))
                        r = -EBADMSG;
                if (r == 0)
                        r = each(userdata, factor);
                if (r != 0)
                        return r;
        }
        return r == STORE_E_MISSING ? 0 : r;
}

void store_factors_done(StoreFactors *factors) {
        for (size_t i = 0; i < factors->count; i++)
                store_factor_free(factors->list[i]);
        *factors = (StoreFactors){ 0 };
}

StoreFactor *store_factor_free(StoreFactor *factor) {
        free(factor);
        return NULL;
}
