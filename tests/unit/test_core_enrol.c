/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A login that leads through an enrolment: all of it at once, or nothing. */

#include "qr/qr.h"
#include "tests/unit/factor_fixture.h"

static Talk lead_in(Fixture *f) {
        Talk talk = talk_new(f, 1, 0);

        setup_named(f);
        policy_put(f, "factor.required", "on", NULL);
        policy_put(f, "factor.enrol-within", "0", NULL);
        talk_begin(&talk, "authenticate", "alice", "sshd", 0);
        talk_answer(&talk, PASSWORD);
        assert_string_equal(talk.step.text, "One-time code (empty if you have none): ");
        talk_answer(&talk, "");
        return talk;
}

static uint32_t coming_number(Fixture *f) {
        _cleanup_(store_credential_freep) StoreCredential *credential = NULL;
        StoreTxn *txn = NULL;

        must(store_begin_read(f->core->store, &txn));
        must(core_credential_load(txn, FIRST, &credential));
        store_txn_abortp(&txn);
        return (uint32_t)credential->verifier_version + 1;
}

/* The key, and the same drawn: until a code of it is asked for. */
static void key_seen(Talk *talk) {
        char drawn[QR_DRAWN_MAX] = "", wanted[QR_DRAWN_MAX], uri[256];
        size_t len = 0;
        const char *at = strstr(talk->step.text, "otpauth://");

        assert_non_null(at);
        snprintf(uri, sizeof(uri), "%s", at);
        must(qr_draw(uri, wanted));
        for (talk_answer(talk, ""); talk->step.kind == CORE_STEP_SHOW; talk_answer(talk, ""))
                len += (size_t)snprintf(drawn + len, sizeof(drawn) - len, "%s\n", talk->step.text);
        assert_string_equal(drawn, wanted);
        assert_int_equal(talk->step.kind, CORE_STEP_ASK_SHOWN);
}

static void a_login_leads_through_an_enrolment(void **state) {
        Fixture *f = *state;
        Talk talk = lead_in(f);
        uint32_t number = coming_number(f);
        char recovery[SETUP_CODE_BYTES + 1] = "";
        const char *at;

        assert_int_equal(talk.step.kind, CORE_STEP_SHOW);
        assert_non_null(strstr(talk.step.text, "ABCD EFGH IJKL MNOP QRST UVWX YZ23 4567"));
        assert_non_null(strstr(talk.step.text, "otpauth://totp/host.example:alice?secret="));
        key_seen(&talk);
        talk_answer(&talk, "000000");
        assert_non_null(strstr(talk.step.text, "That was not the code."));
        talk_answer(&talk, code_at(number, step_now(f)));
        assert_int_equal(talk.step.kind, CORE_STEP_SHOW);
        at = strchr(talk.step.text, '\n');
        assert_non_null(at);
        memcpy(recovery, at + 3, SETUP_CODE_BYTES);
        talk_answer(&talk, "");
        assert_int_equal(talk.step.verdict, CORE_VERDICT_ALLOW);
        assert_string_equal(audit_line(f, 0), "user.factor-enrol done  user/alice");
        assert_string_equal(audit_line(f, 1), "authenticate allow  user/alice");
        assert_int_equal(talk_authorize(&talk, "alice", "sshd"), CORE_VERDICT_ALLOW);
        assert_int_equal(talk_open(&talk, "alice", "sshd"), CORE_VERDICT_ALLOW);
        assert_string_equal(list_of(f), "totp -1, recovery 10");
        assert_int_equal(log_in_with(f, code_at(number, step_now(f))), CORE_VERDICT_BAD_PROOF);
        assert_int_equal(log_in_with(f, recovery), CORE_VERDICT_ALLOW);
}

static void breaking_off_leaves_nothing(void **state) {
        Fixture *f = *state;
        Talk talk = lead_in(f);
        uint64_t entries = last_audit(f);

        talk_answer(&talk, "");
        core_login_hangup(f->core, talk.peer.connection);
        assert_string_equal(list_of(f), "");
        assert_int_equal(talk_authorize(&talk, "alice", "sshd"), CORE_VERDICT_DENIED);
        assert_int_equal(last_audit(f), entries + 1); /* of that authorize */
}

static void three_wrong_codes_end_it(void **state) {
        Fixture *f = *state;
        Talk talk = lead_in(f);

        key_seen(&talk);
        for (int i = 0; i < 3; i++) {
                assert_int_equal(talk.step.kind, CORE_STEP_ASK_SHOWN);
                talk_answer(&talk, i == 1 ? "nonsense" : "000000");
        }
        assert_int_equal(talk.step.verdict, CORE_VERDICT_BAD_PROOF);
        assert_string_equal(audit_line(f, 0), "authenticate deny factor-enrol user/alice");
        assert_string_equal(list_of(f), "");
}

static void an_enrolment_that_was_overtaken_lets_nobody_in(void **state) {
        Fixture *f = *state;
        Talk talk = lead_in(f);
        uint32_t number = coming_number(f);

        key_seen(&talk);
        set_password(f, "alice", "another horse");
        talk_answer(&talk, code_at(number, step_now(f)));
        assert_true(talk.step.kind == CORE_STEP_DONE && talk.step.verdict != CORE_VERDICT_ALLOW);
        assert_string_equal(list_of(f), "");
}

static void a_first_login_sets_up_both(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0);
        uint32_t number;

        make_user(f, "alice");
        make_code(f, "alice");
        policy_put(f, "factor.required", "on", NULL);
        policy_put(f, "factor.enrol-within", "0", NULL);
        talk_begin(&talk, "authenticate", "alice", "sshd", 0);
        talk_answer(&talk, f->code);
        talk_answer(&talk, "");
        assert_int_equal(talk.step.kind, CORE_STEP_SHOW);
        number = coming_number(f);
        key_seen(&talk);
        talk_answer(&talk, code_at(number, step_now(f)));
        talk_answer(&talk, "");
        assert_int_equal(talk.step.verdict, CORE_VERDICT_ALLOW);
        assert_int_equal(talk_authorize(&talk, "alice", "sshd"), CORE_VERDICT_RENEW);
        talk_begin(&talk, "authenticate", "alice", "sshd", 0); /* the setup code is gone */
        talk_answer(&talk, f->code);
        f->now += 30 * USEC_PER_SEC;
        talk_answer(&talk, code_at(number, step_now(f)));
        assert_int_equal(talk.step.verdict, CORE_VERDICT_BAD_PROOF);
}

static void a_wrong_password_never_gets_to_enrol(void **state) {
        Fixture *f = *state;
        Talk talk = lead_in(f);

        talk_begin(&talk, "authenticate", "alice", "sshd", 0);
        talk_answer(&talk, "wrong");
        talk_answer(&talk, "");
        assert_int_equal(talk.step.verdict, CORE_VERDICT_BAD_PROOF);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                STORY(a_login_leads_through_an_enrolment),
                STORY(breaking_off_leaves_nothing),
                STORY(three_wrong_codes_end_it),
                STORY(an_enrolment_that_was_overtaken_lets_nobody_in),
                STORY(a_first_login_sets_up_both),
                STORY(a_wrong_password_never_gets_to_enrol),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
