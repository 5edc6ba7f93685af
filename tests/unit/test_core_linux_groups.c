/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The Linux groups that roles give: who is in them, who is told when that changes, and which a role
 * may not have. */

#include "tests/unit/linux_shown.h"

static void who_holds_a_role_is_in_its_groups(void **state) {
        Fixture *f = *state;
        char both[64], above[64];
        gid_t web = make_group(f, "web"), ops = make_group(f, "ops");

        host_group(f, "adm", 4);
        make_person(f, "bob");
        make_person(f, "carol");
        add_user(f, "web", "carol");
        add_group(f, "ops", "web");
        must(role_add(f, "base", .linux_groups = "adm"));
        must(role_add(f, "dba", .inherit = "base", .linux_groups = "web"));
        assert_shown(f, "bob", "");
        must(grant(f, "dba", "bob"));
        snprintf(both, sizeof(both), "%u,%u/4", web, ops);
        snprintf(above, sizeof(above), "%u,%u", web, ops);
        assert_shown(f, "bob", both);
        assert_shown(f, "carol", above);
        assert_listed(f, "web", "bob,carol");
        assert_listed(f, "ops", "bob,carol");
        assert_string_equal(groups_of(f, "bob"), "ops,web");
        assert_string_equal(effective_of(f, "web"), "bob,carol");
        must(revoke(f, "dba", "bob"));
        assert_shown(f, "bob", "");
        assert_listed(f, "web", "carol");
}

static void only_a_grant_that_counts_here_gives_them(void **state) {
        Fixture *f = *state;
        const GrantEdit over = { .user = "bob",
                                 .role = "dba",
                                 .until_usec = USEC_INFINITY,
                                 .over = "department=sales" };

        host_group(f, "adm", 4);
        make_person(f, "bob");
        must(tenant_add(f, "acme"));
        must(role_add(f, "dba", .require = "email", .linux_groups = "adm"));
        must(grant_at(f, "dba", "bob", "acme"));
        assert_shown(f, "bob", "");
        must(grant_edit(f, &f->root, &over));
        assert_shown(f, "bob", ""); /* a group is for the host, not for a department */
        must(grant(f, "dba", "bob"));
        assert_shown(f, "bob", "/4");
        update_text(f, "bob", USER_FIELD_EMAIL, "");
        assert_shown(f, "bob", "");
        update_text(f, "bob", USER_FIELD_EMAIL, "bob@example.org");
        assert_shown(f, "bob", "/4");
        step_user(f, "bob", STATUS_STEP_SUSPEND); /* as with his other groups */
        assert_shown(f, "bob", "/4");
}

static void who_changes_is_told(void **state) {
        Fixture *f = *state;

        make_group(f, "web");
        make_group(f, "ops");
        add_group(f, "ops", "web");
        make_person(f, "bob");
        must(role_add(f, "dba", .require = "email"));
        must(grant(f, "dba", "bob"));
        fixture_flush(f);
        must(role_set(f, "dba", .linux_groups = "web"));
        fixture_flush(f);
        assert_string_equal(f->news, "changed group web\nchanged group ops\nchanged user bob\n");
        must(role_set(f, "dba", .permit = "user.view"));
        fixture_flush(f);
        assert_non_null(strstr(f->news, "changed user bob\n"));
        update_text(f, "bob", USER_FIELD_EMAIL, "");
        fixture_flush(f);
        assert_non_null(strstr(f->news, "changed group web\n"));
        update_text(f, "bob", USER_FIELD_EMAIL, "bob@example.org");
        step_user(f, "bob", STATUS_STEP_DELETE);
        fixture_flush(f);
        assert_non_null(strstr(f->news, "changed group web\n"));
        assert_listed(f, "web", "");
        step_user(f, "bob", STATUS_STEP_RESTORE);
        must(role_set(f, "dba", .linux_groups = ""));
        fixture_flush(f);
        assert_non_null(strstr(f->news, "changed group web\n"));
        assert_non_null(strstr(f->news, "user bob\n"));
        assert_listed(f, "web", "");
        must(role_set(f, "dba", .linux_groups = "web"));
        assert_listed(f, "web", "bob");
        fixture_flush(f);
        must(role_delete(f, "dba", true));
        fixture_flush(f);
        assert_non_null(strstr(f->news, "changed group web\n"));
        assert_non_null(strstr(f->news, "changed user bob\n"));
}

