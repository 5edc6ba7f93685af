/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Deleting a tenant (FEATURES D26): its grants are revoked, the users whose home it is are deleted
 * and their sessions end, and a tombstone keeps its name.  All of it is one change, by which it can
 * come back too. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "umd/core/undo.h"

/* Only an owner of it, by a grant that counts, or root. */
static int refuse_others(Change *change, const char *name, CoreError *error) {
        _cleanup_holder_ Holder holder = { 0 };
        const RightsPlace place = { .tenant = name,
                                    .now_usec = change->now_usec,
                                    .over = RIGHTS_OVER_TENANT };
        const RoleSet *set;
        uint16_t owner;
        int r;

        if (change->actor->uid == 0)
                return 0;
        r = core_role_set(change->core, change->txn, &set);
        if (r == 0)
                r = core_holder_of_actor(change->core, change->txn, set, change->actor, &holder);
        if (r != 0)
                return r;
        owner = policy_role_from_name(set, CORE_ROLE_OWNER);
        for (size_t i = 0; i < holder.facts.grant_count; i++)
                if (holder.grants[i].role == owner &&
                    policy_grant_state(set, &holder.facts, &holder.grants[i], &place, NULL) ==
                            GRANT_COUNTS)
                        return 0;
        return core_fail(error, CORE_E_PROTECTED, "%s: only an owner of it or root may delete it",
                         name);
}

/* ---- its grants --------------------------------------------------------------------------- */

/* Everybody who holds any role: most have none at this tenant. */
static int holder_note(void *userdata, const char *role, uid_t uid) {
        int r = core_idset_add(userdata, uid);

        return r < 0 ? r : 0;
}

static int grants_revoke(Change *change, const RoleSet *set, uid_t uid, const char *tenant,
                         size_t *count) {
        _cleanup_(store_user_freep) StoreUser *user = NULL;
        _cleanup_holder_ Holder holder = { 0 };
        int r;

        r = store_user_get(change->txn, uid, &user);
        if (r == 0)
                r = core_holder_load(change->txn, set, user, &holder);
        for (size_t i = 0; i < holder.facts.grant_count && r == 0; i++) {
                if (holder.grants[i].automatic || strcmp(holder.records[i].tenant, tenant) != 0)
                        continue;
                r = core_note_grant(change, &holder.records[i], NULL);
                if (r == 0)
                        r = store_grant_delete(change->txn, &holder.records[i]);
                if (r == 0)
                        r = core_change_news(change, CORE_OBJECT_USER, CORE_NEWS_CHANGED, uid,
                                             user->name, NULL);
                (*count)++;
        }
        return r > 0 ? -EUCLEAN : r;
}

static int revoke_all(Change *change, const char *tenant, size_t *ret_count) {
        _cleanup_idset_ IdSet uids = { 0 };
        const RoleSet *set;
        int r;

        *ret_count = 0;
        r = core_role_set(change->core, change->txn, &set);
        if (r == 0)
                r = store_grant_holders(change->txn, holder_note, &uids);
        for (size_t i = 0; i < uids.count && r == 0; i++)
                r = grants_revoke(change, set, uids.ids[i], tenant, ret_count);
        return r;
}

/* ---- what goes with it -------------------------------------------------------------------- */

typedef struct Count {
        const char *tenant;
        uint32_t grants;
} Count;

static int grant_count(void *userdata, const StoreGrant *grant) {
        Count *count = userdata;

        count->grants += strcmp(grant->tenant, count->tenant) == 0;
        return 0;
}

int core_tenant_use(Core *core, StoreTxn *txn, const char *name, CoreTenantUse *ret) {
        _cleanup_idset_ IdSet uids = { 0 };
        Count count = { .tenant = name };
        StoreSeats seats;
        int r;

        r = store_seats_get(txn, name, &seats);
        if (r == 0)
                r = store_grant_holders(txn, holder_note, &uids);
        for (size_t i = 0; i < uids.count && r == 0; i++)
                r = store_grant_each(txn, uids.ids[i], grant_count, &count);
        if (r == 0)
                *ret = (CoreTenantUse){ .users = seats.homes, .grants = count.grants };
        return r;
}

typedef struct Homes {
        const char *tenant;
        Texts names;
} Homes;

static void homes_done(Homes *homes) {
        core_texts_done(&homes->names);
}

static int home_note(void *userdata, const StoreUser *user) {
        Homes *homes = userdata;

        return user->status == USER_STATUS_DELETED || strcmp(user->tenant, homes->tenant) != 0
                       ? 0
                       : core_texts_add(&homes->names, user->name);
}

/* ---- the verb ----------------------------------------------------------------------------- */

