/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Policy values as they were set: level, whose, name and text.  Nothing here knows which names and
 * texts there are: that is policy's, and who reads them asks it.
 *
 * The rows stand in the users' table, in front of all users: under uid 0, which nobody of um's has,
 * so that the users' keys still rise to the end of it. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "umd/store/internal.h"

#define VALUE_PREFIX    'p'
#define VALUE_HEAD      (USER_KEY_BYTES + 2) /* uid 0, 'p', level */
#define VALUE_KEY_MAX   (VALUE_HEAD + CODEC_KEY_MAX + 1 + CODEC_KEY_MAX)
#define VALUE_START_MAX (VALUE_HEAD + CODEC_KEY_MAX + 1)

static const CodecField policy_value_fields[] = {
        { 1, CODEC_U32, true, offsetof(StorePolicyValue, level), 0, 0 },
        { 2, CODEC_TEXT, true, offsetof(StorePolicyValue, subject), 0, CODEC_KEY_MAX },
        { 3, CODEC_TEXT, true, offsetof(StorePolicyValue, name), 0, CODEC_KEY_MAX },
        { 4, CODEC_TEXT, true, offsetof(StorePolicyValue, value), 0, CODEC_TEXT_MAX },
        { 5, CODEC_U32, false, offsetof(StorePolicyValue, by), 0, 0 },
        { 6, CODEC_U64, false, offsetof(StorePolicyValue, set_usec), 0, 0 },
};

const CodecKind codec_policy_value = { 11, 1, sizeof(StorePolicyValue), policy_value_fields,
                                       ARRAY_LENGTH(policy_value_fields) };

static bool level_is_known(StorePolicyLevel level) {
        switch (level) {
        case STORE_POLICY_COMPANY:
        case STORE_POLICY_DEPARTMENT:
        case STORE_POLICY_ROLE:
        case STORE_POLICY_USER:
                return true;
        }
        return false;
}

/* Where all values of the level begin: uid 0, 'p', level. */
static void level_key(StorePolicyLevel level, uint8_t *ret) {
        key_u32(ret, 0);
        ret[USER_KEY_BYTES] = VALUE_PREFIX;
        ret[USER_KEY_BYTES + 1] = (uint8_t)level;
}

/* Where all values of the subject begin: uid 0, 'p', level, subject, NUL. */
static int start_key(StorePolicyLevel level, const char *subject, uint8_t *ret, size_t *ret_len) {
        size_t len = strnlen(subject, CODEC_KEY_MAX + 1);

        if (len == 0 || len > CODEC_KEY_MAX || !level_is_known(level))
                return -EINVAL;
        level_key(level, ret);
        memcpy(ret + VALUE_HEAD, subject, len + 1);
        *ret_len = VALUE_HEAD + len + 1;
        return 0;
}

static int value_key(StorePolicyLevel level, const char *subject, const char *name, uint8_t *ret,
                     size_t *ret_len) {
        size_t len = strnlen(name, CODEC_KEY_MAX + 1), start = 0;
        int r;

        if (len == 0 || len > CODEC_KEY_MAX)
                return -EINVAL;
        r = start_key(level, subject, ret, &start);
        if (r < 0)
                return r;
        memcpy(ret + start, name, len);
        *ret_len = start + len;
        return 0;
}

int store_policy_value_put(StoreTxn *txn, const StorePolicyValue *value) {
        uint8_t key[VALUE_KEY_MAX];
        size_t len = 0;
        int r;

        r = value_key(value->level, value->subject, value->name, key, &len);
        if (r < 0)
                return r;
        return record_put(txn, TABLE_USERS, key, len, &codec_policy_value, value, 0);
}

int store_policy_value_delete(StoreTxn *txn, StorePolicyLevel level, const char *subject,
                              const char *name) {
        uint8_t key[VALUE_KEY_MAX];
        size_t len = 0;

        if (value_key(level, subject, name, key, &len) < 0)
                return STORE_E_MISSING;
        return table_delete(txn, TABLE_USERS, key, len);
}

