/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Patterns for tickets.  A language of its own, small enough that no pattern can make the match
 * slow: regexec(3) gives no such promise, and who sets a pattern is not who waits for it.
 *
 * A pattern is a row of items, each a set of characters that may be left out or repeated, with an
 * end behind each branch.  All ways through it are followed at once, from every place of the text
 * where a ticket may begin: each byte of the text looks at each item once. */

#include <errno.h>
#include <string.h>

#include "policy/internal.h"

#define FIRST     0x21                        /* '!': no space */
#define LAST      0x7e                        /* '~' */
#define ITEMS_MAX (2 * POLICY_VALUE_TEXT_MAX) /* with the ends */

typedef struct Item {
        uint64_t set[2]; /* a bit for each character */
        bool optional, repeats;
        bool end;   /* of a branch: it was matched */
        bool first; /* of a branch */
} Item;

typedef struct Pattern {
        Item items[ITEMS_MAX];
        size_t count;
} Pattern;

/* ---- reading --------------------------------------------------------------------------------- */

static bool is_printable(char c) {
        return c >= FIRST && c <= LAST;
}

/* The character there, "\" being before one that is meant as it is; NUL: none. */
static char literal_read(const char **s, const char *special) {
        char c = **s;

        if (c == '\\')
                c = *++*s;
        else if (c == '\0' || strchr(special, c))
                return '\0';
        if (!is_printable(c))
                return '\0';
        ++*s;
        return c;
}

static void set_invert(uint64_t *set) {
        for (size_t c = FIRST; c <= LAST; c++)
                set[c / 64] ^= (uint64_t)1 << c % 64;
}

/* Behind the "[". */
static int set_read(const char **s, uint64_t *set) {
        bool inverted = **s == '^';

        *s += inverted;
        if (**s == ']')
                return -EINVAL;
        while (**s != ']') {
                char from = literal_read(s, "[]^-"), to = from;

                if (from != '\0' && **s == '-') {
                        ++*s;
                        to = literal_read(s, "[]^-");
                }
                if (from == '\0' || to < from)
                        return -EINVAL;
                for (char c = from; c <= to; c++)
                        bit_set(set, (size_t)c);
        }
        ++*s;
        if (inverted)
                set_invert(set);
        return set[0] || set[1] ? 0 : -EINVAL;
}

static int item_read(const char **s, Item *item) {
        char c = **s;
        int r = 0;

        if (c == '[') {
                ++*s;
                r = set_read(s, item->set);
        } else if (c == '.') {
                ++*s;
                set_invert(item->set);
        } else {
                /* those that mean something elsewhere are refused, so that nobody relies on it */
                c = literal_read(s, "()[]{}^$*+?|");
                if (c == '\0')
                        return -EINVAL;
                bit_set(item->set, (size_t)c);
        }
        if (r == 0 && **s != '\0' && strchr("?*+", **s)) {
                item->optional = **s != '+';
                item->repeats = **s != '?';
                ++*s;
        }
        return r;
}

static int pattern_parse(const char *s, Pattern *ret) {
        bool first = true;

        ret->count = 0;
        for (;;) {
                Item *item = &ret->items[ret->count];

                if (ret->count >= ITEMS_MAX)
                        return -EINVAL;
                *item = (Item){ .first = first };
                if (*s == '\0' || *s == '|') {
                        if (first)
                                return -EINVAL;
                        item->end = true;
                } else if (item_read(&s, item) < 0)
                        return -EINVAL;
                ret->count++;
                first = item->end;
                if (item->end && *s++ == '\0')
                        return 0;
        }
}

int policy_ticket_check(const char *pattern) {
        Pattern parsed;

        return pattern_parse(pattern, &parsed);
}

/* ---- matching -------------------------------------------------------------------------------- */

typedef struct Ways {
        bool at[ITEMS_MAX]; /* the item that is next */
} Ways;

/* With what may be left out; what is there already has been followed. */
static void ways_add(const Pattern *pattern, Ways *ways, size_t at) {
        for (; !ways->at[at]; at++) {
                ways->at[at] = true;
                if (!pattern->items[at].optional)
                        return;
        }
}

static void ways_begin(const Pattern *pattern, Ways *ways) {
        for (size_t i = 0; i < pattern->count; i++)
                if (pattern->items[i].first)
                        ways_add(pattern, ways, i);
}

/* Over one character; is a branch at its end then? */
static bool ways_step(const Pattern *pattern, Ways *ways, char c) {
        Ways next = { 0 };
        bool ended = false;

        for (size_t i = 0; is_printable(c) && i < pattern->count; i++) {
                const Item *item = &pattern->items[i];

                if (!ways->at[i] || item->end || !bit_has(item->set, (size_t)c))
                        continue;
                if (item->repeats)
                        ways_add(pattern, &next, i);
                ways_add(pattern, &next, i + 1);
        }
        for (size_t i = 0; i < pattern->count; i++)
                ended = ended || (next.at[i] && pattern->items[i].end);
        *ways = next;
        return ended;
}

/* Part of a word, whatever language it is in. */
static bool is_word(char c) {
        return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
               (unsigned char)c >= 0x80;
}

bool policy_ticket_matches(const char *pattern, const char *text) {
        Pattern parsed;
        Ways ways = { 0 };

        if (pattern_parse(pattern, &parsed) < 0)
                return false;
        for (size_t i = 0; text[i] != '\0'; i++) {
                if (i == 0 || !is_word(text[i - 1]))
                        ways_begin(&parsed, &ways);
                if (ways_step(&parsed, &ways, text[i]) && !is_word(text[i + 1]))
                        return true;
        }
        return false;
}
