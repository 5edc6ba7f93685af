/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Undo, many users at once, seats, and a tenant that is deleted: what the random model
 * (test_core_undo_model.c) does not come by. */

#include "tests/unit/undo_dump.h"

#include <time.h>

static void shows(const Rows *rows, const char *line) {
        if (!strstr(rows->text, line))
                fail_msg("no \"%s\" in\n%s", line, rows->text);
}

static uint64_t set_text(Fixture *f, const char *user, UserField field, const char *text) {
        update_text(f, user, field, text);
        return f->change.id;
}

static int suspend(Fixture *f, const char *user) {
        return core_user_step(f->core, &f->root, user, STATUS_STEP_SUSPEND, USEC_INFINITY,
                              &f->options, f->now, &f->change, &f->error);
}

static void what_came_later_is_kept_unless_forced(void **state) {
        Fixture *f = *state;
        UserSpec spec = { 0 };
        uint64_t first, later;
        Rows rows;

        make_user(f, "alice");
        spec.text[USER_FIELD_TITLE] = "Lead";
        spec.text[USER_FIELD_PHONE] = "4711";
        must(core_user_update(f->core, &f->root, "alice", &spec, &f->options, f->now, &f->change,
                              &f->error));
        first = f->change.id;
        later = set_text(f, "alice", USER_FIELD_TITLE, "Head");
        must(undo(f, first, &rows));
        shows(&rows, "user/alice phone: 4711 -> -: reversed\n");
        shows(&rows, "user/alice title: Head -> Head: kept (ch-");
        assert_true(f->change.id > later);
        must(undo(f, f->change.id, &rows)); /* which brings the phone back */
        must(undo_as(f, &f->root, first, true, &rows));
        shows(&rows, "user/alice title: Head -> -: reversed (ch-");
        shows(&rows, "user/alice phone: 4711 -> -: reversed\n");
}

/* Locked again by another is not the lock that is taken back. */
static void the_same_value_by_another_change_is_a_later_one(void **state) {
        Fixture *f = *state;
        uint64_t first;
        Rows rows;

        make_user(f, "alice");
        first = set_text(f, "alice", USER_FIELD_TITLE, "Lead");
        set_text(f, "alice", USER_FIELD_TITLE, "Head");
        set_text(f, "alice", USER_FIELD_TITLE, "Lead");
        must(undo(f, first, &rows));
        shows(&rows, "user/alice title: Lead -> Lead: kept (ch-");
        assert_int_equal(f->change.id, 0);
}

static void a_later_change_that_was_undone_is_none(void **state) {
        Fixture *f = *state;
        uint64_t first, later;
        Rows rows;

        make_user(f, "alice");
        first = set_text(f, "alice", USER_FIELD_TITLE, "Lead");
        later = set_text(f, "alice", USER_FIELD_TITLE, "Head");
        must(undo(f, later, &rows));
        must(undo(f, first, &rows));
        shows(&rows, "user/alice title: Lead -> -: reversed\n");
}

static void what_is_undone_is_so_once(void **state) {
        Fixture *f = *state;
        char text[64];
        uint64_t first, by;
        Rows rows;

        make_user(f, "alice");
        first = set_text(f, "alice", USER_FIELD_TITLE, "Lead");
        must(undo(f, first, &rows));
        by = f->change.id;
        must_be(undo(f, first, &rows), CORE_E_CONFLICT);
        snprintf(text, sizeof(text), "ch-%llu: is undone already, by ch-%llu",
                 (unsigned long long)first, (unsigned long long)by);
        assert_string_equal(f->error.text, text);
        must_be(undo_as(f, &f->root, first, true, &rows), CORE_E_CONFLICT);
        must(undo(f, by, &rows)); /* redone: then it can be */
        must(undo(f, first, &rows));
}

static void what_is_no_change_is_refused(void **state) {
        Fixture *f = *state;
        Rows rows;

        must_be(undo(f, 4711, &rows), CORE_E_NO_SUCH_ENTRY);
        assert_string_equal(f->error.text, "ch-4711: no such change");
        must(core_audit_system(f->core, "map.hide", "user/x", 0, "held", f->now));
        must_be(undo(f, last_audit(f), &rows), CORE_E_BAD_VALUE);
        f->options.reason = "a\nb";
        must_be(undo(f, 1, &rows), CORE_E_BAD_VALUE);
        f->options.reason = "";
        f->options.if_version = 1;
        must_be(undo(f, 1, &rows), CORE_E_BAD_VALUE);
        f->options.if_version = 0;
}

