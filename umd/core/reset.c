/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A forgotten password (FEATURES C9): a code that is sent by e-mail stands for it, once, and lets
 * in for nothing but a new one.  It is offered by the company's rules and the place alone, and
 * whoever it is meets the same steps: the code goes out behind them (mail_job.c), and what is
 * typed is held against it or against nothing.
 *
 * What is typed counts by its length, never by what it says, until it is held against a hash: for a
 * name that resolves nowhere sshd puts nonsense of the same length in its place, so any word that
 * was understood would tell who exists.  Nothing typed leads there and back, and the offer is asked
 * without echo, as the password is: so no program that answers such prompts alike (ftp servers,
 * with the password; those with echo they answer with the name) has a mail sent.
 *
 * Each dialogue that asks for a code, or gives one, is charged as one attempt, before.  Beside the
 * code the second factor is due as ever, by anything but e-mail; policy/decide.c has the rules. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "umd/core/second.h"

#define RESET_WORD   "reset"
#define RESET_OFFERS 3U                    /* of one dialogue */
#define RESET_USEC   (500 * USEC_PER_MSEC) /* what charging takes is over by then */

/* ---- who may ------------------------------------------------------------------------------ */

int core_reset_possible(Core *core, StoreTxn *txn, const StoreUser *user) {
        _cleanup_(store_credential_freep) StoreCredential *credential = NULL;
        PolicyValues company, values;
        int r;

        r = core_policy_values(core, txn, 0, &company);
        if (r == 0)
                r = core_policy_values(core, txn, user->uid, &values);
        if (r == 0)
                r = core_credential_load(txn, user->uid, &credential);
        if (r < 0)
                return r;
        return company.password_reset_by_email && values.password_reset_by_email &&
               user->status != USER_STATUS_DELETED && credential->password.len > 0 &&
               core_mail_has_address(user);
}

/* Where somebody logs in from outside, and the new password can be asked for in the same process.
 */
static bool is_place_for_it(const Dialogue *dialogue) {
        return core_login_from_outside(&dialogue->actor, &dialogue->words) && !dialogue->enrols &&
               dialogue->process.pid != 0;
}

/* ---- asking ------------------------------------------------------------------------------- */

static void ask_password(Dialogue *dialogue) {
        CoreStep step = { .kind = CORE_STEP_ASK_HIDDEN, .secret = "password", .reason = "" };

        dialogue->reset.open = dialogue->reset.offers < RESET_OFFERS;
        step.may_be_empty = dialogue->reset.open;
        snprintf(step.text, sizeof(step.text),
                 "%sPassword: ", dialogue->reset.open ? "(Forgotten? Press Enter.) " : "");
        dialogue->state = DIALOGUE_PASSWORD;
        core_mail_hold(dialogue);
        core_attempt_answer(dialogue, &step);
}

static void ask(Dialogue *dialogue, CoreStepKind kind, const char *text) {
        CoreStep step = { .kind = kind, .secret = "code", .reason = "" };

        snprintf(step.text, sizeof(step.text), "%s", text);
        dialogue->state = DIALOGUE_RESET;
        /* behind a charge: no hash hides how long that took, which a user has */
        if (kind == CORE_STEP_ASK_SHOWN)
                core_attempt_answer(dialogue, &step);
        else
                core_dialogue_step(dialogue, &step);
}

int core_reset_offer(Dialogue *dialogue) {
        PolicyValues values;
        int r;

        if (!is_place_for_it(dialogue))
                return 0;
        r = core_policy_values_now(dialogue->core, 0, &values);
        if (r < 0 || !values.password_reset_by_email || !core_mail_ready(dialogue->core))
                return r;
        ask_password(dialogue);
        return 1;
}

bool core_reset_begin(Dialogue *dialogue, const Secret *answer) {
        if (!dialogue->reset.open || base_secret_len(answer) > 0)
                return false;
        dialogue->reset.offers++;
        ask(dialogue, CORE_STEP_ASK_HIDDEN,
            "Type \"" RESET_WORD "\" to have a code mailed to your address on record, a code you "
            "have, or nothing to go back: ");
        return true;
}

static void ask_mail(Dialogue *dialogue, const Secret *answer, uint64_t now_usec) {
        uint64_t due_usec = core_later(dialogue->attempt.asked_usec, RESET_USEC);
        char text[256];

        if (dialogue->attempt.due_usec < due_usec)
                dialogue->attempt.due_usec = due_usec;
        if (core_mail_request(dialogue, STORE_MAIL_RESET, &dialogue->reset.mails) < 0) {
                core_authenticate_unavailable(dialogue, now_usec);
                return;
        }
        snprintf(text, sizeof(text),
                 "If um has an e-mail address of yours and you may reset your password by it, a "
                 "code is on its way there, good for %u minutes.\nCode from the mail: ",
                 (unsigned int)(MAIL_VALID_USEC / USEC_PER_SEC / 60));
        ask(dialogue, CORE_STEP_ASK_SHOWN, text);
}

/* ---- the answer --------------------------------------------------------------------------- */

/* The code that is out for the user and may be given here, or NULL. */
static int row_find(const Dialogue *dialogue, uint64_t now_usec, StoreMailCode **ret) {
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        _cleanup_(store_user_freep) StoreUser *user = NULL;
        int r;

        *ret = NULL;
        r = store_begin_read(dialogue->core->store, &txn);
        if (r == 0)
                r = dialogue->words.name[0]
                            ? store_user_get_by_name(txn, dialogue->words.name, &user)
                            : STORE_E_MISSING;
        if (r != 0)
                return r < 0 ? r : 0;
        r = core_reset_possible(dialogue->core, txn, user);
        return r > 0 ? core_mail_load(dialogue, txn, user, STORE_MAIL_RESET, now_usec, ret) : r;
}

