/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Security keys in logins: who is asked for one and where, what a touch is worth, and that nobody
 * waits for one that does not come. */

#include "tests/unit/token_fixture.h"

static Tokens tokens; /* of the story that runs */

static int setup(void **state) {
        int r = fixture_setup(state);
        Fixture *f = *state;

        tokens = (Tokens){ 0 };
        tokens_use(f, &tokens);
        assert_int_equal(make_user(f, "alice"), FIRST);
        set_password(f, "alice", PASSWORD);
        return r;
}

static int teardown(void **state) {
        Fixture *f = *state;

        core_login_hangup(f->core, 1);
        core_login_hangup(f->core, 2);
        tokens_end(f, &tokens);
        return fixture_teardown(state);
}

#define TOKEN_STORY(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* The talk goes on once um-fido has answered OK to the look for it. */
static void is_plugged_in(Fixture *f) {
        assert_int_equal(tokens.request.op, CORE_TOKEN_LOOK);
        tokens_say(f, &tokens, CORE_TOKEN_OK);
}

static void is_told_to_touch(const Talk *talk) {
        assert_int_equal(talk->step.kind, CORE_STEP_WAIT);
        assert_string_equal(talk->step.text, "Touch the security key now.");
        assert_int_equal(tokens.request.op, CORE_TOKEN_ASSERT);
}

/* Touched while the peer waits. */
static void touch(Fixture *f, Talk *talk, uint32_t counter) {
        const CoreTokenAnswer answer = touched(counter);

        talk_answer_only(talk, "");
        tokens_answer(f, &tokens, &answer);
        must(talk->r);
        if (talk->step.kind == CORE_STEP_WAIT)
                talk_wait(talk);
}

/* A whole login at the console. */
static CoreVerdict by_touch(Fixture *f, const char *password, uint32_t counter) {
        Talk talk;

        at_console(f, &talk, 1, password);

        is_plugged_in(f);
        is_told_to_touch(&talk);
        touch(f, &talk, counter);
        core_login_hangup(f->core, 1);
        return talk.step.verdict;
}

/* ---- a touch ----------------------------------------------------------------------------------
 */

static void password_and_touch_let_in(void **state) {
        Fixture *f = *state;
        uint32_t number = give_token(f, FIRST, 'a', false, 0);
        Talk talk;

        at_console(f, &talk, 1, PASSWORD);

        assert_int_equal(tokens.request.credential_count, 1);
        assert_int_equal(tokens.ids[0], 'a');
        assert_memory_equal(tokens.rp, "um:", 3);
        assert_int_equal(strlen(tokens.rp), 3 + 32);
        is_plugged_in(f);
        is_told_to_touch(&talk);
        assert_memory_equal(tokens.request.challenge + 32, talk.login, 32);
        touch(f, &talk, 5);
        assert_int_equal(talk.step.kind, CORE_STEP_DONE);
        assert_int_equal(talk.step.verdict, CORE_VERDICT_ALLOW);
        assert_int_equal(next_of(f, FIRST, number), 6);
        assert_string_equal(audit_line(f, 0), "authenticate allow  user/alice");
        assert_int_equal(talk_authorize(&talk, "alice", "login"), CORE_VERDICT_ALLOW);
}

/* It may be touched before pam_um has shown that it waits. */
static void a_touch_before_the_peer_asks_counts_when_it_does(void **state) {
        Fixture *f = *state;
        Talk talk;

        give_token(f, FIRST, 'a', false, 0);
        at_console(f, &talk, 1, PASSWORD);
        is_plugged_in(f);
        is_told_to_touch(&talk);
        tokens_say(f, &tokens, CORE_TOKEN_OK);
        assert_int_equal(talk.step.kind, CORE_STEP_WAIT);
        talk_answer_only(&talk, "");
        assert_int_equal(talk.step.verdict, CORE_VERDICT_ALLOW);
}

