/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A security key in a login: looked for, its PIN asked where it wants one, a touch awaited; and the
 * same for a new one, in a dialogue that was begun to enrol it.
 *
 * The peer is told to wait and asks again every few seconds, so that nobody's deadline passes, and
 * nothing here waits.  What comes of the first factor makes no difference to what is asked here.
 * Whatever um-fido says or leaves unsaid but OK leads to the next method; a right answer counts in
 * the transaction of the verdict, against the counter that stands in the store then. */

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "umd/core/second.h"

#define TELL_USEC  (3 * USEC_PER_SEC) /* PAM's rounds are due within 4.5 s */
#define LOOK_USEC  (5 * USEC_PER_SEC)
#define TOUCH_USEC (33 * USEC_PER_SEC) /* um-fido says so itself after 30 */
#define PIN_TRIES  2U                  /* a key takes three in a row, then none */

static_assert(STORE_FACTORS_MAX <= CORE_TOKEN_CREDENTIALS_MAX, "all of a user's fit a request");

struct TokenTalk {
        bool makes; /* a new one */
        CoreTokenOp op;
        bool pending;  /* um-fido was asked */
        bool answered; /* ... and the peer does not know yet */
        CoreTokenAnswer answer;
        uint64_t tell_usec, end_usec; /* boottime */
        bool verify;                  /* of a new one: it can */
        Secret *pin;
        unsigned int tries;
        /* the factors whose credentials were asked for, as they were then */
        uid_t uid;
        size_t count;
        uint32_t numbers[STORE_FACTORS_MAX];
        bool verifies[STORE_FACTORS_MAX];
        uint8_t keys[STORE_FACTORS_MAX][CORE_TOKEN_KEY_BYTES];
};

void core_token_free(TokenTalk *talk) {
        if (!talk)
                return;
        base_secret_free(talk->pin);
        free(talk);
}

bool core_factor_is_token(const StoreFactor *factor) {
        return factor->active && factor->method == POLICY_METHOD_FIDO2 &&
               factor->sealed.len == CORE_TOKEN_KEY_BYTES && factor->credential_len > 0 &&
               factor->credential_len <= CORE_TOKEN_ID_MAX;
}

/* ---- asking um-fido -------------------------------------------------------------------------- */

static void answered(void *owner, const CoreTokenAnswer *answer, uint64_t now_usec);

/* What keys know this host by: it stays when the host is given another name. */
static void rp_write(const Core *core, char *buf, size_t size) {
        const uint8_t *id = store_id(core->store);
        Text text;

        base_text_init(&text, buf, size);
        base_text_add(&text, "um:");
        for (size_t i = 0; i < 16; i++)
                base_text_addf(&text, "%02x", id[i]);
}

/* All that he has, and for a login those that are permitted. */
static void credentials_fill(TokenTalk *talk, const FactorOwner *owner, CoreTokenRequest *request) {
        talk->uid = owner->user->uid;
        talk->count = 0;
        for (size_t i = 0; i < owner->factors.count; i++) {
                const StoreFactor *factor = owner->factors.list[i];

                if (!core_factor_is_token(factor) ||
                    (!talk->makes && !core_method_permitted(&owner->values, factor->method)))
                        continue;
                talk->numbers[talk->count] = factor->number;
                talk->verifies[talk->count] = factor->verifies;
                memcpy(talk->keys[talk->count], factor->sealed.bytes, factor->sealed.len);
                request->credentials[talk->count] =
                        (CoreTokenCredential){ .id = factor->credential,
                                               .id_len = factor->credential_len,
                                               .key = talk->keys[talk->count],
                                               .verify = factor->verifies };
                talk->count++;
        }
        request->credential_count = talk->count;
}

/* Somebody else is asked for a key of the same person's. */
static bool is_asked_elsewhere(const Dialogue *dialogue) {
        for (const Dialogue *d = dialogue->core->logins->dialogues; d; d = d->next)
                if (d != dialogue && d->token && d->token->pending &&
                    strcmp(d->words.name, dialogue->words.name) == 0)
                        return true;
        return false;
}

/* The challenge is new each time and names the login. */
static int challenge_make(const Dialogue *dialogue, uint8_t *ret) {
        int r = base_random(ret, CORE_TOKEN_CHALLENGE_BYTES / 2);

        memcpy(ret + CORE_TOKEN_CHALLENGE_BYTES / 2, dialogue->id_text,
               CORE_TOKEN_CHALLENGE_BYTES / 2);
        return r;
}

