/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Codes by e-mail: who gets one and what for, that it counts once and not for long, and that asking
 * for one tells a stranger nothing. */

#include "tests/unit/mail_fixture.h"

static const char *wrong_code(const Fixture *f) {
        return strcmp(f->mailed, "000000") == 0 ? "000001" : "000000";
}

/* ---- what counts -------------------------------------------------------------------------- */

static void password_and_a_mailed_code_let_in(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0);

        setup_mail(f);
        update_text(f, "alice", USER_FIELD_FULL_NAME, "Alice Liddell");
        answer_password(&talk, "alice", PASSWORD);
        assert_non_null(strstr(talk.step.text, "\"mail\" for one by e-mail"));
        ask_mail(&talk, "alice", PASSWORD);
        assert_null(strstr(talk.step.text, "acme"));
        assert_int_equal(f->mails, 1);
        assert_string_equal(f->mail, ADDRESS "|Alice Liddell|alice|sshd|192.0.2.7");
        assert_int_equal(strlen(f->mailed), 6);
        assert_int_equal(give(&talk, f->mailed), CORE_VERDICT_ALLOW);
        assert_string_equal(audit_line(f, 0), "authenticate allow  user/alice");
        assert_false(talk.step.early);
        assert_int_equal(talk_authorize(&talk, "alice", "sshd"), CORE_VERDICT_ALLOW);
        assert_int_equal(talk_open(&talk, "alice", "sshd"), CORE_VERDICT_ALLOW);
}

static void a_mailed_code_counts_once(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0), again = talk_new(f, 2, 0);

        setup_mail(f);
        ask_mail(&talk, "alice", PASSWORD);
        assert_int_equal(give(&talk, f->mailed), CORE_VERDICT_ALLOW);
        assert_int_equal(two(&again, "alice", PASSWORD, f->mailed), CORE_VERDICT_BAD_PROOF);
        fixture_flush(f);
        fixture_reopen(f);
        assert_int_equal(two(&again, "alice", PASSWORD, f->mailed), CORE_VERDICT_BAD_PROOF);
}

static void of_parallel_logins_with_one_mailed_code_one_gets_in(void **state) {
        Fixture *f = *state;
        Talk asks = talk_new(f, 99, 0), talks[20];
        size_t in = 0;

        setup_mail(f);
        ask_mail(&asks, "alice", PASSWORD);
        for (size_t i = 0; i < ARRAY_LENGTH(talks); i++) {
                talks[i] = talk_new(f, i + 1, 0);
                answer_password(&talks[i], "alice", PASSWORD);
        }
        for (size_t i = 0; i < ARRAY_LENGTH(talks); i++)
                talk_answer_only(&talks[i], f->mailed);
        fixture_vault(f);
        for (size_t i = 0; i < ARRAY_LENGTH(talks); i++)
                in += talks[i].step.verdict == CORE_VERDICT_ALLOW;
        assert_int_equal(in, 1);
}

static void three_wrong_ones_are_all(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0);

        setup_mail(f);
        ask_mail(&talk, "alice", PASSWORD);
        assert_int_equal(give(&talk, wrong_code(f)), CORE_VERDICT_BAD_PROOF);
        assert_int_equal(two(&talk, "alice", PASSWORD, wrong_code(f)), CORE_VERDICT_BAD_PROOF);
        fixture_flush(f);
        fixture_reopen(f); /* they are kept */
        assert_int_equal(two(&talk, "alice", PASSWORD, wrong_code(f)), CORE_VERDICT_BAD_PROOF);
        assert_int_equal(two(&talk, "alice", PASSWORD, f->mailed), CORE_VERDICT_BAD_PROOF);
}

