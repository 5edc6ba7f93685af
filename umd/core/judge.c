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

#include "umd/core/holders.h"
#include "umd/core/second.h"

bool core_login_is_within(const CoreLoginContext *context) {
        switch (core_service_class(context->service)) {
        case SERVICE_ELEVATE:
        case SERVICE_SWITCH:
                return true;
        case SERVICE_SCHEDULED:
        case SERVICE_OTHER:
        case _SERVICE_CLASS_MAX:
                break;
        }
        return strcmp(context->service, "polkit-1") == 0;
}

bool core_login_looks_around(const CoreLoginContext *context) {
        return core_login_is_within(context) || strcmp(context->service, LOGIN_SERVICE_SELF) == 0;
}

ServiceClass core_service_class(const char *service) {
        static const struct {
                const char *service;
                ServiceClass class;
        } classes[] = {
                { "atd", SERVICE_SCHEDULED },   { "cron", SERVICE_SCHEDULED },
                { "crond", SERVICE_SCHEDULED }, { "systemd-user", SERVICE_SCHEDULED },
                { "sudo", SERVICE_ELEVATE },    { "sudo-i", SERVICE_ELEVATE },
                { "runuser", SERVICE_SWITCH },  { "runuser-l", SERVICE_SWITCH },
                { "su", SERVICE_SWITCH },       { "su-l", SERVICE_SWITCH },
        };

        for (size_t i = 0; i < ARRAY_LENGTH(classes); i++)
                if (strcmp(classes[i].service, service) == 0)
                        return classes[i].class;
        return SERVICE_OTHER;
}

/* What stands against it by failures.  A guess was admitted with them, and whoever proved himself
 * did so where he was not locked out.  Where nothing is guessed they are looked at now, unless
 * nobody is there who could have failed: work at a set time, or what others do as that user. */
static int lockout_of(Core *core, StoreTxn *txn, const LoginWords *words, uid_t uid,
                      PolicyProof proof, bool in_dialogue, uint64_t now_usec, LockoutFacts *ret) {
        bool by_key = proof == POLICY_PROOF_NONE || proof == POLICY_PROOF_KEY;

        *ret = words->lockout;
        if (!by_key || in_dialogue || words->origin.by_root ||
            core_service_class(words->service) != SERVICE_OTHER)
                return 0;
        return core_lockout_facts(core, txn, &words->origin, uid, now_usec, ret);
}

/* ---- service accounts --------------------------------------------------------------------- */

/* A user's manager is part of the session that it was started for (FEATURES P.2). */
static bool is_managers(const Core *core, const LoginWords *words, const StoreUser *user) {
        return strcmp(words->service, "systemd-user") == 0 &&
               core_sessions_of_user(core, user->uid) > 0;
}

const char *core_login_service(const LoginWords *words, const StoreUser *user) {
        return user && user->service && words->sshd ? "um-api" : words->service;
}

/* Is the key that he came by one of his? */
static int key_look(StoreTxn *txn, const LoginWords *words, const StoreUser *user, bool *ret) {
        _cleanup_(store_device_freep) StoreDevice *device = NULL;
        int r = words->one_key ? store_device_get(txn, words->key_hash, &device) : 0;

        *ret = device && device->uid == user->uid;
        return r < 0 ? r : 0;
}

static int judge_service(Core *core, StoreTxn *txn, const LoginWords *words, const Shown *shown,
                         const StoreUser *user, PolicyFacts *facts) {
        facts->kind = HOLDER_SERVICE;
        facts->by_api = words->sshd || is_managers(core, words, user);
        facts->key_due = words->sshd && shown && shown->session;
        return key_look(txn, words, user, &facts->key_known);
}

