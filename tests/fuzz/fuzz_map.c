/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A published map of any bytes: opened, all lookups, both walks.  A second time with what a fuzzer
 * cannot guess put right (magic, check, seed, tags), so that it gets behind the header.  The image
 * has exactly its size on the heap: who reads beyond it is seen. */

#include <stdlib.h>
#include <string.h>

#include "map/layout.h"
#include "map/map.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char name[] = "u1"; /* as in the maps of tests/nss/mkmap, which serve as seeds */
#define ID 1879048193U

static volatile size_t sink;

static void user_read(const MapUser *user) {
        const char *s = user->strings;

        sink += strlen(s) + strlen(s + user->password_at) + strlen(s + user->gecos_at) +
                strlen(s + user->home_at) + strlen(s + user->shell_at);
        for (uint32_t i = 0; i < user->strings_bytes; i++)
                sink += (unsigned char)s[i];
        for (uint32_t i = 0; i < user->gid_count; i++)
                sink += user->gids[i];
}

static void group_read(const MapGroup *group) {
        sink += strlen(group->strings) + strlen(group->strings + group->password_at);
        for (uint32_t i = 0; i < group->strings_bytes; i++)
                sink += (unsigned char)group->strings[i];
        for (uint32_t i = 0; i < group->member_count; i++)
                sink += strlen(group->strings + group->member_at[i]);
}

static void view_exercise(const MapView *view) {
        MapCursor cursor;
        MapGroup group;
        MapUser user;

        if (map_user_by_name(view, name, sizeof(name) - 1, &user) == 1)
                user_read(&user);
        if (map_user_by_uid(view, ID, &user) == 1)
                user_read(&user);
        if (map_group_by_name(view, name, sizeof(name) - 1, &group) == 1)
                group_read(&group);
        if (map_group_by_gid(view, ID, &group) == 1)
                group_read(&group);
        if (map_cursor_start(view, &cursor) == 0)
                while (map_user_next(view, &cursor, &user) == 1)
                        user_read(&user);
        if (map_cursor_start(view, &cursor) == 0)
                while (map_group_next(view, &cursor, &group) == 1)
                        group_read(&group);
        sink += map_is_stale(view);
}

/* Slots of an odd tag get the one of our key. */
static void tags_repair(unsigned char *image, size_t size, uint64_t at, uint64_t slot_count,
                        uint32_t tag) {
        for (uint64_t i = 0; i < slot_count && at <= size && (size - at) / 8 > i; i++) {
                MapSlot *slot = (MapSlot *)(image + at) + i;

                if (slot->tag & 1)
                        slot->tag = tag;
        }
}

static void image_repair(unsigned char *image, size_t size) {
        MapHeader *h = (MapHeader *)image;
        uint32_t tags[_MAP_TABLE_MAX];

        memcpy(h->magic, MAP_MAGIC, sizeof(h->magic));
        h->version = MAP_VERSION;
        h->endian = MAP_ENDIAN;
        h->header_bytes = MAP_PAGE_BYTES;
        h->seed[0] = 1;
        h->seed[1] = 3;
        tags[MAP_TABLE_USER_NAME] = tags[MAP_TABLE_GROUP_NAME] =
                map_hash_tag(map_hash_bytes(h->seed, name, sizeof(name) - 1));
        tags[MAP_TABLE_UID] = tags[MAP_TABLE_GID] = map_hash_tag(map_hash_id(h->seed, ID));
        for (size_t i = 0; i < _MAP_TABLE_MAX; i++)
                if (h->tables[i].at % 8 == 0)
                        tags_repair(image, size, h->tables[i].at, h->tables[i].slot_count, tags[i]);
        if (h->delta % 8 == 0 && h->delta <= size && size - h->delta >= sizeof(MapDelta)) {
                const MapDelta *delta = (const MapDelta *)(image + h->delta);

                for (size_t i = 0; i < _MAP_TABLE_MAX; i++)
                        if (delta->tables[i].at % 8 == 0)
                                tags_repair(image, size, h->delta + delta->tables[i].at,
                                            delta->tables[i].slot_count, tags[i]);
        }
        h->check = map_header_check(h);
}

/* Inputs leave out what page 0 has no use for: its first 280 bytes come first, then what follows
 * it. */
static unsigned char *image_make(const uint8_t *data, size_t size, size_t *ret_size) {
        size_t head = size < sizeof(MapHeader) ? size : sizeof(MapHeader),
               image_size = MAP_PAGE_BYTES + (size - head);
        unsigned char *image = calloc(1, image_size);

        if (!image)
                abort();
        memcpy(image, data, head);
        memcpy(image + MAP_PAGE_BYTES, data + head, size - head);
        *ret_size = image_size;
        return image;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        size_t image_size;
        unsigned char *image = image_make(data, size, &image_size);
        MapView view;

        if (map_view_init(image, image_size, image_size, &view) == 0)
                view_exercise(&view);
        image_repair(image, image_size);
        if (map_view_init(image, image_size, image_size, &view) == 0)
                view_exercise(&view);
        free(image);
        return 0;
}
