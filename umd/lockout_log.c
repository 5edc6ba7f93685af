/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Locks that failures made, in the host's log: one line for each, with what an admin asks first. */

#include <stdio.h>
#include <syslog.h>

#include "umd/umd.h"

void lockout_log(const Log *log, const CoreLockout *lockout) {
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
