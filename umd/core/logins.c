/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Dialogues: who may begin one, whose turn it is, and how each ends.  Exactly one answer goes out
 * for each call that came in, unless its connection is gone; a dialogue that is freed gives up its
 * call to the vault, so that nothing comes back to memory that is not there.
 *
 * What a dialogue asks and decides is authenticate.c's and change_login.c's. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "umd/core/second.h"

static void dialogue_free(Dialogue *dialogue) {
        Logins *logins = dialogue->core->logins;

        core_vault_give_up(dialogue->call);
        core_attempt_done(dialogue);
        if (dialogue->prev)
                dialogue->prev->next = dialogue->next;
        else
                logins->dialogues = dialogue->next;
        if (dialogue->next)
                dialogue->next->prev = dialogue->prev;
        logins->dialogue_count--;
        if (dialogue->actor.uid != 0)
                logins->dialogue_others--;
        base_secret_free(dialogue->answer);
        base_secret_free(dialogue->code);
        base_secret_free(dialogue->current);
        base_secret_free(dialogue->fresh);
        core_past_free(dialogue->past);
        core_verifier_done(&dialogue->tried);
        core_second_done(&dialogue->second);
        core_verifier_done(&dialogue->reset.tried);
        core_enrolment_free(dialogue->enrolment);
        core_token_free(dialogue->token);
        free(dialogue);
}

/* ---- ids ---------------------------------------------------------------------------------- */

static void id_text(const LoginId *id, char *buf) {
        snprintf(buf, LOGIN_ID_BYTES, "%016llx%016llx", (unsigned long long)id->high,
                 (unsigned long long)id->low);
}

int core_login_id_read(const char *s, LoginId *ret) {
        uint64_t half[2] = { 0, 0 };

        if (strlen(s) != LOGIN_ID_BYTES - 1)
                return -EINVAL;
        for (size_t i = 0; i < LOGIN_ID_BYTES - 1; i++) {
                unsigned int digit;

                if (s[i] >= '0' && s[i] <= '9')
                        digit = (unsigned int)(s[i] - '0');
                else if (s[i] >= 'a' && s[i] <= 'f')
                        digit = (unsigned int)(s[i] - 'a') + 10;
                else
                        return -EINVAL;
                half[i / 16] = half[i / 16] << 4 | digit;
        }
        *ret = (LoginId){ half[0], half[1] };
        return 0;
}

/* Takes the same time wherever they differ. */
bool core_login_id_equal(const LoginId *a, const LoginId *b) {
        return ((a->high ^ b->high) | (a->low ^ b->low)) == 0;
}

/* ---- steps -------------------------------------------------------------------------------- */

static const CoreError no_error = { 0 };

void core_dialogue_step(Dialogue *dialogue, const CoreStep *step) {
        CoreStepDone done = dialogue->done;
        void *userdata = dialogue->userdata;
        char id[LOGIN_ID_BYTES];

        memcpy(id, dialogue->id_text, sizeof(id));
        dialogue->done = NULL;
        if (step->kind == CORE_STEP_DONE)
                dialogue_free(dialogue);
        if (done) /* last: it may answer at once */
                done(userdata, 0, id, step, &no_error);
}

void core_dialogue_ask(Dialogue *dialogue, DialogueState state, const char *text,
                       const char *secret) {
        CoreStep step = { .kind = CORE_STEP_ASK_HIDDEN, .secret = secret, .reason = "" };

        snprintf(step.text, sizeof(step.text), "%s", text);
        dialogue->state = state;
        core_dialogue_step(dialogue, &step);
}

void core_dialogue_verdict(Dialogue *dialogue, CoreVerdict verdict, const char *text) {
        CoreStep step = { .kind = CORE_STEP_DONE,
                          .verdict = verdict,
                          .early = dialogue->early,
                          .secret = "",
                          .reason = "" };

        snprintf(step.text, sizeof(step.text), "%s", text);
        core_dialogue_step(dialogue, &step);
}

