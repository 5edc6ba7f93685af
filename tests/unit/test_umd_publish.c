/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What stands in the map: core's users and groups without what the host holds, after each kind of
 * change.  core is a table of the test's own here; host and map are the real ones. */

#include "tests/unit/publish_fixture.h"

/* ---- the rules ------------------------------------------------------------------------------- */

static void test_the_first_run_publishes_everybody(void **state) {
        Rig *rig = *state;

        run(rig);
        expect_user(rig, "alice", "alice:70000:70000,70010");
        expect_group(rig, "alice", "alice:70000:");
        expect_group(rig, "web", "web:70010:alice,bob");
        expect_count(rig, 2, 3);
}

static void test_news_are_appended_to_the_same_file(void **state) {
        Rig *rig = *state;
        struct stat before;

        run(rig);
        assert_int_equal(stat(rig->map_path, &before), 0);
        news(rig, object_add(rig, false, 70002, "carol"), CORE_NEWS_ADDED);
        run(rig);
        expect_user(rig, "carol", "carol:70002:70002");
        expect_group(rig, "carol", "carol:70002:");
        expect_count(rig, 3, 4);
        assert_true(is_same_file(rig, &before));
}

static void test_a_rename_takes_the_old_name_away(void **state) {
        Rig *rig = *state;
        Object *alice = object_of(rig, 70000);

        run(rig);
        snprintf(alice->name, sizeof(alice->name), "alicia");
        object_of(rig, 70010)->members[0] = "alicia";
        news(rig, alice, CORE_NEWS_CHANGED);
        news(rig, object_of(rig, 70010), CORE_NEWS_CHANGED);
        run(rig);
        expect_user(rig, "alice", "");
        expect_group(rig, "alice", "");
        expect_user(rig, "alicia", "alicia:70000:70000,70010");
        expect_group(rig, "web", "web:70010:alicia,bob");
        expect_count(rig, 2, 3);
}

static void test_two_who_swap_names_are_both_right(void **state) {
        Rig *rig = *state;
        Object *alice = object_of(rig, 70000), *bob = object_of(rig, 70001);

        run(rig);
        snprintf(alice->name, sizeof(alice->name), "bob");
        snprintf(bob->name, sizeof(bob->name), "alice");
        news(rig, alice, CORE_NEWS_CHANGED);
        news(rig, bob, CORE_NEWS_CHANGED);
        run(rig);
        expect_user(rig, "bob", "bob:70000:70000,70010");
        expect_user(rig, "alice", "alice:70001:70001,70010");
}

static void test_who_is_removed_is_gone_with_his_group(void **state) {
        Rig *rig = *state;
        Object *bob = object_of(rig, 70001);

        run(rig);
        bob->absent = true;
        news(rig, bob, CORE_NEWS_REMOVED);
        run(rig);
        expect_user(rig, "bob", "");
        expect_group(rig, "bob", "");
        expect_count(rig, 1, 2);
        bob->absent = false;
        news(rig, bob, CORE_NEWS_ADDED);
        run(rig);
        expect_user(rig, "bob", "bob:70001:70001,70010");
        expect_count(rig, 2, 3);
}

static void test_many_news_make_a_new_file(void **state) {
        Rig *rig = *state;
        struct stat before;

        run(rig);
        assert_int_equal(stat(rig->map_path, &before), 0);
        for (uint32_t i = 0; i < 1000; i++) {
                char name[16];

                snprintf(name, sizeof(name), "u%u", i);
                news(rig, object_add(rig, false, 80000 + i, name), CORE_NEWS_ADDED);
        }
        run(rig);
        assert_false(is_same_file(rig, &before));
        expect_user(rig, "u999", "u999:80999:80999");
        expect_count(rig, 1002, 1003);
}

static void test_deltas_that_are_full_make_a_new_file(void **state) {
        Rig *rig = *state;

        run(rig);
        for (uint32_t i = 0; i < 1500; i++) {
                char name[16], shown[48];

                snprintf(name, sizeof(name), "u%u", i);
                news(rig, object_add(rig, false, 80000 + i, name), CORE_NEWS_ADDED);
                run(rig);
                snprintf(shown, sizeof(shown), "%s:%u:%u", name, 80000 + i, 80000 + i);
                expect_user(rig, name, shown);
        }
        expect_user(rig, "u0", "u0:80000:80000");
        expect_count(rig, 1502, 1503);
}

static void object_name(Object *object, uint32_t id, unsigned version) {
        snprintf(object->name, sizeof(object->name), "u%u-%u", id, version);
}

/* Everything of core is in the map, and no name that anything had before. */
static void expect_all(const Rig *rig, unsigned versions) {
        for (size_t i = 0; i < rig->core.count; i++) {
                const Object *object = &rig->core.objects[i];

                for (unsigned v = 0; v < versions && object->id >= 80000; v++) {
                        char name[40], shown[96] = "";

                        snprintf(name, sizeof(name), "u%u-%u", object->id, v);
                        if (!object->absent && strcmp(name, object->name) == 0)
                                snprintf(shown, sizeof(shown), "%s:%u:%u", name, object->id,
                                         object->id);
                        expect_user(rig, name, shown);
                }
        }
}

/* Renames, removals and returns, so many to a run, while next files are made and take over. */
static unsigned change_on(Rig *rig, unsigned turns, unsigned per_run) {
        unsigned files = 0;
        struct stat st;
        ino_t last = 0;

        for (unsigned turn = 0; turn < turns; turn++) {
                Object *object = object_of(rig, 80000 + turn * 7919 % 1000);

                if (turn % 5 == 0)
                        object->absent = !object->absent;
                else
                        object_name(object, object->id, turn % 3);
                news(rig, object, CORE_NEWS_CHANGED);
                if (turn % per_run != per_run - 1)
                        continue;
                assert_int_equal(publish_run(rig->publish, NOW), 0);
                assert_int_equal(stat(rig->map_path, &st), 0);
                files += st.st_ino != last;
                last = st.st_ino;
        }
        assert_int_equal(publish_run(rig->publish, NOW), 0);
        return files;
}

