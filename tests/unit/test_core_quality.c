/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* New passwords on every way are asked about, with whose they are; a refusal names all that failed
 * and changes nothing; no answer is a refusal too. */

#include <string.h>

#include "tests/unit/core_fixture.h"

#define BIT(c) (1U << CORE_QUALITY_##c)
#define ALL    ((1U << _CORE_QUALITY_MAX) - 1)

#define WHY_SHORT "must have at least 12 characters, this has 7"
#define WHY_BOTH  WHY_SHORT "; not be known from leaks"

static void done(void *userdata, int r, const CoreChange *change, const CoreError *error) {
        Fixture *f = userdata;

        f->result = r;
        f->results++;
        f->error = *error;
}

static void created(void *userdata, int r, const char *name, const Secret *code,
                    uint64_t expires_usec, const CoreChange *change, const CoreError *error) {
        assert_null(code);
        done(userdata, r, change, error);
}

static int set(Fixture *f, const char *password, bool is_hash) {
        CorePasswordOptions options = { .is_hash = is_hash };
        _cleanup_secret_ Secret *secret = NULL;

        must(base_secret_new(password, strlen(password), &secret));
        return core_user_set_password(f->core, &f->root, "alice", secret, &options, &f->options,
                                      f->now, done, f, &f->error);
}

static int create(Fixture *f, const char *name) {
        UserSpec spec = { .text = { [USER_FIELD_NAME] = name,
                                    [USER_FIELD_FULL_NAME] = "Bob Builder",
                                    [USER_FIELD_EMAIL] = "bob@example.org" } };
        CorePasswordOptions options = { 0 };
        _cleanup_secret_ Secret *secret = NULL;

        must(base_secret_new("new one", 7, &secret));
        return core_user_create_with_password(f->core, &f->root, &spec, secret, &options,
                                              &f->options, f->now, created, f, &f->error);
}

static int setup(void **state) {
        int r = fixture_setup(state);
        Fixture *f = *state;

        make_user(f, "alice");
        update_text(f, "alice", USER_FIELD_FULL_NAME, "Alice Liddell");
        update_text(f, "alice", USER_FIELD_EMAIL, "alice@example.org");
        set_password(f, "alice", "old one");
        return r;
}

static void must_have_asked(const Fixture *f, const char *password, const char *old,
                            const char *name, const char *full_name, const char *email) {
        assert_string_equal(f->asked.password, password);
        assert_string_equal(f->asked.old, old);
        assert_string_equal(f->asked.name, name);
        assert_string_equal(f->asked.full_name, full_name);
        assert_string_equal(f->asked.email, email);
        assert_int_equal(f->asked.rules.min_length, 12);
        assert_int_equal(f->asked.rules.classes, 0);
        assert_true(f->asked.rules.similarity && f->asked.rules.dictionary);
        assert_false(f->asked.rules.breached);
}

static void begin(Talk *talk, uint32_t flags) {
        talk_begin(talk, "change-password", "alice", "passwd", flags);
        assert_int_equal(talk->step.kind, CORE_STEP_ASK_HIDDEN);
}

static void must_still_be(Fixture *f, const char *password) {
        Talk talk = talk_new(f, 9, 0);

        assert_int_equal(log_in(&talk, "alice", password), CORE_VERDICT_ALLOW);
}

/* ---- every way ---------------------------------------------------------------------------- */

static void a_reset_is_checked_and_refused_with_all_reasons(void **state) {
        Fixture *f = *state;
        uint64_t entries = last_audit(f);

        f->quality_says = (CoreQualityAnswer){ BIT(TOO_SHORT) | BIT(IS_BREACHED), 7, 1 };
        must(set(f, "new one", false));
        fixture_vault(f);
        must_be(f->result, CORE_E_POLICY_REFUSED);
        assert_string_equal(f->error.text, "password: " WHY_BOTH);
        must_have_asked(f, "new one", "", "alice", "Alice Liddell", "alice@example.org");
        assert_true(last_audit(f) == entries);
        must_still_be(f, "old one");
}

