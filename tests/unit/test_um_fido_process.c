/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The real um-fido and a security key of software: what is right counts, and nothing else does; who
 * does not wait any more lets the key go. */

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base.h"
#include "tests/unit/service.h"
#include "um_fido/um_fido.h"

#define RP       "um:00112233445566778899aabbccddeeff"
#define KEYS_MAX 2U

static const char *program, *python, *script; /* argv, set once */

typedef struct Rig {
        Service service;
        char dir[40];
        pid_t keys[KEYS_MAX];
        uint64_t last_id;
} Rig;

/* A credential as umd would store it. */
typedef struct Stored {
        uint8_t id[TOKEN_ID_MAX], key[TOKEN_KEY_BYTES];
        size_t id_bytes;
        uint32_t counter;
        bool verify;
} Stored;

/* ---- the keys -------------------------------------------------------------------------------- */

static void path_of(const Rig *rig, unsigned int key, const char *suffix, char *buf, size_t size) {
        assert_true(snprintf(buf, size, "%s/key%u%s", rig->dir, key, suffix) < (int)size);
}

static void behave(const Rig *rig, unsigned int key, const char *how) {
        char path[64];
        FILE *f;

        path_of(rig, key, ".how", path, sizeof(path));
        f = fopen(path, "we");
        assert_non_null(f);
        assert_true(fputs(how, f) >= 0);
        assert_int_equal(fclose(f), 0);
}

