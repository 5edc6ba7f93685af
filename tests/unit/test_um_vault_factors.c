/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Second factors by the real um-vault, over its socket: seeds, one-time codes, hashed codes. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "tests/unit/vault_client.h"

/* "12345678901234567890" and so on, of 20, 32 and 64 bytes: the seeds of both RFCs. */
#define RFC_SHA1   "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
#define RFC_SHA256 RFC_SHA1 "GEZDGNBVGY3TQOJQGEZA"
#define RFC_SHA512 RFC_SHA1 RFC_SHA1 RFC_SHA1 "GEZDGNA"

#define NO_STEP UINT64_MAX

static const VaultSeedForm hotp_form = { VAULT_ALGORITHM_SHA1, 6, 0 },
                           totp_form = { VAULT_ALGORITHM_SHA1, 6, 30 };

static VaultSubject of_kind(uint32_t kind) {
        VaultSubject subject = alice;

        subject.kind = kind;
        return subject;
}

static VaultStatus seed_ask(const Vault *vault, VaultOp op, const VaultSubject *subject,
                            const VaultSeedForm *form, const char *text, Answer *ret) {
        Answer asked = { .head.verifier_bytes = sizeof(*form) };

        memcpy(asked.verifier, form, sizeof(*form));
        return ask_text(vault, op, subject, text, &asked, ret);
}

static void seed_import(const Vault *vault, const VaultSubject *subject, const VaultSeedForm *form,
                        const char *text, Answer *ret) {
        assert_int_equal(seed_ask(vault, VAULT_SEED_IMPORT, subject, form, text, ret), VAULT_OK);
}

/* ret_step is NO_STEP where none is told. */
static VaultStatus otp_ask_from(const Vault *vault, uint32_t flags, const VaultSubject *subject,
                                const Answer *seed, VaultOtp otp, const char *code,
                                uint64_t *ret_step) {
        Answer asked = { .head.verifier_bytes = (uint32_t)sizeof(otp) + seed->head.verifier_bytes },
               answer;
        VaultStatus status;

        memcpy(asked.verifier, &otp, sizeof(otp));
        memcpy(asked.verifier + sizeof(otp), seed->verifier, seed->head.verifier_bytes);
        request_send_flags(vault->fd, VAULT_OTP, flags, 5, subject, code, strlen(code), &asked);
        status = answer_receive(vault->fd, &answer);
        *ret_step = NO_STEP;
        if (answer.head.verifier_bytes > 0) {
                assert_int_equal(answer.head.verifier_bytes, sizeof(*ret_step));
                memcpy(ret_step, answer.verifier, sizeof(*ret_step));
        }
        return status;
}

static void otp_must(const Vault *vault, const VaultSubject *subject, const Answer *seed,
                     VaultOtp otp, const char *code, VaultStatus wanted, uint64_t step) {
        uint64_t told;

        assert_int_equal(otp_ask_from(vault, 0, subject, seed, otp, code, &told), wanted);
        assert_int_equal(told, step);
}

/* ---- the vectors of the RFCs ----------------------------------------------------------------- */

/* RFC 4226, appendix D: the codes of the counters 0 to 9. */
static const char *const hotp_codes[] = { "755224", "287082", "359152", "969429", "338314",
                                          "254676", "287922", "162583", "399871", "520489" };

static void the_codes_of_rfc_4226_match_at_their_counters(void **state) {
        const VaultSubject who = of_kind(VAULT_KIND_HOTP);
        const Vault *vault = *state;
        Answer seed;

        seed_import(vault, &who, &hotp_form, RFC_SHA1, &seed);
        for (uint64_t i = 0; i < ARRAY_LENGTH(hotp_codes); i++)
                otp_must(vault, &who, &seed, (VaultOtp){ .floor = i }, hotp_codes[i], VAULT_MATCH,
                         i);
}

