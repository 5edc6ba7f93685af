/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The process's mapping of the published map: found without a lock, replaced without a lock, and
 * unmapped only when nobody reads it.
 *
 * A reader raises a count of the current mapping, looks whether it still is the current one, reads,
 * and lowers the count.  Who replaces a mapping makes the new one current first and then looks at
 * the old one's counts: a reader that came later sees that it is too late, by the order of these
 * two pairs of accesses (all sequentially consistent).  A mapping still in use is left for a later
 * replacement to unmap.  Counts are striped by thread, a cache line each, and plain where the
 * process has one thread.
 *
 * fork(2) in a process with threads may leave a count raised, or a place taken, in the child for
 * ever: the child then has one mapping or place less, nothing else; where all places are taken, a
 * lookup maps the file for itself alone.  No pid is remembered, no atfork handler is needed. */

#include <errno.h>
#include <stdatomic.h>
#include <sys/single_threaded.h>

#include "base/base.h"
#include "map/map.h"
#include "nss_um/nss_um.h"

#define PLACES  8U
#define STRIPES 16U

enum {
        PLACE_FREE,
        PLACE_BUSY, /* one thread is filling or emptying it */
        PLACE_USED, /* current, or to be unmapped */
};

typedef struct Stripe {
        _Alignas(64) uint32_t count;
} Stripe;

typedef struct Place {
        Stripe stripes[STRIPES];
        MapView view;
        uint32_t state;
} Place;

static Place places[PLACES];
static uint32_t current; /* a place's number + 1; 0: no map */

static uint32_t current_load(void) {
        return __atomic_load_n(&current, __ATOMIC_SEQ_CST);
}

/* ---- counts -------------------------------------------------------------------------------------
 */

/* Threads differ in where their errno is: no thread-local variable of our own is needed. */
static uint32_t stripe_number(void) {
        uintptr_t at = (uintptr_t)&errno;

        return (uint32_t)(at >> 12) * 0x9e3779b1U >> 28;
}

_Static_assert(STRIPES == 1U << 4, "stripe_number() gives four bits");

/* In a process of one thread only its own signal handlers can come between, and they leave a count
 * as they found it. */
static inline void count_raise(Place *place, Hold *hold) {
        hold->plain = __libc_single_threaded;
        if (hold->plain) {
                hold->count = &place->stripes[0].count;
                __atomic_store_n(hold->count, __atomic_load_n(hold->count, __ATOMIC_RELAXED) + 1,
                                 __ATOMIC_RELAXED);
                __atomic_signal_fence(__ATOMIC_SEQ_CST);
                return;
        }
        hold->count = &place->stripes[stripe_number()].count;
        __atomic_fetch_add(hold->count, 1, __ATOMIC_SEQ_CST);
}

static inline void count_lower(Hold *hold) {
        if (hold->plain) {
                __atomic_signal_fence(__ATOMIC_SEQ_CST);
                __atomic_store_n(hold->count, __atomic_load_n(hold->count, __ATOMIC_RELAXED) - 1,
                                 __ATOMIC_RELAXED);
                return;
        }
        __atomic_fetch_sub(hold->count, 1, __ATOMIC_SEQ_CST);
}

static bool place_idle(const Place *place) {
        for (size_t i = 0; i < STRIPES; i++)
                if (__atomic_load_n(&place->stripes[i].count, __ATOMIC_SEQ_CST) != 0)
                        return false;
        return true;
}

/* ---- places -------------------------------------------------------------------------------------
 */

static bool place_step(Place *place, uint32_t from, uint32_t to) {
        return __atomic_compare_exchange_n(&place->state, &from, to, false, __ATOMIC_SEQ_CST,
                                           __ATOMIC_RELAXED);
}

static void place_set(Place *place, uint32_t state) {
        __atomic_store_n(&place->state, state, __ATOMIC_SEQ_CST);
}

/* Unmaps what is no longer current and read by nobody. */
static void places_empty(void) {
        for (uint32_t i = 0; i < PLACES; i++) {
                Place *place = &places[i];

                if (current_load() == i + 1 || !place_step(place, PLACE_USED, PLACE_BUSY))
                        continue;
                if (current_load() == i + 1 || !place_idle(place)) {
                        place_set(place, PLACE_USED);
                        continue;
                }
                map_close(&place->view);
                place_set(place, PLACE_FREE);
        }
}

static uint32_t place_take(void) {
        places_empty();
        for (uint32_t i = 0; i < PLACES; i++)
                if (place_step(&places[i], PLACE_FREE, PLACE_BUSY))
                        return i;
        return PLACES;
}

/* Makes the published file current in place of `seen`, unless another thread did meanwhile.  Where
 * there is none, nothing is current any more. */
static int current_replace(uint32_t seen, uint32_t place_number) {
        Place *place = &places[place_number];
        int r;

        r = map_open(MAP_PATH, &place->view);
        if (__atomic_compare_exchange_n(&current, &seen, r < 0 ? 0 : place_number + 1, false,
                                        __ATOMIC_SEQ_CST, __ATOMIC_RELAXED) &&
            r >= 0) {
                place_set(place, PLACE_USED);
        } else {
                if (r >= 0)
                        map_close(&place->view);
                place_set(place, PLACE_FREE);
        }
        places_empty();
        return r;
}

/* ---- holding ------------------------------------------------------------------------------------
 */

/* Holds what is current, stale or not: 1, or 0 where nothing is. */
static inline int current_hold(uint32_t *ret_number, Hold *ret) {
        for (;;) {
                uint32_t number = current_load();

                *ret_number = number;
                if (number == 0)
                        return 0;
                count_raise(&places[number - 1], ret);
                if (current_load() == number) {
                        ret->view = &places[number - 1].view;
                        return 1;
                }
                count_lower(ret);
        }
}

static int alone_hold(Hold *ret) {
        int r;

        r = map_open(MAP_PATH, &ret->own);
        if (r < 0)
                return r;
        ret->view = &ret->own;
        ret->count = NULL;
        return 0;
}

/* A file found marked although just opened is on its way out: it answers this once. */
static __attribute__((noinline)) int fresh_hold(uint32_t seen, Hold *ret) {
        int saved = errno, r;

        for (;;) {
                uint32_t place = place_take();

                r = place == PLACES ? alone_hold(ret) : current_replace(seen, place);
                if (r < 0 || place == PLACES)
                        break;
                if (current_hold(&seen, ret))
                        break;
        }
        errno = saved;
        return r;
}

int mapping_hold(Hold *ret) {
        uint32_t seen;

        if (current_hold(&seen, ret)) {
                if (!map_is_stale(ret->view))
                        return 0;
                mapping_release(ret);
        }
        return fresh_hold(seen, ret);
}

void mapping_release(Hold *hold) {
        if (hold->count)
                count_lower(hold);
        else
                map_close(&hold->own);
}

/* dlclose(3) gives back what was mapped; exit(3) too runs this, with threads perhaps still reading:
 * they are counted, and what they hold stays.  Not a thread's destructor, which would run after the
 * library is gone. */
static __attribute__((destructor)) void mapping_unload(void) {
        __atomic_store_n(&current, 0, __ATOMIC_SEQ_CST);
        places_empty();
}
