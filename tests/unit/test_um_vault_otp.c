/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One-time codes without a process around them: the edges of windows, the same work whatever was
 * typed, liboath failing, and the codes of another implementation. */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <liboath/oath.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base.h"
#include "um_vault/vault.h"

#define CODES_COUNT 1000
#define SEED        "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"

static const char *program, *script; /* the arguments */
static unsigned made;                /* codes, by liboath */
static unsigned fail_at;             /* that one is not made; 0: none */

int __real_oath_totp_generate2(const char *secret, size_t secret_length, time_t now,
                               unsigned time_step_size, time_t start_offset, unsigned digits,
                               int flags, char *output_otp);
int __wrap_oath_totp_generate2(const char *secret, size_t secret_length, time_t now,
                               unsigned time_step_size, time_t start_offset, unsigned digits,
                               int flags, char *output_otp);

int __wrap_oath_totp_generate2(const char *secret, size_t secret_length, time_t now,
                               unsigned time_step_size, time_t start_offset, unsigned digits,
                               int flags, char *output_otp) {
        if (++made == fail_at)
                return OATH_CRYPTO_ERROR;
        return __real_oath_totp_generate2(secret, secret_length, now, time_step_size, start_offset,
                                          digits, flags, output_otp);
}

typedef struct Sealed {
        Secret *key;
        VaultSubject subject;
        uint8_t bytes[VAULT_VERIFIER_MAX];
        uint32_t len;
} Sealed;

static Secret *secret_of(const char *s) {
        Secret *secret;

        assert_int_equal(base_secret_new(s, strlen(s), &secret), 0);
        return secret;
}

static void seal(Sealed *ret, VaultSeedForm form, const char *text) {
        static const char key[VAULT_KEY_BYTES + 1] = "0123456789abcdef0123456789abcdef";
        _cleanup_secret_ Secret *seed = secret_of(text);

        ret->key = secret_of(key);
        ret->subject =
                (VaultSubject){ .uid = 70000,
                                .kind = form.period_sec > 0 ? VAULT_KIND_TOTP : VAULT_KIND_HOTP };
        assert_int_equal(vault_seed_import(ret->key, &ret->subject, &form, seed, ret->bytes,
                                           &ret->len),
                         0);
}

static int sealed_end(void **state) {
        Sealed *sealed = *state;

        fail_at = 0;
        base_secret_free(sealed->key);
        free(sealed);
        return 0;
}

static int totp_new(void **state) {
        *state = calloc(1, sizeof(Sealed));
        seal(*state, (VaultSeedForm){ VAULT_ALGORITHM_SHA1, 6, 30 }, SEED);
        return 0;
}

static int hotp_new(void **state) {
        *state = calloc(1, sizeof(Sealed));
        seal(*state, (VaultSeedForm){ VAULT_ALGORITHM_SHA1, 6, 0 }, SEED);
        return 0;
}

/* The step with MATCH, or minus the status. */
static int64_t check_bytes(const Sealed *sealed, VaultOtp otp, const void *code, size_t len) {
        _cleanup_secret_ Secret *secret = NULL;
        VaultStatus status;
        uint64_t step;

        assert_int_equal(base_secret_new(code, len, &secret), 0);
        assert_int_equal(vault_otp_check(sealed->key, &sealed->subject, &otp, sealed->bytes,
                                         sealed->len, secret, &status, &step),
                         0);
        return status == VAULT_MATCH ? (int64_t)step : -(int64_t)status;
}

static int64_t check(const Sealed *sealed, VaultOtp otp, const char *code) {
        return check_bytes(sealed, otp, code, strlen(code));
}

static void code_of(uint64_t step, char *ret_code) {
        assert_int_equal(__real_oath_totp_generate2("12345678901234567890", 20, (time_t)step, 1, 0,
                                                    6, 0, ret_code),
                         OATH_OK);
}

/* ---- windows --------------------------------------------------------------------------------- */

