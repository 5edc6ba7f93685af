/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Lockout (FEATURES C5, C7, C13): failures are counted for each user at each place he may come
 * from, so that what strangers do leaves the owner his console, his own machine and the networks he
 * is known from; and for each network, whoever was meant.
 *
 * An attempt is charged as a failure, durably, before the vault is asked.  Its success takes the
 * charge back in the transaction that writes the success.  lockout.c has the counts, attempts.c
 * what a dialogue goes through, lock_time.c the clock. */

#include "umd/core/core.h"
#include "umd/core/internal.h"

/* ---- lock time ---------------------------------------------------------------------------- */

/* Now on the clock of locks; a fault where what it goes on from cannot be read.  now_usec is the
 * wall clock. */
int core_lock_time(Core *core, StoreTxn *txn, uint64_t now_usec, uint64_t *ret);
/* Notes the present with what is written at it. */
int core_lock_time_keep(Core *core, StoreTxn *txn, uint64_t lock_usec);
/* What a moment of lock time is on the wall clock, as far as anybody can tell. */
uint64_t core_lock_time_wall(uint64_t lock_usec, uint64_t lock_now_usec, uint64_t now_usec);

/* ---- places ------------------------------------------------------------------------------- */

/* Each has a count of its own.  The numbers stand in the store. */
typedef enum Place {
        PLACE_NONE,
        PLACE_AFAR,    /* a network he is not known from */
        PLACE_OTHERS,  /* here, by somebody else: su */
        PLACE_CONSOLE, /* here, by nobody yet: login */
        PLACE_SELF,    /* here, by himself: sudo, passwd, a screen's lock */
        PLACE_KNOWN,   /* a network he proved who he is from within PLACE_KNOWN_USEC */
        _PLACE_MAX,
} Place;

#define PLACE_KNOWN_USEC (30 * 86400 * USEC_PER_SEC)
#define PLACE_KNOWN_MAX  8U /* of one user: a proof from one more pushes the oldest out */

typedef struct Origin {
        Place place;          /* by what the login says alone: never PLACE_KNOWN */
        StoreNetwork network; /* zeroed where it is from here */
        bool by_root;         /* root begins it himself: there is nothing to guess */
} Origin;

/* An address in text, as it stands in LoginWords.source; "" is from here. */
void core_network_of(const Core *core, const char *source, StoreNetwork *ret);
bool core_network_is(const StoreNetwork *network); /* any at all? */
/* "203.0.113.9", "2001:db8::/64"; "a host without an address". */
void core_network_text(const StoreNetwork *network, char *buf, size_t size);

/* ---- counts ------------------------------------------------------------------------------- */

typedef struct LockoutPolicy {
        LockoutRules user, source;
        bool spare_known;
} LockoutPolicy;

/* uid 0: what the company's defaults are, for names nobody has. */
int core_lockout_policy(Core *core, StoreTxn *txn, uid_t uid, LockoutPolicy *ret);

/* Which count of a user an attempt belongs to. */
typedef struct CountKey {
        uid_t uid; /* 0: nobody's */
        Place place;
        StoreNetwork network; /* with PLACE_KNOWN */
} CountKey;

int core_count_key(StoreTxn *txn, const LockoutPolicy *policy, const Origin *origin, uid_t uid,
                   uint64_t lock_usec, CountKey *ret);
bool core_count_same(const CountKey *a, const CountKey *b);
/* The count, or one that says "nothing failed". */
int core_count_load(StoreTxn *txn, const CountKey *key, StoreLockout **ret);
/* Charges of the count whose attempts have not ended. */
uint32_t core_attempts_pending(const Core *core, const CountKey *key);
uint32_t core_source_pending(const Core *core, const StoreNetwork *network); /* ... of a network */
/* Writes it, or takes the row away where it says nothing. */
int core_count_store(StoreTxn *txn, const StoreLockout *count);
#define THROTTLES_MAX 1024U /* networks that are counted at once */

int core_throttle_load(StoreTxn *txn, const StoreNetwork *network, StoreThrottle *ret);
/* The same; a new one may push another out (docs/api/store.md). */
int core_throttle_store(StoreTxn *txn, const StoreThrottle *throttle, const LockoutRules *rules,
                        uint64_t lock_usec);
/* He proved who he is, from there: the network is known from now on.  Writes at most once a day.
 * *ret_strange: others are known, and this one was not. */
int core_place_proved(StoreTxn *txn, const StoreNetwork *network, uid_t uid, uint64_t lock_usec,
                      uint64_t now_usec, bool *ret_strange);
/* Is he known from there, whatever the policy makes of it, and since when (wall clock)?  1 or 0. */
int core_place_known(StoreTxn *txn, const StoreNetwork *network, uid_t uid, uint64_t lock_usec,
                     uint64_t *ret_since);

/* What stands against a login of which nothing is guessed (a key). */
typedef struct LockoutFacts {
        bool locked, throttled;
        uint64_t until_usec; /* wall clock; USEC_INFINITY: until somebody unlocks */
} LockoutFacts;

int core_lockout_facts(Core *core, StoreTxn *txn, const Origin *origin, uid_t uid,
                       uint64_t now_usec, LockoutFacts *ret);

/* What is told of a user's failures, all places together. */
typedef struct LockoutView {
        bool locked;         /* at one place at least */
        uint64_t until_usec; /* wall clock, the last of them; USEC_INFINITY: until unlocked */
        const char *places;  /* static: where he is locked: "strangers", "console", ... */
        uint32_t failures;   /* of the count that is locked, or the largest */
        uint64_t last_usec;  /* wall clock; 0: nothing failed */
        char source[128], service[64]; /* of the last one */
} LockoutView;

