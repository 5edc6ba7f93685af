/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Users: made, edited, moved between states, deleted and brought back; and what is refused. */

#include "tests/unit/core_fixture.h"

static int create(Fixture *f, const UserSpec *spec) {
        f->error = (CoreError){ 0 };
        return core_user_create(f->core, &f->root, spec, &f->options, f->now, &f->change,
                                &f->error);
}

static int update(Fixture *f, const char *name, const UserSpec *spec) {
        f->error = (CoreError){ 0 };
        return core_user_update(f->core, &f->root, name, spec, &f->options, f->now, &f->change,
                                &f->error);
}

static int step(Fixture *f, const char *name, StatusStep step, uint64_t until) {
        return core_user_step(f->core, &f->root, name, step, until, &f->options, f->now, &f->change,
                              &f->error);
}

static void a_new_user_has_what_the_settings_say(void **state) {
        _cleanup_(core_user_freep) CoreUser *user = NULL;
        Fixture *f = *state;

        assert_int_equal(make_user(f, "alice"), FIRST);
        assert_true(f->change.id > 0);
        must(core_user_get(f->core, "alice", false, &user, &f->error));
        assert_int_equal(user->uid, FIRST);
        assert_int_equal(user->gid, FIRST);
        assert_string_equal(user->home, "/home/alice");
        assert_string_equal(user->shell, "/bin/bash");
        assert_string_equal(user->tenant, "local");
        assert_string_equal(user->created_by, "root");
        assert_int_equal(user->status, USER_STATUS_ACTIVE);
        assert_int_equal(user->role_count, 1);
        assert_string_equal(user->roles[0], "self-service");
        assert_int_equal(user->group_count, 0);
        assert_false(user->has_password);
        fixture_flush(f);
        assert_string_equal(f->news, "added user alice\n");
        assert_int_equal(make_user(f, "bob"), FIRST + 1);
}

static const struct {
        UserSpec spec;
        CoreOutcome outcome;
        const char *text;
} bad_specs[] = {
        { { .text = { [USER_FIELD_NAME] = "0x" } },
          CORE_E_BAD_VALUE,
          "name: \"0x\": may not begin with a digit: tools would take it for a number" },
        { { .text = { [USER_FIELD_NAME] = "a\x1b[2J" } },
          CORE_E_BAD_VALUE,
          "name: \"a\\x1b[2J\": may only have a-z, 0-9, _ and -" },
        { { .text = { [USER_FIELD_NAME] = "um-x" } },
          CORE_E_BAD_VALUE,
          "name: \"um-x\": is reserved for um's own accounts (um, um-*)" },
        { {}, CORE_E_BAD_VALUE, "name: may not be empty" },
        { { .text = { [USER_FIELD_NAME] = "root" } },
          CORE_E_NAME_TAKEN,
          "name: \"root\": is held by /etc/passwd" },
        { { .text = { [USER_FIELD_NAME] = "video" } },
          CORE_E_NAME_TAKEN,
          "name: \"video\": is held by /etc/group" },
        { { .text = { [USER_FIELD_NAME] = "alice" } },
          CORE_E_NAME_TAKEN,
          "name: \"alice\": is taken by user 65536" },
        { { .text = { [USER_FIELD_NAME] = "web" } },
          CORE_E_NAME_TAKEN,
          "name: \"web\": is taken by group 65537" },
        { { .text = { [USER_FIELD_NAME] = "x", [USER_FIELD_TIME_ZONE] = "Mars/Base" } },
          CORE_E_BAD_VALUE,
          "time zone: \"Mars/Base\": is not a zone this host knows" },
        { { .text = { [USER_FIELD_NAME] = "x", [USER_FIELD_EMAIL] = "Alice@Acme.example" } },
          CORE_E_CONFLICT,
          "email: \"Alice@Acme.example\": is the address of alice" },
        { { .text = { [USER_FIELD_NAME] = "x" }, .has_uid = true, .uid = 999 },
          CORE_E_BAD_VALUE,
          "uid: 999: is one of the system ids 0-999" },
        { { .text = { [USER_FIELD_NAME] = "x" }, .has_uid = true, .uid = FIRST },
          CORE_E_UID_TAKEN,
          "uid: 65536: is taken by user alice" },
        { { .text = { [USER_FIELD_NAME] = "x" }, .has_uid = true, .uid = FIRST + 1 },
          CORE_E_UID_TAKEN,
          "uid: 65537: is taken by group web" },
        { { .text = { [USER_FIELD_NAME] = "x" }, .has_uid = true, .uid = 70000 },
          CORE_E_UID_TAKEN,
          "uid: 70000: is held by process 4711 (sleep)" },
        { { .text = { [USER_FIELD_NAME] = "x" }, .has_gid = true, .gid = 80000 },
          CORE_E_BAD_VALUE,
          "gid: 80000: must be the uid: a user's own group has his number" },
        { { .text = { [USER_FIELD_NAME] = "x" },
            .has_valid_from = true,
            .valid_from_usec = NOW,
            .has_valid_until = true,
            .valid_until_usec = NOW },
          CORE_E_BAD_VALUE,
          "valid until: 2026-08-01T09:00:00Z: must be after valid from, "
          "2026-08-01T09:00:00Z" },
        { { .text = { [USER_FIELD_NAME] = "0x",
                      [USER_FIELD_FULL_NAME] = "a:b",
                      [USER_FIELD_HOME] = "tmp" } },
          CORE_E_BAD_VALUE,
          "name: \"0x\": may not begin with a digit: tools would take it for a number; "
          "full name: \"a:b\": may not have ':', ',', '=' or control characters; "
          "home: \"tmp\": must be an absolute path" },
};

