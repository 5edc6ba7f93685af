/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Applications bring their permissions, over a real store: what may be registered, what roles make
 * of it, what becomes of a name that is given up, and what an application is answered. */

#include "tests/unit/rights_verbs.h"

/* ---- verbs ----------------------------------------------------------------------------------- */

static void use_line(void *userdata, const char *permission, const char *role) {
        base_text_addf(userdata, "%s by %s;", permission, role);
}

static char used[1024]; /* of the last call */

/* "view close" is crm.deal.view, which reads, and crm.deal.close. */
static int app_register(Fixture *f, const char *app, const char *area, const char *verbs) {
        char names[8][96], buf[256];
        PermissionInfo permissions[8];
        const char *list[8];
        AppEdit edit = { .app = app, .area = area, .permissions = permissions };
        Text text;

        edit.count = list_of(verbs, buf, sizeof(buf), list);
        for (size_t i = 0; i < edit.count; i++) {
                snprintf(names[i], sizeof(names[i]), "%s.deal.%s", area, list[i]);
                permissions[i] = (PermissionInfo){ .name = names[i],
                                                   .category = PERMISSION_CATEGORY_DATA,
                                                   .reads = strcmp(list[i], "view") == 0,
                                                   .meaning = "deals" };
        }
        base_text_init(&text, used, sizeof(used));
        f->error = (CoreError){ 0 };
        return core_app_register(f->core, &f->root, &edit, &f->options, f->now, use_line, &text,
                                 &f->change, &f->error);
}

static int app_unregister(Fixture *f, const char *app) {
        Text text;

        base_text_init(&text, used, sizeof(used));
        f->error = (CoreError){ 0 };
        return core_app_unregister(f->core, &f->root, app, &f->options, f->now, use_line, &text,
                                   &f->change, &f->error);
}

static void app_line(void *userdata, const CoreApp *app) {
        base_text_addf(userdata, "%s v%u %s%s:", app->name, (unsigned)app->version, app->area,
                       app->registered ? "" : " kept");
        for (size_t i = 0; i < app->permission_count; i++)
                base_text_addf(userdata, " %s%s", app->gone[i] ? "-" : "",
                               app->permissions[i].name);
        base_text_add(userdata, "\n");
}

static const char *apps(Fixture *f) {
        static char buf[4096];
        Text text;

        base_text_init(&text, buf, sizeof(buf));
        must(core_app_show(f->core, NULL, app_line, &text, &f->error));
        return buf;
}

static bool nobody_hides(void *userdata, const char *name, uid_t uid) {
        return false;
}

static bool alice_hides(void *userdata, const char *name, uid_t uid) {
        return strcmp(name, "alice") == 0;
}

static CorePermit permit; /* the last answer */

static bool may_as(Fixture *f, uid_t caller, const char *user, const char *permission,
                   const char *tenant) {
        const PermitAsk ask = { user, permission, tenant, false, nobody_hides, NULL };
        const Actor actor = actor_of(caller);

        must(core_permission_check(f->core, &actor, &ask, f->now, &permit, &f->error));
        return permit.allowed;
}

static bool may(Fixture *f, const char *user, const char *permission) {
        return may_as(f, 0, user, permission, NULL);
}

/* ---- registering ----------------------------------------------------------------------------- */

static void what_an_application_registers_is_there_for_roles(void **state) {
        Fixture *f = *state;

        must_be(role_add(f, "sales", .permit = "crm.*"), CORE_E_BAD_VALUE);
        must(app_register(f, "crm", "crm", "view close"));
        assert_string_equal(audit_line(f, 0), "app.register done  app/crm");
        must(role_add(f, "sales", .permit = "crm.*"));
        must(role_add(f, "narrow", .permit = "crm.deal.view"));
        must_be(role_add(f, "slip", .permit = "crm.deal.viw"), CORE_E_BAD_VALUE);
        assert_non_null(strstr(f->error.text, "near: crm.deal.view"));
        make_person(f, "alice");
        make_person(f, "bob");
        make_person(f, "carol");
        must(grant(f, "narrow", "alice"));
        must(grant(f, "admin", "bob"));
        must(role_add(f, "wide", .permit = "*.deal.view"));
        must(grant(f, "wide", "carol"));
        assert_true(may(f, "alice", "crm.deal.view"));
        assert_false(may(f, "alice", "crm.deal.close"));
        assert_true(may(f, "bob", "crm.deal.close")); /* "*" */
        assert_true(may(f, "carol", "crm.deal.view"));
        assert_false(may(f, "carol", "crm.deal.close"));
        fixture_flush(f);
        fixture_reopen(f);
        assert_string_equal(apps(f), "crm v1 crm: crm.deal.view crm.deal.close\n");
        assert_true(may(f, "alice", "crm.deal.view"));
}

