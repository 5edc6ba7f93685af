/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Processes as they are found again: real ones. */

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "umd/bus/private.h"

/* A child that waits for its end, of that name. */
static pid_t child_start(const char *name) {
        int ready[2];
        pid_t pid;
        char c;

        assert_int_equal(pipe(ready), 0);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
                (void)prctl(PR_SET_NAME, name);
                (void)!write(ready[1], "", 1);
                for (;;)
                        pause();
        }
        close(ready[1]);
        assert_int_equal(read(ready[0], &c, 1), 1);
        close(ready[0]);
        return pid;
}

static void child_end(pid_t pid) {
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void a_process_is_found_again(void **state) {
        static const char *const names[] = { "sshd", "a) S 1 2 3", ") ) )", "((", "" };

        for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
                pid_t pid = child_start(names[i]);
                CoreProcess process;
                int pidfd = -1;

                assert_int_equal(process_find(pid, &process), 0);
                assert_int_equal(process.pid, pid);
                assert_true(process.start_ticks > 0);
                assert_int_equal(process_open(&process, &pidfd), 0);
                assert_true(process_lives(pidfd));
                child_end(pid);
                assert_false(process_lives(pidfd));
                close(pidfd);
        }
}

static void one_that_ended_is_not(void **state) {
        pid_t pid = child_start("x");
        CoreProcess process, other;
        int pidfd;

        assert_int_equal(process_find(pid, &process), 0);
        other = process;
        other.start_ticks++; /* another's, that got the pid */
        assert_int_equal(process_open(&other, &pidfd), -ESRCH);
        kill(pid, SIGKILL);
        assert_int_equal(waitid(P_PID, (id_t)pid, &(siginfo_t){ 0 }, WEXITED | WNOWAIT), 0);
        assert_int_equal(process_open(&process, &pidfd), -ESRCH); /* a zombie holds nothing */
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        assert_int_equal(process_open(&process, &pidfd), -ESRCH);
        assert_int_equal(process_find(pid, &process), -ENOENT);
}

static void none_is_none(void **state) {
        static const pid_t pids[] = { 0, -1 };
        CoreProcess process = { 0 };
        int pidfd;

        for (size_t i = 0; i < ARRAY_LENGTH(pids); i++) {
                assert_int_equal(process_find(pids[i], &process), -ESRCH);
                process.pid = pids[i];
                assert_int_equal(process_open(&process, &pidfd), -ESRCH);
        }
}

static void a_process_has_ancestors_up_to_the_first(void **state) {
        CoreProcess self, chain[8] = { 0 };
        pid_t pid = child_start("a) S 1 2 3");
        size_t count;

        assert_int_equal(process_find(getpid(), &self), 0);
        count = process_ancestors(pid, chain, 8);
        assert_true(count >= 1 && count <= 8);
        assert_int_equal(chain[0].pid, self.pid);
        assert_int_equal(chain[0].start_ticks, self.start_ticks);
        for (size_t i = 0; i < count; i++)
                assert_true(chain[i].pid > 1);
        assert_int_equal(process_ancestors(pid, chain, 1), 1);
        child_end(pid);
        assert_int_equal(process_ancestors(pid, chain, 8), 0);
        assert_int_equal(process_ancestors(1, chain, 8), 0);
        assert_int_equal(process_ancestors(0, chain, 8), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_process_is_found_again),
                cmocka_unit_test(a_process_has_ancestors_up_to_the_first),
                cmocka_unit_test(one_that_ended_is_not),
                cmocka_unit_test(none_is_none),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
