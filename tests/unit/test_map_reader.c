/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The map's reader: what was built is found again; what is torn, foreign or bent is refused or
 * contradicts itself, and never leads outside of the bytes that were committed. */

#include "tests/unit/map_fixture.h"

#include "map/layout.h"

static const uint32_t sizes[] = { 0, 1, 2, 7, 1000 };

static void everything_built_is_found(void **state) {
        for (size_t i = 0; i < ARRAY_LENGTH(sizes); i++) {
                Folder folder = folder_make();
                MapWriter *writer = published(&folder, sizes[i], NULL);
                MapView view;

                assert_int_equal(map_open(folder.map, &view), 0);
                assert_int_equal(view.flags, COMPLETE);
                assert_false(map_is_stale(&view));
                for (uint32_t n = 0; n < sizes[i]; n++)
                        assert_int_equal(person_in(&view, n), 1);
                for (uint32_t n = sizes[i]; n < sizes[i] + 100; n++)
                        assert_int_equal(person_in(&view, n), 0);
                map_close(&view);
                map_writer_free(writer);
                folder_done(&folder);
        }
}

static void a_hundred_thousand_are_found(void **state) {
        Folder folder = folder_make();
        MapWriter *writer = published(&folder, 100000, NULL);
        MapView view;

        assert_int_equal(map_open(folder.map, &view), 0);
        for (uint32_t n = 0; n < 100000; n += 7)
                assert_int_equal(person_in(&view, n), 1);
        for (uint32_t n = 100000; n < 120000; n += 7)
                assert_int_equal(person_in(&view, n), 0);
        map_close(&view);
        map_writer_free(writer);
        folder_done(&folder);
}

static void odd_keys_are_not_found(void **state) {
        static const struct {
                const char *name;
                size_t len;
        } rows[] = {
                { "", 0 },     { "u", 1 },      { "u1", 1 },
                { "u1\0", 3 }, { "u11111", 6 }, { "U1", 2 },
                { "u1 ", 3 },  { "*", 1 },      { "root", 4 },
                { "*\0", 2 },  { "u1\0*", 4 },  { "uuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu", 31 },
        };
        Folder folder = folder_make();
        MapWriter *writer = published(&folder, 100, NULL);
        MapGroup group;
        MapUser user;
        MapView view;

        assert_int_equal(map_open(folder.map, &view), 0);
        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                assert_int_equal(map_user_by_name(&view, rows[i].name, rows[i].len, &user), 0);
                assert_int_equal(map_group_by_name(&view, rows[i].name, rows[i].len, &group), 0);
        }
        assert_int_equal(map_user_by_uid(&view, 0, &user), 0);
        assert_int_equal(map_user_by_uid(&view, UINT32_MAX, &user), 0);
        assert_int_equal(map_group_by_gid(&view, 0, &group), 0);
        map_close(&view);
        map_writer_free(writer);
        folder_done(&folder);
}

static void gids_are_sorted_once_each_behind_the_primary_one(void **state) {
        gid_t gids[] = { 70009, 70001, 70005, 70001, 70000, 70009 };
        MapUserSpec spec = { .uid = 70000,
                             .gid = 70005,
                             .name = "anna",
                             .gecos = "",
                             .home = "/h",
                             .shell = "/s",
                             .gids = gids,
                             .gid_count = ARRAY_LENGTH(gids) };
        _cleanup_(map_build_freep) MapBuild *build = build_of(0, COMPLETE);
        Folder folder = folder_make();
        MapWriter *writer = NULL;
        MapUser user;
        MapView view;

        assert_int_equal(map_build_user(build, &spec), 0);
        assert_int_equal(map_build_write(build, folder.fd, &writer), 0);
        assert_int_equal(map_publish(folder.fd, writer, NULL), 0);
        assert_int_equal(map_open(folder.map, &view), 0);
        assert_int_equal(map_user_by_uid(&view, 70000, &user), 1);
        assert_int_equal(user.gid_count, 4);
        assert_int_equal(user.gids[0], 70005);
        assert_int_equal(user.gids[1], 70000);
        assert_int_equal(user.gids[2], 70001);
        assert_int_equal(user.gids[3], 70009);
        assert_string_equal(user.strings + user.gecos_at, "");
        map_close(&view);
        map_writer_free(writer);
        folder_done(&folder);
}

