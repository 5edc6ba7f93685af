/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The judgement.  Every check looks at the facts alone and leaves its own line in the trace,
 * whatever the others said; the first failed one gives the reason.  So "explain" shows all that
 * stood in the way, and not only what stood in front.
 *
 * It guarantees that nothing is allowed unless each check passed or does not apply, and that facts
 * which contradict each other deny: a zeroed struct is an unknown user without a proof.  It never
 * reads a clock, allocates, or remembers anything. */

#include "policy/policy.h"

typedef struct Finding {
        PolicyResult result;
        PolicyReason reason;
} Finding;

static const Finding passed = { POLICY_PASSED, POLICY_REASON_NONE };
static const Finding not_applicable = { POLICY_NOT_APPLICABLE, POLICY_REASON_NONE };
static const Finding not_reached = { POLICY_NOT_REACHED, POLICY_REASON_UNKNOWN_USER };

static Finding failed(PolicyReason reason) {
        return (Finding){ POLICY_FAILED, reason };
}

/* A clock that cannot be read gives 0 (base.h); "never" is no moment either. */
static bool now_makes_sense(const PolicyFacts *facts) {
        return facts->now_usec != 0 && facts->now_usec != USEC_INFINITY;
}

static Finding check_known(const PolicyFacts *facts) {
        return facts->known ? passed : failed(POLICY_REASON_UNKNOWN_USER);
}

static Finding check_status(const PolicyFacts *facts) {
        switch (facts->status) {
        case USER_STATUS_ACTIVE:
                return passed;
        case USER_STATUS_SUSPENDED:
                /* 0 is no moment a suspension can end at: taken for a record nobody filled in */
                if (facts->suspended_until_usec == 0 || !now_makes_sense(facts) ||
                    facts->suspended_until_usec > facts->now_usec)
                        return failed(POLICY_REASON_STATUS_SUSPENDED);
                return passed;
        case USER_STATUS_PENDING:
                return facts->proof == POLICY_PROOF_SETUP_CODE
                               ? passed
                               : failed(POLICY_REASON_STATUS_PENDING);
        case USER_STATUS_INACTIVE:
                return failed(POLICY_REASON_STATUS_INACTIVE);
        case USER_STATUS_DELETED: /* a tombstone that is said to be known */
        case USER_STATUS_INVALID:
        case _USER_STATUS_MAX:
                break;
        }
        return failed(POLICY_REASON_INTERNAL);
}

static Finding check_validity(const PolicyFacts *facts) {
        if (!now_makes_sense(facts))
                return failed(POLICY_REASON_INTERNAL);
        if (facts->now_usec >= facts->valid_until_usec)
                return failed(POLICY_REASON_EXPIRED);
        if (facts->now_usec < facts->valid_from_usec)
                return failed(POLICY_REASON_NOT_YET_VALID);
        return passed;
}

static Finding check_lock(const PolicyFacts *facts) {
        return facts->locked ? failed(POLICY_REASON_LOCKED) : passed;
}

static Finding check_lockout(const PolicyFacts *facts) {
        return facts->locked_out ? failed(POLICY_REASON_LOCKOUT) : passed;
}

static Finding check_source(const PolicyFacts *facts) {
        return facts->source_throttled ? failed(POLICY_REASON_SOURCE_THROTTLED) : passed;
}

/* A service account comes in by um-api and by nothing else, whatever it was granted. */
static Finding check_kind(const PolicyFacts *facts) {
        switch (facts->kind) {
        case HOLDER_PERSON:
                return facts->by_api ? failed(POLICY_REASON_INTERNAL) : passed;
        case HOLDER_SERVICE:
                return facts->by_api ? passed : failed(POLICY_REASON_KIND);
        case HOLDER_INVALID:
        case _HOLDER_KIND_MAX:
                break;
        }
        return failed(POLICY_REASON_INTERNAL);
}

/* um-api takes no login. permission: what an account may do there is asked with each call. */
static Finding check_service(const PolicyFacts *facts) {
        if (facts->kind == HOLDER_SERVICE && facts->by_api)
                return not_applicable;
        return facts->granted ? passed : failed(POLICY_REASON_SERVICE_NOT_PERMITTED);
}

