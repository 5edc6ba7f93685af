/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Stands in for pam_um.so where the stacks themselves are under test: returns the number that
 * /run/um-standin/code holds, and says in /run/um-standin/called that it was asked.  Asks for a
 * password when it authenticates, as the real one does, and takes none. */

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <security/pam_ext.h>
#include <security/pam_modules.h>

#define DIRECTORY "/run/um-standin"
#define CODES     32

#define PUBLIC __attribute__((visibility("default")))

static int answer(const char *function) {
        char text[8] = { 0 };
        int fd, code = 0;
        ssize_t n = -1;

        fd = open(DIRECTORY "/called", O_WRONLY | O_APPEND | O_CLOEXEC);
        if (fd >= 0) {
                dprintf(fd, "%s\n", function);
                close(fd);
        }
        fd = open(DIRECTORY "/code", O_RDONLY | O_CLOEXEC);
        if (fd >= 0) {
                n = read(fd, text, sizeof(text) - 1);
                close(fd);
        }
        if (n <= 0)
                return PAM_SYSTEM_ERR;
        for (const char *p = text; *p >= '0' && *p <= '9'; p++)
                code = code * 10 + (*p - '0');
        return code < CODES ? code : PAM_SYSTEM_ERR;
}

PUBLIC int pam_sm_authenticate(pam_handle_t *h, int flags, int argc, const char **argv) {
        const char *password;

        (void)flags, (void)argc, (void)argv;
        (void)pam_get_authtok(h, PAM_AUTHTOK, &password, NULL);
        return answer("authenticate");
}

PUBLIC int pam_sm_setcred(pam_handle_t *h, int flags, int argc, const char **argv) {
        (void)h, (void)flags, (void)argc, (void)argv;
        return answer("setcred");
}

PUBLIC int pam_sm_acct_mgmt(pam_handle_t *h, int flags, int argc, const char **argv) {
        (void)h, (void)flags, (void)argc, (void)argv;
        return answer("acct_mgmt");
}

PUBLIC int pam_sm_chauthtok(pam_handle_t *h, int flags, int argc, const char **argv) {
        (void)h, (void)flags, (void)argc, (void)argv;
        return answer("chauthtok");
}

PUBLIC int pam_sm_open_session(pam_handle_t *h, int flags, int argc, const char **argv) {
        (void)h, (void)flags, (void)argc, (void)argv;
        return answer("open_session");
}

PUBLIC int pam_sm_close_session(pam_handle_t *h, int flags, int argc, const char **argv) {
        (void)h, (void)flags, (void)argc, (void)argv;
        return answer("close_session");
}
