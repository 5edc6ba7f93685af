/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Groups: the records by gid, the index by name, and who stands in which, seen from the member.
 *
 * Names and numbers are one space with the users', whose private groups have both.  A relation is a
 * key of its own (kind, member, gid), so that a large group whose list changes by one costs one
 * write beside its record. */

#include <errno.h>
#include <string.h>

#include "umd/store/internal.h"

typedef enum Relation {
        RELATION_MEMBER = 1, /* user -> groups that list him */
        RELATION_NESTED,     /* group -> groups that nest it */
        RELATION_OWNER,      /* user -> groups he owns */
} Relation;

#define RELATION_KEY_BYTES 9U

static const CodecField group_fields[] = {
        { 1, CODEC_U64, true, offsetof(StoreGroup, version), 0, 0 },
        { 2, CODEC_U32, true, offsetof(StoreGroup, gid), 0, 0 },
        { 3, CODEC_TEXT, true, offsetof(StoreGroup, name), 0, CODEC_KEY_MAX },
        { 4, CODEC_TEXT, false, offsetof(StoreGroup, description), 0, CODEC_TEXT_MAX },
        { 5, CODEC_TEXT, false, offsetof(StoreGroup, tenant), 0, CODEC_KEY_MAX },
        { 6, CODEC_IDS, false, offsetof(StoreGroup, members), offsetof(StoreGroup, member_count),
          CODEC_LIST_MAX },
        { 7, CODEC_IDS, false, offsetof(StoreGroup, nested), offsetof(StoreGroup, nested_count),
          CODEC_LIST_MAX },
        { 8, CODEC_IDS, false, offsetof(StoreGroup, owners), offsetof(StoreGroup, owner_count),
          CODEC_LIST_MAX },
        { 9, CODEC_BOOL, true, offsetof(StoreGroup, deleted), 0, 0 },
        { 10, CODEC_U64, false, offsetof(StoreGroup, created_usec), 0, 0 },
        { 11, CODEC_U32, false, offsetof(StoreGroup, created_by), 0, 0 },
};

const CodecKind codec_group = { 4, 1, sizeof(StoreGroup), group_fields,
                                ARRAY_LENGTH(group_fields) };

static int group_put(StoreTxn *txn, const StoreGroup *group, uint64_t version, unsigned flags) {
        StoreGroup written = *group;
        uint8_t key[4];

        written.version = version;
        key_u32(key, group->gid);
        return record_put(txn, TABLE_GROUPS, key, sizeof(key), &codec_group, &written, flags);
}

static void relation_key(uint8_t *key, Relation relation, uint32_t member, gid_t gid) {
        key[0] = (uint8_t)relation;
        key_u32(key + 1, member);
        key_u32(key + 5, gid);
}

static int relation_set(StoreTxn *txn, Relation relation, uint32_t member, gid_t gid, bool there) {
        uint8_t key[RELATION_KEY_BYTES];
        int r;

        relation_key(key, relation, member, gid);
        if (there)
                return table_put(txn, TABLE_RELATIONS, key, sizeof(key), "", 0, 0);
        r = table_delete(txn, TABLE_RELATIONS, key, sizeof(key));
        return r == STORE_E_MISSING ? -EBADMSG : r;
}

/* Both lists are sorted: what only one of them has is put or deleted. */
static int relations_move(StoreTxn *txn, Relation relation, gid_t gid, const uint32_t *old,
                          size_t old_count, const uint32_t *new, size_t new_count) {
        size_t o = 0, n = 0;
        int r = 0;

        while (r == 0 && (o < old_count || n < new_count)) {
                if (o < old_count && n < new_count && old[o] == new[n]) {
                        o++;
                        n++;
                } else if (n == new_count || (o < old_count && old[o] < new[n]))
                        r = relation_set(txn, relation, old[o++], gid, false);
                else
                        r = relation_set(txn, relation, new[n++], gid, true);
        }
        return r;
}

