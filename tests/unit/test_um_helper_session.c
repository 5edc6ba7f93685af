/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Ending sessions writes one byte to the user's own slice; "nothing to end" is never a guess. */

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base.h"
#include "um_helper/helper.h"

#define ALICE 70000U
#define SLICE "user.slice/user-70000.slice"

typedef struct Scene {
        char dir[40];
        int fd;
        Helper helper;
} Scene;

static void file_make(const Scene *scene, const char *name) {
        int fd = openat(scene->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

        assert_true(fd >= 0);
        close(fd);
}

static void is_content(const Scene *scene, const char *name, const char *want) {
        _cleanup_free_ char *text = NULL;
        size_t len;

        assert_int_equal(base_file_read(scene->fd, name, 100, &text, &len), 0);
        assert_string_equal(text, want);
}

static int scene_make(void **state) {
        Scene *scene = calloc(1, sizeof(*scene));

        memcpy(scene->dir, "/tmp/um-helper.XXXXXX", sizeof("/tmp/um-helper.XXXXXX"));
        assert_non_null(mkdtemp(scene->dir));
        scene->fd = open(scene->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        file_make(scene, "cgroup.controllers");
        assert_int_equal(mkdirat(scene->fd, "user.slice", 0755), 0);
        assert_int_equal(mkdirat(scene->fd, SLICE, 0755), 0);
        assert_int_equal(mkdirat(scene->fd, "user.slice/user-7000.slice", 0755), 0);
        file_make(scene, SLICE "/cgroup.kill");
        file_make(scene, "user.slice/cgroup.kill");
        file_make(scene, "user.slice/user-7000.slice/cgroup.kill");
        scene->helper = (Helper){ .cgroup_root = scene->dir, .passwd_path = BASE_PASSWD_PATH };
        *state = scene;
        return 0;
}

static int scene_remove(void **state) {
        Scene *scene = *state;
        int tmp_fd = open("/tmp", O_PATH | O_DIRECTORY | O_CLOEXEC);
        int r = tree_remove(tmp_fd, scene->dir + sizeof("/tmp"));

        close(tmp_fd);
        close(scene->fd);
        free(scene);
        return r;
}

static void his_slice_is_killed_and_no_other(void **state) {
        const Scene *scene = *state;

        assert_int_equal(helper_sessions_end(&scene->helper, ALICE), HELPER_OK);
        is_content(scene, SLICE "/cgroup.kill", "1");
        is_content(scene, "user.slice/cgroup.kill", "");
        is_content(scene, "user.slice/user-7000.slice/cgroup.kill", "");
}

static void who_has_no_slice_has_no_sessions(void **state) {
        const Scene *scene = *state;

        assert_int_equal(helper_sessions_end(&scene->helper, ALICE + 1), HELPER_OK);
        assert_int_equal(renameat(scene->fd, "user.slice", scene->fd, "other.slice"), 0);
        assert_int_equal(helper_sessions_end(&scene->helper, ALICE), HELPER_OK);
        assert_int_equal(renameat(scene->fd, "other.slice", scene->fd, "user.slice"), 0);
}

static void a_hierarchy_that_cannot_kill_is_a_fault(void **state) {
        Scene *scene = *state;

        assert_int_equal(unlinkat(scene->fd, SLICE "/cgroup.kill", 0), 0); /* an old kernel */
        assert_int_equal(helper_sessions_end(&scene->helper, ALICE), -EOPNOTSUPP);
        assert_int_equal(unlinkat(scene->fd, "cgroup.controllers", 0), 0); /* version 1 */
        assert_int_equal(helper_sessions_end(&scene->helper, ALICE + 1), -EOPNOTSUPP);
        scene->helper.cgroup_root = "/nonexistent";
        assert_int_equal(helper_sessions_end(&scene->helper, ALICE), -ENOENT);
}

static void a_link_is_not_followed(void **state) {
        const Scene *scene = *state;

        assert_int_equal(unlinkat(scene->fd, SLICE "/cgroup.kill", 0), 0);
        assert_int_equal(symlinkat("../cgroup.kill", scene->fd, SLICE "/cgroup.kill"), 0);
        assert_int_equal(helper_sessions_end(&scene->helper, ALICE), -ELOOP);
        is_content(scene, "user.slice/cgroup.kill", "");
}

/* A terminal of that user: its other end. */
static int terminal_make(uid_t uid) {
        int fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);

        assert_true(fd >= 0);
        assert_int_equal(grantpt(fd), 0);
        assert_int_equal(unlockpt(fd), 0);
        assert_int_equal(chown(ptsname(fd), uid, (gid_t)-1), 0);
        assert_int_equal(chmod(ptsname(fd), 0600), 0); /* mesg n */
        return fd;
}

static ssize_t terminal_read(int fd, char *buf, size_t size) {
        ssize_t n = read(fd, buf, size - 1);

        buf[n > 0 ? n : 0] = '\0';
        return n;
}

static void he_is_warned_on_his_terminals_and_on_no_other(void **state) {
        Scene *scene = *state;
        int his = terminal_make(ALICE), his_too = terminal_make(ALICE),
            other = terminal_make(ALICE + 1);
        int slaves[] = { open(ptsname(his), O_RDWR | O_NOCTTY | O_CLOEXEC),
                         open(ptsname(his_too), O_RDWR | O_NOCTTY | O_CLOEXEC),
                         open(ptsname(other), O_RDWR | O_NOCTTY | O_CLOEXEC) };
        char text[512];

        scene->helper.terminals = "/dev/pts";
        assert_int_equal(helper_sessions_warn(&scene->helper, ALICE), HELPER_OK);
        assert_true(terminal_read(his, text, sizeof(text)) > 0);
        assert_non_null(strstr(text, "is about to end, within a minute"));
        assert_true(terminal_read(his_too, text, sizeof(text)) > 0);
        assert_int_equal(terminal_read(other, text, sizeof(text)), -1);
        assert_int_equal(helper_sessions_warn(&scene->helper, ALICE + 2), HELPER_OK);
        assert_int_equal(helper_sessions_warn(&scene->helper, 0), HELPER_NO_USER);
        scene->helper.terminals = "/nonexistent";
        assert_int_equal(helper_sessions_warn(&scene->helper, ALICE), -ENOENT);
        for (size_t i = 0; i < ARRAY_LENGTH(slaves); i++)
                close(slaves[i]);
        close(his);
        close(his_too);
        close(other);
}

/* What is no terminal is nothing to write to, whoever put it there. */
static void a_file_is_no_terminal(void **state) {
        Scene *scene = *state;

        file_make(scene, "0");
        assert_int_equal(fchownat(scene->fd, "0", ALICE, ALICE, 0), 0);
        scene->helper.terminals = scene->dir;
        assert_int_equal(helper_sessions_warn(&scene->helper, ALICE), HELPER_OK);
        is_content(scene, "0", "");
}

static void root_and_local_users_are_never_ended(void **state) {
        static const uid_t uids[] = { 0, 1, 999, 61184, 65534, 524288, UINT32_MAX };
        Scene *scene = *state;
        char passwd[64];

        for (size_t i = 0; i < ARRAY_LENGTH(uids); i++)
                assert_int_equal(helper_sessions_end(&scene->helper, uids[i]), HELPER_NO_USER);
        snprintf(passwd, sizeof(passwd), "%s/passwd", scene->dir);
        file_make(scene, "passwd");
        {
                int fd = open(passwd, O_WRONLY | O_CLOEXEC);

                assert_true(write(fd, "local:x:70000:70000:::\n", 23) == 23);
                close(fd);
        }
        scene->helper.passwd_path = passwd;
        assert_int_equal(helper_sessions_end(&scene->helper, ALICE), HELPER_NO_USER);
        is_content(scene, SLICE "/cgroup.kill", "");
}

#define SCENE(f) cmocka_unit_test_setup_teardown(f, scene_make, scene_remove)

int main(void) {
        const struct CMUnitTest tests[] = {
                SCENE(his_slice_is_killed_and_no_other),
                SCENE(who_has_no_slice_has_no_sessions),
                SCENE(a_hierarchy_that_cannot_kill_is_a_fault),
                SCENE(a_link_is_not_followed),
                SCENE(he_is_warned_on_his_terminals_and_on_no_other),
                SCENE(a_file_is_no_terminal),
                SCENE(root_and_local_users_are_never_ended),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
