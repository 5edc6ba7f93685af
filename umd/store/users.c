/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Users: the records by uid, and their places in the index: by name, and by e-mail address within a
 * tenant.
 *
 * A user is never removed: a tombstone keeps name, uid and address; and a name he gave up stays
 * his, so that what still means him by it never means somebody else.  Everything that can be
 * refused is asked before the first write, so an outcome leaves the transaction as it was. */

#include <errno.h>
#include <string.h>

#include "umd/store/internal.h"

#define ATTRIBUTES_BYTES 32768U

static const CodecField user_fields[] = {
        { 1, CODEC_U64, true, offsetof(StoreUser, version), 0, 0 },
        { 2, CODEC_U32, true, offsetof(StoreUser, uid), 0, 0 },
        { 3, CODEC_U32, true, offsetof(StoreUser, gid), 0, 0 },
        { 4, CODEC_TEXT, true, offsetof(StoreUser, name), 0, CODEC_KEY_MAX },
        { 5, CODEC_TEXT, false, offsetof(StoreUser, full_name), 0, CODEC_TEXT_MAX },
        { 6, CODEC_TEXT, false, offsetof(StoreUser, email), 0, BASE_EMAIL_MAX },
        { 7, CODEC_TEXT, false, offsetof(StoreUser, phone), 0, CODEC_TEXT_MAX },
        { 8, CODEC_TEXT, false, offsetof(StoreUser, title), 0, CODEC_TEXT_MAX },
        { 9, CODEC_TEXT, false, offsetof(StoreUser, department), 0, CODEC_TEXT_MAX },
        { 10, CODEC_TEXT, false, offsetof(StoreUser, language), 0, CODEC_TEXT_MAX },
        { 11, CODEC_TEXT, false, offsetof(StoreUser, time_zone), 0, CODEC_TEXT_MAX },
        { 12, CODEC_TEXT, false, offsetof(StoreUser, notify), 0, CODEC_TEXT_MAX },
        { 13, CODEC_TEXT, false, offsetof(StoreUser, shell), 0, CODEC_TEXT_MAX },
        { 14, CODEC_TEXT, false, offsetof(StoreUser, home), 0, CODEC_TEXT_MAX },
        { 15, CODEC_TEXT, false, offsetof(StoreUser, tenant), 0, CODEC_KEY_MAX },
        { 16, CODEC_STATUS, true, offsetof(StoreUser, status), 0, 0 },
        { 17, CODEC_U64, false, offsetof(StoreUser, status_since_usec), 0, 0 },
        { 18, CODEC_U32, false, offsetof(StoreUser, status_by), 0, 0 },
        { 19, CODEC_TEXT, false, offsetof(StoreUser, status_reason), 0, CODEC_TEXT_MAX },
        { 20, CODEC_UNTIL, false, offsetof(StoreUser, suspended_until_usec), 0, 0 },
        { 21, CODEC_U64, false, offsetof(StoreUser, valid_from_usec), 0, 0 },
        { 22, CODEC_UNTIL, false, offsetof(StoreUser, valid_until_usec), 0, 0 },
        { 23, CODEC_BOOL, true, offsetof(StoreUser, locked), 0, 0 },
        { 24, CODEC_U64, false, offsetof(StoreUser, locked_since_usec), 0, 0 },
        { 25, CODEC_U32, false, offsetof(StoreUser, locked_by), 0, 0 },
        { 26, CODEC_TEXT, false, offsetof(StoreUser, locked_reason), 0, CODEC_TEXT_MAX },
        { 27, CODEC_U64, false, offsetof(StoreUser, created_usec), 0, 0 },
        { 28, CODEC_U32, false, offsetof(StoreUser, created_by), 0, 0 },
        { 29, CODEC_BOOL, false, offsetof(StoreUser, service), 0, 0 },
        { 30, CODEC_BOOL, false, offsetof(StoreUser, read_only), 0, 0 },
        { 31, CODEC_BYTES, false, offsetof(StoreUser, attributes),
          offsetof(StoreUser, attributes_len), ATTRIBUTES_BYTES },
        { 32, CODEC_U64, false, offsetof(StoreUser, facts_usec), 0, 0 },
};

#define TAG_NAME   4U
#define TAG_STATUS 16U

