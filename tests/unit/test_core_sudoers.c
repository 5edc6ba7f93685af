/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What sudo may be told: who stands in which line, until when, and what may change it. */

#include "tests/unit/sudo_verbs.h"

#define RESTART "/usr/bin/systemctl restart backup.service"

static bool hides(void *userdata, const char *name, uint32_t uid) {
        const Fixture *f = userdata;

        return (f->held_user && strcmp(f->held_user, name) == 0) || f->held_id == uid;
}

static CoreSudoers rendered(Fixture *f) {
        CoreSudoers sudoers = { 0 };

        must(core_sudoers_render(f->core, hides, f, f->now, &sudoers));
        return sudoers;
}

static const char *lines(Fixture *f) {
        static char buf[8192];
        CoreSudoers sudoers = rendered(f);

        snprintf(buf, sizeof(buf), "%s", sudoers.text);
        core_sudoers_done(&sudoers);
        return buf;
}

static uint64_t next(Fixture *f) {
        CoreSudoers sudoers = rendered(f);
        uint64_t usec = sudoers.next_usec;

        core_sudoers_done(&sudoers);
        return usec;
}

static int grant_for(Fixture *f, const char *role, const char *user, uint64_t from,
                     uint64_t until) {
        return grant_edit(
                f, &f->root,
                &(GrantEdit){ .user = user, .role = role, .from_usec = from, .until_usec = until });
}

/* A group, a role that permits it, and two people with addresses. */
static void people_make(Fixture *f) {
        make_person(f, "alice");
        make_person(f, "bob");
        must(sudo_add(f, "backup", .commands = RESTART));
        must(role_add(f, "ops", .permit = "sudo.backup"));
}

static void who_holds_it_has_a_line(void **state) {
        Fixture *f = *state;

        people_make(f);
        assert_string_equal(lines(f), "");
        must(grant(f, "ops", "bob"));
        assert_string_equal(lines(f), "bob ALL=(root) PASSWD: " RESTART "\n");
        must(grant(f, "ops", "alice"));
        assert_string_equal(lines(f), "alice, bob ALL=(root) PASSWD: " RESTART "\n");
        must(sudo_set(f, "backup", .commands = "+/usr/bin/id", .run_as = "postgres:adm",
                      .no_password = true));
        assert_string_equal(lines(f), "alice, bob ALL=(postgres:adm) NOPASSWD: " RESTART
                                      ", /usr/bin/id \"\"\n");
        must(revoke(f, "ops", "alice"));
        must(sudo_set(f, "backup", .commands = ""));
        assert_string_equal(lines(f), "");
}

/* Nobody granted it, and nobody is found by a grant. */
static void a_role_by_a_condition_gives_it_too(void **state) {
        Fixture *f = *state;
        const RoleEdit edit = { .automatic = "department=it" };
        CoreSudoers last;
        uint32_t bob;

        people_make(f);
        must(core_role_update(f->core, &f->root, "ops", &edit, &f->options, f->now, &f->change,
                              &f->error));
        last = rendered(f);
        assert_string_equal(last.text, "");
        update_text(f, "bob", USER_FIELD_DEPARTMENT, "it");
        assert_string_equal(lines(f), "bob ALL=(root) PASSWD: " RESTART "\n");
        bob = FIRST + 1;
        assert_true(core_sudoers_differ(f->core, &last, &bob, 1));
        core_sudoers_done(&last);
        update_text(f, "bob", USER_FIELD_DEPARTMENT, "hr");
        assert_string_equal(lines(f), "");
}

static void everything_is_one_line(void **state) {
        Fixture *f = *state;

        people_make(f);
        must(grant(f, "owner", "alice"));
        must(grant(f, "ops", "alice"));
        must(grant(f, "ops", "bob"));
        assert_string_equal(lines(f), "alice ALL=(ALL:ALL) PASSWD: ALL\n"
                                      "bob ALL=(root) PASSWD: " RESTART "\n");
        must(role_add(f, "not-backup", .deny = "sudo.backup"));
        must(grant(f, "not-backup", "bob"));
        assert_string_equal(lines(f), "alice ALL=(ALL:ALL) PASSWD: ALL\n");
}

