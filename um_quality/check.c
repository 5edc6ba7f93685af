/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* All conditions of one password, each by itself, so that an answer has all that failed.
 *
 * libpwquality stops at the first thing it finds, so it is asked once for each condition it knows
 * (like the old one, palindrome, cracklib), with settings made here: what /etc/security says is for
 * local users, um's values are the policy.  It sees nothing below six bytes, which is too short
 * anyway.  It gets no user's name, since it would look him up. */

#include <errno.h>
#include <pwquality.h>
#include <string.h>

#include "base/base.h"
#include "um_quality/quality.h"

#define CHANGES_MIN 5 /* characters that the old one must differ in; pam_cracklib's own number */

/* What cracklib says instead of a verdict, by libpwquality's second result.  The other one is where
 * our own uid is not in /etc/passwd, which cracklib wants to know before it looks words up. */
#define TEXT_NO_DICTIONARY "error loading dictionary"
#define TEXT_NO_SELF       "you are not registered in the password file"

int quality_context_init(QualityContext *ret, const char *banned, const char *dictionary) {
        locale_t locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);

        if (locale == (locale_t)0)
                return -errno;
        *ret = (QualityContext){ .locale = locale, .banned = banned, .dictionary = dictionary };
        return 0;
}

void quality_context_done(QualityContext *context) {
        freelocale(context->locale);
}

/* ---- libpwquality ---------------------------------------------------------------------------- */

static int library_settings(const QualityContext *context, bool dictionary,
                            pwquality_settings_t **ret) {
        static const struct {
                int setting, value;
        } numbers[] = {
                { PWQ_SETTING_DIFF_OK, CHANGES_MIN }, { PWQ_SETTING_MIN_LENGTH, 0 },
                { PWQ_SETTING_DIG_CREDIT, 0 },        { PWQ_SETTING_UP_CREDIT, 0 },
                { PWQ_SETTING_LOW_CREDIT, 0 },        { PWQ_SETTING_OTH_CREDIT, 0 },
                { PWQ_SETTING_MIN_CLASS, 0 },         { PWQ_SETTING_MAX_REPEAT, 0 },
                { PWQ_SETTING_MAX_CLASS_REPEAT, 0 },  { PWQ_SETTING_MAX_SEQUENCE, 0 },
                { PWQ_SETTING_GECOS_CHECK, 0 },       { PWQ_SETTING_USER_CHECK, 0 },
        };
        pwquality_settings_t *settings = pwquality_default_settings();
        int r = settings ? 0 : PWQ_ERROR_MEM_ALLOC;

        for (size_t i = 0; r == 0 && i < ARRAY_LENGTH(numbers); i++)
                r = pwquality_set_int_value(settings, numbers[i].setting, numbers[i].value);
        if (r == 0)
                r = pwquality_set_int_value(settings, PWQ_SETTING_DICT_CHECK, dictionary);
        if (r == 0 && context->dictionary)
                r = pwquality_set_str_value(settings, PWQ_SETTING_DICT_PATH, context->dictionary);
        if (r == 0)
                *ret = settings;
        else if (settings)
                pwquality_free_settings(settings);
        return r == 0 ? 0 : -ENOMEM;
}

/* One of libpwquality's errors, 0 for none, or -ENOMEM; how the dictionary is, where it was asked.
 */
static int library_ask(const QualityContext *context, const char *password, const char *old,
                       bool dictionary, QualityState *ret_state) {
        pwquality_settings_t *settings;
        void *more = NULL; /* with this one a static text */
        int r = library_settings(context, dictionary, &settings), found;

        if (r < 0)
                return r;
        found = pwquality_check(settings, password, old, NULL, &more);
        pwquality_free_settings(settings);
        if (found == PWQ_ERROR_MEM_ALLOC || found == PWQ_ERROR_FATAL_FAILURE)
                return -ENOMEM;
        *ret_state = QUALITY_STATE_OK;
        if (found == PWQ_ERROR_CRACKLIB_CHECK && more) {
                if (strcmp(more, TEXT_NO_DICTIONARY) == 0)
                        *ret_state = QUALITY_STATE_MISSING;
                else if (strcmp(more, TEXT_NO_SELF) == 0)
                        *ret_state = QUALITY_STATE_UNREADABLE;
        }
        return found < 0 ? -found : 0;
}

/* ---- conditions ------------------------------------------------------------------------------ */

static void fail_if(QualityAnswer *answer, QualityCondition condition, bool failed) {
        if (failed)
                answer->failed |= 1U << condition;
}

static bool is_same(const char *a, const char *b) {
        size_t len = strlen(a);

        return b && strlen(b) == len && base_bytes_equal(a, b, len);
}

static void check_size(const QualityContext *context, const QualityRequest *request,
                       QualityAnswer *answer) {
        size_t length;

        answer->classes = (uint8_t)quality_classes(context->locale,
                                                   request->text[QUALITY_TEXT_PASSWORD], &length);
        answer->length = (uint32_t)length;
        fail_if(answer, QUALITY_TOO_SHORT, length < request->head.min_length);
        fail_if(answer, QUALITY_TOO_FEW, answer->classes < request->head.classes);
}

