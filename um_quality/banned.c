/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The host's own list of words that no password may have in it.
 *
 * Read for each check: passwords are changed seldom, the list is small, and one that was read once
 * would have to be watched.  What is wrong with a line costs that line alone. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/base.h"
#include "um_quality/quality.h"

static bool line_is_text(const char *line, size_t len) {
        if (len > BASE_PASSWORD_MAX)
                return false;
        while (len > 0) {
                uint32_t point;
                int n = base_utf8_decode(line, len, &point);

                if (n <= 0 || point == 0)
                        return false;
                line += n;
                len -= (size_t)n;
        }
        return true;
}

static bool is_blank(char c) {
        return c == ' ' || c == '\t' || c == '\r';
}

/* False: the line is damage. */
static bool line_take(locale_t locale, const char *line, size_t len, const QualityFolded *password,
                      bool *hit) {
        QualityFolded word;

        while (len > 0 && is_blank(line[0])) {
                line++;
                len--;
        }
        while (len > 0 && is_blank(line[len - 1]))
                len--;
        if (len == 0 || line[0] == '#')
                return true;
        if (!line_is_text(line, len))
                return false;
        quality_fold(locale, line, len, &word);
        if (word.count < QUALITY_WORD_MIN)
                return false;
        *hit = *hit || (password && quality_has_word(password, &word));
        return true;
}

static QualityState state_of(int fault) {
        return fault == -ENOENT ? QUALITY_STATE_OK : QUALITY_STATE_UNREADABLE;
}

QualityState quality_banned(locale_t locale, const char *path, const QualityFolded *password,
                            bool *ret_hit) {
        QualityState state = QUALITY_STATE_OK;
        _cleanup_free_ char *text = NULL;
        bool hit = false;
        const char *at;
        size_t len;
        int r = base_file_read(AT_FDCWD, path, QUALITY_BANNED_FILE_MAX, &text, &len);

        *ret_hit = false;
        if (r < 0)
                return state_of(r);
        at = text;
        while (len > 0) {
                const char *end = memchr(at, '\n', len);
                size_t line = end ? (size_t)(end - at) : len, used = end ? line + 1 : line;

                if (!line_take(locale, at, line, password, &hit))
                        state = QUALITY_STATE_DAMAGED;
                at += used;
                len -= used;
        }
        *ret_hit = hit;
        return state;
}
