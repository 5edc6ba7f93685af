/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lists that several roles leave nothing of (FEATURES P.6): for whoever holds them nothing is
 * permitted then, which nobody meant.  Looked for among the holders of roles that set a list, at
 * most HOLDERS_MAX of them: it is for root's Status, and one that is named is enough. */

#include <errno.h>
#include <string.h>

#include "umd/core/levels.h"

#define HOLDERS_MAX 1000U

typedef struct Looking {
        Core *core;
        StoreTxn *txn;
        const Roles *roles;
        IdSet seen;
        Text *text;
        bool found;
} Looking;

static void looking_done(Looking *looking) {
        core_idset_done(&looking->seen);
}

/* 1 where the role, or one it inherits, sets a list. */
static int sets_list(const Looking *looking, uint16_t role) {
        const RoleSet *set = core_roles_set(looking->roles);

        for (uint16_t i = 0; i < core_roles_count(looking->roles); i++) {
                PolicySettings own;
                int r;

                if (!policy_role_includes(set, role, i))
                        continue;
                r = core_level_load(looking->txn, STORE_POLICY_ROLE, policy_role_name(set, i),
                                    &own);
                if (r < 0)
                        return r;
                for (PolicyValue v = 0; v < _POLICY_VALUE_MAX; v++)
                        if (own.set[v] && policy_value_is_list(v))
                                return 1;
        }
        return 0;
}

static int tell(Looking *looking, uid_t uid, PolicyValue value) {
        _cleanup_(store_user_freep) StoreUser *user = NULL;
        int r = store_user_get(looking->txn, uid, &user);

        if (r != 0 || user->status == USER_STATUS_DELETED)
                return r < 0 ? r : 0;
        base_text_addf(looking->text,
                       "%s: the roles of %s leave nothing of it: umctl policy show %s --user %s",
                       policy_value_name(value), user->name, policy_value_name(value), user->name);
        looking->found = true;
        return 0;
}

static int look_at_holder(Looking *looking, uid_t uid) {
        _cleanup_levels_ Levels levels = { 0 };
        int r;

        if (core_idset_has(&looking->seen, uid))
                return 0;
        r = core_idset_add(&looking->seen, uid);
        if (r < 0)
                return r;
        r = core_levels_load(looking->core, looking->txn, uid, &levels);
        for (PolicyValue v = 0; v < _POLICY_VALUE_MAX && r == 0 && !looking->found; v++) {
                PolicyEffective effective;

                if (!policy_value_is_list(v))
                        continue;
                policy_value_resolve(v, &levels.levels, &effective);
                if (effective.level == POLICY_LEVEL_ROLE && effective.value == 0)
                        r = tell(looking, uid, v);
        }
        return r;
}

static int look_at_role(Looking *looking, uint16_t role) {
        const char *name = policy_role_name(core_roles_set(looking->roles), role);
        uid_t uid = 0;
        int r = 0;

        while (r == 0 && !looking->found && looking->seen.count < HOLDERS_MAX) {
                r = store_grant_holder_next(looking->txn, name, uid, &uid);
                if (r == 0)
                        r = look_at_holder(looking, uid);
        }
        return r == STORE_E_MISSING ? 0 : r;
}

int core_policy_emptied(Core *core, char *buf, size_t size) {
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        _cleanup_(looking_done) Looking looking = { .core = core };
        Text text;
        int r;

        base_text_init(&text, buf, size);
        looking.text = &text;
        r = store_begin_read(core->store, &txn);
        if (r < 0)
                return r;
        looking.txn = txn;
        r = store_policy_value_any(txn, STORE_POLICY_ROLE);
        if (r != 0)
                return r < 0 ? r : 0;
        r = core_roles(core, txn, &looking.roles);
        for (uint16_t i = 0; r == 0 && !looking.found && i < core_roles_count(looking.roles); i++) {
                r = sets_list(&looking, i);
                if (r > 0)
                        r = look_at_role(&looking, i);
        }
        return r;
}
