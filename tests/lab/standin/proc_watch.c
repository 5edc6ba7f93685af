/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Looks at the command line and the environment of every process, again and again, as somebody who
 * wants to see a secret would.
 *
 *   proc_watch PREFIX      until SIGTERM or SIGINT
 *
 * Prints each PREFIX that digits follow, once, as "cmdline TEXT" or "environ TEXT", and at the end
 * "ROUNDS rounds in MSEC ms".  PREFIX alone is not found: it stands in this program's own command
 * line. */

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SEEN_MAX  64
#define TEXT_MAX  64
#define FILE_MOST 65536

static char seen[SEEN_MAX][TEXT_MAX];
static size_t seen_count;
static volatile sig_atomic_t over;

static void on_end(int signal) {
        (void)signal;
        over = 1;
}

static void tell(const char *file, const char *text, size_t len) {
        char line[TEXT_MAX];

        (void)snprintf(line, sizeof(line), "%s %.*s", file, (int)len, text);
        for (size_t i = 0; i < seen_count; i++)
                if (strcmp(seen[i], line) == 0)
                        return;
        if (seen_count < SEEN_MAX)
                memcpy(seen[seen_count++], line, sizeof(line));
        puts(line);
        (void)fflush(stdout);
}

static void look(int proc, const char *pid, const char *file, const char *prefix) {
        static char text[FILE_MOST];
        char path[64];
        size_t prefix_len = strlen(prefix);
        ssize_t n;
        int fd;

        (void)snprintf(path, sizeof(path), "%.32s/%s", pid, file);
        fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return;
        n = read(fd, text, sizeof(text) - 1);
        close(fd);
        if (n <= 0)
                return;
        text[n] = '\0';
        for (char *at = text, *end = text + n;
             (at = memmem(at, (size_t)(end - at), prefix, prefix_len)); at += prefix_len) {
                size_t digits = 0;

                while (isdigit((unsigned char)at[prefix_len + digits]))
                        digits++;
                if (digits > 0)
                        tell(file, at, prefix_len + digits);
        }
}

static long now_msec(void) {
        struct timespec ts;

        (void)clock_gettime(CLOCK_MONOTONIC, &ts);
        return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int main(int argc, char **argv) {
        struct sigaction action = { .sa_handler = on_end };
        long rounds = 0, start = now_msec();
        DIR *proc = opendir("/proc");

        if (argc != 2 || !proc || strlen(argv[1]) >= TEXT_MAX / 2)
                return 2;
        (void)sigaction(SIGTERM, &action, NULL);
        (void)sigaction(SIGINT, &action, NULL);
        for (; !over; rounds++) {
                struct dirent *entry;

                rewinddir(proc);
                while ((entry = readdir(proc)))
                        if (isdigit((unsigned char)entry->d_name[0])) {
                                look(dirfd(proc), entry->d_name, "cmdline", argv[1]);
                                look(dirfd(proc), entry->d_name, "environ", argv[1]);
                        }
        }
        printf("%ld rounds in %ld ms\n", rounds, now_msec() - start);
        closedir(proc);
        return 0;
}
