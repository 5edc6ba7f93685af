/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Calls to the vault, to um-quality and to um-fido, that their owner may give up.  They answer each
 * exactly once and know nothing of dialogues, connections or of core's end; between them and those
 * stands a VaultCall, which outlives all of them if it must and then says nothing.
 *
 * core passes verifiers on without looking into them and never compares a secret itself. */

#include <errno.h>
#include <string.h>

#include "umd/core/internal.h"

struct VaultCall {
        VaultCall *prev, *next;
        Core *core;  /* NULL: nobody asks for it any more */
        bool wanted; /* else it was given up, and its work goes on */
        bool hashes; /* it has a turn (turns.c): of this lane */
        VaultLane lane;
        union {
                VaultDone verifier;
                VaultSeedDone seed;
                VaultMatchDone match;
                QualityDone quality;
                TokenDone token;
        } done;            /* as the operation has it */
        uint64_t token_id; /* um-fido's, to be cancelled; 0: another's */
        void *owner;
};

static void call_unlink(VaultCall *call) {
        if (call->prev)
                call->prev->next = call->next;
        else
                call->core->calls = call->next;
        if (call->next)
                call->next->prev = call->prev;
        call->prev = call->next = NULL;
        call->core = NULL;
}

/* An answer is there: false where nobody wants it any more.  ret_call is what to tell. */
static bool call_end(VaultCall *call, uint64_t now_usec, VaultCall *ret_call) {
        bool wanted = call->core && call->wanted;

        *ret_call = *call;
        if (call->core) {
                const CoreHost *host = &call->core->host;

                core_note_time(call->core, now_usec);
                host->wake_at(host->userdata, 0); /* it is the next one's turn */
                call_unlink(call);
        }
        free(call);
        return wanted;
}

static void call_done(void *userdata, CoreProofResult result, const void *verifier, size_t len,
                      uint64_t now_usec) {
        VaultCall call;

        if (call_end(userdata, now_usec, &call))
                call.done.verifier(call.owner, result, verifier, len, now_usec);
}

static void seed_done(void *userdata, CoreProofResult result, const void *sealed, size_t len,
                      const Secret *text, uint64_t now_usec) {
        VaultCall call;

        if (call_end(userdata, now_usec, &call))
                call.done.seed(call.owner, result, sealed, len, text, now_usec);
}

static void match_done(void *userdata, CoreProofResult result, uint64_t step, uint64_t now_usec) {
        VaultCall call;

        if (call_end(userdata, now_usec, &call))
                call.done.match(call.owner, result, step, now_usec);
}

static int call_new(Core *core, void *owner, VaultCall **ret) {
        VaultCall *call = calloc(1, sizeof(*call));

        if (!call)
                return -ENOMEM;
        *call = (VaultCall){ .core = core, .wanted = true, .owner = owner, .next = core->calls };
        if (core->calls)
                core->calls->prev = call;
        core->calls = call;
        *ret = call;
        return 0;
}

/* r is what the vault said to the call: one that was not taken is not answered. */
static int call_sent(VaultCall *call, int r, VaultCall **ret) {
        if (r < 0) {
                call_unlink(call);
                free(call);
                return r;
        }
        *ret = call;
        return 0;
}

static int call_send(VaultCall *call, VaultVerb verb, const VaultRequest *request) {
        const CoreVault *vault = &call->core->vault;

        switch (verb) {
        case VAULT_VERB_VERIFY:
                return vault->verify(vault->userdata, request->uid, request->from, request->kind,
                                     request->verifier->bytes, request->verifier->len,
                                     request->verifier->version, request->new_version,
                                     request->secret, call_done, call);
        case VAULT_VERB_HASH:
                return vault->hash(vault->userdata, request->uid, request->kind,
                                   request->new_version, request->secret, call_done, call);
        case VAULT_VERB_IMPORT:
                return vault->import(vault->userdata, request->uid, request->kind,
                                     request->new_version, request->secret, call_done, call);
        case VAULT_VERB_SPEND:
                return vault->spend(vault->userdata, request->uid, request->from, request->secret,
                                    call_done, call);
        case VAULT_VERB_CODE_HASH:
                return vault->code_hash(vault->userdata, request->uid, request->kind,
                                        request->new_version, request->secret, call_done, call);
        case VAULT_VERB_COMPARE:
                return vault->compare(vault->userdata, request->uid, request->from, request->kind,
                                      request->verifier->bytes, request->verifier->len,
                                      request->verifier->version, request->secret, call_done, call);
        case _VAULT_VERB_MAX:
                break;
        }
        return -EINVAL;
}

