/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which hashes are believed, and that crypt(3) failing in any of its ways is never a match.
 * crypt_rn is wrapped by the linker (--wrap), so that it can be made to fail. */

#include <crypt.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "um_vault/vault.h"

#define A43 "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ"
#define A86 A43 A43
#define A53 A43 "0123456789"

char *__real_crypt_rn(const char *phrase, const char *setting, void *data, int size);
char *__wrap_crypt_rn(const char *phrase, const char *setting, void *data, int size);

enum { CRYPT_REAL, CRYPT_NULL, CRYPT_TEXT };

static struct {
        int mode;
        const char *text;
        unsigned calls;
        char phrase[600];
} fake;

char *__wrap_crypt_rn(const char *phrase, const char *setting, void *data, int size) {
        fake.calls++;
        strncpy(fake.phrase, phrase, sizeof(fake.phrase) - 1);
        if (fake.mode == CRYPT_REAL)
                return __real_crypt_rn(phrase, setting, data, size);
        if (fake.mode == CRYPT_NULL)
                return NULL;
        snprintf(((struct crypt_data *)data)->output, CRYPT_OUTPUT_SIZE, "%s", fake.text);
        return ((struct crypt_data *)data)->output;
}

static Secret *secret_of(const void *data, size_t len) {
        Secret *secret;

        assert_int_equal(base_secret_new(data, len, &secret), 0);
        return secret;
}

static Secret *text_of(const char *s) {
        return secret_of(s, strlen(s));
}

static VaultRoom *room_of(void) {
        VaultRoom *room;

        assert_int_equal(vault_room_new(&room), 0);
        return room;
}

static const struct {
        const char *text;
        int result; /* the cost, 0 below the floor, -1 not believed */
} examples[] = {
        { "$y$j9T$salt$" A43, 5 },
        { "$y$j9T$$" A43, 5 },
        { "$y$jAT$salt$" A43, 6 },
        { "$y$jBT$salt$" A43, 7 },
        { "$y$jCT$salt$" A43, 8 },
        { "$y$j75$salt$" A43, 0 },
        { "$y$j85$salt$" A43, 0 },
        { "$y$j7T$salt$" A43, 0 },
        { "$y$j8T$salt$" A43, 0 },
        { "$y$j95$salt$" A43, 0 },
        { "$6$salt$" A86, 0 },
        { "$6$rounds=1000$salt$" A86, 0 },
        { "$6$rounds=1000000$salt$" A86, 0 },
        { "$6$0123456789abcdef$" A86, 0 },
        { "$5$salt$" A43, 0 },
        { "$2b$12$" A53, 0 },
        { "$2y$04$" A53, 0 },
        { "$2a$14$" A53, 0 },
        { "", -1 },
        { "*", -1 },
        { "!", -1 },
        { "x", -1 },
        { "*0", -1 },
        { "*1", -1 },
        { "!$6$salt$" A86, -1 },
        { " $6$salt$" A86, -1 },
        { "$6$salt$" A86 "\n", -1 },
        { "$6$salt$" A86 "a", -1 },
        { "$6$salt$" A43, -1 },
        { "$6$salt$", -1 },
        { "$6$salt", -1 },
        { "$6$", -1 },
        { "$6", -1 },
        { "$", -1 },
        { "$6$0123456789abcdefg$" A86, -1 },
        { "$6$sa:lt$" A86, -1 },
        { "$6$rounds=999$salt$" A86, -1 },
        { "$6$rounds=1000001$salt$" A86, -1 },
        { "$6$rounds=999999999$salt$" A86, -1 },
        { "$6$rounds=05000$salt$" A86, -1 },
        { "$6$rounds=$salt$" A86, -1 },
        { "$6$rounds=5000", -1 },
        { "$6$rounds=18446744073709556616$salt$" A86, -1 },
        { "$5$salt$" A86, -1 },
        { "$y$jDT$salt$" A43, -1 },
        { "$y$jFT$salt$" A43, -1 },
        { "$y$j9$salt$" A43, -1 },
        { "$y$j", -1 },
        { "$y$", -1 },
        { "$y$j9T", -1 },
        { "$y$j9T$salt", -1 },
        { "$y$j9T$" A43, -1 },
        { "$y$k9T$salt$" A43, -1 },
        { "$y$j9T$" A86 "a$" A43, -1 },
        { "$gy$j9T$salt$" A43, -1 },
        { "$7$C6..../....salt$" A43, -1 },
        { "$2b$03$" A53, -1 },
        { "$2b$15$" A53, -1 },
        { "$2b$31$" A53, -1 },
        { "$2b$1$" A53, -1 },
        { "$2b$1", -1 },
        { "$2b$", -1 },
        { "$2b$12$" A43, -1 },
        { "$2b$12$" A53 "a", -1 },
        { "$2x$12$" A53, -1 },
        { "$2$12$" A53, -1 },
        { "$1$salt$abcdefghijklmnopqrstuv", -1 },
        { "$md5$salt$abcdefghijklmnopqrstuv", -1 },
        { "$sha1$40000$salt$" A43, -1 },
        { "$3$$abcdefghijklmnopqrstuvwxyzABCDEF", -1 },
        { "abcdefghijklm", -1 },
        { "_J9..rasmBYk8r9AiWNc", -1 },
};

