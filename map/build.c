/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Collects the base of a new map: records in two arenas, and the four tables as they will stand in
 * the file, grown by doubling so that a double name or id is found when it comes.  Slots of users
 * have their final offsets from the start (users stand first in the file); those of groups are
 * moved once, when the file is written.  Touches no file but the one map_build_write() makes. */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"
#include "map/layout.h"
#include "map/map.h"

#define TEMPORARY_NAME "." MAP_NAME ".new"

typedef struct BuildTable {
        MapSlot *slots;
        uint64_t slot_count, used;
} BuildTable;

struct MapBuild {
        uint32_t flags;
        bool written;
        uint64_t seed[2];
        unsigned char id[MAP_ID_BYTES];
        MapArena users, groups;
        BuildTable tables[_MAP_TABLE_MAX];
};

int map_build_new(uint32_t flags, MapBuild **ret) {
        _cleanup_(map_build_freep) MapBuild *build = calloc(1, sizeof(*build));
        int r;

        if (!build)
                return -ENOMEM;
        build->flags = flags;
        r = base_random(build->seed, sizeof(build->seed));
        if (r >= 0)
                r = base_random(build->id, sizeof(build->id));
        if (r < 0)
                return r;
        build->seed[1] |= 1; /* a factor of zero would give every key the same slot */
        *ret = TAKE(build);
        return 0;
}

MapBuild *map_build_free(MapBuild *build) {
        if (build) {
                map_arena_done(&build->users);
                map_arena_done(&build->groups);
                for (size_t i = 0; i < _MAP_TABLE_MAX; i++)
                        free(build->tables[i].slots);
                free(build);
        }
        return NULL;
}

/* ---- tables ---------------------------------------------------------------------------------- */

static uint32_t slot_at(size_t arena_at) {
        return (uint32_t)((arena_at + MAP_PAGE_BYTES) / MAP_UNIT_BYTES);
}

static const MapRecord *slot_record(const MapArena *arena, const MapSlot *slot) {
        return (const MapRecord *)(arena->data + (uint64_t)slot->at * MAP_UNIT_BYTES -
                                   MAP_PAGE_BYTES);
}

static int table_grow(const MapBuild *build, const MapArena *arena, MapTable table, size_t end,
                      BuildTable *t) {
        uint64_t slot_count = t->slot_count == 0 ? 16 : t->slot_count * 2;
        MapSlot *slots = calloc(slot_count, sizeof(*slots));

        if (!slots)
                return -ENOMEM;
        for (size_t at = 0; at < end;) {
                const MapRecord *record = (const MapRecord *)(arena->data + at);

                map_slot_insert(slots, slot_count - 1, map_record_hash(build->seed, record, table),
                                slot_at(at));
                at += record->bytes;
        }
        free(t->slots);
        t->slots = slots;
        t->slot_count = slot_count;
        return 0;
}

/* The hash of the record at `at`; its slot is on its way from memory when it is needed. */
static uint64_t table_hash(const MapBuild *build, const MapArena *arena, MapTable table,
                           size_t at) {
        const BuildTable *t = &build->tables[table];
        uint64_t hash = map_record_hash(build->seed, (const MapRecord *)(arena->data + at), table);

        if (t->slot_count > 0)
                __builtin_prefetch(&t->slots[hash & (t->slot_count - 1)], 1);
        return hash;
}

/* Makes room for one more key and looks whether it is there: its slot is where to put it. */
static int table_prepare(MapBuild *build, const MapArena *arena, MapTable table, size_t at,
                         uint64_t hash, MapSlot **ret_slot, uint32_t *ret_tag) {
        BuildTable *t = &build->tables[table];
        const MapRecord *record = (const MapRecord *)(arena->data + at), *other;
        uint64_t i;
        int r;

        if ((t->used + 1) * 2 > t->slot_count) {
                r = table_grow(build, arena, table, at, t);
                if (r < 0)
                        return r;
        }
        for (i = hash & (t->slot_count - 1); t->slots[i].at != 0;
             i = (i + 1) & (t->slot_count - 1)) {
                if (t->slots[i].tag != map_hash_tag(hash))
                        continue;
                other = slot_record(arena, &t->slots[i]);
                if (table == MAP_TABLE_UID || table == MAP_TABLE_GID
                            ? other->id == record->id
                            : other->name_len == record->name_len &&
                                      memcmp(map_record_name(other), map_record_name(record),
                                             record->name_len) == 0)
                        return -EEXIST;
        }
        *ret_slot = &t->slots[i];
        *ret_tag = map_hash_tag(hash);
        return 0;
}

