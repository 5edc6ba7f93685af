/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Security keys inside sessions: which of them are at this machine, and how a key becomes
 * somebody's own. */

#include "tests/unit/token_fixture.h"

#define SESSION_PID 20 /* what holds the session; the caller was started by 30, a shell in it */

static Tokens tokens;   /* of the story that runs */
static pid_t outer_pid; /* and what the session's holder was started by; 0: process 1 */

/* A process began at ten times its number. */
static void descend(Talk *talk) {
        const pid_t pids[] = { 30, SESSION_PID, outer_pid };

        for (size_t i = 0; i < ARRAY_LENGTH(pids) && pids[i] != 0; i++)
                talk->peer.ancestors[talk->peer.ancestor_count++] =
                        (CoreProcess){ pids[i], (uint64_t)pids[i] * 10 };
}

static int setup(void **state) {
        int r = fixture_setup(state);
        Fixture *f = *state;

        tokens = (Tokens){ 0 };
        tokens_use(f, &tokens);
        assert_int_equal(make_user(f, "alice"), FIRST);
        set_password(f, "alice", PASSWORD);
        outer_pid = 0;
        fixture_flush(f);
        return r;
}

static int teardown(void **state) {
        Fixture *f = *state;

        core_login_hangup(f->core, 1);
        tokens_end(f, &tokens);
        return fixture_teardown(state);
}

#define TOKEN_STORY(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* ---- where ------------------------------------------------------------------------------------
 */

static void opened(void *userdata, int r, const char *session, const CoreStep *step,
                   const CoreError *error) {
        must(r);
        assert_int_equal(step->verdict, CORE_VERDICT_ALLOW);
        snprintf(userdata, SESSION_ID_BYTES, "%s", session);
}

/* A session of hers that process holds; its id. */
static const char *open_session(Fixture *f, const char *service, const char *rhost, pid_t pid) {
        static char id[SESSION_ID_BYTES];
        CoreLoginContext context = talk_context("", "alice", service, 0);
        Talk talk = talk_new(f, 9, 0);

        context.rhost = rhost;
        talk.peer.process = (CoreProcess){ pid, (uint64_t)pid * 10 };
        core_session_open(f->core, &talk.peer, &context, "", f->now, opened, id);
        fixture_flush(f);
        return id;
}

/* Is she asked for a touch by sudo of her own? */
static bool sudo_asks(Fixture *f) {
        Talk talk = talk_new(f, 1, 0);
        size_t asked = tokens.asked;

        talk.rhost = "";
        talk.ruser = "alice";
        descend(&talk);
        talk_begin(&talk, "authenticate", "alice", "sudo", 0);
        must(talk.r);
        talk_answer(&talk, PASSWORD);
        core_login_hangup(f->core, 1);
        tokens_end(f, &tokens);
        return tokens.asked > asked;
}

static void needs_it(Fixture *f) {
        give_token(f, FIRST, 'a', false, 0);
        policy_put(f, "factor.required", "on", NULL);
        fixture_flush(f);
}

static void sudo_in_a_session_of_the_console_asks(void **state) {
        Fixture *f = *state;

        open_session(f, "login", "", SESSION_PID);
        open_session(f, "sshd", "192.0.2.7", 50); /* another of hers is of no matter */
        needs_it(f);
        assert_true(sudo_asks(f));
        fixture_reopen(f); /* nor is a umd that starts again */
        tokens_use(f, &tokens);
        assert_false(sudo_asks(f));
}

static bool is_held(void *userdata, const char *session, const CoreProcess *process) {
        return true;
}

static void so_it_does_after_a_restart_of_umd(void **state) {
        Fixture *f = *state;

        open_session(f, "login", "", SESSION_PID);
        needs_it(f);
        fixture_reopen(f);
        tokens_use(f, &tokens);
        must(core_sessions_resume(f->core, is_held, NULL, f->now - HOUR, f->now));
        assert_true(sudo_asks(f));
}

static void sudo_in_a_session_from_elsewhere_does_not(void **state) {
        Fixture *f = *state;

        open_session(f, "sshd", "192.0.2.7", SESSION_PID);
        open_session(f, "login", "", 50);
        needs_it(f);
        assert_false(sudo_asks(f));
}

static void nor_in_what_runs_by_itself(void **state) {
        Fixture *f = *state;

        open_session(f, "cron", "", SESSION_PID);
        open_session(f, "login", "", 50);
        needs_it(f);
        assert_false(sudo_asks(f));
}

/* The pid alone may be another's by now. */
static void a_process_is_known_by_its_beginning_too(void **state) {
        Fixture *f = *state;
        CoreLoginContext context = talk_context("", "alice", "login", 0);
        Talk talk = talk_new(f, 9, 0);
        char id[SESSION_ID_BYTES];

        open_session(f, "sshd", "192.0.2.7", 50);
        context.rhost = "";
        talk.peer.process = (CoreProcess){ SESSION_PID, 7 };
        core_session_open(f->core, &talk.peer, &context, "", f->now, opened, id);
        needs_it(f);
        assert_false(sudo_asks(f));
}

