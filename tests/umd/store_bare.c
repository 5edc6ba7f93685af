/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* store_bare DIR NAME: takes a user's home and shell out of his record, which no verb of umd does.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "umd/store/store.h"

int main(int argc, char **argv) {
        StoreUser *user = NULL, bare;
        StoreTxn *txn = NULL;
        Store *store = NULL;
        int r = argc == 3 ? store_open(argv[1], false, &store) : -EINVAL;

        if (r == 0)
                r = store_begin(store, &txn);
        if (r == 0)
                r = store_user_get_by_name(txn, argv[2], &user);
        if (r == 0) {
                bare = *user;
                bare.home = bare.shell = "";
                r = store_user_update(txn, &bare);
        }
        if (r == 0)
                r = store_commit(&txn);
        if (r == 0)
                r = store_flush(store);
        if (r != 0)
                fprintf(stderr, "store_bare: %d (%s)\n", r, strerror(r < 0 ? -r : 0));
        store_user_free(user);
        store_close(store);
        return r == 0 ? 0 : 1;
}
