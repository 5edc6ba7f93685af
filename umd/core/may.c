/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What whoever calls may do, and what he sees.
 *
 * A user is seen by user.view over him, in his home tenant or in one in which he holds a grant that
 * names it.  In a tenant where the caller's user.view is over others alone he is told so, by name
 * (FEATURES D7): everybody of that tenant is on record in the map anyway.  Elsewhere nobody is
 * there (D6).  What cannot be read permits nothing. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "umd/core/holders.h"

/* ---- who asks ------------------------------------------------------------------------------ */

int core_asker_load(Core *core, StoreTxn *txn, const Actor *actor, Asker *ret) {
        Asker asker = { .core = core, .txn = txn, .uid = actor->uid };
        int r;

        r = core_role_set(core, txn, &asker.set);
        if (r == 0)
                r = core_holder_of_actor(core, txn, asker.set, actor, &asker.holder);
        if (r != 0)
                return r;
        for (size_t i = 0; i < asker.holder.facts.grant_count; i++)
                asker.over_groups |= asker.holder.grants[i].scope == GRANT_SCOPE_GROUP;
        *ret = asker;
        return 0;
}

void core_asker_done(Asker *asker) {
        core_holder_done(&asker->holder);
        core_idset_done(&asker->gids);
        core_group_names_done(&asker->names);
        free(asker->groups);
}

bool core_asker_is_root(const Asker *asker) {
        return asker->holder.facts.root;
}

static bool is_all(const char *tenant) {
        return strcmp(tenant, CORE_TENANT_ALL) == 0;
}

static RightsPlace place_in(const Asker *asker, const char *tenant, RightsOver over) {
        return (RightsPlace){ .tenant = tenant, .now_usec = asker->core->now_usec, .over = over };
}

static bool has_in(const Asker *asker, Permission permission, const char *tenant, RightsOver over) {
        const RightsPlace place = place_in(asker, tenant, over);

        return policy_rights_has(asker->set, &asker->holder.facts, &place, permission);
}

bool core_asker_has(const Asker *asker, Permission permission, const char *tenant) {
        return has_in(asker, permission, tenant, RIGHTS_OVER_TENANT);
}

int core_asker_has_in_all(const Asker *asker, Permission permission, bool *ret) {
        _cleanup_texts_ Texts names = { 0 };
        int r;

        *ret = asker->holder.facts.root;
        if (*ret)
                return 0;
        r = core_tenant_names(asker->core, asker->txn, &names);
        *ret = r == 0;
        for (size_t i = 0; i < names.count && *ret; i++)
                *ret = core_asker_has(asker, permission, names.list[i]);
        return r;
}

bool core_asker_is_in(const Asker *asker, const char *tenant) {
        const RightsPlace place = place_in(asker, tenant, RIGHTS_OVER_SOMEBODY);

        for (size_t i = 0; i < asker->holder.facts.grant_count; i++)
                if (policy_grant_state(asker->set, &asker->holder.facts, &asker->holder.grants[i],
                                       &place, NULL) == GRANT_COUNTS)
                        return true;
        return asker->holder.facts.root;
}

/* In the tenants that his grants name; by one for all also in that of this host.  The others are
 * read only where he has it in none of these. */
static int has_somewhere(const Asker *asker, Permission permission, RightsOver over, bool *ret) {
        _cleanup_texts_ Texts names = { 0 };
        bool all = false;
        int r = 0;

        *ret = asker->holder.facts.root;
        for (size_t i = 0; i < asker->holder.facts.grant_count && !*ret; i++) {
                const RightsGrant *grant = &asker->holder.grants[i];

                all |= grant->all_tenants;
                *ret = has_in(asker, permission,
                              grant->all_tenants ? asker->core->settings.tenant : grant->tenant,
                              over);
        }
        if (*ret || !all)
                return 0;
        r = core_tenant_names(asker->core, asker->txn, &names);
        for (size_t i = 0; i < names.count && r == 0 && !*ret; i++)
                *ret = has_in(asker, permission, names.list[i], over);
        return r;
}

