/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What core does, in the host's log, as far as an admin waits for it: locks that failures made, a
 * line for each with what he asks first, what users are going to be told, and a store that cannot
 * be written. */

#include <errno.h>
#include <stdio.h>
#include <syslog.h>

#include "umd/umd.h"

#define TELL_AGAIN_USEC (30 * USEC_PER_SEC)

void log_lockout(const Log *log, const CoreLockout *lockout) {
        LogRecord record = { .priority = LOG_WARNING,
                             .message =
                                     lockout->name ? MESSAGE_LOCKOUT : MESSAGE_SOURCE_THROTTLED };
        char until[32], object[BASE_NAME_MAX + 8];

        base_format_rfc3339(lockout->until_usec, until);
        if (lockout->name) {
                snprintf(object, sizeof(object), "user/%s", lockout->name);
                record.object = object;
                log_write(log, &record,
                          "%s is locked out for %s until %s: %u failures, last from %s %s",
                          lockout->name, lockout->places,
                          lockout->until_usec == USEC_INFINITY ? "unlocked" : until,
                          lockout->failures, lockout->source[0] ? lockout->source : "this machine",
                          lockout->service);
                return;
        }
        log_write(log, &record, "%s is refused for every user until %s: %u failures",
                  lockout->source, until, lockout->failures);
}

void log_notice(const Log *log, const char *name, const char *text) {
        char object[BASE_NAME_MAX + 8];

        snprintf(object, sizeof(object), "user/%s", name);
        log_write(log,
                  &(LogRecord){
                          .priority = LOG_NOTICE, .message = MESSAGE_NOTICE, .object = object },
                  "%s is told at the next login: %s", name, text);
}

/* Every login and change meets a disk that is full or broken: told now and then, not each time. */
void log_flush_fault(const Log *log, int fault, uint64_t *told_usec) {
        uint64_t now_usec = base_boottime_usec();

        if (*told_usec > 0 && now_usec - *told_usec < TELL_AGAIN_USEC)
                return;
        *told_usec = now_usec;
        log_write(log,
                  &(LogRecord){
                          .priority = LOG_CRIT, .message = MESSAGE_FLUSH_FAILED, .fault = fault },
                  "the store cannot be written: logins and changes are refused%s",
                  fault == -EIO ? " until umd is restarted" : "");
}

/* Once each way. */
void log_disk(const Log *log, bool full) {
        if (full)
                log_write(
                        log, &(LogRecord){ .priority = LOG_CRIT, .message = MESSAGE_DISK_FULL },
                        "the disk is full: the store goes on in what it has reserved of it, which "
                        "is for logins; new users and groups are refused; make room");
        else
                log_write(log, &(LogRecord){ .priority = LOG_NOTICE, .message = MESSAGE_DISK_BACK },
                          "the disk has room again: the store's reserve is whole");
}
