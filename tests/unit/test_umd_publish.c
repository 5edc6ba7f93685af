/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What stands in the map: core's users and groups without what the host holds, after each kind of
 * change.  core is a table of the test's own here; host and map are the real ones. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"
#include "map/map.h"
#include "tests/unit/wrap_memory.h"
#include "umd/umd.h"

#define OBJECTS_MAX 2048U
#define NOW         ((uint64_t)1700000000 * USEC_PER_SEC)

static const Log quiet = { .journal = false };

/* ---- a core of the test's own ---------------------------------------------------------------- */

typedef struct Object {
        bool is_group, absent;
        uint32_t id;
        char name[40];
        gid_t gids[4];
        size_t gid_count;
        const char *members[4];
        size_t member_count;
} Object;

struct Core {
        Object objects[OBJECTS_MAX];
        size_t count;
        int fault; /* of core_entries_all */
        char audit[1024];
};

static int object_tell(const Object *object, CoreEntryEach each, void *userdata) {
        CoreEntry entry = {
                .is_group = object->is_group,
                .id = object->id,
                .name = object->name,
                .gecos = "",
                .home = "/home/x",
                .shell = "/bin/sh",
                .gids = object->gids,
                .gid_count = object->gid_count,
                .members = object->members,
                .member_count = object->member_count,
        };
        CoreEntry private = { .is_group = true, .id = object->id, .name = object->name };
        int r;

        if (object->absent)
                return CORE_E_NO_SUCH_USER;
        r = each(userdata, &entry);
        return r != 0 || object->is_group ? r : each(userdata, &private);
}

int core_entries_all(Core *core, CoreEntryEach each, void *userdata) {
        int r = core->fault;

        for (size_t i = 0; r == 0 && i < core->count; i++)
                if (!core->objects[i].absent)
                        r = object_tell(&core->objects[i], each, userdata);
        return r;
}

static int entry_find(Core *core, bool is_group, const char *name, uint32_t id, CoreEntryEach each,
                      void *userdata) {
        for (size_t i = 0; i < core->count; i++) {
                const Object *object = &core->objects[i];

                if (object->is_group == is_group &&
                    (name ? strcmp(object->name, name) == 0 : object->id == id))
                        return object_tell(object, each, userdata);
        }
        return is_group ? CORE_E_NO_SUCH_GROUP : CORE_E_NO_SUCH_USER;
}

int core_entry_user(Core *core, uid_t uid, CoreEntryEach each, void *userdata) {
        return entry_find(core, false, NULL, uid, each, userdata);
}

int core_entry_group(Core *core, gid_t gid, CoreEntryEach each, void *userdata) {
        return entry_find(core, true, NULL, gid, each, userdata);
}

int core_entry_user_by_name(Core *core, const char *name, CoreEntryEach each, void *userdata) {
        return entry_find(core, false, name, 0, each, userdata);
}

int core_entry_group_by_name(Core *core, const char *name, CoreEntryEach each, void *userdata) {
        return entry_find(core, true, name, 0, each, userdata);
}

int core_audit_system(Core *core, const char *verb, const char *object, uint32_t object_id,
                      const char *reason, uint64_t now_usec) {
        size_t len = strlen(core->audit);

        assert_int_equal(now_usec, NOW);
        snprintf(core->audit + len, sizeof(core->audit) - len, "%s %s %u;", verb, object,
                 object_id);
        return 0;
}

/* ---- the rig --------------------------------------------------------------------------------- */

typedef struct Rig {
        char dir[40], map_path[64];
        int dir_fd;
        sd_event *event;
        Host *host;
        Core core;
        Publish *publish;
        CoreListener listener;
} Rig;

static void etc_write(const Rig *rig, const char *name, const char *text) {
        char path[160], beside[160];
        FILE *f;

        snprintf(path, sizeof(path), "%s/%s", rig->dir, name);
        snprintf(beside, sizeof(beside), "%s/.new", rig->dir);
        f = fopen(beside, "w");
        assert_non_null(f);
        assert_true(fputs(text, f) >= 0);
        assert_int_equal(fclose(f), 0);
        assert_int_equal(rename(beside, path), 0);
}

static void host_told(void *userdata, const HostDiff *diff) {
        Rig *rig = userdata;

        if (rig->publish)
                publish_host_changed(rig->publish, diff);
}

static Object *object_add(Rig *rig, bool is_group, uint32_t id, const char *name) {
        Object *object = &rig->core.objects[rig->core.count++];

        assert_true(rig->core.count <= OBJECTS_MAX);
        *object = (Object){ .is_group = is_group, .id = id };
        snprintf(object->name, sizeof(object->name), "%s", name);
        return object;
}

static Object *object_of(Rig *rig, uint32_t id) {
        size_t i = 0;

        while (i < rig->core.count - 1 && rig->core.objects[i].id != id)
                i++;
        assert_int_equal(rig->core.objects[i].id, id);
        return &rig->core.objects[i];
}

