/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The API's errors: every one has a name of its own that leads back to it, and an exit code; what
 * is not in the table is a fault. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "wire/wire.h"

static void every_error_has_a_name_that_leads_back(void **state) {
        assert_null(wire_error_name(WIRE_E_NONE));
        for (int i = WIRE_E_NONE + 1; i < _WIRE_E_MAX; i++) {
                const char *name = wire_error_name((WireError)i);

                assert_non_null(name);
                assert_int_equal(strncmp(name, WIRE_ERROR_PREFIX, strlen(WIRE_ERROR_PREFIX)), 0);
                assert_int_equal(wire_error_from_name(name), i);
        }
}

static void an_unknown_name_is_a_fault(void **state) {
        static const char *const names[] = { "",
                                             "org.um1.Error.",
                                             "org.um1.Error.nosuchuser",
                                             "org.um1.Error.NoSuchUser ",
                                             "org.freedesktop.DBus.Error.AccessDenied",
                                             "NoSuchUser" };

        for (size_t i = 0; i < ARRAY_LENGTH(names); i++)
                assert_int_equal(wire_error_from_name(names[i]), WIRE_E_FAULT);
        assert_int_equal(wire_error_from_name(NULL), WIRE_E_FAULT);
        assert_string_equal(wire_error_name(_WIRE_E_MAX), "org.um1.Error.Fault");
        assert_string_equal(wire_error_name((WireError)-1), "org.um1.Error.Fault");
}

static void exit_codes_are_those_of_the_manual(void **state) {
        static const struct {
                WireError error;
                int code;
        } rows[] = {
                { WIRE_E_NONE, 0 },
                { WIRE_E_NO_SUCH_USER, 4 },
                { WIRE_E_NO_SUCH_GROUP, 4 },
                { WIRE_E_NO_SUCH_ENTRY, 4 },
                { WIRE_E_NO_SUCH_ROLE, 4 },
                { WIRE_E_NO_SUCH_TENANT, 4 },
                { WIRE_E_NO_SUCH_APP, 4 },
                { WIRE_E_PROTECTED, 3 },
                { WIRE_E_LAST_OWNER, 3 },
                { WIRE_E_ROLE_CONFLICT, 3 },
                { WIRE_E_REASON_REQUIRED, 3 },
                { WIRE_E_SEAT_LIMIT, 3 },
                { WIRE_E_ACCESS_DENIED, 3 },
                { WIRE_E_POLICY_REFUSED, 3 },
                { WIRE_E_BAD_VALUE, 2 },
                { WIRE_E_NAME_TAKEN, 1 },
                { WIRE_E_UID_TAKEN, 1 },
                { WIRE_E_CONFLICT, 1 },
                { WIRE_E_BUSY, 1 },
                { WIRE_E_PRIVATE_SOCKET_ONLY, 1 },
                { WIRE_E_UNAVAILABLE, 1 },
                { WIRE_E_FAULT, 1 },
                { _WIRE_E_MAX, 1 },
        };

        assert_int_equal(ARRAY_LENGTH(rows), _WIRE_E_MAX + 1);
        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++)
                assert_int_equal(wire_error_exit_code(rows[i].error), rows[i].code);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_error_has_a_name_that_leads_back),
                cmocka_unit_test(an_unknown_name_is_a_fault),
                cmocka_unit_test(exit_codes_are_those_of_the_manual),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
