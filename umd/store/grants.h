/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Who holds which role where, and when that begins or ends by itself: part of store.h, which
 * includes it, on a page of its own. */

#include "umd/store/store.h"

/* ---- grants: who holds which role where ------------------------------------------------------ */

typedef struct StoreGrant {
        uid_t uid;
        const char *role, *tenant; /* the key, together with uid and what it is over */
        uint64_t from_usec, until_usec;
        uid_t by;
        const char *reason;
        uint64_t made_usec;
        uint32_t scope;    /* GrantScope; 0: all of the tenant */
        const char *over;  /* the department or group; "" with none */
        bool end_sessions; /* the holder's sessions end with it */
} StoreGrant;

int store_grant_put(StoreTxn *txn, const StoreGrant *grant); /* new or replaced */
/* The same for the grant that a new user comes with: no holder is found by it, which spares each
 * creation a page.  Only for a role that nobody can take away as a whole. */
int store_grant_put_first(StoreTxn *txn, const StoreGrant *grant);
/* Its moments, where the store is of an um that had none. */
int store_grant_index(StoreTxn *txn, const StoreGrant *grant);
/* Of the grant only the key counts.  STORE_E_MISSING */
int store_grant_delete(StoreTxn *txn, const StoreGrant *grant);
int store_grant_each(StoreTxn *txn, uid_t uid, int (*each)(void *userdata, const StoreGrant *grant),
                     void *userdata);
/* Has he a grant of the role that a holder is found by?  0 or STORE_E_MISSING. */
int store_grant_holds(StoreTxn *txn, const char *role, uid_t uid);
/* The next holder behind the uid (0 for the first); STORE_E_MISSING at the end. */
int store_grant_holder_next(StoreTxn *txn, const char *role, uid_t after, uid_t *ret);
/* All holders of all roles, by role and uid; a value other than 0 from each ends the walk and is
 * returned.  The role is valid during the call; each may read, not write. */
int store_grant_holders(StoreTxn *txn, int (*each)(void *userdata, const char *role, uid_t uid),
                        void *userdata);

/* ---- moments: when something of a user's begins or ends by itself ---------------------------- */

typedef enum StoreMomentKind {
        STORE_MOMENT_ATTRIBUTE = 'a', /* one ends; kept with the user's record */
        STORE_MOMENT_GRANT = 'g', /* one begins or ends; kept by store_grant_put() and _delete() */
        STORE_MOMENT_WARNING = 'w', /* one with end_sessions is about to end; likewise */
} StoreMomentKind;

/* So long before its end; one that is shorter is warned of when it is made. */
#define STORE_GRANT_WARNING_USEC (60 * USEC_PER_SEC)
/* 0: none. */
uint64_t store_grant_warning(const StoreGrant *grant);

typedef struct StoreMoment {
        uint64_t usec;
        uid_t uid;
        StoreMomentKind kind;
} StoreMoment;

/* By time, then uid, then kind: as strcmp(3). */
int store_moment_compare(const StoreMoment *a, const StoreMoment *b);
/* 0 and USEC_INFINITY are no moments: nothing is written. */
int store_moment_put(StoreTxn *txn, const StoreMoment *moment);
int store_moment_delete(StoreTxn *txn, const StoreMoment *moment); /* STORE_E_MISSING */
/* The first one behind `after`; STORE_E_MISSING at the end. */
int store_moment_next(StoreTxn *txn, const StoreMoment *after, StoreMoment *ret);
/* The last one that was told.  STORE_E_MISSING: the store is of an um that had no moments. */
int store_moment_told(StoreTxn *txn, StoreMoment *ret);
int store_moment_tell(StoreTxn *txn, const StoreMoment *moment);
