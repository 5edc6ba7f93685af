/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The record key: found or made, never replaced.
 *
 * Without the key no password opens any more, so a file that stands in its place and is not it is
 * a fault that a person must look at.  A new key is written to a name of its own, made durable and
 * only then linked into place: a crash leaves either the whole key or none, and of two vaults that
 * start at once both use the one that was linked first.  Whether a key that was made is the one
 * that somebody's passwords are sealed under cannot be known here: umd compares its id. */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"
#include "um_vault/vault.h"

static void file_name(const char *dir, const char *name, char *ret_file) {
        Text text;

        base_text_init(&text, ret_file, PATH_MAX);
        base_text_add(&text, dir);
        base_text_add(&text, "/");
        base_text_add(&text, name);
}

static ssize_t bytes_read(int fd, uint8_t *buf, size_t size) {
        size_t len = 0;

        while (len < size) {
                ssize_t n = read(fd, buf + len, size - len);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0)
                        break;
                len += (size_t)n;
        }
        return (ssize_t)len;
}

static int key_read(int dir_fd, const char *name, Secret **ret) {
        _cleanup_close_ int fd =
                openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
        uint8_t bytes[VAULT_KEY_BYTES + 1];
        struct stat st;
        ssize_t n;
        int r;

        if (fd < 0)
                return errno == ELOOP ? -EBADMSG : -errno;
        if (fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return -EBADMSG;
        n = bytes_read(fd, bytes, sizeof(bytes));
        if (n < 0)
                r = (int)n;
        else if (n != VAULT_KEY_BYTES)
                r = -EBADMSG;
        else
                r = base_secret_new(bytes, VAULT_KEY_BYTES, ret);
        base_wipe(bytes, sizeof(bytes));
        return r;
}

int vault_file_write(int dir_fd, const char *name, mode_t mode, const void *bytes, size_t len) {
        _cleanup_close_ int fd =
                openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
        ssize_t n;
        int r = 0;

        if (fd < 0)
                return -errno;
        n = write(fd, bytes, len);
        if (n < 0)
                r = -errno;
        else if (n != (ssize_t)len)
                r = -ENOSPC;
        else if (fchmod(fd, mode) < 0 || fsync(fd) < 0) /* the umask is stricter */
                r = -errno;
        if (r < 0)
                unlinkat(dir_fd, name, 0);
        return r;
}

int vault_file_put(int dir_fd, const char *name, const void *bytes, size_t len, bool replace) {
        char file[sizeof(".key.") + 16];
        uint64_t number;
        int r;

        r = base_random(&number, sizeof(number));
        if (r < 0)
                return r;
        snprintf(file, sizeof(file), ".key.%016llx", (unsigned long long)number);
        r = vault_file_write(dir_fd, file, 0600, bytes, len);
        if (r < 0)
                return r;
        if ((replace ? renameat(dir_fd, file, dir_fd, name)
                     : linkat(dir_fd, file, dir_fd, name, 0)) < 0)
                r = -errno;
        if (r < 0 || !replace)
                unlinkat(dir_fd, file, 0);
        if (fsync(dir_fd) < 0 && r >= 0)
                r = -errno;
        return r;
}

/* 0 also where another vault was first: its key is there then. */
static int key_make(int dir_fd) {
        uint8_t bytes[VAULT_KEY_BYTES];
        int r = base_random(bytes, sizeof(bytes));

        if (r >= 0)
                r = vault_file_put(dir_fd, VAULT_KEY_NAME, bytes, sizeof(bytes), false);
        base_wipe(bytes, sizeof(bytes));
        return r == -EEXIST ? 0 : r;
}

int vault_key_put(const char *key_dir, const Secret *key) {
        _cleanup_close_ int dir_fd = open(key_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        if (dir_fd < 0)
                return -errno;
        return vault_file_put(dir_fd, VAULT_KEY_NAME, base_secret_bytes(key), base_secret_len(key),
                              false);
}

int vault_key_id(const Secret *key, uint8_t *ret_id) {
        static const uint8_t label[] = "um-vault key id 1";

        return crypto_generichash(ret_id, VAULT_KEY_ID_BYTES, label, sizeof(label),
                                  base_secret_bytes(key), base_secret_len(key)) == 0
                       ? 0
                       : -EIO;
}

int vault_key_load(const char *key_dir, const char *credentials_dir, Secret **ret, char *ret_file) {
        _cleanup_close_ int credentials_fd = -1, dir_fd = -1;
        int r;

        if (credentials_dir) {
                file_name(credentials_dir, VAULT_KEY_CREDENTIAL, ret_file);
                credentials_fd = open(credentials_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
                if (credentials_fd < 0)
                        return -errno;
                r = key_read(credentials_fd, VAULT_KEY_CREDENTIAL, ret);
                if (r != -ENOENT)
                        return r;
        }
        file_name(key_dir, VAULT_KEY_NAME, ret_file);
        dir_fd = open(key_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (dir_fd < 0)
                return -errno;
        r = key_read(dir_fd, VAULT_KEY_NAME, ret);
        if (r != -ENOENT)
                return r;
        r = key_make(dir_fd);
        return r < 0 ? r : key_read(dir_fd, VAULT_KEY_NAME, ret);
}
