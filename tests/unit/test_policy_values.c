/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Policy values: what each takes and refuses, its one text, which of two is the looser, and that
 * the nearest level wins. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "policy/policy.h"

#define SECOND USEC_PER_SEC
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

#define BIT(method) (1U << (method))

static PolicyValue value_named(const char *name) {
        PolicyValue value;

        if (policy_value_from_name(name, &value) < 0)
                fail_msg("%s is no value", name);
        return value;
}

/* FEATURES P.7 */
static void the_shipped_values_are_those_of_the_table(void **state) {
        static const struct {
                const char *name, *shipped;
        } table[] = {
                { "password.min-length", "12" },
                { "password.classes", "0" },
                { "password.similarity", "on" },
                { "password.dictionary", "on" },
                { "password.breached", "off" },
                { "password.history", "5" },
                { "password.max-age", "never" },
                { "password.min-age", "0" },
                { "password.warn", "14d" },
                { "password.grace-logins", "3" },
                { "password.reset-by-email", "off" },
                { "lockout.attempts", "5" },
                { "lockout.window", "15m" },
                { "lockout.duration", "15m" },
                { "lockout.source-attempts", "30" },
                { "lockout.spare-known", "on" },
                { "factor.required", "off" },
                { "factor.methods", "totp,hotp,fido2,recovery" },
                { "factor.enrol-within", "7d" },
                { "factor.grace", "0" },
                { "key.types", "ed25519,ecdsa,rsa>=3072,sk-*" },
                { "setup-code.ttl", "24h" },
                { "change.reason-required", "off" },
                { "change.ticket-pattern", "none" },
        };

        assert_int_equal(ARRAY_LENGTH(table), _POLICY_VALUE_MAX);
        for (size_t i = 0; i < ARRAY_LENGTH(table); i++) {
                PolicyValue value = value_named(table[i].name);
                char text[POLICY_VALUE_TEXT_MAX];

                assert_string_equal(policy_value_name(value), table[i].name);
                policy_value_format(value, policy_value_shipped(value), text);
                assert_string_equal(text, table[i].shipped);
        }
}

