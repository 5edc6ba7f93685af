/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Numbers, spans and times: the whole input or nothing. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/base.h"

static void numbers_have_one_form(void **state) {
        static const struct {
                const char *s;
                int r;
                uint64_t value;
        } rows[] = {
                { "0", 0, 0 },
                { "7", 0, 7 },
                { "18446744073709551615", 0, UINT64_MAX },
                { "18446744073709551616", -ERANGE },
                { "99999999999999999999", -ERANGE },
                { "184467440737095516150", -EINVAL }, /* 21 digits */
                { "", -EINVAL },
                { "00", -EINVAL },
                { "01", -EINVAL },
                { "+1", -EINVAL },
                { "-1", -EINVAL },
                { "-0", -EINVAL },
                { " 1", -EINVAL },
                { "1 ", -EINVAL },
                { "1\n", -EINVAL },
                { "\t1", -EINVAL },
                { "0x10", -EINVAL },
                { "1e3", -EINVAL },
                { "1.0", -EINVAL },
                { "1'000", -EINVAL },
                { "1a", -EINVAL },
                { "\xd9\xa1", -EINVAL }, /* an Arabic one */
        };

        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                uint64_t value = 42;

                if (base_parse_u64(rows[i].s, 0, UINT64_MAX, &value) != rows[i].r ||
                    value != (rows[i].r == 0 ? rows[i].value : 42))
                        fail_msg("\"%s\"", rows[i].s);
        }
}

static void numbers_stay_in_their_range(void **state) {
        uint64_t value;

        assert_int_equal(base_parse_u64("9", 10, 20, &value), -ERANGE);
        assert_int_equal(base_parse_u64("10", 10, 20, &value), 0);
        assert_int_equal(base_parse_u64("20", 10, 20, &value), 0);
        assert_int_equal(base_parse_u64("21", 10, 20, &value), -ERANGE);
}

static void no_id_means_none(void **state) {
        static const struct {
                const char *s;
                int r;
                uint32_t id;
        } rows[] = {
                { "0", 0, 0 },
                { "65534", 0, 65534 },
                { "65535", -ERANGE },
                { "65536", 0, 65536 },
                { "4294967294", 0, 4294967294 },
                { "4294967295", -ERANGE },
                { "4294967296", -ERANGE },
                { "18446744073709551616", -ERANGE },
                { "-1", -EINVAL }, /* CVE-2019-14287 */
                { "0x0", -EINVAL },
                { "1000 ", -EINVAL },
                { "", -EINVAL },
        };

        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                uint32_t id = 42;

                if (base_parse_id(rows[i].s, &id) != rows[i].r ||
                    id != (rows[i].r == 0 ? rows[i].id : 42))
                        fail_msg("\"%s\"", rows[i].s);
        }
}

static void a_span_is_one_number_and_one_unit(void **state) {
        static const struct {
                const char *s;
                int r;
                uint64_t seconds;
        } rows[] = {
                { "0s", 0, 0 },          { "90s", 0, 90 },
                { "15m", 0, 900 },       { "4h", 0, 14400 },
                { "30d", 0, 2592000 },   { "12w", 0, 7257600 },
                { "1y", 0, 31536000 },   { "999999999d", -ERANGE },
                { "584942y", -ERANGE },  { "500000y", 0, 500000ULL * 31536000 },
                { "", -EINVAL },         { "s", -EINVAL },
                { "1", -EINVAL },        { "1 s", -EINVAL },
                { "1sec", -EINVAL },     { "1h30m", -EINVAL },
                { "1H", -EINVAL },       { "-1s", -EINVAL },
                { "+1s", -EINVAL },      { "01s", -EINVAL },
                { "1.5h", -EINVAL },     { "9999999999s", -EINVAL },
                { "never ", -EINVAL },   { "Never", -EINVAL },
                { "infinity", -EINVAL },
        };
        uint64_t usec = 42;

        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                usec = 42;
                if (base_parse_span(rows[i].s, &usec) != rows[i].r ||
                    usec != (rows[i].r == 0 ? rows[i].seconds * USEC_PER_SEC : 42))
                        fail_msg("\"%s\"", rows[i].s);
        }
        assert_int_equal(base_parse_span("never", &usec), 0);
        assert_true(usec == USEC_INFINITY);
}

