/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The real um-notify as a process, with a sendmail program of the test's: what it is given, that
 * how it ended comes back, and that one that hangs or is missing holds up nothing. */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base.h"
#include "tests/unit/service.h"
#include "um_notify/um_notify.h"

static const char *program; /* argv[1], set once */

typedef struct Rig {
        Service service;
        char dir[40], sendmail[64];
        uint64_t last_id;
} Rig;

/* A shell script in the program's place; $dir is the test's folder. */
static void sendmail_put(Rig *rig, const char *body) {
        FILE *file = fopen(rig->sendmail, "w");

        assert_non_null(file);
        fprintf(file, "#!/bin/sh\ndir='%s'\n%s\n", rig->dir, body);
        assert_int_equal(fclose(file), 0);
        assert_int_equal(chmod(rig->sendmail, 0755), 0);
}

static int setup(void **state) {
        Rig *rig = calloc(1, sizeof(*rig));
        char uid[16];
        const char *argv[] = { program, "--sendmail", NULL, "--peer-uid", uid, NULL };

        assert_non_null(rig);
        snprintf(uid, sizeof(uid), "%u", geteuid());
        snprintf(rig->dir, sizeof(rig->dir), "/tmp/um-test-notify-XXXXXX");
        assert_non_null(mkdtemp(rig->dir));
        snprintf(rig->sendmail, sizeof(rig->sendmail), "%s/sendmail", rig->dir);
        argv[2] = rig->sendmail;
        service_start(&rig->service, true, argv);
        *state = rig;
        return 0;
}

static int teardown(void **state) {
        static const char *const names[] = { "sendmail",    "mail", "arguments", "environment",
                                             "descriptors", "pid",  "order" };
        Rig *rig = *state;
        char path[128];

        if (rig->service.pid > 0)
                assert_int_equal(service_stop(&rig->service), 0);
        for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
                snprintf(path, sizeof(path), "%s/%s", rig->dir, names[i]);
                unlink(path);
        }
        assert_int_equal(rmdir(rig->dir), 0);
        free(rig);
        return 0;
}

static void request_send(Rig *rig, NotifyOp op, const char *code) {
        const char *const texts[_NOTIFY_TEXT_MAX] = {
                [NOTIFY_TEXT_TO] = "alice@acme.example",
                [NOTIFY_TEXT_FULL_NAME] = "Alice",
                [NOTIFY_TEXT_USER] = "alice",
                [NOTIFY_TEXT_HOST] = "host.example",
                [NOTIFY_TEXT_SERVICE] = "sshd",
                [NOTIFY_TEXT_SOURCE] = "192.0.2.7",
                [NOTIFY_TEXT_CODE] = code,
        };
        static const char *const nothing[_NOTIFY_TEXT_MAX] = { NULL };
        NotifyHead head = { .protocol = NOTIFY_PROTOCOL,
                            .op = op,
                            .id = ++rig->last_id,
                            .time_usec = op != NOTIFY_PING ? USEC_PER_SEC : 0,
                            .valid_sec = op != NOTIFY_PING ? 600 : 0 };
        char packet[NOTIFY_PACKET_MAX];
        ssize_t len = notify_request_build(&head, op != NOTIFY_PING ? texts : nothing, packet);

        assert_true(len > 0);
        packet_send(rig->service.fd, packet, (size_t)len);
}

static NotifyAnswer answer_get(Rig *rig) {
        char packet[NOTIFY_PACKET_MAX];
        NotifyAnswer answer;
        ssize_t n = packet_receive(rig->service.fd, packet, sizeof(packet));

        assert_int_equal(notify_answer_parse(packet, (size_t)n, &answer), 0);
        return answer;
}

static NotifyAnswer ask(Rig *rig, NotifyOp op, const char *code) {
        request_send(rig, op, code);
        return answer_get(rig);
}

static char *file_read(const Rig *rig, const char *name) {
        char path[128], *text = NULL;
        size_t len;

        snprintf(path, sizeof(path), "%s/%s", rig->dir, name);
        assert_int_equal(base_file_read(AT_FDCWD, path, 65536, &text, &len), 0);
        return text;
}

