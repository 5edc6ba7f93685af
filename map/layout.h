/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the file is made of; docs/api/map.md draws it.  For the reader and the writer of this
 * folder, and for tests that build wrong files.  Everything is in the host's byte order: the file
 * never leaves the host.  All offsets count from the file's first byte. */

#include <stdint.h>
#include <string.h>

#include "base/base.h"
#include "map/map.h"

#define MAP_MAGIC      "um-map\r\n" /* 8 bytes; the line end shows a transfer as text */
#define MAP_VERSION    1U
#define MAP_ENDIAN     0x01020304U
#define MAP_PAGE_BYTES 4096U
#define MAP_UNIT_BYTES 8U /* records, tables and blocks begin at multiples of it */

/* Zeros kept behind what is committed, so that deltas are seen without a system call.  They are
 * allocated: neither a hole nor a page beyond the file's end may raise SIGBUS in a reader. */
#define MAP_ROOM_BYTES (1024U * 1024)

/* A new file is due once the deltas have more entries than this of one kind, or more bytes than
 * map_delta_bytes_max(). */
#define MAP_DELTA_ENTRIES_MAX 1024U

typedef enum MapKind {
        MAP_KIND_USER = 0x7375,       /* "us" */
        MAP_KIND_GROUP = 0x7267,      /* "gr" */
        MAP_KIND_GONE_USER = 0x7578,  /* "xu" */
        MAP_KIND_GONE_GROUP = 0x6778, /* "xg" */
} MapKind;

#define MAP_DELTA_MARK 0x746c6564U /* "delt" */

/* A slot of an open-addressing table: linear probing, a power of two of slots, at most half full.
 */
typedef struct MapSlot {
        uint32_t tag; /* the upper half of the key's hash; its lower bits choose the first slot */
        uint32_t at;  /* the record's offset / 8; 0: the slot is empty */
} MapSlot;

typedef struct MapTableHead {
        uint64_t at;
        uint64_t slot_count;
} MapTableHead;

typedef struct MapHeader {
        char magic[8];
        uint32_t version;
        uint32_t endian;
        uint32_t flags;
        uint32_t header_bytes; /* MAP_PAGE_BYTES */
        uint64_t seed[2];
        unsigned char id[MAP_ID_BYTES];
        uint64_t base_end; /* where deltas begin */
        uint64_t users_at, users_end;
        uint64_t groups_at, groups_end;
        MapTableHead tables[_MAP_TABLE_MAX];
        uint64_t check; /* map_header_check() of all bytes before it */

        unsigned char unused[256 - 168];

        /* The words that change, on a cache line of their own. */
        uint64_t committed;
        uint64_t delta;
        uint32_t superseded; /* stays at offset 272 in every version of the layout */
} MapHeader;

_Static_assert(offsetof(MapHeader, check) == 160, "the layout is docs/api/map.md's");
_Static_assert(offsetof(MapHeader, committed) == 256, "the layout is docs/api/map.md's");
_Static_assert(offsetof(MapHeader, superseded) == 272, "fixed for all versions");

/* How every record begins. */
typedef struct MapRecord {
        uint32_t bytes; /* of the whole record, a multiple of 8 */
        uint32_t id;
        uint16_t kind;
        uint16_t name_len;
} MapRecord;

/* Small and in this order, so that a lookup touches few cache lines. */
typedef struct MapUserRecord {
        MapRecord head;
        uint32_t gid;
        uint32_t gid_count;
        uint16_t strings_bytes, gecos_at, home_at, shell_at; /* from strings */
        char strings[]; /* name, "*", gecos, home, shell; then, 4-aligned, the gids */
} MapUserRecord;

typedef struct MapGroupRecord {
        MapRecord head;
        uint32_t strings_bytes;
        uint32_t member_count;
        uint32_t member_at[]; /* from strings, which follow: name, "*", members */
} MapGroupRecord;

