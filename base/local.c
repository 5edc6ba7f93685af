/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who is local: a strict scan of /etc/passwd and /etc/group that asks no NSS module, allocates
 * nothing and may run inside any process.  um keeps away from every name and id it finds there. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/base.h"

/* What a scan looks for: a name, or where name is NULL an id. */
typedef struct LocalQuery {
        const char *name;
        size_t name_len;
        uint32_t id;
        char *ret_name;
        size_t ret_size;
        uint32_t *ret_id;
} LocalQuery;

static bool id_parse(const char *s, size_t len, uint32_t *ret) {
        uint64_t value = 0;

        if (len == 0 || len > 10)
                return false;
        for (size_t i = 0; i < len; i++) {
                if (s[i] < '0' || s[i] > '9')
                        return false;
                value = value * 10 + (uint64_t)(s[i] - '0');
        }
        if (value > UINT32_MAX)
                return false;
        *ret = (uint32_t)value;
        return true;
}

bool base_local_parse(const char *line, size_t len, const char **ret_name, size_t *ret_name_len,
                      uint32_t *ret_id) {
        const char *end = line + len, *password, *id, *behind;

        if (len == 0 || line[0] == '#' || line[0] == '+' || line[0] == '-' ||
            memchr(line, '\0', len))
                return false; /* comments and NIS compat lines are nobody's name */
        password = memchr(line, ':', len);
        if (!password || password == line)
                return false;
        id = memchr(password + 1, ':', (size_t)(end - password - 1));
        if (!id)
                return false;
        behind = memchr(id + 1, ':', (size_t)(end - id - 1));
        if (!behind || !id_parse(id + 1, (size_t)(behind - id - 1), ret_id))
                return false;
        *ret_name = line;
        *ret_name_len = (size_t)(password - line);
        return true;
}

static bool line_matches(const char *line, size_t len, const LocalQuery *query) {
        const char *name;
        size_t name_len;
        uint32_t id;

        if (!base_local_parse(line, len, &name, &name_len, &id))
                return false;
        if (query->name) {
                if (name_len != query->name_len || memcmp(name, query->name, name_len) != 0)
                        return false;
                *query->ret_id = id;
                return true;
        }
        if (id != query->id)
                return false;
        if (query->ret_size > 0) {
                if (name_len >= query->ret_size)
                        name_len = query->ret_size - 1;
                memcpy(query->ret_name, name, name_len);
                query->ret_name[name_len] = '\0';
        }
        return true;
}

/* A line longer than the buffer (a group with many members) is judged by its beginning, which has
 * the three fields, and skipped to its end. */
static int file_scan(const char *path, const LocalQuery *query) {
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        char buf[4096];
        size_t filled = 0;
        bool skipping = false;

        if (fd < 0)
                return errno == ENOENT ? 0 : -errno;
        fd = base_fd_above_stdio(fd);
        if (fd < 0)
                return fd;
        for (;;) {
                ssize_t n = read(fd, buf + filled, sizeof(buf) - filled);
                char *line = buf, *newline;
                size_t left;

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                left = filled + (size_t)n;
                while ((newline = memchr(line, '\n', left))) {
                        size_t len = (size_t)(newline - line);

                        if (!skipping && line_matches(line, len, query))
                                return 1;
                        skipping = false;
                        line = newline + 1;
                        left -= len + 1;
                }
                if (n == 0)
                        return !skipping && line_matches(line, left, query) ? 1 : 0;
                if (left == sizeof(buf)) {
                        if (!skipping && line_matches(line, left, query))
                                return 1;
                        skipping = true;
                        left = 0;
                } else if (skipping)
                        left = 0;
                memmove(buf, line, left);
                filled = left;
        }
}

int base_local_find_name(const char *path, const char *name, uint32_t *ret_id) {
        LocalQuery query = { .name = name, .name_len = strlen(name), .ret_id = ret_id };

        return query.name_len == 0 ? 0 : file_scan(path, &query);
}

int base_local_find_id(const char *path, uint32_t id, char *ret_name, size_t size) {
        LocalQuery query = { .id = id, .ret_name = ret_name, .ret_size = size };

        return file_scan(path, &query);
}