int core_lockout_view(Core *core, StoreTxn *txn, uid_t uid, uint64_t now_usec, LockoutView *ret);
/* Forgets all failures of the user; the networks he is known from stay. */
int core_lockout_forget(StoreTxn *txn, uid_t uid);
/* "5 failures, last from 203.0.113.9 sshd at ...": for people; "" where nothing failed. */
void core_lockout_text(const LockoutView *view, char *buf, size_t size);
/* An attempt of the count (uid 0: of the network) has ended: if that made a lock, it is written
 * into the log, as an event and for the host's log. */
void core_lockout_tell(Core *core, const CountKey *key, uint64_t now_usec);

/* ---- an attempt --------------------------------------------------------------------------- */

typedef enum AttemptState {
        ATTEMPT_NONE,
        ATTEMPT_WAITS,   /* all that is left is being tried */
        ATTEMPT_WRITTEN, /* charged; it goes on when that is durable */
        ATTEMPT_READY,   /* ... as it is now, or with a fault: it waits for its turn */
        ATTEMPT_RUNS,
        ATTEMPT_ENDED,
        _ATTEMPT_STATE_MAX,
} AttemptState;

struct Dialogue;
typedef void (*AttemptRun)(struct Dialogue *dialogue, const Secret *answer, uint64_t now_usec);

/* Of a dialogue that gave an answer that may be a guess. */
typedef struct Attempt {
        AttemptState state;
        Secret *answer;
        AttemptRun run;
        uint64_t batch; /* WRITTEN: that of the charge */
        int fault;      /* READY */
        CountKey count;
        bool count_charged, source_charged, nobody_charged;
        uint64_t count_usec, source_usec; /* under which it was charged */
        LockoutFacts facts;               /* as it was admitted */
        uint64_t due_usec;                /* boottime: not answered before */
        uint64_t asked_usec, told_usec;   /* boottime: it came; its peer last heard of it */
} Attempt;

/* Charges the answer; run is called, by core_attempts_wake() and never before this returns, when it
 * may be looked at, with attempt.facts saying whether it may be right at all.  A fault: nothing was
 * charged and run is not called. */
int core_attempt_begin(struct Dialogue *dialogue, const Secret *answer, AttemptRun run,
                       uint64_t now_usec);
/* It was right: in the transaction that says so.  ret_notice (CORE_NOTICE_BYTES) is what the user
 * is told of failures since the last time; "" for nothing. */
#define CORE_NOTICE_BYTES 320U
int core_attempt_succeed(struct Dialogue *dialogue, StoreTxn *txn, NoticeDrafts *drafts,
                         uint64_t now_usec, char *ret_notice);
/* It was wrong, or may not be right: in the transaction that says so. */
int core_attempt_fail(struct Dialogue *dialogue, StoreTxn *txn, uint64_t now_usec);
/* Nobody looked at it. */
int core_attempt_refund(struct Dialogue *dialogue, StoreTxn *txn, uint64_t now_usec);
/* The dialogue goes: what was charged and did not succeed stays. */
void core_attempt_done(struct Dialogue *dialogue);
/* Hands a step out that the answer led to, when it is due: until then the peer is told to wait. */
void core_attempt_answer(struct Dialogue *dialogue, const CoreStep *step);
void core_attempt_answered(struct Dialogue *dialogue); /* ... and the peer waits */
/* An administrator unlocks him: his answers come at once again. */
void core_delays_forget(Core *core, const char *name);
/* Of late, for the name as it was typed, where the attempt comes from. */
uint32_t core_attempt_failures(const struct Dialogue *dialogue);
/* The vault's own bound goes by this. */
CoreFrom core_attempt_from(const struct Dialogue *dialogue);

#define ENDED_MAX 64U /* counts whose lock may have to be told */

/* The batch is durable (r 0), or lost: what waited for it goes on with core_attempts_wake(). */
void core_attempts_flushed(Core *core, uint64_t batch, int r);
/* Moves on what waits: attempts, answers that are due, locks to be told. */
void core_attempts_wake(Core *core, uint64_t now_usec);

/* ---- turns (turns.c) ---------------------------------------------------------------------- */

#define PROVED_MAX 4096U /* networks from which somebody got in; in memory, for this run */

/* Somebody got in from there. */
void core_turn_proved(Core *core, const StoreNetwork *network);
bool core_turn_is_proved(const Core *core, const StoreNetwork *network);
/* The dialogue whose attempt runs next, or NULL: the vault has enough, or nobody waits. */
struct Dialogue *core_turn_take(Core *core);
/* Has it an attempt whose turn has not come: it waits for another's end, for its charge to be
 * durable, or for the vault? */
bool core_turn_awaited(const struct Dialogue *dialogue);
/* Its peer was told to wait, and does. */
void core_turn_came_back(struct Dialogue *dialogue);
/* Tells the peer of one that waits to go on waiting, when that is due; -EBUSY: it did so for long
 * enough. */
int core_turn_wait(struct Dialogue *dialogue);

/* ---- delays ------------------------------------------------------------------------------- */

/* After failures answers come late, by the name and the place they were for, whoever has it or
 * nobody: names of users and of nobody share the same few places, so the delay says nothing.  In
 * memory, for this run. */
#define DELAYS_MAX     4096U
#define DELAY_AGE_USEC (900 * USEC_PER_SEC) /* failures before that are forgotten */

typedef struct Delay {
        uint32_t failures;
        uint64_t last_usec;  /* boottime */
        LockoutState nobody; /* of names nobody has */
} Delay;
