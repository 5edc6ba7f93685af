/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Changes of second factors that wait for the vault: a seed for a new one, a code that proves it,
 * hashes of recovery codes.  A job owns copies of all it was given; when the vault has answered,
 * everything is read again and checked again, and what was made for a number that is taken by now
 * is a conflict, never stored. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "umd/core/second.h"

typedef struct FactorJob {
        struct FactorJob *prev, *next;
        Core *core;
        VaultCall *call;
        CorePeer peer;
        CoreOptions options;
        char *reason;
        char name[BASE_NAME_MAX + 1];
        uid_t uid;
        uint64_t new_version; /* what the vault binds to it */
        /* enrol */
        PolicyMethod method;
        CoreSeedForm form;
        char label[CORE_LABEL_MAX + 1];
        TokenMade *made; /* FIDO2 */
        /* confirm */
        uint32_t number;
        StoreVerifier tried; /* ours */
        uint64_t step;
        /* confirm, recovery */
        Secret *codes;
        CoreEnrolDone enrol_done;
        CoreCodesDone codes_done;
        void *userdata;
} FactorJob;

static FactorJob *job_free(FactorJob *job) {
        if (!job)
                return NULL;
        core_vault_give_up(job->call);
        if (job->prev)
                job->prev->next = job->next;
        else if (job->core->factor_jobs == job)
                job->core->factor_jobs = job->next;
        if (job->next)
                job->next->prev = job->prev;
        base_secret_free(job->codes);
        core_verifier_done(&job->tried);
        free(job->made);
        free(job->reason);
        free(job);
        return NULL;
}

static void job_freep(FactorJob **job) {
        *job = job_free(*job);
}

#define _cleanup_job_ _cleanup_(job_freep)

void core_factor_jobs_free(Core *core) {
        while (core->factor_jobs)
                job_free(core->factor_jobs);
}

static int job_new(Core *core, const CorePeer *peer, const CoreOptions *options, void *userdata,
                   FactorJob **ret) {
        _cleanup_job_ FactorJob *job = calloc(1, sizeof(*job));

        if (!job)
                return -ENOMEM;
        job->core = core;
        job->peer = *peer;
        job->peer.actor.via = strcmp(peer->actor.via, "bus") == 0 ? "bus" : "socket";
        job->options = *options;
        job->userdata = userdata;
        job->next = core->factor_jobs;
        if (core->factor_jobs)
                core->factor_jobs->prev = job;
        core->factor_jobs = job;
        job->reason = strdup(options->reason);
        if (!job->reason)
                return -ENOMEM;
        job->options.reason = job->reason;
        *ret = TAKE(job);
        return 0;
}

/* ---- beginning ---------------------------------------------------------------------------- */

/* The user, who has to be the caller. */
static int job_load(FactorJob *job, const char *name, uint64_t now_usec, FactorOwner *ret,
                    CoreError *error) {
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        CoreError faults = { 0 };
        int r;

        *error = (CoreError){ 0 };
        core_note_time(job->core, now_usec);
        core_check_text("reason", FIELD_LINE, job->reason, &faults);
        if (faults.outcome != CORE_DONE) {
                *error = faults;
                return (int)faults.outcome;
        }
        r = store_begin_read(job->core->store, &txn);
        if (r == 0)
                r = core_factors_load(job->core, txn, name, ret, error);
        if (r == 0)
                r = core_factors_check_self(&job->peer, ret->user, error);
        if (r == 0 && ret->user->service)
                r = core_service_refuse_secret(ret->user->name, error);
        if (r == 0)
                r = core_check_version(&job->options, ret->user->name, ret->user->version, error);
        if (r != 0)
                return r;
        job->uid = ret->user->uid;
        snprintf(job->name, sizeof(job->name), "%s", ret->user->name);
        job->new_version = ret->credential->verifier_version + 1;
        return 0;
}

/* The same with the vault's answer, within the change. */
static int job_reload(const FactorJob *job, Change *change, uint64_t now_usec, FactorOwner *ret,
                      CoreError *error) {
        int r;

        r = core_change_begin(change, job->core, &job->peer.actor, &job->options, now_usec, error);
        if (r == 0)
                r = core_factors_load(job->core, change->txn, job->name, ret, error);
        if (r == 0 && (ret->user->uid != job->uid ||
                       ret->credential->verifier_version + 1 != job->new_version))
                return core_fail(error, CORE_E_CONFLICT,
                                 "%s: password or factors were changed meanwhile: try again",
                                 job->name);
        return r;
}

