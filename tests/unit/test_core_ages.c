/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Passwords that get old: who is told, who has to change his, who is refused, and what is counted.
 */

#include "tests/unit/core_fixture.h"

#include "umd/core/login.h"

/* Passwords that are over after ten days, three logins left then. */
static void setup_alice(Fixture *f) {
        make_user(f, "alice");
        set_password(f, "alice", "old one");
        policy_put(f, "password.max-age", "10d", NULL);
        policy_put(f, "password.warn", "0", NULL);
        fixture_flush(f);
}

static uint32_t left(Fixture *f, const char *name) {
        _cleanup_(core_user_freep) CoreUser *user = NULL;

        must(core_user_get(f->core, name, false, &user, &f->error));
        return user->password_grace_left;
}

static uint64_t expires(Fixture *f, const char *name) {
        _cleanup_(core_user_freep) CoreUser *user = NULL;

        must(core_user_get(f->core, name, false, &user, &f->error));
        return user->password_expires_usec;
}

/* A login by password, or by a key; PAM's account as it answered. */
static CoreVerdict by_password(Fixture *f, Talk *talk, const char *service) {
        *talk = talk_new(f, 1, 0);
        assert_int_equal(log_in(talk, "alice", "old one"), CORE_VERDICT_ALLOW);
        return talk_authorize(talk, "alice", service);
}

static CoreVerdict by_key(Fixture *f, Talk *talk, const char *service) {
        *talk = talk_new(f, 1, 0);
        return talk_authorize(talk, "alice", service);
}

static void change(Talk *talk, uint32_t flags, const char *current, const char *fresh) {
        talk_begin(talk, "change-password", "alice", "passwd", flags);
        must(talk->r);
        if (strcmp(talk->step.secret, "password") == 0)
                talk_answer(talk, current);
        assert_string_equal(talk->step.secret, "new-password");
        talk_answer(talk, fresh);
        talk_answer(talk, fresh);
        assert_int_equal(talk->step.kind, CORE_STEP_DONE);
        assert_int_equal(talk->step.verdict, CORE_VERDICT_ALLOW);
}

static void whoever_logs_in_is_warned_of_the_date(void **state) {
        Fixture *f = *state;
        Talk talk;

        setup_alice(f);
        policy_put(f, "password.warn", "3d", NULL);
        f->now += 7 * DAY - 1;
        assert_int_equal(by_password(f, &talk, "sshd"), CORE_VERDICT_ALLOW);
        assert_string_equal(talk.step.text, "");
        f->now += 1;
        assert_int_equal(by_password(f, &talk, "sshd"), CORE_VERDICT_ALLOW);
        assert_string_equal(
                talk.step.text,
                "Your password expires on 2026-08-11T09:00:00Z. Change it with passwd.");
        assert_int_equal(by_key(f, &talk, "sshd"), CORE_VERDICT_ALLOW);
        assert_memory_equal(talk.step.text, "Your password expires on 2026", 29);
        assert_int_equal(talk_open(&talk, "alice", "sshd"), CORE_VERDICT_ALLOW);
        assert_string_equal(talk.step.text, ""); /* once a login */
        assert_int_equal(by_key(f, &talk, "cron"), CORE_VERDICT_ALLOW);
        assert_string_equal(talk.step.text, "");
        assert_int_equal(by_password(f, &talk, "sshd"), CORE_VERDICT_ALLOW);
        assert_int_equal(left(f, "alice"), 3);
}

