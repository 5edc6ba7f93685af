/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A new password, chosen by the person or given by root: the current one (where the person has to
 * prove that it is he), the new one, the new one again.  What is wrong with it is shown and asked
 * again, three times.
 *
 * Who gave a setup code within the last ten minutes is not asked for a current password: the code
 * stood for it and is used up.  Nor is who came by a code for a forgotten one, in the login itself:
 * in its process, and where the new one is demanded. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "umd/core/second.h"

#define TEXT_NO_MATCH  "The passwords do not match."
#define TEXT_SAME      "The new password must differ from the current one."
#define TEXT_OTHER     "Choose another password."
#define TEXT_UNCHECKED "New passwords cannot be checked now. Try again later."

/* What these functions return beside faults: 0, *ret is the step to hand out; WORKING, the vault
 * has been asked.  The step goes out when no transaction is open any more, since the peer may
 * answer at once. */
enum { WORKING = 1 };

static void reply(Dialogue *dialogue, int r, const CoreStep *step) {
        if (r < 0)
                core_dialogue_fail(dialogue, r, NULL);
        else if (r != WORKING)
                core_dialogue_step(dialogue, step);
}

/* ---- small steps -------------------------------------------------------------------------- */

static int step_verdict(CoreVerdict verdict, const char *text, CoreStep *ret) {
        *ret = (CoreStep){ .kind = CORE_STEP_DONE, .verdict = verdict, .secret = "", .reason = "" };
        snprintf(ret->text, sizeof(ret->text), "%s", text);
        return 0;
}

static int step_ask(Dialogue *dialogue, DialogueState state, const char *text, const char *secret,
                    CoreStep *ret) {
        dialogue->state = state;
        *ret = (CoreStep){ .kind = CORE_STEP_ASK_HIDDEN, .secret = secret, .reason = "" };
        snprintf(ret->text, sizeof(ret->text), "%s", text);
        return 0;
}

static int step_ask_new(Dialogue *dialogue, CoreStep *ret) {
        dialogue->fresh = base_secret_free(dialogue->fresh);
        dialogue->fresh_is_past = false;
        return step_ask(dialogue, DIALOGUE_NEW, "New password: ", "new-password", ret);
}

/* Shows what is wrong and asks again, unless it was the last try. */
static int step_refuse_new(Dialogue *dialogue, const char *text, CoreStep *ret) {
        if (++dialogue->tries >= NEW_PASSWORD_TRIES)
                return step_verdict(CORE_VERDICT_CHANGE_FAILED, text, ret);
        dialogue->state = DIALOGUE_SHOWN;
        *ret = (CoreStep){ .kind = CORE_STEP_SHOW, .is_error = true, .secret = "", .reason = "" };
        snprintf(ret->text, sizeof(ret->text), "%s", text);
        return 0;
}

/* As account says it, for whoever it asks to change his password. */
static bool is_due(const Judged *judged, uint64_t now_usec) {
        return policy_password_due(judged->credential->must_change,
                                   core_password_expires(judged->credential, &judged->values),
                                   now_usec);
}

static bool secrets_equal(const Secret *a, const Secret *b) {
        return base_secret_len(a) == base_secret_len(b) &&
               base_bytes_equal(base_secret_bytes(a), base_secret_bytes(b), base_secret_len(a));
}

/* A refusal that is written into the log, with text and reference where one is due. */
static int step_denied(Dialogue *dialogue, StoreTxn **txn, const Judged *judged,
                       CoreVerdict verdict, const char *reason, uint64_t now_usec, CoreStep *ret) {
        LoginEntry entry = { "login", "change-password", "deny", reason, NULL, 0 };
        uint64_t seq;
        int r;

        r = core_login_audit(*txn, &dialogue->words, judged->user, &dialogue->actor, &entry,
                             now_usec, &seq);
        if (r >= 0) /* a right one that does not count, too; nothing where none was tried */
                r = core_attempt_fail(dialogue, *txn, now_usec);
        if (r >= 0)
                r = core_txn_commit(dialogue->core, txn);
        if (r < 0)
                return r;
        (void)step_verdict(verdict, "", ret);
        if (verdict == CORE_VERDICT_BAD_PROOF)
                return 0;
        ret->reason = policy_reason_name(judged->decision.reason);
        core_reference_format(seq, ret->reference, sizeof(ret->reference));
        core_judged_text(judged, ret->reference, ret->text, sizeof(ret->text));
        return 0;
}

