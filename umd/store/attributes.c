/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Typed attributes.  What one is stands in front of all users, beside roles and tenants; what
 * somebody has stands in his record, since whoever judges him needs all of it each time.  Who has a
 * certain one is kept as keys, so that nobody has to walk over all users for it. */

#include <errno.h>
#include <string.h>

#include "umd/store/internal.h"

#define KIND_PREFIX    'a'
#define HOLDER_PREFIX  'v'
#define HEAD           (USER_KEY_BYTES + 1) /* uid 0, and which of both */
#define KIND_KEY_MAX   (HEAD + CODEC_KEY_MAX)
#define HOLDER_KEY_MAX (HEAD + CODEC_KEY_MAX + 1 + USER_KEY_BYTES)

static const CodecField kind_fields[] = {
        { 1, CODEC_U64, true, offsetof(StoreAttributeKind, version), 0, 0 },
        { 2, CODEC_TEXT, true, offsetof(StoreAttributeKind, name), 0, CODEC_KEY_MAX },
        { 3, CODEC_TEXT, false, offsetof(StoreAttributeKind, description), 0, CODEC_TEXT_MAX },
        { 4, CODEC_U32, true, offsetof(StoreAttributeKind, type), 0, 0 },
        { 5, CODEC_TEXT, false, offsetof(StoreAttributeKind, choices), 0, CODEC_TEXT_MAX },
        { 6, CODEC_BOOL, false, offsetof(StoreAttributeKind, is_private), 0, 0 },
        { 7, CODEC_U64, false, offsetof(StoreAttributeKind, created_usec), 0, 0 },
        { 8, CODEC_U32, false, offsetof(StoreAttributeKind, created_by), 0, 0 },
};

const CodecKind codec_attribute = { 26, 1, sizeof(StoreAttributeKind), kind_fields,
                                    ARRAY_LENGTH(kind_fields) };

static int named_key(uint8_t prefix, const char *name, uint8_t *ret, size_t *ret_len) {
        size_t len = strnlen(name, CODEC_KEY_MAX + 1);

        if (len == 0 || len > CODEC_KEY_MAX)
                return -EINVAL;
        key_u32(ret, 0);
        ret[USER_KEY_BYTES] = prefix;
        memcpy(ret + HEAD, name, len);
        *ret_len = HEAD + len;
        return 0;
}

/* ---- kinds ----------------------------------------------------------------------------------- */

static bool kind_stands(const StoreAttributeKind *kind, const uint8_t *key, size_t key_len) {
        uint8_t expected[KIND_KEY_MAX];
        size_t len = 0;

        return named_key(KIND_PREFIX, kind->name, expected, &len) == 0 && len == key_len &&
               memcmp(expected, key, len) == 0;
}

int store_attribute_kind_get(StoreTxn *txn, const char *name, StoreAttributeKind **ret) {
        _cleanup_(store_attribute_kind_freep) StoreAttributeKind *kind = NULL;
        uint8_t key[KIND_KEY_MAX];
        size_t len = 0;
        int r;

        if (named_key(KIND_PREFIX, name, key, &len) < 0)
                return STORE_E_MISSING;
        r = record_get(txn, TABLE_USERS, key, len, &codec_attribute, (void **)&kind);
        if (r != 0)
                return r;
        if (!kind_stands(kind, key, len))
                return -EBADMSG;
        *ret = TAKE(kind);
        return 0;
}

int store_attribute_kind_put(StoreTxn *txn, const StoreAttributeKind *kind) {
        _cleanup_(store_attribute_kind_freep) StoreAttributeKind *old = NULL;
        StoreAttributeKind written = *kind;
        uint8_t key[KIND_KEY_MAX];
        size_t len = 0;
        int r;

        r = named_key(KIND_PREFIX, kind->name, key, &len);
        if (r < 0)
                return r;
        r = store_attribute_kind_get(txn, kind->name, &old);
        if (r < 0)
                return r;
        if ((r == 0 ? old->version : 0) != kind->version)
                return STORE_E_CONFLICT;
        written.version++;
        return record_put(txn, TABLE_USERS, key, len, &codec_attribute, &written, 0);
}

int store_attribute_kind_delete(StoreTxn *txn, const char *name) {
        uint8_t key[KIND_KEY_MAX];
        size_t len = 0;

        if (named_key(KIND_PREFIX, name, key, &len) < 0)
                return STORE_E_MISSING;
        return table_delete(txn, TABLE_USERS, key, len);
}