static void hashes_are_known_to_their_last_byte(void **state) {
        for (size_t i = 0; i < ARRAY_LENGTH(examples); i++) {
                _cleanup_secret_ Secret *hash = text_of(examples[i].text);
                VaultMethod method = { 0 };
                int r = vault_method_examine(hash, &method);

                if (r != (examples[i].result < 0 ? VAULT_E_METHOD : 0) ||
                    (r == 0 && (int)method.cost != examples[i].result))
                        fail_msg("row %zu: %s", i, examples[i].text);
        }
}

static void a_nul_or_cut_in_a_hash_is_no_hash(void **state) {
        static const char whole[] = "$6$salt$" A86;
        char text[sizeof(whole)];
        VaultMethod method;

        for (size_t i = 0; i < sizeof(whole) - 1; i++) {
                _cleanup_secret_ Secret *cut = secret_of(whole, i), *holed = NULL;

                assert_int_equal(vault_method_examine(cut, &method), VAULT_E_METHOD);
                memcpy(text, whole, sizeof(whole));
                text[i] = '\0';
                holed = secret_of(text, sizeof(whole) - 1);
                assert_int_equal(vault_method_examine(holed, &method), VAULT_E_METHOD);
        }
}

static void the_preferred_method_is_yescrypt_and_matches_itself_only(void **state) {
        _cleanup_secret_ Secret *password = text_of("secret"), *other = text_of("secrex"),
                                *hash = NULL, *again = NULL;
        VaultRoom *room = room_of();
        VaultMethod method;
        bool match;

        assert_int_equal(vault_method_hash(room, VAULT_COST_MIN, password, &hash), 0);
        assert_int_equal(vault_method_hash(room, VAULT_COST_MIN, password, &again), 0);
        assert_memory_equal(base_secret_bytes(hash), "$y$j9T$", 7);
        assert_string_not_equal(base_secret_bytes(hash), base_secret_bytes(again)); /* salted */
        assert_int_equal(vault_method_examine(hash, &method), 0);
        assert_int_equal(method.cost, VAULT_COST_MIN);
        assert_int_equal(vault_method_verify(room, &method, hash, password, &match), 0);
        assert_true(match);
        assert_int_equal(vault_method_verify(room, &method, hash, other, &match), 0);
        assert_false(match);
        vault_room_free(room);
}

static void a_hash_is_of_the_cost_that_was_asked_for(void **state) {
        static const char *const prefixes[] = { "$y$j9T$", "$y$jAT$", "$y$jBT$" };
        VaultRoom *room = room_of();

        for (unsigned cost = VAULT_COST_MIN; cost <= VAULT_COST_MAX; cost++) {
                _cleanup_secret_ Secret *password = text_of("secret"), *hash = NULL;
                uint64_t usec = 0;

                assert_int_equal(vault_method_hash(room, cost, password, &hash), 0);
                assert_memory_equal(base_secret_bytes(hash), prefixes[cost - VAULT_COST_MIN], 7);
                assert_int_equal(vault_method_measure(room, cost, &usec), 0);
                assert_true(usec > 0);
        }
        vault_room_free(room);
}

/* Catalogue 114. */
static void crypt_failing_is_never_a_match(void **state) {
        static const char stored[] = "$6$salt$" A86;
        static const struct {
                int mode;
                const char *text;
        } rows[] = {
                { CRYPT_NULL, NULL },
                { CRYPT_TEXT, "*0" },
                { CRYPT_TEXT, "*1" },
                { CRYPT_TEXT, "" },
                { CRYPT_TEXT, "$" },
                { CRYPT_TEXT, "$6$salt$" },         /* the stored hash's beginning */
                { CRYPT_TEXT, "$6$salt$" A86 "x" }, /* and more than it */
                { CRYPT_TEXT, "*6$salt$" A86 },
        };
        _cleanup_secret_ Secret *hash = text_of(stored), *password = text_of("any");
        VaultRoom *room = room_of();
        VaultMethod method;

        assert_int_equal(vault_method_examine(hash, &method), 0);
        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                Secret *made = NULL;
                bool match = false;

                fake.mode = rows[i].mode;
                fake.text = rows[i].text;
                assert_int_equal(vault_method_verify(room, &method, hash, password, &match), -EIO);
                assert_false(match);
                assert_int_equal(vault_method_hash(room, VAULT_COST_MIN, password, &made), -EIO);
                assert_null(made);
        }
        fake.mode = CRYPT_TEXT; /* the fake is what decides: this one does match */
        fake.text = stored;
        {
                bool match = false;

                assert_int_equal(vault_method_verify(room, &method, hash, password, &match), 0);
                assert_true(match);
        }
        fake.mode = CRYPT_REAL;
        vault_room_free(room);
}

