/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Credentials: what the vault made, kept beside the user so that no list of users ever carries a
 * verifier.  Nothing here can be read without the vault's key; nothing here looks into it. */

#include <errno.h>

#include "umd/store/internal.h"

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
};

const CodecKind codec_credential = { 3, 1, sizeof(StoreCredential), credential_fields,
                                     ARRAY_LENGTH(credential_fields) };

int store_credential_get(StoreTxn *txn, uid_t uid, StoreCredential **ret) {
        _cleanup_(store_credential_freep) StoreCredential *credential = NULL;
        uint8_t key[4];
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
        uint8_t key[4];
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
        uint8_t key[4];

        key_u32(key, uid);
        return table_delete(txn, TABLE_CREDENTIALS, key, sizeof(key));
}

StoreCredential *store_credential_free(StoreCredential *credential) {
        free(credential);
        return NULL;
}
