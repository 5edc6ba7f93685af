/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Roles that are somebody's by a condition: they follow it at every change, give way to what must
 * not meet them, and nobody gives by a department or an attribute what he could not grant. */

#include "tests/unit/rights_verbs.h"

static int condition_as(Fixture *f, const Actor *actor, const char *role, const char *condition) {
        const RoleEdit edit = { .automatic = condition };

        f->error = (CoreError){ 0 };
        return core_role_update(f->core, actor, role, &edit, &f->options, f->now, &f->change,
                                &f->error);
}

static int condition(Fixture *f, const char *role, const char *condition) {
        return condition_as(f, &f->root, role, condition);
}

static void define(Fixture *f, const char *name, const char *type) {
        const AttributeEdit edit = { .name = name, .type = type };

        must(core_attribute_create(f->core, &f->root, &edit, &f->options, f->now, &f->change,
                                   &f->error));
}

static int give_as(Fixture *f, const Actor *actor, const char *user, const char *name,
                   const char *value, uint64_t until_usec) {
        const UserAttribute one = { name, value, until_usec };
        const UserSpec spec = { .attributes = &one, .attribute_count = 1 };

        f->error = (CoreError){ 0 };
        return core_user_update(f->core, actor, user, &spec, &f->options, f->now, &f->change,
                                &f->error);
}

static int move_as(Fixture *f, const Actor *actor, const char *user, const char *department) {
        const UserSpec spec = { .text = { [USER_FIELD_DEPARTMENT] = department } };

        f->error = (CoreError){ 0 };
        return core_user_update(f->core, actor, user, &spec, &f->options, f->now, &f->change,
                                &f->error);
}

static void move(Fixture *f, const char *user, const char *department) {
        must(move_as(f, &f->root, user, department));
}

#define SELF(user) user ":self-service@local counts\n"

static void holders_follow_the_condition(void **state) {
        Fixture *f = *state;

        make_person(f, "alice");
        define(f, "region", "text");
        must(role_add(f, "sales-eu", .permit = "asset.view"));
        must(condition(f, "sales-eu", "department=sales,attr.region=eu"));
        assert_string_equal(grants_of(f, "alice"), SELF("alice"));
        move(f, "alice", "sales");
        assert_string_equal(grants_of(f, "alice"), SELF("alice"));
        must(give_as(f, &f->root, "alice", "region", "eu", f->now + HOUR));
        assert_string_equal(grants_of(f, "alice"), SELF("alice") "alice:sales-eu@local counts\n");
        f->now += HOUR;
        core_tick(f->core, f->now);
        assert_string_equal(grants_of(f, "alice"), SELF("alice") "alice:sales-eu@local expired\n");
        must(give_as(f, &f->root, "alice", "region", "eu", USEC_INFINITY));
        assert_string_equal(grants_of(f, "alice"), SELF("alice") "alice:sales-eu@local counts\n");
        move(f, "alice", "it");
        assert_string_equal(grants_of(f, "alice"), SELF("alice"));
        must(condition(f, "sales-eu", "department=it"));
        assert_string_equal(grants_of(f, "alice"), SELF("alice") "alice:sales-eu@local counts\n");
        must(condition(f, "sales-eu", ""));
        assert_string_equal(grants_of(f, "alice"), SELF("alice"));
}

