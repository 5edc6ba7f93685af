/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The vault's client and second factors: a life with the real um-vault, and what of a vault's
 * answers counts as a match. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/base.h"
#include "um_vault/um_vault.h"
#include "umd/umd.h"
#include "tests/unit/vault_rig.h"

#define RFC_SEED "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ" /* RFC 4226, appendix D */
#define NO_STEP  999U

static const CoreSeedForm hotp_form = { CORE_ALGORITHM_SHA1, 6, 0 };

/* What the rig has no room for. */
typedef struct Told {
        Rig *rig;
        uint64_t step;
        char text[VAULT_SEED_TEXT_MAX + 1];
        bool nothing;
} Told;

static void seed_answered(void *userdata, CoreProofResult result, const void *sealed, size_t len,
                          const Secret *text, uint64_t now_usec) {
        Told *told = userdata;

        snprintf(told->text, sizeof(told->text), "%s",
                 text ? (const char *)base_secret_bytes(text) : "");
        rig_answered(told->rig, result, sealed, len, now_usec);
}

static void match_answered(void *userdata, CoreProofResult result, uint64_t step,
                           uint64_t now_usec) {
        Told *told = userdata;

        told->step = step;
        rig_answered(told->rig, result, NULL, 0, now_usec);
}

static int ask_seed(Told *told, const char *given) {
        _cleanup_secret_ Secret *secret = given ? secret_of(given) : NULL;

        return told->rig->vault.seed(told->rig->client, 70000, CORE_KIND_HOTP, &hotp_form, 3,
                                     secret, seed_answered, told);
}

static int ask_otp(Told *told, const void *sealed, size_t len, uint64_t floor, const char *code) {
        _cleanup_secret_ Secret *secret = secret_of(code);
        const CoreOtp otp = { .floor = floor, .window = 2 };

        told->step = NO_STEP;
        return told->rig->vault.otp(told->rig->client, 70000, CORE_FROM_HERE, told->nothing,
                                    CORE_KIND_HOTP, sealed, len, 3, &otp, secret, match_answered,
                                    told);
}

static int ask_code_hash(Told *told, const char *codes) {
        _cleanup_secret_ Secret *secret = secret_of(codes);

        return told->rig->vault.code_hash(told->rig->client, 70000, CORE_KIND_RECOVERY_CODE, 3,
                                          secret, rig_answered, told->rig);
}

static int ask_code(Told *told, const void *hashes, size_t len, const char *code) {
        _cleanup_secret_ Secret *secret = secret_of(code);

        told->step = NO_STEP;
        return told->rig->vault.code_verify(told->rig->client, 70000, CORE_FROM_KNOWN,
                                            told->nothing, CORE_KIND_RECOVERY_CODE, hashes, len, 3,
                                            secret, match_answered, told);
}

/* r is what asking returned; waits for the one answer. */
static void must(Told *told, int r, CoreProofResult wanted, uint64_t step) {
        assert_int_equal(r, 0);
        rig_run_until_answers(told->rig, told->rig->answers + 1);
        assert_int_equal(told->rig->result, wanted);
        assert_int_equal(told->step, step);
}

/* ---- the real one ---------------------------------------------------------------------------- */

static void test_a_seed_is_shown_when_it_is_new_and_its_codes_match_once(void **state) {
        Told told = { .rig = *state };
        uint8_t seed[VAULT_VERIFIER_MAX];
        size_t len;

        must(&told, ask_seed(&told, NULL), CORE_PROOF_MATCH, 0);
        assert_int_equal(strlen(told.text), 32); /* 20 bytes */
        assert_true(told.rig->verifier_len > 0);
        must(&told, ask_seed(&told, "no seed"), CORE_PROOF_NO_MATCH, 0);
        assert_int_equal(told.rig->verifier_len, 0);
        must(&told, ask_seed(&told, RFC_SEED), CORE_PROOF_MATCH, 0);
        assert_string_equal(told.text, "");
        len = told.rig->verifier_len;
        memcpy(seed, told.rig->verifier, len);

        must(&told, ask_otp(&told, seed, len, 0, "287082"), CORE_PROOF_MATCH, 1);
        must(&told, ask_otp(&told, seed, len, 2, "287082"), CORE_PROOF_USED, 1);
        must(&told, ask_otp(&told, seed, len, 2, "000000"), CORE_PROOF_NO_MATCH, 0);
        must(&told, ask_otp(&told, "x", 1, 2, "287082"), CORE_PROOF_FAULT, 0);
        told.nothing = true;
        must(&told, ask_otp(&told, seed, len, 0, "287082"), CORE_PROOF_NO_MATCH, 0);
        must(&told, ask_otp(&told, seed, len, 2, "287082"), CORE_PROOF_NO_MATCH, 0);
        assert_int_equal(ask_otp(&told, seed, VAULT_VERIFIER_MAX, 2, "287082"), -EMSGSIZE);
}