static void what_stands_between_is_looked_through(void **state) {
        Fixture *f = *state;

        outer_pid = 10;
        open_session(f, "su", "", SESSION_PID);
        open_session(f, "login", "", 10);
        needs_it(f);
        assert_true(sudo_asks(f));
}

static void su_in_somebody_elses_session_is_in_doubt(void **state) {
        Fixture *f = *state;

        open_session(f, "su", "", SESSION_PID);
        open_session(f, "login", "", 50); /* hers, and not the one */
        needs_it(f);
        assert_false(sudo_asks(f));
}

/* A desktop's programs: what started them holds no session. */
static void without_ancestors_all_her_sessions_count(void **state) {
        Fixture *f = *state;
        char remote[SESSION_ID_BYTES];

        open_session(f, "gdm-password", "", 50);
        open_session(f, "systemd-user", "", 51);
        snprintf(remote, sizeof(remote), "%s", open_session(f, "sshd", "192.0.2.7", 52));
        needs_it(f);
        assert_false(sudo_asks(f));
        core_session_close(f->core, remote, f->now);
        assert_true(sudo_asks(f));
}

/* ... as they are on a real desktop: the user manager, which does hold one, is among them. */
static void below_the_user_manager_all_her_sessions_count(void **state) {
        Fixture *f = *state;
        char display[SESSION_ID_BYTES], remote[SESSION_ID_BYTES];

        open_session(f, "systemd-user", "", SESSION_PID);
        snprintf(display, sizeof(display), "%s", open_session(f, "gdm-password", "", 50));
        snprintf(remote, sizeof(remote), "%s", open_session(f, "xrdp-sesman", "", 52));
        needs_it(f);
        assert_false(sudo_asks(f)); /* one names no host, and may be anywhere */
        core_session_close(f->core, remote, f->now);
        assert_true(sudo_asks(f));
        core_session_close(f->core, display, f->now);
        assert_false(sudo_asks(f)); /* it lingers */
}

static void below_cron_it_is_not_asked(void **state) {
        Fixture *f = *state;

        open_session(f, "gdm-password", "", 50);
        open_session(f, "cron", "", SESSION_PID);
        needs_it(f);
        assert_false(sudo_asks(f));
}

static void without_any_session_it_is_in_doubt(void **state) {
        Fixture *f = *state;

        needs_it(f);
        assert_false(sudo_asks(f));
}

/* ---- a new one --------------------------------------------------------------------------------
 */

typedef struct Made {
        int r;
        size_t answers;
        uint32_t number;
        bool has_codes;
        CoreError error;
} Made;

static void enrol_done(void *userdata, int r, uint32_t number, const Secret *key, const Secret *uri,
                       const CoreChange *change, const CoreError *error) {
        Made *made = userdata;

        assert_null(key);
        assert_null(uri);
        made->r = r;
        made->answers++;
        made->number = number;
}

static void codes_done(void *userdata, int r, const Secret *codes, const CoreChange *change,
                       const CoreError *error) {
        Made *made = userdata;

        made->r = r;
        made->answers++;
        made->has_codes = codes != NULL;
        made->error = *error;
}

static const CoreFactorSpec fido2 = { "fido2", "yubi1", { CORE_ALGORITHM_SHA1, 6, 0 } };

static int enrol(Fixture *f, const Talk *talk, Made *made) {
        *made = (Made){ 0 };
        made->r = core_factor_enrol(f->core, &talk->peer, "alice", &fido2, talk->login, &f->options,
                                    f->now, enrol_done, made, &made->error);
        return made->r;
}

static int confirm(Fixture *f, const Talk *talk, uint32_t number, const char *code, Made *made) {
        _cleanup_secret_ Secret *secret = NULL;

        *made = (Made){ 0 };
        must(base_secret_new(code, strlen(code), &secret));
        made->r = core_factor_confirm(f->core, &talk->peer, "alice", number, secret, &f->options,
                                      f->now, codes_done, made, &made->error);
        fixture_vault(f);
        return made->r;
}

/* alice in a session of the console, up to where her password was looked at. */
static void begin(Fixture *f, Talk *talk, uid_t uid) {
        *talk = talk_new(f, 1, uid);
        talk->rhost = "";
        talk->ruser = "";
        descend(talk);
        talk_begin(talk, "enrol-key", "alice", LOGIN_SERVICE_SELF, 0);
        if (talk->r == 0)
                talk_answer(talk, PASSWORD);
}

