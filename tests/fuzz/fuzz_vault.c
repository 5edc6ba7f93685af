/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A packet the vault or umd believes: all of it lies inside what was received, and building it
 * again gives the same bytes. */

#include <assert.h>
#include <string.h>

#include "base/base.h"
#include "um_vault/um_vault.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        uint8_t buf[VAULT_PACKET_MAX];
        VaultPacket packet;

        if (vault_packet_parse(data, size, &packet) < 0)
                return 0;
        assert(vault_packet_build(&packet.head, packet.secret, packet.verifier, buf) ==
               (ssize_t)size);
        assert(memcmp(buf, data, size) == 0);
        return 0;
}
