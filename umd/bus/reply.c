/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Replies wait until what they tell is durable, but for those that core lets go early: while core
 * has a batch open, every reply is kept, in order, also those that only read, since they may have
 * read what is not durable yet.  When the batch could not be written, nothing of it happened, and
 * each of them is an error instead. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "umd/bus/private.h"

struct Reply {
        STAILQ_ENTRY(Reply) entry;
        sd_bus_message *call, *message;
};

static Reply *reply_free(Reply *reply) {
        sd_bus_message_unref(reply->call);
        sd_bus_message_unref(reply->message);
        free(reply);
        return NULL;
}

/* Who asked may be gone: that is no fault of ours. */
static int message_send(sd_bus_message *message) {
        int r = sd_bus_send(NULL, message, NULL);
        bool gone = r == -ENOTCONN || r == -ECONNRESET || r == -EPIPE || r == -ESTALE;

        return r < 0 && !gone ? r : 0;
}

int reply_send(Bus *bus, sd_bus_message *call, sd_bus_message *message) {
        Reply *reply;

        if (STAILQ_EMPTY(&bus->replies) && !(bus->core && core_has_unflushed(bus->core)))
                return message_send(message);
        reply = malloc(sizeof(*reply));
        if (!reply)
                return -ENOMEM;
        reply->call = sd_bus_message_ref(call);
        reply->message = sd_bus_message_ref(message);
        STAILQ_INSERT_TAIL(&bus->replies, reply, entry);
        if (bus->core)
                core_flush_hurry(bus->core);
        return 0;
}

int reply_send_early(sd_bus_message *message) {
        return message_send(message);
}

static int reply_send_fault(Reply *reply, int fault) {
        _cleanup_message_ sd_bus_message *message = NULL;
        char text[256];
        int r;

        (void)snprintf(text, sizeof(text), "nothing was changed, the store cannot be written: %s",
                       strerror(-fault));
        r = error_message_new(reply->call, WIRE_E_FAULT, text, &message);
        return r < 0 ? r : message_send(message);
}

void bus_flushed(Bus *bus, int fault) {
        struct ReplyQueue replies = STAILQ_HEAD_INITIALIZER(replies);
        Reply *reply;

        if (fault >= 0)
                signals_send(bus);
        else
                signals_clear(bus);
        STAILQ_CONCAT(&replies, &bus->replies);
        while ((reply = STAILQ_FIRST(&replies))) {
                int r;

                STAILQ_REMOVE_HEAD(&replies, entry);
                r = fault < 0 ? reply_send_fault(reply, fault) : message_send(reply->message);
                if (r < 0)
                        bus_log(bus, r, "cannot send a reply");
                reply_free(reply);
        }
}

void reply_clear(Bus *bus) {
        Reply *reply;

        while ((reply = STAILQ_FIRST(&bus->replies))) {
                STAILQ_REMOVE_HEAD(&bus->replies, entry);
                reply_free(reply);
        }
}
