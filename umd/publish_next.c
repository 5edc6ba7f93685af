/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The next whole file, made in a thread while the loop goes on.
 *
 * Deltas can grow only so far, and a new file takes seconds where there are a million users: too
 * long for a login to wait.  So it is begun when they are half full, from the published file itself
 * as of that moment, which nobody changes; core belongs to the loop's thread alone.  What changes
 * meanwhile goes into the old file as ever, and once more into the new one before that takes its
 * place. */

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <string.h>
#include <syslog.h>

#include "base/base.h"
#include "umd/publish.h"

/* What may change meanwhile; with more, deltas would be full at once again. */
#define NEXT_CHANGES_MAX 768U

struct PublishNext {
        pthread_t thread;
        /* The thread's, until it is done. */
        MapView view;
        MapCursor users, groups;
        uint32_t flags;
        uint64_t user_count, group_count; /* about */
        int dir_fd;
        MapWriter *writer;
        int r;
        bool done; /* atomic: the thread's last word */
        /* The loop's. */
        IdList ids;
        PublishGone *gone;
        size_t gone_count;
        bool too_many;
};

/* ---- in the thread --------------------------------------------------------------------------- */

static int file_copy(PublishNext *next, MapBuild *build) {
        MapGroup group;
        MapUser user;
        int r = map_build_expect(build, next->user_count, next->group_count);

        if (r < 0)
                return r;
        while ((r = map_user_next(&next->view, &next->users, &user)) > 0) {
                r = map_build_copy_user(build, &user);
                if (r < 0)
                        return r;
        }
        while (r == 0 && (r = map_group_next(&next->view, &next->groups, &group)) > 0)
                r = map_build_copy_group(build, &group);
        return r < 0 ? r : map_build_write(build, next->dir_fd, &next->writer);
}

static void *next_make(void *userdata) {
        PublishNext *next = userdata;
        MapBuild *build = NULL;

        next->r = map_build_new(next->flags, &build);
        if (next->r >= 0)
                next->r = file_copy(next, build);
        map_build_free(build);
        __atomic_store_n(&next->done, true, __ATOMIC_RELEASE);
        return NULL;
}

/* ---- in the loop ----------------------------------------------------------------------------- */

static void next_free(PublishNext *next) {
        map_close(&next->view);
        map_writer_free(next->writer);
        id_list_clear(&next->ids);
        free(next->gone);
        free(next);
}

static int next_start(PublishNext *next, const char *path) {
        int r = map_open(path, &next->view);

        if (r < 0)
                return r;
        r = map_cursor_start(&next->view, &next->users);
        if (r >= 0)
                r = map_cursor_start(&next->view, &next->groups);
        if (r >= 0)
                r = -pthread_create(&next->thread, NULL, next_make, next);
        if (r < 0)
                map_close(&next->view);
        return r;
}

void publish_next_begin(Publish *publish) {
        PublishNext *next;
        int r;

        if (publish->next || !map_writer_is_filling(publish->writer) ||
            base_boottime_usec() < publish->next_usec)
                return;
        next = calloc(1, sizeof(*next));
        if (!next)
                return;
        next->flags = publish_flags(publish);
        next->user_count = publish->status.users;
        next->group_count = publish->status.groups;
        next->dir_fd = publish->spec.dir_fd;
        next->gone = calloc(NEXT_CHANGES_MAX, sizeof(*next->gone));
        r = next->gone ? next_start(next, publish->spec.path) : -ENOMEM;
        if (r >= 0) {
                publish->next = next;
                return;
        }
        free(next->gone);
        free(next);
        publish->next_usec = base_boottime_usec() + PUBLISH_RETRY_USEC;
}

static void gone_note(PublishNext *next, bool is_group, const char *name, uint32_t id) {
        PublishGone *gone = &next->gone[next->gone_count];
        size_t len = strlen(name);

        if (next->gone_count == NEXT_CHANGES_MAX || len > BASE_NAME_MAX) {
                next->too_many = true;
                return;
        }
        *gone = (PublishGone){ .is_group = is_group, .id = id };
        memcpy(gone->name, name, len + 1);
        next->gone_count++;
}

void publish_next_note(Publish *publish, const IdList *ids, const MapChange *changes,
                       size_t change_count) {
        PublishNext *next = publish->next;

        if (!next || next->too_many)
                return;
        for (size_t i = 0; i < change_count; i++) {
                if (changes[i].gone_user_name)
                        gone_note(next, false, changes[i].gone_user_name, changes[i].gone_uid);
                if (changes[i].gone_group_name)
                        gone_note(next, true, changes[i].gone_group_name, changes[i].gone_gid);
        }
        for (size_t i = 0; i < ids->count; i++)
                if (next->ids.count >= NEXT_CHANGES_MAX || id_list_add(&next->ids, ids->ids[i]) < 0)
                        next->too_many = true;
}

bool publish_next_is_ready(const Publish *publish) {
        return publish->next && __atomic_load_n(&publish->next->done, __ATOMIC_ACQUIRE);
}

/* An object that the coming delta changes stays as the thread found it: the delta then sees its old
 * name in the file, and takes it away. */
static int next_publish(Publish *publish, PublishNext *next, const IdList *coming) {
        int r = next->too_many ? MAP_E_FULL : next->r;

        id_list_sort(&next->ids);
        for (size_t i = 0; coming && i < coming->count; i++)
                id_list_remove(&next->ids, coming->ids[i]);
        if (r == 0)
                r = publish_delta_again(publish, next->writer, &next->ids, next->gone,
                                        next->gone_count);
        if (r == 0)
                r = publish_writer_set(publish, next->writer);
        if (r == 0)
                TAKE(next->writer);
        return r;
}

int publish_next_adopt(Publish *publish, bool wait, const IdList *coming) {
        PublishNext *next = publish->next;
        int r;

        if (!next || (!wait && !publish_next_is_ready(publish)))
                return 1;
        (void)pthread_join(next->thread, NULL);
        publish->next = NULL;
        r = next_publish(publish, next, coming);
        log_write(publish->spec.log, &(LogRecord){ .priority = LOG_DEBUG, .fault = r < 0 ? r : 0 },
                  "the next map %s", r == 0 ? "took the place of the one before" : "is of no use");
        if (r != 0) /* the old one is as true as it was; a run that finds it full makes a new one */
                publish->next_usec = base_boottime_usec() + PUBLISH_RETRY_USEC;
        next_free(next);
        (void)malloc_trim(0);
        return r == 0 ? 0 : 1;
}

void publish_next_drop(Publish *publish) {
        PublishNext *next = publish->next;

        if (!next)
                return;
        (void)pthread_join(next->thread, NULL);
        publish->next = NULL;
        next_free(next);
}
