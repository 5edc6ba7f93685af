/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The password: who gets in, what a stranger can see, and what the log says. */

#include "tests/unit/core_fixture.h"

#include "umd/core/login.h"

static void setup_alice(Fixture *f) {
        make_user(f, "alice");
        set_password(f, "alice", "correct horse");
        fixture_flush(f);
        f->spent = f->verified = 0;
}

static void the_right_password_lets_in(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0);

        setup_alice(f);
        assert_int_equal(log_in(&talk, "alice", "correct horse"), CORE_VERDICT_ALLOW);
        assert_int_equal(strlen(talk.login), 32);
        assert_string_equal(audit_line(f, 0), "authenticate allow  user/alice");
        assert_int_equal(talk_authorize(&talk, "alice", "sshd"), CORE_VERDICT_ALLOW);
        assert_string_equal(audit_line(f, 0), "authorize allow  user/alice");
        assert_string_equal(talk.step.text, "");
}

static void wrong_ones_do_not(void **state) {
        static const struct {
                const char *bytes;
                size_t len;
        } rows[] = {
                { "correct hors", 12 },
                { "correct horse  ", 15 },
                { "", 0 },
                { "correct horse\0", 14 },
                { "\0", 1 },
                { "Correct horse", 13 },
        };
        Fixture *f = *state;
        char longer[BASE_PASSWORD_MAX + 1];

        setup_alice(f);
        for (size_t i = 0; i <= ARRAY_LENGTH(rows); i++) {
                Talk talk = talk_new(f, 1, 0);

                memset(longer, 'x', sizeof(longer));
                talk_begin(&talk, "authenticate", "alice", "sshd", 0);
                if (i < ARRAY_LENGTH(rows))
                        talk_answer_bytes(&talk, rows[i].bytes, rows[i].len);
                else
                        talk_answer_bytes(&talk, longer, sizeof(longer));
                fixture_vault(f);
                assert_int_equal(talk.step.verdict, CORE_VERDICT_BAD_PROOF);
                assert_string_equal(audit_line(f, 0), "authenticate deny bad-proof user/alice");
                fixture_pass(f, HOUR); /* they do not add up */
        }
        assert_int_equal(f->spent + f->verified, ARRAY_LENGTH(rows) + 1); /* one each */
}

/* Users in every state that must look the same to somebody who does not know the password; the
 * record of steps is compared byte for byte, and so is the work of the vault. */
static void a_stranger_cannot_tell_who_exists_or_how(void **state) {
        static const char *const names[] = { "nobody", "alice",   "locked",  "susp", "inact",
                                             "gone",   "expired", "future",  "nopw", "pend",
                                             "coded",  "0day",    "a\x1b[m", "" };
        /* the last is what sshd says for a name that resolves nowhere, whatever was typed */
        static const struct {
                const char *answer;
                size_t hashes;
        } wrong[] = { { "guess", 1 }, { "7K2P-9QXM-3T5W", 2 }, { "\b\n\r\177INCORRECT\b", 2 } };
        Talk first[ARRAY_LENGTH(wrong)];
        Fixture *f = *state;

        for (size_t i = 1; i < 11; i++) {
                make_user(f, names[i]);
                if (i < 8)
                        set_password(f, names[i], "correct horse");
        }
        must(core_user_lock(f->core, &f->root, "locked", true, &f->options, f->now, &f->change,
                            &f->error));
        step_user(f, "susp", STATUS_STEP_SUSPEND);
        step_user(f, "inact", STATUS_STEP_DISABLE);
        step_user(f, "gone", STATUS_STEP_DELETE);
        must(core_user_update(f->core, &f->root, "expired",
                              &(UserSpec){ .has_valid_until = true, .valid_until_usec = f->now },
                              &f->options, f->now, &f->change, &f->error));
        must(core_user_update(f->core, &f->root, "future",
                              &(UserSpec){ .has_valid_from = true, .valid_from_usec = f->now + 1 },
                              &f->options, f->now, &f->change, &f->error));
        make_code(f, "coded");
        for (size_t w = 0; w < ARRAY_LENGTH(wrong); w++, fixture_pass(f, HOUR))
                for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
                        Talk talk = talk_new(f, 1, 0);

                        f->spent = f->verified = 0;
                        assert_int_equal(log_in(&talk, names[i], wrong[w].answer),
                                         CORE_VERDICT_BAD_PROOF);
                        assert_int_equal(f->spent + f->verified, wrong[w].hashes);
                        if (i == 0)
                                first[w] = talk;
                        assert_string_equal(talk.record, first[w].record);
                }
        assert_string_equal(first[0].record, first[1].record);
}

