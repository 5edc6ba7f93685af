/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Grants: who holds which role where.  The key (uid, role, tenant, what it is over) is the grant; a
 * second one for the same replaces it.  All of one user's stand together, behind his record: a new
 * user and his default grant are one place on the disk.
 *
 * Who holds a role is kept as keys in front of all users, so that nobody has to walk over them for
 * it; but not for the grant everybody comes with (store_grant_put_first()). */

#include <errno.h>
#include <string.h>

#include "umd/store/internal.h"

#define HOLDER_PREFIX  'g'
#define HOLDER_HEAD    (USER_KEY_BYTES + 1) /* uid 0, 'g' */
#define HOLDER_KEY_MAX (HOLDER_HEAD + CODEC_KEY_MAX + 1 + USER_KEY_BYTES)
#define GRANT_KEY_MAX  (USER_KEY_BYTES + CODEC_KEY_MAX + 1 + CODEC_KEY_MAX + 2 + CODEC_KEY_MAX)

static const CodecField grant_fields[] = {
        { 1, CODEC_U32, true, offsetof(StoreGrant, uid), 0, 0 },
        { 2, CODEC_TEXT, true, offsetof(StoreGrant, role), 0, CODEC_KEY_MAX },
        { 3, CODEC_TEXT, true, offsetof(StoreGrant, tenant), 0, CODEC_KEY_MAX },
        { 4, CODEC_U64, false, offsetof(StoreGrant, from_usec), 0, 0 },
        { 5, CODEC_UNTIL, false, offsetof(StoreGrant, until_usec), 0, 0 },
        { 6, CODEC_U32, false, offsetof(StoreGrant, by), 0, 0 },
        { 7, CODEC_TEXT, false, offsetof(StoreGrant, reason), 0, CODEC_TEXT_MAX },
        { 8, CODEC_U64, false, offsetof(StoreGrant, made_usec), 0, 0 },
        { 9, CODEC_U32, false, offsetof(StoreGrant, scope), 0, 0 },
        { 10, CODEC_TEXT, false, offsetof(StoreGrant, over), 0, CODEC_KEY_MAX },
        { 11, CODEC_BOOL, false, offsetof(StoreGrant, end_sessions), 0, 0 },
};

const CodecKind codec_grant = { 5, 1, sizeof(StoreGrant), grant_fields,
                                ARRAY_LENGTH(grant_fields) };

/* uid, role NUL tenant; over a department or group: NUL, the scope's number, its name */
static int grant_key(const StoreGrant *grant, uint8_t *ret, size_t *ret_len) {
        size_t role_len = strnlen(grant->role, CODEC_KEY_MAX + 1),
               tenant_len = strnlen(grant->tenant, CODEC_KEY_MAX + 1),
               over_len = strnlen(grant->over, CODEC_KEY_MAX + 1);
        uint8_t *at = ret + USER_KEY_BYTES;

        if (role_len > CODEC_KEY_MAX || tenant_len > CODEC_KEY_MAX || over_len > CODEC_KEY_MAX)
                return -EINVAL;
        if (grant->scope > UINT8_MAX || (grant->scope == 0) != (over_len == 0))
                return -EINVAL;
        key_u32(ret, grant->uid);
        memcpy(at, grant->role, role_len + 1);
        at += role_len + 1;
        memcpy(at, grant->tenant, tenant_len);
        at += tenant_len;
        if (grant->scope != 0) {
                *at++ = '\0';
                *at++ = (uint8_t)grant->scope;
                memcpy(at, grant->over, over_len);
                at += over_len;
        }
        *ret_len = (size_t)(at - ret);
        return 0;
}

/* ---- who holds a role ------------------------------------------------------------------------ */

/* uid 0, 'g', role NUL, where the holders of the role begin; the uid follows. */
static int holders_key(const char *role, uint8_t *ret, size_t *ret_len) {
        size_t len = strnlen(role, CODEC_KEY_MAX + 1);

        if (len == 0 || len > CODEC_KEY_MAX)
                return -EINVAL;
        key_u32(ret, 0);
        ret[USER_KEY_BYTES] = HOLDER_PREFIX;
        memcpy(ret + HOLDER_HEAD, role, len + 1);
        *ret_len = HOLDER_HEAD + len + 1;
        return 0;
}

static int holder_key(const char *role, uid_t uid, uint8_t *ret, size_t *ret_len) {
        size_t len = 0;
        int r = holders_key(role, ret, &len);

        if (r < 0)
                return r;
        key_u32(ret + len, uid);
        *ret_len = len + USER_KEY_BYTES;
        return 0;
}

