/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copying the skeleton and removing what was half made: root walking folders.
 *
 * Always by descriptor and name, never by path; no link is followed, nothing is opened before it is
 * known to be a file or a folder, and everything has an end: entries, bytes, depth, time.  An entry
 * is given away last, its mode set before, so that root needs no power over files that are not
 * root's. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"
#include "um_helper/helper.h"

#define MODE_KEPT        0777U
#define REMOVE_DEPTH_MAX (HELPER_SKELETON_DEPTH + 1)

static void dir_closep(DIR **dir) {
        if (*dir)
                closedir(*dir);
}

/* fd stays the caller's. */
static int dir_open(int fd, DIR **ret) {
        int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        if (own < 0)
                return -errno;
        *ret = fdopendir(own);
        if (!*ret) {
                int r = -errno;

                base_close(own);
                return r;
        }
        return 0;
}

/* 1 and the entry, 0 at the end, or a fault. */
static int dir_next(DIR *dir, const char **ret_name) {
        for (;;) {
                const struct dirent *entry;

                errno = 0;
                entry = readdir(dir);
                if (!entry)
                        return -errno;
                if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
                        *ret_name = entry->d_name;
                        return 1;
                }
        }
}

/* ---- copying --------------------------------------------------------------------------------- */

static int give_away(const TreeCopy *copy, int fd, mode_t mode) {
        if (fchmod(fd, mode & MODE_KEPT) < 0 || fchown(fd, copy->uid, copy->gid) < 0 ||
            fsync(fd) < 0)
                return -errno;
        return 0;
}

static int bytes_write(int fd, const char *data, size_t len) {
        while (len > 0) {
                ssize_t n = write(fd, data, len);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                data += n;
                len -= (size_t)n;
        }
        return 0;
}

static int bytes_copy(TreeCopy *copy, int from, int to) {
        char buf[65536];

        for (;;) {
                ssize_t n = read(from, buf, sizeof(buf));
                int r;

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return n < 0 ? -errno : 0;
                if ((uint64_t)n > copy->bytes_left)
                        return -EFBIG;
                if (base_boottime_usec() >= copy->deadline_usec)
                        return -ETIMEDOUT;
                copy->bytes_left -= (uint64_t)n;
                r = bytes_write(to, buf, (size_t)n);
                if (r < 0)
                        return r;
        }
}

static int file_copy(TreeCopy *copy, int from_dir, const char *name, int to_dir) {
        _cleanup_close_ int to = -1, from = openat(from_dir, name,
                                                   O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK |
                                                           O_NOCTTY);
        struct stat st;
        int r;

        if (from < 0)
                return -errno;
        if (fstat(from, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return -EAGAIN; /* exchanged since it was looked at */
        to = openat(to_dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (to < 0)
                return -errno;
        r = bytes_copy(copy, from, to);
        return r < 0 ? r : give_away(copy, to, st.st_mode);
}

static int link_copy(const TreeCopy *copy, int from_dir, const char *name, int to_dir) {
        char target[PATH_MAX];
        ssize_t n = readlinkat(from_dir, name, target, sizeof(target));

        if (n < 0)
                return -errno;
        if ((size_t)n >= sizeof(target))
                return -ENAMETOOLONG;
        target[n] = '\0';
        if (symlinkat(target, to_dir, name) < 0 ||
            fchownat(to_dir, name, copy->uid, copy->gid, AT_SYMLINK_NOFOLLOW) < 0)
                return -errno;
        return 0;
}

static int folder_copy(TreeCopy *copy, int from_dir, const char *name, int to_dir, unsigned depth) {
        const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW;
        _cleanup_close_ int to = -1, from = openat(from_dir, name, flags);
        struct stat st;
        int r;

        if (from < 0 || fstat(from, &st) < 0 || mkdirat(to_dir, name, 0700) < 0)
                return -errno;
        to = openat(to_dir, name, flags);
        if (to < 0)
                return -errno;
        r = tree_copy(copy, from, to, depth + 1);
        return r < 0 ? r : give_away(copy, to, st.st_mode);
}

static int entry_copy(TreeCopy *copy, int from_dir, const char *name, int to_dir, unsigned depth) {
        struct stat st;

        if (copy->entries_left-- == 0)
                return -E2BIG;
        if (base_boottime_usec() >= copy->deadline_usec)
                return -ETIMEDOUT;
        if (fstatat(from_dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return -errno;
        if (S_ISREG(st.st_mode))
                return file_copy(copy, from_dir, name, to_dir);
        if (S_ISDIR(st.st_mode))
                return folder_copy(copy, from_dir, name, to_dir, depth);
        if (S_ISLNK(st.st_mode))
                return link_copy(copy, from_dir, name, to_dir);
        return 0; /* a fifo, socket or device is nothing for a home */
}

int tree_copy(TreeCopy *copy, int from_fd, int to_fd, unsigned depth) {
        _cleanup_(dir_closep) DIR *dir = NULL;
        const char *name;
        int r;

        if (depth > HELPER_SKELETON_DEPTH)
                return -ELOOP;
        r = dir_open(from_fd, &dir);
        if (r < 0)
                return r;
        while ((r = dir_next(dir, &name)) > 0) {
                r = entry_copy(copy, from_fd, name, to_fd, depth);
                if (r < 0)
                        return r;
        }
        return r;
}

/* ---- removing -------------------------------------------------------------------------------- */

static int folder_remove(int dir_fd, const char *name, unsigned depth) {
        _cleanup_close_ int fd =
                openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        _cleanup_(dir_closep) DIR *dir = NULL;
        const char *entry;
        int r;

        if (fd < 0)
                return -errno;
        if (depth > REMOVE_DEPTH_MAX)
                return -ELOOP;
        r = dir_open(fd, &dir);
        if (r < 0)
                return r;
        while ((r = dir_next(dir, &entry)) > 0) {
                if (unlinkat(fd, entry, 0) == 0)
                        continue;
                r = errno == EISDIR ? folder_remove(fd, entry, depth + 1) : -errno;
                if (r < 0)
                        return r;
        }
        if (r < 0)
                return r;
        return unlinkat(dir_fd, name, AT_REMOVEDIR) < 0 ? -errno : 0;
}

int tree_remove(int dir_fd, const char *name) {
        return folder_remove(dir_fd, name, 0);
}
