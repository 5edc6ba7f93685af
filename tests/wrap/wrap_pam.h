/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What wrap_login and the pam_um.so in which calls fail tell each other. */

#include "tests/wrap/wrap.h"

typedef enum WrapPhase {
        WRAP_AUTHENTICATE,
        WRAP_SETCRED,
        WRAP_ACCOUNT,
        WRAP_PRELIMINARY,
        WRAP_CHANGE,
        WRAP_OPEN,
        WRAP_CLOSE,
        _WRAP_PHASE_MAX,
} WrapPhase;

/* After each entry: what it returned, and what failed in it. */
typedef void WrapReport(WrapPhase phase, int code, const WrapTally *tally);

/* plan is asked before each entry. */
void wrap_entries_set(const WrapPlan *(*plan)(void), WrapReport *called);