static void plug(Rig *rig, unsigned int key) {
        char number[4], word[7] = "";
        int out[2];

        snprintf(number, sizeof(number), "%u", key);
        assert_int_equal(pipe2(out, O_CLOEXEC), 0);
        rig->keys[key] = fork();
        assert_true(rig->keys[key] >= 0);
        if (rig->keys[key] == 0) {
                (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
                (void)dup2(out[1], 1);
                execl(python, python, script, rig->dir, number, (char *)NULL);
                _exit(127);
        }
        close(out[1]);
        assert_int_equal(read(out[0], word, 6), 6);
        assert_string_equal(word, "ready\n");
        close(out[0]);
}

static void unplug(Rig *rig, unsigned int key) {
        char path[64];

        if (rig->keys[key] <= 0)
                return;
        kill(rig->keys[key], SIGKILL);
        waitpid(rig->keys[key], NULL, 0);
        rig->keys[key] = 0;
        path_of(rig, key, "", path, sizeof(path));
        unlink(path);
}

/* Is that in what the key noted by now? */
static bool has_noted(const Rig *rig, unsigned int key, const char *text) {
        _cleanup_free_ char *log = NULL;
        char path[64];
        size_t len;

        path_of(rig, key, ".log", path, sizeof(path));
        return base_file_read(AT_FDCWD, path, 65536, &log, &len) == 0 && strstr(log, text);
}

/* Waits until the key has noted that; false where it does not come. */
static bool noted(const Rig *rig, unsigned int key, const char *text) {
        uint64_t end_usec = base_boottime_usec() + 20 * USEC_PER_SEC;

        while (base_boottime_usec() < end_usec) {
                if (has_noted(rig, key, text))
                        return true;
                (void)base_poll_until(-1, 0, base_boottime_usec() + 20 * USEC_PER_MSEC);
        }
        return false;
}

/* ---- the rig --------------------------------------------------------------------------------- */

static int setup(void **state) {
        Rig *rig = calloc(1, sizeof(*rig));
        char uid[16];
        const char *argv[] = { program, "--peer-uid", uid, NULL };

        assert_non_null(rig);
        snprintf(uid, sizeof(uid), "%u", geteuid());
        snprintf(rig->dir, sizeof(rig->dir), "/tmp/um-test-fido-XXXXXX");
        assert_non_null(mkdtemp(rig->dir));
        assert_int_equal(setenv("UM_TEST_TOKENS", rig->dir, 1), 0);
        plug(rig, 0);
        service_start(&rig->service, true, argv);
        *state = rig;
        return 0;
}

static int teardown(void **state) {
        static const char *const suffixes[] = { "", ".how", ".log", ".state" };
        Rig *rig = *state;
        char path[64];

        assert_int_equal(service_stop(&rig->service), 0);
        for (unsigned int i = 0; i < KEYS_MAX; i++) {
                unplug(rig, i);
                for (size_t s = 0; s < ARRAY_LENGTH(suffixes); s++) {
                        path_of(rig, i, suffixes[s], path, sizeof(path));
                        unlink(path);
                }
        }
        assert_int_equal(rmdir(rig->dir), 0);
        free(rig);
        return 0;
}

static TokenRequest request_of(TokenOp op, const Stored *stored, const char *pin) {
        TokenRequest request = { .head = { .op = op }, .rp = RP, .pin = pin };

        memset(request.head.client_data, 'c', sizeof(request.head.client_data));
        if (op == TOKEN_MAKE) {
                request.name = "alice";
                request.head.uid = 70000;
        }
        if (stored) {
                request.head.credential_count = 1;
                request.credentials[0] =
                        (TokenCredential){ .flags = stored->verify ? TOKEN_FLAG_VERIFY : 0,
                                           .key = stored->key,
                                           .id = stored->id,
                                           .id_bytes = stored->id_bytes };
        }
        return request;
}

static uint64_t ask(Rig *rig, TokenRequest *request) {
        char packet[TOKEN_PACKET_MAX];
        ssize_t len;

        request->head.protocol = TOKEN_PROTOCOL;
        request->head.id = ++rig->last_id;
        len = token_request_build(request, packet);
        assert_true(len > 0);
        packet_send(rig->service.fd, packet, (size_t)len);
        return request->head.id;
}

static TokenAnswer answer(Rig *rig) {
        TokenAnswer got, parsed;

        assert_int_equal(packet_receive(rig->service.fd, &got, sizeof(got)), sizeof(got));
        assert_int_equal(token_answer_parse(&got, sizeof(got), &parsed), 0);
        return parsed;
}

static TokenAnswer ask_one(Rig *rig, TokenRequest request) {
        uint64_t id = ask(rig, &request);
        TokenAnswer got = answer(rig);

        assert_int_equal(got.id, id);
        assert_int_equal(got.op, request.head.op);
        return got;
}

static TokenResult result_of(Rig *rig, TokenOp op, const Stored *stored, const char *pin) {
        return (TokenResult)ask_one(rig, request_of(op, stored, pin)).result;
}

static TokenAnswer look_new(Rig *rig) {
        TokenRequest request = request_of(TOKEN_LOOK, NULL, NULL);

        request.head.flags = TOKEN_FLAG_NEW;
        return ask_one(rig, request);
}

static Stored make(Rig *rig, bool verify, const char *pin) {
        TokenRequest request = request_of(TOKEN_MAKE, NULL, pin);
        TokenAnswer made;
        Stored stored;

        request.head.flags = verify ? TOKEN_FLAG_VERIFY : 0;
        made = ask_one(rig, request);
        assert_int_equal(made.result, TOKEN_OK);
        assert_int_equal(made.verified, verify);
        stored = (Stored){ .id_bytes = made.id_bytes, .counter = made.counter, .verify = verify };
        memcpy(stored.id, made.credential, sizeof(stored.id));
        memcpy(stored.key, made.key, sizeof(stored.key));
        return stored;
}

/* ---- what is right --------------------------------------------------------------------------- */

static void a_key_is_looked_for_made_one_and_asked(void **state) {
        Rig *rig = *state;
        TokenAnswer got;
        Stored stored;

        got = look_new(rig);
        assert_int_equal(got.result, TOKEN_OK);
        assert_false(got.verifies || got.wants_pin);
        stored = make(rig, false, NULL);
        got = ask_one(rig, request_of(TOKEN_LOOK, &stored, NULL));
        assert_int_equal(got.result, TOKEN_OK);
        assert_false(got.wants_pin);
        got = ask_one(rig, request_of(TOKEN_ASSERT, &stored, NULL));
        assert_int_equal(got.result, TOKEN_OK);
        assert_true(got.counter > stored.counter);
        assert_false(got.verified);
}

static void a_pin_is_asked_for_where_the_key_has_one(void **state) {
        Rig *rig = *state;
        TokenRequest request = request_of(TOKEN_MAKE, NULL, "0000");
        TokenAnswer got;
        Stored stored;

        behave(rig, 0, "{\"pin\": \"1234\"}");
        got = look_new(rig);
        assert_int_equal(got.result, TOKEN_OK);
        assert_true(got.verifies && got.wants_pin);
        request.head.flags = TOKEN_FLAG_VERIFY;
        assert_int_equal(ask_one(rig, request).result, TOKEN_PIN_WRONG);
        stored = make(rig, true, "1234");
        got = ask_one(rig, request_of(TOKEN_LOOK, &stored, NULL));
        assert_int_equal(got.result, TOKEN_OK);
        assert_true(got.wants_pin);
        assert_int_equal(result_of(rig, TOKEN_ASSERT, &stored, NULL), TOKEN_DENIED);
        assert_int_equal(result_of(rig, TOKEN_ASSERT, &stored, "0000"), TOKEN_PIN_WRONG);
        got = ask_one(rig, request_of(TOKEN_ASSERT, &stored, "1234"));
        assert_int_equal(got.result, TOKEN_OK);
        assert_true(got.verified);
}

static void of_two_keys_the_one_that_has_it_is_asked(void **state) {
        Rig *rig = *state;
        Stored stored = make(rig, false, NULL);

        plug(rig, 1);
        behave(rig, 1, "{\"pin\": \"9999\"}");
        assert_int_equal(result_of(rig, TOKEN_ASSERT, &stored, "1234"), TOKEN_OK);
        assert_int_equal(look_new(rig).result, TOKEN_SEVERAL);
        assert_int_equal(result_of(rig, TOKEN_MAKE, NULL, NULL), TOKEN_SEVERAL);
        unplug(rig, 0);
        assert_int_equal(result_of(rig, TOKEN_ASSERT, &stored, "1234"), TOKEN_ABSENT);
        unplug(rig, 1);
        assert_int_equal(result_of(rig, TOKEN_LOOK, &stored, NULL), TOKEN_ABSENT);
        assert_int_equal(look_new(rig).result, TOKEN_ABSENT);
}

static void a_key_that_has_one_already_makes_no_other(void **state) {
        Rig *rig = *state;
        Stored stored = make(rig, false, NULL);

        assert_int_equal(result_of(rig, TOKEN_MAKE, &stored, NULL), TOKEN_EXISTS);
}

/* Its policy of protection, for example. */
static void a_key_may_add_what_nobody_asked_for(void **state) {
        Rig *rig = *state;
        Stored stored;

        behave(rig, 0, "{\"extension\": true}");
        stored = make(rig, false, NULL);
        assert_int_equal(result_of(rig, TOKEN_ASSERT, &stored, NULL), TOKEN_OK);
}

/* ---- what is not ----------------------------------------------------------------------------- */

/* When it is looked for, and when it is only the touch that goes wrong. */
static void what_is_not_right_is_no_proof(void **state) {
        static const char *const whens[] = { "", ", \"when\": \"touch\"" };
        static const struct {
                const char *how;
                bool decodes;
        } rows[] = {
                { "rp", true },        { "challenge", true }, { "key", true },
                { "signature", true }, { "no-up", true },     { "no-uv", true },
                { "garbage", false },  { "short", false },    { "long", false },
                { "cbor", false },     { "die", false },
        };
        Rig *rig = *state;
        Stored stored;
        char how[96];

        behave(rig, 0, "{\"pin\": \"1234\"}");
        stored = make(rig, true, "1234");
        for (size_t i = 0; i < 2 * ARRAY_LENGTH(rows); i++) {
                const char *when = whens[i % 2], *wrong = rows[i / 2].how;
                TokenResult result;

                snprintf(how, sizeof(how), "{\"pin\": \"1234\", \"answer\": \"%s\"%s}", wrong,
                         when);
                behave(rig, 0, how);
                result = result_of(rig, TOKEN_ASSERT, &stored, "1234");
                if (rows[i / 2].decodes ? result != TOKEN_UNPROVED : result == TOKEN_OK)
                        fail_msg("%s%s: %d", wrong, when, (int)result);
                behave(rig, 0, "{\"pin\": \"1234\"}");
                assert_int_equal(result_of(rig, TOKEN_ASSERT, &stored, "1234"), TOKEN_OK);
        }
}

/* ---- a device of somebody else's beside it, or in its place ---------------------------------- */

/* One that claims every credential at once, before the real one says a word, and says that it needs
 * a PIN, or none. */
static void a_claim_wins_no_look(void **state) {
        static const char *const rows[] = { "{\"claims\": true}",
                                            "{\"claims\": true, \"pin\": \"9\"}",
                                            "{\"refuses\": 54, \"pin\": \"9\"}" };
        Rig *rig = *state;
        Stored stored, plain = make(rig, false, NULL);
        TokenAnswer got;

        behave(rig, 0, "{\"pin\": \"1234\"}");
        stored = make(rig, true, "1234");
        behave(rig, 0, "{\"pin\": \"1234\", \"slow\": 0.3}");
        plug(rig, 1);
        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                behave(rig, 1, rows[i]);
                got = ask_one(rig, request_of(TOKEN_LOOK, &stored, NULL));
                assert_int_equal(got.result, TOKEN_OK);
                assert_true(got.wants_pin);
                got = ask_one(rig, request_of(TOKEN_LOOK, &plain, NULL));
                assert_int_equal(got.result, TOKEN_OK);
                assert_false(got.wants_pin);
        }
        unplug(rig, 0);
        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                behave(rig, 1, rows[i]);
                assert_int_not_equal(result_of(rig, TOKEN_LOOK, &stored, NULL), TOKEN_OK);
        }
}

