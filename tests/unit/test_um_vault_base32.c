/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Base32: the vectors of RFC 4648, and that nothing decodes but what encodes. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "um_vault/vault.h"

/* Section 10. */
static void the_vectors_of_rfc_4648_go_both_ways(void **state) {
        static const struct {
                const char *plain, *text, *padded;
        } rows[] = {
                { "f", "MY", "MY======" },           { "fo", "MZXQ", "MZXQ====" },
                { "foo", "MZXW6", "MZXW6===" },      { "foob", "MZXW6YQ", "MZXW6YQ=" },
                { "fooba", "MZXW6YTB", "MZXW6YTB" }, { "foobar", "MZXW6YTBOI", "MZXW6YTBOI======" },
        };

        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                const char *const texts[] = { rows[i].text, rows[i].padded };
                char buf[32];
                size_t len = vault_base32_encode(rows[i].plain, strlen(rows[i].plain), buf);

                assert_int_equal(len, strlen(rows[i].text));
                assert_memory_equal(buf, rows[i].text, len);
                for (size_t j = 0; j < ARRAY_LENGTH(texts); j++) {
                        assert_int_equal(vault_base32_decode(texts[j], strlen(texts[j]), buf,
                                                             sizeof(buf), &len),
                                         0);
                        assert_int_equal(len, strlen(rows[i].plain));
                        assert_memory_equal(buf, rows[i].plain, len);
                }
        }
}

static void nothing_else_decodes(void **state) {
        static const char *const texts[] = { "",     "M",    "MZX",     "MZXW6Y",    "MZ",
                                             "MY=",  "M1",   "M0",      "M8",        "MY ",
                                             " MY",  "M Y",  "MY=====", "MY=======", "========",
                                             "MZXR", "MY\n", "M-",      "MZXW6YR",   "M\xc3\xa4",
                                             "MY==Y" };
        char buf[32];
        size_t len;

        for (size_t i = 0; i < ARRAY_LENGTH(texts); i++)
                assert_int_equal(vault_base32_decode(texts[i], strlen(texts[i]), buf, sizeof(buf),
                                                     &len),
                                 -EINVAL);
        assert_int_equal(vault_base32_decode("MY\0=====", 8, buf, sizeof(buf), &len), -EINVAL);
}

static void either_case_decodes_and_what_does_not_fit_does_not(void **state) {
        char buf[6];
        size_t len;

        assert_int_equal(vault_base32_decode("mZxW6yTbOi", 10, buf, sizeof(buf), &len), 0);
        assert_int_equal(len, 6);
        assert_memory_equal(buf, "foobar", 6);
        assert_int_equal(vault_base32_decode("MZXW6YTBOI", 10, buf, 5, &len), -EINVAL);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_vectors_of_rfc_4648_go_both_ways),
                cmocka_unit_test(nothing_else_decodes),
                cmocka_unit_test(either_case_decodes_and_what_does_not_fit_does_not),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
