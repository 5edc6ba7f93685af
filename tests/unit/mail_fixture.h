/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A user who has to give a code, and gets it by e-mail. */

#include "tests/unit/factor_fixture.h"

#define ADDRESS "alice@acme.example"
#define MINUTE  (60 * USEC_PER_SEC)

/* alice, who has to have a second factor and has an address. */
static inline uid_t setup_mail(Fixture *f) {
        uid_t uid = make_user(f, "alice");

        set_password(f, "alice", PASSWORD);
        update_text(f, "alice", USER_FIELD_EMAIL, ADDRESS);
        policy_put(f, "factor.methods", "+email-code", NULL);
        policy_put(f, "factor.required", "on", NULL);
        policy_put(f, "factor.enrol-within", "0", NULL);
        policy_put(f, "lockout.attempts", "0", NULL);
        policy_put(f, "lockout.source-attempts", "0", NULL);
        fixture_flush(f);
        return uid;
}

/* Lets all of it happen that a request for a code leads to. */
static inline void mail_settle(Fixture *f) {
        fixture_wake(f);
        fixture_vault(f);
        (void)core_flush(f->core);
        fixture_wake(f);
}

/* As far as the prompt behind the word. */
static inline void ask_mail(Talk *talk, const char *user, const char *password) {
        answer_password(talk, user, password);
        assert_int_equal(talk->step.kind, CORE_STEP_ASK_SHOWN);
        talk_answer(talk, "mail");
        must(talk->r);
        assert_int_equal(talk->step.kind, CORE_STEP_ASK_SHOWN);
        assert_string_equal(talk->step.secret, "code");
        mail_settle(talk->f);
}

static inline CoreVerdict give(Talk *talk, const char *code) {
        talk_answer(talk, code);
        must(talk->r);
        assert_int_equal(talk->step.kind, CORE_STEP_DONE);
        return talk->step.verdict;
}