/* text: what is written; kept: the one text it becomes, NULL where it is refused. */
static const struct {
        const char *name, *text, *kept;
        int fault;
} texts[] = {
        { "password.min-length", "8", "8", 0 },
        { "password.min-length", "128", "128", 0 },
        { "password.min-length", "7", NULL, -ERANGE },
        { "password.min-length", "129", NULL, -ERANGE },
        { "password.min-length", "0", NULL, -ERANGE },
        { "password.min-length", "never", NULL, -EINVAL },
        { "password.min-length", "+8", NULL, -EINVAL },
        { "password.min-length", "-8", NULL, -EINVAL },
        { "password.min-length", "08", NULL, -EINVAL },
        { "password.min-length", " 8", NULL, -EINVAL },
        { "password.min-length", "8 ", NULL, -EINVAL },
        { "password.min-length", "8d", NULL, -EINVAL },
        { "password.min-length", "", NULL, -EINVAL },
        { "password.min-length", "18446744073709551615", NULL, -ERANGE },
        { "password.min-length", "18446744073709551624", NULL, -ERANGE },
        { "password.classes", "0", "0", 0 },
        { "password.classes", "4", "4", 0 },
        { "password.classes", "5", NULL, -ERANGE },
        { "password.similarity", "on", "on", 0 },
        { "password.similarity", "off", "off", 0 },
        { "password.similarity", "On", NULL, -EINVAL },
        { "password.similarity", "yes", NULL, -EINVAL },
        { "password.similarity", "1", NULL, -EINVAL },
        { "password.similarity", "", NULL, -EINVAL },
        { "password.dictionary", "off", "off", 0 },
        { "password.breached", "on", "on", 0 },
        { "password.history", "0", "0", 0 },
        { "password.history", "24", "24", 0 },
        { "password.history", "25", NULL, -ERANGE },
        { "password.max-age", "180d", "180d", 0 },
        { "password.max-age", "never", "never", 0 },
        { "password.max-age", "0", "never", 0 },
        { "password.max-age", "0d", "never", 0 },
        { "password.max-age", "1s", "1s", 0 },
        { "password.max-age", "100y", "100y", 0 },
        { "password.max-age", "101y", NULL, -ERANGE },
        { "password.max-age", "999999999y", NULL, -ERANGE },
        { "password.max-age", "52w", "364d", 0 },
        { "password.max-age", "365d", "1y", 0 },
        { "password.max-age", "90", NULL, -EINVAL },
        { "password.max-age", "90 d", NULL, -EINVAL },
        { "password.max-age", "-90d", NULL, -EINVAL },
        { "password.max-age", "1h30m", NULL, -EINVAL },
        { "password.max-age", "manual", NULL, -EINVAL },
        { "password.min-age", "0", "0", 0 },
        { "password.min-age", "never", "0", 0 },
        { "password.min-age", "24h", "24h", 0 },
        { "password.min-age", "1d", "24h", 0 },
        { "password.min-age", "2d", "2d", 0 },
        { "password.min-age", "2y", NULL, -ERANGE },
        { "password.warn", "0", "0", 0 },
        { "password.warn", "never", "0", 0 },
        { "password.warn", "1y", "1y", 0 },
        { "password.warn", "366d", NULL, -ERANGE },
        { "password.grace-logins", "0", "0", 0 },
        { "password.grace-logins", "100", "100", 0 },
        { "password.grace-logins", "101", NULL, -ERANGE },
        { "password.grace-logins", "never", NULL, -EINVAL },
        { "lockout.attempts", "1", "1", 0 },
        { "lockout.attempts", "100", "100", 0 },
        { "lockout.attempts", "101", NULL, -ERANGE },
        { "lockout.attempts", "0", "never", 0 },
        { "lockout.attempts", "never", "never", 0 },
        { "lockout.window", "90s", "90s", 0 },
        { "lockout.window", "120s", "2m", 0 },
        { "lockout.window", "1s", "1s", 0 },
        { "lockout.window", "0", NULL, -ERANGE },
        { "lockout.window", "0s", NULL, -ERANGE },
        { "lockout.window", "never", NULL, -EINVAL },
        { "lockout.window", "2y", NULL, -ERANGE },
        { "lockout.duration", "manual", "manual", 0 },
        { "lockout.duration", "4h", "4h", 0 },
        { "lockout.duration", "0", NULL, -ERANGE },
        { "lockout.duration", "never", NULL, -EINVAL },
        { "lockout.source-attempts", "10000", "10000", 0 },
        { "lockout.source-attempts", "10001", NULL, -ERANGE },
        { "lockout.source-attempts", "0", "never", 0 },
        { "lockout.spare-known", "off", "off", 0 },
        { "factor.required", "off", "off", 0 },
        { "factor.required", "on", "on", 0 },
        { "factor.required", "hardware", "hardware", 0 },
        { "factor.required", "hard", NULL, -EINVAL },
        { "factor.required", "hardwarex", NULL, -EINVAL },
        { "factor.methods", "totp", "totp", 0 },
        { "factor.methods", "recovery,totp", "totp,recovery", 0 },
        { "factor.methods", "none", "none", 0 },
        { "factor.methods", "totp,hotp,fido2,recovery,email-code",
          "totp,hotp,fido2,recovery,email-code", 0 },
        { "factor.methods", "", NULL, -EINVAL },
        { "factor.methods", "totp,", NULL, -EINVAL },
        { "factor.methods", ",totp", NULL, -EINVAL },
        { "factor.methods", "totp,totp", NULL, -EINVAL },
        { "factor.methods", "totp,none", NULL, -EINVAL },
        { "factor.methods", "none,totp", NULL, -EINVAL },
        { "factor.methods", "TOTP", NULL, -EINVAL },
        { "factor.methods", "tot", NULL, -EINVAL },
        { "factor.methods", "totp hotp", NULL, -EINVAL },
        { "factor.methods", "+email-code", "totp,hotp,email-code", 0 },
        { "factor.methods", "-hotp", "totp", 0 },
        { "factor.methods", "-totp,-hotp", "none", 0 },
        { "factor.methods", "+recovery,-totp", "hotp,recovery", 0 },
        { "factor.methods", "+totp", "totp,hotp", 0 },
        { "factor.methods", "-recovery", "totp,hotp", 0 },
        { "factor.methods", "+totp,-totp", NULL, -EINVAL },
        { "factor.methods", "+recovery,totp", NULL, -EINVAL },
        { "factor.methods", "recovery,+totp", NULL, -EINVAL },
        { "factor.methods", "+", NULL, -EINVAL },
        { "factor.methods", "+none", NULL, -EINVAL },
        { "factor.methods", "++totp", NULL, -EINVAL },
        { "factor.enrol-within", "0", "0", 0 },
        { "factor.enrol-within", "never", "never", 0 },
        { "factor.enrol-within", "7d", "7d", 0 },
        { "factor.grace", "0", "0", 0 },
        { "factor.grace", "8h", "8h", 0 },
        { "factor.grace", "never", NULL, -EINVAL },
        { "password.reset-by-email", "on", "on", 0 },
        { "password.reset-by-email", "off", "off", 0 },
        { "password.reset-by-email", "mail", NULL, -EINVAL },
        { "key.types", "ed25519", "ed25519", 0 },
        { "key.types", "sk-*,ed25519", "ed25519,sk-*", 0 },
        { "key.types", "none", "none", 0 },
        { "key.types", "sk-ssh-ed25519@openssh.com", "sk-ssh-ed25519@openssh.com", 0 },
        { "key.types", "sk-ssh-ed25519@openssh.com,sk-ecdsa-sha2-nistp256@openssh.com", "sk-*", 0 },
        { "key.types", "ecdsa-sha2-nistp521,ecdsa-sha2-nistp384,ecdsa-sha2-nistp256", "ecdsa", 0 },
        { "key.types", "ecdsa-sha2-nistp384,ecdsa", "ecdsa", 0 },
        { "key.types", "rsa>=2048", "rsa>=2048", 0 },
        { "key.types", "rsa>=4096,rsa>=2048", "rsa>=2048", 0 },
        { "key.types",
          "ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,rsa>=2048,"
          "sk-ecdsa-sha2-nistp256@openssh.com",
          "ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,rsa>=2048,"
          "sk-ecdsa-sha2-nistp256@openssh.com",
          0 },
        { "key.types", "+sk-*", "sk-*", 0 },
        { "key.types", "rsa", NULL, -EINVAL },
        { "key.types", "rsa>=1024", NULL, -EINVAL },
        { "key.types", "rsa>=3000", NULL, -EINVAL },
        { "key.types", "dsa", NULL, -EINVAL },
        { "key.types", "sk-", NULL, -EINVAL },
        { "key.types", "sk-*,sk-*", NULL, -EINVAL },
        { "key.types", "ed25519, ecdsa", NULL, -EINVAL },
        { "key.types", "*", NULL, -EINVAL },
        { "key.types", "", NULL, -EINVAL },
        { "setup-code.ttl", "1s", "1s", 0 },
        { "setup-code.ttl", "30d", "30d", 0 },
        { "setup-code.ttl", "31d", NULL, -ERANGE },
        { "setup-code.ttl", "0", NULL, -ERANGE },
        { "setup-code.ttl", "never", NULL, -EINVAL },
        { "change.reason-required", "on", "on", 0 },
        { "change.reason-required", "yes", NULL, -EINVAL },
        { "change.ticket-pattern", "none", "none", 0 },
        { "change.ticket-pattern", "", NULL, -EINVAL },
        { "change.ticket-pattern", "CHG-[0-9", NULL, -EINVAL },
        { "change.ticket-pattern", "+CHG", NULL, -EINVAL },
};

