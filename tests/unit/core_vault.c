/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A vault whose verifiers are "kind:uid:version:secret" in clear, so that a test sees what they are
 * bound to, whose codes follow from a seed's version, and which answers only when told to. */

#include <stdlib.h>

#include "tests/unit/core_fixture.h"

#define SETUP_CODE_LEN 14U

static VaultJob *job_add(Fixture *f, const Secret *secret, CoreVaultDone done, void *userdata) {
        VaultJob *job = calloc(1, sizeof(*job));

        if (!job)
                return NULL;
        assert_true(f->job_count < ARRAY_LENGTH(f->jobs));
        f->jobs[f->job_count++] = job;
        job->secret_len = base_secret_len(secret);
        memcpy(job->secret, base_secret_bytes(secret), job->secret_len);
        job->done = done;
        job->userdata = userdata;
        return job;
}

static int vault_verify(void *userdata, uid_t uid, CoreFrom from, uint32_t kind,
                        const void *verifier, size_t len, uint64_t version, uint64_t new_version,
                        const Secret *secret, CoreVaultDone done, void *done_userdata) {
        Fixture *f = userdata;
        VaultJob *job;

        if (f->vault_gone)
                return -ENOTCONN;
        job = job_add(f, secret, done, done_userdata);
        if (!job)
                return -ENOMEM;
        job->verify = true;
        job->from = from;
        job->uid = uid;
        job->kind = kind;
        job->version = version;
        job->new_version = new_version;
        memcpy(job->verifier, verifier, len);
        job->len = len;
        return 0;
}

static int vault_make(Fixture *f, uid_t uid, uint32_t kind, uint64_t new_version,
                      const Secret *secret, bool import, CoreVaultDone done, void *userdata) {
        VaultJob *job;

        if (f->vault_gone)
                return -ENOTCONN;
        job = job_add(f, secret, done, userdata);
        if (!job)
                return -ENOMEM;
        job->uid = uid;
        job->kind = kind;
        job->new_version = new_version;
        job->import = import;
        return 0;
}

static int vault_hash(void *userdata, uid_t uid, uint32_t kind, uint64_t new_version,
                      const Secret *secret, CoreVaultDone done, void *done_userdata) {
        return vault_make(userdata, uid, kind, new_version, secret, false, done, done_userdata);
}

static int vault_import(void *userdata, uid_t uid, uint32_t kind, uint64_t new_version,
                        const Secret *secret, CoreVaultDone done, void *done_userdata) {
        return vault_make(userdata, uid, kind, new_version, secret, true, done, done_userdata);
}

static int vault_spend(void *userdata, uint32_t lane, CoreFrom from, const Secret *secret,
                       CoreVaultDone done, void *done_userdata) {
        Fixture *f = userdata;
        VaultJob *job;

        if (f->vault_gone)
                return -ENOTCONN;
        job = job_add(f, secret, done, done_userdata);
        if (!job)
                return -ENOMEM;
        job->spend = true;
        job->from = from;
        job->uid = lane;
        return 0;
}

static int vault_seed(void *userdata, uid_t uid, uint32_t kind, const CoreSeedForm *form,
                      uint64_t new_version, const Secret *given, CoreSeedDone done,
                      void *done_userdata) {
        _cleanup_secret_ Secret *none = NULL;
        Fixture *f = userdata;
        VaultJob *job;

        if (f->vault_gone)
                return -ENOTCONN;
        if (base_secret_new("SEED", 4, &none) < 0)
                return -ENOMEM;
        job = job_add(f, none, NULL, done_userdata);
        if (!job)
                return -ENOMEM;
        job->seed = true;
        job->uid = uid;
        job->kind = kind;
        job->new_version = new_version;
        job->seed_done = done;
        return 0;
}

static int vault_otp(void *userdata, uid_t uid, CoreFrom from, bool nothing, uint32_t kind,
                     const void *sealed, size_t len, uint64_t version, const CoreOtp *otp,
                     const Secret *code, CoreMatchDone done, void *done_userdata) {
        Fixture *f = userdata;
        VaultJob *job;

        if (f->vault_gone)
                return -ENOTCONN;
        job = job_add(f, code, NULL, done_userdata);
        if (!job)
                return -ENOMEM;
        job->otp = true;
        job->nothing = nothing;
        job->uid = uid;
        job->from = from;
        job->kind = kind;
        job->version = version;
        job->window = *otp;
        job->match_done = done;
        memcpy(job->verifier, sealed, len);
        job->len = len;
        return 0;
}

static int vault_code_hash(void *userdata, uid_t uid, uint32_t kind, uint64_t new_version,
                           const Secret *codes, CoreVaultDone done, void *done_userdata) {
        int r = vault_make(userdata, uid, kind, new_version, codes, false, done, done_userdata);

        if (r == 0)
                ((Fixture *)userdata)->jobs[((Fixture *)userdata)->job_count - 1]->code_hash = true;
        return r;
}

