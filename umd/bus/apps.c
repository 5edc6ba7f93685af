/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* org.um1.App: applications and the permissions they bring; and Manager.CheckPermission, by which
 * they ask. */

#include <errno.h>

#include "umd/bus/private.h"

/* ---- registering ----------------------------------------------------------------------------- */

typedef struct Permissions {
        PermissionInfo infos[PERMISSION_AREA_COUNT_MAX];
        size_t count;
} Permissions;

static int permission_read(sd_bus_message *m, size_t at, PermissionInfo *ret, CoreError *error) {
        const char *category;
        int reads;
        int r = sd_bus_message_read(m, "ssbs", &ret->name, &category, &reads, &ret->meaning);

        if (r < 0)
                return r;
        ret->reads = reads != 0;
        if (policy_permission_category_from_name(category, &ret->category) < 0)
                return error_set(error, CORE_E_BAD_VALUE,
                                 "permissions: number %zu: category: must be module, feature, "
                                 "data, action, report or administrative",
                                 at + 1);
        return 0;
}

static int permissions_read(sd_bus_message *m, Permissions *ret, CoreError *error) {
        int r = sd_bus_message_enter_container(m, 'a', "(ssbs)");

        while (r >= 0) {
                r = sd_bus_message_enter_container(m, 'r', "ssbs");
                if (r <= 0)
                        break;
                if (ret->count == PERMISSION_AREA_COUNT_MAX)
                        return error_set(error, CORE_E_BAD_VALUE,
                                         "permissions: more than %u of one application",
                                         PERMISSION_AREA_COUNT_MAX);
                r = permission_read(m, ret->count, &ret->infos[ret->count], error);
                if (r != 0)
                        return r;
                ret->count++;
                r = sd_bus_message_exit_container(m);
        }
        if (r >= 0)
                r = sd_bus_message_exit_container(m);
        return r < 0 ? r : 0;
}

typedef struct Rows {
        sd_bus_message *reply;
        int r;
} Rows;

static void rows_clear(Rows *rows) {
        sd_bus_message_unref(rows->reply);
}

/* The change's id comes first in the reply, and is known last. */
typedef struct Uses {
        struct {
                char permission[PERMISSION_NAME_MAX + 1], role[ROLE_NAME_MAX + 1];
        } list[CORE_APP_USES_MAX];
        size_t count;
} Uses;

static void use_add(void *userdata, const char *permission, const char *role) {
        Uses *uses = userdata;

        if (uses->count == CORE_APP_USES_MAX)
                return;
        (void)snprintf(uses->list[uses->count].permission, PERMISSION_NAME_MAX + 1, "%s",
                       permission);
        (void)snprintf(uses->list[uses->count++].role, ROLE_NAME_MAX + 1, "%s", role);
}

static int reply_uses(Call *call, const CoreChange *change, const Uses *uses) {
        _cleanup_(rows_clear) Rows rows = { 0 };
        char id[CHANGE_TEXT_MAX];
        int r = call_reply_new(call, &rows.reply);

        change_text(change, id);
        if (r >= 0)
                r = sd_bus_message_append(rows.reply, "s", id);
        if (r >= 0)
                r = sd_bus_message_open_container(rows.reply, 'a', "(ss)");
        for (size_t i = 0; i < uses->count && r >= 0; i++)
                r = sd_bus_message_append(rows.reply, "(ss)", uses->list[i].permission,
                                          uses->list[i].role);
        if (r >= 0)
                r = sd_bus_message_close_container(rows.reply);
        return r < 0 ? r : call_reply_send(call, rows.reply);
}

int app_register(Call *call, CoreError *error) {
        _cleanup_free_ Permissions *permissions = calloc(1, sizeof(*permissions));
        _cleanup_free_ Uses *uses = calloc(1, sizeof(*uses));
        CoreOptions options;
        CoreChange change;
        AppEdit edit;
        int r;

        if (!permissions || !uses)
                return -ENOMEM;
        r = sd_bus_message_read(call->message, "ss", &edit.app, &edit.area);
        if (r < 0)
                return r;
        r = permissions_read(call->message, permissions, error);
        if (r == 0)
                r = read_options(call->message, &options, error);
        if (r != 0)
                return r;
        edit.permissions = permissions->infos;
        edit.count = permissions->count;
        r = core_app_register(call->bus->core, &call->actor, &edit, &options, call->now_usec,
                              use_add, uses, &change, error);
        return r != 0 ? r : reply_uses(call, &change, uses);
}

