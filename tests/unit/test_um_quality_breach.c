/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Looking up in a breach file of a million hashes: what is there is found, what is not is not, in a
 * few reads; and a file that is not sorted is noticed where it matters. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <nettle/sha1.h>

#include "base/base.h"
#include "um_quality/quality.h"

#define HASHES 1000000U
#define READS_MAX                                                                                  \
        18U /* 2^14 blocks of 4096 bytes hold it: 14 halvings, the last block, some more */

typedef struct Hash {
        uint8_t bytes[SHA1_DIGEST_SIZE];
} Hash;

typedef struct Rig {
        char path[40];
        Hash *hashes;
        QualityBreach breach;
} Rig;

static void hash_of(unsigned number, char *ret_password, Hash *ret) {
        struct sha1_ctx context;

        snprintf(ret_password, 32, "password %u", number);
        sha1_init(&context);
        sha1_update(&context, strlen(ret_password), (const uint8_t *)ret_password);
        sha1_digest(&context, sizeof(ret->bytes), ret->bytes);
}

static int by_bytes(const void *a, const void *b) {
        return memcmp(a, b, sizeof(Hash));
}

/* The hash at a place of the sorted list stands in its line, in lower case where so asked. */
static void hash_print(FILE *file, const Hash *hash, bool lower, const char *end) {
        for (size_t i = 0; i < sizeof(hash->bytes); i++)
                fprintf(file, lower ? "%02x" : "%02X", hash->bytes[i]);
        fputs(end, file);
}

static void file_make(const Rig *rig, bool lower, const char *end, size_t swapped) {
        FILE *file = fopen(rig->path, "w");

        assert_non_null(file);
        for (size_t i = 0; i < HASHES; i++) {
                size_t at = i == swapped ? HASHES - 1 - swapped
                                         : (i == HASHES - 1 - swapped ? swapped : i);

                hash_print(file, &rig->hashes[at], lower, end);
        }
        assert_int_equal(fclose(file), 0);
}

static int setup(void **state) {
        Rig *rig = calloc(1, sizeof(*rig));
        char password[32];
        int fd;

        assert_non_null(rig);
        snprintf(rig->path, sizeof(rig->path), "/tmp/um-test-breach-XXXXXX");
        fd = mkstemp(rig->path);
        assert_true(fd >= 0);
        close(fd);
        rig->hashes = calloc(HASHES, sizeof(Hash));
        assert_non_null(rig->hashes);
        for (unsigned i = 0; i < HASHES; i++)
                hash_of(i, password, &rig->hashes[i]);
        qsort(rig->hashes, HASHES, sizeof(Hash), by_bytes);
        *state = rig;
        return 0;
}

static int teardown(void **state) {
        Rig *rig = *state;

        unlink(rig->path);
        free(rig->hashes);
        free(rig);
        return 0;
}

static QualityState look(Rig *rig, unsigned number, bool *ret_hit) {
        char password[32];
        Hash hash;

        hash_of(number, password, &hash);
        return quality_breach(&rig->breach, rig->path, password, ret_hit);
}

static void those_in_the_file_are_found(Rig *rig, unsigned step) {
        for (unsigned i = 0; i < 2 * HASHES; i += step) {
                bool hit;

                assert_int_equal(look(rig, i, &hit), QUALITY_STATE_OK);
                assert_int_equal(hit, i < HASHES);
                assert_in_range(rig->breach.reads, 1, READS_MAX);
        }
}

static void a_million_hashes_are_searched_in_few_reads(void **state) {
        Rig *rig = *state;

        file_make(rig, false, ":1\r\n", SIZE_MAX);
        those_in_the_file_are_found(rig, 397);
        file_make(rig, true, "\n", SIZE_MAX);
        those_in_the_file_are_found(rig, 997);
}

static void the_first_and_the_last_are_found(void **state) {
        Rig *rig = *state;
        char password[32];
        unsigned found = 0;
        Hash hash;

        file_make(rig, false, ":12345678901234567890\n", SIZE_MAX);
        for (unsigned i = 0; i < HASHES; i++) {
                bool hit;

                hash_of(i, password, &hash);
                if (by_bytes(&hash, &rig->hashes[0]) != 0 &&
                    by_bytes(&hash, &rig->hashes[HASHES - 1]) != 0)
                        continue;
                assert_int_equal(look(rig, i, &hit), QUALITY_STATE_OK);
                assert_true(hit);
                found++;
        }
        assert_int_equal(found, 2);
}

static void two_that_changed_places_are_noticed(void **state) {
        Rig *rig = *state;
        unsigned damaged = 0;

        file_make(rig, false, ":1\n", HASHES / 3);
        for (unsigned i = 0; i < HASHES && damaged == 0; i += 7) {
                bool hit;

                damaged += look(rig, i, &hit) == QUALITY_STATE_DAMAGED;
        }
        fprintf(stderr, "%u %u\n", damaged, rig->breach.damaged);
        assert_int_equal(damaged, 1);
        /* and stays so for this file */
        assert_int_equal(quality_breach(&rig->breach, rig->path, NULL, &(bool){ false }),
                         QUALITY_STATE_DAMAGED);
}

static void a_file_that_was_cut_is_noticed_at_its_end(void **state) {
        Rig *rig = *state;

        file_make(rig, false, ":1\r\n", SIZE_MAX);
        assert_int_equal(quality_breach(&rig->breach, rig->path, NULL, &(bool){ false }),
                         QUALITY_STATE_OK);
        assert_int_equal(truncate(rig->path, (off_t)HASHES / 2 * 44 + 13), 0);
        assert_int_equal(quality_breach(&rig->breach, rig->path, NULL, &(bool){ false }),
                         QUALITY_STATE_DAMAGED);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_million_hashes_are_searched_in_few_reads),
                cmocka_unit_test(the_first_and_the_last_are_found),
                cmocka_unit_test(two_that_changed_places_are_noticed),
                cmocka_unit_test(a_file_that_was_cut_is_noticed_at_its_end),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