static void what_is_shipped_is_empty(void **state) {
        Fixture *f = *state;

        people_make(f);
        must(grant(f, "technician", "bob"));
        assert_string_equal(lines(f), "");
        must(sudo_set(f, "maintenance", .commands = "/usr/sbin/shutdown -r now"));
        assert_string_equal(lines(f), "bob ALL=(root) PASSWD: /usr/sbin/shutdown -r now\n");
}

static void the_tenant_of_the_host_counts(void **state) {
        Fixture *f = *state;

        people_make(f);
        must(tenant_add(f, "acme"));
        must(grant_at(f, "ops", "alice", "acme"));
        must(grant_at(f, "ops", "bob", "all"));
        must(grant_edit(f, &f->root,
                        &(GrantEdit){ .user = "alice",
                                      .role = "ops",
                                      .over = "department=it",
                                      .until_usec = USEC_INFINITY }));
        assert_string_equal(lines(f), "bob ALL=(root) PASSWD: " RESTART "\n");
        f->settings.tenant = "acme";
        core_set_settings(f->core, &f->settings);
        assert_string_equal(lines(f), "alice, bob ALL=(root) PASSWD: " RESTART "\n");
}

static void the_end_is_sudos_to_see(void **state) {
        Fixture *f = *state;

        people_make(f);
        must(grant_for(f, "ops", "alice", 0, f->now + HOUR));
        must(grant_for(f, "ops", "bob", f->now + HOUR, f->now + 2 * HOUR + 1));
        assert_string_equal(lines(f),
                            "alice ALL=(root) NOTAFTER=20260801095959Z PASSWD: " RESTART "\n");
        assert_int_equal(next(f), f->now + HOUR);
        fixture_pass(f, HOUR - 1);
        assert_non_null(strstr(lines(f), "alice"));
        fixture_pass(f, 1);
        assert_string_equal(lines(f),
                            "bob ALL=(root) NOTAFTER=20260801105959Z PASSWD: " RESTART "\n");
        assert_int_equal(next(f), f->now + HOUR + 1);
        fixture_pass(f, HOUR + 1);
        assert_string_equal(lines(f), "");
        assert_int_equal(next(f), USEC_INFINITY);
}

/* Whichever way it comes, and whatever takes it away. */
static void the_end_is_the_last_one(void **state) {
        Fixture *f = *state;

        people_make(f);
        must(role_add(f, "ops2", .permit = "sudo.backup"));
        must(role_add(f, "not-backup", .deny = "sudo.*"));
        must(grant_for(f, "ops", "alice", 0, f->now + HOUR));
        must(grant_for(f, "ops2", "alice", f->now + HOUR, f->now + 2 * HOUR));
        assert_string_equal(lines(f),
                            "alice ALL=(root) NOTAFTER=20260801105959Z PASSWD: " RESTART "\n");
        must(grant_for(f, "not-backup", "alice", f->now + HOUR / 2, USEC_INFINITY));
        assert_string_equal(lines(f),
                            "alice ALL=(root) NOTAFTER=20260801092959Z PASSWD: " RESTART "\n");
}

static void who_may_not_log_in_has_none(void **state) {
        Fixture *f = *state;
        UserSpec spec = { .has_valid_until = true };

        people_make(f);
        spec.valid_until_usec = f->now + 3 * HOUR;
        must(grant(f, "ops", "alice"));
        must(core_user_update(f->core, &f->root, "alice", &spec, &f->options, f->now, &f->change,
                              &f->error));
        assert_string_equal(lines(f),
                            "alice ALL=(root) NOTAFTER=20260801115959Z PASSWD: " RESTART "\n");
        must(core_user_lock(f->core, &f->root, "alice", true, &f->options, f->now, &f->change,
                            &f->error));
        assert_string_equal(lines(f), "");
        must(core_user_lock(f->core, &f->root, "alice", false, &f->options, f->now, &f->change,
                            &f->error));
        must(core_user_step(f->core, &f->root, "alice", STATUS_STEP_SUSPEND, f->now + HOUR,
                            &f->options, f->now, &f->change, &f->error));
        assert_string_equal(lines(f), "");
        assert_int_equal(next(f), f->now + HOUR); /* he is back then */
        fixture_pass(f, HOUR);
        assert_non_null(strstr(lines(f), "alice"));
        assert_int_equal(next(f), f->now + 2 * HOUR);
        fixture_pass(f, 2 * HOUR);
        assert_string_equal(lines(f), "");
}

