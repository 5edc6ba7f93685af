/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Text from people: decoding, showing it safely, building it in a fixed buffer.
 * iscntrl() and wcwidth() are not asked: they follow a locale and do not know C1 (CVE-2023-29383).
 */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"

int base_utf8_decode(const char *s, size_t len, uint32_t *ret_codepoint) {
        static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
        unsigned char first;
        uint32_t c;
        int n;

        if (len == 0)
                return -EILSEQ;
        first = (unsigned char)s[0];
        if (first < 0x80) {
                *ret_codepoint = first;
                return 1;
        }
        n = first >= 0xF0 && first < 0xF8 ? 4 : first >= 0xE0 ? 3 : first >= 0xC0 ? 2 : 0;
        if (n == 0 || first >= 0xF8 || len < (size_t)n)
                return -EILSEQ;
        c = first & (0x7FU >> n);
        for (int i = 1; i < n; i++) {
                unsigned char next = (unsigned char)s[i];

                if ((next & 0xC0) != 0x80)
                        return -EILSEQ;
                c = c << 6 | (next & 0x3F);
        }
        if (c < smallest[n] || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF))
                return -EILSEQ;
        *ret_codepoint = c;
        return n;
}

bool base_codepoint_printable(uint32_t c) {
        if (c < 0x20 || (c >= 0x7F && c <= 0x9F))
                return false;
        if (c == 0xAD || c == 0x61C || c == 0x180E || c == 0xFEFF)
                return false; /* soft hyphen, Arabic letter mark, Mongolian separator, BOM */
        if ((c >= 0x200B && c <= 0x200F) || (c >= 0x2028 && c <= 0x202E) ||
            (c >= 0x2060 && c <= 0x206F))
                return false; /* zero-width, separators, bidi, invisible operators */
        if ((c >= 0xFDD0 && c <= 0xFDEF) || (c & 0xFFFE) == 0xFFFE || (c >= 0xFFF9 && c <= 0xFFFB))
                return false; /* noncharacters, interlinear marks */
        if ((c >= 0xE000 && c <= 0xF8FF) || c >= 0xE0000)
                return false; /* private use, tags */
        return true;
}

/* The next character as it is shown, at most 4 bytes; how many bytes of s it stands for. */
static size_t piece_make(const char *s, size_t len, char *piece, size_t *ret_len) {
        static const char hex[] = "0123456789abcdef";
        unsigned char byte = (unsigned char)s[0];
        uint32_t c;
        int used = base_utf8_decode(s, len, &c);

        if (used < 0 || !base_codepoint_printable(c)) {
                /* one byte at a time, so that what follows a broken one is still shown */
                memcpy(piece, "\\x", 2);
                piece[2] = hex[byte >> 4];
                piece[3] = hex[byte & 15];
                *ret_len = 4;
                return 1;
        }
        if (c == '\\') {
                memcpy(piece, "\\\\", 2);
                *ret_len = 2;
                return 1;
        }
        memcpy(piece, s, (size_t)used);
        *ret_len = (size_t)used;
        return (size_t)used;
}

size_t base_escape(const char *s, size_t len, char *buf, size_t size) {
        size_t at = 0, out = 0, cut = 0; /* cut: where "..." would still fit */

        if (size < 4) {
                if (size > 0)
                        buf[0] = '\0';
                return 0;
        }
        while (at < len) {
                char piece[4];
                size_t n, used = piece_make(s + at, len - at, piece, &n);

                if (out + n + 1 > size) {
                        memcpy(buf + cut, "...", 3);
                        out = cut + 3;
                        break;
                }
                memcpy(buf + out, piece, n);
                out += n;
                at += used;
                if (out + 4 <= size)
                        cut = out;
        }
        buf[out] = '\0';
        return out;
}

void base_text_init(Text *text, char *buf, size_t size) {
        *text = (Text){ .buf = buf, .size = size };
        if (size > 0)
                buf[0] = '\0';
}

void base_text_add(Text *text, const char *s) {
        base_text_addf(text, "%s", s);
}

void base_text_addf(Text *text, const char *format, ...) {
        size_t room = text->size - text->len;
        va_list ap;
        int n;

        va_start(ap, format);
        n = vsnprintf(text->buf + text->len, room, format, ap);
        va_end(ap);
        if (n < 0)
                text->cut = true;
        else if ((size_t)n >= room) {
                text->cut = true;
                text->len = text->size > 0 ? text->size - 1 : 0;
        } else
                text->len += (size_t)n;
}

ssize_t base_texts_pack(const char *const *texts, const uint16_t *max, size_t count,
                        uint16_t *ret_bytes, char *buf) {
        char *at = buf;

        for (size_t i = 0; i < count; i++) {
                size_t bytes = texts[i] ? strlen(texts[i]) : 0;

                if (bytes > max[i])
                        return -EMSGSIZE;
                ret_bytes[i] = (uint16_t)bytes;
                if (bytes == 0)
                        continue;
                memcpy(at, texts[i], bytes + 1);
                at += bytes + 1;
        }
        return at - buf;
}