static void after_its_age_it_is_changed_in_the_login(void **state) {
        Fixture *f = *state;
        Talk talk;

        setup_alice(f);
        f->now += 10 * DAY;
        assert_int_equal(by_password(f, &talk, "sshd"), CORE_VERDICT_RENEW);
        assert_string_equal(talk.step.reason, "password-expired");
        assert_string_equal(talk.step.text,
                            "Your password has expired and must be changed. It expired on "
                            "2026-08-11T09:00:00Z: 2 more logins may change it.");
        assert_string_equal(audit_line(f, 0), "authorize allow password-expired user/alice");
        assert_int_equal(left(f, "alice"), 2);
        assert_int_equal(talk_open(&talk, "alice", "sshd"), CORE_VERDICT_ALLOW);
        assert_int_equal(left(f, "alice"), 2); /* one login is one */
        change(&talk, LOGIN_FLAG_EXPIRED, "old one", "new one");
        assert_int_equal(left(f, "alice"), 3);
        assert_true(expires(f, "alice") == f->now + 10 * DAY);
        talk_begin(&talk, "change-password", "alice", "passwd", LOGIN_FLAG_EXPIRED);
        assert_int_equal(talk.step.verdict, CORE_VERDICT_ALLOW); /* nothing is due any more */
        assert_int_equal(log_in(&talk, "alice", "new one"), CORE_VERDICT_ALLOW);
        assert_int_equal(talk_authorize(&talk, "alice", "sshd"), CORE_VERDICT_ALLOW);
}

static void once_no_login_is_left_it_is_refused(void **state) {
        static const char why[] = "Access refused: your password expired on 2026-08-11T09:00:00Z "
                                  "and no login is left to change it: change it where you are "
                                  "still logged in, or ask an administrator for a new one. "
                                  "Reference um-";
        Fixture *f = *state;
        Talk talk;

        setup_alice(f);
        f->now += 10 * DAY;
        for (uint32_t i = 0; i < 3; i++) {
                assert_int_equal(left(f, "alice"), 3 - i);
                assert_int_equal(by_password(f, &talk, "sshd"), CORE_VERDICT_RENEW);
        }
        assert_non_null(strstr(talk.step.text, ": this is the last login that may change it."));
        for (int i = 0; i < 2; i++) {
                assert_int_equal(by_password(f, &talk, "sshd"), CORE_VERDICT_DENIED);
                assert_string_equal(talk.step.reason, "password-grace-used");
                assert_memory_equal(talk.step.text, why, strlen(why));
                assert_string_equal(audit_line(f, 0),
                                    "authorize deny password-grace-used user/alice");
                fixture_flush(f);
                fixture_reopen(f); /* it is kept */
        }
        assert_int_equal(by_key(f, &talk, "sshd"), CORE_VERDICT_DENIED);
        assert_string_equal(talk.step.reason, "password-grace-used");
        assert_int_equal(left(f, "alice"), 0);
        policy_put(f, "password.grace-logins", "4", "alice"); /* an admin's other way */
        assert_int_equal(by_password(f, &talk, "sshd"), CORE_VERDICT_RENEW);
        assert_int_equal(by_password(f, &talk, "sshd"), CORE_VERDICT_DENIED);
}

static void a_key_is_told_and_let_in_as_often(void **state) {
        static const char *const texts[] = { "2 more logins may go without.",
                                             "1 more login may go without.",
                                             "this is the last login that may go without." };
        char text[256];
        Fixture *f = *state;
        Talk talk;

        setup_alice(f);
        f->now += 10 * DAY;
        for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
                assert_int_equal(by_key(f, &talk, "sshd"), CORE_VERDICT_ALLOW);
                snprintf(text, sizeof(text),
                         "Your password expired on 2026-08-11T09:00:00Z. Change it with passwd: %s",
                         texts[i]);
                assert_string_equal(talk.step.text, text);
                assert_int_equal(talk_open(&talk, "alice", "sshd"), CORE_VERDICT_ALLOW);
        }
        assert_int_equal(by_key(f, &talk, "sshd"), CORE_VERDICT_DENIED);
        assert_int_equal(by_password(f, &talk, "sshd"), CORE_VERDICT_DENIED);
        assert_int_equal(talk_open(&talk, "alice", "sshd"),
                         CORE_VERDICT_ALLOW); /* account's word */
        make_user(f, "keyed");                /* who has no password */
        talk = talk_new(f, 1, 0);
        for (int i = 0; i < 5; i++)
                assert_int_equal(talk_authorize(&talk, "keyed", "sshd"), CORE_VERDICT_ALLOW);
}

