/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* qr: a text as a QR code that a terminal can show, for the key of a second factor.
 *
 * Drawn in half blocks (U+2580, U+2584, U+2588 and the space), so a line is two rows of modules and
 * a module about square.  Light modules are drawn and dark ones left out, the quiet zone with them:
 * right on a dark terminal; on a light one it is inverted, which most readers take too.  No escape
 * sequence: what stands between sshd and the person may drop or show those. */

#include <stddef.h>

#include "base/base.h"

#define QR_TEXT_MAX    256U  /* bytes of the text: at most version 10, 57 modules a side */
#define QR_DRAWN_MAX   6400U /* bytes that hold any drawing, with the NUL */
#define QR_COLUMNS_MAX 65U   /* modules and the quiet zone of four on each side (ISO/IEC 18004) */

/* Draws text (1 to QR_TEXT_MAX bytes, error correction L) into buf, which has QR_DRAWN_MAX bytes:
 * lines with a newline behind each.  -EINVAL for a text that is empty or too long, -ENOMEM.
 *
 * The text may be a secret, and so is the drawing: buf is the caller's to wipe.  What libqrencode
 * allocates on the way is freed but, for the matrix, not wiped. */
int qr_draw(const char *text, char *buf);
