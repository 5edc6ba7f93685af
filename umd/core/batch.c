/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One verb for many users as one change (FEATURES G9): each of them by the verb itself, with its
 * own entry of the log, and all of them or none.  Who is meant is said by name: the filter is the
 * caller's, who saw whom it finds. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "umd/core/undo.h"

typedef struct BatchRun {
        Core *core;
        const Actor *actor;
        const CoreBatch *batch;
        const CoreOptions *options;
        uint64_t now_usec;
} BatchRun;

static int run_grant(const BatchRun *run, const char *user, unsigned which, CoreChange *ret,
                     CoreError *error) {
        GrantEdit edit = run->batch->grant;

        edit.user = user;
        return which ? core_grant_add(run->core, run->actor, &edit, run->options, run->now_usec,
                                      ret, error)
                     : core_grant_revoke(run->core, run->actor, &edit, run->options, run->now_usec,
                                         ret, error);
}

static int run_lock(const BatchRun *run, const char *user, unsigned which, CoreChange *ret,
                    CoreError *error) {
        return core_user_lock(run->core, run->actor, user, which != 0, run->options, run->now_usec,
                              ret, error);
}

static int run_step(const BatchRun *run, const char *user, unsigned which, CoreChange *ret,
                    CoreError *error) {
        return core_user_step(run->core, run->actor, user, (StatusStep)which,
                              which == STATUS_STEP_SUSPEND ? run->batch->until_usec : USEC_INFINITY,
                              run->options, run->now_usec, ret, error);
}

static int run_update(const BatchRun *run, const char *user, unsigned which, CoreChange *ret,
                      CoreError *error) {
        (void)which;
        return core_user_update(run->core, run->actor, user, &run->batch->fields, run->options,
                                run->now_usec, ret, error);
}

static int run_must_change(const BatchRun *run, const char *user, unsigned which, CoreChange *ret,
                           CoreError *error) {
        (void)which;
        return core_user_must_change(run->core, run->actor, user, run->options, run->now_usec, ret,
                                     error);
}

static const struct {
        const char *verb;
        unsigned which;
        int (*run)(const BatchRun *run, const char *user, unsigned which, CoreChange *ret,
                   CoreError *error);
} verbs[] = {
        { "role.grant", true, run_grant },
        { "role.revoke", false, run_grant },
        { "user.update", 0, run_update },
        { "user.lock", true, run_lock },
        { "user.unlock", false, run_lock },
        { "user.suspend", STATUS_STEP_SUSPEND, run_step },
        { "user.resume", STATUS_STEP_RESUME, run_step },
        { "user.disable", STATUS_STEP_DISABLE, run_step },
        { "user.enable", STATUS_STEP_ENABLE, run_step },
        { "user.delete", STATUS_STEP_DELETE, run_step },
        { "user.restore", STATUS_STEP_RESTORE, run_step },
        { "user.must-change", 0, run_must_change },
};

static int check(const BatchRun *run, size_t *ret_verb, CoreError *error) {
        const CoreBatch *batch = run->batch;
        size_t verb = 0;

        while (verb < ARRAY_LENGTH(verbs) && strcmp(verbs[verb].verb, batch->verb) != 0)
                verb++;
        if (verb == ARRAY_LENGTH(verbs))
                return core_fail(error, CORE_E_BAD_VALUE,
                                 "verb: \"%s\": is none for many users at once",
                                 core_quote(batch->verb).text);
        if (batch->user_count > CORE_BATCH_MAX)
                return core_fail(error, CORE_E_BAD_VALUE, "users: %zu, and there may be %u",
                                 batch->user_count, CORE_BATCH_MAX);
        if (batch->fields.text[USER_FIELD_NAME] || batch->fields.text[USER_FIELD_HOME] ||
            batch->fields.text[USER_FIELD_EMAIL])
                return core_fail(error, CORE_E_BAD_VALUE,
                                 "name, home and email are one user's alone");
        *ret_verb = verb;
        return 0;
}

/* An error that begins with another name, or a field, says whose it is. */
static int name_fault(const char *user, int r, CoreError *error) {
        CoreError named;
        size_t len = strlen(user);

        if (r <= 0 || (strncmp(error->text, user, len) == 0 && error->text[len] == ':'))
                return r;
        named.outcome = error->outcome;
        snprintf(named.text, sizeof(named.text), "%.100s: %.400s", core_quote(user).text,
                 error->text);
        *error = named;
        return r;
}

static int run_all(const BatchRun *run, size_t verb, CoreBatchResult *ret, CoreError *error) {
        _cleanup_asker_ Asker asker = { 0 };
        int r = core_asker_load(run->core, run->core->together->txn, run->actor, &asker);

        /* as long as he is one who may: the batch may be about himself */
        for (size_t i = 0; i < run->batch->user_count && r == 0; i++) {
                const char *user = run->batch->users[i];
                uint32_t parts = run->core->together->parts;
                CoreChange change = { 0 };

                r = core_verb_may_batch(&asker, run->batch, user, error);
                if (r == 0)
                        r = verbs[verb].run(run, user, verbs[verb].which, &change, error);
                if (run->core->together->parts > parts)
                        ret->changed++;
                else
                        ret->unchanged++;
                r = name_fault(user, r, error);
        }
        return r;
}

int core_batch(Core *core, const Actor *actor, const CoreBatch *batch, const CoreOptions *options,
               uint64_t now_usec, CoreBatchResult *ret, CoreError *error) {
        const BatchRun run = { core, actor, batch, options, now_usec };
        _cleanup_together_ Together together = { 0 };
        _cleanup_change_ Change head = {
                .core = core, .actor = actor, .options = options, .now_usec = now_usec
        };
        CoreBatchResult result = { 0 };
        char count[16];
        size_t verb = 0;
        int r;

        r = core_together_begin(&together, core, actor, options, now_usec, error);
        head.txn = together.txn;
        head.together = &together;
        if (r == 0)
                r = check(&run, &verb, error);
        if (r == 0)
                r = run_all(&run, verb, &result, error);
        if (r != 0)
                return r;
        snprintf(count, sizeof(count), "%u", result.changed);
        r = core_change_value(&head, "users", NULL, count);
        if (r == 0)
                r = core_together_commit(&together, &head, "batch", "verb", batch->verb, 0,
                                         &result.change);
        if (r == 0)
                *ret = result;
        return r;
}