static void test_the_next_file_misses_nothing_that_changed_meanwhile(void **state) {
        Rig *rig = *state;

        for (uint32_t i = 0; i < 1000; i++)
                object_name(object_add(rig, false, 80000 + i, ""), 80000 + i, 0);
        run(rig);
        assert_true(change_on(rig, 4000, 2) > 3); /* in turns of their own */
        expect_all(rig, 3);
        assert_true(change_on(rig, 20000, 400) >
                    3); /* faster than a file is made: runs wait for it */
        expect_all(rig, 3);
}

static void test_enumeration_is_turned_off_by_a_new_file(void **state) {
        Rig *rig = *state;
        MapView view;

        run(rig);
        publish_set_enumerate(rig->publish, true); /* as it is */
        assert_false(publish_is_due(rig->publish));
        publish_set_enumerate(rig->publish, false);
        assert_true(publish_is_due(rig->publish));
        run(rig);
        assert_int_equal(map_open(rig->map_path, &view), 0);
        assert_int_equal(view.flags, MAP_FLAG_COMPLETE);
        map_close(&view);
}

/* ---- what the host holds --------------------------------------------------------------------- */

static void test_a_local_name_hides_a_user_and_takes_him_from_lists(void **state) {
        static const char *const files[] = { "passwd", "group" };
        Rig *rig = *state;

        run(rig);
        for (size_t i = 0; i < ARRAY_LENGTH(files); i++) {
                rig->core.audit[0] = '\0';
                etc_write(rig, files[i], "root:x:0:0::/:/bin/sh\nalice:x:1000:1000::/:/bin/sh\n");
                host_tick(rig->host);
                run(rig);
                expect_user(rig, "alice", "");
                expect_group(rig, "alice", "");
                expect_group(rig, "web", "web:70010:bob"); /* the local alice is no member of it */
                expect_user(rig, "bob", "bob:70001:70001,70010");
                expect_count(rig, 1, 2);
                assert_string_equal(rig->core.audit, "map.hide user/alice 70000;");

                etc_write(rig, files[i], "root:x:0:0::/:/bin/sh\n");
                host_tick(rig->host);
                run(rig);
                expect_user(rig, "alice", "alice:70000:70000,70010");
                expect_group(rig, "web", "web:70010:alice,bob");
                expect_count(rig, 2, 3);
                assert_string_equal(rig->core.audit,
                                    "map.hide user/alice 70000;map.show user/alice 70000;");
        }
}

static void test_a_local_id_hides_a_group_and_takes_it_from_its_members(void **state) {
        Rig *rig = *state;

        run(rig);
        etc_write(rig, "group", "root:x:0:\nlocalweb:x:70010:\n");
        host_tick(rig->host);
        run(rig);
        expect_group(rig, "web", "");
        expect_user(rig, "alice", "alice:70000:70000");
        expect_user(rig, "bob", "bob:70001:70001");
        assert_string_equal(rig->core.audit, "map.hide group/web 70010;");
        etc_write(rig, "group", "root:x:0:\n");
        host_tick(rig->host);
        run(rig);
        expect_group(rig, "web", "web:70010:alice,bob");
        expect_user(rig, "alice", "alice:70000:70000,70010");
}

static void test_a_local_uid_hides_its_user(void **state) {
        Rig *rig = *state;

        run(rig);
        etc_write(rig, "passwd", "root:x:0:0::/:/bin/sh\nother:x:70000:70000::/:/bin/sh\n");
        host_tick(rig->host);
        run(rig);
        expect_user(rig, "alice", "");
        expect_group(rig, "alice", "");
}

static void test_who_is_hidden_from_the_start_stays_so_through_news(void **state) {
        Rig *rig = *state;

        etc_write(rig, "passwd", "alice:x:1000:1000::/:/bin/sh\n");
        host_tick(rig->host);
        run(rig);
        expect_user(rig, "alice", "");
        expect_group(rig, "web", "web:70010:bob");
        assert_string_equal(rig->core.audit, "map.hide user/alice 70000;");
        news(rig, object_of(rig, 70000), CORE_NEWS_CHANGED);
        news(rig, object_of(rig, 70010), CORE_NEWS_CHANGED);
        run(rig);
        expect_user(rig, "alice", "");
        expect_group(rig, "web", "web:70010:bob");
        assert_string_equal(rig->core.audit, "map.hide user/alice 70000;"); /* told once */
}

int main(void) {
        const struct CMUnitTest tests[] = {
                WITH_RIG(test_the_first_run_publishes_everybody),
                WITH_RIG(test_news_are_appended_to_the_same_file),
                WITH_RIG(test_a_rename_takes_the_old_name_away),
                WITH_RIG(test_two_who_swap_names_are_both_right),
                WITH_RIG(test_who_is_removed_is_gone_with_his_group),
                WITH_RIG(test_many_news_make_a_new_file),
                WITH_RIG(test_deltas_that_are_full_make_a_new_file),
                WITH_RIG(test_the_next_file_misses_nothing_that_changed_meanwhile),
                WITH_RIG(test_enumeration_is_turned_off_by_a_new_file),
                WITH_RIG(test_a_local_name_hides_a_user_and_takes_him_from_lists),
                WITH_RIG(test_a_local_id_hides_a_group_and_takes_it_from_its_members),
                WITH_RIG(test_a_local_uid_hides_its_user),
                WITH_RIG(test_who_is_hidden_from_the_start_stays_so_through_news),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
