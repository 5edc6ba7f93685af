/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Verifiers that are kept while the vault is asked about them.  What it answers holds for the bytes
 * it was given: whoever uses the answer, in a later transaction, has to see that they are still
 * what is stored. */

#include <errno.h>
#include <string.h>

#include "umd/core/internal.h"

int core_verifier_keep(const StoreVerifier *verifier, StoreVerifier *kept) {
        uint8_t *copy = NULL;

        if (verifier->len > 0) {
                copy = malloc(verifier->len);
                if (!copy)
                        return -ENOMEM;
                memcpy(copy, verifier->bytes, verifier->len);
        }
        core_verifier_done(kept);
        *kept = (StoreVerifier){ copy, verifier->len, verifier->version };
        return 0;
}

bool core_verifier_same(const StoreVerifier *a, const StoreVerifier *b) {
        return a->version == b->version && a->len == b->len &&
               base_bytes_equal(a->bytes, b->bytes, a->len);
}

void core_verifier_done(StoreVerifier *kept) {
        free((uint8_t *)kept->bytes);
        *kept = (StoreVerifier){ 0 };
}
