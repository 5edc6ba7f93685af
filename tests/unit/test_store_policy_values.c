/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Policy values that were set: each subject's by themselves, in order, out of every user's way. */

#include "tests/unit/store_fixture.h"

typedef struct Seen {
        char list[16][64];
        size_t count, end;
} Seen;

static int see(void *userdata, const StorePolicyValue *value) {
        Seen *seen = userdata;

        assert_true(seen->count < ARRAY_LENGTH(seen->list));
        snprintf(seen->list[seen->count++], sizeof(seen->list[0]), "%c %s %s=%s",
                 (char)value->level, value->subject, value->name, value->value);
        return seen->end > 0 && seen->count == seen->end ? 77 : 0;
}

static void put(Store *store, StorePolicyLevel level, const char *subject, const char *name,
                const char *value) {
        const StorePolicyValue row = { level, subject, name, value, 1000, 5 };
        StoreTxn *txn = begun(store);

        must(store_policy_value_put(txn, &row));
        must(store_commit(&txn));
}

static Seen seen_of(Store *store, StorePolicyLevel level, const char *subject) {
        StoreTxn *txn = reading(store);
        Seen seen = { 0 };

        must(store_policy_value_each(txn, level, subject, see, &seen));
        store_txn_abortp(&txn);
        return seen;
}

static Seen seen_after(Store *store, const StorePolicyValue *after) {
        StoreTxn *txn = reading(store);
        Seen seen = { 0 };

        must(store_policy_value_all(txn, after, see, &seen));
        store_txn_abortp(&txn);
        return seen;
}

static Bed bed_with_values(void) {
        Bed bed = bed_make();

        put(bed.store, STORE_POLICY_USER, "70000", "password.min-length", "10");
        put(bed.store, STORE_POLICY_USER, "7000", "factor.grace", "8h");
        put(bed.store, STORE_POLICY_COMPANY, "local", "password.min-length", "16");
        put(bed.store, STORE_POLICY_COMPANY, "local", "lockout.attempts", "3");
        return bed;
}

static void a_subject_has_its_own_values_and_no_others(void **state) {
        Bed bed = bed_with_values();
        Seen seen;

        must(store_flush(bed.store));
        bed_reopen(&bed);
        seen = seen_of(bed.store, STORE_POLICY_COMPANY, "local");
        assert_int_equal(seen.count, 2);
        assert_string_equal(seen.list[0], "c local lockout.attempts=3");
        assert_string_equal(seen.list[1], "c local password.min-length=16");
        seen = seen_of(bed.store, STORE_POLICY_USER, "7000"); /* not 70000's */
        assert_int_equal(seen.count, 1);
        assert_string_equal(seen.list[0], "u 7000 factor.grace=8h");
        assert_int_equal(seen_of(bed.store, STORE_POLICY_USER, "local").count, 0);
        assert_int_equal(seen_of(bed.store, STORE_POLICY_COMPANY, "loca").count, 0);
        bed_done(&bed);
}

/* Each level by itself, and what one subject has by name. */
static void levels_do_not_meet(void **state) {
        static const StorePolicyLevel levels[] = { STORE_POLICY_COMPANY, STORE_POLICY_DEPARTMENT,
                                                   STORE_POLICY_ROLE, STORE_POLICY_USER };
        Bed bed = bed_make();

        for (size_t i = 0; i < ARRAY_LENGTH(levels); i++) {
                _cleanup_(store_policy_value_freep) StorePolicyValue *value = NULL;
                StoreTxn *txn = reading(bed.store);

                for (size_t k = 0; k < ARRAY_LENGTH(levels); k++)
                        assert_int_equal(store_policy_value_any(txn, levels[k]),
                                         k < i ? 0 : STORE_E_MISSING);
                assert_int_equal(store_policy_value_get(txn, levels[i], "7000", "factor.grace",
                                                        &value),
                                 STORE_E_MISSING);
                store_txn_abortp(&txn);
                put(bed.store, levels[i], "7000", "factor.grace", i % 2 ? "8h" : "4h");
                txn = reading(bed.store);
                must(store_policy_value_get(txn, levels[i], "7000", "factor.grace", &value));
                assert_string_equal(value->value, i % 2 ? "8h" : "4h");
                assert_int_equal(value->level, levels[i]);
                assert_int_equal(value->set_usec, 5);
                store_txn_abortp(&txn);
                assert_int_equal(seen_of(bed.store, levels[i], "7000").count, 1);
                assert_int_equal(seen_after(bed.store, NULL).count, i + 1);
        }
        bed_done(&bed);
}

static void a_value_is_replaced_and_taken_away(void **state) {
        Bed bed = bed_with_values();
        StoreTxn *txn;
        Seen seen;

        put(bed.store, STORE_POLICY_USER, "70000", "password.min-length", "9");
        seen = seen_of(bed.store, STORE_POLICY_USER, "70000");
        assert_int_equal(seen.count, 1);
        assert_string_equal(seen.list[0], "u 70000 password.min-length=9");
        txn = begun(bed.store);
        must(store_policy_value_delete(txn, STORE_POLICY_USER, "70000", "password.min-length"));
        assert_int_equal(store_policy_value_delete(txn, STORE_POLICY_USER, "70000",
                                                   "password.min-length"),
                         STORE_E_MISSING);
        assert_int_equal(store_policy_value_delete(txn, STORE_POLICY_USER, "", "x"),
                         STORE_E_MISSING);
        must(store_commit(&txn));
        assert_int_equal(seen_of(bed.store, STORE_POLICY_USER, "70000").count, 0);
        bed_done(&bed);
}

