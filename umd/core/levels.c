/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Policy values of somebody, level by level: the company's, his department's, his roles', his own.
 *
 * They are read from the store each time, in the transaction of whoever asks: some short walks, a
 * few microseconds beside the milliseconds of the hash that a login costs.  A copy in memory was
 * ruled out: it would have to follow every batch that is lost.  His record is read only where some
 * department or role has a value, and his grants are judged only where one of them matters.
 *
 * A row that cannot be understood is a fault, which denies: the shipped value may be the looser. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "umd/core/levels.h"
#include "umd/core/undo.h"

StorePolicyLevel core_level_stored(PolicyLevel level) {
        switch (level) {
        case POLICY_LEVEL_DEPARTMENT:
                return STORE_POLICY_DEPARTMENT;
        case POLICY_LEVEL_ROLE:
                return STORE_POLICY_ROLE;
        case POLICY_LEVEL_USER:
                return STORE_POLICY_USER;
        case POLICY_LEVEL_COMPANY:
        case POLICY_LEVEL_BUILT_IN: /* is no level of the store */
        case _POLICY_LEVEL_MAX:
                break;
        }
        return STORE_POLICY_COMPANY;
}

/* A row has the value's one text, as it was written. */
static int setting_add(void *userdata, const StorePolicyValue *row) {
        PolicySettings *settings = userdata;
        char text[POLICY_VALUE_TEXT_MAX];
        PolicyValue value;
        uint64_t number;

        if (policy_value_from_name(row->name, &value) < 0 ||
            policy_value_parse(value, row->value, 0, &number) < 0)
                return -EBADMSG;
        policy_value_format(value, number, text);
        if (!policy_value_is_text(value) && strcmp(text, row->value) != 0)
                return -EBADMSG;
        settings->set[value] = true;
        settings->value[value] = number;
        return 0;
}

int core_level_load(StoreTxn *txn, StorePolicyLevel level, const char *subject,
                    PolicySettings *ret) {
        *ret = (PolicySettings){ 0 };
        return store_policy_value_each(txn, level, subject, setting_add, ret);
}

typedef struct Dropping {
        Change *change;
        bool set[_POLICY_VALUE_MAX];
} Dropping;

static int drop_note(void *userdata, const StorePolicyValue *row) {
        Dropping *dropping = userdata;
        PolicyValue value;
        int r;

        if (policy_value_from_name(row->name, &value) < 0)
                return -EBADMSG;
        dropping->set[value] = true;
        r = core_note_policy(dropping->change, row->level, row->subject, row->name, row->value,
                             NULL);
        return r < 0 ? r
                     : core_change_value(dropping->change, policy_value_name(value), row->value,
                                         NULL);
}

int core_level_drop(Change *change, StorePolicyLevel level, const char *subject) {
        Dropping dropping = { .change = change };
        int r;

        r = store_policy_value_each(change->txn, level, subject, drop_note, &dropping);
        for (PolicyValue v = 0; v < _POLICY_VALUE_MAX && r == 0; v++)
                if (dropping.set[v])
                        r = store_policy_value_delete(change->txn, level, subject,
                                                      policy_value_name(v));
        return r > 0 ? -EUCLEAN : r; /* they were there a moment ago */
}

/* ---- roles -------------------------------------------------------------------------------- */

static int granted_add(Levels *levels, uint16_t role, uint64_t since_usec) {
        if (levels->granted_count == levels->granted_size) {
                size_t size = levels->granted_size ? levels->granted_size * 2 : 4;
                LevelRole *granted = reallocarray(levels->granted, size, sizeof(*granted));

                if (!granted)
                        return -ENOMEM;
                levels->granted = granted;
                levels->granted_size = size;
        }
        levels->granted[levels->granted_count++] = (LevelRole){ role, since_usec };
        return 0;
}

static int settings_add(Levels *levels, uint16_t role, const PolicySettings *own) {
        if (levels->setting_count == levels->setting_size) {
                size_t size = levels->setting_size ? levels->setting_size * 2 : 4;
                PolicyRoleSettings *settings =
                        reallocarray(levels->settings, size, sizeof(*settings));

                if (!settings)
                        return -ENOMEM;
                levels->settings = settings;
                levels->setting_size = size;
        }
        levels->settings[levels->setting_count++] = (PolicyRoleSettings){ role, *own };
        return 0;
}

/* Is the role one of those that are granted, or do these inherit it? */
static bool is_held(const Levels *levels, uint16_t role) {
        for (size_t i = 0; i < levels->granted_count; i++)
                if (policy_role_includes(core_roles_set(levels->roles), levels->granted[i].role,
                                         role))
                        return true;
        return false;
}

