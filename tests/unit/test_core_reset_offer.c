/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A forgotten password: who may have a code for it, where it is offered, what asking costs, and
 * that nothing of it tells who exists. */

#include "tests/unit/reset_fixture.h"

/* ---- who ---------------------------------------------------------------------------------- */

static void who_may_not_log_in_gets_no_code(void **state) {
        Fixture *f = *state;
        Talk talk = login_new(f, 1);
        UserSpec spec = {
                .text = { [USER_FIELD_NAME] = "dora", [USER_FIELD_EMAIL] = "dora@acme.example" },
                .pending = true
        };

        setup_reset(f);
        step_user(f, "alice", STATUS_STEP_SUSPEND);
        ask_reset(&talk, "alice");
        step_user(f, "alice", STATUS_STEP_RESUME);
        must(core_user_lock(f->core, &f->root, "alice", true, &f->options, f->now, &f->change,
                            &f->error));
        ask_reset(&talk, "alice");
        must(core_user_lock(f->core, &f->root, "alice", false, &f->options, f->now, &f->change,
                            &f->error));
        policy_put(f, "password.reset-by-email", "off", "alice");
        ask_reset(&talk, "alice");
        policy_put(f, "password.reset-by-email", "on", "alice");
        update_text(f, "alice", USER_FIELD_EMAIL, "");
        ask_reset(&talk, "alice");
        must(core_user_create(f->core, &f->root, &spec, &f->options, f->now, &f->change,
                              &f->error));
        ask_reset(&talk, "dora"); /* without a password to forget */
        assert_int_equal(f->mails, 0);
        assert_int_equal(f->job_count, 0);
        update_text(f, "alice", USER_FIELD_EMAIL, ADDRESS);
        ask_reset(&talk, "alice");
        assert_int_equal(f->mails, 1);
}

/* Between the code and the end of it. */
static void what_is_done_to_the_account_meanwhile_holds(void **state) {
        Fixture *f = *state;
        Talk talk = login_new(f, 1);

        setup_reset(f);
        ask_reset(&talk, "alice");
        policy_put(f, "password.reset-by-email", "off", "alice");
        assert_int_equal(give(&talk, f->mailed), CORE_VERDICT_BAD_PROOF);
        policy_put(f, "password.reset-by-email", "on", "alice");
        ask_reset(&talk, "alice");
        step_user(f, "alice", STATUS_STEP_SUSPEND);
        assert_int_equal(give(&talk, f->mailed), CORE_VERDICT_ALLOW); /* account refuses */
        assert_int_equal(talk_authorize(&talk, "alice", "sshd"), CORE_VERDICT_DENIED);
        step_user(f, "alice", STATUS_STEP_RESUME);
        ask_reset(&talk, "alice");
        assert_int_equal(give(&talk, f->mailed), CORE_VERDICT_ALLOW);
        must(core_user_lock(f->core, &f->root, "alice", true, &f->options, f->now, &f->change,
                            &f->error));
        assert_int_equal(choose(&talk, FRESH), CORE_VERDICT_BAD_PROOF);
        assert_int_equal(talk_open(&talk, "alice", "sshd"), CORE_VERDICT_DENIED);
}

/* The last stage of C2 is "refused", and stays that. */
static void an_expired_password_is_counted_as_ever(void **state) {
        Fixture *f = *state;
        Talk talk = login_new(f, 1);

        setup_reset(f);
        policy_put(f, "password.max-age", "1d", NULL);
        policy_put(f, "password.grace-logins", "1", NULL);
        f->now += 2 * DAY;
        for (int i = 0; i < 2; i++) {
                ask_reset(&talk, "alice");
                assert_int_equal(give(&talk, f->mailed), CORE_VERDICT_ALLOW);
                assert_int_equal(talk_authorize(&talk, "alice", "sshd"),
                                 i == 0 ? CORE_VERDICT_RENEW : CORE_VERDICT_DENIED);
        }
        assert_string_equal(audit_line(f, 0), "authorize deny password-grace-used user/alice");
}

/* ---- where -------------------------------------------------------------------------------- */

