/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Does sshd let no security key in that has not verified its user (PubkeyAuthOptions
 * verify-required, sshd_config(5))?  PAM is not told what a key did, so a key is worth more than
 * another only where sshd itself sees to it.
 *
 * Nobody but the running sshd knows its settings, so what is said here is meant to be wrong in one
 * direction alone.  Yes takes all of these: every file of the settings can be read and nothing that
 * bears on it is written in a way that is not understood here; each PubkeyAuthOptions of theirs, in
 * Match blocks too, demands it, so that it does not matter which of them counts; one stands where
 * it counts for everybody; and sshd has read them since they last changed, by the file that it
 * writes its pid into when it has.  Everything else is no, with why.
 *
 * Settings given on sshd's command line are not seen (umd(8)). */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/base.h"
#include "umd/umd.h"

#define FILE_BYTES_MAX (64U * 1024)
#define FILES_MAX      64U     /* read, each as often as it is included */
#define DEPTH_MAX      16U     /* of files that include others; sshd's own limit */
#define BLANKS         " \t\r" /* around a keyword */

typedef struct Reading {
        const char *config, *pid;
        unsigned count;
        struct timespec changed; /* the last of all that was looked at */
        bool verifies;           /* it is demanded of everybody */
        char *why;
} Reading;

/* A file that is being read. */
typedef struct File {
        const char *path;
        unsigned line, depth;
        bool outer;       /* it is included within a Match block */
        bool conditional; /* the line stands in one */
} File;

static bool file_read(Reading *reading, const char *path, unsigned depth, bool outer,
                      bool *ret_conditional);

/* ---- why not --------------------------------------------------------------------------------- */

static bool refuse(const Reading *reading, const char *path, const char *what) {
        Text text;

        base_text_init(&text, reading->why, SSHD_WHY_MAX);
        base_text_addf(&text, "%s%s%s", path, path[0] ? ": " : "", what);
        return false;
}

static bool refuse_line(const Reading *reading, const File *file, const char *what) {
        Text text;

        base_text_init(&text, reading->why, SSHD_WHY_MAX);
        base_text_addf(&text, "%s:%u: %s", file->path, file->line, what);
        return false;
}

static bool refuse_unread(const Reading *reading, const char *path, int r) {
        return refuse(reading, path,
                      r == -ELOOP    ? "is a symbolic link"
                      : r == -EBADFD ? "is no regular file"
                                     : strerrordesc_np(-r));
}

/* ---- when it was changed --------------------------------------------------------------------- */

static bool is_later(const struct timespec *a, const struct timespec *b) {
        return a->tv_sec > b->tv_sec || (a->tv_sec == b->tv_sec && a->tv_nsec > b->tv_nsec);
}

/* Where a link of the path was pointed elsewhere, what it leads to may be older than that. */
static bool is_plain(const Reading *reading, const char *path) {
        _cleanup_free_ char *real = realpath(path, NULL);

        if (!real)
                return refuse(reading, path, strerrordesc_np(errno));
        return strcmp(real, path) == 0 ||
               refuse(reading, path, "is reached by a symbolic link, or by \"..\" or \"//\"");
}

/* After it was read: what comes in between is then noticed. */
static bool note_changed(Reading *reading, const char *path) {
        struct stat st;

        if (stat(path, &st) < 0)
                return refuse(reading, path, strerrordesc_np(errno));
        if (is_later(&st.st_ctim, &reading->changed))
                reading->changed = st.st_ctim;
        return is_plain(reading, path);
}

/* ---- words ----------------------------------------------------------------------------------- */

/* The next word of a line, which is cut; NULL at its end or at a comment. */
static char *word_next(char **rest) {
        char *word = *rest + strspn(*rest, " \t");
        size_t len = strcspn(word, " \t");

        if (word[0] == '\0' || word[0] == '#')
                return NULL;
        *rest = word + len + (word[len] != '\0');
        word[len] = '\0';
        return word;
}

static bool is_quoted(const char *s) {
        return s[strcspn(s, "\"'\\")] != '\0';
}

/* ---- the lines that bear on it --------------------------------------------------------------- */

static bool options_read(Reading *reading, const File *file, char *rest) {
        bool verifies = false;
        char *word;

        while ((word = word_next(&rest)))
                if (strcmp(word, "verify-required") == 0)
                        verifies = true;
                else if (strcmp(word, "touch-required") != 0)
                        return refuse_line(reading, file,
                                           "PubkeyAuthOptions has a word other than "
                                           "verify-required and touch-required");
        if (!verifies)
                return refuse_line(reading, file, "PubkeyAuthOptions without verify-required");
        if (!file->conditional)
                reading->verifies = true;
        return true;
}

static void match_read(File *file, char *rest) {
        const char *first = word_next(&rest);
        bool all = first && strcasecmp(first, "all") == 0 && !word_next(&rest);

        file->conditional = file->outer || !all;
}