/* As many are not named one by one. */
static void of_many_it_is_said_that_it_may_be_anybody(void **state) {
        Fixture *f = *state;
        char name[16];

        host_group(f, "adm", 4);
        must(role_add(f, "many", .linux_groups = "adm"));
        for (int i = 0; i < 257; i++) {
                snprintf(name, sizeof(name), "u%d", i);
                make_user(f, name);
                must(grant(f, "many", name));
                if (i == 255) {
                        fixture_flush(f);
                        must(role_set(f, "many", .linux_groups = ""));
                        must(role_set(f, "many", .linux_groups = "adm"));
                        fixture_flush(f);
                        assert_null(strstr(f->news, "everybody"));
                        assert_non_null(strstr(f->news, "changed user u255\n"));
                }
        }
        fixture_flush(f);
        must(role_set(f, "many", .linux_groups = ""));
        fixture_flush(f);
        assert_string_equal(f->news, "changed everybody\n");
}

/* ---- which there may be -------------------------------------------------------------------- */

static void a_group_that_is_not_there_is_refused(void **state) {
        Fixture *f = *state;

        host_group(f, "adm", 4);
        host_group(f, "toor", 0);
        make_group(f, "webmaster");
        make_user(f, "alice");
        must_be(role_add(f, "r", .linux_groups = "webmastre"), CORE_E_BAD_VALUE);
        assert_string_equal(f->error.text,
                            "linux_groups: \"webmastre\": is neither a group of um nor one of "
                            "/etc/group; near: webmaster");
        must_be(role_add(f, "r", .linux_groups = "adn"), CORE_E_BAD_VALUE);
        assert_non_null(strstr(f->error.text, "near: adm"));
        must_be(role_add(f, "r", .linux_groups = "alice"), CORE_E_BAD_VALUE); /* her own */
        must_be(role_add(f, "r", .linux_groups = "um-mfa"), CORE_E_BAD_VALUE);
        must_be(role_add(f, "r", .linux_groups = "a:b"), CORE_E_BAD_VALUE);
        must_be(role_add(f, "r", .linux_groups = "toor"), CORE_E_POLICY_REFUSED);
        must(role_add(f, "r", .linux_groups = "adm webmaster"));
        must_be(role_set(f, "r", .linux_groups = "+nogroup"), CORE_E_BAD_VALUE);
}

/* What it meant when it was written must not come to mean another. */
static void a_name_that_is_both_means_neither(void **state) {
        Fixture *f = *state;
        char own[32];
        gid_t web = make_group(f, "web");

        make_user(f, "bob");
        must(role_add(f, "r", .linux_groups = "web"));
        must(grant(f, "r", "bob"));
        snprintf(own, sizeof(own), "%u", web);
        assert_shown(f, "bob", own);
        host_group(f, "web", 900);
        assert_shown(f, "bob", "");
        must_be(role_add(f, "s", .linux_groups = "web"), CORE_E_BAD_VALUE);
        f->host_group_count = 0;
        assert_shown(f, "bob", own);
}

static void missing_add(void *userdata, const CoreRole *role) {
        for (size_t i = 0; role->missing_groups && role->missing_groups[i]; i++)
                base_text_addf(userdata, "%s ", role->missing_groups[i]);
}

static const char *missing(Fixture *f, const char *role) {
        static char buf[256];
        Text text;

        base_text_init(&text, buf, sizeof(buf));
        must(core_role_show(f->core, role, missing_add, &text, &f->error));
        return buf;
}

static int group_delete(Fixture *f, const char *name, bool force) {
        return core_group_delete(f->core, &f->root, name, force, &f->options, f->now, &f->change,
                                 &f->error);
}

