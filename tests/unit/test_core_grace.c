/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A second factor that is not asked again for a while, and what ends that. */

#include "tests/unit/factor_fixture.h"

static CoreVerdict login_whole(Talk *talk, uint32_t number) {
        answer_password(talk, "alice", PASSWORD);
        if (talk->step.kind == CORE_STEP_ASK_SHOWN) {
                talk_answer(talk, code_at(number, step_now(talk->f)));
                must(talk->r);
        }
        return talk_authorize(talk, "alice", "sshd");
}

static void a_grace_holds_for_the_same_way_in(void **state) {
        Fixture *f = *state;
        uint32_t number = setup_alice(f, POLICY_METHOD_TOTP);
        Talk talk = talk_new(f, 1, 0), elsewhere = talk_new(f, 2, 0);

        elsewhere.rhost = "192.0.2.8";
        policy_put(f, "factor.required", "on", NULL);
        policy_put(f, "factor.grace", "8h", NULL);
        assert_int_equal(login_whole(&talk, number), CORE_VERDICT_ALLOW);
        assert_int_equal(f->guessed, 1);
        f->now += 8 * HOUR - 1;
        assert_int_equal(login_whole(&talk, number), CORE_VERDICT_ALLOW);
        assert_int_equal(f->guessed, 1); /* not asked */
        answer_password(&elsewhere, "alice", PASSWORD);
        assert_int_equal(elsewhere.step.kind, CORE_STEP_ASK_SHOWN);
        talk_begin(&talk, "authenticate", "alice", "login", 0);
        talk_answer(&talk, PASSWORD);
        assert_int_equal(talk.step.kind, CORE_STEP_ASK_SHOWN);
        talk.auth_info = KEY; /* a key is another way */
        talk_begin(&talk, "authenticate", "alice", "sshd", 0);
        assert_int_equal(talk.step.kind, CORE_STEP_ASK_SHOWN);
        talk.login[0] = '\0'; /* and a key alone is none */
        assert_int_equal(talk_authorize(&talk, "alice", "sshd"), CORE_VERDICT_DENIED);
        talk.auth_info = NULL;
        f->now += 1;
        answer_password(&talk, "alice", PASSWORD);
        assert_int_equal(talk.step.kind, CORE_STEP_ASK_SHOWN);
}

/* By strangers, elsewhere: she herself is not locked out. */
static void lock_out(Fixture *f) {
        Talk talk = talk_new(f, 9, 0);

        talk.rhost = "198.51.100.7";
        for (int i = 0; i < 5; i++)
                assert_int_equal(two(&talk, "alice", "no", "000000"), CORE_VERDICT_BAD_PROOF);
        fixture_flush(f);
}

static void events_end_a_grace(void **state) {
        Fixture *f = *state;
        uint32_t number = setup_alice(f, POLICY_METHOD_TOTP);
        Talk talk = talk_new(f, 1, 0);

        policy_put(f, "factor.grace", "8h", NULL);
        policy_put(f, "password.history", "0", NULL); /* the same one may be set again */
        for (int event = 0; event < 5; event++) {
                f->now += 60 * USEC_PER_SEC;
                assert_int_equal(login_whole(&talk, number), CORE_VERDICT_ALLOW);
                answer_password(&talk, "alice", PASSWORD);
                assert_int_equal(talk.step.kind, CORE_STEP_DONE);
                switch (event) {
                case 0:
                        set_password(f, "alice", PASSWORD);
                        break;
                case 1:
                        for (int lock = 1; lock >= 0; lock--)
                                must(core_user_lock(f->core, &f->root, "alice", lock, &f->options,
                                                    f->now, &f->change, &f->error));
                        break;
                case 2:
                        lock_out(f);
                        break;
                case 3:
                        fixture_flush(f);
                        fixture_reopen(f);
                        break;
                case 4:
                        f->now -= 70 * USEC_PER_SEC; /* a clock that went back */
                        break;
                }
                answer_password(&talk, "alice", PASSWORD);
                if (talk.step.kind != CORE_STEP_ASK_SHOWN)
                        fail_msg("event %d", event);
        }
}

/* At the console it would be whoever sits there next. */
static void where_there_is_no_address_there_is_no_grace(void **state) {
        Fixture *f = *state;
        uint32_t number = setup_alice(f, POLICY_METHOD_TOTP);
        Talk talk = talk_new(f, 1, 0);

        talk.rhost = "";
        policy_put(f, "factor.grace", "8h", NULL);
        assert_int_equal(login_whole(&talk, number), CORE_VERDICT_ALLOW);
        answer_password(&talk, "alice", PASSWORD);
        assert_int_equal(talk.step.kind, CORE_STEP_ASK_SHOWN);
}

static void a_shorter_span_counts_at_once(void **state) {
        Fixture *f = *state;
        uint32_t number = setup_alice(f, POLICY_METHOD_TOTP);
        Talk talk = talk_new(f, 1, 0);

        policy_put(f, "factor.grace", "8h", NULL);
        assert_int_equal(login_whole(&talk, number), CORE_VERDICT_ALLOW);
        f->now += HOUR;
        policy_put(f, "factor.grace", "1h", NULL);
        answer_password(&talk, "alice", PASSWORD);
        assert_int_equal(talk.step.kind, CORE_STEP_ASK_SHOWN);
}

static void a_login_that_failed_makes_no_grace(void **state) {
        Fixture *f = *state;
        uint32_t number = setup_alice(f, POLICY_METHOD_TOTP);
        Talk talk = talk_new(f, 1, 0);

        policy_put(f, "factor.grace", "8h", NULL);
        assert_int_equal(two(&talk, "alice", "no", code_at(number, step_now(f))),
                         CORE_VERDICT_BAD_PROOF);
        assert_int_equal(talk_authorize(&talk, "alice", "sshd"), CORE_VERDICT_DENIED);
        answer_password(&talk, "alice", PASSWORD);
        assert_int_equal(talk.step.kind, CORE_STEP_ASK_SHOWN);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                STORY(a_grace_holds_for_the_same_way_in),
                STORY(events_end_a_grace),
                STORY(where_there_is_no_address_there_is_no_grace),
                STORY(a_shorter_span_counts_at_once),
                STORY(a_login_that_failed_makes_no_grace),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
