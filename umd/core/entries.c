/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the map is made of: users and groups as NSS shows them.  One object costs what it holds and
 * a few index look-ups.  All of them are made in one pass over the users: group graph and
 * memberships are unrolled first into (uid, gid) pairs sorted by uid, which the walk over the
 * users, also by uid, meets in order; names of members are kept as they pass by.  So a million
 * users cost no look-up each.
 *
 * The GECOS is derived here, and what a record lacks has a safe value: a home that is no place and
 * a shell that is none (SECURITY D10). */

#include <errno.h>
#include <string.h>

#include "umd/core/holders.h"

#define NO_HOME  "/nonexistent"
#define NO_SHELL "/usr/sbin/nologin"

typedef struct Gids {
        const gid_t *own, *host;
        size_t own_count, host_count;
} Gids;

static int emit_user(const StoreUser *user, const Gids *gids, CoreEntryEach each, void *userdata) {
        CoreEntry entry = {
                .id = user->uid,
                .name = user->name,
                .gecos = user->full_name,
                .home = user->home[0] ? user->home : NO_HOME,
                .shell = user->shell[0] ? user->shell : NO_SHELL,
                .gids = gids->own,
                .gid_count = gids->own_count,
                .host_gids = gids->host,
                .host_gid_count = gids->host_count,
        };
        CoreEntry own = { .is_group = true, .id = user->gid, .name = user->name };
        int r;

        r = each(userdata, &entry);
        return r != 0 ? r : each(userdata, &own);
}

/* ---- names of members ---------------------------------------------------------------------- */

/* One behind the other: a group may have all users for members. */
typedef struct Names {
        char *bytes;
        size_t len, size;
        size_t *at;
        size_t count, at_size;
} Names;

static void names_done(Names *names) {
        free(names->bytes);
        free(names->at);
}

/* Room for one more in a growing array. */
static int room(void **array, size_t *size, size_t need, size_t each) {
        size_t to = *size ? *size : 64;
        void *p;

        if (need <= *size)
                return 0;
        while (to < need)
                to *= 2;
        p = reallocarray(*array, to, each);
        if (!p)
                return -ENOMEM;
        *array = p;
        *size = to;
        return 0;
}

static int name_add(void *userdata, uid_t uid, const char *name) {
        Names *names = userdata;
        size_t n = strlen(name) + 1;
        int r;

        r = room((void **)&names->bytes, &names->size, names->len + n, 1);
        if (r == 0)
                r = room((void **)&names->at, &names->at_size, names->count + 1, sizeof(size_t));
        if (r < 0)
                return r;
        memcpy(names->bytes + names->len, name, n);
        names->at[names->count++] = names->len;
        names->len += n;
        return 0;
}

/* ---- one object --------------------------------------------------------------------------- */

static int entry_user(Core *core, StoreTxn *txn, const StoreUser *user, CoreEntryEach each,
                      void *userdata) {
        _cleanup_idset_ IdSet gids = { 0 }, host = { 0 };
        int r;

        r = core_groups_of_user(core, txn, user->uid, &gids, &host);
        if (r < 0)
                return r;
        core_idset_sort(&gids);
        return emit_user(user, &(Gids){ gids.ids, host.ids, gids.count, host.count }, each,
                         userdata);
}

/* Who is in the group, nesting unrolled. */
static int uids_of_group(Core *core, StoreTxn *txn, gid_t gid, IdSet *ret) {
        _cleanup_idset_ IdSet below = { 0 };
        int r;

        r = core_groups_below(txn, gid, &below);
        return r < 0 ? r : core_members_of(core, txn, &below, ret);
}

static int entry_group(Core *core, StoreTxn *txn, const StoreGroup *group, CoreEntryEach each,
                       void *userdata) {
        _cleanup_idset_ IdSet uids = { 0 };
        _cleanup_(names_done) Names names = { 0 };
        _cleanup_free_ const char **members = NULL;
        CoreEntry entry = { .is_group = true, .id = group->gid, .name = group->name };
        int r;

        r = uids_of_group(core, txn, group->gid, &uids);
        if (r < 0)
                return r;
        core_idset_sort(&uids);
        r = store_user_names(txn, uids.ids, uids.count, name_add, &names);
        if (r < 0)
                return r;
        members = calloc(names.count + 1, sizeof(*members));
        if (!members)
                return -ENOMEM;
        for (size_t i = 0; i < names.count; i++)
                members[i] = names.bytes + names.at[i];
        entry.members = members;
        entry.member_count = names.count;
        return each(userdata, &entry);
}

/* The private group, if the id or name is that of a user. */
static int entry_own_group(const StoreUser *user, CoreEntryEach each, void *userdata) {
        CoreEntry entry = { .is_group = true, .id = user->gid, .name = user->name };

        return user->status == USER_STATUS_DELETED ? CORE_E_NO_SUCH_GROUP : each(userdata, &entry);
}

