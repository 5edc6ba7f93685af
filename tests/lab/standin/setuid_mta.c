/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A sendmail program that is setuid root, as exim is: writes the mail into a folder that is root's,
 * gives it to nobody and becomes nobody, which needs the rights that um-notify's unit leaves it. */

#include <fcntl.h>
#include <grp.h>
#include <string.h>
#include <unistd.h>

#define NOBODY 65534

int main(int argc, char **argv) {
        char buf[4096];
        ssize_t n;
        int fd;

        if (argc != 3 || strcmp(argv[1], "-t") != 0 || strcmp(argv[2], "-oi") != 0)
                return 64;
        fd = open("/var/spool/trap-root/mail", O_WRONLY | O_CREAT | O_TRUNC, 0600);
        if (fd < 0)
                return 73;
        while ((n = read(0, buf, sizeof(buf))) > 0)
                if (write(fd, buf, (size_t)n) != n)
                        return 74;
        if (fchown(fd, NOBODY, NOBODY) < 0 || setgroups(0, NULL) < 0 || setgid(NOBODY) < 0 ||
            setuid(NOBODY) < 0 || setuid(0) == 0)
                return 77;
        return 0;
}