static void it_is_offered_by_the_rules_and_the_place_alone(void **state) {
        static const struct {
                const char *service, *rhost, *ruser;
                uid_t peer;
                bool offered;
        } rows[] = {
                { "sshd", "192.0.2.7", "", 0, true }, { "login", "", "", 0, true },
                { "gdm-password", "", "", 0, true },  { "su", "", "bob", 0, false },
                { "sudo", "", "alice", 0, false },    { "polkit-1", "", "", 0, false },
                { "cron", "", "", 0, false },         { "chsh", "", "alice", 0, false },
                { "swaylock", "", "", FIRST, false }, { "umctl", "", "", FIRST, false },
        };
        Fixture *f = *state;

        setup_reset(f);
        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                Talk talk = login_new(f, 1);

                talk.peer.actor.uid = rows[i].peer;
                talk.rhost = rows[i].rhost;
                talk.ruser = rows[i].ruser;
                talk_begin(&talk, "authenticate", "alice", rows[i].service, 0);
                assert_int_equal(talk.step.may_be_empty, rows[i].offered);
                talk_answer(&talk, "");
                assert_int_equal(talk.step.kind == CORE_STEP_DONE, !rows[i].offered);
                core_login_hangup(f->core, 1);
        }
}

static void without_the_rule_or_mail_it_is_not_there(void **state) {
        Fixture *f = *state;
        Talk talk = login_new(f, 1), nobody = talk_new(f, 2, 0);

        setup_reset(f);
        nobody.peer.process = (CoreProcess){ 0 }; /* nothing could go on with it */
        talk_begin(&nobody, "authenticate", "alice", "sshd", 0);
        assert_false(nobody.step.may_be_empty);
        f->mail_gone = true;
        talk_begin(&talk, "authenticate", "alice", "sshd", 0);
        assert_false(talk.step.may_be_empty);
        f->mail_gone = false;
        policy_put(f, "password.reset-by-email", "off", NULL);
        policy_put(f, "password.reset-by-email", "on", "alice"); /* would tell of her */
        talk_begin(&talk, "authenticate", "alice", "sshd", 0);
        assert_false(talk.step.may_be_empty);
        assert_string_equal(talk.step.text, "Password: ");
        talk_answer(&talk, "");
        assert_int_equal(talk.step.verdict, CORE_VERDICT_BAD_PROOF);
}

static void nothing_leads_back_to_the_password(void **state) {
        Fixture *f = *state;
        Talk talk = login_new(f, 1);

        setup_reset(f);
        forget(&talk, "alice");
        for (int i = 0; i < 2; i++) {
                talk_answer(&talk, "");
                assert_true(talk.step.may_be_empty);
                talk_answer(&talk, "");
                assert_string_equal(talk.step.secret, "code");
        }
        talk_answer(&talk, "");
        assert_false(talk.step.may_be_empty); /* it does not go on for ever */
        assert_string_equal(talk.step.text, "Password: ");
        talk_answer(&talk, PASSWORD);
        assert_int_equal(talk.step.verdict, CORE_VERDICT_ALLOW);
        assert_int_equal(talk_authorize(&talk, "alice", "sshd"), CORE_VERDICT_ALLOW);
        assert_int_equal(f->mails, 0);
        ask_reset(&talk, "alice"); /* nor does the mail do anything to it */
        talk_answer(&talk, "");
        talk_answer(&talk, PASSWORD);
        assert_int_equal(talk.step.verdict, CORE_VERDICT_ALLOW);
        assert_int_equal(talk_authorize(&talk, "alice", "sshd"), CORE_VERDICT_ALLOW);
}

/* ---- strangers ---------------------------------------------------------------------------- */

static void asking_and_guessing_are_charged(void **state) {
        Fixture *f = *state;
        Talk talk = login_new(f, 1);

        setup_reset(f);
        policy_put(f, "lockout.attempts", "2", NULL);
        ask_reset(&talk, "alice");
        core_login_hangup(f->core, 1);
        assert_int_equal(by_code(&talk, "alice", wrong_code(f)), CORE_VERDICT_BAD_PROOF);
        assert_int_equal(by_code(&talk, "alice", f->mailed), CORE_VERDICT_BAD_PROOF);
        assert_string_equal(audit_line(f, 0), "authenticate deny lockout user/alice");
        ask_reset(&talk, "alice"); /* looks the same */
        assert_int_equal(f->mails, 1);
        fixture_pass(f, HOUR);
        ask_reset(&talk, "alice");
        assert_int_equal(f->mails, 2);
        assert_int_equal(give(&talk, f->mailed), CORE_VERDICT_ALLOW); /* nothing stays */
        assert_int_equal(log_in(&talk, "alice", "wrong"), CORE_VERDICT_BAD_PROOF);
        assert_int_equal(log_in(&talk, "alice", PASSWORD), CORE_VERDICT_ALLOW);
}

