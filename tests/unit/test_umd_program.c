/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who may put another program at a path.  In a mount namespace of its own, where / is this
 * machine's and root's alone down to a folder of the test's. */

#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "umd/umd.h"

#define PLACE "/mnt" /* a tmpfs of the test's */

static int place_make(void **state) {
        if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
            mount("tmpfs", PLACE, "tmpfs", 0, "mode=0755") < 0)
                return -1;
        umask(022);
        return mkdir(PLACE "/bin", 0755) < 0 || mkdir(PLACE "/open", 0755) < 0 ||
                               chmod(PLACE "/open", 01777) < 0 || mkdir(PLACE "/grp", 0755) < 0 ||
                               chown(PLACE "/grp", 0, 50) < 0 || chmod(PLACE "/grp", 0775) < 0 ||
                               mkdir(PLACE "/his", 0755) < 0 || chown(PLACE "/his", 1000, 0) < 0 ||
                               mknod(PLACE "/bin/tool", S_IFREG | 0755, 0) < 0 ||
                               mknod(PLACE "/bin/loose", S_IFREG | 0755, 0) < 0 ||
                               chmod(PLACE "/bin/loose", 0757) < 0 ||
                               mknod(PLACE "/open/tool", S_IFREG | 0755, 0) < 0 ||
                               symlink("tool", PLACE "/bin/link") < 0 ||
                               symlink("../bin/./link", PLACE "/bin/links") < 0 ||
                               symlink(PLACE "/open/tool", PLACE "/bin/out") < 0 ||
                               symlink("../bin/tool", PLACE "/open/in") < 0 ||
                               symlink(PLACE "/bin", PLACE "/b") < 0 ||
                               symlink("loop", PLACE "/bin/loop") < 0 ||
                               symlink("../../../../../.." PLACE "/bin/tool", PLACE "/bin/up") < 0
                       ? -1
                       : 0;
}

static void only_roots_own_paths_are_safe(void **state) {
        static const struct {
                const char *path, *real, *why;
        } rows[] = {
                { PLACE "/bin/tool", PLACE "/bin/tool", NULL },
                { PLACE "/bin/link", PLACE "/bin/tool", NULL },
                { PLACE "/bin/links", PLACE "/bin/tool", NULL },
                { PLACE "/b/links", PLACE "/bin/tool", NULL },
                { PLACE "/bin/up", PLACE "/bin/tool", NULL },
                { PLACE "/bin/not-yet", PLACE "/bin/not-yet", NULL },
                { PLACE "/none/not-yet", PLACE "/none/not-yet", NULL },
                { PLACE "/bin/loose", NULL, PLACE "/bin/loose is not root's alone to write" },
                { PLACE "/open/tool", NULL, PLACE "/open is not root's alone to write" },
                { PLACE "/open/not-yet", NULL, PLACE "/open is not root's alone to write" },
                { PLACE "/open/in", NULL, PLACE "/open is not root's alone to write" },
                { PLACE "/bin/out", NULL, PLACE "/open is not root's alone to write" },
                { PLACE "/grp/tool", NULL, PLACE "/grp is not root's alone to write" },
                { PLACE "/his/tool", NULL, PLACE "/his is not root's alone to write" },
                { PLACE "/bin/loop", NULL, PLACE "/bin/loop leads through too many links" },
                { PLACE "/bin/tool/x", NULL, PLACE "/bin/tool/x cannot be looked at" },
                { PLACE "/bin", NULL, PLACE "/bin is a directory" },
        };
        char real[CORE_PATH_BYTES], why[CORE_PATH_BYTES];

        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                real[0] = why[0] = '\0';
                assert_int_equal(program_is_safe(NULL, rows[i].path, real, why, sizeof(why)),
                                 !rows[i].why);
                if (rows[i].why)
                        assert_string_equal(why, rows[i].why);
                else
                        assert_string_equal(real, rows[i].real);
        }
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(only_roots_own_paths_are_safe, place_make),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
