/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* No memory, at every place in turn: a whole day of verbs and logins is lived through once for each
 * allocation it makes, with that one failing.  A verb then says so, or does without; nothing leaks,
 * is freed twice, or is half done (the sanitizers and the store's own checks watch).  Second
 * factors and rights have days of their own, test_core_memory_factors.c and
 * test_core_memory_rights.c: the work grows with a day's square. */

#include "tests/unit/memory_day.h"

/* ---- the day --------------------------------------------------------------------------------- */

static void user(Fixture *f, const char *name) {
        UserSpec spec = { .text = { [USER_FIELD_NAME] = name, [USER_FIELD_TITLE] = "boss" } };

        memory_on();
        (void)core_user_create(f->core, &f->root, &spec, &f->options, f->now, &f->change,
                               &f->error);
        memory_off();
}

static void rename_to(Fixture *f, const char *name, const char *to) {
        UserSpec spec = { .text = { [USER_FIELD_NAME] = to } };

        memory_on();
        (void)core_user_update(f->core, &f->root, name, &spec, &f->options, f->now, &f->change,
                               &f->error);
        memory_off();
}

static void group(Fixture *f, const char *name, const char *member, const char *nested) {
        GroupSpec spec = { .name = name, .owners = &member, .owner_count = 1 };

        memory_on();
        (void)core_group_create(f->core, &f->root, &spec, &f->options, f->now, &f->change,
                                &f->error);
        (void)core_group_members(f->core, &f->root, name, true, &member, 1, &nested, nested ? 1 : 0,
                                 &f->options, f->now, &f->change, &f->error);
        memory_off();
}

static void nothing_user(void *userdata, const CoreUser *shown) {
}

static void nothing_group(void *userdata, const CoreGroup *shown) {
}

static void nothing_audit(void *userdata, const CoreAuditEntry *shown) {
}

static int nothing_entry(void *userdata, const CoreEntry *entry) {
        return 0;
}

static void views(Fixture *f) {
        CoreAuditFilter filter = { .user = "alice", .until_usec = USEC_INFINITY };
        _cleanup_(core_group_freep) CoreGroup *group_seen = NULL;
        _cleanup_(core_user_freep) CoreUser *user_seen = NULL;
        char cursor[64];
        uint64_t at;

        memory_on();
        (void)core_user_get(f->core, "alice", false, &user_seen, &f->error);
        (void)core_group_get(f->core, "all", &group_seen, &f->error);
        (void)core_user_list(f->core, &f->root, "group~*,name~*", "", 10, f->now, nothing_user,
                             NULL, cursor, &f->error);
        (void)core_group_list(f->core, &f->root, "member=alice,owner=alice", "", 10, nothing_group,
                              NULL, cursor, &f->error);
        (void)core_entries_all(f->core, nothing_entry, NULL);
        (void)core_entry_user(f->core, FIRST, nothing_entry, NULL);
        (void)core_entry_group_by_name(f->core, "all", nothing_entry, NULL);
        (void)core_audit_list(f->core, &f->root, &filter, 0, 10, nothing_audit, NULL, &at,
                              &f->error);
        memory_off();
}

static void changed(void *userdata, int r, const CoreChange *change, const CoreError *error) {
        (*(size_t *)userdata)++;
}

static void coded(void *userdata, int r, const Secret *code, uint64_t expires_usec,
                  const CoreChange *change, const CoreError *error) {
        (*(size_t *)userdata)++;
}

static void password(Fixture *f, const char *name, const char *text) {
        CorePasswordOptions options = { 0 };
        _cleanup_secret_ Secret *secret = NULL;
        size_t answers = 0;
        int r;

        must(base_secret_new(text, strlen(text), &secret));
        memory_on();
        r = core_user_set_password(f->core, &f->root, name, secret, &options, &f->options, f->now,
                                   changed, &answers, &f->error);
        memory_off();
        vault(f);
        assert_int_equal(answers, r == 0 ? 1 : 0);
        answers = 0;
        memory_on();
        r = core_user_create_setup_code(f->core, &f->root, name, &f->options, f->now, coded,
                                        &answers, &f->error);
        memory_off();
        vault(f);
        assert_int_equal(answers, r == 0 ? 1 : 0);
}

/* Every call is answered exactly once, whatever fails; nobody gets in without his password. */
static void login(Fixture *f, const char *name, const char *text, bool right) {
        Talk talk = talk_new(f, 1, 0);
        size_t answers;

        memory_on();
        talk_begin(&talk, "authenticate", name, "sshd", 0);
        memory_off();
        assert_int_equal(talk.answers, 1);
        if (talk.r != 0) /* "" would be a key's login */
                return;
        memory_on();
        talk_answer_only(&talk, text);
        memory_off();
        vault(f);
        assert_int_equal(talk.answers, 2);
        if (!right)
                assert_false(talk.r == 0 && talk.step.verdict == CORE_VERDICT_ALLOW);
        memory_on();
        (void)talk_authorize(&talk, name, "sshd");
        memory_off();
        if (!right)
                assert_false(talk.r == 0 && talk.step.verdict == CORE_VERDICT_ALLOW);
        answers = talk.answers;
        memory_on();
        (void)talk_open(&talk, name, "sshd");
        memory_off();
        assert_int_equal(talk.answers, answers + 1);
        if (!right)
                assert_string_equal(talk.session, "");
        memory_on();
        core_session_close(f->core, talk.session, f->now);
        memory_off();
        core_login_hangup(f->core, 1);
}

static void change(Fixture *f, const char *name, uint32_t flags, const char *const *answers) {
        Talk talk = talk_new(f, 1, 0);

        memory_on();
        talk_begin(&talk, "change-password", name, "passwd", flags);
        memory_off();
        for (; talk.r == 0 && talk.step.kind != CORE_STEP_DONE && *answers; answers++) {
                memory_on();
                talk_answer_only(&talk, *answers);
                memory_off();
                vault(f);
        }
        core_login_hangup(f->core, 1);
}

static void nothing_effective(void *userdata, const CorePolicyEffective *shown) {
}

static void nothing_set(void *userdata, const CorePolicySet *shown) {
}

static void policy(Fixture *f) {
        char text[POLICY_VALUE_TEXT_MAX], cursor[CORE_POLICY_CURSOR_BYTES];

        memory_on();
        (void)core_policy_set(f->core, &f->root, &POLICY_OF(NULL), "lockout.attempts", "3",
                              &f->options, f->now, text, &f->change, &f->error);
        (void)core_policy_set(f->core, &f->root, &POLICY_OF("alice"), "factor.methods", "-hotp",
                              &f->options, f->now, text, &f->change, &f->error);
        (void)core_policy_effective(f->core, "alice", NULL, nothing_effective, NULL, &f->error);
        (void)core_policy_list(f->core, &f->root, "", 10, nothing_set, NULL, cursor, &f->error);
        (void)core_policy_unset(f->core, &f->root, &POLICY_OF("alice"), "factor.methods",
                                &f->options, f->now, &f->change, &f->error);
        memory_off();
}

/* A password that got old: told to a key, and counted. */
static void aged(Fixture *f) {
        char text[POLICY_VALUE_TEXT_MAX];
        Talk talk = talk_new(f, 1, 0);

        memory_on();
        (void)core_policy_set(f->core, &f->root, &POLICY_OF("alice"), "password.max-age", "1s",
                              &f->options, f->now, text, &f->change, &f->error);
        memory_off();
        f->now += 2 * USEC_PER_SEC;
        memory_on();
        (void)talk_authorize(&talk, "alice", "sshd");
        memory_off();
}

static void refusals(Fixture *f) {
        static const CoreRefusal refusal = { "org.um1.User.Lock", "user.lock", false,
                                             CORE_OBJECT_USER,    "alice",     0 };
        const Actor stranger = { .uid = 1000, .login_uid = (uid_t)-1, .via = "socket" };

        memory_on();
        (void)core_refused(f->core, &stranger, &refusal, f->now);
        (void)core_refused(f->core, &stranger, &refusal, f->now);
        (void)core_refusals_tell(f->core, f->now);
        memory_off();
}

static bool is_held(void *userdata, const char *session, const CoreProcess *process) {
        return userdata != NULL;
}

/* Once for a process that lives, once for one that does not. */
static void restart(Fixture *f) {
        Talk talk = talk_new(f, 9, 0);

        (void)talk_open(&talk, "alice", "sshd");
        fixture_reopen(f);
        memory_on();
        (void)core_sessions_resume(f->core, is_held, f, 0, f->now);
        memory_off();
        fixture_reopen(f);
        memory_on();
        (void)core_sessions_resume(f->core, is_held, NULL, 0, f->now);
        memory_off();
}

static void day(Fixture *f) {
        user(f, "alice");
        user(f, "bob");
        group(f, "web", "alice", NULL);
        group(f, "all", "bob", "web");
        flush(f);
        password(f, "alice", "pw");
        login(f, "alice", "pw", true);
        login(f, "alice", "no", false);
        login(f, "nobody", "no", false);
        change(f, "alice", 4, (const char *const[]){ "pw", "alice", "", "new", "new", NULL });
        change(f, "alice", 0, (const char *const[]){ "newer", "newer", NULL });
        flush(f);
        rename_to(f, "alice", "alicia");
        rename_to(f, "alicia", "alice");
        policy(f);
        aged(f);
        views(f);
        refusals(f);
        flush(f);
        restart(f);
        memory_on();
        (void)core_user_step(f->core, &f->root, "alice", STATUS_STEP_DELETE, 0, &f->options, f->now,
                             &f->change, &f->error);
        (void)core_user_step(f->core, &f->root, "alice", STATUS_STEP_RESTORE, 0, &f->options,
                             f->now, &f->change, &f->error);
        (void)core_group_delete(f->core, &f->root, "web", true, &f->options, f->now, &f->change,
                                &f->error);
        memory_off();
        flush(f);
        core_tick(f->core, f->now);
}

static void every_allocation_may_fail(void **state) {
        for (memory_first(); memory_next();) {
                void *f;

                fixture_setup(&f);
                day(f);
                fixture_teardown(&f);
        }
        assert_true(memory.at > 300); /* the wrapping is there */
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_allocation_may_fail),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