static void a_throttled_network_has_none_sent(void **state) {
        Fixture *f = *state;
        Talk talk = login_new(f, 1);

        setup_reset(f);
        policy_put(f, "lockout.source-attempts", "2", NULL);
        for (int i = 0; i < 2; i++) {
                ask_reset(&talk, "nobody-there");
                core_login_hangup(f->core, 1);
        }
        ask_reset(&talk, "alice");
        assert_int_equal(f->mails, 0);
}

static void nothing_goes_out_before_it_is_charged(void **state) {
        Fixture *f = *state;
        Talk talk = login_new(f, 1);

        setup_reset(f);
        f->charges_wait = true;
        forget(&talk, "alice");
        talk_answer_only(&talk, "reset");
        fixture_wake(f);
        assert_int_equal(f->job_count, 0);
        f->charges_wait = false;
        (void)core_flush(f->core);
        fixture_wake(f);
        assert_int_equal(talk.step.kind, CORE_STEP_WAIT);
        assert_int_equal(f->job_count, 0); /* nor beside the answer */
        talk_wait(&talk);
        expect_asked(&talk, CORE_STEP_ASK_SHOWN, SENT);
        mail_settle(f);
        assert_int_equal(f->mails, 1);
}

/* What each of these words is answered later than it was given, in one dialogue. */
static void lateness_of(Fixture *f, const char *user, uint64_t pause_usec, uint64_t ret[static 3]) {
        static const char *const words[] = { "reset", "", "reset" };
        Talk talk = login_new(f, 1);

        fixture_pass(f, HOUR); /* no answer is late for another reason, and no mail is too many */
        ask_reset(&talk, user);
        for (size_t i = 0; i < ARRAY_LENGTH(words); i++) {
                uint64_t began;

                fixture_pass(f, pause_usec);
                began = f->boottime;
                talk_answer(&talk, words[i]);
                assert_int_equal(talk.step.kind,
                                 words[i][0] ? CORE_STEP_ASK_SHOWN : CORE_STEP_ASK_HIDDEN);
                ret[i] = f->boottime - began;
                mail_settle(f);
                if (!words[i][0])
                        talk_answer(&talk, "");
        }
        core_login_hangup(f->core, 1);
}

/* The work for one request would show in the answer to the next. */
static void whoever_asks_again_waits_until_all_is_over(void **state) {
        static const struct {
                uint64_t pause_usec, late[3];
        } rows[] = {
                { 0, { MAIL_ASKED_USEC, MAIL_ASKED_USEC, USEC_PER_SEC / 2 } },
                { USEC_PER_SEC, { USEC_PER_SEC, USEC_PER_SEC, USEC_PER_SEC / 2 } },
                { MINUTE, { USEC_PER_SEC / 2, 0, USEC_PER_SEC / 2 } },
        };
        static const char *const names[] = { "alice", "bob", "nobody-there" };
        Fixture *f = *state;

        setup_reset(f);
        make_user(f, "bob"); /* without an address */
        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++)
                for (size_t n = 0; n < ARRAY_LENGTH(names); n++) {
                        uint64_t late[3];

                        lateness_of(f, names[n], rows[i].pause_usec, late);
                        assert_memory_equal(late, rows[i].late, sizeof(late));
                }
        assert_int_equal(f->mails, 3 * ARRAY_LENGTH(rows));
}

/* Nor is what it leads to itself done beside the answer. */
static void an_answer_is_out_before_its_work_begins(void **state) {
        Fixture *f = *state;
        Talk talk = login_new(f, 1);

        setup_reset(f);
        ask_reset(&talk, "alice");
        talk_answer_only(&talk, "reset");
        fixture_pass(f, MAIL_ASKED_USEC - 1);
        assert_int_equal(f->job_count, 0);
        talk_wait(&talk);
        expect_asked(&talk, CORE_STEP_ASK_SHOWN, SENT);
        fixture_wake(f);
        assert_int_equal(f->job_count, 1);
}

/* A whole dialogue as sshd has it, which answers with nonsense of the same length in the place of a
 * person whose name resolves nowhere; and how late its end is. */
