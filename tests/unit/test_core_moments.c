/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Grants that begin and end by themselves: to the second, once, and whatever comes in between. */

#include "tests/unit/linux_shown.h"
#include "umd/store/internal.h"

static void grant_for(Fixture *f, const char *user, uint64_t from_usec, uint64_t until_usec) {
        must(grant_edit(f, &f->root,
                        &(GrantEdit){ .user = user,
                                      .role = "dba",
                                      .from_usec = from_usec,
                                      .until_usec = until_usec }));
}

static void prepare(Fixture *f) {
        host_group(f, "adm", 4);
        make_group(f, "web");
        make_person(f, "bob");
        must(role_add(f, "dba", .linux_groups = "adm web"));
        fixture_flush(f);
        fixture_wake(f);
}

/* As the loop does it: what is due, its flush, and what that leaves; the news of all. */
static void pass(Fixture *f, uint64_t usec) {
        f->news[0] = '\0';
        fixture_pass(f, usec);
        for (int i = 0; i < 10 && core_has_unflushed(f->core); i++) {
                must(core_flush(f->core));
                core_wake(f->core, f->now);
        }
        assert_false(core_has_unflushed(f->core));
}

static size_t told(Fixture *f, const char *verb) {
        size_t count = 0;

        for (uint64_t i = 0; i < last_audit(f) && i < 400; i++)
                count += strncmp(audit_line(f, i), verb, strlen(verb)) == 0;
        return count;
}

static void a_grant_begins_and_ends_to_the_second(void **state) {
        Fixture *f = *state;

        prepare(f);
        grant_for(f, "bob", f->now + HOUR, f->now + 2 * HOUR);
        fixture_flush(f);
        fixture_wake(f);
        assert_int_equal(f->wake_at, f->boottime + HOUR);
        pass(f, HOUR - 1);
        assert_string_equal(f->news, "");
        assert_listed(f, "web", "");
        assert_int_equal(f->wake_at, f->boottime + 1);
        pass(f, 1);
        assert_string_equal(f->news, "changed group web\nchanged user bob\n");
        assert_listed(f, "web", "bob");
        assert_string_equal(audit_line(f, 0), "role.begin done  user/bob");
        assert_int_equal(f->wake_at, f->boottime + HOUR);
        pass(f, HOUR - 1);
        assert_listed(f, "web", "bob");
        pass(f, 1);
        assert_string_equal(f->news, "changed group web\nchanged user bob\n");
        assert_shown(f, "bob", "");
        assert_listed(f, "web", "");
        assert_string_equal(audit_line(f, 0), "role.end done  user/bob");
        assert_int_equal(f->wake_at, USEC_INFINITY);
        assert_non_null(strstr(grants_of(f, "bob"), "bob:dba@local expired"));
}

static void what_was_missed_is_told_at_the_next_start(void **state) {
        Fixture *f = *state;

        prepare(f);
        grant_for(f, "bob", f->now + HOUR, f->now + 2 * HOUR);
        fixture_flush(f);
        f->now += 3 * HOUR;
        fixture_reopen(f); /* its tick comes before anything is made of it */
        assert_shown(f, "bob", "");
        pass(f, 0);
        assert_int_equal(told(f, "role.begin"), 1);
        assert_int_equal(told(f, "role.end"), 1);
        fixture_reopen(f);
        pass(f, HOUR);
        assert_int_equal(told(f, "role.end"), 1);
}

/* umd dies before the flush: nothing of it happened, and it is told then. */
static void what_was_not_durable_is_told_again(void **state) {
        Fixture *f = *state;

        prepare(f);
        grant_for(f, "bob", 0, f->now + HOUR);
        fixture_flush(f);
        f->now += HOUR;
        fixture_wake(f);
        assert_true(core_has_unflushed(f->core));
        fixture_reopen(f);
        pass(f, 0);
        assert_int_equal(told(f, "role.end"), 1);
}

static void a_clock_that_is_set_is_followed(void **state) {
        Fixture *f = *state;

        prepare(f);
        grant_for(f, "bob", 0, f->now + HOUR);
        fixture_flush(f);
        f->now += 2 * HOUR; /* forward, with no time gone by */
        pass(f, 0);
        assert_shown(f, "bob", "");
        f->now -= 2 * HOUR; /* and back: it counts again */
        f->news[0] = '\0';
        core_tick(f->core, f->now);
        must(core_flush(f->core));
        assert_string_equal(f->news, "changed everybody\n");
        f->wake_at = USEC_INFINITY;
        core_wake(f->core, f->now);
        assert_int_equal(f->wake_at, f->boottime + HOUR);
        assert_listed(f, "web", "bob");
        pass(f, HOUR);
        assert_string_equal(f->news, "changed group web\nchanged user bob\n");
        assert_listed(f, "web", "");
        assert_int_equal(told(f, "role.end"), 1); /* the log says so once */
}

static void a_grant_that_is_gone_or_given_anew_is_not_waited_for(void **state) {
        Fixture *f = *state;
        const GrantEdit other = { .user = "bob", .role = "dba", .tenant = "all", .until_usec = 0 };
        GrantEdit same = other;

        prepare(f);
        grant_for(f, "bob", 0, f->now + HOUR);
        grant_for(f, "bob", 0, f->now + 3 * HOUR);
        fixture_flush(f);
        fixture_wake(f);
        assert_int_equal(f->wake_at, f->boottime + 3 * HOUR);
        same.until_usec = f->now + 3 * HOUR; /* two that end together */
        must(grant_edit(f, &f->root, &same));
        must(revoke(f, "dba", "bob"));
        fixture_flush(f);
        fixture_wake(f);
        assert_int_equal(f->wake_at, f->boottime + 3 * HOUR);
        must(revoke_as(f, &f->root, "dba", "bob", "all"));
        fixture_flush(f);
        fixture_wake(f);
        assert_int_equal(f->wake_at, USEC_INFINITY);
        pass(f, 4 * HOUR);
        assert_int_equal(told(f, "role.end"), 0);
}

