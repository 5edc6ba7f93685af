/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The audit log: what each change leaves, what no entry has, filters, pages, the chain. */

#include "tests/unit/core_fixture.h"

#include "umd/core/internal.h"
#include "umd/core/login.h"

typedef struct Seen {
        char text[4096];
        size_t count;
        uint64_t first, last;
        bool values;
} Seen;

static void see(void *userdata, const CoreAuditEntry *entry) {
        Seen *seen = userdata;
        size_t len = strlen(seen->text);

        if (seen->count++ == 0)
                seen->first = entry->seq;
        seen->last = entry->seq;
        if (!seen->values)
                return;
        len += (size_t)snprintf(seen->text + len, sizeof(seen->text) - len,
                                "%s %s %s by %s/%s via %s", entry->verb, entry->object,
                                entry->outcome, entry->actor, entry->login, entry->via);
        for (size_t i = 0; i < entry->value_count; i++)
                len += (size_t)snprintf(seen->text + len, sizeof(seen->text) - len, " %s:%s>%s",
                                        entry->values[i].field,
                                        entry->values[i].before ? entry->values[i].before : "",
                                        entry->values[i].after ? entry->values[i].after : "");
        snprintf(seen->text + len, sizeof(seen->text) - len, "\n");
}

static int list(Fixture *f, CoreAuditFilter filter, uint64_t cursor, uint32_t limit, Seen *seen,
                uint64_t *ret_cursor) {
        if (filter.until_usec == 0)
                filter.until_usec = USEC_INFINITY;
        return core_audit_list(f->core, &f->root, &filter, cursor, limit, see, seen, ret_cursor,
                               &f->error);
}

static const char *newest(Fixture *f) {
        static Seen seen;
        uint64_t cursor;

        seen = (Seen){ .values = true };
        must(list(f, (CoreAuditFilter){ 0 }, 0, 1, &seen, &cursor));
        return seen.text;
}

static void each_change_says_what_was_and_is(void **state) {
        Fixture *f = *state;

        f->root.login_uid = 1000;
        make_user(f, "alice");
        assert_string_equal(newest(f), "user.create user/alice done by root/uid 1000 via socket "
                                       "uid:>65536 status:>active role:>self-service name:>alice "
                                       "shell:>/bin/bash home:>/home/alice tenant:>local\n");
        f->root.login_uid = FIRST;
        update_text(f, "alice", USER_FIELD_TITLE, "boss");
        assert_string_equal(newest(f), "user.update user/alice done by root/alice via socket "
                                       "title:>boss\n");
        f->root.login_uid = (uid_t)-1;
        update_text(f, "alice", USER_FIELD_TITLE, "");
        assert_string_equal(newest(f),
                            "user.update user/alice done by root/ via socket title:boss>\n");
        must(core_user_update(f->core, &f->root, "alice",
                              &(UserSpec){ .has_valid_until = true, .valid_until_usec = NOW },
                              &f->options, f->now, &f->change, &f->error));
        assert_string_equal(newest(f), "user.update user/alice done by root/ via socket "
                                       "valid_until:never>2026-08-01T09:00:00Z\n");
        f->options.reason = "leave";
        must(core_user_step(f->core, &f->root, "alice", STATUS_STEP_SUSPEND, NOW + DAY, &f->options,
                            f->now, &f->change, &f->error));
        assert_string_equal(newest(f), "user.suspend user/alice done by root/ via socket "
                                       "status:active>suspended "
                                       "suspended_until:never>2026-08-02T09:00:00Z "
                                       "status_reason:>leave\n");
        must(core_user_lock(f->core, &f->root, "alice", true, &f->options, f->now, &f->change,
                            &f->error));
        assert_string_equal(newest(f),
                            "user.lock user/alice done by root/ via socket locked:no>yes\n");
        make_group(f, "web");
        add_user(f, "web", "alice");
        assert_string_equal(newest(f), "group.add-members group/web done by root/ via socket "
                                       "member:>alice\n");
        must(core_group_delete(f->core, &f->root, "web", false, &f->options, f->now, &f->change,
                               &f->error));
        assert_string_equal(newest(f), "group.delete group/web done by root/ via socket "
                                       "name:web> members:alice>\n");
}

