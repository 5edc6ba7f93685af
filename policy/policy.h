/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* policy: facts in, decision out.  Pure: no clock, file, socket, log, global, locale or allocation.
 * The same facts always give the same decision; facts that make no sense decide DENY.
 * Order of the checks and the reasons: docs/ARCHITECTURE.md, "Judgement". */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/base.h"
#include "policy/attributes.h"
#include "policy/rights.h"

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
        POLICY_ENROL, /* allowed once a second factor is enrolled in this login */
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
        POLICY_REASON_LOCKED,                /* by an admin */
        POLICY_REASON_LOCKOUT,               /* too many failures of this user from there */
        POLICY_REASON_SOURCE_THROTTLED,      /* too many failures from there, whoever was meant */
        POLICY_REASON_KIND,                  /* a service account, and not by um-api */
        POLICY_REASON_SERVICE_NOT_PERMITTED, /* no grant that counts */
        POLICY_REASON_KEY_TYPE,              /* an ssh key of a kind that key.types does not have */
        POLICY_REASON_DEVICE_UNKNOWN,        /* a key that is not the account's */
        POLICY_REASON_DEVICE_REQUIRED,       /* no key, where nothing else lets in */
        POLICY_REASON_BAD_PROOF,
        POLICY_REASON_FACTOR_REQUIRED,     /* he has a second factor and did not prove it */
        POLICY_REASON_FACTOR_NOT_ENROLLED, /* he has to have one, and the time to enrol is over */
        POLICY_REASON_STRENGTH,            /* what he proved is not strong enough */
        POLICY_REASON_FACTOR_ENROL,        /* as NOT_ENROLLED, where he can enrol one at once */
        POLICY_REASON_PASSWORD_EXPIRED,
        POLICY_REASON_MUST_CHANGE,
        POLICY_REASON_PASSWORD_GRACE_USED, /* expired, and no login is left */
        _POLICY_REASON_MAX,
} PolicyReason;

/* The checks, in the order they are made; the first that fails gives the reason, all are in the
 * trace. */
typedef enum PolicyCheck {
        POLICY_CHECK_KNOWN,
        POLICY_CHECK_STATUS,
        POLICY_CHECK_VALIDITY,
        POLICY_CHECK_LOCK,
        POLICY_CHECK_LOCKOUT,
        POLICY_CHECK_SOURCE,
        POLICY_CHECK_KIND,
        POLICY_CHECK_SERVICE,
        POLICY_CHECK_KEY,
        POLICY_CHECK_PROOF,
        POLICY_CHECK_FACTOR,
        POLICY_CHECK_PASSWORD,
        _POLICY_CHECK_MAX,
} PolicyCheck;

typedef enum PolicyResult {
        POLICY_NOT_REACHED, /* zero: a check that was not made has not passed */
        POLICY_PASSED,
        POLICY_FAILED,
        POLICY_NOT_APPLICABLE, /* the proof in a login that had no auth phase, a password nobody
                                  uses, the key of a login without one */
        _POLICY_RESULT_MAX,
} PolicyResult;

/* How the person proved himself before this question. */
typedef enum PolicyProof {
        POLICY_PROOF_INVALID,
        POLICY_PROOF_NONE, /* the service has no auth phase of um's: ssh key, cron, su from root */
        POLICY_PROOF_PASSWORD,
        POLICY_PROOF_SETUP_CODE, /* stands for the password once */
        POLICY_PROOF_KEY,        /* an ssh key that sshd verified before it asked um */
        POLICY_PROOF_RESET, /* a code by e-mail, of whoever forgot the password: it leads to a new
                               one */
        POLICY_PROOF_WRONG,
        _POLICY_PROOF_MAX,
} PolicyProof;

typedef enum PolicyRequired {
        POLICY_REQUIRED_OFF,
        POLICY_REQUIRED_ON,
        POLICY_REQUIRED_HARDWARE,
        _POLICY_REQUIRED_MAX,
} PolicyRequired;

/* Methods of a second factor, as bits of factor.methods. */
typedef enum PolicyMethod {
        POLICY_METHOD_TOTP,
        POLICY_METHOD_HOTP,
        POLICY_METHOD_FIDO2,
        POLICY_METHOD_RECOVERY,
        POLICY_METHOD_EMAIL_CODE,
        _POLICY_METHOD_MAX,
} PolicyMethod;

/* Kinds of ssh keys, as bits of key.types.  Of RSA each span of sizes that a value can tell apart
 * is a kind of its own, so that "rsa>=2048" holds all that "rsa>=3072" does. */
