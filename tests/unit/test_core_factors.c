/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How a second factor comes to a user and goes: by himself, with a proof; in a login; by an admin.
 */

#include "tests/unit/factor_fixture.h"

/* What a done callback got. */
typedef struct Made {
        int r;
        size_t answers;
        uint32_t number;
        char key[64], uri[512], codes[RECOVERY_CODES][SETUP_CODE_BYTES + 1];
        bool has_codes;
        CoreChange change;
        CoreError error;
} Made;

static void enrol_done(void *userdata, int r, uint32_t number, const Secret *key, const Secret *uri,
                       const CoreChange *change, const CoreError *error) {
        Made *made = userdata;

        made->r = r;
        made->answers++;
        made->number = number;
        made->change = *change;
        made->error = *error;
        snprintf(made->key, sizeof(made->key), "%s",
                 key ? (const char *)base_secret_bytes(key) : "");
        snprintf(made->uri, sizeof(made->uri), "%s",
                 uri ? (const char *)base_secret_bytes(uri) : "");
}

static void codes_read(const char *s, Made *made) {
        made->has_codes = true;
        for (size_t i = 0; i < RECOVERY_CODES; i++)
                snprintf(made->codes[i], sizeof(made->codes[i]), "%s",
                         s + i * (SETUP_CODE_BYTES + 1));
}

static void codes_done(void *userdata, int r, const Secret *codes, const CoreChange *change,
                       const CoreError *error) {
        Made *made = userdata;

        made->r = r;
        made->answers++;
        made->change = *change;
        made->error = *error;
        made->has_codes = false;
        if (codes) {
                must_be(base_secret_len(codes), RECOVERY_CODES * (SETUP_CODE_BYTES + 1) - 1);
                codes_read(base_secret_bytes(codes), made);
        }
}

static const CoreFactorSpec totp = { "totp", "phone", { CORE_ALGORITHM_SHA1, 6, 30 } };
static const CoreFactorSpec hotp = { "hotp", "", { CORE_ALGORITHM_SHA256, 8, 0 } };

/* A login of umctl's that proves what it is given; code NULL: none is asked. */
static Talk proved(Fixture *f, const char *code) {
        Talk talk = talk_new(f, 7, FIRST);

        talk_begin(&talk, "authenticate", "alice", LOGIN_SERVICE_SELF, 0);
        talk_answer(&talk, PASSWORD);
        if (code) {
                assert_int_equal(talk.step.kind, CORE_STEP_ASK_SHOWN);
                talk_answer(&talk, code);
        }
        assert_int_equal(talk.step.verdict, CORE_VERDICT_ALLOW);
        return talk;
}

static int enrol(Fixture *f, const Talk *talk, const CoreFactorSpec *spec, Made *made) {
        *made = (Made){ 0 };
        made->r = core_factor_enrol(f->core, &talk->peer, "alice", spec, talk->login, &f->options,
                                    f->now, enrol_done, made, &made->error);
        fixture_vault(f);
        return made->r;
}

static int confirm(Fixture *f, const Talk *talk, uint32_t number, const char *code, Made *made) {
        _cleanup_secret_ Secret *secret = NULL;
        int r;

        must(base_secret_new(code, strlen(code), &secret));
        r = core_factor_confirm(f->core, &talk->peer, "alice", number, secret, &f->options, f->now,
                                codes_done, made, &made->error);
        if (r != 0)
                return r;
        fixture_vault(f);
        return made->r;
}

/* Alice with a TOTP that is proved; its number. */
static uint32_t enrolled(Fixture *f, Made *made) {
        Talk talk;
        uint32_t number;

        setup_named(f);
        talk = proved(f, NULL);
        must(enrol(f, &talk, &totp, made));
        number = made->number;
        must(confirm(f, &talk, number, code_at(number, step_now(f)), made));
        assert_true(made->has_codes);
        return number;
}

/* ---- by oneself --------------------------------------------------------------------------- */

