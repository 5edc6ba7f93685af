/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Ending a user's sessions: everything in his slice at once, by the kernel.
 *
 * cgroup.kill (Linux 5.14) reaches each process of the slice, also those being forked, and no pid
 * is ever named that could be somebody else's by then.  "There is nothing to end" is said only
 * where a version 2 hierarchy shows it. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/base.h"
#include "um_helper/helper.h"

#define SLICE_TRIES 3

/* 0, -ENOENT where the slice is gone, or a fault. */
static int slice_kill(int root_fd, const char *slice) {
        _cleanup_close_ int slice_fd = -1, fd = -1;

        slice_fd = helper_open_beneath(root_fd, slice, O_PATH | O_DIRECTORY);
        if (slice_fd < 0)
                return slice_fd;
        fd = helper_open_beneath(slice_fd, "cgroup.kill", O_WRONLY);
        if (fd == -ENOENT)
                return -EOPNOTSUPP; /* unless the slice went away just now */
        if (fd < 0)
                return fd;
        if (write(fd, "1", 1) < 0)
                return errno == ENODEV ? -ENOENT : -errno;
        return 0;
}

int helper_sessions_end(const Helper *helper, uid_t uid) {
        _cleanup_close_ int root_fd = -1;
        char slice[64];
        int r = 0;

        if (!helper_uid_is_ours(helper, uid))
                return HELPER_NO_USER;
        root_fd = open(helper->cgroup_root, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (root_fd < 0)
                return -errno;
        if (faccessat(root_fd, "cgroup.controllers", F_OK, 0) < 0)
                return -EOPNOTSUPP;
        snprintf(slice, sizeof(slice), "user.slice/user-%u.slice", uid);
        for (int i = 0; i < SLICE_TRIES; i++) {
                r = slice_kill(root_fd, slice);
                if (r != -EOPNOTSUPP)
                        break;
        }
        return r == -ENOENT ? HELPER_OK : r;
}
