/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Former passwords: on every way a password is set, what was one of the last is refused. */

#include "tests/unit/core_fixture.h"

#include "umd/core/login.h"

static void done(void *userdata, int r, const CoreChange *change, const CoreError *error) {
        Fixture *f = userdata;

        f->result = r;
        f->results++;
        f->error = *error;
}

/* As an admin: what came of it. */
static int reset_as(Fixture *f, const char *password, CorePasswordOptions options) {
        _cleanup_secret_ Secret *secret = NULL;
        int r;

        must(base_secret_new(password, strlen(password), &secret));
        f->error = (CoreError){ 0 };
        r = core_user_set_password(f->core, &f->root, "alice", secret, &options, &f->options,
                                   f->now, done, f, &f->error);
        if (r != 0)
                return r;
        fixture_vault(f);
        return f->result;
}

static int reset(Fixture *f, const char *password) {
        return reset_as(f, password, (CorePasswordOptions){ 0 });
}

static void setup_alice(Fixture *f, const char *history) {
        make_user(f, "alice");
        policy_put(f, "password.history", history, NULL);
        set_password(f, "alice", "one");
}

/* Chosen by the person, with the current one typed: the step that came of it. */
static CoreStep chosen(Fixture *f, const char *current, const char *fresh) {
        Talk talk = talk_new(f, 1, FIRST);

        talk_begin(&talk, "change-password", "alice", "passwd", 0);
        talk_answer(&talk, current);
        assert_string_equal(talk.step.secret, "new-password");
        talk_answer(&talk, fresh);
        talk_answer(&talk, fresh);
        core_login_hangup(f->core, 1);
        return talk.step;
}

static size_t kept(Fixture *f) {
        _cleanup_(store_history_done) StoreHistory history = { 0 };
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;

        must(store_begin_read(f->core->store, &txn));
        must(store_history_of_user(txn, FIRST, &history));
        return history.count;
}

static void the_last_ones_are_refused_and_no_others(void **state) {
        Fixture *f = *state;

        setup_alice(f, "2");
        must(reset(f, "two"));
        must(reset(f, "three")); /* of the last two, one and two */
        assert_int_equal(kept(f), 2);
        must_be(reset(f, "one"), CORE_E_POLICY_REFUSED);
        assert_int_equal(f->compared_from, CORE_FROM_HERE);
        assert_string_equal(f->error.text, "password: must not be one of the last 2");
        must_be(reset(f, "two"), CORE_E_POLICY_REFUSED);
        must_be(reset(f, "three"), CORE_E_POLICY_REFUSED);
        assert_string_equal(f->error.text, "password: must differ from the current one");
        must(reset(f, "four"));
        must(reset(f, "one")); /* three changes ago */
        assert_int_equal(kept(f), 2);
        must_be(reset(f, "three"), CORE_E_POLICY_REFUSED);
        must(reset(f, "two"));
}

static void the_person_is_told_and_asked_again(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, FIRST);
        CoreStep step;

        setup_alice(f, "1");
        step = chosen(f, "one", "two");
        assert_int_equal(step.verdict, CORE_VERDICT_ALLOW);
        step = chosen(f, "two", "one");
        assert_int_equal(f->compared_from, CORE_FROM_KNOWN);
        assert_int_equal(step.kind, CORE_STEP_SHOW);
        assert_true(step.is_error);
        assert_string_equal(step.text, "The new password must not be the one before.");
        talk_begin(&talk, "change-password", "alice", "passwd", 0);
        talk_answer(&talk, "two");
        for (int i = 0; i < 2; i++) {
                talk_answer(&talk, "one");
                talk_answer(&talk, "one");
                assert_int_equal(talk.step.kind, CORE_STEP_SHOW);
                talk_answer(&talk, "");
        }
        talk_answer(&talk, "one");
        talk_answer(&talk, "one");
        assert_int_equal(talk.step.verdict, CORE_VERDICT_CHANGE_FAILED);
        assert_string_equal(talk.step.text, "The new password must not be the one before.");
        talk.peer.actor.uid = 0;
        assert_int_equal(log_in(&talk, "alice", "two"), CORE_VERDICT_ALLOW); /* nothing failed */
        talk_begin(&talk, "change-password", "alice", "passwd", 0);          /* root's passwd */
        talk_answer(&talk, "one");
        talk_answer(&talk, "one");
        assert_int_equal(talk.step.kind, CORE_STEP_SHOW);
        assert_int_equal(f->compared_from, CORE_FROM_HERE);
}

