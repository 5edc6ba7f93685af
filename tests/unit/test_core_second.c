/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The second factor in a login: when it is asked, what counts, and that a code counts once. */

#include "tests/unit/factor_fixture.h"

static StoreFactor *factor_now(Fixture *f, uid_t uid, uint32_t number) {
        StoreTxn *txn = NULL;
        StoreFactor *factor = NULL;

        must(store_begin_read(f->core->store, &txn));
        must(store_factor_get(txn, uid, number, &factor));
        store_txn_abortp(&txn);
        return factor;
}

/* ---- what counts -------------------------------------------------------------------------- */

static void password_and_code_let_in(void **state) {
        Fixture *f = *state;
        uint32_t number = setup_alice(f, POLICY_METHOD_TOTP);
        Talk talk = talk_new(f, 1, 0);

        assert_int_equal(two(&talk, "alice", PASSWORD, code_at(number, step_now(f))),
                         CORE_VERDICT_ALLOW);
        assert_string_equal(audit_line(f, 0), "authenticate allow  user/alice");
        assert_int_equal(talk_authorize(&talk, "alice", "sshd"), CORE_VERDICT_ALLOW);
        assert_int_equal(talk_open(&talk, "alice", "sshd"), CORE_VERDICT_ALLOW);
        assert_int_equal(f->guessed, 1);
}

static void the_code_is_asked_whether_or_not_the_password_was_right(void **state) {
        Fixture *f = *state;
        uint32_t number = setup_alice(f, POLICY_METHOD_HOTP);
        Talk wrong = talk_new(f, 1, 0), both = talk_new(f, 2, 0), right = talk_new(f, 3, 0);

        assert_int_equal(two(&wrong, "alice", "no", code_at(number, 0)), CORE_VERDICT_BAD_PROOF);
        assert_string_equal(audit_line(f, 0), "authenticate deny bad-proof user/alice");
        fixture_pass(f, HOUR); /* no answer is late */
        assert_int_equal(two(&both, "alice", "no", "000000"), CORE_VERDICT_BAD_PROOF);
        fixture_pass(f, HOUR);
        assert_int_equal(two(&right, "alice", PASSWORD, "000000"), CORE_VERDICT_BAD_PROOF);
        assert_string_equal(audit_line(f, 0), "authenticate deny bad-proof user/alice");
        assert_string_equal(wrong.record, both.record);
        assert_string_equal(wrong.record, right.record);
        assert_int_equal(f->guessed, 3);
        /* nothing was proved, and the code of the first is good still */
        assert_int_equal(talk_authorize(&right, "alice", "sshd"), CORE_VERDICT_DENIED);
        assert_int_equal(two(&right, "alice", PASSWORD, code_at(number, 0)), CORE_VERDICT_ALLOW);
}

/* 21: what somebody looked up over a shoulder is not both. */
static void a_code_alone_does_not_let_in(void **state) {
        Fixture *f = *state;
        uint32_t number = setup_alice(f, POLICY_METHOD_TOTP);
        const char *code = code_at(number, step_now(f));
        char both[64];
        Talk talk = talk_new(f, 1, 0);

        snprintf(both, sizeof(both), "%s%s", PASSWORD, code);
        assert_int_equal(two(&talk, "alice", code, ""), CORE_VERDICT_BAD_PROOF);
        assert_int_equal(two(&talk, "alice", code, code), CORE_VERDICT_BAD_PROOF);
        assert_int_equal(two(&talk, "alice", code, PASSWORD), CORE_VERDICT_BAD_PROOF);
        assert_int_equal(two(&talk, "alice", both, ""), CORE_VERDICT_BAD_PROOF);
        assert_int_equal(two(&talk, "alice", PASSWORD, both), CORE_VERDICT_BAD_PROOF);
}

static void a_code_counts_once(void **state) {
        Fixture *f = *state;
        uint32_t number = setup_alice(f, POLICY_METHOD_TOTP);
        const char *code = code_at(number, step_now(f));
        Talk talk = talk_new(f, 1, 0);

        assert_int_equal(two(&talk, "alice", PASSWORD, code), CORE_VERDICT_ALLOW);
        assert_int_equal(two(&talk, "alice", PASSWORD, code), CORE_VERDICT_BAD_PROOF);
        assert_string_equal(audit_line(f, 0), "authenticate deny code-reused user/alice");
        fixture_flush(f);
        fixture_reopen(f); /* nor after a restart */
        assert_int_equal(two(&talk, "alice", PASSWORD, code), CORE_VERDICT_BAD_PROOF);
        assert_string_equal(audit_line(f, 0), "authenticate deny code-reused user/alice");
}

