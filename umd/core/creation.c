/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Making an account together with its first credential (FEATURES G1): all of it in one change, or
 * none of it.
 *
 * A verifier is bound to the uid, so the uid is found first, by a creation that is let go again,
 * and set aside while the vault works: nobody else is given it meanwhile.  What was free then is
 * checked again when the verifier comes. */

#include <errno.h>
#include <string.h>

#include "umd/core/internal.h"
#include "umd/core/job.h"
#include "umd/core/login.h"

/* All checks of the creation, and the uid it would give. */
static int uid_find(Job *job, uint64_t now_usec, CoreError *error) {
        _cleanup_change_ Change change = { 0 };
        int r = core_change_begin(&change, job->core, &job->actor, &job->options, now_usec, error);

        if (r == 0)
                r = core_user_make(&change, &job->spec, &job->uid, error);
        return r;
}

static int creation_store(Job *job, const StoreVerifier *verifier, uint64_t now_usec,
                          CoreChange *ret, CoreError *error) {
        _cleanup_change_ Change change = { 0 };
        StoreCredential credential = { .uid = job->uid, .password_expires_usec = USEC_INFINITY };
        uid_t uid;
        int r;

        job->spec.has_uid = true;
        job->spec.uid = job->uid;
        r = core_change_begin(&change, job->core, &job->actor, &job->options, now_usec, error);
        if (r == 0)
                r = core_user_make(&change, &job->spec, &uid, error);
        if (r != 0)
                return r;
        if (job->code)
                r = core_credential_set_code(&change, &credential, verifier, job->expires_usec);
        else
                r = core_credential_set_password(&change, &credential, verifier,
                                                 job->password.must_change,
                                                 job->password.expires_usec);
        if (r < 0)
                return r;
        return core_change_commit(&change, "user.create", "user", job->spec.text[USER_FIELD_NAME],
                                  uid, 1, ret);
}

static void creation_answer(void *owner, CoreProofResult result, const void *bytes, size_t len,
                            uint64_t now_usec) {
        _cleanup_(core_job_freep) Job *job = owner;
        StoreVerifier verifier = { bytes, len, job->new_version };
        CoreChange change = { 0 };
        CoreError error = { 0 };
        int r;

        job->call = NULL;
        if (result != CORE_PROOF_MATCH || len == 0)
                r = core_vault_fail(result, &error);
        else
                r = creation_store(job, &verifier, now_usec, &change, &error);
        core_job_tell(job, r, &change, &error);
}

/* What is asked of um-quality and the vault, after all checks. */
static int job_prepare(Job *job, const UserSpec *spec, const Secret *secret, uint64_t now_usec,
                       CoreError *error) {
        int r = core_job_take_spec(job, spec);

        if (r == 0 && core_spec_is_service(spec))
                r = core_service_refuse_secret(spec->text[USER_FIELD_NAME], error);
        if (r == 0)
                r = uid_find(job, now_usec, error);
        if (r == 0 && secret)
                r = core_check_secret(secret, error);
        if (r == 0 && secret)
                r = core_secret_copy(secret, &job->fresh);
        if (r == 0 && !secret)
                r = core_setup_code_new(&job->code);
        return r;
}

int core_user_create_with_password(Core *core, const Actor *actor, const UserSpec *spec,
                                   const Secret *secret, const CorePasswordOptions *password,
                                   const CoreOptions *options, uint64_t now_usec,
                                   CoreCreateDone done, void *userdata, CoreError *error) {
        _cleanup_(core_job_freep) Job *job = NULL;
        int r;

        *error = (CoreError){ 0 };
        r = core_job_new(core, actor, options, &job);
        if (r < 0)
                return r;
        job->password = *password;
        job->new_version = 1;
        job->create_done = done;
        job->userdata = userdata;
        r = job_prepare(job, spec, secret, now_usec, error);
        if (r == 0)
                r = core_job_code_expires(job, now_usec);
        if (r != 0)
                return r;
        job->hashed = creation_answer;
        r = core_job_start(job, spec->text[USER_FIELD_NAME], spec->text[USER_FIELD_FULL_NAME],
                           spec->text[USER_FIELD_EMAIL], error);
        if (r == 0)
                (void)TAKE(job); /* the answer frees it */
        return r;
}
