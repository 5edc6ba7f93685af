/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Codes by e-mail: one row a user, written over one that was read. */

#include "tests/unit/store_fixture.h"

static const uint8_t hash[] = { 0, 1, 2, 255 };

static StoreMailCode code_of(uid_t uid) {
        return (StoreMailCode){ .uid = uid,
                                .hash = { hash, sizeof(hash), 1 },
                                .address = "alice@acme.example",
                                .place = 1,
                                .network = { { STORE_NETWORK_FOUR, 192, 0, 2, 7 } },
                                .tries = 2,
                                .sends = { 5, 9 },
                                .send_count = 2,
                                .refused_usec = 7 };
}

static void a_mail_code_comes_back_as_it_was(void **state) {
        Bed bed = bed_make();
        StoreTxn *txn = begun(bed.store);
        StoreMailCode in = code_of(70000);
        StoreMailCode *out = NULL;

        assert_int_equal(store_mail_code_get(txn, 70000, STORE_MAIL_FACTOR, &out), STORE_E_MISSING);
        must(store_mail_code_put(txn, &in));
        must(store_commit(&txn));
        must(store_flush(bed.store));
        bed_reopen(&bed);
        txn = reading(bed.store);
        must(store_mail_code_get(txn, 70000, STORE_MAIL_FACTOR, &out));
        assert_int_equal(out->version, 1);
        assert_int_equal(out->uid, 70000);
        assert_int_equal(out->hash.len, sizeof(hash));
        assert_memory_equal(out->hash.bytes, hash, sizeof(hash));
        assert_int_equal(out->hash.version, 1);
        assert_string_equal(out->address, "alice@acme.example");
        assert_int_equal(out->place, 1);
        assert_memory_equal(&out->network, &in.network, sizeof(in.network));
        assert_int_equal(out->tries, 2);
        assert_int_equal(out->send_count, 2);
        assert_int_equal(out->sends[0], 5);
        assert_int_equal(out->sends[1], 9);
        assert_int_equal(out->refused_usec, 7);
        store_mail_code_free(out);
        store_txn_abortp(&txn);
        bed_done(&bed);
}

static void it_is_written_over_what_was_read(void **state) {
        Bed bed = bed_make();
        StoreTxn *txn = begun(bed.store);
        StoreMailCode code = code_of(70000);
        StoreMailCode *out = NULL;

        must(store_mail_code_put(txn, &code));
        assert_int_equal(store_mail_code_put(txn, &code), STORE_E_CONFLICT);
        code.version = 2;
        assert_int_equal(store_mail_code_put(txn, &code), STORE_E_CONFLICT);
        code.version = 1;
        code.hash = (StoreVerifier){ 0 }; /* used up: the sendings stay */
        code.address = "";
        must(store_mail_code_put(txn, &code));
        must(store_mail_code_get(txn, 70000, STORE_MAIL_FACTOR, &out));
        assert_int_equal(out->version, 2);
        assert_int_equal(out->hash.len, 0);
        assert_int_equal(out->send_count, 2);
        store_mail_code_free(out);
        store_txn_abortp(&txn);
        bed_done(&bed);
}

/* A second factor's and a forgotten password's, of one user. */
static void each_purpose_has_a_row_of_its_own(void **state) {
        Bed bed = bed_make();
        StoreTxn *txn = begun(bed.store);
        StoreMailCode code = code_of(70000);
        StoreMailCode *out = NULL;

        must(store_mail_code_put(txn, &code));
        assert_int_equal(store_mail_code_get(txn, 70000, STORE_MAIL_RESET, &out), STORE_E_MISSING);
        code.purpose = STORE_MAIL_RESET;
        code.tries = 1;
        must(store_mail_code_put(txn, &code));
        must(store_mail_code_get(txn, 70000, STORE_MAIL_RESET, &out));
        assert_int_equal(out->purpose, STORE_MAIL_RESET);
        assert_int_equal(out->version, 1);
        assert_int_equal(out->tries, 1);
        out = store_mail_code_free(out);
        must(store_mail_code_get(txn, 70000, STORE_MAIL_FACTOR, &out));
        assert_int_equal(out->purpose, STORE_MAIL_FACTOR);
        assert_int_equal(out->tries, 2);
        store_mail_code_free(out);
        store_txn_abortp(&txn);
        bed_done(&bed);
}

/* What cannot be: times that do not rise, too many of them, a row under another's key. */
static void what_makes_no_sense_is_refused(void **state) {
        static const uint8_t falls[16] = { 9, [8] = 5 }, same[16] = { 9, [8] = 9 }, zero[8] = { 0 };
        Bed bed = bed_make();
        StoreTxn *txn = begun(bed.store);
        StoreMailCode code = code_of(70000);
        uint8_t many[8 * (STORE_MAIL_SENDS_MAX + 1)] = { 0 };

        for (size_t i = 0; i <= STORE_MAIL_SENDS_MAX; i++)
                many[8 * i] = (uint8_t)(i + 1);
        assert_int_equal(mail_code_sends_read(falls, sizeof(falls), &code), -EBADMSG);
        assert_int_equal(mail_code_sends_read(same, sizeof(same), &code), -EBADMSG);
        assert_int_equal(mail_code_sends_read(zero, sizeof(zero), &code), -EBADMSG);
        assert_int_equal(mail_code_sends_read(many, 7, &code), -EBADMSG);
        assert_int_equal(mail_code_sends_read(many, sizeof(many), &code), -EBADMSG);
        must(mail_code_sends_read(many, sizeof(many) - 8, &code));
        code = code_of(70000);
        code.sends[1] = 5;
        assert_int_equal(store_mail_code_put(txn, &code), -EINVAL);
        code = code_of(70000);
        code.send_count = STORE_MAIL_SENDS_MAX + 1;
        assert_int_equal(store_mail_code_put(txn, &code), -EINVAL);
        store_txn_abortp(&txn);
        bed_done(&bed);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_mail_code_comes_back_as_it_was),
                cmocka_unit_test(it_is_written_over_what_was_read),
                cmocka_unit_test(each_purpose_has_a_row_of_its_own),
                cmocka_unit_test(what_makes_no_sense_is_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
