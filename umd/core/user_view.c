/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A user as the faces show him: the record, what the credential tells without being one, his groups
 * with nesting flattened, his roles.  No verifier gets here. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "umd/core/internal.h"

int core_user_load(Core *core, StoreTxn *txn, const char *name, bool deleted, StoreUser **ret,
                   CoreError *error) {
        _cleanup_(store_user_freep) StoreUser *user = NULL;
        int r;

        if (strchr(name, '@'))
                r = store_user_get_by_email(txn, core->settings.tenant, name, &user);
        else
                r = store_user_get_by_name(txn, name, &user);
        if (r < 0)
                return r;
        if (r > 0 || (user->status == USER_STATUS_DELETED && !deleted))
                return core_fail(error, CORE_E_NO_SUCH_USER, "%s: no such user",
                                 core_quote(name).text);
        core_user_settle(user, core->now_usec);
        *ret = TAKE(user);
        return 0;
}

int core_actor_name(StoreTxn *txn, uid_t uid, char *buf) {
        _cleanup_(store_user_freep) StoreUser *user = NULL;
        int r;

        buf[0] = '\0';
        if (uid == (uid_t)-1)
                return 0;
        if (uid == 0) {
                snprintf(buf, CORE_ACTOR_BYTES, "root");
                return 0;
        }
        r = store_user_get(txn, uid, &user);
        if (r < 0)
                return r;
        if (r == 0)
                snprintf(buf, CORE_ACTOR_BYTES, "%s", user->name);
        else
                snprintf(buf, CORE_ACTOR_BYTES, "uid %u", uid);
        return 0;
}

int core_credential_load(StoreTxn *txn, uid_t uid, StoreCredential **ret) {
        StoreCredential *credential;
        int r;

        r = store_credential_get(txn, uid, ret);
        if (r <= 0)
                return r;
        credential = calloc(1, sizeof(*credential));
        if (!credential)
                return -ENOMEM;
        credential->uid = uid;
        credential->password_expires_usec = USEC_INFINITY;
        *ret = credential;
        return 0;
}

typedef struct Roles {
        Texts *names;
        uint64_t now_usec;
        const char *tenant;
} Roles;

static int role_add(void *userdata, const StoreGrant *grant) {
        Roles *roles = userdata;

        if (strcmp(grant->tenant, roles->tenant) != 0 || grant->from_usec > roles->now_usec ||
            grant->until_usec <= roles->now_usec)
                return 0;
        return core_texts_add(roles->names, grant->role);
}

/* The names of groups, sorted, and their gids in the same order. */
static int groups_sorted(StoreTxn *txn, const IdSet *set, Texts *names, gid_t *gids) {
        int r;

        for (size_t i = 0; i < set->count; i++) {
                _cleanup_(store_group_freep) StoreGroup *group = NULL;

                r = core_group_load_by_gid(txn, set->ids[i], &group);
                if (r == 0)
                        r = core_texts_add(names, group->name);
                if (r < 0)
                        return r;
        }
        core_texts_sort(names);
        for (size_t i = 0; i < names->count; i++) {
                _cleanup_(store_group_freep) StoreGroup *group = NULL;

                r = store_group_get_by_name(txn, names->list[i], &group);
                if (r != 0)
                        return r < 0 ? r : -EUCLEAN;
                gids[i] = group->gid;
        }
        return 0;
}

/* The texts are borrowed from the record and stay so until packed. */
static CoreUser view_of(const StoreUser *user, const StoreCredential *credential) {
        return (CoreUser){
                .version = user->version,
                .uid = user->uid,
                .gid = user->gid,
                .name = user->name,
                .full_name = user->full_name,
                .email = user->email,
                .phone = user->phone,
                .title = user->title,
                .department = user->department,
                .language = user->language,
                .time_zone = user->time_zone,
                .notify = user->notify,
                .shell = user->shell,
                .home = user->home,
                .tenant = user->tenant,
                .status = user->status,
                .status_since_usec = user->status_since_usec,
                .status_reason = user->status_reason,
                .suspended_until_usec = user->suspended_until_usec,
                .valid_from_usec = user->valid_from_usec,
                .valid_until_usec = user->valid_until_usec,
                .locked = user->locked,
                .locked_since_usec = user->locked_since_usec,
                .locked_reason = user->locked_reason,
                .created_usec = user->created_usec,
                .has_password = credential->password.len > 0,
                .must_change = credential->must_change,
                .password_changed_usec = credential->password_changed_usec,
                .password_expires_usec = credential->password_expires_usec,
        };
}

