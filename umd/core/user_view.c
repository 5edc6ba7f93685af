/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A user as the faces show him: the record, what the credential tells without being one, his groups
 * with nesting flattened, his roles.  No verifier gets here. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "umd/core/holders.h"
#include "umd/core/lockout.h"
#include "umd/core/user_attributes.h"

/* Nobody has the name now; who had it is what an admin asks next.  A local name is the host's. */
static int missing_fail(Core *core, StoreTxn *txn, const char *name, CoreError *error) {
        char holder[CORE_FORMER_BYTES];
        uid_t uid;
        int r = STORE_E_MISSING;

        if (!core->host.name_held(core->host.userdata, name, false))
                r = core_former_holder(txn, name, &uid, holder);
        if (r < 0)
                return r;
        return core_fail(error, CORE_E_NO_SUCH_USER, "%s: no such user%s%s", core_quote(name).text,
                         r == 0 ? "; " : "", r == 0 ? holder : "");
}

/* An address is one user's in each tenant: this host's goes first, and of others it has to be one
 * alone. */
static int load_by_email(Core *core, StoreTxn *txn, const char *email, StoreUser **ret) {
        _cleanup_(store_user_freep) StoreUser *found = NULL;
        _cleanup_texts_ Texts tenants = { 0 };
        int r;

        r = store_user_get_by_email(txn, core->settings.tenant, email, ret);
        if (r != STORE_E_MISSING)
                return r;
        r = core_tenant_names(core, txn, &tenants);
        for (size_t i = 0; i < tenants.count && r == 0; i++) {
                StoreUser *user;

                r = store_user_get_by_email(txn, tenants.list[i], email, &user);
                if (r == STORE_E_MISSING) {
                        r = 0;
                        continue;
                }
                if (r == 0 && found) {
                        store_user_free(user);
                        return STORE_E_MISSING;
                }
                if (r == 0)
                        found = user;
        }
        if (r < 0)
                return r;
        *ret = TAKE(found);
        return *ret ? 0 : STORE_E_MISSING;
}

int core_user_find(Core *core, StoreTxn *txn, const char *name, StoreUser **ret) {
        return strchr(name, '@') ? load_by_email(core, txn, name, ret)
                                 : store_user_get_by_name(txn, name, ret);
}