/* Refuses whoever proved to be a user that may not come in. */
static int step_not_admitted(Dialogue *dialogue, StoreTxn **txn, const Judged *judged,
                             uint64_t now_usec, CoreStep *ret) {
        const PolicyDecision *decision = &judged->decision;
        bool hidden = decision->trace[POLICY_CHECK_LOCK] != POLICY_PASSED ||
                      decision->trace[POLICY_CHECK_PROOF] != POLICY_PASSED ||
                      decision->reason == POLICY_REASON_STATUS_PENDING;

        return step_denied(dialogue, txn, judged,
                           hidden ? CORE_VERDICT_BAD_PROOF : core_verdict(decision),
                           core_reason_word(decision->reason), now_usec, ret);
}

/* ---- storing ------------------------------------------------------------------------------ */

/* A reset is done, and whoever did it known from there; the code alone was not enough for that. */
static int reset_done(const Dialogue *dialogue, Change *change, uid_t uid) {
        uint64_t lock_usec;
        int r;

        r = core_lock_time(change->core, change->txn, change->now_usec, &lock_usec);
        if (r == 0)
                r = core_lock_time_keep(change->core, change->txn, lock_usec);
        if (r == 0)
                r = core_login_place(&change->notices, change->txn, &dialogue->words, uid,
                                     lock_usec, change->now_usec);
        if (r == 0)
                r = core_mail_forget(change->txn, uid); /* whoever read those, too */
        return r > 0 ? -EUCLEAN : r;
}

static int store_password(Dialogue *dialogue, Change *change, Judged *judged,
                          const StoreVerifier *verifier) {
        const StoreUser *user = judged->user;
        int r;

        change->service = dialogue->words.service;
        change->tty = dialogue->words.tty;
        r = core_credential_set_password(change, judged->credential, verifier, false, 0);
        if (r == 0 && dialogue->proof == POLICY_PROOF_RESET)
                r = reset_done(dialogue, change, user->uid);
        if (r == 0)
                r = core_change_news(change, CORE_OBJECT_USER, CORE_NEWS_CHANGED, user->uid,
                                     user->name, NULL);
        if (r < 0)
                return r;
        return core_change_commit(change, "user.password", "user", user->name, user->uid,
                                  user->version, NULL);
}

/* Is the credential still the one all of this began with? */
static bool unchanged(const Dialogue *dialogue, const Judged *judged) {
        return judged->facts.known &&
               judged->credential->verifier_version + 1 == dialogue->new_version &&
               (!dialogue->current || core_dialogue_still(dialogue, judged->credential));
}

static int finish(Dialogue *dialogue, const StoreVerifier *made, uint64_t now_usec, CoreStep *ret) {
        bool by_reset = dialogue->proof == POLICY_PROOF_RESET;
        const CoreOptions options = { .reason = by_reset ? "forgotten, by a code by e-mail" : "",
                                      .unasked = true };
        _cleanup_change_ Change change = { 0 };
        _cleanup_judged_ Judged judged = { 0 };
        Proof *reset = NULL;
        Actor actor = dialogue->actor;
        CoreError error;
        int r;

        r = core_change_begin(&change, dialogue->core, &actor, &options, now_usec, &error);
        if (r == 0)
                r = core_judge(dialogue->core, change.txn, &dialogue->words, dialogue->proof,
                               now_usec, &judged);
        if (r != 0)
                return r < 0 ? r : -EUCLEAN;
        if (by_reset && judged.facts.known)
                reset = core_proof_of_reset(dialogue, judged.credential, now_usec);
        if (!unchanged(dialogue, &judged) || (by_reset && !reset))
                return step_verdict(CORE_VERDICT_CHANGE_FAILED,
                                    "The password was changed by somebody else meanwhile.", ret);
        if (dialogue->self && judged.decision.verdict == POLICY_DENY)
                return step_not_admitted(dialogue, &change.txn, &judged, now_usec, ret);
        if (dialogue->self) /* passwd is root to the socket, the person is not */
                actor.uid = judged.user->uid;
        r = store_password(dialogue, &change, &judged, made);
        if (r < 0)
                return r;
        if (reset) {
                core_graces_drop(dialogue->core, judged.user->uid);
                core_proof_renewed(dialogue->core, reset);
        }
        return step_verdict(CORE_VERDICT_ALLOW, "", ret);
}

