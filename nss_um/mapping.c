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
static Place *current; /* NULL: no map */

static inline Place *current_load(void) {
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

static inline void count_lower(Hold hold) {
        if (hold.plain) {
                __atomic_signal_fence(__ATOMIC_SEQ_CST);
                __atomic_store_n(hold.count, __atomic_load_n(hold.count, __ATOMIC_RELAXED) - 1,
                                 __ATOMIC_RELAXED);
                return;
        }
        __atomic_fetch_sub(hold.count, 1, __ATOMIC_SEQ_CST);
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
        for (Place *place = places; place < places + PLACES; place++) {
                if (current_load() == place || !place_step(place, PLACE_USED, PLACE_BUSY))
                        continue;
                if (current_load() == place || !place_idle(place)) {
                        place_set(place, PLACE_USED);
                        continue;
                }
                map_close(&place->view);
                place_set(place, PLACE_FREE);
        }
}

static Place *place_take(void) {
        places_empty();
        for (Place *place = places; place < places + PLACES; place++)
                if (place_step(place, PLACE_FREE, PLACE_BUSY))
                        return place;
        return NULL;
}

/* Makes the published file current in place of `seen`, unless another thread did meanwhile.  Where
 * there is none, nothing is current any more. */
static int current_replace(Place *seen, Place *place) {
        int r;

        r = map_open(MAP_PATH, &place->view);
        if (__atomic_compare_exchange_n(&current, &seen, r < 0 ? NULL : place, false,
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

/* Holds what is current, stale or not, and says which; NULL where nothing is. */
static inline Place *current_hold(Hold *ret) {
        for (;;) {
                Place *place = current_load();

                if (!place)
                        return NULL;
                count_raise(place, ret);
                if (current_load() == place) {
                        ret->view = &place->view;
                        return place;
                }
                count_lower(*ret);
        }
}

/* A file found marked although just opened is on its way out: it answers this once. */
static COLD int fresh_hold(Place *seen, Hold *ret, MapView *spare) {
        int saved = errno, r;

        do {
                Place *place = place_take();

                if (!place) {
                        r = map_open(MAP_PATH, spare);
                        *ret = (Hold){ .view = spare };
                        break;
                }
                r = current_replace(seen, place);
                if (r < 0)
                        break;
                seen = current_hold(ret);
        } while (!seen);
        errno = saved;
        return r;
}

static COLD void spare_close(MapView view) {
        map_close(&view);
}

int mapping_hold(Hold *ret, MapView *spare) {
        Place *place = current_hold(ret);
        Hold fresh = {};
        int r;

        if (place) {
                if (!map_is_stale(ret->view))
                        return 0;
                count_lower(*ret);
        }
        r = fresh_hold(place, &fresh, spare);
        *ret = fresh;
        return r;
}

void mapping_release(Hold hold) {
        if (hold.count)
                count_lower(hold);
        else
                spare_close(*hold.view);
}

/* dlclose(3) gives back what was mapped; exit(3) too runs this, with threads perhaps still reading:
 * they are counted, and what they hold stays.  Not a thread's destructor, which would run after the
 * library is gone. */
static __attribute__((destructor)) void mapping_unload(void) {
        __atomic_store_n(&current, NULL, __ATOMIC_SEQ_CST);
        places_empty();
}
