/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* org.um1.Role: roles, who holds them, and where a right comes from.  Every method stands on
 * /org/um1 and is told the name. */

#include <string.h>

#include "umd/bus/private.h"

/* ---- roles ----------------------------------------------------------------------------------- */

typedef struct RoleLists {
        NameList lists[_CORE_ROLE_LIST_MAX];
} RoleLists;

static void role_lists_clear(RoleLists *lists) {
        for (size_t i = 0; i < _CORE_ROLE_LIST_MAX; i++)
                name_list_clear(&lists->lists[i]);
}

static int role_edit_read(Call *call, RoleLists *lists, RoleEdit *edit, bool creation,
                          CoreError *error) {
        DictField fields[_CORE_ROLE_LIST_MAX + 5] = {
                { "description", "s", &edit->description, NULL },
                { "kind", "s", &edit->only_kind, NULL },
                { "one_tenant", "b", &edit->one_tenant, &edit->has_one_tenant },
                { "auto", "s", &edit->automatic, NULL },
                { "clone", "s", &edit->clone, NULL },
        };
        size_t first = creation ? 5 : 4;
        int r;

        for (size_t i = 0; i < _CORE_ROLE_LIST_MAX; i++)
                fields[first + i] = (DictField){ core_role_list_name((CoreRoleList)i), "as",
                                                 &lists->lists[i], NULL };
        r = read_dict(call->message, "fields", fields, first + _CORE_ROLE_LIST_MAX, error);
        for (size_t i = 0; i < _CORE_ROLE_LIST_MAX; i++) {
                edit->lists[i] = lists->lists[i].names;
                edit->counts[i] = lists->lists[i].count;
        }
        return r;
}

int role_add(Call *call, CoreError *error) {
        _cleanup_(role_lists_clear) RoleLists lists = { 0 };
        RoleEdit edit = { 0 };
        CoreOptions options;
        CoreChange change;
        int r = sd_bus_message_read(call->message, "s", &edit.name);

        if (r < 0)
                return r;
        r = role_edit_read(call, &lists, &edit, true, error);
        if (r == 0)
                r = read_options(call->message, &options, error);
        if (r == 0)
                r = core_role_create(call->bus->core, &call->actor, &edit, &options, call->now_usec,
                                     &change, error);
        return r != 0 ? r : call_reply_change(call, &change);
}

int role_set(Call *call, CoreError *error) {
        _cleanup_(role_lists_clear) RoleLists lists = { 0 };
        RoleEdit edit = { 0 };
        CoreOptions options;
        CoreChange change;
        const char *name;
        int r = sd_bus_message_read(call->message, "s", &name);

        if (r < 0)
                return r;
        r = role_edit_read(call, &lists, &edit, false, error);
        if (r == 0)
                r = read_options(call->message, &options, error);
        if (r == 0)
                r = core_role_update(call->bus->core, &call->actor, name, &edit, &options,
                                     call->now_usec, &change, error);
        return r != 0 ? r : call_reply_change(call, &change);
}

int role_delete(Call *call, CoreError *error) {
        CoreOptions options;
        CoreChange change;
        const char *name;
        int r, force;

        r = sd_bus_message_read(call->message, "sb", &name, &force);
        if (r < 0)
                return r;
        r = read_options(call->message, &options, error);
        if (r == 0)
                r = core_role_delete(call->bus->core, &call->actor, name, force != 0, &options,
                                     call->now_usec, &change, error);
        return r != 0 ? r : call_reply_change(call, &change);
}

/* ---- what is shown --------------------------------------------------------------------------- */

typedef struct Page {
        sd_bus_message *reply;
        bool whole; /* with all that follows from it */
        PermissionCategory only;
        int r;
        char next[CURSOR_BYTES];
} Page;

static void page_clear(Page *page) {
        sd_bus_message_unref(page->reply);
}

static int list_append(sd_bus_message *m, const char *key, const char *const *list) {
        size_t count = 0;

        while (list && list[count])
                count++;
        return dict_append_texts(m, key, list, count);
}

