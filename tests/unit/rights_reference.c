/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rights by the letter of FEATURES M.4 and docs/roles.md, sentence by sentence, with nothing
 * prepared or kept: what policy/ is held against. */

#include <ctype.h>
#include <string.h>

#include "tests/unit/rights_reference.h"

static bool begins(const char *s, const char *with) {
        return strncmp(s, with, strlen(with)) == 0;
}

static bool only(const char *s, const char *extra) {
        for (; *s; s++)
                if (!(islower((unsigned char)*s) || isdigit((unsigned char)*s) ||
                      strchr(extra, *s)))
                        return false;
        return true;
}

/* ---- permissions ----------------------------------------------------------------------------- */

static bool is_service(const char *s) {
        for (const char *c = s; *c; c++)
                if (!isalnum((unsigned char)*c) && (c == s ? *c != '_' : !strchr("_.+-", *c)))
                        return false;
        return *s && strlen(s) <= 63;
}

static bool is_group(const char *s) {
        return *s && only(s, "._-") && isalnum((unsigned char)*s) && strlen(s) <= 64;
}

static const PermissionInfo *known(const Reference *reference, const char *name) {
        for (Permission p = 0; p < _PERMISSION_MAX; p++)
                if (strcmp(policy_permission_info(p)->name, name) == 0)
                        return policy_permission_info(p);
        for (size_t i = 0; i < reference->area_count; i++)
                for (size_t k = 0; k < reference->areas[i].permission_count; k++)
                        if (strcmp(reference->areas[i].permissions[k].name, name) == 0)
                                return &reference->areas[i].permissions[k];
        return NULL;
}

static bool exists(const Reference *reference, const char *name) {
        return known(reference, name) || (begins(name, "login.") && is_service(name + 6)) ||
               (begins(name, "sudo.") && is_group(name + 5));
}

/* ---- patterns -------------------------------------------------------------------------------- */

static bool readable(const char *pattern) {
        char copy[128], *rest = copy, *part;
        size_t parts = 0, stars = 0;

        if (strcmp(pattern, "*") == 0 || strcmp(pattern, "login.*") == 0 ||
            strcmp(pattern, "sudo.*") == 0)
                return true;
        if (begins(pattern, "login."))
                return is_service(pattern + 6);
        if (begins(pattern, "sudo."))
                return is_group(pattern + 5);
        if (strlen(pattern) > 80)
                return false;
        strcpy(copy, pattern);
        while ((part = strsep(&rest, "."))) {
                parts++;
                if (strcmp(part, "*") == 0)
                        stars++;
                else if (!*part || !only(part, "_-") || !isalnum((unsigned char)*part))
                        return false;
        }
        return parts >= 2 && parts <= 6 && stars < parts;
}

static bool parts_cover(const char *pattern, const char *name) {
        size_t p = strcspn(pattern, "."), n = strcspn(name, ".");

        if (strcmp(pattern, "*") == 0)
                return true;
        if (!(p == 1 && *pattern == '*') && !(p == n && strncmp(pattern, name, p) == 0))
                return false;
        if (!pattern[p] || !name[n])
                return !pattern[p] && !name[n];
        return parts_cover(pattern + p + 1, name + n + 1);
}

static bool covers(const char *pattern, const char *name) {
        if (begins(name, "sudo."))
                return strcmp(pattern, name) == 0 || strcmp(pattern, "sudo.*") == 0 ||
                       strcmp(pattern, "sudo.all") == 0;
        if (begins(name, "login."))
                return strcmp(pattern, name) == 0 || strcmp(pattern, "login.*") == 0 ||
                       strcmp(pattern, "*") == 0;
        return parts_cover(pattern, name);
}

static bool list_covers(const char *const *list, const char *name) {
        for (size_t i = 0; list && list[i]; i++)
                if (covers(list[i], name))
                        return true;
        return false;
}

/* The same for what takes away: every command goes with any one group. */
static bool list_takes(const char *const *list, const char *name) {
        for (size_t i = 0; list && list[i]; i++)
                if (strcmp(name, "sudo.all") == 0 && begins(list[i], "sudo."))
                        return true;
        return list_covers(list, name);
}

/* ---- roles ----------------------------------------------------------------------------------- */

