/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Roles of one's own, as they were written.  Nothing here knows what a permission is, nor whether a
 * role makes sense: that is policy's, and who writes one asks it.
 *
 * The rows stand in the users' table, in front of all users, as policy values do.  In front of them
 * is a stamp, random and new with each change of any role, or of an area of permissions (areas.c):
 * whoever keeps the set in memory sees by it, in his own transaction, whether it is still that set;
 * also where a batch was lost, or a change let go. */

#include <errno.h>
#include <string.h>

#include "umd/store/internal.h"

#define ROLE_PREFIX  'r'
#define ROLE_HEAD    (USER_KEY_BYTES + 1) /* uid 0, 'r': the stamp's key */
#define ROLE_KEY_MAX (ROLE_HEAD + CODEC_KEY_MAX)
#define LIST_BYTES   32768U

#define LIST_FIELD(tag, which)                                                                     \
        {                                                                                          \
                tag, CODEC_BYTES, false,                                                           \
                        offsetof(RoleRecord, lists) + (which) * sizeof(const uint8_t *),           \
                        offsetof(RoleRecord, lens) + (which) * sizeof(size_t), LIST_BYTES          \
        }

static const CodecField role_fields[] = {
        { 1, CODEC_U64, true, offsetof(RoleRecord, role.version), 0, 0 },
        { 2, CODEC_TEXT, true, offsetof(RoleRecord, role.name), 0, CODEC_KEY_MAX },
        { 3, CODEC_TEXT, false, offsetof(RoleRecord, role.description), 0, CODEC_TEXT_MAX },
        LIST_FIELD(4, ROLE_LIST_INHERIT),
        LIST_FIELD(5, ROLE_LIST_PERMIT),
        LIST_FIELD(6, ROLE_LIST_WITHOUT),
        LIST_FIELD(7, ROLE_LIST_DENY),
        LIST_FIELD(8, ROLE_LIST_REQUIRE),
        LIST_FIELD(9, ROLE_LIST_CONFLICT),
        LIST_FIELD(10, ROLE_LIST_LINUX_GROUPS),
        { 11, CODEC_U32, false, offsetof(RoleRecord, role.only_kind), 0, 0 },
        { 12, CODEC_BOOL, false, offsetof(RoleRecord, role.one_tenant), 0, 0 },
        { 13, CODEC_U64, false, offsetof(RoleRecord, role.created_usec), 0, 0 },
        { 14, CODEC_U32, false, offsetof(RoleRecord, role.created_by), 0, 0 },
        { 15, CODEC_U64, false, offsetof(RoleRecord, role.second_factor_usec), 0, 0 },
        { 16, CODEC_TEXT, false, offsetof(RoleRecord, role.automatic), 0, CODEC_TEXT_MAX },
};

const CodecKind codec_role = { 19, 1, sizeof(RoleRecord), role_fields, ARRAY_LENGTH(role_fields) };

static const CodecField stamp_fields[] = {
        { 1, CODEC_FIXED, true, offsetof(RoleStampRecord, stamp), 0, STORE_ROLE_STAMP_BYTES },
};

const CodecKind codec_role_stamp = { 20, 1, sizeof(RoleStampRecord), stamp_fields,
                                     ARRAY_LENGTH(stamp_fields) };

static void head_key(uint8_t *key) {
        key_u32(key, 0);
        key[USER_KEY_BYTES] = ROLE_PREFIX;
}

static int role_key(const char *name, uint8_t *ret, size_t *ret_len) {
        size_t len = strnlen(name, CODEC_KEY_MAX + 1);

        if (len == 0 || len > CODEC_KEY_MAX)
                return -EINVAL;
        head_key(ret);
        memcpy(ret + ROLE_HEAD, name, len);
        *ret_len = ROLE_HEAD + len;
        return 0;
}

/* ---- lists of texts -------------------------------------------------------------------------- */

/* Each text has its NUL behind it; ret (NULL: only checks) gets them all and a NULL. */
int role_list_read(const uint8_t *bytes, size_t len, const char **ret) {
        const char *at = (const char *)bytes, *end = len > 0 ? at + len : at; /* at: or NULL */
        size_t count = 0;

        while (at < end) {
                size_t text_len = strnlen(at, (size_t)(end - at));

                if (text_len == 0 || text_len == (size_t)(end - at) || !codec_text_ok(at, text_len))
                        return -EBADMSG;
                if (ret)
                        ret[count] = at;
                count++;
                at += text_len + 1;
        }
        if (ret)
                ret[count] = NULL;
        return 0;
}

