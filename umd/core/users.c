/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Making and editing users.  Everything that is wrong with a spec is found before anything is
 * written, and named; then the record, the default grant, the audit entry and the event go into one
 * transaction.  uid and gid are fixed at creation: files carry them. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "umd/core/holders.h"
#include "umd/core/login.h"
#include "umd/core/undo.h"
#include "umd/core/user_attributes.h"

static void check_texts(Core *core, const UserSpec *spec, CoreError *error) {
        for (UserField f = 0; f < _USER_FIELD_TEXT_MAX; f++)
                if (spec->text[f])
                        core_check_field(core, f, spec->text[f], error);
}

static void check_validity(uint64_t from_usec, uint64_t until_usec, CoreError *error) {
        char from[32], until[32];

        if (until_usec > from_usec)
                return;
        base_format_rfc3339(from_usec, from);
        base_format_rfc3339(until_usec, until);
        core_fault_add(error, CORE_E_BAD_VALUE, "valid until: %s: must be after valid from, %s",
                       until, from);
}

/* An address belongs to one user per tenant, also while he is deleted: he may come back. */
static int check_email(StoreTxn *txn, const char *tenant, const char *email, uid_t uid,
                       CoreError *error) {
        _cleanup_(store_user_freep) StoreUser *user = NULL;
        int r;

        if (!email[0])
                return 0;
        r = store_user_get_by_email(txn, tenant, email, &user);
        if (r != 0)
                return r < 0 ? r : 0;
        if (user->uid != uid)
                core_fault_add(error, CORE_E_CONFLICT, "email: \"%s\": is the address of %s%s",
                               core_quote(email).text, user->name,
                               user->status == USER_STATUS_DELETED ? " (deleted)" : "");
        return 0;
}

static void check_read_only(const UserSpec *spec, bool service, CoreError *error) {
        if (spec->read_only && !service)
                core_fault_add(error, CORE_E_BAD_VALUE, "read_only: only a service account can be");
}

static int check_ids(Core *core, StoreTxn *txn, const UserSpec *spec, CoreError *error) {
        if (spec->has_gid && (!spec->has_uid || spec->gid != spec->uid))
                core_fault_add(error, CORE_E_BAD_VALUE,
                               "gid: %u: must be the uid: a user's own group has his number",
                               spec->gid);
        if (!spec->has_uid)
                return 0;
        return core_check_id_free(core, txn, "uid", spec->uid, error);
}

static int check_tenant(Core *core, StoreTxn *txn, const char *name, CoreError *error) {
        _cleanup_(store_tenant_freep) StoreTenant *tenant = NULL;
        int r;

        if (!name)
                return 0;
        r = core_tenant_load(core, txn, name, &tenant, NULL);
        if (r > 0)
                core_fault_add(error, CORE_E_NO_SUCH_TENANT, "tenant: \"%s\": no such tenant",
                               core_quote(name).text);
        return r < 0 ? r : 0;
}

static void check_kind(const UserSpec *spec, CoreError *error) {
        bool service = core_spec_is_service(spec);

        if (spec->kind && !service && strcmp(spec->kind, "person") != 0)
                core_fault_add(error, CORE_E_BAD_VALUE, "kind: \"%s\": must be person or service",
                               core_quote(spec->kind).text);
        check_read_only(spec, service, error);
        if (service)
                core_service_check_new(spec, error);
}

static int check_new(Core *core, StoreTxn *txn, const UserSpec *spec, CoreError *error) {
        const char *name = spec->text[USER_FIELD_NAME], *email = spec->text[USER_FIELD_EMAIL];
        int r;

        if (!name)
                core_fault_add(error, CORE_E_BAD_VALUE, "name: may not be empty");
        check_texts(core, spec, error);
        check_validity(spec->has_valid_from ? spec->valid_from_usec : 0,
                       spec->has_valid_until ? spec->valid_until_usec : USEC_INFINITY, error);
        check_kind(spec, error);
        r = check_tenant(core, txn, spec->tenant, error);
        if (r == 0)
                r = check_ids(core, txn, spec, error);
        if (r < 0)
                return r;
        /* what is no name or address is not looked for */
        if (name && base_field_check(FIELD_USER_NAME, name, strlen(name)) == FIELD_OK) {
                r = core_check_name_free(core, txn, name, 0, error);
                if (r < 0)
                        return r;
        }
        if (email && base_field_check(FIELD_EMAIL, email, strlen(email)) == FIELD_OK)
                return check_email(txn, spec->tenant ? spec->tenant : core->settings.tenant, email,
                                   0, error);
        return 0;
}

