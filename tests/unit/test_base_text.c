/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Text from people: decoded strictly, shown safely, built without overrun. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/base.h"

/* The encoding of c by the table of RFC 3629, strict or not. */
static size_t utf8_encode(uint32_t c, char *s) {
        if (c < 0x80) {
                s[0] = (char)c;
                return 1;
        }
        if (c < 0x800) {
                s[0] = (char)(0xC0 | c >> 6);
                s[1] = (char)(0x80 | (c & 0x3F));
                return 2;
        }
        if (c < 0x10000) {
                s[0] = (char)(0xE0 | c >> 12);
                s[1] = (char)(0x80 | (c >> 6 & 0x3F));
                s[2] = (char)(0x80 | (c & 0x3F));
                return 3;
        }
        s[0] = (char)(0xF0 | c >> 18);
        s[1] = (char)(0x80 | (c >> 12 & 0x3F));
        s[2] = (char)(0x80 | (c >> 6 & 0x3F));
        s[3] = (char)(0x80 | (c & 0x3F));
        return 4;
}

static void every_character_decodes_from_its_one_encoding(void **state) {
        for (uint32_t c = 0; c < 0x110100; c++) {
                bool good = c <= 0x10FFFF && (c < 0xD800 || c > 0xDFFF);
                uint32_t decoded = 0xBAD;
                char s[4];
                size_t len = utf8_encode(c, s);

                assert_int_equal(base_utf8_decode(s, len, &decoded), good ? (int)len : -EILSEQ);
                assert_int_equal(decoded, good ? c : 0xBAD);
                for (size_t cut = 0; good && cut < len; cut++)
                        assert_int_equal(base_utf8_decode(s, cut, &decoded), -EILSEQ);
        }
}

static void no_other_bytes_are_a_character(void **state) {
        static const char *const rows[] = {
                "\x80",
                "\xbf",
                "\xc0\x80",
                "\xc0\xaf",
                "\xc1\xbf",
                "\xc3(",
                "\xe0\x80\xaf",
                "\xe0\x9f\xbf",
                "\xe2\x82",
                "\xe2\x28\xa1",
                "\xf0\x80\x80\xaf",
                "\xf0\x8f\xbf\xbf",
                "\xf0\x28\x8c",
                "\xf4\x90\x80\x80",
                "\xf5\x80\x80\x80",
                "\xf8\x88\x80\x80\x80",
                "\xfc\x84\x80\x80\x80\x80",
                "\xfe",
                "\xff",
        };
        uint32_t c;

        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++)
                assert_int_equal(base_utf8_decode(rows[i], strlen(rows[i]), &c), -EILSEQ);
}

static void what_is_printable(void **state) {
        static const struct {
                uint32_t first, last;
                bool printable;
        } rows[] = {
                { 0x00, 0x1F, false },       { 0x20, 0x7E, true },
                { 0x7F, 0x9F, false },       { 0xA0, 0xAC, true },
                { 0xAD, 0xAD, false },       { 0xAE, 0x377, true },
                { 0x61C, 0x61C, false },     { 0x180E, 0x180E, false },
                { 0x200B, 0x200F, false },   { 0x2010, 0x2027, true },
                { 0x2028, 0x202E, false },   { 0x2060, 0x206F, false },
                { 0x4E00, 0x9FFF, true },    { 0xE000, 0xF8FF, false },
                { 0xFDD0, 0xFDEF, false },   { 0xFEFF, 0xFEFF, false },
                { 0xFFF9, 0xFFFB, false },   { 0xFFFE, 0xFFFF, false },
                { 0x1F600, 0x1F64F, true },  { 0x1FFFE, 0x1FFFF, false },
                { 0xE0001, 0xE007F, false }, { 0x10FFFE, 0x10FFFF, false },
        };

        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++)
                for (uint32_t c = rows[i].first; c <= rows[i].last; c++)
                        if (base_codepoint_printable(c) != rows[i].printable)
                                fail_msg("U+%04X", c);
}