static void a_factor_counts_once_a_code_was_proved(void **state) {
        Fixture *f = *state;
        Talk talk;
        Made made;

        setup_named(f);
        assert_string_equal(list_of(f), "");
        talk = proved(f, NULL);
        must(enrol(f, &talk, &totp, &made));
        assert_string_equal(made.key, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567");
        assert_string_equal(made.uri, "otpauth://totp/host.example:alice?secret="
                                      "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567&issuer=host.example"
                                      "&algorithm=SHA1&digits=6&period=30");
        assert_string_equal(list_of(f), "totp phone pending -1");
        assert_string_equal(audit_line(f, 0), "user.factor-enrol done  user/alice");
        assert_int_equal(log_in_with(f, ""), CORE_VERDICT_ALLOW); /* nothing is asked yet */
        must_be(confirm(f, &talk, made.number, "000000", &made), CORE_E_BAD_VALUE);
        must_be(confirm(f, &talk, made.number, "12345", &made), CORE_E_BAD_VALUE);
        must_be(confirm(f, &talk, made.number + 1, "000000", &made), CORE_E_NO_SUCH_ENTRY);
        must(confirm(f, &talk, made.number, code_at(made.number, step_now(f)), &made));
        assert_string_equal(audit_line(f, 0), "user.factor-confirm done  user/alice");
        assert_string_equal(list_of(f), "totp phone -1, recovery 10");
        /* the code that proved it is no login's (52) */
        assert_int_equal(log_in_with(f, code_at(made.number, step_now(f))), CORE_VERDICT_BAD_PROOF);
        assert_string_equal(audit_line(f, 0), "authenticate deny code-reused user/alice");
        f->now += 30 * USEC_PER_SEC;
        assert_int_equal(log_in_with(f, code_at(made.number, step_now(f))), CORE_VERDICT_ALLOW);
}

static void only_he_himself_enrols_and_after_a_proof(void **state) {
        Fixture *f = *state;
        Talk talk, root = talk_new(f, 8, 0), bob, other;
        Made made;

        setup_named(f);
        make_user(f, "bob");
        bob = talk_new(f, 9, FIRST + 1);
        talk = proved(f, NULL);
        memcpy(root.login, talk.login, sizeof(root.login));
        memcpy(bob.login, talk.login, sizeof(bob.login));
        must_be(enrol(f, &root, &totp, &made), CORE_E_ACCESS_DENIED);
        must_be(enrol(f, &bob, &totp, &made), CORE_E_ACCESS_DENIED);
        other = talk;
        other.login[0] = '\0';
        must_be(enrol(f, &other, &totp, &made), CORE_E_POLICY_REFUSED); /* an open session alone */
        must(enrol(f, &talk, &totp, &made));
        must_be(enrol(f, &talk, &totp, &made), CORE_E_POLICY_REFUSED); /* one proof, one change */
        talk_begin(&talk, "authenticate", "alice", "swaylock", 0);
        talk_answer(&talk, PASSWORD);
        must_be(enrol(f, &talk, &totp, &made), CORE_E_POLICY_REFUSED); /* another service's */
}

static void who_has_a_factor_proves_it_too(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 7, FIRST);
        uint32_t number;
        Made made;

        number = enrolled(f, &made);
        talk_begin(&talk, "authenticate", "alice", LOGIN_SERVICE_SELF, 0);
        talk_answer(&talk, PASSWORD);
        talk_answer(&talk, "000000");
        must_be(enrol(f, &talk, &hotp, &made), CORE_E_POLICY_REFUSED);
        f->now += 30 * USEC_PER_SEC;
        talk = proved(f, code_at(number, step_now(f)));
        must(enrol(f, &talk, &hotp, &made));
        assert_non_null(strstr(made.uri, "otpauth://hotp/"));
        assert_non_null(strstr(made.uri, "&algorithm=SHA256&digits=8&counter=0"));
        must(confirm(f, &talk, made.number, code_at(made.number, 0), &made));
        assert_false(made.has_codes); /* he has some */
        assert_string_equal(list_of(f), "totp phone -1, recovery 10, hotp -1");
}

