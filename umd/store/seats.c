/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How many seats of each tenant are taken, and whose home it is.  The rows follow each user that is
 * written, here and nowhere else, so no path can forget them and nobody has to count.
 *
 * They stand in LMDB's unnamed table, beside the meta record, which every commit writes anyway: a
 * creation costs no page more. */

#include <errno.h>
#include <string.h>

#include "umd/store/internal.h"

#define SEATS_PREFIX  '@'
#define SEATS_KEY_MAX (1 + CODEC_KEY_MAX)

static const CodecField seats_fields[] = {
        { 1, CODEC_TEXT, true, offsetof(StoreSeats, tenant), 0, CODEC_KEY_MAX },
        { 2, CODEC_U32, false, offsetof(StoreSeats, used), 0, 0 },
        { 3, CODEC_U32, false, offsetof(StoreSeats, homes), 0, 0 },
        { 4, CODEC_BOOL, true, offsetof(StoreSeats, told), 0, 0 },
};

const CodecKind codec_seats = { 22, 1, sizeof(StoreSeats), seats_fields,
                                ARRAY_LENGTH(seats_fields) };

bool store_user_is_seat(const StoreUser *user) {
        return !user->service &&
               (user->status == USER_STATUS_ACTIVE || user->status == USER_STATUS_SUSPENDED);
}

static bool is_home(const StoreUser *user) {
        return user->status != USER_STATUS_DELETED;
}

static int seats_key(const char *tenant, uint8_t *ret, size_t *ret_len) {
        size_t len = strnlen(tenant, CODEC_KEY_MAX + 1);

        if (len > CODEC_KEY_MAX)
                return -EINVAL;
        ret[0] = SEATS_PREFIX;
        memcpy(ret + 1, tenant, len);
        *ret_len = 1 + len;
        return 0;
}

int store_seats_get(StoreTxn *txn, const char *tenant, StoreSeats *ret) {
        _cleanup_free_ StoreSeats *row = NULL;
        uint8_t key[SEATS_KEY_MAX];
        size_t len = 0;
        int r;

        *ret = (StoreSeats){ .tenant = tenant };
        if (seats_key(tenant, key, &len) < 0)
                return 0; /* nobody's name is that long */
        r = record_get(txn, TABLE_MAIN, key, len, &codec_seats, (void **)&row);
        if (r != 0)
                return r < 0 ? r : 0;
        if (strcmp(row->tenant, tenant) != 0)
                return -EBADMSG;
        *ret = *row;
        ret->tenant = tenant;
        return 0;
}

static int seats_put(StoreTxn *txn, const StoreSeats *seats) {
        uint8_t key[SEATS_KEY_MAX];
        size_t len = 0;
        int r = seats_key(seats->tenant, key, &len);

        return r < 0 ? r : record_put(txn, TABLE_MAIN, key, len, &codec_seats, seats, 0);
}

int store_seats_tell(StoreTxn *txn, const char *tenant, bool told) {
        StoreSeats seats;
        int r = store_seats_get(txn, tenant, &seats);

        seats.told = told;
        return r < 0 ? r : seats_put(txn, &seats);
}

/* What the user is to his tenant, put in or taken out.  A row that would go below nothing is not
 * the count of what is there. */
static int seats_move(StoreTxn *txn, const StoreUser *user, bool in) {
        uint32_t seat = store_user_is_seat(user), home = is_home(user);
        StoreSeats seats;
        int r;

        if (!seat && !home)
                return 0;
        r = store_seats_get(txn, user->tenant, &seats);
        if (r < 0)
                return r;
        if (!in && (seats.used < seat || seats.homes < home))
                return -EBADMSG;
        seats.used += in ? seat : -seat;
        seats.homes += in ? home : -home;
        return seats_put(txn, &seats);
}

int seats_follow(StoreTxn *txn, const StoreUser *old, const StoreUser *user) {
        int r;

        if (old && store_user_is_seat(old) == store_user_is_seat(user) &&
            is_home(old) == is_home(user) && strcmp(old->tenant, user->tenant) == 0)
                return 0;
        r = old ? seats_move(txn, old, false) : 0;
        return r < 0 ? r : seats_move(txn, user, true);
}

static int seat_add(void *userdata, const StoreUser *user) {
        return seats_follow(userdata, NULL, user);
}

int seats_count(StoreTxn *txn) {
        return store_user_each(txn, seat_add, txn);
}
