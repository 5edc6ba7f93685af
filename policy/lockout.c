/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Failures that add up: the arithmetic of one count.  A count keeps when its failures were, so that
 * "five within a quarter of an hour" means any quarter of an hour; where there are more of them
 * than it keeps, the two that are nearest to each other become one at the later time: never too
 * few.
 *
 * All times are lock time (policy.h).  Should one come that is before what is stored, it is taken
 * for the latest stored one: a clock that goes back neither ends a lock nor forgets a failure. */

#include <string.h>

#include "policy/policy.h"

#define DELAY_FIRST_COUNT 2U

static uint64_t later(uint64_t usec, uint64_t span_usec) {
        return span_usec < USEC_INFINITY - usec ? usec + span_usec : USEC_INFINITY;
}

/* The present is not before anything that happened. */
static uint64_t present(const LockoutState *state, uint64_t now_usec) {
        uint64_t last = policy_lockout_last(state);

        return now_usec > last ? now_usec : last;
}

uint64_t policy_lockout_last(const LockoutState *state) {
        return state->failure_count > 0 ? state->failures[state->failure_count - 1].at_usec : 0;
}

static bool is_over(const LockoutState *state, uint64_t now_usec) {
        return state->locked_until_usec != 0 && state->locked_until_usec <= now_usec;
}

static bool counts(const LockoutFailure *failure, const LockoutRules *rules, uint64_t now_usec) {
        return later(failure->at_usec, rules->window_usec) > now_usec;
}

uint32_t policy_lockout_count(const LockoutState *state, const LockoutRules *rules,
                              uint64_t now_usec) {
        uint64_t now = present(state, now_usec), sum = 0;

        if (is_over(state, now)) /* it was paid for */
                return 0;
        for (size_t i = 0; i < state->failure_count; i++)
                if (counts(&state->failures[i], rules, now))
                        sum += state->failures[i].count;
        return sum < UINT32_MAX ? (uint32_t)sum : UINT32_MAX;
}

/* ---- judging --------------------------------------------------------------------------------- */

/* When so many failures have left the window that another attempt is free. */
static uint64_t window_end(const LockoutState *state, const LockoutRules *rules, uint32_t count,
                           uint64_t now_usec) {
        for (size_t i = 0; i < state->failure_count; i++) {
                const LockoutFailure *failure = &state->failures[i];

                if (!counts(failure, rules, now_usec))
                        continue;
                count = count > failure->count ? count - failure->count : 0;
                if (count < rules->attempts)
                        return later(failure->at_usec, rules->window_usec);
        }
        return USEC_INFINITY; /* rules that permit nothing */
}

LockoutVerdict policy_lockout_judge(const LockoutState *state, const LockoutRules *rules,
                                    uint32_t pending, uint64_t now_usec, uint64_t *ret_until_usec) {
        uint64_t now = present(state, now_usec), until = 0;
        uint32_t count = policy_lockout_count(state, rules, now);

        if (state->locked_until_usec > now)
                until = state->locked_until_usec;
        else if (count >= rules->attempts)
                until = rules->duration_usec == 0
                                ? window_end(state, rules, count, now)
                                : later(policy_lockout_last(state), rules->duration_usec);
        if (until <= now)
                return LOCKOUT_FREE;
        /* What is being looked at now may still turn out right. */
        if (pending > 0 && count < rules->attempts + (uint64_t)pending)
                return LOCKOUT_WAIT;
        *ret_until_usec = until;
        return LOCKOUT_LOCKED;
}

uint64_t policy_lockout_delay(uint32_t count) {
        uint64_t delay = LOCKOUT_DELAY_FIRST_USEC;

        if (count < DELAY_FIRST_COUNT)
                return 0;
        for (uint32_t i = DELAY_FIRST_COUNT; i < count && delay < LOCKOUT_DELAY_MAX_USEC; i++)
                delay *= 2;
        return delay < LOCKOUT_DELAY_MAX_USEC ? delay : LOCKOUT_DELAY_MAX_USEC;
}

/* ---- counting -------------------------------------------------------------------------------- */

static void remove_at(LockoutState *state, size_t i) {
        state->failure_count--;
        memmove(&state->failures[i], &state->failures[i + 1],
                (state->failure_count - i) * sizeof(state->failures[0]));
}

static void forget_old(LockoutState *state, const LockoutRules *rules, uint64_t now_usec) {
        while (state->failure_count > 0 && !counts(&state->failures[0], rules, now_usec))
                remove_at(state, 0);
}

static uint32_t sum_of(uint32_t a, uint32_t b) {
        return a < UINT32_MAX - b ? a + b : UINT32_MAX;
}

/* Makes one of the two that are nearest to each other. */
static void make_room(LockoutState *state) {
        size_t nearest = 1;

        for (size_t i = 2; i < state->failure_count; i++)
                if (state->failures[i].at_usec - state->failures[i - 1].at_usec <
                    state->failures[nearest].at_usec - state->failures[nearest - 1].at_usec)
                        nearest = i;
        state->failures[nearest].count =
                sum_of(state->failures[nearest].count, state->failures[nearest - 1].count);
        remove_at(state, nearest - 1);
}

static void add(LockoutState *state, uint64_t at_usec, uint32_t count) {
        LockoutFailure *last = &state->failures[state->failure_count];

        if (state->failure_count > 0 && last[-1].at_usec == at_usec) {
                last[-1].count = sum_of(last[-1].count, count);
                return;
        }
        if (state->failure_count == LOCKOUT_FAILURES_MAX) {
                make_room(state);
                last--;
        }
        *last = (LockoutFailure){ at_usec, count };
        state->failure_count++;
}

uint64_t policy_lockout_charge(LockoutState *state, const LockoutRules *rules, uint64_t now_usec) {
        uint64_t now = present(state, now_usec), until;

        if (is_over(state, now))
                *state = (LockoutState){ 0 };
        forget_old(state, rules, now);
        add(state, now, 1);
        until = later(now, rules->duration_usec);
        if (rules->duration_usec > 0 &&
            policy_lockout_count(state, rules, now) >= rules->attempts &&
            until > state->locked_until_usec)
                state->locked_until_usec = until;
        return now;
}

void policy_lockout_refund(LockoutState *state, const LockoutRules *rules, uint64_t at_usec,
                           uint64_t now_usec) {
        if (later(at_usec, rules->window_usec) <= now_usec)
                return;
        for (size_t i = 0; i < state->failure_count; i++) {
                if (state->failures[i].at_usec < at_usec)
                        continue; /* else it, or what it became a part of */
                if (--state->failures[i].count == 0)
                        remove_at(state, i);
                break;
        }
        if (policy_lockout_count(state, rules, at_usec) < rules->attempts)
                state->locked_until_usec = 0;
}

void policy_lockout_clear(LockoutState *state, const LockoutRules *rules, uint32_t pending,
                          uint64_t now_usec) {
        uint64_t now = present(state, now_usec);

        *state = (LockoutState){ 0 };
        while (pending-- > 0)
                (void)policy_lockout_charge(state, rules, now);
}
