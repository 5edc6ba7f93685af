/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The counts of failures: which one an attempt belongs to, what stands in it, and what is told of
 * it.  A network becomes known by a proof alone, so nobody can make one known, or push another out
 * of a user's eight, by trying. */

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "umd/core/lockout.h"

#define PROVED_AGAIN_USEC (86400 * USEC_PER_SEC)

/* ---- networks ----------------------------------------------------------------------------- */

void core_network_of(const Core *core, const char *source, StoreNetwork *ret) {
        StoreNetwork network = { 0 };
        struct in6_addr six;
        struct in_addr four;
        uint64_t hash;

        if (inet_pton(AF_INET, source, &four) == 1) {
                network.bytes[0] = STORE_NETWORK_FOUR;
                memcpy(network.bytes + 1, &four, sizeof(four));
        } else if (inet_pton(AF_INET6, source, &six) == 1) {
                network.bytes[0] = STORE_NETWORK_SIX;
                memcpy(network.bytes + 1, &six, 8); /* a /64 is one subscriber's */
        } else if (source[0]) {
                hash = core_hash(store_id(core->store), source, strlen(source));
                network.bytes[0] = STORE_NETWORK_NAME;
                memcpy(network.bytes + 1, &hash, sizeof(hash));
        }
        *ret = network;
}

bool core_network_is(const StoreNetwork *network) {
        return network->bytes[0] != 0;
}

void core_network_text(const StoreNetwork *network, char *buf, size_t size) {
        struct in6_addr six = { 0 };
        char text[INET6_ADDRSTRLEN];

        snprintf(buf, size, "a host without an address");
        if (network->bytes[0] == STORE_NETWORK_FOUR)
                inet_ntop(AF_INET, network->bytes + 1, buf, (socklen_t)size);
        if (network->bytes[0] != STORE_NETWORK_SIX)
                return;
        memcpy(&six, network->bytes + 1, 8);
        if (inet_ntop(AF_INET6, &six, text, sizeof(text)))
                snprintf(buf, size, "%s/64", text);
}