static void a_group_that_is_gone_puts_nobody_anywhere(void **state) {
        const GroupSpec renamed = { .name = "www" };
        Fixture *f = *state;

        host_group(f, "adm", 4);
        make_group(f, "web");
        make_user(f, "bob");
        must(role_add(f, "r", .linux_groups = "adm web"));
        must(grant(f, "r", "bob"));
        assert_string_equal(missing(f, "r"), "");
        must_be(group_delete(f, "web", false), CORE_E_POLICY_REFUSED);
        assert_non_null(strstr(f->error.text, "the role r puts its holders into it"));
        must_be(core_group_update(f->core, &f->root, "web", &renamed, &f->options, f->now,
                                  &f->change, &f->error),
                CORE_E_POLICY_REFUSED);
        fixture_flush(f);
        must(group_delete(f, "web", true));
        fixture_flush(f);
        assert_non_null(strstr(f->news, "changed user bob\n"));
        f->host_group_count = 0;
        assert_shown(f, "bob", "");
        assert_string_equal(missing(f, "r"), "adm web ");
        must(role_set(f, "r", .permit = "user.view")); /* they may stay there */
        must_be(role_add(f, "s", .linux_groups = "adm"), CORE_E_BAD_VALUE);
        fixture_flush(f);
        make_group(f, "web");
        fixture_flush(f);
        assert_non_null(strstr(f->news, "changed user bob\n"));
        assert_listed(f, "web", "bob");
}

static void a_change_of_etc_group_is_told_where_a_role_names_it(void **state) {
        Fixture *f = *state;

        make_user(f, "bob");
        fixture_flush(f);
        core_host_changed(f->core);
        fixture_flush(f);
        assert_string_equal(f->news, "");
        host_group(f, "adm", 4);
        host_group(f, "mail", 8);
        must(role_add(f, "r", .linux_groups = "adm"));
        must(grant(f, "r", "bob"));
        core_host_changed(f->core);
        fixture_flush(f);
        f->host_groups[1].gid = 9;
        core_host_changed(f->core);
        fixture_flush(f);
        assert_string_equal(f->news, "");
        f->host_groups[0].gid = 5;
        core_host_changed(f->core);
        fixture_flush(f);
        assert_string_equal(f->news, "changed everybody\n");
        assert_shown(f, "bob", "/5");
}

/* ---- those that amount to root ------------------------------------------------------------- */

static void what_amounts_to_root_takes_the_right_to_give_it(void **state) {
        Fixture *f = *state;
        const GrantEdit friend = { .user = "carol", .role = "box", .until_usec = USEC_INFINITY };
        Actor eve, adam;

        host_group(f, "docker", 995);
        host_group(f, "adm", 4);
        make_group(f, "disk"); /* by its name, whoever made it */
        eve = actor_of(make_person(f, "eve"));
        adam = actor_of(make_person(f, "adam"));
        make_person(f, "carol");
        make_person(f, "dave");
        must(role_add(f, "editor", .permit = "role.edit role.grant user.password.reset user.view",
                      .inherit = "self-service"));
        must(role_add(f, "root-editor", .inherit = "editor", .permit = "role.sudo.edit"));
        must(grant_at(f, "editor", "eve", "all"));
        must(grant_at(f, "root-editor", "adam", "all"));
        must(role_write(f, &eve, "logs", true, &(RoleText){ .linux_groups = "adm" }));
        must_be(role_write(f, &eve, "box", true, &(RoleText){ .linux_groups = "docker" }),
                CORE_E_PROTECTED);
        assert_non_null(strstr(f->error.text, "docker, which amounts to root"));
        must_be(role_write(f, &eve, "box", true, &(RoleText){ .linux_groups = "disk" }),
                CORE_E_PROTECTED);
        must(role_write(f, &adam, "box", true, &(RoleText){ .linux_groups = "docker" }));
        must_be(role_write(f, &eve, "crate", true, &(RoleText){ .inherit = "box" }),
                CORE_E_PROTECTED);
        must_be(role_write(f, &eve, "box", false, &(RoleText){ .linux_groups = "" }),
                CORE_E_PROTECTED);
        must_be(grant_edit(f, &eve, &friend), CORE_E_PROTECTED);
        must(grant_edit(f, &adam, &friend));
        /* nor by way of who holds it */
        must(grant_edit(f, &eve,
                        &(GrantEdit){
                                .user = "dave", .role = "logs", .until_usec = USEC_INFINITY }));
        must_be(grant_edit(f, &eve,
                           &(GrantEdit){
                                   .user = "carol", .role = "logs", .until_usec = USEC_INFINITY }),
                CORE_E_PROTECTED);
}

