/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Appends one delta to a map: its records, then a table block of all changes since the base, in one
 * pwrite(2) behind `committed`; then the two words are stored, `committed` first.  A reader sees
 * all of a delta once it sees `delta`, and before that none of it.  A failed write leaves bytes
 * that no reader looks at and the next append writes over. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "map/layout.h"
#include "map/map.h"

/* A delta being made: the arena begins at offset `at` of the file. */
typedef struct Delta {
        uint64_t at;
        const uint64_t *seed;
        MapArena arena;
        MapDeltaKeys keys[_MAP_TABLE_MAX];
} Delta;

static void delta_done(Delta *delta) {
        map_arena_done(&delta->arena);
        for (size_t i = 0; i < _MAP_TABLE_MAX; i++)
                free(delta->keys[i].keys);
}

/* Begins with a copy of what the newest delta has, so that a fault leaves the writer as it was. */
static int delta_begin(const MapWriter *writer, Delta *delta) {
        for (size_t i = 0; i < _MAP_TABLE_MAX; i++) {
                const MapDeltaKeys *old = &writer->delta[i];

                delta->keys[i].keys = malloc(MAP_DELTA_ENTRIES_MAX * sizeof(*old->keys));
                if (!delta->keys[i].keys)
                        return -ENOMEM;
                if (old->count > 0)
                        memcpy(delta->keys[i].keys, old->keys, old->count * sizeof(*old->keys));
                delta->keys[i].count = old->count;
        }
        return 0;
}

/* A second record for the same key takes the first one's place. */
static int key_enter(Delta *delta, MapTable table, const MapRecord *record, uint32_t at) {
        MapDeltaKeys *keys = &delta->keys[table];
        bool by_id = table == MAP_TABLE_UID || table == MAP_TABLE_GID;
        uint64_t hash = map_record_hash(delta->seed, record, table);
        MapDeltaKey *key = keys->keys;

        for (; key < keys->keys + keys->count; key++)
                if (key->hash == hash && (by_id ? key->id == record->id
                                                : strcmp(key->name, map_record_name(record)) == 0))
                        break;
        if (key == keys->keys + keys->count) {
                if (keys->count == MAP_DELTA_ENTRIES_MAX)
                        return MAP_E_FULL;
                keys->count++;
        }
        *key = (MapDeltaKey){ .hash = hash, .at = at, .id = record->id };
        memcpy(key->name, map_record_name(record), record->name_len);
        return 0;
}

static int record_enter(Delta *delta, MapTable by_name, MapTable by_id, size_t arena_at) {
        const MapRecord *record = (const MapRecord *)(delta->arena.data + arena_at);
        uint64_t at = (delta->at + arena_at) / MAP_UNIT_BYTES;
        int r;

        if (at > UINT32_MAX)
                return MAP_E_FULL;
        r = key_enter(delta, by_name, record, (uint32_t)at);
        return r != 0 ? r : key_enter(delta, by_id, record, (uint32_t)at);
}

static int removals_enter(Delta *delta, const MapChange *change) {
        size_t at;
        int r = 0;

        if (change->gone_user_name) {
                r = map_record_add_gone(&delta->arena, MAP_KIND_GONE_USER, change->gone_user_name,
                                        change->gone_uid, &at);
                if (r >= 0)
                        r = record_enter(delta, MAP_TABLE_USER_NAME, MAP_TABLE_UID, at);
        }
        if (r == 0 && change->gone_group_name) {
                r = map_record_add_gone(&delta->arena, MAP_KIND_GONE_GROUP, change->gone_group_name,
                                        change->gone_gid, &at);
                if (r >= 0)
                        r = record_enter(delta, MAP_TABLE_GROUP_NAME, MAP_TABLE_GID, at);
        }
        return r;
}

