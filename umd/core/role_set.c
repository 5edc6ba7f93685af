/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The roles there are, compiled: the built-in ones and those of the store, with the permissions
 * that applications registered.  The set is kept, and made anew where the stamp of the store is not
 * that of the set: so it is always the one of the transaction that asks, also within a change,
 * after one that was let go, and after a batch that was lost.
 *
 * A row that cannot be understood is a fault, which denies: it may be one that takes away. */

#include <errno.h>
#include <string.h>

#include "umd/core/holders.h"

_Static_assert((int)CORE_ROLE_INHERIT == (int)ROLE_LIST_INHERIT &&
                       (int)CORE_ROLE_PERMIT == (int)ROLE_LIST_PERMIT &&
                       (int)CORE_ROLE_WITHOUT == (int)ROLE_LIST_WITHOUT &&
                       (int)CORE_ROLE_DENY == (int)ROLE_LIST_DENY &&
                       (int)CORE_ROLE_REQUIRE == (int)ROLE_LIST_REQUIRE &&
                       (int)CORE_ROLE_CONFLICT == (int)ROLE_LIST_CONFLICT &&
                       (int)CORE_ROLE_LINUX_GROUPS == (int)ROLE_LIST_LINUX_GROUPS &&
                       (int)_CORE_ROLE_LIST_MAX == (int)_ROLE_LIST_MAX,
               "the lists of a role are the store's");

struct Roles {
        uint8_t stamp[STORE_ROLE_STAMP_BYTES];
        StoreRole **records; /* of the store's; the built-in ones have none */
        size_t record_count, record_size;
        uint16_t *linux_roles; /* those with Linux groups of their own */
        size_t linux_count;
        RoleSpec *specs;
        size_t spec_count, built_in_count;
        Areas areas;
        void *memory;
        const RoleSet *set;
        bool *gone; /* by right: nobody has it any more */
};

Roles *core_roles_free(Roles *roles) {
        if (!roles)
                return NULL;
        for (size_t i = 0; i < roles->record_count; i++)
                store_role_free(roles->records[i]);
        free(roles->records);
        free(roles->linux_roles);
        free(roles->specs);
        core_areas_done(&roles->areas);
        free(roles->memory);
        free(roles->gone);
        free(roles);
        return NULL;
}

static void roles_freep(Roles **roles) {
        *roles = core_roles_free(*roles);
}

static int record_add(void *userdata, StoreRole **role) {
        Roles *roles = userdata;

        if (roles->record_count >= ROLES_MAX)
                return -E2BIG;
        if (roles->record_count == roles->record_size) {
                size_t size = roles->record_size ? roles->record_size * 2 : 16;
                StoreRole **records = reallocarray(roles->records, size, sizeof(StoreRole *));

                if (!records)
                        return -ENOMEM;
                roles->records = records;
                roles->record_size = size;
        }
        roles->records[roles->record_count++] = TAKE(*role);
        return 0;
}

static RoleSpec spec_of(const StoreRole *role) {
        return (RoleSpec){
                .name = role->name,
                .inherit = role->lists[ROLE_LIST_INHERIT],
                .permit = role->lists[ROLE_LIST_PERMIT],
                .without = role->lists[ROLE_LIST_WITHOUT],
                .deny = role->lists[ROLE_LIST_DENY],
                .require = role->lists[ROLE_LIST_REQUIRE],
                .conflict = role->lists[ROLE_LIST_CONFLICT],
                .only_kind = (HolderKind)role->only_kind,
                .one_tenant = role->one_tenant,
                .automatic = role->automatic[0] ? role->automatic : NULL,
        };
}