static void a_mail_is_handed_over_and_its_end_told(void **state) {
        Rig *rig = *state;
        _cleanup_free_ char *mail = NULL, *arguments = NULL, *environment = NULL, *fds = NULL;
        NotifyAnswer answer;

        sendmail_put(rig, "cat >$dir/mail; echo \"$@\" >$dir/arguments; env >$dir/environment\n"
                          "ls /proc/$$/fd >$dir/descriptors; echo said; echo complained >&2");
        answer = ask(rig, NOTIFY_CODE, "123456");
        assert_int_equal(answer.status, NOTIFY_OK);
        assert_int_equal(answer.id, 1);
        mail = file_read(rig, "mail");
        assert_non_null(strstr(mail, "To: Alice\n <alice@acme.example>\n"));
        assert_non_null(strstr(mail, "    123456\n"));
        arguments = file_read(rig, "arguments");
        assert_string_equal(arguments, "-t -oi\n");
        environment = file_read(rig, "environment");
        assert_null(strstr(environment, "LISTEN"));
        assert_null(strstr(environment, "HOME"));
        fds = file_read(rig, "descriptors");
        assert_true(strncmp(fds, "0\n1\n", 4) == 0);
        assert_null(strstr(fds, "\n3\n")); /* the socket */
        sendmail_put(rig, "cat >/dev/null; exit 75");
        answer = ask(rig, NOTIFY_CODE, "123456");
        assert_int_equal(answer.status, NOTIFY_FAILED);
        assert_int_equal(answer.code, 75);
        sendmail_put(rig, "kill -9 $$");
        answer = ask(rig, NOTIFY_CODE, "123456");
        assert_int_equal(answer.status, NOTIFY_FAILED);
        assert_int_equal(answer.code, 137);
        sendmail_put(rig, "exit 0"); /* which reads nothing */
        assert_int_equal(ask(rig, NOTIFY_CODE, "123456").status, NOTIFY_OK);
        answer = ask(rig, NOTIFY_RESET, "12345678");
        assert_int_equal(answer.op, NOTIFY_RESET);
        assert_int_equal(answer.status, NOTIFY_OK);
}

static void one_that_is_missing_is_told(void **state) {
        Rig *rig = *state;

        assert_int_equal(ask(rig, NOTIFY_PING, NULL).status, NOTIFY_MISSING);
        assert_int_equal(ask(rig, NOTIFY_CODE, "123456").status, NOTIFY_MISSING);
        sendmail_put(rig, "exit 0");
        assert_int_equal(ask(rig, NOTIFY_PING, NULL).status, NOTIFY_OK);
        assert_int_equal(chmod(rig->sendmail, 0600), 0);
        assert_int_equal(ask(rig, NOTIFY_PING, NULL).status, NOTIFY_MISSING);
}

/* Four run, one that hangs among them; the others wait, in order, and more than can wait are not
 * taken. */
static void many_at_once_wait_and_too_many_are_not_taken(void **state) {
        Rig *rig = *state;
        _cleanup_free_ char *order = NULL;
        size_t busy = 0, done = 0;

        sendmail_put(rig, "code=$(grep '^    [0-9]*$')\n"
                          "if [ $code = 999999 ]; then echo $$ >$dir/pid; exec sleep 1000; fi\n"
                          "echo $code >>$dir/order");
        request_send(rig, NOTIFY_CODE, "999999");
        for (unsigned i = 0; i < NOTIFY_QUEUE_MAX + 10; i++) {
                char code[16];

                snprintf(code, sizeof(code), "%06u", i);
                request_send(rig, NOTIFY_CODE, code);
        }
        request_send(rig, NOTIFY_PING, NULL);
        for (bool pinged = false; !pinged || done + busy < NOTIFY_QUEUE_MAX + 10;) {
                NotifyAnswer answer = answer_get(rig);

                if (answer.op == NOTIFY_PING)
                        pinged = true;
                else if (answer.status == NOTIFY_BUSY)
                        busy++;
                else if (answer.status == NOTIFY_OK)
                        done++;
                else
                        fail_msg("status %u", answer.status);
        }
        assert_true(done >= NOTIFY_QUEUE_MAX - 1 && busy > 0);
        order = file_read(rig, "pid");
        assert_int_equal(kill((pid_t)atoi(order), SIGKILL), 0);
        assert_int_equal(answer_get(rig).code, 137);
}

/* Only what is tried here is shortened: the clock is the real one. */
static void what_hangs_is_killed_in_time(void **state) {
        Rig *rig = *state;
        uint64_t began_usec = base_boottime_usec();
        NotifyAnswer answer;
        char packet[64];

        sendmail_put(rig, "exec sleep 1000");
        request_send(rig, NOTIFY_CODE, "123456");
        assert_int_equal(base_poll_until(rig->service.fd, POLLIN,
                                         began_usec + NOTIFY_MAIL_USEC + 30 * USEC_PER_SEC),
                         1);
        assert_int_equal(recv(rig->service.fd, packet, sizeof(packet), 0), sizeof(answer));
        assert_int_equal(notify_answer_parse(packet, sizeof(answer), &answer), 0);
        assert_int_equal(answer.status, NOTIFY_LATE);
        assert_true(base_boottime_usec() - began_usec >= NOTIFY_MAIL_USEC);
}

static void a_packet_that_is_none_ends_it(void **state) {
        Rig *rig = *state;
        char packet[64];

        packet_send(rig->service.fd, "nonsense", 8);
        assert_int_equal(packet_receive(rig->service.fd, packet, sizeof(packet)), 0);
        assert_int_equal(service_wait(&rig->service, NULL, 0), 0);
        rig->service.pid = 0;
}

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(a_mail_is_handed_over_and_its_end_told, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(one_that_is_missing_is_told, setup, teardown),
                cmocka_unit_test_setup_teardown(many_at_once_wait_and_too_many_are_not_taken, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(what_hangs_is_killed_in_time, setup, teardown),
                cmocka_unit_test_setup_teardown(a_packet_that_is_none_ends_it, setup, teardown),
        };

        program = argv[1];
        return cmocka_run_group_tests(tests, NULL, NULL);
}
