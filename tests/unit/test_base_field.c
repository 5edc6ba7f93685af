/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The one validator against the hostile corpus (SECURITY, catalogue 66-68). */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/base.h"

typedef struct Row {
        const char *s;
        FieldFault fault;
} Row;

static void field_is(Field field, const Row *rows, size_t count) {
        for (size_t i = 0; i < count; i++) {
                FieldFault fault = base_field_check(field, rows[i].s, strlen(rows[i].s));
                char shown[128];

                if (fault == rows[i].fault)
                        continue;
                base_escape(rows[i].s, strlen(rows[i].s), shown, sizeof(shown));
                fail_msg("%s \"%s\": %s", base_field_label(field), shown,
                         base_field_rule(field, fault));
        }
}

static void names(void **state) {
        static const Row rows[] = {
                { "alice", FIELD_OK },
                { "_svc", FIELD_OK },
                { "a", FIELD_OK },
                { "a-b_c9", FIELD_OK },
                { "abcdefghijklmnopqrstuvwxyz012345", FIELD_OK }, /* 32 */
                { "umbrella", FIELD_OK },
                { "um_x", FIELD_OK },
                { "", FIELD_FAULT_EMPTY },
                { "abcdefghijklmnopqrstuvwxyz0123456", FIELD_FAULT_TOO_LONG },
                { "um", FIELD_FAULT_RESERVED },
                { "um-", FIELD_FAULT_RESERVED },
                { "um-vault", FIELD_FAULT_RESERVED },
                { "0", FIELD_FAULT_NUMERIC },
                { "0x0", FIELD_FAULT_NUMERIC },
                { "1000", FIELD_FAULT_NUMERIC },
                { "4294967295", FIELD_FAULT_NUMERIC },
                { "1abc", FIELD_FAULT_NUMERIC },
                { "1e5", FIELD_FAULT_NUMERIC },
                { "+1", FIELD_FAULT_FIRST },
                { "-x", FIELD_FAULT_FIRST },
                { "-", FIELD_FAULT_FIRST },
                { "--help", FIELD_FAULT_FIRST },
                { ".", FIELD_FAULT_FIRST },
                { "..", FIELD_FAULT_FIRST },
                { "Alice", FIELD_FAULT_FIRST },
                { " alice", FIELD_FAULT_FIRST },
                { "*", FIELD_FAULT_FIRST },
                { "aLice", FIELD_FAULT_CHARACTER },
                { "a.b", FIELD_FAULT_CHARACTER },
                { "alice ", FIELD_FAULT_CHARACTER },
                { "alice\n", FIELD_FAULT_CHARACTER },
                { "a:b", FIELD_FAULT_CHARACTER },
                { "a/b", FIELD_FAULT_CHARACTER },
                { "a$", FIELD_FAULT_CHARACTER },
                { "a@b", FIELD_FAULT_CHARACTER },
                { "a,b", FIELD_FAULT_CHARACTER },
                { "a%n", FIELD_FAULT_CHARACTER },
                { "a\x01", FIELD_FAULT_CHARACTER },
                { "a\x7f", FIELD_FAULT_CHARACTER },
                { "a\x9b", FIELD_FAULT_CHARACTER },
                { "a\xc2\x9b", FIELD_FAULT_CHARACTER },
                { "a\xc0\xaf", FIELD_FAULT_CHARACTER },
                { "a\xe2\x80\xae", FIELD_FAULT_CHARACTER },
                { "\xd0\xb0lice", FIELD_FAULT_FIRST }, /* a Cyrillic a */
                { "al\xc4\xb1"
                  "ce",
                  FIELD_FAULT_CHARACTER }, /* a dotless i */
                { "\xef\xbb\xbf"
                  "alice",
                  FIELD_FAULT_FIRST },
        };

        field_is(FIELD_USER_NAME, rows, ARRAY_LENGTH(rows));
        field_is(FIELD_GROUP_NAME, rows, ARRAY_LENGTH(rows));
}

