/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The wall clock is set: told once each time, and waited for again.  A test must not set the clock:
 * timerfd_settime(2) and read(2) stand in for a kernel whose clock is. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "umd/umd.h"

static unsigned armed, told;
static bool is_set;

int __real_timerfd_settime(int fd, int flags, const struct itimerspec *new, struct itimerspec *old);
int __wrap_timerfd_settime(int fd, int flags, const struct itimerspec *new, struct itimerspec *old);
ssize_t __real_read(int fd, void *buf, size_t size);
ssize_t __wrap_read(int fd, void *buf, size_t size);

/* Ready at once, where the kernel would be when the clock is set. */
int __wrap_timerfd_settime(int fd, int flags, const struct itimerspec *new,
                           struct itimerspec *old) {
        const struct itimerspec soon = { .it_value = { .tv_nsec = 1 } };

        assert_int_equal(flags, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET);
        assert_true(new->it_value.tv_sec > (time_t)1 << 35);
        armed++;
        return is_set ? __real_timerfd_settime(fd, 0, &soon, old)
                      : __real_timerfd_settime(fd, flags, new, old);
}

ssize_t __wrap_read(int fd, void *buf, size_t size) {
        if (!is_set)
                return __real_read(fd, buf, size);
        is_set = false;
        errno = ECANCELED;
        return -1;
}

static void was_set(void *userdata) {
        told++;
}

static void a_clock_that_is_set_is_told_each_time(void **state) {
        ClockWatch watch = { .was_set = was_set, .fd = -1 };
        sd_event *event = NULL;

        assert_true(sd_event_new(&event) >= 0);
        is_set = true;
        assert_int_equal(clock_watch_init(&watch, event) < 0, 0);
        assert_true(sd_event_run(event, 1000000) > 0);
        assert_int_equal(told, 1);
        assert_int_equal(armed, 2); /* waits for the next time */
        assert_int_equal(sd_event_run(event, 10000), 0);
        assert_int_equal(told, 1);
        clock_watch_done(&watch);
        sd_event_unref(event);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_clock_that_is_set_is_told_each_time),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
