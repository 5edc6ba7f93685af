/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lists: the filter language term by term, what it refuses and where, and pages. */

#include "tests/unit/core_fixture.h"

#include "umd/core/internal.h"

typedef struct Names {
        char text[8192];
        size_t count;
} Names;

static void name_add(Names *names, const char *name) {
        if (names->count++ > 0)
                strcat(names->text, ",");
        strcat(names->text, name);
}

static void user_take(void *userdata, const CoreUser *user) {
        name_add(userdata, user->name);
}

static void group_take(void *userdata, const CoreGroup *group) {
        name_add(userdata, group->name);
}

static int list(Fixture *f, const char *filter, const char *cursor, uint32_t limit, Names *names,
                char *ret_cursor) {
        *names = (Names){ 0 };
        return core_user_list(f->core, &f->root, filter, cursor, limit, f->now, user_take, names,
                              ret_cursor, &f->error);
}

static void populate(Fixture *f) {
        make_user(f, "alice");
        f->now += 10 * DAY;
        make_user(f, "bob");
        make_user(f, "carol");
        f->now += 90 * DAY;
        make_user(f, "dave");
        make_user(f, "eve");
        update_text(f, "alice", USER_FIELD_DEPARTMENT, "sales");
        update_text(f, "alice", USER_FIELD_EMAIL, "Alice@acme.example");
        update_text(f, "bob", USER_FIELD_DEPARTMENT, "sales west");
        update_text(f, "bob", USER_FIELD_TITLE, "boss");
        make_group(f, "web");
        make_group(f, "ops");
        add_user(f, "web", "alice");
        add_user(f, "ops", "carol");
        add_group(f, "web", "ops");
        step_user(f, "bob", STATUS_STEP_SUSPEND);
        step_user(f, "eve", STATUS_STEP_DELETE);
        must(core_user_lock(f->core, &f->root, "dave", true, &f->options, f->now, &f->change,
                            &f->error));
        must(core_user_update(f->core, &f->root, "carol",
                              &(UserSpec){ .has_valid_until = true,
                                           .valid_until_usec = f->now + 10 * DAY },
                              &f->options, f->now, &f->change, &f->error));
}

static void each_term_says_what_it_says(void **state) {
        static const struct {
                const char *filter, *names;
        } rows[] = {
                { "", "alice,bob,carol,dave" },
                { "name=alice", "alice" },
                { "name!=alice", "bob,carol,dave" },
                { "name~*o*", "bob,carol" },
                { "name~?ob", "bob" },
                { "status=active", "alice,carol,dave" },
                { "status=suspended", "bob" },
                { "status!=active", "bob" },
                { "status=deleted", "eve" },
                { "status=deleted,name=alice", "" },
                { "group=web", "alice,carol" },
                { "group=ops", "carol" },
                { "group!=web", "bob,dave" },
                { "group~*", "alice,carol" },
                { "group~nothing*", "" },
                { "email=alice@ACME.example", "alice" },
                { "email~*@acme.*", "alice" },
                { "email=", "bob,carol,dave" },
                { "department=sales", "alice" },
                { "department~sales*", "alice,bob" },
                { "department=sales west", "bob" },
                { "title=boss", "bob" },
                { "locked=yes", "dave" },
                { "locked=no", "alice,bob,carol" },
                { "created>95d", "alice" },
                { "created<95d", "bob,carol,dave" },
                { "created<2026-08-02", "alice" },
                { "created>2026-08-02,created<2026-10-01", "bob,carol" },
                { "created=2026-08-01T09:00:00Z", "alice" },
                { "created<9999y", "alice,bob,carol,dave" },
                { "valid-until<30d", "carol" },
                { "valid-until<584900y", "carol" }, /* further than clocks count */
                { "valid-until=never", "alice,bob,dave" },
                { "valid-until!=never", "carol" },
                { "department~sales*,status=active", "alice" },
                { "name=alice,", "alice" },
        };
        Fixture *f = *state;
        char cursor[64];
        Names names;

        populate(f);
        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                int r = list(f, rows[i].filter, "", 1000, &names, cursor);

                if (strcmp(rows[i].filter, "name=alice,") == 0) {
                        must_be(r, CORE_E_BAD_VALUE); /* a term is missing */
                        continue;
                }
                if (r != 0)
                        fail_msg("%s: %s", rows[i].filter, f->error.text);
                if (strcmp(names.text, rows[i].names) != 0)
                        fail_msg("%s: %s, not %s", rows[i].filter, names.text, rows[i].names);
                assert_string_equal(cursor, "");
        }
}

