/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Secrets and descriptors: what must be wiped, locked or closed.
 *
 * A Secret has pages of its own, so that wiping and MADV_DONTDUMP hit nothing else.  Locking is
 * best effort: a module runs under its host's RLIMIT_MEMLOCK and must work with none. */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/base.h"

struct Secret {
        size_t len;
        size_t mapped_bytes;
        unsigned char bytes[];
};

int base_close(int fd) {
        int saved = errno;

        if (fd >= 0)
                close(fd);
        errno = saved;
        return -1;
}

int base_secret_new(const void *data, size_t len, Secret **ret) {
        size_t page = (size_t)sysconf(_SC_PAGESIZE), need = sizeof(Secret) + len + 1;
        Secret *secret;

        if (len > BASE_SECRET_MAX)
                return -E2BIG;
        need = (need + page - 1) / page * page;
        secret = mmap(NULL, need, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (secret == MAP_FAILED)
                return -ENOMEM;
        (void)mlock(secret, need);
        (void)madvise(secret, need, MADV_DONTDUMP);
        secret->len = len;
        secret->mapped_bytes = need;
        if (len > 0)
                memcpy(secret->bytes, data, len);
        *ret = secret;
        return 0;
}

Secret *base_secret_free(Secret *secret) {
        if (secret) {
                size_t mapped_bytes = secret->mapped_bytes;

                explicit_bzero(secret, mapped_bytes);
                munmap(secret, mapped_bytes);
        }
        return NULL;
}

const void *base_secret_bytes(const Secret *secret) {
        return secret->bytes;
}

size_t base_secret_len(const Secret *secret) {
        return secret->len;
}

bool base_bytes_equal(const void *a, const void *b, size_t len) {
        const volatile unsigned char *x = a, *y = b;
        unsigned char difference = 0;

        for (size_t i = 0; i < len; i++)
                difference |= (unsigned char)(x[i] ^ y[i]);
        return difference == 0;
}

void base_wipe(void *data, size_t len) {
        explicit_bzero(data, len);
}

int base_random(void *data, size_t len) {
        unsigned char *at = data;

        while (len > 0) {
                ssize_t n = getrandom(at, len, 0);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                at += n;
                len -= (size_t)n;
        }
        return 0;
}

int base_fd_above_stdio(int fd) {
        int high;

        if (fd < 0 || fd > 2)
                return fd;
        high = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        if (high < 0)
                high = -errno;
        base_close(fd);
        return high;
}

int base_poll_until(int fd, short events, uint64_t deadline_usec) {
        for (;;) {
                struct pollfd p = { .fd = fd, .events = events };
                uint64_t now = base_boottime_usec(),
                         left = deadline_usec > now ? deadline_usec - now : 0;
                struct timespec ts = { .tv_sec = (time_t)(left / USEC_PER_SEC),
                                       .tv_nsec = (long)(left % USEC_PER_SEC * 1000) };
                int r = ppoll(&p, 1, &ts, NULL);

                if (r > 0)
                        return 1;
                if (r < 0 && errno != EINTR)
                        return -errno;
                if (left == 0)
                        return -ETIMEDOUT;
        }
}

int base_peer_credentials(int fd, uid_t *ret_uid, gid_t *ret_gid, pid_t *ret_pid) {
        struct ucred cred = { .uid = (uid_t)-1, .gid = (gid_t)-1, .pid = 0 };
        socklen_t len = sizeof(cred);
        int r = 0;

        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
                r = -errno;
        else if (len != sizeof(cred) || cred.uid == (uid_t)-1 || cred.pid <= 0)
                r = -EIO;
        *ret_uid = r < 0 ? (uid_t)-1 : cred.uid;
        *ret_gid = r < 0 ? (gid_t)-1 : cred.gid;
        *ret_pid = r < 0 ? 0 : cred.pid;
        return r;
}

int base_unix_connect(const char *path, int type, uint64_t deadline_usec, int *ret_fd) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        _cleanup_close_ int fd = -1;
        size_t len = strlen(path);
        int r;

        if (len >= sizeof(address.sun_path))
                return -ENAMETOOLONG;
        memcpy(address.sun_path, path, len + 1);
        fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return -errno;
        fd = base_fd_above_stdio(fd);
        if (fd < 0)
                return fd;
        /* A full backlog is EAGAIN at once and never becomes writable; nothing waits on it. */
        while (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
                if (errno == EINTR)
                        continue;
                if (errno != EAGAIN)
                        return -errno;
                if (base_boottime_usec() + 10 * USEC_PER_MSEC >= deadline_usec)
                        return -ETIMEDOUT;
                r = base_poll_until(-1, 0, base_boottime_usec() + 10 * USEC_PER_MSEC);
                if (r < 0 && r != -ETIMEDOUT)
                        return r;
        }
        *ret_fd = base_take_fd(&fd);
        return 0;
}

int base_file_read(int dir_fd, const char *path, size_t max, char **ret, size_t *ret_len) {
        _cleanup_close_ int fd =
                openat(dir_fd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        _cleanup_free_ char *data = NULL;
        struct stat st;
        size_t len = 0;

        if (fd < 0)
                return -errno;
        if (fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return -EBADFD;
        if (st.st_size > (off_t)max)
                return -EFBIG;
        data = malloc(max + 2);
        if (!data)
                return -ENOMEM;
        while (len <= max) {
                ssize_t n = read(fd, data + len, max + 1 - len);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0)
                        break;
                len += (size_t)n;
        }
        if (len > max)
                return -EFBIG;
        data[len] = '\0';
        *ret = TAKE(data);
        *ret_len = len;
        return 0;
}
