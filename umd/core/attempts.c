/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an answer that may be a guess goes through: it is charged, and looked at only when the
 * charge is durable.  If umd is killed in between, the attempt has failed.  Where all that a count
 * permits is being tried, the next attempt waits for one of those to end; so many right ones at
 * once all get in, and of many wrong ones no more are looked at than permitted.  Of all that may be
 * looked at only some are at a time (turns.c).
 *
 * Who is locked out, or comes from a throttled network, goes the same way with nothing to match.
 * Answers to names with failures behind them are late, whether or not anybody has the name. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "umd/core/lockout.h"
#include "umd/core/login.h"

/* ---- in flight ---------------------------------------------------------------------------- */

static bool is_in_flight(const Attempt *attempt) {
        return attempt->state == ATTEMPT_WRITTEN || attempt->state == ATTEMPT_READY ||
               attempt->state == ATTEMPT_RUNS;
}

uint32_t core_attempts_pending(const Core *core, const CountKey *key) {
        uint32_t count = 0;

        for (const Dialogue *d = core->logins->dialogues; d; d = d->next)
                count += is_in_flight(&d->attempt) && d->attempt.count_charged &&
                         core_count_same(&d->attempt.count, key);
        return count;
}

uint32_t core_source_pending(const Core *core, const StoreNetwork *network) {
        uint32_t count = 0;

        for (const Dialogue *d = core->logins->dialogues; d; d = d->next)
                count += is_in_flight(&d->attempt) && d->attempt.source_charged &&
                         memcmp(&d->words.origin.network, network, sizeof(*network)) == 0;
        return count;
}

/* The loop calls core_wake() soon: who waits may be next. */
static void wake_soon(Core *core) {
        core->host.wake_at(core->host.userdata, 0);
}

/* ---- delays ------------------------------------------------------------------------------- */

/* The name as it was typed, not whose it is; a network that somebody got in from apart from all
 * others. */
static Delay *delay_at(Core *core, uint32_t lane, uint32_t place, const StoreNetwork *network) {
        struct {
                uint32_t name;
                uint32_t place;
                StoreNetwork network;
                uint8_t zero[7];
        } key = { .name = lane, .place = place };

        if (place == PLACE_KNOWN)
                key.network = *network;
        return &core->logins->delays[core_hash(core->lane_key, &key, sizeof(key)) % DELAYS_MAX];
}

static Delay *delay_of(const Dialogue *dialogue) {
        const StoreNetwork *network = &dialogue->words.origin.network;
        Place place = dialogue->attempt.count.place;

        /* whether he is known from there would be told by it */
        if (core_network_is(network))
                place = core_turn_is_proved(dialogue->core, network) ? PLACE_KNOWN : PLACE_AFAR;
        return delay_at(dialogue->core, dialogue->words.lane, place, network);
}

/* But for those of the networks he is known from, which a login from there ends. */
void core_delays_forget(Core *core, const char *name) {
        for (Place place = 0; place < _PLACE_MAX; place++)
                if (place != PLACE_KNOWN)
                        *delay_at(core, core_name_lane(core, name), place, NULL) = (Delay){ 0 };
}

static bool delay_is_over(const Delay *delay, uint64_t boottime_usec) {
        return delay->failures == 0 ||
               core_later(delay->last_usec, DELAY_AGE_USEC) <= boottime_usec;
}

static uint64_t delay_due(const Dialogue *dialogue, uint64_t boottime_usec) {
        const Delay *delay = delay_of(dialogue);

        return delay_is_over(delay, boottime_usec)
                       ? 0
                       : core_later(delay->last_usec, policy_lockout_delay(delay->failures));
}

uint32_t core_attempt_failures(const Dialogue *dialogue) {
        const Delay *delay = delay_of(dialogue);

        return delay_is_over(delay, core_boottime(dialogue->core)) ? 0 : delay->failures;
}

static void delay_failed(const Dialogue *dialogue) {
        uint64_t now_usec = core_boottime(dialogue->core);
        Delay *delay = delay_of(dialogue);

        if (delay_is_over(delay, now_usec))
                delay->failures = 0;
        delay->last_usec = now_usec;
        if (delay->failures < UINT32_MAX)
                delay->failures++;
}

