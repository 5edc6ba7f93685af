/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The second factor in a login.  Whether a code is asked for follows from the company's rules and
 * from what the user has, never from what he answered before: so nobody learns from the prompt that
 * a password was right, and a name nobody has meets the company's rules.
 *
 * Whatever was typed, the vault is asked once: where there is nothing to hold it against, or it has
 * not the form of a code, against hashes that nothing has.  Where it cannot count, because of that
 * or because the password was wrong, the vault does the same work for nothing: strangers must not
 * use up the guesses that it grants the user (um_vault.h).  A code is used up by the login that it
 * let in, and by no other: one that was given with a wrong password is good still, and as the
 * answers are the same, whoever tries learns of neither.  The decision falls in authenticate.c, in
 * the transaction that uses the code up (SECURITY R5). */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "umd/core/second.h"

/* ---- is one due? -------------------------------------------------------------------------- */

/* The user as far as his second factors go; nothing of it where nobody has the name. */
typedef struct Holder {
        bool known;
        uid_t uid;
        bool graced;
        PolicyValues values, company;
        StoreFactors factors;
        StoreMailCode *mail; /* that was sent to him and may be given here; NULL */
} Holder;

#define _cleanup_holder_ _cleanup_(holder_done)

static void holder_done(Holder *holder) {
        store_factors_done(&holder->factors);
        store_mail_code_freep(&holder->mail);
}

static PolicyProof first_kind(const Dialogue *dialogue) {
        return dialogue->second.first == POLICY_PROOF_KEY ? POLICY_PROOF_KEY
                                                          : POLICY_PROOF_PASSWORD;
}

static int holder_load_user(const Dialogue *dialogue, StoreTxn *txn, uint64_t now_usec,
                            Holder *ret) {
        _cleanup_(store_credential_freep) StoreCredential *credential = NULL;
        _cleanup_(store_user_freep) StoreUser *user = NULL;
        Core *core = dialogue->core;
        int r = STORE_E_MISSING;

        if (dialogue->words.name[0])
                r = store_user_get_by_name(txn, dialogue->words.name, &user);
        if (r != 0 || user->status == USER_STATUS_DELETED)
                return r < 0 ? r : 0;
        ret->known = true;
        ret->uid = user->uid;
        r = core_policy_values(core, txn, user->uid, &ret->values);
        if (r == 0)
                r = store_factors_of_user(txn, user->uid, &ret->factors);
        if (r != 0 || dialogue->reset.answered) /* neither mail nor a grace stands for one then */
                return r;
        if (core_mail_possible(&ret->values, user))
                r = core_mail_load(dialogue, txn, user, STORE_MAIL_FACTOR, now_usec, &ret->mail);
        if (r == 0)
                r = core_credential_load(txn, user->uid, &credential);
        if (r == 0)
                ret->graced = core_grace_holds(core, &dialogue->words, first_kind(dialogue), user,
                                               credential, ret->values.factor_grace_usec, now_usec);
        return r;
}

static int holder_load(const Dialogue *dialogue, uint64_t now_usec, Holder *ret) {
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        _cleanup_holder_ Holder holder = { 0 };
        int r;

        r = store_begin_read(dialogue->core->store, &txn);
        if (r == 0)
                r = core_policy_values(dialogue->core, txn, 0, &holder.company);
        if (r == 0)
                r = holder_load_user(dialogue, txn, now_usec, &holder);
        if (r < 0)
                return r;
        *ret = holder;
        holder = (Holder){ 0 };
        return 0;
}

static bool has_factor(const Holder *holder) {
        for (size_t i = 0; i < holder->factors.count; i++)
                if (holder->factors.list[i]->active)
                        return true;
        return false;
}

static bool is_due(const Dialogue *dialogue, const Holder *holder) {
        PolicyRequired required = holder->company.factor_required;
        const Shown shown = { .proof = first_kind(dialogue),
                              .exempt = core_second_exempt(&dialogue->actor, &dialogue->words) };

        if (holder->known && holder->values.factor_required > required)
                required = holder->values.factor_required;
        if (core_second_scope(&dialogue->words, &shown, required) != POLICY_SECOND_DUE)
                return false;
        if (holder->graced && holder->values.factor_required != POLICY_REQUIRED_HARDWARE)
                return false;
        if (holder->known && dialogue->words.around.uid == holder->uid &&
            dialogue->words.around.strength >= policy_strength_required(required))
                return false;
        return required != POLICY_REQUIRED_OFF || has_factor(holder);
}

