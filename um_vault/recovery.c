/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The record key a second time, for the day the disk with the first is dead.
 *
 * Passwords can be set anew, seeds of second factors cannot: they are in people's telephones.  So
 * the key is also kept sealed for a pair whose private half is on paper (crypto_box_seal: X25519,
 * XSalsa20-Poly1305); who has a backup of that file and the paper has the key.  Neither half alone
 * is of use, and the file may lie beside the store's backup.
 *
 * A half is written as 15 groups of 4 in base32: a byte that says which, 32 of key, 4 that notice
 * what was mistyped.  The file is a magic, the public half, the key's id, and the box of all that
 * and the key. */

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"
#include "um_vault/vault.h"

#define HALF_BYTES  32U
#define HALF_SUM    4U
#define HALF_DIGITS 60U /* of 1 + HALF_BYTES + HALF_SUM in base32 */
#define HALF_GROUP  4U
#define FILE_MAGIC  "um-vault recovery 1\n"
#define FILE_PUBLIC (sizeof(FILE_MAGIC) - 1)
#define FILE_ID     (FILE_PUBLIC + HALF_BYTES)
#define FILE_HEAD   (FILE_ID + VAULT_KEY_ID_BYTES)
#define FILE_PLAIN  (FILE_HEAD + VAULT_KEY_BYTES)
#define FILE_BYTES  (FILE_HEAD + FILE_PLAIN + crypto_box_SEALBYTES)

_Static_assert(HALF_BYTES == crypto_box_PUBLICKEYBYTES, "a half is whole");
_Static_assert(HALF_BYTES == crypto_box_SECRETKEYBYTES, "a half is whole");

/* ---- a half as text -------------------------------------------------------------------------- */

static int half_sum(const uint8_t *half, uint8_t *ret_sum) {
        static const uint8_t label[] = "um-vault recovery text 1";
        uint8_t sum[crypto_generichash_BYTES_MIN];

        if (crypto_generichash(sum, sizeof(sum), half, 1 + HALF_BYTES, label, sizeof(label)) != 0)
                return -EIO;
        memcpy(ret_sum, sum, HALF_SUM);
        return 0;
}

static int half_format(RecoveryHalf which, const uint8_t *key, char *ret_text) {
        uint8_t half[1 + HALF_BYTES + HALF_SUM] = { (uint8_t)which };
        char digits[HALF_DIGITS + 8];
        int r;

        memcpy(half + 1, key, HALF_BYTES);
        r = half_sum(half, half + 1 + HALF_BYTES);
        if (r >= 0) {
                (void)vault_base32_encode(half, sizeof(half), digits);
                for (size_t i = 0; i < HALF_DIGITS; i++) {
                        if (i > 0 && i % HALF_GROUP == 0)
                                *ret_text++ = '-';
                        *ret_text++ = digits[i];
                }
                *ret_text = '\n';
        }
        base_wipe(half, sizeof(half));
        base_wipe(digits, sizeof(digits));
        return r;
}

/* The digits without what is between the groups. */
static bool digits_take(const char *text, size_t len, char *ret_digits) {
        if (len == VAULT_RECOVERY_TEXT && text[len - 1] == '\n')
                len--;
        if (len != VAULT_RECOVERY_TEXT - 1)
                return false;
        for (size_t i = 0; i < len; i++) {
                bool between = i % (HALF_GROUP + 1) == HALF_GROUP;

                if (between != (text[i] == '-'))
                        return false;
                if (!between)
                        *ret_digits++ = text[i];
        }
        return true;
}

int vault_recovery_parse(RecoveryHalf which, const char *text, size_t len, uint8_t *ret_key) {
        uint8_t half[1 + HALF_BYTES + HALF_SUM], sum[HALF_SUM];
        char digits[HALF_DIGITS];
        size_t half_len = 0;
        int r = VAULT_E_TEXT;

        if (digits_take(text, len, digits) &&
            vault_base32_decode(digits, sizeof(digits), half, sizeof(half), &half_len) >= 0 &&
            half_len == sizeof(half)) {
                r = half_sum(half, sum);
                if (r >= 0)
                        r = base_bytes_equal(sum, half + 1 + HALF_BYTES, HALF_SUM) &&
                                            half[0] == (uint8_t)which
                                    ? 0
                                    : VAULT_E_TEXT;
        }
        if (r == 0)
                memcpy(ret_key, half + 1, HALF_BYTES);
        base_wipe(half, sizeof(half));
        base_wipe(digits, sizeof(digits));
        return r;
}

int vault_recovery_new(const char *public_file, Secret **ret_text) {
        char private_text[VAULT_RECOVERY_TEXT], public_text[VAULT_RECOVERY_TEXT];
        uint8_t private[HALF_BYTES], public[HALF_BYTES];
        _cleanup_secret_ Secret *text = NULL;
        int r;

        r = crypto_box_keypair(public, private) == 0 ? 0 : -EIO;
        if (r >= 0)
                r = half_format(RECOVERY_PRIVATE, private, private_text);
        base_wipe(private, sizeof(private));
        if (r >= 0)
                r = base_secret_new(private_text, sizeof(private_text), &text);
        base_wipe(private_text, sizeof(private_text));
        if (r >= 0)
                r = half_format(RECOVERY_PUBLIC, public, public_text);
        if (r >= 0)
                r = vault_file_write(AT_FDCWD, public_file, 0644, public_text, sizeof(public_text));
        if (r >= 0)
                *ret_text = TAKE(text);
        return r;
}

