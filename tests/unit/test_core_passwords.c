/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Passwords and codes as an admin gives them. */

#include "tests/unit/core_fixture.h"

static void done(void *userdata, int r, const CoreChange *change, const CoreError *error) {
        Fixture *f = userdata;

        f->result = r;
        f->results++;
        f->change = *change;
        f->error = *error;
}

static void done_code(void *userdata, int r, const Secret *code, uint64_t expires_usec,
                      const CoreChange *change, const CoreError *error) {
        assert_int_equal(r == 0, code != NULL);
        done(userdata, r, change, error);
}

static int set(Fixture *f, const char *name, const void *bytes, size_t len,
               CorePasswordOptions options) {
        _cleanup_secret_ Secret *secret = NULL;

        must(base_secret_new(bytes, len, &secret));
        f->error = (CoreError){ 0 };
        return core_user_set_password(f->core, &f->root, name, secret, &options, &f->options,
                                      f->now, done, f, &f->error);
}

static void a_password_is_set(void **state) {
        _cleanup_(core_user_freep) CoreUser *user = NULL;
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0);

        make_user(f, "alice");
        must(set(f, "alice", "pw", 2, (CorePasswordOptions){ 0 }));
        assert_int_equal(f->results, 0);
        fixture_vault(f);
        assert_int_equal(f->results, 1);
        must(f->result);
        assert_true(f->change.id > 0);
        assert_string_equal(audit_line(f, 0), "user.password done  user/alice");
        must(core_user_get(f->core, "alice", false, &user, &f->error));
        assert_true(user->has_password);
        assert_false(user->must_change);
        assert_true(user->password_changed_usec == NOW);
        assert_true(user->password_expires_usec == USEC_INFINITY);
        fixture_flush(f);
        assert_string_equal(f->news, "added user alice\n");
        assert_int_equal(log_in(&talk, "alice", "pw"), CORE_VERDICT_ALLOW);
}

static void what_is_no_password_is_refused(void **state) {
        static const char longer[BASE_PASSWORD_MAX + 1] = "x";
        static const struct {
                const char *name, *bytes;
                size_t len;
                bool hash;
                CoreOutcome outcome;
                const char *text;
        } rows[] = {
                { "alice", "", 0, false, CORE_E_BAD_VALUE, "password: must have 1 to 511 bytes" },
                { "alice", longer, sizeof(longer), false, CORE_E_BAD_VALUE,
                  "password: must have 1 to 511 bytes" },
                { "alice", "a\0b", 3, false, CORE_E_BAD_VALUE,
                  "password: may not have a NUL byte" },
                { "nobody", "pw", 2, false, CORE_E_NO_SUCH_USER, "nobody: no such user" },
                { "gone", "pw", 2, false, CORE_E_NO_SUCH_USER, "gone: no such user" },
        };
        Fixture *f = *state;

        make_user(f, "alice");
        make_user(f, "gone");
        step_user(f, "gone", STATUS_STEP_DELETE);
        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                must_be(set(f, rows[i].name, rows[i].bytes, rows[i].len,
                            (CorePasswordOptions){ .is_hash = rows[i].hash }),
                        rows[i].outcome);
                assert_string_equal(f->error.text, rows[i].text);
        }
        f->options.reason = "a\nb";
        must_be(set(f, "alice", "pw", 2, (CorePasswordOptions){ 0 }), CORE_E_BAD_VALUE);
        assert_int_equal(f->job_count, 0);
        assert_int_equal(f->question_count, 0);
        assert_int_equal(f->results, 0);
}

static void a_hash_is_taken_or_refused_by_the_vault(void **state) {
        Fixture *f = *state;

        make_user(f, "alice");
        must(set(f, "alice", "$6$salt$hash", 12, (CorePasswordOptions){ .is_hash = true }));
        fixture_vault(f);
        must(f->result);
        must(set(f, "alice", "plain", 5, (CorePasswordOptions){ .is_hash = true }));
        fixture_vault(f);
        must_be(f->result, CORE_E_BAD_VALUE);
        assert_string_equal(f->error.text,
                            "password: is no whole hash of a method um takes: $y$, $6$, $5$, "
                            "$2b$, $2a$, $2y$");
}

