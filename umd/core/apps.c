/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Applications and the permissions they bring (FEATURES D25): each has an area, whose first part no
 * permission of um's own has, so that whatever an application registers gives nobody anything of
 * um's.  A name that it gives up while roles use it is kept, and is nobody's (areas.c). */

#include <errno.h>
#include <string.h>

#include "umd/core/holders.h"

/* ---- the record that is written ------------------------------------------------------------ */

typedef struct Draft {
        StoreArea area;
        StoreAreaPermission *permissions; /* those of area; texts are the caller's and the old's */
} Draft;

static void draft_done(Draft *draft) {
        free(draft->permissions);
}

static bool draft_has(const Draft *draft, const char *name) {
        for (size_t i = 0; i < draft->area.permission_count; i++)
                if (strcmp(draft->permissions[i].name, name) == 0)
                        return true;
        return false;
}

static int draft_begin(Draft *draft, const PermissionInfo *permissions, size_t count,
                       const StoreArea *old) {
        draft->permissions =
                calloc(count + (old ? old->permission_count : 0) + 1, sizeof(*draft->permissions));
        if (!draft->permissions)
                return -ENOMEM;
        for (size_t i = 0; i < count; i++)
                draft->permissions[i] = (StoreAreaPermission){
                        .name = permissions[i].name,
                        .meaning = permissions[i].meaning,
                        .category = (uint32_t)permissions[i].category,
                        .reads = permissions[i].reads,
                };
        draft->area.permissions = draft->permissions;
        draft->area.permission_count = count;
        return 0;
}

/* What roles use of what was there before, and who is to be told. */
typedef struct Keeping {
        Draft *draft;
        const StoreArea *old;
        size_t told;
        CoreAppUse use;
        void *userdata;
} Keeping;

static int keep(void *userdata, size_t permission, const char *role, const char *pattern) {
        Keeping *keeping = userdata;
        const StoreAreaPermission *old = &keeping->old->permissions[permission];
        Draft *draft = keeping->draft;

        for (size_t i = 0; i < draft->area.permission_count; i++)
                if (!draft->permissions[i].gone &&
                    strcmp(draft->permissions[i].name, old->name) == 0)
                        return 0; /* it stays */
        if (keeping->use && keeping->told++ < CORE_APP_USES_MAX)
                keeping->use(keeping->userdata, old->name, role);
        if (draft_has(draft, old->name))
                return 0;
        draft->permissions[draft->area.permission_count] = *old;
        draft->permissions[draft->area.permission_count++].gone = true;
        return 0;
}

/* ---- what is against it -------------------------------------------------------------------- */

static int check_permission(const PermissionInfo *permission, CoreError *error) {
        if (!permission->meaning[0])
                return core_fail(error, CORE_E_BAD_VALUE, "%s: meaning: is missing",
                                 core_quote(permission->name).text);
        core_check_text("meaning", FIELD_LINE, permission->meaning, error);
        return (int)error->outcome;
}

static int check_edit(const AppEdit *edit, CoreError *error) {
        const PermissionArea area = { edit->area, edit->permissions, edit->count };
        CoreError faults = { 0 };
        RightsFault fault;
        int r;

        core_check_text("app", FIELD_GROUP_NAME, edit->app, &faults);
        for (size_t i = 0; i < edit->count && faults.outcome == CORE_DONE; i++)
                (void)check_permission(&edit->permissions[i], &faults);
        if (faults.outcome != CORE_DONE) {
                *error = faults;
                return (int)faults.outcome;
        }
        r = policy_area_check(&area, &fault);
        if (r == 0)
                return 0;
        return core_fail(error,
                         r == RIGHTS_FAULT_TAKEN      ? CORE_E_NAME_TAKEN
                         : r == RIGHTS_FAULT_TOO_MANY ? CORE_E_POLICY_REFUSED
                                                      : CORE_E_BAD_VALUE,
                         "%.500s", fault.text);
}

/* The area of that application, also where only its names are kept. */
static const StoreArea *find_app(const Roles *roles, const char *app) {
        const Areas *areas = core_roles_areas(roles);

        for (size_t i = 0; i < areas->count; i++)
                if (strcmp(areas->records[i]->app, app) == 0 &&
                    core_area_is_kept(roles, areas->records[i]))
                        return areas->records[i];
        return NULL;
}

static int refuse_taken(const Roles *roles, const AppEdit *edit, CoreError *error) {
        const StoreArea *area = core_areas_find(core_roles_areas(roles), edit->area);
        const StoreArea *own = find_app(roles, edit->app);

        if (area && strcmp(area->app, edit->app) != 0 && core_area_is_kept(roles, area))
                return core_fail(error, CORE_E_NAME_TAKEN, "area: \"%s\": is %s's%s", edit->area,
                                 area->app,
                                 core_area_is_registered(area)
                                         ? ""
                                         : ", which is not registered any more: roles use it");
        if (own && strcmp(own->name, edit->area) != 0)
                return core_fail(error, CORE_E_NAME_TAKEN, "app: \"%s\": has the area %s",
                                 edit->app, own->name);
        return 0;
}

