/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Credentials as compare-and-set, and the outbox as a ring. */

#include "tests/unit/store_fixture.h"

static void a_credential_comes_back_as_it_was(void **state) {
        static const uint8_t password[] = { 0, 1, 2, 255 }, code[] = { 9 };
        Bed bed = bed_make();
        StoreTxn *txn = begun(bed.store);
        StoreCredential in = {
                .uid = 70000,
                .verifier_version = 3,
                .password = { password, sizeof(password), 2 },
                .password_changed_usec = 4,
                .password_expires_usec = USEC_INFINITY,
                .must_change = true,
                .grace_used = 6,
                .setup_code = { code, sizeof(code), 3 },
                .setup_code_expires_usec = 5,
        };
        StoreCredential *out = NULL;

        assert_int_equal(store_credential_get(txn, 70000, &out), STORE_E_MISSING);
        must(store_credential_put(txn, &in));
        must(store_credential_get(txn, 70000, &out));
        assert_int_equal(out->uid, 70000);
        assert_int_equal(out->version, 1);
        assert_int_equal(out->verifier_version, 3);
        assert_int_equal(out->password.len, sizeof(password));
        assert_memory_equal(out->password.bytes, password, sizeof(password));
        assert_int_equal(out->password.version, 2);
        assert_int_equal(out->password_changed_usec, 4);
        assert_true(out->password_expires_usec == USEC_INFINITY);
        assert_true(out->must_change);
        assert_int_equal(out->grace_used, 6);
        assert_int_equal(out->setup_code.len, 1);
        assert_int_equal(out->setup_code.bytes[0], 9);
        assert_int_equal(out->setup_code.version, 3);
        assert_int_equal(out->setup_code_expires_usec, 5);
        store_credential_free(out);
        must(store_commit(&txn));
        bed_done(&bed);
}

static void a_credential_is_put_over_the_version_that_was_read(void **state) {
        static const struct {
                uint64_t version, verifier_version;
                int r;
        } rows[] = {
                { 1, 1, STORE_E_CONFLICT }, /* there is none yet */
                { 0, 2, 0 },                /* version 1 */
                { 0, 2, STORE_E_CONFLICT }, /* two at a time: the second loses */
                { 2, 2, STORE_E_CONFLICT },
                { 1, 1, -EINVAL }, /* a verifier's version never falls */
                { 1, 2, 0 },
                { 2, 3, 0 },
        };
        Bed bed = bed_make();
        StoreTxn *txn = begun(bed.store);
        StoreCredential *out = NULL;

        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                StoreCredential credential = { .uid = 70000,
                                               .version = rows[i].version,
                                               .verifier_version = rows[i].verifier_version };

                assert_int_equal(store_credential_put(txn, &credential), rows[i].r);
        }
        must(store_credential_get(txn, 70000, &out));
        assert_int_equal(out->version, 3);
        assert_int_equal(out->password.len, 0);
        assert_null(out->password.bytes);
        store_credential_free(out);
        must(store_credential_delete(txn, 70000));
        assert_int_equal(store_credential_delete(txn, 70000), STORE_E_MISSING);
        must(store_commit(&txn));
        bed_done(&bed);
}

static bool anybody_in(StoreTxn *txn) {
        bool any = true;

        must(store_credential_any(txn, &any));
        return any;
}

static void anybody_is_who_has_a_verifier(void **state) {
        static const uint8_t verifier[] = { 1 };
        Bed bed = bed_make();
        StoreTxn *txn = begun(bed.store);
        StoreCredential none = { .uid = 70000, .password_expires_usec = USEC_INFINITY };
        StoreCredential code = { .uid = 70001,
                                 .verifier_version = 1,
                                 .password_expires_usec = USEC_INFINITY,
                                 .setup_code = { verifier, 1, 1 } };
        StoreFactor seed = { .uid = 70002, .number = 1, .label = "", .sealed = { verifier, 1, 1 } };

        assert_false(anybody_in(txn));
        must(store_credential_put(txn, &none));
        assert_false(anybody_in(txn));
        must(store_credential_put(txn, &code));
        assert_true(anybody_in(txn));
        must(store_credential_delete(txn, 70001));
        assert_false(anybody_in(txn));
        must(store_factor_put(txn, &seed)); /* sealed under the key too */
        assert_true(anybody_in(txn));
        must(store_commit(&txn));
        bed_done(&bed);
}

