/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* chauthtok: who is asked for the current password, what a new one may not be, and the end. */

#include "tests/unit/core_fixture.h"

#include "umd/core/login.h"

#define SELF LOGIN_FLAG_ASK_CURRENT
#define DUE  LOGIN_FLAG_EXPIRED

static void setup_alice(Fixture *f) {
        make_user(f, "alice");
        set_password(f, "alice", "old one");
        fixture_flush(f);
}

static void begin(Talk *talk, const char *user, uint32_t flags) {
        talk_begin(talk, "change-password", user, "passwd", flags);
        must(talk->r);
}

static void expect_ask(const Talk *talk, const char *text, const char *secret) {
        assert_int_equal(talk->step.kind, CORE_STEP_ASK_HIDDEN);
        assert_string_equal(talk->step.text, text);
        assert_string_equal(talk->step.secret, secret);
}

static void expect_end(const Talk *talk, CoreVerdict verdict) {
        must(talk->r);
        assert_int_equal(talk->step.kind, CORE_STEP_DONE);
        assert_int_equal(talk->step.verdict, verdict);
}

static void expect_shown(Talk *talk, const char *text) {
        assert_int_equal(talk->step.kind, CORE_STEP_SHOW);
        assert_true(talk->step.is_error);
        assert_string_equal(talk->step.text, text);
        talk_answer(talk, "");
        expect_ask(talk, "New password: ", "new-password");
}

static void oneself_is_asked_for_the_current_one(void **state) {
        static const struct {
                uid_t peer;
                uint32_t flags;
                const char *current, *fresh;
        } rows[] = { { FIRST, 0, "old one", "new one" }, { 0, SELF, "new one", "third one" } };
        Fixture *f = *state;

        setup_alice(f);
        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                Talk talk = talk_new(f, 1, rows[i].peer);

                begin(&talk, "alice", rows[i].flags);
                expect_ask(&talk, "Current password: ", "password");
                talk_answer(&talk, rows[i].current);
                expect_ask(&talk, "New password: ", "new-password");
                talk_answer(&talk, rows[i].fresh);
                expect_ask(&talk, "New password again: ", "new-password-again");
                talk_answer(&talk, rows[i].fresh);
                expect_end(&talk, CORE_VERDICT_ALLOW);
                assert_string_equal(audit_line(f, 0), "user.password done  user/alice");
                talk.peer.actor.uid = 0;
                assert_int_equal(log_in(&talk, "alice", rows[i].fresh), CORE_VERDICT_ALLOW);
        }
}

static void counted(void *userdata, const CoreAuditEntry *entry) {
        assert_string_equal(entry->via, "pam");
        assert_string_equal(entry->service, "passwd");
        (*(size_t *)userdata)++;
}

static void who_changed_it_is_the_person_not_the_program(void **state) {
        CoreAuditFilter filter = { .actor = "alice",
                                   .until_usec = USEC_INFINITY,
                                   .verb = "user.password" };
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0);
        uint64_t cursor;
        size_t count = 0;

        setup_alice(f);
        begin(&talk, "alice", SELF);
        talk_answer(&talk, "old one");
        talk_answer(&talk, "new one");
        talk_answer(&talk, "new one");
        expect_end(&talk, CORE_VERDICT_ALLOW);
        must(core_audit_list(f->core, &f->root, &filter, 0, 10, counted, &count, &cursor,
                             &f->error));
        assert_int_equal(count, 1);
}

static void root_is_not_asked(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0);

        setup_alice(f);
        must(core_user_lock(f->core, &f->root, "alice", true, &f->options, f->now, &f->change,
                            &f->error));
        begin(&talk, "alice", 0);
        expect_ask(&talk, "New password: ", "new-password");
        talk_answer(&talk, "old one");
        talk_answer(&talk, "old one"); /* the vault knows it for the same */
        expect_shown(&talk, "The new password must differ from the current one.");
        f->vault_says = CORE_PROOF_MATCH;
        talk_answer(&talk, "new one");
        talk_answer(&talk, "new one");
        expect_end(&talk, CORE_VERDICT_ALLOW);
}

static void root_may_replace_what_the_vault_cannot_read(void **state) {
        static const CoreProofResult says[] = { CORE_PROOF_FAULT, CORE_PROOF_THROTTLED };
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0);

        setup_alice(f);
        for (size_t i = 0; i < ARRAY_LENGTH(says); i++) {
                begin(&talk, "alice", 0);
                talk_answer(&talk, "new one");
                talk_answer_only(&talk, "new one");
                f->vault_says = says[i];
                fixture_vault_one(f);
                f->vault_says = CORE_PROOF_MATCH;
                fixture_vault(f);
                expect_end(&talk, CORE_VERDICT_ALLOW);
        }
        begin(&talk, "alice", 0);
        talk_answer(&talk, "other");
        f->vault_says = CORE_PROOF_BUSY;
        talk_answer(&talk, "other");
        expect_end(&talk, CORE_VERDICT_UNAVAILABLE);
}

