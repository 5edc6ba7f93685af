/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Failed logins: who was guessed at is on record, and no guesser decides how much of it (catalogue
 * 41). */

#include "tests/unit/core_fixture.h"
#include "umd/core/login.h"

static void guess(Fixture *f, const char *user, const char *rhost) {
        Talk talk = talk_new(f, 1, 0);

        talk.rhost = rhost;
        talk_begin(&talk, "authenticate", user, "sshd", 0);
        must(talk.r);
        talk_answer(&talk, "no");
        assert_int_equal(talk.step.verdict, CORE_VERDICT_BAD_PROOF);
        core_login_hangup(f->core, 1);
}

static void last_text(void *userdata, const CoreAuditEntry *entry) {
        char *text = userdata;
        size_t len = (size_t)snprintf(text, 256, "%s %s from %s: %s", entry->verb, entry->object,
                                      entry->source, entry->outcome);

        for (size_t i = 0; i < entry->value_count; i++)
                len += (size_t)snprintf(text + len, 256 - len, " %s=%s", entry->values[i].field,
                                        entry->values[i].after);
}

static const char *newest(Fixture *f) {
        const CoreAuditFilter filter = { .until_usec = USEC_INFINITY };
        static char text[256];
        uint64_t cursor;

        text[0] = '\0';
        must(core_audit_list(f->core, &f->root, &filter, 0, 1, last_text, text, &cursor,
                             &f->error));
        return text;
}

static void count_one(void *userdata, const CoreAuditEntry *entry) {
        if (strncmp(entry->verb, "authenticate", strlen("authenticate")) == 0)
                (*(uint64_t *)userdata)++;
}

/* Entries of logins; what locked somebody is one of its own. */
static uint64_t logins(Fixture *f) {
        const CoreAuditFilter filter = { .type = "login", .until_usec = USEC_INFINITY };
        uint64_t cursor, count = 0;

        must(core_audit_list(f->core, &f->root, &filter, 0, 1000, count_one, &count, &cursor,
                             &f->error));
        return count;
}

static void step_unlock(Fixture *f, const char *name) {
        must(core_user_lock(f->core, &f->root, name, false, &f->options, f->now, &f->change,
                            &f->error));
}

static void more_of_the_same_is_one_entry_an_hour(void **state) {
        Fixture *f = *state;
        uint64_t before;
        char since[32], wanted[160];

        make_user(f, "alice");
        policy_put(f, "lockout.attempts", "never", NULL);
        policy_put(f, "lockout.source-attempts", "never", NULL);
        before = logins(f);
        base_format_rfc3339(f->now, since);
        for (unsigned i = 0; i < CORE_MISSED_TOLD + 5; i++)
                guess(f, "alice", "203.0.113.9");
        assert_int_equal(logins(f), before + CORE_MISSED_TOLD);
        guess(f, "alice", "203.0.113.10"); /* another network is another pair */
        assert_int_equal(logins(f), before + CORE_MISSED_TOLD + 1);
        step_unlock(f, "alice");
        guess(f, "alice", "203.0.113.9"); /* whoever unlocked her looks at what comes now */
        assert_int_equal(logins(f), ++before + CORE_MISSED_TOLD + 1);
        core_tick(f->core, f->now + HOUR);
        assert_int_equal(logins(f), before + CORE_MISSED_TOLD + 2);
        snprintf(wanted, sizeof(wanted),
                 "authenticate.repeated user/alice from 203.0.113.9: deny count=5 since=%s", since);
        assert_string_equal(newest(f), wanted);
        core_tick(f->core, f->now + 2 * HOUR); /* told once */
        assert_int_equal(logins(f), before + CORE_MISSED_TOLD + 2);
        f->now += 2 * HOUR;
        guess(f, "alice", "203.0.113.9"); /* and it begins anew */
        assert_int_equal(logins(f), before + CORE_MISSED_TOLD + 3);
}

