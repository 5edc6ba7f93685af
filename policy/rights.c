/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where a right comes from (FEATURES D17), and whether one holder has all that another has (D8).
 *
 * Nobody acts above himself: whoever may reset a password may be the one it is of a moment later.
 * So of the one it is done to, everything counts that he can come to do without somebody granting
 * it anew, and what the actor has over a department covers only what the other has over it. */

#include <string.h>

#include "policy/internal.h"

/* ---- ways ------------------------------------------------------------------------------------ */

typedef struct Paths {
        const RoleSet *set;
        uint16_t right;
        bool denies;
        RightsPath *list;
        size_t count, max;
        RightsPath at; /* the way that is being gone */
} Paths;

static bool role_has(const Paths *paths, uint16_t role) {
        return paths->denies ? policy_role_denies(paths->set, role, paths->right)
                             : policy_role_permits(paths->set, role, paths->right);
}

static bool role_has_own(const Paths *paths, uint16_t at) {
        const Role *role = &paths->set->roles[at];

        if (paths->denies)
                return bit_has(role->own_deny, paths->right) || role->own_denies_all;
        return bit_has(role->own_permit, paths->right);
}

static void path_keep(Paths *paths) {
        if (paths->count < paths->max)
                paths->list[paths->count] = paths->at;
        if (paths->count < RIGHTS_PATHS_MAX)
                paths->count++;
}

/* Every role that is gone into has the right, so each way leads to one that has it of its own, and
 * the work is bounded by what is found. */
static void paths_walk(Paths *paths, uint16_t at) {
        const Role *role = &paths->set->roles[at];
        RolePath *way = &paths->at.roles;

        way->roles[way->count++] = at;
        if (role_has_own(paths, at))
                path_keep(paths);
        for (size_t i = 0; i < role->inherit_count && paths->count < RIGHTS_PATHS_MAX &&
                           way->count < ARRAY_LENGTH(way->roles);
             i++)
                if (role_has(paths, role->inherit[i]))
                        paths_walk(paths, role->inherit[i]);
        way->count--;
}

/* Of a role with a fault, whose ways may have no end, only its two ends. */
static void paths_of_broken(Paths *paths, uint16_t at) {
        for (uint16_t end = 0; end < paths->set->role_count; end++)
                if (bit_has(paths->set->roles[at].within, end) && role_has_own(paths, end)) {
                        paths->at.roles =
                                (RolePath){ .roles = { at, end }, .count = at == end ? 1 : 2 };
                        path_keep(paths);
                        return;
                }
}

size_t policy_rights_paths(const RoleSet *set, const RightsHolder *holder, const RightsPlace *place,
                           uint16_t right, bool denies, RightsPath *ret, size_t max) {
        Paths paths = { .set = set, .right = right, .denies = denies, .list = ret, .max = max };

        for (size_t i = 0; i < holder->grant_count && paths.count < RIGHTS_PATHS_MAX; i++) {
                const RightsGrant *grant = &holder->grants[i];

                if (!role_has(&paths, grant->role))
                        continue;
                paths.at = (RightsPath){ .grant = i };
                paths.at.state = policy_grant_state(set, holder, grant, place, &paths.at.attribute);
                if (set->roles[grant->role].fault == RIGHTS_FAULT_NONE)
                        paths_walk(&paths, grant->role);
                else
                        paths_of_broken(&paths, grant->role);
        }
        return paths.count;
}

/* ---- nobody acts above himself --------------------------------------------------------------- */

static bool scope_covers(const RightsGrant *mine, const RightsGrant *his) {
        if (mine->scope == GRANT_SCOPE_ALL)
                return true;
        return mine->scope == his->scope && strcmp(mine->over, his->over) == 0;
}

/* Has the actor that right over all the other grant is over?  Whatever denies it to him anywhere
 * takes it away. */
static bool actor_holds(const RoleSet *set, const RightsHolder *actor, const RightsPlace *place,
                        uint16_t right, const RightsGrant *his) {
        bool has = false;

        if (actor->root)
                return true;
        if (policy_rights_ask(set, actor, place, right) != RIGHTS_HELD)
                return false;
        for (size_t i = 0; i < actor->grant_count && !has; i++)
                has = policy_role_permits(set, actor->grants[i].role, right) &&
                      policy_grant_state(set, actor, &actor->grants[i], place, NULL) ==
                              GRANT_COUNTS &&
                      scope_covers(&actor->grants[i], his);
        return has;
}