static void what_cannot_be_undone_is_named(void **state) {
        Fixture *f = *state;
        uint64_t made;
        Rows rows;

        make_user(f, "alice");
        made = f->change.id;
        set_password(f, "alice", "correct horse battery");
        must(undo(f, last_audit(f), &rows));
        shows(&rows, "user/alice password: - -> -: not-undone: a password is not set again\n");
        assert_int_equal(f->change.id, 0); /* nothing was done, and so there is no change */
        make_code(f, "alice");
        must(undo(f, last_audit(f), &rows));
        shows(&rows, "setup_code: - -> -: not-undone");
        must(undo(f, made, &rows));
        shows(&rows, "user/alice uid: - -> -: not-undone: name and uid stay with the tombstone\n");
        shows(&rows, "user/alice status: active -> -: reversed\n");
        must_be(core_user_get(f->core, "alice", false, &(CoreUser *){ NULL }, &f->error),
                CORE_E_NO_SUCH_USER);
}

static void a_dry_run_shows_and_does_nothing(void **state) {
        Fixture *f = *state;
        char *before, *after;
        uint64_t first, last;
        Rows rows;

        make_user(f, "alice");
        first = set_text(f, "alice", USER_FIELD_TITLE, "Lead");
        before = state_dump(f);
        last = last_audit(f);
        f->options.dry_run = true;
        must(undo(f, first, &rows));
        f->options.dry_run = false;
        after = state_dump(f);
        shows(&rows, "user/alice title: Lead -> -: reversed\n");
        assert_string_equal(before, after);
        assert_int_equal(last_audit(f), last);
        free(before);
        free(after);
}

/* One name that is taken stops all of it. */
static void an_undo_that_a_verb_refuses_does_nothing(void **state) {
        Fixture *f = *state;
        CoreBatchResult result;
        const char *users[] = { "alice", "bob" };
        CoreBatch batch = { .verb = "user.delete", .users = users, .user_count = 2 };
        char *before, *after;
        Rows rows;

        make_user(f, "alice");
        make_user(f, "bob");
        must(core_batch(f->core, &f->root, &batch, &f->options, f->now, &result, &f->error));
        f->held_user = "bob";
        before = state_dump(f);
        must_be(undo(f, result.change.id, &rows), CORE_E_NAME_TAKEN);
        after = state_dump(f);
        assert_string_equal(before, after);
        f->held_user = NULL;
        must(undo(f, result.change.id, &rows));
        free(before);
        free(after);
}

static void the_last_owner_stays_by_undo_too(void **state) {
        Fixture *f = *state;
        uint64_t given;
        Rows rows;

        make_person(f, "alice");
        make_person(f, "bob");
        must(grant(f, "owner", "alice"));
        given = f->change.id;
        must_be(undo(f, given, &rows), CORE_E_LAST_OWNER);
        must_be(undo_as(f, &f->root, given, true, &rows), CORE_E_LAST_OWNER);
        must(grant(f, "owner", "bob"));
        must(undo(f, given, &rows));
        must(revoke(f, "owner", "bob") == CORE_E_LAST_OWNER ? 0 : 1);
}

/* What made the change is what is needed to take it back. */
static void it_needs_the_permission_of_the_verb(void **state) {
        Fixture *f = *state;
        uint64_t locked, granted;
        Actor tom = actor_of(make_person(f, "tom"));
        Rows rows;

        make_person(f, "alice");
        must(role_add(f, "locker", .permit = "user.view user.lock"));
        must(grant(f, "locker", "tom"));
        must(core_user_lock(f->core, &f->root, "alice", true, &f->options, f->now, &f->change,
                            &f->error));
        locked = f->change.id;
        must(undo_as(f, &tom, locked, false, &rows));
        shows(&rows, "user/alice locked: yes -> -: reversed\n");
        locked = f->change.id;
        must(grant(f, "viewer", "alice"));
        granted = f->change.id;
        must_be(undo_as(f, &tom, granted, false, &rows), CORE_E_ACCESS_DENIED);
        assert_string_equal(f->error.text, "this needs the permission role.grant");
        must_be(undo_as(f, &tom, locked, false, &rows), CORE_E_ACCESS_DENIED);
        assert_string_equal(f->error.text, "this needs the permission user.unlock");
}

