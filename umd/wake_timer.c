/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One moment of boottime: of all that are wished for the earliest counts, and whoever wanted a
 * later one wishes again when he is called. */

#include "base/base.h"
#include "umd/umd.h"

void wake_timer_wanted(WakeTimer *timer, uint64_t boottime_usec) {
        if (boottime_usec >= timer->usec)
                return;
        timer->usec = boottime_usec;
        (void)sd_event_source_set_time(timer->source, boottime_usec);
        (void)sd_event_source_set_enabled(timer->source, SD_EVENT_ONESHOT);
}

static int timer_fired(sd_event_source *source, uint64_t usec, void *userdata) {
        WakeTimer *timer = userdata;

        timer->usec = USEC_INFINITY;
        timer->run(timer->userdata);
        return 0;
}

int wake_timer_init(WakeTimer *timer, sd_event *event) {
        int r = sd_event_add_time(event, &timer->source, CLOCK_BOOTTIME, 0, 1, timer_fired, timer);

        timer->usec = USEC_INFINITY;
        return r < 0 ? r : sd_event_source_set_enabled(timer->source, SD_EVENT_OFF);
}

void wake_timer_done(WakeTimer *timer) {
        timer->source = sd_event_source_disable_unref(timer->source);
}