/* By name, or by id where it is NULL. */
static int find_user(StoreTxn *txn, const char *name, uint32_t id, StoreUser **ret) {
        return name ? store_user_get_by_name(txn, name, ret) : store_user_get(txn, id, ret);
}

static int show_user(Core *core, const char *name, uid_t uid, CoreEntryEach each, void *userdata) {
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        _cleanup_(store_user_freep) StoreUser *user = NULL;
        int r;

        r = store_begin_read(core->store, &txn);
        if (r == 0)
                r = find_user(txn, name, uid, &user);
        if (r < 0)
                return r;
        if (r > 0 || user->status == USER_STATUS_DELETED)
                return CORE_E_NO_SUCH_USER;
        return entry_user(core, txn, user, each, userdata);
}

static int show_group(Core *core, const char *name, gid_t gid, CoreEntryEach each, void *userdata) {
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        _cleanup_(store_group_freep) StoreGroup *group = NULL;
        _cleanup_(store_user_freep) StoreUser *user = NULL;
        int r;

        r = store_begin_read(core->store, &txn);
        if (r == 0)
                r = name ? store_group_get_by_name(txn, name, &group)
                         : store_group_get(txn, gid, &group);
        if (r < 0)
                return r;
        if (r == 0 && !group->deleted)
                return entry_group(core, txn, group, each, userdata);
        r = find_user(txn, name, gid, &user);
        if (r < 0)
                return r;
        return r > 0 ? CORE_E_NO_SUCH_GROUP : entry_own_group(user, each, userdata);
}

int core_entry_user(Core *core, uid_t uid, CoreEntryEach each, void *userdata) {
        return show_user(core, NULL, uid, each, userdata);
}

int core_entry_user_by_name(Core *core, const char *name, CoreEntryEach each, void *userdata) {
        return show_user(core, name, 0, each, userdata);
}

int core_entry_group(Core *core, gid_t gid, CoreEntryEach each, void *userdata) {
        return show_group(core, NULL, gid, each, userdata);
}

int core_entry_group_by_name(Core *core, const char *name, CoreEntryEach each, void *userdata) {
        return show_group(core, name, 0, each, userdata);
}

/* ---- all of them -------------------------------------------------------------------------- */

typedef struct Pair {
        uid_t uid;
        gid_t gid;
} Pair;

typedef struct Everything {
        StoreTxn *txn;
        CoreEntryEach each;
        void *userdata;
        IdSet groups; /* without tombstones */
        Pair *pairs;  /* who is in what, sorted by uid and gid; also the room for one user's gids */
        size_t pair_count, pair_size, pair_at;
        gid_t *gids;
        size_t gid_size;
        LinuxMembers linux_members; /* by a role */
        size_t host_at;             /* in them */
        gid_t *host_gids;           /* room for one user's */
        size_t host_gid_size;
        CoreMfa mfa;
        IdSet members; /* users of any group that have passed by */
        Names names;   /* theirs, at the same positions */
} Everything;

static void everything_done(Everything *all) {
        core_mfa_done(&all->mfa);
        core_linux_members_done(&all->linux_members);
        free(all->host_gids);
        core_idset_done(&all->groups);
        core_idset_done(&all->members);
        free(all->pairs);
        free(all->gids);
        names_done(&all->names);
}

static int collect_group(void *userdata, const StoreGroup *group) {
        Everything *all = userdata;
        int r;

        if (group->deleted)
                return 0;
        r = core_idset_add(&all->groups, group->gid);
        return r < 0 ? r : 0;
}

/* As uids_of_group(), with what is there for all groups. */
static int uids_of_one(const Everything *all, gid_t gid, IdSet *ret) {
        _cleanup_idset_ IdSet below = { 0 };
        int r;

        r = core_groups_below(all->txn, gid, &below);
        if (r == 0)
                r = core_members_listed(all->txn, &below, ret);
        return r < 0 ? r : core_linux_members_add(&all->linux_members, &below, ret);
}

static int collect_pairs(Everything *all, gid_t gid) {
        _cleanup_idset_ IdSet uids = { 0 };
        int r;

        r = uids_of_one(all, gid, &uids);
        if (r == 0)
                r = room((void **)&all->pairs, &all->pair_size, all->pair_count + uids.count,
                         sizeof(Pair));
        if (r < 0)
                return r;
        for (size_t i = 0; i < uids.count; i++)
                all->pairs[all->pair_count++] = (Pair){ uids.ids[i], gid };
        return 0;
}

