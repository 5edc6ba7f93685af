/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Former passwords: rows of a user, the latest first, dropped from the oldest on. */

#include "tests/unit/store_fixture.h"

static StorePast past_of(uid_t uid, uint64_t version) {
        static const uint8_t sealed[] = { 0, 1, 2, 255 };

        return (StorePast){ .uid = uid,
                            .password = { sealed, sizeof(sealed), version },
                            .until_usec = version * 10 };
}

static void put(StoreTxn *txn, uid_t uid, uint64_t version) {
        StorePast past = past_of(uid, version);

        must(store_history_put(txn, &past));
}

/* "9 7 3": the versions, as they are listed. */
static const char *listed(StoreTxn *txn, uid_t uid) {
        static char text[256];
        StoreHistory history;
        size_t at = 0;

        must(store_history_of_user(txn, uid, &history));
        text[0] = '\0';
        for (size_t i = 0; i < history.count; i++)
                at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%llu", i > 0 ? " " : "",
                                       (unsigned long long)history.list[i]->password.version);
        store_history_done(&history);
        assert_int_equal(history.count, 0);
        return text;
}

static void a_row_comes_back_as_it_was(void **state) {
        Bed bed = bed_make();
        StoreTxn *txn = begun(bed.store);
        StoreHistory history;
        StorePast in = past_of(70000, 3);

        assert_string_equal(listed(txn, 70000), "");
        must(store_history_put(txn, &in));
        must(store_commit(&txn));
        must(store_flush(bed.store));
        bed_reopen(&bed);
        txn = reading(bed.store);
        must(store_history_of_user(txn, 70000, &history));
        assert_int_equal(history.count, 1);
        assert_int_equal(history.list[0]->uid, 70000);
        assert_int_equal(history.list[0]->password.version, 3);
        assert_int_equal(history.list[0]->password.len, in.password.len);
        assert_memory_equal(history.list[0]->password.bytes, in.password.bytes, in.password.len);
        assert_int_equal(history.list[0]->until_usec, 30);
        store_history_done(&history);
        store_txn_abortp(&txn);
        bed_done(&bed);
}

/* Among the rows that stand behind a credential, and those of neighbours. */
static void a_users_list_is_his_alone_and_the_latest_come_first(void **state) {
        static const struct {
                uid_t uid;
                uint64_t version;
        } made[] = { { 70000, 256 }, { 69999, 1 }, { 70000, 2 }, { 70001, 1 }, { 70000, 255 } };
        StoreCredential credential = { .uid = 70000, .verifier_version = 300 };
        StoreFactor factor = {
                .uid = 70000, .number = 1, .label = "", .sealed = { (const uint8_t *)"s", 1, 1 }
        };
        StoreLockout lockout = {
                .uid = 70000, .place = 1, .failed_source = "", .failed_service = ""
        };
        Bed bed = bed_make();
        StoreTxn *txn = begun(bed.store);

        must(store_credential_put(txn, &credential));
        must(store_factor_put(txn, &factor));
        must(store_lockout_put(txn, &lockout));
        for (size_t i = 0; i < ARRAY_LENGTH(made); i++)
                put(txn, made[i].uid, made[i].version);
        assert_string_equal(listed(txn, 70000), "256 255 2");
        assert_string_equal(listed(txn, 69999), "1");
        assert_string_equal(listed(txn, 70002), "");
        must(store_commit(&txn));
        bed_done(&bed);
}

static void the_oldest_are_dropped(void **state) {
        Bed bed = bed_make();
        StoreTxn *txn = begun(bed.store);

        for (uint64_t version = 1; version <= STORE_HISTORY_MAX; version++)
                put(txn, 70000, version);
        put(txn, 70001, 7);
        must(store_history_keep(txn, 70000, STORE_HISTORY_MAX));
        must(store_history_keep(txn, 70000, 3));
        assert_string_equal(listed(txn, 70000), "24 23 22");
        must(store_history_keep(txn, 70000, 5));
        assert_string_equal(listed(txn, 70000), "24 23 22");
        must(store_history_keep(txn, 70000, 0));
        must(store_history_keep(txn, 70000, 0));
        assert_string_equal(listed(txn, 70000), "");
        assert_string_equal(listed(txn, 70001), "7");
        must(store_commit(&txn));
        txn = reading(bed.store);
        assert_int_equal(store_history_keep(txn, 70001, 0), -EINVAL);
        store_txn_abortp(&txn);
        bed_done(&bed);
}

static void a_list_that_is_none_is_refused_and_can_be_dropped(void **state) {
        Bed bed = bed_make();
        StoreTxn *txn = begun(bed.store);
        uint8_t key[13] = { [4] = 'h', [12] = 9 };
        StoreHistory history;
        StorePast other = past_of(70000, 8);

        key_u32(key, 70000);
        must(record_put(txn, TABLE_CREDENTIALS, key, sizeof(key), &codec_history, &other, 0));
        assert_int_equal(store_history_of_user(txn, 70000, &history),
                         -EBADMSG); /* not its number */
        other = past_of(70001, 9);
        must(record_put(txn, TABLE_CREDENTIALS, key, sizeof(key), &codec_history, &other, 0));
        assert_int_equal(store_history_of_user(txn, 70000, &history), -EBADMSG); /* another's */
        must(store_history_keep(txn, 70000, 0));
        assert_string_equal(listed(txn, 70000), "");
        for (uint64_t version = 1; version <= STORE_HISTORY_MAX + 1; version++)
                put(txn, 70000, version);
        assert_int_equal(store_history_of_user(txn, 70000, &history), -EBADMSG); /* too many */
        must(store_history_keep(txn, 70000, 1));
        assert_string_equal(listed(txn, 70000), "25");
        must(store_commit(&txn));
        bed_done(&bed);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_row_comes_back_as_it_was),
                cmocka_unit_test(a_users_list_is_his_alone_and_the_latest_come_first),
                cmocka_unit_test(the_oldest_are_dropped),
                cmocka_unit_test(a_list_that_is_none_is_refused_and_can_be_dropped),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