int store_attribute_kind_each(StoreTxn *txn,
                              int (*each)(void *userdata, const StoreAttributeKind *kind),
                              void *userdata) {
        _cleanup_(mdb_cursor_closep) MDB_cursor *cursor = NULL;
        _cleanup_free_ StoreAttributeKind *kind = NULL;
        uint8_t head[HEAD] = { 0, 0, 0, 0, KIND_PREFIX };
        MDB_val key = { sizeof(head), head }, data;
        size_t size = 0;
        int r;

        r = table_cursor(txn, TABLE_USERS, &cursor);
        if (r < 0)
                return r;
        for (r = cursor_get(cursor, &key, &data, MDB_SET_RANGE); r == 0;
             r = cursor_get(cursor, &key, &data, MDB_NEXT)) {
                if (key.mv_size < sizeof(head) || memcmp(key.mv_data, head, sizeof(head)) != 0)
                        return 0;
                r = record_reuse(&codec_attribute, &data, (void **)&kind, &size);
                if (r == 0 && !kind_stands(kind, key.mv_data, key.mv_size))
                        r = -EBADMSG;
                if (r == 0)
                        r = each(userdata, kind);
                if (r != 0)
                        return r;
        }
        return r == STORE_E_MISSING ? 0 : r;
}

StoreAttributeKind *store_attribute_kind_free(StoreAttributeKind *kind) {
        free(kind);
        return NULL;
}

/* ---- the bytes in a user's record ------------------------------------------------------------ */

/* A value is: type, one byte; until, u64 little-endian; name, NUL, value, NUL. */
#define VALUE_HEAD 9U

static const char *text_read(const uint8_t **at, const uint8_t *end, size_t max) {
        const char *text = (const char *)*at;
        size_t len = strnlen(text, (size_t)(end - *at));

        if (len == 0 || len > max || len == (size_t)(end - *at) || !codec_text_ok(text, len))
                return NULL;
        *at += len + 1;
        return text;
}

static int value_read(const uint8_t **at, const uint8_t *end, StoreAttribute *ret) {
        if ((size_t)(end - *at) < VALUE_HEAD)
                return -EBADMSG;
        ret->type = (*at)[0];
        ret->until_usec = 0;
        for (unsigned int i = 0; i < 8; i++)
                ret->until_usec |= (uint64_t)(*at)[1 + i] << 8 * i;
        *at += VALUE_HEAD;
        ret->name = text_read(at, end, CODEC_KEY_MAX);
        ret->value = ret->name ? text_read(at, end, STORE_ATTRIBUTE_VALUE_MAX) : NULL;
        return ret->value && ret->type > 0 ? 0 : -EBADMSG;
}

int store_attributes_read(const StoreUser *user, StoreAttribute *ret, size_t *ret_count) {
        const uint8_t *at = user->attributes;
        const uint8_t *end = user->attributes_len > 0 ? at + user->attributes_len : at;
        size_t count = 0;

        while (at < end) {
                int r = count < STORE_ATTRIBUTES_MAX ? value_read(&at, end, &ret[count]) : -EBADMSG;

                if (r == 0 && count > 0 && strcmp(ret[count - 1].name, ret[count].name) >= 0)
                        r = -EBADMSG;
                if (r < 0)
                        return r;
                count++;
        }
        *ret_count = count;
        return 0;
}

static int value_write(const StoreAttribute *value, CodecBuffer *buffer) {
        uint8_t head[VALUE_HEAD] = { (uint8_t)value->type };
        size_t name_len = strnlen(value->name, CODEC_KEY_MAX + 1),
               value_len = strnlen(value->value, STORE_ATTRIBUTE_VALUE_MAX + 1);
        int r;

        if (name_len == 0 || name_len > CODEC_KEY_MAX || value_len == 0 ||
            value_len > STORE_ATTRIBUTE_VALUE_MAX || value->type == 0 || value->type > UINT8_MAX)
                return -EINVAL;
        for (unsigned int i = 0; i < 8; i++)
                head[1 + i] = (uint8_t)(value->until_usec >> 8 * i);
        r = codec_buffer_add(buffer, head, sizeof(head));
        if (r == 0)
                r = codec_buffer_add(buffer, value->name, name_len + 1);
        if (r == 0)
                r = codec_buffer_add(buffer, value->value, value_len + 1);
        return r;
}