static_assert(LOGIN_ID_BYTES - 1 == CORE_TOKEN_CHALLENGE_BYTES / 2, "the login's id fills it");

static int request_send(Dialogue *dialogue, const FactorOwner *owner) {
        TokenTalk *talk = dialogue->token;
        CoreTokenRequest request = { .op = talk->op,
                                     .pin = talk->pin,
                                     .verify = talk->verify,
                                     .uid = owner->user->uid,
                                     .name = owner->user->name };
        char rp[64];
        int r;

        rp_write(dialogue->core, rp, sizeof(rp));
        request.rp = rp;
        credentials_fill(talk, owner, &request);
        if (talk->makes && talk->op == CORE_TOKEN_LOOK)
                request.credential_count = 0;
        else if (!talk->makes && talk->count == 0)
                return -ENOENT;
        r = challenge_make(dialogue, request.challenge);
        return r < 0 ? r
                     : core_token_call(dialogue->core, &request, answered, dialogue,
                                       &dialogue->call);
}

static void wake_wish(Dialogue *dialogue) {
        const TokenTalk *talk = dialogue->token;
        const CoreHost *host = &dialogue->core->host;

        host->wake_at(host->userdata, dialogue->done && talk->tell_usec < talk->end_usec
                                              ? talk->tell_usec
                                              : talk->end_usec);
}

/* A fault: um-fido is not there, or has too much to do. */
static int ask(Dialogue *dialogue, CoreTokenOp op) {
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        _cleanup_factor_owner_ FactorOwner owner = { 0 };
        uint64_t now_usec = core_boottime(dialogue->core);
        TokenTalk *talk = dialogue->token;
        CoreError error = { 0 };
        int r;

        if (is_asked_elsewhere(dialogue))
                return -EBUSY;
        talk->op = op;
        r = store_begin_read(dialogue->core->store, &txn);
        if (r == 0)
                r = core_factors_load(dialogue->core, txn, dialogue->words.name, &owner, &error);
        if (r == 0)
                r = request_send(dialogue, &owner);
        talk->pin = base_secret_free(talk->pin);
        if (r != 0)
                return r < 0 ? r : -ENOENT;
        talk->pending = true;
        talk->answered = false;
        talk->tell_usec = now_usec + TELL_USEC;
        talk->end_usec = now_usec + (op == CORE_TOKEN_LOOK ? LOOK_USEC : TOUCH_USEC);
        dialogue->state = DIALOGUE_TOKEN;
        wake_wish(dialogue);
        return 0;
}

/* ---- steps ----------------------------------------------------------------------------------- */

static void tell_wait(Dialogue *dialogue, const char *text) {
        CoreStep step = { .kind = CORE_STEP_WAIT, .secret = "", .reason = "" };

        snprintf(step.text, sizeof(step.text), "%s", text);
        core_dialogue_step(dialogue, &step);
}

static void ask_pin(Dialogue *dialogue) {
        core_dialogue_ask(dialogue, DIALOGUE_PIN,
                          dialogue->token->tries > 0
                                  ? "That was not its PIN.\nPIN of the security key: "
                                  : "PIN of the security key: ",
                          "pin");
}

static const char *why(CoreTokenResult result) {
        switch (result) {
        case CORE_TOKEN_ABSENT:
                return "no security key of yours is plugged in";
        case CORE_TOKEN_BUSY:
                return "the security key is in use";
        case CORE_TOKEN_TIMEOUT:
        case CORE_TOKEN_CANCELLED:
                return "the security key was not touched";
        case CORE_TOKEN_PIN_WRONG:
                return "that was not the PIN of the security key";
        case CORE_TOKEN_PIN_OFF:
                return "the security key takes no more PINs before it is plugged in again";
        case CORE_TOKEN_DENIED:
                return "the security key refuses";
        case CORE_TOKEN_EXISTS:
                return "this security key is enrolled already";
        case CORE_TOKEN_SEVERAL:
                return "several security keys are plugged in: leave the one that is to be enrolled";
        case CORE_TOKEN_UNPROVED:
        case CORE_TOKEN_FAULT:
        case CORE_TOKEN_OK:
        case _CORE_TOKEN_RESULT_MAX:
                break;
        }
        return "the security key did not work";
}

