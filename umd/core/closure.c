/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Nesting.  A member of a group is a member of every group that nests it, and so on upwards; what
 * is asked here is who that makes of one, in both directions, and whether one more nesting would
 * make a loop or too deep a chain.  Walks are sets that grow while they are read: a graph that were
 * damaged into a loop would end them, not hang them. */

#include <errno.h>
#include <string.h>

#include "umd/core/holders.h"

int core_group_load_by_gid(StoreTxn *txn, gid_t gid, StoreGroup **ret) {
        _cleanup_(store_group_freep) StoreGroup *group = NULL;
        int r;

        r = store_group_get(txn, gid, &group);
        if (r != 0)
                return r;
        if (group->deleted)
                return STORE_E_MISSING;
        *ret = TAKE(group);
        return 0;
}

int core_groups_above(StoreTxn *txn, IdSet *set) {
        for (size_t i = 0; i < set->count; i++) {
                _cleanup_free_ gid_t *above = NULL;
                size_t count;
                int r = store_groups_of_group(txn, set->ids[i], &above, &count);

                for (size_t k = 0; r >= 0 && k < count; k++)
                        r = core_idset_add(set, above[k]);
                if (r < 0)
                        return r;
        }
        return 0;
}

int core_groups_below(StoreTxn *txn, gid_t gid, IdSet *set) {
        int r;

        r = core_idset_add(set, gid);
        for (size_t i = 0; r >= 0 && i < set->count; i++) {
                _cleanup_(store_group_freep) StoreGroup *group = NULL;

                r = core_group_load_by_gid(txn, set->ids[i], &group);
                for (size_t k = 0; r == 0 && k < group->nested_count; k++) {
                        r = core_idset_add(set, group->nested[k]);
                        if (r > 0)
                                r = 0;
                }
        }
        return r < 0 ? r : 0;
}

/* um-mfa stands in none. */
static int add_mfa(Core *core, StoreTxn *txn, uid_t uid, IdSet *ret) {
        gid_t gid;
        int r;

        r = core_mfa_gid(txn, &gid);
        if (r == 0 && gid != 0)
                r = core_mfa_needed(core, txn, uid);
        if (r > 0)
                r = core_idset_add(ret, gid);
        return r < 0 ? r : 0;
}

static int add_by_role(Core *core, StoreTxn *txn, uid_t uid, IdSet *ret, IdSet *ret_host) {
        _cleanup_(core_linux_groups_done) LinuxGroups groups = { 0 };
        int r;

        r = core_linux_groups_of_user(core, txn, uid, &groups);
        for (size_t i = 0; r >= 0 && i < groups.own.count; i++)
                r = core_idset_add(ret, groups.own.ids[i]);
        for (size_t i = 0; r >= 0 && ret_host && i < groups.host.count; i++)
                r = core_idset_add(ret_host, groups.host.ids[i]);
        return r < 0 ? r : 0;
}

int core_groups_of_user(Core *core, StoreTxn *txn, uid_t uid, IdSet *ret, IdSet *ret_host) {
        _cleanup_free_ gid_t *direct = NULL;
        size_t count;
        int r;

        r = store_groups_of_user(txn, uid, &direct, &count);
        for (size_t i = 0; r >= 0 && i < count; i++)
                r = core_idset_add(ret, direct[i]);
        if (r >= 0)
                r = add_by_role(core, txn, uid, ret, ret_host);
        if (r >= 0)
                r = core_groups_above(txn, ret);
        return r < 0 ? r : add_mfa(core, txn, uid, ret);
}

int core_change_news_user_groups(Change *change, uid_t uid) {
        _cleanup_(store_user_freep) StoreUser *user = NULL;
        _cleanup_idset_ IdSet set = { 0 };
        int r;

        r = core_groups_of_user(change->core, change->txn, uid, &set, NULL);
        if (r == 0)
                r = core_change_news_groups(change, &set);
        if (r == 0)
                r = store_user_get(change->txn, uid, &user);
        if (r != 0)
                return r < 0 ? r : -EBADMSG;
        return core_linux_news_of_user(change, user);
}

int core_members_of(Core *core, StoreTxn *txn, const IdSet *gids, IdSet *uids) {
        int r = core_members_listed(txn, gids, uids);

        return r < 0 ? r : core_linux_members(core, txn, gids, uids);
}