static const size_t user_texts[] = {
        offsetof(CoreUser, name),       offsetof(CoreUser, full_name),
        offsetof(CoreUser, email),      offsetof(CoreUser, phone),
        offsetof(CoreUser, title),      offsetof(CoreUser, department),
        offsetof(CoreUser, language),   offsetof(CoreUser, time_zone),
        offsetof(CoreUser, notify),     offsetof(CoreUser, shell),
        offsetof(CoreUser, home),       offsetof(CoreUser, tenant),
        offsetof(CoreUser, status_by),  offsetof(CoreUser, status_reason),
        offsetof(CoreUser, locked_by),  offsetof(CoreUser, locked_reason),
        offsetof(CoreUser, created_by),
};

/* The gids need a home of their own beside the packed texts: they go first into one block. */
static int view_pack(CoreUser *view, Texts *groups, gid_t *gids, Texts *roles, CoreUser **ret) {
        const PackArray arrays[] = {
                { offsetof(CoreUser, groups), groups->count },
                { offsetof(CoreUser, roles), roles->count },
        };
        size_t bytes = sizeof(CoreUser) + groups->count * sizeof(gid_t);
        _cleanup_free_ char *block = malloc(bytes);
        void *packed;
        int r;

        if (!block)
                return -ENOMEM;
        view->groups = (const char *const *)groups->list;
        view->group_count = groups->count;
        view->roles = (const char *const *)roles->list;
        view->role_count = roles->count;
        memcpy(block, view, sizeof(CoreUser));
        if (groups->count > 0)
                memcpy(block + sizeof(CoreUser), gids, groups->count * sizeof(gid_t));
        r = core_pack(block, bytes, user_texts, ARRAY_LENGTH(user_texts), arrays,
                      ARRAY_LENGTH(arrays), &packed);
        if (r < 0)
                return r;
        *ret = packed;
        (*ret)->gids = (const gid_t *)(void *)((char *)packed + sizeof(CoreUser));
        return 0;
}

int core_user_view(Core *core, StoreTxn *txn, const StoreUser *user, CoreUser **ret) {
        char status_by[CORE_ACTOR_BYTES], locked_by[CORE_ACTOR_BYTES], created_by[CORE_ACTOR_BYTES];
        _cleanup_(store_credential_freep) StoreCredential *credential = NULL;
        _cleanup_texts_ Texts groups = { 0 }, roles = { 0 };
        Roles role_walk = { &roles, core->now_usec, core->settings.tenant };
        _cleanup_idset_ IdSet set = { 0 };
        _cleanup_free_ gid_t *gids = NULL;
        CoreUser view;
        int r;

        r = core_credential_load(txn, user->uid, &credential);
        if (r == 0)
                r = core_groups_of_user(txn, user->uid, &set);
        if (r == 0)
                r = store_grant_each(txn, user->uid, role_add, &role_walk);
        if (r < 0)
                return r;
        core_texts_sort(&roles);
        gids = calloc(set.count + 1, sizeof(*gids));
        if (!gids)
                return -ENOMEM;
        view = view_of(user, credential);
        view.has_setup_code = credential->setup_code.len > 0 &&
                              credential->setup_code_expires_usec > core->now_usec;
        view.status_by = status_by;
        view.locked_by = locked_by;
        view.created_by = created_by;
        r = groups_sorted(txn, &set, &groups, gids);
        if (r == 0)
                r = core_actor_name(txn, user->status_by, status_by);
        if (r == 0)
                r = core_actor_name(txn, user->locked ? user->locked_by : (uid_t)-1, locked_by);
        if (r == 0)
                r = core_actor_name(txn, user->created_by, created_by);
        if (r < 0)
                return r;
        return view_pack(&view, &groups, gids, &roles, ret);
}

CoreUser *core_user_free(CoreUser *user) {
        free(user);
        return NULL;
}

int core_user_get(Core *core, const char *name, bool deleted, CoreUser **ret, CoreError *error) {
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        _cleanup_(store_user_freep) StoreUser *user = NULL;
        int r;

        r = store_begin_read(core->store, &txn);
        if (r == 0)
                r = core_user_load(core, txn, name, deleted, &user, error);
        if (r != 0)
                return r;
        return core_user_view(core, txn, user, ret);
}

int core_user_get_by_uid(Core *core, uid_t uid, CoreUser **ret, CoreError *error) {
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        _cleanup_(store_user_freep) StoreUser *user = NULL;
        int r;

        r = store_begin_read(core->store, &txn);
        if (r == 0)
                r = store_user_get(txn, uid, &user);
        if (r < 0)
                return r;
        if (r > 0 || user->status == USER_STATUS_DELETED)
                return core_fail(error, CORE_E_NO_SUCH_USER, "uid %u: no such user", uid);
        core_user_settle(user, core->now_usec);
        return core_user_view(core, txn, user, ret);
}
