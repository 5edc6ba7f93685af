/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Conditions of roles, and values of attributes: whatever the text, it is read whole or refused
 * with a text fit for a terminal; what was read says the same when it is put together again; a
 * value in the form it is kept in stays as it is.  The first byte chooses the type. */

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "policy/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void term_write(const ConditionTerm *term, Text *text) {
        static const char *const keys[_CONDITION_KEY_MAX] = { "department", "title", "tenant",
                                                              "kind", "attr." };

        base_text_addf(text, "%s%.*s=%.*s", keys[term->key], (int)term->name_len,
                       term->name ? term->name : "", (int)term->value_len, term->value);
}

static void condition_check(const char *text) {
        static const ConditionAttribute attributes[] = { { "region", "eu", 5 }, { "a", "1", 9 } };
        static const ConditionFacts facts = { "sales", "", "acme", HOLDER_PERSON, attributes, 2 };
        ConditionTerm terms[CONDITION_TERMS_MAX];
        char again[CONDITION_BYTES_MAX + 1];
        RightsFault fault = { 0 };
        uint64_t until = 77;
        size_t count = 0;
        bool holds = policy_condition_holds(text, &facts, &until);
        Text written;

        if (policy_condition_read(text, terms, &count, &fault) != 0) {
                assert(!holds && until == 77 && fault.text[0] && strlen(fault.text) < 200);
                return;
        }
        assert(count > 0 && count <= CONDITION_TERMS_MAX);
        assert(!holds || until == 5 || until == 9 || until == USEC_INFINITY);
        base_text_init(&written, again, sizeof(again));
        for (size_t i = 0; i < count; i++) {
                base_text_add(&written, i > 0 ? "," : "");
                term_write(&terms[i], &written);
                assert(terms[i].column == (size_t)(terms[i].value - text) + 1);
        }
        assert(strcmp(again, text) == 0);
}

static void value_check(AttributeType type, const char *text) {
        static const char *const choices[] = { "eu", "us", NULL };
        char kept[ATTRIBUTE_VALUE_MAX + 1], again[ATTRIBUTE_VALUE_MAX + 1];

        if (policy_attribute_value(type, choices, text, kept) < 0)
                return;
        assert(kept[0] && strlen(kept) <= strlen(text));
        assert(policy_attribute_value(type, choices, kept, again) == 0);
        assert(strcmp(kept, again) == 0);
        assert(policy_attribute_compare(type, kept, again) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        char *text;

        if (size == 0)
                return 0;
        text = malloc(size); /* no more of it, so that reading behind its end is seen */
        assert(text);
        memcpy(text, data + 1, size - 1);
        text[size - 1] = '\0';
        condition_check(text);
        value_check((AttributeType)(data[0] % _ATTRIBUTE_TYPE_MAX), text);
        free(text);
        return 0;
}
