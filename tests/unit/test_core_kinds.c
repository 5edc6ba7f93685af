/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Kinds and types of users, home tenants, and the role a user is created with, over a real store.
 */

#include "tests/unit/rights_verbs.h"

static int create_as(Fixture *f, const Actor *actor, const char *name, UserSpec spec) {
        char email[64];

        snprintf(email, sizeof(email), "%s@example.org", name);
        spec.text[USER_FIELD_NAME] = name;
        if (!spec.text[USER_FIELD_EMAIL])
                spec.text[USER_FIELD_EMAIL] = email;
        f->error = (CoreError){ 0 };
        return core_user_create(f->core, actor, &spec, &f->options, f->now, &f->change, &f->error);
}

#define create(f, name, ...) create_as(f, &(f)->root, name, (UserSpec){ __VA_ARGS__ })

static int update_as(Fixture *f, const Actor *actor, const char *name, UserSpec spec) {
        f->error = (CoreError){ 0 };
        return core_user_update(f->core, actor, name, &spec, &f->options, f->now, &f->change,
                                &f->error);
}

#define update(f, name, ...) update_as(f, &(f)->root, name, (UserSpec){ __VA_ARGS__ })

/* "person end-user internal local" */
static const char *what_is(Fixture *f, const char *name) {
        _cleanup_(core_user_freep) CoreUser *user = NULL;
        static char buf[256];

        must(core_user_get(f->core, name, false, &user, &f->error));
        snprintf(buf, sizeof(buf), "%s%s %s %s %s", user->kind, user->read_only ? " read-only" : "",
                 user->type, user->affiliation, user->tenant);
        return buf;
}

static void a_kind_is_given_once(void **state) {
        Fixture *f = *state;

        must(create(f, "alice"));
        must(create(f, "svc", .kind = "service", .has_read_only = true, .read_only = true));
        assert_string_equal(what_is(f, "alice"), "person end-user internal local");
        assert_string_equal(what_is(f, "svc"), "service read-only integration internal local");
        must_be(create(f, "bob", .kind = "robot"), CORE_E_BAD_VALUE);
        assert_string_equal(f->error.text, "kind: \"robot\": must be person or service");
        must_be(create(f, "bob", .has_read_only = true, .read_only = true), CORE_E_BAD_VALUE);
        must_be(update(f, "svc", .kind = "person"), CORE_E_BAD_VALUE);
        assert_string_equal(f->error.text, "kind: service: is fixed at creation");
        must_be(update(f, "alice", .has_read_only = true, .read_only = true), CORE_E_BAD_VALUE);
        must(update(f, "svc", .has_read_only = true));
        assert_string_equal(what_is(f, "svc"), "service integration internal local");
}

/* What a tenant grants everybody is for persons; a role for services is for nobody else. */
static void a_service_has_the_role_it_is_given_and_no_other(void **state) {
        Fixture *f = *state;

        must(create(f, "bare", .kind = "service"));
        assert_string_equal(grants_of(f, "bare"), "");
        must(create(f, "svc", .kind = "service", .role = "integration"));
        assert_string_equal(grants_of(f, "svc"), "svc:integration@local counts\n");
        must_be(create(f, "alice", .role = "integration"), CORE_E_POLICY_REFUSED);
        must_be(create(f, "other", .kind = "service", .role = "viewe"), CORE_E_NO_SUCH_ROLE);
        must_be(update(f, "svc", .role = "viewer"), CORE_E_BAD_VALUE);
}

static void account_and_role_are_made_together_or_not_at_all(void **state) {
        Fixture *f = *state;
        _cleanup_(core_user_freep) CoreUser *user = NULL;

        must(tenant_add(f, "acme"));
        must(create(f, "bob", .role = "technician", .tenant = "acme"));
        assert_string_equal(grants_of(f, "bob"), "bob:technician@acme counts\n");
        assert_string_equal(what_is(f, "bob"), "person technician client acme");
        assert_string_equal(audit_line(f, 0), "user.create done  user/bob");
        must_be(create(f, "carol", .role = "viewer", .text[USER_FIELD_EMAIL] = ""),
                CORE_E_POLICY_REFUSED);
        assert_string_equal(f->error.text, "carol: has no e-mail address, which viewer requires");
        must_be(core_user_get(f->core, "carol", true, &user, &f->error), CORE_E_NO_SUCH_USER);
        must_be(create(f, "carol", .tenant = "globex"), CORE_E_NO_SUCH_TENANT);
        assert_string_equal(f->error.text, "tenant: \"globex\": no such tenant");
        must_be(create(f, "carol", .tenant = "all"), CORE_E_NO_SUCH_TENANT);
        must_be(core_user_get(f->core, "carol", true, &user, &f->error), CORE_E_NO_SUCH_USER);
}

