/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How many codes are sent by e-mail: five an hour to a user, from wherever they are asked for.
 * Whoever took his password asks too.  So some of them are kept for the places he is known from,
 * and a code that was asked for there is not overwritten from elsewhere. */

#include "umd/core/second.h"

#define SENDS           5U
#define SENDS_ELSEWHERE 3U /* after so many the rest is for his own places */

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

int core_mail_why_not(StoreTxn *txn, StoreMailCode *row, const Origin *origin, bool out,
                      uint64_t lock_usec, const char **ret) {
        int asks, has = 0;

        sends_age(row, lock_usec);
        asks = is_his_place(txn, row->uid, (uint32_t)origin->place, &origin->network, lock_usec);
        if (asks >= 0 && out)
                has = is_his_place(txn, row->uid, row->place, &row->network, lock_usec);
        if (asks < 0 || has < 0)
                return asks < 0 ? asks : has;
        *ret = NULL;
        if (row->send_count >= (asks ? SENDS : SENDS_ELSEWHERE))
                *ret = "too-many";
        else if (has && !asks)
                *ret = "code-is-out";
        return 0;
}