/* RFC 6238, appendix B. */
static void the_codes_of_rfc_6238_match_at_their_times(void **state) {
        static const char *const seeds[_VAULT_ALGORITHM_MAX] = { RFC_SHA1, RFC_SHA256, RFC_SHA512 };
        static const struct {
                uint64_t now_sec;
                const char *codes[_VAULT_ALGORITHM_MAX];
        } rows[] = {
                { 59, { "94287082", "46119246", "90693936" } },
                { 1111111109, { "07081804", "68084774", "25091201" } },
                { 1111111111, { "14050471", "67062674", "99943326" } },
                { 1234567890, { "89005924", "91819424", "93441116" } },
                { 2000000000, { "69279037", "90698825", "38618901" } },
                { 20000000000, { "65353130", "77737706", "47863826" } },
        };
        const VaultSubject who = of_kind(VAULT_KIND_TOTP);
        const Vault *vault = *state;

        for (uint32_t algorithm = 0; algorithm < _VAULT_ALGORITHM_MAX; algorithm++) {
                const VaultSeedForm form = { algorithm, 8, 30 };
                Answer seed;

                seed_import(vault, &who, &form, seeds[algorithm], &seed);
                for (size_t i = 0; i < ARRAY_LENGTH(rows); i++)
                        otp_must(vault, &who, &seed, (VaultOtp){ .now_sec = rows[i].now_sec },
                                 rows[i].codes[algorithm], VAULT_MATCH, rows[i].now_sec / 30);
        }
}

/* ---- what else is taken, and what is not ----------------------------------------------------- */

/* Catalogue 43, 46 and 48: of the steps 3 to 5, with the codes of the counters. */
static void a_code_is_used_up_with_all_before_it(void **state) {
        const VaultSubject who = of_kind(VAULT_KIND_TOTP);
        const VaultOtp fresh = { .now_sec = 4 * 30 + 29, .window = 1 },
                       after = { .now_sec = 4 * 30 + 29, .window = 1, .floor = 5 },
                       set_back = { .now_sec = 4 * 30 - 61, .window = 1, .floor = 5 };
        const Vault *vault = *state;
        Answer seed;

        seed_import(vault, &who, &totp_form, RFC_SHA1, &seed);
        otp_must(vault, &who, &seed, fresh, hotp_codes[2], VAULT_NO_MATCH, NO_STEP);
        otp_must(vault, &who, &seed, fresh, hotp_codes[3], VAULT_MATCH, 3);
        otp_must(vault, &who, &seed, fresh, hotp_codes[4], VAULT_MATCH, 4);
        otp_must(vault, &who, &seed, fresh, hotp_codes[5], VAULT_MATCH, 5);
        otp_must(vault, &who, &seed, fresh, hotp_codes[6], VAULT_NO_MATCH, NO_STEP);
        otp_must(vault, &who, &seed, after, hotp_codes[3], VAULT_USED, 3);
        otp_must(vault, &who, &seed, after, hotp_codes[4], VAULT_USED, 4);
        otp_must(vault, &who, &seed, after, hotp_codes[5], VAULT_MATCH, 5);
        otp_must(vault, &who, &seed, set_back, hotp_codes[1], VAULT_USED, 1);
}

static void two_codes_in_a_row_find_a_hotps_counter(void **state) {
        const VaultSubject who = of_kind(VAULT_KIND_HOTP);
        const VaultOtp otp = { .floor = 1, .window = 2, .resync = 6 };
        const Vault *vault = *state;
        Answer seed;

        seed_import(vault, &who, &hotp_form, RFC_SHA1, &seed);
        otp_must(vault, &who, &seed, otp, "399871", VAULT_NO_MATCH, NO_STEP);
        otp_must(vault, &who, &seed, otp, "399871 520489", VAULT_NO_MATCH, NO_STEP);
        otp_must(vault, &who, &seed, otp, "162583 399871", VAULT_MATCH, 8);
        otp_must(vault, &who, &seed, otp, "399871 162583", VAULT_NO_MATCH, NO_STEP);
        otp_must(vault, &who, &seed, otp, "755224 287082", VAULT_NO_MATCH, NO_STEP);
}

/* ---- seeds ----------------------------------------------------------------------------------- */

