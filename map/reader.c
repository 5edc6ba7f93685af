/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads the published map inside other people's processes.  Every offset, length and count is
 * checked on use against `committed`, with sums that cannot overflow, and every string handed out
 * ends with a NUL inside its record: a torn or hostile file gives -EBADMSG, not a crash and not a
 * record of somebody else.  Never allocates, never locks, and makes no system call but in
 * map_open() and map_close(). */

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/base.h"
#include "map/layout.h"
#include "map/map.h"

enum { FIND_NONE = 0, FIND_LIVE = 1, FIND_GONE = 2 };

typedef struct Key {
        uint64_t hash;
        const char *name; /* or NULL: by id */
        size_t len;
        uint32_t id;
        MapTable table;
} Key;

typedef struct Slots {
        const MapSlot *slots;
        uint64_t mask;
} Slots;

static const MapHeader *view_header(const MapView *view) {
        return (const MapHeader *)view->base;
}

/* ---- opening ------------------------------------------------------------------------------------
 */

static bool region_valid(uint64_t from, uint64_t to, uint64_t end) {
        return from >= MAP_PAGE_BYTES && from <= to && to <= end && from % MAP_UNIT_BYTES == 0 &&
               to % MAP_UNIT_BYTES == 0;
}

static bool table_valid(const MapTableHead *table, uint64_t end) {
        uint64_t n = table->slot_count;

        if (n == 0)
                return table->at <= end; /* nothing is there, but its address is computed */
        return (n & (n - 1)) == 0 && n <= end / sizeof(MapSlot) &&
               region_valid(table->at, table->at, end) && end - table->at >= n * sizeof(MapSlot);
}

int map_view_init(const void *bytes, size_t size, size_t mapped_bytes, MapView *ret) {
        const MapHeader *h = bytes;
        uint64_t committed;

        if (size < MAP_PAGE_BYTES || memcmp(h->magic, MAP_MAGIC, sizeof(h->magic)) != 0 ||
            h->version != MAP_VERSION || h->endian != MAP_ENDIAN ||
            h->header_bytes != MAP_PAGE_BYTES || h->check != map_header_check(h))
                return -EBADMSG;
        committed = __atomic_load_n(&h->committed, __ATOMIC_ACQUIRE);
        if (!region_valid(h->base_end, committed, size) ||
            !region_valid(h->users_at, h->users_end, h->base_end) ||
            !region_valid(h->groups_at, h->groups_end, h->base_end))
                return -EBADMSG;
        for (size_t i = 0; i < MAP_TABLES; i++)
                if (!table_valid(&h->tables[i], h->base_end))
                        return -EBADMSG;

        *ret = (MapView){
                .base = bytes,
                .mapped_bytes = mapped_bytes,
                .seed = { h->seed[0], h->seed[1] },
                .base_end = h->base_end,
                .users_at = h->users_at,
                .users_end = h->users_end,
                .groups_at = h->groups_at,
                .groups_end = h->groups_end,
                .flags = h->flags,
        };
        for (size_t i = 0; i < MAP_TABLES; i++) {
                ret->tables[i].at = h->tables[i].at;
                ret->tables[i].slot_count = h->tables[i].slot_count;
        }
        memcpy(ret->id, h->id, sizeof(ret->id));
        return 0;
}

