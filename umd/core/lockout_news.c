/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A lock is told when it is certain: when the attempt that filled the count has failed, or its
 * connection is gone.  The entry, its event and the line of the host's log say who, until when, and
 * from where the last failure came. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "umd/core/login.h"

typedef struct Told {
        CoreLockout lockout;
        char name[BASE_NAME_MAX + 1], source[128], service[64];
} Told;

static int entry_write(StoreTxn *txn, const Told *told, uint64_t now_usec) {
        const CoreLockout *lockout = &told->lockout;
        char object[96], failures[16], until[32];
        const StoreValue values[] = { { "failures", NULL, failures }, { "until", NULL, until } };
        StoreAudit entry = {
                .time_usec = now_usec,
                .type = "login",
                .verb = lockout->name ? "lockout" : "source-throttled",
                .object = object,
                .object_id = lockout->uid,
                .actor = (uid_t)-1,
                .login_uid = (uid_t)-1,
                .via = "umd",
                .service = told->service,
                .source = told->source,
                .tty = "",
                .outcome = "deny",
                .reason = lockout->name ? "lockout" : "source-throttled",
                .values = values,
                .value_count = ARRAY_LENGTH(values),
        };
        uint64_t seq;
        int r;

        if (lockout->name)
                snprintf(object, sizeof(object), "user/%s", lockout->name);
        else
                object[0] = '\0';
        snprintf(failures, sizeof(failures), "%u", lockout->failures);
        base_format_rfc3339(lockout->until_usec, until);
        r = store_audit_append(txn, &entry, &seq);
        if (r == 0)
                r = store_event_append(txn, entry.verb, object, now_usec, &seq);
        return r;
}

static int told_of_user(Core *core, StoreTxn *txn, const CountKey *key, uint64_t now_usec,
                        Told *told) {
        _cleanup_(store_user_freep) StoreUser *user = NULL;
        LockoutView view;
        int r;

        r = store_user_get(txn, key->uid, &user);
        if (r == 0)
                r = core_lockout_view(core, txn, key->uid, now_usec, &view);
        if (r != 0)
                return r;
        snprintf(told->name, sizeof(told->name), "%s", user->name);
        snprintf(told->source, sizeof(told->source), "%s", view.source);
        snprintf(told->service, sizeof(told->service), "%s", view.service);
        told->lockout.name = told->name;
        told->lockout.uid = key->uid;
        told->lockout.places = view.places;
        told->lockout.until_usec = view.until_usec;
        told->lockout.failures = view.failures;
        return 0;
}

/* Is the count full, with nothing of it being tried? */
static int user_locked(Core *core, StoreTxn *txn, const CountKey *key, const LockoutPolicy *policy,
                       uint64_t lock_usec, bool *ret) {
        _cleanup_(store_lockout_freep) StoreLockout *count = NULL;
        uint64_t until;
        int r;

        r = core_count_load(txn, key, &count);
        if (r == 0)
                *ret = policy_lockout_judge(&count->state, &policy->user,
                                            core_attempts_pending(core, key), lock_usec,
                                            &until) == LOCKOUT_LOCKED;
        return r;
}

static int told_of_source(Core *core, StoreTxn *txn, const CountKey *key,
                          const LockoutPolicy *policy, uint64_t now_usec, Told *told, bool *ret) {
        StoreThrottle throttle;
        uint64_t lock_usec, until = 0;
        int r;

        r = core_lock_time(core, txn, now_usec, &lock_usec);
        if (r == 0)
                r = core_throttle_load(txn, &key->network, &throttle);
        if (r < 0)
                return r;
        *ret = policy_lockout_judge(&throttle.state, &policy->source,
                                    core_source_pending(core, &key->network), lock_usec,
                                    &until) == LOCKOUT_LOCKED;
        core_network_text(&key->network, told->source, sizeof(told->source));
        told->lockout.places = "this network";
        told->lockout.until_usec = core_lock_time_wall(until, lock_usec, now_usec);
        told->lockout.failures = policy_lockout_count(&throttle.state, &policy->source, lock_usec);
        return 0;
}

static int tell_read(Core *core, StoreTxn *txn, const CountKey *key, uint64_t now_usec, Told *told,
                     bool *ret) {
        LockoutPolicy policy;
        uint64_t lock_usec;
        int r;

        r = core_lockout_policy(core, txn, key->uid, &policy);
        if (r == 0 && key->uid == 0)
                return told_of_source(core, txn, key, &policy, now_usec, told, ret);
        if (r == 0)
                r = core_lock_time(core, txn, now_usec, &lock_usec);
        if (r == 0)
                r = user_locked(core, txn, key, &policy, lock_usec, ret);
        if (r == 0 && *ret)
                r = told_of_user(core, txn, key, now_usec, told);
        return r;
}

/* What cannot be told is no reason to deny anything: the lock stands. */
void core_lockout_tell(Core *core, const CountKey *key, uint64_t now_usec) {
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        Told told = { .lockout = { .places = "" } };
        bool locked = false;
        int r;

        r = store_begin(core->store, &txn);
        if (r == 0)
                r = tell_read(core, txn, key, now_usec, &told, &locked);
        if (r != 0 || !locked)
                return;
        if (key->uid != 0)
                core_graces_drop(core, key->uid); /* somebody guessed: ask for the code */
        told.lockout.source = told.source;
        told.lockout.service = told.service;
        r = entry_write(txn, &told, now_usec);
        if (r == 0)
                r = core_txn_commit(core, &txn);
        if (r == 0)
                core->host.lockout(core->host.userdata, &told.lockout);
}
