/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Codes by e-mail (FEATURES B4, C9): one of six digits as a second factor, one of eight for a
 * forgotten password (reset.c), sent to the address in the user's record, good once, for ten
 * minutes, for three tries, from the place they were asked for.  The address is an admin's to
 * change, never the user's own: whoever took a password must not choose where the code goes.
 *
 * Asking for one says nothing.  Whoever it is, the same prompt comes back, at once where it is the
 * first; what follows is done behind it.  A second factor's code is sent only where the first was
 * right, one for a forgotten password to whoever may have it.  No answer after that, to a code or
 * to one more request, is out before it is over
 * (MAIL_ASKED_USEC), so the work does not show either.
 *
 * How one is sent is mail_job.c's, and how many may be mail_budget.c's; here is what becomes of one
 * that was.  A code is used up, or a wrong try counted, in the transaction of the verdict: of many
 * that are tried at once no more count than three. */

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "umd/core/second.h"

#define MAIL_TRIES 3U

/* ---- who may ------------------------------------------------------------------------------ */

bool core_mail_has_address(const StoreUser *user) {
        return user->email[0] &&
               base_field_check(FIELD_EMAIL, user->email, strlen(user->email)) == FIELD_OK;
}

bool core_mail_possible(const PolicyValues *values, const StoreUser *user) {
        return core_method_permitted(values, POLICY_METHOD_EMAIL_CODE) &&
               core_mail_has_address(user);
}

int core_mail_may(Core *core, StoreTxn *txn, const StoreUser *user, StoreMailPurpose purpose) {
        PolicyValues values;
        int r;

        if (purpose == STORE_MAIL_RESET)
                return core_reset_possible(core, txn, user);
        r = core_policy_values(core, txn, user->uid, &values);
        return r < 0 ? r : core_mail_possible(&values, user);
}

bool core_mail_ready(const Core *core) {
        return core->host.mail.ready && core->host.mail.ready(core->host.mail.userdata);
}

/* By the rules alone, never by who has an address. */
bool core_mail_offered(const Core *core, const PolicyValues *values) {
        return core_method_permitted(values, POLICY_METHOD_EMAIL_CODE) &&
               values->factor_required != POLICY_REQUIRED_HARDWARE && core_mail_ready(core);
}

/* ---- the row ------------------------------------------------------------------------------ */

/* A known network is no other than an unknown one.  Of a program that says of nobody where he is
 * (an ftp server without rhost) nobody knows it: that is no console. */
uint32_t core_mail_place(const LoginWords *words) {
        Place place = words->origin.place;

        return place == PLACE_CONSOLE && !core_service_is_console(words->service) ? PLACE_NONE
                                                                                  : place;
}

bool core_mail_is_there(const StoreMailCode *row, const LoginWords *words) {
        return row->place == core_mail_place(words) &&
               memcmp(&row->network, &words->origin.network, sizeof(row->network)) == 0;
}

bool core_mail_is_out(const StoreMailCode *row, const char *address, uint64_t lock_usec) {
        return row->hash.len == CORE_CODE_HASH_BYTES && row->tries < MAIL_TRIES &&
               row->send_count > 0 && strcasecmp(row->address, address) == 0 &&
               lock_usec < core_later(row->sends[row->send_count - 1], MAIL_VALID_USEC);
}

int core_mail_load(const Dialogue *dialogue, StoreTxn *txn, const StoreUser *user,
                   StoreMailPurpose purpose, uint64_t now_usec, StoreMailCode **ret) {
        _cleanup_(store_mail_code_freep) StoreMailCode *row = NULL;
        uint64_t lock_usec;
        int r;

        *ret = NULL;
        r = store_mail_code_get(txn, user->uid, purpose, &row);
        if (r != 0)
                return r < 0 ? r : 0;
        r = core_lock_time(dialogue->core, txn, now_usec, &lock_usec);
        if (r == 0 && core_mail_is_there(row, &dialogue->words) &&
            core_mail_is_out(row, user->email, lock_usec))
                *ret = TAKE(row);
        return r;
}

