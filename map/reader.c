/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads the published map inside other people's processes.  Every offset, length and count is
 * checked on use against `committed`, with sums that cannot overflow, and every string handed out
 * ends with a NUL inside its record: a torn or hostile file gives -EBADMSG, not a crash and not a
 * record of somebody else.  What is checked is loaded once: another process may write the file
 * between a check and a use, and in libnss_um another thread may put the next file in its place.
 * Never allocates, never locks, and makes no system call but in map_open(), its halves, and
 * map_close(). */

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

typedef struct Head {
        uint32_t bytes, id, kind, name_len;
} Head;

/* A record that was checked, with what was checked of it. */
typedef struct Record {
        Head head;
        const char *name;
        union {
                MapUser user;
                MapGroup group;
        };
} Record;

static inline const MapHeader *view_header(const MapView *view) {
        return (const MapHeader *)view->base;
}

/* One load each, whatever the compiler finds convenient. */
static inline uint32_t load32(const uint32_t *p) {
        return *(const volatile uint32_t *)p;
}

static inline void load_pair(const uint16_t *p, uint32_t *ret_first, uint32_t *ret_second) {
        typedef uint32_t __attribute__((may_alias)) Pair;
        uint32_t both = *(const volatile Pair *)(const void *)p;
        bool little = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;

        *ret_first = little ? both & 0xffff : both >> 16;
        *ret_second = little ? both >> 16 : both & 0xffff;
}

static inline bool usual(bool condition) {
        return __builtin_expect(condition, true);
}

/* ---- opening --------------------------------------------------------------------------------- */

static bool region_valid(uint64_t from, uint64_t to, uint64_t end) {
        return from >= MAP_PAGE_BYTES && from <= to && to <= end && from % MAP_UNIT_BYTES == 0 &&
               to % MAP_UNIT_BYTES == 0;
}

static bool table_valid(const MapTableHead *table, uint64_t end) {
        uint64_t n = table->slot_count;

        if (n == 0)
                return table->at <= end; /* nothing is there */
        return (n & (n - 1)) == 0 && n <= end / sizeof(MapSlot) &&
               region_valid(table->at, table->at, end) && end - table->at >= n * sizeof(MapSlot);
}

static bool header_valid(const MapHeader *h, size_t size) {
        if (memcmp(h->magic, MAP_MAGIC, sizeof(h->magic)) != 0 || h->version != MAP_VERSION ||
            h->endian != MAP_ENDIAN || h->header_bytes != MAP_PAGE_BYTES ||
            h->check != map_header_check(h) || !region_valid(h->base_end, h->committed, size) ||
            !region_valid(h->users_at, h->users_end, h->base_end) ||
            !region_valid(h->groups_at, h->groups_end, h->base_end))
                return false;
        for (size_t i = 0; i < _MAP_TABLE_MAX; i++)
                if (!table_valid(&h->tables[i], h->base_end))
                        return false;
        return true;
}

/* As it is in this moment, and then nobody else's to change. */
static void header_copy(const MapHeader *from, MapHeader *ret) {
        memcpy(ret, from, offsetof(MapHeader, committed));
        ret->committed = __atomic_load_n(&from->committed, __ATOMIC_ACQUIRE);
        __asm__ volatile("" : : "r"(ret) : "memory");
}

int map_view_init(const void *bytes, size_t size, size_t mapped_bytes, MapView *ret) {
        MapHeader h;

        if (size < MAP_PAGE_BYTES)
                return -EBADMSG;
        header_copy(bytes, &h);
        if (!header_valid(&h, size))
                return -EBADMSG;
        *ret = (MapView){
                .base = bytes,
                .mapped_bytes = mapped_bytes,
                .seed = { h.seed[0], h.seed[1] },
                .base_end = h.base_end,
                .users_at = h.users_at,
                .users_end = h.users_end,
                .groups_at = h.groups_at,
                .groups_end = h.groups_end,
                .flags = h.flags,
        };
        for (size_t i = 0; i < _MAP_TABLE_MAX; i++) {
                static const MapSlot none; /* a table without keys ends where it begins */
                uint64_t n = h.tables[i].slot_count;

                ret->tables[i].slots =
                        n == 0 ? &none : (const MapSlot *)(ret->base + h.tables[i].at);
                ret->tables[i].mask = n == 0 ? 0 : n - 1;
        }
        memcpy(ret->id, h.id, sizeof(ret->id));
        return 0;
}

static int file_bytes(int fd, size_t *ret) {
        struct stat st;

        if (fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode) || (st.st_mode & 022) != 0 || st.st_size < (off_t)MAP_PAGE_BYTES)
                return -EBADMSG;
        if ((uint64_t)st.st_size > SIZE_MAX - MAP_PAGE_BYTES)
                return -EFBIG;
        *ret = (size_t)st.st_size;
        return 0;
}