static void a_temporary_one_must_be_changed(void **state) {
        _cleanup_(core_user_freep) CoreUser *user = NULL;
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0);

        make_user(f, "alice");
        must(set(f, "alice", "pw", 2,
                 (CorePasswordOptions){ .must_change = true, .expires_usec = NOW + DAY }));
        fixture_vault(f);
        must(core_user_get(f->core, "alice", false, &user, &f->error));
        assert_true(user->must_change);
        assert_true(user->password_expires_usec == NOW + DAY);
        log_in(&talk, "alice", "pw");
        assert_int_equal(talk_authorize(&talk, "alice", "sshd"), CORE_VERDICT_RENEW);
        assert_string_equal(talk.step.reason, "must-change");
        must(set(f, "alice", "pw2", 3, (CorePasswordOptions){ 0 }));
        fixture_vault(f);
        log_in(&talk, "alice", "pw2");
        assert_int_equal(talk_authorize(&talk, "alice", "sshd"), CORE_VERDICT_ALLOW);
        f->now += DAY;
        log_in(&talk, "alice", "pw2");
        assert_int_equal(talk_authorize(&talk, "alice", "sshd"), CORE_VERDICT_RENEW);
        assert_string_equal(talk.step.reason, "password-expired");
        assert_string_equal(talk.step.text,
                            "Your password has expired and must be changed. It expired on "
                            "2026-08-02T09:00:00Z: 2 more logins may change it.\n"
                            "2026-08-01T09:00:00Z: your password was changed by root.\n"
                            "Was it not you? Tell your administrator.");
        must(set(f, "alice", "pw3", 3, (CorePasswordOptions){ 0 })); /* not born expired */
        fixture_vault(f);
        log_in(&talk, "alice", "pw3");
        assert_int_equal(talk_authorize(&talk, "alice", "sshd"), CORE_VERDICT_ALLOW);
}

static void must_change_needs_a_password(void **state) {
        Fixture *f = *state;

        make_user(f, "alice");
        must_be(core_user_must_change(f->core, &f->root, "alice", &f->options, f->now, &f->change,
                                      &f->error),
                CORE_E_POLICY_REFUSED);
        assert_string_equal(f->error.text, "alice: has no password to change");
        set_password(f, "alice", "pw");
        must(core_user_must_change(f->core, &f->root, "alice", &f->options, f->now, &f->change,
                                   &f->error));
        assert_true(f->change.id > 0);
        must(core_user_must_change(f->core, &f->root, "alice", &f->options, f->now, &f->change,
                                   &f->error));
        assert_int_equal(f->change.id, 0);
}

static void of_two_at_once_the_second_is_a_conflict(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0);

        make_user(f, "alice");
        must(set(f, "alice", "one", 3, (CorePasswordOptions){ 0 }));
        must(set(f, "alice", "two", 3, (CorePasswordOptions){ 0 }));
        fixture_vault_one(f);
        must(f->result);
        fixture_vault_one(f);
        must_be(f->result, CORE_E_CONFLICT);
        assert_string_equal(f->error.text, "alice: the password was changed meanwhile: try again");
        assert_int_equal(log_in(&talk, "alice", "one"), CORE_VERDICT_ALLOW);
        assert_int_equal(log_in(&talk, "alice", "two"), CORE_VERDICT_BAD_PROOF);
}

static void what_changed_while_the_vault_worked_counts(void **state) {
        Fixture *f = *state;

        make_user(f, "alice");
        f->options.if_version = 1;
        must(set(f, "alice", "one", 3, (CorePasswordOptions){ 0 }));
        f->options.if_version = 0;
        update_text(f, "alice", USER_FIELD_TITLE, "boss");
        fixture_vault(f);
        must_be(f->result, CORE_E_CONFLICT);
        must(set(f, "alice", "one", 3, (CorePasswordOptions){ 0 }));
        step_user(f, "alice", STATUS_STEP_DELETE);
        fixture_vault(f);
        must_be(f->result, CORE_E_NO_SUCH_USER);
}

static void a_vault_that_fails_says_how(void **state) {
        static const struct {
                CoreProofResult says;
                CoreOutcome outcome;
        } rows[] = {
                { CORE_PROOF_BUSY, CORE_E_BUSY },
                { CORE_PROOF_THROTTLED, CORE_E_BUSY },
                { CORE_PROOF_FAULT, CORE_E_UNAVAILABLE },
                { _CORE_PROOF_MAX, CORE_E_UNAVAILABLE },
        };
        Fixture *f = *state;

        make_user(f, "alice");
        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                f->vault_says = rows[i].says;
                must(set(f, "alice", "one", 3, (CorePasswordOptions){ 0 }));
                fixture_vault(f);
                must_be(f->result, rows[i].outcome);
                must(core_user_create_setup_code(f->core, &f->root, "alice", &f->options, f->now,
                                                 done_code, f, &f->error));
                fixture_vault(f);
                must_be(f->result, rows[i].outcome);
        }
        f->vault_gone = true;
        must(set(f, "alice", "one", 3, (CorePasswordOptions){ 0 }));
        fixture_vault(f);
        must_be(f->result, CORE_E_UNAVAILABLE);
        must_be(core_user_create_setup_code(f->core, &f->root, "alice", &f->options, f->now,
                                            done_code, f, &f->error),
                CORE_E_UNAVAILABLE);
}

