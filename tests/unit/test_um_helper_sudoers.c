/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lines of sudoers: which are taken, that the file becomes so whole or not at all, and what is left
 * alone.  visudo is the real one. */

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

#define HEAD     HELPER_SUDOERS_HEAD
#define ALICE    "alice ALL=(root) PASSWD: /usr/bin/id \"\"\n"
#define DEADLINE (base_boottime_usec() + 30 * USEC_PER_SEC)

typedef struct Scene {
        char dir[40], source[64], sudoers[64], passwd[64];
        int fd;
        Helper helper;
} Scene;

static void file_write(const Scene *scene, const char *name, const char *text) {
        int fd = openat(scene->fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, strlen(text)), strlen(text));
        close(fd);
}

static int scene_make(void **state) {
        Scene *scene = calloc(1, sizeof(*scene));

        memcpy(scene->dir, "/tmp/um-helper.XXXXXX", sizeof("/tmp/um-helper.XXXXXX"));
        assert_non_null(mkdtemp(scene->dir));
        scene->fd = open(scene->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        snprintf(scene->source, sizeof(scene->source), "%s/lines", scene->dir);
        snprintf(scene->sudoers, sizeof(scene->sudoers), "%s/sudoers.d", scene->dir);
        snprintf(scene->passwd, sizeof(scene->passwd), "%s/passwd", scene->dir);
        assert_int_equal(mkdir(scene->sudoers, 0750), 0);
        file_write(scene, "passwd", "root:x:0:0:::\nbob:x:1000:1000:::\n");
        scene->helper = (Helper){ .passwd_path = scene->passwd,
                                  .sudoers_source = scene->source,
                                  .sudoers_dir = scene->sudoers,
                                  .visudo = "/usr/sbin/visudo" };
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

static int install(Scene *scene, const char *lines) {
        char text[2048];

        snprintf(text, sizeof(text), "%s%s", HEAD, lines);
        file_write(scene, "lines", text);
        return helper_sudoers_install(&scene->helper, DEADLINE);
}

/* Of um's, root's and 0440, and nothing beside it. */
static void is_installed(const Scene *scene, const char *lines) {
        _cleanup_free_ char *text = NULL;
        char expected[2048];
        struct stat st;
        size_t len;

        snprintf(expected, sizeof(expected), "%s%s", HEAD, lines);
        assert_int_equal(base_file_read(scene->fd, "sudoers.d/50-um", 4096, &text, &len), 0);
        assert_string_equal(text, expected);
        assert_int_equal(fstatat(scene->fd, "sudoers.d/50-um", &st, AT_SYMLINK_NOFOLLOW), 0);
        assert_int_equal(st.st_mode, S_IFREG | 0440);
        assert_int_equal(st.st_uid, 0);
        assert_int_equal(faccessat(scene->fd, "sudoers.d/50-um.new", F_OK, 0), -1);
}

static void is_absent(const Scene *scene) {
        assert_int_equal(faccessat(scene->fd, "sudoers.d/50-um", F_OK, 0), -1);
        assert_int_equal(faccessat(scene->fd, "sudoers.d/50-um.new", F_OK, 0), -1);
}

/* ---- which lines ----------------------------------------------------------------------------- */

static bool anybody(void *userdata, const char *name) {
        return strcmp(name, "root") != 0;
}

static bool taken(const char *lines) {
        const HelperSudoersNames names = { NULL, anybody };
        char text[2048];

        snprintf(text, sizeof(text), "%s%s", HEAD, lines);
        return helper_sudoers_check(text, strlen(text), &names);
}

static void lines_as_umd_writes_them_are_taken(void **state) {
        static const char *const rows[] = {
                "",
                ALICE,
                ALICE ALICE,
                "alice, bob, c-d_e ALL=(root) PASSWD: /usr/bin/id \"\"\n",
                "alice ALL=(ALL:ALL) PASSWD: ALL\n",
                "alice ALL=(ALL:ALL) NOTAFTER=20270801085959Z PASSWD: ALL\n",
                "alice ALL=(postgres:adm) NOTAFTER=20270801085959Z NOPASSWD: /bin/a, /bin/b c d\n",
                "alice ALL=(Debian-exim) PASSWD: /bin/a\n",
                "alice ALL=(root) PASSWD: /usr/bin/\n",
                "alice ALL=(root) PASSWD: /usr/*/x\n",
                "alice ALL=(root) PASSWD: /bin/a\\,b\\:c\\=d@e%f+g "
                "\\,\\:\\=\\#\\?\\[\\]\\^\\\\\\\\ *\n",
                "alice ALL=(root) PASSWD: /bin/a \"b\" 'c' !d ~ $e (f) {g} <h> |i & j; `k`\n",
        };

        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++)
                if (!taken(rows[i]))
                        fail_msg("%s", rows[i]);
}

static void nothing_else_is(void **state) {
        static const char *const rows[] = {
                "\n",
                "# more\n",
                "#include /tmp/x\n",
                "@include /tmp/x\n",
                "@includedir /tmp\n",
                "Defaults !authenticate\n",
                "Cmnd_Alias X = /bin/a\n",
                "User_Alias X = alice\n",
                "root ALL=(ALL:ALL) PASSWD: ALL\n", /* not um's */
                "ALL ALL=(root) PASSWD: /bin/a\n",
                "%adm ALL=(root) PASSWD: /bin/a\n",
                "+net ALL=(root) PASSWD: /bin/a\n",
                "#70000 ALL=(root) PASSWD: /bin/a\n",
                "alice, %adm ALL=(root) PASSWD: /bin/a\n",
                "alice,bob ALL=(root) PASSWD: /bin/a\n",
                "ALICE ALL=(root) PASSWD: /bin/a\n",
                "um ALL=(root) PASSWD: /bin/a\n",
                "\"alice\" ALL=(root) PASSWD: /bin/a\n",
                "!alice ALL=(root) PASSWD: /bin/a\n",
                " ALL=(root) PASSWD: /bin/a\n",
                "alice host=(root) PASSWD: /bin/a\n",
                "alice ALL=(ALL) PASSWD: /bin/a\n",
                "alice ALL=(ALL:ALL) PASSWD: /bin/a\n",
                "alice ALL=(ALL:ALL) NOPASSWD: ALL\n",
                "alice ALL=(root) PASSWD: ALL\n",
                "alice ALL=(#0) PASSWD: /bin/a\n",
                "alice ALL=(%adm) PASSWD: /bin/a\n",
                "alice ALL=(root, bob) PASSWD: /bin/a\n",
                "alice ALL=(root:) PASSWD: /bin/a\n",
                "alice ALL=(ROOT) PASSWD: /bin/a\n",
                "alice ALL=() PASSWD: /bin/a\n",
                "alice ALL=(root) /bin/a\n",
                "alice ALL=(root) SETENV: /bin/a\n",
                "alice ALL=(root) CWD=/ PASSWD: /bin/a\n",
                "alice ALL=(root) NOTAFTER=2027080108595Z PASSWD: /bin/a\n",
                "alice ALL=(root) NOTAFTER=20270801085959 PASSWD: /bin/a\n",
                "alice ALL=(root) NOTBEFORE=20270801085959Z PASSWD: /bin/a\n",
                "alice ALL=(root) PASSWD: bin/a\n",
                "alice ALL=(root) PASSWD: /\n",
                "alice ALL=(root) PASSWD: !/bin/a\n",
                "alice ALL=(root) PASSWD: sha224:0a1b /bin/a\n",
                "alice ALL=(root) PASSWD: sudoedit /etc/x\n",
                "alice ALL=(root) PASSWD: ^/bin/.*$\n",
                "alice ALL=(root) PASSWD: /bin/a,/bin/b\n",
                "alice ALL=(root) PASSWD: /bin/a, \n",
                "alice ALL=(root) PASSWD: /bin/a b, c\n",
                "alice ALL=(root) PASSWD: /bin/a \n",
                "alice ALL=(root) PASSWD: /bin/a  b\n",
                "alice ALL=(root) PASSWD: /bin/a ^b.*$\n",
                "alice ALL=(root) PASSWD: /bin/a b=c\n",
                "alice ALL=(root) PASSWD: /bin/a b:c\n",
                "alice ALL=(root) PASSWD: /bin/a [b]\n",
                "alice ALL=(root) PASSWD: /bin/a ?\n",
                "alice ALL=(root) PASSWD: /bin/a # b\n",
                "alice ALL=(root) PASSWD: /bin/a \\\n b\n",
                "alice ALL=(root) PASSWD: /bin/a \\b\n",
                "alice ALL=(root) PASSWD: /bin/a \\\\b\n",
                "alice ALL=(root) PASSWD: /bin/a\tb\n",
                "alice ALL=(root) PASSWD: /bin/a \x7f\n",
                "alice ALL=(root) PASSWD: /bin/a \xc3\xbc\n",
                "alice ALL=(root) PASSWD: /bin/a",
                "alice ALL=(root) PASSWD: /bin/a\nx",
                "alice ALL=(root) PASSWD: /bin/a\r\n",
                "alice ALL=(root) PASSWD: /bin/a : bob ALL=(root) PASSWD: /bin/b\n",
        };
        const HelperSudoersNames names = { NULL, anybody };

        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++)
                if (taken(rows[i]))
                        fail_msg("%s", rows[i]);
        assert_false(helper_sudoers_check(ALICE, strlen(ALICE), &names));
        assert_false(helper_sudoers_check(HEAD, strlen(HEAD) - 1, &names));
        assert_false(helper_sudoers_check(HEAD ALICE, strlen(HEAD ALICE) + 1, &names)); /* a NUL */
}

