/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Users with a security key, and an um-fido that does as it is told. */

#include "tests/unit/factor_fixture.h"

typedef struct Tokens {
        bool gone; /* takes no question */
        size_t asked;
        CoreTokenRequest request; /* the last one; its pointers are over, but for these */
        char rp[64], pin[CORE_TOKEN_PIN_MAX + 1], name[64];
        uint8_t ids[CORE_TOKEN_CREDENTIALS_MAX]; /* the first byte of each */
        CoreTokenDone done;                      /* NULL: nothing waits */
        void *userdata;
        uint64_t id, cancelled;
} Tokens;

static inline int tokens_ask(void *userdata, const CoreTokenRequest *request, CoreTokenDone done,
                             void *done_userdata, uint64_t *ret_id) {
        Tokens *tokens = userdata;

        if (tokens->gone)
                return -ENOTCONN;
        assert_null(tokens->done);
        tokens->request = *request;
        snprintf(tokens->rp, sizeof(tokens->rp), "%s", request->rp);
        snprintf(tokens->name, sizeof(tokens->name), "%s", request->name);
        snprintf(tokens->pin, sizeof(tokens->pin), "%s",
                 request->pin ? (const char *)base_secret_bytes(request->pin) : "");
        for (size_t i = 0; i < request->credential_count; i++)
                tokens->ids[i] = request->credentials[i].id[0];
        tokens->done = done;
        tokens->userdata = done_userdata;
        tokens->asked++;
        *ret_id = ++tokens->id;
        return 0;
}

static inline void tokens_cancel(void *userdata, uint64_t id) {
        ((Tokens *)userdata)->cancelled = id;
}

static inline void tokens_use(Fixture *f, Tokens *tokens) {
        const CoreTokens operations = { tokens, tokens_ask, tokens_cancel };

        core_use_tokens(f->core, &operations);
}

/* um-fido answers what it was asked last. */
static inline void tokens_answer(Fixture *f, Tokens *tokens, const CoreTokenAnswer *answer) {
        CoreTokenDone done = tokens->done;

        assert_non_null(done);
        tokens->done = NULL;
        done(tokens->userdata, answer, f->now);
}

static inline void tokens_say(Fixture *f, Tokens *tokens, CoreTokenResult result) {
        tokens_answer(f, tokens, &(CoreTokenAnswer){ .result = result });
}

/* The end of a test that was asked for something: what waits is answered, to nobody. */
static inline void tokens_end(Fixture *f, Tokens *tokens) {
        if (tokens->done)
                tokens_say(f, tokens, CORE_TOKEN_CANCELLED);
}

/* Writes a security key as an enrolment would; the first byte of its credential is mark. */
static inline uint32_t give_token(Fixture *f, uid_t uid, uint8_t mark, bool verifies,
                                  uint64_t next) {
        static const CoreOptions options = { .reason = "" };
        _cleanup_change_ Change change = { 0 };
        _cleanup_(store_credential_freep) StoreCredential *credential = NULL;
        uint8_t id[20] = { mark }, key[CORE_TOKEN_KEY_BYTES] = { mark, 1 };
        StoreFactor factor = { .uid = uid,
                               .method = POLICY_METHOD_FIDO2,
                               .active = true,
                               .label = "yubi",
                               .sealed = { key, sizeof(key), 0 },
                               .next = next,
                               .credential = id,
                               .credential_len = sizeof(id),
                               .verifies = verifies };

        must(core_change_begin(&change, f->core, &f->root, &options, f->now, &f->error));
        must(core_credential_load(change.txn, uid, &credential));
        must(core_factor_add(&change, credential, &factor));
        must(core_change_commit(&change, "test", "user", "x", uid, 1, NULL));
        return factor.number;
}

/* The lowest counter that is still taken of that factor. */
static inline uint64_t next_of(Fixture *f, uid_t uid, uint32_t number) {
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        _cleanup_(store_factor_freep) StoreFactor *factor = NULL;

        must(store_begin_read(f->core->store, &txn));
        must(store_factor_get(txn, uid, number, &factor));
        return factor->next;
}

/* alice at the console, up to where the password was looked at.  Steps that come later go to *talk.
 */
static inline void at_console(Fixture *f, Talk *talk, uint64_t connection, const char *password) {
        *talk = talk_new(f, connection, 0);
        talk->rhost = talk->ruser = "";
        talk_begin(talk, "authenticate", "alice", "login", 0);
        must(talk->r);
        talk_answer(talk, password);
}

static inline CoreTokenAnswer touched(uint32_t counter) {
        return (CoreTokenAnswer){ .result = CORE_TOKEN_OK, .counter = counter };
}