static bool key_is_right(Fixture *f, uint8_t key, uint8_t noted) {
        uint8_t id[16] = { key }, is[16] = { 0 };
        bool right;

        must(core_vault_key_check(f->core, id, &right, is));
        assert_int_equal(is[0], noted);
        return right;
}

static bool status_of_key(Fixture *f) {
        CoreStatus status;

        must(core_status(f->core, &status));
        assert_int_equal(status.vault_ready, !status.vault_key_wrong);
        return !status.vault_key_wrong;
}

/* Refused at once: the vault is not even asked. */
static void must_refuse_to_set(Fixture *f) {
        must_be(set(f, "alice", "two", 3, (CorePasswordOptions){ 0 }), CORE_E_UNAVAILABLE);
        must_be(set(f, "alice", "two", 3, (CorePasswordOptions){ .is_hash = true }),
                CORE_E_UNAVAILABLE);
        must_be(core_user_create_setup_code(f->core, &f->root, "alice", &f->options, f->now,
                                            done_code, f, &f->error),
                CORE_E_UNAVAILABLE);
        assert_non_null(strstr(f->error.text, "another key"));
}

static void under_another_key_nothing_is_set(void **state) {
        Fixture *f = *state;

        make_user(f, "alice");
        assert_true(key_is_right(f, 1, 1));
        assert_true(key_is_right(f, 2, 2)); /* nobody has a verifier yet */
        must(set(f, "alice", "one", 3, (CorePasswordOptions){ 0 }));
        fixture_vault(f);
        must(f->result);
        fixture_flush(f);
        assert_true(key_is_right(f, 2, 2));
        assert_false(key_is_right(f, 3, 2));
        assert_false(status_of_key(f));
        must_refuse_to_set(f);
        assert_true(key_is_right(f, 2, 2)); /* it was put back */
        assert_true(status_of_key(f));
        must(set(f, "alice", "two", 3, (CorePasswordOptions){ 0 }));
        fixture_vault(f);
        must(f->result);
        fixture_flush(f);
        fixture_reopen(f);
        assert_false(key_is_right(f, 3, 2)); /* also after a restart */
        must_refuse_to_set(f);
        must(core_vault_key_forget(f->core, f->now));
        fixture_flush(f);
        fixture_reopen(f);
        assert_true(key_is_right(f, 3, 3));
        assert_false(key_is_right(f, 2, 3));
}

static void a_code_is_shown_once_and_replaces_the_last(void **state) {
        _cleanup_(core_user_freep) CoreUser *user = NULL;
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0);
        char first[32];

        make_user(f, "alice");
        make_code(f, "alice");
        snprintf(first, sizeof(first), "%s", f->code);
        must(core_user_get(f->core, "alice", false, &user, &f->error));
        assert_true(user->has_setup_code);
        assert_false(user->has_password);
        make_code(f, "alice");
        assert_string_not_equal(first, f->code);
        assert_string_equal(audit_line(f, 0), "user.setup-code done  user/alice");
        assert_int_equal(log_in(&talk, "alice", first), CORE_VERDICT_BAD_PROOF);
        set_password(f, "alice", "pw"); /* takes the code away */
        assert_int_equal(log_in(&talk, "alice", f->code), CORE_VERDICT_BAD_PROOF);
        must_be(core_user_create_setup_code(f->core, &f->root, "nobody", &f->options, f->now,
                                            done_code, f, &f->error),
                CORE_E_NO_SUCH_USER);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                STORY(a_password_is_set),
                STORY(what_is_no_password_is_refused),
                STORY(a_hash_is_taken_or_refused_by_the_vault),
                STORY(a_temporary_one_must_be_changed),
                STORY(must_change_needs_a_password),
                STORY(of_two_at_once_the_second_is_a_conflict),
                STORY(what_changed_while_the_vault_worked_counts),
                STORY(a_vault_that_fails_says_how),
                STORY(under_another_key_nothing_is_set),
                STORY(a_code_is_shown_once_and_replaces_the_last),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
