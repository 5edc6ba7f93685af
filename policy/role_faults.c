/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is wrong with a role among the others, in words: each fault names what it is about and the
 * way that leads there.  And the ways themselves, from a role down to what it inherits. */

#include <string.h>

#include "policy/internal.h"

/* ---- ways ------------------------------------------------------------------------------------ */

void role_path_find(const RoleSet *set, uint16_t from, uint16_t end, RolePath *ret) {
        RolePath path = { .roles = { from }, .count = 1 };
        uint16_t at = from;

        while (at != end && path.count < ARRAY_LENGTH(path.roles)) {
                const Role *role = &set->roles[at];
                size_t i = 0;

                while (i < role->inherit_count &&
                       !bit_has(set->roles[role->inherit[i]].within, end))
                        i++;
                if (i == role->inherit_count)
                        break;
                at = role->inherit[i];
                path.roles[path.count++] = at;
        }
        *ret = path;
}

/* "lead > technician > member", as much of it as has room. */
static void path_add(const RoleSet *set, const RolePath *path, RightsFault *fault) {
        for (size_t i = 0; i < path->count; i++) {
                fault_add(fault, i > 0 ? " > " : "");
                fault_add(fault, policy_role_name(set, path->roles[i]));
        }
}

bool policy_role_includes(const RoleSet *set, uint16_t role, uint16_t inherited) {
        return role < set->role_count && inherited < set->role_count &&
               bit_has(set->roles[role].within, inherited);
}

/* The first role within b that one within a must not meet. */
bool policy_role_conflict(const RoleSet *set, uint16_t a, uint16_t b, RoleConflict *ret) {
        if (a >= set->role_count || b >= set->role_count ||
            !bits_meet(set->roles[a].clash, set->roles[b].within, set->role_words))
                return false;
        for (uint16_t x = 0; x < set->role_count; x++) {
                if (!bit_has(set->roles[a].within, x) ||
                    !bits_meet(set->roles[x].own_clash, set->roles[b].within, set->role_words))
                        continue;
                for (uint16_t y = 0; y < set->role_count; y++)
                        if (bit_has(set->roles[x].own_clash, y) &&
                            bit_has(set->roles[b].within, y)) {
                                role_path_find(set, a, x, &ret->a);
                                role_path_find(set, b, y, &ret->b);
                                return true;
                        }
        }
        return false;
}

/* ---- faults ---------------------------------------------------------------------------------- */

static uint16_t loop_next(const RoleSet *set, uint16_t at) {
        const Role *role = &set->roles[at];

        for (size_t i = 0; i < role->inherit_count; i++)
                if (set->roles[role->inherit[i]].height == HEIGHT_NONE)
                        return role->inherit[i];
        return at; /* not reached: it would have a height */
}

/* How far it is from a role to the first one that comes twice, and there again (Brent's way, with
 * no memory). */
static size_t loop_length(const RoleSet *set, uint16_t from) {
        uint16_t slow = from, fast = loop_next(set, from);
        size_t power = 1, lap = 1, before = 0;

        while (slow != fast) {
                if (power == lap) {
                        slow = fast;
                        power *= 2;
                        lap = 0;
                }
                fast = loop_next(set, fast);
                lap++;
        }
        slow = fast = from;
        for (size_t i = 0; i < lap; i++)
                fast = loop_next(set, fast);
        for (; slow != fast; before++) {
                slow = loop_next(set, slow);
                fast = loop_next(set, fast);
        }
        return before + lap;
}

static int loop_fault(const RoleSet *set, uint16_t at, RightsFault *fault) {
        size_t length = loop_length(set, at);

        fault_set(fault, RIGHTS_FAULT_LOOP, policy_role_name(set, at), "inherits in a loop: ");
        fault_add(fault, policy_role_name(set, at));
        for (size_t i = 0; i < length; i++) {
                at = loop_next(set, at);
                fault_add(fault, " > ");
                fault_add(fault, policy_role_name(set, at));
        }
        return RIGHTS_FAULT_LOOP;
}