int core_vault_call(Core *core, VaultVerb verb, const VaultRequest *request, VaultDone done,
                    void *owner, VaultCall **ret) {
        VaultCall *call;
        int r;

        if (core->vault_key_wrong && verb != VAULT_VERB_VERIFY && verb != VAULT_VERB_SPEND)
                return -EKEYREJECTED;
        r = call_new(core, owner, &call);
        if (r < 0)
                return r;
        call->done.verifier = done;
        return call_sent(call, call_send(call, verb, request), ret);
}

int core_vault_seed(Core *core, uid_t uid, uint32_t kind, const CoreSeedForm *form,
                    uint64_t new_version, const Secret *given, VaultSeedDone done, void *owner,
                    VaultCall **ret) {
        const CoreVault *vault = &core->vault;
        VaultCall *call;
        int r;

        if (core->vault_key_wrong)
                return -EKEYREJECTED;
        r = call_new(core, owner, &call);
        if (r < 0)
                return r;
        call->done.seed = done;
        r = vault->seed(vault->userdata, uid, kind, form, new_version, given, seed_done, call);
        return call_sent(call, r, ret);
}

int core_vault_guess(Core *core, const VaultGuess *guess, VaultMatchDone done, void *owner,
                     VaultCall **ret) {
        const CoreVault *vault = &core->vault;
        const StoreVerifier *verifier = guess->verifier;
        VaultCall *call;
        int r = call_new(core, owner, &call);

        if (r < 0)
                return r;
        call->done.match = done;
        if (guess->otp)
                r = vault->otp(vault->userdata, guess->uid, guess->from, guess->nothing,
                               guess->kind, verifier->bytes, verifier->len, verifier->version,
                               guess->otp, guess->code, match_done, call);
        else
                r = vault->code_verify(vault->userdata, guess->uid, guess->from, guess->nothing,
                                       guess->kind, verifier->bytes, verifier->len,
                                       verifier->version, guess->code, match_done, call);
        return call_sent(call, r, ret);
}

int core_vault_guess_nothing(Core *core, const VaultGuess *of, VaultMatchDone done, void *owner,
                             VaultCall **ret) {
        _cleanup_secret_ Secret *code = NULL;
        uint8_t hash[CORE_CODE_HASH_BYTES];
        const StoreVerifier nobodys = { hash, sizeof(hash), 1 };
        VaultGuess guess = { .uid = of->uid,
                             .from = of->from,
                             .nothing = true,
                             .kind = CORE_KIND_RECOVERY_CODE,
                             .verifier = &nobodys };
        int r;

        r = base_random(hash, sizeof(hash));
        if (r == 0)
                r = base_secret_new("000000", 6, &code);
        if (r < 0)
                return r;
        guess.code = code;
        return core_vault_guess(core, &guess, done, owner, ret);
}

static void quality_done(void *userdata, const CoreQualityAnswer *answer, uint64_t now_usec) {
        VaultCall call;

        if (call_end(userdata, now_usec, &call))
                call.done.quality(call.owner, answer, now_usec);
}

int core_quality_call(Core *core, const CoreQualityRequest *request, QualityDone done, void *owner,
                      VaultCall **ret) {
        VaultCall *call;
        int r = call_new(core, owner, &call);

        if (r < 0)
                return r;
        call->done.quality = done;
        r = core->quality.check(core->quality.userdata, request, quality_done, call);
        return call_sent(call, r, ret);
}

static void token_done(void *userdata, const CoreTokenAnswer *answer, uint64_t now_usec) {
        VaultCall call;

        if (call_end(userdata, now_usec, &call))
                call.done.token(call.owner, answer, now_usec);
}

int core_token_call(Core *core, const CoreTokenRequest *request, TokenDone done, void *owner,
                    VaultCall **ret) {
        VaultCall *call;
        int r;

        if (!core->tokens.ask)
                return -ENOTCONN;
        r = call_new(core, owner, &call);
        if (r < 0)
                return r;
        call->done.token = done;
        r = core->tokens.ask(core->tokens.userdata, request, token_done, call, &call->token_id);
        return call_sent(call, r, ret);
}

VaultCall *core_vault_give_up(VaultCall *call) {
        const Core *core = call ? call->core : NULL;
        uint64_t token_id;

        if (!core)
                return NULL;
        token_id = call->token_id;
        call->wanted = false;
        if (!call->hashes)
                call_unlink(call);
        if (token_id != 0) /* it may be answered at once */
                core->tokens.cancel(core->tokens.userdata, token_id);
        return NULL;
}

