/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Base32 of RFC 4648, for what a person reads, types or scans: seeds and recovery keys.
 *
 * Strict: what decodes is the one way to write those bytes, but for case and for padding, which is
 * whole or not there.  Nothing is skipped, and the buffers are the caller's, to wipe as he must. */

#include <errno.h>
#include <string.h>

#include "um_vault/vault.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

size_t vault_base32_encode(const void *data, size_t len, char *ret_text) {
        const uint8_t *at = data;
        uint32_t bits = 0;
        unsigned count = 0;
        size_t out = 0;

        for (size_t i = 0; i < len; i++) {
                bits = bits << 8 | at[i];
                for (count += 8; count >= 5; count -= 5)
                        ret_text[out++] = alphabet[bits >> (count - 5) & 31];
        }
        if (count > 0)
                ret_text[out++] = alphabet[bits << (5 - count) & 31];
        return out;
}

static int digit_of(char c) {
        if (c >= 'a' && c <= 'z')
                return c - 'a';
        if (c >= 'A' && c <= 'Z')
                return c - 'A';
        return c >= '2' && c <= '7' ? c - '2' + 26 : -EINVAL;
}

/* The length without padding, or 0 where that is not whole. */
static size_t digits_count(const char *text, size_t len) {
        size_t digits = len;

        while (digits > 0 && text[digits - 1] == '=')
                digits--;
        return digits == len || (len % 8 == 0 && len - digits < 8) ? digits : 0;
}

int vault_base32_decode(const char *text, size_t len, void *buf, size_t size, size_t *ret_len) {
        size_t digits = digits_count(text, len), out = 0;
        uint8_t *bytes = buf;
        uint32_t bits = 0;
        unsigned count = 0;

        if (digits == 0 || digits * 5 / 8 > size)
                return -EINVAL;
        for (size_t i = 0; i < digits; i++) {
                int digit = digit_of(text[i]);

                if (digit < 0)
                        return digit;
                bits = bits << 5 | (uint32_t)digit;
                count += 5;
                if (count >= 8) {
                        count -= 8;
                        bytes[out++] = (uint8_t)(bits >> count);
                }
        }
        /* what is left is less than a digit, and nothing */
        if (count >= 5 || (bits & ((1U << count) - 1)) != 0)
                return -EINVAL;
        *ret_len = out;
        return 0;
}