/* ---- admission ---------------------------------------------------------------------------- */

typedef struct Admission {
        LockoutPolicy policy;
        uint64_t lock_usec;
        StoreLockout *count; /* NULL: nobody's */
        StoreThrottle throttle;
        LockoutVerdict by_user, by_source;
        uint64_t until_usec; /* lock time; by_user LOCKED */
} Admission;

static void admission_done(Admission *admission) {
        store_lockout_freep(&admission->count);
}

static int find_uid(StoreTxn *txn, const LoginWords *words, uid_t *ret) {
        _cleanup_(store_user_freep) StoreUser *user = NULL;
        int r = STORE_E_MISSING;

        if (words->name[0])
                r = store_user_get_by_name(txn, words->name, &user);
        if (r < 0)
                return r;
        *ret = r == 0 && user->status != USER_STATUS_DELETED ? user->uid : 0;
        return 0;
}

static int admission_read(Dialogue *dialogue, StoreTxn *txn, uint64_t now_usec,
                          Admission *admission) {
        const StoreNetwork *network = &dialogue->words.origin.network;
        CountKey *key = &dialogue->attempt.count;
        Core *core = dialogue->core;
        uid_t uid;
        int r;

        r = find_uid(txn, &dialogue->words, &uid);
        if (r == 0)
                r = core_lock_time(core, txn, now_usec, &admission->lock_usec);
        if (r == 0)
                r = core_lockout_policy(core, txn, uid, &admission->policy);
        if (r == 0)
                r = core_count_key(txn, &admission->policy, &dialogue->words.origin, uid,
                                   admission->lock_usec, key);
        if (r == 0 && uid != 0)
                r = core_count_load(txn, key, &admission->count);
        if (r == 0 && core_network_is(network))
                r = core_throttle_load(txn, network, &admission->throttle);
        return r;
}

/* ---- names nobody has ----------------------------------------------------------------------- */

/* Counted as a user would be, by the same arithmetic and at the same moments, so that who waits,
 * and when he does not any more, says nothing; but in memory, and nobody is told. */
static LockoutState *nobodys_state(const Dialogue *dialogue) {
        return &delay_of(dialogue)->nobody;
}

static uint32_t nobodys_pending(const Dialogue *dialogue) {
        const Delay *delay = delay_of(dialogue);
        uint32_t count = 0;

        for (const Dialogue *d = dialogue->core->logins->dialogues; d; d = d->next)
                count += is_in_flight(&d->attempt) && d->attempt.nobody_charged &&
                         delay_of(d) == delay;
        return count;
}

static LockoutVerdict judge_nobody(const Dialogue *dialogue, const Admission *admission) {
        uint64_t until;

        return policy_lockout_judge(nobodys_state(dialogue), &admission->policy.user,
                                    nobodys_pending(dialogue), admission->lock_usec, &until);
}

static void nobody_charge(Dialogue *dialogue, const Admission *admission) {
        Attempt *attempt = &dialogue->attempt;

        if (admission->count || admission->by_user != LOCKOUT_FREE)
                return;
        attempt->count_usec = policy_lockout_charge(nobodys_state(dialogue),
                                                    &admission->policy.user, admission->lock_usec);
        attempt->nobody_charged = true;
}

static void nobody_refund(const Dialogue *dialogue, const Admission *admission) {
        const Attempt *attempt = &dialogue->attempt;

        if (attempt->nobody_charged)
                policy_lockout_refund(nobodys_state(dialogue), &admission->policy.user,
                                      attempt->count_usec, admission->lock_usec);
}

/* ---- judging and charging ------------------------------------------------------------------- */

