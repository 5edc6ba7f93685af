/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The one validator: what a name, a GECOS, a home, a shell, an address may look like, and which ids
 * um may give.  Called at write, import, sync, publish and print; no other code has an opinion. */

#include <string.h>

#include "base/base.h"

typedef FieldFault (*FieldCheck)(const char *s, size_t len);

static bool is_lower(char c) {
        return c >= 'a' && c <= 'z';
}

static bool is_digit(char c) {
        return c >= '0' && c <= '9';
}

static bool is_alnum(char c) {
        return is_lower(c) || is_digit(c) || (c >= 'A' && c <= 'Z');
}

static FieldFault name_check(const char *s, size_t len) {
        if (is_digit(s[0]))
                return FIELD_FAULT_NUMERIC;
        if (!is_lower(s[0]) && s[0] != '_')
                return FIELD_FAULT_FIRST;
        for (size_t i = 0; i < len; i++)
                if (!is_lower(s[i]) && !is_digit(s[i]) && s[i] != '_' && s[i] != '-')
                        return FIELD_FAULT_CHARACTER;
        if ((len == 2 && memcmp(s, "um", 2) == 0) || (len > 2 && memcmp(s, "um-", 3) == 0))
                return FIELD_FAULT_RESERVED;
        return FIELD_OK;
}

/* A few characters: a call of strchr(3) for each byte would be most of the work. */
static bool is_one_of(char c, const char *few) {
        while (*few && *few != c)
                few++;
        return *few;
}

/* Printable UTF-8 without any of the characters in forbidden. */
static FieldFault text_check(const char *s, size_t len, const char *forbidden) {
        for (size_t at = 0; at < len;) {
                uint32_t c = (unsigned char)s[at];
                int n = c < 0x80 ? 1 : base_utf8_decode(s + at, len - at, &c);

                if (n < 0)
                        return FIELD_FAULT_ENCODING;
                if (c >= 0x20 && c < 0x7F ? is_one_of(s[at], forbidden)
                                          : !base_codepoint_printable(c))
                        return FIELD_FAULT_CHARACTER;
                at += (size_t)n;
        }
        return FIELD_OK;
}

static FieldFault full_name_check(const char *s, size_t len) {
        return text_check(s, len, ":,=");
}

static FieldFault line_check(const char *s, size_t len) {
        return text_check(s, len, "");
}

static FieldFault path_check(const char *s, size_t len) {
        FieldFault fault;

        if (s[0] != '/')
                return FIELD_FAULT_RELATIVE;
        fault = text_check(s, len, ":");
        if (fault != FIELD_OK)
                return fault;
        for (size_t at = 0; at < len;) {
                const char *part = s + at + 1, *slash = memchr(part, '/', len - at - 1);
                size_t n = slash ? (size_t)(slash - part) : len - at - 1;

                if (n == 0 || (n == 1 && part[0] == '.') ||
                    (n == 2 && part[0] == '.' && part[1] == '.'))
                        return FIELD_FAULT_PART;
                at += n + 1;
        }
        return FIELD_OK;
}

/* A label of a domain: letters, digits and inner hyphens. */
static bool label_ok(const char *s, size_t len) {
        if (len == 0 || len > 63 || s[0] == '-' || s[len - 1] == '-')
                return false;
        for (size_t i = 0; i < len; i++)
                if (!is_alnum(s[i]) && s[i] != '-')
                        return false;
        return true;
}

static FieldFault email_check(const char *s, size_t len) {
        const char *at = memchr(s, '@', len), *label;
        size_t local = at ? (size_t)(at - s) : 0;

        if (!at || local == 0 || local > 64 || s[0] == '.' || s[local - 1] == '.')
                return FIELD_FAULT_SHAPE;
        for (size_t i = 0; i < local; i++)
                if (!is_alnum(s[i]) && (s[i] == '\0' || !strchr(".!#$%&'*+/=?^_`{|}~-", s[i])))
                        return FIELD_FAULT_CHARACTER;
                else if (s[i] == '.' && s[i + 1] == '.')
                        return FIELD_FAULT_SHAPE;
        for (label = at + 1;; label++) {
                size_t left = len - (size_t)(label - s);
                const char *dot = memchr(label, '.', left);

                if (!label_ok(label, dot ? (size_t)(dot - label) : left))
                        return FIELD_FAULT_SHAPE;
                if (!dot)
                        return FIELD_OK;
                label = dot;
        }
}

static FieldFault phone_check(const char *s, size_t len) {
        size_t digits = 0;

        if (s[0] != '+' && s[0] != '(' && !is_digit(s[0]))
                return FIELD_FAULT_FIRST;
        for (size_t i = 0; i < len; i++) {
                if (s[i] == '+' && i > 0)
                        return FIELD_FAULT_CHARACTER;
                if (!is_digit(s[i]) && (s[i] == '\0' || !strchr("+ -()/", s[i])))
                        return FIELD_FAULT_CHARACTER;
                digits += is_digit(s[i]);
        }
        return digits < 3 || digits > 20 ? FIELD_FAULT_SHAPE : FIELD_OK;
}

/* Parts of letters and digits, each at most part_max long, joined by one of the separators. */
static FieldFault parts_check(const char *s, size_t len, const char *separators, size_t part_max) {
        size_t part = 0;

        for (size_t i = 0; i < len; i++) {
                if (s[i] != '\0' && strchr(separators, s[i])) {
                        if (part == 0)
                                return FIELD_FAULT_SHAPE;
                        part = 0;
                } else if (!is_alnum(s[i]))
                        return FIELD_FAULT_CHARACTER;
                else if (++part > part_max)
                        return FIELD_FAULT_SHAPE;
        }
        return part == 0 ? FIELD_FAULT_SHAPE : FIELD_OK;
}

