/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What um-fido judges and what its children may: report descriptors, reports with nothing right in
 * them, the sandbox. */

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base.h"
#include "um_fido/token.h"

/* None is plugged in here. */
size_t token_devices_open(TokenDevice ret[static TOKEN_DEVICES_MAX]) {
        return 0;
}

/* ---- descriptors ----------------------------------------------------------------------------- */

static void a_descriptor_says_what_it_is(void **state) {
        static const struct {
                const char *what;
                uint8_t bytes[16];
                size_t len;
                bool fido;
        } rows[] = {
                { "a key", { 0x06, 0xd0, 0xf1, 0x09, 0x01, 0xa1, 0x01 }, 7, true },
                { "a key, behind other items", { 0x75, 8, 0x06, 0xd0, 0xf1 }, 5, true },
                { "in four bytes", { 0x07, 0xd0, 0xf1, 0, 0 }, 5, true },
                { "another page in four bytes", { 0x07, 0xd0, 0xf1, 1, 0 }, 5, false },
                { "a keyboard", { 0x05, 0x01, 0x09, 0x06, 0xa1, 0x01 }, 6, false },
                { "the bytes, but as another item's", { 0x0a, 0xd0, 0xf1 }, 3, false },
                { "the bytes, in the middle", { 0x07, 0x06, 0xd0, 0xf1, 0 }, 5, false },
                { "cut", { 0x06, 0xd0 }, 2, false },
                { "a long item", { 0xfe, 1, 0, 0, 0x06, 0xd0, 0xf1 }, 7, false },
                { "nothing", { 0 }, 0, false },
        };

        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++)
                if (token_descriptor_is_fido(rows[i].bytes, rows[i].len) != rows[i].fido)
                        fail_msg("%s", rows[i].what);
}

/* ---- reports --------------------------------------------------------------------------------- */

static TokenRequest request_of(TokenOp op) {
        static const uint8_t key[TOKEN_KEY_BYTES];
        TokenRequest request = { .head = { .op = op, .id = 3, .credential_count = 1 },
                                 .rp = "um:aa",
                                 .name = "alice" };

        request.credentials[0] = (TokenCredential){ 0, key, (const uint8_t *)"id", 2 };
        return request;
}

/* Sizes that lie, places that are not there, results that are none: never OK. */
static void a_report_with_lies_is_no_proof(void **state) {
        static const uint16_t sizes[] = { 0, 1, 32, 37, 131, 200, 1024, 1025, UINT16_MAX };

        for (TokenOp op = TOKEN_LOOK; op <= TOKEN_MAKE; op++)
                for (size_t i = 0; i < ARRAY_LENGTH(sizes) * ARRAY_LENGTH(sizes); i++) {
                        TokenRequest request = request_of(op);
                        TokenReport report = { .result = TOKEN_OK,
                                               .which = (uint32_t)(i % 2),
                                               .made_bytes = sizes[i % ARRAY_LENGTH(sizes)],
                                               .authdata_bytes = sizes[i % ARRAY_LENGTH(sizes)],
                                               .signature_bytes = sizes[i / ARRAY_LENGTH(sizes)] };
                        TokenAnswer answer;

                        memset(report.authdata, (int)i, sizeof(report.authdata));
                        memset(report.made, (int)i, sizeof(report.made));
                        assert_int_equal(token_find_judge(&request, &report), TOKEN_UNPROVED);
                        token_report_judge(&request, &report, &answer);
                        assert_int_equal(answer.result, TOKEN_UNPROVED);
                        assert_int_equal(answer.id, 3);
                        assert_int_equal(answer.id_bytes, 0);
                }
}

static void what_a_report_says_of_a_look_is_within_the_request(void **state) {
        TokenRequest request = request_of(TOKEN_LOOK);
        TokenReport report = { .result = TOKEN_OK, .which = 1, .wants_pin = 200 };
        TokenAnswer answer;

        report.authdata_bytes = 37;
        report.signature_bytes = 8;
        token_report_judge(&request, &report, &answer);
        assert_int_equal(answer.result, TOKEN_UNPROVED);
        report.which = 0;
        request.head.credential_count = 0;
        request.head.flags = TOKEN_FLAG_NEW;
        token_report_judge(&request, &report, &answer);
        assert_int_equal(answer.result, TOKEN_OK);
        assert_int_equal(answer.wants_pin, 1);
        report.result = 77;
        token_report_judge(&request, &report, &answer);
        assert_int_equal(answer.result, TOKEN_FAULT);
}

/* ---- the sandbox ----------------------------------------------------------------------------- */

/* In the child: the first thing that it could do and may not; 0: none. */
static int try_all(pid_t parent) {
        int pair[2];
        void *memory;
        char *block;

        if (token_sandbox_enter() < 0)
                return 1;
        if (open("/etc/passwd", O_RDONLY | O_CLOEXEC) >= 0 || errno != EPERM)
                return 2;
        if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) >= 0 || socket(AF_INET, SOCK_STREAM, 0) >= 0)
                return 3;
        if (fork() >= 0)
                return 4;
        if (kill(parent, 0) == 0)
                return 5;
        if (execl("/bin/true", "true", (char *)NULL) >= 0 || errno != EPERM)
                return 6;
        if (dup(1) >= 0)
                return 7;
        /* what it needs works */
        memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        block = malloc(100000);
        if (memory == MAP_FAILED || !block || base_boottime_usec() == 0)
                return 8;
        return base_random(block, 16) < 0 ? 9 : 0;
}

static void a_child_can_do_nothing_else(void **state) {
        pid_t parent = getpid(), pid = fork();
        int status = 0;

        if (pid == 0)
                _exit(try_all(parent));
        assert_true(pid > 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
}

static int prepare(void **state) {
        return token_verify_prepare();
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_descriptor_says_what_it_is),
                cmocka_unit_test(a_report_with_lies_is_no_proof),
                cmocka_unit_test(what_a_report_says_of_a_look_is_within_the_request),
                cmocka_unit_test(a_child_can_do_nothing_else),
        };

        return cmocka_run_group_tests(tests, prepare, NULL);
}
