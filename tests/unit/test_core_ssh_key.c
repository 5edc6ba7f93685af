/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which kinds of keys SSH_AUTH_INFO_0 names: what ssh-keygen wrote, made-up blobs at their edges,
 * and lines that are no key's. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/ssh_keys.h"
#include "umd/core/login.h"

#define BIT(kind) (1U << (kind))
#define OTHER     BIT(POLICY_KEY_OTHER)
#define ED25519   BIT(POLICY_KEY_ED25519)

static const Core core = { .store = NULL }, other = { .lane_key = { 1 } };

static void every_key_is_of_its_kind(void **state) {
        static const struct {
                const char *key;
                PolicyKey kind;
        } rows[] = {
                { KEY_ED25519, POLICY_KEY_ED25519 },
                { KEY_ECDSA_256, POLICY_KEY_ECDSA_256 },
                { KEY_ECDSA_384, POLICY_KEY_ECDSA_384 },
                { KEY_ECDSA_521, POLICY_KEY_ECDSA_521 },
                { KEY_RSA_1024, POLICY_KEY_RSA_SHORT },
                { KEY_RSA_2048, POLICY_KEY_RSA_2048 },
                { KEY_RSA_3072, POLICY_KEY_RSA_3072 },
                { KEY_RSA_4096, POLICY_KEY_RSA_4096 },
                { KEY_SK_ED25519, POLICY_KEY_SK_ED25519 },
                { KEY_SK_ECDSA, POLICY_KEY_SK_ECDSA },
                { KEY_ED25519_CERT, POLICY_KEY_ED25519 }, /* a certificate is of its key's */
                { KEY_RSA_3072_CERT, POLICY_KEY_RSA_3072 },
                { KEY_SK_ED25519_CERT, POLICY_KEY_SK_ED25519 },
                { KEY_SK_ECDSA_CERT, POLICY_KEY_SK_ECDSA },
        };

        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                char line[2048];

                snprintf(line, sizeof(line), "publickey %s\n", rows[i].key);
                if (core_ssh_keys(line) != BIT(rows[i].kind))
                        fail_msg("row %zu: %x", i, core_ssh_keys(line));
                snprintf(line, sizeof(line), "publickey %s and more", rows[i].key);
                assert_int_equal(core_ssh_keys(line), BIT(rows[i].kind));
        }
}

static void a_key_cut_short_anywhere_is_none_that_is_known(void **state) {
        static const char *const keys[] = { KEY_ED25519, KEY_ECDSA_256, KEY_RSA_2048,
                                            KEY_SK_ED25519, KEY_ED25519_CERT };

        for (size_t i = 0; i < ARRAY_LENGTH(keys); i++)
                for (size_t len = 0; len < strlen(keys[i]); len++) {
                        char line[2048];

                        snprintf(line, sizeof(line), "publickey %.*s", (int)len, keys[i]);
                        if (core_ssh_keys(line) != OTHER)
                                fail_msg("key %zu cut at %zu", i, len);
                }
}

static void every_line_counts(void **state) {
        static const struct {
                const char *info;
                uint32_t kinds;
        } rows[] = {
                { "", 0 },
                { "\n\n", 0 },
                { "password\n", 0 },
                { "keyboard-interactive/pam\npassword\n", 0 },
                { "hostbased " KEY_ED25519 " client user \"alice\"\n", 0 }, /* the host's */
                { "publickeys " KEY_ED25519 "\n", 0 },
                { "public\n", 0 },
                { "password\npublickey " KEY_ED25519 "\n", ED25519 },
                { "publickey " KEY_ED25519 "\npassword", ED25519 },
                { "publickey " KEY_ED25519 "\npublickey " KEY_RSA_2048 "\n",
                  ED25519 | BIT(POLICY_KEY_RSA_2048) },
                { "publickey " KEY_ED25519 "\npublickey " KEY_ED25519 "\n", ED25519 },
                { "publickey " KEY_ED25519 "\npublickey x y\n", ED25519 | OTHER },
                { "publickey/any " KEY_ED25519 "\n", ED25519 },
                { "publickey", OTHER },
                { "publickey\n", OTHER },
                { "publickey \n", OTHER },
                { "publickey  " KEY_ED25519 "\n", OTHER },
                { "publickey ssh-ed25519\n", OTHER },
                { "publickey ssh-ed25519 \n", OTHER },
                { "publickey ssh-ed25519 AAAA\n", OTHER },
                { "publickey ssh-ed25519\nAAAA\n", OTHER },
                { "publickey ssh-dss AAAAB3NzaC1kc3M=\n", OTHER },
        };

        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++)
                if (core_ssh_keys(rows[i].info) != rows[i].kinds ||
                    (core_ssh_key_hash(&core, rows[i].info) != 0) != (rows[i].kinds != 0))
                        fail_msg("row %zu: %x", i, core_ssh_keys(rows[i].info));
}

