/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sudo command groups, as they were written: what a command may look like is core's.
 *
 * The rows stand in the users' table beside the roles, and share their stamp: whoever keeps what
 * follows from both sees a change of either. */

#include <errno.h>
#include <string.h>

#include "umd/store/internal.h"

#define SUDO_PREFIX  'c'
#define SUDO_HEAD    (USER_KEY_BYTES + 1) /* uid 0, 'c' */
#define SUDO_KEY_MAX (SUDO_HEAD + CODEC_KEY_MAX)
#define SUDO_BYTES   65536U /* of all commands */

static const CodecField sudo_fields[] = {
        { 1, CODEC_U64, true, offsetof(SudoRecord, group.version), 0, 0 },
        { 2, CODEC_TEXT, true, offsetof(SudoRecord, group.name), 0, CODEC_KEY_MAX },
        { 3, CODEC_TEXT, false, offsetof(SudoRecord, group.description), 0, CODEC_TEXT_MAX },
        { 4, CODEC_BYTES, false, offsetof(SudoRecord, commands), offsetof(SudoRecord, commands_len),
          SUDO_BYTES },
        { 5, CODEC_TEXT, true, offsetof(SudoRecord, group.run_as), 0, CODEC_KEY_MAX },
        { 6, CODEC_TEXT, false, offsetof(SudoRecord, group.run_as_group), 0, CODEC_KEY_MAX },
        { 7, CODEC_BOOL, false, offsetof(SudoRecord, group.no_password), 0, 0 },
        { 8, CODEC_BOOL, false, offsetof(SudoRecord, group.broad), 0, 0 },
        { 9, CODEC_U64, false, offsetof(SudoRecord, group.created_usec), 0, 0 },
        { 10, CODEC_U32, false, offsetof(SudoRecord, group.created_by), 0, 0 },
};

const CodecKind codec_sudo_group = { 30, 1, sizeof(SudoRecord), sudo_fields,
                                     ARRAY_LENGTH(sudo_fields) };

static void head_key(uint8_t *key) {
        key_u32(key, 0);
        key[USER_KEY_BYTES] = SUDO_PREFIX;
}

static int sudo_key(const char *name, uint8_t *ret, size_t *ret_len) {
        size_t len = strnlen(name, CODEC_KEY_MAX + 1);

        if (len == 0 || len > CODEC_KEY_MAX)
                return -EINVAL;
        head_key(ret);
        memcpy(ret + SUDO_HEAD, name, len);
        *ret_len = SUDO_HEAD + len;
        return 0;
}

/* Decodes with the list of commands behind the record: the shortest has two bytes. */
static int sudo_decode(const MDB_val *data, const char *name, size_t name_len,
                       StoreSudoGroup **ret) {
        _cleanup_free_ SudoRecord *record = NULL;
        void *extra;
        int r;

        r = codec_decode(&codec_sudo_group, data->mv_data, data->mv_size,
                         (data->mv_size / 2 + 1) * sizeof(char *), (void **)&record, &extra);
        if (r == 0)
                r = role_list_read(record->commands, record->commands_len, extra);
        if (r < 0)
                return r;
        record->group.commands = extra;
        if (strlen(record->group.name) != name_len ||
            memcmp(record->group.name, name, name_len) != 0)
                return -EBADMSG;
        *ret = &TAKE(record)->group;
        return 0;
}

int store_sudo_group_get(StoreTxn *txn, const char *name, StoreSudoGroup **ret) {
        uint8_t key[SUDO_KEY_MAX];
        MDB_val data;
        size_t len = 0;
        int r;

        if (sudo_key(name, key, &len) < 0)
                return STORE_E_MISSING;
        r = table_get(txn, TABLE_USERS, key, len, &data);
        return r != 0 ? r : sudo_decode(&data, name, len - SUDO_HEAD, ret);
}

/* Is the version the stored one, 0 for none? */
static int version_check(StoreTxn *txn, const StoreSudoGroup *group) {
        _cleanup_(store_sudo_group_freep) StoreSudoGroup *old = NULL;
        int r = store_sudo_group_get(txn, group->name, &old);

        if (r < 0)
                return r;
        return (r == 0 ? old->version : 0) == group->version ? 0 : STORE_E_CONFLICT;
}

int store_sudo_group_put(StoreTxn *txn, const StoreSudoGroup *group) {
        SudoRecord record = { .group = *group };
        CodecBuffer buffer = { 0 };
        uint8_t key[SUDO_KEY_MAX];
        size_t len = 0;
        int r;

        r = sudo_key(group->name, key, &len);
        if (r == 0)
                r = version_check(txn, group);
        if (r != 0)
                return r;
        record.group.version++;
        r = role_list_write(group->commands, SUDO_BYTES, &buffer);
        record.commands = buffer.data;
        record.commands_len = buffer.len;
        if (r == 0)
                r = record_put(txn, TABLE_USERS, key, len, &codec_sudo_group, &record, 0);
        free(buffer.data);
        return r < 0 ? r : role_stamp_renew(txn);
}

int store_sudo_group_delete(StoreTxn *txn, const char *name) {
        uint8_t key[SUDO_KEY_MAX];
        size_t len = 0;
        int r;

        if (sudo_key(name, key, &len) < 0)
                return STORE_E_MISSING;
        r = table_delete(txn, TABLE_USERS, key, len);
        return r != 0 ? r : role_stamp_renew(txn);
}

int store_sudo_group_each(StoreTxn *txn, int (*each)(void *userdata, StoreSudoGroup **group),
                          void *userdata) {
        _cleanup_(mdb_cursor_closep) MDB_cursor *cursor = NULL;
        uint8_t head[SUDO_HEAD];
        MDB_val key = { sizeof(head), head }, data;
        int r;

        head_key(head);
        r = table_cursor(txn, TABLE_USERS, &cursor);
        if (r < 0)
                return r;
        for (r = cursor_get(cursor, &key, &data, MDB_SET_RANGE); r == 0;
             r = cursor_get(cursor, &key, &data, MDB_NEXT)) {
                _cleanup_(store_sudo_group_freep) StoreSudoGroup *group = NULL;

                if (key.mv_size < sizeof(head) || memcmp(key.mv_data, head, sizeof(head)) != 0)
                        return 0;
                r = sudo_decode(&data, (const char *)key.mv_data + sizeof(head),
                                key.mv_size - sizeof(head), &group);
                if (r == 0)
                        r = each(userdata, &group);
                if (r != 0)
                        return r;
        }
        return r == STORE_E_MISSING ? 0 : r;
}

StoreSudoGroup *store_sudo_group_free(StoreSudoGroup *group) {
        free(group); /* the first member of its record */
        return NULL;
}