static void a_wrong_current_one_ends_it(void **state) {
        static const char *const wrong[] = { "wrong", "" };
        Fixture *f = *state;

        setup_alice(f);
        for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++) {
                Talk talk = talk_new(f, 1, FIRST);

                begin(&talk, "alice", 0);
                talk_answer(&talk, wrong[i]);
                expect_end(&talk, CORE_VERDICT_BAD_PROOF);
                assert_string_equal(talk.step.text, "");
                assert_string_equal(audit_line(f, 0), "change-password deny bad-proof user/alice");
        }
}

static void a_bad_new_one_is_asked_for_again_twice(void **state) {
        char longer[BASE_PASSWORD_MAX + 2];
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, FIRST);

        setup_alice(f);
        memset(longer, 'x', sizeof(longer));
        longer[sizeof(longer) - 1] = '\0';
        begin(&talk, "alice", 0);
        talk_answer(&talk, "old one");
        talk_answer(&talk, "");
        expect_shown(&talk, "No password was given.");
        talk_answer(&talk, longer);
        expect_shown(&talk, "A password may have at most 511 bytes.");
        talk_answer(&talk, "alice");
        expect_end(&talk, CORE_VERDICT_CHANGE_FAILED);
        assert_string_equal(talk.step.text,
                            "The new password must not have the user's name in it.");
        begin(&talk, "alice", 0);
        talk_answer(&talk, "old one");
        talk_answer_bytes(&talk, "a\0b", 3);
        expect_shown(&talk, "A password may not have a NUL byte.");
        talk_answer(&talk, "old one");
        expect_shown(&talk, "The new password must not be like the current one.");
        talk_answer(&talk, "new one");
        talk_answer(&talk, "new two");
        expect_end(&talk, CORE_VERDICT_CHANGE_FAILED);
        assert_string_equal(talk.step.text, "The passwords do not match.");
        talk.peer.actor.uid = 0;
        assert_int_equal(log_in(&talk, "alice", "old one"), CORE_VERDICT_ALLOW);
}

static void what_is_not_due_is_left_alone(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0);

        setup_alice(f);
        begin(&talk, "alice", DUE);
        expect_end(&talk, CORE_VERDICT_ALLOW);
        must(core_user_must_change(f->core, &f->root, "alice", &f->options, f->now, &f->change,
                                   &f->error));
        begin(&talk, "alice", DUE);
        expect_ask(&talk, "Current password: ", "password");
        talk_answer(&talk, "old one");
        talk_answer(&talk, "new one");
        talk_answer(&talk, "new one");
        expect_end(&talk, CORE_VERDICT_ALLOW);
        begin(&talk, "alice", DUE);
        expect_end(&talk, CORE_VERDICT_ALLOW);
}

static void after_a_setup_code_there_is_no_current_one(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0);

        setup_alice(f);
        make_code(f, "alice");
        assert_int_equal(log_in(&talk, "alice", f->code), CORE_VERDICT_ALLOW);
        assert_int_equal(talk_authorize(&talk, "alice", "sshd"), CORE_VERDICT_RENEW);
        assert_int_equal(talk_open(&talk, "alice", "sshd"), CORE_VERDICT_ALLOW);
        begin(&talk, "alice", SELF); /* passwd, run by sshd in that session */
        expect_ask(&talk, "New password: ", "new-password");
        talk_answer(&talk, "new one");
        talk_answer(&talk, "new one");
        expect_end(&talk, CORE_VERDICT_ALLOW);
        assert_int_equal(log_in(&talk, "alice", "new one"), CORE_VERDICT_ALLOW);
        assert_int_equal(talk_authorize(&talk, "alice", "sshd"), CORE_VERDICT_ALLOW);
        begin(&talk, "alice", SELF); /* it is changed: the code no longer helps */
        expect_ask(&talk, "Current password: ", "password");
}

static void a_code_of_ten_minutes_ago_helps_nobody(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0);

        make_user(f, "alice");
        make_code(f, "alice");
        log_in(&talk, "alice", f->code);
        f->now += LOGIN_TTL_USEC + 1;
        begin(&talk, "alice", SELF);
        expect_end(&talk, CORE_VERDICT_CHANGE_FAILED);
        assert_string_equal(talk.step.text,
                            "There is no password to change: ask for a setup code.");
}

