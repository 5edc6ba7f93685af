/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The judgement: rows for every reason, and the properties that must hold for any facts. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "policy/policy.h"

#define NOW ((uint64_t)1785574800 * USEC_PER_SEC)
#define DAY (86400 * USEC_PER_SEC)

static const PolicyFacts good = {
        .now_usec = NOW,
        .known = true,
        .status = USER_STATUS_ACTIVE,
        .suspended_until_usec = USEC_INFINITY,
        .valid_until_usec = USEC_INFINITY,
        .kind = HOLDER_PERSON,
        .granted = true,
        .proof = POLICY_PROOF_PASSWORD,
        .has_password = true,
        .password_expires_usec = USEC_INFINITY,
        .second = POLICY_SECOND_DUE,
        .strength = POLICY_STRENGTH_SINGLE,
        .enrol_until_usec = USEC_INFINITY,
};

#define FACTS(...)                                                                                 \
        ({                                                                                         \
                PolicyFacts f = good;                                                              \
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

static void everything_good_allows(void **state) {
        expect(good, POLICY_ALLOW, POLICY_REASON_NONE);
        expect(FACTS(f.proof = POLICY_PROOF_NONE), POLICY_ALLOW, POLICY_REASON_NONE);
        expect(FACTS(f.proof = POLICY_PROOF_NONE; f.has_password = false), POLICY_ALLOW,
               POLICY_REASON_NONE);
        expect(FACTS(f.proof = POLICY_PROOF_SETUP_CODE), POLICY_ALLOW, POLICY_REASON_NONE);
}

static void zeroed_facts_deny(void **state) {
        expect((PolicyFacts){ 0 }, POLICY_DENY, POLICY_REASON_UNKNOWN_USER);
        expect((PolicyFacts){ .known = true }, POLICY_DENY, POLICY_REASON_INTERNAL);
}

static void each_failing_check_denies_with_its_reason(void **state) {
        expect(FACTS(f.known = false), POLICY_DENY, POLICY_REASON_UNKNOWN_USER);
        expect(FACTS(f.status = USER_STATUS_PENDING), POLICY_DENY, POLICY_REASON_STATUS_PENDING);
        expect(FACTS(f.status = USER_STATUS_SUSPENDED), POLICY_DENY,
               POLICY_REASON_STATUS_SUSPENDED);
        expect(FACTS(f.status = USER_STATUS_INACTIVE), POLICY_DENY, POLICY_REASON_STATUS_INACTIVE);
        expect(FACTS(f.valid_from_usec = NOW + 1), POLICY_DENY, POLICY_REASON_NOT_YET_VALID);
        expect(FACTS(f.valid_until_usec = NOW - 1), POLICY_DENY, POLICY_REASON_EXPIRED);
        expect(FACTS(f.locked = true), POLICY_DENY, POLICY_REASON_LOCKED);
        expect(FACTS(f.locked_out = true), POLICY_DENY, POLICY_REASON_LOCKOUT);
        expect(FACTS(f.source_throttled = true), POLICY_DENY, POLICY_REASON_SOURCE_THROTTLED);
        expect(FACTS(f.granted = false), POLICY_DENY, POLICY_REASON_SERVICE_NOT_PERMITTED);
        expect(FACTS(f.proof = POLICY_PROOF_WRONG), POLICY_DENY, POLICY_REASON_BAD_PROOF);
        expect(FACTS(f.must_change = true), POLICY_RENEW, POLICY_REASON_MUST_CHANGE);
        expect(FACTS(f.password_expires_usec = NOW), POLICY_RENEW, POLICY_REASON_PASSWORD_EXPIRED);
}

static void facts_that_make_no_sense_deny(void **state) {
        expect(FACTS(f.status = USER_STATUS_INVALID), POLICY_DENY, POLICY_REASON_INTERNAL);
        expect(FACTS(f.status = USER_STATUS_DELETED), POLICY_DENY, POLICY_REASON_INTERNAL);
        expect(FACTS(f.status = _USER_STATUS_MAX), POLICY_DENY, POLICY_REASON_INTERNAL);
        expect(FACTS(f.status = (UserStatus)77), POLICY_DENY, POLICY_REASON_INTERNAL);
        expect(FACTS(f.proof = POLICY_PROOF_INVALID), POLICY_DENY, POLICY_REASON_INTERNAL);
        expect(FACTS(f.proof = _POLICY_PROOF_MAX), POLICY_DENY, POLICY_REASON_INTERNAL);
        expect(FACTS(f.proof = (PolicyProof)77), POLICY_DENY, POLICY_REASON_INTERNAL);
        expect(FACTS(f.has_password = false), POLICY_DENY, POLICY_REASON_INTERNAL);
        expect(FACTS(f.now_usec = 0), POLICY_DENY, POLICY_REASON_INTERNAL);
        expect(FACTS(f.now_usec = USEC_INFINITY), POLICY_DENY, POLICY_REASON_INTERNAL);
        expect(FACTS(f.second = POLICY_SECOND_INVALID), POLICY_DENY, POLICY_REASON_INTERNAL);
        expect(FACTS(f.second = _POLICY_SECOND_MAX), POLICY_DENY, POLICY_REASON_INTERNAL);
        expect(FACTS(f.strength = _POLICY_STRENGTH_MAX), POLICY_DENY, POLICY_REASON_INTERNAL);
        expect(FACTS(f.enrolled = _POLICY_STRENGTH_MAX), POLICY_DENY, POLICY_REASON_INTERNAL);
        expect(FACTS(f.factor_required = _POLICY_REQUIRED_MAX), POLICY_DENY,
               POLICY_REASON_INTERNAL);
        expect(FACTS(f.now_usec = 0; f.status = USER_STATUS_SUSPENDED; f.suspended_until_usec = 1),
               POLICY_DENY, POLICY_REASON_STATUS_SUSPENDED);
}

static void a_suspension_ends_by_itself_at_its_moment(void **state) {
        expect(FACTS(f.status = USER_STATUS_SUSPENDED; f.suspended_until_usec = NOW + 1),
               POLICY_DENY, POLICY_REASON_STATUS_SUSPENDED);
        expect(FACTS(f.status = USER_STATUS_SUSPENDED; f.suspended_until_usec = NOW), POLICY_ALLOW,
               POLICY_REASON_NONE);
        expect(FACTS(f.status = USER_STATUS_SUSPENDED; f.suspended_until_usec = 0), POLICY_DENY,
               POLICY_REASON_STATUS_SUSPENDED);
}

static void a_validity_holds_its_start_and_not_its_end(void **state) {
        expect(FACTS(f.valid_from_usec = NOW), POLICY_ALLOW, POLICY_REASON_NONE);
        expect(FACTS(f.valid_until_usec = NOW + 1), POLICY_ALLOW, POLICY_REASON_NONE);
        expect(FACTS(f.valid_until_usec = NOW), POLICY_DENY, POLICY_REASON_EXPIRED);
        expect(FACTS(f.valid_until_usec = 0), POLICY_DENY, POLICY_REASON_EXPIRED);
}

static void a_pending_user_passes_only_with_a_setup_code(void **state) {
        for (PolicyProof p = 0; p < _POLICY_PROOF_MAX; p++) {
                PolicyDecision d = decide(
                        FACTS(f.status = USER_STATUS_PENDING; f.proof = p; f.must_change = true));

                assert_int_equal(d.verdict,
                                 p == POLICY_PROOF_SETUP_CODE ? POLICY_RENEW : POLICY_DENY);
        }
}

static void a_due_password_concerns_key_logins_too(void **state) {
        expect(FACTS(f.proof = POLICY_PROOF_NONE; f.must_change = true), POLICY_RENEW,
               POLICY_REASON_MUST_CHANGE);
        expect(FACTS(f.proof = POLICY_PROOF_NONE; f.has_password = false; f.must_change = true),
               POLICY_ALLOW, POLICY_REASON_NONE);
        expect(FACTS(f.proof = POLICY_PROOF_SETUP_CODE; f.has_password = false;
                     f.must_change = true),
               POLICY_RENEW, POLICY_REASON_MUST_CHANGE);
        expect(FACTS(f.locked = true; f.must_change = true), POLICY_DENY, POLICY_REASON_LOCKED);
}

/* What a code by e-mail stands for, and nothing else: it lets in for a new password alone. */
static void a_forgotten_password_leads_to_a_new_one(void **state) {
        const PolicyFacts facts = FACTS(f.proof = POLICY_PROOF_RESET);
        PolicyFacts f;

        expect(facts, POLICY_RENEW, POLICY_REASON_MUST_CHANGE);
        f = facts;
        f.has_password = false; /* none was forgotten */
        expect(f, POLICY_DENY, POLICY_REASON_INTERNAL);
        f = facts;
        f.locked = true;
        expect(f, POLICY_DENY, POLICY_REASON_LOCKED);
        f = facts;
        f.password_expires_usec = NOW;
        f.expiry = POLICY_EXPIRY_LOGIN;
        f.grace_logins = f.grace_used = 1;
        expect(f, POLICY_DENY, POLICY_REASON_PASSWORD_GRACE_USED);
}

/* No time to enrol a factor, no grace and no enrolment stand for one beside it. */
static void a_mailbox_is_no_factor_beside_a_mailbox(void **state) {
        PolicyFacts facts =
                FACTS(f.proof = POLICY_PROOF_RESET; f.factor_required = POLICY_REQUIRED_ON;
                      f.enrol_until_usec = NOW + DAY; f.can_enrol = true);

        expect(facts, POLICY_DENY, POLICY_REASON_FACTOR_NOT_ENROLLED);
        facts.enrol_until_usec = 0;
        expect(facts, POLICY_DENY, POLICY_REASON_FACTOR_NOT_ENROLLED);
        facts.enrolled = POLICY_STRENGTH_MFA;
        facts.graced = true;
        expect(facts, POLICY_DENY, POLICY_REASON_FACTOR_REQUIRED);
        facts.strength = POLICY_STRENGTH_MFA;
        expect(facts, POLICY_RENEW, POLICY_REASON_MUST_CHANGE);
        facts.enrol_until_usec = NOW + DAY;
        facts.factor_required = POLICY_REQUIRED_HARDWARE;
        expect(facts, POLICY_DENY, POLICY_REASON_STRENGTH);
        facts.factor_required = POLICY_REQUIRED_OFF; /* he has one all the same */
        facts.strength = POLICY_STRENGTH_SINGLE;
        expect(facts, POLICY_DENY, POLICY_REASON_FACTOR_REQUIRED);
        facts.enrolled = POLICY_STRENGTH_NONE;
        facts.only_forbidden = true;
        expect(facts, POLICY_DENY, POLICY_REASON_FACTOR_NOT_ENROLLED);
        facts.only_forbidden = false;
        expect(facts, POLICY_RENEW, POLICY_REASON_MUST_CHANGE);
}

/* Of all that were used; what no value has stays refused whatever the value is. */
static void every_key_has_to_be_of_a_permitted_kind(void **state) {
        const uint32_t ed25519 = 1U << POLICY_KEY_ED25519, sk = 1U << POLICY_KEY_SK_ED25519;

        for (PolicyProof p = POLICY_PROOF_NONE; p <= POLICY_PROOF_KEY; p++) {
                expect(FACTS(f.proof = p; f.keys = sk; f.key_types = POLICY_KEYS_SK), POLICY_ALLOW,
                       POLICY_REASON_NONE);
                expect(FACTS(f.proof = p; f.keys = ed25519; f.key_types = POLICY_KEYS_SK),
                       POLICY_DENY, POLICY_REASON_KEY_TYPE);
                expect(FACTS(f.proof = p; f.keys = ed25519 | sk; f.key_types = POLICY_KEYS_SK),
                       POLICY_DENY, POLICY_REASON_KEY_TYPE);
                expect(FACTS(f.proof = p; f.keys = sk), POLICY_DENY, POLICY_REASON_KEY_TYPE);
                expect(FACTS(f.proof = p), POLICY_ALLOW, POLICY_REASON_NONE); /* none was */
        }
        for (uint32_t bit = 0; bit < 32; bit++)
                if (bit <= POLICY_KEY_RSA_SHORT)
                        expect(FACTS(f.keys = 1U << bit; f.key_types = UINT32_MAX), POLICY_DENY,
                               POLICY_REASON_KEY_TYPE);
                else
                        expect(FACTS(f.keys = 1U << bit; f.key_types = UINT32_MAX), POLICY_ALLOW,
                               POLICY_REASON_NONE);
        expect(FACTS(f.granted = false; f.keys = ed25519), POLICY_DENY,
               POLICY_REASON_SERVICE_NOT_PERMITTED);
        expect(FACTS(f.keys = ed25519; f.proof = POLICY_PROOF_WRONG), POLICY_DENY,
               POLICY_REASON_KEY_TYPE);
}

/* What he has to prove, has, and proved, and when the time to enrol ends. */
static void a_factor_is_demanded_as_the_rules_say(void **state) {
        enum { NONE, SINGLE, WEAK, MFA, HARD };
        enum { OFF, ON, HARDWARE };
        static const struct {
                int required, enrolled, strength;
                uint64_t until;
                PolicyProof proof;
                PolicyReason reason;
        } rows[] = {
                /* nothing is demanded */
                { OFF, NONE, SINGLE, 0, POLICY_PROOF_PASSWORD, POLICY_REASON_NONE },
                /* who has one is asked for it, and a key alone is not enough (B11) */
                { OFF, MFA, SINGLE, NOW + 1, POLICY_PROOF_PASSWORD, POLICY_REASON_FACTOR_REQUIRED },
                { OFF, MFA, MFA, 0, POLICY_PROOF_PASSWORD, POLICY_REASON_NONE },
                { OFF, MFA, WEAK, 0, POLICY_PROOF_PASSWORD, POLICY_REASON_NONE },
                { OFF, MFA, SINGLE, 0, POLICY_PROOF_NONE, POLICY_REASON_FACTOR_REQUIRED },
                { OFF, NONE, SINGLE, 0, POLICY_PROOF_NONE, POLICY_REASON_NONE },
                { ON, MFA, SINGLE, NOW + 1, POLICY_PROOF_NONE, POLICY_REASON_FACTOR_REQUIRED },
                { ON, MFA, NONE, NOW + 1, POLICY_PROOF_NONE, POLICY_REASON_FACTOR_REQUIRED },
                { ON, MFA, MFA, 0, POLICY_PROOF_PASSWORD, POLICY_REASON_NONE },
                /* none stored: inside the time, and after it (26) */
                { ON, NONE, SINGLE, NOW + 1, POLICY_PROOF_PASSWORD, POLICY_REASON_NONE },
                { ON, NONE, SINGLE, NOW, POLICY_PROOF_PASSWORD, POLICY_REASON_FACTOR_NOT_ENROLLED },
                { ON, NONE, SINGLE, 0, POLICY_PROOF_NONE, POLICY_REASON_FACTOR_NOT_ENROLLED },
                { HARDWARE, NONE, SINGLE, 0, POLICY_PROOF_PASSWORD,
                  POLICY_REASON_FACTOR_NOT_ENROLLED },
                /* a weaker one than demanded is still asked for */
                { HARDWARE, MFA, SINGLE, NOW + 1, POLICY_PROOF_PASSWORD,
                  POLICY_REASON_FACTOR_REQUIRED },
                { HARDWARE, MFA, MFA, NOW + 1, POLICY_PROOF_PASSWORD, POLICY_REASON_NONE },
                { HARDWARE, MFA, MFA, NOW, POLICY_PROOF_PASSWORD, POLICY_REASON_STRENGTH },
                { HARDWARE, HARD, MFA, NOW + 1, POLICY_PROOF_PASSWORD, POLICY_REASON_STRENGTH },
                { HARDWARE, HARD, SINGLE, 0, POLICY_PROOF_PASSWORD, POLICY_REASON_FACTOR_REQUIRED },
                { HARDWARE, HARD, HARD, 0, POLICY_PROOF_PASSWORD, POLICY_REASON_NONE },
        };

        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                PolicyDecision d =
                        decide(FACTS(f.factor_required = (PolicyRequired)rows[i].required;
                                     f.enrolled = (PolicyStrength)rows[i].enrolled;
                                     f.strength = (PolicyStrength)rows[i].strength;
                                     f.enrol_until_usec = rows[i].until; f.proof = rows[i].proof));

                if (d.reason != rows[i].reason)
                        fail_msg("row %zu: %s", i, policy_reason_name(d.reason));
                assert_int_equal(d.verdict,
                                 d.reason == POLICY_REASON_NONE ? POLICY_ALLOW : POLICY_DENY);
        }
}

static void enrolment_is_offered_where_it_helps(void **state) {
        PolicyFacts late = FACTS(f.factor_required = POLICY_REQUIRED_ON; f.can_enrol = true;
                                 f.enrol_until_usec = NOW);

        expect(late, POLICY_ENROL, POLICY_REASON_FACTOR_ENROL);
        late.must_change = true; /* both are due: one after the other */
        expect(late, POLICY_ENROL, POLICY_REASON_FACTOR_ENROL);
        late.locked = true;
        expect(late, POLICY_DENY, POLICY_REASON_LOCKED);
        late.locked = false;
        late.proof = POLICY_PROOF_WRONG;
        expect(late, POLICY_DENY, POLICY_REASON_BAD_PROOF);
        late.proof = POLICY_PROOF_PASSWORD;
        late.only_forbidden = true; /* he has one: a password alone must not replace it */
        expect(late, POLICY_DENY, POLICY_REASON_FACTOR_NOT_ENROLLED);
        late.only_forbidden = false;
        late.factor_required = POLICY_REQUIRED_HARDWARE; /* none that the dialogue can make */
        expect(late, POLICY_DENY, POLICY_REASON_FACTOR_NOT_ENROLLED);
}

static void a_grace_stands_for_a_factor_and_not_for_hardware(void **state) {
        PolicyFacts facts = FACTS(f.enrolled = POLICY_STRENGTH_HARDWARE; f.graced = true);

        expect(facts, POLICY_ALLOW, POLICY_REASON_NONE);
        facts.factor_required = POLICY_REQUIRED_ON;
        expect(facts, POLICY_ALLOW, POLICY_REASON_NONE);
        facts.factor_required = POLICY_REQUIRED_HARDWARE;
        expect(facts, POLICY_DENY, POLICY_REASON_FACTOR_REQUIRED);
        facts.second = POLICY_SECOND_EXEMPT;
        expect(facts, POLICY_ALLOW, POLICY_REASON_NONE);
}

static void what_has_to_be_enrolled_is_told_until_when(void **state) {
        PolicyFacts facts =
                FACTS(f.factor_required = POLICY_REQUIRED_ON; f.enrol_until_usec = NOW + DAY);

        assert_true(policy_enrol_due(&facts));
        assert_true(decide(facts).until_usec == NOW + DAY);
        facts.strength = facts.enrolled = POLICY_STRENGTH_MFA;
        assert_false(policy_enrol_due(&facts));
        assert_true(decide(facts).until_usec == USEC_INFINITY);
        facts = good;
        assert_false(policy_enrol_due(&facts));
}

static void each_method_has_its_strength(void **state) {
        assert_int_equal(policy_method_strength(POLICY_METHOD_EMAIL_CODE),
                         POLICY_STRENGTH_WEAK_MFA);
        assert_int_equal(policy_method_strength(POLICY_METHOD_TOTP), POLICY_STRENGTH_MFA);
        assert_int_equal(policy_method_strength(POLICY_METHOD_HOTP), POLICY_STRENGTH_MFA);
        assert_int_equal(policy_method_strength(POLICY_METHOD_RECOVERY), POLICY_STRENGTH_MFA);
        assert_int_equal(policy_method_strength(POLICY_METHOD_FIDO2), POLICY_STRENGTH_MFA);
        assert_int_equal(policy_method_strength(_POLICY_METHOD_MAX), POLICY_STRENGTH_NONE);
}

static void until_is_the_earliest_end(void **state) {
        assert_true(decide(good).until_usec == USEC_INFINITY);
        assert_true(decide(FACTS(f.valid_until_usec = NOW + DAY)).until_usec == NOW + DAY);
        assert_true(decide(FACTS(f.valid_until_usec = NOW + 2 * DAY;
                                 f.password_expires_usec = NOW + DAY))
                            .until_usec == NOW + DAY);
        assert_true(decide(FACTS(f.valid_until_usec = NOW + DAY; f.password_expires_usec = NOW))
                            .until_usec == NOW + DAY);
        assert_true(decide(FACTS(f.valid_until_usec = NOW + DAY; f.has_password = false;
                                 f.proof = POLICY_PROOF_NONE; f.password_expires_usec = NOW + 1))
                            .until_usec == NOW + DAY);
        assert_true(decide(FACTS(f.valid_until_usec = NOW)).until_usec == USEC_INFINITY);
}

static void the_first_failure_gives_the_reason_and_all_are_in_the_trace(void **state) {
        PolicyDecision d = decide(
                FACTS(f.status = USER_STATUS_INACTIVE; f.valid_until_usec = 1; f.locked = true;
                      f.locked_out = true; f.source_throttled = true; f.kind = HOLDER_INVALID;
                      f.granted = false; f.keys = 1U << POLICY_KEY_ED25519;
                      f.proof = POLICY_PROOF_WRONG; f.must_change = true;
                      f.factor_required = POLICY_REQUIRED_ON; f.enrol_until_usec = NOW));

        assert_int_equal(d.reason, POLICY_REASON_STATUS_INACTIVE);
        assert_int_equal(d.trace[POLICY_CHECK_KNOWN], POLICY_PASSED);
        for (PolicyCheck c = POLICY_CHECK_STATUS; c < _POLICY_CHECK_MAX; c++)
                assert_int_equal(d.trace[c], POLICY_FAILED);
        d = decide(FACTS(f.known = false; f.proof = POLICY_PROOF_WRONG));
        assert_int_equal(d.trace[POLICY_CHECK_STATUS], POLICY_NOT_REACHED);
        assert_int_equal(d.trace[POLICY_CHECK_PASSWORD], POLICY_NOT_REACHED);
        assert_int_equal(d.trace[POLICY_CHECK_PROOF], POLICY_FAILED);
}

/* ---- properties over random facts --------------------------------------------------------- */

static uint64_t seed = 0x9e3779b97f4a7c15;

static uint64_t any(void) {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        return seed;
}

static uint64_t any_time(void) {
        const uint64_t times[] = {
                0, 1, NOW - DAY, NOW - 1, NOW, NOW + 1, NOW + DAY, USEC_INFINITY
        };

        return times[any() % ARRAY_LENGTH(times)];
}

/* Mostly good, so that allows happen too. */
static PolicyFacts any_facts(void) {
        HolderKind kind = any() % 4 ? HOLDER_PERSON : (HolderKind)(any() % 4);

        return (PolicyFacts){
                .now_usec = any() % 8 ? NOW : any_time(),
                .known = any() % 8,
                .status = any() % 2 ? USER_STATUS_ACTIVE : (UserStatus)(any() % 8),
                .suspended_until_usec = any_time(),
                .valid_from_usec = any() % 2 ? 0 : any_time(),
                .valid_until_usec = any() % 2 ? USEC_INFINITY : any_time(),
                .locked = any() % 4 == 0,
                .locked_out = any() % 8 == 0,
                .source_throttled = any() % 8 == 0,
                .kind = kind,
                .by_api = kind == HOLDER_SERVICE ? any() % 4 : any() % 16 == 0,
                .key_due = any() % 8 == 0,
                .key_known = any() % 2,
                .granted = any() % 4,
                .keys = any() % 2 ? 0 : 1U << any() % 12,
                .key_types = (uint32_t)any(),
                .proof = any() % 2 ? POLICY_PROOF_PASSWORD : (PolicyProof)(any() % 8),
                .has_password = any() % 4,
                .password_expires_usec = any_time(),
                .must_change = any() % 4 == 0,
                .expiry = any() % 2 ? POLICY_EXPIRY_LOGIN : (PolicyExpiry)(any() % 4),
                .grace_logins = (uint32_t)(any() % 4),
                .grace_used = (uint32_t)(any() % 5),
                .second = any() % 4 ? POLICY_SECOND_DUE : (PolicySecond)(any() % 4),
                .strength = (PolicyStrength)(any() % 6),
                .enrolled = (PolicyStrength)(any() % 6),
                .only_forbidden = any() % 8 == 0,
                .factor_required = any() % 2 ? POLICY_REQUIRED_OFF : (PolicyRequired)(any() % 4),
                .enrol_until_usec = any_time(),
                .graced = any() % 4 == 0,
                .can_enrol = any() % 2,
        };
}

static bool holds(PolicyResult result) {
        return result == POLICY_PASSED || result == POLICY_NOT_APPLICABLE;
}

static void an_allow_needs_every_check(void **state) {
        unsigned int allowed = 0;

        for (int i = 0; i < 200000; i++) {
                PolicyFacts facts = any_facts();
                PolicyDecision a = decide(facts), b = decide(facts);
                bool all = true, all_but_password = true, all_but_two = true;

                assert_memory_equal(a.trace, b.trace, sizeof(a.trace));
                assert_true(a.verdict == b.verdict && a.reason == b.reason &&
                            a.until_usec == b.until_usec);
                for (PolicyCheck c = 0; c < _POLICY_CHECK_MAX; c++) {
                        all = all && holds(a.trace[c]);
                        all_but_password = all_but_password &&
                                           (c == POLICY_CHECK_PASSWORD || holds(a.trace[c]));
                        all_but_two =
                                all_but_two && (c >= POLICY_CHECK_FACTOR || holds(a.trace[c]));
                        assert_true(a.trace[c] != POLICY_NOT_REACHED || !facts.known);
                }
                assert_int_equal(a.verdict == POLICY_ALLOW, all);
                assert_int_equal(a.verdict == POLICY_RENEW,
                                 all_but_password && !all &&
                                         a.reason != POLICY_REASON_PASSWORD_GRACE_USED &&
                                         a.reason != POLICY_REASON_INTERNAL);
                assert_int_equal(a.verdict == POLICY_ENROL,
                                 all_but_two && a.reason == POLICY_REASON_FACTOR_ENROL);
                assert_true(a.verdict != POLICY_DENY || !a.grace_login);
                assert_int_equal(a.reason == POLICY_REASON_NONE, all);
                assert_true(a.verdict != POLICY_DENY || a.until_usec == USEC_INFINITY);
                allowed += a.verdict == POLICY_ALLOW;
        }
        assert_true(allowed > 1000);
}

static bool lets_in(const PolicyFacts *facts) {
        PolicyVerdict verdict = decide(*facts).verdict;

        return verdict == POLICY_ALLOW || verdict == POLICY_RENEW;
}

/* The more is asked for or the less is proved, the fewer get in. */
static void a_factor_is_never_asked_less_of(void **state) {
        unsigned int kept_out = 0;

        for (int i = 0; i < 200000; i++) {
                PolicyFacts facts = any_facts(), less;

                facts.kind = HOLDER_PERSON; /* of a service account none is asked */
                less = facts;
                switch (any() % 6) {
                case 0:
                        less.strength -= less.strength > 0;
                        break;
                case 1:
                        less.factor_required += less.factor_required < POLICY_REQUIRED_HARDWARE;
                        break;
                case 2:
                        less.graced = false;
                        break;
                case 3:
                        less.enrol_until_usec = 0;
                        break;
                case 4: /* what he has is not permitted any more */
                        less.only_forbidden =
                                less.only_forbidden || less.enrolled > POLICY_STRENGTH_SINGLE;
                        less.enrolled = POLICY_STRENGTH_NONE;
                        less.strength =
                                less.only_forbidden && less.strength > POLICY_STRENGTH_SINGLE
                                        ? POLICY_STRENGTH_SINGLE
                                        : less.strength;
                        break;
                case 5:
                        less.second = POLICY_SECOND_DUE;
                        break;
                }
                if (facts.second >= _POLICY_SECOND_MAX || facts.second == POLICY_SECOND_INVALID ||
                    facts.strength >= _POLICY_STRENGTH_MAX ||
                    facts.enrolled >= _POLICY_STRENGTH_MAX ||
                    facts.factor_required >= _POLICY_REQUIRED_MAX)
                        assert_false(lets_in(&facts) && facts.second != POLICY_SECOND_EXEMPT);
                else if (!lets_in(&facts)) {
                        assert_false(lets_in(&less));
                        kept_out++;
                }
        }
        assert_true(kept_out > 1000);
}

static void taking_something_away_never_allows(void **state) {
        for (int i = 0; i < 200000; i++) {
                PolicyFacts less = any_facts(), facts = less;

                switch (any() % 12) {
                case 0:
                        less.locked = true;
                        break;
                case 1:
                        less.granted = facts.granted && facts.by_api;
                        break;
                case 2:
                        less.status = USER_STATUS_INACTIVE;
                        break;
                case 3:
                        less.proof = POLICY_PROOF_WRONG;
                        break;
                case 5:
                        less.locked_out = true;
                        break;
                case 6:
                        less.source_throttled = true;
                        break;
                case 4:
                        less.known = false;
                        break;
                case 7: /* one key more, of a kind that is not permitted */
                        less.keys |= 1U << POLICY_KEY_ED25519;
                        less.key_types &= ~(1U << POLICY_KEY_ED25519);
                        break;
                case 8:
                        less.keys |= 1U << POLICY_KEY_OTHER;
                        break;
                case 9:
                        less.kind = HOLDER_INVALID;
                        break;
                case 10: /* another way in */
                        less.by_api = facts.kind != HOLDER_SERVICE;
                        break;
                case 11: /* a key that is not his, or none where there has to be one */
                        if (facts.kind != HOLDER_SERVICE)
                                break;
                        less.key_known = false;
                        less.key_due = true;
                        break;
                }
                if (memcmp(&less, &facts, sizeof(less)) != 0)
                        assert_int_equal(decide(less).verdict, POLICY_DENY);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(everything_good_allows),
                cmocka_unit_test(zeroed_facts_deny),
                cmocka_unit_test(each_failing_check_denies_with_its_reason),
                cmocka_unit_test(facts_that_make_no_sense_deny),
                cmocka_unit_test(a_suspension_ends_by_itself_at_its_moment),
                cmocka_unit_test(a_validity_holds_its_start_and_not_its_end),
                cmocka_unit_test(a_pending_user_passes_only_with_a_setup_code),
                cmocka_unit_test(a_due_password_concerns_key_logins_too),
                cmocka_unit_test(a_forgotten_password_leads_to_a_new_one),
                cmocka_unit_test(a_mailbox_is_no_factor_beside_a_mailbox),
                cmocka_unit_test(every_key_has_to_be_of_a_permitted_kind),
                cmocka_unit_test(a_factor_is_demanded_as_the_rules_say),
                cmocka_unit_test(enrolment_is_offered_where_it_helps),
                cmocka_unit_test(a_grace_stands_for_a_factor_and_not_for_hardware),
                cmocka_unit_test(what_has_to_be_enrolled_is_told_until_when),
                cmocka_unit_test(each_method_has_its_strength),
                cmocka_unit_test(until_is_the_earliest_end),
                cmocka_unit_test(the_first_failure_gives_the_reason_and_all_are_in_the_trace),
                cmocka_unit_test(an_allow_needs_every_check),
                cmocka_unit_test(a_factor_is_never_asked_less_of),
                cmocka_unit_test(taking_something_away_never_allows),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
