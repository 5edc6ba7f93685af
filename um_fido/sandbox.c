/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is left to a child that reads from a device: its two descriptors, memory, the time.  It can
 * open nothing, start nothing, signal nobody, and ends by itself.
 *
 * A call that is not in the list fails instead of killing: a library that asks in vain for
 * something it can do without goes on. */

#include <errno.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/base.h"
#include "um_fido/token.h"

#define CPU_SECONDS  10U
#define MEMORY_BYTES ((rlim_t)256 * 1024 * 1024)
#define END_SECONDS  (unsigned int)(TOKEN_TOUCH_USEC / USEC_PER_SEC + 10)

static int limits_set(void) {
        static const struct {
                __rlimit_resource_t resource;
                rlim_t value;
        } limits[] = {
                { RLIMIT_CPU, CPU_SECONDS }, { RLIMIT_FSIZE, 0 },
                { RLIMIT_NPROC, 0 },         { RLIMIT_CORE, 0 },
#ifndef __SANITIZE_ADDRESS__ /* it maps terabytes */
                { RLIMIT_AS, MEMORY_BYTES },
#endif
        };

        for (size_t i = 0; i < ARRAY_LENGTH(limits); i++) {
                const struct rlimit limit = { limits[i].value, limits[i].value };

                if (setrlimit(limits[i].resource, &limit) < 0)
                        return -errno;
        }
        return 0;
}

static int filter_load(void) {
        static const int calls[] = {
                SCMP_SYS(read),          SCMP_SYS(write),
                SCMP_SYS(sendto),        SCMP_SYS(recvfrom),
                SCMP_SYS(poll),          SCMP_SYS(ppoll),
                SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday),
                SCMP_SYS(getrandom),     SCMP_SYS(brk),
                SCMP_SYS(mmap),          SCMP_SYS(munmap),
                SCMP_SYS(mremap),        SCMP_SYS(madvise),
                SCMP_SYS(futex),         SCMP_SYS(getpid),
                SCMP_SYS(gettid),        SCMP_SYS(rt_sigprocmask),
                SCMP_SYS(rt_sigreturn),  SCMP_SYS(restart_syscall),
                SCMP_SYS(sched_yield),   SCMP_SYS(clock_nanosleep),
                SCMP_SYS(exit),          SCMP_SYS(exit_group),
#ifdef __SANITIZE_ADDRESS__ /* it looks for stacks before a function that does not return */
                SCMP_SYS(sigaltstack),
#endif
        };
        scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
        int r = filter ? 0 : -ENOMEM;

        for (size_t i = 0; r == 0 && i < ARRAY_LENGTH(calls); i++)
                r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0);
        if (r == 0)
                r = seccomp_load(filter);
        seccomp_release(filter);
        return r;
}

int token_sandbox_enter(void) {
        int r;

        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || signal(SIGALRM, SIG_DFL) == SIG_ERR)
                return -errno;
        (void)alarm(END_SECONDS);
        r = limits_set();
        return r < 0 ? r : filter_load();
}
