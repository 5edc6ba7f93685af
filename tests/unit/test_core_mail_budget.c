/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Codes by e-mail: how many are sent, to where, and what one too many costs. */

#include "tests/unit/reset_fixture.h"

static void at_console(Talk *talk) {
        talk->rhost = "";
        talk->service = "login";
}

static void five_an_hour_are_sent(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0);
        char last[16];

        setup_mail(f);
        for (size_t i = 1; i <= 5; i++) {
                ask_mail(&talk, "alice", PASSWORD);
                assert_int_equal(f->mails, i);
                if (i == 1) /* she is known from there from now on */
                        assert_int_equal(give(&talk, f->mailed), CORE_VERDICT_ALLOW);
                fixture_pass(f, MINUTE);
        }
        assert_string_equal(audit_line(f, 0), "mail-code done  user/alice");
        snprintf(last, sizeof(last), "%s", f->mailed);
        ask_mail(&talk, "alice", PASSWORD);
        assert_int_equal(f->mails, 5);
        assert_string_equal(audit_line(f, 0), "mail-code deny too-many user/alice");
        assert_int_equal(give(&talk, last), CORE_VERDICT_ALLOW); /* the last one is good still */
        fixture_flush(f);
        fixture_reopen(f);
        ask_mail(&talk, "alice", PASSWORD);
        assert_int_equal(f->mails, 5);
        f->now += 2 * HOUR; /* by the wall clock alone */
        ask_mail(&talk, "alice", PASSWORD);
        assert_int_equal(f->mails, 5);
        f->boottime += 56 * MINUTE; /* the first of them is an hour old */
        ask_mail(&talk, "alice", PASSWORD);
        assert_int_equal(f->mails, 6);
}

/* Each would be work for the vault and a write for who hangs up and asks again. */
static void what_is_too_many_costs_nothing(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0);
        uint64_t seq;

        setup_mail(f);
        at_console(&talk);
        for (int i = 0; i < 6; i++)
                ask_mail(&talk, "alice", PASSWORD);
        assert_string_equal(audit_line(f, 0), "mail-code deny too-many user/alice");
        seq = last_audit(f);
        fixture_flush(f);
        fixture_reopen(f);
        for (int i = 0; i < 20; i++) {
                answer_password(&talk, "alice", PASSWORD);
                fixture_flush(f);
                talk_answer_only(&talk, "mail");
                fixture_wake(f);
                assert_int_equal(f->job_count, 0);
                assert_false(core_has_unflushed(f->core));
                core_login_hangup(f->core, 1);
        }
        assert_int_equal(last_audit(f), seq);
        assert_int_equal(f->mails, 5);
        fixture_pass(f, HOUR + MINUTE);
        for (int i = 0; i < 7; i++)
                ask_mail(&talk, "alice", PASSWORD);
        assert_int_equal(last_audit(f), seq + 6); /* five that went out, and one word more */
        assert_int_equal(f->mails, 10);
}

/* Whoever has the password alone asks from elsewhere. */
static void a_thief_leaves_the_owner_his_codes(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0), thief = talk_new(f, 2, 0);
        char first[16];

        setup_mail(f);
        ask_mail(&talk, "alice", PASSWORD);
        assert_int_equal(give(&talk, f->mailed), CORE_VERDICT_ALLOW);
        fixture_pass(f, 2 * HOUR);
        ask_mail(&talk, "alice", PASSWORD);
        assert_int_equal(f->mails, 2);
        snprintf(first, sizeof(first), "%s", f->mailed);
        thief.rhost = "198.51.100.9";
        ask_mail(&thief, "alice", PASSWORD);
        assert_int_equal(f->mails, 2);
        assert_string_equal(audit_line(f, 0), "mail-code deny code-is-out user/alice");
        assert_int_equal(give(&talk, first), CORE_VERDICT_ALLOW);
        for (int i = 0; i < 5; i++)
                ask_mail(&thief, "alice", PASSWORD);
        assert_int_equal(f->mails, 4);
        ask_mail(&talk, "alice", PASSWORD);
        assert_int_equal(f->mails, 5);
        core_login_hangup(f->core, 2);
        ask_mail(&thief, "alice", PASSWORD);
        assert_int_equal(give(&talk, f->mailed), CORE_VERDICT_ALLOW);
        thief.rhost = ""; /* a program that says of nobody where he is */
        thief.service = "vsftpd";
        ask_mail(&thief, "alice", PASSWORD);
        assert_int_equal(f->mails, 5);
        at_console(&thief); /* which is always hers */
        ask_mail(&thief, "alice", PASSWORD);
        assert_int_equal(f->mails, 6);
        thief.service = "vsftpd";
        assert_int_equal(two(&thief, "alice", PASSWORD, f->mailed), CORE_VERDICT_BAD_PROOF);
        at_console(&thief);
        assert_int_equal(two(&thief, "alice", PASSWORD, f->mailed), CORE_VERDICT_ALLOW);
}

/* Anybody may ask for one: of two who are known from nowhere the one who was first may be its
 * owner. */
