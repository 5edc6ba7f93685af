/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What sshd says of the keys it verified, against a second reading of the lines: whatever the bytes
 * are, a line of a key is some kind, one that is known has its type's name in front and in its
 * blob, and nothing else is a kind at all. */

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "umd/core/login.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The names that may stand in front of a key of that kind, without what makes one a certificate's.
 */
static const char *type_of(PolicyKey key) {
        switch (key) {
        case POLICY_KEY_RSA_SHORT:
        case POLICY_KEY_RSA_2048:
        case POLICY_KEY_RSA_3072:
        case POLICY_KEY_RSA_4096:
                return "ssh-rsa";
        case POLICY_KEY_ED25519:
                return "ssh-ed25519";
        case POLICY_KEY_ECDSA_256:
                return "ecdsa-sha2-nistp256";
        case POLICY_KEY_ECDSA_384:
                return "ecdsa-sha2-nistp384";
        case POLICY_KEY_ECDSA_521:
                return "ecdsa-sha2-nistp521";
        case POLICY_KEY_SK_ED25519:
                return "sk-ssh-ed25519";
        case POLICY_KEY_SK_ECDSA:
                return "sk-ecdsa-sha2-nistp256";
        case POLICY_KEY_OTHER:
        case _POLICY_KEY_MAX:
                break;
        }
        return "";
}

/* The least that a line must have to be of that kind: its name, and as many digits as the name and
 * a short key make. */
static bool may_be(const char *line, size_t len, PolicyKey key) {
        char name[32];
        int n = snprintf(name, sizeof(name), " %s", type_of(key));

        return memmem(line, len, name, (size_t)n) && len > strlen(name) * 7 / 3 + 16;
}

static const Core core = { .store = NULL }; /* hashes with zeroes */

static void line_check(const char *line, size_t len) {
        char *alone = strndup(line, len);
        uint32_t kinds;

        assert(alone);
        kinds = core_ssh_keys(alone);
        assert((kinds & (kinds - 1)) == 0); /* one key a line */
        assert((core_ssh_key_hash(&core, alone) != 0) == (kinds != 0));
        assert((kinds != 0) == (strncmp(alone, "publickey", 9) == 0 &&
                                strchr(" /", alone[9]))); /* "" is in it too */
        for (PolicyKey key = POLICY_KEY_RSA_SHORT; key < _POLICY_KEY_MAX; key++)
                assert((kinds & 1U << key) == 0 || may_be(alone, len, key));
        free(alone);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        char *text = malloc(size + 1), buf[KEYS_TEXT_BYTES];
        uint32_t kinds, sum = 0;
        Text written;

        assert(text);
        memcpy(text, data, size);
        text[size] = '\0';
        kinds = core_ssh_keys(text);
        for (char *line = text; *line; line += *line == '\n') {
                size_t len = strcspn(line, "\n");
                char *alone = strndup(line, len);

                assert(alone);
                sum |= core_ssh_keys(alone);
                free(alone);
                line_check(line, len);
                line += len;
        }
        assert(kinds == sum && kinds < 1U << _POLICY_KEY_MAX);
        base_text_init(&written, buf, sizeof(buf));
        core_ssh_keys_write(kinds, &written);
        assert((buf[0] != '\0') == (kinds != 0) && !written.cut);
        free(text);
        return 0;
}
