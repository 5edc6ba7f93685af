/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A page of policy.h: typed attributes of users (FEATURES A6), and the conditions by which a role
 * is somebody's without being granted (D22).  Neither allocates or knows what there is. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/base.h"
#include "policy/rights.h"

/* ---- values ---------------------------------------------------------------------------------- */

#define ATTRIBUTE_NAME_MAX    64U
#define ATTRIBUTE_VALUE_MAX   200U /* bytes without the NUL */
#define ATTRIBUTE_CHOICES_MAX 64U

/* The numbers are stored. */
typedef enum AttributeType {
        ATTRIBUTE_INVALID,
        ATTRIBUTE_FLAG,
        ATTRIBUTE_TEXT,
        ATTRIBUTE_NUMBER,
        ATTRIBUTE_DATE,
        ATTRIBUTE_CHOICE,
        _ATTRIBUTE_TYPE_MAX,
} AttributeType;

const char *policy_attribute_type_name(AttributeType type); /* "flag"; "invalid" */
/* ATTRIBUTE_INVALID */
AttributeType policy_attribute_type_from_name(const char *name);
/* As "attr:NAME" may name it: a-z, 0-9, ., _ and -, no sign first. */
bool policy_attribute_name_ok(const char *name);
/* One of a choice: as a text, and without what joins several. */
bool policy_attribute_choice_ok(const char *choice);
/* In the one form it is kept and compared in ("+7" is "7"), or -EINVAL.  choices: of a choice
 * alone, NULL behind the last.  ret has ATTRIBUTE_VALUE_MAX + 1. */
int policy_attribute_value(AttributeType type, const char *const *choices, const char *text,
                           char *ret);
/* What it has to be: "must be yes or no"; of a choice what it may be. */
void policy_attribute_expected(AttributeType type, const char *const *choices, Text *text);
/* Does whoever has it have the attribute, for "attr:NAME"?  A flag that is no he has not. */
bool policy_attribute_counts(AttributeType type, const char *value);
/* Of two values of that form: as strcmp(3), a number as one. */
int policy_attribute_compare(AttributeType type, const char *a, const char *b);

/* ---- conditions ------------------------------------------------------------------------------ */

/* "department=sales,attr.region=eu": terms joined by commas, all of which must hold.  A key stands
 * once; a value is what follows up to the next comma, compared byte by byte. */
#define CONDITION_BYTES_MAX 512U
#define CONDITION_TERMS_MAX 16U

typedef enum ConditionKey {
        CONDITION_DEPARTMENT,
        CONDITION_TITLE,
        CONDITION_TENANT, /* the home */
        CONDITION_KIND,   /* "person", "service" */
        CONDITION_ATTRIBUTE,
        _CONDITION_KEY_MAX,
} ConditionKey;

/* One term; both texts stand in the condition and are not ended. */
typedef struct ConditionTerm {
        ConditionKey key;
        const char *name; /* of an attribute; NULL otherwise */
        size_t name_len;
        const char *value;
        size_t value_len, column; /* of the value, from 1 */
} ConditionTerm;

/* 0, or RIGHTS_FAULT_FORM or _TOO_MANY, which names the column.  The terms: room for all; NULL
 * allowed. */
int policy_condition_read(const char *text, ConditionTerm *ret, size_t *ret_count,
                          RightsFault *fault);

typedef struct ConditionAttribute {
        const char *name, *value;
        uint64_t until_usec;
} ConditionAttribute;

typedef struct ConditionFacts {
        const char *department, *title, *tenant;
        HolderKind kind;
        const ConditionAttribute *attributes;
        size_t attribute_count;
} ConditionFacts;

/* Does it hold for him, and until when by the attributes it names: that may be over.  One that
 * cannot be read holds for nobody. */
bool policy_condition_holds(const char *text, const ConditionFacts *facts, uint64_t *ret_until);