/* May a code of it be given here? */
static bool is_usable(const Holder *holder, const StoreFactor *factor) {
        return factor->active && core_method_is_code(factor->method) &&
               core_method_permitted(&holder->values, factor->method);
}

/* ---- asking ------------------------------------------------------------------------------- */

static void ask(Dialogue *dialogue, DialogueState state, const char *text) {
        CoreStep step = { .kind = CORE_STEP_ASK_SHOWN, .secret = "code", .reason = "" };

        snprintf(step.text, sizeof(step.text), "%s", text);
        dialogue->state = state;
        if (dialogue->reset.answered) /* behind a mail that was asked for, as the end is */
                core_attempt_answer(dialogue, &step);
        else
                core_dialogue_step(dialogue, &step);
}

/* By the company's rules where they hold for everybody.  Not to other users of this machine (su):
 * they may see its processes, so that a mail goes out, and by that that the password was right. Nor
 * beside a code that was mailed for a forgotten password. */
static bool mail_offered(const Dialogue *dialogue, const Holder *holder) {
        if (dialogue->words.origin.place == PLACE_OTHERS || dialogue->reset.answered)
                return false;
        return core_mail_offered(dialogue->core,
                                 holder->company.factor_required != POLICY_REQUIRED_OFF
                                         ? &holder->company
                                         : &holder->values);
}

/* The words are those of the company's rules, whoever it is. */
static void ask_code(Dialogue *dialogue, const Holder *holder, uint64_t now_usec) {
        bool everybody = holder->company.factor_required != POLICY_REQUIRED_OFF;
        bool mail = mail_offered(dialogue, holder);
        char text[384];

        dialogue->second.clock_unset = now_usec < CLOCK_EARLIEST_USEC;
        snprintf(text, sizeof(text), "%s%s%sOne-time code%s%s%s%s%s: ",
                 dialogue->second.why ? dialogue->second.why : "",
                 dialogue->second.why ? ".\n" : "",
                 dialogue->second.clock_unset
                         ? "The clock of this host is not set: codes of an app cannot be checked, "
                           "recovery codes can.\n"
                         : "",
                 everybody || mail ? " (" : "", everybody ? "empty if you have none" : "",
                 everybody && mail ? ", " : "", mail ? "\"mail\" for one by e-mail" : "",
                 everybody || mail ? ")" : "");
        dialogue->second.why = NULL;
        ask(dialogue, DIALOGUE_CODE, text);
}

/* A security key of his that can be asked for here: which of several does not matter, since
 * whichever is plugged in answers.  NULL: none. */
static const StoreFactor *token_of(const Dialogue *dialogue, const Holder *holder) {
        if (dialogue->second.no_token ||
            !core_method_permitted(&holder->values, POLICY_METHOD_FIDO2))
                return NULL;
        for (size_t i = 0; i < holder->factors.count; i++)
                if (core_factor_is_token(holder->factors.list[i]))
                        return core_login_is_local(dialogue, holder->uid) ? holder->factors.list[i]
                                                                          : NULL;
        return NULL;
}

/* The factors one can choose from, the strongest first: all but a security key are as strong as
 * each other today, so by number. */
static size_t choices_of(const Dialogue *dialogue, const Holder *holder, const StoreFactor **ret) {
        const StoreFactor *token = token_of(dialogue, holder);
        size_t count = 0;

        if (token)
                ret[count++] = token;
        for (size_t i = 0; i < holder->factors.count; i++) {
                const StoreFactor *factor = holder->factors.list[i];

                if (is_usable(holder, factor) && factor->method != POLICY_METHOD_RECOVERY)
                        ret[count++] = factor;
        }
        return count;
}

static void ask_choice(Dialogue *dialogue, const StoreFactor *const *choices, size_t count,
                       bool mail) {
        char buf[sizeof(((CoreStep *)NULL)->text)];
        Text text;

        base_text_init(&text, buf, sizeof(buf));
        if (dialogue->second.why)
                base_text_addf(&text, "%s.\n", dialogue->second.why);
        dialogue->second.why = NULL;
        base_text_add(&text, "Second factor:\n");
        for (size_t i = 0; i < count; i++)
                base_text_addf(&text, " %zu) %s\n", i + 1,
                               core_method_name(
                                       choices[i]->method)); /* no labels: strangers see it */
        if (mail)                                            /* the weakest */
                base_text_addf(&text, " %zu) a code by e-mail\n", count + 1);
        base_text_addf(&text, "Number (Enter for 1): ");
        ask(dialogue, DIALOGUE_CHOICE, buf);
}

