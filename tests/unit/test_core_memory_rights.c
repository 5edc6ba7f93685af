/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* No memory, at every place in turn, while roles, tenants and grants are made, asked about and
 * taken away: once for each allocation, with that one failing.  Nothing leaks or is half done. */

#include "tests/unit/memory_day.h"

#include "umd/core/internal.h"

static void nothing_role(void *userdata, const CoreRole *shown) {
}

static void nothing_grant(void *userdata, const CoreGrant *shown) {
}

static void nothing_user(void *userdata, const CoreUser *shown) {
}

static void nothing_path(void *userdata, const CoreRightPath *shown) {
}

static void nothing_app(void *userdata, const CoreApp *app) {
}

static void nothing_use(void *userdata, const char *permission, const char *role) {
}

static void nothing_permission(void *userdata, const PermissionInfo *permission) {
}

static bool nobody_hides(void *userdata, const char *name, uid_t uid) {
        return false;
}

static void nothing_try(void *userdata, const char *user, bool gains) {
}

static void nothing_why(void *userdata, const CoreWhy *why) {
}

static void nothing_effective(void *userdata, const CorePolicyEffective *shown) {
}

static void nothing_covered(void *userdata, const CoreCoverage *shown) {
}

static int nothing_entry(void *userdata, const CoreEntry *entry) {
        return 0;
}

static void set(Fixture *f, PolicyLevel level, const char *subject, const char *name,
                const char *value) {
        const CorePolicyPlace place = { level, subject };
        char text[POLICY_VALUE_TEXT_MAX];

        (void)core_policy_set(f->core, &f->root, &place, name, value, &f->options, f->now, text,
                              &f->change, &f->error);
}

/* Values of several levels, of one who holds several roles, and what they make of him. */
static void levels(Fixture *f) {
        const UserSpec sales = { .text[USER_FIELD_DEPARTMENT] = "sales" };
        const GrantEdit grant = { .user = "bob", .role = "admin", .until_usec = USEC_INFINITY };
        PolicyValues values;
        char cursor[64];

        memory_on();
        (void)core_user_update(f->core, &f->root, "bob", &sales, &f->options, f->now, &f->change,
                               &f->error);
        (void)core_grant_add(f->core, &f->root, &grant, &f->options, f->now, &f->change, &f->error);
        set(f, POLICY_LEVEL_DEPARTMENT, "sales", "factor.required", "on");
        set(f, POLICY_LEVEL_ROLE, "helper", "factor.required", "hardware");
        set(f, POLICY_LEVEL_ROLE, "admin", "change.ticket-pattern", "C[0-9]+");
        set(f, POLICY_LEVEL_ROLE, "helper", "factor.methods", "-totp");
        (void)core_policy_effective(f->core, "bob", NULL, nothing_effective, NULL, &f->error);
        (void)core_policy_values_now(f->core, FIRST, &values);
        (void)core_factor_coverage(f->core, &f->root, "", "", 100, f->now, nothing_covered, NULL,
                                   cursor, &f->error);
        (void)core_entries_all(f->core, nothing_entry, NULL);
        (void)core_user_update(f->core, &(Actor){ .uid = FIRST, .via = "socket" }, "bob", &sales,
                               &f->options, f->now, &f->change, &f->error);
        memory_off();
}

