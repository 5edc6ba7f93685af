/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Dialogues: whose turn it is, who may, what a hangup leaves, and their bounds. */

#include "tests/unit/core_fixture.h"

#include <stdlib.h>

#include "umd/core/internal.h"
#include "umd/core/login.h"

static void setup_alice(Fixture *f) {
        make_user(f, "alice");
        make_user(f, "bob");
        set_password(f, "alice", "pw");
        fixture_flush(f);
}

static void an_answer_out_of_turn_ends_both(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0), second = talk;

        setup_alice(f);
        talk_begin(&talk, "authenticate", "alice", "sshd", 0);
        talk_answer_only(&talk, "pw");
        assert_int_equal(talk.answers, 1);
        memcpy(second.login, talk.login, sizeof(second.login));
        talk_answer_only(&second, "pw"); /* the first still waits for the vault */
        must_be(second.r, CORE_E_NO_SUCH_ENTRY);
        must_be(talk.r, CORE_E_NO_SUCH_ENTRY);
        assert_int_equal(talk.answers, 2);
        fixture_vault(f); /* and nobody is there for the vault's answer */
        assert_int_equal(talk.answers, 2);
        talk_answer_only(&talk, "pw");
        must_be(talk.r, CORE_E_NO_SUCH_ENTRY);
        assert_string_equal(talk.error.text, "no such login");
}

static void an_answer_of_another_connection_ends_it(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0), other = talk_new(f, 2, 0);

        setup_alice(f);
        talk_begin(&talk, "authenticate", "alice", "sshd", 0);
        memcpy(other.login, talk.login, sizeof(other.login));
        talk_answer(&other, "pw");
        must_be(other.r, CORE_E_NO_SUCH_ENTRY);
        talk_answer(&talk, "pw");
        must_be(talk.r, CORE_E_NO_SUCH_ENTRY);
}

static void ids_that_are_none_are_refused(void **state) {
        static const char *const ids[] = { "",
                                           "x",
                                           "0123456789abcdef0123456789abcde",
                                           "0123456789ABCDEF0123456789ABCDEF",
                                           "0123456789abcdef0123456789abcdef0",
                                           "00000000000000000000000000000000" };
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0);

        setup_alice(f);
        for (size_t i = 0; i < ARRAY_LENGTH(ids); i++) {
                snprintf(talk.login, sizeof(talk.login), "%s", ids[i]);
                talk_answer(&talk, "pw");
                must_be(talk.r, CORE_E_NO_SUCH_ENTRY);
                if (ids[i][0])
                        assert_int_equal(talk_authorize(&talk, "alice", "sshd"),
                                         CORE_VERDICT_DENIED);
        }
        assert_string_equal(audit_line(f, 0), "authorize deny bad-proof user/alice");
}

#define GUESSES      20000U
#define GUESSES_FULL 1000000U

/* Another uid guesses the ids of dialogues and of proofs: none is found, and they are in nobody's
 * way (catalogue 86). */
static void guessed_ids_find_nothing(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0), proved = talk_new(f, 2, 0),
             guess = talk_new(f, 3, FIRST + 1);
        unsigned count = getenv("UM_TEST_FULL") ? GUESSES_FULL : GUESSES;
        uint64_t entries;

        setup_alice(f);
        assert_int_equal(log_in(&proved, "alice", "pw"), CORE_VERDICT_ALLOW);
        talk_begin(&talk, "authenticate", "alice", "sshd", 0);
        entries = last_audit(f);
        for (unsigned i = 0; i < count; i++) {
                /* every second one differs from one of those that are there in one digit */
                const Talk *near = i % 4 < 2 ? &talk : &proved;
                uint8_t random[16];

                must(base_random(random, sizeof(random)));
                for (size_t d = 0; d < sizeof(random); d++)
                        snprintf(guess.login + 2 * d, 3, "%02x", random[d]);
                if (i % 2 == 0) {
                        memcpy(guess.login, near->login, sizeof(guess.login));
                        guess.login[i / 2 % 32] = guess.login[i / 2 % 32] == 'a' ? 'b' : 'a';
                }
                talk_answer(&guess, "pw");
                must_be(guess.r, CORE_E_NO_SUCH_ENTRY);
        }
        /* nothing was written for it, and both are as they were */
        assert_int_equal(last_audit(f), entries);
        talk_answer(&talk, "pw");
        assert_int_equal(talk.step.verdict, CORE_VERDICT_ALLOW);
        assert_int_equal(talk_authorize(&proved, "alice", "sshd"), CORE_VERDICT_ALLOW);
        /* one that is known opens nothing for another uid */
        memcpy(guess.login, talk.login, sizeof(guess.login));
        talk_authorize(&guess, "alice", "sshd");
        must_be(guess.r, CORE_E_ACCESS_DENIED);
}

