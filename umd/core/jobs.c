/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The changes that wait for the vault.  A job owns copies of all it was given: the message it came
 * with is gone when the answer comes.  Freeing one gives up its call to the vault, whose answer is
 * then dropped. */

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
        base_secret_free(job->code);
        for (UserField f = 0; job->creates && f < _USER_FIELD_TEXT_MAX; f++)
                free((char *)job->spec.text[f]);
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

int core_job_take_spec(Job *job, const UserSpec *spec) {
        job->spec = *spec;
        memset(job->spec.text, 0, sizeof(job->spec.text));
        job->creates = true;
        for (UserField f = 0; f < _USER_FIELD_TEXT_MAX; f++) {
                if (!spec->text[f])
                        continue;
                job->spec.text[f] = strdup(spec->text[f]);
                if (!job->spec.text[f])
                        return -ENOMEM;
        }
        return 0;
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