/* alice and bob, and the group web with both. */
static int setup(void **state) {
        Rig *rig = calloc(1, sizeof(*rig));
        HostSpec host = { .log = &quiet, .userdata = rig, .changed = host_told };
        PublishSpec spec = { .log = &quiet, .enumerate = true };
        Object *object;

        snprintf(rig->dir, sizeof(rig->dir), "/tmp/um-test-publish-XXXXXX");
        assert_non_null(mkdtemp(rig->dir));
        snprintf(rig->map_path, sizeof(rig->map_path), "%s/" MAP_NAME, rig->dir);
        rig->dir_fd = open(rig->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        etc_write(rig, "passwd", "root:x:0:0::/root:/bin/sh\n");
        etc_write(rig, "group", "root:x:0:\n");
        assert_true(sd_event_new(&rig->event) >= 0);
        host.event = rig->event;
        host.etc = rig->dir;
        assert_int_equal(host_new(&host, &rig->host), 0);
        object = object_add(rig, false, 70000, "alice");
        object->gids[object->gid_count++] = 70010;
        object = object_add(rig, false, 70001, "bob");
        object->gids[object->gid_count++] = 70010;
        object = object_add(rig, true, 70010, "web");
        object->members[object->member_count++] = "alice";
        object->members[object->member_count++] = "bob";
        spec.core = &rig->core;
        spec.host = rig->host;
        spec.dir_fd = rig->dir_fd;
        spec.path = rig->map_path;
        assert_int_equal(publish_new(&spec, &rig->publish), 0);
        publish_listener(rig->publish, &rig->listener);
        *state = rig;
        return 0;
}

static int teardown(void **state) {
        Rig *rig = *state;
        char command[80];

        publish_free(rig->publish);
        host_free(rig->host);
        sd_event_unref(rig->event);
        base_close(rig->dir_fd);
        snprintf(command, sizeof(command), "rm -r %s", rig->dir);
        free(rig);
        return system(command);
}

static void news(Rig *rig, const Object *object, CoreNews what) {
        rig->listener.changed(rig->listener.userdata,
                              object->is_group ? CORE_OBJECT_GROUP : CORE_OBJECT_USER, what,
                              object->id, object->name, object->name);
}

static void run(Rig *rig) {
        assert_int_equal(publish_run(rig->publish, NOW), 0);
}

/* ---- what a reader sees ---------------------------------------------------------------------- */

/* "alice:70000:70000,70010" of the map, by name, with both tables in agreement; "" if it is not
 * there. */
static void show_user(const Rig *rig, const char *name, char *buf, size_t size) {
        MapUser user, same;
        MapView view;
        Text text;
        int r;

        base_text_init(&text, buf, size);
        assert_int_equal(map_open(rig->map_path, &view), 0);
        r = map_user_by_name(&view, name, strlen(name), &user);
        assert_true(r >= 0);
        if (r == 1) {
                base_text_addf(&text, "%s:%u:", user.strings, user.uid);
                for (uint32_t i = 0; i < user.gid_count; i++)
                        base_text_addf(&text, "%s%u", i > 0 ? "," : "", user.gids[i]);
                assert_int_equal(map_user_by_uid(&view, user.uid, &same), 1);
                assert_string_equal(same.strings, name);
        }
        map_close(&view);
}

static void show_group(const Rig *rig, const char *name, char *buf, size_t size) {
        MapGroup group, same;
        MapView view;
        Text text;
        int r;

        base_text_init(&text, buf, size);
        assert_int_equal(map_open(rig->map_path, &view), 0);
        r = map_group_by_name(&view, name, strlen(name), &group);
        assert_true(r >= 0);
        if (r == 1) {
                base_text_addf(&text, "%s:%u:", group.strings, group.gid);
                for (uint32_t i = 0; i < group.member_count; i++)
                        base_text_addf(&text, "%s%s", i > 0 ? "," : "",
                                       group.strings + group.member_at[i]);
                assert_int_equal(map_group_by_gid(&view, group.gid, &same), 1);
                assert_string_equal(same.strings, name);
        }
        map_close(&view);
}

static void expect_user(const Rig *rig, const char *name, const char *shown) {
        char buf[256];

        show_user(rig, name, buf, sizeof(buf));
        assert_string_equal(buf, shown);
}

static void expect_group(const Rig *rig, const char *name, const char *shown) {
        char buf[256];

        show_group(rig, name, buf, sizeof(buf));
        assert_string_equal(buf, shown);
}

static void expect_count(const Rig *rig, uint64_t users, uint64_t groups) {
        PublishStatus status;

        publish_status(rig->publish, &status);
        assert_true(status.ok);
        assert_int_equal(status.users, users);
        assert_int_equal(status.groups, groups);
        assert_int_equal(status.published_usec, NOW);
        assert_true(status.bytes > 0);
}

static bool is_same_file(const Rig *rig, const struct stat *was) {
        struct stat st;

        assert_int_equal(stat(rig->map_path, &st), 0);
        return st.st_ino == was->st_ino;
}

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

/* ---- faults ---------------------------------------------------------------------------------- */

static void test_a_fault_withdraws_the_map_and_the_next_run_brings_it_back(void **state) {
        uint64_t deadline_usec = base_boottime_usec() + 10 * USEC_PER_SEC;
        Rig *rig = *state;
        PublishStatus status;
        MapView reader;

        run(rig);
        assert_int_equal(map_open(rig->map_path, &reader), 0);
        rig->core.fault = -EIO;
        publish_set_enumerate(rig->publish, false); /* a new file is due */
        assert_int_equal(publish_run(rig->publish, NOW), -EIO);
        assert_int_equal(access(rig->map_path, F_OK), -1);
        assert_true(map_is_stale(&reader)); /* who still has it looks again */
        map_close(&reader);
        publish_status(rig->publish, &status);
        assert_false(status.ok);
        assert_true(publish_is_due(rig->publish));

        rig->core.fault = 0;
        while (!status.ok && base_boottime_usec() < deadline_usec) {
                assert_int_equal(publish_run(rig->publish, NOW), 0);
                assert_true(sd_event_run(rig->event, 50 * USEC_PER_MSEC) >= 0);
                publish_status(rig->publish, &status);
        }
        expect_user(rig, "alice", "alice:70000:70000,70010");
        expect_count(rig, 2, 3);
}

static void test_a_record_the_map_refuses_is_left_out_alone(void **state) {
        Rig *rig = *state;

        run(rig);
        news(rig, object_add(rig, false, 70003, "Not-A-Name"), CORE_NEWS_ADDED);
        news(rig, object_add(rig, false, 70004, "dave"), CORE_NEWS_ADDED);
        run(rig);
        expect_user(rig, "dave", "dave:70004:70004");
        expect_user(rig, "alice", "alice:70000:70000,70010");
        expect_user(rig, "Not-A-Name", "");
}

/* Runs until the map is right again, however long it stays away. */
static void recover(Rig *rig) {
        uint64_t deadline_usec = base_boottime_usec() + 10 * USEC_PER_SEC;
        PublishStatus status;

        do {
                assert_int_equal(publish_run(rig->publish, NOW), 0);
                publish_status(rig->publish, &status);
                if (!status.ok)
                        assert_true(sd_event_run(rig->event, 50 * USEC_PER_MSEC) >= 0);
        } while (!status.ok && base_boottime_usec() < deadline_usec);
        assert_true(status.ok);
}

static void test_without_memory_the_map_is_right_or_away(void **state) {
        static const char *const names[] = { "alice", "alicia" };
        Rig *rig = *state;
        Object *alice = object_of(rig, 70000), *web = object_of(rig, 70010);
        unsigned turn = 0;

        run(rig);
        for (memory_first(); memory_next(); turn++) {
                const char *now = names[turn % 2], *before = names[(turn + 1) % 2];
                char shown[64];

                snprintf(alice->name, sizeof(alice->name), "%s", now);
                web->members[0] = now;
                memory_on();
                news(rig, alice, CORE_NEWS_CHANGED);
                news(rig, web, CORE_NEWS_CHANGED);
                (void)publish_run(rig->publish, NOW);
                memory_off();
                if (access(rig->map_path, F_OK) < 0)
                        recover(rig);
                snprintf(shown, sizeof(shown), "%s:70000:70000,70010", now);
                expect_user(rig, now, shown);
                expect_user(rig, before, "");
                snprintf(shown, sizeof(shown), "web:70010:%s,bob", now);
                expect_group(rig, "web", shown);
        }
        assert_true(turn > 10);
}

static void test_without_memory_a_whole_file_is_right_or_away(void **state) {
        Rig *rig = *state;
        unsigned turn = 0;

        for (memory_first(); memory_next(); turn++) {
                publish_set_enumerate(rig->publish, turn % 2 == 0);
                memory_on();
                (void)publish_run(rig->publish, NOW);
                memory_off();
                if (access(rig->map_path, F_OK) < 0)
                        recover(rig);
                expect_user(rig, "alice", "alice:70000:70000,70010");
                expect_group(rig, "web", "web:70010:alice,bob");
                if (turn == 3) /* each of them costs a pause before the next try */
                        memory.hit = false;
        }
}

#define WITH_RIG(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

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
                WITH_RIG(test_a_fault_withdraws_the_map_and_the_next_run_brings_it_back),
                WITH_RIG(test_a_record_the_map_refuses_is_left_out_alone),
                WITH_RIG(test_without_memory_the_map_is_right_or_away),
                WITH_RIG(test_without_memory_a_whole_file_is_right_or_away),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