/* However many are tried at once: three of them count. */
static void of_many_wrong_ones_at_once_three_are_looked_at(void **state) {
        Fixture *f = *state;
        Talk asks = talk_new(f, 99, 0), talks[8];

        setup_mail(f);
        ask_mail(&asks, "alice", PASSWORD);
        for (size_t i = 0; i < ARRAY_LENGTH(talks); i++) {
                talks[i] = talk_new(f, i + 1, 0);
                answer_password(&talks[i], "alice", PASSWORD);
        }
        for (size_t i = 0; i < ARRAY_LENGTH(talks); i++)
                talk_answer_only(&talks[i], i < 3 ? wrong_code(f) : f->mailed);
        fixture_vault(f);
        for (size_t i = 0; i < ARRAY_LENGTH(talks); i++)
                assert_true(talks[i].step.verdict != CORE_VERDICT_ALLOW);
}

static void guesses_without_the_password_use_up_no_try(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0), stranger = talk_new(f, 2, 0);

        setup_mail(f);
        ask_mail(&talk, "alice", PASSWORD);
        for (int i = 0; i < 5; i++) {
                assert_int_equal(two(&stranger, "alice", "no", f->mailed), CORE_VERDICT_BAD_PROOF);
                assert_true(f->guess.nothing);
        }
        assert_int_equal(give(&talk, f->mailed), CORE_VERDICT_ALLOW);
}

static void it_is_good_for_ten_minutes(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0);

        setup_mail(f);
        ask_mail(&talk, "alice", PASSWORD);
        fixture_pass(f, 10 * MINUTE - USEC_PER_SEC);
        assert_int_equal(two(&talk, "alice", PASSWORD, f->mailed), CORE_VERDICT_ALLOW);
        ask_mail(&talk, "alice", PASSWORD);
        f->now -= 60 * MINUTE; /* a clock that is set back makes it no younger */
        fixture_pass(f, 10 * MINUTE + USEC_PER_SEC);
        assert_int_equal(two(&talk, "alice", PASSWORD, f->mailed), CORE_VERDICT_BAD_PROOF);
}

/* Mail may take longer than sshd lets a login last: it is good in the next one, from there. */
static void it_is_good_where_it_was_asked_for(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0), later = talk_new(f, 2, 0), elsewhere = talk_new(f, 3, 0),
             here = talk_new(f, 4, 0);

        setup_mail(f);
        ask_mail(&talk, "alice", PASSWORD);
        core_login_hangup(f->core, 1);
        elsewhere.rhost = "198.51.100.1";
        here.rhost = "";
        assert_int_equal(two(&elsewhere, "alice", PASSWORD, f->mailed), CORE_VERDICT_BAD_PROOF);
        assert_int_equal(two(&here, "alice", PASSWORD, f->mailed), CORE_VERDICT_BAD_PROOF);
        assert_int_equal(two(&later, "alice", PASSWORD, f->mailed), CORE_VERDICT_ALLOW);
}

static void a_new_one_takes_the_place_of_the_old(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0);
        char first[16];

        setup_mail(f);
        ask_mail(&talk, "alice", PASSWORD);
        snprintf(first, sizeof(first), "%s", f->mailed);
        talk_answer(&talk, "MAIL"); /* in the same dialogue, in either case */
        mail_settle(f);
        assert_int_equal(f->mails, 2);
        if (strcmp(first, f->mailed) != 0)
                assert_int_equal(two(&talk, "alice", PASSWORD, first), CORE_VERDICT_BAD_PROOF);
        assert_int_equal(two(&talk, "alice", PASSWORD, f->mailed), CORE_VERDICT_ALLOW);
}

/* A code for the old address is nothing to whoever reads that. */
static void another_address_ends_it(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0);

        setup_mail(f);
        ask_mail(&talk, "alice", PASSWORD);
        update_text(f, "alice", USER_FIELD_EMAIL, "other@acme.example");
        assert_int_equal(give(&talk, f->mailed), CORE_VERDICT_BAD_PROOF);
        update_text(f, "alice", USER_FIELD_EMAIL, "ALICE@acme.example");
        ask_mail(&talk, "alice", PASSWORD);
        policy_put(f, "factor.methods", "-email-code", NULL);
        assert_int_equal(two(&talk, "alice", PASSWORD, f->mailed), CORE_VERDICT_INVALID);
        assert_int_equal(talk.step.kind,
                         CORE_STEP_SHOW); /* without it she has none: an enrolment */
}

