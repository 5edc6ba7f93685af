/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lockout (SECURITY 37, 40, 142): what is charged, what locks whom, and what is seen of it. */

#include "tests/unit/lockout_fixture.h"

/* ---- a lock ------------------------------------------------------------------------------- */

static void five_wrong_ones_lock_and_the_right_one_does_not_help(void **state) {
        _cleanup_(core_user_freep) CoreUser *user = NULL;
        Fixture *f = *state;

        setup_alice(f);
        guess(f, "alice", AFAR, "", 5);
        assert_int_equal(f->verified, 5);
        assert_int_equal(f->lockouts, 1);
        assert_string_equal(f->lockout, "alice: other networks: 5: 203.0.113.9 sshd");
        assert_string_equal(audit_line(f, 0), "lockout deny lockout user/alice");
        assert_int_equal(try(f, "alice", AFAR, "", RIGHT), CORE_VERDICT_BAD_PROOF);
        assert_string_equal(audit_line(f, 0), "authenticate deny lockout user/alice");
        assert_int_equal(f->verified, 5); /* the vault was not even asked */
        assert_int_equal(f->spent, 1);
        assert_int_equal(f->lockouts, 1);
        user = shown(f, "alice");
        assert_true(user->locked_out);
        assert_int_equal(user->failures, 5);
        assert_string_equal(user->locked_out_from, "other networks");
        assert_string_equal(user->last_failure_source, AFAR);
        assert_string_equal(user->last_failure_service, "sshd");
        assert_true(user->locked_out_until_usec == f->lockout_until);
}

static void a_lock_ends_by_itself(void **state) {
        Fixture *f = *state;

        setup_alice(f);
        guess(f, "alice", AFAR, "", 5);
        fixture_pass(f, f->lockout_until - f->now - 1);
        assert_int_equal(try(f, "alice", AFAR, "", RIGHT), CORE_VERDICT_BAD_PROOF);
        fixture_pass(f, 5 * USEC_PER_SEC);
        assert_int_equal(try(f, "alice", AFAR, "", RIGHT), CORE_VERDICT_ALLOW);
}

static void a_success_clears_where_it_comes_from(void **state) {
        Fixture *f = *state;

        setup_alice(f);
        for (int i = 0; i < 4; i++) {
                guess(f, "alice", AFAR, "", 4);
                assert_int_equal(try(f, "alice", AFAR, "", RIGHT), CORE_VERDICT_ALLOW);
        }
        guess(f, "alice", "", "", 4);
        guess(f, "alice", AFAR, "", 1);
        assert_int_equal(try(f, "alice", AFAR, "", RIGHT), CORE_VERDICT_ALLOW);
        guess(f, "alice", "", "", 1); /* the console's four were not forgotten */
        assert_int_equal(try(f, "alice", "", "", RIGHT), CORE_VERDICT_BAD_PROOF);
}

/* SECURITY 40: what proves nothing clears nothing. */
static void account_and_sessions_clear_nothing(void **state) {
        Fixture *f = *state;
        Talk key = talk_new(f, 3, 0);
        CoreStep step;

        setup_alice(f);
        guess(f, "alice", "192.0.2.7", "", 4);
        assert_int_equal(by_key(f, "alice", "cron", "", "", &step), CORE_VERDICT_ALLOW);
        assert_int_equal(by_key(f, "alice", "sshd", "192.0.2.7", "", &step), CORE_VERDICT_ALLOW);
        assert_int_equal(by_key(f, "alice", "su", "", "root", &step), CORE_VERDICT_ALLOW);
        guess(f, "alice", "192.0.2.7", "", 1);
        assert_int_equal(by_key(f, "alice", "sshd", "192.0.2.7", "", &step), CORE_VERDICT_DENIED);
        assert_string_equal(step.reason, "lockout");
        assert_int_equal(talk_open(&key, "alice", "sshd"), CORE_VERDICT_DENIED);
}

static void an_unlock_says_why_and_forgets(void **state) {
        _cleanup_(core_user_freep) CoreUser *user = NULL;
        Fixture *f = *state;

        setup_alice(f);
        guess(f, "alice", AFAR, "", 5);
        must(core_user_lock(f->core, &f->root, "alice", false, &f->options, f->now, &f->change,
                            &f->error));
        assert_true(f->change.id > 0);
        assert_string_equal(audit_line(f, 0), "user.unlock done  user/alice");
        user = shown(f, "alice");
        assert_false(user->locked_out);
        assert_int_equal(user->failures, 0);
        assert_int_equal(try(f, "alice", AFAR, "", RIGHT), CORE_VERDICT_ALLOW);
        must(core_user_lock(f->core, &f->root, "alice", false, &f->options, f->now, &f->change,
                            &f->error));
        assert_true(f->change.id == 0);
}

static void policy_values_decide(void **state) {
        Fixture *f = *state;

        setup_alice(f);
        make_user(f, "bob");
        set_policy(f, "alice", "lockout.attempts", "2");
        set_policy(f, "alice", "lockout.duration", "manual");
        guess(f, "alice", AFAR, "", 2);
        assert_int_equal(f->lockouts, 1);
        assert_true(f->lockout_until == USEC_INFINITY);
        fixture_pass(f, 400 * DAY);
        assert_int_equal(try(f, "alice", AFAR, "", RIGHT), CORE_VERDICT_BAD_PROOF);
        guess(f, "bob", AFAR, "", 4);
        assert_int_equal(f->lockouts, 1);
}