static void a_hangup_while_the_vault_works_is_harmless(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0), other = talk_new(f, 2, 0);
        uint64_t entries;

        setup_alice(f);
        entries = last_audit(f);
        talk_begin(&talk, "authenticate", "alice", "sshd", 0);
        talk_begin(&other, "authenticate", "alice", "sshd", 0);
        talk_answer_only(&talk, "pw");
        talk_answer_only(&other, "pw");
        core_login_hangup(f->core, 1);
        fixture_vault(f);
        assert_int_equal(talk.answers, 1);
        assert_int_equal(other.step.verdict, CORE_VERDICT_ALLOW);
        assert_int_equal(last_audit(f), entries + 1);
        talk_answer(&talk, "pw");
        must_be(talk.r, CORE_E_NO_SUCH_ENTRY);
}

static void core_may_end_while_the_vault_works(void **state) {
        CorePasswordOptions options = { 0 };
        _cleanup_secret_ Secret *secret = NULL;
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0);

        setup_alice(f);
        must(base_secret_new("x", 1, &secret));
        talk_begin(&talk, "authenticate", "alice", "sshd", 0);
        talk_answer_only(&talk, "pw");
        must(core_user_set_password(f->core, &f->root, "alice", secret, &options, &f->options,
                                    f->now, NULL, NULL, &f->error));
        f->core = core_free(f->core);
        fixture_vault(f); /* nobody hears it */
        assert_int_equal(talk.answers, 1);
}

static void others_may_speak_for_themselves_only(void **state) {
        Fixture *f = *state;
        Talk alice = talk_new(f, 1, FIRST), bob = talk_new(f, 2, FIRST + 1), local;

        setup_alice(f);
        assert_int_equal(log_in(&alice, "alice", "pw"), CORE_VERDICT_ALLOW);
        assert_int_equal(talk_authorize(&alice, "alice", "sshd"), CORE_VERDICT_ALLOW);
        talk_open(&alice, "alice", "sshd");
        must_be(alice.r, CORE_E_ACCESS_DENIED);
        talk_begin(&bob, "authenticate", "alice", "sshd", 0);
        must_be(bob.r, CORE_E_ACCESS_DENIED);
        assert_string_equal(bob.error.text, "only root may log others in (login.others)");
        talk_begin(&bob, "authenticate", "nobody", "sshd", 0);
        must_be(bob.r, CORE_E_ACCESS_DENIED);
        talk_begin(&bob, "change-password", "alice", "passwd", 0);
        must_be(bob.r, CORE_E_ACCESS_DENIED);
        talk_authorize(&bob, "alice", "sshd");
        must_be(bob.r, CORE_E_ACCESS_DENIED);
        step_user(f, "bob", STATUS_STEP_DELETE);
        talk_begin(&bob, "authenticate", "bob", "sshd", 0);
        must_be(bob.r, CORE_E_ACCESS_DENIED);
        f->held_user = "joe";
        local = talk_new(f, 3, 1000);
        talk_begin(&local, "authenticate", "joe", "swaylock", 0);
        assert_int_equal(local.step.verdict, CORE_VERDICT_UNKNOWN_USER);
}

static void a_proof_fits_only_its_own_login(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0), other = talk_new(f, 2, 0), peer = talk_new(f, 3, FIRST);

        setup_alice(f);
        assert_int_equal(log_in(&talk, "alice", "pw"), CORE_VERDICT_ALLOW);
        core_login_hangup(f->core, 1); /* sshd's child is gone; the proof stays */
        memcpy(other.login, talk.login, sizeof(other.login));
        memcpy(peer.login, talk.login, sizeof(peer.login));
        assert_int_equal(talk_authorize(&other, "alice", "login"), CORE_VERDICT_DENIED);
        assert_string_equal(other.step.text, "");
        assert_int_equal(talk_authorize(&other, "bob", "sshd"), CORE_VERDICT_DENIED);
        assert_int_equal(talk_authorize(&peer, "alice", "sshd"), CORE_VERDICT_DENIED);
        assert_int_equal(talk_authorize(&other, "alice", "sshd"), CORE_VERDICT_ALLOW);
        f->now += LOGIN_TTL_USEC;
        assert_int_equal(talk_authorize(&other, "alice", "sshd"), CORE_VERDICT_ALLOW);
        f->now += 1;
        assert_int_equal(talk_authorize(&other, "alice", "sshd"), CORE_VERDICT_DENIED);
        core_tick(f->core, f->now);
        f->now -= HOUR;
        assert_int_equal(talk_authorize(&other, "alice", "sshd"), CORE_VERDICT_DENIED);
}

