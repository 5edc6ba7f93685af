/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Nobody acts above himself (FEATURES D8), and the last owner stays (D9).
 *
 * An owner for good is one who is active and stays so, whose grant of the role owner counts, has no
 * end and is over all of the tenant, and whom no role of his own takes any of it away.  Which
 * tenants have one is looked at before a change and again when it is written, whatever it was: so
 * there is no path by which the last one goes. */

#include <errno.h>
#include <string.h>

#include "umd/core/holders.h"

int core_owner_guard(Change *change, const StoreUser *user, CoreError *error) {
        int r;

        if (change->actor->uid == 0 || change->actor->uid == user->uid)
                return 0;
        r = store_grant_holds(change->txn, CORE_ROLE_OWNER, user->uid);
        if (r != 0)
                return r < 0 ? r : 0;
        return core_fail(error, CORE_E_PROTECTED,
                         "%s: is an owner: only he himself or root may do this", user->name);
}

/* The two whom it is about, and where: each tenant once. */
typedef struct Covering {
        Change *change;
        const RoleSet *set;
        Holder actor, target;
        Texts tenants;
} Covering;

static void covering_done(Covering *covering) {
        core_holder_done(&covering->actor);
        core_holder_done(&covering->target);
        core_texts_done(&covering->tenants);
}

static int covering_load(Change *change, const StoreUser *user, Covering *ret) {
        int r;

        ret->change = change;
        r = core_role_set(change->core, change->txn, &ret->set);
        if (r == 0)
                r = core_holder_of_actor(change->core, change->txn, ret->set, change->actor,
                                         &ret->actor);
        return r != 0 ? r : core_holder_load(change->txn, ret->set, user, &ret->target);
}

/* Has the actor any grant there?  Of what others have elsewhere nothing is told (FEATURES D6). */
static bool actor_is_in(const Covering *covering, const RightsPlace *place) {
        for (size_t i = 0; i < covering->actor.facts.grant_count; i++)
                if (policy_grant_state(covering->set, &covering->actor.facts,
                                       &covering->actor.grants[i], place, NULL) == GRANT_COUNTS)
                        return true;
        return false;
}

/* Linux groups of his roles that amount to root are more than any permission. */
static int linux_covers_in(const Covering *covering, const StoreUser *user, const char *tenant,
                           CoreError *error) {
        int r = 0;

        for (size_t i = 0; i < covering->target.facts.grant_count && r == 0; i++) {
                const RightsGrant *grant = &covering->target.grants[i];

                if (grant->all_tenants || (tenant && strcmp(grant->tenant, tenant) == 0))
                        r = core_linux_check_actor(covering->change, covering->set,
                                                   &covering->actor, grant->role, tenant,
                                                   user->name, error);
        }
        return r;
}

/* tenant NULL: what is held for all of them, those too that are not there yet. */
static int covers_in(const Covering *covering, const StoreUser *user, const char *tenant,
                     CoreError *error) {
        const RightsPlace place = { .tenant = tenant,
                                    .all_tenants = !tenant,
                                    .now_usec = covering->change->now_usec,
                                    .over = RIGHTS_OVER_SOMEBODY };
        uint16_t missing = RIGHT_NONE;
        int r = linux_covers_in(covering, user, tenant, error);

        if (r != 0)
                return r;
        if (policy_rights_cover(covering->set, &covering->actor.facts, &covering->target.facts,
                                &place, &missing))
                return 0;
        if (tenant && !actor_is_in(covering, &place))
                return core_fail(error, CORE_E_PROTECTED,
                                 "%s: may do more than you, where you have no right", user->name);
        return core_fail(error, CORE_E_PROTECTED, "%s: may do more than you: %s%s", user->name,
                         missing == RIGHT_NONE ? "what that is cannot be told"
                                               : policy_right_name(covering->set, missing),
                         tenant ? "" : " in all tenants");
}

