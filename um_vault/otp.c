/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Seeds of one-time codes, and a typed code against one (RFC 4226, RFC 6238).
 *
 * A seed is sealed behind its form, so that nobody turns eight digits into six.  liboath makes the
 * codes and nothing else: its validators stop at the first that is right and compare with strcmp
 * (SECURITY J5), its readers of base32 and of files allocate.  What it is called for here does
 * neither allocation nor I/O; it leaves traces of the seed on the stack, which are wiped.
 *
 * All codes of a window are made and compared each time, so that how long it takes says nothing of
 * which one is right, nor whether one is. */

#include <errno.h>
#include <liboath/oath.h>
#include <sodium.h>
#include <string.h>

#include "base/base.h"
#include "um_vault/vault.h"

#define STACK_BYTES 8192U           /* more than liboath's deepest call uses */
#define NOW_SEC_MAX 253402300799ULL /* the end of the year 9999 */
#define FLOOR_MAX   (UINT64_MAX / 4)

/* An open seed; bytes point into the secret. */
typedef struct Seed {
        VaultSeedForm form;
        const char *bytes;
        size_t len;
} Seed;

static const struct {
        int flags; /* liboath's */
        size_t seed_bytes;
} algorithms[_VAULT_ALGORITHM_MAX] = {
        [VAULT_ALGORITHM_SHA1] = { 0, 20 },
        [VAULT_ALGORITHM_SHA256] = { OATH_TOTP_HMAC_SHA256, 32 },
        [VAULT_ALGORITHM_SHA512] = { OATH_TOTP_HMAC_SHA512, 64 },
};

static bool form_is_valid(const VaultSeedForm *form, uint32_t kind) {
        bool period = kind == VAULT_KIND_TOTP ? form->period_sec >= VAULT_PERIOD_MIN &&
                                                        form->period_sec <= VAULT_PERIOD_MAX
                                              : form->period_sec == 0;

        return period && form->algorithm < _VAULT_ALGORITHM_MAX &&
               form->digits >= VAULT_DIGITS_MIN && form->digits <= VAULT_DIGITS_MAX;
}

/* ---- making one ------------------------------------------------------------------------------ */

static int seed_seal(const Secret *key, const VaultSubject *subject, const VaultSeedForm *form,
                     const uint8_t *seed, size_t len, uint8_t *buf, uint32_t *ret_len) {
        uint8_t plain[sizeof(*form) + VAULT_SEED_MAX];
        int r;

        memcpy(plain, form, sizeof(*form));
        memcpy(plain + sizeof(*form), seed, len);
        r = vault_seal(key, subject, plain, sizeof(*form) + len, buf, ret_len);
        base_wipe(plain, sizeof(plain));
        return r;
}

int vault_seed_new(const Secret *key, const VaultSubject *subject, const VaultSeedForm *form,
                   uint8_t *buf, uint32_t *ret_len, Secret **ret_text) {
        _cleanup_secret_ Secret *text = NULL;
        uint8_t seed[VAULT_SEED_MAX];
        char chars[VAULT_SEED_TEXT_MAX];
        size_t len;
        int r;

        if (!form_is_valid(form, subject->kind))
                return VAULT_E_FORM;
        len = algorithms[form->algorithm].seed_bytes;
        r = base_random(seed, len);
        if (r >= 0)
                r = base_secret_new(chars, vault_base32_encode(seed, len, chars), &text);
        if (r >= 0)
                r = seed_seal(key, subject, form, seed, len, buf, ret_len);
        base_wipe(seed, sizeof(seed));
        base_wipe(chars, sizeof(chars));
        if (r >= 0)
                *ret_text = TAKE(text);
        return r;
}

int vault_seed_import(const Secret *key, const VaultSubject *subject, const VaultSeedForm *form,
                      const Secret *text, uint8_t *buf, uint32_t *ret_len) {
        uint8_t seed[VAULT_SEED_MAX];
        size_t len;
        int r;

        if (!form_is_valid(form, subject->kind))
                return VAULT_E_FORM;
        r = vault_base32_decode(base_secret_bytes(text), base_secret_len(text), seed, sizeof(seed),
                                &len);
        if (r < 0 || len < VAULT_SEED_MIN)
                r = VAULT_E_SEED;
        else
                r = seed_seal(key, subject, form, seed, len, buf, ret_len);
        base_wipe(seed, sizeof(seed));
        return r;
}

/* ---- a typed code ---------------------------------------------------------------------------- */

static int seed_open(const Secret *key, const VaultSubject *subject, const uint8_t *sealed,
                     size_t len, Secret **ret_plain, Seed *ret) {
        int r = vault_unseal(key, subject, sealed, len, ret_plain);

        if (r != 0)
                return r;
        len = base_secret_len(*ret_plain);
        if (len < sizeof(ret->form) + VAULT_SEED_MIN || len > sizeof(ret->form) + VAULT_SEED_MAX)
                return VAULT_E_SEAL;
        memcpy(&ret->form, base_secret_bytes(*ret_plain), sizeof(ret->form));
        ret->bytes = (const char *)base_secret_bytes(*ret_plain) + sizeof(ret->form);
        ret->len = len - sizeof(ret->form);
        return form_is_valid(&ret->form, subject->kind) ? 0 : VAULT_E_SEAL;
}