static void after_a_setup_code_the_same_ones_are_refused(void **state) {
        static const char *const texts[] = { "The new password must differ from the current one.",
                                             "The new password must not be one of the last 3." };
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0);

        setup_alice(f, "3");
        must(reset(f, "two"));
        make_code(f, "alice");
        assert_int_equal(log_in(&talk, "alice", f->code), CORE_VERDICT_ALLOW);
        assert_int_equal(talk_authorize(&talk, "alice", "sshd"), CORE_VERDICT_RENEW);
        talk_begin(&talk, "change-password", "alice", "passwd", LOGIN_FLAG_EXPIRED);
        for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
                talk_answer(&talk, i == 0 ? "two" : "one");
                talk_answer(&talk, i == 0 ? "two" : "one");
                assert_string_equal(talk.step.text, texts[i]);
                talk_answer(&talk, "");
        }
        talk_answer(&talk, "three");
        talk_answer(&talk, "three");
        assert_int_equal(talk.step.verdict, CORE_VERDICT_ALLOW);
}

/* The one that is typed as the current one is not asked about: it stands there. */
static void the_current_one_is_refused_without_a_list_too(void **state) {
        Fixture *f = *state;
        CoreStep step;

        setup_alice(f, "0");
        policy_put(f, "password.similarity", "off", NULL);
        f->quality_says = (CoreQualityAnswer){ 0 };
        step = chosen(f, "one", "one");
        assert_int_equal(step.kind, CORE_STEP_SHOW);
        assert_int_equal(f->compared, 0);
        must(reset(f, "one")); /* no list, and root tells himself nothing */
        assert_int_equal(f->compared, 0);
}

static void an_imported_hash_is_kept_and_not_looked_at(void **state) {
        Fixture *f = *state;

        setup_alice(f, "5");
        must(reset_as(f, "$6$salt$hash", (CorePasswordOptions){ .is_hash = true }));
        assert_int_equal(f->compared, 0);
        assert_int_equal(kept(f), 1);
        must(reset(f, "two"));
        assert_int_equal(kept(f), 2);
        must_be(reset(f, "$6$salt$hash"), CORE_E_POLICY_REFUSED); /* as the fixture hashes */
        must_be(reset(f, "one"), CORE_E_POLICY_REFUSED);
}

static void a_lower_value_drops_the_surplus_at_the_next_change(void **state) {
        static const char *const words[] = { "a1", "b2", "c3", "d4", "e5" };
        Fixture *f = *state;

        setup_alice(f, "24");
        for (size_t i = 0; i < ARRAY_LENGTH(words); i++)
                must(reset(f, words[i]));
        assert_int_equal(kept(f), 5);
        policy_put(f, "password.history", "2", "alice");
        must_be(reset(f, "d4"), CORE_E_POLICY_REFUSED);
        must(reset(f, "one")); /* beyond two already */
        assert_int_equal(kept(f), 2);
        policy_put(f, "password.history", "0", "alice");
        must(reset(f, "two"));
        assert_int_equal(kept(f), 0);
        policy_put(f, "password.history", "5", "alice");
        must(reset(f, "one"));
        assert_int_equal(kept(f), 1);
}

static void as_many_are_kept_as_can_be_asked_for(void **state) {
        char word[16];
        Fixture *f = *state;

        setup_alice(f, "24");
        for (int i = 0; i < 30; i++) {
                snprintf(word, sizeof(word), "word %d", i);
                must(reset(f, word));
        }
        assert_int_equal(kept(f), STORE_HISTORY_MAX);
        f->compared = 0;
        must_be(reset(f, "word 5"), CORE_E_POLICY_REFUSED);
        assert_int_equal(f->compared, 25);
        must(reset(f, "word 4"));
}

