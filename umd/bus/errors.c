/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Outcomes become D-Bus errors here and nowhere else.  A fault is told as one, with the system's
 * words for it and nothing of umd's inside, and is logged: it stops travelling here. */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "umd/bus/private.h"

WireError error_of_outcome(CoreOutcome outcome) {
        switch (outcome) {
        case CORE_E_NO_SUCH_USER:
                return WIRE_E_NO_SUCH_USER;
        case CORE_E_NO_SUCH_GROUP:
                return WIRE_E_NO_SUCH_GROUP;
        case CORE_E_NO_SUCH_ENTRY:
                return WIRE_E_NO_SUCH_ENTRY;
        case CORE_E_NO_SUCH_ROLE:
                return WIRE_E_NO_SUCH_ROLE;
        case CORE_E_NO_SUCH_TENANT:
                return WIRE_E_NO_SUCH_TENANT;
        case CORE_E_NO_SUCH_APP:
                return WIRE_E_NO_SUCH_APP;
        case CORE_E_ACCESS_DENIED:
                return WIRE_E_ACCESS_DENIED;
        case CORE_E_POLICY_REFUSED:
                return WIRE_E_POLICY_REFUSED;
        case CORE_E_BAD_VALUE:
                return WIRE_E_BAD_VALUE;
        case CORE_E_NAME_TAKEN:
                return WIRE_E_NAME_TAKEN;
        case CORE_E_UID_TAKEN:
                return WIRE_E_UID_TAKEN;
        case CORE_E_CONFLICT:
                return WIRE_E_CONFLICT;
        case CORE_E_PROTECTED:
                return WIRE_E_PROTECTED;
        case CORE_E_LAST_OWNER:
                return WIRE_E_LAST_OWNER;
        case CORE_E_ROLE_CONFLICT:
                return WIRE_E_ROLE_CONFLICT;
        case CORE_E_REASON_REQUIRED:
                return WIRE_E_REASON_REQUIRED;
        case CORE_E_SEAT_LIMIT:
                return WIRE_E_SEAT_LIMIT;
        case CORE_E_BUSY:
                return WIRE_E_BUSY;
        case CORE_E_UNAVAILABLE:
                return WIRE_E_UNAVAILABLE;
        case CORE_DONE:
        case _CORE_OUTCOME_MAX:
                break;
        }
        return WIRE_E_FAULT;
}

int error_set(CoreError *error, CoreOutcome outcome, const char *format, ...) {
        va_list arguments;

        error->outcome = outcome;
        va_start(arguments, format);
        (void)vsnprintf(error->text, sizeof(error->text), format, arguments);
        va_end(arguments);
        return (int)outcome;
}

int error_message_new(sd_bus_message *call, WireError error, const char *text,
                      sd_bus_message **ret) {
        char shown[1024];
        sd_bus_error e = { .name = wire_error_name(error), .message = text };
        int r = sd_bus_message_new_method_error(call, ret, &e);

        if (r != -EINVAL)
                return r;
        /* A text cut within a character, or one that quotes what is not UTF-8. */
        (void)base_escape(text, strlen(text), shown, sizeof(shown));
        e.message = shown;
        return sd_bus_message_new_method_error(call, ret, &e);
}

int error_reply(Bus *bus, sd_bus_message *call, WireError error, const char *text) {
        _cleanup_message_ sd_bus_message *reply = NULL;
        int r = error_message_new(call, error, text, &reply);

        return r < 0 ? r : reply_send(bus, call, reply);
}

/* r < 0: a fault; r > 0: error->outcome and its text. */
void call_fail(Call *call, int r, const CoreError *error) {
        WireError wire = WIRE_E_FAULT;
        char text[sizeof(error->text) + 128];

        if (r == CORE_E_ACCESS_DENIED)
                access_record(call, false);
        if (r > 0) {
                wire = error_of_outcome((CoreOutcome)r);
                (void)snprintf(text, sizeof(text), "%s",
                               error && error->text[0] ? error->text : "refused");
        } else {
                (void)snprintf(text, sizeof(text), "umd cannot do this now: %s",
                               r == -ENOSPC ? "the disk of its store is full" : strerror(-r));
                bus_log(call->bus, r, call->access->member[0] ? call->access->member : "a call");
        }
        r = error_reply(call->bus, call->message, wire, text);
        if (r < 0)
                bus_log(call->bus, r, "cannot answer a call");
}