static void what_is_not_understood_is_an_error_with_its_column(void **state) {
        static const struct {
                const char *filter, *text;
        } rows[] = {
                { "nme=x", "filter: column 1: \"nme\": no such key" },
                { "name=x,stat=y", "filter: column 8: \"stat\": no such key" },
                { "name", "filter: column 5: an operator is missing: one of = != ~ < >" },
                { "name,locked=yes",
                  "filter: column 5: an operator is missing: one of = != ~ < >" },
                { "name!x", "filter: column 5: an operator is one of = != ~ < >" },
                { "name!", "filter: column 5: an operator is one of = != ~ < >" },
                { "name<x", "filter: column 5: \"name\": does not take this operator" },
                { "status~x", "filter: column 7: \"status\": does not take this operator" },
                { "status=gone", "filter: column 8: \"gone\": must be pending, active, suspended, "
                                 "inactive or deleted" },
                { "locked=true", "filter: column 8: \"true\": must be yes or no" },
                { "created<soon", "filter: column 9: \"soon\": is no date, time or duration" },
                { "created<2026-13-01",
                  "filter: column 9: \"2026-13-01\": is no date, time or duration" },
                { "group=none", "filter: column 7: \"none\": no such group" },
                { ",", "filter: column 1: \"\": no such key" },
                { "\x1b=x", "filter: column 1: \"\\x1b\": no such key" },
        };
        Fixture *f = *state;
        char cursor[64], many[8192] = "name=a";
        Names names;

        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                must_be(list(f, rows[i].filter, "", 10, &names, cursor), CORE_E_BAD_VALUE);
                assert_string_equal(f->error.text, rows[i].text);
        }
        for (int i = 0; i < 32; i++)
                strcat(many, ",name=a");
        must_be(list(f, many, "", 10, &names, cursor), CORE_E_BAD_VALUE);
        assert_string_equal(f->error.text, "filter: column 225: more terms than a filter may have");
        memset(many, 'a', 5000);
        must_be(list(f, many, "", 10, &names, cursor), CORE_E_BAD_VALUE);
        must_be(list(f, "", "", 0, &names, cursor), CORE_E_BAD_VALUE);
        must_be(list(f, "", "", 1001, &names, cursor), CORE_E_BAD_VALUE);
        must_be(list(f, "", "a\nb", 10, &names, cursor), CORE_E_BAD_VALUE);
}

static void pages_hold_everybody_once(void **state) {
        Fixture *f = *state;
        char cursor[64] = "";
        size_t pages = 0, found = 0;
        char name[16];
        Names names;

        for (int i = 0; i < 95; i++) {
                snprintf(name, sizeof(name), "u%02d", i);
                make_user(f, name);
        }
        do {
                must(list(f, "name~u*", cursor, 10, &names, cursor));
                found += names.count;
                pages++;
        } while (cursor[0]);
        assert_int_equal(found, 95);
        assert_int_equal(pages, 10);
}

static void groups_are_listed_by_name_member_and_owner(void **state) {
        static const struct {
                const char *filter, *names;
        } rows[] = {
                { "", "ops,web" },
                { "name~w*", "web" },
                { "member=carol", "ops,web" },
                { "member!=carol", "" },
                { "member=alice", "web" },
                { "owner=bob", "web" },
                { "owner=alice", "" },
                { "description=the web people", "web" },
                { "created<1d", "ops,web" },
        };
        static const char *const owners[] = { "bob" };
        GroupSpec spec = { .description = "the web people", .owners = owners, .owner_count = 1 };
        Fixture *f = *state;
        char cursor[64];

        populate(f);
        must(core_group_update(f->core, &f->root, "web", &spec, &f->options, f->now, &f->change,
                               &f->error));
        make_group(f, "gone");
        must(core_group_delete(f->core, &f->root, "gone", false, &f->options, f->now, &f->change,
                               &f->error));
        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                Names names = { 0 };

                must(core_group_list(f->core, &f->root, rows[i].filter, "", 100, group_take, &names,
                                     cursor, &f->error));
                assert_string_equal(names.text, rows[i].names);
        }
        must_be(core_group_list(f->core, &f->root, "member=nobody", "", 100, group_take, NULL,
                                cursor, &f->error),
                CORE_E_BAD_VALUE);
        must_be(core_group_list(f->core, &f->root, "status=active", "", 100, group_take, NULL,
                                cursor, &f->error),
                CORE_E_BAD_VALUE);
}

static void a_glob_takes_runs_and_single_bytes(void **state) {
        static const struct {
                const char *pattern, *s;
                bool fold, match;
        } rows[] = {
                { "", "", false, true },           { "", "a", false, false },
                { "*", "", false, true },          { "*", "abc", false, true },
                { "a*c", "abc", false, true },     { "a*c", "abcd", false, false },
                { "a**c", "ac", false, true },     { "?", "", false, false },
                { "?", "a", false, true },         { "a?c", "abc", false, true },
                { "*b*", "abc", false, true },     { "A*", "abc", false, false },
                { "A*", "abc", true, true },       { "*ab", "aab", false, true },
                { "a*b*c", "a1b2c", false, true }, { "abc*", "abc", false, true },
                { "abc?", "abc", false, false },
        };

        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++)
                assert_int_equal(core_glob_match(rows[i].pattern, rows[i].s, rows[i].fold),
                                 rows[i].match);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                STORY(each_term_says_what_it_says),
                STORY(what_is_not_understood_is_an_error_with_its_column),
                STORY(pages_hold_everybody_once),
                STORY(groups_are_listed_by_name_member_and_owner),
                cmocka_unit_test(a_glob_takes_runs_and_single_bytes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
