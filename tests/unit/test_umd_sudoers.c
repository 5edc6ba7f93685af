/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* When sudo is told anew, against a core and a helper of the test's own. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/base.h"
#include "um_helper/um_helper.h"
#include "umd/umd.h"

#define HEAD          HELPER_SUDOERS_HEAD
#define DEADLINE_USEC (30 * USEC_PER_SEC)

static const Log quiet = { .journal = false };

/* What core says. */
static struct {
        const char *lines;
        uint64_t next_usec;
        int r;
        bool differ;
        unsigned rendered, looked;
        size_t changed; /* users it was asked about */
} core;

int core_sudoers_render(Core *unused, CoreHides hides, void *userdata, uint64_t now_usec,
                        CoreSudoers *ret) {
        core.rendered++;
        if (core.r < 0)
                return core.r;
        *ret = (CoreSudoers){ .text = strdup(core.lines), .next_usec = core.next_usec };
        return 0;
}

bool core_sudoers_differ(Core *unused, const CoreSudoers *last, const uint32_t *uids,
                         size_t count) {
        core.looked++;
        core.changed = count;
        return core.differ;
}

void core_sudoers_done(CoreSudoers *sudoers) {
        free(sudoers->text);
        *sudoers = (CoreSudoers){ 0 };
}

static CoreListener listener; /* of the last that was made */

void core_add_listener(Core *unused, const CoreListener *added) {
        listener = *added;
}

typedef struct Rig {
        char dir[40], socket[64];
        sd_event *event;
        int dir_fd, listen_fd, peer_fd;
        HelperClient *helper;
        Sudoers *sudoers;
} Rig;

static int setup(void **state) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        Rig *rig = calloc(1, sizeof(*rig));
        SudoersSpec spec = { .log = &quiet };

        memset(&core, 0, sizeof(core));
        core.lines = "";
        core.next_usec = USEC_INFINITY;
        rig->peer_fd = -1;
        snprintf(rig->dir, sizeof(rig->dir), "/tmp/um-test-sudoers-XXXXXX");
        assert_non_null(mkdtemp(rig->dir));
        rig->dir_fd = open(rig->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        snprintf(rig->socket, sizeof(rig->socket), "%s/socket", rig->dir);
        assert_true(sd_event_new(&rig->event) >= 0);
        rig->listen_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
        memcpy(address.sun_path, rig->socket, strlen(rig->socket) + 1);
        assert_int_equal(bind(rig->listen_fd, (struct sockaddr *)&address, sizeof(address)), 0);
        assert_int_equal(listen(rig->listen_fd, 8), 0);
        assert_int_equal(helper_client_new(&quiet, rig->event, rig->socket, &rig->helper), 0);
        spec.event = rig->event;
        spec.helper = rig->helper;
        spec.dir_fd = rig->dir_fd;
        assert_int_equal(sudoers_new(&spec, &rig->sudoers), 0);
        *state = rig;
        return 0;
}

static int teardown(void **state) {
        Rig *rig = *state;
        char command[80];

        sudoers_free(rig->sudoers);
        helper_client_free(rig->helper);
        sd_event_unref(rig->event);
        base_close(rig->peer_fd);
        base_close(rig->listen_fd);
        base_close(rig->dir_fd);
        snprintf(command, sizeof(command), "rm -r %s", rig->dir);
        free(rig);
        return system(command);
}

/* The helper's next request; its file has HEAD and these lines. */
static HelperRequest asked(Rig *rig, const char *lines) {
        _cleanup_free_ char *text = NULL;
        HelperRequest request;
        char expected[256];
        size_t len;

        if (rig->peer_fd < 0)
                rig->peer_fd = accept(rig->listen_fd, NULL, NULL);
        assert_int_equal(recv(rig->peer_fd, &request, sizeof(request), 0), sizeof(request));
        assert_int_equal(request.verb, HELPER_INSTALL_SUDOERS);
        assert_int_equal(request.uid, 0);
        snprintf(expected, sizeof(expected), "%s%s", HEAD, lines);
        assert_int_equal(base_file_read(rig->dir_fd, "sudoers", 1000, &text, &len), 0);
        assert_string_equal(text, expected);
        return request;
}

