/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Batches: what is visible when, what is durable when, what is gone after what. */

#include "tests/unit/store_fixture.h"

static void a_commit_is_visible_and_a_flush_is_durable(void **state) {
        Bed bed = bed_make();

        assert_false(store_has_batch(bed.store));
        must(store_flush(bed.store)); /* nothing to do */
        must(user_add(bed.store, 70000, "alice"));
        assert_true(user_is_there(bed.store, "alice"));
        assert_true(store_has_batch(bed.store));
        bed_reopen(&bed); /* not flushed: it never happened */
        assert_false(user_is_there(bed.store, "alice"));
        must(user_add(bed.store, 70000, "alice"));
        must(store_flush(bed.store));
        assert_false(store_has_batch(bed.store));
        bed_reopen(&bed);
        assert_true(user_is_there(bed.store, "alice"));
        bed_done(&bed);
}

static void an_abort_leaves_the_rest_of_the_batch(void **state) {
        Bed bed = bed_make();
        StoreUser user = user_of(70001, "bob");
        StoreTxn *txn = begun(bed.store);

        must(store_user_insert(txn, &user));
        store_txn_abortp(&txn); /* the first in the batch */
        assert_false(store_has_batch(bed.store));
        must(user_add(bed.store, 70000, "alice"));
        txn = begun(bed.store);
        must(store_user_insert(txn, &user));
        store_txn_abortp(&txn); /* one within it */
        assert_true(user_is_there(bed.store, "alice"));
        assert_false(user_is_there(bed.store, "bob"));
        must(user_add(bed.store, 70002, "carol"));
        must(store_flush(bed.store));
        bed_reopen(&bed);
        assert_true(user_is_there(bed.store, "alice"));
        assert_false(user_is_there(bed.store, "bob"));
        assert_true(user_is_there(bed.store, "carol"));
        bed_done(&bed);
}

static void a_batch_is_one_flush(void **state) {
        Bed bed = bed_make();
        StoreStatistics statistics;

        must(user_add(bed.store, 70000, "alice"));
        must(user_add(bed.store, 70001, "bob"));
        must(user_add(bed.store, 70002, "carol"));
        must(store_flush(bed.store));
        must(store_flush(bed.store));
        must(store_statistics(bed.store, &statistics));
        assert_int_equal(statistics.batches, 1);
        assert_int_equal(statistics.users, 3);
        assert_true(statistics.used_bytes > 0 && statistics.used_bytes < statistics.map_bytes);
        bed_done(&bed);
}

static void one_writer_at_a_time(void **state) {
        Bed bed = bed_make();
        StoreTxn *txn = begun(bed.store), *second = NULL, *reader;

        assert_int_equal(store_begin(bed.store, &second), -EBUSY);
        assert_int_equal(store_begin_read(bed.store, &second), -EBUSY);
        assert_int_equal(store_flush(bed.store), -EBUSY);
        must(store_commit(&txn));
        reader = reading(bed.store); /* of the batch */
        assert_int_equal(store_begin(bed.store, &second), -EBUSY);
        assert_int_equal(store_flush(bed.store), -EBUSY);
        store_txn_abortp(&reader);
        must(store_flush(bed.store));
        bed_done(&bed);
}

static void a_reader_of_the_durable_state_stays_with_it(void **state) {
        Bed bed = bed_make();
        StoreTxn *reader = reading(bed.store);
        StoreUser *user = NULL;

        must(user_add(bed.store, 70000, "alice"));
        must(store_flush(bed.store));
        assert_int_equal(store_user_get_by_name(reader, "alice", &user), STORE_E_MISSING);
        must(store_commit(&reader)); /* which for a reader is its end */
        assert_null(reader);
        assert_true(user_is_there(bed.store, "alice"));
        bed_done(&bed);
}

static void a_reader_cannot_write(void **state) {
        Bed bed = bed_make();
        StoreTxn *txn;
        StoreUser user = user_of(70000, "alice");
        StoreGroup group = group_of(70001, "web");
        StoreCredential credential = { .uid = 70000 };
        StoreGrant grant = { .uid = 70000, .role = "r", .tenant = "t", .reason = "", .over = "" };
        StoreAudit audit = audit_of("user.create", "");
        uint64_t seq;
        uint32_t id;

        must(user_add(bed.store, 70009, "zoe")); /* a batch: its own transaction could write */
        txn = reading(bed.store);
        assert_int_equal(store_user_insert(txn, &user), -EINVAL);
        assert_int_equal(store_user_update(txn, &user), -EINVAL);
        assert_int_equal(store_group_insert(txn, &group), -EINVAL);
        assert_int_equal(store_group_update(txn, &group), -EINVAL);
        assert_int_equal(store_credential_put(txn, &credential), -EINVAL);
        assert_int_equal(store_credential_delete(txn, 70000), -EINVAL);
        assert_int_equal(store_grant_put(txn, &grant), -EINVAL);
        assert_int_equal(store_grant_delete(txn, &grant), -EINVAL);
        assert_int_equal(store_audit_append(txn, &audit, &seq), -EINVAL);
        assert_int_equal(store_event_append(txn, "t", "o", 1, &seq), -EINVAL);
        assert_int_equal(store_id_allocate(txn, 1, 2, NULL, NULL, &id), -EINVAL);
        store_txn_abortp(&txn);
        bed_done(&bed);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_commit_is_visible_and_a_flush_is_durable),
                cmocka_unit_test(an_abort_leaves_the_rest_of_the_batch),
                cmocka_unit_test(a_batch_is_one_flush),
                cmocka_unit_test(one_writer_at_a_time),
                cmocka_unit_test(a_reader_of_the_durable_state_stays_with_it),
                cmocka_unit_test(a_reader_cannot_write),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
