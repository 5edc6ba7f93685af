/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A set of roles, compiled: for each role one bit a permission, with what it inherits, so that a
 * check is a few words of memory however many roles there are.
 *
 * A permission of login. or sudo. that no role names behaves as every other such one, so all of
 * them share a bit.  Roles are put together from the bottom up, those that inherit nothing first;
 * what is never reached so inherits itself.
 *
 * A role that cannot be resolved (it is in a loop, nests too deep, has a text that is none) permits
 * nothing.  What it and all it reaches deny holds; where a deny itself cannot be read, everything
 * is denied.  A role that is named and not there brings nothing, as a grant of it would.
 *
 * Memory is the caller's: nothing is allocated, and nothing grows beyond what was measured. */

#include <errno.h>
#include <string.h>

#include "policy/internal.h"

/* ---- memory ---------------------------------------------------------------------------------- */

/* Lays one thing behind the other; with no memory it only adds up. */
typedef struct Arena {
        uint8_t *base;
        size_t used, size;
} Arena;

#define ARENA_ALIGN sizeof(uint64_t)

static void *arena_take(Arena *arena, size_t count, size_t bytes) {
        size_t at = arena->used, total = (count * bytes + ARENA_ALIGN - 1) & ~(ARENA_ALIGN - 1);

        arena->used += total;
        if (!arena->base || arena->used > arena->size)
                return NULL;
        return memset(arena->base + at, 0, total);
}

/* What depends on how many roles, permissions and edges there are, in one order for both. */
static void set_lay_out(Arena *arena, RoleSet *set, size_t name_max) {
        set->roles = arena_take(arena, set->role_count, sizeof(Role));
        set->role_names = arena_take(arena, set->role_count, sizeof(char *));
        set->role_order = arena_take(arena, set->role_count, sizeof(uint16_t));
        set->automatic = arena_take(arena, set->role_count, sizeof(uint16_t));
        set->queue = arena_take(arena, set->role_count, sizeof(uint16_t));
        set->reached = arena_take(arena, set->role_count, sizeof(uint16_t));
        set->names = arena_take(arena, name_max, sizeof(char *));
        set->name_flags = arena_take(arena, name_max, sizeof(uint8_t));
        set->name_order = arena_take(arena, name_max, sizeof(uint16_t));
}

static void role_lay_out(Arena *arena, const RoleSet *set, size_t name_words, size_t inherit_count,
                         Role *role) {
        role->own_permit = arena_take(arena, name_words, sizeof(uint64_t));
        role->own_deny = arena_take(arena, name_words, sizeof(uint64_t));
        role->permit = arena_take(arena, name_words, sizeof(uint64_t));
        role->deny = arena_take(arena, name_words, sizeof(uint64_t));
        role->within = arena_take(arena, set->role_words, sizeof(uint64_t));
        role->own_clash = arena_take(arena, set->role_words, sizeof(uint64_t));
        role->clash = arena_take(arena, set->role_words, sizeof(uint64_t));
        role->inherit = arena_take(arena, inherit_count, sizeof(uint16_t));
}

static void masks_lay_out(Arena *arena, RoleSet *set, size_t name_words) {
        set->mask = arena_take(arena, name_words, sizeof(uint64_t));
        set->sudo = arena_take(arena, name_words, sizeof(uint64_t));
}

static size_t words_of(size_t bits) {
        return (bits + 63) / 64;
}

static size_t open_names_count(const char *const *list) {
        size_t count = 0, listed = list_count(list, ROLE_PATTERNS_MAX);

        for (size_t i = 0; i < listed; i++)
                count += permission_is_open(list[i]);
        return count;
}

/* At most so many permissions there are to tell apart; a name that stands twice counts twice. */
static size_t names_max(const RoleSpec *roles, size_t role_count, const PermissionArea *areas,
                        size_t area_count) {
        size_t count = RIGHT_FIXED_COUNT;

        for (size_t i = 0; i < area_count; i++)
                count += areas[i].permission_count;
        for (size_t i = 0; i < role_count && count < RIGHTS_NAMES_MAX; i++)
                count += open_names_count(roles[i].permit) + open_names_count(roles[i].without) +
                         open_names_count(roles[i].deny);
        return count < RIGHTS_NAMES_MAX ? count : RIGHTS_NAMES_MAX;
}

