/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Ages of passwords: when one is over, what is told, which logins it still lets in. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "policy/policy.h"

#define NOW   ((uint64_t)1785574800 * USEC_PER_SEC)
#define DAY   (86400 * USEC_PER_SEC)
#define NEVER USEC_INFINITY

/* A login with a password that expired now, by somebody who has two logins left of three. */
static const PolicyFacts expired = {
        .now_usec = NOW,
        .known = true,
        .status = USER_STATUS_ACTIVE,
        .suspended_until_usec = NEVER,
        .valid_until_usec = NEVER,
        .kind = HOLDER_PERSON,
        .granted = true,
        .proof = POLICY_PROOF_PASSWORD,
        .has_password = true,
        .password_expires_usec = NOW,
        .expiry = POLICY_EXPIRY_LOGIN,
        .grace_logins = 3,
        .grace_used = 1,
        .second = POLICY_SECOND_DUE,
        .strength = POLICY_STRENGTH_SINGLE,
        .enrol_until_usec = NEVER,
};

#define FACTS(...)                                                                                 \
        ({                                                                                         \
                PolicyFacts f = expired;                                                           \
                __VA_ARGS__;                                                                       \
                f;                                                                                 \
        })

static PolicyDecision decide(PolicyFacts facts) {
        PolicyDecision d;

        policy_decide(&facts, &d);
        return d;
}

static void expect(PolicyFacts facts, PolicyVerdict verdict, PolicyReason reason, bool counted) {
        PolicyDecision d = decide(facts);

        assert_string_equal(policy_verdict_name(d.verdict), policy_verdict_name(verdict));
        assert_string_equal(policy_reason_name(d.reason), policy_reason_name(reason));
        assert_int_equal(d.grace_login, counted);
        if (verdict == POLICY_DENY || facts.expiry != POLICY_EXPIRY_LOGIN)
                assert_int_equal(d.grace_used, facts.grace_used);
        else if (counted)
                assert_int_equal(d.grace_used, facts.grace_used + 1);
}

/* ---- moments ----------------------------------------------------------------------------------
 */

static void the_earlier_of_two_ends_counts(void **state) {
        static const struct {
                uint64_t changed, set, max_age, expires;
        } rows[] = {
                { NOW, NEVER, NEVER, NEVER },
                { NOW, NEVER, DAY, NOW + DAY },
                { NOW, NOW + 1, DAY, NOW + 1 },
                { NOW, NOW + 2 * DAY, DAY, NOW + DAY },
                { NOW, NOW + DAY, NEVER, NOW + DAY },
                { 0, NEVER, DAY, DAY },
                /* 2038, 2100, 9999 and the end of the clock (catalogue 58) */
                { (uint64_t)2147483647 * USEC_PER_SEC, NEVER, USEC_PER_SEC,
                  (uint64_t)2147483648 * USEC_PER_SEC },
                { (uint64_t)4107542399 * USEC_PER_SEC, NEVER, DAY,
                  (uint64_t)4107628799 * USEC_PER_SEC },
                { (uint64_t)253402300799 * USEC_PER_SEC, NEVER, 100 * 365 * DAY,
                  (uint64_t)253402300799 * USEC_PER_SEC + 100 * 365 * DAY },
                { NEVER - 1, NEVER, 1, NEVER },
                { NEVER, NEVER, DAY, NEVER },
        };

        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++)
                assert_true(policy_password_expires(rows[i].changed, rows[i].set,
                                                    rows[i].max_age) == rows[i].expires);
}

static void it_may_be_changed_again_after_the_minimum(void **state) {
        assert_true(policy_password_changeable(NOW, 0, NOW) == NOW);
        assert_true(policy_password_changeable(NOW - 1, DAY, NOW) == NOW - 1 + DAY);
        assert_true(policy_password_changeable(NOW, NEVER, NOW) == NEVER);
        /* set under a clock that was years ahead: nobody waits for that */
        assert_true(policy_password_changeable(NOW + 400 * DAY, DAY, NOW) == NOW);
}