/* It comes to nothing: the next method, or for a new one the end. */
static void stop(Dialogue *dialogue, CoreTokenResult result, uint64_t now_usec) {
        TokenTalk *talk = TAKE(dialogue->token);
        bool makes = talk->makes;
        int r;

        core_token_free(talk);
        if (makes) {
                const char *text =
                        result == CORE_TOKEN_ABSENT ? "no security key is plugged in" : why(result);

                core_dialogue_verdict(dialogue, CORE_VERDICT_DENIED, text);
                return;
        }
        dialogue->second.no_token = true;
        dialogue->second.chosen = 0;
        dialogue->second.why = why(result);
        r = core_second_ask(dialogue, now_usec);
        if (r <= 0) /* it was due a moment ago; begin again */
                core_authenticate_unavailable(dialogue, now_usec);
}

static void ask_touch(Dialogue *dialogue, uint64_t now_usec) {
        int r = ask(dialogue, dialogue->token->makes ? CORE_TOKEN_MAKE : CORE_TOKEN_ASSERT);

        if (r < 0)
                stop(dialogue, r == -EBUSY ? CORE_TOKEN_BUSY : CORE_TOKEN_FAULT, now_usec);
        else
                tell_wait(dialogue, "Touch the security key now.");
}

/* ---- what it said ---------------------------------------------------------------------------- */

static void looked(Dialogue *dialogue, uint64_t now_usec) {
        TokenTalk *talk = dialogue->token;

        talk->verify = talk->makes && talk->answer.verifies;
        if (talk->answer.wants_pin)
                ask_pin(dialogue);
        else
                ask_touch(dialogue, now_usec);
}

static void asserted(Dialogue *dialogue, uint64_t now_usec) {
        TokenTalk *talk = dialogue->token;
        Second *second = &dialogue->second;
        uint32_t which = talk->answer.which;
        StoreVerifier key;

        if (which >= talk->count || (talk->verifies[which] && !talk->answer.verified)) {
                stop(dialogue, CORE_TOKEN_UNPROVED, now_usec);
                return;
        }
        key = (StoreVerifier){ talk->keys[which], CORE_TOKEN_KEY_BYTES, talk->numbers[which] };
        if (core_verifier_keep(&key, &second->tried) < 0) {
                core_authenticate_unavailable(dialogue, now_usec);
                return;
        }
        second->uid = talk->uid;
        second->number = talk->numbers[which];
        second->method = POLICY_METHOD_FIDO2;
        second->result = CORE_PROOF_MATCH;
        second->step = talk->answer.counter;
        core_token_free(TAKE(dialogue->token));
        core_authenticate_finish(dialogue, now_usec);
}

/* It stands with the login that made it, until the change that stores it. */
static void made(Dialogue *dialogue, uint64_t now_usec) {
        const CoreTokenAnswer *answer = &dialogue->token->answer;
        TokenMade *token = malloc(sizeof(*token));

        if (token) {
                *token = (TokenMade){ .counter = answer->counter,
                                      .verified = answer->verified,
                                      .id_len = answer->id_len };
                memcpy(token->id, answer->id, sizeof(token->id));
                memcpy(token->key, answer->key, sizeof(token->key));
                memcpy(token->aaguid, answer->aaguid, sizeof(token->aaguid));
        }
        if (!token || !core_proof_attach(dialogue->core, &dialogue->id, token)) {
                free(token);
                core_dialogue_verdict(dialogue, CORE_VERDICT_UNAVAILABLE, "");
                return;
        }
        core_dialogue_verdict(dialogue, CORE_VERDICT_ALLOW, dialogue->notice);
}

static void go_on(Dialogue *dialogue, uint64_t now_usec) {
        TokenTalk *talk = dialogue->token;
        CoreTokenResult result = talk->answer.result;

        talk->answered = false;
        if (result == CORE_TOKEN_PIN_WRONG && ++talk->tries < PIN_TRIES)
                ask_pin(dialogue);
        else if (result != CORE_TOKEN_OK)
                stop(dialogue, result, now_usec);
        else if (talk->op == CORE_TOKEN_LOOK)
                looked(dialogue, now_usec);
        else if (talk->op == CORE_TOKEN_ASSERT)
                asserted(dialogue, now_usec);
        else
                made(dialogue, now_usec);
}