static void a_group_of_fifty_thousand_and_a_user_in_sixty_thousand_groups(void **state) {
        enum { MEMBERS = 50000, GROUPS = 65536 };
        _cleanup_(map_build_freep) MapBuild *build = build_of(0, COMPLETE);
        const char **members = calloc(MEMBERS, sizeof(*members));
        gid_t *gids = calloc(GROUPS, sizeof(*gids));
        MapGroupSpec all = {
                .gid = 70000, .name = "all", .members = members, .member_count = MEMBERS
        };
        MapUserSpec many = { .uid = 70000,
                             .gid = 70000,
                             .name = "many",
                             .gecos = "",
                             .home = "/h",
                             .shell = "/s",
                             .gids = gids,
                             .gid_count = GROUPS };
        Folder folder = folder_make();
        MapWriter *writer = NULL;
        char name[16];
        MapGroup group;
        MapUser user;
        MapView view;

        assert_true(members && gids);
        for (uint32_t i = 0; i < MEMBERS; i++) {
                snprintf(name, sizeof(name), "m%u", i);
                assert_non_null(members[i] = strdup(name));
        }
        for (uint32_t i = 0; i < GROUPS; i++)
                gids[i] = FIRST_ID + GROUPS - i;
        assert_int_equal(map_build_group(build, &all), 0);
        assert_int_equal(map_build_user(build, &many), 0);
        assert_int_equal(map_build_write(build, folder.fd, &writer), 0);
        assert_int_equal(map_publish(folder.fd, writer, NULL), 0);
        assert_int_equal(map_open(folder.map, &view), 0);
        assert_int_equal(map_group_by_name(&view, "all", 3, &group), 1);
        assert_int_equal(group.member_count, MEMBERS);
        for (uint32_t i = 0; i < MEMBERS; i++)
                assert_string_equal(group.strings + group.member_at[i], members[i]);
        assert_int_equal(map_user_by_name(&view, "many", 4, &user), 1);
        assert_int_equal(user.gid_count, GROUPS + 1);
        for (uint32_t i = 1; i <= GROUPS; i++)
                assert_int_equal(user.gids[i], FIRST_ID + i);
        map_close(&view);
        map_writer_free(writer);
        folder_done(&folder);
        for (uint32_t i = 0; i < MEMBERS; i++)
                free((void *)(uintptr_t)members[i]);
        free(members);
        free(gids);
}

static const MapUserSpec refused_users[] = {
        { .uid = 70000, .gid = 70000, .name = "root", .gecos = "", .home = "/h", .shell = "/s" },
        { .uid = 0, .gid = 70000, .name = "a", .gecos = "", .home = "/h", .shell = "/s" },
        { .uid = 70000, .gid = 0, .name = "a", .gecos = "", .home = "/h", .shell = "/s" },
        { .uid = 999, .gid = 70000, .name = "a", .gecos = "", .home = "/h", .shell = "/s" },
        { .uid = UINT32_MAX, .gid = 70000, .name = "a", .gecos = "", .home = "/h", .shell = "/s" },
        { .uid = 70000, .gid = 70000, .name = "", .gecos = "", .home = "/h", .shell = "/s" },
        { .uid = 70000, .gid = 70000, .name = "um-x", .gecos = "", .home = "/h", .shell = "/s" },
        { .uid = 70000, .gid = 70000, .name = "a:b", .gecos = "", .home = "/h", .shell = "/s" },
        { .uid = 70000, .gid = 70000, .name = "a", .gecos = "x:0", .home = "/h", .shell = "/s" },
        { .uid = 70000, .gid = 70000, .name = "a", .gecos = "x\ny", .home = "/h", .shell = "/s" },
        { .uid = 70000, .gid = 70000, .name = "a", .gecos = "\xff", .home = "/h", .shell = "/s" },
        { .uid = 70000, .gid = 70000, .name = "a", .gecos = "", .home = "h", .shell = "/s" },
        { .uid = 70000, .gid = 70000, .name = "a", .gecos = "", .home = "/h", .shell = "/s:" },
};

