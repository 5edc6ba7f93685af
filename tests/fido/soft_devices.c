/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Stands in um_fido/device.c's place in the um-fido that tests run: the security keys are sockets,
 * key0 to key7 in a directory, behind which softkey.py answers.  What is said over them is what is
 * said to a hidraw device, by the same code. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/base.h"
#include "um_fido/token.h"

#define DIRECTORY "/var/lib/um-test-tokens"

size_t token_devices_open(TokenDevice ret[static TOKEN_DEVICES_MAX]) {
        const char *directory = getenv("UM_TEST_TOKENS");
        size_t count = 0;

        for (unsigned int i = 0; i < TOKEN_DEVICES_MAX; i++) {
                struct sockaddr_un address = { .sun_family = AF_UNIX };
                _cleanup_close_ int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

                (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/key%u",
                               directory ? directory : DIRECTORY, i);
                if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
                        continue;
                ret[count] = (TokenDevice){ .id = i };
                ret[count++].fd = base_take_fd(&fd);
        }
        return count;
}