static void a_specification_that_is_none_is_refused(void **state) {
        static const struct {
                CoreFactorSpec spec;
                CoreOutcome outcome;
        } rows[] = {
                { { "sms", "", { CORE_ALGORITHM_SHA1, 6, 30 } }, CORE_E_BAD_VALUE },
                { { "recovery", "", { CORE_ALGORITHM_SHA1, 6, 30 } }, CORE_E_BAD_VALUE },
                { { "totp", "", { _CORE_ALGORITHM_MAX, 6, 30 } }, CORE_E_BAD_VALUE },
                { { "totp", "", { CORE_ALGORITHM_SHA1, 5, 30 } }, CORE_E_BAD_VALUE },
                { { "totp", "", { CORE_ALGORITHM_SHA1, 9, 30 } }, CORE_E_BAD_VALUE },
                { { "totp", "", { CORE_ALGORITHM_SHA1, 6, 14 } }, CORE_E_BAD_VALUE },
                { { "totp", "", { CORE_ALGORITHM_SHA1, 6, 121 } }, CORE_E_BAD_VALUE },
                { { "hotp", "", { CORE_ALGORITHM_SHA1, 6, 30 } }, CORE_E_BAD_VALUE },
                { { "totp", "a\nb", { CORE_ALGORITHM_SHA1, 6, 30 } }, CORE_E_BAD_VALUE },
                { { "hotp", "", { CORE_ALGORITHM_SHA1, 6, 0 } }, CORE_E_POLICY_REFUSED },
        };
        char label[CORE_LABEL_MAX + 2];
        CoreFactorSpec long_label = totp;
        Fixture *f = *state;
        Talk talk;
        Made made;

        setup_named(f);
        policy_put(f, "factor.methods", "totp", NULL);
        talk = proved(f, NULL);
        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++)
                if (enrol(f, &talk, &rows[i].spec, &made) != (int)rows[i].outcome)
                        fail_msg("row %zu", i);
        memset(label, 'x', sizeof(label));
        label[sizeof(label) - 1] = '\0';
        long_label.label = label;
        must_be(enrol(f, &talk, &long_label, &made), CORE_E_BAD_VALUE);
        label[CORE_LABEL_MAX] = '\0';
        must(enrol(f, &talk, &long_label, &made)); /* nothing before took the proof */
}

static void what_waits_for_a_code_does_not_wait_for_ever(void **state) {
        Fixture *f = *state;
        Talk talk;
        Made first, second;

        setup_named(f);
        talk = proved(f, NULL);
        must(enrol(f, &talk, &totp, &first));
        talk = proved(f, NULL);
        must(enrol(f, &talk, &totp, &second)); /* in the place of the first */
        assert_string_equal(list_of(f), "totp phone pending -1");
        must_be(confirm(f, &talk, first.number, code_at(first.number, step_now(f)), &first),
                CORE_E_NO_SUCH_ENTRY);
        f->now += FACTOR_PENDING_USEC;
        must_be(confirm(f, &talk, second.number, code_at(second.number, step_now(f)), &second),
                CORE_E_NO_SUCH_ENTRY);
}

/* As a change of the password does. */
static void give_number_away(Fixture *f) {
        static const CoreOptions options = { .reason = "" };
        _cleanup_change_ Change change = { 0 };
        _cleanup_(store_credential_freep) StoreCredential *credential = NULL;

        must(core_change_begin(&change, f->core, &f->root, &options, f->now, &f->error));
        must(core_credential_load(change.txn, FIRST, &credential));
        must(core_credential_move_on(&change, credential));
        must(core_change_commit(&change, "test", "user", "alice", FIRST, 1, NULL));
}