static StoreUser user_empty(const Core *core, const Actor *actor, uint64_t now_usec) {
        return (StoreUser){
                .full_name = "",
                .email = "",
                .phone = "",
                .title = "",
                .department = "",
                .language = "",
                .time_zone = "",
                .notify = "",
                .shell = core->settings.shell,
                .home = "",
                .tenant = core->settings.tenant,
                .status = USER_STATUS_ACTIVE,
                .status_since_usec = now_usec,
                .status_by = actor->uid,
                .status_reason = "",
                .suspended_until_usec = USEC_INFINITY,
                .valid_until_usec = USEC_INFINITY,
                .locked_by = (uid_t)-1,
                .locked_reason = "",
                .created_usec = now_usec,
                .created_by = actor->uid,
        };
}

static int values_of(Change *change, StoreUser *before, StoreUser *after) {
        int r;

        for (UserField f = 0; f < _USER_FIELD_TEXT_MAX; f++) {
                r = core_change_value(change, core_user_field_name(f),
                                      before ? *core_user_text(before, f) : NULL,
                                      *core_user_text(after, f));
                if (r < 0)
                        return r;
        }
        r = core_change_value_time(change, "valid_from", before ? before->valid_from_usec : 0,
                                   after->valid_from_usec);
        if (r == 0)
                r = core_change_value_time(change, "valid_until",
                                           before ? before->valid_until_usec : USEC_INFINITY,
                                           after->valid_until_usec);
        if (r == 0)
                r = core_change_value(change, "tenant", before ? before->tenant : NULL,
                                      after->tenant);
        if (r == 0 && !before)
                r = core_change_value(change, "kind", NULL, after->service ? "service" : NULL);
        if (r == 0)
                r = core_change_value_bool(change, "read_only", before && before->read_only,
                                           after->read_only);
        return r;
}

static int insert_user(Change *change, StoreUser *user, const char *role, CoreError *error) {
        char uid[16];
        int r;

        r = core_name_take(change->txn, user->name);
        if (r == 0)
                r = store_user_insert(change->txn, user);
        if (r > 0)
                return -EUCLEAN; /* all that could be taken was looked at */
        snprintf(uid, sizeof(uid), "%u", user->uid);
        if (r == 0)
                r = core_change_value(change, "uid", NULL, uid);
        if (r == 0)
                r = core_change_value(change, "status", NULL, policy_status_name(user->status));
        if (r == 0)
                r = core_grant_first(change, user, role, error);
        if (r == 0 && user->service)
                r = core_service_join(change, user, error);
        if (r == 0)
                r = core_gain_check_new(change, user, error);
        if (r == 0)
                r = values_of(change, NULL, user);
        if (r == 0)
                r = core_note_user(change, NULL, user);
        if (r == 0)
                r = core_seats_follow(change, NULL, user, error);
        if (r != 0)
                return r;
        return core_change_news(change, CORE_OBJECT_USER, CORE_NEWS_ADDED, user->uid, user->name,
                                NULL);
}

/* The texts of a spec over those of a record; the spec's live as long as the record is used. */
static void spec_apply(const UserSpec *spec, StoreUser *user) {
        for (UserField f = 0; f < _USER_FIELD_TEXT_MAX; f++)
                if (spec->text[f])
                        *core_user_text(user, f) = spec->text[f];
        if (spec->has_valid_from)
                user->valid_from_usec = spec->valid_from_usec;
        if (spec->has_valid_until)
                user->valid_until_usec = spec->valid_until_usec;
        if (spec->tenant)
                user->tenant = spec->tenant;
        if (spec->has_read_only)
                user->read_only = spec->read_only;
}

/* The home follows from the name, and must be one even where the settings make a strange path. */
static void default_home(Core *core, StoreUser *user, char *buf, size_t size, CoreError *error) {
        int n = snprintf(buf, size, "%s/%s", core->settings.home_root, user->name);

        if (n < 0 || (size_t)n >= size)
                core_fault_add(error, CORE_E_BAD_VALUE, "home: is too long");
        else
                core_check_field(core, USER_FIELD_HOME, buf, error);
        user->home = buf;
}

