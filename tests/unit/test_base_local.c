/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who is local: files in the form of /etc/passwd, good and bad, read line by line. */

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/base.h"

/* A file that is gone with the test. */
typedef struct File {
        char path[64];
} File;

static File file_of(const char *data, size_t len) {
        File file = { "/tmp/um-test-local-XXXXXX" };
        int fd = mkostemp(file.path, O_CLOEXEC);

        assert_true(fd >= 0);
        while (len > 0) {
                ssize_t n = write(fd, data, len);

                assert_true(n > 0);
                data += n;
                len -= (size_t)n;
        }
        close(fd);
        return file;
}

static void a_line_is_name_password_and_id(void **state) {
        static const struct {
                const char *line;
                bool good;
                const char *name;
                uint32_t id;
        } rows[] = {
                { "root:x:0:0:root:/root:/bin/bash", true, "root", 0 },
                { "www-data:x:33:", true, "www-data", 33 },
                { "sudo:x:27:alice,bob", true, "sudo", 27 },
                { "nopass::5:", true, "nopass", 5 },
                { "hash:$y$j9T$a$b:7:7:::", true, "hash", 7 },
                { "Gro\xc3\x9f:x:8:", true, "Gro\xc3\x9f", 8 },
                { "last:x:4294967295:", true, "last", UINT32_MAX },
                { "zeros:x:0007:", true, "zeros", 7 }, /* as glibc reads it */
                { "", false },
                { "#root:x:0:0", false },
                { "+", false },
                { "+::::::", false }, /* NIS */
                { "+alice:x:0:0", false },
                { "-bob:x:0:0", false },
                { "root", false },
                { "root:x", false },
                { "root:x:0", false },
                { ":x:0:0", false },
                { "a:x::", false },
                { "a:x:-1:", false },
                { "a:x:+1:", false },
                { "a:x: 1:", false },
                { "a:x:1x:", false },
                { "a:x:0x1:", false },
                { "a:x:4294967296:", false },
                { "a:x:99999999999:", false },
        };

        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                const char *name = NULL;
                size_t len = 0;
                uint32_t id = 42;

                if (base_local_parse(rows[i].line, strlen(rows[i].line), &name, &len, &id) !=
                    rows[i].good)
                        fail_msg("\"%s\"", rows[i].line);
                if (!rows[i].good)
                        continue;
                assert_int_equal(len, strlen(rows[i].name));
                assert_memory_equal(name, rows[i].name, len);
                assert_int_equal(id, rows[i].id);
        }
}

static void a_line_with_a_nul_is_none(void **state) {
        static const char line[] = "root\0x:x:0:0";
        const char *name;
        size_t len;
        uint32_t id;

        assert_false(base_local_parse(line, sizeof(line) - 1, &name, &len, &id));
        assert_false(base_local_parse("a:x:5:\0", 7, &name, &len, &id));
}

static void names_and_ids_are_found(void **state) {
        static const char data[] = "root:x:0:0:root:/root:/bin/bash\n"
                                   "\n"
                                   "# a comment:x:77:\n"
                                   "+nis:x:78:78::/:\n"
                                   "alice:x:1000:1000::/home/alice:/bin/sh\n"
                                   "alice:x:1001:1001::/home/other:/bin/sh\n"
                                   "broken:x\n"
                                   "last:x:2000:"; /* without a newline */
        File file = file_of(data, sizeof(data) - 1);
        uint32_t id = 42;
        char name[16];

        assert_int_equal(base_local_find_name(file.path, "root", &id), 1);
        assert_int_equal(id, 0);
        assert_int_equal(base_local_find_name(file.path, "alice", &id), 1);
        assert_int_equal(id, 1000); /* the first, as glibc */
        assert_int_equal(base_local_find_name(file.path, "last", &id), 1);
        assert_int_equal(id, 2000);
        id = 42;
        assert_int_equal(base_local_find_name(file.path, "ali", &id), 0);
        assert_int_equal(base_local_find_name(file.path, "alice2", &id), 0);
        assert_int_equal(base_local_find_name(file.path, "ALICE", &id), 0);
        assert_int_equal(base_local_find_name(file.path, "+nis", &id), 0);
        assert_int_equal(base_local_find_name(file.path, "# a comment", &id), 0);
        assert_int_equal(base_local_find_name(file.path, "broken", &id), 0);
        assert_int_equal(base_local_find_name(file.path, "", &id), 0);
        assert_int_equal(id, 42);

        assert_int_equal(base_local_find_id(file.path, 1001, name, sizeof(name)), 1);
        assert_string_equal(name, "alice");
        assert_int_equal(base_local_find_id(file.path, 2000, name, sizeof(name)), 1);
        assert_string_equal(name, "last");
        assert_int_equal(base_local_find_id(file.path, 1000, name, 3), 1);
        assert_string_equal(name, "al"); /* cut */
        assert_int_equal(base_local_find_id(file.path, 1000, NULL, 0), 1);
        assert_int_equal(base_local_find_id(file.path, 77, name, sizeof(name)), 0);
        assert_int_equal(base_local_find_id(file.path, 78, name, sizeof(name)), 0);
        unlink(file.path);
}