int map_open(const char *path, MapView *ret) {
        _cleanup_close_ int fd =
                open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
        struct stat st;
        uint64_t window;
        void *bytes;
        int r;

        if (fd < 0)
                return -errno;
        fd = base_fd_above_stdio(fd);
        if (fd < 0)
                return fd;
        if (fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode) || (st.st_mode & 022) != 0 || st.st_size < (off_t)MAP_PAGE_BYTES)
                return -EBADMSG;
        /* Beyond the file's end, so that what is appended later is seen without a system call. */
        window = map_align((uint64_t)st.st_size, MAP_PAGE_BYTES) +
                 map_align(map_delta_bytes_max((uint64_t)st.st_size), MAP_PAGE_BYTES);
        if (window > SIZE_MAX)
                return -EFBIG;
        bytes = mmap(NULL, (size_t)window, PROT_READ, MAP_SHARED, fd, 0);
        if (bytes == MAP_FAILED)
                return -errno;
        for (;;) {
                off_t size = st.st_size;

                r = map_view_init(bytes, (size_t)size, (size_t)window, ret);
                if (r != -EBADMSG || fstat(fd, &st) < 0 || st.st_size <= size)
                        break;
                /* a delta was committed since fstat(2): it says so, and the file is longer now */
        }
        if (r < 0)
                (void)munmap(bytes, (size_t)window);
        return r;
}

void map_close(MapView *view) {
        if (view->base)
                (void)munmap((void *)(uintptr_t)view->base, view->mapped_bytes);
        *view = (MapView){};
}

bool map_is_stale(const MapView *view) {
        const MapHeader *h = view_header(view);

        return __atomic_load_n(&h->superseded, __ATOMIC_RELAXED) != 0 ||
               __atomic_load_n(&h->committed, __ATOMIC_RELAXED) > view->mapped_bytes;
}

/* ---- records ------------------------------------------------------------------------------------
 */

/* Each checks a record of its kind that has `room` bytes, at least a MapRecord's. */
static inline bool user_valid(const MapUserRecord *user, uint64_t room) {
        uint32_t password_at = user->head.name_len + 1U;
        const char *s = user->strings;

        if (user->head.bytes > room || user->head.bytes < sizeof(*user) || user->gid_count == 0 ||
            map_user_gids_at(user) + (uint64_t)user->gid_count * 4 > user->head.bytes)
                return false;
        return password_at > 1 && password_at < user->gecos_at && user->gecos_at < user->home_at &&
               user->home_at < user->shell_at && user->shell_at < user->strings_bytes &&
               (s[password_at - 1] | s[user->gecos_at - 1] | s[user->home_at - 1] |
                s[user->shell_at - 1] | s[user->strings_bytes - 1]) == '\0';
}

/* But for the members' offsets: they are many, and not needed to find the group. */
static inline bool group_valid(const MapGroupRecord *group, uint64_t room) {
        uint32_t password_at = group->head.name_len + 1U;
        const char *s;

        if (group->head.bytes > room || group->head.bytes < sizeof(*group) ||
            map_group_strings_at(group) + group->strings_bytes > group->head.bytes)
                return false;
        s = (const char *)group + map_group_strings_at(group);
        return password_at > 1 && password_at < group->strings_bytes &&
               (s[password_at - 1] | s[group->strings_bytes - 1]) == '\0';
}

static inline bool gone_valid(const MapGoneRecord *gone, uint64_t room) {
        return gone->head.bytes <= room && gone->head.name_len > 0 &&
               sizeof(*gone) + gone->head.name_len < gone->head.bytes &&
               gone->name[gone->head.name_len] == '\0';
}

static inline bool table_of_users(MapTable table) {
        return table == MAP_TABLE_USER_NAME || table == MAP_TABLE_UID;
}

/* The record at an offset, if it is whole below limit and of a kind that belongs there.  Bytes of
 * other things taken for a record do no harm, so `at` has no lower bound; limit is a page at least.
 */
static inline const MapRecord *record_at(const MapView *view, uint64_t at, uint64_t limit,
                                         MapTable table, bool in_delta) {
        bool users = table_of_users(table);
        const MapRecord *record;

        if (at >
            limit - sizeof(MapUserRecord)) /* tables follow records: the last has this much too */
                return NULL;
        record = (const MapRecord *)(view->base + at);
        if (users && record->kind == MAP_KIND_USER)
                return user_valid((const MapUserRecord *)record, limit - at) ? record : NULL;
        if (!users && record->kind == MAP_KIND_GROUP)
                return group_valid((const MapGroupRecord *)record, limit - at) ? record : NULL;
        if (in_delta && record->kind == (users ? MAP_KIND_GONE_USER : MAP_KIND_GONE_GROUP))
                return gone_valid((const MapGoneRecord *)record, limit - at) ? record : NULL;
        return NULL;
}