void core_dialogue_fail(Dialogue *dialogue, int r, const CoreError *error) {
        CoreStepDone done = dialogue->done;
        void *userdata = dialogue->userdata;

        dialogue_free(dialogue);
        if (done)
                done(userdata, r, "", NULL, error ? error : &no_error);
}

bool core_secret_usable(const Secret *secret) {
        size_t len = base_secret_len(secret);

        return len > 0 && len <= BASE_PASSWORD_MAX && !memchr(base_secret_bytes(secret), '\0', len);
}

int core_dialogue_try(Dialogue *dialogue, uint32_t kind, uid_t uid,
                      const StoreCredential *credential, const StoreVerifier *verifier,
                      const Secret *secret, VaultDone done) {
        VaultRequest request = { .uid = uid, .kind = kind, .verifier = verifier, .secret = secret };
        VaultVerb verb = verifier ? VAULT_VERB_VERIFY : VAULT_VERB_SPEND;
        VaultLane lane = { dialogue->words.lane, core_attempt_from(dialogue) };
        int r;

        dialogue->spending = !verifier;
        if (uid != 0)
                dialogue->lane = uid;
        request.uid = dialogue->lane;
        request.from = lane.from;
        if (verifier) {
                r = core_verifier_keep(verifier, &dialogue->tried);
                if (r < 0)
                        return r;
                dialogue->credential_version = credential->version;
                dialogue->kind = kind;
                dialogue->tried_next_version = credential->verifier_version + 1;
                request.new_version = dialogue->tried_next_version;
        }
        r = core_vault_call(dialogue->core, verb, &request, done, dialogue, &dialogue->call);
        if (r == 0)
                core_vault_hashes(dialogue->call, &lane);
        return r;
}

bool core_dialogue_still(const Dialogue *dialogue, const StoreCredential *credential) {
        const StoreVerifier *verifier = dialogue->kind == CORE_KIND_SETUP_CODE
                                                ? &credential->setup_code
                                                : &credential->password;

        return verifier->len > 0 && core_verifier_same(verifier, &dialogue->tried);
}

/* ---- beginning ---------------------------------------------------------------------------- */

int core_login_elsewhere(Core *core, const CorePeer *peer, const CoreLoginContext *context) {
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        _cleanup_(store_user_freep) StoreUser *user = NULL;
        int r;

        if (core->host.name_held(core->host.userdata, context->user, false))
                return 1;
        if (!(context->flags & LOGIN_FLAG_RESOLVES) || peer->actor.uid != 0)
                return 0;
        r = store_begin_read(core->store, &txn);
        if (r == 0)
                r = store_user_get_by_name(txn, context->user, &user);
        return r > 0 ? 1 : r;
}

int core_login_check_peer(Core *core, StoreTxn *txn, const CorePeer *peer, const char *name,
                          CoreError *error) {
        _cleanup_(store_user_freep) StoreUser *user = NULL;
        int r;

        if (peer->actor.uid == 0)
                return 0;
        r = store_user_get_by_name(txn, name, &user);
        if (r < 0)
                return r;
        /* the same words for nobody's name and for another's */
        if (r > 0 || user->status == USER_STATUS_DELETED || user->uid != peer->actor.uid)
                return core_fail(error, CORE_E_ACCESS_DENIED,
                                 "only root may log others in (login.others)");
        return 0;
}

static int check_room(const Logins *logins, const CorePeer *peer, CoreError *error) {
        size_t own = 0;

        for (const Dialogue *d = logins->dialogues; d; d = d->next)
                own += d->connection == peer->connection;
        if (own >= DIALOGUES_CONNECTION || logins->dialogue_count >= DIALOGUES_MAX ||
            (peer->actor.uid != 0 && logins->dialogue_others >= DIALOGUES_OTHERS))
                return core_fail(error, CORE_E_BUSY, "too many logins at once");
        return 0;
}

/* The one in which a person makes a security key his own. */
static bool is_enrolment(const CoreLoginContext *context) {
        return strcmp(context->operation, "enrol-key") == 0 &&
               strcmp(context->service, LOGIN_SERVICE_SELF) == 0;
}

