/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Second factors: rows of a user that only move forward. */

#include "tests/unit/store_fixture.h"

static const uint8_t seed[] = { 0, 1, 2, 255 };

static StoreFactor factor_of(uid_t uid, uint32_t number) {
        return (StoreFactor){ .uid = uid,
                              .number = number,
                              .method = POLICY_METHOD_TOTP,
                              .label = "phone",
                              .sealed = { seed, sizeof(seed), number },
                              .algorithm = 1,
                              .digits = 6,
                              .period_seconds = 30,
                              .next = 5,
                              .created_usec = 7 };
}

static void a_factor_comes_back_as_it_was(void **state) {
        Bed bed = bed_make();
        StoreTxn *txn = begun(bed.store);
        StoreFactor in = factor_of(70000, 3);
        StoreFactor *out = NULL;

        assert_int_equal(store_factor_get(txn, 70000, 3, &out), STORE_E_MISSING);
        must(store_factor_put(txn, &in));
        must(store_commit(&txn));
        must(store_flush(bed.store));
        bed_reopen(&bed);
        txn = reading(bed.store);
        must(store_factor_get(txn, 70000, 3, &out));
        assert_int_equal(out->version, 1);
        assert_int_equal(out->uid, 70000);
        assert_int_equal(out->number, 3);
        assert_int_equal(out->method, POLICY_METHOD_TOTP);
        assert_false(out->active);
        assert_string_equal(out->label, "phone");
        assert_int_equal(out->sealed.len, sizeof(seed));
        assert_memory_equal(out->sealed.bytes, seed, sizeof(seed));
        assert_int_equal(out->sealed.version, 3);
        assert_int_equal(out->algorithm, 1);
        assert_int_equal(out->digits, 6);
        assert_int_equal(out->period_seconds, 30);
        assert_int_equal(out->next, 5);
        assert_int_equal(out->created_usec, 7);
        store_factor_free(out);
        store_txn_abortp(&txn);
        bed_done(&bed);
}

static void a_security_key_comes_back_as_it_was_and_stays_itself(void **state) {
        StoreFactor in = factor_of(70000, 3), changed;
        Bed bed = bed_make();
        StoreTxn *txn = begun(bed.store);
        StoreFactor *out = NULL;

        in.method = POLICY_METHOD_FIDO2;
        in.credential = (const uint8_t *)"a credential";
        in.credential_len = 12;
        in.aaguid = (const uint8_t *)"0123456789abcdef";
        in.aaguid_len = 16;
        in.verifies = true;
        must(store_factor_put(txn, &in));
        must(store_factor_get(txn, 70000, 3, &out));
        assert_int_equal(out->credential_len, 12);
        assert_memory_equal(out->credential, "a credential", 12);
        assert_int_equal(out->aaguid_len, 16);
        assert_memory_equal(out->aaguid, "0123456789abcdef", 16);
        assert_true(out->verifies);
        changed = *out;
        changed.credential = (const uint8_t *)"a credentiaL";
        assert_int_equal(store_factor_put(txn, &changed), -EINVAL);
        changed = *out;
        changed.credential_len = 11;
        assert_int_equal(store_factor_put(txn, &changed), -EINVAL);
        changed = *out;
        changed.verifies = false;
        assert_int_equal(store_factor_put(txn, &changed), -EINVAL);
        changed = *out;
        changed.next++;
        must(store_factor_put(txn, &changed));
        store_factor_free(out);
        store_txn_abortp(&txn);
        bed_done(&bed);
}

static void a_factor_only_moves_forward(void **state) {
        static const struct {
                const char *what;
                int r;
        } rows[] = {
                { "the same again", 0 },         { "next", -EINVAL },   { "used", -EINVAL },
                { "pending", -EINVAL },          { "method", -EINVAL }, { "seed", -EINVAL },
                { "version", STORE_E_CONFLICT }, { "forward", 0 },
        };
        Bed bed = bed_make();
        StoreTxn *txn = begun(bed.store);
        StoreFactor first = factor_of(70000, 1);
        StoreFactor *now = NULL;

        first.active = true;
        first.used = 2;
        must(store_factor_put(txn, &first));
        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                StoreFactor changed;

                must(store_factor_get(txn, 70000, 1, &now));
                changed = *now;
                changed.next -= strcmp(rows[i].what, "next") == 0;
                changed.used = strcmp(rows[i].what, "used") == 0 ? 5 : now->used;
                changed.active = strcmp(rows[i].what, "pending") != 0;
                changed.method += strcmp(rows[i].what, "method") == 0;
                changed.sealed.version += strcmp(rows[i].what, "seed") == 0;
                changed.version -= strcmp(rows[i].what, "version") == 0;
                if (strcmp(rows[i].what, "forward") == 0) {
                        changed.next = 9;
                        changed.used = 3;
                }
                if (store_factor_put(txn, &changed) != rows[i].r)
                        fail_msg("%s", rows[i].what);
                now = store_factor_free(now);
        }
        must(store_factor_get(txn, 70000, 1, &now));
        assert_int_equal(now->next, 9);
        assert_int_equal(now->used, 3);
        assert_int_equal(now->version, 3);
        store_factor_free(now);
        must(store_commit(&txn));
        bed_done(&bed);
}

