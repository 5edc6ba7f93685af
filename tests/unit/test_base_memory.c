/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Secrets, descriptors, sockets, files: what must be wiped, closed, waited for or refused. */

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <poll.h>
#include <cmocka.h>

#include "base/base.h"

/* ---- secrets --------------------------------------------------------------------------------- */

static void *wiped_at;
static size_t wiped_bytes;
static bool was_wiped;

int __real_munmap(void *at, size_t len);
int __wrap_munmap(void *at, size_t len);

/* Looks at the page in the last moment it can be looked at. */
int __wrap_munmap(void *at, size_t len) {
        const unsigned char *bytes = at;

        was_wiped = true;
        for (size_t i = 0; i < len; i++)
                was_wiped &= bytes[i] == 0;
        wiped_at = at;
        wiped_bytes = len;
        return __real_munmap(at, len);
}

static void a_secret_is_what_was_put_into_it(void **state) {
        Secret *secret = NULL;

        assert_int_equal(base_secret_new("pass\0word", 9, &secret), 0);
        assert_int_equal(base_secret_len(secret), 9);
        assert_memory_equal(base_secret_bytes(secret), "pass\0word\0", 10); /* and a NUL behind */
        assert_null(base_secret_free(secret));
        assert_int_equal(base_secret_new(NULL, 0, &secret), 0);
        assert_int_equal(base_secret_len(secret), 0);
        assert_string_equal(base_secret_bytes(secret), "");
        base_secret_free(secret);
        assert_null(base_secret_free(NULL));
}

static void a_secret_has_its_limit(void **state) {
        static const char data[BASE_SECRET_MAX + 1];
        Secret *secret = NULL;

        assert_int_equal(base_secret_new(data, BASE_SECRET_MAX + 1, &secret), -E2BIG);
        assert_null(secret);
        assert_int_equal(base_secret_new(data, BASE_SECRET_MAX, &secret), 0);
        assert_int_equal(((const char *)base_secret_bytes(secret))[BASE_SECRET_MAX], 0);
        base_secret_free(secret);
}

static void a_secret_is_wiped_before_it_goes(void **state) {
        Secret *secret = NULL;

        assert_int_equal(base_secret_new("hunter2hunter2", 14, &secret), 0);
        wiped_at = NULL;
        was_wiped = false;
        base_secret_freep(&secret);
        assert_null(secret);
        assert_non_null(wiped_at);
        assert_true(wiped_bytes >= 15 && was_wiped);
}

/* "dd" among the flags of the mapping in /proc/self/smaps: not in a core dump. */
static void a_secret_is_not_dumped(void **state) {
        Secret *secret = NULL;
        char line[512], wanted[32];
        bool inside = false, dumped = true;
        FILE *smaps;

        assert_int_equal(base_secret_new("x", 1, &secret), 0);
        snprintf(wanted, sizeof(wanted), "%zx-",
                 (size_t)(uintptr_t)base_secret_bytes(secret) & ~(size_t)4095);
        smaps = fopen("/proc/self/smaps", "re");
        assert_non_null(smaps);
        while (fgets(line, sizeof(line), smaps)) {
                if (strncmp(line, wanted, strlen(wanted)) == 0)
                        inside = true;
                else if (inside && strncmp(line, "VmFlags:", 8) == 0) {
                        dumped = !strstr(line, " dd");
                        break;
                }
        }
        fclose(smaps);
        assert_true(inside);
        assert_false(dumped);
        base_secret_free(secret);
}

static void bytes_are_equal_or_not(void **state) {
        char data[] = "secret";

        assert_true(base_bytes_equal("", "", 0));
        assert_true(base_bytes_equal("abc", "abd", 2));
        assert_false(base_bytes_equal("abc", "abd", 3));
        assert_false(base_bytes_equal("\0bc", "\0bd", 3));
        base_wipe(data, sizeof(data));
        assert_true(base_bytes_equal(data, "\0\0\0\0\0\0\0", 7));
}

static void random_bytes_differ(void **state) {
        unsigned char a[64] = {}, b[64] = {};

        assert_int_equal(base_random(a, sizeof(a)), 0);
        assert_int_equal(base_random(b, sizeof(b)), 0);
        assert_memory_not_equal(a, b, sizeof(a));
        assert_int_equal(base_random(a, 0), 0);
}