static void a_text_is_taken_as_a_whole_or_refused(void **state) {
        for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
                PolicyValue value = value_named(texts[i].name);
                uint64_t number = 4711, from = BIT(POLICY_METHOD_TOTP) | BIT(POLICY_METHOD_HOTP);
                char kept[POLICY_VALUE_TEXT_MAX];
                int r = policy_value_parse(value, texts[i].text, from, &number);

                if (r != texts[i].fault)
                        fail_msg("%s \"%s\": %d", texts[i].name, texts[i].text, r);
                if (r < 0) {
                        assert_int_equal(number, 4711);
                        continue;
                }
                policy_value_format(value, number, kept);
                assert_string_equal(kept, texts[i].kept);
        }
}

static void what_is_written_reads_as_the_same(void **state) {
        for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
                PolicyValue value = value_named(texts[i].name);
                uint64_t number, again;

                if (!texts[i].kept)
                        continue;
                assert_int_equal(policy_value_parse(value, texts[i].text, 0x3, &number), 0);
                assert_int_equal(policy_value_parse(value, texts[i].kept, 0, &again), 0);
                assert_int_equal(number, again);
        }
}

static void a_refusal_names_the_range(void **state) {
        static const struct {
                const char *name, *expected;
        } table[] = {
                { "password.min-length", "8 to 128" },
                { "lockout.attempts", "1 to 100, or never" },
                { "lockout.duration",
                  "1s to 1y, or manual; one number and one unit of s, m, h, d, w, y" },
                { "password.similarity", "off or on" },
                { "factor.required", "off, on or hardware" },
                { "factor.methods", "any of totp,hotp,fido2,recovery,email-code, or none; +WORD "
                                    "and -WORD change it" },
                { "key.types",
                  "any of ed25519,ecdsa,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,"
                  "ecdsa-sha2-nistp521,rsa>=2048,rsa>=3072,rsa>=4096,sk-*,"
                  "sk-ssh-ed25519@openssh.com,sk-ecdsa-sha2-nistp256@openssh.com, or none; +WORD "
                  "and -WORD change it" },
        };

        for (size_t i = 0; i < ARRAY_LENGTH(table); i++) {
                char expected[POLICY_VALUE_EXPECTED_MAX];

                policy_value_expected(value_named(table[i].name), expected);
                assert_string_equal(expected, table[i].expected);
        }
        for (PolicyValue v = 0; v < _POLICY_VALUE_MAX; v++) {
                char expected[POLICY_VALUE_EXPECTED_MAX];

                policy_value_expected(v, expected);
                assert_in_range(strlen(expected), 4, POLICY_VALUE_EXPECTED_MAX - 2);
        }
}