static int check_begin(Core *core, const CorePeer *peer, const CoreLoginContext *context,
                       LoginWords *ret, bool *ret_elsewhere, CoreError *error) {
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        int r;

        if (strcmp(context->operation, "authenticate") != 0 &&
            strcmp(context->operation, "change-password") != 0 && !is_enrolment(context))
                return core_fail(error, CORE_E_BAD_VALUE,
                                 "operation: \"%s\": must be authenticate or change-password",
                                 core_quote(context->operation).text);
        r = core_login_words(core, &peer->actor, context, ret, error);
        if (r != 0)
                return r;
        r = core_login_elsewhere(core, peer, context);
        if (r >= 0)
                *ret_elsewhere = r > 0;
        if (r != 0)
                return r < 0 ? r : check_room(core->logins, peer, error);
        r = store_begin_read(core->store, &txn);
        if (r == 0)
                r = core_login_check_peer(core, txn, peer, ret->name, error);
        if (r == 0 && is_enrolment(context) && peer->actor.uid == 0)
                r = core_fail(error, CORE_E_ACCESS_DENIED,
                              "only %s can do this: a key that somebody else holds is no second "
                              "factor",
                              ret->name);
        if (r == 0)
                r = check_room(core->logins, peer, error);
        return r;
}

static int dialogue_new(Core *core, const CorePeer *peer, const CoreLoginContext *context,
                        const LoginWords *words, uint64_t now_usec, Dialogue **ret) {
        Logins *logins = core->logins;
        Dialogue *dialogue;
        int r;

        dialogue = calloc(1, sizeof(*dialogue));
        if (!dialogue)
                return -ENOMEM;
        r = base_random(&dialogue->id, sizeof(dialogue->id));
        if (r < 0) {
                free(dialogue);
                return r;
        }
        id_text(&dialogue->id, dialogue->id_text);
        dialogue->core = core;
        dialogue->connection = peer->connection;
        dialogue->actor = peer->actor;
        dialogue->actor.via = "pam";
        if (peer->actor.uid == 0)
                dialogue->process = peer->process;
        dialogue->words = *words;
        dialogue->words.around = core_session_around(core, peer, context);
        if (peer->actor.uid != 0) { /* he speaks of himself only, and where he is, is here */
                dialogue->words.origin = (Origin){ .place = PLACE_SELF };
                dialogue->words.source[0] = dialogue->words.tty[0] = '\0';
        }
        dialogue->lane = words->lane;
        dialogue->flags = context->flags;
        dialogue->change = strcmp(context->operation, "change-password") == 0;
        dialogue->enrols = is_enrolment(context);
        dialogue->whereabouts = core_whereabouts(core, peer);
        dialogue->begun_usec = now_usec;
        dialogue->next = logins->dialogues;
        if (logins->dialogues)
                logins->dialogues->prev = dialogue;
        logins->dialogues = dialogue;
        logins->dialogue_count++;
        if (peer->actor.uid != 0)
                logins->dialogue_others++;
        *ret = dialogue;
        return 0;
}

void core_login_begin(Core *core, const CorePeer *peer, const CoreLoginContext *context,
                      uint64_t now_usec, CoreStepDone done, void *userdata) {
        CoreError error = { 0 };
        Dialogue *dialogue;
        LoginWords words;
        bool elsewhere = false;
        int r;

        core_note_time(core, now_usec);
        r = check_begin(core, peer, context, &words, &elsewhere, &error);
        if (r == 0)
                r = dialogue_new(core, peer, context, &words, now_usec, &dialogue);
        if (r != 0) {
                done(userdata, r, "", NULL, &error);
                return;
        }
        dialogue->done = done;
        dialogue->userdata = userdata;
        if (elsewhere)
                core_dialogue_verdict(dialogue, CORE_VERDICT_UNKNOWN_USER, "");
        else if (dialogue->enrols && !core_login_is_local(dialogue, peer->actor.uid)) {
                r = core_fail(&error, CORE_E_POLICY_REFUSED,
                              "a security key is enrolled at the machine it is plugged into, not "
                              "from elsewhere");
                core_dialogue_fail(dialogue, r, &error);
        } else if (dialogue->change)
                core_change_login_begin(dialogue, now_usec);
        else /* whoever it is */
                core_authenticate_begin(dialogue, now_usec);
}