static void nobody_creates_one_who_may_do_more(void **state) {
        Fixture *f = *state;
        uid_t eve;

        must(create(f, "eve", .role = "technician"));
        eve = f->change.object_id;
        must_be(create_as(f, &(Actor){ eve, eve, "socket" }, "bob", (UserSpec){ 0 }),
                CORE_E_ACCESS_DENIED);
        must(role_add(f, "recruiter", .permit = "user.create"));
        must(grant(f, "recruiter", "eve"));
        must_be(create_as(f, &(Actor){ eve, eve, "socket" }, "bob", (UserSpec){ .role = "viewer" }),
                CORE_E_ACCESS_DENIED);
        assert_string_equal(f->error.text, "this needs the permission role.grant");
        must(role_set(f, "recruiter", .permit = "user.create role.grant"));
        must_be(create_as(f, &(Actor){ eve, eve, "socket" }, "bob", (UserSpec){ .role = "admin" }),
                CORE_E_PROTECTED);
        must_be(create_as(f, &(Actor){ eve, eve, "socket" }, "bob", (UserSpec){ .role = "owner" }),
                CORE_E_PROTECTED);
        must(create_as(f, &(Actor){ eve, eve, "socket" }, "bob", (UserSpec){ .role = "viewer" }));
        must(create_as(f, &(Actor){ eve, eve, "socket" }, "carol", (UserSpec){ 0 }));
        must(create(f, "dora", .role = "owner"));
        assert_string_equal(what_is(f, "dora"), "person super-admin internal local");
}

static void a_type_is_the_highest_role_that_counts_anywhere(void **state) {
        Fixture *f = *state;

        must(tenant_add(f, "acme"));
        must(create(f, "alice"));
        must(role_add(f, "lead", .inherit = "technician"));
        must(grant(f, "lead", "alice"));
        assert_string_equal(what_is(f, "alice"), "person technician internal local");
        must(grant_at(f, "tenant-admin", "alice", "acme"));
        assert_string_equal(what_is(f, "alice"), "person tenant-admin internal local");
        must(grant_edit(f, &f->root,
                        &(GrantEdit){
                                .user = "alice", .role = "admin", .until_usec = f->now + HOUR }));
        assert_string_equal(what_is(f, "alice"), "person admin internal local");
        f->now += HOUR;
        core_tick(f->core, f->now);
        assert_string_equal(what_is(f, "alice"), "person tenant-admin internal local");
}

/* A5: an address is one user's in each tenant, whichever comes later, the address or the home. */
static void an_address_is_one_users_in_each_tenant(void **state) {
        Fixture *f = *state;
        const char *mail = "ops@acme.example";
        _cleanup_(core_user_freep) CoreUser *user = NULL, *again = NULL;

        must(tenant_add(f, "acme"));
        must(tenant_add(f, "globex"));
        must(create(f, "alice", .tenant = "acme", .text[USER_FIELD_EMAIL] = mail));
        must_be(create(f, "bob", .tenant = "acme", .text[USER_FIELD_EMAIL] = mail),
                CORE_E_CONFLICT);
        must(core_user_get(f->core, mail, false, &user, &f->error));
        assert_string_equal(user->name, "alice");
        must(create(f, "bob", .tenant = "globex", .text[USER_FIELD_EMAIL] = mail));
        must_be(core_user_get(f->core, mail, false, &again, &f->error), CORE_E_NO_SUCH_USER);
        must_be(update(f, "bob", .tenant = "acme"), CORE_E_CONFLICT);
        assert_string_equal(f->error.text, "email: \"ops@acme.example\": is the address of alice");
        must(update(f, "bob", .tenant = "local"));
        must(core_user_get(f->core, mail, false, &again, &f->error));
        assert_string_equal(again->name, "bob");
        must_be(update(f, "alice", .tenant = "local"), CORE_E_CONFLICT);
        must(update(f, "alice", .tenant = "local", .text[USER_FIELD_EMAIL] = "a@acme.example"));
}