static int ask_of(Dialogue *dialogue, const Holder *holder, uint64_t now_usec) {
        const StoreFactor *choices[STORE_FACTORS_MAX];
        size_t count = choices_of(dialogue, holder, choices);
        uint32_t chosen = dialogue->second.chosen;

        dialogue->second.asked = true;
        if (count > 1 && chosen == 0)
                ask_choice(dialogue, choices, count, mail_offered(dialogue, holder));
        else if (count > 0 && choices[0]->method == POLICY_METHOD_FIDO2 &&
                 (chosen == 0 || chosen == choices[0]->number)) {
                int r = core_token_begin(dialogue, now_usec);

                return r < 0 ? r : 1;
        } else
                ask_code(dialogue, holder, now_usec);
        return 1;
}

/* Is nothing left to ask?  The key is all that is due, or a code could not make it good. */
static bool key_decides(const Dialogue *dialogue, const Holder *holder, bool due) {
        const LoginWords *words = &dialogue->words;

        if (holder->known && (words->keys & ~holder->values.key_types) != 0)
                return true;
        return due ? words->key_strength == POLICY_STRENGTH_HARDWARE : holder->graced;
}

int core_second_begin_key(Dialogue *dialogue, uint64_t now_usec) {
        _cleanup_holder_ Holder holder = { 0 };
        bool due;
        int r;

        r = holder_load(dialogue, now_usec, &holder);
        if (r < 0)
                return r;
        due = is_due(dialogue, &holder);
        if (!key_decides(dialogue, &holder, due))
                return due ? ask_of(dialogue, &holder, now_usec) : 0;
        core_authenticate_finish(dialogue, now_usec);
        return 1;
}

int core_second_ask(Dialogue *dialogue, uint64_t now_usec) {
        _cleanup_holder_ Holder holder = { 0 };
        int r;

        r = holder_load(dialogue, now_usec, &holder);
        if (r < 0)
                return r;
        return is_due(dialogue, &holder) ? ask_of(dialogue, &holder, now_usec) : 0;
}

/* ---- the answer --------------------------------------------------------------------------- */

/* What the answer is held against; NULL: nothing. */
static const StoreFactor *pick(const Dialogue *dialogue, const Holder *holder, CodeForm form) {
        for (size_t i = 0; i < holder->factors.count; i++) {
                const StoreFactor *factor = holder->factors.list[i];
                uint32_t chosen = dialogue->second.chosen;

                if (!is_usable(holder, factor))
                        continue;
                if (factor->method == POLICY_METHOD_RECOVERY) {
                        if (form == CODE_RECOVERY)
                                return factor;
                } else if ((form == CODE_DIGITS ||
                            (form == CODE_PAIR && factor->method == POLICY_METHOD_HOTP)) &&
                           (chosen == 0 || chosen == factor->number))
                        return factor;
        }
        return NULL;
}

static int tried_keep(Second *second, const StoreFactor *factor) {
        int r = core_verifier_keep(&factor->sealed, &second->tried);

        if (r < 0)
                return r;
        second->uid = factor->uid;
        second->number = factor->number;
        second->method = factor->method;
        return 0;
}

static void guessed(void *owner, CoreProofResult result, uint64_t step, uint64_t now_usec) {
        Dialogue *dialogue = owner;

        dialogue->call = NULL;
        if (result == CORE_PROOF_FAULT || result == CORE_PROOF_BUSY) {
                core_authenticate_unavailable(dialogue, now_usec);
                return;
        }
        dialogue->second.result = dialogue->second.number != 0 ? result : CORE_PROOF_NO_MATCH;
        if (result == CORE_PROOF_THROTTLED) /* looked at or not, the log says so */
                dialogue->throttled = true;
        dialogue->second.step = step;
        core_authenticate_finish(dialogue, now_usec);
}

static int guess_factor(Dialogue *dialogue, const StoreFactor *factor, CodeForm form,
                        VaultGuess *guess, uint64_t now_usec) {
        CoreOtp otp = core_otp_of(factor, form, now_usec);
        int r;

        r = tried_keep(&dialogue->second, factor);
        if (r < 0)
                return r;
        guess->nothing = dialogue->second.first == POLICY_PROOF_WRONG;
        guess->kind = core_method_kind(factor->method);
        guess->verifier = &dialogue->second.tried;
        guess->otp = factor->method == POLICY_METHOD_TOTP || factor->method == POLICY_METHOD_HOTP
                             ? &otp
                             : NULL;
        return core_vault_guess(dialogue->core, guess, guessed, dialogue, &dialogue->call);
}