static int job_commit(Change *change, const FactorOwner *owner, const char *verb, CoreChange *ret) {
        return core_change_commit(change, verb, "user", owner->user->name, owner->user->uid,
                                  owner->user->version, ret);
}

/* ---- a new one ---------------------------------------------------------------------------- */

static int method_read(const char *name, PolicyMethod *ret, CoreError *error) {
        static const PolicyMethod methods[] = { POLICY_METHOD_TOTP, POLICY_METHOD_HOTP,
                                                POLICY_METHOD_FIDO2 };

        for (size_t i = 0; i < ARRAY_LENGTH(methods); i++)
                if (strcmp(core_method_name(methods[i]), name) == 0) {
                        *ret = methods[i];
                        return 0;
                }
        return core_fail(error, CORE_E_BAD_VALUE, "method: \"%s\": must be totp, hotp or fido2",
                         core_quote(name).text);
}

/* What the codes of an app are made by. */
static int form_check(PolicyMethod method, const CoreSeedForm *form, CoreError *error) {
        bool totp = method == POLICY_METHOD_TOTP;

        if (method == POLICY_METHOD_FIDO2)
                return form->algorithm == CORE_ALGORITHM_SHA1 && form->digits == DIGITS_DEFAULT &&
                                       form->period_sec == 0
                               ? 0
                               : core_fail(error, CORE_E_BAD_VALUE,
                                           "algorithm, digits, period: are not a security key's");
        if ((unsigned int)form->algorithm >= _CORE_ALGORITHM_MAX)
                return core_fail(error, CORE_E_BAD_VALUE,
                                 "algorithm: must be sha1, sha256 or sha512");
        if (form->digits < 6 || form->digits > 8)
                return core_fail(error, CORE_E_BAD_VALUE, "digits: must be 6 to 8");
        if (totp ? form->period_sec < 15 || form->period_sec > 120 : form->period_sec != 0)
                return core_fail(error, CORE_E_BAD_VALUE,
                                 totp ? "period: must be 15 to 120 seconds"
                                      : "period: is not a HOTP's");
        return 0;
}

static int spec_read(FactorJob *job, const CoreFactorSpec *spec, CoreError *error) {
        CoreError faults = { 0 };
        int r = method_read(spec->method, &job->method, error);

        if (r == 0)
                r = form_check(job->method, &spec->form, error);
        if (r != 0)
                return r;
        core_check_text("label", FIELD_LINE, spec->label, &faults);
        if (faults.outcome == CORE_DONE && strlen(spec->label) > CORE_LABEL_MAX)
                return core_fail(error, CORE_E_BAD_VALUE, "label: may have at most %u bytes",
                                 CORE_LABEL_MAX);
        if (faults.outcome != CORE_DONE) {
                *error = faults;
                return (int)faults.outcome;
        }
        if (job->method != POLICY_METHOD_FIDO2)
                job->form = spec->form;
        snprintf(job->label, sizeof(job->label), "%s", spec->label);
        return 0;
}

/* One row is kept for recovery codes. */
static int check_room(const FactorOwner *owner, CoreError *error) {
        size_t count = 0;

        for (size_t i = 0; i < owner->factors.count; i++)
                count += owner->factors.list[i]->active;
        if (count + 1 >= STORE_FACTORS_MAX)
                return core_fail(error, CORE_E_POLICY_REFUSED, "%s: has %zu factors: no more",
                                 owner->user->name, count);
        return 0;
}

/* Those that wait for a code: the new one is in their place. */
static int drop_pending(Change *change, FactorOwner *owner) {
        int r = 0;

        for (size_t i = 0; r == 0 && i < owner->factors.count; i++)
                if (!owner->factors.list[i]->active)
                        r = store_factor_delete(change->txn, owner->user->uid,
                                                owner->factors.list[i]->number);
        return r > 0 ? -EUCLEAN : r;
}

static void token_fill(const TokenMade *made, StoreFactor *factor) {
        factor->credential = made->id;
        factor->credential_len = made->id_len;
        factor->aaguid = made->aaguid;
        factor->aaguid_len = sizeof(made->aaguid);
        factor->verifies = made->verified;
        factor->next = made->counter > 0 ? (uint64_t)made->counter + 1 : 0;
}