void core_vault_hashes(VaultCall *call, const VaultLane *lane) {
        call->hashes = true;
        call->lane = *lane;
}

size_t core_vault_hashing(const Core *core, VaultLane *ret, size_t max) {
        size_t count = 0;

        for (const VaultCall *call = core->calls; call && count < max; call = call->next)
                if (call->hashes)
                        ret[count++] = call->lane;
        return count;
}

void core_vault_forget(Core *core) {
        while (core->calls)
                call_unlink(core->calls);
}

int core_vault_fail(CoreProofResult result, CoreError *error) {
        switch (result) {
        case CORE_PROOF_BUSY:
                return core_fail(error, CORE_E_BUSY, "the vault has too much to do: try again");
        case CORE_PROOF_THROTTLED:
                return core_fail(error, CORE_E_BUSY, "too many wrong passwords: try again later");
        case CORE_PROOF_NO_MATCH:
                return core_fail(error, CORE_E_BAD_VALUE,
                                 "password: is no whole hash of a method um takes: $y$, $6$, $5$, "
                                 "$2b$, $2a$, $2y$");
        case CORE_PROOF_MATCH:
        case CORE_PROOF_FAULT:
        case CORE_PROOF_USED:
        case _CORE_PROOF_MAX:
                break;
        }
        return core_fail(error, CORE_E_UNAVAILABLE, "the vault does not answer");
}

int core_vault_refuse(int fault, CoreError *error) {
        if (fault != -EKEYREJECTED)
                return core_vault_fail(CORE_PROOF_FAULT, error);
        return core_fail(error, CORE_E_UNAVAILABLE,
                         "um-vault has another key than the one the passwords are sealed under: "
                         "put the old one back and restart um-vault, see umd(8)");
}

int core_secret_copy(const Secret *secret, Secret **ret) {
        return base_secret_new(base_secret_bytes(secret), base_secret_len(secret), ret);
}

/* ---- which key it has --------------------------------------------------------------------- */

typedef enum KeyMatch {
        KEY_NOTED, /* the noted one */
        KEY_NEW,   /* none is noted, or nobody has a verifier under that one */
        KEY_WRONG,
        _KEY_MAX,
} KeyMatch;

static int key_compare(Core *core, const uint8_t *id, KeyMatch *ret, uint8_t *ret_noted) {
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        bool needed;
        int r;

        r = store_begin_read(core->store, &txn);
        if (r == 0)
                r = store_vault_key_get(txn, ret_noted);
        if (r == STORE_E_MISSING) {
                *ret = KEY_NEW;
                return 0;
        }
        if (r < 0)
                return r;
        if (memcmp(ret_noted, id, STORE_VAULT_KEY_BYTES) == 0) {
                *ret = KEY_NOTED;
                return 0;
        }
        r = store_credential_any(txn, &needed);
        if (r < 0)
                return r;
        *ret = needed ? KEY_WRONG : KEY_NEW;
        return 0;
}

int core_vault_key_check(Core *core, const uint8_t *id, bool *ret_right, uint8_t *ret_noted) {
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        uint8_t noted[STORE_VAULT_KEY_BYTES];
        KeyMatch match;
        int r;

        r = key_compare(core, id, &match, noted);
        if (r == 0 && match == KEY_NEW) {
                r = store_begin(core->store, &txn);
                if (r == 0)
                        r = store_vault_key_put(txn, id);
                if (r == 0)
                        r = core_txn_commit(core, &txn);
        }
        if (r != 0)
                return r < 0 ? r : -EUCLEAN;
        core->vault_key_wrong = match == KEY_WRONG;
        *ret_right = match != KEY_WRONG;
        memcpy(ret_noted, match == KEY_NEW ? id : noted, sizeof(noted));
        return 0;
}

int core_vault_key_forget(Core *core, uint64_t now_usec) {
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        int r;

        r = store_begin(core->store, &txn);
        if (r == 0)
                r = store_vault_key_delete(txn);
        if (r == STORE_E_MISSING) /* nothing to forget */
                return 0;
        if (r == 0)
                r = core_txn_commit(core, &txn);
        if (r == 0)
                r = core_audit_system(core, "vault.accept-key", "", 0, "", now_usec);
        return r > 0 ? -EUCLEAN : r;
}