static void a_step_behind_an_accepted_one_is_over(void **state) {
        static const struct {
                int step;
                CoreVerdict verdict;
        } rows[] = {
                { 0, CORE_VERDICT_ALLOW },     { -1, CORE_VERDICT_BAD_PROOF },
                { 0, CORE_VERDICT_BAD_PROOF }, { 2, CORE_VERDICT_BAD_PROOF },
                { 1, CORE_VERDICT_ALLOW },     { 1, CORE_VERDICT_BAD_PROOF },
                { 0, CORE_VERDICT_BAD_PROOF },
        };
        Fixture *f = *state;
        uint32_t number = setup_alice(f, POLICY_METHOD_TOTP);

        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                Talk talk = talk_new(f, 1, 0);
                uint64_t step = (uint64_t)((int64_t)step_now(f) + rows[i].step);

                if (two(&talk, "alice", PASSWORD, code_at(number, step)) != rows[i].verdict)
                        fail_msg("row %zu", i);
        }
}

static void a_clock_set_back_makes_no_old_code_new(void **state) {
        Fixture *f = *state;
        uint32_t number = setup_alice(f, POLICY_METHOD_TOTP);
        Talk talk = talk_new(f, 1, 0);

        assert_int_equal(two(&talk, "alice", PASSWORD, code_at(number, step_now(f))),
                         CORE_VERDICT_ALLOW);
        f->now -= 90 * USEC_PER_SEC;
        for (int step = -1; step <= 1; step++)
                assert_int_equal(two(&talk, "alice", PASSWORD,
                                     code_at(number, (uint64_t)((int64_t)step_now(f) + step))),
                                 CORE_VERDICT_BAD_PROOF);
        f->now += 150 * USEC_PER_SEC;
        assert_int_equal(two(&talk, "alice", PASSWORD, code_at(number, step_now(f))),
                         CORE_VERDICT_ALLOW);
}

/* 44: all of them asked the vault before the first was answered. */
static void of_parallel_logins_with_one_code_one_gets_in(void **state) {
        Fixture *f = *state;
        uint32_t number = setup_alice(f, POLICY_METHOD_TOTP);
        Talk talks[48];
        size_t in = 0;

        policy_put(f, "lockout.attempts", "0", NULL);
        policy_put(f, "lockout.source-attempts", "0", NULL);
        for (size_t i = 0; i < ARRAY_LENGTH(talks); i++) {
                talks[i] = talk_new(f, i + 1, 0);
                answer_password(&talks[i], "alice", PASSWORD);
        }
        for (size_t i = 0; i < ARRAY_LENGTH(talks); i++)
                talk_answer_only(&talks[i], code_at(number, step_now(f)));
        assert_int_equal(f->job_count, ARRAY_LENGTH(talks));
        fixture_vault(f);
        for (size_t i = 0; i < ARRAY_LENGTH(talks); i++)
                in += talks[i].step.verdict == CORE_VERDICT_ALLOW;
        assert_int_equal(in, 1);
}

static void an_answer_waits_until_the_code_is_used_up(void **state) {
        Fixture *f = *state;
        uint32_t number = setup_alice(f, POLICY_METHOD_TOTP);
        _cleanup_(store_factor_freep) StoreFactor *factor = NULL;
        Talk talk = talk_new(f, 1, 0);

        assert_int_equal(two(&talk, "alice", PASSWORD, code_at(number, step_now(f))),
                         CORE_VERDICT_ALLOW);
        factor = factor_now(f, FIRST, number);
        assert_int_equal(factor->next, step_now(f) + 1);
        assert_true(core_has_unflushed(f->core));
        assert_false(talk.step.early); /* the reply waits for it (SECURITY R5) */
}

