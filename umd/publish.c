/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* When the map is published.
 *
 * What core_flush() told is in the map before any reply goes out, as a delta or as a new file.  A
 * map that cannot be kept true is withdrawn: libnss_um then asks umd. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>

#include "base/base.h"
#include "umd/publish.h"

#define RETRY_FACTOR 10

/* ---- lists of ids ---------------------------------------------------------------------------- */

int id_list_add(IdList *list, uint32_t id) {
        if (list->count == list->allocated) {
                size_t more = list->allocated > 0 ? list->allocated * 2 : 64;
                uint32_t *grown = reallocarray(list->ids, more, sizeof(*grown));

                if (!grown)
                        return -ENOMEM;
                list->ids = grown;
                list->allocated = more;
        }
        list->ids[list->count++] = id;
        return 0;
}

static int by_id(const void *a, const void *b) {
        uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

        return x < y ? -1 : x > y;
}

void id_list_sort(IdList *list) {
        size_t kept = 0;

        if (list->count == 0)
                return;
        qsort(list->ids, list->count, sizeof(*list->ids), by_id);
        for (size_t i = 1; i < list->count; i++)
                if (list->ids[i] != list->ids[kept])
                        list->ids[++kept] = list->ids[i];
        list->count = kept + 1;
}

bool id_list_has(const IdList *list, uint32_t id) {
        for (size_t i = 0; i < list->count; i++)
                if (list->ids[i] == id)
                        return true;
        return false;
}

void id_list_remove(IdList *list, uint32_t id) {
        for (size_t i = 0; i < list->count; i++)
                if (list->ids[i] == id) {
                        list->ids[i] = list->ids[--list->count];
                        return;
                }
}

void id_list_clear(IdList *list) {
        free(list->ids);
        *list = (IdList){ 0 };
}

/* ---- news ------------------------------------------------------------------------------------ */

/* A list that cannot grow makes a whole file due, which needs no list. */
static void id_note(Publish *publish, IdList *list, uint32_t id) {
        if (list->count > PUBLISH_DELTA_MAX || id_list_add(list, id) < 0)
                publish->file_due = true;
}

static void news_changed(void *userdata, CoreObject object, CoreNews news, uint32_t id,
                         const char *name, const char *old_name) {
        Publish *publish = userdata;

        id_note(publish, &publish->changed, id);
}

/* So many are told by a whole file. */
static void news_everybody(void *userdata) {
        Publish *publish = userdata;

        publish->file_due = true;
}

/* What it was is written by publish_run(), which the manager calls whether there was news or not.
 */
static void news_flushed(void *userdata) {
}

void publish_listener(Publish *publish, CoreListener *ret) {
        *ret = (CoreListener){
                .userdata = publish,
                .changed = news_changed,
                .everybody = news_everybody,
                .flushed = news_flushed,
        };
}

static int entry_disturbed(void *userdata, const CoreEntry *entry) {
        Publish *publish = userdata;

        id_note(publish, &publish->disturbed, entry->id);
        return 0;
}

void publish_host_changed(Publish *publish, const HostDiff *diff) {
        if (diff->name_count + diff->id_count > PUBLISH_DELTA_MAX) {
                publish->file_due = true;
                return;
        }
        for (size_t i = 0; i < diff->id_count; i++)
                id_note(publish, &publish->disturbed, diff->ids[i]);
        for (size_t i = 0; i < diff->name_count; i++) {
                const char *name = diff->names[i];

                if (core_entry_user_by_name(publish->spec.core, name, entry_disturbed, publish) <
                            0 ||
                    core_entry_group_by_name(publish->spec.core, name, entry_disturbed, publish) <
                            0)
                        publish->file_due = true;
        }
}

void publish_set_enumerate(Publish *publish, bool enumerate) {
        if (publish->spec.enumerate == enumerate)
                return;
        publish->spec.enumerate = enumerate;
        publish->file_due = true;
}

bool publish_is_due(const Publish *publish) {
        return publish->file_due || publish->changed.count > 0 || publish->disturbed.count > 0 ||
               publish_next_is_ready(publish);
}

/* ---- a run ----------------------------------------------------------------------------------- */

