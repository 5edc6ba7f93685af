/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The policy values as one table: name, kind, what is shipped, the range, which of two is the
 * stricter (FEATURES P.7).  A value that is not in the table does not exist.
 *
 * Whatever its kind a value is one number, so that levels are compared and put together in one way.
 * No number means something else than itself: no limit is UINT64_MAX, the largest, and never 0.  A
 * value has one text; "0", where P.6 takes it for no limit, is read and written as "never".
 *
 * The nearest level wins (P.6).  Which is the stricter decides what is marked as looser, and which
 * of several roles' values holds. */

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "policy/internal.h"

typedef enum Kind {
        KIND_COUNT,
        KIND_SPAN,
        KIND_WORD, /* one of words, by its position */
        KIND_LIST, /* any of words, a bit each or those of masks */
        KIND_TEXT, /* 1, or 0 for none: a pattern of ticket.c */
        _KIND_MAX,
} Kind;

typedef enum Stricter {
        STRICTER_LARGER,
        STRICTER_SMALLER,
        STRICTER_FEWER, /* of a list */
        _STRICTER_MAX,
} Stricter;

typedef struct Row {
        const char *name;
        Kind kind;
        Stricter stricter;
        uint64_t shipped;
        uint64_t min, max;        /* COUNT, SPAN */
        const char *unlimited;    /* COUNT, SPAN: the word for UINT64_MAX; NULL: there is none */
        bool never_is_zero;       /* SPAN: "never" is another word for 0 */
        const char *const *words; /* WORD, LIST; NULL behind the last */
        const uint64_t *masks;    /* LIST: the bits each word stands for, of which several may have
                                     one; NULL: a bit each */
        size_t offset;            /* in PolicyValues */
} Row;

#define SECOND USEC_PER_SEC
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)
#define YEAR   (365 * DAY)
#define NEVER  UINT64_MAX

#define AT(field) offsetof(PolicyValues, field)

static const char *const switch_words[] = { "off", "on", NULL };
static const char *const required_words[] = {
        [POLICY_REQUIRED_OFF] = "off",
        [POLICY_REQUIRED_ON] = "on",
        [POLICY_REQUIRED_HARDWARE] = "hardware",
        [_POLICY_REQUIRED_MAX] = NULL,
};
static const char *const method_words[] = {
        [POLICY_METHOD_TOTP] = "totp",
        [POLICY_METHOD_HOTP] = "hotp",
        [POLICY_METHOD_FIDO2] = "fido2",
        [POLICY_METHOD_RECOVERY] = "recovery",
        [POLICY_METHOD_EMAIL_CODE] = "email-code",
        [_POLICY_METHOD_MAX] = NULL,
};
static const char nothing[] = "none";

/* A word that holds others stands before them: the text of a value has the widest. */
#define KEYS_RSA_4096 (1U << POLICY_KEY_RSA_4096)
#define KEYS_RSA_3072 (1U << POLICY_KEY_RSA_3072 | KEYS_RSA_4096)
#define KEYS_RSA_2048 (1U << POLICY_KEY_RSA_2048 | KEYS_RSA_3072)
#define KEYS_ECDSA                                                                                 \
        (1U << POLICY_KEY_ECDSA_256 | 1U << POLICY_KEY_ECDSA_384 | 1U << POLICY_KEY_ECDSA_521)
static const char *const key_words[] = {
        "ed25519",
        "ecdsa",
        "ecdsa-sha2-nistp256",
        "ecdsa-sha2-nistp384",
        "ecdsa-sha2-nistp521",
        "rsa>=2048",
        "rsa>=3072",
        "rsa>=4096",
        "sk-*",
        "sk-ssh-ed25519@openssh.com",
        "sk-ecdsa-sha2-nistp256@openssh.com",
        NULL,
};
static const uint64_t key_masks[] = {
        1U << POLICY_KEY_ED25519,
        KEYS_ECDSA,
        1U << POLICY_KEY_ECDSA_256,
        1U << POLICY_KEY_ECDSA_384,
        1U << POLICY_KEY_ECDSA_521,
        KEYS_RSA_2048,
        KEYS_RSA_3072,
        KEYS_RSA_4096,
        POLICY_KEYS_SK,
        1U << POLICY_KEY_SK_ED25519,
        1U << POLICY_KEY_SK_ECDSA,
};
static_assert(ARRAY_LENGTH(key_masks) + 1 == ARRAY_LENGTH(key_words), "a mask for each word");

