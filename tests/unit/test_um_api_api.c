/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* um-api between two ends of the test's own: what it says in the handshakes, that it passes bytes
 * as they are both ways, and when it ends. */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "um_api/um_api.h"

#define GUID "0123456789abcdef0123456789abcdef"
#define OK   "OK " GUID "\r\n"

static uint64_t soon(void) {
        return base_boottime_usec() + 10 * USEC_PER_SEC;
}

static void nonblocking(int fd) {
        assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
}

static void pair_make(int *fds) {
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
        nonblocking(fds[0]);
}

static void say(int fd, const void *bytes, size_t len) {
        assert_int_equal(write(fd, bytes, len), (ssize_t)len);
}

/* All there is to read now, as a text. */
static const char *heard(int fd) {
        static char text[4096];
        ssize_t n = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);

        text[n > 0 ? n : 0] = '\0';
        return text;
}

/* ---- handshakes --------------------------------------------------------------------------- */

static void the_server_is_told_who_we_are_by_the_kernel_alone(void **state) {
        static const struct {
                const char *answer;
                ApiEnd end;
        } cases[] = {
                { "DATA\r\n" OK, API_DONE },
                { "DATA\r\nOK 1234\r\n", API_REFUSED },
                { "DATA\r\nREJECTED EXTERNAL\r\n", API_REFUSED },
                { OK "DATA\r\n", API_REFUSED },
                { "DATA\r\n" OK "more", API_REFUSED },
                { "", API_REFUSED },
        };
        static const char wanted[] = "\0AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n";

        for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
                char guid[API_GUID_BYTES + 1] = "", said[64];
                int fds[2];

                pair_make(fds);
                say(fds[1], cases[i].answer, strlen(cases[i].answer));
                assert_int_equal(shutdown(fds[1], SHUT_WR), 0);
                assert_int_equal(api_greet_server(fds[0], soon(), guid), cases[i].end);
                assert_int_equal(read(fds[1], said, sizeof(said)), sizeof(wanted) - 1);
                assert_memory_equal(said, wanted, sizeof(wanted) - 1);
                assert_string_equal(guid, cases[i].end == API_DONE ? GUID : "");
                base_close(fds[0]);
                base_close(fds[1]);
        }
}

typedef struct Client {
        const char *says; /* behind the NUL */
        const char *hears;
        ApiEnd end;
        const char *rest;
} Client;

static void a_client_may_claim_to_be_anybody_and_pass_no_descriptor(void **state) {
        static const Client clients[] = {
                /* sd-bus, in one write, with its first call behind */
                { "AUTH EXTERNAL\r\nDATA\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\nl\1",
                  "DATA\r\n" OK "ERROR\r\n", API_DONE, "l\1" },
                /* libdbus, with the uid of its own machine */
                { "AUTH EXTERNAL 31303030\r\nBEGIN\r\n", OK, API_DONE, "" },
                { "AUTH EXTERNAL 30\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n", OK "ERROR\r\n", API_DONE,
                  "" },
                { "AUTH\r\nAUTH ANONYMOUS 6c6962\r\nBEGIN\r\n", "REJECTED EXTERNAL\r\n" OK,
                  API_DONE, "" },
                { "AUTH EXTERNAL\r\nCANCEL\r\nAUTH EXTERNAL 30\r\nBEGIN\r\n",
                  "DATA\r\nREJECTED EXTERNAL\r\n" OK, API_DONE, "" },
                { "AUTH DBUS_COOKIE_SHA1 30\r\n", "REJECTED EXTERNAL\r\n", API_NO_DBUS, "" },
                { "BEGIN\r\nAUTH EXTERNAL 30\r\nBEGIN\r\n", "ERROR\r\n" OK, API_DONE, "" },
                { "AUTH EXTERNAL 30", "", API_NO_DBUS, "AUTH EXTERNAL 30" },
                { "AUTH\tEXTERNAL\r\n", "", API_NO_DBUS, "AUTH\tEXTERNAL\r\n" },
                { "X\r\nX\r\nX\r\nX\r\nX\r\nX\r\nX\r\nX\r\nX\r\nX\r\nX\r\nX\r\nX\r\nX\r\nX\r\nX\r\n"
                  "AUTH EXTERNAL 30\r\nBEGIN\r\n",
                  "ERROR\r\nERROR\r\nERROR\r\nERROR\r\nERROR\r\nERROR\r\nERROR\r\nERROR\r\n"
                  "ERROR\r\nERROR\r\nERROR\r\nERROR\r\nERROR\r\nERROR\r\nERROR\r\nERROR\r\n",
                  API_NO_DBUS, "AUTH EXTERNAL 30\r\nBEGIN\r\n" },
        };

        for (size_t i = 0; i < ARRAY_LENGTH(clients); i++) {
                const Client *c = &clients[i];
                ApiBuffer rest = { 0 };
                int fds[2];

                pair_make(fds);
                say(fds[1], "", 1);
                say(fds[1], c->says, strlen(c->says));
                assert_int_equal(shutdown(fds[1], SHUT_WR), 0);
                assert_int_equal(api_greet_client(fds[0], fds[0], soon(), GUID, &rest), c->end);
                assert_string_equal(heard(fds[1]), c->hears);
                assert_int_equal(rest.len, strlen(c->rest));
                assert_memory_equal(rest.bytes, c->rest, rest.len);
                base_close(fds[0]);
                base_close(fds[1]);
        }
}