/* The role and uid of a key; -EBADMSG. */
static int holder_read(const MDB_val *key, char *ret_role, uid_t *ret_uid) {
        const uint8_t *bytes = key->mv_data;
        size_t len = key->mv_size - HOLDER_HEAD, role_len;

        if (len <= USER_KEY_BYTES || len > CODEC_KEY_MAX + 1 + USER_KEY_BYTES)
                return -EBADMSG;
        role_len = len - USER_KEY_BYTES - 1;
        memcpy(ret_role, bytes + HOLDER_HEAD, role_len + 1);
        if (role_len == 0 || strnlen(ret_role, role_len + 1) != role_len)
                return -EBADMSG;
        *ret_uid = key_read_u32(bytes + HOLDER_HEAD + role_len + 1);
        return 0;
}

int store_grant_holds(StoreTxn *txn, const char *role, uid_t uid) {
        uint8_t key[HOLDER_KEY_MAX];
        size_t len = 0;
        MDB_val data;

        if (holder_key(role, uid, key, &len) < 0)
                return STORE_E_MISSING;
        return table_get(txn, TABLE_USERS, key, len, &data);
}

int store_grant_holder_next(StoreTxn *txn, const char *role, uid_t after, uid_t *ret) {
        _cleanup_(mdb_cursor_closep) MDB_cursor *cursor = NULL;
        uint8_t start[HOLDER_KEY_MAX];
        char name[CODEC_KEY_MAX + 1];
        size_t prefix_len = 0, len = 0;
        MDB_val key, data;
        int r;

        if (after == (uid_t)-1 || holders_key(role, start, &prefix_len) < 0 ||
            holder_key(role, after + 1, start, &len) < 0)
                return STORE_E_MISSING;
        key = (MDB_val){ len, start };
        r = table_cursor(txn, TABLE_USERS, &cursor);
        if (r == 0)
                r = cursor_get(cursor, &key, &data, MDB_SET_RANGE);
        if (r != 0)
                return r;
        if (key.mv_size < prefix_len || memcmp(key.mv_data, start, prefix_len) != 0)
                return STORE_E_MISSING;
        return holder_read(&key, name, ret);
}

int store_grant_holders(StoreTxn *txn, int (*each)(void *userdata, const char *role, uid_t uid),
                        void *userdata) {
        _cleanup_(mdb_cursor_closep) MDB_cursor *cursor = NULL;
        uint8_t head[HOLDER_HEAD] = { 0, 0, 0, 0, HOLDER_PREFIX };
        char role[CODEC_KEY_MAX + 1];
        MDB_val key = { sizeof(head), head }, data;
        uid_t uid = 0;
        int r;

        r = table_cursor(txn, TABLE_USERS, &cursor);
        if (r < 0)
                return r;
        for (r = cursor_get(cursor, &key, &data, MDB_SET_RANGE); r == 0;
             r = cursor_get(cursor, &key, &data, MDB_NEXT)) {
                if (key.mv_size < sizeof(head) || memcmp(key.mv_data, head, sizeof(head)) != 0)
                        return 0;
                r = holder_read(&key, role, &uid);
                if (r == 0)
                        r = each(userdata, role, uid);
                if (r != 0)
                        return r;
        }
        return r == STORE_E_MISSING ? 0 : r;
}

/* ---- when they begin and end ----------------------------------------------------------------- */

uint64_t store_grant_warning(const StoreGrant *grant) {
        uint64_t until_usec = grant->until_usec;

        if (!grant->end_sessions || until_usec == USEC_INFINITY)
                return 0;
        return until_usec > STORE_GRANT_WARNING_USEC + grant->made_usec
                       ? until_usec - STORE_GRANT_WARNING_USEC
                       : grant->made_usec;
}

#define MOMENTS_MAX 3

static void moments_of(const StoreGrant *grant, StoreMoment *ret) {
        ret[0] = (StoreMoment){ grant->from_usec, grant->uid, STORE_MOMENT_GRANT };
        ret[1] = (StoreMoment){ grant->until_usec, grant->uid, STORE_MOMENT_GRANT };
        ret[2] = (StoreMoment){ store_grant_warning(grant), grant->uid, STORE_MOMENT_WARNING };
}

