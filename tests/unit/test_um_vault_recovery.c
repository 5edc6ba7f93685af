/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The recovery key, with the real um-vault: what it keeps, who gets it back, and who does not. */

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base.h"
#include "tests/unit/vault_client.h"

#define FILE_BYTES 216U

/* dir/pub and dir/paper are a pair's halves; dir/keys is the vault's folder, dir/new an empty one.
 */
typedef struct Place {
        char dir[40], pub[64], paper[64], keys[64], kept[80], key[80], fresh[64], fresh_key[80];
} Place;

/* The exit status of a shell's command, whose %s are in this order. */
#define shell(...) shell_run((const char *const[]){ __VA_ARGS__, NULL })

static int shell_run(const char *const *parts) {
        char command[512] = "";
        int status;

        for (; *parts; parts++)
                strncat(command, *parts, sizeof(command) - strlen(command) - 1);
        status = system(command);
        assert_true(WIFEXITED(status));
        return WEXITSTATUS(status);
}

static int place_make(void **state) {
        Place *place = calloc(1, sizeof(*place));

        snprintf(place->dir, sizeof(place->dir), "/tmp/um-vault-recovery.XXXXXX");
        if (!mkdtemp(place->dir))
                return -1;
        snprintf(place->pub, sizeof(place->pub), "%s/pub", place->dir);
        snprintf(place->paper, sizeof(place->paper), "%s/paper", place->dir);
        snprintf(place->keys, sizeof(place->keys), "%s/keys", place->dir);
        snprintf(place->kept, sizeof(place->kept), "%s/" VAULT_RECOVERY_NAME, place->keys);
        snprintf(place->key, sizeof(place->key), "%s/" VAULT_KEY_NAME, place->keys);
        snprintf(place->fresh, sizeof(place->fresh), "%s/new", place->dir);
        snprintf(place->fresh_key, sizeof(place->fresh_key), "%s/" VAULT_KEY_NAME, place->fresh);
        if (mkdir(place->keys, 0700) < 0 || mkdir(place->fresh, 0700) < 0)
                return -1;
        cost_write(place->keys, "yescrypt j9T\n");
        cost_write(place->fresh, "yescrypt j9T\n");
        *state = place;
        return shell(vault_program, " --new-recovery-key ", place->pub, " > ", place->paper);
}

static int place_remove(void **state) {
        Place *place = *state;
        int r = shell("rm -r ", place->dir);

        free(place);
        return r;
}

/* Starts a vault and stops it when it has answered what it says of the recovery key; ret_error is
 * what it complained of. */
static VaultRecovery vault_once(const Place *place, bool with_pub, char *ret_error, size_t size) {
        const char *const plain[] = { vault_program, "--key-dir", place->keys, NULL };
        const char *const keeping[] = { vault_program,    "--key-dir", place->keys,
                                        "--recovery-pub", place->pub,  NULL };
        Vault vault = { 0 };
        Answer answer;

        service_start(&vault.service, true, with_pub ? keeping : plain);
        vault.fd = vault.service.fd;
        assert_int_equal(ask_text(&vault, VAULT_PING, &alice, "", NULL, &answer), VAULT_OK);
        kill(vault.service.pid, SIGTERM);
        assert_int_equal(service_wait(&vault.service, ret_error, size), 0);
        return (VaultRecovery)answer.head.recovery;
}

static size_t file_take(const char *path, void *buf, size_t size) {
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t n;

        assert_true(fd >= 0);
        n = read(fd, buf, size);
        assert_true(n >= 0);
        return (size_t)n;
}

static Secret *paper_take(const Place *place) {
        char text[2 * VAULT_RECOVERY_TEXT];
        size_t len = file_take(place->paper, text, sizeof(text));
        Secret *secret;

        assert_int_equal(len, VAULT_RECOVERY_TEXT);
        assert_int_equal(base_secret_new(text, len, &secret), 0);
        return secret;
}

static int recover(const Place *place) {
        return shell(vault_program, " --recover ", place->kept, " --key-dir ", place->fresh, " < ",
                     place->paper, " 2>/dev/null");
}

/* ---- stories --------------------------------------------------------------------------------- */

