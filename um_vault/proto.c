/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The packets between umd and the vault, read and written by both sides with the same code.
 *
 * Strict: the whole packet, every length and enum checked before anything points into it.  libc and
 * base only, so that umd links this and none of the vault. */

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/base.h"
#include "um_vault/um_vault.h"

static_assert(sizeof(VaultHead) == 72, "the head has no padding");
static_assert(sizeof(VaultHead) + VAULT_SECRET_MAX + VAULT_VERIFIER_MAX <= VAULT_PACKET_MAX,
              "the largest packet fits");

static bool head_is_valid(const VaultHead *head) {
        static const uint32_t flags =
                VAULT_FLAG_OLD_METHOD | VAULT_FLAG_HERE | VAULT_FLAG_KNOWN | VAULT_FLAG_NOTHING;

        return head->protocol == VAULT_PROTOCOL && head->op >= VAULT_PING &&
               head->op < _VAULT_OP_MAX && head->status < _VAULT_STATUS_MAX &&
               head->secret_bytes <= VAULT_SECRET_MAX &&
               head->verifier_bytes <= VAULT_VERIFIER_MAX && (head->flags & ~flags) == 0;
}

int vault_packet_parse(const void *packet, size_t len, VaultPacket *ret) {
        const uint8_t *at = packet;
        VaultHead head;

        if (len < sizeof(head))
                return -EBADMSG;
        memcpy(&head, at, sizeof(head));
        if (!head_is_valid(&head) ||
            len != sizeof(head) + (size_t)head.secret_bytes + head.verifier_bytes)
                return -EBADMSG;
        at += sizeof(head);
        *ret = (VaultPacket){
                .head = head,
                .secret = head.secret_bytes > 0 ? at : NULL,
                .verifier = head.verifier_bytes > 0 ? at + head.secret_bytes : NULL,
        };
        return 0;
}

ssize_t vault_packet_build(const VaultHead *head, const void *secret, const void *verifier,
                           void *buf) {
        uint8_t *at = buf;

        if (head->secret_bytes > VAULT_SECRET_MAX || head->verifier_bytes > VAULT_VERIFIER_MAX)
                return -EMSGSIZE;
        memcpy(at, head, sizeof(*head));
        at += sizeof(*head);
        if (head->secret_bytes > 0)
                memcpy(at, secret, head->secret_bytes);
        at += head->secret_bytes;
        if (head->verifier_bytes > 0)
                memcpy(at, verifier, head->verifier_bytes);
        at += head->verifier_bytes;
        return at - (uint8_t *)buf;
}
