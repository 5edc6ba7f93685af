/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* When the map is published, and what is left out of it.
 *
 * What core_flush() told is in the map before any reply goes out, as a delta or as a new file.  A
 * name or an id that /etc/passwd or /etc/group holds is never in it, neither as a record nor in
 * another's list: nobody local gets a group of um's by having a member's name.  A map that cannot
 * be kept true is withdrawn: libnss_um then asks umd. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>

#include "base/base.h"
#include "umd/publish.h"

#define RETRY_USEC   USEC_PER_SEC
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

/* ---- what is left out ------------------------------------------------------------------------ */

const char *publish_hides(const Publish *publish, const CoreEntry *entry) {
        const char *file = host_holds_name(publish->spec.host, entry->name);

        return file ? file : host_holds_id(publish->spec.host, entry->id);
}

void publish_tell(Publish *publish, const CoreEntry *entry, const char *file, uint64_t now_usec) {
        const Log *log = publish->spec.log;
        char object[BASE_NAME_MAX + 8], reason[64];
        bool known = id_list_has(&publish->hidden, entry->id);
        int r;

        if (known == !!file || (file && publish->hidden.count >= PUBLISH_HIDDEN_MAX))
                return;
        snprintf(object, sizeof(object), "%s/%.*s", entry->is_group ? "group" : "user",
                 (int)BASE_NAME_MAX, entry->name);
        if (file && id_list_add(&publish->hidden, entry->id) < 0)
                return;
        if (!file)
                id_list_remove(&publish->hidden, entry->id);
        snprintf(reason, sizeof(reason), "%s %s", file ? file : "/etc/passwd and /etc/group",
                 file ? "has its name or id" : "left its name and id");
        log_write(log,
                  &(LogRecord){ .priority = file ? LOG_WARNING : LOG_NOTICE,
                                .message = file ? MESSAGE_COLLISION : MESSAGE_COLLISION_OVER,
                                .object = object },
                  "%s (id %u) is %s: %s", object, entry->id, file ? "hidden" : "shown again",
                  reason);
        r = core_audit_system(publish->spec.core, file ? "map.hide" : "map.show", object, entry->id,
                              reason, now_usec);
        if (r < 0)
                log_write(log, &(LogRecord){ .priority = LOG_ERR, .fault = r, .object = object },
                          "the audit has no entry of that");
}

int publish_user_spec(const Publish *publish, const CoreEntry *entry, PublishLists *lists,
                      MapUserSpec *ret) {
        size_t count = 0;

        *lists = (PublishLists){ .gids = calloc(entry->gid_count + 1, sizeof(gid_t)) };
        if (!lists->gids)
                return -ENOMEM;
        for (size_t i = 0; i < entry->gid_count; i++)
                if (!host_holds_id(publish->spec.host, entry->gids[i]))
                        lists->gids[count++] = entry->gids[i];
        *ret = (MapUserSpec){
                .uid = entry->id,
                .gid = entry->id, /* the private group's */
                .name = entry->name,
                .gecos = entry->gecos,
                .home = entry->home,
                .shell = entry->shell,
                .gids = lists->gids,
                .gid_count = count,
        };
        return 0;
}

int publish_group_spec(const Publish *publish, const CoreEntry *entry, PublishLists *lists,
                       MapGroupSpec *ret) {
        size_t count = 0;

        *lists = (PublishLists){ .members = calloc(entry->member_count + 1, sizeof(char *)) };
        if (!lists->members)
                return -ENOMEM;
        for (size_t i = 0; i < entry->member_count; i++)
                if (!host_holds_name(publish->spec.host, entry->members[i]))
                        lists->members[count++] = entry->members[i];
        *ret = (MapGroupSpec){
                .gid = entry->id,
                .name = entry->name,
                .members = lists->members,
                .member_count = count,
        };
        return 0;
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

/* What it was is written by publish_run(), which the manager calls whether there was news or not.
 */
static void news_flushed(void *userdata) {
}

void publish_listener(Publish *publish, CoreListener *ret) {
        *ret = (CoreListener){
                .userdata = publish,
                .changed = news_changed,
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
        return publish->file_due || publish->changed.count > 0 || publish->disturbed.count > 0;
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

/* What there is goes into the next delta or file, whatever becomes of it: news are needed once. */
static int publish_do(Publish *publish, uint64_t started_usec, uint64_t now_usec) {
        bool is_file = publish->file_due;
        int r = 0;

        if (!is_file) {
                r = publish_delta(publish, now_usec);
                is_file = r != 0; /* full, or something a new file may be spared */
        }
        if (is_file)
                r = publish_file(publish, now_usec);
        publish->changed.count = 0;
        publish->disturbed.count = 0;
        publish->file_due = false;
        if (r >= 0)
                run_done(publish, is_file, started_usec, now_usec);
        return r;
}

int publish_run(Publish *publish, uint64_t now_usec) {
        uint64_t started_usec = base_boottime_usec(), ended_usec;
        int r;

        if (!publish_is_due(publish) || (publish->withdrawn && started_usec < publish->retry_usec))
                return 0;
        r = publish_do(publish, started_usec, now_usec);
        if (r >= 0)
                return 0;
        /* a whole file for each change of a busy time would be all that umd does */
        ended_usec = base_boottime_usec();
        publish->retry_usec = ended_usec + RETRY_USEC + RETRY_FACTOR * (ended_usec - started_usec);
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
        if (publish->has_view)
                map_close(&publish->view);
        map_writer_free(publish->writer);
        id_list_clear(&publish->changed);
        id_list_clear(&publish->disturbed);
        id_list_clear(&publish->hidden);
        free(publish);
        return NULL;
}
