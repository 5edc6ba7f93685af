/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What decodes as base32 encodes to itself, but for case and padding; what is read as half of a
 * recovery key has the length and the shape of one. */

#include <assert.h>
#include <string.h>
#include <strings.h>

#include "base/base.h"
#include "um_vault/vault.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        const char *text = (const char *)data;
        uint8_t bytes[VAULT_SEED_MAX], key[32];
        char again[VAULT_SEED_TEXT_MAX];
        size_t len;

        if (vault_base32_decode(text, size, bytes, sizeof(bytes), &len) == 0) {
                size_t digits = vault_base32_encode(bytes, len, again);

                assert(digits <= size && strncasecmp(again, text, digits) == 0);
                for (size_t i = digits; i < size; i++)
                        assert(text[i] == '=');
        }
        if (vault_recovery_parse(RECOVERY_PRIVATE, text, size, key) == 0) {
                assert(size == VAULT_RECOVERY_TEXT || size == VAULT_RECOVERY_TEXT - 1);
                assert(vault_recovery_parse(RECOVERY_PUBLIC, text, size, key) == VAULT_E_TEXT);
        }
        return 0;
}