static void who_has_the_file_and_the_paper_has_the_key(void **state) {
        const Place *place = *state;
        uint8_t key[64], again[64], kept[FILE_BYTES + 1];
        struct stat st;
        char error[512];

        (void)vault_once(place, true, error, sizeof(error));
        assert_string_equal(error, "");
        assert_int_equal(stat(place->kept, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
        assert_int_equal(file_take(place->kept, kept, sizeof(kept)), FILE_BYTES);
        assert_int_equal(file_take(place->key, key, sizeof(key)), VAULT_KEY_BYTES);
        assert_null(memmem(kept, sizeof(kept), key, 8));
        assert_int_equal(recover(place), 0);
        assert_int_equal(file_take(place->fresh_key, again, sizeof(again)), VAULT_KEY_BYTES);
        assert_memory_equal(key, again, VAULT_KEY_BYTES);
        assert_int_equal(stat(place->fresh_key, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
}

/* What it is for. */
static void what_was_sealed_before_opens_under_the_key_that_came_back(void **state) {
        const Place *place = *state;
        const char *const with[] = { vault_program,    "--key-dir", place->keys,
                                     "--recovery-pub", place->pub,  NULL };
        const char *const after[] = { vault_program, "--key-dir", place->fresh, NULL };
        Vault vault = { 0 };
        Answer made;

        service_start(&vault.service, true, with);
        vault.fd = vault.service.fd;
        import_make(&vault, &alice, "pw", CHEAP_SETTING, &made);
        assert_int_equal(service_stop(&vault.service), 0);
        assert_int_equal(recover(place), 0);
        service_start(&vault.service, true, after);
        vault.fd = vault.service.fd;
        assert_int_equal(ask_text(&vault, VAULT_VERIFY, &alice, "pw", &made, NULL), VAULT_MATCH);
        assert_int_equal(service_stop(&vault.service), 0);
}

static void a_key_that_is_there_stays(void **state) {
        const Place *place = *state;
        char key[64], error[512];

        (void)vault_once(place, true, error, sizeof(error));
        assert_int_equal(shell("printf %s ", "somebody > ", place->fresh_key), 0);
        assert_int_equal(recover(place), 1);
        assert_int_equal(file_take(place->fresh_key, key, sizeof(key)), 8);
        assert_memory_equal(key, "somebody", 8);
}

static void a_pair_is_not_written_over_another(void **state) {
        const Place *place = *state;
        char before[128], after[128];
        struct stat st;

        assert_int_equal(file_take(place->pub, before, sizeof(before)), VAULT_RECOVERY_TEXT);
        assert_int_equal(stat(place->pub, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0644);
        assert_int_equal(shell(vault_program, " --new-recovery-key ", place->pub,
                               " >/dev/null 2>&1"),
                         1);
        assert_int_equal(file_take(place->pub, after, sizeof(after)), VAULT_RECOVERY_TEXT);
        assert_memory_equal(before, after, VAULT_RECOVERY_TEXT);
}

static void a_private_half_nobody_saw_leaves_no_public_one(void **state) {
        const Place *place = *state;

        assert_int_equal(unlink(place->pub), 0);
        assert_int_equal(shell(vault_program, " --new-recovery-key ", place->pub,
                               " >/dev/full 2>/dev/null"),
                         1);
        assert_int_equal(access(place->pub, F_OK), -1);
}

static void it_is_made_once_for_a_pair(void **state) {
        const Place *place = *state;
        struct stat first, second, third;
        char error[512];

        assert_int_equal(vault_once(place, true, error, sizeof(error)), VAULT_RECOVERY_KEPT);
        assert_int_equal(stat(place->kept, &first), 0);
        assert_int_equal(vault_once(place, true, error, sizeof(error)), VAULT_RECOVERY_KEPT);
        assert_int_equal(stat(place->kept, &second), 0);
        assert_int_equal(first.st_ino, second.st_ino);
        assert_int_equal(unlink(place->pub), 0);
        assert_int_equal(shell(vault_program, " --new-recovery-key ", place->pub, " > ",
                               place->paper),
                         0);
        (void)vault_once(place, true, error, sizeof(error));
        assert_int_equal(stat(place->kept, &third), 0);
        assert_true(third.st_ino != second.st_ino ||
                    third.st_ctim.tv_nsec != second.st_ctim.tv_nsec);
        assert_int_equal(recover(place), 0); /* by the new paper */
}

static void without_a_public_half_nothing_is_kept(void **state) {
        const Place *place = *state;
        char error[512];

        assert_int_equal(vault_once(place, false, error, sizeof(error)), VAULT_RECOVERY_NONE);
        assert_int_equal(access(place->kept, F_OK), -1);
        assert_int_equal(unlink(place->pub), 0);
        assert_int_equal(vault_once(place, true, error, sizeof(error)), VAULT_RECOVERY_NONE);
        assert_int_equal(access(place->kept, F_OK), -1);
        assert_string_equal(error, "");
}

/* The private half in its place, too: that must not pass for the public one. */
static void a_public_half_that_is_none_is_told_and_the_vault_serves(void **state) {
        const Place *place = *state;
        char error[512];

        assert_int_equal(shell("cp ", place->paper, " ", place->pub), 0);
        assert_int_equal(vault_once(place, true, error, sizeof(error)), VAULT_RECOVERY_FAILED);
        assert_non_null(strstr(error, place->pub));
        assert_non_null(strstr(error, "not the public half"));
        assert_int_equal(shell("head -c 100 /dev/zero > ", place->pub), 0);
        assert_int_equal(vault_once(place, true, error, sizeof(error)), VAULT_RECOVERY_FAILED);
        assert_non_null(strstr(error, "not the public half"));
        assert_int_equal(access(place->kept, F_OK), -1);
}

/* ---- who does not get it --------------------------------------------------------------------- */

static void another_paper_opens_nothing(void **state) {
        const Place *place = *state;
        _cleanup_secret_ Secret *text = NULL, *key = NULL;
        char error[512];

        (void)vault_once(place, true, error, sizeof(error));
        assert_int_equal(shell("rm ", place->pub), 0);
        assert_int_equal(shell(vault_program, " --new-recovery-key ", place->pub, " > ",
                               place->paper),
                         0);
        text = paper_take(place);
        assert_int_equal(vault_recovery_open(place->kept, text, &key), VAULT_E_PAIR);
        assert_int_equal(recover(place), 1);
        assert_int_equal(access(place->fresh_key, F_OK), -1);
}

static int opened_with(const Place *place, const void *text, size_t len) {
        _cleanup_secret_ Secret *secret = NULL, *key = NULL;

        assert_int_equal(base_secret_new(text, len, &secret), 0);
        return vault_recovery_open(place->kept, secret, &key);
}

static void a_mistyped_paper_is_told_from_another_one(void **state) {
        const Place *place = *state;
        _cleanup_secret_ Secret *paper = paper_take(place);
        char text[VAULT_RECOVERY_TEXT + 1], error[512];

        (void)vault_once(place, true, error, sizeof(error));
        memcpy(text, base_secret_bytes(paper), VAULT_RECOVERY_TEXT);
        for (size_t i = 0; i < VAULT_RECOVERY_TEXT; i++) {
                char was = text[i];

                text[i] = was == 'A' ? 'B' : 'A';
                assert_int_equal(opened_with(place, text, VAULT_RECOVERY_TEXT), VAULT_E_TEXT);
                text[i] = was;
        }
        for (size_t len = 0; len < VAULT_RECOVERY_TEXT - 1; len++)
                assert_int_equal(opened_with(place, text, len), VAULT_E_TEXT);
        assert_int_equal(opened_with(place, text, VAULT_RECOVERY_TEXT - 1), 0);
        text[VAULT_RECOVERY_TEXT] = '\n';
        assert_int_equal(opened_with(place, text, VAULT_RECOVERY_TEXT + 1), VAULT_E_TEXT);
        for (size_t i = 0; i < VAULT_RECOVERY_TEXT; i++)
                if (text[i] >= 'A' && text[i] <= 'Z')
                        text[i] = (char)(text[i] - 'A' + 'a');
        assert_int_equal(opened_with(place, text, VAULT_RECOVERY_TEXT), 0);
}

static void a_damaged_file_opens_nothing(void **state) {
        const Place *place = *state;
        _cleanup_secret_ Secret *paper = paper_take(place);
        uint8_t kept[FILE_BYTES];
        char error[512];
        int fd;

        (void)vault_once(place, true, error, sizeof(error));
        assert_int_equal(file_take(place->kept, kept, sizeof(kept)), FILE_BYTES);
        fd = open(place->kept, O_WRONLY | O_CLOEXEC);
        assert_true(fd >= 0);
        for (size_t i = 0; i < FILE_BYTES; i++) {
                uint8_t changed = kept[i] ^ 1;
                int r;

                assert_int_equal(pwrite(fd, &changed, 1, (off_t)i), 1);
                r = opened_with(place, base_secret_bytes(paper), VAULT_RECOVERY_TEXT);
                assert_int_equal(r, i >= 20 && i < 52 ? VAULT_E_PAIR : VAULT_E_FILE);
                assert_int_equal(pwrite(fd, kept + i, 1, (off_t)i), 1);
        }
        assert_int_equal(ftruncate(fd, FILE_BYTES - 1), 0);
        close(fd);
        assert_int_equal(opened_with(place, base_secret_bytes(paper), VAULT_RECOVERY_TEXT),
                         VAULT_E_FILE);
        assert_int_equal(unlink(place->kept), 0);
        assert_int_equal(opened_with(place, base_secret_bytes(paper), VAULT_RECOVERY_TEXT),
                         -ENOENT);
        assert_int_equal(recover(place), 1);
}

#define WITH_PLACE(f) cmocka_unit_test_setup_teardown(f, place_make, place_remove)

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                WITH_PLACE(who_has_the_file_and_the_paper_has_the_key),
                WITH_PLACE(what_was_sealed_before_opens_under_the_key_that_came_back),
                WITH_PLACE(a_key_that_is_there_stays),
                WITH_PLACE(a_pair_is_not_written_over_another),
                WITH_PLACE(a_private_half_nobody_saw_leaves_no_public_one),
                WITH_PLACE(it_is_made_once_for_a_pair),
                WITH_PLACE(without_a_public_half_nothing_is_kept),
                WITH_PLACE(a_public_half_that_is_none_is_told_and_the_vault_serves),
                WITH_PLACE(another_paper_opens_nothing),
                WITH_PLACE(a_mistyped_paper_is_told_from_another_one),
                WITH_PLACE(a_damaged_file_opens_nothing),
        };

        if (argc != 2)
                return 2;
        vault_program = argv[1];
        return cmocka_run_group_tests(tests, NULL, NULL);
}