static int vault_code_verify(void *userdata, uid_t uid, CoreFrom from, bool nothing, uint32_t kind,
                             const void *hashes, size_t len, uint64_t version, const Secret *code,
                             CoreMatchDone done, void *done_userdata) {
        Fixture *f = userdata;
        const CoreOtp none = { 0 };
        int r = vault_otp(userdata, uid, from, nothing, kind, hashes, len, version, &none, code,
                          done, done_userdata);

        if (r == 0) {
                f->jobs[f->job_count - 1]->otp = false;
                f->jobs[f->job_count - 1]->code_verify = true;
        }
        return r;
}

static int vault_compare(void *userdata, uid_t uid, CoreFrom from, uint32_t kind,
                         const void *verifier, size_t len, uint64_t version, const Secret *secret,
                         CoreVaultDone done, void *done_userdata) {
        Fixture *f = userdata;
        int r = vault_verify(userdata, uid, from, kind, verifier, len, version, 0, secret, done,
                             done_userdata);

        if (r == 0) {
                f->jobs[f->job_count - 1]->verify = false;
                f->jobs[f->job_count - 1]->compare = true;
        }
        return r;
}

static bool vault_ready(void *userdata) {
        return !((Fixture *)userdata)->vault_gone;
}

static size_t verifier_of(const VaultJob *job, uint64_t version, uint8_t *buf) {
        size_t n = (size_t)sprintf((char *)buf, "%u:%u:%llu:", job->kind, job->uid,
                                   (unsigned long long)version);

        memcpy(buf + n, job->secret, job->secret_len);
        return n + job->secret_len;
}

/* ---- codes -------------------------------------------------------------------------------- */

const char *code_at(uint64_t version, uint64_t step) {
        static char codes[8][16];
        static size_t at;
        char *code = codes[at++ % ARRAY_LENGTH(codes)];

        snprintf(code, sizeof(codes[0]), "%06llu",
                 (unsigned long long)((step * 7919 + version * 104729 + 1) % 1000000));
        return code;
}

uint64_t step_now(const Fixture *f) {
        return f->now / USEC_PER_SEC / 30;
}

static bool code_is(const VaultJob *job, uint64_t step) {
        const char *code = code_at(job->version, step);

        return strlen(code) == job->secret_len && memcmp(code, job->secret, job->secret_len) == 0;
}

static bool pair_is(const VaultJob *job, uint64_t step) {
        char pair[32];

        snprintf(pair, sizeof(pair), "%s %s", code_at(job->version, step - 1),
                 code_at(job->version, step));
        return strlen(pair) == job->secret_len && memcmp(pair, job->secret, job->secret_len) == 0;
}

/* As um_vault.h has it: each step of the window, used below the floor. */
static CoreProofResult otp_find(const VaultJob *job, uint64_t *ret_step) {
        const CoreOtp *otp = &job->window;
        uint64_t now = otp->now_sec / 30, first, last;

        first = job->kind == CORE_KIND_TOTP ? now - otp->window : otp->floor - (otp->floor > 0);
        last = job->kind == CORE_KIND_TOTP ? now + otp->window : otp->floor + otp->window;
        for (uint64_t step = first; step <= last; step++)
                if (code_is(job, step)) {
                        *ret_step = step;
                        return step >= otp->floor ? CORE_PROOF_MATCH : CORE_PROOF_USED;
                }
        for (uint64_t step = otp->floor + 1; step <= otp->floor + otp->resync; step++)
                if (pair_is(job, step)) {
                        *ret_step = step;
                        return CORE_PROOF_MATCH;
                }
        return CORE_PROOF_NO_MATCH;
}

/* A hash is the code with its number, filled up. */
static size_t hashes_of(const VaultJob *job, uint8_t *buf) {
        size_t count = 0,
               each = job->kind != CORE_KIND_RECOVERY_CODE ? job->secret_len : SETUP_CODE_LEN;

        for (size_t at = 0; at < job->secret_len; at += each + 1) {
                memset(buf, 0, CORE_CODE_HASH_BYTES);
                memcpy(buf, &job->new_version, sizeof(job->new_version));
                memcpy(buf + 8, job->secret + at, each);
                buf += CORE_CODE_HASH_BYTES;
                count++;
        }
        return count * CORE_CODE_HASH_BYTES;
}

static size_t code_len(uint32_t kind) {
        return kind == CORE_KIND_MAIL_CODE ? 6 : kind == CORE_KIND_RESET_CODE ? 8 : SETUP_CODE_LEN;
}

