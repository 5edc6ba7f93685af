/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The two things of core that are written in Crockford's base32 (no I, L, O, U, so that nobody
 * misreads them): setup codes, "7K2P-9QXM-3T5W", 60 random bits; and references of decisions,
 * "um-7K2P", an audit entry's number.  Reading takes lower case, and I, L for 1 and O for 0 in
 * codes; what is hashed is always the form that is shown. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "umd/core/internal.h"
#include "umd/core/login.h"

static const char symbols[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

int core_setup_code_new(Secret **ret) {
        char code[SETUP_CODE_BYTES];
        uint8_t bits[12];
        size_t at = 0;
        int r;

        r = base_random(bits, sizeof(bits));
        if (r < 0)
                return r;
        for (size_t i = 0; i < sizeof(bits); i++) {
                if (i == 4 || i == 8)
                        code[at++] = '-';
                code[at++] = symbols[bits[i] & 31];
        }
        r = base_secret_new(code, at, ret);
        base_wipe(code, sizeof(code));
        base_wipe(bits, sizeof(bits));
        return r;
}

/* The symbol a character stands for, or 0. */
static char symbol_of(char c) {
        if (c >= 'a' && c <= 'z')
                c = (char)(c - 'a' + 'A');
        if (c == 'I' || c == 'L')
                c = '1';
        if (c == 'O')
                c = '0';
        return c != '\0' && strchr(symbols, c) ? c : '\0';
}

int core_setup_code_read(const Secret *answer, Secret **ret) {
        const char *s = base_secret_bytes(answer);
        char code[SETUP_CODE_BYTES];
        int r = -EINVAL;

        if (base_secret_len(answer) != sizeof(code))
                return r;
        for (size_t i = 0; i < sizeof(code); i++) {
                code[i] = i == 4 || i == 9 ? (s[i] == '-' ? '-' : '\0') : symbol_of(s[i]);
                if (code[i] == '\0')
                        goto out;
        }
        r = base_secret_new(code, sizeof(code), ret);
out:
        base_wipe(code, sizeof(code));
        return r;
}

void core_reference_format(uint64_t seq, char *buf, size_t size) {
        char digits[16];
        size_t at = sizeof(digits);

        digits[--at] = '\0';
        while (seq > 0 || sizeof(digits) - 1 - at < 4) {
                digits[--at] = symbols[seq & 31];
                seq >>= 5;
        }
        snprintf(buf, size, "um-%s", digits + at);
}