static void the_writer_refuses_what_um_may_not_publish(void **state) {
        static const char *const bad_members[] = { "a,b" };
        static const gid_t no_gids[] = { 0 };
        static const MapUserSpec in_root_group = { .uid = 70000,
                                                   .gid = 70000,
                                                   .name = "a",
                                                   .gecos = "",
                                                   .home = "/h",
                                                   .shell = "/s",
                                                   .gids = no_gids,
                                                   .gid_count = 1 };
        static const MapGroupSpec groups[] = {
                { .gid = 0, .name = "a" },
                { .gid = 70000, .name = "root" },
                { .gid = 70000, .name = "A" },
                { .gid = 70000, .name = "a", .members = bad_members, .member_count = 1 },
        };
        static const MapGroupSpec own = { .gid = 70000, .name = "um-mfa" };
        _cleanup_(map_build_freep) MapBuild *build = build_of(0, COMPLETE);

        for (size_t i = 0; i < ARRAY_LENGTH(refused_users); i++)
                assert_int_equal(map_build_user(build, &refused_users[i]), -EINVAL);
        assert_int_equal(map_build_user(build, &in_root_group), -EINVAL);
        for (size_t i = 0; i < ARRAY_LENGTH(groups); i++)
                assert_int_equal(map_build_group(build, &groups[i]), -EINVAL);
        assert_int_equal(map_build_group(build, &own), 0);
}

static void a_double_name_or_id_is_refused_and_leaves_no_trace(void **state) {
        _cleanup_(map_build_freep) MapBuild *build = build_of(40, COMPLETE);
        Folder folder = folder_make();
        MapWriter *writer = NULL;
        MapView view;
        Person p;

        person_make(40, &p);
        p.user.name = "u3";
        assert_int_equal(map_build_user(build, &p.user), -EEXIST);
        person_make(40, &p);
        p.user.uid = FIRST_ID + 3;
        assert_int_equal(map_build_user(build, &p.user), -EEXIST);
        person_make(40, &p);
        p.group.name = "u39";
        assert_int_equal(map_build_group(build, &p.group), -EEXIST);
        p.group.name = "u40";
        p.group.gid = FIRST_ID;
        assert_int_equal(map_build_group(build, &p.group), -EEXIST);

        assert_int_equal(map_build_write(build, folder.fd, &writer), 0);
        assert_int_equal(map_build_user(build, &p.user), -EBUSY);
        assert_int_equal(map_publish(folder.fd, writer, NULL), 0);
        assert_int_equal(map_open(folder.map, &view), 0);
        for (uint32_t n = 0; n < 40; n++)
                assert_int_equal(person_in(&view, n), 1);
        assert_int_equal(person_in(&view, 40), 0);
        map_close(&view);
        map_writer_free(writer);
        folder_done(&folder);
}

/* ---- wrong files ----------------------------------------------------------------------------- */

/* Without the room behind what is committed. */
static unsigned char *file_bytes(const char *path, size_t *ret_size) {
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        unsigned char *bytes;
        struct stat st;

        assert_true(fd >= 0 && fstat(fd, &st) == 0);
        bytes = aligned_alloc(8, ((size_t)st.st_size + 7) / 8 * 8);
        assert_non_null(bytes);
        assert_int_equal(read(fd, bytes, (size_t)st.st_size), st.st_size);
        close(fd);
        *ret_size = (size_t)((const MapHeader *)bytes)->committed;
        return bytes;
}

static void file_make(const Folder *folder, const void *bytes, size_t size, mode_t mode) {
        int fd;

        unlinkat(folder->fd, MAP_NAME, 0);
        fd = openat(folder->fd, MAP_NAME, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, bytes, size), size);
        assert_int_equal(fchmod(fd, mode), 0);
        close(fd);
}

