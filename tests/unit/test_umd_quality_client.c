/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* um-quality's client, against the real um-quality as a child and against ones that misbehave: what
 * is an answer, and that silence, loss and nonsense are none. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/base.h"
#include "um_quality/um_quality.h"
#include "umd/umd.h"

#define DEADLINE_USEC (60 * USEC_PER_SEC) /* a sanitizer build on a busy machine */

static const char *program; /* argv[1], set once */
static const Log quiet = { .journal = false };

typedef struct Rig {
        char dir[40], banned[64], socket[64], breach[64];
        sd_event *event;
        int listen_fd, peer_fd; /* an um-quality of the test's own */
        QualityClient *client;
        CoreQuality quality;
        unsigned answers;
        bool checked; /* the last one */
        CoreQualityAnswer answer;
} Rig;

static void answered(void *userdata, const CoreQualityAnswer *answer, uint64_t now_usec) {
        Rig *rig = userdata;

        rig->answers++;
        rig->checked = answer != NULL;
        rig->answer = answer ? *answer : (CoreQualityAnswer){ 0 };
        assert_true(now_usec > 0);
}

static void client_start(Rig *rig, const char *socket_path) {
        QualityClientSpec spec = {
                .log = &quiet,
                .event = rig->event,
                .socket = socket_path,
                .binary = program,
                .banned = rig->banned,
                .passwd = "/etc/passwd",
        };

        assert_int_equal(quality_client_new(&spec, &rig->client), 0);
        quality_client_operations(rig->client, &rig->quality);
}

static Rig *rig_new(void) {
        Rig *rig = calloc(1, sizeof(*rig));

        assert_non_null(rig);
        rig->listen_fd = rig->peer_fd = -1;
        snprintf(rig->dir, sizeof(rig->dir), "/tmp/um-test-client-XXXXXX");
        assert_non_null(mkdtemp(rig->dir));
        snprintf(rig->banned, sizeof(rig->banned), "%s/banned-words", rig->dir);
        snprintf(rig->breach, sizeof(rig->breach), "%s/breach", rig->dir);
        snprintf(rig->socket, sizeof(rig->socket), "%s/socket", rig->dir);
        assert_true(sd_event_new(&rig->event) >= 0);
        return rig;
}

static int child_setup(void **state) {
        Rig *rig = rig_new();

        client_start(rig, NULL);
        *state = rig;
        return 0;
}

static int fake_setup(void **state) {
        Rig *rig = rig_new();
        struct sockaddr_un address = { .sun_family = AF_UNIX };

        rig->listen_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
        memcpy(address.sun_path, rig->socket, strlen(rig->socket) + 1);
        assert_int_equal(bind(rig->listen_fd, (struct sockaddr *)&address, sizeof(address)), 0);
        assert_int_equal(listen(rig->listen_fd, 8), 0);
        client_start(rig, rig->socket);
        rig->peer_fd = accept(rig->listen_fd, NULL, NULL);
        assert_true(rig->peer_fd >= 0);
        *state = rig;
        return 0;
}

static int teardown(void **state) {
        Rig *rig = *state;

        quality_client_free(rig->client);
        sd_event_unref(rig->event);
        base_close(rig->peer_fd);
        base_close(rig->listen_fd);
        unlink(rig->banned);
        unlink(rig->breach);
        unlink(rig->socket);
        rmdir(rig->dir);
        free(rig);
        return 0;
}

static int ask(Rig *rig, const char *password, bool breached) {
        CoreQualityRequest request = {
                .name = "alice",
                .rules = { .min_length = 12,
                           .similarity = true,
                           .dictionary = true,
                           .breached = breached },
        };
        _cleanup_secret_ Secret *secret = NULL;

        assert_int_equal(base_secret_new(password, strlen(password), &secret), 0);
        request.password = secret;
        return rig->quality.check(rig->client, &request, answered, rig);
}

static void run_until_answers(Rig *rig, unsigned count) {
        uint64_t deadline_usec = base_boottime_usec() + DEADLINE_USEC;

        while (rig->answers < count && base_boottime_usec() < deadline_usec)
                assert_true(sd_event_run(rig->event, 100 * USEC_PER_MSEC) >= 0);
        assert_int_equal(rig->answers, count);
}

static void run_until_problem(Rig *rig, const char *part) {
        uint64_t deadline_usec = base_boottime_usec() + DEADLINE_USEC;
        char text[512];

        do {
                assert_true(sd_event_run(rig->event, 100 * USEC_PER_MSEC) >= 0);
                quality_client_problem(rig->client, text, sizeof(text));
        } while ((part[0] == '\0' ? text[0] != '\0' : !strstr(text, part)) &&
                 base_boottime_usec() < deadline_usec);
        if (part[0] == '\0')
                assert_string_equal(text, "");
        else
                assert_non_null(strstr(text, part));
}