static void whose_account_is_closed_changes_nothing(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, FIRST);

        setup_alice(f);
        step_user(f, "alice", STATUS_STEP_SUSPEND);
        begin(&talk, "alice", 0);
        talk_answer(&talk, "old one");
        expect_end(&talk, CORE_VERDICT_DENIED);
        assert_string_equal(talk.step.reason, "status-suspended");
        assert_memory_equal(talk.step.text, "Access refused: account suspended. Reference um-", 48);
        step_user(f, "alice", STATUS_STEP_RESUME);
        must(core_user_lock(f->core, &f->root, "alice", true, &f->options, f->now, &f->change,
                            &f->error));
        begin(&talk, "alice", 0);
        talk_answer(&talk, "old one");
        expect_end(&talk, CORE_VERDICT_BAD_PROOF);
        assert_string_equal(talk.step.text, "");
}

static void closed_in_the_middle_of_it_too(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, FIRST);

        setup_alice(f);
        begin(&talk, "alice", 0);
        talk_answer(&talk, "old one");
        talk_answer(&talk, "new one");
        talk_answer_only(&talk, "new one");
        step_user(f, "alice", STATUS_STEP_DISABLE);
        fixture_vault(f);
        expect_end(&talk, CORE_VERDICT_DENIED);
        assert_string_equal(talk.step.reason, "status-inactive");
}

static void another_who_changes_it_meanwhile_wins(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, FIRST);

        setup_alice(f);
        begin(&talk, "alice", 0);
        talk_answer(&talk, "old one");
        talk_answer(&talk, "new one");
        set_password(f, "alice", "by root");
        talk_answer(&talk, "new one");
        expect_end(&talk, CORE_VERDICT_CHANGE_FAILED);
        assert_string_equal(talk.step.text, "The password was changed by somebody else meanwhile.");
        talk.peer.actor.uid = 0;
        assert_int_equal(log_in(&talk, "alice", "by root"), CORE_VERDICT_ALLOW);
}

static void names_that_are_not_ours_are_somebody_elses(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0);

        setup_alice(f);
        f->held_user = "root";
        begin(&talk, "root", 0);
        expect_end(&talk, CORE_VERDICT_UNKNOWN_USER);
        begin(&talk, "nobody", 0);
        expect_end(&talk, CORE_VERDICT_UNKNOWN_USER);
        begin(&talk, "alice", 0);
        talk_answer(&talk, "new one");
        step_user(f, "alice", STATUS_STEP_DELETE);
        talk_answer(&talk, "new one");
        expect_end(&talk, CORE_VERDICT_UNKNOWN_USER);
        begin(&talk, "alice", 0);
        expect_end(&talk, CORE_VERDICT_UNKNOWN_USER);
}

static void a_vault_that_is_away_changes_nothing(void **state) {
        static const CoreProofResult says[] = { CORE_PROOF_BUSY, CORE_PROOF_FAULT };
        Fixture *f = *state;

        setup_alice(f);
        for (size_t i = 0; i < ARRAY_LENGTH(says); i++) {
                Talk talk = talk_new(f, 1, FIRST);

                begin(&talk, "alice", 0);
                f->vault_says = says[i];
                talk_answer(&talk, "old one");
                expect_end(&talk, CORE_VERDICT_UNAVAILABLE);
                f->vault_says = CORE_PROOF_MATCH;
                begin(&talk, "alice", 0);
                talk_answer(&talk, "old one");
                talk_answer(&talk, "new one");
                f->vault_says = says[i];
                talk_answer(&talk, "new one");
                expect_end(&talk, CORE_VERDICT_UNAVAILABLE);
                f->vault_says = CORE_PROOF_THROTTLED;
                begin(&talk, "alice", 0);
                talk_answer(&talk, "old one");
                expect_end(&talk, CORE_VERDICT_BAD_PROOF);
                assert_string_equal(audit_line(f, 0), "change-password deny throttled user/alice");
                f->vault_says = CORE_PROOF_MATCH;
                f->vault_gone = true;
                begin(&talk, "alice", 0);
                talk_answer(&talk, "old one");
                expect_end(&talk, CORE_VERDICT_UNAVAILABLE);
                f->vault_gone = false;
        }
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                STORY(oneself_is_asked_for_the_current_one),
                STORY(who_changed_it_is_the_person_not_the_program),
                STORY(root_is_not_asked),
                STORY(root_may_replace_what_the_vault_cannot_read),
                STORY(a_wrong_current_one_ends_it),
                STORY(a_bad_new_one_is_asked_for_again_twice),
                STORY(what_is_not_due_is_left_alone),
                STORY(after_a_setup_code_there_is_no_current_one),
                STORY(a_code_of_ten_minutes_ago_helps_nobody),
                STORY(whose_account_is_closed_changes_nothing),
                STORY(closed_in_the_middle_of_it_too),
                STORY(another_who_changes_it_meanwhile_wins),
                STORY(names_that_are_not_ours_are_somebody_elses),
                STORY(a_vault_that_is_away_changes_nothing),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
