/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Attempts (SECURITY 31, 33, 35, 38, 41, 142): many at once, a kill, a clock that is set, sources.
 */

#include "tests/unit/lockout_fixture.h"

/* ---- many at once (SECURITY 31, 33) ------------------------------------------------------- */

static void begin_many_as(Fixture *f, const char *name, Talk *talks, size_t count,
                          const char *password) {
        f->charges_wait = true;
        for (size_t i = 0; i < count; i++) {
                talks[i] = talk_new(f, 100 + i, 0);
                talks[i].rhost = AFAR;
                talk_begin(&talks[i], "authenticate", name, "sshd", 0);
        }
        for (size_t i = 0; i < count; i++)
                talk_answer_only(&talks[i], password);
}

static void begin_many(Fixture *f, Talk *talks, size_t count, const char *password) {
        begin_many_as(f, "alice", talks, count, password);
}

/* The loop: flushes, moves on, lets the vault answer, until everybody has a step. */
static void run_all(Fixture *f, Talk *talks, size_t count) {
        for (int i = 0; i < 1000; i++) {
                size_t left = 0;

                (void)core_flush(f->core);
                fixture_wake(f);
                fixture_vault(f);
                for (size_t k = 0; k < count; k++) {
                        if (talks[k].r == 0 && talks[k].step.kind == CORE_STEP_WAIT)
                                talk_answer_only(&talks[k], "");
                        left += talks[k].r != 0 || talks[k].step.kind != CORE_STEP_DONE;
                }
                if (left == 0)
                        return;
                fixture_pass(f, USEC_PER_SEC / 10);
        }
        fail_msg("some attempts never end");
}

static void of_two_hundred_wrong_ones_five_are_looked_at(void **state) {
        static Talk talks[200];
        Fixture *f = *state;

        setup_alice(f);
        begin_many(f, talks, ARRAY_LENGTH(talks), "wrong");
        run_all(f, talks, ARRAY_LENGTH(talks));
        for (size_t i = 0; i < ARRAY_LENGTH(talks); i++)
                assert_int_equal(talks[i].step.verdict, CORE_VERDICT_BAD_PROOF);
        assert_int_equal(f->verified, 5);
        assert_int_equal(f->lockouts, 2); /* hers, and that network's */
}

static void fifty_right_ones_all_get_in(void **state) {
        static Talk talks[50];
        Fixture *f = *state;

        setup_alice(f);
        begin_many(f, talks, ARRAY_LENGTH(talks), RIGHT);
        run_all(f, talks, ARRAY_LENGTH(talks));
        for (size_t i = 0; i < ARRAY_LENGTH(talks); i++)
                assert_int_equal(talks[i].step.verdict, CORE_VERDICT_ALLOW);
        assert_int_equal(f->lockouts, 0);
        f->charges_wait = false;
        guess(f, "alice", AFAR, "", 4); /* and nothing of them is left */
        assert_int_equal(try(f, "alice", AFAR, "", RIGHT), CORE_VERDICT_ALLOW);
}

static void nothing_is_looked_at_before_its_charge_is_durable(void **state) {
        static Talk talks[8];
        Fixture *f = *state;

        setup_alice(f);
        begin_many(f, talks, ARRAY_LENGTH(talks), "wrong");
        fixture_wake(f);
        assert_int_equal(f->job_count, 0);
        must(core_flush(f->core));
        fixture_wake(f);
        assert_int_equal(f->job_count, 5); /* the others wait for these */
        fixture_reopen(f);                 /* umd was killed: what it asked the vault counts */
        while (f->job_count > 0)
                fixture_vault_one(f);
        f->charges_wait = false;
        assert_int_equal(try(f, "alice", AFAR, "", RIGHT), CORE_VERDICT_BAD_PROOF);
        assert_string_equal(audit_line(f, 0), "authenticate deny lockout user/alice");
}

static void who_hangs_up_has_failed(void **state) {
        static Talk talks[5];
        Fixture *f = *state;

        setup_alice(f);
        begin_many(f, talks, ARRAY_LENGTH(talks), RIGHT);
        must(core_flush(f->core));
        fixture_wake(f);
        for (size_t i = 0; i < ARRAY_LENGTH(talks); i++)
                core_login_hangup(f->core, talks[i].peer.connection);
        fixture_wake(f);
        fixture_vault(f);
        assert_int_equal(f->lockouts, 1); /* and it is told */
        f->charges_wait = false;
        assert_int_equal(try(f, "alice", AFAR, "", RIGHT), CORE_VERDICT_BAD_PROOF);
}