static void registering_again_is_what_there_is_then(void **state) {
        Fixture *f = *state;

        must(app_register(f, "crm", "crm", "view close"));
        must(app_register(f, "crm", "crm", "view close"));
        assert_int_equal(f->change.id, 0); /* nothing changed */
        must(app_register(f, "crm", "crm", "view open"));
        assert_string_equal(apps(f), "crm v2 crm: crm.deal.view crm.deal.open\n");
        must_be(role_add(f, "sales", .permit = "crm.deal.close"), CORE_E_BAD_VALUE);
        f->options.if_version = 1;
        must_be(app_register(f, "crm", "crm", "view"), CORE_E_CONFLICT);
        must_be(app_unregister(f, "crm"), CORE_E_CONFLICT);
        f->options.if_version = 0;
        f->options.dry_run = true;
        must(app_unregister(f, "crm"));
        f->options.dry_run = false;
        assert_string_equal(apps(f), "crm v2 crm: crm.deal.view crm.deal.open\n");
        must(app_unregister(f, "crm"));
        assert_string_equal(audit_line(f, 0), "app.unregister done  app/crm");
        assert_string_equal(apps(f), "");
        must_be(app_unregister(f, "crm"), CORE_E_NO_SUCH_APP);
}

static void what_is_others_is_not_taken(void **state) {
        Fixture *f = *state;

        must(app_register(f, "crm", "crm", "view"));
        must_be(app_register(f, "x", "user", "view"), CORE_E_NAME_TAKEN);
        must_be(app_register(f, "x", "login", "view"), CORE_E_NAME_TAKEN);
        must_be(app_register(f, "x", "sudo", "view"), CORE_E_NAME_TAKEN);
        must_be(app_register(f, "x", "crm", "view"), CORE_E_NAME_TAKEN);
        assert_string_equal(f->error.text, "area: \"crm\": is crm's");
        must_be(app_register(f, "crm", "other", "view"), CORE_E_NAME_TAKEN);
        assert_string_equal(f->error.text, "app: \"crm\": has the area crm");
        must_be(app_register(f, "x", "Crm", "view"), CORE_E_BAD_VALUE);
        must_be(app_register(f, "9", "x", "view"), CORE_E_BAD_VALUE);
        must_be(app_register(f, "x", "x", ""), CORE_E_BAD_VALUE);
        must_be(app_register(f, "x", "x", "view view"), CORE_E_NAME_TAKEN);
        must_be(app_register(f, "x", "x", "*"), CORE_E_BAD_VALUE);
        assert_string_equal(apps(f), "crm v1 crm: crm.deal.view\n");
}

static void what_a_permission_has_to_have(void **state) {
        static const PermissionInfo bad[] = {
                { "x.a", PERMISSION_CATEGORY_DATA, false, "" },
                { "x.a", PERMISSION_CATEGORY_DATA, false, "two\nlines" },
                { "y.a", PERMISSION_CATEGORY_DATA, false, "of another area" },
                { "x.a", _PERMISSION_CATEGORY_MAX, false, "of no kind" },
        };
        Fixture *f = *state;

        for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
                const AppEdit edit = { "x", "x", &bad[i], 1 };

                must_be(core_app_register(f->core, &f->root, &edit, &f->options, f->now, NULL, NULL,
                                          &f->change, &f->error),
                        CORE_E_BAD_VALUE);
        }
}

static int many(Fixture *f, size_t area) {
        static char names[PERMISSION_AREA_COUNT_MAX][32];
        static PermissionInfo permissions[PERMISSION_AREA_COUNT_MAX];
        char name[16];
        const AppEdit edit = { name, name, permissions, PERMISSION_AREA_COUNT_MAX };

        snprintf(name, sizeof(name), "area%zu", area);
        for (size_t i = 0; i < PERMISSION_AREA_COUNT_MAX; i++) {
                snprintf(names[i], sizeof(names[i]), "%s.p%zu", name, i);
                permissions[i] = (PermissionInfo){ names[i], 0, false, "one of many" };
        }
        return core_app_register(f->core, &f->root, &edit, &f->options, f->now, NULL, NULL,
                                 &f->change, &f->error);
}

