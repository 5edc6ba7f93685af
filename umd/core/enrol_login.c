/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Enrolment inside a login (FEATURES B13), for whoever has to have a second factor, has none, and
 * proved all he can: the key is shown, as text and drawn as a QR code, a code of it is asked, and
 * only then factor, recovery codes and login become one transaction.  Until that moment everything
 * is in this dialogue alone, so that breaking off leaves nothing.  The code that proved it is used
 * up by it. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "qr/qr.h"
#include "umd/core/second.h"

#define ENROL_TRIES 3U

struct Enrolment {
        uid_t uid;
        char name[BASE_NAME_MAX + 1];
        uint32_t number;
        PolicyMethod method;
        CoreSeedForm form;
        StoreVerifier sealed; /* ours */
        bool with_recovery;
        uint64_t step;
        unsigned int tries;
        Secret *drawing; /* the key as a QR code; NULL: none, or all of it was shown */
        size_t drawn;    /* bytes of it that were */
        Secret *codes;
        char notice[CORE_NOTICE_BYTES]; /* what he is told with the verdict */
};

void core_enrolment_free(Enrolment *enrolment) {
        if (!enrolment)
                return;
        core_verifier_done(&enrolment->sealed);
        base_secret_free(enrolment->drawing);
        base_secret_free(enrolment->codes);
        free(enrolment);
}

static void ask_code(Dialogue *dialogue, const char *text) {
        CoreStep step = { .kind = CORE_STEP_ASK_SHOWN, .secret = "code", .reason = "" };

        snprintf(step.text, sizeof(step.text), "%s", text);
        dialogue->state = DIALOGUE_ENROL_CODE;
        core_dialogue_step(dialogue, &step);
}

/* ---- the key ------------------------------------------------------------------------------ */

/* Four by four, as one types it. */
static void key_write(const Secret *key, Text *text) {
        const char *s = base_secret_bytes(key);
        size_t len = base_secret_len(key);

        for (size_t i = 0; i < len; i += 4)
                base_text_addf(text, "%s%.*s", i > 0 ? " " : "", (int)(len - i < 4 ? len - i : 4),
                               s + i);
}

/* Where lines are shown in a window (a display manager, by its tty) a drawing is no QR code. */
static bool is_terminal(const Dialogue *dialogue) {
        return dialogue->words.tty[0] && !strchr(dialogue->words.tty, ':');
}

/* A drawing that cannot be made is done without: the key is there as text. */
static void drawing_make(Dialogue *dialogue, const Secret *uri) {
        char buf[QR_DRAWN_MAX];

        if (is_terminal(dialogue) && qr_draw(base_secret_bytes(uri), buf) == 0)
                (void)base_secret_new(buf, strlen(buf), &dialogue->enrolment->drawing);
        base_wipe(buf, sizeof(buf));
}

/* As many lines as a step holds. */
static void show_drawing(Dialogue *dialogue) {
        CoreStep step = { .kind = CORE_STEP_SHOW, .secret = "", .reason = "" };
        Enrolment *enrolment = dialogue->enrolment;
        const char *s = (const char *)base_secret_bytes(enrolment->drawing) + enrolment->drawn;
        size_t len = 0, next;

        while (s[len] && (next = len + strcspn(s + len, "\n") + 1) < sizeof(step.text))
                len = next;
        if (len > 0)
                memcpy(step.text, s, len - 1); /* without the last newline */
        enrolment->drawn += len;
        if (len == 0 || !s[len])
                enrolment->drawing = base_secret_free(enrolment->drawing);
        core_dialogue_step(dialogue, &step);
        base_wipe(&step, sizeof(step));
}

static int show_key(Dialogue *dialogue, const Secret *key) {
        const Enrolment *enrolment = dialogue->enrolment;
        CoreStep step = { .kind = CORE_STEP_SHOW, .secret = "", .reason = "" };
        _cleanup_secret_ Secret *uri = NULL;
        Text text;
        int r;

        r = core_otpauth_uri(dialogue->core, enrolment->name, enrolment->method, &enrolment->form,
                             key, &uri);
        if (r < 0)
                return r;
        base_text_init(&text, step.text, sizeof(step.text));
        base_text_add(&text, "You need a second factor to log in. Add this key to an authenticator "
                             "app, now:\n  ");
        key_write(key, &text);
        base_text_addf(&text, "\n  %s", (const char *)base_secret_bytes(uri));
        drawing_make(dialogue, uri);
        dialogue->state = DIALOGUE_ENROL_SHOWN;
        core_dialogue_step(dialogue, &step);
        base_wipe(&step, sizeof(step));
        return 0;
}

static void seeded(void *owner, CoreProofResult result, const void *sealed, size_t len,
                   const Secret *text, uint64_t now_usec) {
        Dialogue *dialogue = owner;
        Enrolment *enrolment = dialogue->enrolment;
        const StoreVerifier seed = { sealed, len, enrolment->number };

        dialogue->call = NULL;
        if (result != CORE_PROOF_MATCH || len == 0 || !text ||
            core_verifier_keep(&seed, &enrolment->sealed) < 0 || show_key(dialogue, text) < 0)
                core_authenticate_unavailable(dialogue, now_usec);
}

