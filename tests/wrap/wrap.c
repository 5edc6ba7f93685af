/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The wrappers of libc's functions, and what decides which call fails.  Only what can go wrong on a
 * sound machine does: full tables, no memory, signals, short reads, a peer that is gone.  close(2)
 * closes also where it fails; ENOENT comes only for files that come and go (under /run), since for
 * others it is an answer and no fault. */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tests/wrap/wrap.h"

#define PLACES 1024U

static struct {
        bool armed;
        WrapPlan plan;
        WrapTally tally;
        uint64_t random, ahead_usec;
        const void *places[PLACES];
        size_t place_count;
} state;

WRAP_PUBLIC void wrap_arm(const WrapPlan *plan) {
        state.plan = *plan;
        state.random = wrap_seed(plan->seed);
        state.tally = (WrapTally){ .last = "" };
        state.armed = true;
}

WRAP_PUBLIC void wrap_disarm(WrapTally *ret) {
        state.armed = false;
        *ret = state.tally;
}

WRAP_PUBLIC size_t wrap_places(void) {
        return state.place_count;
}

WRAP_PUBLIC void wrap_clock_advance(uint64_t usec) {
        state.ahead_usec += usec;
}

static void place_note(const void *caller) {
        for (size_t i = 0; i < state.place_count; i++)
                if (state.places[i] == caller)
                        return;
        if (state.place_count < PLACES)
                state.places[state.place_count++] = caller;
}

bool wrap_fails(const char *name, const int *ways, size_t way_count, const void *caller) {
        size_t way = state.plan.way;

        if (!state.armed)
                return false;
        state.tally.calls++;
        if (state.plan.nth > 0) {
                if (state.tally.calls != state.plan.nth)
                        return false;
        } else {
                if (wrap_random(&state.random) % 1000000 >= state.plan.per_million)
                        return false;
                way = wrap_random(&state.random);
        }
        state.tally.failures++;
        state.tally.last = name;
        state.tally.ways = way_count;
        place_note(caller);
        errno = ways[way % way_count];
        return true;
}

/* ---- memory ---------------------------------------------------------------------------------- */

WRAP(void *, malloc, (size_t size), (size), NULL, ENOMEM)
WRAP(void *, calloc, (size_t count, size_t size), (count, size), NULL, ENOMEM)
WRAP(void *, realloc, (void *p, size_t size), (p, size), NULL, ENOMEM)
WRAP(void *, mmap64, (void *at, size_t len, int prot, int flags, int fd, off_t offset),
     (at, len, prot, flags, fd, offset), MAP_FAILED, ENOMEM, EACCES, EAGAIN, ENODEV)
WRAP(int, mlock, (const void *at, size_t len), (at, len), -1, ENOMEM, EPERM)
WRAP(int, madvise, (void *at, size_t len, int advice), (at, len, advice), -1, EINVAL, EAGAIN)

/* ---- files ----------------------------------------------------------------------------------- */

static const int open_ways[] = { EMFILE, ENFILE, EACCES, ENOMEM, EIO, EINTR, ENOENT };

/* The last way only where files come and go. */
static size_t open_way_count(const char *path) {
        return sizeof(open_ways) / sizeof(open_ways[0]) - (strncmp(path, "/run/um/", 8) != 0);
}

static mode_t open_mode(int flags, va_list ap) {
        return flags & O_CREAT ? va_arg(ap, mode_t) : 0;
}

int __real_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...) {
        mode_t mode;
        va_list ap;

        va_start(ap, flags);
        mode = open_mode(flags, ap);
        va_end(ap);
        if (wrap_fails("open", open_ways, open_way_count(path), __builtin_return_address(0)))
                return -1;
        return __real_open64(path, flags, mode);
}