#define KEYS_SHIPPED (1U << POLICY_KEY_ED25519 | KEYS_ECDSA | KEYS_RSA_3072 | POLICY_KEYS_SK)

#define METHODS_SHIPPED                                                                            \
        (1U << POLICY_METHOD_TOTP | 1U << POLICY_METHOD_HOTP | 1U << POLICY_METHOD_FIDO2 |         \
         1U << POLICY_METHOD_RECOVERY)

/* By hand: each row is one of P.7's. */
/* clang-format off */
static const Row rows[_POLICY_VALUE_MAX] = {
        [POLICY_VALUE_PASSWORD_MIN_LENGTH] = { "password.min-length", KIND_COUNT, STRICTER_LARGER,
                .shipped = 12, .min = 8, .max = 128, .offset = AT(password_min_length) },
        [POLICY_VALUE_PASSWORD_CLASSES] = { "password.classes", KIND_COUNT, STRICTER_LARGER,
                .shipped = 0, .min = 0, .max = 4, .offset = AT(password_classes) },
        [POLICY_VALUE_PASSWORD_SIMILARITY] = { "password.similarity", KIND_WORD, STRICTER_LARGER,
                .shipped = 1, .words = switch_words, .offset = AT(password_similarity) },
        [POLICY_VALUE_PASSWORD_DICTIONARY] = { "password.dictionary", KIND_WORD, STRICTER_LARGER,
                .shipped = 1, .words = switch_words, .offset = AT(password_dictionary) },
        [POLICY_VALUE_PASSWORD_BREACHED] = { "password.breached", KIND_WORD, STRICTER_LARGER,
                .shipped = 0, .words = switch_words, .offset = AT(password_breached) },
        [POLICY_VALUE_PASSWORD_HISTORY] = { "password.history", KIND_COUNT, STRICTER_LARGER,
                .shipped = 5, .min = 0, .max = 24, .offset = AT(password_history) },
        [POLICY_VALUE_PASSWORD_MAX_AGE] = { "password.max-age", KIND_SPAN, STRICTER_SMALLER,
                .shipped = NEVER, .min = SECOND, .max = 100 * YEAR, .unlimited = "never",
                .offset = AT(password_max_age_usec) },
        [POLICY_VALUE_PASSWORD_MIN_AGE] = { "password.min-age", KIND_SPAN, STRICTER_LARGER,
                .shipped = 0, .min = 0, .max = YEAR, .never_is_zero = true,
                .offset = AT(password_min_age_usec) },
        [POLICY_VALUE_PASSWORD_WARN] = { "password.warn", KIND_SPAN, STRICTER_LARGER,
                .shipped = 14 * DAY, .min = 0, .max = YEAR, .never_is_zero = true,
                .offset = AT(password_warn_usec) },
        [POLICY_VALUE_PASSWORD_GRACE_LOGINS] = { "password.grace-logins", KIND_COUNT, STRICTER_SMALLER,
                .shipped = 3, .min = 0, .max = 100, .offset = AT(password_grace_logins) },
        [POLICY_VALUE_PASSWORD_RESET_BY_EMAIL] = { "password.reset-by-email", KIND_WORD, STRICTER_SMALLER,
                .shipped = 0, .words = switch_words, .offset = AT(password_reset_by_email) },
        [POLICY_VALUE_LOCKOUT_ATTEMPTS] = { "lockout.attempts", KIND_COUNT, STRICTER_SMALLER,
                .shipped = 5, .min = 1, .max = 100, .unlimited = "never",
                .offset = AT(lockout_attempts) },
        [POLICY_VALUE_LOCKOUT_WINDOW] = { "lockout.window", KIND_SPAN, STRICTER_LARGER,
                .shipped = 15 * MINUTE, .min = SECOND, .max = YEAR, .offset = AT(lockout_window_usec) },
        [POLICY_VALUE_LOCKOUT_DURATION] = { "lockout.duration", KIND_SPAN, STRICTER_LARGER,
                .shipped = 15 * MINUTE, .min = SECOND, .max = YEAR, .unlimited = "manual",
                .offset = AT(lockout_duration_usec) },
        [POLICY_VALUE_LOCKOUT_SOURCE_ATTEMPTS] = { "lockout.source-attempts", KIND_COUNT, STRICTER_SMALLER,
                .shipped = 30, .min = 1, .max = 10000, .unlimited = "never",
                .offset = AT(lockout_source_attempts) },
        [POLICY_VALUE_LOCKOUT_SPARE_KNOWN] = { "lockout.spare-known", KIND_WORD, STRICTER_SMALLER,
                .shipped = 1, .words = switch_words, .offset = AT(lockout_spare_known) },
        [POLICY_VALUE_FACTOR_REQUIRED] = { "factor.required", KIND_WORD, STRICTER_LARGER,
                .shipped = POLICY_REQUIRED_OFF, .words = required_words, .offset = AT(factor_required) },
        [POLICY_VALUE_FACTOR_METHODS] = { "factor.methods", KIND_LIST, STRICTER_FEWER,
                .shipped = METHODS_SHIPPED, .words = method_words, .offset = AT(factor_methods) },
        [POLICY_VALUE_FACTOR_ENROL_WITHIN] = { "factor.enrol-within", KIND_SPAN, STRICTER_SMALLER,
                .shipped = 7 * DAY, .min = 0, .max = YEAR, .unlimited = "never",
                .offset = AT(factor_enrol_within_usec) },
        [POLICY_VALUE_FACTOR_GRACE] = { "factor.grace", KIND_SPAN, STRICTER_SMALLER,
                .shipped = 0, .min = 0, .max = YEAR, .offset = AT(factor_grace_usec) },
        [POLICY_VALUE_KEY_TYPES] = { "key.types", KIND_LIST, STRICTER_FEWER,
                .shipped = KEYS_SHIPPED, .words = key_words, .masks = key_masks, .offset = AT(key_types) },
        [POLICY_VALUE_SETUP_CODE_TTL] = { "setup-code.ttl", KIND_SPAN, STRICTER_SMALLER,
                .shipped = 24 * HOUR, .min = SECOND, .max = 30 * DAY, .offset = AT(setup_code_ttl_usec) },
        [POLICY_VALUE_CHANGE_REASON_REQUIRED] = { "change.reason-required", KIND_WORD, STRICTER_LARGER,
                .shipped = 0, .words = switch_words, .offset = AT(change_reason_required) },
        [POLICY_VALUE_CHANGE_TICKET_PATTERN] = { "change.ticket-pattern", KIND_TEXT, STRICTER_LARGER,
                .shipped = 0, .offset = AT(change_ticket_pattern) },
};
/* clang-format on */

