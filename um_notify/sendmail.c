/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The program that takes the mail: which one it is, and running it.
 *
 * No shell, no argument but two options, the whole message in the pipe that is its standard input
 * before it begins: it is smaller than any pipe.  What the program says goes nowhere, since it may
 * repeat the message. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "um_notify/notify.h"

#define CONF_FILE_MAX (1024U * 1024)
#define CONF_DROP_INS 256
#define SENDMAIL_KEY  "sendmail"

/* ---- which ----------------------------------------------------------------------------------- */

static const char *blanks_skip(const char *s) {
        return s + strspn(s, " \t");
}

/* "sendmail = /path": 1 and the value. */
static bool line_read(const char *line, size_t len, char *ret) {
        const char *end = line + len, *value;

        line = blanks_skip(line);
        if (strncmp(line, SENDMAIL_KEY, strlen(SENDMAIL_KEY)) != 0)
                return false;
        line = blanks_skip(line + strlen(SENDMAIL_KEY));
        if (*line != '=')
                return false;
        value = blanks_skip(line + 1);
        while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
                end--;
        if (end <= value || (size_t)(end - value) > BASE_PATH_MAX)
                return false;
        memcpy(ret, value, (size_t)(end - value));
        ret[end - value] = '\0';
        return true;
}

/* One file's word for it; what cannot be read has none, and umd refuses it. */
static void conf_read(const char *path, char *ret) {
        _cleanup_free_ char *text = NULL;
        size_t len;

        if (!path || base_file_read(AT_FDCWD, path, CONF_FILE_MAX, &text, &len) < 0)
                return;
        for (const char *at = text; *at;) {
                size_t line = strcspn(at, "\n");

                (void)line_read(at, line, ret);
                at += line + (at[line] == '\n');
        }
}

static int is_drop_in(const struct dirent *entry) {
        size_t len = strlen(entry->d_name);

        return entry->d_name[0] != '.' && len > 5 && strcmp(entry->d_name + len - 5, ".conf") == 0;
}

static int by_name(const struct dirent **a, const struct dirent **b) {
        return strcmp((*a)->d_name, (*b)->d_name);
}

static void drop_ins_read(const char *folder, char *ret) {
        struct dirent **entries;
        int count = folder ? scandir(folder, &entries, is_drop_in, by_name) : -1;

        if (count < 0)
                return;
        for (int i = 0; i < count; i++) {
                char path[512];

                if (i < CONF_DROP_INS && snprintf(path, sizeof(path), "%s/%s", folder,
                                                  entries[i]->d_name) < (int)sizeof(path))
                        conf_read(path, ret);
                free(entries[i]);
        }
        free(entries);
}

NotifyStatus notify_sendmail_find(const NotifyPaths *paths, char ret[static BASE_PATH_MAX + 1]) {
        struct stat st;

        snprintf(ret, BASE_PATH_MAX + 1, "%s", paths->sendmail ? paths->sendmail : NOTIFY_SENDMAIL);
        if (!paths->sendmail) {
                conf_read(paths->vendor, ret);
                conf_read(paths->local, ret);
                drop_ins_read(paths->drop_ins, ret);
        }
        if (ret[0] != '/' || stat(ret, &st) < 0 || !S_ISREG(st.st_mode) ||
            faccessat(AT_FDCWD, ret, X_OK, AT_EACCESS) < 0)
                return NOTIFY_MISSING;
        return NOTIFY_OK;
}

/* ---- running it ------------------------------------------------------------------------------ */

static int spawn_prepare(posix_spawn_file_actions_t *actions, posix_spawnattr_t *attributes,
                         int stdin_fd) {
        sigset_t none, all;
        int error;

        sigemptyset(&none);
        sigfillset(&all);
        error = posix_spawn_file_actions_adddup2(actions, stdin_fd, 0);
        if (error == 0)
                error = posix_spawn_file_actions_addopen(actions, 1, "/dev/null", O_WRONLY, 0);
        if (error == 0)
                error = posix_spawn_file_actions_adddup2(actions, 1, 2);
        if (error == 0)
                error = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK |
                                                                     POSIX_SPAWN_SETSIGDEF |
                                                                     POSIX_SPAWN_SETSID);
        if (error == 0)
                error = posix_spawnattr_setsigmask(attributes, &none);
        if (error == 0)
                error = posix_spawnattr_setsigdefault(attributes, &all);
        return -error;
}

static int spawn(const char *path, int stdin_fd, pid_t *ret_pid) {
        static const char *const environment[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C",
                                                   NULL };
        const char *const arguments[] = { path, "-t", "-oi", NULL };
        posix_spawn_file_actions_t actions;
        posix_spawnattr_t attributes;
        int r;

        if (posix_spawn_file_actions_init(&actions) != 0)
                return -ENOMEM;
        if (posix_spawnattr_init(&attributes) != 0) {
                posix_spawn_file_actions_destroy(&actions);
                return -ENOMEM;
        }
        r = spawn_prepare(&actions, &attributes, stdin_fd);
        if (r == 0)
                r = -posix_spawn(ret_pid, path, &actions, &attributes,
                                 (char *const *)(uintptr_t)arguments,
                                 (char *const *)(uintptr_t)environment);
        posix_spawnattr_destroy(&attributes);
        posix_spawn_file_actions_destroy(&actions);
        return r;
}

int notify_sendmail_start(const char *path, const Secret *message, pid_t *ret_pid) {
        size_t len = base_secret_len(message);
        _cleanup_close_ int reader = -1;
        int pipe_fds[2];
        ssize_t n;

        if (pipe2(pipe_fds, O_CLOEXEC | O_NONBLOCK) < 0)
                return -errno;
        reader = pipe_fds[0];
        n = write(pipe_fds[1], base_secret_bytes(message), len);
        close(pipe_fds[1]);
        if (n != (ssize_t)len)
                return -EIO;
        /* the program's end blocks, as it expects */
        if (fcntl(reader, F_SETFL, 0) < 0)
                return -errno;
        return spawn(path, reader, ret_pid);
}
