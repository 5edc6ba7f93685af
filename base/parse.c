/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Numbers and times, read strictly: the whole input or nothing, range-checked, one form for each
 * value.  strtoul and sscanf are not used: they take signs, spaces and other bases, and logins as
 * root came of it elsewhere (CVE-2017-1000082, CVE-2019-14287). */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/base.h"

static uint64_t clock_usec(clockid_t clock) {
        struct timespec ts;

        /* Both clocks exist on every kernel um runs on; a fault leaves time at its start, which
         * denies. */
        if (clock_gettime(clock, &ts) < 0)
                return 0;
        return (uint64_t)ts.tv_sec * USEC_PER_SEC + (uint64_t)ts.tv_nsec / 1000;
}

uint64_t base_realtime_usec(void) {
        return clock_usec(CLOCK_REALTIME);
}

uint64_t base_boottime_usec(void) {
        return clock_usec(CLOCK_BOOTTIME);
}

uint64_t base_thread_usec(void) {
        return clock_usec(CLOCK_THREAD_CPUTIME_ID);
}

/* Reads up to max_digits digits; the number of digits read. */
static size_t digits_read(const char *s, size_t max_digits, uint64_t *ret) {
        uint64_t value = 0;
        size_t i;

        for (i = 0; i < max_digits && s[i] >= '0' && s[i] <= '9'; i++)
                value = value * 10 + (uint64_t)(s[i] - '0');
        *ret = value;
        return i;
}

int base_parse_u64(const char *s, uint64_t min, uint64_t max, uint64_t *ret) {
        uint64_t value = 0;
        size_t i;

        if (s[0] == '\0' || (s[0] == '0' && s[1] != '\0'))
                return -EINVAL;
        for (i = 0; s[i]; i++) {
                if (s[i] < '0' || s[i] > '9' || i >= 20)
                        return -EINVAL;
                if (__builtin_mul_overflow(value, (uint64_t)10, &value) ||
                    __builtin_add_overflow(value, (uint64_t)(s[i] - '0'), &value))
                        return -ERANGE;
        }
        if (value < min || value > max)
                return -ERANGE;
        *ret = value;
        return 0;
}

int base_parse_id(const char *s, uint32_t *ret) {
        uint64_t value;
        int r = base_parse_u64(s, 0, UINT32_MAX - 1, &value);

        if (r < 0)
                return r;
        if (value == 65535)
                return -ERANGE;
        *ret = (uint32_t)value;
        return 0;
}

int base_parse_span(const char *s, uint64_t *ret_usec) {
        static const struct {
                char letter;
                uint64_t seconds;
        } units[] = {
                { 's', 1 },     { 'm', 60 },        { 'h', 3600 },
                { 'd', 86400 }, { 'w', 7 * 86400 }, { 'y', 365 * 86400 },
        };
        uint64_t count;
        size_t n;

        if (strcmp(s, "never") == 0) {
                *ret_usec = USEC_INFINITY;
                return 0;
        }
        n = digits_read(s, 9, &count);
        if (n == 0 || (n > 1 && s[0] == '0') || s[n] == '\0' || s[n + 1] != '\0')
                return -EINVAL;
        for (size_t i = 0; i < ARRAY_LENGTH(units); i++)
                if (units[i].letter == s[n]) {
                        if (count > UINT64_MAX / USEC_PER_SEC / units[i].seconds - 1)
                                return -ERANGE;
                        *ret_usec = count * units[i].seconds * USEC_PER_SEC;
                        return 0;
                }
        return -EINVAL;
}

/* The end of the year 9999, UTC: what is read can be written. */
#define SECONDS_MAX ((int64_t)253402300799)

/* Days since 1970-01-01 of a date in the Gregorian calendar. */
static int64_t days_from_civil(int64_t y, int64_t m, int64_t d) {
        int64_t era, yoe, doy;

        y -= m <= 2;
        era = y / 400;
        yoe = y - era * 400;
        doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
        return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static int64_t month_days(uint64_t y, uint64_t m) {
        static const int64_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
        bool leap = y % 4 == 0 && (y % 100 != 0 || y % 400 == 0);

        return m == 2 && leap ? 29 : days[m - 1];
}

/* "Z", "+02:00", "-03:30" at the end of a time; the offset in seconds. */
static int zone_parse(const char *s, int64_t *ret_seconds) {
        uint64_t hours, minutes;

        if ((s[0] == 'Z' || s[0] == 'z') && s[1] == '\0') {
                *ret_seconds = 0;
                return 0;
        }
        if (s[0] != '+' && s[0] != '-')
                return -EINVAL;
        if (digits_read(s + 1, 2, &hours) != 2 || s[3] != ':' ||
            digits_read(s + 4, 2, &minutes) != 2 || s[6] != '\0' || hours > 23 || minutes > 59)
                return -EINVAL;
        *ret_seconds = (int64_t)(hours * 3600 + minutes * 60) * (s[0] == '-' ? -1 : 1);
        return 0;
}

int base_parse_rfc3339(const char *s, uint64_t *ret_usec) {
        uint64_t y, mo, d, h, mi, sec;
        int64_t offset, seconds;
        int r;

        if (strnlen(s, 20) < 20)
                return -EINVAL;
        if (digits_read(s, 4, &y) != 4 || s[4] != '-' || digits_read(s + 5, 2, &mo) != 2 ||
            s[7] != '-' || digits_read(s + 8, 2, &d) != 2 ||
            (s[10] != 'T' && s[10] != 't' && s[10] != ' ') || digits_read(s + 11, 2, &h) != 2 ||
            s[13] != ':' || digits_read(s + 14, 2, &mi) != 2 || s[16] != ':' ||
            digits_read(s + 17, 2, &sec) != 2)
                return -EINVAL;
        if (y < 1970 || mo < 1 || mo > 12 || d < 1 || (int64_t)d > month_days(y, mo) || h > 23 ||
            mi > 59 || sec > 59)
                return -ERANGE;
        r = zone_parse(s + 19, &offset);
        if (r < 0)
                return r;
        seconds = days_from_civil((int64_t)y, (int64_t)mo, (int64_t)d) * 86400 +
                  (int64_t)(h * 3600 + mi * 60 + sec) - offset;
        if (seconds < 0 || seconds > SECONDS_MAX)
                return -ERANGE;
        *ret_usec = (uint64_t)seconds * USEC_PER_SEC;
        return 0;
}

void base_format_rfc3339(uint64_t usec, char *buf) {
        time_t t = (time_t)(usec / USEC_PER_SEC);
        struct tm tm;

        if (usec == USEC_INFINITY || !gmtime_r(&t, &tm) || tm.tm_year > 9999 - 1900)
                memcpy(buf, "never", 6);
        else
                strftime(buf, 32, "%Y-%m-%dT%H:%M:%SZ", &tm);
}