static int enrol_store(FactorJob *job, const StoreVerifier *sealed, uint64_t now_usec,
                       CoreChange *ret, CoreError *error) {
        StoreFactor factor = { .uid = job->uid,
                               .method = job->method,
                               .label = job->label,
                               .sealed = *sealed,
                               .algorithm = job->form.algorithm,
                               .digits = job->form.digits,
                               .period_seconds = job->form.period_sec };
        _cleanup_factor_owner_ FactorOwner owner = { 0 };
        _cleanup_change_ Change change = { 0 };
        int r;

        if (job->made)
                token_fill(job->made, &factor);
        r = job_reload(job, &change, now_usec, &owner, error);
        if (r == 0)
                r = drop_pending(&change, &owner);
        if (r == 0)
                r = core_factor_add(&change, owner.credential, &factor);
        if (r == 0)
                r = core_factor_note(&change, owner.user, NULL, &factor);
        if (r != 0)
                return r;
        job->number = factor.number;
        return job_commit(&change, &owner, "user.factor-enrol", ret);
}

static void seeded(void *userdata, CoreProofResult result, const void *sealed, size_t len,
                   const Secret *text, uint64_t now_usec) {
        _cleanup_job_ FactorJob *job = userdata;
        const StoreVerifier made = { sealed, len, job->new_version };
        _cleanup_secret_ Secret *uri = NULL;
        CoreError error = { 0 };
        CoreChange change = { 0 };
        int r;

        job->call = NULL;
        if (result != CORE_PROOF_MATCH || len == 0 || !text)
                r = core_vault_fail(CORE_PROOF_FAULT, &error);
        else
                r = core_otpauth_uri(job->core, job->name, job->method, &job->form, text, &uri);
        if (r == 0)
                r = enrol_store(job, &made, now_usec, &change, &error);
        job->enrol_done(job->userdata, r, job->number,
                        r == 0 && !job->options.dry_run ? text : NULL,
                        r == 0 && !job->options.dry_run ? uri : NULL, &change, &error);
}

/* A security key needs no seed: what it made came with the login that proved the person. */
static int enrol_token(FactorJob *job, uint64_t now_usec, CoreError *error) {
        StoreVerifier key;
        CoreChange change = { 0 };
        int r;

        if (!job->made)
                return core_fail(error, CORE_E_POLICY_REFUSED,
                                 "%s: a security key is enrolled in a login of its own", job->name);
        key = (StoreVerifier){ job->made->key, sizeof(job->made->key), job->new_version };
        r = enrol_store(job, &key, now_usec, &change, error);
        if (r == 0)
                job->enrol_done(job->userdata, 0, job->number, NULL, NULL, &change, error);
        return r;
}

int core_factor_enrol(Core *core, const CorePeer *peer, const char *name,
                      const CoreFactorSpec *spec, const char *login, const CoreOptions *options,
                      uint64_t now_usec, CoreEnrolDone done, void *userdata, CoreError *error) {
        _cleanup_factor_owner_ FactorOwner owner = { 0 };
        _cleanup_job_ FactorJob *job = NULL;
        Proof *proof = NULL;
        int r;

        r = job_new(core, peer, options, userdata, &job);
        if (r < 0)
                return r;
        job->enrol_done = done;
        r = job_load(job, name, now_usec, &owner, error);
        if (r == 0)
                r = spec_read(job, spec, error);
        if (r == 0 && !core_method_permitted(&owner.values, job->method))
                return core_fail(error, CORE_E_POLICY_REFUSED,
                                 "%s: is not among the methods permitted (factor.methods)",
                                 core_method_name(job->method));
        if (r == 0)
                r = check_room(&owner, error);
        if (r == 0)
                r = core_factors_check_proof(core, peer, &owner, login, now_usec, &proof, error);
        if (r == 0 && job->method == POLICY_METHOD_FIDO2) {
                job->made = TAKE(proof->made);
                return enrol_token(job, now_usec, error);
        }
        if (r != 0)
                return r;
        r = core_vault_seed(core, job->uid, core_method_kind(job->method), &job->form,
                            job->new_version, NULL, seeded, job, &job->call);
        if (r < 0)
                return core_vault_refuse(r, error);
        (void)TAKE(job); /* the answer frees it */
        return 0;
}

/* ---- recovery codes ----------------------------------------------------------------------- */

static int codes_store(FactorJob *job, const void *hashes, size_t len, uint64_t now_usec,
                       CoreChange *ret, CoreError *error);

static void codes_answer(FactorJob *job, int r, const CoreChange *change, const CoreError *error) {
        job->codes_done(job->userdata, r, r == 0 && !job->options.dry_run ? job->codes : NULL,
                        change, error);
}

static void hashed(void *userdata, CoreProofResult result, const void *hashes, size_t len,
                   uint64_t now_usec) {
        _cleanup_job_ FactorJob *job = userdata;
        CoreError error = { 0 };
        CoreChange change = { 0 };
        int r;

        job->call = NULL;
        if (result != CORE_PROOF_MATCH || len == 0)
                r = core_vault_fail(CORE_PROOF_FAULT, &error);
        else
                r = codes_store(job, hashes, len, now_usec, &change, &error);
        codes_answer(job, r, &change, &error);
}

