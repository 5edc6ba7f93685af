/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The seats of a tenant (FEATURES H12).  The store counts them with each user it writes; here is
 * what follows from it within the same change: that none is taken beyond the limit, and that the
 * owners are told once when few are left. */

#include <errno.h>
#include <string.h>

#include "umd/core/undo.h"

#define OWNERS_TOLD_MAX 4U /* of a tenant; the others see it in the report */

/* Nine of ten are taken. */
static bool few_left(uint32_t used, uint32_t seats) {
        return seats > 0 && (uint64_t)used * 10 >= (uint64_t)seats * 9;
}

static bool owns(const Holder *holder, const char *tenant) {
        for (size_t i = 0; i < holder->facts.grant_count; i++)
                if (strcmp(holder->records[i].role, CORE_ROLE_OWNER) == 0 &&
                    (holder->grants[i].all_tenants ||
                     strcmp(holder->records[i].tenant, tenant) == 0))
                        return true;
        return false;
}

static int owner_tell(Change *change, const RoleSet *set, uid_t uid, const StoreSeats *seats,
                      uint32_t limit, size_t *count) {
        _cleanup_(store_user_freep) StoreUser *user = NULL;
        _cleanup_holder_ Holder holder = { 0 };
        int r;

        r = store_user_get(change->txn, uid, &user);
        if (r == 0)
                r = core_holder_load(change->txn, set, user, &holder);
        if (r != 0)
                return r < 0 ? r : -EBADMSG;
        if (user->status != USER_STATUS_ACTIVE || !owns(&holder, seats->tenant))
                return 0;
        (*count)++;
        return core_notice_add(&change->notices, change->txn, uid, user->name, change->now_usec,
                               "%s: %u of its %u seats are taken", seats->tenant, seats->used,
                               limit);
}

static int owners_tell(Change *change, const StoreSeats *seats, uint32_t limit) {
        const RoleSet *set;
        size_t count = 0;
        uid_t uid = 0;
        int r = core_role_set(change->core, change->txn, &set);

        while (r == 0 && count < OWNERS_TOLD_MAX) {
                r = store_grant_holder_next(change->txn, CORE_ROLE_OWNER, uid, &uid);
                if (r == 0)
                        r = owner_tell(change, set, uid, seats, limit, &count);
        }
        return r == STORE_E_MISSING ? 0 : r;
}

int core_seats_tell(Change *change, const char *name) {
        _cleanup_(store_tenant_freep) StoreTenant *tenant = NULL;
        StoreSeats seats;
        CoreError error;
        bool few;
        int r;

        r = core_tenant_load(change->core, change->txn, name, &tenant, &error);
        if (r == 0)
                r = store_seats_get(change->txn, name, &seats);
        if (r != 0)
                return r < 0 ? r : 0;
        few = few_left(seats.used, tenant->seats);
        if (few == seats.told)
                return 0;
        r = store_seats_tell(change->txn, name, few);
        return r == 0 && few ? owners_tell(change, &seats, tenant->seats) : r;
}

static int seat_check(Change *change, const char *name, CoreError *error) {
        _cleanup_(store_tenant_freep) StoreTenant *tenant = NULL;
        StoreSeats seats;
        int r;

        r = core_tenant_load(change->core, change->txn, name, &tenant, error);
        if (r == 0)
                r = store_seats_get(change->txn, name, &seats);
        if (r != 0 || tenant->seats == 0 || seats.used <= tenant->seats)
                return r;
        return core_fail(error, CORE_E_SEAT_LIMIT, "%s: all of its %u seats are taken", name,
                         tenant->seats);
}

int core_seats_follow(Change *change, const StoreUser *before, const StoreUser *after,
                      CoreError *error) {
        bool was = before && store_user_is_seat(before), is = store_user_is_seat(after);
        bool moved = before && strcmp(before->tenant, after->tenant) != 0;
        int r = 0;

        if (was == is && !(is && moved))
                return 0;
        if (is)
                r = seat_check(change, after->tenant, error);
        if (r == 0)
                r = core_seats_tell(change, after->tenant);
        if (r == 0 && moved)
                r = core_seats_tell(change, before->tenant);
        return r;
}

int core_seats_check_actor(Change *change, const char *tenant, const TenantEdit *edit,
                           CoreError *error) {
        const RightsPlace place = { .tenant = tenant ? tenant : change->core->settings.tenant,
                                    .now_usec = change->now_usec,
                                    .over = RIGHTS_OVER_TENANT };
        _cleanup_holder_ Holder actor = { 0 };
        const RoleSet *set;
        int r;

        if (!edit->has_seats || change->actor->uid == 0)
                return 0;
        r = core_role_set(change->core, change->txn, &set);
        if (r == 0)
                r = core_holder_of_actor(change->core, change->txn, set, change->actor, &actor);
        if (r != 0 || policy_rights_has(set, &actor.facts, &place, PERMISSION_BILLING_EDIT))
                return r;
        return core_fail(error, CORE_E_ACCESS_DENIED, "seats: this needs the permission %s",
                         policy_permission_info(PERMISSION_BILLING_EDIT)->name);
}

int core_seat_free(Core *core, StoreTxn *txn, const char *name, bool *ret) {
        _cleanup_(store_tenant_freep) StoreTenant *tenant = NULL;
        StoreSeats seats;
        CoreError error;
        int r;

        *ret = false;
        r = core_tenant_load(core, txn, name, &tenant, &error);
        if (r == 0)
                r = store_seats_get(txn, name, &seats);
        if (r != 0)
                return r < 0 ? r : 0;
        *ret = tenant->seats == 0 || seats.used < tenant->seats;
        return 0;
}

int core_usage_report(Core *core, const Actor *actor, uint64_t now_usec,
                      void (*each)(void *userdata, const CoreUsage *usage), void *userdata,
                      CoreError *error) {
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        _cleanup_texts_ Texts names = { 0 };
        _cleanup_asker_ Asker asker = { 0 };
        int r;

        *error = (CoreError){ 0 };
        core_note_time(core, now_usec);
        r = store_begin_read(core->store, &txn);
        if (r == 0)
                r = core_asker_load(core, txn, actor, &asker);
        if (r == 0)
                r = core_tenant_names(core, txn, &names);
        for (size_t i = 0; i < names.count && r == 0; i++) {
                _cleanup_(store_tenant_freep) StoreTenant *tenant = NULL;
                StoreSeats seats;

                if (!core_asker_has(&asker, PERMISSION_USAGE_VIEW, names.list[i]))
                        continue;
                r = core_tenant_load(core, txn, names.list[i], &tenant, error);
                if (r == 0)
                        r = store_seats_get(txn, names.list[i], &seats);
                if (r == 0)
                        each(userdata, &(CoreUsage){ .tenant = names.list[i],
                                                     .seats = tenant->seats,
                                                     .used = seats.used,
                                                     .users = seats.homes });
        }
        return r;
}
