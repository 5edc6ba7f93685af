/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A PAM module for tests: sets and prints what only modules may see, and returns what it is told.
 *
 *   authtok=TEXT oldauthtok=TEXT user=NAME   set the item      print   print the items
 *   return=N   the code (default PAM_IGNORE)
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <security/pam_modules.h>

#define PUBLIC __attribute__((visibility("default")))

static void item_print(pam_handle_t *handle, const char *name, int item) {
        const char *value = NULL;

        pam_get_item(handle, item, (const void **)&value);
        printf("probe %s=%s\n", name, value ? value : "(none)");
        fflush(stdout);
}

static int probe(pam_handle_t *handle, int argc, const char **argv) {
        int code = PAM_IGNORE;

        for (int i = 0; i < argc; i++)
                if (strncmp(argv[i], "authtok=", 8) == 0)
                        pam_set_item(handle, PAM_AUTHTOK, argv[i] + 8);
                else if (strncmp(argv[i], "oldauthtok=", 11) == 0)
                        pam_set_item(handle, PAM_OLDAUTHTOK, argv[i] + 11);
                else if (strncmp(argv[i], "user=", 5) == 0)
                        pam_set_item(handle, PAM_USER, argv[i] + 5);
                else if (strncmp(argv[i], "return=", 7) == 0)
                        code = atoi(argv[i] + 7);
                else if (strcmp(argv[i], "print") == 0) {
                        item_print(handle, "user", PAM_USER);
                        item_print(handle, "authtok", PAM_AUTHTOK);
                        item_print(handle, "oldauthtok", PAM_OLDAUTHTOK);
                }
        return code;
}

PUBLIC int pam_sm_authenticate(pam_handle_t *handle, int flags, int argc, const char **argv) {
        return probe(handle, argc, argv);
}

PUBLIC int pam_sm_setcred(pam_handle_t *handle, int flags, int argc, const char **argv) {
        return PAM_IGNORE;
}

PUBLIC int pam_sm_acct_mgmt(pam_handle_t *handle, int flags, int argc, const char **argv) {
        return probe(handle, argc, argv);
}

PUBLIC int pam_sm_open_session(pam_handle_t *handle, int flags, int argc, const char **argv) {
        return probe(handle, argc, argv);
}

PUBLIC int pam_sm_close_session(pam_handle_t *handle, int flags, int argc, const char **argv) {
        return PAM_IGNORE;
}

PUBLIC int pam_sm_chauthtok(pam_handle_t *handle, int flags, int argc, const char **argv) {
        return (unsigned)flags & PAM_UPDATE_AUTHTOK ? probe(handle, argc, argv) : PAM_IGNORE;
}
