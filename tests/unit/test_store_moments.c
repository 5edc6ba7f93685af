/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* When grants begin and end, as rows by time. */

#include "tests/unit/store_fixture.h"

static StoreGrant grant_of(uid_t uid, const char *role, uint64_t from, uint64_t until) {
        return (StoreGrant){
                .uid = uid,
                .role = role,
                .tenant = "local",
                .from_usec = from,
                .until_usec = until,
                .reason = "",
                .over = "",
        };
}

/* "10:70000 20:70001 ", all behind the moment. */
static const char *moments(StoreTxn *txn, uint64_t usec, uid_t uid) {
        static char seen[256];
        StoreMoment moment = { .usec = usec, .uid = uid };

        seen[0] = '\0';
        while (store_moment_next(txn, &moment, &moment) == 0) {
                assert_int_equal(moment.kind, STORE_MOMENT_GRANT);
                sprintf(seen + strlen(seen), "%llu:%u ", (unsigned long long)moment.usec,
                        moment.uid);
        }
        return seen;
}

static void grant_put(StoreTxn *txn, StoreGrant grant) {
        must(store_grant_put(txn, &grant));
}

static void they_stand_by_time_and_follow_the_grants(void **state) {
        Bed bed = bed_make();
        StoreTxn *txn = begun(bed.store);
        StoreGrant grant;

        grant_put(txn, grant_of(70001, "a", 0, 20));
        grant_put(txn, grant_of(70000, "a", 10, 20));
        grant_put(txn, grant_of(70000, "b", 20, USEC_INFINITY)); /* shares a moment */
        assert_string_equal(moments(txn, 0, 0), "10:70000 20:70000 20:70001 ");
        assert_string_equal(moments(txn, 10, 70001), "20:70000 20:70001 ");
        assert_string_equal(moments(txn, 20, 70001), "20:70001 ");
        grant_put(txn, grant_of(70000, "a", 10, 30)); /* anew */
        assert_string_equal(moments(txn, 0, 0), "10:70000 20:70000 20:70001 30:70000 ");
        grant = grant_of(70000, "b", 0, 0); /* only its key counts */
        must(store_grant_delete(txn, &grant));
        assert_string_equal(moments(txn, 0, 0), "10:70000 20:70001 30:70000 ");
        grant = grant_of(70000, "a", 0, 0);
        must(store_grant_delete(txn, &grant));
        grant = grant_of(70001, "a", 0, 0);
        must(store_grant_delete(txn, &grant));
        assert_string_equal(moments(txn, 0, 0), "");
        store_txn_abortp(&txn);
        bed_done(&bed);
}

/* Writes the user with these attributes. */
static void attributes_set(StoreTxn *txn, uid_t uid, const StoreAttribute *list, size_t count) {
        StoreUser *user = NULL;
        uint8_t *bytes = NULL;

        must(store_user_get(txn, uid, &user));
        must(store_attributes_write(list, count, &bytes, &user->attributes_len));
        user->attributes = bytes;
        must(store_user_update(txn, user));
        free(bytes);
        store_user_free(user);
}

static bool attribute_ends(StoreTxn *txn, uint64_t usec) {
        const StoreMoment before = { usec, 70000, 0 };
        StoreMoment moment;

        return store_moment_next(txn, &before, &moment) == 0 && moment.usec == usec &&
               moment.uid == 70000 && moment.kind == STORE_MOMENT_ATTRIBUTE;
}

static void attributes_end_at_moments_too(void **state) {
        const StoreAttribute both[] = { { "a", "1", 1, 10 }, { "b", "1", 1, 10 } },
                             later[] = { { "a", "1", 1, 20 }, { "b", "1", 1, 10 } };
        Bed bed = bed_make();
        StoreTxn *txn;

        must(user_add(bed.store, 70000, "alice"));
        txn = begun(bed.store);
        attributes_set(txn, 70000, both, 2);
        assert_true(attribute_ends(txn, 10));
        attributes_set(txn, 70000, later, 2);
        assert_true(attribute_ends(txn, 10) && attribute_ends(txn, 20));
        attributes_set(txn, 70000, later, 1);
        assert_true(!attribute_ends(txn, 10) && attribute_ends(txn, 20));
        attributes_set(txn, 70000, NULL, 0);
        assert_false(attribute_ends(txn, 20));
        store_txn_abortp(&txn);
        bed_done(&bed);
}

static void how_far_they_were_told_is_kept(void **state) {
        const StoreMoment at = { 10, 70000, STORE_MOMENT_GRANT };
        StoreMoment told;
        Bed bed = bed_make();
        StoreTxn *txn = begun(bed.store);

        must(store_moment_told(txn, &told)); /* a new store has it */
        assert_int_equal(told.usec, 0);
        must(store_moment_tell(txn, &at));
        must(store_commit(&txn));
        must(store_flush(bed.store));
        bed_reopen(&bed);
        txn = reading(bed.store);
        must(store_moment_told(txn, &told));
        assert_int_equal(store_moment_compare(&told, &at), 0);
        assert_string_equal(moments(txn, 0, 0), ""); /* it is no moment itself */
        store_txn_abortp(&txn);
        bed_done(&bed);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(they_stand_by_time_and_follow_the_grants),
                cmocka_unit_test(attributes_end_at_moments_too),
                cmocka_unit_test(how_far_they_were_told_is_kept),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
