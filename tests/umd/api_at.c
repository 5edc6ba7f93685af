/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* um-api with another umd than the host's: api_at SOCKET MAP_DIR.  um-api itself takes no argument
 * from anybody. */

#include <stdio.h>

#include "um_api/um_api.h"

int main(int argc, char *argv[]) {
        ApiEnd end = argc == 3 ? api_serve(argv[1], argv[2]) : API_FAULT;

        if (end != API_DONE)
                fprintf(stderr, "um-api: %s\n", api_end_text(end));
        return end == API_DONE ? 0 : 1;
}
