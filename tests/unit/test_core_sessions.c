/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The account phase without a password, and sessions: judged again, with a home, in the log. */

#include "tests/unit/core_fixture.h"

#include "umd/core/login.h"

static void setup_alice(Fixture *f) {
        make_user(f, "alice");
        make_user(f, "bob");
        set_password(f, "alice", "pw");
        fixture_flush(f);
}

static void a_key_needs_no_proof(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0);

        setup_alice(f);
        assert_int_equal(talk_authorize(&talk, "alice", "sshd"), CORE_VERDICT_ALLOW);
        assert_int_equal(talk_open(&talk, "alice", "sshd"), CORE_VERDICT_ALLOW);
        assert_int_equal(talk_authorize(&talk, "nobody", "sshd"), CORE_VERDICT_DENIED);
        assert_string_equal(talk.step.reason, "unknown-user");
        assert_string_equal(talk.step.text, "");
        step_user(f, "alice", STATUS_STEP_DISABLE);
        assert_int_equal(talk_open(&talk, "alice", "sshd"), CORE_VERDICT_DENIED);
        assert_string_equal(talk.session, "");
        assert_string_equal(audit_line(f, 0), "session.open deny status-inactive user/alice");
}

static void a_due_password_is_for_people_only(void **state) {
        static const struct {
                const char *service;
                CoreVerdict verdict;
        } rows[] = {
                { "sshd", CORE_VERDICT_RENEW },         { "login", CORE_VERDICT_RENEW },
                { "su", CORE_VERDICT_RENEW },           { "cron", CORE_VERDICT_ALLOW },
                { "crond", CORE_VERDICT_ALLOW },        { "atd", CORE_VERDICT_ALLOW },
                { "systemd-user", CORE_VERDICT_ALLOW },
        };
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0);

        setup_alice(f);
        must(core_user_must_change(f->core, &f->root, "alice", &f->options, f->now, &f->change,
                                   &f->error));
        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                assert_int_equal(talk_authorize(&talk, "alice", rows[i].service), rows[i].verdict);
                /* sshd then runs passwd in a session: it must open */
                assert_int_equal(talk_open(&talk, "alice", rows[i].service), CORE_VERDICT_ALLOW);
        }
}

static void a_login_opens_one_session(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0), parent = talk_new(f, 2, 0);
        char first[32];

        setup_alice(f);
        log_in(&talk, "alice", "pw");
        assert_int_equal(talk_authorize(&talk, "alice", "sshd"), CORE_VERDICT_ALLOW);
        core_login_hangup(f->core, 1);
        memcpy(parent.login, talk.login, sizeof(parent.login));
        assert_int_equal(talk_open(&parent, "alice", "sshd"), CORE_VERDICT_ALLOW);
        assert_memory_equal(parent.session, "s-", 2);
        assert_string_equal(audit_line(f, 0), "session.open allow  user/alice");
        assert_int_equal(core_session_count(f->core), 1);
        snprintf(first, sizeof(first), "%s", parent.session);
        assert_int_equal(talk_open(&parent, "alice", "sshd"), CORE_VERDICT_DENIED);
        assert_int_equal(talk_authorize(&parent, "alice", "sshd"), CORE_VERDICT_DENIED);
        core_session_close(f->core, first, f->now);
        assert_string_equal(audit_line(f, 0), "session.close done  user/alice");
        assert_int_equal(core_session_count(f->core), 0);
        core_session_close(f->core, first, f->now); /* once is enough */
        assert_string_equal(audit_line(f, 0), "session.close done  user/alice");
        assert_string_equal(audit_line(f, 1), "authorize deny bad-proof user/alice");
        assert_string_equal(audit_line(f, 2), "session.open deny bad-proof user/alice");
}

