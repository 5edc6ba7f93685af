/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Permissions: the table is the one docs/roles.md shows (its argument), names that were meant,
 * areas of applications, and patterns over all of them. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "policy/policy.h"

static const char *page;

/* "| `user.view` | data | reads | see accounts, ... |" for each, in the order of the table. */
static void the_page_shows_the_table(void **state) {
        FILE *file = fopen(page, "re");
        char line[512], expected[512];
        size_t found = 0;

        assert_non_null(file);
        while (fgets(line, sizeof(line), file)) {
                const PermissionInfo *info;

                if (!strstr(line, " | reads | ") && !strstr(line, " | changes | "))
                        continue;
                assert_true(found < _PERMISSION_MAX);
                info = policy_permission_info((Permission)found);
                snprintf(expected, sizeof(expected), "| `%s` | %s | %s | %s |\n", info->name,
                         policy_permission_category_name(info->category),
                         info->reads ? "reads" : "changes", info->meaning);
                assert_string_equal(line, expected);
                found++;
        }
        assert_int_equal(found, _PERMISSION_MAX);
        fclose(file);
}

static void every_row_is_whole_and_there_once(void **state) {
        size_t of_category[_PERMISSION_CATEGORY_MAX] = { 0 };

        for (Permission p = 0; p < _PERMISSION_MAX; p++) {
                const PermissionInfo *info = policy_permission_info(p);
                Permission again;

                assert_non_null(info->name);
                assert_true(strlen(info->name) <= PERMISSION_NAME_MAX && info->meaning[0]);
                assert_int_equal(policy_pattern_check(info->name, NULL, 0, NULL), 0);
                assert_int_equal(policy_permission_from_name(info->name, &again), 0);
                assert_int_equal(again, p);
                of_category[info->category]++;
        }
        for (PermissionCategory c = 0; c < _PERMISSION_CATEGORY_MAX; c++) {
                PermissionCategory again;

                assert_true(of_category[c] > 0);
                assert_int_equal(policy_permission_category_from_name(
                                         policy_permission_category_name(c), &again),
                                 0);
                assert_int_equal(again, c);
        }
        assert_string_equal(policy_permission_category_name(_PERMISSION_CATEGORY_MAX), "invalid");
}

static void what_is_no_name_is_none(void **state) {
        static const char *const names[] = { "",           "user",     "user.", "user.views",
                                             "login.sshd", "sudo.all", "*",     "User.view" };
        PermissionCategory category;
        Permission permission;

        for (size_t i = 0; i < ARRAY_LENGTH(names); i++)
                assert_int_equal(policy_permission_from_name(names[i], &permission), -ENOENT);
        assert_int_equal(policy_permission_category_from_name("A", &category), -ENOENT);
}

/* Whatever is named a view or a list of something reads; nothing that ends on a verb of change
 * does. */
static void what_reads_changes_nothing(void **state) {
        static const char *const verbs[] = { "edit",      "create",  "delete",  "grant",
                                             "set",       "reset",   "lock",    "unlock",
                                             "terminate", "approve", "register" };

        for (Permission p = 0; p < _PERMISSION_MAX; p++) {
                const PermissionInfo *info = policy_permission_info(p);
                const char *verb = strrchr(info->name, '.') + 1;

                if (strcmp(verb, "view") == 0)
                        assert_true(info->reads);
                for (size_t i = 0; i < ARRAY_LENGTH(verbs); i++)
                        if (strcmp(verb, verbs[i]) == 0)
                                assert_false(info->reads);
        }
}

/* ---- areas ----------------------------------------------------------------------------------- */

static const PermissionInfo crm_permissions[] = {
        { "crm.view", PERMISSION_CATEGORY_DATA, true, "see customers" },
        { "crm.customer.edit", PERMISSION_CATEGORY_DATA, false, "change customers" },
        { "crm.customer.note.edit", PERMISSION_CATEGORY_DATA, false, "change notes" },
};
static const PermissionArea crm = { "crm", crm_permissions, ARRAY_LENGTH(crm_permissions) };

