/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The audit log, and what a change is taken back by: part of store.h, which includes it, on a page
 * of its own. */

#include "umd/store/store.h"

/* ---- audit: a hash chain --------------------------------------------------------------------- */

/* Entry n's hash covers entry n-1's hash, the entry's public part and a salted digest of its
 * values. Values (what a field was and became) are personal: they stand beside the chain under that
 * digest, so that erasing them later leaves a chain that still verifies. */
typedef struct StoreValue {
        const char *field;
        const char *before, *after; /* NULL: was or is not there.  A secret is "(changed)" */
} StoreValue;

#define STORE_UNDO_MAX       200000U    /* of one entry */
#define STORE_UNDO_BYTES_MAX (8U << 20) /* ... as they are written */

/* What a change is taken back by: each thing it touched, exactly as it was and became.  It stands
 * with the values, under their digest, and is erased with them. */
typedef struct StoreUndo {
        uint64_t undoes;        /* the entry whose change this one takes back; 0: none */
        uint32_t parts;         /* so many entries right before this one are parts of its change */
        const StoreValue *list; /* field: which thing it is, in core's words */
        size_t count;
} StoreUndo;

typedef struct StoreAudit {
        uint64_t seq; /* from 1; set by append */
        uint64_t time_usec;
        const char *type;   /* "change", "login", "session", "access", "system" */
        const char *verb;   /* "user.create", "authenticate", ... */
        const char *object; /* "user/alice", "group/web", "" */
        uint32_t object_id; /* uid or gid, 0 if none */
        uid_t actor;        /* who called */
        uid_t login_uid;    /* the person behind sudo; (uid_t)-1 unknown.  Never decides */
        const char *via;    /* "socket", "bus", "pam", "umd" */
        const char *service, *source, *tty; /* logins; "" otherwise */
        const char *outcome;                /* "done", "allow", "deny", "failed" */
        const char *reason;                 /* a policy reason, or what --reason gave */
        const StoreValue *values;
        size_t value_count;
        StoreUndo undo; /* to append; store_audit_get() leaves it out */
} StoreAudit;

/* Appends to the chain; part of the transaction of the change it records.  At most 256 values of
 * 64 KiB each, 1 MiB together. */
int store_audit_append(StoreTxn *txn, const StoreAudit *entry, uint64_t *ret_seq);
/* Decodes one entry (one allocation); STORE_E_MISSING where there is none. */
int store_audit_get(StoreTxn *txn, uint64_t seq, StoreAudit **ret);
/* How to take it back: STORE_E_MISSING where that was never written, or erased. */
int store_audit_undo(StoreTxn *txn, uint64_t seq, StoreUndo **ret);
int store_audit_range(StoreTxn *txn, uint64_t *ret_first, uint64_t *ret_last); /* 0, 0: empty */
StoreAudit *store_audit_free(StoreAudit *entry);

static inline void store_audit_freep(StoreAudit **entry) {
        *entry = store_audit_free(*entry);
}

StoreUndo *store_undo_free(StoreUndo *undo);

static inline void store_undo_freep(StoreUndo **undo) {
        *undo = store_undo_free(*undo);
}

#define STORE_HASH_BYTES 32U

typedef struct StoreAuditCheck {
        uint64_t next; /* first entry not looked at yet; one past the last when done */
        uint8_t hash[STORE_HASH_BYTES]; /* of entry next - 1 */
        bool done;
        uint64_t bad_seq;    /* 0: none.  The first entry missing, altered or out of order */
        const char *bad_why; /* static */
} StoreAuditCheck;

/* Checks up to count entries from check->next (start with a zeroed struct); call again until done
 * or bad_seq.  The end is held against the head kept in the meta record: a shortened log is found.
 */
int store_audit_verify(StoreTxn *txn, uint64_t count, StoreAuditCheck *check);
