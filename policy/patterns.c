/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Patterns over permissions (FEATURES M.4): parts by ".", a "*" stands for one, at the end for one
 * or more.
 *
 * "*" alone is everything but sudo.  In the place of an area it stands for areas whose names are
 * known, never for login or sudo: else a command group that somebody calls "view" would be in
 * "*.view".  Behind "login." and "sudo." stands one name, or "*"; "sudo.all" is "sudo.*", every
 * command group and every command.
 *
 * A pattern that covers nothing is refused where it is written: it is a slip. */

#include <string.h>

#include "policy/internal.h"

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGIT "0123456789"

/* What may stand behind an area whose names are not known.  A service is compared exactly as PAM
 * gives it. */
static const struct Open {
        const char *area, *first, *further;
        size_t max;
        PatternKind one, all;
        const char *expected;
} opens[] = {
        { AREA_LOGIN, LOWER UPPER DIGIT "_", LOWER UPPER DIGIT "_.+-", PERMISSION_SERVICE_MAX,
          PATTERN_LOGIN, PATTERN_LOGIN_ALL,
          "expected a PAM service of a-z, A-Z, 0-9, _, ., + and -, at most 63, or *" },
        { AREA_SUDO, LOWER DIGIT, LOWER DIGIT "._-", PERMISSION_GROUP_MAX, PATTERN_SUDO,
          PATTERN_SUDO_ALL,
          "expected a command group of a-z, 0-9, ., _ and -, at most 64, or all" },
};

static const char expected_part[] =
        "expected AREA.OBJECT.VERB, each part of a-z, 0-9, _ and - or a *";

/* "..., at column N" */
static int form_fault(RightsFault *fault, const char *pattern, const char *what, size_t at) {
        char column[32];
        Text text;

        fault_set(fault, RIGHTS_FAULT_FORM, pattern, what);
        if (fault) {
                base_text_init(&text, column, sizeof(column));
                base_text_addf(&text, " (col %zu)", at + 1);
                fault_add(fault, column);
        }
        return RIGHTS_FAULT_FORM;
}

static const struct Open *open_of(const char *name) {
        for (size_t i = 0; i < ARRAY_LENGTH(opens); i++)
                if (permission_in_area(name, opens[i].area))
                        return &opens[i];
        return NULL;
}

static int open_read(const struct Open *open, const char *pattern, PatternKind *ret,
                     RightsFault *fault) {
        size_t area = strlen(open->area) + 1, len;
        const char *name = pattern + area;

        if (strcmp(name, "*") == 0 || (open->one == PATTERN_SUDO && strcmp(name, "all") == 0)) {
                *ret = open->all;
                return 0;
        }
        if (strspn(name, open->first) == 0)
                return form_fault(fault, pattern, open->expected, area);
        len = strspn(name, open->further);
        if (name[len] != '\0' || len > open->max)
                return form_fault(fault, pattern, open->expected,
                                  area + (len < open->max ? len : open->max));
        *ret = open->one;
        return 0;
}

bool permission_is_open(const char *name) {
        const struct Open *open = open_of(name);
        PatternKind kind;

        return open && open_read(open, name, &kind, NULL) == 0;
}

/* The length of the part at s, or 0 where none can be. */
static size_t part_length(const char *s) {
        if (s[0] == '*')
                return 1;
        return strspn(s, LOWER DIGIT) > 0 ? strspn(s, LOWER DIGIT "_-") : 0;
}

static int parts_read(const char *pattern, RightsFault *fault) {
        size_t at = 0, parts = 0;
        bool named = false;

        for (;; at++) {
                size_t len = part_length(pattern + at);

                parts++;
                if (len == 0 || parts > PERMISSION_PARTS_MAX)
                        return form_fault(fault, pattern, expected_part, at);
                named = named || pattern[at] != '*';
                at += len;
                if (pattern[at] == '\0')
                        break;
                if (pattern[at] != '.')
                        return form_fault(fault, pattern, expected_part, at);
        }
        if (parts < 2)
                return form_fault(fault, pattern, expected_part, at);
        if (!named)
                return form_fault(fault, pattern, "expected * alone for everything", 1);
        return 0;
}

int pattern_read(const char *pattern, PatternKind *ret, RightsFault *fault) {
        const struct Open *open = open_of(pattern);
        int r;

        if (strcmp(pattern, "*") == 0) {
                *ret = PATTERN_EVERYTHING;
                return 0;
        }
        if (strnlen(pattern, PERMISSION_NAME_MAX + 1) > PERMISSION_NAME_MAX)
                return form_fault(fault, pattern, "expected at most 80 bytes", PERMISSION_NAME_MAX);
        if (open)
                return open_read(open, pattern, ret, fault);
        r = parts_read(pattern, fault);
        if (r != 0)
                return r;
        *ret = PATTERN_PARTS;
        return 0;
}

bool pattern_has_star(const char *pattern) {
        return strchr(pattern, '*') != NULL;
}

bool pattern_matches(const char *pattern, const char *name) {
        for (;;) {
                size_t len = strcspn(name, ".");

                if (strcmp(pattern, "*") == 0)
                        return true; /* at the end: what is left, one part at least */
                if (pattern[0] == '*')
                        pattern++;
                else if (strncmp(pattern, name, len) == 0)
                        pattern += len;
                else
                        return false;
                name += len;
                if (*name == '\0' || *pattern == '\0')
                        return *name == *pattern;
                if (*pattern != '.')
                        return false;
                pattern++;
                name++;
        }
}

static bool pattern_covers_any(const char *pattern, const PermissionArea *areas,
                               size_t area_count) {
        for (Permission p = 0; p < _PERMISSION_MAX; p++)
                if (pattern_matches(pattern, policy_permission_info(p)->name))
                        return true;
        for (size_t i = 0; i < area_count; i++)
                for (size_t k = 0; k < areas[i].permission_count; k++)
                        if (pattern_matches(pattern, areas[i].permissions[k].name))
                                return true;
        return false;
}

static int unknown_fault(RightsFault *fault, const char *pattern, const PermissionArea *areas,
                         size_t area_count) {
        const char *near[3];
        size_t count;

        fault_set(fault, RIGHTS_FAULT_UNKNOWN, pattern,
                  pattern_has_star(pattern) ? "covers no permission" : "no such permission");
        if (!fault)
                return RIGHTS_FAULT_UNKNOWN;
        count = policy_permission_near(pattern, areas, area_count, near, ARRAY_LENGTH(near));
        for (size_t i = 0; i < count; i++) {
                fault_add(fault, i == 0 ? "; near: " : ", ");
                fault_add(fault, near[i]);
        }
        return RIGHTS_FAULT_UNKNOWN;
}

int policy_pattern_check(const char *pattern, const PermissionArea *areas, size_t area_count,
                         RightsFault *ret) {
        PatternKind kind;
        int r = pattern_read(pattern, &kind, ret);

        if (r != 0 || kind != PATTERN_PARTS || pattern_covers_any(pattern, areas, area_count))
                return r;
        return unknown_fault(ret, pattern, areas, area_count);
}
