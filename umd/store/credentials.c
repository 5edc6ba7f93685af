/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Credentials: what the vault made, kept beside the user so that no list of users ever carries a
 * verifier.  Nothing here can be read without the vault's key; nothing here looks into it.
 *
 * Which key that is stands in one row of LMDB's unnamed table: it is written once. */

#include <errno.h>
#include <string.h>

#include "umd/store/internal.h"

#define CREDENTIAL_KEY_BYTES 4U /* the uid; a longer key is of what stands behind */

static const CodecField credential_fields[] = {
        { 1, CODEC_U64, true, offsetof(StoreCredential, version), 0, 0 },
        { 2, CODEC_U32, true, offsetof(StoreCredential, uid), 0, 0 },
        { 3, CODEC_U64, false, offsetof(StoreCredential, verifier_version), 0, 0 },
        { 4, CODEC_BYTES, false, offsetof(StoreCredential, password.bytes),
          offsetof(StoreCredential, password.len), CODEC_VERIFIER_MAX },
        { 5, CODEC_U64, false, offsetof(StoreCredential, password.version), 0, 0 },
        { 6, CODEC_U64, false, offsetof(StoreCredential, password_changed_usec), 0, 0 },
        { 7, CODEC_UNTIL, false, offsetof(StoreCredential, password_expires_usec), 0, 0 },
        { 8, CODEC_BOOL, true, offsetof(StoreCredential, must_change), 0, 0 },
        { 9, CODEC_BYTES, false, offsetof(StoreCredential, setup_code.bytes),
          offsetof(StoreCredential, setup_code.len), CODEC_VERIFIER_MAX },
        { 10, CODEC_U64, false, offsetof(StoreCredential, setup_code.version), 0, 0 },
        { 11, CODEC_U64, false, offsetof(StoreCredential, setup_code_expires_usec), 0, 0 },
        { 12, CODEC_U32, false, offsetof(StoreCredential, grace_used), 0, 0 },
};

const CodecKind codec_credential = { 3, 1, sizeof(StoreCredential), credential_fields,
                                     ARRAY_LENGTH(credential_fields) };

#define CREDENTIAL_KEY_BYTES 4U /* the uid; longer ones are of rows that stand behind it */

#define VAULT_KEY_KEY "k"

static const CodecField vault_key_fields[] = {
        { 1, CODEC_FIXED, true, offsetof(VaultKeyRecord, id), 0, STORE_VAULT_KEY_BYTES },
};

const CodecKind codec_vault_key = { 10, 1, sizeof(VaultKeyRecord), vault_key_fields,
                                    ARRAY_LENGTH(vault_key_fields) };

int store_credential_get(StoreTxn *txn, uid_t uid, StoreCredential **ret) {
        _cleanup_(store_credential_freep) StoreCredential *credential = NULL;
        uint8_t key[CREDENTIAL_KEY_BYTES];
        int r;

        key_u32(key, uid);
        r = record_get(txn, TABLE_CREDENTIALS, key, sizeof(key), &codec_credential,
                       (void **)&credential);
        if (r != 0)
                return r;
        if (credential->uid != uid)
                return -EBADMSG;
        *ret = TAKE(credential);
        return 0;
}

/* What was bound to a version once must not be accepted under it again. */
static int put_check(StoreTxn *txn, const StoreCredential *credential) {
        _cleanup_(store_credential_freep) StoreCredential *old = NULL;
        int r;

        r = store_credential_get(txn, credential->uid, &old);
        if (r < 0)
                return r;
        if ((old ? old->version : 0) != credential->version)
                return STORE_E_CONFLICT;
        if (old && credential->verifier_version < old->verifier_version)
                return -EINVAL;
        return 0;
}

int store_credential_put(StoreTxn *txn, const StoreCredential *credential) {
        StoreCredential written = *credential;
        uint8_t key[CREDENTIAL_KEY_BYTES];
        int r;

        if (!txn->writing)
                return -EINVAL;
        r = put_check(txn, credential);
        if (r != 0)
                return r;
        written.version++;
        key_u32(key, credential->uid);
        return record_put(txn, TABLE_CREDENTIALS, key, sizeof(key), &codec_credential, &written, 0);
}

int store_credential_delete(StoreTxn *txn, uid_t uid) {
        uint8_t key[CREDENTIAL_KEY_BYTES];

        key_u32(key, uid);
        return table_delete(txn, TABLE_CREDENTIALS, key, sizeof(key));
}

StoreCredential *store_credential_free(StoreCredential *credential) {
        free(credential);
        return NULL;
}

int store_credential_any(StoreTxn *txn, bool *ret) {
        _cleanup_(mdb_cursor_closep) MDB_cursor *cursor = NULL;
        _cleanup_free_ void *memory = NULL;
        const StoreCredential *credential;
        MDB_val key, data;
        size_t size = 0;
        int r;

        r = table_cursor(txn, TABLE_CREDENTIALS, &cursor);
        if (r < 0)
                return r;
        for (r = cursor_get(cursor, &key, &data, MDB_FIRST); r == 0;
             r = cursor_get(cursor, &key, &data, MDB_NEXT)) {
                if (factor_key_is(&key)) {
                        *ret = true;
                        return 0;
                }
                if (key.mv_size != CREDENTIAL_KEY_BYTES)
                        continue; /* nothing in it is the vault's */
                r = record_reuse(&codec_credential, &data, &memory, &size);
                if (r < 0)
                        return r;
                credential = memory;
                if (credential->password.len > 0 || credential->setup_code.len > 0) {
                        *ret = true;
                        return 0;
                }
        }
        if (r < 0)
                return r;
        *ret = false;
        return 0;
}

/* ---- the vault's key ------------------------------------------------------------------------- */

int store_vault_key_get(StoreTxn *txn, uint8_t *ret_id) {
        _cleanup_free_ VaultKeyRecord *record = NULL;
        int r;

        r = record_get(txn, TABLE_MAIN, VAULT_KEY_KEY, strlen(VAULT_KEY_KEY), &codec_vault_key,
                       (void **)&record);
        if (r == 0)
                memcpy(ret_id, record->id, sizeof(record->id));
        return r;
}

int store_vault_key_put(StoreTxn *txn, const uint8_t *id) {
        VaultKeyRecord record;

        memcpy(record.id, id, sizeof(record.id));
        return record_put(txn, TABLE_MAIN, VAULT_KEY_KEY, strlen(VAULT_KEY_KEY), &codec_vault_key,
                          &record, 0);
}

int store_vault_key_delete(StoreTxn *txn) {
        return table_delete(txn, TABLE_MAIN, VAULT_KEY_KEY, strlen(VAULT_KEY_KEY));
}