static const CoreTokenAnswer new_one = { .result = CORE_TOKEN_OK,
                                         .counter = 4,
                                         .id_len = 3,
                                         .id = { 'x', 'y', 'z' },
                                         .key = { 1, 2, 3 },
                                         .aaguid = { 5 } };

/* Plugged in, and asked for a touch. */
static void plug_in(Fixture *f, Talk *talk, bool verifies) {
        const CoreTokenAnswer found = { .result = CORE_TOKEN_OK, .verifies = verifies };

        assert_int_equal(talk->step.kind, CORE_STEP_ASK_SHOWN);
        assert_non_null(strstr(talk->step.text, "Plug in"));
        talk_answer_only(talk, "");
        assert_int_equal(tokens.request.op, CORE_TOKEN_LOOK);
        assert_int_equal(tokens.request.credential_count, 0);
        tokens_answer(f, &tokens, &found);
        assert_int_equal(talk->step.kind, CORE_STEP_WAIT);
        assert_int_equal(tokens.request.op, CORE_TOKEN_MAKE);
        talk_answer_only(talk, "");
}

static uint32_t enrolled(Fixture *f, bool verified) {
        CoreTokenAnswer answer = new_one;
        Made made;
        Talk talk;

        begin(f, &talk, FIRST);
        plug_in(f, &talk, verified);
        answer.verified = verified;
        tokens_answer(f, &tokens, &answer);
        assert_int_equal(talk.step.verdict, CORE_VERDICT_ALLOW);
        must(enrol(f, &talk, &made));
        assert_int_equal(made.answers, 1);
        must(confirm(f, &talk, made.number, "", &made));
        core_login_hangup(f->core, 1);
        return made.number;
}

static void a_key_becomes_her_own(void **state) {
        Fixture *f = *state;
        CoreTokenAnswer answer = new_one;
        Made made;
        Talk talk;

        open_session(f, "login", "", SESSION_PID);
        begin(f, &talk, FIRST);
        plug_in(f, &talk, false);
        assert_string_equal(tokens.name, "alice");
        assert_int_equal(tokens.request.uid, FIRST);
        assert_false(tokens.request.verify);
        tokens_answer(f, &tokens, &answer);
        assert_int_equal(talk.step.verdict, CORE_VERDICT_ALLOW);
        must(enrol(f, &talk, &made));
        assert_string_equal(list_of(f), "fido2 yubi1 pending -1");
        assert_string_equal(audit_line(f, 0), "user.factor-enrol done  user/alice");
        must_be(confirm(f, &talk, made.number, "123456", &made), CORE_E_BAD_VALUE);
        must(confirm(f, &talk, 2, "", &made));
        assert_true(made.has_codes);
        assert_string_equal(list_of(f), "fido2 yubi1 -1, recovery 10");
        assert_int_equal(next_of(f, FIRST, 2), 5);
        must_be(enrol(f, &talk, &made), CORE_E_POLICY_REFUSED); /* once */
}

static void it_lets_her_in_then(void **state) {
        Fixture *f = *state;
        CoreTokenAnswer answer = touched(7);
        Talk talk;

        open_session(f, "login", "", SESSION_PID);
        enrolled(f, true);
        at_console(f, &talk, 1, PASSWORD);
        assert_int_equal(tokens.ids[0], 'x');
        assert_true(tokens.request.credentials[0].verify);
        tokens_say(f, &tokens, CORE_TOKEN_OK);
        talk_answer_only(&talk, "");
        answer.verified = true;
        tokens_answer(f, &tokens, &answer);
        assert_int_equal(talk.step.verdict, CORE_VERDICT_ALLOW);
}

/* With the key she has she proves who she is, and the new one may not be the same. */
static void a_second_one_needs_the_first(void **state) {
        CoreTokenAnswer answer = touched(8);
        Fixture *f = *state;
        Talk talk;

        open_session(f, "login", "", SESSION_PID);
        enrolled(f, false);
        begin(f, &talk, FIRST);
        tokens_say(f, &tokens, CORE_TOKEN_OK);
        talk_answer_only(&talk, "");
        tokens_answer(f, &tokens, &answer);
        plug_in(f, &talk, false);
        assert_int_equal(tokens.request.credential_count, 1);
        assert_int_equal(tokens.ids[0], 'x');
        tokens_say(f, &tokens, CORE_TOKEN_EXISTS);
        assert_int_equal(talk.step.verdict, CORE_VERDICT_DENIED);
        assert_string_equal(talk.step.text, "this security key is enrolled already");
}

static void a_pin_goes_with_a_new_one_too(void **state) {
        const CoreTokenAnswer found = { .result = CORE_TOKEN_OK,
                                        .verifies = true,
                                        .wants_pin = true };
        Fixture *f = *state;
        Talk talk;

        open_session(f, "login", "", SESSION_PID);
        begin(f, &talk, FIRST);
        talk_answer_only(&talk, "");
        tokens_answer(f, &tokens, &found);
        assert_string_equal(talk.step.secret, "pin");
        talk_answer_only(&talk, "1234");
        assert_string_equal(tokens.pin, "1234");
        assert_true(tokens.request.verify);
}

