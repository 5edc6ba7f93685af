/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Makes records, for a build and for a delta alike.  The last place where a field is checked before
 * every process of the host sees it: what base's rules refuse is refused here too, so that a bug or
 * a bad sync above cannot publish root, a system id, or a ':' in a home. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "map/layout.h"
#include "map/map.h"

#define MEMBER_BYTES_MAX 255U /* members may be local users, whose names have other rules */

void map_arena_done(MapArena *arena) {
        free(arena->data);
        *arena = (MapArena){};
}

int map_arena_add(MapArena *arena, size_t len, void **ret) {
        size_t take = (size_t)map_align(len, MAP_UNIT_BYTES);

        if (arena->size - arena->len < take) {
                size_t size = arena->size < 4096 ? 4096 : arena->size * 2;
                void *data;

                while (size - arena->len < take)
                        size *= 2;
                data = realloc(arena->data, size);
                if (!data)
                        return -ENOMEM;
                arena->data = data;
                arena->size = size;
        }
        *ret = memset(arena->data + arena->len, 0, take);
        arena->len += take;
        return 0;
}

static bool name_valid(Field field, const char *name, size_t len) {
        FieldFault fault = base_field_check(field, name, len);

        if (len == 4 && memcmp(name, "root", 4) == 0)
                return false;
        /* um's own groups (um-mfa, which sshd's Match asks for) are published, its users are not */
        return fault == FIELD_OK || (field == FIELD_GROUP_NAME && fault == FIELD_FAULT_RESERVED);
}

/* A GECOS may have the commas that separate its parts; nothing may have what would end a field. */
static bool text_valid(const char *s, size_t len, size_t max, const char *forbidden) {
        if (len > max || (len > 0 && strpbrk(s, forbidden)))
                return false;
        for (size_t at = 0; at < len;) {
                uint32_t c;
                int n;

                if (s[at] >= 0x20 && s[at] < 0x7F) { /* nearly always */
                        at++;
                        continue;
                }
                n = base_utf8_decode(s + at, len - at, &c);
                if (n < 0 || !base_codepoint_printable(c))
                        return false;
                at += (size_t)n;
        }
        return true;
}

static uint32_t string_put(char *strings, uint32_t at, const char *s, size_t len) {
        memcpy(strings + at, s, len);
        strings[at + len] = '\0';
        return at + (uint32_t)len + 1;
}

static int gid_compare(const void *a, const void *b) {
        uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

        return (x > y) - (x < y);
}

/* The primary group, then the others in order, each once.  Returns how many there are. */
static uint32_t gids_put(uint32_t *gids, const MapUserSpec *user) {
        uint32_t count = 1;
        bool sorted = true;

        gids[0] = user->gid;
        for (size_t i = 0; i < user->gid_count; i++) {
                gids[1 + i] = user->gids[i];
                sorted = sorted && (i == 0 || user->gids[i - 1] < user->gids[i]);
        }
        if (!sorted)
                qsort(gids + 1, user->gid_count, sizeof(*gids), gid_compare);
        for (size_t i = 1; i <= user->gid_count; i++)
                if (gids[i] != user->gid && (count == 1 || gids[i] != gids[count - 1]))
                        gids[count++] = gids[i];
        return count;
}