static void test_hashed_codes_are_found_by_their_place(void **state) {
        Told told = { .rig = *state };
        uint8_t hashes[VAULT_VERIFIER_MAX];
        size_t len;

        must(&told, ask_code_hash(&told, "short"), CORE_PROOF_FAULT, 0);
        must(&told, ask_code_hash(&told, "first-1 second-2 third-3"), CORE_PROOF_MATCH, 0);
        len = told.rig->verifier_len;
        assert_int_equal(len, 3 * CORE_CODE_HASH_BYTES);
        memcpy(hashes, told.rig->verifier, len);
        must(&told, ask_code(&told, hashes, len, "first-1"), CORE_PROOF_MATCH, 0);
        must(&told, ask_code(&told, hashes, len, "third-3"), CORE_PROOF_MATCH, 2);
        must(&told, ask_code(&told, hashes, len, "third-4"), CORE_PROOF_NO_MATCH, 0);
        told.nothing = true;
        must(&told, ask_code(&told, hashes, len, "third-3"), CORE_PROOF_NO_MATCH, 0);
        assert_int_equal(ask_code(&told, hashes, VAULT_VERIFIER_MAX + 1, "first-1"), -EMSGSIZE);
}

/* ---- ones that misbehave --------------------------------------------------------------------- */

static int ask(Told *told, VaultOp op) {
        if (op == VAULT_SEED_NEW || op == VAULT_SEED_IMPORT)
                return ask_seed(told, op == VAULT_SEED_IMPORT ? RFC_SEED : NULL);
        if (op == VAULT_OTP)
                return ask_otp(told, "sealed", 6, 0, "123456");
        if (op == VAULT_CODE_HASH)
                return ask_code_hash(told, "123456");
        return ask_code(told, "hash", 4, "123456");
}

static void test_only_the_right_answer_to_a_verb_counts(void **state) {
        static const struct {
                VaultOp op;
                VaultStatus status;
                size_t verifier_len;
                CoreProofResult result;
        } cases[] = {
                /* a new seed without its text */
                { VAULT_SEED_NEW, VAULT_OK, 40, CORE_PROOF_FAULT },
                { VAULT_SEED_NEW, VAULT_BAD_RECORD, 0, CORE_PROOF_FAULT },
                { VAULT_SEED_IMPORT, VAULT_OK, 40, CORE_PROOF_MATCH },
                { VAULT_SEED_IMPORT, VAULT_OK, 0, CORE_PROOF_FAULT },
                { VAULT_SEED_IMPORT, VAULT_MATCH, 40, CORE_PROOF_FAULT },
                { VAULT_SEED_IMPORT, VAULT_NO_MATCH, 0, CORE_PROOF_FAULT },
                { VAULT_SEED_IMPORT, VAULT_BAD_RECORD, 0, CORE_PROOF_NO_MATCH },
                { VAULT_OTP, VAULT_MATCH, 8, CORE_PROOF_MATCH },
                { VAULT_OTP, VAULT_MATCH, 0, CORE_PROOF_FAULT },
                { VAULT_OTP, VAULT_MATCH, 7, CORE_PROOF_FAULT },
                { VAULT_OTP, VAULT_MATCH, 9, CORE_PROOF_FAULT },
                { VAULT_OTP, VAULT_OK, 8, CORE_PROOF_FAULT },
                { VAULT_OTP, VAULT_USED, 8, CORE_PROOF_USED },
                { VAULT_OTP, VAULT_USED, 0, CORE_PROOF_FAULT },
                { VAULT_OTP, VAULT_NO_MATCH, 8, CORE_PROOF_NO_MATCH },
                { VAULT_OTP, VAULT_NO_MATCH, 0, CORE_PROOF_NO_MATCH },
                { VAULT_OTP, VAULT_BUSY, 0, CORE_PROOF_BUSY },
                { VAULT_OTP, VAULT_THROTTLED, 0, CORE_PROOF_THROTTLED },
                { VAULT_OTP, VAULT_BAD_RECORD, 0, CORE_PROOF_FAULT },
                { VAULT_OTP, VAULT_BAD_REQUEST, 0, CORE_PROOF_FAULT },
                { VAULT_OTP, VAULT_FAULT, 8, CORE_PROOF_FAULT },
                { VAULT_CODE_HASH, VAULT_OK, 48, CORE_PROOF_MATCH },
                { VAULT_CODE_HASH, VAULT_OK, 0, CORE_PROOF_FAULT },
                { VAULT_CODE_HASH, VAULT_BAD_REQUEST, 0, CORE_PROOF_FAULT },
                { VAULT_CODE_VERIFY, VAULT_MATCH, 8, CORE_PROOF_MATCH },
                { VAULT_CODE_VERIFY, VAULT_MATCH, 0, CORE_PROOF_FAULT },
                { VAULT_CODE_VERIFY, VAULT_USED, 8, CORE_PROOF_FAULT },
                { VAULT_CODE_VERIFY, VAULT_NO_MATCH, 0, CORE_PROOF_NO_MATCH },
        };
        Told told = { .rig = *state };

        assert_int_equal(fake_receive(told.rig).op, VAULT_PING);
        for (unsigned i = 0; i < ARRAY_LENGTH(cases); i++) {
                bool step = cases[i].op == VAULT_OTP || cases[i].op == VAULT_CODE_VERIFY,
                     counts = cases[i].result == CORE_PROOF_MATCH ||
                              cases[i].result == CORE_PROOF_USED;
                VaultHead head;

                assert_int_equal(ask(&told, cases[i].op), 0);
                head = fake_receive(told.rig);
                assert_int_equal(head.op, cases[i].op);
                assert_memory_equal(head.subject.store_id, rig_store_id, 16);
                fake_send(told.rig, head, cases[i].status, cases[i].verifier_len);
                rig_run_until_answers(told.rig, i + 1);
                assert_int_equal(told.rig->result, cases[i].result);
                if (step) /* as fake_send() has it: 1, or nothing */
                        assert_int_equal(told.step, counts);
                else
                        assert_int_equal(told.rig->verifier_len,
                                         counts ? cases[i].verifier_len : 0);
        }
}