static bool fits_limits(size_t role_count, const PermissionArea *areas, size_t area_count) {
        size_t names = 0;

        if (role_count > ROLES_MAX || area_count > RIGHTS_AREAS_MAX)
                return false;
        for (size_t i = 0; i < area_count; i++)
                if (areas[i].permission_count > PERMISSION_AREA_COUNT_MAX)
                        return false;
                else
                        names += areas[i].permission_count;
        return names <= RIGHTS_AREA_NAMES_MAX;
}

int policy_roles_measure(const RoleSpec *roles, size_t role_count, const PermissionArea *areas,
                         size_t area_count, size_t *ret_bytes) {
        RoleSet set = { .role_count = role_count, .role_words = words_of(role_count) };
        Arena arena = { 0 };
        size_t names;

        if (!fits_limits(role_count, areas, area_count))
                return -E2BIG;
        names = names_max(roles, role_count, areas, area_count);
        arena_take(&arena, 1, sizeof(RoleSet));
        set_lay_out(&arena, &set, names);
        for (size_t i = 0; i < role_count; i++) {
                Role role = { 0 };

                role_lay_out(&arena, &set, words_of(names),
                             list_count(roles[i].inherit, ROLE_INHERIT_MAX), &role);
        }
        masks_lay_out(&arena, &set, words_of(names));
        *ret_bytes = arena.used;
        return 0;
}

/* ---- names by number and back ---------------------------------------------------------------- */