static void all_are_walked_in_order_and_from_any_on(void **state) {
        static const StorePolicyValue after = { STORE_POLICY_COMPANY,
                                                "local",
                                                "lockout.attempts",
                                                "",
                                                0,
                                                0 },
                                      gone = { STORE_POLICY_USER, "7000", "a", "", 0, 0 };
        Bed bed = bed_with_values();
        StoreTxn *txn;
        Seen seen = seen_after(bed.store, NULL);

        assert_int_equal(seen.count, 4);
        assert_string_equal(seen.list[0], "c local lockout.attempts=3");
        assert_string_equal(seen.list[3], "u 70000 password.min-length=10");
        seen = seen_after(bed.store, &after);
        assert_int_equal(seen.count, 3);
        assert_string_equal(seen.list[0], "c local password.min-length=16");
        seen = seen_after(bed.store, &gone); /* it need not be there any more */
        assert_int_equal(seen.count, 2);
        assert_string_equal(seen.list[0], "u 7000 factor.grace=8h");
        seen = (Seen){ .end = 2 };
        txn = reading(bed.store);
        assert_int_equal(store_policy_value_all(txn, NULL, see, &seen), 77);
        assert_int_equal(seen.count, 2);
        store_txn_abortp(&txn);
        bed_done(&bed);
}

static int count_user(void *userdata, const StoreUser *user) {
        ++*(size_t *)userdata;
        return 0;
}

static int count_grant(void *userdata, const StoreGrant *grant) {
        ++*(size_t *)userdata;
        return 0;
}

/* They stand in the users' table: no walk over users or grants meets them, and none of theirs. */
static void values_and_users_do_not_meet(void **state) {
        /* 'p', 'c', ... as a uid: of the range for more users */
        const uid_t look_alike = 0x70636C6FU;
        Bed bed = bed_with_values();
        StoreTxn *txn;
        StoreGrant grant = { .uid = look_alike,
                             .role = "cal",
                             .tenant = "local",
                             .until_usec = USEC_INFINITY,
                             .reason = "",
                             .over = "" };
        size_t users = 0, grants = 0;

        must(user_add(bed.store, 70000, "alice"));
        must(user_add(bed.store, look_alike, "bob"));
        txn = begun(bed.store);
        must(store_grant_put(txn, &grant));
        must(store_user_each(txn, count_user, &users));
        assert_int_equal(users, 2);
        must(store_grant_each(txn, look_alike, count_grant, &grants));
        must(store_grant_each(txn, 70000, count_grant, &grants));
        assert_int_equal(grants, 1);
        must(store_commit(&txn));
        assert_int_equal(seen_after(bed.store, NULL).count, 4);
        bed_done(&bed);
}

static void what_cannot_be_a_value_is_not_written(void **state) {
        static const char long_text[CODEC_KEY_MAX + 2] = { [0 ... CODEC_KEY_MAX] = 'x' };
        static const StorePolicyValue rows[] = {
                { STORE_POLICY_USER, "", "factor.grace", "0", 0, 0 },
                { STORE_POLICY_USER, "70000", "", "0", 0, 0 },
                { STORE_POLICY_USER, long_text, "factor.grace", "0", 0, 0 },
                { STORE_POLICY_USER, "70000", long_text, "0", 0, 0 },
                { STORE_POLICY_USER, "70000", "factor.grace", "\xFF", 0, 0 },
                { 'x', "70000", "factor.grace", "0", 0, 0 },
                { 0x100 + STORE_POLICY_USER, "70000", "factor.grace", "0", 0, 0 },
        };
        Bed bed = bed_make();
        StoreTxn *txn = begun(bed.store);

        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++)
                assert_int_equal(store_policy_value_put(txn, &rows[i]), -EINVAL);
        store_txn_abortp(&txn);
        assert_int_equal(seen_after(bed.store, NULL).count, 0);
        bed_done(&bed);
}

/* A value under another's key: nobody is given what is not his. */
static void a_record_under_anothers_key_is_refused(void **state) {
        static const char his[] = "\0\0\0\0pu70000\0factor.grace",
                          hers[] = "\0\0\0\0pu70001\0factor.grace";
        Bed bed = bed_make();
        StoreTxn *txn;
        Seen seen = { 0 };
        MDB_val data;
        uint8_t copy[256];

        put(bed.store, STORE_POLICY_USER, "70000", "factor.grace", "8h");
        txn = begun(bed.store);
        must(table_get(txn, TABLE_USERS, his, sizeof(his) - 1, &data));
        memcpy(copy, data.mv_data, data.mv_size);
        must(table_put(txn, TABLE_USERS, hers, sizeof(hers) - 1, copy, data.mv_size, 0));
        assert_int_equal(store_policy_value_each(txn, STORE_POLICY_USER, "70001", see, &seen),
                         -EBADMSG);
        assert_int_equal(seen.count, 0);
        store_txn_abortp(&txn);
        bed_done(&bed);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_subject_has_its_own_values_and_no_others),
                cmocka_unit_test(levels_do_not_meet),
                cmocka_unit_test(a_value_is_replaced_and_taken_away),
                cmocka_unit_test(all_are_walked_in_order_and_from_any_on),
                cmocka_unit_test(values_and_users_do_not_meet),
                cmocka_unit_test(what_cannot_be_a_value_is_not_written),
                cmocka_unit_test(a_record_under_anothers_key_is_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
