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

static int key_write(int dir_fd, const char *name) {
        _cleanup_close_ int fd =
                openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        uint8_t bytes[VAULT_KEY_BYTES];
        ssize_t n = -1;
        int r;

        if (fd < 0)
                return -errno;
        r = base_random(bytes, sizeof(bytes));
        if (r >= 0) {
                n = write(fd, bytes, sizeof(bytes));
                if (n < 0)
                        r = -errno;
                else if (n != sizeof(bytes))
                        r = -ENOSPC;
        }
        base_wipe(bytes, sizeof(bytes));
        if (r < 0)
                return r;
        return fsync(fd) < 0 ? -errno : 0;
}

/* 0 also where another vault was first: its key is there then. */
static int key_make(int dir_fd) {
        char name[sizeof(".key.") + 16];
        uint64_t number;
        int r;

        r = base_random(&number, sizeof(number));
        if (r < 0)
                return r;
        snprintf(name, sizeof(name), ".key.%016llx", (unsigned long long)number);
        r = key_write(dir_fd, name);
        if (r >= 0 && linkat(dir_fd, name, dir_fd, VAULT_KEY_NAME, 0) < 0 && errno != EEXIST)
                r = -errno;
        if (r != -EEXIST) /* a name of that number was not ours */
                unlinkat(dir_fd, name, 0);
        if (r >= 0 && fsync(dir_fd) < 0)
                r = -errno;
        return r;
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