static void a_users_factors_are_his_alone_and_in_order(void **state) {
        static const struct {
                uid_t uid;
                uint32_t number;
        } made[] = { { 70000, 258 }, { 69999, 1 }, { 70000, 2 }, { 70001, 1 }, { 70000, 3 } };
        Bed bed = bed_make();
        StoreTxn *txn = begun(bed.store);
        StoreCredential credential = { .uid = 70000 };
        StoreFactors factors;

        must(store_factors_of_user(txn, 70000, &factors));
        assert_int_equal(factors.count, 0);
        must(store_credential_put(txn, &credential));
        for (size_t i = 0; i < ARRAY_LENGTH(made); i++) {
                StoreFactor factor = factor_of(made[i].uid, made[i].number);

                must(store_factor_put(txn, &factor));
        }
        must(store_factor_delete(txn, 70000, 3));
        assert_int_equal(store_factor_delete(txn, 70000, 3), STORE_E_MISSING);
        must(store_factors_of_user(txn, 70000, &factors));
        assert_int_equal(factors.count, 2);
        assert_int_equal(factors.list[0]->number, 2);
        assert_int_equal(factors.list[1]->number, 258);
        store_factors_done(&factors);
        assert_int_equal(factors.count, 0);
        must(store_commit(&txn));
        bed_done(&bed);
}

static void what_no_factor_can_be_is_refused(void **state) {
        static const uint8_t key[] = { 0, 1, 17, 112, 'f', 0, 0, 0, 9 }; /* 70000, 9 */
        Bed bed = bed_make();
        StoreTxn *txn = begun(bed.store);
        StoreFactor factor = factor_of(70000, 0);
        StoreFactor *out = NULL;
        StoreFactors factors = { 0 };

        assert_int_equal(store_factor_put(txn, &factor), -EINVAL); /* no number */
        factor = factor_of(70000, 1);
        factor.method = _POLICY_METHOD_MAX;
        assert_int_equal(store_factor_put(txn, &factor), -EINVAL);
        factor = factor_of(70000, 1);
        factor.sealed.len = 0; /* a factor without a seed would be nobody's proof */
        assert_int_equal(store_factor_put(txn, &factor), -EINVAL);
        factor = factor_of(70000, 1);
        must(record_put(txn, TABLE_CREDENTIALS, key, sizeof(key), &codec_factor, &factor, 0));
        assert_int_equal(store_factor_get(txn, 70000, 9, &out), -EBADMSG); /* another's number */
        assert_int_equal(store_factors_of_user(txn, 70000, &factors), -EBADMSG);
        assert_int_equal(factors.count, 0);
        store_txn_abortp(&txn);
        bed_done(&bed);
}

static void a_user_with_too_many_is_an_error_and_not_cut_off(void **state) {
        Bed bed = bed_make();
        StoreTxn *txn = begun(bed.store);
        StoreFactors factors = { 0 };

        for (uint32_t n = 1; n <= STORE_FACTORS_MAX + 1; n++) {
                StoreFactor factor = factor_of(70000, n);

                must(store_factor_put(txn, &factor));
                if (n < STORE_FACTORS_MAX)
                        continue;
                assert_int_equal(store_factors_of_user(txn, 70000, &factors),
                                 n == STORE_FACTORS_MAX ? 0 : -EBADMSG);
                store_factors_done(&factors);
        }
        store_txn_abortp(&txn);
        bed_done(&bed);
}

static int note(void *userdata, const StoreFactor *factor) {
        char *seen = userdata;

        snprintf(seen + strlen(seen), 24, "%u/%u ", factor->uid, factor->number);
        return factor->number == 9 ? 77 : 0;
}

/* Credentials stand between them. */
static void a_walk_meets_everybodys_and_nothing_else(void **state) {
        static const uint32_t put[][2] = { { 70001, 2 }, { 70000, 3 }, { 70000, 1 }, { 70002, 9 } };
        Bed bed = bed_make();
        StoreTxn *txn = begun(bed.store);
        char seen[128] = "";

        must(store_factor_each(txn, note, seen));
        assert_string_equal(seen, "");
        for (uid_t uid = 70000; uid <= 70003; uid++) {
                StoreCredential credential = { .uid = uid, .password_expires_usec = USEC_INFINITY };

                must(store_credential_put(txn, &credential));
        }
        for (size_t i = 0; i < ARRAY_LENGTH(put); i++) {
                StoreFactor factor = factor_of(put[i][0], put[i][1]);

                must(store_factor_put(txn, &factor));
                if (i == 2) {
                        must(store_factor_each(txn, note, seen));
                        assert_string_equal(seen, "70000/1 70000/3 70001/2 ");
                        seen[0] = '\0';
                }
        }
        assert_int_equal(store_factor_each(txn, note, seen), 77);
        assert_string_equal(seen, "70000/1 70000/3 70001/2 70002/9 ");
        store_txn_abortp(&txn);
        bed_done(&bed);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_factor_comes_back_as_it_was),
                cmocka_unit_test(a_security_key_comes_back_as_it_was_and_stays_itself),
                cmocka_unit_test(a_factor_only_moves_forward),
                cmocka_unit_test(a_users_factors_are_his_alone_and_in_order),
                cmocka_unit_test(a_walk_meets_everybodys_and_nothing_else),
                cmocka_unit_test(what_no_factor_can_be_is_refused),
                cmocka_unit_test(a_user_with_too_many_is_an_error_and_not_cut_off),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
