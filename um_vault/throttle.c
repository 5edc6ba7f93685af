/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The vault's own ceilings of failures, so that a taken-over umd cannot use it to guess passwords
 * or codes: one throttle for each.
 *
 * A bucket of tokens for each lane (a uid's, by where guesses come from); a token is taken before
 * each verification and given back unless it was a failure.  Only full buckets are forgotten: they
 * say the same as none. Where all are in use by others the answer is BUSY, which denies, and a
 * forgotten bucket would be worth more to an attacker than a moment of denial.  Passwords get there
 * with THROTTLE_UID_MAX / 2 s failures a second, more than the workers can hash.  Codes are
 * quicker, but a guess after a wrong password is one for nothing (VAULT_FLAG_NOTHING) and takes no
 * bucket here: who gets there has the passwords of thousands, and passwords by themselves go on. */

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
        if (full_usec - now_usec > (throttle->burst - 1) * throttle->refill_usec)
                return VAULT_THROTTLED;
        *bucket = (ThrottleBucket){ .lane = lane, .full_usec = full_usec + throttle->refill_usec };
        return VAULT_OK;
}

void throttle_refund(Throttle *throttle, uint64_t lane) {
        for (size_t i = 0; i < THROTTLE_UID_MAX; i++) {
                ThrottleBucket *bucket = &throttle->buckets[i];

                if (bucket->lane == lane && bucket->full_usec > throttle->refill_usec) {
                        bucket->full_usec -= throttle->refill_usec;
                        return;
                }
        }
}
