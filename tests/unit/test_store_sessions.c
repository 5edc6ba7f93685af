/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The records of open sessions: there until they are deleted, in order, in their transaction. */

#include "tests/unit/store_fixture.h"

typedef struct Seen {
        StoreSession list[8];
        size_t count;
} Seen;

static int see(void *userdata, const StoreSession *session) {
        Seen *seen = userdata;

        assert_true(seen->count < ARRAY_LENGTH(seen->list));
        seen->list[seen->count++] = *session;
        return session->seq == 7 ? 77 : 0;
}

static Seen seen_in(Store *store) {
        StoreTxn *txn = reading(store);
        Seen seen = { 0 };

        must(store_session_each(txn, see, &seen));
        store_txn_abortp(&txn);
        return seen;
}

static void put(Store *store, uint64_t seq, bool commit) {
        const StoreSession session = { seq, 70000, 4711, seq + 1 };
        StoreTxn *txn = begun(store);

        must(store_session_put(txn, &session));
        if (commit)
                must(store_commit(&txn));
        else
                store_txn_abortp(&txn);
}

static void a_session_is_there_until_it_is_deleted(void **state) {
        Bed bed = bed_make();
        StoreTxn *txn;
        Seen seen;

        assert_int_equal(seen_in(bed.store).count, 0);
        put(bed.store, 300, true);
        put(bed.store, 2, true);
        put(bed.store, 5, false);
        must(store_flush(bed.store));
        bed_reopen(&bed);
        seen = seen_in(bed.store);
        assert_int_equal(seen.count, 2); /* the oldest first */
        assert_int_equal(seen.list[0].seq, 2);
        assert_int_equal(seen.list[1].seq, 300);
        assert_int_equal(seen.list[1].uid, 70000);
        assert_int_equal(seen.list[1].pid, 4711);
        assert_int_equal(seen.list[1].start_ticks, 301);
        txn = begun(bed.store);
        must(store_session_delete(txn, 2));
        assert_int_equal(store_session_delete(txn, 2), STORE_E_MISSING);
        must(store_commit(&txn));
        assert_int_equal(seen_in(bed.store).count, 1);
        bed_done(&bed);
}

static void a_walk_ends_where_it_is_told_to(void **state) {
        Bed bed = bed_make();
        StoreTxn *txn;
        Seen seen = { 0 };

        put(bed.store, 7, true);
        put(bed.store, 8, true);
        txn = reading(bed.store);
        assert_int_equal(store_session_each(txn, see, &seen), 77);
        assert_int_equal(seen.count, 1);
        store_txn_abortp(&txn);
        bed_done(&bed);
}

static void a_record_that_does_not_decode_is_not_guessed_at(void **state) {
        static const uint8_t key[] = { 's', 0, 0, 0, 0, 0, 0, 0, 1 };
        Bed bed = bed_make();
        StoreTxn *txn = begun(bed.store);
        Seen seen = { 0 };

        must(table_put(txn, TABLE_MAIN, key, sizeof(key), "x", 1, 0));
        assert_int_equal(store_session_each(txn, see, &seen), -EBADMSG);
        store_txn_abortp(&txn);
        bed_done(&bed);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_session_is_there_until_it_is_deleted),
                cmocka_unit_test(a_walk_ends_where_it_is_told_to),
                cmocka_unit_test(a_record_that_does_not_decode_is_not_guessed_at),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
