/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Values of typed attributes: what each type takes, and the one form a value is kept in, so that
 * values are compared as texts wherever that is enough. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "policy/internal.h"

#define NUMBER_DIGITS_MAX 18U /* fits 64 bits */

static const char *const type_names[_ATTRIBUTE_TYPE_MAX] = {
        [ATTRIBUTE_INVALID] = "invalid", [ATTRIBUTE_FLAG] = "flag", [ATTRIBUTE_TEXT] = "text",
        [ATTRIBUTE_NUMBER] = "number",   [ATTRIBUTE_DATE] = "date", [ATTRIBUTE_CHOICE] = "choice",
};

const char *policy_attribute_type_name(AttributeType type) {
        return (unsigned int)type < _ATTRIBUTE_TYPE_MAX ? type_names[type] : "invalid";
}

AttributeType policy_attribute_type_from_name(const char *name) {
        for (AttributeType type = ATTRIBUTE_FLAG; type < _ATTRIBUTE_TYPE_MAX; type++)
                if (strcmp(type_names[type], name) == 0)
                        return type;
        return ATTRIBUTE_INVALID;
}

bool policy_attribute_name_ok(const char *name) {
        return name_is_plain(name);
}

static bool is_line(const char *text) {
        size_t len = strnlen(text, ATTRIBUTE_VALUE_MAX + 1);

        return len > 0 && len <= ATTRIBUTE_VALUE_MAX &&
               base_field_check(FIELD_LINE, text, len) == FIELD_OK;
}

bool policy_attribute_choice_ok(const char *choice) {
        return is_line(choice) && !strchr(choice, ',');
}

/* [+-]digits into the shortest form. */
static int number_read(const char *text, char *ret) {
        bool minus = text[0] == '-';
        const char *at = text + (text[0] == '-' || text[0] == '+');
        size_t len = strspn(at, "0123456789");

        if (len == 0 || at[len] != '\0')
                return -EINVAL;
        while (len > 1 && *at == '0') {
                at++;
                len--;
        }
        if (len > NUMBER_DIGITS_MAX)
                return -EINVAL;
        snprintf(ret, ATTRIBUTE_VALUE_MAX + 1, "%s%s", minus && *at != '0' ? "-" : "", at);
        return 0;
}

static int date_read(const char *text, char *ret) {
        char moment[32];
        uint64_t usec;

        if (strlen(text) != strlen("2027-03-01"))
                return -EINVAL;
        snprintf(moment, sizeof(moment), "%sT00:00:00Z", text);
        if (base_parse_rfc3339(moment, &usec) < 0)
                return -EINVAL;
        snprintf(ret, ATTRIBUTE_VALUE_MAX + 1, "%s", text);
        return 0;
}

static bool is_choice(const char *const *choices, const char *text) {
        for (size_t i = 0; choices && choices[i]; i++)
                if (strcmp(choices[i], text) == 0)
                        return true;
        return false;
}

int policy_attribute_value(AttributeType type, const char *const *choices, const char *text,
                           char *ret) {
        if (!is_line(text))
                return -EINVAL;
        switch (type) {
        case ATTRIBUTE_FLAG:
                if (strcmp(text, "yes") != 0 && strcmp(text, "no") != 0)
                        return -EINVAL;
                break;
        case ATTRIBUTE_TEXT:
                break;
        case ATTRIBUTE_NUMBER:
                return number_read(text, ret);
        case ATTRIBUTE_DATE:
                return date_read(text, ret);
        case ATTRIBUTE_CHOICE:
                if (!is_choice(choices, text))
                        return -EINVAL;
                break;
        case ATTRIBUTE_INVALID:
        case _ATTRIBUTE_TYPE_MAX:
                return -EINVAL;
        }
        snprintf(ret, ATTRIBUTE_VALUE_MAX + 1, "%s", text);
        return 0;
}

void policy_attribute_expected(AttributeType type, const char *const *choices, Text *text) {
        static const char *const expected[_ATTRIBUTE_TYPE_MAX] = {
                [ATTRIBUTE_INVALID] = "cannot be told",
                [ATTRIBUTE_FLAG] = "must be yes or no",
                [ATTRIBUTE_TEXT] = "must be a line of text, at most 200 bytes",
                [ATTRIBUTE_NUMBER] = "must be a whole number, at most 18 digits",
                [ATTRIBUTE_DATE] = "must be a date, YYYY-MM-DD",
                [ATTRIBUTE_CHOICE] = "must be one of ",
        };

        base_text_add(
                text,
                expected[(unsigned int)type < _ATTRIBUTE_TYPE_MAX ? type : ATTRIBUTE_INVALID]);
        for (size_t i = 0; type == ATTRIBUTE_CHOICE && choices && choices[i]; i++)
                base_text_addf(text, "%s%s", i > 0 ? ", " : "", choices[i]);
}

bool policy_attribute_counts(AttributeType type, const char *value) {
        return value[0] && (type != ATTRIBUTE_FLAG || strcmp(value, "yes") == 0);
}

int policy_attribute_compare(AttributeType type, const char *a, const char *b) {
        bool minus = a[0] == '-';
        size_t a_len = strlen(a), b_len = strlen(b);
        int r;

        if (type != ATTRIBUTE_NUMBER)
                return strcmp(a, b);
        if (minus != (b[0] == '-'))
                return minus ? -1 : 1;
        /* in the shortest form the longer one is the farther from 0 */
        r = a_len != b_len ? (a_len > b_len ? 1 : -1) : strcmp(a, b);
        return minus ? -r : r;
}