/* The words that complete a value; one that is listed alone is one the value takes. */
static void every_word_is_taken(void **state) {
        size_t count = 0;

        for (PolicyValue v = 0; v < _POLICY_VALUE_MAX; v++)
                for (size_t i = 0; policy_value_word(v, i); i++, count++) {
                        uint64_t number;

                        assert_int_equal(policy_value_parse(v, policy_value_word(v, i), 0, &number),
                                         0);
                }
        assert_int_equal(count, 6 * 2 + 3 + 6 + 12 + 5 + 1); /* switches, required, methods, keys,
                                                                limits, a pattern */
        assert_true(policy_value_is_list(POLICY_VALUE_FACTOR_METHODS));
        assert_true(policy_value_is_list(POLICY_VALUE_KEY_TYPES));
        assert_false(policy_value_is_list(POLICY_VALUE_FACTOR_REQUIRED));
}

/* FEATURES P.7, the column "stricter" */
static void the_stricter_of_two_is_not_the_looser(void **state) {
        static const struct {
                const char *name, *stricter, *looser;
        } table[] = {
                { "password.min-length", "13", "12" },
                { "password.classes", "1", "0" },
                { "password.similarity", "on", "off" },
                { "password.dictionary", "on", "off" },
                { "password.breached", "on", "off" },
                { "password.history", "1", "0" },
                { "password.max-age", "100y", "never" },
                { "password.max-age", "30d", "90d" },
                { "password.min-age", "24h", "0" },
                { "password.warn", "14d", "7d" },
                { "password.grace-logins", "0", "1" },
                { "lockout.attempts", "100", "0" },
                { "lockout.attempts", "3", "5" },
                { "lockout.window", "1h", "15m" },
                { "lockout.duration", "manual", "1y" },
                { "lockout.duration", "30m", "15m" },
                { "lockout.source-attempts", "1", "never" },
                { "lockout.spare-known", "off", "on" },
                { "factor.required", "on", "off" },
                { "factor.required", "hardware", "on" },
                { "factor.methods", "totp", "totp,hotp" },
                { "factor.methods", "none", "recovery" },
                { "factor.enrol-within", "0", "7d" },
                { "factor.enrol-within", "1y", "never" },
                { "factor.grace", "0", "8h" },
                { "key.types", "rsa>=3072", "rsa>=2048" },
                { "key.types", "sk-ssh-ed25519@openssh.com", "sk-*" },
                { "key.types", "sk-*", "sk-*,ed25519" },
                { "key.types", "none", "rsa>=4096" },
                { "setup-code.ttl", "1h", "24h" },
                { "password.reset-by-email", "off", "on" },
                { "change.reason-required", "on", "off" },
                { "change.ticket-pattern", "[0-9]+", "none" },
        };

        for (size_t i = 0; i < ARRAY_LENGTH(table); i++) {
                PolicyValue value = value_named(table[i].name);
                uint64_t stricter, looser;

                assert_int_equal(policy_value_parse(value, table[i].stricter, 0, &stricter), 0);
                assert_int_equal(policy_value_parse(value, table[i].looser, 0, &looser), 0);
                assert_true(policy_value_looser(value, looser, stricter));
                assert_false(policy_value_looser(value, stricter, looser));
                assert_false(policy_value_looser(value, stricter, stricter));
        }
}