static void a_name_of_the_hosts_own_has_none(void **state) {
        Fixture *f = *state;

        people_make(f);
        must(grant(f, "ops", "alice"));
        must(grant(f, "ops", "bob"));
        f->held_user = "alice";
        assert_string_equal(lines(f), "bob ALL=(root) PASSWD: " RESTART "\n");
        f->held_user = NULL;
        f->held_id = FIRST + 1; /* bob's */
        assert_string_equal(lines(f), "alice ALL=(root) PASSWD: " RESTART "\n");
}

static void only_what_matters_makes_them_anew(void **state) {
        Fixture *f = *state;
        CoreSudoers last;
        uint32_t carl, alice;

        people_make(f);
        carl = make_person(f, "carl");
        must(grant(f, "ops", "alice"));
        last = rendered(f);
        assert_false(core_sudoers_differ(f->core, &last, NULL, 0));
        assert_false(core_sudoers_differ(f->core, &last, &carl, 1));
        assert_int_equal(last.uid_count, 1);
        alice = last.uids[0];
        assert_true(core_sudoers_differ(f->core, &last, &alice, 1));
        must(grant(f, "viewer", "carl"));
        assert_false(core_sudoers_differ(f->core, &last, &carl, 1));
        must(grant(f, "ops", "carl"));
        assert_true(core_sudoers_differ(f->core, &last, &carl, 1));
        must(revoke(f, "ops", "carl"));
        must(revoke(f, "ops", "alice"));
        assert_true(core_sudoers_differ(f->core, &last, &alice, 1)); /* he has a line still */
        assert_false(core_sudoers_differ(f->core, &last, &carl, 1));
        must(sudo_set(f, "backup", .commands = "+/usr/bin/id"));
        assert_true(core_sudoers_differ(f->core, &last, NULL, 0));
        core_sudoers_done(&last);
        last = rendered(f);
        must(role_set(f, "ops", .permit = "user.view"));
        assert_true(core_sudoers_differ(f->core, &last, NULL, 0));
        core_sudoers_done(&last);
}

static void roles_that_cannot_be_read_permit_nothing(void **state) {
        CoreSudoers none = { 0 };
        Fixture *f = *state;

        people_make(f);
        must(grant(f, "ops", "alice"));
        assert_true(core_sudoers_differ(f->core, &none, NULL, 0)); /* before the first time */
        for (size_t i = 0; i < 40; i++) {
                char name[16], commands[16384], *at = commands;

                snprintf(name, sizeof(name), "g%zu", i);
                for (size_t k = 0; k < 31; k++)
                        at += sprintf(at, "%s/bin/c%zu %0500zu", k > 0 ? "|" : "", k, k);
                must(sudo_add(f, name, .commands = commands));
        }
        must(role_add(f, "many", .permit = "sudo.*", .without = "sudo.backup"));
        for (size_t i = 0; i < 2; i++) {
                char name[16];

                snprintf(name, sizeof(name), "user%zu", i);
                make_user(f, name);
                must(grant_for(f, "many", name, 0, f->now + HOUR + i * HOUR));
        }
        must_be(core_sudoers_render(f->core, hides, f, f->now, &none), -E2BIG);
        assert_null(none.text);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void) {
        static const struct CMUnitTest tests[] = {
                STORY(who_holds_it_has_a_line),
                STORY(a_role_by_a_condition_gives_it_too),
                STORY(everything_is_one_line),
                STORY(what_is_shipped_is_empty),
                STORY(the_tenant_of_the_host_counts),
                STORY(the_end_is_sudos_to_see),
                STORY(the_end_is_the_last_one),
                STORY(who_may_not_log_in_has_none),
                STORY(a_name_of_the_hosts_own_has_none),
                STORY(only_what_matters_makes_them_anew),
                STORY(roles_that_cannot_be_read_permit_nothing),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