static void a_secret_is_changed_and_nothing_more(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0);

        make_user(f, "alice");
        set_password(f, "alice", "first");
        assert_string_equal(newest(f), "user.password user/alice done by root/ via socket "
                                       "password:>(changed)\n");
        make_code(f, "alice");
        assert_string_equal(newest(f), "user.setup-code user/alice done by root/ via socket "
                                       "setup_code:>(changed) "
                                       "setup_code_expires:>2026-08-02T09:00:00Z\n");
        assert_int_equal(log_in(&talk, "alice", f->code), CORE_VERDICT_ALLOW);
        assert_string_equal(
                newest(f),
                "authenticate user/alice allow by root/ via pam setup_code:(changed)>\n");
        set_password(f, "alice", "second");
        assert_string_equal(newest(f), "user.password user/alice done by root/ via socket "
                                       "password:(changed)>(changed) must_change:yes>no\n");
}

static void entries_are_found_by_what_they_are_about(void **state) {
        static const struct {
                CoreAuditFilter filter;
                size_t count;
        } rows[] = {
                { { 0 }, 10 },
                { { .user = "alicia" }, 7 },
                { { .user = "bob" }, 1 },
                { { .user = "hunter2" }, 1 },
                { { .actor = "root" }, 9 },
                { { .actor = "0" }, 9 },
                { { .actor = "uid 65537" }, 1 },
                { { .actor = "bob" }, 1 },
                { { .object = "user/alice" }, 6 },
                { { .object = "user/alicia" }, 7 },
                { { .object = "group/web" }, 1 },
                { { .object = "group/bob" }, 0 },
                { { .type = "login" }, 3 },
                { { .type = "change", .user = "alicia" }, 5 },
                { { .outcome = "deny" }, 2 },
                { { .reason = "bad-proof" }, 1 },
                { { .verb = "user.update" }, 3 },
                { { .since_usec = NOW + HOUR }, 5 },
                { { .until_usec = NOW + HOUR }, 5 },
                { { .since_usec = NOW + HOUR, .until_usec = NOW + HOUR }, 0 },
        };
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0);
        uint64_t cursor;

        make_user(f, "alice");
        make_user(f, "bob");
        make_group(f, "web");
        set_password(f, "alice", "pw");
        update_text(f, "alice", USER_FIELD_PHONE, "+49 30 1");
        f->now += HOUR;
        log_in(&talk, "alice", "pw");
        log_in(&talk, "alice", "wrong");
        log_in(&talk, "hunter2", "pw");
        f->root.uid = FIRST + 1;
        update_text(f, "alice", USER_FIELD_PHONE, "+49 30 2");
        f->root.uid = 0;
        update_text(f, "alice", USER_FIELD_NAME, "alicia");
        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                Seen seen = { 0 };

                must(list(f, rows[i].filter, 0, 100, &seen, &cursor));
                if (seen.count != rows[i].count)
                        fail_msg("row %zu: %zu, not %zu", i, seen.count, rows[i].count);
                assert_int_equal(cursor, 0);
        }
        must_be(list(f, (CoreAuditFilter){ .actor = "nobody" }, 0, 10, NULL, &cursor),
                CORE_E_NO_SUCH_USER);
        must_be(list(f, (CoreAuditFilter){ 0 }, 0, 0, NULL, &cursor), CORE_E_BAD_VALUE);
        must_be(list(f, (CoreAuditFilter){ 0 }, 0, 1001, NULL, &cursor), CORE_E_BAD_VALUE);
}

static void the_source_is_an_address_in_one_form(void **state) {
        static const struct {
                const char *rhost, *source;
        } rows[] = {
                { "::ffff:192.0.2.7", "192.0.2.7" }, { "192.0.2.7", "192.0.2.7" },
                { "2001:DB8::0:1", "2001:db8::1" },  { "", "" },
                { "host.example", "host.example" },  { "a\x1b]0;x\x07", "a\\x1b]0;x\\x07" },
        };
        Fixture *f = *state;

        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                CoreLoginContext context = talk_context("", "alice", "sshd", 0);
                LoginWords words;

                context.rhost = rows[i].rhost;
                must(core_login_words(f->core, &f->root, &context, &words, &f->error));
                assert_string_equal(words.source, rows[i].source);
        }
}