/* Somebody at a terminal, a line without an end, nothing at all. */
static void what_is_no_handshake_ends_it(void **state) {
        char line[API_LINE_MAX + 2];
        const struct {
                const char *bytes;
                size_t len;
                bool hangs;
        } cases[] = { { "ls\n", 3, false },
                      { line, sizeof(line), false },
                      { "", 1, true },
                      { "", 0, true } };

        memset(line, 'A', sizeof(line));
        line[0] = '\0';
        for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
                uint64_t until = cases[i].hangs ? base_boottime_usec() + 1000 : soon();
                ApiBuffer rest = { 0 };
                int fds[2];

                pair_make(fds);
                if (cases[i].len > 0)
                        say(fds[1], cases[i].bytes, cases[i].len);
                assert_int_equal(api_greet_client(fds[0], fds[0], until, GUID, &rest), API_NO_DBUS);
                base_close(fds[0]);
                base_close(fds[1]);
        }
}

/* ---- bytes -------------------------------------------------------------------------------- */

typedef struct Rig {
        int client_in, client_out, server; /* our ends */
        pid_t pid;                         /* of the relay, shut in as um-api is */
} Rig;

static Rig rig_start(const char *rest_text) {
        int in[2], out[2], server[2];
        ApiBuffer rest = { .len = strlen(rest_text) };
        Rig rig;

        memcpy(rest.bytes, rest_text, rest.len);
        assert_int_equal(pipe2(in, O_CLOEXEC), 0);
        assert_int_equal(pipe2(out, O_CLOEXEC), 0);
        pair_make(server);
        nonblocking(in[0]);
        nonblocking(out[1]);
        rig = (Rig){ .client_in = in[1], .client_out = out[0], .server = server[1] };
        rig.pid = fork();
        assert_true(rig.pid >= 0);
        if (rig.pid == 0) {
                base_close(in[1]);
                base_close(out[0]);
                base_close(server[1]);
                (void)signal(SIGPIPE, SIG_IGN);
                _exit(api_sandbox_enter() == 0 &&
                                      api_relay(in[0], out[1], server[0], &rest) == API_DONE
                              ? 0
                              : 1);
        }
        base_close(in[0]);
        base_close(out[1]);
        base_close(server[0]);
        return rig;
}

static void rig_ends(Rig *rig) {
        int status;

        assert_int_equal(waitpid(rig->pid, &status, 0), rig->pid);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        base_close(rig->client_in);
        base_close(rig->client_out);
        base_close(rig->server);
}

static void read_whole(int fd, char *buf, size_t len) {
        while (len > 0) {
                ssize_t n = read(fd, buf, len);

                assert_true(n > 0);
                buf += n;
                len -= (size_t)n;
        }
}

