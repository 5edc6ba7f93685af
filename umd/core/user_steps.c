/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The states of a user and the admin's lock.  Which step leads where is policy's table; here is
 * what goes with it: since when, by whom, why, and who has to be told.  A tombstone keeps
 * everything but the former passwords and the keys, so that restore brings it back; it only stops
 * counting. */

#include <errno.h>
#include <string.h>

#include "umd/core/login.h"
#include "umd/core/undo.h"

void core_user_settle(StoreUser *user, uint64_t now_usec) {
        if (user->status != USER_STATUS_SUSPENDED || user->suspended_until_usec == 0 ||
            user->suspended_until_usec > now_usec)
                return;
        user->status = USER_STATUS_ACTIVE;
        user->status_since_usec = user->suspended_until_usec;
        user->status_reason = "the suspension ended";
        user->suspended_until_usec = USEC_INFINITY;
}

static const struct {
        const char *verb;
        CoreNews news;
        bool shown; /* comes into or goes out of NSS */
} steps[_STATUS_STEP_MAX] = {
        [STATUS_STEP_ACTIVATE] = { "user.activate", CORE_NEWS_CHANGED, false },
        [STATUS_STEP_SUSPEND] = { "user.suspend", CORE_NEWS_CHANGED, false },
        [STATUS_STEP_RESUME] = { "user.resume", CORE_NEWS_CHANGED, false },
        [STATUS_STEP_DISABLE] = { "user.disable", CORE_NEWS_CHANGED, false },
        [STATUS_STEP_ENABLE] = { "user.enable", CORE_NEWS_CHANGED, false },
        [STATUS_STEP_DELETE] = { "user.delete", CORE_NEWS_REMOVED, true },
        [STATUS_STEP_RESTORE] = { "user.restore", CORE_NEWS_ADDED, true },
};

static int check_until(StatusStep step, uint64_t until_usec, uint64_t now_usec, CoreError *error) {
        char until[32];

        base_format_rfc3339(until_usec, until);
        if (step == STATUS_STEP_SUSPEND && until_usec <= now_usec)
                return core_fail(error, CORE_E_BAD_VALUE, "until: %s: is over already", until);
        if (step != STATUS_STEP_SUSPEND && until_usec != 0 && until_usec != USEC_INFINITY)
                return core_fail(error, CORE_E_BAD_VALUE, "until: %s: only with suspend", until);
        return 0;
}

/* What only some steps ask for. */
static int check_step(Change *change, const StoreUser *user, StatusStep step, CoreError *error) {
        size_t sessions;
        const char *where;

        switch (step) {
        case STATUS_STEP_DELETE:
                sessions = core_sessions_of_user(change->core, user->uid);
                if (sessions > 0 && !change->options->end_sessions)
                        return core_fail(
                                error, CORE_E_POLICY_REFUSED,
                                "%s: has %zu open session%s: end %s first, or with end-sessions",
                                user->name, sessions, sessions == 1 ? "" : "s",
                                sessions == 1 ? "it" : "them");
                return 0;
        case STATUS_STEP_RESTORE:
                /* somebody may have made a local user or group of that name since */
                where = change->core->host.name_held(change->core->host.userdata, user->name,
                                                     false);
                if (!where)
                        where = change->core->host.name_held(change->core->host.userdata,
                                                             user->name, true);
                if (where)
                        return core_fail(error, CORE_E_NAME_TAKEN, "name: \"%s\": is held by %s",
                                         user->name, where);
                return 0;
        case STATUS_STEP_ACTIVATE:
        case STATUS_STEP_SUSPEND:
        case STATUS_STEP_RESUME:
        case STATUS_STEP_DISABLE:
        case STATUS_STEP_ENABLE:
        case _STATUS_STEP_MAX:
                break;
        }
        return 0;
}

static int write_step(Change *change, const StoreUser *user, StoreUser *edited, StatusStep step) {
        int r;

        r = core_change_value(change, "status", policy_status_name(user->status),
                              policy_status_name(edited->status));
        if (r == 0)
                r = core_change_value_time(change, "suspended_until", user->suspended_until_usec,
                                           edited->suspended_until_usec);
        if (r == 0)
                r = core_change_value(change, "status_reason", user->status_reason,
                                      edited->status_reason);
        if (r < 0 || change->value_count == 0)
                return r;
        r = store_user_update(change->txn, edited);
        if (r > 0)
                return -EUCLEAN;
        if (r == 0 && step == STATUS_STEP_DELETE) /* secrets that nothing will ask for again */
                r = store_history_keep(change->txn, user->uid, 0);
        if (r == 0 && step == STATUS_STEP_DELETE)
                r = core_devices_drop(change, user);
        if (r == 0)
                r = core_note_user(change, user, edited);
        if (r == 0)
                r = core_change_news(change, CORE_OBJECT_USER, steps[step].news, user->uid,
                                     user->name, NULL);
        if (r == 0 && steps[step].shown)
                r = core_change_news_user_groups(change, user->uid);
        return r;
}

static void edit_step(Change *change, StoreUser *edited, UserStatus to, StatusStep step,
                      uint64_t until_usec) {
        edited->status = to;
        edited->status_since_usec = change->now_usec;
        edited->status_by = change->actor->uid;
        edited->status_reason = change->options->reason;
        edited->suspended_until_usec = step == STATUS_STEP_SUSPEND ? until_usec : USEC_INFINITY;
}