static int roles_compile(Roles *roles) {
        const RoleSpec *built_in = policy_roles_built_in(&roles->built_in_count);
        size_t bytes;
        int r;

        roles->spec_count = roles->built_in_count + roles->record_count;
        roles->specs = calloc(roles->spec_count, sizeof(*roles->specs));
        if (!roles->specs)
                return -ENOMEM;
        memcpy(roles->specs, built_in, roles->built_in_count * sizeof(*roles->specs));
        roles->linux_roles = calloc(roles->record_count + 1, sizeof(*roles->linux_roles));
        if (!roles->linux_roles)
                return -ENOMEM;
        for (size_t i = 0; i < roles->record_count; i++) {
                const char *const *groups = roles->records[i]->lists[ROLE_LIST_LINUX_GROUPS];

                roles->specs[roles->built_in_count + i] = spec_of(roles->records[i]);
                if (groups && groups[0])
                        roles->linux_roles[roles->linux_count++] =
                                (uint16_t)(roles->built_in_count + i);
        }
        r = policy_roles_measure(roles->specs, roles->spec_count, roles->areas.specs,
                                 roles->areas.count, &bytes);
        if (r < 0)
                return r;
        roles->memory = malloc(bytes);
        if (!roles->memory)
                return -ENOMEM;
        roles->set = policy_roles_compile(roles->specs, roles->spec_count, roles->areas.specs,
                                          roles->areas.count, roles->memory, bytes);
        return roles->set ? 0 : -EINVAL;
}

/* The names that are kept are in the set, so that patterns go on covering something. */
static int roles_note_gone(Roles *roles) {
        roles->gone = calloc(policy_right_count(roles->set), sizeof(*roles->gone));
        if (!roles->gone)
                return -ENOMEM;
        for (size_t i = 0; i < roles->areas.count; i++) {
                const StoreArea *area = roles->areas.records[i];

                for (size_t k = 0; k < area->permission_count; k++) {
                        uint16_t right =
                                policy_right_from_name(roles->set, area->permissions[k].name);

                        if (area->permissions[k].gone && right != RIGHT_NONE)
                                roles->gone[right] = true;
                }
        }
        return 0;
}

int core_roles(Core *core, StoreTxn *txn, const Roles **ret) {
        _cleanup_(roles_freep) Roles *roles = NULL;
        uint8_t stamp[STORE_ROLE_STAMP_BYTES];
        int r;

        r = store_role_stamp(txn, stamp);
        if (r < 0)
                return r;
        if (core->roles && memcmp(core->roles->stamp, stamp, sizeof(stamp)) == 0) {
                *ret = core->roles;
                return 0;
        }
        roles = calloc(1, sizeof(*roles));
        if (!roles)
                return -ENOMEM;
        memcpy(roles->stamp, stamp, sizeof(stamp));
        r = store_role_each(txn, record_add, roles);
        if (r == 0)
                r = core_areas_load(txn, &roles->areas);
        if (r == 0)
                r = roles_compile(roles);
        if (r == 0)
                r = roles_note_gone(roles);
        if (r != 0)
                return r;
        core_roles_free(core->roles);
        *ret = core->roles = TAKE(roles);
        return 0;
}

int core_role_set(Core *core, StoreTxn *txn, const RoleSet **ret) {
        const Roles *roles;
        int r = core_roles(core, txn, &roles);

        if (r == 0)
                *ret = roles->set;
        return r;
}

const RoleSet *core_roles_set(const Roles *roles) {
        return roles->set;
}

size_t core_roles_count(const Roles *roles) {
        return roles->spec_count;
}

const RoleSpec *core_roles_spec(const Roles *roles, uint16_t role) {
        return &roles->specs[role];
}

const StoreRole *core_roles_record(const Roles *roles, uint16_t role) {
        return role < roles->built_in_count ? NULL : roles->records[role - roles->built_in_count];
}

const Areas *core_roles_areas(const Roles *roles) {
        return &roles->areas;
}

bool core_roles_right_is_gone(const Roles *roles, uint16_t right) {
        return right < policy_right_count(roles->set) && roles->gone[right];
}

uint16_t core_roles_right(const Roles *roles, const char *permission) {
        uint16_t right = policy_right_from_name(roles->set, permission);

        return core_roles_right_is_gone(roles, right) ? RIGHT_NONE : right;
}

uint16_t core_roles_linux(const Roles *roles, size_t at) {
        return at < roles->linux_count ? roles->linux_roles[at] : ROLE_NONE;
}

int core_role_find(const RoleSet *set, const char *name, uint16_t *ret, CoreError *error) {
        *ret = policy_role_from_name(set, name);
        if (*ret == ROLE_NONE)
                return core_fail(error, CORE_E_NO_SUCH_ROLE, "%s: no such role",
                                 core_quote(name).text);
        return 0;
}
