/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Failures that add up: tables for each rule, and the properties that hold for any order of
 * attempts and any clock. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "policy/policy.h"

#define T0     ((uint64_t)1785574800 * USEC_PER_SEC)
#define MINUTE (60 * USEC_PER_SEC)

static const LockoutRules shipped = { 5, 15 * MINUTE, 15 * MINUTE };
static const LockoutRules source = { 5, 15 * MINUTE, 0 };
static const LockoutRules manual = { 5, 15 * MINUTE, USEC_INFINITY };

static LockoutVerdict judge(const LockoutState *state, const LockoutRules *rules, uint32_t pending,
                            uint64_t now_usec) {
        uint64_t until;

        return policy_lockout_judge(state, rules, pending, now_usec, &until);
}

static LockoutState failed(const LockoutRules *rules, unsigned int count, uint64_t first_usec,
                           uint64_t step_usec) {
        LockoutState state = { 0 };

        for (unsigned int i = 0; i < count; i++)
                (void)policy_lockout_charge(&state, rules, first_usec + i * step_usec);
        return state;
}

/* ---- tables ------------------------------------------------------------------------------- */

static void the_last_permitted_failure_locks_with_an_end(void **state) {
        LockoutState s = failed(&shipped, 4, T0, MINUTE);
        uint64_t until = 0;

        assert_int_equal(judge(&s, &shipped, 0, T0 + 4 * MINUTE), LOCKOUT_FREE);
        (void)policy_lockout_charge(&s, &shipped, T0 + 4 * MINUTE);
        assert_int_equal(policy_lockout_judge(&s, &shipped, 0, T0 + 4 * MINUTE, &until),
                         LOCKOUT_LOCKED);
        assert_true(until == T0 + 19 * MINUTE);
        assert_int_equal(judge(&s, &shipped, 0, until - 1), LOCKOUT_LOCKED);
        assert_int_equal(judge(&s, &shipped, 0, until), LOCKOUT_FREE);
}

static void a_lock_that_is_over_leaves_nothing(void **state) {
        const LockoutRules brief = { 5, 60 * MINUTE, MINUTE };
        LockoutState s = failed(&brief, 5, T0, 0);

        assert_int_equal(policy_lockout_count(&s, &brief, T0), 5);
        assert_int_equal(judge(&s, &brief, 0, T0 + MINUTE), LOCKOUT_FREE);
        assert_int_equal(policy_lockout_count(&s, &brief, T0 + MINUTE), 0);
        (void)policy_lockout_charge(&s, &brief, T0 + MINUTE);
        assert_int_equal(policy_lockout_count(&s, &brief, T0 + MINUTE), 1);
        assert_true(s.locked_until_usec == 0);
}

static void failures_add_up_in_any_window_of_that_length(void **state) {
        /* four late in one quarter of an hour and one early in the next are five in one */
        LockoutState s = failed(&shipped, 1, T0, 0);

        for (int i = 0; i < 3; i++)
                (void)policy_lockout_charge(&s, &shipped, T0 + 14 * MINUTE);
        (void)policy_lockout_charge(&s, &shipped, T0 + 15 * MINUTE); /* the first has just left */
        assert_int_equal(policy_lockout_count(&s, &shipped, T0 + 15 * MINUTE), 4);
        assert_int_equal(judge(&s, &shipped, 0, T0 + 15 * MINUTE), LOCKOUT_FREE);
        (void)policy_lockout_charge(&s, &shipped, T0 + 16 * MINUTE);
        assert_int_equal(judge(&s, &shipped, 0, T0 + 16 * MINUTE), LOCKOUT_LOCKED);
}

static void any_number_is_no_limit(void **state) {
        const LockoutRules none = { UINT32_MAX, 15 * MINUTE, 15 * MINUTE };
        LockoutState s = failed(&none, 1000, T0, 0);

        assert_int_equal(judge(&s, &none, 0, T0), LOCKOUT_FREE);
        assert_int_equal(judge(&s, &none, 1000, T0), LOCKOUT_FREE);
}

static void rules_nobody_filled_in_permit_nothing(void **state) {
        const LockoutRules zeroed = { 0 };
        LockoutState s = { 0 };

        assert_int_equal(judge(&s, &zeroed, 0, T0), LOCKOUT_LOCKED);
        assert_int_equal(judge(&s, &zeroed, 1, T0), LOCKOUT_WAIT);
}

static void a_manual_lock_has_no_end(void **state) {
        LockoutState s = failed(&manual, 5, T0, 0);
        uint64_t until = 0;

        assert_int_equal(policy_lockout_judge(&s, &manual, 0, T0 + 1000000 * MINUTE, &until),
                         LOCKOUT_LOCKED);
        assert_true(until == USEC_INFINITY);
        policy_lockout_clear(&s, &manual, 0, T0);
        assert_int_equal(judge(&s, &manual, 0, T0), LOCKOUT_FREE);
}

