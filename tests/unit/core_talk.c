/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One connection that logs in, step by step, as pam_um does it. */

#include "tests/unit/core_fixture.h"

Talk talk_new(Fixture *f, uint64_t connection, uid_t uid) {
        return (Talk){ .f = f,
                       .peer = { connection,
                                 { .uid = uid, .login_uid = (uid_t)-1, .via = "socket" },
                                 { 0 } } };
}

static void talk_done(void *userdata, int r, const char *login, const CoreStep *step,
                      const CoreError *error) {
        Talk *talk = userdata;
        size_t len = strlen(talk->record);

        talk->answers++;
        talk->r = r;
        if (error)
                talk->error = *error;
        if (r != 0)
                return;
        talk->step = *step;
        snprintf(talk->login, sizeof(talk->login), "%s", login);
        snprintf(talk->record + len, sizeof(talk->record) - len, "%d %d %d <%s> <%s> <%s> <%s>\n",
                 (int)step->kind, (int)step->verdict, step->is_error, step->text, step->secret,
                 step->reason, step->reference);
}

CoreLoginContext talk_context(const char *operation, const char *user, const char *service,
                              uint32_t flags) {
        return (CoreLoginContext){ operation,          user, service, "ssh",
                                   "::ffff:192.0.2.7", "",   "",      flags };
}

static CoreLoginContext context_of(const Talk *talk, const char *operation, const char *user,
                                   const char *service, uint32_t flags) {
        CoreLoginContext context = talk_context(operation, user, service, flags);

        if (talk->rhost)
                context.rhost = talk->rhost;
        if (talk->ruser)
                context.ruser = talk->ruser;
        if (talk->auth_info)
                context.auth_info = talk->auth_info;
        return context;
}

void talk_begin(Talk *talk, const char *operation, const char *user, const char *service,
                uint32_t flags) {
        CoreLoginContext context = context_of(talk, operation, user, service, flags);

        talk->record[0] = '\0';
        talk->answers = 0;
        talk->r = -1;
        core_login_begin(talk->f->core, &talk->peer, &context, talk->f->now, talk_done, talk);
}

void talk_answer_bytes(Talk *talk, const void *bytes, size_t len) {
        _cleanup_secret_ Secret *secret = NULL;
        char login[40];

        must(base_secret_new(bytes, len, &secret));
        memcpy(login, talk->login, sizeof(login));
        talk->r = -1;
        core_login_answer(talk->f->core, &talk->peer, login, secret, talk->f->now, talk_done, talk);
        if (talk->f->charges_wait)
                return;
        (void)core_flush(talk->f->core); /* as the loop does: the charge is durable */
        fixture_wake(talk->f);
}

void talk_answer_only(Talk *talk, const char *text) {
        talk_answer_bytes(talk, text, strlen(text));
}

void talk_wait(Talk *talk) {
        Fixture *f = talk->f;

        f->wake_at = USEC_INFINITY;
        talk_answer_only(talk, "");
        assert_true(f->wake_at > f->boottime && f->wake_at != USEC_INFINITY);
        fixture_pass(f, f->wake_at - f->boottime);
        must(talk->r);
}

void talk_answer(Talk *talk, const char *text) {
        talk_answer_only(talk, text);
        fixture_vault(talk->f);
        if (talk->f->wake_at <= talk->f->boottime)
                fixture_wake(talk->f);
        if (talk->step.kind == CORE_STEP_WAIT && !talk->f->answers_wait)
                talk_wait(talk);
}

CoreVerdict talk_authorize(Talk *talk, const char *user, const char *service) {
        CoreLoginContext context = context_of(talk, "", user, service, 0);

        talk->r = core_login_authorize(talk->f->core, &talk->peer, &context, talk->login,
                                       talk->f->now, &talk->step, &talk->error);
        return talk->r == 0 ? talk->step.verdict : CORE_VERDICT_INVALID;
}

static void talk_opened(void *userdata, int r, const char *session, const CoreStep *step,
                        const CoreError *error) {
        Talk *talk = userdata;

        talk->answers++;
        talk->r = r;
        if (r != 0) {
                talk->error = *error;
                return;
        }
        talk->step = *step;
        snprintf(talk->session, sizeof(talk->session), "%s", session);
}

CoreVerdict talk_open(Talk *talk, const char *user, const char *service) {
        CoreLoginContext context = talk_context("", user, service, 0);

        if (talk->auth_info)
                context.auth_info = talk->auth_info;
        talk->r = -1;
        talk->session[0] = '\0';
        talk->step = (CoreStep){ 0 };
        core_session_open(talk->f->core, &talk->peer, &context, talk->login, talk->f->now,
                          talk_opened, talk);
        return talk->step.verdict;
}

/* A late answer is the first thing the fixture's clock waits for. */
CoreVerdict log_in_late(Talk *talk, const char *user, const char *password, uint64_t *ret_due) {
        Fixture *f = talk->f;

        *ret_due = 0;
        talk_begin(talk, "authenticate", user, "sshd", 0);
        talk_answer(talk, password);
        if (talk->step.kind != CORE_STEP_WAIT)
                return talk->step.verdict;
        talk_answer_only(talk, "");
        *ret_due = f->wake_at - f->boottime;
        f->boottime = f->wake_at;
        fixture_wake(f);
        must(talk->r);
        f->boottime -= *ret_due; /* as if nobody had waited */
        return talk->step.verdict;
}

CoreVerdict log_in(Talk *talk, const char *user, const char *password) {
        talk_begin(talk, "authenticate", user, "sshd", 0);
        must(talk->r);
        if (talk->step.kind == CORE_STEP_ASK_HIDDEN)
                talk_answer(talk, password);
        must(talk->r);
        assert_int_equal(talk->step.kind, CORE_STEP_DONE);
        return talk->step.verdict;
}
