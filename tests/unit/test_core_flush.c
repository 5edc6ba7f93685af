/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A flush that fails: nothing since the last one happened, neither in the store nor in memory. */

#include "tests/unit/core_fixture.h"

#include <dlfcn.h>
#include <sys/uio.h>

static bool disk_full;

#define REAL(type, name) ((type)(uintptr_t)dlsym(RTLD_NEXT, name))
#define INTERPOSED(name) __asm__(name) __attribute__((visibility("default"), used))

ssize_t my_pwrite(int fd, const void *data, size_t len, off_t at) INTERPOSED("pwrite");
ssize_t my_writev(int fd, const struct iovec *iov, int count) INTERPOSED("writev");

ssize_t my_pwrite(int fd, const void *data, size_t len, off_t at) {
        typedef ssize_t (*Call)(int fd, const void *data, size_t len, off_t at);

        if (disk_full) {
                errno = ENOSPC;
                return -1;
        }
        return REAL(Call, "pwrite")(fd, data, len, at);
}

ssize_t my_writev(int fd, const struct iovec *iov, int count) {
        typedef ssize_t (*Call)(int fd, const struct iovec *iov, int count);

        if (disk_full) {
                errno = ENOSPC;
                return -1;
        }
        return REAL(Call, "writev")(fd, iov, count);
}

static void fail_flush(Fixture *f) {
        f->news[0] = '\0';
        disk_full = true;
        must_be(core_flush(f->core), -ENOSPC);
        disk_full = false;
        assert_string_equal(f->news, "");
        assert_false(core_has_unflushed(f->core));
}

static void what_was_changed_was_not(void **state) {
        _cleanup_(core_user_freep) CoreUser *user = NULL;
        Fixture *f = *state;

        make_user(f, "alice");
        fixture_flush(f);
        make_user(f, "bob");
        step_user(f, "alice", STATUS_STEP_DELETE);
        assert_true(core_has_unflushed(f->core));
        fail_flush(f);
        assert_int_equal(status_of(f, "alice"), USER_STATUS_ACTIVE);
        must_be(core_user_get(f->core, "bob", true, &user, &f->error), CORE_E_NO_SUCH_USER);
        make_user(f, "bob");
        fixture_flush(f);
        assert_string_equal(f->news, "added user bob\n");
        fixture_reopen(f);
        assert_int_equal(status_of(f, "bob"), USER_STATUS_ACTIVE);
}

static void what_was_proved_was_not(void **state) {
        Fixture *f = *state;
        Talk before = talk_new(f, 1, 0), lost = talk_new(f, 2, 0);

        make_user(f, "alice");
        set_password(f, "alice", "pw");
        log_in(&before, "alice", "pw");
        fixture_flush(f);
        assert_int_equal(log_in(&lost, "alice", "pw"), CORE_VERDICT_ALLOW);
        fail_flush(f);
        assert_int_equal(talk_authorize(&lost, "alice", "sshd"), CORE_VERDICT_DENIED);
        assert_int_equal(talk_authorize(&before, "alice", "sshd"), CORE_VERDICT_ALLOW);
}

static void a_code_whose_use_was_lost_is_still_good_once(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0);

        make_user(f, "alice");
        make_code(f, "alice");
        fixture_flush(f);
        assert_int_equal(log_in(&talk, "alice", f->code), CORE_VERDICT_ALLOW);
        fail_flush(f);
        assert_int_equal(talk_authorize(&talk, "alice", "sshd"), CORE_VERDICT_DENIED);
        assert_int_equal(log_in(&talk, "alice", f->code), CORE_VERDICT_ALLOW);
        fixture_flush(f);
        assert_int_equal(log_in(&talk, "alice", f->code), CORE_VERDICT_BAD_PROOF);
}

static void an_attempt_whose_charge_was_lost_is_not_looked_at(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0);

        make_user(f, "alice");
        set_password(f, "alice", "pw");
        fixture_flush(f);
        f->charges_wait = true;
        talk_begin(&talk, "authenticate", "alice", "sshd", 0);
        talk_answer_only(&talk, "pw");
        assert_int_equal(f->job_count, 0); /* not before it is durable */
        fail_flush(f);
        fixture_wake(f);
        must_be(talk.r, -ENOSPC);
        assert_int_equal(f->job_count, 0);
        f->charges_wait = false;
        assert_int_equal(log_in(&talk, "alice", "pw"), CORE_VERDICT_ALLOW);
}