static void a_map_cut_short_anywhere_is_refused(void **state) {
        Folder folder = folder_make();
        MapWriter *writer = published(&folder, 20, NULL);
        size_t size;
        unsigned char *bytes = file_bytes(folder.map, &size);
        MapView view;

        for (size_t cut = 0; cut < size; cut += cut < MAP_PAGE_BYTES ? 37 : 1) {
                file_make(&folder, bytes, cut, 0444);
                assert_int_equal(map_open(folder.map, &view), -EBADMSG);
        }
        file_make(&folder, bytes, size, 0444);
        assert_int_equal(map_open(folder.map, &view), 0);
        map_close(&view);
        free(bytes);
        map_writer_free(writer);
        folder_done(&folder);
}

static void a_header_with_any_bit_flipped_is_refused(void **state) {
        Folder folder = folder_make();
        MapWriter *writer = published(&folder, 20, NULL);
        size_t size;
        unsigned char *bytes = file_bytes(folder.map, &size);
        MapView view;

        for (size_t bit = 0; bit < offsetof(MapHeader, check) * 8 + 64; bit++) {
                bytes[bit / 8] ^= (unsigned char)(1U << bit % 8);
                if (map_view_init(bytes, size, size, &view) != -EBADMSG)
                        fail_msg("bit %zu of byte %zu", bit % 8, bit / 8);
                bytes[bit / 8] ^= (unsigned char)(1U << bit % 8);
        }
        assert_int_equal(map_view_init(bytes, size, size, &view), 0);
        free(bytes);
        map_writer_free(writer);
        folder_done(&folder);
}

static void touch(const MapUser *user) {
        const char *s = user->strings;
        volatile size_t sum = strlen(s) + strlen(s + user->password_at) +
                              strlen(s + user->gecos_at) + strlen(s + user->home_at) +
                              strlen(s + user->shell_at);

        for (uint32_t i = 0; i < user->gid_count; i++)
                sum += user->gids[i];
}

static void touch_group(const MapGroup *group) {
        volatile size_t sum = strlen(group->strings) + strlen(group->strings + group->password_at);

        for (uint32_t i = 0; i < group->member_count; i++)
                sum += strlen(group->strings + group->member_at[i]);
}

/* All lookups and both walks, whatever they say; who reads outside is caught by the guard page. */
static void map_exercise(const MapView *view, uint32_t count) {
        MapCursor cursor;
        MapGroup group;
        MapUser user;
        Person p;
        uint32_t steps = 0;

        for (uint32_t n = 0; n < count; n++) {
                person_make(n, &p);
                if (map_user_by_name(view, p.name, strlen(p.name), &user) == 1)
                        touch(&user);
                if (map_user_by_uid(view, FIRST_ID + n, &user) == 1)
                        touch(&user);
                if (map_group_by_name(view, p.name, strlen(p.name), &group) == 1)
                        touch_group(&group);
                if (map_group_by_gid(view, FIRST_ID + n, &group) == 1)
                        touch_group(&group);
        }
        if (map_cursor_start(view, &cursor) == 0)
                while (map_user_next(view, &cursor, &user) == 1 && steps++ < 10 * count)
                        touch(&user);
        if (map_cursor_start(view, &cursor) == 0)
                while (map_group_next(view, &cursor, &group) == 1 && steps++ < 20 * count)
                        touch_group(&group);
        assert_true(steps < 10 * count);
}

