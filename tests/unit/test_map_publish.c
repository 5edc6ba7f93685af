/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A map's coming and going: whoever has the old one open notices, at whatever step umd dies. */

#include <sys/wait.h>

#include "tests/unit/map_fixture.h"

#include "map/layout.h"

static MapWriter *written(const Folder *folder, uint32_t count) {
        MapBuild *build = build_of(count, COMPLETE);
        MapWriter *writer = NULL;

        assert_int_equal(map_build_write(build, folder->fd, &writer), 0);
        map_build_free(build);
        return writer;
}

static bool there(const Folder *folder, const char *name) {
        return faccessat(folder->fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void a_published_file_is_0444_and_whole(void **state) {
        Folder folder = folder_make();
        MapWriter *writer = published(&folder, 10, NULL);
        struct stat st;

        assert_int_equal(stat(folder.map, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0444);
        assert_in_range(st.st_size, writer->base_end + MAP_ROOM_BYTES,
                        writer->base_end + MAP_ROOM_BYTES + MAP_PAGE_BYTES - 1);
        assert_int_equal(st.st_size % MAP_PAGE_BYTES, 0);
        assert_int_equal(st.st_blocks * 512 >= st.st_size, 1); /* no holes: no SIGBUS later */
        assert_int_equal(map_publish(folder.fd, writer, NULL), -EALREADY);
        map_writer_free(writer);
        assert_true(there(&folder, MAP_NAME));
        folder_done(&folder);
}

static void a_written_map_is_seen_by_nobody_until_published(void **state) {
        Folder folder = folder_make();
        MapWriter *writer = written(&folder, 10);
        MapChange change = { .gone_user_name = "u1",
                             .gone_uid = FIRST_ID + 1,
                             .gone_group_name = "u1",
                             .gone_gid = FIRST_ID + 1 };
        MapView view;

        assert_int_equal(map_open(folder.map, &view), -ENOENT);
        assert_int_equal(map_append(writer, &change, 1), 0); /* what happened while it was built */
        assert_int_equal(map_publish(folder.fd, writer, NULL), 0);
        assert_int_equal(map_open(folder.map, &view), 0);
        assert_int_equal(person_in(&view, 1), 0);
        assert_int_equal(person_in(&view, 2), 1);
        map_close(&view);
        map_writer_free(writer);
        folder_done(&folder);
}

static void an_unpublished_map_is_removed_with_its_writer(void **state) {
        Folder folder = folder_make();
        MapWriter *writer = written(&folder, 10);

        assert_true(there(&folder, "." MAP_NAME ".new"));
        map_writer_free(writer);
        assert_false(there(&folder, "." MAP_NAME ".new"));
        folder_done(&folder);
}

static void a_replaced_map_says_so_to_its_readers(void **state) {
        Folder folder = folder_make();
        MapWriter *old = published(&folder, 10, NULL), *new;
        MapView view, next;

        assert_int_equal(map_open(folder.map, &view), 0);
        new = published(&folder, 11, old);
        assert_true(map_is_stale(&view));
        assert_int_equal(person_in(&view, 9), 1); /* still answers what it knew */
        assert_int_equal(map_open(folder.map, &next), 0);
        assert_false(map_is_stale(&next));
        assert_int_equal(person_in(&next, 10), 1);
        assert_memory_not_equal(view.id, next.id, sizeof(view.id));
        map_close(&view);
        map_close(&next);
        map_writer_free(old);
        map_writer_free(new);
        folder_done(&folder);
}

/* Everything of a view, into a build that expects so many. */
static MapBuild *copy_of(const MapView *view, uint64_t user_count, uint64_t group_count) {
        MapCursor users, groups;
        MapBuild *build = NULL;
        MapGroup group;
        MapUser user;

        assert_int_equal(map_build_new(COMPLETE, &build), 0);
        assert_int_equal(map_build_expect(build, user_count, group_count), 0);
        assert_int_equal(map_cursor_start(view, &users), 0);
        assert_int_equal(map_cursor_start(view, &groups), 0);
        while (map_user_next(view, &users, &user) == 1)
                assert_int_equal(map_build_copy_user(build, &user), 0);
        while (map_group_next(view, &groups, &group) == 1)
                assert_int_equal(map_build_copy_group(build, &group), 0);
        return build;
}

static void a_copy_of_all_records_is_the_same_map(void **state) {
        static const uint64_t expected[] = { 0, 1, 1000, 5000 }; /* a guess does no harm */

        for (size_t i = 0; i < ARRAY_LENGTH(expected); i++) {
                Folder folder = folder_make();
                MapWriter *old = published(&folder, 1000, NULL), *new = NULL;
                MapBuild *build;
                MapUser user;
                MapView view;

                assert_int_equal(map_open(folder.map, &view), 0);
                build = copy_of(&view, expected[i], expected[i]);
                assert_int_equal(map_user_by_name(&view, "u7", 2, &user), 1);
                assert_int_equal(map_build_copy_user(build, &user), -EEXIST);
                assert_int_equal(map_build_write(build, folder.fd, &new), 0);
                assert_int_equal(map_build_copy_user(build, &user), -EBUSY);
                assert_int_equal(map_publish(folder.fd, new, old), 0);
                map_build_free(build);
                map_close(&view);
                assert_int_equal(map_open(folder.map, &view), 0);
                for (uint32_t n = 0; n < 1000; n++)
                        assert_int_equal(person_in(&view, n), 1);
                assert_int_equal(person_in(&view, 1000), 0);
                map_close(&view);
                map_writer_free(old);
                map_writer_free(new);
                folder_done(&folder);
        }
}

static void the_map_of_an_earlier_run_is_marked_too(void **state) {
        Folder folder = folder_make();
        MapWriter *old = published(&folder, 10, NULL), *new;
        struct stat st;
        MapView view;

        map_writer_free(old); /* umd ended; the file is 0444 and nobody holds it for writing */
        assert_int_equal(map_open(folder.map, &view), 0);
        assert_false(map_is_stale(&view));
        assert_int_equal(linkat(folder.fd, MAP_NAME, folder.fd, "kept", 0), 0);
        new = published(&folder, 11, NULL);
        assert_true(map_is_stale(&view));
        assert_int_equal(fstatat(folder.fd, "kept", &st, 0), 0);
        assert_int_equal(st.st_mode & 07777, 0444);
        unlinkat(folder.fd, "kept", 0);
        map_close(&view);
        map_writer_free(new);
        folder_done(&folder);
}

static void a_file_put_there_behind_the_writers_back_is_marked_as_well(void **state) {
        Folder folder = folder_make();
        MapWriter *old = published(&folder, 10, NULL), *other, *new;
        MapView first, second;

        assert_int_equal(map_open(folder.map, &first), 0);
        other = published(&folder, 11, NULL);
        assert_int_equal(map_open(folder.map, &second), 0);
        new = published(&folder, 12, old); /* not what stands there */
        assert_true(map_is_stale(&first) && map_is_stale(&second));
        map_close(&first);
        map_close(&second);
        map_writer_free(old);
        map_writer_free(other);
        map_writer_free(new);
        folder_done(&folder);
}

static void rubbish_under_the_name_is_replaced_unharmed(void **state) {
        static const char rubbish[5000] = "not a map";
        Folder folder = folder_make();
        int fd = openat(folder.fd, MAP_NAME, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
        char after[sizeof(rubbish)];
        MapWriter *writer;
        MapView view;

        assert_int_equal(write(fd, rubbish, sizeof(rubbish)), sizeof(rubbish));
        writer = published(&folder, 3, NULL);
        assert_int_equal(pread(fd, after, sizeof(after), 0), sizeof(after));
        assert_memory_equal(after, rubbish, sizeof(after));
        assert_int_equal(map_open(folder.map, &view), 0);
        map_close(&view);
        close(fd);
        map_writer_free(writer);
        folder_done(&folder);
}

static void a_withdrawn_map_is_gone_and_says_so(void **state) {
        for (int known = 0; known < 2; known++) {
                Folder folder = folder_make();
                MapWriter *writer = published(&folder, 10, NULL);
                MapView view, next;

                assert_int_equal(map_open(folder.map, &view), 0);
                assert_int_equal(map_withdraw(folder.fd, known ? writer : NULL), 0);
                assert_true(map_is_stale(&view));
                assert_int_equal(map_open(folder.map, &next), -ENOENT);
                assert_int_equal(map_withdraw(folder.fd, NULL),
                                 0); /* nothing there: nothing to do */
                map_close(&view);
                map_writer_free(writer);
                folder_done(&folder);
        }
}

/* ---- umd dies between the steps -------------------------------------------------------------- */

typedef enum Death {
        AFTER_WRITE,
        AFTER_RECORDS, /* of a delta, before `committed` */
        AFTER_COMMITTED,
        AFTER_MARK,
        AFTER_RENAME,
        _DEATH_MAX,
} Death;

static void umd_until(const Folder *folder, Death death) {
        MapWriter *writer = published(folder, 10, NULL), *new;
        Person p;
        MapChange change = { .user = &p.user, .group = &p.group };

        person_make(10, &p);
        if (death == AFTER_RECORDS) {
                ssize_t bytes = pwrite(writer->fd, "torn", 4, (off_t)writer->committed);

                (void)bytes;
                _exit(0);
        }
        if (death == AFTER_COMMITTED) {
                assert_int_equal(map_append(writer, &change, 1), 0);
                writer->page->delta = 0; /* the second store did not happen */
                _exit(0);
        }
        new = written(folder, 11);
        if (death == AFTER_WRITE)
                _exit(0);
        writer->page->superseded = 1;
        if (death == AFTER_MARK)
                _exit(0);
        assert_int_equal(map_publish(folder->fd, new, writer), 0);
        _exit(0);
}

static void wherever_umd_dies_readers_have_a_whole_map(void **state) {
        for (Death death = AFTER_WRITE; death < _DEATH_MAX; death++) {
                Folder folder = folder_make();
                MapWriter *next;
                MapView view;
                int status;
                pid_t pid = fork();

                assert_true(pid >= 0);
                if (pid == 0)
                        umd_until(&folder, death);
                assert_int_equal(waitpid(pid, &status, 0), pid);
                assert_int_equal(status, 0);
                assert_int_equal(map_open(folder.map, &view), 0);
                for (uint32_t n = 0; n < 10; n++)
                        assert_int_equal(person_in(&view, n), 1);
                assert_int_equal(person_in(&view, 10), death == AFTER_RENAME);
                next = published(&folder, 12, NULL); /* umd again */
                assert_true(map_is_stale(&view));
                map_close(&view);
                map_writer_free(next);
                folder_done(&folder); /* the dead one's temporary file is gone */
        }
}

static void a_full_disk_is_a_fault_and_leaves_nothing(void **state) {
        MapBuild *build = build_of(10, COMPLETE);
        MapWriter *writer = NULL;

        assert_int_equal(map_build_write(build, -1, &writer), -EBADF);
        assert_null(writer);
        map_build_free(build);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_published_file_is_0444_and_whole),
                cmocka_unit_test(a_written_map_is_seen_by_nobody_until_published),
                cmocka_unit_test(an_unpublished_map_is_removed_with_its_writer),
                cmocka_unit_test(a_replaced_map_says_so_to_its_readers),
                cmocka_unit_test(a_copy_of_all_records_is_the_same_map),
                cmocka_unit_test(the_map_of_an_earlier_run_is_marked_too),
                cmocka_unit_test(a_file_put_there_behind_the_writers_back_is_marked_as_well),
                cmocka_unit_test(rubbish_under_the_name_is_replaced_unharmed),
                cmocka_unit_test(a_withdrawn_map_is_gone_and_says_so),
                cmocka_unit_test(wherever_umd_dies_readers_have_a_whole_map),
                cmocka_unit_test(a_full_disk_is_a_fault_and_leaves_nothing),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
