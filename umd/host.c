/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the host holds without um: names and ids of /etc/passwd and /etc/group, ranges of
 * /etc/subuid and /etc/subgid, ids of running processes, time zones.
 *
 * Local names and ids always win, so the two files are watched (the folder: they are replaced by
 * rename) and every change is told.  They are read line by line with the parser libnss_um uses too,
 * never through NSS, which would ask um.  A file that cannot be read leaves what was known. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <syslog.h>
#include <unistd.h>

#include "base/base.h"
#include "umd/host.h"
#include "umd/umd.h"

/* Editors write a file in several steps: look when it is quiet.  Well below the second promised. */
#define SETTLE_USEC (100 * USEC_PER_MSEC)
/* A scan of /proc takes milliseconds; ids of processes are a last line of defence. */
#define PROCESSES_AGE_USEC (5 * USEC_PER_SEC)

static const char *const kind_files[_HOST_KIND_MAX] = {
        [HOST_PASSWD] = "passwd",
        [HOST_GROUP] = "group",
};

static const char *const kind_paths[_HOST_KIND_MAX] = {
        [HOST_PASSWD] = BASE_PASSWD_PATH,
        [HOST_GROUP] = BASE_GROUP_PATH,
};

struct Host {
        HostSpec spec;
        sd_event_source *watch, *settle;
        HostList *lists[_HOST_KIND_MAX];
        bool told_unreadable[_HOST_KIND_MAX];
        uint32_t *process_ids;
        size_t process_id_count;
        uint64_t processes_usec; /* boottime of the scan; 0: never */
};

/* ---- looking up ------------------------------------------------------------------------------ */

const char *host_name_held(Host *host, const char *name, bool group) {
        HostKind kind = group ? HOST_GROUP : HOST_PASSWD;

        return host_list_has_name(host->lists[kind], name) ? kind_paths[kind] : NULL;
}

bool host_group_gid(const Host *host, const char *name, gid_t *ret) {
        return host_list_id_of(host->lists[HOST_GROUP], name, ret);
}

const char *host_group_at(const Host *host, size_t at) {
        return host_list_name_at(host->lists[HOST_GROUP], at);
}

const char *host_holds_name(const Host *host, const char *name) {
        for (size_t i = 0; i < _HOST_KIND_MAX; i++)
                if (host_list_has_name(host->lists[i], name))
                        return kind_paths[i];
        return NULL;
}

const char *host_holds_id(const Host *host, uint32_t id) {
        for (size_t i = 0; i < _HOST_KIND_MAX; i++)
                if (host_list_name_of(host->lists[i], id))
                        return kind_paths[i];
        return NULL;
}

bool host_is_user(const Host *host, const char *name, uint32_t uid) {
        const char *holder = host_list_name_of(host->lists[HOST_PASSWD], uid);

        return holder && strcmp(holder, name) == 0;
}

bool host_home_held(Host *host, const char *home, char *ret_holder, size_t size) {
        const char *owner = host_list_owner_of(host->lists[HOST_PASSWD], home);

        if (owner)
                snprintf(ret_holder, size, "%s in %s", owner, kind_paths[HOST_PASSWD]);
        return owner != NULL;
}

/* "alice:100000:65536"; its name is what is left in line. */
static bool sub_ids_parse(char *line, uint64_t *ret_first, uint64_t *ret_count) {
        char *rest = line, *first, *count;

        line[strcspn(line, "\n")] = '\0';
        (void)strsep(&rest, ":");
        first = strsep(&rest, ":");
        count = strsep(&rest, ":");
        return first && count && base_parse_u64(first, 0, UINT32_MAX, ret_first) >= 0 &&
               base_parse_u64(count, 0, UINT32_MAX, ret_count) >= 0;
}

/* /etc/subuid and /etc/subgid are small and change under us: read when asked. */
static bool sub_id_held(const Host *host, const char *file, uint32_t id, char *ret_holder,
                        size_t size) {
        char path[512], line[512];
        uint64_t first, count;
        bool held = false;
        FILE *f;

        if (snprintf(path, sizeof(path), "%s/%s", host->spec.etc, file) >= (int)sizeof(path))
                return false;
        f = fopen(path, "re");
        if (!f)
                return false;
        while (!held && fgets(line, sizeof(line), f))
                held = sub_ids_parse(line, &first, &count) && id >= first && id - first < count;
        fclose(f);
        if (held)
                snprintf(ret_holder, size, "sub-ids of %s in /etc/%s", line, file);
        return held;
}

static int by_id(const void *a, const void *b) {
        const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

        return x < y ? -1 : x > y;
}

static void process_ids_refresh(Host *host) {
        uint64_t now_usec = base_boottime_usec();
        uint32_t *ids;
        size_t count;

        if (host->processes_usec > 0 && now_usec - host->processes_usec < PROCESSES_AGE_USEC)
                return;
        if (host_process_ids("/proc", &ids, &count) < 0)
                return;
        free(host->process_ids);
        host->process_ids = ids;
        host->process_id_count = count;
        host->processes_usec = now_usec;
        if (count > 0)
                qsort(ids, count, sizeof(*ids), by_id);
}

