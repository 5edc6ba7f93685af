/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Deleting a role of one's own, and with it its policy values and the grants of whoever holds it: a
 * role that is made later by that name is another one. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "umd/core/levels.h"
#include "umd/core/undo.h"

typedef struct Use {
        const char *role;
        char tenant[BASE_NAME_MAX + 1]; /* whose default it is */
} Use;

static int tenant_look(void *userdata, const StoreTenant *tenant) {
        Use *use = userdata;

        if (!tenant->deleted && strcmp(tenant->default_role, use->role) == 0)
                snprintf(use->tenant, sizeof(use->tenant), "%s", tenant->name);
        return 0;
}

static bool list_has(const char *const *list, const char *name) {
        for (size_t i = 0; list && list[i]; i++)
                if (strcmp(list[i], name) == 0)
                        return true;
        return false;
}

/* Named by another role, or everybody's at a tenant. */
static int check_use(Change *change, const Roles *roles, const char *name, CoreError *error) {
        Use use = { .role = name };
        int r;

        for (uint16_t i = 0; i < core_roles_count(roles); i++) {
                const RoleSpec *spec = core_roles_spec(roles, i);

                if (list_has(spec->inherit, name) || list_has(spec->conflict, name))
                        return core_fail(error, CORE_E_POLICY_REFUSED,
                                         "%s: %s names it: change that first", name, spec->name);
        }
        r = store_tenant_each(change->txn, tenant_look, &use);
        if (r == 0 && use.tenant[0])
                r = core_fail(error, CORE_E_POLICY_REFUSED,
                              "%s: is the default role of %s: change that first", name, use.tenant);
        return r;
}

static int revoke_of(Change *change, const RoleSet *set, const char *name, uid_t uid) {
        _cleanup_(store_user_freep) StoreUser *user = NULL;
        _cleanup_holder_ Holder holder = { 0 };
        int r;

        r = store_user_get(change->txn, uid, &user);
        if (r == 0)
                r = core_holder_load(change->txn, set, user, &holder);
        if (r != 0)
                return r < 0 ? r : -EBADMSG;
        for (size_t i = 0; i < holder.facts.grant_count && r == 0; i++)
                if (!holder.grants[i].automatic && strcmp(holder.records[i].role, name) == 0)
                        r = core_grant_remove(change, user, &holder.records[i]);
        return r;
}

static int revoke_all(Change *change, const RoleSet *set, const char *name, bool force,
                      CoreError *error) {
        size_t count = 0;
        char text[24];
        uid_t uid = 0;
        int r;

        while ((r = store_grant_holder_next(change->txn, name, uid, &uid)) == 0) {
                if (!force)
                        return core_fail(error, CORE_E_POLICY_REFUSED,
                                         "%s: is held: revoke it first, or use --force", name);
                r = revoke_of(change, set, name, uid);
                if (r != 0)
                        return r;
                count++;
        }
        if (r < 0 || count == 0)
                return r < 0 ? r : 0;
        snprintf(text, sizeof(text), "%zu", count);
        return core_change_value(change, "holders", text, "0");
}

static int delete_role(Change *change, const Roles *roles, uint16_t role, const char *name,
                       bool force, CoreError *error) {
        _cleanup_owners_ Owners owners = { 0 };
        int r;

        r = check_use(change, roles, name, error);
        if (r == 0 && policy_role_condition(core_roles_set(roles), role)) {
                change->news.everybody = true;
                if (!force)
                        r = core_fail(error, CORE_E_POLICY_REFUSED,
                                      "%s: is whose condition holds (%s): use --force", name,
                                      policy_role_condition(core_roles_set(roles), role));
        }
        if (r == 0)
                r = core_role_check_actor(change, core_roles_set(roles), role, error);
        if (r == 0)
                r = core_role_guard_denies(change, core_roles_set(roles), role, error);
        if (r == 0)
                r = core_owners_note(change, &owners);
        if (r == 0)
                r = core_change_value(change, "name", name, NULL);
        if (r == 0)
                r = core_note_role(change, core_roles_record(roles, role), NULL);
        if (r == 0)
                r = revoke_all(change, core_roles_set(roles), name, force, error);
        if (r != 0)
                return r;
        r = core_level_drop(change, STORE_POLICY_ROLE, name);
        if (r < 0)
                return r;
        r = store_role_delete(change->txn, name);
        if (r != 0)
                return r < 0 ? r : -EUCLEAN;
        return core_owners_check(change, &owners, error);
}

int core_role_delete(Core *core, const Actor *actor, const char *name, bool force,
                     const CoreOptions *options, uint64_t now_usec, CoreChange *ret,
                     CoreError *error) {
        _cleanup_change_ Change change = { 0 };
        const Roles *roles;
        uint64_t version;
        uint16_t role;
        int r;

        r = core_change_begin(&change, core, actor, options, now_usec, error);
        if (r == 0)
                r = core_roles(core, change.txn, &roles);
        if (r == 0)
                r = core_role_find(core_roles_set(roles), name, &role, error);
        if (r != 0)
                return r;
        if (!core_roles_record(roles, role))
                return core_role_refuse_built_in(name, error);
        version = core_roles_record(roles, role)->version;
        r = core_check_version(options, name, version, error);
        if (r == 0)
                r = delete_role(&change, roles, role, name, force, error);
        if (r != 0)
                return r;
        return core_change_commit(&change, "role.delete", "role", name, 0, version + 1, ret);
}
