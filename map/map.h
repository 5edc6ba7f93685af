/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* map: the published map, what libnss_um answers from.  docs/api/map.md has the layout byte by
 * byte.
 *
 * One file, MAP_PATH.  Page 0 is its generation page; behind it stand the base (records and tables,
 * immutable) and, appended over time, deltas (records and one small table block each, immutable
 * once committed).  Bytes that a reader may look at never change, but for three words of page 0:
 * `committed`, `delta` and `superseded`.  A file is replaced by rename(2), never truncated, never
 * written over; the old one is marked superseded before the rename, so no reader stays behind.
 *
 * Reader: libc only, no allocation, no lock; after the first lookup no system call.
 * Writer: umd alone (docs/ARCHITECTURE.md says why the generation stands in the file itself). */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define MAP_DIR  "/run/um/map.d"
#define MAP_NAME "map"
#define MAP_PATH MAP_DIR "/" MAP_NAME

#define MAP_FLAG_COMPLETE  1U /* "not found" is final */
#define MAP_FLAG_ENUMERATE 2U /* getpwent and getgrent list um's users */

#define MAP_RECORD_MAX (64U * 1024 * 1024) /* bytes of one record: 1 M group members and more */
#define MAP_ID_BYTES   16

/* ---- records as a reader sees them: all pointers into the map, valid while it is held -------- */

typedef struct MapUser {
        uid_t uid;
        gid_t gid;
        const char *strings; /* name NUL "*" NUL gecos NUL home NUL shell NUL */
        uint32_t strings_bytes;
        uint32_t password_at, gecos_at, home_at, shell_at; /* in strings; the name is at 0 */
        const uint32_t *gids; /* the primary group first, then the others, sorted */
        uint32_t gid_count;
} MapUser;

typedef struct MapGroup {
        gid_t gid;
        const char *strings; /* name NUL "*" NUL, then each member NUL */
        uint32_t strings_bytes;
        uint32_t password_at;      /* in strings; the name is at 0 */
        const uint32_t *member_at; /* in strings, each checked */
        uint32_t member_count;
} MapGroup;

/* ---- reading --------------------------------------------------------------------------------- */

/* A file has one of each. */
typedef enum MapTable {
        MAP_TABLE_USER_NAME,
        MAP_TABLE_UID,
        MAP_TABLE_GROUP_NAME,
        MAP_TABLE_GID,
        _MAP_TABLE_MAX,
} MapTable;

/* One mapping of one file.  Read-only for all threads; who unmaps it knows that nobody reads.  What
 * the header says about the base is copied and checked once, here.  A lookup looks at base to flags
 * and at the one table it searches. */
typedef struct MapView {
        const unsigned char *base;
        size_t mapped_bytes; /* whole pages of the file as it was found: no access raises SIGBUS */
        uint64_t seed[2];
        uint64_t base_end;
        uint32_t flags;
        struct {
                const struct MapSlot *slots; /* never NULL */
                uint64_t mask;               /* their number - 1 */
        } tables[_MAP_TABLE_MAX];
        uint64_t users_at, users_end, groups_at, groups_end;
        unsigned char id[MAP_ID_BYTES]; /* random, of this file */
} MapView;

/* Opens, checks size and header, maps and closes: 4 system calls.  -ENOENT where there is no map,
 * -EBADMSG for what is not a whole map of this version, or a file others than its owner may write
 * (that the owner is um follows from the folder, where nobody else can create one). */
int map_open(const char *path, MapView *ret);
void map_close(MapView *view);
/* The halves of map_open(), for who lays one file over another.  The first opens, checks owner's
 * mode and size, and returns the descriptor.  The second maps that many bytes, `at` an address of
 * as many or, for NULL, anywhere; what it laid over `at` stays there on -EBADMSG, which it also
 * says where a delta was committed since the first. */
int map_file_open(const char *path, size_t *ret_bytes);
int map_file_map(int fd, size_t bytes, void *at, MapView *ret);
/* The same for a file in memory, 8-aligned, size bytes of it present; mapped_bytes >= size bytes
 * may be touched once they are committed.  Nothing is owned. */
int map_view_init(const void *bytes, size_t size, size_t mapped_bytes, MapView *ret);
/* A newer file took its place, or deltas outgrew what is mapped: open again.  One load each. */
bool map_is_stale(const MapView *view);

/* 1 found, 0 not there, -EBADMSG where the map contradicts itself, -ESTALE where deltas outgrew
 * what is mapped: open again.  The newest committed delta wins.  A superseded map still answers:
 * whoever reopens in the moment between mark and rename finds it again. */