static void an_area_is_taken_or_refused_with_why(void **state) {
        static const PermissionInfo outside[] = { { "user.view", PERMISSION_CATEGORY_DATA, true,
                                                    "" } },
                                    twice[] = { { "crm.a", PERMISSION_CATEGORY_DATA, true, "" },
                                                { "crm.a", PERMISSION_CATEGORY_DATA, true, "" } },
                                    star[] = { { "crm.*", PERMISSION_CATEGORY_DATA, true, "" } },
                                    form[] = { { "crm..a", PERMISSION_CATEGORY_DATA, true, "" } },
                                    kind[] = { { "crm.a", _PERMISSION_CATEGORY_MAX, true, "" } };
        static const struct {
                PermissionArea area;
                RightsFaultKind fault;
                const char *text;
        } table[] = {
                { { "user", crm_permissions, 3 },
                  RIGHTS_FAULT_TAKEN,
                  "\"user\": is an area of um's own" },
                { { "login", crm_permissions, 3 },
                  RIGHTS_FAULT_TAKEN,
                  "\"login\": is an area of um's own" },
                { { "sudo", crm_permissions, 3 },
                  RIGHTS_FAULT_TAKEN,
                  "\"sudo\": is an area of um's own" },
                { { "self", crm_permissions, 3 },
                  RIGHTS_FAULT_TAKEN,
                  "\"self\": is an area of um's own" },
                { { "Crm", crm_permissions, 3 }, RIGHTS_FAULT_FORM, "\"Crm\": an area is a-z" },
                { { "", crm_permissions, 3 }, RIGHTS_FAULT_FORM, "\"\": an area is a-z" },
                { { "c.r", crm_permissions, 3 }, RIGHTS_FAULT_FORM, "\"c.r\": an area is a-z" },
                { { "crm", crm_permissions, 0 }, RIGHTS_FAULT_FORM, "has no permissions" },
                { { "crm", crm_permissions, 257 }, RIGHTS_FAULT_TOO_MANY, "more than 256" },
                { { "crm", outside, 1 }, RIGHTS_FAULT_FORM, "\"user.view\": is not in the area" },
                { { "crm", twice, 2 }, RIGHTS_FAULT_TAKEN, "\"crm.a\": stands twice" },
                { { "crm", star, 1 }, RIGHTS_FAULT_FORM, "\"crm.*\": a permission has no *" },
                { { "crm", form, 1 }, RIGHTS_FAULT_FORM, "\"crm..a\": expected AREA.OBJECT.VERB" },
                { { "crm", kind, 1 }, RIGHTS_FAULT_FORM, "\"crm.a\": has no category" },
        };
        RightsFault fault;

        assert_int_equal(policy_area_check(&crm, &fault), 0);
        for (size_t i = 0; i < ARRAY_LENGTH(table); i++) {
                int r = policy_area_check(&table[i].area, &fault);

                if (r != (int)table[i].fault || !strstr(fault.text, table[i].text))
                        fail_msg("row %zu: %d, %s", i, r, fault.text);
        }
}

/* ---- patterns -------------------------------------------------------------------------------- */

static void a_pattern_is_taken_or_refused_with_the_place(void **state) {
        static const struct {
                const char *pattern;
                RightsFaultKind fault;
                const char *text;
        } table[] = {
                { "*", 0, NULL },
                { "user.view", 0, NULL },
                { "user.*", 0, NULL },
                { "*.view", 0, NULL },
                { "*.*.edit", 0, NULL },
                { "user.*.reset", 0, NULL },
                { "crm.*", 0, NULL },
                { "crm.view", 0, NULL },
                { "login.sshd", 0, NULL },
                { "login.gdm-password", 0, NULL },
                { "login.Some_Service.x+y", 0, NULL },
                { "login.*", 0, NULL },
                { "sudo.*", 0, NULL },
                { "sudo.all", 0, NULL },
                { "sudo.a-group.2_x", 0, NULL },
                { "", RIGHTS_FAULT_FORM, "(col 1)" },
                { "user", RIGHTS_FAULT_FORM, "\"user\": expected AREA.OBJECT.VERB" },
                { "user.", RIGHTS_FAULT_FORM, "(col 6)" },
                { ".view", RIGHTS_FAULT_FORM, "(col 1)" },
                { "user..view", RIGHTS_FAULT_FORM, "(col 6)" },
                { "user.vi*", RIGHTS_FAULT_FORM, "(col 8)" },
                { "user.*iew", RIGHTS_FAULT_FORM, "(col 7)" },
                { "user.**", RIGHTS_FAULT_FORM, "(col 7)" },
                { "user.-x", RIGHTS_FAULT_FORM, "(col 6)" },
                { "user._x", RIGHTS_FAULT_FORM, "(col 6)" },
                { "**", RIGHTS_FAULT_FORM, "(col 2)" },
                { "*.*", RIGHTS_FAULT_FORM, "expected * alone for everything" },
                { "user view", RIGHTS_FAULT_FORM, "(col 5)" },
                { "user.view ", RIGHTS_FAULT_FORM, "(col 10)" },
                { "user.View", RIGHTS_FAULT_FORM, "(col 6)" },
                { "user.view\n", RIGHTS_FAULT_FORM, "\"user.view\\x0a\"" },
                { "user.b.c.d.e.f.g", RIGHTS_FAULT_FORM, "(col 16)" },
                { "login.", RIGHTS_FAULT_FORM, "expected a PAM service" },
                { "login.-x", RIGHTS_FAULT_FORM, "(col 7)" },
                { "login.ss*", RIGHTS_FAULT_FORM, "(col 9)" },
                { "login.a/b", RIGHTS_FAULT_FORM, "(col 8)" },
                { "login", RIGHTS_FAULT_FORM, "expected AREA.OBJECT.VERB" },
                { "sudo.", RIGHTS_FAULT_FORM, "expected a command group" },
                { "sudo.*.x", RIGHTS_FAULT_FORM, "expected a command group" },
                { "sudo.Backup", RIGHTS_FAULT_FORM, "(col 6)" },
                { "user.pasword.reset", RIGHTS_FAULT_UNKNOWN,
                  "\"user.pasword.reset\": no such permission; near: user.password.reset" },
                { "user.edt", RIGHTS_FAULT_UNKNOWN, "; near: user.edit" },
                { "sel.profile.edit", RIGHTS_FAULT_UNKNOWN, "near: self.profile.edit" },
                { "crm.vew", RIGHTS_FAULT_UNKNOWN, "near: crm.view" },
                { "nothing.like.it", RIGHTS_FAULT_UNKNOWN, "no such permission" },
                { "usr.*", RIGHTS_FAULT_UNKNOWN, "\"usr.*\": covers no permission" },
                { "user.*.*.*", RIGHTS_FAULT_UNKNOWN, "covers no permission" },
        };
        RightsFault fault;

        for (size_t i = 0; i < ARRAY_LENGTH(table); i++) {
                int r = policy_pattern_check(table[i].pattern, &crm, 1, &fault);

                if (r != (int)table[i].fault || (r != 0 && !strstr(fault.text, table[i].text)))
                        fail_msg("%s: %d, %s", table[i].pattern, r, fault.text);
                assert_int_equal(policy_pattern_check(table[i].pattern, &crm, 1, NULL), r);
        }
        assert_int_equal(policy_pattern_check("crm.*", NULL, 0, NULL), RIGHTS_FAULT_UNKNOWN);
}