/* All of them: whoever may add a second way in must not make a forbidden one of the first.  What no
 * value has is refused whatever the value says. */
static Finding check_key(const PolicyFacts *facts) {
        static const uint32_t never = 1U << POLICY_KEY_OTHER | 1U << POLICY_KEY_RSA_SHORT;

        if (facts->keys == 0)
                return facts->key_due ? failed(POLICY_REASON_DEVICE_REQUIRED) : not_applicable;
        if ((facts->keys & (~facts->key_types | never)) != 0)
                return failed(POLICY_REASON_KEY_TYPE);
        return facts->kind == HOLDER_SERVICE && !facts->key_known
                       ? failed(POLICY_REASON_DEVICE_UNKNOWN)
                       : passed;
}

/* A service account has nothing to prove itself with but its key: what says otherwise is wrong. */
static bool proof_is_a_persons(const PolicyFacts *facts) {
        return facts->proof == POLICY_PROOF_PASSWORD || facts->proof == POLICY_PROOF_RESET ||
               facts->proof == POLICY_PROOF_SETUP_CODE;
}

static Finding check_proof(const PolicyFacts *facts) {
        if (facts->kind == HOLDER_SERVICE && proof_is_a_persons(facts))
                return failed(POLICY_REASON_INTERNAL);
        switch (facts->proof) {
        case POLICY_PROOF_NONE:
                return not_applicable;
        case POLICY_PROOF_PASSWORD:
        case POLICY_PROOF_RESET:
                /* a password that was right, or forgotten, and is not there */
                return facts->has_password ? passed : failed(POLICY_REASON_INTERNAL);
        case POLICY_PROOF_SETUP_CODE:
        case POLICY_PROOF_KEY:
                return passed;
        case POLICY_PROOF_WRONG:
                return failed(POLICY_REASON_BAD_PROOF);
        case POLICY_PROOF_INVALID:
        case _POLICY_PROOF_MAX:
                break;
        }
        return failed(POLICY_REASON_INTERNAL);
}

PolicyStrength policy_method_strength(PolicyMethod method) {
        switch (method) {
        case POLICY_METHOD_EMAIL_CODE:
                return POLICY_STRENGTH_WEAK_MFA;
        case POLICY_METHOD_TOTP:
        case POLICY_METHOD_HOTP:
        case POLICY_METHOD_FIDO2:
        case POLICY_METHOD_RECOVERY:
                return POLICY_STRENGTH_MFA;
        case _POLICY_METHOD_MAX:
                break;
        }
        return POLICY_STRENGTH_NONE;
}

static bool has_factor(const PolicyFacts *facts) {
        return facts->enrolled > POLICY_STRENGTH_SINGLE || facts->only_forbidden;
}

PolicyStrength policy_strength_required(PolicyRequired required) {
        switch (required) {
        case POLICY_REQUIRED_HARDWARE:
                return POLICY_STRENGTH_HARDWARE;
        case POLICY_REQUIRED_ON:
        case POLICY_REQUIRED_OFF: /* who has one proves it, after a key too */
                return POLICY_STRENGTH_WEAK_MFA;
        case _POLICY_REQUIRED_MAX:
                break;
        }
        return _POLICY_STRENGTH_MAX;
}

static PolicyStrength strength_needed(const PolicyFacts *facts) {
        return facts->factor_required == POLICY_REQUIRED_OFF && !has_factor(facts)
                       ? POLICY_STRENGTH_NONE
                       : policy_strength_required(facts->factor_required);
}

/* The user has no factor that is strong enough.  Until the time to enrol one is over, he has to
 * prove what he has: a requirement never asks for less than no requirement does. */
static Finding check_unenrolled(const PolicyFacts *facts) {
        bool in_time = now_makes_sense(facts) && facts->now_usec < facts->enrol_until_usec;

        /* a password must not become enough because a method was taken out of the list */
        if (facts->only_forbidden)
                return failed(POLICY_REASON_FACTOR_NOT_ENROLLED);
        if (facts->enrolled > POLICY_STRENGTH_SINGLE) {
                if (facts->strength < POLICY_STRENGTH_WEAK_MFA && !(in_time && facts->graced))
                        return failed(POLICY_REASON_FACTOR_REQUIRED);
                return in_time ? passed : failed(POLICY_REASON_STRENGTH);
        }
        if (in_time)
                return passed;
        return failed(facts->can_enrol && facts->factor_required != POLICY_REQUIRED_HARDWARE
                              ? POLICY_REASON_FACTOR_ENROL
                              : POLICY_REASON_FACTOR_NOT_ENROLLED);
}

