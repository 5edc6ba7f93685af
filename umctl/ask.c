/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Questions: secrets from the terminal without echo or from standard input, and "are you sure". */

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "umctl/umctl.h"

#define LINE_BYTES (BASE_PASSWORD_MAX + 2)

/* One line without its newline.  -EMSGSIZE where it does not fit, -ENODATA at the end of input. */
static int line_read(int fd, char *buf, size_t size) {
        size_t n = 0;

        for (;;) {
                char c;
                ssize_t got =
                        read(fd, &c, 1); /* byte by byte: what follows belongs to somebody else */

                if (got < 0 && errno == EINTR)
                        continue;
                if (got < 0)
                        return -errno;
                if (got == 0 && n == 0)
                        return -ENODATA;
                if (got == 0 || c == '\n') {
                        buf[n] = '\0';
                        return (int)n;
                }
                if (n + 1 >= size)
                        return -EMSGSIZE;
                buf[n++] = c;
        }
}

static int terminal_ask(const char *prompt, bool echo, char *buf, size_t size) {
        _cleanup_close_ int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
        struct termios old, quiet;
        int r;

        if (tty < 0)
                return -errno;
        if (tcgetattr(tty, &old) < 0)
                return -errno;
        quiet = old;
        if (!echo)
                quiet.c_lflag &= ~(tcflag_t)ECHO;
        /* Quiet first: who types as soon as he is asked is not shown. */
        if (tcsetattr(tty, TCSAFLUSH, &quiet) < 0)
                return -EIO;
        r = dprintf(tty, "%s", prompt) < 0 ? -EIO : line_read(tty, buf, size);
        (void)tcsetattr(tty, TCSAFLUSH, &old);
        if (!echo || r < 0)
                (void)dprintf(tty, "\n");
        return r;
}

static int secret_complain(const Ctl *ctl, int r) {
        if (r == -EMSGSIZE)
                return complain(ctl, EXIT_USAGE, "password: may have at most %u bytes",
                                BASE_PASSWORD_MAX);
        if (r == -ENODATA)
                return complain(ctl, EXIT_USAGE, "password: nothing on standard input");
        return complain(ctl, EXIT_FAILED, "password: %s", strerror(-r));
}

int ask_secret(const Ctl *ctl, const char *prompt, bool again, Secret **ret) {
        char first[LINE_BYTES], second[LINE_BYTES];
        bool terminal = isatty(STDIN_FILENO) == 1;
        int r, code = 0;

        r = terminal ? terminal_ask(prompt, false, first, sizeof(first))
                     : line_read(STDIN_FILENO, first, sizeof(first));
        if (r < 0)
                code = secret_complain(ctl, r);
        else if (r > (int)BASE_PASSWORD_MAX)
                code = secret_complain(ctl, -EMSGSIZE);
        else if (terminal && again) {
                int n = terminal_ask("Again: ", false, second, sizeof(second));

                if (n < 0)
                        code = secret_complain(ctl, n);
                else if (n != r || !base_bytes_equal(first, second, (size_t)n))
                        code = complain(ctl, EXIT_FAILED,
                                        "the two do not match; nothing was changed");
                base_wipe(second, sizeof(second));
        }
        if (code == 0 && base_secret_new(first, (size_t)r, ret) < 0)
                code = complain(ctl, EXIT_FAILED, "out of memory");
        base_wipe(first, sizeof(first));
        return code;
}

int ask_code(const Ctl *ctl, const char *prompt, Secret **ret) {
        char line[LINE_BYTES];
        int r, code = 0;

        fflush(stdout); /* who answers through a pipe has to have read what the code is made of */
        r = isatty(STDIN_FILENO) == 1 ? terminal_ask(prompt, true, line, sizeof(line))
                                      : line_read(STDIN_FILENO, line, sizeof(line));
        if (r == -ENODATA)
                code = complain(ctl, EXIT_USAGE, "code: nothing on standard input");
        else if (r < 0)
                code = complain(ctl, EXIT_USAGE, "code: %s", strerror(-r));
        else if (base_secret_new(line, (size_t)r, ret) < 0)
                code = complain(ctl, EXIT_FAILED, "out of memory");
        base_wipe(line, sizeof(line));
        return code;
}

int ask_line(const char *prompt, char *buf, size_t size) {
        fputs(prompt, stderr); /* standard output is for the answer, which may be JSON */
        return line_read(STDIN_FILENO, buf, size);
}

int ask_confirm(const Ctl *ctl, const char *format, ...) {
        char question[512], answer[16];
        va_list ap;

        if (ctl->yes || ctl->dry_run)
                return 0;
        va_start(ap, format);
        vsnprintf(question, sizeof(question), format, ap);
        va_end(ap);
        if (isatty(STDIN_FILENO) != 1)
                return complain(ctl, EXIT_USAGE, "%s needs --yes where there is no terminal",
                                question);
        fprintf(stderr, "%s [y/N] ", question);
        if (line_read(STDIN_FILENO, answer, sizeof(answer)) < 1 ||
            (answer[0] != 'y' && answer[0] != 'Y'))
                return complain(ctl, EXIT_FAILED, "left as it is");
        return 0;
}
