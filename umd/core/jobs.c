/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The changes that wait for um-quality and the vault.  A job owns copies of all it was given: the
 * message it came with is gone when the answer comes.  Freeing one gives up its call, whose answer
 * is then dropped. */

#include <errno.h>
#include <string.h>

#include "umd/core/internal.h"
#include "umd/core/job.h"

Job *core_job_free(Job *job) {
        if (!job)
                return NULL;
        core_vault_give_up(job->call);
        if (job->prev)
                job->prev->next = job->next;
        else if (job->core->jobs == job)
                job->core->jobs = job->next;
        if (job->next)
                job->next->prev = job->prev;
        base_secret_free(job->fresh);
        base_secret_free(job->code);
        core_past_free(job->past);
        core_texts_done(&job->spec_texts);
        free(job->spec_attributes);
        free(job->reason);
        free(job);
        return NULL;
}

void core_jobs_free(Core *core) {
        while (core->jobs)
                core_job_free(core->jobs);
}

bool core_jobs_hold_id(const Core *core, uint32_t id) {
        for (const Job *job = core->jobs; job; job = job->next)
                if (job->creates && job->uid == id)
                        return true;
        return false;
}

int core_job_new(Core *core, const Actor *actor, const CoreOptions *options, Job **ret) {
        Job *job = calloc(1, sizeof(*job));

        if (!job)
                return -ENOMEM;
        job->core = core;
        job->actor = *actor;
        job->actor.via = strcmp(actor->via, "bus") == 0 ? "bus" : "socket";
        job->options = *options;
        job->reason = strdup(options->reason);
        job->options.reason = job->reason;
        job->next = core->jobs;
        if (core->jobs)
                core->jobs->prev = job;
        core->jobs = job;
        if (!job->reason) {
                core_job_free(job);
                return -ENOMEM;
        }
        *ret = job;
        return 0;
}

static int text_take(Job *job, const char **text) {
        int r;

        if (!*text)
                return 0;
        r = core_texts_add(&job->spec_texts, *text);
        if (r == 0)
                *text = job->spec_texts.list[job->spec_texts.count - 1];
        return r;
}

static int attributes_take(Job *job, const UserSpec *spec) {
        int r = 0;

        job->spec_attributes = calloc(spec->attribute_count + 1, sizeof(*job->spec_attributes));
        if (!job->spec_attributes)
                return -ENOMEM;
        job->spec.attributes = job->spec_attributes;
        for (size_t i = 0; i < spec->attribute_count && r == 0; i++) {
                job->spec_attributes[i] = spec->attributes[i];
                r = text_take(job, &job->spec_attributes[i].name);
                if (r == 0)
                        r = text_take(job, &job->spec_attributes[i].value);
        }
        return r;
}

int core_job_take_spec(Job *job, const UserSpec *spec) {
        int r = 0;

        job->spec = *spec;
        job->creates = true;
        for (UserField f = 0; f < _USER_FIELD_TEXT_MAX && r == 0; f++)
                r = text_take(job, &job->spec.text[f]);
        if (r == 0)
                r = text_take(job, &job->spec.kind);
        if (r == 0)
                r = text_take(job, &job->spec.tenant);
        if (r == 0)
                r = text_take(job, &job->spec.role);
        return r == 0 ? attributes_take(job, spec) : r;
}

int core_job_code_expires(Job *job, uint64_t now_usec) {
        PolicyValues values;
        int r;

        if (!job->code)
                return 0;
        r = core_policy_values_now(job->core, job->uid, &values);
        if (r < 0)
                return r;
        job->expires_usec = core_later(now_usec, values.setup_code_ttl_usec);
        return 0;
}

/* ---- checking and hashing ----------------------------------------------------------------- */

void core_job_tell(Job *job, int r, const CoreChange *change, const CoreError *error) {
        const Secret *code = r == 0 ? job->code : NULL;

        if (job->create_done)
                job->create_done(job->userdata, r, job->spec.text[USER_FIELD_NAME],
                                 job->options.dry_run ? NULL : code,
                                 job->code ? job->expires_usec : 0, change, error);
        else if (job->code_done)
                job->code_done(job->userdata, r, code, job->expires_usec, change, error);
        else
                job->done(job->userdata, r, change, error);
}