/* Two lists of which neither holds the other: each permits what the other does not. */
static void of_two_lists_each_may_be_the_looser(void **state) {
        uint64_t totp = BIT(POLICY_METHOD_TOTP), hotp = BIT(POLICY_METHOD_HOTP);

        assert_true(policy_value_looser(POLICY_VALUE_FACTOR_METHODS, totp, hotp));
        assert_true(policy_value_looser(POLICY_VALUE_FACTOR_METHODS, hotp, totp));
}

/* A word may hold others: what is left of it when one of them is taken away has to be said by words
 * too, and where it cannot it is taken away with it. */
static void changing_a_list_leaves_whole_words(void **state) {
        static const struct {
                const char *from, *change, *kept;
        } table[] = {
                { "ed25519,rsa>=3072", "-ed25519", "rsa>=3072" },
                { "ed25519,rsa>=3072", "+rsa>=2048", "ed25519,rsa>=2048" },
                { "ed25519,rsa>=2048", "+rsa>=4096", "ed25519,rsa>=2048" },
                { "ed25519,rsa>=2048", "-rsa>=2048", "ed25519" },
                { "ed25519,rsa>=2048", "-rsa>=4096", "ed25519" }, /* no upper end */
                { "ed25519,rsa>=2048", "-rsa>=2048,+rsa>=4096", "ed25519,rsa>=4096" },
                { "ecdsa", "-ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384,ecdsa-sha2-nistp521" },
                { "ecdsa-sha2-nistp384", "-ecdsa", "none" },
                { "sk-*", "-sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com" },
                { "none", "-sk-*", "none" },
        };

        for (size_t i = 0; i < ARRAY_LENGTH(table); i++) {
                char kept[POLICY_VALUE_TEXT_MAX];
                uint64_t from, number;

                assert_int_equal(policy_value_parse(POLICY_VALUE_KEY_TYPES, table[i].from, 0,
                                                    &from),
                                 0);
                assert_int_equal(policy_value_parse(POLICY_VALUE_KEY_TYPES, table[i].change, from,
                                                    &number),
                                 0);
                policy_value_format(POLICY_VALUE_KEY_TYPES, number, kept);
                assert_string_equal(kept, table[i].kept);
        }
}