/* A tombstone keeps its lists but stands in no relation. */
static int group_relations_move(StoreTxn *txn, const StoreGroup *old, const StoreGroup *new) {
        gid_t gid = new ? new->gid : old->gid;
        bool had = old && !old->deleted, has = new && !new->deleted;
        int r;

        r = relations_move(txn, RELATION_MEMBER, gid, had ? old->members : NULL,
                           had ? old->member_count : 0, has ? new->members : NULL,
                           has ? new->member_count : 0);
        if (r == 0)
                r = relations_move(txn, RELATION_NESTED, gid, had ? old->nested : NULL,
                                   had ? old->nested_count : 0, has ? new->nested : NULL,
                                   has ? new->nested_count : 0);
        if (r == 0)
                r = relations_move(txn, RELATION_OWNER, gid, had ? old->owners : NULL,
                                   had ? old->owner_count : 0, has ? new->owners : NULL,
                                   has ? new->owner_count : 0);
        return r;
}

int store_group_insert(StoreTxn *txn, const StoreGroup *group) {
        bool used;
        int r;

        if (!txn->writing || group->gid == (gid_t)-1)
                return -EINVAL;
        if (txn->store->tight)
                return -ENOSPC;
        r = store_id_used(txn, group->gid, &used);
        if (r < 0 || used)
                return r < 0 ? r : STORE_E_EXISTS;
        r = name_used(txn, group->name, (uid_t)-1, &used);
        if (r < 0 || used)
                return r < 0 ? r : STORE_E_EXISTS;
        r = group_put(txn, group, 1, MDB_NOOVERWRITE);
        if (r == 0)
                r = index_put(txn, INDEX_GROUP, group->name, strlen(group->name), group->gid);
        if (r == 0)
                r = group_relations_move(txn, NULL, group);
        if (r < 0)
                return r;
        txn->meta.groups += !group->deleted;
        txn->meta_changed = true;
        return 0;
}

static int name_move(StoreTxn *txn, const StoreGroup *old, const StoreGroup *group) {
        int r;

        if (strcmp(old->name, group->name) == 0)
                return 0;
        r = index_delete(txn, INDEX_GROUP, old->name, strlen(old->name));
        return r < 0 ? r
                     : index_put(txn, INDEX_GROUP, group->name, strlen(group->name), group->gid);
}

int store_group_update(StoreTxn *txn, const StoreGroup *group) {
        _cleanup_(store_group_freep) StoreGroup *old = NULL;
        bool used = false;
        int r;

        if (!txn->writing)
                return -EINVAL;
        r = store_group_get(txn, group->gid, &old);
        if (r != 0)
                return r;
        if (old->version != group->version)
                return STORE_E_CONFLICT;
        if (strcmp(old->name, group->name) != 0) {
                r = name_used(txn, group->name, (uid_t)-1, &used);
                if (r < 0 || used)
                        return r < 0 ? r : STORE_E_EXISTS;
        }
        r = group_put(txn, group, group->version + 1, 0);
        if (r == 0)
                r = name_move(txn, old, group);
        if (r == 0)
                r = group_relations_move(txn, old, group);
        if (r < 0)
                return r;
        txn->meta.groups -= !old->deleted;
        txn->meta.groups += !group->deleted;
        txn->meta_changed = true;
        return 0;
}

int store_group_get(StoreTxn *txn, gid_t gid, StoreGroup **ret) {
        _cleanup_(store_group_freep) StoreGroup *group = NULL;
        uint8_t key[4];
        int r;

        key_u32(key, gid);
        r = record_get(txn, TABLE_GROUPS, key, sizeof(key), &codec_group, (void **)&group);
        if (r != 0)
                return r;
        if (group->gid != gid)
                return -EBADMSG;
        *ret = TAKE(group);
        return 0;
}

static int group_get_indexed(StoreTxn *txn, gid_t gid, StoreGroup **ret) {
        int r = store_group_get(txn, gid, ret);

        return r == STORE_E_MISSING ? -EBADMSG : r;
}

