/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What whoever calls may do and sees, where tenants, time and the vault come between.  Every method
 * with every built-in role is tests/bus/roles.py's. */

#include "tests/unit/rights_verbs.h"

static int may(Fixture *f, uid_t uid, const char *permission, CoreWhere where, const char *name) {
        const CoreQuestion question = { .permission = permission, .where = where, .name = name };
        const Actor actor = actor_of(uid);

        return core_may(f->core, &actor, &question, f->now, &f->error);
}

static int lock_as(Fixture *f, uid_t uid, const char *name) {
        const Actor actor = actor_of(uid);

        f->error = (CoreError){ 0 };
        return core_user_lock(f->core, &actor, name, true, &f->options, f->now, &f->change,
                              &f->error);
}

/* Of another tenant. */
static uid_t make_far(Fixture *f, const char *name, const char *tenant) {
        const UserSpec spec = { .text = { [USER_FIELD_NAME] = name }, .tenant = tenant };

        must(core_user_create(f->core, &f->root, &spec, &f->options, f->now, &f->change,
                              &f->error));
        return f->change.object_id;
}

/* ---- what is nobody's ---------------------------------------------------------------------- */

static void a_question_without_an_answer_is_a_no(void **state) {
        static const CoreWhere wheres[] = { CORE_WHERE_NOWHERE, _CORE_WHERE_MAX, (CoreWhere)77 };
        Fixture *f = *state;
        uid_t boss = make_person(f, "boss");

        make_user(f, "bob");
        must(grant(f, "owner", "boss"));
        for (size_t i = 0; i < ARRAY_LENGTH(wheres); i++)
                must_be(may(f, boss, "user.lock", wheres[i], "bob"), CORE_E_ACCESS_DENIED);
        must_be(may(f, boss, "", CORE_WHERE_SOMEWHERE, NULL), CORE_E_ACCESS_DENIED);
        must_be(may(f, boss, "user.lok", CORE_WHERE_SOMEWHERE, NULL), CORE_E_ACCESS_DENIED);
        must_be(may(f, boss, "login.sshd", CORE_WHERE_SOMEWHERE, NULL), CORE_E_ACCESS_DENIED);
        must(may(f, boss, "user.lock", CORE_WHERE_USER, "bob"));
        must(may(f, 0, "", CORE_WHERE_NOWHERE, NULL));
        must_be(may(f, (uid_t)-1, "user.lock", CORE_WHERE_USER, "bob"), CORE_E_ACCESS_DENIED);
        must_be(may(f, (uid_t)-1, "user.lock", CORE_WHERE_SOMEWHERE, NULL), CORE_E_ACCESS_DENIED);
}

static void a_right_lasts_as_long_as_its_grant(void **state) {
        Fixture *f = *state;
        uid_t eve = make_person(f, "eve");
        GrantEdit edit = { .user = "eve",
                           .role = "security",
                           .from_usec = f->now + HOUR,
                           .until_usec = f->now + 2 * HOUR };

        make_user(f, "bob");
        must(grant_edit(f, &f->root, &edit));
        must_be(may(f, eve, "user.lock", CORE_WHERE_USER, "bob"), CORE_E_ACCESS_DENIED);
        f->now += HOUR;
        must(may(f, eve, "user.lock", CORE_WHERE_USER, "bob"));
        step_user(f, "eve", STATUS_STEP_DISABLE);
        must_be(may(f, eve, "user.lock", CORE_WHERE_USER, "bob"), CORE_E_ACCESS_DENIED);
        assert_false(core_may_self(f->core, eve, "self.key.edit", f->now));
        step_user(f, "eve", STATUS_STEP_ENABLE);
        assert_true(core_may_self(f->core, eve, "self.key.edit", f->now));
        f->now += HOUR;
        must_be(may(f, eve, "user.lock", CORE_WHERE_USER, "bob"), CORE_E_ACCESS_DENIED);
}

/* ---- tenants (D6) -------------------------------------------------------------------------- */