static inline bool record_is_live(const MapRecord *record) {
        return record->kind == MAP_KIND_USER || record->kind == MAP_KIND_GROUP;
}

static inline int user_load(const MapRecord *record, MapUser *ret) {
        const MapUserRecord *user = (const MapUserRecord *)record;

        *ret = (MapUser){
                .uid = record->id,
                .gid = user->gid,
                .strings = user->strings,
                .strings_bytes = user->strings_bytes,
                .password_at = record->name_len + 1U,
                .gecos_at = user->gecos_at,
                .home_at = user->home_at,
                .shell_at = user->shell_at,
                .gids = (const uint32_t *)((const char *)record + map_user_gids_at(user)),
                .gid_count = user->gid_count,
        };
        return 1;
}

static inline bool members_valid(const MapGroupRecord *group) {
        uint32_t highest = 0;

        for (uint32_t i = 0; i < group->member_count; i++)
                highest = group->member_at[i] > highest ? group->member_at[i] : highest;
        return highest < group->strings_bytes;
}

static inline int group_load(const MapRecord *record, MapGroup *ret) {
        const MapGroupRecord *group = (const MapGroupRecord *)record;

        if (!members_valid(group))
                return -EBADMSG;
        *ret = (MapGroup){
                .gid = record->id,
                .strings = (const char *)record + map_group_strings_at(group),
                .strings_bytes = group->strings_bytes,
                .password_at = record->name_len + 1U,
                .member_at = group->member_at,
                .member_count = group->member_count,
        };
        return 1;
}

/* ---- finding ------------------------------------------------------------------------------------
 */

/* Names are short: a call would cost more than the comparison. */
static inline bool bytes_equal(const char *a, const char *b, size_t len) {
        const unsigned char *x = (const unsigned char *)a, *y = (const unsigned char *)b;
        uint64_t difference = 0;

        if (len < 8) {
                if (len >= 4)
                        return map_read4(x) == map_read4(y) &&
                               map_read4(x + len - 4) == map_read4(y + len - 4);
                for (size_t i = 0; i < len; i++)
                        difference |= (uint64_t)(x[i] ^ y[i]);
                return difference == 0;
        }
        for (size_t i = 0; i + 8 < len; i += 8)
                difference |= map_read8(x + i) ^ map_read8(y + i);
        return (difference | (map_read8(x + len - 8) ^ map_read8(y + len - 8))) == 0;
}

static inline bool key_matches(const Key *key, const MapRecord *record) {
        if (!key->name)
                return record->id == key->id;
        return record->name_len == key->len &&
               bytes_equal(map_record_name(record), key->name, key->len);
}

static inline int slots_find(const MapView *view, Slots slots, const Key *key, uint64_t limit,
                             bool in_delta, const MapRecord **ret) {
        uint32_t tag = map_hash_tag(key->hash);
        uint64_t i = key->hash & slots.mask;

        for (uint64_t n = 0; n <= slots.mask; n++, i = (i + 1) & slots.mask) {
                const MapSlot *slot = slots.slots + i;
                const MapRecord *record;

                if (slot->at == 0)
                        return FIND_NONE;
                if (slot->tag != tag)
                        continue;
                record = record_at(view, (uint64_t)slot->at * MAP_UNIT_BYTES, limit, key->table,
                                   in_delta);
                if (!record)
                        return -EBADMSG;
                if (!key_matches(key, record))
                        continue;
                *ret = record;
                return record_is_live(record) ? FIND_LIVE : FIND_GONE;
        }
        return FIND_NONE;
}