static void what_nobody_looked_at_is_given_back(void **state) {
        static const CoreProofResult results[] = { CORE_PROOF_BUSY, CORE_PROOF_FAULT };
        Fixture *f = *state;

        setup_alice(f);
        for (int i = 0; i < 40; i++) {
                Talk talk = talk_new(f, 1, 0);

                f->vault_says = results[i % 2];
                f->vault_gone = i % 3 == 0;
                talk.rhost = AFAR;
                assert_int_equal(log_in(&talk, "alice", "wrong"), CORE_VERDICT_UNAVAILABLE);
        }
        f->vault_says = CORE_PROOF_MATCH;
        f->vault_gone = false;
        guess(f, "alice", AFAR, "", 4);
        assert_int_equal(try(f, "alice", AFAR, "", RIGHT), CORE_VERDICT_ALLOW);
}

/* An answer of a code's length is looked at twice: a vault that is kept busy between gives no guess
 * back. */
static void what_was_wrong_stays_charged_when_the_vault_fails_then(void **state) {
        Fixture *f = *state;

        setup_alice(f);
        for (int i = 0; i < 5; i++) {
                Talk talk = talk_new(f, 1, 0);

                talk.rhost = AFAR;
                f->vault_says = CORE_PROOF_MATCH;
                talk_begin(&talk, "authenticate", "alice", "sshd", 0);
                talk_answer_only(&talk, "fourteen bytes");
                fixture_vault_one(f);
                f->vault_says = CORE_PROOF_BUSY;
                fixture_vault(f);
                assert_int_equal(talk.step.verdict, CORE_VERDICT_UNAVAILABLE);
        }
        f->vault_says = CORE_PROOF_MATCH;
        assert_int_equal(try(f, "alice", AFAR, "", RIGHT), CORE_VERDICT_BAD_PROOF);
}

/* How many are with the vault at once, round by round. */
static void rounds_of(Fixture *f, const char *name, size_t *ret_jobs, size_t rounds) {
        static Talk talks[12];

        begin_many_as(f, name, talks, ARRAY_LENGTH(talks), "wrong");
        for (size_t i = 0; i < rounds; i++) {
                (void)core_flush(f->core);
                fixture_wake(f);
                ret_jobs[i] = f->job_count;
                fixture_vault(f);
        }
        for (size_t i = 0; i < ARRAY_LENGTH(talks); i++)
                core_login_hangup(f->core, talks[i].peer.connection);
}

static void many_at_once_say_nothing_about_a_name(void **state) {
        size_t alice[4], nobody[4];
        Fixture *f = *state;

        setup_alice(f);
        rounds_of(f, "alice", alice, ARRAY_LENGTH(alice));
        rounds_of(f, "nobody", nobody, ARRAY_LENGTH(nobody));
        assert_memory_equal(alice, nobody, sizeof(alice));
        assert_int_equal(alice[0], 5);
}

/* ---- a name nobody has (SECURITY 142) ------------------------------------------------------- */

/* Charged and with the vault. */
static void answer_charged(Fixture *f, Talk *talk, uint64_t connection, const char *name) {
        *talk = talk_new(f, connection, 0);
        talk->rhost = AFAR;
        talk_begin(talk, "authenticate", name, "sshd", 0);
        talk_answer_only(talk, "wrong");
        (void)core_flush(f->core);
        fixture_wake(f);
}

/* One more is looked at beside one that is being looked at, or has to wait for it. */
static bool one_more_waits(Fixture *f, const char *name) {
        Talk held, probe;
        size_t jobs;

        answer_charged(f, &held, 201, name);
        jobs = f->job_count;
        answer_charged(f, &probe, 202, name);
        jobs = f->job_count - jobs;
        core_login_hangup(f->core, held.peer.connection);
        core_login_hangup(f->core, probe.peer.connection);
        while (f->job_count > 0)
                fixture_vault_one(f);
        fixture_wake(f);
        return jobs == 0;
}

static void some_hang_up(Fixture *f, const char *name) {
        for (uint64_t i = 0; i < 4; i++) {
                Talk talk;

                answer_charged(f, &talk, 100 + i, name);
                core_login_hangup(f->core, talk.peer.connection);
        }
}

static void the_first_gets_old(Fixture *f, const char *name) {
        guess(f, name, AFAR, "", 1);
        fixture_pass(f, 14 * MINUTE);
        guess(f, name, AFAR, "", 3);
        fixture_pass(f, 3 * MINUTE / 2);
}

static void the_vault_is_busy(Fixture *f, const char *name) {
        for (int i = 0; i < 4; i++) {
                Talk talk = talk_new(f, 1, 0);

                f->vault_says = CORE_PROOF_BUSY;
                talk.rhost = AFAR;
                (void)log_in(&talk, name, "wrong");
        }
        f->vault_says = CORE_PROOF_MATCH;
}

