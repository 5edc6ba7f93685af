/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* policy's inside: names and patterns, and a set of roles as it is compiled. */

#include "policy/policy.h"

/* ---- names that were meant ------------------------------------------------------------------- */

#define NEAR_EDITS 3U /* as many letters wrong are still near */

/* Characters to put in, take out or replace to make one of the other; SIZE_MAX for names that are
 * so long that they are near to nothing. */
size_t name_edits(const char *a, const char *b);

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