static void is_not_asked(Rig *rig) {
        if (rig->peer_fd >= 0)
                assert_int_equal(recv(rig->peer_fd, &(char){ 0 }, 1, MSG_DONTWAIT), -1);
}

static void answer(Rig *rig, const HelperRequest *request, uint32_t status, uint32_t error) {
        HelperReply reply = {
                .protocol = HELPER_PROTOCOL, .status = status, .id = request->id, .error = error
        };

        assert_int_equal(send(rig->peer_fd, &reply, sizeof(reply), 0), sizeof(reply));
        assert_true(sd_event_run(rig->event, DEADLINE_USEC) > 0);
}

static const char *problem(Rig *rig) {
        static char buf[SUDOERS_PROBLEM_BYTES];

        sudoers_problem(rig->sudoers, buf, sizeof(buf));
        return buf;
}

static void change(uint32_t uid) {
        listener.changed(listener.userdata, CORE_OBJECT_USER, CORE_NEWS_CHANGED, uid, "a", "a");
}

/* A first run whose lines are in place. */
static void begin(Rig *rig, const char *lines) {
        HelperRequest request;

        core.lines = lines;
        sudoers_run(rig->sudoers, 1);
        request = asked(rig, lines);
        answer(rig, &request, HELPER_OK, 0);
        assert_string_equal(problem(rig), "");
}

static void at_the_start_the_helper_is_asked_and_then_where_it_matters(void **state) {
        Rig *rig = *state;
        HelperRequest request;

        begin(rig, "");
        sudoers_run(rig->sudoers, 2);
        assert_int_equal(core.rendered, 1);
        assert_int_equal(core.looked, 1);
        change(70000);
        change(70001);
        sudoers_run(rig->sudoers, 3);
        assert_int_equal(core.changed, 2);
        assert_int_equal(core.rendered, 1);
        sudoers_run(rig->sudoers, 4);
        assert_int_equal(core.changed, 0);
        core.differ = true; /* and yet they are the same */
        sudoers_run(rig->sudoers, 5);
        assert_int_equal(core.rendered, 2);
        is_not_asked(rig);
        core.lines = "a\n";
        sudoers_run(rig->sudoers, 6);
        request = asked(rig, "a\n");
        answer(rig, &request, HELPER_EXISTS, 0);
        sudoers_run(rig->sudoers, 7);
        is_not_asked(rig);
}

static void of_many_users_nobody_asks_who_they_are(void **state) {
        Rig *rig = *state;

        begin(rig, "");
        for (uint32_t i = 0; i < 65; i++)
                change(70000 + i);
        sudoers_run(rig->sudoers, 2);
        assert_int_equal(core.looked, 0);
        assert_int_equal(core.rendered, 2);
        listener.everybody(listener.userdata);
        sudoers_run(rig->sudoers, 3);
        sudoers_host_changed(rig->sudoers);
        sudoers_run(rig->sudoers, 4);
        assert_int_equal(core.looked, 0);
        assert_int_equal(core.rendered, 4);
        is_not_asked(rig);
}

static void while_the_helper_is_busy_the_last_word_waits(void **state) {
        Rig *rig = *state;
        HelperRequest request;

        core.differ = true;
        core.lines = "a\n";
        sudoers_run(rig->sudoers, 1);
        request = asked(rig, "a\n");
        core.lines = "b\n";
        sudoers_run(rig->sudoers, 2);
        core.lines = "c\n";
        sudoers_run(rig->sudoers, 3);
        is_not_asked(rig);
        answer(rig, &request, HELPER_OK, 0);
        request = asked(rig, "c\n");
        answer(rig, &request, HELPER_OK, 0);
        is_not_asked(rig);
}

