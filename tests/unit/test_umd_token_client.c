/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* umd's side of um-fido: the real one finds no key; one that lies, in each of its ways, is never
 * believed, and one that dies is started again. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "um_fido/um_fido.h"
#include "umd/umd.h"

static const char *program; /* argv[1], set once */

typedef struct Rig {
        Log log;
        sd_event *event;
        TokenClient *client;
        CoreTokens tokens;
        size_t answers;
        CoreTokenAnswer answer; /* the last one */
} Rig;

/* In core's place. */
static Rig *attached;

void core_use_tokens(struct Core *core, const CoreTokens *tokens) {
        attached->tokens = *tokens;
}

static void rig_start(Rig *rig, const char *binary) {
        *rig = (Rig){ 0 };
        assert_true(sd_event_new(&rig->event) >= 0);
        assert_int_equal(token_client_new(&rig->log, rig->event, binary, "/etc/passwd",
                                          &rig->client),
                         0);
        attached = rig;
        token_client_attach(rig->client, NULL);
}

static void rig_end(Rig *rig) {
        token_client_free(rig->client);
        sd_event_unref(rig->event);
}

static void answered(void *userdata, const CoreTokenAnswer *answer, uint64_t now_usec) {
        Rig *rig = userdata;

        rig->answers++;
        rig->answer = *answer;
}

static int ask(Rig *rig, CoreTokenOp op, uint64_t *ret_id) {
        static const uint8_t key[CORE_TOKEN_KEY_BYTES];
        CoreTokenRequest request = {
                .op = op, .rp = "um:aa", .name = "alice", .credential_count = 1
        };

        request.credentials[0] = (CoreTokenCredential){ (const uint8_t *)"id", 2, key, true };
        return rig->tokens.ask(rig->tokens.userdata, &request, answered, rig, ret_id);
}

static void run_until(Rig *rig, size_t answers) {
        uint64_t end_usec = base_boottime_usec() + 30 * USEC_PER_SEC;

        while (rig->answers < answers) {
                assert_true(base_boottime_usec() < end_usec);
                assert_true(sd_event_run(rig->event, 100 * USEC_PER_MSEC) >= 0);
        }
}

static void the_real_one_is_asked(void **state) {
        uint64_t id = 0;
        Rig rig;

        assert_int_equal(setenv("UM_TEST_TOKENS", "/nonexistent", 1), 0);
        rig_start(&rig, program);
        for (CoreTokenOp op = CORE_TOKEN_LOOK; op < _CORE_TOKEN_OP_MAX; op++) {
                assert_int_equal(ask(&rig, op, &id), 0);
                run_until(&rig, (size_t)op);
                assert_int_equal(rig.answer.result, CORE_TOKEN_ABSENT);
                assert_int_equal(id, (uint64_t)op + 1); /* the first asked whether it is there */
        }
        rig.tokens.cancel(rig.tokens.userdata, id); /* that is over: nobody is told */
        assert_int_equal(ask(&rig, CORE_TOKEN_LOOK, &id), 0);
        run_until(&rig, 4);
        rig_end(&rig);
}

/* A program of these lines of Python, in which `send(op, result, which, **more)` answers `packet`.
 */
static void program_write(const char *path, const char *lines) {
        FILE *f = fopen(path, "we");

        assert_non_null(f);
        assert_true(
                fprintf(f,
                        "#!/usr/bin/python3\n"
                        "import os, socket, struct\n"
                        "s = socket.socket(fileno=3)\n"
                        "s.setblocking(True)\n"
                        "def send(op=2, result=1, which=0, number=0, flags=0, end=0):\n"
                        "    s.send((struct.pack('<IIQIIIBBBBH', 1, op, number or asked, result,\n"
                        "        which, 5, flags, flags, flags, 0, 0) + bytes(632))[:632 + end])\n"
                        "op = 4\n"
                        "while op == 4:\n" /* a cancellation: is it there? */
                        "    op, asked = struct.unpack_from('<IQ', s.recv(20000), 4)\n"
                        "    if op == 4:\n"
                        "        send(op=4)\n"
                        "%s\n"
                        "s.recv(20000)\n",
                        lines) > 0);
        assert_int_equal(fchmod(fileno(f), 0700), 0);
        assert_int_equal(fclose(f), 0);
}

