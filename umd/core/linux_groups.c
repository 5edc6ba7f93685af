/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The Linux groups that roles give (FEATURES D2): who holds such a role, by a grant that counts in
 * the tenant of this host, is in the group as if it listed him.
 *
 * Who is in it that way is kept nowhere.  It follows from roles and grants whenever it is asked
 * for, as with um-mfa, so that no change can forget it; what has to be kept is who has to be told
 * anew (moments.c, and the news below).
 *
 * A role has names.  Which group one means is found each time: one of /etc/group, or else one of
 * um's own.  A name that is both means neither: the role was written when it was one of them, and
 * must not come to give the other.  Nor is anybody put into the group 0. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "umd/core/holders.h"

void core_linux_groups_done(LinuxGroups *groups) {
        core_idset_done(&groups->own);
        core_idset_done(&groups->host);
}

int core_linux_group_find(Core *core, StoreTxn *txn, const char *name, LinuxGroupKind *ret_kind,
                          gid_t *ret_gid) {
        _cleanup_(store_group_freep) StoreGroup *group = NULL;
        const CoreHost *host = &core->host;
        bool held = host->name_held(host->userdata, name, true), own;
        int r;

        *ret_kind = LINUX_GROUP_NONE;
        *ret_gid = 0;
        r = store_group_get_by_name(txn, name, &group);
        if (r < 0)
                return r;
        own = r == 0 && !group->deleted;
        if (held && own)
                *ret_kind = LINUX_GROUP_BOTH;
        else if (own) {
                *ret_kind = LINUX_GROUP_OWN;
                *ret_gid = group->gid;
        } else if (held && host->group_gid(host->userdata, name, ret_gid))
                *ret_kind = *ret_gid != 0 ? LINUX_GROUP_HOST : LINUX_GROUP_ZERO;
        return 0;
}

/* ---- what each role gives ------------------------------------------------------------------ */

/* Found once for all that is asked of it. */
typedef struct Table {
        Core *core;
        StoreTxn *txn;
        const Roles *roles;
        LinuxGroups *groups; /* of each role, with what it inherits */
        bool *known;
} Table;

#define _cleanup_table_ _cleanup_(table_done)

static void table_done(Table *table) {
        for (size_t i = 0; table->groups && i < core_roles_count(table->roles); i++)
                core_linux_groups_done(&table->groups[i]);
        free(table->groups);
        free(table->known);
}

/* Without any where no role gives one. */
static int table_begin(Core *core, StoreTxn *txn, Table *ret) {
        int r;

        ret->core = core;
        ret->txn = txn;
        r = core_roles(core, txn, &ret->roles);
        if (r != 0 || core_roles_linux(ret->roles, 0) == ROLE_NONE)
                return r;
        ret->groups = calloc(core_roles_count(ret->roles), sizeof(*ret->groups));
        ret->known = calloc(core_roles_count(ret->roles), sizeof(*ret->known));
        return ret->groups && ret->known ? 0 : -ENOMEM;
}

static int name_add(const Table *table, const char *name, LinuxGroups *ret) {
        LinuxGroupKind kind;
        gid_t gid;
        int r;

        r = core_linux_group_find(table->core, table->txn, name, &kind, &gid);
        if (r == 0 && kind == LINUX_GROUP_OWN)
                r = core_idset_add(&ret->own, gid);
        if (r == 0 && kind == LINUX_GROUP_HOST)
                r = core_idset_add(&ret->host, gid);
        return r < 0 ? r : 0;
}

static int role_read(const Table *table, uint16_t role, LinuxGroups *ret) {
        const RoleSet *set = core_roles_set(table->roles);
        uint16_t giver;
        int r = 0;

        for (size_t i = 0; r == 0 && (giver = core_roles_linux(table->roles, i)) != ROLE_NONE;
             i++) {
                const char *const *names =
                        core_roles_record(table->roles, giver)->lists[ROLE_LIST_LINUX_GROUPS];

                for (size_t n = 0; r == 0 && names[n] && policy_role_includes(set, role, giver);
                     n++)
                        r = name_add(table, names[n], ret);
        }
        return r;
}