static int has_moment(void *userdata, const StoreGrant *grant) {
        StoreMoment moments[MOMENTS_MAX];
        const StoreMoment *wanted = userdata;

        moments_of(grant, moments);
        for (size_t i = 0; i < MOMENTS_MAX; i++)
                if (store_moment_compare(&moments[i], wanted) == 0)
                        return 1;
        return 0;
}

/* Those that no grant of his has any more. */
static int moments_drop(StoreTxn *txn, const StoreGrant *grant) {
        StoreMoment moments[MOMENTS_MAX];
        int r = 0;

        moments_of(grant, moments);
        for (size_t i = 0; i < MOMENTS_MAX && r >= 0; i++) {
                if (moments[i].usec == 0 || moments[i].usec == USEC_INFINITY)
                        continue;
                r = store_grant_each(txn, grant->uid, has_moment, &moments[i]);
                if (r == 0)
                        r = store_moment_delete(txn, &moments[i]);
        }
        return r < 0 ? r : 0;
}

static int moments_put(StoreTxn *txn, const StoreGrant *grant) {
        StoreMoment moments[MOMENTS_MAX];
        int r = 0;

        moments_of(grant, moments);
        for (size_t i = 0; i < MOMENTS_MAX && r == 0; i++)
                r = store_moment_put(txn, &moments[i]);
        return r;
}

/* ---- grants ---------------------------------------------------------------------------------- */

static void grant_freep(StoreGrant **grant) {
        free(*grant);
}

/* As it stands under the key: STORE_E_MISSING. */
static int grant_get(StoreTxn *txn, const uint8_t *key, size_t len, StoreGrant **ret) {
        void *grant = NULL;
        int r = record_get(txn, TABLE_USERS, key, len, &codec_grant, &grant);

        if (r == 0)
                *ret = grant;
        return r;
}

int store_grant_put_first(StoreTxn *txn, const StoreGrant *grant) {
        uint8_t key[GRANT_KEY_MAX];
        size_t len;
        int r;

        r = grant_key(grant, key, &len);
        if (r < 0)
                return r;
        return record_put_rising(txn, TABLE_USERS, key, len, &codec_grant, grant, 0);
}

int store_grant_put(StoreTxn *txn, const StoreGrant *grant) {
        _cleanup_(grant_freep) StoreGrant *old = NULL;
        uint8_t key[GRANT_KEY_MAX], holder[HOLDER_KEY_MAX];
        size_t len, holder_len = 0;
        int r;

        r = holder_key(grant->role, grant->uid, holder, &holder_len);
        if (r == 0)
                r = grant_key(grant, key, &len);
        if (r == 0)
                r = grant_get(txn, key, len, &old);
        if (r >= 0)
                r = store_grant_put_first(txn, grant);
        if (r == 0 && old)
                r = moments_drop(txn, old);
        if (r == 0)
                r = moments_put(txn, grant);
        return r < 0 ? r : table_put(txn, TABLE_USERS, holder, holder_len, "", 0, 0);
}

int store_grant_index(StoreTxn *txn, const StoreGrant *grant) {
        return moments_put(txn, grant);
}

static int role_is(void *userdata, const StoreGrant *grant) {
        return strcmp(grant->role, userdata) == 0;
}

int store_grant_delete(StoreTxn *txn, const StoreGrant *grant) {
        _cleanup_(grant_freep) StoreGrant *old = NULL;
        uint8_t key[GRANT_KEY_MAX];
        size_t len;
        int r;

        if (!txn->writing)
                return -EINVAL;
        if (grant_key(grant, key, &len) < 0)
                return STORE_E_MISSING;
        r = grant_get(txn, key, len, &old);
        if (r == 0)
                r = table_delete(txn, TABLE_USERS, key, len);
        if (r == 0)
                r = moments_drop(txn, old);
        if (r != 0)
                return r;
        /* he may have the role elsewhere too */
        r = store_grant_each(txn, grant->uid, role_is, (void *)(uintptr_t)grant->role);
        if (r != 0)
                return r < 0 ? r : 0;
        if (holder_key(grant->role, grant->uid, key, &len) < 0)
                return 0;
        r = table_delete(txn, TABLE_USERS, key, len);
        return r == STORE_E_MISSING ? 0 : r;
}

/* Does the record belong under its key? */
static bool grant_stands(const StoreGrant *grant, const MDB_val *key) {
        uint8_t expected[GRANT_KEY_MAX];
        size_t len;

        return grant_key(grant, expected, &len) == 0 && len == key->mv_size &&
               memcmp(expected, key->mv_data, len) == 0;
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