static void what_has_no_form_of_a_code_is_wrong(void **state) {
        Fixture *f = *state;
        uint32_t number = setup_alice(f, POLICY_METHOD_TOTP);
        const char *code = code_at(number, step_now(f));
        char wrong[9][24], longest[BASE_PASSWORD_MAX + 1];
        Talk talk = talk_new(f, 1, 0);

        policy_put(f, "lockout.attempts", "0", NULL);
        policy_put(f, "lockout.source-attempts", "0", NULL);
        snprintf(wrong[0], sizeof(wrong[0]), "+%s", code);
        snprintf(wrong[1], sizeof(wrong[1]), " %s", code);
        snprintf(wrong[2], sizeof(wrong[2]), "%s ", code);
        snprintf(wrong[3], sizeof(wrong[3]), "%.2s %s", code, code + 2);
        snprintf(wrong[4], sizeof(wrong[4]), "%.5s", code);
        snprintf(wrong[5], sizeof(wrong[5]), "000%s", code);
        snprintf(wrong[6], sizeof(wrong[6]), "\357\274\221%s", code + 1);
        snprintf(wrong[7], sizeof(wrong[7]), "%.3s  %s", code, code + 3);
        wrong[8][0] = '\0';
        for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++)
                assert_int_equal(two(&talk, "alice", PASSWORD, wrong[i]), CORE_VERDICT_BAD_PROOF);
        memset(longest, '0', sizeof(longest));
        answer_password(&talk, "alice", PASSWORD);
        talk_answer_bytes(&talk, longest, sizeof(longest));
        fixture_vault(f);
        if (talk.step.kind == CORE_STEP_WAIT)
                talk_wait(&talk);
        assert_int_equal(talk.step.verdict, CORE_VERDICT_BAD_PROOF);
        answer_password(&talk, "alice", PASSWORD);
        talk_answer_bytes(&talk, "123456\0", 7);
        fixture_vault(f);
        if (talk.step.kind == CORE_STEP_WAIT)
                talk_wait(&talk);
        assert_int_equal(talk.step.verdict, CORE_VERDICT_BAD_PROOF);
        assert_int_equal(f->guessed, ARRAY_LENGTH(wrong) + 2); /* one each, as for a code */
        code = code_at(number, step_now(f));
        snprintf(wrong[0], sizeof(wrong[0]), "%.3s %s", code, code + 3);
        assert_int_equal(two(&talk, "alice", PASSWORD, wrong[0]), CORE_VERDICT_ALLOW);
}

static void a_hotp_goes_on_and_is_brought_back(void **state) {
        Fixture *f = *state;
        uint32_t number = setup_alice(f, POLICY_METHOD_HOTP);
        Talk talk = talk_new(f, 1, 0);
        char pair[32];

        assert_int_equal(two(&talk, "alice", PASSWORD, code_at(number, 0)), CORE_VERDICT_ALLOW);
        assert_int_equal(two(&talk, "alice", PASSWORD, code_at(number, 0)), CORE_VERDICT_BAD_PROOF);
        assert_string_equal(audit_line(f, 0), "authenticate deny code-reused user/alice");
        assert_int_equal(two(&talk, "alice", PASSWORD, code_at(number, 1 + HOTP_AHEAD)),
                         CORE_VERDICT_ALLOW);
        assert_int_equal(two(&talk, "alice", PASSWORD, code_at(number, 5)), CORE_VERDICT_BAD_PROOF);
        assert_int_equal(two(&talk, "alice", PASSWORD, code_at(number, 500)),
                         CORE_VERDICT_BAD_PROOF);
        snprintf(pair, sizeof(pair), "%s %s", code_at(number, 500), code_at(number, 501));
        assert_int_equal(two(&talk, "alice", PASSWORD, pair), CORE_VERDICT_ALLOW);
        assert_int_equal(two(&talk, "alice", PASSWORD, code_at(number, 502)), CORE_VERDICT_ALLOW);
}

static void a_totp_takes_no_two_codes(void **state) {
        Fixture *f = *state;
        uint32_t number = setup_alice(f, POLICY_METHOD_TOTP);
        Talk talk = talk_new(f, 1, 0);
        char pair[32];

        snprintf(pair, sizeof(pair), "%s %s", code_at(number, step_now(f)),
                 code_at(number, step_now(f) + 1));
        assert_int_equal(two(&talk, "alice", PASSWORD, pair), CORE_VERDICT_BAD_PROOF);
}

