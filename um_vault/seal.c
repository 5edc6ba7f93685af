/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Seals: what makes a verifier mean nothing to umd, to its store and to any other user's record.
 *
 * XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha, by libsodium) with a random nonce of 24 bytes, which
 * needs no counter.  The subject is authenticated with it, field by field in a fixed order and
 * width: a verifier moved to another uid, version, kind or store does not open.
 * Layout: 1 byte of version, 24 of nonce, the ciphertext, 16 of tag. */

#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "base/base.h"
#include "um_vault/vault.h"

#define SEAL_VERSION 1
#define SEAL_NONCE   crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define SEAL_TAG     crypto_aead_xchacha20poly1305_ietf_ABYTES
#define SEAL_LABEL   "um-vault verifier 1"

_Static_assert(VAULT_SEAL_BYTES == 1 + SEAL_NONCE + SEAL_TAG, "as um_vault.h says");
_Static_assert(VAULT_BOUND_BYTES == sizeof(SEAL_LABEL) + 16 + 4 + 4 + 8, "as vault.h says");
_Static_assert(VAULT_KEY_BYTES == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "the key is whole");

static uint8_t *number_put(uint8_t *at, uint64_t value, size_t bytes) {
        for (size_t i = 0; i < bytes; i++)
                *at++ = (uint8_t)(value >> (8 * i));
        return at;
}

void vault_subject_bind(const VaultSubject *subject, uint8_t *bound) {
        memcpy(bound, SEAL_LABEL, sizeof(SEAL_LABEL));
        bound += sizeof(SEAL_LABEL);
        memcpy(bound, subject->store_id, sizeof(subject->store_id));
        bound += sizeof(subject->store_id);
        bound = number_put(bound, subject->uid, 4);
        bound = number_put(bound, subject->kind, 4);
        number_put(bound, subject->version, 8);
}

int vault_seal(const Secret *key, const VaultSubject *subject, const void *data, size_t len,
               uint8_t *buf, uint32_t *ret_len) {
        uint8_t bound[VAULT_BOUND_BYTES], *nonce = buf + 1;
        unsigned long long sealed = 0;
        int r;

        if (len > VAULT_VERIFIER_MAX - VAULT_SEAL_BYTES)
                return -EMSGSIZE;
        buf[0] = SEAL_VERSION;
        r = base_random(nonce, SEAL_NONCE);
        if (r < 0)
                return r;
        vault_subject_bind(subject, bound);
        if (crypto_aead_xchacha20poly1305_ietf_encrypt(nonce + SEAL_NONCE, &sealed, data, len,
                                                       bound, sizeof(bound), NULL, nonce,
                                                       base_secret_bytes(key)) != 0)
                return -EIO;
        *ret_len = (uint32_t)(1 + SEAL_NONCE + sealed);
        return 0;
}

int vault_unseal(const Secret *key, const VaultSubject *subject, const uint8_t *verifier,
                 size_t len, Secret **ret) {
        uint8_t bound[VAULT_BOUND_BYTES], plain[VAULT_VERIFIER_MAX];
        unsigned long long opened = 0;
        int r;

        if (len < VAULT_SEAL_BYTES || len > VAULT_VERIFIER_MAX || verifier[0] != SEAL_VERSION)
                return VAULT_E_SEAL;
        vault_subject_bind(subject, bound);
        if (crypto_aead_xchacha20poly1305_ietf_decrypt(plain, &opened, NULL,
                                                       verifier + 1 + SEAL_NONCE,
                                                       len - 1 - SEAL_NONCE, bound, sizeof(bound),
                                                       verifier + 1, base_secret_bytes(key)) != 0)
                return VAULT_E_SEAL;
        r = base_secret_new(plain, (size_t)opened, ret);
        base_wipe(plain, sizeof(plain));
        return r;
}