static void four_are_wrong(Fixture *f, const char *name) {
        guess(f, name, AFAR, "", 4);
}

static void five_are_wrong(Fixture *f, const char *name) {
        guess(f, name, AFAR, "", 5);
}

static void a_name_nobody_has_is_counted_as_a_user_is(void **state) {
        static const struct {
                void (*before)(Fixture *f, const char *name);
                bool waits;
        } table[] = {
                { some_hang_up, true },       { the_first_gets_old, false },
                { the_vault_is_busy, false }, { four_are_wrong, true },
                { five_are_wrong, false }, /* locked: it is looked at against nothing */
        };
        Fixture *f = *state;

        setup_alice(f);
        for (size_t i = 0; i < ARRAY_LENGTH(table); i++) {
                table[i].before(f, "alice");
                table[i].before(f, "nobody");
                assert_int_equal(one_more_waits(f, "alice"), table[i].waits);
                assert_int_equal(one_more_waits(f, "nobody"), table[i].waits);
                fixture_pass(f, 2 * HOUR); /* all of it is forgotten */
        }
}

/* ---- the clock (SECURITY 35) -------------------------------------------------------------- */

static void lock_alice(Fixture *f) {
        setup_alice(f);
        guess(f, "alice", AFAR, "", 5);
        fixture_flush(f);
}

static void a_clock_that_is_set_neither_unlocks_nor_loses_a_lock(void **state) {
        static const int64_t jumps[] = { 86400, -86400, -365 * 86400, 365 * 86400, -1785574800 };
        Fixture *f = *state;

        lock_alice(f);
        for (size_t i = 0; i < ARRAY_LENGTH(jumps); i++)
                for (int restart = 0; restart < 2; restart++) {
                        f->now = (uint64_t)((int64_t)NOW + jumps[i] * (int64_t)USEC_PER_SEC);
                        if (restart)
                                fixture_reopen(f);
                        core_tick(f->core, f->now);
                        assert_int_equal(try(f, "alice", AFAR, "", RIGHT), CORE_VERDICT_BAD_PROOF);
                }
        f->boottime += 16 * MINUTE; /* whatever the clock says, a quarter of an hour is over */
        fixture_wake(f);
        assert_int_equal(try(f, "alice", AFAR, "", RIGHT), CORE_VERDICT_ALLOW);
}

static void reboot(Fixture *f, uint64_t now_usec) {
        fixture_flush(f);
        f->boot_id[0]++;
        f->boottime = 20 * USEC_PER_SEC;
        f->now = now_usec;
        fixture_reopen(f);
}

static void a_lock_outlives_a_reboot_and_1970(void **state) {
        Fixture *f = *state;

        lock_alice(f);
        reboot(f, f->now + MINUTE);
        assert_int_equal(try(f, "alice", AFAR, "", RIGHT), CORE_VERDICT_BAD_PROOF);
        reboot(f, 60 * USEC_PER_SEC); /* no battery */
        assert_int_equal(try(f, "alice", AFAR, "", RIGHT), CORE_VERDICT_BAD_PROOF);
        fixture_pass(f, 16 * MINUTE);
        assert_int_equal(try(f, "alice", AFAR, "", RIGHT), CORE_VERDICT_ALLOW);
        guess(f, "alice", "198.51.100.7", "", 5);
        reboot(f, NOW + DAY); /* a day without power */
        assert_int_equal(try(f, "alice", "198.51.100.7", "", RIGHT), CORE_VERDICT_ALLOW);
}

static void a_boot_nobody_knows_makes_locks_no_shorter(void **state) {
        Fixture *f = *state;

        memset(f->boot_id, 0, sizeof(f->boot_id));
        lock_alice(f);
        f->now -= HOUR;
        fixture_reopen(f);
        assert_int_equal(try(f, "alice", AFAR, "", RIGHT), CORE_VERDICT_BAD_PROOF);
        fixture_pass(f, 16 * MINUTE);
        assert_int_equal(try(f, "alice", AFAR, "", RIGHT), CORE_VERDICT_ALLOW);
}

/* ---- sources (C13, SECURITY 38, 41) ------------------------------------------------------- */

