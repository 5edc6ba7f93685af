/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A forgotten password: what a code by e-mail stands for and what not, and the factor beside it. */

#include "tests/unit/reset_fixture.h"

/* ---- what it leads to --------------------------------------------------------------------- */

static void a_code_leads_to_a_new_password_and_in(void **state) {
        Fixture *f = *state;
        Talk talk = login_new(f, 1);

        setup_reset(f);
        ask_reset(&talk, "alice");
        assert_int_equal(f->mails, 1);
        assert_string_equal(f->mail, "reset: " ADDRESS "||alice|sshd|192.0.2.7");
        assert_int_equal(strlen(f->mailed), 8);
        assert_string_equal(audit_line(f, 0), "reset-code done  user/alice");
        assert_int_equal(give(&talk, f->mailed), CORE_VERDICT_ALLOW);
        assert_false(talk.step.early);
        assert_string_equal(audit_line(f, 0), "authenticate allow must-change user/alice");
        assert_int_equal(talk_authorize(&talk, "alice", "sshd"), CORE_VERDICT_RENEW);
        assert_int_equal(choose(&talk, FRESH), CORE_VERDICT_ALLOW);
        assert_string_equal(audit_line(f, 0),
                            "user.password done forgotten, by a code by e-mail user/alice");
        assert_int_equal(talk_open(&talk, "alice", "sshd"), CORE_VERDICT_ALLOW);
        fixture_pass(f, USEC_PER_SEC); /* the next one shows what this one did */
        assert_int_equal(log_in(&talk, "alice", FRESH), CORE_VERDICT_ALLOW);
        assert_int_equal(talk_authorize(&talk, "alice", "sshd"), CORE_VERDICT_ALLOW);
        assert_non_null(strstr(talk.step.text, "a code by e-mail was used to set a new password, "
                                               "from 192.0.2.7 (sshd)"));
        assert_non_null(strstr(talk.step.text, "your password was changed by you (sshd)"));
        assert_int_equal(log_in(&talk, "alice", PASSWORD), CORE_VERDICT_BAD_PROOF);
}

static void breaking_off_leaves_the_password_and_not_the_code(void **state) {
        Fixture *f = *state;
        Talk talk = login_new(f, 1);

        setup_reset(f);
        ask_reset(&talk, "alice");
        assert_int_equal(give(&talk, f->mailed), CORE_VERDICT_ALLOW);
        choose_begin(&talk, "sshd", LOGIN_FLAG_EXPIRED);
        core_login_hangup(f->core, 1);
        assert_int_equal(by_code(&talk, "alice", f->mailed), CORE_VERDICT_BAD_PROOF);
        fixture_flush(f);
        fixture_reopen(f);
        assert_int_equal(by_code(&talk, "alice", f->mailed), CORE_VERDICT_BAD_PROOF);
        assert_int_equal(log_in(&talk, "alice", PASSWORD), CORE_VERDICT_ALLOW);
        assert_int_equal(talk_authorize(&talk, "alice", "sshd"), CORE_VERDICT_ALLOW);
}

static int is_known_there(Fixture *f, uid_t uid) {
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        uint64_t lock_usec, since_usec;
        StoreNetwork network;

        core_network_of(f->core, "192.0.2.7", &network);
        must(store_begin_read(f->core->store, &txn));
        must(core_lock_time(f->core, txn, f->now, &lock_usec));
        return core_place_known(txn, &network, uid, lock_usec, &since_usec);
}

/* A network that he is known from has codes of its own, and a count that strangers do not fill. */
static void a_mailbox_alone_makes_no_network_known(void **state) {
        Fixture *f = *state;
        Talk talk = login_new(f, 1);
        uid_t uid = setup_reset(f);

        policy_put(f, "lockout.attempts", "2", NULL);
        for (int i = 0; i < 2; i++) {
                ask_reset(&talk, "alice");
                assert_int_equal(give(&talk, f->mailed), CORE_VERDICT_ALLOW);
                core_login_hangup(f->core, 1);
                assert_int_equal(is_known_there(f, uid), 0);
        }
        ask_reset(&talk, "alice"); /* of those before nothing stays charged */
        assert_int_equal(give(&talk, f->mailed), CORE_VERDICT_ALLOW);
        assert_int_equal(choose(&talk, FRESH), CORE_VERDICT_ALLOW);
        assert_int_equal(is_known_there(f, uid), 1);
}

