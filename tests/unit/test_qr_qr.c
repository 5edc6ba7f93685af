/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A drawn code is read again by another library: as a dark terminal shows it, each half block a
 * module.  What it says is the text that was given. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <zbar.h>

#include "base/base.h"
#include "qr/qr.h"

#define SCALE 4U
#define SIDE  ((QR_COLUMNS_MAX + 1) * SCALE)

/* A line's characters: which halves are light. */
static unsigned halves(uint32_t c) {
        switch (c) {
        case 0x2588:
                return 3;
        case 0x2580:
                return 1;
        case 0x2584:
                return 2;
        default:
                assert_int_equal(c, ' ');
                return 0;
        }
}

static void paint(uint8_t *picture, unsigned column, unsigned row, bool light) {
        for (unsigned y = 0; y < SCALE; y++)
                memset(picture + (row * SCALE + y) * SIDE + column * SCALE, light ? 255 : 0, SCALE);
}

/* The picture a terminal shows; the columns of the widest line. */
static unsigned render(const char *drawn, uint8_t *picture) {
        unsigned column = 0, line = 0, widest = 0;

        memset(picture, 0, SIDE * SIDE);
        for (const char *at = drawn; *at;) {
                uint32_t c;
                int used = base_utf8_decode(at, strlen(at), &c);

                assert_true(used > 0);
                at += used;
                if (c == '\n') {
                        line++;
                        column = 0;
                        continue;
                }
                assert_true(column < QR_COLUMNS_MAX && 2 * line + 1 <= QR_COLUMNS_MAX);
                paint(picture, column, 2 * line, halves(c) & 1);
                paint(picture, column, 2 * line + 1, halves(c) & 2);
                column++;
                widest = column > widest ? column : widest;
        }
        return widest;
}

static void assert_reads(const char *drawn, const char *text) {
        static uint8_t picture[SIDE * SIDE];
        zbar_image_scanner_t *scanner = zbar_image_scanner_create();
        zbar_image_t *image = zbar_image_create();
        const zbar_symbol_t *symbol;

        render(drawn, picture);
        zbar_image_scanner_set_config(scanner, 0, ZBAR_CFG_ENABLE, 0);
        zbar_image_scanner_set_config(scanner, ZBAR_QRCODE, ZBAR_CFG_ENABLE, 1);
        zbar_image_set_format(image, zbar_fourcc('Y', '8', '0', '0'));
        zbar_image_set_size(image, SIDE, SIDE);
        zbar_image_set_data(image, picture, sizeof(picture), NULL);
        assert_int_equal(zbar_scan_image(scanner, image), 1);
        symbol = zbar_image_first_symbol(image);
        assert_non_null(symbol);
        assert_string_equal(zbar_symbol_get_data(symbol), text);
        zbar_image_destroy(image);
        zbar_image_scanner_destroy(scanner);
}

static void what_is_drawn_reads_as_the_text(void **state) {
        static const char *const texts[] = {
                "otpauth://totp/um:alice@umlab?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=um",
                "otpauth://hotp/um:bob@host.example?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
                "&issuer=um&algorithm=SHA512&digits=8&counter=0",
                "x",
        };

        for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
                char drawn[QR_DRAWN_MAX];

                assert_int_equal(qr_draw(texts[i], drawn), 0);
                assert_reads(drawn, texts[i]);
        }
}

static void every_length_up_to_the_longest_fits(void **state) {
        char text[QR_TEXT_MAX + 2], drawn[QR_DRAWN_MAX];

        for (size_t len = 1; len <= QR_TEXT_MAX; len++) {
                memset(text, 'a', len); /* lower case: bytes, the widest mode */
                text[len] = '\0';
                assert_int_equal(qr_draw(text, drawn), 0);
        }
        assert_reads(drawn, text);
}

static void what_is_no_text_is_refused(void **state) {
        char text[QR_TEXT_MAX + 2], drawn[QR_DRAWN_MAX];

        memset(text, 'a', sizeof(text) - 1);
        text[sizeof(text) - 1] = '\0';
        assert_int_equal(qr_draw(text, drawn), -EINVAL);
        assert_int_equal(qr_draw("", drawn), -EINVAL);
}

/* On a light background what is dark must stand out from the frame: the quiet zone is drawn. */
static void the_frame_is_light_on_all_sides(void **state) {
        static uint8_t picture[SIDE * SIDE];
        char drawn[QR_DRAWN_MAX];
        unsigned side;

        assert_int_equal(qr_draw("otpauth://totp/x", drawn), 0);
        side = render(drawn, picture);
        for (unsigned i = 0; i < side * SCALE; i++)
                for (unsigned depth = 0; depth < 4 * SCALE; depth++) {
                        assert_int_equal(picture[depth * SIDE + i], 255);
                        assert_int_equal(picture[i * SIDE + depth], 255);
                        assert_int_equal(picture[i * SIDE + side * SCALE - 1 - depth], 255);
                        assert_int_equal(picture[(side * SCALE - 1 - depth) * SIDE + i], 255);
                }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_is_drawn_reads_as_the_text),
                cmocka_unit_test(every_length_up_to_the_longest_fits),
                cmocka_unit_test(what_is_no_text_is_refused),
                cmocka_unit_test(the_frame_is_light_on_all_sides),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
