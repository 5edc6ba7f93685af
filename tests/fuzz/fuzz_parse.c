/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Numbers, spans and times: what is read is in range and reads the same again.  Texts made fit for
 * a terminal are, whatever they were made of and however small the buffer.
 *
 * The first byte is the size of that buffer. */

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void numbers_check(const char *s) {
        char again[32];
        uint64_t value = 77;
        uint32_t id = 77;
        int r;

        r = base_parse_u64(s, 5, UINT64_MAX - 5, &value);
        assert(r == 0 || ((r == -EINVAL || r == -ERANGE) && value == 77));
        if (r == 0) {
                snprintf(again, sizeof(again), "%llu", (unsigned long long)value);
                assert(value >= 5 && value <= UINT64_MAX - 5 && strcmp(again, s) == 0);
        }
        r = base_parse_id(s, &id);
        assert(r == 0 || ((r == -EINVAL || r == -ERANGE) && id == 77));
        if (r == 0) {
                snprintf(again, sizeof(again), "%u", id);
                assert(id != 65535 && id != UINT32_MAX && strcmp(again, s) == 0);
        }
}

static void times_check(const char *s) {
        uint64_t usec = 77, again;
        char text[32];
        int r;

        r = base_parse_span(s, &usec);
        assert(r == 0 || ((r == -EINVAL || r == -ERANGE) && usec == 77));
        assert(r < 0 || usec == USEC_INFINITY || usec % USEC_PER_SEC == 0);
        usec = 77;
        r = base_parse_rfc3339(s, &usec);
        assert(r == 0 || ((r == -EINVAL || r == -ERANGE) && usec == 77));
        if (r < 0)
                return;
        base_format_rfc3339(usec, text);
        assert(strlen(text) == 20 || strcmp(text, "never") == 0); /* an offset may end in 10000 */
        if (strlen(text) == 20)
                assert(base_parse_rfc3339(text, &again) == 0 && again == usec);
}

static void escaped_check(const char *s, size_t len, size_t buf_size) {
        char *buf = malloc(buf_size ? buf_size : 1); /* exactly: who writes beyond is seen */
        size_t written, at = 0;

        assert(buf);
        written = base_escape(s, len, buf, buf_size);
        assert(written == 0 || written < buf_size);
        if (buf_size > 0)
                assert(strlen(buf) == written);
        while (at < written) {
                uint32_t c;
                int n = base_utf8_decode(buf + at, written - at, &c);

                assert(n > 0 && base_codepoint_printable(c));
                at += (size_t)n;
        }
        if (written > 0 && !strstr(buf, "...") && !memchr(s, '\\', len) && !strchr(buf, '\\'))
                assert(written == len && memcmp(buf, s, len) == 0);
        free(buf);
}

static void text_check(const char *s, size_t buf_size) {
        char buf[256];
        Text text;

        base_text_init(&text, buf, buf_size);
        for (int i = 0; i < 3; i++) {
                base_text_add(&text, s);
                base_text_addf(&text, "%d", i);
                assert(buf_size == 0 || (text.len < buf_size && strlen(buf) == text.len));
        }
        assert(text.cut || text.len == 3 * (strlen(s) + 1));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        char *s;

        if (size == 0)
                return 0;
        s = malloc(size);
        assert(s);
        memcpy(s, data + 1, size - 1);
        s[size - 1] = '\0';
        numbers_check(s);
        times_check(s);
        escaped_check((const char *)data + 1, size - 1, data[0]);
        text_check(s, data[0]);
        free(s);
        return 0;
}