const CodecKind codec_user = { 2, 1, sizeof(StoreUser), user_fields, ARRAY_LENGTH(user_fields) };

/* tenant NUL address, A-Z lowered: addresses are ASCII (base_field_check). */
static int email_key(const char *tenant, const char *email, char *ret, size_t *ret_len) {
        size_t tenant_len = strnlen(tenant, CODEC_KEY_MAX + 1),
               email_len = strnlen(email, BASE_EMAIL_MAX + 1);

        if (tenant_len > CODEC_KEY_MAX || email_len > BASE_EMAIL_MAX)
                return -EINVAL;
        memcpy(ret, tenant, tenant_len + 1);
        for (size_t i = 0; i < email_len; i++) {
                char c = email[i];

                ret[tenant_len + 1 + i] = c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
        }
        *ret_len = tenant_len + 1 + email_len;
        return 0;
}

static int email_get(StoreTxn *txn, const char *tenant, const char *email, uid_t *ret) {
        char key[INDEX_KEY_MAX];
        size_t len;

        if (email[0] == '\0' || email_key(tenant, email, key, &len) < 0)
                return STORE_E_MISSING;
        return index_get(txn, INDEX_EMAIL, key, len, ret);
}

static int email_put(StoreTxn *txn, const StoreUser *user) {
        char key[INDEX_KEY_MAX];
        size_t len;
        int r;

        if (user->email[0] == '\0')
                return 0;
        r = email_key(user->tenant, user->email, key, &len);
        return r < 0 ? r : index_put(txn, INDEX_EMAIL, key, len, user->uid);
}

static int email_delete(StoreTxn *txn, const StoreUser *user) {
        char key[INDEX_KEY_MAX];
        size_t len;
        int r;

        if (user->email[0] == '\0')
                return 0;
        r = email_key(user->tenant, user->email, key, &len);
        return r < 0 ? r : index_delete(txn, INDEX_EMAIL, key, len);
}

static int user_put(StoreTxn *txn, const StoreUser *user, uint64_t version) {
        StoreUser written = *user;
        uint8_t key[USER_KEY_BYTES];

        written.version = version;
        key_u32(key, user->uid);
        if (version == 1)
                return record_put_rising(txn, TABLE_USERS, key, sizeof(key), &codec_user, &written,
                                         MDB_NOOVERWRITE);
        return record_put(txn, TABLE_USERS, key, sizeof(key), &codec_user, &written, 0);
}

/* Is the address one of another user in the tenant? */
static int email_is_free(StoreTxn *txn, const StoreUser *user) {
        uid_t holder;
        int r;

        r = email_get(txn, user->tenant, user->email, &holder);
        if (r < 0)
                return r;
        return r == 0 && holder != user->uid ? STORE_E_EXISTS : 0;
}

static int user_is_free(StoreTxn *txn, const StoreUser *user) {
        bool used;
        int r;

        r = store_id_used(txn, user->uid, &used);
        if (r < 0 || used)
                return r < 0 ? r : STORE_E_EXISTS;
        r = name_used(txn, user->name, (uid_t)-1, &used);
        if (r < 0 || used)
                return r < 0 ? r : STORE_E_EXISTS;
        return email_is_free(txn, user);
}

int store_user_insert(StoreTxn *txn, const StoreUser *user) {
        int r;

        if (!txn->writing || user->gid != user->uid || user->uid == (uid_t)-1)
                return -EINVAL;
        if (txn->store->tight)
                return -ENOSPC;
        r = user_is_free(txn, user);
        if (r != 0)
                return r;
        r = user_put(txn, user, 1);
        if (r < 0)
                return r;
        r = index_put(txn, INDEX_USER, user->name, strlen(user->name), user->uid);
        if (r == 0)
                r = email_put(txn, user);
        if (r == 0)
                r = attribute_holders_move(txn, NULL, user);
        if (r == 0)
                r = seats_follow(txn, NULL, user);
        if (r < 0)
                return r;
        txn->meta.users += user->status != USER_STATUS_DELETED;
        txn->meta_changed = true;
        return 0;
}