static void due_is_what_is_over_or_demanded(void **state) {
        assert_false(policy_password_due(false, NOW + 1, NOW));
        assert_true(policy_password_due(false, NOW, NOW));
        assert_true(policy_password_due(true, NEVER, NOW));
        assert_false(policy_password_due(false, NEVER, NOW));
}

static void it_is_told_before_its_end_and_at_logins_alone(void **state) {
        PolicyFacts facts = FACTS(f.password_warn_usec = 14 * DAY);

        assert_false(policy_password_warn(&facts)); /* it is over */
        facts.password_expires_usec = NOW + 1;
        assert_true(policy_password_warn(&facts));
        facts.password_expires_usec = NOW + 14 * DAY;
        assert_true(policy_password_warn(&facts));
        facts.password_expires_usec++;
        assert_false(policy_password_warn(&facts));
        facts.password_expires_usec = NEVER;
        assert_false(policy_password_warn(&facts));
        facts.password_warn_usec = NEVER;
        assert_false(policy_password_warn(&facts)); /* it never is */
        facts.password_expires_usec = NOW + 1;
        facts.password_warn_usec = 0;
        assert_false(policy_password_warn(&facts));
        facts.password_warn_usec = DAY;
        facts.expiry = POLICY_EXPIRY_CHANGE;
        assert_false(policy_password_warn(&facts));
        facts.expiry = POLICY_EXPIRY_LOGIN;
        facts.must_change = true;
        assert_false(policy_password_warn(&facts)); /* it is changed at once */
        facts.must_change = false;
        facts.has_password = false;
        assert_false(policy_password_warn(&facts));
}

static uint32_t left(uint32_t logins, uint32_t used, bool counted) {
        PolicyFacts facts = FACTS(f.grace_logins = logins; f.grace_used = used);

        return policy_grace_left(&facts, counted);
}

static void what_is_left_never_wraps(void **state) {
        assert_int_equal(left(3, 1, false), 2);
        assert_int_equal(left(3, 1, true), 1);
        assert_int_equal(left(3, 3, true), 0);
        assert_int_equal(left(0, 0, false), 0);
        assert_int_equal(left(3, UINT32_MAX, true), 0);
        assert_int_equal(left(UINT32_MAX, 0, true), UINT32_MAX - 1);
}

/* ---- verdicts ---------------------------------------------------------------------------------
 */

static void an_expired_password_is_changed_in_the_login(void **state) {
        expect(expired, POLICY_RENEW, POLICY_REASON_PASSWORD_EXPIRED, true);
        expect(FACTS(f.grace_used = 2), POLICY_RENEW, POLICY_REASON_PASSWORD_EXPIRED, true);
        expect(FACTS(f.grace_used = 3), POLICY_DENY, POLICY_REASON_PASSWORD_GRACE_USED, false);
        expect(FACTS(f.grace_used = 4), POLICY_DENY, POLICY_REASON_PASSWORD_GRACE_USED, false);
        expect(FACTS(f.grace_logins = 0; f.grace_used = 0), POLICY_DENY,
               POLICY_REASON_PASSWORD_GRACE_USED, false);
        expect(FACTS(f.password_expires_usec = NOW + 1), POLICY_ALLOW, POLICY_REASON_NONE, false);
}

static void a_key_is_told_and_then_refused(void **state) {
        static const PolicyProof keys[] = { POLICY_PROOF_NONE, POLICY_PROOF_KEY };

        for (size_t i = 0; i < ARRAY_LENGTH(keys); i++) {
                expect(FACTS(f.proof = keys[i]), POLICY_ALLOW, POLICY_REASON_NONE, true);
                expect(FACTS(f.proof = keys[i]; f.grace_used = 3), POLICY_DENY,
                       POLICY_REASON_PASSWORD_GRACE_USED, false);
                expect(FACTS(f.proof = keys[i]; f.must_change = true), POLICY_RENEW,
                       POLICY_REASON_MUST_CHANGE, true);
                /* who has no password has none that expires */
                expect(FACTS(f.proof = keys[i]; f.has_password = false; f.grace_used = 3),
                       POLICY_ALLOW, POLICY_REASON_NONE, false);
        }
        /* its end is past: the decision does not end there */
        assert_true(decide(FACTS(f.proof = POLICY_PROOF_KEY)).until_usec == NEVER);
}

