/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the vault does with a request, apart from when and on which thread.
 *
 * A job becomes its own answer.  The answer carries no secret, and a verifier only where one was
 * made; everything that is not a match says so, and no path leads from an error to VAULT_MATCH. */

#include <errno.h>
#include <string.h>

#include "base/base.h"
#include "um_vault/vault.h"

int vault_job_new(const VaultPacket *packet, uint64_t client, VaultJob **ret) {
        _cleanup_(vault_job_freep) VaultJob *job = calloc(1, sizeof(*job));
        int r;

        if (!job)
                return -ENOMEM;
        job->client = client;
        job->head = packet->head;
        if (packet->head.op == VAULT_VERIFY ||
            (packet->head.op == VAULT_SPEND && packet->head.subject.uid != 0))
                job->lane = (uint64_t)(packet->head.flags + 1) << 32 | packet->head.subject.uid;
        r = base_secret_new(packet->secret, packet->head.secret_bytes, &job->secret);
        if (r < 0)
                return r;
        if (packet->verifier)
                memcpy(job->verifier, packet->verifier, packet->head.verifier_bytes);
        *ret = TAKE(job);
        return 0;
}

VaultJob *vault_job_free(VaultJob *job) {
        if (job)
                base_secret_free(job->secret);
        free(job);
        return NULL;
}

void vault_job_refuse(VaultJob *job, VaultStatus status) {
        job->head.status = status;
        job->head.flags = 0;
        job->head.secret_bytes = 0;
        job->head.verifier_bytes = 0;
        job->secret = base_secret_free(job->secret);
}

void job_queue_add(JobQueue *queue, VaultJob *job) {
        job->next = NULL;
        if (queue->last)
                queue->last->next = job;
        else
                queue->first = job;
        queue->last = job;
        queue->count++;
}

VaultJob *job_queue_remove(JobQueue *queue, VaultJob *previous) {
        VaultJob *job = previous ? previous->next : queue->first;

        if (previous)
                previous->next = job->next;
        else
                queue->first = job->next;
        if (queue->last == job)
                queue->last = previous;
        queue->count--;
        job->next = NULL;
        return job;
}

void job_queue_clear(JobQueue *queue) {
        while (queue->first)
                vault_job_free(job_queue_remove(queue, NULL));
}

static bool flags_are_valid(const VaultHead *head) {
        bool guess = head->op == VAULT_VERIFY || head->op == VAULT_SPEND;

        return head->flags == 0 ||
               (guess && (head->flags == VAULT_FLAG_HERE || head->flags == VAULT_FLAG_KNOWN));
}

bool vault_request_is_valid(const VaultPacket *packet) {
        static const struct {
                bool secret, verifier; /* may be there; a password may be empty */
        } takes[_VAULT_OP_MAX] = {
                [VAULT_HASH] = { .secret = true },
                [VAULT_VERIFY] = { .secret = true, .verifier = true },
                [VAULT_IMPORT] = { .secret = true },
                [VAULT_SPEND] = { .secret = true },
        };
        const VaultHead *head = &packet->head;

        if (head->status != 0 || !flags_are_valid(head))
                return false;
        if ((head->secret_bytes > 0 && !takes[head->op].secret) ||
            (head->verifier_bytes > 0) != takes[head->op].verifier)
                return false;
        return head->op == VAULT_PING || head->op == VAULT_SPEND ||
               head->subject.kind == VAULT_KIND_PASSWORD ||
               head->subject.kind == VAULT_KIND_SETUP_CODE;
}

int vault_context_init(VaultContext *context, const Secret *key) {
        _cleanup_secret_ Secret *hash = NULL;
        int r;

        *context = (VaultContext){ .key = key };
        r = vault_key_id(key, context->key_id);
        if (r >= 0)
                r = vault_method_dummy(&hash);
        if (r < 0)
                return r;
        return vault_seal(key, &context->dummy_subject, base_secret_bytes(hash),
                          base_secret_len(hash), context->dummy, &context->dummy_bytes);
}

static VaultStatus hash_seal(const VaultContext *context, const VaultSubject *subject,
                             const Secret *hash, VaultJob *job) {
        uint32_t len;

        if (vault_seal(context->key, subject, base_secret_bytes(hash), base_secret_len(hash),
                       job->verifier, &len) < 0)
                return VAULT_FAULT;
        job->head.verifier_bytes = len;
        return VAULT_OK;
}