static void lengths_end_where_they_should(void **state) {
        char name[PERMISSION_NAME_MAX + 8];

        memset(name, 'a', sizeof(name));
        memcpy(name, "login.", 6);
        name[6 + PERMISSION_SERVICE_MAX] = '\0';
        assert_int_equal(policy_pattern_check(name, NULL, 0, NULL), 0);
        name[6 + PERMISSION_SERVICE_MAX] = 'a';
        name[7 + PERMISSION_SERVICE_MAX] = '\0';
        assert_int_equal(policy_pattern_check(name, NULL, 0, NULL), RIGHTS_FAULT_FORM);
        memset(name, 'a', sizeof(name));
        memcpy(name, "sudo.", 5);
        name[5 + PERMISSION_GROUP_MAX] = '\0';
        assert_int_equal(policy_pattern_check(name, NULL, 0, NULL), 0);
        name[5 + PERMISSION_GROUP_MAX] = 'a';
        name[6 + PERMISSION_GROUP_MAX] = '\0';
        assert_int_equal(policy_pattern_check(name, NULL, 0, NULL), RIGHTS_FAULT_FORM);
        memset(name, 'a', sizeof(name));
        name[1] = '.';
        name[PERMISSION_NAME_MAX] = '\0';
        assert_int_equal(policy_pattern_check(name, NULL, 0, NULL), RIGHTS_FAULT_UNKNOWN);
        name[PERMISSION_NAME_MAX] = 'a';
        name[PERMISSION_NAME_MAX + 1] = '\0';
        assert_int_equal(policy_pattern_check(name, NULL, 0, NULL), RIGHTS_FAULT_FORM);
}

static void the_nearest_names_come_first(void **state) {
        const char *near[3];

        assert_int_equal(policy_permission_near("user.lok", NULL, 0, near, 3), 2);
        assert_string_equal(near[0], "user.lock");
        assert_string_equal(near[1], "user.unlock");
        assert_int_equal(policy_permission_near("user.unlok", NULL, 0, near, 3), 2);
        assert_string_equal(near[0], "user.unlock");
        assert_string_equal(near[1], "user.lock");
        assert_int_equal(policy_permission_near("role.edt", NULL, 0, near, 3), 3);
        assert_string_equal(near[0], "role.edit");
        assert_int_equal(policy_permission_near("crm.customer.edt", &crm, 1, near, 3), 1);
        assert_string_equal(near[0], "crm.customer.edit");
        assert_int_equal(policy_permission_near("password", NULL, 0, near, 3), 2);
        assert_int_equal(policy_permission_near("view", NULL, 0, near, 1), 1);
        assert_int_equal(policy_permission_near("", NULL, 0, near, 3), 0);
        assert_int_equal(policy_permission_near("a-name-so-long-that-it-is-near-to-nothing-at-all",
                                                NULL, 0, near, 3),
                         0);
}

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_page_shows_the_table),
                cmocka_unit_test(every_row_is_whole_and_there_once),
                cmocka_unit_test(what_is_no_name_is_none),
                cmocka_unit_test(what_reads_changes_nothing),
                cmocka_unit_test(an_area_is_taken_or_refused_with_why),
                cmocka_unit_test(a_pattern_is_taken_or_refused_with_the_place),
                cmocka_unit_test(lengths_end_where_they_should),
                cmocka_unit_test(the_nearest_names_come_first),
        };

        if (argc != 2)
                return 2;
        page = argv[1];
        return cmocka_run_group_tests(tests, NULL, NULL);
}