/* Enters the arena's newest record by name and by id, or takes it back. */
static int record_enter(MapBuild *build, MapArena *arena, MapTable by_name, MapTable by_id,
                        size_t at) {
        uint64_t name_hash = table_hash(build, arena, by_name, at),
                 id_hash = table_hash(build, arena, by_id, at);
        MapSlot *name_slot, *id_slot;
        uint32_t name_tag, id_tag;
        int r;

        if ((uint64_t)arena->len + MAP_PAGE_BYTES > (uint64_t)UINT32_MAX * MAP_UNIT_BYTES / 4)
                r = -EFBIG; /* 8 GiB of users or of groups: slots reach to 32 */
        else
                r = table_prepare(build, arena, by_name, at, name_hash, &name_slot, &name_tag);
        if (r >= 0)
                r = table_prepare(build, arena, by_id, at, id_hash, &id_slot, &id_tag);
        if (r < 0) {
                arena->len = at;
                return r;
        }
        *name_slot = (MapSlot){ .tag = name_tag, .at = slot_at(at) };
        *id_slot = (MapSlot){ .tag = id_tag, .at = slot_at(at) };
        build->tables[by_name].used++;
        build->tables[by_id].used++;
        return 0;
}

int map_build_user(MapBuild *build, const MapUserSpec *user) {
        size_t at;
        int r;

        if (build->written)
                return -EBUSY;
        r = map_record_add_user(&build->users, user, &at);
        if (r < 0)
                return r;
        return record_enter(build, &build->users, MAP_TABLE_USER_NAME, MAP_TABLE_UID, at);
}

int map_build_group(MapBuild *build, const MapGroupSpec *group) {
        size_t at;
        int r;

        if (build->written)
                return -EBUSY;
        r = map_record_add_group(&build->groups, group, &at);
        if (r < 0)
                return r;
        return record_enter(build, &build->groups, MAP_TABLE_GROUP_NAME, MAP_TABLE_GID, at);
}

/* Adds the record as it is. */
static int record_copy(MapBuild *build, MapArena *arena, const MapRecord *record, MapTable by_name,
                       MapTable by_id) {
        size_t at = arena->len;
        void *copy;
        int r;

        if (build->written)
                return -EBUSY;
        r = map_arena_add(arena, record->bytes, &copy);
        if (r < 0)
                return r;
        memcpy(copy, record, record->bytes);
        return record_enter(build, arena, by_name, by_id, at);
}

int map_build_copy_user(MapBuild *build, const MapUser *user) {
        const void *record = user->strings - offsetof(MapUserRecord, strings);

        return record_copy(build, &build->users, record, MAP_TABLE_USER_NAME, MAP_TABLE_UID);
}

int map_build_copy_group(MapBuild *build, const MapGroup *group) {
        const void *record = (const char *)group->member_at - offsetof(MapGroupRecord, member_at);

        return record_copy(build, &build->groups, record, MAP_TABLE_GROUP_NAME, MAP_TABLE_GID);
}

int map_build_expect(MapBuild *build, uint64_t user_count, uint64_t group_count) {
        for (size_t i = 0; i < _MAP_TABLE_MAX; i++) {
                bool users = i == MAP_TABLE_USER_NAME || i == MAP_TABLE_UID;
                uint64_t slot_count = map_slot_count(users ? user_count : group_count);
                BuildTable *t = &build->tables[i];

                if (t->slot_count > 0)
                        return -EBUSY;
                if (slot_count == 0)
                        continue;
                t->slots = calloc(slot_count, sizeof(*t->slots));
                if (!t->slots)
                        return -ENOMEM;
                t->slot_count = slot_count;
        }
        return 0;
}