/* Words of the e-mail address: all before the '@', and its domains but the last. */
static bool has_email(const QualityContext *context, const QualityFolded *password,
                      const char *email) {
        const char *at = strchrnul(email, '@'), *dot = strrchr(at, '.');

        if (quality_has_words(context->locale, password, email, (size_t)(at - email)))
                return true;
        return dot && quality_has_words(context->locale, password, at, (size_t)(dot - at));
}

static bool has_name(const QualityContext *context, const QualityFolded *password,
                     const char *name) {
        QualityFolded word;

        quality_fold(context->locale, name, strlen(name), &word);
        return quality_has_word(password, &word) ||
               quality_has_words(context->locale, password, name, strlen(name));
}

static void check_names(const QualityContext *context, const QualityRequest *request,
                        const QualityFolded *password, QualityAnswer *answer) {
        const char *name = request->text[QUALITY_TEXT_NAME],
                   *full = request->text[QUALITY_TEXT_FULL_NAME],
                   *email = request->text[QUALITY_TEXT_EMAIL];

        fail_if(answer, QUALITY_HAS_NAME, name && has_name(context, password, name));
        fail_if(answer, QUALITY_HAS_FULL,
                full && quality_has_words(context->locale, password, full, strlen(full)));
        fail_if(answer, QUALITY_HAS_EMAIL, email && has_email(context, password, email));
}

static int check_likeness(const QualityContext *context, const QualityRequest *request,
                          QualityAnswer *answer) {
        const char *password = request->text[QUALITY_TEXT_PASSWORD],
                   *old = request->text[QUALITY_TEXT_OLD];
        QualityState state;
        int r = 0;

        if (old)
                r = library_ask(context, password, old, false, &state);
        if (r < 0)
                return r;
        fail_if(answer, QUALITY_LIKE_OLD,
                r == -PWQ_ERROR_TOO_SIMILAR || r == -PWQ_ERROR_CASE_CHANGES_ONLY ||
                        r == -PWQ_ERROR_ROTATED || r == -PWQ_ERROR_SAME_PASSWORD);
        r = library_ask(context, password, NULL, false, &state);
        fail_if(answer, QUALITY_PALINDROME, r == -PWQ_ERROR_PALINDROME);
        return r < 0 ? r : 0;
}

static int check_dictionary(const QualityContext *context, const char *password,
                            QualityAnswer *answer) {
        QualityState state;
        int r = library_ask(context, password, NULL, true, &state);

        if (r < 0)
                return r;
        answer->source[QUALITY_SOURCE_DICTIONARY] = (uint8_t)state;
        fail_if(answer, QUALITY_IS_WORD,
                state == QUALITY_STATE_OK && r == -PWQ_ERROR_CRACKLIB_CHECK);
        return 0;
}

/* The lists, with a password or, for a ping, without. */
static int check_lists(QualityContext *context, const QualityRequest *request,
                       const QualityFolded *folded, QualityAnswer *answer) {
        const char *password = request->text[QUALITY_TEXT_PASSWORD];
        bool banned = false, breached = false;
        int r = 0;

        if (request->head.flags & QUALITY_FLAG_DICTIONARY) {
                /* any that it looks up does where there is only the dictionary to be looked at */
                r = check_dictionary(context, password ? password : "ping-pong", answer);
                answer->source[QUALITY_SOURCE_BANNED] =
                        quality_banned(context->locale, context->banned, folded, &banned);
        }
        if (request->head.flags & QUALITY_FLAG_BREACHED)
                answer->source[QUALITY_SOURCE_BREACH] =
                        quality_breach(&context->breach, request->text[QUALITY_TEXT_BREACH_FILE],
                                       password, &breached);
        fail_if(answer, QUALITY_HAS_BANNED, banned);
        fail_if(answer, QUALITY_IS_BREACHED, breached);
        return r;
}

static int check_password(QualityContext *context, const QualityRequest *request,
                          QualityAnswer *answer) {
        const char *password = request->text[QUALITY_TEXT_PASSWORD];
        QualityFolded folded;
        int r = 0;

        quality_fold(context->locale, password, strlen(password), &folded);
        check_size(context, request, answer);
        fail_if(answer, QUALITY_LIKE_OLD, is_same(password, request->text[QUALITY_TEXT_OLD]));
        fail_if(answer, QUALITY_HAS_NAME, is_same(password, request->text[QUALITY_TEXT_NAME]));
        if (request->head.flags & QUALITY_FLAG_SIMILARITY) {
                check_names(context, request, &folded, answer);
                r = check_likeness(context, request, answer);
        }
        if (r == 0)
                r = check_lists(context, request, &folded, answer);
        base_wipe(&folded, sizeof(folded));
        return r;
}

void quality_answer(QualityContext *context, const QualityRequest *request, QualityAnswer *ret) {
        QualityAnswer answer = {
                .protocol = QUALITY_PROTOCOL,
                .op = request->head.op,
                .id = request->head.id,
        };
        int r;

        if (request->head.op == QUALITY_CHECK)
                r = check_password(context, request, &answer);
        else {
                r = check_lists(context, request, NULL, &answer);
                answer.failed = 0; /* of the probe */
        }
        answer.fault = r < 0;
        *ret = answer;
}
