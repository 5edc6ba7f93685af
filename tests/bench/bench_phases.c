/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What umd's part of a login costs, round by round and on one connection as in pam_um, without
 * libpam and without what pam_um loads:
 *
 *     bench_phases UM-USER ROUNDS
 *
 * Medians.  One bare crypt(3) of the same password, in huge pages as um-vault's, is made beside
 * each login and taken off the round that has the hash in it. */

#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "tests/bench/hash.h"
#include "tests/bench/median.h"
#include "wire/wire.h"

#define ROUNDS_MAX 10000U

typedef enum Phase {
        PHASE_CONNECT,
        PHASE_BEGIN,
        PHASE_ANSWER, /* beyond a bare crypt next to it */
        PHASE_AUTHORIZE,
        PHASE_CLOSE,
        _PHASE_MAX,
} Phase;

static const char *const phase_names[_PHASE_MAX] = {
        "connect", "Begin", "Answer beyond its hash", "Authorize", "close",
};

static void phase_end(double *ret_usec, uint64_t *began_usec, int r, const char *name) {
        uint64_t now_usec = base_boottime_usec();

        if (r < 0)
                die(name, strerror(-r));
        *ret_usec = (double)(now_usec - *began_usec);
        *began_usec = now_usec;
}

static void round_phases(const WireContext *context, double *ret_usec) {
        uint64_t now = base_boottime_usec(), deadline = now + 5 * USEC_PER_SEC;
        char login[WIRE_LOGIN_ID_BYTES + 1];
        WireError error = WIRE_E_NONE;
        static WireStep step;
        sd_bus *bus;
        int r;

        r = wire_connect(WIRE_SOCKET, WIRE_MAP_DIR, deadline, &bus);
        phase_end(&ret_usec[PHASE_CONNECT], &now, r, "connect");
        r = wire_login_begin(bus, context, deadline, login, &step, &error);
        phase_end(&ret_usec[PHASE_BEGIN], &now, r, "Begin");
        r = wire_login_answer(bus, login, PASSWORD, strlen(PASSWORD), deadline, &step, &error);
        phase_end(&ret_usec[PHASE_ANSWER], &now, r, "Answer");
        if (step.verdict != WIRE_VERDICT_ALLOW)
                die("Answer", "refused");
        r = wire_login_authorize(bus, context, login, deadline, &step, &error);
        phase_end(&ret_usec[PHASE_AUTHORIZE], &now, r, "Authorize");
        if (step.verdict != WIRE_VERDICT_ALLOW)
                die("Authorize", "refused");
        sd_bus_close_unref(bus);
        phase_end(&ret_usec[PHASE_CLOSE], &now, 0, "close");
}

static void run(const char *user, unsigned rounds, struct crypt_data *room) {
        static double times[_PHASE_MAX][ROUNDS_MAX], wholes[ROUNDS_MAX];
        const WireContext context = { .operation = WIRE_OPERATION_AUTHENTICATE,
                                      .user = user,
                                      .service = "um" };
        char hash[CRYPT_OUTPUT_SIZE];

        hash_make(room, hash, sizeof(hash));
        for (unsigned i = 0; i < rounds; i++) {
                double usec[_PHASE_MAX];

                round_phases(&context, usec);
                usec[PHASE_ANSWER] -= crypt_usec(room, hash);
                for (Phase p = 0; p < _PHASE_MAX; p++) {
                        times[p][i] = usec[p];
                        wholes[i] += usec[p];
                }
        }
        for (Phase p = 0; p < _PHASE_MAX; p++)
                printf("phase: %-22s %4.0f us\n", phase_names[p], median(times[p], rounds));
        printf("phases: %.2f ms in all beyond one hash\n", median(wholes, rounds) / 1e3);
}

int main(int argc, char **argv) {
        static struct crypt_data room;
        uint64_t rounds;

        if (argc != 3 || base_parse_u64(argv[2], 1, ROUNDS_MAX, &rounds) < 0)
                die("usage", "bench_phases UM-USER ROUNDS");
        run(argv[1], (unsigned)rounds, &room);
        return 0;
}
