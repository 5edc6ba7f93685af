/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where umd lives: the state directory, the map's folder, the private socket.
 *
 * Refuses what others could write or read, and a second umd; each refusal names the path and what
 * to do.  Nothing here follows a symbolic link at the last part of a path. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/base.h"
#include "map/map.h"
#include "umd/umd.h"

#define STORE_FILE   "data.mdb"
#define STORE_MARK   "store-was-made"
#define KEY_FOLDER   "vault"
#define BUS_BACKLOG  128
#define FOLDER_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

static int refuse(PlaceError *error, const char *path, const char *why, int fault) {
        Text text;

        base_text_init(&text, error->text, sizeof(error->text));
        base_text_addf(&text, "%s: %s", path, why);
        return fault;
}

static int refuse_errno(PlaceError *error, const char *path) {
        int fault = -errno;

        return refuse(error, path, strerrordesc_np(-fault), fault);
}

/* The umask is 0077: what others may see is said with fchmod. */
static int folder_open(int dir_fd, const char *path, mode_t mode, int *ret_fd) {
        bool made = mkdirat(dir_fd, path, 0700) == 0;
        _cleanup_close_ int fd = -1;

        if (!made && errno != EEXIST)
                return -errno;
        fd = openat(dir_fd, path, FOLDER_FLAGS);
        if (fd < 0 || (made && mode != 0700 && fchmod(fd, mode) < 0))
                return -errno;
        *ret_fd = base_take_fd(&fd);
        return 0;
}

int place_state(const char *path, int *ret_fd, PlaceError *error) {
        _cleanup_close_ int fd = -1;
        struct stat st;
        int r = folder_open(AT_FDCWD, path, 0700, &fd);

        if (r < 0)
                return refuse(error, path, strerrordesc_np(-r), r);
        if (fstat(fd, &st) < 0)
                return refuse_errno(error, path);
        if (st.st_uid != geteuid())
                return refuse(error, path, "belongs to another user: run umd as its owner", -EPERM);
        if ((st.st_mode & 077) != 0)
                return refuse(error, path, "is open to others: chmod 0700 it", -EPERM);
        if (flock(fd, LOCK_EX | LOCK_NB) < 0)
                return errno == EWOULDBLOCK
                               ? refuse(error, path, "is served by another umd", -EBUSY)
                               : refuse_errno(error, path);
        *ret_fd = base_take_fd(&fd);
        return 0;
}

int place_key(int state_fd, PlaceError *error) {
        _cleanup_close_ int fd = -1;
        int r = folder_open(state_fd, KEY_FOLDER, 0700, &fd);

        return r < 0 ? refuse(error, KEY_FOLDER, strerrordesc_np(-r), r) : 0;
}

int place_map(const char *runtime_dir, int *ret_fd, PlaceError *error) {
        _cleanup_close_ int run_fd = -1, fd = -1;
        struct stat st;
        int r = folder_open(AT_FDCWD, runtime_dir, 0755, &run_fd);

        if (r >= 0)
                r = folder_open(run_fd, "map.d", 0755, &fd);
        if (r < 0)
                return refuse(error, runtime_dir, strerrordesc_np(-r), r);
        if (fstat(fd, &st) < 0)
                return refuse_errno(error, runtime_dir);
        if (st.st_uid != geteuid() || (st.st_mode & 022) != 0)
                return refuse(error, runtime_dir, "map.d must be umd's own, mode 0755", -EPERM);
        *ret_fd = base_take_fd(&fd);
        return 0;
}

/* Made beside it and renamed: there is no moment without a socket, and no other's mode. */
static int socket_listen(int fd, const char *path, const char *beside) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };

        if (strlen(beside) >= sizeof(address.sun_path))
                return -ENAMETOOLONG;
        memcpy(address.sun_path, beside, strlen(beside) + 1);
        if (unlink(beside) < 0 && errno != ENOENT)
                return -errno;
        if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || chmod(beside, 0666) < 0 ||
            listen(fd, BUS_BACKLOG) < 0 || rename(beside, path) < 0)
                return -errno;
        return 0;
}

int place_bus(const char *runtime_dir, int *ret_fd, PlaceError *error) {
        _cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        char path[256], beside[256];
        int r;

        if (fd < 0)
                return refuse_errno(error, runtime_dir);
        if (snprintf(path, sizeof(path), "%s/bus", runtime_dir) >= (int)sizeof(path) ||
            snprintf(beside, sizeof(beside), "%s/.bus", runtime_dir) >= (int)sizeof(beside))
                return refuse(error, runtime_dir, "is too long for a socket", -ENAMETOOLONG);
        r = socket_listen(fd, path, beside);
        if (r < 0)
                return refuse(error, path, strerrordesc_np(-r), r);
        *ret_fd = base_take_fd(&fd);
        return 0;
}

bool place_store_lost(int state_fd, const char *path, char *ret_why, size_t size) {
        if (faccessat(state_fd, STORE_MARK, F_OK, AT_EACCESS) < 0 ||
            faccessat(state_fd, STORE_FILE, F_OK, AT_EACCESS) == 0 || errno != ENOENT)
                return false;
        snprintf(ret_why, size,
                 "the store in %s is gone: there was a " STORE_FILE " (to begin with an empty one, "
                 "remove " STORE_MARK " too)",
                 path);
        return true;
}

bool place_has_store(int state_fd) {
        return faccessat(state_fd, STORE_FILE, F_OK, AT_EACCESS) == 0;
}

int place_store_made(int state_fd) {
        _cleanup_close_ int fd =
                openat(state_fd, STORE_MARK, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

        if (fd < 0)
                return errno == EEXIST ? 0 : -errno;
        return fsync(fd) < 0 || fsync(state_fd) < 0 ? -errno : 0;
}

int place_paths(const char *state_dir, const char *runtime_dir, const char *etc, Paths *ret) {
        const struct {
                char *buf;
                const char *folder, *name;
        } paths[] = { { ret->map, runtime_dir, "map.d/" MAP_NAME },
                      { ret->key_dir, state_dir, "vault" },
                      { ret->passwd, etc, "passwd" },
                      { ret->banned, etc, "um/banned-words" },
                      { ret->sshd_config, etc, "ssh/sshd_config" } };

        for (size_t i = 0; i < ARRAY_LENGTH(paths); i++)
                if (snprintf(paths[i].buf, sizeof(ret->map), "%s/%s", paths[i].folder,
                             paths[i].name) >= (int)sizeof(ret->map))
                        return -ENAMETOOLONG;
        return 0;
}