static void what_is_no_login_uses_none_up(void **state) {
        static const struct {
                const char *service;
                bool key;
                CoreVerdict verdict;
        } rows[] = {
                { "cron", true, CORE_VERDICT_ALLOW },
                { "systemd-user", true, CORE_VERDICT_ALLOW },
                { "atd", true, CORE_VERDICT_ALLOW },
                { "su", true, CORE_VERDICT_ALLOW }, /* root's */
                { "runuser", true, CORE_VERDICT_ALLOW },
                { "sudo", true, CORE_VERDICT_RENEW }, /* his ticket */
        };
        Fixture *f = *state;
        Talk talk;

        setup_alice(f);
        f->now += 10 * DAY;
        policy_put(f, "password.grace-logins", "1", NULL);
        for (int pass = 0; pass < 2; pass++) {
                for (size_t i = 0; i < ARRAY_LENGTH(rows); i++)
                        assert_int_equal(by_key(f, &talk, rows[i].service), rows[i].verdict);
                assert_int_equal(left(f, "alice"), 1 - pass);
                assert_int_equal(by_key(f, &talk, "sshd"),
                                 pass == 0 ? CORE_VERDICT_ALLOW : CORE_VERDICT_DENIED);
        }
}

/* A program of his own (a screen's lock) decides nothing, and one that is to harm him counts
 * nothing. */
static void programs_without_root_count_none(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, FIRST);

        setup_alice(f);
        f->now += 10 * DAY;
        for (int i = 0; i < 5; i++) {
                assert_int_equal(log_in(&talk, "alice", "old one"), CORE_VERDICT_ALLOW);
                assert_int_equal(talk_authorize(&talk, "alice", "sshd"), CORE_VERDICT_ALLOW);
                assert_string_equal(talk.step.text, "");
        }
        assert_int_equal(left(f, "alice"), 3);
}

static void use_up(Fixture *f) {
        Talk talk;

        f->now += 10 * DAY;
        while (by_key(f, &talk, "sshd") == CORE_VERDICT_ALLOW)
                ;
        assert_int_equal(left(f, "alice"), 0);
}

static void in_a_session_that_is_open_it_can_still_be_changed(void **state) {
        Fixture *f = *state;
        Talk talk;

        setup_alice(f);
        use_up(f);
        talk = talk_new(f, 1, FIRST);
        change(&talk, 0, "old one", "new one");
        assert_int_equal(left(f, "alice"), 3);
        assert_int_equal(by_key(f, &talk, "sshd"), CORE_VERDICT_ALLOW);
        assert_string_equal(talk.step.text, /* and nothing of an age */
                            "2026-08-11T09:00:00Z: your password was changed by you (passwd).\n"
                            "Was it not you? Tell your administrator.");
}

static void sudo_leads_into_the_change_however_many_are_left(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0);

        setup_alice(f);
        use_up(f);
        talk.rhost = "";
        talk.ruser = "alice";
        talk_begin(&talk, "authenticate", "alice", "sudo", 0);
        talk_answer(&talk, "old one");
        assert_int_equal(talk.step.verdict, CORE_VERDICT_ALLOW);
        assert_int_equal(talk_authorize(&talk, "alice", "sudo"), CORE_VERDICT_RENEW);
        assert_string_equal(talk.step.text, "Your password has expired and must be changed.");
        change(&talk, LOGIN_FLAG_EXPIRED, "old one", "new one");
        assert_int_equal(left(f, "alice"), 3);
}

static void an_admin_helps_with_a_new_one_or_a_code(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0);

        setup_alice(f);
        use_up(f);
        set_password(f, "alice", "by root");
        assert_int_equal(log_in(&talk, "alice", "by root"), CORE_VERDICT_ALLOW);
        assert_int_equal(talk_authorize(&talk, "alice", "sshd"), CORE_VERDICT_ALLOW);
        use_up(f);
        make_code(f, "alice");
        talk = talk_new(f, 1, 0);
        assert_int_equal(log_in(&talk, "alice", f->code), CORE_VERDICT_ALLOW);
        assert_int_equal(talk_authorize(&talk, "alice", "sshd"), CORE_VERDICT_RENEW);
        assert_string_equal(talk.step.reason, "must-change");
        change(&talk, LOGIN_FLAG_EXPIRED, "", "chosen");
        assert_int_equal(log_in(&talk, "alice", "chosen"), CORE_VERDICT_ALLOW);
        assert_int_equal(talk_authorize(&talk, "alice", "sshd"), CORE_VERDICT_ALLOW);
}

