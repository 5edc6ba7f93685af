/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* org.um1.Tenant: the tenants.  Every method stands on /org/um1 and is told the name. */

#include "umd/bus/private.h"

static int tenant_edit_read(Call *call, TenantEdit *edit, CoreOptions *options, CoreError *error) {
        const DictField fields[] = {
                { "title", "s", &edit->title, NULL },
                { "default_role", "s", &edit->default_role, NULL },
                { "seats", "u", &edit->seats, &edit->has_seats },
        };
        int r;

        *edit = (TenantEdit){ 0 };
        r = sd_bus_message_read(call->message, "s", &edit->name);
        if (r < 0)
                return r;
        r = read_dict(call->message, "fields", fields, ARRAY_LENGTH(fields), error);
        return r != 0 ? r : read_options(call->message, options, error);
}

/* Seats are bought: they are changed by who may change that (FEATURES H12). */
static int seats_ask(Call *call, const TenantEdit *edit, CoreWhere where, CoreError *error) {
        const CoreQuestion question = { .permission = "billing.edit",
                                        .where = where,
                                        .name = edit->name };

        return edit->has_seats ? access_ask(call, &question, error) : 0;
}

int tenant_add(Call *call, CoreError *error) {
        CoreOptions options;
        CoreChange change;
        TenantEdit edit;
        int r = tenant_edit_read(call, &edit, &options, error);

        if (r == 0)
                r = seats_ask(call, &edit, CORE_WHERE_ALL, error);
        if (r == 0)
                r = core_tenant_create(call->bus->core, &call->actor, &edit, &options,
                                       call->now_usec, &change, error);
        return r != 0 ? r : call_reply_change(call, &change);
}

int tenant_set(Call *call, CoreError *error) {
        CoreOptions options;
        CoreChange change;
        TenantEdit edit;
        int r = tenant_edit_read(call, &edit, &options, error);

        if (r == 0)
                r = seats_ask(call, &edit, CORE_WHERE_TENANT, error);
        if (r == 0)
                r = core_tenant_update(call->bus->core, &call->actor, edit.name, &edit, &options,
                                       call->now_usec, &change, error);
        return r != 0 ? r : call_reply_change(call, &change);
}

int tenant_delete(Call *call, CoreError *error) {
        CoreOptions options;
        CoreChange change;
        const char *name;
        int r = sd_bus_message_read(call->message, "s", &name);

        if (r < 0)
                return r;
        r = read_options(call->message, &options, error);
        if (r == 0)
                r = core_tenant_delete(call->bus->core, &call->actor, name, &options,
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

static int row_append(sd_bus_message *m, const CoreTenant *tenant) {
        int r = sd_bus_message_open_container(m, 'a', "{sv}");

        if (r >= 0)
                r = sd_bus_message_append(m, "{sv}{sv}{sv}", "name", "s", tenant->name, "title",
                                          "s", tenant->title, "of_host", "b", (int)tenant->of_host);
        if (r >= 0 && tenant->whole)
                r = sd_bus_message_append(m, "{sv}{sv}{sv}{sv}{sv}{sv}{sv}", "default_role", "s",
                                          tenant->default_role, "seats", "u", tenant->seats, "used",
                                          "u", tenant->used, "users", "u", tenant->users, "grants",
                                          "u", tenant->grants, "version", "t", tenant->version,
                                          "created", "t", tenant->created_usec);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static void rows_add(void *userdata, const CoreTenant *tenant) {
        Rows *rows = userdata;

        if (rows->r >= 0)
                rows->r = row_append(rows->reply, tenant);
}

int tenant_list(Call *call, CoreError *error) {
        _cleanup_(rows_clear) Rows rows = { 0 };
        const char *name;
        int r = sd_bus_message_read(call->message, "s", &name);

        if (r >= 0)
                r = call_reply_new(call, &rows.reply);
        if (r >= 0)
                r = sd_bus_message_open_container(rows.reply, 'a', "a{sv}");
        if (r < 0)
                return r;
        r = core_tenant_show(call->bus->core, &call->actor, name[0] ? name : NULL, call->now_usec,
                             rows_add, &rows, error);
        if (r != 0)
                return r;
        r = rows.r;
        if (r >= 0)
                r = sd_bus_message_close_container(rows.reply);
        return r < 0 ? r : call_reply_send(call, rows.reply);
}
