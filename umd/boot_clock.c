/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Time since boot, and which boot it is: with both, locks go on over a restart of umd as if it had
 * not been away, whatever the wall clock says.  Where the boot cannot be told, that is only
 * less exact: see core/lock_time.c. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/base.h"
#include "umd/umd.h"

#define BOOT_ID_PATH "/proc/sys/kernel/random/boot_id"
#define BOOT_ID_TEXT 64U

static int digit_of(char c) {
        if (c >= '0' && c <= '9')
                return c - '0';
        return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* 32 lower-case hex digits; the kernel puts hyphens between some. */
static int id_parse(const char *s, uint8_t *ret_id) {
        uint8_t id[CORE_BOOT_ID_BYTES] = { 0 };
        size_t digits = 0;

        for (; *s && *s != '\n'; s++) {
                if (*s == '-')
                        continue;
                if (digits == 2 * sizeof(id) || digit_of(*s) < 0)
                        return -EINVAL;
                id[digits / 2] = (uint8_t)(id[digits / 2] << 4 | digit_of(*s));
                digits++;
        }
        if (digits != 2 * sizeof(id))
                return -EINVAL;
        memcpy(ret_id, id, sizeof(id));
        return 0;
}

int boot_clock_init(BootClock *clock, const char *boot_id) {
        _cleanup_free_ char *text = NULL;
        size_t len;

        *clock = (BootClock){ 0 };
        if (boot_id)
                return id_parse(boot_id, clock->id);
        if (base_file_read(AT_FDCWD, BOOT_ID_PATH, BOOT_ID_TEXT, &text, &len) == 0)
                (void)id_parse(text, clock->id); /* else nobody knows */
        return 0;
}

void boot_clock_read(const BootClock *clock, CoreClock *ret) {
        ret->boottime_usec = base_boottime_usec();
        memcpy(ret->boot_id, clock->id, sizeof(ret->boot_id));
}
