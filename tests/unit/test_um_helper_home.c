/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A home is made whole and once, in a place that is root's, for a user the map knows. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base.h"
#include "map/map.h"
#include "um_helper/helper.h"

#define ALICE  70000U /* home ROOT/alice */
#define BOB    70001U /* home ROOT/team/bob */
#define CAROL  70002U /* home /elsewhere/carol */
#define DAVE   70003U /* home ROOT itself, as text: ROOTdave */
#define EVE    70004U /* home ROOT/.um-home-1.x */
#define FRANK  70005U /* in the map, and local */
#define GRACE  70006U /* home ROOT/team/shift/grace */
#define NOBODY 70099U /* not in the map */

typedef struct Scene {
        char dir[40];
        char map_path[64], skeleton[64], root[64], passwd[64];
        Helper helper;
        int dir_fd, root_fd, skeleton_fd;
} Scene;

static void user_add(MapBuild *build, uid_t uid, const char *name, const char *root,
                     const char *below) {
        char home[BASE_PATH_MAX];
        MapUserSpec user = { .uid = uid,
                             .gid = uid + 1000,
                             .name = name,
                             .gecos = "",
                             .home = home,
                             .shell = "/bin/sh" };

        snprintf(home, sizeof(home), "%s%s", root, below);
        assert_int_equal(map_build_user(build, &user), 0);
}

static void map_make(const Scene *scene) {
        MapBuild *build;
        MapWriter *writer;

        assert_int_equal(map_build_new(MAP_FLAG_COMPLETE, &build), 0);
        user_add(build, ALICE, "alice", scene->root, "/alice");
        user_add(build, BOB, "bob", scene->root, "/team/bob");
        user_add(build, GRACE, "grace", scene->root, "/team/shift/grace");
        user_add(build, CAROL, "carol", scene->dir, "/elsewhere/carol");
        user_add(build, DAVE, "dave", scene->root, "dave");
        user_add(build, EVE, "eve", scene->root, "/" HELPER_LEFTOVER_PREFIX "1.x");
        user_add(build, FRANK, "frank", scene->root, "/frank");
        assert_int_equal(map_build_write(build, scene->dir_fd, &writer), 0);
        assert_int_equal(map_publish(scene->dir_fd, writer, NULL), 0);
        map_writer_free(writer);
        map_build_free(build);
}

static void text_make(int dir_fd, const char *name, const char *text, mode_t mode) {
        _cleanup_close_ int fd =
                openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, strlen(text)), strlen(text));
        assert_int_equal(fchmod(fd, mode), 0);
}