static void what_is_shown_is_harmless_and_tells_all(void **state) {
        static const struct {
                const char *s;
                size_t len;
                const char *shown;
        } rows[] = {
                { "", 0, "" },
                { "alice", 5, "alice" },
                { "\xc3\x9c", 2, "\xc3\x9c" },
                { "a\\b", 3, "a\\\\b" },
                { "a\nb\x1b[31m", 8, "a\\x0ab\\x1b[31m" },
                { "a\0b", 3, "a\\x00b" },
                { "\x9b\x33\x31m", 4, "\\x9b31m" }, /* a bare C1 CSI */
                { "\xc2\x9b"
                  "31m",
                  5, "\\xc2\\x9b31m" }, /* the same in UTF-8 */
                { "\xe2\x80\xae"
                  "cod",
                  6,
                  "\\xe2\\x80\\xae"
                  "cod" }, /* right to left */
                { "\xc0\xaf", 2, "\\xc0\\xaf" },
                { "x\xff"
                  "alice",
                  7, "x\\xffalice" },
                { "\x7f", 1, "\\x7f" },
        };
        char buf[64];

        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                assert_int_equal(base_escape(rows[i].s, rows[i].len, buf, sizeof(buf)),
                                 strlen(rows[i].shown));
                assert_string_equal(buf, rows[i].shown);
        }
}

static void what_is_cut_ends_at_a_character(void **state) {
        static const struct {
                const char *s;
                size_t size;
                const char *shown;
        } rows[] = {
                { "abcdefgh", 9, "abcdefgh" },
                { "abcdefgh", 8, "abcd..." },
                { "abcdefgh", 5, "a..." },
                { "abcdefgh", 4, "..." },
                { "abc", 4, "abc" },
                { "abcd", 4, "..." },
                { "ab\xc3\x9c\xc3\x9c", 6, "ab..." },
                { "ab\xc3\x9c\xc3\x9c", 7, "ab\xc3\x9c\xc3\x9c" },
                { "a\n\n", 8, "a..." },
                { "a\n", 6, "a\\x0a" },
                { "abc", 3, "" },
                { "abc", 1, "" },
        };
        char buf[16];

        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                memset(buf, '#', sizeof(buf));
                assert_int_equal(base_escape(rows[i].s, strlen(rows[i].s), buf, rows[i].size),
                                 strlen(rows[i].shown));
                assert_string_equal(buf, rows[i].shown);
                assert_int_equal(buf[rows[i].size], '#');
        }
        buf[0] = '#';
        assert_int_equal(base_escape("abc", 3, buf, 0), 0);
        assert_int_equal(buf[0], '#');
}

/* Any bytes, any size: never an overrun, always printable. */
static void nothing_raw_ever_comes_out(void **state) {
        uint32_t random = 1;

        for (int round = 0; round < 20000; round++) {
                char in[24], out[48];
                size_t len = (size_t)round % sizeof(in), size = 4 + (size_t)round % 40, shown;

                for (size_t i = 0; i < len; i++) {
                        random = random * 1103515245 + 12345;
                        in[i] = (char)(random >> 16);
                }
                memset(out, '#', sizeof(out));
                shown = base_escape(in, len, out, size);
                assert_true(shown < size && out[shown] == '\0' && strlen(out) == shown);
                assert_int_equal(out[size], '#');
                for (size_t at = 0; at < shown;) {
                        uint32_t c = 0;
                        int n = base_utf8_decode(out + at, shown - at, &c);

                        assert_true(n > 0 && base_codepoint_printable(c));
                        at += (size_t)n;
                }
        }
}

static void a_text_knows_that_it_was_cut(void **state) {
        char buf[8];
        Text text;

        base_text_init(&text, buf, sizeof(buf));
        assert_string_equal(buf, "");
        base_text_add(&text, "abc");
        base_text_addf(&text, "%d", 4567);
        assert_string_equal(buf, "abc4567");
        assert_int_equal(text.len, 7);
        assert_false(text.cut);
        base_text_add(&text, ""); /* which fits */
        assert_false(text.cut);
        base_text_add(&text, "8");
        assert_true(text.cut);
        assert_string_equal(buf, "abc4567");
        base_text_add(&text, "more");
        assert_int_equal(text.len, 7);

        base_text_init(&text, buf, 4);
        base_text_add(&text, "abcdef%s");
        assert_true(text.cut);
        assert_string_equal(buf, "abc");
        base_text_init(&text, NULL, 0);
        base_text_add(&text, "a");
        assert_true(text.cut);
        assert_int_equal(text.len, 0);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_character_decodes_from_its_one_encoding),
                cmocka_unit_test(no_other_bytes_are_a_character),
                cmocka_unit_test(what_is_printable),
                cmocka_unit_test(what_is_shown_is_harmless_and_tells_all),
                cmocka_unit_test(what_is_cut_ends_at_a_character),
                cmocka_unit_test(nothing_raw_ever_comes_out),
                cmocka_unit_test(a_text_knows_that_it_was_cut),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
