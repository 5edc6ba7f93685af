/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* um-vault: the only process that sees a password beside a hash, a seed beside a code, or the
 * record key.
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
 * uid, kind, version), so that it opens nowhere else.  AEAD by libsodium.  A seed of one-time codes
 * is sealed likewise, with its form, so that neither can be changed or moved.
 *
 * The protocol's number stays while what it had stays.  To a vault from before a verb or a flag its
 * request is no packet: it ends the connection, and everything waiting there denies. */

#include <stdint.h>
#include <sys/types.h>

#include "base/base.h"

#define VAULT_SOCKET           "/run/um-vault/socket"
#define VAULT_KEY_DIR          "/var/lib/um-vault"
#define VAULT_PROTOCOL         1U
#define VAULT_PACKET_MAX       8192U
#define VAULT_SECRET_MAX       BASE_SECRET_MAX /* on the wire; a password: BASE_PASSWORD_MAX */
#define VAULT_VERIFIER_MAX     1024U
#define VAULT_KEY_ID_BYTES     16U
#define VAULT_SEAL_BYTES       41U /* version 1, nonce 24, tag 16 */
#define VAULT_QUEUE_MAX        64U /* requests waiting; more are VAULT_BUSY */
#define VAULT_LANE_MAX         16U /* of them for one uid: nobody's guesses may fill the queue */
#define VAULT_COMPARES_MAX     16U /* of them VAULT_COMPARE, and of those for one uid */
#define VAULT_COMPARES_UID_MAX 4U

typedef enum VaultOp {
        /* Is it there, and which key has it?  VAULT_OK, and the key's id where others have their
         * verifier: VAULT_KEY_ID_BYTES that are no secret, the same as long as the key is.  And in
         * `recovery` whether that key is kept for a recovery key. */
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
        /* A VaultSeedForm where others have their verifier -> VAULT_OK, the sealed seed, and in the
         * answer's secret the seed in base32 (RFC 4648, no padding): the one answer that has one,
         * and the only time the seed is seen.  A new seed is as long as the algorithm's hash, 20,
         * 32 or 64 bytes. */
        VAULT_SEED_NEW,
        /* The same with a seed that is there already: the secret is base32 (either case, padded or
         * not, nothing else in it) of VAULT_SEED_MIN to VAULT_SEED_MAX bytes, else
         * VAULT_BAD_RECORD. The answer has no secret. */
        VAULT_SEED_IMPORT,
        /* The secret is what was typed, the verifier a VaultOtp and the sealed seed behind it:
         * VAULT_MATCH or VAULT_USED and in the answer's verifier the step that has the code, a
         * uint64_t; or VAULT_NO_MATCH.  The subject's kind says whether it is of a TOTP or a HOTP.
         * Each code of the window is made and compared, whatever was typed and whichever is right.
         */
        VAULT_OTP,
        /* The secret is 1 to VAULT_CODES_MAX codes of VAULT_CODE_MIN to VAULT_CODE_MAX printable
         * ASCII characters without space, one space between two -> VAULT_OK and a hash of
         * VAULT_CODE_HASH_BYTES for each, in that order.  Keyed by the vault and salted anew each
         * time, so that whoever has the hashes can neither try codes against them, nor ask the
         * vault for those of all codes and compare: that is why it may be quick. */
        VAULT_CODE_HASH,
        /* The secret is one code, the verifier up to VAULT_CODES_MAX of those hashes -> VAULT_MATCH
         * and in the answer's verifier which it is of, from 0, a uint64_t; or VAULT_NO_MATCH.  All
         * are compared. */
        VAULT_CODE_VERIFY,
        /* A new password, the verifier of one that is not to be set again -> VAULT_MATCH or
         * VAULT_NO_MATCH, or VAULT_BAD_RECORD.  No proof of anybody: it is asked on behalf of
         * whoever proved the present password (VAULT_FLAG_KNOWN), or of an admin
         * (VAULT_FLAG_HERE), and has one of the two flags.  So it is in no lane of guesses and
         * under ceilings of its own, where each one counts whatever came of it: for each uid and
         * flag 100, one back each 4 s; VAULT_THROTTLED comes at once.  It waits for everything
         * else, and one of these is worked on at a time: VAULT_BUSY where VAULT_COMPARES_MAX with
         * the flag wait, or VAULT_COMPARES_UID_MAX of the uid. */
        VAULT_COMPARE,
        _VAULT_OP_MAX,
} VaultOp;

typedef enum VaultStatus {
        VAULT_OK,
        VAULT_MATCH,
        VAULT_NO_MATCH,
        VAULT_BUSY,      /* the queue or the uid's lane is full */
        VAULT_THROTTLED, /* the vault's own ceiling for this uid: 60 failures, one back each 2 s; it
                          * comes after the time of a guess.  Of codes: see below */
        VAULT_BAD_RECORD,  /* does not open, or is no hash of a known method: denies */
        VAULT_BAD_REQUEST, /* a packet in form, but not one this verb takes */
        VAULT_FAULT,       /* crypt or the kernel failed; denies */
        VAULT_USED,        /* the right code of a step below the floor; denies */
        _VAULT_STATUS_MAX,
} VaultStatus;

/* Is the record key kept a second time, for a recovery key?  As it was when the vault started. */
typedef enum VaultRecovery {
        VAULT_RECOVERY_UNTOLD, /* by a vault from before this was told */
        VAULT_RECOVERY_NONE,   /* there is no recovery key */
        VAULT_RECOVERY_KEPT,
        VAULT_RECOVERY_FAILED, /* there is one, and the key is not kept for it; its log says why */
        _VAULT_RECOVERY_MAX,
} VaultRecovery;