static PolicyFacts facts_of(const LoginWords *words, const StoreUser *user,
                            const StoreCredential *credential, const PolicyValues *values,
                            PolicyProof proof, bool granted, uint64_t now_usec) {
        bool scheduled = core_service_class(words->service) == SERVICE_SCHEDULED;

        return (PolicyFacts){
                .now_usec = now_usec,
                .known = user->status != USER_STATUS_DELETED,
                .status = user->status,
                .suspended_until_usec = user->suspended_until_usec,
                .valid_from_usec = user->valid_from_usec,
                .valid_until_usec = user->valid_until_usec,
                .locked = user->locked,
                .kind = HOLDER_PERSON,
                .granted = granted,
                .keys = words->keys,
                .key_types = values->key_types,
                .proof = proof,
                .has_password = credential->password.len > 0,
                .password_expires_usec = core_password_expires(credential, values),
                .password_warn_usec = values->password_warn_usec,
                .must_change = !scheduled && credential->must_change,
                .grace_logins = values->password_grace_logins,
                .grace_used = credential->grace_used,
                .second = POLICY_SECOND_EXEMPT,
        };
}

/* ---- second factors ----------------------------------------------------------------------- */

/* Only umctl asks about the person himself without being root and means a login: who changes his
 * factors has to prove all of them.  Everything else is a screen that is unlocked. */
bool core_second_exempt(const Actor *actor, const LoginWords *words) {
        return actor->uid != 0 && strcmp(words->service, LOGIN_SERVICE_SELF) != 0;
}

PolicySecond core_second_scope(const LoginWords *words, const Shown *shown,
                               PolicyRequired required) {
        bool proved = shown->proof != POLICY_PROOF_NONE;

        if (shown->exempt)
                return POLICY_SECOND_EXEMPT;
        switch (core_service_class(words->service)) {
        case SERVICE_SCHEDULED:
                return POLICY_SECOND_EXEMPT;
        case SERVICE_ELEVATE: /* inside a session of his: only where a rule demands it */
                return proved && (required != POLICY_REQUIRED_OFF ||
                                  words->origin.place != PLACE_SELF)
                               ? POLICY_SECOND_DUE
                               : POLICY_SECOND_EXEMPT;
        case SERVICE_SWITCH:
                return proved ? POLICY_SECOND_DUE : POLICY_SECOND_EXEMPT;
        case SERVICE_OTHER:
        case _SERVICE_CLASS_MAX:
                break;
        }
        return POLICY_SECOND_DUE;
}

int core_enrol_until(Core *core, StoreTxn *txn, const PolicyValues *values, const StoreUser *user,
                     uint64_t *ret) {
        uint64_t since_usec = 0;
        int r;

        r = core_required_since(core, txn, user->uid, &since_usec);
        if (user->created_usec > since_usec)
                since_usec = user->created_usec;
        *ret = core_later(since_usec, values->factor_enrol_within_usec);
        return r;
}

static void factors_look(Judged *judged) {
        PolicyFacts *facts = &judged->facts;
        bool any = false;

        for (size_t i = 0; i < judged->factors.count; i++) {
                const StoreFactor *factor = judged->factors.list[i];
                PolicyStrength strength = core_factor_strength(factor);

                if (!factor->active)
                        continue;
                any = true;
                if (core_method_permitted(&judged->values, factor->method) &&
                    strength > facts->enrolled)
                        facts->enrolled = strength;
        }
        /* A code by e-mail is no factor that makes one due, but stands for one that is; not beside
         * another that was mailed. */
        if ((any || facts->factor_required != POLICY_REQUIRED_OFF) &&
            facts->proof != POLICY_PROOF_RESET && facts->enrolled < POLICY_STRENGTH_WEAK_MFA &&
            core_mail_possible(&judged->values, judged->user))
                facts->enrolled = POLICY_STRENGTH_WEAK_MFA;
        facts->only_forbidden = any && facts->enrolled == POLICY_STRENGTH_NONE;
}

