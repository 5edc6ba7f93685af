/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sshd's settings, against a slow and narrow reading: a yes only where some line demands it, and no
 * line of any file that names PubkeyAuthOptions fails to, however it is written.
 *
 * Input: sshd_config and a file that it may include (one), each ended by a line of a single dot. */

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "umd/umd.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[64];

static void folder_remove(void) {
        static const char *const names[] = { "sshd_config", "one", "pid" };

        for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
                char path[80];

                snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
                (void)unlink(path);
        }
        (void)rmdir(folder);
}

static void file_write(const char *name, const uint8_t *data, size_t size) {
        _cleanup_close_ int fd = -1;
        char path[80];

        snprintf(path, sizeof(path), "%s/%s", folder, name);
        fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        assert(fd >= 0 && write(fd, data, size) == (ssize_t)size);
}

/* sshd reads its settings a day from now. */
static void folder_make(void) {
        const struct timespec times[2] = { { .tv_nsec = UTIME_OMIT },
                                           { .tv_sec = time(NULL) + 86400 } };
        char path[80];

        if (folder[0])
                return;
        snprintf(folder, sizeof(folder), "/dev/shm/fuzz_sshd-XXXXXX");
        assert(mkdtemp(folder));
        atexit(folder_remove);
        file_write("pid", (const uint8_t *)"1\n", 2);
        snprintf(path, sizeof(path), "%s/pid", folder);
        assert(utimensat(AT_FDCWD, path, times, 0) == 0);
}

/* The line without quotes and the blanks it begins with, in small letters, one kind of blank. */
static void squeeze(const char *line, size_t len, char *buf) {
        const char *begin = buf;

        for (size_t i = 0; i < len; i++) {
                char c = strchr(" \t\r=", line[i]) ? ' ' : (char)tolower((unsigned char)line[i]);

                if (c != '"' && (c != ' ' || buf > begin))
                        *buf++ = c;
        }
        *buf = '\0';
}

/* Does a line of it demand it, or (*ret_bad) one that sets the option not? */
static bool demands(const char *text, size_t len, bool *ret_bad) {
        static const char option[] = "pubkeyauthoptions";
        bool found = false;

        while (len > 0) {
                const char *end = memchr(text, '\n', len);
                size_t line = end ? (size_t)(end - text) : len;
                char *small = malloc(line + 1);

                assert(small);
                squeeze(text, line, small);
                if (strncmp(small, option, strlen(option)) == 0) {
                        bool whole = small[strlen(option)] == '\0' || small[strlen(option)] == ' ',
                             good = strstr(small, "verify-required");

                        found = found || (whole && good);
                        *ret_bad = *ret_bad || (whole && !good);
                }
                free(small);
                text += line + (end ? 1 : 0);
                len -= line + (end ? 1 : 0);
        }
        return found;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        const uint8_t *end = memmem(data, size, "\n.\n", 3);
        size_t first = end ? (size_t)(end - data) + 1 : size, second = end ? size - first - 2 : 0;
        char config[80], pid[80], why[SSHD_WHY_MAX];
        bool bad = false, bad_too = false, one, other, yes;

        if (size > 4096)
                return 0;
        folder_make();
        file_write("sshd_config", data, first);
        file_write("one", data + size - second, second);
        snprintf(config, sizeof(config), "%s/sshd_config", folder);
        snprintf(pid, sizeof(pid), "%s/pid", folder);
        yes = sshd_verifies(config, pid, why);
        assert(yes == (why[0] == '\0') && memchr(why, '\0', sizeof(why)));
        one = demands((const char *)data, first, &bad);
        other = demands((const char *)data + size - second, second, &bad_too);
        assert(!yes || ((one || other) && !bad)); /* the other may not be included */
        return 0;
}