static void bad_specs_are_refused_whole(void **state) {
        Fixture *f = *state;
        uint64_t entries;

        make_user(f, "alice");
        update_text(f, "alice", USER_FIELD_EMAIL, "alice@acme.example");
        make_group(f, "web");
        f->held_user = "root";
        f->held_group = "video";
        f->held_id = 70000;
        entries = last_audit(f);
        for (size_t i = 0; i < ARRAY_LENGTH(bad_specs); i++) {
                must_be(create(f, &bad_specs[i].spec), bad_specs[i].outcome);
                assert_string_equal(f->error.text, bad_specs[i].text);
                must_be(f->error.outcome, bad_specs[i].outcome);
        }
        assert_int_equal(last_audit(f), entries);
}

static void an_id_held_outside_is_passed_over(void **state) {
        Fixture *f = *state;

        f->held_id = FIRST;
        assert_int_equal(make_user(f, "alice"), FIRST + 1);
}

static void a_range_that_is_used_up_says_so(void **state) {
        UserSpec spec = { .text = { [USER_FIELD_NAME] = "carol" } };
        Fixture *f = *state;

        f->settings.id_last = FIRST + 1;
        core_set_settings(f->core, &f->settings);
        make_user(f, "alice");
        make_user(f, "bob");
        must_be(create(f, &spec), CORE_E_UNAVAILABLE);
        assert_string_equal(f->error.text,
                            "uid: all of uid-range 65536-65537 in um.conf are used up: let it end "
                            "higher");
}

static void a_range_made_lower_than_what_was_given_says_so(void **state) {
        UserSpec spec = { .text = { [USER_FIELD_NAME] = "carol" } };
        Fixture *f = *state;

        make_user(f, "alice");
        make_user(f, "bob");
        make_group(f, "web");
        f->settings.id_last = FIRST + 1;
        core_set_settings(f->core, &f->settings);
        must_be(create(f, &spec), CORE_E_UNAVAILABLE);
        assert_string_equal(f->error.text,
                            "uid: uid-range 65536-65537 in um.conf ends below ids that were given "
                            "before (up to 65538), and none is given twice: let it end higher, or "
                            "choose one yourself (--uid, --gid)");
        spec.has_uid = true;
        spec.uid = FIRST + 100;
        must(create(f, &spec));
        f->settings.id_last = FIRST + 1000;
        core_set_settings(f->core, &f->settings);
        assert_int_equal(make_user(f, "dave"), FIRST + 3);
}