static const char *const level_names[_POLICY_LEVEL_MAX] = {
        [POLICY_LEVEL_BUILT_IN] = "built-in",
        [POLICY_LEVEL_COMPANY] = "company",
        [POLICY_LEVEL_DEPARTMENT] = "department",
        [POLICY_LEVEL_ROLE] = "role",
        [POLICY_LEVEL_USER] = "user",
};

const char *policy_value_name(PolicyValue value) {
        return (unsigned int)value < _POLICY_VALUE_MAX ? rows[value].name : "invalid";
}

int policy_value_from_name(const char *name, PolicyValue *ret) {
        for (PolicyValue v = 0; v < _POLICY_VALUE_MAX; v++)
                if (strcmp(rows[v].name, name) == 0) {
                        *ret = v;
                        return 0;
                }
        return -ENOENT;
}

const char *policy_level_name(PolicyLevel level) {
        return (unsigned int)level < _POLICY_LEVEL_MAX ? level_names[level] : "invalid";
}

uint64_t policy_value_shipped(PolicyValue value) {
        return rows[value].shipped;
}

bool policy_value_is_list(PolicyValue value) {
        return rows[value].kind == KIND_LIST;
}

bool policy_value_is_text(PolicyValue value) {
        return rows[value].kind == KIND_TEXT;
}