static FieldFault language_check(const char *s, size_t len) {
        if (len < 2 || !is_lower(s[0]) || !is_lower(s[1]))
                return FIELD_FAULT_SHAPE;
        return parts_check(s, len, "-_", 8);
}

static FieldFault time_zone_check(const char *s, size_t len) {
        if (is_digit(s[0]) || !is_alnum(s[0]))
                return FIELD_FAULT_FIRST;
        return parts_check(s, len, "/_-+", 32);
}

static const struct {
        const char *label;
        size_t max;
        bool may_be_empty;
        FieldCheck check;
        const char *characters; /* what FIELD_FAULT_CHARACTER says */
        const char *shape;      /* what FIELD_FAULT_SHAPE says */
} fields[_FIELD_MAX] = {
        [FIELD_USER_NAME] = { "name", BASE_NAME_MAX, false, name_check,
                              "may only have a-z, 0-9, _ and -", "" },
        [FIELD_GROUP_NAME] = { "group name", BASE_NAME_MAX, false, name_check,
                               "may only have a-z, 0-9, _ and -", "" },
        [FIELD_FULL_NAME] = { "full name", BASE_GECOS_MAX, true, full_name_check,
                              "may not have ':', ',', '=' or control characters", "" },
        [FIELD_HOME] = { "home", BASE_PATH_MAX, false, path_check,
                         "may not have ':' or control characters", "" },
        [FIELD_SHELL] = { "shell", BASE_PATH_MAX, false, path_check,
                          "may not have ':' or control characters", "" },
        [FIELD_LINE] = { "text", BASE_LINE_MAX, true, line_check, "may not have control characters",
                         "" },
        [FIELD_EMAIL] = { "email", BASE_EMAIL_MAX, true, email_check,
                          "has a character that is not permitted", "not an address" },
        [FIELD_PHONE] = { "phone", 40, true, phone_check,
                          "may only have digits, spaces and + - ( ) /",
                          "must have 3 to 20 digits" },
        [FIELD_LANGUAGE] = { "language", 35, true, language_check,
                             "may only have letters, digits, - and _",
                             "must be a language tag such as de or pt-BR" },
        [FIELD_TIME_ZONE] = { "time zone", 64, true, time_zone_check,
                              "may only have letters, digits and / _ - +",
                              "must be a zone name such as Europe/Berlin" },
};

FieldFault base_field_check(Field field, const char *s, size_t len) {
        if (len == 0)
                return fields[field].may_be_empty ? FIELD_OK : FIELD_FAULT_EMPTY;
        if (len > fields[field].max)
                return FIELD_FAULT_TOO_LONG;
        if (memchr(s, '\0', len))
                return FIELD_FAULT_CHARACTER;
        return fields[field].check(s, len);
}

const char *base_field_label(Field field) {
        return fields[field].label;
}

const char *base_field_rule(Field field, FieldFault fault) {
        switch (fault) {
        case FIELD_OK:
                return "is good";
        case FIELD_FAULT_EMPTY:
                return "may not be empty";
        case FIELD_FAULT_TOO_LONG:
                switch (fields[field].max) {
                case BASE_NAME_MAX:
                        return "may have at most 32 bytes";
                case 35:
                        return "may have at most 35 bytes";
                case 40:
                        return "may have at most 40 bytes";
                case 64:
                        return "may have at most 64 bytes";
                case BASE_EMAIL_MAX:
                        return "may have at most 254 bytes";
                }
                return "may have at most 255 bytes";
        case FIELD_FAULT_FIRST:
                return field == FIELD_PHONE       ? "must begin with a digit, + or ("
                       : field == FIELD_TIME_ZONE ? "must begin with a letter"
                                                  : "must begin with a-z or _";
        case FIELD_FAULT_CHARACTER:
                return fields[field].characters;
        case FIELD_FAULT_ENCODING:
                return "must be UTF-8";
        case FIELD_FAULT_NUMERIC:
                return "may not begin with a digit: tools would take it for a number";
        case FIELD_FAULT_RESERVED:
                return "is reserved for um's own accounts (um, um-*)";
        case FIELD_FAULT_RELATIVE:
                return "must be an absolute path";
        case FIELD_FAULT_PART:
                return "may not have an empty, '.' or '..' part";
        case FIELD_FAULT_SHAPE:
                return fields[field].shape;
        case _FIELD_FAULT_MAX:
                break;
        }
        return "is not permitted";
}

const char *base_id_reserved(uint32_t id) {
        /* https://systemd.io/UIDS-GIDS/ and SECURITY E2: an id of these can be somebody else's
         * tomorrow. */
        static const struct {
                uint32_t first, last;
                const char *why;
        } ranges[] = {
                { 0, 999, "system ids 0-999" },
                { 60001, 60513, "systemd-homed's ids 60001-60513" },
                { 60514, 60577, "systemd-homed's mapped ids 60514-60577" },
                { 61184, 65519, "systemd's dynamic users 61184-65519" },
                { 65534, 65534, "nobody" },
                { 65535, 65535, "the 16-bit id that means none" },
                { 524288, 1879048191, "sub-uid and container ids 524288-1879048191" },
                { 2147483647, UINT32_MAX,
                  "ids of 2147483647 and above, which programs take as negative" },
        };

        for (size_t i = 0; i < ARRAY_LENGTH(ranges); i++)
                if (id >= ranges[i].first && id <= ranges[i].last)
                        return ranges[i].why;
        return NULL;
}
