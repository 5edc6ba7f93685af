/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The inside of um-quality, for its own files and their tests; umd includes um_quality.h only. */

#include <locale.h>

#include "um_quality/um_quality.h"

/* ---- words ----------------------------------------------------------------------------------- */

#define QUALITY_WORD_MIN 4U /* characters: shorter ones stand in any password */

/* A text as characters without case.  One of a password is the caller's to wipe. */
typedef struct QualityFolded {
        uint32_t points[BASE_PASSWORD_MAX];
        size_t count;
} QualityFolded;

/* Takes at most BASE_PASSWORD_MAX bytes.  A byte that is no UTF-8 is a character of its own. */
void quality_fold(locale_t locale, const char *s, size_t len, QualityFolded *ret);
/* Does the password have the word in it, forwards or backwards?  Never one below QUALITY_WORD_MIN.
 */
bool quality_has_word(const QualityFolded *password, const QualityFolded *word);
/* The same for each word of a text: what stands between characters that are neither letter nor
 * digit. */
bool quality_has_words(locale_t locale, const QualityFolded *password, const char *s, size_t len);
/* Lower, upper, digit, other: how many of them the text has, and its length in characters. */
unsigned quality_classes(locale_t locale, const char *s, size_t *ret_length);

/* ---- banned words ---------------------------------------------------------------------------- */

#define QUALITY_BANNED_FILE_MAX (1024U * 1024)

/* Reads the list anew, so that a change counts at once: a word a line, blank lines and lines that
 * begin with '#' apart.  A line that is no UTF-8, has a NUL, is longer than a password or shorter
 * than QUALITY_WORD_MIN is left out and is damage.  password NULL: looks at the list alone. */
QualityState quality_banned(locale_t locale, const char *path, const QualityFolded *password,
                            bool *ret_hit);

/* ---- the breach file ------------------------------------------------------------------------- */

/* The file that was found damaged: it stays so until it is another, whatever is looked up. */
typedef struct QualityBreach {
        uint64_t device, inode, size, changed_nsec;
        bool damaged;
        unsigned reads; /* pread(2) calls of the last lookup */
} QualityBreach;

/* Looks a password up in the file at path (NULL: there is none, MISSING): lines of 40 hexadecimal
 * digits of SHA-1, ':' and a count or nothing, LF or CRLF, sorted, as Have I Been Pwned hands them
 * out.  A binary search that reads; nothing is mapped, since who truncates a mapped file kills its
 * reader.  password NULL: looks at the first and last line. */
QualityState quality_breach(QualityBreach *breach, const char *path, const char *password,
                            bool *ret_hit);

/* ---- the check ------------------------------------------------------------------------------- */

typedef struct QualityContext {
        locale_t locale;
        const char *banned;     /* the list's path */
        const char *dictionary; /* cracklib's, without its suffix; NULL: where it was built to be */
        QualityBreach breach;
} QualityContext;

int quality_context_init(QualityContext *ret, const char *banned, const char *dictionary);
void quality_context_done(QualityContext *context);
/* Answers one request; never fails, since a fault is an answer too. */
void quality_answer(QualityContext *context, const QualityRequest *request, QualityAnswer *ret);

/* ---- serving --------------------------------------------------------------------------------- */

/* Serves until SIGTERM (signal_fd) or, by hand, until the peer closes. */
int quality_serve(QualityContext *context, const BaseService *service, int signal_fd);