/* A program that does not ask for one, or takes no for yes. */
static void without_a_new_password_there_is_no_session(void **state) {
        Fixture *f = *state;
        Talk talk = login_new(f, 1);

        setup_reset(f);
        ask_reset(&talk, "alice");
        assert_int_equal(give(&talk, f->mailed), CORE_VERDICT_ALLOW);
        assert_int_equal(talk_authorize(&talk, "alice", "sshd"), CORE_VERDICT_RENEW);
        assert_int_equal(talk_open(&talk, "alice", "sshd"), CORE_VERDICT_DENIED);
        assert_non_null(strstr(talk.step.text, "Access refused: choose a new password in the login "
                                               "itself. Reference um-"));
        assert_string_equal(audit_line(f, 0), "session.open deny must-change user/alice");
        assert_int_equal(f->homes_made, 0);
        choose_begin(&talk, "sshd", LOGIN_FLAG_EXPIRED); /* it was used up by that */
        assert_int_equal(talk.step.verdict, CORE_VERDICT_ALLOW);
        assert_int_equal(log_in(&talk, "alice", PASSWORD), CORE_VERDICT_ALLOW);
}

/* Who sits in a session of hers meanwhile is asked for what he does not know. */
static void only_that_login_chooses_without_the_current_one(void **state) {
        static const struct {
                uint64_t process;
                const char *service;
                uint32_t flags;
                const char *text;
        } rows[] = {
                { 2, "sshd", LOGIN_FLAG_ASK_CURRENT, "Current password: " },
                { 1, "sshd", LOGIN_FLAG_ASK_CURRENT, "Current password: " },
                { 1, "passwd", LOGIN_FLAG_ASK_CURRENT, "Current password: " },
                { 1, "login", LOGIN_FLAG_EXPIRED, "" }, /* nothing is due there */
                { 2, "sshd", LOGIN_FLAG_EXPIRED, "" },
                { 1, "sshd", LOGIN_FLAG_EXPIRED, "New password: " },
        };
        Fixture *f = *state;
        Talk talk = login_new(f, 1), other;

        setup_reset(f);
        ask_reset(&talk, "alice");
        assert_int_equal(give(&talk, f->mailed), CORE_VERDICT_ALLOW);
        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                other = login_new(f, rows[i].process);
                other.peer.connection = 9;
                choose_begin(&other, rows[i].service, rows[i].flags);
                assert_string_equal(other.step.text, rows[i].text);
                core_login_hangup(f->core, 9);
        }
        set_password(f, "alice", "given by an admin"); /* and that ends it */
        choose_begin(&talk, "sshd", LOGIN_FLAG_EXPIRED);
        assert_int_equal(talk.step.kind, CORE_STEP_DONE);
        assert_int_equal(talk_open(&talk, "alice", "sshd"), CORE_VERDICT_DENIED);
}

static void it_is_once_that_it_stands_for_the_current_one(void **state) {
        Fixture *f = *state;
        Talk talk = login_new(f, 1);

        setup_reset(f);
        ask_reset(&talk, "alice");
        assert_int_equal(give(&talk, f->mailed), CORE_VERDICT_ALLOW);
        assert_int_equal(choose(&talk, FRESH), CORE_VERDICT_ALLOW);
        choose_begin(&talk, "sshd", LOGIN_FLAG_EXPIRED);
        assert_int_equal(talk.step.kind, CORE_STEP_DONE);
        choose_begin(&talk, "sshd", LOGIN_FLAG_ASK_CURRENT);
        assert_string_equal(talk.step.text, "Current password: ");
}

