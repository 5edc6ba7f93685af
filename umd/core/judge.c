/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From records to facts, and from a decision to words.  The decision itself is policy's; what core
 * adds is where the facts come from and what a service is: cron must not be asked for a new
 * password.
 *
 * The text names a reason only to whoever proved to be that user, or came in by something that is
 * not ours (a key). */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "umd/core/login.h"

ServiceClass core_service_class(const char *service) {
        static const struct {
                const char *service;
                ServiceClass class;
        } classes[] = {
                { "atd", SERVICE_SCHEDULED },   { "cron", SERVICE_SCHEDULED },
                { "crond", SERVICE_SCHEDULED }, { "systemd-user", SERVICE_SCHEDULED },
                { "sudo", SERVICE_ELEVATE },    { "sudo-i", SERVICE_ELEVATE },
        };

        for (size_t i = 0; i < ARRAY_LENGTH(classes); i++)
                if (strcmp(classes[i].service, service) == 0)
                        return classes[i].class;
        return SERVICE_OTHER;
}

typedef struct Granted {
        const char *tenant;
        uint64_t now_usec;
        bool any;
} Granted;

static int grant_counts(void *userdata, const StoreGrant *grant) {
        Granted *granted = userdata;

        if (strcmp(grant->tenant, granted->tenant) == 0 && grant->from_usec <= granted->now_usec &&
            granted->now_usec < grant->until_usec)
                granted->any = true;
        return 0;
}

/* What stands against it by failures.  A guess was admitted with them, and whoever proved himself
 * did so where he was not locked out.  Where nothing is guessed they are looked at now, unless
 * nobody is there who could have failed: work at a set time, or what others do as that user. */
static int lockout_of(Core *core, StoreTxn *txn, const LoginWords *words, uid_t uid,
                      PolicyProof proof, uint64_t now_usec, LockoutFacts *ret) {
        *ret = words->lockout;
        if (proof != POLICY_PROOF_NONE || words->origin.by_root ||
            core_service_class(words->service) != SERVICE_OTHER)
                return 0;
        return core_lockout_facts(core, txn, &words->origin, uid, now_usec, ret);
}

static PolicyFacts facts_of(const LoginWords *words, const StoreUser *user,
                            const StoreCredential *credential, PolicyProof proof, bool granted,
                            uint64_t now_usec) {
        bool scheduled = core_service_class(words->service) == SERVICE_SCHEDULED;

        return (PolicyFacts){
                .now_usec = now_usec,
                .known = user->status != USER_STATUS_DELETED,
                .status = user->status,
                .suspended_until_usec = user->suspended_until_usec,
                .valid_from_usec = user->valid_from_usec,
                .valid_until_usec = user->valid_until_usec,
                .locked = user->locked,
                .granted = granted,
                .proof = proof,
                .has_password = credential->password.len > 0,
                /* nobody is there to change it (SECURITY Q2) */
                .password_expires_usec =
                        scheduled ? USEC_INFINITY : credential->password_expires_usec,
                .must_change = !scheduled && credential->must_change,
                .second = POLICY_SECOND_EXEMPT,
        };
}

int core_judge(Core *core, StoreTxn *txn, const LoginWords *words, PolicyProof proof,
               uint64_t now_usec, Judged *ret) {
        Granted granted = { core->settings.tenant, now_usec, false };
        LockoutFacts lockout = words->lockout;
        _cleanup_judged_ Judged judged = { 0 };
        int r = STORE_E_MISSING;

        if (words->name[0])
                r = store_user_get_by_name(txn, words->name, &judged.user);
        if (r < 0)
                return r;
        if (r == 0) {
                r = core_credential_load(txn, judged.user->uid, &judged.credential);
                if (r == 0)
                        r = store_grant_each(txn, judged.user->uid, grant_counts, &granted);
                if (r == 0)
                        r = lockout_of(core, txn, words, judged.user->uid, proof, now_usec,
                                       &lockout);
                if (r < 0)
                        return r;
                judged.facts = facts_of(words, judged.user, judged.credential, proof, granted.any,
                                        now_usec);
                judged.facts.locked_out = lockout.locked;
                judged.facts.lockout_until_usec = lockout.until_usec;
        } else
                judged.facts = (PolicyFacts){ .now_usec = now_usec, .proof = proof };
        judged.facts.source_throttled = lockout.throttled;
        policy_decide(&judged.facts, &judged.decision);
        *ret = judged;
        judged = (Judged){ 0 };
        return 0;
}

