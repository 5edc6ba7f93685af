/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* When the loop flushes: as soon as nothing else is ready, and soon while something is. */

#include "base/base.h"
#include "umd/umd.h"

/* What waits for one flush: changes of peers that are ready together share it, none waits long. */
#define FLUSH_VERBS_MAX 64U
#define FLUSH_WAIT_USEC (2 * USEC_PER_MSEC)
/* What nobody waits for: long enough for the call that mostly follows and flushes both. */
#define FLUSH_LATER_USEC (20 * USEC_PER_MSEC)

void flush_timer_wanted(FlushTimer *timer) {
        timer->verbs++;
        if (timer->verbs == 1) {
                (void)sd_event_source_set_enabled(timer->idle, SD_EVENT_ONESHOT);
                (void)sd_event_source_set_time(timer->late, base_boottime_usec() + FLUSH_WAIT_USEC);
                (void)sd_event_source_set_enabled(timer->late, SD_EVENT_ONESHOT);
        } else if (timer->verbs == FLUSH_VERBS_MAX)
                (void)sd_event_source_set_time(timer->late, 0);
}

void flush_timer_later(FlushTimer *timer) {
        int armed = SD_EVENT_OFF;

        (void)sd_event_source_get_enabled(timer->late, &armed);
        if (armed != SD_EVENT_OFF)
                return; /* for an earlier one */
        (void)sd_event_source_set_time(timer->late, base_boottime_usec() + FLUSH_LATER_USEC);
        (void)sd_event_source_set_enabled(timer->late, SD_EVENT_ONESHOT);
}

static int idle_fired(sd_event_source *source, void *userdata) {
        FlushTimer *timer = userdata;

        timer->run(timer->userdata);
        return 0;
}

static int late_fired(sd_event_source *source, uint64_t usec, void *userdata) {
        return idle_fired(source, userdata);
}

void flush_timer_clear(FlushTimer *timer) {
        timer->verbs = 0;
        (void)sd_event_source_set_enabled(timer->idle, SD_EVENT_OFF);
        (void)sd_event_source_set_enabled(timer->late, SD_EVENT_OFF);
}

int flush_timer_init(FlushTimer *timer, sd_event *event) {
        int r = sd_event_add_defer(event, &timer->idle, idle_fired, timer);

        if (r >= 0)
                r = sd_event_source_set_enabled(timer->idle, SD_EVENT_OFF);
        if (r >= 0)
                r = sd_event_source_set_priority(timer->idle, SD_EVENT_PRIORITY_IDLE);
        if (r >= 0)
                r = sd_event_add_time(event, &timer->late, CLOCK_BOOTTIME, 0, 1, late_fired, timer);
        if (r >= 0)
                r = sd_event_source_set_enabled(timer->late, SD_EVENT_OFF);
        if (r >= 0)
                r = sd_event_source_set_priority(timer->late, SD_EVENT_PRIORITY_IMPORTANT);
        return r;
}

void flush_timer_done(FlushTimer *timer) {
        timer->idle = sd_event_source_disable_unref(timer->idle);
        timer->late = sd_event_source_disable_unref(timer->late);
}
