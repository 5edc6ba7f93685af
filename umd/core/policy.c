/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Setting policy values: for the company, a department, a role, a user. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "umd/core/levels.h"
#include "umd/core/undo.h"

void core_policy_subject(uid_t uid, char *buf) {
        snprintf(buf, CORE_POLICY_SUBJECT_BYTES, "%u", uid);
}

/* ---- names and texts ---------------------------------------------------------------------- */

#define NEAR_MAX 4U

int core_policy_find(const char *name, PolicyValue *ret, CoreError *error) {
        PolicyValue near[NEAR_MAX];
        size_t count;
        char buf[160];
        Text text;

        if (policy_value_from_name(name, ret) == 0)
                return 0;
        count = policy_value_near(name, near, NEAR_MAX);
        base_text_init(&text, buf, sizeof(buf));
        for (size_t i = 0; i < count; i++)
                base_text_addf(&text, "%s%s", i == 0 ? "; near: " : ", ",
                               policy_value_name(near[i]));
        return core_fail(error, CORE_E_BAD_VALUE, "\"%s\": no such policy value%s",
                         core_quote(name).text, buf);
}

static int text_refuse(PolicyValue value, const char *text, CoreError *error) {
        char expected[POLICY_VALUE_EXPECTED_MAX];

        policy_value_expected(value, expected);
        return core_fail(error, CORE_E_BAD_VALUE, "%s: \"%s\": must be %s",
                         policy_value_name(value), core_quote(text).text, expected);
}

/* ---- changing ----------------------------------------------------------------------------- */

/* Where a change is made, and what is set there. */
typedef struct Place {
        PolicyLevel level;
        char subject[CORE_POLICY_SUBJECT_BYTES]; /* the row's */
        const char *shown;                       /* the subject, as the log has it */
        StoreUser *user;                         /* NULL: of no user */
        Levels levels;
        StorePolicyValue *row; /* that is there; NULL: none */
} Place;

#define _cleanup_place_ _cleanup_(place_done)

static void place_done(Place *place) {
        store_user_freep(&place->user);
        core_levels_done(&place->levels);
        store_policy_value_freep(&place->row);
}

static int level_find(Change *change, Place *place) {
        return core_level_load(change->txn, core_level_stored(place->level), place->subject,
                               &place->levels.levels.at[place->level]);
}

static int company_find(Change *change, Place *place, CoreError *error) {
        _cleanup_(store_tenant_freep) StoreTenant *tenant = NULL;
        int r = core_tenant_load(change->core, change->txn, place->shown, &tenant, error);

        return r != 0 ? r : level_find(change, place);
}

static int department_find(Change *change, Place *place, CoreError *error) {
        CoreError faults = { 0 };
        int r;

        core_check_text("department", FIELD_LINE, place->shown, &faults);
        if (faults.outcome == CORE_DONE &&
            (!place->shown[0] || strlen(place->shown) > CORE_DEPARTMENT_MAX))
                core_fault_add(&faults, CORE_E_BAD_VALUE,
                               "department: \"%s\": must have 1 to %u bytes",
                               core_quote(place->shown).text, CORE_DEPARTMENT_MAX);
        if (faults.outcome != CORE_DONE) {
                *error = faults;
                return (int)faults.outcome;
        }
        r = core_levels_load(change->core, change->txn, 0, &place->levels);
        return r < 0 ? r : level_find(change, place);
}

/* A list is changed from the role's own, or from what it inherits. */
static int role_find(Change *change, Place *place, CoreError *error) {
        LevelRole *granted;
        const Roles *roles;
        uint16_t role;
        int r;

        r = core_roles(change->core, change->txn, &roles);
        if (r == 0)
                r = core_role_find(core_roles_set(roles), place->shown, &role, error);
        if (r == 0)
                r = core_role_check_actor(change, core_roles_set(roles), role, error);
        if (r == 0)
                r = core_levels_load(change->core, change->txn, 0, &place->levels);
        if (r != 0)
                return r;
        granted = calloc(1, sizeof(*granted));
        if (!granted)
                return -ENOMEM;
        granted->role = role;
        place->levels.granted = granted;
        place->levels.granted_count = place->levels.granted_size = 1;
        place->levels.roles = roles;
        return core_levels_roles(change->txn, &place->levels);
}

/* Nobody acts above himself, nor on what covers himself (D8). */
static int user_find(Change *change, Place *place, CoreError *error) {
        int r;

        r = core_user_load(change->core, change->txn, place->shown, false, &place->user, error);
        if (r == 0 && change->actor->uid == place->user->uid)
                r = core_fail(error, CORE_E_PROTECTED, "%s: nobody sets his own values",
                              place->user->name);
        if (r == 0)
                r = core_owner_guard(change, place->user, error);
        if (r == 0)
                r = core_actor_covers_account(change, place->user, error);
        if (r != 0)
                return r;
        core_policy_subject(place->user->uid, place->subject);
        place->shown = place->user->name;
        return core_levels_load(change->core, change->txn, place->user->uid, &place->levels);
}