/* Neither by claiming, nor by saying that it tells nothing without (54: PIN_REQUIRED), nor by
 * saying it was wrong (49: PIN_INVALID); and it does not blink. */
static void a_claim_is_given_no_pin(void **state) {
        static const struct {
                const char *how;
                TokenResult alone;
        } rows[] = {
                { "{\"claims\": true, \"pin\": \"9\"}", TOKEN_UNPROVED },
                { "{\"refuses\": 54, \"pin\": \"9\"}", TOKEN_DENIED },
                { "{\"refuses\": 49, \"pin\": \"9\"}", TOKEN_UNPROVED },
        };
        Rig *rig = *state;
        Stored stored;

        behave(rig, 0, "{\"pin\": \"1234\"}");
        stored = make(rig, true, "1234");
        plug(rig, 1);
        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                behave(rig, 1, rows[i].how);
                behave(rig, 0, "{\"pin\": \"1234\", \"slow\": 0.3}");
                assert_int_equal(result_of(rig, TOKEN_ASSERT, &stored, "1234"), TOKEN_OK);
                /* what the real one says of its PIN is what counts */
                assert_int_equal(result_of(rig, TOKEN_ASSERT, &stored, "0000"), TOKEN_PIN_WRONG);
        }
        unplug(rig, 0);
        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                behave(rig, 1, rows[i].how);
                assert_int_equal(result_of(rig, TOKEN_ASSERT, &stored, "1234"), rows[i].alone);
        }
        assert_false(has_noted(rig, 1, "pin") || has_noted(rig, 1, "blinks"));
}