static void a_locked_user_looks_like_a_wrong_password(void **state) {
        Fixture *f = *state;
        Talk wrong = talk_new(f, 1, 0), locked = talk_new(f, 2, 0);

        setup_alice(f);
        log_in(&wrong, "alice", "no");
        must(core_user_lock(f->core, &f->root, "alice", true, &f->options, f->now, &f->change,
                            &f->error));
        assert_int_equal(log_in(&locked, "alice", "correct horse"), CORE_VERDICT_BAD_PROOF);
        assert_string_equal(locked.record, wrong.record);
        assert_string_equal(audit_line(f, 0), "authenticate deny locked user/alice");
        /* and nothing was proved */
        assert_int_equal(talk_authorize(&locked, "alice", "sshd"), CORE_VERDICT_DENIED);
        assert_string_equal(locked.step.text, "");
}

static void who_may_not_come_in_is_told_so_by_account(void **state) {
        static const struct {
                const char *user;
                CoreVerdict verdict;
                const char *reason, *text;
        } rows[] = {
                { "susp", CORE_VERDICT_DENIED, "status-suspended",
                  "Access refused: account suspended. Reference um-" },
                { "until", CORE_VERDICT_DENIED, "status-suspended",
                  "Access refused: account suspended until 2026-09-01. Reference um-" },
                { "inact", CORE_VERDICT_DENIED, "status-inactive",
                  "Access refused: account closed. Reference um-" },
                { "expired", CORE_VERDICT_EXPIRED, "expired",
                  "Access refused: account ended on 2026-08-01T09:00:00Z. Reference um-" },
                { "future", CORE_VERDICT_DENIED, "not-yet-valid",
                  "Access refused: account valid from 2026-09-01. Reference um-" },
        };
        const uint64_t september = (uint64_t)1788220800 * USEC_PER_SEC;
        Fixture *f = *state;
        char line[128];

        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                make_user(f, rows[i].user);
                set_password(f, rows[i].user, "pw");
        }
        step_user(f, "susp", STATUS_STEP_SUSPEND);
        must(core_user_step(f->core, &f->root, "until", STATUS_STEP_SUSPEND, september, &f->options,
                            f->now, &f->change, &f->error));
        step_user(f, "inact", STATUS_STEP_DISABLE);
        must(core_user_update(f->core, &f->root, "expired",
                              &(UserSpec){ .has_valid_until = true, .valid_until_usec = f->now },
                              &f->options, f->now, &f->change, &f->error));
        must(core_user_update(f->core, &f->root, "future",
                              &(UserSpec){ .has_valid_from = true, .valid_from_usec = september },
                              &f->options, f->now, &f->change, &f->error));
        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                Talk talk = talk_new(f, 1, 0);

                assert_int_equal(log_in(&talk, rows[i].user, "pw"), CORE_VERDICT_ALLOW);
                snprintf(line, sizeof(line), "authenticate deny %s user/%s", rows[i].reason,
                         rows[i].user);
                assert_string_equal(audit_line(f, 0), line);
                assert_int_equal(talk_authorize(&talk, rows[i].user, "sshd"), rows[i].verdict);
                assert_string_equal(talk.step.reason, rows[i].reason);
                assert_memory_equal(talk.step.text, rows[i].text, strlen(rows[i].text));
                assert_string_equal(strstr(talk.step.text, "um-"), talk.step.reference);
                /* the same for a key, with no login of ours */
                talk.login[0] = '\0';
                assert_int_equal(talk_authorize(&talk, rows[i].user, "sshd"), rows[i].verdict);
                assert_string_equal(talk.step.reason, rows[i].reason);
        }
}

