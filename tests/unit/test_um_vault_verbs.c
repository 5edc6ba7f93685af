/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The real um-vault, over its socket: what each verb answers. */

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "tests/unit/vault_client.h"

/* ---- verbs ----------------------------------------------------------------------------------- */

static void a_hashed_password_matches_and_no_other_does(void **state) {
        static const char *const wrong[] = { "correct hors", "correct horse ", "Correct horse",
                                             "x" };
        const Vault *vault = *state;
        Answer made, answer;

        assert_int_equal(ask_text(vault, VAULT_PING, &alice, "", NULL, NULL), VAULT_OK);
        assert_int_equal(ask_text(vault, VAULT_HASH, &alice, "correct horse", NULL, &made),
                         VAULT_OK);
        assert_true(made.head.verifier_bytes > VAULT_SEAL_BYTES);
        assert_int_equal(ask_text(vault, VAULT_VERIFY, &alice, "correct horse", &made, &answer),
                         VAULT_MATCH);
        assert_int_equal(answer.head.flags, 0);
        assert_int_equal(answer.head.verifier_bytes, 0);
        for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++)
                assert_int_equal(ask_text(vault, VAULT_VERIFY, &alice, wrong[i], &made, NULL),
                                 VAULT_NO_MATCH);
}

/* What a guess costs whoever has stolen store and key: N = 4096, r = 32, so 16 MiB and their time
 * (docs/TESTS.md, 125; tests/bench/bench_guess.c measures it). */
static void what_is_sealed_is_yescrypt_of_16_mib(void **state) {
        const Vault *vault = *state;
        _cleanup_secret_ Secret *key = NULL, *hash = NULL;
        char path[PATH_MAX];
        Answer made;

        assert_int_equal(ask_text(vault, VAULT_HASH, &alice, "correct horse", NULL, &made),
                         VAULT_OK);
        assert_int_equal(vault_key_load(vault->dir, NULL, &key, path), 0);
        assert_int_equal(vault_unseal(key, &alice, made.verifier, made.head.verifier_bytes, &hash),
                         0);
        assert_memory_equal(base_secret_bytes(hash), "$y$j9T$", 7);
}

static void a_ping_tells_which_key_and_not_the_key(void **state) {
        const Vault *vault = *state;
        Answer first, second;

        assert_int_equal(ask_text(vault, VAULT_PING, &alice, "", NULL, &first), VAULT_OK);
        assert_int_equal(first.head.verifier_bytes, VAULT_KEY_ID_BYTES);
        assert_int_equal(ask_text(vault, VAULT_PING, &alice, "", NULL, &second), VAULT_OK);
        assert_int_equal(second.head.verifier_bytes, VAULT_KEY_ID_BYTES);
        assert_memory_equal(first.verifier, second.verifier, VAULT_KEY_ID_BYTES);
}

static void a_verifier_is_one_subjects_only(void **state) {
        const Vault *vault = *state;
        VaultSubject others[] = { alice, alice, alice, alice };
        Answer made;

        assert_int_equal(ask_text(vault, VAULT_HASH, &alice, "pw", NULL, &made), VAULT_OK);
        others[0].uid++;
        others[1].version--;
        others[2].store_id[15] = 1;
        others[3].kind = VAULT_KIND_SETUP_CODE;
        for (size_t i = 0; i < ARRAY_LENGTH(others); i++)
                assert_int_equal(ask_text(vault, VAULT_VERIFY, &others[i], "pw", &made, NULL),
                                 VAULT_BAD_RECORD);
}

static void a_verifier_with_one_changed_byte_is_no_record(void **state) {
        const Vault *vault = *state;
        Answer made;

        assert_int_equal(ask_text(vault, VAULT_HASH, &alice, "pw", NULL, &made), VAULT_OK);
        for (uint32_t i = 0; i < made.head.verifier_bytes; i++) {
                made.verifier[i] ^= 1;
                assert_int_equal(ask_text(vault, VAULT_VERIFY, &alice, "pw", &made, NULL),
                                 VAULT_BAD_RECORD);
                made.verifier[i] ^= 1;
        }
        made.head.verifier_bytes--;
        assert_int_equal(ask_text(vault, VAULT_VERIFY, &alice, "pw", &made, NULL),
                         VAULT_BAD_RECORD);
        made.head.verifier_bytes++;
        assert_int_equal(ask_text(vault, VAULT_VERIFY, &alice, "pw", &made, NULL), VAULT_MATCH);
}