static void hashed(void *owner, CoreProofResult result, const void *verifier, size_t len,
                   uint64_t now_usec) {
        Dialogue *dialogue = owner;
        StoreVerifier made = { verifier, len, dialogue->new_version };
        CoreStep step;
        int r;

        dialogue->call = NULL;
        if (result != CORE_PROOF_MATCH || len == 0)
                r = step_verdict(CORE_VERDICT_UNAVAILABLE, TEXT_LATER, &step);
        else
                r = finish(dialogue, &made, now_usec, &step);
        reply(dialogue, r, &step);
}

/* ---- the new one -------------------------------------------------------------------------- */

static int hash_new(Dialogue *dialogue, const Judged *judged, CoreStep *ret) {
        VaultRequest request = { .uid = judged->user->uid,
                                 .kind = CORE_KIND_PASSWORD,
                                 .new_version = judged->credential->verifier_version + 1,
                                 .secret = dialogue->fresh };

        dialogue->new_version = request.new_version;
        if (core_vault_call(dialogue->core, VAULT_VERB_HASH, &request, hashed, dialogue,
                            &dialogue->call) < 0)
                return step_verdict(CORE_VERDICT_UNAVAILABLE, TEXT_LATER, ret);
        return WORKING;
}

static void compared(void *owner, CoreProofResult result, const void *verifier, size_t len,
                     uint64_t now_usec);

/* Holds the new one against the next that it may not be; where none is left, it is hashed.  A reset
 * needs no password, and may be a thief's of the mailbox: it is not told which one that was, by no
 * text, nor by after how many it ended. */
static int compare_next(Dialogue *dialogue, const Judged *judged, CoreStep *ret) {
        int r = core_past_ask(dialogue->core, dialogue->past, judged->user->uid, dialogue->self,
                              dialogue->fresh, compared, dialogue, &dialogue->call);

        if (r < 0)
                return step_verdict(CORE_VERDICT_UNAVAILABLE, TEXT_LATER, ret);
        if (r > 0)
                return WORKING;
        return dialogue->fresh_is_past ? step_refuse_new(dialogue, TEXT_OTHER, ret)
                                       : hash_new(dialogue, judged, ret);
}

/* The new one was typed twice.  Whether it is the current one the vault has to say where nobody
 * typed that. */
static int accept_new(Dialogue *dialogue, bool begins, uint64_t now_usec, CoreStep *ret) {
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        _cleanup_judged_ Judged judged = { 0 };
        int r;

        r = store_begin_read(dialogue->core->store, &txn);
        if (r == 0)
                r = core_judge(dialogue->core, txn, &dialogue->words, dialogue->proof, now_usec,
                               &judged);
        if (r < 0)
                return r;
        if (!judged.facts.known)
                return step_verdict(CORE_VERDICT_UNKNOWN_USER, "", ret);
        if (dialogue->current && secrets_equal(dialogue->current, dialogue->fresh))
                return step_refuse_new(dialogue, TEXT_SAME, ret);
        if (begins) {
                dialogue->past = core_past_free(dialogue->past);
                r = core_past_load(txn, judged.credential, !dialogue->current,
                                   judged.values.password_history, &dialogue->past);
        }
        return r < 0 ? r : compare_next(dialogue, &judged, ret);
}

static void compared(void *owner, CoreProofResult result, const void *verifier, size_t len,
                     uint64_t now_usec) {
        Dialogue *dialogue = owner;
        bool present = core_past_is_present(dialogue->past);
        char what[CORE_PAST_TEXT_BYTES], text[sizeof(what) + 32];
        CoreStep step;
        int r;

        dialogue->call = NULL;
        if (result == CORE_PROOF_MATCH && dialogue->proof == POLICY_PROOF_RESET) {
                dialogue->fresh_is_past = true;
                r = accept_new(dialogue, false, now_usec, &step);
        } else if (result == CORE_PROOF_MATCH) {
                core_past_text(dialogue->past, what);
                snprintf(text, sizeof(text), "The new password must %s.", what);
                r = step_refuse_new(dialogue, text, &step);
        } else if (result == CORE_PROOF_BUSY ||
                   (result == CORE_PROOF_THROTTLED && dialogue->self) ||
                   (!present && result != CORE_PROOF_NO_MATCH))
                r = step_verdict(CORE_VERDICT_UNAVAILABLE, TEXT_LATER, &step);
        else /* also where the vault failed at the current one: a new password is what helps then */
                r = accept_new(dialogue, false, now_usec, &step);
        reply(dialogue, r, &step);
}