static void a_name_of_another_source_is_not_asked(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0);
        uint64_t entries;

        setup_alice(f);
        entries = last_audit(f);
        f->held_user = "root";
        talk_begin(&talk, "authenticate", "root", "sshd", 0);
        assert_int_equal(talk.step.kind, CORE_STEP_DONE);
        assert_int_equal(talk.step.verdict, CORE_VERDICT_UNKNOWN_USER);
        assert_int_equal(strlen(talk.login), 32);
        assert_int_equal(talk_authorize(&talk, "root", "sshd"), CORE_VERDICT_UNKNOWN_USER);
        assert_int_equal(talk_open(&talk, "root", "sshd"), CORE_VERDICT_UNKNOWN_USER);
        f->held_user = "alice"; /* since then: no longer ours */
        talk_begin(&talk, "authenticate", "alice", "sshd", 0);
        assert_int_equal(talk.step.verdict, CORE_VERDICT_UNKNOWN_USER);
        assert_int_equal(last_audit(f), entries);
}

static void an_unknown_name_is_kept_as_a_hash(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0);
        char first[128];

        log_in(&talk, "hunter2", "x");
        snprintf(first, sizeof(first), "%s", audit_line(f, 0));
        assert_memory_equal(first, "authenticate deny unknown-user user/~", 37);
        assert_int_equal(strlen(first), 37 + 12);
        assert_null(strstr(first, "hunter2"));
        log_in(&talk, "hunter3", "x");
        assert_string_not_equal(audit_line(f, 0), first);
        log_in(&talk, "hunter2", "x");
        assert_string_equal(audit_line(f, 0), first);
        f->settings.unknown_names = true;
        core_set_settings(f->core, &f->settings);
        log_in(&talk, "evil\x1b[2J", "x");
        assert_string_equal(audit_line(f, 0), "authenticate deny unknown-user user/evil\\x1b[2J");
}

static void a_setup_code_stands_for_the_password_once(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0), again = talk_new(f, 2, 0);
        char lower[32];

        setup_alice(f);
        make_code(f, "alice");
        assert_int_equal(strlen(f->code), 14);
        for (size_t i = 0; i <= strlen(f->code); i++)
                lower[i] = f->code[i] >= 'A' ? (char)(f->code[i] + 32) : f->code[i];
        assert_int_equal(log_in(&talk, "alice", lower), CORE_VERDICT_ALLOW);
        assert_string_equal(audit_line(f, 0), "authenticate allow  user/alice");
        assert_int_equal(talk_authorize(&talk, "alice", "sshd"), CORE_VERDICT_RENEW);
        assert_string_equal(talk.step.text, "Your password must be changed.");
        assert_int_equal(log_in(&again, "alice", f->code), CORE_VERDICT_BAD_PROOF);
        assert_string_equal(audit_line(f, 0), "authenticate deny bad-proof user/alice");
        /* the old password is still one, and must be changed too */
        assert_int_equal(log_in(&again, "alice", "correct horse"), CORE_VERDICT_ALLOW);
        assert_int_equal(talk_authorize(&again, "alice", "sshd"), CORE_VERDICT_RENEW);
}

/* Where a code is asked for next, the time until then would tell. */
static void a_right_password_of_a_codes_length_shows_no_sooner(void **state) {
        static const char *const passwords[] = { "correct horse2", "correct horse3" };
        Fixture *f = *state;

        make_user(f, "alice");
        set_password(f, "alice", passwords[0]);
        assert_int_equal(strlen(passwords[0]), SETUP_CODE_BYTES);
        for (int right = 1; right >= 0; right--) {
                Talk talk = talk_new(f, 1, 0);

                talk_begin(&talk, "authenticate", "alice", "sshd", 0);
                talk_answer_only(&talk, passwords[1 - right]);
                fixture_vault_one(f);
                assert_int_equal(talk.answers, 1); /* the question alone */
                fixture_vault_one(f);
                assert_int_equal(talk.answers, 2);
                assert_int_equal(talk.step.verdict,
                                 right ? CORE_VERDICT_ALLOW : CORE_VERDICT_BAD_PROOF);
        }
}

static void of_two_at_once_one_code_lets_one_in(void **state) {
        Fixture *f = *state;
        Talk a = talk_new(f, 1, 0), b = talk_new(f, 2, 0);

        make_user(f, "alice");
        make_code(f, "alice");
        talk_begin(&a, "authenticate", "alice", "sshd", 0);
        talk_begin(&b, "authenticate", "alice", "sshd", 0);
        talk_answer_only(&a, f->code);
        talk_answer_only(&b, f->code);
        fixture_vault(f);
        assert_int_equal(a.step.verdict, CORE_VERDICT_ALLOW);
        assert_int_equal(b.step.verdict, CORE_VERDICT_BAD_PROOF);
}