static int judge_second(Core *core, StoreTxn *txn, const LoginWords *words, const Shown *shown,
                        Judged *judged) {
        PolicyFacts *facts = &judged->facts;
        int r = 0;

        facts->enrol_until_usec = 0;
        if (judged->values.factor_required != POLICY_REQUIRED_OFF)
                r = core_enrol_until(core, txn, &judged->values, judged->user,
                                     &facts->enrol_until_usec);
        if (r == 0)
                r = store_factors_of_user(txn, judged->user->uid, &judged->factors);
        if (r < 0)
                return r;
        facts->second = judged->user->service
                                ? POLICY_SECOND_EXEMPT
                                : core_second_scope(words, shown, judged->values.factor_required);
        judged->own = words->key_strength > shown->strength ? words->key_strength : shown->strength;
        facts->strength = judged->own;
        if (words->around.uid == judged->user->uid && words->around.strength > facts->strength)
                facts->strength = words->around.strength;
        judged->recovery = shown->recovery;
        facts->factor_required = judged->values.factor_required;
        facts->can_enrol =
                shown->in_dialogue && (core_method_permitted(&judged->values, POLICY_METHOD_TOTP) ||
                                       core_method_permitted(&judged->values, POLICY_METHOD_HOTP));
        factors_look(judged);
        facts->graced =
                core_grace_holds(core, words, shown->proof, judged->user, judged->credential,
                                 judged->values.factor_grace_usec, facts->now_usec);
        return 0;
}

/* ---- judging ------------------------------------------------------------------------------ */

/* shown NULL: without second factors. */
static int judge(Core *core, StoreTxn *txn, const LoginWords *words, PolicyProof proof,
                 const Shown *shown, uint64_t now_usec, Judged *ret) {
        LockoutFacts lockout = words->lockout;
        _cleanup_judged_ Judged judged = { 0 };
        const RoleSet *roles;
        bool granted = false;
        int r = STORE_E_MISSING;

        if (words->name[0])
                r = store_user_get_by_name(txn, words->name, &judged.user);
        if (r < 0)
                return r;
        if (r == 0) {
                r = core_credential_load(txn, judged.user->uid, &judged.credential);
                if (r == 0)
                        r = core_holder_may_log_in(core, txn, judged.user, words->service, now_usec,
                                                   &granted);
                if (r == 0)
                        r = lockout_of(core, txn, words, judged.user->uid, proof,
                                       shown && shown->in_dialogue, now_usec, &lockout);
                if (r == 0)
                        r = core_policy_values(core, txn, judged.user->uid, &judged.values);
                if (r < 0)
                        return r;
                judged.facts = facts_of(words, judged.user, judged.credential, &judged.values,
                                        proof, granted, now_usec);
                judged.facts.expiry = core_expiry_of(words, proof, shown);
                judged.facts.locked_out = lockout.locked;
                judged.facts.lockout_until_usec = lockout.until_usec;
                r = judged.user->service
                            ? judge_service(core, txn, words, shown, judged.user, &judged.facts)
                            : 0;
                if (r == 0 && shown)
                        r = judge_second(core, txn, words, shown, &judged);
                if (r < 0)
                        return r;
        } else { /* nobody: as much is read as for somebody */
                r = core_role_set(core, txn, &roles);
                if (r == 0)
                        r = core_policy_values(core, txn, 0, &judged.values);
                if (r < 0)
                        return r;
                judged.facts = (PolicyFacts){ .now_usec = now_usec, .proof = proof };
        }
        judged.facts.source_throttled = lockout.throttled;
        policy_decide(&judged.facts, &judged.decision);
        *ret = judged;
        judged = (Judged){ 0 };
        return 0;
}

int core_judge(Core *core, StoreTxn *txn, const LoginWords *words, PolicyProof proof,
               uint64_t now_usec, Judged *ret) {
        return judge(core, txn, words, proof, NULL, now_usec, ret);
}

int core_judge_login(Core *core, StoreTxn *txn, const LoginWords *words, const Shown *shown,
                     uint64_t now_usec, Judged *ret) {
        return judge(core, txn, words, shown->proof, shown, now_usec, ret);
}

void core_judged_done(Judged *judged) {
        store_factors_done(&judged->factors);
        store_user_freep(&judged->user);
        store_credential_freep(&judged->credential);
}

CoreVerdict core_verdict(const PolicyDecision *decision) {
        switch (decision->verdict) {
        case POLICY_ALLOW:
                return CORE_VERDICT_ALLOW;
        case POLICY_RENEW:
                return CORE_VERDICT_RENEW;
        case POLICY_ENROL: /* a dialogue leads through it; whoever asks for the verdict has none */
        case POLICY_DENY:
        case _POLICY_VERDICT_MAX:
                break;
        }
        return decision->reason == POLICY_REASON_EXPIRED ? CORE_VERDICT_EXPIRED
                                                         : CORE_VERDICT_DENIED;
}

