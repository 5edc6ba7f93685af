/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The real um-vault and a client's side of its socket, for tests.  Fails the test where the vault
 * does not answer as its protocol says. */

#include "tests/unit/service.h"
#include "um_vault/vault.h"

#define CHEAP_SETTING "$2b$04$abcdefghijklmnopqrstuu" /* about a millisecond */

/* The program to start; main() sets it from its argument. */
extern const char *vault_program;

typedef struct Vault {
        Service service;
        int fd;
        char dir[40];
} Vault;

typedef struct Answer {
        VaultHead head;
        uint8_t verifier[VAULT_VERIFIER_MAX];
        char text[VAULT_SEED_TEXT_MAX + 1]; /* of a new seed; else "" */
} Answer;

extern const VaultSubject alice;

/* Fixtures of cmocka: a vault with a key folder of its own. */
int vault_by_hand(void **state);
int vault_listening(void **state);
int vault_end(void **state);

void vault_start_in(Vault *vault, bool by_hand);
void vault_key_path(const Vault *vault, char *ret_path);
/* A vault with that key folder need not measure what a hash has to cost. */
void cost_write(const char *key_dir, const char *cost);

void request_send_flags(int fd, VaultOp op, uint32_t flags, uint64_t id,
                        const VaultSubject *subject, const void *secret, size_t secret_len,
                        const Answer *from);
void request_send(int fd, VaultOp op, uint64_t id, const VaultSubject *subject, const void *secret,
                  size_t secret_len, const Answer *from);
VaultStatus answer_receive(int fd, Answer *ret);
VaultStatus ask(const Vault *vault, VaultOp op, const VaultSubject *subject, const void *secret,
                size_t secret_len, const Answer *from, Answer *ret);
VaultStatus ask_text(const Vault *vault, VaultOp op, const VaultSubject *subject,
                     const char *secret, const Answer *from, Answer *ret);
/* A verifier of password by crypt(3) with setting. */
void import_make(const Vault *vault, const VaultSubject *subject, const char *password,
                 const char *setting, Answer *ret);