static void what_it_cannot_be_is_named(void **state) {
        Fixture *f = *state;

        define(f, "level", "number");
        must(role_add(f, "r", .permit = "asset.view"));
        must(role_add(f, "boss", .inherit = "owner"));
        must_be(condition(f, "r", "department=sales,dept=x"), CORE_E_BAD_VALUE);
        assert_string_equal(
                f->error.text,
                "auto: column 18: expected department, title, tenant, kind or attr.NAME");
        must_be(condition(f, "r", "attr.none=x"), CORE_E_BAD_VALUE);
        must_be(condition(f, "r", "attr.level=high"), CORE_E_BAD_VALUE);
        assert_string_equal(f->error.text, "auto: column 12: attr.level is a number: must be a "
                                           "whole number, at most 18 digits");
        must_be(condition(f, "r", "attr.level=07"), CORE_E_BAD_VALUE); /* would never hold */
        must_be(condition(f, "r", "tenant=globex"), CORE_E_NO_SUCH_TENANT);
        must_be(condition(f, "viewer", "kind=person"), CORE_E_PROTECTED);
        must_be(condition(f, "boss", "kind=person"), CORE_E_BAD_VALUE);
        assert_string_equal(f->error.text,
                            "auto: boss: nobody comes to be an owner by a condition");
        must(condition(f, "r", "attr.level=7"));
        must_be(role_set(f, "r", .inherit = "owner"), CORE_E_BAD_VALUE);
        must_be(core_attribute_delete(f->core, &f->root, "level", true, &f->options, f->now,
                                      &f->change, &f->error),
                CORE_E_POLICY_REFUSED);
}

static void what_nobody_granted_nobody_revokes(void **state) {
        Fixture *f = *state;

        make_person(f, "alice");
        move(f, "alice", "sales");
        must(role_add(f, "r", .permit = "asset.view"));
        must(condition(f, "r", "department=sales"));
        must_be(revoke(f, "r", "alice"), CORE_E_POLICY_REFUSED);
        assert_string_equal(f->error.text,
                            "r: is alice's as long as department=sales holds for him");
        must(grant(f, "r", "alice")); /* granted as well */
        must(revoke(f, "r", "alice"));
        must_be(revoke(f, "r", "alice"), CORE_E_POLICY_REFUSED);
        must_be(role_delete(f, "r", false), CORE_E_POLICY_REFUSED);
        must(role_delete(f, "r", true));
        assert_string_equal(grants_of(f, "alice"), SELF("alice"));
}

static void it_gives_way_to_what_must_not_meet_it(void **state) {
        Fixture *f = *state;

        make_person(f, "alice");
        move(f, "alice", "sales");
        must(role_add(f, "approver", .permit = "request.approve"));
        must(role_add(f, "payer", .permit = "billing.view", .conflict = "approver"));
        must(grant(f, "approver", "alice"));
        must(condition(f, "payer", "department=sales"));
        assert_string_equal(grants_of(f, "alice"), "alice:approver@local counts\n" SELF(
                                                           "alice") "alice:payer@local conflict\n");
        must(revoke(f, "approver", "alice"));
        assert_string_equal(grants_of(f, "alice"), SELF("alice") "alice:payer@local counts\n");
        must_be(grant(f, "approver", "alice"), CORE_E_ROLE_CONFLICT);
        must(condition(f, "approver", "kind=person")); /* of two such ones none */
        assert_string_equal(grants_of(f, "alice"), SELF("alice") "alice:approver@local conflict\n"
                                                                 "alice:payer@local conflict\n");
}

/* In the home tenant alone, wherever that is. */
static void it_is_of_the_home_tenant(void **state) {
        Fixture *f = *state;

        make_person(f, "alice");
        must(tenant_add(f, "acme"));
        must(role_add(f, "r", .permit = "asset.view"));
        must(condition(f, "r", "tenant=acme"));
        assert_string_equal(grants_of(f, "alice"), SELF("alice"));
        must(core_user_update(f->core, &f->root, "alice", &(UserSpec){ .tenant = "acme" },
                              &f->options, f->now, &f->change, &f->error));
        assert_string_equal(grants_of(f, "alice"), SELF("alice") "alice:r@acme counts\n");
        must(core_tenant_delete(f->core, &f->root, "acme", &f->options, f->now, &f->change,
                                &f->error));
}

