/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How many guesses at one stolen password a core makes a second, once the vault's key is stolen
 * too:
 *
 *     bench_guess ROUNDS
 *
 * The hash um makes (libxcrypt's yescrypt at the cost that um-vault would choose here), in huge
 * pages as um-vault's and as a guesser would, beside what /etc/shadow has had elsewhere:
 * sha512crypt at its default of 5,000 rounds, and bcrypt of cost 12.  Medians, on one core.
 * Machines made for guessing are quicker; it is the 16 MiB and more of each yescrypt that keep
 * their lead small. */

#include <sched.h>
#include <stdio.h>

#include "base/base.h"
#include "tests/bench/hash.h"
#include "tests/bench/median.h"
#include "um_vault/vault.h"

#define ROUNDS_MAX 10000U

typedef struct Method {
        const char *name, *prefix;
        unsigned long cost; /* 0: libxcrypt's own */
} Method;

static double method_usec(const Method *method, unsigned rounds) {
        static struct crypt_data room;
        static double usec[ROUNDS_MAX];
        char setting[CRYPT_GENSALT_OUTPUT_SIZE], made[CRYPT_OUTPUT_SIZE];
        const char *hash;

        if (!crypt_gensalt_rn(method->prefix, method->cost, NULL, 0, setting, sizeof(setting)))
                die("crypt_gensalt", strerror(errno));
        hash = crypt_rn(PASSWORD, setting, &room, sizeof(room));
        if (!hash)
                die("crypt", strerror(errno));
        snprintf(made, sizeof(made), "%s", hash);
        for (unsigned i = 0; i < rounds; i++)
                usec[i] = crypt_usec(&room, made);
        return median(usec, rounds);
}

static void core_stay(void) {
        cpu_set_t set;

        CPU_ZERO(&set);
        CPU_SET((size_t)sched_getcpu(), &set);
        if (sched_setaffinity(0, sizeof(set), &set) < 0)
                die("sched_setaffinity", strerror(errno));
}

static unsigned cost_choose(void) {
        VaultCostGauge gauge = { .measure = vault_method_measure, .max = VAULT_COST_MAX };
        VaultCostChoice choice;
        VaultRoom *room;
        int r = vault_room_new(&room);

        if (r >= 0) {
                gauge.userdata = room;
                r = vault_cost_choose(&gauge, &choice);
                room = vault_room_free(room);
        }
        if (r < 0)
                die("the cost", strerror(-r));
        printf("guess: um-vault would choose %s here\n", vault_cost_name(choice.cost));
        return choice.cost;
}

int main(int argc, char **argv) {
        Method methods[] = {
                { "yescrypt, as um makes it", "$y$", 0 },
                { "sha512crypt, 5,000 rounds", "$6$", 5000 },
                { "bcrypt, cost 12", "$2b$", 12 },
        };
        uint64_t rounds;

        if (argc != 2 || base_parse_u64(argv[1], 1, ROUNDS_MAX, &rounds) < 0)
                die("usage", "bench_guess ROUNDS (1 to 10000)");
        core_stay();
        methods[0].cost = cost_choose();
        for (size_t i = 0; i < ARRAY_LENGTH(methods); i++) {
                double usec = method_usec(&methods[i], (unsigned)rounds);

                printf("guess: %-26s %8.2f ms, %7.1f guesses/s of one core\n", methods[i].name,
                       usec / 1000, 1e6 / usec);
        }
        return 0;
}