static void an_admins_lock_spares_nobody(void **state) {
        Fixture *f = *state;

        setup_alice(f);
        assert_int_equal(try(f, "alice", HOME, "", RIGHT), CORE_VERDICT_ALLOW);
        must(core_user_lock(f->core, &f->root, "alice", true, &f->options, f->now, &f->change,
                            &f->error));
        assert_int_equal(try(f, "alice", HOME, "", RIGHT), CORE_VERDICT_BAD_PROOF);
        assert_int_equal(try(f, "alice", "", "", RIGHT), CORE_VERDICT_BAD_PROOF);
        assert_string_equal(audit_line(f, 0), "authenticate deny locked user/alice");
}

/* ---- places (SECURITY I6, 37) ------------------------------------------------------------- */

static void strangers_do_not_keep_the_owner_out(void **state) {
        static const char *const attackers[] = { AFAR, "198.51.100.1", "2001:db8:1::1" };
        Fixture *f = *state;
        CoreStep step;

        setup_alice(f);
        assert_int_equal(try(f, "alice", HOME, "", RIGHT), CORE_VERDICT_ALLOW);
        for (int i = 0; i < 62; i++) { /* an hour of it */
                guess(f, "alice", attackers[i % 3], "", 1);
                fixture_pass(f, MINUTE);
        }
        assert_int_equal(try(f, "alice", "192.0.2.200", "", RIGHT), CORE_VERDICT_BAD_PROOF);
        assert_int_equal(try(f, "alice", HOME, "", RIGHT), CORE_VERDICT_ALLOW);
        assert_int_equal(try(f, "alice", "", "", RIGHT), CORE_VERDICT_ALLOW);
        assert_int_equal(try(f, "alice", "", "alice", RIGHT), CORE_VERDICT_ALLOW);
        assert_int_equal(try(f, "alice", "", "bob", RIGHT), CORE_VERDICT_ALLOW);
        /* keys likewise, and what runs without a person */
        assert_int_equal(by_key(f, "alice", "sshd", AFAR, "", &step), CORE_VERDICT_DENIED);
        assert_string_equal(step.reason, "lockout");
        assert_ptr_equal(strstr(step.text, "Access refused: account locked until 2026-08-01T"),
                         step.text);
        assert_int_equal(by_key(f, "alice", "sshd", HOME, "", &step), CORE_VERDICT_ALLOW);
        assert_int_equal(by_key(f, "alice", "cron", "", "", &step), CORE_VERDICT_ALLOW);
}

static void each_place_locks_by_itself(void **state) {
        static const struct {
                const char *rhost, *ruser, *word;
        } places[] = {
                { AFAR, "", "other networks" },
                { "", "", "the console" },
                { "", "alice", "his own sessions" },
                { "", "bob", "other users here" },
                { HOME, "", "a network he is known from" },
        };
        Fixture *f = *state;

        setup_alice(f);
        assert_int_equal(try(f, "alice", HOME, "", RIGHT), CORE_VERDICT_ALLOW);
        for (size_t i = 0; i < ARRAY_LENGTH(places); i++) {
                guess(f, "alice", places[i].rhost, places[i].ruser, 5);
                assert_int_equal(f->lockouts, i + 1);
                assert_non_null(strstr(f->lockout, places[i].word));
                for (size_t k = i + 1; k < ARRAY_LENGTH(places); k++)
                        assert_int_equal(try(f, "alice", places[k].rhost, places[k].ruser, RIGHT),
                                         CORE_VERDICT_ALLOW);
                assert_int_equal(try(f, "alice", places[i].rhost, places[i].ruser, RIGHT),
                                 CORE_VERDICT_BAD_PROOF);
        }
}

static void known_networks_are_not_spared_where_policy_says_so(void **state) {
        Fixture *f = *state;

        setup_alice(f);
        assert_int_equal(try(f, "alice", HOME, "", RIGHT), CORE_VERDICT_ALLOW);
        set_policy(f, NULL, "lockout.spare-known", "off");
        guess(f, "alice", AFAR, "", 5);
        assert_int_equal(try(f, "alice", HOME, "", RIGHT), CORE_VERDICT_BAD_PROOF);
}

static void a_peer_that_is_not_root_speaks_for_himself_alone(void **state) {
        Fixture *f = *state;
        CoreUser *user;
        uid_t uid;

        setup_alice(f);
        user = shown(f, "alice");
        uid = user->uid;
        core_user_free(user);
        for (int i = 0; i < 40; i++) { /* as if from home, or from the whole world */
                Talk talk = talk_new(f, 5, uid);

                talk.rhost = HOME;
                log_in(&talk, "alice", "wrong");
        }
        assert_string_equal(f->lockout, "alice: his own sessions: 5:  sshd");
        assert_int_equal(try(f, "alice", HOME, "", RIGHT), CORE_VERDICT_ALLOW);
        assert_int_equal(try(f, "alice", "", "", RIGHT), CORE_VERDICT_ALLOW);
}