/* What a verifier is bound to. */
typedef struct VaultSubject {
        uint8_t store_id[16];
        uint32_t uid;
        uint32_t kind;    /* VAULT_KIND_* */
        uint64_t version; /* of the credential; a new one with each change */
} VaultSubject;

#define VAULT_KIND_PASSWORD      1U
#define VAULT_KIND_SETUP_CODE    2U
#define VAULT_KIND_TOTP          3U
#define VAULT_KIND_HOTP          4U
#define VAULT_KIND_RECOVERY_CODE 5U
#define VAULT_KIND_MAIL_CODE     6U
#define VAULT_KIND_RESET_CODE    7U /* by e-mail as well, for whoever forgot his password */

typedef struct VaultHead {
        uint32_t protocol;
        uint32_t op;     /* VaultOp */
        uint32_t status; /* VaultStatus; 0 in a request */
        uint32_t secret_bytes;
        uint32_t verifier_bytes;
        uint32_t flags; /* VAULT_FLAG_* */
        uint64_t id;
        VaultSubject subject;
        union {
                uint64_t upgrade_version; /* VERIFY: version a new verifier is to be bound to */
                uint64_t recovery;        /* PING's answer: VaultRecovery */
        };
} VaultHead;

#define VAULT_FLAG_OLD_METHOD                                                                      \
        1U /* VERIFY's answer: matched by a method weaker than the preferred, or of less cost; the \
              new verifier that follows is as one made now, bound to upgrade_version */

/* In a VERIFY, SPEND, OTP or CODE_VERIFY: where the guess comes from, one of these or neither.  A
 * uid has a lane, and a ceiling, for each: strangers who guess must not keep out who sits at the
 * machine, nor who comes from where he came from before.  A taken-over umd may call a guess what it
 * likes: the ceilings together are three times one. */
#define VAULT_FLAG_HERE  2U /* from this machine */
#define VAULT_FLAG_KNOWN 4U /* from the user himself, or where he logged in from before */

/* In an OTP or CODE_VERIFY, beside those: whatever was typed cannot count, because the password was
 * wrong, or nobody has the name.  The work and the lane are the same, as are the faults, and what
 * would be MATCH or USED is VAULT_NO_MATCH without a step: so it is no guess, and costs nothing of
 * the ceiling of codes.  Else whoever knows no password could use that up. */
#define VAULT_FLAG_NOTHING 8U

/* ---- second factors ----------------------------------------------------------------------- */

/* Guesses at codes have a ceiling of their own, for each uid and each of the three kinds of place
 * above: 20 failures (NO_MATCH and USED, but of none that is flagged NOTHING), then one each 5 min.
 * What it refuses takes the time of a guess too.  A umd that was taken over so has 3 x 288 guesses
 * a day at one user: 10^6, as many as there are codes of six digits, in three years.  It would ask
 * with the widest window, where 21 codes of a TOTP are right at a time, and 51 of a HOTP: it is as
 * likely as not to have hit one after 38 days, and 15.  With the usual three it is 267.  Who types
 * his own codes wrong 20 times has not used up what he has at the machine or from where he came
 * from before.  Ceilings of passwords and of codes know nothing of each other. */

typedef enum VaultAlgorithm {
        VAULT_ALGORITHM_SHA1,
        VAULT_ALGORITHM_SHA256,
        VAULT_ALGORITHM_SHA512,
        _VAULT_ALGORITHM_MAX,
} VaultAlgorithm;

#define VAULT_DIGITS_MIN      6U
#define VAULT_DIGITS_MAX      8U
#define VAULT_PERIOD_MIN      15U /* seconds */
#define VAULT_PERIOD_MAX      120U
#define VAULT_DRIFT_MAX       10U   /* TOTP: steps each side of now */
#define VAULT_AHEAD_MAX       50U   /* HOTP: codes from the floor on */
#define VAULT_RESYNC_MAX      1000U /* HOTP: the same for two codes in a row */
#define VAULT_SEED_MIN        16U   /* bytes: the 128 bits of RFC 4226, section 4 */
#define VAULT_SEED_MAX        128U
#define VAULT_SEED_TEXT_MAX   208U /* of the longest in base32, padded */
#define VAULT_CODES_MAX       16U
#define VAULT_CODE_MIN        6U
#define VAULT_CODE_MAX        64U
#define VAULT_CODE_HASH_BYTES 48U /* salt 16, keyed hash 32 */

/* RFC 4226 and RFC 6238, T0 = 0. */
typedef struct VaultSeedForm {
        uint32_t algorithm; /* VaultAlgorithm */
        uint32_t digits;
        uint32_t period_sec; /* 0 for a HOTP */
} VaultSeedForm;

/* What a typed code is held against.  A step is a TOTP's period number since 1970 or a HOTP's
 * counter.  Where a code stands at two steps of a TOTP's window the later one is told, so that it
 * is used up at both; of a HOTP's the earlier one, so that the device is not left behind. */
typedef struct VaultOtp {
        /* The lowest step that may match: one above the last that did; 0 at first. */
        uint64_t floor;
        /* TOTP: since 1970, UTC.  0 for a HOTP. */
        uint64_t now_sec;
        /* TOTP: steps each side of now.  HOTP: how many codes behind the floor's may match too; the
         * one before the floor's is told as VAULT_USED. */
        uint32_t window;
        /* HOTP: the secret may be two codes in a row with one space between, the first of which is
         * at most this far behind the floor's; the second one's step is told.  0: it may not, and
         * for a TOTP. */
        uint32_t resync;
} VaultOtp;

/* ---- packets ------------------------------------------------------------------------------ */

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
