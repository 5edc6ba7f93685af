/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Codes that um made itself, as hashes: recovery codes, and those that are sent.
 *
 * A keyed hash (BLAKE2b, RFC 7693) under a key of its own, made of the record key: without the
 * vault nobody can try a code, however short, and with it there is the ceiling.  So it need not be
 * slow, and a code is found among all of a user's at once.  The salt is what keeps the making of
 * hashes from being a way around the ceiling.  The subject is hashed with it, as it is sealed
 * elsewhere. */

#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "base/base.h"
#include "um_vault/vault.h"

#define CODE_LABEL "um-vault code key 1"
#define CODE_SALT  16U
#define CODE_HASH  32U

_Static_assert(VAULT_CODE_HASH_BYTES == CODE_SALT + CODE_HASH, "as um_vault.h says");
_Static_assert(VAULT_CODES_MAX *VAULT_CODE_HASH_BYTES <= VAULT_VERIFIER_MAX, "all fit");

/* What every hash of a subject begins with: its key and the subject. */
static int hash_begin(const Secret *key, const VaultSubject *subject,
                      crypto_generichash_state *ret) {
        uint8_t subkey[crypto_generichash_KEYBYTES], bound[VAULT_BOUND_BYTES];
        int r;

        vault_subject_bind(subject, bound);
        r = crypto_generichash(subkey, sizeof(subkey), (const uint8_t *)CODE_LABEL,
                               sizeof(CODE_LABEL), base_secret_bytes(key), base_secret_len(key));
        if (r == 0)
                r = crypto_generichash_init(ret, subkey, sizeof(subkey), CODE_HASH);
        if (r == 0)
                r = crypto_generichash_update(ret, bound, sizeof(bound));
        base_wipe(subkey, sizeof(subkey));
        return r == 0 ? 0 : -EIO;
}

/* begun is copied: one beginning serves all codes of a subject. */
static int code_hash(const crypto_generichash_state *begun, const uint8_t *salt, const char *code,
                     size_t len, uint8_t *ret_hash) {
        crypto_generichash_state state = *begun;
        int r = crypto_generichash_update(&state, salt, CODE_SALT);

        if (r == 0)
                r = crypto_generichash_update(&state, (const uint8_t *)code, len);
        if (r == 0)
                r = crypto_generichash_final(&state, ret_hash, CODE_HASH);
        base_wipe(&state, sizeof(state));
        return r == 0 ? 0 : -EIO;
}

size_t vault_codes_next(const char *s, size_t len) {
        size_t at = 0;

        while (at < len && s[at] > ' ' && s[at] <= '~')
                at++;
        if (at < VAULT_CODE_MIN || at > VAULT_CODE_MAX || (at < len && s[at] != ' '))
                return 0;
        return at;
}

static int codes_hash(const crypto_generichash_state *begun, const char *s, size_t len,
                      uint8_t *buf, uint32_t *ret_len) {
        uint32_t out = 0;

        for (;; s++, len--) { /* over the space */
                size_t code_len = vault_codes_next(s, len);
                int r;

                if (code_len == 0 || out == VAULT_CODES_MAX * VAULT_CODE_HASH_BYTES)
                        return VAULT_E_CODES;
                r = base_random(buf + out, CODE_SALT);
                if (r >= 0)
                        r = code_hash(begun, buf + out, s, code_len, buf + out + CODE_SALT);
                if (r < 0)
                        return r;
                out += VAULT_CODE_HASH_BYTES;
                s += code_len;
                len -= code_len;
                if (len == 0)
                        break;
        }
        *ret_len = out;
        return 0;
}

int vault_codes_hash(const Secret *key, const VaultSubject *subject, const Secret *codes,
                     uint8_t *buf, uint32_t *ret_len) {
        crypto_generichash_state begun;
        int r = hash_begin(key, subject, &begun);

        if (r >= 0)
                r = codes_hash(&begun, base_secret_bytes(codes), base_secret_len(codes), buf,
                               ret_len);
        base_wipe(&begun, sizeof(begun));
        return r;
}

int vault_code_find(const Secret *key, const VaultSubject *subject, const uint8_t *hashes,
                    size_t len, const Secret *code, bool *ret_match, uint64_t *ret_index) {
        crypto_generichash_state begun;
        uint64_t at = 0;
        bool match = false;
        int r;

        if (len == 0 || len % VAULT_CODE_HASH_BYTES != 0 ||
            len > VAULT_CODES_MAX * VAULT_CODE_HASH_BYTES)
                return VAULT_E_CODES;
        r = hash_begin(key, subject, &begun);
        for (size_t i = 0; r >= 0 && i < len / VAULT_CODE_HASH_BYTES; i++) {
                const uint8_t *entry = hashes + i * VAULT_CODE_HASH_BYTES;
                uint8_t hash[CODE_HASH];

                r = code_hash(&begun, entry, base_secret_bytes(code), base_secret_len(code), hash);
                if (r >= 0) {
                        uint64_t equal = base_bytes_equal(hash, entry + CODE_SALT, CODE_HASH);

                        at |= i & (0 - (equal & !match));
                        match |= equal;
                }
                base_wipe(hash, sizeof(hash));
        }
        base_wipe(&begun, sizeof(begun));
        if (r < 0)
                return r;
        *ret_match = match;
        *ret_index = at;
        return 0;
}