int core_actor_covers(Change *change, const StoreUser *user, const char *tenant, CoreError *error) {
        _cleanup_(covering_done) Covering covering = { 0 };
        int r;

        if (change->actor->uid == 0 || change->actor->uid == user->uid)
                return 0;
        r = covering_load(change, user, &covering);
        return r != 0 ? r : covers_in(&covering, user, tenant, error);
}

/* His own first, then those that his grants name; with one for all every one there is. */
static int tenants_of(Covering *covering, const StoreUser *user, bool *ret_all) {
        int r = 0;

        *ret_all = false;
        for (size_t i = 0; i < covering->target.facts.grant_count && r == 0; i++) {
                if (covering->target.grants[i].all_tenants)
                        *ret_all = true;
                else if (strcmp(covering->target.records[i].tenant, user->tenant) != 0)
                        r = core_texts_add(&covering->tenants, covering->target.records[i].tenant);
        }
        if (r == 0 && *ret_all)
                r = core_tenant_names(covering->change->core, covering->change->txn,
                                      &covering->tenants);
        core_texts_sort(&covering->tenants);
        core_texts_unite(&covering->tenants);
        return r;
}

int core_actor_covers_account(Change *change, const StoreUser *user, CoreError *error) {
        _cleanup_(covering_done) Covering covering = { 0 };
        bool all = false;
        int r;

        if (change->actor->uid == 0 || change->actor->uid == user->uid)
                return 0;
        r = covering_load(change, user, &covering);
        if (r == 0)
                r = tenants_of(&covering, user, &all);
        if (r == 0)
                r = covers_in(&covering, user, user->tenant, error);
        for (size_t i = 0; i < covering.tenants.count && r == 0; i++)
                r = covers_in(&covering, user, covering.tenants.list[i], error);
        return r == 0 && all ? covers_in(&covering, user, NULL, error) : r;
}

int core_scope_guard(Change *change, GrantScope scope, const char *over, CoreError *error) {
        _cleanup_holder_ Holder actor = { 0 };
        const RoleSet *set;
        uint16_t missing;
        int r;

        if (change->actor->uid == 0)
                return 0;
        r = core_role_set(change->core, change->txn, &set);
        if (r == 0)
                r = core_holder_of_actor(change->core, change->txn, set, change->actor, &actor);
        for (size_t i = 0; i < actor.facts.grant_count && r == 0; i++) {
                RightsGrant whole = actor.grants[i];

                if (whole.scope != scope || strcmp(whole.over, over) != 0)
                        continue;
                whole.scope = GRANT_SCOPE_ALL;
                if (!policy_rights_cover_grant(set, &actor.facts, &whole, change->now_usec,
                                               &missing))
                        r = core_fail(error, CORE_E_PROTECTED,
                                      "%s: your own %s is over it: somebody else brings others in",
                                      over, actor.records[i].role);
        }
        return r;
}

bool core_role_denies_any(const RoleSet *set, uint16_t role) {
        for (uint16_t right = 0; right < policy_right_count(set); right++)
                if (policy_role_denies(set, role, right))
                        return true;
        return false;
}

int core_role_guard_denies(Change *change, const RoleSet *set, uint16_t role, CoreError *error) {
        if (change->actor->uid == 0 || !core_role_denies_any(set, role))
                return 0;
        return core_fail(error, CORE_E_PROTECTED,
                         "%s: denies something to its holders, which only root gives back",
                         policy_role_name(set, role));
}

/* ---- owners for good ----------------------------------------------------------------------- */

/* Does any grant of his that reaches the tenant, now or some day, deny what an owner has? */
static bool is_cut(const RoleSet *set, const Holder *holder, const char *tenant, uint16_t owner) {
        size_t rights = policy_right_count(set);

        for (size_t i = 0; i < holder->facts.grant_count; i++) {
                const RightsGrant *grant = &holder->grants[i];

                if (!grant->all_tenants && strcmp(grant->tenant, tenant) != 0)
                        continue;
                for (uint16_t right = 0; right < rights; right++)
                        if (policy_role_permits(set, owner, right) &&
                            policy_role_denies(set, grant->role, right))
                                return true;
        }
        return false;
}