/* Whose key is not known to be the right one: neither is kept what it made, nor counts what it
 * matched. */
static void test_nothing_counts_before_the_key_is_known(void **state) {
        static const VaultOp ops[] = { VAULT_SEED_IMPORT, VAULT_OTP, VAULT_CODE_HASH,
                                       VAULT_CODE_VERIFY };
        Told told = { .rig = *state };

        (void)fake_receive(told.rig);
        for (unsigned i = 0; i < ARRAY_LENGTH(ops); i++) {
                bool step = ops[i] == VAULT_OTP || ops[i] == VAULT_CODE_VERIFY;

                assert_int_equal(ask(&told, ops[i]), 0);
                fake_send(told.rig, fake_receive(told.rig), step ? VAULT_MATCH : VAULT_OK,
                          step ? 8 : 48);
                rig_run_until_answers(told.rig, i + 1);
                assert_int_equal(told.rig->result, CORE_PROOF_FAULT);
                assert_int_equal(told.rig->verifier_len, 0);
        }
}

/* An older vault takes the verb for nonsense and ends the connection: what waited there denies. */
static void test_a_vault_that_does_not_know_the_verb_denies(void **state) {
        Told told = { .rig = *state };

        (void)fake_receive(told.rig);
        assert_int_equal(ask(&told, VAULT_OTP), 0);
        (void)fake_receive(told.rig);
        told.rig->peer_fd = base_close(told.rig->peer_fd);
        rig_run_until_answers(told.rig, 1);
        assert_int_equal(told.rig->result, CORE_PROOF_FAULT);
        assert_int_equal(told.step, 0);
}

#define WITH_CHILD(test) cmocka_unit_test_setup_teardown(test, rig_with_child, rig_end)
#define WITH_FAKE(test)  cmocka_unit_test_setup_teardown(test, rig_with_fake, rig_end)
#define WITH_KEYS(test)  cmocka_unit_test_setup_teardown(test, rig_with_keys, rig_end)

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                WITH_CHILD(test_a_seed_is_shown_when_it_is_new_and_its_codes_match_once),
                WITH_CHILD(test_hashed_codes_are_found_by_their_place),
                WITH_FAKE(test_only_the_right_answer_to_a_verb_counts),
                WITH_KEYS(test_nothing_counts_before_the_key_is_known),
                WITH_FAKE(test_a_vault_that_does_not_know_the_verb_denies),
        };

        if (argc < 2)
                return 2;
        rig_vault_program = argv[1];
        return cmocka_run_group_tests(tests, NULL, NULL);
}