static void another_tenants_users_are_not_there(void **state) {
        Fixture *f = *state;
        uid_t eve = make_person(f, "eve");

        must(tenant_add(f, "acme"));
        make_far(f, "far", "acme");
        must(grant(f, "technician", "eve"));
        must_be(may(f, eve, "user.unlock", CORE_WHERE_USER, "far"), CORE_E_NO_SUCH_USER);
        assert_string_equal(f->error.text, "far: no such user");
        must_be(may(f, eve, "user.unlock", CORE_WHERE_USER, "nobody"), CORE_E_NO_SUCH_USER);
        assert_string_equal(f->error.text, "nobody: no such user");
        must_be(may(f, eve, "tenant.view", CORE_WHERE_TENANT, "acme"), CORE_E_NO_SUCH_TENANT);
        must_be(may(f, eve, "tenant.view", CORE_WHERE_TENANT, "nobodys"), CORE_E_NO_SUCH_TENANT);
        /* a grant there makes him seen, by whoever sees users there, and nothing more */
        must(grant_at(f, "self-service", "far", "local"));
        must_be(may(f, eve, "user.unlock", CORE_WHERE_USER, "far"), CORE_E_ACCESS_DENIED);
        must(may(f, eve, "user.view", CORE_WHERE_SEEN, "far"));
        must(grant_edit(f, &f->root,
                        &(GrantEdit){ .user = "far",
                                      .role = "self-service",
                                      .tenant = "local",
                                      .until_usec = f->now + HOUR }));
        f->now += HOUR;
        must_be(may(f, eve, "user.view", CORE_WHERE_SEEN, "far"), CORE_E_NO_SUCH_USER);
        /* what he was called once is not told either */
        update_text(f, "far", USER_FIELD_NAME, "farther");
        must_be(may(f, eve, "user.view", CORE_WHERE_SEEN, "far"), CORE_E_NO_SUCH_USER);
        assert_string_equal(f->error.text, "far: no such user");
}

static void what_is_of_all_tenants_needs_the_right_in_each(void **state) {
        Fixture *f = *state;
        uid_t boss = make_person(f, "boss");
        const Actor actor = actor_of(boss);
        RoleText text = { .permit = "user.view" };

        must(grant(f, "admin", "boss"));
        must(may(f, boss, "role.edit", CORE_WHERE_ALL, NULL));
        must(role_write(f, &actor, "looker", true, &text));
        must(tenant_add(f, "acme"));
        must_be(may(f, boss, "role.edit", CORE_WHERE_ALL, NULL), CORE_E_ACCESS_DENIED);
        assert_string_equal(f->error.text, "this needs the permission role.edit in every tenant");
        must(grant_at(f, "self-service", "boss", "acme"));
        must_be(may(f, boss, "role.edit", CORE_WHERE_ALL, NULL), CORE_E_ACCESS_DENIED);
        assert_string_equal(f->error.text, "this needs the permission role.edit in every tenant: "
                                           "you have it not in acme");
        must(grant_at(f, "it-admin", "boss", "acme"));
        must(role_add(f, "editor", .permit = "role.edit"));
        must(grant_at(f, "editor", "boss", "acme"));
        must(may(f, boss, "role.edit", CORE_WHERE_ALL, NULL));
        text.permit = "user.purge"; /* which he has not in acme */
        must_be(role_write(f, &actor, "looker", false, &text), CORE_E_PROTECTED);
        assert_string_equal(f->error.text, "looker: gives more than you have in acme: user.purge");
        text.permit = "user.lock";
        must(role_write(f, &actor, "looker", false, &text));
}

static void a_default_role_is_granted_by_whoever_sets_it(void **state) {
        Fixture *f = *state;
        uid_t eve = make_person(f, "eve");
        const Actor actor = actor_of(eve);
        TenantEdit edit = { .default_role = "admin" };

        must(role_add(f, "keeper", .inherit = "self-service", .permit = "tenant.edit user.create"));
        must(grant(f, "keeper", "eve"));
        must_be(core_tenant_update(f->core, &actor, "local", &edit, &f->options, f->now, &f->change,
                                   &f->error),
                CORE_E_PROTECTED);
        edit.default_role = "member";
        must(core_tenant_update(f->core, &f->root, "local", &edit, &f->options, f->now, &f->change,
                                &f->error));
        /* nor is somebody made who has more than his maker */
        must_be(core_user_create(f->core, &actor,
                                 &(UserSpec){ .text = { [USER_FIELD_NAME] = "bob",
                                                        [USER_FIELD_EMAIL] = "b@example.org" } },
                                 &f->options, f->now, &f->change, &f->error),
                CORE_E_PROTECTED);
        assert_string_equal(f->error.text, "member: gives more than you have: user.view");
}

