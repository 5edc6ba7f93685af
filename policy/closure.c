/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a role is with all that it inherits (FEATURES M.4 rule 3): its own permits and those it
 * inherits, less its own without.  Denies, what is required, whom it is for and what it must not
 * meet come down to it whole: who holds a role holds what that inherits.
 *
 * "sudo.all" is every command, so it goes with any one command group that is taken away: it would
 * give that one back. */

#include <string.h>

#include "policy/internal.h"

/* ---- lists as bits --------------------------------------------------------------------------- */

static void mask_flagged(const RoleSet *set, unsigned int flag, uint64_t *mask) {
        for (size_t i = 0; i < set->name_count; i++)
                if (set->name_flags[i] & flag)
                        bit_set(mask, i);
}

static void mask_parts(const RoleSet *set, const char *pattern, uint64_t *mask) {
        if (!pattern_has_star(pattern)) {
                uint16_t right = policy_right_from_name(set, pattern);

                if (right != RIGHT_NONE)
                        bit_set(mask, right);
                return;
        }
        for (size_t i = 0; i < set->name_count; i++)
                if (!(set->name_flags[i] & (NAME_LOGIN | NAME_SUDO)) &&
                    pattern_matches(pattern, set->names[i]))
                        bit_set(mask, i);
}

static void mask_pattern(const RoleSet *set, const char *pattern, uint64_t *mask) {
        PatternKind kind;

        if (pattern_read(pattern, &kind, NULL) != 0)
                return;
        switch (kind) {
        case PATTERN_EVERYTHING:
                for (size_t i = 0; i < set->name_count; i++)
                        if (!(set->name_flags[i] & NAME_SUDO))
                                bit_set(mask, i);
                return;
        case PATTERN_LOGIN_ALL:
                mask_flagged(set, NAME_LOGIN, mask);
                return;
        case PATTERN_SUDO_ALL:
                mask_flagged(set, NAME_SUDO, mask);
                return;
        case PATTERN_PARTS:
        case PATTERN_LOGIN:
        case PATTERN_SUDO:
                mask_parts(set, pattern, mask);
                return;
        case _PATTERN_KIND_MAX:
                return;
        }
}

static void mask_list(const RoleSet *set, const char *const *list, uint64_t *mask) {
        size_t count = list_count(list, ROLE_PATTERNS_MAX);

        for (size_t i = 0; i < count; i++)
                mask_pattern(set, list[i], mask);
}

/* What a list takes away, into mask. */
static void mask_away(const RoleSet *set, const char *const *list, uint64_t *mask) {
        mask_list(set, list, mask);
        if (bits_meet(mask, set->sudo, set->name_words))
                bit_set(mask, RIGHT_SUDO_ALL);
}

static const uint64_t *without_mask(const RoleSet *set, size_t at) {
        memset(set->mask, 0, set->name_words * sizeof(set->mask[0]));
        mask_away(set, set->specs[at].without, set->mask);
        return set->mask;
}

/* ---- one role -------------------------------------------------------------------------------- */

static void role_require(const RoleSpec *spec, Role *role) {
        size_t count = list_count(spec->require, ROLE_REQUIRE_MAX);

        for (size_t i = 0; i < count; i++) {
                role->email = role->email || strcmp(spec->require[i], "email") == 0;
                role->second_factor =
                        role->second_factor || strcmp(spec->require[i], "second-factor") == 0;
                role->attributes = role->attributes || requirement_attribute(spec->require[i]);
        }
        role->person = spec->only_kind != HOLDER_SERVICE;
        role->service = spec->only_kind != HOLDER_PERSON;
        role->one_tenant = spec->one_tenant;
}

/* Both ways: who must not meet me is not met by me. */
static void role_clash(RoleSet *set, size_t at) {
        const char *const *list = set->specs[at].conflict;
        size_t count = list_count(list, ROLE_CONFLICT_MAX);

        for (size_t i = 0; i < count; i++) {
                uint16_t other = policy_role_from_name(set, list[i]);

                if (other == ROLE_NONE || other == at)
                        continue;
                bit_set(set->roles[at].own_clash, other);
                bit_set(set->roles[other].own_clash, at);
                set->roles[at].own_clashes = set->roles[other].own_clashes = true;
        }
}

static void role_own(RoleSet *set, size_t at) {
        const RoleSpec *spec = &set->specs[at];
        Role *role = &set->roles[at];

        role->height = HEIGHT_NONE;
        role_require(spec, role);
        role_clash(set, at);
        mask_away(set, spec->deny, role->own_deny);
        role->own_denies = spec->deny && spec->deny[0];
        mask_list(set, spec->permit, role->own_permit);
}