int app_unregister(Call *call, CoreError *error) {
        _cleanup_free_ Uses *uses = calloc(1, sizeof(*uses));
        CoreOptions options;
        CoreChange change;
        const char *app;
        int r = uses ? sd_bus_message_read(call->message, "s", &app) : -ENOMEM;

        if (r < 0)
                return r;
        r = read_options(call->message, &options, error);
        if (r == 0)
                r = core_app_unregister(call->bus->core, &call->actor, app, &options,
                                        call->now_usec, use_add, uses, &change, error);
        return r != 0 ? r : reply_uses(call, &change, uses);
}

/* ---- what is shown --------------------------------------------------------------------------- */

static size_t count_held(const CoreApp *app) {
        size_t count = 0;

        for (size_t i = 0; i < app->permission_count; i++)
                count += !app->gone[i];
        return count;
}

static void rows_add(void *userdata, const CoreApp *app) {
        Rows *rows = userdata;

        if (rows->r >= 0)
                rows->r = sd_bus_message_append(rows->reply, "a{sv}", 6, "name", "s", app->name,
                                                "area", "s", app->area, "registered", "b",
                                                (int)app->registered, "permissions", "u",
                                                (uint32_t)count_held(app), "version", "t",
                                                app->version, "created", "t", app->created_usec);
}

int app_list(Call *call, CoreError *error) {
        _cleanup_(rows_clear) Rows rows = { 0 };
        int r = call_reply_new(call, &rows.reply);

        if (r >= 0)
                r = sd_bus_message_open_container(rows.reply, 'a', "a{sv}");
        if (r < 0)
                return r;
        r = core_app_show(call->bus->core, NULL, rows_add, &rows, error);
        if (r == 0)
                r = rows.r;
        if (r >= 0 && error->outcome == CORE_DONE)
                r = sd_bus_message_close_container(rows.reply);
        return r != 0 ? r : call_reply_send(call, rows.reply);
}

/* The row, and its permissions. */
static void rows_add_whole(void *userdata, const CoreApp *app) {
        Rows *rows = userdata;

        rows_add(rows, app);
        if (rows->r >= 0)
                rows->r = sd_bus_message_open_container(rows->reply, 'a', "(ssbsb)");
        for (size_t i = 0; i < app->permission_count && rows->r >= 0; i++)
                rows->r = sd_bus_message_append(rows->reply, "(ssbsb)", app->permissions[i].name,
                                                policy_permission_category_name(
                                                        app->permissions[i].category),
                                                (int)app->permissions[i].reads,
                                                app->permissions[i].meaning, (int)app->gone[i]);
        if (rows->r >= 0)
                rows->r = sd_bus_message_close_container(rows->reply);
}

int app_get(Call *call, CoreError *error) {
        _cleanup_(rows_clear) Rows rows = { 0 };
        const char *name;
        int r = sd_bus_message_read(call->message, "s", &name);

        if (r >= 0)
                r = call_reply_new(call, &rows.reply);
        if (r < 0)
                return r;
        r = core_app_show(call->bus->core, name, rows_add_whole, &rows, error);
        if (r != 0)
                return r;
        return rows.r < 0 ? rows.r : call_reply_send(call, rows.reply);
}

/* ---- asking ---------------------------------------------------------------------------------- */

static bool user_is_hidden(void *userdata, const char *name, uid_t uid) {
        const BusHost *host = userdata;

        return host->hides && host->hides(host->userdata, name, uid);
}

int manager_check_permission(Call *call, CoreError *error) {
        BusHost *host = &call->bus->host;
        PermitAsk ask = { .hides = user_is_hidden, .userdata = host };
        CorePermit permit;
        int r = sd_bus_message_read(call->message, "sss", &ask.user, &ask.permission, &ask.tenant);

        if (r < 0)
                return r;
        if (!ask.tenant[0])
                ask.tenant = NULL;
        ask.stranger = call->actor.uid != 0 && user_is_hidden(host, NULL, call->actor.uid);
        r = core_permission_check(call->bus->core, &call->actor, &ask, call->now_usec, &permit,
                                  error);
        return r != 0 ? r
                      : call_reply(call, "bsst", (int)permit.allowed, permit.reason, permit.text,
                                   permit.until_usec);
}