static uint64_t record_of(Fixture *f, const char *user, const char *word, const char *code,
                          Talk *ret) {
        uint64_t began;

        *ret = login_new(f, 7);
        talk_begin(ret, "authenticate", user, "sshd", 0);
        talk_answer(ret, "");
        talk_answer(ret, word);
        began = f->boottime;
        mail_settle(f);
        talk_answer(ret, code);
        if (ret->step.kind != CORE_STEP_DONE)
                talk_answer(ret, "000000");
        assert_int_equal(ret->step.kind, CORE_STEP_DONE);
        return f->boottime - began;
}

static void nothing_of_it_tells_who_exists(void **state) {
        static const char *const others[] = { "bob", "carol", "dave", "nobody-at-all", "No body" };
        Fixture *f = *state;
        Talk first, other;
        uint64_t late;

        setup_reset(f);
        make_user(f, "bob"); /* without an address */
        set_password(f, "bob", PASSWORD);
        make_user(f, "carol"); /* suspended */
        set_password(f, "carol", PASSWORD);
        update_text(f, "carol", USER_FIELD_EMAIL, "carol@acme.example");
        step_user(f, "carol", STATUS_STEP_SUSPEND);
        make_user(f, "dave"); /* switched off for him */
        set_password(f, "dave", PASSWORD);
        update_text(f, "dave", USER_FIELD_EMAIL, "dave@acme.example");
        policy_put(f, "password.reset-by-email", "off", "dave");
        for (int required = 0; required < 2; required++) {
                policy_put(f, "factor.required", required ? "on" : "off", NULL);
                fixture_pass(f, HOUR);
                late = record_of(f, "alice", "reset", "12345678", &first); /* who gets one */
                assert_int_equal(late, MAIL_ASKED_USEC);
                for (size_t i = 0; i < ARRAY_LENGTH(others); i++) {
                        fixture_pass(f, HOUR); /* no answer is late for another reason */
                        assert_int_equal(record_of(f, others[i], "\b\n\r\177I", "\b\n\r\177INCO",
                                                   &other),
                                         late);
                        assert_string_equal(other.record, first.record);
                }
        }
        assert_int_equal(f->mails, 2);
}

/* A second factor's prompt tells nothing of the work behind the mail either. */
static void what_comes_behind_the_code_is_as_late_as_the_end(void **state) {
        Fixture *f = *state;
        Talk talk = login_new(f, 1);

        setup_reset(f);
        policy_put(f, "factor.required", "on", NULL);
        ask_reset(&talk, "alice");
        f->answers_wait = true;
        talk_answer(&talk, f->mailed);
        assert_int_equal(talk.step.kind, CORE_STEP_WAIT);
        f->answers_wait = false;
        talk_wait(&talk);
        assert_int_equal(talk.step.kind, CORE_STEP_ASK_SHOWN);
}

static void a_vault_that_is_away_gives_no_guess_back(void **state) {
        Fixture *f = *state;
        Talk talk = login_new(f, 1);

        setup_reset(f);
        policy_put(f, "factor.required", "on", NULL);
        ask_reset(&talk, "alice");
        for (int i = 0; i < 3; i++) {
                talk_answer(&talk, wrong_code(f));
                assert_string_equal(talk.step.text, "One-time code (empty if you have none): ");
                f->vault_gone = true;
                assert_int_equal(give(&talk, "000000"), CORE_VERDICT_UNAVAILABLE);
                f->vault_gone = false;
                forget(&talk, "alice");
        }
        talk_answer(&talk, f->mailed);
        assert_int_equal(give(&talk, ""), CORE_VERDICT_BAD_PROOF);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                STORY(who_may_not_log_in_gets_no_code),
                STORY(what_is_done_to_the_account_meanwhile_holds),
                STORY(an_expired_password_is_counted_as_ever),
                STORY(it_is_offered_by_the_rules_and_the_place_alone),
                STORY(without_the_rule_or_mail_it_is_not_there),
                STORY(nothing_leads_back_to_the_password),
                STORY(asking_and_guessing_are_charged),
                STORY(a_throttled_network_has_none_sent),
                STORY(nothing_goes_out_before_it_is_charged),
                STORY(whoever_asks_again_waits_until_all_is_over),
                STORY(an_answer_is_out_before_its_work_begins),
                STORY(nothing_of_it_tells_who_exists),
                STORY(what_comes_behind_the_code_is_as_late_as_the_end),
                STORY(a_vault_that_is_away_gives_no_guess_back),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