static void without_a_clock_a_totp_is_refused_with_a_reason(void **state) {
        Fixture *f = *state;
        uint32_t number = setup_alice(f, POLICY_METHOD_TOTP);
        Talk talk = talk_new(f, 1, 0);

        f->now = 60 * USEC_PER_SEC; /* 1970 */
        answer_password(&talk, "alice", PASSWORD);
        assert_non_null(strstr(talk.step.text, "The clock of this host is not set"));
        talk_answer(&talk, code_at(number, step_now(f)));
        assert_int_equal(talk.step.verdict, CORE_VERDICT_BAD_PROOF);
        assert_string_equal(audit_line(f, 0), "authenticate deny clock-unset user/alice");
        assert_true(f->guess.nothing);
}

static void a_vault_that_cannot_say_keeps_out(void **state) {
        Fixture *f = *state;
        uint32_t number = setup_alice(f, POLICY_METHOD_TOTP);
        Talk talk = talk_new(f, 1, 0);

        answer_password(&talk, "alice", PASSWORD);
        f->vault_says = CORE_PROOF_FAULT;
        talk_answer(&talk, code_at(number, step_now(f)));
        assert_int_equal(talk.step.verdict, CORE_VERDICT_UNAVAILABLE);
        f->vault_says = CORE_PROOF_MATCH;
        answer_password(&talk, "alice", PASSWORD);
        f->vault_gone = true;
        talk_answer(&talk, code_at(number, step_now(f)));
        assert_int_equal(talk.step.verdict, CORE_VERDICT_UNAVAILABLE);
        f->vault_gone = false;
        answer_password(&talk, "alice", PASSWORD);
        f->vault_says = CORE_PROOF_THROTTLED;
        talk_answer(&talk, code_at(number, step_now(f)));
        assert_int_equal(talk.step.verdict, CORE_VERDICT_BAD_PROOF);
        assert_string_equal(audit_line(f, 0), "authenticate deny throttled user/alice");
}

static void a_factor_that_is_gone_meanwhile_proves_nothing(void **state) {
        Fixture *f = *state;
        uint32_t number = setup_alice(f, POLICY_METHOD_TOTP);
        Talk talk = talk_new(f, 1, 0);

        answer_password(&talk, "alice", PASSWORD);
        talk_answer_only(&talk, code_at(number, step_now(f)));
        must(core_factors_reset(f->core, &f->root, "alice", &f->options, f->now, &f->change,
                                &f->error));
        give_factor(f, FIRST, POLICY_METHOD_TOTP, "");
        fixture_vault(f);
        assert_int_equal(talk.step.verdict, CORE_VERDICT_BAD_PROOF);
}

/* Password and code are one attempt; after a key the code is one. */
static void five_wrong_codes_lock_whatever_came_first(void **state) {
        for (int keyed = 0; keyed < 2; keyed++) {
                Fixture *f = *state;
                Talk talk = talk_new(f, 1, 0);
                uint32_t number;

                if (keyed) {
                        fixture_teardown(state);
                        fixture_setup(state);
                        f = *state;
                        talk = talk_new(f, 1, 0);
                        talk.auth_info = KEY;
                }
                number = setup_alice(f, POLICY_METHOD_HOTP);
                for (int i = 0; i < 6; i++) {
                        talk_begin(&talk, "authenticate", "alice", "sshd", 0);
                        if (!keyed)
                                talk_answer(&talk, PASSWORD);
                        assert_int_equal(talk.step.kind, CORE_STEP_ASK_SHOWN);
                        talk_answer(&talk, i < 5 ? "000000" : code_at(number, 0));
                        assert_int_equal(talk.step.verdict, CORE_VERDICT_BAD_PROOF);
                        assert_string_equal(audit_line(f, i == 4),
                                            i < 5 ? "authenticate deny bad-proof user/alice"
                                                  : "authenticate deny lockout user/alice");
                }
                assert_int_equal(f->lockouts, 1);
                assert_int_equal(talk_authorize(&talk, "alice", "sshd"), CORE_VERDICT_DENIED);
        }
}

/* ---- guesses for nothing ------------------------------------------------------------------ */

