/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Areas of permissions that applications registered, beside the roles in front of all users.  What
 * makes an area, and which names of it are kept for whose sake, is said by who writes it.
 *
 * What a role permits follows from them, so each change of one is a change of the roles' stamp. */

#include <errno.h>
#include <string.h>

#include "umd/store/internal.h"

#define AREA_PREFIX  'A'
#define AREA_HEAD    (USER_KEY_BYTES + 1) /* uid 0, 'A' */
#define AREA_KEY_MAX (AREA_HEAD + CODEC_KEY_MAX)

/* A permission: its category, its flags, its name and a NUL, what it means and a NUL. */
#define PERMISSION_BYTES_MIN 6U
#define PERMISSION_READS     1U
#define PERMISSION_GONE      2U

static const CodecField area_fields[] = {
        { 1, CODEC_U64, true, offsetof(AreaRecord, area.version), 0, 0 },
        { 2, CODEC_TEXT, true, offsetof(AreaRecord, area.name), 0, CODEC_KEY_MAX },
        { 3, CODEC_TEXT, true, offsetof(AreaRecord, area.app), 0, CODEC_KEY_MAX },
        { 4, CODEC_BYTES, true, offsetof(AreaRecord, list), offsetof(AreaRecord, list_len),
          AREA_LIST_BYTES },
        { 5, CODEC_U64, false, offsetof(AreaRecord, area.created_usec), 0, 0 },
        { 6, CODEC_U32, false, offsetof(AreaRecord, area.created_by), 0, 0 },
};

const CodecKind codec_area = { 29, 1, sizeof(AreaRecord), area_fields, ARRAY_LENGTH(area_fields) };

static void head_key(uint8_t *key) {
        key_u32(key, 0);
        key[USER_KEY_BYTES] = AREA_PREFIX;
}

static int area_key(const char *name, uint8_t *ret, size_t *ret_len) {
        size_t len = strnlen(name, CODEC_KEY_MAX + 1);

        if (len == 0 || len > CODEC_KEY_MAX)
                return -EINVAL;
        head_key(ret);
        memcpy(ret + AREA_HEAD, name, len);
        *ret_len = AREA_HEAD + len;
        return 0;
}

/* ---- the list of permissions ----------------------------------------------------------------- */

/* The text at *at, which goes behind its NUL; NULL where there is none. */
static const char *text_read(const char **at, const char *end) {
        const char *text = *at;
        size_t len = strnlen(text, (size_t)(end - text));

        if (len == 0 || text + len == end || !codec_text_ok(text, len))
                return NULL;
        *at = text + len + 1;
        return text;
}

int area_list_read(const uint8_t *bytes, size_t len, StoreAreaPermission *ret, size_t *ret_count) {
        const char *at = (const char *)bytes, *end = at + len;
        size_t count = 0;

        while (at < end) {
                StoreAreaPermission *permission = &ret[count];
                uint8_t flags;

                if (count++ == STORE_AREA_MAX || end - at < (ptrdiff_t)PERMISSION_BYTES_MIN)
                        return -EBADMSG;
                permission->category = (uint8_t)*at++;
                flags = (uint8_t)*at++;
                permission->reads = flags & PERMISSION_READS;
                permission->gone = flags & PERMISSION_GONE;
                permission->name = text_read(&at, end);
                permission->meaning = permission->name && at < end ? text_read(&at, end) : NULL;
                if (!permission->meaning || flags > (PERMISSION_READS | PERMISSION_GONE) ||
                    permission->category >= _PERMISSION_CATEGORY_MAX)
                        return -EBADMSG;
        }
        *ret_count = count;
        return 0;
}

static int text_write(CodecBuffer *buffer, const char *text) {
        size_t len = strnlen(text, CODEC_TEXT_MAX + 1);

        if (len == 0 || len > CODEC_TEXT_MAX || !codec_text_ok(text, len))
                return -EINVAL;
        return codec_buffer_add(buffer, text, len + 1);
}

static int list_write(const StoreArea *area, CodecBuffer *buffer) {
        int r = 0;

        if (area->permission_count == 0 || area->permission_count > STORE_AREA_MAX)
                return -EINVAL;
        for (size_t i = 0; i < area->permission_count && r == 0; i++) {
                const StoreAreaPermission *permission = &area->permissions[i];
                const uint8_t head[] = {
                        (uint8_t)permission->category,
                        (uint8_t)((permission->reads ? PERMISSION_READS : 0) |
                                  (permission->gone ? PERMISSION_GONE : 0)),
                };

                if (permission->category >= _PERMISSION_CATEGORY_MAX)
                        return -EINVAL;
                r = codec_buffer_add(buffer, head, sizeof(head));
                if (r == 0)
                        r = text_write(buffer, permission->name);
                if (r == 0)
                        r = text_write(buffer, permission->meaning);
        }
        return r;
}

