/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The one hash a login cannot do without, as a bare crypt(3): what bench_pam and bench_phases hold
 * a login against. */

#include <crypt.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"

#define PASSWORD "Pferd Batterie Klammer" /* of nobody but the benchmarks' users */

static inline _Noreturn void die(const char *what, const char *why) {
        fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, why);
        exit(1);
}

static inline void hash_make(struct crypt_data *room, char *ret, size_t size) {
        char setting[CRYPT_GENSALT_OUTPUT_SIZE];
        const char *hash;

        /* j9T, as the vault of these benchmarks has it */
        if (!crypt_gensalt_rn("$y$", 5, NULL, 0, setting, sizeof(setting)))
                die("crypt_gensalt", strerror(errno));
        hash = crypt_rn(PASSWORD, setting, room, sizeof(*room));
        if (!hash || strlen(hash) >= size)
                die("crypt", "no hash");
        memcpy(ret, hash, strlen(hash) + 1);
}

static inline double crypt_usec(struct crypt_data *room, const char *hash) {
        uint64_t began_usec = base_boottime_usec();
        const char *again = crypt_rn(PASSWORD, hash, room, sizeof(*room));

        if (!again || strcmp(again, hash) != 0)
                die("crypt", "another hash");
        return (double)(base_boottime_usec() - began_usec);
}