static void admission_judge(const Dialogue *dialogue, Admission *admission) {
        const StoreNetwork *network = &dialogue->words.origin.network;
        Core *core = dialogue->core;
        uint64_t until;

        admission->by_source = LOCKOUT_FREE;
        if (admission->count)
                admission->by_user =
                        policy_lockout_judge(&admission->count->state, &admission->policy.user,
                                             core_attempts_pending(core, &dialogue->attempt.count),
                                             admission->lock_usec, &admission->until_usec);
        else
                admission->by_user = judge_nobody(dialogue, admission);
        if (core_network_is(network))
                admission->by_source =
                        policy_lockout_judge(&admission->throttle.state, &admission->policy.source,
                                             core_source_pending(core, network),
                                             admission->lock_usec, &until);
}

/* What a user who is locked out tries goes on counting for the network it comes from. */
static int admission_charge(Dialogue *dialogue, StoreTxn *txn, uint64_t now_usec,
                            Admission *admission) {
        Attempt *attempt = &dialogue->attempt;
        int r = core_lock_time_keep(dialogue->core, txn, admission->lock_usec);

        if (r == 0 && core_network_is(&dialogue->words.origin.network)) {
                attempt->source_usec =
                        policy_lockout_charge(&admission->throttle.state, &admission->policy.source,
                                              admission->lock_usec);
                admission->throttle.failed_usec = now_usec;
                r = core_throttle_store(txn, &admission->throttle, &admission->policy.source,
                                        admission->lock_usec);
                attempt->source_charged = r == 0;
        }
        if (r == 0 && admission->count && admission->by_user == LOCKOUT_FREE) {
                attempt->count_usec =
                        policy_lockout_charge(&admission->count->state, &admission->policy.user,
                                              admission->lock_usec);
                r = core_count_store(txn, admission->count);
                attempt->count_charged = r == 0;
        }
        return r;
}

static void attempt_uncharged(Attempt *attempt) {
        attempt->count_charged = attempt->source_charged = attempt->nobody_charged = false;
}

/* Charged, or left waiting, or (from a throttled network) neither: then it is ready at once. */
static int admit(Dialogue *dialogue, uint64_t now_usec) {
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        _cleanup_(admission_done) Admission admission = { .count = NULL };
        Attempt *attempt = &dialogue->attempt;
        int r;

        r = store_begin(dialogue->core->store, &txn);
        if (r == 0)
                r = admission_read(dialogue, txn, now_usec, &admission);
        if (r != 0)
                return r;
        admission_judge(dialogue, &admission);
        attempt->facts.locked = admission.count && admission.by_user == LOCKOUT_LOCKED;
        attempt->facts.throttled = admission.by_source == LOCKOUT_LOCKED;
        attempt->facts.until_usec =
                core_lock_time_wall(admission.until_usec, admission.lock_usec, now_usec);
        attempt->state = ATTEMPT_READY;
        if (attempt->facts.throttled) /* all of them are: no write for each */
                return 0;
        attempt->state = ATTEMPT_WAITS;
        if (admission.by_user == LOCKOUT_WAIT || admission.by_source == LOCKOUT_WAIT)
                return 0;
        r = admission_charge(dialogue, txn, now_usec, &admission);
        if (r == 0)
                r = core_txn_commit(dialogue->core, &txn);
        if (r != 0) {
                attempt_uncharged(attempt);
                return r < 0 ? r : -EUCLEAN;
        }
        nobody_charge(dialogue, &admission);
        attempt->state = ATTEMPT_WRITTEN;
        attempt->batch = dialogue->core->batch;
        return 0;
}

static void run(Dialogue *dialogue, uint64_t now_usec) {
        _cleanup_secret_ Secret *answer = TAKE(dialogue->attempt.answer);

        dialogue->attempt.state = ATTEMPT_RUNS;
        dialogue->attempt.due_usec = delay_due(dialogue, core_boottime(dialogue->core));
        dialogue->words.lockout = dialogue->attempt.facts;
        dialogue->attempt.run(dialogue, answer, now_usec);
}

int core_attempt_begin(Dialogue *dialogue, const Secret *answer, AttemptRun run_it,
                       uint64_t now_usec) {
        Attempt *attempt = &dialogue->attempt;
        int r;

        core_attempt_done(dialogue);
        *attempt = (Attempt){ .run = run_it, .asked_usec = core_boottime(dialogue->core) };
        attempt->told_usec = attempt->asked_usec;
        r = base_secret_new(base_secret_bytes(answer), base_secret_len(answer), &attempt->answer);
        if (r == 0)
                r = admit(dialogue, now_usec);
        if (r == 0)
                wake_soon(dialogue->core); /* for its turn, or to be told to wait for one */
        return r;
}