/* Against the code that was sent to him: where he asked for it here, or has nothing else that may
 * be such a code. */
static bool is_mailed(const Dialogue *dialogue, const Holder *holder, const StoreFactor *factor,
                      CodeForm form) {
        return holder->mail && form == CODE_DIGITS && (!factor || dialogue->second.mails > 0);
}

static int guess_mailed(Dialogue *dialogue, const Holder *holder, VaultGuess *guess,
                        uint64_t now_usec) {
        const StoreFactor factor = { .uid = holder->uid,
                                     .number = 1, /* any: it has none */
                                     .method = POLICY_METHOD_EMAIL_CODE,
                                     .sealed = holder->mail->hash };

        guess->uid = holder->uid;
        return guess_factor(dialogue, &factor, CODE_DIGITS, guess, now_usec);
}

static int answer_code(Dialogue *dialogue, const Secret *answer, uint64_t now_usec) {
        _cleanup_holder_ Holder holder = { 0 };
        _cleanup_secret_ Secret *code = NULL;
        const StoreFactor *factor;
        VaultGuess guess;
        CodeForm form;
        int r;

        r = core_code_read(answer, &form, &code);
        if (r == 0)
                r = holder_load(dialogue, now_usec, &holder);
        if (r < 0)
                return r;
        factor = pick(dialogue, &holder, form);
        /* who has none and is asked with everybody waits in a lane as a name nobody has */
        guess = (VaultGuess){ .uid = has_factor(&holder) ? holder.uid : dialogue->words.lane,
                              .from = core_attempt_from(dialogue),
                              .code = code };
        if (dialogue->words.lockout.locked || dialogue->words.lockout.throttled)
                factor = NULL;
        else if (is_mailed(dialogue, &holder, factor, form))
                return guess_mailed(dialogue, &holder, &guess, now_usec);
        if (factor && factor->method == POLICY_METHOD_TOTP && dialogue->second.clock_unset)
                factor = NULL;
        return factor ? guess_factor(dialogue, factor, form, &guess, now_usec)
                      : core_vault_guess_nothing(dialogue->core, &guess, guessed, dialogue,
                                                 &dialogue->call);
}

/* After a key the word is charged as a code is, once in a dialogue: so whoever has a key asks for
 * no more codes than he might guess at, and where he is locked out none is sent. */
static bool is_charged(const Dialogue *dialogue) {
        return dialogue->second.first != POLICY_PROOF_KEY ||
               dialogue->attempt.state == ATTEMPT_RUNS;
}

static void ask_charged(Dialogue *dialogue, const Secret *answer, uint64_t now_usec) {
        if (core_mail_ask(dialogue) < 0)
                core_authenticate_unavailable(dialogue, now_usec);
}

static int ask_mail(Dialogue *dialogue, const Secret *answer, uint64_t now_usec) {
        return is_charged(dialogue) ? core_mail_ask(dialogue)
                                    : core_attempt_begin(dialogue, answer, ask_charged, now_usec);
}

/* A number of the list, or nothing for the first; a wrong one is asked again, and the dialogue ends
 * after ten minutes whatever happens. */
static int answer_choice(Dialogue *dialogue, const Secret *answer, uint64_t now_usec) {
        const StoreFactor *choices[STORE_FACTORS_MAX];
        const char *s = base_secret_bytes(answer);
        _cleanup_holder_ Holder holder = { 0 };
        size_t count, len = base_secret_len(answer);
        uint64_t number = 1;
        bool mail;
        int r;

        r = holder_load(dialogue, now_usec, &holder);
        if (r < 0)
                return r;
        count = choices_of(dialogue, &holder, choices);
        mail = mail_offered(dialogue, &holder);
        if (len > 0 && (memchr(s, '\0', len) || base_parse_u64(s, 1, count + mail, &number) < 0))
                number = 0;
        if (mail && (number > count || (number == 0 && core_mail_is_word(answer))))
                return ask_mail(dialogue, answer, now_usec);
        if (number > 0 && number <= count)
                dialogue->second.chosen = choices[number - 1]->number;
        r = core_second_ask(dialogue, now_usec);
        return r == 0 ? -EUCLEAN : r; /* it was due a moment ago; begin again */
}

static void look(Dialogue *dialogue, const Secret *answer, uint64_t now_usec) {
        core_mail_hold(dialogue);
        if (answer_code(dialogue, answer, now_usec) < 0)
                core_authenticate_unavailable(dialogue, now_usec);
}