static void notices_go_some_way(void **state) {
        static const struct {
                const char *value;
                bool good;
        } rows[] = {
                { "", true },
                { "security=mail", true },
                { "security=mail,login", true },
                { "security=mail,login,announcement=terminal,task=mail", true },
                { "security", false },
                { "security=", false },
                { "security=,login", false },
                { "=mail", false },
                { "mail", false },
                { "security=mail,", false },
                { "security=mail,mail", false },
                { "security=mail,security=login", false },
                { "security=mail=login", false },
                { "security=none", false },
                { "security=Mail", false },
                { "security= mail", false },
                { "secur=mail", false },
                { "security=mail,announcement", false },
                { ",security=mail", false },
        };
        Fixture *f = *state;

        make_user(f, "alice");
        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                UserSpec spec = { .text = { [USER_FIELD_NOTIFY] = rows[i].value } };

                must_be(core_user_update(f->core, &f->root, "alice", &spec, &f->options, f->now,
                                         &f->change, &f->error),
                        rows[i].good ? CORE_DONE : CORE_E_BAD_VALUE);
        }
        assert_string_equal(f->error.text,
                            "notify: \",security=mail\": must be KIND=WAY[,WAY][,KIND=WAY]: kinds "
                            "are account, security, announcement, task, expiry; ways are mail, "
                            "login, terminal; each once");
}

static void an_edit_changes_only_what_it_names(void **state) {
        _cleanup_(core_user_freep) CoreUser *user = NULL;
        Fixture *f = *state;

        make_user(f, "alice");
        update_text(f, "alice", USER_FIELD_EMAIL, "a@x.example");
        update_text(f, "alice", USER_FIELD_PHONE, "+49 30 1234");
        update_text(f, "alice", USER_FIELD_EMAIL, "");
        must(core_user_get(f->core, "alice", false, &user, &f->error));
        assert_string_equal(user->email, "");
        assert_string_equal(user->phone, "+49 30 1234");
        assert_int_equal(user->version, 4);
        assert_int_equal(f->change.version, 4);
}

static void changing_nothing_is_no_change(void **state) {
        Fixture *f = *state;
        uint64_t entries;

        make_user(f, "alice");
        update_text(f, "alice", USER_FIELD_TITLE, "boss");
        entries = last_audit(f);
        update_text(f, "alice", USER_FIELD_TITLE, "boss");
        assert_int_equal(f->change.id, 0);
        assert_int_equal(f->change.version, 2);
        must(core_user_lock(f->core, &f->root, "alice", false, &f->options, f->now, &f->change,
                            &f->error));
        assert_int_equal(f->change.id, 0);
        assert_int_equal(last_audit(f), entries);
}

static void of_two_writers_the_second_gets_a_conflict(void **state) {
        UserSpec spec = { .text = { [USER_FIELD_TITLE] = "boss" } };
        Fixture *f = *state;

        make_user(f, "alice");
        f->options.if_version = 1;
        must(update(f, "alice", &spec));
        spec.text[USER_FIELD_TITLE] = "chief";
        must_be(update(f, "alice", &spec), CORE_E_CONFLICT);
        assert_string_equal(f->error.text, "alice: changed since it was read: version 2, not 1");
        must_be(step(f, "alice", STATUS_STEP_DISABLE, 0), CORE_E_CONFLICT);
}

static void an_edit_cannot_move_ids(void **state) {
        UserSpec spec = { .has_uid = true, .uid = 70000 };
        Fixture *f = *state;

        make_user(f, "alice");
        must_be(update(f, "alice", &spec), CORE_E_BAD_VALUE);
        assert_string_equal(f->error.text, "uid: 70000: is fixed at creation");
        must_be(update(f, "nobody", &spec), CORE_E_NO_SUCH_USER);
}

static void a_renamed_user_keeps_his_groups_and_home(void **state) {
        _cleanup_(core_user_freep) CoreUser *user = NULL;
        Fixture *f = *state;

        make_user(f, "alice");
        make_group(f, "web");
        make_group(f, "all");
        add_user(f, "web", "alice");
        add_group(f, "all", "web");
        fixture_flush(f);
        update_text(f, "alice", USER_FIELD_NAME, "alicia");
        fixture_flush(f);
        assert_string_equal(f->news, "changed user alicia was alice\n"
                                     "changed group web\n"
                                     "changed group all\n");
        must(core_user_get(f->core, "alicia", false, &user, &f->error));
        assert_string_equal(user->home, "/home/alice");
        assert_string_equal(groups_of(f, "alicia"), "all,web");
        assert_string_equal(effective_of(f, "all"), "alicia");
        must_be(core_user_get(f->core, "alice", false, &user, &f->error), CORE_E_NO_SUCH_USER);
        assert_string_equal(f->error.text,
                            "alice: no such user; was alicia's name until 2026-08-01");
        f->held_user = "alice"; /* the host's own now: that is who is asked for */
        must_be(core_user_get(f->core, "alice", false, &user, &f->error), CORE_E_NO_SUCH_USER);
        assert_string_equal(f->error.text, "alice: no such user");
}