/* What comes down whole from a role that it inherits, or from itself. */
static void role_take(const RoleSet *set, Role *role, const Role *from) {
        role->denies_all = role->denies_all || from->denies_all || from->own_denies_all;
        role->email = role->email || from->email;
        role->second_factor = role->second_factor || from->second_factor;
        role->attributes = role->attributes || from->attributes;
        role->one_tenant = role->one_tenant || from->one_tenant;
        role->person = role->person && from->person;
        role->service = role->service && from->service;
        if (from->own_denies)
                bits_or(role->deny, from->own_deny, set->name_words);
        if (from->own_clashes)
                bits_or(role->clash, from->own_clash, set->role_words);
}

/* The same of what that inherits. */
static void role_take_whole(const RoleSet *set, Role *role, const Role *from) {
        bits_or(role->within, from->within, set->role_words);
        bits_or(role->deny, from->deny, set->name_words);
        bits_or(role->clash, from->clash, set->role_words);
}

/* With all it inherits resolved. */
static void role_resolve(RoleSet *set, size_t at) {
        Role *role = &set->roles[at];

        role->height = 0;
        role->done = true;
        bit_set(role->within, at);
        role_take(set, role, role);
        for (size_t i = 0; i < role->inherit_count; i++) {
                const Role *from = &set->roles[role->inherit[i]];

                role->height = from->height + 1 > role->height ? from->height + 1 : role->height;
                role_take(set, role, from);
                role_take_whole(set, role, from);
                bits_or(role->permit, from->permit, set->name_words);
        }
        if (role->fault == RIGHTS_FAULT_NONE && role->height > ROLE_DEPTH_MAX)
                role->fault = RIGHTS_FAULT_DEPTH;
        if (role->fault == RIGHTS_FAULT_NONE) {
                bits_or(role->permit, role->own_permit, set->name_words);
                bits_take(role->permit, without_mask(set, at), set->name_words);
        } else
                memset(role->permit, 0, set->name_words * sizeof(role->permit[0]));
}

/* One that inherits itself, or one that does: of what it reaches, the denies.  What it reaches
 * through a role that is done it takes from that.  The roles that were gone through are in queue.
 */
static size_t role_resolve_loop(RoleSet *set, size_t at) {
        Role *role = &set->roles[at];
        size_t count = 0;

        if (role->fault == RIGHTS_FAULT_NONE)
                role->fault = RIGHTS_FAULT_LOOP;
        bit_set(role->within, at);
        set->queue[count++] = (uint16_t)at;
        for (size_t i = 0; i < count; i++) {
                const Role *from = &set->roles[set->queue[i]];

                role_take(set, role, from);
                if (from->done) {
                        role_take_whole(set, role, from);
                        continue;
                }
                for (size_t k = 0; k < from->inherit_count; k++) {
                        uint16_t next = from->inherit[k];

                        if (!bit_has(role->within, next))
                                set->queue[count++] = next;
                        bit_set(role->within, next);
                }
        }
        role->done = true;
        return count;
}

/* Whatever one of them reaches is done next, from its end: so each has mostly to look at those that
 * it inherits itself. */
static void roles_resolve_loops(RoleSet *set) {
        for (size_t i = 0; i < set->role_count; i++) {
                size_t count = set->roles[i].done ? 0 : role_resolve_loop(set, i);

                memcpy(set->reached, set->queue, count * sizeof(set->reached[0]));
                while (count-- > 0)
                        if (!set->roles[set->reached[count]].done)
                                role_resolve_loop(set, set->reached[count]);
        }
}

/* ---- all of them ----------------------------------------------------------------------------- */

static bool role_is_ready(const RoleSet *set, const Role *role) {
        for (size_t i = 0; i < role->inherit_count; i++)
                if (set->roles[role->inherit[i]].height == HEIGHT_NONE)
                        return false;
        return true;
}

/* From the bottom up, once from the front and once from behind, as long as there is progress: the
 * order roles are given in decides how often, and is mostly one of the two. */
void role_set_resolve(RoleSet *set) {
        bool progress = true, backwards = false;

        mask_flagged(set, NAME_SUDO, set->sudo);
        for (size_t i = 0; i < set->role_count; i++)
                role_own(set, i);
        for (; progress; backwards = !backwards) {
                progress = false;
                for (size_t i = 0; i < set->role_count; i++) {
                        size_t at = backwards ? set->role_count - 1 - i : i;

                        if (set->roles[at].height != HEIGHT_NONE ||
                            !role_is_ready(set, &set->roles[at]))
                                continue;
                        role_resolve(set, at);
                        progress = true;
                }
        }
        roles_resolve_loops(set);
}

/* ---- what it comes to -------------------------------------------------------------------------
 */

bool policy_role_permits(const RoleSet *set, uint16_t role, uint16_t right) {
        return role < set->role_count && right < set->name_count &&
               bit_has(set->roles[role].permit, right);
}

bool policy_role_denies(const RoleSet *set, uint16_t role, uint16_t right) {
        return role < set->role_count && right < set->name_count &&
               (set->roles[role].denies_all || bit_has(set->roles[role].deny, right));
}

bool policy_role_needs_second_factor(const RoleSet *set, uint16_t role) {
        return role < set->role_count && set->roles[role].second_factor;
}
