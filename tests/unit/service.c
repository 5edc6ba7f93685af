/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A service under test: started by fork and exec with the descriptors and environment it would
 * have, ended by its pid, waited for with a deadline. */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base.h"
#include "tests/unit/service.h"

#define SERVICE_ARGUMENTS_MAX 32

static int listen_make(Service *service) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

        snprintf(service->dir, sizeof(service->dir), "/tmp/um-service.XXXXXX");
        assert_non_null(mkdtemp(service->dir));
        snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket", service->dir);
        assert_true(fd >= 0);
        assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
        assert_int_equal(listen(fd, 64), 0);
        return fd;
}

/* In the child: no cmocka from here on. */
static void child_exec(bool by_hand, int fd, int error_fd, const char *const *argv) {
        const char *arguments[SERVICE_ARGUMENTS_MAX] = { 0 };
        size_t count = 0;
        char number[16];

        for (; argv[count] && count < SERVICE_ARGUMENTS_MAX - 3; count++)
                arguments[count] = argv[count];
        if (by_hand) {
                arguments[count++] = "--fd";
                arguments[count++] = "3";
        } else {
                snprintf(number, sizeof(number), "%d", getpid());
                setenv("LISTEN_PID", number, 1);
                setenv("LISTEN_FDS", "1", 1);
        }
        error_fd = fcntl(error_fd, F_DUPFD, 100);
        if (dup2(fd, 3) < 0 || dup2(error_fd, 2) < 0 || fcntl(3, F_SETFD, 0) < 0)
                _exit(126);
        execv(arguments[0], (char *const *)arguments); /* error_fd is a stray one on purpose */
        _exit(127);
}

void service_start(Service *ret, bool by_hand, const char *const *argv) {
        int pair[2] = { -1, -1 }, errors[2];

        *ret = (Service){ .fd = -1 };
        assert_int_equal(pipe2(errors, O_CLOEXEC), 0);
        if (by_hand) {
                assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
                ret->fd = pair[0];
        } else
                pair[1] = listen_make(ret);
        ret->pid = fork();
        assert_true(ret->pid >= 0);
        if (ret->pid == 0)
                child_exec(by_hand, pair[1], errors[1], argv);
        close(pair[1]);
        close(errors[1]);
        ret->error_fd = errors[0];
}

int service_connect(const Service *service) {
        char path[64];
        int fd;

        snprintf(path, sizeof(path), "%s/socket", service->dir);
        assert_int_equal(base_unix_connect(path, SOCK_SEQPACKET,
                                           base_boottime_usec() + SERVICE_DEADLINE_USEC, &fd),
                         0);
        return fd;
}

int service_wait(Service *service, char *ret_error, size_t size) {
        int pid_fd = pidfd_open(service->pid, 0), status = 0;
        char path[64], scrap[4096];
        ssize_t n;

        assert_true(pid_fd >= 0);
        if (base_poll_until(pid_fd, POLLIN, base_boottime_usec() + SERVICE_DEADLINE_USEC) != 1) {
                kill(service->pid, SIGKILL);
                fail_msg("%s", "the service did not end");
        }
        assert_int_equal(waitpid(service->pid, &status, 0), service->pid);
        n = read(service->error_fd, ret_error ? ret_error : scrap,
                 (ret_error ? size : sizeof(scrap)) - 1);
        if (ret_error)
                ret_error[n > 0 ? n : 0] = '\0';
        else if (n > 0)
                fprintf(stderr, "%.*s", (int)n, scrap);
        close(pid_fd);
        close(service->error_fd);
        if (service->fd >= 0)
                close(service->fd);
        if (service->dir[0] != '\0') {
                snprintf(path, sizeof(path), "%s/socket", service->dir);
                unlink(path);
                rmdir(service->dir);
        }
        return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

int service_stop(Service *service) {
        kill(service->pid, SIGTERM);
        return service_wait(service, NULL, 0);
}

ssize_t packet_receive(int fd, void *buf, size_t size) {
        ssize_t n;

        assert_int_equal(base_poll_until(fd, POLLIN, base_boottime_usec() + SERVICE_DEADLINE_USEC),
                         1);
        n = recv(fd, buf, size, MSG_DONTWAIT);
        if (n < 0 && errno == ECONNRESET)
                return 0;
        assert_true(n >= 0);
        return n;
}

void packet_send(int fd, const void *packet, size_t len) {
        assert_int_equal(base_poll_until(fd, POLLOUT, base_boottime_usec() + SERVICE_DEADLINE_USEC),
                         1);
        assert_int_equal(send(fd, packet, len, MSG_NOSIGNAL), len);
}
