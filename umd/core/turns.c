/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whose answer is looked at next.  A hash costs a processor for milliseconds, so of a crowd only as
 * many are with the vault as keep it busy; the others wait here, and their peers are told so before
 * they give up.
 *
 * First come people at this machine and networks from which somebody got in, then names nobody has
 * guessed at, then the rest, and last whoever comes from a network that is throttled, for whom only
 * time is spent; of each, whoever has waited longest.  Every fourth turn is the longest waiter's
 * whoever he is.  Names and networks count as they are typed and seen, never as um knows them: who
 * waits how long says nothing about who exists. */

#include <errno.h>

#include "umd/core/lockout.h"
#include "umd/core/login.h"

#define TURNS_MAX      16U /* at the vault at once: two of each of its workers, eight at most */
#define TURNS_LANE_MAX 8U  /* ... of one lane: it works on one of them after the other */
#define TURN_FAIR      4U  /* each so many-th is the longest waiter's */

/* A peer of root's gives up after 4.5 s without a word (pam_um). */
#define TURN_TELL_USEC (2 * USEC_PER_SEC)
#define TURN_LAST_USEC (30 * USEC_PER_SEC)

/* ---- networks somebody got in from -------------------------------------------------------- */

static uint64_t network_hash(const Core *core, const StoreNetwork *network) {
        return core_hash(core->lane_key, network, sizeof(*network));
}

void core_turn_proved(Core *core, const StoreNetwork *network) {
        uint64_t hash = network_hash(core, network);

        if (core_network_is(network))
                core->logins->proved[hash % PROVED_MAX] = hash;
}

bool core_turn_is_proved(const Core *core, const StoreNetwork *network) {
        uint64_t hash = network_hash(core, network);

        return core->logins->proved[hash % PROVED_MAX] == hash;
}

/* ---- the order ---------------------------------------------------------------------------- */

typedef enum Rank {
        RANK_THROTTLED, /* nothing is looked at: only its time is spent */
        RANK_GUESSED_AT,
        RANK_FRESH,
        RANK_TRUSTED,
        _RANK_MAX,
} Rank;

static Rank rank_of(const Dialogue *dialogue) {
        const StoreNetwork *network = &dialogue->words.origin.network;

        if (dialogue->attempt.facts.throttled)
                return RANK_THROTTLED;
        if (!core_network_is(network) || core_turn_is_proved(dialogue->core, network))
                return RANK_TRUSTED;
        return core_attempt_failures(dialogue) == 0 ? RANK_FRESH : RANK_GUESSED_AT;
}

static bool is_before(const Dialogue *a, const Dialogue *b, bool fair) {
        Rank x = fair ? RANK_FRESH : rank_of(a), y = fair ? RANK_FRESH : rank_of(b);

        return x != y ? x > y : a->attempt.asked_usec < b->attempt.asked_usec;
}

/* What is with the vault, read once for each turn: of a crowd everybody is asked about it.  Those
 * whose peers have hung up count: else who comes and goes fills the vault. */
typedef struct Running {
        VaultLane lanes[TURNS_MAX];
        size_t count; /* TURNS_MAX: there may be more */
} Running;

static bool lane_has_room(const Running *running, const Dialogue *dialogue) {
        CoreFrom from = core_attempt_from(dialogue);
        unsigned count = 0;

        for (size_t i = 0; running->count >= TURNS_LANE_MAX && i < running->count; i++)
                count += running->lanes[i].name == dialogue->words.lane &&
                         running->lanes[i].from == from;
        return count < TURNS_LANE_MAX;
}

/* Whose peer was told to wait, and is not back yet, has nobody to be answered to. */
static bool is_ready(const Dialogue *dialogue) {
        return dialogue->attempt.state == ATTEMPT_READY && dialogue->done;
}

static Dialogue *turn_next(Core *core, const Running *running) {
        bool fair = core->logins->turns % TURN_FAIR == 0;
        Dialogue *best = NULL;

        for (Dialogue *d = core->logins->dialogues; d; d = d->next)
                if (is_ready(d) && (!best || is_before(d, best, fair)) && lane_has_room(running, d))
                        best = d;
        return best;
}

Dialogue *core_turn_take(Core *core) {
        Running running;
        Dialogue *next;

        running.count = core_vault_hashing(core, running.lanes, TURNS_MAX);
        next = running.count < TURNS_MAX ? turn_next(core, &running) : NULL;
        if (next)
                core->logins->turns++;
        return next;
}

/* ---- waiting ------------------------------------------------------------------------------ */

bool core_turn_awaited(const Dialogue *dialogue) {
        return dialogue->attempt.state == ATTEMPT_WAITS ||
               dialogue->attempt.state == ATTEMPT_WRITTEN ||
               dialogue->attempt.state == ATTEMPT_READY;
}

void core_turn_came_back(Dialogue *dialogue) {
        const CoreHost *host = &dialogue->core->host;

        dialogue->attempt.told_usec = core_boottime(dialogue->core);
        host->wake_at(host->userdata, 0);
}

int core_turn_wait(Dialogue *dialogue) {
        const CoreStep wait = { .kind = CORE_STEP_WAIT, .secret = "", .reason = "" };
        const Attempt *attempt = &dialogue->attempt;
        const CoreHost *host = &dialogue->core->host;
        uint64_t now_usec = core_boottime(dialogue->core), due_usec;

        if (!core_turn_awaited(dialogue) || !dialogue->done)
                return 0;
        if (core_later(attempt->asked_usec, TURN_LAST_USEC) <= now_usec)
                return -EBUSY;
        due_usec = core_later(attempt->told_usec, TURN_TELL_USEC);
        if (due_usec <= now_usec)
                core_dialogue_step(dialogue, &wait);
        else
                host->wake_at(host->userdata, due_usec);
        return 0;
}
