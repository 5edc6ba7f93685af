/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* um-fido: speaks to the FIDO2 security keys that are plugged in, and says whether what they
 * answered is right.  "Token" is such a key here, since libfido2 has the prefix fido_ and um has
 * keys of other kinds.
 *
 * A process of its own, because it takes what any USB device says: each device is spoken to by a
 * child that has nothing but that device, and what the child hands over is checked here, against
 * public keys and a challenge of umd's.  It has no secret, no store and no network.
 *
 * Its contract is this protocol, spoken on a SOCK_SEQPACKET unix socket (TOKEN_SOCKET,
 * socket-activated; a child of umd has one end of a socketpair as descriptor 3).  A request is one
 * TokenHead, then rp, name and PIN, each with a NUL behind it where it is there, then the
 * credentials; an answer is one TokenAnswer.  A packet that is not so ends the connection, and with
 * it all it asked for.  It serves its umd's uid only.  Answers come when they are there, in any
 * order. */

#include <stdint.h>
#include <sys/types.h>

#include "base/base.h"

#define TOKEN_SOCKET     "/run/um-fido/socket"
#define TOKEN_PROTOCOL   1U
#define TOKEN_PACKET_MAX 12288U

#define TOKEN_CLIENT_DATA_BYTES 64U
#define TOKEN_RP_MAX            64U  /* "um:" and 32 hex digits */
#define TOKEN_PIN_MAX           63U  /* CTAP's */
#define TOKEN_ID_MAX            512U /* of a credential id; the longest known have 350 */
#define TOKEN_KEY_BYTES         64U  /* ES256: x and y */
#define TOKEN_AAGUID_BYTES      16U
#define TOKEN_CREDENTIALS_MAX   16U

#define TOKEN_LOOK_USEC  (3 * USEC_PER_SEC)
#define TOKEN_TOUCH_USEC (30 * USEC_PER_SEC)

typedef enum TokenOp {
        /* Is one plugged in that has one of the credentials?  Nobody has to touch it.  With
         * TOKEN_FLAG_NEW: is there one, exactly one, that a credential can be made in? */
        TOKEN_LOOK = 1,
        /* An assertion over client_data by one of the credentials; waits for a touch. */
        TOKEN_ASSERT,
        /* A new credential for rp, uid and name, unless the key has one of the credentials; waits
         * for a touch. */
        TOKEN_MAKE,
        /* The request `target` of the same connection is not waited for any more: its answer is
         * TOKEN_CANCELLED if there was none yet.  Takes nothing else; answered at once. */
        TOKEN_CANCEL,
        _TOKEN_OP_MAX,
} TokenOp;

#define TOKEN_FLAG_NEW    1U /* LOOK */
#define TOKEN_FLAG_VERIFY 2U /* MAKE; of a credential: the key has to verify its user */

typedef enum TokenResult {
        TOKEN_FAULT, /* zero on purpose: denies */
        TOKEN_OK,
        TOKEN_ABSENT,    /* no key that has it; NEW, MAKE: none at all */
        TOKEN_BUSY,      /* somebody else is asked to touch the key, or too many are asked */
        TOKEN_TIMEOUT,   /* nobody touched it */
        TOKEN_PIN_WRONG, /* once more may be tried */
        TOKEN_PIN_OFF,   /* no more tries before it is plugged in anew, or at all */
        TOKEN_DENIED,    /* the key says no: no fingerprint, no PIN set, ... */
        TOKEN_UNPROVED,  /* what the key answered is not right */
        TOKEN_EXISTS,    /* MAKE: it has one of the credentials already */
        TOKEN_SEVERAL,   /* NEW, MAKE: more than one is plugged in */
        TOKEN_CANCELLED,
        _TOKEN_RESULT_MAX,
} TokenResult;

typedef struct TokenHead {
        uint32_t protocol;
        uint32_t op; /* TokenOp */
        uint64_t id;
        uint64_t target; /* CANCEL */
        uint32_t flags;
        uint32_t uid; /* MAKE */
        uint8_t client_data[TOKEN_CLIENT_DATA_BYTES];
        uint16_t rp_bytes, name_bytes, pin_bytes; /* without the NUL; 0: not there, nor its NUL */
        uint16_t credential_count;
} TokenHead;

/* In front of each credential's id in a request. */
typedef struct TokenCredentialHead {
        uint16_t id_bytes;
        uint16_t flags;
        uint8_t key[TOKEN_KEY_BYTES];
} TokenCredentialHead;

typedef struct TokenAnswer {
        uint32_t protocol;
        uint32_t op;
        uint64_t id;
        uint32_t result; /* TokenResult; what is below is there with OK */
        uint32_t which;  /* LOOK, ASSERT: the credential, by its place in the request */
        uint32_t counter;
        uint8_t verified;  /* ASSERT, MAKE: the key verified its user */
        uint8_t verifies;  /* LOOK with NEW: it can */
        uint8_t wants_pin; /* LOOK: what comes next needs its PIN */
        uint8_t zero;
        uint16_t id_bytes; /* MAKE: of the credential, as are the next ones */
        uint8_t aaguid[TOKEN_AAGUID_BYTES];
        uint8_t key[TOKEN_KEY_BYTES];
        uint8_t credential[TOKEN_ID_MAX];
        uint8_t padding[6];
} TokenAnswer;

typedef struct TokenCredential {
        uint32_t flags;
        const uint8_t *key; /* TOKEN_KEY_BYTES */
        const uint8_t *id;
        size_t id_bytes;
} TokenCredential;

/* A request as it came or is to go; everything points into the packet, texts have their NUL and are
 * NULL where they are not there. */
typedef struct TokenRequest {
        TokenHead head;
        const char *rp, *name, *pin;
        TokenCredential credentials[TOKEN_CREDENTIALS_MAX];
} TokenRequest;

/* -EBADMSG for anything but one whole request. */
int token_request_parse(const void *packet, size_t len, TokenRequest *ret);
/* Writes a request into buf (TOKEN_PACKET_MAX bytes, the caller's to wipe); lengths are filled into
 * the head, but for credential_count.  The length, or -EMSGSIZE where something is too long. */
ssize_t token_request_build(const TokenRequest *request, void *buf);
/* -EBADMSG for anything but one whole answer. */
int token_answer_parse(const void *packet, size_t len, TokenAnswer *ret);