static bool owns_for_good(const RoleSet *set, const Holder *holder, const char *tenant,
                          uint64_t now_usec) {
        const RightsPlace place = { .tenant = tenant,
                                    .now_usec = now_usec,
                                    .over = RIGHTS_OVER_TENANT };
        uint16_t owner = policy_role_from_name(set, CORE_ROLE_OWNER);

        for (size_t i = 0; i < holder->facts.grant_count; i++)
                if (holder->grants[i].role == owner &&
                    holder->grants[i].until_usec == USEC_INFINITY &&
                    policy_grant_state(set, &holder->facts, &holder->grants[i], &place, NULL) ==
                            GRANT_COUNTS)
                        return !is_cut(set, holder, tenant, owner);
        return false;
}

static bool stays(const StoreUser *user, uint64_t now_usec) {
        return user->status == USER_STATUS_ACTIVE && user->valid_until_usec == USEC_INFINITY &&
               user->valid_from_usec <= now_usec;
}

/* Takes those that he owns for good out of the names that are left, into ret (NULL: nowhere). */
static int tenants_take(Change *change, const RoleSet *set, uid_t uid, Texts *left, Texts *ret) {
        _cleanup_(store_user_freep) StoreUser *user = NULL;
        _cleanup_holder_ Holder holder = { 0 };
        int r;

        r = store_user_get(change->txn, uid, &user);
        if (r != 0)
                return r < 0 ? r : -EBADMSG;
        core_user_settle(user, change->now_usec);
        if (!stays(user, change->now_usec))
                return 0;
        r = core_holder_load(change->txn, set, user, &holder);
        for (size_t i = left->count; i-- > 0 && r == 0;) {
                if (!owns_for_good(set, &holder, left->list[i], change->now_usec))
                        continue;
                if (ret)
                        r = core_texts_add(ret, left->list[i]);
                if (r == 0)
                        core_texts_drop(left, i);
        }
        return r;
}

/* Goes over the owners until no name is left. */
static int owners_walk(Change *change, Texts *left, Texts *ret) {
        const RoleSet *set;
        uid_t uid = 0;
        int r;

        r = core_role_set(change->core, change->txn, &set);
        while (r == 0 && left->count > 0) {
                r = store_grant_holder_next(change->txn, CORE_ROLE_OWNER, uid, &uid);
                if (r == 0)
                        r = tenants_take(change, set, uid, left, ret);
        }
        return r == STORE_E_MISSING ? 0 : r;
}

int core_owners_note(Change *change, Owners *ret) {
        _cleanup_texts_ Texts left = { 0 };
        int r;

        r = core_tenant_names(change->core, change->txn, &left);
        return r < 0 ? r : owners_walk(change, &left, &ret->tenants);
}

int core_owners_note_user(Change *change, uid_t uid, Owners *ret) {
        int r = store_grant_holds(change->txn, CORE_ROLE_OWNER, uid);

        if (r != 0)
                return r < 0 ? r : 0;
        return core_owners_note(change, ret);
}

int core_owners_check(Change *change, const Owners *before, CoreError *error) {
        _cleanup_texts_ Texts left = { 0 };
        int r = 0;

        for (size_t i = 0; i < before->tenants.count && r == 0; i++)
                r = core_texts_add(&left, before->tenants.list[i]);
        if (r == 0)
                r = owners_walk(change, &left, NULL);
        if (r < 0 || left.count == 0)
                return r;
        return core_fail(error, CORE_E_LAST_OWNER,
                         "%s: would be left without an owner: grant another one first, without "
                         "an end",
                         left.list[0]);
}

int core_tenant_has_owner(Change *change, const char *tenant, bool *ret) {
        _cleanup_texts_ Texts left = { 0 };
        int r;

        r = core_texts_add(&left, tenant);
        if (r == 0)
                r = owners_walk(change, &left, NULL);
        *ret = left.count == 0;
        return r;
}

void core_owners_done(Owners *owners) {
        core_texts_done(&owners->tenants);
}
