/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the owner of an account is told, when, and to whom nothing is shown. */

#include "tests/unit/factor_fixture.h"

#define MINUTE (60 * USEC_PER_SEC)
#define ASK    "Was it not you? Tell your administrator."

static uid_t setup_told(Fixture *f) {
        uid_t uid = make_user(f, "alice");

        set_password(f, "alice", PASSWORD);
        policy_put(f, "password.history", "0", NULL); /* which is set again and again here */
        fixture_flush(f);
        fixture_pass(f, MINUTE);
        return uid;
}

/* A whole login by password; what is shown at its end. */
static const char *shown_to(Talk *talk, const char *service) {
        static char text[1024];

        talk_begin(talk, "authenticate", "alice", service, 0);
        talk_answer(talk, PASSWORD);
        assert_int_equal(talk->step.verdict, CORE_VERDICT_ALLOW);
        assert_int_equal(talk_authorize(talk, "alice", service), CORE_VERDICT_ALLOW);
        snprintf(text, sizeof(text), "%s", talk->step.text);
        core_login_hangup(talk->f->core, 1);
        fixture_pass(talk->f, MINUTE);
        return text;
}

static const char *shown_by(Fixture *f, const char *service) {
        Talk talk = talk_new(f, 1, 0);

        return shown_to(&talk, service);
}

static const char *shown_from(Fixture *f, const char *rhost, const char *service) {
        Talk talk = talk_new(f, 1, 0);

        talk.rhost = rhost;
        return shown_to(&talk, service);
}

static const char *shown(Fixture *f) {
        return shown_by(f, "sshd");
}

/* ... who is known from where shown() comes from. */
static uid_t setup_known(Fixture *f) {
        uid_t uid = setup_told(f);

        assert_string_equal(shown(f), "");
        fixture_flush(f);
        return uid;
}

/* The same by key, cron, su from root: without a dialogue. */
static const char *shown_without(Fixture *f, const char *service, uid_t uid) {
        static char text[1024];
        Talk talk = talk_new(f, 1, uid);

        assert_int_equal(talk_authorize(&talk, "alice", service), CORE_VERDICT_ALLOW);
        snprintf(text, sizeof(text), "%s", talk.step.text);
        fixture_pass(f, MINUTE);
        return text;
}

/* ---- what --------------------------------------------------------------------------------- */

static void a_reset_is_told_once(void **state) {
        Fixture *f = *state;

        setup_known(f);
        assert_string_equal(f->notices, ""); /* the first one is what she was given */
        assert_string_equal(shown(f), "");
        set_password(f, "alice", PASSWORD);
        assert_string_equal(f->notices, ""); /* not before it is durable */
        fixture_flush(f);
        assert_string_equal(f->notices, "alice: your password was changed by root\n");
        fixture_pass(f, MINUTE);
        fixture_reopen(f);
        assert_string_equal(shown(f),
                            "2026-08-01T09:03:00Z: your password was changed by root.\n" ASK);
        assert_string_equal(shown(f), "");
}

static void each_of_these_is_told(void **state) {
        Fixture *f = *state;
        Actor dora = { .uid = 0, .via = "socket" };
        uid_t uid = setup_known(f);
        CoreChange change;
        const char *text;

        dora.login_uid = make_user(f, "dora");
        update_text(f, "alice", USER_FIELD_EMAIL, "alice@acme.example");
        make_code(f, "alice");
        give_factor(f, uid, POLICY_METHOD_TOTP, "");
        must(core_factors_reset(f->core, &dora, "alice", &f->options, f->now, &change, &f->error));
        update_text(f, "alice", USER_FIELD_TITLE, "Engineer"); /* which is not */
        fixture_flush(f);
        fixture_pass(f, MINUTE);
        text = shown(f);
        assert_non_null(strstr(text, ": your e-mail address was changed by root.\n"));
        assert_non_null(strstr(text, ": a code to set a new password was made by root.\n"));
        assert_non_null(strstr(text, ": your second factors were taken away by root (logged in as "
                                     "dora).\n" ASK));
        assert_null(strstr(text, "Engineer"));
}

static void enrolled(void *userdata, int r, uint32_t number, const Secret *key, const Secret *uri,
                     const CoreChange *change, const CoreError *error) {
        must(r);
        *(uint32_t *)userdata = number;
}

static void confirmed(void *userdata, int r, const Secret *codes, const CoreChange *change,
                      const CoreError *error) {
        must(r);
}