static size_t find(const Reference *reference, const char *name) {
        size_t at = 0;

        while (at < reference->role_count && strcmp(reference->roles[at].name, name) != 0)
                at++;
        return at; /* the first of that name */
}

static bool list_readable(const char *const *list) {
        for (size_t i = 0; list && list[i]; i++)
                if (!readable(list[i]))
                        return false;
        return true;
}

static bool texts_readable(const Reference *reference, size_t at) {
        const RoleSpec *role = &reference->roles[at];

        if (find(reference, role->name) != at)
                return false;
        for (size_t i = 0; role->require && role->require[i]; i++)
                if (strcmp(role->require[i], "email") != 0 &&
                    strcmp(role->require[i], "second-factor") != 0 &&
                    !(begins(role->require[i], "attr:") && role->require[i][5]))
                        return false;
        return list_readable(role->permit) && list_readable(role->without) &&
               list_readable(role->deny);
}

/* Every way down ends within so many steps: neither a loop nor too deep. */
static bool ends_within(const Reference *reference, size_t at, size_t steps) {
        const RoleSpec *role = &reference->roles[at];

        for (size_t i = 0; role->inherit && role->inherit[i]; i++) {
                size_t next = find(reference, role->inherit[i]);

                if (next < reference->role_count &&
                    (steps == 0 || !ends_within(reference, next, steps - 1)))
                        return false;
        }
        return true;
}

static bool whole(const Reference *reference, size_t at) {
        return texts_readable(reference, at) && ends_within(reference, at, 10);
}

bool reference_permits(const Reference *reference, size_t at, const char *name) {
        const RoleSpec *role = &reference->roles[at];
        bool has;

        if (!whole(reference, at) || !exists(reference, name))
                return false;
        has = list_covers(role->permit, name);
        for (size_t i = 0; role->inherit && role->inherit[i]; i++) {
                size_t next = find(reference, role->inherit[i]);

                has = has ||
                      (next < reference->role_count && reference_permits(reference, next, name));
        }
        return has && !list_takes(role->without, name);
}

/* Marks the role and all it inherits. */
static void reach(const Reference *reference, size_t at, bool *ret) {
        const RoleSpec *role = &reference->roles[at];

        if (ret[at])
                return;
        ret[at] = true;
        for (size_t i = 0; role->inherit && role->inherit[i]; i++) {
                size_t next = find(reference, role->inherit[i]);

                if (next < reference->role_count)
                        reach(reference, next, ret);
        }
}

bool reference_denies(const Reference *reference, size_t at, const char *name) {
        bool reached[REFERENCE_ROLES_MAX] = { 0 };

        reach(reference, at, reached);
        for (size_t i = 0; i < reference->role_count; i++)
                if (reached[i] && (!list_readable(reference->roles[i].deny) ||
                                   list_takes(reference->roles[i].deny, name)))
                        return true;
        return false;
}

/* ---- grants ---------------------------------------------------------------------------------- */

static bool concerns(const RightsGrant *grant, const RightsPlace *place) {
        bool group = false;

        for (size_t i = 0; place->groups && place->groups[i]; i++)
                group = group || (grant->over && strcmp(place->groups[i], grant->over) == 0);
        return grant->scope == GRANT_SCOPE_ALL || place->over == RIGHTS_OVER_SELF ||
               place->over == RIGHTS_OVER_SOMEBODY ||
               (place->over == RIGHTS_OVER_USER && grant->scope == GRANT_SCOPE_DEPARTMENT &&
                place->department && strcmp(place->department, grant->over) == 0) ||
               (place->over == RIGHTS_OVER_USER && grant->scope == GRANT_SCOPE_GROUP && group);
}

static bool has_attribute(const RightsHolder *holder, const char *name, uint64_t now_usec) {
        for (size_t i = 0; i < holder->attribute_count; i++)
                if (strcmp(holder->attributes[i].name, name) == 0 &&
                    holder->attributes[i].until_usec > now_usec)
                        return true;
        return false;
}