static void a_code_that_is_over_is_a_wrong_password(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0);

        make_user(f, "alice");
        make_code(f, "alice");
        f->now += 24 * HOUR;
        assert_int_equal(log_in(&talk, "alice", f->code), CORE_VERDICT_BAD_PROOF);
}

static void a_pending_user_comes_in_by_code_only_and_is_active_then(void **state) {
        UserSpec spec = { .text = { [USER_FIELD_NAME] = "pend" }, .pending = true };
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0);

        must(core_user_create(f->core, &f->root, &spec, &f->options, f->now, &f->change,
                              &f->error));
        set_password(f, "pend", "correct horse");
        assert_int_equal(log_in(&talk, "pend", "correct horse"), CORE_VERDICT_BAD_PROOF);
        assert_string_equal(audit_line(f, 0), "authenticate deny status-pending user/pend");
        talk.login[0] = '\0'; /* a key */
        assert_int_equal(talk_authorize(&talk, "pend", "sshd"), CORE_VERDICT_DENIED);
        assert_string_equal(talk.step.reason, "status-pending");
        make_code(f, "pend");
        assert_int_equal(log_in(&talk, "pend", f->code), CORE_VERDICT_ALLOW);
        assert_int_equal(status_of(f, "pend"), USER_STATUS_PENDING);
        assert_int_equal(talk_authorize(&talk, "pend", "sshd"), CORE_VERDICT_RENEW);
        assert_int_equal(status_of(f, "pend"), USER_STATUS_ACTIVE);
        assert_string_equal(audit_line(f, 0), "user.activate done first login user/pend");
        assert_string_equal(audit_line(f, 1), "authorize allow must-change user/pend");
        assert_int_equal(talk_open(&talk, "pend", "sshd"), CORE_VERDICT_ALLOW);
}

static void an_old_method_is_replaced_at_the_login(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0);

        setup_alice(f);
        f->vault_old = true;
        assert_int_equal(log_in(&talk, "alice", "correct horse"), CORE_VERDICT_ALLOW);
        /* the fake's verifiers carry their number: only the new one still opens */
        f->vault_old = false;
        assert_int_equal(log_in(&talk, "alice", "correct horse"), CORE_VERDICT_ALLOW);
}

static void a_password_set_meanwhile_wins_over_the_upgrade(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0);
        VaultJob *verify;

        setup_alice(f);
        f->vault_old = true;
        talk_begin(&talk, "authenticate", "alice", "sshd", 0);
        talk_answer_only(&talk, "correct horse");
        verify = f->jobs[0]; /* kept back while root sets another */
        f->job_count = 0;
        set_password(f, "alice", "battery staple");
        f->jobs[f->job_count++] = verify;
        fixture_vault(f);
        assert_int_equal(talk.step.verdict, CORE_VERDICT_BAD_PROOF);
        f->vault_old = false;
        assert_int_equal(log_in(&talk, "alice", "battery staple"), CORE_VERDICT_ALLOW);
        assert_int_equal(log_in(&talk, "alice", "correct horse"), CORE_VERDICT_BAD_PROOF);
}

static void a_vault_that_cannot_say_lets_nobody_in(void **state) {
        static const struct {
                CoreProofResult says;
                CoreVerdict verdict;
                const char *line;
        } rows[] = {
                { CORE_PROOF_BUSY, CORE_VERDICT_UNAVAILABLE,
                  "authenticate failed internal user/alice" },
                { CORE_PROOF_FAULT, CORE_VERDICT_UNAVAILABLE,
                  "authenticate failed internal user/alice" },
                { _CORE_PROOF_MAX, CORE_VERDICT_UNAVAILABLE,
                  "authenticate failed internal user/alice" },
        };
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0);

        setup_alice(f);
        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                f->vault_says = rows[i].says;
                assert_int_equal(log_in(&talk, "alice", "correct horse"), rows[i].verdict);
                assert_string_equal(audit_line(f, 0), rows[i].line);
                assert_int_equal(log_in(&talk, "nobody", "correct horse"), rows[i].verdict);
        }
        f->vault_gone = true;
        assert_int_equal(log_in(&talk, "alice", "correct horse"), CORE_VERDICT_UNAVAILABLE);
        assert_int_equal(log_in(&talk, "nobody", "correct horse"), CORE_VERDICT_UNAVAILABLE);
}