/* ---- nobody acts above himself (D8) --------------------------------------------------------- */

static void what_he_may_elsewhere_counts(void **state) {
        Fixture *f = *state;
        uid_t eve = make_person(f, "eve");

        must(tenant_add(f, "acme"));
        make_person(f, "bob");
        must(grant(f, "security", "eve"));
        must(lock_as(f, eve, "bob"));
        must(grant_at(f, "self-service", "bob", "acme"));
        must_be(lock_as(f, eve, "bob"), CORE_E_PROTECTED);
        assert_string_equal(f->error.text, "bob: may do more than you, where you have no right");
        must(grant_at(f, "self-service", "eve", "acme"));
        must(lock_as(f, eve, "bob"));
        must(grant_at(f, "viewer", "bob", "acme"));
        must_be(lock_as(f, eve, "bob"), CORE_E_PROTECTED);
        assert_string_equal(f->error.text, "bob: may do more than you: user.view");
        must(grant_at(f, "viewer", "eve", "acme"));
        must(lock_as(f, eve, "bob"));
        /* in all tenants: those that are not there yet, too */
        must(grant_at(f, "viewer", "bob", "all"));
        must_be(lock_as(f, eve, "bob"), CORE_E_PROTECTED);
        assert_string_equal(f->error.text, "bob: may do more than you: user.view in all tenants");
        must(grant_at(f, "viewer", "eve", "all"));
        must(lock_as(f, eve, "bob"));
}

static void who_is_deleted_or_not_begun_is_covered_too(void **state) {
        static const struct {
                const char *name;
                StatusStep step;
        } rows[] = {
                { "gone", STATUS_STEP_RESTORE },
                { "off", STATUS_STEP_ENABLE },
                { "out", STATUS_STEP_RESUME },
        };
        Fixture *f = *state;
        uid_t eve = make_person(f, "eve");
        const Actor actor = actor_of(eve);

        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                make_person(f, rows[i].name);
                must(grant(f, "admin", rows[i].name));
        }
        step_user(f, "gone", STATUS_STEP_DELETE);
        step_user(f, "off", STATUS_STEP_DISABLE);
        step_user(f, "out", STATUS_STEP_SUSPEND);
        must(grant(f, "it-admin", "eve"));
        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                must(may(f, eve, "user.delete", CORE_WHERE_USER, rows[i].name));
                must_be(core_user_step(f->core, &actor, rows[i].name, rows[i].step, USEC_INFINITY,
                                       &f->options, f->now, &f->change, &f->error),
                        CORE_E_PROTECTED);
        }
}

/* user.edit over all of the tenant, and more over one department. */
static void nobody_brings_users_under_himself(void **state) {
        Fixture *f = *state;
        uid_t eve = make_person(f, "eve");
        const Actor actor = actor_of(eve);
        const UserSpec sales = { .text = { [USER_FIELD_DEPARTMENT] = "sales" } };
        const UserSpec other = { .text = { [USER_FIELD_DEPARTMENT] = "it" } };

        make_user(f, "bob");
        must(grant(f, "developer", "eve"));
        must(grant_edit(f, &f->root,
                        &(GrantEdit){ .user = "eve",
                                      .role = "security",
                                      .until_usec = USEC_INFINITY,
                                      .over = "department=sales" }));
        must_be(core_user_update(f->core, &actor, "bob", &sales, &f->options, f->now, &f->change,
                                 &f->error),
                CORE_E_PROTECTED);
        must(core_user_update(f->core, &actor, "bob", &other, &f->options, f->now, &f->change,
                              &f->error));
        must_be(core_user_update(f->core, &actor, "eve", &sales, &f->options, f->now, &f->change,
                                 &f->error),
                CORE_E_PROTECTED);
        must(grant(f, "security", "eve")); /* who has it everywhere gains nothing */
        must(core_user_update(f->core, &actor, "bob", &sales, &f->options, f->now, &f->change,
                              &f->error));
}