/* Whoever took the password must not choose where the code goes. */
static void the_address_is_not_its_owners_to_change(void **state) {
        assert_false(core_user_field_self_editable(USER_FIELD_EMAIL));
}

/* ---- sending ------------------------------------------------------------------------------ */

static void who_may_not_log_in_gets_none(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0);
        CoreChange change;

        setup_mail(f);
        ask_mail(&talk, "alice", "wrong");
        assert_int_equal(f->mails, 0);
        step_user(f, "alice", STATUS_STEP_SUSPEND);
        ask_mail(&talk, "alice", PASSWORD);
        assert_int_equal(f->mails, 0);
        step_user(f, "alice", STATUS_STEP_RESUME);
        must(core_user_lock(f->core, &f->root, "alice", true, &f->options, f->now, &change,
                            &f->error));
        ask_mail(&talk, "alice", PASSWORD);
        must(core_user_lock(f->core, &f->root, "alice", false, &f->options, f->now, &change,
                            &f->error));
        policy_put(f, "factor.methods", "-email-code", "alice"); /* not for her */
        ask_mail(&talk, "alice", PASSWORD);
        policy_put(f, "factor.methods", "+email-code", "alice");
        update_text(f, "alice", USER_FIELD_EMAIL, "");
        ask_mail(&talk, "alice", PASSWORD);
        assert_int_equal(f->mails, 0);
        assert_int_equal(f->job_count, 0);
}

static void a_key_and_a_mailed_code_let_in(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0);

        setup_mail(f);
        talk.auth_info = KEY;
        talk_begin(&talk, "authenticate", "alice", "sshd", 0);
        assert_int_equal(talk.step.kind, CORE_STEP_ASK_SHOWN);
        talk_answer(&talk, "mail");
        mail_settle(f);
        assert_int_equal(f->mails, 1);
        assert_int_equal(give(&talk, f->mailed), CORE_VERDICT_ALLOW);
}

static void a_vault_that_is_away_sends_nothing(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0);

        setup_mail(f);
        answer_password(&talk, "alice", PASSWORD);
        f->vault_gone = true;
        talk_answer(&talk, "mail");
        mail_settle(f);
        f->vault_gone = false;
        assert_int_equal(talk.step.kind, CORE_STEP_ASK_SHOWN);
        f->vault_says = CORE_PROOF_FAULT;
        talk_answer(&talk, "mail");
        mail_settle(f);
        assert_int_equal(f->mails, 0);
        f->vault_says = CORE_PROOF_MATCH;
        talk_answer(&talk, "mail");
        mail_settle(f);
        assert_int_equal(f->mails, 1);
        assert_int_equal(give(&talk, f->mailed), CORE_VERDICT_ALLOW);
}

/* ---- what it is worth --------------------------------------------------------------------- */

static void off_as_shipped_it_is_a_wrong_code(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0);

        setup_alice(f, POLICY_METHOD_TOTP);
        update_text(f, "alice", USER_FIELD_EMAIL, ADDRESS);
        answer_password(&talk, "alice", PASSWORD);
        assert_string_equal(talk.step.text, "One-time code: ");
        assert_int_equal(give(&talk, "mail"), CORE_VERDICT_BAD_PROOF);
        policy_put(f, "factor.methods", "+email-code", NULL);
        f->mail_gone = true; /* nor where there is no mail system */
        answer_password(&talk, "alice", PASSWORD);
        assert_string_equal(talk.step.text, "One-time code: ");
        talk_answer(&talk, "mail");
        assert_int_equal(talk.step.verdict, CORE_VERDICT_BAD_PROOF);
}

