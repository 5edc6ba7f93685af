/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* umd's side of the vault's socket, one request at a time, and the vault itself as a fixture. */

#include <crypt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base.h"
#include "tests/unit/vault_client.h"

const char *vault_program;

const VaultSubject alice = { .store_id = { 1, 2, 3 }, .uid = 70000, .kind = 1, .version = 5 };

void vault_start_in(Vault *vault, bool by_hand) {
        const char *const argv[] = { vault_program, "--key-dir", vault->dir, NULL };

        service_start(&vault->service, by_hand, argv);
        vault->fd = by_hand ? vault->service.fd : service_connect(&vault->service);
}

static int vault_setup(void **state, bool by_hand) {
        Vault *vault = calloc(1, sizeof(*vault));

        snprintf(vault->dir, sizeof(vault->dir), "/tmp/um-vault.XXXXXX");
        if (!mkdtemp(vault->dir))
                return -1;
        cost_write(vault->dir, "yescrypt j9T\n");
        vault_start_in(vault, by_hand);
        *state = vault;
        return 0;
}

int vault_by_hand(void **state) {
        return vault_setup(state, true);
}

int vault_listening(void **state) {
        return vault_setup(state, false);
}

void cost_write(const char *key_dir, const char *cost) {
        char path[128];
        FILE *file;

        snprintf(path, sizeof(path), "%s/" VAULT_COST_NAME, key_dir);
        file = fopen(path, "we");
        assert_non_null(file);
        assert_true(fputs(cost, file) >= 0);
        assert_int_equal(fclose(file), 0);
}

void vault_key_path(const Vault *vault, char *ret_path) {
        snprintf(ret_path, 64, "%s/" VAULT_KEY_NAME, vault->dir);
}

int vault_end(void **state) {
        Vault *vault = *state;
        char path[64];
        int r = 0;

        if (vault->service.pid > 0) {
                if (vault->service.fd < 0)
                        close(vault->fd);
                r = service_stop(&vault->service);
        }
        vault_key_path(vault, path);
        unlink(path);
        snprintf(path, sizeof(path), "%s/" VAULT_COST_NAME, vault->dir);
        unlink(path);
        rmdir(vault->dir);
        free(vault);
        return r;
}

void request_send_flags(int fd, VaultOp op, uint32_t flags, uint64_t id,
                        const VaultSubject *subject, const void *secret, size_t secret_len,
                        const Answer *from) {
        VaultHead head = {
                .protocol = VAULT_PROTOCOL,
                .op = op,
                .flags = flags,
                .secret_bytes = (uint32_t)secret_len,
                .verifier_bytes = from ? from->head.verifier_bytes : 0,
                .id = id,
                .subject = *subject,
                .upgrade_version = subject->version + 1,
        };
        uint8_t buf[VAULT_PACKET_MAX];
        ssize_t len = vault_packet_build(&head, secret, from ? from->verifier : NULL, buf);

        assert_true(len > 0);
        packet_send(fd, buf, (size_t)len);
}

void request_send(int fd, VaultOp op, uint64_t id, const VaultSubject *subject, const void *secret,
                  size_t secret_len, const Answer *from) {
        request_send_flags(fd, op, 0, id, subject, secret, secret_len, from);
}

VaultStatus answer_receive(int fd, Answer *ret) {
        uint8_t buf[VAULT_PACKET_MAX];
        ssize_t len = packet_receive(fd, buf, sizeof(buf));
        VaultPacket packet;

        assert_int_equal(vault_packet_parse(buf, (size_t)len, &packet), 0);
        assert_int_equal(packet.secret != NULL,
                         packet.head.op == VAULT_SEED_NEW && packet.head.status == VAULT_OK);
        assert_true(packet.head.secret_bytes < sizeof(ret->text));
        memset(ret->text, 0, sizeof(ret->text));
        if (packet.secret)
                memcpy(ret->text, packet.secret, packet.head.secret_bytes);
        ret->head = packet.head;
        if (packet.verifier)
                memcpy(ret->verifier, packet.verifier, packet.head.verifier_bytes);
        return packet.head.status;
}

VaultStatus ask(const Vault *vault, VaultOp op, const VaultSubject *subject, const void *secret,
                size_t secret_len, const Answer *from, Answer *ret) {
        Answer answer;
        VaultStatus status;

        request_send(vault->fd, op, 77, subject, secret, secret_len, from);
        status = answer_receive(vault->fd, &answer);
        assert_int_equal(answer.head.id, 77);
        assert_int_equal(answer.head.op, op);
        assert_memory_equal(&answer.head.subject, subject, sizeof(*subject));
        if (ret)
                *ret = answer;
        return status;
}

VaultStatus ask_text(const Vault *vault, VaultOp op, const VaultSubject *subject,
                     const char *secret, const Answer *from, Answer *ret) {
        return ask(vault, op, subject, secret, strlen(secret), from, ret);
}

static void crypt_make(const char *password, const char *setting, char *ret_hash) {
        struct crypt_data *data = calloc(1, sizeof(*data));
        const char *text = crypt_rn(password, setting, data, sizeof(*data));

        assert_non_null(text);
        snprintf(ret_hash, CRYPT_OUTPUT_SIZE, "%s", text);
        free(data);
}

void import_make(const Vault *vault, const VaultSubject *subject, const char *password,
                 const char *setting, Answer *ret) {
        char hash[CRYPT_OUTPUT_SIZE];

        crypt_make(password, setting, hash);
        assert_int_equal(ask_text(vault, VAULT_IMPORT, subject, hash, NULL, ret), VAULT_OK);
}