static void a_creation_is_checked_and_makes_nobody(void **state) {
        _cleanup_(core_user_freep) CoreUser *user = NULL;
        Fixture *f = *state;

        f->quality_says = (CoreQualityAnswer){ BIT(TOO_SHORT), 7, 1 };
        must(create(f, "bob"));
        fixture_vault(f);
        must_be(f->result, CORE_E_POLICY_REFUSED);
        assert_string_equal(f->error.text, "password: " WHY_SHORT);
        must_have_asked(f, "new one", "", "bob", "Bob Builder", "bob@example.org");
        must_be(core_user_get(f->core, "bob", true, &user, &f->error), CORE_E_NO_SUCH_USER);
        f->quality_says = (CoreQualityAnswer){ 0 };
        must(create(f, "bob"));
        fixture_vault(f);
        must(f->result);
}

static void a_hash_is_not_asked_about(void **state) {
        Fixture *f = *state;

        f->quality_says = (CoreQualityAnswer){ ALL, 7, 1 };
        f->quality_gone = true;
        must(set(f, "$6$salt$hash", true));
        assert_int_equal(f->question_count, 0);
        fixture_vault(f);
        must(f->result);
}

static void ones_own_is_checked_beside_the_old_one(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, FIRST);

        begin(&talk, 0);
        talk_answer(&talk, "old one");
        f->quality_says = (CoreQualityAnswer){ BIT(TOO_SHORT) | BIT(IS_BREACHED), 7, 1 };
        talk_answer(&talk, "new one");
        assert_int_equal(talk.step.kind, CORE_STEP_SHOW);
        assert_true(talk.step.is_error);
        assert_string_equal(talk.step.text, "The new password " WHY_BOTH ".");
        must_have_asked(f, "new one", "old one", "alice", "Alice Liddell", "alice@example.org");
        talk_answer(&talk, "");
        assert_string_equal(talk.step.secret, "new-password");
        f->quality_says = (CoreQualityAnswer){ 0 };
        talk_answer(&talk, "new two");
        assert_string_equal(talk.step.secret, "new-password-again");
        talk_answer(&talk, "new two");
        assert_int_equal(talk.step.verdict, CORE_VERDICT_ALLOW);
        must_still_be(f, "new two");
}

static void roots_own_way_is_checked_too(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0);

        f->quality_says = (CoreQualityAnswer){ BIT(TOO_SHORT), 7, 1 };
        begin(&talk, 0);
        for (int i = 0; i < 2; i++) {
                talk_answer(&talk, "new one");
                assert_string_equal(talk.step.text, "The new password " WHY_SHORT ".");
                talk_answer(&talk, "");
        }
        talk_answer(&talk, "new one");
        assert_int_equal(talk.step.kind, CORE_STEP_DONE);
        assert_int_equal(talk.step.verdict, CORE_VERDICT_CHANGE_FAILED);
        must_have_asked(f, "new one", "", "alice", "Alice Liddell", "alice@example.org");
        must_still_be(f, "old one");
}

static void policy_set(Fixture *f, const char *user, const char *name, const char *value) {
        char text[POLICY_VALUE_TEXT_MAX];

        must(core_policy_set(f->core, &f->root, &POLICY_OF(user), name, value, &f->options, f->now,
                             text, &f->change, &f->error));
}

static void what_is_asked_for_are_the_users_policy_values(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, FIRST);

        policy_set(f, NULL, "password.min-length", "20");
        policy_set(f, NULL, "password.classes", "3");
        policy_set(f, "alice", "password.breached", "on");
        policy_set(f, "alice", "password.dictionary", "off");
        f->quality_says = (CoreQualityAnswer){ BIT(TOO_SHORT) | BIT(TOO_FEW), 7, 1 };
        must(set(f, "new one", false));
        fixture_vault(f);
        assert_non_null(strstr(f->error.text, "at least 20 characters, this has 7; have at least 3 "
                                              "of lower case"));
        for (int i = 0; i < 2; i++) {
                assert_int_equal(f->asked.rules.min_length, 20);
                assert_int_equal(f->asked.rules.classes, 3);
                assert_true(f->asked.rules.similarity && f->asked.rules.breached);
                assert_false(f->asked.rules.dictionary);
                f->asked.rules = (CoreQualityRules){ 0 };
                begin(&talk, 0);
                talk_answer(&talk, "old one");
                talk_answer(&talk, "new one");
        }
        must(create(f, "bob")); /* whose values are the company's */
        fixture_vault(f);
        assert_int_equal(f->asked.rules.min_length, 20);
        assert_true(f->asked.rules.dictionary);
        assert_false(f->asked.rules.breached);
}