/* ---- the real one ---------------------------------------------------------------------------- */

static void what_is_wrong_comes_back(void **state) {
        Rig *rig = *state;

        assert_int_equal(ask(rig, "Alice-1", false), 0);
        assert_int_equal(rig->answers, 0); /* not from within the call */
        run_until_answers(rig, 1);
        assert_true(rig->checked);
        assert_int_equal(rig->answer.failed, 1U << CORE_QUALITY_TOO_SHORT |
                                                     1U << CORE_QUALITY_HAS_NAME |
                                                     1U << CORE_QUALITY_IS_WORD);
        assert_int_equal(rig->answer.length, 7);
        assert_int_equal(rig->answer.classes, 4);
        assert_int_equal(ask(rig, "correct horse battery staple", false), 0);
        run_until_answers(rig, 2);
        assert_true(rig->checked);
        assert_int_equal(rig->answer.failed, 0);
        run_until_problem(rig, "");
        assert_true(ask(rig, "", false) < 0);
        assert_int_equal(rig->answers, 2);
}

static void a_list_that_is_not_there_is_a_problem_until_it_is(void **state) {
        Rig *rig = *state;
        FILE *file;

        run_until_problem(rig, "");
        quality_client_set_breach_file(rig->client, rig->breach);
        run_until_problem(rig, "/breach is missing");
        file = fopen(rig->breach, "w");
        assert_non_null(file);
        fputs("0000000000000000000000000000000000000001:1\n", file);
        assert_int_equal(fclose(file), 0);
        assert_int_equal(ask(rig, "correct horse battery staple", true), 0);
        run_until_answers(rig, 1);
        assert_int_equal(rig->answer.failed, 0);
        run_until_problem(rig, "");
        quality_client_set_breach_file(rig->client, "");
        assert_int_equal(ask(rig, "correct horse battery staple", true), 0);
        run_until_problem(rig, "which um.conf does not name, is missing");
}

/* ---- others ---------------------------------------------------------------------------------- */

static void peer_answers(Rig *rig, const QualityAnswer *answer) {
        QualityAnswer sent = *answer;
        char packet[QUALITY_PACKET_MAX];
        QualityRequest request;
        ssize_t n;

        /* past the ping, which is not answered */
        do {
                n = recv(rig->peer_fd, packet, sizeof(packet), 0);
                assert_int_equal(quality_request_parse(packet, (size_t)n, &request), 0);
        } while (request.head.op != QUALITY_CHECK);
        sent.id = request.head.id;
        assert_int_equal(send(rig->peer_fd, &sent, sizeof(sent), 0), sizeof(sent));
}

static void an_answer_that_is_none_is_not_taken(void **state) {
        /* the last one is no answer at all, and ends the connection */
        static const QualityAnswer rows[] = {
                { .protocol = 1, .op = QUALITY_CHECK, .fault = 1 },
                { .protocol = 1, .op = QUALITY_PING },
                { .protocol = 1, .op = QUALITY_CHECK, .failed = 1U << _QUALITY_CONDITION_MAX },
        };
        Rig *rig = *state;

        for (unsigned i = 0; i < ARRAY_LENGTH(rows); i++) {
                assert_int_equal(ask(rig, "correct horse battery staple", false), 0);
                peer_answers(rig, &rows[i]);
                run_until_answers(rig, i + 1);
                assert_false(rig->checked);
        }
}

static void silence_and_loss_are_no_answer(void **state) {
        Rig *rig = *state;

        run_until_problem(rig, "um-quality is away");
        assert_int_equal(ask(rig, "correct horse battery staple", false), 0);
        run_until_answers(rig, 1); /* after its time */
        assert_false(rig->checked);
        assert_int_equal(ask(rig, "correct horse battery staple", false), 0);
        rig->peer_fd = base_close(rig->peer_fd);
        run_until_answers(rig, 2);
        assert_false(rig->checked);
}

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(what_is_wrong_comes_back, child_setup, teardown),
                cmocka_unit_test_setup_teardown(a_list_that_is_not_there_is_a_problem_until_it_is,
                                                child_setup, teardown),
                cmocka_unit_test_setup_teardown(an_answer_that_is_none_is_not_taken, fake_setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(silence_and_loss_are_no_answer, fake_setup,
                                                teardown),
        };

        program = argv[1];
        return cmocka_run_group_tests(tests, NULL, NULL);
}