/* Strangers who know no password must not use up the guesses that the vault grants a user. */
static void only_a_code_that_can_count_is_a_guess(void **state) {
        static const struct {
                const char *user, *password, *code;
                bool nothing;
                uint32_t kind;
        } rows[] = {
                { "alice", PASSWORD, "000000", false, CORE_KIND_HOTP },
                { "alice", "no", "000000", true, CORE_KIND_HOTP },
                { "alice", "no", "000000 000000", true, CORE_KIND_HOTP }, /* the work is his */
                { "alice", PASSWORD, "no code", true, CORE_KIND_RECOVERY_CODE },
                { "nofactor", PASSWORD, "000000", true, CORE_KIND_RECOVERY_CODE },
                { "nobody", PASSWORD, "000000", true, CORE_KIND_RECOVERY_CODE },
        };
        Fixture *f = *state;
        uint32_t number = setup_alice(f, POLICY_METHOD_HOTP);
        Talk talk = talk_new(f, 1, 0);

        make_user(f, "nofactor");
        set_password(f, "nofactor", PASSWORD);
        policy_put(f, "factor.required", "on", NULL);
        policy_put(f, "lockout.attempts", "0", NULL);
        policy_put(f, "lockout.source-attempts", "0", NULL);
        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                f->guessed = 0;
                two(&talk, rows[i].user, rows[i].password, rows[i].code);
                if (f->guessed != 1 || f->guess.nothing != rows[i].nothing ||
                    f->guess.kind != rows[i].kind)
                        fail_msg("row %zu", i);
        }
        assert_int_equal(two(&talk, "alice", PASSWORD, code_at(number, 0)), CORE_VERDICT_ALLOW);
        assert_false(f->guess.nothing);
}

static void who_is_locked_out_guesses_for_nothing(void **state) {
        static const char *const values[] = { "lockout.attempts", "lockout.source-attempts" };
        Fixture *f = *state;
        uint32_t number = setup_alice(f, POLICY_METHOD_HOTP);
        Talk talk = talk_new(f, 1, 0);

        talk.rhost = "198.51.100.7";
        for (size_t i = 0; i < ARRAY_LENGTH(values); i++) {
                talk.auth_info = NULL;
                policy_put(f, values[0], "0", NULL);
                policy_put(f, values[1], "0", NULL);
                policy_put(f, values[i], "3", NULL);
                for (int j = 0; j < 3; j++)
                        two(&talk, "alice", PASSWORD, "000000");
                assert_false(f->guess.nothing);
                two(&talk, "alice", PASSWORD, code_at(number, 0));
                assert_true(f->guess.nothing);
                talk.auth_info = KEY;
                talk_begin(&talk, "authenticate", "alice", "sshd", 0);
                assert_int_equal(talk.step.kind, CORE_STEP_ASK_SHOWN);
                f->guess.nothing = false;
                talk_answer(&talk, code_at(number, 0));
                assert_int_equal(talk.step.verdict, CORE_VERDICT_BAD_PROOF);
                assert_true(f->guess.nothing);
                fixture_pass(f, DAY);
        }
}

/* ---- who is asked ------------------------------------------------------------------------- */

/* 142: by the company's rules all meet the same. */
static void a_stranger_cannot_tell_who_has_a_factor_where_all_need_one(void **state) {
        static const char *const names[] = { "nobody", "alice",   "nofactor",
                                             "locked", "pending", "gone" };
        Fixture *f = *state;
        Talk first = { 0 };

        setup_alice(f, POLICY_METHOD_TOTP);
        for (size_t i = 2; i < ARRAY_LENGTH(names); i++) {
                uid_t uid = make_user(f, names[i]);

                if (i != 4)
                        set_password(f, names[i], PASSWORD);
                if (i != 2)
                        give_factor(f, uid, POLICY_METHOD_TOTP, "");
        }
        must(core_user_lock(f->core, &f->root, "locked", true, &f->options, f->now, &f->change,
                            &f->error));
        step_user(f, "gone", STATUS_STEP_DELETE);
        policy_put(f, "factor.required", "on", NULL);
        for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
                Talk talk = talk_new(f, 1, 0);

                f->spent = f->verified = f->guessed = 0;
                assert_int_equal(two(&talk, names[i], "guess", "000000"), CORE_VERDICT_BAD_PROOF);
                assert_int_equal(f->spent + f->verified, 1);
                assert_int_equal(f->guessed, 1);
                if (i == 0)
                        first = talk;
                assert_string_equal(talk.record, first.record);
        }
}

static void where_nothing_is_required_only_who_has_one_is_asked(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0);

        setup_alice(f, POLICY_METHOD_TOTP);
        make_user(f, "bob");
        set_password(f, "bob", PASSWORD);
        assert_int_equal(log_in(&talk, "bob", PASSWORD), CORE_VERDICT_ALLOW);
        assert_int_equal(log_in(&talk, "nobody", PASSWORD), CORE_VERDICT_BAD_PROOF);
        answer_password(&talk, "alice", "no");
        assert_int_equal(talk.step.kind, CORE_STEP_ASK_SHOWN);
}