/* What sudoers, crontabs and homes still say of the old name must never mean somebody else. */
static void a_name_once_given_is_not_given_to_somebody_else(void **state) {
        static const char held[] = "name: \"alice\": was alicia's name until 2026-08-01";
        UserSpec spec = { .text = { [USER_FIELD_NAME] = "alice" } };
        GroupSpec group = { .name = "alice" };
        Fixture *f = *state;
        uint64_t entries;

        make_user(f, "alice");
        make_user(f, "bob");
        make_group(f, "web");
        update_text(f, "alice", USER_FIELD_NAME, "alicia");
        fixture_flush(f);
        fixture_reopen(f);
        f->now += 400 * DAY;
        entries = last_audit(f);
        must_be(create(f, &spec), CORE_E_NAME_TAKEN);
        assert_string_equal(f->error.text, held);
        must_be(update(f, "bob", &spec), CORE_E_NAME_TAKEN);
        assert_string_equal(f->error.text, held);
        must_be(core_group_create(f->core, &f->root, &group, &f->options, f->now, &f->change,
                                  &f->error),
                CORE_E_NAME_TAKEN);
        assert_string_equal(f->error.text, held);
        must_be(core_group_update(f->core, &f->root, "web", &group, &f->options, f->now, &f->change,
                                  &f->error),
                CORE_E_NAME_TAKEN);
        assert_string_equal(f->error.text, held);
        assert_int_equal(last_audit(f), entries);
}

static void deletion_and_return_keep_former_names(void **state) {
        UserSpec spec = { .text = { [USER_FIELD_NAME] = "alice" } };
        Fixture *f = *state;

        make_user(f, "alice");
        make_user(f, "bob");
        update_text(f, "alice", USER_FIELD_NAME, "alicia");
        step_user(f, "alicia", STATUS_STEP_DELETE);
        must_be(create(f, &spec), CORE_E_NAME_TAKEN);
        assert_string_equal(f->error.text,
                            "name: \"alice\": was alicia's name until 2026-08-01, who is deleted");
        must_be(step(f, "alice", STATUS_STEP_RESTORE, 0), CORE_E_NO_SUCH_USER);
        assert_string_equal(
                f->error.text,
                "alice: no such user; was alicia's name until 2026-08-01, who is deleted");
        step_user(f, "alicia", STATUS_STEP_RESTORE);
        must_be(update(f, "bob", &spec), CORE_E_NAME_TAKEN);
        must(update(f, "alicia", &spec)); /* but he may have it back */
        spec.text[USER_FIELD_NAME] = "alicia";
        must_be(update(f, "bob", &spec), CORE_E_NAME_TAKEN);
        assert_string_equal(f->error.text, "name: \"alicia\": was alice's name until 2026-08-01");
}

static void a_former_name_is_no_login(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0), cron = talk_new(f, 2, 0);

        make_user(f, "alice");
        set_password(f, "alice", "Wonder-land-9");
        assert_int_equal(log_in(&talk, "alice", "Wonder-land-9"), CORE_VERDICT_ALLOW);
        update_text(f, "alice", USER_FIELD_NAME, "alicia");
        assert_int_equal(talk_authorize(&cron, "alice", "cron"), CORE_VERDICT_DENIED);
        assert_string_equal(cron.step.reason, "unknown-user");
        assert_int_equal(log_in(&talk, "alice", "Wonder-land-9"), CORE_VERDICT_BAD_PROOF);
        assert_int_equal(log_in(&talk, "alicia", "Wonder-land-9"), CORE_VERDICT_ALLOW);
}

