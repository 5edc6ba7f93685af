/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Two rows of modules a line: what is above and below decides which of four characters stands
 * there.  libqrencode makes the matrix; a module is dark where its lowest bit is set. */

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include <qrencode.h>

#include "qr/qr.h"

#define QUIET_MODULES 4

static void code_freep(QRcode **code) {
        if (!*code)
                return;
        explicit_bzero((*code)->data, (size_t)(*code)->width * (size_t)(*code)->width);
        QRcode_free(*code);
}

static bool module_is_light(const QRcode *code, int x, int y) {
        x -= QUIET_MODULES;
        y -= QUIET_MODULES;
        if (x < 0 || y < 0 || x >= code->width || y >= code->width)
                return true;
        return (code->data[y * code->width + x] & 1) == 0;
}

static const char *block(bool above, bool below) {
        if (above)
                return below ? "\xe2\x96\x88" : "\xe2\x96\x80"; /* full, upper half */
        return below ? "\xe2\x96\x84" : " ";                    /* lower half */
}

/* The side is odd: the last line's lower half is beyond the quiet zone, and light as well. */
static void draw(const QRcode *code, Text *text) {
        int side = code->width + 2 * QUIET_MODULES;

        for (int y = 0; y < side; y += 2) {
                for (int x = 0; x < side; x++)
                        base_text_add(text, block(module_is_light(code, x, y),
                                                  module_is_light(code, x, y + 1)));
                base_text_add(text, "\n");
        }
}

int qr_draw(const char *text, char *buf) {
        _cleanup_(code_freep) QRcode *code = NULL;
        size_t len = strnlen(text, QR_TEXT_MAX + 1);
        Text drawn;

        if (len == 0 || len > QR_TEXT_MAX)
                return -EINVAL;
        code = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_L);
        if (!code)
                return errno == ENOMEM ? -ENOMEM : -EINVAL;
        base_text_init(&drawn, buf, QR_DRAWN_MAX);
        draw(code, &drawn);
        return drawn.cut ? -EINVAL : 0;
}