/* sudo.GROUP of a group that some role names; not "sudo.*", which is all others, nor sudo.all. */
static bool is_one_group(const RoleSet *set, uint16_t right) {
        return (set->name_flags[right] & NAME_SUDO) && strcmp(set->names[right], "sudo.*") != 0 &&
               strcmp(set->names[right], "sudo.all") != 0;
}

/* Whoever decides what a command group is has what it gives, in effect.  Every command is more. */
static bool actor_has(const RoleSet *set, const RightsHolder *actor, const RightsPlace *place,
                      uint16_t right, const RightsGrant *his) {
        return actor_holds(set, actor, place, right, his) ||
               (is_one_group(set, right) &&
                actor_holds(set, actor, place, PERMISSION_ROLE_SUDO_EDIT, his));
}

/* Can it come to count by itself, or by what its holder or a technician does? */
static bool may_count(GrantState state) {
        switch (state) {
        case GRANT_COUNTS:
        case GRANT_NOT_YET:
        case GRANT_NEEDS_EMAIL:
        case GRANT_NEEDS_ATTRIBUTE:
        case GRANT_CONFLICT:
                return true;
        case GRANT_INVALID:
        case GRANT_BROKEN:
        case GRANT_NO_ROLE:
        case GRANT_OTHER_TENANT:
        case GRANT_EXPIRED:
        case GRANT_OUT_OF_SCOPE:
        case GRANT_WRONG_KIND:
        case GRANT_ONE_TENANT_ONLY:
        case _GRANT_STATE_MAX:
                break;
        }
        return false;
}

/* Is it taken from him for good: everywhere in the tenant, without an end? */
static bool is_denied_for_good(const RoleSet *set, const RightsHolder *holder,
                               const RightsPlace *place, uint16_t right) {
        for (size_t i = 0; i < holder->grant_count; i++) {
                const RightsGrant *grant = &holder->grants[i];

                if (policy_role_denies(set, grant->role, right) &&
                    grant->scope == GRANT_SCOPE_ALL && grant->until_usec == USEC_INFINITY &&
                    !grant->automatic && !set->roles[grant->role].attributes &&
                    policy_grant_state(set, holder, grant, place, NULL) == GRANT_COUNTS)
                        return true;
        }
        return false;
}

/* Every right of one grant; none of them is his where he is denied it, or only reads. */
static bool grant_covered(const RoleSet *set, const RightsHolder *actor, const RightsHolder *target,
                          const RightsGrant *grant, const RightsPlace *place,
                          uint16_t *ret_missing) {
        for (uint16_t right = 0; right < set->name_count; right++) {
                if (!policy_role_permits(set, grant->role, right))
                        continue;
                if (target && ((target->read_only && !(set->name_flags[right] & NAME_READS)) ||
                               is_denied_for_good(set, target, place, right)))
                        continue;
                if (!actor_has(set, actor, place, right, grant)) {
                        *ret_missing = right;
                        return false;
                }
        }
        return true;
}

bool policy_rights_cover(const RoleSet *set, const RightsHolder *actor, const RightsHolder *target,
                         const RightsPlace *place, uint16_t *ret_missing) {
        RightsPlace anywhere = *place;
        uint16_t first = RIGHT_NONE;
        bool covered;

        if (actor->root)
                return true;
        covered = !target->root;
        anywhere.over = RIGHTS_OVER_SELF;
        for (size_t i = 0; i < target->grant_count; i++) {
                const RightsGrant *grant = &target->grants[i];
                GrantState state = policy_grant_state(set, target, grant, &anywhere, NULL);
                uint16_t missing = RIGHT_NONE;

                if (state == GRANT_INVALID || state == GRANT_BROKEN)
                        covered = false; /* nobody knows what it gives once it is mended */
                else if (may_count(state) &&
                         !grant_covered(set, actor, target, grant, &anywhere, &missing))
                        covered = false;
                first = missing < first ? missing : first;
        }
        if (!covered)
                *ret_missing = first;
        return covered;
}

bool policy_rights_cover_grant(const RoleSet *set, const RightsHolder *actor,
                               const RightsGrant *grant, uint64_t now_usec, uint16_t *ret_missing) {
        const RightsPlace place = { .tenant = grant->tenant,
                                    .all_tenants = grant->all_tenants,
                                    .now_usec = now_usec,
                                    .over = RIGHTS_OVER_SELF };

        if (actor->root)
                return true;
        if (grant->role >= set->role_count || set->roles[grant->role].fault != RIGHTS_FAULT_NONE ||
            (grant->scope != GRANT_SCOPE_ALL && !grant->over)) {
                *ret_missing = RIGHT_NONE;
                return false;
        }
        return grant_covered(set, actor, NULL, grant, &place, ret_missing);
}
