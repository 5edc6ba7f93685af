/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* um-authorized-keys USER FINGERPRINT TYPE, as sshd starts it: %u %f %t.
 * Exit status: 0 answered, with nothing where there is nothing; 1 a fault, which sshd logs and
 * takes for no key; 2 usage. */

#include <string.h>
#include <unistd.h>

#include "wire/wire.h"
#include "um_keys/um_keys.h"

int main(int argc, char *argv[]) {
        static const KeysPlace place = { WIRE_SOCKET, WIRE_MAP_DIR, BASE_PASSWD_PATH };
        int r;

        if (argc != 4) {
                fprintf(stderr, "usage: um-authorized-keys USER FINGERPRINT TYPE\n");
                return 2;
        }
        r = base_process_harden();
        if (r == 0)
                r = close_range(STDERR_FILENO + 1, ~0U, 0);
        if (r == 0)
                r = keys_tell(&place, argv[1], argv[2], stdout);
        if (r < 0)
                fprintf(stderr, "um-authorized-keys: %s\n", strerror(-r));
        return r < 0 ? 1 : 0;
}
