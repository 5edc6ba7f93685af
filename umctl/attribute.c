/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* umctl attribute: which attributes users may have; and those of a user, as he is given them. */

#include <errno.h>
#include <string.h>

#include "umctl/umctl.h"

static const char *const columns[] = { "name", "type", "choices", "private", "description" };

static int fail(const Ctl *ctl, int r) {
        return r == -EINVAL ? complain(ctl, EXIT_USAGE, "a value is not UTF-8")
                            : complain(ctl, EXIT_FAILED, "%s", strerror(-r));
}

/* ---- what there are -------------------------------------------------------------------------- */

static int append_choices(sd_bus_message *m, const char *text) {
        _cleanup_free_ char *copy = strdup(text);
        char *rest = copy, *word;
        int r = copy ? sd_bus_message_open_container(m, 'e', "sv") : -ENOMEM;

        if (r >= 0)
                r = sd_bus_message_append(m, "s", "choices");
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'v', "as");
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "s");
        while (r >= 0 && (word = strsep(&rest, ",")))
                r = sd_bus_message_append(m, "s", word);
        for (int i = 0; i < 3 && r >= 0; i++)
                r = sd_bus_message_close_container(m);
        return r;
}

/* At creation the word alone says yes. */
static int append_private(Ctl *ctl, sd_bus_message *m) {
        const char *word = option_get(ctl, "private");
        int r;

        if (!word)
                return 0;
        if (word[0] && strcmp(word, "yes") != 0 && strcmp(word, "no") != 0)
                return complain(ctl, EXIT_USAGE, "--private: must be yes or no");
        r = sd_bus_message_append(m, "{sv}", "private", "b", (int)(strcmp(word, "no") != 0));
        return r < 0 ? fail(ctl, r) : 0;
}

static int append_fields(Ctl *ctl, sd_bus_message *m) {
        static const char *const texts[] = { "type", "description" };
        int r = sd_bus_message_open_container(m, 'a', "{sv}");

        for (size_t i = 0; i < ARRAY_LENGTH(texts) && r >= 0; i++)
                if (option_given(ctl, texts[i]))
                        r = sd_bus_message_append(m, "{sv}", texts[i], "s",
                                                  option_get(ctl, texts[i]));
        if (r >= 0 && option_given(ctl, "choices"))
                r = append_choices(m, option_get(ctl, "choices"));
        if (r < 0)
                return fail(ctl, r);
        r = append_private(ctl, m);
        if (r != 0)
                return r;
        r = sd_bus_message_close_container(m);
        return r < 0 ? fail(ctl, r) : 0;
}

static int message_new(Ctl *ctl, const char *member, const char *name, sd_bus_message **ret) {
        int r = ctl_message_new(ctl, WIRE_PATH, WIRE_ATTRIBUTE, member, ret);

        if (r != 0)
                return r;
        r = sd_bus_message_append(*ret, "s", name);
        return r < 0 ? fail(ctl, r) : 0;
}

static int change(Ctl *ctl, sd_bus_message *m, const char *name, const char *done) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        const char *id;
        int r = ctl_send(ctl, m, &reply);

        if (r != 0)
                return r;
        r = sd_bus_message_read(reply, "s", &id);
        return r < 0 ? ctl_bad_reply(ctl, r)
                     : ctl_print_change(ctl, "attribute", name, done, id, NULL);
}

static int attribute_write(Ctl *ctl, const char *member, const char *name, const char *done) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r = message_new(ctl, member, name, &m);

        if (r == 0)
                r = append_fields(ctl, m);
        return r != 0 ? r : change(ctl, m, name, done);
}

int attribute_add(Ctl *ctl, int argc, char *argv[]) {
        if (!option_given(ctl, "type"))
                return complain(ctl, EXIT_USAGE,
                                "--type: which: flag, text, number, date or choice");
        return attribute_write(ctl, "Add", argv[0], "created");
}

int attribute_set(Ctl *ctl, int argc, char *argv[]) {
        return attribute_write(ctl, "Set", argv[0], "changed");
}

int attribute_delete(Ctl *ctl, int argc, char *argv[]) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        bool force = option_given(ctl, "force");
        int r = ask_confirm(ctl, "Delete attribute %s%s?", argv[0],
                            force ? ", and take it from all who have it" : "");

        if (r == 0)
                r = message_new(ctl, "Delete", argv[0], &m);
        if (r != 0)
                return r;
        r = sd_bus_message_append(m, "b", (int)force);
        return r < 0 ? fail(ctl, r) : change(ctl, m, argv[0], "deleted");
}

