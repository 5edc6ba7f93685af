/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Users with a second factor, and their logins. */

#include "tests/unit/core_fixture.h"

#include "tests/unit/ssh_keys.h"
#include "umd/core/second.h"

#define PASSWORD "correct horse"
#define KEY      "publickey " KEY_ED25519 "\n"

#define STORY(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

/* Writes a factor as an enrolment would; the number it got. */
static inline uint32_t give_factor(Fixture *f, uid_t uid, PolicyMethod method, const char *label) {
        static const CoreOptions options = { .reason = "" };
        _cleanup_change_ Change change = { 0 };
        _cleanup_(store_credential_freep) StoreCredential *credential = NULL;
        char sealed[64];
        StoreFactor factor = { .uid = uid, .method = method, .active = true, .label = label };
        int n;

        must(core_change_begin(&change, f->core, &f->root, &options, f->now, &f->error));
        must(core_credential_load(change.txn, uid, &credential));
        n = snprintf(sealed, sizeof(sealed), "%u:%u:%llu:SEED", core_method_kind(method), uid,
                     (unsigned long long)credential->verifier_version + 1);
        factor.sealed = (StoreVerifier){ (const uint8_t *)sealed, (size_t)n, 0 };
        must(core_factor_add(&change, credential, &factor));
        must(core_change_commit(&change, "test", "user", "x", uid, 1, NULL));
        return factor.number;
}

static inline uint32_t setup_alice(Fixture *f, PolicyMethod method) {
        uid_t uid = make_user(f, "alice");
        uint32_t number;

        set_password(f, "alice", PASSWORD);
        number = give_factor(f, uid, method, "");
        fixture_flush(f);
        f->guessed = 0;
        return number;
}

static inline void answer_password(Talk *talk, const char *user, const char *password) {
        talk_begin(talk, "authenticate", user, talk->service ? talk->service : "sshd", 0);
        must(talk->r);
        assert_int_equal(talk->step.kind, CORE_STEP_ASK_HIDDEN);
        talk_answer(talk, password);
        must(talk->r);
}

/* A whole login with password and code. */
static inline CoreVerdict two(Talk *talk, const char *user, const char *password,
                              const char *code) {
        answer_password(talk, user, password);
        assert_int_equal(talk->step.kind, CORE_STEP_ASK_SHOWN);
        assert_string_equal(talk->step.secret, "code");
        talk_answer(talk, code);
        must(talk->r);
        return talk->step.verdict;
}

static inline uid_t setup_named(Fixture *f) {
        uid_t uid = make_user(f, "alice");

        set_password(f, "alice", PASSWORD);
        f->settings.host = "host.example";
        core_set_settings(f->core, &f->settings);
        fixture_flush(f);
        return uid;
}

typedef struct List {
        char text[1024];
} List;

static inline void list_one(void *userdata, const CoreFactor *factor) {
        List *list = userdata;
        size_t len = strlen(list->text);

        snprintf(list->text + len, sizeof(list->text) - len, "%s%s%s%s%s %d", len > 0 ? ", " : "",
                 factor->method, factor->label[0] ? " " : "", factor->label,
                 factor->active ? "" : " pending", factor->codes_left);
}

static inline const char *list_of(Fixture *f) {
        static List list;

        list.text[0] = '\0';
        must(core_factor_list(f->core, "alice", list_one, &list, &f->error));
        return list.text;
}

static inline CoreVerdict log_in_with(Fixture *f, const char *code) {
        Talk talk = talk_new(f, 1, 0);

        talk_begin(&talk, "authenticate", "alice", "sshd", 0);
        talk_answer(&talk, PASSWORD);
        if (talk.step.kind == CORE_STEP_ASK_SHOWN)
                talk_answer(&talk, code);
        return talk.step.verdict;
}