void core_judged_done(Judged *judged) {
        store_user_freep(&judged->user);
        store_credential_freep(&judged->credential);
}

CoreVerdict core_verdict(const PolicyDecision *decision) {
        switch (decision->verdict) {
        case POLICY_ALLOW:
                return CORE_VERDICT_ALLOW;
        case POLICY_RENEW:
                return CORE_VERDICT_RENEW;
        case POLICY_ENROL:
        case POLICY_DENY:
        case _POLICY_VERDICT_MAX:
                break;
        }
        return decision->reason == POLICY_REASON_EXPIRED ? CORE_VERDICT_EXPIRED
                                                         : CORE_VERDICT_DENIED;
}

const char *core_outcome_word(const PolicyDecision *decision) {
        return decision->verdict == POLICY_DENY ? "deny" : "allow";
}

const char *core_reason_word(PolicyReason reason) {
        return reason == POLICY_REASON_NONE ? "" : policy_reason_name(reason);
}

/* A day where the moment is a day's start, else to the second; UTC. */
static void moment_write(uint64_t usec, char *buf) {
        base_format_rfc3339(usec, buf);
        if (strlen(buf) == 20 && strcmp(buf + 10, "T00:00:00Z") == 0)
                buf[10] = '\0';
}

static void refusal_write(const Judged *judged, Text *text) {
        char when[32];

        switch (judged->decision.reason) {
        case POLICY_REASON_STATUS_PENDING:
                base_text_add(text, "account not activated");
                return;
        case POLICY_REASON_STATUS_SUSPENDED:
                base_text_add(text, "account suspended");
                if (judged->facts.suspended_until_usec == USEC_INFINITY)
                        return;
                moment_write(judged->facts.suspended_until_usec, when);
                base_text_addf(text, " until %s", when);
                return;
        case POLICY_REASON_STATUS_INACTIVE:
                base_text_add(text, "account closed");
                return;
        case POLICY_REASON_NOT_YET_VALID:
                moment_write(judged->facts.valid_from_usec, when);
                base_text_addf(text, "account valid from %s", when);
                return;
        case POLICY_REASON_EXPIRED:
                moment_write(judged->facts.valid_until_usec, when);
                base_text_addf(text, "account ended on %s", when);
                return;
        case POLICY_REASON_LOCKED:
        case POLICY_REASON_SOURCE_THROTTLED:
                base_text_add(text, "account locked");
                return;
        case POLICY_REASON_LOCKOUT:
                base_text_add(text, "account locked");
                if (judged->facts.lockout_until_usec == USEC_INFINITY)
                        return;
                moment_write(judged->facts.lockout_until_usec, when);
                base_text_addf(text, " until %s", when);
                return;
        case POLICY_REASON_SERVICE_NOT_PERMITTED:
                base_text_add(text, "no access to this service here");
                return;
        case POLICY_REASON_INTERNAL:
        case POLICY_REASON_NONE:
        case POLICY_REASON_UNKNOWN_USER:
        case POLICY_REASON_BAD_PROOF:
        case POLICY_REASON_FACTOR_REQUIRED:
        case POLICY_REASON_FACTOR_NOT_ENROLLED:
        case POLICY_REASON_STRENGTH:
        case POLICY_REASON_FACTOR_ENROL:
        case POLICY_REASON_PASSWORD_EXPIRED:
        case POLICY_REASON_MUST_CHANGE:
        case _POLICY_REASON_MAX:
                break;
        }
        base_text_add(text, "try again later");
}

void core_judged_text(const Judged *judged, const char *reference, char *buf, size_t size) {
        PolicyResult proof = judged->decision.trace[POLICY_CHECK_PROOF];
        Text text;

        base_text_init(&text, buf, size);
        if (!judged->facts.known || (proof != POLICY_PASSED && proof != POLICY_NOT_APPLICABLE))
                return;
        if (judged->decision.verdict == POLICY_RENEW)
                base_text_add(&text, judged->decision.reason == POLICY_REASON_PASSWORD_EXPIRED
                                             ? "Your password has expired and must be changed."
                                             : "Your password must be changed.");
        if (judged->decision.verdict != POLICY_DENY)
                return;
        base_text_add(&text, "Access refused: ");
        refusal_write(judged, &text);
        base_text_addf(&text, ". Reference %s", reference);
}