int core_user_make(Change *change, const UserSpec *spec, uid_t *ret_uid, CoreError *error) {
        StoreUser user = user_empty(change->core, change->actor, change->now_usec);
        _cleanup_attributes_ AttributesDraft attributes = { 0 };
        char home[BASE_PATH_MAX + 1];
        CoreError faults = { 0 };
        int r;

        r = core_change_may_in(change, PERMISSION_USER_CREATE,
                               spec->tenant ? spec->tenant : user.tenant, error);
        if (r == 0 && spec->attribute_count > 0)
                r = core_change_may_in(change, PERMISSION_USER_ATTRIBUTE_SET,
                                       spec->tenant ? spec->tenant : user.tenant, error);
        if (r == 0 && spec->text[USER_FIELD_NAME])
                r = core_linux_guard_name(change, spec->text[USER_FIELD_NAME], error);
        if (r == 0)
                r = check_new(change->core, change->txn, spec, &faults);
        if (r != 0)
                return r;
        spec_apply(spec, &user);
        r = core_attributes_edit(change, spec, &user, &attributes, &faults);
        if (r < 0)
                return r;
        user.attributes = attributes.bytes;
        user.attributes_len = attributes.len;
        user.service = core_spec_is_service(spec);
        if (user.service) {
                user.shell = CORE_API_PROGRAM;
                user.home = CORE_NO_HOME;
        } else if (faults.outcome == CORE_DONE && !spec->text[USER_FIELD_HOME])
                default_home(change->core, &user, home, sizeof(home), &faults);
        if (faults.outcome != CORE_DONE) {
                *error = faults;
                return (int)faults.outcome;
        }
        if (spec->pending)
                user.status = USER_STATUS_PENDING;
        user.uid = spec->uid;
        if (!spec->has_uid) {
                r = core_allocate_id(change->core, change->txn, &user.uid, error);
                if (r != 0)
                        return r;
        }
        user.gid = user.uid;
        r = insert_user(change, &user, spec->role, error);
        if (r == 0)
                *ret_uid = user.uid;
        return r;
}

int core_user_create(Core *core, const Actor *actor, const UserSpec *spec,
                     const CoreOptions *options, uint64_t now_usec, CoreChange *ret,
                     CoreError *error) {
        _cleanup_change_ Change change = { 0 };
        uid_t uid;
        int r;

        r = core_change_begin(&change, core, actor, options, now_usec, error);
        if (r == 0)
                r = core_user_make(&change, spec, &uid, error);
        if (r != 0)
                return r;
        return core_change_commit(&change, "user.create", "user", spec->text[USER_FIELD_NAME], uid,
                                  1, ret);
}

/* ---- editing ------------------------------------------------------------------------------ */

static int check_edit(Core *core, StoreTxn *txn, const UserSpec *spec, const StoreUser *user,
                      CoreError *error) {
        const char *name = spec->text[USER_FIELD_NAME], *email = spec->text[USER_FIELD_EMAIL];
        int r;

        if (spec->has_uid)
                core_fault_add(error, CORE_E_BAD_VALUE, "uid: %u: is fixed at creation", spec->uid);
        if (spec->has_gid)
                core_fault_add(error, CORE_E_BAD_VALUE, "gid: %u: is fixed at creation", spec->gid);
        if (spec->pending)
                core_fault_add(error, CORE_E_BAD_VALUE, "pending: only at creation");
        if (spec->kind)
                core_fault_add(error, CORE_E_BAD_VALUE, "kind: %s: is fixed at creation",
                               user->service ? "service" : "person");
        if (spec->role)
                core_fault_add(error, CORE_E_BAD_VALUE, "role: only at creation");
        check_texts(core, spec, error);
        check_read_only(spec, user->service, error);
        if (user->service)
                core_service_check_edit(spec, error);
        check_validity(spec->has_valid_from ? spec->valid_from_usec : user->valid_from_usec,
                       spec->has_valid_until ? spec->valid_until_usec : user->valid_until_usec,
                       error);
        r = check_tenant(core, txn, spec->tenant, error);
        if (r == 0 && name && strcmp(name, user->name) != 0 &&
            base_field_check(FIELD_USER_NAME, name, strlen(name)) == FIELD_OK)
                r = core_check_name_free(core, txn, name, user->uid, error);
        if (!email)
                email = user->email;
        if (r == 0 && base_field_check(FIELD_EMAIL, email, strlen(email)) == FIELD_OK)
                r = check_email(txn, spec->tenant ? spec->tenant : user->tenant, email, user->uid,
                                error);
        return r;
}

/* Whoever moves an account hands it to those who administer the new home, and may do there what he
 * may do here. */
static int check_move(Change *change, const UserSpec *spec, const StoreUser *user,
                      CoreError *error) {
        if (!spec->tenant || strcmp(spec->tenant, user->tenant) == 0)
                return 0;
        return core_change_may_in(change, PERMISSION_USER_IDENTITY_EDIT, spec->tenant, error);
}

static int update_user(Change *change, const char *old_name, StoreUser *user) {
        bool renamed = strcmp(old_name, user->name) != 0;
        int r = 0;

        if (renamed)
                r = core_name_take(change->txn, user->name);
        if (r == 0)
                r = renamed ? store_user_rename(change->txn, user, change->now_usec)
                            : store_user_update(change->txn, user);
        if (r > 0)
                return -EUCLEAN; /* read and checked within this transaction */
        if (r == 0)
                r = core_change_news(change, CORE_OBJECT_USER, CORE_NEWS_CHANGED, user->uid,
                                     user->name, renamed ? old_name : NULL);
        if (r == 0 && renamed) /* groups show their members by name */
                r = core_change_news_user_groups(change, user->uid);
        return r;
}