const char *core_outcome_word(const PolicyDecision *decision) {
        return decision->verdict == POLICY_ALLOW || decision->verdict == POLICY_RENEW ? "allow"
                                                                                      : "deny";
}

const char *core_reason_word(PolicyReason reason) {
        return reason == POLICY_REASON_NONE ? "" : policy_reason_name(reason);
}

/* A day where the moment is a day's start, else to the second; UTC. */
void core_moment_write(uint64_t usec, char *buf) {
        base_format_rfc3339(usec, buf);
        if (strlen(buf) == 20 && strcmp(buf + 10, "T00:00:00Z") == 0)
                buf[10] = '\0';
}

/* Does a login with the password lead him through it? */
static bool can_enrol_in_login(const Judged *judged) {
        return judged->values.factor_required != POLICY_REQUIRED_HARDWARE &&
               (core_method_permitted(&judged->values, POLICY_METHOD_TOTP) ||
                core_method_permitted(&judged->values, POLICY_METHOD_HOTP));
}

/* Of whoever has to have a factor and has none that counts. */
static const char *why_none(const Judged *judged) {
        if (judged->facts.proof == POLICY_PROOF_RESET)
                return "a password is not reset by e-mail alone where a second factor is needed: "
                       "ask an administrator";
        if (judged->facts.only_forbidden)
                return "your second factor is of a kind that is not permitted any more: ask an "
                       "administrator";
        return can_enrol_in_login(judged)
                       ? "a second factor is needed and you have none: log in with your password "
                         "to enrol one"
                       : "a second factor is needed and you have none: ask an administrator";
}

static uint32_t keys_refused(const PolicyFacts *facts) {
        return facts->keys & ~facts->key_types;
}

static void keys_write(const Judged *judged, Text *text) {
        char permitted[POLICY_VALUE_TEXT_MAX];

        policy_value_format(POLICY_VALUE_KEY_TYPES, judged->values.key_types, permitted);
        base_text_add(text, "this ssh key (");
        core_ssh_keys_write(keys_refused(&judged->facts), text);
        base_text_addf(text, ") is of a kind that is not permitted; permitted: %s", permitted);
}

bool core_keys_value(const PolicyFacts *facts, const PolicyDecision *decision, char *buf,
                     StoreValue *ret) {
        Text text;

        if (decision->reason != POLICY_REASON_KEY_TYPE)
                return false;
        base_text_init(&text, buf, KEYS_TEXT_BYTES);
        core_ssh_keys_write(keys_refused(facts), &text);
        *ret = (StoreValue){ "key", NULL, buf };
        return true;
}

static void moment_add(Text *text, const char *before, uint64_t usec) {
        char when[32];

        core_moment_write(usec, when);
        base_text_addf(text, "%s%s", before, when);
}

/* "account locked until 2026-08-01"; no moment where that is never. */
static void until_add(Text *text, const char *what, uint64_t until_usec) {
        base_text_add(text, what);
        if (until_usec != USEC_INFINITY)
                moment_add(text, " until ", until_usec);
}

