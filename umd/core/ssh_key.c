/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The ssh keys that sshd says it verified: of which kinds they are, and what they prove.
 * SSH_AUTH_INFO_0 has a line for each method that succeeded; that of a key is
 * "publickey ssh-ed25519 AAAA...", the key as authorized_keys has it, or its certificate
 * (sshd_config(5), ExposeAuthInfo; RFC 4253, 6.6; RFC 5656, 3.1; PROTOCOL.u2f and PROTOCOL.certkeys
 * of OpenSSH).
 *
 * The text comes from sshd, and what stands in it from whoever logs in.  The blob is read from its
 * first byte to its last, since what the kind is by the text alone could be another by the blob; a
 * key that is not understood is of no kind that anything permits, and never no key.  A certificate
 * is of the kind of the key it is for: who signed it is sshd's to judge. */

#include <string.h>

#include "umd/core/login.h"

#define RSA_BITS_MAX 16384U /* as OpenSSH */

typedef struct Blob {
        const uint8_t *at;
        size_t left;
} Blob;

/* ---- base64 ------------------------------------------------------------------------------- */

static int digit_of(char c) {
        if (c >= 'A' && c <= 'Z')
                return c - 'A';
        if (c >= 'a' && c <= 'z')
                return c - 'a' + 26;
        if (c >= '0' && c <= '9')
                return c - '0' + 52;
        return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Padded, and in the one form that the bytes have (RFC 4648, 3.5).  False for anything else. */
static bool base64_read(const char *s, size_t len, uint8_t *buf, size_t *ret_len) {
        size_t pads = 0, count = 0;
        uint32_t bits = 0;

        while (pads < 2 && pads < len && s[len - 1 - pads] == '=')
                pads++;
        if (len == 0 || len % 4 != 0 || len / 4 * 3 > SSH_KEY_BLOB_MAX)
                return false;
        for (size_t i = 0; i < len - pads; i++) {
                int digit = digit_of(s[i]);

                if (digit < 0)
                        return false;
                bits = bits << 6 | (uint32_t)digit;
                if (i % 4 == 0)
                        continue;
                buf[count++] = (uint8_t)(bits >> (6 - i % 4 * 2));
        }
        *ret_len = count;
        return pads == 0 || (bits & ((1U << (2 * pads)) - 1)) == 0;
}

/* ---- the blob ----------------------------------------------------------------------------- */

static bool take(Blob *blob, size_t len, const uint8_t **ret) {
        if (len > blob->left)
                return false;
        *ret = blob->at;
        blob->at += len;
        blob->left -= len;
        return true;
}

/* RFC 4251, 5: four bytes of length, and as many. */
static bool take_string(Blob *blob, Blob *ret) {
        const uint8_t *head, *bytes;
        size_t len;

        if (!take(blob, 4, &head))
                return false;
        len = (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
        if (!take(blob, len, &bytes))
                return false;
        *ret = (Blob){ bytes, len };
        return true;
}

static bool is_text(const Blob *blob, const char *text) {
        return blob->left == strlen(text) && memcmp(blob->at, text, blob->left) == 0;
}

/* A number above 0, in its shortest form; how many bits it has. */
static bool take_number(Blob *blob, uint32_t *ret_bits) {
        uint32_t bits = 8;
        Blob number;

        if (!take_string(blob, &number) || number.left == 0 || (number.at[0] & 0x80) != 0)
                return false;
        if (number.at[0] == 0) {
                if (number.left == 1 || (number.at[1] & 0x80) == 0)
                        return false;
                number.at++;
                number.left--;
        }
        if (number.left > RSA_BITS_MAX / 8)
                return false;
        while ((number.at[0] >> (bits - 1)) == 0)
                bits--;
        *ret_bits = (uint32_t)(number.left - 1) * 8 + bits;
        return true;
}

static bool take_fixed(Blob *blob, size_t len) {
        Blob bytes;

        return take_string(blob, &bytes) && bytes.left == len;
}

/* An uncompressed point of the curve. */
static bool take_point(Blob *blob, const char *curve, size_t bytes) {
        Blob name, point;

        return take_string(blob, &name) && is_text(&name, curve) && take_string(blob, &point) &&
               point.left == 1 + 2 * bytes && point.at[0] == 4;
}

static bool take_application(Blob *blob) {
        Blob application;

        return take_string(blob, &application);
}

static bool take_rsa(Blob *blob, PolicyKey *ret) {
        uint32_t exponent_bits, bits;

        if (!take_number(blob, &exponent_bits) || !take_number(blob, &bits))
                return false;
        *ret = bits < 2048   ? POLICY_KEY_RSA_SHORT
               : bits < 3072 ? POLICY_KEY_RSA_2048
               : bits < 4096 ? POLICY_KEY_RSA_3072
                             : POLICY_KEY_RSA_4096;
        return true;
}

/* What the type says is in front of the blob; *ret is the kind of the type. */
static bool take_key(Blob *blob, PolicyKey *ret) {
        switch (*ret) {
        case POLICY_KEY_ED25519:
                return take_fixed(blob, 32);
        case POLICY_KEY_ECDSA_256:
                return take_point(blob, "nistp256", 32);
        case POLICY_KEY_ECDSA_384:
                return take_point(blob, "nistp384", 48);
        case POLICY_KEY_ECDSA_521:
                return take_point(blob, "nistp521", 66);
        case POLICY_KEY_RSA_2048: /* or another size */
                return take_rsa(blob, ret);
        case POLICY_KEY_SK_ED25519:
                return take_fixed(blob, 32) && take_application(blob);
        case POLICY_KEY_SK_ECDSA:
                return take_point(blob, "nistp256", 32) && take_application(blob);
        case POLICY_KEY_RSA_SHORT:
        case POLICY_KEY_RSA_3072:
        case POLICY_KEY_RSA_4096:
        case POLICY_KEY_OTHER:
        case _POLICY_KEY_MAX:
                break;
        }
        return false;
}

/* What stands behind the key in a certificate: serial and type, key id, principals, the span it is
 * valid for, critical options, extensions, one that is reserved, who signed it, his signature. */
static bool take_certificate(Blob *blob) {
        static const uint8_t fields[] = { 12, 0, 0, 16, 0, 0, 0, 0, 0 }; /* 0: a string */
        const uint8_t *bytes;
        Blob string;

        for (size_t i = 0; i < ARRAY_LENGTH(fields); i++)
                if (fields[i] > 0 ? !take(blob, fields[i], &bytes) : !take_string(blob, &string))
                        return false;
        return true;
}

static PolicyKey blob_kind(Blob *blob, const char *type, PolicyKey of_type, bool certificate) {
        PolicyKey kind = of_type;
        Blob string;

        if (!take_string(blob, &string) || !is_text(&string, type))
                return POLICY_KEY_OTHER;
        if (certificate && !take_string(blob, &string)) /* the nonce */
                return POLICY_KEY_OTHER;
        if (!take_key(blob, &kind) || (certificate && !take_certificate(blob)))
                return POLICY_KEY_OTHER;
        return blob->left == 0 ? kind : POLICY_KEY_OTHER;
}

/* ---- the lines ---------------------------------------------------------------------------- */

PolicyKey core_ssh_key_read(const char *s, size_t len, SshKey *ret) {
        static const struct {
                const char *type;
                PolicyKey kind;
                bool certificate;
        } types[] = {
                { "ssh-ed25519", POLICY_KEY_ED25519, false },
                { "ecdsa-sha2-nistp256", POLICY_KEY_ECDSA_256, false },
                { "ecdsa-sha2-nistp384", POLICY_KEY_ECDSA_384, false },
                { "ecdsa-sha2-nistp521", POLICY_KEY_ECDSA_521, false },
                { "ssh-rsa", POLICY_KEY_RSA_2048, false },
                { "sk-ssh-ed25519@openssh.com", POLICY_KEY_SK_ED25519, false },
                { "sk-ecdsa-sha2-nistp256@openssh.com", POLICY_KEY_SK_ECDSA, false },
                { "ssh-ed25519-cert-v01@openssh.com", POLICY_KEY_ED25519, true },
                { "ecdsa-sha2-nistp256-cert-v01@openssh.com", POLICY_KEY_ECDSA_256, true },
                { "ecdsa-sha2-nistp384-cert-v01@openssh.com", POLICY_KEY_ECDSA_384, true },
                { "ecdsa-sha2-nistp521-cert-v01@openssh.com", POLICY_KEY_ECDSA_521, true },
                { "ssh-rsa-cert-v01@openssh.com", POLICY_KEY_RSA_2048, true },
                { "sk-ssh-ed25519-cert-v01@openssh.com", POLICY_KEY_SK_ED25519, true },
                { "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com", POLICY_KEY_SK_ECDSA, true },
        };
        const char *space = memchr(s, ' ', len), *text, *end;
        size_t type_len = space ? (size_t)(space - s) : 0, i = 0;
        Blob blob = { .at = ret->blob };

        *ret = (SshKey){ 0 };
        while (i < ARRAY_LENGTH(types) &&
               (strlen(types[i].type) != type_len || memcmp(types[i].type, s, type_len) != 0))
                i++;
        if (i == ARRAY_LENGTH(types))
                return POLICY_KEY_OTHER;
        ret->type = types[i].type;
        ret->certificate = types[i].certificate;
        text = space + 1;
        end = memchr(text, ' ', len - type_len - 1);
        if (!base64_read(text, (size_t)((end ? end : s + len) - text), ret->blob, &blob.left))
                return POLICY_KEY_OTHER;
        ret->blob_len = blob.left;
        return blob_kind(&blob, ret->type, types[i].kind, ret->certificate);
}

/* "ssh-ed25519 AAAA...", and what else sshd may say of it. */
static PolicyKey key_kind(const char *s, size_t len) {
        SshKey key;

        return core_ssh_key_read(s, len, &key);
}

/* The line's method, without what it may say of it ("keyboard-interactive/pam"). */
static bool is_key(const char *line, size_t len) {
        static const char method[] = "publickey";
        size_t end = strcspn(line, " /\n");

        return end <= len && end == strlen(method) && memcmp(line, method, end) == 0;
}

/* The next line that is a key's, at *rest or behind it; how long it is, and *rest is behind it.
 * NULL: there is none. */
static const char *line_next(const char **rest, size_t *ret_len) {
        while (**rest) {
                const char *line = *rest;
                size_t len = strcspn(line, "\n");

                *rest += len + (line[len] == '\n');
                if (is_key(line, len)) {
                        *ret_len = len;
                        return line;
                }
        }
        return NULL;
}

uint32_t core_ssh_keys(const char *auth_info) {
        uint32_t kinds = 0;
        const char *line;
        size_t len;

        while ((line = line_next(&auth_info, &len))) {
                const char *space = memchr(line, ' ', len);

                kinds |= 1U << (space ? key_kind(space + 1, (size_t)(line + len - space - 1))
                                      : POLICY_KEY_OTHER);
        }
        return kinds;
}

bool core_ssh_key_only(const char *auth_info, uint8_t *ret_hash) {
        const char *line, *space;
        SshKey key;
        size_t len;

        line = line_next(&auth_info, &len);
        space = line ? memchr(line, ' ', len) : NULL;
        if (!space ||
            core_ssh_key_read(space + 1, (size_t)(line + len - space - 1), &key) ==
                    POLICY_KEY_OTHER ||
            line_next(&auth_info, &len))
                return false;
        store_device_hash(key.blob, key.blob_len, ret_hash);
        return true;
}

uint64_t core_ssh_key_hash(const Core *core, const char *auth_info) {
        size_t len;
        const char *line = line_next(&auth_info, &len);

        return line ? core_hash(core->lane_key, line, len) | 1 : 0; /* 0 is none */
}

void core_ssh_keys_write(uint32_t kinds, Text *text) {
        const char *comma = "";

        for (PolicyKey key = 0; key < _POLICY_KEY_MAX; key++)
                if (kinds & 1U << key) {
                        base_text_addf(text, "%s%s", comma, policy_key_name(key));
                        comma = ", ";
                }
}

/* ---- what they prove ---------------------------------------------------------------------- */

bool core_sshd_verifies(const Core *core, char *ret_why) {
        ret_why[0] = '\0';
        return core->host.sshd_verifies && core->host.sshd_verifies(core->host.userdata, ret_why);
}

/* PAM is not told whether a security key verified its user: it is more than another key where sshd
 * lets none in that has not (FEATURES B6). */
PolicyStrength core_ssh_keys_strength(const Core *core, uint32_t kinds) {
        char why[CORE_SSHD_WHY_BYTES];

        if (kinds == 0)
                return POLICY_STRENGTH_NONE;
        return (kinds & POLICY_KEYS_SK) != 0 && core_sshd_verifies(core, why)
                       ? POLICY_STRENGTH_HARDWARE
                       : POLICY_STRENGTH_SINGLE;
}
