/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Roles of one's own and tenants over a real store: what is refused and with which words, what a
 * role gives, and what is on record. */

#include "tests/unit/rights_verbs.h"

static void role_line(void *userdata, const CoreRole *role) {
        Text *text = userdata;

        base_text_addf(text, "%s v%u%s%s:", role->name, (unsigned)role->version,
                       role->built_in ? " built-in" : "", role->fault);
        for (size_t i = 0; role->permissions[i]; i++)
                base_text_addf(text, " %s", role->permissions[i]);
        for (size_t i = 0; role->denied[i]; i++)
                base_text_addf(text, " -%s", role->denied[i]);
        base_text_add(text, "\n");
}

static const char *shown(Fixture *f, const char *name) {
        static char buf[32768];
        Text text;

        base_text_init(&text, buf, sizeof(buf));
        f->error = (CoreError){ 0 };
        return core_role_show(f->core, name, role_line, &text, &f->error) == 0 ? buf : NULL;
}

static void a_role_gives_what_it_says(void **state) {
        Fixture *f = *state;

        must(role_add(f, "auditor", .permit = "audit.* report.*", .without = "audit.export",
                      .deny = "user.password.*"));
        assert_string_equal(shown(f, "auditor"),
                            "auditor v1: audit.view report.view report.export report.compliance "
                            "-user.password.reset\n");
        assert_string_equal(audit_line(f, 0), "role.create done  role/auditor");
        must(role_set(f, "auditor", .without = ""));
        assert_string_equal(shown(f, "auditor"),
                            "auditor v2: audit.view audit.export report.view report.export "
                            "report.compliance -user.password.reset\n");
        must(role_set(f, "auditor", .permit = "+user.view -report.*"));
        assert_string_equal(shown(f, "auditor"), "auditor v3: user.view audit.view audit.export "
                                                 "-user.password.reset\n");
        must(role_set(f, "auditor", .permit = "+user.view")); /* it is so already */
        assert_int_equal(f->change.id, 0);
        assert_int_equal(f->change.version, 3);
        fixture_flush(f);
        fixture_reopen(f);
        assert_string_equal(shown(f, "auditor"), "auditor v3: user.view audit.view audit.export "
                                                 "-user.password.reset\n");
        must(role_delete(f, "auditor", false));
        assert_null(shown(f, "auditor"));
        assert_string_equal(f->error.text, "auditor: no such role");
}

static void what_is_wrong_is_named_and_nothing_is_written(void **state) {
        Fixture *f = *state;
        uint64_t last;

        must(role_add(f, "a", .permit = "user.view"));
        must(role_add(f, "b", .inherit = "a"));
        last = last_audit(f);
        must_be(role_add(f, "c", .permit = "user.vew"), CORE_E_BAD_VALUE);
        assert_non_null(strstr(f->error.text, "user.vew"));
        assert_non_null(strstr(f->error.text, "user.view"));
        must_be(role_add(f, "c", .inherit = "nobody"), CORE_E_NO_SUCH_ROLE);
        must_be(role_add(f, "c", .require = "shoes"), CORE_E_BAD_VALUE);
        must_be(role_add(f, "9"), CORE_E_BAD_VALUE);
        must_be(role_add(f, "a"), CORE_E_NAME_TAKEN);
        must_be(role_add(f, "viewer"), CORE_E_NAME_TAKEN);
        assert_string_equal(f->error.text, "name: \"viewer\": is a built-in role's");
        must_be(role_set(f, "a", .inherit = "b"), CORE_E_POLICY_REFUSED);
        assert_non_null(strstr(f->error.text, "a > b > a"));
        must_be(role_set(f, "b", .conflict = "a"), CORE_E_ROLE_CONFLICT);
        must_be(role_set(f, "a", .permit = "+user.edit audit.view"), CORE_E_BAD_VALUE);
        must_be(role_set(f, "a", .permit = "-audit.view"), CORE_E_BAD_VALUE);
        assert_string_equal(f->error.text, "permit: \"audit.view\": is not among them");
        must_be(role_set(f, "c", .permit = "user.view"), CORE_E_NO_SUCH_ROLE);
        assert_int_equal(last_audit(f), last);
        assert_string_equal(shown(f, "a"), "a v1: user.view\n");
        assert_string_equal(shown(f, "b"), "b v1: user.view\n");
}