static void a_rule_for_one_user_is_his_alone(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0);

        for (int i = 0; i < 2; i++) {
                make_user(f, i == 0 ? "alice" : "bob");
                set_password(f, i == 0 ? "alice" : "bob", PASSWORD);
        }
        policy_put(f, "factor.required", "on", "alice");
        policy_put(f, "factor.enrol-within", "0", NULL);
        answer_password(&talk, "alice", PASSWORD);
        assert_int_equal(talk.step.kind, CORE_STEP_ASK_SHOWN);
        assert_int_equal(log_in(&talk, "bob", PASSWORD), CORE_VERDICT_ALLOW);
}

/* 26, and the time to enrol. */
static void who_has_to_have_a_factor_and_has_none(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0);

        make_user(f, "alice");
        set_password(f, "alice", PASSWORD);
        f->now += DAY;
        policy_put(f, "factor.required", "on", NULL);
        policy_put(f, "factor.enrol-within", "7d", NULL);
        assert_int_equal(two(&talk, "alice", PASSWORD, ""), CORE_VERDICT_ALLOW);
        assert_int_equal(talk_authorize(&talk, "alice", "sshd"), CORE_VERDICT_ALLOW);
        assert_string_equal(talk.step.text, "You have to enrol a second factor until "
                                            "2026-08-09T09:00:00Z: umctl self 2fa enrol totp");
        /* by a key alone, too */
        talk.login[0] = '\0';
        assert_int_equal(talk_authorize(&talk, "alice", "sshd"), CORE_VERDICT_ALLOW);
        f->now += 7 * DAY;
        assert_int_equal(talk_authorize(&talk, "alice", "sshd"), CORE_VERDICT_DENIED);
        assert_string_equal(talk.step.reason, "factor-not-enrolled");
        assert_int_equal(two(&talk, "alice", "no", ""), CORE_VERDICT_BAD_PROOF);
        policy_put(f, "factor.methods", "fido2", NULL); /* none that can be enrolled here */
        assert_int_equal(two(&talk, "alice", PASSWORD, ""), CORE_VERDICT_DENIED);
        assert_string_equal(talk.step.reason, "factor-not-enrolled");
        assert_int_equal(talk_authorize(&talk, "alice", "sshd"), CORE_VERDICT_DENIED);
}

static void a_method_that_is_not_permitted_any_more_does_not_count(void **state) {
        Fixture *f = *state;
        uint32_t number = setup_alice(f, POLICY_METHOD_HOTP);
        Talk talk = talk_new(f, 1, 0);

        policy_put(f, "factor.methods", "totp", NULL);
        assert_int_equal(two(&talk, "alice", PASSWORD, code_at(number, 0)), CORE_VERDICT_DENIED);
        assert_string_equal(talk.step.reason, "factor-not-enrolled");
        assert_non_null(strstr(talk.step.text, "not permitted any more"));
        assert_int_equal(two(&talk, "alice", "no", code_at(number, 0)), CORE_VERDICT_BAD_PROOF);
}

/* Of whoever has to have a factor, and of whoever has one by choice. */
static void a_key_alone_is_not_enough_beside_a_factor(void **state) {
        static const char *const rules[] = { "off", "on" };
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0);

        make_user(f, "bob");
        setup_alice(f, POLICY_METHOD_TOTP);
        assert_int_equal(talk_authorize(&talk, "bob", "sshd"), CORE_VERDICT_ALLOW);
        for (size_t i = 0; i < ARRAY_LENGTH(rules); i++) {
                policy_put(f, "factor.required", rules[i], NULL);
                assert_int_equal(talk_authorize(&talk, "alice", "sshd"), CORE_VERDICT_DENIED);
                assert_string_equal(talk.step.reason, "factor-required");
                assert_non_null(strstr(talk.step.text, "keyboard-interactive"));
                assert_int_equal(talk_open(&talk, "alice", "sshd"), CORE_VERDICT_DENIED);
                /* who is not there, and who was root */
                assert_int_equal(talk_authorize(&talk, "alice", "cron"), CORE_VERDICT_ALLOW);
                assert_int_equal(talk_authorize(&talk, "alice", "su"), CORE_VERDICT_ALLOW);
                assert_int_equal(talk_authorize(&talk, "alice", "sudo"), CORE_VERDICT_ALLOW);
                assert_int_equal(talk_authorize(&talk, "alice", "login"), CORE_VERDICT_DENIED);
        }
}

