/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Patterns of tickets: what is one, what each matches, and that none is slow. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "policy/policy.h"

static void what_is_no_pattern_is_refused(void **state) {
        static const char *const patterns[] = {
                "",      "|",        "a|",     "|a",    "a||b", "[",    "[]",     "[a",  "[^]",
                "[z-a]", "[a-]",     "[-a]",   "[a^b]", "[[]",  "[!-~", "[^!-~]", "\\",  "[\\",
                "(a)",   "a{2}",     "^a",     "a$",    "*",    "+a",   "a**",    "a+?", "a b",
                "a\tb",  "\xc3\xa9", "[\xc3]", "a\\ b", "]",    "a]",   "a|*",
        };

        for (size_t i = 0; i < ARRAY_LENGTH(patterns); i++) {
                if (policy_ticket_check(patterns[i]) != -EINVAL)
                        fail_msg("\"%s\" is taken", patterns[i]);
                assert_false(policy_ticket_matches(patterns[i], patterns[i]));
                assert_false(policy_ticket_matches(patterns[i], "a"));
        }
}

static void a_ticket_is_found_as_a_word_of_its_own(void **state) {
        static const struct {
                const char *pattern, *text;
                bool matches;
        } table[] = {
                { "CHG-[0-9]+", "CHG-4711", true },
                { "CHG-[0-9]+", "restore of db, CHG-4711", true },
                { "CHG-[0-9]+", "CHG-4711: restore", true },
                { "CHG-[0-9]+", "(CHG-4711)", true },
                { "CHG-[0-9]+", "CHG-", false },
                { "CHG-[0-9]+", "CHG-x", false },
                { "CHG-[0-9]+", "chg-4711", false },
                { "CHG-[0-9]+", "XCHG-4711", false },
                { "CHG-[0-9]+", "CHG-4711x", false },
                { "CHG-[0-9]+", "CHG-4711\xc3\xa9", false },
                { "CHG-[0-9]+", "\xc3\xa9 CHG-4711", true },
                { "CHG-[0-9]+", "CHG-CHG-4711", true },
                { "CHG-[0-9]+", "", false },
                { "CHG-[0-9]+|INC[0-9][0-9]", "INC42", true },
                { "CHG-[0-9]+|INC[0-9][0-9]", "INC4", false },
                { "CHG-[0-9]+|INC[0-9][0-9]", "INC423", false },
                { "CHG-[0-9]+|INC[0-9][0-9]", "CHG-1", true },
                { "ab?c*d+", "ad", true },
                { "ab?c*d+", "abcccddd", true },
                { "ab?c*d+", "abbd", false },
                { "ab?c*d+", "abc", false },
                { "a*", "", false },
                { "a*", "b", false },
                { "a*", "b aa", true },
                { "[^a-y]+", "zz", true },
                { "[^a-y]+", "za", false },
                { "...", "a-b", true },
                { "...", "a b", false },
                { "\\(\\+\\.\\)", "(+.)", true },
                { "\\.", "a", false },
                { "[\\]\\^\\-]", "]", true },
                { "[\\]\\^\\-]", "\\", false },
                { "a|b|c", "c", true },
        };

        for (size_t i = 0; i < ARRAY_LENGTH(table); i++) {
                assert_int_equal(policy_ticket_check(table[i].pattern), 0);
                if (policy_ticket_matches(table[i].pattern, table[i].text) != table[i].matches)
                        fail_msg("\"%s\" and \"%s\"", table[i].pattern, table[i].text);
        }
}

/* What makes a matcher that tries one way after the other take hours.  Counted is nothing: the test
 * ends, or it does not. */
static void no_pattern_is_slow(void **state) {
        char pattern[POLICY_VALUE_TEXT_MAX] = "", text[4096];

        for (size_t i = 0; i + 3 < sizeof(pattern); i += 2)
                memcpy(pattern + i, "a*", 3);
        strcat(pattern, "b");
        memset(text, 'a', sizeof(text) - 1);
        text[sizeof(text) - 1] = '\0';
        assert_int_equal(policy_ticket_check(pattern), 0);
        assert_false(policy_ticket_matches(pattern, text));
        text[sizeof(text) - 2] = 'b';
        assert_true(policy_ticket_matches(pattern, text));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_is_no_pattern_is_refused),
                cmocka_unit_test(a_ticket_is_found_as_a_word_of_its_own),
                cmocka_unit_test(no_pattern_is_slow),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