static void names_nobody_has_are_one(void **state) {
        Fixture *f = *state;
        uint64_t before = logins(f);
        CoreStatus at_first, at_last;
        char name[16];

        policy_put(f, "lockout.source-attempts", "never", NULL);
        for (unsigned i = 0; i < 2000; i++) {
                snprintf(name, sizeof(name), "n%u", i);
                guess(f, name, "203.0.113.9");
                if (i == CORE_MISSED_TOLD)
                        must(core_status(f->core, &at_first));
        }
        must(core_status(f->core, &at_last));
        assert_int_equal(logins(f), before + CORE_MISSED_TOLD);
        assert_int_equal(at_first.store_used_bytes, at_last.store_used_bytes);
        must(core_misses_tell(f->core, f->now));
        assert_non_null(strstr(newest(f), "authenticate.repeated  from 203.0.113.9: deny "
                                          "count=1984 "));
}

/* When something was last written of it: lock time is noted with each write about a guess. */
static uint64_t written_usec(Fixture *f) {
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        StoreLockTime noted;

        must(store_begin_read(f->core->store, &txn));
        must(store_lock_time_get(txn, &noted));
        return noted.boottime_usec;
}

/* 142: an answer that waits for no disk would say that the name is one of many nobody has. */
static void what_is_only_counted_is_written_as_well(void **state) {
        Fixture *f = *state;
        char name[16];
        Talk talk;

        policy_put(f, "lockout.source-attempts", "never", NULL);
        for (unsigned i = 0; i < CORE_MISSED_TOLD + 5; i++) {
                snprintf(name, sizeof(name), "n%u", i);
                guess(f, name, "203.0.113.9");
        }
        talk = talk_new(f, 1, 0);
        talk.rhost = "203.0.113.9";
        talk_begin(&talk, "authenticate", "another", "sshd", 0);
        talk_answer_only(&talk, "no");
        fixture_pass(f, USEC_PER_SEC); /* it is charged, and the vault takes its time */
        assert_true(written_usec(f) < f->boottime);
        fixture_vault(f);
        assert_int_equal(talk.step.verdict, CORE_VERDICT_BAD_PROOF);
        assert_int_equal(written_usec(f), f->boottime);
}

/* Sources without end, too: what a person of um fails at still has room. */
static void no_crowd_of_sources_decides_how_much_is_written(void **state) {
        Fixture *f = *state;
        char rhost[24];
        uint64_t before;

        make_user(f, "alice");
        policy_put(f, "lockout.attempts", "never", NULL);
        policy_put(f, "lockout.source-attempts", "never", NULL);
        before = logins(f);
        for (unsigned i = 0; i < CORE_MISSED_UNKNOWN + 100; i++) {
                snprintf(rhost, sizeof(rhost), "203.0.113.%u", i);
                guess(f, "nobody", rhost);
        }
        assert_int_equal(logins(f), before + CORE_MISSED_UNKNOWN);
        guess(f, "alice", "198.51.100.7");
        assert_int_equal(logins(f), before + CORE_MISSED_UNKNOWN + 1);
        for (unsigned i = 0; i < CORE_MISSED_PAIRS + 50; i++) {
                snprintf(rhost, sizeof(rhost), "192.0.2.%u", i);
                guess(f, "alice", rhost);
        }
        assert_int_equal(logins(f), before + CORE_MISSED_PAIRS);
        must(core_misses_tell(f->core, f->now));
        assert_non_null(strstr(newest(f), "authenticate.repeated  from : deny count="));
}

static void a_login_that_succeeds_is_always_an_entry(void **state) {
        Talk talk;
        Fixture *f = *state;

        make_user(f, "alice");
        set_password(f, "alice", "pw");
        policy_put(f, "lockout.attempts", "never", NULL);
        policy_put(f, "lockout.source-attempts", "never", NULL);
        for (unsigned i = 0; i < 2 * CORE_MISSED_TOLD; i++)
                guess(f, "alice", "203.0.113.9");
        talk = talk_new(f, 2, 0);
        talk.rhost = "203.0.113.9";
        talk_begin(&talk, "authenticate", "alice", "sshd", 0);
        talk_answer(&talk, "pw");
        assert_int_equal(talk.step.verdict, CORE_VERDICT_ALLOW);
        assert_string_equal(newest(f), "authenticate user/alice from 203.0.113.9: allow");
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                STORY(more_of_the_same_is_one_entry_an_hour),
                STORY(names_nobody_has_are_one),
                STORY(what_is_only_counted_is_written_as_well),
                STORY(no_crowd_of_sources_decides_how_much_is_written),
                STORY(a_login_that_succeeds_is_always_an_entry),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
