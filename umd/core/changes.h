/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Taking a change back, and one verb for many users as one change (FEATURES L9, G9): part of
 * core.h, which includes it, on a page of its own. */

#include "umd/core/core.h"

/* ---- undo --------------------------------------------------------------------------------- */

typedef enum CoreUndone {
        CORE_UNDONE_REVERSED,
        CORE_UNDONE_SAME,    /* it is what it was before the change already */
        CORE_UNDONE_ALREADY, /* taken back before, by `change` */
        CORE_UNDONE_KEPT,    /* something later, `change` or 0, made it what it is */
        CORE_UNDONE_NEVER,   /* cannot be taken back: `why` */
        _CORE_UNDONE_MAX,
} CoreUndone;

const char *core_undone_name(CoreUndone undone); /* "reversed" */

/* Texts are valid during the call. */
typedef struct CoreUndoRow {
        const char *object, *field; /* "user/alice", "phone" */
        const char *now, *becomes;  /* NULL: not there */
        CoreUndone outcome;
        uint64_t change;
        const char *why; /* "" but for NEVER */
} CoreUndoRow;

#define CORE_UNDO_LOOK_MAX 20000U /* entries that are looked at for later changes */

/* Takes back the change of that number, as a new one: all of it that can be, or, where a verb
 * refuses a part, nothing.  What later changes made is kept unless force.  each is told of every
 * thing the change touched; what it was told is nothing where this is not 0.  ret->id 0: nothing
 * was taken back, or it is a dry run.  CORE_E_NO_SUCH_ENTRY, CORE_E_BAD_VALUE: it is no change;
 * CORE_E_CONFLICT: it is undone already; CORE_E_POLICY_REFUSED: it cannot be undone. */
int core_undo(Core *core, const Actor *actor, uint64_t change, bool force,
              const CoreOptions *options, uint64_t now_usec,
              void (*each)(void *userdata, const CoreUndoRow *row), void *userdata, CoreChange *ret,
              CoreError *error);

/* ---- many users at once ------------------------------------------------------------------- */

#define CORE_BATCH_MAX 1000U /* users of one change */

typedef struct CoreBatch {
        const char *verb;         /* "role.grant", "user.suspend", ... as the log has them */
        const char *const *users; /* names */
        size_t user_count;
        GrantEdit grant;     /* role.grant, role.revoke; its user is not looked at */
        UserSpec fields;     /* user.update */
        uint64_t until_usec; /* user.suspend */
} CoreBatch;

typedef struct CoreBatchResult {
        uint32_t changed, unchanged;
        CoreChange change;
} CoreBatchResult;

/* All of them, or none: the error names the user. */
int core_batch(Core *core, const Actor *actor, const CoreBatch *batch, const CoreOptions *options,
               uint64_t now_usec, CoreBatchResult *ret, CoreError *error);
