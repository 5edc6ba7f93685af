/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Recovery codes (FEATURES B9): ten at a time, 60 random bits each, in the form of setup codes, for
 * whoever has lost his phone.  They are shown once; what is kept are hashes, keyed by the vault and
 * salted, and a bit for each that is used.  New ones make the old ones worthless. */

#include <errno.h>
#include <string.h>

#include "umd/core/second.h"

int core_recovery_new(Secret **ret) {
        char text[RECOVERY_CODES * (SETUP_CODE_BYTES + 1)];
        int r = 0;

        for (size_t i = 0; r == 0 && i < RECOVERY_CODES; i++) {
                _cleanup_secret_ Secret *code = NULL;

                r = core_setup_code_new(&code);
                if (r < 0)
                        break;
                memcpy(text + i * (SETUP_CODE_BYTES + 1), base_secret_bytes(code),
                       SETUP_CODE_BYTES);
                text[i * (SETUP_CODE_BYTES + 1) + SETUP_CODE_BYTES] = ' ';
        }
        if (r == 0)
                r = base_secret_new(text, sizeof(text) - 1, ret);
        base_wipe(text, sizeof(text));
        return r;
}

int core_recovery_left(const StoreFactors *factors) {
        int left = -1;

        for (size_t i = 0; i < factors->count; i++) {
                const StoreFactor *factor = factors->list[i];

                if (factor->active && factor->method == POLICY_METHOD_RECOVERY)
                        left = (int)(factor->sealed.len / CORE_CODE_HASH_BYTES) -
                               __builtin_popcount(factor->used);
        }
        return left;
}

int core_recovery_put(Change *change, StoreCredential *credential, const StoreFactors *factors,
                      const void *hashes, size_t len) {
        StoreFactor fresh = { .uid = credential->uid,
                              .method = POLICY_METHOD_RECOVERY,
                              .active = true,
                              .label = "",
                              .sealed = { hashes, len, 0 } };
        bool had = false;
        int r = 0;

        if (len != RECOVERY_CODES * CORE_CODE_HASH_BYTES)
                return -EINVAL;
        for (size_t i = 0; r == 0 && i < factors->count; i++)
                if (factors->list[i]->method == POLICY_METHOD_RECOVERY) {
                        had = true;
                        r = store_factor_delete(change->txn, credential->uid,
                                                factors->list[i]->number);
                }
        if (r == 0)
                r = core_change_value_secret(change, "recovery_codes", had, true);
        if (r == 0)
                r = core_factor_add(change, credential, &fresh);
        return r > 0 ? -EUCLEAN : r;
}