int core_asker_has_somewhere(const Asker *asker, Permission permission, bool *ret) {
        return has_somewhere(asker, permission, RIGHTS_OVER_SOMEBODY, ret);
}

/* ---- over a user --------------------------------------------------------------------------- */

/* His groups, nested ones too, kept for the next question about him. */
static int groups_load(Asker *asker, const StoreUser *user) {
        int r;

        if (!asker->over_groups || asker->groups_uid == user->uid)
                return 0;
        core_idset_done(&asker->gids);
        free(asker->groups);
        asker->groups = NULL;
        asker->groups_uid = 0;
        r = core_groups_of_user(asker->core, asker->txn, user->uid, &asker->gids, NULL);
        if (r < 0)
                return r;
        asker->groups = calloc(asker->gids.count + 1, sizeof(*asker->groups));
        if (!asker->groups)
                return -ENOMEM;
        for (size_t i = 0, at = 0; i < asker->gids.count; i++) {
                r = core_group_name(asker->txn, &asker->names, asker->gids.ids[i],
                                    &asker->groups[at]);
                if (r < 0)
                        return r;
                at += r == 0;
        }
        asker->groups_uid = user->uid;
        return 0;
}

static int place_over(Asker *asker, const StoreUser *user, const char *tenant, RightsPlace *ret) {
        int r = groups_load(asker, user);

        *ret = place_in(asker, tenant, RIGHTS_OVER_USER);
        ret->department = user->department[0] ? user->department : NULL;
        ret->groups = asker->groups;
        return r;
}

int core_asker_has_over(Asker *asker, Permission permission, const StoreUser *user,
                        const char *tenant, bool *ret) {
        RightsPlace place;
        int r = place_over(asker, user, tenant, &place);

        *ret = r == 0 && policy_rights_has(asker->set, &asker->holder.facts, &place, permission);
        return r;
}

static int look_in(Asker *asker, const StoreUser *user, const char *tenant, Sight *sight) {
        bool seen;
        int r = core_asker_has_over(asker, PERMISSION_USER_VIEW, user, tenant, &seen);

        if (seen)
                *sight = SIGHT_SEEN;
        else if (*sight == SIGHT_NONE &&
                 has_in(asker, PERMISSION_USER_VIEW, tenant, RIGHTS_OVER_SOMEBODY))
                *sight = SIGHT_OUT_OF_SCOPE;
        return r;
}

typedef struct Looking {
        Asker *asker;
        const StoreUser *user;
        Sight *sight;
} Looking;

/* 1 ends the walk. */
static int look_by_grant(void *userdata, const StoreGrant *grant) {
        Looking *looking = userdata;
        int r;

        if (is_all(grant->tenant) || grant->until_usec <= looking->asker->core->now_usec ||
            strcmp(grant->tenant, looking->user->tenant) == 0)
                return 0;
        r = look_in(looking->asker, looking->user, grant->tenant, looking->sight);
        return r < 0 ? r : *looking->sight == SIGHT_SEEN;
}

int core_asker_looks(Asker *asker, const StoreUser *user, Sight *ret) {
        Looking looking = { asker, user, ret };
        int r;

        *ret = asker->holder.facts.root || asker->uid == user->uid ? SIGHT_SEEN : SIGHT_NONE;
        if (*ret == SIGHT_SEEN || asker->holder.facts.grant_count == 0)
                return 0;
        r = look_in(asker, user, user->tenant, ret);
        if (r == 0 && *ret != SIGHT_SEEN)
                r = store_grant_each(asker->txn, user->uid, look_by_grant, &looking);
        return r < 0 ? r : 0;
}

int core_asker_sees(Asker *asker, const StoreUser *user, bool *ret) {
        Sight sight;
        int r = core_asker_looks(asker, user, &sight);

        *ret = r == 0 && sight == SIGHT_SEEN;
        return r;
}

int core_asker_has_seen(Asker *asker, Permission permission, const StoreUser *user, bool *ret) {
        int r;

        *ret = asker->holder.facts.root;
        if (*ret)
                return 0;
        r = core_asker_has_over(asker, permission, user, user->tenant, ret);
        return r == 0 && *ret ? core_asker_sees(asker, user, ret) : r;
}