/* The word that asks for a code by e-mail is no guess: 1, where it is offered. */
static int answer_word(Dialogue *dialogue, const Secret *answer, uint64_t now_usec) {
        _cleanup_holder_ Holder holder = { 0 };
        int r;

        if (!core_mail_is_word(answer))
                return 0;
        r = holder_load(dialogue, now_usec, &holder);
        if (r < 0 || !mail_offered(dialogue, &holder))
                return r;
        r = ask_mail(dialogue, answer, now_usec);
        return r < 0 ? r : 1;
}

/* Password and code are one attempt, charged with the password; after a key, with the code or the
 * word that asks for one. */
void core_second_answer(Dialogue *dialogue, const Secret *answer, uint64_t now_usec) {
        int r = 0;

        if (dialogue->state == DIALOGUE_CODE)
                r = answer_word(dialogue, answer, now_usec);
        if (r > 0)
                return;
        if (r < 0)
                ; /* below */
        else if (dialogue->state == DIALOGUE_CHOICE)
                r = answer_choice(dialogue, answer, now_usec);
        else if (!is_charged(dialogue))
                r = core_attempt_begin(dialogue, answer, look, now_usec);
        else
                look(dialogue, answer, now_usec);
        if (r < 0)
                core_authenticate_unavailable(dialogue, now_usec);
}

/* ---- using it up -------------------------------------------------------------------------- */

static bool is_unused(const Second *second, const StoreFactor *factor) {
        if (factor->method == POLICY_METHOD_RECOVERY)
                return second->step < 32 && (factor->used & 1U << second->step) == 0;
        /* a key that counts goes up each time, or there are two of it (WebAuthn, 6.1.1) */
        if (factor->method == POLICY_METHOD_FIDO2 && second->step == 0 && factor->next == 0)
                return true;
        return second->step >= factor->next && second->step < UINT64_MAX;
}

int core_second_load(Dialogue *dialogue, StoreTxn *txn, uint64_t now_usec, StoreFactor **ret) {
        _cleanup_(store_factor_freep) StoreFactor *factor = NULL;
        Second *second = &dialogue->second;
        int r;

        *ret = NULL;
        if (second->result != CORE_PROOF_MATCH || second->number == 0)
                return 0;
        if (second->method == POLICY_METHOD_EMAIL_CODE)
                return core_mail_second(dialogue, txn, now_usec, ret);
        r = store_factor_get(txn, second->uid, second->number, &factor);
        if (r < 0)
                return r;
        if (r > 0 || !factor->active || !core_verifier_same(&factor->sealed, &second->tried))
                second->result = CORE_PROOF_NO_MATCH;
        else if (!is_unused(second, factor))
                second->result = CORE_PROOF_USED;
        else
                *ret = TAKE(factor);
        return 0;
}

/* Whose it was is told of it (FEATURES B9); an event of the login's entry. */
static int notice(const Dialogue *dialogue, Change *change) {
        char object[96];
        uint64_t seq;
        int r;

        snprintf(object, sizeof(object), "user/%s", dialogue->words.name);
        r = store_event_append(change->txn, "user.recovery-used", object, change->now_usec, &seq);
        if (r < 0)
                return r;
        return core_notice_add(&change->notices, change->txn, dialogue->second.uid,
                               dialogue->words.name, change->now_usec,
                               "a recovery code was used, from %s (%s)",
                               dialogue->words.source[0] ? dialogue->words.source : "this machine",
                               dialogue->words.service);
}

int core_second_use(const Dialogue *dialogue, Change *change, StoreFactor *factor) {
        const Second *second = &dialogue->second;
        int r;

        if (factor->method == POLICY_METHOD_EMAIL_CODE)
                return core_mail_use(dialogue, change->txn, change->now_usec);
        if (factor->method == POLICY_METHOD_RECOVERY)
                factor->used |= 1U << second->step;
        else if (factor->method != POLICY_METHOD_FIDO2 || second->step > 0)
                factor->next = second->step + 1;
        factor->last_used_usec = change->now_usec;
        r = store_factor_put(change->txn, factor);
        if (r == 0 && factor->method == POLICY_METHOD_RECOVERY)
                r = notice(dialogue, change);
        return r > 0 ? -EUCLEAN : r;
}

void core_second_done(Second *second) {
        core_verifier_done(&second->better);
        core_verifier_done(&second->tried);
        *second = (Second){ 0 };
}
