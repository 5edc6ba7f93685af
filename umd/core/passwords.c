/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Passwords and setup codes as an admin gives them.  um-quality checks and the vault hashes while
 * umd goes on, so a job keeps what was asked for; when the verifier comes, everything is read again
 * and checked again, and a credential that changed meanwhile is a conflict, never overwritten.
 *
 * A verifier is bound to a number that rises with each: the one it was asked for has to be free
 * still.  A code is shown once, in the Secret handed to done, and stored as a verifier only. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "umd/core/history.h"
#include "umd/core/holders.h"
#include "umd/core/internal.h"
#include "umd/core/job.h"
#include "umd/core/login.h"
#include "umd/core/undo.h"

/* ---- what is stored ----------------------------------------------------------------------- */

int core_credential_set_password(Change *change, StoreCredential *credential,
                                 const StoreVerifier *verifier, bool must_change,
                                 uint64_t expires_usec) {
        bool had_code = credential->setup_code.len > 0;
        int r;

        /* a new password is not born expired */
        if (expires_usec == 0 && credential->password_expires_usec <= change->now_usec)
                expires_usec = USEC_INFINITY;
        r = core_change_value_secret(change, "password", credential->password.len > 0, true);
        if (r == 0 && had_code)
                r = core_change_value_secret(change, "setup_code", true, false);
        if (r == 0)
                r = core_change_value_bool(change, "must_change", credential->must_change,
                                           must_change);
        if (r == 0 && expires_usec != 0)
                r = core_change_value_time(change, "password_expires",
                                           credential->password_expires_usec, expires_usec);
        if (r == 0)
                r = core_history_push(change, credential);
        if (r == 0)
                r = core_note_never(change, credential->uid, NEVER_PASSWORD);
        if (r < 0)
                return r;
        credential->password = *verifier;
        credential->verifier_version = verifier->version;
        credential->password_changed_usec = change->now_usec;
        credential->must_change = must_change;
        credential->grace_used = 0;
        if (expires_usec != 0)
                credential->password_expires_usec = expires_usec;
        credential->setup_code = (StoreVerifier){ 0 };
        credential->setup_code_expires_usec = 0;
        r = store_credential_put(change->txn, credential);
        return r > 0 ? -EUCLEAN : r;
}

int core_credential_set_code(Change *change, StoreCredential *credential,
                             const StoreVerifier *verifier, uint64_t expires_usec) {
        int r;

        r = core_change_value_secret(change, "setup_code", credential->setup_code.len > 0, true);
        if (r == 0)
                r = core_change_value_time(change, "setup_code_expires",
                                           credential->setup_code_expires_usec, expires_usec);
        if (r == 0)
                r = core_note_never(change, credential->uid, NEVER_SETUP_CODE);
        if (r < 0)
                return r;
        credential->setup_code = *verifier;
        credential->verifier_version = verifier->version;
        credential->setup_code_expires_usec = expires_usec;
        r = store_credential_put(change->txn, credential);
        return r > 0 ? -EUCLEAN : r;
}

/* The face has asked for the permission, and the vault's work took its time since: whoever lost it
 * meanwhile, or is beneath the user now, sets nothing any more. */
static int job_ask(Change *change, const StoreUser *user, CoreError *error) {
        int r = core_change_may(change, PERMISSION_USER_PASSWORD_RESET, user, error);

        return r != 0 ? r : core_actor_covers_account(change, user, error);
}

/* The user and his credential as they are now, still fit for the job. */
static int job_load(const Job *job, Change *change, StoreUser **ret_user,
                    StoreCredential **ret_credential, CoreError *error) {
        int r;

        r = store_user_get(change->txn, job->uid, ret_user);
        if (r < 0)
                return r;
        if (r > 0 || (*ret_user)->status == USER_STATUS_DELETED)
                return core_fail(error, CORE_E_NO_SUCH_USER, "uid %u: no such user", job->uid);
        r = job_ask(change, *ret_user, error);
        if (r == 0)
                r = core_check_version(&job->options, (*ret_user)->name, (*ret_user)->version,
                                       error);
        if (r == 0)
                r = core_credential_load(change->txn, job->uid, ret_credential);
        if (r == 0 && (*ret_credential)->verifier_version + 1 != job->new_version)
                return core_fail(error, CORE_E_CONFLICT,
                                 "%s: the password was changed meanwhile: try again",
                                 (*ret_user)->name);
        return r;
}

