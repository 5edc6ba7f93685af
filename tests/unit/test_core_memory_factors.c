/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* No memory, at every place in turn, while second factors are enrolled, used and taken away: once
 * for each allocation, with that one failing.  Every call is answered once, nothing leaks or is
 * half done, and whoever has a factor never gets in by less. */

#include "tests/unit/memory_day.h"
#include "tests/unit/token_fixture.h"

static void enrolled(void *userdata, int r, uint32_t number, const Secret *key, const Secret *uri,
                     const CoreChange *change, const CoreError *error) {
        (*(size_t *)userdata)++;
}

static void listed(void *userdata, int r, const Secret *codes, const CoreChange *change,
                   const CoreError *error) {
        (*(size_t *)userdata)++;
}

static void say_to(Talk *talk, const char *answer) {
        memory_on();
        talk_answer_only(talk, answer);
        memory_off();
        vault(talk->f);
}

/* A dialogue with these answers, "" to what is only shown; whoever has a factor never gets in by
 * less. */
static Talk dialogue(Fixture *f, uid_t uid, const char *service, const char *const *answers) {
        Talk talk = talk_new(f, 1, uid);

        talk.peer.process = (CoreProcess){ 101, 7 };
        memory_on();
        talk_begin(&talk, "authenticate", "alice", service, 0);
        memory_off();
        for (; talk.r == 0 && talk.step.kind != CORE_STEP_DONE && *answers; answers++) {
                say_to(&talk, *answers);
                while (talk.r == 0 && talk.step.kind == CORE_STEP_SHOW)
                        say_to(&talk, "");
        }
        return talk;
}

static void factor_verbs(Fixture *f, const Talk *talk, uint32_t number, const char *code) {
        static const CoreFactorSpec spec = { "totp", "phone", { CORE_ALGORITHM_SHA1, 6, 30 } };
        _cleanup_secret_ Secret *secret = NULL;
        size_t answers = 0, taken = 0;

        must(base_secret_new(code, strlen(code), &secret));
        memory_on();
        if (number == 0)
                taken = core_factor_enrol(f->core, &talk->peer, "alice", &spec, talk->login,
                                          &f->options, f->now, enrolled, &answers, &f->error) == 0;
        else
                taken = core_factor_confirm(f->core, &talk->peer, "alice", number, secret,
                                            &f->options, f->now, listed, &answers, &f->error) == 0;
        memory_off();
        vault(f);
        assert_int_equal(answers, taken);
}

static void active_factor(void *userdata, const CoreFactor *factor) {
        *(bool *)userdata = *(bool *)userdata || factor->active;
}

static bool has_active(Fixture *f) {
        bool active = false;

        (void)core_factor_list(f->core, "alice", active_factor, &active, &f->error);
        return active;
}

static void shown_factor(void *userdata, const CoreFactor *factor) {
        *(uint32_t *)userdata = factor->number;
}

static uint32_t newest_factor(Fixture *f) {
        uint32_t number = 0;

        (void)core_factor_list(f->core, "alice", shown_factor, &number, &f->error);
        return number;
}

/* Enrolled by himself, a code given, taken away; then in a login that has to. */
static void factors(Fixture *f) {
        static const char *const proof[] = { "newer", NULL };
        char text[POLICY_VALUE_TEXT_MAX];
        size_t answers = 0;
        uint32_t number;
        Talk talk;

        talk = dialogue(f, FIRST, "umctl", proof);
        factor_verbs(f, &talk, 0, "");
        number = newest_factor(f);
        if (number != 0)
                factor_verbs(f, &talk, number, code_at(number, step_now(f)));
        core_login_hangup(f->core, 1);
        talk = dialogue(f, FIRST, "umctl",
                        (const char *const[]){ "newer", code_at(number, step_now(f) + 1), NULL });
        memory_on();
        if (core_recovery_create(f->core, &talk.peer, "alice", talk.login, &f->options, f->now,
                                 listed, &answers, &f->error) < 0)
                answers = 0;
        memory_off();
        vault(f);
        core_login_hangup(f->core, 1);
        talk = dialogue(f, 0, "sshd", (const char *const[]){ "newer", "000000", NULL });
        assert_false(talk.r == 0 && talk.step.verdict == CORE_VERDICT_ALLOW && has_active(f));
        core_login_hangup(f->core, 1);
        memory_on();
        (void)core_factor_list(f->core, "alice", shown_factor, &number, &f->error);
        (void)core_factors_reset(f->core, &f->root, "alice", &f->options, f->now, &f->change,
                                 &f->error);
        (void)core_policy_set(f->core, &f->root, &POLICY_OF("alice"), "factor.required", "on",
                              &f->options, f->now, text, &f->change, &f->error);
        (void)core_policy_set(f->core, &f->root, &POLICY_OF("alice"), "factor.enrol-within", "0",
                              &f->options, f->now, text, &f->change, &f->error);
        memory_off();
        talk = dialogue(f, 0, "sshd",
                        (const char *const[]){ "newer", "", code_at(number + 2, step_now(f)),
                                               NULL });
        core_login_hangup(f->core, 1);
}

