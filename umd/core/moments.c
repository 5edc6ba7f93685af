/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Grants that begin and end by themselves, and attributes that end, told to the second (FEATURES
 * D10, D20).
 *
 * What a user may do is reckoned whenever it is asked for, so no right outlives its time.  But the
 * map, and whatever else was made of it, has to be made anew when that changes, and the log has to
 * say so, with nobody logging in.  The store keeps each moment as a row by time.  One place in that
 * order is kept here: all before it is told, and core is woken when the next one comes.  What came
 * while umd was away is behind what the store says was told, and is told at start.
 *
 * The clock may be set: forward, and what it passed is told at once; back, and what it passed is
 * not so yet again: everybody is told, since it is rare.  The log tells each moment once, whatever
 * clocks do. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "umd/core/holders.h"

/* Of one change; others are served in between. */
#define MOMENTS_AT_ONCE   256U
#define MOMENT_RETRY_USEC USEC_PER_SEC

static StoreMoment end_of(uint64_t usec) {
        return (StoreMoment){ usec, (uid_t)-1, (StoreMomentKind)UINT8_MAX };
}

/* ---- the log ------------------------------------------------------------------------------- */

static int entry_write(Change *change, const StoreUser *user, const StoreGrant *grant, bool ends) {
        char object[BASE_NAME_MAX + 8], text[CORE_GRANT_TEXT_BYTES];
        const StoreValue value = { "grant", ends ? text : NULL, ends ? NULL : text };
        StoreAudit entry = {
                .time_usec = change->now_usec,
                .type = "system",
                .verb = ends ? "role.end" : "role.begin",
                .object = object,
                .object_id = user->uid,
                .actor = (uid_t)-1,
                .login_uid = (uid_t)-1,
                .via = "umd",
                .service = "",
                .source = "",
                .tty = "",
                .outcome = "done",
                .reason = grant->reason,
                .values = &value,
                .value_count = 1,
        };
        uint64_t seq;
        int r = core_grant_text(change->txn, grant, text, sizeof(text));

        snprintf(object, sizeof(object), "user/%s", user->name);
        if (r == 0)
                r = store_audit_append(change->txn, &entry, &seq);
        if (r == 0)
                r = store_event_append(change->txn, entry.verb, object, change->now_usec, &seq);
        return r;
}

/* ---- one moment ---------------------------------------------------------------------------- */

typedef struct Telling {
        Change change;
        StoreMoment told; /* in the log, as the store has it */
        IdSet ending;     /* whose sessions end */
        IdSet warned;     /* ... and are about to */
} Telling;

static void telling_done(Telling *telling) {
        core_idset_done(&telling->ending);
        core_idset_done(&telling->warned);
        core_change_done(&telling->change);
}

/* Does it count on this host until its end? */
static bool counts(const Change *change, const RoleSet *set, const Holder *holder, size_t at) {
        const RightsPlace place = {
                .tenant = change->core->settings.tenant,
                .now_usec = holder->grants[at].until_usec - 1,
                .over = RIGHTS_OVER_SELF,
        };

        return policy_grant_state(set, &holder->facts, &holder->grants[at], &place, NULL) ==
               GRANT_COUNTS;
}

/* A grant that was given for a time that had begun was told of when it was given. */
static int grant_tell(Telling *telling, const StoreUser *user, const StoreGrant *grant,
                      uint64_t usec) {
        int r = 0;

        if (grant->from_usec == usec && usec > grant->made_usec)
                r = entry_write(&telling->change, user, grant, false);
        if (r == 0 && grant->until_usec == usec)
                r = entry_write(&telling->change, user, grant, true);
        return r;
}

