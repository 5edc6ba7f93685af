/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tenants.  "local" and the one of this host are there without a row, and get one by their first
 * change.  A deleted one keeps its name, so that what still names it never means another. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "umd/core/undo.h"

/* ---- finding ------------------------------------------------------------------------------- */

bool core_tenant_is_always_there(const Core *core, const char *name) {
        return strcmp(name, CORE_TENANT_LOCAL) == 0 || strcmp(name, core->settings.tenant) == 0;
}

/* One that never had a row; its name stays with whoever asks. */
static int tenant_make_up(const char *name, StoreTenant **ret) {
        StoreTenant *tenant = malloc(sizeof(*tenant));

        if (!tenant)
                return -ENOMEM;
        *tenant = (StoreTenant){ .name = name, .title = "", .default_role = CORE_ROLE_EVERYBODY };
        *ret = tenant;
        return 0;
}

const char *core_tenant_of_host(const Core *core) {
        return core->settings.tenant;
}

int core_tenant_refuse(const char *name, CoreError *error) {
        return core_fail(error, CORE_E_NO_SUCH_TENANT, "%s: no such tenant", core_quote(name).text);
}

int core_tenant_load(Core *core, StoreTxn *txn, const char *name, StoreTenant **ret,
                     CoreError *error) {
        _cleanup_(store_tenant_freep) StoreTenant *tenant = NULL;
        int r;

        r = store_tenant_get(txn, name, &tenant);
        if (r == STORE_E_MISSING && core_tenant_is_always_there(core, name))
                r = tenant_make_up(name, &tenant);
        if (r < 0)
                return r;
        if (r > 0 || tenant->deleted)
                return core_tenant_refuse(name, error);
        *ret = TAKE(tenant);
        return 0;
}

static int name_note(void *userdata, const StoreTenant *tenant) {
        return tenant->deleted ? 0 : core_texts_add(userdata, tenant->name);
}

int core_tenant_names(Core *core, StoreTxn *txn, Texts *ret) {
        int r;

        r = core_texts_add(ret, CORE_TENANT_LOCAL);
        if (r == 0)
                r = core_texts_add(ret, core->settings.tenant);
        if (r == 0)
                r = store_tenant_each(txn, name_note, ret);
        if (r != 0)
                return r;
        core_texts_sort(ret);
        core_texts_unite(ret);
        return 0;
}

/* ---- checking ------------------------------------------------------------------------------ */

/* To make it everybody's is to grant it (D8). */
static int check_gives(Change *change, const RoleSet *set, uint16_t role, const char *tenant,
                       CoreError *error) {
        const RightsGrant grant = { .role = role, .tenant = tenant, .until_usec = USEC_INFINITY };
        _cleanup_holder_ Holder actor = { 0 };
        CoreError linux_fault = { 0 };
        uint16_t missing = RIGHT_NONE;
        int r;

        r = core_holder_of_actor(change->core, change->txn, set, change->actor, &actor);
        if (r == 0)
                r = core_linux_check_actor(change, set, &actor, role, tenant,
                                           policy_role_name(set, role), &linux_fault);
        if (r < 0)
                return r;
        if (r > 0) {
                core_fault_add(error, linux_fault.outcome, "default role: %.400s",
                               linux_fault.text);
                return 0;
        }
        if (policy_rights_cover_grant(set, &actor.facts, &grant, change->now_usec, &missing))
                return 0;
        core_fault_add(error, CORE_E_PROTECTED, "default role: %s: gives more than you have: %s",
                       policy_role_name(set, role),
                       missing == RIGHT_NONE ? "what that is cannot be told"
                                             : policy_right_name(set, missing));
        return 0;
}

/* Anybody who is created has to be able to hold it. */
static int check_default_role(Change *change, const char *tenant, const char *name,
                              CoreError *error) {
        const Roles *roles;
        uint16_t role;
        int r;

        r = core_roles(change->core, change->txn, &roles);
        if (r < 0)
                return r;
        role = policy_role_from_name(core_roles_set(roles), name);
        if (role == ROLE_NONE)
                core_fault_add(error, CORE_E_NO_SUCH_ROLE, "default role: \"%s\": no such role",
                               core_quote(name).text);
        else if (policy_role_fault(core_roles_set(roles), role, &(RightsFault){ 0 }) != 0 ||
                 core_roles_spec(roles, role)->only_kind == HOLDER_SERVICE ||
                 policy_role_includes(core_roles_set(roles), role,
                                      policy_role_from_name(core_roles_set(roles),
                                                            CORE_ROLE_OWNER)))
                core_fault_add(error, CORE_E_BAD_VALUE,
                               "default role: \"%s\": cannot be everybody's", name);
        else
                return check_gives(change, core_roles_set(roles), role, tenant, error);
        return 0;
}

