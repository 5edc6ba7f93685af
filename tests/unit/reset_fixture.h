/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A user who may reset his password by a code by e-mail, and does. */

#include "tests/unit/mail_fixture.h"

#define FRESH "a new horse"
#define SENT                                                                                       \
        "If um has an e-mail address of yours and you may reset your password by it, a code is "   \
        "on its way there, good for 10 minutes.\nCode from the mail: "

/* alice, who may reset her password, with nothing in the way. */
static inline uid_t setup_reset(Fixture *f) {
        uid_t uid = make_user(f, "alice");

        set_password(f, "alice", PASSWORD);
        update_text(f, "alice", USER_FIELD_EMAIL, ADDRESS);
        policy_put(f, "password.reset-by-email", "on", NULL);
        policy_put(f, "lockout.attempts", "0", NULL);
        policy_put(f, "lockout.source-attempts", "0", NULL);
        fixture_flush(f);
        return uid;
}

/* A login program, which is a process. */
static inline Talk login_new(Fixture *f, uint64_t connection) {
        Talk talk = talk_new(f, connection, 0);

        talk.peer.process = (CoreProcess){ (pid_t)(100 + connection), 7 };
        return talk;
}

static inline void expect_asked(const Talk *talk, CoreStepKind kind, const char *text) {
        must(talk->r);
        assert_int_equal(talk->step.kind, kind);
        assert_string_equal(talk->step.secret, "code");
        assert_non_null(strstr(talk->step.text, text));
}

/* As far as the offer. */
static inline void forget(Talk *talk, const char *user) {
        talk_begin(talk, "authenticate", user, talk->service ? talk->service : "sshd", 0);
        must(talk->r);
        assert_int_equal(talk->step.kind, CORE_STEP_ASK_HIDDEN);
        assert_true(talk->step.may_be_empty);
        assert_string_equal(talk->step.text, "(Forgotten? Press Enter.) Password: ");
        talk_answer(talk, "");
        expect_asked(talk, CORE_STEP_ASK_HIDDEN,
                     "Type \"reset\" to have a code mailed to your address on record, a code you "
                     "have, or nothing to go back: ");
}

/* As far as the mail. */
static inline void ask_reset(Talk *talk, const char *user) {
        forget(talk, user);
        talk_answer(talk, "reset");
        expect_asked(talk, CORE_STEP_ASK_SHOWN, SENT);
        mail_settle(talk->f);
}

/* With a code that was sent before. */
static inline CoreVerdict by_code(Talk *talk, const char *user, const char *code) {
        forget(talk, user);
        return give(talk, code);
}

/* As PAM has it after account, in the same process; the login's id stays. */
static inline void choose_begin(Talk *talk, const char *service, uint32_t flags) {
        char login[sizeof(talk->login)];

        memcpy(login, talk->login, sizeof(login));
        talk_begin(talk, "change-password", "alice", service, flags);
        must(talk->r);
        if (talk->step.kind == CORE_STEP_DONE)
                memcpy(talk->login, login, sizeof(login));
}

static inline CoreVerdict choose(Talk *talk, const char *password) {
        char login[sizeof(talk->login)];

        memcpy(login, talk->login, sizeof(login));
        choose_begin(talk, "sshd", LOGIN_FLAG_EXPIRED);
        assert_string_equal(talk->step.text, "New password: ");
        talk_answer(talk, password);
        talk_answer(talk, password);
        must(talk->r);
        assert_int_equal(talk->step.kind, CORE_STEP_DONE);
        memcpy(talk->login, login, sizeof(login));
        return talk->step.verdict;
}

static inline const char *wrong_code(const Fixture *f) {
        return strcmp(f->mailed, "00000000") == 0 ? "00000001" : "00000000";
}
