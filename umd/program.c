/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who may put another program at a path: whoever may write to it, to a folder on the way to it, or
 * to one that holds a link on the way.  Only where that is root alone does a sudo command mean what
 * its path says.
 *
 * What is not there yet is judged by the folders that are; what may not be looked at is not safe.
 */

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "umd/umd.h"

#define LINKS_MAX 16

/* A path that is being walked: done bytes of it are known to be folders of root's. */
typedef struct Walk {
        char path[CORE_PATH_BYTES];
        size_t done;
} Walk;

static bool is_roots(const struct stat *st) {
        return st->st_uid == 0 && (st->st_mode & S_IWOTH) == 0 &&
               ((st->st_mode & S_IWGRP) == 0 || st->st_gid == 0);
}

/* Puts what the link says in the place of the part that ends at end; the walk begins anew. */
static bool link_follow(Walk *walk, size_t end) {
        char target[CORE_PATH_BYTES], next[2 * CORE_PATH_BYTES], part[CORE_PATH_BYTES];
        ssize_t n;

        snprintf(part, sizeof(part), "%.*s", (int)end, walk->path);
        n = readlink(part, target, sizeof(target) - 1);
        if (n <= 0)
                return false;
        target[n] = '\0';
        if (target[0] == '/')
                snprintf(next, sizeof(next), "%s%s", target, walk->path + end);
        else
                snprintf(next, sizeof(next), "%.*s/%s%s", (int)walk->done, walk->path, target,
                         walk->path + end);
        walk->done = 0;
        return snprintf(walk->path, sizeof(walk->path), "%s", next) < (int)sizeof(walk->path);
}

/* ".." leads back through a folder that was looked at; the part goes, with the one before. */
static void part_drop(Walk *walk, size_t end, bool parent) {
        size_t start = walk->done;

        while (parent && start > 0 && walk->path[--start] != '/')
                ;
        memmove(walk->path + start, walk->path + end, strlen(walk->path + end) + 1);
        walk->done = start;
}

static bool unsafe(char *ret_why, size_t size, const char *path, size_t len, const char *why) {
        snprintf(ret_why, size, "%.*s %s", (int)len, path, why);
        return false;
}

bool program_is_safe(void *userdata, const char *path, char *ret_real, char *ret_why,
                     size_t why_size) {
        Walk walk = { 0 };
        struct stat st;
        int links = 0;

        snprintf(walk.path, sizeof(walk.path), "%s", path);
        if (stat("/", &st) < 0 || !is_roots(&st))
                return unsafe(ret_why, why_size, "/", 1, "is not root's alone to write");
        while (walk.path[walk.done]) {
                size_t len = strcspn(walk.path + walk.done + 1, "/"), end = walk.done + 1 + len;
                const char *part = walk.path + walk.done + 1;
                char until[CORE_PATH_BYTES];

                if (len == 0 || (len == 1 && part[0] == '.') ||
                    (len == 2 && part[0] == '.' && part[1] == '.')) {
                        part_drop(&walk, end, len == 2);
                        continue;
                }
                snprintf(until, sizeof(until), "%.*s", (int)end, walk.path);
                if (lstat(until, &st) < 0) {
                        if (errno != ENOENT)
                                return unsafe(ret_why, why_size, walk.path, end,
                                              "cannot be looked at");
                        break; /* nobody but root can make it */
                }
                if (S_ISLNK(st.st_mode)) {
                        if (links++ == LINKS_MAX || !link_follow(&walk, end))
                                return unsafe(ret_why, why_size, path, strlen(path),
                                              "leads through too many links");
                        continue;
                }
                if (!is_roots(&st))
                        return unsafe(ret_why, why_size, walk.path, end,
                                      "is not root's alone to write");
                if (!walk.path[end] && S_ISDIR(st.st_mode))
                        return unsafe(ret_why, why_size, walk.path, end, "is a directory");
                walk.done = end;
        }
        snprintf(ret_real, CORE_PATH_BYTES, "%s", walk.path);
        return true;
}
