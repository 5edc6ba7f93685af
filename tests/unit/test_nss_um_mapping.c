/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The process's mapping: shared until there is a newer one; what was read beside a replacement does
 * not count, and reading it does no harm; a change that never ends costs others nothing but time.
 * The source itself is taken in, with a path of ours. */

#include "tests/unit/map_fixture.h"

#include <sys/resource.h>

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
        for (size_t i = 0; i < PLACES; i++)
                if (places[i].range)
                        assert_int_equal(munmap(places[i].range, places[i].range_bytes), 0);
        memset(places, 0, sizeof(places));
        current = places;
        writer = map_writer_free(writer);
        folder_done(&folder);
        return 0;
}

/* A whole lookup by uid: the hold counts, and the person is there or not. */
static void assert_person(uint32_t n, int found) {
        MapUser user;
        Hold hold;

        assert_int_equal(mapping_hold(MAP_TABLE_UID, false, &hold), 0);
        assert_int_equal(map_user_by_uid(&hold.view, FIRST_ID + n, &user), found);
        if (found)
                assert_user(&user, n);
        assert_true(mapping_release(&hold));
}

static void a_mapping_is_shared_until_there_is_a_newer_one(void **state) {
        uint64_t turn;

        assert_person(9, 1);
        turn = places[0].turn;
        assert_int_equal(turn % 2, 0);
        for (int i = 0; i < 10; i++)
                assert_person(10, 0);
        assert_int_equal(places[0].turn, turn);
        map_replace(11);
        assert_person(10, 1);
        assert_int_equal(places[0].turn, turn + 2);
        assert_ptr_equal(current, places);
        assert_null(places[1].range);
}

static void every_table_of_a_place_is_its_maps(void **state) {
        for (MapTable table = 0; table < _MAP_TABLE_MAX; table++) {
                MapGroup group;
                MapUser user;
                Hold hold;

                assert_int_equal(mapping_hold(table, false, &hold), 0);
                if (table == MAP_TABLE_USER_NAME)
                        assert_int_equal(map_user_by_name(&hold.view, "u3", 2, &user), 1);
                else if (table == MAP_TABLE_UID)
                        assert_int_equal(map_user_by_uid(&hold.view, FIRST_ID + 3, &user), 1);
                else if (table == MAP_TABLE_GROUP_NAME)
                        assert_int_equal(map_group_by_name(&hold.view, "u3", 2, &group), 1);
                else
                        assert_int_equal(map_group_by_gid(&hold.view, FIRST_ID + 3, &group), 1);
                assert_int_equal(hold.view.flags, COMPLETE);
                assert_true(mapping_release(&hold));
        }
}

/* A reader that slept while maps came and went, larger and smaller ones: each read gives something
 * or nothing, none of it counts, and nothing faults. */
static void what_was_read_beside_a_replacement_does_not_count(void **state) {
        static const uint32_t counts[] = { 11, 4000, 3, 9000, 0, 50 };
        Hold old;

        assert_int_equal(mapping_hold(MAP_TABLE_UID, false, &old), 0);
        for (size_t i = 0; i < ARRAY_LENGTH(counts); i++) {
                map_replace(counts[i]);
                assert_person(counts[i], 0);
                if (counts[i] > 0)
                        assert_person(counts[i] - 1, 1);
                for (uint32_t n = 0; n < 20; n++) {
                        volatile unsigned char byte;
                        MapUser user;

                        (void)map_user_by_uid(&old.view, FIRST_ID + n, &user);
                        byte = old.view.base[old.view.mapped_bytes - 1];
                        (void)byte;
                }
                assert_false(mapping_release(&old));
                if (i % 2 == 1)
                        assert_int_equal(mapping_hold(MAP_TABLE_UID, false, &old), 0);
                else
                        continue;
                assert_true(mapping_release(&old));
        }
}

static void an_outgrown_range_stays_readable_and_is_at_least_doubled(void **state) {
        size_t all = 0, before = 0;

        for (uint32_t count = 10; count < 40000; count = count * 3 / 2) {
                const unsigned char *was = places[0].range;

                map_replace(count);
                assert_person(count - 1, 1);
                if (places[0].range == was)
                        continue;
                assert_true(places[0].range_bytes >= 2 * before);
                for (size_t at = 0; was && at < before; at += MAP_PAGE_BYTES)
                        assert_int_equal(was[at], 0);
                all += before;
                before = places[0].range_bytes;
                assert_true(all < before); /* all that were outgrown together */
        }
        map_replace(5); /* a smaller one stays where the larger was */
        assert_person(4, 1);
        assert_int_equal(places[0].range_bytes, before);
        assert_int_equal(((const unsigned char *)places[0].range)[before - 1], 0);
}

/* As after fork(2) in the midst of another thread's change. */
static void a_change_that_never_ends_is_gone_round(void **state) {
        assert_person(9, 1);
        map_replace(11);
        for (size_t i = 0; i < PLACES; i++) {
                MapUser user;
                Hold alone;

                assert_ptr_equal(current, &places[i]);
                assert_person(10, 1);
                places[i].turn |= 1;
                assert_int_equal(mapping_hold(MAP_TABLE_UID, false, &alone), 0);
                assert_null(alone.place);
                assert_int_equal(map_user_by_uid(&alone.view, FIRST_ID + 10, &user), 1);
                assert_true(mapping_release(&alone));
                for (uint32_t n = 1; n < REFUSED_MAX; n++)
                        assert_person(n % 11, 1);
        }
        assert_ptr_equal(current, places); /* all are lost: still right, if slower */
        assert_person(10, 1);
}