static void an_imported_hash_matches_and_is_made_anew(void **state) {
        static const char *const settings[] = { "$6$saltsalt$",
                                                "$6$rounds=1000$s$",
                                                "$5$saltsalt$",
                                                "$2b$04$abcdefghijklmnopqrstuu",
                                                "$2y$04$abcdefghijklmnopqrstuu",
                                                "$2a$04$abcdefghijklmnopqrstuu",
                                                "$y$j75$salt$" };
        const Vault *vault = *state;
        VaultSubject upgraded = alice;

        upgraded.version = alice.version + 1;
        for (size_t i = 0; i < ARRAY_LENGTH(settings); i++) {
                Answer old, new;

                import_make(vault, &alice, "pw", settings[i], &old);
                assert_int_equal(ask_text(vault, VAULT_VERIFY, &alice, "px", &old, &new),
                                 VAULT_NO_MATCH);
                assert_int_equal(new.head.verifier_bytes, 0);
                assert_int_equal(ask_text(vault, VAULT_VERIFY, &alice, "pw", &old, &new),
                                 VAULT_MATCH);
                assert_int_equal(new.head.flags, VAULT_FLAG_OLD_METHOD);
                assert_int_equal(ask_text(vault, VAULT_VERIFY, &alice, "pw", &new, NULL),
                                 VAULT_BAD_RECORD);
                assert_int_equal(ask_text(vault, VAULT_VERIFY, &upgraded, "pw", &new, &old),
                                 VAULT_MATCH);
                assert_int_equal(old.head.flags, 0);
                assert_int_equal(ask_text(vault, VAULT_VERIFY, &upgraded, "px", &new, NULL),
                                 VAULT_NO_MATCH);
        }
}

static void an_imported_hash_as_good_as_ours_stays(void **state) {
        const Vault *vault = *state;
        Answer made, answer;

        import_make(vault, &alice, "pw", "$y$j9T$salt$", &made);
        assert_int_equal(ask_text(vault, VAULT_VERIFY, &alice, "pw", &made, &answer), VAULT_MATCH);
        assert_int_equal(answer.head.flags, 0);
        assert_int_equal(answer.head.verifier_bytes, 0);
}

/* Catalogue 115. */
static void bcrypt_refuses_what_it_would_cut(void **state) {
        const Vault *vault = *state;
        char password[101] = { 0 };
        Answer made;

        memset(password, 'b', 72);
        import_make(vault, &alice, password, CHEAP_SETTING, &made);
        memset(password, 'b', 100);
        assert_int_equal(ask(vault, VAULT_VERIFY, &alice, password, 71, &made, NULL),
                         VAULT_NO_MATCH);
        assert_int_equal(ask(vault, VAULT_VERIFY, &alice, password, 72, &made, NULL), VAULT_MATCH);
        assert_int_equal(ask(vault, VAULT_VERIFY, &alice, password, 73, &made, NULL),
                         VAULT_NO_MATCH);
        assert_int_equal(ask(vault, VAULT_VERIFY, &alice, password, 100, &made, NULL),
                         VAULT_NO_MATCH);
}

static void what_is_no_hash_of_a_known_method_is_not_imported(void **state) {
        static const char *const texts[] = { "",
                                             "*",
                                             "!",
                                             "x",
                                             "*0",
                                             "*1",
                                             "$6$",
                                             "$6$saltsalt$",
                                             "$1$abcdefgh$abcdefghijklmnopqrstuv",
                                             "abcdefghijklm" };
        const Vault *vault = *state;

        for (size_t i = 0; i < ARRAY_LENGTH(texts); i++)
                assert_int_equal(ask_text(vault, VAULT_IMPORT, &alice, texts[i], NULL, NULL),
                                 VAULT_BAD_RECORD);
}

/* Catalogue 114: records that opened, had someone got them sealed. */
static void a_sealed_record_that_is_no_hash_denies(void **state) {
        static const char *const texts[] = { "",
                                             "*0",
                                             "*1",
                                             "*",
                                             "!",
                                             "x",
                                             "$6$saltsalt$",
                                             "$y$j9T$salt$",
                                             "abcdefghijklm",
                                             "$1$abcdefgh$abcdefghijklmnopqrstuv" };
        const Vault *vault = *state;
        _cleanup_secret_ Secret *key = NULL;
        char file[PATH_MAX];

        /* the first answer comes after the key was made */
        assert_int_equal(ask_text(vault, VAULT_PING, &alice, "", NULL, NULL), VAULT_OK);
        assert_int_equal(vault_key_load(vault->dir, NULL, &key, file), 0);
        for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
                Answer bad;

                assert_int_equal(vault_seal(key, &alice, texts[i], strlen(texts[i]), bad.verifier,
                                            &bad.head.verifier_bytes),
                                 0);
                assert_int_equal(ask_text(vault, VAULT_VERIFY, &alice, texts[i], &bad, NULL),
                                 VAULT_BAD_RECORD);
                assert_int_equal(ask_text(vault, VAULT_VERIFY, &alice, "", &bad, NULL),
                                 VAULT_BAD_RECORD);
        }
}

