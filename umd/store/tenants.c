/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tenants, beside the roles in front of all users.  A deleted one stays as a tombstone: what still
 * names it must not come to mean another. */

#include <errno.h>
#include <string.h>

#include "umd/store/internal.h"

#define TENANT_PREFIX  't'
#define TENANT_HEAD    (USER_KEY_BYTES + 1) /* uid 0, 't' */
#define TENANT_KEY_MAX (TENANT_HEAD + CODEC_KEY_MAX)

static const CodecField tenant_fields[] = {
        { 1, CODEC_U64, true, offsetof(StoreTenant, version), 0, 0 },
        { 2, CODEC_TEXT, true, offsetof(StoreTenant, name), 0, CODEC_KEY_MAX },
        { 3, CODEC_TEXT, false, offsetof(StoreTenant, title), 0, CODEC_TEXT_MAX },
        { 4, CODEC_U32, false, offsetof(StoreTenant, seats), 0, 0 },
        { 5, CODEC_TEXT, true, offsetof(StoreTenant, default_role), 0, CODEC_KEY_MAX },
        { 6, CODEC_BOOL, true, offsetof(StoreTenant, deleted), 0, 0 },
        { 7, CODEC_U64, false, offsetof(StoreTenant, created_usec), 0, 0 },
        { 8, CODEC_U32, false, offsetof(StoreTenant, created_by), 0, 0 },
};

const CodecKind codec_tenant = { 21, 1, sizeof(StoreTenant), tenant_fields,
                                 ARRAY_LENGTH(tenant_fields) };

static void head_key(uint8_t *key) {
        key_u32(key, 0);
        key[USER_KEY_BYTES] = TENANT_PREFIX;
}

static int tenant_key(const char *name, uint8_t *ret, size_t *ret_len) {
        size_t len = strnlen(name, CODEC_KEY_MAX + 1);

        if (len == 0 || len > CODEC_KEY_MAX)
                return -EINVAL;
        head_key(ret);
        memcpy(ret + TENANT_HEAD, name, len);
        *ret_len = TENANT_HEAD + len;
        return 0;
}

/* Does the record belong under its key? */
static bool tenant_stands(const StoreTenant *tenant, const uint8_t *key, size_t key_len) {
        uint8_t expected[TENANT_KEY_MAX];
        size_t len = 0;

        return tenant_key(tenant->name, expected, &len) == 0 && len == key_len &&
               memcmp(expected, key, len) == 0;
}

int store_tenant_get(StoreTxn *txn, const char *name, StoreTenant **ret) {
        _cleanup_(store_tenant_freep) StoreTenant *tenant = NULL;
        uint8_t key[TENANT_KEY_MAX];
        size_t len = 0;
        int r;

        if (tenant_key(name, key, &len) < 0)
                return STORE_E_MISSING;
        r = record_get(txn, TABLE_USERS, key, len, &codec_tenant, (void **)&tenant);
        if (r != 0)
                return r;
        if (!tenant_stands(tenant, key, len))
                return -EBADMSG;
        *ret = TAKE(tenant);
        return 0;
}

int store_tenant_put(StoreTxn *txn, const StoreTenant *tenant) {
        _cleanup_(store_tenant_freep) StoreTenant *old = NULL;
        StoreTenant written = *tenant;
        uint8_t key[TENANT_KEY_MAX];
        size_t len = 0;
        int r;

        r = tenant_key(tenant->name, key, &len);
        if (r < 0)
                return r;
        r = store_tenant_get(txn, tenant->name, &old);
        if (r < 0)
                return r;
        if ((r == 0 ? old->version : 0) != tenant->version)
                return STORE_E_CONFLICT;
        written.version++;
        return record_put(txn, TABLE_USERS, key, len, &codec_tenant, &written, 0);
}

int store_tenant_each(StoreTxn *txn, int (*each)(void *userdata, const StoreTenant *tenant),
                      void *userdata) {
        _cleanup_(mdb_cursor_closep) MDB_cursor *cursor = NULL;
        _cleanup_free_ StoreTenant *tenant = NULL;
        uint8_t head[TENANT_HEAD];
        MDB_val key = { sizeof(head), head }, data;
        size_t size = 0;
        int r;

        head_key(head);
        r = table_cursor(txn, TABLE_USERS, &cursor);
        if (r < 0)
                return r;
        for (r = cursor_get(cursor, &key, &data, MDB_SET_RANGE); r == 0;
             r = cursor_get(cursor, &key, &data, MDB_NEXT)) {
                if (key.mv_size < sizeof(head) || memcmp(key.mv_data, head, sizeof(head)) != 0)
                        return 0;
                r = record_reuse(&codec_tenant, &data, (void **)&tenant, &size);
                if (r == 0 && !tenant_stands(tenant, key.mv_data, key.mv_size))
                        r = -EBADMSG;
                if (r == 0)
                        r = each(userdata, tenant);
                if (r != 0)
                        return r;
        }
        return r == STORE_E_MISSING ? 0 : r;
}

StoreTenant *store_tenant_free(StoreTenant *tenant) {
        free(tenant);
        return NULL;
}
