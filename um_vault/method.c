/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The methods of crypt(3) um believes, and nothing else crypt would also accept.
 *
 * A stored string is examined to its last byte before crypt sees it, so that crypt's ways of saying
 * no ("*0", "*1", NULL, a short string) can equal no record, and a record no worker's day.  There
 * is no fallback: a hash that cannot be made is a fault.  DES, MD5, "", "*" and "!" are no records.
 * What crypt leaves in its room is wiped each time. */

#include <crypt.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "base/base.h"
#include "um_vault/vault.h"

#define ALPHABET          "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define YESCRYPT_PREFIX   "$y$"
#define YESCRYPT_HASH     43U
#define BCRYPT_PASSWORD   72U
#define BCRYPT_COST_MAX   14U
#define SHA_ROUNDS_MIN    1000U
#define SHA_ROUNDS_MAX    1000000U
#define SALT_RANDOM       16U
#define PASSWORD_STAND_IN "a password that fits nobody"

_Static_assert(BASE_PASSWORD_MAX < CRYPT_MAX_PASSPHRASE_SIZE, "crypt takes every password of um");

struct VaultRoom {
        struct crypt_data data;
};

int vault_room_new(VaultRoom **ret) {
        VaultRoom *room = mmap(NULL, sizeof(*room), PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        if (room == MAP_FAILED)
                return -ENOMEM;
        (void)mlock(room, sizeof(*room));
        (void)madvise(room, sizeof(*room), MADV_DONTDUMP);
        *ret = room;
        return 0;
}

VaultRoom *vault_room_free(VaultRoom *room) {
        if (room) {
                base_wipe(room, sizeof(*room));
                munmap(room, sizeof(*room));
        }
        return NULL;
}

/* ---- what a record may look like ------------------------------------------------------------- */

/* Each takes the text behind the prefix and returns what follows the parameters, or NULL. */
typedef const char *(*ParameterReader)(const char *s, VaultMethod *method);

/* "j", log2 N, r, "$".  crypt_gensalt(3) makes j75 and j85 (8 MiB and less) and j7T to jFT; the
 * default is j9T, 16 MiB, and beyond jCT a guess takes 256 MiB. */
static const char *yescrypt_parameters(const char *s, VaultMethod *method) {
        static const char sizes[] = "789ABC", floor[] = "9ABC";
        const char *at;

        if (s[0] != 'j' || s[1] == '\0' || !strchr(sizes, s[1]) || (s[2] != '5' && s[2] != 'T') ||
            s[3] != '$')
                return NULL;
        at = strchr(floor, s[1]);
        if (at && s[2] == 'T')
                method->cost = VAULT_COST_MIN + (unsigned)(at - floor);
        return s + 4;
}

static const char *sha_parameters(const char *s, VaultMethod *method) {
        uint64_t rounds;
        char digits[8];
        size_t len;

        if (strncmp(s, "rounds=", 7) != 0)
                return s;
        s += 7;
        len = strspn(s, "0123456789");
        if (len >= sizeof(digits) || s[len] != '$')
                return NULL;
        memcpy(digits, s, len);
        digits[len] = '\0';
        if (base_parse_u64(digits, SHA_ROUNDS_MIN, SHA_ROUNDS_MAX, &rounds) < 0)
                return NULL;
        return s + len + 1;
}

static const char *bcrypt_parameters(const char *s, VaultMethod *method) {
        unsigned cost;

        if (s[0] < '0' || s[0] > '9' || s[1] < '0' || s[1] > '9' || s[2] != '$')
                return NULL;
        cost = (unsigned)(s[0] - '0') * 10 + (unsigned)(s[1] - '0');
        if (cost < 4 || cost > BCRYPT_COST_MAX)
                return NULL;
        method->password_max_len = BCRYPT_PASSWORD;
        return s + 3;
}

static const struct {
        const char *prefix;
        ParameterReader parameters;
        size_t salt_max; /* 0: salt and hash are one text */
        size_t hash_len;
} schemes[] = {
        { YESCRYPT_PREFIX, yescrypt_parameters, 86, YESCRYPT_HASH },
        { "$6$", sha_parameters, 16, 86 },
        { "$5$", sha_parameters, 16, 43 },
        { "$2b$", bcrypt_parameters, 0, 22 + 31 },
        { "$2y$", bcrypt_parameters, 0, 22 + 31 },
        { "$2a$", bcrypt_parameters, 0, 22 + 31 },
};

int vault_method_examine(const Secret *hash, VaultMethod *ret) {
        const char *s = base_secret_bytes(hash), *end = s + base_secret_len(hash);

        for (size_t i = 0; i < ARRAY_LENGTH(schemes); i++) {
                size_t prefix_len = strlen(schemes[i].prefix), salt_len;
                VaultMethod method = { .password_max_len = BASE_PASSWORD_MAX };

                if (strncmp(s, schemes[i].prefix, prefix_len) != 0)
                        continue;
                s = schemes[i].parameters(s + prefix_len, &method);
                if (!s)
                        return VAULT_E_METHOD;
                if (schemes[i].salt_max > 0) {
                        salt_len = strspn(s, ALPHABET);
                        if (salt_len > schemes[i].salt_max || s[salt_len] != '$')
                                return VAULT_E_METHOD;
                        s += salt_len + 1;
                }
                if (strspn(s, ALPHABET) != schemes[i].hash_len || s + schemes[i].hash_len != end)
                        return VAULT_E_METHOD;
                *ret = method;
                return 0;
        }
        return VAULT_E_METHOD;
}

/* ---- hashing --------------------------------------------------------------------------------- */

static bool password_fits(const Secret *password, size_t max_len) {
        size_t len = base_secret_len(password);

        return len > 0 && len <= max_len && !memchr(base_secret_bytes(password), '\0', len);
}

static int setting_make(unsigned cost, char *setting, size_t size) {
        char salt[SALT_RANDOM];
        int r = base_random(salt, sizeof(salt));

        if (r < 0)
                return r;
        return crypt_gensalt_rn(YESCRYPT_PREFIX, cost, salt, sizeof(salt), setting, (int)size)
                       ? 0
                       : -EIO;
}

int vault_method_hash(VaultRoom *room, unsigned cost, const Secret *password, Secret **ret_hash) {
        _cleanup_secret_ Secret *hash = NULL;
        char setting[CRYPT_GENSALT_OUTPUT_SIZE];
        const char *text;
        VaultMethod method;
        int r;

        if (!password_fits(password, BASE_PASSWORD_MAX))
                return VAULT_E_PASSWORD;
        r = setting_make(cost, setting, sizeof(setting));
        if (r < 0)
                return r;
        text = crypt_rn(base_secret_bytes(password), setting, &room->data, sizeof(room->data));
        r = text ? base_secret_new(text, strnlen(text, CRYPT_OUTPUT_SIZE), &hash) : -EIO;
        base_wipe(room, sizeof(*room));
        if (r < 0)
                return r;
        if (vault_method_examine(hash, &method) != 0 || method.cost != cost)
                return -EIO; /* what cannot be believed later is not stored now */
        *ret_hash = TAKE(hash);
        return 0;
}

int vault_method_verify(VaultRoom *room, const VaultMethod *method, const Secret *hash,
                        const Secret *password, bool *ret_match) {
        bool fits = password_fits(password, method->password_max_len), match = false;
        const char *text = crypt_rn(fits ? base_secret_bytes(password) : PASSWORD_STAND_IN,
                                    base_secret_bytes(hash), &room->data, sizeof(room->data));
        size_t len = base_secret_len(hash);
        int r = 0;

        if (!text || strnlen(text, CRYPT_OUTPUT_SIZE) != len || text[0] != '$')
                r = -EIO;
        else
                match = base_bytes_equal(text, base_secret_bytes(hash), len) && fits;
        base_wipe(room, sizeof(*room));
        if (r < 0)
                return r;
        *ret_match = match;
        return 0;
}

int vault_method_dummy(unsigned cost, Secret **ret_hash) {
        char text[CRYPT_OUTPUT_SIZE];
        uint8_t random[YESCRYPT_HASH];
        size_t len;
        int r;

        r = setting_make(cost, text, CRYPT_GENSALT_OUTPUT_SIZE);
        if (r >= 0)
                r = base_random(random, sizeof(random));
        if (r < 0)
                return r;
        len = strlen(text);
        text[len++] = '$';
        for (size_t i = 0; i < sizeof(random); i++)
                text[len++] = ALPHABET[random[i] % 64];
        return base_secret_new(text, len, ret_hash);
}

/* The thread's time, not the clock's: other work of the machine makes no hash dearer. */
int vault_method_measure(void *room, unsigned cost, uint64_t *ret_usec) {
        _cleanup_secret_ Secret *password = NULL, *hash = NULL;
        uint64_t began_usec = base_thread_usec();
        int r;

        r = base_secret_new(PASSWORD_STAND_IN, sizeof(PASSWORD_STAND_IN) - 1, &password);
        if (r >= 0)
                r = vault_method_hash(room, cost, password, &hash);
        if (r < 0)
                return r;
        *ret_usec = base_thread_usec() - began_usec;
        return 0;
}