/* The tenant and its grants: a change of its own, or the first part of one with its users. */
static int tenant_delete(Core *core, const Actor *actor, const char *name,
                         const CoreOptions *options, uint64_t now_usec, CoreChange *ret,
                         CoreError *error) {
        _cleanup_change_ Change change = { 0 };
        _cleanup_(store_tenant_freep) StoreTenant *tenant = NULL;
        StoreTenant before;
        char revoked[24];
        size_t count;
        int r;

        r = core_change_begin(&change, core, actor, options, now_usec, error);
        if (r == 0)
                r = core_tenant_load(core, change.txn, name, &tenant, error);
        if (r == 0)
                r = core_check_version(options, name, tenant->version, error);
        if (r == 0)
                r = refuse_others(&change, name, error);
        if (r == 0 && core_tenant_is_always_there(core, name))
                r = core_fail(error, CORE_E_PROTECTED, "%s: is the tenant of this host", name);
        if (r == 0)
                r = revoke_all(&change, name, &count);
        if (r != 0)
                return r;
        snprintf(revoked, sizeof(revoked), "%zu", count);
        before = *tenant;
        tenant->deleted = true;
        r = core_change_value(&change, "name", name, NULL);
        if (r == 0)
                r = core_change_value(&change, "grants", revoked, "0");
        if (r == 0)
                r = core_tenant_write(&change, &before, tenant);
        return r < 0 ? r
                     : core_change_commit(&change, "tenant.delete", "tenant", name, 0,
                                          tenant->version + 1, ret);
}

/* Who is at home there is an owner of it no more by now, and nobody's last one. */
static int users_delete(Together *together, const Actor *actor, const char *name,
                        const CoreOptions *options, uint64_t now_usec, CoreError *error) {
        _cleanup_(homes_done) Homes homes = { .tenant = name };
        CoreOptions ending = *options;
        CoreChange change;
        int r;

        ending.end_sessions = true;
        r = store_user_each(together->txn, home_note, &homes);
        for (size_t i = 0; i < homes.names.count && r == 0; i++)
                r = core_user_step(together->core, actor, homes.names.list[i], STATUS_STEP_DELETE,
                                   USEC_INFINITY, &ending, now_usec, &change, error);
        return r;
}

static int delete_with_users(Core *core, const Actor *actor, const char *name,
                             const CoreOptions *options, uint64_t now_usec, CoreChange *ret,
                             CoreError *error) {
        _cleanup_together_ Together together = { 0 };
        _cleanup_change_ Change head = {
                .core = core, .actor = actor, .options = options, .now_usec = now_usec
        };
        CoreOptions part = *options;
        CoreChange change;
        int r;

        part.if_version = 0; /* there are several objects */
        r = core_together_begin(&together, core, actor, &part, now_usec, error);
        part.if_version = options->if_version;
        head.txn = together.txn;
        head.together = &together;
        if (r == 0)
                r = tenant_delete(core, actor, name, &part, now_usec, &change, error);
        if (r == 0)
                r = users_delete(&together, actor, name, options, now_usec, error);
        if (r == 0)
                r = core_change_value(&head, "name", name, NULL);
        if (r != 0)
                return r;
        return core_together_commit(&together, &head, "batch", "verb", "tenant.delete", 0, ret);
}

int core_tenant_delete(Core *core, const Actor *actor, const char *name, const CoreOptions *options,
                       uint64_t now_usec, CoreChange *ret, CoreError *error) {
        StoreSeats seats = { 0 };
        int r = 0;

        *error = (CoreError){ 0 };
        if (!core->together) {
                _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;

                r = store_begin_read(core->store, &txn);
                if (r == 0)
                        r = store_seats_get(txn, name, &seats);
        }
        if (r < 0)
                return r;
        if (seats.homes > CORE_BATCH_MAX)
                return core_fail(error, CORE_E_POLICY_REFUSED,
                                 "%s: is the home of %u users, and at most %u go with it: delete "
                                 "them first",
                                 core_quote(name).text, seats.homes, CORE_BATCH_MAX);
        if (seats.homes > 0)
                return delete_with_users(core, actor, name, options, now_usec, ret, error);
        r = tenant_delete(core, actor, name, options, now_usec, ret, error);
        if (r == 0 && core->together)
                r = users_delete(core->together, actor, name, options, now_usec, error);
        return r;
}

int core_tenant_restore(Core *core, const Actor *actor, const char *name,
                        const CoreOptions *options, uint64_t now_usec, CoreChange *ret,
                        CoreError *error) {
        _cleanup_change_ Change change = { 0 };
        _cleanup_(store_tenant_freep) StoreTenant *tenant = NULL;
        StoreTenant before;
        int r;

        r = core_change_begin(&change, core, actor, options, now_usec, error);
        if (r == 0)
                r = store_tenant_get(change.txn, name, &tenant);
        if (r == STORE_E_MISSING || (r == 0 && !tenant->deleted))
                return core_fail(error, CORE_E_NO_SUCH_TENANT, "%s: no such deleted tenant",
                                 core_quote(name).text);
        if (r != 0)
                return r;
        before = *tenant;
        tenant->deleted = false;
        r = core_change_value(&change, "name", NULL, name);
        if (r == 0)
                r = core_tenant_write(&change, &before, tenant);
        return r < 0 ? r
                     : core_change_commit(&change, "tenant.restore", "tenant", name, 0,
                                          tenant->version + 1, ret);
}
