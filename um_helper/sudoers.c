/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Installing the lines umd wrote as a file of sudoers.d(5): whole, or not at all.
 *
 * What was read is checked, written beside under a name sudo passes over, checked again there by
 * visudo(8), and renamed.  Where anything is wrong the file stays as it was.  A file of that name
 * which um did not write is left alone. */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "um_helper/helper.h"

#define SUDOERS_NAME   "50-um"
#define SUDOERS_BESIDE "50-um.new" /* sudo passes over names with a dot */
#define SUDOERS_MODE   0440
#define HEAD_BYTES     (sizeof(HELPER_SUDOERS_HEAD) - 1)

/* A host's own account is not um's to give anything. */
static bool name_is_ours(void *userdata, const char *name) {
        const Helper *helper = userdata;
        uint32_t uid;

        return base_local_find_name(helper->passwd_path, name, &uid) == 0;
}

/* What umd wrote; HELPER_REFUSED where it is nothing of the kind. */
static int source_read(const Helper *helper, char **ret, size_t *ret_len) {
        const HelperSudoersNames names = { (void *)(uintptr_t)helper, name_is_ours };
        _cleanup_free_ char *text = NULL;
        size_t len;
        int r = base_file_read(AT_FDCWD, helper->sudoers_source, HELPER_SUDOERS_MAX, &text, &len);

        if (r < 0)
                return r;
        if (!helper_sudoers_check(text, len, &names))
                return HELPER_REFUSED;
        *ret = TAKE(text);
        *ret_len = len;
        return HELPER_OK;
}

/* ---- what stands there ----------------------------------------------------------------------- */