static void challenges_are_new_each_time(void **state) {
        Fixture *f = *state;
        uint8_t first[CORE_TOKEN_CHALLENGE_BYTES];

        give_token(f, FIRST, 'a', false, 0);
        assert_int_equal(by_touch(f, PASSWORD, 5), CORE_VERDICT_ALLOW);
        memcpy(first, tokens.request.challenge, sizeof(first));
        assert_int_equal(by_touch(f, PASSWORD, 6), CORE_VERDICT_ALLOW);
        assert_memory_not_equal(first, tokens.request.challenge, 32);
        assert_memory_not_equal(first + 32, tokens.request.challenge + 32, 32);
}

static void a_wrong_password_meets_the_same_steps_and_uses_nothing_up(void **state) {
        Fixture *f = *state;
        uint32_t number = give_token(f, FIRST, 'a', false, 3);

        assert_int_equal(by_touch(f, "wrong", 5), CORE_VERDICT_BAD_PROOF);
        assert_int_equal(next_of(f, FIRST, number), 3);
        assert_string_equal(audit_line(f, 0), "authenticate deny bad-proof user/alice");
}

static void a_counter_that_goes_back_is_a_copy(void **state) {
        Fixture *f = *state;
        uint32_t number = give_token(f, FIRST, 'a', false, 0);

        assert_int_equal(by_touch(f, PASSWORD, 5), CORE_VERDICT_ALLOW);
        assert_int_equal(by_touch(f, PASSWORD, 5), CORE_VERDICT_BAD_PROOF);
        assert_string_equal(audit_line(f, 0), "authenticate deny key-counter user/alice");
        assert_int_equal(by_touch(f, PASSWORD, 0), CORE_VERDICT_BAD_PROOF);
        assert_int_equal(next_of(f, FIRST, number), 6);
        assert_int_equal(by_touch(f, PASSWORD, 6), CORE_VERDICT_ALLOW);
        assert_int_equal(by_touch(f, PASSWORD, UINT32_MAX), CORE_VERDICT_ALLOW);
        assert_int_equal(by_touch(f, PASSWORD, UINT32_MAX), CORE_VERDICT_BAD_PROOF);
}

static void a_key_that_never_counts_is_taken(void **state) {
        Fixture *f = *state;
        uint32_t number = give_token(f, FIRST, 'a', false, 0);

        assert_int_equal(by_touch(f, PASSWORD, 0), CORE_VERDICT_ALLOW);
        assert_int_equal(by_touch(f, PASSWORD, 0), CORE_VERDICT_ALLOW);
        assert_int_equal(next_of(f, FIRST, number), 0);
}

/* Of several the one that answered is the one that counts. */
static void any_of_several_keys_will_do(void **state) {
        CoreTokenAnswer answer = touched(9);
        Fixture *f = *state;
        uint32_t numbers[2];
        Talk talk;

        numbers[0] = give_token(f, FIRST, 'a', false, 0);
        numbers[1] = give_token(f, FIRST, 'b', false, 0);
        at_console(f, &talk, 1, PASSWORD);
        assert_int_equal(tokens.request.credential_count, 2);
        is_plugged_in(f);
        is_told_to_touch(&talk);
        talk_answer_only(&talk, "");
        answer.which = 1;
        tokens_answer(f, &tokens, &answer);
        assert_int_equal(talk.step.verdict, CORE_VERDICT_ALLOW);
        assert_int_equal(next_of(f, FIRST, numbers[0]), 0);
        assert_int_equal(next_of(f, FIRST, numbers[1]), 10);
}

static void a_key_that_was_taken_away_meanwhile_is_none(void **state) {
        Fixture *f = *state;
        Talk talk;

        give_token(f, FIRST, 'a', false, 0);
        policy_put(f, "factor.required", "on", NULL);
        at_console(f, &talk, 1, PASSWORD);
        is_plugged_in(f);
        is_told_to_touch(&talk);
        must(core_factors_reset(f->core, &f->root, "alice", &f->options, f->now, &f->change,
                                &f->error));
        give_token(f, FIRST, 'c', false, 0);
        touch(f, &talk, 5);
        assert_int_equal(talk.step.verdict, CORE_VERDICT_BAD_PROOF);
}

