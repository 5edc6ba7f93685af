/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A build of um in which calls fail: every call of a libc, sd-bus or libpam function that can fail
 * goes through a wrapper (the linker's --wrap), which on order does not make it and says what a
 * kernel or library out of luck would say.  Nothing fails unless a plan is armed. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WRAP_SHORT   (-1) /* not a fault: less than was asked for */
#define WRAP_NOTHING (-2) /* not a fault: the end, or nothing yet */

typedef struct WrapPlan {
        uint64_t seed;
        uint32_t per_million; /* so many of a million calls fail */
        uint64_t nth;         /* or, where not 0, the nth alone, in this of its ways */
        unsigned way;
} WrapPlan;

typedef struct WrapTally {
        uint64_t calls, failures;
        const char *last; /* what failed last; "" */
        size_t ways;      /* in which it can fail */
} WrapTally;

#define WRAP_PUBLIC __attribute__((visibility("default")))

void wrap_arm(const WrapPlan *plan);
void wrap_disarm(WrapTally *ret);
/* Places in the code where a call failed at least once so far. */
size_t wrap_places(void);
/* Moves um's clocks on, so that no pause of an earlier failure is waited for. */
void wrap_clock_advance(uint64_t usec);

/* For the wrappers: errno is set where true; below 0 it is one of the words above. */
bool wrap_fails(const char *name, const int *ways, size_t way_count, const void *caller);

/* Defines the wrapper of one function: where it fails, it returns `failure`. */
#define WRAP(type, name, params, args, failure, ...)                                               \
        type __real_##name params;                                                                 \
        type __wrap_##name params;                                                                 \
        type __wrap_##name params {                                                                \
                static const int ways[] = { __VA_ARGS__ };                                         \
                if (wrap_fails(#name, ways, sizeof(ways) / sizeof(ways[0]),                        \
                               __builtin_return_address(0)))                                       \
                        return failure;                                                            \
                return __real_##name args;                                                         \
        }

/* Random numbers of a test, the same for the same seed (xorshift64*). */
static inline uint32_t wrap_random(uint64_t *state) {
        *state ^= *state >> 12;
        *state ^= *state << 25;
        *state ^= *state >> 27;
        return (uint32_t)((*state * 0x2545F4914F6CDD1DULL) >> 32);
}

static inline uint64_t wrap_seed(uint64_t seed) {
        return (seed + 1) * 0x9E3779B97F4A7C15ULL | 1;
}
