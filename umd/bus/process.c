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

#define STAT_BYTES_MAX 4096U
/* Spaces before a field, from the state on, which follows the name. */
#define STAT_PARENT     1
#define STAT_START_TIME 19

bool process_lives(int pidfd) {
        struct pollfd p = { .fd = pidfd, .events = POLLIN };

        return poll(&p, 1, 0) == 0;
}

/* The name, in parentheses, may have any bytes in it: what follows begins behind the last one. */
static int stat_field(const char *text, int spaces, uint64_t least, uint64_t *ret) {
        const char *at = strrchr(text, ')');
        char number[24];
        size_t len;

        if (!at || at[1] != ' ')
                return -EBADMSG;
        at += 2;
        for (int i = 0; i < spaces; i++) {
                at = strchr(at, ' ');
                if (!at)
                        return -EBADMSG;
                at++;
        }
        len = strcspn(at, " ");
        if (at[len] != ' ' || len >= sizeof(number))
                return -EBADMSG;
        memcpy(number, at, len);
        number[len] = '\0';
        return base_parse_u64(number, least, UINT64_MAX, ret);
}

static int stat_read(pid_t pid, char **ret) {
        char path[64];
        size_t len;

        (void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
        return base_file_read(AT_FDCWD, path, STAT_BYTES_MAX, ret, &len);
}

static int start_read(pid_t pid, uint64_t *ret) {
        _cleanup_free_ char *text = NULL;
        int r = stat_read(pid, &text);

        return r < 0 ? r : stat_field(text, STAT_START_TIME, 1, ret);
}

/* Of one process: who it is and whose child. */
static int parent_read(pid_t pid, CoreProcess *ret, pid_t *ret_parent) {
        _cleanup_free_ char *text = NULL;
        uint64_t parent = 0;
        int r = stat_read(pid, &text);

        if (r >= 0)
                r = stat_field(text, STAT_PARENT, 0, &parent);
        if (r >= 0 && parent > INT32_MAX)
                r = -EBADMSG;
        if (r >= 0)
                r = stat_field(text, STAT_START_TIME, 1, &ret->start_ticks);
        ret->pid = pid;
        *ret_parent = (pid_t)parent;
        return r;
}

size_t process_ancestors(pid_t pid, CoreProcess *ret, size_t max) {
        CoreProcess self;
        pid_t parent;
        size_t count = 0;

        if (pid <= 0 || parent_read(pid, &self, &parent) < 0)
                return 0;
        while (count < max && parent > 1 && parent_read(parent, &ret[count], &parent) >= 0) {
                /* a parent is no younger: else it has gone and the pid is another's */
                if (ret[count].start_ticks > self.start_ticks)
                        break;
                self = ret[count++];
        }
        return count;
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