/* The old name becomes a former one; the new one may have been one of his. */
static int name_move(StoreTxn *txn, const StoreUser *old, const StoreUser *user,
                     uint64_t now_usec) {
        uint64_t until_usec;
        uid_t uid;
        int r;

        if (strcmp(old->name, user->name) == 0)
                return 0;
        r = former_get(txn, user->name, &uid, &until_usec);
        if (r == 0)
                r = index_delete(txn, INDEX_FORMER, user->name, strlen(user->name));
        if (r >= 0)
                r = index_delete(txn, INDEX_USER, old->name, strlen(old->name));
        if (r == 0)
                r = index_put(txn, INDEX_USER, user->name, strlen(user->name), user->uid);
        if (r == 0)
                r = former_put(txn, old->name, user->uid, now_usec);
        return r;
}

static int indexes_move(StoreTxn *txn, const StoreUser *old, const StoreUser *user,
                        uint64_t now_usec) {
        int r = name_move(txn, old, user, now_usec);

        if (r == 0 &&
            (strcmp(old->email, user->email) != 0 || strcmp(old->tenant, user->tenant) != 0)) {
                r = email_delete(txn, old);
                if (r == 0)
                        r = email_put(txn, user);
        }
        return r;
}

/* May the stored record become this one? */
static int update_check(StoreTxn *txn, const StoreUser *old, const StoreUser *user, bool rename) {
        bool renamed = strcmp(old->name, user->name) != 0, used;
        int r;

        if (old->version != user->version)
                return STORE_E_CONFLICT;
        if (old->gid != user->gid || (renamed && !rename))
                return -EINVAL;
        if (renamed) {
                r = name_used(txn, user->name, user->uid, &used);
                if (r < 0 || used)
                        return r < 0 ? r : STORE_E_EXISTS;
        }
        return email_is_free(txn, user);
}

static int user_change(StoreTxn *txn, const StoreUser *user, bool rename, uint64_t now_usec) {
        _cleanup_(store_user_freep) StoreUser *old = NULL;
        int r;

        if (!txn->writing)
                return -EINVAL;
        r = store_user_get(txn, user->uid, &old);
        if (r != 0)
                return r;
        r = update_check(txn, old, user, rename);
        if (r != 0)
                return r;
        r = user_put(txn, user, user->version + 1);
        if (r == 0)
                r = indexes_move(txn, old, user, now_usec);
        if (r == 0)
                r = attribute_holders_move(txn, old, user);
        if (r == 0)
                r = seats_follow(txn, old, user);
        if (r < 0)
                return r;
        txn->meta.users -= old->status != USER_STATUS_DELETED;
        txn->meta.users += user->status != USER_STATUS_DELETED;
        txn->meta_changed = true;
        return 0;
}

int store_user_update(StoreTxn *txn, const StoreUser *user) {
        return user_change(txn, user, false, 0);
}

int store_user_rename(StoreTxn *txn, const StoreUser *user, uint64_t now_usec) {
        return user_change(txn, user, true, now_usec);
}

int store_user_get(StoreTxn *txn, uid_t uid, StoreUser **ret) {
        _cleanup_(store_user_freep) StoreUser *user = NULL;
        uint8_t key[USER_KEY_BYTES];
        int r;

        key_u32(key, uid);
        r = record_get(txn, TABLE_USERS, key, sizeof(key), &codec_user, (void **)&user);
        if (r != 0)
                return r;
        if (user->uid != uid)
                return -EBADMSG;
        *ret = TAKE(user);
        return 0;
}

/* Behind an index: that the record is not there means that the store is broken. */
static int user_get_indexed(StoreTxn *txn, uid_t uid, StoreUser **ret) {
        int r = store_user_get(txn, uid, ret);

        return r == STORE_E_MISSING ? -EBADMSG : r;
}

int store_user_get_by_name(StoreTxn *txn, const char *name, StoreUser **ret) {
        _cleanup_(store_user_freep) StoreUser *user = NULL;
        uid_t uid;
        int r;

        r = index_get(txn, INDEX_USER, name, strlen(name), &uid);
        if (r == 0)
                r = user_get_indexed(txn, uid, &user);
        if (r != 0)
                return r;
        if (strcmp(user->name, name) != 0)
                return -EBADMSG;
        *ret = TAKE(user);
        return 0;
}

