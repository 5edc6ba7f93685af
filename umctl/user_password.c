/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* umctl user passwd: what an administrator does to another's password.  It comes from the terminal
 * or standard input and leaves in one message that is wiped. */

#include <errno.h>
#include <string.h>

#include "umctl/umctl.h"

static int setup_code(Ctl *ctl, sd_bus_message *m) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_free_ char *name = NULL;
        const char *code, *change;
        json_t *more = NULL;
        uint64_t expires;
        char until[64];
        int r = ctl_send(ctl, m, &reply);

        if (r != 0)
                return r;
        r = sd_bus_message_read(reply, "sts", &code, &expires, &change);
        if (r >= 0)
                r = object_name(sd_bus_message_get_path(m), &name);
        if (r < 0)
                return ctl_bad_reply(ctl, r);
        if (ctl->json != JSON_OFF)
                more = json_pack("{s:s, s:I}", "setup_code", code, "expires", (json_int_t)expires);
        r = ctl_print_change(ctl, "user", name, "given a setup code", change, more);
        if (code[0] && ctl->json == JSON_OFF) {
                when_format(expires, until, sizeof(until));
                printf("setup code: %s (once, until %s)\n", code, until);
        }
        return r;
}

static int password_options(Ctl *ctl, sd_bus_message *m) {
        uint64_t expires = 0;
        int r;

        if (option_given(ctl, "expires") &&
            when_parse(option_get(ctl, "expires"), base_realtime_usec(), &expires) < 0)
                return complain(ctl, EXIT_USAGE,
                                "--expires: \"%s\": not a date, time, span or never",
                                option_get(ctl, "expires"));
        r = sd_bus_message_open_container(m, 'a', "{sv}");
        if (r >= 0 && option_given(ctl, "temporary"))
                r = sd_bus_message_append(m, "{sv}", "must-change", "b", 1);
        if (r >= 0 && option_given(ctl, "hash"))
                r = sd_bus_message_append(m, "{sv}", "hash", "b", 1);
        if (r >= 0 && option_given(ctl, "expires"))
                r = sd_bus_message_append(m, "{sv}", "expires", "t", expires);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        return r < 0 ? complain(ctl, EXIT_FAILED, "%s", strerror(-r)) : 0;
}

int user_passwd(Ctl *ctl, int argc, char *argv[]) {
        bool code = option_given(ctl, "setup-code"), must = option_given(ctl, "must-change");
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        _cleanup_secret_ Secret *secret = NULL;
        int r;

        if (code + must + option_given(ctl, "temporary") > 1)
                return complain(ctl, EXIT_USAGE,
                                "--setup-code, --temporary and --must-change exclude each other");
        if ((code || must) && (option_given(ctl, "hash") || option_given(ctl, "expires")))
                return complain(ctl, EXIT_USAGE,
                                "--hash and --expires go with a password that is set, not with "
                                "--setup-code or --must-change");
        r = user_message_new(ctl, argv[0],
                             code   ? "CreateSetupCode"
                             : must ? "MustChange"
                                    : "SetPassword",
                             &m);
        if (r != 0)
                return r;
        if (code)
                return setup_code(ctl, m);
        if (must)
                return ctl_change(ctl, m, "user", "asked for a new password at the next login");
        r = ask_secret(ctl, option_given(ctl, "hash") ? "Hash: " : "New password: ", true, &secret);
        if (r != 0)
                return r;
        (void)sd_bus_message_sensitive(m);
        r = sd_bus_message_append_array(m, 'y', base_secret_bytes(secret), base_secret_len(secret));
        if (r < 0)
                return complain(ctl, EXIT_FAILED, "%s", strerror(-r));
        r = password_options(ctl, m);
        return r != 0 ? r : ctl_change(ctl, m, "user", "password set");
}
