/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What callers can make happen without end is told as a count: part of internal.h, which includes
 * it, on a page of its own. */

#include "umd/core/internal.h"

/* ---- what is told as a count -------------------------------------------------------------- */

typedef struct RepeatedKind {
        const char *type, *verb, *reason;
} RepeatedKind;

typedef struct Repeated {
        uint64_t count;   /* 0: nothing is told of it */
        uid_t actor;      /* (uid_t)-1: nobody known */
        const char *user; /* who was meant; NULL: nobody's name, or all that have no row */
        uid_t object_id;  /* his, or 0 */
        const StoreNetwork *network; /* NULL: none, or any */
} Repeated;

/* An entry of kind for each row, or none and a fault. */
int core_repeated_tell(Core *core, const RepeatedKind *kind, const Repeated *rows, size_t count,
                       uint64_t since_usec, uint64_t now_usec);
/* Is a period over that began then (0: there is none)?  A clock that went back ends it. */
bool core_repeated_is_due(uint64_t since_usec, uint64_t period_usec, uint64_t now_usec);

/* ---- refused calls ------------------------------------------------------------------------ */

int core_refusals_new(Refusals **ret);
/* Tells the counts once the period is over; a fault leaves them for the next time. */
int core_refusals_tick(Core *core, uint64_t now_usec);

/* ---- failed logins ------------------------------------------------------------------------ */

int core_misses_new(Misses **ret);
/* As core_refusals_tick(). */
int core_misses_tick(Core *core, uint64_t now_usec);
/* He was unlocked: his next failures are entries again. */
void core_misses_renew(Core *core, uid_t uid);
