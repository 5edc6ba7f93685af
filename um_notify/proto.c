/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The packets between umd and um-notify, read and written by both sides with the same code.
 *
 * Strict: the whole packet, every length and enum is checked before anything points into it, and
 * every text is checked by the rule of its field: what is written into a mail later can hold no
 * line's end and no address but the one.  libc and base only. */

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/base.h"
#include "um_notify/um_notify.h"

#define HOST_MAX      64U /* HOST_NAME_MAX */
#define SERVICE_MAX   63U
#define VALID_SEC_MAX 86400U

static const uint16_t text_max[_NOTIFY_TEXT_MAX] = {
        [NOTIFY_TEXT_TO] = BASE_EMAIL_MAX,    [NOTIFY_TEXT_FULL_NAME] = BASE_GECOS_MAX,
        [NOTIFY_TEXT_USER] = BASE_NAME_MAX,   [NOTIFY_TEXT_HOST] = HOST_MAX,
        [NOTIFY_TEXT_SERVICE] = SERVICE_MAX,  [NOTIFY_TEXT_SOURCE] = BASE_LINE_MAX,
        [NOTIFY_TEXT_CODE] = NOTIFY_CODE_MAX,
};

static_assert(sizeof(NotifyHead) == 48, "the head has no padding");
static_assert(sizeof(NotifyAnswer) == 24, "the answer has no padding");
static_assert(sizeof(NotifyHead) + BASE_EMAIL_MAX + BASE_GECOS_MAX + BASE_NAME_MAX + HOST_MAX +
                              SERVICE_MAX + BASE_LINE_MAX + NOTIFY_CODE_MAX + _NOTIFY_TEXT_MAX <=
                      NOTIFY_PACKET_MAX,
              "the largest packet fits");

static bool head_is_valid(const NotifyHead *head) {
        if (head->protocol != NOTIFY_PROTOCOL || head->op < NOTIFY_PING ||
            head->op >= _NOTIFY_OP_MAX || head->zero[0] != 0 || head->zero[1] != 0 ||
            head->zero[2] != 0)
                return false;
        if (head->op == NOTIFY_PING) {
                for (NotifyText t = 0; t < _NOTIFY_TEXT_MAX; t++)
                        if (head->bytes[t] != 0)
                                return false;
                return head->time_usec == 0 && head->valid_sec == 0;
        }
        for (NotifyText t = 0; t < _NOTIFY_TEXT_MAX; t++)
                if (head->bytes[t] > text_max[t] ||
                    (head->bytes[t] == 0 && t != NOTIFY_TEXT_FULL_NAME && t != NOTIFY_TEXT_SOURCE))
                        return false;
        return head->time_usec < USEC_INFINITY && head->valid_sec > 0 &&
               head->valid_sec <= VALID_SEC_MAX;
}

static bool only_of(const char *s, const char *fit) {
        return s[strspn(s, fit)] == '\0';
}

static bool text_is_valid(NotifyText text, const char *s, size_t len) {
        switch (text) {
        case NOTIFY_TEXT_TO:
                return base_field_check(FIELD_EMAIL, s, len) == FIELD_OK;
        case NOTIFY_TEXT_FULL_NAME:
                return base_field_check(FIELD_FULL_NAME, s, len) == FIELD_OK;
        case NOTIFY_TEXT_USER:
                return base_field_check(FIELD_USER_NAME, s, len) == FIELD_OK;
        case NOTIFY_TEXT_HOST:
                return only_of(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                  ".-");
        case NOTIFY_TEXT_SERVICE:
        case NOTIFY_TEXT_SOURCE:
                return base_field_check(FIELD_LINE, s, len) == FIELD_OK;
        case NOTIFY_TEXT_CODE:
                return len >= NOTIFY_CODE_MIN && only_of(s, "0123456789");
        case _NOTIFY_TEXT_MAX:
                break;
        }
        return false;
}

int notify_request_parse(const void *packet, size_t len, NotifyRequest *ret) {
        const char *at = packet;
        NotifyRequest request = { 0 };

        if (len < sizeof(request.head))
                return -EBADMSG;
        memcpy(&request.head, at, sizeof(request.head));
        if (!head_is_valid(&request.head))
                return -EBADMSG;
        at += sizeof(request.head);
        len -= sizeof(request.head);
        for (NotifyText t = 0; t < _NOTIFY_TEXT_MAX; t++) {
                size_t bytes = request.head.bytes[t];

                request.text[t] = "";
                if (bytes == 0)
                        continue;
                if (bytes >= len || memchr(at, '\0', len) != at + bytes ||
                    !text_is_valid(t, at, bytes))
                        return -EBADMSG;
                request.text[t] = at;
                at += bytes + 1;
                len -= bytes + 1;
        }
        if (len > 0)
                return -EBADMSG;
        *ret = request;
        return 0;
}

ssize_t notify_request_build(const NotifyHead *head,
                             const char *const text[static _NOTIFY_TEXT_MAX], void *buf) {
        NotifyHead filled = *head;
        ssize_t n = base_texts_pack(text, text_max, _NOTIFY_TEXT_MAX, filled.bytes,
                                    (char *)buf + sizeof(filled));

        if (n < 0)
                return n;
        memcpy(buf, &filled, sizeof(filled));
        return (ssize_t)sizeof(filled) + n;
}

int notify_answer_parse(const void *packet, size_t len, NotifyAnswer *ret) {
        NotifyAnswer answer;

        if (len != sizeof(answer))
                return -EBADMSG;
        memcpy(&answer, packet, sizeof(answer));
        if (answer.protocol != NOTIFY_PROTOCOL || answer.op < NOTIFY_PING ||
            answer.op >= _NOTIFY_OP_MAX || answer.status >= _NOTIFY_STATUS_MAX)
                return -EBADMSG;
        *ret = answer;
        return 0;
}
