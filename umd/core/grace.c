/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who proved a second factor not long ago, and need not again (FEATURES B12): by the same service,
 * from the same place, with the same key or the password again.
 *
 * A shorter span that is set meanwhile counts at once.
 *
 * It is kept in memory alone: a umd that was restarted asks again.  Every change of the user's
 * record or of his credentials ends it, and so do a lockout, wherever the failures came from, and a
 * clock that went back behind its beginning. */

#include <string.h>

#include "umd/core/login.h"

/* A place that is the same the next time: an address, or the user's own session (sudo).  The
 * console is whoever sits there, and su by somebody else is anybody. */
static bool place_lasts(const LoginWords *words) {
        return words->source[0] || words->origin.place == PLACE_SELF;
}

static uint64_t grace_hash(const Core *core, const LoginWords *words, PolicyProof proof) {
        struct {
                char service[sizeof(words->service)], source[sizeof(words->source)];
                uint64_t key, proof, place;
        } data;

        memset(&data, 0, sizeof(data));
        memcpy(data.service, words->service, sizeof(data.service));
        memcpy(data.source, words->source, sizeof(data.source));
        data.key = words->key;
        data.proof = proof;
        data.place = words->origin.place;
        return core_hash(core->lane_key, &data, sizeof(data));
}

bool core_grace_holds(const Core *core, const LoginWords *words, PolicyProof proof,
                      const StoreUser *user, const StoreCredential *credential, uint64_t span_usec,
                      uint64_t now_usec) {
        uint64_t hash;

        if ((proof != POLICY_PROOF_PASSWORD && proof != POLICY_PROOF_KEY) || !place_lasts(words))
                return false;
        hash = grace_hash(core, words, proof);
        for (size_t i = 0; i < GRACES_MAX; i++) {
                const Grace *grace = &core->logins->graces[i];

                if (grace->uid == user->uid && grace->hash == hash)
                        return grace->made_usec <= now_usec && now_usec < grace->until_usec &&
                               now_usec - grace->made_usec < span_usec &&
                               grace->user_version == user->version &&
                               grace->verifier_version == credential->verifier_version;
        }
        return false;
}

/* The same one, a free one, or the one that was made first. */
static Grace *grace_place(Logins *logins, uid_t uid, uint64_t hash) {
        Grace *oldest = logins->graces;

        for (Grace *g = logins->graces; g < logins->graces + GRACES_MAX; g++) {
                if (g->uid == uid && g->hash == hash)
                        return g;
                if ((g->uid == 0) > (oldest->uid == 0) ||
                    ((g->uid == 0) == (oldest->uid == 0) && g->made_usec < oldest->made_usec))
                        oldest = g;
        }
        return oldest;
}

void core_grace_note(Core *core, const LoginWords *words, PolicyProof proof, const StoreUser *user,
                     const StoreCredential *credential, uint64_t span_usec, uint64_t now_usec) {
        uint64_t hash = grace_hash(core, words, proof);

        if (span_usec == 0 || !place_lasts(words))
                return;
        *grace_place(core->logins, user->uid, hash) = (Grace){
                .hash = hash,
                .uid = user->uid,
                .made_usec = now_usec,
                .until_usec = core_later(now_usec, span_usec),
                .user_version = user->version,
                .verifier_version = credential->verifier_version,
                .batch = core->batch,
        };
}

void core_graces_drop(Core *core, uid_t uid) {
        for (size_t i = 0; i < GRACES_MAX; i++)
                if (core->logins->graces[i].uid == uid)
                        core->logins->graces[i] = (Grace){ 0 };
}

void core_graces_drop_batch(Logins *logins, uint64_t batch) {
        for (size_t i = 0; i < GRACES_MAX; i++)
                if (logins->graces[i].batch == batch)
                        logins->graces[i] = (Grace){ 0 };
}