/* NULL in *ret: it gives none. */
static int table_role(Table *table, uint16_t role, const LinuxGroups **ret) {
        int r = 0;

        *ret = NULL;
        if (!table->groups || role == ROLE_NONE)
                return 0;
        if (!table->known[role])
                r = role_read(table, role, &table->groups[role]);
        if (r < 0)
                return r;
        table->known[role] = true;
        if (table->groups[role].own.count > 0 || table->groups[role].host.count > 0)
                *ret = &table->groups[role];
        return 0;
}

/* ---- of one user --------------------------------------------------------------------------- */

static int all_add(const IdSet *from, IdSet *to) {
        int r = 0;

        for (size_t i = 0; i < from->count && r >= 0; i++)
                r = core_idset_add(to, from->ids[i]);
        return r < 0 ? r : 0;
}

/* A group concerns the host, and no user of it: a grant over some of them gives none.  all: also
 * what grants would give that do not count now. */
static int user_read(Table *table, const StoreUser *user, bool all, LinuxGroups *ret) {
        _cleanup_holder_ Holder holder = { 0 };
        const RoleSet *set = core_roles_set(table->roles);
        const RightsPlace place = {
                .tenant = table->core->settings.tenant,
                .now_usec = table->core->now_usec,
                .over = RIGHTS_OVER_TENANT,
        };
        int r;

        r = core_holder_load(table->txn, set, user, &holder);
        for (size_t i = 0; i < holder.facts.grant_count && r == 0; i++) {
                const RightsGrant *grant = &holder.grants[i];
                const LinuxGroups *groups;

                r = table_role(table, grant->role, &groups);
                if (r < 0 || !groups ||
                    (!all &&
                     policy_grant_state(set, &holder.facts, grant, &place, NULL) != GRANT_COUNTS))
                        continue;
                r = all_add(&groups->own, &ret->own);
                if (r == 0)
                        r = all_add(&groups->host, &ret->host);
        }
        return r;
}

int core_linux_groups_of_user(Core *core, StoreTxn *txn, uid_t uid, LinuxGroups *ret) {
        _cleanup_(store_user_freep) StoreUser *user = NULL;
        _cleanup_table_ Table table = { 0 };
        int r;

        r = table_begin(core, txn, &table);
        if (r < 0 || !table.groups)
                return r;
        r = store_user_get(txn, uid, &user);
        if (r != 0 || user->status == USER_STATUS_DELETED)
                return r < 0 ? r : 0;
        return user_read(&table, user, false, ret);
}

/* ---- of one group, or all ------------------------------------------------------------------ */

static bool sets_meet(const IdSet *a, const IdSet *b) {
        for (size_t i = 0; i < a->count; i++)
                if (core_idset_has(b, a->ids[i]))
                        return true;
        return false;
}

/* Everybody who holds a role that gives one of these groups (NULL: any group), counting or not. */
static int holders_of(Table *table, const IdSet *gids, IdSet *ret) {
        int r = 0;

        for (uint16_t role = 0; role < core_roles_count(table->roles) && r >= 0; role++) {
                const char *name = core_roles_spec(table->roles, role)->name;
                const LinuxGroups *groups;
                uid_t uid = 0;

                r = table_role(table, role, &groups);
                if (r < 0 || !groups || (gids && !sets_meet(&groups->own, gids)))
                        continue;
                while ((r = store_grant_holder_next(table->txn, name, uid, &uid)) == 0) {
                        r = core_idset_add(ret, uid);
                        if (r < 0)
                                return r;
                }
                if (r >= 0)
                        r = core_automatic_holders(table->txn, core_roles_set(table->roles), role,
                                                   ret);
        }
        return r < 0 ? r : 0;
}

typedef int (*MemberEach)(void *userdata, uid_t uid, const LinuxGroups *groups);

/* Who of these is in any group by a role. */
static int members_walk(Table *table, const IdSet *uids, MemberEach each, void *userdata) {
        int r = 0;

        for (size_t i = 0; i < uids->count && r >= 0; i++) {
                _cleanup_(store_user_freep) StoreUser *user = NULL;
                _cleanup_(core_linux_groups_done) LinuxGroups groups = { 0 };

                r = store_user_get(table->txn, uids->ids[i], &user);
                if (r != 0)
                        return r < 0 ? r : -EBADMSG;
                if (user->status == USER_STATUS_DELETED)
                        continue;
                r = user_read(table, user, false, &groups);
                if (r == 0)
                        r = each(userdata, user->uid, &groups);
        }
        return r < 0 ? r : 0;
}

