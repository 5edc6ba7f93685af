/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The vault's own ceiling of failures, so that a taken-over umd cannot use it to guess passwords.
 *
 * A bucket of THROTTLE_BURST tokens for each lane (a uid's, by where guesses come from); a token is
 * taken before each verification and given back unless it was a failure.  Only full buckets are
 * forgotten: they say the same as none. Where all are in use by others the answer is BUSY, which
 * denies; to get there needs THROTTLE_UID_MAX / 2 s failures a second, more than the workers can
 * hash, and a forgotten bucket would be worth more to an attacker than a moment of denial. */

#include <stddef.h>

#include "um_vault/vault.h"

/* The lane's bucket, else one that is full and may become it, else NULL.  A scan of the table is
 * some microseconds beside a hash of some ten thousand. */
static ThrottleBucket *bucket_get(Throttle *throttle, uint64_t lane, uint64_t now_usec) {
        ThrottleBucket *full = NULL;

        for (size_t i = 0; i < THROTTLE_UID_MAX; i++) {
                ThrottleBucket *bucket = &throttle->buckets[i];

                if (bucket->lane == lane && bucket->full_usec > 0)
                        return bucket;
                if (bucket->full_usec <= now_usec)
                        full = bucket;
        }
        return full;
}

VaultStatus throttle_charge(Throttle *throttle, uint64_t lane, uint64_t now_usec) {
        ThrottleBucket *bucket = bucket_get(throttle, lane, now_usec);
        uint64_t full_usec;

        if (!bucket)
                return VAULT_BUSY;
        full_usec = bucket->full_usec > now_usec ? bucket->full_usec : now_usec;
        if (full_usec - now_usec > (THROTTLE_BURST - 1) * THROTTLE_REFILL_USEC)
                return VAULT_THROTTLED;
        *bucket = (ThrottleBucket){ .lane = lane, .full_usec = full_usec + THROTTLE_REFILL_USEC };
        return VAULT_OK;
}

void throttle_refund(Throttle *throttle, uint64_t lane) {
        for (size_t i = 0; i < THROTTLE_UID_MAX; i++) {
                ThrottleBucket *bucket = &throttle->buckets[i];

                if (bucket->lane == lane && bucket->full_usec > THROTTLE_REFILL_USEC) {
                        bucket->full_usec -= THROTTLE_REFILL_USEC;
                        return;
                }
        }
}