/* 10,000 names, each with at least one thing no name may have. */
static void the_hostile_corpus_is_refused_whole(void **state) {
        static const char *const bad[] = {
                "\x01",
                "\n",
                "\r",
                "\t",
                "\x1b",
                "\x7f",
                "\x80",
                "\x9b",
                "\xff",
                "\xc0\xaf",
                "\xe2\x80\xae",
                "\xe2\x80\x8b",
                "\xf0\x9f\x98\x80",
                ":",
                "/",
                "..",
                " ",
                ",",
                "=",
                "@",
                "\\",
                "'",
                "\"",
                "`",
                "$",
                "%",
                "&",
                ";",
                "|",
                "<",
                ">",
                "(",
                ")",
                "*",
                "?",
                "[",
                "]",
                "{",
                "}",
                "~",
                "!",
                "#",
                "^",
                "+",
                "A",
                "\xc3\xa4",
                ".",
        };
        size_t seen = 0;

        for (size_t b = 0; b < ARRAY_LENGTH(bad); b++)
                for (size_t at = 0; at < 15; at++)
                        for (size_t len = 15; len <= 30; len++, seen++) {
                                char name[48];

                                memset(name, 'a', len);
                                name[len] = '\0';
                                memmove(name + at + strlen(bad[b]), name + at, len - at + 1);
                                memcpy(name + at, bad[b], strlen(bad[b]));
                                assert_int_not_equal(base_field_check(FIELD_USER_NAME, name,
                                                                      strlen(name)),
                                                     FIELD_OK);
                        }
        assert_true(seen > 10000);
}

static void lengths_end_where_they_should(void **state) {
        static const struct {
                Field field;
                const char *first;
                size_t max;
        } rows[] = {
                { FIELD_USER_NAME, "a", BASE_NAME_MAX },  { FIELD_GROUP_NAME, "a", BASE_NAME_MAX },
                { FIELD_FULL_NAME, "a", BASE_GECOS_MAX }, { FIELD_HOME, "/", BASE_PATH_MAX },
                { FIELD_SHELL, "/", BASE_PATH_MAX },      { FIELD_LINE, "a", BASE_LINE_MAX },
        };
        static const size_t lens[] = { 33, 256, 257, 65536 };
        char *s = malloc(65537);

        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                memset(s, 'a', 65536);
                s[65536] = '\0';
                s[0] = rows[i].first[0];
                assert_int_equal(base_field_check(rows[i].field, s, rows[i].max), FIELD_OK);
                assert_int_equal(base_field_check(rows[i].field, s, rows[i].max + 1),
                                 FIELD_FAULT_TOO_LONG);
                for (size_t k = 0; k < ARRAY_LENGTH(lens); k++)
                        if (lens[k] > rows[i].max)
                                assert_int_equal(base_field_check(rows[i].field, s, lens[k]),
                                                 FIELD_FAULT_TOO_LONG);
        }
        free(s);
}

static void a_nul_is_never_the_end(void **state) {
        for (Field field = 0; field < _FIELD_MAX; field++)
                assert_int_equal(base_field_check(field, "/a\0b", 4), FIELD_FAULT_CHARACTER);
}

static void full_names(void **state) {
        static const Row rows[] = {
                { "", FIELD_OK },
                { "Alice Example", FIELD_OK },
                { "\xc3\x9c. \xe5\xb1\xb1\xe7\x94\xb0", FIELD_OK },
                { "O'Neill-Smith (ext.)", FIELD_OK },
                { "a:b", FIELD_FAULT_CHARACTER },
                { "a,b", FIELD_FAULT_CHARACTER },     /* a GECOS subfield */
                { "umask=0", FIELD_FAULT_CHARACTER }, /* pam_umask reads it there */
                { "a\nroot:x:0:0", FIELD_FAULT_CHARACTER },
                { "a\rb", FIELD_FAULT_CHARACTER },
                { "a\x9b"
                  "b",
                  FIELD_FAULT_ENCODING },
                { "a\xc2\x9b", FIELD_FAULT_CHARACTER },
                { "a\xc2\x85", FIELD_FAULT_CHARACTER }, /* next line */
                { "a\xe2\x80\xa8", FIELD_FAULT_CHARACTER },
                { "a\xe2\x80\xae", FIELD_FAULT_CHARACTER },
                { "a\xed\xa0\x80", FIELD_FAULT_ENCODING },
                { "a\xff", FIELD_FAULT_ENCODING },
                { "a\xc3", FIELD_FAULT_ENCODING },
        };

        field_is(FIELD_FULL_NAME, rows, ARRAY_LENGTH(rows));
}

static void lines(void **state) {
        static const Row rows[] = {
                { "", FIELD_OK },
                { "left, without notice: ticket=4", FIELD_OK },
                { "a\nb", FIELD_FAULT_CHARACTER },
                { "a\x1b[0m", FIELD_FAULT_CHARACTER },
                { "\xc0\x80", FIELD_FAULT_ENCODING },
        };

        field_is(FIELD_LINE, rows, ARRAY_LENGTH(rows));
}

