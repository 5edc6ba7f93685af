/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What failed: rows behind their user, in order, and nothing that does not decode. */

#include "tests/unit/store_fixture.h"

static const StoreNetwork none, four = { { STORE_NETWORK_FOUR, 203, 0, 113, 9 } },
                                six = { { STORE_NETWORK_SIX, 0x20, 0x01, 0x0d, 0xb8 } };

static StoreLockout lockout_of(uid_t uid, uint32_t place, const StoreNetwork *network) {
        return (StoreLockout){
                .uid = uid,
                .place = place,
                .network = *network,
                .state = { { { 5, 1 }, { 7, 3 } }, 2, USEC_INFINITY },
                .proved_usec = 4,
                .known_usec = 11,
                .untold_count = 3,
                .untold_since_usec = 8,
                .failed_usec = 9,
                .failed_source = "203.0.113.9",
                .failed_service = "sshd",
        };
}

static void put(Store *store, const StoreLockout *lockout) {
        StoreTxn *txn = begun(store);

        must(store_lockout_put(txn, lockout));
        must(store_commit(&txn));
}

static void a_count_comes_back_as_it_was_put(void **state) {
        Bed bed = bed_make();
        StoreLockout is = lockout_of(70000, 2, &four);
        _cleanup_(store_lockout_freep) StoreLockout *back = NULL, *other = NULL;
        StoreTxn *txn;

        put(bed.store, &is);
        must(store_flush(bed.store));
        bed_reopen(&bed);
        txn = reading(bed.store);
        must(store_lockout_get(txn, 70000, 2, &four, &back));
        assert_int_equal(back->state.failure_count, 2);
        assert_true(back->state.failures[1].at_usec == 7 && back->state.failures[1].count == 3);
        assert_true(back->state.locked_until_usec == USEC_INFINITY);
        assert_true(back->proved_usec == 4 && back->untold_count == 3 && back->failed_usec == 9);
        assert_true(back->known_usec == 11);
        assert_true(back->untold_since_usec == 8);
        assert_string_equal(back->failed_source, "203.0.113.9");
        assert_string_equal(back->failed_service, "sshd");
        assert_int_equal(store_lockout_get(txn, 70000, 2, &none, &other), STORE_E_MISSING);
        assert_int_equal(store_lockout_get(txn, 70001, 2, &four, &other), STORE_E_MISSING);
        store_txn_abortp(&txn);
        bed_done(&bed);
}

typedef struct Seen {
        char text[256];
        int stop;
} Seen;

static int see(void *userdata, const StoreLockout *lockout) {
        Seen *seen = userdata;
        size_t len = strlen(seen->text);

        snprintf(seen->text + len, sizeof(seen->text) - len, "%u/%u/%u ", lockout->uid,
                 lockout->place, lockout->network.bytes[0]);
        return seen->stop;
}

static void a_users_rows_are_his_alone(void **state) {
        Bed bed = bed_make();
        const StoreLockout rows[] = {
                lockout_of(70001, 1, &none), lockout_of(70000, 4, &six),
                lockout_of(70000, 4, &four), lockout_of(70000, 1, &none),
                lockout_of(69999, 4, &four),
        };
        Seen seen = { 0 };
        StoreTxn *txn;
        bool any;

        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++)
                put(bed.store, &rows[i]);
        txn = begun(bed.store);
        must(store_lockout_each(txn, 70000, see, &seen));
        assert_string_equal(seen.text, "70000/1/0 70000/4/4 70000/4/6 ");
        seen = (Seen){ .stop = 77 };
        assert_int_equal(store_lockout_each(txn, 70000, see, &seen), 77);
        must(store_lockout_delete(txn, 70000, 1, &none));
        assert_int_equal(store_lockout_delete(txn, 70000, 1, &none), STORE_E_MISSING);
        /* whoever looks for verifiers passes over them */
        must(store_credential_any(txn, &any));
        assert_false(any);
        store_txn_abortp(&txn);
        bed_done(&bed);
}

static int see_network(void *userdata, const StoreThrottle *throttle) {
        Seen *seen = userdata;
        size_t len = strlen(seen->text);

        snprintf(seen->text + len, sizeof(seen->text) - len, "%u:%zu ", throttle->network.bytes[0],
                 throttle->state.failure_count);
        return 0;
}

static void sources_stand_behind_all_users(void **state) {
        Bed bed = bed_make();
        const StoreLockout user = lockout_of(UINT32_MAX - 1, 1, &none);
        StoreThrottle throttle = { .network = six,
                                   .state = { { { 5, 2 } }, 1, 0 },
                                   .failed_usec = 6 };
        Seen seen = { 0 };
        StoreTxn *txn;

        put(bed.store, &user);
        txn = begun(bed.store);
        must(store_throttle_put(txn, &throttle));
        throttle.network = four;
        throttle.state.failure_count = 0;
        must(store_throttle_put(txn, &throttle));
        must(store_throttle_each(txn, see_network, &seen));
        assert_string_equal(seen.text, "4:0 6:1 ");
        must(store_throttle_get(txn, &six, &throttle));
        assert_true(throttle.failed_usec == 6 && throttle.state.failures[0].count == 2);
        must(store_throttle_delete(txn, &six));
        assert_int_equal(store_throttle_get(txn, &six, &throttle), STORE_E_MISSING);
        store_txn_abortp(&txn);
        bed_done(&bed);
}