int __real_openat64(int dir_fd, const char *path, int flags, ...);
int __wrap_openat64(int dir_fd, const char *path, int flags, ...);
int __wrap_openat64(int dir_fd, const char *path, int flags, ...) {
        mode_t mode;
        va_list ap;

        va_start(ap, flags);
        mode = open_mode(flags, ap);
        va_end(ap);
        if (wrap_fails("openat", open_ways, open_way_count(path), __builtin_return_address(0)))
                return -1;
        return __real_openat64(dir_fd, path, flags, mode);
}

int __real_fcntl64(int fd, int command, ...);
int __wrap_fcntl64(int fd, int command, ...);
int __wrap_fcntl64(int fd, int command, ...) {
        static const int ways[] = { EMFILE, EINVAL };
        va_list ap;
        int argument;

        va_start(ap, command);
        argument = va_arg(ap, int);
        va_end(ap);
        if (wrap_fails("fcntl", ways, 2, __builtin_return_address(0)))
                return -1;
        return __real_fcntl64(fd, command, argument);
}

int __real_close(int fd);
int __wrap_close(int fd);
int __wrap_close(int fd) {
        static const int ways[] = { EINTR, EIO };
        int r = __real_close(fd);

        return wrap_fails("close", ways, 2, __builtin_return_address(0)) ? -1 : r;
}

ssize_t __real_read(int fd, void *buf, size_t len);
ssize_t __wrap_read(int fd, void *buf, size_t len);
ssize_t __wrap_read(int fd, void *buf, size_t len) {
        static const int ways[] = { EIO, EINTR, WRAP_SHORT };

        if (!wrap_fails("read", ways, 3, __builtin_return_address(0)))
                return __real_read(fd, buf, len);
        return errno == WRAP_SHORT ? __real_read(fd, buf, len < 7 ? 1 : len / 7) : -1;
}

ssize_t __real_pwrite64(int fd, const void *buf, size_t len, off_t at);
ssize_t __wrap_pwrite64(int fd, const void *buf, size_t len, off_t at);
ssize_t __wrap_pwrite64(int fd, const void *buf, size_t len, off_t at) {
        static const int ways[] = { ENOSPC, EIO, EINTR, EDQUOT, WRAP_SHORT };

        if (!wrap_fails("pwrite", ways, 5, __builtin_return_address(0)))
                return __real_pwrite64(fd, buf, len, at);
        return errno == WRAP_SHORT ? __real_pwrite64(fd, buf, len < 7 ? 1 : len / 7, at) : -1;
}

WRAP(int, fstat64, (int fd, struct stat *st), (fd, st), -1, EIO, ENOMEM, EOVERFLOW)
WRAP(int, stat64, (const char *path, struct stat *st), (path, st), -1, EACCES, EIO, ENOMEM)
WRAP(int, lstat64, (const char *path, struct stat *st), (path, st), -1, EACCES, EIO, ENOMEM)
WRAP(int, fstatat64, (int fd, const char *path, struct stat *st, int flags), (fd, path, st, flags),
     -1, EACCES, EIO, ENOMEM)
WRAP(int, fchmod, (int fd, mode_t mode), (fd, mode), -1, EPERM, EROFS, EIO)
WRAP(int, fallocate64, (int fd, int mode, off64_t at, off64_t len), (fd, mode, at, len), -1, EIO,
     ENOSPC, EOPNOTSUPP)
WRAP(int, fdatasync, (int fd), (fd), -1, EIO, ENOSPC, EDQUOT)
WRAP(int, renameat, (int from_fd, const char *from, int to_fd, const char *to),
     (from_fd, from, to_fd, to), -1, ENOSPC, EROFS, EIO, ENOMEM)
WRAP(int, unlinkat, (int fd, const char *path, int flags), (fd, path, flags), -1, EROFS, EIO, EBUSY)

/* ---- sockets --------------------------------------------------------------------------------- */

WRAP(int, socket, (int domain, int type, int protocol), (domain, type, protocol), -1, EMFILE,
     ENFILE, ENOBUFS, ENOMEM, EACCES)
