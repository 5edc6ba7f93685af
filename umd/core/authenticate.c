/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Is it he?  One question, one answer, for everybody: a name nobody has, a wrong password and a
 * locked user meet the same step and the same work.
 *
 * The work depends on the answer's length alone.  Whatever it is, it is held against the password
 * once; an answer as long as a setup code is held against that too, so it costs two hashes for
 * everybody, whether or not there is such a user, password or code.  (Not its form: for a name that
 * resolves nowhere sshd answers in the person's place, with nonsense of the same length.)  Where
 * there is nothing to hold it against, the vault spends the same time.
 *
 * When the vault has answered, all is read again: a credential that changed meanwhile, or that a
 * flush took back, proves nothing.  What follows from the proof (a code used up, an old hash
 * replaced) commits with the audit entry. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "umd/core/login.h"

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

static Ending ending_of(const Dialogue *dialogue, const Judged *judged) {
        const PolicyDecision *decision = &judged->decision;

        if (!judged->facts.known)
                return (Ending){ CORE_VERDICT_BAD_PROOF, "deny", "unknown-user" };
        if (judged->facts.proof == POLICY_PROOF_WRONG)
                return (Ending){ CORE_VERDICT_BAD_PROOF, "deny", wrong_word(dialogue) };
        /* the log says why; the person learns no more than with a wrong password */
        if (decision->trace[POLICY_CHECK_PROOF] != POLICY_PASSED ||
            decision->trace[POLICY_CHECK_LOCK] != POLICY_PASSED ||
            decision->reason == POLICY_REASON_STATUS_PENDING)
                return (Ending){ CORE_VERDICT_BAD_PROOF, "deny",
                                 core_reason_word(decision->reason) };
        /* account refuses, with text and reference: every stack runs it next */
        return (Ending){ CORE_VERDICT_ALLOW, core_outcome_word(decision),
                         core_reason_word(decision->reason) };
}

/* What the proof leads to in the credential.  new_verifier: the password's, of a better method. */
static int use_proof(Change *change, const Dialogue *dialogue, Judged *judged,
                     const StoreVerifier *new_verifier) {
        StoreCredential *credential = judged->credential;
        int r;

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
        return r > 0 ? -EUCLEAN : r;
}

static int append_entry(Change *change, const Dialogue *dialogue, const Judged *judged,
                        const Ending *ending) {
        static const StoreValue used[] = { { "setup_code", "(changed)", NULL } };
        bool code = ending->verdict == CORE_VERDICT_ALLOW && dialogue->kind == CORE_KIND_SETUP_CODE;
        LoginEntry entry = { "login",        "authenticate", ending->outcome,
                             ending->reason, used,           code ? 1 : 0 };
        uint64_t seq;

        return core_login_audit(change->txn, &dialogue->words, judged->user, &dialogue->actor,
                                &entry, change->now_usec, &seq);
}

/* A right password of a program of root's that changed nothing may be answered before its entry is
 * durable: account judges next, in every stack, and its reply waits for a flush that has both.  If
 * that fails the proof is gone too.  Programs that are not root (screen lockers) often ask for no
 * account: theirs waits. */
static bool may_precede(const Dialogue *dialogue, const Ending *ending,
                        const StoreVerifier *new_verifier) {
        return ending->verdict == CORE_VERDICT_ALLOW && dialogue->actor.uid == 0 &&
               dialogue->kind == CORE_KIND_PASSWORD && new_verifier->len == 0;
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
        if (proof)
                core_proof_keep(core, proof);
        return 0;
}

/* What the right answer leads to. */
static int succeed(Change *change, Dialogue *dialogue, Judged *judged, PolicyProof proved,
                   const StoreVerifier *new_verifier, char *ret_notice, Proof **ret) {
        int r = use_proof(change, dialogue, judged, new_verifier);

        if (r >= 0)
                r = core_attempt_succeed(dialogue, change->txn, change->now_usec, ret_notice);
        if (r >= 0)
                r = core_proof_new(dialogue, judged->user->uid, proved, change->now_usec, ret);
        return r;
}

/* Judges, writes, commits; the verdict, and what the person is told with it. */
static int conclude(Dialogue *dialogue, PolicyProof proved, const StoreVerifier *new_verifier,
                    uint64_t now_usec, CoreVerdict *ret, char *ret_notice) {
        _cleanup_change_ Change change = { .core = dialogue->core, .now_usec = now_usec };
        _cleanup_judged_ Judged judged = { 0 };
        Proof *proof = NULL;
        Ending ending;
        int r;

        r = store_begin(dialogue->core->store, &change.txn);
        if (r == 0)
                r = core_judge(dialogue->core, change.txn, &dialogue->words, proved, now_usec,
                               &judged);
        if (r == 0 && proved != POLICY_PROOF_WRONG &&
            (!judged.credential || !core_dialogue_still(dialogue, judged.credential))) {
                core_judged_done(&judged);
                judged = (Judged){ 0 };
                r = core_judge(dialogue->core, change.txn, &dialogue->words, POLICY_PROOF_WRONG,
                               now_usec, &judged);
        }
        if (r < 0)
                return r;
        ending = ending_of(dialogue, &judged);
        r = append_entry(&change, dialogue, &judged, &ending);
        if (r >= 0 && ending.verdict == CORE_VERDICT_ALLOW)
                r = succeed(&change, dialogue, &judged, proved, new_verifier, ret_notice, &proof);
        else if (r >= 0)
                r = core_attempt_fail(dialogue, change.txn, now_usec);
        dialogue->early = may_precede(dialogue, &ending, new_verifier);
        if (r >= 0)
                r = commit(&change, proof, &dialogue->early);
        if (r < 0)
                return r;
        *ret = ending.verdict;
        return 0;
}

static void finish(Dialogue *dialogue, PolicyProof proved, const StoreVerifier *new_verifier,
                   uint64_t now_usec) {
        CoreStep step = { .kind = CORE_STEP_DONE, .secret = "", .reason = "" };
        char notice[CORE_NOTICE_BYTES] = "";
        int r = conclude(dialogue, proved, new_verifier, now_usec, &step.verdict, notice);

        if (r < 0) {
                core_dialogue_fail(dialogue, r, NULL);
                return;
        }
        step.early = dialogue->early;
        snprintf(step.text, sizeof(step.text), "%s", notice);
        core_attempt_answer(dialogue, &step);
}

static int note_unavailable(Dialogue *dialogue, uint64_t now_usec) {
        static const LoginEntry entry = { "login", "authenticate", "failed", "internal", NULL, 0 };
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        _cleanup_judged_ Judged judged = { 0 };
        uint64_t seq;
        int r;

        r = store_begin(dialogue->core->store, &txn);
        if (r == 0)
                r = core_judge(dialogue->core, txn, &dialogue->words, POLICY_PROOF_WRONG, now_usec,
                               &judged);
        if (r == 0)
                r = core_login_audit(txn, &dialogue->words, judged.user, &dialogue->actor, &entry,
                                     now_usec, &seq);
        if (r >= 0)
                r = core_attempt_refund(dialogue, txn, now_usec);
        if (r >= 0)
                r = core_txn_commit(dialogue->core, &txn);
        return r;
}

/* The vault cannot say.  That is written down too, and nobody gets in. */
static void finish_unavailable(Dialogue *dialogue, uint64_t now_usec) {
        int r = note_unavailable(dialogue, now_usec);

        if (r < 0)
                core_dialogue_fail(dialogue, r, NULL);
        else
                core_dialogue_verdict(dialogue, CORE_VERDICT_UNAVAILABLE, "");
}

/* ---- the work ----------------------------------------------------------------------------- */

/* Stands in for what nobody hashes as it is, so that the vault takes it. */
static int dummy_new(Secret **ret) {
        return base_secret_new("um", 2, ret);
}

/* What the answer is held against in this round; NULL: nothing. */
static const StoreVerifier *round_verifier(const Dialogue *dialogue, const Judged *judged,
                                           uint64_t now_usec) {
        const StoreCredential *credential = judged->credential;

        if (!judged->facts.known || judged->facts.locked_out || judged->facts.source_throttled)
                return NULL;
        if (dialogue->round == 0)
                return credential->password.len > 0 ? &credential->password : NULL;
        return credential->setup_code.len > 0 && now_usec < credential->setup_code_expires_usec
                       ? &credential->setup_code
                       : NULL;
}

static int try_round(Dialogue *dialogue, const Secret *secret, bool usable, uint64_t now_usec) {
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        _cleanup_judged_ Judged judged = { 0 };
        const StoreVerifier *verifier;
        int r;

        r = store_begin_read(dialogue->core->store, &txn);
        if (r == 0)
                r = core_judge(dialogue->core, txn, &dialogue->words, POLICY_PROOF_WRONG, now_usec,
                               &judged);
        if (r < 0)
                return r;
        verifier = usable ? round_verifier(dialogue, &judged, now_usec) : NULL;
        return core_dialogue_try(dialogue,
                                 dialogue->round == 0 ? CORE_KIND_PASSWORD : CORE_KIND_SETUP_CODE,
                                 judged.user ? judged.user->uid : 0, judged.credential, verifier,
                                 secret, answered);
}

static void next_round(Dialogue *dialogue, uint64_t now_usec) {
        _cleanup_secret_ Secret *dummy = NULL;
        bool coded = dialogue->code != NULL;

        dialogue->round++;
        if (dialogue->round > 1 || !dialogue->two_rounds) {
                finish(dialogue, POLICY_PROOF_WRONG, NULL, now_usec);
                return;
        }
        if ((!coded && dummy_new(&dummy) < 0) ||
            try_round(dialogue, coded ? dialogue->code : dummy, coded, now_usec) < 0)
                finish_unavailable(dialogue, now_usec);
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
                finish(dialogue,
                       dialogue->kind == CORE_KIND_SETUP_CODE ? POLICY_PROOF_SETUP_CODE
                                                              : POLICY_PROOF_PASSWORD,
                       &better, now_usec);
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
        finish_unavailable(dialogue, now_usec);
}

/* The answer is charged. */
static void look(Dialogue *dialogue, const Secret *answer, uint64_t now_usec) {
        _cleanup_secret_ Secret *dummy = NULL;
        bool usable = core_secret_usable(answer);
        int r = 0;

        dialogue->two_rounds = usable && base_secret_len(answer) == SETUP_CODE_BYTES;
        if (usable && core_setup_code_read(answer, &dialogue->code) == -ENOMEM)
                r = -ENOMEM;
        if (r == 0 && !usable)
                r = dummy_new(&dummy);
        if (r == 0)
                r = try_round(dialogue, usable ? answer : dummy, usable, now_usec);
        if (r < 0)
                finish_unavailable(dialogue, now_usec);
}

void core_authenticate_answer(Dialogue *dialogue, const Secret *answer, uint64_t now_usec) {
        int r = core_attempt_begin(dialogue, answer, look, now_usec);

        if (r < 0)
                finish_unavailable(dialogue, now_usec);
}