static void a_password_changed_meanwhile_is_a_conflict(void **state) {
        Fixture *f = *state;
        Talk talk;
        Made made = { 0 };

        setup_named(f);
        talk = proved(f, NULL);
        must(core_factor_enrol(f->core, &talk.peer, "alice", &totp, talk.login, &f->options, f->now,
                               enrol_done, &made, &made.error));
        give_number_away(f);
        fixture_vault(f);
        assert_int_equal(made.answers, 1);
        must_be(made.r, CORE_E_CONFLICT);
        assert_string_equal(made.key, "");
        assert_string_equal(list_of(f), "");
}

static void faults_of_the_vault_store_nothing(void **state) {
        Fixture *f = *state;
        Talk talk;
        Made made;

        setup_named(f);
        talk = proved(f, NULL);
        f->vault_says = CORE_PROOF_FAULT;
        must_be(enrol(f, &talk, &totp, &made), CORE_E_UNAVAILABLE);
        assert_string_equal(made.key, "");
        f->vault_says = CORE_PROOF_MATCH;
        assert_string_equal(list_of(f), "");
        talk = proved(f, NULL);
        f->vault_gone = true;
        must_be(enrol(f, &talk, &totp, &made), CORE_E_UNAVAILABLE);
        f->vault_gone = false;
        talk = proved(f, NULL);
        must(enrol(f, &talk, &totp, &made));
        f->vault_says = CORE_PROOF_BUSY;
        must_be(confirm(f, &talk, made.number, code_at(made.number, step_now(f)), &made),
                CORE_E_BUSY);
        f->vault_says = CORE_PROOF_THROTTLED;
        must_be(confirm(f, &talk, made.number, code_at(made.number, step_now(f)), &made),
                CORE_E_BUSY);
        assert_string_equal(list_of(f), "totp phone pending -1");
}

/* ---- taking away -------------------------------------------------------------------------- */

static int take_away(Fixture *f, const Talk *talk, uint32_t number) {
        return core_factor_remove(f->core, &talk->peer, "alice", number, talk->login, &f->options,
                                  f->now, &f->change, &f->error);
}

static void the_last_one_takes_the_recovery_codes_with_it(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 7, FIRST), root = talk_new(f, 8, 0);
        uint32_t number;
        Made made;

        number = enrolled(f, &made);
        must_be(take_away(f, &talk, number), CORE_E_POLICY_REFUSED);
        f->now += 30 * USEC_PER_SEC;
        talk = proved(f, code_at(number, step_now(f)));
        must_be(take_away(f, &talk, number + 7), CORE_E_NO_SUCH_ENTRY);
        must(take_away(f, &talk, number));
        assert_string_equal(audit_line(f, 0), "user.factor-remove done  user/alice");
        assert_string_equal(list_of(f), "");
        assert_int_equal(log_in_with(f, ""), CORE_VERDICT_ALLOW);
        must_be(take_away(f, &root, number), CORE_E_NO_SUCH_ENTRY);
}

static void who_has_to_have_one_does_not_take_away_his_last(void **state) {
        Fixture *f = *state;
        Talk talk, root = talk_new(f, 8, 0);
        uint32_t number;
        Made made;

        number = enrolled(f, &made);
        policy_put(f, "factor.required", "on", NULL);
        f->now += 30 * USEC_PER_SEC;
        talk = proved(f, code_at(number, step_now(f)));
        must_be(take_away(f, &talk, number), CORE_E_POLICY_REFUSED);
        must(take_away(f, &root, number)); /* an admin does */
        assert_string_equal(list_of(f), "");
}

static void an_admin_resets_all_of_them(void **state) {
        Fixture *f = *state;
        uint32_t number;
        Made made;

        number = enrolled(f, &made);
        must(core_factors_reset(f->core, &f->root, "alice", &f->options, f->now, &f->change,
                                &f->error));
        assert_true(f->change.id > 0);
        assert_string_equal(audit_line(f, 0), "user.factor-reset done  user/alice");
        assert_string_equal(list_of(f), "");
        must(core_factors_reset(f->core, &f->root, "alice", &f->options, f->now, &f->change,
                                &f->error));
        assert_int_equal(f->change.id, 0);
        must_be(core_factors_reset(f->core, &f->root, "nobody", &f->options, f->now, &f->change,
                                   &f->error),
                CORE_E_NO_SUCH_USER);
        assert_int_equal(log_in_with(f, code_at(number, step_now(f))), CORE_VERDICT_ALLOW);
}

