/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whose answer is looked at next when a crowd waits (SECURITY 137). */

#include "tests/unit/lockout_fixture.h"
#include "umd/core/internal.h"

#define TURNS 16U /* at the vault at once */

/* The places of the names are the same in each run. */
static void settle(Fixture *f) {
        memset(f->core->lane_key, 1, sizeof(f->core->lane_key));
}

static int setup(void **state) {
        int r = fixture_setup(state);

        settle(*state);
        return r;
}

/* Strangers, each with a name and a network of his own. */
static void crowd(Fixture *f, Talk *talks, size_t count, unsigned int first) {
        static char rhosts[600][16];

        f->charges_wait = true;
        assert_true(first + count <= ARRAY_LENGTH(rhosts));
        for (size_t i = 0; i < count; i++) {
                char *rhost = rhosts[first + i], name[16];

                snprintf(rhost, sizeof(rhosts[0]), "10.0.%u.%u", (first + (unsigned int)i) / 256,
                         (first + (unsigned int)i) % 256);
                snprintf(name, sizeof(name), "guess%u", first + (unsigned int)i);
                talks[i] = talk_new(f, 100 + first + i, 0);
                talks[i].rhost = rhost;
                talk_begin(&talks[i], "authenticate", name, "sshd", 0);
                talk_answer_only(&talks[i], "wrong");
        }
}

static void turn(Fixture *f) {
        (void)core_flush(f->core);
        fixture_wake(f);
}

static Talk one(Fixture *f, const char *name, const char *service, const char *rhost) {
        Talk talk = talk_new(f, 50, 0);

        f->boottime++; /* whoever was there before has waited longer */
        talk.rhost = rhost;
        talk_begin(&talk, "authenticate", name, service, 0);
        return talk;
}

/* How many answers of the vault go by until this one is let in. */
static size_t answers_until_in(Fixture *f, const Talk *talk) {
        size_t count = 0;

        for (; talk->step.kind != CORE_STEP_DONE; count++) {
                assert_true(count < 1000);
                fixture_vault_one(f);
                turn(f);
        }
        assert_int_equal(talk->step.verdict, CORE_VERDICT_ALLOW);
        return count;
}

static void of_a_crowd_as_many_are_with_the_vault_as_it_works_on(void **state) {
        static Talk talks[100];
        Fixture *f = *state;

        crowd(f, talks, ARRAY_LENGTH(talks), 0);
        turn(f);
        assert_int_equal(f->job_count, TURNS);
        for (size_t done = 0; done < ARRAY_LENGTH(talks); done++) {
                size_t left = ARRAY_LENGTH(talks) - done;

                assert_int_equal(f->job_count, left < TURNS ? left : TURNS);
                fixture_vault_one(f);
                turn(f);
        }
        assert_int_equal(f->spent, ARRAY_LENGTH(talks));
}

/* The vault does not know that they are gone. */
static void who_hangs_up_leaves_his_work_with_the_vault(void **state) {
        static Talk talks[3 * TURNS];
        Fixture *f = *state;

        for (unsigned int i = 0; i < 3; i++) {
                crowd(f, talks + i * TURNS, TURNS, i * TURNS);
                turn(f);
                for (size_t k = i * TURNS; i < 2 && k < (i + 1) * (size_t)TURNS; k++)
                        core_login_hangup(f->core, talks[k].peer.connection);
                turn(f);
                assert_int_equal(f->job_count, TURNS); /* of the first ones */
        }
        for (size_t i = 0; i < TURNS; i++) {
                fixture_vault_one(f);
                turn(f);
                assert_int_equal(f->job_count, TURNS); /* one of the last ones at a time */
        }
        fixture_vault(f);
        assert_int_equal(f->spent, 2 * TURNS); /* of those in the middle none was asked about */
}