static void sudo_opens_a_session_of_another(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0);

        setup_alice(f);
        talk_begin(&talk, "authenticate", "alice", "sudo", 0);
        talk_answer(&talk, "pw");
        assert_int_equal(talk_authorize(&talk, "alice", "sudo"), CORE_VERDICT_ALLOW);
        assert_int_equal(talk_open(&talk, "bob", "sudo"), CORE_VERDICT_ALLOW);
        assert_int_equal(talk_open(&talk, "bob", "sudo"), CORE_VERDICT_DENIED); /* used up */
        step_user(f, "bob", STATUS_STEP_DISABLE);
        talk_begin(&talk, "authenticate", "alice", "sudo", 0);
        talk_answer(&talk, "pw");
        assert_int_equal(talk_open(&talk, "bob", "sudo"), CORE_VERDICT_DENIED);
        log_in(&talk, "alice", "pw"); /* sshd does no such thing */
        assert_int_equal(talk_open(&talk, "bob", "sshd"), CORE_VERDICT_DENIED);
}

static void a_home_that_cannot_be_made_keeps_nobody_out(void **state) {
        static const struct {
                CoreHomeResult result;
                const char *text;
        } rows[] = {
                { CORE_HOME_MADE, "" },
                { CORE_HOME_EXISTS, "" },
                { CORE_HOME_OFF, "" },
                { CORE_HOME_FOREIGN, "Your home belongs to somebody else and was left alone." },
                { CORE_HOME_REFUSED, "Your home is not in a place where um makes homes." },
                { CORE_HOME_FAULT, "Your home could not be made." },
                { _CORE_HOME_MAX, "Your home could not be made." }, /* the helper is not there */
        };
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0);

        setup_alice(f);
        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                f->home = rows[i].result;
                assert_int_equal(talk_open(&talk, "alice", "sshd"), CORE_VERDICT_ALLOW);
                assert_string_equal(talk.step.text, rows[i].text);
        }
}

static void work_without_a_person_makes_no_home(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0);

        setup_alice(f);
        assert_int_equal(talk_open(&talk, "alice", "cron"), CORE_VERDICT_ALLOW);
        assert_int_equal(talk_open(&talk, "alice", "systemd-user"), CORE_VERDICT_ALLOW);
        assert_int_equal(f->homes_made, 0);
        step_user(f, "bob", STATUS_STEP_DISABLE);
        assert_int_equal(talk_open(&talk, "bob", "sshd"), CORE_VERDICT_DENIED);
        assert_int_equal(f->homes_made, 0);
}

static void who_is_locked_while_the_home_is_made_stays_out(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0);

        setup_alice(f);
        f->helper_waits = true;
        talk_open(&talk, "alice", "sshd");
        assert_int_equal(talk.answers, 0);
        must(core_user_lock(f->core, &f->root, "alice", true, &f->options, f->now, &f->change,
                            &f->error));
        f->home_done(f->home_userdata, CORE_HOME_MADE, f->now);
        assert_int_equal(talk.step.verdict, CORE_VERDICT_DENIED);
        assert_string_equal(talk.step.reason, "locked");
        assert_int_equal(core_session_count(f->core), 0);
}

static void a_hangup_while_the_home_is_made_opens_nothing(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0);

        setup_alice(f);
        f->helper_waits = true;
        talk_open(&talk, "alice", "sshd");
        core_login_hangup(f->core, 1);
        f->home_done(f->home_userdata, CORE_HOME_MADE, f->now);
        assert_int_equal(talk.answers, 0);
        assert_int_equal(core_session_count(f->core), 0);
        talk_open(&talk, "alice", "sshd");
        f->core = core_free(f->core); /* core's end likewise */
        f->home_done(f->home_userdata, CORE_HOME_MADE, f->now);
        assert_int_equal(talk.answers, 0);
}

static void who_has_a_session_is_not_deleted(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0);

        setup_alice(f);
        talk_open(&talk, "alice", "sshd");
        must_be(core_user_step(f->core, &f->root, "alice", STATUS_STEP_DELETE, 0, &f->options,
                               f->now, &f->change, &f->error),
                CORE_E_POLICY_REFUSED);
        assert_string_equal(f->error.text,
                            "alice: has 1 open session: end it first, or with end-sessions");
        core_session_close(f->core, talk.session, f->now);
        step_user(f, "alice", STATUS_STEP_DELETE);
        assert_int_equal(talk_open(&talk, "alice", "sshd"), CORE_VERDICT_DENIED);
        assert_string_equal(talk.step.reason, "unknown-user");
        assert_string_equal(audit_line(f, 0), "session.open deny unknown-user user/alice");
}