static void there_are_no_more_than_the_set_has_room_for(void **state) {
        size_t count = RIGHTS_AREA_NAMES_MAX / PERMISSION_AREA_COUNT_MAX;
        Fixture *f = *state;

        for (size_t i = 0; i < count; i++)
                must(many(f, i));
        must_be(many(f, count), CORE_E_POLICY_REFUSED);
        must(app_unregister(f, "area0"));
        must(many(f, count));
}

/* ---- names that are given up ----------------------------------------------------------------- */

static void a_name_that_roles_use_is_kept_and_nobodys(void **state) {
        Fixture *f = *state;

        must(app_register(f, "crm", "crm", "view close"));
        must(role_add(f, "sales", .permit = "crm.deal.close user.view"));
        make_person(f, "alice");
        must(grant(f, "sales", "alice"));
        must(app_register(f, "crm", "crm", "view"));
        assert_string_equal(used, "crm.deal.close by sales;");
        assert_string_equal(apps(f), "crm v2 crm: crm.deal.view -crm.deal.close\n");
        assert_false(may(f, "alice", "crm.deal.close"));
        assert_string_equal(permit.reason, "unknown");
        must(role_set(f, "sales", .permit = "+user.edit")); /* the role goes on as it is */
        must(app_unregister(f, "crm"));
        assert_string_equal(used, "crm.deal.close by sales;");
        assert_string_equal(apps(f), "crm v3 crm kept: -crm.deal.close\n");
        assert_true(may(f, "alice", "user.edit"));
        must_be(app_register(f, "other", "crm", "close"), CORE_E_NAME_TAKEN);
        assert_string_equal(f->error.text, "area: \"crm\": is crm's, which is not registered any "
                                           "more: roles use it");
        must_be(app_unregister(f, "crm"), CORE_E_NO_SUCH_APP);
        must(app_register(f, "crm", "crm", "close"));
        assert_true(may(f, "alice", "crm.deal.close")); /* his again, as it was */
}

static void what_no_role_uses_any_more_is_anybodys(void **state) {
        Fixture *f = *state;

        must(app_register(f, "crm", "crm", "view close"));
        must(role_add(f, "sales", .permit = "crm.*"));
        must(role_add(f, "wide", .permit = "*.deal.view"));
        must(app_unregister(f, "crm"));
        assert_string_equal(used, "crm.deal.view by sales;crm.deal.close by sales;");
        must(role_delete(f, "sales", false));
        assert_string_equal(apps(f), "");                /* "*.deal.view" names no area */
        must(app_register(f, "third", "third", "view")); /* which lets go what is nobody's */
        must_be(role_add(f, "late", .permit = "crm.deal.close"), CORE_E_BAD_VALUE);
        must(app_unregister(f, "third"));
        must(app_register(f, "other", "crm", "view"));
        assert_string_equal(apps(f), "other v1 crm: crm.deal.view\n");
        must(app_register(f, "crm", "crm2", "view"));
        assert_string_equal(apps(f), "other v1 crm: crm.deal.view\n"
                                     "crm v1 crm2: crm2.deal.view\n");
}

/* What a role denies is an owner's loss once it is there. */
static void no_registration_leaves_a_tenant_without_owner(void **state) {
        Fixture *f = *state;

        must(app_register(f, "crm", "crm", "view close"));
        must(role_add(f, "cut", .deny = "*.deal.close"));
        must(app_unregister(f, "crm"));
        make_person(f, "alice");
        make_person(f, "bob");
        must(grant(f, "owner", "alice"));
        must(grant(f, "cut", "alice")); /* denies nothing now */
        must_be(app_register(f, "crm", "crm", "view close"), CORE_E_LAST_OWNER);
        must(app_register(f, "crm", "crm", "view"));
        must(grant(f, "owner", "bob"));
        must(app_register(f, "crm", "crm", "view close"));
        must_be(revoke(f, "owner", "bob"), CORE_E_LAST_OWNER);
}

/* ---- asking ---------------------------------------------------------------------------------- */

