/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Sessions that are open: part of store.h, which includes it, on a page of its own. */

#include "umd/store/store.h"

/* Written with the audit entry that opens it, deleted with the one that closes it. */
typedef struct StoreSession {
        uint64_t seq; /* of the entry that opened it; never 0 */
        uid_t uid;
        uint32_t pid;         /* the process that holds it; 0 unknown */
        uint64_t start_ticks; /* ... and when it began, proc(5)'s starttime */
} StoreSession;

int store_session_put(StoreTxn *txn, const StoreSession *session);
int store_session_delete(StoreTxn *txn, uint64_t seq); /* STORE_E_MISSING */
/* All of them, the oldest first; a value other than 0 from each ends the walk and is returned.
 * Valid during the call; each may read, not write. */
int store_session_each(StoreTxn *txn, int (*each)(void *userdata, const StoreSession *session),
                       void *userdata);