static void a_locked_out_user_is_not_let_in_by_a_touch(void **state) {
        Fixture *f = *state;

        give_token(f, FIRST, 'a', false, 0);
        policy_put(f, "lockout.attempts", "2", NULL);
        assert_int_equal(by_touch(f, "wrong", 1), CORE_VERDICT_BAD_PROOF);
        assert_int_equal(by_touch(f, "wrong", 2), CORE_VERDICT_BAD_PROOF);
        assert_int_equal(by_touch(f, PASSWORD, 3), CORE_VERDICT_BAD_PROOF);
        assert_string_equal(audit_line(f, 0), "authenticate deny lockout user/alice");
}

/* ---- what it is worth -------------------------------------------------------------------------
 */

static void hardware_is_a_key_that_verified_its_user(void **state) {
        CoreTokenAnswer answer = touched(5);
        Fixture *f = *state;
        Talk talk;

        policy_put(f, "factor.required", "hardware", NULL);
        policy_put(f, "factor.enrol-within", "0", NULL);
        give_token(f, FIRST, 'a', false, 0);
        assert_int_equal(by_touch(f, PASSWORD, 5), CORE_VERDICT_DENIED);
        give_token(f, FIRST, 'b', true, 0);
        at_console(f, &talk, 1, PASSWORD);
        assert_false(tokens.request.credentials[0].verify);
        assert_true(tokens.request.credentials[1].verify);
        is_plugged_in(f);
        is_told_to_touch(&talk);
        talk_answer_only(&talk, "");
        answer.which = 1;
        answer.verified = true;
        tokens_answer(f, &tokens, &answer);
        assert_int_equal(talk.step.verdict, CORE_VERDICT_ALLOW);
        assert_int_equal(talk_authorize(&talk, "alice", "login"), CORE_VERDICT_ALLOW);
        core_login_hangup(f->core, 1);
        /* the other one of hers is not enough any more */
        assert_int_equal(by_touch(f, PASSWORD, 9), CORE_VERDICT_DENIED);
        assert_string_equal(audit_line(f, 0), "authenticate deny strength user/alice");
}

/* um-fido judged so already; core does not take its word where it contradicts itself. */
static void a_key_that_should_have_verified_and_did_not_is_none(void **state) {
        Fixture *f = *state;
        Talk talk;

        give_token(f, FIRST, 'a', true, 0);
        at_console(f, &talk, 1, PASSWORD);
        is_plugged_in(f);
        is_told_to_touch(&talk);
        touch(f, &talk, 5);
        assert_int_equal(talk.step.kind, CORE_STEP_ASK_SHOWN);
}

/* ---- the PIN ----------------------------------------------------------------------------------
 */

static void asked_for_pin(Fixture *f, Talk *talk) {
        give_token(f, FIRST, 'a', true, 0);
        at_console(f, talk, 1, PASSWORD);
        tokens_answer(f, &tokens, &(CoreTokenAnswer){ .result = CORE_TOKEN_OK, .wants_pin = true });
        assert_int_equal(talk->step.kind, CORE_STEP_ASK_HIDDEN);
        assert_string_equal(talk->step.secret, "pin");
}

static void a_pin_goes_with_the_question(void **state) {
        CoreTokenAnswer answer = touched(5);
        Fixture *f = *state;
        Talk talk;

        asked_for_pin(f, &talk);
        talk_answer_only(&talk, "1234");
        is_told_to_touch(&talk);
        assert_string_equal(tokens.pin, "1234");
        talk_answer_only(&talk, "");
        answer.verified = true;
        tokens_answer(f, &tokens, &answer);
        assert_int_equal(talk.step.verdict, CORE_VERDICT_ALLOW);
}

