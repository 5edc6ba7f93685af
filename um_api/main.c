/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* um-api's start.  It is the forced command of service accounts and their shell too, so that
 * whatever wants to run something as one of them comes out here: no argument is looked at, and no
 * environment variable.
 * Exit status: 0 a connection that was served and ended, 1 one that was not. */

#include <stdio.h>
#include <unistd.h>

#include "um_api/um_api.h"

int main(void) {
        ApiEnd end = API_FAULT;

        if (base_process_harden() == 0 && close_range(STDERR_FILENO + 1, ~0U, 0) == 0)
                end = api_serve(API_SOCKET, API_MAP_DIR);
        if (end != API_DONE)
                fprintf(stderr, "um-api: %s\n", api_end_text(end));
        return end == API_DONE ? 0 : 1;
}