static void guessed(void *owner, CoreProofResult result, uint64_t step, uint64_t now_usec) {
        Dialogue *dialogue = owner;
        bool right = result == CORE_PROOF_MATCH && dialogue->reset.tried.len > 0;

        dialogue->call = NULL;
        if (result == CORE_PROOF_FAULT || result == CORE_PROOF_BUSY) {
                core_authenticate_unavailable(dialogue, now_usec);
                return;
        }
        if (result == CORE_PROOF_THROTTLED) /* looked at or not, the log says so */
                dialogue->throttled = true;
        core_authenticate_first(dialogue, right ? POLICY_PROOF_RESET : POLICY_PROOF_WRONG,
                                now_usec);
}

static int try_code(Dialogue *dialogue, const Secret *answer, uint64_t now_usec) {
        const LockoutFacts *lockout = &dialogue->words.lockout;
        _cleanup_(store_mail_code_freep) StoreMailCode *row = NULL;
        _cleanup_secret_ Secret *code = NULL;
        VaultGuess guess = { .uid = dialogue->words.lane,
                             .from = core_attempt_from(dialogue),
                             .kind = CORE_KIND_RESET_CODE,
                             .verifier = &dialogue->reset.tried };
        CodeForm form;
        int r;

        r = core_code_read(answer, &form, &code);
        if (r == 0)
                r = row_find(dialogue, now_usec, &row);
        if (r < 0)
                return r;
        if (!row || form != CODE_DIGITS || lockout->locked || lockout->throttled)
                return core_vault_guess_nothing(dialogue->core, &guess, guessed, dialogue,
                                                &dialogue->call);
        r = core_verifier_keep(&row->hash, &dialogue->reset.tried);
        if (r < 0)
                return r;
        dialogue->reset.uid = guess.uid = row->uid;
        guess.code = code;
        return core_vault_guess(dialogue->core, &guess, guessed, dialogue, &dialogue->call);
}

/* No answer is out before a mail that was asked for here would be. */
static void look(Dialogue *dialogue, const Secret *answer, uint64_t now_usec) {
        dialogue->reset.answered = true;
        core_mail_hold(dialogue);
        if (try_code(dialogue, answer, now_usec) < 0)
                core_authenticate_unavailable(dialogue, now_usec);
}

void core_reset_answer(Dialogue *dialogue, const Secret *answer, uint64_t now_usec) {
        size_t len = base_secret_len(answer);
        AttemptRun run = len == strlen(RESET_WORD) ? ask_mail : look;

        if (len == 0)
                ask_password(dialogue);
        else if (dialogue->attempt.state == ATTEMPT_RUNS) /* charged with what was asked before */
                run(dialogue, answer, now_usec);
        else if (core_attempt_begin(dialogue, answer, run, now_usec) < 0)
                core_authenticate_unavailable(dialogue, now_usec);
}

/* ---- in the transaction of the verdict ---------------------------------------------------- */

/* What is out now, if it is still what the vault was asked about. */
static int tried_load(const Dialogue *dialogue, StoreTxn *txn, const StoreUser *user,
                      uint64_t now_usec, StoreMailCode **ret) {
        const Reset *reset = &dialogue->reset;

        *ret = NULL;
        if (reset->tried.len == 0 || user->uid != reset->uid)
                return 0;
        return core_mail_load_tried(dialogue, txn, user, STORE_MAIL_RESET, &reset->tried, now_usec,
                                    ret);
}

int core_reset_holds(const Dialogue *dialogue, StoreTxn *txn, const StoreUser *user,
                     uint64_t now_usec) {
        _cleanup_(store_mail_code_freep) StoreMailCode *row = NULL;
        int r = tried_load(dialogue, txn, user, now_usec, &row);

        return r < 0 ? r : row != NULL;
}

/* Whose it was is told, as of a recovery code. */
static int tell(const Dialogue *dialogue, Change *change, const StoreUser *user) {
        char object[BASE_NAME_MAX + 8];
        uint64_t seq;
        int r;

        snprintf(object, sizeof(object), "user/%s", user->name);
        r = store_event_append(change->txn, "user.reset-used", object, change->now_usec, &seq);
        if (r < 0)
                return r;
        return core_notice_add(&change->notices, change->txn, user->uid, user->name,
                               change->now_usec,
                               "a code by e-mail was used to set a new password, from %s (%s)",
                               dialogue->words.source[0] ? dialogue->words.source : "this machine",
                               dialogue->words.service);
}

int core_reset_use(const Dialogue *dialogue, Change *change, const StoreUser *user) {
        _cleanup_(store_mail_code_freep) StoreMailCode *row = NULL;
        int r = tried_load(dialogue, change->txn, user, change->now_usec, &row);

        if (r < 0 || !row)
                return r < 0 ? r : -EUCLEAN; /* it was there in this transaction */
        r = core_mail_used_up(change->txn, row);
        return r < 0 ? r : tell(dialogue, change, user);
}

int core_reset_missed(const Dialogue *dialogue, StoreTxn *txn, uint64_t now_usec) {
        _cleanup_(store_mail_code_freep) StoreMailCode *row = NULL;
        _cleanup_(store_user_freep) StoreUser *user = NULL;
        int r;

        if (dialogue->reset.tried.len == 0)
                return 0;
        r = store_user_get(txn, dialogue->reset.uid, &user);
        if (r == 0)
                r = tried_load(dialogue, txn, user, now_usec, &row);
        if (r != 0 || !row)
                return r < 0 ? r : 0;
        return core_mail_tried(txn, row);
}