static int begin(Dialogue *dialogue, const Judged *judged) {
        Enrolment *enrolment = calloc(1, sizeof(*enrolment));
        bool totp = core_method_permitted(&judged->values, POLICY_METHOD_TOTP);

        if (!enrolment)
                return -ENOMEM;
        dialogue->enrolment = enrolment;
        if (judged->credential->verifier_version >= UINT32_MAX - 2)
                return -E2BIG;
        enrolment->uid = judged->user->uid;
        memcpy(enrolment->name, dialogue->words.name, sizeof(enrolment->name));
        enrolment->number = (uint32_t)judged->credential->verifier_version + 1;
        enrolment->method = totp ? POLICY_METHOD_TOTP : POLICY_METHOD_HOTP;
        enrolment->form = (CoreSeedForm){ .algorithm = CORE_ALGORITHM_SHA1,
                                          .digits = DIGITS_DEFAULT,
                                          .period_sec = totp ? PERIOD_DEFAULT : 0 };
        enrolment->with_recovery = core_method_permitted(&judged->values, POLICY_METHOD_RECOVERY);
        return core_vault_seed(dialogue->core, enrolment->uid, core_method_kind(enrolment->method),
                               &enrolment->form, enrolment->number, NULL, seeded, dialogue,
                               &dialogue->call);
}

void core_enrol_begin(Dialogue *dialogue, const Judged *judged, uint64_t now_usec) {
        if (now_usec < CLOCK_EARLIEST_USEC || begin(dialogue, judged) < 0)
                core_authenticate_unavailable(dialogue, now_usec);
}

/* ---- the end ------------------------------------------------------------------------------ */

static StoreFactor factor_of(const Enrolment *enrolment, uint64_t now_usec) {
        return (StoreFactor){ .uid = enrolment->uid,
                              .method = enrolment->method,
                              .active = true,
                              .label = "",
                              .sealed = enrolment->sealed,
                              .algorithm = enrolment->form.algorithm,
                              .digits = enrolment->form.digits,
                              .period_seconds = enrolment->form.period_sec,
                              .next = enrolment->step + 1,
                              .last_used_usec = now_usec };
}

/* Factor, recovery codes and their entry in the log. */
static int store_factors(const Dialogue *dialogue, Change *change, Judged *judged,
                         StoreFactor *factor, const void *hashes, size_t len) {
        int r;

        r = core_factor_add(change, judged->credential, factor);
        if (r == 0)
                r = core_factor_note(change, judged->user, NULL, factor);
        if (r == 0 && len > 0)
                r = core_recovery_put(change, judged->credential, &judged->factors, hashes, len);
        if (r < 0)
                return r;
        change->service = dialogue->words.service;
        change->tty = dialogue->words.tty;
        return core_change_commit(change, "user.factor-enrol", "user", judged->user->name,
                                  judged->user->uid, judged->user->version, NULL);
}

/* Is he still who may enrol, with nothing of his changed since the key was made? */
static bool is_current(const Enrolment *enrolment, const Judged *judged) {
        return (judged->decision.verdict == POLICY_ALLOW ||
                judged->decision.verdict == POLICY_RENEW) &&
               judged->user->uid == enrolment->uid &&
               judged->credential->verifier_version + 1 == enrolment->number;
}

/* One transaction: the login's entry, the factor, its entry.  1: it is not current any more. */
static int store(Dialogue *dialogue, const void *hashes, size_t len, uint64_t now_usec) {
        static const CoreOptions options = { .reason = "", .unasked = true };
        Actor self = { .uid = dialogue->enrolment->uid,
                       .login_uid = dialogue->actor.login_uid,
                       .via = "pam" };
        StoreFactor factor = factor_of(dialogue->enrolment, now_usec);
        _cleanup_change_ Change change = { 0 };
        _cleanup_judged_ Judged judged = { 0 };
        _cleanup_free_ Proof *proof = NULL;
        CoreError error;
        int r;

        r = core_change_begin(&change, dialogue->core, &self, &options, now_usec, &error);
        if (r == 0)
                r = core_authenticate_judge(dialogue, change.txn, &factor, now_usec, &judged);
        if (r == 0 && !is_current(dialogue->enrolment, &judged))
                return 1;
        if (r == 0)
                r = core_authenticate_use(&change, dialogue, &judged, &factor,
                                          dialogue->enrolment->notice, &proof);
        if (r == 0)
                r = store_factors(dialogue, &change, &judged, &factor, hashes, len);
        if (r != 0)
                return r < 0 ? r : -EUCLEAN;
        core_proof_keep(dialogue->core, TAKE(proof));
        return 0;
}