static void a_wrong_pin_may_be_typed_once_more(void **state) {
        Fixture *f = *state;
        Talk talk;

        asked_for_pin(f, &talk);
        for (int i = 0; i < 2; i++) {
                talk_answer_only(&talk, "0000");
                is_told_to_touch(&talk);
                talk_answer_only(&talk, "");
                if (i == 0) {
                        tokens_say(f, &tokens, CORE_TOKEN_PIN_WRONG);
                        assert_int_equal(talk.step.kind, CORE_STEP_ASK_HIDDEN);
                }
        }
        tokens_say(f, &tokens, CORE_TOKEN_PIN_WRONG);
        assert_int_equal(talk.step.kind, CORE_STEP_ASK_SHOWN);
        assert_non_null(strstr(talk.step.text, "not the PIN"));
        talk_answer(&talk, "000000");
        assert_int_equal(talk.step.verdict, CORE_VERDICT_BAD_PROOF);
}

static void what_can_be_no_pin_asks_no_key(void **state) {
        char longer[CORE_TOKEN_PIN_MAX + 2] = { 0 };
        Fixture *f = *state;
        size_t asked;
        Talk talk;

        asked_for_pin(f, &talk);
        asked = tokens.asked;
        memset(longer, '1', CORE_TOKEN_PIN_MAX + 1);
        talk_answer_only(&talk, longer);
        assert_int_equal(talk.step.kind, CORE_STEP_ASK_HIDDEN);
        talk_answer_bytes(&talk,
                          "12\0"
                          "34",
                          5);
        assert_int_equal(talk.step.kind, CORE_STEP_ASK_SHOWN);
        assert_int_equal(tokens.asked, asked);
}

static void no_pin_at_all_leads_to_the_next_method(void **state) {
        Fixture *f = *state;
        Talk talk;

        asked_for_pin(f, &talk);
        talk_answer_only(&talk, "");
        assert_int_equal(talk.step.kind, CORE_STEP_ASK_SHOWN);
        assert_string_equal(talk.step.secret, "code");
}

/* ---- other methods ----------------------------------------------------------------------------
 */

static void without_a_key_the_next_method_is_offered(void **state) {
        static const CoreTokenResult results[] = { CORE_TOKEN_ABSENT,   CORE_TOKEN_BUSY,
                                                   CORE_TOKEN_FAULT,    CORE_TOKEN_DENIED,
                                                   CORE_TOKEN_UNPROVED, CORE_TOKEN_TIMEOUT };
        Fixture *f = *state;
        uint32_t totp = give_factor(f, FIRST, POLICY_METHOD_TOTP, "");

        give_token(f, FIRST, 'a', false, 0);
        for (size_t i = 0; i < ARRAY_LENGTH(results); i++) {
                Talk talk;

                at_console(f, &talk, 1, PASSWORD);

                assert_int_equal(talk.step.kind, CORE_STEP_ASK_SHOWN);
                assert_non_null(strstr(talk.step.text, " 1) fido2\n 2) totp\n"));
                talk_answer_only(&talk, ""); /* the first */
                tokens_say(f, &tokens, results[i]);
                assert_int_equal(talk.step.kind, CORE_STEP_ASK_SHOWN);
                assert_non_null(strstr(talk.step.text, "security key"));
                assert_non_null(strstr(talk.step.text, "\nOne-time code: "));
                fixture_pass(f, 60 * USEC_PER_SEC);
                talk_answer(&talk, code_at(totp, step_now(f)));
                assert_int_equal(talk.step.verdict, CORE_VERDICT_ALLOW);
                core_login_hangup(f->core, 1);
        }
}

