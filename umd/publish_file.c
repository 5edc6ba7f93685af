/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The whole map as a new file: at start, when deltas have grown too many, and after any doubt.
 *
 * A record that the map does not take (it checks every field once more) is left out and told: one
 * bad record must not take everybody's names away.  Any other fault ends it with the old file still
 * in place. */

#include <errno.h>
#include <malloc.h>
#include <syslog.h>

#include "base/base.h"
#include "umd/publish.h"

typedef struct Whole {
        Publish *publish;
        MapBuild *build;
        uint64_t users, groups;
} Whole;

static int entry_build(Whole *whole, const CoreEntry *entry) {
        PublishLists lists = { 0 };
        MapGroupSpec group;
        MapUserSpec user;
        int r;

        if (entry->is_group) {
                r = publish_group_spec(whole->publish, entry, &lists, &group);
                if (r >= 0)
                        r = map_build_group(whole->build, &group);
        } else {
                r = publish_user_spec(whole->publish, entry, &lists, &user);
                if (r >= 0)
                        r = map_build_user(whole->build, &user);
        }
        publish_lists_done(&lists);
        return r;
}

static int entry_add(void *userdata, const CoreEntry *entry) {
        Whole *whole = userdata;
        const char *file = publish_hides(whole->publish, entry);
        int r;

        publish_tell(whole->publish, entry, file);
        if (file)
                return 0;
        r = entry_build(whole, entry);
        if (r == -EINVAL || r == -EEXIST || r == -E2BIG) {
                log_write(whole->publish->spec.log,
                          &(LogRecord){ .priority = LOG_ERR, .fault = r, .object = entry->name },
                          "the record of %s (id %u) cannot be shown and is left out", entry->name,
                          entry->id);
                return 0;
        }
        if (r < 0)
                return r;
        *(entry->is_group ? &whole->groups : &whole->users) += 1;
        return 0;
}

int publish_writer_set(Publish *publish, MapWriter *writer) {
        int r = map_publish(publish->spec.dir_fd, writer, publish->writer);

        if (r < 0)
                return r;
        map_writer_free(publish->writer);
        publish->writer = writer;
        if (publish->has_view)
                map_close(&publish->view);
        publish->has_view = false;
        return 0;
}

uint32_t publish_flags(const Publish *publish) {
        return MAP_FLAG_COMPLETE | (publish->spec.enumerate ? MAP_FLAG_ENUMERATE : 0);
}

int publish_file(Publish *publish) {
        _cleanup_(map_writer_freep) MapWriter *writer = NULL;
        _cleanup_(map_build_freep) MapBuild *build = NULL;
        Whole whole = { .publish = publish };
        CoreStatus status;
        int r = map_build_new(publish_flags(publish), &build);

        whole.build = build;
        if (r >= 0)
                r = core_status(publish->spec.core, &status);
        if (r >= 0) /* each user brings a group */
                r = map_build_expect(build, status.users, status.users + status.groups);
        if (r >= 0)
                r = core_entries_all(publish->spec.core, entry_add, &whole);
        if (r >= 0)
                r = map_build_write(build, publish->spec.dir_fd, &writer);
        if (r >= 0)
                r = publish_writer_set(publish, writer);
        if (r < 0)
                return r;
        TAKE(writer);
        publish->status.users = whole.users;
        publish->status.groups = whole.groups;
        build = map_build_free(build);
        (void)malloc_trim(0); /* a million users are 300 MiB that are not needed again for long */
        return 0;
}