static void a_place_left_meanwhile_is_emptied_by_whoever_fills_it(void **state) {
        assert_person(9, 1);
        assert_true(place_lock(&places[0], places[0].turn));
        current = &places[1];
        place_unlock(&places[0]);
        assert_null(places[0].view.base);
        assert_int_equal(((const unsigned char *)places[0].range)[0], 0);
        assert_person(9, 1);
        assert_non_null(places[1].view.base);
}

/* Two threads find the same map stale; the slower one does not undo what the faster one did. */
static void who_comes_too_late_changes_nothing(void **state) {
        uint64_t turn;
        Hold late;

        assert_person(9, 1);
        turn = places[0].turn;
        map_replace(11);
        assert_person(10, 1);
        assert_int_equal(fresh_hold(&places[0], turn, MAP_TABLE_UID, &late), 0);
        assert_null(late.place);
        assert_int_equal(person_in(&late.view, 10), 1);
        assert_true(mapping_release(&late));
        assert_int_equal(places[0].turn, turn + 2);
}

static void deltas_beyond_what_is_mapped_are_mapped(void **state) {
        Person p;
        MapChange change = { .user = &p.user };
        uint32_t n = 10;

        assert_person(9, 1);
        while (writer->committed <= places[0].view.mapped_bytes) {
                person_make(n, &p);
                if (map_append(writer, &change, 1) != 0)
                        break;
                assert_person(n++, 1);
        }
        places[0].view.mapped_bytes = (size_t)places[0].view.base_end; /* as if found so short */
        assert_person(n - 1, 1);
        assert_true(places[0].view.mapped_bytes >= writer->committed);
}

static void a_withdrawn_map_is_let_go(void **state) {
        Hold hold;

        assert_person(9, 1);
        assert_int_equal(map_withdraw(folder.fd, writer), 0);
        for (int i = 0; i < 3; i++) {
                errno = EDOM;
                assert_int_equal(mapping_hold(MAP_TABLE_UID, false, &hold), -ENOENT);
                assert_int_equal(errno, EDOM);
                assert_null(places[0].view.base);
        }
        assert_int_equal(((const unsigned char *)places[0].range)[0], 0);
        writer = map_writer_free(writer);
        map_replace(12);
        assert_person(11, 1);
}

/* umd is between its two steps, or died there: the file answers, and is looked at again each time.
 */
static void a_marked_file_without_a_successor_answers(void **state) {
        assert_person(9, 1);
        writer->page->superseded = 1;
        for (int i = 0; i < 20; i++)
                assert_person(9, 1);
        assert_ptr_equal(current, places);
        map_replace(11);
        assert_person(10, 1);
}

static void what_is_no_map_takes_the_place_of_none(void **state) {
        static const char rubbish[8192] = "not a map";
        Hold hold;
        int fd;

        assert_person(9, 1);
        assert_int_equal(map_withdraw(folder.fd, writer), 0);
        fd = openat(folder.fd, MAP_NAME, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
        assert_int_equal(write(fd, rubbish, sizeof(rubbish)), sizeof(rubbish));
        close(fd);
        for (int i = 0; i < 3; i++)
                assert_int_equal(mapping_hold(MAP_TABLE_UID, false, &hold), -EBADMSG);
        assert_null(places[0].view.base);
        writer = map_writer_free(writer);
        map_replace(11);
        assert_person(10, 1);
}

static size_t address_space_bytes(void) {
        FILE *f = fopen("/proc/self/statm", "re");
        unsigned long pages;

        assert_true(f && fscanf(f, "%lu", &pages) == 1);
        fclose(f);
        return pages * 4096;
}

/* There is room for the file itself, and none for a range that later ones would fit into too. */
static void a_process_short_of_addresses_maps_for_one_lookup(void **state) {
        struct rlimit before, small;
        size_t file;

        map_replace(3000);
        assert_person(2999, 1);
        file = places[0].range_bytes;
        map_replace(3500);
        assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
        small = before;
        small.rlim_cur = address_space_bytes() + file + file / 2;
        assert_int_equal(setrlimit(RLIMIT_AS, &small), 0);
        for (int i = 0; i < 10; i++)
                assert_person(3499, 1);
        assert_null(places[0].view.base);
        assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);
        assert_person(3499, 1);
        assert_non_null(places[0].view.base);
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
        const struct CMUnitTest tests[] = {
                CASE(a_mapping_is_shared_until_there_is_a_newer_one),
                CASE(every_table_of_a_place_is_its_maps),
                CASE(what_was_read_beside_a_replacement_does_not_count),
                CASE(an_outgrown_range_stays_readable_and_is_at_least_doubled),
                CASE(a_change_that_never_ends_is_gone_round),
                CASE(a_place_left_meanwhile_is_emptied_by_whoever_fills_it),
                CASE(who_comes_too_late_changes_nothing),
                CASE(deltas_beyond_what_is_mapped_are_mapped),
                CASE(a_withdrawn_map_is_let_go),
                CASE(a_marked_file_without_a_successor_answers),
                CASE(what_is_no_map_takes_the_place_of_none),
                CASE(a_process_short_of_addresses_maps_for_one_lookup),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
