/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What umctl doctor makes of PAM stacks: Debian 12's with um's profiles is good; each way it has
 * gone wrong elsewhere (SECURITY A2, A3, A15) is seen. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <security/_pam_types.h>

#include "umctl/doctor.h"

#define JUMP_LOCAL(type) type " [success=1 default=ignore] pam_localuser.so\n"

typedef struct Dir {
        char path[64];
} Dir;

static void file_put(const Dir *dir, const char *name, const char *text) {
        char path[128];
        FILE *f;

        snprintf(path, sizeof(path), "%s/%s", dir->path, name);
        f = fopen(path, "we");
        assert_non_null(f);
        fputs(text, f);
        fclose(f);
}

static int setup(void **state) {
        static Dir dir;

        snprintf(dir.path, sizeof(dir.path), "/tmp/um-stack-XXXXXX");
        if (!mkdtemp(dir.path))
                return -1;
        *state = &dir;
        return 0;
}

static int teardown(void **state) {
        static const char *const names[] = { "common-auth", "common-account", "svc", "loop" };
        const Dir *dir = *state;
        char path[128];

        for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
                snprintf(path, sizeof(path), "%s/%s", dir->path, names[i]);
                unlink(path);
        }
        return rmdir(dir->path);
}

static PamStack *stack_of(const Dir *dir, PamFacility facility, const char *text) {
        PamStack *stack = NULL;
        char where[256];

        file_put(dir, "svc", text);
        assert_int_equal(pam_stack_read(dir->path, "svc", facility, &stack, where, sizeof(where)),
                         0);
        return stack;
}

static const char good_auth[] =
        JUMP_LOCAL("auth") "auth [success=2 user_unknown=ignore default=die] pam_um.so\n"
                           "auth [success=1 default=ignore] pam_unix.so nullok\n"
                           "auth requisite pam_deny.so\n"
                           "auth required pam_permit.so\n";

static void a_refusal_is_final_in_debians_auth(void **state) {
        PamStack *stack = stack_of(*state, PAM_FACILITY_AUTH, good_auth);

        assert_int_equal(pam_stack_run(stack, PAM_SUCCESS, PAM_PERM_DENIED), PAM_SUCCESS);
        assert_int_equal(pam_stack_run(stack, PAM_AUTH_ERR, PAM_PERM_DENIED), PAM_AUTH_ERR);
        assert_int_equal(pam_stack_run(stack, PAM_AUTHINFO_UNAVAIL, PAM_PERM_DENIED),
                         PAM_AUTHINFO_UNAVAIL);
        /* a name of another source goes on to pam_unix */
        assert_int_equal(pam_stack_run(stack, PAM_USER_UNKNOWN, PAM_PERM_DENIED), PAM_SUCCESS);
        /* a local user never meets the module, whatever it would say */
        assert_int_equal(pam_stack_run(stack, PAM_MODULE_UNKNOWN, PAM_SUCCESS), PAM_SUCCESS);
        pam_stack_free(stack);
}

static void a_refusal_that_default_ignores_lets_in(void **state) {
        /* himmelblau's account line: pam_unix succeeds for whoever resolves */
        PamStack *stack = stack_of(
                *state, PAM_FACILITY_ACCOUNT,
                "account [success=1 default=ignore] pam_um.so\naccount required pam_unix.so\n"
                "account required pam_permit.so\n");

        assert_int_equal(pam_stack_run(stack, PAM_AUTH_ERR, PAM_PERM_DENIED), PAM_SUCCESS);
        pam_stack_free(stack);
}

static void without_the_jump_a_local_user_meets_um(void **state) {
        PamStack *stack =
                stack_of(*state, PAM_FACILITY_AUTH,
                         "auth [success=2 user_unknown=ignore default=die] pam_um.so\n"
                         "auth [success=1 default=ignore] pam_unix.so\nauth requisite pam_deny.so\n"
                         "auth required pam_permit.so\n");

        assert_int_equal(pam_stack_run(stack, PAM_MODULE_UNKNOWN, PAM_SUCCESS), PAM_MODULE_UNKNOWN);
        pam_stack_free(stack);
}

