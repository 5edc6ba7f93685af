/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* um.conf: what each key takes, what is refused with file and line, and which file wins. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"
#include "umd/umd.h"

static int parse(const char *text, size_t len, Config *config, ConfigError *error) {
        config_init(config);
        return config_parse(config, "um.conf", text, len, error);
}

static void test_a_file_of_comments_is_what_is_shipped(void **state) {
        static const char text[] = "# a comment\n\n   \t\n  # another = one\n";
        ConfigError error;
        Config config;

        assert_int_equal(parse(text, strlen(text), &config, &error), 0);
        assert_int_equal(config.id_first, 65536);
        assert_int_equal(config.id_last, 524287);
        assert_true(config.enumerate);
        assert_false(config.unknown_names);
        assert_string_equal(config.shell, "/bin/bash");
        assert_string_equal(config.home_root, "/home");
        assert_string_equal(config.tenant, "local");
        assert_string_equal(config.sendmail, "/usr/sbin/sendmail");
}

static void test_every_key_is_taken(void **state) {
        static const char text[] = "uid-range = 1879048192-2147483646\n"
                                   "enumerate=no\n"
                                   "\tshell =\t/bin/sh \n"
                                   "home-root = /srv/home\n"
                                   "sendmail = /opt/mail/sendmail\n"
                                   "tenant = acme\n"
                                   "audit.unknown-names = on"; /* no line end behind the last */
        ConfigError error;
        CoreSettings settings;
        Config config;

        assert_int_equal(parse(text, strlen(text), &config, &error), 0);
        assert_false(config.enumerate);
        assert_string_equal(config.sendmail, "/opt/mail/sendmail");
        config_settings(&config, &settings);
        assert_int_equal(settings.id_first, 1879048192U);
        assert_int_equal(settings.id_last, 2147483646U);
        assert_string_equal(settings.shell, "/bin/sh");
        assert_string_equal(settings.home_root, "/srv/home");
        assert_string_equal(settings.tenant, "acme");
        assert_true(settings.unknown_names);
}

static void test_what_is_not_right_is_refused_with_its_line(void **state) {
        static const struct {
                const char *text, *error;
        } cases[] = {
                { "uid_range = 1-2\n", "um.conf:1: key \"uid_range\" is not one" },
                { "#\nEnumerate = yes\n", "um.conf:2: key \"Enumerate\" is not one" },
                { "enumerate = yes\nenumerate = yes\n", "um.conf:2: key \"enumerate\" stands" },
                { "enumerate\n", "um.conf:1: line \"enumerate\" is not key = value" },
                { "= yes\n", "um.conf:1: key \"\" is not one" },
                { "enumerate =\n", "um.conf:1: enumerate \"\" must be" },
                { "enumerate = YES\n", "um.conf:1: enumerate \"YES\" must be" },
                { "enumerate = yes # so\n", "um.conf:1: enumerate \"yes # so\" must be" },
                { "enumerate = yes\r\n", "um.conf:1: enumerate \"yes\\x0d\" must be" },
                { "uid-range = 65536\n", "um.conf:1: uid-range \"65536\" is not FIRST-LAST" },
                { "uid-range = 70000-65536\n", "um.conf:1: uid-range" },
                { "uid-range = 65536-524288\n", "must lie within" },
                { "uid-range = 1000-60000\n", "must lie within" },
                { "uid-range = 65536-2147483646\n", "must lie within" },
                { "uid-range = 0x10000-0x20000\n", "um.conf:1: uid-range" },
                { "uid-range = 65536-70000-80000\n", "um.conf:1: uid-range" },
                { "uid-range = 99999999999999999999-3\n", "um.conf:1: uid-range" },
                { "sendmail = sendmail -t\n", "um.conf:1: sendmail \"sendmail -t\" must be" },
                { "shell = bash\n", "um.conf:1: shell \"bash\" must be an absolute path" },
                { "shell = /bin/ba:sh\n", "um.conf:1: shell" },
                { "home-root = /home/../etc\n", "um.conf:1: home-root" },
                { "home-root = \n", "um.conf:1: home-root" },
                { "tenant = Acme Ltd\n", "um.conf:1: tenant \"Acme Ltd\" must" },
                { "tenant =\n", "um.conf:1: tenant" },
                { "tenant = all\n", "um.conf:1: tenant \"all\" means all tenants" },
                { "setup-code-ttl = 24h\n", "um.conf:1: key \"setup-code-ttl\" is not one" },
                { "audit.unknown-names = maybe\n", "um.conf:1: audit.unknown-names" },
        };

        for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
                ConfigError error = { "" };
                Config config;

                assert_int_equal(parse(cases[i].text, strlen(cases[i].text), &config, &error),
                                 -EINVAL);
                if (!strstr(error.text, cases[i].error))
                        fail_msg("%s gave: %s", cases[i].text, error.text);
        }
}

static void test_a_nul_byte_is_refused(void **state) {
        static const char text[] = "enumerate = no\n\0shell = /bin/sh\n";
        ConfigError error;
        Config config;

        assert_int_equal(parse(text, sizeof(text) - 1, &config, &error), -EINVAL);
        assert_non_null(strstr(error.text, "NUL"));
}