static void a_deleted_user_has_none(void **state) {
        Fixture *f = *state;

        setup_alice(f, "5");
        must(reset(f, "two"));
        assert_int_equal(kept(f), 1);
        step_user(f, "alice", STATUS_STEP_DELETE);
        assert_int_equal(kept(f), 0);
        step_user(f, "alice", STATUS_STEP_RESTORE);
        must(reset(f, "one"));
}

static void a_better_hash_of_the_same_is_no_former_one(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0);

        setup_alice(f, "5");
        f->vault_old = true;
        assert_int_equal(log_in(&talk, "alice", "one"), CORE_VERDICT_ALLOW);
        f->vault_old = false;
        assert_int_equal(kept(f), 0);
        must(reset(f, "two"));
        must_be(reset(f, "one"), CORE_E_POLICY_REFUSED);
}

/* Nothing is set that could not be compared. */
static void where_the_vault_does_not_say_nothing_is_set(void **state) {
        static const struct {
                CoreProofResult says;
                CoreOutcome outcome;
        } rows[] = {
                { CORE_PROOF_BUSY, CORE_E_BUSY },
                { CORE_PROOF_THROTTLED, CORE_E_BUSY },
                { CORE_PROOF_FAULT, CORE_E_UNAVAILABLE },
        };
        Fixture *f = *state;

        setup_alice(f, "5");
        must(reset(f, "two"));
        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                Talk talk = talk_new(f, 1, FIRST);

                f->vault_says = rows[i].says;
                must_be(reset(f, "one"), rows[i].outcome);
                f->vault_says = CORE_PROOF_MATCH;
                talk_begin(&talk, "change-password", "alice", "passwd", 0);
                talk_answer(&talk, "two");
                talk_answer(&talk, "one");
                talk_answer_only(&talk, "one");
                f->vault_says = rows[i].says;
                fixture_vault(f);
                f->vault_says = CORE_PROOF_MATCH;
                assert_int_equal(talk.step.verdict, CORE_VERDICT_UNAVAILABLE);
        }
        f->vault_gone = true;
        must_be(reset(f, "one"), CORE_E_UNAVAILABLE);
        f->vault_gone = false;
        must_be(reset(f, "one"), CORE_E_POLICY_REFUSED);
}

/* Whoever has not proved the current one learns nothing of former ones. */
static void nobody_asks_who_has_proved_nothing(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, FIRST);

        setup_alice(f, "5");
        must(reset(f, "two"));
        f->compared = 0;
        talk_begin(&talk, "change-password", "alice", "passwd", 0);
        talk_answer(&talk, "one"); /* a former one */
        assert_int_equal(talk.step.verdict, CORE_VERDICT_BAD_PROOF);
        talk = talk_new(f, 1, 0);
        assert_int_equal(log_in(&talk, "alice", "one"), CORE_VERDICT_BAD_PROOF);
        assert_int_equal(f->compared, 0);
}

static void a_peer_that_hangs_up_while_it_is_compared_leaves_nothing(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, FIRST);

        setup_alice(f, "5");
        must(reset(f, "two"));
        talk_begin(&talk, "change-password", "alice", "passwd", 0);
        talk_answer(&talk, "two");
        talk_answer(&talk, "three");
        talk_answer_only(&talk, "three");
        core_login_hangup(f->core, 1);
        fixture_vault(f);
        talk = talk_new(f, 2, 0);
        assert_int_equal(log_in(&talk, "alice", "two"), CORE_VERDICT_ALLOW);
        assert_int_equal(kept(f), 1);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                STORY(the_last_ones_are_refused_and_no_others),
                STORY(the_person_is_told_and_asked_again),
                STORY(after_a_setup_code_the_same_ones_are_refused),
                STORY(the_current_one_is_refused_without_a_list_too),
                STORY(an_imported_hash_is_kept_and_not_looked_at),
                STORY(a_lower_value_drops_the_surplus_at_the_next_change),
                STORY(as_many_are_kept_as_can_be_asked_for),
                STORY(a_deleted_user_has_none),
                STORY(a_better_hash_of_the_same_is_no_former_one),
                STORY(where_the_vault_does_not_say_nothing_is_set),
                STORY(nobody_asks_who_has_proved_nothing),
                STORY(a_peer_that_hangs_up_while_it_is_compared_leaves_nothing),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