static void an_answer_says_why(void **state) {
        Fixture *f = *state;
        const GrantEdit over = { .user = "bob",
                                 .role = "sales",
                                 .over = "department=sales",
                                 .until_usec = USEC_INFINITY };

        must(app_register(f, "crm", "crm", "view close"));
        must(tenant_add(f, "acme"));
        must(role_add(f, "sales", .permit = "crm.*"));
        must(role_add(f, "lead", .inherit = "sales", .deny = "crm.deal.close"));
        make_person(f, "alice");
        make_person(f, "bob");
        assert_false(may(f, "alice", "crm.deal.view"));
        assert_string_equal(permit.reason, "missing");
        assert_string_equal(permit.text, "no role of his has it");
        must(grant(f, "lead", "alice"));
        assert_true(may(f, "alice", "crm.deal.view"));
        assert_string_equal(permit.reason, "held");
        assert_string_equal(permit.text, "by lead > sales at local");
        assert_true(permit.until_usec == USEC_INFINITY);
        assert_false(may(f, "alice", "crm.deal.close"));
        assert_string_equal(permit.reason, "denied");
        assert_string_equal(permit.text, "denied by lead at local");
        assert_false(may_as(f, 0, "alice", "crm.deal.view", "acme"));
        assert_string_equal(permit.text, "by lead > sales at local: other-tenant");
        assert_false(may_as(f, 0, "alice", "crm.deal.view", "globex"));
        assert_string_equal(permit.reason, "no-such-tenant");
        must(grant_edit(f, &f->root, &over));
        assert_false(may(f, "bob", "crm.deal.view"));
        assert_string_equal(permit.text, "by sales at local over department=sales: out-of-scope");
        assert_true(may(f, "bob", "self.key.edit"));
        assert_false(may(f, "alice", "crm.deal.vew"));
        assert_string_equal(permit.reason, "unknown");
        assert_string_equal(permit.text, "there is no such permission; near: crm.deal.view");
        assert_false(may(f, "alice", "crm.*"));
        assert_string_equal(permit.reason, "unknown");
}

static void users_are_named_by_name_or_uid_alone(void **state) {
        Fixture *f = *state;
        char uid[16];

        snprintf(uid, sizeof(uid), "%u", make_person(f, "alice"));
        assert_true(may(f, uid, "login.sshd"));
        assert_true(may(f, "root", "user.delete"));
        assert_true(may(f, "0", "login.sshd"));
        assert_false(may(f, "root", "user.remove"));
        static const char *const nobody[] = {
                "bob", "alice@example.org", "4294967295", "65535", "00", "-1",
                "1",   "al\nice",           " alice"
        };

        for (size_t i = 0; i < ARRAY_LENGTH(nobody); i++) {
                assert_false(may(f, nobody[i], "login.sshd"));
                assert_string_equal(permit.reason, "no-such-user");
        }
        must_be(core_permission_check(f->core, &f->root,
                                      &(PermitAsk){ "", "login.sshd", NULL, false, nobody_hides,
                                                    NULL },
                                      f->now, &permit, &f->error),
                CORE_E_BAD_VALUE);
        must_be(core_permission_check(f->core, &f->root,
                                      &(PermitAsk){ "alice", "", NULL, false, nobody_hides, NULL },
                                      f->now, &permit, &f->error),
                CORE_E_BAD_VALUE);
        must(core_permission_check(f->core, &f->root,
                                   &(PermitAsk){ "alice", "login.sshd", NULL, false, alice_hides,
                                                 NULL },
                                   f->now, &permit, &f->error));
        assert_string_equal(permit.reason, "no-such-user");
}

static void who_may_not_act_may_nothing(void **state) {
        Fixture *f = *state;
        uid_t alice = make_person(f, "alice");
        UserSpec spec = { .has_valid_until = true, .valid_until_usec = f->now + 100 };

        assert_true(may(f, "alice", "login.sshd"));
        must(core_user_update(f->core, &f->root, "alice", &spec, &f->options, f->now, &f->change,
                              &f->error));
        assert_true(may(f, "alice", "login.sshd"));
        assert_true(permit.until_usec == f->now + 100);
        f->now += 100;
        assert_false(may(f, "alice", "login.sshd"));
        assert_string_equal(permit.text, "the account is not valid any more");
        spec.valid_until_usec = USEC_INFINITY;
        must(core_user_update(f->core, &f->root, "alice", &spec, &f->options, f->now, &f->change,
                              &f->error));
        must(core_user_lock(f->core, &f->root, "alice", true, &f->options, f->now, &f->change,
                            &f->error));
        assert_false(may(f, "alice", "login.sshd"));
        assert_string_equal(permit.reason, "account");
        assert_string_equal(permit.text, "the account is locked");
        must(core_user_lock(f->core, &f->root, "alice", false, &f->options, f->now, &f->change,
                            &f->error));
        must(core_user_step(f->core, &f->root, "alice", STATUS_STEP_SUSPEND, f->now + 50,
                            &f->options, f->now, &f->change, &f->error));
        assert_false(may_as(f, alice, "alice", "login.sshd", NULL)); /* she is told too */
        assert_string_equal(permit.text, "the account is suspended");
        assert_true(permit.until_usec == f->now + 50);
        f->now += 50;
        assert_true(may(f, "alice", "login.sshd"));
        step_user(f, "alice", STATUS_STEP_DELETE);
        assert_false(may(f, "alice", "login.sshd"));
        assert_string_equal(permit.reason, "no-such-user");
}

