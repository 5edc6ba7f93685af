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

int core_actor_covers(Change *change, const StoreUser *user, const char *tenant, CoreError *error) {
        _cleanup_holder_ Holder actor = { 0 }, target = { 0 };
        const RightsPlace place = {
                .tenant = tenant ? tenant : change->core->settings.tenant,
                .now_usec = change->now_usec,
                .over = RIGHTS_OVER_TENANT,
        };
        uint16_t missing = RIGHT_NONE;
        const RoleSet *set;
        int r;

        if (change->actor->uid == 0 || change->actor->uid == user->uid)
                return 0;
        r = core_role_set(change->core, change->txn, &set);
        if (r == 0)
                r = core_holder_of_actor(change->core, change->txn, set, change->actor, &actor);
        if (r == 0)
                r = core_holder_load(change->txn, set, user, &target);
        if (r != 0 || policy_rights_cover(set, &actor.facts, &target.facts, &place, &missing))
                return r;
        return core_fail(error, CORE_E_PROTECTED, "%s: may do more than you: %s", user->name,
                         missing == RIGHT_NONE ? "what that is cannot be told"
                                               : policy_right_name(set, missing));
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
