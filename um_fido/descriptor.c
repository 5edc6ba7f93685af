/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Is a HID device a security key?  Its report descriptor begins a collection of the FIDO Alliance's
 * usage page then (CTAP 2.1, 11.2.8.1).  Items are walked as HID 1.11, 6.2.2, has them. */

#include "um_fido/token.h"

#define USAGE_PAGE_FIDO 0xf1d0U
#define ITEM_LONG       0xfeU
#define ITEM_USAGE_PAGE 0x04U /* with the size in its two low bits */

bool token_descriptor_is_fido(const uint8_t *descriptor, size_t len) {
        static const size_t sizes[] = { 0, 1, 2, 4 };

        for (size_t at = 0; at < len;) {
                uint8_t head = descriptor[at];
                size_t size = sizes[head & 3U];
                uint32_t value = 0;

                if (head == ITEM_LONG || size >= len - at) /* long ones are in no use */
                        return false;
                for (size_t i = 0; i < size; i++)
                        value |= (uint32_t)descriptor[at + 1 + i] << (8 * i);
                if ((head & 0xfcU) == ITEM_USAGE_PAGE && value == USAGE_PAGE_FIDO)
                        return true;
                at += 1 + size;
        }
        return false;
}