/* Takes the job where it returns 0. */
static int codes_make(FactorJob *job) {
        VaultRequest request = { .uid = job->uid,
                                 .kind = CORE_KIND_RECOVERY_CODE,
                                 .new_version = job->new_version };
        int r = core_recovery_new(&job->codes);

        if (r < 0)
                return r;
        request.secret = job->codes;
        return core_vault_call(job->core, VAULT_VERB_CODE_HASH, &request, hashed, job, &job->call);
}

int core_recovery_create(Core *core, const CorePeer *peer, const char *name, const char *login,
                         const CoreOptions *options, uint64_t now_usec, CoreCodesDone done,
                         void *userdata, CoreError *error) {
        _cleanup_factor_owner_ FactorOwner owner = { 0 };
        _cleanup_job_ FactorJob *job = NULL;
        int r;

        r = job_new(core, peer, options, userdata, &job);
        if (r < 0)
                return r;
        job->codes_done = done;
        r = job_load(job, name, now_usec, &owner, error);
        if (r != 0)
                return r;
        if (!core_factors_any(&owner.factors))
                return core_fail(error, CORE_E_POLICY_REFUSED,
                                 "%s: has no factor that recovery codes could stand for", name);
        if (!core_method_permitted(&owner.values, POLICY_METHOD_RECOVERY))
                return core_fail(error, CORE_E_POLICY_REFUSED,
                                 "recovery: is not among the methods permitted (factor.methods)");
        r = core_factors_check_proof(core, peer, &owner, login, now_usec, NULL, error);
        if (r != 0)
                return r;
        r = codes_make(job);
        if (r < 0)
                return core_vault_refuse(r, error);
        (void)TAKE(job);
        return 0;
}

/* ---- its first code ----------------------------------------------------------------------- */

/* The factor is the one the code was of, and nothing else happened to it. */
static int confirm_factor(const FactorJob *job, Change *change, const FactorOwner *owner,
                          CoreError *error) {
        const StoreFactor *found = core_factor_find(&owner->factors, job->number);
        StoreFactor factor;
        int r;

        if (!found || !core_factor_waits(found, change->now_usec) ||
            !core_verifier_same(&found->sealed, &job->tried))
                return core_fail(error, CORE_E_CONFLICT,
                                 "%s: factor %u was changed meanwhile: enrol again", job->name,
                                 job->number);
        factor = *found;
        factor.active = true;
        if (factor.method != POLICY_METHOD_FIDO2)
                factor.next = job->step + 1;
        factor.last_used_usec = change->now_usec;
        r = store_factor_put(change->txn, &factor);
        if (r == 0)
                r = core_factor_note(change, owner->user, NULL, &factor);
        return r > 0 ? -EUCLEAN : r;
}

static int codes_store(FactorJob *job, const void *hashes, size_t len, uint64_t now_usec,
                       CoreChange *ret, CoreError *error) {
        _cleanup_factor_owner_ FactorOwner owner = { 0 };
        _cleanup_change_ Change change = { 0 };
        int r;

        r = job_reload(job, &change, now_usec, &owner, error);
        if (r == 0 && job->number != 0)
                r = confirm_factor(job, &change, &owner, error);
        if (r == 0)
                r = len > 0 ? core_recovery_put(&change, owner.credential, &owner.factors, hashes,
                                                len)
                            : core_credential_move_on(&change, owner.credential);
        if (r == 0)
                r = core_change_news(&change, CORE_OBJECT_USER, CORE_NEWS_CHANGED, owner.user->uid,
                                     owner.user->name, NULL);
        if (r != 0)
                return r;
        return job_commit(&change, &owner,
                          job->number != 0 ? "user.factor-confirm" : "user.recovery-codes", ret);
}

/* Are recovery codes made with it? */
static int wants_codes(const FactorJob *job, bool *ret) {
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        _cleanup_factor_owner_ FactorOwner owner = { 0 };
        CoreError error = { 0 };
        int r;

        r = store_begin_read(job->core->store, &txn);
        if (r == 0)
                r = core_factors_load(job->core, txn, job->name, &owner, &error);
        if (r != 0)
                return r;
        *ret = core_recovery_left(&owner.factors) < 0 &&
               core_method_permitted(&owner.values, POLICY_METHOD_RECOVERY);
        return 0;
}