/* ---- the end ------------------------------------------------------------------------------ */

/* A count or source whose lock, if there is one now, has to be told. */
static void ended_note(Core *core, const CountKey *key) {
        Logins *logins = core->logins;

        for (size_t i = 0; i < logins->ended_count; i++)
                if (core_count_same(&logins->ended[i], key))
                        return;
        if (logins->ended_count < ENDED_MAX)
                logins->ended[logins->ended_count++] = *key;
}

static void attempt_end(Dialogue *dialogue) {
        const CountKey source = { .network = dialogue->words.origin.network };
        Attempt *attempt = &dialogue->attempt;

        if (is_in_flight(attempt) && attempt->count_charged)
                ended_note(dialogue->core, &attempt->count);
        if (is_in_flight(attempt) && attempt->source_charged)
                ended_note(dialogue->core, &source);
        if (is_in_flight(attempt))
                wake_soon(dialogue->core);
        attempt_uncharged(attempt);
        attempt->state = ATTEMPT_ENDED;
        attempt->answer = base_secret_free(attempt->answer);
}

void core_attempt_done(Dialogue *dialogue) {
        if (dialogue->attempt.state != ATTEMPT_NONE)
                attempt_end(dialogue);
}

static int source_refund(Dialogue *dialogue, StoreTxn *txn, const LockoutPolicy *policy,
                         uint64_t lock_usec) {
        const Attempt *attempt = &dialogue->attempt;
        StoreThrottle throttle;
        int r;

        if (!attempt->source_charged)
                return 0;
        r = core_throttle_load(txn, &dialogue->words.origin.network, &throttle);
        if (r < 0)
                return r;
        policy_lockout_refund(&throttle.state, &policy->source, attempt->source_usec, lock_usec);
        return core_throttle_store(txn, &throttle, &policy->source, lock_usec);
}

/* Opens what an end changes: the policy, the present, and the count where there is one. */
static int end_read(Dialogue *dialogue, StoreTxn *txn, uint64_t now_usec, Admission *admission) {
        const CountKey *key = &dialogue->attempt.count;
        int r;

        r = core_lock_time(dialogue->core, txn, now_usec, &admission->lock_usec);
        if (r == 0)
                r = core_lockout_policy(dialogue->core, txn, key->uid, &admission->policy);
        if (r == 0 && key->uid != 0)
                r = core_count_load(txn, key, &admission->count);
        return r;
}

int core_attempt_refund(Dialogue *dialogue, StoreTxn *txn, uint64_t now_usec) {
        _cleanup_(admission_done) Admission admission = { .count = NULL };
        Attempt *attempt = &dialogue->attempt;
        int r;

        if (!is_in_flight(attempt))
                return 0;
        r = end_read(dialogue, txn, now_usec, &admission);
        if (r == 0)
                r = source_refund(dialogue, txn, &admission.policy, admission.lock_usec);
        if (r == 0 && attempt->count_charged) {
                policy_lockout_refund(&admission.count->state, &admission.policy.user,
                                      attempt->count_usec, admission.lock_usec);
                r = core_count_store(txn, admission.count);
        }
        if (r == 0) {
                nobody_refund(dialogue, &admission);
                attempt_end(dialogue);
        }
        return r;
}

int core_attempt_fail(Dialogue *dialogue, StoreTxn *txn, uint64_t now_usec) {
        _cleanup_(admission_done) Admission admission = { .count = NULL };
        Attempt *attempt = &dialogue->attempt;
        StoreLockout *count;
        int r;

        if (!is_in_flight(attempt))
                return 0;
        delay_failed(dialogue);
        r = end_read(dialogue, txn, now_usec, &admission);
        count = admission.count;
        if (r == 0 && count && !attempt->facts.throttled) {
                if (count->untold_count == 0)
                        count->untold_since_usec = now_usec;
                if (count->untold_count < UINT32_MAX)
                        count->untold_count++;
                count->failed_usec = now_usec;
                count->failed_source = dialogue->words.source;
                count->failed_service = dialogue->words.service;
                r = core_count_store(txn, count);
        }
        if (r == 0)
                attempt_end(dialogue);
        return r;
}