static void a_totps_window_ends_where_it_was_asked_to(void **state) {
        const int64_t now = 1000;

        for (uint32_t window = 0; window <= VAULT_DRIFT_MAX; window++)
                for (int64_t step = now - 12; step <= now + 12; step++)
                        for (int64_t floor = now - 12; floor <= now + 13; floor += 5) {
                                VaultOtp otp = { .now_sec = (uint64_t)now * 30 + 29,
                                                 .window = window,
                                                 .floor = (uint64_t)floor };
                                bool in = llabs(step - now) <= window;
                                char code[8];

                                code_of((uint64_t)step, code);
                                assert_int_equal(check(*state, otp, code), !in ? -VAULT_NO_MATCH
                                                                           : step >= floor
                                                                                   ? step
                                                                                   : -VAULT_USED);
                        }
}

static void a_totps_step_begins_with_its_first_second(void **state) {
        char code[8];

        code_of(1000, code);
        assert_int_equal(check(*state, (VaultOtp){ .now_sec = 29999 }, code), -VAULT_NO_MATCH);
        assert_int_equal(check(*state, (VaultOtp){ .now_sec = 30000 }, code), 1000);
        assert_int_equal(check(*state, (VaultOtp){ .now_sec = 30029 }, code), 1000);
        assert_int_equal(check(*state, (VaultOtp){ .now_sec = 30030 }, code), -VAULT_NO_MATCH);
}

static void a_totp_has_no_step_before_1970_and_one_in_9999(void **state) {
        const uint64_t last_sec = 253402300799;
        char code[8];

        code_of(0, code);
        assert_int_equal(check(*state, (VaultOtp){ .now_sec = 5, .window = 10 }, code), 0);
        code_of(10, code);
        assert_int_equal(check(*state, (VaultOtp){ .now_sec = 5, .window = 10 }, code), 10);
        code_of(last_sec / 30 + 10, code);
        assert_int_equal(check(*state, (VaultOtp){ .now_sec = last_sec, .window = 10 }, code),
                         last_sec / 30 + 10);
}

static void a_hotp_looks_ahead_and_knows_the_one_before(void **state) {
        for (uint32_t window = 0; window <= VAULT_AHEAD_MAX; window += 10)
                for (uint64_t step = 95; step <= 155; step++) {
                        VaultOtp otp = { .floor = 100, .window = window };
                        char code[8];

                        code_of(step, code);
                        assert_int_equal(check(*state, otp, code),
                                         step == 99                            ? -VAULT_USED
                                         : step >= 100 && step <= 100 + window ? (int64_t)step
                                                                               : -VAULT_NO_MATCH);
                }
}

static void a_hotp_finds_two_in_a_row_as_far_as_it_was_asked_to(void **state) {
        static const uint32_t resyncs[] = { 1, 7, VAULT_RESYNC_MAX };

        for (size_t i = 0; i < ARRAY_LENGTH(resyncs); i++)
                for (int64_t at = -2; at <= 2; at++) {
                        VaultOtp otp = { .floor = 100, .resync = resyncs[i] };
                        uint64_t first = 100 + resyncs[i] + (uint64_t)at;
                        char code[8], pair[16];

                        code_of(first, pair);
                        code_of(first + 1, code);
                        snprintf(pair + 6, sizeof(pair) - 6, " %s", code);
                        assert_int_equal(check(*state, otp, pair), first >= 100 && at <= 0
                                                                           ? (int64_t)first + 1
                                                                           : -VAULT_NO_MATCH);
                        otp.resync = 0;
                        assert_int_equal(check(*state, otp, pair), -VAULT_NO_MATCH);
                }
}