/* ---- the file -------------------------------------------------------------------------------- */

static int head_make(const uint8_t *public, const Secret *key, uint8_t *ret_head) {
        memcpy(ret_head, FILE_MAGIC, FILE_PUBLIC);
        memcpy(ret_head + FILE_PUBLIC, public, HALF_BYTES);
        return vault_key_id(key, ret_head + FILE_ID);
}

static int file_seal(const uint8_t *public, const Secret *key, uint8_t *ret_file) {
        uint8_t plain[FILE_PLAIN];
        int r = head_make(public, key, plain);

        if (r >= 0) {
                memcpy(plain + FILE_HEAD, base_secret_bytes(key), VAULT_KEY_BYTES);
                memcpy(ret_file, plain, FILE_HEAD);
                r = crypto_box_seal(ret_file + FILE_HEAD, plain, sizeof(plain), public) == 0 ? 0
                                                                                             : -EIO;
        }
        base_wipe(plain, sizeof(plain));
        return r;
}

/* Is the file there, for that half and that key?  What is in its box only the private half shows.
 */
static int file_is_current(int dir_fd, const uint8_t *public, const Secret *key, bool *ret) {
        _cleanup_free_ char *bytes = NULL;
        uint8_t head[FILE_HEAD];
        size_t len;
        int r;

        *ret = false;
        r = base_file_read(dir_fd, VAULT_RECOVERY_NAME, FILE_BYTES, &bytes, &len);
        if (r < 0)
                return r == -ENOENT || r == -EFBIG ? 0 : r;
        r = head_make(public, key, head);
        *ret = r >= 0 && len == FILE_BYTES && memcmp(bytes, head, sizeof(head)) == 0;
        return r;
}

int vault_recovery_keep(const char *public_file, const char *key_dir, const Secret *key,
                        VaultRecovery *ret) {
        uint8_t public[HALF_BYTES], file[FILE_BYTES];
        _cleanup_free_ char *text = NULL;
        _cleanup_close_ int dir_fd = -1;
        bool current;
        size_t len;
        int r;

        r = base_file_read(AT_FDCWD, public_file, VAULT_RECOVERY_TEXT, &text, &len);
        if (r == -ENOENT) {
                *ret = VAULT_RECOVERY_NONE;
                return 0;
        }
        if (r < 0)
                return r == -EFBIG ? VAULT_E_TEXT : r;
        r = vault_recovery_parse(RECOVERY_PUBLIC, text, len, public);
        if (r != 0)
                return r;
        dir_fd = open(key_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (dir_fd < 0)
                return -errno;
        r = file_is_current(dir_fd, public, key, &current);
        if (r >= 0 && !current)
                r = file_seal(public, key, file);
        if (r >= 0 && !current)
                r = vault_file_put(dir_fd, VAULT_RECOVERY_NAME, file, sizeof(file), true);
        if (r < 0)
                return r;
        *ret = VAULT_RECOVERY_KEPT;
        return 0;
}

static int file_open(const uint8_t *file, const uint8_t *private, Secret **ret_key) {
        uint8_t public[HALF_BYTES], plain[FILE_PLAIN], id[VAULT_KEY_ID_BYTES];
        _cleanup_secret_ Secret *key = NULL;
        int r;

        if (crypto_scalarmult_base(public, private) != 0)
                return -EIO;
        if (memcmp(file + FILE_PUBLIC, public, HALF_BYTES) != 0)
                return VAULT_E_PAIR;
        if (crypto_box_seal_open(plain, file + FILE_HEAD, FILE_BYTES - FILE_HEAD, public,
                                 private) != 0)
                return VAULT_E_FILE;
        r = base_secret_new(plain + FILE_HEAD, VAULT_KEY_BYTES, &key);
        if (r >= 0)
                r = vault_key_id(key, id);
        if (r >= 0)
                r = memcmp(plain, file, FILE_HEAD) == 0 &&
                                    memcmp(id, file + FILE_ID, sizeof(id)) == 0
                            ? 0
                            : VAULT_E_FILE;
        base_wipe(plain, sizeof(plain));
        if (r == 0)
                *ret_key = TAKE(key);
        return r;
}

int vault_recovery_open(const char *file, const Secret *text, Secret **ret_key) {
        _cleanup_free_ char *bytes = NULL;
        uint8_t private[HALF_BYTES];
        size_t len;
        int r;

        r = base_file_read(AT_FDCWD, file, FILE_BYTES, &bytes, &len);
        if (r < 0 && r != -EFBIG)
                return r;
        if (r < 0 || len != FILE_BYTES || memcmp(bytes, FILE_MAGIC, FILE_PUBLIC) != 0)
                return VAULT_E_FILE;
        r = vault_recovery_parse(RECOVERY_PRIVATE, base_secret_bytes(text), base_secret_len(text),
                                 private);
        if (r == 0)
                r = file_open((const uint8_t *)bytes, private, ret_key);
        base_wipe(private, sizeof(private));
        return r;
}
