/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which permission each verb of a change needs (FEATURES M.3), for what runs verbs on behalf of
 * somebody: taking a change back needs what making it did (L9).  A verb that is not here is
 * nobody's but root's. */

#include <string.h>

#include "umd/core/undo.h"

typedef struct VerbRow {
        const char *verb;
        Permission permission;
} VerbRow;

static const VerbRow rows[] = {
        { "group.add-members", PERMISSION_GROUP_MEMBER_SET },
        { "group.create", PERMISSION_GROUP_EDIT },
        { "group.delete", PERMISSION_GROUP_EDIT },
        { "group.remove-members", PERMISSION_GROUP_MEMBER_SET },
        { "group.restore", PERMISSION_GROUP_EDIT },
        { "group.update", PERMISSION_GROUP_EDIT },
        { "policy.set", PERMISSION_POLICY_EDIT },
        { "policy.unset", PERMISSION_POLICY_EDIT },
        { "role.create", PERMISSION_ROLE_EDIT },
        { "role.delete", PERMISSION_ROLE_EDIT },
        { "role.grant", PERMISSION_ROLE_GRANT },
        { "role.revoke", PERMISSION_ROLE_REVOKE },
        { "role.update", PERMISSION_ROLE_EDIT },
        { "tenant.create", PERMISSION_TENANT_CREATE },
        { "tenant.delete", PERMISSION_TENANT_DELETE },
        { "tenant.restore", PERMISSION_TENANT_DELETE },
        { "tenant.update", PERMISSION_TENANT_EDIT },
        { "user.create", PERMISSION_USER_CREATE },
        { "user.delete", PERMISSION_USER_DELETE },
        { "user.disable", PERMISSION_USER_DISABLE },
        { "user.enable", PERMISSION_USER_DISABLE },
        { "user.lock", PERMISSION_USER_LOCK },
        { "user.must-change", PERMISSION_USER_PASSWORD_RESET },
        { "user.restore", PERMISSION_USER_DELETE },
        { "user.resume", PERMISSION_USER_SUSPEND },
        { "user.suspend", PERMISSION_USER_SUSPEND },
        { "user.unlock", PERMISSION_USER_UNLOCK },
        { "user.update", PERMISSION_USER_EDIT },
};

static const VerbRow *row_find(const char *verb) {
        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++)
                if (strcmp(rows[i].verb, verb) == 0)
                        return &rows[i];
        return NULL;
}

int core_verb_check(Core *core, StoreTxn *txn, const Actor *actor, const char *verb,
                    uint64_t now_usec, CoreError *error) {
        const RightsPlace place = { .tenant = core->settings.tenant,
                                    .now_usec = now_usec,
                                    .over = RIGHTS_OVER_TENANT };
        _cleanup_holder_ Holder holder = { 0 };
        const VerbRow *row = row_find(verb);
        const RoleSet *set;
        int r;

        if (actor->uid == 0)
                return 0;
        if (!row)
                return core_fail(error, CORE_E_ACCESS_DENIED, "%s: only root may undo this", verb);
        r = core_role_set(core, txn, &set);
        if (r == 0)
                r = core_holder_of_actor(core, txn, set, actor, &holder);
        if (r != 0 || policy_rights_has(set, &holder.facts, &place, row->permission))
                return r;
        return core_fail(error, CORE_E_ACCESS_DENIED, "this needs the permission %s",
                         policy_permission_info(row->permission)->name);
}