/* Who reads the mail tries what he thinks her password is. */
static void of_current_and_former_ones_it_tells_nothing_but_no(void **state) {
        static const char *const past[] = { "the third horse", "the second horse", PASSWORD };
        Fixture *f = *state;
        Talk talk = login_new(f, 1);

        setup_reset(f);
        policy_put(f, "password.history", "3", NULL);
        set_password(f, "alice", past[1]);
        set_password(f, "alice", past[0]);
        ask_reset(&talk, "alice");
        assert_int_equal(give(&talk, f->mailed), CORE_VERDICT_ALLOW);
        choose_begin(&talk, "sshd", LOGIN_FLAG_EXPIRED);
        for (size_t i = 0; i < ARRAY_LENGTH(past); i++) {
                size_t compared = f->compared;

                talk_answer(&talk, past[i]);
                talk_answer(&talk, past[i]);
                must(talk.r);
                assert_string_equal(talk.step.text, "Choose another password.");
                assert_int_equal(f->compared - compared, ARRAY_LENGTH(past));
                if (talk.step.kind != CORE_STEP_DONE)
                        talk_answer(&talk, "");
        }
        assert_int_equal(talk.step.verdict, CORE_VERDICT_CHANGE_FAILED); /* three tries */
        assert_int_equal(log_in(&talk, "alice", past[0]), CORE_VERDICT_ALLOW);
}

static void after_such_a_no_another_one_is_taken(void **state) {
        Fixture *f = *state;
        Talk talk = login_new(f, 1);

        setup_reset(f);
        ask_reset(&talk, "alice");
        assert_int_equal(give(&talk, f->mailed), CORE_VERDICT_ALLOW);
        choose_begin(&talk, "sshd", LOGIN_FLAG_EXPIRED);
        talk_answer(&talk, PASSWORD);
        talk_answer(&talk, PASSWORD);
        assert_string_equal(talk.step.text, "Choose another password.");
        talk_answer(&talk, "");
        talk_answer(&talk, FRESH);
        talk_answer(&talk, FRESH);
        assert_int_equal(talk.step.verdict, CORE_VERDICT_ALLOW);
}

/* A flush that fails takes all of it back. */
static void a_lost_change_opens_nothing(void **state) {
        Fixture *f = *state;
        Talk talk = login_new(f, 1);

        setup_reset(f);
        ask_reset(&talk, "alice");
        assert_int_equal(give(&talk, f->mailed), CORE_VERDICT_ALLOW);
        fixture_flush(f);
        assert_int_equal(choose(&talk, FRESH), CORE_VERDICT_ALLOW);
        core_logins_drop_batch(f->core->logins, f->core->batch);
        assert_int_equal(talk_open(&talk, "alice", "sshd"), CORE_VERDICT_DENIED);
}

/* ---- codes -------------------------------------------------------------------------------- */

static void three_wrong_ones_are_all(void **state) {
        Fixture *f = *state;
        Talk talk = login_new(f, 1);

        setup_reset(f);
        ask_reset(&talk, "alice");
        assert_int_equal(give(&talk, wrong_code(f)), CORE_VERDICT_BAD_PROOF);
        assert_string_equal(audit_line(f, 0), "authenticate deny bad-proof user/alice");
        assert_int_equal(by_code(&talk, "alice", wrong_code(f)), CORE_VERDICT_BAD_PROOF);
        fixture_flush(f);
        fixture_reopen(f); /* they are kept */
        assert_int_equal(by_code(&talk, "alice", wrong_code(f)), CORE_VERDICT_BAD_PROOF);
        assert_int_equal(by_code(&talk, "alice", f->mailed), CORE_VERDICT_BAD_PROOF);
        ask_reset(&talk, "alice");
        assert_int_equal(give(&talk, f->mailed), CORE_VERDICT_ALLOW);
}

/* Mail may take longer than sshd lets a login last. */
static void it_is_good_for_ten_minutes_where_it_was_asked_for(void **state) {
        Fixture *f = *state;
        Talk talk = login_new(f, 1), elsewhere = login_new(f, 2);

        setup_reset(f);
        elsewhere.rhost = "198.51.100.1";
        ask_reset(&talk, "alice");
        core_login_hangup(f->core, 1);
        fixture_pass(f, 10 * MINUTE - USEC_PER_SEC);
        assert_int_equal(by_code(&elsewhere, "alice", f->mailed), CORE_VERDICT_BAD_PROOF);
        assert_int_equal(by_code(&talk, "alice", f->mailed), CORE_VERDICT_ALLOW);
        ask_reset(&talk, "alice");
        fixture_pass(f, 10 * MINUTE + USEC_PER_SEC);
        assert_int_equal(by_code(&talk, "alice", f->mailed), CORE_VERDICT_BAD_PROOF);
        ask_reset(&talk, "alice");
        update_text(f, "alice", USER_FIELD_EMAIL, "other@acme.example");
        assert_int_equal(give(&talk, f->mailed), CORE_VERDICT_BAD_PROOF);
}