static void bytes_pass_both_ways_and_what_came_early_goes_first(void **state) {
        char buf[16];
        Rig rig = rig_start("early,");

        say(rig.client_in, "late", 4);
        read_whole(rig.server, buf, 10);
        assert_memory_equal(buf, "early,late", 10);
        say(rig.server, "\0answer", 7);
        read_whole(rig.client_out, buf, 7);
        assert_memory_equal(buf, "\0answer", 7);
        base_close(rig.server);
        rig.server = -1;
        rig_ends(&rig);
}

/* The client says all it has, and hears all that is answered. */
static void an_end_of_input_is_passed_on_and_answers_come_still(void **state) {
        char buf[8];
        Rig rig = rig_start("");

        say(rig.client_in, "bye", 3);
        rig.client_in = base_close(rig.client_in);
        read_whole(rig.server, buf, 3);
        assert_int_equal(read(rig.server, buf, 1), 0);
        say(rig.server, "so long", 7);
        rig.server = base_close(rig.server);
        read_whole(rig.client_out, buf, 7);
        assert_memory_equal(buf, "so long", 7);
        rig_ends(&rig);
}

/* Nobody reads: the other side is not heard any more, and is when somebody does. */
static void a_side_that_takes_nothing_stops_the_other(void **state) {
        enum { PIECES = 400, PIECE = 4096 };
        static char piece[PIECE], got[PIECE];
        Rig rig = rig_start("");
        size_t sent = 0;

        nonblocking(rig.server);
        for (struct pollfd p = { .fd = rig.server, .events = POLLOUT };
             sent < PIECES && poll(&p, 1, 200) == 1; sent++) {
                memset(piece, (int)(sent % 251), sizeof(piece));
                if (write(rig.server, piece, sizeof(piece)) != sizeof(piece))
                        break;
        }
        assert_true(sent > 0 && sent < PIECES);
        for (size_t i = 0; i < sent; i++) {
                memset(piece, (int)(i % 251), sizeof(piece));
                read_whole(rig.client_out, got, sizeof(got));
                assert_memory_equal(got, piece, sizeof(piece));
        }
        rig.server = base_close(rig.server);
        rig_ends(&rig);
}

static void nobody_who_listens_is_the_end(void **state) {
        Rig rig = rig_start("");

        rig.client_out = base_close(rig.client_out);
        rig_ends(&rig);
}

static void a_server_that_hangs_up_with_bytes_on_their_way_is_the_end(void **state) {
        Rig rig = rig_start("never read");

        rig.server = base_close(rig.server);
        rig_ends(&rig);
}

/* ---- the sandbox -------------------------------------------------------------------------- */

static void nothing_can_be_opened_or_started(void **state) {
        pid_t pid = fork();
        int status;

        assert_true(pid >= 0);
        if (pid == 0) {
                bool shut = api_sandbox_enter() == 0 && open("/dev/null", O_RDONLY) < 0 &&
                            errno == EPERM && socket(AF_UNIX, SOCK_STREAM, 0) < 0 &&
                            errno == EPERM && kill(1, 0) < 0 && errno == EPERM;

                if (shut)
                        execl("/bin/false", "false", (char *)NULL);
                _exit(shut && errno == EPERM ? 0 : 1);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void nobody_but_um_is_spoken_to(void **state) {
        assert_int_equal(api_serve("/nonexistent/bus", "/nonexistent"), API_NO_SERVER);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_server_is_told_who_we_are_by_the_kernel_alone),
                cmocka_unit_test(a_client_may_claim_to_be_anybody_and_pass_no_descriptor),
                cmocka_unit_test(what_is_no_handshake_ends_it),
                cmocka_unit_test(bytes_pass_both_ways_and_what_came_early_goes_first),
                cmocka_unit_test(an_end_of_input_is_passed_on_and_answers_come_still),
                cmocka_unit_test(a_side_that_takes_nothing_stops_the_other),
                cmocka_unit_test(nobody_who_listens_is_the_end),
                cmocka_unit_test(a_server_that_hangs_up_with_bytes_on_their_way_is_the_end),
                cmocka_unit_test(nothing_can_be_opened_or_started),
                cmocka_unit_test(nobody_but_um_is_spoken_to),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