/* The mailbox stands for the password, so nothing but a factor stands for the factor: no time to
 * enrol one, no grace, and no enrolment, or whoever reads the mail makes one of his own. */
static Finding check_reset(const PolicyFacts *facts, PolicyStrength needed) {
        if (facts->strength >= needed)
                return passed;
        if (facts->enrolled <= POLICY_STRENGTH_SINGLE)
                return failed(POLICY_REASON_FACTOR_NOT_ENROLLED);
        return failed(facts->strength < POLICY_STRENGTH_WEAK_MFA ? POLICY_REASON_FACTOR_REQUIRED
                                                                 : POLICY_REASON_STRENGTH);
}

bool policy_enrol_due(const PolicyFacts *facts) {
        return facts->second == POLICY_SECOND_DUE &&
               facts->factor_required != POLICY_REQUIRED_OFF &&
               facts->enrolled < strength_needed(facts) && facts->strength < strength_needed(facts);
}

static Finding check_factor(const PolicyFacts *facts) {
        PolicyStrength needed = strength_needed(facts);

        if (facts->second == POLICY_SECOND_EXEMPT || facts->kind == HOLDER_SERVICE)
                return not_applicable;
        if (facts->second != POLICY_SECOND_DUE || needed >= _POLICY_STRENGTH_MAX ||
            facts->strength >= _POLICY_STRENGTH_MAX || facts->enrolled >= _POLICY_STRENGTH_MAX)
                return failed(POLICY_REASON_INTERNAL);
        if (needed == POLICY_STRENGTH_NONE)
                return not_applicable;
        if (facts->proof == POLICY_PROOF_RESET)
                return check_reset(facts, needed);
        if (facts->strength >= needed)
                return passed;
        if (facts->enrolled < needed)
                return check_unenrolled(facts);
        if (facts->graced && needed != POLICY_STRENGTH_HARDWARE)
                return passed;
        return failed(facts->strength < POLICY_STRENGTH_WEAK_MFA ? POLICY_REASON_FACTOR_REQUIRED
                                                                 : POLICY_REASON_STRENGTH);
}

/* Came he in by something that is no password of um's (a key)? */
static bool by_key(const PolicyFacts *facts) {
        return facts->proof == POLICY_PROOF_NONE || facts->proof == POLICY_PROOF_KEY;
}

static bool is_expired(const PolicyFacts *facts) {
        return facts->now_usec >= facts->password_expires_usec;
}

/* An expired password of somebody who logs in, or may have to.  A setup code stands for a new one.
 */
static bool expiry_counts(const PolicyFacts *facts) {
        return facts->expiry == POLICY_EXPIRY_LOGIN && facts->has_password && is_expired(facts) &&
               facts->proof != POLICY_PROOF_SETUP_CODE;
}

/* Applies to everyone who has a password, key logins too.  Where a change is demanded of a key,
 * sshd runs passwd; one that has only expired by its age is told to a key, and it is let in as long
 * as logins are left: who has a key may not know his password any more.  After a setup code there
 * may be none yet, which is why a change is due; a code for a forgotten one lets in for nothing
 * else. */
static Finding check_password(const PolicyFacts *facts) {
        if (facts->expiry >= _POLICY_EXPIRY_MAX)
                return failed(POLICY_REASON_INTERNAL);
        if (!facts->has_password && facts->proof != POLICY_PROOF_SETUP_CODE)
                return not_applicable;
        if (expiry_counts(facts) && facts->grace_used >= facts->grace_logins)
                return failed(POLICY_REASON_PASSWORD_GRACE_USED);
        if (facts->must_change || facts->proof == POLICY_PROOF_RESET)
                return failed(POLICY_REASON_MUST_CHANGE);
        if (!is_expired(facts) || facts->expiry == POLICY_EXPIRY_EXEMPT)
                return passed;
        return expiry_counts(facts) && by_key(facts) ? passed
                                                     : failed(POLICY_REASON_PASSWORD_EXPIRED);
}

