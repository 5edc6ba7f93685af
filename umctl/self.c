/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* umctl self: what a user does about himself, by his real uid. */

#include <errno.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include "umctl/umctl.h"

#define ROUND_TIMEOUT_USEC (30 * USEC_PER_SEC)
#define STEPS_MAX          64

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

static int step_answer(Ctl *ctl, const WireStep *step, Secret **ret) {
        char shown[WIRE_TEXT_MAX];

        base_escape(step->text, strlen(step->text), shown, sizeof(shown));
        switch (step->kind) {
        case WIRE_STEP_ASK_HIDDEN:
        case WIRE_STEP_ASK_SHOWN:
                return ask_secret(ctl, shown, false, ret);
        case WIRE_STEP_SHOW:
                fprintf(step->is_error || ctl->json != JSON_OFF ? stderr : stdout, "%s\n", shown);
                break;
        case WIRE_STEP_WAIT:
                if (shown[0])
                        fprintf(ctl->json != JSON_OFF ? stderr : stdout, "%s\n", shown);
                break;
        case WIRE_STEP_INVALID:
        case WIRE_STEP_ASSERT:
        case WIRE_STEP_DONE:
        case _WIRE_STEP_MAX:
                return complain(ctl, EXIT_FAILED,
                                "umd asks for something this umctl does not know");
        }
        return base_secret_new("", 0, ret) < 0 ? complain(ctl, EXIT_FAILED, "out of memory") : 0;
}

static int round_failed(const Ctl *ctl, int r, WireError error) {
        if (r == -EREMOTEIO)
                return complain(ctl, wire_error_exit_code(error), "refused: %s",
                                wire_error_name(error));
        return complain(ctl, EXIT_NOT_REACHABLE, "umd did not answer: %s", strerror(-r));
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
        WireError error = WIRE_E_NONE;
        WireStep step;
        int r;

        if (!name)
                return EXIT_NOT_FOUND;
        r = ctl_connect(ctl);
        if (r != 0)
                return r;
        r = wire_login_begin(ctl->bus, &context, base_boottime_usec() + ROUND_TIMEOUT_USEC, login,
                             &step, &error);
        if (r >= 0 && step.kind != WIRE_STEP_DONE && ctl->dry_run)
                return changed_print(ctl, name);
        for (int i = 0; r >= 0 && step.kind != WIRE_STEP_DONE && i < STEPS_MAX; i++) {
                _cleanup_secret_ Secret *answer = NULL;
                int code = step_answer(ctl, &step, &answer);

                if (code != 0)
                        return code;
                r = wire_login_answer(ctl->bus, login, base_secret_bytes(answer),
                                      base_secret_len(answer),
                                      base_boottime_usec() + ROUND_TIMEOUT_USEC, &step, &error);
        }
        if (r < 0)
                return round_failed(ctl, r, error);
        if (step.kind == WIRE_STEP_DONE && step.verdict == WIRE_VERDICT_ALLOW) {
                return changed_print(ctl, name);
        }
        if (step.verdict == WIRE_VERDICT_BAD_PROOF)
                return complain(ctl, EXIT_REFUSED,
                                "the current password is wrong; nothing was changed");
        if (step.verdict == WIRE_VERDICT_UNAVAILABLE)
                return complain(ctl, EXIT_NOT_REACHABLE,
                                "um cannot do it now; nothing was changed");
        return complain(ctl, EXIT_REFUSED, "refused; nothing was changed");
}
