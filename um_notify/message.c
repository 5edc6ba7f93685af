/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The mails, written out of fields that were checked (proto.c): an address has no character that a
 * header takes for anything else, and a name that is not plain words stands in encoded words
 * (RFC 2047).  Date, From and Message-ID are the mail system's to add: it knows what this host is
 * called outside. */

#include <errno.h>
#include <string.h>

#include "um_notify/notify.h"

#define WORD_BYTES 45U /* of UTF-8 in an encoded word: 60 characters, 72 with its frame */

static void base64_add(Text *text, const uint8_t *bytes, size_t len) {
        static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                     "0123456789+/";

        for (size_t i = 0; i < len; i += 3) {
                uint32_t group = (uint32_t)bytes[i] << 16;
                char four[5] = { 0 };

                if (i + 1 < len)
                        group |= (uint32_t)bytes[i + 1] << 8;
                if (i + 2 < len)
                        group |= bytes[i + 2];
                four[0] = digits[group >> 18 & 63];
                four[1] = digits[group >> 12 & 63];
                four[2] = i + 1 < len ? digits[group >> 6 & 63] : '=';
                four[3] = i + 2 < len ? digits[group & 63] : '=';
                base_text_add(text, four);
        }
}

/* As many whole characters as an encoded word holds. */
static size_t word_take(const char *s) {
        size_t len = strlen(s), at = 0;

        while (at < len) {
                uint32_t codepoint;
                int n = base_utf8_decode(s + at, len - at, &codepoint);

                if (n < 0) /* was checked; a byte for itself */
                        n = 1;
                if (at + (size_t)n > WORD_BYTES)
                        break;
                at += (size_t)n;
        }
        return at;
}

/* Words of letters and digits, which mean nothing else in a header. */
static bool is_plain(const char *name) {
        static const char fit[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ";

        return name[strspn(name, fit)] == '\0' && strlen(name) <= 60;
}

void notify_phrase_write(const char *name, char *buf) {
        Text text;

        base_text_init(&text, buf, NOTIFY_PHRASE_MAX);
        if (is_plain(name)) {
                base_text_add(&text, name);
                return;
        }
        for (const char *at = name; *at;) {
                size_t len = word_take(at);

                base_text_addf(&text, "%s=?UTF-8?B?", at == name ? "" : "\n ");
                base64_add(&text, (const uint8_t *)at, len);
                base_text_add(&text, "?=");
                at += len;
        }
}

static bool is_reset(const NotifyRequest *request) {
        return request->head.op == NOTIFY_RESET;
}

static void header_write(Text *text, const NotifyRequest *request) {
        char phrase[NOTIFY_PHRASE_MAX];

        notify_phrase_write(request->text[NOTIFY_TEXT_FULL_NAME], phrase);
        if (phrase[0])
                base_text_addf(text, "To: %s\n <%s>\n", phrase, request->text[NOTIFY_TEXT_TO]);
        else
                base_text_addf(text, "To: <%s>\n", request->text[NOTIFY_TEXT_TO]);
        base_text_addf(text,
                       "Subject: Code to %s %s\n"
                       "Auto-Submitted: auto-generated\n"
                       "MIME-Version: 1.0\n"
                       "Content-Type: text/plain; charset=utf-8\n"
                       "Content-Transfer-Encoding: 8bit\n\n",
                       is_reset(request) ? "set a new password on" : "log in to",
                       request->text[NOTIFY_TEXT_HOST]);
}

static void body_write(Text *text, const NotifyRequest *request) {
        const char *source = request->text[NOTIFY_TEXT_SOURCE];
        uint32_t seconds = request->head.valid_sec;
        char when[32];

        base_format_rfc3339(request->head.time_usec, when);
        base_text_addf(text, "Your code to %s %s as %s is\n\n    %s\n\n",
                       is_reset(request) ? "set a new password on" : "log in to",
                       request->text[NOTIFY_TEXT_HOST], request->text[NOTIFY_TEXT_USER],
                       request->text[NOTIFY_TEXT_CODE]);
        base_text_addf(text, "It is valid once, for %u %s, from where you asked for it.\n\n",
                       seconds < 120 ? seconds : seconds / 60,
                       seconds < 120 ? "seconds" : "minutes");
        base_text_addf(text, "It was asked for at %s, from %s\n(%s), by somebody who %s.\n", when,
                       source[0] ? source : "this machine itself",
                       request->text[NOTIFY_TEXT_SERVICE],
                       is_reset(request) ? "says that he forgot your password"
                                         : "knows your password or has your key");
        base_text_add(text, "Was it not you? Give the code to nobody, and tell your "
                            "administrator.\n");
}

int notify_message_write(const NotifyRequest *request, Secret **ret) {
        char buf[NOTIFY_MESSAGE_MAX];
        Text text;
        int r;

        base_text_init(&text, buf, sizeof(buf));
        header_write(&text, request);
        body_write(&text, request);
        r = text.cut ? -EMSGSIZE : base_secret_new(buf, text.len, ret);
        base_wipe(buf, sizeof(buf));
        return r;
}