int core_members_listed(StoreTxn *txn, const IdSet *gids, IdSet *uids) {
        for (size_t i = 0; i < gids->count; i++) {
                _cleanup_(store_group_freep) StoreGroup *group = NULL;
                int r = core_group_load_by_gid(txn, gids->ids[i], &group);

                if (r > 0)
                        continue;
                if (r == 0)
                        r = core_idset_reserve(uids, group->member_count);
                for (size_t k = 0; r >= 0 && k < group->member_count; k++)
                        r = core_idset_add(uids, group->members[k]);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* ---- may this group be nested there? ------------------------------------------------------ */

/* Groups by their longest distance from a start: level[n] holds those that a chain of n nestings
 * reaches, and from whom.  One level more than a chain may have. */
typedef struct Levels {
        IdSet level[CORE_GROUP_DEPTH_MAX + 2];
        gid_t *from[CORE_GROUP_DEPTH_MAX + 2]; /* at the positions of the level */
        size_t depth;                          /* the last level that is not empty */
} Levels;

static void levels_done(Levels *levels) {
        for (size_t n = 0; n < ARRAY_LENGTH(levels->level); n++) {
                core_idset_done(&levels->level[n]);
                free(levels->from[n]);
        }
}

static int level_add(Levels *levels, size_t n, gid_t gid, gid_t from) {
        IdSet *set = &levels->level[n];
        gid_t *p;
        int r;

        r = core_idset_add(set, gid);
        if (r <= 0)
                return r;
        p = reallocarray(levels->from[n], set->count, sizeof(*p));
        if (!p)
                return -ENOMEM;
        levels->from[n] = p;
        p[set->count - 1] = from;
        return 0;
}

/* The groups next to gid, one nesting up or down. */
static int neighbours(StoreTxn *txn, gid_t gid, bool up, gid_t **ret, size_t *ret_count) {
        _cleanup_(store_group_freep) StoreGroup *group = NULL;
        gid_t *list;
        int r;

        if (up)
                return store_groups_of_group(txn, gid, ret, ret_count);
        r = core_group_load_by_gid(txn, gid, &group);
        if (r < 0)
                return r;
        *ret_count = r > 0 ? 0 : group->nested_count;
        *ret = NULL;
        if (*ret_count == 0)
                return 0;
        list = calloc(*ret_count, sizeof(*list));
        if (!list)
                return -ENOMEM;
        memcpy(list, group->nested, *ret_count * sizeof(*list));
        *ret = list;
        return 0;
}

static int levels_walk(StoreTxn *txn, gid_t start, bool up, Levels *levels) {
        int r;

        r = level_add(levels, 0, start, 0);
        for (size_t n = 0; r >= 0 && n + 1 < ARRAY_LENGTH(levels->level); n++) {
                for (size_t i = 0; r >= 0 && i < levels->level[n].count; i++) {
                        _cleanup_free_ gid_t *next = NULL;
                        gid_t gid = levels->level[n].ids[i];
                        size_t count = 0;

                        r = neighbours(txn, gid, up, &next, &count);
                        for (size_t k = 0; r >= 0 && k < count; k++)
                                r = level_add(levels, n + 1, next[k], gid);
                }
                if (levels->level[n].count > 0)
                        levels->depth = n;
        }
        return r;
}

/* Writes the chain that leads to gid on level n, from the start or (backwards) to it. */
static size_t chain_to(const Levels *levels, size_t n, gid_t gid, gid_t *chain) {
        size_t at;

        for (size_t i = n + 1; i-- > 0;) {
                chain[i] = gid;
                if (i > 0 && core_idset_find(&levels->level[i], gid, &at))
                        gid = levels->from[i][at];
        }
        return n + 1;
}

static int chain_text(StoreTxn *txn, const gid_t *chain, size_t count, Text *text) {
        for (size_t i = 0; i < count; i++) {
                _cleanup_(store_group_freep) StoreGroup *group = NULL;
                int r = store_group_get(txn, chain[i], &group);

                if (r != 0)
                        return r < 0 ? r : -EUCLEAN;
                base_text_addf(text, "%s%s", i > 0 ? " > " : "", group->name);
        }
        return 0;
}

static int refuse(StoreTxn *txn, const StoreGroup *group, const char *what, const gid_t *chain,
                  size_t count, CoreError *error) {
        char buf[400];
        Text text;
        int r;

        base_text_init(&text, buf, sizeof(buf));
        r = chain_text(txn, chain, count, &text);
        if (r < 0)
                return r;
        return core_fail(error, CORE_E_POLICY_REFUSED, "%s: %s: %s", group->name, what, buf);
}

/* The chain of all nestings through the new one: from the top down to group, child and below. */
static size_t whole_chain(const Levels *up, const Levels *down, gid_t *chain) {
        gid_t above[CORE_GROUP_DEPTH_MAX + 2];
        size_t count = chain_to(up, up->depth, up->level[up->depth].ids[0], above), n = 0;

        while (count > 0)
                chain[n++] = above[--count];
        return n + chain_to(down, down->depth, down->level[down->depth].ids[0], chain + n);
}

int core_check_nesting(StoreTxn *txn, const StoreGroup *group, gid_t child, CoreError *error) {
        _cleanup_(levels_done) Levels up = { 0 }, down = { 0 };
        gid_t chain[2 * (CORE_GROUP_DEPTH_MAX + 2) + 1];
        size_t count;
        int r;

        r = levels_walk(txn, child, false, &down);
        if (r >= 0)
                r = levels_walk(txn, group->gid, true, &up);
        if (r < 0)
                return r;
        for (size_t n = 0; n < ARRAY_LENGTH(down.level); n++)
                if (core_idset_has(&down.level[n], group->gid)) {
                        chain[0] = group->gid;
                        count = 1 + chain_to(&down, n, group->gid, chain + 1);
                        return refuse(txn, group, "would be nested in itself", chain, count, error);
                }
        if (up.depth + 1 + down.depth <= CORE_GROUP_DEPTH_MAX)
                return 0;
        count = whole_chain(&up, &down, chain);
        return refuse(txn, group, "nests deeper than 16", chain, count, error);
}
