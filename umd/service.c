/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The way to um's other services: to systemd's by their sockets, or for umd by hand to a vault, an
 * um-quality, an um-notify and an um-fido of its own, the same processes on one end of a socketpair
 * each.
 *
 * These are the only programs umd ever runs, and only where no systemd does.  They die with umd:
 * the kernel kills them when their parent is gone, and they stop by themselves when their socket is
 * closed. */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/base.h"
#include "umd/umd.h"

#define CHILD_SOCKET 3

/* Between fork and exec, where another thread may hold any lock: system calls only.  Never returns.
 */
static void child_exec(char *const *arguments, pid_t parent, int fd) {
        sigset_t none;

        sigemptyset(&none);
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent ||
            sigprocmask(SIG_SETMASK, &none, NULL) < 0)
                _exit(126);
        /* dup2 to the same number would leave it close-on-exec */
        if (fd == CHILD_SOCKET ? fcntl(fd, F_SETFD, 0) < 0 : dup2(fd, CHILD_SOCKET) < 0)
                _exit(126);
        if (close_range(CHILD_SOCKET + 1, ~0U, 0) < 0)
                _exit(126);
        execv(arguments[0], arguments);
        _exit(127);
}

static int child_start(Service *service, int *ret_fd) {
        char uid[16], number[4];
        const char *arguments[] = { service->binary, "--fd",         number, "--peer-uid", uid,
                                    service->option, service->value, NULL };
        int pair[2];
        pid_t parent = getpid(), pid;

        snprintf(uid, sizeof(uid), "%u", geteuid());
        snprintf(number, sizeof(number), "%d", CHILD_SOCKET);
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
                return -errno;
        pid = fork();
        if (pid == 0)
                child_exec((char *const *)(uintptr_t)arguments, parent, pair[1]);
        if (pid < 0) {
                int fault = -errno;

                base_close(pair[0]);
                base_close(pair[1]);
                return fault;
        }
        base_close(pair[1]);
        service->child = pid;
        *ret_fd = pair[0];
        return 0;
}

void service_end(Service *service) {
        pid_t pid = service->child;

        service->child = 0;
        if (pid <= 0)
                return;
        (void)kill(pid, SIGKILL);
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
                ;
}

int service_connect(Service *service, int *ret_fd) {
        _cleanup_close_ int fd = -1;
        int r;

        if (!service->socket) {
                service_end(service);
                return child_start(service, ret_fd);
        }
        r = base_unix_connect(service->socket, SOCK_SEQPACKET, 0, &fd);
        if (r >= 0)
                r = channel_peer_check(fd, service->passwd, service->user);
        if (r >= 0)
                *ret_fd = base_take_fd(&fd);
        return r;
}