static void a_new_seed_is_as_long_as_its_hash_and_shown_once(void **state) {
        static const size_t bytes[_VAULT_ALGORITHM_MAX] = { 20, 32, 64 };
        const VaultSubject who = of_kind(VAULT_KIND_TOTP);
        const Vault *vault = *state;

        for (uint32_t algorithm = 0; algorithm < _VAULT_ALGORITHM_MAX; algorithm++) {
                const VaultSeedForm form = { algorithm, 8, 30 };
                Answer made, other, again;
                uint8_t seed[VAULT_SEED_MAX];
                size_t len;

                assert_int_equal(seed_ask(vault, VAULT_SEED_NEW, &who, &form, "", &made), VAULT_OK);
                assert_int_equal(seed_ask(vault, VAULT_SEED_NEW, &who, &form, "", &other),
                                 VAULT_OK);
                assert_int_equal(vault_base32_decode(made.text, strlen(made.text), seed,
                                                     sizeof(seed), &len),
                                 0);
                assert_int_equal(len, bytes[algorithm]);
                assert_string_not_equal(made.text, other.text);
                /* what is shown is what was sealed: imported, it has the same codes */
                seed_import(vault, &who, &form, made.text, &again);
                assert_int_equal(again.head.verifier_bytes, made.head.verifier_bytes);
                assert_memory_not_equal(again.verifier, made.verifier, made.head.verifier_bytes);
        }
}

static void what_is_no_seed_is_not_imported(void **state) {
        static const char *const texts[] = {
                "",
                "GEZDGNBVGY3TQOJQGEZDGNBV",            /* 120 bits */
                "GEZDGNBVGY3TQOJQGEZDGNBVG1",          /* no digit of base32 */
                "GEZDGNBV GY3TQOJQ GEZDGNBV GY3TQOJQ", /* spaces are the caller's to take out */
                RFC_SHA1 "=",
                RFC_SHA512 RFC_SHA512 RFC_SHA1, /* 148 bytes */
        };
        const VaultSubject who = of_kind(VAULT_KIND_HOTP);
        const Vault *vault = *state;
        Answer made;

        for (size_t i = 0; i < ARRAY_LENGTH(texts); i++)
                assert_int_equal(seed_ask(vault, VAULT_SEED_IMPORT, &who, &hotp_form, texts[i],
                                          &made),
                                 VAULT_BAD_RECORD);
        seed_import(vault, &who, &hotp_form, "gezdgnbvgy3tqojqgezdgnbvgy", &made); /* 128 bits */
}

static void a_seed_is_one_subjects_only(void **state) {
        const VaultSubject who = of_kind(VAULT_KIND_TOTP);
        const VaultOtp otp = { .now_sec = 0 };
        VaultSubject others[] = { who, who, who, who };
        const Vault *vault = *state;
        Answer seed;

        seed_import(vault, &who, &totp_form, RFC_SHA1, &seed);
        others[0].uid++;
        others[1].version++;
        others[2].store_id[15] = 1;
        others[3].kind = VAULT_KIND_HOTP;
        for (size_t i = 0; i < ARRAY_LENGTH(others); i++)
                otp_must(vault, &others[i], &seed, otp, hotp_codes[0], VAULT_BAD_RECORD, NO_STEP);
        for (uint32_t i = 0; i < seed.head.verifier_bytes; i++) {
                seed.verifier[i] ^= 1;
                otp_must(vault, &who, &seed, otp, hotp_codes[0], VAULT_BAD_RECORD, NO_STEP);
                seed.verifier[i] ^= 1;
        }
        otp_must(vault, &who, &seed, otp, hotp_codes[0], VAULT_MATCH, 0);
}

/* A password's verifier is sealed under the same key. */
static void a_password_is_no_seed(void **state) {
        const VaultSubject who = of_kind(VAULT_KIND_TOTP);
        const Vault *vault = *state;
        Answer made;

        assert_int_equal(ask_text(vault, VAULT_HASH, &alice, "pw", NULL, &made), VAULT_OK);
        otp_must(vault, &who, &made, (VaultOtp){ 0 }, hotp_codes[0], VAULT_BAD_RECORD, NO_STEP);
        otp_must(vault, &alice, &made, (VaultOtp){ 0 }, hotp_codes[0], VAULT_BAD_REQUEST, NO_STEP);
}

/* ---- bad requests ---------------------------------------------------------------------------- */