/* ---- answers ------------------------------------------------------------------------------- */

static int refuse(Permission permission, CoreError *error) {
        return core_fail(error, CORE_E_ACCESS_DENIED, "this needs the permission %s",
                         policy_permission_info(permission)->name);
}

/* What the caller's permission is over, where that alone is in the way. */
static const StoreGrant *grant_elsewhere(const Asker *asker, Permission permission,
                                         const RightsPlace *place) {
        for (size_t i = 0; i < asker->holder.facts.grant_count; i++)
                if (policy_role_permits(asker->set, asker->holder.grants[i].role, permission) &&
                    policy_grant_state(asker->set, &asker->holder.facts, &asker->holder.grants[i],
                                       place, NULL) == GRANT_OUT_OF_SCOPE)
                        return &asker->holder.records[i];
        return NULL;
}

static int refuse_at(const Asker *asker, Permission permission, const RightsPlace *place,
                     CoreError *error) {
        const Permission asked[] = { permission, PERMISSION_USER_VIEW };
        const char *name = policy_permission_info(permission)->name;
        char over[CORE_OVER_BYTES];

        for (size_t i = 0; i < ARRAY_LENGTH(asked); i++) {
                const StoreGrant *grant = grant_elsewhere(asker, asked[i], place);

                if (!grant)
                        continue;
                core_over_format(grant->scope, grant->over, over);
                return core_fail(error, CORE_E_ACCESS_DENIED,
                                 "this needs the permission %s: your %s is over %s", name,
                                 policy_permission_info(asked[i])->name, over);
        }
        return refuse(permission, error);
}

/* The same for who is not there and for who is not to be seen. */
static int refuse_user(const CoreQuestion *question, CoreError *error) {
        if (!question->name)
                return core_fail(error, CORE_E_NO_SUCH_USER, "uid %u: no such user", question->id);
        return core_fail(error, CORE_E_NO_SUCH_USER, "%s: no such user",
                         core_quote(question->name).text);
}

static int refuse_group(const CoreQuestion *question, CoreError *error) {
        if (!question->name)
                return core_fail(error, CORE_E_NO_SUCH_GROUP, "gid %u: no such group",
                                 question->id);
        return core_fail(error, CORE_E_NO_SUCH_GROUP, "%s: no such group",
                         core_quote(question->name).text);
}

/* Deleted ones too: whether they are what is asked for is the verb's to say. */
static int user_find(const Asker *asker, const CoreQuestion *question, StoreUser **ret) {
        if (!question->name)
                return store_user_get(asker->txn, question->id, ret);
        return core_user_find(asker->core, asker->txn, question->name, ret);
}

static int in_every_tenant(const Asker *asker, Permission permission, CoreError *error) {
        const char *name = policy_permission_info(permission)->name;
        _cleanup_texts_ Texts names = { 0 };
        int r = core_tenant_names(asker->core, asker->txn, &names);

        for (size_t i = 0; i < names.count && r == 0; i++) {
                if (core_asker_has(asker, permission, names.list[i]))
                        continue;
                if (!core_asker_is_in(asker, names.list[i])) /* its name is not his to know */
                        return core_fail(error, CORE_E_ACCESS_DENIED,
                                         "this needs the permission %s in every tenant", name);
                return core_fail(error, CORE_E_ACCESS_DENIED,
                                 "this needs the permission %s in every tenant: you have it not "
                                 "in %s",
                                 name, names.list[i]);
        }
        return r;
}

static int in_tenant(const Asker *asker, Permission permission, const char *name,
                     CoreError *error) {
        _cleanup_(store_tenant_freep) StoreTenant *tenant = NULL;
        const RightsPlace place = place_in(asker, name, RIGHTS_OVER_TENANT);
        int r;

        if (is_all(name))
                return in_every_tenant(asker, permission, error);
        r = core_tenant_load(asker->core, asker->txn, name, &tenant, error);
        if (r < 0)
                return r;
        if (r > 0 || !core_asker_is_in(asker, name))
                return core_tenant_refuse(name, error);
        return core_asker_has(asker, permission, name)
                       ? 0
                       : refuse_at(asker, permission, &place, error);
}