int map_file_open(const char *path, size_t *ret_bytes) {
        _cleanup_close_ int fd =
                open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
        int r;

        if (fd < 0)
                return -errno;
        fd = base_fd_above_stdio(fd);
        if (fd < 0)
                return fd;
        r = file_bytes(fd, ret_bytes);
        return r < 0 ? r : base_take_fd(&fd);
}

int map_file_map(int fd, size_t bytes, void *at, MapView *ret) {
        size_t window = (size_t)map_align(bytes, MAP_PAGE_BYTES);
        void *mapped = mmap(at, window, PROT_READ, MAP_SHARED | (at ? MAP_FIXED : 0), fd, 0);
        int r;

        if (mapped == MAP_FAILED)
                return -errno;
        r = map_view_init(mapped, bytes, window, ret);
        if (r < 0 && !at)
                (void)munmap(mapped, window);
        return r;
}

int map_open(const char *path, MapView *ret) {
        size_t bytes;
        _cleanup_close_ int fd = map_file_open(path, &bytes);

        if (fd < 0)
                return fd;
        for (;;) {
                size_t before = bytes;
                int r;

                r = map_file_map(fd, bytes, NULL, ret);
                if (r != -EBADMSG || file_bytes(fd, &bytes) < 0 || bytes <= before)
                        return r;
                /* a delta was committed since fstat(2): it says so, and the file is longer now */
        }
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

/* ---- records --------------------------------------------------------------------------------- */

static inline Head head_load(const MapRecord *from) {
        Head head = { .bytes = load32(&from->bytes), .id = load32(&from->id) };

        load_pair(&from->kind, &head.kind, &head.name_len);
        return head;
}

/* Each checks a record of its kind that has `room` bytes, at least a MapRecord's. */
static inline bool user_load(const MapUserRecord *from, const Head *head, uint64_t room,
                             MapUser *ret) {
        const char *s = from->strings;
        uint64_t gids_at;

        *ret = (MapUser){
                .uid = head->id,
                .gid = load32(&from->gid),
                .strings = s,
                .password_at = head->name_len + 1U,
                .gid_count = load32(&from->gid_count),
        };
        load_pair(&from->strings_bytes, &ret->strings_bytes, &ret->gecos_at);
        load_pair(&from->home_at, &ret->home_at, &ret->shell_at);
        gids_at = map_align(sizeof(*from) + (uint64_t)ret->strings_bytes, 4);
        ret->gids = (const uint32_t *)((const char *)from + gids_at);
        if (head->bytes > room || head->bytes < sizeof(*from) || ret->gid_count == 0 ||
            gids_at + (uint64_t)ret->gid_count * 4 > head->bytes)
                return false;
        return ret->password_at > 1 && ret->password_at < ret->gecos_at &&
               ret->gecos_at < ret->home_at && ret->home_at < ret->shell_at &&
               ret->shell_at < ret->strings_bytes &&
               (s[ret->password_at - 1] | s[ret->gecos_at - 1] | s[ret->home_at - 1] |
                s[ret->shell_at - 1] | s[ret->strings_bytes - 1]) == '\0';
}

/* But for the members' offsets: they are many, and not needed to find the group. */
static inline bool group_load(const MapGroupRecord *from, const Head *head, uint64_t room,
                              MapGroup *ret) {
        uint64_t strings_at;

        *ret = (MapGroup){
                .gid = head->id,
                .strings_bytes = load32(&from->strings_bytes),
                .password_at = head->name_len + 1U,
                .member_at = from->member_at,
                .member_count = load32(&from->member_count),
        };
        strings_at = sizeof(*from) + (uint64_t)ret->member_count * 4;
        if (head->bytes > room || head->bytes < sizeof(*from) ||
            strings_at + ret->strings_bytes > head->bytes)
                return false;
        ret->strings = (const char *)from + strings_at;
        return ret->password_at > 1 && ret->password_at < ret->strings_bytes &&
               (ret->strings[ret->password_at - 1] | ret->strings[ret->strings_bytes - 1]) == '\0';
}

static inline bool gone_valid(const MapGoneRecord *gone, const Head *head, uint64_t room) {
        return head->bytes <= room && head->name_len > 0 &&
               sizeof(*gone) + head->name_len < head->bytes && gone->name[head->name_len] == '\0';
}

static inline bool table_of_users(MapTable table) {
        return table == MAP_TABLE_USER_NAME || table == MAP_TABLE_UID;
}

/* The record at an offset, if it is whole below limit and of a kind that belongs there.  Bytes of
 * other things taken for a record do no harm, so `at` has no lower bound; limit is a page at least.
 */
static inline bool record_load(const unsigned char *base, uint64_t at, uint64_t limit,
                               MapTable table, bool in_delta, Record *ret) {
        bool users = table_of_users(table);
        const unsigned char *bytes;

        if (at > limit - sizeof(MapUserRecord)) /* tables follow records: the last has this too */
                return false;
        bytes = base + at;
        ret->head = head_load((const MapRecord *)bytes);
        if (users && ret->head.kind == MAP_KIND_USER) {
                const MapUserRecord *user = (const MapUserRecord *)bytes;

                ret->name = user->strings;
                return user_load(user, &ret->head, limit - at, &ret->user);
        }
        if (!users && ret->head.kind == MAP_KIND_GROUP) {
                if (!group_load((const MapGroupRecord *)bytes, &ret->head, limit - at, &ret->group))
                        return false;
                ret->name = ret->group.strings;
                return true;
        }
        if (in_delta && ret->head.kind == (users ? MAP_KIND_GONE_USER : MAP_KIND_GONE_GROUP)) {
                const MapGoneRecord *gone = (const MapGoneRecord *)bytes;

                ret->name = gone->name;
                return gone_valid(gone, &ret->head, limit - at);
        }
        return false;
}

static inline bool record_is_live(const Record *record) {
        return record->head.kind == MAP_KIND_USER || record->head.kind == MAP_KIND_GROUP;
}

static inline int group_members_check(const MapGroup *group) {
        uint32_t highest = 0;

        for (uint32_t i = 0; i < group->member_count; i++)
                highest = group->member_at[i] > highest ? group->member_at[i] : highest;
        return highest < group->strings_bytes ? 1 : -EBADMSG;
}

/* ---- finding --------------------------------------------------------------------------------- */

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

static inline bool key_matches(const Key *key, const Record *record) {
        if (!key->name)
                return record->head.id == key->id;
        return record->head.name_len == key->len && bytes_equal(record->name, key->name, key->len);
}

static inline int slots_find(const unsigned char *base, Slots slots, const Key *key, uint64_t limit,
                             bool in_delta, Record *ret) {
        uint32_t tag = map_hash_tag(key->hash);
        uint64_t i = key->hash & slots.mask;

        for (uint64_t n = 0; n <= slots.mask; n++, i = (i + 1) & slots.mask) {
                uint32_t at = load32(&slots.slots[i].at);

                if (at == 0)
                        return FIND_NONE;
                if (load32(&slots.slots[i].tag) != tag)
                        continue;
                if (!record_load(base, (uint64_t)at * MAP_UNIT_BYTES, limit, key->table, in_delta,
                                 ret))
                        return -EBADMSG;
                if (usual(key_matches(key, ret)))
                        return record_is_live(ret) ? FIND_LIVE : FIND_GONE;
        }
        return FIND_NONE;
}

/* One table of the delta block at an offset below limit. */
static int delta_slots(const unsigned char *base, uint64_t delta, uint64_t limit, MapTable table,
                       Slots *ret) {
        const MapDelta *block;
        uint32_t bytes, at, slot_count;

        if (delta % MAP_UNIT_BYTES != 0 || delta > limit || limit - delta < sizeof(*block))
                return -EBADMSG;
        block = (const MapDelta *)(base + delta);
        bytes = load32(&block->bytes);
        at = load32(&block->tables[table].at);
        slot_count = load32(&block->tables[table].slot_count);
        if (load32(&block->mark) != MAP_DELTA_MARK || bytes > limit - delta ||
            at < sizeof(*block) || at > bytes || at % MAP_UNIT_BYTES != 0 ||
            slot_count > (bytes - at) / sizeof(MapSlot) || (slot_count & (slot_count - 1)) != 0)
                return -EBADMSG;
        if (slot_count == 0)
                return FIND_NONE;
        *ret = (Slots){ .slots = (const MapSlot *)(base + delta + at), .mask = slot_count - 1U };
        return 1;
}

/* A function of its own, so that a lookup without deltas has the registers to itself. */
static __attribute__((noinline)) int delta_find(const unsigned char *base, uint64_t delta,
                                                uint64_t limit, const Key *key, Record *ret) {
        Slots slots;
        int r;

        r = delta_slots(base, delta, limit, key->table, &slots);
        return r <= 0 ? r : slots_find(base, slots, key, limit, true, ret);
}

/* What this moment has committed: the delta first, so that `committed` covers it. */
static inline int view_snapshot(const MapView *view, uint64_t *ret_delta, uint64_t *ret_limit) {
        const MapHeader *h = view_header(view);
        uint64_t delta = __atomic_load_n(&h->delta, __ATOMIC_ACQUIRE), limit = view->base_end;

        if (!usual(delta == 0)) {
                limit = __atomic_load_n(&h->committed, __ATOMIC_ACQUIRE);
                if (limit > view->mapped_bytes)
                        return -ESTALE;
                if (limit < view->base_end || delta < view->base_end)
                        return -EBADMSG;
        }
        *ret_delta = delta;
        *ret_limit = limit;
        return 0;
}

static inline int view_find(const MapView *view, const Key *key, Record *ret) {
        Slots slots = { .slots = view->tables[key->table].slots,
                        .mask = view->tables[key->table].mask };
        uint64_t delta, limit;
        int r;

        r = view_snapshot(view, &delta, &limit);
        if (r < 0)
                return r;
        if (!usual(delta == 0)) {
                Record newer; /* and a copy: the caller's may then stand in registers */
                Key copy = { .hash = key->hash,
                             .name = key->name,
                             .len = key->len,
                             .id = key->id,
                             .table = key->table };

                __builtin_prefetch(slots.slots + (key->hash & slots.mask));
                r = delta_find(view->base, delta, limit, &copy, &newer);
                if (r != FIND_NONE) {
                        *ret = newer;
                        return r == FIND_GONE ? FIND_NONE : r;
                }
        }
        return slots_find(view->base, slots, key, view->base_end, false, ret);
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

static inline int user_found(int found, const Record *record, MapUser *ret) {
        if (found == FIND_LIVE)
                *ret = record->user;
        return found;
}

static inline int group_found(int found, const Record *record, MapGroup *ret) {
        if (found != FIND_LIVE)
                return found;
        *ret = record->group;
        return group_members_check(ret);
}

int map_user_by_name(const MapView *view, const char *name, size_t len, MapUser *ret) {
        Key key = key_by_name(view, MAP_TABLE_USER_NAME, name, len);
        Record record;

        return user_found(view_find(view, &key, &record), &record, ret);
}

int map_user_by_uid(const MapView *view, uid_t uid, MapUser *ret) {
        Key key = key_by_id(view, MAP_TABLE_UID, uid);
        Record record;

        return user_found(view_find(view, &key, &record), &record, ret);
}

int map_group_by_name(const MapView *view, const char *name, size_t len, MapGroup *ret) {
        Key key = key_by_name(view, MAP_TABLE_GROUP_NAME, name, len);
        Record record;

        return group_found(view_find(view, &key, &record), &record, ret);
}

int map_group_by_gid(const MapView *view, gid_t gid, MapGroup *ret) {
        Key key = key_by_id(view, MAP_TABLE_GID, gid);
        Record record;

        return group_found(view_find(view, &key, &record), &record, ret);
}

/* ---- walking --------------------------------------------------------------------------------- */

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
                     Record *ret) {
        bool users = table == MAP_TABLE_USER_NAME;
        uint64_t from = users ? view->users_at : view->groups_at,
                 to = users ? view->users_end : view->groups_end;

        if (cursor->at < from)
                cursor->at = from;
        while (cursor->at < to) {
                Record newer;
                int r = FIND_NONE;
                Key key;

                if (!record_load(view->base, cursor->at, view->base_end, table, false, ret) ||
                    ret->head.bytes > to - cursor->at || ret->head.bytes % MAP_UNIT_BYTES != 0)
                        return -EBADMSG;
                if (cursor->delta != 0) {
                        key = key_by_name(view, table, ret->name, ret->head.name_len);
                        r = delta_find(view->base, cursor->delta, limit, &key, &newer);
                }
                if (r < 0)
                        return r;
                cursor->at += ret->head.bytes;
                if (r == FIND_NONE)
                        return FIND_LIVE;
        }
        return FIND_NONE;
}

static int delta_next(const MapView *view, MapCursor *cursor, MapTable table, uint64_t limit,
                      Record *ret) {
        Slots slots;
        int r;

        r = delta_slots(view->base, cursor->delta, limit, table, &slots);
        if (r <= 0)
                return r;
        while (cursor->at <= slots.mask) {
                uint32_t at = load32(&slots.slots[cursor->at++].at);

                if (at == 0)
                        continue;
                if (!record_load(view->base, (uint64_t)at * MAP_UNIT_BYTES, limit, table, true,
                                 ret))
                        return -EBADMSG;
                if (record_is_live(ret))
                        return FIND_LIVE;
        }
        return FIND_NONE;
}

static int view_next(const MapView *view, MapCursor *cursor, MapTable table, Record *ret) {
        uint64_t delta, limit;
        int r;

        r = view_snapshot(view, &delta, &limit);
        if (r == -ESTALE) /* what this walk needs was committed before, inside the window */
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
        Record record;

        return user_found(view_next(view, cursor, MAP_TABLE_USER_NAME, &record), &record, ret);
}

int map_group_next(const MapView *view, MapCursor *cursor, MapGroup *ret) {
        Record record;

        return group_found(view_next(view, cursor, MAP_TABLE_GROUP_NAME, &record), &record, ret);
}