static void a_seeds_form_has_bounds(void **state) {
        static const struct {
                uint32_t kind;
                VaultSeedForm form;
                bool good;
        } rows[] = {
                { VAULT_KIND_TOTP, { VAULT_ALGORITHM_SHA1, 6, VAULT_PERIOD_MIN }, true },
                { VAULT_KIND_TOTP, { VAULT_ALGORITHM_SHA512, 8, VAULT_PERIOD_MAX }, true },
                { VAULT_KIND_HOTP, { VAULT_ALGORITHM_SHA256, 7, 0 }, true },
                { VAULT_KIND_TOTP, { VAULT_ALGORITHM_SHA1, 6, VAULT_PERIOD_MIN - 1 }, false },
                { VAULT_KIND_TOTP, { VAULT_ALGORITHM_SHA1, 6, VAULT_PERIOD_MAX + 1 }, false },
                { VAULT_KIND_TOTP, { VAULT_ALGORITHM_SHA1, 6, 0 }, false },
                { VAULT_KIND_HOTP, { VAULT_ALGORITHM_SHA1, 6, 30 }, false },
                { VAULT_KIND_HOTP, { VAULT_ALGORITHM_SHA1, 5, 0 }, false },
                { VAULT_KIND_HOTP, { VAULT_ALGORITHM_SHA1, 9, 0 }, false },
                { VAULT_KIND_HOTP, { _VAULT_ALGORITHM_MAX, 6, 0 }, false },
                { VAULT_KIND_PASSWORD, { VAULT_ALGORITHM_SHA1, 6, 0 }, false },
                { VAULT_KIND_RECOVERY_CODE, { VAULT_ALGORITHM_SHA1, 6, 0 }, false },
                { 32 + VAULT_KIND_HOTP, { VAULT_ALGORITHM_SHA1, 6, 0 }, false },
        };
        const Vault *vault = *state;

        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                const VaultSubject who = of_kind(rows[i].kind);
                VaultStatus wanted = rows[i].good ? VAULT_OK : VAULT_BAD_REQUEST;
                Answer made;

                assert_int_equal(seed_ask(vault, VAULT_SEED_NEW, &who, &rows[i].form, "", &made),
                                 wanted);
                assert_int_equal(seed_ask(vault, VAULT_SEED_IMPORT, &who, &rows[i].form, RFC_SHA1,
                                          &made),
                                 wanted);
        }
}

static void a_question_has_bounds(void **state) {
        static const struct {
                uint32_t kind;
                VaultOtp otp;
        } rows[] = {
                { VAULT_KIND_TOTP, { .window = VAULT_DRIFT_MAX + 1 } },
                { VAULT_KIND_TOTP, { .resync = 1 } },
                { VAULT_KIND_TOTP, { .now_sec = UINT64_MAX } },
                { VAULT_KIND_TOTP, { .floor = UINT64_MAX } },
                { VAULT_KIND_HOTP, { .window = VAULT_AHEAD_MAX + 1 } },
                { VAULT_KIND_HOTP, { .resync = VAULT_RESYNC_MAX + 1 } },
                { VAULT_KIND_HOTP, { .now_sec = 1 } },
                { VAULT_KIND_HOTP, { .floor = UINT64_MAX } },
        };
        const Vault *vault = *state;

        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                const VaultSubject who = of_kind(rows[i].kind);
                Answer seed;

                seed_import(vault, &who, rows[i].kind == VAULT_KIND_TOTP ? &totp_form : &hotp_form,
                            RFC_SHA1, &seed);
                otp_must(vault, &who, &seed, rows[i].otp, hotp_codes[0], VAULT_BAD_REQUEST,
                         NO_STEP);
        }
}

static void a_verifier_of_another_length_is_a_bad_request(void **state) {
        const VaultSubject seeds = of_kind(VAULT_KIND_HOTP), codes = of_kind(VAULT_KIND_MAIL_CODE);
        const Vault *vault = *state;

        for (uint32_t len = 0; len <= VAULT_VERIFIER_MAX; len++) {
                Answer asked = { .head.verifier_bytes = len };
                bool otp = len > sizeof(VaultOtp),
                     hashes = len > 0 && len % VAULT_CODE_HASH_BYTES == 0 &&
                              len <= VAULT_CODES_MAX * VAULT_CODE_HASH_BYTES;

                /* zeros: six digits are missing, no seal, no hash */
                assert_int_equal(ask_text(vault, VAULT_SEED_NEW, &seeds, "", &asked, NULL),
                                 VAULT_BAD_REQUEST);
                assert_int_equal(ask_text(vault, VAULT_SEED_IMPORT, &seeds, "A", &asked, NULL),
                                 VAULT_BAD_REQUEST);
                assert_int_equal(ask_text(vault, VAULT_OTP, &seeds, "123456", &asked, NULL),
                                 otp ? VAULT_BAD_RECORD : VAULT_BAD_REQUEST);
                if (!hashes)
                        assert_int_equal(ask_text(vault, VAULT_CODE_VERIFY, &codes, "123456",
                                                  &asked, NULL),
                                         VAULT_BAD_REQUEST);
                else
                        assert_int_equal(ask_text(vault, VAULT_CODE_VERIFY, &codes, "123456",
                                                  &asked, NULL),
                                         VAULT_NO_MATCH);
                assert_int_equal(ask_text(vault, VAULT_CODE_HASH, &codes, "123456", &asked, NULL),
                                 len == 0 ? VAULT_OK : VAULT_BAD_REQUEST);
        }
}