/* Whatever fails, the last owner stays. */
static void rights(Fixture *f) {
        static const char *const permit[] = { "user.view" }, *const inherit[] = { "member" },
                                 *const groups[] = { "web" };
        const GroupSpec web = { .name = "web" };
        const RoleEdit role = { .name = "helper",
                                .automatic = "kind=person",
                                .lists = { [CORE_ROLE_PERMIT] = permit,
                                           [CORE_ROLE_INHERIT] = inherit,
                                           [CORE_ROLE_LINUX_GROUPS] = groups },
                                .counts = { [CORE_ROLE_PERMIT] = 1,
                                            [CORE_ROLE_INHERIT] = 1,
                                            [CORE_ROLE_LINUX_GROUPS] = 1 } };
        const TenantEdit tenant = { .name = "acme", .title = "Acme" };
        GrantEdit grant = { .user = "bob", .role = "owner", .until_usec = USEC_INFINITY };
        const UserSpec address = { .text[USER_FIELD_EMAIL] = "b@example.org" };
        char cursor[64];
        int r, owned;

        memory_on();
        (void)core_user_update(f->core, &f->root, "bob", &address, &f->options, f->now, &f->change,
                               &f->error);
        (void)core_group_create(f->core, &f->root, &web, &f->options, f->now, &f->change,
                                &f->error);
        (void)core_role_create(f->core, &f->root, &role, &f->options, f->now, &f->change,
                               &f->error);
        (void)core_role_update(f->core, &f->root, "helper", &role, &f->options, f->now, &f->change,
                               &f->error);
        (void)core_tenant_create(f->core, &f->root, &tenant, &f->options, f->now, &f->change,
                                 &f->error);
        owned = core_grant_add(f->core, &f->root, &grant, &f->options, f->now, &f->change,
                               &f->error);
        r = core_grant_revoke(f->core, &f->root, &grant, &f->options, f->now, &f->change,
                              &f->error);
        memory_off();
        assert_true(owned != 0 || r != 0);
        grant = (GrantEdit){ .user = "bob", .role = "helper", .until_usec = f->now + HOUR };
        memory_on();
        (void)core_grant_add(f->core, &f->root, &grant, &f->options, f->now, &f->change, &f->error);
        (void)core_entries_all(f->core, nothing_entry, NULL);
        f->now += HOUR;
        core_tick(f->core, f->now); /* it ends */
        f->now -= HOUR;
        core_tick(f->core, f->now);
        memory_off();
        levels(f);
        memory_on();
        (void)core_role_list(f->core, "", 20, nothing_role, NULL, cursor, &f->error);
        (void)core_role_try(f->core, &f->root, "helper", "kind=service", "", 9, f->now, nothing_try,
                            NULL, cursor, &f->error);
        (void)core_grant_holders(f->core, &f->root, "helper", "auto:0", 9, f->now, nothing_grant,
                                 NULL, cursor, &f->error);
        (void)core_grant_list(f->core, &f->root, "bob", f->now, nothing_grant, NULL, &f->error);
        (void)core_access_why(f->core, &f->root, "bob", "user.view", NULL, f->now, nothing_path,
                              nothing_why, NULL, &f->error);
        (void)core_role_delete(f->core, &f->root, "helper", true, &f->options, f->now, &f->change,
                               &f->error);
        (void)core_tenant_delete(f->core, &f->root, "acme", &f->options, f->now, &f->change,
                                 &f->error);
        memory_off();
}

/* Whoever has no right gets none by a fault. */
static void questions(Fixture *f, uid_t bob) {
        static const CoreWhere wheres[] = { CORE_WHERE_USER, CORE_WHERE_SEEN, CORE_WHERE_TENANT,
                                            CORE_WHERE_HOST, CORE_WHERE_ALL };
        const Actor actor = { .uid = bob, .login_uid = bob, .via = "socket" };
        CoreQuestion question = { .permission = "user.lock" };
        int r[ARRAY_LENGTH(wheres)], lock;
        char cursor[64];
        bool self;

        memory_on();
        for (size_t i = 0; i < ARRAY_LENGTH(wheres); i++) {
                question.where = wheres[i];
                question.name = wheres[i] == CORE_WHERE_TENANT ? "acme" : "ann";
                r[i] = core_may(f->core, &actor, &question, f->now, &f->error);
        }
        self = core_may_self(f->core, bob, "billing.edit", f->now);
        lock = core_user_lock(f->core, &actor, "ann", true, &f->options, f->now, &f->change,
                              &f->error);
        (void)core_user_list(f->core, &actor, "", "", 20, f->now, nothing_user, NULL, cursor,
                             &f->error);
        memory_off();
        for (size_t i = 0; i < ARRAY_LENGTH(wheres); i++)
                assert_int_not_equal(r[i], 0);
        assert_false(self);
        assert_int_not_equal(lock, 0);
}

static void give(Fixture *f, const char *role, const char *user, const char *over) {
        const GrantEdit grant = {
                .user = user, .role = role, .until_usec = USEC_INFINITY, .over = over
        };

        must(core_grant_add(f->core, &f->root, &grant, &f->options, f->now, &f->change, &f->error));
}

