/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* um-authorized-keys with another umd than the host's: keys_at SOCKET MAP_DIR PASSWD USER
 * FINGERPRINT. */

#include <string.h>

#include "um_keys/um_keys.h"

int main(int argc, char *argv[]) {
        const KeysPlace place = { argc == 6 ? argv[1] : NULL, argv[2], argv[3] };
        int r = argc == 6 ? keys_tell(&place, argv[4], argv[5], stdout) : -1;

        if (r < 0)
                fprintf(stderr, "um-authorized-keys: %s\n", strerror(-r));
        return r < 0 ? 1 : 0;
}