static void the_first_key_is_told_from_others(void **state) {
        const char *info = "publickey " KEY_ED25519 "\n";
        uint64_t hash = core_ssh_key_hash(&core, info);

        assert_true(core_ssh_key_hash(&core, "password\npublickey " KEY_ED25519) == hash);
        assert_true(core_ssh_key_hash(&core, "publickey " KEY_ED25519
                                             "\npublickey " KEY_RSA_2048) == hash);
        assert_false(core_ssh_key_hash(&core, "publickey " KEY_RSA_2048
                                              "\npublickey " KEY_ED25519) == hash);
        assert_false(core_ssh_key_hash(&other, info) == hash); /* of another run */
}

/* ---- blobs of our own --------------------------------------------------------------------- */

typedef struct Blob {
        uint8_t bytes[24576];
        size_t len;
} Blob;

static void put(Blob *blob, const void *bytes, size_t len) {
        assert_true(blob->len + len <= sizeof(blob->bytes));
        memcpy(blob->bytes + blob->len, bytes, len);
        blob->len += len;
}

static void put_string(Blob *blob, const void *bytes, size_t len) {
        const uint8_t head[] = { (uint8_t)(len >> 24), (uint8_t)(len >> 16), (uint8_t)(len >> 8),
                                 (uint8_t)len };

        put(blob, head, sizeof(head));
        put(blob, bytes, len);
}

static void put_text(Blob *blob, const char *text) {
        put_string(blob, text, strlen(text));
}

/* A number of so many bits, all of them 1, behind so many zero bytes. */
static void put_number(Blob *blob, uint32_t bits, size_t zeros) {
        size_t len = (bits + 7) / 8;
        uint8_t bytes[4096] = { 0 };

        memset(bytes + zeros, 0xff, len);
        if (bits % 8 != 0)
                bytes[zeros] = (uint8_t)((1U << bits % 8) - 1);
        put_string(blob, bytes, zeros + len);
}

static uint32_t kinds_of(const char *type, const Blob *blob) {
        static const char digits[] =
                "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        static char line[65536];
        size_t at = (size_t)snprintf(line, sizeof(line), "publickey %s ", type);

        for (size_t i = 0; i < blob->len; i += 3) {
                uint32_t bits = 0;

                for (size_t k = 0; k < 3; k++)
                        bits = bits << 8 | (i + k < blob->len ? blob->bytes[i + k] : 0);
                for (size_t k = 0; k < 4; k++)
                        line[at++] = i + k > blob->len ? '=' : digits[bits >> (18 - 6 * k) & 63];
        }
        line[at] = '\0';
        return core_ssh_keys(line);
}

static uint32_t rsa(uint32_t bits, size_t zeros, size_t exponent_bits) {
        Blob blob = { .len = 0 };

        put_text(&blob, "ssh-rsa");
        put_number(&blob, (uint32_t)exponent_bits, 0);
        put_number(&blob, bits, zeros);
        return kinds_of("ssh-rsa", &blob);
}

/* The size is that of the number, whatever length it is written with. */
static void an_rsa_key_is_as_long_as_its_number(void **state) {
        assert_int_equal(rsa(1, 0, 17), BIT(POLICY_KEY_RSA_SHORT));
        assert_int_equal(rsa(2047, 0, 17), BIT(POLICY_KEY_RSA_SHORT));
        assert_int_equal(rsa(2048, 1, 17), BIT(POLICY_KEY_RSA_2048));
        assert_int_equal(rsa(2049, 0, 17), BIT(POLICY_KEY_RSA_2048));
        assert_int_equal(rsa(3071, 0, 17), BIT(POLICY_KEY_RSA_2048));
        assert_int_equal(rsa(3072, 1, 17), BIT(POLICY_KEY_RSA_3072));
        assert_int_equal(rsa(4095, 0, 17), BIT(POLICY_KEY_RSA_3072));
        assert_int_equal(rsa(4096, 1, 17), BIT(POLICY_KEY_RSA_4096));
        assert_int_equal(rsa(16384, 1, 17), BIT(POLICY_KEY_RSA_4096));
        assert_int_equal(rsa(16385, 0, 17), OTHER);
        assert_int_equal(rsa(3072, 0, 17), OTHER);   /* below zero, as it stands */
        assert_int_equal(rsa(3071, 1, 17), OTHER);   /* longer than it need be */
        assert_int_equal(rsa(2048, 129, 17), OTHER); /* passes for one of 3080 by its length */
        assert_int_equal(rsa(0, 0, 17), OTHER);
        assert_int_equal(rsa(0, 1, 17), OTHER);
        assert_int_equal(rsa(3072, 1, 0), OTHER);
}