/* Its Linux groups have whom it holds for, found by an attribute or by going over all. */
static void its_groups_follow(void **state) {
        Fixture *f = *state;
        static const char *const web[] = { "web" };
        const RoleEdit edit = { .lists = { [CORE_ROLE_LINUX_GROUPS] = web },
                                .counts = { [CORE_ROLE_LINUX_GROUPS] = 1 } };

        make_person(f, "alice");
        make_person(f, "bob");
        make_group(f, "web");
        define(f, "oncall", "flag");
        must(role_add(f, "r", .permit = "asset.view"));
        must(core_role_update(f->core, &f->root, "r", &edit, &f->options, f->now, &f->change,
                              &f->error));
        must(condition(f, "r", "department=sales"));
        move(f, "alice", "sales");
        assert_string_equal(effective_of(f, "web"), "alice");
        assert_string_equal(groups_of(f, "alice"), "web");
        must(condition(f, "r", "department=sales,attr.oncall=yes"));
        assert_string_equal(effective_of(f, "web"), "");
        must(give_as(f, &f->root, "alice", "oncall", "yes", f->now + HOUR));
        must(give_as(f, &f->root, "bob", "oncall", "yes", USEC_INFINITY));
        assert_string_equal(effective_of(f, "web"), "alice");
        f->now += HOUR;
        core_tick(f->core, f->now);
        assert_string_equal(effective_of(f, "web"), "");
        move(f, "bob", "sales");
        assert_string_equal(effective_of(f, "web"), "bob");
}

/* D8, for whoever may edit users: by department, attribute, address, new account. */
static void nobody_gives_by_a_field_what_he_could_not_grant(void **state) {
        Fixture *f = *state;
        const UserSpec born = { .text = { [USER_FIELD_NAME] = "carl",
                                          [USER_FIELD_EMAIL] = "c@example.org",
                                          [USER_FIELD_DEPARTMENT] = "audit" } };
        Actor eve, ann;

        define(f, "oncall", "flag");
        eve = actor_of(make_person(f, "eve"));
        ann = actor_of(make_person(f, "ann"));
        make_person(f, "bob");
        must(role_add(f, "editor", .permit = "user.edit user.attribute.set user.create"));
        must(role_add(f, "auditor", .permit = "audit.view"));
        must(role_add(f, "nightly", .permit = "user.lock"));
        must(condition(f, "auditor", "department=audit"));
        must(condition(f, "nightly", "attr.oncall=yes"));
        must(grant(f, "editor", "eve"));
        must(grant(f, "admin", "ann"));
        must_be(move_as(f, &eve, "bob", "audit"), CORE_E_PROTECTED);
        assert_string_equal(
                f->error.text,
                "bob: would come to auditor, which gives more than you have: audit.view");
        must_be(move_as(f, &eve, "eve", "audit"), CORE_E_PROTECTED); /* nor to himself */
        must_be(give_as(f, &eve, "bob", "oncall", "yes", USEC_INFINITY), CORE_E_PROTECTED);
        must_be(core_user_create(f->core, &eve, &born, &f->options, f->now, &f->change, &f->error),
                CORE_E_PROTECTED);
        must(move_as(f, &eve, "bob", "sales"));
        must(move_as(f, &ann, "bob", "audit"));
        must(give_as(f, &ann, "bob", "oncall", "yes", f->now + HOUR));
        must_be(move_as(f, &eve, "bob", ""), CORE_E_PROTECTED); /* he may do more now */
        must(give_as(f, &ann, "bob", "oncall", "no", USEC_INFINITY));
        must(move_as(f, &ann, "bob", ""));
        must(move_as(f, &eve, "bob", "sales"));
        assert_string_equal(grants_of(f, "bob"), SELF("bob"));
}