bool host_id_held(Host *host, uint32_t id, char *ret_holder, size_t size) {
        for (size_t i = 0; i < _HOST_KIND_MAX; i++) {
                const char *name = host_list_name_of(host->lists[i], id);

                if (name) {
                        snprintf(ret_holder, size, "%s in %s", name, kind_paths[i]);
                        return true;
                }
        }
        if (sub_id_held(host, "subuid", id, ret_holder, size) ||
            sub_id_held(host, "subgid", id, ret_holder, size))
                return true;
        process_ids_refresh(host);
        if (host->process_id_count == 0 ||
            !bsearch(&id, host->process_ids, host->process_id_count, sizeof(id), by_id))
                return false;
        snprintf(ret_holder, size, "a running process");
        return true;
}

/* A zone's name has no dots, so it does not lead out of the folder; links in there are root's.  Not
 * openat2(2), which a unit with RestrictSUIDSGID= has not. */
bool host_time_zone_known(Host *host, const char *zone) {
        _cleanup_close_ int dir = open("/usr/share/zoneinfo", O_PATH | O_DIRECTORY | O_CLOEXEC);
        _cleanup_close_ int fd = -1;
        char magic[4];

        if (dir < 0 || base_field_check(FIELD_TIME_ZONE, zone, strlen(zone)) != FIELD_OK)
                return false;
        fd = openat(dir, zone, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        return fd >= 0 && read(fd, magic, sizeof(magic)) == (ssize_t)sizeof(magic) &&
               memcmp(magic, "TZif", sizeof(magic)) == 0;
}

/* ---- watching -------------------------------------------------------------------------------- */

static int list_read(const Host *host, HostKind kind, HostList **ret) {
        char path[512];

        if (snprintf(path, sizeof(path), "%s/%s", host->spec.etc, kind_files[kind]) >=
            (int)sizeof(path))
                return -ENAMETOOLONG;
        return host_list_read(path, ret);
}

/* Reads one file again and tells what changed.  The names in diff are those of both lists. */
static int list_refresh(Host *host, HostKind kind) {
        _cleanup_(host_list_freep) HostList *list = NULL, *old = NULL;
        _cleanup_(host_diff_freep) HostDiff *diff = NULL;
        int r = list_read(host, kind, &list);

        if (r < 0)
                return r;
        if (host_list_is_absent(list) && !host_list_is_absent(host->lists[kind]))
                return -ENOENT; /* somebody is replacing it, or something is badly wrong */
        r = host_diff_new(host->lists[kind], list, &diff);
        if (r < 0)
                return r;
        old = host->lists[kind];
        host->lists[kind] = TAKE(list);
        if (diff->name_count > 0 || diff->id_count > 0)
                host->spec.changed(host->spec.userdata, diff);
        return 0;
}

static void lists_refresh(Host *host, bool all) {
        for (HostKind kind = 0; kind < _HOST_KIND_MAX; kind++) {
                int r = all || !host_list_is_current(host->lists[kind]) ? list_refresh(host, kind)
                                                                        : 0;

                if (r < 0 && !host->told_unreadable[kind])
                        log_write(host->spec.log,
                                  &(LogRecord){ .priority = LOG_ERR,
                                                .message = MESSAGE_LOCAL_UNREADABLE,
                                                .fault = r },
                                  "%s cannot be read: um keeps away from what it held before",
                                  kind_paths[kind]);
                host->told_unreadable[kind] = r < 0;
        }
}

void host_tick(Host *host) {
        lists_refresh(host, false);
}

static int settle_fired(sd_event_source *source, uint64_t usec, void *userdata) {
        lists_refresh(userdata, true);
        return 0;
}

static int folder_changed(sd_event_source *source, const struct inotify_event *event,
                          void *userdata) {
        Host *host = userdata;
        bool ours = event->mask & IN_Q_OVERFLOW;

        for (size_t i = 0; !ours && event->len > 0 && i < _HOST_KIND_MAX; i++)
                ours = strcmp(event->name, kind_files[i]) == 0;
        if (!ours)
                return 0;
        /* not pushed back by further events: somebody who writes all the time must not hide it */
        if (sd_event_source_get_enabled(host->settle, NULL) > 0)
                return 0;
        (void)sd_event_source_set_time(host->settle, base_boottime_usec() + SETTLE_USEC);
        return sd_event_source_set_enabled(host->settle, SD_EVENT_ONESHOT);
}

int host_new(const HostSpec *spec, Host **ret) {
        _cleanup_(host_freep) Host *host = calloc(1, sizeof(*host));
        int r;

        if (!host)
                return -ENOMEM;
        host->spec = *spec;
        r = sd_event_add_time(spec->event, &host->settle, CLOCK_BOOTTIME, 0, 10 * USEC_PER_MSEC,
                              settle_fired, host);
        if (r >= 0)
                r = sd_event_source_set_enabled(host->settle, SD_EVENT_OFF);
        /* watched before it is read: nothing is missed in between */
        if (r >= 0)
                r = sd_event_add_inotify(spec->event, &host->watch, spec->etc,
                                         IN_MODIFY | IN_CLOSE_WRITE | IN_CREATE | IN_MOVED_TO |
                                                 IN_MOVED_FROM | IN_DELETE | IN_ATTRIB,
                                         folder_changed, host);
        for (HostKind kind = 0; r >= 0 && kind < _HOST_KIND_MAX; kind++)
                r = list_read(host, kind, &host->lists[kind]);
        if (r < 0)
                return r;
        *ret = TAKE(host);
        return 0;
}

Host *host_free(Host *host) {
        if (!host)
                return NULL;
        sd_event_source_disable_unref(host->watch);
        sd_event_source_disable_unref(host->settle);
        for (size_t i = 0; i < _HOST_KIND_MAX; i++)
                host_list_free(host->lists[i]);
        free(host->process_ids);
        free(host);
        return NULL;
}