static void a_home_is_not_the_systems_nor_anothers(void **state) {
        static const struct {
                const char *home, *rule; /* NULL: fine */
        } rows[] = {
                { "/etc", "may not be in /etc, which is the system's" },
                { "/etc/x", "may not be in /etc, which is the system's" },
                { "/root", "may not be in /root, which is the system's" },
                { "/usr/local/x", "may not be in /usr, which is the system's" },
                { "/bin", "may not be in /bin, which is the system's" },
                { "/sbin/x", "may not be in /sbin, which is the system's" },
                { "/lib", "may not be in /lib, which is the system's" },
                { "/lib64/x", "may not be in /lib64, which is the system's" },
                { "/boot/x", "may not be in /boot, which is the system's" },
                { "/dev/shm/x", "may not be in /dev, which is the system's" },
                { "/proc/1", "may not be in /proc, which is the system's" },
                { "/sys", "may not be in /sys, which is the system's" },
                { "/run/um", "may not be in /run, which is the system's" },
                { "/var/run/x", "may not be in /var/run, which is the system's" },
                { "/home", "may not be a folder that is there for all" },
                { "/var", "may not be a folder that is there for all" },
                { "/tmp", "may not be a folder that is there for all" },
                { "/srv", "may not be a folder that is there for all" },
                { "/opt", "may not be a folder that is there for all" },
                { "/home/bob", "is the home of bob in /etc/passwd" },
                { "/home/bobby", NULL },
                { "/etcetera", NULL },
                { "/library/x", NULL },
                { "/rooted", NULL },
                { "/srv/x", NULL },
                { "/opt/x", NULL },
                { "/tmp/x", NULL },
                { "/var/lib/x", NULL },
                { "/nonexistent", NULL },
        };
        Fixture *f = *state;

        make_user(f, "alice");
        f->held_home = "/home/bob";
        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                UserSpec spec = { .text = { [USER_FIELD_HOME] = rows[i].home } };
                char text[200];

                must_be(update(f, "alice", &spec), rows[i].rule ? CORE_E_BAD_VALUE : CORE_DONE);
                snprintf(text, sizeof(text), "home: \"%s\": %s", rows[i].home,
                         rows[i].rule ? rows[i].rule : "");
                if (rows[i].rule)
                        assert_string_equal(f->error.text, text);
        }
}

static void a_default_home_may_be_anothers_too(void **state) {
        UserSpec spec = { .text = { [USER_FIELD_NAME] = "alice" } };
        Fixture *f = *state;

        f->held_home = "/home/alice";
        must_be(create(f, &spec), CORE_E_BAD_VALUE);
        assert_string_equal(f->error.text,
                            "home: \"/home/alice\": is the home of bob in /etc/passwd");
        spec.text[USER_FIELD_HOME] = "/home/alice2";
        must(create(f, &spec));
        spec = (UserSpec){ .text = { [USER_FIELD_TITLE] = "Dr" } };
        f->held_home = "/home/alice2"; /* who has it keeps it */
        must(update(f, "alice", &spec));
}

static void found_by_address_whatever_its_case(void **state) {
        _cleanup_(core_user_freep) CoreUser *user = NULL;
        Fixture *f = *state;

        make_user(f, "alice");
        update_text(f, "alice", USER_FIELD_EMAIL, "alice@acme.example");
        must(core_user_get(f->core, "ALICE@acme.example", false, &user, &f->error));
        assert_string_equal(user->name, "alice");
}

static void states_keep_since_by_and_why(void **state) {
        _cleanup_(core_user_freep) CoreUser *user = NULL;
        Fixture *f = *state;

        make_user(f, "alice");
        f->now += HOUR;
        f->options.reason = "leave";
        must(step(f, "alice", STATUS_STEP_SUSPEND, f->now + DAY));
        must(core_user_get(f->core, "alice", false, &user, &f->error));
        assert_int_equal(user->status, USER_STATUS_SUSPENDED);
        assert_true(user->status_since_usec == f->now);
        assert_true(user->suspended_until_usec == f->now + DAY);
        assert_string_equal(user->status_by, "root");
        assert_string_equal(user->status_reason, "leave");
        must(step(f, "alice", STATUS_STEP_SUSPEND, f->now + DAY)); /* the same again */
        assert_int_equal(f->change.id, 0);
        must_be(step(f, "alice", STATUS_STEP_ENABLE, 0), CORE_E_POLICY_REFUSED);
        assert_string_equal(f->error.text, "alice: is suspended: use resume");
        must_be(step(f, "alice", STATUS_STEP_SUSPEND, f->now), CORE_E_BAD_VALUE);
        must_be(step(f, "alice", STATUS_STEP_RESUME, f->now + 1), CORE_E_BAD_VALUE);
        must(step(f, "alice", STATUS_STEP_RESUME, 0));
}

