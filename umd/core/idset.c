/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sets of uids and gids.  A walk over a graph of groups is a set that grows while it is read, so
 * ids keep the order they came in; a table beside them makes the question "seen before?" quick,
 * also for a group of everybody. */

#include <errno.h>
#include <string.h>

#include "umd/core/internal.h"

static size_t slot_of(const IdSet *set, uint32_t id) {
        return (size_t)(id * 2654435761U) & (set->slot_count - 1);
}

/* The id's slot, or the free one where it would go. */
static size_t slot_find(const IdSet *set, uint32_t id) {
        size_t at = slot_of(set, id);

        while (set->slots[at] != 0 && set->ids[set->slots[at] - 1] != id)
                at = (at + 1) & (set->slot_count - 1);
        return at;
}

static void slots_fill(IdSet *set) {
        memset(set->slots, 0, set->slot_count * sizeof(*set->slots));
        for (size_t i = 0; i < set->count; i++)
                set->slots[slot_find(set, set->ids[i])] = (uint32_t)i + 1;
}

int core_idset_reserve(IdSet *set, size_t more) {
        size_t need = set->count + more, size = set->size ? set->size : 8;
        uint32_t *p;

        if (need <= set->size)
                return 0;
        if (need > UINT32_MAX / 4)
                return -EOVERFLOW;
        while (size < need)
                size *= 2;
        p = reallocarray(set->ids, size, sizeof(*p));
        if (!p)
                return -ENOMEM;
        set->ids = p;
        p = calloc(size * 2, sizeof(*p));
        if (!p)
                return -ENOMEM; /* the longer list does no harm: size still says the old one */
        free(set->slots);
        set->slots = p;
        set->slot_count = size * 2;
        set->size = size;
        slots_fill(set);
        return 0;
}

int core_idset_add(IdSet *set, uint32_t id) {
        size_t at;
        int r;

        r = core_idset_reserve(set, 1);
        if (r < 0)
                return r;
        at = slot_find(set, id);
        if (set->slots[at] != 0)
                return 0;
        set->ids[set->count++] = id;
        set->slots[at] = (uint32_t)set->count;
        return 1;
}

bool core_idset_find(const IdSet *set, uint32_t id, size_t *ret_position) {
        size_t at;

        if (set->count == 0)
                return false;
        at = slot_find(set, id);
        if (set->slots[at] == 0)
                return false;
        *ret_position = set->slots[at] - 1;
        return true;
}

bool core_idset_has(const IdSet *set, uint32_t id) {
        size_t position;

        return core_idset_find(set, id, &position);
}

static int id_compare(const void *a, const void *b) {
        uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

        return (x > y) - (x < y);
}

static bool is_sorted(const IdSet *set) {
        for (size_t i = 1; i < set->count; i++)
                if (set->ids[i - 1] > set->ids[i])
                        return false;
        return true;
}

void core_idset_sort(IdSet *set) {
        if (is_sorted(set)) /* as lists from the store are */
                return;
        qsort(set->ids, set->count, sizeof(*set->ids), id_compare);
        slots_fill(set);
}

void core_idset_done(IdSet *set) {
        free(set->ids);
        free(set->slots);
        *set = (IdSet){ 0 };
}
