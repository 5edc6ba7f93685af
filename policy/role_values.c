/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The level of the roles among policy values (FEATURES P.6).  From each role that was granted one
 * goes down what it inherits, and stops where a role has a value of its own: that hides what is
 * below it, on this way.  Of all values that were met the strictest holds.
 *
 * Roles that are looked at here are those of grants that count, and these have no fault: no way is
 * longer than ROLE_DEPTH_MAX, and each role is gone through once. */

#include "policy/internal.h"

typedef struct Walk {
        PolicyValue value;
        const RoleSet *set;
        const PolicyRoleSettings *settings;
        size_t setting_count;
        uint64_t seen[ROLES_MAX / 64], found[ROLES_MAX / 64];
} Walk;

/* What the role sets, or NULL. */
static const PolicySettings *settings_of(const Walk *walk, uint16_t role) {
        size_t low = 0, high = walk->setting_count;

        while (low < high) {
                size_t middle = low + (high - low) / 2;

                if (walk->settings[middle].role == role)
                        return &walk->settings[middle].own;
                if (walk->settings[middle].role < role)
                        low = middle + 1;
                else
                        high = middle;
        }
        return NULL;
}

static void walk_role(Walk *walk, uint16_t at) {
        const PolicySettings *own;

        if (at >= walk->set->role_count || bit_has(walk->seen, at))
                return;
        bit_set(walk->seen, at);
        own = settings_of(walk, at);
        if (own && own->set[walk->value]) {
                bit_set(walk->found, at);
                return;
        }
        for (size_t i = 0; i < walk->set->roles[at].inherit_count; i++)
                walk_role(walk, walk->set->roles[at].inherit[i]);
}

size_t policy_value_roles(PolicyValue value, const RoleSet *set, const uint16_t *roles,
                          size_t role_count, const PolicyRoleSettings *settings,
                          size_t setting_count, uint16_t *ret, size_t max) {
        Walk walk = {
                .value = value, .set = set, .settings = settings, .setting_count = setting_count
        };
        size_t count = 0;

        for (size_t i = 0; i < role_count; i++)
                if (roles[i] < set->role_count && set->roles[roles[i]].fault == RIGHTS_FAULT_NONE)
                        walk_role(&walk, roles[i]);
        for (size_t i = 0; i < setting_count; i++) {
                if (!bit_has(walk.found, settings[i].role))
                        continue;
                if (count < max)
                        ret[count] = settings[i].role;
                count++;
        }
        return count;
}

static bool anybody_sets(PolicyValue value, const PolicyRoleSettings *settings, size_t count) {
        for (size_t i = 0; i < count; i++)
                if (settings[i].own.set[value])
                        return true;
        return false;
}

void policy_roles_resolve(const RoleSet *set, const uint16_t *roles, size_t role_count,
                          const PolicyRoleSettings *settings, size_t setting_count,
                          PolicySettings *ret) {
        PolicySettings together = { 0 };

        for (PolicyValue v = 0; v < _POLICY_VALUE_MAX; v++) {
                uint16_t found[ROLES_MAX];
                size_t count, at = 0;

                if (!anybody_sets(v, settings, setting_count))
                        continue;
                count = policy_value_roles(v, set, roles, role_count, settings, setting_count,
                                           found, ARRAY_LENGTH(found));
                for (size_t i = 0; i < count; i++) {
                        while (settings[at].role != found[i])
                                at++;
                        together.value[v] =
                                i == 0 ? settings[at].own.value[v]
                                       : policy_value_strictest(v, together.value[v],
                                                                settings[at].own.value[v]);
                        together.set[v] = true;
                }
        }
        *ret = together;
}