static void inside_a_session_it_is_changed_and_never_counted(void **state) {
        expect(FACTS(f.expiry = POLICY_EXPIRY_CHANGE; f.grace_used = 9), POLICY_RENEW,
               POLICY_REASON_PASSWORD_EXPIRED, false);
        expect(FACTS(f.expiry = POLICY_EXPIRY_CHANGE; f.proof = POLICY_PROOF_NONE), POLICY_RENEW,
               POLICY_REASON_PASSWORD_EXPIRED, false);
}

static void where_nobody_logs_in_it_says_nothing(void **state) {
        expect(FACTS(f.expiry = POLICY_EXPIRY_EXEMPT; f.proof = POLICY_PROOF_NONE;
                     f.grace_used = 9),
               POLICY_ALLOW, POLICY_REASON_NONE, false);
        expect(FACTS(f.expiry = POLICY_EXPIRY_EXEMPT), POLICY_ALLOW, POLICY_REASON_NONE, false);
        expect(FACTS(f.expiry = POLICY_EXPIRY_EXEMPT; f.must_change = true), POLICY_RENEW,
               POLICY_REASON_MUST_CHANGE, false);
        expect(FACTS(f.expiry = _POLICY_EXPIRY_MAX), POLICY_DENY, POLICY_REASON_INTERNAL, false);
}

/* The way out for whoever has no login left. */
static void a_setup_code_stands_for_a_new_password(void **state) {
        expect(FACTS(f.proof = POLICY_PROOF_SETUP_CODE; f.must_change = true; f.grace_used = 9),
               POLICY_RENEW, POLICY_REASON_MUST_CHANGE, false);
}

static void a_temporary_one_that_is_over_is_over(void **state) {
        expect(FACTS(f.must_change = true), POLICY_RENEW, POLICY_REASON_MUST_CHANGE, true);
        expect(FACTS(f.must_change = true; f.grace_used = 3), POLICY_DENY,
               POLICY_REASON_PASSWORD_GRACE_USED, false);
}

static void whoever_is_refused_otherwise_uses_up_nothing(void **state) {
        expect(FACTS(f.locked = true), POLICY_DENY, POLICY_REASON_LOCKED, false);
        expect(FACTS(f.proof = POLICY_PROOF_WRONG), POLICY_DENY, POLICY_REASON_BAD_PROOF, false);
        expect(FACTS(f.locked_out = true; f.proof = POLICY_PROOF_NONE), POLICY_DENY,
               POLICY_REASON_LOCKOUT, false);
        expect(FACTS(f.locked = true; f.grace_used = 3), POLICY_DENY, POLICY_REASON_LOCKED, false);
}

/* Used up under a clock that was wrong, or a value: not lost for the day it expires. */
static void one_that_has_not_expired_has_all_logins_left(void **state) {
        assert_int_equal(decide(FACTS(f.password_expires_usec = NOW + 1)).grace_used, 0);
        assert_int_equal(
                decide(FACTS(f.password_expires_usec = NEVER; f.grace_used = 9)).grace_used, 0);
        assert_int_equal(decide(FACTS(f.password_expires_usec = NEVER; f.locked = true)).grace_used,
                         1);
        assert_int_equal(decide(FACTS(f.password_expires_usec = NEVER;
                                      f.expiry = POLICY_EXPIRY_EXEMPT))
                                 .grace_used,
                         1);
}

/* With a password that lets nobody in any more nobody adds a factor of his. */
static void no_factor_is_enrolled_by_whoever_is_refused(void **state) {
        PolicyFacts facts = FACTS(f.factor_required = POLICY_REQUIRED_ON; f.can_enrol = true;
                                  f.enrol_until_usec = NOW);

        expect(facts, POLICY_ENROL, POLICY_REASON_FACTOR_ENROL, false);
        facts.grace_used = 3;
        expect(facts, POLICY_DENY, POLICY_REASON_PASSWORD_GRACE_USED, false);
}