static bool demands_met(const Reference *reference, const RightsHolder *holder,
                        const RightsGrant *grant, uint64_t now_usec) {
        bool reached[REFERENCE_ROLES_MAX] = { 0 };

        reach(reference, grant->role, reached);
        for (size_t i = 0; i < reference->role_count; i++) {
                const RoleSpec *role = &reference->roles[i];

                if (!reached[i])
                        continue;
                if ((role->only_kind != HOLDER_INVALID && role->only_kind != holder->kind) ||
                    (role->one_tenant && grant->all_tenants))
                        return false;
                for (size_t k = 0; role->require && role->require[k]; k++)
                        if ((strcmp(role->require[k], "email") == 0 && !holder->email) ||
                            (begins(role->require[k], "attr:") &&
                             !has_attribute(holder, role->require[k] + 5, now_usec)))
                                return false;
        }
        return true;
}

static bool sensible(const RightsHolder *holder, const RightsGrant *grant,
                     const RightsPlace *place) {
        return (holder->kind == HOLDER_PERSON || holder->kind == HOLDER_SERVICE) &&
               (grant->all_tenants || grant->tenant) && (place->all_tenants || place->tenant) &&
               grant->scope <= GRANT_SCOPE_GROUP &&
               (grant->scope == GRANT_SCOPE_ALL || grant->over) &&
               place->over <= RIGHTS_OVER_SOMEBODY;
}

static bool runs_here(const RightsGrant *grant, const RightsPlace *place) {
        return (grant->all_tenants ||
                (!place->all_tenants && strcmp(grant->tenant, place->tenant) == 0)) &&
               grant->from_usec <= place->now_usec && place->now_usec < grant->until_usec &&
               concerns(grant, place);
}

static bool clashes(const Reference *reference, size_t a, size_t b) {
        bool of_a[REFERENCE_ROLES_MAX] = { 0 }, of_b[REFERENCE_ROLES_MAX] = { 0 };

        reach(reference, a, of_a);
        reach(reference, b, of_b);
        for (size_t x = 0; x < reference->role_count; x++)
                for (size_t y = 0; y < reference->role_count; y++)
                        for (size_t i = 0; of_a[x] && of_b[y] && reference->roles[x].conflict &&
                                           reference->roles[x].conflict[i];
                             i++)
                                if (find(reference, reference->roles[x].conflict[i]) == y)
                                        return true;
        return false;
}

/* What nobody granted gives way to what runs in the same tenant and must not meet it. */
static bool stands_back(const Reference *reference, const RightsHolder *holder,
                        const RightsGrant *grant, uint64_t now_usec) {
        for (size_t i = 0; i < holder->grant_count; i++) {
                const RightsGrant *other = &holder->grants[i];

                if (other != grant && other->role < reference->role_count &&
                    other->from_usec <= now_usec && now_usec < other->until_usec &&
                    (other->all_tenants || grant->all_tenants ||
                     (other->tenant && strcmp(other->tenant, grant->tenant) == 0)) &&
                    (clashes(reference, grant->role, other->role) ||
                     clashes(reference, other->role, grant->role)))
                        return grant->automatic;
        }
        return false;
}

bool reference_has(const Reference *reference, const RightsHolder *holder, const RightsPlace *place,
                   const char *name) {
        bool has = false;

        if (!exists(reference, name))
                return false;
        if (holder->root)
                return true;
        for (size_t i = 0; i < holder->grant_count; i++) {
                const RightsGrant *grant = &holder->grants[i];
                bool counts, denies = false;

                if (grant->role >= reference->role_count)
                        continue;
                if (!sensible(holder, grant, place))
                        denies = true;
                else if (!runs_here(grant, place))
                        continue;
                counts = !denies && whole(reference, grant->role) &&
                         demands_met(reference, holder, grant, place->now_usec) &&
                         !stands_back(reference, holder, grant, place->now_usec);
                denies =
                        denies ||
                        ((counts || !whole(reference, grant->role)) &&
                         !(place->over == RIGHTS_OVER_SOMEBODY && grant->scope != GRANT_SCOPE_ALL));
                if (denies && reference_denies(reference, grant->role, name))
                        return false;
                has = has || (counts && reference_permits(reference, grant->role, name));
        }
        return has &&
               (!holder->read_only || (known(reference, name) && known(reference, name)->reads));
}

bool reference_matches(const Reference *reference, const RightsHolder *holder,
                       const RightsPlace *place, const char *name) {
        bool group = begins(name, "sudo.") && is_group(name + 5) && strcmp(name, "sudo.all") != 0;

        return reference_has(reference, holder, place, name) ||
               (group && reference_has(reference, holder, place, "role.sudo.edit"));
}
