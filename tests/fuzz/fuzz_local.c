/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The scan of /etc/passwd and /etc/group, against a slow one that looks at one byte after the
 * other: the same names and ids are found, in files of any bytes and lines of any length.
 *
 * Input: the name up to the first newline; the file.  The first two bytes 0xFF in the file
 * stand for 4,000 x's each, so that a short input has lines longer than any buffer. */

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/base.h"

#define LINE_SEEN  4096U /* of a longer line, the scan looks at so much */
#define LONG_BYTES 4000U
#define LONG_COUNT 2U

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct Entry {
        const char *name;
        size_t name_len;
        uint32_t id;
} Entry;

/* "name:anything:digits:" at the beginning of a line. */
static bool line_read(const char *line, size_t len, Entry *ret) {
        size_t colons[3], found = 0;
        uint64_t id = 0;

        for (size_t i = 0; i < len; i++) {
                if (line[i] == '\0')
                        return false;
                if (line[i] == ':' && found < 3)
                        colons[found++] = i;
        }
        if (found < 3 || colons[0] == 0 || strchr("#+-", line[0]))
                return false;
        if (colons[2] == colons[1] + 1 || colons[2] - colons[1] > 11)
                return false;
        for (size_t i = colons[1] + 1; i < colons[2]; i++) {
                if (line[i] < '0' || line[i] > '9')
                        return false;
                id = id * 10 + (uint64_t)(line[i] - '0');
        }
        *ret = (Entry){ .name = line, .name_len = colons[0], .id = (uint32_t)id };
        return id <= UINT32_MAX;
}

/* The first entry of that name, or of that id where name is NULL. */
static bool file_search(const char *file, size_t size, const char *name, uint32_t id, Entry *ret) {
        for (size_t at = 0; at < size;) {
                size_t len = 0;

                while (at + len < size && file[at + len] != '\n')
                        len++;
                if (line_read(file + at, len < LINE_SEEN ? len : LINE_SEEN, ret) &&
                    (name ? strlen(name) == ret->name_len &&
                                     memcmp(name, ret->name, ret->name_len) == 0
                          : ret->id == id))
                        return true;
                at += len + 1;
        }
        return false;
}

static char *file_expand(const uint8_t *data, size_t size, size_t *ret_size) {
        char *file = malloc(size + LONG_COUNT * LONG_BYTES);
        size_t len = 0, longs = 0;

        assert(file);
        for (size_t i = 0; i < size; i++) {
                if (data[i] != 0xFF || longs == LONG_COUNT) {
                        file[len++] = (char)data[i];
                        continue;
                }
                memset(file + len, 'x', LONG_BYTES);
                len += LONG_BYTES;
                longs++;
        }
        *ret_size = len;
        return file;
}

/* A path of the file without one on a disk. */
static void file_write(const char *file, size_t size, char *ret_path, size_t path_size) {
        static int fd = -1;

        if (fd < 0)
                fd = memfd_create("fuzz_local", MFD_CLOEXEC);
        assert(fd >= 0 && ftruncate(fd, 0) == 0);
        assert(pwrite(fd, file, size, 0) == (ssize_t)size);
        snprintf(ret_path, path_size, "/proc/self/fd/%d", fd);
}

static void id_check(const char *path, const char *file, size_t size, uint32_t id) {
        char name[BASE_NAME_MAX + 1];
        size_t len;
        Entry entry;
        int r;

        r = base_local_find_id(path, id, name, sizeof(name));
        assert(r == file_search(file, size, NULL, id, &entry));
        if (r == 0)
                return;
        len = entry.name_len < BASE_NAME_MAX ? entry.name_len : BASE_NAME_MAX;
        assert(strlen(name) == len && memcmp(name, entry.name, len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        const uint8_t *newline = memchr(data, '\n', size);
        char name[64] = "", path[64];
        size_t name_len = newline ? (size_t)(newline - data) : 0, file_size;
        uint32_t id;
        char *file;
        Entry entry;
        int r;

        if (!newline || name_len >= sizeof(name) || size > 4096)
                return 0;
        memcpy(name, data, name_len);
        file = file_expand(newline + 1, size - name_len - 1, &file_size);
        file_write(file, file_size, path, sizeof(path));
        r = base_local_find_name(path, name, &id);
        assert(r == (name[0] && file_search(file, file_size, name, 0, &entry)));
        if (r == 1) {
                assert(id == entry.id);
                id_check(path, file, file_size, id);
        }
        id_check(path, file, file_size, 0);
        free(file);
        return 0;
}
