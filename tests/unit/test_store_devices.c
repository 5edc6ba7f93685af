/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Keys of users: rows behind a credential by their hash, each one user's alone. */

#include <errno.h>

#include "tests/unit/store_fixture.h"

static StoreDevice device_of(uid_t uid, const char *blob) {
        return (StoreDevice){ .uid = uid,
                              .blob = (const uint8_t *)blob,
                              .blob_len = strlen(blob),
                              .label = "laptop",
                              .created_usec = 7,
                              .created_by = 1000 };
}

static int insert(StoreTxn *txn, uid_t uid, const char *blob) {
        const StoreDevice device = device_of(uid, blob);

        return store_device_insert(txn, &device);
}

static const uint8_t *hash_of(const char *blob) {
        static uint8_t hash[STORE_DEVICE_HASH_BYTES];

        store_device_hash(blob, strlen(blob), hash);
        return hash;
}

/* Whose it is; 0: nobody's. */
static uid_t holder(StoreTxn *txn, const char *blob) {
        _cleanup_(store_device_freep) StoreDevice *device = NULL;
        int r = store_device_get(txn, hash_of(blob), &device);

        assert_true(r == 0 || r == STORE_E_MISSING);
        return r == 0 ? device->uid : 0;
}

static size_t count(StoreTxn *txn, uid_t uid) {
        StoreDevices devices;
        size_t n;

        must(store_devices_of_user(txn, uid, &devices));
        n = devices.count;
        store_devices_done(&devices);
        return n;
}

static void a_row_comes_back_as_it_was(void **state) {
        Bed bed = bed_make();
        StoreTxn *txn = begun(bed.store);
        StoreDevices devices;

        must(insert(txn, 70000, "one"));
        must(store_commit(&txn));
        must(store_flush(bed.store));
        bed_reopen(&bed);
        txn = reading(bed.store);
        must(store_devices_of_user(txn, 70000, &devices));
        assert_int_equal(devices.count, 1);
        assert_int_equal(devices.list[0]->version, 1);
        assert_int_equal(devices.list[0]->uid, 70000);
        assert_int_equal(devices.list[0]->blob_len, 3);
        assert_memory_equal(devices.list[0]->blob, "one", 3);
        assert_string_equal(devices.list[0]->label, "laptop");
        assert_int_equal(devices.list[0]->created_usec, 7);
        assert_int_equal(devices.list[0]->created_by, 1000);
        store_devices_done(&devices);
        store_txn_abortp(&txn);
        bed_done(&bed);
}

static void a_key_is_one_users_until_it_is_taken_away(void **state) {
        Bed bed = bed_make();
        StoreTxn *txn = begun(bed.store);

        must(insert(txn, 70000, "one"));
        assert_int_equal(insert(txn, 70001, "one"), STORE_E_EXISTS);
        assert_int_equal(insert(txn, 70000, "one"), STORE_E_EXISTS);
        assert_int_equal(holder(txn, "one"), 70000);
        assert_int_equal(store_device_delete(txn, 70001, hash_of("one")), STORE_E_MISSING);
        assert_int_equal(holder(txn, "one"), 70000);
        must(store_device_delete(txn, 70000, hash_of("one")));
        assert_int_equal(holder(txn, "one"), 0);
        must(insert(txn, 70001, "one"));
        assert_int_equal(holder(txn, "one"), 70001);
        store_txn_abortp(&txn);
        bed_done(&bed);
}

/* Among the rows that stand behind a credential, and those of neighbours. */
static void a_users_list_is_his_alone(void **state) {
        StoreCredential credential = { .uid = 70000, .verifier_version = 3 };
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
        must(insert(txn, 69999, "before"));
        must(insert(txn, 70000, "one"));
        must(insert(txn, 70000, "two"));
        must(insert(txn, 70001, "behind"));
        assert_int_equal(count(txn, 70000), 2);
        assert_int_equal(count(txn, 69999), 1);
        assert_int_equal(count(txn, 70002), 0);
        store_txn_abortp(&txn);
        bed_done(&bed);
}

/* A key that stands where another belongs, or is said to be another's, is nobody's. */
static void a_row_that_is_not_its_keys_is_refused(void **state) {
        StoreDevice other = device_of(70000, "other"), wrong = device_of(70001, "one");
        uint8_t key[5 + STORE_DEVICE_HASH_BYTES];
        const StoreDevice *const written[] = { &other, &wrong };
        Bed bed = bed_make();
        StoreTxn *txn = begun(bed.store);
        StoreDevices devices;
        StoreDevice *device;

        must(insert(txn, 70000, "one"));
        key_u32(key, 70000);
        key[4] = 'k';
        memcpy(key + 5, hash_of("one"), STORE_DEVICE_HASH_BYTES);
        for (size_t i = 0; i < ARRAY_LENGTH(written); i++) {
                must(record_put(txn, TABLE_CREDENTIALS, key, sizeof(key), &codec_device, written[i],
                                0));
                assert_int_equal(store_device_get(txn, hash_of("one"), &device), -EBADMSG);
                assert_int_equal(store_devices_of_user(txn, 70000, &devices), -EBADMSG);
        }
        must(table_delete(txn, TABLE_CREDENTIALS, key, sizeof(key)));
        assert_int_equal(store_device_get(txn, hash_of("one"), &device), -EBADMSG);
        store_txn_abortp(&txn);
        bed_done(&bed);
}

static void no_list_is_longer_than_the_limit(void **state) {
        Bed bed = bed_make();
        StoreTxn *txn = begun(bed.store);
        StoreDevices devices;
        char blob[8];

        for (unsigned int i = 0; i <= STORE_DEVICES_MAX; i++) {
                assert_int_equal(count(txn, 70000), i);
                snprintf(blob, sizeof(blob), "%u", i);
                must(insert(txn, 70000, blob));
        }
        assert_int_equal(store_devices_of_user(txn, 70000, &devices), -EBADMSG);
        store_txn_abortp(&txn);
        bed_done(&bed);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_row_comes_back_as_it_was),
                cmocka_unit_test(a_key_is_one_users_until_it_is_taken_away),
                cmocka_unit_test(a_users_list_is_his_alone),
                cmocka_unit_test(a_row_that_is_not_its_keys_is_refused),
                cmocka_unit_test(no_list_is_longer_than_the_limit),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