static void ten_thousand_entries_are_paged_and_verified(void **state) {
        CoreAuditVerifier *verifier;
        CoreAuditVerdict verdict;
        uint64_t cursor = 0;
        Fixture *f = *state;
        Seen seen = { 0 };
        size_t pages = 0;

        for (size_t i = 0; i < 25000; i++) {
                must(core_audit_system(f->core, "test.tick", "", 0, "", f->now));
                if (i % 1000 == 0)
                        must(core_flush(f->core));
        }
        must(core_flush(f->core));
        do {
                must(list(f, (CoreAuditFilter){ 0 }, cursor, 1000, &seen, &cursor));
                pages++;
        } while (cursor > 0);
        assert_int_equal(seen.count, 25000);
        assert_int_equal(seen.first, 25000);
        assert_int_equal(seen.last, 1);
        assert_int_equal(pages, 25);
        /* a filter that matches nothing looks at 20,000 a call, and says where it stopped */
        must(list(f, (CoreAuditFilter){ .verb = "none" }, 0, 10, &seen, &cursor));
        assert_int_equal(cursor, 5001);
        must(list(f, (CoreAuditFilter){ .verb = "none" }, cursor, 10, &seen, &cursor));
        assert_int_equal(cursor, 0);
        must(core_audit_verifier_new(&verifier));
        pages = 0;
        do {
                must(core_audit_verify(f->core, verifier, &verdict));
                assert_int_equal(verdict.bad_seq, 0);
                pages++;
        } while (!verdict.done);
        assert_int_equal(pages, 3);
        assert_int_equal(verdict.first, 1);
        assert_int_equal(verdict.last, 25000);
        assert_int_equal(verdict.next, 25001);
        core_audit_verifier_free(verifier);
}

static void an_empty_log_has_no_entries(void **state) {
        Fixture *f = *state;
        uint64_t cursor = 1;
        Seen seen = { 0 };

        must(list(f, (CoreAuditFilter){ 0 }, 0, 10, &seen, &cursor));
        assert_int_equal(seen.count, 0);
        assert_int_equal(cursor, 0);
}

static void a_reference_is_an_entrys_number(void **state) {
        static const struct {
                uint64_t seq;
                const char *reference;
        } rows[] = {
                { 1, "um-0001" },
                { 31, "um-000Z" },
                { 32, "um-0010" },
                { 1048575, "um-ZZZZ" },
                { 1048576, "um-10000" },
                { 238678, "um-792P" },
                { UINT64_MAX, "um-FZZZZZZZZZZZZ" },
        };
        char buf[24];

        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                core_reference_format(rows[i].seq, buf, sizeof(buf));
                assert_string_equal(buf, rows[i].reference);
        }
}

static void a_code_is_read_in_its_form_only(void **state) {
        static const char *const good[] = { "7K2P-9QXM-3T5W", "7k2p-9qxm-3t5w", "7K2P-9QXM-3T5w" };
        static const char *const bad[] = { "7K2P9QXM3T5W",   "7K2P-9QXM-3T5",  "7K2P-9QXM-3T5WW",
                                           "7K2P 9QXM 3T5W", "7K2P-9QXM-3T5U", "" };
        _cleanup_secret_ Secret *misread = NULL, *code = NULL;

        for (size_t i = 0; i < ARRAY_LENGTH(good) + ARRAY_LENGTH(bad); i++) {
                bool is_good = i < ARRAY_LENGTH(good);
                const char *s = is_good ? good[i] : bad[i - ARRAY_LENGTH(good)];
                _cleanup_secret_ Secret *secret = NULL, *read = NULL;

                must(base_secret_new(s, strlen(s), &secret));
                must_be(core_setup_code_read(secret, &read), is_good ? 0 : -EINVAL);
                if (is_good)
                        assert_memory_equal(base_secret_bytes(read), "7K2P-9QXM-3T5W", 15);
        }
        must(base_secret_new("oO1l-iI23-4567", 14, &misread));
        must(core_setup_code_read(misread, &code));
        assert_memory_equal(base_secret_bytes(code), "0011-1123-4567", 15);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                STORY(each_change_says_what_was_and_is),
                STORY(a_secret_is_changed_and_nothing_more),
                STORY(entries_are_found_by_what_they_are_about),
                STORY(the_source_is_an_address_in_one_form),
                STORY(ten_thousand_entries_are_paged_and_verified),
                STORY(an_empty_log_has_no_entries),
                cmocka_unit_test(a_reference_is_an_entrys_number),
                cmocka_unit_test(a_code_is_read_in_its_form_only),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