/* Roles, policy values and scopes go by what somebody is: that is for others to say. */
static int check_own_limits(Change *change, const StoreUser *user, const StoreUser *edited,
                            CoreError *error) {
        if (change->actor->uid == 0 || change->actor->uid != user->uid)
                return 0;
        if (!core_user_facts_differ(user, edited) &&
            strcmp(user->department, edited->department) == 0 &&
            strcmp(user->title, edited->title) == 0 && strcmp(user->tenant, edited->tenant) == 0 &&
            user->read_only == edited->read_only &&
            user->valid_from_usec == edited->valid_from_usec &&
            user->valid_until_usec == edited->valid_until_usec)
                return 0;
        return core_fail(error, CORE_E_PROTECTED,
                         "%s: nobody sets for himself what his rights may go by: department, "
                         "title, tenant, attributes, validity",
                         user->name);
}

/* What the edit may not come to, whoever may make one. */
static int check_edited(Change *change, const StoreUser *user, const StoreUser *edited,
                        CoreError *error) {
        int r = check_own_limits(change, user, edited, error);

        if (r == 0 && strcmp(user->name, edited->name) != 0)
                r = core_linux_guard_name(change, edited->name, error);
        return r != 0 ? r : core_gain_check(change, user, edited, error);
}

int core_user_update(Core *core, const Actor *actor, const char *name, const UserSpec *spec,
                     const CoreOptions *options, uint64_t now_usec, CoreChange *ret,
                     CoreError *error) {
        _cleanup_change_ Change change = { 0 };
        _cleanup_(store_user_freep) StoreUser *user = NULL;
        _cleanup_owners_ Owners owners = { 0 };
        _cleanup_attributes_ AttributesDraft attributes = { 0 };
        CoreError faults = { 0 };
        StoreUser edited;
        bool news;
        int r;

        r = core_change_begin(&change, core, actor, options, now_usec, error);
        if (r == 0)
                r = core_user_load(core, change.txn, name, false, &user, error);
        if (r == 0)
                r = core_check_version(options, user->name, user->version, error);
        if (r == 0)
                r = core_actor_covers_account(&change, user, error);
        if (r != 0)
                return r;
        r = check_move(&change, spec, user, error); /* first: of another tenant nothing is told */
        if (r != 0)
                return r;
        r = check_edit(core, change.txn, spec, user, &faults);
        if (r == 0)
                r = core_attributes_edit(&change, spec, user, &attributes, &faults);
        if (r < 0)
                return r;
        if (faults.outcome != CORE_DONE) {
                *error = faults;
                return (int)faults.outcome;
        }
        edited = *user;
        spec_apply(spec, &edited);
        edited.attributes = attributes.bytes;
        edited.attributes_len = attributes.len;
        if (core_user_facts_differ(user, &edited))
                edited.facts_usec = now_usec;
        r = check_edited(&change, user, &edited, error);
        if (r != 0)
                return r;
        r = values_of(&change, user, &edited);
        if (r < 0)
                return r;
        if (change.value_count == 0) {
                *ret = (CoreChange){ .object_id = user->uid, .version = user->version };
                return 0;
        }
        if (strcmp(user->department, edited.department) != 0 && edited.department[0])
                r = core_scope_guard(&change, GRANT_SCOPE_DEPARTMENT, edited.department, error);
        if (r != 0)
                return r;
        /* roles may require an address, or go by what he is */
        news = !user->email[0] != !edited.email[0] || core_user_facts_differ(user, &edited);
        r = core_owners_note_user(&change, user->uid, &owners);
        if (r == 0 && news)
                r = core_linux_news_of_user(&change, user);
        if (r == 0)
                r = update_user(&change, user->name, &edited);
        if (r == 0 && news)
                r = core_linux_news_of_user(&change, &edited);
        if (r == 0)
                r = core_note_user(&change, user, &edited);
        if (r == 0)
                r = core_seats_follow(&change, user, &edited, error);
        if (r == 0)
                r = core_owners_check(&change, &owners, error);
        if (r != 0)
                return r;
        r = core_afterwards_reserve(core, AFTER_DROP_PROOFS);
        if (r == 0)
                r = core_change_commit(&change, "user.update", "user", edited.name, user->uid,
                                       user->version + 1, ret);
        if (r == 0 && !options->dry_run && strcmp(user->name, edited.name) != 0)
                core_afterwards(core, AFTER_DROP_PROOFS, user->uid, edited.name);
        return r;
}
