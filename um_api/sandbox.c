/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is left to a process that passes bytes on: its descriptors and the time.  What came from the
 * other end is never more than bytes to it; should that ever not be so, it can open nothing, start
 * nothing, signal nobody. */

#include <errno.h>
#include <seccomp.h>
#include <sys/prctl.h>

#include "um_api/um_api.h"

int api_sandbox_enter(void) {
        static const int calls[] = {
                SCMP_SYS(read),           SCMP_SYS(write),
                SCMP_SYS(poll),           SCMP_SYS(ppoll),
                SCMP_SYS(shutdown),       SCMP_SYS(clock_gettime),
                SCMP_SYS(rt_sigreturn),   SCMP_SYS(restart_syscall),
                SCMP_SYS(close),          SCMP_SYS(exit),
                SCMP_SYS(exit_group),
#ifdef __SANITIZE_ADDRESS__ /* its own work, and its look for leaks at the end */
                SCMP_SYS(sigaltstack),    SCMP_SYS(mmap),
                SCMP_SYS(munmap),         SCMP_SYS(madvise),
                SCMP_SYS(futex),          SCMP_SYS(getpid),
                SCMP_SYS(gettid),         SCMP_SYS(sched_yield),
                SCMP_SYS(rt_sigprocmask),
#endif
        };
        scmp_filter_ctx filter;
        int r;

        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                return -errno;
        filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
        r = filter ? 0 : -ENOMEM;
        for (size_t i = 0; r == 0 && i < ARRAY_LENGTH(calls); i++)
                r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0);
        if (r == 0)
                r = seccomp_load(filter);
        seccomp_release(filter);
        return r;
}
