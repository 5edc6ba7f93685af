/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The vault's client on an event loop, for tests of what it makes of answers: with the real
 * um-vault as its child, or with a vault that the test plays.  Fails the running test instead of
 * returning a fault. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/base.h"
#include "um_vault/um_vault.h"
#include "umd/umd.h"

/* The program to start; main() sets it from its argument. */
extern const char *rig_vault_program;
extern const uint8_t rig_store_id[16]; /* what the client is bound to */

typedef struct Rig {
        char dir[40], key_dir[64], socket[64];
        sd_event *event;
        int listen_fd, peer_fd; /* a vault of the test's own */
        VaultClient *client;
        CoreVault vault;
        bool compares_keys, key_is_right;
        unsigned answers, keys_asked;
        CoreProofResult result;
        uint8_t verifier[VAULT_VERIFIER_MAX];
        size_t verifier_len;
} Rig;

/* Fixtures of cmocka.  With keys: the client asks rig->key_is_right of the id of a played vault. */
int rig_with_child(void **state);
int rig_with_fake(void **state);
int rig_with_keys(void **state);
int rig_end(void **state);

void rig_client_start(Rig *rig, const char *socket_path);

/* Notes an answer; userdata is the rig. */
void rig_answered(void *userdata, CoreProofResult result, const void *verifier, size_t len,
                  uint64_t now_usec);
void rig_run_until_answers(Rig *rig, unsigned count);
void rig_run_until_ready(Rig *rig, bool ready);

/* The next request at the played vault, and its answer: verifier_len bytes, 1 and then zeros. */
VaultHead fake_receive(Rig *rig);
void fake_send(Rig *rig, VaultHead head, VaultStatus status, size_t verifier_len);

Secret *secret_of(const char *s);