static uint64_t edited(Fixture *f, const char *name, UserField field, const char *text) {
        update_text(f, name, field, text);
        return f->change.id;
}

/* ... over whom it was done, and for what it changed. */
static void it_needs_it_over_what_was_touched(void **state) {
        Fixture *f = *state;
        const char *users[] = { "ann", "zoe" };
        CoreBatch batch = {
                .verb = "user.suspend", .users = users, .user_count = 2, .until_usec = USEC_INFINITY
        };
        CoreBatchResult result = { 0 };
        uint64_t title, phone, shell;
        Actor eve;
        Rows rows;

        eve = actor_of(make_person(f, "eve"));
        make_person(f, "ann");
        make_person(f, "zoe");
        update_text(f, "ann", USER_FIELD_DEPARTMENT, "sales");
        must(role_add(f, "desk", .inherit = "member", .permit = "user.edit user.suspend"));
        must(grant_edit(f, &f->root,
                        &(GrantEdit){ .user = "eve",
                                      .role = "desk",
                                      .until_usec = USEC_INFINITY,
                                      .over = "department=sales" }));
        must(grant(f, "member", "eve"));
        title = edited(f, "zoe", USER_FIELD_TITLE, "Clerk");
        must_be(undo_as(f, &eve, title, false, &rows), CORE_E_ACCESS_DENIED);
        assert_string_equal(f->error.text, "this needs the permission user.edit: your user.edit "
                                           "is over department=sales");
        title = edited(f, "ann", USER_FIELD_TITLE, "Clerk");
        phone = edited(f, "ann", USER_FIELD_PHONE, "+49 30 5550100");
        shell = edited(f, "ann", USER_FIELD_SHELL, "/bin/sh");
        must(undo_as(f, &eve, title, false, &rows));
        must_be(undo_as(f, &eve, phone, false, &rows), CORE_E_ACCESS_DENIED);
        assert_string_equal(f->error.text, "this needs the permission user.view.private");
        must_be(undo_as(f, &eve, shell, false, &rows), CORE_E_ACCESS_DENIED);
        assert_string_equal(f->error.text, "this needs the permission user.identity.edit");
        /* and of many at once over each */
        must_be(core_batch(f->core, &eve, &batch, &f->options, f->now, &result, &f->error),
                CORE_E_ACCESS_DENIED);
        assert_int_equal(status_of(f, "ann"), USER_STATUS_ACTIVE);
        batch.user_count = 1;
        must(core_batch(f->core, &eve, &batch, &f->options, f->now, &result, &f->error));
        must(undo_as(f, &eve, result.change.id, false, &rows));
        assert_int_equal(status_of(f, "ann"), USER_STATUS_ACTIVE);
}

/* ---- many users at once -------------------------------------------------------------------- */

static void a_batch_is_all_or_nothing(void **state) {
        Fixture *f = *state;
        const char *users[] = { "alice", "bob", "nobody" };
        CoreBatch batch = {
                .verb = "user.suspend", .users = users, .user_count = 3, .until_usec = USEC_INFINITY
        };
        CoreBatchResult result = { 0 };
        Rows rows;

        make_user(f, "alice");
        make_user(f, "bob");
        must_be(core_batch(f->core, &f->root, &batch, &f->options, f->now, &result, &f->error),
                CORE_E_NO_SUCH_USER);
        assert_string_equal(f->error.text, "nobody: no such user");
        assert_int_equal(status_of(f, "alice"), USER_STATUS_ACTIVE);
        must(suspend(f, "bob"));
        batch.user_count = 2;
        must(core_batch(f->core, &f->root, &batch, &f->options, f->now, &result, &f->error));
        assert_int_equal(result.changed, 1);
        assert_int_equal(result.unchanged, 1);
        assert_string_equal(audit_line(f, 0), "batch done  verb/user.suspend");
        assert_string_equal(audit_line(f, 1), "user.suspend done  user/alice");
        must(undo(f, result.change.id, &rows));
        assert_int_equal(status_of(f, "alice"), USER_STATUS_ACTIVE);
        assert_int_equal(status_of(f, "bob"), USER_STATUS_SUSPENDED);
        batch.verb = "user.password";
        must_be(core_batch(f->core, &f->root, &batch, &f->options, f->now, &result, &f->error),
                CORE_E_BAD_VALUE);
}