static int grants_tell(Telling *telling, const StoreUser *user, const Holder *holder,
                       const RoleSet *set, const StoreMoment *moment) {
        bool log = store_moment_compare(&telling->told, moment) < 0;
        int r = 0;

        for (size_t i = 0; i < holder->facts.grant_count && r >= 0; i++) {
                const StoreGrant *grant = &holder->records[i];

                if (holder->grants[i].automatic || /* an attribute's end is a moment of its own */
                    (grant->from_usec != moment->usec && grant->until_usec != moment->usec))
                        continue;
                r = core_linux_news_of_role(&telling->change, grant->role);
                if (r == 0 && log)
                        r = grant_tell(telling, user, grant, moment->usec);
                if (r == 0 && log && grant->end_sessions && grant->until_usec == moment->usec &&
                    counts(&telling->change, set, holder, i))
                        r = core_idset_add(&telling->ending, user->uid);
        }
        return r < 0 ? r : 0;
}

/* Once, and only while there is something to save. */
static int warning_tell(Telling *telling, const StoreUser *user, const Holder *holder,
                        const RoleSet *set, const StoreMoment *moment) {
        int r = 0;

        for (size_t i = 0; i < holder->facts.grant_count && r >= 0; i++) {
                const StoreGrant *grant = &holder->records[i];

                if (store_grant_warning(grant) == moment->usec &&
                    grant->until_usec > telling->change.now_usec &&
                    store_moment_compare(&telling->told, moment) < 0 &&
                    counts(&telling->change, set, holder, i))
                        r = core_idset_add(&telling->warned, user->uid);
        }
        return r < 0 ? r : 0;
}

static int moment_tell(Telling *telling, const StoreMoment *moment) {
        _cleanup_(store_user_freep) StoreUser *user = NULL;
        _cleanup_holder_ Holder holder = { 0 };
        Change *change = &telling->change;
        const RoleSet *set;
        int r;

        r = store_user_get(change->txn, moment->uid, &user);
        if (r != 0 || user->status == USER_STATUS_DELETED)
                return r < 0 ? r : 0;
        r = core_role_set(change->core, change->txn, &set);
        if (r == 0)
                r = core_holder_load(change->txn, set, user, &holder);
        if (r == 0 && moment->kind == STORE_MOMENT_WARNING)
                return warning_tell(telling, user, &holder, set, moment);
        if (r == 0 && moment->kind == STORE_MOMENT_ATTRIBUTE) /* roles may require it */
                r = core_linux_news_of_user(change, user);
        else if (r == 0)
                r = grants_tell(telling, user, &holder, set, moment);
        if (r != 0)
                return r;
        return core_change_news(change, CORE_OBJECT_USER, CORE_NEWS_CHANGED, user->uid, user->name,
                                NULL);
}

/* ---- those that are due -------------------------------------------------------------------- */

/* From *at on, which moves with them. */
static int moments_tell(Telling *telling, StoreMoment *at) {
        Change *change = &telling->change;
        int r = 0;

        for (size_t i = 0; i < MOMENTS_AT_ONCE && r == 0; i++) {
                StoreMoment moment;

                r = store_moment_next(change->txn, at, &moment);
                if (r != 0 || moment.usec > change->now_usec)
                        break;
                r = moment_tell(telling, &moment);
                if (r == -EBADMSG) { /* what one has that cannot be read keeps nobody waiting */
                        change->news.everybody = true;
                        r = 0;
                }
                if (r == 0)
                        *at = moment;
        }
        if (r < 0)
                return r;
        return store_moment_compare(&telling->told, at) < 0 ? store_moment_tell(change->txn, at)
                                                            : 0;
}