/* Who is on this machine sees its processes, and so that a mail goes out. */
static void to_other_users_here_it_is_not_offered(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0);

        setup_mail(f);
        talk.rhost = "";
        talk.ruser = "mallory";
        talk_begin(&talk, "authenticate", "alice", "su", 0);
        talk_answer(&talk, PASSWORD);
        assert_string_equal(talk.step.text, "One-time code (empty if you have none): ");
        assert_int_equal(give(&talk, "mail"), CORE_VERDICT_BAD_PROOF);
        mail_settle(f);
        assert_int_equal(f->mails, 0);
        talk.ruser = "alice"; /* her own session */
        talk_begin(&talk, "authenticate", "alice", "su", 0);
        talk_answer(&talk, PASSWORD);
        assert_non_null(strstr(talk.step.text, "\"mail\""));
        talk_answer(&talk, "mail");
        mail_settle(f);
        assert_int_equal(f->mails, 1);
}

/* An address makes no second factor due, or everybody would need one. */
static void an_address_alone_asks_for_nothing(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0);

        setup_mail(f);
        policy_put(f, "factor.required", "off", NULL);
        assert_int_equal(log_in(&talk, "alice", PASSWORD), CORE_VERDICT_ALLOW);
        assert_int_equal(talk_authorize(&talk, "alice", "sshd"), CORE_VERDICT_ALLOW);
}

/* Where a factor is due it counts as one, whether or not mail can be sent now: neither is a
 * password enough then, nor may its thief enrol a factor. */
static void a_mail_system_that_is_down_opens_nothing(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0);

        setup_mail(f);
        f->mail_gone = true;
        assert_int_equal(two(&talk, "alice", PASSWORD, ""), CORE_VERDICT_BAD_PROOF);
        policy_put(f, "factor.enrol-within", "7d", NULL);
        assert_int_equal(two(&talk, "alice", PASSWORD, ""), CORE_VERDICT_BAD_PROOF);
        talk.auth_info = KEY;
        assert_int_equal(talk_authorize(&talk, "alice", "sshd"), CORE_VERDICT_DENIED);
}

static void it_is_not_hardware(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0);

        setup_mail(f);
        ask_mail(&talk, "alice", PASSWORD);
        policy_put(f, "factor.required", "hardware", "alice");
        assert_int_equal(give(&talk, f->mailed), CORE_VERDICT_DENIED);
        assert_string_equal(audit_line(f, 0), "authenticate deny strength user/alice");
        policy_put(f, "factor.required", "hardware", NULL);
        answer_password(&talk, "alice", PASSWORD);
        assert_null(strstr(talk.step.text, "e-mail")); /* nor offered */
}

/* Beside another factor: either counts, and the other is not asked for. */
static void who_has_an_app_may_take_a_mail_instead(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0);
        uid_t uid = setup_mail(f);
        uint32_t number = give_factor(f, uid, POLICY_METHOD_TOTP, "");

        assert_int_equal(two(&talk, "alice", PASSWORD, code_at(number, step_now(f))),
                         CORE_VERDICT_ALLOW);
        ask_mail(&talk, "alice", PASSWORD);
        assert_int_equal(give(&talk, f->mailed), CORE_VERDICT_ALLOW);
        give_factor(f, uid, POLICY_METHOD_HOTP, "");
        answer_password(&talk, "alice", PASSWORD);
        assert_non_null(strstr(talk.step.text, " 1) totp\n 2) hotp\n 3) a code by e-mail\n"));
        talk_answer(&talk, "4"); /* which is none: asked again */
        assert_non_null(strstr(talk.step.text, " 3) a code by e-mail\n"));
        talk_answer(&talk, "3");
        mail_settle(f);
        assert_int_equal(f->mails, 2);
        assert_int_equal(give(&talk, f->mailed), CORE_VERDICT_ALLOW);
}

/* It goes by the clock of locks. */
static void without_a_clock_a_mailed_code_lets_in(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0);
        uid_t uid = setup_mail(f);

        give_factor(f, uid, POLICY_METHOD_TOTP, "");
        f->now = 60 * USEC_PER_SEC; /* 1970 */
        ask_mail(&talk, "alice", PASSWORD);
        assert_int_equal(give(&talk, f->mailed), CORE_VERDICT_ALLOW);
}