/* Nor by a department that a condition names, by a tenant's default role, by a name, nor by a group
 * that is away for the moment. */
static void no_other_way_leads_to_root(void **state) {
        Fixture *f = *state;
        const char *const box[] = { "docker" };
        const RoleEdit oncall = { .name = "oncall",
                                  .automatic = "department=ops",
                                  .lists = { [CORE_ROLE_LINUX_GROUPS] = box },
                                  .counts = { [CORE_ROLE_LINUX_GROUPS] = 1 } };
        const UserSpec moves = { .text = { [USER_FIELD_DEPARTMENT] = "ops" } }, born = {
                .text = { [USER_FIELD_NAME] = "zoe", [USER_FIELD_DEPARTMENT] = "ops" }
        };
        const GroupSpec wheel = { .name = "wheel" };
        const char *const eves[] = { "eve" };
        Actor eve;

        host_group(f, "docker", 995);
        eve = actor_of(make_person(f, "eve"));
        make_person(f, "carol");
        must(role_add(f, "editor", .inherit = "self-service",
                      .permit = "user.* group.* role.grant role.edit role.view tenant.edit"));
        must(grant_at(f, "editor", "eve", "all"));
        must(core_role_create(f->core, &f->root, &oncall, &f->options, f->now, &f->change,
                              &f->error));
        must_be(core_user_update(f->core, &eve, "carol", &moves, &f->options, f->now, &f->change,
                                 &f->error),
                CORE_E_PROTECTED);
        must_be(core_user_create(f->core, &eve, &born, &f->options, f->now, &f->change, &f->error),
                CORE_E_PROTECTED);
        must(role_add(f, "dk", .linux_groups = "docker"));
        must_be(core_tenant_update(f->core, &eve, "local", &(TenantEdit){ .default_role = "dk" },
                                   &f->options, f->now, &f->change, &f->error),
                CORE_E_PROTECTED);
        must_be(core_group_create(f->core, &eve, &wheel, &f->options, f->now, &f->change,
                                  &f->error),
                CORE_E_PROTECTED);
        make_group(f, "wheel");
        must_be(core_group_members(f->core, &eve, "wheel", true, eves, 1, NULL, 0, &f->options,
                                   f->now, &f->change, &f->error),
                CORE_E_PROTECTED);
        must_be(core_user_create(f->core, &eve, &(UserSpec){ .text = { "admin" } }, &f->options,
                                 f->now, &f->change, &f->error),
                CORE_E_PROTECTED);
        host_group(f, "ssl-cert", 110);
        must(role_add(f, "certs", .linux_groups = "ssl-cert"));
        f->host_group_count--; /* its package is removed */
        must_be(grant_edit(f, &eve,
                           &(GrantEdit){
                                   .user = "carol", .role = "certs", .until_usec = USEC_INFINITY }),
                CORE_E_PROTECTED);
}

int main(void) {
        const struct CMUnitTest tests[] = {
#define CORE_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
                CORE_TEST(who_holds_a_role_is_in_its_groups),
                CORE_TEST(only_a_grant_that_counts_here_gives_them),
                CORE_TEST(who_changes_is_told),
                CORE_TEST(of_many_it_is_said_that_it_may_be_anybody),
                CORE_TEST(a_group_that_is_not_there_is_refused),
                CORE_TEST(a_name_that_is_both_means_neither),
                CORE_TEST(a_group_that_is_gone_puts_nobody_anywhere),
                CORE_TEST(a_change_of_etc_group_is_told_where_a_role_names_it),
                CORE_TEST(what_amounts_to_root_takes_the_right_to_give_it),
                CORE_TEST(no_other_way_leads_to_root),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
