/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sudo command groups over a real store: what is refused and with which words, who may change them,
 * and what is on record. */

#include "tests/unit/sudo_verbs.h"

#define RESTART "/usr/bin/systemctl restart backup.service"

static void group_line(void *userdata, const CoreSudoGroup *group) {
        Text *text = userdata;

        base_text_addf(text, "%s v%u (%s)%s%s:", group->name, (unsigned)group->version,
                       group->run_as, group->no_password ? " no-password" : "",
                       group->broad ? " broad" : "");
        for (size_t i = 0; group->commands[i]; i++)
                base_text_addf(text, "%s%s", i > 0 ? "|" : " ", group->commands[i]);
        base_text_add(text, "\n");
}

static const char *shown(Fixture *f, const char *name) {
        static char buf[8192];
        Text text;

        base_text_init(&text, buf, sizeof(buf));
        f->error = (CoreError){ 0 };
        return core_sudo_group_show(f->core, name, group_line, &text, &f->error) == 0 ? buf : NULL;
}

static void a_group_is_what_was_said(void **state) {
        Fixture *f = *state;

        must(sudo_add(f, "backup", .commands = RESTART));
        assert_string_equal(shown(f, "backup"), "backup v1 (root): " RESTART "\n");
        assert_string_equal(audit_line(f, 0), "sudo.create done  sudo/backup");
        must(sudo_set(f, "backup", .commands = "+/usr/bin/id", .run_as = "postgres:adm",
                      .no_password = true));
        assert_string_equal(shown(f, "backup"),
                            "backup v2 (postgres:adm) no-password: " RESTART "|/usr/bin/id\n");
        must(sudo_set(f, "backup", .commands = "-" RESTART));
        assert_string_equal(shown(f, "backup"),
                            "backup v3 (postgres:adm) no-password: /usr/bin/id\n");
        must(sudo_set(f, "backup", .commands = "+/usr/bin/id")); /* it is there already */
        assert_int_equal(f->change.id, 0);
        assert_int_equal(f->change.version, 3);
        must(sudo_set(f, "backup", .commands = "", .run_as = "root"));
        fixture_flush(f);
        fixture_reopen(f);
        assert_string_equal(shown(f, NULL),
                            "backup v4 (root) no-password:\nmaintenance v0 (root):\n");
        must(sudo_delete(f, &f->root, "backup", false));
        assert_null(shown(f, "backup"));
        assert_string_equal(f->error.text, "backup: no such sudo command group");
}

static void what_is_wrong_is_named_and_nothing_is_written(void **state) {
        static const struct {
                const char *commands, *run_as, *text;
                CoreOutcome outcome;
        } rows[] = {
                { "id", NULL, "command: \"id\": sudo takes absolute paths alone",
                  CORE_E_POLICY_REFUSED },
                { "/bin/sh", NULL,
                  "command: \"/bin/sh\": a shell runs anything; --allow-broad permits it",
                  CORE_E_POLICY_REFUSED },
                { "/usr/*/id", NULL,
                  "command: \"/usr/*/id\": a * in a path is every command that fits; --allow-broad "
                  "permits it",
                  CORE_E_POLICY_REFUSED },
                { "/usr/bin/id \"\"", NULL,
                  "command: \"/usr/bin/id \"\"\": \"\" is how sudoers writes no arguments: leave "
                  "it "
                  "out",
                  CORE_E_BAD_VALUE },
                { "/usr/bin/id|+/bin/x", NULL, "commands: either all begin with + or -, or none",
                  CORE_E_BAD_VALUE },
                { "-/usr/bin/id", NULL, "commands: \"/usr/bin/id\": is not among them",
                  CORE_E_BAD_VALUE },
                { NULL, "ALL", "run_as: \"ALL\": must be USER or USER:GROUP, by name",
                  CORE_E_BAD_VALUE },
                { NULL, "#0", "run_as: \"#0\": must be USER or USER:GROUP, by name",
                  CORE_E_BAD_VALUE },
                { NULL, "%adm", "run_as: \"%adm\": must be USER or USER:GROUP, by name",
                  CORE_E_BAD_VALUE },
                { NULL, "root:", "run_as: \"root:\": must be USER or USER:GROUP, by name",
                  CORE_E_BAD_VALUE },
                { NULL, "a, b", "run_as: \"a, b\": must be USER or USER:GROUP, by name",
                  CORE_E_BAD_VALUE },
        };
        Fixture *f = *state;
        uint64_t last = last_audit(f);

        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                must_be(sudo_add(f, "x", .commands = rows[i].commands, .run_as = rows[i].run_as),
                        rows[i].outcome);
                assert_string_equal(f->error.text, rows[i].text);
        }
        must_be(sudo_add(f, "all"), CORE_E_BAD_VALUE);
        must_be(sudo_add(f, "A"), CORE_E_BAD_VALUE);
        must_be(sudo_add(f, "maintenance"), CORE_E_NAME_TAKEN);
        must_be(sudo_set(f, "x", .description = "?"), CORE_E_NO_SUCH_ENTRY);
        must_be(sudo_delete(f, &f->root, "maintenance", true), CORE_E_PROTECTED);
        assert_int_equal(last_audit(f), last);
        must(sudo_add(f, "x"));
        must_be(sudo_add(f, "x"), CORE_E_NAME_TAKEN);
        f->options.if_version = 2;
        must_be(sudo_set(f, "x", .description = "?"), CORE_E_CONFLICT);
}

