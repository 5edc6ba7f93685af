/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What core asks of um-quality about a new password; a part of core.h, which includes it. */

#include <stdbool.h>
#include <stdint.h>

#include "base/base.h"

/* What a new password has to be like. */
typedef struct CoreQualityRules {
        uint32_t min_length; /* characters */
        uint32_t classes;    /* out of lower, upper, digit, other */
        bool similarity;     /* not like the old one, name, full name, e-mail */
        bool dictionary;     /* words and the host's banned list */
        bool breached;       /* the host's breach file */
} CoreQualityRules;

typedef enum CoreQualityCondition {
        CORE_QUALITY_TOO_SHORT,
        CORE_QUALITY_TOO_FEW,
        CORE_QUALITY_LIKE_OLD, /* also, whatever the rules are, when it is the old one */
        CORE_QUALITY_PALINDROME,
        CORE_QUALITY_HAS_NAME, /* also, whatever the rules are, when it is the name */
        CORE_QUALITY_HAS_FULL,
        CORE_QUALITY_HAS_EMAIL,
        CORE_QUALITY_IS_WORD,
        CORE_QUALITY_HAS_BANNED,
        CORE_QUALITY_IS_BREACHED,
        _CORE_QUALITY_MAX,
} CoreQualityCondition;

/* Texts may be NULL; nothing is borrowed beyond the call. */
typedef struct CoreQualityRequest {
        const Secret *password, *old; /* old NULL: nobody typed it */
        const char *name, *full_name, *email;
        CoreQualityRules rules;
} CoreQualityRequest;

typedef struct CoreQualityAnswer {
        uint32_t failed; /* 1 << CoreQualityCondition */
        uint32_t length, classes;
} CoreQualityAnswer;

/* um-quality, asynchronous.  done is called exactly once, later, never from within the call (unless
 * the call returns < 0, then not at all).  answer NULL: it could not be checked. */
typedef void (*CoreQualityDone)(void *userdata, const CoreQualityAnswer *answer, uint64_t now_usec);

typedef struct CoreQuality {
        void *userdata;
        int (*check)(void *userdata, const CoreQualityRequest *request, CoreQualityDone done,
                     void *done_userdata);
} CoreQuality;