int role_list_write(const char *const *list, size_t max, CodecBuffer *buffer) {
        buffer->len = 0;
        for (size_t i = 0; list && list[i]; i++) {
                size_t len = strnlen(list[i], max);
                int r;

                if (len == 0 || buffer->len + len + 1 > max || !codec_text_ok(list[i], len))
                        return -EINVAL;
                r = codec_buffer_add(buffer, list[i], len + 1);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* Room for the texts of all lists: the shortest has two bytes; and for what ends each list. */
static size_t texts_bytes(size_t record_len) {
        return (record_len / 2 + _ROLE_LIST_MAX) * sizeof(char *);
}

/* Decodes with the lists of texts behind the record. */
static int role_decode(const MDB_val *data, const char *name, size_t name_len, StoreRole **ret) {
        _cleanup_free_ RoleRecord *record = NULL;
        void *extra;
        const char **texts;
        int r;

        r = codec_decode(&codec_role, data->mv_data, data->mv_size, texts_bytes(data->mv_size),
                         (void **)&record, &extra);
        if (r < 0)
                return r;
        texts = extra;
        for (size_t i = 0; i < _ROLE_LIST_MAX; i++) {
                r = role_list_read(record->lists[i], record->lens[i], texts);
                if (r < 0)
                        return r;
                record->role.lists[i] = texts;
                while (*texts++)
                        ;
        }
        if (strlen(record->role.name) != name_len || memcmp(record->role.name, name, name_len) != 0)
                return -EBADMSG;
        *ret = &TAKE(record)->role;
        return 0;
}

/* ---- rows ------------------------------------------------------------------------------------ */

int store_role_get(StoreTxn *txn, const char *name, StoreRole **ret) {
        uint8_t key[ROLE_KEY_MAX];
        MDB_val data;
        size_t len = 0;
        int r;

        if (role_key(name, key, &len) < 0)
                return STORE_E_MISSING;
        r = table_get(txn, TABLE_USERS, key, len, &data);
        return r != 0 ? r : role_decode(&data, name, len - ROLE_HEAD, ret);
}

int role_stamp_renew(StoreTxn *txn) {
        RoleStampRecord record;
        uint8_t key[ROLE_HEAD];
        int r = base_random(record.stamp, sizeof(record.stamp));

        if (r < 0)
                return r;
        head_key(key);
        return record_put(txn, TABLE_USERS, key, sizeof(key), &codec_role_stamp, &record, 0);
}

/* Is the version the stored one, 0 for none? */
static int version_check(StoreTxn *txn, const StoreRole *role) {
        _cleanup_(store_role_freep) StoreRole *old = NULL;
        int r = store_role_get(txn, role->name, &old);

        if (r < 0)
                return r;
        return (r == 0 ? old->version : 0) == role->version ? 0 : STORE_E_CONFLICT;
}

int store_role_put(StoreTxn *txn, const StoreRole *role) {
        CodecBuffer buffers[_ROLE_LIST_MAX] = { 0 };
        RoleRecord record = { .role = *role };
        uint8_t key[ROLE_KEY_MAX];
        size_t len = 0;
        int r;

        r = role_key(role->name, key, &len);
        if (r == 0)
                r = version_check(txn, role);
        if (r != 0)
                return r;
        record.role.version++;
        if (!record.role.automatic)
                record.role.automatic = "";
        for (size_t i = 0; i < _ROLE_LIST_MAX && r == 0; i++) {
                r = role_list_write(role->lists[i], LIST_BYTES, &buffers[i]);
                record.lists[i] = buffers[i].data;
                record.lens[i] = buffers[i].len;
        }
        if (r == 0)
                r = record_put(txn, TABLE_USERS, key, len, &codec_role, &record, 0);
        for (size_t i = 0; i < _ROLE_LIST_MAX; i++)
                free(buffers[i].data);
        return r < 0 ? r : role_stamp_renew(txn);
}

int store_role_delete(StoreTxn *txn, const char *name) {
        uint8_t key[ROLE_KEY_MAX];
        size_t len = 0;
        int r;

        if (role_key(name, key, &len) < 0)
                return STORE_E_MISSING;
        r = table_delete(txn, TABLE_USERS, key, len);
        return r != 0 ? r : role_stamp_renew(txn);
}

int store_role_each(StoreTxn *txn, int (*each)(void *userdata, StoreRole **role), void *userdata) {
        _cleanup_(mdb_cursor_closep) MDB_cursor *cursor = NULL;
        uint8_t head[ROLE_HEAD];
        MDB_val key = { sizeof(head), head }, data;
        int r;

        head_key(head);
        r = table_cursor(txn, TABLE_USERS, &cursor);
        if (r < 0)
                return r;
        for (r = cursor_get(cursor, &key, &data, MDB_SET_RANGE); r == 0;
             r = cursor_get(cursor, &key, &data, MDB_NEXT)) {
                _cleanup_(store_role_freep) StoreRole *role = NULL;

                if (key.mv_size < sizeof(head) || memcmp(key.mv_data, head, sizeof(head)) != 0)
                        return 0;
                if (key.mv_size == sizeof(head))
                        continue; /* the stamp */
                r = role_decode(&data, (const char *)key.mv_data + sizeof(head),
                                key.mv_size - sizeof(head), &role);
                if (r == 0)
                        r = each(userdata, &role);
                if (r != 0)
                        return r;
        }
        return r == STORE_E_MISSING ? 0 : r;
}

int store_role_stamp(StoreTxn *txn, uint8_t *ret) {
        _cleanup_free_ RoleStampRecord *record = NULL;
        uint8_t key[ROLE_HEAD];
        int r;

        head_key(key);
        r = record_get(txn, TABLE_USERS, key, sizeof(key), &codec_role_stamp, (void **)&record);
        if (r < 0)
                return r;
        if (r == 0)
                memcpy(ret, record->stamp, STORE_ROLE_STAMP_BYTES);
        else
                memset(ret, 0, STORE_ROLE_STAMP_BYTES); /* there never was a role of one's own */
        return 0;
}

StoreRole *store_role_free(StoreRole *role) {
        free(role); /* the first member of its record */
        return NULL;
}