static void a_home_is_moved_by_whoever_may_at_both_ends(void **state) {
        Fixture *f = *state;
        Actor eve = actor_of(0);

        must(tenant_add(f, "acme"));
        must(role_add(f, "mover", .inherit = "self-service", .permit = "user.identity.edit"));
        must(create(f, "eve", .role = "mover"));
        eve = actor_of(f->change.object_id);
        must(create(f, "bob"));
        must_be(update_as(f, &eve, "bob", (UserSpec){ .tenant = "acme" }), CORE_E_NO_SUCH_TENANT);
        must(grant_at(f, "self-service", "eve", "acme"));
        must_be(update_as(f, &eve, "bob", (UserSpec){ .tenant = "acme" }), CORE_E_ACCESS_DENIED);
        assert_string_equal(f->error.text, "this needs the permission user.identity.edit");
        must(grant_at(f, "mover", "eve", "acme"));
        must(update_as(f, &eve, "bob", (UserSpec){ .tenant = "acme" }));
        assert_string_equal(what_is(f, "bob"), "person end-user client acme");
        assert_string_equal(grants_of(f, "bob"), "bob:self-service@local counts\n");
        must_be(update(f, "bob", .tenant = "globex"), CORE_E_NO_SUCH_TENANT);
}

static void note_name(void *userdata, const CoreUser *user) {
        base_text_addf(userdata, "%s ", user->name);
}

static const char *list(Fixture *f, const char *filter) {
        static char buf[512];
        char cursor[64];
        Text text;

        base_text_init(&text, buf, sizeof(buf));
        must(core_user_list(f->core, &f->root, filter, "", 100, f->now, note_name, &text, cursor,
                            &f->error));
        return buf;
}

static int try_list(Fixture *f, const char *filter) {
        char cursor[64];

        return core_user_list(f->core, &f->root, filter, "", 100, f->now, note_name, &(Text){ 0 },
                              cursor, &f->error);
}

static void lists_find_by_kind_type_role_and_home(void **state) {
        Fixture *f = *state;

        must(tenant_add(f, "acme"));
        must(role_add(f, "lead", .inherit = "technician"));
        must(create(f, "alice", .role = "admin"));
        must(create(f, "bob", .role = "lead", .tenant = "acme"));
        must(create(f, "carol"));
        must(create(f, "svc", .kind = "service", .role = "integration"));
        assert_string_equal(list(f, "kind=service"), "svc ");
        assert_string_equal(list(f, "kind!=service"), "alice bob carol ");
        assert_string_equal(list(f, "tenant=acme"), "bob ");
        assert_string_equal(list(f, "tenant~l*"), "alice carol svc ");
        assert_string_equal(list(f, "type=technician"), "bob ");
        assert_string_equal(list(f, "type=client"), "bob ");
        assert_string_equal(list(f, "type=internal,type!=admin"), "carol svc ");
        assert_string_equal(list(f, "type=integration"), "svc ");
        assert_string_equal(list(f, "role=lead"), "bob ");
        assert_string_equal(list(f, "role=technician"), ""); /* inherited is not held */
        assert_string_equal(list(f, "role=self-service"), "carol ");
        must(grant_edit(f, &f->root,
                        &(GrantEdit){
                                .user = "carol", .role = "viewer", .until_usec = f->now + HOUR }));
        assert_string_equal(list(f, "role=viewer"), "carol ");
        f->now += HOUR;
        assert_string_equal(list(f, "role=viewer"), "");
        must_be(try_list(f, "kind=robot"), CORE_E_BAD_VALUE);
        must_be(try_list(f, "role=viewe"), CORE_E_BAD_VALUE);
        assert_string_equal(f->error.text, "filter: column 6: \"viewe\": no such role");
        must_be(try_list(f, "kind=person,type=boss"), CORE_E_BAD_VALUE);
        must_be(try_list(f, "type~a*"), CORE_E_BAD_VALUE);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void) {
        static const struct CMUnitTest tests[] = {
                STORY(a_kind_is_given_once),
                STORY(a_service_has_the_role_it_is_given_and_no_other),
                STORY(account_and_role_are_made_together_or_not_at_all),
                STORY(nobody_creates_one_who_may_do_more),
                STORY(a_type_is_the_highest_role_that_counts_anywhere),
                STORY(an_address_is_one_users_in_each_tenant),
                STORY(a_home_is_moved_by_whoever_may_at_both_ends),
                STORY(lists_find_by_kind_type_role_and_home),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