/* The file's bytes, ending where a page that cannot be touched begins. */
static unsigned char *guarded_copy(const unsigned char *bytes, size_t size, size_t *ret_mapped) {
        size_t mapped = (size + 4095) / 4096 * 4096;
        unsigned char *area = mmap(NULL, mapped + 4096, PROT_READ | PROT_WRITE,
                                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        assert_ptr_not_equal(area, MAP_FAILED);
        assert_int_equal(mprotect(area + mapped, 4096, PROT_NONE), 0);
        assert_int_equal(size % 8, 0);
        memcpy(area + (mapped - size), bytes, size);
        *ret_mapped = mapped;
        return area;
}

static void a_body_with_any_bit_flipped_never_leads_outside(void **state) {
        Folder folder = folder_make();
        MapWriter *writer = published(&folder, 6, NULL);
        MapChange change[2] = {};
        Person p[2];
        size_t size, mapped;
        unsigned char *bytes, *area, *copy;
        MapView view;

        for (uint32_t i = 0; i < 2; i++) {
                person_make(6 + i, &p[i]);
                change[i] = (MapChange){ .user = &p[i].user, .group = &p[i].group };
        }
        change[1].gone_user_name = "u2";
        change[1].gone_uid = FIRST_ID + 2;
        assert_int_equal(map_append(writer, change, 2), 0);
        bytes = file_bytes(folder.map, &size);
        area = guarded_copy(bytes, size, &mapped);
        copy = area + (mapped - size);
        assert_int_equal(map_view_init(copy, size, size, &view), 0);
        map_exercise(&view, 10);
        for (size_t bit = offsetof(MapHeader, committed) * 8; bit < size * 8; bit++) {
                if (bit / 8 >= sizeof(MapHeader) && bit / 8 < MAP_PAGE_BYTES)
                        continue;
                copy[bit / 8] ^= (unsigned char)(1U << bit % 8);
                map_exercise(&view, 10);
                copy[bit / 8] ^= (unsigned char)(1U << bit % 8);
        }
        munmap(area, mapped + 4096);
        free(bytes);
        map_writer_free(writer);
        folder_done(&folder);
}

/* Of user u5 in a map of its own: one or two fields bent, in a body the check of the header
 * says nothing of. */
static void a_record_that_contradicts_itself_is_a_fault(void **state) {
        static const struct {
                const char *why;
                size_t at;
                uint32_t value;
                size_t bytes;
        } rows[][2] = {
#define USER(field) offsetof(MapUserRecord, field), /* its value, its size: */
                { { "kind of a group", USER(head.kind) MAP_KIND_GROUP, 2 } },
                { { "gone, in the base", USER(head.kind) MAP_KIND_GONE_USER, 2 } },
                { { "no name", USER(head.name_len) 0, 2 } },
                { { "name beyond", USER(head.name_len) 0xffff, 2 } },
                { { "shorter than its parts", USER(head.bytes) 40, 4 } },
                { { "shorter than its head", USER(head.bytes) 8, 4 } },
                { { "longer than the file", USER(head.bytes) 0xfffffff8, 4 } },
                { { "longer than the file", USER(head.bytes) 0xfffffff8, 4 },
                  { "with as many gids", USER(gid_count) 0x3ffffff0, 4 } },
                { { "no gid", USER(gid_count) 0, 4 } },
                { { "gids beyond", USER(gid_count) 0x40000001, 4 } },
                { { "strings beyond", USER(strings_bytes) 0xffff, 2 } },
                { { "the last string without its NUL", USER(strings_bytes) 30, 2 } },
                { { "gecos within the name", USER(gecos_at) 1, 2 } },
                { { "home before gecos", USER(home_at) 2, 2 } },
                { { "shell not at a string's begin", USER(shell_at) 26, 2 } },
                { { "shell beyond", USER(shell_at) 0xffff, 2 } },
#undef USER
        };
        _cleanup_(map_build_freep) MapBuild *build = build_of(0, COMPLETE);
        Folder folder = folder_make();
        MapWriter *writer = NULL;
        unsigned char *bytes, before[64];
        MapUser user;
        MapView view;
        size_t size;
        Person p;

        person_make(5, &p);
        assert_int_equal(map_build_user(build, &p.user), 0);
        assert_int_equal(map_build_write(build, folder.fd, &writer), 0);
        assert_int_equal(map_publish(folder.fd, writer, NULL), 0);
        bytes = file_bytes(folder.map, &size);
        memcpy(before, bytes + MAP_PAGE_BYTES, sizeof(before));
        assert_int_equal(map_view_init(bytes, size, size, &view), 0);
        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                MapCursor cursor;

                for (size_t k = 0; k < 2 && rows[i][k].why; k++)
                        memcpy(bytes + MAP_PAGE_BYTES + rows[i][k].at, &rows[i][k].value,
                               rows[i][k].bytes);
                if (map_user_by_uid(&view, p.user.uid, &user) != -EBADMSG)
                        fail_msg("%s", rows[i][0].why);
                assert_int_equal(map_cursor_start(&view, &cursor), 0);
                if (map_user_next(&view, &cursor, &user) != -EBADMSG)
                        fail_msg("%s, walking", rows[i][0].why);
                memcpy(bytes + MAP_PAGE_BYTES, before, sizeof(before));
        }
        assert_int_equal(map_user_by_uid(&view, p.user.uid, &user), 1);
        free(bytes);
        map_writer_free(writer);
        folder_done(&folder);
}