static void broad_is_what_was_permitted_as_such(void **state) {
        Fixture *f = *state;

        must_be(sudo_add(f, "x", .commands = "id", .allow_broad = true), CORE_E_POLICY_REFUSED);
        must(sudo_add(f, "x", .commands = "/bin/sh|/usr/bin/id", .allow_broad = true));
        assert_string_equal(shown(f, "x"), "x v1 (root) broad: /bin/sh|/usr/bin/id\n");
        must(sudo_set(f, "x", .description = "as it was"));
        must_be(sudo_set(f, "x", .commands = "+/bin/bash"), CORE_E_POLICY_REFUSED);
        must(sudo_set(f, "x", .commands = RESTART));
        assert_string_equal(shown(f, "x"), "x v3 (root): " RESTART "\n");
        must(sudo_set(f, "x", .commands = "+/usr/bin/whoami", .allow_broad = true));
        assert_string_equal(shown(f, "x"), "x v4 (root): " RESTART "|/usr/bin/whoami\n");
}

static void what_stands_at_the_path_counts(void **state) {
        Fixture *f = *state;

        f->program_unsafe = "/srv is not root's alone";
        must_be(sudo_add(f, "x", .commands = "/srv/backup"), CORE_E_POLICY_REFUSED);
        assert_string_equal(f->error.text, "command: \"/srv/backup\": /srv is not root's alone; "
                                           "--allow-broad permits it");
        must(sudo_add(f, "x", .commands = "/srv/backup", .allow_broad = true));
        assert_string_equal(shown(f, "x"), "x v1 (root) broad: /srv/backup\n");
        f->program_unsafe = NULL;
        f->program_real = "/usr/bin/vim.basic"; /* a link to it */
        must_be(sudo_add(f, "y", .commands = "/usr/bin/backup"), CORE_E_POLICY_REFUSED);
        assert_non_null(strstr(f->error.text, "an editor"));
}

static void too_many_are_refused(void **state) {
        Fixture *f = *state;
        char buf[CORE_SUDO_COMMANDS_MAX * 16 + 32], *at = buf;

        for (size_t i = 0; i <= CORE_SUDO_COMMANDS_MAX; i++)
                at += sprintf(at, "%s/bin/c%zu", i > 0 ? "|" : "", i);
        must_be(sudo_add(f, "x", .commands = buf), CORE_E_BAD_VALUE);
        *strrchr(buf, '|') = '\0';
        must(sudo_add(f, "x", .commands = buf));
        for (size_t i = 2; i < CORE_SUDO_GROUPS_MAX; i++) {
                char name[16];

                snprintf(name, sizeof(name), "g%zu", i);
                must(sudo_add(f, name));
        }
        must_be(sudo_add(f, "one-more"), CORE_E_POLICY_REFUSED);
}

static void one_that_a_role_permits_stays(void **state) {
        Fixture *f = *state;

        must(sudo_add(f, "backup"));
        must(role_add(f, "ops", .permit = "sudo.backup"));
        must_be(sudo_delete(f, &f->root, "backup", false), CORE_E_POLICY_REFUSED);
        assert_string_equal(f->error.text,
                            "backup: ops permits it: change that first, or use --force");
        must(sudo_delete(f, &f->root, "backup", true));
        assert_string_equal(audit_line(f, 0), "sudo.delete done  sudo/backup");
}

static void nobody_widens_what_he_has(void **state) {
        Fixture *f = *state;
        Actor ann = actor_of(make_person(f, "ann")), bea = actor_of(make_person(f, "bea"));

        must(role_add(f, "editor", .permit = "role.sudo.edit sudo.mine"));
        must(role_add(f, "everything", .permit = "sudo.all"));
        must(grant_at(f, "editor", "ann", "all"));
        must(grant_at(f, "everything", "bea", "all"));
        must(sudo_add(f, "mine"));
        must(sudo_add(f, "broad", .commands = "/bin/sh", .allow_broad = true));
        must_be(sudo_write(f, &ann, "mine", false, &(SudoText){ .commands = RESTART }),
                CORE_E_PROTECTED);
        assert_string_equal(f->error.text, "mine: is a command group of your own");
        must_be(sudo_delete(f, &ann, "mine", true), CORE_E_PROTECTED);
        must_be(sudo_write(f, &ann, "x", true,
                           &(SudoText){ .commands = "/bin/sh", .allow_broad = true }),
                CORE_E_PROTECTED);
        assert_string_equal(f->error.text,
                            "x: has commands that give more than you have: sudo.all");
        must_be(sudo_write(f, &ann, "broad", false, &(SudoText){ .commands = "+" RESTART }),
                CORE_E_PROTECTED);
        must(sudo_write(f, &ann, "x", true, &(SudoText){ .commands = RESTART }));
        must(sudo_write(f, &bea, "mine", false,
                        &(SudoText){ .commands = "/bin/sh", .allow_broad = true }));
        must(sudo_delete(f, &bea, "broad", true));
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void) {
        static const struct CMUnitTest tests[] = {
                STORY(a_group_is_what_was_said),
                STORY(what_is_wrong_is_named_and_nothing_is_written),
                STORY(broad_is_what_was_permitted_as_such),
                STORY(what_stands_at_the_path_counts),
                STORY(too_many_are_refused),
                STORY(one_that_a_role_permits_stays),
                STORY(nobody_widens_what_he_has),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