static CoreProofResult hash_find(const VaultJob *job, uint64_t *ret_at) {
        for (size_t at = 0; at < job->len; at += CORE_CODE_HASH_BYTES)
                if (memcmp(job->verifier + at, &job->version, sizeof(job->version)) == 0 &&
                    job->secret_len == code_len(job->kind) &&
                    memcmp(job->verifier + at + 8, job->secret, job->secret_len) == 0) {
                        *ret_at = at / CORE_CODE_HASH_BYTES;
                        return CORE_PROOF_MATCH;
                }
        return CORE_PROOF_NO_MATCH;
}

static void answer_guess(Fixture *f, VaultJob *job) {
        CoreProofResult result = f->vault_says;
        uint8_t sealed[2048];
        uint64_t step = 0;

        f->guessed++;
        f->guess = *job;
        if (result == CORE_PROOF_MATCH && job->code_verify)
                result = hash_find(job, &step);
        else if (result == CORE_PROOF_MATCH) {
                size_t len = (size_t)sprintf((char *)sealed, "%u:%u:%llu:SEED", job->kind, job->uid,
                                             (unsigned long long)job->version);

                result = len == job->len && memcmp(sealed, job->verifier, len) == 0
                                 ? otp_find(job, &step)
                                 : CORE_PROOF_FAULT;
        }
        if (job->nothing && result != CORE_PROOF_FAULT && result != CORE_PROOF_BUSY) {
                result = CORE_PROOF_NO_MATCH;
                step = 0;
        }
        job->match_done(job->userdata, result, step, f->now);
}

static void answer_seed(Fixture *f, VaultJob *job) {
        _cleanup_secret_ Secret *text = NULL;
        uint8_t sealed[2048];
        size_t len = verifier_of(job, job->new_version, sealed);
        bool made = f->vault_says == CORE_PROOF_MATCH;

        must(base_secret_new("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 32, &text));
        job->seed_done(job->userdata, f->vault_says, made ? sealed : NULL, made ? len : 0,
                       made ? text : NULL, f->now);
}

void fixture_vault_one(Fixture *f) {
        CoreProofResult result = f->vault_says;
        uint8_t made[2048];
        size_t len = 0;
        VaultJob *job;

        fixture_quality(f);
        if (f->job_count == 0)
                return;
        job = f->jobs[0];
        memmove(f->jobs, f->jobs + 1, --f->job_count * sizeof(f->jobs[0]));
        if (job->seed || job->otp || job->code_verify) {
                if (job->seed)
                        answer_seed(f, job);
                else
                        answer_guess(f, job);
                free(job);
                return;
        }
        if (job->spend) {
                f->spent++;
                if (result == CORE_PROOF_MATCH)
                        result = CORE_PROOF_NO_MATCH;
        } else if (job->verify || job->compare) {
                f->verified += job->verify;
                f->compared += job->compare;
                f->compared_from = job->compare ? job->from : f->compared_from;
                len = verifier_of(job, job->version, made);
                if (result == CORE_PROOF_MATCH &&
                    (len != job->len || memcmp(made, job->verifier, len) != 0))
                        result = CORE_PROOF_NO_MATCH;
                len = job->verify && result == CORE_PROOF_MATCH && f->vault_old
                              ? verifier_of(job, job->new_version, made)
                              : 0;
        } else if (job->import && memchr(job->secret, '$', job->secret_len) == NULL)
                result = CORE_PROOF_NO_MATCH;
        else if (result == CORE_PROOF_MATCH)
                len = job->code_hash ? hashes_of(job, made)
                                     : verifier_of(job, job->new_version, made);
        job->done(job->userdata, result, len > 0 ? made : NULL, len, f->now);
        free(job);
}

void fixture_vault(Fixture *f) {
        while (f->job_count > 0 || f->question_count > 0)
                fixture_vault_one(f);
}

void fixture_vault_end(Fixture *f) {
        while (f->job_count > 0) {
                VaultJob *job = f->jobs[0];

                if (job->seed_done)
                        job->seed_done(job->userdata, CORE_PROOF_FAULT, NULL, 0, NULL, f->now);
                else if (job->match_done)
                        job->match_done(job->userdata, CORE_PROOF_FAULT, 0, f->now);
                else
                        job->done(job->userdata, CORE_PROOF_FAULT, NULL, 0, f->now);
                free(job);
                memmove(f->jobs, f->jobs + 1, --f->job_count * sizeof(f->jobs[0]));
        }
}

void fixture_vault_operations(Fixture *f, CoreVault *ret) {
        *ret = (CoreVault){
                .userdata = f,
                .verify = vault_verify,
                .hash = vault_hash,
                .import = vault_import,
                .spend = vault_spend,
                .ready = vault_ready,
                .seed = vault_seed,
                .otp = vault_otp,
                .code_hash = vault_code_hash,
                .code_verify = vault_code_verify,
                .compare = vault_compare,
        };
}
