/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The clock that failures and locks are counted on.  It is never set back and does not jump with
 * the wall clock: within a boot it goes on with the time since boot, also over a restart of umd,
 * from what was stored with the last failure.  After another boot nobody can tell how long the
 * machine was off but its clock; that is taken where it is ahead of what was stored.
 *
 * So a clock that is set forward or back while the machine runs changes nothing, and one that
 * starts in 1970 makes locks longer by the time the machine was off, never shorter. */

#include <string.h>

#include "umd/core/lockout.h"

static bool same_boot(const CoreClock *clock, const StoreLockTime *stored) {
        static const uint8_t unknown[STORE_BOOT_ID_BYTES];

        return memcmp(clock->boot_id, unknown, sizeof(unknown)) != 0 &&
               memcmp(clock->boot_id, stored->boot_id, sizeof(stored->boot_id)) == 0 &&
               clock->boottime_usec >= stored->boottime_usec;
}

static int lock_time_start(Core *core, StoreTxn *txn, const CoreClock *clock, uint64_t now_usec) {
        LockTime *time = &core->lock_time;
        StoreLockTime stored;
        int r;

        r = store_lock_time_get(txn, &stored);
        if (r < 0)
                return r;
        if (r == 0 && same_boot(clock, &stored))
                *time = (LockTime){ true, stored.lock_usec, stored.boottime_usec };
        else {
                uint64_t before_usec = r == 0 ? stored.lock_usec : 1;

                *time = (LockTime){ true, now_usec > before_usec ? now_usec : before_usec,
                                    clock->boottime_usec };
        }
        return 0;
}

int core_lock_time(Core *core, StoreTxn *txn, uint64_t now_usec, uint64_t *ret) {
        LockTime *time = &core->lock_time;
        CoreClock clock;
        int r = 0;

        core->host.clock(core->host.userdata, &clock);
        if (!time->known)
                r = lock_time_start(core, txn, &clock, now_usec);
        if (r < 0)
                return r;
        *ret = core_later(time->lock_usec, clock.boottime_usec > time->boottime_usec
                                                   ? clock.boottime_usec - time->boottime_usec
                                                   : 0);
        return 0;
}

int core_lock_time_keep(Core *core, StoreTxn *txn, uint64_t lock_usec) {
        StoreLockTime now = { .lock_usec = lock_usec };
        CoreClock clock;

        core->host.clock(core->host.userdata, &clock);
        now.boottime_usec = clock.boottime_usec;
        memcpy(now.boot_id, clock.boot_id, sizeof(now.boot_id));
        return store_lock_time_put(txn, &now);
}

uint64_t core_lock_time_wall(uint64_t lock_usec, uint64_t lock_now_usec, uint64_t now_usec) {
        if (lock_usec == USEC_INFINITY)
                return USEC_INFINITY;
        return core_later(now_usec, lock_usec > lock_now_usec ? lock_usec - lock_now_usec : 0);
}