static void paths(void **state) {
        static const Row rows[] = {
                { "/home/alice", FIELD_OK },
                { "/nonexistent", FIELD_OK },
                { "/bin/bash", FIELD_OK },
                { "/home/a b", FIELD_OK },
                { "/home/.alice", FIELD_OK },
                { "/home/...", FIELD_OK },
                { "", FIELD_FAULT_EMPTY },
                { "home/alice", FIELD_FAULT_RELATIVE },
                { "~", FIELD_FAULT_RELATIVE },
                { "./x", FIELD_FAULT_RELATIVE },
                { "/", FIELD_FAULT_PART },
                { "/home/", FIELD_FAULT_PART },
                { "//home", FIELD_FAULT_PART },
                { "/home//alice", FIELD_FAULT_PART },
                { "/home/../etc", FIELD_FAULT_PART },
                { "/home/..", FIELD_FAULT_PART },
                { "/./home", FIELD_FAULT_PART },
                { "/home/.", FIELD_FAULT_PART },
                { "/home:/x", FIELD_FAULT_CHARACTER },
                { "/home/a\n", FIELD_FAULT_CHARACTER },
                { "/home/a\xc2\x9b", FIELD_FAULT_CHARACTER },
                { "/home/a\x9b", FIELD_FAULT_ENCODING },
        };

        field_is(FIELD_HOME, rows, ARRAY_LENGTH(rows));
        field_is(FIELD_SHELL, rows, ARRAY_LENGTH(rows));
}

static void addresses(void **state) {
        static const Row rows[] = {
                { "", FIELD_OK },
                { "alice@example.org", FIELD_OK },
                { "a.b+tag@mail.example.org", FIELD_OK },
                { "o'neill@example.org", FIELD_OK },
                { "root@localhost", FIELD_OK },
                { "a@1.example", FIELD_OK },
                { "alice", FIELD_FAULT_SHAPE },
                { "@example.org", FIELD_FAULT_SHAPE },
                { "alice@", FIELD_FAULT_SHAPE },
                { "alice@@example.org", FIELD_FAULT_SHAPE },
                { ".a@example.org", FIELD_FAULT_SHAPE },
                { "a.@example.org", FIELD_FAULT_SHAPE },
                { "a..b@example.org", FIELD_FAULT_SHAPE },
                { "a@example..org", FIELD_FAULT_SHAPE },
                { "a@example.org.", FIELD_FAULT_SHAPE },
                { "a@-example.org", FIELD_FAULT_SHAPE },
                { "a@example-.org", FIELD_FAULT_SHAPE },
                { "a@ex_ample.org", FIELD_FAULT_SHAPE },
                { "a@[192.0.2.1]", FIELD_FAULT_SHAPE },
                { "a b@example.org", FIELD_FAULT_CHARACTER },
                { "\"a\"@example.org", FIELD_FAULT_CHARACTER },
                { "a,b@example.org", FIELD_FAULT_CHARACTER },
                { "a\n@example.org", FIELD_FAULT_CHARACTER }, /* a header of one's own */
                { "a@example.org\nBcc: b@example.org", FIELD_FAULT_SHAPE },
                { "\xc3\xa4@example.org", FIELD_FAULT_CHARACTER },
        };
        char s[320];

        field_is(FIELD_EMAIL, rows, ARRAY_LENGTH(rows));
        memset(s, 'a', sizeof(s));
        memcpy(s + 64, "@b.org", 7);
        assert_int_equal(base_field_check(FIELD_EMAIL, s, strlen(s)), FIELD_OK);
        memset(s, 'a', 65);
        memcpy(s + 65, "@b.org", 7);
        assert_int_equal(base_field_check(FIELD_EMAIL, s, strlen(s)), FIELD_FAULT_SHAPE);
        memset(s, 'a', 64 + 200);
        s[1] = '@';
        s[64 + 200] = '\0';
        assert_int_equal(base_field_check(FIELD_EMAIL, s, strlen(s)), FIELD_FAULT_TOO_LONG);
        s[66] = '\0'; /* a label of 64 */
        assert_int_equal(base_field_check(FIELD_EMAIL, s, strlen(s)), FIELD_FAULT_SHAPE);
        s[65] = '\0';
        assert_int_equal(base_field_check(FIELD_EMAIL, s, strlen(s)), FIELD_OK);
}

