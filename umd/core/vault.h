/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What core asks of the vault: part of core.h, which includes it, on a page of its own.  um_vault.h
 * is the protocol behind it, and has the limits and the reasons. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/base.h"

typedef enum CoreProofResult {
        CORE_PROOF_FAULT, /* zero on purpose: denies */
        CORE_PROOF_MATCH,
        CORE_PROOF_NO_MATCH,
        CORE_PROOF_BUSY,
        CORE_PROOF_THROTTLED,
        CORE_PROOF_USED, /* of a one-time code: the right one of a step below the floor; denies */
        _CORE_PROOF_MAX,
} CoreProofResult;

/* The vault, asynchronous.  done is called exactly once, later, never from within the call (unless
 * the call returns < 0, then not at all).  new_verifier (bound to new_version) is there after a
 * HASH, and after a MATCH whose method was old. */
typedef void (*CoreVaultDone)(void *userdata, CoreProofResult result, const void *new_verifier,
                              size_t len, uint64_t now_usec);

/* Where a guess comes from: the vault's ceiling of failures counts each kind for itself. */
typedef enum CoreFrom {
        CORE_FROM_AFAR,
        CORE_FROM_HERE,  /* another program of this machine */
        CORE_FROM_KNOWN, /* the user himself, or where he logged in from before */
        _CORE_FROM_MAX,
} CoreFrom;

/* By number what um_vault.h has (vault_client.c asserts it). */
typedef enum CoreAlgorithm {
        CORE_ALGORITHM_SHA1,
        CORE_ALGORITHM_SHA256,
        CORE_ALGORITHM_SHA512,
        _CORE_ALGORITHM_MAX,
} CoreAlgorithm;

/* How codes are made of a seed; sealed with it, so that it cannot be changed later. */
typedef struct CoreSeedForm {
        CoreAlgorithm algorithm;
        uint32_t digits;     /* 6-8 */
        uint32_t period_sec; /* 15-120; 0 for a HOTP */
} CoreSeedForm;

/* What a typed code is held against.  A step is a TOTP's period number since 1970 or a HOTP's
 * counter. */
typedef struct CoreOtp {
        /* The lowest step that may match: one above the last that did; 0 at first. */
        uint64_t floor;
        /* TOTP only: since 1970, UTC. */
        uint64_t now_sec;
        /* TOTP: steps each side of now, 0-10.  HOTP: codes behind the floor's, 0-50. */
        uint32_t window;
        /* HOTP only: how far behind the floor's the first of two codes typed in a row ("123456
         * 234567") may be, 0-1000; 0: two are not taken. */
        uint32_t resync;
} CoreOtp;

/* sealed is there with MATCH, text (base32, to be shown once) where the seed is new; both are valid
 * during the call. */
typedef void (*CoreSeedDone)(void *userdata, CoreProofResult result, const void *sealed, size_t len,
                             const Secret *text, uint64_t now_usec);
/* step of an otp with MATCH and USED: with MATCH the floor becomes step + 1.  Of a code_verify
 * which hash it was, from 0, with MATCH.  0 otherwise. */
typedef void (*CoreMatchDone)(void *userdata, CoreProofResult result, uint64_t step,
                              uint64_t now_usec);

typedef struct CoreVault {
        void *userdata;
        int (*verify)(void *userdata, uid_t uid, CoreFrom from, uint32_t kind, const void *verifier,
                      size_t len, uint64_t version, uint64_t new_version, const Secret *secret,
                      CoreVaultDone done, void *done_userdata);
        /* result MATCH means: hashed. */
        int (*hash)(void *userdata, uid_t uid, uint32_t kind, uint64_t new_version,
                    const Secret *secret, CoreVaultDone done, void *done_userdata);
        /* secret is a crypt(3) string; NO_MATCH: not of a method um takes. */
        int (*import)(void *userdata, uid_t uid, uint32_t kind, uint64_t new_version,
                      const Secret *secret, CoreVaultDone done, void *done_userdata);
        /* The time of a verify, for nothing.  Guesses of one lane (a uid, or a number no uid has)
         * go one after the other, as those at one user do. */
        int (*spend)(void *userdata, uint32_t lane, CoreFrom from, const Secret *secret,
                     CoreVaultDone done, void *done_userdata);
        bool (*ready)(void *userdata);
        /* A new seed of codes, or with given (base32, at least 128 bits) that one, sealed for the
         * subject.  kind: TOTP or HOTP.  MATCH: made; NO_MATCH: given is no such seed. */
        int (*seed)(void *userdata, uid_t uid, uint32_t kind, const CoreSeedForm *form,
                    uint64_t new_version, const Secret *given, CoreSeedDone done,
                    void *done_userdata);
        /* Is code one of the seed's that otp lets in?  The caller must write the new floor durably,
         * if the old one still stands, before anybody is told of a match (SECURITY R5).  nothing:
         * it cannot count, since the password was wrong or nobody has the name: the work is the
         * same, but it is no MATCH, not USED, not THROTTLED, and uses up no guess of anybody's. */
        int (*otp)(void *userdata, uid_t uid, CoreFrom from, bool nothing, uint32_t kind,
                   const void *sealed, size_t len, uint64_t version, const CoreOtp *otp,
                   const Secret *code, CoreMatchDone done, void *done_userdata);
        /* Codes of much entropy, or of a short life: one hash for each of 1 to CORE_CODES_MAX codes
         * (6 to 64 printable ASCII characters without space, one space between two), of
         * CORE_CODE_HASH_BYTES, one behind the other in new_verifier.  kind: RECOVERY_CODE,
         * MAIL_CODE or RESET_CODE.  MATCH: hashed. */
        int (*code_hash)(void *userdata, uid_t uid, uint32_t kind, uint64_t new_version,
                         const Secret *codes, CoreVaultDone done, void *done_userdata);
        /* Which of these hashes is code's?  All are of one uid, kind and version.  nothing: as with
         * otp. */
        int (*code_verify)(void *userdata, uid_t uid, CoreFrom from, bool nothing, uint32_t kind,
                           const void *hashes, size_t len, uint64_t version, const Secret *code,
                           CoreMatchDone done, void *done_userdata);
        /* Is the secret, a new password, that of a verifier that is not to be set again?  MATCH or
         * NO_MATCH, also where nobody can read the verifier any more.  It is no guess at the user's
         * password, and must not be one: only for whoever proved the present one (from KNOWN), and
         * for admins (HERE).  It waits for what others ask. */
        int (*compare)(void *userdata, uid_t uid, CoreFrom from, uint32_t kind,
                       const void *verifier, size_t len, uint64_t version, const Secret *secret,
                       CoreVaultDone done, void *done_userdata);
} CoreVault;

#define CORE_KIND_PASSWORD      1U
#define CORE_KIND_SETUP_CODE    2U
#define CORE_KIND_TOTP          3U
#define CORE_KIND_HOTP          4U
#define CORE_KIND_RECOVERY_CODE 5U
#define CORE_KIND_MAIL_CODE     6U
#define CORE_KIND_RESET_CODE    7U

#define CORE_CODES_MAX       16U
#define CORE_CODE_HASH_BYTES 48U