static int job_store(Job *job, const StoreVerifier *verifier, uint64_t now_usec, CoreChange *ret,
                     CoreError *error) {
        _cleanup_change_ Change change = { 0 };
        _cleanup_(store_user_freep) StoreUser *user = NULL;
        _cleanup_(store_credential_freep) StoreCredential *credential = NULL;
        int r;

        r = core_change_begin(&change, job->core, &job->actor, &job->options, now_usec, error);
        if (r == 0)
                r = job_load(job, &change, &user, &credential, error);
        if (r != 0)
                return r;
        if (job->code)
                r = core_credential_set_code(&change, credential, verifier, job->expires_usec);
        else
                r = core_credential_set_password(&change, credential, verifier,
                                                 job->password.must_change,
                                                 job->password.expires_usec);
        if (r == 0)
                r = core_change_news(&change, CORE_OBJECT_USER, CORE_NEWS_CHANGED, user->uid,
                                     user->name, NULL);
        if (r < 0)
                return r;
        return core_change_commit(&change, job->code ? "user.setup-code" : "user.password", "user",
                                  user->name, user->uid, user->version, ret);
}

static void job_answer(void *owner, CoreProofResult result, const void *verifier, size_t len,
                       uint64_t now_usec) {
        _cleanup_(core_job_freep) Job *job = owner;
        StoreVerifier made = { verifier, len, job->new_version };
        CoreError error = { 0 };
        CoreChange change = { 0 };
        int r;

        job->call = NULL;
        if (result != CORE_PROOF_MATCH || len == 0)
                r = core_vault_fail(result, &error);
        else
                r = job_store(job, &made, now_usec, &change, &error);
        core_job_tell(job, r, &change, &error);
}

/* ---- asking ------------------------------------------------------------------------------- */

int core_check_secret(const Secret *secret, CoreError *error) {
        const char *bytes = base_secret_bytes(secret);
        size_t len = base_secret_len(secret);

        if (len < 1 || len > BASE_PASSWORD_MAX)
                return core_fail(error, CORE_E_BAD_VALUE, "password: must have 1 to %u bytes",
                                 BASE_PASSWORD_MAX);
        if (memchr(bytes, '\0', len))
                return core_fail(error, CORE_E_BAD_VALUE, "password: may not have a NUL byte");
        return 0;
}

/* Checks what can be known before others work; the user, his uid and the verifier's number. */
static int job_check(Job *job, const char *name, uint64_t now_usec, StoreUser **ret_user,
                     CoreError *error) {
        _cleanup_change_ Change change = { 0 }; /* it is let go again */
        _cleanup_(store_user_freep) StoreUser *user = NULL;
        _cleanup_(store_credential_freep) StoreCredential *credential = NULL;
        int r;

        r = core_change_begin(&change, job->core, &job->actor, &job->options, now_usec, error);
        if (r == 0)
                r = core_user_load(job->core, change.txn, name, false, &user, error);
        if (r == 0 && user->service)
                r = core_service_refuse_secret(user->name, error);
        if (r == 0)
                r = core_check_version(&job->options, user->name, user->version, error);
        if (r == 0)
                r = job_ask(&change, user, error);
        if (r == 0 && job->fresh)
                r = core_check_secret(job->fresh, error);
        if (r == 0)
                r = core_credential_load(change.txn, user->uid, &credential);
        if (r != 0)
                return r;
        job->uid = user->uid;
        job->new_version = credential->verifier_version + 1;
        *ret_user = TAKE(user);
        return 0;
}

