/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the vault does with a request, apart from when and on which thread.
 *
 * A job becomes its own answer.  The answer carries no secret, but for the one seed that is shown
 * once, and a verifier only where one was made or a step found; everything that is not a match says
 * so, and no path leads from an error to VAULT_MATCH. */

#include <errno.h>
#include <string.h>

#include "base/base.h"
#include "um_vault/vault.h"

#define LANE_CODE    8U  /* beside the place */
#define LANE_COMPARE 16U /* beside it too */

bool vault_op_guesses_code(uint32_t op) {
        return op == VAULT_OTP || op == VAULT_CODE_VERIFY;
}

static uint32_t place_of(const VaultHead *head) {
        return head->flags & ~VAULT_FLAG_NOTHING;
}

/* 0: none. */
static uint64_t lane_of(const VaultHead *head) {
        uint32_t lane = place_of(head) + 1;

        if (head->op == VAULT_COMPARE)
                lane |= LANE_COMPARE;
        else if (vault_op_guesses_code(head->op))
                lane |= LANE_CODE;
        else if (head->op != VAULT_VERIFY && (head->op != VAULT_SPEND || head->subject.uid == 0))
                return 0;
        return (uint64_t)lane << 32 | head->subject.uid;
}

int vault_job_new(const VaultPacket *packet, uint64_t client, VaultJob **ret) {
        _cleanup_(vault_job_freep) VaultJob *job = calloc(1, sizeof(*job));
        int r;

        if (!job)
                return -ENOMEM;
        job->client = client;
        job->head = packet->head;
        job->lane = lane_of(&packet->head);
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
        bool code = vault_op_guesses_code(head->op),
             guess = code || head->op == VAULT_VERIFY || head->op == VAULT_SPEND;
        uint32_t place = place_of(head);

        if (head->op == VAULT_COMPARE)
                return head->flags == VAULT_FLAG_HERE || head->flags == VAULT_FLAG_KNOWN;
        if ((head->flags & VAULT_FLAG_NOTHING) && !code)
                return false;
        return place == 0 || (guess && (place == VAULT_FLAG_HERE || place == VAULT_FLAG_KNOWN));
}

#define KIND(kind)     (1U << (kind))
#define KINDS_PASSWORD (KIND(VAULT_KIND_PASSWORD) | KIND(VAULT_KIND_SETUP_CODE))
#define KINDS_SEED     (KIND(VAULT_KIND_TOTP) | KIND(VAULT_KIND_HOTP))
#define KINDS_CODE                                                                                 \
        (KIND(VAULT_KIND_RECOVERY_CODE) | KIND(VAULT_KIND_MAIL_CODE) | KIND(VAULT_KIND_RESET_CODE))

bool vault_request_is_valid(const VaultPacket *packet) {
        /* kinds 0: whichever.  A secret may be there, since what was typed may be empty; a verifier
         * must. */
        static const struct {
                uint32_t kinds;
                bool secret, verifier;
        } takes[_VAULT_OP_MAX] = {
                [VAULT_HASH] = { KINDS_PASSWORD, .secret = true },
                [VAULT_VERIFY] = { KINDS_PASSWORD, .secret = true, .verifier = true },
                [VAULT_IMPORT] = { KINDS_PASSWORD, .secret = true },
                [VAULT_SPEND] = { .secret = true },
                [VAULT_SEED_NEW] = { KINDS_SEED, .verifier = true },
                [VAULT_SEED_IMPORT] = { KINDS_SEED, .secret = true, .verifier = true },
                [VAULT_OTP] = { KINDS_SEED, .secret = true, .verifier = true },
                [VAULT_CODE_HASH] = { KINDS_CODE, .secret = true },
                [VAULT_CODE_VERIFY] = { KINDS_CODE, .secret = true, .verifier = true },
                [VAULT_COMPARE] = { KIND(VAULT_KIND_PASSWORD), .secret = true, .verifier = true },
        };
        const VaultHead *head = &packet->head;
        uint32_t kinds = takes[head->op].kinds;

        if (head->status != 0 || !flags_are_valid(head))
                return false;
        if ((head->secret_bytes > 0 && !takes[head->op].secret) ||
            (head->verifier_bytes > 0) != takes[head->op].verifier)
                return false;
        return kinds == 0 || (head->subject.kind < 32 && (kinds & KIND(head->subject.kind)) != 0);
}

