/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Attributes as core's files ask for them: what they are (attributes.c), and what somebody has of
 * them (user_attributes.c). */

#include "umd/core/internal.h"

#define CORE_CHOICES_BYTES 1025U

/* What a choice may be, as policy asks for it; the texts stand in buf. */
typedef struct Choices {
        const char *list[ATTRIBUTE_CHOICES_MAX + 1];
        size_t count;
        char buf[CORE_CHOICES_BYTES];
} Choices;

int core_choices_read(const StoreAttributeKind *kind, Choices *ret); /* -EBADMSG */
/* CORE_E_NO_SUCH_ENTRY where there is none; error may be NULL. */
int core_attribute_load(StoreTxn *txn, const char *name, StoreAttributeKind **ret,
                        CoreError *error);

/* What a record will have: the texts are ours, and the bytes are for StoreUser. */
typedef struct AttributesDraft {
        Texts texts;
        StoreAttribute list[STORE_ATTRIBUTES_MAX];
        size_t count;
        uint8_t *bytes;
        size_t len;
} AttributesDraft;

#define _cleanup_attributes_ _cleanup_(core_attributes_done)

/* Edits what the record has as the spec says, with the change's values; adds to faults what is
 * wrong. */
int core_attributes_edit(Change *change, const UserSpec *spec, const StoreUser *user,
                         AttributesDraft *ret, CoreError *faults);
/* Takes the attribute out of the record, with the change's values and news. */
int core_attributes_drop(Change *change, const StoreUser *user, const char *name);
void core_attributes_done(AttributesDraft *draft);

/* What is shown; all borrowed from the user but the two arrays. */
typedef struct AttributesView {
        const char *names[STORE_ATTRIBUTES_MAX], *values[STORE_ATTRIBUTES_MAX];
        uint64_t untils[STORE_ATTRIBUTES_MAX];
        bool is_private[STORE_ATTRIBUTES_MAX];
        size_t count;
} AttributesView;

int core_attributes_view(StoreTxn *txn, const StoreUser *user, AttributesView *ret);