int core_user_load(Core *core, StoreTxn *txn, const char *name, bool deleted, StoreUser **ret,
                   CoreError *error) {
        _cleanup_(store_user_freep) StoreUser *user = NULL;
        int r;

        r = core_user_find(core, txn, name, &user);
        if (r < 0)
                return r;
        if (r > 0 || (user->status == USER_STATUS_DELETED && !deleted))
                return missing_fail(core, txn, name, error);
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

/* A group of the user's, by name. */
typedef struct Membership {
        const char *name;
        gid_t gid;
} Membership;

static int membership_compare(const void *a, const void *b) {
        return strcmp(((const Membership *)a)->name, ((const Membership *)b)->name);
}

/* The names of groups, sorted, and their gids in the same order. */
static int groups_sorted(StoreTxn *txn, const IdSet *set, GroupNames *names, const char **ret_names,
                         gid_t *ret_gids, size_t *ret_count) {
        _cleanup_free_ Membership *list = calloc(set->count + 1, sizeof(*list));
        size_t count = 0;
        int r;

        if (!list)
                return -ENOMEM;
        for (size_t i = 0; i < set->count; i++) {
                r = core_group_name(txn, names, set->ids[i], &list[count].name);
                if (r < 0)
                        return r;
                if (r == 0)
                        list[count++].gid = set->ids[i];
        }
        if (count > 1)
                qsort(list, count, sizeof(*list), membership_compare);
        for (size_t i = 0; i < count; i++) {
                ret_names[i] = list[i].name;
                ret_gids[i] = list[i].gid;
        }
        *ret_count = count;
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
                .kind = core_role_kind_name(user->service ? HOLDER_SERVICE : HOLDER_PERSON),
                .read_only = user->read_only,
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

/* By what is in effect. */
static int view_age(Core *core, StoreTxn *txn, const StoreCredential *credential, CoreUser *view) {
        PolicyFacts facts = { 0 };
        PolicyValues values;
        int r;

        if (credential->password.len == 0)
                return 0;
        r = core_policy_values(core, txn, credential->uid, &values);
        if (r < 0)
                return r;
        view->password_expires_usec = core_password_expires(credential, &values);
        facts.grace_logins = values.password_grace_logins;
        if (core->now_usec >= view->password_expires_usec)
                facts.grace_used = credential->grace_used;
        view->password_grace_left = policy_grace_left(&facts, false);
        return 0;
}

static const size_t user_texts[] = {
        offsetof(CoreUser, name),
        offsetof(CoreUser, full_name),
        offsetof(CoreUser, email),
        offsetof(CoreUser, phone),
        offsetof(CoreUser, title),
        offsetof(CoreUser, department),
        offsetof(CoreUser, language),
        offsetof(CoreUser, time_zone),
        offsetof(CoreUser, notify),
        offsetof(CoreUser, shell),
        offsetof(CoreUser, home),
        offsetof(CoreUser, tenant),
        offsetof(CoreUser, status_by),
        offsetof(CoreUser, status_reason),
        offsetof(CoreUser, locked_by),
        offsetof(CoreUser, locked_reason),
        offsetof(CoreUser, created_by),
        offsetof(CoreUser, locked_out_from),
        offsetof(CoreUser, last_failure_source),
        offsetof(CoreUser, last_failure_service),
};

/* What is no text needs a home of its own beside the packed texts: it goes first into one block,
 * with what has the widest members in front. */
static int view_pack(const CoreUser *view, CoreUser **ret) {
        const PackArray arrays[] = {
                { offsetof(CoreUser, groups), view->group_count },
                { offsetof(CoreUser, roles), view->role_count },
                { offsetof(CoreUser, attribute_names), view->attribute_count },
                { offsetof(CoreUser, attribute_values), view->attribute_count },
        };
        size_t untils = sizeof(CoreUser);
        size_t gids = untils + view->attribute_count * sizeof(uint64_t);
        size_t private = gids + view->group_count * sizeof(gid_t);
        size_t bytes = private + view->attribute_count * sizeof(bool);
        _cleanup_free_ char *block = malloc(bytes);
        void *packed;
        int r;

        if (!block)
                return -ENOMEM;
        memcpy(block, view, sizeof(CoreUser));
        if (view->attribute_count > 0) {
                memcpy(block + untils, view->attribute_untils, gids - untils);
                memcpy(block + private, view->attribute_private, bytes - private);
        }
        if (view->group_count > 0)
                memcpy(block + gids, view->gids, private - gids);
        r = core_pack(block, bytes, user_texts, ARRAY_LENGTH(user_texts), arrays,
                      ARRAY_LENGTH(arrays), &packed);
        if (r < 0)
                return r;
        *ret = packed;
        (*ret)->attribute_untils = (const uint64_t *)(void *)((char *)packed + untils);
        (*ret)->gids = (const gid_t *)(void *)((char *)packed + gids);
        (*ret)->attribute_private = (const bool *)(void *)((char *)packed + private);
        return 0;
}

/* Borrows from lockout. */
static void view_failures(const LockoutView *lockout, CoreUser *view) {
        view->locked_out = lockout->locked;
        view->locked_out_from = lockout->places;
        view->locked_out_until_usec = lockout->until_usec;
        view->failures = lockout->failures;
        view->last_failure_usec = lockout->last_usec;
        view->last_failure_source = lockout->source;
        view->last_failure_service = lockout->service;
}

/* The names of who did what, in buffers of the caller's. */
static int view_actors(StoreTxn *txn, const StoreUser *user, char (*bufs)[CORE_ACTOR_BYTES],
                       CoreUser *view) {
        const uid_t uids[3] = { user->status_by, user->locked ? user->locked_by : (uid_t)-1,
                                user->created_by };
        int r = 0;

        for (size_t i = 0; r == 0 && i < ARRAY_LENGTH(uids); i++)
                r = core_actor_name(txn, uids[i], bufs[i]);
        view->status_by = bufs[0];
        view->locked_by = bufs[1];
        view->created_by = bufs[2];
        return r;
}

int core_user_view(Core *core, StoreTxn *txn, GroupNames *names, const StoreUser *user,
                   CoreUser **ret) {
        _cleanup_(store_credential_freep) StoreCredential *credential = NULL;
        _cleanup_texts_ Texts role_names = { 0 };
        _cleanup_free_ const char **group_names = NULL;
        _cleanup_free_ gid_t *gids = NULL;
        _cleanup_idset_ IdSet set = { 0 };
        char actors[3][CORE_ACTOR_BYTES];
        const char *type = "";
        AttributesView attributes;
        LockoutView lockout;
        CoreUser view;
        int r;

        r = core_credential_load(txn, user->uid, &credential);
        if (r == 0)
                r = core_groups_of_user(core, txn, user->uid, &set, NULL);
        if (r == 0)
                r = core_roles_of_user(core, txn, user, &role_names, &type);
        if (r == 0)
                r = core_attributes_view(txn, user, &attributes);
        if (r < 0)
                return r;
        gids = calloc(set.count + 1, sizeof(*gids));
        group_names = calloc(set.count + 1, sizeof(*group_names));
        if (!gids || !group_names)
                return -ENOMEM;
        view = view_of(user, credential);
        view.has_setup_code = credential->setup_code.len > 0 &&
                              credential->setup_code_expires_usec > core->now_usec;
        view.type = type;
        view.affiliation = core_user_affiliation(core, user);
        view.groups = group_names;
        view.gids = gids;
        view.roles = (const char *const *)role_names.list;
        view.role_count = role_names.count;
        view.attribute_names = attributes.names;
        view.attribute_values = attributes.values;
        view.attribute_untils = attributes.untils;
        view.attribute_private = attributes.is_private;
        view.attribute_count = attributes.count;
        r = groups_sorted(txn, &set, names, group_names, gids, &view.group_count);
        if (r == 0)
                r = view_age(core, txn, credential, &view);
        if (r == 0)
                r = core_lockout_view(core, txn, user->uid, core->now_usec, &lockout);
        if (r == 0)
                view_failures(&lockout, &view);
        if (r == 0)
                r = view_actors(txn, user, actors, &view);
        if (r < 0)
                return r;
        return view_pack(&view, ret);
}

CoreUser *core_user_free(CoreUser *user) {
        free(user);
        return NULL;
}

int core_user_get(Core *core, const char *name, bool deleted, CoreUser **ret, CoreError *error) {
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        _cleanup_(store_user_freep) StoreUser *user = NULL;
        _cleanup_group_names_ GroupNames names = { 0 };
        int r;

        r = store_begin_read(core->store, &txn);
        if (r == 0)
                r = core_user_load(core, txn, name, deleted, &user, error);
        if (r != 0)
                return r;
        return core_user_view(core, txn, &names, user, ret);
}

int core_user_get_by_uid(Core *core, uid_t uid, CoreUser **ret, CoreError *error) {
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        _cleanup_(store_user_freep) StoreUser *user = NULL;
        _cleanup_group_names_ GroupNames names = { 0 };
        int r;

        r = store_begin_read(core->store, &txn);
        if (r == 0)
                r = store_user_get(txn, uid, &user);
        if (r < 0)
                return r;
        if (r > 0 || user->status == USER_STATUS_DELETED)
                return core_fail(error, CORE_E_NO_SUCH_USER, "uid %u: no such user", uid);
        core_user_settle(user, core->now_usec);
        return core_user_view(core, txn, &names, user, ret);
}

bool core_user_acts(StoreUser *user, uint64_t now_usec) {
        core_user_settle(user, now_usec);
        return user->status == USER_STATUS_ACTIVE && !user->locked &&
               now_usec >= user->valid_from_usec && now_usec < user->valid_until_usec;
}

bool core_user_may_act(Core *core, uid_t uid) {
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        _cleanup_(store_user_freep) StoreUser *user = NULL;

        return store_begin_read(core->store, &txn) == 0 && store_user_get(txn, uid, &user) == 0 &&
               core_user_acts(user, core->now_usec) && !user->read_only;
}

bool core_service_is_shut(Core *core, uid_t uid, uint64_t now_usec) {
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        _cleanup_(store_user_freep) StoreUser *user = NULL;
        int r = store_begin_read(core->store, &txn);

        if (r == 0)
                r = store_user_get(txn, uid, &user);
        return r < 0 || (r == 0 && user->service && !core_user_acts(user, now_usec));
}