static void two_not_in_a_row_find_nothing(void **state) {
        static const VaultOtp otp = { .floor = 100, .window = 50, .resync = 20 };
        static const uint64_t pairs[][2] = {
                { 110, 110 }, { 110, 112 }, { 111, 110 }, { 99, 101 }, { 99, 100 }
        };

        for (size_t i = 0; i < ARRAY_LENGTH(pairs); i++) {
                char code[8], pair[16];

                code_of(pairs[i][0], pair);
                code_of(pairs[i][1], code);
                snprintf(pair + 6, sizeof(pair) - 6, " %s", code);
                assert_int_equal(check(*state, otp, pair), -VAULT_NO_MATCH);
        }
}

/* ---- the same work, whatever was typed ------------------------------------------------------- */

static void what_is_no_code_costs_as_many_codes_and_never_matches(void **state) {
        static const struct {
                const char *text;
                size_t len;
        } rows[] = {
                { "", 0 },         { "1", 1 },        { "89005", 5 },
                { "8900592", 7 },  { " 89005", 6 },   { "89005 ", 6 },
                { "+89005", 6 },   { "89o059", 6 },   { "\0\0\0\0\0\0", 6 },
                { "890059\0", 7 }, { "890\0592", 6 }, { "890059 890059", 13 },
        };
        static const VaultOtp otp = { .now_sec = 30000, .window = 10 };

        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                made = 0;
                assert_int_equal(check_bytes(*state, otp, rows[i].text, rows[i].len),
                                 -VAULT_NO_MATCH);
                assert_int_equal(made, 21);
        }
}

static void a_match_anywhere_costs_as_many_codes(void **state) {
        for (uint64_t step = 989; step <= 1011; step++) {
                char code[8];

                code_of(step, code);
                made = 0;
                check(*state,
                      (VaultOtp){ .now_sec = 30000, .window = 10, .floor = step % 2 * 2000 }, code);
                assert_int_equal(made, 21);
        }
}

static void a_pair_anywhere_costs_as_many_codes(void **state) {
        for (uint64_t step = 99; step < 1200; step += 100) {
                char code[8], pair[16];

                code_of(step, pair);
                code_of(step + 1, code);
                snprintf(pair + 6, sizeof(pair) - 6, " %s", code);
                made = 0;
                check(*state, (VaultOtp){ .floor = 100, .resync = 1000 }, pair);
                assert_int_equal(made, 2 * 1002);
        }
}

/* Catalogue 53. */
static int compare_times(const void *a, const void *b) {
        uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

        return (x > y) - (x < y);
}

enum { PLACES = 4, ROUNDS = 2500, ROUNDS_FULL = 25000 };

/* What check takes, in ns, for each place, taken in turns: the tenth percentile, which a busy
 * machine moves least. */
static void times_take(const Sealed *sealed, unsigned rounds, uint64_t *ret_nsec) {
        static const uint64_t places[PLACES] = { 999, 1000, 1001, 5000 }; /* the last: none */
        static uint64_t took[PLACES][ROUNDS_FULL];

        for (unsigned i = 0; i < rounds; i++)
                for (unsigned j = 0; j < PLACES; j++) {
                        struct timespec from, to;
                        char code[8];

                        code_of(places[j], code);
                        clock_gettime(CLOCK_MONOTONIC, &from);
                        check(sealed, (VaultOtp){ .now_sec = 30000, .window = 1 }, code);
                        clock_gettime(CLOCK_MONOTONIC, &to);
                        took[j][i] = (uint64_t)((to.tv_sec - from.tv_sec) * 1000000000 +
                                                to.tv_nsec - from.tv_nsec);
                }
        for (unsigned j = 0; j < PLACES; j++) {
                qsort(took[j], rounds, sizeof(took[j][0]), compare_times);
                ret_nsec[j] = took[j][rounds / 10];
        }
}

