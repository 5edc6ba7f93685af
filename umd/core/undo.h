/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a change notes to be taken back by (facts.c), how several changes are one (together.c), and
 * how one is taken back (undo.c, undo_run.c). */

#include "umd/core/holders.h"

/* ---- notes (facts.c) ---------------------------------------------------------------------- */

/* Each verb notes what it writes: the record as it was and as it is now; before NULL: it is new. */
int core_note_user(Change *change, const StoreUser *before, const StoreUser *after);
int core_note_must_change(Change *change, uid_t uid, bool before, bool after);
int core_note_group(Change *change, const StoreGroup *before, const StoreGroup *after);
/* after NULL: it is deleted. */
int core_note_role(Change *change, const StoreRole *before, const StoreRole *after);
int core_note_tenant(Change *change, const StoreTenant *before, const StoreTenant *after);
int core_note_grant(Change *change, const StoreGrant *before, const StoreGrant *after);
/* NULL: not set. */
int core_note_policy(Change *change, uint32_t level, const char *subject, const char *name,
                     const char *before, const char *after);

/* What is never taken back, and has to be named. */
typedef enum Never {
        NEVER_PASSWORD,
        NEVER_SETUP_CODE,
        NEVER_FACTORS,
        NEVER_KEYS,
        NEVER_FAILURES,
        NEVER_UID,
        NEVER_SESSIONS,
        NEVER_HISTORY,
        NEVER_TOO_LARGE,
        _NEVER_MAX,
} Never;

int core_note_never(Change *change, uid_t uid, Never never);
/* Before they are written. */
int core_notes_close(Change *change, const char *verb, uint32_t id);

/* ---- what is noted ------------------------------------------------------------------------ */

typedef enum FactKind {
        FACT_INVALID,
        FACT_USER_STATUS, /* "STATUS UNTIL REASON"; not there: he was never made */
        FACT_USER_LOCK,   /* "+REASON" */
        FACT_USER_TEXT,
        FACT_USER_TENANT,
        FACT_USER_READ_ONLY,
        FACT_USER_ATTRIBUTE, /* "UNTIL VALUE" */
        FACT_USER_FROM,      /* microseconds */
        FACT_USER_UNTIL,     /* microseconds */
        FACT_USER_MUST_CHANGE,
        FACT_GROUP_THERE,
        FACT_GROUP_NAME,
        FACT_GROUP_DESCRIPTION,
        FACT_GROUP_MEMBER, /* one of them: "yes" */
        FACT_GROUP_NESTED,
        FACT_GROUP_OWNER,
        FACT_ROLE_THERE,
        FACT_ROLE_DESCRIPTION,
        FACT_ROLE_KIND,
        FACT_ROLE_ONE_TENANT,
        FACT_ROLE_AUTOMATIC,
        FACT_ROLE_LIST, /* a text a line */
        FACT_TENANT_THERE,
        FACT_TENANT_TITLE,
        FACT_TENANT_SEATS,
        FACT_TENANT_DEFAULT_ROLE,
        FACT_GRANT, /* "FROM UNTIL BY MADE REASON" */
        FACT_POLICY,
        FACT_NEVER,
        _FACT_KIND_MAX,
} FactKind;

/* A key, read: which thing it is.  Texts point into buf. */
typedef struct FactKey {
        FactKind kind;
        uint32_t id;       /* uid or gid */
        uint32_t other;    /* of a group: the member, group or owner */
        uint32_t number;   /* UserField, CoreRoleList, Never; of a policy value its level */
        const char *name;  /* of a role, tenant or attribute; of a policy value its subject */
        StoreGrant grant;  /* its key */
        const char *value; /* the name of a policy value */
        char buf[CORE_POLICY_SUBJECT_BYTES + 512];
} FactKey;

/* -EBADMSG for what no verb wrote. */
int core_fact_read(const char *key, FactKey *ret);
/* What it is now, as core_note_*() would write it; ret NULL where it is not there. */
typedef struct FactSource {
        Core *core;
        StoreTxn *txn;
        StoreGroup *group; /* the last one: its members are many facts */
        uint64_t now_usec;
} FactSource;

int core_fact_now(FactSource *source, const FactKey *key, char **ret);
void core_fact_source_done(FactSource *source);
/* Are both the same state of the thing?  Why and by whom may differ. */
bool core_fact_same(FactKind kind, const char *a, const char *b);
/* "user/alice", "phone", "2026-11-01T00:00:00Z": for people.  Each is the caller's. */
int core_fact_object(FactSource *source, const FactKey *key, char **ret);
int core_fact_field(FactSource *source, const FactKey *key, char **ret);
int core_fact_text(FactSource *source, const FactKey *key, const char *value, char **ret);
const char *core_never_text(Never never);

/* The values that are read again. */
bool core_fact_status(const char *value, UserStatus *ret_status, uint64_t *ret_until_usec,
                      const char **ret_reason);
bool core_fact_grant(const char *value, StoreGrant *ret); /* its texts stay value's */
bool core_fact_attribute(const char *value, uint64_t *ret_until_usec, const char **ret_value);

/* ---- verbs as undo needs them -------------------------------------------------------------- */