static void the_clock_is_minded(void **state) {
        Rig *rig = *state;
        HelperRequest request;

        core.next_usec = base_realtime_usec() + 20 * USEC_PER_MSEC;
        begin(rig, "a\n");
        core.next_usec = USEC_INFINITY;
        core.lines = "";
        assert_true(sd_event_run(rig->event, DEADLINE_USEC) > 0);
        request = asked(rig, "");
        answer(rig, &request, HELPER_OK, 0);
}

static void what_is_in_the_way_is_told(void **state) {
        static const struct {
                HelperStatus status;
                uint32_t error;
                const char *text;
        } rows[] = {
                { HELPER_FOREIGN, 0, "not um's" },
                { HELPER_REFUSED, 0, "refuses" },
                { HELPER_REFUSED_BY_VISUDO, 0, "refuses" },
                { HELPER_FAULT, EIO, "did not install" },
                { HELPER_FAULT, EROFS, "restart um-helper" },
                { HELPER_NO_USER, 0, "did not install" },
                { HELPER_NO_SUDO, 0, "not installed" },
        };
        Rig *rig = *state;

        core.differ = true;
        core.lines = "a\n";
        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                HelperRequest request;

                sudoers_run(rig->sudoers, i + 1); /* it is not in place: asked again */
                request = asked(rig, "a\n");
                answer(rig, &request, rows[i].status, rows[i].error);
                assert_non_null(strstr(problem(rig), rows[i].text));
        }
        core.lines = ""; /* nobody misses it */
        sudoers_run(rig->sudoers, 20);
        assert_string_equal(problem(rig), "");
}

static void where_nobody_can_tell_nobody_has_a_line(void **state) {
        Rig *rig = *state;
        HelperRequest request;

        begin(rig, "a\n");
        core.differ = true;
        core.r = -EBADMSG;
        sudoers_run(rig->sudoers, 2);
        request = asked(rig, "");
        answer(rig, &request, HELPER_OK, 0);
        assert_non_null(strstr(problem(rig), "cannot be made"));
        core.r = -E2BIG;
        sudoers_run(rig->sudoers, 3);
        assert_non_null(strstr(problem(rig), "too many"));
        core.r = 0;
        sudoers_run(rig->sudoers, 4);
        request = asked(rig, "a\n");
        answer(rig, &request, HELPER_OK, 0);
        assert_string_equal(problem(rig), "");
}

static void without_a_helper_the_lines_stand_there_alone(void **state) {
        Rig *rig = *state;
        _cleanup_free_ char *text = NULL;
        SudoersSpec spec = { .log = &quiet, .event = rig->event, .dir_fd = rig->dir_fd };
        size_t len;

        sudoers_free(rig->sudoers);
        helper_client_free(rig->helper);
        assert_int_equal(helper_client_new(&quiet, rig->event, NULL, &rig->helper), 0);
        spec.helper = rig->helper;
        assert_int_equal(sudoers_new(&spec, &rig->sudoers), 0);
        core.lines = "a\n";
        sudoers_run(rig->sudoers, 1);
        assert_true(sd_event_run(rig->event, DEADLINE_USEC) > 0);
        assert_string_equal(problem(rig), "");
        assert_int_equal(base_file_read(rig->dir_fd, "sudoers", 1000, &text, &len), 0);
        assert_string_equal(text, HEAD "a\n");
}

#define WITH_RIG(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                WITH_RIG(at_the_start_the_helper_is_asked_and_then_where_it_matters),
                WITH_RIG(of_many_users_nobody_asks_who_they_are),
                WITH_RIG(while_the_helper_is_busy_the_last_word_waits),
                WITH_RIG(the_clock_is_minded),
                WITH_RIG(what_is_in_the_way_is_told),
                WITH_RIG(where_nobody_can_tell_nobody_has_a_line),
                WITH_RIG(without_a_helper_the_lines_stand_there_alone),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