static void a_verified_key_is_the_first_factor(void **state) {
        Fixture *f = *state;
        uint32_t number = setup_alice(f, POLICY_METHOD_TOTP);
        Talk talk = talk_new(f, 1, 0), self = talk_new(f, 2, FIRST);

        make_user(f, "bob");
        set_password(f, "bob", PASSWORD);
        talk.auth_info = "password\n" KEY;
        talk_begin(&talk, "authenticate", "alice", "sshd", 0);
        assert_int_equal(talk.step.kind, CORE_STEP_ASK_SHOWN);
        talk_answer(&talk, "000000");
        assert_int_equal(talk.step.verdict, CORE_VERDICT_BAD_PROOF);
        talk_begin(&talk, "authenticate", "alice", "sshd", 0);
        talk_answer(&talk, code_at(number, step_now(f)));
        assert_int_equal(talk.step.verdict, CORE_VERDICT_ALLOW);
        assert_int_equal(f->verified + f->spent, 0);
        policy_put(f, "factor.required", "on", NULL);
        assert_int_equal(talk_authorize(&talk, "alice", "sshd"), CORE_VERDICT_ALLOW);
        /* of others nobody believes it, and who needs no code is asked for his password */
        talk_begin(&talk, "authenticate", "alice", "login", 0);
        assert_int_equal(talk.step.kind, CORE_STEP_ASK_HIDDEN);
        self.auth_info = KEY;
        talk_begin(&self, "authenticate", "alice", "sshd", 0);
        assert_int_equal(self.step.kind, CORE_STEP_ASK_HIDDEN);
        policy_put(f, "factor.required", "off", NULL);
        talk_begin(&talk, "authenticate", "bob", "sshd", 0);
        assert_int_equal(talk.step.kind, CORE_STEP_ASK_HIDDEN);
}

static void sudo_asks_where_a_rule_demands_it(void **state) {
        Fixture *f = *state;
        uint32_t number = setup_alice(f, POLICY_METHOD_TOTP);
        Talk talk = talk_new(f, 1, 0);

        talk.rhost = "";
        talk.ruser = "alice";
        talk_begin(&talk, "authenticate", "alice", "sudo", 0);
        talk_answer(&talk, PASSWORD);
        assert_int_equal(talk.step.verdict, CORE_VERDICT_ALLOW);
        talk.ruser = "bob"; /* targetpw: it is not his own session */
        talk_begin(&talk, "authenticate", "alice", "sudo", 0);
        talk_answer(&talk, PASSWORD);
        assert_int_equal(talk.step.kind, CORE_STEP_ASK_SHOWN);
        talk_begin(&talk, "authenticate", "alice", "su", 0);
        talk_answer(&talk, PASSWORD);
        assert_int_equal(talk.step.kind, CORE_STEP_ASK_SHOWN);
        policy_put(f, "factor.required", "on", NULL);
        talk.ruser = "alice";
        talk_begin(&talk, "authenticate", "alice", "sudo", 0);
        talk_answer(&talk, PASSWORD);
        assert_int_equal(talk.step.kind, CORE_STEP_ASK_SHOWN);
        talk_answer(&talk, code_at(number, step_now(f)));
        assert_int_equal(talk.step.verdict, CORE_VERDICT_ALLOW);
        assert_int_equal(talk_authorize(&talk, "alice", "sudo"), CORE_VERDICT_ALLOW);
}

static void a_screen_is_unlocked_by_the_password(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, FIRST);

        setup_alice(f, POLICY_METHOD_TOTP);
        policy_put(f, "factor.required", "on", NULL);
        assert_int_equal(log_in(&talk, "alice", PASSWORD), CORE_VERDICT_ALLOW);
        talk_begin(&talk, "authenticate", "alice", LOGIN_SERVICE_SELF, 0);
        talk_answer(&talk, PASSWORD);
        assert_int_equal(talk.step.kind, CORE_STEP_ASK_SHOWN); /* who means his factors */
}