/* Sets the job going; done will be called, unless this is not 0. */
static int job_begin(Job **job, const char *name, uint64_t now_usec, CoreError *error) {
        _cleanup_(store_user_freep) StoreUser *user = NULL;
        int r = job_check(*job, name, now_usec, &user, error);

        if (r == 0)
                r = core_job_code_expires(*job, now_usec);
        if (r != 0)
                return r;
        (*job)->hashed = job_answer;
        r = core_job_start(*job, user->name, user->full_name, user->email, error);
        if (r == 0)
                (void)TAKE(*job); /* the answer frees it */
        return r;
}

int core_user_set_password(Core *core, const Actor *actor, const char *name, const Secret *secret,
                           const CorePasswordOptions *password, const CoreOptions *options,
                           uint64_t now_usec, CoreChangeDone done, void *userdata,
                           CoreError *error) {
        _cleanup_(core_job_freep) Job *job = NULL;
        int r;

        r = core_job_new(core, actor, options, &job);
        if (r < 0)
                return r;
        job->password = *password;
        job->done = done;
        job->userdata = userdata;
        r = core_secret_copy(secret, &job->fresh);
        return r < 0 ? r : job_begin(&job, name, now_usec, error);
}

int core_user_create_setup_code(Core *core, const Actor *actor, const char *name,
                                const CoreOptions *options, uint64_t now_usec, CoreCodeDone done,
                                void *userdata, CoreError *error) {
        _cleanup_(core_job_freep) Job *job = NULL;
        int r;

        r = core_job_new(core, actor, options, &job);
        if (r < 0)
                return r;
        job->code_done = done;
        job->userdata = userdata;
        r = core_setup_code_new(&job->code);
        return r < 0 ? r : job_begin(&job, name, now_usec, error);
}

int core_user_set_must_change(Core *core, const Actor *actor, const char *name, bool must_change,
                              const CoreOptions *options, uint64_t now_usec, CoreChange *ret,
                              CoreError *error) {
        _cleanup_change_ Change change = { 0 };
        _cleanup_(store_user_freep) StoreUser *user = NULL;
        _cleanup_(store_credential_freep) StoreCredential *credential = NULL;
        int r;

        r = core_change_begin(&change, core, actor, options, now_usec, error);
        if (r == 0)
                r = core_user_load(core, change.txn, name, false, &user, error);
        if (r == 0 && user->service)
                r = core_service_refuse_secret(user->name, error);
        if (r == 0)
                r = core_check_version(options, user->name, user->version, error);
        if (r == 0)
                r = core_actor_covers_account(&change, user, error);
        if (r == 0)
                r = core_credential_load(change.txn, user->uid, &credential);
        if (r != 0)
                return r;
        if (must_change && credential->password.len == 0)
                return core_fail(error, CORE_E_POLICY_REFUSED, "%s: has no password to change",
                                 user->name);
        if (credential->must_change == must_change) {
                *ret = (CoreChange){ .object_id = user->uid, .version = user->version };
                return 0;
        }
        credential->must_change = must_change;
        r = core_change_value_bool(&change, "must_change", !must_change, must_change);
        if (r == 0)
                r = core_note_must_change(&change, user->uid, !must_change, must_change);
        if (r == 0)
                r = store_credential_put(change.txn, credential);
        if (r == 0)
                r = core_change_news(&change, CORE_OBJECT_USER, CORE_NEWS_CHANGED, user->uid,
                                     user->name, NULL);
        if (r != 0)
                return r < 0 ? r : -EUCLEAN;
        return core_change_commit(&change, "user.must-change", "user", user->name, user->uid,
                                  user->version, ret);
}

int core_user_must_change(Core *core, const Actor *actor, const char *name,
                          const CoreOptions *options, uint64_t now_usec, CoreChange *ret,
                          CoreError *error) {
        return core_user_set_must_change(core, actor, name, true, options, now_usec, ret, error);
}