/* None of these waits longer than those that are with the vault already, and a fair turn. */
static void people_who_are_known_to_be_honest_go_first(void **state) {
        static const struct {
                const char *service, *rhost;
        } from[] = {
                { "sshd", HOME }, /* where she got in from */
                { "login", "" },
        };
        static Talk talks[100];
        Fixture *f = *state;

        setup_alice(f);
        assert_int_equal(try(f, "alice", HOME, "", RIGHT), CORE_VERDICT_ALLOW);
        for (size_t i = 0; i < ARRAY_LENGTH(from); i++) {
                Talk alice;

                crowd(f, talks, ARRAY_LENGTH(talks), (unsigned int)(i * ARRAY_LENGTH(talks)));
                turn(f);
                alice = one(f, "alice", from[i].service, from[i].rhost);
                talk_answer_only(&alice, RIGHT);
                turn(f);
                assert_in_range(answers_until_in(f, &alice), 1, TURNS + 2);
                f->charges_wait = false;
                for (size_t k = 0; k < ARRAY_LENGTH(talks); k++)
                        core_login_hangup(f->core, talks[k].peer.connection);
                while (f->job_count > 0)
                        fixture_vault_one(f);
                turn(f);
        }
}

/* As it was typed: whether um has somebody of that name makes no difference. */
static void names_nobody_guessed_at_go_before_others(void **state) {
        static Talk talks[100];
        Fixture *f = *state;
        char name[16];
        Talk alice;

        setup_alice(f);
        for (unsigned int i = 0; i < ARRAY_LENGTH(talks); i++) {
                snprintf(name, sizeof(name), "guess%u", i);
                guess(f, name, "198.51.100.7", "", 1);
        }
        fixture_pass(f, MINUTE);
        crowd(f, talks, ARRAY_LENGTH(talks), 0);
        turn(f);
        alice = one(f, "alice", "sshd", "203.0.113.77");
        talk_answer_only(&alice, RIGHT);
        turn(f);
        assert_in_range(answers_until_in(f, &alice), 1, TURNS + 2);
}

/* A name that strangers guess at, from where nobody was before: last, but not for ever. */
static void the_longest_waiter_has_every_fourth_turn(void **state) {
        static Talk talks[400];
        Fixture *f = *state;
        Talk alice;

        setup_alice(f);
        guess(f, "alice", "198.51.100.7", "", 1);
        fixture_pass(f, MINUTE);
        f->charges_wait = true;
        crowd(f, talks, TURNS, 0);
        turn(f);
        alice = one(f, "alice", "sshd", "203.0.113.77");
        talk_answer_only(&alice, RIGHT);
        f->boottime++;
        crowd(f, talks + TURNS, ARRAY_LENGTH(talks) - TURNS, TURNS); /* fresh names all of them */
        turn(f);
        assert_in_range(answers_until_in(f, &alice), TURNS, TURNS + 5);
}

static void turns_that_vary(Fixture *f, const char *name, size_t *ret) {
        static Talk talks[60];
        Talk other;

        crowd(f, talks, ARRAY_LENGTH(talks), 0);
        turn(f);
        other = one(f, name, "sshd", HOME);
        talk_answer_only(&other, "wrong");
        for (*ret = 0; other.step.kind != CORE_STEP_DONE && other.step.kind != CORE_STEP_WAIT;
             (*ret)++) {
                assert_true(*ret < 1000);
                turn(f);
                fixture_vault_one(f);
        }
        for (size_t k = 0; k < ARRAY_LENGTH(talks); k++)
                core_login_hangup(f->core, talks[k].peer.connection);
        core_login_hangup(f->core, other.peer.connection);
        while (f->job_count > 0)
                fixture_vault_one(f);
        turn(f);
}

static void the_order_says_nothing_about_a_name(void **state) {
        Fixture *f = *state;
        size_t alice, nobody;

        setup_alice(f);
        assert_int_equal(try(f, "alice", HOME, "", RIGHT), CORE_VERDICT_ALLOW);
        turns_that_vary(f, "alice", &alice);
        fixture_reopen(f); /* the names of the crowd are fresh again */
        settle(f);
        f->charges_wait = false;
        assert_int_equal(try(f, "alice", HOME, "", RIGHT), CORE_VERDICT_ALLOW);
        turns_that_vary(f, "nobody", &nobody);
        assert_int_equal(alice, nobody);
}