int store_user_get_by_former_name(StoreTxn *txn, const char *name, StoreUser **ret,
                                  uint64_t *ret_until_usec) {
        uint64_t until_usec;
        uid_t uid;
        int r;

        r = former_get(txn, name, &uid, &until_usec);
        if (r == 0)
                r = user_get_indexed(txn, uid, ret);
        if (r == 0)
                *ret_until_usec = until_usec;
        return r;
}

int store_user_get_by_email(StoreTxn *txn, const char *tenant, const char *email, StoreUser **ret) {
        uid_t uid;
        int r = email_get(txn, tenant, email, &uid);

        return r != 0 ? r : user_get_indexed(txn, uid, ret);
}

int store_user_next(StoreTxn *txn, const char *after, StoreUser **ret) {
        uid_t uid;
        int r = index_next(txn, INDEX_USER, after, &uid);

        return r != 0 ? r : user_get_indexed(txn, uid, ret);
}

int store_user_each(StoreTxn *txn, int (*each)(void *userdata, const StoreUser *user),
                    void *userdata) {
        _cleanup_(mdb_cursor_closep) MDB_cursor *cursor = NULL;
        _cleanup_free_ StoreUser *user = NULL;
        size_t size = 0;
        MDB_val key, data;
        int r;

        r = table_cursor(txn, TABLE_USERS, &cursor);
        if (r < 0)
                return r;
        while ((r = cursor_get(cursor, &key, &data, MDB_NEXT)) == 0) {
                if (key.mv_size > USER_KEY_BYTES)
                        continue; /* a policy value, a grant */
                r = record_reuse(&codec_user, &data, (void **)&user, &size);
                if (r == 0 &&
                    (key.mv_size != USER_KEY_BYTES || key_read_u32(key.mv_data) != user->uid))
                        r = -EBADMSG;
                if (r == 0)
                        r = each(userdata, user);
                if (r != 0)
                        return r;
        }
        return r == STORE_E_MISSING ? 0 : r;
}

/* The name of a record that is not a tombstone's; STORE_E_MISSING. */
static int name_read(const MDB_val *data, char *ret) {
        const uint8_t *name, *status;
        size_t name_len, status_len;
        int r;

        r = codec_field(&codec_user, data->mv_data, data->mv_size, TAG_NAME, &name, &name_len);
        if (r == 0)
                r = codec_field(&codec_user, data->mv_data, data->mv_size, TAG_STATUS, &status,
                                &status_len);
        if (r < 0)
                return r;
        if (*status == USER_STATUS_DELETED)
                return STORE_E_MISSING;
        memcpy(ret, name, name_len);
        ret[name_len] = '\0';
        return 0;
}

int store_user_names(StoreTxn *txn, const uid_t *uids, size_t count,
                     int (*each)(void *userdata, uid_t uid, const char *name), void *userdata) {
        _cleanup_(mdb_cursor_closep) MDB_cursor *cursor = NULL;
        char name[CODEC_KEY_MAX + 1];
        int r;

        r = table_cursor(txn, TABLE_USERS, &cursor);
        for (size_t i = 0; r == 0 && i < count; i++) {
                uint8_t bytes[USER_KEY_BYTES];
                MDB_val key = { sizeof(bytes), bytes }, data;

                key_u32(bytes, uids[i]);
                r = cursor_get(cursor, &key, &data, MDB_SET);
                if (r == 0)
                        r = name_read(&data, name);
                if (r == 0)
                        r = each(userdata, uids[i], name);
                else if (r == STORE_E_MISSING)
                        r = 0;
        }
        return r;
}

int store_user_next_uid(StoreTxn *txn, uid_t after, StoreUser **ret) {
        _cleanup_(mdb_cursor_closep) MDB_cursor *cursor = NULL;
        uint8_t start[USER_KEY_BYTES];
        MDB_val key = { sizeof(start), start }, data;
        int r;

        if (after == (uid_t)-1)
                return STORE_E_MISSING;
        key_u32(start, after + 1);
        r = table_cursor(txn, TABLE_USERS, &cursor);
        if (r == 0) /* his record goes before all that is kept behind it */
                r = cursor_get(cursor, &key, &data, MDB_SET_RANGE);
        if (r != 0)
                return r;
        return key.mv_size == USER_KEY_BYTES ? store_user_get(txn, key_read_u32(key.mv_data), ret)
                                             : -EBADMSG;
}

StoreUser *store_user_free(StoreUser *user) {
        free(user);
        return NULL;
}
