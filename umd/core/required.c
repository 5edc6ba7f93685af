/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Since when somebody has to have a second factor: from then on runs the time to enrol one
 * (FEATURES B10).  That is when the rule was set or came to be his, whichever is later: a role's
 * when he was granted it, a demand when the role came to make it. */

#include <errno.h>
#include <string.h>

#include "umd/core/levels.h"

static int set_usec(StoreTxn *txn, StorePolicyLevel level, const char *subject, uint64_t *ret) {
        _cleanup_(store_policy_value_freep) StorePolicyValue *row = NULL;
        int r;

        r = store_policy_value_get(txn, level, subject,
                                   policy_value_name(POLICY_VALUE_FACTOR_REQUIRED), &row);
        if (r != 0)
                return r < 0 ? r : -EBADMSG; /* it was there a moment ago */
        *ret = row->set_usec;
        return 0;
}

/* The first grant by which he has that role. */
static uint64_t held_usec(const Levels *levels, uint16_t role) {
        uint64_t first = USEC_INFINITY;

        for (size_t i = 0; i < levels->granted_count; i++)
                if (policy_role_includes(core_roles_set(levels->roles), levels->granted[i].role,
                                         role) &&
                    levels->granted[i].since_usec < first)
                        first = levels->granted[i].since_usec;
        return first;
}

/* Of the roles that ask for as much as is in effect the first counts. */
static int by_roles(StoreTxn *txn, const Levels *levels, uint64_t value, uint64_t *ret) {
        uint16_t found[ROLES_MAX];
        uint64_t first = USEC_INFINITY;
        size_t count;
        int r;

        r = core_levels_found(levels, POLICY_VALUE_FACTOR_REQUIRED, found, ARRAY_LENGTH(found),
                              &count);
        for (size_t i = 0, at = 0; i < count && r == 0; i++) {
                uint64_t since, held = held_usec(levels, found[i]);

                while (levels->settings[at].role != found[i])
                        at++;
                if (levels->settings[at].own.value[POLICY_VALUE_FACTOR_REQUIRED] != value)
                        continue;
                r = set_usec(txn, STORE_POLICY_ROLE,
                             policy_role_name(core_roles_set(levels->roles), found[i]), &since);
                if (r == 0 && held > since)
                        since = held;
                if (r == 0 && since < first)
                        first = since;
        }
        *ret = first;
        return r;
}

static int by_level(Core *core, StoreTxn *txn, uid_t uid, const Levels *levels,
                    const PolicyEffective *effective, uint64_t *ret) {
        char subject[CORE_POLICY_SUBJECT_BYTES];

        switch (effective->level) {
        case POLICY_LEVEL_COMPANY:
                return set_usec(txn, STORE_POLICY_COMPANY, core->settings.tenant, ret);
        case POLICY_LEVEL_DEPARTMENT:
                return set_usec(txn, STORE_POLICY_DEPARTMENT, levels->department, ret);
        case POLICY_LEVEL_ROLE:
                return by_roles(txn, levels, effective->value, ret);
        case POLICY_LEVEL_USER:
                core_policy_subject(uid, subject);
                return set_usec(txn, STORE_POLICY_USER, subject, ret);
        case POLICY_LEVEL_BUILT_IN:
        case _POLICY_LEVEL_MAX:
                break;
        }
        *ret = 0;
        return 0;
}

int core_required_since(Core *core, StoreTxn *txn, uid_t uid, uint64_t *ret) {
        _cleanup_levels_ Levels levels = { 0 };
        PolicyEffective effective;
        uint64_t since = 0;
        int r;

        r = core_levels_load(core, txn, uid, &levels);
        if (r < 0)
                return r;
        policy_value_resolve(POLICY_VALUE_FACTOR_REQUIRED, &levels.levels, &effective);
        if (effective.value != POLICY_REQUIRED_OFF)
                r = by_level(core, txn, uid, &levels, &effective, &since);
        /* a demand is for any: where the value asks for more, its own time runs */
        if (levels.demands != ROLE_NONE && effective.value != POLICY_REQUIRED_HARDWARE &&
            (effective.value == POLICY_REQUIRED_OFF || levels.demands_usec < since))
                since = levels.demands_usec;
        *ret = since;
        return r;
}