static void without_a_duration_the_window_decides(void **state) {
        LockoutState s = failed(&source, 5, T0, MINUTE);
        uint64_t until = 0;

        assert_int_equal(policy_lockout_judge(&s, &source, 0, T0 + 5 * MINUTE, &until),
                         LOCKOUT_LOCKED);
        assert_true(until == T0 + 15 * MINUTE); /* the first leaves, and one more is free */
        assert_int_equal(judge(&s, &source, 0, until), LOCKOUT_FREE);
        (void)policy_lockout_charge(&s, &source, until);
        assert_int_equal(judge(&s, &source, 0, until), LOCKOUT_LOCKED);
}

static void what_is_being_tried_is_waited_for(void **state) {
        LockoutState s = failed(&shipped, 5, T0, 0);

        assert_int_equal(judge(&s, &shipped, 0, T0), LOCKOUT_LOCKED);
        for (uint32_t pending = 1; pending <= 5; pending++)
                assert_int_equal(judge(&s, &shipped, pending, T0), LOCKOUT_WAIT);
        s = failed(&source, 7, T0, 0); /* charges from before the limit was lowered */
        assert_int_equal(judge(&s, &source, 2, T0), LOCKOUT_LOCKED);
        assert_int_equal(judge(&s, &source, 3, T0), LOCKOUT_WAIT);
}

static void a_refund_takes_the_lock_it_made(void **state) {
        LockoutState s = failed(&shipped, 4, T0, MINUTE);
        uint64_t at = policy_lockout_charge(&s, &shipped, T0 + 4 * MINUTE);

        assert_true(s.locked_until_usec != 0);
        policy_lockout_refund(&s, &shipped, at, at);
        assert_true(s.locked_until_usec == 0);
        assert_int_equal(policy_lockout_count(&s, &shipped, at), 4);
        policy_lockout_refund(&s, &shipped, T0, at);
        assert_int_equal(policy_lockout_count(&s, &shipped, at), 3);
        policy_lockout_refund(&s, &shipped, at, at); /* of that time there is none left */
        assert_int_equal(policy_lockout_count(&s, &shipped, at), 3);
}

/* Held back for longer than the window: the failures that are counted since are others'. */
static void a_refund_that_comes_late_takes_no_other_charge(void **state) {
        LockoutState s = { 0 };
        uint64_t at = policy_lockout_charge(&s, &shipped, T0), now = T0 + 16 * MINUTE;

        (void)policy_lockout_charge(&s, &shipped, now);
        policy_lockout_refund(&s, &shipped, at, now);
        assert_int_equal(policy_lockout_count(&s, &shipped, now), 1);
}

static void a_success_leaves_what_has_not_ended(void **state) {
        LockoutState s = failed(&shipped, 5, T0, 0);

        policy_lockout_clear(&s, &shipped, 2, T0 + 1);
        assert_int_equal(policy_lockout_count(&s, &shipped, T0 + 1), 2);
        assert_int_equal(judge(&s, &shipped, 2, T0 + 1), LOCKOUT_FREE);
        policy_lockout_clear(&s, &shipped, 0, T0 + 2);
        assert_int_equal(s.failure_count, 0);
}

static void a_limit_that_is_lowered_counts_from_the_next_check(void **state) {
        const LockoutRules three = { 3, 15 * MINUTE, 15 * MINUTE };
        LockoutState s = failed(&shipped, 4, T0, MINUTE);
        uint64_t until = 0;

        assert_int_equal(policy_lockout_judge(&s, &three, 0, T0 + 4 * MINUTE, &until),
                         LOCKOUT_LOCKED);
        assert_true(until == T0 + 18 * MINUTE);
}

static void the_delay_doubles_to_its_end(void **state) {
        static const uint64_t seconds[] = { 0, 0, 1, 2, 4, 4, 4 };

        for (uint32_t i = 0; i < ARRAY_LENGTH(seconds); i++)
                assert_true(policy_lockout_delay(i) == seconds[i] * USEC_PER_SEC);
        assert_true(policy_lockout_delay(UINT32_MAX) == LOCKOUT_DELAY_MAX_USEC);
}

static void times_at_the_end_of_the_numbers_stay_there(void **state) {
        LockoutState s = failed(&shipped, 5, USEC_INFINITY - 2, 0);

        assert_true(s.locked_until_usec == USEC_INFINITY);
        assert_int_equal(judge(&s, &shipped, 0, USEC_INFINITY - 1), LOCKOUT_LOCKED);
        assert_int_equal(judge(&s, &shipped, 0, 0), LOCKOUT_LOCKED);
}

/* ---- properties --------------------------------------------------------------------------- */

static uint64_t seed = 0x9e3779b97f4a7c15;

static uint64_t any(void) {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        return seed;
}

/* A clock that jumps: mostly on, now and then by hours or years, either way. */
static uint64_t any_clock(uint64_t now_usec) {
        static const uint64_t jumps[] = { 60, 3600, 86400, 365 * 86400 };
        uint64_t by = jumps[any() % ARRAY_LENGTH(jumps)] * USEC_PER_SEC;

        if (any() % 16)
                return now_usec + any() % (3 * MINUTE);
        return any() % 2 ? now_usec + by : now_usec > by ? now_usec - by : 1;
}