static int granted_numbers(const Levels *levels, uint16_t **ret) {
        uint16_t *numbers = calloc(levels->granted_count + 1, sizeof(*numbers));

        if (!numbers)
                return -ENOMEM;
        for (size_t i = 0; i < levels->granted_count; i++)
                numbers[i] = levels->granted[i].role;
        *ret = numbers;
        return 0;
}

int core_levels_roles(StoreTxn *txn, Levels *levels) {
        _cleanup_free_ uint16_t *numbers = NULL;
        const RoleSet *set = core_roles_set(levels->roles);
        int r = 0;

        for (uint16_t i = 0; i < core_roles_count(levels->roles) && r == 0; i++) {
                PolicySettings own;

                if (!is_held(levels, i))
                        continue;
                r = core_level_load(txn, STORE_POLICY_ROLE, policy_role_name(set, i), &own);
                for (PolicyValue v = 0; v < _POLICY_VALUE_MAX && r == 0; v++)
                        if (own.set[v]) {
                                r = settings_add(levels, i, &own);
                                break;
                        }
        }
        if (r == 0)
                r = granted_numbers(levels, &numbers);
        if (r == 0)
                policy_roles_resolve(set, numbers, levels->granted_count, levels->settings,
                                     levels->setting_count, &levels->levels.at[POLICY_LEVEL_ROLE]);
        return r;
}

int core_levels_found(const Levels *levels, PolicyValue value, uint16_t *ret, size_t max,
                      size_t *ret_count) {
        _cleanup_free_ uint16_t *numbers = NULL;
        int r;

        *ret_count = 0;
        if (levels->setting_count == 0)
                return 0;
        r = granted_numbers(levels, &numbers);
        if (r == 0)
                *ret_count = policy_value_roles(value, core_roles_set(levels->roles), numbers,
                                                levels->granted_count, levels->settings,
                                                levels->setting_count, ret, max);
        return r;
}

/* ---- what roles demand -------------------------------------------------------------------- */

static bool demands_itself(const RoleSpec *spec) {
        for (size_t i = 0; spec->require && spec->require[i]; i++)
                if (strcmp(spec->require[i], "second-factor") == 0)
                        return true;
        return false;
}

static uint64_t recorded_usec(const Roles *roles, uint16_t role) {
        const StoreRole *record = core_roles_record(roles, role);

        return record ? record->second_factor_usec : 0;
}

/* Since when the role demands a second factor.  Where it is inherited, the last change on the way
 * counts: whoever is new to it has his time to enrol. */
static uint64_t demanded_usec(const Roles *roles, uint16_t role) {
        const RoleSet *set = core_roles_set(roles);
        uint64_t latest = recorded_usec(roles, role);

        if (demands_itself(core_roles_spec(roles, role)))
                return latest;
        for (uint16_t i = 0; i < core_roles_count(roles); i++)
                if (policy_role_includes(set, role, i) && policy_role_needs_second_factor(set, i) &&
                    recorded_usec(roles, i) > latest)
                        latest = recorded_usec(roles, i);
        return latest;
}

static void demand_note(Levels *levels, const LevelRole *granted) {
        uint64_t since_usec;

        if (!policy_role_needs_second_factor(core_roles_set(levels->roles), granted->role))
                return;
        since_usec = demanded_usec(levels->roles, granted->role);
        if (granted->since_usec > since_usec)
                since_usec = granted->since_usec;
        if (levels->demands != ROLE_NONE && since_usec >= levels->demands_usec)
                return;
        levels->demands = granted->role;
        levels->demands_usec = since_usec;
}

PolicyRequired core_levels_required(const Levels *levels) {
        PolicyEffective effective;

        policy_value_resolve(POLICY_VALUE_FACTOR_REQUIRED, &levels->levels, &effective);
        if (effective.value == POLICY_REQUIRED_OFF && levels->demands != ROLE_NONE)
                return POLICY_REQUIRED_ON;
        return (PolicyRequired)effective.value;
}

/* ---- of a user ---------------------------------------------------------------------------- */

typedef struct Reading {
        Core *core;
        StoreTxn *txn;
        uid_t uid;
        StoreUser *user; /* NULL: not read yet, or nobody's */
} Reading;

static void reading_done(Reading *reading) {
        store_user_freep(&reading->user);
}

/* STORE_E_MISSING: nobody has the uid. */
static int user_need(Reading *reading) {
        return reading->user ? 0 : store_user_get(reading->txn, reading->uid, &reading->user);
}

