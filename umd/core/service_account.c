/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Service accounts: accounts of programs, which speak the API and do nothing else (FEATURES A8).
 *
 * One has no password, no second factor and no home, and its shell is um-api: whatever would run
 * something as it comes out at the API.  That no PAM service lets one in is policy's; here is what
 * the record and the verbs have to do with it.
 *
 * All of them are in the group um-api, for sshd's Match block.  It is kept as a list, unlike
 * um-mfa: who is in it is decided once, at the creation, and there are never many. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "umd/core/internal.h"

bool core_spec_is_service(const UserSpec *spec) {
        return spec->kind && strcmp(spec->kind, "service") == 0;
}

static void refuse_text(const char *text, const char *field, const char *why, CoreError *error) {
        if (text && text[0])
                core_fault_add(error, CORE_E_POLICY_REFUSED, "%s: a service account has %s", field,
                               why);
}

/* What neither a new one nor an edited one can have. */
static void check_fields(const UserSpec *spec, CoreError *error) {
        refuse_text(spec->text[USER_FIELD_SHELL], "shell", "none: it speaks the API alone", error);
        refuse_text(spec->text[USER_FIELD_HOME], "home", "none", error);
}

void core_service_check_new(const UserSpec *spec, CoreError *error) {
        const char *email = spec->text[USER_FIELD_EMAIL];

        check_fields(spec, error);
        if (!email || !email[0])
                core_fault_add(error, CORE_E_BAD_VALUE,
                               "email: a service account needs the address of whoever is "
                               "responsible for it");
        if (spec->pending)
                core_fault_add(error, CORE_E_POLICY_REFUSED,
                               "pending: a service account has no setup code that would open it");
}

void core_service_check_edit(const UserSpec *spec, CoreError *error) {
        const char *email = spec->text[USER_FIELD_EMAIL];

        check_fields(spec, error);
        if (email && !email[0])
                core_fault_add(error, CORE_E_POLICY_REFUSED,
                               "email: a service account needs the address of whoever is "
                               "responsible for it");
}

int core_service_refuse_secret(const char *name, CoreError *error) {
        return core_fail(error, CORE_E_POLICY_REFUSED,
                         "%s: is a service account: it has no password and no second factor, and "
                         "comes in by a key (umctl device add-key)",
                         core_quote(name).text);
}

/* ---- the group um-api --------------------------------------------------------------------- */

static int group_make(Change *change, const StoreUser *user, CoreError *error) {
        StoreGroup group = {
                .name = CORE_API_GROUP,
                .description = "service accounts; kept by um",
                .tenant = change->core->settings.tenant,
                .members = &user->uid,
                .member_count = 1,
                .created_usec = change->now_usec,
                .created_by = change->actor->uid,
        };
        int r;

        r = core_allocate_id(change->core, change->txn, &group.gid, error);
        if (r == 0)
                r = core_name_take(change->txn, group.name);
        if (r != 0)
                return r;
        r = store_group_insert(change->txn, &group);
        if (r != 0)
                return r < 0 ? r : -EUCLEAN;
        return core_change_news(change, CORE_OBJECT_GROUP, CORE_NEWS_ADDED, group.gid, group.name,
                                NULL);
}

static int group_add(Change *change, StoreGroup *group, uid_t uid) {
        _cleanup_idset_ IdSet members = { 0 };
        int r = core_idset_reserve(&members, group->member_count + 1);

        for (size_t i = 0; r >= 0 && i < group->member_count; i++)
                r = core_idset_add(&members, group->members[i]);
        if (r >= 0)
                r = core_idset_add(&members, uid);
        if (r < 0)
                return r;
        core_idset_sort(&members);
        group->members = members.ids;
        group->member_count = members.count;
        r = store_group_update(change->txn, group);
        if (r != 0)
                return r < 0 ? r : -EUCLEAN;
        return core_change_news(change, CORE_OBJECT_GROUP, CORE_NEWS_CHANGED, group->gid,
                                group->name, NULL);
}

int core_service_join(Change *change, const StoreUser *user, CoreError *error) {
        _cleanup_(store_group_freep) StoreGroup *group = NULL;
        int r = store_group_get_by_name(change->txn, CORE_API_GROUP, &group);

        if (r < 0)
                return r;
        if (r > 0 || group->deleted)
                return group_make(change, user, error);
        return group_add(change, group, user->uid);
}