/* ---- the file -------------------------------------------------------------------------------- */

int map_write_all(int fd, const void *data, size_t len, uint64_t at) {
        const unsigned char *from = data;

        while (len > 0) {
                ssize_t n = pwrite(fd, from, len, (off_t)at);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return n < 0 ? -errno : -EIO;
                from += n;
                at += (uint64_t)n;
                len -= (size_t)n;
        }
        return 0;
}

static void header_make(const MapBuild *build, MapHeader *ret) {
        uint64_t at = MAP_PAGE_BYTES;
        MapHeader h = { .magic = MAP_MAGIC,
                        .version = MAP_VERSION,
                        .endian = MAP_ENDIAN,
                        .flags = build->flags,
                        .header_bytes = MAP_PAGE_BYTES,
                        .seed = { build->seed[0], build->seed[1] } };

        memcpy(h.id, build->id, sizeof(h.id));
        h.users_at = at;
        h.users_end = at += build->users.len;
        h.groups_at = at;
        h.groups_end = at += build->groups.len;
        for (size_t i = 0; i < _MAP_TABLE_MAX; i++) {
                h.tables[i] = (MapTableHead){ .at = at, .slot_count = build->tables[i].slot_count };
                at += build->tables[i].slot_count * sizeof(MapSlot);
        }
        h.base_end = h.committed = at;
        h.check = map_header_check(&h);
        *ret = h;
}

/* Groups stand behind the users: only now is it known where. */
static void group_slots_move(MapBuild *build) {
        uint32_t by = (uint32_t)(build->users.len / MAP_UNIT_BYTES);

        for (size_t i = MAP_TABLE_GROUP_NAME; i <= MAP_TABLE_GID; i++)
                for (uint64_t k = 0; k < build->tables[i].slot_count; k++)
                        if (build->tables[i].slots[k].at != 0)
                                build->tables[i].slots[k].at += by;
}

uint64_t map_room_make(int fd, uint64_t at) {
        uint64_t end = map_align(at + MAP_ROOM_BYTES, MAP_PAGE_BYTES);

        return fallocate(fd, 0, (off_t)at, (off_t)(end - at)) == 0 ? end : at;
}

static int file_write(const MapBuild *build, const MapHeader *h, int fd, uint64_t *ret_bytes) {
        _Alignas(MapHeader) unsigned char page[MAP_PAGE_BYTES] = {};
        int r;

        memcpy(page, h, sizeof(*h));
        r = map_write_all(fd, page, sizeof(page), 0);
        if (r >= 0)
                r = map_write_all(fd, build->users.data, build->users.len, h->users_at);
        if (r >= 0)
                r = map_write_all(fd, build->groups.data, build->groups.len, h->groups_at);
        for (size_t i = 0; i < _MAP_TABLE_MAX && r >= 0; i++)
                r = map_write_all(fd, build->tables[i].slots,
                                  build->tables[i].slot_count * sizeof(MapSlot), h->tables[i].at);
        if (r < 0)
                return r;
        *ret_bytes = map_room_make(fd, h->base_end);
        return fchmod(fd, 0444) < 0 || fdatasync(fd) < 0 ? -errno : 0;
}

int map_build_write(MapBuild *build, int dir_fd, MapWriter **ret) {
        _cleanup_(map_writer_freep) MapWriter *writer = NULL;
        MapHeader h;
        int r;

        if (build->written)
                return -EBUSY;
        r = map_writer_new(dir_fd, TEMPORARY_NAME, &writer);
        if (r < 0)
                return r;
        build->written = true;
        group_slots_move(build);
        header_make(build, &h);
        r = file_write(build, &h, writer->fd, &writer->file_bytes);
        if (r >= 0)
                r = map_writer_start(writer, &h);
        if (r < 0)
                return r;
        *ret = TAKE(writer);
        return 0;
}