/* ---- the file -------------------------------------------------------------------------------- */

static void the_file_becomes_what_umd_says(void **state) {
        Scene *scene = *state;

        assert_int_equal(install(scene, ""), HELPER_EXISTS);
        is_absent(scene);
        assert_int_equal(install(scene, ALICE), HELPER_OK);
        is_installed(scene, ALICE);
        assert_int_equal(install(scene, ALICE), HELPER_EXISTS);
        assert_int_equal(install(scene, ALICE ALICE), HELPER_OK);
        is_installed(scene, ALICE ALICE);
        assert_int_equal(fchmodat(scene->fd, "sudoers.d/50-um", 0644, 0), 0);
        assert_int_equal(install(scene, ALICE ALICE), HELPER_OK); /* and its mode is put right */
        is_installed(scene, ALICE ALICE);
        file_write(scene, "sudoers.d/50-um", HEAD "ALL ALL=(ALL) NOPASSWD: ALL\n"); /* by hand */
        assert_int_equal(install(scene, ALICE), HELPER_OK);
        is_installed(scene, ALICE);
        file_write(scene, "sudoers.d/50-um.new", "left over");
        assert_int_equal(install(scene, ""), HELPER_OK);
        assert_int_equal(unlinkat(scene->fd, "sudoers.d/50-um.new", 0), 0);
        is_absent(scene);
        file_write(scene, "sudoers.d/50-um.new", "left over");
        assert_int_equal(install(scene, ALICE), HELPER_OK);
        is_installed(scene, ALICE);
}