/* Where a name is in the order, or would be. */
static size_t order_find(const char *const *names, const uint16_t *order, size_t count,
                         const char *name, bool *ret_found) {
        size_t low = 0, high = count;

        while (low < high) {
                size_t middle = low + (high - low) / 2;
                int order_of = strcmp(names[order[middle]], name);

                if (order_of == 0) {
                        *ret_found = true;
                        return middle;
                }
                if (order_of < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        *ret_found = false;
        return low;
}

static void order_insert(uint16_t *order, size_t count, size_t at, uint16_t value) {
        memmove(order + at + 1, order + at, (count - at) * sizeof(order[0]));
        order[at] = value;
}

/* False where there is no room: what has the name cannot be told from others. */
static bool name_add(RoleSet *set, const char *name, bool reads, size_t max) {
        bool found;
        size_t at = order_find(set->names, set->name_order, set->name_count, name, &found);
        uint8_t flags = reads ? NAME_READS : 0;

        if (found)
                return true;
        if (set->name_count >= max)
                return false;
        if (permission_in_area(name, AREA_LOGIN))
                flags |= NAME_LOGIN;
        else if (permission_in_area(name, AREA_SUDO))
                flags |= NAME_SUDO;
        order_insert(set->name_order, set->name_count, at, (uint16_t)set->name_count);
        set->names[set->name_count] = name;
        set->name_flags[set->name_count++] = flags;
        return true;
}

static bool names_add_open(RoleSet *set, const char *const *list, size_t max) {
        size_t count = list_count(list, ROLE_PATTERNS_MAX);
        bool all = true;

        for (size_t i = 0; i < count; i++)
                if (permission_is_open(list[i]))
                        all = name_add(set, list[i], false, max) && all;
        return all;
}

static void names_add_roles(RoleSet *set, size_t max) {
        for (size_t i = 0; i < set->role_count; i++) {
                const RoleSpec *spec = &set->specs[i];
                bool permit = names_add_open(set, spec->permit, max);
                bool without = names_add_open(set, spec->without, max);
                bool deny = names_add_open(set, spec->deny, max);

                if (!permit || !without || !deny)
                        set->roles[i].fault = RIGHTS_FAULT_TOO_MANY;
                if (!deny)
                        set->roles[i].own_denies_all = true;
        }
}

static void names_make(RoleSet *set, size_t max) {
        for (Permission p = 0; p < _PERMISSION_MAX; p++)
                name_add(set, policy_permission_info(p)->name, policy_permission_info(p)->reads,
                         max);
        name_add(set, AREA_LOGIN ".*", false, max); /* RIGHT_LOGIN_OTHER */
        name_add(set, AREA_SUDO ".*", false, max);
        name_add(set, AREA_SUDO ".all", false, max);
        for (size_t i = 0; i < set->area_count; i++)
                for (size_t k = 0; k < set->areas[i].permission_count; k++) {
                        const PermissionInfo *info = &set->areas[i].permissions[k];

                        name_add(set, info->name, info->reads, max);
                }
        names_add_roles(set, max);
        set->name_words = words_of(set->name_count);
}

uint16_t policy_right_from_name(const RoleSet *set, const char *name) {
        bool found;
        size_t at = order_find(set->names, set->name_order, set->name_count, name, &found);

        if (pattern_has_star(name))
                return RIGHT_NONE;
        if (found)
                return set->name_order[at];
        if (!permission_is_open(name))
                return RIGHT_NONE;
        return permission_in_area(name, AREA_LOGIN) ? RIGHT_LOGIN_OTHER : RIGHT_SUDO_OTHER;
}

const char *policy_right_name(const RoleSet *set, uint16_t right) {
        return right < set->name_count ? set->names[right] : "invalid";
}

size_t policy_right_count(const RoleSet *set) {
        return set->name_count;
}

/* The roles by name.  Of two with one name the later has no place. */
static void roles_order(RoleSet *set) {
        for (size_t i = 0; i < set->role_count; i++) {
                bool found;
                size_t at;

                set->role_names[i] = set->specs[i].name;
                at = order_find(set->role_names, set->role_order, set->role_named,
                                set->role_names[i], &found);
                if (found)
                        set->roles[i].fault = RIGHTS_FAULT_TAKEN;
                else
                        order_insert(set->role_order, set->role_named++, at, (uint16_t)i);
        }
}

uint16_t policy_role_from_name(const RoleSet *set, const char *name) {
        bool found;
        size_t at = order_find(set->role_names, set->role_order, set->role_named, name, &found);

        return found ? set->role_order[at] : ROLE_NONE;
}

const char *policy_role_name(const RoleSet *set, uint16_t role) {
        return role < set->role_count ? set->role_names[role] : "invalid";
}

/* ---- the whole ------------------------------------------------------------------------------- */

static void role_inherit(RoleSet *set, size_t at) {
        const char *const *list = set->specs[at].inherit;
        size_t count = list_count(list, ROLE_INHERIT_MAX);
        Role *role = &set->roles[at];

        for (size_t i = 0; i < count; i++) {
                uint16_t inherited = policy_role_from_name(set, list[i]);

                if (inherited != ROLE_NONE)
                        role->inherit[role->inherit_count++] = inherited;
        }
}

static void role_read(RoleSet *set, size_t at) {
        const RoleSpec *spec = &set->specs[at];
        Role *role = &set->roles[at];
        int r = role_texts_check(spec, set->areas, set->area_count, true, NULL);

        if (role->fault == RIGHTS_FAULT_NONE)
                role->fault = (RightsFaultKind)r;
        role->own_denies_all = role->own_denies_all || !role_denies_readable(spec);
        role_inherit(set, at);
}

static void automatic_note(RoleSet *set) {
        for (size_t i = 0; i < set->role_count; i++)
                if (set->specs[i].automatic && set->roles[i].fault == RIGHTS_FAULT_NONE)
                        set->automatic[set->automatic_count++] = (uint16_t)i;
}

uint16_t policy_role_automatic(const RoleSet *set, size_t at) {
        return at < set->automatic_count ? set->automatic[at] : ROLE_NONE;
}

const char *policy_role_condition(const RoleSet *set, uint16_t role) {
        return role < set->role_count ? set->specs[role].automatic : NULL;
}

RoleSet *policy_roles_compile(const RoleSpec *roles, size_t role_count, const PermissionArea *areas,
                              size_t area_count, void *memory, size_t bytes) {
        Arena arena = { .base = memory, .size = bytes };
        size_t needed, names;
        RoleSet *set;

        if (policy_roles_measure(roles, role_count, areas, area_count, &needed) < 0 || !memory ||
            bytes < needed)
                return NULL;
        names = names_max(roles, role_count, areas, area_count);
        set = arena_take(&arena, 1, sizeof(*set));
        set->specs = roles;
        set->role_count = role_count;
        set->role_words = words_of(role_count);
        set->areas = areas;
        set->area_count = area_count;
        set_lay_out(&arena, set, names);
        roles_order(set);
        names_make(set, names);
        masks_lay_out(&arena, set, set->name_words);
        for (size_t i = 0; i < role_count; i++) {
                role_lay_out(&arena, set, set->name_words,
                             list_count(roles[i].inherit, ROLE_INHERIT_MAX), &set->roles[i]);
                role_read(set, i);
        }
        role_set_resolve(set);
        automatic_note(set);
        return set;
}
