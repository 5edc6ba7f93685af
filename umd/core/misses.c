/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Failed logins, in the log: who was guessed at, and from where.  Whoever guesses decides how
 * often, so what is written has a ceiling that he cannot move (SECURITY 41).  In a period (an hour
 * from the first one on) the first failures of each user from each network are an entry each; those
 * that follow are counted, and told in one entry when the period is over.  Names nobody has are one
 * user together.
 *
 * Networks are no ceiling by themselves, an attacker has many: a period has a limit of pairs too,
 * with places that only users of um can take, and what is beyond it is one more number.  What locks
 * and what throttles does not count here (attempts.c): nothing is let through for want of a place.
 * All of it is in memory: a restart, which no guess can bring about, begins a period. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "umd/core/login.h"

typedef struct Miss {
        uid_t uid; /* 0: of names nobody has */
        char name[BASE_NAME_MAX + 1];
        StoreNetwork network;
        unsigned told;
        uint64_t untold;
} Miss;

struct Misses {
        uint64_t began_usec; /* 0: no period */
        Miss pairs[CORE_MISSED_PAIRS];
        size_t count, unknown;
        uint64_t others; /* failures that have no place */
};

int core_misses_new(Misses **ret) {
        Misses *misses = calloc(1, sizeof(*misses));

        if (!misses)
                return -ENOMEM;
        *ret = misses;
        return 0;
}

/* ---- what was only counted ---------------------------------------------------------------- */

static int counts_write(Core *core, uint64_t now_usec) {
        const RepeatedKind kind = { "login", "authenticate.repeated",
                                    core_reason_word(POLICY_REASON_BAD_PROOF) };
        const Misses *misses = core->misses;
        Repeated rows[CORE_MISSED_PAIRS + 1];

        for (size_t i = 0; i < misses->count; i++) {
                const Miss *miss = &misses->pairs[i];

                rows[i] = (Repeated){ .count = miss->untold,
                                      .actor = (uid_t)-1,
                                      .user = miss->uid != 0 ? miss->name : NULL,
                                      .object_id = miss->uid,
                                      .network = &miss->network };
        }
        rows[misses->count] = (Repeated){ .count = misses->others, .actor = (uid_t)-1 };
        return core_repeated_tell(core, &kind, rows, misses->count + 1, misses->began_usec,
                                  now_usec);
}

int core_misses_tell(Core *core, uint64_t now_usec) {
        int r = counts_write(core, now_usec);

        if (r == 0)
                *core->misses = (Misses){ 0 };
        return r;
}

int core_misses_tick(Core *core, uint64_t now_usec) {
        return core_repeated_is_due(core->misses->began_usec, CORE_MISSED_PERIOD_USEC, now_usec)
                       ? core_misses_tell(core, now_usec)
                       : 0;
}

/* ---- the period --------------------------------------------------------------------------- */

/* The pair's place, or NULL where it has none. */
static Miss *miss_get(Misses *misses, const StoreUser *user, const StoreNetwork *network) {
        uid_t uid = user ? user->uid : 0;
        Miss *miss;

        for (size_t i = 0; i < misses->count; i++) {
                miss = &misses->pairs[i];
                if (miss->uid == uid && memcmp(&miss->network, network, sizeof(*network)) == 0)
                        return miss;
        }
        if (misses->count == CORE_MISSED_PAIRS || (!user && misses->unknown == CORE_MISSED_UNKNOWN))
                return NULL;
        miss = &misses->pairs[misses->count++];
        *miss = (Miss){ .uid = uid, .network = *network };
        if (user)
                snprintf(miss->name, sizeof(miss->name), "%s", user->name);
        misses->unknown += !user;
        return miss;
}

void core_misses_renew(Core *core, uid_t uid) {
        Misses *misses = core->misses;

        for (size_t i = 0; i < misses->count; i++)
                if (misses->pairs[i].uid == uid)
                        misses->pairs[i].told = 0;
}

static bool is_entry(Core *core, const LoginWords *words, const StoreUser *user,
                     uint64_t now_usec) {
        Misses *misses = core->misses;
        Miss *miss;

        if (misses->began_usec == 0)
                misses->began_usec = now_usec;
        miss = miss_get(misses, user, &words->origin.network);
        if (!miss)
                misses->others++;
        else if (miss->told == CORE_MISSED_TOLD)
                miss->untold++;
        else {
                miss->told++;
                return true;
        }
        return false;
}

/* Without an entry something else is written: whether an answer waits for the disk must not say
 * that a name is one of many nobody has (SECURITY 142). */
int core_missed(Core *core, StoreTxn *txn, const LoginWords *words, const StoreUser *user,
                uint64_t now_usec, bool *ret_entry) {
        uint64_t lock_usec;
        int r;

        *ret_entry = is_entry(core, words, user, now_usec);
        if (*ret_entry)
                return 0;
        r = core_lock_time(core, txn, now_usec, &lock_usec);
        return r == 0 ? core_lock_time_keep(core, txn, lock_usec) : r;
}
