/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* org.um1.Sudo: the sudo command groups.  Every method stands on /org/um1 and is told the name. */

#include "umd/bus/private.h"

/* Behind the name; texts and commands are valid as long as the message. */
static int sudo_edit_read(Call *call, NameList *commands, SudoEdit *edit, CoreOptions *options,
                          CoreError *error) {
        const DictField fields[] = {
                { "description", "s", &edit->description, NULL },
                { "commands", "as", commands, NULL },
                { "run_as", "s", &edit->run_as, NULL },
                { "no_password", "b", &edit->no_password, &edit->has_no_password },
                { "allow_broad", "b", &edit->allow_broad, NULL },
        };
        int r;

        *edit = (SudoEdit){ 0 };
        r = sd_bus_message_read(call->message, "s", &edit->name);
        if (r < 0)
                return r;
        r = read_dict(call->message, "fields", fields, ARRAY_LENGTH(fields), error);
        edit->commands = commands->names;
        edit->command_count = commands->count;
        return r != 0 ? r : read_options(call->message, options, error);
}

int sudo_add(Call *call, CoreError *error) {
        _cleanup_(name_list_clear) NameList commands = { 0 };
        CoreOptions options;
        CoreChange change;
        SudoEdit edit;
        int r = sudo_edit_read(call, &commands, &edit, &options, error);

        if (r == 0)
                r = core_sudo_group_create(call->bus->core, &call->actor, &edit, &options,
                                           call->now_usec, &change, error);
        return r != 0 ? r : call_reply_change(call, &change);
}

int sudo_set(Call *call, CoreError *error) {
        _cleanup_(name_list_clear) NameList commands = { 0 };
        CoreOptions options;
        CoreChange change;
        SudoEdit edit;
        int r = sudo_edit_read(call, &commands, &edit, &options, error);

        if (r == 0)
                r = core_sudo_group_update(call->bus->core, &call->actor, edit.name, &edit,
                                           &options, call->now_usec, &change, error);
        return r != 0 ? r : call_reply_change(call, &change);
}

int sudo_delete(Call *call, CoreError *error) {
        CoreOptions options;
        CoreChange change;
        const char *name;
        int r, force;

        r = sd_bus_message_read(call->message, "sb", &name, &force);
        if (r < 0)
                return r;
        r = read_options(call->message, &options, error);
        if (r == 0)
                r = core_sudo_group_delete(call->bus->core, &call->actor, name, force != 0,
                                           &options, call->now_usec, &change, error);
        return r != 0 ? r : call_reply_change(call, &change);
}

typedef struct Rows {
        sd_bus_message *reply;
        bool whole; /* with the commands */
        int r;
} Rows;

static void rows_clear(Rows *rows) {
        sd_bus_message_unref(rows->reply);
}

static int group_append(sd_bus_message *m, const CoreSudoGroup *group, bool whole) {
        uint32_t count = 0;
        int r = sd_bus_message_open_container(m, 'a', "{sv}");

        while (group->commands[count])
                count++;
        if (r >= 0)
                r = sd_bus_message_append(m, "{sv}{sv}{sv}{sv}{sv}{sv}{sv}{sv}", "name", "s",
                                          group->name, "description", "s", group->description,
                                          "run_as", "s", group->run_as, "no_password", "b",
                                          (int)group->no_password, "broad", "b", (int)group->broad,
                                          "command_count", "u", count, "version", "t",
                                          group->version, "created", "t", group->created_usec);
        if (r >= 0 && whole)
                r = dict_append_texts(m, "commands", group->commands, count);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static void rows_add(void *userdata, const CoreSudoGroup *group) {
        Rows *rows = userdata;

        if (rows->r >= 0)
                rows->r = group_append(rows->reply, group, rows->whole);
}

int sudo_get(Call *call, CoreError *error) {
        _cleanup_(rows_clear) Rows rows = { .whole = true };
        const char *name;
        int r = sd_bus_message_read(call->message, "s", &name);

        if (r >= 0)
                r = call_reply_new(call, &rows.reply);
        if (r < 0)
                return r;
        r = core_sudo_group_show(call->bus->core, name, rows_add, &rows, error);
        if (r != 0)
                return r;
        return rows.r < 0 ? rows.r : call_reply_send(call, rows.reply);
}

/* Without the commands, which might be too many for a message. */
int sudo_list(Call *call, CoreError *error) {
        _cleanup_(rows_clear) Rows rows = { 0 };
        int r = call_reply_new(call, &rows.reply);

        if (r >= 0)
                r = sd_bus_message_open_container(rows.reply, 'a', "a{sv}");
        if (r < 0)
                return r;
        r = core_sudo_group_show(call->bus->core, NULL, rows_add, &rows, error);
        if (r != 0)
                return r;
        r = rows.r;
        if (r >= 0)
                r = sd_bus_message_close_container(rows.reply);
        return r < 0 ? r : call_reply_send(call, rows.reply);
}
