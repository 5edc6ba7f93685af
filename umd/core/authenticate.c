/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Is it he?  One question, one answer, for everybody: a name nobody has, a wrong password and a
 * locked user meet the same step and the same work.
 *
 * The work depends on the answer's length alone.  Whatever it is, it is held against the password
 * once; an answer as long as a setup code is held against that too, so it costs two hashes for
 * everybody, whether or not there is such a user, password or code.  (Not its form: for a name that
 * resolves nowhere sshd answers in the person's place, with nonsense of the same length.)  The
 * password comes last: a right one shows no sooner than a wrong one where a code is asked for next.
 * Where there is nothing to hold the answer against, the vault spends the same time.
 *
 * Then comes the second factor where one is due (second.c), whatever came of the first; what was
 * proved of both is judged together.
 *
 * When the vault has answered, all is read again: a credential that changed meanwhile, or that a
 * flush took back, proves nothing.  What follows from the proof (a code used up, an old hash
 * replaced) commits with the audit entry. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "umd/core/second.h"

static void answered(void *owner, CoreProofResult result, const void *verifier, size_t len,
                     uint64_t now_usec);

/* ---- the end ------------------------------------------------------------------------------ */

/* How it ended: what goes out and what the log says. */
typedef struct Ending {
        CoreVerdict verdict;
        const char *outcome, *reason;
} Ending;

/* Why it could not be right, or that it was not. */
static const char *wrong_word(const Dialogue *dialogue) {
        if (dialogue->words.lockout.locked)
                return core_reason_word(POLICY_REASON_LOCKOUT);
        if (dialogue->words.lockout.throttled)
                return core_reason_word(POLICY_REASON_SOURCE_THROTTLED);
        return dialogue->throttled ? "throttled" : core_reason_word(POLICY_REASON_BAD_PROOF);
}

/* He has a second factor and did not prove it: as wrong as a wrong password. */
static bool lacks_code(const Judged *judged) {
        return judged->decision.trace[POLICY_CHECK_FACTOR] != POLICY_PASSED &&
               judged->decision.trace[POLICY_CHECK_FACTOR] != POLICY_NOT_APPLICABLE &&
               judged->facts.enrolled > POLICY_STRENGTH_SINGLE &&
               judged->facts.strength <= POLICY_STRENGTH_SINGLE;
}

static const char *why_no_code(const Dialogue *dialogue) {
        if (dialogue->second.result == CORE_PROOF_USED)
                return dialogue->second.method == POLICY_METHOD_FIDO2 ? "key-counter"
                                                                      : "code-reused";
        return dialogue->second.clock_unset && !dialogue->throttled ? "clock-unset"
                                                                    : wrong_word(dialogue);
}

static Ending ending_of(const Dialogue *dialogue, const Judged *judged) {
        const PolicyDecision *decision = &judged->decision;

        if (!judged->facts.known)
                return (Ending){ CORE_VERDICT_BAD_PROOF, "deny", "unknown-user" };
        if (judged->facts.proof == POLICY_PROOF_WRONG)
                return (Ending){ CORE_VERDICT_BAD_PROOF, "deny", wrong_word(dialogue) };
        /* what was typed beside a key was not looked at */
        if (judged->facts.locked_out || judged->facts.source_throttled)
                return (Ending){ CORE_VERDICT_BAD_PROOF, "deny", wrong_word(dialogue) };
        /* the log says why; the person learns no more than with a wrong password */
        if (decision->trace[POLICY_CHECK_PROOF] != POLICY_PASSED ||
            decision->trace[POLICY_CHECK_LOCK] != POLICY_PASSED ||
            decision->reason == POLICY_REASON_STATUS_PENDING)
                return (Ending){ CORE_VERDICT_BAD_PROOF, "deny",
                                 core_reason_word(decision->reason) };
        if (decision->reason == POLICY_REASON_KEY_TYPE &&
            dialogue->second.first == POLICY_PROOF_KEY) /* no code was asked for beside it */
                return (Ending){ CORE_VERDICT_DENIED, "deny", core_reason_word(decision->reason) };
        if (lacks_code(judged))
                return (Ending){ CORE_VERDICT_BAD_PROOF, "deny", why_no_code(dialogue) };
        /* an application that does not ask account next must not take less for enough */
        if (decision->reason == POLICY_REASON_FACTOR_NOT_ENROLLED ||
            decision->reason == POLICY_REASON_FACTOR_REQUIRED ||
            decision->reason == POLICY_REASON_KEY_TYPE ||
            decision->reason == POLICY_REASON_STRENGTH)
                return (Ending){ CORE_VERDICT_DENIED, "deny", core_reason_word(decision->reason) };
        /* account refuses, with text and reference: every stack runs it next */
        return (Ending){ CORE_VERDICT_ALLOW, core_outcome_word(decision),
                         core_reason_word(decision->reason) };
}

/* What the proof leads to in the credential.  new_verifier: the password's, of a better method. */
static int use_proof(Change *change, const Dialogue *dialogue, Judged *judged,
                     const StoreVerifier *new_verifier) {
        StoreCredential *credential = judged->credential;
        int r;

        if (dialogue->second.first == POLICY_PROOF_KEY)
                return 0;
        if (dialogue->second.first == POLICY_PROOF_RESET)
                return core_reset_use(dialogue, change, judged->user);
        if (dialogue->kind == CORE_KIND_SETUP_CODE) {
                credential->setup_code = (StoreVerifier){ 0 };
                credential->setup_code_expires_usec = 0;
                credential->must_change = true;
                r = core_change_news(change, CORE_OBJECT_USER, CORE_NEWS_CHANGED, judged->user->uid,
                                     judged->user->name, NULL);
                if (r < 0)
                        return r;
        } else if (new_verifier->len > 0 && credential->version == dialogue->credential_version) {
                credential->password = *new_verifier;
                credential->verifier_version = new_verifier->version;
        } else
                return 0; /* also where a newer password won meanwhile: silently (SECURITY L5) */
        r = store_credential_put(change->txn, credential);
        credential->version++; /* what else this login writes goes on from here */
        return r > 0 ? -EUCLEAN : r;
}

/* What the session around it proved stands for a second factor here. */
static bool around_counted(const Dialogue *dialogue, const Judged *judged) {
        return !dialogue->second.asked && judged->facts.second == POLICY_SECOND_DUE &&
               judged->facts.strength > POLICY_STRENGTH_SINGLE &&
               judged->facts.strength == dialogue->words.around.strength &&
               judged->user->uid == dialogue->words.around.uid;
}

static int entry_append(Change *change, const Dialogue *dialogue, const Judged *judged,
                        const StoreFactor *factor, const Ending *ending, uint64_t *ret_seq) {
        bool allowed = ending->verdict == CORE_VERDICT_ALLOW;
        char text[FACTOR_TEXT_BYTES], keys[KEYS_TEXT_BYTES];
        StoreValue values[2]; /* of the first factor and of the second; or of the keys alone */
        LoginEntry entry = { "login", "authenticate", ending->outcome, ending->reason, values, 0 };

        if (allowed && dialogue->second.first == POLICY_PROOF_SETUP_CODE)
                values[entry.value_count++] = (StoreValue){ "setup_code", "(changed)", NULL };
        else if (allowed && dialogue->second.first == POLICY_PROOF_RESET)
                values[entry.value_count++] = (StoreValue){ "reset_code", "(changed)", NULL };
        if (allowed && factor) {
                core_factor_text(factor, text);
                values[entry.value_count++] = (StoreValue){ "factor", NULL, text };
        } else if (allowed && around_counted(dialogue, judged)) {
                core_reference_format(dialogue->words.around.seq, text, sizeof(text));
                values[entry.value_count++] = (StoreValue){ "session", NULL, text };
        }
        if (!allowed)
                entry.value_count =
                        core_keys_value(&judged->facts, &judged->decision, keys, values);
        return core_login_audit(change->txn, &dialogue->words, judged->user, &dialogue->actor,
                                &entry, change->now_usec, ret_seq);
}

/* A right password of a program of root's that changed nothing may be answered before its entry is
 * durable: account judges next, in every stack, and its reply waits for a flush that has both.  If
 * that fails the proof is gone too.  Programs that are not root (screen lockers) often ask for no
 * account: theirs waits. */
static bool may_precede(const Dialogue *dialogue, const Ending *ending, const StoreFactor *factor) {
        return ending->verdict == CORE_VERDICT_ALLOW && dialogue->actor.uid == 0 &&
               dialogue->second.first == POLICY_PROOF_PASSWORD &&
               dialogue->second.better.len == 0 && !factor;
}

/* *early: may the answer precede the flush?  Only where that will write nothing else either: what
 * was judged here is durable then. */
static int commit(Change *change, Proof *proof, bool *early) {
        Core *core = change->core;
        int r;

        r = core_news_reserve(&core->news, change->news.count);
        if (r == 0)
                r = *early ? core_txn_commit_later(core, &change->txn, early)
                           : core_txn_commit(core, &change->txn);
        if (r < 0) {
                free(proof);
                return r;
        }
        core_news_merge(&core->news, &change->news);
        core_notices_keep(core, &change->notices);
        if (proof)
                core_proof_keep(core, proof);
        return 0;
}

/* Is the first factor still what is stored, and the second one, if any, the same user's?  1, 0 or a
 * fault. */
static int still_proved(const Dialogue *dialogue, StoreTxn *txn, const Judged *judged,
                        const StoreFactor *factor, uint64_t now_usec) {
        if (!judged->credential || (factor && factor->uid != judged->user->uid))
                return 0;
        if (dialogue->second.first == POLICY_PROOF_RESET)
                return core_reset_holds(dialogue, txn, judged->user, now_usec);
        return dialogue->second.first == POLICY_PROOF_KEY ||
               core_dialogue_still(dialogue, judged->credential);
}

/* What was proved and does not hold any more proves nothing. */
int core_authenticate_judge(Dialogue *dialogue, StoreTxn *txn, const StoreFactor *factor,
                            uint64_t now_usec, Judged *ret) {
        Shown shown = { .proof = dialogue->second.first,
                        .strength = factor ? core_factor_strength(factor) : POLICY_STRENGTH_SINGLE,
                        .exempt = core_second_exempt(&dialogue->actor, &dialogue->words),
                        .login = dialogue->actor.uid == 0,
                        .in_dialogue = true };
        const Shown nothing = { .proof = POLICY_PROOF_WRONG,
                                .exempt = shown.exempt,
                                .in_dialogue = true };
        _cleanup_judged_ Judged judged = { 0 };
        int r, holds = 1;

        if (shown.proof == POLICY_PROOF_WRONG)
                shown = nothing;
        r = core_judge_login(dialogue->core, txn, &dialogue->words, &shown, now_usec, &judged);
        if (r == 0 && shown.proof != POLICY_PROOF_WRONG)
                holds = still_proved(dialogue, txn, &judged, factor, now_usec);
        if (holds < 0)
                return holds;
        if (r == 0 && !holds) {
                core_judged_done(&judged);
                judged = (Judged){ 0 };
                r = core_judge_login(dialogue->core, txn, &dialogue->words, &nothing, now_usec,
                                     &judged);
        }
        if (r < 0)
                return r;
        *ret = judged;
        judged = (Judged){ 0 };
        return 0;
}

/* The failures of the place are over once somebody has proved all he has; a password alone, where
 * there is a factor too, takes back its own charge and no guess at codes (SECURITY I2), also where
 * a grace or the session around it stands for the factor.  A code for a reset does no more: who
 * breaks off with it may be a thief of the mailbox, and is not known from there by that. */
static int succeed(Change *change, Dialogue *dialogue, const Judged *judged, char *ret_notice) {
        const PolicyFacts *facts = &judged->facts;

        if (facts->proof != POLICY_PROOF_RESET &&
            (facts->enrolled <= POLICY_STRENGTH_SINGLE || judged->own > POLICY_STRENGTH_SINGLE))
                return core_attempt_succeed(dialogue, change->txn, &change->notices,
                                            change->now_usec, ret_notice);
        ret_notice[0] = '\0';
        return core_attempt_refund(dialogue, change->txn, change->now_usec);
}

/* What follows from an allow, in the same transaction. */
static int use_all(Change *change, Dialogue *dialogue, Judged *judged, StoreFactor *factor,
                   char *ret_notice, Proof **ret) {
        int r;

        r = use_proof(change, dialogue, judged, &dialogue->second.better);
        if (r >= 0 && factor)
                r = core_second_use(dialogue, change, factor);
        if (r >= 0)
                r = succeed(change, dialogue, judged, ret_notice);
        if (r >= 0)
                r = core_proof_new(dialogue, judged->user->uid, dialogue->second.first, judged->own,
                                   change->now_usec, ret);
        if (r >= 0)
                (*ret)->verifier_version = judged->credential->verifier_version;
        return r;
}

static int refuse(Change *change, Dialogue *dialogue, const Ending *ending) {
        int r = core_mail_missed(dialogue, change->txn, change->now_usec);

        if (r >= 0)
                r = core_reset_missed(dialogue, change->txn, change->now_usec);
        if (r < 0)
                return r;
        return ending->verdict == CORE_VERDICT_DENIED
                       ? core_attempt_refund(dialogue, change->txn, change->now_usec)
                       : core_attempt_fail(dialogue, change->txn, change->now_usec);
}

int core_authenticate_use(Change *change, Dialogue *dialogue, Judged *judged,
                          const StoreFactor *factor, char *ret_notice, Proof **ret) {
        static const Ending allow = { CORE_VERDICT_ALLOW, "allow", "" };
        static const StoreVerifier none = { 0 }; /* the numbers are the factor's now */
        uint64_t seq;
        int r;

        r = entry_append(change, dialogue, judged, factor, &allow, &seq);
        if (r >= 0)
                r = use_proof(change, dialogue, judged, &none);
        if (r >= 0)
                r = core_attempt_succeed(dialogue, change->txn, &change->notices, change->now_usec,
                                         ret_notice);
        if (r >= 0)
                r = core_proof_new(dialogue, judged->user->uid, dialogue->second.first, judged->own,
                                   change->now_usec, ret);
        return r;
}

static void step_write(const Judged *judged, const Ending *ending, uint64_t seq, CoreStep *ret) {
        ret->verdict = ending->verdict;
        if (ending->verdict != CORE_VERDICT_DENIED)
                return;
        ret->reason = ending->reason;
        core_reference_format(seq, ret->reference, sizeof(ret->reference));
        core_judged_text(judged, ret->reference, ret->text, sizeof(ret->text));
}

/* Judges, writes, commits; the step to hand out.  1: nothing is missing but a second factor that
 * can be enrolled now, and nothing was written; *ret_judged says of whom. */
static int conclude(Dialogue *dialogue, uint64_t now_usec, CoreStep *ret, Judged *ret_judged) {
        _cleanup_change_ Change change = { .core = dialogue->core, .now_usec = now_usec };
        _cleanup_(store_factor_freep) StoreFactor *factor = NULL;
        _cleanup_judged_ Judged judged = { 0 };
        Proof *proof = NULL;
        Ending ending;
        bool is_entry = true;
        uint64_t seq = 0; /* where there is no entry nobody is told its number */
        int r;

        *ret = (CoreStep){ .kind = CORE_STEP_DONE, .secret = "", .reason = "" };
        r = store_begin(dialogue->core->store, &change.txn);
        if (r == 0)
                r = core_second_load(dialogue, change.txn, now_usec, &factor);
        if (r == 0)
                r = core_authenticate_judge(dialogue, change.txn, factor, now_usec, &judged);
        if (r < 0)
                return r;
        if (judged.decision.verdict == POLICY_ENROL) {
                *ret_judged = judged;
                judged = (Judged){ 0 };
                return 1;
        }
        ending = ending_of(dialogue, &judged);
        if (ending.verdict == CORE_VERDICT_BAD_PROOF)
                r = core_missed(dialogue->core, change.txn, &dialogue->words, judged.user, now_usec,
                                &is_entry);
        if (r == 0 && is_entry)
                r = entry_append(&change, dialogue, &judged, factor, &ending, &seq);
        if (r >= 0 && ending.verdict == CORE_VERDICT_ALLOW)
                r = use_all(&change, dialogue, &judged, factor, ret->text, &proof);
        else if (r >= 0)
                r = refuse(&change, dialogue, &ending);
        dialogue->early = may_precede(dialogue, &ending, factor);
        if (r >= 0)
                r = commit(&change, proof, &dialogue->early);
        if (r < 0)
                return r;
        step_write(&judged, &ending, seq, ret);
        ret->early = dialogue->early;
        return 0;
}

void core_authenticate_finish(Dialogue *dialogue, uint64_t now_usec) {
        _cleanup_judged_ Judged judged = { 0 };
        CoreStep step;
        int r = conclude(dialogue, now_usec, &step, &judged);

        if (r < 0)
                core_dialogue_fail(dialogue, r, NULL);
        else if (r > 0)
                core_enrol_begin(dialogue, &judged, now_usec);
        else if (dialogue->enrols && step.verdict == CORE_VERDICT_ALLOW)
                core_token_announce(dialogue, step.text);
        else
                core_attempt_answer(dialogue, &step);
}

void core_authenticate_first(Dialogue *dialogue, PolicyProof proved, uint64_t now_usec) {
        int r;

        dialogue->second.first = proved;
        dialogue->answer = base_secret_free(dialogue->answer);
        r = core_second_ask(dialogue, now_usec);
        if (r < 0)
                core_dialogue_fail(dialogue, r, NULL);
        else if (r == 0)
                core_authenticate_finish(dialogue, now_usec);
}

/* Of an attempt that failed, or that nobody looked at. */
static int note(Dialogue *dialogue, bool failed, const char *reason, uint64_t now_usec) {
        const LoginEntry entry = { "login", "authenticate", failed ? "deny" : "failed",
                                   reason,  NULL,           0 };
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        _cleanup_judged_ Judged judged = { 0 };
        bool is_entry = false;
        uint64_t seq;
        int r;

        r = store_begin(dialogue->core->store, &txn);
        if (r == 0)
                r = core_judge(dialogue->core, txn, &dialogue->words, POLICY_PROOF_WRONG, now_usec,
                               &judged);
        if (r == 0)
                r = core_missed(dialogue->core, txn, &dialogue->words, judged.user, now_usec,
                                &is_entry);
        if (r == 0 && is_entry)
                r = core_login_audit(txn, &dialogue->words, judged.user, &dialogue->actor, &entry,
                                     now_usec, &seq);
        if (r >= 0 && failed)
                r = core_reset_missed(dialogue, txn, now_usec);
        if (r >= 0)
                r = failed ? core_attempt_fail(dialogue, txn, now_usec)
                           : core_attempt_refund(dialogue, txn, now_usec);
        if (r >= 0)
                r = core_txn_commit(dialogue->core, &txn);
        return r;
}

/* What was looked at and was wrong stays charged, whatever failed after that: else a vault that is
 * kept busy gives guesses back. */
static void end_unjudged(Dialogue *dialogue, const char *reason, const char *text,
                         uint64_t now_usec) {
        bool wrong = dialogue->round > 0 || dialogue->second.first == POLICY_PROOF_WRONG;
        int r = note(dialogue, wrong, reason, now_usec);

        if (r < 0)
                core_dialogue_fail(dialogue, r, NULL);
        else
                core_dialogue_verdict(dialogue, CORE_VERDICT_UNAVAILABLE, text);
}

void core_authenticate_unavailable(Dialogue *dialogue, uint64_t now_usec) {
        end_unjudged(dialogue, "internal", "", now_usec);
}

void core_authenticate_busy(Dialogue *dialogue, uint64_t now_usec) {
        end_unjudged(dialogue, "busy", TEXT_LATER, now_usec);
}

void core_authenticate_give_up(Dialogue *dialogue, const char *reason, uint64_t now_usec) {
        int r = note(dialogue, true, reason, now_usec);

        if (r < 0)
                core_dialogue_fail(dialogue, r, NULL);
        else
                core_dialogue_verdict(dialogue, CORE_VERDICT_BAD_PROOF, "");
}

/* ---- the work -------------------------------------------------------------------------------- */

/* Stands in for what nobody hashes as it is, so that the vault takes it. */
static int dummy_new(Secret **ret) {
        return base_secret_new("um", 2, ret);
}

static bool round_is_code(const Dialogue *dialogue) {
        return dialogue->two_rounds && dialogue->round == 0;
}

/* What the answer is held against in this round; NULL: nothing. */
static const StoreVerifier *round_verifier(const Dialogue *dialogue, const Judged *judged,
                                           uint64_t now_usec) {
        const StoreCredential *credential = judged->credential;

        if (!judged->facts.known || judged->facts.locked_out || judged->facts.source_throttled)
                return NULL;
        if (!round_is_code(dialogue))
                return credential->password.len > 0 ? &credential->password : NULL;
        return credential->setup_code.len > 0 && now_usec < credential->setup_code_expires_usec
                       ? &credential->setup_code
                       : NULL;
}

static int try_round(Dialogue *dialogue, uint64_t now_usec) {
        const Secret *secret = round_is_code(dialogue) ? dialogue->code : dialogue->answer;
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        _cleanup_secret_ Secret *dummy = NULL;
        _cleanup_judged_ Judged judged = { 0 };
        int r;

        r = store_begin_read(dialogue->core->store, &txn);
        if (r == 0)
                r = core_judge(dialogue->core, txn, &dialogue->words, POLICY_PROOF_WRONG, now_usec,
                               &judged);
        if (r == 0 && !secret)
                r = dummy_new(&dummy);
        if (r < 0)
                return r;
        return core_dialogue_try(dialogue,
                                 round_is_code(dialogue) ? CORE_KIND_SETUP_CODE
                                                         : CORE_KIND_PASSWORD,
                                 judged.user ? judged.user->uid : 0, judged.credential,
                                 secret ? round_verifier(dialogue, &judged, now_usec) : NULL,
                                 secret ? secret : dummy, answered);
}

static void next_round(Dialogue *dialogue, uint64_t now_usec) {
        dialogue->round++;
        if (dialogue->round > 1 || !dialogue->two_rounds)
                core_authenticate_first(dialogue, POLICY_PROOF_WRONG, now_usec);
        else if (try_round(dialogue, now_usec) < 0)
                core_authenticate_unavailable(dialogue, now_usec);
}

static void answered(void *owner, CoreProofResult result, const void *verifier, size_t len,
                     uint64_t now_usec) {
        Dialogue *dialogue = owner;
        StoreVerifier better = { verifier, len, 0 };

        dialogue->call = NULL;
        switch (result) {
        case CORE_PROOF_MATCH:
                if (dialogue->spending) { /* there was nothing to match */
                        next_round(dialogue, now_usec);
                        return;
                }
                better.version = dialogue->tried_next_version;
                if (core_verifier_keep(&better, &dialogue->second.better) < 0)
                        core_dialogue_fail(dialogue, -ENOMEM, NULL);
                else
                        core_authenticate_first(dialogue,
                                                dialogue->kind == CORE_KIND_SETUP_CODE
                                                        ? POLICY_PROOF_SETUP_CODE
                                                        : POLICY_PROOF_PASSWORD,
                                                now_usec);
                return;
        case CORE_PROOF_NO_MATCH:
                next_round(dialogue, now_usec);
                return;
        case CORE_PROOF_THROTTLED: /* the vault did not look, and took the time of it */
                dialogue->throttled = true;
                next_round(dialogue, now_usec);
                return;
        case CORE_PROOF_FAULT:
        case CORE_PROOF_BUSY:
        case CORE_PROOF_USED:
        case _CORE_PROOF_MAX:
                break;
        }
        core_authenticate_unavailable(dialogue, now_usec);
}

static int answer_keep(Dialogue *dialogue, const Secret *answer) {
        size_t len = base_secret_len(answer);
        int r;

        if (!core_secret_usable(answer))
                return 0;
        dialogue->two_rounds = len == SETUP_CODE_BYTES;
        r = base_secret_new(base_secret_bytes(answer), len, &dialogue->answer);
        if (r < 0)
                return r;
        return core_setup_code_read(answer, &dialogue->code) == -ENOMEM ? -ENOMEM : 0;
}

/* The answer is charged. */
static void look(Dialogue *dialogue, const Secret *answer, uint64_t now_usec) {
        int r = answer_keep(dialogue, answer);

        if (r == 0)
                r = try_round(dialogue, now_usec);
        if (r < 0)
                core_authenticate_unavailable(dialogue, now_usec);
}

/* ---- in and out ------------------------------------------------------------------------------ */

void core_authenticate_begin(Dialogue *dialogue, uint64_t now_usec) {
        int r = 0;

        if (dialogue->words.key != 0) {
                dialogue->second.first = POLICY_PROOF_KEY;
                r = core_second_begin_key(dialogue, now_usec);
        }
        if (r == 0) {
                dialogue->second.first = POLICY_PROOF_INVALID;
                r = core_reset_offer(dialogue);
        }
        if (r < 0)
                core_dialogue_fail(dialogue, r, NULL);
        if (r != 0)
                return;
        core_dialogue_ask(dialogue, DIALOGUE_PASSWORD, "Password: ", "password");
}

void core_authenticate_answer(Dialogue *dialogue, const Secret *answer, uint64_t now_usec) {
        switch (dialogue->state) {
        case DIALOGUE_PASSWORD:
                if (core_reset_begin(dialogue, answer))
                        return;
                if (core_attempt_begin(dialogue, answer, look, now_usec) < 0)
                        core_authenticate_unavailable(dialogue, now_usec);
                return;
        case DIALOGUE_RESET:
                core_reset_answer(dialogue, answer, now_usec);
                return;
        case DIALOGUE_CHOICE:
        case DIALOGUE_CODE:
                core_second_answer(dialogue, answer, now_usec);
                return;
        case DIALOGUE_TOKEN:
        case DIALOGUE_PIN:
        case DIALOGUE_TOKEN_NEW:
                core_token_answer(dialogue, answer, now_usec);
                return;
        case DIALOGUE_ENROL_SHOWN:
        case DIALOGUE_ENROL_CODE:
        case DIALOGUE_RECOVERY_SHOWN:
                core_enrol_answer(dialogue, answer, now_usec);
                return;
        case DIALOGUE_CURRENT:
        case DIALOGUE_NEW:
        case DIALOGUE_AGAIN:
        case DIALOGUE_SHOWN:
        case _DIALOGUE_STATE_MAX:
                break;
        }
        core_dialogue_fail(dialogue, -EUCLEAN, NULL);
}
