/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The memory that crypt(3) works in is asked for in huge pages, and nothing else is touched. */

#include <crypt.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "base/base.h"

#define YESCRYPT_BYTES 16801856U /* what libxcrypt maps for $y$j9T$ */
#define HUGE_BYTES     (2U << 20)

/* The line NAME of the mapping at address, from smaps(5); "" where there is no such mapping. */
static const char *mapping_line(const void *address, const char *name) {
        static char found[512];
        char line[512], begin[32];
        bool here = false;
        FILE *smaps = fopen("/proc/self/smaps", "re");

        assert_non_null(smaps);
        found[0] = '\0';
        (void)snprintf(begin, sizeof(begin), "%lx-", (unsigned long)address);
        while (found[0] == '\0' && fgets(line, sizeof(line), smaps)) {
                if (strchr("0123456789abcdef", line[0]))
                        here = strncmp(line, begin, strlen(begin)) == 0;
                else if (here && strncmp(line, name, strlen(name)) == 0)
                        (void)snprintf(found, sizeof(found), "%s", line);
        }
        (void)fclose(smaps);
        return found;
}

static void *map(size_t length, int flags) {
        void *at = mmap(NULL, length, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);

        assert_ptr_not_equal(at, MAP_FAILED);
        return at;
}

static void what_yescrypt_maps_is_huge_and_in_no_dump(void **state) {
        char *at = map(YESCRYPT_BYTES, MAP_PRIVATE);
        const char *flags;

        assert_int_equal((uintptr_t)at % HUGE_BYTES, 0);
        flags = mapping_line(at, "VmFlags:");
        assert_non_null(strstr(flags, " hg"));
        assert_non_null(strstr(flags, " dd"));
        assert_non_null(strstr(mapping_line(at, "Size:"), "16412 kB"));
        memset(at, 1, YESCRYPT_BYTES); /* to its last byte */
        assert_int_equal(munmap(at, YESCRYPT_BYTES), 0);
        assert_string_equal(mapping_line(at, "VmFlags:"), "");
}

static void what_else_is_mapped_stays_as_it_was(void **state) {
        static const struct {
                size_t length;
                int flags;
        } rows[] = {
                { 4096, MAP_PRIVATE },
                { 4 * HUGE_BYTES - 1, MAP_PRIVATE },
                { YESCRYPT_BYTES, MAP_SHARED },
                { YESCRYPT_BYTES, MAP_PRIVATE | MAP_NORESERVE },
        };

        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                void *at = map(rows[i].length, rows[i].flags);

                assert_null(strstr(mapping_line(at, "VmFlags:"), " dd"));
                assert_int_equal(munmap(at, rows[i].length), 0);
        }
        assert_ptr_equal(mmap(NULL, SIZE_MAX, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                              -1, 0),
                         MAP_FAILED);
}

/* Does the kernel give huge pages now, to those who ask? */
static bool huge_pages_are_given(void) {
        char *at = map(YESCRYPT_BYTES, MAP_PRIVATE);
        bool given;

        memset(at, 1, YESCRYPT_BYTES);
        given = !strstr(mapping_line(at, "AnonHugePages:"), " 0 kB");
        (void)munmap(at, YESCRYPT_BYTES);
        return given;
}

static void crypt_works_in_it(void **state) {
        static const char *const settings[] = { "$y$j9T$abcdefghijklmnop$",
                                                "$y$jAT$abcdefghijklmnop$",
                                                "$y$jBT$abcdefghijklmnop$" };
        static struct crypt_data room;
        struct rusage before, after;

        if (!huge_pages_are_given())
                skip();
        for (size_t i = 0; i < ARRAY_LENGTH(settings); i++) {
                assert_non_null(crypt_rn("a", settings[i], &room, sizeof(room)));
                assert_int_equal(getrusage(RUSAGE_SELF, &before), 0);
                assert_non_null(crypt_rn("a", settings[i], &room, sizeof(room)));
                assert_int_equal(getrusage(RUSAGE_SELF, &after), 0);
                assert_true(after.ru_minflt - before.ru_minflt <
                            (YESCRYPT_BYTES << i) / 4096 - 512);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_yescrypt_maps_is_huge_and_in_no_dump),
                cmocka_unit_test(what_else_is_mapped_stays_as_it_was),
                cmocka_unit_test(crypt_works_in_it),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