static void lock_time_is_kept(void **state) {
        const StoreLockTime put_in = { 1000, 10, { 1, 2, 3 } };
        Bed bed = bed_make();
        StoreLockTime back;
        StoreTxn *txn = begun(bed.store);

        assert_int_equal(store_lock_time_get(txn, &back), STORE_E_MISSING);
        must(store_lock_time_put(txn, &put_in));
        must(store_lock_time_get(txn, &back));
        assert_memory_equal(&back, &put_in, sizeof(back));
        store_txn_abortp(&txn);
        bed_done(&bed);
}

static void failures_that_make_no_sense_are_not_written(void **state) {
        static const LockoutState rows[] = {
                { { { 5, 0 } }, 1, 0 },
                { { { 5, 1 }, { 5, 1 } }, 2, 0 },
                { { { 5, 1 }, { 4, 1 } }, 2, 0 },
                { { { 0, 1 } }, 1, 0 },
                { { { 1, 1 } }, LOCKOUT_FAILURES_MAX + 1, 0 },
        };
        Bed bed = bed_make();
        StoreLockout lockout = lockout_of(70000, 1, &none);
        StoreTxn *txn = begun(bed.store);

        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                lockout.state = rows[i];
                assert_int_equal(store_lockout_put(txn, &lockout), -EINVAL);
        }
        lockout = lockout_of(70000, 256, &none);
        assert_int_equal(store_lockout_put(txn, &lockout), -EINVAL);
        store_txn_abortp(&txn);
        bed_done(&bed);
}

static void failures_that_make_no_sense_are_not_read(void **state) {
        static const struct {
                uint8_t bytes[24];
                size_t len;
                int r;
        } rows[] = {
                { { 5, [8] = 1 }, 12, 0 },
                { { 5, [8] = 1, [12] = 6, [20] = 9 }, 24, 0 },
                { { 5, [8] = 1 }, 11, -EBADMSG },
                { { 5, [8] = 1 }, 13, -EBADMSG },
                { { 5, [8] = 0 }, 12, -EBADMSG },
                { { 0, [8] = 1 }, 12, -EBADMSG },
                { { 5, [8] = 1, [12] = 5, [20] = 1 }, 24, -EBADMSG },
        };
        uint8_t many[12 * (LOCKOUT_FAILURES_MAX + 1)] = { 0 };
        LockoutState out;

        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++)
                assert_int_equal(lockout_failures_read(rows[i].bytes, rows[i].len, &out),
                                 rows[i].r);
        must(lockout_failures_read(NULL, 0, &out));
        for (uint8_t i = 0; i <= LOCKOUT_FAILURES_MAX; i++) {
                many[12 * i] = i + 1;
                many[12 * i + 8] = 1;
        }
        must(lockout_failures_read(many, sizeof(many) - 12, &out));
        assert_int_equal(lockout_failures_read(many, sizeof(many), &out), -EBADMSG);
}

/* A row that stands under another's key is nobody's. */
static void a_row_of_another_is_refused(void **state) {
        Bed bed = bed_make();
        StoreLockout lockout = lockout_of(70000, 1, &none);
        _cleanup_(store_lockout_freep) StoreLockout *back = NULL;
        uint8_t from[15] = { 0, 1, 0x11, 0x70, 'l', 1 }, to[15] = { 0, 1, 0x11, 0x71, 'l', 1 };
        uint8_t copy[512];
        StoreTxn *txn;
        MDB_val data;

        put(bed.store, &lockout);
        txn = begun(bed.store);
        must(table_get(txn, TABLE_CREDENTIALS, from, sizeof(from), &data));
        memcpy(copy, data.mv_data, data.mv_size);
        must(table_put(txn, TABLE_CREDENTIALS, to, sizeof(to), copy, data.mv_size, 0));
        assert_int_equal(store_lockout_get(txn, 70001, 1, &none, &back), -EBADMSG);
        assert_int_equal(store_lockout_each(txn, 70001, see, &(Seen){ 0 }), -EBADMSG);
        store_txn_abortp(&txn);
        bed_done(&bed);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_count_comes_back_as_it_was_put),
                cmocka_unit_test(a_users_rows_are_his_alone),
                cmocka_unit_test(sources_stand_behind_all_users),
                cmocka_unit_test(lock_time_is_kept),
                cmocka_unit_test(failures_that_make_no_sense_are_not_written),
                cmocka_unit_test(failures_that_make_no_sense_are_not_read),
                cmocka_unit_test(a_row_of_another_is_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
