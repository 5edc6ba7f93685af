/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The helper's client, against helpers of the test's own: what each status is to core. */

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
#include <sys/un.h>
#include <unistd.h>

#include "base/base.h"
#include "um_helper/um_helper.h"
#include "umd/umd.h"

#define DEADLINE_USEC (30 * USEC_PER_SEC)

static const Log quiet = { .journal = false };

typedef struct Rig {
        char dir[40], socket[64];
        sd_event *event;
        int listen_fd, peer_fd;
        HelperClient *client;
        CoreHelper helper;
        unsigned answers;
        CoreHomeResult result;
} Rig;

static void answered(void *userdata, CoreHomeResult result, uint64_t now_usec) {
        Rig *rig = userdata;

        rig->answers++;
        rig->result = result;
}

static void run_until_answers(Rig *rig, unsigned count) {
        uint64_t deadline_usec = base_boottime_usec() + DEADLINE_USEC;

        while (rig->answers < count && base_boottime_usec() < deadline_usec)
                assert_true(sd_event_run(rig->event, 100 * USEC_PER_MSEC) >= 0);
        assert_int_equal(rig->answers, count);
}

static int setup(void **state) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        Rig *rig = calloc(1, sizeof(*rig));

        rig->peer_fd = -1;
        snprintf(rig->dir, sizeof(rig->dir), "/tmp/um-test-helper-XXXXXX");
        assert_non_null(mkdtemp(rig->dir));
        snprintf(rig->socket, sizeof(rig->socket), "%s/socket", rig->dir);
        assert_true(sd_event_new(&rig->event) >= 0);
        rig->listen_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
        memcpy(address.sun_path, rig->socket, strlen(rig->socket) + 1);
        assert_int_equal(bind(rig->listen_fd, (struct sockaddr *)&address, sizeof(address)), 0);
        assert_int_equal(listen(rig->listen_fd, 8), 0);
        assert_int_equal(helper_client_new(&quiet, rig->event, rig->socket, &rig->client), 0);
        helper_client_operations(rig->client, &rig->helper);
        *state = rig;
        return 0;
}

static int teardown(void **state) {
        Rig *rig = *state;
        char command[80];

        helper_client_free(rig->client);
        sd_event_unref(rig->event);
        base_close(rig->peer_fd);
        base_close(rig->listen_fd);
        snprintf(command, sizeof(command), "rm -r %s", rig->dir);
        free(rig);
        return system(command);
}

static HelperRequest fake_receive(Rig *rig) {
        HelperRequest request;

        if (rig->peer_fd < 0)
                rig->peer_fd = accept(rig->listen_fd, NULL, NULL);
        assert_int_equal(recv(rig->peer_fd, &request, sizeof(request), 0), sizeof(request));
        return request;
}

static void fake_send(Rig *rig, const HelperRequest *request, uint32_t status, uint32_t error) {
        HelperReply reply = {
                .protocol = HELPER_PROTOCOL, .status = status, .id = request->id, .error = error
        };

        assert_int_equal(send(rig->peer_fd, &reply, sizeof(reply), 0), sizeof(reply));
}

static void test_each_status_is_what_core_calls_it(void **state) {
        static const struct {
                HelperStatus status;
                CoreHomeResult result;
        } cases[] = {
                { HELPER_OK, CORE_HOME_MADE },         { HELPER_EXISTS, CORE_HOME_EXISTS },
                { HELPER_FOREIGN, CORE_HOME_FOREIGN }, { HELPER_NO_USER, CORE_HOME_FAULT },
                { HELPER_REFUSED, CORE_HOME_REFUSED }, { HELPER_FAULT, CORE_HOME_FAULT },
        };
        Rig *rig = *state;

        for (unsigned i = 0; i < ARRAY_LENGTH(cases); i++) {
                HelperRequest request;

                assert_int_equal(rig->helper.make_home(rig->client, 70000, answered, rig), 0);
                request = fake_receive(rig);
                assert_int_equal(request.verb, HELPER_MAKE_HOME);
                assert_int_equal(request.uid, 70000);
                assert_int_equal(request.reserved, 0);
                fake_send(rig, &request, cases[i].status,
                          cases[i].status == HELPER_FAULT ? EIO : 0);
                run_until_answers(rig, i + 1);
                assert_int_equal(rig->result, cases[i].result);
        }
}

static void test_a_status_it_does_not_know_ends_the_connection(void **state) {
        Rig *rig = *state;
        HelperRequest request;

        assert_int_equal(rig->helper.make_home(rig->client, 70000, answered, rig), 0);
        request = fake_receive(rig);
        fake_send(rig, &request, _HELPER_STATUS_MAX, 0);
        run_until_answers(rig, 1);
        assert_int_equal(rig->result, CORE_HOME_FAULT);
        assert_int_equal(recv(rig->peer_fd, &(char){ 0 }, 1, 0), 0);
}

static void test_a_helper_that_goes_away_is_asked_again_next_time(void **state) {
        Rig *rig = *state;
        HelperRequest request;

        assert_int_equal(rig->helper.make_home(rig->client, 70000, answered, rig), 0);
        (void)fake_receive(rig);
        rig->peer_fd = base_close(rig->peer_fd);
        run_until_answers(rig, 1);
        assert_int_equal(rig->result, CORE_HOME_FAULT);
        assert_int_equal(rig->helper.make_home(rig->client, 70000, answered, rig), 0);
        request = fake_receive(rig);
        fake_send(rig, &request, HELPER_EXISTS, 0);
        run_until_answers(rig, 2);
        assert_int_equal(rig->result, CORE_HOME_EXISTS);
}

static void test_no_helper_at_its_socket_is_a_fault_at_once(void **state) {
        Rig *rig = *state;

        assert_int_equal(unlink(rig->socket), 0);
        assert_true(rig->helper.make_home(rig->client, 70000, answered, rig) < 0);
        assert_int_equal(rig->answers, 0);
}

static void test_without_a_helper_homes_are_off_and_said_later(void **state) {
        Rig *rig = *state;

        helper_client_free(rig->client);
        assert_int_equal(helper_client_new(&quiet, rig->event, NULL, &rig->client), 0);
        helper_client_operations(rig->client, &rig->helper);
        assert_int_equal(rig->helper.make_home(rig->client, 70000, answered, rig), 0);
        assert_int_equal(rig->answers, 0);
        run_until_answers(rig, 1);
        assert_int_equal(rig->result, CORE_HOME_OFF);
        /* one that is not run any more leaves nothing behind */
        assert_int_equal(rig->helper.make_home(rig->client, 70000, answered, rig), 0);
}

#define WITH_RIG(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                WITH_RIG(test_each_status_is_what_core_calls_it),
                WITH_RIG(test_a_status_it_does_not_know_ends_the_connection),
                WITH_RIG(test_a_helper_that_goes_away_is_asked_again_next_time),
                WITH_RIG(test_no_helper_at_its_socket_is_a_fault_at_once),
                WITH_RIG(test_without_a_helper_homes_are_off_and_said_later),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