static int job_hash(Job *job, CoreError *error) {
        VaultRequest request = { .uid = job->uid,
                                 .kind = job->code ? CORE_KIND_SETUP_CODE : CORE_KIND_PASSWORD,
                                 .new_version = job->new_version,
                                 .secret = job->code ? job->code : job->fresh };
        bool import = !job->code && job->password.is_hash;
        int r = core_vault_call(job->core, import ? VAULT_VERB_IMPORT : VAULT_VERB_HASH, &request,
                                job->hashed, job, &job->call);

        return r < 0 ? core_vault_refuse(r, error) : 0;
}

static void job_compared(void *owner, CoreProofResult result, const void *verifier, size_t len,
                         uint64_t now_usec);

/* Asks about the next password that the new one may not be, or has it hashed. */
static int job_compare(Job *job, CoreError *error) {
        int r = core_past_ask(job->core, job->past, job->uid, false, job->fresh, job_compared, job,
                              &job->call);

        if (r < 0)
                return core_vault_refuse(r, error);
        return r > 0 ? 0 : job_hash(job, error);
}

static void job_compared(void *owner, CoreProofResult result, const void *verifier, size_t len,
                         uint64_t now_usec) {
        _cleanup_(core_job_freep) Job *job = owner;
        char what[CORE_PAST_TEXT_BYTES];
        CoreChange change = { 0 };
        CoreError error = { 0 };
        int r;

        job->call = NULL;
        if (result == CORE_PROOF_NO_MATCH)
                r = job_compare(job, &error);
        else if (result == CORE_PROOF_MATCH) {
                core_past_text(job->past, what);
                r = core_fail(&error, CORE_E_POLICY_REFUSED, "password: must %s", what);
        } else if (result == CORE_PROOF_THROTTLED)
                r = core_fail(&error, CORE_E_BUSY,
                              "too many passwords were tried for this user: try again in a minute");
        else
                r = core_vault_fail(result, &error);
        if (r != 0)
                core_job_tell(job, r, &change, &error);
        else
                (void)TAKE(job); /* the next answer frees it */
}

/* Root may set the present one again where no history is kept: it tells nobody anything. */
static int job_past_load(Job *job) {
        _cleanup_(store_credential_freep) StoreCredential *credential = NULL;
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        PolicyValues values;
        int r;

        if (job->creates)
                return 0;
        r = store_begin_read(job->core->store, &txn);
        if (r == 0)
                r = core_policy_values(job->core, txn, job->uid, &values);
        if (r == 0)
                r = core_credential_load(txn, job->uid, &credential);
        if (r == 0)
                r = core_past_load(txn, credential, values.password_history > 0,
                                   values.password_history, &job->past);
        return r;
}

static void job_checked(void *owner, const CoreQualityAnswer *answer, uint64_t now_usec) {
        _cleanup_(core_job_freep) Job *job = owner;
        CoreChange change = { 0 };
        CoreError error = { 0 };
        int r = 0;

        job->call = NULL;
        if (!answer || answer->failed != 0)
                r = core_quality_fail(&job->rules, answer, &error);
        if (r == 0)
                r = job_past_load(job);
        if (r == 0)
                r = job_compare(job, &error);
        if (r != 0)
                core_job_tell(job, r, &change, &error);
        else
                (void)TAKE(job); /* the vault's answer frees it */
}

int core_job_start(Job *job, const char *name, const char *full_name, const char *email,
                   CoreError *error) {
        CoreQualityRequest request = {
                .password = job->fresh, .name = name, .full_name = full_name, .email = email
        };
        PolicyValues values;
        int r;

        if (job->core->vault_key_wrong) /* known now: nobody has to wait for it */
                return core_vault_refuse(-EKEYREJECTED, error);
        if (job->code || job->password.is_hash)
                return job_hash(job, error);
        r = core_policy_values_now(job->core, job->uid, &values);
        if (r < 0)
                return r;
        core_quality_rules(&values, &job->rules);
        request.rules = job->rules;
        if (core_quality_call(job->core, &request, job_checked, job, &job->call) < 0)
                return core_quality_fail(&job->rules, NULL, error);
        return 0;
}
