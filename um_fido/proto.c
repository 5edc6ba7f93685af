/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The packets between umd and um-fido, read and written by both sides with the same code.
 *
 * Strict: the whole packet, every length, flag and enum is checked before anything points into it,
 * and what an operation does not take must not be there.  libc and base only, so that umd links
 * this and no libfido2. */

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/base.h"
#include "um_fido/um_fido.h"

static_assert(sizeof(TokenHead) == 104, "the head has no padding");
static_assert(sizeof(TokenCredentialHead) == 68, "nor has a credential's");
static_assert(sizeof(TokenAnswer) == 632, "nor the answer that is not named");
static_assert(sizeof(TokenHead) + TOKEN_RP_MAX + BASE_NAME_MAX + TOKEN_PIN_MAX + 3 +
                              TOKEN_CREDENTIALS_MAX *
                                      (sizeof(TokenCredentialHead) + TOKEN_ID_MAX) <=
                      TOKEN_PACKET_MAX,
              "the largest packet fits");

/* What of a request each operation takes. */
typedef struct Shape {
        uint32_t flags;
        bool rp, name, pin, credentials;
} Shape;

static const Shape shapes[_TOKEN_OP_MAX] = {
        [TOKEN_LOOK] = { .flags = TOKEN_FLAG_NEW, .rp = true, .credentials = true },
        [TOKEN_ASSERT] = { .rp = true, .pin = true, .credentials = true },
        [TOKEN_MAKE] = { .flags = TOKEN_FLAG_VERIFY,
                         .rp = true,
                         .name = true,
                         .pin = true,
                         .credentials = true },
        [TOKEN_CANCEL] = { .flags = 0 },
};

static bool head_is_valid(const TokenHead *head) {
        const Shape *shape;

        if (head->protocol != TOKEN_PROTOCOL || head->op < TOKEN_LOOK || head->op >= _TOKEN_OP_MAX)
                return false;
        shape = &shapes[head->op];
        if ((head->flags & ~shape->flags) != 0 || (head->rp_bytes > 0) != shape->rp ||
            head->rp_bytes > TOKEN_RP_MAX || (head->name_bytes > 0) != shape->name ||
            head->name_bytes > BASE_NAME_MAX || head->pin_bytes > TOKEN_PIN_MAX ||
            head->credential_count > TOKEN_CREDENTIALS_MAX ||
            (head->target != 0) != (head->op == TOKEN_CANCEL))
                return false;
        if ((head->pin_bytes > 0 && !shape->pin) ||
            (head->credential_count > 0 && !shape->credentials))
                return false;
        /* what is looked for */
        return head->credential_count > 0 || head->op == TOKEN_MAKE || head->op == TOKEN_CANCEL ||
               (head->flags & TOKEN_FLAG_NEW) != 0;
}

/* Moves on behind a text; -EBADMSG unless it is there as announced. */
static int text_parse(const uint8_t **at, size_t *len, size_t bytes, const char **ret) {
        if (bytes == 0)
                return 0;
        if (bytes >= *len || memchr(*at, '\0', *len) != *at + bytes)
                return -EBADMSG;
        *ret = (const char *)*at;
        *at += bytes + 1;
        *len -= bytes + 1;
        return 0;
}

static int credential_parse(const uint8_t **at, size_t *len, TokenCredential *ret) {
        TokenCredentialHead head;

        if (*len < sizeof(head))
                return -EBADMSG;
        memcpy(&head, *at, sizeof(head));
        if (head.id_bytes == 0 || head.id_bytes > TOKEN_ID_MAX ||
            head.id_bytes > *len - sizeof(head) ||
            (head.flags & ~(unsigned int)TOKEN_FLAG_VERIFY) != 0)
                return -EBADMSG;
        *ret = (TokenCredential){ .flags = head.flags,
                                  .key = *at + offsetof(TokenCredentialHead, key),
                                  .id = *at + sizeof(head),
                                  .id_bytes = head.id_bytes };
        *at += sizeof(head) + head.id_bytes;
        *len -= sizeof(head) + head.id_bytes;
        return 0;
}

