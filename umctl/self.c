/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* umctl self: what a user does about himself, by his real uid. */

#include <errno.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include "umctl/umctl.h"

const char *self_name(const Ctl *ctl) {
        const struct passwd *pw = getpwuid(getuid());
        uint32_t id;

        if (!pw) {
                complain(ctl, EXIT_NOT_FOUND, "uid %u has no name", getuid());
                return NULL;
        }
        if (base_local_find_name(BASE_PASSWD_PATH, pw->pw_name, &id) == 1) {
                complain(ctl, EXIT_NOT_FOUND, "%s is a local account of this host, not um's",
                         pw->pw_name);
                return NULL;
        }
        return pw->pw_name;
}

int self_show(Ctl *ctl, int argc, char *argv[]) {
        const char *name = self_name(ctl);
        char *args[] = { (char *)name, NULL };

        return name ? user_show(ctl, 1, args) : EXIT_NOT_FOUND;
}

int self_profile(Ctl *ctl, int argc, char *argv[]) {
        const char *name = self_name(ctl);
        char *args[] = { (char *)name, NULL };

        return name ? user_set(ctl, 1, args) : EXIT_NOT_FOUND;
}

/* There is no change id: umd tells a login's dialogue none. */
static int changed_print(const Ctl *ctl, const char *name) {
        if (ctl->json != JSON_OFF || ctl->dry_run)
                return ctl_print_change(ctl, "user", name, "asked for a new password", "", NULL);
        printf("password changed\n");
        return EXIT_DONE;
}

int self_passwd(Ctl *ctl, int argc, char *argv[]) {
        const char *name = self_name(ctl);
        WireContext context = {
                .operation = WIRE_OPERATION_CHANGE_PASSWORD,
                .user = name,
                .service = "umctl",
                .flags = WIRE_FLAG_ASK_CURRENT,
        };
        char login[WIRE_LOGIN_ID_BYTES + 1];
        WireStep step;
        int r;

        if (!name)
                return EXIT_NOT_FOUND;
        r = dialogue_run(ctl, &context, login, &step);
        if (r != 0)
                return r;
        if (step.kind != WIRE_STEP_DONE && ctl->dry_run)
                return changed_print(ctl, name);
        if (step.kind == WIRE_STEP_DONE && step.verdict == WIRE_VERDICT_ALLOW) {
                return changed_print(ctl, name);
        }
        if (step.verdict == WIRE_VERDICT_BAD_PROOF)
                return complain(ctl, EXIT_REFUSED,
                                "the current password is wrong; nothing was changed");
        if (step.verdict == WIRE_VERDICT_UNAVAILABLE)
                return complain(ctl, EXIT_NOT_REACHABLE,
                                "um cannot do it now; nothing was changed");
        if (step.text[0]) /* why, and until when */
                return complain(ctl, EXIT_REFUSED, "%s Nothing was changed.", step.text);
        return complain(ctl, EXIT_REFUSED, "refused; nothing was changed");
}
