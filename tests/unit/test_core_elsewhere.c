/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Another source's users: who NSS resolves and um has no record of is passed on at once, and only
 * then; to strangers and to um's own the flag makes no difference. */

#include "core_fixture.h"

#include "umd/core/login.h"

static CoreVerdict first_verdict(Fixture *f, uid_t uid, const char *user, uint32_t flags) {
        Talk talk = talk_new(f, 1, uid);

        talk_begin(&talk, "authenticate", user, "sshd", flags);
        must(talk.r);
        return talk.step.kind == CORE_STEP_DONE ? talk.step.verdict : CORE_VERDICT_INVALID;
}

static void who_resolves_and_is_not_ums_is_passed_on(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 2, 0);
        CoreLoginContext context = talk_context("", "elsewhere", "sshd", LOGIN_FLAG_RESOLVES);
        CoreError error;
        CoreStep step;

        must_be(first_verdict(f, 0, "elsewhere", LOGIN_FLAG_RESOLVES), CORE_VERDICT_UNKNOWN_USER);
        must(core_login_authorize(f->core, &talk.peer, &context, "", f->now, &step, &error));
        must_be(step.verdict, CORE_VERDICT_UNKNOWN_USER);
}

static void who_does_not_resolve_is_asked_like_anybody(void **state) {
        must_be(first_verdict(*state, 0, "elsewhere", 0), CORE_VERDICT_INVALID);
}

static void ums_own_are_ums_also_when_deleted(void **state) {
        Fixture *f = *state;

        make_user(f, "alice");
        must_be(first_verdict(f, 0, "alice", LOGIN_FLAG_RESOLVES), CORE_VERDICT_INVALID);
        step_user(f, "alice", STATUS_STEP_DELETE);
        must_be(first_verdict(f, 0, "alice", LOGIN_FLAG_RESOLVES), CORE_VERDICT_INVALID);
}

static void a_peer_who_is_not_root_is_refused_all_the_same(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 3, 700001);

        make_user(f, "alice");
        talk_begin(&talk, "authenticate", "elsewhere", "swaylock", LOGIN_FLAG_RESOLVES);
        must_be(talk.r, CORE_E_ACCESS_DENIED);
        talk_begin(&talk, "authenticate", "alice", "swaylock", LOGIN_FLAG_RESOLVES);
        must_be(talk.r, CORE_E_ACCESS_DENIED);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(who_resolves_and_is_not_ums_is_passed_on,
                                                fixture_setup, fixture_teardown),
                cmocka_unit_test_setup_teardown(who_does_not_resolve_is_asked_like_anybody,
                                                fixture_setup, fixture_teardown),
                cmocka_unit_test_setup_teardown(ums_own_are_ums_also_when_deleted, fixture_setup,
                                                fixture_teardown),
                cmocka_unit_test_setup_teardown(a_peer_who_is_not_root_is_refused_all_the_same,
                                                fixture_setup, fixture_teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