static void what_is_wrong_leaves_it_as_it_was(void **state) {
        Scene *scene = *state;
        char path[64];

        assert_int_equal(install(scene, ALICE), HELPER_OK);
        assert_int_equal(install(scene, "ALL ALL=(ALL) ALL\n"), HELPER_REFUSED);
        assert_int_equal(install(scene, "bob ALL=(root) PASSWD: /bin/a\n"), HELPER_REFUSED);
        is_installed(scene, ALICE); /* bob is the host's own */
        scene->helper.visudo = "/bin/false";
        assert_int_equal(install(scene, ALICE ALICE), HELPER_REFUSED_BY_VISUDO);
        is_installed(scene, ALICE);
        file_write(scene, "slow", "#!/bin/sh\nexec sleep 60\n");
        assert_int_equal(fchmodat(scene->fd, "slow", 0700, 0), 0);
        snprintf(path, sizeof(path), "%s/slow", scene->dir);
        scene->helper.visudo = path; /* says nothing in time */
        assert_int_equal(helper_sudoers_install(&scene->helper,
                                                base_boottime_usec() + 100 * USEC_PER_MSEC),
                         -ETIMEDOUT);
        is_installed(scene, ALICE);
        assert_int_equal(unlinkat(scene->fd, "lines", 0), 0);
        assert_int_equal(helper_sudoers_install(&scene->helper, DEADLINE), -ENOENT);
        assert_int_equal(symlinkat("passwd", scene->fd, "lines"), 0);
        assert_true(helper_sudoers_install(&scene->helper, DEADLINE) < 0);
        assert_int_equal(unlinkat(scene->fd, "lines", 0), 0);
        file_write(scene, "lines", HEAD);
        assert_int_equal(truncate(scene->source, HELPER_SUDOERS_MAX + 1), 0);
        assert_int_equal(helper_sudoers_install(&scene->helper, DEADLINE), -EFBIG);
        is_installed(scene, ALICE);
}