typedef struct MapGoneRecord {
        MapRecord head;
        char name[]; /* with its NUL */
} MapGoneRecord;

_Static_assert(sizeof(MapUserRecord) == 28 && sizeof(MapGroupRecord) == 20, "docs/api/map.md");

/* All changes since the base; its four tables stand behind it. */
typedef struct MapDelta {
        uint32_t mark;  /* MAP_DELTA_MARK */
        uint32_t bytes; /* with the tables */
        struct {
                uint32_t at; /* from the block's first byte */
                uint32_t slot_count;
        } tables[_MAP_TABLE_MAX];
} MapDelta;

static inline uint64_t map_align(uint64_t n, uint64_t to) {
        return (n + to - 1) & ~(to - 1);
}

/* Bytes that deltas may add to a base. */
static inline uint64_t map_delta_bytes_max(uint64_t base_end) {
        uint64_t least = 1024 * 1024;

        return base_end / 2 > least ? base_end / 2 : least;
}

/* ---- hash: seeded, eight bytes at a time, in the manner of wyhash (public domain) ------------ */

static inline uint64_t map_hash_mix(uint64_t a, uint64_t b) {
#ifdef __SIZEOF_INT128__
        __extension__ typedef unsigned __int128 Wide;
        Wide r = (Wide)a * b;

        return (uint64_t)r ^ (uint64_t)(r >> 64);
#else
        uint64_t a_low = (uint32_t)a, a_high = a >> 32, b_low = (uint32_t)b, b_high = b >> 32,
                 low = a_low * b_low, middle = a_high * b_low + (low >> 32),
                 other = a_low * b_high + (uint32_t)middle;

        return (other << 32 | (uint32_t)low) ^ (a_high * b_high + (middle >> 32) + (other >> 32));
#endif
}

static inline uint64_t map_read8(const unsigned char *p) {
        uint64_t v;

        memcpy(&v, p, sizeof(v));
        return v;
}

static inline uint64_t map_read4(const unsigned char *p) {
        uint32_t v;

        memcpy(&v, p, sizeof(v));
        return v;
}

static inline uint64_t map_hash_bytes(const uint64_t seed[2], const void *bytes, size_t len) {
        const unsigned char *p = bytes;
        uint64_t a = 0, b = 0, state = seed[0];
        size_t left = len;

        while (left > 16) {
                state = map_hash_mix(map_read8(p) ^ seed[1], map_read8(p + 8) ^ state);
                p += 16;
                left -= 16;
        }
        if (left >= 8) {
                a = map_read8(p);
                b = map_read8(p + left - 8);
        } else if (left >= 4) {
                a = map_read4(p);
                b = map_read4(p + left - 4);
        } else if (left > 0) {
                a = (uint64_t)p[0] << 16 | (uint64_t)p[left / 2] << 8 | p[left - 1];
        }
        return map_hash_mix(map_hash_mix(a ^ seed[1], b ^ state) ^ len, seed[1]);
}

static inline uint64_t map_hash_id(const uint64_t seed[2], uint32_t id) {
        return map_hash_mix(id ^ seed[0], seed[1]);
}

/* With a seed that is not in the header: a factor that meets itself there would be zero, and
 * swallow all before it. */
static inline uint64_t map_header_check(const MapHeader *header) {
        static const uint64_t seed[2] = { 0xa0761d6478bd642f, 0xe7037ed1a0b428db };

        return map_hash_bytes(seed, header, offsetof(MapHeader, check));
}

static inline uint32_t map_hash_tag(uint64_t hash) {
        return (uint32_t)(hash >> 32);
}

/* ---- records being made ---------------------------------------------------------------------- */

/* Bytes that grow: the writer's records and tables. */
typedef struct MapArena {
        unsigned char *data;
        size_t len, size;
} MapArena;

void map_arena_done(MapArena *arena);
/* Room for len more bytes, zeroed, 8-aligned; *ret is valid until the next call. */
int map_arena_add(MapArena *arena, size_t len, void **ret);

