/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A page of store.h, which includes it: typed attributes (FEATURES A6), what they are and who has
 * which. */

#include "policy/policy.h"

struct StoreTxn;
struct StoreUser;

/* What one is.  A record and its strings are one allocation. */
typedef struct StoreAttributeKind {
        uint64_t version; /* 0: to be made */
        const char *name, *description;
        uint32_t type;       /* AttributeType */
        const char *choices; /* of a choice: "eu,us"; else "" */
        bool is_private;
        uint64_t created_usec;
        uid_t created_by;
} StoreAttributeKind;

int store_attribute_kind_get(struct StoreTxn *txn, const char *name,
                             StoreAttributeKind **ret); /* STORE_E_MISSING */
/* Compare-and-set on version (0: must not exist yet), else STORE_E_CONFLICT; writes version + 1. */
int store_attribute_kind_put(struct StoreTxn *txn, const StoreAttributeKind *kind);
int store_attribute_kind_delete(struct StoreTxn *txn, const char *name); /* STORE_E_MISSING */
/* All of them by name; a value other than 0 from each ends the walk and is returned.  Valid during
 * the call; each may read, not write. */
int store_attribute_kind_each(struct StoreTxn *txn,
                              int (*each)(void *userdata, const StoreAttributeKind *kind),
                              void *userdata);
StoreAttributeKind *store_attribute_kind_free(StoreAttributeKind *kind);

static inline void store_attribute_kind_freep(StoreAttributeKind **kind) {
        *kind = store_attribute_kind_free(*kind);
}

/* ---- what somebody has ----------------------------------------------------------------------- */

#define STORE_ATTRIBUTES_MAX      64U /* of one user */
#define STORE_ATTRIBUTE_VALUE_MAX 255U

/* In the user's record, so that whoever judges him has them with it. */
typedef struct StoreAttribute {
        const char *name, *value;
        uint32_t type; /* as its kind has it */
        uint64_t until_usec;
} StoreAttribute;

/* By name; ret has STORE_ATTRIBUTES_MAX.  Texts stay the user's.  -EBADMSG. */
int store_attributes_read(const struct StoreUser *user, StoreAttribute *ret, size_t *ret_count);
/* For StoreUser; sorted by name, each once.  The bytes are the caller's to free, NULL for none. */
int store_attributes_write(const StoreAttribute *list, size_t count, uint8_t **ret,
                           size_t *ret_len);
/* The next user behind the uid (0 for the first) who has the attribute, whatever its value and
 * whether it is over, tombstones too; STORE_E_MISSING at the end. */
int store_attribute_holder_next(struct StoreTxn *txn, const char *name, uid_t after, uid_t *ret);
/* The next user behind the uid (0 for the first), whatever he has, tombstones too; STORE_E_MISSING
 * at the end. */
int store_user_next_uid(struct StoreTxn *txn, uid_t after, struct StoreUser **ret);