int store_attributes_write(const StoreAttribute *list, size_t count, uint8_t **ret,
                           size_t *ret_len) {
        CodecBuffer buffer = { 0 };
        int r = count > STORE_ATTRIBUTES_MAX ? -EINVAL : 0;

        for (size_t i = 0; i < count && r == 0; i++) {
                if (i > 0 && strcmp(list[i - 1].name, list[i].name) >= 0)
                        r = -EINVAL;
                else
                        r = value_write(&list[i], &buffer);
        }
        if (r < 0) {
                free(buffer.data);
                return r;
        }
        *ret = buffer.data;
        *ret_len = buffer.len;
        return 0;
}

/* ---- who has which --------------------------------------------------------------------------- */

/* uid 0, 'v', name NUL; the uid follows. */
static int holder_key(const char *name, uid_t uid, uint8_t *ret, size_t *ret_len) {
        int r = named_key(HOLDER_PREFIX, name, ret, ret_len);

        if (r < 0)
                return r;
        ret[(*ret_len)++] = '\0';
        key_u32(ret + *ret_len, uid);
        *ret_len += USER_KEY_BYTES;
        return 0;
}

int store_attribute_holder_next(StoreTxn *txn, const char *name, uid_t after, uid_t *ret) {
        _cleanup_(mdb_cursor_closep) MDB_cursor *cursor = NULL;
        uint8_t start[HOLDER_KEY_MAX];
        size_t len = 0;
        MDB_val key, data;
        int r;

        if (after == (uid_t)-1 || holder_key(name, after + 1, start, &len) < 0)
                return STORE_E_MISSING;
        key = (MDB_val){ len, start };
        r = table_cursor(txn, TABLE_USERS, &cursor);
        if (r == 0)
                r = cursor_get(cursor, &key, &data, MDB_SET_RANGE);
        if (r != 0)
                return r;
        if (key.mv_size != len || memcmp(key.mv_data, start, len - USER_KEY_BYTES) != 0)
                return STORE_E_MISSING;
        *ret = key_read_u32((const uint8_t *)key.mv_data + len - USER_KEY_BYTES);
        return 0;
}

static bool has(const StoreAttribute *list, size_t count, const char *name) {
        for (size_t i = 0; i < count; i++)
                if (strcmp(list[i].name, name) == 0)
                        return true;
        return false;
}

static bool ends_at(const StoreAttribute *list, size_t count, uint64_t usec) {
        for (size_t i = 0; i < count; i++)
                if (list[i].until_usec == usec)
                        return true;
        return false;
}

/* When they end, as moments. */
static int ends_move(StoreTxn *txn, uid_t uid, const StoreAttribute *before, size_t before_count,
                     const StoreAttribute *after, size_t after_count) {
        int r = 0;

        for (size_t i = 0; r == 0 && i < before_count; i++) {
                const StoreMoment moment = { before[i].until_usec, uid, STORE_MOMENT_ATTRIBUTE };

                if (!ends_at(after, after_count, moment.usec))
                        r = store_moment_delete(txn, &moment);
                r = r > 0 ? 0 : r; /* never, or shared with another */
        }
        for (size_t i = 0; r == 0 && i < after_count; i++)
                if (!ends_at(before, before_count, after[i].until_usec))
                        r = store_moment_put(txn, &(StoreMoment){ after[i].until_usec, uid,
                                                                  STORE_MOMENT_ATTRIBUTE });
        return r;
}

int attribute_holders_move(StoreTxn *txn, const StoreUser *old, const StoreUser *user) {
        StoreAttribute before[STORE_ATTRIBUTES_MAX], after[STORE_ATTRIBUTES_MAX];
        size_t before_count = 0, after_count, len = 0;
        uint8_t key[HOLDER_KEY_MAX];
        int r;

        r = old ? store_attributes_read(old, before, &before_count) : 0;
        if (r == 0)
                r = store_attributes_read(user, after, &after_count);
        for (size_t i = 0; r == 0 && i < before_count; i++) {
                if (has(after, after_count, before[i].name))
                        continue;
                r = holder_key(before[i].name, user->uid, key, &len);
                if (r == 0)
                        r = table_delete(txn, TABLE_USERS, key, len);
                if (r == STORE_E_MISSING)
                        r = -EBADMSG;
        }
        for (size_t i = 0; r == 0 && i < after_count; i++) {
                if (has(before, before_count, after[i].name))
                        continue;
                r = holder_key(after[i].name, user->uid, key, &len);
                if (r == 0)
                        r = table_put(txn, TABLE_USERS, key, len, "", 0, 0);
        }
        if (r == 0)
                r = ends_move(txn, user->uid, before, before_count, after, after_count);
        return r;
}