static void a_source_over_its_limit_is_refused_for_everybody(void **state) {
        Fixture *f = *state;
        CoreStep step;
        char name[16];

        setup_alice(f);
        for (int i = 0; i < 30; i++) {
                snprintf(name, sizeof(name), "guess%d", i);
                guess(f, name, AFAR, "", 1);
        }
        assert_int_equal(f->lockouts, 1);
        assert_string_equal(f->lockout, "all: this network: 30: 203.0.113.9 ");
        f->spent = 0;
        assert_int_equal(try(f, "alice", AFAR, "", RIGHT), CORE_VERDICT_BAD_PROOF);
        assert_string_equal(audit_line(f, 0), "authenticate deny source-throttled user/alice");
        assert_int_equal(f->spent, 1); /* it takes the same time */
        assert_int_equal(by_key(f, "alice", "sshd", AFAR, "", &step), CORE_VERDICT_DENIED);
        assert_string_equal(step.reason, "source-throttled");
        assert_int_equal(try(f, "alice", HOME, "", RIGHT), CORE_VERDICT_ALLOW);
        assert_int_equal(try(f, "alice", "", "", RIGHT), CORE_VERDICT_ALLOW);
        fixture_pass(f, 15 * MINUTE);
        assert_int_equal(try(f, "alice", AFAR, "", RIGHT), CORE_VERDICT_ALLOW);
}

/* One's own account is no way to a fresh count for others'. */
static void a_success_gives_a_source_its_own_charge_alone(void **state) {
        Fixture *f = *state;
        char name[16];

        setup_alice(f);
        for (int i = 0; i < 30; i++) {
                snprintf(name, sizeof(name), "guess%d", i);
                guess(f, name, AFAR, "", 1);
                assert_int_equal(try(f, "alice", AFAR, "", RIGHT),
                                 i < 29 ? CORE_VERDICT_ALLOW : CORE_VERDICT_BAD_PROOF);
        }
}

static void an_ipv6_source_is_its_64(void **state) {
        Fixture *f = *state;
        char rhost[64], name[16];

        setup_alice(f);
        for (int i = 0; i < 30; i++) {
                snprintf(rhost, sizeof(rhost), "2001:db8::%x", i + 1);
                snprintf(name, sizeof(name), "guess%d", i);
                guess(f, name, rhost, "", 1);
        }
        assert_string_equal(f->lockout, "all: this network: 30: 2001:db8::/64 ");
        assert_int_equal(try(f, "alice", "2001:db8::ffff", "", RIGHT), CORE_VERDICT_BAD_PROOF);
        assert_int_equal(try(f, "alice", "2001:db8:0:1::1", "", RIGHT), CORE_VERDICT_ALLOW);
}

typedef struct Rows {
        size_t count;
        bool full;
} Rows;

static int count_row(void *userdata, const StoreThrottle *throttle) {
        Rows *rows = userdata;

        rows->count++;
        rows->full |= throttle->state.failures[0].count >= 30;
        return 0;
}

static Rows rows_of(Fixture *f) {
        Rows rows = { 0 };
        StoreTxn *txn;
        Store *store;

        f->core = core_free(f->core);
        must(store_open(f->dir, false, &store));
        must(store_begin_read(store, &txn));
        must(store_throttle_each(txn, count_row, &rows));
        store_txn_abortp(&txn);
        store_close(store);
        fixture_open(f);
        return rows;
}

static void sources_are_a_bounded_number_and_the_throttled_stay(void **state) {
        Fixture *f = *state;
        char rhost[32], name[16];
        Rows rows;

        setup_alice(f);
        for (int i = 0; i < 30; i++) {
                snprintf(name, sizeof(name), "guess%d", i);
                guess(f, name, AFAR, "", 1);
        }
        for (int i = 0; i < 1500; i++) {
                snprintf(rhost, sizeof(rhost), "10.%d.%d.1", i / 256, i % 256);
                snprintf(name, sizeof(name), "n%d", i);
                guess(f, name, rhost, "", 1);
        }
        fixture_flush(f);
        rows = rows_of(f);
        assert_int_equal(rows.count, 1024);
        assert_true(rows.full);
        assert_int_equal(try(f, "alice", AFAR, "", RIGHT), CORE_VERDICT_BAD_PROOF);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(of_two_hundred_wrong_ones_five_are_looked_at),
                TEST(fifty_right_ones_all_get_in),
                TEST(nothing_is_looked_at_before_its_charge_is_durable),
                TEST(who_hangs_up_has_failed),
                TEST(what_nobody_looked_at_is_given_back),
                TEST(what_was_wrong_stays_charged_when_the_vault_fails_then),
                TEST(many_at_once_say_nothing_about_a_name),
                TEST(a_name_nobody_has_is_counted_as_a_user_is),
                TEST(a_clock_that_is_set_neither_unlocks_nor_loses_a_lock),
                TEST(a_lock_outlives_a_reboot_and_1970),
                TEST(a_boot_nobody_knows_makes_locks_no_shorter),
                TEST(a_source_over_its_limit_is_refused_for_everybody),
                TEST(a_success_gives_a_source_its_own_charge_alone),
                TEST(an_ipv6_source_is_its_64),
                TEST(sources_are_a_bounded_number_and_the_throttled_stay),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
