/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A security key of software for OpenSSH's clients, by the interface that they load providers with
 * (PROTOCOL.u2f, sk-api.h; version 10, as of OpenSSH 9.2): ed25519 alone, always touched.  It says
 * that it verified its user where the application it was made for is "ssh:verifies", and only
 * there: what a key with a fingerprint reader does without being asked.  Nothing is secret here. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#define API_VERSION   0x000a0000U
#define ALG_ED25519   1U
#define FLAG_TOUCHED  0x01U
#define FLAG_VERIFIED 0x04U

#define FAILED      (-1)
#define UNSUPPORTED (-2)

struct sk_option;
struct sk_resident_key;

struct sk_enroll_response {
        uint8_t flags;
        uint8_t *public_key;
        size_t public_key_len;
        uint8_t *key_handle;
        size_t key_handle_len;
        uint8_t *signature;
        size_t signature_len;
        uint8_t *attestation_cert;
        size_t attestation_cert_len;
        uint8_t *authdata;
        size_t authdata_len;
};

struct sk_sign_response {
        uint8_t flags;
        uint32_t counter;
        uint8_t *sig_r;
        size_t sig_r_len;
        uint8_t *sig_s;
        size_t sig_s_len;
};

uint32_t sk_api_version(void);
int sk_enroll(uint32_t alg, const uint8_t *challenge, size_t challenge_len, const char *application,
              uint8_t flags, const char *pin, struct sk_option **options,
              struct sk_enroll_response **ret);
int sk_sign(uint32_t alg, const uint8_t *data, size_t data_len, const char *application,
            const uint8_t *key_handle, size_t key_handle_len, uint8_t flags, const char *pin,
            struct sk_option **options, struct sk_sign_response **ret);
int sk_load_resident_keys(const char *pin, struct sk_option **options,
                          struct sk_resident_key ***ret_keys, size_t *ret_count);

uint32_t sk_api_version(void) {
        return API_VERSION;
}

/* The handle is the secret key itself. */
int sk_enroll(uint32_t alg, const uint8_t *challenge, size_t challenge_len, const char *application,
              uint8_t flags, const char *pin, struct sk_option **options,
              struct sk_enroll_response **ret) {
        struct sk_enroll_response *made;

        if (alg != ALG_ED25519 || sodium_init() < 0)
                return UNSUPPORTED;
        made = calloc(1, sizeof(*made));
        if (!made)
                return FAILED;
        made->flags = flags;
        made->public_key = calloc(1, crypto_sign_PUBLICKEYBYTES);
        made->key_handle = calloc(1, crypto_sign_SECRETKEYBYTES);
        made->signature = calloc(1, 1); /* who made it nobody asks */
        if (!made->public_key || !made->key_handle || !made->signature)
                return FAILED; /* the process ends with it */
        made->public_key_len = crypto_sign_PUBLICKEYBYTES;
        made->key_handle_len = crypto_sign_SECRETKEYBYTES;
        if (crypto_sign_keypair(made->public_key, made->key_handle) < 0)
                return FAILED;
        *ret = made;
        return 0;
}

/* Signed are the hash of the application, the flags, the counter and the hash of the data. */
int sk_sign(uint32_t alg, const uint8_t *data, size_t data_len, const char *application,
            const uint8_t *key_handle, size_t key_handle_len, uint8_t flags, const char *pin,
            struct sk_option **options, struct sk_sign_response **ret) {
        uint8_t message[crypto_hash_sha256_BYTES + 1 + 4 + crypto_hash_sha256_BYTES] = { 0 };
        struct sk_sign_response *made;

        if (alg != ALG_ED25519 || key_handle_len != crypto_sign_SECRETKEYBYTES || sodium_init() < 0)
                return UNSUPPORTED;
        made = calloc(1, sizeof(*made));
        if (!made)
                return FAILED;
        made->flags = strcmp(application, "ssh:verifies") == 0 ? FLAG_TOUCHED | FLAG_VERIFIED
                                                               : FLAG_TOUCHED;
        made->sig_r = calloc(1, crypto_sign_BYTES);
        if (!made->sig_r)
                return FAILED;
        made->sig_r_len = crypto_sign_BYTES;
        crypto_hash_sha256(message, (const uint8_t *)application, strlen(application));
        message[crypto_hash_sha256_BYTES] = made->flags;
        crypto_hash_sha256(message + crypto_hash_sha256_BYTES + 1 + 4, data, data_len);
        if (crypto_sign_detached(made->sig_r, NULL, message, sizeof(message), key_handle) < 0)
                return FAILED;
        *ret = made;
        return 0;
}

int sk_load_resident_keys(const char *pin, struct sk_option **options,
                          struct sk_resident_key ***ret_keys, size_t *ret_count) {
        return UNSUPPORTED;
}
