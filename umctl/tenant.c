/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* umctl tenant: the tenants. */

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "umctl/umctl.h"

static const char *const columns[] = {
        "name", "title", "default_role", "seats", "used", "of_host"
};

static int fail(const Ctl *ctl, int r) {
        return r == -EINVAL ? complain(ctl, EXIT_USAGE, "a value is not UTF-8")
                            : complain(ctl, EXIT_FAILED, "%s", strerror(-r));
}

static int append_fields(Ctl *ctl, sd_bus_message *m) {
        uint64_t seats;
        int r = sd_bus_message_open_container(m, 'a', "{sv}");

        if (r >= 0 && option_given(ctl, "title"))
                r = sd_bus_message_append(m, "{sv}", "title", "s", option_get(ctl, "title"));
        if (r >= 0 && option_given(ctl, "default-role"))
                r = sd_bus_message_append(m, "{sv}", "default_role", "s",
                                          option_get(ctl, "default-role"));
        if (r >= 0 && option_given(ctl, "seats")) {
                if (base_parse_u64(option_get(ctl, "seats"), 0, UINT32_MAX, &seats) < 0)
                        return complain(ctl, EXIT_USAGE, "--seats: \"%s\": not a number of seats",
                                        option_get(ctl, "seats"));
                r = sd_bus_message_append(m, "{sv}", "seats", "u", (uint32_t)seats);
        }
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        return r < 0 ? fail(ctl, r) : 0;
}

static int tenant_write(Ctl *ctl, const char *member, const char *name, bool fields,
                        const char *done) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        const char *change;
        int r = ctl_message_new(ctl, WIRE_PATH, WIRE_TENANT, member, &m);

        if (r != 0)
                return r;
        r = sd_bus_message_append(m, "s", name);
        if (r < 0)
                return fail(ctl, r);
        r = fields ? append_fields(ctl, m) : 0;
        if (r == 0)
                r = ctl_send(ctl, m, &reply);
        if (r != 0)
                return r;
        r = sd_bus_message_read(reply, "s", &change);
        return r < 0 ? ctl_bad_reply(ctl, r)
                     : ctl_print_change(ctl, "tenant", name, done, change, NULL);
}

int tenant_add(Ctl *ctl, int argc, char *argv[]) {
        return tenant_write(ctl, "Add", argv[0], true, "created");
}

int tenant_set(Ctl *ctl, int argc, char *argv[]) {
        return tenant_write(ctl, "Set", argv[0], true, "changed");
}

static int tenants_get(Ctl *ctl, const char *name, json_t **ret) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        int r = ctl_message_new(ctl, WIRE_PATH, WIRE_TENANT, "List", &m);

        if (r != 0)
                return r;
        r = sd_bus_message_append(m, "s", name);
        r = r < 0 ? fail(ctl, r) : ctl_call(ctl, m, &reply);
        if (r != 0)
                return r;
        r = json_from_dicts(reply, ret);
        return r < 0 ? ctl_bad_reply(ctl, r) : 0;
}

/* What goes with it is shown, and its name asked for: --yes is for who knows it. */
static int delete_ask(Ctl *ctl, const char *name) {
        static const char *const keys[] = { "name", "title", "users", "grants" };
        char line[BASE_LINE_MAX + 2];
        json_t *rows = NULL;
        int r;

        if (ctl->yes || ctl->dry_run)
                return 0;
        r = tenants_get(ctl, name, &rows);
        if (r != 0)
                return r;
        if (ctl->json == JSON_OFF)
                record_print(json_array_get(rows, 0), keys, ARRAY_LENGTH(keys));
        json_decref(rows);
        if (isatty(STDIN_FILENO) != 1)
                return complain(ctl, EXIT_USAGE, "needs --yes where there is no terminal");
        if (ask_line("The users are deleted and their sessions end, the grants are revoked.\n"
                     "Type the name of the tenant to go on: ",
                     line, sizeof(line)) < 0 ||
            strcmp(line, name) != 0)
                return complain(ctl, EXIT_FAILED, "left as it is");
        return 0;
}

int tenant_delete(Ctl *ctl, int argc, char *argv[]) {
        int r = delete_ask(ctl, argv[0]);

        return r != 0 ? r : tenant_write(ctl, "Delete", argv[0], false, "deleted");
}

int tenant_show(Ctl *ctl, int argc, char *argv[]) {
        static const char *const keys[] = {
                "name",  "title",  "default_role", "seats",   "used",
                "users", "grants", "of_host",      "created", "version"
        };
        json_t *rows = NULL;
        int r = tenants_get(ctl, argv[0], &rows);

        if (r == 0 && ctl->json != JSON_OFF)
                json_print(ctl, "tenant", json_incref(json_array_get(rows, 0)));
        else if (r == 0)
                record_print(json_array_get(rows, 0), keys, ARRAY_LENGTH(keys));
        json_decref(rows);
        return r;
}

int tenant_list(Ctl *ctl, int argc, char *argv[]) {
        json_t *rows = NULL;
        int r = tenants_get(ctl, "", &rows);

        if (r != 0)
                return r;
        ctl->csv = option_given(ctl, "csv");
        if (ctl->csv && ctl->json != JSON_OFF)
                r = complain(ctl, EXIT_USAGE, "--csv and --json exclude each other");
        if (r == 0)
                r = table_print(ctl, "tenants", rows, columns, ARRAY_LENGTH(columns), true);
        json_decref(rows);
        return r;
}
