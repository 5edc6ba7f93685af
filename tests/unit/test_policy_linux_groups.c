/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which Linux groups amount to root. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy/policy.h"

static void some_do_by_their_names(void **state) {
        static const char *const roots[] = { "root", "sudo",   "wheel", "docker", "lxd",
                                             "disk", "shadow", "incus", "staff",  "um" };

        for (size_t i = 0; i < ARRAY_LENGTH(roots); i++) {
                assert_true(policy_linux_group_is_root(roots[i], true, 27));
                assert_true(policy_linux_group_is_root(roots[i], true, 1005));
                assert_true(policy_linux_group_is_root(roots[i], false, 70000));
        }
}

static void of_the_hosts_below_1000_all_do_but_those_that_are_known(void **state) {
        assert_false(policy_linux_group_is_root("adm", true, 4));
        assert_false(policy_linux_group_is_root("kvm", true, 993));
        assert_true(policy_linux_group_is_root("the-next-docker", true, 999));
        assert_false(policy_linux_group_is_root("the-next-docker", true, 1000));
        assert_false(policy_linux_group_is_root("the-next-docker", false, 999));
        assert_true(policy_linux_group_is_root("toor", true, 0));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(some_do_by_their_names),
                cmocka_unit_test(of_the_hosts_below_1000_all_do_but_those_that_are_known),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