static void a_suspension_that_is_over_reads_as_active(void **state) {
        Fixture *f = *state;

        make_user(f, "alice");
        must(step(f, "alice", STATUS_STEP_SUSPEND, f->now + DAY));
        f->now += DAY - 1;
        core_tick(f->core, f->now);
        assert_int_equal(status_of(f, "alice"), USER_STATUS_SUSPENDED);
        f->now += 1;
        core_tick(f->core, f->now);
        assert_int_equal(status_of(f, "alice"), USER_STATUS_ACTIVE);
        must_be(step(f, "alice", STATUS_STEP_RESUME, 0), CORE_E_POLICY_REFUSED);
        assert_string_equal(f->error.text, "alice: is active already");
}

static void a_deleted_user_is_gone_and_can_come_back(void **state) {
        _cleanup_(core_user_freep) CoreUser *user = NULL;
        UserSpec spec = { .text = { [USER_FIELD_NAME] = "bob" } };
        Fixture *f = *state;
        uid_t uid = make_user(f, "bob");

        make_group(f, "web");
        make_group(f, "all");
        add_user(f, "web", "bob");
        add_group(f, "all", "web");
        set_password(f, "bob", "secret");
        update_text(f, "bob", USER_FIELD_EMAIL, "bob@acme.example");
        fixture_flush(f);
        step_user(f, "bob", STATUS_STEP_DELETE);
        fixture_flush(f);
        assert_string_equal(f->news, "removed user bob\nchanged group web\nchanged group all\n");
        must_be(core_user_get(f->core, "bob", false, &user, &f->error), CORE_E_NO_SUCH_USER);
        must_be(core_user_get_by_uid(f->core, uid, &user, &f->error), CORE_E_NO_SUCH_USER);
        assert_string_equal(effective_of(f, "all"), "");
        must_be(create(f, &spec), CORE_E_NAME_TAKEN);
        assert_string_equal(f->error.text,
                            "name: \"bob\": is a deleted user's; umctl user restore bob");
        spec = (UserSpec){ .text = { [USER_FIELD_NAME] = "x" }, .has_uid = true, .uid = uid };
        must_be(create(f, &spec), CORE_E_UID_TAKEN);
        assert_string_equal(f->error.text,
                            "uid: 65536: is a deleted user's; umctl user restore bob");
        step_user(f, "bob", STATUS_STEP_RESTORE);
        fixture_flush(f);
        assert_string_equal(f->news, "added user bob\nchanged group web\nchanged group all\n");
        must(core_user_get(f->core, "bob", false, &user, &f->error));
        assert_int_equal(user->uid, uid);
        assert_int_equal(user->status, USER_STATUS_INACTIVE);
        assert_true(user->has_password);
        assert_int_equal(user->role_count, 1);
        assert_string_equal(groups_of(f, "bob"), "all,web");
}

static void a_name_taken_meanwhile_cannot_be_restored(void **state) {
        Fixture *f = *state;

        make_user(f, "bob");
        step_user(f, "bob", STATUS_STEP_DELETE);
        f->held_user = "bob";
        must_be(step(f, "bob", STATUS_STEP_RESTORE, 0), CORE_E_NAME_TAKEN);
        f->held_user = NULL;
        f->held_group = "bob";
        must_be(step(f, "bob", STATUS_STEP_RESTORE, 0), CORE_E_NAME_TAKEN);
        assert_string_equal(f->error.text, "name: \"bob\": is held by /etc/group");
}

static void a_lock_has_its_reason(void **state) {
        _cleanup_(core_user_freep) CoreUser *user = NULL;
        Fixture *f = *state;

        make_user(f, "alice");
        f->options.reason = "lost laptop";
        must(core_user_lock(f->core, &f->root, "alice", true, &f->options, f->now, &f->change,
                            &f->error));
        assert_true(f->change.id > 0);
        must(core_user_get(f->core, "alice", false, &user, &f->error));
        assert_true(user->locked);
        assert_string_equal(user->locked_by, "root");
        assert_string_equal(user->locked_reason, "lost laptop");
        f->options.reason = "bad\nreason";
        must_be(core_user_lock(f->core, &f->root, "alice", false, &f->options, f->now, &f->change,
                               &f->error),
                CORE_E_BAD_VALUE);
        assert_string_equal(f->error.text,
                            "reason: \"bad\\x0areason\": may not have control characters");
}

