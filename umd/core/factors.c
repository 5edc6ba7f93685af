/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Second factors: what there is, how one comes into the store, and how it goes.  Making one waits
 * for the vault and is factor_jobs.c's.
 *
 * A factor has the number that the credential's verifier_version moves on to with it: so no number
 * is given twice, what the vault sealed for one opens under no other, and every change of factors
 * ends a grace. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "umd/core/holders.h"
#include "umd/core/second.h"

/* ---- within a change ---------------------------------------------------------------------- */

void core_factor_text(const StoreFactor *factor, char *buf) {
        if (factor->number == 0) /* a code by e-mail is no row */
                snprintf(buf, FACTOR_TEXT_BYTES, "%s", core_method_name(factor->method));
        else
                snprintf(buf, FACTOR_TEXT_BYTES, "%s %u%s%s", core_method_name(factor->method),
                         factor->number, factor->label[0] ? " " : "", factor->label);
}

int core_credential_move_on(Change *change, StoreCredential *credential) {
        int r;

        credential->verifier_version++;
        r = store_credential_put(change->txn, credential);
        credential->version++; /* what else this change writes goes on from here */
        return r > 0 ? -EUCLEAN : r;
}

int core_factor_add(Change *change, StoreCredential *credential, StoreFactor *factor) {
        _cleanup_(store_factors_done) StoreFactors factors = { 0 };
        int r;

        if (credential->verifier_version >= UINT32_MAX)
                return -E2BIG;
        r = store_factors_of_user(change->txn, credential->uid, &factors);
        if (r < 0)
                return r;
        if (factors.count >= STORE_FACTORS_MAX)
                return -E2BIG;
        r = core_credential_move_on(change, credential);
        if (r < 0)
                return r;
        factor->number = (uint32_t)credential->verifier_version;
        factor->sealed.version = credential->verifier_version;
        factor->created_usec = change->now_usec;
        r = store_factor_put(change->txn, factor);
        return r > 0 ? -EUCLEAN : r;
}

int core_factor_note(Change *change, const StoreUser *user, const StoreFactor *before,
                     const StoreFactor *after) {
        char was[FACTOR_TEXT_BYTES], is[FACTOR_TEXT_BYTES];
        int r;

        if (before)
                core_factor_text(before, was);
        if (after)
                core_factor_text(after, is);
        r = core_change_value(change, "factor", before ? was : NULL, after ? is : NULL);
        if (r == 0)
                r = core_change_news(change, CORE_OBJECT_USER, CORE_NEWS_CHANGED, user->uid,
                                     user->name, NULL);
        return r;
}

bool core_factor_waits(const StoreFactor *factor, uint64_t now_usec) {
        return !factor->active && factor->created_usec <= now_usec &&
               now_usec - factor->created_usec < FACTOR_PENDING_USEC;
}

/* ---- whose they are ----------------------------------------------------------------------- */

int core_factors_load(Core *core, StoreTxn *txn, const char *name, FactorOwner *ret,
                      CoreError *error) {
        _cleanup_factor_owner_ FactorOwner owner = { 0 };
        int r;

        r = core_user_load(core, txn, name, false, &owner.user, error);
        if (r == 0)
                r = core_credential_load(txn, owner.user->uid, &owner.credential);
        if (r == 0)
                r = core_policy_values(core, txn, owner.user->uid, &owner.values);
        if (r == 0)
                r = store_factors_of_user(txn, owner.user->uid, &owner.factors);
        if (r != 0)
                return r;
        *ret = owner;
        owner = (FactorOwner){ 0 };
        return 0;
}

void core_factor_owner_done(FactorOwner *owner) {
        store_factors_done(&owner->factors);
        store_credential_freep(&owner->credential);
        store_user_freep(&owner->user);
}

bool core_factors_any(const StoreFactors *factors) {
        for (size_t i = 0; i < factors->count; i++)
                if (factors->list[i]->active)
                        return true;
        return false;
}

/* How many prove by themselves: recovery codes stand for another. */
static size_t count_proving(const StoreFactors *factors) {
        size_t count = 0;

        for (size_t i = 0; i < factors->count; i++)
                count += factors->list[i]->active &&
                         factors->list[i]->method != POLICY_METHOD_RECOVERY;
        return count;
}

const StoreFactor *core_factor_find(const StoreFactors *factors, uint32_t number) {
        for (size_t i = 0; i < factors->count; i++)
                if (factors->list[i]->number == number)
                        return factors->list[i];
        return NULL;
}

int core_factors_check_self(const CorePeer *peer, const StoreUser *user, CoreError *error) {
        if (peer->actor.uid == user->uid)
                return 0;
        return core_fail(error, CORE_E_ACCESS_DENIED,
                         "only %s can do this: a key that somebody else saw is no second factor",
                         user->name);
}

int core_factors_check_proof(Core *core, const CorePeer *peer, const FactorOwner *owner,
                             const char *login, uint64_t now_usec, Proof **ret_proof,
                             CoreError *error) {
        Proof *proof = core_proof_find(core, peer, login, LOGIN_SERVICE_SELF, now_usec);

        if (!proof || proof->uid != owner->user->uid || proof->proof != POLICY_PROOF_PASSWORD ||
            /* a code by e-mail lets in, but takes no stronger factor away, nor adds one */
            (core_factors_any(&owner->factors) && proof->strength < POLICY_STRENGTH_MFA))
                return core_fail(error, CORE_E_POLICY_REFUSED,
                                 "%s: password and second factor have to be proved first%s",
                                 owner->user->name,
                                 proof && proof->strength == POLICY_STRENGTH_WEAK_MFA
                                         ? ": a code by e-mail is not enough for that"
                                         : "");
        proof->used = true;
        if (ret_proof)
                *ret_proof = proof;
        return 0;
}

