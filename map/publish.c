/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Gives a written map its place, and takes it away again.  The order is the point: the file that
 * stood there is marked superseded first, then the new one is renamed over it, so that no reader
 * can keep the old one unmarked, whenever umd dies.  Nothing is ever truncated; of a published file
 * only the words `committed`, `delta` and `superseded` are stored to, through a mapping of page 0.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h> /* renameat */
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"
#include "map/layout.h"
#include "map/map.h"

int map_writer_new(int dir_fd, const char *name, MapWriter **ret) {
        _cleanup_(map_writer_freep) MapWriter *writer = calloc(1, sizeof(*writer));

        if (!writer)
                return -ENOMEM;
        writer->fd = writer->dir_fd = -1;
        writer->dir_fd = fcntl(dir_fd, F_DUPFD_CLOEXEC, 3);
        if (writer->dir_fd < 0)
                return -errno;
        if (unlinkat(dir_fd, name, 0) < 0 && errno != ENOENT) /* an earlier run died over it */
                return -errno;
        writer->fd = openat(dir_fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (writer->fd < 0)
                return -errno;
        writer->name = name;
        *ret = TAKE(writer);
        return 0;
}

int map_writer_start(MapWriter *writer, const MapHeader *header) {
        void *page = mmap(NULL, MAP_PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, writer->fd, 0);

        if (page == MAP_FAILED)
                return -errno;
        writer->page = page;
        memcpy(writer->seed, header->seed, sizeof(writer->seed));
        writer->base_end = writer->committed = header->base_end;
        return 0;
}

MapWriter *map_writer_free(MapWriter *writer) {
        if (writer) {
                if (writer->name) /* not published: nobody will ever read it */
                        (void)unlinkat(writer->dir_fd, writer->name, 0);
                if (writer->page)
                        (void)munmap(writer->page, MAP_PAGE_BYTES);
                for (size_t i = 0; i < _MAP_TABLE_MAX; i++)
                        free(writer->delta[i].keys);
                base_close(writer->dir_fd);
                base_close(writer->fd);
                free(writer);
        }
        return NULL;
}

static void page_mark(MapHeader *page) {
        __atomic_store_n(&page->superseded, 1, __ATOMIC_RELEASE);
}

static bool same_file(const struct stat *a, const struct stat *b) {
        return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Opens the map that look already has for writing, which its mode does not permit.  Its owner may
 * change that; nobody else could have put it there. */
static int file_open_writable(int dir_fd, int look, const struct stat *st) {
        _cleanup_close_ int fd = -1;
        struct stat opened;
        int r;

        if (fchmod(look, 0644) < 0)
                return -errno;
        fd = openat(dir_fd, MAP_NAME, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
        r = fd < 0 ? -errno : 0;
        if (fchmod(look, 0444) < 0 && r >= 0)
                r = -errno;
        if (r >= 0 && fstat(fd, &opened) < 0)
                r = -errno;
        if (r >= 0 && !same_file(st, &opened))
                r = -EAGAIN; /* two umds in one folder */
        return r < 0 ? r : base_take_fd(&fd);
}

/* Marks whatever map stands in the folder: of an earlier run of umd, which left it 0444. */
static int file_mark(int dir_fd) {
        _cleanup_close_ int look = -1, fd = -1;
        struct stat st;
        MapHeader *page;

        look = openat(dir_fd, MAP_NAME, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
        if (look < 0)
                return errno == ENOENT ? 0 : -errno;
        if (fstat(look, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode) || st.st_size < (off_t)MAP_PAGE_BYTES)
                return 0; /* not a map that any reader could have mapped */
        fd = file_open_writable(dir_fd, look, &st);
        if (fd < 0)
                return fd;
        page = mmap(NULL, MAP_PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (page == MAP_FAILED)
                return -errno;
        if (memcmp(page->magic, MAP_MAGIC, sizeof(page->magic)) == 0)
                page_mark(page);
        (void)munmap(page, MAP_PAGE_BYTES);
        return 0;
}

/* Is the file in the folder the one this writer holds? */
static bool writer_stands(const MapWriter *writer, int dir_fd) {
        struct stat own, there;

        return fstat(writer->fd, &own) == 0 &&
               fstatat(dir_fd, MAP_NAME, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
               same_file(&own, &there);
}

static int predecessor_mark(int dir_fd, MapWriter *replaced) {
        if (replaced && replaced->page)
                page_mark(replaced->page);
        return replaced && writer_stands(replaced, dir_fd) ? 0 : file_mark(dir_fd);
}

int map_publish(int dir_fd, MapWriter *writer, MapWriter *replaced) {
        int r;

        if (!writer->name)
                return -EALREADY;
        r = predecessor_mark(dir_fd, replaced);
        if (r < 0)
                return r;
        if (renameat(writer->dir_fd, writer->name, dir_fd, MAP_NAME) < 0)
                return -errno;
        writer->name = NULL;
        return 0;
}

int map_withdraw(int dir_fd, MapWriter *writer) {
        int r;

        r = predecessor_mark(dir_fd, writer);
        if (unlinkat(dir_fd, MAP_NAME, 0) < 0 && errno != ENOENT)
                return -errno;
        return r;
}