static void what_is_not_made_is_not_enrolled(void **state) {
        static const CoreTokenResult results[] = { CORE_TOKEN_ABSENT, CORE_TOKEN_SEVERAL,
                                                   CORE_TOKEN_FAULT, CORE_TOKEN_TIMEOUT };
        Fixture *f = *state;
        Made made;
        Talk talk;

        open_session(f, "login", "", SESSION_PID);
        for (size_t i = 0; i < ARRAY_LENGTH(results); i++) {
                begin(f, &talk, FIRST);
                talk_answer_only(&talk, "");
                tokens_say(f, &tokens, results[i]);
                assert_int_equal(talk.step.verdict, CORE_VERDICT_DENIED);
                assert_string_not_equal(talk.step.text, "");
                must_be(enrol(f, &talk, &made), CORE_E_POLICY_REFUSED);
                assert_string_equal(list_of(f), "");
                core_login_hangup(f->core, 1);
        }
}

static void a_wrong_password_asks_for_no_key(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, FIRST);

        open_session(f, "login", "", SESSION_PID);
        talk.rhost = talk.ruser = "";
        descend(&talk);
        talk_begin(&talk, "enrol-key", "alice", LOGIN_SERVICE_SELF, 0);
        talk_answer(&talk, "wrong");
        assert_int_equal(talk.step.verdict, CORE_VERDICT_BAD_PROOF);
        assert_int_equal(tokens.asked, 0);
}

static void only_she_herself_and_only_here(void **state) {
        Fixture *f = *state;
        Talk talk;

        begin(f, &talk, FIRST); /* nobody knows where she is */
        must_be(talk.r, CORE_E_POLICY_REFUSED);
        open_session(f, "login", "", SESSION_PID);
        begin(f, &talk, 0);
        must_be(talk.r, CORE_E_ACCESS_DENIED);
        begin(f, &talk, FIRST + 1);
        must_be(talk.r, CORE_E_ACCESS_DENIED);
        talk_begin(&talk, "enrol-key", "alice", "login", 0);
        must_be(talk.r, CORE_E_BAD_VALUE);
}

static void not_from_elsewhere(void **state) {
        Fixture *f = *state;
        Talk talk;

        open_session(f, "sshd", "192.0.2.7", SESSION_PID);
        begin(f, &talk, FIRST);
        must_be(talk.r, CORE_E_POLICY_REFUSED);
        assert_int_equal(tokens.asked, 0);
}

static void what_is_not_a_keys_is_refused(void **state) {
        CoreFactorSpec spec = fido2;
        Fixture *f = *state;
        Made made = { 0 };
        Talk talk = talk_new(f, 1, FIRST);

        spec.form.period_sec = 30;
        must_be(core_factor_enrol(f->core, &talk.peer, "alice", &spec, "", &f->options, f->now,
                                  enrol_done, &made, &f->error),
                CORE_E_BAD_VALUE);
        spec = fido2;
        spec.form.digits = 8;
        must_be(core_factor_enrol(f->core, &talk.peer, "alice", &spec, "", &f->options, f->now,
                                  enrol_done, &made, &f->error),
                CORE_E_BAD_VALUE);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TOKEN_STORY(sudo_in_a_session_of_the_console_asks),
                TOKEN_STORY(so_it_does_after_a_restart_of_umd),
                TOKEN_STORY(sudo_in_a_session_from_elsewhere_does_not),
                TOKEN_STORY(nor_in_what_runs_by_itself),
                TOKEN_STORY(a_process_is_known_by_its_beginning_too),
                TOKEN_STORY(what_stands_between_is_looked_through),
                TOKEN_STORY(su_in_somebody_elses_session_is_in_doubt),
                TOKEN_STORY(without_ancestors_all_her_sessions_count),
                TOKEN_STORY(below_the_user_manager_all_her_sessions_count),
                TOKEN_STORY(below_cron_it_is_not_asked),
                TOKEN_STORY(without_any_session_it_is_in_doubt),
                TOKEN_STORY(a_key_becomes_her_own),
                TOKEN_STORY(it_lets_her_in_then),
                TOKEN_STORY(a_second_one_needs_the_first),
                TOKEN_STORY(a_pin_goes_with_a_new_one_too),
                TOKEN_STORY(what_is_not_made_is_not_enrolled),
                TOKEN_STORY(a_wrong_password_asks_for_no_key),
                TOKEN_STORY(only_she_herself_and_only_here),
                TOKEN_STORY(not_from_elsewhere),
                TOKEN_STORY(what_is_not_a_keys_is_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
