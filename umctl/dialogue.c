/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A dialogue of org.um1.Login, led by umd: here its questions are asked and its texts shown.  What
 * is hidden is asked without echo, codes with it; without a terminal each answer is a line of
 * standard input. */

#include <errno.h>
#include <string.h>

#include "umctl/umctl.h"

#define ROUND_TIMEOUT_USEC (30 * USEC_PER_SEC)
#define STEPS_MAX          64

/* Lines stay lines; what else a terminal would obey is escaped. */
static void text_escape(const char *text, char *buf, size_t size) {
        size_t at = 0;

        buf[0] = '\0';
        while (at + 1 < size) {
                size_t len = strcspn(text, "\n");

                at += base_escape(text, len, buf + at, size - at - 1);
                if (text[len] == '\0')
                        break;
                buf[at++] = '\n';
                buf[at] = '\0';
                text += len + 1;
        }
}

static int step_shown(Ctl *ctl, const WireStep *step, const char *text, Secret **ret) {
        FILE *out = ctl->json != JSON_OFF ? stderr : stdout;

        switch (step->kind) {
        case WIRE_STEP_ASK_HIDDEN:
                return ask_secret(ctl, text, false, ret);
        case WIRE_STEP_ASK_SHOWN:
                return ask_code(ctl, text, ret);
        case WIRE_STEP_SHOW:
                fprintf(step->is_error ? stderr : out, "%s\n", text);
                break;
        case WIRE_STEP_WAIT:
                if (text[0])
                        fprintf(out, "%s\n", text);
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

static int step_answer(Ctl *ctl, const WireStep *step, Secret **ret) {
        char text[2 * WIRE_TEXT_MAX];
        int code;

        text_escape(step->text, text, sizeof(text));
        code = step_shown(ctl, step, text, ret);
        base_wipe(text, sizeof(text)); /* a seed or recovery codes, perhaps */
        return code;
}

static int round_failed(const Ctl *ctl, const WireContext *context, int r, WireError error) {
        if (r == -EREMOTEIO && error == WIRE_E_POLICY_REFUSED &&
            strcmp(context->operation, WIRE_OPERATION_ENROL_KEY) == 0)
                return complain(ctl, wire_error_exit_code(error),
                                "refused: %s: a security key is enrolled at the machine it is "
                                "plugged into, in a session that began at its console",
                                wire_error_name(error));
        if (r == -EREMOTEIO)
                return complain(ctl, wire_error_exit_code(error), "refused: %s",
                                wire_error_name(error));
        return complain(ctl, EXIT_NOT_REACHABLE, "umd did not answer: %s", strerror(-r));
}

int dialogue_run(Ctl *ctl, const WireContext *context, char *ret_login, WireStep *ret) {
        WireError error = WIRE_E_NONE;
        int r = ctl_connect(ctl);

        if (r != 0)
                return r;
        r = wire_login_begin(ctl->bus, context, base_boottime_usec() + ROUND_TIMEOUT_USEC,
                             ret_login, ret, &error);
        if (r >= 0 && ret->kind != WIRE_STEP_DONE && ctl->dry_run)
                return 0;
        for (int i = 0; r >= 0 && ret->kind != WIRE_STEP_DONE && i < STEPS_MAX; i++) {
                _cleanup_secret_ Secret *answer = NULL;
                int code = step_answer(ctl, ret, &answer);

                if (code != 0)
                        return code;
                r = wire_login_answer(ctl->bus, ret_login, base_secret_bytes(answer),
                                      base_secret_len(answer),
                                      base_boottime_usec() + ROUND_TIMEOUT_USEC, ret, &error);
        }
        return r < 0 ? round_failed(ctl, context, r, error) : 0;
}
