/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who is in a group, directly or through a nested one.  All names of one call are looked up and all
 * nestings checked before the record is written; told are the group, those above it, and every user
 * whose own list of groups changed with it. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "umd/core/holders.h"
#include "umd/core/undo.h"

/* What a call asks for, as ids. */
typedef struct Asked {
        IdSet users, groups;
} Asked;

static void asked_done(Asked *asked) {
        core_idset_done(&asked->users);
        core_idset_done(&asked->groups);
}

/* A deleted user can be taken out, not put in; and nobody who is not seen. */
static int resolve_users(Asker *asker, bool add, const char *const *names, size_t count, IdSet *ret,
                         CoreError *error) {
        for (size_t i = 0; i < count; i++) {
                _cleanup_(store_user_freep) StoreUser *user = NULL;
                bool seen = !add;
                int r = store_user_get_by_name(asker->txn, names[i], &user);

                if (r == 0 && add && user->status != USER_STATUS_DELETED)
                        r = core_asker_sees(asker, user, &seen);
                if (r == 0 && seen)
                        r = core_idset_add(ret, user->uid);
                else if (r >= 0)
                        core_fault_add(error, CORE_E_NO_SUCH_USER, "%s: no such user",
                                       core_quote(names[i]).text);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int resolve_groups(const Asker *asker, bool add, const char *const *names, size_t count,
                          IdSet *ret, CoreError *error) {
        for (size_t i = 0; i < count; i++) {
                _cleanup_(store_group_freep) StoreGroup *group = NULL;
                CoreError why;
                int r = core_group_load(asker->txn, names[i], &group, &why);

                if (r == 0 && add && !core_asker_sees_group(asker, group))
                        r = core_fail(&why, CORE_E_NO_SUCH_GROUP, "%s: no such group", group->name);

                if (r == 0 && core_group_is_kept(group->name))
                        r = core_group_refuse_kept(group->name, &why);
                if (r == 0)
                        r = core_idset_add(ret, group->gid);
                else if (r > 0)
                        core_fault_add(error, why.outcome, "%s", why.text);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* The list with what is asked for added or taken out, sorted; what it changed goes to changed. */
static int list_edit(const uint32_t *list, size_t count, const IdSet *asked, bool add, IdSet *ret,
                     IdSet *changed) {
        IdSet had = { 0 };
        int r = core_idset_reserve(&had, count);

        if (r == 0)
                r = core_idset_reserve(ret, count + asked->count);
        for (size_t i = 0; r >= 0 && i < count; i++) {
                r = core_idset_add(&had, list[i]);
                if (r >= 0 && (add || !core_idset_has(asked, list[i])))
                        r = core_idset_add(ret, list[i]);
        }
        for (size_t i = 0; r >= 0 && i < asked->count; i++) {
                if (core_idset_has(&had, asked->ids[i]) == add)
                        continue;
                r = core_idset_add(changed, asked->ids[i]);
                if (r >= 0 && add)
                        r = core_idset_add(ret, asked->ids[i]);
        }
        core_idset_done(&had);
        core_idset_sort(ret);
        return r < 0 ? r : 0;
}

static int note_users(Change *change, const IdSet *changed, bool add, size_t max) {
        for (size_t i = 0; i < changed->count && i < max; i++) {
                _cleanup_(store_user_freep) StoreUser *user = NULL;
                int r = store_user_get(change->txn, changed->ids[i], &user);

                if (r == 0)
                        r = core_change_value(change, "member", add ? NULL : user->name,
                                              add ? user->name : NULL);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int note_groups(Change *change, const IdSet *changed, bool add, size_t max) {
        for (size_t i = 0; i < changed->count && i < max; i++) {
                _cleanup_(store_group_freep) StoreGroup *group = NULL;
                int r = store_group_get(change->txn, changed->ids[i], &group);

                if (r == 0)
                        r = core_change_value(change, "nested", add ? NULL : group->name,
                                              add ? group->name : NULL);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* The audit entry names each, up to a bound, and counts the rest. */
static int note_values(Change *change, const Asked *changed, bool add) {
        const size_t max = CHANGE_VALUES_MAX / 2 - 1;
        size_t all = changed->users.count + changed->groups.count, named;
        char more[32];
        int r;

        r = note_users(change, &changed->users, add, max);
        if (r >= 0)
                r = note_groups(change, &changed->groups, add, max);
        if (r < 0)
                return r;
        named = change->value_count;
        if (named >= all)
                return 0;
        snprintf(more, sizeof(more), "%zu more", all - named);
        return core_change_value(change, "members", add ? NULL : more, add ? more : NULL);
}

static int tell(Change *change, const StoreGroup *group, const Asked *changed) {
        _cleanup_idset_ IdSet above = { 0 }, below = { 0 }, uids = { 0 };
        int r;

        r = core_idset_add(&above, group->gid);
        if (r >= 0)
                r = core_groups_above(change->txn, &above);
        for (size_t i = 0; r >= 0 && i < changed->groups.count; i++)
                r = core_groups_below(change->txn, changed->groups.ids[i], &below);
        if (r >= 0)
                r = core_members_of(change->core, change->txn, &below, &uids);
        for (size_t i = 0; r >= 0 && i < changed->users.count; i++)
                r = core_idset_add(&uids, changed->users.ids[i]);
        if (r >= 0)
                r = core_change_news_groups(change, &above);
        if (r >= 0)
                r = core_change_news_users(change, &uids);
        return r < 0 ? r : 0;
}

static int edit_members(Change *change, StoreGroup *group, const Asked *asked, bool add) {
        _cleanup_idset_ IdSet members = { 0 }, nested = { 0 };
        _cleanup_(asked_done) Asked changed = { 0 };
        const StoreGroup before = *group;
        int r;

        r = list_edit(group->members, group->member_count, &asked->users, add, &members,
                      &changed.users);
        if (r == 0)
                r = list_edit(group->nested, group->nested_count, &asked->groups, add, &nested,
                              &changed.groups);
        if (r < 0 || changed.users.count + changed.groups.count == 0)
                return r;
        r = note_values(change, &changed, add);
        if (r < 0)
                return r;
        group->members = members.ids;
        group->member_count = members.count;
        group->nested = nested.ids;
        group->nested_count = nested.count;
        r = store_group_update(change->txn, group);
        if (r == 0)
                r = core_note_group(change, &before, group);
        if (r == 0)
                r = tell(change, group, &changed);
        return r > 0 ? -EUCLEAN : r;
}

/* An owner of the group knows whom he means: he is asked for nobody's sight (FEATURES A9). */
static int resolve(Change *change, const StoreGroup *group, bool add, const char *const *users,
                   size_t user_count, const char *const *groups, size_t group_count, Asked *ret,
                   CoreError *error) {
        const Actor root = { 0 };
        _cleanup_asker_ Asker asker = { 0 };
        CoreError faults = { 0 };
        int r;

        r = core_asker_load(change->core, change->txn,
                            core_group_has_owner(group, change->actor->uid) ? &root : change->actor,
                            &asker);
        if (r == 0)
                r = resolve_users(&asker, add, users, user_count, &ret->users, &faults);
        if (r >= 0)
                r = resolve_groups(&asker, add, groups, group_count, &ret->groups, &faults);
        if (r < 0)
                return r;
        if (faults.outcome != CORE_DONE) {
                *error = faults;
                return (int)faults.outcome;
        }
        r = 0;
        for (size_t i = 0; r == 0 && add && i < ret->groups.count; i++)
                r = core_check_nesting(change->txn, group, ret->groups.ids[i], error);
        return r;
}

/* Who is put into the group is in those above it too. */
static int check_scopes(Change *change, const StoreGroup *group, CoreError *error) {
        _cleanup_group_names_ GroupNames names = { 0 };
        _cleanup_idset_ IdSet above = { 0 };
        int r;

        if (change->actor->uid == 0)
                return 0;
        r = core_idset_add(&above, group->gid);
        if (r >= 0)
                r = core_groups_above(change->txn, &above);
        for (size_t i = 0; i < above.count && r == 0; i++) {
                const char *name;

                r = core_group_name(change->txn, &names, above.ids[i], &name);
                if (r == 0)
                        r = core_scope_guard(change, GRANT_SCOPE_GROUP, name, error);
                else if (r > 0)
                        r = 0; /* deleted */
        }
        return r;
}

int core_group_members(Core *core, const Actor *actor, const char *name, bool add,
                       const char *const *users, size_t user_count, const char *const *groups,
                       size_t group_count, const CoreOptions *options, uint64_t now_usec,
                       CoreChange *ret, CoreError *error) {
        _cleanup_change_ Change change = { 0 };
        _cleanup_(store_group_freep) StoreGroup *group = NULL;
        _cleanup_(asked_done) Asked asked = { 0 };
        int r;

        r = core_change_begin(&change, core, actor, options, now_usec, error);
        if (r == 0)
                r = core_group_load(change.txn, name, &group, error);
        if (r == 0 && core_group_is_kept(group->name))
                r = core_group_refuse_kept(group->name, error);
        if (r == 0)
                r = core_check_version(options, group->name, group->version, error);
        if (r == 0)
                r = resolve(&change, group, add, users, user_count, groups, group_count, &asked,
                            error);
        if (r != 0)
                return r;
        r = add ? check_scopes(&change, group, error) : 0;
        if (r == 0 && add)
                r = core_linux_guard_name(&change, group->name, error);
        if (r != 0)
                return r;
        r = edit_members(&change, group, &asked, add);
        if (r < 0)
                return r;
        if (change.value_count == 0) {
                *ret = (CoreChange){ .object_id = group->gid, .version = group->version };
                return 0;
        }
        return core_change_commit(&change, add ? "group.add-members" : "group.remove-members",
                                  "group", group->name, group->gid, group->version + 1, ret);
}