/* bob is over web, and ann, who is above him anyway, in another group. */
static void no_question_is_answered_by_a_fault(void **state) {
        for (memory_first(); memory_next();) {
                uid_t bob;
                void *f;

                fixture_setup(&f);
                bob = make_user(f, "bob");
                make_user(f, "ann");
                update_text(f, "bob", USER_FIELD_EMAIL, "b@example.org");
                update_text(f, "ann", USER_FIELD_EMAIL, "a@example.org");
                make_group(f, "web");
                make_group(f, "ops");
                add_user(f, "ops", "ann");
                give(f, "it-admin", "bob", "group=web");
                give(f, "admin", "ann", NULL);
                questions(f, bob);
                fixture_teardown(&f);
        }
}

/* A no that is a fault's is never a yes. */
static void apps(Fixture *f) {
        static const char *const permit[] = { "crm.*" };
        const PermissionInfo permission = { "crm.view", PERMISSION_CATEGORY_DATA, true, "deals" };
        const AppEdit app = { "crm", "crm", &permission, 1 };
        const RoleEdit role = { .name = "sales",
                                .lists = { [CORE_ROLE_PERMIT] = permit },
                                .counts = { [CORE_ROLE_PERMIT] = 1 } };
        const PermitAsk ask = { "carol", "user.delete", NULL, false, nobody_hides, NULL };
        CorePermit permit_answer = { 0 };

        memory_on();
        (void)core_app_register(f->core, &f->root, &app, &f->options, f->now, nothing_use, NULL,
                                &f->change, &f->error);
        (void)core_role_create(f->core, &f->root, &role, &f->options, f->now, &f->change,
                               &f->error);
        (void)core_permission_check(f->core, &f->root, &ask, f->now, &permit_answer, &f->error);
        (void)core_permission_each(f->core, nothing_permission, NULL);
        (void)core_app_show(f->core, NULL, nothing_app, NULL, &f->error);
        (void)core_app_unregister(f->core, &f->root, "crm", &f->options, f->now, nothing_use, NULL,
                                  &f->change, &f->error);
        (void)core_app_show(f->core, "crm", nothing_app, NULL, &f->error);
        memory_off();
        assert_false(permit_answer.allowed);
}

static void nothing_attribute(void *userdata, const CoreAttribute *shown) {
}

static void attributes(Fixture *f) {
        static const char *const choices[] = { "eu", "us" };
        const AttributeEdit edit = {
                .name = "region", .type = "choice", .choices = choices, .choice_count = 2
        };
        const AttributeEdit described = { .description = "where" };
        const UserAttribute eu = { "region", "eu", USEC_INFINITY };
        const UserSpec spec = { .attributes = &eu, .attribute_count = 1 };
        _cleanup_(core_user_freep) CoreUser *user = NULL;
        char cursor[64];

        memory_on();
        (void)core_attribute_create(f->core, &f->root, &edit, &f->options, f->now, &f->change,
                                    &f->error);
        (void)core_attribute_update(f->core, &f->root, "region", &described, &f->options, f->now,
                                    &f->change, &f->error);
        (void)core_user_update(f->core, &f->root, "bob", &spec, &f->options, f->now, &f->change,
                               &f->error);
        (void)core_user_get(f->core, "bob", false, &user, &f->error);
        (void)core_user_list(f->core, &f->root, "attr.region=eu,type=end-user", "", 9, f->now,
                             nothing_user, NULL, cursor, &f->error);
        (void)core_attribute_show(f->core, NULL, nothing_attribute, NULL, &f->error);
        (void)core_attribute_delete(f->core, &f->root, "region", true, &f->options, f->now,
                                    &f->change, &f->error);
        memory_off();
}

/* Each by itself: the days are as many as their allocations, and each is as long. */
static void live_through(void (*day)(Fixture *f)) {
        for (memory_first(); memory_next();) {
                void *f;

                fixture_setup(&f);
                (void)make_user(f, "bob");
                (void)make_user(f, "carol");
                day(f);
                flush(f);
                fixture_teardown(&f);
        }
        assert_true(memory.at > 100); /* the wrapping is there */
}

static void roles_and_grants_without_memory(void **state) {
        live_through(rights);
}

static void applications_without_memory(void **state) {
        live_through(apps);
}

static void attributes_without_memory(void **state) {
        live_through(attributes);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(roles_and_grants_without_memory),
                cmocka_unit_test(applications_without_memory),
                cmocka_unit_test(attributes_without_memory),
                cmocka_unit_test(no_question_is_answered_by_a_fault),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
