/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A change that waits for um-quality and the vault: what was asked for, kept until the verifier
 * comes.  jobs.c owns the list. */

#include "umd/core/history.h"
#include "umd/core/internal.h"
#include "umd/core/login.h"

typedef struct Job {
        struct Job *prev, *next;
        Core *core;
        VaultCall *call;
        Actor actor;
        CoreOptions options;
        char *reason;
        uid_t uid; /* with creates: the one set aside for him */
        uint64_t new_version;
        CorePasswordOptions password;
        Secret *fresh; /* the new password, or its hash */
        CoreQualityRules rules;
        Past *past;       /* what fresh may not be; NULL: nothing */
        VaultDone hashed; /* what the verifier is given to */
        Secret *code;     /* a setup code's job; NULL: a password's */
        uint64_t expires_usec;
        bool creates;  /* the user is made in the same change, from spec */
        UserSpec spec; /* its texts are ours: spec_texts */
        Texts spec_texts;
        UserAttribute *spec_attributes;
        CoreChangeDone done;
        CoreCodeDone code_done;
        CoreCreateDone create_done;
        void *userdata;
} Job;

int core_job_new(Core *core, const Actor *actor, const CoreOptions *options, Job **ret);
int core_job_take_spec(Job *job, const UserSpec *spec);
Job *core_job_free(Job *job);

/* When the job's setup code ends, if it has one, by the user's setup-code.ttl. */
int core_job_code_expires(Job *job, uint64_t now_usec);

static inline void core_job_freep(Job **job) {
        *job = core_job_free(*job);
}

/* Has the job's password checked, held against those it may not be, then hashed (a hash is
 * imported, a code hashed, unchecked), then handed to job->hashed; who is made or changed is said
 * by name, full name and e-mail.  0: the answer frees the job. */
int core_job_start(Job *job, const char *name, const char *full_name, const char *email,
                   CoreError *error);
/* Tells whoever waits for the job. */
void core_job_tell(Job *job, int r, const CoreChange *change, const CoreError *error);

/* Both within a change; they leave the commit to the caller. */
int core_credential_set_code(Change *change, StoreCredential *credential,
                             const StoreVerifier *verifier, uint64_t expires_usec);
/* 1 to BASE_PASSWORD_MAX bytes, no NUL. */
int core_check_secret(const Secret *secret, CoreError *error);