static void the_vaults_key_is_noted_until_it_is_forgotten(void **state) {
        static const uint8_t first[STORE_VAULT_KEY_BYTES] = { 1 },
                             second[STORE_VAULT_KEY_BYTES] = { [15] = 2 };
        uint8_t id[STORE_VAULT_KEY_BYTES];
        Bed bed = bed_make();
        StoreTxn *txn = begun(bed.store);

        assert_int_equal(store_vault_key_get(txn, id), STORE_E_MISSING);
        assert_int_equal(store_vault_key_delete(txn), STORE_E_MISSING);
        must(store_vault_key_put(txn, first));
        must(store_vault_key_put(txn, second));
        must(store_commit(&txn));
        must(store_flush(bed.store));
        bed_reopen(&bed);
        txn = begun(bed.store);
        must(store_vault_key_get(txn, id));
        assert_memory_equal(id, second, sizeof(id));
        must(store_vault_key_delete(txn));
        assert_int_equal(store_vault_key_get(txn, id), STORE_E_MISSING);
        must(store_commit(&txn));
        bed_done(&bed);
}

static void a_verifier_too_large_is_refused(void **state) {
        _cleanup_free_ uint8_t *bytes = calloc(1, CODEC_VERIFIER_MAX + 1);
        Bed bed = bed_make();
        StoreTxn *txn = begun(bed.store);
        StoreCredential credential = { .uid = 1, .password = { bytes, CODEC_VERIFIER_MAX + 1, 1 } };

        assert_int_equal(store_credential_put(txn, &credential), -EINVAL);
        credential.password.len--;
        must(store_credential_put(txn, &credential));
        must(store_commit(&txn));
        bed_done(&bed);
}

static void entry_append(StoreTxn *txn, uint64_t wanted) {
        StoreAudit entry = audit_of("user.set", "user/alice");
        uint64_t seq;

        must(store_audit_append(txn, &entry, &seq));
        assert_int_equal(seq, wanted);
}

static void an_event_has_the_number_of_its_entry(void **state) {
        Bed bed = bed_make();
        StoreTxn *txn = begun(bed.store);
        _cleanup_free_ char *type = NULL, *object = NULL;
        uint64_t seq = 0, at = 0;

        assert_int_equal(store_event_append(txn, "t", "o", 1, &seq), -EINVAL); /* of no entry */
        entry_append(txn, 1);
        entry_append(txn, 2);
        assert_int_equal(store_event_append(txn, "", "o", 1, &seq), -EINVAL);
        must(store_event_append(txn, "user.set", "user/alice", 7, &seq));
        assert_int_equal(seq, 2);
        assert_int_equal(store_event_append(txn, "t", "o", 1, &seq), -EINVAL); /* has one */
        assert_int_equal(store_event_get(txn, 1, &type, &object, &at), STORE_E_MISSING);
        assert_int_equal(store_event_get(txn, 3, &type, &object, &at), STORE_E_MISSING);
        must(store_commit(&txn));
        must(store_flush(bed.store));
        bed_reopen(&bed);
        txn = begun(bed.store);
        must(store_event_get(txn, 2, &type, &object, &at));
        assert_string_equal(type, "user.set");
        assert_string_equal(object, "user/alice");
        assert_int_equal(at, 7);
        assert_int_equal(store_event_append(txn, "t", "o", 1, &seq), -EINVAL); /* still */
        store_txn_abortp(&txn);
        bed_done(&bed);
}

static void old_events_go_as_the_log_grows(void **state) {
        _cleanup_free_ char *type = NULL, *object = NULL;
        Bed bed = bed_make();
        StoreTxn *txn = begun(bed.store);
        StoreAuditCheck check = {};
        uint64_t seq, at;

        for (uint64_t i = 1; i <= STORE_EVENT_SPAN + 1; i++) {
                entry_append(txn, i);
                if (i <= 300)
                        must(store_event_append(txn, "t", "o", i, &seq));
        }
        assert_int_equal(store_event_get(txn, 256, &type, &object, &at), STORE_E_MISSING);
        must(store_event_get(txn, 257, &type, &object, &at));
        must(store_commit(&txn));
        txn = reading(bed.store);
        must(store_audit_verify(txn, UINT64_MAX, &check)); /* the entries stay */
        assert_true(check.done);
        store_txn_abortp(&txn);
        bed_done(&bed);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_credential_comes_back_as_it_was),
                cmocka_unit_test(a_credential_is_put_over_the_version_that_was_read),
                cmocka_unit_test(anybody_is_who_has_a_verifier),
                cmocka_unit_test(the_vaults_key_is_noted_until_it_is_forgotten),
                cmocka_unit_test(a_verifier_too_large_is_refused),
                cmocka_unit_test(an_event_has_the_number_of_its_entry),
                cmocka_unit_test(old_events_go_as_the_log_grows),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