/* With a setup code, which is the first thing a new user proves. */
static void a_pending_user_gets_one_for_his_setup_code(void **state) {
        Fixture *f = *state;
        UserSpec spec = {
                .text = { [USER_FIELD_NAME] = "dora", [USER_FIELD_EMAIL] = "dora@acme.example" },
                .pending = true
        };
        Talk talk = talk_new(f, 1, 0);

        setup_mail(f);
        must(core_user_create(f->core, &f->root, &spec, &f->options, f->now, &f->change,
                              &f->error));
        make_code(f, "dora");
        ask_mail(&talk, "dora", f->code);
        assert_int_equal(f->mails, 1);
        assert_int_equal(give(&talk, f->mailed), CORE_VERDICT_ALLOW);
        assert_int_equal(talk_authorize(&talk, "dora", "sshd"), CORE_VERDICT_RENEW);
}

/* A mailbox that was broken into must not become an app of the burglar's. */
static void it_changes_no_stronger_factor(void **state) {
        Fixture *f = *state;
        Talk talk;
        uid_t uid = setup_mail(f);
        uint32_t number = give_factor(f, uid, POLICY_METHOD_TOTP, "");
        CoreChange change;

        talk = talk_new(f, 1, uid);
        talk_begin(&talk, "authenticate", "alice", "umctl", 0);
        talk_answer(&talk, PASSWORD);
        talk_answer(&talk, "mail");
        mail_settle(f);
        assert_int_equal(give(&talk, f->mailed), CORE_VERDICT_ALLOW);
        must_be(core_factor_remove(f->core, &talk.peer, "alice", number, talk.login, &f->options,
                                   f->now, &change, &f->error),
                CORE_E_POLICY_REFUSED);
        assert_non_null(strstr(f->error.text, "by e-mail is not enough"));
}

static void covered(void *userdata, const CoreCoverage *coverage) {
        snprintf(userdata, 64, "%s %d %s %llu", coverage->strongest, coverage->enrolled,
                 coverage->method_count > 0 ? coverage->methods[0] : "-",
                 (unsigned long long)coverage->deadline_usec);
}

static void the_report_says_what_the_login_goes_by(void **state) {
        Fixture *f = *state;
        char row[64], cursor[CORE_CURSOR_BYTES];

        setup_mail(f);
        must(core_factor_coverage(f->core, &f->root, "name=alice", "", 10, f->now, covered, row,
                                  cursor, &f->error));
        assert_string_equal(row, "weak-mfa 1 email-code 0");
        policy_put(f, "factor.required", "off", NULL);
        must(core_factor_coverage(f->core, &f->root, "name=alice", "", 10, f->now, covered, row,
                                  cursor, &f->error));
        assert_string_equal(row, "single 0 - 0");
}

/* ---- strangers ---------------------------------------------------------------------------- */

/* A whole dialogue with the word, and how late its end is. */
static uint64_t record_of(Fixture *f, const char *user, const char *password, const char *word,
                          Talk *ret) {
        uint64_t began;

        *ret = talk_new(f, 7, 0);
        answer_password(ret, user, password);
        talk_answer(ret, word);
        began = f->boottime;
        mail_settle(f);
        talk_answer(ret, "424242");
        return f->boottime - began;
}

