/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* publish.c under test: a core that is a table of the test's own, a real map, what a reader sees of
 * it. */

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

#define WITH_RIG(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

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

static inline int object_tell(const Object *object, CoreEntryEach each, void *userdata) {
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

/* A guess at best: the tables have to grow all the same. */
int core_status(Core *core, CoreStatus *ret) {
        *ret = (CoreStatus){ .users = core->count / 2 };
        return core->fault;
}

static inline int entry_find(Core *core, bool is_group, const char *name, uint32_t id,
                             CoreEntryEach each, void *userdata) {
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

static inline void etc_write(const Rig *rig, const char *name, const char *text) {
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

static inline void host_told(void *userdata, const HostDiff *diff) {
        Rig *rig = userdata;

        if (rig->publish)
                publish_host_changed(rig->publish, diff);
}

static inline Object *object_add(Rig *rig, bool is_group, uint32_t id, const char *name) {
        Object *object = &rig->core.objects[rig->core.count++];

        assert_true(rig->core.count <= OBJECTS_MAX);
        *object = (Object){ .is_group = is_group, .id = id };
        snprintf(object->name, sizeof(object->name), "%s", name);
        return object;
}

static inline Object *object_of(Rig *rig, uint32_t id) {
        size_t i = 0;

        while (i < rig->core.count - 1 && rig->core.objects[i].id != id)
                i++;
        assert_int_equal(rig->core.objects[i].id, id);
        return &rig->core.objects[i];
}

/* alice and bob, and the group web with both. */
static inline int setup(void **state) {
        Rig *rig = calloc(1, sizeof(*rig));
        HostSpec host = { .log = &quiet, .userdata = rig, .changed = host_told };
        PublishSpec spec = { .log = &quiet, .enumerate = true };
        Object *object;

        if (!rig)
                return -1;
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

static inline int teardown(void **state) {
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

static inline void news(Rig *rig, const Object *object, CoreNews what) {
        rig->listener.changed(rig->listener.userdata,
                              object->is_group ? CORE_OBJECT_GROUP : CORE_OBJECT_USER, what,
                              object->id, object->name, object->name);
}

static inline void run(Rig *rig) {
        assert_int_equal(publish_run(rig->publish, NOW), 0);
}

/* ---- what a reader sees ---------------------------------------------------------------------- */

/* "alice:70000:70000,70010" of the map, by name, with both tables in agreement; "" if it is not
 * there. */
static inline void show_user(const Rig *rig, const char *name, char *buf, size_t size) {
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

static inline void show_group(const Rig *rig, const char *name, char *buf, size_t size) {
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

static inline void expect_user(const Rig *rig, const char *name, const char *shown) {
        char buf[256];

        show_user(rig, name, buf, sizeof(buf));
        assert_string_equal(buf, shown);
}

static inline void expect_group(const Rig *rig, const char *name, const char *shown) {
        char buf[256];

        show_group(rig, name, buf, sizeof(buf));
        assert_string_equal(buf, shown);
}

static inline void expect_count(const Rig *rig, uint64_t users, uint64_t groups) {
        PublishStatus status;

        publish_status(rig->publish, &status);
        assert_true(status.ok);
        assert_int_equal(status.users, users);
        assert_int_equal(status.groups, groups);
        assert_int_equal(status.published_usec, NOW);
        assert_true(status.bytes > 0);
}

static inline bool is_same_file(const Rig *rig, const struct stat *was) {
        struct stat st;

        assert_int_equal(stat(rig->map_path, &st), 0);
        return st.st_ino == was->st_ino;
}
