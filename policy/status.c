/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The five states and the steps between them, as one table: a step that is not in it does not
 * exist, and the hint names the verb that leads on (FEATURES G4).  A state or step out of range is
 * refused. */

#include "policy/policy.h"

typedef struct Step {
        UserStatus to;    /* USER_STATUS_INVALID: not from here */
        const char *hint; /* why not; follows the name */
} Step;

static const Step steps[_STATUS_STEP_MAX][_USER_STATUS_MAX] = {
        [STATUS_STEP_ACTIVATE] = {
                [USER_STATUS_PENDING] = { USER_STATUS_ACTIVE, NULL },
                [USER_STATUS_ACTIVE] = { USER_STATUS_INVALID, "is active already" },
                [USER_STATUS_SUSPENDED] = { USER_STATUS_INVALID, "is suspended: use resume" },
                [USER_STATUS_INACTIVE] = { USER_STATUS_INVALID, "is inactive: use enable" },
                [USER_STATUS_DELETED] = { USER_STATUS_INVALID, "is deleted: use restore" },
        },
        [STATUS_STEP_SUSPEND] = {
                [USER_STATUS_PENDING] = { USER_STATUS_INVALID, "is pending: use disable" },
                [USER_STATUS_ACTIVE] = { USER_STATUS_SUSPENDED, NULL },
                [USER_STATUS_SUSPENDED] = { USER_STATUS_SUSPENDED, NULL },
                [USER_STATUS_INACTIVE] = { USER_STATUS_INVALID,
                                           "is inactive and cannot log in anyway: use enable first" },
                [USER_STATUS_DELETED] = { USER_STATUS_INVALID, "is deleted: use restore" },
        },
        [STATUS_STEP_RESUME] = {
                [USER_STATUS_PENDING] = { USER_STATUS_INVALID,
                                          "is pending: a setup code makes it active" },
                [USER_STATUS_ACTIVE] = { USER_STATUS_INVALID, "is active already" },
                [USER_STATUS_SUSPENDED] = { USER_STATUS_ACTIVE, NULL },
                [USER_STATUS_INACTIVE] = { USER_STATUS_INVALID, "is inactive: use enable" },
                [USER_STATUS_DELETED] = { USER_STATUS_INVALID, "is deleted: use restore" },
        },
        [STATUS_STEP_DISABLE] = {
                [USER_STATUS_PENDING] = { USER_STATUS_INACTIVE, NULL },
                [USER_STATUS_ACTIVE] = { USER_STATUS_INACTIVE, NULL },
                [USER_STATUS_SUSPENDED] = { USER_STATUS_INACTIVE, NULL },
                [USER_STATUS_INACTIVE] = { USER_STATUS_INVALID, "is inactive already" },
                [USER_STATUS_DELETED] = { USER_STATUS_INVALID, "is deleted: use restore" },
        },
        [STATUS_STEP_ENABLE] = {
                [USER_STATUS_PENDING] = { USER_STATUS_INVALID,
                                          "is pending: a setup code makes it active" },
                [USER_STATUS_ACTIVE] = { USER_STATUS_INVALID, "is active already" },
                [USER_STATUS_SUSPENDED] = { USER_STATUS_INVALID, "is suspended: use resume" },
                [USER_STATUS_INACTIVE] = { USER_STATUS_ACTIVE, NULL },
                [USER_STATUS_DELETED] = { USER_STATUS_INVALID, "is deleted: use restore" },
        },
        [STATUS_STEP_DELETE] = {
                [USER_STATUS_PENDING] = { USER_STATUS_DELETED, NULL },
                [USER_STATUS_ACTIVE] = { USER_STATUS_DELETED, NULL },
                [USER_STATUS_SUSPENDED] = { USER_STATUS_DELETED, NULL },
                [USER_STATUS_INACTIVE] = { USER_STATUS_DELETED, NULL },
                [USER_STATUS_DELETED] = { USER_STATUS_INVALID, "is deleted already" },
        },
        [STATUS_STEP_RESTORE] = {
                [USER_STATUS_PENDING] = { USER_STATUS_INVALID, "is not deleted" },
                [USER_STATUS_ACTIVE] = { USER_STATUS_INVALID, "is not deleted" },
                [USER_STATUS_SUSPENDED] = { USER_STATUS_INVALID, "is not deleted: use resume" },
                [USER_STATUS_INACTIVE] = { USER_STATUS_INVALID, "is not deleted: use enable" },
                [USER_STATUS_DELETED] = { USER_STATUS_INACTIVE, NULL },
        },
};

UserStatus policy_status_step(UserStatus from, StatusStep step, const char **ret_hint) {
        const Step *found;

        if ((unsigned int)step >= _STATUS_STEP_MAX || (unsigned int)from >= _USER_STATUS_MAX ||
            from == USER_STATUS_INVALID) {
                *ret_hint = "has no such state";
                return USER_STATUS_INVALID;
        }
        found = &steps[step][from];
        if (found->to == USER_STATUS_INVALID)
                *ret_hint = found->hint;
        return found->to;
}