static int role_append(sd_bus_message *m, const CoreRole *role, bool whole) {
        int r = sd_bus_message_open_container(m, 'a', "{sv}");

        if (r >= 0)
                r = sd_bus_message_append(m, "{sv}{sv}{sv}{sv}{sv}{sv}{sv}{sv}{sv}", "auto", "s",
                                          role->automatic, "name", "s", role->name, "description",
                                          "s", role->description, "version", "t", role->version,
                                          "built_in", "b", (int)role->built_in, "kind", "s",
                                          role->only_kind, "one_tenant", "b", (int)role->one_tenant,
                                          "fault", "s", role->fault, "created", "t",
                                          role->created_usec);
        for (size_t i = 0; i < _CORE_ROLE_LIST_MAX && r >= 0; i++)
                r = list_append(m, core_role_list_name((CoreRoleList)i), role->lists[i]);
        if (r >= 0)
                r = list_append(m, "missing_groups", role->missing_groups);
        if (r >= 0 && whole)
                r = list_append(m, "permissions", role->permissions);
        if (r >= 0 && whole)
                r = list_append(m, "denied", role->denied);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static void page_add_role(void *userdata, const CoreRole *role) {
        Page *page = userdata;

        if (page->r >= 0)
                page->r = role_append(page->reply, role, page->whole);
}

static int page_begin(Call *call, Page *page) {
        int r = call_reply_new(call, &page->reply);

        return r < 0 ? r : sd_bus_message_open_container(page->reply, 'a', "a{sv}");
}

static int page_end(Call *call, Page *page, bool next) {
        int r = page->r;

        if (r >= 0)
                r = sd_bus_message_close_container(page->reply);
        if (r >= 0 && next)
                r = sd_bus_message_append(page->reply, "s", page->next);
        return r < 0 ? r : call_reply_send(call, page->reply);
}

int role_get(Call *call, CoreError *error) {
        _cleanup_(page_clear) Page page = { .whole = true };
        const char *name;
        int r = sd_bus_message_read(call->message, "s", &name);

        if (r >= 0)
                r = call_reply_new(call, &page.reply);
        if (r < 0)
                return r;
        r = core_role_show(call->bus->core, name, page_add_role, &page, error);
        if (r != 0)
                return r;
        return page.r < 0 ? page.r : call_reply_send(call, page.reply);
}

int role_list(Call *call, CoreError *error) {
        _cleanup_(page_clear) Page page = { 0 };
        const char *cursor;
        uint32_t limit;
        int r = sd_bus_message_read(call->message, "su", &cursor, &limit);

        if (r >= 0)
                r = page_begin(call, &page);
        if (r < 0)
                return r;
        r = core_role_list(call->bus->core, cursor, limit, page_add_role, &page, page.next, error);
        return r != 0 ? r : page_end(call, &page, true);
}

static void page_add_permission(void *userdata, const PermissionInfo *info) {
        Page *page = userdata;

        if (page->r < 0 || (page->only != _PERMISSION_CATEGORY_MAX && info->category != page->only))
                return;
        page->r =
                sd_bus_message_append(page->reply, "a{sv}", 4, "name", "s", info->name, "category",
                                      "s", policy_permission_category_name(info->category), "reads",
                                      "b", (int)info->reads, "meaning", "s", info->meaning);
}

/* Everybody may know what there is to be permitted. */
int role_permissions(Call *call, CoreError *error) {
        _cleanup_(page_clear) Page page = { .only = _PERMISSION_CATEGORY_MAX };
        const char *category;
        int r = sd_bus_message_read(call->message, "s", &category);

        if (r < 0)
                return r;
        if (category[0] && policy_permission_category_from_name(category, &page.only) < 0)
                return error_set(error, CORE_E_BAD_VALUE,
                                 "category: must be module, feature, data, action, report or "
                                 "administrative");
        r = page_begin(call, &page);
        if (r >= 0)
                r = core_permission_each(call->bus->core, page_add_permission, &page);
        return r < 0 ? r : page_end(call, &page, false);
}

/* ---- grants ---------------------------------------------------------------------------------- */

static int grant_read(Call *call, GrantEdit *edit, CoreOptions *options, CoreError *error) {
        const DictField fields[] = {
                { "tenant", "s", &edit->tenant, NULL },
                { "from", "t", &edit->from_usec, NULL },
                { "until", "t", &edit->until_usec, NULL },
                { "over", "s", &edit->over, NULL },
                { "allow_conflict", "b", &edit->allow_conflict, NULL },
                { "end_sessions", "b", &edit->end_sessions, NULL },
        };
        int r;

        *edit = (GrantEdit){ .until_usec = USEC_INFINITY };
        r = sd_bus_message_read(call->message, "ss", &edit->user, &edit->role);
        if (r < 0)
                return r;
        r = read_dict(call->message, "grant", fields, ARRAY_LENGTH(fields), error);
        return r != 0 ? r : read_options(call->message, options, error);
}

/* The row's permission, in the tenant of the grant: over the user, or in all. */
static int grant_ask(Call *call, const GrantEdit *edit, CoreError *error) {
        const CoreQuestion question = {
                .permission = call->access->permission,
                .where = CORE_WHERE_USER,
                .name = edit->user,
                .tenant = edit->tenant ? edit->tenant : core_tenant_of_host(call->bus->core),
        };

        return access_ask(call, &question, error);
}

int role_grant(Call *call, CoreError *error) {
        CoreOptions options;
        CoreChange change;
        GrantEdit edit;
        int r = grant_read(call, &edit, &options, error);

        if (r == 0)
                r = grant_ask(call, &edit, error);
        if (r == 0)
                r = core_grant_add(call->bus->core, &call->actor, &edit, &options, call->now_usec,
                                   &change, error);
        return r != 0 ? r : call_reply_change(call, &change);
}

int role_revoke(Call *call, CoreError *error) {
        CoreOptions options;
        CoreChange change;
        GrantEdit edit;
        int r = grant_read(call, &edit, &options, error);

        if (r == 0)
                r = grant_ask(call, &edit, error);
        if (r == 0)
                r = core_grant_revoke(call->bus->core, &call->actor, &edit, &options,
                                      call->now_usec, &change, error);
        return r != 0 ? r : call_reply_change(call, &change);
}

static void page_add_grant(void *userdata, const CoreGrant *grant) {
        Page *page = userdata;

        if (page->r >= 0)
                page->r = sd_bus_message_append(page->reply, "a{sv}", 13, "auto", "s",
                                                grant->automatic, "user", "s", grant->user, "role",
                                                "s", grant->role, "tenant", "s", grant->tenant,
                                                "over", "s", grant->over, "from", "t",
                                                grant->from_usec, "until", "t", grant->until_usec,
                                                "made", "t", grant->made_usec, "by", "s", grant->by,
                                                "reason", "s", grant->reason, "state", "s",
                                                grant->state, "attribute", "s", grant->attribute,
                                                "end_sessions", "b", (int)grant->end_sessions);
}

int role_list_grants(Call *call, CoreError *error) {
        _cleanup_(page_clear) Page page = { 0 };
        const char *user;
        int r = sd_bus_message_read(call->message, "s", &user);

        if (r >= 0)
                r = page_begin(call, &page);
        if (r < 0)
                return r;
        r = core_grant_list(call->bus->core, &call->actor, user, call->now_usec, page_add_grant,
                            &page, error);
        return r != 0 ? r : page_end(call, &page, false);
}

int role_list_holders(Call *call, CoreError *error) {
        _cleanup_(page_clear) Page page = { 0 };
        const char *role, *cursor;
        uint32_t limit;
        int r = sd_bus_message_read(call->message, "ssu", &role, &cursor, &limit);

        if (r >= 0)
                r = page_begin(call, &page);
        if (r < 0)
                return r;
        r = core_grant_holders(call->bus->core, &call->actor, role, cursor, limit, call->now_usec,
                               page_add_grant, &page, page.next, error);
        return r != 0 ? r : page_end(call, &page, true);
}

static void page_add_try(void *userdata, const char *user, bool gains) {
        Page *page = userdata;

        if (page->r >= 0)
                page->r = sd_bus_message_append(page->reply, "a{sv}", 2, "user", "s", user, "gains",
                                                "b", (int)gains);
}

int role_try(Call *call, CoreError *error) {
        _cleanup_(page_clear) Page page = { 0 };
        const char *role, *condition, *cursor;
        uint32_t limit;
        int r = sd_bus_message_read(call->message, "sssu", &role, &condition, &cursor, &limit);

        if (r >= 0)
                r = page_begin(call, &page);
        if (r < 0)
                return r;
        r = core_role_try(call->bus->core, &call->actor, role, condition, cursor, limit,
                          call->now_usec, page_add_try, &page, page.next, error);
        return r != 0 ? r : page_end(call, &page, true);
}

/* ---- where a right comes from ---------------------------------------------------------------- */

static const char *text_or_null(const char *text) {
        return text[0] ? text : NULL;
}

static void page_add_path(void *userdata, const CoreRightPath *path) {
        Page *page = userdata;

        if (page->r >= 0)
                page->r = sd_bus_message_append(page->reply, "a{sv}", 8, "permission", "s",
                                                path->permission, "roles", "s", path->roles,
                                                "tenant", "s", path->tenant, "over", "s",
                                                path->over, "until", "t", path->until_usec,
                                                "denies", "b", (int)path->denies, "state", "s",
                                                path->state, "attribute", "s", path->attribute);
}

int role_get_effective(Call *call, CoreError *error) {
        _cleanup_(page_clear) Page page = { 0 };
        const char *user, *tenant;
        int r = sd_bus_message_read(call->message, "ss", &user, &tenant);

        if (r >= 0)
                r = page_begin(call, &page);
        if (r < 0)
                return r;
        r = core_role_effective(call->bus->core, &call->actor, user, text_or_null(tenant),
                                call->now_usec, page_add_path, &page, error);
        return r != 0 ? r : page_end(call, &page, false);
}

/* Behind the ways. */
static void page_add_why(void *userdata, const CoreWhy *why) {
        Page *page = userdata;

        if (page->r >= 0)
                page->r = sd_bus_message_close_container(page->reply);
        if (page->r >= 0)
                page->r = sd_bus_message_append(page->reply, "ss", why->answer, why->tenant);
        if (page->r >= 0)
                page->r = sd_bus_message_append_strv(page->reply, (char **)(uintptr_t)why->roles);
}

int role_why(Call *call, CoreError *error) {
        _cleanup_(page_clear) Page page = { 0 };
        const char *user, *permission, *tenant;
        int r = sd_bus_message_read(call->message, "sss", &user, &permission, &tenant);

        if (r >= 0)
                r = page_begin(call, &page);
        if (r < 0)
                return r;
        r = core_access_why(call->bus->core, &call->actor, user, permission, text_or_null(tenant),
                            call->now_usec, page_add_path, page_add_why, &page, error);
        if (r != 0)
                return r;
        return page.r < 0 ? page.r : call_reply_send(call, page.reply);
}
