/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The record key is made once and never replaced, whatever stands in its place. */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base.h"
#include "um_vault/vault.h"

typedef struct Place {
        char dir[64];
        char key[96];
        char credential[96];
} Place;

static int place_make(void **state) {
        Place *place = calloc(1, sizeof(*place));

        snprintf(place->dir, sizeof(place->dir), "/tmp/um-vault-key.XXXXXX");
        if (!mkdtemp(place->dir))
                return -1;
        snprintf(place->key, sizeof(place->key), "%s/" VAULT_KEY_NAME, place->dir);
        snprintf(place->credential, sizeof(place->credential), "%s/" VAULT_KEY_CREDENTIAL,
                 place->dir);
        *state = place;
        return 0;
}

static int place_remove(void **state) {
        Place *place = *state;

        unlink(place->key);
        unlink(place->credential);
        rmdir(place->key);
        if (rmdir(place->dir) < 0) /* nothing else may be left behind */
                return -1;
        free(place);
        return 0;
}

static void file_write(const char *path, size_t len) {
        static const uint8_t bytes[VAULT_KEY_BYTES + 1] = { 9, 8, 7 };
        _cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

        assert_true(fd >= 0);
        assert_int_equal(write(fd, bytes, len), len);
}

static void the_first_start_makes_it_and_the_next_finds_it(void **state) {
        const Place *place = *state;
        _cleanup_secret_ Secret *made = NULL, *found = NULL;
        char file[PATH_MAX];
        struct stat st;

        assert_int_equal(vault_key_load(place->dir, NULL, &made, file), 0);
        assert_int_equal(stat(place->key, &st), 0);
        assert_int_equal(st.st_mode, S_IFREG | 0600);
        assert_int_equal(st.st_size, VAULT_KEY_BYTES);
        assert_int_equal(st.st_nlink, 1);
        assert_int_equal(vault_key_load(place->dir, NULL, &found, file), 0);
        assert_memory_equal(base_secret_bytes(made), base_secret_bytes(found), VAULT_KEY_BYTES);
}

static void a_file_of_another_size_stays_and_is_named(void **state) {
        static const size_t sizes[] = { 0, 1, VAULT_KEY_BYTES - 1, VAULT_KEY_BYTES + 1 };
        const Place *place = *state;

        for (size_t i = 0; i < ARRAY_LENGTH(sizes); i++) {
                _cleanup_secret_ Secret *key = NULL;
                char file[PATH_MAX];
                struct stat st;

                file_write(place->key, sizes[i]);
                assert_int_equal(vault_key_load(place->dir, NULL, &key, file), -EBADMSG);
                assert_null(key);
                assert_string_equal(file, place->key);
                assert_int_equal(stat(place->key, &st), 0);
                assert_int_equal(st.st_size, sizes[i]);
                unlink(place->key);
        }
}

static void what_is_no_file_stays_and_is_named(void **state) {
        const Place *place = *state;
        Secret *key = NULL;
        char file[PATH_MAX];

        assert_int_equal(symlink("/etc/hostname", place->key), 0);
        assert_int_equal(vault_key_load(place->dir, NULL, &key, file), -EBADMSG);
        assert_int_equal(unlink(place->key), 0);
        assert_int_equal(symlink("nowhere", place->key), 0); /* nor is a key made behind it */
        assert_int_equal(vault_key_load(place->dir, NULL, &key, file), -EBADMSG);
        assert_int_equal(unlink(place->key), 0);
        assert_int_equal(mkfifo(place->key, 0600), 0); /* and nobody waits for it */
        assert_int_equal(vault_key_load(place->dir, NULL, &key, file), -EBADMSG);
        assert_int_equal(unlink(place->key), 0);
        assert_int_equal(mkdir(place->key, 0700), 0);
        assert_int_equal(vault_key_load(place->dir, NULL, &key, file), -EBADMSG);
        assert_string_equal(file, place->key);
        assert_null(key);
}

static void a_missing_folder_is_a_fault(void **state) {
        const Place *place = *state;
        Secret *key = NULL;
        char file[PATH_MAX];

        assert_int_equal(vault_key_load("/nonexistent/um", NULL, &key, file), -ENOENT);
        assert_string_equal(file, "/nonexistent/um/key");
        assert_int_equal(vault_key_load(place->dir, "/nonexistent/um", &key, file), -ENOENT);
        assert_null(key);
}

static void a_credential_comes_first_and_is_not_fallen_back_from(void **state) {
        const Place *place = *state;
        _cleanup_secret_ Secret *key = NULL;
        char file[PATH_MAX];

        file_write(place->credential, VAULT_KEY_BYTES);
        assert_int_equal(vault_key_load("/nonexistent/um", place->dir, &key, file), 0);
        assert_int_equal(((const uint8_t *)base_secret_bytes(key))[0], 9);
        unlink(place->credential);
        file_write(place->credential, VAULT_KEY_BYTES - 1);
        key = base_secret_free(key);
        assert_int_equal(vault_key_load(place->dir, place->dir, &key, file), -EBADMSG);
        assert_string_equal(file, place->credential);
        assert_int_equal(access(place->key, F_OK), -1);
}

static void without_a_credential_the_folder_is_used(void **state) {
        const Place *place = *state;
        _cleanup_secret_ Secret *key = NULL;
        char file[PATH_MAX];

        assert_int_equal(vault_key_load(place->dir, place->dir, &key, file), 0);
        assert_int_equal(access(place->key, F_OK), 0);
}

/* Two vaults that start at once: whoever loses the race uses the winner's key. */
static void parallel_first_starts_agree(void **state) {
        const Place *place = *state;
        _cleanup_secret_ Secret *key = NULL;
        char file[PATH_MAX];
        uint8_t seen[VAULT_KEY_BYTES];
        int pipes[2];

        assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
        for (int i = 0; i < 8; i++)
                if (fork() == 0) {
                        Secret *mine;

                        if (vault_key_load(place->dir, NULL, &mine, file) < 0)
                                _exit(1);
                        _exit(write(pipes[1], base_secret_bytes(mine), sizeof(seen)) < 0);
                }
        for (int i = 0; i < 8; i++) {
                int status;

                assert_true(wait(&status) > 0);
                assert_int_equal(status, 0);
        }
        assert_int_equal(vault_key_load(place->dir, NULL, &key, file), 0);
        for (int i = 0; i < 8; i++) {
                assert_int_equal(read(pipes[0], seen, sizeof(seen)), sizeof(seen));
                assert_memory_equal(seen, base_secret_bytes(key), sizeof(seen));
        }
        close(pipes[0]);
        close(pipes[1]);
}

#define IN_PLACE(f) cmocka_unit_test_setup_teardown(f, place_make, place_remove)

int main(void) {
        const struct CMUnitTest tests[] = {
                IN_PLACE(the_first_start_makes_it_and_the_next_finds_it),
                IN_PLACE(a_file_of_another_size_stays_and_is_named),
                IN_PLACE(what_is_no_file_stays_and_is_named),
                IN_PLACE(a_missing_folder_is_a_fault),
                IN_PLACE(a_credential_comes_first_and_is_not_fallen_back_from),
                IN_PLACE(without_a_credential_the_folder_is_used),
                IN_PLACE(parallel_first_starts_agree),
        };

        umask(0022); /* the mode must not depend on it */
        return cmocka_run_group_tests(tests, NULL, NULL);
}