/* core_user_must_change(), and its opposite. */
int core_user_set_must_change(Core *core, const Actor *actor, const char *name, bool must_change,
                              const CoreOptions *options, uint64_t now_usec, CoreChange *ret,
                              CoreError *error);
/* core_user_lock(); forget: his failures too, which undo leaves alone. */
int core_user_set_lock(Core *core, const Actor *actor, const char *name, bool lock, bool forget,
                       const CoreOptions *options, uint64_t now_usec, CoreChange *ret,
                       CoreError *error);

/* A deleted group as it was, without members: undo's.  CORE_E_NAME_TAKEN where its name is
 * another's by now. */
int core_group_restore(Core *core, const Actor *actor, gid_t gid, const CoreOptions *options,
                       uint64_t now_usec, CoreChange *ret, CoreError *error);

/* ---- several changes as one (together.c) -------------------------------------------------- */

/* Follows once the change is written, whatever it was a part of. */
typedef enum Afterwards {
        AFTER_END_SESSIONS,
        AFTER_DROP_PROOFS,
        AFTER_FORGET_FAILURES,
        _AFTERWARDS_MAX,
} Afterwards;

/* Does it, or has it done with the whole; there was room for one.  name NULL: it is looked for. */
int core_afterwards_reserve(Core *core, Afterwards what);
void core_afterwards(Core *core, Afterwards what, uid_t uid, const char *name);

/* While it is open, each change that begins is a part of it, in its transaction: all of them are
 * written, or none. */
typedef struct Together {
        Core *core;
        StoreTxn *txn;
        News news;
        NoticeLine *notices;
        size_t notice_count, notice_size;
        IdSet after[_AFTERWARDS_MAX];
        uint32_t parts;
} Together;

#define _cleanup_together_ _cleanup_(core_together_done)

int core_together_begin(Together *together, Core *core, const Actor *actor,
                        const CoreOptions *options, uint64_t now_usec, CoreError *error);
/* A part is written: takes its news and notices. */
int core_together_add(Together *together, Change *part);
/* The entry that stands for all of them, whose values are those of head; commits unless it is a dry
 * run.  No parts: nothing is written, 0 with ret->id 0. */
int core_together_commit(Together *together, Change *head, const char *verb, const char *kind,
                         const char *name, uint64_t undoes, CoreChange *ret);
void core_together_done(Together *together);

/* ---- which permission a verb needs (verbs.c) ---------------------------------------------- */

/* May whoever asks take back what a verb did to that thing: has he the verb's permission over it,
 * and sees it?  CORE_E_ACCESS_DENIED names what is missing; a verb that is none of these is root's.
 */
int core_verb_may_undo(Asker *asker, const char *verb, const FactKey *key, CoreError *error);
/* May he do the verb of a batch to one of its users? */
int core_verb_may_batch(Asker *asker, const CoreBatch *batch, const char *user, CoreError *error);

/* ---- taking back (undo_run.c) ------------------------------------------------------------- */

typedef struct Fact {
        const char *field, *before, *after; /* the notes' own */
        FactKey key;
        char *now;
        size_t order; /* in which they were noted */
        CoreUndone undone;
        bool reverse;       /* is to become what it was */
        uint64_t later;     /* the change that touched it since */
        uint64_t undone_by; /* ... or took it back already */
        const char *why;    /* static: why it stays */
} Fact;

typedef struct UndoRun {
        Core *core;
        const Actor *actor;
        const CoreOptions *options;
        uint64_t now_usec;
        bool force;
        Together *together;
        Fact *facts; /* as they were noted, each thing once */
        size_t count;
} UndoRun;

/* Makes each fact that is to be reversed what it was, by the verbs. */
int core_undo_run(UndoRun *run, CoreError *error);

/* Of each: the transaction; the caller's options with another reason; a fact that is what it was by
 * now, or stays what it is; and a user as he is within the change, settled, NULL where he is not
 * there or, unless deleted, a tombstone. */
StoreTxn *core_undo_txn(const UndoRun *run);
CoreOptions core_undo_options(const UndoRun *run, const char *reason);
void core_fact_reversed(Fact *fact);
void core_fact_stays(Fact *fact, const char *why);
int core_undo_user(const UndoRun *run, uid_t uid, bool deleted, StoreUser **ret);

/* undo_rights.c: one fact, or from the place on all of one role. */
int core_undo_role_reverse(UndoRun *run, size_t at, CoreError *error);
int core_undo_role_delete(const UndoRun *run, Fact *fact, CoreError *error);
int core_undo_tenant_restore(const UndoRun *run, Fact *fact, CoreError *error);
int core_undo_tenant_delete(const UndoRun *run, Fact *fact, CoreError *error);
int core_undo_tenant_edit(const UndoRun *run, Fact *fact, CoreError *error);
int core_undo_grant_give_for_good(const UndoRun *run, Fact *fact, CoreError *error);
int core_undo_grant_give(const UndoRun *run, Fact *fact, CoreError *error);
int core_undo_grant_take(const UndoRun *run, Fact *fact, CoreError *error);
int core_undo_policy_reverse(const UndoRun *run, Fact *fact, CoreError *error);
