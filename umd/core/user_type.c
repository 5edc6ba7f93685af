/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What type of user somebody is (FEATURES A7): nothing that is stored, but what follows from kind,
 * home and the grants that count, each where it is for. */

#include <string.h>

#include "umd/core/holders.h"

#define INTEGRATION "integration"
#define END_USER    "end-user"

/* The first that he has, or inherits. */
static const struct {
        const char *role, *type;
} types[] = {
        { CORE_ROLE_OWNER, "super-admin" },
        { "admin", "admin" },
        { "tenant-admin", "tenant-admin" },
        { "technician", "technician" },
};

static bool counts(const RoleSet *set, const Holder *holder, size_t at, uint64_t now_usec) {
        const RightsPlace place = {
                .tenant = holder->grants[at].tenant,
                .now_usec = now_usec,
                .over = RIGHTS_OVER_SELF,
        };

        return policy_grant_state(set, &holder->facts, &holder->grants[at], &place, NULL) ==
               GRANT_COUNTS;
}

const char *core_holder_type(const RoleSet *set, const Holder *holder, uint64_t now_usec) {
        size_t best = ARRAY_LENGTH(types);

        if (holder->facts.kind == HOLDER_SERVICE)
                return INTEGRATION;
        for (size_t i = 0; i < holder->facts.grant_count; i++) {
                if (!counts(set, holder, i, now_usec))
                        continue;
                for (size_t t = 0; t < best; t++)
                        if (policy_role_includes(set, holder->grants[i].role,
                                                 policy_role_from_name(set, types[t].role)))
                                best = t;
        }
        return best < ARRAY_LENGTH(types) ? types[best].type : END_USER;
}

const char *core_user_affiliation(const Core *core, const StoreUser *user) {
        return strcmp(user->tenant, core->settings.tenant) == 0 ? "internal" : "client";
}

bool core_user_type_known(const char *word) {
        for (size_t t = 0; t < ARRAY_LENGTH(types); t++)
                if (strcmp(types[t].type, word) == 0)
                        return true;
        return strcmp(word, INTEGRATION) == 0 || strcmp(word, END_USER) == 0 ||
               strcmp(word, "internal") == 0 || strcmp(word, "client") == 0;
}

int core_user_is_type(Core *core, StoreTxn *txn, const StoreUser *user, const char *word) {
        _cleanup_holder_ Holder holder = { 0 };
        const RoleSet *set;
        int r;

        if (strcmp(word, core_user_affiliation(core, user)) == 0)
                return 1;
        r = core_role_set(core, txn, &set);
        if (r == 0)
                r = core_holder_load(txn, set, user, &holder);
        return r != 0 ? r : strcmp(core_holder_type(set, &holder, core->now_usec), word) == 0;
}

int core_user_has_role(Core *core, StoreTxn *txn, const StoreUser *user, const char *role) {
        _cleanup_holder_ Holder holder = { 0 };
        const RoleSet *set;
        int r;

        r = core_role_set(core, txn, &set);
        if (r == 0)
                r = core_holder_load(txn, set, user, &holder);
        for (size_t i = 0; r == 0 && i < holder.facts.grant_count; i++)
                r = strcmp(holder.records[i].role, role) == 0 &&
                    counts(set, &holder, i, core->now_usec);
        return r;
}
