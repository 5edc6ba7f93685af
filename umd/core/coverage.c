/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The report mfa-coverage: for each user whether he has to have a second factor, whether he has
 * one, and until when he can go without.  What it says is what the next login goes by: the same
 * values, the same rows, the same deadline. */

#include <errno.h>
#include <string.h>

#include "umd/core/levels.h"
#include "umd/core/second.h"

typedef struct Coverage {
        Core *core;
        void (*each)(void *userdata, const CoreCoverage *coverage);
        void *userdata;
} Coverage;

static const char *required_name(PolicyRequired required) {
        return policy_value_word(POLICY_VALUE_FACTOR_REQUIRED, (size_t)required);
}

/* Codes that stand in for a factor are none themselves. */
static void factors_sum(const StoreFactors *factors, const PolicyValues *values,
                        const StoreUser *user, const char **methods, CoreCoverage *ret) {
        PolicyStrength strongest = POLICY_STRENGTH_SINGLE;
        uint32_t seen = 0;

        for (size_t i = 0; i < factors->count; i++) {
                const StoreFactor *factor = factors->list[i];
                PolicyStrength strength = core_factor_strength(factor);

                if (!factor->active || factor->method == POLICY_METHOD_RECOVERY)
                        continue;
                if (!(seen & 1U << factor->method))
                        methods[ret->method_count++] = core_method_name(factor->method);
                seen |= 1U << factor->method;
                if (!core_method_permitted(values, factor->method))
                        continue;
                ret->enrolled = true;
                if (strength > strongest)
                        strongest = strength;
        }
        /* as the judgement has it (judge.c): where a factor is due an address stands for one */
        if ((seen != 0 || values->factor_required != POLICY_REQUIRED_OFF) &&
            core_mail_possible(values, user)) {
                methods[ret->method_count++] = core_method_name(POLICY_METHOD_EMAIL_CODE);
                ret->enrolled = true;
                if (strongest < POLICY_STRENGTH_WEAK_MFA)
                        strongest = POLICY_STRENGTH_WEAK_MFA;
        }
        ret->methods = methods;
        ret->strongest = policy_strength_name(strongest);
        ret->codes_left = core_recovery_left(factors);
}

/* "role admin", "department sales", "user" */
static int because_text(const Levels *levels, const char *tenant, char *buf, size_t size) {
        PolicyEffective effective;
        uint16_t roles[ROLES_MAX];
        size_t count = 0;
        Text text;
        int r = 0;

        base_text_init(&text, buf, size);
        policy_value_resolve(POLICY_VALUE_FACTOR_REQUIRED, &levels->levels, &effective);
        if (effective.value == POLICY_REQUIRED_OFF) {
                if (levels->demands != ROLE_NONE)
                        base_text_addf(&text, "role %s",
                                       policy_role_name(core_roles_set(levels->roles),
                                                        levels->demands));
                return 0;
        }
        base_text_add(&text, policy_level_name(effective.level));
        if (effective.level == POLICY_LEVEL_COMPANY)
                base_text_addf(&text, " %s", tenant);
        if (effective.level == POLICY_LEVEL_DEPARTMENT)
                base_text_addf(&text, " %s", levels->department);
        if (effective.level == POLICY_LEVEL_ROLE)
                r = core_levels_found(levels, POLICY_VALUE_FACTOR_REQUIRED, roles, ROLES_MAX,
                                      &count);
        for (size_t i = 0, at = 0; i < count; i++) {
                while (levels->settings[at].role != roles[i])
                        at++;
                if (levels->settings[at].own.value[POLICY_VALUE_FACTOR_REQUIRED] ==
                    effective.value) {
                        base_text_addf(&text, " %s",
                                       policy_role_name(core_roles_set(levels->roles), roles[i]));
                        break;
                }
        }
        return r;
}

static int cover_one(void *userdata, Asker *asker, const StoreUser *user) {
        _cleanup_(store_factors_done) StoreFactors factors = { 0 };
        _cleanup_texts_ Texts role_names = { 0 };
        _cleanup_levels_ Levels levels = { 0 };
        char because[CORE_POLICY_SUBJECT_BYTES + 16];
        const char *methods[_POLICY_METHOD_MAX];
        Coverage *coverage = userdata;
        CoreCoverage row = { .user = user->name, .because = because };
        StoreTxn *txn = asker->txn;
        PolicyValues values;
        int r;

        r = core_levels_load(coverage->core, txn, user->uid, &levels);
        if (r == 0)
                r = because_text(&levels, coverage->core->settings.tenant, because,
                                 sizeof(because));
        if (r == 0)
                r = store_factors_of_user(txn, user->uid, &factors);
        if (r == 0)
                r = core_roles_of_user(coverage->core, txn, user, &role_names, NULL);
        if (r < 0)
                return r;
        policy_values_resolve(&levels.levels, &values);
        values.factor_required = core_levels_required(&levels);
        if (user->service) { /* comes in by a key alone */
                values.factor_required = POLICY_REQUIRED_OFF;
                because[0] = '\0';
        }
        row.roles = (const char *const *)role_names.list;
        row.role_count = role_names.count;
        row.required = required_name(values.factor_required);
        factors_sum(&factors, &values, user, methods, &row);
        if (values.factor_required != POLICY_REQUIRED_OFF && !row.enrolled)
                r = core_enrol_until(coverage->core, txn, &values, user, &row.deadline_usec);
        if (r == 0)
                coverage->each(coverage->userdata, &row);
        return r;
}

int core_factor_coverage(Core *core, const Actor *actor, const char *filter, const char *cursor,
                         uint32_t limit, uint64_t now_usec,
                         void (*each)(void *userdata, const CoreCoverage *coverage), void *userdata,
                         char *ret_cursor, CoreError *error) {
        Coverage coverage = { core, each, userdata };

        return core_users_page(core, actor, PERMISSION_REPORT_VIEW, filter, cursor, limit, now_usec,
                               cover_one, &coverage, ret_cursor, error);
}