/* It could be found by no login. */
static void one_that_says_nothing_without_its_pin_is_not_made(void **state) {
        TokenRequest request = request_of(TOKEN_MAKE, NULL, "1234");
        Rig *rig = *state;

        behave(rig, 0, "{\"refuses\": 54, \"pin\": \"1234\"}");
        request.head.flags = TOKEN_FLAG_VERIFY;
        assert_int_equal(ask_one(rig, request).result, TOKEN_DENIED);
}

/* The key signs that it was not: with and without a PIN. */
static void nobody_has_touched_it(void **state) {
        Rig *rig = *state;
        Stored stored = make(rig, false, NULL);

        behave(rig, 0, "{\"answer\": \"no-up\"}");
        assert_int_equal(result_of(rig, TOKEN_ASSERT, &stored, NULL), TOKEN_UNPROVED);
}

static void nor_is_it_made(void **state) {
        static const char *const rows[] = { "rp",    "challenge", "key",  "signature", "no-up",
                                            "no-uv", "garbage",   "long", "short",     "cbor" };
        TokenRequest request = request_of(TOKEN_MAKE, NULL, "1234");
        Rig *rig = *state;
        char how[64];

        request.head.flags = TOKEN_FLAG_VERIFY;
        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                uint32_t result;

                snprintf(how, sizeof(how), "{\"pin\": \"1234\", \"answer\": \"%s\"}", rows[i]);
                behave(rig, 0, how);
                result = ask_one(rig, request).result;
                if (result == TOKEN_OK)
                        fail_msg("%s: %u", rows[i], result);
        }
}

