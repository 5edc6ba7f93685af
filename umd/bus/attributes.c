/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* org.um1.Attribute: the attributes that users may have.  Every method stands on /org/um1 and is
 * told the name.  What somebody has of them is a field of his. */

#include "umd/bus/private.h"

typedef struct EditRead {
        AttributeEdit edit;
        NameList choices;
        CoreOptions options;
} EditRead;

static void edit_clear(EditRead *read) {
        name_list_clear(&read->choices);
}

static int edit_read(Call *call, EditRead *ret, CoreError *error) {
        const DictField fields[] = {
                { "type", "s", &ret->edit.type, NULL },
                { "description", "s", &ret->edit.description, NULL },
                { "choices", "as", &ret->choices, NULL },
                { "private", "b", &ret->edit.is_private, &ret->edit.has_private },
        };
        int r = sd_bus_message_read(call->message, "s", &ret->edit.name);

        if (r < 0)
                return r;
        r = read_dict(call->message, "fields", fields, ARRAY_LENGTH(fields), error);
        ret->edit.choices = ret->choices.names;
        ret->edit.choice_count = ret->choices.count;
        return r != 0 ? r : read_options(call->message, &ret->options, error);
}

int attribute_add(Call *call, CoreError *error) {
        _cleanup_(edit_clear) EditRead read = { 0 };
        CoreChange change;
        int r = edit_read(call, &read, error);

        if (r == 0)
                r = core_attribute_create(call->bus->core, &call->actor, &read.edit, &read.options,
                                          call->now_usec, &change, error);
        return r != 0 ? r : call_reply_change(call, &change);
}

int attribute_set(Call *call, CoreError *error) {
        _cleanup_(edit_clear) EditRead read = { 0 };
        CoreChange change;
        int r = edit_read(call, &read, error);

        if (r == 0)
                r = core_attribute_update(call->bus->core, &call->actor, read.edit.name, &read.edit,
                                          &read.options, call->now_usec, &change, error);
        return r != 0 ? r : call_reply_change(call, &change);
}

int attribute_delete(Call *call, CoreError *error) {
        CoreOptions options;
        CoreChange change;
        const char *name;
        int force, r = sd_bus_message_read(call->message, "sb", &name, &force);

        if (r < 0)
                return r;
        r = read_options(call->message, &options, error);
        if (r == 0)
                r = core_attribute_delete(call->bus->core, &call->actor, name, force != 0, &options,
                                          call->now_usec, &change, error);
        return r != 0 ? r : call_reply_change(call, &change);
}

typedef struct Rows {
        sd_bus_message *reply;
        int r;
} Rows;

static void rows_clear(Rows *rows) {
        sd_bus_message_unref(rows->reply);
}

static void rows_add(void *userdata, const CoreAttribute *attribute) {
        Rows *rows = userdata;
        sd_bus_message *m = rows->reply;
        int r = rows->r;

        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "{sv}");
        if (r >= 0)
                r = sd_bus_message_append(m, "{sv}{sv}{sv}{sv}{sv}{sv}", "name", "s",
                                          attribute->name, "type", "s", attribute->type,
                                          "description", "s", attribute->description, "private",
                                          "b", (int)attribute->is_private, "version", "t",
                                          attribute->version, "created", "t",
                                          attribute->created_usec);
        if (r >= 0)
                r = dict_append_texts(m, "choices", attribute->choices, attribute->choice_count);
        rows->r = r < 0 ? r : sd_bus_message_close_container(m);
}

int attribute_list(Call *call, CoreError *error) {
        _cleanup_(rows_clear) Rows rows = { 0 };
        const char *name;
        int r = sd_bus_message_read(call->message, "s", &name);

        if (r >= 0)
                r = call_reply_new(call, &rows.reply);
        if (r >= 0)
                r = sd_bus_message_open_container(rows.reply, 'a', "a{sv}");
        if (r < 0)
                return r;
        r = core_attribute_show(call->bus->core, name[0] ? name : NULL, rows_add, &rows, error);
        if (r != 0)
                return r;
        r = rows.r;
        if (r >= 0)
                r = sd_bus_message_close_container(rows.reply);
        return r < 0 ? r : call_reply_send(call, rows.reply);
}
