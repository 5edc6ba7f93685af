/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How old a password may get (FEATURES C2): when it is over, from when it may be changed again, and
 * what is told of it.  Whether somebody gets in with it is decide.c's.
 *
 * The moments follow from what is in effect now, so that a value that is set counts for passwords
 * that are there already.  Everything saturates: a span without an end, or beyond the end of the
 * clock, is never. */

#include "policy/policy.h"

static uint64_t later(uint64_t usec, uint64_t span_usec) {
        return span_usec < USEC_INFINITY - usec ? usec + span_usec : USEC_INFINITY;
}

uint64_t policy_password_expires(uint64_t changed_usec, uint64_t set_usec, uint64_t max_age_usec) {
        uint64_t aged_usec = later(changed_usec, max_age_usec);

        return aged_usec < set_usec ? aged_usec : set_usec;
}

uint64_t policy_password_changeable(uint64_t changed_usec, uint64_t min_age_usec,
                                    uint64_t now_usec) {
        return changed_usec > now_usec ? now_usec : later(changed_usec, min_age_usec);
}

bool policy_password_due(bool must_change, uint64_t expires_usec, uint64_t now_usec) {
        return must_change || now_usec >= expires_usec;
}

bool policy_password_warn(const PolicyFacts *facts) {
        return facts->expiry == POLICY_EXPIRY_LOGIN && facts->has_password && !facts->must_change &&
               facts->password_expires_usec != USEC_INFINITY &&
               facts->now_usec < facts->password_expires_usec &&
               facts->password_expires_usec - facts->now_usec <= facts->password_warn_usec;
}

uint32_t policy_grace_left(const PolicyFacts *facts, bool counted) {
        uint64_t used = (uint64_t)facts->grace_used + counted;

        return used < facts->grace_logins ? facts->grace_logins - (uint32_t)used : 0;
}
