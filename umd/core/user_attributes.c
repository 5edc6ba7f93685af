/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What somebody has of the attributes there are (FEATURES A6): read out of his record, edited,
 * written back.  A value that is over stays until it is taken away: it is shown, and counts for
 * nothing. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "umd/core/user_attributes.h"

void core_attributes_done(AttributesDraft *draft) {
        core_texts_done(&draft->texts);
        free(draft->bytes);
}

static size_t draft_find(const AttributesDraft *draft, const char *name, bool *ret_found) {
        size_t i = 0;

        while (i < draft->count && strcmp(draft->list[i].name, name) < 0)
                i++;
        *ret_found = i < draft->count && strcmp(draft->list[i].name, name) == 0;
        return i;
}

static void draft_drop(AttributesDraft *draft, size_t at) {
        memmove(&draft->list[at], &draft->list[at + 1],
                (draft->count - at - 1) * sizeof(draft->list[0]));
        draft->count--;
}

/* "cert.prod-access=yes, until 2027-03-01T00:00:00Z" */
#define VALUE_TEXT_BYTES (ATTRIBUTE_NAME_MAX + STORE_ATTRIBUTE_VALUE_MAX + 64U)

static void value_text(const StoreAttribute *value, char *buf) {
        char until[32] = "";

        if (value->until_usec != USEC_INFINITY)
                base_format_rfc3339(value->until_usec, until);
        snprintf(buf, VALUE_TEXT_BYTES, "%s=%s%s%s", value->name, value->value,
                 until[0] ? ", until " : "", until);
}

static int change_value(Change *change, const StoreAttribute *before, const StoreAttribute *after) {
        char was[VALUE_TEXT_BYTES] = "", is[VALUE_TEXT_BYTES] = "";

        if (before)
                value_text(before, was);
        if (after)
                value_text(after, is);
        return core_change_value(change, "attribute", was, is);
}

/* ---- editing ------------------------------------------------------------------------------- */

static void fault_value(const UserAttribute *given, const StoreAttributeKind *kind,
                        const Choices *choices, CoreError *faults) {
        char expected[CORE_CHOICES_BYTES + 64];
        Text text;

        base_text_init(&text, expected, sizeof(expected));
        policy_attribute_expected((AttributeType)kind->type, choices->list, &text);
        core_fault_add(faults, CORE_E_BAD_VALUE, "attr.%s: \"%s\": is a %s: %s", kind->name,
                       core_quote(given->value).text,
                       policy_attribute_type_name((AttributeType)kind->type), expected);
}

static int draft_put(Change *change, AttributesDraft *draft, const UserAttribute *given,
                     const StoreAttributeKind *kind, const char *value, CoreError *faults) {
        StoreAttribute now = { .type = kind->type, .until_usec = given->until_usec };
        bool found;
        size_t at = draft_find(draft, kind->name, &found);
        int r;

        if (!found && draft->count == STORE_ATTRIBUTES_MAX) {
                core_fault_add(faults, CORE_E_POLICY_REFUSED,
                               "attr.%s: nobody has more than %u attributes", kind->name,
                               STORE_ATTRIBUTES_MAX);
                return 0;
        }
        r = core_texts_add(&draft->texts, kind->name);
        if (r == 0)
                r = core_texts_add(&draft->texts, value);
        if (r < 0)
                return r;
        now.name = draft->texts.list[draft->texts.count - 2];
        now.value = draft->texts.list[draft->texts.count - 1];
        r = change_value(change, found ? &draft->list[at] : NULL, &now);
        if (!found)
                memmove(&draft->list[at + 1], &draft->list[at],
                        (draft->count++ - at) * sizeof(draft->list[0]));
        draft->list[at] = now;
        return r;
}