/* ---- writing ------------------------------------------------------------------------------- */

/* "crm.deal.view (data, reads), ..." */
static int list_text(const StoreArea *area, char **ret) {
        size_t size = STORE_AREA_MAX * (PERMISSION_NAME_MAX + 40);
        char *buf = malloc(size);
        Text text;

        if (!buf)
                return -ENOMEM;
        base_text_init(&text, buf, size);
        for (size_t i = 0; area && i < area->permission_count; i++) {
                const StoreAreaPermission *permission = &area->permissions[i];

                base_text_addf(&text, "%s%s (%s%s%s)", i > 0 ? ", " : "", permission->name,
                               policy_permission_category_name(
                                       (PermissionCategory)permission->category),
                               permission->reads ? ", reads" : "",
                               permission->gone ? ", gone" : "");
        }
        *ret = buf;
        return 0;
}

static int values_of(Change *change, const StoreArea *before, const StoreArea *after) {
        _cleanup_free_ char *was = NULL, *is = NULL;
        int r;

        r = core_change_value(change, "app", before ? before->app : NULL, after->app);
        if (r == 0)
                r = core_change_value(change, "area", before ? before->name : NULL, after->name);
        if (r == 0)
                r = list_text(before, &was);
        if (r == 0)
                r = list_text(after, &is);
        return r == 0 ? core_change_value(change, "permissions", was, is) : r;
}

/* Same permissions, told in the same words? */
static bool is_same(const StoreArea *a, const StoreArea *b) {
        if (strcmp(a->app, b->app) != 0 || a->permission_count != b->permission_count)
                return false;
        for (size_t i = 0; i < a->permission_count; i++) {
                const StoreAreaPermission *x = &a->permissions[i], *y = &b->permissions[i];

                if (strcmp(x->name, y->name) != 0 || strcmp(x->meaning, y->meaning) != 0 ||
                    x->category != y->category || x->reads != y->reads || x->gone != y->gone)
                        return false;
        }
        return true;
}

/* What is kept for nobody any more makes room: so no application ever has two areas. */
static int areas_sweep(Change *change, const Roles *roles, const char *but) {
        const Areas *areas = core_roles_areas(roles);
        int r = 0;

        for (size_t i = 0; i < areas->count && r == 0; i++)
                if (strcmp(areas->records[i]->name, but) != 0 &&
                    !core_area_is_kept(roles, areas->records[i]))
                        r = store_area_delete(change->txn, areas->records[i]->name);
        return r > 0 ? -EUCLEAN : r;
}

static int area_put(Change *change, const StoreArea *area, CoreError *error) {
        const Roles *roles;
        int r;

        r = store_area_put(change->txn, area);
        if (r == 0)
                r = core_roles(change->core, change->txn, &roles);
        if (r == -E2BIG)
                return core_fail(error, CORE_E_POLICY_REFUSED,
                                 "there may be %u areas with %u permissions together",
                                 RIGHTS_AREAS_MAX, RIGHTS_AREA_NAMES_MAX);
        return r > 0 ? -EUCLEAN : r; /* read within this transaction */
}

/* Another set of permissions may cut what an owner has, by what his roles deny. */
static int area_write(Change *change, const StoreArea *area, CoreError *error) {
        _cleanup_owners_ Owners owners = { 0 };
        int r;

        r = core_owners_note(change, &owners);
        if (r == 0 && area->permission_count > 0)
                r = area_put(change, area, error);
        else if (r == 0)
                r = store_area_delete(change->txn, area->name);
        return r == 0 ? core_owners_check(change, &owners, error) : r;
}

/* ---- verbs --------------------------------------------------------------------------------- */

/* The draft with what is kept of the old one, for the application. */
static int draft_finish(Change *change, Draft *draft, const Roles *roles, const AppEdit *edit,
                        const StoreArea *old, CoreAppUse use, void *userdata, CoreError *error) {
        Keeping keeping = { draft, old, 0, use, userdata };
        bool own = old && strcmp(old->app, edit->app) == 0;
        int r;

        r = draft_begin(draft, edit->permissions, edit->count, old);
        if (r == 0 && old)
                r = core_area_uses(roles, old, keep, &keeping);
        if (r < 0)
                return r;
        if (draft->area.permission_count > STORE_AREA_MAX)
                return core_fail(error, CORE_E_POLICY_REFUSED,
                                 "%s: has more than %u permissions with those that roles still use",
                                 edit->area, STORE_AREA_MAX);
        draft->area.version = old ? old->version : 0;
        draft->area.name = edit->area;
        draft->area.app = edit->app;
        draft->area.created_usec = own ? old->created_usec : change->now_usec;
        draft->area.created_by = own ? old->created_by : change->actor->uid;
        return values_of(change, old, &draft->area);
}