static const struct {
        Finding (*make)(const PolicyFacts *facts);
        bool needs_record; /* says nothing about a name nobody has */
} checks[_POLICY_CHECK_MAX] = {
        [POLICY_CHECK_KNOWN] = { check_known, false },
        [POLICY_CHECK_STATUS] = { check_status, true },
        [POLICY_CHECK_VALIDITY] = { check_validity, true },
        [POLICY_CHECK_LOCK] = { check_lock, true },
        [POLICY_CHECK_LOCKOUT] = { check_lockout, true },
        [POLICY_CHECK_SOURCE] = { check_source, false },
        [POLICY_CHECK_KIND] = { check_kind, true },
        [POLICY_CHECK_SERVICE] = { check_service, true },
        [POLICY_CHECK_KEY] = { check_key, true },
        [POLICY_CHECK_PROOF] = { check_proof, false },
        [POLICY_CHECK_FACTOR] = { check_factor, true },
        [POLICY_CHECK_PASSWORD] = { check_password, true },
};

static uint64_t decision_until(const PolicyFacts *facts, const PolicyResult *trace) {
        uint64_t until = facts->valid_until_usec;

        if (trace[POLICY_CHECK_PASSWORD] == POLICY_PASSED && !is_expired(facts) &&
            facts->password_expires_usec < until)
                until = facts->password_expires_usec;
        if (trace[POLICY_CHECK_FACTOR] == POLICY_PASSED && policy_enrol_due(facts) &&
            facts->enrol_until_usec < until)
                until = facts->enrol_until_usec;
        return until;
}

/* What the login itself can put right: the last two checks, with everything before them passed. */
static PolicyVerdict verdict_of(PolicyCheck check, PolicyReason reason) {
        if (check == POLICY_CHECK_PASSWORD)
                return reason == POLICY_REASON_PASSWORD_EXPIRED ||
                                       reason == POLICY_REASON_MUST_CHANGE
                               ? POLICY_RENEW
                               : POLICY_DENY;
        return check == POLICY_CHECK_FACTOR && reason == POLICY_REASON_FACTOR_ENROL ? POLICY_ENROL
                                                                                    : POLICY_DENY;
}

/* Logins since the password expired: one that has not has none.  A clock that was wrong for a
 * while, or a value that was, must not cost them later. */
static void count_login(const PolicyFacts *facts, PolicyDecision *decision) {
        decision->grace_login = expiry_counts(facts);
        if (decision->grace_login)
                decision->grace_used++;
        else if (facts->expiry == POLICY_EXPIRY_LOGIN && !is_expired(facts))
                decision->grace_used = 0;
}

/* The first reason stays, unless the login could put that right and this one denies: nobody enrols
 * a factor with a password that lets him in no more. */
static bool takes_over(const PolicyDecision *decision, PolicyVerdict verdict) {
        return decision->reason == POLICY_REASON_NONE ||
               (decision->verdict != POLICY_DENY && verdict == POLICY_DENY);
}

void policy_decide(const PolicyFacts *facts, PolicyDecision *ret) {
        PolicyDecision decision = { .verdict = POLICY_DENY,
                                    .reason = POLICY_REASON_NONE,
                                    .until_usec = USEC_INFINITY };

        for (PolicyCheck c = 0; c < _POLICY_CHECK_MAX; c++) {
                Finding f = checks[c].needs_record && !facts->known ? not_reached
                                                                    : checks[c].make(facts);
                PolicyVerdict verdict = verdict_of(c, f.reason);

                decision.trace[c] = f.result;
                if (f.result != POLICY_PASSED && f.result != POLICY_NOT_APPLICABLE &&
                    takes_over(&decision, verdict)) {
                        decision.reason = f.reason;
                        decision.verdict = verdict;
                }
        }
        if (decision.reason == POLICY_REASON_NONE)
                decision.verdict = POLICY_ALLOW;
        if (decision.verdict != POLICY_DENY)
                decision.until_usec = decision_until(facts, decision.trace);
        decision.grace_used = facts->grace_used;
        if (decision.verdict == POLICY_ALLOW || decision.verdict == POLICY_RENEW)
                count_login(facts, &decision);
        *ret = decision;
}
