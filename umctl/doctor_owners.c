/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* umctl doctor --scan-owners: files that belong to a uid or gid nobody has and that um could give
 * out, so that a new user would take over what another left (FEATURES A14).  umd itself says what
 * it could give out: each such id is tried in a dry run. */

#include <errno.h>
#include <fts.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>

#include "umctl/doctor.h"

#define IDS_MAX     1024U /* different ones without a name */
#define NAMED_COUNT 32U
#define FOUND_MAX   20U /* told */
#define SCAN_NAME   "doctor-scan"
#define CALL_USEC   (10 * USEC_PER_SEC)

typedef struct OwnerIds {
        uint32_t ids[IDS_MAX];
        char *paths[IDS_MAX]; /* the first file of each */
        size_t count;
        bool full;
        struct Named { /* who was found lately: most files have one of a few owners */
                bool is_group;
                uint32_t id;
        } named[NAMED_COUNT];
        size_t next_named;
} OwnerIds;

static void ids_free(OwnerIds *ids) {
        for (size_t i = 0; i < ids->count; i++)
                free(ids->paths[i]);
}

static void ids_add(OwnerIds *ids, uint32_t id, const char *path) {
        for (size_t i = 0; i < ids->count; i++)
                if (ids->ids[i] == id)
                        return;
        ids->full = ids->count == IDS_MAX;
        if (ids->full)
                return;
        ids->paths[ids->count] = strdup(path);
        if (ids->paths[ids->count])
                ids->ids[ids->count++] = id;
}

static void owner_see(OwnerIds *ids, uint32_t id, bool is_group, const char *path) {
        for (size_t i = 0; i < NAMED_COUNT; i++)
                if (ids->named[i].id == id && ids->named[i].is_group == is_group)
                        return;
        if (is_group ? getgrgid(id) != NULL : getpwuid(id) != NULL)
                ids->named[ids->next_named++ % NAMED_COUNT] = (struct Named){ is_group, id };
        else
                ids_add(ids, id, path);
}

/* 1 could be given out, 0 could not (taken, reserved, out of range), or a fault. */
static int id_is_free(const Doctor *doctor, uint32_t id) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        int r = sd_bus_message_new_method_call(doctor->ctl->bus, &m, WIRE_NAME, WIRE_PATH,
                                               WIRE_MANAGER, "CreateUser");

        if (r >= 0)
                r = sd_bus_message_append(m, "sa{sv}a{sv}", SCAN_NAME, 1, "uid", "u", id, 1,
                                          "dry-run", "b", 1);
        if (r >= 0)
                r = sd_bus_call(doctor->ctl->bus, m, CALL_USEC, &error, &reply);
        if (sd_bus_error_has_name(&error, WIRE_ERROR_PREFIX "UidTaken") ||
            sd_bus_error_has_name(&error, WIRE_ERROR_PREFIX "BadValue"))
                return 0;
        return r < 0 ? r : 1;
}

static int tree_scan(Doctor *doctor, char *path, OwnerIds *ids, uint64_t *ret_files) {
        char *const paths[] = { path, NULL };
        FTS *tree = fts_open(paths, FTS_PHYSICAL | FTS_XDEV | FTS_NOCHDIR, NULL);
        const FTSENT *e;
        int r = 0;

        if (!tree)
                return -errno;
        while ((e = fts_read(tree))) {
                if (e->fts_info == FTS_DP)
                        continue;
                if (e->fts_info == FTS_DNR || e->fts_info == FTS_ERR || e->fts_info == FTS_NS) {
                        r = -e->fts_errno;
                        doctor_find(doctor, LEVEL_WARN, "owners", "run doctor as root", "%s: %s",
                                    e->fts_path, strerror(e->fts_errno));
                        if (e->fts_info != FTS_DNR)
                                continue;
                }
                (*ret_files)++;
                owner_see(ids, e->fts_statp->st_uid, false, e->fts_path);
                owner_see(ids, e->fts_statp->st_gid, true, e->fts_path);
        }
        fts_close(tree);
        return r;
}

static size_t ids_report(Doctor *doctor, const OwnerIds *ids) {
        size_t found = 0;

        for (size_t i = 0; i < ids->count; i++) {
                char mend[128];
                int r = id_is_free(doctor, ids->ids[i]);

                if (r < 0) {
                        doctor_find(doctor, LEVEL_FAIL, "owners", "umctl status",
                                    "umd cannot be asked about uid %u: %s", ids->ids[i],
                                    strerror(-r));
                        return found + 1;
                }
                if (r == 0 || ++found > FOUND_MAX)
                        continue;
                snprintf(mend, sizeof(mend),
                         "chown what \"find / -xdev -uid %u -o -gid %u\" finds, or take it out of "
                         "uid-range in um.conf",
                         ids->ids[i], ids->ids[i]);
                doctor_find(doctor, LEVEL_FAIL, "owners", mend,
                            "%s belongs to %u, which nobody has: um could give it to a new user",
                            ids->paths[i], ids->ids[i]);
        }
        return found;
}

void doctor_owners(Doctor *doctor, int count, char *paths[]) {
        OwnerIds ids = { .count = 0 };
        uint64_t files = 0;
        size_t found;
        int r = 0;

        if (count == 0)
                return;
        if (!doctor->ctl->bus) {
                doctor_find(doctor, LEVEL_WARN, "owners", "umctl status",
                            "not looked at: umd says what it could give out, and is away");
                return;
        }
        for (int i = 0; i < count && r == 0; i++)
                r = tree_scan(doctor, paths[i], &ids, &files);
        found = ids_report(doctor, &ids);
        if (found > FOUND_MAX || ids.full)
                doctor_find(doctor, LEVEL_FAIL, "owners", "mend these first, then look again",
                            "there are more of that kind");
        if (found == 0 && r == 0)
                doctor_find(doctor, LEVEL_OK, "owners", NULL,
                            "%llu files, none of an id that um could give out",
                            (unsigned long long)files);
        ids_free(&ids);
}
