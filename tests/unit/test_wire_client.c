/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The client of the private socket where there is no umd, a silent one, or somebody else.  The
 * rounds themselves, with replies good and bad, are tests/pam's. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base.h"
#include "wire/wire.h"

#define NOBODY 65534

typedef struct Place {
        char dir[64], bus[96], map_dir[96];
} Place;

static int setup(void **state) {
        Place *p = calloc(1, sizeof(*p));

        assert_non_null(p);
        snprintf(p->dir, sizeof(p->dir), "/tmp/test-wire.XXXXXX");
        assert_non_null(mkdtemp(p->dir));
        assert_int_equal(chmod(p->dir, 0777), 0);
        snprintf(p->bus, sizeof(p->bus), "%s/bus", p->dir);
        snprintf(p->map_dir, sizeof(p->map_dir), "%s/map.d", p->dir);
        assert_int_equal(mkdir(p->map_dir, 0755), 0);
        *state = p;
        return 0;
}

static int teardown(void **state) {
        Place *p = *state;

        unlink(p->bus);
        rmdir(p->map_dir);
        rmdir(p->dir);
        free(p);
        return 0;
}

static int listen_at(const Place *p) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        snprintf(address.sun_path, sizeof(address.sun_path), "%s", p->bus);
        if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
            listen(fd, 8) < 0)
                return base_close(fd);
        return fd;
}

static int connect_within(const Place *p, uint64_t usec) {
        sd_bus *bus = NULL;
        int r = wire_connect(p->bus, p->map_dir, base_boottime_usec() + usec, &bus);

        assert_int_equal(r < 0, bus == NULL);
        sd_bus_close_unref(bus);
        return r;
}

static void time_left_is_never_zero(void **state) {
        uint64_t now = base_boottime_usec();

        assert_int_equal(wire_time_left(0), 1);
        assert_int_equal(wire_time_left(now), 1);
        assert_in_range(wire_time_left(now + 60 * USEC_PER_SEC), 50 * USEC_PER_SEC,
                        60 * USEC_PER_SEC);
}

static void nobody_there_is_told_at_once(void **state) {
        Place *p = *state;
        uint64_t start = base_boottime_usec();
        int fd;

        assert_int_equal(connect_within(p, 10 * USEC_PER_SEC), -ENOENT);
        fd = listen_at(p);
        assert_true(fd >= 0);
        base_close(fd);
        assert_int_equal(connect_within(p, 10 * USEC_PER_SEC), -ECONNREFUSED);
        assert_in_range(base_boottime_usec() - start, 0, USEC_PER_SEC);
}

static void a_silent_server_costs_the_deadline(void **state) {
        Place *p = *state;
        uint64_t start = base_boottime_usec(), took;
        _cleanup_close_ int fd = listen_at(p);

        assert_true(fd >= 0);
        assert_int_equal(connect_within(p, 200 * USEC_PER_MSEC), -ETIMEDOUT);
        took = base_boottime_usec() - start;
        assert_in_range(took, 190 * USEC_PER_MSEC, 2 * USEC_PER_SEC);
}

static void a_server_that_hangs_up_is_no_server(void **state) {
        Place *p = *state;
        _cleanup_close_ int fd = listen_at(p);
        pid_t pid;

        assert_true(fd >= 0);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                close(accept4(fd, NULL, NULL, SOCK_CLOEXEC));
                _exit(0);
        }
        assert_in_range(-connect_within(p, 10 * USEC_PER_SEC), 1, 4095);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* The answer to a server run by nobody: nothing is sent to him, so a silent one does. */
static int connect_to_nobodys(const Place *p) {
        int ready[2], r;
        pid_t pid;
        char c;

        assert_int_equal(pipe(ready), 0);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                if (setgid(NOBODY) < 0 || setuid(NOBODY) < 0 || listen_at(p) < 0)
                        _exit(1);
                (void)!write(ready[1], "x", 1);
                pause();
                _exit(0);
        }
        close(ready[1]);
        assert_int_equal(read(ready[0], &c, 1), 1);
        close(ready[0]);
        r = connect_within(p, 200 * USEC_PER_MSEC);
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        unlink(p->bus);
        return r;
}

static void only_root_and_the_maps_owner_are_um(void **state) {
        Place *p = *state;

        if (geteuid() != 0)
                skip();
        assert_int_equal(connect_to_nobodys(p), -EPERM);
        assert_int_equal(chown(p->map_dir, NOBODY, NOBODY), 0);
        assert_int_equal(connect_to_nobodys(p), -ETIMEDOUT); /* accepted, and silent */
        assert_int_equal(rmdir(p->map_dir), 0);
        assert_int_equal(connect_to_nobodys(p), -EPERM);
        assert_int_equal(symlink(p->dir, p->map_dir), 0);
        assert_int_equal(chown(p->dir, NOBODY, NOBODY), 0);
        assert_int_equal(connect_to_nobodys(p), -EPERM); /* a link is not the directory */
        assert_int_equal(unlink(p->map_dir), 0);
}

static void a_path_too_long_is_refused(void **state) {
        char path[200];
        sd_bus *bus = NULL;

        memset(path, 'x', sizeof(path));
        path[0] = '/';
        path[sizeof(path) - 1] = '\0';
        assert_int_equal(wire_connect(path, "/", base_boottime_usec() + USEC_PER_SEC, &bus),
                         -ENAMETOOLONG);
        assert_null(bus);
}

static void an_answer_over_the_limit_is_never_sent(void **state) {
        static const char answer[BASE_PASSWORD_MAX + 1];
        WireError error = WIRE_E_NONE;
        WireStep step;

        assert_int_equal(wire_login_answer(NULL, "", answer, sizeof(answer), 0, &step, &error),
                         -E2BIG);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(time_left_is_never_zero),
                cmocka_unit_test_setup_teardown(nobody_there_is_told_at_once, setup, teardown),
                cmocka_unit_test_setup_teardown(a_silent_server_costs_the_deadline, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(a_server_that_hangs_up_is_no_server, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(only_root_and_the_maps_owner_are_um, setup,
                                                teardown),
                cmocka_unit_test(a_path_too_long_is_refused),
                cmocka_unit_test(an_answer_over_the_limit_is_never_sent),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