/* Is it good enough?  Then it is asked for again. */
static void judged_new(void *owner, const CoreQualityAnswer *answer, uint64_t now_usec) {
        Dialogue *dialogue = owner;
        char why[CORE_QUALITY_TEXT_BYTES], text[sizeof(why) + 32];
        CoreStep step;
        int r;

        dialogue->call = NULL;
        if (!answer)
                r = step_verdict(CORE_VERDICT_UNAVAILABLE, TEXT_UNCHECKED, &step);
        else if (answer->failed == 0)
                r = step_ask(dialogue, DIALOGUE_AGAIN, "New password again: ", "new-password-again",
                             &step);
        else {
                core_quality_text(&dialogue->rules, answer, why, sizeof(why));
                snprintf(text, sizeof(text), "The new password %s.", why);
                r = step_refuse_new(dialogue, text, &step);
        }
        reply(dialogue, r, &step);
}

static int judge_new(Dialogue *dialogue, uint64_t now_usec, CoreStep *ret) {
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        _cleanup_judged_ Judged judged = { 0 };
        CoreQualityRequest request = { .password = dialogue->fresh, .old = dialogue->current };
        int r;

        r = store_begin_read(dialogue->core->store, &txn);
        if (r == 0)
                r = core_judge(dialogue->core, txn, &dialogue->words, dialogue->proof, now_usec,
                               &judged);
        if (r < 0)
                return r;
        if (!judged.facts.known)
                return step_verdict(CORE_VERDICT_UNKNOWN_USER, "", ret);
        core_quality_rules(&judged.values, &dialogue->rules);
        request.rules = dialogue->rules;
        request.name = judged.user->name;
        request.full_name = judged.user->full_name;
        request.email = judged.user->email;
        if (core_quality_call(dialogue->core, &request, judged_new, dialogue, &dialogue->call) < 0)
                return step_verdict(CORE_VERDICT_UNAVAILABLE, TEXT_UNCHECKED, ret);
        return WORKING;
}

static int answer_new(Dialogue *dialogue, const Secret *answer, uint64_t now_usec, CoreStep *ret) {
        size_t len = base_secret_len(answer);
        char too_long[64];
        int r;

        snprintf(too_long, sizeof(too_long), "A password may have at most %u bytes.",
                 BASE_PASSWORD_MAX);
        if (len == 0)
                return step_refuse_new(dialogue, "No password was given.", ret);
        if (len > BASE_PASSWORD_MAX)
                return step_refuse_new(dialogue, too_long, ret);
        if (!core_secret_usable(answer))
                return step_refuse_new(dialogue, "A password may not have a NUL byte.", ret);
        dialogue->fresh = base_secret_free(dialogue->fresh);
        r = core_secret_copy(answer, &dialogue->fresh);
        return r < 0 ? r : judge_new(dialogue, now_usec, ret);
}

/* ---- the current one ---------------------------------------------------------------------- */

/* By password.min-age; one that has to be changed may be.  If so, *ret says from when. */
static bool too_early(const Judged *judged, uint64_t now_usec, CoreStep *ret) {
        char text[96], date[32];
        uint64_t from_usec =
                policy_password_changeable(judged->credential->password_changed_usec,
                                           judged->values.password_min_age_usec, now_usec);

        if (is_due(judged, now_usec) || now_usec >= from_usec)
                return false;
        base_format_rfc3339(from_usec, date);
        snprintf(text, sizeof(text), "The password may be changed again from %s.", date);
        (void)step_verdict(CORE_VERDICT_CHANGE_FAILED, text, ret);
        return true;
}

static const char *wrong_word(const Dialogue *dialogue, CoreProofResult result) {
        if (dialogue->words.lockout.locked)
                return core_reason_word(POLICY_REASON_LOCKOUT);
        if (dialogue->words.lockout.throttled)
                return core_reason_word(POLICY_REASON_SOURCE_THROTTLED);
        return result == CORE_PROOF_THROTTLED ? "throttled"
                                              : core_reason_word(POLICY_REASON_BAD_PROOF);
}

/* Nobody looked. */
static int refund(Dialogue *dialogue, uint64_t now_usec) {
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        int r;

        r = store_begin(dialogue->core->store, &txn);
        if (r == 0)
                r = core_attempt_refund(dialogue, txn, now_usec);
        return r != 0 ? r : core_txn_commit(dialogue->core, &txn);
}