/* ---- hashed codes ---------------------------------------------------------------------------- */

#define TEN_CODES                                                                                  \
        "7K2P-9QXM-3T5W 0000-0000-0001 0000-0000-0002 0000-0000-0003 0000-0000-0004 "              \
        "0000-0000-0005 0000-0000-0006 0000-0000-0007 0000-0000-0008 0000-0000-0009"

static VaultStatus code_ask(const Vault *vault, uint32_t flags, const VaultSubject *subject,
                            const Answer *hashes, const char *code, uint64_t *ret_index) {
        Answer answer;
        VaultStatus status;

        request_send_flags(vault->fd, VAULT_CODE_VERIFY, flags, 6, subject, code, strlen(code),
                           hashes);
        status = answer_receive(vault->fd, &answer);
        assert_int_equal(answer.head.verifier_bytes,
                         status == VAULT_MATCH ? sizeof(*ret_index) : 0);
        *ret_index = NO_STEP;
        if (status == VAULT_MATCH)
                memcpy(ret_index, answer.verifier, sizeof(*ret_index));
        return status;
}

static void each_of_ten_codes_is_found_at_its_place(void **state) {
        static const char *const wrong[] = { "0000-0000-0000", "0000-0000-000",   "",
                                             "7k2p-9qxm-3t5w", "7K2P-9QXM-3T5W ", TEN_CODES };
        const VaultSubject who = of_kind(VAULT_KIND_RECOVERY_CODE);
        const Vault *vault = *state;
        Answer hashes;
        uint64_t index;

        assert_int_equal(ask_text(vault, VAULT_CODE_HASH, &who, TEN_CODES, NULL, &hashes),
                         VAULT_OK);
        assert_int_equal(hashes.head.verifier_bytes, 10 * VAULT_CODE_HASH_BYTES);
        for (uint64_t i = 0; i < 10; i++) {
                char code[15];

                memcpy(code, TEN_CODES + 15 * i, 14);
                code[14] = '\0';
                assert_int_equal(code_ask(vault, 0, &who, &hashes, code, &index), VAULT_MATCH);
                assert_int_equal(index, i);
        }
        for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++)
                assert_int_equal(code_ask(vault, 0, &who, &hashes, wrong[i], &index),
                                 VAULT_NO_MATCH);
}

static void a_code_that_stands_twice_is_found_at_the_first(void **state) {
        const VaultSubject who = of_kind(VAULT_KIND_MAIL_CODE);
        const Vault *vault = *state;
        Answer hashes;
        uint64_t index;

        assert_int_equal(ask_text(vault, VAULT_CODE_HASH, &who, "999999 123456 123456 123456", NULL,
                                  &hashes),
                         VAULT_OK);
        assert_int_equal(code_ask(vault, 0, &who, &hashes, "123456", &index), VAULT_MATCH);
        assert_int_equal(index, 1);
}

/* What keeps umd from making a list of the hashes of all short codes. */
static void a_code_has_another_hash_each_time(void **state) {
        const VaultSubject who = of_kind(VAULT_KIND_MAIL_CODE);
        const Vault *vault = *state;
        Answer once, again;

        assert_int_equal(ask_text(vault, VAULT_CODE_HASH, &who, "123456 123456", NULL, &once),
                         VAULT_OK);
        assert_int_equal(ask_text(vault, VAULT_CODE_HASH, &who, "123456", NULL, &again), VAULT_OK);
        for (size_t i = 0; i < VAULT_CODE_HASH_BYTES; i += 16) {
                assert_memory_not_equal(once.verifier + i,
                                        once.verifier + VAULT_CODE_HASH_BYTES + i, 16);
                assert_memory_not_equal(once.verifier + i, again.verifier + i, 16);
        }
}

