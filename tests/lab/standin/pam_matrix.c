/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Calls PAM as programs do and prints what came of it, for every service and return code asked for.
 *
 *   pam_matrix LABEL USER PASSWORD CODES SERVICE...
 *
 * For each service, facility and code (numbers joined by commas, or "-": leave the stand-in alone)
 * one line: LABEL USER SERVICE FACILITY CODE RESULT CALLED with CALLED 1 when the stand-in module
 * was asked.  Each case runs in a process of its own. */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <security/pam_appl.h>

#define CODE_FILE   "/run/um-standin/code"
#define CALLED_FILE "/run/um-standin/called"

static const char *const facilities[] = { "auth", "setcred", "account", "password", "session" };

static int converse(int n, const struct pam_message **messages, struct pam_response **ret,
                    void *data) {
        struct pam_response *answers = calloc((size_t)n, sizeof(*answers));

        if (!answers)
                return PAM_BUF_ERR;
        for (int i = 0; i < n; i++)
                if (messages[i]->msg_style == PAM_PROMPT_ECHO_OFF ||
                    messages[i]->msg_style == PAM_PROMPT_ECHO_ON)
                        answers[i].resp = strdup(data);
        *ret = answers;
        return PAM_SUCCESS;
}

/* pam_unix asks for seconds of delay after a failure: not here. */
static void no_delay(int result, unsigned usec, void *data) {
        (void)result, (void)usec, (void)data;
}

static int call(const char *service, const char *facility, const char *user, const char *password) {
        struct pam_conv conv = { converse, (void *)password };
        void (*delay)(int, unsigned, void *) = no_delay;
        pam_handle_t *h;
        int r;

        if (pam_start(service, user, &conv, &h) != PAM_SUCCESS)
                return -1;
        (void)pam_set_item(h, PAM_FAIL_DELAY, (const void *)delay);
        (void)pam_set_item(h, PAM_RHOST, "198.51.100.1");
        (void)pam_set_item(h, PAM_TTY, "pts/0");
        if (strcmp(facility, "auth") == 0)
                r = pam_authenticate(h, 0);
        else if (strcmp(facility, "setcred") ==
                 0) /* without auth before, as sshd does after a key */
                r = pam_setcred(h, PAM_ESTABLISH_CRED);
        else if (strcmp(facility, "account") == 0)
                r = pam_acct_mgmt(h, 0);
        else if (strcmp(facility, "password") == 0)
                r = pam_chauthtok(h, PAM_CHANGE_EXPIRED_AUTHTOK);
        else {
                r = pam_open_session(h, PAM_SILENT);
                if (r == PAM_SUCCESS)
                        (void)pam_close_session(h, PAM_SILENT);
        }
        (void)pam_end(h, r);
        return r;
}

static void put(const char *path, const char *text) {
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

        if (fd < 0 || fchmod(fd, 0666) < 0 || write(fd, text, strlen(text)) < 0)
                _exit(99);
        close(fd);
}

static int in_child(const char *service, const char *facility, const char *user,
                    const char *password) {
        int status;
        pid_t pid = fork();

        if (pid == 0) /* as a shell would see it: 200 and up are ours */
                _exit(call(service, facility, user, password) & 0x7F);
        if (pid < 0 || waitpid(pid, &status, 0) < 0)
                return -1;
        return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

int main(int argc, char **argv) {
        struct stat st;

        if (argc < 6)
                return 2;
        for (int i = 5; i < argc; i++)
                for (size_t f = 0; f < sizeof(facilities) / sizeof(facilities[0]); f++) {
                        char codes[256];

                        (void)snprintf(codes, sizeof(codes), "%s", argv[4]);
                        for (char *next = codes, *code; (code = strsep(&next, ","));) {
                                int result;

                                if (strcmp(code, "-") != 0)
                                        put(CODE_FILE, code);
                                put(CALLED_FILE, "");
                                result = in_child(argv[i], facilities[f], argv[2], argv[3]);
                                printf("%s %s %s %s %s %d %d\n", argv[1], argv[2], argv[i],
                                       facilities[f], code, result,
                                       stat(CALLED_FILE, &st) == 0 && st.st_size > 0);
                        }
                }
        return 0;
}
