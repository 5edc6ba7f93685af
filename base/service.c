/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What um's small services do before anything else: shut themselves in, and take the one socket
 * they were started with.  Their units ask systemd for the same; a process that is started by hand
 * gets no less.  The environment is the caller's to read. */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"

#define SERVICE_FD 3 /* SD_LISTEN_FDS_START */

int base_process_harden_but_exec(void) {
        struct rlimit no_core = { 0, 0 };
        int fd;

        umask(0077);
        do {
                fd = open("/dev/null", O_RDWR | O_NOCTTY);
                if (fd < 0)
                        return -errno;
        } while (fd <= 2);
        close(fd);
        if (setrlimit(RLIMIT_CORE, &no_core) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
                return -errno;
        return 0;
}

int base_process_harden(void) {
        int r = base_process_harden_but_exec();

        if (r < 0)
                return r;
        return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
}

/* 1 where SERVICE_FD is this process's one socket, 0 where there is none, -EINVAL for more. */
static int listen_parse(const char *listen_pid, const char *listen_fds) {
        uint64_t pid, count;

        if (!listen_pid || !listen_fds)
                return 0;
        if (base_parse_u64(listen_pid, 1, INT32_MAX, &pid) < 0 ||
            base_parse_u64(listen_fds, 0, INT32_MAX, &count) < 0)
                return -EINVAL;
        if ((pid_t)pid != getpid() || count == 0)
                return 0;
        return count == 1 ? 1 : -EINVAL;
}

static int socket_option(int fd, int option, int *ret) {
        socklen_t len = sizeof(*ret);

        return getsockopt(fd, SOL_SOCKET, option, ret, &len) < 0 ? -errno : 0;
}

static int socket_prepare(int fd, bool listening) {
        int domain = 0, type = 0, accepts = 0, flags, r;

        r = socket_option(fd, SO_DOMAIN, &domain);
        if (r >= 0)
                r = socket_option(fd, SO_TYPE, &type);
        if (r >= 0)
                r = socket_option(fd, SO_ACCEPTCONN, &accepts);
        if (r < 0)
                return r;
        if (domain != AF_UNIX || type != SOCK_SEQPACKET)
                return -EPROTOTYPE;
        if ((accepts != 0) != listening)
                return -EINVAL;
        flags = fcntl(fd, F_GETFL);
        if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
            fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
                return -errno;
        return 0;
}

static int peers_fill(const uint32_t *only_uid, BaseService *service) {
        uint32_t uid;
        int r;

        if (only_uid) {
                service->peers[service->peer_count++] = *only_uid;
                return 0;
        }
        service->peers[service->peer_count++] = 0;
        if (service->client_fd >= 0) /* whoever started it by hand made the pair */
                service->peers[service->peer_count++] = getuid();
        r = base_local_find_name(BASE_PASSWD_PATH, BASE_SERVICE_USER, &uid);
        if (r > 0)
                service->peers[service->peer_count++] = uid;
        return r < 0 ? r : 0;
}

int base_service_start(int fd, const char *listen_pid, const char *listen_fds,
                       const uint32_t *only_uid, BaseService *ret) {
        BaseService service = { .listen_fd = -1, .client_fd = -1 };
        bool by_hand = fd >= 0;
        int r;

        if (!by_hand) {
                r = listen_parse(listen_pid, listen_fds);
                if (r <= 0)
                        return r < 0 ? r : -ENOTCONN;
                fd = SERVICE_FD;
        }
        if (fd != SERVICE_FD && dup3(fd, SERVICE_FD, O_CLOEXEC) < 0)
                return -errno;
        if (close_range(SERVICE_FD + 1, ~0U, 0) < 0)
                return -errno;
        r = socket_prepare(SERVICE_FD, !by_hand);
        if (r < 0)
                return r;
        *(by_hand ? &service.client_fd : &service.listen_fd) = SERVICE_FD;
        r = peers_fill(only_uid, &service);
        if (r < 0)
                return r;
        *ret = service;
        return 0;
}

bool base_service_serves(const BaseService *service, int fd) {
        uid_t uid;
        gid_t gid;
        pid_t pid;

        if (base_peer_credentials(fd, &uid, &gid, &pid) < 0)
                return false;
        for (size_t i = 0; i < service->peer_count; i++)
                if (service->peers[i] == uid)
                        return true;
        return false;
}

int base_service_accept(const BaseService *service, int *ret_fd) {
        int fd = accept4(service->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

        if (fd < 0)
                return errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS
                               ? -EBUSY
                               : 0;
        if (!base_service_serves(service, fd)) {
                base_close(fd);
                return 0;
        }
        *ret_fd = fd;
        return 1;
}

int base_service_signals(void) {
        sigset_t set;
        int fd;

        sigemptyset(&set);
        sigaddset(&set, SIGTERM);
        sigaddset(&set, SIGINT);
        if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
                return -errno;
        fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
        return fd < 0 ? -errno : fd;
}