/* ---- levels ---------------------------------------------------------------------------------- */

static void level_set(PolicyLevels *levels, PolicyLevel level, PolicyValue value, uint64_t number) {
        levels->at[level].set[value] = true;
        levels->at[level].value[value] = number;
}

/* FEATURES D5: every set of levels. */
static void the_nearest_level_wins(void **state) {
        static const uint64_t numbers[_POLICY_LEVEL_MAX] = { 12, 16, 20, 9, 10 };
        const PolicyValue value = POLICY_VALUE_PASSWORD_MIN_LENGTH;

        for (unsigned int which = 0; which < 1U << _POLICY_LEVEL_MAX; which += 2) {
                PolicyLevel nearest = POLICY_LEVEL_BUILT_IN, next = POLICY_LEVEL_BUILT_IN;
                PolicyLevels levels = { 0 };
                PolicyEffective effective;

                for (PolicyLevel l = POLICY_LEVEL_COMPANY; l < _POLICY_LEVEL_MAX; l++)
                        if (which & 1U << l) {
                                level_set(&levels, l, value, numbers[l]);
                                next = nearest;
                                nearest = l;
                        }
                policy_value_resolve(value, &levels, &effective);
                assert_int_equal(effective.level, nearest);
                assert_int_equal(effective.value, numbers[nearest]);
                assert_int_equal(effective.looser, numbers[nearest] < numbers[next]);
                for (PolicyLevel l = POLICY_LEVEL_BUILT_IN; l < _POLICY_LEVEL_MAX; l++) {
                        assert_int_equal(effective.set[l],
                                         l == POLICY_LEVEL_BUILT_IN || (which & 1U << l) != 0);
                        if (effective.set[l])
                                assert_int_equal(effective.at[l], numbers[l]);
                }
        }
}

/* Looser is said of the level that wins and what it put aside, not of the built-in value. */
static void looser_is_than_what_would_hold_otherwise(void **state) {
        const PolicyValue value = POLICY_VALUE_PASSWORD_MIN_LENGTH;
        PolicyLevels levels = { 0 };
        PolicyEffective effective;

        level_set(&levels, POLICY_LEVEL_COMPANY, value, 8);
        level_set(&levels, POLICY_LEVEL_USER, value, 10);
        policy_value_resolve(value, &levels, &effective);
        assert_false(effective.looser);
        levels.at[POLICY_LEVEL_USER] = (PolicySettings){ 0 };
        policy_value_resolve(value, &levels, &effective);
        assert_true(effective.looser);
        level_set(&levels, POLICY_LEVEL_USER, value, 8);
        policy_value_resolve(value, &levels, &effective);
        assert_false(effective.looser);
        assert_int_equal(effective.level, POLICY_LEVEL_USER);
}

static void values_that_nobody_set_are_the_shipped_ones(void **state) {
        PolicyValues values;

        policy_values_resolve(&(PolicyLevels){ 0 }, &values);
        assert_int_equal(values.password_min_length, 12);
        assert_int_equal(values.password_classes, 0);
        assert_true(values.password_similarity);
        assert_true(values.password_dictionary);
        assert_false(values.password_breached);
        assert_int_equal(values.password_history, 5);
        assert_int_equal(values.password_max_age_usec, USEC_INFINITY);
        assert_int_equal(values.password_min_age_usec, 0);
        assert_int_equal(values.password_warn_usec, 14 * DAY);
        assert_int_equal(values.password_grace_logins, 3);
        assert_int_equal(values.lockout_attempts, 5);
        assert_int_equal(values.lockout_window_usec, 15 * MINUTE);
        assert_int_equal(values.lockout_duration_usec, 15 * MINUTE);
        assert_false(values.password_reset_by_email);
        assert_int_equal(values.lockout_source_attempts, 30);
        assert_true(values.lockout_spare_known);
        assert_int_equal(values.factor_required, POLICY_REQUIRED_OFF);
        assert_int_equal(values.factor_methods, BIT(POLICY_METHOD_TOTP) | BIT(POLICY_METHOD_HOTP) |
                                                        BIT(POLICY_METHOD_FIDO2) |
                                                        BIT(POLICY_METHOD_RECOVERY));
        assert_int_equal(values.factor_enrol_within_usec, 7 * DAY);
        assert_int_equal(values.factor_grace_usec, 0);
        assert_int_equal(values.key_types, BIT(POLICY_KEY_ED25519) | BIT(POLICY_KEY_ECDSA_256) |
                                                   BIT(POLICY_KEY_ECDSA_384) |
                                                   BIT(POLICY_KEY_ECDSA_521) |
                                                   BIT(POLICY_KEY_RSA_3072) |
                                                   BIT(POLICY_KEY_RSA_4096) | POLICY_KEYS_SK);
        assert_int_equal(values.setup_code_ttl_usec, 24 * HOUR);
        assert_false(values.change_reason_required);
        assert_false(values.change_ticket_pattern);
}