static int scene_make(void **state) {
        Scene *scene = calloc(1, sizeof(*scene));

        memcpy(scene->dir, "/tmp/um-helper.XXXXXX", sizeof("/tmp/um-helper.XXXXXX"));
        assert_non_null(mkdtemp(scene->dir));
        scene->dir_fd = open(scene->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_int_equal(mkdirat(scene->dir_fd, "home", 0755), 0);
        assert_int_equal(mkdirat(scene->dir_fd, "skel", 0755), 0);
        assert_int_equal(mkdirat(scene->dir_fd, "elsewhere", 0755), 0);
        scene->root_fd = openat(scene->dir_fd, "home", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        scene->skeleton_fd = openat(scene->dir_fd, "skel", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        snprintf(scene->map_path, sizeof(scene->map_path), "%s/" MAP_NAME, scene->dir);
        snprintf(scene->skeleton, sizeof(scene->skeleton), "%s/skel", scene->dir);
        snprintf(scene->root, sizeof(scene->root), "%s/home", scene->dir);
        snprintf(scene->passwd, sizeof(scene->passwd), "%s/passwd", scene->dir);
        text_make(scene->dir_fd, "passwd", "root:x:0:0:::\nlocal:x:70005:70005:::\n", 0644);
        text_make(scene->skeleton_fd, ".profile", "umask 022\n", 0644);
        map_make(scene);
        scene->helper = (Helper){ .map_path = scene->map_path,
                                  .skeleton = scene->skeleton,
                                  .passwd_path = scene->passwd,
                                  .home_roots = { "/nonexistent", scene->root },
                                  .home_root_count = 2 };
        *state = scene;
        return 0;
}

static int scene_remove(void **state) {
        Scene *scene = *state;
        int tmp_fd = open("/tmp", O_PATH | O_DIRECTORY | O_CLOEXEC);
        int r = tree_remove(tmp_fd, scene->dir + sizeof("/tmp"));

        close(tmp_fd);
        close(scene->dir_fd);
        close(scene->root_fd);
        close(scene->skeleton_fd);
        free(scene);
        return r;
}

static int make(const Scene *scene, uid_t uid) {
        return helper_home_make(&scene->helper, uid, base_boottime_usec() + HELPER_REQUEST_USEC);
}

static void is_entry(int dir_fd, const char *name, mode_t mode, uid_t uid, gid_t gid) {
        struct stat st;

        assert_int_equal(fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW), 0);
        assert_int_equal(st.st_mode, mode);
        assert_int_equal(st.st_uid, uid);
        assert_int_equal(st.st_gid, gid);
}

static unsigned entry_count(int dir_fd) {
        DIR *dir = fdopendir(openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        unsigned count = 0;

        while (readdir(dir))
                count++;
        closedir(dir);
        return count - 2;
}

/* ---- what is made ---------------------------------------------------------------------------- */

static void the_skeleton_becomes_his(void **state) {
        const Scene *scene = *state;
        struct stat before, after;
        char text[32] = { 0 };
        int sub, home;

        assert_int_equal(fstatat(AT_FDCWD, "/etc/shadow", &before, 0), 0);
        assert_int_equal(mkdirat(scene->skeleton_fd, "bin", 0750), 0);
        assert_int_equal(fchmodat(scene->skeleton_fd, "bin", 02755, 0), 0);
        sub = openat(scene->skeleton_fd, "bin", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        text_make(sub, "tool", "#!/bin/sh\n", 04755);
        text_make(sub, "secret", "x", 0600);
        assert_int_equal(symlinkat("/etc/shadow", scene->skeleton_fd, "link"), 0);
        assert_int_equal(make(scene, ALICE), HELPER_OK);
        is_entry(scene->root_fd, "alice", S_IFDIR | 0700, ALICE, ALICE + 1000);
        home = openat(scene->root_fd, "alice", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        is_entry(home, ".profile", S_IFREG | 0644, ALICE, ALICE + 1000);
        is_entry(home, "bin", S_IFDIR | 0755, ALICE, ALICE + 1000);
        is_entry(home, "bin/tool", S_IFREG | 0755, ALICE, ALICE + 1000);
        is_entry(home, "bin/secret", S_IFREG | 0600, ALICE, ALICE + 1000);
        is_entry(home, "link", S_IFLNK | 0777, ALICE, ALICE + 1000);
        assert_int_equal(readlinkat(home, "link", text, sizeof(text)), strlen("/etc/shadow"));
        assert_string_equal(text, "/etc/shadow");
        assert_int_equal(fstatat(AT_FDCWD, "/etc/shadow", &after, 0), 0);
        assert_int_equal(after.st_uid, before.st_uid);
        assert_int_equal(after.st_ctim.tv_nsec, before.st_ctim.tv_nsec);
        assert_int_equal(entry_count(home), 3);
        assert_int_equal(entry_count(scene->root_fd), 1);
        close(sub);
        close(home);
}

static void bytes_arrive_whole(void **state) {
        const Scene *scene = *state;
        char *want = malloc(200001), *got = NULL;
        size_t len = 0;

        for (size_t i = 0; i < 200000; i++)
                want[i] = (char)('a' + i % 26);
        want[200000] = '\0';
        text_make(scene->skeleton_fd, "big", want, 0644);
        assert_int_equal(make(scene, ALICE), HELPER_OK);
        assert_int_equal(base_file_read(scene->root_fd, "alice/big", 1000000, &got, &len), 0);
        assert_int_equal(len, 200000);
        assert_memory_equal(got, want, len);
        free(want);
        free(got);
}

static void what_is_no_file_is_left_out(void **state) {
        const Scene *scene = *state;
        int home;

        assert_int_equal(mkfifoat(scene->skeleton_fd, "fifo", 0644), 0);
        /* a container may not allow devices; there the fifo alone shows it */
        (void)mknodat(scene->skeleton_fd, "null", S_IFCHR | 0666, makedev(1, 3));
        assert_int_equal(make(scene, ALICE), HELPER_OK);
        home = openat(scene->root_fd, "alice", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_int_equal(entry_count(home), 1); /* .profile */
        close(home);
}

static void without_a_skeleton_the_home_is_empty(void **state) {
        Scene *scene = *state;

        scene->helper.skeleton = "/nonexistent/skel";
        assert_int_equal(make(scene, ALICE), HELPER_OK);
        is_entry(scene->root_fd, "alice", S_IFDIR | 0700, ALICE, ALICE + 1000);
}

static void a_home_may_stand_deeper_in_folders_of_roots(void **state) {
        const Scene *scene = *state;

        assert_int_equal(make(scene, BOB), HELPER_REFUSED); /* no such folder yet */
        assert_int_equal(mkdirat(scene->root_fd, "team", 0755), 0);
        assert_int_equal(make(scene, BOB), HELPER_OK);
        is_entry(scene->root_fd, "team/bob", S_IFDIR | 0700, BOB, BOB + 1000);
}

/* ---- what is there already ------------------------------------------------------------------- */

static void a_home_that_is_his_stays_as_it_is(void **state) {
        const Scene *scene = *state;

        assert_int_equal(mkdirat(scene->root_fd, "alice", 0751), 0);
        assert_int_equal(fchownat(scene->root_fd, "alice", ALICE, 5, 0), 0);
        assert_int_equal(make(scene, ALICE), HELPER_EXISTS);
        is_entry(scene->root_fd, "alice", S_IFDIR | 0751, ALICE, 5);
        assert_int_equal(entry_count(scene->root_fd), 1);
}

static void what_is_anothers_is_left_alone(void **state) {
        const Scene *scene = *state;

        assert_int_equal(mkdirat(scene->root_fd, "alice", 0755), 0);
        assert_int_equal(make(scene, ALICE), HELPER_FOREIGN);
        is_entry(scene->root_fd, "alice", S_IFDIR | 0755, 0, 0);
        assert_int_equal(unlinkat(scene->root_fd, "alice", AT_REMOVEDIR), 0);
        text_make(scene->root_fd, "alice", "", 0644); /* a file, be it his own */
        assert_int_equal(fchownat(scene->root_fd, "alice", ALICE, ALICE, 0), 0);
        assert_int_equal(make(scene, ALICE), HELPER_FOREIGN);
        assert_int_equal(unlinkat(scene->root_fd, "alice", 0), 0);
        assert_int_equal(symlinkat("/nonexistent", scene->root_fd, "alice"), 0);
        assert_int_equal(make(scene, ALICE), HELPER_FOREIGN);
        assert_int_equal(entry_count(scene->root_fd), 1);
}

static void eight_at_once_make_one(void **state) {
        const Scene *scene = *state;
        unsigned made = 0, there = 0;

        for (int round = 0; round < 10; round++) {
                made = there = 0;
                for (int i = 0; i < 8; i++)
                        if (fork() == 0)
                                _exit(make(scene, ALICE));
                for (int i = 0; i < 8; i++) {
                        int status;

                        assert_true(wait(&status) > 0);
                        made += status == HELPER_OK << 8;
                        there += status == HELPER_EXISTS << 8;
                }
                assert_int_equal(made, 1);
                assert_int_equal(there, 7);
                assert_int_equal(entry_count(scene->root_fd), 1);
                is_entry(scene->root_fd, "alice/.profile", S_IFREG | 0644, ALICE, ALICE + 1000);
                assert_int_equal(tree_remove(scene->root_fd, "alice"), 0);
        }
}

/* ---- where and for whom not ------------------------------------------------------------------ */

static void a_place_outside_the_roots_is_refused(void **state) {
        const Scene *scene = *state;

        assert_int_equal(make(scene, CAROL), HELPER_REFUSED);
        assert_int_equal(make(scene, DAVE), HELPER_REFUSED); /* the root's name is no prefix */
        assert_int_equal(make(scene, EVE), HELPER_REFUSED);  /* nor a name of our own */
        assert_int_equal(faccessat(scene->dir_fd, "elsewhere/carol", F_OK, 0), -1);
        assert_int_equal(faccessat(scene->dir_fd, "homedave", F_OK, 0), -1);
        assert_int_equal(entry_count(scene->root_fd), 0);
}

static void a_link_on_the_way_is_refused(void **state) {
        const Scene *scene = *state;

        assert_int_equal(symlinkat("../elsewhere", scene->root_fd, "team"), 0);
        assert_int_equal(make(scene, BOB), HELPER_REFUSED);
        assert_int_equal(unlinkat(scene->root_fd, "team", 0), 0);
        assert_int_equal(mkdirat(scene->root_fd, "real", 0755), 0);
        assert_int_equal(symlinkat("real", scene->root_fd, "team"), 0); /* also a harmless one */
        assert_int_equal(make(scene, BOB), HELPER_REFUSED);
        assert_int_equal(faccessat(scene->dir_fd, "elsewhere/bob", F_OK, 0), -1);
        assert_int_equal(faccessat(scene->root_fd, "real/bob", F_OK, 0), -1);
}

/* Who owns a folder on the way decides what is below it. */
static void a_folder_of_others_on_the_way_is_refused(void **state) {
        const Scene *scene = *state;

        assert_int_equal(mkdirat(scene->root_fd, "team", 0755), 0);
        assert_int_equal(mkdirat(scene->root_fd, "team/shift", 0755), 0);
        assert_int_equal(fchownat(scene->root_fd, "team", BOB, 0, 0), 0);
        assert_int_equal(make(scene, GRACE), HELPER_REFUSED);
        assert_int_equal(fchownat(scene->root_fd, "team", 0, 0, 0), 0);
        assert_int_equal(fchmodat(scene->root_fd, "team", 0775, 0), 0);
        assert_int_equal(make(scene, GRACE), HELPER_REFUSED);
        assert_int_equal(fchmodat(scene->root_fd, "team", 0755, 0), 0);
        assert_int_equal(make(scene, GRACE), HELPER_OK);
        is_entry(scene->root_fd, "team/shift/grace", S_IFDIR | 0700, GRACE, GRACE + 1000);
}

static void a_folder_others_may_write_is_refused(void **state) {
        static const mode_t modes[] = { 0775, 0757, 01777 };
        const Scene *scene = *state;

        for (size_t i = 0; i < ARRAY_LENGTH(modes); i++) {
                assert_int_equal(fchmod(scene->root_fd, modes[i]), 0);
                assert_int_equal(make(scene, ALICE), HELPER_REFUSED);
        }
        assert_int_equal(fchmod(scene->root_fd, 0755), 0);
        assert_int_equal(fchown(scene->root_fd, 12345, 0), 0);
        assert_int_equal(make(scene, ALICE), HELPER_REFUSED);
        assert_int_equal(fchown(scene->root_fd, 0, 0), 0);
        assert_int_equal(entry_count(scene->root_fd), 0);
        assert_int_equal(make(scene, ALICE), HELPER_OK);
}

static void only_users_of_the_map_get_one(void **state) {
        static const uid_t uids[] = { 0,     1,      999,        60001,      61184,  65534,
                                      65535, 524288, 2147483647, UINT32_MAX, NOBODY, FRANK };
        const Scene *scene = *state;

        for (size_t i = 0; i < ARRAY_LENGTH(uids); i++)
                assert_int_equal(make(scene, uids[i]), HELPER_NO_USER);
        assert_int_equal(entry_count(scene->root_fd), 0);
}

static void without_a_map_or_passwd_nothing_is_made(void **state) {
        Scene *scene = *state;

        scene->helper.map_path = "/nonexistent/map";
        assert_int_equal(make(scene, ALICE), -ENOENT);
        scene->helper.map_path = scene->passwd; /* not a map */
        assert_int_equal(make(scene, ALICE), -EBADMSG);
        scene->helper.map_path = scene->map_path;
        scene->helper.passwd_path = scene->root; /* cannot be read: any doubt is a no */
        assert_int_equal(make(scene, ALICE), HELPER_NO_USER);
        assert_int_equal(entry_count(scene->root_fd), 0);
}

/* ---- limits: nothing half made stays --------------------------------------------------------- */

static void a_skeleton_beyond_the_limits_makes_no_home(void **state) {
        Scene *scene = *state;
        char name[16];
        int fd, next;

        fd = openat(scene->skeleton_fd, "huge", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
        assert_int_equal(ftruncate(fd, HELPER_SKELETON_BYTES + 1), 0);
        close(fd);
        assert_int_equal(make(scene, ALICE), -EFBIG);
        assert_int_equal(unlinkat(scene->skeleton_fd, "huge", 0), 0);
        for (unsigned i = 0; i < HELPER_SKELETON_COUNT; i++) {
                snprintf(name, sizeof(name), "%u", i);
                assert_int_equal(symlinkat("x", scene->skeleton_fd, name), 0);
        }
        assert_int_equal(make(scene, ALICE), -E2BIG);
        assert_int_equal(entry_count(scene->root_fd), 0);
        assert_int_equal(unlinkat(scene->skeleton_fd, "0", 0), 0); /* with .profile: just enough */
        assert_int_equal(make(scene, ALICE), HELPER_OK);
        assert_int_equal(tree_remove(scene->root_fd, "alice"), 0);
        scene->helper.skeleton = scene->root;
        fd = dup(scene->root_fd);
        for (unsigned i = 0; i <= HELPER_SKELETON_DEPTH; i++) {
                assert_int_equal(mkdirat(fd, "d", 0755), 0);
                next = openat(fd, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                close(fd);
                fd = next;
        }
        close(fd);
        assert_int_equal(make(scene, ALICE), -ELOOP); /* also a skeleton that holds the home */
        assert_int_equal(entry_count(scene->root_fd), 1);
        assert_int_equal(tree_remove(scene->root_fd, "d"), 0);
}

static void a_request_has_an_end(void **state) {
        const Scene *scene = *state;

        assert_int_equal(helper_home_make(&scene->helper, ALICE, base_boottime_usec()), -ETIMEDOUT);
        assert_int_equal(entry_count(scene->root_fd), 0);
}

static void leftover_make(const Scene *scene, const char *name, uint64_t age_usec, uid_t uid) {
        uint64_t then = base_realtime_usec() - age_usec;
        struct timespec times[2] = { { .tv_sec = (time_t)(then / USEC_PER_SEC) },
                                     { .tv_sec = (time_t)(then / USEC_PER_SEC) } };
        int fd;

        assert_int_equal(mkdirat(scene->root_fd, name, 0700), 0);
        fd = openat(scene->root_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_int_equal(mkdirat(fd, "sub", 0700), 0);
        text_make(fd, "sub/file", "x", 0600);
        assert_int_equal(symlinkat("/tmp", fd, "link"), 0);
        assert_int_equal(fchown(fd, uid, uid), 0);
        assert_int_equal(futimens(fd, times), 0);
        close(fd);
}

static void what_a_crash_left_goes_after_an_hour(void **state) {
        const Scene *scene = *state;
        uint64_t hour = HELPER_LEFTOVER_USEC;

        leftover_make(scene, HELPER_LEFTOVER_PREFIX "70000.old", hour + 60 * USEC_PER_SEC, 0);
        leftover_make(scene, HELPER_LEFTOVER_PREFIX "70000.new", hour - 60 * USEC_PER_SEC, 0);
        leftover_make(scene, HELPER_LEFTOVER_PREFIX "70000.his", 2 * hour, ALICE);
        leftover_make(scene, "um-home-70000.other", 2 * hour, 0);
        text_make(scene->root_fd, HELPER_LEFTOVER_PREFIX "file", "", 0600);
        assert_int_equal(make(scene, ALICE), HELPER_OK);
        assert_int_equal(faccessat(scene->root_fd, HELPER_LEFTOVER_PREFIX "70000.old", F_OK, 0),
                         -1);
        assert_int_equal(faccessat(scene->root_fd, HELPER_LEFTOVER_PREFIX "70000.new", F_OK, 0), 0);
        assert_int_equal(faccessat(scene->root_fd, HELPER_LEFTOVER_PREFIX "70000.his", F_OK, 0), 0);
        assert_int_equal(faccessat(scene->root_fd, "um-home-70000.other/sub/file", F_OK, 0), 0);
        assert_int_equal(entry_count(scene->root_fd), 5);
}

#define SCENE(f) cmocka_unit_test_setup_teardown(f, scene_make, scene_remove)

int main(void) {
        const struct CMUnitTest tests[] = {
                SCENE(the_skeleton_becomes_his),
                SCENE(bytes_arrive_whole),
                SCENE(what_is_no_file_is_left_out),
                SCENE(without_a_skeleton_the_home_is_empty),
                SCENE(a_home_may_stand_deeper_in_folders_of_roots),
                SCENE(a_home_that_is_his_stays_as_it_is),
                SCENE(what_is_anothers_is_left_alone),
                SCENE(eight_at_once_make_one),
                SCENE(a_place_outside_the_roots_is_refused),
                SCENE(a_link_on_the_way_is_refused),
                SCENE(a_folder_of_others_on_the_way_is_refused),
                SCENE(a_folder_others_may_write_is_refused),
                SCENE(only_users_of_the_map_get_one),
                SCENE(without_a_map_or_passwd_nothing_is_made),
                SCENE(a_skeleton_beyond_the_limits_makes_no_home),
                SCENE(a_request_has_an_end),
                SCENE(what_a_crash_left_goes_after_an_hour),
        };

        umask(0);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