/* ---- recovery codes ----------------------------------------------------------------------- */

static void a_recovery_code_stands_for_a_code_once(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0);
        char lower[SETUP_CODE_BYTES + 1];
        _cleanup_free_ char *type = NULL, *object = NULL;
        StoreTxn *txn = NULL;
        uint32_t number;
        uint64_t at;
        Made made;

        number = enrolled(f, &made);
        assert_int_equal(log_in_with(f, "0000-0000-0000"), CORE_VERDICT_BAD_PROOF);
        assert_int_equal(log_in_with(f, made.codes[3]), CORE_VERDICT_ALLOW);
        assert_int_equal(log_in_with(f, made.codes[3]), CORE_VERDICT_BAD_PROOF);
        assert_string_equal(audit_line(f, 0), "authenticate deny code-reused user/alice");
        for (size_t i = 0; i < sizeof(lower); i++)
                lower[i] =
                        (char)(made.codes[9][i] >= 'A' ? made.codes[9][i] + 32 : made.codes[9][i]);
        assert_int_equal(log_in_with(f, lower), CORE_VERDICT_ALLOW);
        fixture_flush(f);
        fixture_reopen(f);
        assert_int_equal(log_in_with(f, made.codes[9]), CORE_VERDICT_BAD_PROOF);
        assert_string_equal(list_of(f), "totp phone -1, recovery 8");
        for (size_t i = 4; i < 9; i++)
                assert_int_equal(log_in_with(f, made.codes[i]), CORE_VERDICT_ALLOW);
        talk_begin(&talk, "authenticate", "alice", "sshd", 0);
        talk_answer(&talk, PASSWORD);
        talk_answer(&talk, made.codes[0]);
        assert_int_equal(talk_authorize(&talk, "alice", "sshd"), CORE_VERDICT_ALLOW);
        assert_string_equal(talk.step.text, "A recovery code was used. Recovery codes left: 2. New "
                                            "ones: umctl self 2fa recovery");
        must(store_begin_read(f->core->store, &txn));
        must(store_event_get(txn, last_audit(f) - 1, &type, &object, &at));
        store_txn_abortp(&txn);
        assert_string_equal(type, "user.recovery-used");
        assert_string_equal(object, "user/alice");
        f->now += 60 * USEC_PER_SEC;
        talk_begin(&talk, "authenticate", "alice", "sshd", 0);
        talk_answer(&talk, PASSWORD);
        talk_answer(&talk, code_at(number, step_now(f)));
        assert_int_equal(talk_authorize(&talk, "alice", "sshd"), CORE_VERDICT_ALLOW);
        assert_non_null(strstr(talk.step.text,
                               "Recovery codes left: 2. New ones: umctl self 2fa recovery\n"));
        assert_null(strstr(talk.step.text, "A recovery code was used.")); /* but as news */
        assert_non_null(
                strstr(talk.step.text, ": a recovery code was used, from 192.0.2.7 (sshd).\n"));
}

/* 50 */
static void without_a_clock_a_recovery_code_lets_in(void **state) {
        Fixture *f = *state;
        Made made;

        enrolled(f, &made);
        f->now = 60 * USEC_PER_SEC; /* 1970 */
        assert_int_equal(log_in_with(f, made.codes[0]), CORE_VERDICT_ALLOW);
        assert_int_equal(log_in_with(f, made.codes[0]), CORE_VERDICT_BAD_PROOF);
}