static int additions_enter(Delta *delta, const MapChange *change) {
        size_t at;
        int r = 0;

        if (change->user) {
                r = map_record_add_user(&delta->arena, change->user, &at);
                if (r >= 0)
                        r = record_enter(delta, MAP_TABLE_USER_NAME, MAP_TABLE_UID, at);
        }
        if (r == 0 && change->group) {
                r = map_record_add_group(&delta->arena, change->group, &at);
                if (r >= 0)
                        r = record_enter(delta, MAP_TABLE_GROUP_NAME, MAP_TABLE_GID, at);
        }
        return r;
}

/* The table block, last in the arena. */
static int block_add(Delta *delta, size_t *ret_at) {
        uint64_t slot_counts[_MAP_TABLE_MAX], bytes = sizeof(MapDelta);
        unsigned char *data;
        MapDelta *block;
        int r;

        for (size_t i = 0; i < _MAP_TABLE_MAX; i++) {
                slot_counts[i] = map_slot_count(delta->keys[i].count);
                bytes += slot_counts[i] * sizeof(MapSlot);
        }
        *ret_at = delta->arena.len;
        r = map_arena_add(&delta->arena, (size_t)bytes, (void **)&data);
        if (r < 0)
                return r;
        block = (MapDelta *)data;
        block->mark = MAP_DELTA_MARK;
        block->bytes = (uint32_t)bytes;
        bytes = sizeof(*block);
        for (size_t i = 0; i < _MAP_TABLE_MAX; i++) {
                const MapDeltaKeys *keys = &delta->keys[i];

                block->tables[i].at = (uint32_t)bytes;
                block->tables[i].slot_count = (uint32_t)slot_counts[i];
                for (size_t k = 0; k < keys->count; k++)
                        map_slot_insert((MapSlot *)(data + bytes), slot_counts[i] - 1,
                                        keys->keys[k].hash, keys->keys[k].at);
                bytes += slot_counts[i] * sizeof(MapSlot);
        }
        return 0;
}

/* 0, a fault, or MAP_E_FULL. */
static int delta_make(Delta *delta, const MapChange *changes, size_t change_count,
                      size_t *ret_block_at) {
        int r = 0;

        for (size_t i = 0; i < change_count && r == 0; i++)
                r = removals_enter(delta, &changes[i]);
        for (size_t i = 0; i < change_count && r == 0; i++)
                r = additions_enter(delta, &changes[i]);
        return r != 0 ? r : block_add(delta, ret_block_at);
}

int map_append(MapWriter *writer, const MapChange *changes, size_t change_count) {
        _cleanup_(delta_done) Delta delta = { .at = writer->committed, .seed = writer->seed };
        size_t block_at;
        int r;

        r = delta_begin(writer, &delta);
        if (r >= 0)
                r = delta_make(&delta, changes, change_count, &block_at);
        if (r != 0)
                return r;
        if (writer->committed - writer->base_end + delta.arena.len >
            map_delta_bytes_max(writer->base_end))
                return MAP_E_FULL;
        r = map_write_all(writer->fd, delta.arena.data, delta.arena.len, writer->committed);
        if (r < 0)
                return r;

        writer->committed += delta.arena.len;
        if (writer->committed > writer->file_bytes)
                writer->file_bytes = map_room_make(writer->fd, writer->committed);
        __atomic_store_n(&writer->page->committed, writer->committed, __ATOMIC_RELEASE);
        __atomic_store_n(&writer->page->delta, delta.at + block_at, __ATOMIC_RELEASE);
        for (size_t i = 0; i < _MAP_TABLE_MAX; i++) {
                MapDeltaKeys old = writer->delta[i];

                writer->delta[i] = delta.keys[i];
                delta.keys[i] = old;
        }
        return 0;
}

bool map_writer_is_filling(const MapWriter *writer) {
        uint64_t delta_bytes = writer->committed - writer->base_end;

        for (size_t i = 0; i < _MAP_TABLE_MAX; i++)
                if (writer->delta[i].count > MAP_DELTA_ENTRIES_MAX / 2)
                        return true;
        return delta_bytes > map_delta_bytes_max(writer->base_end) / 2;
}
