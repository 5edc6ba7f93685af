/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The group um-mfa: who needs a second factor is in it, for programs that know groups only (sshd's
 * Match block).  Needed is one where factor.required says so, where a role of the user demands it,
 * or where he has one.
 *
 * Who is in it is kept nowhere.  It follows, whenever it is asked for, from policy values, roles
 * and the factors themselves: so no change can forget it, and a rule for a whole company writes one
 * row and not one for each of its users.  Stored is only the group's name and number, made with the
 * first change after which somebody belongs to it; it stays from then on.
 *
 * The group itself lists nobody: with a rule for all it would be a list of everybody, which each
 * user who is made would write anew.  initgroups(3), id(1) and sshd go by the user's own list. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "umd/core/levels.h"

#define MFA_GROUP   "um-mfa"
#define KEPT_PREFIX "um-" /* base_field_check() lets nobody else take such a name */

bool core_group_is_kept(const char *name) {
        return strncmp(name, KEPT_PREFIX, strlen(KEPT_PREFIX)) == 0;
}

int core_group_refuse_kept(const char *name, CoreError *error) {
        return core_fail(error, CORE_E_POLICY_REFUSED, "%s: is kept by um itself: in it is who %s",
                         core_quote(name).text,
                         strcmp(name, CORE_API_GROUP) == 0 ? "is a service account"
                                                           : "needs a second factor");
}

int core_mfa_gid(StoreTxn *txn, gid_t *ret) {
        _cleanup_(store_group_freep) StoreGroup *group = NULL;
        int r;

        *ret = 0;
        r = store_group_get_by_name(txn, MFA_GROUP, &group);
        if (r == 0 && !group->deleted)
                *ret = group->gid;
        return r < 0 ? r : 0;
}

/* ---- who needs one ------------------------------------------------------------------------ */

static bool is_active(const StoreFactor *factor) {
        return factor->active && factor->method != POLICY_METHOD_RECOVERY;
}

static int has_factor(StoreTxn *txn, uid_t uid) {
        _cleanup_(store_factors_done) StoreFactors factors = { 0 };
        int r;

        r = store_factors_of_user(txn, uid, &factors);
        for (size_t i = 0; r == 0 && i < factors.count; i++)
                if (is_active(factors.list[i]))
                        return 1;
        return r;
}

/* One comes in by a key alone, and is asked for nothing. */
static int is_service(StoreTxn *txn, uid_t uid) {
        _cleanup_(store_user_freep) StoreUser *user = NULL;
        int r = uid != 0 ? store_user_get(txn, uid, &user) : STORE_E_MISSING;

        return r < 0 ? r : r == 0 && user->service;
}

int core_mfa_needed(Core *core, StoreTxn *txn, uid_t uid) {
        PolicyValues values;
        int r;

        r = core_policy_values(core, txn, uid, &values);
        if (r == 0)
                r = values.factor_required == POLICY_REQUIRED_OFF ? has_factor(txn, uid) : 1;
        if (r == -EBADMSG)
                r = 1; /* what cannot be read may be what asks for it */
        if (r <= 0)
                return r;
        r = is_service(txn, uid);
        return r < 0 ? r : r == 0;
}

/* ---- all of them -------------------------------------------------------------------------- */

static int rule_add(void *userdata, const StorePolicyValue *row) {
        CoreMfa *all = userdata;
        uint64_t number;
        uint32_t uid;
        bool off;
        int r;

        if (strcmp(row->name, policy_value_name(POLICY_VALUE_FACTOR_REQUIRED)) != 0)
                return 0;
        off = policy_value_parse(POLICY_VALUE_FACTOR_REQUIRED, row->value, 0, &number) == 0 &&
              number == POLICY_REQUIRED_OFF;
        if (row->level == STORE_POLICY_COMPANY) {
                if (strcmp(row->subject, all->core->settings.tenant) == 0)
                        all->everybody = !off;
                return 0;
        }
        if (row->level == STORE_POLICY_DEPARTMENT)
                return core_texts_add(&all->departments, row->subject);
        if (row->level != STORE_POLICY_USER || base_parse_id(row->subject, &uid) < 0)
                return 0;
        r = core_idset_add(off ? &all->off : &all->in, uid);
        return r < 0 ? r : 0;
}

static int factor_add(void *userdata, const StoreFactor *factor) {
        CoreMfa *all = userdata;
        int r;

        if (!is_active(factor))
                return 0;
        r = core_idset_add(&all->in, factor->uid);
        return r < 0 ? r : 0;
}