/* ---- names that were meant ------------------------------------------------------------------- */

/* A few letters wrong, or a part of it: "min-length", "lockout". */
static bool is_near(const char *name, const char *other) {
        return strstr(other, name) || name_edits(name, other) <= NEAR_EDITS;
}

size_t policy_value_near(const char *name, PolicyValue *ret, size_t max) {
        size_t count = 0;

        if (name[0] == '\0')
                return 0;
        for (PolicyValue v = 0; v < _POLICY_VALUE_MAX && count < max; v++)
                if (is_near(name, rows[v].name))
                        ret[count++] = v;
        return count;
}

/* ---- reading --------------------------------------------------------------------------------- */

const char *policy_value_word(PolicyValue value, size_t at) {
        const Row *row = &rows[value];
        size_t i = 0;

        for (; row->words && row->words[i]; i++)
                if (i == at)
                        return row->words[i];
        if ((row->kind == KIND_LIST || row->kind == KIND_TEXT) && at == i)
                return nothing;
        return row->unlimited && at == i ? row->unlimited : NULL;
}

/* The position of the word of len bytes, or -1. */
static int word_find(const Row *row, const char *s, size_t len) {
        for (int i = 0; row->words[i]; i++)
                if (strlen(row->words[i]) == len && memcmp(row->words[i], s, len) == 0)
                        return i;
        return -1;
}

static int word_parse(const Row *row, const char *text, uint64_t *ret) {
        int at = word_find(row, text, strlen(text));

        if (at < 0)
                return -EINVAL;
        *ret = (uint64_t)at;
        return 0;
}

/* The bits of the word at that position of a list. */
static uint64_t word_bits(const Row *row, int at) {
        return row->masks ? row->masks[at] : (uint64_t)1 << at;
}

/* What of the list its words can say: a word that is taken away may leave a part of another. */
static uint64_t list_whole(const Row *row, uint64_t list) {
        uint64_t whole = 0;

        for (int i = 0; row->words[i]; i++)
                if ((word_bits(row, i) & ~list) == 0)
                        whole |= word_bits(row, i);
        return whole;
}

/* Words by comma, each once: all with a sign, which changes `from`, or none. */
static int list_parse(const Row *row, const char *text, uint64_t from, uint64_t *ret) {
        bool is_change = text[0] == '+' || text[0] == '-';
        uint64_t seen = 0, list = is_change ? from : 0;

        if (strcmp(text, nothing) == 0) {
                *ret = 0;
                return 0;
        }
        for (const char *s = text;; s++) {
                bool takes_away = *s == '-';
                size_t len;
                int at;

                if ((*s == '+' || *s == '-') != is_change)
                        return -EINVAL;
                s += is_change ? 1 : 0;
                len = strcspn(s, ",");
                at = word_find(row, s, len);
                if (at < 0 || (seen & 1U << at) != 0)
                        return -EINVAL;
                seen |= 1U << at;
                list = takes_away ? list & ~word_bits(row, at) : list | word_bits(row, at);
                s += len;
                if (*s == '\0')
                        break;
        }
        *ret = list_whole(row, list);
        return 0;
}

/* A count, or a span in microseconds; "0" needs no unit. */
static int number_parse(const Row *row, const char *text, uint64_t *ret) {
        if (row->kind == KIND_COUNT || strcmp(text, "0") == 0)
                return base_parse_u64(text, 0, UINT64_MAX - 1, ret);
        if (strcmp(text, "never") == 0) /* one of our own words, or none */
                return -EINVAL;
        return base_parse_span(text, ret);
}

