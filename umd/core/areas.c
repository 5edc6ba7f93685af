/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The areas of permissions that applications registered, as policy takes them, and which of their
 * names roles use: such a name stays when the application gives it up, so that roles go on meaning
 * what they meant and nobody else can have it, and is nobody's. */

#include <errno.h>
#include <string.h>

#include "umd/core/holders.h"

void core_areas_done(Areas *areas) {
        for (size_t i = 0; i < areas->count; i++)
                store_area_free(areas->records[i]);
        free(areas->records);
        free(areas->specs);
        free(areas->infos);
        *areas = (Areas){ 0 };
}

static int record_add(void *userdata, StoreArea **area) {
        Areas *areas = userdata;

        if (areas->count >= RIGHTS_AREAS_MAX)
                return -E2BIG;
        if (areas->count == areas->size) {
                size_t size = areas->size ? areas->size * 2 : 4;
                StoreArea **records = reallocarray(areas->records, size, sizeof(*records));

                if (!records)
                        return -ENOMEM;
                areas->records = records;
                areas->size = size;
        }
        areas->records[areas->count++] = TAKE(*area);
        return 0;
}

static PermissionInfo info_of(const StoreAreaPermission *permission) {
        return (PermissionInfo){
                .name = permission->name,
                .category = (PermissionCategory)permission->category,
                .reads = permission->reads,
                .meaning = permission->meaning,
        };
}

/* What is no area is not to be judged by.  One that a newer um took for its own is left out: its
 * permissions bring nothing, and who knew them by the application's is not let in elsewhere. */
static int area_check(PermissionArea *area) {
        int r = policy_area_check(area, NULL);

        if (r == RIGHTS_FAULT_TAKEN)
                area->permission_count = 0;
        return r == 0 || r == RIGHTS_FAULT_TAKEN ? 0 : -EBADMSG;
}

static int areas_lay_out(Areas *areas) {
        size_t infos = 0;
        int r = 0;

        for (size_t i = 0; i < areas->count; i++)
                infos += areas->records[i]->permission_count;
        if (infos == 0)
                return 0;
        areas->specs = calloc(areas->count, sizeof(*areas->specs));
        areas->infos = calloc(infos, sizeof(*areas->infos));
        if (!areas->specs || !areas->infos)
                return -ENOMEM;
        infos = 0;
        for (size_t i = 0; i < areas->count && r == 0; i++) {
                const StoreArea *record = areas->records[i];

                areas->specs[i] = (PermissionArea){
                        .name = record->name,
                        .permissions = areas->infos + infos,
                        .permission_count = record->permission_count,
                };
                for (size_t k = 0; k < record->permission_count; k++)
                        areas->infos[infos++] = info_of(&record->permissions[k]);
                r = area_check(&areas->specs[i]);
        }
        return r;
}

int core_areas_load(StoreTxn *txn, Areas *ret) {
        int r = store_area_each(txn, record_add, ret);

        return r == 0 ? areas_lay_out(ret) : r;
}

const StoreArea *core_areas_find(const Areas *areas, const char *name) {
        for (size_t i = 0; i < areas->count; i++)
                if (strcmp(areas->records[i]->name, name) == 0)
                        return areas->records[i];
        return NULL;
}

/* ---- what roles use -------------------------------------------------------------------------- */

/* Is it the area's by name?  "*.view" covers it too, and keeps nothing. */
static bool names_area(const char *pattern, const char *area) {
        size_t len = strlen(area);

        return strncmp(pattern, area, len) == 0 && pattern[len] == '.';
}

static bool pattern_covers(const char *pattern, const StoreAreaPermission *permission) {
        const PermissionInfo info = info_of(permission);
        const PermissionArea area = { .permissions = &info, .permission_count = 1 };

        /* none of um's own begins as it does */
        return policy_pattern_check(pattern, &area, 1, NULL) == 0;
}

static int list_walk(const char *const *list, const char *role, const StoreArea *area, AreaUse each,
                     void *userdata) {
        int r = 0;

        for (size_t i = 0; list && list[i] && r == 0; i++) {
                if (!names_area(list[i], area->name))
                        continue;
                for (size_t k = 0; k < area->permission_count && r == 0; k++)
                        if (pattern_covers(list[i], &area->permissions[k]))
                                r = each(userdata, k, role, list[i]);
        }
        return r;
}

int core_area_uses(const Roles *roles, const StoreArea *area, AreaUse each, void *userdata) {
        int r = 0;

        for (uint16_t i = 0; i < core_roles_count(roles) && r == 0; i++) {
                const RoleSpec *spec = core_roles_spec(roles, i);

                r = list_walk(spec->permit, spec->name, area, each, userdata);
                if (r == 0)
                        r = list_walk(spec->without, spec->name, area, each, userdata);
                if (r == 0)
                        r = list_walk(spec->deny, spec->name, area, each, userdata);
        }
        return r;
}

static int use_found(void *userdata, size_t permission, const char *role, const char *pattern) {
        return 1;
}

bool core_area_is_registered(const StoreArea *area) {
        for (size_t i = 0; i < area->permission_count; i++)
                if (!area->permissions[i].gone)
                        return true;
        return false;
}

bool core_area_is_kept(const Roles *roles, const StoreArea *area) {
        return core_area_is_registered(area) || core_area_uses(roles, area, use_found, NULL) > 0;
}

/* ---- names that were meant ------------------------------------------------------------------- */

void core_permission_near(const Roles *roles, const char *permission, char *buf) {
        const Areas *areas = core_roles_areas(roles);
        const char *near[3];
        size_t at = 0, count, told = 0;
        Text text;

        while (at < areas->count && !names_area(permission, areas->records[at]->name))
                at++;
        count = policy_permission_near(permission, at < areas->count ? &areas->specs[at] : NULL,
                                       at < areas->count ? 1 : 0, near, ARRAY_LENGTH(near));
        base_text_init(&text, buf, CORE_NEAR_BYTES);
        for (size_t i = 0; i < count; i++)
                if (core_roles_right(roles, near[i]) != RIGHT_NONE)
                        base_text_addf(&text, "%s%s", told++ == 0 ? "; near: " : ", ", near[i]);
}