static int step_unavailable(Dialogue *dialogue, uint64_t now_usec, CoreStep *ret) {
        int r = refund(dialogue, now_usec);

        return r < 0 ? r : step_verdict(CORE_VERDICT_UNAVAILABLE, TEXT_LATER, ret);
}

void core_change_login_unavailable(Dialogue *dialogue, uint64_t now_usec) {
        CoreStep step;
        int r = step_unavailable(dialogue, now_usec, &step);

        reply(dialogue, r, &step);
}

/* Who has a second factor has not proved all he has to by a password: failures stay, codes' too. */
static int proved(Dialogue *dialogue, StoreTxn *txn, uid_t uid, NoticeDrafts *drafts,
                  uint64_t now_usec) {
        _cleanup_(store_factors_done) StoreFactors factors = { 0 };
        char notice[CORE_NOTICE_BYTES];
        int r = store_factors_of_user(txn, uid, &factors);

        if (r < 0)
                return r;
        return core_factors_any(&factors)
                       ? core_attempt_refund(dialogue, txn, now_usec)
                       : core_attempt_succeed(dialogue, txn, drafts, now_usec, notice);
}

static int conclude_current(Dialogue *dialogue, CoreProofResult result, uint64_t now_usec,
                            CoreStep *ret) {
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        _cleanup_judged_ Judged judged = { 0 };
        bool match = result == CORE_PROOF_MATCH && !dialogue->spending;
        NoticeDrafts drafts = { .count = 0 };
        int r;

        dialogue->proof = match ? POLICY_PROOF_PASSWORD : POLICY_PROOF_WRONG;
        r = store_begin(dialogue->core->store, &txn);
        if (r == 0)
                r = core_judge(dialogue->core, txn, &dialogue->words, dialogue->proof, now_usec,
                               &judged);
        if (r < 0)
                return r;
        if (!match || !judged.facts.known || !core_dialogue_still(dialogue, judged.credential))
                return step_denied(dialogue, &txn, &judged, CORE_VERDICT_BAD_PROOF,
                                   wrong_word(dialogue, result), now_usec, ret);
        if (judged.decision.verdict == POLICY_DENY)
                return step_not_admitted(dialogue, &txn, &judged, now_usec, ret);
        r = proved(dialogue, txn, judged.user->uid, &drafts, now_usec);
        if (r == 0)
                r = core_txn_commit(dialogue->core, &txn);
        if (r < 0)
                return r;
        core_notices_keep(dialogue->core, &drafts);
        return too_early(&judged, now_usec, ret) ? 0 : step_ask_new(dialogue, ret);
}

static void verified(void *owner, CoreProofResult result, const void *verifier, size_t len,
                     uint64_t now_usec) {
        Dialogue *dialogue = owner;
        CoreStep step;
        int r;

        dialogue->call = NULL;
        if (result == CORE_PROOF_BUSY || result == CORE_PROOF_FAULT)
                r = step_unavailable(dialogue, now_usec, &step);
        else
                r = conclude_current(dialogue, result, now_usec, &step);
        if (r == 0)
                core_attempt_answer(dialogue, &step);
        else
                reply(dialogue, r, &step);
}

/* The answer is charged: it is held against the password, or nothing is. */
static int try_current(Dialogue *dialogue, const Secret *answer, uint64_t now_usec, CoreStep *ret) {
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        _cleanup_judged_ Judged judged = { 0 };
        _cleanup_secret_ Secret *dummy = NULL;
        bool usable = core_secret_usable(answer);
        const StoreVerifier *verifier = NULL;
        int r;

        r = store_begin_read(dialogue->core->store, &txn);
        if (r == 0)
                r = core_judge(dialogue->core, txn, &dialogue->words, POLICY_PROOF_WRONG, now_usec,
                               &judged);
        if (r == 0)
                r = usable ? core_secret_copy(answer, &dialogue->current)
                           : base_secret_new("um", 2, &dummy);
        if (r < 0)
                return r;
        if (usable && judged.facts.known && !judged.facts.locked_out &&
            !judged.facts.source_throttled && judged.credential->password.len > 0)
                verifier = &judged.credential->password;
        if (core_dialogue_try(dialogue, CORE_KIND_PASSWORD, judged.user ? judged.user->uid : 0,
                              judged.credential, verifier, usable ? answer : dummy, verified) < 0) {
                store_txn_abortp(&txn);
                return step_unavailable(dialogue, now_usec, ret);
        }
        return WORKING;
}

