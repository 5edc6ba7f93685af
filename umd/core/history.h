/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* password.history: which passwords a new one is held against, one after the other, and what
 * becomes of the one it replaces. */

#include "umd/core/internal.h"

/* What a new password may not be; the verifiers are ours. */
typedef struct Past Past;

/* The present one, if asked for and there is one, then the latest count former ones.  *ret NULL:
 * nothing. */
int core_past_load(StoreTxn *txn, const StoreCredential *credential, bool present, uint32_t count,
                   Past **ret);
Past *core_past_free(Past *past); /* NULL allowed; returns NULL */

static inline void core_past_freep(Past **past) {
        *past = core_past_free(*past);
}

/* Asks the vault about the next of them, for the person (own) or an admin: 1, and done will be
 * called; 0: there is none left (past NULL: none at all). */
int core_past_ask(Core *core, Past *past, uid_t uid, bool own, const Secret *fresh, VaultDone done,
                  void *owner, VaultCall **ret);
/* Was it the present one that was asked about last? */
bool core_past_is_present(const Past *past);
/* "not be one of the last 5": what is demanded, for a message. */
#define CORE_PAST_TEXT_BYTES 64U
void core_past_text(const Past *past, char *ret);

/* Within a change that replaces the password of credential: it joins the former ones, and what is
 * more than the user's password.history goes. */
int core_history_push(Change *change, const StoreCredential *credential);