static int limit_parse(const Row *row, const char *text, uint64_t *ret) {
        uint64_t number;
        int r;

        if (row->unlimited && strcmp(text, row->unlimited) == 0) {
                *ret = NEVER;
                return 0;
        }
        if (row->never_is_zero && strcmp(text, "never") == 0) {
                *ret = 0;
                return 0;
        }
        r = number_parse(row, text, &number);
        if (r < 0)
                return r;
        /* P.6: 0 is no limit, where it is not a value of its own */
        if (number == 0 && row->min > 0 && row->unlimited && strcmp(row->unlimited, "never") == 0)
                number = NEVER;
        else if (number < row->min || number > row->max)
                return -ERANGE;
        *ret = number;
        return 0;
}

static int text_parse(const char *text, uint64_t *ret) {
        bool any = strcmp(text, nothing) != 0;

        if (any && (strlen(text) >= POLICY_VALUE_TEXT_MAX || policy_ticket_check(text) < 0))
                return -EINVAL;
        *ret = any;
        return 0;
}

int policy_value_parse(PolicyValue value, const char *text, uint64_t from, uint64_t *ret) {
        const Row *row = &rows[value];

        switch (row->kind) {
        case KIND_COUNT:
        case KIND_SPAN:
                return limit_parse(row, text, ret);
        case KIND_WORD:
                return word_parse(row, text, ret);
        case KIND_LIST:
                return list_parse(row, text, from, ret);
        case KIND_TEXT:
                return text_parse(text, ret);
        case _KIND_MAX:
                break;
        }
        return -EINVAL;
}

/* ---- writing --------------------------------------------------------------------------------- */

/* In the largest unit that leaves no rest; one day is 24h, as everybody writes it. */
static void span_add(Text *text, uint64_t usec) {
        static const struct {
                uint64_t usec, least;
                char letter;
        } units[] = {
                { YEAR, YEAR, 'y' },     { DAY, 2 * DAY, 'd' },   { HOUR, HOUR, 'h' },
                { MINUTE, MINUTE, 'm' }, { SECOND, SECOND, 's' },
        };

        for (size_t i = 0; i < ARRAY_LENGTH(units); i++)
                if (usec >= units[i].least && usec % units[i].usec == 0) {
                        base_text_addf(text, "%" PRIu64 "%c", usec / units[i].usec,
                                       units[i].letter);
                        return;
                }
        base_text_add(text, "0");
}

static void list_add(Text *text, const Row *row, uint64_t list) {
        const char *comma = "";
        uint64_t left = list;

        for (int i = 0; row->words[i]; i++)
                if ((word_bits(row, i) & ~list) == 0 && (word_bits(row, i) & left) != 0) {
                        base_text_addf(text, "%s%s", comma, row->words[i]);
                        left &= ~word_bits(row, i);
                        comma = ",";
                }
        if (comma[0] == '\0')
                base_text_add(text, nothing);
}

static void number_add(Text *text, const Row *row, uint64_t number) {
        switch (row->kind) {
        case KIND_COUNT:
                if (number == NEVER)
                        base_text_add(text, row->unlimited);
                else
                        base_text_addf(text, "%" PRIu64, number);
                return;
        case KIND_SPAN:
                if (number == NEVER)
                        base_text_add(text, row->unlimited);
                else
                        span_add(text, number);
                return;
        case KIND_WORD:
                base_text_add(text, row->words[number]);
                return;
        case KIND_LIST:
                list_add(text, row, number);
                return;
        case KIND_TEXT:
                base_text_add(text, number == 0 ? nothing : "a pattern");
                return;
        case _KIND_MAX:
                return;
        }
}

void policy_value_format(PolicyValue value, uint64_t number,
                         char ret[static POLICY_VALUE_TEXT_MAX]) {
        Text text;

        base_text_init(&text, ret, POLICY_VALUE_TEXT_MAX);
        number_add(&text, &rows[value], number);
}