int token_request_parse(const void *packet, size_t len, TokenRequest *ret) {
        const uint8_t *at = packet;
        TokenRequest request = { 0 };
        int r;

        if (len < sizeof(request.head))
                return -EBADMSG;
        memcpy(&request.head, at, sizeof(request.head));
        if (!head_is_valid(&request.head))
                return -EBADMSG;
        at += sizeof(request.head);
        len -= sizeof(request.head);
        r = text_parse(&at, &len, request.head.rp_bytes, &request.rp);
        if (r == 0)
                r = text_parse(&at, &len, request.head.name_bytes, &request.name);
        if (r == 0)
                r = text_parse(&at, &len, request.head.pin_bytes, &request.pin);
        for (size_t i = 0; r == 0 && i < request.head.credential_count; i++)
                r = credential_parse(&at, &len, &request.credentials[i]);
        if (r < 0 || len > 0)
                return -EBADMSG;
        *ret = request;
        return 0;
}

/* Where the text ends in the packet; NULL where it is too long. */
static uint8_t *text_build(uint8_t *at, const char *text, size_t max, uint16_t *ret_bytes) {
        size_t bytes = text ? strlen(text) : 0;

        if (bytes > max)
                return NULL;
        *ret_bytes = (uint16_t)bytes;
        if (bytes == 0)
                return at;
        memcpy(at, text, bytes + 1);
        return at + bytes + 1;
}

static uint8_t *credential_build(uint8_t *at, const TokenCredential *credential) {
        TokenCredentialHead head = { .flags = (uint16_t)credential->flags };

        if (credential->id_bytes == 0 || credential->id_bytes > TOKEN_ID_MAX)
                return NULL;
        head.id_bytes = (uint16_t)credential->id_bytes;
        memcpy(head.key, credential->key, sizeof(head.key));
        memcpy(at, &head, sizeof(head));
        memcpy(at + sizeof(head), credential->id, credential->id_bytes);
        return at + sizeof(head) + credential->id_bytes;
}

ssize_t token_request_build(const TokenRequest *request, void *buf) {
        TokenHead head = request->head;
        uint8_t *at = (uint8_t *)buf + sizeof(head);

        if (head.credential_count > TOKEN_CREDENTIALS_MAX)
                return -EMSGSIZE;
        at = text_build(at, request->rp, TOKEN_RP_MAX, &head.rp_bytes);
        if (at)
                at = text_build(at, request->name, BASE_NAME_MAX, &head.name_bytes);
        if (at)
                at = text_build(at, request->pin, TOKEN_PIN_MAX, &head.pin_bytes);
        for (size_t i = 0; at && i < head.credential_count; i++)
                at = credential_build(at, &request->credentials[i]);
        if (!at)
                return -EMSGSIZE;
        memcpy(buf, &head, sizeof(head));
        return at - (uint8_t *)buf;
}

int token_answer_parse(const void *packet, size_t len, TokenAnswer *ret) {
        TokenAnswer answer;

        if (len != sizeof(answer))
                return -EBADMSG;
        memcpy(&answer, packet, sizeof(answer));
        if (answer.protocol != TOKEN_PROTOCOL || answer.op < TOKEN_LOOK ||
            answer.op >= _TOKEN_OP_MAX || answer.result >= _TOKEN_RESULT_MAX ||
            answer.which >= TOKEN_CREDENTIALS_MAX || answer.verified > 1 || answer.verifies > 1 ||
            answer.wants_pin > 1 || answer.zero != 0 || answer.id_bytes > TOKEN_ID_MAX ||
            (answer.id_bytes > 0) != (answer.op == TOKEN_MAKE && answer.result == TOKEN_OK))
                return -EBADMSG;
        *ret = answer;
        return 0;
}
