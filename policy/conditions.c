/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Conditions by which a role is somebody's without being granted (FEATURES D22).
 *
 * A condition is read where it stands each time it is asked: it is a few words, and so nothing has
 * to be kept beside it.  There is no "not" and no "or" in it: nobody comes to a role by lacking
 * something, and when it ends follows from what it names. */

#include <string.h>

#include "policy/internal.h"

#define ATTRIBUTE_PREFIX "attr."

static const char *const keys[_CONDITION_KEY_MAX] = {
        [CONDITION_DEPARTMENT] = "department", [CONDITION_TITLE] = "title",
        [CONDITION_TENANT] = "tenant",         [CONDITION_KIND] = "kind",
        [CONDITION_ATTRIBUTE] = NULL, /* ATTRIBUTE_PREFIX and a name */
};

static bool span_is(const char *span, size_t len, const char *text) {
        return strlen(text) == len && memcmp(span, text, len) == 0;
}

static int refuse(RightsFault *fault, RightsFaultKind kind, size_t column, const char *what) {
        Text text;

        if (!fault)
                return (int)kind;
        fault->kind = kind;
        base_text_init(&text, fault->text, sizeof(fault->text));
        base_text_addf(&text, "column %zu: %s", column, what);
        return (int)kind;
}

/* False where it is no key. */
static bool key_read(const char *at, size_t len, ConditionTerm *term) {
        const size_t prefix = strlen(ATTRIBUTE_PREFIX);
        char name[ATTRIBUTE_NAME_MAX + 1];

        for (ConditionKey key = 0; key < CONDITION_ATTRIBUTE; key++)
                if (span_is(at, len, keys[key])) {
                        *term = (ConditionTerm){ .key = key };
                        return true;
                }
        if (len <= prefix || len - prefix > ATTRIBUTE_NAME_MAX ||
            memcmp(at, ATTRIBUTE_PREFIX, prefix) != 0)
                return false;
        memcpy(name, at + prefix, len - prefix);
        name[len - prefix] = '\0';
        *term = (ConditionTerm){ CONDITION_ATTRIBUTE, .name = at + prefix,
                                 .name_len = len - prefix };
        return policy_attribute_name_ok(name);
}

static bool stands_before(const ConditionTerm *terms, size_t count, const ConditionTerm *term) {
        for (size_t i = 0; i < count; i++)
                if (terms[i].key == term->key && terms[i].name_len == term->name_len &&
                    (term->name_len == 0 || memcmp(terms[i].name, term->name, term->name_len) == 0))
                        return true;
        return false;
}

static int value_check(const ConditionTerm *term, RightsFault *fault) {
        if (term->value_len == 0)
                return refuse(fault, RIGHTS_FAULT_FORM, term->column, "a value is missing");
        if (base_field_check(FIELD_LINE, term->value, term->value_len) != FIELD_OK)
                return refuse(fault, RIGHTS_FAULT_FORM, term->column, "no line of text");
        if (term->key == CONDITION_KIND && !span_is(term->value, term->value_len, "person") &&
            !span_is(term->value, term->value_len, "service"))
                return refuse(fault, RIGHTS_FAULT_FORM, term->column, "must be person or service");
        return 0;
}

static int term_read(const char *text, size_t at, ConditionTerm *term, RightsFault *fault) {
        size_t len = strcspn(text + at, "=,");

        if (!key_read(text + at, len, term))
                return refuse(fault, RIGHTS_FAULT_FORM, at + 1,
                              "expected department, title, tenant, kind or attr.NAME");
        if (text[at + len] != '=')
                return refuse(fault, RIGHTS_FAULT_FORM, at + len + 1, "expected =");
        term->value = text + at + len + 1;
        term->value_len = strcspn(term->value, ",");
        term->column = at + len + 2;
        return value_check(term, fault);
}

int policy_condition_read(const char *text, ConditionTerm *ret, size_t *ret_count,
                          RightsFault *fault) {
        ConditionTerm terms[CONDITION_TERMS_MAX];
        size_t count = 0;

        if (strnlen(text, CONDITION_BYTES_MAX + 1) > CONDITION_BYTES_MAX)
                return refuse(fault, RIGHTS_FAULT_TOO_MANY, CONDITION_BYTES_MAX + 1, "too long");
        for (size_t at = 0;; at++) {
                ConditionTerm *term = &terms[count];
                int r;

                if (count == CONDITION_TERMS_MAX)
                        return refuse(fault, RIGHTS_FAULT_TOO_MANY, at + 1, "too many terms");
                r = term_read(text, at, term, fault);
                if (r != 0)
                        return r;
                if (stands_before(terms, count, term))
                        return refuse(fault, RIGHTS_FAULT_FORM, at + 1, "is there twice");
                count++;
                at = (size_t)(term->value - text) + term->value_len;
                if (text[at] == '\0')
                        break;
        }
        if (ret)
                memcpy(ret, terms, count * sizeof(terms[0]));
        *ret_count = count;
        return 0;
}

/* ---- holding --------------------------------------------------------------------------------- */

static bool attribute_holds(const ConditionTerm *term, const ConditionFacts *facts,
                            uint64_t *until) {
        for (size_t i = 0; i < facts->attribute_count; i++) {
                const ConditionAttribute *attribute = &facts->attributes[i];

                if (!span_is(term->name, term->name_len, attribute->name))
                        continue;
                if (attribute->until_usec < *until)
                        *until = attribute->until_usec;
                return span_is(term->value, term->value_len, attribute->value);
        }
        return false;
}

static bool term_holds(const ConditionTerm *term, const ConditionFacts *facts, uint64_t *until) {
        const char *fact = NULL;

        switch (term->key) {
        case CONDITION_DEPARTMENT:
                fact = facts->department;
                break;
        case CONDITION_TITLE:
                fact = facts->title;
                break;
        case CONDITION_TENANT:
                fact = facts->tenant;
                break;
        case CONDITION_KIND:
                fact = facts->kind == HOLDER_PERSON    ? "person"
                       : facts->kind == HOLDER_SERVICE ? "service"
                                                       : NULL;
                break;
        case CONDITION_ATTRIBUTE:
                return attribute_holds(term, facts, until);
        case _CONDITION_KEY_MAX:
                break;
        }
        return fact && span_is(term->value, term->value_len, fact);
}

bool policy_condition_holds(const char *text, const ConditionFacts *facts, uint64_t *ret_until) {
        ConditionTerm terms[CONDITION_TERMS_MAX];
        uint64_t until = USEC_INFINITY;
        size_t count = 0;

        if (policy_condition_read(text, terms, &count, NULL) != 0)
                return false;
        for (size_t i = 0; i < count; i++)
                if (!term_holds(&terms[i], facts, &until))
                        return false;
        *ret_until = until;
        return true;
}
