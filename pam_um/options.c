/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The arguments behind pam_um.so in /etc/pam.d.  None of them names a path: which socket um has is
 * fixed when it is built, so that a line in a stack cannot send passwords elsewhere. */

#include <string.h>
#include <syslog.h>

#include <security/pam_ext.h>

#include "base/base.h"
#include "pam_um/pam_um.h"

void options_read(pam_handle_t *handle, int argc, const char **argv, Options *ret) {
        Options options = { 0 };
        const struct {
                const char *name;
                bool *value;
        } known[] = {
                { "use_first_pass", &options.use_first_pass },
                { "try_first_pass", &options.try_first_pass },
                { "use_authtok", &options.use_authtok },
                { "debug", &options.debug },
                { "quiet", &options.quiet },
                { "nodelay", &options.nodelay },
        };

        for (int i = 0; i < argc; i++) {
                size_t at = 0;

                while (at < ARRAY_LENGTH(known) && strcmp(known[at].name, argv[i]) != 0)
                        at++;
                if (at < ARRAY_LENGTH(known))
                        *known[at].value = true;
                else
                        pam_syslog(handle, LOG_ERR, "unknown option, without effect: %s", argv[i]);
        }
        *ret = options;
}