/* Another's public key, another rp, another challenge: as a store that was changed, or an answer
 * that is used again, would have it. */
static void another_question_is_not_answered_by_it(void **state) {
        Rig *rig = *state;
        Stored stored = make(rig, false, NULL), other = make(rig, false, NULL), mixed = stored;
        TokenRequest request = request_of(TOKEN_ASSERT, &stored, NULL);

        memcpy(mixed.key, other.key, sizeof(mixed.key));
        assert_int_equal(result_of(rig, TOKEN_ASSERT, &mixed, NULL), TOKEN_UNPROVED);
        memset(mixed.key, 0xff, sizeof(mixed.key)); /* on no curve */
        assert_int_equal(result_of(rig, TOKEN_ASSERT, &mixed, NULL), TOKEN_UNPROVED);
        request.rp = "um:ffffffffffffffffffffffffffffffff";
        assert_int_equal(ask_one(rig, request).result, TOKEN_ABSENT);
}

static void a_key_without_a_pin_verifies_nobody(void **state) {
        Rig *rig = *state;
        Stored stored = make(rig, false, NULL);

        stored.verify = true;
        assert_int_equal(result_of(rig, TOKEN_ASSERT, &stored, NULL), TOKEN_DENIED);
}

static void pins_run_out(void **state) {
        Rig *rig = *state;
        Stored stored;

        behave(rig, 0, "{\"pin\": \"1234\"}");
        stored = make(rig, true, "1234");
        for (int i = 0; i < 7; i++)
                assert_int_equal(result_of(rig, TOKEN_ASSERT, &stored, "0000"), TOKEN_PIN_WRONG);
        assert_int_equal(result_of(rig, TOKEN_ASSERT, &stored, "0000"), TOKEN_PIN_OFF);
        assert_int_equal(result_of(rig, TOKEN_ASSERT, &stored, "1234"), TOKEN_PIN_OFF);
}

/* ---- waiting --------------------------------------------------------------------------------- */

static void nobody_touches_it(void **state) {
        Rig *rig = *state;
        Stored stored = make(rig, false, NULL);

        behave(rig, 0, "{\"touch\": -1, \"patience\": 0.3}");
        assert_int_equal(result_of(rig, TOKEN_ASSERT, &stored, NULL), TOKEN_TIMEOUT);
        behave(rig, 0, "{}");
        assert_int_equal(result_of(rig, TOKEN_ASSERT, &stored, NULL), TOKEN_OK);
}

static void one_that_is_silent_holds_up_nothing(void **state) {
        uint64_t began_usec;
        Rig *rig = *state;
        Stored stored = make(rig, false, NULL);

        behave(rig, 0, "{\"answer\": \"silent\"}");
        began_usec = base_boottime_usec();
        assert_int_equal(result_of(rig, TOKEN_LOOK, &stored, NULL), TOKEN_ABSENT);
        assert_true(base_boottime_usec() - began_usec < 2 * TOKEN_LOOK_USEC);
}

static void nor_the_refusal_of_the_one_beside_it(void **state) {
        uint64_t began_usec;
        Rig *rig = *state;
        Stored stored;

        behave(rig, 0, "{\"pin\": \"1234\"}");
        stored = make(rig, true, "1234");
        plug(rig, 1);
        behave(rig, 1, "{\"answer\": \"silent\"}");
        began_usec = base_boottime_usec();
        assert_int_equal(result_of(rig, TOKEN_ASSERT, &stored, "0000"), TOKEN_PIN_WRONG);
        assert_true(base_boottime_usec() - began_usec < 2 * TOKEN_LOOK_USEC);
        assert_int_equal(result_of(rig, TOKEN_ASSERT, &stored, "1234"), TOKEN_OK);
}

/* Asks for a touch that does not come; its id. */
static uint64_t ask_in_vain(Rig *rig, const Stored *stored) {
        TokenRequest request = request_of(TOKEN_ASSERT, stored, NULL);
        uint64_t id;

        behave(rig, 0, "{\"touch\": -1}");
        id = ask(rig, &request);
        assert_true(noted(rig, 0, "alice\nblinks"));
        return id;
}

