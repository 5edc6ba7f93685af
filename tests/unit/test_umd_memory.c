/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* No memory, at every allocation in turn: configuration, the host's files and requests to another
 * process then fail whole, and leave nothing behind (the sanitizers watch). */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/base.h"
#include "tests/unit/wrap_memory.h"
#include "umd/host.h"
#include "umd/umd.h"

static void file_write(const char *path, const char *text) {
        FILE *f = fopen(path, "w");

        assert_non_null(f);
        assert_true(fputs(text, f) >= 0);
        assert_int_equal(fclose(f), 0);
}

static void test_configuration_stays_as_it_was(void **state) {
        char path[] = "/tmp/um-test-memory-XXXXXX";
        ConfigPaths paths = { .only = path };
        ConfigError error;
        Config config;
        int r = -1;

        base_close(mkstemp(path));
        file_write(path, "shell = /bin/dash\nenumerate = no\n");
        for (memory_first(); memory_next();) {
                config_init(&config);
                memory_on();
                r = config_load(&paths, &config, &error);
                memory_off();
                assert_string_equal(config.shell, r < 0 ? "/bin/bash" : "/bin/dash");
        }
        assert_int_equal(r, 0);
        assert_int_equal(unlink(path), 0);
}

static void test_local_files_are_read_whole_or_not(void **state) {
        char path[] = "/tmp/um-test-memory-XXXXXX";
        HostList *before, *after;
        HostDiff *diff;
        int r = -1;

        base_close(mkstemp(path));
        file_write(path, "a:x:1000:1000::/:/bin/sh\nb:x:1001:1001::/:/bin/sh\n");
        assert_int_equal(host_list_read("/tmp/um-test-no-such-file", &before), 0);
        for (memory_first(); memory_next();) {
                memory_on();
                r = host_list_read(path, &after);
                if (r == 0) {
                        r = host_diff_new(before, after, &diff);
                        if (r == 0) {
                                assert_int_equal(diff->name_count, 2);
                                host_diff_free(diff);
                        }
                        host_list_free(after);
                }
                memory_off();
        }
        assert_int_equal(r, 0);
        host_list_free(before);
        assert_int_equal(unlink(path), 0);
}

/* ---- a channel ------------------------------------------------------------------------------- */

typedef struct Ends {
        int ours, theirs;
        unsigned answers;
} Ends;

static int ends_connect(void *userdata, int *ret_fd) {
        Ends *ends = userdata;

        *ret_fd = base_take_fd(&ends->ours);
        return 0;
}

static int id_take(const void *packet, size_t len, uint64_t *ret_id) {
        memcpy(ret_id, packet, sizeof(*ret_id));
        return 0;
}

static void ends_lost(void *userdata, int fault) {
}

static void answered(void *userdata, int r, const void *packet, size_t len) {
        Ends **call = userdata;

        (*call)->answers++;
}

static void test_a_request_is_sent_and_answered_once_or_refused(void **state) {
        sd_event *event;
        int r = -1;

        assert_true(sd_event_new(&event) >= 0);
        for (memory_first(); memory_next();) {
                Ends ends = { 0 };
                ChannelSpec spec = {
                        .timeout_usec = 60 * USEC_PER_SEC,
                        .packet_max = 64,
                        .pending_max = 4,
                        .userdata = &ends,
                        .connect = ends_connect,
                        .answer_id = id_take,
                        .lost = ends_lost,
                };
                Channel *channel = NULL;
                Ends **call = malloc(sizeof(*call)); /* the channel's, once it took it */
                uint64_t id = 7;
                int pair[2];

                assert_non_null(call);
                *call = &ends;
                assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK,
                                            0, pair),
                                 0);
                ends.ours = pair[0];
                memory_on();
                r = channel_new(event, &spec, &channel);
                if (r == 0)
                        r = channel_call(channel, id, &id, sizeof(id), answered, call);
                memory_off();
                if (r == 0) {
                        assert_int_equal(send(pair[1], &id, sizeof(id), 0), sizeof(id));
                        while (ends.answers == 0)
                                assert_true(sd_event_run(event, 10 * USEC_PER_SEC) > 0);
                }
                channel_free(channel);
                if (r < 0)
                        free(call);
                assert_int_equal(ends.answers, r == 0);
                base_close(ends.ours);
                base_close(pair[1]);
        }
        assert_int_equal(r, 0);
        sd_event_unref(event);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_configuration_stays_as_it_was),
                cmocka_unit_test(test_local_files_are_read_whole_or_not),
                cmocka_unit_test(test_a_request_is_sent_and_answered_once_or_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
