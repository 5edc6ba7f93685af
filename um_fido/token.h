/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The inside of um-fido, for its own files and their tests; umd includes um_fido.h only. */

#include "um_fido/um_fido.h"

/* ---- devices --------------------------------------------------------------------------------- */

#define TOKEN_DEVICES_MAX 8U

typedef struct TokenDevice {
        int fd;      /* reads and writes HID reports of 64 bytes */
        uint64_t id; /* which device it is, as long as it is plugged in */
} TokenDevice;

/* Opens every security key that is plugged in and may be opened; how many.  The one function that
 * tests put another in the place of. */
size_t token_devices_open(TokenDevice ret[static TOKEN_DEVICES_MAX]);
/* Does a HID report descriptor say that it is a security key? */
bool token_descriptor_is_fido(const uint8_t *descriptor, size_t len);

/* ---- the child that speaks to one ------------------------------------------------------------ */

#define TOKEN_AUTHDATA_MAX  1024U
#define TOKEN_SIGNATURE_MAX 160U

/* What it hands over: claims of the device's, which nobody has checked. */
typedef struct TokenReport {
        uint32_t result; /* TokenResult */
        uint32_t which;
        uint8_t verifies, wants_pin;
        uint16_t made_bytes, authdata_bytes, signature_bytes;
        uint8_t made[TOKEN_AUTHDATA_MAX];     /* MAKE: authenticator data of what was made */
        uint8_t authdata[TOKEN_AUTHDATA_MAX]; /* and of the assertion */
        uint8_t signature[TOKEN_SIGNATURE_MAX];
} TokenReport;

/* What lets it go on: MAKE waits for it at the start, ASSERT once the parent has seen that the
 * device has the credential.  Before that no child has a PIN. */
typedef struct TokenGo {
        char pin[TOKEN_PIN_MAX + 1]; /* "": none */
} TokenGo;

/* Where it finds its two descriptors.  CONTROL is one end of a SOCK_SEQPACKET pair: a report goes
 * out there (ASSERT: two, what it found and what was signed with a touch), a TokenGo comes in, and
 * when the other end says nothing more (shutdown), the device is told to stop. */
#define TOKEN_WORKER_CONTROL 3
#define TOKEN_WORKER_DEVICE  4

/* In a fork of its own; the request may have been checked, and has no PIN.  Never returns. */
_Noreturn void token_worker_run(const TokenRequest *request);
/* No rights but to read and write what is open, and an end to it. */
int token_sandbox_enter(void);

/* ---- checking -------------------------------------------------------------------------------- */

/* Judges a report: *ret has op, id, result and what goes with it.  Nothing of a report is believed
 * that a signature does not cover, but for what only leads to the next question. */
void token_report_judge(const TokenRequest *request, const TokenReport *report, TokenAnswer *ret);
/* LOOK for a credential, and ASSERT before anybody is asked: TOKEN_OK where the device has shown,
 * without a touch, that it has the credential `which`.  A refusal of one that has not is none that
 * tells of a PIN or a credential. */
TokenResult token_find_judge(const TokenRequest *request, const TokenReport *report);
/* Has libcrypto read what it reads at its first use: children can open nothing.  -EIO: it does not
 * work. */
int token_verify_prepare(void);

/* ---- serving --------------------------------------------------------------------------------- */

/* Serves until SIGTERM (signal_fd) or, by hand, until the peer closes. */
int token_serve(const BaseService *service, int signal_fd);