/* The lost password and the next one are bound to the same number. */
static void a_password_that_was_lost_proves_nothing(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0);

        make_user(f, "alice");
        fixture_flush(f);
        set_password(f, "alice", "lost");
        fail_flush(f);
        assert_int_equal(log_in(&talk, "alice", "lost"), CORE_VERDICT_BAD_PROOF);
        set_password(f, "alice", "kept");
        assert_int_equal(log_in(&talk, "alice", "lost"), CORE_VERDICT_BAD_PROOF);
        assert_int_equal(log_in(&talk, "alice", "kept"), CORE_VERDICT_ALLOW);
}

static void a_session_that_was_lost_is_not_open(void **state) {
        Fixture *f = *state;
        Talk kept = talk_new(f, 1, 0), lost = talk_new(f, 2, 0);

        make_user(f, "alice");
        talk_open(&kept, "alice", "sshd");
        fixture_flush(f);
        talk_open(&lost, "alice", "sshd");
        assert_int_equal(core_session_count(f->core), 2);
        fail_flush(f);
        assert_int_equal(core_session_count(f->core), 1);
        core_session_close(f->core, lost.session,
                           f->now); /* its descriptor closes: nothing to do */
        assert_false(core_has_unflushed(f->core));
        core_session_close(f->core, kept.session, f->now);
        assert_int_equal(core_session_count(f->core), 0);
}

/* Unlocked in a batch that is lost, while the home is made: judged again, from what is true. */
static void an_unlock_that_was_lost_opens_no_session(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0);

        make_user(f, "alice");
        must(core_user_lock(f->core, &f->root, "alice", true, &f->options, f->now, &f->change,
                            &f->error));
        fixture_flush(f);
        must(core_user_lock(f->core, &f->root, "alice", false, &f->options, f->now, &f->change,
                            &f->error));
        f->helper_waits = true;
        talk_open(&talk, "alice", "sshd");
        fail_flush(f);
        f->home_done(f->home_userdata, CORE_HOME_EXISTS, f->now);
        assert_int_equal(talk.step.verdict, CORE_VERDICT_DENIED);
        assert_string_equal(talk.step.reason, "locked");
}

static void a_flush_with_nothing_to_do_tells_nobody(void **state) {
        Fixture *f = *state;

        must(core_flush(f->core));
        assert_int_equal(f->flushes, 0);
        must(core_audit_system(f->core, "test.tick", "", 0, "", f->now));
        must(core_flush(f->core));
        assert_int_equal(f->flushes, 0);
        make_user(f, "alice");
        must(core_flush(f->core));
        assert_int_equal(f->flushes, 1);
}

static void a_store_that_is_none_is_not_served(void **state) {
        const CoreHost host = { 0 };
        const CoreVault vault = { 0 };
        const CoreQuality quality = { 0 };
        const CoreHelper helper = { 0 };
        Fixture *f = *state;
        char path[128];
        Core *core = NULL;
        FILE *file;

        f->core = core_free(f->core);
        snprintf(path, sizeof(path), "%s/data.mdb", f->dir);
        file = fopen(path, "r+");
        assert_non_null(file);
        assert_true(fwrite("this is no store of um at all", 29, 1, file) == 1);
        for (int i = 0; i < 8192; i++)
                fputc('x', file);
        fclose(file);
        must_be(core_new(f->dir, &f->settings, &host, &vault, &quality, &helper, &core, &f->error),
                CORE_E_UNAVAILABLE);
        assert_non_null(strstr(f->error.text, "is damaged or not one of um"));
        assert_true(core_new("/nonexistent", &f->settings, &host, &vault, &quality, &helper, &core,
                             &f->error) < 0);
        assert_non_null(strstr(f->error.text, "/nonexistent cannot be opened"));
        assert_null(core);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                STORY(what_was_changed_was_not),
                STORY(what_was_proved_was_not),
                STORY(a_code_whose_use_was_lost_is_still_good_once),
                STORY(an_attempt_whose_charge_was_lost_is_not_looked_at),
                STORY(a_password_that_was_lost_proves_nothing),
                STORY(a_session_that_was_lost_is_not_open),
                STORY(an_unlock_that_was_lost_opens_no_session),
                STORY(a_flush_with_nothing_to_do_tells_nobody),
                STORY(a_store_that_is_none_is_not_served),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
