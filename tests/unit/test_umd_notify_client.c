/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* um-notify's client, against the real um-notify as a child and against ones that misbehave: when
 * mail can be sent, and what the log says of one that could not. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/base.h"
#include "um_notify/um_notify.h"
#include "umd/umd.h"

#define DEADLINE_USEC (60 * USEC_PER_SEC) /* a sanitizer build on a busy machine */

static const char *program; /* argv[1], set once */
static const Log quiet = { .journal = false };

typedef struct Rig {
        char dir[40], sendmail[64], mail[64], socket[64];
        sd_event *event;
        int listen_fd, peer_fd; /* an um-notify of the test's own */
        NotifyClient *client;
        CoreMailer mailer;
} Rig;

static void client_start(Rig *rig, const char *socket_path) {
        NotifyClientSpec spec = {
                .log = &quiet,
                .event = rig->event,
                .socket = socket_path,
                .binary = program,
                .sendmail = rig->sendmail,
                .passwd = "/etc/passwd",
        };

        assert_int_equal(notify_client_new(&spec, &rig->client), 0);
        notify_client_set_host(rig->client, "host.example");
        notify_client_operations(rig->client, &rig->mailer);
}

static void sendmail_put(const Rig *rig) {
        FILE *file = fopen(rig->sendmail, "w");

        assert_non_null(file);
        fprintf(file, "#!/bin/sh\ncat >%s.new; mv %s.new %s\n", rig->mail, rig->mail, rig->mail);
        assert_int_equal(fclose(file), 0);
        assert_int_equal(chmod(rig->sendmail, 0755), 0);
}

static Rig *rig_new(void) {
        Rig *rig = calloc(1, sizeof(*rig));

        assert_non_null(rig);
        rig->listen_fd = rig->peer_fd = -1;
        snprintf(rig->dir, sizeof(rig->dir), "/tmp/um-test-client-XXXXXX");
        assert_non_null(mkdtemp(rig->dir));
        snprintf(rig->sendmail, sizeof(rig->sendmail), "%s/sendmail", rig->dir);
        snprintf(rig->mail, sizeof(rig->mail), "%s/mail", rig->dir);
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

        notify_client_free(rig->client);
        sd_event_unref(rig->event);
        base_close(rig->peer_fd);
        base_close(rig->listen_fd);
        unlink(rig->sendmail);
        unlink(rig->mail);
        unlink(rig->socket);
        rmdir(rig->dir);
        free(rig);
        return 0;
}

static void run_until_problem(Rig *rig, const char *part) {
        uint64_t deadline_usec = base_boottime_usec() + DEADLINE_USEC;
        char text[256];

        do {
                assert_true(sd_event_run(rig->event, 100 * USEC_PER_MSEC) >= 0);
                notify_client_problem(rig->client, text, sizeof(text));
        } while ((part[0] == '\0' ? text[0] != '\0' : !strstr(text, part)) &&
                 base_boottime_usec() < deadline_usec);
        if (part[0] == '\0')
                assert_string_equal(text, "");
        else
                assert_non_null(strstr(text, part));
        assert_int_equal(rig->mailer.ready(rig->mailer.userdata), part[0] == '\0');
}

static void send_to(Rig *rig, const char *address) {
        _cleanup_secret_ Secret *code = NULL;
        CoreMail mail = { .to = address,
                          .full_name = "",
                          .user = "alice",
                          .service = "sshd",
                          .source = "",
                          .valid_usec = 600 * USEC_PER_SEC,
                          .now_usec = USEC_PER_SEC };

        assert_int_equal(base_secret_new("123456", 6, &code), 0);
        mail.code = code;
        rig->mailer.send(rig->mailer.userdata, &mail);
}

static void a_mail_is_sent_once_there_is_a_program(void **state) {
        uint64_t deadline_usec = base_boottime_usec() + DEADLINE_USEC;
        Rig *rig = *state;

        assert_false(rig->mailer.ready(rig->mailer.userdata)); /* nobody knows yet */
        run_until_problem(rig, "no sendmail program");
        sendmail_put(rig);
        send_to(rig, "alice@acme.example"); /* one that was asked for is tried anyway */
        run_until_problem(rig, "");
        while (access(rig->mail, F_OK) < 0 && base_boottime_usec() < deadline_usec)
                assert_true(sd_event_run(rig->event, 100 * USEC_PER_MSEC) >= 0);
        assert_int_equal(access(rig->mail, F_OK), 0);
        unlink(rig->sendmail);
        send_to(rig, "alice@acme.example");
        run_until_problem(rig, "no sendmail program");
}

/* What um-notify would hang up on is not sent: others' mails would go with the connection. */
static void a_record_that_is_not_fit_costs_no_connection(void **state) {
        Rig *rig = *state;

        sendmail_put(rig);
        send_to(rig, "alice@acme.example\nBcc: eve@evil.example");
        send_to(rig, "alice@acme.example");
        run_until_problem(rig, "");
        assert_true(sd_event_run(rig->event, 200 * USEC_PER_MSEC) >= 0);
        assert_true(rig->mailer.ready(rig->mailer.userdata));
}

static void nonsense_and_loss_are_no_readiness(void **state) {
        NotifyAnswer answer = { .protocol = NOTIFY_PROTOCOL, .op = NOTIFY_PING, .id = 1 };
        Rig *rig = *state;

        assert_int_equal(send(rig->peer_fd, &answer, sizeof(answer), 0), sizeof(answer));
        run_until_problem(rig, "");
        answer.status = _NOTIFY_STATUS_MAX;
        assert_int_equal(send(rig->peer_fd, &answer, sizeof(answer), 0), sizeof(answer));
        run_until_problem(rig, "um-notify is away");
}

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(a_mail_is_sent_once_there_is_a_program, child_setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(a_record_that_is_not_fit_costs_no_connection,
                                                child_setup, teardown),
                cmocka_unit_test_setup_teardown(nonsense_and_loss_are_no_readiness, fake_setup,
                                                teardown),
        };

        program = argv[1];
        return cmocka_run_group_tests(tests, NULL, NULL);
}