int core_app_register(Core *core, const Actor *actor, const AppEdit *edit,
                      const CoreOptions *options, uint64_t now_usec, CoreAppUse use, void *userdata,
                      CoreChange *ret, CoreError *error) {
        _cleanup_change_ Change change = { 0 };
        _cleanup_(store_area_freep) StoreArea *old = NULL;
        _cleanup_(draft_done) Draft draft = { 0 };
        const Roles *roles;
        int r;

        r = core_change_begin(&change, core, actor, options, now_usec, error);
        if (r == 0)
                r = check_edit(edit, error);
        if (r == 0)
                r = core_roles(core, change.txn, &roles);
        if (r == 0)
                r = refuse_taken(roles, edit, error);
        if (r != 0)
                return r;
        r = store_area_get(change.txn, edit->area, &old);
        if (r >= 0)
                r = core_check_version(options, edit->app, old ? old->version : 0, error);
        if (r == 0)
                r = draft_finish(&change, &draft, roles, edit, old, use, userdata, error);
        if (r != 0)
                return r;
        *ret = (CoreChange){ .version = draft.area.version };
        if (old && is_same(old, &draft.area))
                return 0;
        r = areas_sweep(&change, roles, edit->area);
        if (r == 0)
                r = area_write(&change, &draft.area, error);
        return r != 0 ? r
                      : core_change_commit(&change, "app.register", "app", edit->app, 0,
                                           draft.area.version + 1, ret);
}

static int no_such_app(const char *app, CoreError *error) {
        return core_fail(error, CORE_E_NO_SUCH_APP, "%s: no such application",
                         core_quote(app).text);
}

int core_app_unregister(Core *core, const Actor *actor, const char *app, const CoreOptions *options,
                        uint64_t now_usec, CoreAppUse use, void *userdata, CoreChange *ret,
                        CoreError *error) {
        _cleanup_change_ Change change = { 0 };
        _cleanup_(store_area_freep) StoreArea *old = NULL;
        _cleanup_(draft_done) Draft draft = { 0 };
        const StoreArea *area;
        const Roles *roles;
        int r;

        r = core_change_begin(&change, core, actor, options, now_usec, error);
        if (r == 0)
                r = core_roles(core, change.txn, &roles);
        if (r != 0)
                return r;
        area = find_app(roles, app);
        if (!area || !core_area_is_registered(area))
                return no_such_app(app, error);
        r = core_check_version(options, app, area->version, error);
        if (r == 0)
                r = store_area_get(change.txn, area->name, &old); /* the set goes with the write */
        if (r == 0)
                r = draft_finish(&change, &draft, roles,
                                 &(AppEdit){ .app = old->app, .area = old->name }, old, use,
                                 userdata, error);
        if (r == 0)
                r = area_write(&change, &draft.area, error);
        return r != 0 ? r
                      : core_change_commit(&change, "app.unregister", "app", app, 0,
                                           old->version + 1, ret);
}

/* ---- showing ------------------------------------------------------------------------------- */

static int area_show(const Areas *areas, const StoreArea *area, CoreAppEach each, void *userdata) {
        _cleanup_free_ bool *gone = calloc(area->permission_count, sizeof(*gone));
        size_t at = 0;

        if (!gone)
                return -ENOMEM;
        while (areas->records[at] != area)
                at++;
        for (size_t i = 0; i < area->permission_count; i++)
                gone[i] = area->permissions[i].gone;
        each(userdata, &(CoreApp){
                               .version = area->version,
                               .name = area->app,
                               .area = area->name,
                               .registered = core_area_is_registered(area),
                               .permissions = areas->specs[at].permissions,
                               .gone = gone,
                               .permission_count = area->permission_count,
                               .created_usec = area->created_usec,
                       });
        return 0;
}

int core_app_show(Core *core, const char *name, CoreAppEach each, void *userdata,
                  CoreError *error) {
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        const Areas *areas;
        const StoreArea *area;
        const Roles *roles;
        int r;

        *error = (CoreError){ 0 };
        r = store_begin_read(core->store, &txn);
        if (r == 0)
                r = core_roles(core, txn, &roles);
        if (r != 0)
                return r;
        areas = core_roles_areas(roles);
        if (name) {
                area = find_app(roles, name);
                return area ? area_show(areas, area, each, userdata) : no_such_app(name, error);
        }
        for (size_t i = 0; i < areas->count && r == 0; i++)
                if (core_area_is_kept(roles, areas->records[i]))
                        r = area_show(areas, areas->records[i], each, userdata);
        return r;
}

int core_permission_each(Core *core, void (*each)(void *userdata, const PermissionInfo *permission),
                         void *userdata) {
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        const Areas *areas;
        const Roles *roles;
        int r;

        r = store_begin_read(core->store, &txn);
        if (r == 0)
                r = core_roles(core, txn, &roles);
        if (r != 0)
                return r;
        for (Permission p = 0; p < _PERMISSION_MAX; p++)
                each(userdata, policy_permission_info(p));
        areas = core_roles_areas(roles);
        for (size_t i = 0; i < areas->count; i++)
                for (size_t k = 0; k < areas->specs[i].permission_count; k++)
                        if (!areas->records[i]->permissions[k].gone)
                                each(userdata, &areas->specs[i].permissions[k]);
        return 0;
}