/* By the person alone, and not where the change is due. */
static void a_change_that_comes_too_early_names_the_date(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, FIRST);

        policy_set(f, "alice", "password.min-age", "1d");
        begin(&talk, 0);
        talk_answer(&talk, "old one");
        assert_int_equal(talk.step.verdict, CORE_VERDICT_CHANGE_FAILED);
        assert_memory_equal(talk.step.text, "The password may be changed again from 20", 41);
        begin(&talk, 0);
        talk_answer(&talk, "wrong");
        assert_int_equal(talk.step.verdict, CORE_VERDICT_BAD_PROOF);
        assert_string_equal(talk.step.text, "");
        must(core_user_must_change(f->core, &f->root, "alice", &f->options, f->now, &f->change,
                                   &f->error));
        begin(&talk, 0);
        talk_answer(&talk, "old one");
        talk_answer(&talk, "new one");
        talk_answer(&talk, "new one");
        assert_int_equal(talk.step.verdict, CORE_VERDICT_ALLOW);
        must(set(f, "newer", false)); /* a reset does not wait */
        fixture_vault(f);
        must(f->result);
        f->now += 24 * HOUR - 1;
        begin(&talk, 0);
        talk_answer(&talk, "newer");
        assert_int_equal(talk.step.verdict, CORE_VERDICT_CHANGE_FAILED);
        f->now += 1;
        begin(&talk, 0);
        talk_answer(&talk, "newer");
        assert_string_equal(talk.step.secret, "new-password");
}

/* ---- no answer ---------------------------------------------------------------------------- */

static void without_an_answer_nothing_is_set(void **state) {
        Fixture *f = *state;

        f->quality_silent = true;
        must(set(f, "new one", false));
        fixture_vault(f);
        must_be(f->result, CORE_E_UNAVAILABLE);
        must(create(f, "bob"));
        fixture_vault(f);
        must_be(f->result, CORE_E_UNAVAILABLE);
        f->quality_gone = true;
        must_be(set(f, "new one", false), CORE_E_UNAVAILABLE);
        assert_string_equal(f->error.text,
                            "passwords cannot be checked now: um-quality does not answer");
        must_be(create(f, "bob"), CORE_E_UNAVAILABLE);
        must_still_be(f, "old one");
}

static void without_an_answer_the_change_ends(void **state) {
        Fixture *f = *state;

        for (int i = 0; i < 2; i++) {
                Talk talk = talk_new(f, 1, FIRST);

                f->quality_silent = true;
                f->quality_gone = i > 0;
                begin(&talk, 0);
                talk_answer(&talk, "old one");
                talk_answer(&talk, "new one");
                assert_int_equal(talk.step.kind, CORE_STEP_DONE);
                assert_int_equal(talk.step.verdict, CORE_VERDICT_UNAVAILABLE);
                assert_string_equal(talk.step.text,
                                    "New passwords cannot be checked now. Try again later.");
        }
        must_still_be(f, "old one"); /* logins do not need it */
}

/* ---- words -------------------------------------------------------------------------------- */

static void each_condition_has_words_and_all_fit(void **state) {
        Fixture *f = *state;
        char seen[_CORE_QUALITY_MAX][512];

        for (CoreQualityCondition c = 0; c < _CORE_QUALITY_MAX; c++) {
                f->quality_says = (CoreQualityAnswer){ 1U << c, 511, 3 };
                must(set(f, "new one", false));
                fixture_vault(f);
                must_be(f->result, CORE_E_POLICY_REFUSED);
                assert_memory_equal(f->error.text, "password: must ", 15);
                strcpy(seen[c], f->error.text + 15);
                for (CoreQualityCondition d = 0; d < c; d++)
                        assert_string_not_equal(seen[c], seen[d]);
        }
        f->quality_says = (CoreQualityAnswer){ ALL, 511, 3 };
        must(set(f, "new one", false));
        fixture_vault(f);
        for (CoreQualityCondition c = 0; c < _CORE_QUALITY_MAX; c++)
                assert_non_null(strstr(f->error.text, seen[c]));
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                STORY(a_reset_is_checked_and_refused_with_all_reasons),
                STORY(a_creation_is_checked_and_makes_nobody),
                STORY(a_hash_is_not_asked_about),
                STORY(ones_own_is_checked_beside_the_old_one),
                STORY(roots_own_way_is_checked_too),
                STORY(what_is_asked_for_are_the_users_policy_values),
                STORY(a_change_that_comes_too_early_names_the_date),
                STORY(without_an_answer_nothing_is_set),
                STORY(without_an_answer_the_change_ends),
                STORY(each_condition_has_words_and_all_fit),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