static uint64_t clock_usec(void) {
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return (uint64_t)now.tv_sec * USEC_PER_SEC + (uint64_t)now.tv_nsec / 1000;
}

/* A part of a batch can be taken back by its own number. */
static void a_thousand_users_are_one_change(void **state) {
        enum { COUNT = CORE_BATCH_MAX };
        Fixture *f = *state;
        static char names[COUNT][8];
        static const char *users[COUNT + 1];
        CoreBatch batch = { .verb = "role.grant",
                            .users = users,
                            .user_count = COUNT,
                            .grant = { .role = "viewer", .until_usec = USEC_INFINITY } };
        CoreBatchResult result;
        uint64_t begin, took, back;
        char *before, *after;
        Rows rows;

        for (size_t i = 0; i < COUNT; i++) {
                snprintf(names[i], sizeof(names[i]), "u%zu", i);
                users[i] = names[i];
                make_person(f, names[i]);
        }
        users[COUNT] = "u0";
        before = state_dump(f);
        begin = clock_usec();
        must(core_batch(f->core, &f->root, &batch, &f->options, f->now, &result, &f->error));
        fixture_flush(f);
        took = clock_usec() - begin;
        assert_int_equal(result.changed, COUNT);
        must(undo(f, result.change.id - COUNT, &rows)); /* u0's part */
        must(undo(f, f->change.id, &rows));
        begin = clock_usec();
        must(undo(f, result.change.id, &rows));
        fixture_flush(f);
        back = clock_usec() - begin;
        assert_int_equal(rows.counts[CORE_UNDONE_REVERSED], COUNT);
        after = state_dump(f);
        assert_string_equal(before, after);
        print_message("granted in %llu ms, taken back in %llu ms\n",
                      (unsigned long long)(took / 1000), (unsigned long long)(back / 1000));
        batch.user_count = COUNT + 1;
        must_be(core_batch(f->core, &f->root, &batch, &f->options, f->now, &result, &f->error),
                CORE_E_BAD_VALUE);
        free(before);
        free(after);
}

/* ---- seats --------------------------------------------------------------------------------- */

static int seats_set(Fixture *f, const Actor *actor, uint32_t seats) {
        const TenantEdit edit = { .has_seats = true, .seats = seats };

        f->error = (CoreError){ 0 };
        return core_tenant_update(f->core, actor, "local", &edit, &f->options, f->now, &f->change,
                                  &f->error);
}

static int create(Fixture *f, const char *name, bool pending) {
        UserSpec spec = { .pending = pending };

        spec.text[USER_FIELD_NAME] = name;
        return core_user_create(f->core, &f->root, &spec, &f->options, f->now, &f->change,
                                &f->error);
}

static int step(Fixture *f, const char *name, StatusStep step) {
        return core_user_step(f->core, &f->root, name, step, USEC_INFINITY, &f->options, f->now,
                              &f->change, &f->error);
}

static void no_more_users_than_seats_by_any_way(void **state) {
        Fixture *f = *state;
        Rows rows;

        must(create(f, "one", false));
        must(create(f, "two", false));
        must(create(f, "out", false));
        must(step(f, "out", STATUS_STEP_DISABLE));
        must(create(f, "gone", false));
        must(step(f, "gone", STATUS_STEP_DELETE));
        must(seats_set(f, &f->root, 2));
        must_be(create(f, "three", false), CORE_E_SEAT_LIMIT);
        assert_string_equal(f->error.text, "local: all of its 2 seats are taken");
        must_be(step(f, "out", STATUS_STEP_ENABLE), CORE_E_SEAT_LIMIT);
        must(step(f, "gone", STATUS_STEP_RESTORE)); /* who is inactive takes none */
        must_be(step(f, "gone", STATUS_STEP_ENABLE), CORE_E_SEAT_LIMIT);
        must(create(f, "wait", true));
        must(suspend(f, "two"));
        must_be(create(f, "three", false), CORE_E_SEAT_LIMIT); /* a suspended one has his */
        must(step(f, "two", STATUS_STEP_DELETE));
        must(create(f, "three", false));
        must_be(undo(f, f->change.id - 1, &rows), CORE_E_SEAT_LIMIT); /* two's deletion */
        must(seats_set(f, &f->root, 1));                              /* those who are there stay */
        must(suspend(f, "three"));
        must(step(f, "three", STATUS_STEP_RESUME));
        must(seats_set(f, &f->root, 0));
        must(create(f, "four", false));
}