/* Each value goes into its own member and no other. */
static void a_value_fills_its_own_member(void **state) {
        for (PolicyValue v = 0; v < _POLICY_VALUE_MAX; v++) {
                uint64_t other = policy_value_shipped(v) == 1 ? 0 : 1;
                PolicyLevels levels = { 0 };
                PolicyValues shipped, set;
                size_t different = 0;

                level_set(&levels, POLICY_LEVEL_USER, v, other);
                policy_values_resolve(&(PolicyLevels){ 0 }, &shipped);
                policy_values_resolve(&levels, &set);
                different += set.password_min_length != shipped.password_min_length;
                different += set.password_classes != shipped.password_classes;
                different += set.password_similarity != shipped.password_similarity;
                different += set.password_dictionary != shipped.password_dictionary;
                different += set.password_breached != shipped.password_breached;
                different += set.password_history != shipped.password_history;
                different += set.password_max_age_usec != shipped.password_max_age_usec;
                different += set.password_min_age_usec != shipped.password_min_age_usec;
                different += set.password_warn_usec != shipped.password_warn_usec;
                different += set.password_grace_logins != shipped.password_grace_logins;
                different += set.password_reset_by_email != shipped.password_reset_by_email;
                different += set.lockout_attempts != shipped.lockout_attempts;
                different += set.lockout_window_usec != shipped.lockout_window_usec;
                different += set.lockout_duration_usec != shipped.lockout_duration_usec;
                different += set.lockout_source_attempts != shipped.lockout_source_attempts;
                different += set.lockout_spare_known != shipped.lockout_spare_known;
                different += set.factor_required != shipped.factor_required;
                different += set.factor_methods != shipped.factor_methods;
                different += set.factor_enrol_within_usec != shipped.factor_enrol_within_usec;
                different += set.factor_grace_usec != shipped.factor_grace_usec;
                different += set.key_types != shipped.key_types;
                different += set.setup_code_ttl_usec != shipped.setup_code_ttl_usec;
                different += set.change_reason_required != shipped.change_reason_required;
                different += set.change_ticket_pattern != shipped.change_ticket_pattern;
                if (different != 1)
                        fail_msg("%s fills %zu members", policy_value_name(v), different);
        }
}

static void no_limit_is_the_most_a_member_holds(void **state) {
        PolicyLevels levels = { 0 };
        PolicyValues values;

        level_set(&levels, POLICY_LEVEL_COMPANY, POLICY_VALUE_LOCKOUT_ATTEMPTS, UINT64_MAX);
        level_set(&levels, POLICY_LEVEL_COMPANY, POLICY_VALUE_LOCKOUT_SOURCE_ATTEMPTS, UINT64_MAX);
        level_set(&levels, POLICY_LEVEL_COMPANY, POLICY_VALUE_LOCKOUT_DURATION, UINT64_MAX);
        policy_values_resolve(&levels, &values);
        assert_int_equal(values.lockout_attempts, UINT32_MAX);
        assert_int_equal(values.lockout_source_attempts, UINT32_MAX);
        assert_int_equal(values.lockout_duration_usec, USEC_INFINITY);
}