/* The vault takes the time of it (um_vault.h): nothing is asked a second time. */
static void a_throttled_user_looks_like_a_wrong_password(void **state) {
        Fixture *f = *state;
        Talk wrong = talk_new(f, 1, 0), throttled = talk_new(f, 2, 0);

        setup_alice(f);
        log_in(&wrong, "alice", "no");
        f->vault_says = CORE_PROOF_THROTTLED;
        f->verified = 0;
        assert_int_equal(log_in(&throttled, "alice", "correct horse"), CORE_VERDICT_BAD_PROOF);
        assert_string_equal(throttled.record, wrong.record);
        assert_string_equal(audit_line(f, 0), "authenticate deny throttled user/alice");
        assert_int_equal(f->verified, 1);
        assert_int_equal(f->spent, 0);
}

static void a_user_without_a_grant_is_refused(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0);

        setup_alice(f);
        f->settings.tenant = "elsewhere"; /* a host of another tenant: no grant counts there */
        core_set_settings(f->core, &f->settings);
        assert_int_equal(log_in(&talk, "alice", "correct horse"), CORE_VERDICT_ALLOW);
        assert_int_equal(talk_authorize(&talk, "alice", "sshd"), CORE_VERDICT_DENIED);
        assert_string_equal(talk.step.reason, "service-not-permitted");
        assert_memory_equal(talk.step.text, "Access refused: no access to this service here.", 47);
}

/* What the vault is asked for one name goes one after the other, whoever's it is: else a stranger
 * could fill its queue by guesses at names nobody has, or tell those by guessing in parallel. */
static void every_name_has_a_lane_of_its_own(void **state) {
        static const char *const names[] = { "nobody", "nobody", "another", "alice", "0day" };
        Fixture *f = *state;
        Talk talks[ARRAY_LENGTH(names)];
        uid_t alice;

        setup_alice(f);
        alice = f->change.object_id;
        for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
                talks[i] = talk_new(f, i + 1, 0);
                talk_begin(&talks[i], "authenticate", names[i], "sshd", 0);
                talk_answer_only(&talks[i], "guess");
        }
        assert_int_equal(f->job_count, ARRAY_LENGTH(names));
        assert_int_equal(f->jobs[0]->uid, f->jobs[1]->uid);
        assert_int_not_equal(f->jobs[0]->uid, f->jobs[2]->uid);
        assert_int_not_equal(f->jobs[0]->uid, f->jobs[4]->uid);
        for (size_t i = 0; i < ARRAY_LENGTH(names); i++)
                if (i != 3)
                        assert_true(f->jobs[i]->spend && f->jobs[i]->uid >= 1U << 31);
        assert_int_equal(f->jobs[3]->uid, alice);
        fixture_vault(f);
}

static uid_t lane_of(Fixture *f, const char *name) {
        Talk talk = talk_new(f, 1, 0);
        uid_t lane;

        talk_begin(&talk, "authenticate", name, "sshd", 0);
        talk_answer_only(&talk, "guess");
        lane = f->jobs[0]->uid;
        fixture_vault(f);
        return lane;
}

static void which_names_share_a_lane_is_not_to_be_found_out(void **state) {
        Fixture *f = *state;
        uid_t lane = lane_of(f, "nobody");

        assert_non_null(base_id_reserved(lane)); /* never a user's */
        fixture_flush(f);
        fixture_reopen(f);
        assert_int_not_equal(lane_of(f, "nobody"), lane);
}

static CoreFrom guess_from(Fixture *f, const char *name, const char *rhost, const char *ruser) {
        Talk talk = talk_new(f, 9, 0);
        CoreFrom from;

        talk.rhost = rhost;
        talk.ruser = ruser;
        talk_begin(&talk, "authenticate", name, "sshd", 0);
        talk_answer_only(&talk, "guess");
        from = f->jobs[0]->from;
        fixture_vault(f);
        return from;
}

static void come_from(Fixture *f, const char *rhost) {
        Talk talk = talk_new(f, 8, 0);

        talk.rhost = rhost;
        assert_int_equal(log_in(&talk, "alice", "correct horse"), CORE_VERDICT_ALLOW);
}

