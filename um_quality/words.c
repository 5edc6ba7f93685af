/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Characters, their classes and words, in UTF-8, without regard to case.
 *
 * One search for names, addresses and banned words.  libpwquality has one too, but it compares
 * bytes (so "Ü" and "ü" differ) and looks the full name up by getpwnam(3), which would ask umd's
 * map from here. */

#include <string.h>
#include <wctype.h>

#include "base/base.h"
#include "um_quality/quality.h"

/* Behind all characters, so that a byte that is none equals no character. */
#define POINT_OF_BYTE 0x110000U

static size_t point_next(const char *s, size_t len, uint32_t *ret) {
        int n = base_utf8_decode(s, len, ret);

        if (n > 0)
                return (size_t)n;
        *ret = POINT_OF_BYTE + (uint8_t)s[0];
        return 1;
}

void quality_fold(locale_t locale, const char *s, size_t len, QualityFolded *ret) {
        ret->count = 0;
        while (len > 0 && ret->count < ARRAY_LENGTH(ret->points)) {
                uint32_t point;
                size_t n = point_next(s, len, &point);

                if (point < POINT_OF_BYTE)
                        point = (uint32_t)towlower_l((wint_t)point, locale);
                ret->points[ret->count++] = point;
                s += n;
                len -= n;
        }
}

static bool has_at(const QualityFolded *password, size_t at, const QualityFolded *word,
                   bool backwards) {
        for (size_t i = 0; i < word->count; i++)
                if (password->points[at + i] != word->points[backwards ? word->count - 1 - i : i])
                        return false;
        return true;
}

bool quality_has_word(const QualityFolded *password, const QualityFolded *word) {
        if (word->count < QUALITY_WORD_MIN || word->count > password->count)
                return false;
        for (size_t at = 0; at + word->count <= password->count; at++)
                if (has_at(password, at, word, false) || has_at(password, at, word, true))
                        return true;
        return false;
}

bool quality_has_words(locale_t locale, const QualityFolded *password, const char *s, size_t len) {
        const char *begin = s, *end = s + len;

        while (begin < end) {
                const char *at = begin;
                QualityFolded word;
                uint32_t point;
                size_t n = 0;

                for (; at < end; at += n) {
                        n = point_next(at, (size_t)(end - at), &point);
                        if (point < POINT_OF_BYTE && !iswalnum_l((wint_t)point, locale))
                                break;
                }
                quality_fold(locale, begin, (size_t)(at - begin), &word);
                if (quality_has_word(password, &word))
                        return true;
                begin = at + n;
        }
        return false;
}

unsigned quality_classes(locale_t locale, const char *s, size_t *ret_length) {
        bool lower = false, upper = false, digit = false, other = false;
        size_t len = strlen(s), length = 0;

        while (len > 0) {
                uint32_t point;
                size_t n = point_next(s, len, &point);

                if (point >= '0' && point <= '9')
                        digit = true;
                else if (point < POINT_OF_BYTE && iswlower_l((wint_t)point, locale))
                        lower = true;
                else if (point < POINT_OF_BYTE && iswupper_l((wint_t)point, locale))
                        upper = true;
                else
                        other = true;
                length++;
                s += n;
                len -= n;
        }
        *ret_length = length;
        return (unsigned)lower + upper + digit + other;
}
