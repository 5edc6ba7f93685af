/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Both ends of the vault's socket believe a packet only when every byte of it is accounted for. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "um_vault/um_vault.h"

static const char secret[] = "correct horse";
static const char verifier[] = "opaque bytes";

static VaultHead head_example(void) {
        return (VaultHead){
                .protocol = VAULT_PROTOCOL,
                .op = VAULT_VERIFY,
                .secret_bytes = sizeof(secret) - 1,
                .verifier_bytes = sizeof(verifier) - 1,
                .id = 7,
                .subject = { .store_id = { 1, 2 }, .uid = 70000, .kind = 1, .version = 3 },
                .upgrade_version = 4,
        };
}

static void a_built_packet_parses_to_the_same(void **state) {
        VaultHead head = head_example();
        uint8_t buf[VAULT_PACKET_MAX];
        VaultPacket packet;
        ssize_t len = vault_packet_build(&head, secret, verifier, buf);

        assert_true(len > 0);
        assert_int_equal(vault_packet_parse(buf, (size_t)len, &packet), 0);
        assert_memory_equal(&packet.head, &head, sizeof(head));
        assert_memory_equal(packet.secret, secret, sizeof(secret) - 1);
        assert_memory_equal(packet.verifier, verifier, sizeof(verifier) - 1);
}

static void every_other_length_is_refused(void **state) {
        VaultHead head = head_example();
        uint8_t buf[VAULT_PACKET_MAX] = { 0 };
        VaultPacket packet;
        ssize_t len = vault_packet_build(&head, secret, verifier, buf);

        for (size_t n = 0; n < (size_t)len + 40; n++)
                assert_int_equal(vault_packet_parse(buf, n, &packet),
                                 n == (size_t)len ? 0 : -EBADMSG);
}

static void fields_that_are_absent_are_null(void **state) {
        VaultHead head = { .protocol = VAULT_PROTOCOL, .op = VAULT_PING };
        uint8_t buf[VAULT_PACKET_MAX];
        VaultPacket packet;
        ssize_t len = vault_packet_build(&head, NULL, NULL, buf);

        assert_int_equal(len, sizeof(head));
        assert_int_equal(vault_packet_parse(buf, (size_t)len, &packet), 0);
        assert_null(packet.secret);
        assert_null(packet.verifier);
}

static void a_head_out_of_range_is_refused(void **state) {
        static const struct {
                size_t at;
                uint32_t value;
        } rows[] = {
                { offsetof(VaultHead, protocol), 0 },
                { offsetof(VaultHead, protocol), VAULT_PROTOCOL + 1 },
                { offsetof(VaultHead, op), 0 },
                { offsetof(VaultHead, op), _VAULT_OP_MAX },
                { offsetof(VaultHead, op), UINT32_MAX },
                { offsetof(VaultHead, status), _VAULT_STATUS_MAX },
                { offsetof(VaultHead, flags), 2 * VAULT_FLAG_NOTHING },
                { offsetof(VaultHead, flags), 1U << 31 },
                { offsetof(VaultHead, secret_bytes), UINT32_MAX },
                { offsetof(VaultHead, verifier_bytes), UINT32_MAX },
                /* two lengths that are right in their sum, modulo 2^32 */
                { offsetof(VaultHead, secret_bytes), UINT32_MAX - 200 },
        };

        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                VaultHead head = head_example();
                uint8_t buf[VAULT_PACKET_MAX];
                VaultPacket packet;
                ssize_t len = vault_packet_build(&head, secret, verifier, buf);

                memcpy(buf + rows[i].at, &rows[i].value, sizeof(rows[i].value));
                assert_int_equal(vault_packet_parse(buf, (size_t)len, &packet), -EBADMSG);
        }
}

static void fields_have_a_largest_size(void **state) {
        uint8_t big[VAULT_SECRET_MAX + 1] = { 0 }, buf[VAULT_PACKET_MAX];
        VaultHead head = head_example();
        VaultPacket packet;
        ssize_t len;

        head.secret_bytes = VAULT_SECRET_MAX;
        head.verifier_bytes = VAULT_VERIFIER_MAX;
        len = vault_packet_build(&head, big, big, buf);
        assert_int_equal(len, sizeof(head) + VAULT_SECRET_MAX + VAULT_VERIFIER_MAX);
        assert_int_equal(vault_packet_parse(buf, (size_t)len, &packet), 0);
        head.secret_bytes++;
        assert_int_equal(vault_packet_build(&head, big, big, buf), -EMSGSIZE);
        head.secret_bytes--;
        head.verifier_bytes++;
        assert_int_equal(vault_packet_build(&head, big, big, buf), -EMSGSIZE);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_built_packet_parses_to_the_same),
                cmocka_unit_test(every_other_length_is_refused),
                cmocka_unit_test(fields_that_are_absent_are_null),
                cmocka_unit_test(a_head_out_of_range_is_refused),
                cmocka_unit_test(fields_have_a_largest_size),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