static void a_code_is_one_subjects_only(void **state) {
        const VaultSubject who = of_kind(VAULT_KIND_MAIL_CODE);
        VaultSubject others[] = { who, who, who, who, who };
        const Vault *vault = *state;
        Answer hashes;
        uint64_t index;

        others[0].uid++;
        others[1].version++;
        others[2].store_id[15] = 1;
        others[3].kind = VAULT_KIND_RECOVERY_CODE;
        others[4].kind = VAULT_KIND_RESET_CODE; /* the other that is mailed */
        assert_int_equal(ask_text(vault, VAULT_CODE_HASH, &who, "123456", NULL, &hashes), VAULT_OK);
        for (size_t i = 0; i < ARRAY_LENGTH(others); i++)
                assert_int_equal(code_ask(vault, 0, &others[i], &hashes, "123456", &index),
                                 VAULT_NO_MATCH);
        for (uint32_t i = 0; i < VAULT_CODE_HASH_BYTES; i += 4) {
                hashes.verifier[i] ^= 1;
                assert_int_equal(code_ask(vault, 0, &who, &hashes, "123456", &index),
                                 VAULT_NO_MATCH);
                hashes.verifier[i] ^= 1;
        }
        assert_int_equal(code_ask(vault, 0, &who, &hashes, "123456", &index), VAULT_MATCH);
}

static void what_is_no_list_of_codes_is_not_hashed(void **state) {
        static const char *const lists[] = {
                "",
                " ",
                "12345",
                " 123456",
                "123456 ",
                "123456  123456",
                "123456\n123456",
                "12345\t7",
                "123456 12345",
                "1234\xc3\xa4",
                "a2345678901234567890123456789012345678901234567890123456789012345", /* 65 */
                "100000 100001 100002 100003 100004 100005 100006 100007 100008 100009 100010 "
                "100011 100012 100013 100014 100015 100016",
        };
        const VaultSubject who = of_kind(VAULT_KIND_MAIL_CODE);
        const Vault *vault = *state;

        for (size_t i = 0; i < ARRAY_LENGTH(lists); i++)
                assert_int_equal(ask_text(vault, VAULT_CODE_HASH, &who, lists[i], NULL, NULL),
                                 VAULT_BAD_REQUEST);
        assert_int_equal(ask(vault, VAULT_CODE_HASH, &who, "1234567\0", 8, NULL, NULL),
                         VAULT_BAD_REQUEST);
        assert_int_equal(ask_text(vault, VAULT_CODE_HASH, &alice, "123456", NULL, NULL),
                         VAULT_BAD_REQUEST);
}

/* ---- the ceiling ----------------------------------------------------------------------------- */

static void codes_have_a_ceiling_of_their_own(void **state) {
        const VaultSubject who = of_kind(VAULT_KIND_TOTP), sent = of_kind(VAULT_KIND_MAIL_CODE);
        const VaultOtp otp = { .now_sec = 5 * 30, .floor = 5, .window = 1 };
        const Vault *vault = *state;
        Answer seed, hashes, password;
        uint64_t told;

        seed_import(vault, &who, &totp_form, RFC_SHA1, &seed);
        assert_int_equal(ask_text(vault, VAULT_CODE_HASH, &sent, "123456", NULL, &hashes),
                         VAULT_OK);
        import_make(vault, &alice, "pw", CHEAP_SETTING, &password);
        for (unsigned i = 0; i < 3 * THROTTLE_CODE_BURST; i++) /* successes are free */
                otp_must(vault, &who, &seed, otp, hotp_codes[5], VAULT_MATCH, 5);
        for (unsigned i = 0; i < THROTTLE_CODE_BURST; i++) /* a used one is a failure, too */
                otp_must(vault, &who, &seed, otp, i % 2 ? "000000" : hotp_codes[4],
                         i % 2 ? VAULT_NO_MATCH : VAULT_USED, i % 2 ? NO_STEP : 4);
        otp_must(vault, &who, &seed, otp, hotp_codes[5], VAULT_THROTTLED, NO_STEP);
        assert_int_equal(code_ask(vault, 0, &sent, &hashes, "123456", &told), VAULT_THROTTLED);
        assert_int_equal(code_ask(vault, VAULT_FLAG_HERE, &sent, &hashes, "123456", &told),
                         VAULT_MATCH);
        assert_int_equal(otp_ask_from(vault, VAULT_FLAG_KNOWN, &who, &seed, otp, hotp_codes[5],
                                      &told),
                         VAULT_MATCH);
        assert_int_equal(otp_ask_from(vault, VAULT_FLAG_KNOWN | VAULT_FLAG_HERE, &who, &seed, otp,
                                      hotp_codes[5], &told),
                         VAULT_BAD_REQUEST);
        assert_int_equal(ask_text(vault, VAULT_VERIFY, &alice, "pw", &password, NULL), VAULT_MATCH);
}

