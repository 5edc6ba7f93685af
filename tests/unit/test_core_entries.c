/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the map is made of: all of it at once says the same as each object by itself. */

#include "tests/unit/core_fixture.h"

#include <stdlib.h>

typedef struct Lines {
        char *line[4096];
        size_t count;
        int answer; /* what each returns */
} Lines;

static int compare(const void *a, const void *b) {
        return strcmp(*(char *const *)a, *(char *const *)b);
}

static int take(void *userdata, const CoreEntry *entry) {
        const char *members[64];
        Lines *lines = userdata;
        char buf[1024];
        Text text;

        base_text_init(&text, buf, sizeof(buf));
        base_text_addf(&text, "%s %u %s", entry->is_group ? "group" : "user", entry->id,
                       entry->name);
        if (!entry->is_group)
                base_text_addf(&text, " <%s> %s %s", entry->gecos, entry->home, entry->shell);
        for (size_t i = 0; i < entry->gid_count; i++)
                base_text_addf(&text, " %u", entry->gids[i]);
        for (size_t i = 0; i < entry->member_count; i++)
                members[i] = entry->members[i];
        qsort(members, entry->member_count, sizeof(members[0]), compare);
        for (size_t i = 0; i < entry->member_count; i++)
                base_text_addf(&text, " %s", members[i]);
        lines->line[lines->count++] = strdup(buf);
        return lines->answer;
}

static void lines_done(Lines *lines) {
        for (size_t i = 0; i < lines->count; i++)
                free(lines->line[i]);
        lines->count = 0;
}

static void expect(Lines *lines, const char *const *want, size_t count) {
        qsort(lines->line, lines->count, sizeof(lines->line[0]), compare);
        assert_int_equal(lines->count, count);
        for (size_t i = 0; i < count; i++)
                assert_string_equal(lines->line[i], want[i]);
        lines_done(lines);
}

static void populate(Fixture *f) {
        make_user(f, "alice"); /* 65536 */
        make_user(f, "bob");
        make_user(f, "carol");
        make_group(f, "web"); /* 65539 */
        make_group(f, "ops");
        update_text(f, "alice", USER_FIELD_FULL_NAME, "Alice Doe");
        add_user(f, "web", "alice");
        add_user(f, "ops", "bob");
        add_user(f, "ops", "carol");
        add_group(f, "web", "ops");
        step_user(f, "carol", STATUS_STEP_DELETE);
        step_user(f, "bob", STATUS_STEP_DISABLE);
}

static void all_of_them(void **state) {
        static const char *const want[] = {
                "group 65536 alice",
                "group 65537 bob",
                "group 65539 web alice bob",
                "group 65540 ops bob",
                "user 65536 alice <Alice Doe> /home/alice /bin/bash 65539",
                "user 65537 bob <> /home/bob /bin/bash 65539 65540",
        };
        Fixture *f = *state;
        Lines lines = { 0 };

        populate(f);
        must(core_entries_all(f->core, take, &lines));
        expect(&lines, want, ARRAY_LENGTH(want));
}

static void one_by_one(void **state) {
        static const char *const bob[] = { "group 65537 bob",
                                           "user 65537 bob <> /home/bob /bin/bash 65539 65540" };
        static const char *const web[] = { "group 65539 web alice bob" };
        Fixture *f = *state;
        Lines lines = { 0 };

        populate(f);
        must(core_entry_user(f->core, FIRST + 1, take, &lines));
        assert_string_equal(lines.line[1], bob[0]); /* the user first */
        expect(&lines, bob, 2);
        must(core_entry_user_by_name(f->core, "bob", take, &lines));
        expect(&lines, bob, 2);
        must(core_entry_group(f->core, FIRST + 3, take, &lines));
        expect(&lines, web, 1);
        must(core_entry_group_by_name(f->core, "web", take, &lines));
        expect(&lines, web, 1);
        must(core_entry_group(f->core, FIRST + 1, take, &lines)); /* private ones too */
        expect(&lines, bob, 1);
        must(core_entry_group_by_name(f->core, "bob", take, &lines));
        expect(&lines, bob, 1);
}

