/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The process's mapping of the published map: read without a lock and without a store, replaced
 * without a lock, and never unmapped.
 *
 * A place is a range of addresses that a map lies in, and a turn that is odd while the map is being
 * changed.  A reader takes the turn, reads, copies out, and takes the turn again: where it is
 * another one, what was copied is worth nothing and the reader begins anew, with a mapping of its
 * own this time, so that it is done after one repetition whatever others do.  Who finds the map
 * superseded and the turn still as it was makes it odd, lays zeros and then the new file over the
 * range (MAP_FIXED), and makes it even again.  A range stays readable for as long as the process
 * lives and has only whole pages of whole files in it: reading what is no longer the map can give
 * nonsense, which the reader of map/ checks as it does a hostile file, but no fault.  It is read by
 * its address, so it is not unloaded either (-z nodelete): no destructor runs beside other threads
 * at exit(3).
 *
 * Readers leave nothing behind, so threads may end and signal handlers may look up or jump out
 * anywhere.  fork(2), or a jump, in the midst of a change leaves a place odd for ever: there a
 * lookup maps the file for itself alone, and after REFUSED_MAX of them another place is used.  No
 * pid is remembered, no atfork handler is needed. */

#include <errno.h>
#include <sys/mman.h>

#include "base/base.h"
#include "map/map.h"
#include "nss_um/nss_um.h"

#define PLACES      4U
#define PAGE_BYTES  4096U /* what map_file_map() rounds to */
#define REFUSED_MAX 4096U /* far more than meet one change that goes on */

struct Place {
        uint64_t turn; /* odd: being changed */
        MapView view;  /* base NULL: there is no map */

        /* Only for who made the turn odd. */
        void *range;
        size_t range_bytes;

        uint32_t refused; /* lookups since the change began that found it going on */
};

static Place places[PLACES];
static Place *current = places;

/* ---- reading --------------------------------------------------------------------------------- */

#define LOAD(word)         __atomic_load_n(&(word), __ATOMIC_RELAXED)
#define STORE(word, value) __atomic_store_n(&(word), (value), __ATOMIC_RELAXED)

/* Takes what a lookup in one table needs of the view.  False where that is nothing, or not of one
 * moment. */
static inline bool place_begin(const Place *place, MapTable table, Hold *ret) {
        const MapView *from = &place->view;

        ret->place = place;
        ret->turn = __atomic_load_n(&place->turn, __ATOMIC_ACQUIRE);
        ret->view.base = LOAD(from->base);
        ret->view.mapped_bytes = LOAD(from->mapped_bytes);
        ret->view.seed[0] = LOAD(from->seed[0]);
        ret->view.seed[1] = LOAD(from->seed[1]);
        ret->view.base_end = LOAD(from->base_end);
        ret->view.flags = LOAD(from->flags);
        ret->view.tables[table].slots = LOAD(from->tables[table].slots);
        ret->view.tables[table].mask = LOAD(from->tables[table].mask);
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
        return ret->turn % 2 == 0 && LOAD(place->turn) == ret->turn && ret->view.base;
}

/* ---- changing -------------------------------------------------------------------------------- */

static bool place_lock(Place *place, uint64_t turn) {
        bool locked =
                turn % 2 == 0 && __atomic_compare_exchange_n(&place->turn, &turn, turn + 1, false,
                                                             __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);

        __atomic_thread_fence(__ATOMIC_SEQ_CST); /* before anything of the old map goes */
        if (locked)
                STORE(place->refused, 0);
        return locked;
}

static void view_store(MapView *to, const MapView *view) {
        STORE(to->base, view->base);
        STORE(to->mapped_bytes, view->mapped_bytes);
        STORE(to->seed[0], view->seed[0]);
        STORE(to->seed[1], view->seed[1]);
        STORE(to->base_end, view->base_end);
        STORE(to->flags, view->flags);
        for (size_t i = 0; i < _MAP_TABLE_MAX; i++) {
                STORE(to->tables[i].slots, view->tables[i].slots);
                STORE(to->tables[i].mask, view->tables[i].mask);
        }
}

/* Zeros, of no memory, in place of what a range has: the old file is let go. */
static void *zeros_map(void *at, size_t bytes) {
        return mmap(at, bytes, PROT_READ,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | (at ? MAP_FIXED : 0), -1, 0);
}

static void place_clear(Place *place) {
        if (LOAD(place->view.base))
                (void)zeros_map(place->range, place->range_bytes);
        view_store(&place->view, &(MapView){});
}

/* Ranges that were outgrown stay, empty: each is at least twice the one before, so together they
 * are smaller than the newest. */