/* There is such a tenant, and he has it there over the user. */
static int over_user_in(Asker *asker, Permission permission, const StoreUser *user,
                        const char *name, CoreError *error) {
        _cleanup_(store_tenant_freep) StoreTenant *tenant = NULL;
        RightsPlace place;
        int r;

        if (is_all(name)) /* a scope in one tenant is none in all */
                return in_every_tenant(asker, permission, error);
        r = core_tenant_load(asker->core, asker->txn, name, &tenant, error);
        if (r < 0)
                return r;
        if (r > 0 || !core_asker_is_in(asker, name))
                return core_tenant_refuse(name, error);
        r = place_over(asker, user, name, &place);
        if (r < 0 || policy_rights_has(asker->set, &asker->holder.facts, &place, permission))
                return r;
        return refuse_at(asker, permission, &place, error);
}

int core_asker_check(Asker *asker, Permission permission, const StoreUser *user, CoreError *error) {
        RightsPlace place;
        int r;

        if (asker->holder.facts.root)
                return 0;
        r = place_over(asker, user, user->tenant, &place);
        if (r < 0 || policy_rights_has(asker->set, &asker->holder.facts, &place, permission))
                return r;
        return refuse_at(asker, permission, &place, error);
}

static int about_user(Asker *asker, Permission permission, const CoreQuestion *question,
                      CoreError *error) {
        _cleanup_(store_user_freep) StoreUser *user = NULL;
        RightsPlace home;
        Sight sight;
        int r;

        r = user_find(asker, question, &user);
        if (r != 0)
                return r < 0 ? r : refuse_user(question, error);
        r = core_asker_looks(asker, user, &sight);
        if (r == 0)
                r = place_over(asker, user, user->tenant, &home);
        if (r < 0)
                return r;
        if (sight == SIGHT_NONE)
                return refuse_user(question, error);
        if (sight == SIGHT_OUT_OF_SCOPE)
                return refuse_at(asker, permission, &home, error);
        if (question->where == CORE_WHERE_SEEN)
                return 0;
        return question->tenant ? over_user_in(asker, permission, user, question->tenant, error)
                                : core_asker_check(asker, permission, user, error);
}

bool core_asker_sees_group(const Asker *asker, const StoreGroup *group) {
        return asker->holder.facts.root || core_group_has_owner(group, asker->uid) ||
               core_asker_has(asker, PERMISSION_GROUP_VIEW, group->tenant);
}

static int about_group(const Asker *asker, Permission permission, const CoreQuestion *question,
                       CoreError *error) {
        _cleanup_(store_group_freep) StoreGroup *group = NULL;
        RightsPlace place;
        int r;

        if (question->name)
                r = store_group_get_by_name(asker->txn, question->name, &group);
        else
                r = store_group_get(asker->txn, question->id, &group);
        if (r < 0)
                return r;
        if (r > 0 || group->deleted || !core_asker_sees_group(asker, group))
                return refuse_group(question, error);
        place = place_in(asker, group->tenant, RIGHTS_OVER_TENANT);
        return core_asker_has(asker, permission, group->tenant)
                       ? 0
                       : refuse_at(asker, permission, &place, error);
}

static int in_host(const Asker *asker, Permission permission, CoreError *error) {
        const RightsPlace place = place_in(asker, asker->core->settings.tenant, RIGHTS_OVER_TENANT);

        return core_asker_has(asker, permission, place.tenant)
                       ? 0
                       : refuse_at(asker, permission, &place, error);
}