static int read_department(Reading *reading, Levels *levels) {
        int r = store_policy_value_any(reading->txn, STORE_POLICY_DEPARTMENT);

        if (r == 0)
                r = user_need(reading);
        if (r != 0)
                return r < 0 ? r : 0;
        /* a longer one has no level */
        if (!reading->user->department[0] ||
            strlen(reading->user->department) > CORE_DEPARTMENT_MAX)
                return 0;
        snprintf(levels->department, sizeof(levels->department), "%s", reading->user->department);
        return core_level_load(reading->txn, STORE_POLICY_DEPARTMENT, levels->department,
                               &levels->levels.at[POLICY_LEVEL_DEPARTMENT]);
}

static int demand_look(void *userdata, const StoreGrant *grant) {
        const RoleSet *set = userdata;

        return policy_role_needs_second_factor(set, policy_role_from_name(set, grant->role));
}

/* Does anything depend on which of his roles count?  1 or 0, or a fault. */
static int roles_matter(const Reading *reading, const RoleSet *set) {
        int r = store_policy_value_any(reading->txn, STORE_POLICY_ROLE);
        uint16_t role;

        if (r <= 0)
                return r < 0 ? r : 1;
        for (size_t at = 0; (role = policy_role_automatic(set, at)) != ROLE_NONE; at++)
                if (policy_role_needs_second_factor(set, role))
                        return 1;
        return store_grant_each(reading->txn, reading->uid, demand_look, (void *)(uintptr_t)set);
}

static int read_granted(Reading *reading, Levels *levels) {
        const RightsPlace place = {
                .tenant = reading->core->settings.tenant,
                .now_usec = reading->core->now_usec,
                .over = RIGHTS_OVER_SELF,
        };
        const RoleSet *set = core_roles_set(levels->roles);
        _cleanup_holder_ Holder holder = { 0 };
        int r;

        r = core_holder_load(reading->txn, set, reading->user, &holder);
        for (size_t i = 0; i < holder.facts.grant_count && r == 0; i++) {
                const StoreGrant *record = &holder.records[i];

                if (policy_grant_state(set, &holder.facts, &holder.grants[i], &place, NULL) !=
                    GRANT_COUNTS)
                        continue;
                r = granted_add(levels, holder.grants[i].role,
                                record->from_usec > record->made_usec ? record->from_usec
                                                                      : record->made_usec);
                if (r == 0)
                        demand_note(levels, &levels->granted[levels->granted_count - 1]);
        }
        return r;
}

static int read_roles(Reading *reading, Levels *levels) {
        int r = core_roles(reading->core, reading->txn, &levels->roles);

        if (r == 0)
                r = roles_matter(reading, core_roles_set(levels->roles));
        if (r <= 0)
                return r;
        r = user_need(reading);
        if (r == 0)
                r = read_granted(reading, levels);
        if (r != 0)
                return r < 0 ? r : 0;
        return core_levels_roles(reading->txn, levels);
}

int core_levels_load(Core *core, StoreTxn *txn, uid_t uid, Levels *ret) {
        _cleanup_(reading_done) Reading reading = { .core = core, .txn = txn, .uid = uid };
        _cleanup_levels_ Levels levels = { .demands = ROLE_NONE };
        char subject[CORE_POLICY_SUBJECT_BYTES];
        int r;

        r = core_level_load(txn, STORE_POLICY_COMPANY, core->settings.tenant,
                            &levels.levels.at[POLICY_LEVEL_COMPANY]);
        if (r == 0 && uid != 0) {
                core_policy_subject(uid, subject);
                r = core_level_load(txn, STORE_POLICY_USER, subject,
                                    &levels.levels.at[POLICY_LEVEL_USER]);
                if (r == 0)
                        r = read_department(&reading, &levels);
                if (r == 0)
                        r = read_roles(&reading, &levels);
        }
        if (r < 0)
                return r;
        *ret = levels;
        levels = (Levels){ 0 };
        return 0;
}

void core_levels_done(Levels *levels) {
        free(levels->granted);
        free(levels->settings);
        *levels = (Levels){ 0 };
}

/* ---- together ----------------------------------------------------------------------------- */

int core_policy_values(Core *core, StoreTxn *txn, uid_t uid, PolicyValues *ret) {
        _cleanup_levels_ Levels levels = { 0 };
        int r;

        r = core_levels_load(core, txn, uid, &levels);
        if (r < 0)
                return r;
        policy_values_resolve(&levels.levels, ret);
        ret->factor_required = core_levels_required(&levels);
        return 0;
}

int core_policy_values_now(Core *core, uid_t uid, PolicyValues *ret) {
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        int r;

        r = store_begin_read(core->store, &txn);
        return r < 0 ? r : core_policy_values(core, txn, uid, ret);
}