/* ---- answers ------------------------------------------------------------------------------ */

static Dialogue *dialogue_find(Core *core, const char *login) {
        LoginId id;

        if (core_login_id_read(login, &id) < 0)
                return NULL;
        for (Dialogue *d = core->logins->dialogues; d; d = d->next)
                if (core_login_id_equal(&d->id, &id))
                        return d;
        return NULL;
}

void core_login_answer(Core *core, const CorePeer *peer, const char *login, const Secret *answer,
                       uint64_t now_usec, CoreStepDone done, void *userdata) {
        Dialogue *dialogue = dialogue_find(core, login);
        CoreError error = { 0 };
        int r;

        core_note_time(core, now_usec);
        if (dialogue && (dialogue->connection != peer->connection || dialogue->done)) {
                /* another's, or out of turn: neither of the two gets anywhere */
                r = core_fail(&error, CORE_E_NO_SUCH_ENTRY, "the login was answered out of turn");
                core_dialogue_fail(dialogue, r, &error);
                dialogue = NULL;
        }
        if (!dialogue) {
                r = core_fail(&error, CORE_E_NO_SUCH_ENTRY, "no such login");
                done(userdata, r, "", NULL, &error);
                return;
        }
        dialogue->done = done;
        dialogue->userdata = userdata;
        if (dialogue->holds)
                core_attempt_answered(dialogue);
        else if (core_turn_awaited(dialogue))
                core_turn_came_back(dialogue);
        else if (dialogue->change)
                core_change_login_answer(dialogue, answer, now_usec);
        else
                core_authenticate_answer(dialogue, answer, now_usec);
}

void core_login_hangup(Core *core, uint64_t connection) {
        Dialogue *next;

        for (Dialogue *d = core->logins->dialogues; d; d = next) {
                next = d->next;
                if (d->connection == connection)
                        dialogue_free(d); /* its call, too: done is not called any more */
        }
        core_openings_hangup(core->logins, connection);
}

/* ---- the whole ---------------------------------------------------------------------------- */

int core_logins_new(Core *core, Logins **ret) {
        Logins *logins = calloc(1, sizeof(*logins));

        if (!logins)
                return -ENOMEM;
        logins->core = core;
        *ret = logins;
        return 0;
}

Logins *core_logins_free(Logins *logins) {
        if (!logins)
                return NULL;
        while (logins->dialogues)
                dialogue_free(logins->dialogues);
        core_proofs_drop(logins, NULL, NULL);
        core_sessions_free(logins);
        free(logins);
        return NULL;
}

static bool made_in_batch(const Proof *proof, const void *userdata) {
        return proof->batch == *(const uint64_t *)userdata;
}

void core_logins_drop_batch(Logins *logins, uint64_t batch) {
        core_proofs_drop(logins, made_in_batch, &batch);
        core_sessions_drop_batch(logins, batch);
        core_graces_drop_batch(logins, batch);
}

bool core_login_over(uint64_t begun_usec, uint64_t now_usec) {
        uint64_t since = now_usec > begun_usec ? now_usec - begun_usec : begun_usec - now_usec;

        /* a clock that was set back by more than that ends it too */
        return since > LOGIN_TTL_USEC;
}

static bool proof_over(const Proof *proof, const void *userdata) {
        return core_login_over(proof->made_usec, *(const uint64_t *)userdata);
}

void core_logins_tick(Logins *logins, uint64_t now_usec) {
        Dialogue *next;

        for (Dialogue *d = logins->dialogues; d; d = next) {
                next = d->next;
                /* nobody waits for an answer of ours; one that the vault works on ends with that */
                if (!d->done && core_login_over(d->begun_usec, now_usec))
                        dialogue_free(d);
        }
        core_proofs_drop(logins, proof_over, &now_usec);
}