static void take(Dialogue *dialogue, const CoreTokenAnswer *answer, uint64_t now_usec) {
        TokenTalk *talk = dialogue->token;

        talk->pending = false;
        talk->answered = true;
        talk->answer = *answer;
        if (dialogue->done)
                go_on(dialogue, now_usec);
}

static void answered(void *owner, const CoreTokenAnswer *answer, uint64_t now_usec) {
        Dialogue *dialogue = owner;

        dialogue->call = NULL;
        take(dialogue, answer, now_usec);
}

void core_token_wake(Dialogue *dialogue, uint64_t now_usec) {
        uint64_t boot_usec = core_boottime(dialogue->core);
        TokenTalk *talk = dialogue->token;

        if (!talk->pending)
                return;
        if (boot_usec >= talk->end_usec) { /* um-fido is silent */
                const CoreTokenAnswer silence = { .result = talk->op == CORE_TOKEN_LOOK
                                                                    ? CORE_TOKEN_ABSENT
                                                                    : CORE_TOKEN_TIMEOUT };

                dialogue->call = core_vault_give_up(dialogue->call);
                take(dialogue, &silence, now_usec);
                return;
        }
        if (dialogue->done && boot_usec >= talk->tell_usec) {
                talk->tell_usec = boot_usec + TELL_USEC;
                tell_wait(dialogue, "");
        }
        wake_wish(dialogue);
}

/* ---- in and out ------------------------------------------------------------------------------ */

static int begin(Dialogue *dialogue, bool makes, uint64_t now_usec) {
        int r;

        dialogue->token = calloc(1, sizeof(*dialogue->token));
        if (!dialogue->token)
                return -ENOMEM;
        dialogue->token->makes = makes;
        r = ask(dialogue, CORE_TOKEN_LOOK);
        if (r == -ENOMEM)
                return r;
        if (r < 0)
                stop(dialogue, r == -EBUSY ? CORE_TOKEN_BUSY : CORE_TOKEN_ABSENT, now_usec);
        return 0;
}

int core_token_begin(Dialogue *dialogue, uint64_t now_usec) {
        return begin(dialogue, false, now_usec);
}

void core_token_announce(Dialogue *dialogue, const char *notice) {
        CoreStep step = { .kind = CORE_STEP_ASK_SHOWN,
                          .secret = "",
                          .reason = "",
                          .text = "Plug in the security key that is to be enrolled, and no other, "
                                  "then press Enter: " };

        snprintf(dialogue->notice, sizeof(dialogue->notice), "%s", notice);
        dialogue->state = DIALOGUE_TOKEN_NEW;
        core_attempt_answer(dialogue, &step);
}

static void make(Dialogue *dialogue, uint64_t now_usec) {
        if (begin(dialogue, true, now_usec) < 0)
                core_dialogue_verdict(dialogue, CORE_VERDICT_UNAVAILABLE, "");
}

static void answer_pin(Dialogue *dialogue, const Secret *answer, uint64_t now_usec) {
        const char *s = base_secret_bytes(answer);
        size_t len = base_secret_len(answer);
        TokenTalk *talk = dialogue->token;

        if (len == 0) { /* he would rather not */
                stop(dialogue, CORE_TOKEN_DENIED, now_usec);
                return;
        }
        if (len > CORE_TOKEN_PIN_MAX || memchr(s, '\0', len)) { /* no key has such a one */
                if (++talk->tries < PIN_TRIES)
                        ask_pin(dialogue);
                else
                        stop(dialogue, CORE_TOKEN_PIN_WRONG, now_usec);
                return;
        }
        if (base_secret_new(s, len, &talk->pin) < 0)
                core_dialogue_fail(dialogue, -ENOMEM, NULL);
        else
                ask_touch(dialogue, now_usec);
}

void core_token_answer(Dialogue *dialogue, const Secret *answer, uint64_t now_usec) {
        TokenTalk *talk = dialogue->token;

        if (dialogue->state == DIALOGUE_TOKEN_NEW)
                make(dialogue, now_usec);
        else if (dialogue->state == DIALOGUE_PIN)
                answer_pin(dialogue, answer, now_usec);
        else if (talk->answered)
                go_on(dialogue, now_usec);
        else {
                talk->tell_usec = core_boottime(dialogue->core) + TELL_USEC;
                wake_wish(dialogue);
        }
}