static void phones_languages_and_zones(void **state) {
        static const Row phones[] = {
                { "", FIELD_OK },
                { "+49 30 123-45", FIELD_OK },
                { "(030) 12/34", FIELD_OK },
                { "110", FIELD_OK },
                { "12", FIELD_FAULT_SHAPE },
                { "123456789012345678901", FIELD_FAULT_SHAPE },
                { "-1 23 4", FIELD_FAULT_FIRST },
                { "1+234", FIELD_FAULT_CHARACTER },
                { "123x4", FIELD_FAULT_CHARACTER },
                { "123\n4", FIELD_FAULT_CHARACTER },
                { "+4930123456789012345678901234567890123456", FIELD_FAULT_TOO_LONG },
        };
        static const Row languages[] = {
                { "", FIELD_OK },
                { "de", FIELD_OK },
                { "de-AT", FIELD_OK },
                { "pt_BR", FIELD_OK },
                { "zh-Hant-TW", FIELD_OK },
                { "C", FIELD_FAULT_SHAPE },
                { "DE", FIELD_FAULT_SHAPE },
                { "de-", FIELD_FAULT_SHAPE },
                { "de--AT", FIELD_FAULT_SHAPE },
                { "de_DE.UTF-8", FIELD_FAULT_CHARACTER },
                { "de/../x", FIELD_FAULT_CHARACTER },
                { "de-123456789", FIELD_FAULT_SHAPE },
        };
        static const Row zones[] = {
                { "", FIELD_OK },
                { "UTC", FIELD_OK },
                { "Europe/Berlin", FIELD_OK },
                { "America/Argentina/Buenos_Aires", FIELD_OK },
                { "Etc/GMT+1", FIELD_OK },
                { "America/Port-au-Prince", FIELD_OK },
                { "/etc/passwd", FIELD_FAULT_FIRST },
                { "../../etc/passwd", FIELD_FAULT_FIRST },
                { "Europe/../x", FIELD_FAULT_CHARACTER },
                { "Europe//Berlin", FIELD_FAULT_SHAPE },
                { "Europe/", FIELD_FAULT_SHAPE },
                { ":UTC", FIELD_FAULT_FIRST },
                { "Europe/Berlin ", FIELD_FAULT_CHARACTER },
        };

        field_is(FIELD_PHONE, phones, ARRAY_LENGTH(phones));
        field_is(FIELD_LANGUAGE, languages, ARRAY_LENGTH(languages));
        field_is(FIELD_TIME_ZONE, zones, ARRAY_LENGTH(zones));
}

/* A rule is a phrase for a person, whatever the fault. */
static void every_fault_has_a_rule_and_every_field_a_label(void **state) {
        for (Field field = 0; field < _FIELD_MAX; field++) {
                assert_true(strlen(base_field_label(field)) > 2);
                for (FieldFault fault = 0; fault < _FIELD_FAULT_MAX; fault++)
                        assert_non_null(base_field_rule(field, fault));
        }
        assert_string_equal(base_field_rule(FIELD_USER_NAME, FIELD_FAULT_TOO_LONG),
                            "may have at most 32 bytes");
        assert_string_equal(base_field_rule(FIELD_EMAIL, FIELD_FAULT_TOO_LONG),
                            "may have at most 254 bytes");
        assert_string_equal(base_field_rule(FIELD_HOME, FIELD_FAULT_TOO_LONG),
                            "may have at most 255 bytes");
}

static void ids_that_are_somebody_elses(void **state) {
        static const struct {
                uint32_t id;
                bool reserved;
        } rows[] = {
                { 0, true },           { 999, true },        { 1000, false },
                { 60000, false },      { 60001, true },      { 60513, true },
                { 60514, true },       { 60577, true },      { 60578, false },
                { 61183, false },      { 61184, true },      { 65519, true },
                { 65520, false },      { 65533, false },     { 65534, true },
                { 65535, true },       { 65536, false },     { 524287, false },
                { 524288, true },      { 1879048191, true }, { 1879048192, false },
                { 2147483646, false }, { 2147483647, true }, { 2147483648, true },
                { UINT32_MAX, true },
        };

        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++)
                if ((base_id_reserved(rows[i].id) != NULL) != rows[i].reserved)
                        fail_msg("%u", rows[i].id);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(names),
                cmocka_unit_test(the_hostile_corpus_is_refused_whole),
                cmocka_unit_test(lengths_end_where_they_should),
                cmocka_unit_test(a_nul_is_never_the_end),
                cmocka_unit_test(full_names),
                cmocka_unit_test(lines),
                cmocka_unit_test(paths),
                cmocka_unit_test(addresses),
                cmocka_unit_test(phones_languages_and_zones),
                cmocka_unit_test(every_fault_has_a_rule_and_every_field_a_label),
                cmocka_unit_test(ids_that_are_somebody_elses),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