int map_record_add_user(MapArena *arena, const MapUserSpec *user, size_t *ret_at) {
        size_t name = strlen(user->name), gecos = strlen(user->gecos), home = strlen(user->home),
               shell = strlen(user->shell), strings, before = arena->len;
        uint64_t bytes;
        MapUserRecord *record;
        uint32_t at;
        char *s;
        int r;

        if (!name_valid(FIELD_USER_NAME, user->name, name) ||
            !text_valid(user->gecos, gecos, BASE_GECOS_MAX, ":") ||
            base_field_check(FIELD_HOME, user->home, home) != FIELD_OK ||
            base_field_check(FIELD_SHELL, user->shell, shell) != FIELD_OK ||
            base_id_reserved(user->uid) || base_id_reserved(user->gid))
                return -EINVAL;
        for (size_t i = 0; i < user->gid_count; i++)
                if (user->gids[i] == 0 || user->gids[i] == (gid_t)-1)
                        return -EINVAL;
        strings = name + gecos + home + shell + 6;
        bytes = map_align(sizeof(*record) + strings, 4) + 4;
        if (user->gid_count > (MAP_RECORD_MAX - MAP_UNIT_BYTES - bytes) / 4)
                return -E2BIG;
        bytes += 4 * (uint64_t)user->gid_count;
        r = map_arena_add(arena, (size_t)bytes, (void **)&record);
        if (r < 0)
                return r;

        record->head = (MapRecord){ .bytes = (uint32_t)(arena->len - before),
                                    .id = user->uid,
                                    .kind = MAP_KIND_USER,
                                    .name_len = (uint16_t)name };
        record->strings_bytes = (uint16_t)strings;
        s = record->strings;
        at = string_put(s, 0, user->name, name);
        at = string_put(s, at, "*", 1);
        record->gecos_at = (uint16_t)at;
        at = string_put(s, at, user->gecos, gecos);
        record->home_at = (uint16_t)at;
        at = string_put(s, at, user->home, home);
        record->shell_at = (uint16_t)at;
        string_put(s, at, user->shell, shell);
        record->gid = user->gid;
        record->gid_count = gids_put((uint32_t *)((char *)record + map_user_gids_at(record)), user);
        *ret_at = before;
        return 0;
}

int map_record_add_group(MapArena *arena, const MapGroupSpec *group, size_t *ret_at) {
        size_t name = strlen(group->name), before = arena->len;
        uint64_t strings = name + 3, strings_at;
        MapGroupRecord *record;
        uint32_t at;
        char *s;
        int r;

        if (!name_valid(FIELD_GROUP_NAME, group->name, name) || base_id_reserved(group->gid))
                return -EINVAL;
        for (size_t i = 0; i < group->member_count; i++) {
                size_t len = strlen(group->members[i]);

                if (len == 0 || !text_valid(group->members[i], len, MEMBER_BYTES_MAX, ":, "))
                        return -EINVAL;
                strings += len + 1;
        }
        strings_at = sizeof(*record) + 4 * (uint64_t)group->member_count;
        if (strings_at + strings > MAP_RECORD_MAX - MAP_UNIT_BYTES)
                return -E2BIG;
        r = map_arena_add(arena, (size_t)(strings_at + strings), (void **)&record);
        if (r < 0)
                return r;

        record->head = (MapRecord){ .bytes = (uint32_t)(arena->len - before),
                                    .id = group->gid,
                                    .kind = MAP_KIND_GROUP,
                                    .name_len = (uint16_t)name };
        record->strings_bytes = (uint32_t)strings;
        record->member_count = (uint32_t)group->member_count;
        s = (char *)record + strings_at;
        at = string_put(s, 0, group->name, name);
        at = string_put(s, at, "*", 1);
        for (size_t i = 0; i < group->member_count; i++) {
                record->member_at[i] = at;
                at = string_put(s, at, group->members[i], strlen(group->members[i]));
        }
        *ret_at = before;
        return 0;
}

int map_record_add_gone(MapArena *arena, MapKind kind, const char *name, uint32_t id,
                        size_t *ret_at) {
        size_t len = strlen(name), before = arena->len;
        MapGoneRecord *record;
        int r;

        if (len == 0 || len > BASE_NAME_MAX)
                return -EINVAL;
        r = map_arena_add(arena, sizeof(*record) + len + 1, (void **)&record);
        if (r < 0)
                return r;
        record->head = (MapRecord){ .bytes = (uint32_t)(arena->len - before),
                                    .id = id,
                                    .kind = (uint16_t)kind,
                                    .name_len = (uint16_t)len };
        string_put(record->name, 0, name, len);
        *ret_at = before;
        return 0;
}