int map_user_by_name(const MapView *view, const char *name, size_t len, MapUser *ret);
int map_user_by_uid(const MapView *view, uid_t uid, MapUser *ret);
int map_group_by_name(const MapView *view, const char *name, size_t len, MapGroup *ret);
int map_group_by_gid(const MapView *view, gid_t gid, MapGroup *ret);

/* Walks users, or groups, of one moment: the delta is fixed when the cursor starts.  Records that
 * changed since the base come last.  1, 0 at the end, or a fault; a copy of the cursor taken before
 * a call gives the same record again. */
typedef struct MapCursor {
        uint64_t at; /* 0 at the start; an offset, then a slot's number */
        uint64_t delta;
        bool in_delta;
} MapCursor;

int map_cursor_start(const MapView *view, MapCursor *ret); /* -ESTALE, -EBADMSG */
int map_user_next(const MapView *view, MapCursor *cursor, MapUser *ret);
int map_group_next(const MapView *view, MapCursor *cursor, MapGroup *ret);

/* ---- writing --------------------------------------------------------------------------------- */

typedef struct MapUserSpec {
        uid_t uid;
        gid_t gid;
        const char *name, *gecos, *home, *shell;
        const gid_t *gids; /* supplementary groups, nesting flattened, in any order */
        size_t gid_count;
} MapUserSpec;

typedef struct MapGroupSpec {
        gid_t gid;
        const char *name;
        const char *const *members; /* user names, nesting flattened */
        size_t member_count;
} MapGroupSpec;

/* Collects a whole file in memory.  Both fail with -EINVAL for what um may not publish (base's
 * field rules; ids that base_id_reserved() keeps; the name root; group names um-* are allowed),
 * with -EEXIST on a double name or id, with -E2BIG above MAP_RECORD_MAX; the build stays as it was.
 */
typedef struct MapBuild MapBuild;

int map_build_new(uint32_t flags, MapBuild **ret);
MapBuild *map_build_free(MapBuild *build);
int map_build_user(MapBuild *build, const MapUserSpec *user);
int map_build_group(MapBuild *build, const MapGroupSpec *group);
/* The same with a record of a published map, which was checked when it was made: some five times as
 * fast.  -EEXIST. */
int map_build_copy_user(MapBuild *build, const MapUser *user);
int map_build_copy_group(MapBuild *build, const MapGroup *group);
/* How many there will be, so that tables need not grow; others may come nevertheless.  Only for an
 * empty build. */
int map_build_expect(MapBuild *build, uint64_t user_count, uint64_t group_count);

/* A file written and held open for appending. */
typedef struct MapWriter MapWriter;

/* First half of a publication, N x some 1 us, may run in a thread like map_build_*: writes the
 * whole file under a temporary name in dir_fd, where no reader looks.  The build can be freed
 * afterwards, not written again.  One at a time for a folder: what an earlier one left unpublished
 * is removed. */
int map_build_write(MapBuild *build, int dir_fd, MapWriter **ret);
/* Second half, short: the file becomes MAP_NAME, mode 0444.  Whatever file stood there, of replaced
 * or of an earlier run of umd, is marked superseded just before.  replaced may be NULL and is to be
 * freed afterwards.  On a fault the old file stays published (marked, perhaps: readers then look
 * again at each lookup) and a retry is allowed. */
int map_publish(int dir_fd, MapWriter *writer, MapWriter *replaced);
/* The published file stays; one that never was published is removed. */
MapWriter *map_writer_free(MapWriter *writer);

/* Appends one delta: records that are new or changed, and what is gone.  Readers see all of it or
 * nothing.  A change of name or id is the removal of the old and the new record in one delta;
 * removals act first, then new records in their order.  Also on a writer not published yet. 0;
 * MAP_E_FULL where the deltas have grown so that a new file is due (nothing was appended); faults
 * as for a build (nothing was appended). */
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
/* Half of what the deltas may grow to is used: time to make the next file, in a thread from a view
 * of this one for example, before MAP_E_FULL says that nothing can go on without it. */
bool map_writer_is_filling(const MapWriter *writer);
/* Marks the file superseded and unlinks it: readers fall back to the socket.  For a map that cannot
 * be kept true, a full /run for example.  writer may be NULL: then whatever file is there. */
int map_withdraw(int dir_fd, MapWriter *writer);

static inline void map_closep(MapView *view) {
        map_close(view);
}

static inline void map_build_freep(MapBuild **build) {
        *build = map_build_free(*build);
}

static inline void map_writer_freep(MapWriter **writer) {
        *writer = map_writer_free(*writer);
}