static int check_edit(Change *change, const TenantEdit *edit, const char *tenant,
                      CoreError *error) {
        if (edit->title)
                core_check_text("title", FIELD_LINE, edit->title, error);
        if (edit->default_role)
                return check_default_role(change, tenant, edit->default_role, error);
        return 0;
}

static int check_new(Change *change, const TenantEdit *edit, CoreError *error) {
        _cleanup_(store_tenant_freep) StoreTenant *tenant = NULL;
        _cleanup_texts_ Texts names = { 0 };
        int r;

        r = core_tenant_names(change->core, change->txn, &names);
        if (r < 0)
                return r;
        if (names.count >= CORE_TENANTS_MAX)
                core_fault_add(error, CORE_E_POLICY_REFUSED,
                               "there are %u tenants, the most there may be", CORE_TENANTS_MAX);
        core_check_text("name", FIELD_GROUP_NAME, edit->name, error);
        if (strcmp(edit->name, CORE_TENANT_ALL) == 0)
                core_fault_add(error, CORE_E_BAD_VALUE, "name: \"all\": means all tenants");
        r = store_tenant_get(change->txn, edit->name, &tenant);
        if (r < 0)
                return r;
        if (r == 0 || strcmp(edit->name, CORE_TENANT_LOCAL) == 0)
                core_fault_add(error, CORE_E_NAME_TAKEN, "name: \"%s\": is %s tenant's",
                               core_quote(edit->name).text,
                               r == 0 && tenant->deleted ? "a deleted" : "another");
        return check_edit(change, edit, edit->name, error);
}

/* ---- writing ------------------------------------------------------------------------------- */

static int values_of(Change *change, const StoreTenant *before, const StoreTenant *after) {
        char was[16] = "", is[16] = "";
        int r;

        if (before && before->seats > 0)
                snprintf(was, sizeof(was), "%u", before->seats);
        if (after->seats > 0)
                snprintf(is, sizeof(is), "%u", after->seats);
        r = core_change_value(change, "title", before ? before->title : NULL, after->title);
        if (r == 0)
                r = core_change_value(change, "seats", was, is);
        if (r == 0)
                r = core_change_value(change, "default_role", before ? before->default_role : NULL,
                                      after->default_role);
        return r;
}

static void edit_apply(const TenantEdit *edit, StoreTenant *tenant) {
        if (edit->title)
                tenant->title = edit->title;
        if (edit->default_role)
                tenant->default_role = edit->default_role;
        if (edit->has_seats)
                tenant->seats = edit->seats;
}

int core_tenant_write(Change *change, const StoreTenant *before, const StoreTenant *tenant) {
        int r = store_tenant_put(change->txn, tenant);

        if (r == 0)
                r = core_note_tenant(change, before, tenant);
        return r > 0 ? -EUCLEAN : r; /* read within this transaction */
}

int core_tenant_create(Core *core, const Actor *actor, const TenantEdit *edit,
                       const CoreOptions *options, uint64_t now_usec, CoreChange *ret,
                       CoreError *error) {
        _cleanup_change_ Change change = { 0 };
        CoreError faults = { 0 };
        StoreTenant tenant = {
                .name = edit->name,
                .title = "",
                .default_role = CORE_ROLE_EVERYBODY,
                .created_usec = now_usec,
                .created_by = actor->uid,
        };
        int r;

        r = core_change_begin(&change, core, actor, options, now_usec, error);
        if (r == 0)
                r = core_seats_check_actor(&change, NULL, edit, error);
        if (r == 0)
                r = check_new(&change, edit, &faults);
        if (r != 0)
                return r;
        if (faults.outcome != CORE_DONE) {
                *error = faults;
                return (int)faults.outcome;
        }
        edit_apply(edit, &tenant);
        r = core_change_value(&change, "name", NULL, tenant.name);
        if (r == 0)
                r = values_of(&change, NULL, &tenant);
        if (r == 0)
                r = core_tenant_write(&change, NULL, &tenant);
        return r < 0 ? r
                     : core_change_commit(&change, "tenant.create", "tenant", tenant.name, 0, 1,
                                          ret);
}

