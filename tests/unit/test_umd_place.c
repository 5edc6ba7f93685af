/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The state directory, the map's folder and the private socket: what is made, what is refused. */

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
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"
#include "umd/umd.h"

typedef struct Rig {
        char dir[40], state[64], run[64];
        PlaceError error;
        mode_t umask;
} Rig;

static int setup(void **state) {
        Rig *rig = calloc(1, sizeof(*rig));

        rig->umask = umask(0077); /* umd's */
        snprintf(rig->dir, sizeof(rig->dir), "/tmp/um-test-place-XXXXXX");
        assert_non_null(mkdtemp(rig->dir));
        snprintf(rig->state, sizeof(rig->state), "%s/state", rig->dir);
        snprintf(rig->run, sizeof(rig->run), "%s/run", rig->dir);
        *state = rig;
        return 0;
}

static int teardown(void **state) {
        Rig *rig = *state;
        char command[80];

        umask(rig->umask);
        snprintf(command, sizeof(command), "rm -r %s", rig->dir);
        free(rig);
        return system(command);
}

static mode_t mode_of(const char *path) {
        struct stat st;

        assert_int_equal(stat(path, &st), 0);
        return st.st_mode & 07777;
}

static void test_the_state_directory_is_made_closed(void **state) {
        Rig *rig = *state;
        _cleanup_close_ int fd = -1;

        assert_int_equal(place_state(rig->state, &fd, &rig->error), 0);
        assert_int_equal(mode_of(rig->state), 0700);
}

static void test_a_second_umd_is_refused(void **state) {
        Rig *rig = *state;
        _cleanup_close_ int fd = -1;
        int other;

        assert_int_equal(place_state(rig->state, &fd, &rig->error), 0);
        assert_int_equal(place_state(rig->state, &other, &rig->error), -EBUSY);
        assert_non_null(strstr(rig->error.text, "another umd"));
        fd = base_close(fd);
        assert_int_equal(place_state(rig->state, &fd, &rig->error), 0);
}

static void test_a_state_directory_open_to_others_is_refused(void **state) {
        static const mode_t modes[] = { 0701, 0750, 0720, 0704 };
        Rig *rig = *state;
        int fd;

        assert_int_equal(mkdir(rig->state, 0700), 0);
        for (size_t i = 0; i < ARRAY_LENGTH(modes); i++) {
                assert_int_equal(chmod(rig->state, modes[i]), 0);
                assert_int_equal(place_state(rig->state, &fd, &rig->error), -EPERM);
                assert_non_null(strstr(rig->error.text, rig->state));
        }
}

static void test_a_state_directory_of_another_is_refused(void **state) {
        Rig *rig = *state;
        int fd;

        if (geteuid() != 0)
                skip();
        assert_int_equal(mkdir(rig->state, 0700), 0);
        assert_int_equal(chown(rig->state, 12345, 12345), 0);
        assert_int_equal(place_state(rig->state, &fd, &rig->error), -EPERM);
        assert_non_null(strstr(rig->error.text, "another user"));
}

static void test_a_link_or_a_file_is_no_state_directory(void **state) {
        Rig *rig = *state;
        int fd;

        assert_int_equal(symlink(rig->dir, rig->state), 0);
        assert_true(place_state(rig->state, &fd, &rig->error) < 0);
        assert_int_equal(unlink(rig->state), 0);
        base_close(open(rig->state, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
        assert_int_equal(place_state(rig->state, &fd, &rig->error), -ENOTDIR);
}

static void test_the_map_folder_can_be_read_by_all_and_written_by_umd(void **state) {
        Rig *rig = *state;
        _cleanup_close_ int fd = -1;
        char path[80];
        int other;

        assert_int_equal(place_map(rig->run, &fd, &rig->error), 0);
        assert_int_equal(mode_of(rig->run), 0755);
        snprintf(path, sizeof(path), "%s/map.d", rig->run);
        assert_int_equal(mode_of(path), 0755);
        assert_int_equal(chmod(path, 0775), 0);
        assert_int_equal(place_map(rig->run, &other, &rig->error), -EPERM);
}

static void test_the_socket_takes_the_place_of_an_old_one(void **state) {
        Rig *rig = *state;
        _cleanup_close_ int map_fd = -1, fd = -1, again = -1, client = -1;
        char path[80];

        assert_int_equal(place_map(rig->run, &map_fd, &rig->error), 0);
        assert_int_equal(place_bus(rig->run, &fd, &rig->error), 0);
        fd = base_close(fd);
        assert_int_equal(place_bus(rig->run, &again, &rig->error), 0);
        snprintf(path, sizeof(path), "%s/bus", rig->run);
        assert_int_equal(mode_of(path), 0666);
        assert_int_equal(base_unix_connect(path, SOCK_STREAM, 0, &client), 0);
        snprintf(path, sizeof(path), "%s/.bus", rig->run);
        assert_int_equal(access(path, F_OK), -1);
}

static void test_a_path_too_long_for_a_socket_is_named(void **state) {
        Rig *rig = *state;
        char path[200];
        int fd;

        snprintf(path, sizeof(path), "%s/%0120d", rig->dir, 0);
        assert_int_equal(place_bus(path, &fd, &rig->error), -ENAMETOOLONG);
        assert_non_null(strstr(rig->error.text, path));
}

static void test_a_store_that_vanished_is_not_an_empty_one(void **state) {
        Rig *rig = *state;
        _cleanup_close_ int fd = -1;
        char why[256] = "";

        assert_int_equal(place_state(rig->state, &fd, &rig->error), 0);
        assert_false(place_store_lost(fd, rig->state, why, sizeof(why)));
        base_close(openat(fd, "data.mdb", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
        assert_int_equal(place_store_made(fd), 0);
        assert_int_equal(place_store_made(fd), 0);
        assert_false(place_store_lost(fd, rig->state, why, sizeof(why)));
        assert_int_equal(unlinkat(fd, "data.mdb", 0), 0);
        assert_true(place_store_lost(fd, rig->state, why, sizeof(why)));
        assert_non_null(strstr(why, rig->state));
}

#define WITH_RIG(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                WITH_RIG(test_the_state_directory_is_made_closed),
                WITH_RIG(test_a_second_umd_is_refused),
                WITH_RIG(test_a_state_directory_open_to_others_is_refused),
                WITH_RIG(test_a_state_directory_of_another_is_refused),
                WITH_RIG(test_a_link_or_a_file_is_no_state_directory),
                WITH_RIG(test_the_map_folder_can_be_read_by_all_and_written_by_umd),
                WITH_RIG(test_the_socket_takes_the_place_of_an_old_one),
                WITH_RIG(test_a_path_too_long_for_a_socket_is_named),
                WITH_RIG(test_a_store_that_vanished_is_not_an_empty_one),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