/* ---- descriptors ----------------------------------------------------------------------------- */

static bool is_open(int fd) {
        return fcntl(fd, F_GETFD) >= 0;
}

static void closing_keeps_errno(void **state) {
        int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

        errno = EXDEV;
        assert_int_equal(base_close(fd), -1);
        assert_false(is_open(fd));
        errno = EXDEV;
        assert_int_equal(base_close(-1), -1);
        assert_int_equal(errno, EXDEV);
        {
                _cleanup_close_ int scoped = open("/dev/null", O_RDONLY | O_CLOEXEC);

                fd = scoped;
                assert_true(is_open(fd));
        }
        assert_false(is_open(fd));
}

static void a_low_descriptor_is_moved(void **state) {
        pid_t pid = fork(); /* where 0 can be closed */
        int status, fd;

        assert_true(pid >= 0);
        if (pid == 0) {
                close(0);
                fd = open("/dev/null", O_RDONLY);
                if (fd != 0)
                        _exit(2);
                fd = base_fd_above_stdio(fd);
                if (fd <= 2 || is_open(0) || (fcntl(fd, F_GETFD) & FD_CLOEXEC) == 0)
                        _exit(3);
                if (base_fd_above_stdio(fd) != fd || base_fd_above_stdio(-EBADF) != -EBADF)
                        _exit(4);
                _exit(0);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void waiting_ends_at_the_deadline(void **state) {
        uint64_t start = base_boottime_usec();
        int fds[2];

        assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
        assert_int_equal(base_poll_until(fds[0], POLLIN, start + 20 * USEC_PER_MSEC), -ETIMEDOUT);
        assert_true(base_boottime_usec() >= start + 20 * USEC_PER_MSEC);
        assert_int_equal(base_poll_until(fds[0], POLLIN, 0), -ETIMEDOUT); /* long past */
        assert_int_equal(write(fds[1], "x", 1), 1);
        assert_int_equal(base_poll_until(fds[0], POLLIN, 0), 1); /* ready counts, late or not */
        assert_int_equal(base_poll_until(fds[0], POLLIN, USEC_INFINITY), 1);
        close(fds[1]);
        close(fds[0]);
}

static void peers_are_told_by_the_kernel(void **state) {
        uid_t uid = 5;
        gid_t gid = 5;
        pid_t pid = 5;
        int fds[2], null;

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
        assert_int_equal(base_peer_credentials(fds[0], &uid, &gid, &pid), 0);
        assert_int_equal(uid, geteuid());
        assert_int_equal(gid, getegid());
        assert_int_equal(pid, getpid());
        null = open("/dev/null", O_RDONLY | O_CLOEXEC);
        assert_true(base_peer_credentials(null, &uid, &gid, &pid) < 0);
        assert_true(uid == (uid_t)-1 && gid == (gid_t)-1 && pid == 0);
        uid = 0;
        assert_true(base_peer_credentials(-1, &uid, &gid, &pid) < 0);
        assert_true(uid == (uid_t)-1);
        close(null);
        close(fds[0]);
        close(fds[1]);
}

/* ---- unix sockets and files ------------------------------------------------------------------ */

static char dir[64], path[96];

static int dir_make(void **state) {
        strcpy(dir, "/tmp/um-test-base-XXXXXX");
        if (!mkdtemp(dir))
                return -1;
        snprintf(path, sizeof(path), "%s/x", dir);
        return 0;
}

static int dir_remove(void **state) {
        unlink(path);
        return rmdir(dir);
}

static int listening(int backlog) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        strcpy(address.sun_path, path);
        assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
        if (backlog >= 0)
                assert_int_equal(listen(fd, backlog), 0);
        return fd;
}

static void connecting(void **state) {
        uint64_t deadline = base_boottime_usec() + 5 * USEC_PER_SEC;
        char too_long[200];
        int server = listening(5), fd = -1;

        assert_int_equal(base_unix_connect(path, SOCK_STREAM, deadline, &fd), 0);
        assert_true(fd > 2);
        assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
        assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
        close(fd);
        close(server);
        fd = 42;
        assert_int_equal(base_unix_connect(path, SOCK_STREAM, deadline, &fd), -ECONNREFUSED);
        unlink(path);
        assert_int_equal(base_unix_connect(path, SOCK_STREAM, deadline, &fd), -ENOENT);
        memset(too_long, 'a', sizeof(too_long));
        too_long[sizeof(too_long) - 1] = '\0';
        assert_int_equal(base_unix_connect(too_long, SOCK_STREAM, deadline, &fd), -ENAMETOOLONG);
        assert_int_equal(fd, 42);
}

static void a_full_backlog_costs_no_more_than_the_deadline(void **state) {
        uint64_t start = base_boottime_usec();
        int server = listening(0), fds[8], r = 0, count = 0;

        while (r == 0) {
                assert_true(count < 8);
                r = base_unix_connect(path, SOCK_STREAM, start + 60 * USEC_PER_MSEC, &fds[count]);
                count += r == 0;
        }
        assert_int_equal(r, -ETIMEDOUT);
        assert_true(base_boottime_usec() < start + 5 * USEC_PER_SEC);
        while (count > 0)
                close(fds[--count]);
        close(server);
}

static void file_write(const char *data, size_t len) {
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

        assert_int_equal(write(fd, data, len), (ssize_t)len);
        close(fd);
}

static void a_plain_file_is_read_up_to_its_limit(void **state) {
        char *data = NULL;
        size_t len = 0;

        file_write("a\0bcd", 5);
        assert_int_equal(base_file_read(AT_FDCWD, path, 5, &data, &len), 0);
        assert_int_equal(len, 5);
        assert_memory_equal(data, "a\0bcd", 6); /* and a NUL behind */
        free(data);
        data = NULL;
        assert_int_equal(base_file_read(AT_FDCWD, path, 4, &data, &len), -EFBIG);
        assert_null(data);
        file_write("", 0);
        assert_int_equal(base_file_read(AT_FDCWD, path, 4, &data, &len), 0);
        assert_int_equal(len, 0);
        assert_string_equal(data, "");
        free(data);
        data = NULL;
        /* a file that says it is empty and is not */
        assert_int_equal(base_file_read(AT_FDCWD, "/proc/self/maps", 10, &data, &len), -EFBIG);
        assert_int_equal(base_file_read(AT_FDCWD, "/proc/self/comm", 64, &data, &len), 0);
        assert_true(len > 0);
        free(data);
}

static void what_is_no_plain_file_is_refused_at_once(void **state) {
        char *data = NULL;
        size_t len;

        assert_int_equal(base_file_read(AT_FDCWD, path, 10, &data, &len), -ENOENT);
        assert_int_equal(symlink("/etc/hostname", path), 0);
        assert_int_equal(base_file_read(AT_FDCWD, path, 10, &data, &len), -ELOOP);
        unlink(path);
        assert_int_equal(mkfifo(path, 0600), 0); /* without a writer: must not wait for one */
        assert_int_equal(base_file_read(AT_FDCWD, path, 10, &data, &len), -EBADFD);
        unlink(path);
        assert_int_equal(base_file_read(AT_FDCWD, dir, 10, &data, &len), -EBADFD);
        assert_int_equal(base_file_read(AT_FDCWD, "/dev/zero", 10, &data, &len), -EBADFD);
        assert_null(data);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_secret_is_what_was_put_into_it),
                cmocka_unit_test(a_secret_has_its_limit),
                cmocka_unit_test(a_secret_is_wiped_before_it_goes),
                cmocka_unit_test(a_secret_is_not_dumped),
                cmocka_unit_test(bytes_are_equal_or_not),
                cmocka_unit_test(random_bytes_differ),
                cmocka_unit_test(closing_keeps_errno),
                cmocka_unit_test(a_low_descriptor_is_moved),
                cmocka_unit_test(waiting_ends_at_the_deadline),
                cmocka_unit_test(peers_are_told_by_the_kernel),
                cmocka_unit_test_setup_teardown(connecting, dir_make, dir_remove),
                cmocka_unit_test_setup_teardown(a_full_backlog_costs_no_more_than_the_deadline,
                                                dir_make, dir_remove),
                cmocka_unit_test_setup_teardown(a_plain_file_is_read_up_to_its_limit, dir_make,
                                                dir_remove),
                cmocka_unit_test_setup_teardown(what_is_no_plain_file_is_refused_at_once, dir_make,
                                                dir_remove),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