static void a_value_counts_for_passwords_that_are_there(void **state) {
        Fixture *f = *state;
        Talk talk;

        setup_alice(f);
        assert_true(expires(f, "alice") == NOW + 10 * DAY);
        f->now += 5 * DAY;
        assert_int_equal(by_password(f, &talk, "sshd"), CORE_VERDICT_ALLOW);
        policy_put(f, "password.max-age", "4d", "alice");
        assert_int_equal(by_password(f, &talk, "sshd"), CORE_VERDICT_RENEW);
        policy_put(f, "password.max-age", "never", "alice");
        assert_int_equal(by_password(f, &talk, "sshd"), CORE_VERDICT_ALLOW);
        assert_true(expires(f, "alice") == USEC_INFINITY);
}

/* What is due may be changed however young it is. */
static void an_expired_one_is_never_too_young(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, FIRST);

        setup_alice(f);
        policy_put(f, "password.min-age", "300d", NULL);
        talk_begin(&talk, "change-password", "alice", "passwd", 0);
        talk_answer(&talk, "old one");
        assert_int_equal(talk.step.verdict, CORE_VERDICT_CHANGE_FAILED);
        assert_string_equal(talk.step.text,
                            "The password may be changed again from 2027-05-28T09:00:00Z.");
        f->now += 10 * DAY;
        change(&talk, 0, "old one", "new one");
}

/* An admin's mistake, or a clock's, that was put right. */
static void logins_come_back_where_it_has_not_expired_after_all(void **state) {
        Fixture *f = *state;
        Talk talk;

        setup_alice(f);
        use_up(f);
        assert_int_equal(by_key(f, &talk, "sshd"), CORE_VERDICT_DENIED);
        policy_put(f, "password.max-age", "30d", NULL);
        assert_int_equal(left(f, "alice"), 3);
        assert_int_equal(by_key(f, &talk, "cron"), CORE_VERDICT_ALLOW);
        assert_int_equal(by_key(f, &talk, "sshd"), CORE_VERDICT_ALLOW);
        policy_put(f, "password.max-age", "10d", NULL);
        assert_int_equal(left(f, "alice"), 3);
        assert_int_equal(by_key(f, &talk, "sshd"), CORE_VERDICT_ALLOW);
        assert_int_equal(left(f, "alice"), 2);
}

/* Not written is not counted: the login is lost with it. */
static void a_login_that_is_lost_is_not_counted(void **state) {
        Fixture *f = *state;
        Talk talk;

        setup_alice(f);
        f->now += 10 * DAY;
        assert_int_equal(by_key(f, &talk, "sshd"), CORE_VERDICT_ALLOW);
        assert_true(core_has_unflushed(f->core)); /* the verdict waits for it */
        fixture_flush(f);
        fixture_reopen(f);
        assert_int_equal(left(f, "alice"), 2);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                STORY(whoever_logs_in_is_warned_of_the_date),
                STORY(after_its_age_it_is_changed_in_the_login),
                STORY(once_no_login_is_left_it_is_refused),
                STORY(a_key_is_told_and_let_in_as_often),
                STORY(what_is_no_login_uses_none_up),
                STORY(programs_without_root_count_none),
                STORY(in_a_session_that_is_open_it_can_still_be_changed),
                STORY(sudo_leads_into_the_change_however_many_are_left),
                STORY(an_admin_helps_with_a_new_one_or_a_code),
                STORY(a_value_counts_for_passwords_that_are_there),
                STORY(an_expired_one_is_never_too_young),
                STORY(logins_come_back_where_it_has_not_expired_after_all),
                STORY(a_login_that_is_lost_is_not_counted),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
