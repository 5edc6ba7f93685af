/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the session proved that sudo runs in (FEATURES B11). */

#include "tests/unit/factor_fixture.h"

static CoreProcess holder_of(pid_t pid) {
        return (CoreProcess){ .pid = pid, .start_ticks = 5000 + (uint64_t)pid };
}

static Talk session_with_code(Fixture *f, uint32_t number, pid_t pid) {
        Talk talk = talk_new(f, (uint64_t)pid, 0);

        talk_begin(&talk, "authenticate", "alice", "sshd", 0);
        talk_answer(&talk, PASSWORD);
        talk_answer(&talk, code_at(number, step_now(f)));
        assert_int_equal(talk.step.verdict, CORE_VERDICT_ALLOW);
        talk.peer.process = holder_of(pid);
        talk_open(&talk, "alice", "sshd");
        assert_int_equal(talk.step.verdict, CORE_VERDICT_ALLOW);
        return talk;
}

/* Is alice's password enough for the service, from a process below those? */
static bool is_enough(Fixture *f, const char *service, const CoreProcess *ancestors, size_t count) {
        Talk talk = talk_new(f, 99, 0);
        bool enough;

        talk.rhost = "";
        talk.ruser = "alice";
        for (size_t i = 0; i < count; i++)
                talk.peer.ancestors[i] = ancestors[i];
        talk.peer.ancestor_count = count;
        talk_begin(&talk, "authenticate", "alice", service, 0);
        talk_answer(&talk, PASSWORD);
        enough = talk.step.kind == CORE_STEP_DONE;
        if (enough) {
                assert_int_equal(talk.step.verdict, CORE_VERDICT_ALLOW);
                assert_int_equal(talk_authorize(&talk, "alice", service), CORE_VERDICT_ALLOW);
        }
        core_login_hangup(f->core, 99);
        return enough;
}

static void what_the_session_proved_counts_for_sudo(void **state) {
        const CoreProcess shell = holder_of(300), hers = holder_of(100), other = holder_of(101),
                          reused = { 100, 9999 };
        Fixture *f = *state;
        uint32_t number = setup_alice(f, POLICY_METHOD_TOTP);
        Talk session;

        policy_put(f, "factor.required", "on", NULL);
        session = session_with_code(f, number, 100);
        assert_false(is_enough(f, "sudo", NULL, 0));
        assert_false(is_enough(f, "sudo", (CoreProcess[]){ shell, other }, 2));
        assert_false(is_enough(f, "sudo", (CoreProcess[]){ shell, reused }, 2));
        assert_false(is_enough(f, "sshd", (CoreProcess[]){ shell, hers }, 2));
        assert_true(is_enough(f, "sudo", (CoreProcess[]){ shell, hers }, 2));
        assert_true(is_enough(f, "su", (CoreProcess[]){ shell, hers }, 2));
        assert_true(is_enough(f, "polkit-1", (CoreProcess[]){ hers }, 1));
        policy_put(f, "factor.required", "hardware", NULL);
        assert_false(is_enough(f, "sudo", (CoreProcess[]){ shell, hers }, 2));
        policy_put(f, "factor.required", "on", NULL);
        core_session_close(f->core, session.session, f->now);
        assert_false(is_enough(f, "sudo", (CoreProcess[]){ shell, hers }, 2));
}

static void only_the_nearest_session_counts_and_only_its_user(void **state) {
        const CoreProcess hers = holder_of(100), inner = holder_of(200);
        Fixture *f = *state;
        uint32_t number = setup_alice(f, POLICY_METHOD_TOTP);
        Talk bob = talk_new(f, 2, 0);

        policy_put(f, "factor.required", "on", NULL);
        session_with_code(f, number, 100);
        make_user(f, "bob");
        bob.peer.process = inner; /* sudo -u bob, a shell, and in it sudo as alice */
        policy_put(f, "factor.required", "off", "bob");
        talk_open(&bob, "bob", "su");
        assert_int_equal(bob.step.verdict, CORE_VERDICT_ALLOW);
        assert_false(is_enough(f, "sudo", (CoreProcess[]){ inner, hers }, 2));
        assert_true(is_enough(f, "sudo", (CoreProcess[]){ hers, inner }, 2));
}

static void a_session_nobody_proved_himself_for_proves_nothing(void **state) {
        const CoreProcess hers = holder_of(100);
        Fixture *f = *state;
        Talk talk;

        setup_alice(f, POLICY_METHOD_TOTP);
        policy_put(f, "factor.required", "on", NULL);
        talk = talk_new(f, 5, 0);
        talk.peer.process = hers;
        talk_open(&talk, "alice", "cron"); /* which asks nobody */
        assert_int_equal(talk.step.verdict, CORE_VERDICT_ALLOW);
        assert_false(is_enough(f, "sudo", (CoreProcess[]){ hers }, 1));
}

static uint32_t failures_of(Fixture *f) {
        _cleanup_(core_user_freep) CoreUser *user = NULL;

        must(core_user_get(f->core, "alice", false, &user, &f->error));
        return user->failures;
}

/* It is borrowed for one decision: nothing that lasts comes of it. */
static void what_the_session_proved_makes_no_grace_and_clears_no_failure(void **state) {
        const CoreProcess hers = holder_of(100);
        Fixture *f = *state;
        uint32_t number = setup_alice(f, POLICY_METHOD_TOTP);
        Talk talk;

        policy_put(f, "factor.required", "on", NULL);
        policy_put(f, "factor.grace", "8h", NULL);
        session_with_code(f, number, 100);
        talk = talk_new(f, 7, 0);
        talk.rhost = "";
        talk.ruser = "alice";
        talk_begin(&talk, "authenticate", "alice", "sudo", 0); /* of a job of hers: it is asked */
        talk_answer(&talk, PASSWORD);
        talk_answer(&talk, "000000");
        assert_int_equal(talk.step.verdict, CORE_VERDICT_BAD_PROOF);
        assert_int_equal(failures_of(f), 1);
        assert_true(is_enough(f, "sudo", (CoreProcess[]){ hers }, 1));
        assert_int_equal(failures_of(f), 1);
        assert_false(is_enough(f, "sudo", NULL, 0));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                STORY(what_the_session_proved_counts_for_sudo),
                STORY(only_the_nearest_session_counts_and_only_its_user),
                STORY(what_the_session_proved_makes_no_grace_and_clears_no_failure),
                STORY(a_session_nobody_proved_himself_for_proves_nothing),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