static void another_file_of_that_name_is_left_alone(void **state) {
        _cleanup_free_ char *text = NULL;
        Scene *scene = *state;
        size_t len;

        file_write(scene, "sudoers.d/50-um", "%adm ALL=(ALL) ALL\n");
        assert_int_equal(install(scene, ALICE), HELPER_FOREIGN);
        assert_int_equal(install(scene, ""), HELPER_FOREIGN);
        assert_int_equal(base_file_read(scene->fd, "sudoers.d/50-um", 100, &text, &len), 0);
        assert_string_equal(text, "%adm ALL=(ALL) ALL\n");
        assert_int_equal(unlinkat(scene->fd, "sudoers.d/50-um", 0), 0);
        assert_int_equal(symlinkat("../passwd", scene->fd, "sudoers.d/50-um"), 0);
        assert_int_equal(install(scene, ALICE), HELPER_FOREIGN);
        assert_int_equal(unlinkat(scene->fd, "sudoers.d/50-um", 0), 0);
        assert_int_equal(mkdirat(scene->fd, "sudoers.d/50-um", 0755), 0);
        assert_int_equal(install(scene, ALICE), HELPER_FOREIGN);
}

static void without_sudo_there_is_nothing_to_do(void **state) {
        Scene *scene = *state;

        scene->helper.visudo = "/nonexistent";
        assert_int_equal(install(scene, ALICE), HELPER_NO_SUDO);
        is_absent(scene);
        scene->helper.visudo = "/usr/sbin/visudo";
        assert_int_equal(install(scene, ALICE), HELPER_OK);
        scene->helper.visudo = "/nonexistent"; /* taken off: its lines go all the same */
        assert_int_equal(install(scene, ""), HELPER_OK);
        is_absent(scene);
        assert_int_equal(rmdir(scene->sudoers), 0);
        assert_int_equal(install(scene, ALICE), HELPER_NO_SUDO);
        assert_int_equal(mkdir(scene->sudoers, 0777), 0);
        assert_int_equal(chmod(scene->sudoers, 0777), 0); /* others can put anything there */
        assert_int_equal(install(scene, ALICE), HELPER_REFUSED);
        is_absent(scene);
}

#define SCENE(f) cmocka_unit_test_setup_teardown(f, scene_make, scene_remove)

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(lines_as_umd_writes_them_are_taken),
                cmocka_unit_test(nothing_else_is),
                SCENE(the_file_becomes_what_umd_says),
                SCENE(what_is_wrong_leaves_it_as_it_was),
                SCENE(another_file_of_that_name_is_left_alone),
                SCENE(without_sudo_there_is_nothing_to_do),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