/* A code by e-mail: asked for, sent, given wrong, then right if it came. */
static void mails(Fixture *f) {
        Talk talk;

        talk = dialogue(f, 0, "sshd", (const char *const[]){ "newer", "mail", "nonsense", NULL });
        assert_false(talk.r == 0 && talk.step.verdict == CORE_VERDICT_ALLOW);
        core_login_hangup(f->core, 1);
        flush(f);
        memory_on();
        fixture_wake(f);
        memory_off();
        talk = dialogue(f, 0, "sshd", (const char *const[]){ "newer", "000000", NULL });
        assert_false(talk.r == 0 && talk.step.verdict == CORE_VERDICT_ALLOW &&
                     strcmp(f->mailed, "000000") != 0);
        core_login_hangup(f->core, 1);
        talk = dialogue(f, 0, "sshd", (const char *const[]){ "newer", f->mailed, NULL });
        assert_false(talk.r == 0 && talk.step.verdict == CORE_VERDICT_ALLOW && f->mails == 0);
        core_login_hangup(f->core, 1);
}

static void every_allocation_of_a_mail_may_fail(void **state) {
        for (memory_first(); memory_next();) {
                void *f;

                fixture_setup(&f);
                make_user(f, "alice");
                set_password(f, "alice", "newer");
                update_text(f, "alice", USER_FIELD_EMAIL, "alice@acme.example");
                policy_put(f, "factor.methods", "+email-code", NULL);
                policy_put(f, "factor.required", "on", NULL);
                policy_put(f, "factor.enrol-within", "0", NULL);
                flush(f);
                mails(f);
                flush(f);
                fixture_teardown(&f);
        }
        assert_true(memory.at > 60);
}

/* A forgotten password: the code asked for, given, and a new password chosen by it. */
static void resets(Fixture *f) {
        Talk talk;

        talk = dialogue(f, 0, "sshd", (const char *const[]){ "", "reset", NULL });
        core_login_hangup(f->core, 1);
        flush(f);
        memory_on();
        fixture_wake(f);
        memory_off();
        talk = dialogue(f, 0, "sshd", (const char *const[]){ "", "00000000", NULL });
        assert_false(talk.r == 0 && talk.step.verdict == CORE_VERDICT_ALLOW &&
                     strcmp(f->mailed, "00000000") != 0);
        core_login_hangup(f->core, 1);
        talk = dialogue(f, 0, "sshd", (const char *const[]){ "", f->mailed, NULL });
        assert_false(talk.r == 0 && talk.step.verdict == CORE_VERDICT_ALLOW && f->mails == 0);
        memory_on();
        talk_begin(&talk, "change-password", "alice", "sshd", LOGIN_FLAG_EXPIRED);
        memory_off();
        for (int i = 0; i < 2 && talk.r == 0 && talk.step.kind == CORE_STEP_ASK_HIDDEN; i++)
                say_to(&talk, "newest");
        core_login_hangup(f->core, 1);
}

static void every_allocation_of_a_reset_may_fail(void **state) {
        for (memory_first(); memory_next();) {
                void *f;

                fixture_setup(&f);
                make_user(f, "alice");
                set_password(f, "alice", "newer");
                update_text(f, "alice", USER_FIELD_EMAIL, "alice@acme.example");
                policy_put(f, "password.reset-by-email", "on", NULL);
                flush(f);
                resets(f);
                flush(f);
                fixture_teardown(&f);
        }
        assert_true(memory.at > 60);
}

/* ---- security keys ----------------------------------------------------------------------------
 */

static Tokens tokens;