static bool otp_is_valid(const VaultOtp *otp, uint32_t kind) {
        if (otp->floor > FLOOR_MAX)
                return false;
        if (kind == VAULT_KIND_TOTP)
                return otp->now_sec <= NOW_SEC_MAX && otp->window <= VAULT_DRIFT_MAX &&
                       otp->resync == 0;
        return otp->now_sec == 0 && otp->window <= VAULT_AHEAD_MAX &&
               otp->resync <= VAULT_RESYNC_MAX;
}

/* Is what was typed the seed's code at step?  liboath's step of one second makes its time the
 * counter, for each of the algorithms.  typed has VAULT_DIGITS_MAX bytes. */
static int code_compare(const Seed *seed, uint64_t step, const char *typed, bool *ret_equal) {
        char code[VAULT_DIGITS_MAX + 1];

        if (oath_totp_generate2(seed->bytes, seed->len, (time_t)step, 1, 0, seed->form.digits,
                                algorithms[seed->form.algorithm].flags, code) != OATH_OK)
                return -EIO;
        *ret_equal = base_bytes_equal(code, typed, seed->form.digits);
        base_wipe(code, sizeof(code));
        return 0;
}

/* The digits that were typed at s, in a room of their own; false (and zeros, which are no digits)
 * where they are none. */
static bool typed_take(const char *s, size_t len, unsigned digits, char *ret_typed) {
        memset(ret_typed, 0, VAULT_DIGITS_MAX);
        if (len != digits)
                return false;
        for (size_t i = 0; i < len; i++)
                if (s[i] < '0' || s[i] > '9')
                        return false;
        memcpy(ret_typed, s, len);
        return true;
}

/* value where take, without a branch that would show which. */
static uint64_t chosen(bool take, uint64_t value, uint64_t other) {
        uint64_t mask = 0 - (uint64_t)take;

        return (value & mask) | (other & ~mask);
}

typedef struct Window {
        uint64_t first, last;
        bool later; /* of two right ones the later counts */
} Window;

static Window window_of(const Seed *seed, const VaultOtp *otp) {
        uint64_t now;

        if (seed->form.period_sec == 0)
                return (Window){ .first = otp->floor > 0 ? otp->floor - 1 : 0,
                                 .last = otp->floor + otp->window };
        now = otp->now_sec / seed->form.period_sec;
        return (Window){ .first = now > otp->window ? now - otp->window : 0,
                         .last = now + otp->window,
                         .later = true };
}

static int one_find(const Seed *seed, const VaultOtp *otp, const char *s, size_t len,
                    VaultStatus *ret, uint64_t *ret_step) {
        Window window = window_of(seed, otp);
        char typed[VAULT_DIGITS_MAX];
        bool fits = typed_take(s, len, seed->form.digits, typed), found = false, used = false;
        uint64_t at = 0, used_at = 0;
        int r = 0;

        for (uint64_t step = window.first; r >= 0 && step <= window.last; step++) {
                bool fresh = step >= otp->floor, equal = false;

                r = code_compare(seed, step, typed, &equal);
                equal &= fits;
                at = chosen(equal & fresh & (window.later | !found), step, at);
                used_at = chosen(equal & !fresh, step, used_at);
                found |= equal & fresh;
                used |= equal & !fresh;
        }
        base_wipe(typed, sizeof(typed));
        if (r < 0)
                return r;
        *ret = found ? VAULT_MATCH : used ? VAULT_USED : VAULT_NO_MATCH;
        *ret_step = found ? at : used_at;
        return 0;
}

/* Two codes in a row: the step of the second. */
static int pair_find(const Seed *seed, const VaultOtp *otp, const char *s, VaultStatus *ret,
                     uint64_t *ret_step) {
        unsigned digits = seed->form.digits;
        char first[VAULT_DIGITS_MAX], second[VAULT_DIGITS_MAX];
        bool fits = typed_take(s, digits, digits, first), before = false, found = false;
        uint64_t at = 0;
        int r = 0;

        fits &= typed_take(s + digits + 1, digits, digits, second);
        for (uint64_t step = otp->floor; r >= 0 && step <= otp->floor + otp->resync + 1; step++) {
                bool is_first = false, is_second = false;

                r = code_compare(seed, step, first, &is_first);
                if (r >= 0)
                        r = code_compare(seed, step, second, &is_second);
                is_second &= before & fits;
                at = chosen(is_second & !found, step, at);
                found |= is_second;
                before = is_first;
        }
        base_wipe(first, sizeof(first));
        base_wipe(second, sizeof(second));
        if (r < 0)
                return r;
        *ret = found ? VAULT_MATCH : VAULT_NO_MATCH;
        *ret_step = at;
        return 0;
}

int vault_otp_check(const Secret *key, const VaultSubject *subject, const VaultOtp *otp,
                    const uint8_t *sealed, size_t len, const Secret *code, VaultStatus *ret,
                    uint64_t *ret_step) {
        _cleanup_secret_ Secret *plain = NULL;
        const char *s = base_secret_bytes(code);
        size_t code_len = base_secret_len(code);
        Seed seed;
        int r;

        if (!otp_is_valid(otp, subject->kind))
                return VAULT_E_FORM;
        r = seed_open(key, subject, sealed, len, &plain, &seed);
        if (r != 0)
                return r;
        if (otp->resync > 0 && code_len == 2 * seed.form.digits + 1 && s[seed.form.digits] == ' ')
                r = pair_find(&seed, otp, s, ret, ret_step);
        else
                r = one_find(&seed, otp, s, code_len, ret, ret_step);
        sodium_stackzero(STACK_BYTES);
        return r;
}