int core_tenant_update(Core *core, const Actor *actor, const char *name, const TenantEdit *edit,
                       const CoreOptions *options, uint64_t now_usec, CoreChange *ret,
                       CoreError *error) {
        _cleanup_change_ Change change = { 0 };
        _cleanup_(store_tenant_freep) StoreTenant *tenant = NULL;
        CoreError faults = { 0 };
        StoreTenant edited;
        int r;

        r = core_change_begin(&change, core, actor, options, now_usec, error);
        if (r == 0)
                r = core_tenant_load(core, change.txn, name, &tenant, error);
        if (r == 0)
                r = core_check_version(options, name, tenant->version, error);
        if (r == 0)
                r = core_seats_check_actor(&change, name, edit, error);
        if (r == 0)
                r = check_edit(&change, edit, name, &faults);
        if (r != 0)
                return r;
        if (faults.outcome != CORE_DONE) {
                *error = faults;
                return (int)faults.outcome;
        }
        edited = *tenant;
        edit_apply(edit, &edited);
        r = values_of(&change, tenant, &edited);
        if (r < 0)
                return r;
        *ret = (CoreChange){ .version = tenant->version };
        if (change.value_count == 0)
                return 0;
        r = core_tenant_write(&change, tenant, &edited);
        if (r == 0 && edited.seats != tenant->seats)
                r = core_seats_tell(&change, name);
        return r < 0 ? r
                     : core_change_commit(&change, "tenant.update", "tenant", name, 0,
                                          tenant->version + 1, ret);
}

/* ---- showing ------------------------------------------------------------------------------- */

/* Whoever has a grant there knows that it is there, and no more. */
static void tenant_tell(const Asker *asker, const StoreTenant *tenant, const StoreSeats *seats,
                        const CoreTenantUse *use, CoreTenantEach each, void *userdata) {
        each(userdata, &(CoreTenant){
                               .version = tenant->version,
                               .name = tenant->name,
                               .title = tenant->title,
                               .default_role = tenant->default_role,
                               .seats = tenant->seats,
                               .used = seats->used,
                               .users = seats->homes,
                               .grants = use->grants,
                               .of_host = strcmp(tenant->name, asker->core->settings.tenant) == 0,
                               .whole = core_asker_has(asker, PERMISSION_TENANT_VIEW, tenant->name),
                               .created_usec = tenant->created_usec,
                       });
}

int core_tenant_show(Core *core, const Actor *actor, const char *name, uint64_t now_usec,
                     CoreTenantEach each, void *userdata, CoreError *error) {
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
                r = name ? core_texts_add(&names, name) : core_tenant_names(core, txn, &names);
        for (size_t i = 0; i < names.count && r == 0; i++) {
                _cleanup_(store_tenant_freep) StoreTenant *tenant = NULL;
                CoreTenantUse use = { 0 };
                StoreSeats seats;

                if (!name && !core_asker_is_in(&asker, names.list[i]))
                        continue;
                r = core_tenant_load(core, txn, names.list[i], &tenant, error);
                if (r == 0 && !core_asker_is_in(&asker, names.list[i]))
                        r = core_tenant_refuse(name, error);
                if (r == 0)
                        r = store_seats_get(txn, names.list[i], &seats);
                if (r == 0 && name)
                        r = core_tenant_use(core, txn, names.list[i], &use);
                if (r == 0)
                        tenant_tell(&asker, tenant, &seats, &use, each, userdata);
        }
        return r;
}

int core_tenant_known(Core *core, const char *name, bool *ret) {
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        _cleanup_(store_tenant_freep) StoreTenant *tenant = NULL;
        int r;

        r = store_begin_read(core->store, &txn);
        if (r == 0)
                r = store_tenant_get(txn, name, &tenant);
        if (r < 0)
                return r;
        *ret = r == 0 ? !tenant->deleted : strcmp(name, CORE_TENANT_LOCAL) == 0;
        return 0;
}