typedef enum PolicyKey {
        POLICY_KEY_OTHER,     /* one that is not understood, dsa: no value permits it */
        POLICY_KEY_RSA_SHORT, /* below 2048 bits: nor this */
        POLICY_KEY_ED25519,
        POLICY_KEY_ECDSA_256,
        POLICY_KEY_ECDSA_384,
        POLICY_KEY_ECDSA_521,
        POLICY_KEY_RSA_2048,   /* 2048 to 3071 bits */
        POLICY_KEY_RSA_3072,   /* 3072 to 4095 */
        POLICY_KEY_RSA_4096,   /* and more */
        POLICY_KEY_SK_ED25519, /* in a security key */
        POLICY_KEY_SK_ECDSA,
        _POLICY_KEY_MAX,
} PolicyKey;

#define POLICY_KEYS_SK (1U << POLICY_KEY_SK_ED25519 | 1U << POLICY_KEY_SK_ECDSA)

/* What was proved together, the weakest first (FEATURES P.3). */
typedef enum PolicyStrength {
        POLICY_STRENGTH_NONE,
        POLICY_STRENGTH_SINGLE,   /* a password or a key */
        POLICY_STRENGTH_WEAK_MFA, /* and a code that was sent */
        POLICY_STRENGTH_MFA,      /* and something he has */
        POLICY_STRENGTH_HARDWARE, /* a key held in hardware that verified its user */
        _POLICY_STRENGTH_MAX,
} PolicyStrength;

/* What a method proves beside a password or a key. */
PolicyStrength policy_method_strength(PolicyMethod method);
/* What whoever has a factor has to prove at least. */
PolicyStrength policy_strength_required(PolicyRequired required);

/* Do the rules of second factors hold here? */
typedef enum PolicySecond {
        POLICY_SECOND_INVALID, /* zero on purpose: denies */
        POLICY_SECOND_EXEMPT,  /* nobody is there to be asked (cron), or it is no login (passwd) */
        POLICY_SECOND_DUE,
        _POLICY_SECOND_MAX,
} PolicySecond;

/* What a password that has expired is to the question (FEATURES C2). */
typedef enum PolicyExpiry {
        POLICY_EXPIRY_CHANGE, /* zero on purpose: it must be changed.  No login is counted: inside a
                                 session of his (sudo), or where account has counted it already */
        POLICY_EXPIRY_LOGIN,  /* a login, which is counted, and refused once none is left */
        POLICY_EXPIRY_EXEMPT, /* nobody logs in: work at a set time, root's su, a screen's lock */
        _POLICY_EXPIRY_MAX,
} PolicyExpiry;

typedef struct PolicyFacts {
        uint64_t now_usec; /* wall clock */
        bool known;        /* a record that is not a tombstone */
        UserStatus status;
        uint64_t suspended_until_usec; /* USEC_INFINITY: until resumed */
        uint64_t valid_from_usec;      /* 0: no limit */
        uint64_t valid_until_usec;     /* USEC_INFINITY: no limit; the moment itself is over */
        bool locked;                   /* by an admin */
        bool locked_out;               /* by failures that came from where he comes from */
        uint64_t lockout_until_usec;   /* wall clock; USEC_INFINITY: until somebody unlocks */
        bool source_throttled;         /* failures of all users from there are too many */
        HolderKind kind;
        bool by_api;        /* a service account's own way in: um-api, by sshd */
        bool key_due;       /* the key of that login is told by now, or there is none */
        bool key_known;     /* each is one that the account has with um */
        bool granted;       /* at least one grant counts for this service here */
        uint32_t keys;      /* kinds of the ssh keys that sshd verified, 1U << PolicyKey; 0: it
                               names none */
        uint32_t key_types; /* those that are permitted */
        PolicyProof proof;
        bool has_password;
        uint64_t password_expires_usec; /* USEC_INFINITY: never; policy_password_expires() */
        uint64_t password_warn_usec;    /* how long before that he is told */
        bool must_change;
        PolicyExpiry expiry;
        uint32_t grace_logins, grace_used; /* logins after the expiry: permitted, and had */
        PolicySecond second;
        PolicyStrength strength; /* proved in this login */
        PolicyStrength enrolled; /* his strongest factor of a permitted method; NONE without one */
        bool only_forbidden;     /* he has factors, none of them of a permitted method */
        PolicyRequired factor_required;
        uint64_t enrol_until_usec; /* the time to enrol one; USEC_INFINITY: no end */
        bool graced;    /* all was proved not long ago, from the same place (FEATURES B12) */
        bool can_enrol; /* there is a dialogue that can lead through it */
} PolicyFacts;