static int dummy_make(VaultContext *context, unsigned cost) {
        VaultDummy *dummy = &context->dummies[cost - VAULT_COST_MIN];
        _cleanup_secret_ Secret *hash = NULL;
        int r = vault_method_dummy(cost, &hash);

        if (r < 0)
                return r;
        return vault_seal(context->key, &context->dummy_subject, base_secret_bytes(hash),
                          base_secret_len(hash), dummy->verifier, &dummy->len);
}

int vault_context_init(VaultContext *context, const Secret *key, VaultRecovery recovery,
                       unsigned cost) {
        int r;

        *context = (VaultContext){ .key = key, .recovery = recovery, .cost = cost };
        r = vault_key_id(key, context->key_id);
        for (unsigned i = VAULT_COST_MIN; r >= 0 && i <= cost; i++)
                r = dummy_make(context, i);
        return r;
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
        int r = vault_method_hash(room, context->cost, job->secret, &hash);

        if (r == VAULT_E_PASSWORD)
                return VAULT_BAD_REQUEST;
        return r < 0 ? VAULT_FAULT : hash_seal(context, subject, hash, job);
}

/* The answer to a guess.  ret_cost is written with VAULT_MATCH and VAULT_NO_MATCH. */
static VaultStatus password_verify(const VaultContext *context, VaultRoom *room,
                                   const VaultSubject *subject, const uint8_t *verifier, size_t len,
                                   const Secret *password, unsigned *ret_cost) {
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
        *ret_cost = method.cost;
        return match ? VAULT_MATCH : VAULT_NO_MATCH;
}

/* The same steps as a guess at a password of the preferred method at that cost. */
static void cost_spend(const VaultContext *context, VaultRoom *room, const VaultJob *job,
                       unsigned cost) {
        const VaultDummy *dummy = &context->dummies[cost - VAULT_COST_MIN];
        unsigned ignored;

        (void)password_verify(context, room, &context->dummy_subject, dummy->verifier, dummy->len,
                              job->secret, &ignored);
}

void vault_job_spend(const VaultContext *context, VaultRoom *room, const VaultJob *job) {
        cost_spend(context, room, job, context->cost);
}

/* What is left of a guess's time after one at a hash that is old.  Each cost takes twice the one
 * before, so one of each from its own on is all of it; most that are no yescrypt are quick. */
static void rest_spend(const VaultContext *context, VaultRoom *room, const VaultJob *job,
                       unsigned cost) {
        if (cost == 0)
                vault_job_spend(context, room, job);
        else
                for (; cost < context->cost; cost++)
                        cost_spend(context, room, job, cost);
}

/* A hash that is old, of another method or of less than the cost of what is made now, is made anew
 * while the password is at hand.  Where that fails the match stands and the record stays: it is as
 * good as it was.  A guess at it that fails takes the time of any, or it would be known. */
static VaultStatus job_verify(const VaultContext *context, VaultRoom *room, VaultJob *job,
                              size_t verifier_bytes) {
        VaultSubject subject = job->head.subject;
        VaultStatus status;
        unsigned cost = 0;
        bool old;

        status = password_verify(context, room, &subject, job->verifier, verifier_bytes,
                                 job->secret, &cost);
        old = cost < context->cost;
        if (status == VAULT_NO_MATCH && old)
                rest_spend(context, room, job, cost);
        if (status != VAULT_MATCH || !old)
                return status;
        subject.version = job->head.upgrade_version;
        if (password_hash(context, room, &subject, job) == VAULT_OK)
                job->head.flags = VAULT_FLAG_OLD_METHOD;
        return VAULT_MATCH;
}

/* What an old method's hash took shows nothing here: whoever may ask is told the answer. */
static VaultStatus job_compare(const VaultContext *context, VaultRoom *room, VaultJob *job,
                               size_t verifier_bytes) {
        unsigned ignored;

        return password_verify(context, room, &job->head.subject, job->verifier, verifier_bytes,
                               job->secret, &ignored);
}

static VaultStatus job_import(const VaultContext *context, VaultJob *job) {
        VaultMethod method;

        if (vault_method_examine(job->secret, &method) != 0)
                return VAULT_BAD_RECORD;
        return hash_seal(context, &job->head.subject, job->secret, job);
}

/* ---- second factors -------------------------------------------------------------------------- */

/* What came of it, in the terms of otp.c and code.c. */
static VaultStatus factor_status(int r, VaultStatus done) {
        if (r == 0)
                return done;
        if (r < 0)
                return VAULT_FAULT;
        return r == VAULT_E_SEAL || r == VAULT_E_SEED ? VAULT_BAD_RECORD : VAULT_BAD_REQUEST;
}