int store_group_get_by_name(StoreTxn *txn, const char *name, StoreGroup **ret) {
        _cleanup_(store_group_freep) StoreGroup *group = NULL;
        gid_t gid;
        int r;

        r = index_get(txn, INDEX_GROUP, name, strlen(name), &gid);
        if (r == 0)
                r = group_get_indexed(txn, gid, &group);
        if (r != 0)
                return r;
        if (strcmp(group->name, name) != 0)
                return -EBADMSG;
        *ret = TAKE(group);
        return 0;
}

int store_group_next(StoreTxn *txn, const char *after, StoreGroup **ret) {
        gid_t gid;
        int r = index_next(txn, INDEX_GROUP, after, &gid);

        return r != 0 ? r : group_get_indexed(txn, gid, ret);
}

int store_group_each(StoreTxn *txn, int (*each)(void *userdata, const StoreGroup *group),
                     void *userdata) {
        _cleanup_(mdb_cursor_closep) MDB_cursor *cursor = NULL;
        _cleanup_free_ StoreGroup *group = NULL;
        size_t size = 0;
        MDB_val key, data;
        int r;

        r = table_cursor(txn, TABLE_GROUPS, &cursor);
        if (r < 0)
                return r;
        while ((r = cursor_get(cursor, &key, &data, MDB_NEXT)) == 0) {
                r = record_reuse(&codec_group, &data, (void **)&group, &size);
                if (r == 0 && (key.mv_size != 4 || key_read_u32(key.mv_data) != group->gid))
                        r = -EBADMSG;
                if (r == 0)
                        r = each(userdata, group);
                if (r != 0)
                        return r;
        }
        return r == STORE_E_MISSING ? 0 : r;
}

/* The gids behind one member: keys with one prefix stand together, and sorted. */
static int relations_get(StoreTxn *txn, Relation relation, uint32_t member, gid_t **ret,
                         size_t *ret_count) {
        _cleanup_(mdb_cursor_closep) MDB_cursor *cursor = NULL;
        _cleanup_free_ gid_t *gids = NULL;
        uint8_t prefix[RELATION_KEY_BYTES];
        MDB_val key = { sizeof(prefix), prefix }, data;
        size_t count = 0, size = 0;
        int r;

        relation_key(prefix, relation, member, 0);
        r = table_cursor(txn, TABLE_RELATIONS, &cursor);
        if (r < 0)
                return r;
        for (r = cursor_get(cursor, &key, &data, MDB_SET_RANGE); r == 0;
             r = cursor_get(cursor, &key, &data, MDB_NEXT)) {
                if (key.mv_size != sizeof(prefix))
                        return -EBADMSG;
                if (memcmp(key.mv_data, prefix, 5) != 0)
                        break;
                if (count == size) {
                        gid_t *grown = reallocarray(gids, size = size * 2 + 8, sizeof(*gids));

                        if (!grown)
                                return -ENOMEM;
                        gids = grown;
                }
                gids[count++] = key_read_u32((uint8_t *)key.mv_data + 5);
        }
        if (r < 0)
                return r;
        *ret = TAKE(gids);
        *ret_count = count;
        return 0;
}

int store_groups_of_user(StoreTxn *txn, uid_t uid, gid_t **ret, size_t *ret_count) {
        return relations_get(txn, RELATION_MEMBER, uid, ret, ret_count);
}

int store_groups_of_group(StoreTxn *txn, gid_t gid, gid_t **ret, size_t *ret_count) {
        return relations_get(txn, RELATION_NESTED, gid, ret, ret_count);
}

int store_groups_owned(StoreTxn *txn, uid_t uid, gid_t **ret, size_t *ret_count) {
        return relations_get(txn, RELATION_OWNER, uid, ret, ret_count);
}

StoreGroup *store_group_free(StoreGroup *group) {
        free(group);
        return NULL;
}