/* What denies is written by root alone, and whoever takes it off gives what it took. */
static void a_deny_by_condition_is_roots(void **state) {
        Fixture *f = *state;
        Actor ann, eve;

        ann = actor_of(make_person(f, "ann"));
        eve = actor_of(make_person(f, "eve"));
        make_person(f, "bob");
        must(grant_at(f, "admin", "ann", "all"));
        must(role_add(f, "editor", .permit = "user.edit"));
        must(grant(f, "editor", "eve"));
        must(grant(f, "technician", "bob"));
        must(role_add(f, "locked-down", .deny = "user.*"));
        must_be(condition_as(f, &ann, "locked-down", "department=trainees"), CORE_E_PROTECTED);
        must(condition(f, "locked-down", "department=trainees"));
        move(f, "bob", "trainees");
        must_be(move_as(f, &eve, "bob", "sales"), CORE_E_PROTECTED);
        must(move_as(f, &f->root, "bob", "sales"));
        must(role_add(f, "plain", .permit = "asset.view"));
        must(condition_as(f, &ann, "plain", "department=sales"));
}

/* The last owner is not cut by a condition either. */
static void the_last_owner_stays_whole(void **state) {
        Fixture *f = *state;

        make_person(f, "olga");
        must(grant(f, "owner", "olga"));
        must(role_add(f, "muted", .deny = "user.view"));
        must_be(condition(f, "muted", "kind=person"), CORE_E_LAST_OWNER);
        must(condition(f, "muted", "department=muted"));
        must_be(move_as(f, &f->root, "olga", "muted"), CORE_E_LAST_OWNER);
}

static void note_try(void *userdata, const char *user, bool gains) {
        base_text_addf(userdata, "%c%s ", gains ? '+' : '-', user);
}

static const char *tried(Fixture *f, const char *role, const char *condition) {
        static char buf[256];
        char cursor[64] = "";
        Text text;

        base_text_init(&text, buf, sizeof(buf));
        do
                must(core_role_try(f->core, &f->root, role, condition, cursor, 1, f->now, note_try,
                                   &text, cursor, &f->error));
        while (cursor[0]);
        return buf;
}

static void who_would_gain_and_lose_is_told(void **state) {
        Fixture *f = *state;
        char buf[512], cursor[64] = "";
        Text text;

        make_person(f, "alice");
        make_person(f, "bob");
        make_person(f, "carol");
        move(f, "alice", "sales");
        move(f, "bob", "it");
        must(role_add(f, "r", .permit = "asset.view"));
        assert_string_equal(tried(f, "r", "department=sales"), "+alice ");
        must(condition(f, "r", "department=sales"));
        assert_string_equal(tried(f, "r", "department=it"), "-alice +bob ");
        assert_string_equal(tried(f, "r", ""), "-alice ");
        assert_string_equal(tried(f, "none-yet", "kind=person"), "+alice +bob +carol ");
        must_be(core_role_try(f->core, &f->root, "r", "x", "", 1, f->now, note_try, NULL, cursor,
                              &f->error),
                CORE_E_BAD_VALUE);
        /* holders: those who were granted it first, the others behind them, nobody twice */
        must(grant(f, "r", "carol"));
        must(grant(f, "r", "alice"));
        move(f, "bob", "sales");
        base_text_init(&text, buf, sizeof(buf));
        do
                must(core_grant_holders(f->core, &f->root, "r", cursor, 1, f->now, grant_line,
                                        &text, cursor, &f->error));
        while (cursor[0]);
        assert_string_equal(buf, "alice:r@local counts\nalice:r@local counts\n"
                                 "carol:r@local counts\nbob:r@local counts\n");
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void) {
        static const struct CMUnitTest tests[] = {
                STORY(holders_follow_the_condition),
                STORY(what_it_cannot_be_is_named),
                STORY(what_nobody_granted_nobody_revokes),
                STORY(it_gives_way_to_what_must_not_meet_it),
                STORY(it_is_of_the_home_tenant),
                STORY(its_groups_follow),
                STORY(nobody_gives_by_a_field_what_he_could_not_grant),
                STORY(a_deny_by_condition_is_roots),
                STORY(the_last_owner_stays_whole),
                STORY(who_would_gain_and_lose_is_told),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