/* ---- properties -------------------------------------------------------------------------------
 */

static uint64_t seed = 0x2545f4914f6cdd1d;

static uint64_t any(void) {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        return seed;
}

static PolicyFacts any_facts(void) {
        static const uint64_t times[] = { 0, NOW - DAY, NOW - 1, NOW, NOW + 1, NOW + DAY, NEVER };

        return FACTS(f.proof = (PolicyProof)(any() % _POLICY_PROOF_MAX); f.has_password = any() % 4;
                     f.password_expires_usec = times[any() % ARRAY_LENGTH(times)];
                     f.password_warn_usec = times[any() % ARRAY_LENGTH(times)];
                     f.must_change = any() % 4 == 0;
                     f.expiry = (PolicyExpiry)(any() % _POLICY_EXPIRY_MAX);
                     f.grace_logins = (uint32_t)(any() % 4); f.grace_used = (uint32_t)(any() % 5);
                     f.locked = any() % 8 == 0);
}

static bool lets_in(const PolicyDecision *d) {
        return d->verdict == POLICY_ALLOW || d->verdict == POLICY_RENEW;
}

/* Whatever the facts: a login that is counted is let in, and after as many as are permitted none
 * is; the older the password, the less is allowed. */
static void logins_with_an_expired_password_come_to_an_end(void **state) {
        unsigned int counted = 0, refused = 0;

        for (int i = 0; i < 200000; i++) {
                PolicyFacts facts = any_facts(), older = facts;
                PolicyDecision d = decide(facts), o;

                assert_true(!d.grace_login || (lets_in(&d) && facts.expiry == POLICY_EXPIRY_LOGIN &&
                                               facts.grace_used < facts.grace_logins &&
                                               facts.password_expires_usec <= NOW));
                assert_true(d.reason != POLICY_REASON_PASSWORD_GRACE_USED ||
                            (d.verdict == POLICY_DENY && facts.grace_used >= facts.grace_logins));
                counted += d.grace_login;
                refused += d.reason == POLICY_REASON_PASSWORD_GRACE_USED;
                older.password_expires_usec = 0;
                o = decide(older);
                assert_true(lets_in(&d) || !lets_in(&o));
                assert_true(d.verdict != POLICY_RENEW || o.verdict != POLICY_ALLOW);
                assert_true(!lets_in(&d) || !policy_password_warn(&facts) || !d.grace_login);
        }
        assert_true(counted > 1000 && refused > 1000);
        for (int i = 0; i < 20000; i++) {
                PolicyFacts facts = any_facts();
                uint32_t used = facts.grace_used;

                for (int login = 0; login < 10; login++) {
                        PolicyDecision d = decide(facts);

                        facts.grace_used = d.grace_used;
                }
                assert_true(facts.grace_used <=
                            (used > facts.grace_logins ? used : facts.grace_logins));
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_earlier_of_two_ends_counts),
                cmocka_unit_test(it_may_be_changed_again_after_the_minimum),
                cmocka_unit_test(due_is_what_is_over_or_demanded),
                cmocka_unit_test(it_is_told_before_its_end_and_at_logins_alone),
                cmocka_unit_test(what_is_left_never_wraps),
                cmocka_unit_test(an_expired_password_is_changed_in_the_login),
                cmocka_unit_test(a_key_is_told_and_then_refused),
                cmocka_unit_test(inside_a_session_it_is_changed_and_never_counted),
                cmocka_unit_test(where_nobody_logs_in_it_says_nothing),
                cmocka_unit_test(a_setup_code_stands_for_a_new_password),
                cmocka_unit_test(a_temporary_one_that_is_over_is_over),
                cmocka_unit_test(whoever_is_refused_otherwise_uses_up_nothing),
                cmocka_unit_test(one_that_has_not_expired_has_all_logins_left),
                cmocka_unit_test(no_factor_is_enrolled_by_whoever_is_refused),
                cmocka_unit_test(logins_with_an_expired_password_come_to_an_end),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
