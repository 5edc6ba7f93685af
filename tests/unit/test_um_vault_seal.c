/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A sealed record opens for its subject under its key, and for nobody else. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "um_vault/vault.h"

static const VaultSubject alice = {
        .store_id = { 1, 2, 3 }, .uid = 70000, .kind = 1, .version = 5
};
static const char text[] = "$6$salt$hash";

static Secret *key_new(uint8_t first) {
        uint8_t bytes[VAULT_KEY_BYTES] = { first };
        Secret *key;

        assert_int_equal(base_secret_new(bytes, sizeof(bytes), &key), 0);
        return key;
}

static void what_was_sealed_opens(void **state) {
        _cleanup_secret_ Secret *key = key_new(1), *opened = NULL;
        uint8_t buf[VAULT_VERIFIER_MAX];
        uint32_t len;

        assert_int_equal(vault_seal(key, &alice, text, sizeof(text), buf, &len), 0);
        assert_int_equal(len, sizeof(text) + VAULT_SEAL_BYTES);
        assert_int_equal(vault_unseal(key, &alice, buf, len, &opened), 0);
        assert_int_equal(base_secret_len(opened), sizeof(text));
        assert_memory_equal(base_secret_bytes(opened), text, sizeof(text));
}

static void two_seals_of_one_text_differ(void **state) {
        _cleanup_secret_ Secret *key = key_new(1);
        uint8_t a[VAULT_VERIFIER_MAX], b[VAULT_VERIFIER_MAX];
        uint32_t len;

        assert_int_equal(vault_seal(key, &alice, text, sizeof(text), a, &len), 0);
        assert_int_equal(vault_seal(key, &alice, text, sizeof(text), b, &len), 0);
        assert_memory_not_equal(a, b, len);
        assert_memory_not_equal(a + len - 16, b + len - 16, 16);
}

static void another_subject_does_not_open_it(void **state) {
        _cleanup_secret_ Secret *key = key_new(1);
        uint8_t buf[VAULT_VERIFIER_MAX];
        uint32_t len;

        assert_int_equal(vault_seal(key, &alice, text, sizeof(text), buf, &len), 0);
        for (size_t i = 0; i < sizeof(alice); i++) { /* each byte of it counts */
                VaultSubject other = alice;
                Secret *opened = NULL;

                ((uint8_t *)&other)[i] ^= 0x40;
                assert_int_equal(vault_unseal(key, &other, buf, len, &opened), VAULT_E_SEAL);
                assert_null(opened);
        }
}

static void another_key_does_not_open_it(void **state) {
        _cleanup_secret_ Secret *key = key_new(1), *other = key_new(2), *opened = NULL;
        uint8_t buf[VAULT_VERIFIER_MAX];
        uint32_t len;

        assert_int_equal(vault_seal(key, &alice, text, sizeof(text), buf, &len), 0);
        assert_int_equal(vault_unseal(other, &alice, buf, len, &opened), VAULT_E_SEAL);
}

static void a_changed_bit_or_length_does_not_open(void **state) {
        _cleanup_secret_ Secret *key = key_new(1), *opened = NULL;
        uint8_t buf[VAULT_VERIFIER_MAX] = { 0 };
        uint32_t len;

        assert_int_equal(vault_seal(key, &alice, text, sizeof(text), buf, &len), 0);
        for (size_t i = 0; i < (size_t)len * 8; i++) {
                buf[i / 8] ^= (uint8_t)(1U << (i % 8));
                assert_int_equal(vault_unseal(key, &alice, buf, len, &opened), VAULT_E_SEAL);
                buf[i / 8] ^= (uint8_t)(1U << (i % 8));
        }
        for (size_t n = 0; n <= sizeof(buf); n++)
                if (n != len)
                        assert_int_equal(vault_unseal(key, &alice, buf, n, &opened), VAULT_E_SEAL);
        assert_int_equal(vault_unseal(key, &alice, buf, len, &opened), 0);
}

static void a_seal_never_outgrows_a_verifier(void **state) {
        _cleanup_secret_ Secret *key = key_new(1);
        uint8_t data[VAULT_VERIFIER_MAX] = { 0 }, buf[VAULT_VERIFIER_MAX];
        uint32_t len;

        assert_int_equal(vault_seal(key, &alice, data, sizeof(data) - VAULT_SEAL_BYTES, buf, &len),
                         0);
        assert_int_equal(len, VAULT_VERIFIER_MAX);
        assert_int_equal(vault_seal(key, &alice, data, sizeof(data) - VAULT_SEAL_BYTES + 1, buf,
                                    &len),
                         -EMSGSIZE);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_was_sealed_opens),
                cmocka_unit_test(two_seals_of_one_text_differ),
                cmocka_unit_test(another_subject_does_not_open_it),
                cmocka_unit_test(another_key_does_not_open_it),
                cmocka_unit_test(a_changed_bit_or_length_does_not_open),
                cmocka_unit_test(a_seal_never_outgrows_a_verifier),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