/* Ten layers of roles, each of which inherits all 16 of the next: 16^10 ways (catalogue 73). */
static void a_lattice_of_roles_is_no_work(void **state) {
        Fixture *f = *state;
        char inherit[512] = "", next[512], name[16];

        for (int layer = 0; layer <= (int)ROLE_DEPTH_MAX; layer++) {
                Text text;

                base_text_init(&text, next, sizeof(next));
                for (int i = 0; i < 16; i++) {
                        snprintf(name, sizeof(name), "r%d-%d", layer, i);
                        must(role_add(f, name, .inherit = inherit,
                                      .permit = layer == 0 ? "user.lock" : NULL));
                        base_text_addf(&text, "%s%s", i > 0 ? " " : "", name);
                }
                memcpy(inherit, next, sizeof(inherit));
        }
        assert_non_null(strstr(shown(f, "r10-0"), ": user.lock\n"));
        must_be(role_add(f, "above", .inherit = inherit), CORE_E_POLICY_REFUSED);
        must_be(role_set(f, "r0-3", .inherit = "r10-15"), CORE_E_POLICY_REFUSED);
        assert_non_null(strstr(f->error.text, "r0-3"));
}

static void built_in_roles_stay_as_they_are(void **state) {
        Fixture *f = *state;
        RoleEdit edit = { .name = "help-desk", .clone = "viewer" };
        char rights[2048];

        must_be(role_set(f, "viewer", .permit = "+user.edit"), CORE_E_PROTECTED);
        must_be(role_delete(f, "viewer", true), CORE_E_PROTECTED);
        must(core_role_create(f->core, &f->root, &edit, &f->options, f->now, &f->change,
                              &f->error));
        must(role_set(f, "help-desk", .permit = "+user.edit"));
        assert_non_null(strstr(shown(f, "help-desk"), " user.edit"));
        assert_null(strstr(shown(f, "help-desk"), " billing.view"));
        edit = (RoleEdit){ .name = "copy", .clone = "help-desk" };
        must(core_role_create(f->core, &f->root, &edit, &f->options, f->now, &f->change,
                              &f->error));
        snprintf(rights, sizeof(rights), "%s", strchr(shown(f, "help-desk"), ':'));
        assert_string_equal(strchr(shown(f, "copy"), ':'), rights);
}

/* A set that is kept must never be that of a change which was let go. */
static void a_dry_run_and_a_lost_batch_leave_the_set_as_it_was(void **state) {
        Fixture *f = *state;

        must(role_add(f, "a", .permit = "user.view"));
        f->options.dry_run = true;
        must(role_set(f, "a", .permit = "+user.edit"));
        f->options.dry_run = false;
        assert_string_equal(shown(f, "a"), "a v1: user.view\n");
        must_be(role_set(f, "a", .inherit = "nobody"), CORE_E_NO_SUCH_ROLE);
        assert_string_equal(shown(f, "a"), "a v1: user.view\n");
}

static void versions_are_minded(void **state) {
        Fixture *f = *state;

        must(role_add(f, "a", .permit = "user.view"));
        f->options.if_version = 2;
        must_be(role_set(f, "a", .permit = "user.edit"), CORE_E_CONFLICT);
        must_be(role_delete(f, "a", false), CORE_E_CONFLICT);
        f->options.if_version = 1;
        must(role_set(f, "a", .permit = "user.edit"));
        must_be(role_set(f, "a", .permit = "user.view"), CORE_E_CONFLICT);
}

static void a_role_in_use_is_deleted_with_its_grants(void **state) {
        Fixture *f = *state;

        make_person(f, "alice");
        must(role_add(f, "a", .permit = "user.view"));
        must(role_add(f, "b", .inherit = "a"));
        must_be(role_delete(f, "a", true), CORE_E_POLICY_REFUSED);
        assert_string_equal(f->error.text, "a: b names it: change that first");
        must(role_set(f, "b", .inherit = ""));
        must(grant(f, "a", "alice"));
        must_be(role_delete(f, "a", false), CORE_E_POLICY_REFUSED);
        must(role_delete(f, "a", true));
        assert_string_equal(grants_of(f, "alice"), "alice:self-service@local counts\n");
        must(role_add(f, "a", .permit = "user.view")); /* nobody holds the new one */
        assert_string_equal(grants_of(f, "alice"), "alice:self-service@local counts\n");
}

/* ---- tenants ------------------------------------------------------------------------------- */

static void tenant_line(void *userdata, const CoreTenant *tenant) {
        base_text_addf(userdata, "%s v%u \"%s\" %u %s%s\n", tenant->name, (unsigned)tenant->version,
                       tenant->title, tenant->seats, tenant->default_role,
                       tenant->of_host ? " here" : "");
}

static const char *tenants(Fixture *f) {
        static char buf[1024];
        Text text;

        base_text_init(&text, buf, sizeof(buf));
        must(core_tenant_show(f->core, &f->root, NULL, f->now, tenant_line, &text, &f->error));
        return buf;
}