/* The next ones, in one transaction with their entries. */
static int moments_take(Core *core, uint64_t now_usec) {
        static const Actor umd = { .uid = (uid_t)-1, .login_uid = (uid_t)-1, .via = "umd" };
        static const CoreOptions options = { .reason = "" };
        _cleanup_(telling_done) Telling telling = { 0 };
        StoreMoment at = core->moments.at;
        CoreError error;
        int r;

        r = core_change_begin(&telling.change, core, &umd, &options, now_usec, &error);
        if (r == 0)
                r = store_moment_told(telling.change.txn, &telling.told);
        if (r == 0)
                r = moments_tell(&telling, &at);
        if (r == 0)
                r = core_idset_reserve(&core->ending, telling.ending.count);
        if (r == 0)
                r = core_change_close(&telling.change);
        if (r != 0)
                return r < 0 ? r : -EBADMSG;
        for (size_t i = 0; i < telling.ending.count; i++)
                (void)core_idset_add(&core->ending, telling.ending.ids[i]); /* there is room */
        for (size_t i = 0; i < telling.warned.count; i++)
                core->helper.warn_sessions(core->helper.userdata, telling.warned.ids[i]);
        core->moments.at = at;
        return 0;
}

/* ---- a store of an um that had none -------------------------------------------------------- */

static int holder_collect(void *userdata, const char *role, uid_t uid) {
        int r = core_idset_add(userdata, uid);

        return r < 0 ? r : 0;
}

static int moments_of_user(StoreTxn *txn, const RoleSet *set, uid_t uid) {
        _cleanup_(store_user_freep) StoreUser *user = NULL;
        _cleanup_holder_ Holder holder = { 0 };
        int r;

        r = store_user_get(txn, uid, &user);
        if (r == 0)
                r = core_holder_load(txn, set, user, &holder);
        for (size_t i = 0; i < holder.facts.grant_count && r == 0; i++)
                r = store_grant_index(txn, &holder.records[i]);
        return r > 0 ? -EBADMSG : r;
}

/* What is over by now is not told any more. */
static int moments_make(Core *core, uint64_t now_usec) {
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        _cleanup_idset_ IdSet uids = { 0 };
        const StoreMoment now = end_of(now_usec);
        const RoleSet *set;
        int r;

        r = store_begin(core->store, &txn);
        if (r == 0)
                r = core_role_set(core, txn, &set);
        if (r == 0)
                r = store_grant_holders(txn, holder_collect, &uids);
        for (size_t i = 0; i < uids.count && r == 0; i++)
                r = moments_of_user(txn, set, uids.ids[i]);
        if (r == 0)
                r = store_moment_tell(txn, &now);
        return r == 0 ? core_txn_commit(core, &txn) : r;
}

/* ---- waiting ------------------------------------------------------------------------------- */

/* The next one, behind the place that everything is told to. */
static int moments_look(Core *core, uint64_t now_usec, StoreMoment *ret) {
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        int r;

        r = store_begin_read(core->store, &txn);
        if (r == 0 && !core->moments.known) {
                r = store_moment_told(txn, &core->moments.at);
                if (r != 0)
                        return r;
                core->moments.known = true;
        }
        if (r < 0)
                return r;
        if (core->moments.at.usec > now_usec) { /* the clock was set back */
                core->host_moved = true;
                core->moments.at = end_of(now_usec);
                if (core->host.flush_wanted)
                        core->host.flush_wanted(core->host.userdata);
        }
        r = store_moment_next(txn, &core->moments.at, ret);
        if (r > 0)
                *ret = end_of(USEC_INFINITY);
        return r < 0 ? r : 0;
}

void core_moments_run(Core *core, uint64_t now_usec) {
        StoreMoment next = end_of(USEC_INFINITY);
        uint64_t wait_usec = MOMENT_RETRY_USEC;
        int r = moments_look(core, now_usec, &next);

        if (r > 0) {
                r = moments_make(core, now_usec);
                if (r == 0)
                        r = moments_look(core, now_usec, &next);
        }
        if (r == 0 && next.usec <= now_usec) /* the flush that follows wakes us for the rest */
                r = moments_take(core, now_usec);
        else if (r == 0)
                wait_usec = next.usec - now_usec;
        if (r < 0 || (next.usec > now_usec && next.usec != USEC_INFINITY))
                core->host.wake_at(core->host.userdata, core_later(core_boottime(core), wait_usec));
}

void core_moments_lost(Core *core) {
        core->moments.known = false;
}
