/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is against a Linux group in a role: that there is none, or that whoever is in it is as good
 * as root.  A role that gives one of those is made, changed and granted by nobody but root and who
 * may edit sudo command groups (role.sudo.edit), and nobody else acts on its holders. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "umd/core/holders.h"

#define NEAR_MAX 3U

typedef struct Near {
        const char *name;
        Text text;
        size_t count;
} Near;

static void near_look(Near *near, const char *name) {
        if (near->count < NEAR_MAX && policy_name_near(near->name, name))
                base_text_addf(&near->text, "%s%s", near->count++ == 0 ? "; near: " : ", ",
                               core_quote(name).text);
}

static int near_group(void *userdata, const StoreGroup *group) {
        if (!group->deleted)
                near_look(userdata, group->name);
        return 0;
}

static int refuse_unknown(Change *change, const char *name, CoreError *error) {
        const CoreHost *host = &change->core->host;
        char buf[300];
        Near near = { .name = name };
        const char *there;
        int r;

        base_text_init(&near.text, buf, sizeof(buf));
        r = store_group_each(change->txn, near_group, &near);
        for (size_t i = 0; r == 0 && (there = host->group_at(host->userdata, i)); i++)
                near_look(&near, there);
        if (r < 0)
                return r;
        return core_fail(error, CORE_E_BAD_VALUE,
                         "linux_groups: \"%s\": is neither a group of um nor one of /etc/group%s",
                         core_quote(name).text, buf);
}

static int check_name(Change *change, const char *name, CoreError *error) {
        LinuxGroupKind kind;
        gid_t gid;
        int r = core_linux_group_find(change->core, change->txn, name, &kind, &gid);

        if (r < 0)
                return r;
        switch (kind) {
        case LINUX_GROUP_OWN:
        case LINUX_GROUP_HOST:
                return 0;
        case LINUX_GROUP_BOTH:
                return core_fail(error, CORE_E_BAD_VALUE,
                                 "linux_groups: \"%s\": is a group of um and one of /etc/group",
                                 name);
        case LINUX_GROUP_ZERO:
                return core_fail(error, CORE_E_POLICY_REFUSED,
                                 "linux_groups: \"%s\": is root's own group (0), which nobody is "
                                 "put into",
                                 name);
        case LINUX_GROUP_NONE:
        case _LINUX_GROUP_MAX:
                break;
        }
        return refuse_unknown(change, name, error);
}

int core_linux_groups_check(Change *change, const char *const *names, const char *const *had,
                            CoreError *error) {
        int r = 0;

        for (size_t i = 0; names && names[i] && r == 0; i++) {
                size_t k = 0;

                while (had && had[k] && strcmp(had[k], names[i]) != 0)
                        k++;
                if (!had || !had[k]) /* one that has gone may stay where it is */
                        r = check_name(change, names[i], error);
        }
        return r;
}

/* ---- those that amount to root ------------------------------------------------------------- */

/* By its name, or by what it means on this host. */
static int is_root(Change *change, const char *name, bool *ret) {
        LinuxGroupKind kind;
        gid_t gid;
        int r = core_linux_group_find(change->core, change->txn, name, &kind, &gid);

        /* one that is not there now may come as a package's */
        *ret = kind == LINUX_GROUP_NONE
                       ? policy_linux_group_is_root(name, true, 0)
                       : policy_linux_group_is_root(
                                 name, kind == LINUX_GROUP_HOST || kind == LINUX_GROUP_BOTH, gid);
        return r;
}

/* The first one that the role gives, with what it inherits; NULL: none. */
static int find_root(Change *change, uint16_t role, const char **ret) {
        const Roles *roles;
        uint16_t giver;
        bool root = false;
        int r = core_roles(change->core, change->txn, &roles);

        *ret = NULL;
        for (size_t i = 0; r == 0 && (giver = core_roles_linux(roles, i)) != ROLE_NONE; i++) {
                const char *const *names =
                        core_roles_record(roles, giver)->lists[ROLE_LIST_LINUX_GROUPS];

                if (!policy_role_includes(core_roles_set(roles), role, giver))
                        continue;
                for (size_t n = 0; r == 0 && names[n]; n++) {
                        r = is_root(change, names[n], &root);
                        if (r == 0 && root) {
                                *ret = names[n];
                                return 0;
                        }
                }
        }
        return r;
}

int core_linux_check_actor(Change *change, const RoleSet *set, const Holder *actor, uint16_t role,
                           const char *tenant, const char *subject, CoreError *error) {
        const RightsPlace place = {
                .tenant = tenant,
                .all_tenants = !tenant,
                .now_usec = change->now_usec,
                .over = RIGHTS_OVER_TENANT,
        };
        const char *group;
        int r;

        if (actor->facts.root || role == ROLE_NONE ||
            policy_rights_has(set, &actor->facts, &place, PERMISSION_ROLE_SUDO_EDIT))
                return 0;
        r = find_root(change, role, &group);
        if (r < 0 || !group)
                return r;
        return core_fail(error, CORE_E_PROTECTED,
                         "%s: the role %s gives the Linux group %s, which amounts to root: this "
                         "needs the permission %s",
                         subject, policy_role_name(set, role), group,
                         policy_permission_info(PERMISSION_ROLE_SUDO_EDIT)->name);
}

/* ---- those that are not there -------------------------------------------------------------- */

int core_linux_missing(Core *core, StoreTxn *txn, const char *const *names, Texts *ret) {
        int r = 0;

        for (size_t i = 0; names && names[i] && r == 0; i++) {
                LinuxGroupKind kind;
                gid_t gid;

                r = core_linux_group_find(core, txn, names[i], &kind, &gid);
                if (r == 0 && kind != LINUX_GROUP_OWN && kind != LINUX_GROUP_HOST)
                        r = core_texts_add(ret, names[i]);
        }
        return r;
}

int core_linux_guard_name(Change *change, const char *name, CoreError *error) {
        CoreError denied = { 0 };
        int r;

        if (change->actor->uid == 0 || !policy_linux_group_is_root(name, false, 0))
                return 0;
        r = core_change_may_in(change, PERMISSION_ROLE_SUDO_EDIT, change->core->settings.tenant,
                               &denied);
        if (r <= 0)
                return r;
        return core_fail(error, CORE_E_PROTECTED,
                         "%s: a group of that name amounts to root on many hosts: this needs the "
                         "permission %s",
                         name, policy_permission_info(PERMISSION_ROLE_SUDO_EDIT)->name);
}
