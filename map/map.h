/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* map: the published map, what libnss_um answers from.  docs/api/map.md has the layout byte by byte.
 *
 * One file, MAP_PATH.  Page 0 is its generation page; behind it stand the base (tables and records,
 * immutable) and, appended over time, deltas (records and one small table block each, immutable once
 * committed).  Bytes that a reader may look at never change, but for three words of page 0:
 * `committed`, `delta` and `superseded`.  A file is replaced by rename(2), never truncated, never
 * written over; the old one is marked superseded before the rename, so no reader stays behind.
 *
 * Reader: libc only, no allocation, no lock; after the first lookup no system call.
 * Writer: umd alone (docs/ARCHITECTURE.md says why the generation stands in the file itself). */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define MAP_DIR "/run/um/map.d"
#define MAP_NAME "map"
#define MAP_PATH MAP_DIR "/" MAP_NAME

#define MAP_FLAG_COMPLETE 1U  /* "not found" is final */
#define MAP_FLAG_ENUMERATE 2U /* getpwent and getgrent list um's users */

#define MAP_RECORD_MAX (64U * 1024 * 1024) /* bytes of one record: 1 M group members and more */

/* ---- records as a reader sees them: all pointers into the map, valid while it is held ----------- */

typedef struct MapUser {
        uid_t uid;
        gid_t gid;
        const char *strings; /* name NUL "*" NUL gecos NUL home NUL shell NUL */
        uint32_t strings_bytes;
        uint32_t password_at, gecos_at, home_at, shell_at; /* offsets into strings; the name is at 0 */
        const uint32_t *gids; /* primary group first, then supplementary ones, sorted; may be unaligned to 8 */
        uint32_t gid_count;
} MapUser;

typedef struct MapGroup {
        gid_t gid;
        const char *strings; /* name NUL "*" NUL, then each member NUL */
        uint32_t strings_bytes;
        const uint32_t *member_at; /* offsets into strings */
        uint32_t member_count;
} MapGroup;

/* ---- reading ------------------------------------------------------------------------------------ */

/* One mapping of one file.  Read-only for all threads; who unmaps it knows that nobody reads. */
typedef struct MapView {
        const unsigned char *base;
        size_t mapped_bytes; /* may reach beyond the file's end: only below `committed` is ever touched */
} MapView;

/* Opens, checks size and header, maps and closes: 4 system calls.  -ENOENT where there is no map,
 * -EBADMSG for one that is short, torn, of another version or not owned by owner's folder. */
int map_open(const char *path, MapView *ret);
void map_close(MapView *view);
/* A newer file took its place, or deltas outgrew the mapped window: open again.  One load each. */
bool map_is_stale(const MapView *view);
uint32_t map_flags(const MapView *view);

/* 1 found, 0 not there, -EBADMSG where the map contradicts itself.  The newest committed delta wins. */
int map_user_by_name(const MapView *view, const char *name, size_t len, MapUser *ret);
int map_user_by_uid(const MapView *view, uid_t uid, MapUser *ret);
int map_group_by_name(const MapView *view, const char *name, size_t len, MapGroup *ret);
int map_group_by_gid(const MapView *view, gid_t gid, MapGroup *ret);

/* Walks users or groups of one moment: the delta is fixed when the cursor starts. */
typedef struct MapCursor {
        uint64_t at;
        uint64_t delta;
        bool in_delta;
} MapCursor;

void map_cursor_start(const MapView *view, MapCursor *ret);
int map_user_next(const MapView *view, MapCursor *cursor, MapUser *ret);
int map_group_next(const MapView *view, MapCursor *cursor, MapGroup *ret);

/* ---- writing ------------------------------------------------------------------------------------ */

typedef struct MapUserSpec {
        uid_t uid;
        gid_t gid;
        const char *name, *gecos, *home, *shell;
        const gid_t *gids; /* supplementary groups, nesting flattened, without the primary one */
        size_t gid_count;
} MapUserSpec;

typedef struct MapGroupSpec {
        gid_t gid;
        const char *name;
        const char *const *members; /* user names, nesting flattened */
        size_t member_count;
} MapGroupSpec;

/* Builds a whole file in memory order of the calls.  Names and ids must be unique. */
typedef struct MapBuild MapBuild;

int map_build_new(uint32_t flags, MapBuild **ret);
MapBuild *map_build_free(MapBuild *build);
int map_build_user(MapBuild *build, const MapUserSpec *user);   /* -EEXIST on a double name or id */
int map_build_group(MapBuild *build, const MapGroupSpec *group);

/* The published file, held open for appending. */
typedef struct MapWriter MapWriter;

/* Writes the built map to a new file in dir_fd (mode 0444), marks the one it replaces superseded and
 * renames it to MAP_NAME.  The build may be freed afterwards.  Takes about N x 1 us: a thread may call
 * map_build_* and map_publish's first half (map_build_write) while the loop goes on. */
int map_publish(int dir_fd, MapBuild *build, MapWriter **ret);
MapWriter *map_writer_free(MapWriter *writer); /* the file stays */

/* Appends one delta: records that are new or changed, and what is gone.  Readers see all of it or
 * nothing.  A change of name or id is the removal of the old and the new record in one delta.
 * 0; MAP_E_FULL where the deltas have grown so that a new file is due (nothing was appended). */
#define MAP_E_FULL 1
typedef struct MapChange {
        const MapUserSpec *user;   /* new or changed, or NULL */
        const MapGroupSpec *group; /* new or changed, or NULL */
        const char *gone_user_name;
        uid_t gone_uid; /* with gone_user_name */
        const char *gone_group_name;
        gid_t gone_gid; /* with gone_group_name */
} MapChange;

int map_append(MapWriter *writer, const MapChange *changes, size_t change_count);
/* Marks the file superseded and unlinks it: readers fall back to the socket.  For a map that cannot be
 * kept true, a full /run for example. */
int map_withdraw(int dir_fd, MapWriter *writer);