/* Does the record belong under its key? */
static bool value_stands(const StorePolicyValue *value, const MDB_val *key) {
        uint8_t expected[VALUE_KEY_MAX];
        size_t len = 0;

        return value_key(value->level, value->subject, value->name, expected, &len) == 0 &&
               len == key->mv_size && memcmp(expected, key->mv_data, len) == 0;
}

/* From the start key on, as far as keys begin with its first prefix_len bytes. */
static int values_walk(StoreTxn *txn, const uint8_t *start, size_t start_len, size_t prefix_len,
                       int (*each)(void *userdata, const StorePolicyValue *value), void *userdata) {
        _cleanup_(mdb_cursor_closep) MDB_cursor *cursor = NULL;
        _cleanup_free_ StorePolicyValue *value = NULL;
        MDB_val key = { start_len, (void *)(uintptr_t)start }, data;
        size_t size = 0;
        int r;

        r = table_cursor(txn, TABLE_USERS, &cursor);
        if (r < 0)
                return r;
        for (r = cursor_get(cursor, &key, &data, MDB_SET_RANGE); r == 0;
             r = cursor_get(cursor, &key, &data, MDB_NEXT)) {
                if (key.mv_size < prefix_len || memcmp(key.mv_data, start, prefix_len) != 0)
                        return 0;
                r = record_reuse(&codec_policy_value, &data, (void **)&value, &size);
                if (r == 0 && !value_stands(value, &key))
                        r = -EBADMSG;
                if (r == 0)
                        r = each(userdata, value);
                if (r != 0)
                        return r;
        }
        return r == STORE_E_MISSING ? 0 : r;
}

int store_policy_value_get(StoreTxn *txn, StorePolicyLevel level, const char *subject,
                           const char *name, StorePolicyValue **ret) {
        _cleanup_(store_policy_value_freep) StorePolicyValue *value = NULL;
        uint8_t key[VALUE_KEY_MAX];
        size_t len = 0;
        int r;

        if (value_key(level, subject, name, key, &len) < 0)
                return STORE_E_MISSING;
        r = record_get(txn, TABLE_USERS, key, len, &codec_policy_value, (void **)&value);
        if (r == 0 && !value_stands(value, &(MDB_val){ len, key }))
                r = -EBADMSG;
        if (r == 0)
                *ret = TAKE(value);
        return r;
}

StorePolicyValue *store_policy_value_free(StorePolicyValue *value) {
        free(value);
        return NULL;
}

int store_policy_value_any(StoreTxn *txn, StorePolicyLevel level) {
        _cleanup_(mdb_cursor_closep) MDB_cursor *cursor = NULL;
        uint8_t head[VALUE_HEAD];
        MDB_val key = { sizeof(head), head }, data;
        int r;

        level_key(level, head);
        r = table_cursor(txn, TABLE_USERS, &cursor);
        if (r == 0)
                r = cursor_get(cursor, &key, &data, MDB_SET_RANGE);
        if (r == 0 && (key.mv_size < sizeof(head) || memcmp(key.mv_data, head, sizeof(head)) != 0))
                r = STORE_E_MISSING;
        return r;
}

int store_policy_value_each(StoreTxn *txn, StorePolicyLevel level, const char *subject,
                            int (*each)(void *userdata, const StorePolicyValue *value),
                            void *userdata) {
        uint8_t start[VALUE_START_MAX];
        size_t len = 0;
        int r;

        r = start_key(level, subject, start, &len);
        return r < 0 ? r : values_walk(txn, start, len, len, each, userdata);
}

int store_policy_value_all(StoreTxn *txn, const StorePolicyValue *after,
                           int (*each)(void *userdata, const StorePolicyValue *value),
                           void *userdata) {
        uint8_t start[VALUE_KEY_MAX + 1] = { 0, 0, 0, 0, VALUE_PREFIX };
        size_t len = USER_KEY_BYTES + 1;
        int r = 0;

        if (after) {
                r = value_key(after->level, after->subject, after->name, start, &len);
                start[len++] = '\0'; /* the first key behind that one */
        }
        return r < 0 ? r : values_walk(txn, start, len, USER_KEY_BYTES + 1, each, userdata);
}