/* ---- rows ------------------------------------------------------------------------------------ */

/* How many there can be at most. */
static size_t list_count_max(size_t record_len) {
        size_t count = record_len / PERMISSION_BYTES_MIN;

        return count < STORE_AREA_MAX ? count : STORE_AREA_MAX;
}

/* Decodes with the permissions behind the record. */
static int area_decode(const MDB_val *data, const char *name, size_t name_len, StoreArea **ret) {
        _cleanup_free_ AreaRecord *record = NULL;
        void *extra;
        int r;

        r = codec_decode(&codec_area, data->mv_data, data->mv_size,
                         (list_count_max(data->mv_size) + 1) * sizeof(StoreAreaPermission),
                         (void **)&record, &extra);
        if (r == 0)
                r = area_list_read(record->list, record->list_len, extra,
                                   &record->area.permission_count);
        if (r < 0)
                return r;
        record->area.permissions = extra;
        if (strlen(record->area.name) != name_len || memcmp(record->area.name, name, name_len) != 0)
                return -EBADMSG;
        *ret = &TAKE(record)->area;
        return 0;
}

int store_area_get(StoreTxn *txn, const char *name, StoreArea **ret) {
        uint8_t key[AREA_KEY_MAX];
        MDB_val data;
        size_t len = 0;
        int r;

        if (area_key(name, key, &len) < 0)
                return STORE_E_MISSING;
        r = table_get(txn, TABLE_USERS, key, len, &data);
        return r != 0 ? r : area_decode(&data, name, len - AREA_HEAD, ret);
}

/* Is the version the stored one, 0 for none? */
static int version_check(StoreTxn *txn, const StoreArea *area) {
        _cleanup_(store_area_freep) StoreArea *old = NULL;
        int r = store_area_get(txn, area->name, &old);

        if (r < 0)
                return r;
        return (r == 0 ? old->version : 0) == area->version ? 0 : STORE_E_CONFLICT;
}

int store_area_put(StoreTxn *txn, const StoreArea *area) {
        CodecBuffer list = { 0 };
        AreaRecord record = { .area = *area };
        uint8_t key[AREA_KEY_MAX];
        size_t len = 0;
        int r;

        r = area_key(area->name, key, &len);
        if (r == 0)
                r = version_check(txn, area);
        if (r != 0)
                return r;
        record.area.version++;
        r = list_write(area, &list);
        record.list = list.data;
        record.list_len = list.len;
        if (r == 0)
                r = record_put(txn, TABLE_USERS, key, len, &codec_area, &record, 0);
        free(list.data);
        return r < 0 ? r : role_stamp_renew(txn);
}

int store_area_delete(StoreTxn *txn, const char *name) {
        uint8_t key[AREA_KEY_MAX];
        size_t len = 0;
        int r;

        if (area_key(name, key, &len) < 0)
                return STORE_E_MISSING;
        r = table_delete(txn, TABLE_USERS, key, len);
        return r != 0 ? r : role_stamp_renew(txn);
}

int store_area_each(StoreTxn *txn, int (*each)(void *userdata, StoreArea **area), void *userdata) {
        _cleanup_(mdb_cursor_closep) MDB_cursor *cursor = NULL;
        uint8_t head[AREA_HEAD];
        MDB_val key = { sizeof(head), head }, data;
        int r;

        head_key(head);
        r = table_cursor(txn, TABLE_USERS, &cursor);
        if (r < 0)
                return r;
        for (r = cursor_get(cursor, &key, &data, MDB_SET_RANGE); r == 0;
             r = cursor_get(cursor, &key, &data, MDB_NEXT)) {
                _cleanup_(store_area_freep) StoreArea *area = NULL;

                if (key.mv_size < sizeof(head) || memcmp(key.mv_data, head, sizeof(head)) != 0)
                        return 0;
                r = area_decode(&data, (const char *)key.mv_data + sizeof(head),
                                key.mv_size - sizeof(head), &area);
                if (r == 0)
                        r = each(userdata, &area);
                if (r != 0)
                        return r;
        }
        return r == STORE_E_MISSING ? 0 : r;
}

StoreArea *store_area_free(StoreArea *area) {
        free(area); /* the first member of its record */
        return NULL;
}