/* The vault's ceiling counts apart: a stranger who guesses does not keep her out (SECURITY I6). */
static void a_guess_is_counted_by_where_it_comes_from(void **state) {
        Fixture *f = *state;

        setup_alice(f);
        make_user(f, "bob");
        assert_int_equal(guess_from(f, "alice", "192.0.2.1", ""), CORE_FROM_AFAR);
        assert_int_equal(guess_from(f, "alice", "192.0.2.1", "alice"), CORE_FROM_AFAR);
        assert_int_equal(guess_from(f, "alice", "", "bob"), CORE_FROM_HERE);
        assert_int_equal(guess_from(f, "alice", "", ""), CORE_FROM_HERE);
        assert_int_equal(guess_from(f, "alice", "", "alice"), CORE_FROM_KNOWN);
        come_from(f, "192.0.2.1");
        assert_int_equal(guess_from(f, "alice", "::ffff:192.0.2.1", ""), CORE_FROM_KNOWN);
        assert_int_equal(guess_from(f, "alice", "192.0.2.11", ""), CORE_FROM_AFAR);
        assert_int_equal(guess_from(f, "bob", "192.0.2.1", ""), CORE_FROM_AFAR);
        assert_int_equal(guess_from(f, "nobody", "192.0.2.1", ""), CORE_FROM_AFAR);
}

static void of_where_somebody_came_from_eight_are_kept(void **state) {
        static const char *const places[] = { "192.0.2.1",    "2001:db8::1", "192.0.2.3",
                                              "192.0.2.4",    "192.0.2.5",   "192.0.2.6",
                                              "some.example", "192.0.2.8" };
        Fixture *f = *state;
        Talk key = talk_new(f, 1, 0);

        setup_alice(f);
        for (size_t i = 0; i < ARRAY_LENGTH(places); i++, fixture_pass(f, HOUR))
                come_from(f, places[i]);
        fixture_pass(f, 2 * DAY);
        come_from(f, places[0]);
        assert_int_equal(talk_open(&key, "alice", "sshd"), CORE_VERDICT_ALLOW); /* by 192.0.2.7 */
        assert_int_equal(guess_from(f, "alice", places[1], ""), CORE_FROM_AFAR);
        for (size_t i = 0; i < ARRAY_LENGTH(places); i++)
                assert_int_equal(guess_from(f, "alice", places[i], ""),
                                 i == 1 ? CORE_FROM_AFAR : CORE_FROM_KNOWN);
        assert_int_equal(guess_from(f, "alice", "192.0.2.7", ""), CORE_FROM_KNOWN);
        fixture_flush(f);
        fixture_reopen(f); /* and they outlive a restart, for thirty days */
        assert_int_equal(guess_from(f, "alice", "192.0.2.8", ""), CORE_FROM_KNOWN);
        fixture_pass(f, 28 * DAY);
        assert_int_equal(guess_from(f, "alice", "192.0.2.8", ""), CORE_FROM_AFAR);
        assert_int_equal(guess_from(f, "alice", "192.0.2.7", ""), CORE_FROM_KNOWN);
}

/* Account's reply waits for a flush that has both; whoever does not ask account waits himself. */
static void a_right_password_alone_is_answered_before_it_is_durable(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0);

        setup_alice(f);
        f->flushes_called = 0;
        assert_int_equal(log_in(&talk, "alice", "correct horse"), CORE_VERDICT_ALLOW);
        assert_true(talk.step.early);
        assert_int_equal(f->flushes_called, 1); /* the charge's, before the vault was asked */
        assert_int_equal(f->flushes_called_later, 1);
        assert_int_equal(talk_authorize(&talk, "alice", "sshd"), CORE_VERDICT_ALLOW);
        assert_int_equal(f->flushes_called, 2);
        core_flush_hurry(f->core);
        assert_int_equal(f->flushes_called, 2); /* it is called for */
        fixture_flush(f);
        core_flush_hurry(f->core);
        assert_int_equal(f->flushes_called, 2); /* there is nothing to write */
        assert_int_equal(log_in(&talk, "alice", "correct horse"), CORE_VERDICT_ALLOW);
        core_flush_hurry(f->core);
        assert_int_equal(f->flushes_called, 4);
}

