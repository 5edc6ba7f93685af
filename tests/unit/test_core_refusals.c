/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Refused calls: who tried what is on record, and no caller decides how much of it. */

#include "tests/unit/core_fixture.h"

#define LOCK "org.um1.User.Lock"

static const CoreRefusal nothing = { .method = "org.um1.Manager.ListUsers",
                                     .permission = "user.view",
                                     .object = _CORE_OBJECT_MAX };

static void refuse(Fixture *f, uid_t uid, const CoreRefusal *refusal) {
        const Actor actor = { .uid = uid, .login_uid = 1000, .via = "bus" };

        must(core_refused(f->core, &actor, refusal, f->now));
}

static void refuse_method(Fixture *f, uid_t uid, const char *method) {
        CoreRefusal refusal = nothing;

        refusal.method = method;
        refuse(f, uid, &refusal);
}

static void entry_text(void *userdata, const CoreAuditEntry *entry) {
        char *text = userdata;
        size_t len = (size_t)snprintf(text, 512, "%s %s %s by %s/%s via %s: %s %s", entry->type,
                                      entry->verb, entry->object, entry->actor, entry->login,
                                      entry->via, entry->outcome, entry->reason);

        for (size_t i = 0; i < entry->value_count; i++)
                len += (size_t)snprintf(text + len, 512 - len, " %s=%s", entry->values[i].field,
                                        entry->values[i].after);
}

static const char *newest(Fixture *f) {
        const CoreAuditFilter filter = { .until_usec = USEC_INFINITY };
        static char text[512];
        uint64_t cursor;

        text[0] = '\0';
        must(core_audit_list(f->core, &f->root, &filter, 0, 1, entry_text, text, &cursor,
                             &f->error));
        return text;
}

static void a_refused_call_is_on_record(void **state) {
        static const struct {
                CoreRefusal refusal;
                const char *text;
        } rows[] = {
                { { LOCK, "user.lock", false, CORE_OBJECT_USER, "alice", 0 },
                  "access org.um1.User.Lock user/alice by bob/uid 1000 via bus: deny no-permission "
                  "permission=user.lock" },
                { { "org.um1.User.SetPassword", "user.password.reset", true, CORE_OBJECT_USER,
                    "alice", 0 },
                  "access org.um1.User.SetPassword user/alice by bob/uid 1000 via bus: deny "
                  "private-socket-only permission=user.password.reset" },
                { { "org.um1.Manager.GetUserByUID", "user.view", false, CORE_OBJECT_USER, NULL,
                    FIRST },
                  "access org.um1.Manager.GetUserByUID user/alice by bob/uid 1000 via bus: deny "
                  "no-permission permission=user.view" },
                { { "b", "user.view", false, CORE_OBJECT_USER, NULL, 4242 },
                  "access b user/4242 by bob/uid 1000 via bus: deny no-permission "
                  "permission=user.view" },
                { { "c", "group.edit", false, CORE_OBJECT_GROUP, "web", 0 },
                  "access c group/web by bob/uid 1000 via bus: deny no-permission "
                  "permission=group.edit" },
                { { "d", "group.view", false, CORE_OBJECT_GROUP, NULL, FIRST + 2 },
                  "access d group/web by bob/uid 1000 via bus: deny no-permission "
                  "permission=group.view" },
                { { "e", "user.create", false, _CORE_OBJECT_MAX, NULL, 0 },
                  "access e  by bob/uid 1000 via bus: deny no-permission permission=user.create" },
        };
        Fixture *f = *state;

        make_user(f, "alice");
        make_user(f, "bob");
        make_group(f, "web");
        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                refuse(f, FIRST + 1, &rows[i].refusal);
                assert_string_equal(newest(f), rows[i].text);
        }
}

static void a_name_nobody_has_is_not_kept(void **state) {
        const CoreRefusal refusal = { LOCK, "user.lock", false, CORE_OBJECT_USER, "hunter2", 0 };
        Fixture *f = *state;

        make_user(f, "alice");
        refuse(f, FIRST, &refusal);
        assert_non_null(strstr(newest(f), " user/~"));
        assert_null(strstr(newest(f), "hunter2"));
        f->settings.unknown_names = true;
        core_set_settings(f->core, &f->settings);
        refuse_method(f, FIRST, "another");
        core_tick(f->core, f->now += HOUR);
        refuse(f, FIRST, &refusal);
        assert_non_null(strstr(newest(f), " user/hunter2 "));
}