static void a_code_for_a_reset_is_left_for_two_minutes(void **state) {
        Fixture *f = *state;
        Talk talk = login_new(f, 1), stranger = login_new(f, 2), console = login_new(f, 3);

        setup_reset(f);
        stranger.rhost = "198.51.100.9";
        ask_reset(&talk, "alice");
        fixture_pass(f, 2 * MINUTE - 5 * USEC_PER_SEC);
        ask_reset(&stranger, "alice");
        assert_int_equal(f->mails, 1);
        assert_string_equal(audit_line(f, 0), "reset-code deny code-is-out user/alice");
        assert_int_equal(give(&talk, f->mailed), CORE_VERDICT_ALLOW);
        ask_reset(&stranger, "alice"); /* it is not out any more */
        assert_int_equal(f->mails, 2);
        fixture_pass(f, 2 * MINUTE + USEC_PER_SEC);
        ask_reset(&talk, "alice");
        assert_int_equal(f->mails, 3);
        at_console(&console); /* hers: nobody's code is in her way */
        ask_reset(&console, "alice");
        assert_int_equal(f->mails, 4);
        assert_int_equal(give(&console, f->mailed), CORE_VERDICT_ALLOW);
}

/* A code that is over, or for an address that is no more, holds nobody back. */
static void a_code_that_is_over_holds_nobody_back(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0), away = talk_new(f, 2, 0);

        setup_mail(f);
        at_console(&talk);
        ask_mail(&talk, "alice", PASSWORD);
        ask_mail(&away, "alice", PASSWORD);
        assert_int_equal(f->mails, 1);
        fixture_pass(f, 10 * MINUTE + USEC_PER_SEC);
        ask_mail(&away, "alice", PASSWORD);
        assert_int_equal(f->mails, 2);
        assert_int_equal(give(&away, f->mailed), CORE_VERDICT_ALLOW);
}

/* As a guess at a code would be: with hanging up and asking again it is over soon. */
static void after_a_key_the_word_is_charged(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0);

        setup_mail(f);
        policy_put(f, "lockout.attempts", "2", NULL);
        talk.auth_info = KEY;
        for (int i = 0; i < 2; i++) { /* right in the end: nothing stays of it */
                talk_begin(&talk, "authenticate", "alice", "sshd", 0);
                talk_answer(&talk, "mail");
                mail_settle(f);
                talk_answer(&talk, "mail");
                mail_settle(f);
                assert_int_equal(give(&talk, f->mailed), CORE_VERDICT_ALLOW);
                fixture_pass(f, 2 * HOUR);
        }
        assert_int_equal(f->mails, 4);
        for (int i = 0; i < 4; i++) {
                talk_begin(&talk, "authenticate", "alice", "sshd", 0);
                talk_answer(&talk, "mail");
                must(talk.r);
                assert_int_equal(talk.step.kind, CORE_STEP_ASK_SHOWN);
                mail_settle(f);
                core_login_hangup(f->core, 1);
        }
        assert_int_equal(f->mails, 6);
        talk_begin(&talk, "authenticate", "alice", "sshd", 0);
        assert_int_equal(give(&talk, f->mailed), CORE_VERDICT_BAD_PROOF);
}

/* A network that is throttled for what it tried at others. */
static void a_throttled_network_gets_none(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0);

        setup_mail(f);
        policy_put(f, "lockout.source-attempts", "2", NULL);
        for (int i = 0; i < 3; i++)
                (void)two(&talk, "nobody-there", "wrong", "000000");
        talk.auth_info = KEY;
        talk_begin(&talk, "authenticate", "alice", "sshd", 0);
        talk_answer(&talk, "mail");
        must(talk.r);
        assert_int_equal(talk.step.kind, CORE_STEP_ASK_SHOWN);
        mail_settle(f);
        assert_int_equal(f->mails, 0);
        talk.rhost = "198.51.100.9";
        talk_begin(&talk, "authenticate", "alice", "sshd", 0);
        talk_answer(&talk, "mail");
        mail_settle(f);
        assert_int_equal(f->mails, 1);
}

static void a_dialogue_asks_five_times_at_most(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0);

        setup_mail(f);
        at_console(&talk);
        ask_mail(&talk, "alice", PASSWORD);
        for (int i = 0; i < 10; i++) {
                fixture_pass(f, 55 * USEC_PER_SEC);
                talk_answer(&talk, "mail");
                mail_settle(f);
        }
        assert_int_equal(f->mails, 5);
        assert_string_equal(audit_line(f, 0), "mail-code done  user/alice"); /* and no word more */
}

static void nothing_goes_out_before_it_is_charged(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0);

        setup_mail(f);
        answer_password(&talk, "alice", PASSWORD);
        talk_answer_only(&talk, "mail"); /* the answer is there, and nothing done */
        assert_int_equal(talk.answers, 3);
        assert_int_equal(f->job_count, 1);
        fixture_vault(f);
        assert_true(core_has_unflushed(f->core));
        fixture_wake(f);
        assert_int_equal(f->mails, 0);
        must(core_flush(f->core));
        assert_int_equal(f->mails, 0); /* replies first */
        fixture_wake(f);
        assert_int_equal(f->mails, 1);
        fixture_wake(f);
        assert_int_equal(f->mails, 1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                STORY(five_an_hour_are_sent),
                STORY(what_is_too_many_costs_nothing),
                STORY(a_thief_leaves_the_owner_his_codes),
                STORY(a_code_for_a_reset_is_left_for_two_minutes),
                STORY(a_code_that_is_over_holds_nobody_back),
                STORY(after_a_key_the_word_is_charged),
                STORY(a_throttled_network_gets_none),
                STORY(a_dialogue_asks_five_times_at_most),
                STORY(nothing_goes_out_before_it_is_charged),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