/* ---- success ------------------------------------------------------------------------------ */

#define COUNTS_MAX (_PLACE_MAX + PLACE_KNOWN_MAX) /* of one user */

typedef struct Untold {
        CountKey keys[COUNTS_MAX];
        size_t count;
        uint32_t failures;
        uint64_t since_usec, last_usec;
        char source[128], service[64];
} Untold;

static int untold_look(void *userdata, const StoreLockout *count) {
        Untold *untold = userdata;

        if (count->untold_count == 0)
                return 0;
        if (untold->count == COUNTS_MAX)
                return -EUCLEAN; /* more than core makes */
        untold->keys[untold->count++] = (CountKey){ count->uid, count->place, count->network };
        untold->failures += count->untold_count;
        if (untold->since_usec == 0 || count->untold_since_usec < untold->since_usec)
                untold->since_usec = count->untold_since_usec;
        if (count->failed_usec < untold->last_usec)
                return 0;
        untold->last_usec = count->failed_usec;
        snprintf(untold->source, sizeof(untold->source), "%s", count->failed_source);
        snprintf(untold->service, sizeof(untold->service), "%s", count->failed_service);
        return 0;
}

static int told_note(StoreTxn *txn, const CountKey *key) {
        _cleanup_(store_lockout_freep) StoreLockout *count = NULL;
        int r = core_count_load(txn, key, &count);

        if (r < 0)
                return r;
        count->untold_count = 0;
        return core_count_store(txn, count);
}

static void notice_write(const Untold *untold, char *ret_notice) {
        char since[32];

        ret_notice[0] = '\0';
        if (untold->failures == 0)
                return;
        base_format_rfc3339(untold->since_usec, since);
        snprintf(ret_notice, CORE_NOTICE_BYTES, "%u failed login%s since %s, last from %s (%s).",
                 untold->failures, untold->failures == 1 ? "" : "s", since,
                 untold->source[0] ? untold->source : "this machine", untold->service);
}

/* What he is told, once, of failures anywhere. */
static int notice_take(StoreTxn *txn, uid_t uid, char *ret_notice) {
        Untold untold = { .count = 0 };
        int r;

        r = store_lockout_each(txn, uid, untold_look, &untold);
        for (size_t i = 0; r == 0 && i < untold.count; i++)
                r = told_note(txn, &untold.keys[i]);
        if (r == 0)
                notice_write(&untold, ret_notice);
        return r;
}

int core_attempt_succeed(Dialogue *dialogue, StoreTxn *txn, NoticeDrafts *drafts, uint64_t now_usec,
                         char *ret_notice) {
        _cleanup_(admission_done) Admission admission = { .count = NULL };
        Attempt *attempt = &dialogue->attempt;
        uid_t uid = attempt->count.uid;
        uint32_t others;
        int r;

        ret_notice[0] = '\0';
        if (!is_in_flight(attempt) || uid == 0)
                return 0;
        r = end_read(dialogue, txn, now_usec, &admission);
        if (r == 0)
                r = source_refund(dialogue, txn, &admission.policy, admission.lock_usec);
        if (r < 0)
                return r;
        others = core_attempts_pending(dialogue->core, &attempt->count) - attempt->count_charged;
        policy_lockout_clear(&admission.count->state, &admission.policy.user, others,
                             admission.lock_usec);
        r = core_count_store(txn, admission.count);
        if (r == 0)
                r = core_login_place(drafts, txn, &dialogue->words, uid, admission.lock_usec,
                                     now_usec);
        if (r == 0)
                r = notice_take(txn, uid, ret_notice);
        if (r != 0)
                return r < 0 ? r : -EUCLEAN;
        delay_of(dialogue)->failures = 0;
        core_turn_proved(dialogue->core, &dialogue->words.origin.network);
        attempt_end(dialogue);
        return 0;
}