int core_change_user_step(Change *change, const StoreUser *user, StatusStep step,
                          uint64_t until_usec, CoreChange *ret, CoreError *error) {
        _cleanup_owners_ Owners owners = { 0 };
        StoreUser edited = *user;
        const char *hint;
        UserStatus to;
        int r;

        r = core_owner_guard(change, user, error);
        if (r == 0)
                r = core_actor_covers_account(change, user, error);
        if (r != 0)
                return r;
        to = policy_status_step(user->status, step, &hint);
        if (to == USER_STATUS_INVALID)
                return core_fail(error, CORE_E_POLICY_REFUSED, "%s: %s", user->name, hint);
        r = check_step(change, user, step, error);
        if (r == 0)
                r = core_owners_note_user(change, user->uid, &owners);
        if (r != 0)
                return r;
        edit_step(change, &edited, to, step, until_usec);
        r = write_step(change, user, &edited, step);
        if (r == 0)
                r = core_seats_follow(change, user, &edited, error);
        if (r == 0)
                r = core_owners_check(change, &owners, error);
        if (r != 0)
                return r;
        if (change->value_count == 0) { /* suspended again, for the same reason and time */
                if (ret)
                        *ret = (CoreChange){ .object_id = user->uid, .version = user->version };
                return 0;
        }
        return core_change_commit(change, steps[step].verb, "user", user->name, user->uid,
                                  user->version + 1, ret);
}

int core_user_step(Core *core, const Actor *actor, const char *name, StatusStep step,
                   uint64_t until_usec, const CoreOptions *options, uint64_t now_usec,
                   CoreChange *ret, CoreError *error) {
        _cleanup_change_ Change change = { 0 };
        _cleanup_(store_user_freep) StoreUser *user = NULL;
        int r;

        r = core_change_begin(&change, core, actor, options, now_usec, error);
        if (r == 0)
                r = check_until(step, until_usec, now_usec, error);
        if (r == 0)
                r = core_user_load(core, change.txn, name, true, &user, error);
        if (r == 0)
                r = core_check_version(options, user->name, user->version, error);
        if (r == 0)
                r = core_afterwards_reserve(core, AFTER_END_SESSIONS);
        if (r == 0)
                r = core_change_user_step(&change, user, step, until_usec, ret, error);
        if (r == 0 && step == STATUS_STEP_DELETE && options->end_sessions && ret->id != 0)
                core_afterwards(core, AFTER_END_SESSIONS, user->uid, user->name);
        return r;
}

/* What unlocking forgets, into the entry. */
static int forget_failures(Change *change, const StoreUser *user, bool *ret) {
        LockoutView view;
        char text[256];
        int r;

        r = core_lockout_view(change->core, change->txn, user->uid, change->now_usec, &view);
        if (r < 0)
                return r;
        *ret = view.locked || view.failures > 0;
        if (!*ret)
                return 0;
        core_lockout_text(&view, text, sizeof(text));
        r = core_change_value(change, "failures", text, "");
        if (r == 0 && view.locked)
                r = core_change_value_time(change, "locked_out_until", view.until_usec, 0);
        if (r == 0)
                r = core_note_never(change, user->uid, NEVER_FAILURES);
        if (r == 0)
                r = core_lockout_forget(change->txn, user->uid);
        return r > 0 ? -EUCLEAN : r;
}

static int set_lock(Change *change, StoreUser *user, bool lock) {
        const StoreUser before = *user;
        int r = core_change_value_bool(change, "locked", user->locked, lock);

        if (r < 0)
                return r;
        user->locked = lock;
        user->locked_since_usec = lock ? change->now_usec : 0;
        user->locked_by = lock ? change->actor->uid : (uid_t)-1;
        user->locked_reason = lock ? change->options->reason : "";
        r = store_user_update(change->txn, user);
        if (r == 0)
                r = core_note_user(change, &before, user);
        return r > 0 ? -EUCLEAN : r;
}

int core_user_set_lock(Core *core, const Actor *actor, const char *name, bool lock, bool forget,
                       const CoreOptions *options, uint64_t now_usec, CoreChange *ret,
                       CoreError *error) {
        _cleanup_change_ Change change = { 0 };
        _cleanup_(store_user_freep) StoreUser *user = NULL;
        bool forgotten = false;
        uint64_t version;
        int r;

        r = core_change_begin(&change, core, actor, options, now_usec, error);
        if (r == 0)
                r = core_user_load(core, change.txn, name, false, &user, error);
        if (r == 0)
                r = core_check_version(options, user->name, user->version, error);
        if (r == 0)
                r = core_actor_covers_account(&change, user, error);
        if (r != 0)
                return r;
        if (forget)
                r = forget_failures(&change, user, &forgotten);
        if (r == 0)
                r = core_afterwards_reserve(core, AFTER_FORGET_FAILURES);
        if (r < 0)
                return r;
        if (forget && !options->dry_run)
                core_afterwards(core, AFTER_FORGET_FAILURES, user->uid, user->name);
        if (user->locked == lock && !forgotten) {
                *ret = (CoreChange){ .object_id = user->uid, .version = user->version };
                return 0;
        }
        version = user->version + (user->locked != lock);
        if (user->locked != lock)
                r = set_lock(&change, user, lock);
        if (r == 0)
                r = core_change_news(&change, CORE_OBJECT_USER, CORE_NEWS_CHANGED, user->uid,
                                     user->name, NULL);
        if (r < 0)
                return r;
        return core_change_commit(&change, lock ? "user.lock" : "user.unlock", "user", user->name,
                                  user->uid, version, ret);
}

int core_user_lock(Core *core, const Actor *actor, const char *name, bool lock,
                   const CoreOptions *options, uint64_t now_usec, CoreChange *ret,
                   CoreError *error) {
        return core_user_set_lock(core, actor, name, lock, !lock, options, now_usec, ret, error);
}