static void includes_substacks_and_continued_lines_are_followed(void **state) {
        PamStack *stack;

        file_put(*state, "common-auth", good_auth);
        stack = stack_of(*state, PAM_FACILITY_AUTH,
                         "# comment\n@include common-auth\nauth \\\n  optional pam_x.so a=b\n");
        assert_true(pam_stack_has(stack, "pam_um.so"));
        assert_true(pam_stack_has(stack, "pam_x.so"));
        assert_int_equal(pam_stack_run(stack, PAM_AUTH_ERR, PAM_PERM_DENIED), PAM_AUTH_ERR);
        pam_stack_free(stack);
        /* a die inside a substack ends the substack, and its result fails the required line */
        stack = stack_of(*state, PAM_FACILITY_AUTH,
                         "auth substack common-auth\nauth required pam_permit.so\n");
        assert_int_equal(pam_stack_run(stack, PAM_AUTH_ERR, PAM_PERM_DENIED), PAM_AUTH_ERR);
        pam_stack_free(stack);
}

static void a_jump_past_the_end_fails(void **state) {
        PamStack *stack = stack_of(*state, PAM_FACILITY_AUTH,
                                   "auth required pam_permit.so\nauth [success=3] pam_um.so\n");

        assert_int_not_equal(pam_stack_run(stack, PAM_SUCCESS, PAM_PERM_DENIED), PAM_SUCCESS);
        pam_stack_free(stack);
}

static void an_empty_stack_denies(void **state) {
        PamStack *stack = stack_of(*state, PAM_FACILITY_AUTH, "account required pam_permit.so\n");

        assert_int_equal(pam_stack_run(stack, PAM_SUCCESS, PAM_SUCCESS), PAM_PERM_DENIED);
        pam_stack_free(stack);
}

static void broken_lines_and_loops_are_refused(void **state) {
        static const char *const bad[] = { "auth [success=frob] pam_um.so\n",
                                           "auth frob pam_um.so\n", "auth required\n",
                                           "auth [frob=ok] pam_um.so\n" };
        PamStack *stack = NULL;
        char where[256];

        for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
                file_put(*state, "svc", bad[i]);
                assert_int_equal(pam_stack_read(((Dir *)*state)->path, "svc", PAM_FACILITY_AUTH,
                                                &stack, where, sizeof(where)),
                                 -EBADMSG);
                assert_non_null(strstr(where, "svc:1"));
        }
        file_put(*state, "loop", "@include loop\n");
        assert_int_equal(pam_stack_read(((Dir *)*state)->path, "loop", PAM_FACILITY_AUTH, &stack,
                                        where, sizeof(where)),
                         -ELOOP);
        assert_int_equal(pam_stack_read(((Dir *)*state)->path, "none", PAM_FACILITY_AUTH, &stack,
                                        where, sizeof(where)),
                         -ENOENT);
}

static void the_first_folder_that_has_it_counts(void **state) {
        const Dir *dir = *state;
        PamStack *stack = NULL;
        char dirs[160], where[256];

        snprintf(dirs, sizeof(dirs), "%s/none:%s", dir->path, dir->path);
        file_put(dir, "svc", "auth required pam_um.so\n");
        assert_int_equal(pam_stack_read(dirs, "svc", PAM_FACILITY_AUTH, &stack, where,
                                        sizeof(where)),
                         0);
        assert_true(pam_stack_has(stack, "pam_um.so"));
        pam_stack_free(stack);
        assert_int_equal(pam_stack_read(dirs, "none-either", PAM_FACILITY_AUTH, &stack, where,
                                        sizeof(where)),
                         -ENOENT);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(a_refusal_is_final_in_debians_auth, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(a_refusal_that_default_ignores_lets_in, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(without_the_jump_a_local_user_meets_um, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(includes_substacks_and_continued_lines_are_followed,
                                                setup, teardown),
                cmocka_unit_test_setup_teardown(a_jump_past_the_end_fails, setup, teardown),
                cmocka_unit_test_setup_teardown(an_empty_stack_denies, setup, teardown),
                cmocka_unit_test_setup_teardown(broken_lines_and_loops_are_refused, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(the_first_folder_that_has_it_counts, setup,
                                                teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
