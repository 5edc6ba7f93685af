/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Processes that outlive umd's memory of them.  A pid is given again; a pid together with the
 * moment its process began is not, while the machine runs.  A pidfd, once it is known to be of that
 * process, stays of it, and becomes readable at its end. */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>

#include "umd/bus/private.h"

#define STAT_BYTES_MAX  4096U
#define STAT_START_TIME 19 /* spaces between the state, which follows the name, and starttime */

bool process_lives(int pidfd) {
        struct pollfd p = { .fd = pidfd, .events = POLLIN };

        return poll(&p, 1, 0) == 0;
}

/* The name, in parentheses, may have any bytes in it: what follows begins behind the last one. */
static int stat_parse(char *text, uint64_t *ret) {
        char *at = strrchr(text, ')');
        char *end;

        if (!at || at[1] != ' ')
                return -EBADMSG;
        at += 2;
        for (int i = 0; i < STAT_START_TIME; i++) {
                at = strchr(at, ' ');
                if (!at)
                        return -EBADMSG;
                at++;
        }
        end = strchr(at, ' ');
        if (!end)
                return -EBADMSG;
        *end = '\0';
        return base_parse_u64(at, 1, UINT64_MAX, ret);
}

static int start_read(pid_t pid, uint64_t *ret) {
        _cleanup_free_ char *text = NULL;
        char path[64];
        size_t len;
        int r;

        (void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
        r = base_file_read(AT_FDCWD, path, STAT_BYTES_MAX, &text, &len);
        return r < 0 ? r : stat_parse(text, ret);
}

int process_find(pid_t pid, CoreProcess *ret) {
        uint64_t start_ticks;
        int r;

        if (pid <= 0)
                return -ESRCH;
        r = start_read(pid, &start_ticks);
        if (r < 0)
                return r;
        *ret = (CoreProcess){ .pid = pid, .start_ticks = start_ticks };
        return 0;
}

int process_open(const CoreProcess *process, int *ret_pidfd) {
        _cleanup_close_ int pidfd = -1;
        uint64_t start_ticks;
        int r;

        if (process->pid <= 0)
                return -ESRCH;
        pidfd = pidfd_open(process->pid, 0);
        if (pidfd < 0)
                return -errno;
        r = start_read(process->pid, &start_ticks);
        /* it was that one when it was read, if it lives still */
        if (r < 0 || start_ticks != process->start_ticks || !process_lives(pidfd))
                return r == -EMFILE || r == -ENFILE || r == -ENOMEM ? r : -ESRCH;
        *ret_pidfd = base_take_fd(&pidfd);
        return 0;
}