/* One table of the delta block at an offset; mask is not to be used where there are no slots. */
static inline int delta_slots(const MapView *view, uint64_t delta, uint64_t limit, MapTable table,
                              Slots *ret) {
        const MapDelta *block;
        uint32_t at, slot_count;

        if (delta < view->base_end || delta % MAP_UNIT_BYTES != 0 || delta > limit ||
            limit - delta < sizeof(*block))
                return -EBADMSG;
        block = (const MapDelta *)(view->base + delta);
        at = block->tables[table].at;
        slot_count = block->tables[table].slot_count;
        if (block->mark != MAP_DELTA_MARK || block->bytes > limit - delta || at < sizeof(*block) ||
            at > block->bytes || at % MAP_UNIT_BYTES != 0 ||
            slot_count > (block->bytes - at) / sizeof(MapSlot) ||
            (slot_count & (slot_count - 1)) != 0)
                return -EBADMSG;
        *ret = (Slots){ .slots =
                                slot_count == 0 ? NULL : (const MapSlot *)(view->base + delta + at),
                        .mask = (uint64_t)slot_count - 1 };
        return 0;
}

static inline int delta_find(const MapView *view, uint64_t delta, uint64_t limit, const Key *key,
                             const MapRecord **ret) {
        Slots slots;
        int r;

        r = delta_slots(view, delta, limit, key->table, &slots);
        if (r < 0 || !slots.slots)
                return r < 0 ? r : FIND_NONE;
        return slots_find(view, slots, key, limit, true, ret);
}

/* What this moment has committed: the delta first, so that `committed` covers it. */
static inline int view_snapshot(const MapView *view, uint64_t *ret_delta, uint64_t *ret_limit) {
        const MapHeader *h = view_header(view);
        uint64_t delta = __atomic_load_n(&h->delta, __ATOMIC_ACQUIRE),
                 limit = __atomic_load_n(&h->committed, __ATOMIC_ACQUIRE);

        if (limit > view->mapped_bytes)
                return -ESTALE;
        if (limit < view->base_end)
                return -EBADMSG;
        *ret_delta = delta;
        *ret_limit = limit;
        return 0;
}

static inline int view_find(const MapView *view, const Key *key, const MapRecord **ret) {
        uint64_t delta, limit, slot_count = view->tables[key->table].slot_count;
        Slots base = { .slots = (const MapSlot *)(view->base + view->tables[key->table].at),
                       .mask = slot_count - 1 };
        int r;

        r = view_snapshot(view, &delta, &limit);
        if (r < 0)
                return r;
        if (delta != 0) {
                if (slot_count != 0)
                        __builtin_prefetch(base.slots + (key->hash & base.mask));
                r = delta_find(view, delta, limit, key, ret);
                if (r != FIND_NONE)
                        return r == FIND_GONE ? FIND_NONE : r;
        }
        return slot_count == 0 ? FIND_NONE
                               : slots_find(view, base, key, view->base_end, false, ret);
}

static inline Key key_by_name(const MapView *view, MapTable table, const char *name, size_t len) {
        return (Key){ .hash = map_hash_bytes(view->seed, name, len),
                      .name = name,
                      .len = len,
                      .table = table };
}

static inline Key key_by_id(const MapView *view, MapTable table, uint32_t id) {
        return (Key){ .hash = map_hash_id(view->seed, id), .id = id, .table = table };
}

int map_user_by_name(const MapView *view, const char *name, size_t len, MapUser *ret) {
        Key key = key_by_name(view, MAP_TABLE_USER_NAME, name, len);
        const MapRecord *record;
        int r = view_find(view, &key, &record);

        return r == FIND_LIVE ? user_load(record, ret) : r;
}

int map_user_by_uid(const MapView *view, uid_t uid, MapUser *ret) {
        Key key = key_by_id(view, MAP_TABLE_UID, uid);
        const MapRecord *record;
        int r = view_find(view, &key, &record);

        return r == FIND_LIVE ? user_load(record, ret) : r;
}

int map_group_by_name(const MapView *view, const char *name, size_t len, MapGroup *ret) {
        Key key = key_by_name(view, MAP_TABLE_GROUP_NAME, name, len);
        const MapRecord *record;
        int r = view_find(view, &key, &record);

        return r == FIND_LIVE ? group_load(record, ret) : r;
}