static void deleting_may_end_the_sessions_once_it_is_durable(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0);

        setup_alice(f);
        talk_open(&talk, "alice", "sshd");
        f->options.end_sessions = true;
        f->options.dry_run = true;
        must(core_user_step(f->core, &f->root, "alice", STATUS_STEP_DELETE, 0, &f->options, f->now,
                            &f->change, &f->error));
        fixture_flush(f);
        assert_int_equal(f->sessions_ended_uid, 0);
        f->options.dry_run = false;
        must(core_user_step(f->core, &f->root, "alice", STATUS_STEP_DELETE, 0, &f->options, f->now,
                            &f->change, &f->error));
        assert_int_equal(f->sessions_ended_uid, 0);
        fixture_flush(f);
        assert_int_equal(f->sessions_ended_uid, f->change.object_id);
}

static void one_user_cannot_have_all_sessions(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0);
        char first[32];

        setup_alice(f);
        assert_int_equal(talk_open(&talk, "alice", "sshd"), CORE_VERDICT_ALLOW);
        snprintf(first, sizeof(first), "%s", talk.session);
        for (size_t i = 1; i < 1024; i++)
                assert_int_equal(talk_open(&talk, "alice", "sshd"), CORE_VERDICT_ALLOW);
        (void)talk_open(&talk, "alice", "sshd");
        assert_int_equal(talk.r, CORE_E_BUSY);
        assert_string_equal(talk.error.text, "too many sessions of this user at once");
        assert_int_equal(talk_open(&talk, "bob", "sshd"), CORE_VERDICT_ALLOW);
        core_session_close(f->core, first, f->now);
        assert_int_equal(talk_open(&talk, "alice", "sshd"), CORE_VERDICT_ALLOW);
}

/* ---- across a restart --------------------------------------------------------------------- */

typedef struct Watch {
        const char *lives; /* the session whose process does */
        size_t asked;
        CoreProcess process;
} Watch;

static bool held(void *userdata, const char *session, const CoreProcess *process) {
        Watch *watch = userdata;

        watch->asked++;
        watch->process = *process;
        return watch->lives && strcmp(session, watch->lives) == 0;
}

static void values_take(void *userdata, const CoreAuditEntry *entry) {
        char *text = userdata;
        size_t len = (size_t)snprintf(text, 512, "%s by %s from %s on %s:", entry->service,
                                      entry->actor, entry->source, entry->tty);

        for (size_t i = 0; i < entry->value_count; i++)
                len += (size_t)snprintf(text + len, 512 - len, " %s=%s%s", entry->values[i].field,
                                        entry->values[i].before ? entry->values[i].before : "",
                                        entry->values[i].after ? entry->values[i].after : "");
}

static const char *newest_values(Fixture *f) {
        const CoreAuditFilter filter = { .until_usec = USEC_INFINITY };
        static char text[512];
        uint64_t cursor;

        must(core_audit_list(f->core, &f->root, &filter, 0, 1, values_take, text, &cursor,
                             &f->error));
        return text;
}

static void open_as(Fixture *f, Talk *talk, const char *user, pid_t pid) {
        *talk = talk_new(f, 1, 0);
        talk->peer.process = (CoreProcess){ pid, (uint64_t)pid * 10 };
        assert_int_equal(talk_open(talk, user, "sshd"), CORE_VERDICT_ALLOW);
}