/* 51 */
static void of_parallel_logins_with_one_recovery_code_one_gets_in(void **state) {
        Fixture *f = *state;
        Talk talks[32];
        size_t in = 0;
        Made made;

        enrolled(f, &made);
        policy_put(f, "lockout.attempts", "0", NULL);
        policy_put(f, "lockout.source-attempts", "0", NULL);
        for (size_t i = 0; i < ARRAY_LENGTH(talks); i++) {
                talks[i] = talk_new(f, i + 1, 0);
                talk_begin(&talks[i], "authenticate", "alice", "sshd", 0);
                talk_answer(&talks[i], PASSWORD);
        }
        for (size_t i = 0; i < ARRAY_LENGTH(talks); i++)
                talk_answer_only(&talks[i], made.codes[0]);
        fixture_vault(f);
        for (size_t i = 0; i < ARRAY_LENGTH(talks); i++)
                in += talks[i].step.verdict == CORE_VERDICT_ALLOW;
        assert_int_equal(in, 1);
}

static void new_codes_make_the_old_ones_worthless(void **state) {
        Fixture *f = *state;
        uint32_t number;
        Made old, new = { 0 };
        Talk talk;

        number = enrolled(f, &old);
        f->now += 30 * USEC_PER_SEC;
        talk = proved(f, code_at(number, step_now(f)));
        must(core_recovery_create(f->core, &talk.peer, "alice", talk.login, &f->options, f->now,
                                  codes_done, &new, &new.error));
        fixture_vault(f);
        must(new.r);
        assert_string_equal(audit_line(f, 0), "user.recovery-codes done  user/alice");
        assert_int_equal(log_in_with(f, old.codes[0]), CORE_VERDICT_BAD_PROOF);
        assert_int_equal(log_in_with(f, new.codes[0]), CORE_VERDICT_ALLOW);
        assert_string_equal(list_of(f), "totp phone -1, recovery 9");
}

static void codes_need_a_factor_a_permission_and_a_proof(void **state) {
        Fixture *f = *state;
        Talk talk;
        Made made;

        setup_named(f);
        talk = proved(f, NULL);
        must_be(core_recovery_create(f->core, &talk.peer, "alice", talk.login, &f->options, f->now,
                                     codes_done, &made, &made.error),
                CORE_E_POLICY_REFUSED);
        policy_put(f, "factor.methods", "totp", NULL);
        must(enrol(f, &talk, &totp, &made));
        must(confirm(f, &talk, made.number, code_at(made.number, step_now(f)), &made));
        assert_false(made.has_codes);
        must_be(core_recovery_create(f->core, &talk.peer, "alice", talk.login, &f->options, f->now,
                                     codes_done, &made, &made.error),
                CORE_E_POLICY_REFUSED);
        policy_put(f, "factor.methods", "totp,recovery", NULL);
        must_be(core_recovery_create(f->core, &talk.peer, "alice", talk.login, &f->options, f->now,
                                     codes_done, &made, &made.error),
                CORE_E_POLICY_REFUSED);
        assert_non_null(strstr(made.error.text, "proved first"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                STORY(a_factor_counts_once_a_code_was_proved),
                STORY(only_he_himself_enrols_and_after_a_proof),
                STORY(who_has_a_factor_proves_it_too),
                STORY(a_specification_that_is_none_is_refused),
                STORY(what_waits_for_a_code_does_not_wait_for_ever),
                STORY(a_password_changed_meanwhile_is_a_conflict),
                STORY(faults_of_the_vault_store_nothing),
                STORY(the_last_one_takes_the_recovery_codes_with_it),
                STORY(who_has_to_have_one_does_not_take_away_his_last),
                STORY(an_admin_resets_all_of_them),
                STORY(a_recovery_code_stands_for_a_code_once),
                STORY(without_a_clock_a_recovery_code_lets_in),
                STORY(of_parallel_logins_with_one_recovery_code_one_gets_in),
                STORY(new_codes_make_the_old_ones_worthless),
                STORY(codes_need_a_factor_a_permission_and_a_proof),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