/* Once it counts, and not when it was begun. */
static void a_factor_that_was_added_is_told_once(void **state) {
        static const CoreFactorSpec spec = { "totp", "phone", { CORE_ALGORITHM_SHA1, 6, 30 } };
        Fixture *f = *state;
        uid_t uid = setup_known(f);
        Talk talk = talk_new(f, 1, uid);
        _cleanup_secret_ Secret *code = NULL;
        uint32_t number = 0;

        talk_begin(&talk, "authenticate", "alice", "umctl", 0);
        talk_answer(&talk, PASSWORD);
        must(core_factor_enrol(f->core, &talk.peer, "alice", &spec, talk.login, &f->options, f->now,
                               enrolled, &number, &f->error));
        fixture_vault(f);
        fixture_flush(f);
        assert_string_equal(f->notices, "");
        must(base_secret_new(code_at(number, step_now(f)), 6, &code));
        must(core_factor_confirm(f->core, &talk.peer, "alice", number, code, &f->options, f->now,
                                 confirmed, NULL, &f->error));
        fixture_vault(f);
        fixture_flush(f);
        assert_string_equal(f->notices, "alice: a second factor was added by you\n");
}

static void a_dry_run_tells_nothing(void **state) {
        Fixture *f = *state;
        UserSpec spec = { .text = { [USER_FIELD_EMAIL] = "alice@acme.example" } };
        CoreOptions dry = { .reason = "", .dry_run = true };
        CoreChange change;

        setup_known(f);
        must(core_user_update(f->core, &f->root, "alice", &spec, &dry, f->now, &change, &f->error));
        fixture_flush(f);
        assert_string_equal(f->notices, "");
        assert_string_equal(shown(f), "");
}

/* Neither the log nor she is told of what did not happen, whatever is durable after it. */
static void a_change_that_fails_tells_nothing(void **state) {
        static const CoreOptions options = { .reason = "" };
        Fixture *f = *state;
        uid_t uid = setup_known(f);
        _cleanup_change_ Change change = { 0 };

        must(core_change_begin(&change, f->core, &f->root, &options, f->now, &f->error));
        must(core_notice_change(&change, "user.setup-code", uid, "alice"));
        core_change_done(&change);
        make_user(f, "bob");
        fixture_flush(f);
        assert_string_equal(f->notices, "");
        fixture_pass(f, MINUTE);
        assert_string_equal(shown(f), "");
}

static void a_used_recovery_code_is_told_the_next_time(void **state) {
        Fixture *f = *state;
        static const CoreOptions options = { .reason = "" };
        _cleanup_(store_credential_freep) StoreCredential *credential = NULL;
        uint8_t hashes[RECOVERY_CODES * CORE_CODE_HASH_BYTES] = { 0 };
        uid_t uid = setup_known(f);
        StoreFactors none = { 0 };
        Change change = { 0 };
        uint64_t version;
        Talk talk = talk_new(f, 1, 0);

        give_factor(f, uid, POLICY_METHOD_HOTP, "");
        must(core_change_begin(&change, f->core, &f->root, &options, f->now, &f->error));
        must(core_credential_load(change.txn, uid, &credential));
        version = credential->verifier_version + 1;
        for (size_t i = 0; i < RECOVERY_CODES; i++) {
                memcpy(hashes + i * CORE_CODE_HASH_BYTES, &version, sizeof(version));
                memcpy(hashes + i * CORE_CODE_HASH_BYTES + 8, "7K2P-9QXM-3T5W", 14);
        }
        must(core_recovery_put(&change, credential, &none, hashes, sizeof(hashes)));
        must(core_change_commit(&change, "test", "user", "alice", uid, 1, NULL));
        core_change_done(&change);
        fixture_flush(f);
        assert_int_equal(two(&talk, "alice", PASSWORD, "7K2P-9QXM-3T5W"), CORE_VERDICT_ALLOW);
        assert_int_equal(talk_authorize(&talk, "alice", "sshd"), CORE_VERDICT_ALLOW);
        assert_null(strstr(talk.step.text, ASK)); /* whoever used it does not take it along */
        fixture_flush(f);
        assert_string_equal(f->notices, "alice: a recovery code was used, from 192.0.2.7 (sshd)\n");
        fixture_pass(f, MINUTE);
        assert_int_equal(two(&talk, "alice", PASSWORD, code_at(version - 1, 0)),
                         CORE_VERDICT_ALLOW);
        assert_int_equal(talk_authorize(&talk, "alice", "sshd"), CORE_VERDICT_ALLOW);
        assert_non_null(
                strstr(talk.step.text, ": a recovery code was used, from 192.0.2.7 (sshd).\n" ASK));
}