static void who_is_pending_waits_for_a_seat(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 7, 0);

        must(create(f, "one", false));
        must(create(f, "wait", true));
        make_code(f, "wait");
        must(seats_set(f, &f->root, 1));
        assert_int_equal(log_in(&talk, "wait", f->code), CORE_VERDICT_ALLOW);
        assert_int_equal(talk_authorize(&talk, "wait", "sshd"), CORE_VERDICT_DENIED);
        assert_string_equal(talk.step.reason, "status-pending");
        assert_int_equal(status_of(f, "wait"), USER_STATUS_PENDING);
        must(seats_set(f, &f->root, 2));
        make_code(f, "wait");
        assert_int_equal(log_in(&talk, "wait", f->code), CORE_VERDICT_ALLOW);
        assert_int_equal(talk_authorize(&talk, "wait", "sshd"), CORE_VERDICT_RENEW);
        assert_int_equal(status_of(f, "wait"), USER_STATUS_ACTIVE);
}

static void owners_are_told_once_that_few_are_left(void **state) {
        Fixture *f = *state;
        const char *told = "local: 9 of its 10 seats are taken";
        char name[8];

        make_person(f, "alice");
        must(grant(f, "owner", "alice"));
        must(seats_set(f, &f->root, 10));
        for (int i = 2; i <= 10; i++) {
                snprintf(name, sizeof(name), "u%d", i);
                must(create(f, name, false));
                fixture_flush(f);
                assert_int_equal(strstr(f->notices, told) != NULL, i >= 9);
        }
        assert_null(strstr(f->notices, "10 of its 10")); /* once */
        f->notices[0] = '\0';
        must(step(f, "u10", STATUS_STEP_DISABLE));
        must(step(f, "u9", STATUS_STEP_DISABLE));
        must(step(f, "u9", STATUS_STEP_ENABLE)); /* over it again */
        fixture_flush(f);
        assert_non_null(strstr(f->notices, told));
}

static void usage_add(void *userdata, const CoreUsage *usage) {
        base_text_addf(userdata, "%s %u/%u of %u\n", usage->tenant, usage->used, usage->seats,
                       usage->users);
}

static int seat_count(void *userdata, const StoreUser *user) {
        size_t *counts = userdata;

        counts[0] += user->status == USER_STATUS_ACTIVE || user->status == USER_STATUS_SUSPENDED;
        counts[1] += user->status != USER_STATUS_DELETED;
        return 0;
}

/* The rows against a count of all, over random steps and a restart. */
static void the_count_is_that_of_the_users(void **state) {
        static const StatusStep steps[] = { STATUS_STEP_SUSPEND, STATUS_STEP_RESUME,
                                            STATUS_STEP_DISABLE, STATUS_STEP_ENABLE,
                                            STATUS_STEP_DELETE,  STATUS_STEP_RESTORE };
        Fixture *f = *state;
        unsigned int seed = 7;

        for (int i = 0; i < 400; i++) {
                char name[8], shown[256], expected[64];
                size_t counts[2] = { 0 };
                StoreTxn *txn = NULL;
                Text text;

                snprintf(name, sizeof(name), "u%d", rand_r(&seed) % 12);
                if (rand_r(&seed) % 4 == 0)
                        (void)create(f, name, rand_r(&seed) % 3 == 0);
                else
                        (void)step(f, name, steps[rand_r(&seed) % 6]);
                if (i % 97 == 0)
                        fixture_flush(f);
                if (i == 200)
                        fixture_reopen(f);
                must(store_begin_read(f->core->store, &txn));
                must(store_user_each(txn, seat_count, counts));
                store_txn_abortp(&txn);
                base_text_init(&text, shown, sizeof(shown));
                must(core_usage_report(f->core, &f->root, f->now, usage_add, &text, &f->error));
                snprintf(expected, sizeof(expected), "local %zu/0 of %zu\n", counts[0], counts[1]);
                assert_string_equal(shown, expected);
        }
}