/* ---- showing ------------------------------------------------------------------------------ */

int core_factor_list(Core *core, const char *name,
                     void (*each)(void *userdata, const CoreFactor *factor), void *userdata,
                     CoreError *error) {
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        _cleanup_factor_owner_ FactorOwner owner = { 0 };
        int r;

        r = store_begin_read(core->store, &txn);
        if (r == 0)
                r = core_factors_load(core, txn, name, &owner, error);
        if (r != 0)
                return r;
        for (size_t i = 0; i < owner.factors.count; i++) {
                const StoreFactor *factor = owner.factors.list[i];
                const CoreFactor view = {
                        .number = factor->number,
                        .method = core_method_name(factor->method),
                        .active = factor->active,
                        .label = factor->label,
                        .created_usec = factor->created_usec,
                        .last_used_usec = factor->last_used_usec,
                        .codes_left = factor->method == POLICY_METHOD_RECOVERY
                                              ? core_recovery_left(&owner.factors)
                                              : -1,
                };

                each(userdata, &view);
        }
        return 0;
}

/* ---- taking away -------------------------------------------------------------------------- */

static int factor_delete(Change *change, const StoreUser *user, const StoreFactor *factor) {
        int r = core_factor_note(change, user, factor, NULL);

        if (r == 0)
                r = store_factor_delete(change->txn, user->uid, factor->number);
        return r > 0 ? -EUCLEAN : r;
}

/* The factor, and with the last one that proves the recovery codes too. */
static int factors_delete(Change *change, const FactorOwner *owner, const StoreFactor *factor) {
        bool last = factor && factor->active && factor->method != POLICY_METHOD_RECOVERY &&
                    count_proving(&owner->factors) == 1;
        int r = 0;

        for (size_t i = 0; r == 0 && i < owner->factors.count; i++) {
                const StoreFactor *other = owner->factors.list[i];

                if (!factor || other == factor || (last && other->method == POLICY_METHOD_RECOVERY))
                        r = factor_delete(change, owner->user, other);
        }
        if (r == 0)
                r = core_credential_move_on(change, owner->credential);
        return r;
}

static int check_remove(Core *core, const CorePeer *peer, const FactorOwner *owner,
                        const StoreFactor *factor, const char *login, uint64_t now_usec,
                        CoreError *error) {
        int r;

        if (peer->actor.uid != owner->user->uid && !login[0])
                return 0; /* whoever has user.factor.reset */
        r = core_factors_check_self(peer, owner->user, error);
        if (r == 0)
                r = core_factors_check_proof(core, peer, owner, login, now_usec, NULL, error);
        if (r == 0 && factor->active && factor->method != POLICY_METHOD_RECOVERY &&
            owner->values.factor_required != POLICY_REQUIRED_OFF &&
            count_proving(&owner->factors) == 1)
                return core_fail(error, CORE_E_POLICY_REFUSED,
                                 "%s: has to have a second factor (factor.required): enrol another "
                                 "before this one goes",
                                 owner->user->name);
        return r;
}

int core_factor_remove(Core *core, const CorePeer *peer, const char *name, uint32_t number,
                       const char *login, const CoreOptions *options, uint64_t now_usec,
                       CoreChange *ret, CoreError *error) {
        _cleanup_factor_owner_ FactorOwner owner = { 0 };
        _cleanup_change_ Change change = { 0 };
        const StoreFactor *factor;
        int r;

        r = core_change_begin(&change, core, &peer->actor, options, now_usec, error);
        if (r == 0)
                r = core_factors_load(core, change.txn, name, &owner, error);
        if (r == 0)
                r = core_check_version(options, owner.user->name, owner.user->version, error);
        if (r == 0)
                r = core_actor_covers_account(&change, owner.user, error);
        if (r != 0)
                return r;
        factor = core_factor_find(&owner.factors, number);
        if (!factor)
                return core_fail(error, CORE_E_NO_SUCH_ENTRY, "%s: has no factor %u",
                                 owner.user->name, number);
        r = check_remove(core, peer, &owner, factor, login, now_usec, error);
        if (r == 0)
                r = factors_delete(&change, &owner, factor);
        if (r != 0)
                return r;
        return core_change_commit(&change, "user.factor-remove", "user", owner.user->name,
                                  owner.user->uid, owner.user->version, ret);
}

int core_factors_reset(Core *core, const Actor *actor, const char *name, const CoreOptions *options,
                       uint64_t now_usec, CoreChange *ret, CoreError *error) {
        _cleanup_factor_owner_ FactorOwner owner = { 0 };
        _cleanup_change_ Change change = { 0 };
        int r;

        r = core_change_begin(&change, core, actor, options, now_usec, error);
        if (r == 0)
                r = core_factors_load(core, change.txn, name, &owner, error);
        if (r == 0)
                r = core_check_version(options, owner.user->name, owner.user->version, error);
        if (r != 0)
                return r;
        r = core_actor_covers_account(&change, owner.user, error);
        if (r != 0)
                return r;
        if (owner.factors.count == 0) {
                *ret = (CoreChange){ .object_id = owner.user->uid, .version = owner.user->version };
                return 0;
        }
        r = factors_delete(&change, &owner, NULL);
        if (r < 0)
                return r;
        return core_change_commit(&change, "user.factor-reset", "user", owner.user->name,
                                  owner.user->uid, owner.user->version, ret);
}
