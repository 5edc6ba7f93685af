/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What core asks of the security keys that are plugged in; a part of core.h, which includes it.
 * um_fido.h is the protocol behind it, and has the limits. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/base.h"

#define CORE_TOKEN_CHALLENGE_BYTES 64U
#define CORE_TOKEN_ID_MAX          512U
#define CORE_TOKEN_KEY_BYTES       64U
#define CORE_TOKEN_AAGUID_BYTES    16U
#define CORE_TOKEN_PIN_MAX         63U
#define CORE_TOKEN_CREDENTIALS_MAX 16U

/* By number what um_fido.h has (token_client.c asserts it). */
typedef enum CoreTokenOp {
        CORE_TOKEN_LOOK = 1, /* for one that has a credential; without credentials: for any, one */
        CORE_TOKEN_ASSERT,   /* waits for a touch */
        CORE_TOKEN_MAKE,     /* waits for a touch */
        _CORE_TOKEN_OP_MAX,
} CoreTokenOp;

typedef enum CoreTokenResult {
        CORE_TOKEN_FAULT, /* zero on purpose: denies */
        CORE_TOKEN_OK,
        CORE_TOKEN_ABSENT,
        CORE_TOKEN_BUSY,
        CORE_TOKEN_TIMEOUT,
        CORE_TOKEN_PIN_WRONG,
        CORE_TOKEN_PIN_OFF, /* no more tries */
        CORE_TOKEN_DENIED,
        CORE_TOKEN_UNPROVED, /* what it answered is not right */
        CORE_TOKEN_EXISTS,   /* MAKE: it has one of the credentials */
        CORE_TOKEN_SEVERAL,  /* more than one is plugged in */
        CORE_TOKEN_CANCELLED,
        _CORE_TOKEN_RESULT_MAX,
} CoreTokenResult;

typedef struct CoreTokenCredential {
        const uint8_t *id;
        size_t id_len;
        const uint8_t *key; /* CORE_TOKEN_KEY_BYTES: ES256, x and y */
        bool verify;        /* the key has to verify its user */
} CoreTokenCredential;

/* Nothing is borrowed beyond the call. */
typedef struct CoreTokenRequest {
        CoreTokenOp op;
        uint8_t challenge[CORE_TOKEN_CHALLENGE_BYTES];
        const char *rp;
        CoreTokenCredential
                credentials[CORE_TOKEN_CREDENTIALS_MAX]; /* MAKE: that it may not have */
        size_t credential_count;
        const Secret *pin; /* NULL: none */
        /* MAKE */
        bool verify;
        uid_t uid;
        const char *name;
} CoreTokenRequest;

typedef struct CoreTokenAnswer {
        CoreTokenResult result; /* the rest is there with OK */
        uint32_t which;         /* of the credentials */
        uint32_t counter;
        bool verified;  /* ASSERT, MAKE */
        bool verifies;  /* LOOK for any: it can */
        bool wants_pin; /* LOOK: for what comes next */
        size_t id_len;  /* MAKE */
        uint8_t id[CORE_TOKEN_ID_MAX];
        uint8_t key[CORE_TOKEN_KEY_BYTES];
        uint8_t aaguid[CORE_TOKEN_AAGUID_BYTES];
} CoreTokenAnswer;

/* um-fido, asynchronous.  done is called exactly once, later, never from within the call (unless
 * the call returns < 0, then not at all). */
typedef void (*CoreTokenDone)(void *userdata, const CoreTokenAnswer *answer, uint64_t now_usec);

typedef struct CoreTokens {
        void *userdata;
        int (*ask)(void *userdata, const CoreTokenRequest *request, CoreTokenDone done,
                   void *done_userdata, uint64_t *ret_id);
        /* Nobody waits for it any more: no key is to blink for it.  done comes all the same. */
        void (*cancel)(void *userdata, uint64_t id);
} CoreTokens;

/* They can be asked from now on; as long as this was not called, none is there. */
struct Core;
void core_use_tokens(struct Core *core, const CoreTokens *tokens);