/* It is proved: recovery codes first, if there are to be any. */
static int confirm_proved(FactorJob *job, uint64_t now_usec, CoreChange *ret, bool *ret_waits,
                          CoreError *error) {
        bool codes = false;
        int r = wants_codes(job, &codes);

        if (r != 0)
                return r;
        if (!codes)
                return codes_store(job, NULL, 0, now_usec, ret, error);
        r = codes_make(job);
        *ret_waits = r == 0;
        return r < 0 ? core_vault_refuse(r, error) : 0;
}

static int confirm_answer(FactorJob *job, CoreProofResult result, uint64_t step, uint64_t now_usec,
                          CoreChange *ret, bool *ret_waits, CoreError *error) {
        if (result == CORE_PROOF_NO_MATCH || result == CORE_PROOF_USED ||
            (result == CORE_PROOF_MATCH && step == UINT64_MAX))
                return core_fail(error, CORE_E_BAD_VALUE, "code: is not the code of factor %u",
                                 job->number);
        if (result == CORE_PROOF_THROTTLED)
                return core_fail(error, CORE_E_BUSY, "too many wrong codes: try again later");
        if (result != CORE_PROOF_MATCH)
                return core_vault_fail(result, error);
        job->step = step;
        return confirm_proved(job, now_usec, ret, ret_waits, error);
}

static void guessed(void *userdata, CoreProofResult result, uint64_t step, uint64_t now_usec) {
        _cleanup_job_ FactorJob *job = userdata;
        CoreError error = { 0 };
        CoreChange change = { 0 };
        bool waits = false;
        int r;

        job->call = NULL;
        r = confirm_answer(job, result, step, now_usec, &change, &waits, &error);
        if (waits)
                (void)TAKE(job);
        else
                codes_answer(job, r, &change, &error);
}

/* The key proved itself when it was made: there is no code of it. */
static int confirm_token(FactorJob *job, const Secret *code, uint64_t now_usec, bool *ret_waits,
                         CoreError *error) {
        CoreChange change = { 0 };
        int r;

        if (base_secret_len(code) > 0)
                return core_fail(error, CORE_E_BAD_VALUE, "code: a security key has none");
        r = confirm_proved(job, now_usec, &change, ret_waits, error);
        if (r == 0 && !*ret_waits)
                codes_answer(job, 0, &change, error);
        return r;
}

int core_factor_confirm(Core *core, const CorePeer *peer, const char *name, uint32_t number,
                        const Secret *code, const CoreOptions *options, uint64_t now_usec,
                        CoreCodesDone done, void *userdata, CoreError *error) {
        _cleanup_factor_owner_ FactorOwner owner = { 0 };
        _cleanup_secret_ Secret *read = NULL;
        _cleanup_job_ FactorJob *job = NULL;
        const StoreFactor *factor;
        bool waits = false;
        VaultGuess guess;
        CodeForm form;
        CoreOtp otp;
        int r;

        r = job_new(core, peer, options, userdata, &job);
        if (r < 0)
                return r;
        job->codes_done = done;
        r = job_load(job, name, now_usec, &owner, error);
        if (r != 0)
                return r;
        factor = core_factor_find(&owner.factors, number);
        if (!factor || !core_factor_waits(factor, now_usec))
                return core_fail(error, CORE_E_NO_SUCH_ENTRY,
                                 "%s: no factor %u waits for its first code", name, number);
        r = core_verifier_keep(&factor->sealed, &job->tried);
        job->number = number;
        if (r == 0 && factor->method == POLICY_METHOD_FIDO2) {
                r = confirm_token(job, code, now_usec, &waits, error);
                if (waits)
                        (void)TAKE(job);
                return r;
        }
        if (r == 0)
                r = core_code_read(code, &form, &read);
        if (r < 0)
                return r;
        if (form != CODE_DIGITS)
                return core_fail(error, CORE_E_BAD_VALUE, "code: must be 6 to 8 digits");
        if (factor->method == POLICY_METHOD_TOTP && now_usec < CLOCK_EARLIEST_USEC)
                return core_fail(error, CORE_E_UNAVAILABLE,
                                 "the clock of this host is not set: no code can be checked");
        otp = core_otp_of(factor, form, now_usec);
        guess = (VaultGuess){ .uid = job->uid,
                              .from = CORE_FROM_KNOWN,
                              .kind = core_method_kind(factor->method),
                              .verifier = &job->tried,
                              .otp = &otp,
                              .code = read };
        r = core_vault_guess(core, &guess, guessed, job, &job->call);
        if (r < 0)
                return core_vault_refuse(r, error);
        (void)TAKE(job);
        return 0;
}