static int range_grow(Place *place, size_t bytes) {
        size_t wanted = place->range_bytes > bytes / 2 ? place->range_bytes * 2 : bytes;
        void *range = wanted < bytes ? MAP_FAILED : zeros_map(NULL, wanted);

        if (range == MAP_FAILED)
                return -ENOMEM;
        place->range = range;
        place->range_bytes = wanted;
        return 0;
}

/* The first file is mapped as it is: most processes end before there is a second. */
static int place_fill(Place *place, int fd, size_t bytes) {
        size_t pages = (bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
        MapView view;
        int r = 0;

        place_clear(place);
        if (place->range && pages > place->range_bytes)
                r = range_grow(place, pages);
        if (r >= 0)
                r = map_file_map(fd, bytes, place->range, &view);
        if (r < 0 && place->range)
                (void)zeros_map(place->range, place->range_bytes);
        if (r < 0)
                return r;
        if (!place->range) {
                place->range = (void *)(uintptr_t)view.base;
                place->range_bytes = view.mapped_bytes;
        }
        view_store(&place->view, &view);
        return 0;
}

/* Where another place became the current one meanwhile, nobody would ever empty this one. */
static void place_unlock(Place *place) {
        if (place != LOAD(current))
                place_clear(place);
        __atomic_store_n(&place->turn, LOAD(place->turn) + 1, __ATOMIC_RELEASE);
}

static void place_refuse(Place *place) {
        Place *next = place + 1 < places + PLACES ? place + 1 : places;

        if (__atomic_add_fetch(&place->refused, 1, __ATOMIC_RELAXED) < REFUSED_MAX)
                return;
        STORE(place->refused, 0);
        (void)__atomic_compare_exchange_n(&current, &place, next, false, __ATOMIC_RELAXED,
                                          __ATOMIC_RELAXED);
}

/* ---- holding --------------------------------------------------------------------------------- */

/* Looks at the published file and makes it the map of the place, as it was in `turn`.  0, or a
 * fault; also where another thread was faster.  A file found marked although just opened is on its
 * way out: it answers this once. */
static int place_renew(Place *place, uint64_t turn, MapTable table, Hold *ret) {
        size_t bytes;
        _cleanup_close_ int fd = map_file_open(MAP_PATH, &bytes); /* may be cancelled: not locked */
        int r = fd < 0 ? fd : 0;

        if (!place_lock(place, turn))
                return r < 0 ? r : -EBUSY;
        if (r < 0)
                place_clear(place);
        else
                r = place_fill(place, fd, bytes);
        place_unlock(place);
        return r < 0 || place_begin(place, table, ret) ? r : -EBUSY;
}

static COLD int fresh_hold(Place *place, uint64_t turn, MapTable table, Hold *ret) {
        int saved = errno, r = -EBUSY;

        *ret = (Hold){};
        if (place && turn % 2 == 0)
                r = place_renew(place, turn, table, ret);
        else if (place)
                place_refuse(place);
        if (r < 0 && r != -ENOENT) {
                ret->place = NULL;
                r = map_open(MAP_PATH, &ret->view);
        }
        errno = saved;
        return r;
}

static COLD void own_close(const unsigned char *base, size_t mapped_bytes) {
        map_close(&(MapView){ .base = base, .mapped_bytes = mapped_bytes });
}

/* One by one, so that the caller's may stand in registers. */
static inline void hold_copy(const Hold *from, MapTable table, Hold *ret) {
        ret->place = from->place;
        ret->turn = from->turn;
        ret->view.base = from->view.base;
        ret->view.mapped_bytes = from->view.mapped_bytes;
        ret->view.seed[0] = from->view.seed[0];
        ret->view.seed[1] = from->view.seed[1];
        ret->view.base_end = from->view.base_end;
        ret->view.flags = from->view.flags;
        ret->view.tables[table].slots = from->view.tables[table].slots;
        ret->view.tables[table].mask = from->view.tables[table].mask;
}

int mapping_hold(MapTable table, bool alone, Hold *ret) {
        Place *place = alone ? NULL : LOAD(current);
        Hold fresh;
        int r;

        if (place && place_begin(place, table, ret) && !map_is_stale(&ret->view))
                return 0;
        r = fresh_hold(place, place ? ret->turn : 0, table, &fresh);
        hold_copy(&fresh, table, ret);
        return r;
}

bool mapping_release(const Hold *hold) {
        if (!hold->place) {
                own_close(hold->view.base, hold->view.mapped_bytes);
                return true;
        }
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
        return LOAD(hold->place->turn) == hold->turn;
}