static void who_sets_seats_needs_billing_edit(void **state) {
        Fixture *f = *state;
        Actor owner = actor_of(make_person(f, "alice")), clerk = actor_of(make_person(f, "carl"));

        must(grant(f, "owner", "alice"));
        must(role_add(f, "clerk", .permit = "tenant.edit tenant.view"));
        must(grant(f, "clerk", "carl"));
        must(seats_set(f, &owner, 50));
        must_be(seats_set(f, &clerk, 60), CORE_E_ACCESS_DENIED);
        assert_string_equal(f->error.text, "seats: this needs the permission billing.edit");
}

/* ---- a tenant that goes -------------------------------------------------------------------- */

static void a_tenant_goes_with_its_users_and_comes_back(void **state) {
        Fixture *f = *state;
        char *before, *after;
        uint64_t deleted;
        Rows rows;

        must(tenant_add(f, "acme"));
        make_person(f, "alice");
        make_person(f, "bob");
        must(grant_at(f, "owner", "alice", "acme"));
        must(grant_edit(f, &f->root,
                        &(GrantEdit){ .user = "bob",
                                      .role = "owner",
                                      .tenant = "acme",
                                      .until_usec = f->now + DAY }));
        f->settings.tenant = "acme"; /* for a while, so that it is somebody's home */
        core_set_settings(f->core, &f->settings);
        make_user(f, "carl");
        must_be(core_tenant_delete(f->core, &f->root, "acme", &f->options, f->now, &f->change,
                                   &f->error),
                CORE_E_PROTECTED);
        f->settings.tenant = "local";
        core_set_settings(f->core, &f->settings);
        before = state_dump(f);
        must(core_tenant_delete(f->core, &f->root, "acme", &f->options, f->now, &f->change,
                                &f->error));
        deleted = f->change.id;
        must_be(core_user_get(f->core, "carl", false, &(CoreUser *){ NULL }, &f->error),
                CORE_E_NO_SUCH_USER);
        assert_null(strstr(grants_of(f, "alice"), "acme"));
        must_be(tenant_add(f, "acme"), CORE_E_NAME_TAKEN);
        must(undo(f, deleted, &rows));
        after = state_dump(f);
        assert_string_equal(before, after);
        free(before);
        free(after);
}

/* Without --force, who came to a tenant since keeps it. */
static void a_tenant_that_is_used_is_not_undone(void **state) {
        Fixture *f = *state;
        uint64_t made;
        Rows rows;

        must(tenant_add(f, "acme"));
        made = f->change.id;
        make_person(f, "alice");
        must(grant_at(f, "viewer", "alice", "acme"));
        must(undo(f, made, &rows));
        shows(&rows, "tenant/acme tenant: yes -> yes: kept\n");
        must(undo_as(f, &f->root, made, true, &rows));
        shows(&rows, "tenant/acme tenant: yes -> -: reversed\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(what_came_later_is_kept_unless_forced),
                TEST(the_same_value_by_another_change_is_a_later_one),
                TEST(a_later_change_that_was_undone_is_none),
                TEST(what_is_undone_is_so_once),
                TEST(what_is_no_change_is_refused),
                TEST(what_cannot_be_undone_is_named),
                TEST(a_dry_run_shows_and_does_nothing),
                TEST(an_undo_that_a_verb_refuses_does_nothing),
                TEST(the_last_owner_stays_by_undo_too),
                TEST(it_needs_the_permission_of_the_verb),
                TEST(it_needs_it_over_what_was_touched),
                TEST(a_batch_is_all_or_nothing),
                TEST(a_thousand_users_are_one_change),
                TEST(no_more_users_than_seats_by_any_way),
                TEST(who_is_pending_waits_for_a_seat),
                TEST(owners_are_told_once_that_few_are_left),
                TEST(the_count_is_that_of_the_users),
                TEST(who_sets_seats_needs_billing_edit),
                TEST(a_tenant_goes_with_its_users_and_comes_back),
                TEST(a_tenant_that_is_used_is_not_undone),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
