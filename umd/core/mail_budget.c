/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How many codes are sent by e-mail: five an hour to a user, from wherever they are asked for.
 * Whoever took his password asks too, and for a reset anybody may.  So some of them are kept for
 * the places he is known from, and a code that was asked for there is not overwritten from
 * elsewhere; nor is one for a reset from where he is not known, until there was time to type it. */

#include "umd/core/second.h"

#define SENDS           5U
#define SENDS_ELSEWHERE 3U /* after so many the rest is for his own places */

#define RESET_KEPT_USEC (120 * USEC_PER_SEC) /* from when it was sent */

/* Forgets what is older than an hour. */
static void sends_age(StoreMailCode *row, uint64_t lock_usec) {
        size_t kept = 0;

        for (size_t i = 0; i < row->send_count; i++)
                if (lock_usec < core_later(row->sends[i], MAIL_HOUR_USEC))
                        row->sends[kept++] = row->sends[i];
        row->send_count = kept;
}

static int is_his_place(StoreTxn *txn, uid_t uid, uint32_t place, const StoreNetwork *network,
                        uint64_t lock_usec) {
        uint64_t since_usec;

        if (place == PLACE_CONSOLE || place == PLACE_SELF)
                return 1;
        return place == PLACE_AFAR ? core_place_known(txn, network, uid, lock_usec, &since_usec)
                                   : 0;
}

/* Wherever he is who asked for it, he is reading his mail. */
static bool is_kept(const StoreMailCode *row, const LoginWords *words, uint64_t lock_usec) {
        return row->purpose == STORE_MAIL_RESET && !core_mail_is_there(row, words) &&
               row->send_count > 0 &&
               lock_usec < core_later(row->sends[row->send_count - 1], RESET_KEPT_USEC);
}

int core_mail_why_not(StoreTxn *txn, StoreMailCode *row, const LoginWords *words, bool out,
                      uint64_t lock_usec, const char **ret) {
        int asks, has = 0;

        sends_age(row, lock_usec);
        asks = is_his_place(txn, row->uid, core_mail_place(words), &words->origin.network,
                            lock_usec);
        if (asks >= 0 && out)
                has = is_his_place(txn, row->uid, row->place, &row->network, lock_usec);
        if (asks < 0 || has < 0)
                return asks < 0 ? asks : has;
        *ret = NULL;
        if (row->send_count >= (asks ? SENDS : SENDS_ELSEWHERE))
                *ret = "too-many";
        else if (!asks && (has || (out && is_kept(row, words, lock_usec))))
                *ret = "code-is-out";
        return 0;
}
