/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Grants: who holds which role where.  The key (uid, role, tenant) is the grant; a second one for
 * the same three replaces it.  All of one user's stand together, behind his record: a new user and
 * his default grant are one place on the disk. */

#include <errno.h>
#include <string.h>

#include "umd/store/internal.h"

#define GRANT_KEY_MAX (USER_KEY_BYTES + CODEC_KEY_MAX + 1 + CODEC_KEY_MAX)

static const CodecField grant_fields[] = {
        { 1, CODEC_U32, true, offsetof(StoreGrant, uid), 0, 0 },
        { 2, CODEC_TEXT, true, offsetof(StoreGrant, role), 0, CODEC_KEY_MAX },
        { 3, CODEC_TEXT, true, offsetof(StoreGrant, tenant), 0, CODEC_KEY_MAX },
        { 4, CODEC_U64, false, offsetof(StoreGrant, from_usec), 0, 0 },
        { 5, CODEC_UNTIL, false, offsetof(StoreGrant, until_usec), 0, 0 },
        { 6, CODEC_U32, false, offsetof(StoreGrant, by), 0, 0 },
        { 7, CODEC_TEXT, false, offsetof(StoreGrant, reason), 0, CODEC_TEXT_MAX },
        { 8, CODEC_U64, false, offsetof(StoreGrant, made_usec), 0, 0 },
};

const CodecKind codec_grant = { 5, 1, sizeof(StoreGrant), grant_fields,
                                ARRAY_LENGTH(grant_fields) };

/* uid, role NUL tenant */
static int grant_key(uid_t uid, const char *role, const char *tenant, uint8_t *ret,
                     size_t *ret_len) {
        size_t role_len = strnlen(role, CODEC_KEY_MAX + 1),
               tenant_len = strnlen(tenant, CODEC_KEY_MAX + 1);

        if (role_len > CODEC_KEY_MAX || tenant_len > CODEC_KEY_MAX)
                return -EINVAL;
        key_u32(ret, uid);
        memcpy(ret + USER_KEY_BYTES, role, role_len + 1);
        memcpy(ret + USER_KEY_BYTES + role_len + 1, tenant, tenant_len);
        *ret_len = USER_KEY_BYTES + role_len + 1 + tenant_len;
        return 0;
}

int store_grant_put(StoreTxn *txn, const StoreGrant *grant) {
        uint8_t key[GRANT_KEY_MAX];
        size_t len;
        int r;

        r = grant_key(grant->uid, grant->role, grant->tenant, key, &len);
        if (r < 0)
                return r;
        return record_put_rising(txn, TABLE_USERS, key, len, &codec_grant, grant, 0);
}

int store_grant_delete(StoreTxn *txn, uid_t uid, const char *role, const char *tenant) {
        uint8_t key[GRANT_KEY_MAX];
        size_t len;

        if (grant_key(uid, role, tenant, key, &len) < 0)
                return STORE_E_MISSING;
        return table_delete(txn, TABLE_USERS, key, len);
}

/* Does the record belong under its key? */
static bool grant_stands(const StoreGrant *grant, const MDB_val *key) {
        uint8_t expected[GRANT_KEY_MAX];
        size_t len;

        return grant_key(grant->uid, grant->role, grant->tenant, expected, &len) == 0 &&
               len == key->mv_size && memcmp(expected, key->mv_data, len) == 0;
}

int store_grant_each(StoreTxn *txn, uid_t uid, int (*each)(void *userdata, const StoreGrant *grant),
                     void *userdata) {
        _cleanup_(mdb_cursor_closep) MDB_cursor *cursor = NULL;
        _cleanup_free_ StoreGrant *grant = NULL;
        uint8_t prefix[USER_KEY_BYTES];
        MDB_val key = { sizeof(prefix), prefix }, data;
        size_t size = 0;
        int r;

        key_u32(prefix, uid);
        r = table_cursor(txn, TABLE_USERS, &cursor);
        if (r < 0)
                return r;
        for (r = cursor_get(cursor, &key, &data, MDB_SET_RANGE); r == 0;
             r = cursor_get(cursor, &key, &data, MDB_NEXT)) {
                if (key.mv_size < sizeof(prefix) ||
                    memcmp(key.mv_data, prefix, sizeof(prefix)) != 0)
                        return 0;
                if (key.mv_size == sizeof(prefix))
                        continue; /* the user */
                r = record_reuse(&codec_grant, &data, (void **)&grant, &size);
                if (r == 0 && !grant_stands(grant, &key))
                        r = -EBADMSG;
                if (r == 0)
                        r = each(userdata, grant);
                if (r != 0)
                        return r;
        }
        return r == STORE_E_MISSING ? 0 : r;
}
