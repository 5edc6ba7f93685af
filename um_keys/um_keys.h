/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* um_keys: what sshd asks which keys let a user in (AuthorizedKeysCommand), with the uid um-keys.
 * umd says it; this only carries the question, and is silent in doubt: then the key lets in nobody.
 */

#include <stdint.h>
#include <stdio.h>

#include "base/base.h"

#define KEYS_DEADLINE_USEC (1 * USEC_PER_SEC) /* in all */
#define KEYS_LINES_MAX     64U
#define KEYS_LINE_MAX      8192U

/* Where it asks; of the host, but in tests. */
typedef struct KeysPlace {
        const char *socket, *map_dir, *passwd;
} KeysPlace;

/* Writes the lines of authorized_keys that the user has for the key with that fingerprint
 * ("SHA256:...") to out, or nothing.  A name that passwd holds, or that none of um's users can
 * have, is nobody's here, and nobody is asked.  0, or a fault. */
int keys_tell(const KeysPlace *place, const char *user, const char *fingerprint, FILE *out);