int core_mail_load_tried(const Dialogue *dialogue, StoreTxn *txn, const StoreUser *user,
                         StoreMailPurpose purpose, const StoreVerifier *tried, uint64_t now_usec,
                         StoreMailCode **ret) {
        _cleanup_(store_mail_code_freep) StoreMailCode *row = NULL;
        int r;

        *ret = NULL;
        r = core_mail_may(dialogue->core, txn, user, purpose);
        if (r > 0)
                r = core_mail_load(dialogue, txn, user, purpose, now_usec, &row);
        if (r == 0 && row && core_verifier_same(&row->hash, tried))
                *ret = TAKE(row);
        return r;
}

static void code_forget(StoreMailCode *row) {
        row->hash = (StoreVerifier){ 0 };
        row->address = "";
        row->tries = 0;
}

int core_mail_used_up(StoreTxn *txn, StoreMailCode *row) {
        int r;

        code_forget(row);
        r = store_mail_code_put(txn, row);
        return r > 0 ? -EUCLEAN : r;
}

int core_mail_tried(StoreTxn *txn, StoreMailCode *row) {
        int r;

        if (++row->tries >= MAIL_TRIES)
                code_forget(row);
        r = store_mail_code_put(txn, row);
        return r > 0 ? -EUCLEAN : r;
}

int core_mail_forget(StoreTxn *txn, uid_t uid) {
        int r = 0;

        for (StoreMailPurpose p = 0; r >= 0 && p < _STORE_MAIL_PURPOSE_MAX; p++) {
                _cleanup_(store_mail_code_freep) StoreMailCode *row = NULL;

                r = store_mail_code_get(txn, uid, p, &row);
                if (r == 0 && row->hash.len > 0)
                        r = core_mail_used_up(txn, row);
        }
        return r < 0 ? r : 0;
}

/* ---- in the transaction of the verdict ---------------------------------------------------- */

/* Of the second factor's, what is out now. */
static int tried_load(const Dialogue *dialogue, StoreTxn *txn, uint64_t now_usec,
                      StoreMailCode **ret) {
        const Second *second = &dialogue->second;
        _cleanup_(store_user_freep) StoreUser *user = NULL;
        int r;

        *ret = NULL;
        r = store_user_get(txn, second->uid, &user);
        if (r != 0)
                return r < 0 ? r : 0;
        return core_mail_load_tried(dialogue, txn, user, STORE_MAIL_FACTOR, &second->tried,
                                    now_usec, ret);
}

int core_mail_second(Dialogue *dialogue, StoreTxn *txn, uint64_t now_usec, StoreFactor **ret) {
        _cleanup_(store_mail_code_freep) StoreMailCode *row = NULL;
        Second *second = &dialogue->second;
        StoreFactor *factor;
        int r;

        r = tried_load(dialogue, txn, now_usec, &row);
        if (r < 0)
                return r;
        if (!row) { /* another login used it up, or the tries */
                second->result = CORE_PROOF_NO_MATCH;
                return 0;
        }
        factor = calloc(1, sizeof(*factor));
        if (!factor)
                return -ENOMEM;
        *factor = (StoreFactor){
                .uid = second->uid, .method = POLICY_METHOD_EMAIL_CODE, .active = true, .label = ""
        };
        *ret = factor;
        return 0;
}

int core_mail_use(const Dialogue *dialogue, StoreTxn *txn, uint64_t now_usec) {
        _cleanup_(store_mail_code_freep) StoreMailCode *row = NULL;
        int r = tried_load(dialogue, txn, now_usec, &row);

        if (r < 0 || !row)
                return r < 0 ? r : -EUCLEAN; /* it was there in this transaction */
        return core_mail_used_up(txn, row);
}

int core_mail_missed(const Dialogue *dialogue, StoreTxn *txn, uint64_t now_usec) {
        _cleanup_(store_mail_code_freep) StoreMailCode *row = NULL;
        const Second *second = &dialogue->second;
        int r;

        if (second->method != POLICY_METHOD_EMAIL_CODE || second->number == 0 ||
            second->first == POLICY_PROOF_WRONG || second->result != CORE_PROOF_NO_MATCH)
                return 0;
        r = tried_load(dialogue, txn, now_usec, &row);
        return r < 0 || !row ? r : core_mail_tried(txn, row);
}
