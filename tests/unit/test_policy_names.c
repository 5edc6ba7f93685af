/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The words and the states: every value has its own word, and each step leads where FEATURES G4
 * says. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "policy/policy.h"

typedef const char *(*Namer)(unsigned int value);

static const char *status_name(unsigned int v) {
        return policy_status_name((UserStatus)v);
}
static const char *reason_name(unsigned int v) {
        return policy_reason_name((PolicyReason)v);
}
static const char *check_name(unsigned int v) {
        return policy_check_name((PolicyCheck)v);
}
static const char *result_name(unsigned int v) {
        return policy_result_name((PolicyResult)v);
}
static const char *verdict_name(unsigned int v) {
        return policy_verdict_name((PolicyVerdict)v);
}
static const char *strength_name(unsigned int v) {
        return policy_strength_name((PolicyStrength)v);
}
static const char *key_name(unsigned int v) {
        return policy_key_name((PolicyKey)v);
}

static void every_value_has_a_word_of_its_own(void **state) {
        static const struct {
                Namer name;
                unsigned int count;
                const char *outside;
        } rows[] = {
                { status_name, _USER_STATUS_MAX, "invalid" },
                { reason_name, _POLICY_REASON_MAX, "internal" },
                { check_name, _POLICY_CHECK_MAX, "invalid" },
                { result_name, _POLICY_RESULT_MAX, "invalid" },
                { verdict_name, _POLICY_VERDICT_MAX, "deny" },
                { strength_name, _POLICY_STRENGTH_MAX, "none" },
                { key_name, _POLICY_KEY_MAX, "of an unknown kind" },
        };

        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                for (unsigned int a = 0; a < rows[i].count; a++)
                        for (unsigned int b = 0; b < a; b++)
                                assert_string_not_equal(rows[i].name(a), rows[i].name(b));
                assert_string_equal(rows[i].name(rows[i].count), rows[i].outside);
                assert_string_equal(rows[i].name(4000), rows[i].outside);
        }
}

static void a_status_is_found_by_its_word(void **state) {
        for (UserStatus s = USER_STATUS_PENDING; s < _USER_STATUS_MAX; s++)
                assert_int_equal(policy_status_from_name(policy_status_name(s)), s);
        assert_int_equal(policy_status_from_name("invalid"), USER_STATUS_INVALID);
        assert_int_equal(policy_status_from_name("Active"), USER_STATUS_INVALID);
        assert_int_equal(policy_status_from_name(""), USER_STATUS_INVALID);
}

static void steps_lead_where_the_states_say(void **state) {
        enum {
                X,
                P = USER_STATUS_PENDING,
                A = USER_STATUS_ACTIVE,
                S = USER_STATUS_SUSPENDED,
                I = USER_STATUS_INACTIVE,
                D = USER_STATUS_DELETED
        };
        static const int to[_STATUS_STEP_MAX][_USER_STATUS_MAX] = {
                /* from:                 invalid pending active suspended inactive deleted */
                [STATUS_STEP_ACTIVATE] = { X, A, X, X, X, X },
                [STATUS_STEP_SUSPEND] = { X, X, S, S, X, X },
                [STATUS_STEP_RESUME] = { X, X, X, A, X, X },
                [STATUS_STEP_DISABLE] = { X, I, I, I, X, X },
                [STATUS_STEP_ENABLE] = { X, X, X, X, A, X },
                [STATUS_STEP_DELETE] = { X, D, D, D, D, X },
                [STATUS_STEP_RESTORE] = { X, X, X, X, X, I },
        };

        for (StatusStep step = 0; step < _STATUS_STEP_MAX; step++)
                for (UserStatus from = 0; from < _USER_STATUS_MAX; from++) {
                        const char *hint = NULL;

                        assert_int_equal(policy_status_step(from, step, &hint), to[step][from]);
                        assert_int_equal(hint == NULL, to[step][from] != X);
                }
}

static void a_refused_step_names_the_right_verb(void **state) {
        const char *hint;

        assert_int_equal(policy_status_step(USER_STATUS_INACTIVE, STATUS_STEP_RESUME, &hint), 0);
        assert_string_equal(hint, "is inactive: use enable");
        assert_int_equal(policy_status_step(USER_STATUS_SUSPENDED, STATUS_STEP_ENABLE, &hint), 0);
        assert_string_equal(hint, "is suspended: use resume");
        assert_int_equal(policy_status_step(_USER_STATUS_MAX, STATUS_STEP_ENABLE, &hint), 0);
        assert_int_equal(policy_status_step(USER_STATUS_ACTIVE, _STATUS_STEP_MAX, &hint), 0);
        assert_string_equal(hint, "has no such state");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_value_has_a_word_of_its_own),
                cmocka_unit_test(a_status_is_found_by_its_word),
                cmocka_unit_test(steps_lead_where_the_states_say),
                cmocka_unit_test(a_refused_step_names_the_right_verb),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