/* The longest way down. */
static int depth_fault(const RoleSet *set, uint16_t at, RightsFault *fault) {
        fault_set(fault, RIGHTS_FAULT_DEPTH, policy_role_name(set, at),
                  "inherits more than 10 deep: ");
        fault_add(fault, policy_role_name(set, at));
        while (set->roles[at].height > 0) {
                const Role *role = &set->roles[at];
                size_t i = 0;

                while (set->roles[role->inherit[i]].height + 1 != role->height)
                        i++;
                at = role->inherit[i];
                fault_add(fault, " > ");
                fault_add(fault, policy_role_name(set, at));
        }
        return RIGHTS_FAULT_DEPTH;
}

static int conflict_fault(const RoleSet *set, uint16_t at, const RoleConflict *conflict,
                          RightsFault *fault) {
        fault_set(fault, RIGHTS_FAULT_CONFLICT, policy_role_name(set, at), "has both ");
        fault_add(fault, policy_role_name(set, conflict->a.roles[conflict->a.count - 1]));
        fault_add(fault, " and ");
        fault_add(fault, policy_role_name(set, conflict->b.roles[conflict->b.count - 1]));
        fault_add(fault, ", which conflict: ");
        path_add(set, &conflict->a, fault);
        fault_add(fault, ", ");
        path_add(set, &conflict->b, fault);
        return RIGHTS_FAULT_CONFLICT;
}

/* inherit and conflict name roles that are there. */
static int missing_fault(const RoleSet *set, const char *option, const char *const *list,
                         size_t max, RightsFault *fault) {
        size_t count = list_count(list, max);

        for (size_t i = 0; i < count; i++)
                if (policy_role_from_name(set, list[i]) == ROLE_NONE) {
                        fault_set(fault, RIGHTS_FAULT_NO_ROLE, list[i], "no such role, in ");
                        fault_add(fault, option);
                        return RIGHTS_FAULT_NO_ROLE;
                }
        return 0;
}

int policy_role_fault(const RoleSet *set, uint16_t role, RightsFault *ret) {
        const RoleSpec *spec;
        RoleConflict conflict;
        int r;

        if (role >= set->role_count)
                return fault_set(ret, RIGHTS_FAULT_NO_ROLE, "", "no such role");
        spec = &set->specs[role];
        r = role_texts_check(spec, set->areas, set->area_count, false, ret);
        if (r == 0)
                r = missing_fault(set, "inherit", spec->inherit, ROLE_INHERIT_MAX, ret);
        if (r == 0)
                r = missing_fault(set, "conflict", spec->conflict, ROLE_CONFLICT_MAX, ret);
        if (r != 0)
                return r;
        switch (set->roles[role].fault) {
        case RIGHTS_FAULT_TAKEN:
                return fault_set(ret, RIGHTS_FAULT_TAKEN, spec->name, "is another role's name");
        case RIGHTS_FAULT_TOO_MANY:
                return fault_set(ret, RIGHTS_FAULT_TOO_MANY, spec->name,
                                 "there are too many services and command groups in roles");
        case RIGHTS_FAULT_LOOP:
                return loop_fault(set, role, ret);
        case RIGHTS_FAULT_DEPTH:
                return depth_fault(set, role, ret);
        case RIGHTS_FAULT_NONE:
        case RIGHTS_FAULT_FORM: /* of its texts: told above */
        case RIGHTS_FAULT_UNKNOWN:
        case RIGHTS_FAULT_NO_ROLE:
        case RIGHTS_FAULT_CONFLICT:
        case _RIGHTS_FAULT_MAX:
                break;
        }
        if (policy_role_conflict(set, role, role, &conflict))
                return conflict_fault(set, role, &conflict, ret);
        return 0;
}
