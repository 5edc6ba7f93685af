/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* policy's inside: names and patterns, and a set of roles as it is compiled. */

#include "policy/policy.h"

/* ---- names that were meant ------------------------------------------------------------------- */

#define NEAR_EDITS 3U /* as many letters wrong are still near */

/* Characters to put in, take out or replace to make one of the other; SIZE_MAX for names that are
 * so long that they are near to nothing. */
size_t name_edits(const char *a, const char *b);

/* Of a role or an attribute: at most 64 of a-z, 0-9, ., _ and -, no sign first. */
bool name_is_plain(const char *name);

/* ---- faults ---------------------------------------------------------------------------------- */

/* Writes `"subject": what`, the subject fit for a terminal, and returns the kind as an outcome.  A
 * fault that is NULL is not written: only the outcome is wanted. */
int fault_set(RightsFault *fault, RightsFaultKind kind, const char *subject, const char *what);
/* Whatever it is, it is made fit for a terminal too: roles that are stored may have any names. */
void fault_add(RightsFault *fault, const char *more);

/* ---- permissions and patterns ---------------------------------------------------------------- */

/* The areas whose names are not known beforehand. */
#define AREA_LOGIN "login"
#define AREA_SUDO  "sudo"

/* Fixed places behind um's own permissions: what no role names stands together. */
#define RIGHT_LOGIN_OTHER ((uint16_t)_PERMISSION_MAX)
#define RIGHT_SUDO_OTHER  ((uint16_t)(_PERMISSION_MAX + 1))
#define RIGHT_SUDO_ALL    ((uint16_t)(_PERMISSION_MAX + 2))
#define RIGHT_FIXED_COUNT ((size_t)_PERMISSION_MAX + 3)

typedef enum PatternKind {
        PATTERN_EVERYTHING, /* "*" */
        PATTERN_PARTS,      /* of areas whose names are known; may have a star */
        PATTERN_LOGIN_ALL,
        PATTERN_SUDO_ALL, /* "sudo.*", "sudo.all" */
        PATTERN_LOGIN,    /* one service */
        PATTERN_SUDO,     /* one command group */
        _PATTERN_KIND_MAX,
} PatternKind;

/* 0, or RIGHTS_FAULT_FORM; fault may be NULL. */
int pattern_read(const char *pattern, PatternKind *ret, RightsFault *fault);
/* Of PATTERN_PARTS. */
bool pattern_matches(const char *pattern, const char *name);
bool pattern_has_star(const char *pattern);
/* Is it a name of login. or sudo.?  One that can be none is false. */
bool permission_is_open(const char *name);
/* "user" of "user.view" */
bool permission_in_area(const char *name, const char *area);

/* ---- a set of roles -------------------------------------------------------------------------- */

typedef struct Role {
        uint64_t *own_permit, *own_deny; /* what its own lists say */
        uint64_t *permit, *deny;         /* with what it inherits */
        uint64_t *within;                /* roles: itself and all it inherits */
        uint64_t *own_clash, *clash;     /* roles that must not meet it, or any within */
        uint16_t *inherit;               /* those that are there */
        size_t inherit_count;
        size_t height;                /* inherited roles one below the other; HEIGHT_NONE: a loop */
        bool done;                    /* all of the above is */
        RightsFaultKind fault;        /* it permits nothing */
        bool own_denies, own_clashes; /* there is anything in it */
        bool own_denies_all;          /* what it denies cannot be read */
        bool denies_all;              /* its own, or of one it inherits */
        bool email, second_factor, attributes, one_tenant;
        bool person, service; /* who may hold it */
} Role;

#define HEIGHT_NONE SIZE_MAX

/* What is known of a permission beside its name. */
#define NAME_READS 1U
#define NAME_LOGIN 2U
#define NAME_SUDO  4U

struct RoleSet {
        const RoleSpec *specs;
        Role *roles;
        size_t role_count, role_words;
        const char **role_names;
        uint16_t *role_order; /* by name */
        size_t role_named;    /* those that have a name of their own */
        uint16_t *automatic;  /* those with a condition */
        size_t automatic_count;
        uint16_t *queue; /* of roles, while one is worked on */
        uint16_t *reached;
        const PermissionArea *areas;
        size_t area_count;
        const char **names;
        uint8_t *name_flags;
        uint16_t *name_order; /* by name */
        size_t name_count, name_words;
        uint64_t *mask; /* of permissions, while one list is worked on */
        uint64_t *sudo; /* all of sudo. */
};

static inline bool bit_has(const uint64_t *bits, size_t at) {
        return (bits[at / 64] >> at % 64 & 1) != 0;
}

static inline void bit_set(uint64_t *bits, size_t at) {
        bits[at / 64] |= (uint64_t)1 << at % 64;
}

static inline void bits_take(uint64_t *bits, const uint64_t *away, size_t words) {
        for (size_t i = 0; i < words; i++)
                bits[i] &= ~away[i];
}

static inline void bits_or(uint64_t *bits, const uint64_t *more, size_t words) {
        for (size_t i = 0; i < words; i++)
                bits[i] |= more[i];
}

static inline bool bits_meet(const uint64_t *a, const uint64_t *b, size_t words) {
        for (size_t i = 0; i < words; i++)
                if (a[i] & b[i])
                        return true;
        return false;
}

/* What is wrong with the texts of a role by itself; fault may be NULL.  form_only: a permission
 * that is unknown is none of it. */
int role_texts_check(const RoleSpec *spec, const PermissionArea *areas, size_t area_count,
                     bool form_only, RightsFault *fault);
bool role_denies_readable(const RoleSpec *spec);
/* Puts the roles of a set together, once their texts have been read. */
void role_set_resolve(RoleSet *set);
/* The part behind "attr:", or NULL. */
const char *requirement_attribute(const char *requirement);
size_t list_count(const char *const *list, size_t max);
/* A way down from a role to one within it. */
void role_path_find(const RoleSet *set, uint16_t from, uint16_t end, RolePath *ret);
