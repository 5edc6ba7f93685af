/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Grants (FEATURES M.4): which count in a tenant at a moment, what they give together, and whether
 * one holder has all that another has.
 *
 * What counts is added up, and what any of it denies is taken away.  A grant whose facts make no
 * sense, or whose role cannot be resolved, gives nothing and takes away.  Root has every permission
 * there is.
 *
 * A second factor that a role requires does not keep the grant from counting: who has none is led
 * to it at his login (FEATURES B10, P.6). */

#include <string.h>

#include "policy/internal.h"

static const char *const state_names[_GRANT_STATE_MAX] = {
        [GRANT_INVALID] = "invalid",
        [GRANT_BROKEN] = "broken-role",
        [GRANT_COUNTS] = "counts",
        [GRANT_NO_ROLE] = "no-such-role",
        [GRANT_OTHER_TENANT] = "other-tenant",
        [GRANT_NOT_YET] = "not-yet",
        [GRANT_EXPIRED] = "expired",
        [GRANT_OUT_OF_SCOPE] = "out-of-scope",
        [GRANT_WRONG_KIND] = "wrong-kind",
        [GRANT_ONE_TENANT_ONLY] = "one-tenant-only",
        [GRANT_NEEDS_EMAIL] = "needs-email",
        [GRANT_NEEDS_ATTRIBUTE] = "needs-attribute",
        [GRANT_CONFLICT] = "conflict",
};

const char *policy_grant_state_name(GrantState state) {
        return (unsigned int)state < _GRANT_STATE_MAX ? state_names[state] : "invalid";
}

/* ---- one grant ------------------------------------------------------------------------------- */

static bool tenant_matches(const RightsGrant *grant, const RightsPlace *place) {
        if (grant->all_tenants)
                return true;
        return !place->all_tenants && strcmp(grant->tenant, place->tenant) == 0;
}

static bool same_tenant(const RightsGrant *a, const RightsGrant *b) {
        return a->all_tenants || b->all_tenants ||
               (a->tenant && b->tenant && strcmp(a->tenant, b->tenant) == 0);
}

static bool user_in_scope(const RightsGrant *grant, const RightsPlace *place) {
        if (grant->scope == GRANT_SCOPE_DEPARTMENT)
                return place->department && strcmp(place->department, grant->over) == 0;
        for (size_t i = 0; place->groups && place->groups[i]; i++)
                if (strcmp(place->groups[i], grant->over) == 0)
                        return true;
        return false;
}

static bool in_scope(const RightsGrant *grant, const RightsPlace *place) {
        if (grant->scope == GRANT_SCOPE_ALL)
                return true;
        switch (place->over) {
        case RIGHTS_OVER_SELF:
        case RIGHTS_OVER_SOMEBODY:
                return true;
        case RIGHTS_OVER_USER:
                return user_in_scope(grant, place);
        case RIGHTS_OVER_TENANT:
        case _RIGHTS_OVER_MAX:
                break;
        }
        return false;
}

static bool facts_make_sense(const RightsHolder *holder, const RightsGrant *grant,
                             const RightsPlace *place) {
        return holder->kind > HOLDER_INVALID && holder->kind < _HOLDER_KIND_MAX &&
               (grant->all_tenants || grant->tenant) && (place->all_tenants || place->tenant) &&
               (unsigned int)grant->scope < _GRANT_SCOPE_MAX &&
               (grant->scope == GRANT_SCOPE_ALL || grant->over) &&
               (unsigned int)place->over < _RIGHTS_OVER_MAX;
}

static bool attribute_holds(const RightsHolder *holder, const char *name, uint64_t now_usec) {
        for (size_t i = 0; i < holder->attribute_count; i++)
                if (strcmp(holder->attributes[i].name, name) == 0 &&
                    now_usec < holder->attributes[i].until_usec)
                        return true;
        return false;
}

static const char *own_attribute_missing(const RoleSpec *spec, const RightsHolder *holder,
                                         uint64_t now_usec) {
        for (size_t i = 0; spec->require && spec->require[i]; i++) {
                const char *attribute = requirement_attribute(spec->require[i]);

                if (attribute && !attribute_holds(holder, attribute, now_usec))
                        return attribute;
        }
        return NULL;
}

/* The first attribute the role, or one it inherits, requires and he has not; NULL: he has all. Only
 * the bits that are set are gone through: there may be thousands of roles. */
static const char *attribute_missing(const RoleSet *set, const Role *role,
                                     const RightsHolder *holder, uint64_t now_usec) {
        const char *missing = NULL;

        for (size_t word = 0; role->attributes && word < set->role_words; word++)
                for (uint64_t bits = role->within[word]; bits && !missing; bits &= bits - 1)
                        missing = own_attribute_missing(
                                &set->specs[word * 64 + (size_t)__builtin_ctzll(bits)], holder,
                                now_usec);
        return missing;
}

/* What the role demands of its holder, where it has no fault. */
static GrantState demands_state(const RoleSet *set, const RightsHolder *holder,
                                const RightsGrant *grant, uint64_t now_usec,
                                const char **ret_attribute) {
        const Role *role = &set->roles[grant->role];

        if (!(holder->kind == HOLDER_PERSON ? role->person : role->service))
                return GRANT_WRONG_KIND;
        if (role->one_tenant && grant->all_tenants)
                return GRANT_ONE_TENANT_ONLY;
        if (role->email && !holder->email)
                return GRANT_NEEDS_EMAIL;
        *ret_attribute = attribute_missing(set, role, holder, now_usec);
        return *ret_attribute ? GRANT_NEEDS_ATTRIBUTE : GRANT_COUNTS;
}

