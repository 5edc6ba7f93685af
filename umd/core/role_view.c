/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Roles as they are shown: what was written, and what follows from it with all they inherit. */

#include <errno.h>
#include <stdio.h>

#include "umd/core/holders.h"

typedef struct View {
        CoreRole role;
        RightsFault fault;
        const char **permissions, **denied;
        Texts missing; /* and a NULL */
} View;

static void view_done(View *view) {
        free(view->permissions);
        free(view->denied);
        core_texts_done(&view->missing);
}

/* The names of the rights that are so, and a NULL. */
static int names_of(const Roles *roles, uint16_t role,
                    bool (*is)(const RoleSet *set, uint16_t role, uint16_t right),
                    const char ***ret) {
        const RoleSet *set = core_roles_set(roles);
        size_t count = policy_right_count(set), at = 0;
        const char **names = calloc(count + 1, sizeof(*names));

        if (!names)
                return -ENOMEM;
        for (uint16_t right = 0; right < count; right++)
                if (is(set, role, right) && !core_roles_right_is_gone(roles, right))
                        names[at++] = policy_right_name(set, right);
        *ret = names;
        return 0;
}

static int view_fill(Core *core, StoreTxn *txn, const Roles *roles, uint16_t number, View *view) {
        const RoleSet *set = core_roles_set(roles);
        const RoleSpec *spec = core_roles_spec(roles, number);
        const StoreRole *record = core_roles_record(roles, number);
        int r;

        r = names_of(roles, number, policy_role_permits, &view->permissions);
        if (r == 0)
                r = names_of(roles, number, policy_role_denies, &view->denied);
        if (r == 0 && record)
                r = core_linux_missing(core, txn, record->lists[ROLE_LIST_LINUX_GROUPS],
                                       &view->missing);
        if (r < 0)
                return r;
        (void)policy_role_fault(set, number, &view->fault);
        view->role = (CoreRole){
                .version = record ? record->version : 0,
                .name = spec->name,
                .description = record ? record->description : "",
                .lists = {
                        [CORE_ROLE_INHERIT] = spec->inherit,
                        [CORE_ROLE_PERMIT] = spec->permit,
                        [CORE_ROLE_WITHOUT] = spec->without,
                        [CORE_ROLE_DENY] = spec->deny,
                        [CORE_ROLE_REQUIRE] = spec->require,
                        [CORE_ROLE_CONFLICT] = spec->conflict,
                        [CORE_ROLE_LINUX_GROUPS] =
                                record ? record->lists[ROLE_LIST_LINUX_GROUPS] : NULL,
                },
                .only_kind = core_role_kind_name((uint32_t)spec->only_kind),
                .one_tenant = spec->one_tenant,
                .built_in = !record,
                .automatic = spec->automatic ? spec->automatic : "",
                .permissions = view->permissions,
                .denied = view->denied,
                .missing_groups = (const char *const *)view->missing.list,
                .fault = view->fault.text,
                .created_usec = record ? record->created_usec : 0,
        };
        return 0;
}

static int role_show(Core *core, StoreTxn *txn, const Roles *roles, uint16_t number,
                     CoreRoleEach each, void *userdata) {
        _cleanup_(view_done) View view = { 0 };
        int r = view_fill(core, txn, roles, number, &view);

        if (r == 0)
                each(userdata, &view.role);
        return r;
}

int core_role_show(Core *core, const char *name, CoreRoleEach each, void *userdata,
                   CoreError *error) {
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        const Roles *roles;
        uint16_t number;
        int r;

        *error = (CoreError){ 0 };
        r = store_begin_read(core->store, &txn);
        if (r == 0)
                r = core_roles(core, txn, &roles);
        if (r == 0)
                r = core_role_find(core_roles_set(roles), name, &number, error);
        return r != 0 ? r : role_show(core, txn, roles, number, each, userdata);
}

/* A cursor is the name a page ended with: the store has them by name. */
static int cursor_read(const Roles *roles, const char *cursor, uint16_t *ret, CoreError *error) {
        uint16_t last = ROLE_NONE;

        if (cursor[0])
                last = policy_role_from_name(core_roles_set(roles), cursor);
        if (cursor[0] && last == ROLE_NONE)
                return core_fail(error, CORE_E_BAD_VALUE,
                                 "cursor: \"%s\": is no role, or not any more",
                                 core_quote(cursor).text);
        *ret = cursor[0] ? (uint16_t)(last + 1) : 0;
        return 0;
}

int core_role_list(Core *core, const char *cursor, uint32_t limit, CoreRoleEach each,
                   void *userdata, char *ret_cursor, CoreError *error) {
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        char at[CORE_CURSOR_BYTES];
        const Roles *roles;
        uint16_t number = 0;
        uint32_t shown = 0;
        int r;

        r = core_list_begin(core, cursor, limit, at, &txn, error);
        if (r == 0)
                r = core_roles(core, txn, &roles);
        if (r == 0)
                r = cursor_read(roles, at, &number, error);
        if (r != 0)
                return r;
        ret_cursor[0] = '\0';
        for (; number < core_roles_count(roles) && r == 0; number++) {
                if (shown++ == limit) {
                        snprintf(ret_cursor, CORE_CURSOR_BYTES, "%s",
                                 core_roles_spec(roles, (uint16_t)(number - 1))->name);
                        return 0;
                }
                r = role_show(core, txn, roles, number, each, userdata);
        }
        return r;
}
