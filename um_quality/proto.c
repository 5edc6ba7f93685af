/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The packets between umd and um-quality, read and written by both sides with the same code.
 *
 * Strict: the whole packet, every length, flag and enum is checked before anything points into it.
 * libc and base only, so that umd links this and none of the checks. */

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/base.h"
#include "um_quality/um_quality.h"

static const uint16_t text_max[_QUALITY_TEXT_MAX] = {
        [QUALITY_TEXT_PASSWORD] = BASE_PASSWORD_MAX, [QUALITY_TEXT_OLD] = BASE_PASSWORD_MAX,
        [QUALITY_TEXT_NAME] = BASE_NAME_MAX,         [QUALITY_TEXT_FULL_NAME] = BASE_GECOS_MAX,
        [QUALITY_TEXT_EMAIL] = BASE_EMAIL_MAX,       [QUALITY_TEXT_BREACH_FILE] = BASE_PATH_MAX,
};

static_assert(sizeof(QualityHead) == 40, "the head has no padding");
static_assert(sizeof(QualityAnswer) == 32, "the answer has no padding");
static_assert(sizeof(QualityHead) + 2 * BASE_PASSWORD_MAX + BASE_NAME_MAX + BASE_GECOS_MAX +
                              BASE_EMAIL_MAX + BASE_PATH_MAX + _QUALITY_TEXT_MAX <=
                      QUALITY_PACKET_MAX,
              "the largest packet fits");

#define FLAGS_KNOWN (QUALITY_FLAG_SIMILARITY | QUALITY_FLAG_DICTIONARY | QUALITY_FLAG_BREACHED)

static bool head_is_valid(const QualityHead *head) {
        if (head->protocol != QUALITY_PROTOCOL || head->op < QUALITY_PING ||
            head->op >= _QUALITY_OP_MAX || (head->flags & ~FLAGS_KNOWN) != 0 ||
            head->min_length > BASE_PASSWORD_MAX || head->classes > QUALITY_CLASSES_MAX)
                return false;
        for (QualityText t = 0; t < _QUALITY_TEXT_MAX; t++)
                if (head->bytes[t] > text_max[t])
                        return false;
        return (head->bytes[QUALITY_TEXT_PASSWORD] > 0) == (head->op == QUALITY_CHECK);
}

int quality_request_parse(const void *packet, size_t len, QualityRequest *ret) {
        const char *at = packet;
        QualityRequest request = { 0 };

        if (len < sizeof(request.head))
                return -EBADMSG;
        memcpy(&request.head, at, sizeof(request.head));
        if (!head_is_valid(&request.head))
                return -EBADMSG;
        at += sizeof(request.head);
        len -= sizeof(request.head);
        for (QualityText t = 0; t < _QUALITY_TEXT_MAX; t++) {
                size_t bytes = request.head.bytes[t];

                if (bytes == 0)
                        continue;
                if (bytes >= len || memchr(at, '\0', len) != at + bytes)
                        return -EBADMSG;
                request.text[t] = at;
                at += bytes + 1;
                len -= bytes + 1;
        }
        if (len > 0)
                return -EBADMSG;
        if (request.text[QUALITY_TEXT_BREACH_FILE] &&
            request.text[QUALITY_TEXT_BREACH_FILE][0] != '/')
                return -EBADMSG;
        *ret = request;
        return 0;
}

ssize_t quality_request_build(const QualityHead *head,
                              const char *const text[static _QUALITY_TEXT_MAX], void *buf) {
        QualityHead filled = *head;
        ssize_t n = base_texts_pack(text, text_max, _QUALITY_TEXT_MAX, filled.bytes,
                                    (char *)buf + sizeof(filled));

        if (n < 0)
                return n;
        memcpy(buf, &filled, sizeof(filled));
        return (ssize_t)sizeof(filled) + n;
}

int quality_answer_parse(const void *packet, size_t len, QualityAnswer *ret) {
        QualityAnswer answer;

        if (len != sizeof(answer))
                return -EBADMSG;
        memcpy(&answer, packet, sizeof(answer));
        if (answer.protocol != QUALITY_PROTOCOL || answer.op < QUALITY_PING ||
            answer.op >= _QUALITY_OP_MAX || answer.fault > 1 ||
            answer.failed >> _QUALITY_CONDITION_MAX != 0 || answer.length > BASE_PASSWORD_MAX ||
            answer.classes > QUALITY_CLASSES_MAX)
                return -EBADMSG;
        for (QualitySource s = 0; s < _QUALITY_SOURCE_MAX; s++)
                if (answer.source[s] >= _QUALITY_STATE_MAX)
                        return -EBADMSG;
        *ret = answer;
        return 0;
}
