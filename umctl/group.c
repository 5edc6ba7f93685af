/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* umctl group: groups, their members, nesting and owners. */

#include <errno.h>
#include <string.h>

#include "umctl/umctl.h"

static int append_owners(Ctl *ctl, sd_bus_message *m) {
        const char *const *owners;
        size_t count;
        int r;

        if (!option_given(ctl, "owner"))
                return 0;
        owners = option_values(ctl, "owner", &count);
        r = sd_bus_message_open_container(m, 'e', "sv");
        if (r >= 0)
                r = sd_bus_message_append(m, "s", "owners");
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'v', "as");
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "s");
        for (size_t i = 0; i < count && r >= 0; i++)
                if (owners[i][0]) /* --owner '' empties the list */
                        r = sd_bus_message_append(m, "s", owners[i]);
        for (int i = 0; i < 3 && r >= 0; i++)
                r = sd_bus_message_close_container(m);
        return r;
}

static int append_group_fields(Ctl *ctl, sd_bus_message *m, bool creating) {
        uint32_t gid;
        int r;

        r = sd_bus_message_open_container(m, 'a', "{sv}");
        if (r >= 0 && !creating && option_given(ctl, "name"))
                r = sd_bus_message_append(m, "{sv}", "name", "s", option_get(ctl, "name"));
        if (r >= 0 && option_given(ctl, "description"))
                r = sd_bus_message_append(m, "{sv}", "description", "s",
                                          option_get(ctl, "description"));
        if (r >= 0 && creating && option_given(ctl, "gid")) {
                if (base_parse_id(option_get(ctl, "gid"), &gid) < 0)
                        return complain(ctl, EXIT_USAGE, "--gid: \"%s\": not a number an id can be",
                                        option_get(ctl, "gid"));
                r = sd_bus_message_append(m, "{sv}", "gid", "u", gid);
        }
        if (r >= 0)
                r = append_owners(ctl, m);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        if (r == -EINVAL)
                return complain(ctl, EXIT_USAGE, "a value is not UTF-8");
        return r < 0 ? complain(ctl, EXIT_FAILED, "%s", strerror(-r)) : 0;
}

int group_add(Ctl *ctl, int argc, char *argv[]) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        const char *path, *change;
        uint32_t gid;
        int r = ctl_message_new(ctl, WIRE_PATH, WIRE_MANAGER, "CreateGroup", &m);

        if (r != 0)
                return r;
        r = sd_bus_message_append(m, "s", argv[0]);
        if (r < 0)
                return complain(ctl, EXIT_USAGE, "name: must be UTF-8");
        r = append_group_fields(ctl, m, true);
        if (r == 0)
                r = ctl_send(ctl, m, &reply);
        if (r != 0)
                return r;
        r = sd_bus_message_read(reply, "ous", &path, &gid, &change);
        if (r < 0)
                return ctl_bad_reply(ctl, r);
        if (ctl->json != JSON_OFF)
                return ctl_print_change(ctl, "group", argv[0], "created", change,
                                        json_pack("{s:i}", "gid", (int)gid));
        if (ctl->dry_run)
                printf("group %s: would be created\n", argv[0]);
        else
                printf("group %s: created, gid %u (%s)\n", argv[0], gid, change);
        return EXIT_DONE;
}

static int group_path(Ctl *ctl, const char *name, char **ret) {
        int r = sd_bus_path_encode(WIRE_PATH_GROUP, name, ret);

        return r < 0 ? complain(ctl, EXIT_FAILED, "%s", strerror(-r)) : 0;
}

static int group_message_new(Ctl *ctl, const char *name, const char *member, sd_bus_message **ret) {
        _cleanup_free_ char *path = NULL;
        int r = group_path(ctl, name, &path);

        return r != 0 ? r : ctl_message_new(ctl, path, WIRE_GROUP, member, ret);
}

int group_show(Ctl *ctl, int argc, char *argv[]) {
        static const char *const keys[] = { "name",    "gid",    "description", "tenant",
                                            "members", "groups", "owners",      "effective_members",
                                            "created" };
        _cleanup_free_ char *path = NULL;
        json_t *group = NULL;
        int r = group_path(ctl, argv[0], &path);

        if (r == 0)
                r = object_get_all(ctl, path, WIRE_GROUP, &group);
        if (r == 0 && ctl->json != JSON_OFF)
                json_print(ctl, "group", json_incref(group));
        else if (r == 0)
                record_print(group, keys, ARRAY_LENGTH(keys));
        json_decref(group);
        return r;
}

int group_set(Ctl *ctl, int argc, char *argv[]) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r = group_message_new(ctl, argv[0], "Update", &m);

        if (r == 0)
                r = append_group_fields(ctl, m, false);
        return r != 0 ? r : ctl_change(ctl, m, "group", "changed");
}

static int append_names(sd_bus_message *m, const char *const *names, size_t count) {
        int r = sd_bus_message_open_container(m, 'a', "s");

        for (size_t i = 0; i < count && r >= 0; i++)
                r = sd_bus_message_append(m, "s", names[i]);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

/* Those that are named, and those that were found. */
static int append_users(sd_bus_message *m, int argc, char *argv[], const json_t *found) {
        int r = sd_bus_message_open_container(m, 'a', "s");

        for (int i = 0; i < argc && r >= 0; i++)
                r = sd_bus_message_append(m, "s", argv[i]);
        for (size_t i = 0; i < json_array_size(found) && r >= 0; i++)
                r = sd_bus_message_append(m, "s", json_string_value(json_array_get(found, i)));
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int members_change(Ctl *ctl, int argc, char *argv[], const char *member, const char *done) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        size_t group_count;
        const char *const *groups = option_values(ctl, "group", &group_count);
        json_t *found = NULL;
        int r = 0;

        if (argc == 1 && group_count == 0 && !option_given(ctl, "filter"))
                return complain(ctl, EXIT_USAGE, "name at least one USER, --group or --filter");
        if (option_given(ctl, "filter")) {
                r = many_names(ctl, &found);
                if (r == 0)
                        r = many_ask(ctl, ctl->command->verb, found);
        }
        if (r == 0)
                r = group_message_new(ctl, argv[0], member, &m);
        if (r == 0)
                r = append_users(m, argc - 1, argv + 1, found);
        json_decref(found);
        if (r > 0)
                return r;
        if (r >= 0)
                r = append_names(m, groups, group_count);
        return r < 0 ? complain(ctl, EXIT_USAGE, "names must be UTF-8")
                     : ctl_change(ctl, m, "group", done);
}

int group_add_member(Ctl *ctl, int argc, char *argv[]) {
        return members_change(ctl, argc, argv, "AddMembers", "members added");
}

int group_remove_member(Ctl *ctl, int argc, char *argv[]) {
        return members_change(ctl, argc, argv, "RemoveMembers", "members removed");
}

int group_delete(Ctl *ctl, int argc, char *argv[]) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r = ask_confirm(ctl, "Delete group %s?", argv[0]);

        if (r == 0)
                r = group_message_new(ctl, argv[0], "Delete", &m);
        if (r != 0)
                return r;
        r = sd_bus_message_append(m, "b", (int)option_given(ctl, "force"));
        return r < 0 ? complain(ctl, EXIT_FAILED, "%s", strerror(-r))
                     : ctl_change(ctl, m, "group", "deleted");
}
