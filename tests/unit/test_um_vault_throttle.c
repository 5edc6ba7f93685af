/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The vault's ceiling: so many failures for a uid, and no way to buy more by filling the table. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/base.h"
#include "um_vault/vault.h"

#define NOW (1000 * USEC_PER_SEC)

/* As the pool has them. */
static const Throttle passwords = { .burst = THROTTLE_BURST, .refill_usec = THROTTLE_REFILL_USEC },
                      codes = { .burst = THROTTLE_CODE_BURST,
                                .refill_usec = THROTTLE_CODE_REFILL_USEC };

static void fail_times(Throttle *throttle, uint32_t uid, unsigned count, uint64_t now) {
        for (unsigned i = 0; i < count; i++)
                assert_int_equal(throttle_charge(throttle, uid, now), VAULT_OK);
}

static void a_burst_and_then_no_more(void **state) {
        Throttle throttle = passwords;

        fail_times(&throttle, 1, THROTTLE_BURST, NOW);
        assert_int_equal(throttle_charge(&throttle, 1, NOW), VAULT_THROTTLED);
        assert_int_equal(throttle_charge(&throttle, 1, NOW + THROTTLE_REFILL_USEC - 1),
                         VAULT_THROTTLED);
        assert_int_equal(throttle_charge(&throttle, 2, NOW), VAULT_OK);
}

static void one_comes_back_each_interval_up_to_the_burst(void **state) {
        Throttle throttle = passwords;
        uint64_t later = NOW + THROTTLE_REFILL_USEC;

        fail_times(&throttle, 1, THROTTLE_BURST, NOW);
        fail_times(&throttle, 1, 1, later);
        assert_int_equal(throttle_charge(&throttle, 1, later), VAULT_THROTTLED);
        later += 10 * THROTTLE_BURST * THROTTLE_REFILL_USEC;
        fail_times(&throttle, 1, THROTTLE_BURST, later);
        assert_int_equal(throttle_charge(&throttle, 1, later), VAULT_THROTTLED);
}

static void a_success_costs_nothing(void **state) {
        Throttle throttle = passwords;

        for (unsigned i = 0; i < 10 * THROTTLE_BURST; i++) {
                assert_int_equal(throttle_charge(&throttle, 1, NOW), VAULT_OK);
                throttle_refund(&throttle, 1);
        }
        fail_times(&throttle, 1, THROTTLE_BURST, NOW);
        assert_int_equal(throttle_charge(&throttle, 1, NOW), VAULT_THROTTLED);
}

static void a_full_table_forgets_nobody_who_failed(void **state) {
        Throttle throttle = passwords;

        fail_times(&throttle, 0, THROTTLE_BURST, NOW);
        for (uint32_t uid = 1; uid < THROTTLE_UID_MAX; uid++)
                fail_times(&throttle, uid, 1, NOW);
        assert_int_equal(throttle_charge(&throttle, THROTTLE_UID_MAX, NOW), VAULT_BUSY);
        assert_int_equal(throttle_charge(&throttle, 0, NOW), VAULT_THROTTLED);
        /* those with one failure are as good as new by now; the one with many is not */
        fail_times(&throttle, THROTTLE_UID_MAX, 1, NOW + THROTTLE_REFILL_USEC);
        fail_times(&throttle, 0, 1, NOW + THROTTLE_REFILL_USEC);
        assert_int_equal(throttle_charge(&throttle, 0, NOW + THROTTLE_REFILL_USEC),
                         VAULT_THROTTLED);
}

/* What um_vault.h reckons with: 288 guesses a day beyond the burst. */
static void a_day_has_so_many_guesses_at_codes(void **state) {
        Throttle throttle = codes;
        unsigned count = 0;

        for (uint64_t second = 0; second < 86400; second++)
                count += throttle_charge(&throttle, 1, NOW + second * USEC_PER_SEC) == VAULT_OK;
        assert_int_equal(count, THROTTLE_CODE_BURST + 287); /* the 288th is back as the day ends */
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_burst_and_then_no_more),
                cmocka_unit_test(one_comes_back_each_interval_up_to_the_burst),
                cmocka_unit_test(a_success_costs_nothing),
                cmocka_unit_test(a_full_table_forgets_nobody_who_failed),
                cmocka_unit_test(a_day_has_so_many_guesses_at_codes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