CoreFrom core_attempt_from(const Dialogue *dialogue) {
        Place place = dialogue->attempt.state == ATTEMPT_NONE ? dialogue->words.origin.place
                                                              : dialogue->attempt.count.place;

        switch (place) {
        case PLACE_KNOWN:
        case PLACE_SELF:
                return CORE_FROM_KNOWN;
        case PLACE_CONSOLE:
        case PLACE_OTHERS:
                return CORE_FROM_HERE;
        case PLACE_AFAR:
        case PLACE_NONE:
        case _PLACE_MAX:
                break;
        }
        return CORE_FROM_AFAR;
}

/* ---- answers that are due ----------------------------------------------------------------- */

void core_attempt_answer(Dialogue *dialogue, const CoreStep *step) {
        const CoreStep wait = { .kind = CORE_STEP_WAIT, .secret = "", .reason = "" };

        if (dialogue->attempt.due_usec <= core_boottime(dialogue->core)) {
                core_dialogue_step(dialogue, step);
                return;
        }
        dialogue->held = *step;
        dialogue->held.early = false;
        dialogue->holds = true;
        core_dialogue_step(dialogue, &wait);
}

/* The peer waits: what is held goes out when it is due. */
void core_attempt_answered(Dialogue *dialogue) {
        CoreStep held = dialogue->held;

        if (dialogue->attempt.due_usec > core_boottime(dialogue->core)) {
                dialogue->core->host.wake_at(dialogue->core->host.userdata,
                                             dialogue->attempt.due_usec);
                return;
        }
        dialogue->holds = false;
        core_dialogue_step(dialogue, &held);
}

/* ---- moving on ---------------------------------------------------------------------------- */

/* They go on in core_wake(), when the replies of this flush are out. */
void core_attempts_flushed(Core *core, uint64_t batch, int r) {
        for (Dialogue *d = core->logins->dialogues; d; d = d->next)
                if (d->attempt.state == ATTEMPT_WRITTEN && d->attempt.batch <= batch) {
                        d->attempt.state = ATTEMPT_READY;
                        d->attempt.fault = r < 0 ? r : 0;
                }
}

/* Not looked at, and so not charged. */
static void not_looked_at(Dialogue *dialogue, int r, uint64_t now_usec) {
        if (r == -EBUSY && dialogue->change)
                core_change_login_unavailable(dialogue, now_usec);
        else if (r == -EBUSY)
                core_authenticate_busy(dialogue, now_usec);
        else {
                attempt_uncharged(&dialogue->attempt);
                core_dialogue_fail(dialogue, r, NULL);
        }
}

static void wake_dialogues(Core *core, uint64_t now_usec) {
        Dialogue *next;

        for (Dialogue *d = core->logins->dialogues; d; d = next) {
                int r = 0;

                next = d->next;
                if (d->holds && d->done)
                        core_attempt_answered(d);
                else if (d->token)
                        core_token_wake(d, now_usec);
                else if (d->attempt.state == ATTEMPT_READY)
                        r = d->attempt.fault;
                else if (d->attempt.state == ATTEMPT_WAITS)
                        r = admit(d, now_usec);
                if (r < 0)
                        not_looked_at(d, r, now_usec);
        }
}

static void give_turns(Core *core, uint64_t now_usec) {
        Dialogue *next;

        while ((next = core_turn_take(core)))
                run(next, now_usec);
        for (Dialogue *d = core->logins->dialogues; d; d = next) {
                int r;

                next = d->next;
                r = core_turn_wait(d);
                if (r < 0)
                        not_looked_at(d, r, now_usec);
        }
}

void core_attempts_wake(Core *core, uint64_t now_usec) {
        Logins *logins = core->logins;

        for (size_t i = 0; i < logins->ended_count; i++)
                core_lockout_tell(core, &logins->ended[i], now_usec);
        logins->ended_count = 0;
        wake_dialogues(core, now_usec);
        give_turns(core, now_usec);
}
