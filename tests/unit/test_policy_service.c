/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The judgement of service accounts (FEATURES A8): by um-api and a key, and by nothing else. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy/policy.h"

#define NOW ((uint64_t)1785574800 * USEC_PER_SEC)

static const PolicyFacts service = {
        .now_usec = NOW,
        .known = true,
        .status = USER_STATUS_ACTIVE,
        .suspended_until_usec = USEC_INFINITY,
        .valid_until_usec = USEC_INFINITY,
        .kind = HOLDER_SERVICE,
        .by_api = true,
        .keys = 1U << POLICY_KEY_ED25519,
        .key_types = 1U << POLICY_KEY_ED25519,
        .key_due = true,
        .key_known = true,
        .proof = POLICY_PROOF_NONE,
        .password_expires_usec = USEC_INFINITY,
        .second = POLICY_SECOND_DUE,
        .factor_required = POLICY_REQUIRED_HARDWARE,
};

#define SERVICE(...)                                                                               \
        ({                                                                                         \
                PolicyFacts f = service;                                                           \
                __VA_ARGS__;                                                                       \
                f;                                                                                 \
        })

static PolicyDecision decide(PolicyFacts facts) {
        PolicyDecision d;

        policy_decide(&facts, &d);
        return d;
}

static void expect(PolicyFacts facts, PolicyVerdict verdict, PolicyReason reason) {
        PolicyDecision d = decide(facts);

        assert_string_equal(policy_verdict_name(d.verdict), policy_verdict_name(verdict));
        assert_string_equal(policy_reason_name(d.reason), policy_reason_name(reason));
}

static void a_service_account_comes_in_by_its_key_and_um_api_alone(void **state) {
        PolicyFacts account = SERVICE(f.keys = 0; f.key_due = false; f.key_known = false);

        expect(service, POLICY_ALLOW, POLICY_REASON_NONE);
        expect(SERVICE(f.proof = POLICY_PROOF_KEY), POLICY_ALLOW, POLICY_REASON_NONE);
        expect(account, POLICY_ALLOW, POLICY_REASON_NONE); /* sshd names the key later */
        expect(SERVICE(f.by_api = false), POLICY_DENY, POLICY_REASON_KIND);
        expect(SERVICE(f.by_api = false; f.granted = true), POLICY_DENY, POLICY_REASON_KIND);
        expect(SERVICE(f.key_known = false), POLICY_DENY, POLICY_REASON_DEVICE_UNKNOWN);
        expect(SERVICE(f.keys = 0), POLICY_DENY, POLICY_REASON_DEVICE_REQUIRED);
        expect(SERVICE(f.key_types = 0), POLICY_DENY, POLICY_REASON_KEY_TYPE);
        expect(SERVICE(f.locked = true), POLICY_DENY, POLICY_REASON_LOCKED);
        expect(SERVICE(f.status = USER_STATUS_SUSPENDED), POLICY_DENY,
               POLICY_REASON_STATUS_SUSPENDED);
        expect(SERVICE(f.valid_until_usec = NOW), POLICY_DENY, POLICY_REASON_EXPIRED);
}

static void a_service_account_has_nothing_that_a_person_proves_himself_with(void **state) {
        static const PolicyProof proofs[] = { POLICY_PROOF_PASSWORD, POLICY_PROOF_RESET,
                                              POLICY_PROOF_SETUP_CODE };

        for (size_t i = 0; i < ARRAY_LENGTH(proofs); i++)
                expect(SERVICE(f.proof = proofs[i]; f.has_password = true), POLICY_DENY,
                       POLICY_REASON_INTERNAL);
        expect(SERVICE(f.proof = POLICY_PROOF_WRONG), POLICY_DENY, POLICY_REASON_BAD_PROOF);
}

static void kind_stands_before_the_service_and_in_the_trace(void **state) {
        PolicyDecision d = decide(SERVICE(f.by_api = false));

        assert_true(POLICY_CHECK_KIND + 1 == POLICY_CHECK_SERVICE);
        assert_int_equal(d.trace[POLICY_CHECK_SOURCE], POLICY_PASSED);
        assert_int_equal(d.trace[POLICY_CHECK_KIND], POLICY_FAILED);
        assert_int_equal(d.trace[POLICY_CHECK_SERVICE], POLICY_FAILED);
        d = decide(service);
        assert_int_equal(d.trace[POLICY_CHECK_KIND], POLICY_PASSED);
        assert_int_equal(d.trace[POLICY_CHECK_SERVICE], POLICY_NOT_APPLICABLE);
        assert_int_equal(d.trace[POLICY_CHECK_KEY], POLICY_PASSED);
        assert_int_equal(d.trace[POLICY_CHECK_FACTOR], POLICY_NOT_APPLICABLE);
        expect(SERVICE(f.kind = HOLDER_PERSON), POLICY_DENY, POLICY_REASON_INTERNAL);
        expect(SERVICE(f.kind = _HOLDER_KIND_MAX), POLICY_DENY, POLICY_REASON_INTERNAL);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_service_account_comes_in_by_its_key_and_um_api_alone),
                cmocka_unit_test(a_service_account_has_nothing_that_a_person_proves_himself_with),
                cmocka_unit_test(kind_stands_before_the_service_and_in_the_trace),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