typedef struct Members {
        const IdSet *gids;
        IdSet *uids;
} Members;

static int member_add(void *userdata, uid_t uid, const LinuxGroups *groups) {
        Members *members = userdata;

        return sets_meet(&groups->own, members->gids) ? core_idset_add(members->uids, uid) : 0;
}

int core_linux_members(Core *core, StoreTxn *txn, const IdSet *gids, IdSet *uids) {
        _cleanup_idset_ IdSet holders = { 0 };
        _cleanup_table_ Table table = { 0 };
        Members members = { gids, uids };
        int r;

        r = table_begin(core, txn, &table);
        if (r < 0 || !table.groups)
                return r;
        r = holders_of(&table, gids, &holders);
        return r < 0 ? r : members_walk(&table, &holders, member_add, &members);
}

static int pair_add(LinuxPairs *pairs, uid_t uid, gid_t gid) {
        if (pairs->count == pairs->size) {
                size_t size = pairs->size ? pairs->size * 2 : 64;
                LinuxPair *list = reallocarray(pairs->list, size, sizeof(*list));

                if (!list)
                        return -ENOMEM;
                pairs->list = list;
                pairs->size = size;
        }
        pairs->list[pairs->count++] = (LinuxPair){ uid, gid };
        return 0;
}

static int pairs_add(void *userdata, uid_t uid, const LinuxGroups *groups) {
        LinuxMembers *all = userdata;
        int r = 0;

        for (size_t i = 0; i < groups->own.count && r == 0; i++)
                r = pair_add(&all->own, uid, groups->own.ids[i]);
        for (size_t i = 0; i < groups->host.count && r == 0; i++)
                r = pair_add(&all->host, uid, groups->host.ids[i]);
        return r;
}

int core_linux_members_load(Core *core, StoreTxn *txn, LinuxMembers *ret) {
        _cleanup_idset_ IdSet holders = { 0 };
        _cleanup_table_ Table table = { 0 };
        int r;

        r = table_begin(core, txn, &table);
        if (r < 0 || !table.groups)
                return r;
        r = holders_of(&table, NULL, &holders);
        core_idset_sort(&holders);
        return r < 0 ? r : members_walk(&table, &holders, pairs_add, ret);
}

int core_linux_members_add(const LinuxMembers *all, const IdSet *gids, IdSet *uids) {
        int r = 0;

        for (size_t i = 0; i < all->own.count && r >= 0; i++)
                if (core_idset_has(gids, all->own.list[i].gid))
                        r = core_idset_add(uids, all->own.list[i].uid);
        return r < 0 ? r : 0;
}

void core_linux_members_done(LinuxMembers *all) {
        free(all->own.list);
        free(all->host.list);
}

/* ---- news ---------------------------------------------------------------------------------- */

/* Of a group that lists his name, and those above it. */
static int groups_news(Change *change, const IdSet *own) {
        _cleanup_idset_ IdSet gids = { 0 };
        int r;

        r = all_add(own, &gids);
        if (r == 0)
                r = core_groups_above(change->txn, &gids);
        return r < 0 ? r : core_change_news_groups(change, &gids);
}

int core_linux_news_of_role(Change *change, const char *role) {
        _cleanup_table_ Table table = { 0 };
        const LinuxGroups *groups = NULL;
        int r;

        r = table_begin(change->core, change->txn, &table);
        if (r == 0)
                r = table_role(&table, policy_role_from_name(core_roles_set(table.roles), role),
                               &groups);
        return r < 0 || !groups ? r : groups_news(change, &groups->own);
}

int core_linux_news_of_user(Change *change, const StoreUser *user) {
        _cleanup_(core_linux_groups_done) LinuxGroups groups = { 0 };
        _cleanup_table_ Table table = { 0 };
        int r;

        r = table_begin(change->core, change->txn, &table);
        if (r < 0 || !table.groups)
                return r;
        r = user_read(&table, user, true, &groups);
        return r < 0 ? r : groups_news(change, &groups.own);
}

/* As many are told by their names; of more it is said that it may be anybody. */
#define HOLDERS_TOLD_MAX 256U