static void a_stored_failure_is_no_record(void **state) {
        static const char *const texts[] = { "*0", "*1", "", "$6$x" };
        VaultMethod method;

        for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
                _cleanup_secret_ Secret *hash = text_of(texts[i]);

                assert_int_equal(vault_method_examine(hash, &method), VAULT_E_METHOD);
        }
}

static void a_password_that_fits_nobody_costs_a_hash_and_never_matches(void **state) {
        static const char stored[] = "$6$salt$" A86;
        static const struct {
                const char *bytes;
                size_t len;
                bool fits;
        } rows[] = {
                { "", 0, false },
                { "a\0b", 3, false },
                { "\0", 1, false },
                { NULL, BASE_PASSWORD_MAX, true },
                { NULL, BASE_PASSWORD_MAX + 1, false },
                { NULL, BASE_PASSWORD_MAX + 2, false },
                { NULL, BASE_SECRET_MAX, false },
        };
        _cleanup_secret_ Secret *hash = text_of(stored);
        VaultRoom *room = room_of();
        VaultMethod method;
        char filler[BASE_SECRET_MAX];

        memset(filler, 'p', sizeof(filler));
        assert_int_equal(vault_method_examine(hash, &method), 0);
        fake.mode = CRYPT_TEXT;
        fake.text = stored; /* crypt would say yes to everything */
        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                _cleanup_secret_ Secret *password =
                        secret_of(rows[i].bytes ? rows[i].bytes : filler, rows[i].len);
                bool match = !rows[i].fits;

                fake.calls = 0;
                assert_int_equal(vault_method_verify(room, &method, hash, password, &match), 0);
                assert_int_equal(match, rows[i].fits);
                assert_int_equal(fake.calls, 1);
                if (!rows[i].fits) {
                        Secret *made = NULL;

                        assert_true(fake.phrase[0] != 'p' || fake.phrase[1] != 'p');
                        assert_int_equal(vault_method_hash(room, VAULT_COST_MIN, password, &made),
                                         VAULT_E_PASSWORD);
                }
        }
        fake.mode = CRYPT_REAL;
        vault_room_free(room);
}

/* Catalogue 115. */
static void bcrypt_never_matches_by_its_first_72_bytes(void **state) {
        VaultRoom *room = room_of();
        struct crypt_data *data = calloc(1, sizeof(*data));
        char filler[100], prefix[73];
        VaultMethod method;

        memset(filler, 'b', sizeof(filler));
        memcpy(prefix, filler, 72);
        prefix[72] = '\0';
        {
                const char *text = __real_crypt_rn(prefix, "$2b$04$abcdefghijklmnopqrstuu", data,
                                                   sizeof(*data));
                _cleanup_secret_ Secret *hash = text_of(text);
                static const size_t lens[] = { 71, 72, 73, 100 };

                assert_int_equal(vault_method_examine(hash, &method), 0);
                for (size_t i = 0; i < ARRAY_LENGTH(lens); i++) {
                        _cleanup_secret_ Secret *password = secret_of(filler, lens[i]);
                        bool match;

                        assert_int_equal(vault_method_verify(room, &method, hash, password, &match),
                                         0);
                        assert_int_equal(match, lens[i] == 72);
                }
        }
        free(data);
        vault_room_free(room);
}

static void the_dummy_is_of_the_preferred_method_and_new_each_time(void **state) {
        _cleanup_secret_ Secret *a = NULL, *b = NULL;
        VaultMethod method;

        for (unsigned cost = VAULT_COST_MIN; cost <= VAULT_COST_MAX; cost++) {
                a = base_secret_free(a);
                b = base_secret_free(b);
                assert_int_equal(vault_method_dummy(cost, &a), 0);
                assert_int_equal(vault_method_dummy(cost, &b), 0);
                assert_int_equal(vault_method_examine(a, &method), 0);
                assert_int_equal(method.cost, cost);
                assert_string_not_equal(base_secret_bytes(a), base_secret_bytes(b));
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(hashes_are_known_to_their_last_byte),
                cmocka_unit_test(a_nul_or_cut_in_a_hash_is_no_hash),
                cmocka_unit_test(the_preferred_method_is_yescrypt_and_matches_itself_only),
                cmocka_unit_test(a_hash_is_of_the_cost_that_was_asked_for),
                cmocka_unit_test(crypt_failing_is_never_a_match),
                cmocka_unit_test(a_stored_failure_is_no_record),
                cmocka_unit_test(a_password_that_fits_nobody_costs_a_hash_and_never_matches),
                cmocka_unit_test(bcrypt_never_matches_by_its_first_72_bytes),
                cmocka_unit_test(the_dummy_is_of_the_preferred_method_and_new_each_time),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