static int answer(Asker *asker, Permission permission, const CoreQuestion *question,
                  CoreError *error) {
        bool somewhere;
        int r = core_asker_has_somewhere(asker, permission, &somewhere);

        if (r < 0)
                return r;
        if (!somewhere)
                return refuse(permission, error);
        switch (question->where) {
        case CORE_WHERE_USER_OR_HOST:
                return question->name && !question->name[0]
                               ? in_host(asker, permission, error)
                               : about_user(asker, permission, question, error);
        case CORE_WHERE_USER:
        case CORE_WHERE_SEEN:
                return about_user(asker, permission, question, error);
        case CORE_WHERE_GROUP:
                return about_group(asker, permission, question, error);
        case CORE_WHERE_TENANT:
                return in_tenant(asker, permission, question->name, error);
        case CORE_WHERE_HOST:
                return in_host(asker, permission, error);
        case CORE_WHERE_ALL:
                return in_every_tenant(asker, permission, error);
        case CORE_WHERE_SOMEWHERE:
                return 0;
        case CORE_WHERE_NOWHERE:
        case _CORE_WHERE_MAX:
                break;
        }
        return refuse(permission, error);
}

int core_asker_ask(Asker *asker, Permission permission, const CoreQuestion *question,
                   CoreError *error) {
        return asker->holder.facts.root ? 0 : answer(asker, permission, question, error);
}

int core_may(Core *core, const Actor *actor, const CoreQuestion *question, uint64_t now_usec,
             CoreError *error) {
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        _cleanup_asker_ Asker asker = { 0 };
        Permission permission;
        int r;

        *error = (CoreError){ 0 };
        if (actor->uid == 0)
                return 0;
        if (question->where == CORE_WHERE_NOWHERE ||
            policy_permission_from_name(question->permission, &permission) < 0)
                return core_fail(error, CORE_E_ACCESS_DENIED, "this is root's");
        core_note_time(core, now_usec);
        r = store_begin_read(core->store, &txn);
        if (r == 0)
                r = core_asker_load(core, txn, actor, &asker);
        return r != 0 ? r : answer(&asker, permission, question, error);
}

bool core_may_self(Core *core, uid_t uid, const char *name, uint64_t now_usec) {
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        _cleanup_asker_ Asker asker = { 0 };
        const Actor actor = { .uid = uid };
        Permission permission;
        bool has;

        core_note_time(core, now_usec);
        return policy_permission_from_name(name, &permission) == 0 &&
               store_begin_read(core->store, &txn) == 0 &&
               core_asker_load(core, txn, &actor, &asker) == 0 &&
               has_somewhere(&asker, permission, RIGHTS_OVER_SELF, &has) == 0 && has;
}

int core_may_list(Core *core, const Actor *actor, const char *tenant, uint64_t now_usec,
                  void (*each)(void *userdata, const char *permission), void *userdata,
                  CoreError *error) {
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        _cleanup_(store_tenant_freep) StoreTenant *found = NULL;
        _cleanup_asker_ Asker asker = { 0 };
        const char *name = tenant ? tenant : core->settings.tenant;
        RightsPlace place;
        int r;

        *error = (CoreError){ 0 };
        core_note_time(core, now_usec);
        r = store_begin_read(core->store, &txn);
        if (r == 0)
                r = core_asker_load(core, txn, actor, &asker);
        if (r == 0)
                r = core_tenant_load(core, txn, name, &found, error);
        if (r == 0 && tenant && !core_asker_is_in(&asker, tenant))
                r = core_tenant_refuse(tenant, error);
        if (r != 0)
                return r;
        place = place_in(&asker, name, RIGHTS_OVER_SOMEBODY);
        for (uint16_t right = 0; right < policy_right_count(asker.set); right++)
                if (policy_rights_has(asker.set, &asker.holder.facts, &place, right))
                        each(userdata, policy_right_name(asker.set, right));
        return 0;
}

int core_change_may(Change *change, Permission permission, const StoreUser *user,
                    CoreError *error) {
        _cleanup_asker_ Asker asker = { 0 };
        int r;

        if (change->actor->uid == 0)
                return 0;
        r = core_asker_load(change->core, change->txn, change->actor, &asker);
        return r != 0 ? r : core_asker_check(&asker, permission, user, error);
}

int core_change_may_in(Change *change, Permission permission, const char *tenant,
                       CoreError *error) {
        _cleanup_asker_ Asker asker = { 0 };
        int r;

        if (change->actor->uid == 0)
                return 0;
        r = core_asker_load(change->core, change->txn, change->actor, &asker);
        return r != 0 ? r : in_tenant(&asker, permission, tenant, error);
}