static void who_waits_is_told_so_and_keeps_his_place(void **state) {
        static Talk talks[TURNS + 1];
        Fixture *f = *state;
        Talk *last = &talks[TURNS];

        crowd(f, talks, TURNS, 0);
        f->boottime++;
        crowd(f, last, 1, TURNS);
        turn(f);
        assert_int_equal(last->answers, 1); /* the prompt */
        assert_true(f->wake_at > f->boottime && f->wake_at <= f->boottime + 2 * USEC_PER_SEC);
        fixture_pass(f, f->wake_at - f->boottime);
        assert_int_equal(last->answers, 2);
        assert_int_equal(last->step.kind, CORE_STEP_WAIT);
        assert_string_equal(last->step.text, "");

        fixture_vault_one(f); /* a turn for somebody who is not back */
        turn(f);
        assert_int_equal(f->job_count, TURNS - 1);
        talk_answer_only(last, "");
        turn(f);
        assert_int_equal(f->job_count, TURNS);
        fixture_vault(f);
        turn(f);
        if (last->step.kind == CORE_STEP_WAIT) { /* late, as wrong answers are */
                talk_answer_only(last, "");
                fixture_pass(f, 10 * USEC_PER_SEC);
        }
        assert_int_equal(last->step.kind, CORE_STEP_DONE);
        assert_int_equal(last->step.verdict, CORE_VERDICT_BAD_PROOF);
}

/* Half a minute is enough; nothing was looked at, and nothing is charged.  A name that
 * nobody has is told the same. */
static void who_waits_for_ever_is_told_to_come_later(void **state) {
        static Talk talks[TURNS];
        Fixture *f = *state;

        setup_alice(f);
        for (int i = 0; i < 12; i++) { /* more than she may be wrong */
                size_t heard = 1;      /* the prompt */
                Talk alice;

                crowd(f, talks, ARRAY_LENGTH(talks), (unsigned int)(i * (int)TURNS));
                turn(f);
                alice = one(f, i % 2 ? "nobody" : "alice", "sshd", "203.0.113.77");
                talk_answer_only(&alice, "wrong");
                for (int k = 0; k < 40 && alice.step.kind != CORE_STEP_DONE; k++) {
                        turn(f);
                        fixture_pass(f, USEC_PER_SEC);
                        if (alice.answers > heard && alice.step.kind == CORE_STEP_WAIT) {
                                heard = alice.answers;
                                talk_answer_only(&alice, "");
                        }
                }
                assert_in_range(heard, 8, 20); /* he was told every two seconds */
                assert_int_equal(alice.step.kind, CORE_STEP_DONE);
                assert_int_equal(alice.step.verdict, CORE_VERDICT_UNAVAILABLE);
                assert_string_equal(alice.step.text, "Try again later.");
                if (i == 0)
                        assert_string_equal(audit_line(f, 0),
                                            "authenticate failed busy user/alice");
                for (size_t k = 0; k < ARRAY_LENGTH(talks); k++)
                        core_login_hangup(f->core, talks[k].peer.connection);
                while (f->job_count > 0)
                        fixture_vault_one(f);
                turn(f);
        }
        f->charges_wait = false;
        assert_int_equal(try(f, "alice", "203.0.113.77", "", RIGHT), CORE_VERDICT_ALLOW);
}

/* One name's guesses are worked on one after the other: they are not all there is. */
static void one_name_does_not_fill_all_turns(void **state) {
        static Talk talks[40];
        Fixture *f = *state;

        setup_alice(f);
        set_policy(f, NULL, "lockout.attempts", "20");
        fixture_flush(f);
        f->charges_wait = true;
        for (size_t i = 0; i < ARRAY_LENGTH(talks); i++) {
                talks[i] = talk_new(f, 100 + i, 0);
                talks[i].rhost = AFAR;
                talk_begin(&talks[i], "authenticate", "alice", "sshd", 0);
                talk_answer_only(&talks[i], "wrong");
        }
        turn(f);
        assert_int_equal(f->job_count, TURNS / 2);
}

int main(void) {
        const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)
                TEST(of_a_crowd_as_many_are_with_the_vault_as_it_works_on),
                TEST(who_hangs_up_leaves_his_work_with_the_vault),
                TEST(people_who_are_known_to_be_honest_go_first),
                TEST(names_nobody_guessed_at_go_before_others),
                TEST(the_longest_waiter_has_every_fourth_turn),
                TEST(the_order_says_nothing_about_a_name),
                TEST(who_waits_is_told_so_and_keeps_his_place),
                TEST(who_waits_for_ever_is_told_to_come_later),
                TEST(one_name_does_not_fill_all_turns),
#undef TEST
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