static int place_find(Change *change, const CorePolicyPlace *at, Place *place, CoreError *error) {
        int r = -EINVAL;

        place->level = at->level;
        place->shown = at->subject ? at->subject : change->core->settings.tenant;
        snprintf(place->subject, sizeof(place->subject), "%s", place->shown);
        switch (at->level) {
        case POLICY_LEVEL_COMPANY:
                r = company_find(change, place, error);
                break;
        case POLICY_LEVEL_DEPARTMENT:
                r = department_find(change, place, error);
                break;
        case POLICY_LEVEL_ROLE:
                r = role_find(change, place, error);
                break;
        case POLICY_LEVEL_USER:
                r = user_find(change, place, error);
                break;
        case POLICY_LEVEL_BUILT_IN:
        case _POLICY_LEVEL_MAX:
                break;
        }
        return r;
}

/* Names place and value from outside; 0, or what is wrong with them. */
static int change_prepare(Change *change, const CorePolicyPlace *at, const char *name, Place *place,
                          PolicyValue *ret_value, CoreError *error) {
        int r;

        r = core_policy_find(name, ret_value, error);
        if (r == 0 && change->options->if_version != 0)
                r = core_fail(error, CORE_E_BAD_VALUE, "version: a policy value has none");
        if (r == 0)
                r = place_find(change, at, place, error);
        if (r != 0)
                return r;
        r = store_policy_value_get(change->txn, core_level_stored(place->level), place->subject,
                                   name, &place->row);
        return r < 0 ? r : 0;
}

/* Who is in um-mfa changes with the value. */
static int tell_groups(Change *change, const Place *place) {
        if (place->user)
                return core_change_news(change, CORE_OBJECT_USER, CORE_NEWS_CHANGED,
                                        place->user->uid, place->user->name, NULL);
        change->news.everybody = true;
        return 0;
}

static int change_finish(Change *change, const char *verb, const Place *place, PolicyValue value,
                         const char *before, const char *after, CoreChange *ret) {
        const char *const kinds[_POLICY_LEVEL_MAX] = {
                [POLICY_LEVEL_COMPANY] = "tenant",
                [POLICY_LEVEL_DEPARTMENT] = "department",
                [POLICY_LEVEL_ROLE] = "role",
        };
        int r;

        r = core_change_value(change, policy_value_name(value), before, after);
        if (r == 0)
                r = core_note_policy(change, core_level_stored(place->level), place->subject,
                                     policy_value_name(value), before, after);
        if (r == 0 && value == POLICY_VALUE_FACTOR_REQUIRED) {
                r = tell_groups(change, place);
                change->second_factors = after && strcmp(after, "off") != 0;
        }
        if (r < 0)
                return r;
        change->news.policy = true;
        if (place->user)
                return core_change_commit(change, verb, "user", place->user->name, place->user->uid,
                                          place->user->version, ret);
        return core_change_commit(change, verb, kinds[place->level], place->shown, 0, 0, ret);
}

int core_policy_set(Core *core, const Actor *actor, const CorePolicyPlace *at, const char *name,
                    const char *text, const CoreOptions *options, uint64_t now_usec, char *ret_text,
                    CoreChange *ret, CoreError *error) {
        _cleanup_place_ Place place = { 0 };
        _cleanup_change_ Change change = { 0 };
        char after[POLICY_VALUE_TEXT_MAX];
        PolicyEffective effective;
        StorePolicyValue row;
        PolicyValue value;
        uint64_t number;
        int r;

        r = core_change_begin(&change, core, actor, options, now_usec, error);
        if (r == 0)
                r = change_prepare(&change, at, name, &place, &value, error);
        if (r != 0)
                return r;
        policy_value_resolve(value, &place.levels.levels, &effective);
        if (policy_value_parse(value, text, effective.value, &number) < 0)
                return text_refuse(value, text, error);
        if (policy_value_is_text(value))
                snprintf(after, sizeof(after), "%s", text);
        else
                policy_value_format(value, number, after);
        memcpy(ret_text, after, sizeof(after));
        *ret = (CoreChange){ 0 };
        if (place.row && strcmp(place.row->value, after) == 0)
                return 0;
        row = (StorePolicyValue){
                core_level_stored(place.level), place.subject, name, after, actor->uid, now_usec
        };
        r = store_policy_value_put(change.txn, &row);
        if (r < 0)
                return r;
        return change_finish(&change, "policy.set", &place, value,
                             place.row ? place.row->value : NULL, after, ret);
}

int core_policy_unset(Core *core, const Actor *actor, const CorePolicyPlace *at, const char *name,
                      const CoreOptions *options, uint64_t now_usec, CoreChange *ret,
                      CoreError *error) {
        _cleanup_place_ Place place = { 0 };
        _cleanup_change_ Change change = { 0 };
        PolicyValue value;
        int r;

        r = core_change_begin(&change, core, actor, options, now_usec, error);
        if (r == 0)
                r = change_prepare(&change, at, name, &place, &value, error);
        if (r != 0)
                return r;
        *ret = (CoreChange){ 0 };
        if (!place.row)
                return 0;
        r = store_policy_value_delete(change.txn, core_level_stored(place.level), place.subject,
                                      name);
        if (r != 0)
                return r < 0 ? r : -EUCLEAN;
        return change_finish(&change, "policy.unset", &place, value, place.row->value, NULL, ret);
}
