/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* policy: facts in, decision out.  Pure: no clock, file, socket, log, global, locale or allocation.
 * The same facts always give the same decision; facts that make no sense decide DENY.
 * Order of the checks and the reasons: docs/ARCHITECTURE.md, "Judgement". */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/base.h"

typedef enum UserStatus {
        USER_STATUS_INVALID, /* never stored; a zeroed record denies */
        USER_STATUS_PENDING,
        USER_STATUS_ACTIVE,
        USER_STATUS_SUSPENDED,
        USER_STATUS_INACTIVE,
        USER_STATUS_DELETED,
        _USER_STATUS_MAX,
} UserStatus;

typedef enum PolicyVerdict {
        POLICY_DENY, /* zero on purpose: a decision nobody filled in denies */
        POLICY_ALLOW,
        POLICY_RENEW, /* allowed once the password is changed in this login */
        _POLICY_VERDICT_MAX,
} PolicyVerdict;

typedef enum PolicyReason {
        POLICY_REASON_INTERNAL, /* facts that make no sense */
        POLICY_REASON_NONE,     /* allowed, nothing to say */
        POLICY_REASON_UNKNOWN_USER,
        POLICY_REASON_STATUS_PENDING,
        POLICY_REASON_STATUS_SUSPENDED,
        POLICY_REASON_STATUS_INACTIVE,
        POLICY_REASON_NOT_YET_VALID,
        POLICY_REASON_EXPIRED,
        POLICY_REASON_LOCKED,
        POLICY_REASON_SERVICE_NOT_PERMITTED, /* no grant that counts */
        POLICY_REASON_BAD_PROOF,
        POLICY_REASON_PASSWORD_EXPIRED,
        POLICY_REASON_MUST_CHANGE,
        _POLICY_REASON_MAX,
} PolicyReason;

/* The checks, in the order they are made; the first that fails gives the reason, all are in the
 * trace. */
typedef enum PolicyCheck {
        POLICY_CHECK_KNOWN,
        POLICY_CHECK_STATUS,
        POLICY_CHECK_VALIDITY,
        POLICY_CHECK_LOCK,
        POLICY_CHECK_SERVICE,
        POLICY_CHECK_PROOF,
        POLICY_CHECK_PASSWORD,
        _POLICY_CHECK_MAX,
} PolicyCheck;

typedef enum PolicyResult {
        POLICY_NOT_REACHED, /* zero: a check that was not made has not passed */
        POLICY_PASSED,
        POLICY_FAILED,
        POLICY_NOT_APPLICABLE, /* the proof in a login that had no auth phase, a password nobody
                                  uses */
        _POLICY_RESULT_MAX,
} PolicyResult;

/* How the person proved himself before this question. */
typedef enum PolicyProof {
        POLICY_PROOF_INVALID,
        POLICY_PROOF_NONE, /* the service has no auth phase of um's: ssh key, cron, su from root */
        POLICY_PROOF_PASSWORD,
        POLICY_PROOF_SETUP_CODE, /* stands for the password once */
        POLICY_PROOF_WRONG,
        _POLICY_PROOF_MAX,
} PolicyProof;

typedef struct PolicyFacts {
        uint64_t now_usec; /* wall clock */
        bool known;        /* a record that is not a tombstone */
        UserStatus status;
        uint64_t suspended_until_usec; /* USEC_INFINITY: until resumed */
        uint64_t valid_from_usec;      /* 0: no limit */
        uint64_t valid_until_usec;     /* USEC_INFINITY: no limit; the moment itself is over */
        bool locked;                   /* by an admin */
        bool granted;                  /* at least one grant counts for this service here */
        PolicyProof proof;
        bool has_password;
        uint64_t password_expires_usec; /* USEC_INFINITY: never */
        bool must_change;
} PolicyFacts;

typedef struct PolicyDecision {
        PolicyVerdict verdict;
        PolicyReason reason;
        uint64_t until_usec; /* an allowed decision has to be judged again then; USEC_INFINITY:
                                never */
        PolicyResult trace[_POLICY_CHECK_MAX];
} PolicyDecision;

void policy_decide(const PolicyFacts *facts, PolicyDecision *ret);

/* "active", "status-suspended", "validity", "failed": as they stand in the API and the audit;
 * static. */
const char *policy_status_name(UserStatus status);
UserStatus policy_status_from_name(const char *name); /* USER_STATUS_INVALID for none */
const char *policy_reason_name(PolicyReason reason);
const char *policy_check_name(PolicyCheck check);
const char *policy_result_name(PolicyResult result);
const char *policy_verdict_name(PolicyVerdict verdict);

/* The five states and the steps between them (FEATURES G4). */
typedef enum StatusStep {
        STATUS_STEP_ACTIVATE, /* pending -> active, at the first login */
        STATUS_STEP_SUSPEND,  /* active -> suspended; again on suspended: a new reason or end */
        STATUS_STEP_RESUME,   /* suspended -> active */
        STATUS_STEP_DISABLE,  /* pending, active, suspended -> inactive */
        STATUS_STEP_ENABLE,   /* inactive -> active */
        STATUS_STEP_DELETE,   /* any but deleted -> deleted */
        STATUS_STEP_RESTORE,  /* deleted -> inactive */
        _STATUS_STEP_MAX,
} StatusStep;

/* The state behind the step, or USER_STATUS_INVALID where the state does not allow it; then
 * ret_hint is a static phrase naming the right verb ("is inactive: use enable"). */
UserStatus policy_status_step(UserStatus from, StatusStep step, const char **ret_hint);
