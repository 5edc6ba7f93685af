/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The process's mapping: who holds one keeps it, who comes later has the newer one, and what nobody
 * holds is given back.  The source itself is taken in, with a path of ours. */

#include "tests/unit/map_fixture.h"

#include "map/layout.h"

static char map_path[128];

#undef MAP_PATH
#define MAP_PATH map_path
#include "nss_um/mapping.c"

static Folder folder;
static MapWriter *writer;

static void map_replace(uint32_t count) {
        MapWriter *next = published(&folder, count, writer);

        map_writer_free(writer);
        writer = next;
}

static int begin(void **state) {
        folder = folder_make();
        snprintf(map_path, sizeof(map_path), "%s", folder.map);
        writer = NULL;
        map_replace(10);
        return 0;
}

static int end(void **state) {
        mapping_unload();
        for (size_t i = 0; i < PLACES; i++) {
                assert_true(place_idle(&places[i]));
                assert_int_equal(places[i].state, PLACE_FREE);
        }
        writer = map_writer_free(writer);
        folder_done(&folder);
        return 0;
}

static unsigned places_used(void) {
        unsigned n = 0;

        for (size_t i = 0; i < PLACES; i++)
                n += places[i].state != PLACE_FREE;
        return n;
}

static void a_mapping_is_shared_until_there_is_a_newer_one(void **state) {
        MapView spare;
        Hold first, second;

        assert_int_equal(mapping_hold(&first, &spare), 0);
        mapping_release(first);
        assert_int_equal(mapping_hold(&second, &spare), 0);
        assert_ptr_equal(first.view, second.view);
        mapping_release(second);
        map_replace(11);
        assert_int_equal(mapping_hold(&second, &spare), 0);
        assert_int_equal(person_in(second.view, 10), 1);
        mapping_release(second);
        assert_int_equal(places_used(), 1);
}

static void a_held_mapping_outlives_its_replacement(void **state) {
        MapView spare;
        Hold old, new;

        assert_int_equal(mapping_hold(&old, &spare), 0);
        map_replace(11);
        assert_int_equal(mapping_hold(&new, &spare), 0);
        assert_int_equal(person_in(old.view, 9), 1);
        assert_int_equal(person_in(old.view, 10), 0);
        assert_int_equal(person_in(new.view, 10), 1);
        assert_int_equal(places_used(), 2);
        mapping_release(old);
        mapping_release(new);
        map_replace(12);
        assert_int_equal(mapping_hold(&new, &spare), 0);
        mapping_release(new);
        assert_int_equal(places_used(), 1); /* the old one was given back with the next change */
}

/* As after fork(2) in the midst of other threads' lookups, eight times over. */
static void with_every_place_taken_a_lookup_maps_for_itself(void **state) {
        MapView spare;
        Hold stuck[PLACES], alone;

        for (uint32_t i = 0; i < PLACES; i++) {
                assert_int_equal(mapping_hold(&stuck[i], &spare), 0);
                map_replace(11 + i);
        }
        for (int i = 0; i < 3; i++) {
                assert_int_equal(mapping_hold(&alone, &spare), 0);
                assert_ptr_equal(alone.view, &spare);
                assert_int_equal(person_in(alone.view, 10 + PLACES - 1), 1);
                mapping_release(alone);
        }
        for (uint32_t i = 0; i < PLACES; i++) {
                assert_int_equal(person_in(stuck[i].view, 9), 1);
                mapping_release(stuck[i]);
        }
        assert_int_equal(mapping_hold(&alone, &spare), 0);
        assert_ptr_not_equal(alone.view, &spare);
        mapping_release(alone);
}

static void a_withdrawn_map_is_let_go(void **state) {
        MapView spare;
        Hold hold;

        assert_int_equal(mapping_hold(&hold, &spare), 0);
        mapping_release(hold);
        assert_int_equal(map_withdraw(folder.fd, writer), 0);
        errno = EDOM;
        assert_int_equal(mapping_hold(&hold, &spare), -ENOENT);
        assert_int_equal(errno, EDOM);
        assert_int_equal(places_used(), 0);
        writer = map_writer_free(writer);
        map_replace(12);
        assert_int_equal(mapping_hold(&hold, &spare), 0);
        mapping_release(hold);
}

/* umd is between its two steps, or died there: the file answers, and is looked at again each time.
 */
static void a_marked_file_without_a_successor_answers(void **state) {
        MapView spare;
        Hold hold;

        assert_int_equal(mapping_hold(&hold, &spare), 0);
        mapping_release(hold);
        writer->page->superseded = 1;
        for (int i = 0; i < 20; i++) {
                assert_int_equal(mapping_hold(&hold, &spare), 0);
                assert_int_equal(person_in(hold.view, 9), 1);
                mapping_release(hold);
        }
        assert_int_equal(places_used(), 1);
        map_replace(11);
        assert_int_equal(mapping_hold(&hold, &spare), 0);
        assert_int_equal(person_in(hold.view, 10), 1);
        mapping_release(hold);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(a_mapping_is_shared_until_there_is_a_newer_one,
                                                begin, end),
                cmocka_unit_test_setup_teardown(a_held_mapping_outlives_its_replacement, begin,
                                                end),
                cmocka_unit_test_setup_teardown(with_every_place_taken_a_lookup_maps_for_itself,
                                                begin, end),
                cmocka_unit_test_setup_teardown(a_withdrawn_map_is_let_go, begin, end),
                cmocka_unit_test_setup_teardown(a_marked_file_without_a_successor_answers, begin,
                                                end),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