/* Until the key has let go it is busy. */
static void free_again(Rig *rig, const Stored *stored) {
        uint64_t end_usec = base_boottime_usec() + 20 * USEC_PER_SEC;
        TokenResult result;

        assert_true(noted(rig, 0, "cancelled"));
        behave(rig, 0, "{}");
        do
                result = result_of(rig, TOKEN_ASSERT, stored, NULL);
        while (result == TOKEN_BUSY && base_boottime_usec() < end_usec);
        assert_int_equal(result, TOKEN_OK);
}

static void one_touch_is_asked_for_at_a_time(void **state) {
        TokenRequest cancel = { .head = { .op = TOKEN_CANCEL } };
        Rig *rig = *state;
        Stored stored = make(rig, false, NULL);
        TokenAnswer got[2];
        uint64_t id = ask_in_vain(rig, &stored);

        assert_int_equal(result_of(rig, TOKEN_ASSERT, &stored, NULL), TOKEN_BUSY);
        assert_int_equal(result_of(rig, TOKEN_LOOK, &stored, NULL), TOKEN_BUSY);
        cancel.head.target = id;
        (void)ask(rig, &cancel);
        got[0] = answer(rig);
        got[1] = answer(rig);
        assert_int_equal(got[0].id, id);
        assert_int_equal(got[0].result, TOKEN_CANCELLED);
        assert_int_equal(got[1].op, TOKEN_CANCEL);
        assert_int_equal(got[1].result, TOKEN_OK);
        free_again(rig, &stored);
}

static int listening_setup(void **state) {
        Rig *rig;
        char uid[16];
        const char *argv[] = { program, "--peer-uid", uid, NULL };

        assert_int_equal(setup(state), 0);
        rig = *state;
        (void)look_new(rig); /* it serves, and can be stopped */
        assert_int_equal(service_stop(&rig->service), 0);
        snprintf(uid, sizeof(uid), "%u", geteuid());
        service_start(&rig->service, false, argv);
        rig->service.fd = service_connect(&rig->service);
        return 0;
}

static void who_goes_lets_the_key_go(void **state) {
        Rig *rig = *state;
        Stored stored = make(rig, false, NULL);

        (void)ask_in_vain(rig, &stored);
        close(rig->service.fd);
        rig->service.fd = service_connect(&rig->service);
        free_again(rig, &stored);
}

static void a_packet_that_is_none_ends_the_connection(void **state) {
        Rig *rig = *state;
        TokenHead head = { .protocol = TOKEN_PROTOCOL, .op = TOKEN_ASSERT, .id = 1 };
        char byte;

        packet_send(rig->service.fd, &head, sizeof(head));
        assert_int_equal(packet_receive(rig->service.fd, &byte, 1), 0);
        close(rig->service.fd);
        rig->service.fd = service_connect(&rig->service);
        assert_int_equal(look_new(rig).result, TOKEN_OK);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                STORY(a_key_is_looked_for_made_one_and_asked),
                STORY(a_pin_is_asked_for_where_the_key_has_one),
                STORY(of_two_keys_the_one_that_has_it_is_asked),
                STORY(a_key_that_has_one_already_makes_no_other),
                STORY(a_key_may_add_what_nobody_asked_for),
                STORY(what_is_not_right_is_no_proof),
                STORY(a_claim_wins_no_look),
                STORY(a_claim_is_given_no_pin),
                STORY(one_that_says_nothing_without_its_pin_is_not_made),
                STORY(nobody_has_touched_it),
                STORY(nor_is_it_made),
                STORY(another_question_is_not_answered_by_it),
                STORY(a_key_without_a_pin_verifies_nobody),
                STORY(pins_run_out),
                STORY(nobody_touches_it),
                STORY(one_that_is_silent_holds_up_nothing),
                STORY(nor_the_refusal_of_the_one_beside_it),
                STORY(one_touch_is_asked_for_at_a_time),
                cmocka_unit_test_setup_teardown(who_goes_lets_the_key_go, listening_setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(a_packet_that_is_none_ends_the_connection,
                                                listening_setup, teardown),
        };

        if (argc < 4)
                return 2;
        program = argv[1];
        python = argv[2];
        script = argv[3];
        return cmocka_run_group_tests(tests, NULL, NULL);
}