static void look(Dialogue *dialogue, const Secret *answer, uint64_t now_usec) {
        CoreStep step;
        int r = try_current(dialogue, answer, now_usec, &step);

        reply(dialogue, r, &step);
}

static int answer_current(Dialogue *dialogue, const Secret *answer, uint64_t now_usec) {
        int r = core_attempt_begin(dialogue, answer, look, now_usec);

        return r < 0 ? r : WORKING;
}

/* ---- in and out --------------------------------------------------------------------------- */

static int begin_known(Dialogue *dialogue, const Judged *judged, uint64_t now_usec, CoreStep *ret) {
        const StoreCredential *credential = judged->credential;
        bool demanded = (dialogue->flags & LOGIN_FLAG_EXPIRED) != 0;
        bool by_reset = demanded && core_proof_of_reset(dialogue, credential, now_usec);
        bool due = by_reset || is_due(judged, now_usec);
        bool by_code = dialogue->actor.uid == 0 && credential->must_change &&
                       core_proof_by_code(dialogue->core, judged->user->uid, now_usec);

        if (demanded && !due)
                return step_verdict(CORE_VERDICT_ALLOW, "", ret);
        if (judged->user->service)
                return step_verdict(CORE_VERDICT_CHANGE_FAILED,
                                    "A service account has no password.", ret);
        dialogue->self = dialogue->actor.uid != 0 ||
                         (dialogue->flags & (LOGIN_FLAG_EXPIRED | LOGIN_FLAG_ASK_CURRENT)) != 0;
        if (!dialogue->self)
                return step_ask_new(dialogue, ret);
        if (by_code || by_reset) {
                dialogue->proof = by_reset ? POLICY_PROOF_RESET : POLICY_PROOF_SETUP_CODE;
                return step_ask_new(dialogue, ret);
        }
        if (credential->password.len == 0)
                return step_verdict(CORE_VERDICT_CHANGE_FAILED,
                                    "There is no password to change: ask for a setup code.", ret);
        return step_ask(dialogue, DIALOGUE_CURRENT, "Current password: ", "password", ret);
}

static int begin(Dialogue *dialogue, uint64_t now_usec, CoreStep *ret) {
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        _cleanup_judged_ Judged judged = { 0 };
        int r;

        dialogue->proof = POLICY_PROOF_NONE;
        r = store_begin_read(dialogue->core->store, &txn);
        if (r == 0)
                r = core_judge(dialogue->core, txn, &dialogue->words, dialogue->proof, now_usec,
                               &judged);
        if (r < 0)
                return r;
        if (!judged.facts.known) /* nothing to guess at here: another module may know the name */
                return step_verdict(CORE_VERDICT_UNKNOWN_USER, "", ret);
        return begin_known(dialogue, &judged, now_usec, ret);
}

void core_change_login_begin(Dialogue *dialogue, uint64_t now_usec) {
        CoreStep step;
        int r = begin(dialogue, now_usec, &step);

        reply(dialogue, r, &step);
}

static int answer_state(Dialogue *dialogue, const Secret *answer, uint64_t now_usec,
                        CoreStep *ret) {
        switch (dialogue->state) {
        case DIALOGUE_CURRENT:
                return answer_current(dialogue, answer, now_usec);
        case DIALOGUE_NEW:
                return answer_new(dialogue, answer, now_usec, ret);
        case DIALOGUE_AGAIN:
                return secrets_equal(dialogue->fresh, answer)
                               ? accept_new(dialogue, true, now_usec, ret)
                               : step_refuse_new(dialogue, TEXT_NO_MATCH, ret);
        case DIALOGUE_SHOWN:
                return step_ask_new(dialogue, ret);
        case DIALOGUE_PASSWORD:
        case DIALOGUE_RESET:
        case DIALOGUE_CHOICE:
        case DIALOGUE_CODE:
        case DIALOGUE_TOKEN:
        case DIALOGUE_PIN:
        case DIALOGUE_TOKEN_NEW:
        case DIALOGUE_ENROL_SHOWN:
        case DIALOGUE_ENROL_CODE:
        case DIALOGUE_RECOVERY_SHOWN:
        case _DIALOGUE_STATE_MAX:
                break;
        }
        return -EUCLEAN;
}

void core_change_login_answer(Dialogue *dialogue, const Secret *answer, uint64_t now_usec) {
        CoreStep step;
        int r = answer_state(dialogue, answer, now_usec, &step);

        reply(dialogue, r, &step);
}