/* ---- what is seen (SECURITY 142) ---------------------------------------------------------- */

static void nobodys_name_meets_the_same_steps_and_delays(void **state) {
        Fixture *f = *state;
        Talk alice = talk_new(f, 1, 0), nobody = talk_new(f, 2, 0);

        setup_alice(f);
        f->answers_wait = true;
        alice.rhost = nobody.rhost = AFAR;
        for (int i = 0; i < 9; i++) {
                uint64_t due[2];

                log_in_late(&alice, "alice", i == 8 ? RIGHT : "wrong", &due[0]);
                log_in_late(&nobody, "nobody", "wrong", &due[1]);
                assert_true(due[0] == due[1]);
                assert_string_equal(alice.record, nobody.record);
                fixture_pass(f, 5 * USEC_PER_SEC);
        }
        assert_int_equal(f->lockouts, 1);
        assert_int_equal(alice.step.verdict, CORE_VERDICT_BAD_PROOF);
}

static void answers_come_later_and_later(void **state) {
        static const uint64_t seconds[] = { 0, 0, 1, 2, 4, 4, 4 };
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0);
        uint64_t due;

        setup_alice(f);
        f->answers_wait = true;
        for (size_t i = 0; i < ARRAY_LENGTH(seconds); i++) {
                log_in_late(&talk, "alice", "wrong", &due);
                assert_true(due == seconds[i] * USEC_PER_SEC);
        }
        must(core_user_lock(f->core, &f->root, "alice", false, &f->options, f->now, &f->change,
                            &f->error));
        log_in_late(&talk, "alice", "wrong", &due);
        assert_true(due == 0);
}

static void the_user_is_told_once_what_failed(void **state) {
        _cleanup_(core_user_freep) CoreUser *user = NULL;
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0);

        setup_alice(f);
        guess(f, "alice", AFAR, "", 2);
        guess(f, "alice", "", "bob", 1);
        talk.rhost = HOME;
        assert_int_equal(log_in(&talk, "alice", RIGHT), CORE_VERDICT_ALLOW);
        assert_string_equal(talk.step.text, "3 failed logins since 2026-08-01T09:00:00Z, last from "
                                            "this machine (sshd).");
        assert_int_equal(log_in(&talk, "alice", RIGHT), CORE_VERDICT_ALLOW);
        assert_string_equal(talk.step.text, "");
        user = shown(f, "alice");            /* the admin still sees it */
        assert_int_equal(user->failures, 1); /* those of bob at su: the others were cleared */
        assert_string_equal(user->last_failure_source, "");
        assert_string_equal(user->last_failure_service, "sshd");
        assert_true(user->last_failure_usec == NOW);
}

/* ---- the current password of a change ----------------------------------------------------- */

static CoreVerdict change(Fixture *f, const char *current) {
        Talk talk = talk_new(f, 4, 0);

        talk.rhost = "";
        talk.ruser = "alice";
        talk_begin(&talk, "change-password", "alice", "passwd", 4);
        assert_string_equal(talk.step.text, "Current password: ");
        talk_answer(&talk, current);
        return talk.step.kind == CORE_STEP_DONE ? talk.step.verdict : CORE_VERDICT_INVALID;
}

static void guesses_at_the_current_password_count(void **state) {
        Fixture *f = *state;

        setup_alice(f);
        for (int i = 0; i < 4; i++)
                assert_int_equal(change(f, "wrong"), CORE_VERDICT_BAD_PROOF);
        assert_int_equal(change(f, RIGHT), CORE_VERDICT_INVALID); /* asked for the new one */
        for (int i = 0; i < 5; i++)
                assert_int_equal(change(f, "wrong"), CORE_VERDICT_BAD_PROOF);
        assert_int_equal(change(f, RIGHT), CORE_VERDICT_BAD_PROOF);
        assert_string_equal(audit_line(f, 0), "change-password deny lockout user/alice");
        assert_int_equal(try(f, "alice", "", "alice", RIGHT), CORE_VERDICT_BAD_PROOF); /* sudo */
        assert_int_equal(try(f, "alice", "", "", RIGHT), CORE_VERDICT_ALLOW);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(five_wrong_ones_lock_and_the_right_one_does_not_help),
                TEST(a_lock_ends_by_itself),
                TEST(a_success_clears_where_it_comes_from),
                TEST(account_and_sessions_clear_nothing),
                TEST(an_unlock_says_why_and_forgets),
                TEST(policy_values_decide),
                TEST(an_admins_lock_spares_nobody),
                TEST(strangers_do_not_keep_the_owner_out),
                TEST(each_place_locks_by_itself),
                TEST(known_networks_are_not_spared_where_policy_says_so),
                TEST(a_peer_that_is_not_root_speaks_for_himself_alone),
                TEST(nobodys_name_meets_the_same_steps_and_delays),
                TEST(answers_come_later_and_later),
                TEST(the_user_is_told_once_what_failed),
                TEST(guesses_at_the_current_password_count),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