/* ---- names ----------------------------------------------------------------------------------- */

static void names_are_of_one_value_each(void **state) {
        PolicyValue value;

        for (PolicyValue a = 0; a < _POLICY_VALUE_MAX; a++)
                for (PolicyValue b = 0; b < a; b++)
                        assert_string_not_equal(policy_value_name(a), policy_value_name(b));
        assert_string_equal(policy_value_name(_POLICY_VALUE_MAX), "invalid");
        assert_int_equal(policy_value_from_name("invalid", &value), -ENOENT);
        assert_int_equal(policy_value_from_name("", &value), -ENOENT);
        assert_int_equal(policy_value_from_name("Password.min-length", &value), -ENOENT);
        assert_int_equal(policy_value_from_name("session.max", &value), -ENOENT);
        assert_string_equal(policy_level_name(POLICY_LEVEL_BUILT_IN), "built-in");
        assert_string_equal(policy_level_name(POLICY_LEVEL_COMPANY), "company");
        assert_string_equal(policy_level_name(POLICY_LEVEL_DEPARTMENT), "department");
        assert_string_equal(policy_level_name(POLICY_LEVEL_ROLE), "role");
        assert_string_equal(policy_level_name(POLICY_LEVEL_USER), "user");
        assert_string_equal(policy_level_name(_POLICY_LEVEL_MAX), "invalid");
}

static void names_that_were_meant_are_found(void **state) {
        static const struct {
                const char *name;
                size_t count;
                PolicyValue first;
        } table[] = {
                { "password.minlength", 1, POLICY_VALUE_PASSWORD_MIN_LENGTH },
                { "pasword.min-lenght", 1, POLICY_VALUE_PASSWORD_MIN_LENGTH },
                { "min-length", 1, POLICY_VALUE_PASSWORD_MIN_LENGTH },
                { "lockout", 5, POLICY_VALUE_LOCKOUT_ATTEMPTS },
                { "factor.requires", 1, POLICY_VALUE_FACTOR_REQUIRED },
                { "session.max", 0, 0 },
                { "", 0, 0 },
                { "a-name-that-is-longer-than-any-value-has-one", 0, 0 },
        };

        for (size_t i = 0; i < ARRAY_LENGTH(table); i++) {
                PolicyValue near[_POLICY_VALUE_MAX];
                size_t count = policy_value_near(table[i].name, near, ARRAY_LENGTH(near));

                if (count != table[i].count)
                        fail_msg("%s: %zu near", table[i].name, count);
                if (count > 0)
                        assert_int_equal(near[0], table[i].first);
        }
}

static void no_more_are_found_than_asked_for(void **state) {
        PolicyValue near[4] = { 0, 0, 0, _POLICY_VALUE_MAX };

        assert_int_equal(policy_value_near("password", near, 3), 3);
        assert_int_equal(near[3], _POLICY_VALUE_MAX);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_shipped_values_are_those_of_the_table),
                cmocka_unit_test(a_text_is_taken_as_a_whole_or_refused),
                cmocka_unit_test(what_is_written_reads_as_the_same),
                cmocka_unit_test(a_refusal_names_the_range),
                cmocka_unit_test(every_word_is_taken),
                cmocka_unit_test(the_stricter_of_two_is_not_the_looser),
                cmocka_unit_test(of_two_lists_each_may_be_the_looser),
                cmocka_unit_test(changing_a_list_leaves_whole_words),
                cmocka_unit_test(the_nearest_level_wins),
                cmocka_unit_test(looser_is_than_what_would_hold_otherwise),
                cmocka_unit_test(values_that_nobody_set_are_the_shipped_ones),
                cmocka_unit_test(a_value_fills_its_own_member),
                cmocka_unit_test(no_limit_is_the_most_a_member_holds),
                cmocka_unit_test(names_are_of_one_value_each),
                cmocka_unit_test(names_that_were_meant_are_found),
                cmocka_unit_test(no_more_are_found_than_asked_for),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