static void what_is_no_map_is_refused(void **state) {
        static const struct {
                const char *why;
                size_t at;
                unsigned char value;
        } rows[] = {
                { "another magic", offsetof(MapHeader, magic), 'U' },
                { "another version", offsetof(MapHeader, version), 2 },
                { "another byte order", offsetof(MapHeader, endian), 1 },
        };
        Folder folder = folder_make();
        MapWriter *writer = published(&folder, 3, NULL);
        size_t size;
        unsigned char *bytes = file_bytes(folder.map, &size);
        MapHeader *h = (MapHeader *)bytes;
        MapView view;

        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                unsigned char old = bytes[rows[i].at];

                bytes[rows[i].at] = rows[i].value;
                h->check = map_header_check(h);
                file_make(&folder, bytes, size, 0444);
                assert_int_equal(map_open(folder.map, &view), -EBADMSG);
                bytes[rows[i].at] = old;
        }
        h->check = map_header_check(h);
        file_make(&folder, bytes, size, 0464); /* another may write it */
        assert_int_equal(map_open(folder.map, &view), -EBADMSG);
        unlinkat(folder.fd, MAP_NAME, 0);
        assert_int_equal(map_open(folder.map, &view), -ENOENT);
        assert_int_equal(symlinkat("/etc/passwd", folder.fd, MAP_NAME), 0);
        assert_int_equal(map_open(folder.map, &view), -ELOOP);
        unlinkat(folder.fd, MAP_NAME, 0);
        assert_int_equal(mkfifoat(folder.fd, MAP_NAME, 0600), 0);
        assert_int_equal(map_open(folder.map, &view), -EBADMSG);
        free(bytes);
        map_writer_free(writer);
        folder_done(&folder);
}

static void ids_and_names_spread_over_the_table(void **state) {
        static const uint64_t seed[2] = { 0x243f6a8885a308d3, 0x13198a2e03707345 };
        enum { KEYS = 4096, SLOTS = 8192 };
        static unsigned char by_id[SLOTS], by_name[SLOTS];
        unsigned worst = 0;
        char name[16];

        for (uint32_t n = 0; n < KEYS; n++) {
                snprintf(name, sizeof(name), "user%06u", n);
                by_id[map_hash_id(seed, FIRST_ID + n) % SLOTS]++;
                by_name[map_hash_bytes(seed, name, strlen(name)) % SLOTS]++;
        }
        for (size_t i = 0; i < SLOTS; i++) {
                worst = by_id[i] > worst ? by_id[i] : worst;
                worst = by_name[i] > worst ? by_name[i] : worst;
        }
        assert_in_range(worst, 2, 8); /* a fair throw of 4096 on 8192 gives 5 or 6 */
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(everything_built_is_found),
                cmocka_unit_test(a_hundred_thousand_are_found),
                cmocka_unit_test(odd_keys_are_not_found),
                cmocka_unit_test(gids_are_sorted_once_each_behind_the_primary_one),
                cmocka_unit_test(a_group_of_fifty_thousand_and_a_user_in_sixty_thousand_groups),
                cmocka_unit_test(the_writer_refuses_what_um_may_not_publish),
                cmocka_unit_test(a_double_name_or_id_is_refused_and_leaves_no_trace),
                cmocka_unit_test(a_map_cut_short_anywhere_is_refused),
                cmocka_unit_test(a_header_with_any_bit_flipped_is_refused),
                cmocka_unit_test(a_body_with_any_bit_flipped_never_leads_outside),
                cmocka_unit_test(a_record_that_contradicts_itself_is_a_fault),
                cmocka_unit_test(what_is_no_map_is_refused),
                cmocka_unit_test(ids_and_names_spread_over_the_table),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