/* ---- while the vault works ----------------------------------------------------------------- */

static void done(void *userdata, int r, const CoreChange *change, const CoreError *error) {
        Fixture *f = userdata;

        f->result = r;
        if (r > 0)
                f->error = *error;
}

static int reset_as(Fixture *f, uid_t uid, const char *name, const char *password) {
        const Actor actor = actor_of(uid);
        _cleanup_secret_ Secret *secret = NULL;

        must(base_secret_new(password, strlen(password), &secret));
        f->error = (CoreError){ 0 };
        return core_user_set_password(f->core, &actor, name, secret, &(CorePasswordOptions){ 0 },
                                      &f->options, f->now, done, f, &f->error);
}

static void a_right_that_is_gone_when_the_vault_answers_is_gone(void **state) {
        Fixture *f = *state;
        uid_t eve = make_person(f, "eve");

        make_person(f, "bob");
        must(grant(f, "technician", "eve"));
        must(reset_as(f, eve, "bob", "one of 1"));
        fixture_vault(f);
        must(f->result);
        must(reset_as(f, eve, "bob", "one of 2"));
        must(revoke(f, "technician", "eve"));
        fixture_vault(f);
        must_be(f->result, CORE_E_ACCESS_DENIED);
        must(grant(f, "technician", "eve"));
        must(reset_as(f, eve, "bob", "one of 3"));
        must(grant(f, "admin", "bob")); /* he is above her now */
        fixture_vault(f);
        must_be(f->result, CORE_E_PROTECTED);
        must_be(reset_as(f, eve, "bob", "one of 4"), CORE_E_PROTECTED);
        assert_int_equal(f->job_count, 0);
}

/* ---- lists --------------------------------------------------------------------------------- */

static void note_user(void *userdata, const CoreUser *user) {
        base_text_addf(userdata, "%s%s ", user->name, user->hides_private ? "" : "+");
}

static void note_audit(void *userdata, const CoreAuditEntry *entry) {
        base_text_addf(userdata, "%s ", entry->object);
}

static void lists_leave_out_what_is_not_seen(void **state) {
        Fixture *f = *state;
        uid_t eve = make_person(f, "eve");
        const Actor actor = actor_of(eve);
        const CoreAuditFilter filter = { .verb = "user.create", .until_usec = USEC_INFINITY };
        char buf[512], cursor[64];
        uint64_t at;
        Text text;

        must(tenant_add(f, "acme"));
        make_far(f, "far", "acme");
        make_user(f, "bob");
        must(grant(f, "viewer", "eve"));
        base_text_init(&text, buf, sizeof(buf));
        must(core_user_list(f->core, &actor, "", "", 100, f->now, note_user, &text, cursor,
                            &f->error));
        assert_string_equal(buf, "bob eve+ ");
        must(grant_at(f, "technician", "eve", "acme"));
        base_text_init(&text, buf, sizeof(buf));
        must(core_user_list(f->core, &actor, "", "", 100, f->now, note_user, &text, cursor,
                            &f->error));
        assert_string_equal(buf, "bob eve+ far+ ");
        base_text_init(&text, buf, sizeof(buf));
        must(core_audit_list(f->core, &actor, &filter, 0, 100, note_audit, &text, &at, &f->error));
        assert_string_equal(buf, "user/far user/eve ");
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                STORY(a_question_without_an_answer_is_a_no),
                STORY(a_right_lasts_as_long_as_its_grant),
                STORY(another_tenants_users_are_not_there),
                STORY(what_is_of_all_tenants_needs_the_right_in_each),
                STORY(a_default_role_is_granted_by_whoever_sets_it),
                STORY(what_he_may_elsewhere_counts),
                STORY(who_is_deleted_or_not_begun_is_covered_too),
                STORY(nobody_brings_users_under_himself),
                STORY(a_right_that_is_gone_when_the_vault_answers_is_gone),
                STORY(lists_leave_out_what_is_not_seen),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