static void expected_words(Text *text, const Row *row) {
        for (int i = 0; row->words[i]; i++)
                base_text_addf(text, "%s%s",
                               i == 0              ? ""
                               : row->words[i + 1] ? ", "
                                                   : " or ",
                               row->words[i]);
}

static void expected_list(Text *text, const Row *row) {
        base_text_add(text, "any of ");
        for (int i = 0; row->words[i]; i++)
                base_text_addf(text, "%s%s", i == 0 ? "" : ",", row->words[i]);
        base_text_addf(text, ", or %s; +WORD and -WORD change it", nothing);
}

void policy_value_expected(PolicyValue value, char ret[static POLICY_VALUE_EXPECTED_MAX]) {
        const Row *row = &rows[value];
        Text text;

        base_text_init(&text, ret, POLICY_VALUE_EXPECTED_MAX);
        if (row->kind == KIND_WORD)
                expected_words(&text, row);
        else if (row->kind == KIND_LIST)
                expected_list(&text, row);
        else if (row->kind == KIND_TEXT)
                base_text_addf(&text, "a pattern as CHG-[0-9]+|INC-[0-9]+ without spaces, or %s",
                               nothing);
        else {
                number_add(&text, row, row->min);
                base_text_add(&text, " to ");
                number_add(&text, row, row->max);
                if (row->unlimited)
                        base_text_addf(&text, ", or %s", row->unlimited);
                if (row->kind == KIND_SPAN)
                        base_text_add(&text, "; one number and one unit of s, m, h, d, w, y");
        }
}

/* ---- levels ---------------------------------------------------------------------------------- */

bool policy_value_looser(PolicyValue value, uint64_t a, uint64_t b) {
        switch (rows[value].stricter) {
        case STRICTER_LARGER:
                return a < b;
        case STRICTER_SMALLER:
                return a > b;
        case STRICTER_FEWER:
                return (a & ~b) != 0;
        case _STRICTER_MAX:
                break;
        }
        return true;
}

uint64_t policy_value_strictest(PolicyValue value, uint64_t a, uint64_t b) {
        if (rows[value].stricter == STRICTER_FEWER)
                return list_whole(&rows[value], a & b);
        return policy_value_looser(value, a, b) ? b : a;
}

void policy_value_resolve(PolicyValue value, const PolicyLevels *levels, PolicyEffective *ret) {
        PolicyEffective effective = {
                .value = rows[value].shipped,
                .set[POLICY_LEVEL_BUILT_IN] = true,
                .at[POLICY_LEVEL_BUILT_IN] = rows[value].shipped,
        };

        for (PolicyLevel l = POLICY_LEVEL_COMPANY; l < _POLICY_LEVEL_MAX; l++) {
                const PolicySettings *level = &levels->at[l];

                if (!level->set[value])
                        continue;
                effective.looser = policy_value_looser(value, level->value[value], effective.value);
                effective.set[l] = true;
                effective.at[l] = effective.value = level->value[value];
                effective.level = l;
        }
        *ret = effective;
}

static bool is_switch(const Row *row) {
        return row->words == switch_words;
}

/* The member's type follows from the kind; a count's no limit is what its member can hold. */
static void member_set(const Row *row, uint64_t number, PolicyValues *values) {
        void *member = (char *)values + row->offset;

        if (is_switch(row) || row->kind == KIND_TEXT)
                *(bool *)member = number != 0;
        else if (row->kind == KIND_SPAN)
                *(uint64_t *)member = number;
        else if (row->kind == KIND_WORD)
                *(PolicyRequired *)member = (PolicyRequired)number;
        else
                *(uint32_t *)member = number < UINT32_MAX ? (uint32_t)number : UINT32_MAX;
}

void policy_values_resolve(const PolicyLevels *levels, PolicyValues *ret) {
        PolicyValues values = { 0 };

        for (PolicyValue v = 0; v < _POLICY_VALUE_MAX; v++) {
                PolicyEffective effective;

                policy_value_resolve(v, levels, &effective);
                member_set(&rows[v], effective.value, &values);
        }
        *ret = values;
}