int core_mfa_role_speaks(StoreTxn *txn, const Roles *roles, uint16_t role) {
        const RoleSet *set = core_roles_set(roles);
        int any;

        if (policy_role_needs_second_factor(set, role))
                return 1;
        any = store_policy_value_any(txn, STORE_POLICY_ROLE);
        if (any != 0)
                return any < 0 ? any : 0;
        for (uint16_t i = 0; i < core_roles_count(roles); i++) {
                PolicySettings own;
                int r;

                if (!policy_role_includes(set, role, i))
                        continue;
                r = core_level_load(txn, STORE_POLICY_ROLE, policy_role_name(set, i), &own);
                if (r < 0 || own.set[POLICY_VALUE_FACTOR_REQUIRED])
                        return r < 0 ? r : 1;
        }
        return 0;
}

/* A role that users are created with does not tell who holds it; nor does one with a condition. */
static int holders_add(CoreMfa *all, const RoleSet *set, uint16_t number) {
        const char *role = policy_role_name(set, number);
        uid_t uid = 0;
        int r;

        if (strcmp(role, CORE_ROLE_EVERYBODY) == 0 || policy_role_condition(set, number)) {
                all->held_by_all = true;
                return 0;
        }
        while ((r = store_grant_holder_next(all->txn, role, uid, &uid)) == 0) {
                r = core_idset_add(&all->held, uid);
                if (r < 0)
                        return r;
        }
        return r == STORE_E_MISSING ? 0 : r;
}

static int roles_add(CoreMfa *all) {
        const Roles *roles;
        int r;

        r = core_roles(all->core, all->txn, &roles);
        for (uint16_t i = 0; r == 0 && i < core_roles_count(roles); i++) {
                r = core_mfa_role_speaks(all->txn, roles, i);
                if (r > 0)
                        r = holders_add(all, core_roles_set(roles), i);
        }
        return r;
}

int core_mfa_load(Core *core, StoreTxn *txn, CoreMfa *ret) {
        int r;

        ret->core = core;
        ret->txn = txn;
        ret->everybody = policy_value_shipped(POLICY_VALUE_FACTOR_REQUIRED) != POLICY_REQUIRED_OFF;
        r = core_mfa_gid(txn, &ret->gid);
        if (r < 0 || ret->gid == 0)
                return r;
        r = store_policy_value_all(txn, NULL, rule_add, ret);
        if (r == 0)
                r = roles_add(ret);
        return r != 0 ? r : store_factor_each(txn, factor_add, ret);
}

static bool in_department(const CoreMfa *all, const char *department) {
        for (size_t i = 0; i < all->departments.count; i++)
                if (strcmp(all->departments.list[i], department) == 0)
                        return true;
        return false;
}

int core_mfa_has(const CoreMfa *all, const StoreUser *user) {
        if (all->gid == 0)
                return 0;
        if (all->held_by_all || core_idset_has(&all->held, user->uid) ||
            in_department(all, user->department))
                return core_mfa_needed(all->core, all->txn, user->uid);
        return core_idset_has(&all->in, user->uid) ||
               (all->everybody && !core_idset_has(&all->off, user->uid));
}

void core_mfa_done(CoreMfa *all) {
        core_idset_done(&all->in);
        core_idset_done(&all->off);
        core_idset_done(&all->held);
        core_texts_done(&all->departments);
}

/* ---- making the group --------------------------------------------------------------------- */

/* Without an id left the change goes on: sshd then asks for no code, and um refuses the key alone.
 */
static int make_group(Change *change) {
        StoreGroup group = {
                .name = MFA_GROUP,
                .description = "who needs a second factor; kept by um",
                .tenant = change->core->settings.tenant,
                .created_usec = change->now_usec,
                .created_by = change->actor->uid,
        };
        char text[64];
        int r;

        r = core_allocate_id(change->core, change->txn, &group.gid, NULL);
        if (r != 0)
                return r < 0 ? r : 0;
        r = store_group_insert(change->txn, &group);
        if (r != 0)
                return r < 0 ? r : -EUCLEAN;
        snprintf(text, sizeof(text), "%s %u", group.name, group.gid);
        r = core_change_value(change, "group", NULL, text);
        if (r < 0)
                return r;
        return core_change_news(change, CORE_OBJECT_GROUP, CORE_NEWS_ADDED, group.gid, group.name,
                                NULL);
}

int core_mfa_follow(Change *change, uid_t uid) {
        gid_t gid;
        int r;

        r = core_mfa_gid(change->txn, &gid);
        if (r < 0 || gid != 0)
                return r;
        r = change->second_factors ? 1 : core_mfa_needed(change->core, change->txn, uid);
        return r > 0 ? make_group(change) : r;
}