typedef struct PolicyDecision {
        PolicyVerdict verdict;
        PolicyReason reason;
        uint64_t until_usec; /* an allowed decision has to be judged again then; USEC_INFINITY:
                                never */
        bool grace_login;    /* let in with an expired password */
        uint32_t grace_used; /* what that of the facts becomes; it is the caller's to keep */
        PolicyResult trace[_POLICY_CHECK_MAX];
} PolicyDecision;

void policy_decide(const PolicyFacts *facts, PolicyDecision *ret);
/* Has the user to enrol a factor, sooner or later?  Then he is told until when. */
bool policy_enrol_due(const PolicyFacts *facts);

/* When a password is over: as an admin set it (USEC_INFINITY: he did not), or by max_age, whichever
 * comes first. */
uint64_t policy_password_expires(uint64_t changed_usec, uint64_t set_usec, uint64_t max_age_usec);
/* From when its owner may change it again.  One that is said to be changed later than now was so
 * under a clock that was wrong: at once. */
uint64_t policy_password_changeable(uint64_t changed_usec, uint64_t min_age_usec,
                                    uint64_t now_usec);
/* Must it be changed, whether or not somebody logs in? */
bool policy_password_due(bool must_change, uint64_t expires_usec, uint64_t now_usec);
/* Is whoever logs in told that his password will expire? */
bool policy_password_warn(const PolicyFacts *facts);
/* The logins he still has once this one is counted. */
uint32_t policy_grace_left(const PolicyFacts *facts, bool counted);

/* "active", "status-suspended", "validity", "failed": as they stand in the API and the audit;
 * static. */
const char *policy_status_name(UserStatus status);
UserStatus policy_status_from_name(const char *name); /* USER_STATUS_INVALID for none */
const char *policy_reason_name(PolicyReason reason);
const char *policy_check_name(PolicyCheck check);
const char *policy_result_name(PolicyResult result);
const char *policy_verdict_name(PolicyVerdict verdict);
const char *policy_strength_name(PolicyStrength strength); /* "mfa" */
const char *policy_key_name(PolicyKey key);                /* "rsa of 2048 to 3071 bits" */

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

/* ---- policy values (FEATURES P.6, P.7) ------------------------------------------------------- */

/* What may be set, in the order it is shown in. */
typedef enum PolicyValue {
        POLICY_VALUE_PASSWORD_MIN_LENGTH,
        POLICY_VALUE_PASSWORD_CLASSES,
        POLICY_VALUE_PASSWORD_SIMILARITY,
        POLICY_VALUE_PASSWORD_DICTIONARY,
        POLICY_VALUE_PASSWORD_BREACHED,
        POLICY_VALUE_PASSWORD_HISTORY,
        POLICY_VALUE_PASSWORD_MAX_AGE,
        POLICY_VALUE_PASSWORD_MIN_AGE,
        POLICY_VALUE_PASSWORD_WARN,
        POLICY_VALUE_PASSWORD_GRACE_LOGINS,
        POLICY_VALUE_PASSWORD_RESET_BY_EMAIL,
        POLICY_VALUE_LOCKOUT_ATTEMPTS,
        POLICY_VALUE_LOCKOUT_WINDOW,
        POLICY_VALUE_LOCKOUT_DURATION,
        POLICY_VALUE_LOCKOUT_SOURCE_ATTEMPTS,
        POLICY_VALUE_LOCKOUT_SPARE_KNOWN,
        POLICY_VALUE_FACTOR_REQUIRED,
        POLICY_VALUE_FACTOR_METHODS,
        POLICY_VALUE_FACTOR_ENROL_WITHIN,
        POLICY_VALUE_FACTOR_GRACE,
        POLICY_VALUE_KEY_TYPES,
        POLICY_VALUE_SETUP_CODE_TTL,
        POLICY_VALUE_CHANGE_REASON_REQUIRED,
        POLICY_VALUE_CHANGE_TICKET_PATTERN,
        _POLICY_VALUE_MAX,
} PolicyValue;

/* The levels, from far to near: the nearest one that has a value wins, also where it is looser. */
typedef enum PolicyLevel {
        POLICY_LEVEL_BUILT_IN, /* has all of them */
        POLICY_LEVEL_COMPANY,  /* the tenant */
        POLICY_LEVEL_DEPARTMENT,
        POLICY_LEVEL_ROLE, /* of those that count */
        POLICY_LEVEL_USER,
        _POLICY_LEVEL_MAX,
} PolicyLevel;

/* One user's values as they are in effect.  Zeroed is no policy: policy_values_resolve() fills all
 * of it. */
