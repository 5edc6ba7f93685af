/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Runs a real PAM stack for umctl doctor, modules and all, and leaves nothing behind: in a process
 * of its own, with a deadline, in a mount namespace where everything is read-only.  There umd can
 * be away and pam_um.so gone without anybody else noticing. */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <security/pam_appl.h>

#include "umctl/doctor.h"

#define DEADLINE_USEC (10 * USEC_PER_SEC) /* um's own is 5 s */
#define NOBODY        65534
#define MESSAGES_MAX  16

typedef struct Answers {
        const Secret *secret;
        unsigned rounds;
        bool asked_more;
} Answers;

static void responses_free(struct pam_response *responses, int count) {
        for (int i = 0; i < count; i++)
                if (responses[i].resp) {
                        base_wipe(responses[i].resp, strlen(responses[i].resp));
                        free(responses[i].resp);
                }
        free(responses);
}

/* Answers hidden prompts with the password; one with echo wants something doctor does not have. */
static int converse(int count, const struct pam_message **messages, struct pam_response **ret,
                    void *userdata) {
        struct pam_response *responses = NULL;
        Answers *answers = userdata;

        if (count <= 0 || count > MESSAGES_MAX || ++answers->rounds > MESSAGES_MAX)
                return PAM_CONV_ERR;
        responses = calloc((size_t)count, sizeof(*responses));
        if (!responses)
                return PAM_BUF_ERR;
        for (int i = 0; i < count; i++) {
                int style = messages[i]->msg_style;

                if (style == PAM_ERROR_MSG || style == PAM_TEXT_INFO)
                        continue;
                if (style == PAM_PROMPT_ECHO_OFF && answers->secret)
                        responses[i].resp =
                                strndup((const char *)base_secret_bytes(answers->secret),
                                        base_secret_len(answers->secret));
                if (!responses[i].resp) {
                        answers->asked_more = true;
                        responses_free(responses, count);
                        return PAM_CONV_ERR;
                }
        }
        *ret = responses;
        return PAM_SUCCESS;
}

/* Nobody is guessing: the wrong password is doctor's own. */
static void delay_none(int code, unsigned usec, void *userdata) {
}

static int stack_run(const char *service, const char *user, const Secret *secret, TryResult *ret) {
        Answers answers = { .secret = secret };
        struct pam_conv conversation = { converse, &answers };
        pam_handle_t *handle = NULL;
        int r = pam_start(service, user, &conversation, &handle);

        if (r != PAM_SUCCESS)
                return -ENOTRECOVERABLE;
        (void)pam_set_item(handle, PAM_FAIL_DELAY, (const void *)(uintptr_t)delay_none);
        ret->auth = secret ? pam_authenticate(handle, 0) : PAM_SUCCESS;
        ret->account = ret->auth == PAM_SUCCESS ? pam_acct_mgmt(handle, 0) : ret->auth;
        ret->asked_more = answers.asked_more;
        (void)pam_end(handle, ret->account);
        return 0;
}

static int world_enter(TryWorld world) {
        struct mount_attr read_only = { .attr_set = MOUNT_ATTR_RDONLY };
        static const char *const hidden[_TRY_WORLD_MAX] = {
                [TRY_UMD_AWAY] = WIRE_SOCKET,
                [TRY_MODULE_GONE] = DOCTOR_PAM_UM,
        };

        if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
                return -ENOTSUP;
        if (hidden[world] && mount("/dev/null", hidden[world], NULL, MS_BIND, NULL) < 0 &&
            errno != ENOENT) /* already gone */
                return -ENOTSUP;
        if (mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, &read_only, sizeof(read_only)) < 0)
                return -ENOTSUP;
        return 0;
}

/* No terminal, no signals and no descriptors of umctl's but this one, gone when umctl is. */
static int process_settle(pid_t parent, int keep) {
        sigset_t none;
        int null;

        if ((keep > STDERR_FILENO + 1 &&
             close_range(STDERR_FILENO + 1, (unsigned)keep - 1, 0) < 0) ||
            close_range((unsigned)keep + 1, UINT_MAX, 0) < 0)
                return -errno;
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
                return -errno;
        null = open("/dev/null", O_RDWR | O_CLOEXEC);
        sigemptyset(&none);
        if (getppid() != parent)
                return -ECANCELED; /* nobody waits for it */
        if (setsid() < 0 || null < 0 || clearenv() != 0 || chdir("/") < 0)
                return -errno;
        for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
                if (dup2(null, fd) < 0)
                        return -errno;
        (void)sigprocmask(SIG_SETMASK, &none, NULL);
        return 0;
}

typedef struct Report {
        int r;
        TryResult result;
} Report;

static _Noreturn void child_run(pid_t parent, int fd, TryWorld world, const char *service,
                                const char *user, const Secret *secret) {
        Report report = { 0 };

        report.r = process_settle(parent, fd);
        if (report.r == 0)
                report.r = world_enter(world);
        /* As su and sudo are run: pam_rootok would let root pass without a password. */
        if (report.r == 0 && secret && setresuid(NOBODY, 0, 0) < 0)
                report.r = -errno;
        if (report.r == 0)
                report.r = stack_run(service, user, secret, &report.result);
        _exit(write(fd, &report, sizeof(report)) == (ssize_t)sizeof(report) ? 0 : 1);
}

int try_stack(TryWorld world, const char *service, const char *user, const Secret *secret,
              TryResult *ret) {
        uint64_t deadline = base_boottime_usec() + DEADLINE_USEC;
        _cleanup_close_ int in = -1, out = -1;
        Report report;
        ssize_t n = -1;
        int fds[2], r;
        pid_t pid, parent = getpid();

        if (pipe2(fds, O_CLOEXEC) < 0)
                return -errno;
        in = fds[0];
        out = base_fd_above_stdio(fds[1]);
        if (out < 0)
                return out;
        pid = fork();
        if (pid < 0)
                return -errno;
        if (pid == 0)
                child_run(parent, out, world, service, user, secret);
        out = base_close(out);
        r = base_poll_until(in, POLLIN, deadline);
        if (r >= 0)
                n = read(in, &report, sizeof(report));
        (void)kill(pid, SIGKILL);
        (void)kill(-pid, SIGKILL); /* helpers of modules */
        (void)waitpid(pid, NULL, 0);
        if (r < 0)
                return r;
        if (n != (ssize_t)sizeof(report))
                return -ENOTRECOVERABLE;
        if (report.r == 0)
                *ret = report.result;
        return report.r;
}