static bool same_network(const StoreNetwork *a, const StoreNetwork *b) {
        return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

/* ---- rules -------------------------------------------------------------------------------- */

int core_lockout_policy(Core *core, StoreTxn *txn, uid_t uid, LockoutPolicy *ret) {
        PolicyValues own, company;
        int r;

        r = core_policy_values(core, txn, 0, &company);
        if (r == 0)
                r = core_policy_values(core, txn, uid, &own);
        if (r < 0)
                return r;
        *ret = (LockoutPolicy){
                .user = { own.lockout_attempts, own.lockout_window_usec,
                          own.lockout_duration_usec },
                .source = { company.lockout_source_attempts, company.lockout_window_usec, 0 },
                .spare_known = own.lockout_spare_known,
        };
        return 0;
}

/* ---- rows --------------------------------------------------------------------------------- */

static bool is_known(const StoreLockout *count, uint64_t lock_usec) {
        return core_later(count->proved_usec, PLACE_KNOWN_USEC) > lock_usec;
}

int core_count_key(StoreTxn *txn, const LockoutPolicy *policy, const Origin *origin, uid_t uid,
                   uint64_t lock_usec, CountKey *ret) {
        _cleanup_(store_lockout_freep) StoreLockout *known = NULL;
        CountKey key = { .uid = uid, .place = origin->place };
        int r = STORE_E_MISSING;

        if (uid != 0 && policy->spare_known && core_network_is(&origin->network))
                r = store_lockout_get(txn, uid, PLACE_KNOWN, &origin->network, &known);
        if (r < 0)
                return r;
        if (r == 0 && is_known(known, lock_usec)) {
                key.place = PLACE_KNOWN;
                key.network = origin->network;
        }
        *ret = key;
        return 0;
}

bool core_count_same(const CountKey *a, const CountKey *b) {
        return a->uid == b->uid && a->place == b->place && same_network(&a->network, &b->network);
}

int core_count_load(StoreTxn *txn, const CountKey *key, StoreLockout **ret) {
        StoreLockout *count;
        int r;

        r = store_lockout_get(txn, key->uid, key->place, &key->network, ret);
        if (r != STORE_E_MISSING)
                return r;
        count = calloc(1, sizeof(*count));
        if (!count)
                return -ENOMEM;
        count->uid = key->uid;
        count->place = key->place;
        count->network = key->network;
        count->failed_source = count->failed_service = "";
        *ret = count;
        return 0;
}

static int missing_is_fine(int r) {
        return r == STORE_E_MISSING ? 0 : r;
}

int core_count_store(StoreTxn *txn, const StoreLockout *count) {
        if (count->state.failure_count == 0 && count->state.locked_until_usec == 0 &&
            count->proved_usec == 0 && count->untold_count == 0)
                return missing_is_fine(
                        store_lockout_delete(txn, count->uid, count->place, &count->network));
        return store_lockout_put(txn, count);
}

int core_throttle_load(StoreTxn *txn, const StoreNetwork *network, StoreThrottle *ret) {
        int r = store_throttle_get(txn, network, ret);

        if (r != STORE_E_MISSING)
                return r;
        *ret = (StoreThrottle){ .network = *network };
        return 0;
}

/* Which row goes where there are too many: of those that hold nobody off, or else of all, the one
 * that failed longest ago. */
typedef struct Eviction {
        const LockoutRules *rules;
        uint64_t lock_usec, oldest_usec;
        StoreNetwork network, oldest;
        bool harmless, there;
        size_t count;
} Eviction;

static int consider(void *userdata, const StoreThrottle *throttle) {
        Eviction *eviction = userdata;
        uint64_t last = policy_lockout_last(&throttle->state), until;
        bool harmless = policy_lockout_judge(&throttle->state, eviction->rules, 0,
                                             eviction->lock_usec, &until) == LOCKOUT_FREE;

        if (same_network(&throttle->network, &eviction->network))
                eviction->there = true;
        if (eviction->count++ > 0 &&
            (harmless == eviction->harmless ? last >= eviction->oldest_usec : !harmless))
                return 0;
        eviction->oldest = throttle->network;
        eviction->oldest_usec = last;
        eviction->harmless = harmless;
        return 0;
}

int core_throttle_store(StoreTxn *txn, const StoreThrottle *throttle, const LockoutRules *rules,
                        uint64_t lock_usec) {
        Eviction eviction = { .rules = rules,
                              .lock_usec = lock_usec,
                              .network = throttle->network };
        bool first = throttle->state.failure_count == 1 && throttle->state.failures[0].count == 1;
        int r = 0;

        if (throttle->state.failure_count == 0)
                return missing_is_fine(store_throttle_delete(txn, &throttle->network));
        if (first) /* it may be new */
                r = store_throttle_each(txn, consider, &eviction);
        if (r == 0 && !eviction.there && eviction.count >= THROTTLES_MAX)
                r = store_throttle_delete(txn, &eviction.oldest);
        return r != 0 ? r : store_throttle_put(txn, throttle);
}

/* ---- known networks ----------------------------------------------------------------------- */

typedef struct Known {
        size_t count;
        bool there;
        StoreNetwork network, oldest;
        uint64_t oldest_usec;
} Known;

static int known_look(void *userdata, const StoreLockout *count) {
        Known *known = userdata;

        if (count->place != PLACE_KNOWN)
                return 0;
        if (same_network(&count->network, &known->network))
                known->there = true;
        if (known->count++ == 0 || count->proved_usec < known->oldest_usec) {
                known->oldest = count->network;
                known->oldest_usec = count->proved_usec;
        }
        return 0;
}

int core_place_known(StoreTxn *txn, const StoreNetwork *network, uid_t uid, uint64_t lock_usec,
                     uint64_t *ret_since) {
        _cleanup_(store_lockout_freep) StoreLockout *count = NULL;
        int r;

        if (uid == 0 || !core_network_is(network))
                return 0;
        r = store_lockout_get(txn, uid, PLACE_KNOWN, network, &count);
        if (r != 0)
                return r < 0 ? r : 0;
        *ret_since = count->known_usec;
        return is_known(count, lock_usec);
}

int core_place_proved(StoreTxn *txn, const StoreNetwork *network, uid_t uid, uint64_t lock_usec,
                      uint64_t now_usec, bool *ret_strange) {
        const CountKey key = { uid, PLACE_KNOWN, *network };
        _cleanup_(store_lockout_freep) StoreLockout *count = NULL;
        Known known = { .network = *network };
        int r;

        *ret_strange = false;
        if (uid == 0 || !core_network_is(network))
                return 0;
        r = core_count_load(txn, &key, &count);
        if (r < 0)
                return r;
        if (count->proved_usec != 0 &&
            core_later(count->proved_usec, PROVED_AGAIN_USEC) > lock_usec)
                return 0;
        if (count->proved_usec == 0)
                r = store_lockout_each(txn, uid, known_look, &known);
        if (r == 0 && !known.there && known.count >= PLACE_KNOWN_MAX)
                r = store_lockout_delete(txn, uid, PLACE_KNOWN, &known.oldest);
        *ret_strange = r == 0 && count->proved_usec == 0 && known.count > 0;
        if (count->proved_usec == 0 || !is_known(count, lock_usec))
                count->known_usec = now_usec;
        count->proved_usec = lock_usec;
        return r != 0 ? r : core_count_store(txn, count);
}

/* ---- a login without a guess -------------------------------------------------------------- */

static int throttled_now(StoreTxn *txn, const LockoutPolicy *policy, const StoreNetwork *network,
                         uint64_t lock_usec, bool *ret) {
        StoreThrottle throttle;
        uint64_t until;
        int r;

        *ret = false;
        if (!core_network_is(network))
                return 0;
        r = core_throttle_load(txn, network, &throttle);
        if (r == 0)
                *ret = policy_lockout_judge(&throttle.state, &policy->source, 0, lock_usec,
                                            &until) != LOCKOUT_FREE;
        return r;
}

int core_lockout_facts(Core *core, StoreTxn *txn, const Origin *origin, uid_t uid,
                       uint64_t now_usec, LockoutFacts *ret) {
        _cleanup_(store_lockout_freep) StoreLockout *count = NULL;
        LockoutFacts facts = { 0 };
        LockoutPolicy policy;
        uint64_t lock_usec, until = 0;
        CountKey key;
        int r;

        r = core_lock_time(core, txn, now_usec, &lock_usec);
        if (r == 0)
                r = core_lockout_policy(core, txn, uid, &policy);
        if (r == 0)
                r = core_count_key(txn, &policy, origin, uid, lock_usec, &key);
        if (r == 0)
                r = core_count_load(txn, &key, &count);
        if (r == 0)
                r = throttled_now(txn, &policy, &origin->network, lock_usec, &facts.throttled);
        if (r < 0)
                return r;
        /* a lock that attempts may still take back is none yet */
        facts.locked =
                policy_lockout_judge(&count->state, &policy.user, core_attempts_pending(core, &key),
                                     lock_usec, &until) == LOCKOUT_LOCKED;
        facts.until_usec = core_lock_time_wall(until, lock_usec, now_usec);
        *ret = facts;
        return 0;
}

/* ---- what is told ------------------------------------------------------------------------- */

static const char *const place_words[_PLACE_MAX] = {
        [PLACE_NONE] = "nowhere",
        [PLACE_AFAR] = "other networks",
        [PLACE_OTHERS] = "other users here",
        [PLACE_CONSOLE] = "the console",
        [PLACE_SELF] = "his own sessions",
        [PLACE_KNOWN] = "a network he is known from",
};

typedef struct Viewing {
        LockoutView view;
        Core *core;
        StoreTxn *txn;
        bool read; /* policy and lock_usec are */
        LockoutPolicy policy;
        uint64_t lock_usec, now_usec;
} Viewing;

/* Most users have no row: a list of them reads no policy. */
static int view_read(Viewing *viewing, uid_t uid) {
        int r;

        if (viewing->read)
                return 0;
        r = core_lock_time(viewing->core, viewing->txn, viewing->now_usec, &viewing->lock_usec);
        if (r == 0)
                r = core_lockout_policy(viewing->core, viewing->txn, uid, &viewing->policy);
        viewing->read = r == 0;
        return r;
}

static void view_take(Viewing *viewing, const StoreLockout *count) {
        const LockoutRules *rules = &viewing->policy.user;
        LockoutView *view = &viewing->view;
        uint32_t failures = policy_lockout_count(&count->state, rules, viewing->lock_usec);
        uint64_t until = 0;
        bool locked = policy_lockout_judge(&count->state, rules, 0, viewing->lock_usec, &until) ==
                      LOCKOUT_LOCKED;

        until = core_lock_time_wall(until, viewing->lock_usec, viewing->now_usec);
        if (failures > 0 && count->failed_usec > view->last_usec) {
                view->last_usec = count->failed_usec;
                snprintf(view->source, sizeof(view->source), "%s", count->failed_source);
                snprintf(view->service, sizeof(view->service), "%s", count->failed_service);
        }
        if (locked && (!view->locked || until > view->until_usec)) {
                view->until_usec = until;
                view->places = count->place < _PLACE_MAX ? place_words[count->place] : "";
        }
        if (locked == view->locked ? failures > view->failures : locked)
                view->failures = failures;
        view->locked |= locked;
}

static int view_add(void *userdata, const StoreLockout *count) {
        Viewing *viewing = userdata;
        int r = view_read(viewing, count->uid);

        if (r == 0)
                view_take(viewing, count);
        return r;
}

int core_lockout_view(Core *core, StoreTxn *txn, uid_t uid, uint64_t now_usec, LockoutView *ret) {
        Viewing viewing = {
                .view = { .places = "" }, .core = core, .txn = txn, .now_usec = now_usec
        };
        int r;

        r = store_lockout_each(txn, uid, view_add, &viewing);
        if (r == 0)
                *ret = viewing.view;
        return r;
}

void core_lockout_text(const LockoutView *view, char *buf, size_t size) {
        char when[32];
        Text text;

        base_text_init(&text, buf, size);
        if (view->failures == 0)
                return;
        base_text_addf(&text, "%u failure%s", view->failures, view->failures == 1 ? "" : "s");
        if (view->last_usec == 0)
                return;
        base_format_rfc3339(view->last_usec, when);
        base_text_addf(&text, ", last from %s %s at %s",
                       view->source[0] ? view->source : "this machine", view->service, when);
}

/* ---- forgetting --------------------------------------------------------------------------- */

typedef struct Forgotten {
        StoreLockout counts[_PLACE_MAX + PLACE_KNOWN_MAX];
        size_t count;
} Forgotten;

static int forget_look(void *userdata, const StoreLockout *count) {
        Forgotten *forgotten = userdata;

        if (forgotten->count == ARRAY_LENGTH(forgotten->counts))
                return -EUCLEAN; /* more than core makes */
        forgotten->counts[forgotten->count] = *count;
        forgotten->counts[forgotten->count].failed_source = "";
        forgotten->counts[forgotten->count].failed_service = "";
        forgotten->counts[forgotten->count++].state = (LockoutState){ 0 };
        return 0;
}

int core_lockout_forget(StoreTxn *txn, uid_t uid) {
        Forgotten forgotten = { .count = 0 };
        int r;

        r = store_lockout_each(txn, uid, forget_look, &forgotten);
        for (size_t i = 0; r == 0 && i < forgotten.count; i++) {
                forgotten.counts[i].untold_count = 0;
                forgotten.counts[i].failed_usec = 0;
                r = core_count_store(txn, &forgotten.counts[i]);
        }
        return r;
}