/* What a locker of screens takes for enough is not all he has. */
static void a_password_alone_clears_no_guess_at_codes(void **state) {
        Fixture *f = *state;
        uint32_t number = setup_alice(f, POLICY_METHOD_TOTP);
        Talk talk = talk_new(f, 1, FIRST);

        for (int i = 0; i < 5; i++) {
                talk_begin(&talk, "authenticate", "alice", "xlock", 0);
                talk_answer(&talk, PASSWORD);
                assert_int_equal(talk.step.verdict, CORE_VERDICT_ALLOW);
                talk_begin(&talk, "authenticate", "alice", "umctl", 0);
                talk_answer(&talk, PASSWORD);
                assert_int_equal(talk.step.kind, CORE_STEP_ASK_SHOWN);
                talk_answer(&talk, "000000");
                assert_int_equal(talk.step.verdict, CORE_VERDICT_BAD_PROOF);
        }
        talk_begin(&talk, "authenticate", "alice", "umctl", 0);
        talk_answer(&talk, PASSWORD);
        talk_answer(&talk, code_at(number, step_now(f)));
        assert_int_equal(talk.step.verdict, CORE_VERDICT_BAD_PROOF); /* locked out */
}

/* ---- several ------------------------------------------------------------------------------ */

static void several_are_chosen_from(void **state) {
        Fixture *f = *state;
        uint32_t first = setup_alice(f, POLICY_METHOD_TOTP);
        uint32_t second = give_factor(f, FIRST, POLICY_METHOD_HOTP, "key ring");
        Talk talk = talk_new(f, 1, 0);

        answer_password(&talk, "alice", PASSWORD);
        assert_string_equal(talk.step.text, "Second factor:\n 1) totp\n 2) hotp\n"
                                            "Number (Enter for 1): ");
        talk_answer(&talk, "3");
        assert_non_null(strstr(talk.step.text, "Second factor:")); /* again, in the same attempt */
        talk_answer(&talk, "0x2");
        assert_non_null(strstr(talk.step.text, "Second factor:"));
        talk_answer(&talk, "2");
        assert_string_equal(talk.step.text, "One-time code: ");
        talk_answer(&talk, code_at(second, 0));
        assert_int_equal(talk.step.verdict, CORE_VERDICT_ALLOW);
        answer_password(&talk, "alice", PASSWORD);
        talk_answer(&talk, "");
        talk_answer(&talk, code_at(second, 1)); /* of the one that was not chosen */
        assert_int_equal(talk.step.verdict, CORE_VERDICT_BAD_PROOF);
        answer_password(&talk, "alice", PASSWORD);
        talk_answer(&talk, "");
        talk_answer(&talk, code_at(first, step_now(f)));
        assert_int_equal(talk.step.verdict, CORE_VERDICT_ALLOW);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                STORY(password_and_code_let_in),
                STORY(the_code_is_asked_whether_or_not_the_password_was_right),
                STORY(a_code_alone_does_not_let_in),
                STORY(a_code_counts_once),
                STORY(a_step_behind_an_accepted_one_is_over),
                STORY(a_clock_set_back_makes_no_old_code_new),
                STORY(of_parallel_logins_with_one_code_one_gets_in),
                STORY(an_answer_waits_until_the_code_is_used_up),
                STORY(what_has_no_form_of_a_code_is_wrong),
                STORY(a_hotp_goes_on_and_is_brought_back),
                STORY(a_totp_takes_no_two_codes),
                STORY(without_a_clock_a_totp_is_refused_with_a_reason),
                STORY(a_vault_that_cannot_say_keeps_out),
                STORY(five_wrong_codes_lock_whatever_came_first),
                STORY(a_factor_that_is_gone_meanwhile_proves_nothing),
                STORY(only_a_code_that_can_count_is_a_guess),
                STORY(who_is_locked_out_guesses_for_nothing),
                STORY(a_stranger_cannot_tell_who_has_a_factor_where_all_need_one),
                STORY(where_nothing_is_required_only_who_has_one_is_asked),
                STORY(a_rule_for_one_user_is_his_alone),
                STORY(who_has_to_have_a_factor_and_has_none),
                STORY(a_method_that_is_not_permitted_any_more_does_not_count),
                STORY(a_key_alone_is_not_enough_beside_a_factor),
                STORY(a_verified_key_is_the_first_factor),
                STORY(sudo_asks_where_a_rule_demands_it),
                STORY(a_screen_is_unlocked_by_the_password),
                STORY(several_are_chosen_from),
                STORY(a_password_alone_clears_no_guess_at_codes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
