/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* umctl sudo: the sudo command groups. */

#include <errno.h>
#include <string.h>

#include "umctl/umctl.h"

static int fail(const Ctl *ctl, int r) {
        return r == -EINVAL ? complain(ctl, EXIT_USAGE, "a value is not UTF-8")
                            : complain(ctl, EXIT_FAILED, "%s", strerror(-r));
}

static int append_commands(Ctl *ctl, sd_bus_message *m) {
        const char *const *values;
        size_t count;
        int r;

        if (!option_given(ctl, "command"))
                return 0;
        values = option_values(ctl, "command", &count);
        r = sd_bus_message_open_container(m, 'e', "sv");
        if (r >= 0)
                r = sd_bus_message_append(m, "s", "commands");
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'v', "as");
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "s");
        for (size_t i = 0; i < count && r >= 0; i++)
                if (values[i][0]) /* --command '' empties the list */
                        r = sd_bus_message_append(m, "s", values[i]);
        for (int i = 0; i < 3 && r >= 0; i++)
                r = sd_bus_message_close_container(m);
        return r;
}

static int append_fields(Ctl *ctl, sd_bus_message *m) {
        int r = sd_bus_message_open_container(m, 'a', "{sv}");

        if (option_given(ctl, "no-password") && option_given(ctl, "password"))
                return complain(ctl, EXIT_USAGE, "--password and --no-password exclude each other");
        if (r >= 0 && option_given(ctl, "description"))
                r = sd_bus_message_append(m, "{sv}", "description", "s",
                                          option_get(ctl, "description"));
        if (r >= 0 && option_given(ctl, "run-as"))
                r = sd_bus_message_append(m, "{sv}", "run_as", "s", option_get(ctl, "run-as"));
        if (r >= 0 && (option_given(ctl, "no-password") || option_given(ctl, "password")))
                r = sd_bus_message_append(m, "{sv}", "no_password", "b",
                                          (int)option_given(ctl, "no-password"));
        if (r >= 0 && option_given(ctl, "allow-broad"))
                r = sd_bus_message_append(m, "{sv}", "allow_broad", "b", 1);
        if (r >= 0)
                r = append_commands(ctl, m);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        return r < 0 ? fail(ctl, r) : 0;
}

static int change(Ctl *ctl, sd_bus_message *m, const char *name, const char *done) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        const char *id;
        int r = ctl_send(ctl, m, &reply);

        if (r != 0)
                return r;
        r = sd_bus_message_read(reply, "s", &id);
        return r < 0 ? ctl_bad_reply(ctl, r) : ctl_print_change(ctl, "sudo", name, done, id, NULL);
}

static int message_new(Ctl *ctl, const char *member, const char *name, sd_bus_message **ret) {
        int r = ctl_message_new(ctl, WIRE_PATH, WIRE_SUDO, member, ret);

        if (r != 0 || !name)
                return r;
        r = sd_bus_message_append(*ret, "s", name);
        return r < 0 ? fail(ctl, r) : 0;
}

static int sudo_write(Ctl *ctl, const char *member, const char *name, const char *done) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r = message_new(ctl, member, name, &m);

        if (r == 0)
                r = append_fields(ctl, m);
        return r != 0 ? r : change(ctl, m, name, done);
}

int sudo_add(Ctl *ctl, int argc, char *argv[]) {
        return sudo_write(ctl, "Add", argv[0], "created");
}

int sudo_set(Ctl *ctl, int argc, char *argv[]) {
        return sudo_write(ctl, "Set", argv[0], "changed");
}

int sudo_delete(Ctl *ctl, int argc, char *argv[]) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r = ask_confirm(ctl, "Delete sudo command group %s?", argv[0]);

        if (r == 0)
                r = message_new(ctl, "Delete", argv[0], &m);
        if (r != 0)
                return r;
        r = sd_bus_message_append(m, "b", (int)option_given(ctl, "force"));
        return r < 0 ? fail(ctl, r) : change(ctl, m, argv[0], "deleted");
}

int sudo_show(Ctl *ctl, int argc, char *argv[]) {
        static const char *const keys[] = { "name",        "description", "commands", "run_as",
                                            "no_password", "broad",       "created",  "version" };
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        json_t *group = NULL;
        int r = message_new(ctl, "Get", argv[0], &m);

        if (r == 0)
                r = ctl_call(ctl, m, &reply);
        if (r != 0)
                return r;
        r = json_from_dict(reply, &group);
        if (r < 0)
                return ctl_bad_reply(ctl, r);
        if (ctl->json != JSON_OFF)
                json_print(ctl, "sudo", json_incref(group));
        else
                record_print(group, keys, ARRAY_LENGTH(keys));
        json_decref(group);
        return EXIT_DONE;
}

int sudo_list(Ctl *ctl, int argc, char *argv[]) {
        static const char *const columns[] = { "name",        "command_count", "run_as",
                                               "no_password", "broad",         "description" };
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        json_t *rows = NULL;
        int r = message_new(ctl, "List", NULL, &m);

        if (r == 0)
                r = ctl_call(ctl, m, &reply);
        if (r != 0)
                return r;
        r = json_from_dicts(reply, &rows);
        if (r < 0)
                return ctl_bad_reply(ctl, r);
        ctl->csv = option_given(ctl, "csv");
        r = 0;
        if (ctl->csv && ctl->json != JSON_OFF)
                r = complain(ctl, EXIT_USAGE, "--csv and --json exclude each other");
        if (r == 0)
                r = table_print(ctl, "groups", rows, columns, ARRAY_LENGTH(columns), true);
        json_decref(rows);
        return r;
}