static bool runs(const RightsGrant *grant, uint64_t now_usec) {
        return grant->from_usec <= now_usec && now_usec < grant->until_usec;
}

/* Roles that must not meet are never somebody's by themselves (FEATURES D22): one that nobody
 * granted gives way to whatever is there at the moment, of two such ones both.  So which was there
 * first makes no difference, and it comes when the other one goes. */
static bool gives_way(const RoleSet *set, const RightsHolder *holder, const RightsGrant *grant,
                      uint64_t now_usec) {
        RoleConflict conflict;

        for (size_t i = 0; grant->automatic && i < holder->grant_count; i++) {
                const RightsGrant *other = &holder->grants[i];

                if (other != grant && runs(other, now_usec) && same_tenant(grant, other) &&
                    policy_role_conflict(set, grant->role, other->role, &conflict))
                        return true;
        }
        return false;
}

GrantState policy_grant_state(const RoleSet *set, const RightsHolder *holder,
                              const RightsGrant *grant, const RightsPlace *place,
                              const char **ret_attribute) {
        const char *attribute = NULL;
        GrantState state;

        if (grant->role >= set->role_count)
                state = GRANT_NO_ROLE;
        else if (!facts_make_sense(holder, grant, place))
                state = GRANT_INVALID;
        else if (!tenant_matches(grant, place))
                state = GRANT_OTHER_TENANT;
        else if (place->now_usec >= grant->until_usec)
                state = GRANT_EXPIRED;
        else if (place->now_usec < grant->from_usec)
                state = GRANT_NOT_YET;
        else if (!in_scope(grant, place))
                state = GRANT_OUT_OF_SCOPE;
        else if (set->roles[grant->role].fault != RIGHTS_FAULT_NONE)
                state = GRANT_BROKEN;
        else if (gives_way(set, holder, grant, place->now_usec))
                state = GRANT_CONFLICT;
        else
                state = demands_state(set, holder, grant, place->now_usec, &attribute);
        if (ret_attribute)
                *ret_attribute = attribute;
        return state;
}

static void sooner(uint64_t usec, uint64_t now_usec, uint64_t *soonest) {
        if (usec > now_usec && usec < *soonest)
                *soonest = usec;
}

uint64_t policy_grants_change(const RightsHolder *holder, uint64_t now_usec) {
        uint64_t soonest = USEC_INFINITY;

        for (size_t i = 0; i < holder->grant_count; i++) {
                sooner(holder->grants[i].from_usec, now_usec, &soonest);
                sooner(holder->grants[i].until_usec, now_usec, &soonest);
        }
        for (size_t i = 0; i < holder->attribute_count; i++)
                sooner(holder->attributes[i].until_usec, now_usec, &soonest);
        return soonest;
}

static bool grants_meet(const RightsGrant *a, const RightsGrant *b) {
        return same_tenant(a, b) && a->from_usec < b->until_usec && b->from_usec < a->until_usec;
}

bool policy_grant_conflict(const RoleSet *set, const RightsHolder *holder, const RightsGrant *grant,
                           RoleConflict *ret) {
        if (policy_role_conflict(set, grant->role, grant->role, ret))
                return true;
        for (size_t i = 0; i < holder->grant_count; i++)
                if (grants_meet(grant, &holder->grants[i]) &&
                    policy_role_conflict(set, grant->role, holder->grants[i].role, ret))
                        return true;
        return false;
}

/* ---- all of them ----------------------------------------------------------------------------- */

/* Does what the role denies hold?  Somebody it does not hold for may be there, where nobody in
 * particular is asked about. */
static bool denies_hold(GrantState state, const RightsGrant *grant, const RightsPlace *place) {
        if (state == GRANT_COUNTS || state == GRANT_BROKEN)
                return grant->scope == GRANT_SCOPE_ALL || place->over != RIGHTS_OVER_SOMEBODY;
        return state == GRANT_INVALID;
}

RightsAnswer policy_rights_ask(const RoleSet *set, const RightsHolder *holder,
                               const RightsPlace *place, uint16_t right) {
        RightsAnswer answer = RIGHTS_MISSING;

        if (right >= set->name_count)
                return RIGHTS_UNKNOWN;
        if (holder->root)
                return RIGHTS_HELD;
        for (size_t i = 0; i < holder->grant_count; i++) {
                const RightsGrant *grant = &holder->grants[i];
                bool denies = policy_role_denies(set, grant->role, right);
                GrantState state;

                if (!denies && !policy_role_permits(set, grant->role, right))
                        continue; /* whether it counts makes no difference */
                state = policy_grant_state(set, holder, grant, place, NULL);
                if (denies && denies_hold(state, grant, place))
                        return RIGHTS_DENIED;
                if (state == GRANT_COUNTS && policy_role_permits(set, grant->role, right))
                        answer = RIGHTS_HELD;
        }
        if (answer == RIGHTS_HELD && holder->read_only && !(set->name_flags[right] & NAME_READS))
                return RIGHTS_READ_ONLY;
        return answer;
}

bool policy_rights_has(const RoleSet *set, const RightsHolder *holder, const RightsPlace *place,
                       uint16_t right) {
        return policy_rights_ask(set, holder, place, right) == RIGHTS_HELD;
}

bool policy_rights_need_second_factor(const RoleSet *set, const RightsHolder *holder,
                                      const RightsPlace *place) {
        for (size_t i = 0; i < holder->grant_count; i++) {
                const RightsGrant *grant = &holder->grants[i];

                if (policy_role_needs_second_factor(set, grant->role) &&
                    policy_grant_state(set, holder, grant, place, NULL) == GRANT_COUNTS)
                        return true;
        }
        return false;
}