static void what_is_no_answer_is_a_fault(void **state) {
        static const struct {
                const char *lines;
                CoreTokenResult result;
        } rows[] = {
                { "send()", CORE_TOKEN_OK },
                { "send(result=2)", CORE_TOKEN_ABSENT },
                { "send(op=1)", CORE_TOKEN_FAULT },    /* to another question */
                { "send(which=1)", CORE_TOKEN_FAULT }, /* of another credential */
                { "send(which=16)", CORE_TOKEN_FAULT },
                { "send(result=12)", CORE_TOKEN_FAULT },
                { "send(flags=2)", CORE_TOKEN_FAULT },
                { "send(end=-1)", CORE_TOKEN_FAULT },
                { "send(end=1)", CORE_TOKEN_FAULT },
                { "os._exit(1)", CORE_TOKEN_FAULT },
                { "send(number=77); send()", CORE_TOKEN_OK }, /* nobody asked that */
        };
        char dir[] = "/tmp/um-test-token-XXXXXX", path[64];

        assert_non_null(mkdtemp(dir));
        snprintf(path, sizeof(path), "%s/um-fido", dir);
        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                uint64_t id;
                Rig rig;

                program_write(path, rows[i].lines);
                rig_start(&rig, path);
                assert_int_equal(ask(&rig, CORE_TOKEN_ASSERT, &id), 0);
                run_until(&rig, 1);
                if (rig.answer.result != rows[i].result)
                        fail_msg("%s: %d", rows[i].lines, (int)rig.answer.result);
                rig_end(&rig);
        }
        unlink(path);
        rmdir(dir);
}

static void run_until_problem(Rig *rig, const char *problem) {
        uint64_t end_usec = base_boottime_usec() + 30 * USEC_PER_SEC;
        char text[128];

        for (;;) {
                token_client_problem(rig->client, text, sizeof(text));
                if (strcmp(text, problem) == 0)
                        return;
                if (base_boottime_usec() >= end_usec)
                        fail_msg("\"%s\", not \"%s\"", text, problem);
                assert_true(sd_event_run(rig->event, 100 * USEC_PER_MSEC) >= 0);
        }
}

/* Before anybody needs it. */
static void whether_it_is_there_is_known(void **state) {
        static const char away[] = "um-fido is away: no security key can be asked";
        char dir[] = "/tmp/um-test-token-XXXXXX", path[64];
        uint64_t id;
        Rig rig;

        assert_non_null(mkdtemp(dir));
        snprintf(path, sizeof(path), "%s/um-fido", dir);
        rig_start(&rig, path);
        run_until_problem(&rig, away);
        program_write(path, "send(); os._exit(1)");
        run_until_problem(&rig, "");
        assert_int_equal(ask(&rig, CORE_TOKEN_ASSERT, &id), 0);
        unlink(path); /* it is not had again */
        run_until(&rig, 1);
        assert_int_equal(rig.answer.result, CORE_TOKEN_OK);
        run_until_problem(&rig, away);
        rig_end(&rig);
        rmdir(dir);
}

static void one_that_died_is_started_again(void **state) {
        char dir[] = "/tmp/um-test-token-XXXXXX", path[64];
        uint64_t id;
        Rig rig;

        assert_non_null(mkdtemp(dir));
        snprintf(path, sizeof(path), "%s/um-fido", dir);
        program_write(path, "os._exit(1)");
        rig_start(&rig, path);
        assert_int_equal(ask(&rig, CORE_TOKEN_ASSERT, &id), 0);
        run_until(&rig, 1);
        assert_int_equal(rig.answer.result, CORE_TOKEN_FAULT);
        program_write(path, "send()");
        assert_int_equal(ask(&rig, CORE_TOKEN_ASSERT, &id), 0);
        run_until(&rig, 2);
        assert_int_equal(rig.answer.result, CORE_TOKEN_OK);
        assert_int_equal(rig.answer.counter, 5);
        rig_end(&rig);
        unlink(path);
        rmdir(dir);
}

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_real_one_is_asked),
                cmocka_unit_test(what_is_no_answer_is_a_fault),
                cmocka_unit_test(whether_it_is_there_is_known),
                cmocka_unit_test(one_that_died_is_started_again),
        };

        if (argc < 2)
                return 2;
        program = argv[1];
        return cmocka_run_group_tests(tests, NULL, NULL);
}