static void what_nss_must_not_show(void **state) {
        Fixture *f = *state;
        Lines lines = { 0 };

        populate(f);
        must_be(core_entry_user(f->core, FIRST + 2, take, &lines), CORE_E_NO_SUCH_USER);
        must_be(core_entry_user_by_name(f->core, "carol", take, &lines), CORE_E_NO_SUCH_USER);
        must_be(core_entry_group(f->core, FIRST + 2, take, &lines), CORE_E_NO_SUCH_GROUP);
        must_be(core_entry_group_by_name(f->core, "carol", take, &lines), CORE_E_NO_SUCH_GROUP);
        must_be(core_entry_user(f->core, 99999, take, &lines), CORE_E_NO_SUCH_USER);
        must_be(core_entry_group(f->core, 99999, take, &lines), CORE_E_NO_SUCH_GROUP);
        must_be(core_entry_user_by_name(f->core, "nobody", take, &lines), CORE_E_NO_SUCH_USER);
        must_be(core_entry_group_by_name(f->core, "nobody", take, &lines), CORE_E_NO_SUCH_GROUP);
        must(core_group_delete(f->core, &f->root, "web", false, &f->options, f->now, &f->change,
                               &f->error));
        must_be(core_entry_group_by_name(f->core, "web", take, &lines), CORE_E_NO_SUCH_GROUP);
        assert_int_equal(lines.count, 0);
}

static void a_walk_can_be_ended(void **state) {
        Lines lines = { .answer = -ECANCELED };
        Fixture *f = *state;

        populate(f);
        must_be(core_entries_all(f->core, take, &lines), -ECANCELED);
        assert_int_equal(lines.count, 1);
        lines_done(&lines);
}

static void an_empty_store_has_no_entries(void **state) {
        Fixture *f = *state;
        Lines lines = { 0 };

        must(core_entries_all(f->core, take, &lines));
        assert_int_equal(lines.count, 0);
}

/* Random graphs: the walk over all agrees with the walk over each. */
static void both_ways_agree(void **state) {
        Fixture *f = *state;
        Lines all = { 0 }, each = { 0 };
        unsigned int seed = 4711;
        char user[8], group[8], other[8];

        for (int i = 0; i < 40; i++) {
                snprintf(user, sizeof(user), "u%d", i);
                snprintf(group, sizeof(group), "g%d", i);
                make_user(f, user);
                make_group(f, group);
        }
        for (int i = 0; i < 160; i++) {
                snprintf(user, sizeof(user), "u%d", rand_r(&seed) % 40);
                snprintf(group, sizeof(group), "g%d", rand_r(&seed) % 40);
                snprintf(other, sizeof(other), "g%d", rand_r(&seed) % 40);
                add_user(f, group, user);
                (void)try_nest(f, group, other); /* loops are refused */
        }
        for (int i = 0; i < 40; i += 7) {
                snprintf(user, sizeof(user), "u%d", i);
                step_user(f, user, STATUS_STEP_DELETE);
        }
        must(core_entries_all(f->core, take, &all));
        for (uint32_t id = FIRST; id < FIRST + 80; id++)
                if (core_entry_user(f->core, id, take, &each) == CORE_E_NO_SUCH_USER)
                        (void)core_entry_group(f->core, id, take, &each);
        qsort(each.line, each.count, sizeof(each.line[0]), compare);
        expect(&all, (const char *const *)each.line, each.count);
        lines_done(&each);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                STORY(all_of_them),
                STORY(one_by_one),
                STORY(what_nss_must_not_show),
                STORY(a_walk_can_be_ended),
                STORY(an_empty_store_has_no_entries),
                STORY(both_ways_agree),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