static void what_else_a_proof_changes_or_was_read_beside_is_durable_first(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0), own = talk_new(f, 2, 0);

        setup_alice(f);
        talk_begin(&talk, "authenticate", "alice", "sshd", 0);
        talk_answer_only(&talk, "correct horse");
        own.peer.actor.uid = make_user(f, "bob"); /* while the vault hashes */
        fixture_vault_one(f);
        assert_int_equal(talk.step.verdict, CORE_VERDICT_ALLOW);
        assert_false(talk.step.early); /* bob is not durable */
        set_password(f, "bob", "correct horse");
        fixture_flush(f);
        assert_int_equal(log_in(&own, "bob", "correct horse"), CORE_VERDICT_ALLOW);
        assert_false(own.step.early); /* a program that is not root */
        fixture_flush(f);
        assert_int_equal(log_in(&talk, "alice", "guess"), CORE_VERDICT_BAD_PROOF);
        assert_false(talk.step.early);
        fixture_flush(f);
        make_code(f, "alice");
        fixture_flush(f);
        assert_int_equal(log_in(&talk, "alice", f->code), CORE_VERDICT_ALLOW);
        assert_false(talk.step.early); /* the code is used up */
        fixture_flush(f);
        f->vault_old = true;
        assert_int_equal(log_in(&talk, "alice", "correct horse"), CORE_VERDICT_ALLOW);
        assert_false(talk.step.early);
        assert_int_equal(f->flushes_called_later, 0);
}

static void an_early_answer_that_is_lost_proves_nothing(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0);

        setup_alice(f);
        assert_int_equal(log_in(&talk, "alice", "correct horse"), CORE_VERDICT_ALLOW);
        assert_true(talk.step.early);
        core_logins_drop_batch(f->core->logins, f->core->batch); /* as a flush that fails does */
        assert_int_equal(talk_authorize(&talk, "alice", "sshd"), CORE_VERDICT_DENIED);
}

/* Names can be given again (FEATURES A3); a proof is of him who proved it. */
static void a_proof_ends_with_the_name_it_was_given_under(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0);

        setup_alice(f);
        assert_int_equal(log_in(&talk, "alice", "correct horse"), CORE_VERDICT_ALLOW);
        update_text(f, "alice", USER_FIELD_NAME, "carol");
        fixture_flush(f);
        assert_int_equal(talk_authorize(&talk, "alice", "sshd"), CORE_VERDICT_DENIED);
        update_text(f, "carol", USER_FIELD_NAME, "alice"); /* nobody but she can have it again */
        fixture_flush(f);
        assert_int_equal(talk_authorize(&talk, "alice", "sshd"), CORE_VERDICT_DENIED);
        assert_int_equal(talk_open(&talk, "alice", "sshd"), CORE_VERDICT_DENIED);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                STORY(the_right_password_lets_in),
                STORY(wrong_ones_do_not),
                STORY(a_stranger_cannot_tell_who_exists_or_how),
                STORY(a_locked_user_looks_like_a_wrong_password),
                STORY(who_may_not_come_in_is_told_so_by_account),
                STORY(a_name_of_another_source_is_not_asked),
                STORY(an_unknown_name_is_kept_as_a_hash),
                STORY(a_setup_code_stands_for_the_password_once),
                STORY(a_right_password_of_a_codes_length_shows_no_sooner),
                STORY(of_two_at_once_one_code_lets_one_in),
                STORY(a_code_that_is_over_is_a_wrong_password),
                STORY(a_pending_user_comes_in_by_code_only_and_is_active_then),
                STORY(an_old_method_is_replaced_at_the_login),
                STORY(a_password_set_meanwhile_wins_over_the_upgrade),
                STORY(a_vault_that_cannot_say_lets_nobody_in),
                STORY(a_throttled_user_looks_like_a_wrong_password),
                STORY(a_user_without_a_grant_is_refused),
                STORY(every_name_has_a_lane_of_its_own),
                STORY(a_guess_is_counted_by_where_it_comes_from),
                STORY(of_where_somebody_came_from_eight_are_kept),
                STORY(which_names_share_a_lane_is_not_to_be_found_out),
                STORY(a_right_password_alone_is_answered_before_it_is_durable),
                STORY(what_else_a_proof_changes_or_was_read_beside_is_durable_first),
                STORY(an_early_answer_that_is_lost_proves_nothing),
                STORY(a_proof_ends_with_the_name_it_was_given_under),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
