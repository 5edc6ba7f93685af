/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether a change may go without a reason, or without a ticket in it (FEATURES H13).  It goes by
 * the policy values of whoever makes it; root has the company's, and can always give a reason, so
 * that nobody is shut out of putting a value right. */

#include <errno.h>
#include <string.h>

#include "umd/core/levels.h"

/* A person's call, and not what umd does by itself or a login leads to. */
static bool is_asked(const Actor *actor, const CoreOptions *options) {
        return !options->unasked && strcmp(actor->via, "umd") != 0;
}

static bool holds(const Levels *levels, PolicyValue value, PolicyLevel *ret_level) {
        PolicyEffective effective;

        policy_value_resolve(value, &levels->levels, &effective);
        *ret_level = effective.level;
        return effective.value != 0;
}

static int check_pattern(StoreTxn *txn, StorePolicyLevel level, const char *subject,
                         const char *reason, CoreError *error) {
        _cleanup_(store_policy_value_freep) StorePolicyValue *row = NULL;
        int r;

        r = store_policy_value_get(txn, level, subject,
                                   policy_value_name(POLICY_VALUE_CHANGE_TICKET_PATTERN), &row);
        if (r != 0)
                return r < 0 ? r : -EBADMSG; /* it was there a moment ago */
        if (policy_ticket_matches(row->value, reason))
                return 0;
        return core_fail(error, CORE_E_REASON_REQUIRED,
                         "your changes need a ticket in their reason, as %s: --reason TEXT",
                         core_quote(row->value).text);
}

/* Of several roles' patterns all must match (P.7). */
static int check_roles(StoreTxn *txn, const Levels *levels, const char *reason, CoreError *error) {
        uint16_t found[ROLES_MAX];
        size_t count;
        int r;

        r = core_levels_found(levels, POLICY_VALUE_CHANGE_TICKET_PATTERN, found,
                              ARRAY_LENGTH(found), &count);
        for (size_t i = 0, at = 0; i < count && r == 0; i++) {
                while (levels->settings[at].role != found[i])
                        at++;
                if (levels->settings[at].own.value[POLICY_VALUE_CHANGE_TICKET_PATTERN] != 0)
                        r = check_pattern(txn, STORE_POLICY_ROLE,
                                          policy_role_name(core_roles_set(levels->roles), found[i]),
                                          reason, error);
        }
        return r;
}

static int check_ticket(Core *core, StoreTxn *txn, uid_t uid, const Levels *levels,
                        PolicyLevel level, const char *reason, CoreError *error) {
        char subject[CORE_POLICY_SUBJECT_BYTES];

        switch (level) {
        case POLICY_LEVEL_COMPANY:
                return check_pattern(txn, STORE_POLICY_COMPANY, core->settings.tenant, reason,
                                     error);
        case POLICY_LEVEL_DEPARTMENT:
                return check_pattern(txn, STORE_POLICY_DEPARTMENT, levels->department, reason,
                                     error);
        case POLICY_LEVEL_ROLE:
                return check_roles(txn, levels, reason, error);
        case POLICY_LEVEL_USER:
                core_policy_subject(uid, subject);
                return check_pattern(txn, STORE_POLICY_USER, subject, reason, error);
        case POLICY_LEVEL_BUILT_IN: /* as shipped there is none */
        case _POLICY_LEVEL_MAX:
                break;
        }
        return -EUCLEAN;
}

int core_reason_check(Core *core, StoreTxn *txn, const Actor *actor, const CoreOptions *options,
                      CoreError *error) {
        const char *reason = options->reason ? options->reason : "";
        _cleanup_levels_ Levels levels = { 0 };
        PolicyLevel level;
        int r;

        if (!is_asked(actor, options))
                return 0;
        r = core_levels_load(core, txn, actor->uid, &levels);
        if (r < 0)
                return r;
        if (!reason[0] && holds(&levels, POLICY_VALUE_CHANGE_REASON_REQUIRED, &level))
                return core_fail(error, CORE_E_REASON_REQUIRED,
                                 "your changes need a reason: --reason TEXT");
        return holds(&levels, POLICY_VALUE_CHANGE_TICKET_PATTERN, &level)
                       ? check_ticket(core, txn, actor->uid, &levels, level, reason, error)
                       : 0;
}