int map_group_by_gid(const MapView *view, gid_t gid, MapGroup *ret) {
        Key key = key_by_id(view, MAP_TABLE_GID, gid);
        const MapRecord *record;
        int r = view_find(view, &key, &record);

        return r == FIND_LIVE ? group_load(record, ret) : r;
}

/* ---- walking ------------------------------------------------------------------------------------
 */

int map_cursor_start(const MapView *view, MapCursor *ret) {
        uint64_t delta, limit;
        int r;

        r = view_snapshot(view, &delta, &limit);
        if (r < 0)
                return r;
        *ret = (MapCursor){ .delta = delta };
        return 0;
}

/* The next record of the base that the cursor's delta says nothing about. */
static int base_next(const MapView *view, MapCursor *cursor, MapTable table, uint64_t limit,
                     const MapRecord **ret) {
        bool users = table == MAP_TABLE_USER_NAME;
        uint64_t from = users ? view->users_at : view->groups_at,
                 to = users ? view->users_end : view->groups_end;

        if (cursor->at < from)
                cursor->at = from;
        while (cursor->at < to) {
                const MapRecord *record = record_at(view, cursor->at, view->base_end, table, false),
                                *newer;
                int r = FIND_NONE;
                Key key;

                if (!record || record->bytes > to - cursor->at ||
                    record->bytes % MAP_UNIT_BYTES != 0)
                        return -EBADMSG;
                if (cursor->delta != 0) {
                        key = key_by_name(view, table, map_record_name(record), record->name_len);
                        r = delta_find(view, cursor->delta, limit, &key, &newer);
                }
                if (r < 0)
                        return r;
                cursor->at += record->bytes;
                if (r == FIND_NONE) {
                        *ret = record;
                        return FIND_LIVE;
                }
        }
        return FIND_NONE;
}

static int delta_next(const MapView *view, MapCursor *cursor, MapTable table, uint64_t limit,
                      const MapRecord **ret) {
        Slots slots;
        int r;

        r = delta_slots(view, cursor->delta, limit, table, &slots);
        if (r < 0 || !slots.slots)
                return r < 0 ? r : FIND_NONE;
        while (cursor->at <= slots.mask) {
                const MapSlot *slot = slots.slots + cursor->at++;
                const MapRecord *record;

                if (slot->at == 0)
                        continue;
                record = record_at(view, (uint64_t)slot->at * MAP_UNIT_BYTES, limit, table, true);
                if (!record)
                        return -EBADMSG;
                if (!record_is_live(record))
                        continue;
                *ret = record;
                return FIND_LIVE;
        }
        return FIND_NONE;
}

static int view_next(const MapView *view, MapCursor *cursor, MapTable table,
                     const MapRecord **ret) {
        uint64_t delta, limit;
        int r;

        r = view_snapshot(view, &delta, &limit);
        if (r ==
            -ESTALE) /* what this walk needs was committed before it began, inside the window */
                limit = view->mapped_bytes;
        else if (r < 0)
                return r;
        if (!cursor->in_delta) {
                r = base_next(view, cursor, table, limit, ret);
                if (r != FIND_NONE || cursor->delta == 0)
                        return r;
                cursor->in_delta = true;
                cursor->at = 0;
        }
        return delta_next(view, cursor, table, limit, ret);
}

int map_user_next(const MapView *view, MapCursor *cursor, MapUser *ret) {
        const MapRecord *record;
        int r = view_next(view, cursor, MAP_TABLE_USER_NAME, &record);

        return r == FIND_LIVE ? user_load(record, ret) : r;
}

int map_group_next(const MapView *view, MapCursor *cursor, MapGroup *ret) {
        const MapRecord *record;
        int r = view_next(view, cursor, MAP_TABLE_GROUP_NAME, &record);

        return r == FIND_LIVE ? group_load(record, ret) : r;
}
