/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What um-helper takes for lines of sudoers: the few forms umd writes, and nothing else.
 *
 * visudo(8) takes whatever is sudoers, an include, a Defaults, a %group, an alias; so this is a
 * list of what is permitted, written without a look at how umd writes it.  Text that is not
 * understood to its last byte is refused as a whole. */

#include <string.h>

#include "um_helper/helper.h"

/* "alice, bob ALL=(root:adm) NOTAFTER=20270801085959Z PASSWD: /bin/x a\,b, /bin/y \"\"" */

typedef struct Cursor {
        const char *at, *end;
} Cursor;

static bool take(Cursor *cursor, const char *text) {
        size_t len = strlen(text);

        if ((size_t)(cursor->end - cursor->at) < len || memcmp(cursor->at, text, len) != 0)
                return false;
        cursor->at += len;
        return true;
}

static bool is_letter(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c) {
        return c >= '0' && c <= '9';
}

static bool is_one_of(char c, const char *few) {
        return c != '\0' && strchr(few, c);
}

/* The run of characters a name may have; none of them ends one in sudoers. */
static size_t name_span(const Cursor *cursor) {
        size_t len = 0;

        while (cursor->at + len < cursor->end &&
               (is_letter(cursor->at[len]) || is_digit(cursor->at[len]) ||
                is_one_of(cursor->at[len], "_.-")))
                len++;
        return len;
}

/* One of um's, as base has them. */
static bool take_user(Cursor *cursor, const HelperSudoersNames *names) {
        char name[BASE_NAME_MAX + 1];
        size_t len = name_span(cursor);

        if (base_field_check(FIELD_USER_NAME, cursor->at, len) != FIELD_OK)
                return false;
        memcpy(name, cursor->at, len);
        name[len] = '\0';
        cursor->at += len;
        return names->is_ours(names->userdata, name);
}

/* Any of the host's; a name of capital letters alone is an alias to sudo, or ALL. */
static bool take_account(Cursor *cursor) {
        size_t len = name_span(cursor);
        bool lower = false;

        if (len == 0 || len > BASE_NAME_MAX || (!is_letter(cursor->at[0]) && cursor->at[0] != '_'))
                return false;
        for (size_t i = 0; i < len; i++)
                lower = lower || (cursor->at[i] >= 'a' && cursor->at[i] <= 'z');
        cursor->at += len;
        return lower;
}

static bool take_run_as(Cursor *cursor) {
        return take_account(cursor) && (!take(cursor, ":") || take_account(cursor)) &&
               take(cursor, ") ");
}

static bool take_end(Cursor *cursor) {
        if (!take(cursor, "NOTAFTER="))
                return true;
        for (size_t i = 0; i < 14; i++, cursor->at++)
                if (cursor->at == cursor->end || !is_digit(*cursor->at))
                        return false;
        return take(cursor, "Z ");
}

/* A pattern's * is among them: what it means is umd's to know. */
static bool take_path(Cursor *cursor) {
        const char *start = cursor->at;

        if (!take(cursor, "/"))
                return false;
        while (cursor->at < cursor->end) {
                char c = *cursor->at;

                if (is_letter(c) || is_digit(c) || is_one_of(c, "/._+-@%*"))
                        cursor->at++;
                else if (!take(cursor, "\\,") && !take(cursor, "\\:") && !take(cursor, "\\="))
                        break;
        }
        return cursor->at - start > 1;
}

/* Printable ASCII; what sudo or fnmatch(3) would take for more than itself stands behind a
 * backslash, and a backslash is two for each of them. */
static bool take_arguments(Cursor *cursor) {
        static const char *const escapes[] = { "\\\\\\\\", "\\,", "\\:", "\\=", "\\#",
                                               "\\?",      "\\[", "\\]", "\\^" };
        const char *start = cursor->at;
        size_t i;

        while (cursor->at < cursor->end && *cursor->at != ',' && *cursor->at != '\n') {
                if (*cursor->at < ' ' || *cursor->at > '~' || is_one_of(*cursor->at, ":=#?[]^"))
                        return false;
                if (*cursor->at == ' ' && (cursor->at == start || cursor->at[-1] == ' '))
                        return false;
                if (*cursor->at != '\\') {
                        cursor->at++;
                        continue;
                }
                for (i = 0; i < ARRAY_LENGTH(escapes) && !take(cursor, escapes[i]); i++)
                        ;
                if (i == ARRAY_LENGTH(escapes))
                        return false;
        }
        return cursor->at > start && cursor->at[-1] != ' ';
}

static bool take_commands(Cursor *cursor) {
        do {
                if (!take_path(cursor))
                        return false;
                if (take(cursor, " ") && !take_arguments(cursor))
                        return false;
        } while (take(cursor, ", "));
        return take(cursor, "\n");
}

static bool take_line(Cursor *cursor, const HelperSudoersNames *names) {
        do {
                if (!take_user(cursor, names))
                        return false;
        } while (take(cursor, ", "));
        if (!take(cursor, " ALL=("))
                return false;
        if (take(cursor, "ALL:ALL) "))
                return take_end(cursor) && take(cursor, "PASSWD: ALL\n");
        return take_run_as(cursor) && take_end(cursor) &&
               (take(cursor, "PASSWD: ") || take(cursor, "NOPASSWD: ")) && take_commands(cursor);
}

bool helper_sudoers_check(const char *text, size_t len, const HelperSudoersNames *names) {
        Cursor cursor = { text, text + len };

        if (!take(&cursor, HELPER_SUDOERS_HEAD))
                return false;
        while (cursor.at < cursor.end)
                if (!take_line(&cursor, names))
                        return false;
        return true;
}