static void times_are_read_as_rfc_3339_has_them(void **state) {
        static const struct {
                const char *s;
                int r;
                uint64_t seconds;
        } rows[] = {
                { "1970-01-01T00:00:00Z", 0, 0 },
                { "1970-01-01T00:00:01Z", 0, 1 },
                { "2026-08-01T09:00:00Z", 0, 1785574800 },
                { "2026-08-01t09:00:00z", 0, 1785574800 },
                { "2026-08-01 09:00:00Z", 0, 1785574800 },
                { "2026-08-01T11:00:00+02:00", 0, 1785574800 },
                { "2026-08-01T05:30:00-03:30", 0, 1785574800 },
                { "2026-08-01T09:00:00+00:00", 0, 1785574800 },
                { "2000-02-29T00:00:00Z", 0, 951782400 },
                { "2024-02-29T23:59:59Z", 0, 1709251199 },
                { "2100-03-01T00:00:00Z", 0, 4107542400 },
                { "9999-12-31T23:59:59Z", 0, 253402300799 },
                { "2100-02-29T00:00:00Z", -ERANGE }, /* no leap year */
                { "2023-02-29T00:00:00Z", -ERANGE },
                { "2024-02-30T00:00:00Z", -ERANGE },
                { "2026-04-31T00:00:00Z", -ERANGE },
                { "2026-00-01T00:00:00Z", -ERANGE },
                { "2026-13-01T00:00:00Z", -ERANGE },
                { "2026-01-00T00:00:00Z", -ERANGE },
                { "2026-01-01T24:00:00Z", -ERANGE },
                { "2026-01-01T23:60:00Z", -ERANGE },
                { "2016-12-31T23:59:60Z", -ERANGE }, /* a leap second */
                { "1969-12-31T23:59:59Z", -ERANGE },
                { "1970-01-01T00:59:59+01:00", -ERANGE },
                { "1970-01-01T01:00:00+01:00", 0, 0 },
                { "9999-12-31T23:59:59-00:01", -ERANGE }, /* the year 10000 */
                { "2026-08-01T09:00:00+24:00", -EINVAL },
                { "2026-08-01T09:00:00+23:60", -EINVAL },
                { "2026-08-01T09:00:00", -EINVAL }, /* whose nine o'clock? */
                { "2026-08-01T09:00:00+0200", -EINVAL },
                { "2026-08-01T09:00:00+2:00", -EINVAL },
                { "2026-08-01T09:00:00+02:0", -EINVAL },
                { "2026-08-01T09:00:00+02:000", -EINVAL },
                { "2026-08-01T09:00:00ZZ", -EINVAL },
                { "2026-08-01T09:00:00 Z", -EINVAL },
                { "2026-08-01T09:00Z", -EINVAL },
                { "2026-8-1T09:00:00Z00", -EINVAL },
                { "26-08-01T09:00:00Z00", -EINVAL },
                { "+2026-08-01T09:00:0Z", -EINVAL },
                { "2026-08-01_09:00:00Z", -EINVAL },
                { "2026-08-01T 9:00:00Z", -EINVAL },
                { "2026-08-01", -EINVAL },
                { "", -EINVAL },
                { "tomorrow at nine o'clock", -EINVAL },
        };

        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                uint64_t usec = 42;

                if (base_parse_rfc3339(rows[i].s, &usec) != rows[i].r ||
                    usec != (rows[i].r == 0 ? rows[i].seconds * USEC_PER_SEC : 42))
                        fail_msg("\"%s\"", rows[i].s);
        }
}

static void what_is_written_is_read_again(void **state) {
        char buf[32];

        for (uint64_t seconds = 0; seconds <= 253402300799; seconds += 86399 * 1009) {
                uint64_t usec = 0;

                base_format_rfc3339(seconds * USEC_PER_SEC + 999999, buf);
                assert_int_equal(base_parse_rfc3339(buf, &usec), 0);
                assert_true(usec == seconds * USEC_PER_SEC);
        }
        base_format_rfc3339(1785574800 * USEC_PER_SEC, buf);
        assert_string_equal(buf, "2026-08-01T09:00:00Z");
        base_format_rfc3339(USEC_INFINITY, buf);
        assert_string_equal(buf, "never");
        base_format_rfc3339(USEC_INFINITY - 1, buf); /* a year no date has */
        assert_string_equal(buf, "never");
}

static void the_clocks_go(void **state) {
        uint64_t boot = base_boottime_usec(), real = base_realtime_usec();

        assert_true(boot > 0 && base_boottime_usec() >= boot);
        assert_true(real > 1600000000 * USEC_PER_SEC); /* 2020 */
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(numbers_have_one_form),
                cmocka_unit_test(numbers_stay_in_their_range),
                cmocka_unit_test(no_id_means_none),
                cmocka_unit_test(a_span_is_one_number_and_one_unit),
                cmocka_unit_test(times_are_read_as_rfc_3339_has_them),
                cmocka_unit_test(what_is_written_is_read_again),
                cmocka_unit_test(the_clocks_go),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
