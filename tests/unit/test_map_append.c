/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Deltas: seen by whoever has the map open, all or nothing, the newest first, until a new file is
 * due. */

#include "tests/unit/map_fixture.h"

#include "map/layout.h"

static int person_append(MapWriter *writer, uint32_t n) {
        Person p;
        MapChange change = { .user = &p.user, .group = &p.group };

        person_make(n, &p);
        return map_append(writer, &change, 1);
}

static int person_remove(MapWriter *writer, uint32_t n) {
        Person p;
        MapChange change = { .gone_user_name = p.name,
                             .gone_uid = FIRST_ID + n,
                             .gone_group_name = p.name,
                             .gone_gid = FIRST_ID + n };

        person_make(n, &p);
        return map_append(writer, &change, 1);
}

static size_t users_listed(const MapView *view, unsigned char *seen, size_t count) {
        MapCursor cursor;
        MapUser user;
        size_t n = 0;
        int r;

        memset(seen, 0, count);
        assert_int_equal(map_cursor_start(view, &cursor), 0);
        while ((r = map_user_next(view, &cursor, &user)) == 1) {
                assert_in_range(user.uid, FIRST_ID, FIRST_ID + count - 1);
                seen[user.uid - FIRST_ID]++;
                n++;
        }
        assert_int_equal(r, 0);
        return n;
}

static size_t groups_listed(const MapView *view) {
        MapCursor cursor;
        MapGroup group;
        size_t n = 0;
        int r;

        assert_int_equal(map_cursor_start(view, &cursor), 0);
        while ((r = map_group_next(view, &cursor, &group)) == 1)
                n++;
        assert_int_equal(r, 0);
        return n;
}

static void what_is_appended_is_seen_in_the_open_map(void **state) {
        Folder folder = folder_make();
        MapWriter *writer = published(&folder, 50, NULL);
        MapView view;

        assert_int_equal(map_open(folder.map, &view), 0);
        for (uint32_t n = 50; n < 120; n++) {
                assert_int_equal(person_in(&view, n), 0);
                assert_int_equal(person_append(writer, n), 0);
                assert_int_equal(person_in(&view, n), 1);
                assert_int_equal(person_in(&view, n - 50), 1);
                assert_false(map_is_stale(&view));
        }
        map_close(&view);
        map_writer_free(writer);
        folder_done(&folder);
}

static void a_removed_user_is_gone_and_may_come_back(void **state) {
        Folder folder = folder_make();
        MapWriter *writer = published(&folder, 5, NULL);
        MapView view;

        assert_int_equal(map_open(folder.map, &view), 0);
        assert_int_equal(person_remove(writer, 3), 0);
        assert_int_equal(person_in(&view, 3), 0);
        assert_int_equal(person_in(&view, 2), 1);
        assert_int_equal(person_append(writer, 3), 0);
        assert_int_equal(person_in(&view, 3), 1);
        assert_int_equal(person_remove(writer, 3), 0);
        assert_int_equal(person_in(&view, 3), 0);
        map_close(&view);
        map_writer_free(writer);
        folder_done(&folder);
}

static void a_renamed_user_is_found_by_the_new_name_alone(void **state) {
        Folder folder = folder_make();
        MapWriter *writer = published(&folder, 5, NULL);
        Person p;
        MapChange change = { .user = &p.user, .gone_user_name = "u2", .gone_uid = FIRST_ID + 2 };
        unsigned char seen[5];
        MapUser user;
        MapView view;

        assert_int_equal(map_open(folder.map, &view), 0);
        person_make(2, &p);
        p.user.name = "petra";
        assert_int_equal(map_append(writer, &change, 1), 0);
        assert_int_equal(map_user_by_name(&view, "u2", 2, &user), 0);
        assert_int_equal(map_user_by_name(&view, "petra", 5, &user), 1);
        assert_int_equal(user.uid, FIRST_ID + 2);
        assert_int_equal(map_user_by_uid(&view, FIRST_ID + 2, &user), 1);
        assert_string_equal(user.strings, "petra");
        assert_int_equal(users_listed(&view, seen, 5), 5);
        assert_int_equal(seen[2], 1);
        map_close(&view);
        map_writer_free(writer);
        folder_done(&folder);
}