static int pair_compare(const void *a, const void *b) {
        const Pair *x = a, *y = b;

        return x->uid != y->uid ? (x->uid > y->uid) - (x->uid < y->uid)
                                : (x->gid > y->gid) - (x->gid < y->gid);
}

static int keep_name(Everything *all, const StoreUser *user) {
        int r = core_idset_add(&all->members, user->uid);

        return r < 0 ? r : name_add(&all->names, user->uid, user->name);
}

/* In its place: gids are sorted. */
static int put_mfa(Everything *all, size_t *count) {
        size_t at = *count;
        int r;

        r = room((void **)&all->gids, &all->gid_size, *count + 1, sizeof(gid_t));
        if (r < 0)
                return r;
        for (; at > 0 && all->gids[at - 1] > all->mfa.gid; at--)
                all->gids[at] = all->gids[at - 1];
        all->gids[at] = all->mfa.gid;
        ++*count;
        return 0;
}

/* His groups of /etc/group; those pairs are by uid too. */
static int take_host_gids(Everything *all, uid_t uid, size_t *ret_count) {
        const LinuxPairs *pairs = &all->linux_members.host;
        int r;

        while (all->host_at < pairs->count && pairs->list[all->host_at].uid < uid)
                all->host_at++;
        for (*ret_count = 0; all->host_at < pairs->count && pairs->list[all->host_at].uid == uid;
             all->host_at++) {
                r = room((void **)&all->host_gids, &all->host_gid_size, *ret_count + 1,
                         sizeof(gid_t));
                if (r < 0)
                        return r;
                all->host_gids[(*ret_count)++] = pairs->list[all->host_at].gid;
        }
        return 0;
}

static int walk_user(void *userdata, const StoreUser *user) {
        Everything *all = userdata;
        size_t count = 0, host_count = 0;
        int r = 0;

        if (user->status == USER_STATUS_DELETED)
                return 0;
        while (all->pair_at < all->pair_count && all->pairs[all->pair_at].uid < user->uid)
                all->pair_at++; /* a tombstone's */
        while (all->pair_at < all->pair_count && all->pairs[all->pair_at].uid == user->uid) {
                r = room((void **)&all->gids, &all->gid_size, count + 1, sizeof(gid_t));
                if (r < 0)
                        return r;
                all->gids[count++] = all->pairs[all->pair_at++].gid;
        }
        if (count > 0) {
                r = keep_name(all, user);
                if (r < 0)
                        return r;
        }
        r = user->service ? 0 : core_mfa_has(&all->mfa, user);
        if (r > 0)
                r = put_mfa(all, &count);
        if (r == 0)
                r = take_host_gids(all, user->uid, &host_count);
        if (r < 0)
                return r;
        return emit_user(user, &(Gids){ all->gids, all->host_gids, count, host_count }, all->each,
                         all->userdata);
}

static int emit_group(Everything *all, gid_t gid) {
        _cleanup_(store_group_freep) StoreGroup *group = NULL;
        _cleanup_idset_ IdSet uids = { 0 };
        _cleanup_free_ const char **names = NULL;
        CoreEntry entry = { .is_group = true, .id = gid };
        size_t at;
        int r;

        r = store_group_get(all->txn, gid, &group);
        if (r > 0)
                return -EUCLEAN;
        if (r == 0)
                r = uids_of_one(all, gid, &uids);
        if (r < 0)
                return r;
        names = calloc(uids.count + 1, sizeof(*names));
        if (!names)
                return -ENOMEM;
        core_idset_sort(&uids);
        for (size_t i = 0; i < uids.count; i++)
                if (core_idset_find(&all->members, uids.ids[i], &at))
                        names[entry.member_count++] = all->names.bytes + all->names.at[at];
        entry.name = group->name;
        entry.members = names;
        return all->each(all->userdata, &entry);
}

int core_entries_all(Core *core, CoreEntryEach each, void *userdata) {
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        _cleanup_(everything_done) Everything all = { .each = each, .userdata = userdata };
        int r;

        r = store_begin_read(core->store, &txn);
        if (r < 0)
                return r;
        all.txn = txn;
        r = core_mfa_load(core, txn, &all.mfa);
        if (r == 0)
                r = core_linux_members_load(core, txn, &all.linux_members);
        if (r == 0)
                r = store_group_each(txn, collect_group, &all);
        for (size_t i = 0; r == 0 && i < all.groups.count; i++)
                r = collect_pairs(&all, all.groups.ids[i]);
        if (r != 0)
                return r;
        if (all.pair_count > 1)
                qsort(all.pairs, all.pair_count, sizeof(Pair), pair_compare);
        r = store_user_each(txn, walk_user, &all);
        for (size_t i = 0; r == 0 && i < all.groups.count; i++)
                r = emit_group(&all, all.groups.ids[i]);
        return r;
}