static int attributes_get(Ctl *ctl, const char *name, json_t **ret) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        int r = message_new(ctl, "List", name, &m);

        if (r == 0)
                r = ctl_call(ctl, m, &reply);
        if (r != 0)
                return r;
        r = json_from_dicts(reply, ret);
        return r < 0 ? ctl_bad_reply(ctl, r) : 0;
}

int attribute_show(Ctl *ctl, int argc, char *argv[]) {
        static const char *const keys[] = { "name",        "type",    "choices", "private",
                                            "description", "created", "version" };
        json_t *rows = NULL;
        int r = attributes_get(ctl, argv[0], &rows);

        if (r == 0 && ctl->json != JSON_OFF)
                json_print(ctl, "attribute", json_incref(json_array_get(rows, 0)));
        else if (r == 0)
                record_print(json_array_get(rows, 0), keys, ARRAY_LENGTH(keys));
        json_decref(rows);
        return r;
}

int attribute_list(Ctl *ctl, int argc, char *argv[]) {
        json_t *rows = NULL;
        int r = attributes_get(ctl, "", &rows);

        if (r != 0)
                return r;
        ctl->csv = option_given(ctl, "csv");
        if (ctl->csv && ctl->json != JSON_OFF)
                r = complain(ctl, EXIT_USAGE, "--csv and --json exclude each other");
        if (r == 0)
                r = table_print(ctl, "attributes", rows, columns, ARRAY_LENGTH(columns), true);
        json_decref(rows);
        return r;
}

/* ---- what somebody has ----------------------------------------------------------------------- */

/* "NAME=VALUE", with nothing behind the = to take it away. */
static int append_one(Ctl *ctl, sd_bus_message *m, const char *given, uint64_t until_usec) {
        const char *equals = strchr(given, '=');
        _cleanup_free_ char *name = NULL;
        int r;

        if (!equals || equals == given)
                return complain(ctl, EXIT_USAGE, "--attr: \"%s\": must be NAME=VALUE", given);
        name = strndup(given, (size_t)(equals - given));
        if (!name)
                return complain(ctl, EXIT_FAILED, "out of memory");
        r = sd_bus_message_append(m, "(sst)", name, equals + 1, until_usec);
        return r < 0 ? fail(ctl, r) : 0;
}

static int open_field(sd_bus_message *m) {
        int r = sd_bus_message_open_container(m, 'e', "sv");

        if (r >= 0)
                r = sd_bus_message_append(m, "s", "attributes");
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'v', "a(sst)");
        return r < 0 ? r : sd_bus_message_open_container(m, 'a', "(sst)");
}

int user_append_attributes(Ctl *ctl, sd_bus_message *m) {
        const char *const *values, *until = option_get(ctl, "attr-until");
        uint64_t until_usec = USEC_INFINITY;
        size_t count;
        int r;

        if (until && !option_given(ctl, "attr"))
                return complain(ctl, EXIT_USAGE, "--attr-until: needs --attr");
        if (!option_given(ctl, "attr"))
                return 0;
        if (until && when_parse(until, base_realtime_usec(), &until_usec) < 0)
                return complain(ctl, EXIT_USAGE, "--attr-until: \"%s\": not a date, time or span",
                                until);
        r = open_field(m);
        if (r < 0)
                return fail(ctl, r);
        values = option_values(ctl, "attr", &count);
        for (size_t i = 0; i < count; i++) {
                r = append_one(ctl, m, values[i], until_usec);
                if (r != 0)
                        return r;
        }
        for (int i = 0; i < 3 && r >= 0; i++)
                r = sd_bus_message_close_container(m);
        return r < 0 ? fail(ctl, r) : 0;
}

/* Rows of [name, value, until] as objects, at the end of those that are there. */
static void shape_add(json_t *shaped, const json_t *rows, bool is_private) {
        uint64_t now = base_realtime_usec();
        json_t *row;
        size_t i;

        json_array_foreach(rows, i, row) {
                json_t *until = json_array_get(row, 2), *one = json_object();

                json_object_set(one, "name", json_array_get(row, 0));
                json_object_set(one, "value", json_array_get(row, 1));
                json_object_set(one, "until", until);
                if (is_private)
                        json_object_set_new(one, "private", json_true());
                if (json_is_integer(until) && (uint64_t)json_integer_value(until) <= now)
                        json_object_set_new(one, "expired", json_true());
                json_array_append_new(shaped, one);
        }
}

void user_shape_attributes(json_t *user) {
        json_t *shaped = json_array();

        shape_add(shaped, json_object_get(user, "attributes"), false);
        shape_add(shaped, json_object_get(user, "private_attributes"), true);
        json_object_del(user, "private_attributes");
        json_object_del(user, "attributes");
        if (json_array_size(shaped) > 0)
                json_object_set(user, "attributes", shaped);
        json_decref(shaped);
}