static void a_changed_user_is_listed_once_as_changed(void **state) {
        Folder folder = folder_make();
        MapWriter *writer = published(&folder, 5, NULL);
        Person p;
        MapChange change = { .user = &p.user };
        unsigned char seen[5];
        MapUser user;
        MapView view;

        assert_int_equal(map_open(folder.map, &view), 0);
        person_make(1, &p);
        p.user.shell = "/bin/zsh";
        for (int i = 0; i < 3; i++)
                assert_int_equal(map_append(writer, &change, 1), 0);
        assert_int_equal(map_user_by_uid(&view, FIRST_ID + 1, &user), 1);
        assert_string_equal(user.strings + user.shell_at, "/bin/zsh");
        assert_int_equal(users_listed(&view, seen, 5), 5);
        assert_int_equal(seen[1], 1);
        map_close(&view);
        map_writer_free(writer);
        folder_done(&folder);
}

static void a_walk_shows_the_moment_it_began(void **state) {
        Folder folder = folder_make();
        MapWriter *writer = published(&folder, 10, NULL);
        MapCursor cursor, again;
        size_t listed = 0;
        MapUser user, same;
        MapView view;

        assert_int_equal(map_open(folder.map, &view), 0);
        assert_int_equal(person_append(writer, 10), 0);
        assert_int_equal(map_cursor_start(&view, &cursor), 0);
        again = cursor;
        assert_int_equal(map_user_next(&view, &cursor, &user), 1);
        assert_int_equal(map_user_next(&view, &again, &same), 1);
        assert_ptr_equal(user.strings, same.strings); /* a copied cursor gives the same again */
        for (uint32_t n = 11; n < 40; n++)
                assert_int_equal(person_append(writer, n), 0);
        assert_int_equal(person_remove(writer, 5), 0);
        for (listed = 1; map_user_next(&view, &cursor, &user) == 1; listed++)
                assert_in_range(user.uid, FIRST_ID, FIRST_ID + 10);
        assert_int_equal(listed, 11);
        assert_int_equal(groups_listed(&view), 39);
        map_close(&view);
        map_writer_free(writer);
        folder_done(&folder);
}

static void a_delta_of_many_changes_comes_whole_or_not_at_all(void **state) {
        Folder folder = folder_make();
        MapWriter *writer = published(&folder, 10, NULL);
        Person p[3];
        MapChange changes[3] = {};
        struct stat before, after;
        MapView view;

        for (uint32_t i = 0; i < 3; i++) {
                person_make(10 + i, &p[i]);
                changes[i].user = &p[i].user;
                changes[i].group = &p[i].group;
        }
        p[2].user.home = "relative"; /* refused: the other two must not come either */
        assert_int_equal(map_open(folder.map, &view), 0);
        assert_int_equal(stat(folder.map, &before), 0);
        assert_int_equal(map_append(writer, changes, 3), -EINVAL);
        assert_int_equal(stat(folder.map, &after), 0);
        assert_int_equal(before.st_size, after.st_size);
        assert_int_equal(person_in(&view, 10), 0);
        p[2].user.home = p[2].home;
        assert_int_equal(map_append(writer, changes, 3), 0);
        for (uint32_t n = 10; n < 13; n++)
                assert_int_equal(person_in(&view, n), 1);
        map_close(&view);
        map_writer_free(writer);
        folder_done(&folder);
}

static void removals_act_before_additions(void **state) {
        Folder folder = folder_make();
        MapWriter *writer = published(&folder, 4, NULL);
        Person p;
        MapChange changes[] = { { .user = &p.user, .group = &p.group },
                                { .gone_user_name = "u2",
                                  .gone_uid = FIRST_ID + 2,
                                  .gone_group_name = "u2",
                                  .gone_gid = FIRST_ID + 2 } };
        MapView view;

        person_make(2, &p);
        assert_int_equal(map_open(folder.map, &view), 0);
        assert_int_equal(map_append(writer, changes, 2), 0);
        assert_int_equal(person_in(&view, 2), 1);
        map_close(&view);
        map_writer_free(writer);
        folder_done(&folder);
}

/* Opens again where that is due, and says whether it was. */
static bool view_renew(const Folder *folder, MapView *view) {
        if (!map_is_stale(view))
                return false;
        map_close(view);
        assert_int_equal(map_open(folder->map, view), 0);
        assert_false(map_is_stale(view));
        return true;
}