/* um-fido has something to say, if it was asked. */
static void say(Fixture *f, const CoreTokenAnswer *answer) {
        if (!tokens.done)
                return;
        memory_on();
        tokens_answer(f, &tokens, answer);
        memory_off();
}

/* A dialogue in which the key is there, is touched, and its PIN is right. */
static void by_key(Fixture *f, Talk *talk, uid_t uid, const char *operation, const char *service) {
        const CoreTokenAnswer answer = { .result = CORE_TOKEN_OK,
                                         .counter = 5,
                                         .verified = true,
                                         .verifies = true,
                                         .wants_pin = true,
                                         .id_len = 3,
                                         .id = { 'x' } };

        tokens = (Tokens){ .id = 1 };
        *talk = talk_new(f, 1, uid);
        talk->rhost = talk->ruser = "";
        talk->peer.ancestors[0] = (CoreProcess){ 20, 200 };
        talk->peer.ancestor_count = 1;
        memory_on();
        talk_begin(talk, operation, "alice", service, 0);
        memory_off();
        for (int i = 0; i < 12 && talk->r == 0 && talk->step.kind != CORE_STEP_DONE; i++) {
                const char *text = talk->step.kind != CORE_STEP_ASK_HIDDEN ? ""
                                   : strcmp(talk->step.secret, "pin") == 0 ? "1234"
                                                                           : "newer";

                memory_on();
                talk_answer_only(talk, text);
                memory_off();
                vault(f);
                while (tokens.done)
                        say(f, &answer);
        }
}

static void enrol_key(Fixture *f) {
        static const CoreFactorSpec spec = { "fido2", "yubi", { CORE_ALGORITHM_SHA1, 6, 0 } };
        _cleanup_secret_ Secret *none = NULL;
        size_t answers = 0, taken;
        Talk talk;

        must(base_secret_new("", 0, &none));
        by_key(f, &talk, FIRST, "enrol-key", "umctl");
        memory_on();
        taken = core_factor_enrol(f->core, &talk.peer, "alice", &spec, talk.login, &f->options,
                                  f->now, enrolled, &answers, &f->error) == 0;
        memory_off();
        assert_int_equal(answers, taken);
        answers = 0;
        memory_on();
        taken = core_factor_confirm(f->core, &talk.peer, "alice", newest_factor(f), none,
                                    &f->options, f->now, listed, &answers, &f->error) == 0;
        memory_off();
        vault(f);
        assert_int_equal(answers, taken);
        core_login_hangup(f->core, 1);
}

static void opened(void *userdata, int r, const char *session, const CoreStep *step,
                   const CoreError *error) {
}

static void keys(Fixture *f) {
        CoreLoginContext context = talk_context("", "alice", "login", 0);
        Talk talk = talk_new(f, 9, 0);

        tokens_use(f, &tokens);
        context.rhost = "";
        talk.peer.process = (CoreProcess){ 20, 200 };
        core_session_open(f->core, &talk.peer, &context, "", f->now, opened, NULL);
        enrol_key(f);
        by_key(f, &talk, 0, "authenticate", "login");
        if (talk.r == 0 && talk.step.kind == CORE_STEP_DONE && has_active(f))
                assert_true(talk.step.verdict != CORE_VERDICT_ALLOW || tokens.asked > 0);
        core_login_hangup(f->core, 1);
}

static void every_allocation_of_a_key_may_fail(void **state) {
        for (memory_first(); memory_next();) {
                void *f;

                fixture_setup(&f);
                make_user(f, "alice");
                set_password(f, "alice", "newer");
                flush(f);
                keys(f);
                flush(f);
                fixture_teardown(&f);
        }
        assert_true(memory.at > 100); /* the wrapping is there */
}

static void every_allocation_may_fail(void **state) {
        for (memory_first(); memory_next();) {
                void *f;

                fixture_setup(&f);
                make_user(f, "alice");
                set_password(f, "alice", "newer");
                flush(f);
                factors(f);
                flush(f);
                fixture_teardown(&f);
        }
        assert_true(memory.at > 300); /* the wrapping is there */
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_allocation_may_fail),
                cmocka_unit_test(every_allocation_of_a_mail_may_fail),
                cmocka_unit_test(every_allocation_of_a_reset_may_fail),
                cmocka_unit_test(every_allocation_of_a_key_may_fail),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
