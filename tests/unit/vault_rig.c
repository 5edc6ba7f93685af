/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The vault's client on an event loop of the test's own, with a vault that is real or the test. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/base.h"
#include "um_vault/um_vault.h"
#include "umd/umd.h"
#include "tests/unit/vault_rig.h"

#define DEADLINE_USEC (60 * USEC_PER_SEC) /* a sanitizer build on a busy machine */

const char *rig_vault_program;

const uint8_t rig_store_id[16] = { 7 };

static const Log quiet = { .journal = false };

void rig_answered(void *userdata, CoreProofResult result, const void *verifier, size_t len,
                  uint64_t now_usec) {
        Rig *rig = userdata;

        rig->answers++;
        rig->result = result;
        rig->verifier_len = len;
        if (len > 0)
                memcpy(rig->verifier, verifier, len);
        assert_true(now_usec > 0);
}

void rig_run_until_answers(Rig *rig, unsigned count) {
        uint64_t deadline_usec = base_boottime_usec() + DEADLINE_USEC;

        while (rig->answers < count && base_boottime_usec() < deadline_usec)
                assert_true(sd_event_run(rig->event, 100 * USEC_PER_MSEC) >= 0);
        assert_int_equal(rig->answers, count);
}

void rig_run_until_ready(Rig *rig, bool ready) {
        uint64_t deadline_usec = base_boottime_usec() + DEADLINE_USEC;

        while (rig->vault.ready(rig->client) != ready && base_boottime_usec() < deadline_usec)
                assert_true(sd_event_run(rig->event, 100 * USEC_PER_MSEC) >= 0);
        assert_int_equal(rig->vault.ready(rig->client), ready);
}

/* um-vault need not measure what a hash has to cost. */
static void cost_write(const char *key_dir) {
        char path[128];
        FILE *file;

        snprintf(path, sizeof(path), "%s/cost", key_dir);
        file = fopen(path, "we");
        assert_non_null(file);
        assert_true(fputs("yescrypt j9T\n", file) >= 0);
        assert_int_equal(fclose(file), 0);
}

static Rig *rig_new(void) {
        Rig *rig = calloc(1, sizeof(*rig));

        assert_non_null(rig);
        rig->listen_fd = rig->peer_fd = -1;
        snprintf(rig->dir, sizeof(rig->dir), "/tmp/um-test-client-XXXXXX");
        assert_non_null(mkdtemp(rig->dir));
        snprintf(rig->key_dir, sizeof(rig->key_dir), "%s/vault", rig->dir);
        snprintf(rig->socket, sizeof(rig->socket), "%s/socket", rig->dir);
        assert_int_equal(mkdir(rig->key_dir, 0700), 0);
        cost_write(rig->key_dir);
        assert_true(sd_event_new(&rig->event) >= 0);
        return rig;
}

static bool key_is_right(void *userdata, const uint8_t *id) {
        Rig *rig = userdata;

        assert_int_equal(id[0], 1); /* as fake_send() has it */
        rig->keys_asked++;
        return rig->key_is_right;
}

void rig_client_start(Rig *rig, const char *socket_path) {
        VaultClientSpec spec = {
                .log = &quiet,
                .event = rig->event,
                .socket = socket_path,
                .binary = rig_vault_program,
                .key_dir = rig->key_dir,
                .passwd = "/etc/passwd",
                .userdata = rig,
                .key_is_right = rig->compares_keys ? key_is_right : NULL,
        };

        assert_int_equal(vault_client_new(&spec, &rig->client), 0);
        vault_client_bind(rig->client, rig_store_id);
        vault_client_operations(rig->client, &rig->vault);
}

int rig_with_child(void **state) {
        Rig *rig = rig_new();

        rig_client_start(rig, NULL);
        *state = rig;
        return 0;
}

static int fake_start(void **state, bool compares_keys) {
        Rig *rig = rig_new();
        struct sockaddr_un address = { .sun_family = AF_UNIX };

        rig->compares_keys = compares_keys;
        rig->listen_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
        memcpy(address.sun_path, rig->socket, strlen(rig->socket) + 1);
        assert_int_equal(bind(rig->listen_fd, (struct sockaddr *)&address, sizeof(address)), 0);
        assert_int_equal(listen(rig->listen_fd, 8), 0);
        rig_client_start(rig, rig->socket);
        rig->peer_fd = accept(rig->listen_fd, NULL, NULL);
        assert_true(rig->peer_fd >= 0);
        *state = rig;
        return 0;
}

int rig_with_fake(void **state) {
        return fake_start(state, false);
}

int rig_with_keys(void **state) {
        return fake_start(state, true);
}

int rig_end(void **state) {
        Rig *rig = *state;
        char command[80];

        vault_client_free(rig->client);
        sd_event_unref(rig->event);
        base_close(rig->peer_fd);
        base_close(rig->listen_fd);
        snprintf(command, sizeof(command), "rm -r %s", rig->dir);
        free(rig);
        return system(command);
}

Secret *secret_of(const char *s) {
        Secret *secret;

        assert_int_equal(base_secret_new(s, strlen(s), &secret), 0);
        return secret;
}

VaultHead fake_receive(Rig *rig) {
        uint8_t bytes[VAULT_PACKET_MAX];
        VaultPacket packet;
        ssize_t n = recv(rig->peer_fd, bytes, sizeof(bytes), 0);

        assert_true(n > 0);
        assert_int_equal(vault_packet_parse(bytes, (size_t)n, &packet), 0);
        return packet.head;
}

void fake_send(Rig *rig, VaultHead head, VaultStatus status, size_t verifier_len) {
        uint8_t bytes[VAULT_PACKET_MAX], verifier[VAULT_VERIFIER_MAX] = { 1 };
        ssize_t n;

        head.status = status;
        head.secret_bytes = 0;
        head.verifier_bytes = (uint32_t)verifier_len;
        n = vault_packet_build(&head, NULL, verifier, bytes);
        assert_true(n > 0);
        assert_int_equal(send(rig->peer_fd, bytes, (size_t)n, 0), n);
}