/* A code is for what it was asked for, and neither is there at the cost of the other. */
static void the_two_kinds_of_codes_are_apart(void **state) {
        Fixture *f = *state;
        Talk talk = login_new(f, 1);
        char factor[16], reset[16];

        setup_mail(f);
        policy_put(f, "password.reset-by-email", "on", NULL);
        ask_reset(&talk, "alice");
        for (int i = 0; i < 6; i++) /* by anybody */
                ask_reset(&talk, "alice");
        assert_int_equal(f->mails, 3);
        assert_string_equal(audit_line(f, 0), "reset-code deny too-many user/alice");
        snprintf(reset, sizeof(reset), "%s", f->mailed);
        talk_begin(&talk, "authenticate", "alice", "sshd", 0);
        talk_answer(&talk, PASSWORD);
        talk_answer(&talk, "mail");
        mail_settle(f);
        assert_int_equal(f->mails, 4);
        snprintf(factor, sizeof(factor), "%s", f->mailed);
        assert_int_equal(give(&talk, reset), CORE_VERDICT_BAD_PROOF);
        forget(&talk, "alice");
        talk_answer(&talk, factor);
        assert_int_equal(give(&talk, ""), CORE_VERDICT_BAD_PROOF);
        assert_int_equal(two(&talk, "alice", PASSWORD, factor), CORE_VERDICT_ALLOW);
}

static void a_reset_ends_what_else_was_sent(void **state) {
        Fixture *f = *state;
        Talk talk = login_new(f, 1), other = login_new(f, 2);
        char factor[16];
        uid_t uid = setup_mail(f);
        uint32_t number = give_factor(f, uid, POLICY_METHOD_TOTP, "");

        policy_put(f, "password.reset-by-email", "on", NULL);
        ask_mail(&other, "alice", PASSWORD);
        snprintf(factor, sizeof(factor), "%s", f->mailed);
        ask_reset(&talk, "alice");
        talk_answer(&talk, f->mailed);
        assert_int_equal(give(&talk, code_at(number, step_now(f))), CORE_VERDICT_ALLOW);
        assert_int_equal(choose(&talk, FRESH), CORE_VERDICT_ALLOW);
        assert_int_equal(two(&other, "alice", FRESH, factor), CORE_VERDICT_BAD_PROOF);
}

/* ---- second factors ----------------------------------------------------------------------- */

static void the_second_factor_is_asked_for_as_ever(void **state) {
        Fixture *f = *state;
        Talk talk = login_new(f, 1);
        uid_t uid = setup_reset(f);
        uint32_t number = give_factor(f, uid, POLICY_METHOD_TOTP, "");

        policy_put(f, "factor.methods", "+email-code", NULL);
        policy_put(f, "factor.grace", "8h", NULL);
        assert_int_equal(two(&talk, "alice", PASSWORD, code_at(number, step_now(f))),
                         CORE_VERDICT_ALLOW);
        assert_int_equal(talk_authorize(&talk, "alice", "sshd"), CORE_VERDICT_ALLOW);
        assert_int_equal(log_in(&talk, "alice", PASSWORD), CORE_VERDICT_ALLOW); /* a grace */
        ask_reset(&talk, "alice");
        talk_answer(&talk, f->mailed);
        assert_int_equal(talk.step.kind, CORE_STEP_ASK_SHOWN);
        assert_string_equal(talk.step.text, "One-time code: "); /* of mail no word */
        assert_int_equal(give(&talk, "mail"), CORE_VERDICT_BAD_PROOF);
        assert_int_equal(f->mails, 1);
        forget(&talk, "alice");
        talk_answer(&talk, f->mailed);
        assert_int_equal(give(&talk, "000000"), CORE_VERDICT_BAD_PROOF);
        fixture_pass(f, 30 * USEC_PER_SEC);
        forget(&talk, "alice"); /* the code was no more than tried for nothing */
        talk_answer(&talk, f->mailed);
        assert_int_equal(give(&talk, code_at(number, step_now(f))), CORE_VERDICT_ALLOW);
        assert_int_equal(talk_authorize(&talk, "alice", "sshd"), CORE_VERDICT_RENEW);
        assert_int_equal(choose(&talk, FRESH), CORE_VERDICT_ALLOW);
        assert_int_equal(talk_open(&talk, "alice", "sshd"), CORE_VERDICT_ALLOW);
}

