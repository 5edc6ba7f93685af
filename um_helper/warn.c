/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Warning a user that his sessions are going to end: one fixed sentence to each of his terminals.
 *
 * They are those of devpts that are his.  Nobody but the kernel makes names there; one that is
 * looked at and then opened is looked at once more, since it may be another's by then.  A terminal
 * that takes nothing (stopped by Ctrl-S) is passed over. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"
#include "um_helper/helper.h"

static const char warning[] =
        "\r\n\aum: a role of yours is about to end, within a minute, and all your sessions on this "
        "machine\r\n    end with it: save your work and log out.\r\n";

static void closedirp(DIR **dir) {
        if (*dir)
                closedir(*dir);
}

static bool is_terminal_of(const struct stat *st, uid_t uid) {
        return S_ISCHR(st->st_mode) && st->st_uid == uid;
}

static void terminal_write(int dir_fd, const char *name, uid_t uid) {
        _cleanup_close_ int fd = -1;
        struct stat st;

        if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !is_terminal_of(&st, uid))
                return;
        fd = openat(dir_fd, name, O_WRONLY | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &st) < 0 || !is_terminal_of(&st, uid))
                return;
        (void)!write(fd, warning, strlen(warning));
}

int helper_sessions_warn(const Helper *helper, uid_t uid) {
        _cleanup_(closedirp) DIR *dir = NULL;
        const struct dirent *entry;

        if (!helper_uid_is_ours(helper, uid))
                return HELPER_NO_USER;
        dir = opendir(helper->terminals);
        if (!dir)
                return -errno;
        while ((entry = readdir(dir)))
                if (entry->d_name[0] >= '0' && entry->d_name[0] <= '9')
                        terminal_write(dirfd(dir), entry->d_name, uid);
        return HELPER_OK;
}