static int edit_one(Change *change, AttributesDraft *draft, const UserAttribute *given,
                    CoreError *faults) {
        _cleanup_(store_attribute_kind_freep) StoreAttributeKind *kind = NULL;
        char value[ATTRIBUTE_VALUE_MAX + 1], until[32];
        Choices choices;
        bool found;
        size_t at;
        int r;

        r = core_attribute_load(change->txn, given->name, &kind, NULL);
        if (r > 0)
                core_fault_add(faults, CORE_E_BAD_VALUE, "attr.%s: no such attribute",
                               core_quote(given->name).text);
        if (r == 0)
                r = core_choices_read(kind, &choices);
        if (r != 0)
                return r < 0 ? r : 0;
        if (!given->value[0]) {
                at = draft_find(draft, given->name, &found);
                if (!found)
                        return 0;
                r = change_value(change, &draft->list[at], NULL);
                draft_drop(draft, at);
                return r;
        }
        if (policy_attribute_value((AttributeType)kind->type, choices.list, given->value, value) <
            0) {
                fault_value(given, kind, &choices, faults);
                return 0;
        }
        if (given->until_usec <= change->now_usec) {
                base_format_rfc3339(given->until_usec, until);
                core_fault_add(faults, CORE_E_BAD_VALUE, "attr.%s: until %s: is over already",
                               kind->name, until);
                return 0;
        }
        return draft_put(change, draft, given, kind, value, faults);
}

static bool is_given_before(const UserSpec *spec, size_t at) {
        for (size_t i = 0; i < at; i++)
                if (strcmp(spec->attributes[i].name, spec->attributes[at].name) == 0)
                        return true;
        return false;
}

int core_attributes_edit(Change *change, const UserSpec *spec, const StoreUser *user,
                         AttributesDraft *ret, CoreError *faults) {
        int r = store_attributes_read(user, ret->list, &ret->count);

        if (spec->attribute_count > STORE_ATTRIBUTES_MAX)
                core_fault_add(faults, CORE_E_BAD_VALUE, "attributes: more than %u in one call",
                               STORE_ATTRIBUTES_MAX);
        for (size_t i = 0; i < spec->attribute_count && i < STORE_ATTRIBUTES_MAX && r == 0; i++)
                if (is_given_before(spec, i))
                        core_fault_add(faults, CORE_E_BAD_VALUE, "attr.%s: is there twice",
                                       core_quote(spec->attributes[i].name).text);
                else
                        r = edit_one(change, ret, &spec->attributes[i], faults);
        return r < 0 ? r : store_attributes_write(ret->list, ret->count, &ret->bytes, &ret->len);
}

int core_attributes_drop(Change *change, const StoreUser *user, const char *name) {
        _cleanup_attributes_ AttributesDraft draft = { 0 };
        StoreUser edited = *user;
        bool found = false;
        size_t at = 0;
        int r = store_attributes_read(user, draft.list, &draft.count);

        if (r == 0)
                at = draft_find(&draft, name, &found);
        if (r == 0 && !found)
                return -EBADMSG;
        if (r == 0 && change->value_count < CHANGE_VALUES_MAX / 2)
                r = core_change_value(change, "taken from", user->name, NULL);
        if (r < 0)
                return r;
        draft_drop(&draft, at);
        r = store_attributes_write(draft.list, draft.count, &draft.bytes, &draft.len);
        edited.attributes = draft.bytes;
        edited.attributes_len = draft.len;
        if (r == 0)
                r = store_user_update(change->txn, &edited);
        if (r != 0)
                return r < 0 ? r : -EUCLEAN;
        if (user->status == USER_STATUS_DELETED)
                return 0;
        return core_change_news(change, CORE_OBJECT_USER, CORE_NEWS_CHANGED, user->uid, user->name,
                                NULL);
}

/* ---- showing ------------------------------------------------------------------------------- */

int core_attributes_view(StoreTxn *txn, const StoreUser *user, AttributesView *ret) {
        StoreAttribute list[STORE_ATTRIBUTES_MAX];
        int r = store_attributes_read(user, list, &ret->count);

        for (size_t i = 0; r == 0 && i < ret->count; i++) {
                _cleanup_(store_attribute_kind_freep) StoreAttributeKind *kind = NULL;

                r = store_attribute_kind_get(txn, list[i].name, &kind);
                if (r != 0)
                        return r < 0 ? r : -EBADMSG;
                ret->names[i] = list[i].name;
                ret->values[i] = list[i].value;
                ret->untils[i] = list[i].until_usec;
                ret->is_private[i] = kind->is_private;
        }
        return r;
}
