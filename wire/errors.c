/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The errors of the API: one table for umd, which answers with the names, and for the clients,
 * which turn a name back and choose an exit code.  A name that is not in the table is a fault: a
 * client never takes what it does not know for something milder. */

#include <string.h>

#include "base/base.h"
#include "wire/wire.h"

typedef struct ErrorRow {
        const char *name;
        int exit_code;
} ErrorRow;

/* Exit codes: 0 done, 1 failed, 2 usage, 3 refused, 4 not found (FEATURES, common ground). */
static const ErrorRow ERRORS[_WIRE_E_MAX] = {
        [WIRE_E_NONE] = { NULL, 0 },
        [WIRE_E_NO_SUCH_USER] = { WIRE_ERROR_PREFIX "NoSuchUser", 4 },
        [WIRE_E_NO_SUCH_GROUP] = { WIRE_ERROR_PREFIX "NoSuchGroup", 4 },
        [WIRE_E_NO_SUCH_ENTRY] = { WIRE_ERROR_PREFIX "NoSuchEntry", 4 },
        [WIRE_E_NO_SUCH_ROLE] = { WIRE_ERROR_PREFIX "NoSuchRole", 4 },
        [WIRE_E_NO_SUCH_TENANT] = { WIRE_ERROR_PREFIX "NoSuchTenant", 4 },
        [WIRE_E_NO_SUCH_APP] = { WIRE_ERROR_PREFIX "NoSuchApp", 4 },
        [WIRE_E_ACCESS_DENIED] = { WIRE_ERROR_PREFIX "AccessDenied", 3 },
        [WIRE_E_POLICY_REFUSED] = { WIRE_ERROR_PREFIX "PolicyRefused", 3 },
        [WIRE_E_BAD_VALUE] = { WIRE_ERROR_PREFIX "BadValue", 2 },
        [WIRE_E_NAME_TAKEN] = { WIRE_ERROR_PREFIX "NameTaken", 1 },
        [WIRE_E_UID_TAKEN] = { WIRE_ERROR_PREFIX "UidTaken", 1 },
        [WIRE_E_CONFLICT] = { WIRE_ERROR_PREFIX "Conflict", 1 },
        [WIRE_E_PROTECTED] = { WIRE_ERROR_PREFIX "Protected", 3 },
        [WIRE_E_LAST_OWNER] = { WIRE_ERROR_PREFIX "LastOwner", 3 },
        [WIRE_E_ROLE_CONFLICT] = { WIRE_ERROR_PREFIX "RoleConflict", 3 },
        [WIRE_E_REASON_REQUIRED] = { WIRE_ERROR_PREFIX "ReasonRequired", 3 },
        [WIRE_E_SEAT_LIMIT] = { WIRE_ERROR_PREFIX "SeatLimit", 3 },
        [WIRE_E_PRIVATE_SOCKET_ONLY] = { WIRE_ERROR_PREFIX "PrivateSocketOnly", 1 },
        [WIRE_E_BUSY] = { WIRE_ERROR_PREFIX "Busy", 1 },
        [WIRE_E_UNAVAILABLE] = { WIRE_ERROR_PREFIX "Unavailable", 1 },
        [WIRE_E_FAULT] = { WIRE_ERROR_PREFIX "Fault", 1 },
};

const char *wire_error_name(WireError error) {
        if ((unsigned)error >= _WIRE_E_MAX)
                error = WIRE_E_FAULT;
        return ERRORS[error].name;
}

WireError wire_error_from_name(const char *name) {
        if (name)
                for (size_t i = 0; i < ARRAY_LENGTH(ERRORS); i++)
                        if (ERRORS[i].name && strcmp(ERRORS[i].name, name) == 0)
                                return (WireError)i;
        return WIRE_E_FAULT;
}

int wire_error_exit_code(WireError error) {
        if ((unsigned)error >= _WIRE_E_MAX)
                error = WIRE_E_FAULT;
        return ERRORS[error].exit_code;
}