/* ---- files ----------------------------------------------------------------------------------- */

typedef struct Files {
        char dir[40], vendor[80], local[80], drop_ins[80];
        ConfigPaths paths;
} Files;

static void file_write(const char *dir, const char *name, const char *text) {
        char path[160];
        FILE *f;

        snprintf(path, sizeof(path), "%s/%s", dir, name);
        f = fopen(path, "w");
        assert_non_null(f);
        assert_true(fputs(text, f) >= 0);
        assert_int_equal(fclose(f), 0);
}

static int files_setup(void **state) {
        Files *files = calloc(1, sizeof(*files));

        snprintf(files->dir, sizeof(files->dir), "/tmp/um-test-config-XXXXXX");
        if (!mkdtemp(files->dir))
                return -1;
        snprintf(files->vendor, sizeof(files->vendor), "%s/vendor.conf", files->dir);
        snprintf(files->local, sizeof(files->local), "%s/local.conf", files->dir);
        snprintf(files->drop_ins, sizeof(files->drop_ins), "%s/um.conf.d", files->dir);
        files->paths = (ConfigPaths){ .vendor = files->vendor,
                                      .local = files->local,
                                      .drop_ins = files->drop_ins };
        *state = files;
        return mkdir(files->drop_ins, 0700);
}

static int files_teardown(void **state) {
        Files *files = *state;
        char command[80];

        snprintf(command, sizeof(command), "rm -r %s", files->dir);
        free(files);
        return system(command);
}

static void test_later_files_win_key_by_key(void **state) {
        Files *files = *state;
        ConfigError error;
        Config config;

        file_write(files->dir, "vendor.conf", "shell = /bin/a\nhome-root = /a\nenumerate = no\n");
        file_write(files->dir, "local.conf", "shell = /bin/b\nhome-root = /b\n");
        file_write(files->drop_ins, "20-late.conf", "shell = /bin/d\n");
        file_write(files->drop_ins, "10-early.conf", "shell = /bin/c\n");
        file_write(files->drop_ins, "30-not.conf.old", "shell = no path\n");
        file_write(files->drop_ins, ".hidden.conf", "shell = no path\n");
        assert_int_equal(config_load(&files->paths, &config, &error), 0);
        assert_string_equal(config.shell, "/bin/d");
        assert_string_equal(config.home_root, "/b");
        assert_false(config.enumerate);
}

static void test_no_file_is_what_is_shipped(void **state) {
        Files *files = *state;
        ConfigError error;
        Config config;

        assert_int_equal(config_load(&files->paths, &config, &error), 0);
        assert_string_equal(config.shell, "/bin/bash");
}

static void test_a_bad_drop_in_is_named_and_nothing_is_loaded(void **state) {
        Files *files = *state;
        ConfigError error;
        Config config = { .id_first = 1 };

        file_write(files->dir, "local.conf", "shell = /bin/b\n");
        file_write(files->drop_ins, "10-bad.conf", "\n\nshell = b\n");
        assert_int_equal(config_load(&files->paths, &config, &error), -EINVAL);
        assert_non_null(strstr(error.text, "10-bad.conf:3: shell"));
        assert_int_equal(config.id_first, 1);
}

static void test_the_only_file_must_be_there(void **state) {
        Files *files = *state;
        ConfigPaths paths = { .only = files->local, .vendor = files->vendor };
        ConfigError error;
        Config config;

        file_write(files->dir, "vendor.conf", "not read\n");
        assert_int_equal(config_load(&paths, &config, &error), -ENOENT);
        assert_non_null(strstr(error.text, files->local));
        file_write(files->dir, "local.conf", "shell = /bin/b\n");
        assert_int_equal(config_load(&paths, &config, &error), 0);
        assert_string_equal(config.shell, "/bin/b");
}

static void test_a_fifo_in_place_of_a_file_is_no_wait(void **state) {
        Files *files = *state;
        ConfigError error;
        Config config;

        assert_int_equal(mkfifo(files->local, 0600), 0);
        assert_true(config_load(&files->paths, &config, &error) < 0);
        assert_non_null(strstr(error.text, files->local));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_a_file_of_comments_is_what_is_shipped),
                cmocka_unit_test(test_every_key_is_taken),
                cmocka_unit_test(test_what_is_not_right_is_refused_with_its_line),
                cmocka_unit_test(test_a_nul_byte_is_refused),
                cmocka_unit_test_setup_teardown(test_later_files_win_key_by_key, files_setup,
                                                files_teardown),
                cmocka_unit_test_setup_teardown(test_no_file_is_what_is_shipped, files_setup,
                                                files_teardown),
                cmocka_unit_test_setup_teardown(test_a_bad_drop_in_is_named_and_nothing_is_loaded,
                                                files_setup, files_teardown),
                cmocka_unit_test_setup_teardown(test_the_only_file_must_be_there, files_setup,
                                                files_teardown),
                cmocka_unit_test_setup_teardown(test_a_fifo_in_place_of_a_file_is_no_wait,
                                                files_setup, files_teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