static void a_session_whose_process_lives_goes_on(void **state) {
        Fixture *f = *state;
        Watch watch = { 0 };
        Talk alice, bob;

        setup_alice(f);
        open_as(f, &alice, "alice", 100);
        open_as(f, &bob, "bob", 200);
        core_session_close(f->core, alice.session, f->now);
        fixture_flush(f);
        fixture_reopen(f);
        watch.lives = bob.session;
        must(core_sessions_resume(f->core, held, &watch, 0, f->now));
        assert_int_equal(watch.asked, 1); /* not for what was closed */
        assert_int_equal(watch.process.pid, 200);
        assert_int_equal(watch.process.start_ticks, 2000);
        assert_int_equal(core_session_count(f->core), 1);
        assert_false(core_has_unflushed(f->core));
        must_be(core_user_step(f->core, &f->root, "bob", STATUS_STEP_DELETE, 0, &f->options, f->now,
                               &f->change, &f->error),
                CORE_E_POLICY_REFUSED);
        core_session_close(f->core, bob.session, f->now); /* its process ended */
        assert_string_equal(audit_line(f, 0), "session.close done  user/bob");
        assert_string_equal(newest_values(f), "sshd by root from 192.0.2.7 on ssh: session=s-5");
        fixture_flush(f);
        fixture_reopen(f);
        must(core_sessions_resume(f->core, held, &watch, 0, f->now));
        assert_int_equal(watch.asked, 1);
}

static void a_session_whose_process_is_gone_is_lost(void **state) {
        static const struct {
                int64_t boot, now; /* seconds after the session began */
                const char *values;
        } rows[] = {
                { 0, 60,
                  "sshd by root from 192.0.2.7 on ssh: session=s-4 "
                  "ended_after=2026-08-01T09:00:00Z ended_before=2026-08-01T09:01:00Z" },
                /* the machine started in between */
                { 30, 60,
                  "sshd by root from 192.0.2.7 on ssh: session=s-6 "
                  "ended_after=2026-08-01T09:01:00Z ended_before=2026-08-01T09:01:30Z" },
                /* the clock was set back */
                { 0, -3600,
                  "sshd by root from 192.0.2.7 on ssh: session=s-8 "
                  "ended_after=2026-08-01T08:02:00Z ended_before=2026-08-01T08:02:00Z" },
        };
        Fixture *f = *state;
        Watch watch = { 0 };

        setup_alice(f);
        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                uint64_t began = f->now;
                Talk talk;

                open_as(f, &talk, "alice", 100);
                fixture_flush(f);
                f->now = began + (uint64_t)(rows[i].now * (int64_t)USEC_PER_SEC);
                fixture_reopen(f);
                must(core_sessions_resume(
                        f->core, held, &watch,
                        rows[i].boot ? began + (uint64_t)rows[i].boot * USEC_PER_SEC : 0, f->now));
                assert_string_equal(audit_line(f, 0), "session.close done lost user/alice");
                assert_string_equal(newest_values(f), rows[i].values);
                assert_int_equal(core_session_count(f->core), 0);
                fixture_flush(f);
                fixture_reopen(f);
                must(core_sessions_resume(f->core, held, &watch, 0, f->now)); /* once */
                assert_int_equal(watch.asked, i + 1);
        }
}

static void a_flush_that_fails_takes_no_older_session(void **state) {
        Fixture *f = *state;
        Watch watch = { 0 };
        Talk talk;

        setup_alice(f);
        open_as(f, &talk, "alice", 100);
        fixture_flush(f);
        fixture_reopen(f);
        watch.lives = talk.session;
        must(core_sessions_resume(f->core, held, &watch, 0, f->now));
        for (uint64_t batch = 0; batch < 4; batch++)
                core_logins_drop_batch(f->core->logins, batch);
        assert_int_equal(core_session_count(f->core), 1);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                STORY(a_key_needs_no_proof),
                STORY(deleting_may_end_the_sessions_once_it_is_durable),
                STORY(a_due_password_is_for_people_only),
                STORY(a_login_opens_one_session),
                STORY(sudo_opens_a_session_of_another),
                STORY(a_home_that_cannot_be_made_keeps_nobody_out),
                STORY(work_without_a_person_makes_no_home),
                STORY(who_is_locked_while_the_home_is_made_stays_out),
                STORY(a_hangup_while_the_home_is_made_opens_nothing),
                STORY(who_has_a_session_is_not_deleted),
                STORY(one_user_cannot_have_all_sessions),
                STORY(a_session_whose_process_lives_goes_on),
                STORY(a_session_whose_process_is_gone_is_lost),
                STORY(a_flush_that_fails_takes_no_older_session),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