/* Some at a time, so that others are served in between; each once. */
static void many_that_end_together_are_told(void **state) {
        Fixture *f = *state;
        char name[16];

        prepare(f);
        for (int i = 0; i < 300; i++) {
                snprintf(name, sizeof(name), "u%d", i);
                make_user(f, name);
                grant_for(f, name, 0, f->now + HOUR);
        }
        fixture_flush(f);
        f->now += HOUR;
        f->boottime += HOUR;
        fixture_wake(f);
        fixture_flush(f);
        assert_int_equal(told(f, "role.end"), 256);
        pass(f, 0);
        assert_int_equal(told(f, "role.end"), 300);
        assert_listed(f, "web", "");
}

static void a_deleted_users_grant_ends_in_silence(void **state) {
        Fixture *f = *state;

        prepare(f);
        grant_for(f, "bob", 0, f->now + HOUR);
        step_user(f, "bob", STATUS_STEP_DELETE);
        fixture_flush(f);
        pass(f, HOUR);
        assert_string_equal(f->news, "");
        assert_int_equal(told(f, "role.end"), 0);
        assert_int_equal(f->wake_at, USEC_INFINITY);
}

static void sessions_end_with_a_grant_that_says_so(void **state) {
        Fixture *f = *state;
        GrantEdit edit = {
                .user = "bob", .role = "dba", .until_usec = USEC_INFINITY, .end_sessions = true
        };
        uid_t bob;

        prepare(f);
        must_be(grant_edit(f, &f->root, &edit), CORE_E_BAD_VALUE);
        edit.until_usec = f->now + HOUR;
        must(grant_edit(f, &f->root, &edit));
        bob = f->change.object_id;
        fixture_flush(f);
        pass(f, HOUR - 60 * USEC_PER_SEC - 1);
        assert_int_equal(f->sessions_warned_uid, 0);
        pass(f, 1);
        assert_int_equal(f->sessions_warned_uid, bob);
        f->sessions_warned_uid = 0;
        pass(f, 60 * USEC_PER_SEC - 1);
        assert_int_equal(f->sessions_ended_uid, 0);
        f->now++;
        f->boottime++;
        fixture_wake(f);
        assert_int_equal(f->sessions_ended_uid, 0); /* not before it is durable */
        fixture_flush(f);
        assert_int_equal(f->sessions_ended_uid, bob);
        /* where it did not count there is nothing to end */
        must(tenant_add(f, "acme"));
        edit.tenant = "acme";
        edit.until_usec = f->now + HOUR;
        must(grant_edit(f, &f->root, &edit));
        f->sessions_ended_uid = 0;
        pass(f, HOUR);
        assert_int_equal(told(f, "role.end"), 2);
        assert_int_equal(f->sessions_ended_uid, 0);
        assert_int_equal(f->sessions_warned_uid, 0);
        /* a short one: at once */
        edit.tenant = NULL;
        edit.until_usec = f->now + 5 * USEC_PER_SEC;
        must(grant_edit(f, &f->root, &edit));
        pass(f, 0);
        assert_int_equal(f->sessions_warned_uid, bob);
}

/* The store of an um that kept no moments: they are made, and what is over is not told. */
static void an_older_store_gets_its_moments(void **state) {
        Fixture *f = *state;
        uint8_t head[USER_KEY_BYTES + 1] = { 0, 0, 0, 0, 'm' };
        StoreMoment moment = { 0 };
        StoreTxn *txn = NULL;
        Store *store = NULL;

        prepare(f);
        make_person(f, "carol");
        grant_for(f, "bob", 0, f->now + HOUR);
        grant_for(f, "carol", f->now + 3 * HOUR, f->now + 4 * HOUR);
        fixture_flush(f);
        f->core = core_free(f->core);
        must(store_open(f->dir, false, &store));
        must(store_begin(store, &txn));
        while (store_moment_next(txn, &moment, &moment) == 0)
                must(store_moment_delete(txn, &moment));
        must(table_delete(txn, TABLE_USERS, head, sizeof(head)));
        must(store_commit(&txn));
        must(store_flush(store));
        store_close(store);
        f->now += 2 * HOUR;
        f->boottime += 2 * HOUR;
        fixture_open(f);
        pass(f, 0);
        assert_int_equal(told(f, "role.end"), 0);
        assert_int_equal(f->wake_at, f->boottime + HOUR);
        pass(f, 2 * HOUR);
        assert_int_equal(told(f, "role.begin"), 1);
        assert_int_equal(told(f, "role.end"), 1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
#define CORE_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
                CORE_TEST(a_grant_begins_and_ends_to_the_second),
                CORE_TEST(what_was_missed_is_told_at_the_next_start),
                CORE_TEST(what_was_not_durable_is_told_again),
                CORE_TEST(a_clock_that_is_set_is_followed),
                CORE_TEST(a_grant_that_is_gone_or_given_anew_is_not_waited_for),
                CORE_TEST(many_that_end_together_are_told),
                CORE_TEST(a_deleted_users_grant_ends_in_silence),
                CORE_TEST(sessions_end_with_a_grant_that_says_so),
                CORE_TEST(an_older_store_gets_its_moments),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