static void a_clock_that_goes_back_neither_unlocks_nor_forgets(void **state) {
        for (int round = 0; round < 20000; round++) {
                LockoutState s = { 0 };
                uint64_t now = T0, latest = T0;

                for (int i = 0; i < 12; i++) {
                        uint32_t before;
                        bool locked;

                        now = any_clock(now);
                        latest = now > latest ? now : latest;
                        locked = s.locked_until_usec > latest;
                        before = policy_lockout_count(&s, &shipped, latest);
                        assert_true(policy_lockout_count(&s, &shipped, now) >= before);
                        assert_true(!locked || judge(&s, &shipped, 0, now) == LOCKOUT_LOCKED);
                        if (judge(&s, &shipped, 0, now) == LOCKOUT_FREE)
                                latest = policy_lockout_charge(&s, &shipped, now);
                        for (size_t f = 1; f < s.failure_count; f++)
                                assert_true(s.failures[f].at_usec > s.failures[f - 1].at_usec);
                }
        }
}

/* Every failure there was, kept apart from the code under test. */
typedef struct Model {
        uint64_t at[400];
        size_t count;
} Model;

static uint32_t model_count(const Model *model, const LockoutRules *rules, uint64_t now_usec) {
        uint32_t count = 0;

        for (size_t i = 0; i < model->count; i++)
                count += now_usec - model->at[i] < rules->window_usec;
        return count;
}

static void a_count_is_exact_or_above(void **state) {
        const LockoutRules unlimited = { UINT32_MAX, 15 * MINUTE, 0 };

        for (int round = 0; round < 2000; round++) {
                uint64_t now = T0, most = any() % 2 ? 10 * MINUTE : MINUTE / 4;
                LockoutState s = { 0 };
                Model model = { 0 };

                for (size_t i = 0; i < ARRAY_LENGTH(model.at); i++) {
                        uint32_t is, kept;

                        now += 1 + any() % most;
                        model.at[model.count++] = policy_lockout_charge(&s, &unlimited, now);
                        is = model_count(&model, &unlimited, now);
                        kept = policy_lockout_count(&s, &unlimited, now);
                        assert_true(kept >= is);
                        assert_true(kept == is || is > LOCKOUT_FAILURES_MAX / 2);
                        assert_true(is > LOCKOUT_FAILURES_MAX || model.count > 17 || kept == is);
                }
        }
}

/* Attempts that begin and end in any order: between two successes no more are looked at and fail
 * than the rules permit, whatever else is going on. */
static void no_more_are_tried_than_permitted(void **state) {
        for (int round = 0; round < 20000; round++) {
                uint64_t now = T0, at[64];
                LockoutState s = { 0 };
                uint32_t pending = 0, wrong = 0;

                for (int i = 0; i < 60; i++) {
                        now += any() % 1000;
                        if (any() % 3 && judge(&s, &shipped, pending, now) == LOCKOUT_FREE)
                                at[pending++] = policy_lockout_charge(&s, &shipped, now);
                        else if (pending > 0 && any() % 8 == 0) {
                                policy_lockout_clear(&s, &shipped, --pending, now);
                                for (uint32_t p = 0; p < pending; p++)
                                        at[p] = now;
                                wrong = 0;
                        } else if (pending > 0 && any() % 8 == 0)
                                policy_lockout_refund(&s, &shipped, at[--pending], now);
                        else if (pending > 0 && any() % 2) {
                                pending--;
                                wrong++;
                        }
                        assert_true(pending + wrong <= shipped.attempts);
                        assert_int_equal(policy_lockout_count(&s, &shipped, now), pending + wrong);
                }
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_last_permitted_failure_locks_with_an_end),
                cmocka_unit_test(a_lock_that_is_over_leaves_nothing),
                cmocka_unit_test(failures_add_up_in_any_window_of_that_length),
                cmocka_unit_test(any_number_is_no_limit),
                cmocka_unit_test(rules_nobody_filled_in_permit_nothing),
                cmocka_unit_test(a_manual_lock_has_no_end),
                cmocka_unit_test(without_a_duration_the_window_decides),
                cmocka_unit_test(what_is_being_tried_is_waited_for),
                cmocka_unit_test(a_refund_takes_the_lock_it_made),
                cmocka_unit_test(a_refund_that_comes_late_takes_no_other_charge),
                cmocka_unit_test(a_success_leaves_what_has_not_ended),
                cmocka_unit_test(a_limit_that_is_lowered_counts_from_the_next_check),
                cmocka_unit_test(the_delay_doubles_to_its_end),
                cmocka_unit_test(times_at_the_end_of_the_numbers_stay_there),
                cmocka_unit_test(a_clock_that_goes_back_neither_unlocks_nor_forgets),
                cmocka_unit_test(a_count_is_exact_or_above),
                cmocka_unit_test(no_more_are_tried_than_permitted),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