typedef struct PolicyValues {
        uint32_t password_min_length; /* characters */
        uint32_t password_classes;
        bool password_similarity, password_dictionary, password_breached;
        uint32_t password_history;      /* former passwords that are refused; 0 none */
        uint64_t password_max_age_usec; /* USEC_INFINITY: never over */
        uint64_t password_min_age_usec;
        uint64_t password_warn_usec;
        uint32_t password_grace_logins;
        bool password_reset_by_email;
        uint32_t lockout_attempts; /* UINT32_MAX: any number */
        uint64_t lockout_window_usec;
        uint64_t lockout_duration_usec;   /* USEC_INFINITY: until somebody unlocks */
        uint32_t lockout_source_attempts; /* UINT32_MAX: any number */
        bool lockout_spare_known;
        PolicyRequired factor_required;
        uint32_t factor_methods;           /* 1U << PolicyMethod; may be none of them */
        uint64_t factor_enrol_within_usec; /* USEC_INFINITY: no deadline; 0: at once */
        uint64_t factor_grace_usec;
        uint32_t key_types; /* 1U << PolicyKey; may be none of them */
        uint64_t setup_code_ttl_usec;
        bool change_reason_required;
        bool change_ticket_pattern; /* there is one; its text is with whoever keeps the values */
} PolicyValues;

/* What is set at one level.  A value is one number: the count, microseconds, 0 or 1, the word's
 * position, the bits of a list's words, or of a pattern whether there is one; "never", "manual" and
 * no limit are UINT64_MAX.  Zeroed has nothing set. */
typedef struct PolicySettings {
        bool set[_POLICY_VALUE_MAX];
        uint64_t value[_POLICY_VALUE_MAX];
} PolicySettings;

/* All levels; the built-in one has nothing here.  Zeroed has nothing set. */
typedef struct PolicyLevels {
        PolicySettings at[_POLICY_LEVEL_MAX];
} PolicyLevels;

/* What a role sets itself. */
typedef struct PolicyRoleSettings {
        uint16_t role;
        PolicySettings own;
} PolicyRoleSettings;

/* One value with where it comes from. */
typedef struct PolicyEffective {
        uint64_t value;
        PolicyLevel level;           /* whose value it is */
        bool set[_POLICY_LEVEL_MAX]; /* who else has one: what it overrode */
        uint64_t at[_POLICY_LEVEL_MAX];
        bool looser; /* than what holds without the level it comes from */
} PolicyEffective;

#define POLICY_VALUE_TEXT_MAX     128U /* a value's text with the NUL */
#define POLICY_VALUE_EXPECTED_MAX 256U /* policy_value_expected()'s with the NUL */

/* "password.min-length", "company": as they stand in the API and the audit; static. */
const char *policy_value_name(PolicyValue value);
int policy_value_from_name(const char *name, PolicyValue *ret); /* -ENOENT */
const char *policy_level_name(PolicyLevel level);
/* Could the one have been meant by the other? */
bool policy_name_near(const char *a, const char *b);
/* Up to max values whose names are near to a name that is none; how many. */
size_t policy_value_near(const char *name, PolicyValue *ret, size_t max);
/* The words a value is made of ("off", "on", "never", "totp"), one after the other: NULL behind the
 * last; static. */
const char *policy_value_word(PolicyValue value, size_t at);
bool policy_value_is_list(PolicyValue value);
/* Is it a text, of which the number tells only whether there is one (not "none")? */
bool policy_value_is_text(PolicyValue value);
/* What the text may be, as a phrase: "8 to 128". */
void policy_value_expected(PolicyValue value, char ret[static POLICY_VALUE_EXPECTED_MAX]);
/* The whole of text as a value: a number, a span as base_parse_span() takes it, or words.  A list
 * may be a change of `from`: "+email-code,-hotp".  -EINVAL, -ERANGE. */
int policy_value_parse(PolicyValue value, const char *text, uint64_t from, uint64_t *ret);
/* The one text of a value that can be: parsing it gives the value again.  Of a text only "none" is
 * known here. */
void policy_value_format(PolicyValue value, uint64_t number,
                         char ret[static POLICY_VALUE_TEXT_MAX]);
uint64_t policy_value_shipped(PolicyValue value);
/* Does a permit anything that b does not? */
bool policy_value_looser(PolicyValue value, uint64_t a, uint64_t b);

/* What permits only what both do: of a list the words both have. */
uint64_t policy_value_strictest(PolicyValue value, uint64_t a, uint64_t b);

void policy_value_resolve(PolicyValue value, const PolicyLevels *levels, PolicyEffective *ret);
void policy_values_resolve(const PolicyLevels *levels, PolicyValues *ret);