static int folder_open(const Helper *helper, int *ret_fd) {
        _cleanup_close_ int fd =
                open(helper->sudoers_dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        struct stat st;

        if (fd < 0)
                return errno == ENOENT ? HELPER_NO_SUDO : -errno;
        if (fstat(fd, &st) < 0)
                return -errno;
        if (st.st_uid != 0 || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
                return HELPER_REFUSED;
        *ret_fd = base_take_fd(&fd);
        return HELPER_OK;
}

/* HELPER_EXISTS: it is just that; HELPER_OK: it is another one of um's, or (*ret_there false) none;
 * HELPER_FOREIGN. */
static int file_look(int dir_fd, const char *text, size_t len, bool *ret_there) {
        _cleanup_free_ char *there = NULL;
        size_t there_len;
        struct stat st;
        int r;

        *ret_there = false;
        if (fstatat(dir_fd, SUDOERS_NAME, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return errno == ENOENT ? HELPER_OK : -errno;
        if (!S_ISREG(st.st_mode))
                return HELPER_FOREIGN;
        r = base_file_read(dir_fd, SUDOERS_NAME, HELPER_SUDOERS_MAX, &there, &there_len);
        if (r < 0)
                return r == -EFBIG ? HELPER_FOREIGN : r;
        if (there_len < HEAD_BYTES || memcmp(there, HELPER_SUDOERS_HEAD, HEAD_BYTES) != 0)
                return HELPER_FOREIGN;
        *ret_there = true;
        return there_len == len && memcmp(there, text, len) == 0 && st.st_uid == 0 &&
                               st.st_gid == 0 && (st.st_mode & 07777) == SUDOERS_MODE
                       ? HELPER_EXISTS
                       : HELPER_OK;
}

static int file_remove(int dir_fd) {
        if (unlinkat(dir_fd, SUDOERS_NAME, 0) < 0 || fsync(dir_fd) < 0)
                return -errno;
        return HELPER_OK;
}

/* ---- visudo ---------------------------------------------------------------------------------- */

static int spawn_prepare(posix_spawn_file_actions_t *actions, posix_spawnattr_t *attributes) {
        sigset_t none;
        int error;

        sigemptyset(&none);
        error = posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDWR, 0);
        if (error == 0)
                error = posix_spawn_file_actions_adddup2(actions, 0, 1);
        if (error == 0)
                error = posix_spawn_file_actions_adddup2(actions, 0, 2);
        if (error == 0)
                error = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK);
        if (error == 0)
                error = posix_spawnattr_setsigmask(attributes, &none);
        return -error;
}

static int visudo_spawn(const char *program, const char *path, pid_t *ret_pid) {
        static const char *const environment[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C",
                                                   NULL };
        const char *const arguments[] = { program, "-cqf", path, NULL };
        posix_spawn_file_actions_t actions;
        posix_spawnattr_t attributes;
        int r;

        if (posix_spawn_file_actions_init(&actions) != 0)
                return -ENOMEM;
        if (posix_spawnattr_init(&attributes) != 0) {
                posix_spawn_file_actions_destroy(&actions);
                return -ENOMEM;
        }
        r = spawn_prepare(&actions, &attributes);
        if (r == 0)
                r = -posix_spawn(ret_pid, program, &actions, &attributes,
                                 (char *const *)(uintptr_t)arguments,
                                 (char *const *)(uintptr_t)environment);
        posix_spawnattr_destroy(&attributes);
        posix_spawn_file_actions_destroy(&actions);
        return r;
}

/* Its exit status; killed at the deadline. */
static int visudo_wait(pid_t pid, uint64_t deadline_usec) {
        _cleanup_close_ int fd = pidfd_open(pid, 0);
        int status, r = fd < 0 ? -errno : base_poll_until(fd, POLLIN, deadline_usec);

        if (r < 0)
                (void)kill(pid, SIGKILL);
        if (waitpid(pid, &status, 0) < 0)
                return -errno;
        if (r < 0)
                return r;
        return WIFEXITED(status) ? WEXITSTATUS(status) : -EPIPE;
}

static int visudo_check(const Helper *helper, const char *name, uint64_t deadline_usec) {
        char path[BASE_PATH_MAX + 1];
        pid_t pid;
        int r;

        if (snprintf(path, sizeof(path), "%s/%s", helper->sudoers_dir, name) >= (int)sizeof(path))
                return -ENAMETOOLONG;
        r = visudo_spawn(helper->visudo, path, &pid);
        if (r == 0)
                r = visudo_wait(pid, deadline_usec);
        return r > 0 ? HELPER_REFUSED_BY_VISUDO : r;
}

/* ---- writing --------------------------------------------------------------------------------- */

static int beside_write(int dir_fd, const char *text, size_t len) {
        _cleanup_close_ int fd = -1;

        if (unlinkat(dir_fd, SUDOERS_BESIDE, 0) < 0 && errno != ENOENT)
                return -errno;
        fd = openat(dir_fd, SUDOERS_BESIDE, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                    0400);
        if (fd < 0)
                return -errno;
        while (len > 0) {
                ssize_t n = write(fd, text, len);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                text += n;
                len -= (size_t)n;
        }
        return fchmod(fd, SUDOERS_MODE) < 0 || fsync(fd) < 0 ? -errno : 0;
}

static int file_write(const Helper *helper, int dir_fd, const char *text, size_t len,
                      uint64_t deadline_usec) {
        int r = beside_write(dir_fd, text, len);

        if (r == 0)
                r = visudo_check(helper, SUDOERS_BESIDE, deadline_usec);
        if (r == 0 &&
            (renameat(dir_fd, SUDOERS_BESIDE, dir_fd, SUDOERS_NAME) < 0 || fsync(dir_fd) < 0))
                r = -errno;
        if (r != 0)
                (void)unlinkat(dir_fd, SUDOERS_BESIDE, 0);
        return r;
}

int helper_sudoers_install(const Helper *helper, uint64_t deadline_usec) {
        _cleanup_free_ char *text = NULL;
        _cleanup_close_ int dir_fd = -1;
        size_t len = 0;
        bool there;
        int r;

        r = source_read(helper, &text, &len);
        if (r == HELPER_OK)
                r = folder_open(helper, &dir_fd);
        if (r == HELPER_OK)
                r = file_look(dir_fd, text, len, &there);
        if (r != HELPER_OK)
                return r;
        if (len == HEAD_BYTES)
                return there ? file_remove(dir_fd) : HELPER_EXISTS;
        if (access(helper->visudo, X_OK) < 0)
                return HELPER_NO_SUDO;
        return file_write(helper, dir_fd, text, len, deadline_usec);
}
