/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a new password has to be like, and how a refusal says so: every condition that failed, at
 * once, in the same words on every way.
 *
 * um-quality judges; here is what is asked and what the answer means.  No answer sets no password.
 */

#include <string.h>

#include "umd/core/internal.h"

void core_quality_rules(const PolicyValues *values, CoreQualityRules *ret) {
        *ret = (CoreQualityRules){
                .min_length = values->password_min_length,
                .classes = values->password_classes,
                .similarity = values->password_similarity,
                .dictionary = values->password_dictionary,
                .breached = values->password_breached,
        };
}

/* Phrases that go on after "must": static; NULL: one with numbers in it. */
static const char *condition_phrase(CoreQualityCondition condition) {
        switch (condition) {
        case CORE_QUALITY_LIKE_OLD:
                return "not be like the current one";
        case CORE_QUALITY_PALINDROME:
                return "not read the same backwards";
        case CORE_QUALITY_HAS_NAME:
                return "not have the user's name in it";
        case CORE_QUALITY_HAS_FULL:
                return "not have a part of the full name in it";
        case CORE_QUALITY_HAS_EMAIL:
                return "not have a part of the e-mail address in it";
        case CORE_QUALITY_IS_WORD:
                return "not be a word of the dictionary or a simple pattern";
        case CORE_QUALITY_HAS_BANNED:
                return "not have a banned word in it";
        case CORE_QUALITY_IS_BREACHED:
                return "not be known from leaks";
        case CORE_QUALITY_TOO_SHORT:
        case CORE_QUALITY_TOO_FEW:
        case _CORE_QUALITY_MAX:
                break;
        }
        return NULL;
}

static void condition_add(CoreQualityCondition condition, const CoreQualityRules *rules,
                          const CoreQualityAnswer *answer, Text *text) {
        const char *phrase = condition_phrase(condition);

        if (phrase)
                base_text_add(text, phrase);
        else if (condition == CORE_QUALITY_TOO_SHORT)
                base_text_addf(text, "have at least %u characters, this has %u", rules->min_length,
                               answer->length);
        else
                base_text_addf(text,
                               "have at least %u of lower case, upper case, digits and others, "
                               "this has %u",
                               rules->classes, answer->classes);
}

void core_quality_text(const CoreQualityRules *rules, const CoreQualityAnswer *answer, char *ret,
                       size_t size) {
        const char *before = "must ";
        Text text;

        base_text_init(&text, ret, size);
        for (CoreQualityCondition c = 0; c < _CORE_QUALITY_MAX; c++) {
                if ((answer->failed & 1U << c) == 0)
                        continue;
                base_text_add(&text, before);
                condition_add(c, rules, answer, &text);
                before = "; ";
        }
}

int core_quality_fail(const CoreQualityRules *rules, const CoreQualityAnswer *answer,
                      CoreError *error) {
        char text[CORE_QUALITY_TEXT_BYTES];

        if (!answer)
                return core_fail(error, CORE_E_UNAVAILABLE,
                                 "passwords cannot be checked now: um-quality does not answer");
        core_quality_text(rules, answer, text, sizeof(text));
        return core_fail(error, CORE_E_POLICY_REFUSED, "password: %s", text);
}
