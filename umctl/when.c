/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Times as people give and read them, all in the host's zone: what is shown can be typed.  main()
 * has dropped the TZ variable. */

#include <errno.h>
#include <string.h>
#include <sys/timex.h>
#include <time.h>

#include "umctl/umctl.h"

/* "2026-08-01" through RFC 3339's strict reader, then moved from UTC to the host's zone. */
static int date_parse(const char *s, uint64_t *ret_usec) {
        char full[32];
        uint64_t utc;
        struct tm tm;
        time_t t;
        int r;

        if (strlen(s) != 10)
                return -EINVAL;
        snprintf(full, sizeof(full), "%sT00:00:00Z", s);
        r = base_parse_rfc3339(full, &utc);
        if (r < 0)
                return r;
        t = (time_t)(utc / USEC_PER_SEC);
        if (!gmtime_r(&t, &tm))
                return -ERANGE;
        tm.tm_isdst = -1;
        t = mktime(&tm);
        if (t < 0)
                return -ERANGE;
        *ret_usec = (uint64_t)t * USEC_PER_SEC;
        return 0;
}

static int point_parse(const char *s, uint64_t *ret_usec) {
        int r = date_parse(s, ret_usec);

        return r < 0 ? base_parse_rfc3339(s, ret_usec) : r;
}

int when_parse(const char *s, uint64_t now_usec, uint64_t *ret_usec) {
        uint64_t span;
        int r = base_parse_span(s[0] == '+' ? s + 1 : s, &span);

        if (r < 0)
                return point_parse(s, ret_usec);
        *ret_usec = span == USEC_INFINITY ? USEC_INFINITY : now_usec + span;
        return 0;
}

int when_parse_since(const char *s, uint64_t now_usec, uint64_t *ret_usec) {
        uint64_t span;
        int r;

        if (strcmp(s, "today") == 0) {
                time_t t = (time_t)(now_usec / USEC_PER_SEC);
                char date[16];
                struct tm tm;

                if (!localtime_r(&t, &tm) || strftime(date, sizeof(date), "%Y-%m-%d", &tm) != 10)
                        return -ERANGE;
                return date_parse(date, ret_usec);
        }
        r = base_parse_span(s, &span);
        if (r < 0)
                return point_parse(s, ret_usec);
        *ret_usec = span < now_usec ? now_usec - span : 0;
        return 0;
}

void when_format(uint64_t usec, char *buf, size_t size) {
        time_t t = (time_t)(usec / USEC_PER_SEC);
        struct tm tm;

        if (usec == 0 || !localtime_r(&t, &tm) ||
            strftime(buf, size, "%Y-%m-%d %H:%M:%S", &tm) == 0)
                snprintf(buf, size, "%s", usec == 0 ? "" : "never");
}

bool clock_synchronised(void) {
        struct timex tx = { 0 };

        return adjtimex(&tx) != TIME_ERROR && !(tx.status & STA_UNSYNC);
}