/* ret_text is the seed, where it is a new one. */
static VaultStatus job_seed(const VaultContext *context, VaultJob *job, size_t form_bytes,
                            Secret **ret_text) {
        VaultSeedForm form;
        uint32_t len;
        int r;

        if (form_bytes != sizeof(form))
                return VAULT_BAD_REQUEST;
        memcpy(&form, job->verifier, sizeof(form));
        if (job->head.op == VAULT_SEED_NEW)
                r = vault_seed_new(context->key, &job->head.subject, &form, job->verifier, &len,
                                   ret_text);
        else
                r = vault_seed_import(context->key, &job->head.subject, &form, job->secret,
                                      job->verifier, &len);
        if (r == 0)
                job->head.verifier_bytes = len;
        return factor_status(r, VAULT_OK);
}

static void job_tell(VaultJob *job, uint64_t step) {
        memcpy(job->verifier, &step, sizeof(step));
        job->head.verifier_bytes = sizeof(step);
}

static VaultStatus job_otp(const VaultContext *context, VaultJob *job, size_t verifier_bytes) {
        VaultStatus status = VAULT_FAULT;
        uint64_t step;
        VaultOtp otp;
        int r;

        if (verifier_bytes <= sizeof(otp))
                return VAULT_BAD_REQUEST;
        memcpy(&otp, job->verifier, sizeof(otp));
        r = vault_otp_check(context->key, &job->head.subject, &otp, job->verifier + sizeof(otp),
                            verifier_bytes - sizeof(otp), job->secret, &status, &step);
        if (r == 0 && status != VAULT_NO_MATCH)
                job_tell(job, step);
        return factor_status(r, status);
}

static VaultStatus job_codes(const VaultContext *context, VaultJob *job) {
        uint32_t len;
        int r = vault_codes_hash(context->key, &job->head.subject, job->secret, job->verifier,
                                 &len);

        if (r == 0)
                job->head.verifier_bytes = len;
        return factor_status(r, VAULT_OK);
}

static VaultStatus job_code(const VaultContext *context, VaultJob *job, size_t verifier_bytes) {
        bool match = false;
        uint64_t index;
        int r = vault_code_find(context->key, &job->head.subject, job->verifier, verifier_bytes,
                                job->secret, &match, &index);

        if (r == 0 && match)
                job_tell(job, index);
        return factor_status(r, match ? VAULT_MATCH : VAULT_NO_MATCH);
}

/* A guess for nothing was wrong, whatever came of it; but a fault is told as with any other, or it
 * would tell them apart. */
static VaultStatus nothing_status(VaultJob *job, VaultStatus status) {
        if (status != VAULT_MATCH && status != VAULT_USED)
                return status;
        job->head.verifier_bytes = 0;
        return VAULT_NO_MATCH;
}

void vault_job_work(const VaultContext *context, VaultRoom *room, VaultJob *job) {
        bool nothing = job->head.flags & VAULT_FLAG_NOTHING;
        size_t verifier_bytes = job->head.verifier_bytes;
        VaultStatus status = VAULT_BAD_REQUEST;
        Secret *shown = NULL;

        job->head.verifier_bytes = 0; /* the answer's from here on */
        job->head.flags = 0;
        switch ((VaultOp)job->head.op) {
        case VAULT_PING:
                memcpy(job->verifier, context->key_id, VAULT_KEY_ID_BYTES);
                job->head.verifier_bytes = VAULT_KEY_ID_BYTES;
                job->head.recovery = (uint64_t)context->recovery;
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
                status = job_seed(context, job, verifier_bytes, &shown);
                break;
        case VAULT_OTP:
                status = job_otp(context, job, verifier_bytes);
                break;
        case VAULT_CODE_HASH:
                status = job_codes(context, job);
                break;
        case VAULT_CODE_VERIFY:
                status = job_code(context, job, verifier_bytes);
                break;
        case VAULT_COMPARE:
                status = job_compare(context, room, job, verifier_bytes);
                break;
        case _VAULT_OP_MAX:
                break;
        }
        job->head.status = nothing ? nothing_status(job, status) : status;
        base_secret_free(job->secret);
        job->secret = shown;
        job->head.secret_bytes = shown ? (uint32_t)base_secret_len(shown) : 0;
}