static VaultStatus password_hash(const VaultContext *context, VaultRoom *room,
                                 const VaultSubject *subject, VaultJob *job) {
        _cleanup_secret_ Secret *hash = NULL;
        int r = vault_method_hash(room, job->secret, &hash);

        if (r == VAULT_E_PASSWORD)
                return VAULT_BAD_REQUEST;
        return r < 0 ? VAULT_FAULT : hash_seal(context, subject, hash, job);
}

/* The answer to a guess.  ret_old is written with VAULT_MATCH and VAULT_NO_MATCH. */
static VaultStatus password_verify(const VaultContext *context, VaultRoom *room,
                                   const VaultSubject *subject, const uint8_t *verifier, size_t len,
                                   const Secret *password, bool *ret_old) {
        _cleanup_secret_ Secret *hash = NULL;
        VaultMethod method;
        bool match;
        int r;

        r = vault_unseal(context->key, subject, verifier, len, &hash);
        if (r < 0)
                return VAULT_FAULT;
        if (r == VAULT_E_SEAL || vault_method_examine(hash, &method) != 0)
                return VAULT_BAD_RECORD;
        r = vault_method_verify(room, &method, hash, password, &match);
        if (r < 0)
                return VAULT_FAULT;
        *ret_old = method.old;
        return match ? VAULT_MATCH : VAULT_NO_MATCH;
}

/* The same steps as a guess at a password of the preferred method. */
void vault_job_spend(const VaultContext *context, VaultRoom *room, const VaultJob *job) {
        bool old;

        (void)password_verify(context, room, &context->dummy_subject, context->dummy,
                              context->dummy_bytes, job->secret, &old);
}

/* A hash of an old method is made anew while the password is at hand.  Where that fails the match
 * stands and the record stays: it is as good as it was.  A guess at it that fails costs what one at
 * a hash of the preferred method does on top: most old ones are quick, and so would be known. */
static VaultStatus job_verify(const VaultContext *context, VaultRoom *room, VaultJob *job,
                              size_t verifier_bytes) {
        VaultSubject subject = job->head.subject;
        VaultStatus status;
        bool old;

        status = password_verify(context, room, &subject, job->verifier, verifier_bytes,
                                 job->secret, &old);
        if (status == VAULT_NO_MATCH && old)
                vault_job_spend(context, room, job);
        if (status != VAULT_MATCH || !old)
                return status;
        subject.version = job->head.upgrade_version;
        if (password_hash(context, room, &subject, job) == VAULT_OK)
                job->head.flags = VAULT_FLAG_OLD_METHOD;
        return VAULT_MATCH;
}

static VaultStatus job_import(const VaultContext *context, VaultJob *job) {
        VaultMethod method;

        if (vault_method_examine(job->secret, &method) != 0)
                return VAULT_BAD_RECORD;
        return hash_seal(context, &job->head.subject, job->secret, job);
}

void vault_job_work(const VaultContext *context, VaultRoom *room, VaultJob *job) {
        size_t verifier_bytes = job->head.verifier_bytes;
        VaultStatus status = VAULT_BAD_REQUEST;

        job->head.verifier_bytes = 0; /* the answer's from here on */
        job->head.flags = 0;
        switch ((VaultOp)job->head.op) {
        case VAULT_PING:
                memcpy(job->verifier, context->key_id, VAULT_KEY_ID_BYTES);
                job->head.verifier_bytes = VAULT_KEY_ID_BYTES;
                status = VAULT_OK;
                break;
        case VAULT_HASH:
                status = password_hash(context, room, &job->head.subject, job);
                break;
        case VAULT_VERIFY:
                status = job_verify(context, room, job, verifier_bytes);
                break;
        case VAULT_IMPORT:
                status = job_import(context, job);
                break;
        case VAULT_SPEND:
                vault_job_spend(context, room, job);
                status = VAULT_NO_MATCH; /* whatever it was */
                break;
        case VAULT_SEED_NEW:
        case VAULT_SEED_IMPORT:
        case VAULT_OTP:
        case VAULT_CODE_HASH:
        case VAULT_CODE_VERIFY:
        case _VAULT_OP_MAX:
                break;
        }
        job->head.status = status;
        job->head.secret_bytes = 0;
        job->secret = base_secret_free(job->secret);
}