static void publish_withdraw(Publish *publish, int fault) {
        int r = map_withdraw(publish->spec.dir_fd, publish->writer);

        publish->writer = map_writer_free(publish->writer);
        publish->file_due = true;
        publish->status.ok = false;
        if (!publish->withdrawn)
                log_write(publish->spec.log,
                          &(LogRecord){ .priority = LOG_ERR,
                                        .message = MESSAGE_MAP_WITHDRAWN,
                                        .fault = fault },
                          "the map cannot be published and is withdrawn: lookups ask umd");
        if (r < 0)
                log_write(publish->spec.log, &(LogRecord){ .priority = LOG_CRIT, .fault = r },
                          "the old map cannot be withdrawn: remove %s", publish->spec.path);
        publish->withdrawn = true;
}

static void run_done(Publish *publish, bool is_file, uint64_t started_usec, uint64_t now_usec) {
        if (publish->withdrawn)
                log_write(publish->spec.log,
                          &(LogRecord){ .priority = LOG_NOTICE, .message = MESSAGE_MAP_BACK },
                          "the map is published again");
        publish->withdrawn = false;
        publish->status.ok = true;
        publish->status.published_usec = now_usec;
        log_write(publish->spec.log, &(LogRecord){ .priority = LOG_DEBUG },
                  "%s published in %llu us: %llu users, %llu groups", is_file ? "map" : "delta",
                  (unsigned long long)(base_boottime_usec() - started_usec),
                  (unsigned long long)publish->status.users,
                  (unsigned long long)publish->status.groups);
}

/* As a delta where that is possible, if need be in the file made beside, else as a new file. */
static int publish_do(Publish *publish, bool *ret_is_file) {
        int r = 1;

        if (!publish->file_due)
                r = publish_delta(publish);
        if (r == MAP_E_FULL && publish->changed.count <= PUBLISH_DELTA_MAX &&
            publish_next_adopt(publish, true, &publish->changed) == 0)
                r = publish_delta(publish);
        *ret_is_file = r != 0; /* full, or a fault that a new file may be spared */
        if (r != 0) {
                publish_next_drop(publish);
                return publish_file(publish);
        }
        (void)publish_next_adopt(publish, false, NULL);
        publish_next_begin(publish);
        return 0;
}

int publish_run(Publish *publish, uint64_t now_usec) {
        uint64_t started_usec = base_boottime_usec(), ended_usec;
        bool is_file;
        int r;

        if (!publish_is_due(publish) || (publish->withdrawn && started_usec < publish->retry_usec))
                return 0;
        r = publish_do(publish, &is_file);
        /* whatever became of them: a file has all, and after a fault a file is due */
        publish->changed.count = 0;
        publish->disturbed.count = 0;
        publish->file_due = false;
        publish_tells_write(publish, now_usec);
        if (r >= 0) {
                run_done(publish, is_file, started_usec, now_usec);
                return 0;
        }
        /* a whole file for each change of a busy time would be all that umd does */
        ended_usec = base_boottime_usec();
        publish->retry_usec =
                ended_usec + PUBLISH_RETRY_USEC + RETRY_FACTOR * (ended_usec - started_usec);
        publish_withdraw(publish, r);
        return r;
}

void publish_status(const Publish *publish, PublishStatus *ret) {
        struct stat st;

        *ret = publish->status;
        if (ret->ok && fstatat(publish->spec.dir_fd, MAP_NAME, &st, AT_SYMLINK_NOFOLLOW) == 0)
                ret->bytes = (uint64_t)st.st_size;
}

int publish_new(const PublishSpec *spec, Publish **ret) {
        Publish *publish = calloc(1, sizeof(*publish));

        if (!publish)
                return -ENOMEM;
        publish->spec = *spec;
        publish->file_due = true;
        *ret = publish;
        return 0;
}

Publish *publish_free(Publish *publish) {
        if (!publish)
                return NULL;
        publish_next_drop(publish);
        if (publish->has_view)
                map_close(&publish->view);
        map_writer_free(publish->writer);
        id_list_clear(&publish->changed);
        id_list_clear(&publish->disturbed);
        id_list_clear(&publish->hidden);
        free(publish->tells);
        free(publish);
        return NULL;
}