static void a_login_from_a_strange_network_is_told(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 2, 0);

        setup_told(f);
        assert_string_equal(shown(f), ""); /* the first network ever is no stranger */
        assert_string_equal(shown(f), "");
        talk.rhost = "198.51.100.9";
        assert_int_equal(log_in(&talk, "alice", PASSWORD), CORE_VERDICT_ALLOW);
        assert_int_equal(talk_authorize(&talk, "alice", "sshd"), CORE_VERDICT_ALLOW);
        assert_string_equal(talk.step.text, ""); /* not to the one who comes from there */
        fixture_pass(f, MINUTE);
        assert_non_null(strstr(shown(f), ": a login from a network that was not seen before, "
                                         "198.51.100.9 (sshd).\n" ASK));
        assert_int_equal(log_in(&talk, "alice", PASSWORD), CORE_VERDICT_ALLOW);
        fixture_pass(f, MINUTE);
        assert_string_equal(shown(f), "");
}

/* ---- to whom ------------------------------------------------------------------------------ */

static void only_a_full_login_shows_them(void **state) {
        Fixture *f = *state;
        Talk wrong = talk_new(f, 1, 0);
        uid_t uid = setup_known(f);

        set_password(f, "alice", PASSWORD);
        fixture_flush(f);
        fixture_pass(f, MINUTE);
        assert_int_equal(log_in(&wrong, "alice", "no"), CORE_VERDICT_BAD_PROOF);
        assert_int_equal(talk_authorize(&wrong, "alice", "sshd"), CORE_VERDICT_DENIED);
        assert_null(strstr(wrong.step.text, "password was changed"));
        assert_string_equal(shown_without(f, "cron", 0), "");
        assert_string_equal(shown_without(f, "systemd-user", 0), "");
        assert_string_equal(shown_without(f, "su", 0), ""); /* root's */
        assert_string_equal(shown_by(f, "sudo"), "");
        assert_string_equal(shown_by(f, "su"), "");
        assert_string_equal(shown_by(f, "polkit-1"), "");
        assert_string_equal(shown_without(f, "screen", uid), ""); /* not root's program */
        assert_non_null(strstr(shown_by(f, "login"), "your password was changed"));
        assert_string_equal(shown_by(f, "login"), "");
}

static void who_is_refused_is_shown_none(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0);

        setup_known(f);
        set_password(f, "alice", PASSWORD);
        step_user(f, "alice", STATUS_STEP_SUSPEND);
        fixture_flush(f);
        fixture_pass(f, MINUTE);
        assert_int_equal(log_in(&talk, "alice", PASSWORD), CORE_VERDICT_ALLOW);
        assert_int_equal(talk_authorize(&talk, "alice", "sshd"), CORE_VERDICT_DENIED);
        assert_null(strstr(talk.step.text, "password was changed"));
        step_user(f, "alice", STATUS_STEP_RESUME);
        assert_non_null(strstr(shown(f), "your password was changed"));
}

/* scp and a backup have no terminal: they must not take the news along. */
static void by_key_they_stay_for_a_day(void **state) {
        Fixture *f = *state;

        setup_known(f);
        set_password(f, "alice", PASSWORD);
        fixture_flush(f);
        fixture_pass(f, MINUTE);
        assert_non_null(strstr(shown_without(f, "sshd", 0), "your password was changed"));
        fixture_pass(f, 23 * HOUR);
        assert_non_null(strstr(shown_without(f, "sshd", 0), "your password was changed"));
        fixture_pass(f, 2 * HOUR);
        assert_non_null(strstr(shown_without(f, "sshd", 0), "your password was changed"));
        assert_string_equal(shown_without(f, "sshd", 0), "");
        assert_string_equal(shown(f), "");
        set_password(f, "alice", PASSWORD);
        fixture_pass(f, MINUTE);
        assert_non_null(strstr(shown_without(f, "sshd", 0), "your password was changed"));
        assert_non_null(strstr(shown(f), "your password was changed")); /* seen by a person */
        assert_string_equal(shown_without(f, "sshd", 0), "");
}

static void the_oldest_give_way_and_are_counted(void **state) {
        Fixture *f = *state;
        char address[32];
        const char *text;

        setup_known(f);
        set_password(f, "alice", PASSWORD);
        for (int i = 0; i < 10; i++) {
                snprintf(address, sizeof(address), "alice%d@acme.example", i);
                update_text(f, "alice", USER_FIELD_EMAIL, address);
                fixture_pass(f, MINUTE);
        }
        fixture_flush(f);
        text = shown(f);
        assert_null(strstr(text, "password"));
        assert_non_null(strstr(text, "\nAnd 3 before them.\n" ASK));
        assert_non_null(strstr(shown(f), "And 3 before them")); /* she may not be known that long */
        assert_non_null(strstr(shown_from(f, "", "login"), "And 3 before them"));
        assert_string_equal(shown(f), "");
}