static void a_file_that_is_not_there_holds_nobody(void **state) {
        uint32_t id;
        char name[8];

        assert_int_equal(base_local_find_name("/nonexistent/passwd", "root", &id), 0);
        assert_int_equal(base_local_find_id("/nonexistent/passwd", 0, name, sizeof(name)), 0);
        assert_int_equal(base_local_find_name("/tmp", "root", &id), -EISDIR);
        assert_int_equal(base_local_find_name("/etc/passwd/x", "root", &id), -ENOTDIR);
}

static void an_empty_file_holds_nobody(void **state) {
        File file = file_of("", 0);
        uint32_t id;

        assert_int_equal(base_local_find_name(file.path, "root", &id), 0);
        unlink(file.path);
}

/* A group with `members` bytes of members between two others; wherever the buffer ends in it. */
static void found_around(size_t members) {
        _cleanup_free_ char *data = malloc(members + 200);
        size_t len = 0;
        uint32_t id = 0;
        char name[16];
        File file;

        len += (size_t)sprintf(data + len, "first:x:1:\nbig:x:2:");
        memset(data + len, 'm', members);
        len += members;
        len += (size_t)sprintf(data + len, "\nafter:x:3:\n");
        file = file_of(data, len);
        assert_int_equal(base_local_find_name(file.path, "first", &id), 1);
        assert_int_equal(base_local_find_name(file.path, "big", &id), 1);
        assert_int_equal(id, 2);
        assert_int_equal(base_local_find_name(file.path, "after", &id), 1);
        assert_int_equal(id, 3);
        assert_int_equal(base_local_find_id(file.path, 2, name, sizeof(name)), 1);
        assert_string_equal(name, "big");
        assert_int_equal(base_local_find_name(file.path, "m", &id), 0);
        unlink(file.path);
}

static void a_long_line_is_judged_by_its_beginning(void **state) {
        for (size_t members = 4050; members < 4120; members++)
                found_around(members);
        for (size_t members = 8150; members < 8220; members++)
                found_around(members);
        found_around(100 * 1024);
}

/* What stands in the rest of a long line is no line of its own. */
static void the_rest_of_a_long_line_is_skipped(void **state) {
        enum { LONG = 9000 };
        _cleanup_free_ char *data = malloc(LONG + 64);
        File file;
        uint32_t id;

        memset(data, 'm', LONG);
        memcpy(data, "big:x:2:", 8);
        for (size_t at = 4000; at + 8 < LONG; at += 8) /* wherever the buffer ends */
                memcpy(data + at, "ghost:x:", 8);
        memcpy(data + LONG - 9, ":x:9:", 5);
        data[LONG] = '\n';
        file = file_of(data, LONG + 1);
        assert_int_equal(base_local_find_name(file.path, "ghost", &id), 0);
        assert_int_equal(base_local_find_id(file.path, 9, NULL, 0), 0);
        unlink(file.path);
        file = file_of(data, LONG); /* no newline at the end */
        assert_int_equal(base_local_find_name(file.path, "ghost", &id), 0);
        assert_int_equal(base_local_find_name(file.path, "big", &id), 1);
        unlink(file.path);
}

static void nul_bytes_hide_their_line_alone(void **state) {
        static const char data[] = "a:x:1:\nb\0:x:2:\nc:x:3:\n\0\0\0\nd:x:4:\n";
        File file = file_of(data, sizeof(data) - 1);
        uint32_t id;

        assert_int_equal(base_local_find_name(file.path, "a", &id), 1);
        assert_int_equal(base_local_find_name(file.path, "b", &id), 0);
        assert_int_equal(base_local_find_id(file.path, 2, NULL, 0), 0);
        assert_int_equal(base_local_find_name(file.path, "c", &id), 1);
        assert_int_equal(base_local_find_name(file.path, "d", &id), 1);
        assert_int_equal(id, 4);
        unlink(file.path);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_line_is_name_password_and_id),
                cmocka_unit_test(a_line_with_a_nul_is_none),
                cmocka_unit_test(names_and_ids_are_found),
                cmocka_unit_test(a_file_that_is_not_there_holds_nobody),
                cmocka_unit_test(an_empty_file_holds_nobody),
                cmocka_unit_test(a_long_line_is_judged_by_its_beginning),
                cmocka_unit_test(the_rest_of_a_long_line_is_skipped),
                cmocka_unit_test(nul_bytes_hide_their_line_alone),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