static int holders_news(Change *change, const Roles *roles, uint16_t role) {
        _cleanup_idset_ IdSet uids = { 0 };
        const RoleSet *set = core_roles_set(roles);

        for (uint16_t i = 0; i < core_roles_count(roles); i++) {
                uid_t uid = 0;
                int r = 0;

                if (!policy_role_includes(set, i, role))
                        continue;
                while (uids.count <= HOLDERS_TOLD_MAX &&
                       (r = store_grant_holder_next(change->txn, policy_role_name(set, i), uid,
                                                    &uid)) == 0)
                        if ((r = core_idset_add(&uids, uid)) < 0)
                                break;
                if (r < 0)
                        return r;
        }
        if (uids.count <= HOLDERS_TOLD_MAX)
                return core_change_news_users(change, &uids);
        change->news.everybody = true;
        return 0;
}

int core_linux_note_role(Change *change, const char *role, IdSet *ret_own, bool *ret_gives) {
        _cleanup_table_ Table table = { 0 };
        const LinuxGroups *groups = NULL;
        int r;

        r = table_begin(change->core, change->txn, &table);
        if (r == 0)
                r = table_role(&table, policy_role_from_name(core_roles_set(table.roles), role),
                               &groups);
        if (r < 0 || !groups)
                return r;
        *ret_gives = true;
        return all_add(&groups->own, ret_own);
}

int core_linux_news_of_edit(Change *change, const Roles *roles, const char *role, IdSet *own,
                            bool gave) {
        bool gives = gave;
        int r;

        r = core_linux_note_role(change, role, own, &gives);
        if (r < 0 || !gives)
                return r;
        r = groups_news(change, own);
        return r < 0 ? r
                     : holders_news(change, roles,
                                    policy_role_from_name(core_roles_set(roles), role));
}

/* ---- groups that come and go --------------------------------------------------------------- */

static bool names_have(const char *const *names, const char *name) {
        for (size_t i = 0; names[i]; i++)
                if (strcmp(names[i], name) == 0)
                        return true;
        return false;
}

static uint16_t next_that_names(const Roles *roles, const char *name, size_t *at) {
        uint16_t role;

        while ((role = core_roles_linux(roles, *at)) != ROLE_NONE) {
                ++*at;
                if (names_have(core_roles_record(roles, role)->lists[ROLE_LIST_LINUX_GROUPS], name))
                        break;
        }
        return role;
}

int core_linux_group_refuse_named(Change *change, const char *name, const char *hint,
                                  CoreError *error) {
        const Roles *roles;
        uint16_t role;
        size_t at = 0;
        int r = core_roles(change->core, change->txn, &roles);

        if (r != 0)
                return r;
        role = next_that_names(roles, name, &at);
        if (role == ROLE_NONE)
                return 0;
        return core_fail(error, CORE_E_POLICY_REFUSED,
                         "%s: the role %s puts its holders into it: change that first%s", name,
                         policy_role_name(core_roles_set(roles), role), hint);
}

int core_linux_group_came(Change *change, const char *name) {
        const Roles *roles;
        uint16_t role;
        size_t at = 0;
        int r = core_roles(change->core, change->txn, &roles);

        while (r == 0 && (role = next_that_names(roles, name, &at)) != ROLE_NONE)
                r = holders_news(change, roles, role);
        return r;
}

/* A number for what all names mean now; 0 where there are none. */
static int meaning_hash(Core *core, StoreTxn *txn, uint64_t *ret) {
        const Roles *roles;
        uint16_t role;
        int r = core_roles(core, txn, &roles);

        *ret = 0;
        for (size_t i = 0; r == 0 && (role = core_roles_linux(roles, i)) != ROLE_NONE; i++) {
                const char *const *names =
                        core_roles_record(roles, role)->lists[ROLE_LIST_LINUX_GROUPS];

                for (size_t n = 0; r == 0 && names[n]; n++) {
                        uint64_t mixed[3] = { *ret };
                        LinuxGroupKind kind;
                        gid_t gid;

                        r = core_linux_group_find(core, txn, names[n], &kind, &gid);
                        mixed[1] = kind;
                        mixed[2] = gid;
                        *ret = core_hash(core->lane_key, mixed, sizeof(mixed));
                }
        }
        return r;
}

void core_host_changed(Core *core) {
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        uint64_t hash = 0;
        int r;

        r = store_begin_read(core->store, &txn);
        if (r == 0)
                r = meaning_hash(core, txn, &hash);
        /* what cannot be read may have changed */
        core->host_moved = core->host_moved || r < 0 || hash != core->linux_meaning;
        core->linux_meaning = hash;
}