/* Several roles that count: roles are those that were granted, settings whatever any role these
 * include sets, by rising number.  A role's own value hides what it would inherit.  The roles whose
 * values hold, by rising number: at most max, and how many they are. */
size_t policy_value_roles(PolicyValue value, const RoleSet *set, const uint16_t *roles,
                          size_t role_count, const PolicyRoleSettings *settings,
                          size_t setting_count, uint16_t *ret, size_t max);
/* And for each value what these come to together: the strictest (P.6). */
void policy_roles_resolve(const RoleSet *set, const uint16_t *roles, size_t role_count,
                          const PolicyRoleSettings *settings, size_t setting_count,
                          PolicySettings *ret);

/* ---- tickets (FEATURES H13) ------------------------------------------------------------------ */

/* A pattern for the ticket in a change's reason: "CHG-[0-9]+|INC-[0-9]+".  A character stands for
 * itself, "." for any that is printable, "[a-z]" and "[^a-z]" for one of a set; "\" takes the next
 * one as it is; "?", "*" and "+" go with the character before; "|" stands between patterns.
 * ASCII without spaces.  -EINVAL. */
int policy_ticket_check(const char *pattern);
/* Is there such a ticket in the text, with neither letter nor digit beside it?  The work grows with
 * the text, whatever the pattern is.  A pattern that is none matches nothing. */
bool policy_ticket_matches(const char *pattern, const char *text);

/* ---- failures that add up (FEATURES C5, C13) ------------------------------------------------ */

/* Lock time: microseconds on a clock that never goes back (umd/core/lock_time.c).  It is no wall
 * clock: what a person is told of it is made from the difference to now. */

#define LOCKOUT_FAILURES_MAX     16U
#define LOCKOUT_DELAY_FIRST_USEC (1 * USEC_PER_SEC)
#define LOCKOUT_DELAY_MAX_USEC   (4 * USEC_PER_SEC) /* pam_um waits 4.5 s for an answer */

typedef struct LockoutFailure {
        uint64_t at_usec;
        uint32_t count; /* at least 1 */
} LockoutFailure;

/* One count: of a user at one place, or of a source.  Zeroed: nothing failed. */
typedef struct LockoutState {
        LockoutFailure failures[LOCKOUT_FAILURES_MAX]; /* the oldest first, times strictly rise */
        size_t failure_count;
        uint64_t locked_until_usec; /* 0: not; USEC_INFINITY: until somebody unlocks */
} LockoutState;

typedef struct LockoutRules {
        uint32_t attempts;      /* UINT32_MAX: any number; zeroed rules permit nothing */
        uint64_t window_usec;   /* USEC_INFINITY: failures never get old */
        uint64_t duration_usec; /* 0: as long as the window holds so many; USEC_INFINITY: manual */
} LockoutRules;

typedef enum LockoutVerdict {
        LOCKOUT_LOCKED, /* zero: denies */
        LOCKOUT_WAIT,   /* all that is left is being tried: ask again when one of them has ended */
        LOCKOUT_FREE,
        _LOCKOUT_VERDICT_MAX,
} LockoutVerdict;

/* May one more attempt be looked at?  pending of the charges in state are of attempts that have not
 * ended.  ret_until_usec: with LOCKED. */
LockoutVerdict policy_lockout_judge(const LockoutState *state, const LockoutRules *rules,
                                    uint32_t pending, uint64_t now_usec, uint64_t *ret_until_usec);
/* Counts an attempt as failed, before it is looked at: the one that fills the window locks.  What a
 * lock that is over was made of is forgotten.  The time it is counted under, for the refund. */
uint64_t policy_lockout_charge(LockoutState *state, const LockoutRules *rules, uint64_t now_usec);
/* Takes the charge of that time back, and the lock it made; nothing where it has left the window:
 * what stands behind it then is somebody else's. */
void policy_lockout_refund(LockoutState *state, const LockoutRules *rules, uint64_t at_usec,
                           uint64_t now_usec);
/* After a success: nothing is left but the charges of attempts that have not ended. */
void policy_lockout_clear(LockoutState *state, const LockoutRules *rules, uint32_t pending,
                          uint64_t now_usec);
/* Failures in the window; of a lock that is over none. */
uint32_t policy_lockout_count(const LockoutState *state, const LockoutRules *rules,
                              uint64_t now_usec);
uint64_t policy_lockout_last(const LockoutState *state); /* 0: nothing failed */
/* How long after a failure the next attempt's answer is due, by the failures before it: the second
 * costs a second, each further one twice as much. */
uint64_t policy_lockout_delay(uint32_t count);