/* The work for the first one is over before a second one is answered, and that does nothing yet. */
static void asking_twice_says_nothing_either(void **state) {
        static const struct {
                const char *user, *password;
        } rows[] = { { "alice", PASSWORD }, { "alice", "wrong" }, { "nobody-at-all", "x" } };
        Fixture *f = *state;

        setup_mail(f);
        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                Talk talk = talk_new(f, 1, 0);
                uint64_t began;

                fixture_pass(f, HOUR); /* no answer is late for another reason */
                ask_mail(&talk, rows[i].user, rows[i].password);
                began = f->boottime;
                talk_answer_only(&talk, "mail");
                assert_int_equal(talk.step.kind, CORE_STEP_WAIT);
                fixture_wake(f);
                assert_int_equal(f->job_count, 0);
                talk_wait(&talk);
                assert_int_equal(talk.step.kind, CORE_STEP_ASK_SHOWN);
                assert_int_equal(f->boottime - began, MAIL_ASKED_USEC);
                mail_settle(f);
                fixture_pass(f, MINUTE);
                began = f->boottime;
                talk_answer(&talk, "mail");
                assert_int_equal(f->boottime - began, USEC_PER_SEC / 2);
                mail_settle(f);
                core_login_hangup(f->core, 1);
        }
        assert_int_equal(f->mails, 3);
}

static void asking_says_nothing_to_a_stranger(void **state) {
        static const struct {
                const char *user, *password, *word;
        } rows[] = {
                { "alice", "wrong", "mail" },
                { "bob", PASSWORD, "mail" },
                { "bob", "wrong", "mail" },
                { "carol", PASSWORD, "mail" },
                { "nobody-at-all", "x", "mail" },
                { "nobody-at-all", "x", "\b\n\r\177" }, /* what sshd makes of it */
                { "No body", "x", "\b\n\r\177" },
        };
        Fixture *f = *state;
        Talk first, other;
        uint64_t late;

        setup_mail(f);
        make_user(f, "bob"); /* without an address */
        set_password(f, "bob", PASSWORD);
        make_user(f, "carol"); /* suspended */
        set_password(f, "carol", PASSWORD);
        update_text(f, "carol", USER_FIELD_EMAIL, "carol@acme.example");
        step_user(f, "carol", STATUS_STEP_SUSPEND);
        policy_put(f, "factor.enrol-within", "never", NULL);
        fixture_flush(f);
        late = record_of(f, "alice", PASSWORD, "mail", &first); /* who gets one */
        assert_int_equal(f->mails, 1);
        assert_int_equal(late, MAIL_ASKED_USEC);
        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                fixture_pass(f, HOUR); /* no answer is late for another reason */
                assert_int_equal(record_of(f, rows[i].user, rows[i].password, rows[i].word, &other),
                                 late);
                if (strcmp(rows[i].password, PASSWORD) == 0)
                        continue; /* bob and carol did prove themselves: their ends differ */
                assert_string_equal(other.record, first.record);
        }
        assert_int_equal(f->mails, 1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                STORY(password_and_a_mailed_code_let_in),
                STORY(a_mailed_code_counts_once),
                STORY(of_parallel_logins_with_one_mailed_code_one_gets_in),
                STORY(three_wrong_ones_are_all),
                STORY(of_many_wrong_ones_at_once_three_are_looked_at),
                STORY(guesses_without_the_password_use_up_no_try),
                STORY(it_is_good_for_ten_minutes),
                STORY(it_is_good_where_it_was_asked_for),
                STORY(a_new_one_takes_the_place_of_the_old),
                STORY(another_address_ends_it),
                STORY(the_address_is_not_its_owners_to_change),
                STORY(who_may_not_log_in_gets_none),
                STORY(a_key_and_a_mailed_code_let_in),
                STORY(a_vault_that_is_away_sends_nothing),
                STORY(off_as_shipped_it_is_a_wrong_code),
                STORY(to_other_users_here_it_is_not_offered),
                STORY(an_address_alone_asks_for_nothing),
                STORY(a_mail_system_that_is_down_opens_nothing),
                STORY(it_is_not_hardware),
                STORY(who_has_an_app_may_take_a_mail_instead),
                STORY(without_a_clock_a_mailed_code_lets_in),
                STORY(a_pending_user_gets_one_for_his_setup_code),
                STORY(it_changes_no_stronger_factor),
                STORY(the_report_says_what_the_login_goes_by),
                STORY(asking_twice_says_nothing_either),
                STORY(asking_says_nothing_to_a_stranger),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