static void what_the_blob_says_is_what_the_text_says(void **state) {
        static const uint8_t point[133] = { 4 }, no_point[65] = { 2 };
        Blob blob = { .len = 0 };

        put_text(&blob, "ssh-ed25519");
        put_string(&blob, point, 32);
        assert_int_equal(kinds_of("ssh-ed25519", &blob), ED25519);
        assert_int_equal(kinds_of("ssh-ed25519 ", &blob), OTHER);
        assert_int_equal(kinds_of("ssh-rsa", &blob), OTHER);
        assert_int_equal(kinds_of("sk-ssh-ed25519@openssh.com", &blob), OTHER);
        assert_int_equal(kinds_of("ssh-ed25519-cert-v01@openssh.com", &blob), OTHER);
        put(&blob, "", 1); /* a byte more */
        assert_int_equal(kinds_of("ssh-ed25519", &blob), OTHER);

        blob.len = 0;
        put_text(&blob, "sk-ssh-ed25519@openssh.com");
        put_string(&blob, point, 32);
        assert_int_equal(kinds_of("sk-ssh-ed25519@openssh.com", &blob), OTHER);
        put_text(&blob, "ssh:");
        assert_int_equal(kinds_of("sk-ssh-ed25519@openssh.com", &blob), BIT(POLICY_KEY_SK_ED25519));
        assert_int_equal(kinds_of("ssh-ed25519", &blob), OTHER);

        for (int right = 0; right < 2; right++) {
                blob.len = 0;
                put_text(&blob, "ecdsa-sha2-nistp256");
                put_text(&blob, right ? "nistp256" : "nistp384");
                put_string(&blob, point, 65);
                assert_int_equal(kinds_of("ecdsa-sha2-nistp256", &blob),
                                 right ? BIT(POLICY_KEY_ECDSA_256) : OTHER);
        }
        blob.len = 0;
        put_text(&blob, "ecdsa-sha2-nistp256");
        put_text(&blob, "nistp256");
        put_string(&blob, no_point, 65);
        assert_int_equal(kinds_of("ecdsa-sha2-nistp256", &blob), OTHER);
}

static void base64_has_one_form(void **state) {
        static const struct {
                const char *text;
                uint32_t kinds;
        } rows[] = {
                { "publickey " KEY_SK_ED25519, BIT(POLICY_KEY_SK_ED25519) }, /* one "=" */
                { "publickey sk-ssh-ed25519@openssh.com A", OTHER },
                { "publickey " KEY_ED25519 "=", OTHER },
                { "publickey " KEY_ED25519 "====", OTHER },
                { "publickey " KEY_ED25519 "\t", OTHER },
                { "publickey " KEY_ED25519 "AAAA", OTHER },
        };
        char line[512];
        size_t len;

        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++)
                if (core_ssh_keys(rows[i].text) != rows[i].kinds)
                        fail_msg("row %zu", i);
        len = (size_t)snprintf(line, sizeof(line), "publickey %s", KEY_SK_ED25519);
        assert_int_equal(line[len - 1], '=');
        line[len - 2]++; /* bits behind the last byte */
        assert_int_equal(core_ssh_keys(line), OTHER);
}

static void what_is_too_long_is_not_read(void **state) {
        static const uint8_t bytes[20000] = { 0 };
        Blob blob = { .len = 0 };

        put_text(&blob, "sk-ssh-ed25519@openssh.com");
        put_string(&blob, bytes, 32);
        put_string(&blob, bytes, 16000);
        assert_int_equal(kinds_of("sk-ssh-ed25519@openssh.com", &blob), BIT(POLICY_KEY_SK_ED25519));
        blob.len = 0;
        put_text(&blob, "sk-ssh-ed25519@openssh.com");
        put_string(&blob, bytes, 32);
        put_string(&blob, bytes, 20000);
        assert_int_equal(kinds_of("sk-ssh-ed25519@openssh.com", &blob), OTHER);
}

static void kinds_are_named(void **state) {
        char buf[KEYS_TEXT_BYTES];
        Text text;

        base_text_init(&text, buf, sizeof(buf));
        core_ssh_keys_write(OTHER | BIT(POLICY_KEY_RSA_2048), &text);
        assert_string_equal(buf, "of an unknown kind, rsa of 2048 to 3071 bits");
        base_text_init(&text, buf, sizeof(buf));
        core_ssh_keys_write(BIT(_POLICY_KEY_MAX) - 1, &text);
        assert_false(text.cut);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_key_is_of_its_kind),
                cmocka_unit_test(a_key_cut_short_anywhere_is_none_that_is_known),
                cmocka_unit_test(every_line_counts),
                cmocka_unit_test(the_first_key_is_told_from_others),
                cmocka_unit_test(an_rsa_key_is_as_long_as_its_number),
                cmocka_unit_test(what_the_blob_says_is_what_the_text_says),
                cmocka_unit_test(base64_has_one_form),
                cmocka_unit_test(what_is_too_long_is_not_read),
                cmocka_unit_test(kinds_are_named),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