static void a_factor_that_is_guessed_at_costs_the_code(void **state) {
        Fixture *f = *state;
        Talk talk = login_new(f, 1);
        uint32_t number = give_factor(f, setup_reset(f), POLICY_METHOD_TOTP, "");

        ask_reset(&talk, "alice");
        talk_answer(&talk, f->mailed);
        assert_int_equal(give(&talk, "000000"), CORE_VERDICT_BAD_PROOF);
        for (int i = 0; i < 2; i++) {
                forget(&talk, "alice");
                talk_answer(&talk, f->mailed);
                assert_int_equal(give(&talk, "000000"), CORE_VERDICT_BAD_PROOF);
        }
        forget(&talk, "alice");
        talk_answer(&talk, f->mailed);
        assert_int_equal(give(&talk, code_at(number, step_now(f))), CORE_VERDICT_BAD_PROOF);
}

/* The mailbox would be all of it; and whoever reads it must not enrol a factor of his own. */
static void who_needs_a_factor_and_has_none_does_not_reset_his_password(void **state) {
        static const char *const within[] = { "0", "never" };
        Fixture *f = *state;
        Talk talk = login_new(f, 1);

        setup_mail(f);
        policy_put(f, "password.reset-by-email", "on", NULL);
        for (size_t i = 0; i < ARRAY_LENGTH(within); i++) {
                policy_put(f, "factor.enrol-within", within[i], NULL);
                ask_reset(&talk, "alice");
                talk_answer(&talk, f->mailed);
                assert_string_equal(talk.step.text, "One-time code (empty if you have none): ");
                assert_int_equal(give(&talk, ""), CORE_VERDICT_DENIED);
                assert_string_equal(audit_line(f, 0),
                                    "authenticate deny factor-not-enrolled user/alice");
                assert_non_null(strstr(talk.step.text,
                                       "Access refused: a password is not reset by e-mail alone"));
        }
}

static void hardware_is_not_less(void **state) {
        Fixture *f = *state;
        Talk talk = login_new(f, 1);
        uint32_t number = give_factor(f, setup_reset(f), POLICY_METHOD_TOTP, "");

        policy_put(f, "factor.required", "hardware", "alice");
        policy_put(f, "factor.enrol-within", "never", NULL);
        ask_reset(&talk, "alice");
        talk_answer(&talk, f->mailed);
        assert_int_equal(give(&talk, code_at(number, step_now(f))), CORE_VERDICT_DENIED);
        assert_non_null(strstr(talk.step.text,
                               "Access refused: a security key that verifies you is needed"));
        assert_string_equal(audit_line(f, 0), "authenticate deny strength user/alice");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                STORY(a_code_leads_to_a_new_password_and_in),
                STORY(breaking_off_leaves_the_password_and_not_the_code),
                STORY(a_mailbox_alone_makes_no_network_known),
                STORY(without_a_new_password_there_is_no_session),
                STORY(only_that_login_chooses_without_the_current_one),
                STORY(it_is_once_that_it_stands_for_the_current_one),
                STORY(of_current_and_former_ones_it_tells_nothing_but_no),
                STORY(after_such_a_no_another_one_is_taken),
                STORY(a_lost_change_opens_nothing),
                STORY(three_wrong_ones_are_all),
                STORY(it_is_good_for_ten_minutes_where_it_was_asked_for),
                STORY(the_two_kinds_of_codes_are_apart),
                STORY(a_reset_ends_what_else_was_sent),
                STORY(the_second_factor_is_asked_for_as_ever),
                STORY(a_factor_that_is_guessed_at_costs_the_code),
                STORY(who_needs_a_factor_and_has_none_does_not_reset_his_password),
                STORY(hardware_is_not_less),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
