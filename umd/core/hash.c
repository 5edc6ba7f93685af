/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SipHash-2-4 (Aumasson, Bernstein 2012): a short hash with a key, without a library.  For what
 * must not be predictable from outside, never for what must not be reversible by who has the key.
 */

#include "umd/core/internal.h"

static uint64_t rotate(uint64_t x, int bits) {
        return x << bits | x >> (64 - bits);
}

static void sip_round(uint64_t *v) {
        v[0] += v[1];
        v[1] = rotate(v[1], 13) ^ v[0];
        v[0] = rotate(v[0], 32);
        v[2] += v[3];
        v[3] = rotate(v[3], 16) ^ v[2];
        v[0] += v[3];
        v[3] = rotate(v[3], 21) ^ v[0];
        v[2] += v[1];
        v[1] = rotate(v[1], 17) ^ v[2];
        v[2] = rotate(v[2], 32);
}

static uint64_t sip_word(const uint8_t *data, size_t len) {
        uint64_t word = 0;

        for (size_t i = 0; i < len; i++)
                word |= (uint64_t)data[i] << (8 * i);
        return word;
}

uint64_t core_hash(const uint8_t *key, const void *data, size_t len) {
        const uint64_t k0 = sip_word(key, 8), k1 = sip_word(key + 8, 8);
        uint64_t v[4] = { k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d, k0 ^ 0x6c7967656e657261,
                          k1 ^ 0x7465646279746573 };

        for (size_t at = 0; at <= len; at += 8) {
                size_t n = len - at < 8 ? len - at : 8;
                uint64_t word = sip_word((const uint8_t *)data + at, n);

                if (n < 8)
                        word |= (uint64_t)len << 56;
                v[3] ^= word;
                sip_round(v);
                sip_round(v);
                v[0] ^= word;
        }
        v[2] ^= 0xff;
        for (int i = 0; i < 4; i++)
                sip_round(v);
        return v[0] ^ v[1] ^ v[2] ^ v[3];
}