static void failures_at_a_password_cost_no_code(void **state) {
        const VaultSubject who = of_kind(VAULT_KIND_HOTP);
        const Vault *vault = *state;
        Answer seed, password;

        seed_import(vault, &who, &hotp_form, RFC_SHA1, &seed);
        import_make(vault, &alice, "pw", CHEAP_SETTING, &password);
        for (unsigned i = 0; i < THROTTLE_CODE_BURST + 5; i++)
                assert_int_equal(ask_text(vault, VAULT_VERIFY, &alice, "px", &password, NULL),
                                 VAULT_NO_MATCH);
        otp_must(vault, &who, &seed, (VaultOtp){ 0 }, hotp_codes[0], VAULT_MATCH, 0);
}

/* 60 at once at one uid: the ceiling counts them one by one. */
static void guesses_at_once_are_counted_each(void **state) {
        const VaultSubject who = of_kind(VAULT_KIND_RECOVERY_CODE);
        const Vault *vault = *state;
        unsigned failed = 0;
        Answer hashes, answer;

        assert_int_equal(ask_text(vault, VAULT_CODE_HASH, &who, "123456", NULL, &hashes), VAULT_OK);
        for (unsigned i = 0; i < 60; i++)
                request_send(vault->fd, VAULT_CODE_VERIFY, i, &who, "123457", 6, &hashes);
        for (unsigned i = 0; i < 60; i++) {
                VaultStatus status = answer_receive(vault->fd, &answer);

                failed += status == VAULT_NO_MATCH;
                assert_true(status == VAULT_NO_MATCH || status == VAULT_THROTTLED ||
                            status == VAULT_BUSY);
        }
        assert_in_range(failed, 1, THROTTLE_CODE_BURST);
}

/* ---- guesses for nothing --------------------------------------------------------------------- */

/* Of strangers who know no password: the right code, and one that was used. */
static void guesses_for_nothing_are_wrong_and_free(void **state) {
        static const uint32_t places[] = { 0, VAULT_FLAG_HERE, VAULT_FLAG_KNOWN };
        const VaultSubject who = of_kind(VAULT_KIND_HOTP), ten = of_kind(VAULT_KIND_RECOVERY_CODE);
        const VaultOtp otp = { .floor = 5 };
        const Vault *vault = *state;
        Answer seed, hashes;
        uint64_t told;

        seed_import(vault, &who, &hotp_form, RFC_SHA1, &seed);
        assert_int_equal(ask_text(vault, VAULT_CODE_HASH, &ten, TEN_CODES, NULL, &hashes),
                         VAULT_OK);
        for (size_t i = 0; i < 300; i++) {
                uint32_t flags = VAULT_FLAG_NOTHING | places[i % ARRAY_LENGTH(places)];

                assert_int_equal(otp_ask_from(vault, flags, &who, &seed, otp, hotp_codes[4 + i % 2],
                                              &told),
                                 VAULT_NO_MATCH);
                assert_int_equal(told, NO_STEP);
                assert_int_equal(code_ask(vault, flags, &ten, &hashes, "0000-0000-0003", &told),
                                 VAULT_NO_MATCH);
        }
        for (size_t i = 0; i < ARRAY_LENGTH(places); i++) {
                assert_int_equal(otp_ask_from(vault, places[i], &who, &seed, otp, hotp_codes[5],
                                              &told),
                                 VAULT_MATCH);
                assert_int_equal(code_ask(vault, places[i], &ten, &hashes, "0000-0000-0003", &told),
                                 VAULT_MATCH);
        }
}

static void guesses_for_nothing_at_thousands_leave_room(void **state) {
        const VaultSubject who = of_kind(VAULT_KIND_RECOVERY_CODE);
        VaultSubject other = who;
        const Vault *vault = *state;
        Answer hashes;
        uint64_t told;

        assert_int_equal(ask_text(vault, VAULT_CODE_HASH, &who, TEN_CODES, NULL, &hashes),
                         VAULT_OK);
        for (unsigned i = 0; i < 5000; i++) {
                other.uid++;
                assert_int_equal(code_ask(vault, VAULT_FLAG_NOTHING, &other, &hashes,
                                          "0000-0000-0003", &told),
                                 VAULT_NO_MATCH);
        }
        assert_int_equal(code_ask(vault, 0, &who, &hashes, "0000-0000-0003", &told), VAULT_MATCH);
}