WRAP(int, connect, (int fd, const struct sockaddr *to, socklen_t len), (fd, to, len), -1,
     ECONNREFUSED, ENOENT, EACCES, EAGAIN, EINTR, ETIMEDOUT)
WRAP(int, getsockopt, (int fd, int level, int name, void *value, socklen_t *len),
     (fd, level, name, value, len), -1, ENOBUFS, ENOTCONN, ENOPROTOOPT)

ssize_t __real_recv(int fd, void *buf, size_t len, int flags);
ssize_t __wrap_recv(int fd, void *buf, size_t len, int flags);
ssize_t __wrap_recv(int fd, void *buf, size_t len, int flags) {
        static const int ways[] = { ECONNRESET, EINTR, EAGAIN, ENOMEM, WRAP_SHORT, WRAP_NOTHING };

        if (!wrap_fails("recv", ways, 6, __builtin_return_address(0)))
                return __real_recv(fd, buf, len, flags);
        if (errno == WRAP_NOTHING)
                return 0;
        return errno == WRAP_SHORT ? __real_recv(fd, buf, 1, flags) : -1;
}

ssize_t __real_send(int fd, const void *buf, size_t len, int flags);
ssize_t __wrap_send(int fd, const void *buf, size_t len, int flags);
ssize_t __wrap_send(int fd, const void *buf, size_t len, int flags) {
        static const int ways[] = { EPIPE, EINTR, EAGAIN, ECONNRESET, ENOBUFS, WRAP_SHORT };

        if (!wrap_fails("send", ways, 6, __builtin_return_address(0)))
                return __real_send(fd, buf, len, flags);
        return errno == WRAP_SHORT ? __real_send(fd, buf, 1, flags) : -1;
}

/* Once a call has failed, an answer may never come: what was waited for in vain for a moment is
 * taken as waited for to the end, and um's clocks go ahead by it. */
int __real_ppoll(struct pollfd *fds, nfds_t count, const struct timespec *wait,
                 const sigset_t *mask);
int __wrap_ppoll(struct pollfd *fds, nfds_t count, const struct timespec *wait,
                 const sigset_t *mask);
int __wrap_ppoll(struct pollfd *fds, nfds_t count, const struct timespec *wait,
                 const sigset_t *mask) {
        static const int ways[] = { EINTR, ENOMEM, WRAP_NOTHING };

        static const struct timespec moment = { .tv_nsec = 50000000 };
        int r;

        if (wrap_fails("ppoll", ways, 3, __builtin_return_address(0)))
                return errno == WRAP_NOTHING ? 0 : -1;
        if (!state.armed || state.tally.failures == 0 || !wait || wait->tv_sec < 1)
                return __real_ppoll(fds, count, wait, mask);
        r = __real_ppoll(fds, count, &moment, mask);
        if (r == 0)
                wrap_clock_advance((uint64_t)(wait->tv_sec + 1) * 1000000);
        return r;
}

/* ---- the kernel's ---------------------------------------------------------------------------- */

ssize_t __real_getrandom(void *buf, size_t len, unsigned flags);
ssize_t __wrap_getrandom(void *buf, size_t len, unsigned flags);
ssize_t __wrap_getrandom(void *buf, size_t len, unsigned flags) {
        static const int ways[] = { EINTR, ENOSYS, WRAP_SHORT };

        if (!wrap_fails("getrandom", ways, 3, __builtin_return_address(0)))
                return __real_getrandom(buf, len, flags);
        return errno == WRAP_SHORT ? __real_getrandom(buf, 1, flags) : -1;
}

/* Never fails; goes ahead of the kernel's as far as it was told. */
int __real_clock_gettime(clockid_t clock, struct timespec *ts);
int __wrap_clock_gettime(clockid_t clock, struct timespec *ts);
int __wrap_clock_gettime(clockid_t clock, struct timespec *ts) {
        int r = __real_clock_gettime(clock, ts);

        ts->tv_sec += (time_t)(state.ahead_usec / 1000000);
        return r;
}