static void a_code_may_be_chosen_instead(void **state) {
        Fixture *f = *state;
        uint32_t totp = give_factor(f, FIRST, POLICY_METHOD_TOTP, "");
        Talk talk;

        give_token(f, FIRST, 'a', false, 0);
        at_console(f, &talk, 1, PASSWORD);
        talk_answer_only(&talk, "7"); /* there is none */
        assert_non_null(strstr(talk.step.text, "1) fido2"));
        talk_answer_only(&talk, "2");
        assert_int_equal(tokens.asked, 0);
        talk_answer(&talk, code_at(totp, step_now(f)));
        assert_int_equal(talk.step.verdict, CORE_VERDICT_ALLOW);
}

static void um_fido_that_is_gone_leads_to_the_next_method_at_once(void **state) {
        Fixture *f = *state;
        Talk talk;

        give_token(f, FIRST, 'a', false, 0);
        tokens.gone = true;
        at_console(f, &talk, 1, PASSWORD);
        assert_int_equal(talk.step.kind, CORE_STEP_ASK_SHOWN);
        assert_string_equal(talk.step.secret, "code");
}

static void a_method_that_is_not_permitted_is_not_asked_for(void **state) {
        Fixture *f = *state;
        Talk talk;

        give_token(f, FIRST, 'a', false, 0);
        policy_put(f, "factor.methods", "-fido2", NULL);
        at_console(f, &talk, 1, PASSWORD);
        assert_int_equal(tokens.asked, 0);
        assert_int_equal(talk.step.kind, CORE_STEP_ASK_SHOWN);
        talk_answer(&talk, "000000");
        assert_int_equal(talk.step.verdict, CORE_VERDICT_DENIED);
}

/* ---- waiting ----------------------------------------------------------------------------------
 */

static void a_peer_that_waits_hears_so_every_few_seconds(void **state) {
        Fixture *f = *state;
        Talk talk;

        give_token(f, FIRST, 'a', false, 0);
        at_console(f, &talk, 1, PASSWORD);
        is_plugged_in(f);
        for (int i = 0; i < 10; i++) {
                talk_wait(&talk);
                assert_int_equal(talk.step.kind, CORE_STEP_WAIT);
                assert_string_equal(talk.step.text, "");
        }
        assert_int_equal(f->now - NOW, 30 * USEC_PER_SEC);
        talk_wait(&talk);
        assert_int_equal(talk.step.kind, CORE_STEP_ASK_SHOWN); /* um-fido is silent */
        assert_non_null(strstr(talk.step.text, "not touched"));
        assert_int_equal(tokens.cancelled, tokens.id);
}

static void a_look_that_takes_too_long_is_over(void **state) {
        Fixture *f = *state;
        Talk talk;

        give_token(f, FIRST, 'a', false, 0);
        at_console(f, &talk, 1, PASSWORD);
        fixture_pass(f, 3 * USEC_PER_SEC);
        assert_int_equal(talk.step.kind, CORE_STEP_WAIT);
        talk_answer_only(&talk, "");
        fixture_pass(f, 2 * USEC_PER_SEC);
        assert_int_equal(talk.step.kind, CORE_STEP_ASK_SHOWN);
        assert_int_equal(tokens.cancelled, tokens.id);
}

static void who_hangs_up_lets_the_key_go(void **state) {
        Fixture *f = *state;
        Talk talk;

        give_token(f, FIRST, 'a', false, 0);
        at_console(f, &talk, 1, PASSWORD);
        is_plugged_in(f);
        is_told_to_touch(&talk);
        core_login_hangup(f->core, 1);
        assert_int_equal(tokens.cancelled, tokens.id);
        tokens_say(f, &tokens, CORE_TOKEN_OK); /* to nobody */
}

