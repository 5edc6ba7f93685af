/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A stand-in for umd in a process of its own: honest, with a record of what it allowed.  One
 * connection after the other; the users u0 to u39 of tests/nss/mkmap.h for org.um1.Nss, and for
 * org.um1.Login a few whose names say what becomes of them. */

#include <stdint.h>
#include <sys/types.h>

#define STANDIN_USERS 40U

#define STANDIN_PASSWORD "right"
/* Login: alice may; bob is denied and eve expired in the account phase, carol must change her
 * password first, dave's proof is never good, mallory is another source's. */

typedef struct StandinTally {
        uint64_t begins;                               /* dialogues begun and not over at once */
        uint64_t proofs, accounts, renewals, sessions; /* what was allowed */
        uint64_t changes, foreign;
} StandinTally;

typedef struct Standin {
        pid_t pid;
        const volatile StandinTally *tally; /* shared with the process */
} Standin;

/* Listens on path; aborts where that is not possible. */
void standin_start(const char *path, Standin *ret);
void standin_stop(Standin *standin);