static int tenant_set(Fixture *f, const char *name, const TenantEdit *edit) {
        f->error = (CoreError){ 0 };
        return core_tenant_update(f->core, &f->root, name, edit, &f->options, f->now, &f->change,
                                  &f->error);
}

static int tenant_delete(Fixture *f, const Actor *actor, const char *name) {
        f->error = (CoreError){ 0 };
        return core_tenant_delete(f->core, actor, name, &f->options, f->now, &f->change, &f->error);
}

static void local_is_always_there(void **state) {
        Fixture *f = *state;

        assert_string_equal(tenants(f), "local v0 \"\" 0 self-service here\n");
        must(tenant_add(f, "acme"));
        must(tenant_set(f, "local",
                        &(TenantEdit){ .title = "Here", .has_seats = true, .seats = 9 }));
        fixture_flush(f);
        fixture_reopen(f);
        assert_string_equal(tenants(f), "acme v1 \"\" 0 self-service\n"
                                        "local v1 \"Here\" 9 self-service here\n");
        must_be(tenant_delete(f, &f->root, "local"), CORE_E_PROTECTED);
        must_be(tenant_add(f, "local"), CORE_E_NAME_TAKEN);
        must_be(tenant_add(f, "all"), CORE_E_BAD_VALUE);
        must_be(tenant_add(f, "A"), CORE_E_BAD_VALUE);
        must_be(tenant_set(f, "globex", &(TenantEdit){ .title = "x" }), CORE_E_NO_SUCH_TENANT);
}

static void a_deleted_tenant_takes_its_grants_and_keeps_its_name(void **state) {
        Fixture *f = *state;
        Actor owner;

        must(tenant_add(f, "acme"));
        owner = actor_of(make_person(f, "alice"));
        make_person(f, "bob");
        must(grant_at(f, "viewer", "bob", "acme"));
        must(grant_at(f, "admin", "bob", "acme"));
        must(grant_at(f, "viewer", "bob", "local"));
        must(grant_at(f, "owner", "alice", "acme"));
        must(grant_at(f, "admin", "alice", "local"));
        must_be(tenant_delete(f, &(Actor){ .uid = owner.uid + 1, .via = "socket" }, "acme"),
                CORE_E_PROTECTED);
        must(tenant_delete(f, &owner, "acme"));
        assert_string_equal(grants_of(f, "bob"),
                            "bob:self-service@local counts\nbob:viewer@local counts\n");
        assert_string_equal(tenants(f), "local v0 \"\" 0 self-service here\n");
        must_be(tenant_add(f, "acme"), CORE_E_NAME_TAKEN);
        assert_string_equal(f->error.text, "name: \"acme\": is a deleted tenant's");
        must_be(grant_at(f, "viewer", "bob", "acme"), CORE_E_NO_SUCH_TENANT);
}

static void new_users_get_the_default_role(void **state) {
        Fixture *f = *state;

        must(role_add(f, "guest", .permit = "login.sshd self.*"));
        must_be(tenant_set(f, "local", &(TenantEdit){ .default_role = "owner" }), CORE_E_BAD_VALUE);
        must_be(tenant_set(f, "local", &(TenantEdit){ .default_role = "integration" }),
                CORE_E_BAD_VALUE);
        must_be(tenant_set(f, "local", &(TenantEdit){ .default_role = "none" }),
                CORE_E_NO_SUCH_ROLE);
        make_user(f, "alice");
        must(tenant_set(f, "local", &(TenantEdit){ .default_role = "guest" }));
        make_user(f, "bob");
        assert_string_equal(grants_of(f, "alice"), "alice:self-service@local counts\n");
        assert_string_equal(grants_of(f, "bob"), "bob:guest@local counts\n");
        must_be(role_delete(f, "guest", true), CORE_E_POLICY_REFUSED);
        must(tenant_set(f, "local", &(TenantEdit){ .default_role = "self-service" }));
        must(role_delete(f, "guest", true));
        assert_string_equal(grants_of(f, "bob"), "");
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void) {
        static const struct CMUnitTest tests[] = {
                STORY(a_role_gives_what_it_says),
                STORY(what_is_wrong_is_named_and_nothing_is_written),
                STORY(a_lattice_of_roles_is_no_work),
                STORY(built_in_roles_stay_as_they_are),
                STORY(a_dry_run_and_a_lost_batch_leave_the_set_as_it_was),
                STORY(versions_are_minded),
                STORY(a_role_in_use_is_deleted_with_its_grants),
                STORY(local_is_always_there),
                STORY(a_deleted_tenant_takes_its_grants_and_keeps_its_name),
                STORY(new_users_get_the_default_role),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