/* Whoever came in by password from elsewhere takes nothing along by coming in again. */
static void a_thief_takes_no_news_along(void **state) {
        static const char thief[] = "198.51.100.9", told[] = "not seen before, 198.51.100.9";
        Fixture *f = *state;
        Talk inside = talk_new(f, 1, 0);

        setup_known(f);
        assert_string_equal(shown_from(f, thief, "sshd"), "");
        update_text(f, "alice", USER_FIELD_EMAIL, "other@acme.example");
        fixture_pass(f, MINUTE);
        assert_non_null(strstr(shown_from(f, thief, "sshd"), told));
        assert_non_null(strstr(shown_from(f, thief, "sshd"), told));
        inside.rhost = "";
        inside.ruser = "mallory";
        assert_string_equal(shown_to(&inside, "su"), "");
        assert_string_equal(shown_to(&inside, "other"), "");
        inside.ruser = "alice";
        assert_string_equal(shown_to(&inside, "screen"), "");
        inside.ruser = "";
        inside.peer.actor.login_uid = FIRST; /* chsh, in his session */
        assert_non_null(strstr(shown_to(&inside, "chsh"), told));
        fixture_flush(f);
        fixture_reopen(f);
        assert_non_null(strstr(shown(f), told)); /* hers */
        assert_string_equal(shown(f), "");
        assert_string_equal(shown_from(f, thief, "sshd"), "");
}

static void from_elsewhere_they_stay_for_a_day(void **state) {
        static const char news[] = "your password was changed";
        Fixture *f = *state;

        setup_known(f);
        set_password(f, "alice", PASSWORD);
        fixture_flush(f);
        fixture_pass(f, MINUTE);
        assert_non_null(strstr(shown_from(f, "198.51.100.9", "sshd"), news));
        fixture_pass(f, 23 * HOUR);
        assert_non_null(strstr(shown_from(f, "198.51.100.9", "sshd"), news));
        fixture_pass(f, 2 * HOUR);
        assert_non_null(strstr(shown_from(f, "198.51.100.9", "sshd"), news));
        assert_string_equal(shown_from(f, "198.51.100.9", "sshd"), "");
}

static void the_console_takes_them(void **state) {
        Fixture *f = *state;

        setup_told(f); /* known from nowhere */
        set_password(f, "alice", PASSWORD);
        fixture_flush(f);
        fixture_pass(f, MINUTE);
        assert_non_null(strstr(shown_from(f, "", "login"), "your password was changed"));
        assert_string_equal(shown_from(f, "", "login"), "");
}

/* A network that he was not seen in for a month begins anew. */
static void who_was_away_is_known_anew(void **state) {
        Fixture *f = *state;

        setup_known(f);
        fixture_pass(f, 31 * DAY);
        set_password(f, "alice", PASSWORD);
        fixture_pass(f, MINUTE);
        assert_non_null(strstr(shown(f), "your password was changed"));
        assert_non_null(strstr(shown(f), "your password was changed"));
}

/* What there is no room for is not lost. */
static void what_does_not_fit_waits(void **state) {
        Fixture *f = *state;
        char rhost[64], text[2048] = "";
        Talk talk = talk_new(f, 2, 0);
        size_t told = 0;

        setup_known(f);
        for (int i = 0; i < 7; i++) {
                snprintf(rhost, sizeof(rhost), "2001:db8:aaaa:bbb%d:cccc:dddd:eeee:ffff", i);
                talk.rhost = rhost;
                assert_int_equal(log_in(&talk, "alice", PASSWORD), CORE_VERDICT_ALLOW);
                fixture_pass(f, MINUTE);
        }
        for (int i = 0; i < 3; i++) {
                snprintf(text, sizeof(text), "%s", shown(f));
                assert_true(strlen(text) < 1000);
                for (const char *at = text; (at = strstr(at, "2001:db8")); at++)
                        told++;
        }
        assert_int_equal(told, 7);
        assert_string_equal(text, ""); /* the third time */
}

int main(void) {
        const struct CMUnitTest tests[] = {
                STORY(a_reset_is_told_once),
                STORY(each_of_these_is_told),
                STORY(a_factor_that_was_added_is_told_once),
                STORY(a_dry_run_tells_nothing),
                STORY(a_change_that_fails_tells_nothing),
                STORY(a_used_recovery_code_is_told_the_next_time),
                STORY(a_login_from_a_strange_network_is_told),
                STORY(only_a_full_login_shows_them),
                STORY(who_is_refused_is_shown_none),
                STORY(by_key_they_stay_for_a_day),
                STORY(the_oldest_give_way_and_are_counted),
                STORY(a_thief_takes_no_news_along),
                STORY(from_elsewhere_they_stay_for_a_day),
                STORY(the_console_takes_them),
                STORY(who_was_away_is_known_anew),
                STORY(what_does_not_fit_waits),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