/* A wrong password must not differ there. */
static void a_fault_is_told_to_a_guess_for_nothing_too(void **state) {
        const VaultSubject who = of_kind(VAULT_KIND_HOTP);
        const Vault *vault = *state;
        Answer seed;
        uint64_t told;

        seed_import(vault, &who, &hotp_form, RFC_SHA1, &seed);
        seed.verifier[5] ^= 1;
        for (uint32_t flags = 0; flags <= VAULT_FLAG_NOTHING; flags += VAULT_FLAG_NOTHING)
                assert_int_equal(otp_ask_from(vault, flags, &who, &seed, (VaultOtp){ 0 },
                                              hotp_codes[0], &told),
                                 VAULT_BAD_RECORD);
}

/* The best of five at two codes in a row, which are held against a thousand. */
static uint64_t best_time(const Vault *vault, const VaultSubject *who, const Answer *seed,
                          uint32_t flags, VaultStatus wanted) {
        const VaultOtp otp = { .resync = VAULT_RESYNC_MAX };
        uint64_t best = UINT64_MAX, told;

        for (unsigned i = 0; i < 5; i++) {
                uint64_t start = base_boottime_usec(), took;

                assert_int_equal(otp_ask_from(vault, flags, who, seed, otp, "000000 000000", &told),
                                 wanted);
                took = base_boottime_usec() - start;
                best = took < best ? took : best;
        }
        return best;
}

static void a_code_the_ceiling_refuses_takes_the_time_of_one_for_nothing(void **state) {
        const VaultSubject who = of_kind(VAULT_KIND_HOTP);
        const Vault *vault = *state;
        Answer seed;

        seed_import(vault, &who, &hotp_form, RFC_SHA1, &seed);
        for (unsigned i = 0; i < THROTTLE_CODE_BURST; i++)
                otp_must(vault, &who, &seed, (VaultOtp){ 0 }, "000000", VAULT_NO_MATCH, NO_STEP);
        assert_true(best_time(vault, &who, &seed, 0, VAULT_THROTTLED) >
                    best_time(vault, &who, &seed, VAULT_FLAG_NOTHING, VAULT_NO_MATCH) / 2);
}

#define BY_HAND(f) cmocka_unit_test_setup_teardown(f, vault_by_hand, vault_end)

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                BY_HAND(the_codes_of_rfc_4226_match_at_their_counters),
                BY_HAND(the_codes_of_rfc_6238_match_at_their_times),
                BY_HAND(a_code_is_used_up_with_all_before_it),
                BY_HAND(two_codes_in_a_row_find_a_hotps_counter),
                BY_HAND(a_new_seed_is_as_long_as_its_hash_and_shown_once),
                BY_HAND(what_is_no_seed_is_not_imported),
                BY_HAND(a_seed_is_one_subjects_only),
                BY_HAND(a_password_is_no_seed),
                BY_HAND(a_seeds_form_has_bounds),
                BY_HAND(a_question_has_bounds),
                BY_HAND(a_verifier_of_another_length_is_a_bad_request),
                BY_HAND(each_of_ten_codes_is_found_at_its_place),
                BY_HAND(a_code_that_stands_twice_is_found_at_the_first),
                BY_HAND(a_code_has_another_hash_each_time),
                BY_HAND(a_code_is_one_subjects_only),
                BY_HAND(what_is_no_list_of_codes_is_not_hashed),
                BY_HAND(codes_have_a_ceiling_of_their_own),
                BY_HAND(failures_at_a_password_cost_no_code),
                BY_HAND(guesses_at_once_are_counted_each),
                BY_HAND(guesses_for_nothing_are_wrong_and_free),
                BY_HAND(guesses_for_nothing_at_thousands_leave_room),
                BY_HAND(a_fault_is_told_to_a_guess_for_nothing_too),
                BY_HAND(a_code_the_ceiling_refuses_takes_the_time_of_one_for_nothing),
        };

        if (argc != 2)
                return 2;
        vault_program = argv[1];
        return cmocka_run_group_tests(tests, NULL, NULL);
}