static void one_touch_of_a_person_is_waited_for_at_a_time(void **state) {
        Fixture *f = *state;
        Talk first, second;

        give_token(f, FIRST, 'a', false, 0);
        at_console(f, &first, 1, PASSWORD);
        is_plugged_in(f);
        is_told_to_touch(&first);
        at_console(f, &second, 2, PASSWORD);
        assert_int_equal(second.step.kind, CORE_STEP_ASK_SHOWN);
        assert_non_null(strstr(second.step.text, "in use"));
        touch(f, &first, 5);
        assert_int_equal(first.step.verdict, CORE_VERDICT_ALLOW);
}

/* ---- where ------------------------------------------------------------------------------------
 */

/* Is she asked for a touch where this says she is? */
static bool is_asked(Fixture *f, const char *service, const char *rhost, const char *ruser) {
        Talk talk = talk_new(f, 1, 0);
        size_t asked = tokens.asked;

        talk.rhost = rhost;
        talk.ruser = ruser;
        talk_begin(&talk, "authenticate", "alice", service, 0);
        must(talk.r);
        talk_answer(&talk, PASSWORD);
        core_login_hangup(f->core, 1);
        tokens_end(f, &tokens);
        return tokens.asked > asked;
}

static void it_is_asked_for_at_the_console_alone(void **state) {
        static const struct {
                const char *service, *rhost, *ruser;
                bool asked;
        } rows[] = {
                { "login", "", "", true },           { "gdm-password", "", "", true },
                { "login", "192.0.2.7", "", false }, { "login", "somewhere", "", false },
                { "sshd", "192.0.2.7", "", false },  { "sshd", "", "", false },
                { "vsftpd", "", "", false },         { "su", "", "bob", false },
                { "sudo", "", "bob", false },        { "login", "", "root", false },
                { "sudo", "", "alice", false }, /* nobody knows where from */
        };
        Fixture *f = *state;

        give_token(f, FIRST, 'a', false, 0);
        policy_put(f, "factor.required", "on", NULL);
        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++)
                if (is_asked(f, rows[i].service, rows[i].rhost, rows[i].ruser) != rows[i].asked)
                        fail_msg("%s from \"%s\" by \"%s\"", rows[i].service, rows[i].rhost,
                                 rows[i].ruser);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TOKEN_STORY(password_and_touch_let_in),
                TOKEN_STORY(a_touch_before_the_peer_asks_counts_when_it_does),
                TOKEN_STORY(challenges_are_new_each_time),
                TOKEN_STORY(a_wrong_password_meets_the_same_steps_and_uses_nothing_up),
                TOKEN_STORY(a_counter_that_goes_back_is_a_copy),
                TOKEN_STORY(a_key_that_never_counts_is_taken),
                TOKEN_STORY(any_of_several_keys_will_do),
                TOKEN_STORY(a_key_that_was_taken_away_meanwhile_is_none),
                TOKEN_STORY(a_locked_out_user_is_not_let_in_by_a_touch),
                TOKEN_STORY(hardware_is_a_key_that_verified_its_user),
                TOKEN_STORY(a_key_that_should_have_verified_and_did_not_is_none),
                TOKEN_STORY(a_pin_goes_with_the_question),
                TOKEN_STORY(a_wrong_pin_may_be_typed_once_more),
                TOKEN_STORY(what_can_be_no_pin_asks_no_key),
                TOKEN_STORY(no_pin_at_all_leads_to_the_next_method),
                TOKEN_STORY(without_a_key_the_next_method_is_offered),
                TOKEN_STORY(a_code_may_be_chosen_instead),
                TOKEN_STORY(um_fido_that_is_gone_leads_to_the_next_method_at_once),
                TOKEN_STORY(a_method_that_is_not_permitted_is_not_asked_for),
                TOKEN_STORY(a_peer_that_waits_hears_so_every_few_seconds),
                TOKEN_STORY(a_look_that_takes_too_long_is_over),
                TOKEN_STORY(who_hangs_up_lets_the_key_go),
                TOKEN_STORY(one_touch_of_a_person_is_waited_for_at_a_time),
                TOKEN_STORY(it_is_asked_for_at_the_console_alone),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