static void a_dry_run_leaves_nothing(void **state) {
        UserSpec spec = { .text = { [USER_FIELD_NAME] = "carol" } };
        Fixture *f = *state;
        CoreStatus before, after;

        make_user(f, "alice");
        make_group(f, "web");
        fixture_flush(f);
        must(core_status(f->core, &before));
        f->options.dry_run = true;
        must(create(f, &spec));
        assert_int_equal(f->change.id, 0);
        must(step(f, "alice", STATUS_STEP_DELETE, 0));
        add_user(f, "web", "alice");
        set_password(f, "alice", "secret");
        must_be(create(f, &(UserSpec){ .text = { [USER_FIELD_NAME] = "alice" } }),
                CORE_E_NAME_TAKEN);
        fixture_flush(f);
        must(core_status(f->core, &after));
        assert_int_equal(before.users, after.users);
        assert_int_equal(before.groups, after.groups);
        assert_int_equal(before.audit_entries, after.audit_entries);
        assert_int_equal(before.store_used_bytes, after.store_used_bytes);
        assert_string_equal(f->news, "");
        f->options.dry_run = false;
        assert_int_equal(make_user(f, "carol"), FIRST + 2);
        assert_string_equal(groups_of(f, "alice"), "");
}

static void news_are_told_once_each_and_in_order(void **state) {
        Fixture *f = *state;

        make_user(f, "alice");
        make_user(f, "bob");
        update_text(f, "alice", USER_FIELD_TITLE, "boss");
        step_user(f, "bob", STATUS_STEP_DELETE);
        make_user(f, "carol");
        fixture_flush(f);
        assert_string_equal(f->news, "added user alice\nadded user carol\n");
        update_text(f, "alice", USER_FIELD_NAME, "b1");
        update_text(f, "b1", USER_FIELD_NAME, "b2");
        step_user(f, "carol", STATUS_STEP_DELETE);
        step_user(f, "carol", STATUS_STEP_RESTORE);
        step_user(f, "bob", STATUS_STEP_RESTORE);
        fixture_flush(f);
        assert_string_equal(f->news,
                            "changed user b2 was alice\nchanged user carol\nadded user bob\n");
        fixture_flush(f);
        assert_string_equal(f->news, "");
        assert_int_equal(f->flushes, 2);
}

static void fields_have_names_and_some_are_ones_own(void **state) {
        for (UserField i = 0; i < _USER_FIELD_TEXT_MAX; i++)
                assert_non_null(core_user_field_name(i));
        assert_string_equal(core_user_field_name(USER_FIELD_TIME_ZONE), "time_zone");
        assert_null(core_user_field_name(_USER_FIELD_TEXT_MAX));
        assert_true(core_user_field_self_editable(USER_FIELD_PHONE));
        assert_false(core_user_field_self_editable(USER_FIELD_NAME));
        assert_false(core_user_field_self_editable(USER_FIELD_SHELL));
        assert_false(core_user_field_self_editable(_USER_FIELD_TEXT_MAX));
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                STORY(a_new_user_has_what_the_settings_say),
                STORY(bad_specs_are_refused_whole),
                STORY(an_id_held_outside_is_passed_over),
                STORY(a_range_that_is_used_up_says_so),
                STORY(a_range_made_lower_than_what_was_given_says_so),
                STORY(notices_go_some_way),
                STORY(an_edit_changes_only_what_it_names),
                STORY(changing_nothing_is_no_change),
                STORY(of_two_writers_the_second_gets_a_conflict),
                STORY(an_edit_cannot_move_ids),
                STORY(a_renamed_user_keeps_his_groups_and_home),
                STORY(a_name_once_given_is_not_given_to_somebody_else),
                STORY(deletion_and_return_keep_former_names),
                STORY(a_former_name_is_no_login),
                STORY(a_home_is_not_the_systems_nor_anothers),
                STORY(a_default_home_may_be_anothers_too),
                STORY(found_by_address_whatever_its_case),
                STORY(states_keep_since_by_and_why),
                STORY(a_suspension_that_is_over_reads_as_active),
                STORY(a_deleted_user_is_gone_and_can_come_back),
                STORY(a_name_taken_meanwhile_cannot_be_restored),
                STORY(a_lock_has_its_reason),
                STORY(a_dry_run_leaves_nothing),
                STORY(news_are_told_once_each_and_in_order),
                STORY(fields_have_names_and_some_are_ones_own),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
