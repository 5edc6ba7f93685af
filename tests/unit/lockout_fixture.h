/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Attempts of strangers and of alice, as the tests of lockout make them. */

#include "tests/unit/core_fixture.h"

#define MINUTE (60 * USEC_PER_SEC)
#define AFAR   "203.0.113.9"
#define HOME   "192.0.2.1"
#define RIGHT  "correct horse"

static inline void setup_alice(Fixture *f) {
        make_user(f, "alice");
        set_password(f, "alice", RIGHT);
        fixture_flush(f);
        f->verified = f->spent = 0;
}

static inline CoreVerdict try(Fixture *f, const char *name, const char *rhost, const char *ruser,
                              const char *password) {
        Talk talk = talk_new(f, 9, 0);

        talk.rhost = rhost;
        talk.ruser = ruser;
        return log_in(&talk, name, password);
}

static inline void guess(Fixture *f, const char *name, const char *rhost, const char *ruser,
                         int count) {
        for (int i = 0; i < count; i++)
                assert_int_equal(try(f, name, rhost, ruser, "wrong"), CORE_VERDICT_BAD_PROOF);
}

static inline CoreVerdict by_key(Fixture *f, const char *name, const char *service,
                                 const char *rhost, const char *ruser, CoreStep *ret) {
        CoreLoginContext context = { "", name, service, "", rhost, ruser, "", 0 };
        CorePeer peer = { 7, { .uid = 0, .login_uid = (uid_t)-1, .via = "socket" }, { 0 } };

        must(core_login_authorize(f->core, &peer, &context, "", f->now, ret, &f->error));
        return ret->verdict;
}

static inline CoreUser *shown(Fixture *f, const char *name) {
        CoreUser *user;

        must(core_user_get(f->core, name, false, &user, &f->error));
        return user;
}

static inline void set_policy(Fixture *f, const char *user, const char *name, const char *text) {
        char became[POLICY_VALUE_TEXT_MAX];

        must(core_policy_set(f->core, &f->root, &POLICY_OF(user), name, text, &f->options, f->now,
                             became, &f->change, &f->error));
}