static void deltas_full_ask_for_a_new_file_and_the_map_still_answers(void **state) {
        static const uint32_t bases[] = { 0, 10, 20000 };

        for (size_t i = 0; i < ARRAY_LENGTH(bases); i++) {
                uint32_t n = bases[i];
                Folder folder = folder_make();
                MapWriter *writer = published(&folder, n, NULL);
                MapView view;
                int r, renewed = 0;

                assert_int_equal(map_open(folder.map, &view), 0);
                while ((r = person_append(writer, n)) == 0) {
                        renewed += view_renew(&folder, &view);
                        assert_int_equal(person_in(&view, n), 1);
                        n++;
                }
                assert_int_equal(r, MAP_E_FULL);
                assert_in_range(n - bases[i], 100, MAP_DELTA_ENTRIES_MAX);
                /* who opened before the first sees all there is room for */
                assert_in_range(renewed, 0,
                                (writer->committed - writer->base_end) / MAP_ROOM_BYTES);
                for (uint32_t k = bases[i] > 50 ? bases[i] - 50 : 0; k < n; k++)
                        assert_int_equal(person_in(&view, k), 1);
                assert_int_equal(person_in(&view, n), 0);
                map_close(&view);
                map_writer_free(writer);
                folder_done(&folder);
        }
}

static void more_than_the_entries_of_one_delta_are_full_too(void **state) {
        Folder folder = folder_make();
        MapWriter *writer = published(&folder, 1, NULL);
        MapChange *changes = calloc(MAP_DELTA_ENTRIES_MAX + 1, sizeof(*changes));
        Person *p = calloc(MAP_DELTA_ENTRIES_MAX + 1, sizeof(*p));

        assert_true(changes && p);
        for (uint32_t n = 0; n < MAP_DELTA_ENTRIES_MAX + 1; n++) {
                person_make(n, &p[n]);
                changes[n].user = &p[n].user;
        }
        assert_int_equal(map_append(writer, changes, MAP_DELTA_ENTRIES_MAX + 1), MAP_E_FULL);
        assert_int_equal(map_append(writer, changes, MAP_DELTA_ENTRIES_MAX), 0);
        free(changes);
        free(p);
        map_writer_free(writer);
        folder_done(&folder);
}

static void an_outgrown_window_says_open_again(void **state) {
        Folder folder = folder_make();
        MapWriter *writer = published(&folder, 10, NULL);
        MapCursor cursor;
        MapUser user;
        MapView view, small;

        assert_int_equal(map_open(folder.map, &view), 0);
        small = view;
        small.mapped_bytes = (size_t)view.base_end;
        assert_false(map_is_stale(&small));
        assert_int_equal(person_append(writer, 10), 0);
        assert_true(map_is_stale(&small));
        assert_int_equal(map_user_by_uid(&small, FIRST_ID, &user), -ESTALE);
        assert_int_equal(map_cursor_start(&small, &cursor), -ESTALE);
        assert_int_equal(map_user_by_uid(&view, FIRST_ID, &user), 1);
        map_close(&view);
        map_writer_free(writer);
        folder_done(&folder);
}

static void a_failed_write_leaves_the_map_as_it_was(void **state) {
        Folder folder = folder_make();
        MapWriter *writer = published(&folder, 10, NULL);
        int fd = dup(writer->fd);
        MapView view;

        assert_int_equal(map_open(folder.map, &view), 0);
        assert_true(fd >= 0);
        close(writer->fd);
        writer->fd = open("/dev/full", O_RDWR | O_CLOEXEC);
        assert_int_equal(person_append(writer, 10), -ENOSPC);
        assert_int_equal(person_in(&view, 10), 0);
        close(writer->fd);
        writer->fd = fd;
        assert_int_equal(person_append(writer, 11), 0);
        assert_int_equal(person_in(&view, 10), 0);
        assert_int_equal(person_in(&view, 11), 1);
        map_close(&view);
        map_writer_free(writer);
        folder_done(&folder);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_is_appended_is_seen_in_the_open_map),
                cmocka_unit_test(a_removed_user_is_gone_and_may_come_back),
                cmocka_unit_test(a_renamed_user_is_found_by_the_new_name_alone),
                cmocka_unit_test(a_changed_user_is_listed_once_as_changed),
                cmocka_unit_test(a_walk_shows_the_moment_it_began),
                cmocka_unit_test(a_delta_of_many_changes_comes_whole_or_not_at_all),
                cmocka_unit_test(removals_act_before_additions),
                cmocka_unit_test(deltas_full_ask_for_a_new_file_and_the_map_still_answers),
                cmocka_unit_test(more_than_the_entries_of_one_delta_are_full_too),
                cmocka_unit_test(an_outgrown_window_says_open_again),
                cmocka_unit_test(a_failed_write_leaves_the_map_as_it_was),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
