/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a login proved, for the phases of PAM that follow it, often in another process (sshd
 * authenticates in a child).  A proof is bound to user, name, service and the uid of the peer; it
 * holds for ten minutes and opens one session.  None of this is written anywhere: after a restart
 * of umd one logs in again. */

#include <errno.h>
#include <string.h>

#include "umd/core/login.h"

static void proof_free(Logins *logins, Proof *proof) {
        if (proof->prev)
                proof->prev->next = proof->next;
        else
                logins->proofs = proof->next;
        if (proof->next)
                proof->next->prev = proof->prev;
        logins->proof_count--;
        free(proof->made);
        free(proof);
}

int core_proof_new(const Dialogue *dialogue, uid_t uid, PolicyProof proof, PolicyStrength strength,
                   uint64_t now_usec, Proof **ret) {
        Proof *p = calloc(1, sizeof(*p));

        if (!p)
                return -ENOMEM;
        p->id = dialogue->id;
        p->uid = uid;
        p->peer_uid = dialogue->actor.uid;
        memcpy(p->name, dialogue->words.name, sizeof(p->name));
        memcpy(p->service, dialogue->words.service, sizeof(p->service));
        p->proof = proof;
        p->process = dialogue->process;
        p->strength = strength;
        p->recovery = dialogue->second.result == CORE_PROOF_MATCH &&
                      dialogue->second.method == POLICY_METHOD_RECOVERY;
        p->made_usec = now_usec;
        p->batch = dialogue->core->batch;
        *ret = p;
        return 0;
}

Shown core_proof_shown(const Proof *proof) {
        return proof ? (Shown){ .proof = proof->proof,
                                .strength = proof->strength,
                                .recovery = proof->recovery }
                     : (Shown){ .proof = POLICY_PROOF_WRONG };
}

/* The oldest goes where there are too many; used ones first. */
static void make_room(Logins *logins) {
        Proof *oldest = NULL, *used = NULL;

        for (Proof *p = logins->proofs; p; p = p->next) {
                oldest = p;
                if (p->used)
                        used = p;
        }
        if (oldest)
                proof_free(logins, used ? used : oldest);
}

void core_proof_keep(Core *core, Proof *proof) {
        Logins *logins = core->logins;

        if (logins->proof_count >= PROOFS_MAX)
                make_room(logins);
        proof->next = logins->proofs;
        if (logins->proofs)
                logins->proofs->prev = proof;
        logins->proofs = proof;
        logins->proof_count++;
}

Proof *core_proof_find(Core *core, const CorePeer *peer, const char *login, const char *service,
                       uint64_t now_usec) {
        LoginId id;

        if (core_login_id_read(login, &id) < 0)
                return NULL;
        for (Proof *p = core->logins->proofs; p; p = p->next)
                if (core_login_id_equal(&p->id, &id))
                        return p->used || p->peer_uid != peer->actor.uid ||
                                               strcmp(p->service, service) != 0 ||
                                               core_login_over(p->made_usec, now_usec)
                                       ? NULL
                                       : p;
        return NULL;
}

bool core_proof_attach(Core *core, const LoginId *id, TokenMade *made) {
        for (Proof *p = core->logins->proofs; p; p = p->next)
                if (core_login_id_equal(&p->id, id) && !p->used && !p->made) {
                        p->made = made;
                        return true;
                }
        return false;
}

bool core_proof_by_code(const Core *core, uid_t uid, uint64_t now_usec) {
        for (const Proof *p = core->logins->proofs; p; p = p->next)
                if (p->uid == uid && p->proof == POLICY_PROOF_SETUP_CODE &&
                    !core_login_over(p->made_usec, now_usec))
                        return true;
        return false;
}

Proof *core_proof_of_reset(const Dialogue *dialogue, const StoreCredential *credential,
                           uint64_t now_usec) {
        const CoreProcess *process = &dialogue->process;

        if (process->pid == 0)
                return NULL;
        for (Proof *p = dialogue->core->logins->proofs; p; p = p->next)
                if (p->proof == POLICY_PROOF_RESET && !p->used && p->uid == credential->uid &&
                    p->peer_uid == dialogue->actor.uid &&
                    strcmp(p->name, dialogue->words.name) == 0 &&
                    strcmp(p->service, dialogue->words.service) == 0 &&
                    p->process.pid == process->pid &&
                    p->process.start_ticks == process->start_ticks &&
                    p->verifier_version == credential->verifier_version &&
                    !core_login_over(p->made_usec, now_usec))
                        return p;
        return NULL;
}

void core_proof_renewed(Core *core, Proof *proof) {
        proof->proof = POLICY_PROOF_PASSWORD;
        proof->batch = core->batch;
}

void core_proofs_drop(Logins *logins, bool (*over)(const Proof *proof, const void *userdata),
                      const void *userdata) {
        Proof *next;

        for (Proof *p = logins->proofs; p; p = next) {
                next = p->next;
                if (!over || over(p, userdata))
                        proof_free(logins, p);
        }
}