static void more_of_the_same_is_one_entry_an_hour(void **state) {
        Fixture *f = *state;
        uint64_t before;

        make_user(f, "bob");
        before = last_audit(f);
        for (size_t i = 0; i < 1000; i++)
                refuse(f, FIRST, &nothing);
        assert_int_equal(last_audit(f), before + 1);
        refuse_method(f, FIRST, "another");
        assert_int_equal(last_audit(f), before + 2);
        core_tick(f->core, f->now + HOUR - 1);
        assert_int_equal(last_audit(f), before + 2);
        core_tick(f->core, f->now + HOUR);
        assert_int_equal(last_audit(f), before + 3);
        assert_string_equal(newest(f),
                            "access access.repeated  by bob/ via umd: deny no-permission "
                            "count=999 since=2026-08-01T09:00:00Z");
        core_tick(f->core, f->now + 2 * HOUR); /* told once */
        assert_int_equal(last_audit(f), before + 3);
        f->now += 2 * HOUR;
        refuse(f, FIRST, &nothing); /* and it begins anew */
        assert_int_equal(last_audit(f), before + 4);
}

static void an_hour_without_repetition_ends_in_silence(void **state) {
        Fixture *f = *state;

        refuse(f, 1000, &nothing);
        core_tick(f->core, f->now + HOUR);
        assert_int_equal(last_audit(f), 1);
        must(core_refusals_tell(f->core, f->now));
        assert_int_equal(last_audit(f), 1);
}

static void what_was_counted_is_told_when_umd_stops(void **state) {
        Fixture *f = *state;

        refuse(f, 1000, &nothing);
        refuse(f, 1000, &nothing);
        must(core_refusals_tell(f->core, f->now));
        assert_string_equal(audit_line(f, 0), "access.repeated deny no-permission ");
        assert_int_equal(last_audit(f), 2);
}

static void a_clock_that_was_set_back_ends_the_hour(void **state) {
        Fixture *f = *state;

        refuse(f, 1000, &nothing);
        refuse(f, 1000, &nothing);
        f->now -= DAY;
        refuse(f, 1000, &nothing);
        assert_int_equal(last_audit(f), 3); /* the first, the count, the first of a new hour */
}

/* Catalogue 92: uids without end, methods without end. */
static void no_caller_decides_how_much_is_written(void **state) {
        Fixture *f = *state;
        CoreStatus before, after;
        char method[32];

        for (uid_t uid = 100000; uid < 100000 + 2 * CORE_REFUSED_STRANGERS; uid++)
                for (unsigned i = 0; i < 2 * CORE_REFUSED_METHODS; i++) {
                        snprintf(method, sizeof(method), "method.%u", i);
                        refuse_method(f, uid, method);
                }
        fixture_flush(f);
        must(core_status(f->core, &before));
        assert_int_equal(before.audit_entries, CORE_REFUSED_STRANGERS * CORE_REFUSED_METHODS);
        for (unsigned i = 0; i < 100000; i++) {
                snprintf(method, sizeof(method), "method.%u", i);
                refuse_method(f, 100000 + i % 1000, method);
        }
        assert_false(core_has_unflushed(f->core));
        must(core_status(f->core, &after));
        assert_int_equal(after.audit_entries, before.audit_entries);
        assert_int_equal(after.store_used_bytes, before.store_used_bytes);
        core_tick(f->core, f->now + HOUR);
        must(core_status(f->core, &after));
        assert_int_equal(after.audit_entries, before.audit_entries + CORE_REFUSED_STRANGERS + 1);
        assert_string_equal(newest(f), "access access.repeated  by / via umd: deny no-permission "
                                       "count=99456 since=2026-08-01T09:00:00Z");
}

static void strangers_leave_room_for_users(void **state) {
        Fixture *f = *state;
        uint64_t before;

        make_user(f, "bob");
        for (uid_t uid = 100000; uid < 101000; uid++)
                refuse(f, uid, &nothing);
        before = last_audit(f);
        refuse(f, FIRST, &nothing);
        assert_int_equal(last_audit(f), before + 1);
        refuse(f, 0, &nothing); /* root, on a bus that others can read */
        assert_int_equal(last_audit(f), before + 2);
}

static void there_is_an_end_for_users_too(void **state) {
        Fixture *f = *state;
        uint64_t before;
        char name[16];

        for (unsigned i = 0; i < CORE_REFUSED_CALLERS + 5; i++) {
                snprintf(name, sizeof(name), "user%u", i);
                make_user(f, name);
        }
        before = last_audit(f);
        for (unsigned i = 0; i < CORE_REFUSED_CALLERS + 5; i++)
                refuse(f, FIRST + i, &nothing);
        assert_int_equal(last_audit(f), before + CORE_REFUSED_CALLERS);
        core_tick(f->core, f->now + HOUR);
        assert_non_null(strstr(newest(f), "by / via umd: deny no-permission count=5 "));
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                STORY(a_refused_call_is_on_record),
                STORY(a_name_nobody_has_is_not_kept),
                STORY(more_of_the_same_is_one_entry_an_hour),
                STORY(an_hour_without_repetition_ends_in_silence),
                STORY(what_was_counted_is_told_when_umd_stops),
                STORY(a_clock_that_was_set_back_ends_the_hour),
                STORY(no_caller_decides_how_much_is_written),
                STORY(strangers_leave_room_for_users),
                STORY(there_is_an_end_for_users_too),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
