/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* um-vault: the only process that sees a password beside a hash, or the record key.
 *
 * Its contract is this protocol, spoken on a SOCK_SEQPACKET unix socket (VAULT_SOCKET,
 * socket-activated; a child of umd has one end of a socketpair as descriptor 3).  Each packet is
 * one VaultHead and the fields it announces, in order, nothing behind them; a packet that is not so
 * ends the connection.  The vault accepts peers of its umd's uid only, umd a vault of uid root
 * (systemd listened) or um-vault. Answers come in any order and carry the request's id, verb and
 * subject.  Verifications of one uid are made one after the other, in the order they came.
 *
 * A verifier is opaque to umd: VAULT_SEAL_BYTES of nonce, tag and version around the crypt(3)
 * string, sealed with XChaCha20-Poly1305 under the record key and bound to the subject (store id,
 * uid, kind, version), so that it opens nowhere else.  AEAD by libsodium. */

#include <stdint.h>
#include <sys/types.h>

#include "base/base.h"

#define VAULT_SOCKET       "/run/um-vault/socket"
#define VAULT_KEY_DIR      "/var/lib/um-vault"
#define VAULT_PROTOCOL     1U
#define VAULT_PACKET_MAX   8192U
#define VAULT_SECRET_MAX   BASE_SECRET_MAX /* on the wire; a password: BASE_PASSWORD_MAX */
#define VAULT_VERIFIER_MAX 1024U
#define VAULT_KEY_ID_BYTES 16U
#define VAULT_SEAL_BYTES   41U /* version 1, nonce 24, tag 16 */
#define VAULT_QUEUE_MAX    64U /* requests waiting; more are VAULT_BUSY */
#define VAULT_LANE_MAX     16U /* of them for one uid: nobody's guesses may fill the queue */

typedef enum VaultOp {
        /* Is it there, and which key has it?  VAULT_OK, and the key's id where others have their
         * verifier: VAULT_KEY_ID_BYTES that are no secret, the same as long as the key is. */
        VAULT_PING = 1,
        /* Secret -> verifier, by the preferred method (yescrypt).  VAULT_BAD_REQUEST for a password
         * that is empty, holds a NUL or is longer than BASE_PASSWORD_MAX. */
        VAULT_HASH,
        /* Secret, verifier -> VAULT_MATCH or VAULT_NO_MATCH; with a match of an old method a new
         * verifier, see VAULT_FLAG_OLD_METHOD. */
        VAULT_VERIFY,
        /* The secret is a crypt(3) string of a known method -> verifier, else VAULT_BAD_RECORD.
         * Known: $y$ up to jCT, $2b$ $2y$ $2a$ up to cost 14, $6$ and $5$ up to 1,000,000 rounds;
         * what costs more would hold a worker for seconds at each guess. */
        VAULT_IMPORT,
        /* Secret -> VAULT_NO_MATCH (or VAULT_BUSY), after the time a VERIFY takes: for names nobody
         * has.  subject.uid may be a number that umd makes from the name and that is no uid of um:
         * it gives the name a lane of its own, as a user has, so that parallel guesses show no
         * difference either; with 0 it has none.  The rest of the subject says nothing. */
        VAULT_SPEND,
        _VAULT_OP_MAX,
} VaultOp;

typedef enum VaultStatus {
        VAULT_OK,
        VAULT_MATCH,
        VAULT_NO_MATCH,
        VAULT_BUSY,      /* the queue or the uid's lane is full */
        VAULT_THROTTLED, /* the vault's own ceiling for this uid: 60 failures, one back each 2 s; it
                          * comes after the time of a guess */
        VAULT_BAD_RECORD,  /* does not open, or is no hash of a known method: denies */
        VAULT_BAD_REQUEST, /* a packet in form, but not one this verb takes */
        VAULT_FAULT,       /* crypt or the kernel failed; denies */
        _VAULT_STATUS_MAX,
} VaultStatus;

/* What a verifier is bound to. */
typedef struct VaultSubject {
        uint8_t store_id[16];
        uint32_t uid;
        uint32_t kind;    /* VAULT_KIND_* */
        uint64_t version; /* of the credential; a new one with each change */
} VaultSubject;

#define VAULT_KIND_PASSWORD   1U
#define VAULT_KIND_SETUP_CODE 2U

typedef struct VaultHead {
        uint32_t protocol;
        uint32_t op;     /* VaultOp */
        uint32_t status; /* VaultStatus; 0 in a request */
        uint32_t secret_bytes;
        uint32_t verifier_bytes;
        uint32_t flags; /* VAULT_FLAG_* */
        uint64_t id;
        VaultSubject subject;
        uint64_t upgrade_version; /* VERIFY: version a new verifier is to be bound to */
} VaultHead;

#define VAULT_FLAG_OLD_METHOD                                                                      \
        1U /* VERIFY's answer: matched by a method weaker than the preferred; the new              \
              verifier that follows is of the preferred one, bound to upgrade_version */

/* In a VERIFY or SPEND: where the guess comes from, one of these or neither.  A uid has a lane, and
 * a ceiling, for each: strangers who guess must not keep out who sits at the machine, nor who comes
 * from where he came from before.  A taken-over umd may call a guess what it likes: the ceilings
 * together are three times one. */
#define VAULT_FLAG_HERE  2U /* from this machine */
#define VAULT_FLAG_KNOWN 4U /* from the user himself, or where he logged in from before */

/* One checked packet; secret and verifier point into the bytes it was parsed from, and are NULL
 * where their length is 0. */
typedef struct VaultPacket {
        VaultHead head;
        const uint8_t *secret;
        const uint8_t *verifier;
} VaultPacket;

/* Checks one packet, request or answer: head, lengths, enums, nothing behind.  -EBADMSG for
 * anything else. */
int vault_packet_parse(const void *packet, size_t len, VaultPacket *ret);
/* Writes head, secret and verifier (of the lengths head names; NULL for 0) into buf, which has
 * VAULT_PACKET_MAX bytes and is the caller's to wipe; the length, or -EMSGSIZE. */
ssize_t vault_packet_build(const VaultHead *head, const void *secret, const void *verifier,
                           void *buf);
