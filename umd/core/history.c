/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Former passwords (FEATURES C3).  A new password is held against the present one and the latest
 * former ones, in the vault, which alone can; it is asked for one after the other, so that no
 * change has more than one of them in the vault's queue, and behind everything else there.
 *
 * Who is told "that was one of them" could be guessing.  So it is asked only once the person has
 * proved the present password (or given a code for it), or for root, and the vault counts every
 * question under ceilings of their own (um_vault.h), an admin's apart: whoever has a stolen
 * password must not keep him from setting another.  None of them counts as a failure of the user's:
 * they lock nobody out.
 *
 * The list changes in the transaction that changes the password, with it or not at all. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "umd/core/history.h"

struct Past {
        StoreVerifier list[STORE_HISTORY_MAX + 1]; /* bytes are ours */
        size_t count, at;                          /* at: the next to be asked about */
        bool present;                              /* the first is the present one */
        uint32_t wanted;                           /* former ones, by the policy */
};

static int past_add(Past *past, const StoreVerifier *verifier) {
        int r = core_verifier_keep(verifier, &past->list[past->count]);

        if (r == 0)
                past->count++;
        return r;
}

static int past_add_former(StoreTxn *txn, uid_t uid, Past *past) {
        _cleanup_(store_history_done) StoreHistory history = { 0 };
        int r = store_history_of_user(txn, uid, &history);

        for (size_t i = 0; r == 0 && i < history.count && i < past->wanted; i++)
                r = past_add(past, &history.list[i]->password);
        return r;
}

int core_past_load(StoreTxn *txn, const StoreCredential *credential, bool present, uint32_t count,
                   Past **ret) {
        _cleanup_(core_past_freep) Past *past = calloc(1, sizeof(*past));
        int r = 0;

        if (!past)
                return -ENOMEM;
        past->wanted = count;
        past->present = present && credential->password.len > 0;
        if (past->present)
                r = past_add(past, &credential->password);
        if (r == 0 && count > 0) /* 0: a list that cannot be read is in nobody's way */
                r = past_add_former(txn, credential->uid, past);
        if (r < 0)
                return r;
        *ret = past->count > 0 ? TAKE(past) : NULL;
        return 0;
}

Past *core_past_free(Past *past) {
        if (!past)
                return NULL;
        for (size_t i = 0; i < past->count; i++)
                core_verifier_done(&past->list[i]);
        free(past);
        return NULL;
}

int core_past_ask(Core *core, Past *past, uid_t uid, bool own, const Secret *fresh, VaultDone done,
                  void *owner, VaultCall **ret) {
        VaultRequest request = { .uid = uid,
                                 .from = own ? CORE_FROM_KNOWN : CORE_FROM_HERE,
                                 .kind = CORE_KIND_PASSWORD,
                                 .secret = fresh };
        int r;

        if (!past || past->at == past->count)
                return 0;
        request.verifier = &past->list[past->at++];
        r = core_vault_call(core, VAULT_VERB_COMPARE, &request, done, owner, ret);
        return r < 0 ? r : 1;
}

bool core_past_is_present(const Past *past) {
        return past->present && past->at == 1;
}

void core_past_text(const Past *past, char *ret) {
        if (core_past_is_present(past))
                snprintf(ret, CORE_PAST_TEXT_BYTES, "differ from the current one");
        else if (past->wanted == 1)
                snprintf(ret, CORE_PAST_TEXT_BYTES, "not be the one before");
        else
                snprintf(ret, CORE_PAST_TEXT_BYTES, "not be one of the last %u", past->wanted);
}

int core_history_push(Change *change, const StoreCredential *credential) {
        const StorePast past = { .uid = credential->uid,
                                 .password = credential->password,
                                 .until_usec = change->now_usec };
        PolicyValues values;
        uint32_t keep;
        int r;

        if (credential->password.len == 0)
                return 0;
        r = core_policy_values(change->core, change->txn, credential->uid, &values);
        if (r < 0)
                return r;
        keep = values.password_history;
        r = store_history_keep(change->txn, credential->uid, keep > 0 ? keep - 1 : 0);
        if (r == 0 && keep > 0)
                r = store_history_put(change->txn, &past);
        return r;
}
