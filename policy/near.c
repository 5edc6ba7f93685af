/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names that were meant: how far one is from another.  It is for messages alone; nothing is ever
 * taken for what it is near to. */

#include <string.h>

#include "policy/internal.h"

#define NEAR_NAME_MAX 40U

static size_t smallest(size_t a, size_t b, size_t c) {
        size_t least = a < b ? a : b;

        return least < c ? least : c;
}

/* Levenshtein's distance. */
size_t name_edits(const char *a, const char *b) {
        size_t a_len = strnlen(a, NEAR_NAME_MAX + 1), b_len = strnlen(b, NEAR_NAME_MAX + 1);
        size_t line[NEAR_NAME_MAX + 1];

        if (a_len > NEAR_NAME_MAX || b_len > NEAR_NAME_MAX)
                return SIZE_MAX;
        for (size_t i = 0; i <= b_len; i++)
                line[i] = i;
        for (size_t i = 0; i < a_len; i++) {
                size_t corner = line[0];

                line[0] = i + 1;
                for (size_t k = 0; k < b_len; k++) {
                        size_t above = line[k + 1];

                        line[k + 1] =
                                smallest(above + 1, line[k] + 1, corner + (a[i] != b[k] ? 1 : 0));
                        corner = above;
                }
        }
        return line[b_len];
}

bool policy_name_near(const char *a, const char *b) {
        size_t edits = name_edits(a, b);

        return edits <= NEAR_EDITS && edits < strlen(a) && edits < strlen(b);
}
