/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tells when the wall clock is set.  Timers run on the time since boot, which is never set, so that
 * a moment of the wall clock (the end of a grant) is somewhere else on it from then on. */

#include <errno.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/base.h"
#include "umd/umd.h"

/* As far away as that (2^40 s), it only ends because the clock was set. */
#define FAR_AWAY_SEC ((time_t)1 << 40)

static int watch_arm(const ClockWatch *watch) {
        const struct itimerspec far_away = { .it_value = { .tv_sec = FAR_AWAY_SEC } };
        const int flags = TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET;

        return timerfd_settime(watch->fd, flags, &far_away, NULL) < 0 ? -errno : 0;
}

static int watch_fired(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        ClockWatch *watch = userdata;
        uint64_t count;
        bool set = read(fd, &count, sizeof(count)) < 0 && errno == ECANCELED;
        int r = watch_arm(watch);

        if (set)
                watch->was_set(watch->userdata);
        return r;
}

int clock_watch_init(ClockWatch *watch, sd_event *event) {
        int r;

        watch->fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
        if (watch->fd < 0)
                return -errno;
        r = watch_arm(watch);
        return r < 0 ? r
                     : sd_event_add_io(event, &watch->source, watch->fd, EPOLLIN, watch_fired,
                                       watch);
}

void clock_watch_done(ClockWatch *watch) {
        watch->source = sd_event_source_disable_unref(watch->source);
        base_close(watch->fd);
        watch->fd = -1;
}
