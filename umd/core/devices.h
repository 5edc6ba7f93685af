/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Devices as the faces change and show them: part of core.h, which includes it, on a page of its
 * own.  So far they are ssh keys that an administrator gave an account. */

#include "umd/core/core.h"

#define CORE_FINGERPRINT_BYTES 64U /* "SHA256:" and 43 digits of base64 */

typedef struct CoreDevice {
        const char *fingerprint, *type; /* "ssh-ed25519" */
        const char *label;
        uint64_t created_usec;
        const char *created_by;
} CoreDevice;

/* The public key as ssh-keygen(1) writes it, in one line: CORE_E_BAD_VALUE for a private one, for
 * options in front of it, for one that nobody should use.  CORE_E_CONFLICT: somebody else has it.
 * One he has: 0 with ret->id 0.  *ret_fingerprint is the buffer of the caller
 * (CORE_FINGERPRINT_BYTES). */
int core_device_add(Core *core, const Actor *actor, const char *name, const char *key,
                    const char *label, const CoreOptions *options, uint64_t now_usec,
                    char *ret_fingerprint, CoreChange *ret, CoreError *error);
/* CORE_E_NO_SUCH_ENTRY: he has no such key. */
int core_device_remove(Core *core, const Actor *actor, const char *name, const char *fingerprint,
                       const CoreOptions *options, uint64_t now_usec, CoreChange *ret,
                       CoreError *error);
/* All of a user's; valid during the call. */
int core_device_list(Core *core, const char *name,
                     void (*each)(void *userdata, const CoreDevice *device), void *userdata,
                     CoreError *error);

/* What sshd is to take for the user's authorized_keys, of the key with that fingerprint: a line, or
 * none.  Whether he may come in is not looked at: PAM's account phase says it, and why. */
int core_device_authorized(Core *core, const char *name, const char *fingerprint,
                           void (*each)(void *userdata, const char *line), void *userdata);