static void show_codes(Dialogue *dialogue) {
        CoreStep step = { .kind = CORE_STEP_SHOW, .secret = "", .reason = "" };
        const char *codes = base_secret_bytes(dialogue->enrolment->codes);
        Text text;

        base_text_init(&text, step.text, sizeof(step.text));
        base_text_add(&text, "Your second factor is set up. Keep these recovery codes; each stands "
                             "for one code if the app is lost:");
        for (size_t i = 0; i < RECOVERY_CODES; i++)
                base_text_addf(&text, "%s%.*s", i % 2 == 0 ? "\n  " : "  ", (int)SETUP_CODE_BYTES,
                               codes + i * (SETUP_CODE_BYTES + 1));
        dialogue->state = DIALOGUE_RECOVERY_SHOWN;
        core_dialogue_step(dialogue, &step);
        base_wipe(&step, sizeof(step));
}

static void finish(Dialogue *dialogue, const void *hashes, size_t len, uint64_t now_usec) {
        int r = store(dialogue, hashes, len, now_usec);

        if (r < 0)
                core_dialogue_fail(dialogue, r, NULL);
        else if (r > 0)
                core_authenticate_unavailable(dialogue, now_usec);
        else if (len > 0)
                show_codes(dialogue);
        else
                core_dialogue_verdict(dialogue, CORE_VERDICT_ALLOW, dialogue->enrolment->notice);
}

static void hashed(void *owner, CoreProofResult result, const void *hashes, size_t len,
                   uint64_t now_usec) {
        Dialogue *dialogue = owner;

        dialogue->call = NULL;
        if (result != CORE_PROOF_MATCH || len == 0)
                core_authenticate_unavailable(dialogue, now_usec);
        else
                finish(dialogue, hashes, len, now_usec);
}

/* ---- the code ----------------------------------------------------------------------------- */

static int make_codes(Dialogue *dialogue) {
        Enrolment *enrolment = dialogue->enrolment;
        VaultRequest request = { .uid = enrolment->uid,
                                 .kind = CORE_KIND_RECOVERY_CODE,
                                 .new_version = (uint64_t)enrolment->number + 1 };
        int r;

        r = core_recovery_new(&enrolment->codes);
        if (r < 0)
                return r;
        request.secret = enrolment->codes;
        return core_vault_call(dialogue->core, VAULT_VERB_CODE_HASH, &request, hashed, dialogue,
                               &dialogue->call);
}

static void wrong_code(Dialogue *dialogue, uint64_t now_usec) {
        if (++dialogue->enrolment->tries < ENROL_TRIES)
                ask_code(dialogue, "That was not the code.\nCode the app shows: ");
        else
                core_authenticate_give_up(dialogue, "factor-enrol", now_usec);
}

static void guessed(void *owner, CoreProofResult result, uint64_t step, uint64_t now_usec) {
        Dialogue *dialogue = owner;

        dialogue->call = NULL;
        if (result == CORE_PROOF_FAULT || result == CORE_PROOF_BUSY) {
                core_authenticate_unavailable(dialogue, now_usec);
                return;
        }
        if (result != CORE_PROOF_MATCH || step == UINT64_MAX) {
                wrong_code(dialogue, now_usec);
                return;
        }
        dialogue->enrolment->step = step;
        if (!dialogue->enrolment->with_recovery)
                finish(dialogue, NULL, 0, now_usec);
        else if (make_codes(dialogue) < 0)
                core_authenticate_unavailable(dialogue, now_usec);
}

static void answer_code(Dialogue *dialogue, const Secret *answer, uint64_t now_usec) {
        const StoreFactor factor = { .method = dialogue->enrolment->method };
        _cleanup_secret_ Secret *code = NULL;
        CodeForm form = CODE_NONE;
        CoreOtp otp = core_otp_of(&factor, CODE_DIGITS, now_usec);
        VaultGuess guess = { .uid = dialogue->enrolment->uid,
                             .from = core_attempt_from(dialogue),
                             .kind = core_method_kind(factor.method),
                             .verifier = &dialogue->enrolment->sealed,
                             .otp = &otp };
        int r = core_code_read(answer, &form, &code);

        guess.code = code;
        if (r == 0 && form != CODE_DIGITS) {
                wrong_code(dialogue, now_usec);
                return;
        }
        if (r == 0)
                r = core_vault_guess(dialogue->core, &guess, guessed, dialogue, &dialogue->call);
        if (r < 0)
                core_authenticate_unavailable(dialogue, now_usec);
}

void core_enrol_answer(Dialogue *dialogue, const Secret *answer, uint64_t now_usec) {
        if (dialogue->state == DIALOGUE_ENROL_SHOWN && dialogue->enrolment->drawing)
                show_drawing(dialogue);
        else if (dialogue->state == DIALOGUE_ENROL_SHOWN)
                ask_code(dialogue, "Code the app shows: ");
        else if (dialogue->state == DIALOGUE_ENROL_CODE)
                answer_code(dialogue, answer, now_usec);
        else /* they were shown */
                core_dialogue_verdict(dialogue, CORE_VERDICT_ALLOW, dialogue->enrolment->notice);
}