static void a_dialogue_that_failed_proves_nothing(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0);

        setup_alice(f);
        log_in(&talk, "alice", "wrong");
        assert_int_equal(talk_authorize(&talk, "alice", "sshd"), CORE_VERDICT_DENIED);
        talk_begin(&talk, "authenticate", "alice", "sshd", 0); /* unanswered */
        assert_int_equal(talk_authorize(&talk, "alice", "sshd"), CORE_VERDICT_DENIED);
}

static void a_dialogue_nobody_answers_ends(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0);

        setup_alice(f);
        talk_begin(&talk, "authenticate", "alice", "sshd", 0);
        core_tick(f->core, f->now + LOGIN_TTL_USEC);
        core_tick(f->core, f->now + LOGIN_TTL_USEC + 1);
        talk_answer(&talk, "pw");
        must_be(talk.r, CORE_E_NO_SUCH_ENTRY);
}

static void dialogues_are_bounded(void **state) {
        Fixture *f = *state;
        Talk talk;
        size_t alice = 0, root = 0;

        setup_alice(f);
        talk = talk_new(f, 1, 0);
        for (size_t i = 0; i < DIALOGUES_CONNECTION; i++) {
                talk_begin(&talk, "authenticate", "alice", "sshd", 0);
                must(talk.r);
        }
        talk_begin(&talk, "authenticate", "alice", "sshd", 0);
        must_be(talk.r, CORE_E_BUSY);
        core_login_hangup(f->core, 1);
        for (uint64_t c = 2; c < 2000; c++) {
                talk = talk_new(f, c, FIRST);
                talk_begin(&talk, "authenticate", "alice", "swaylock", 0);
                alice += talk.r == 0;
        }
        assert_int_equal(alice, DIALOGUES_OTHERS);
        for (uint64_t c = 2000; c < 4000; c++) {
                talk = talk_new(f, c, 0);
                talk_begin(&talk, "authenticate", "alice", "sshd", 0);
                root += talk.r == 0;
        }
        assert_int_equal(root, DIALOGUES_MAX - DIALOGUES_OTHERS);
}

static void proofs_are_bounded_and_the_oldest_goes(void **state) {
        Fixture *f = *state;
        Talk first = talk_new(f, 1, 0), talk = talk_new(f, 2, 0);

        setup_alice(f);
        log_in(&first, "alice", "pw");
        log_in(&talk, "alice", "pw");
        assert_int_equal(talk_open(&talk, "alice", "sshd"), CORE_VERDICT_ALLOW);
        for (size_t i = 2; i < PROOFS_MAX + 1; i++)
                log_in(&talk, "alice", "pw");
        /* the used one went first */
        assert_int_equal(talk_authorize(&first, "alice", "sshd"), CORE_VERDICT_ALLOW);
        log_in(&talk, "alice", "pw");
        assert_int_equal(talk_authorize(&first, "alice", "sshd"), CORE_VERDICT_DENIED);
        assert_int_equal(talk_authorize(&talk, "alice", "sshd"), CORE_VERDICT_ALLOW);
}

static void a_context_that_is_none_is_refused(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0);

        talk_begin(&talk, "guess", "alice", "sshd", 0);
        must_be(talk.r, CORE_E_BAD_VALUE);
        assert_string_equal(talk.error.text,
                            "operation: \"guess\": must be authenticate or change-password");
        talk_begin(&talk, "authenticate", "alice", "", 0);
        must_be(talk.r, CORE_E_BAD_VALUE);
        talk_begin(&talk, "authenticate", "alice", "ss\nhd", 0);
        must_be(talk.r, CORE_E_BAD_VALUE);
        assert_string_equal(talk.error.text, "service: \"ss\\x0ahd\": is no PAM service");
        talk_authorize(&talk, "alice", "");
        must_be(talk.r, CORE_E_BAD_VALUE);
        talk_open(&talk, "alice", "");
        must_be(talk.r, CORE_E_BAD_VALUE);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                STORY(an_answer_out_of_turn_ends_both),
                STORY(an_answer_of_another_connection_ends_it),
                STORY(ids_that_are_none_are_refused),
                STORY(guessed_ids_find_nothing),
                STORY(a_hangup_while_the_vault_works_is_harmless),
                STORY(core_may_end_while_the_vault_works),
                STORY(others_may_speak_for_themselves_only),
                STORY(a_proof_fits_only_its_own_login),
                STORY(a_dialogue_that_failed_proves_nothing),
                STORY(a_dialogue_nobody_answers_ends),
                STORY(dialogues_are_bounded),
                STORY(proofs_are_bounded_and_the_oldest_goes),
                STORY(a_context_that_is_none_is_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