static void the_time_does_not_say_which_code_was_right(void **state) {
        unsigned rounds = getenv("UM_TEST_FULL") ? ROUNDS_FULL : ROUNDS;
        uint64_t nsec[PLACES], least, most;

        times_take(*state, rounds, nsec);
        least = most = nsec[0];
        for (unsigned j = 1; j < PLACES; j++) {
                least = nsec[j] < least ? nsec[j] : least;
                most = nsec[j] > most ? nsec[j] : most;
        }
        print_message("first %lu, second %lu, third %lu, none %lu ns\n", (unsigned long)nsec[0],
                      (unsigned long)nsec[1], (unsigned long)nsec[2], (unsigned long)nsec[3]);
#ifndef __SANITIZE_ADDRESS__ /* which is not what is shipped */
        assert_true(most - least < 1000);
#endif
}

static void a_code_that_cannot_be_made_is_a_fault_wherever(void **state) {
        const Sealed *sealed = *state;
        const VaultOtp otp = { .now_sec = 30000, .window = 2 };
        _cleanup_secret_ Secret *code = NULL;
        VaultStatus status;
        uint64_t step;
        char text[8];

        code_of(1000, text);
        code = secret_of(text);
        for (unsigned i = 1; i <= 5; i++) {
                made = 0;
                fail_at = i;
                assert_int_equal(vault_otp_check(sealed->key, &sealed->subject, &otp, sealed->bytes,
                                                 sealed->len, code, &status, &step),
                                 -EIO);
        }
}

/* ---- another implementation ------------------------------------------------------------------ */

static FILE *script_start(pid_t *ret_pid) {
        char count[16];
        int pipes[2];

        snprintf(count, sizeof(count), "%d", CODES_COUNT);
        assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
        *ret_pid = fork();
        assert_true(*ret_pid >= 0);
        if (*ret_pid == 0) {
                dup2(pipes[1], STDOUT_FILENO);
                execl(program, program, script, count, NULL);
                _exit(127);
        }
        close(pipes[1]);
        return fdopen(pipes[0], "r");
}

static void a_thousand_codes_are_those_of_another_implementation(void **state) {
        pid_t pid;
        FILE *f = script_start(&pid);
        char text[256], code[16];
        VaultSeedForm form;
        uint64_t now, step;
        int status, count = 0;

        assert_non_null(f);
        while (fscanf(f, "%" SCNu32 " %" SCNu32 " %" SCNu32 " %" SCNu64 " %" SCNu64 " %255s %15s",
                      &form.algorithm, &form.digits, &form.period_sec, &now, &step, text,
                      code) == 7) {
                Sealed sealed;
                VaultOtp otp = { .now_sec = now, .floor = step };

                seal(&sealed, form, text);
                assert_int_equal(check(&sealed, otp, code), step);
                code[form.digits - 1] ^= 1;
                assert_true(check(&sealed, otp, code) < 0);
                base_secret_free(sealed.key);
                count++;
        }
        fclose(f);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
        assert_int_equal(count, CODES_COUNT);
}

#define TOTP(f) cmocka_unit_test_setup_teardown(f, totp_new, sealed_end)
#define HOTP(f) cmocka_unit_test_setup_teardown(f, hotp_new, sealed_end)

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                TOTP(a_totps_window_ends_where_it_was_asked_to),
                TOTP(a_totps_step_begins_with_its_first_second),
                TOTP(a_totp_has_no_step_before_1970_and_one_in_9999),
                HOTP(a_hotp_looks_ahead_and_knows_the_one_before),
                HOTP(a_hotp_finds_two_in_a_row_as_far_as_it_was_asked_to),
                HOTP(two_not_in_a_row_find_nothing),
                TOTP(what_is_no_code_costs_as_many_codes_and_never_matches),
                TOTP(a_match_anywhere_costs_as_many_codes),
                HOTP(a_pair_anywhere_costs_as_many_codes),
                TOTP(the_time_does_not_say_which_code_was_right),
                TOTP(a_code_that_cannot_be_made_is_a_fault_wherever),
                cmocka_unit_test(a_thousand_codes_are_those_of_another_implementation),
        };

        if (argc != 3)
                return 2;
        program = argv[1];
        script = argv[2];
        return cmocka_run_group_tests(tests, NULL, NULL);
}