static void refusal_write(const Judged *judged, Text *text) {
        switch (judged->decision.reason) {
        case POLICY_REASON_STATUS_PENDING:
                base_text_add(text, "account not activated");
                return;
        case POLICY_REASON_STATUS_SUSPENDED:
                until_add(text, "account suspended", judged->facts.suspended_until_usec);
                return;
        case POLICY_REASON_STATUS_INACTIVE:
                base_text_add(text, "account closed");
                return;
        case POLICY_REASON_NOT_YET_VALID:
                moment_add(text, "account valid from ", judged->facts.valid_from_usec);
                return;
        case POLICY_REASON_EXPIRED:
                moment_add(text, "account ended on ", judged->facts.valid_until_usec);
                return;
        case POLICY_REASON_LOCKED:
        case POLICY_REASON_SOURCE_THROTTLED:
                base_text_add(text, "account locked");
                return;
        case POLICY_REASON_LOCKOUT:
                until_add(text, "account locked", judged->facts.lockout_until_usec);
                return;
        case POLICY_REASON_KIND:
        case POLICY_REASON_SERVICE_NOT_PERMITTED:
                base_text_add(text, "no access to this service here");
                return;
        case POLICY_REASON_KEY_TYPE:
                keys_write(judged, text);
                return;
        case POLICY_REASON_DEVICE_UNKNOWN:
                base_text_add(text, "this key is none of the account's");
                return;
        case POLICY_REASON_DEVICE_REQUIRED:
                base_text_add(text, "this account comes in by a key alone");
                return;
        case POLICY_REASON_FACTOR_REQUIRED:
                base_text_add(text, "a second factor is needed, and this way of logging in did not "
                                    "ask for one: use your password, or for ssh "
                                    "keyboard-interactive after the key");
                return;
        case POLICY_REASON_FACTOR_NOT_ENROLLED:
        case POLICY_REASON_FACTOR_ENROL:
                base_text_add(text, why_none(judged));
                return;
        case POLICY_REASON_STRENGTH:
                base_text_add(text, "a security key that verifies you is needed"); /* hardware */
                return;
        case POLICY_REASON_PASSWORD_GRACE_USED:
                moment_add(text, "your password expired on ", judged->facts.password_expires_usec);
                base_text_add(text, " and no login is left to change it: change it where you are "
                                    "still logged in, or ask an administrator for a new one");
                return;
        case POLICY_REASON_INTERNAL:
        case POLICY_REASON_NONE:
        case POLICY_REASON_UNKNOWN_USER:
        case POLICY_REASON_BAD_PROOF:
        case POLICY_REASON_PASSWORD_EXPIRED:
        case POLICY_REASON_MUST_CHANGE:
        case _POLICY_REASON_MAX:
                break;
        }
        base_text_add(text, "try again later");
}

/* What satisfies the rule for him, of what he may have. */
static const char *how_to_enrol(const Judged *judged) {
        if (judged->values.factor_required == POLICY_REQUIRED_HARDWARE)
                return "umctl self 2fa enrol fido2, with a security key at this machine";
        if (core_method_permitted(&judged->values, POLICY_METHOD_TOTP))
                return "umctl self 2fa enrol totp";
        if (core_method_permitted(&judged->values, POLICY_METHOD_HOTP))
                return "umctl self 2fa enrol hotp";
        if (core_method_permitted(&judged->values, POLICY_METHOD_FIDO2))
                return "umctl self 2fa enrol fido2, with a security key at this machine";
        return "ask an administrator";
}

static void line_begin(Text *text) {
        if (text->len > 0)
                base_text_add(text, "\n");
}

/* What whoever gets in is told about his second factors. */
static void notices_write(const Judged *judged, Text *text) {
        const PolicyFacts *facts = &judged->facts;
        int left = core_recovery_left(&judged->factors);

        if (policy_enrol_due(facts)) {
                line_begin(text);
                until_add(text, "You have to enrol a second factor", facts->enrol_until_usec);
                base_text_addf(text, ": %s", how_to_enrol(judged));
        }
        if (facts->second == POLICY_SECOND_DUE && left >= 0 &&
            (left < RECOVERY_FEW || judged->recovery)) {
                line_begin(text);
                base_text_addf(text, "%sRecovery codes left: %d. New ones: umctl self 2fa recovery",
                               judged->recovery ? "A recovery code was used. " : "", left);
        }
}

void core_judged_text(const Judged *judged, const char *reference, char *buf, size_t size) {
        PolicyResult proof = judged->decision.trace[POLICY_CHECK_PROOF];
        Text text;

        base_text_init(&text, buf, size);
        if (!judged->facts.known || (proof != POLICY_PASSED && proof != POLICY_NOT_APPLICABLE))
                return;
        if (judged->decision.verdict == POLICY_ALLOW || judged->decision.verdict == POLICY_RENEW) {
                core_age_write(judged, &text);
                notices_write(judged, &text);
                return;
        }
        base_text_add(&text, "Access refused: ");
        refusal_write(judged, &text);
        base_text_addf(&text, ". Reference %s", reference);
}
