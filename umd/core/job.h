/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A change that waits for the vault: what was asked for, kept until the verifier comes.  jobs.c
 * owns the list. */

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
        Secret *code; /* a setup code's job; NULL: a password's */
        uint64_t expires_usec;
        bool creates;  /* the user is made in the same change, from spec */
        UserSpec spec; /* its texts are ours */
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

/* Both within a change; they leave the commit to the caller. */
int core_credential_set_code(Change *change, StoreCredential *credential,
                             const StoreVerifier *verifier, uint64_t expires_usec);
int core_check_secret(const char *name, const Secret *secret, bool is_hash, CoreError *error);