/* Every file of the folder that the pattern names, in any order: none of them knows of another. */
static bool folder_read(Reading *reading, File *file, const char *folder, const char *pattern) {
        bool good = true, ends_in_match = false;
        const struct dirent *entry;
        DIR *dir = opendir(folder);

        if (!dir)
                return refuse(reading, folder, strerrordesc_np(errno));
        while (good) {
                char path[512];
                bool conditional;

                errno = 0;
                entry = readdir(dir);
                if (!entry)
                        break;
                if (fnmatch(pattern, entry->d_name, FNM_PERIOD) != 0)
                        continue;
                good = snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name) <
                                       (int)sizeof(path)
                               ? file_read(reading, path, file->depth + 1, file->conditional,
                                           &conditional)
                               : refuse_line(reading, file, "a path that is too long");
                ends_in_match = good && (ends_in_match || conditional);
        }
        if (good && errno != 0)
                good = refuse(reading, folder, strerrordesc_np(errno));
        (void)closedir(dir);
        /* a block ends with its file, they say: as long as it is closed there, nobody need know */
        file->conditional = file->conditional || ends_in_match;
        return good && note_changed(reading, folder);
}

static bool include_one(Reading *reading, File *file, const char *word) {
        size_t folder = (size_t)(strrchr(reading->config, '/') + 1 - reading->config);
        char path[512], *slash;

        if (snprintf(path, sizeof(path), "%.*s%s", word[0] == '/' ? 0 : (int)folder,
                     reading->config, word) >= (int)sizeof(path))
                return refuse_line(reading, file, "a path that is too long");
        slash = strrchr(path, '/');
        *slash = '\0';
        if (word[0] == '~' || path[strcspn(path, "*?[")] != '\0' || path[0] == '\0')
                return refuse_line(reading, file, "an Include that um does not follow");
        return folder_read(reading, file, path, slash + 1);
}

static bool include_read(Reading *reading, File *file, char *rest) {
        char *word;

        while ((word = word_next(&rest)))
                if (!include_one(reading, file, word))
                        return false;
        return true;
}

/* What stands behind the keyword and its "=", if it has one. */
static char *arguments_of(char *line, size_t keyword_len) {
        char *rest = line + keyword_len;

        rest += strspn(rest, BLANKS);
        if (*rest == '=')
                rest += 1 + strspn(rest + 1, BLANKS);
        return rest;
}

static bool is_keyword(const char *line, size_t len, const char *keyword) {
        return len == strlen(keyword) && strncasecmp(line, keyword, len) == 0;
}

static bool line_read(Reading *reading, File *file, char *line) {
        size_t len = strlen(line), keyword_len;
        char *rest;

        while (len > 0 && strchr(BLANKS "\f", line[len - 1]))
                line[--len] = '\0';
        line += strspn(line, BLANKS);
        if (line[0] == '\0' || line[0] == '#')
                return true;
        keyword_len = strcspn(line, BLANKS "=\"");
        if (line[keyword_len] == '"') /* sshd takes it for a part of the keyword */
                return refuse_line(reading, file, "a keyword in quotes");
        if (keyword_len == 0) /* sshd skips the "=" and obeys what follows */
                return refuse_line(reading, file, "begins with \"=\"");
        rest = arguments_of(line, keyword_len);
        if (is_keyword(line, keyword_len, "Match")) {
                match_read(file, rest);
                return true;
        }
        if (!is_keyword(line, keyword_len, "Include") &&
            !is_keyword(line, keyword_len, "PubkeyAuthOptions"))
                return true;
        if (is_quoted(rest))
                return refuse_line(reading, file, "quotes");
        return is_keyword(line, keyword_len, "Include") ? include_read(reading, file, rest)
                                                        : options_read(reading, file, rest);
}

/* ---- files ----------------------------------------------------------------------------------- */

static bool text_read(Reading *reading, File *file, char *text) {
        for (char *line = text, *next; line; line = next) {
                next = strchr(line, '\n');
                if (next)
                        *next++ = '\0';
                file->line++;
                if (!line_read(reading, file, line))
                        return false;
        }
        return true;
}

/* *ret_conditional: does it end in a Match block? */
static bool file_read(Reading *reading, const char *path, unsigned depth, bool outer,
                      bool *ret_conditional) {
        File file = { path, 0, depth, outer, outer };
        _cleanup_free_ char *text = NULL;
        size_t len;
        int r;

        if (++reading->count > FILES_MAX || depth > DEPTH_MAX)
                return refuse(reading, path, "too many files that are included");
        r = base_file_read(AT_FDCWD, path, FILE_BYTES_MAX, &text, &len);
        if (r < 0)
                return refuse_unread(reading, path, r);
        if (memchr(text, '\0', len))
                return refuse(reading, path, "has a NUL byte");
        if (!note_changed(reading, path) || !text_read(reading, &file, text))
                return false;
        *ret_conditional = file.conditional;
        return true;
}

/* sshd writes its pid when it has read its settings, at each reload too. */
static bool was_read(const Reading *reading) {
        struct stat st;

        if (stat(reading->pid, &st) < 0)
                return refuse(reading, reading->pid,
                              "is not there, so nobody knows when sshd read its settings");
        return is_later(&st.st_mtim, &reading->changed) ||
               refuse(reading, "", "sshd has not read its settings since they were changed");
}

bool sshd_verifies(const char *config, const char *pid, char ret_why[static SSHD_WHY_MAX]) {
        Reading reading = { .config = config, .pid = pid, .why = ret_why };
        bool conditional;

        if (!file_read(&reading, config, 0, false, &conditional))
                return false;
        if (!reading.verifies)
                return refuse(&reading, config,
                              "sets no PubkeyAuthOptions verify-required that holds for everybody");
        if (!was_read(&reading))
                return false;
        ret_why[0] = '\0';
        return true;
}