static void an_answer_says_until_when(void **state) {
        Fixture *f = *state;
        GrantEdit edit = { .user = "alice", .role = "viewer" };

        make_person(f, "alice");
        edit.from_usec = f->now + 10;
        edit.until_usec = f->now + 20;
        must(grant_edit(f, &f->root, &edit));
        assert_false(may(f, "alice", "host.view"));
        assert_string_equal(permit.text, "by viewer at local: not-yet");
        assert_true(permit.until_usec == edit.from_usec);
        f->now = edit.from_usec;
        assert_true(may(f, "alice", "host.view"));
        assert_true(permit.until_usec == edit.until_usec);
        f->now = edit.until_usec;
        assert_false(may(f, "alice", "host.view"));
        assert_string_equal(permit.text, "by viewer at local: expired");
        assert_true(permit.until_usec == USEC_INFINITY);
}

/* Others are told no more than the answer. */
static void strangers_are_not_told_why(void **state) {
        Fixture *f = *state;
        uid_t bob, carol;
        PermitAsk ask = { "alice", "user.view", NULL, true, nobody_hides, NULL };
        const GrantEdit over = { .user = "bob",
                                 .role = "viewer",
                                 .over = "department=sales",
                                 .until_usec = USEC_INFINITY };

        must(tenant_add(f, "acme"));
        must(role_add(f, "cut", .deny = "user.view"));
        make_person(f, "alice");
        bob = make_person(f, "bob");
        carol = make_person(f, "carol");
        must(grant(f, "viewer", "alice"));
        must(grant(f, "viewer", "carol"));
        assert_true(may_as(f, bob, "alice", "user.view", NULL));
        assert_string_equal(permit.text, "");
        assert_true(may_as(f, carol, "alice", "user.view", NULL)); /* viewer has role.view */
        assert_string_equal(permit.text, "by viewer at local");
        assert_false(may_as(f, carol, "alice", "user.view", "acme")); /* and not there */
        assert_string_equal(permit.text, "");
        must(grant_edit(f, &f->root, &over));
        assert_true(may_as(f, bob, "alice", "user.view", NULL)); /* he sees some users' roles */
        assert_string_equal(permit.text, "");
        must(grant(f, "cut", "alice"));
        assert_false(may_as(f, bob, "alice", "user.view", NULL));
        assert_string_equal(permit.reason, "missing");
        assert_false(may_as(f, bob, "alice", "user.view", "globex"));
        assert_string_equal(permit.reason, "missing");
        must(core_permission_check(f->core, &(Actor){ .uid = carol, .via = "bus" }, &ask, f->now,
                                   &permit, &f->error));
        assert_string_equal(permit.reason, "missing"); /* whoever has her uid in /etc/passwd */
        must(core_user_lock(f->core, &f->root, "alice", true, &f->options, f->now, &f->change,
                            &f->error));
        assert_false(may_as(f, bob, "alice", "user.view", NULL));
        assert_string_equal(permit.reason, "account");
        assert_string_equal(permit.text, "");
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void) {
        static const struct CMUnitTest tests[] = {
                STORY(what_an_application_registers_is_there_for_roles),
                STORY(registering_again_is_what_there_is_then),
                STORY(what_is_others_is_not_taken),
                STORY(what_a_permission_has_to_have),
                STORY(there_are_no_more_than_the_set_has_room_for),
                STORY(a_name_that_roles_use_is_kept_and_nobodys),
                STORY(what_no_role_uses_any_more_is_anybodys),
                STORY(no_registration_leaves_a_tenant_without_owner),
                STORY(an_answer_says_why),
                STORY(users_are_named_by_name_or_uid_alone),
                STORY(who_may_not_act_may_nothing),
                STORY(an_answer_says_until_when),
                STORY(strangers_are_not_told_why),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
