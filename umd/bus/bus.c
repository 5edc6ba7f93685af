/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The whole of bus: made by manager.c before anybody can ask, and freed before core, since calls
 * that wait for one of its verbs go with it. */

#include <errno.h>
#include <string.h>

#include "umd/bus/private.h"

void bus_log(const Bus *bus, int fault, const char *text) {
        if (bus->host.log)
                bus->host.log(bus->host.userdata, fault, text);
}

int bus_new(sd_event *event, Core *core, const char *why_unavailable, const BusHost *host,
            Bus **ret) {
        Bus *bus = calloc(1, sizeof(*bus));
        int r;

        if (!bus)
                return -ENOMEM;
        bus->event = sd_event_ref(event);
        bus->core = core;
        bus->host = *host;
        bus->server.fd = bus->server.reserve_fd = -1;
        STAILQ_INIT(&bus->replies);
        STAILQ_INIT(&bus->signals);
        bus->why_unavailable =
                strdup(why_unavailable ? why_unavailable : "the store is not served");
        r = bus->why_unavailable ? sd_id128_randomize(&bus->id) : -ENOMEM;
        if (r >= 0) {
                (void)sd_id128_to_string(bus->id, bus->guid);
                r = faces_new(&bus->faces);
        }
        if (r < 0) {
                bus_free(bus);
                return r;
        }
        if (core) {
                signals_listen(bus);
                login_sessions_resume(bus);
        }
        *ret = bus;
        return 0;
}

int bus_listen(Bus *bus, int fd) {
        return server_listen(bus, fd);
}

Bus *bus_free(Bus *bus) {
        Call *call;

        if (!bus)
                return NULL;
        server_close(bus);
        system_close(bus);
        while ((call = LIST_FIRST(&bus->calls)))
                call_free(call);
        reply_clear(bus);
        signals_clear(bus);
        login_sessions_clear(bus);
        faces_free(bus->faces);
        sd_event_unref(bus->event);
        free(bus->why_unavailable);
        free(bus);
        return NULL;
}