static void passwords_have_bounds(void **state) {
        static const struct {
                size_t len, nul_at;
                bool good;
        } rows[] = {
                { 1, SIZE_MAX, true },
                { BASE_PASSWORD_MAX, SIZE_MAX, true },
                { 0, SIZE_MAX, false },
                { BASE_PASSWORD_MAX + 1, SIZE_MAX, false },
                { BASE_PASSWORD_MAX + 2, SIZE_MAX, false },
                { VAULT_SECRET_MAX, SIZE_MAX, false },
                { 10, 0, false },
                { 10, 5, false },
                { 10, 9, false },
        };
        const Vault *vault = *state;
        Answer made, good;

        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                char password[VAULT_SECRET_MAX];

                memset(password, 'p', sizeof(password));
                if (rows[i].nul_at != SIZE_MAX)
                        password[rows[i].nul_at] = '\0';
                assert_int_equal(ask(vault, VAULT_HASH, &alice, password, rows[i].len, NULL, &made),
                                 rows[i].good ? VAULT_OK : VAULT_BAD_REQUEST);
                if (rows[i].good)
                        good = made;
                assert_int_equal(ask(vault, VAULT_VERIFY, &alice, password, rows[i].len, &good,
                                     NULL),
                                 rows[i].good ? VAULT_MATCH : VAULT_NO_MATCH);
        }
}

static void spending_never_matches(void **state) {
        static const VaultSubject none = { 0 };
        const Vault *vault = *state;
        VaultSubject nobody = alice;

        nobody.uid = 0x80001234;
        assert_int_equal(ask_text(vault, VAULT_SPEND, &nobody, "pw", NULL, NULL), VAULT_NO_MATCH);
        assert_int_equal(ask_text(vault, VAULT_SPEND, &nobody, "", NULL, NULL), VAULT_NO_MATCH);
        assert_int_equal(ask_text(vault, VAULT_SPEND, &none, "pw", NULL, NULL), VAULT_NO_MATCH);
        assert_int_equal(ask(vault, VAULT_SPEND, &nobody, "a\0b", 3, NULL, NULL), VAULT_NO_MATCH);
}

static uint64_t time_of(const Vault *vault, VaultOp op, const Answer *made) {
        uint64_t best = UINT64_MAX;

        for (int i = 0; i < 5; i++) {
                uint64_t start = base_boottime_usec(), took;

                assert_int_equal(ask_text(vault, op, &alice, "wrong", made, NULL), VAULT_NO_MATCH);
                took = base_boottime_usec() - start;
                if (took < best)
                        best = took;
        }
        return best;
}

/* Printed, not asserted: a busy machine would make it a lie either way. */
static void spending_takes_the_time_of_a_guess(void **state) {
        const Vault *vault = *state;
        Answer made;

        assert_int_equal(ask_text(vault, VAULT_HASH, &alice, "pw", NULL, &made), VAULT_OK);
        print_message("VERIFY %lu us, SPEND %lu us\n",
                      (unsigned long)time_of(vault, VAULT_VERIFY, &made),
                      (unsigned long)time_of(vault, VAULT_SPEND, NULL));
}

#define BY_HAND(f) cmocka_unit_test_setup_teardown(f, vault_by_hand, vault_end)

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                BY_HAND(a_hashed_password_matches_and_no_other_does),
                BY_HAND(what_is_sealed_is_yescrypt_of_16_mib),
                BY_HAND(a_ping_tells_which_key_and_not_the_key),
                BY_HAND(a_verifier_is_one_subjects_only),
                BY_HAND(a_verifier_with_one_changed_byte_is_no_record),
                BY_HAND(an_imported_hash_matches_and_is_made_anew),
                BY_HAND(an_imported_hash_as_good_as_ours_stays),
                BY_HAND(bcrypt_refuses_what_it_would_cut),
                BY_HAND(what_is_no_hash_of_a_known_method_is_not_imported),
                BY_HAND(a_sealed_record_that_is_no_hash_denies),
                BY_HAND(passwords_have_bounds),
                BY_HAND(spending_never_matches),
                BY_HAND(spending_takes_the_time_of_a_guess),
        };

        if (argc != 2)
                return 2;
        vault_program = argv[1];
        return cmocka_run_group_tests(tests, NULL, NULL);
}