/* Each appends one record to the arena, at *ret_at.  -EINVAL for a field or id that um may not
 * publish, -E2BIG for a record above MAP_RECORD_MAX. */
int map_record_add_user(MapArena *arena, const MapUserSpec *user, size_t *ret_at);
int map_record_add_group(MapArena *arena, const MapGroupSpec *group, size_t *ret_at);
int map_record_add_gone(MapArena *arena, MapKind kind, const char *name, uint32_t id,
                        size_t *ret_at);

/* Where a group's strings stand. */
static inline uint64_t map_group_strings_at(const MapGroupRecord *group) {
        return sizeof(*group) + (uint64_t)group->member_count * 4;
}

/* Where a user's gids stand. */
static inline uint64_t map_user_gids_at(const MapUserRecord *user) {
        return map_align(sizeof(*user) + (uint64_t)user->strings_bytes, 4);
}

/* Of a record known to be whole. */
static inline const char *map_record_name(const MapRecord *record) {
        if (record->kind == MAP_KIND_USER)
                return ((const MapUserRecord *)record)->strings;
        if (record->kind == MAP_KIND_GROUP)
                return (const char *)record + map_group_strings_at((const MapGroupRecord *)record);
        return ((const MapGoneRecord *)record)->name;
}

static inline uint64_t map_record_hash(const uint64_t seed[2], const MapRecord *record,
                                       MapTable table) {
        if (table == MAP_TABLE_UID || table == MAP_TABLE_GID)
                return map_hash_id(seed, record->id);
        return map_hash_bytes(seed, map_record_name(record), record->name_len);
}

/* Puts a record's offset into a table known to have room; no look for its like. */
static inline void map_slot_insert(MapSlot *slots, uint64_t mask, uint64_t hash, uint32_t at) {
        uint64_t i = hash & mask;

        while (slots[i].at != 0)
                i = (i + 1) & mask;
        slots[i] = (MapSlot){ .tag = map_hash_tag(hash), .at = at };
}

/* Slots for count keys: a power of two, at least twice as many; none for none. */
static inline uint64_t map_slot_count(uint64_t count) {
        uint64_t n = count == 0 ? 0 : 4;

        while (n < count * 2)
                n *= 2;
        return n;
}

/* ---- the file being written ------------------------------------------------------------------ */

/* A key of the newest delta, as the writer remembers it. */
typedef struct MapDeltaKey {
        uint64_t hash;
        uint32_t at; /* offset / 8 of the newest record for this key */
        uint32_t id;
        char name[BASE_NAME_MAX + 1];
} MapDeltaKey;

typedef struct MapDeltaKeys {
        MapDeltaKey *keys;
        size_t count;
} MapDeltaKeys;

struct MapWriter {
        int fd;           /* read-write, although the file's mode is 0444 */
        int dir_fd;       /* with name: to remove a file that never was published */
        const char *name; /* its temporary name; NULL once published */
        MapHeader *page;  /* page 0, shared and writable */
        uint64_t seed[2];
        uint64_t base_end, committed;
        uint64_t file_bytes; /* up to here the file has its bytes */
        MapDeltaKeys delta[_MAP_TABLE_MAX];
};

/* Makes that room behind `at`, all of it or nothing.  Returns where it ends; `at` where the file
 * system has no room or cannot: readers then open again at the next delta, and nothing else. */
uint64_t map_room_make(int fd, uint64_t at);
/* Creates an empty file of that (static) name, replacing a leftover. */
int map_writer_new(int dir_fd, const char *name, MapWriter **ret);
/* Once the base is written. */
int map_writer_start(MapWriter *writer, const MapHeader *header);
/* All of len bytes at an offset; -ENOSPC and the like as they come, -EIO for a write of nothing. */
int map_write_all(int fd, const void *data, size_t len, uint64_t at);
