/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a client of a bus expects of org.freedesktop.DBus, on a connection that has no broker:
 * enough for busctl, gdbus and bindings that know only buses.  The peer is named :1.N by its
 * connection, umd is :1.0 and org.um1.  Tells nobody about others: there are no others here. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "umd/bus/private.h"

#define DRIVER_NAME "org.freedesktop.DBus"
#define UMD_UNIQUE  ":1.0"

#define REQUEST_ALREADY_RUNNING 2U /* StartServiceByName */

static void peer_name(const Peer *peer, char *buf, size_t size) {
        (void)snprintf(buf, size, ":1.%llu", (unsigned long long)peer->core_peer.connection);
}

/* The unique name of whoever has the name; NULL for nobody. */
static const char *name_owner(const Peer *peer, const char *name, char *buf, size_t size) {
        peer_name(peer, buf, size);
        if (strcmp(name, WIRE_NAME) == 0 || strcmp(name, UMD_UNIQUE) == 0)
                return UMD_UNIQUE;
        if (strcmp(name, DRIVER_NAME) == 0)
                return DRIVER_NAME;
        return strcmp(name, buf) == 0 ? buf : NULL;
}

static int append_names(sd_bus_message *reply, const Peer *peer) {
        char own[32];

        peer_name(peer, own, sizeof(own));
        return sd_bus_message_append(reply, "as", 4, DRIVER_NAME, WIRE_NAME, UMD_UNIQUE, own);
}

/* Fills the reply; 0 where the driver has no such method. */
static int driver_fill(Peer *peer, sd_bus_message *m, sd_bus_message *reply) {
        const char *member = sd_bus_message_get_member(m), *name = "", *owner;
        char own[32];
        int r;

        if (strcmp(member, "Hello") == 0) {
                peer_name(peer, own, sizeof(own));
                r = sd_bus_message_append(reply, "s", own);
        } else if (strcmp(member, "AddMatch") == 0 || strcmp(member, "RemoveMatch") == 0) {
                peer->wants_signals |= strcmp(member, "AddMatch") == 0;
                return 1; /* which ones, the client sorts out: umd has few, and no secrets in them
                           */
        } else if (strcmp(member, "ListNames") == 0)
                r = append_names(reply, peer);
        else if (strcmp(member, "GetId") == 0)
                r = sd_bus_message_append(reply, "s", peer->link.bus->guid);
        else if (strcmp(member, "StartServiceByName") == 0)
                r = sd_bus_message_append(reply, "u", REQUEST_ALREADY_RUNNING);
        else if (strcmp(member, "NameHasOwner") == 0 || strcmp(member, "GetNameOwner") == 0) {
                r = sd_bus_message_read(m, "s", &name);
                owner = r < 0 ? NULL : name_owner(peer, name, own, sizeof(own));
                if (r >= 0 && strcmp(member, "NameHasOwner") == 0)
                        r = sd_bus_message_append(reply, "b", owner != NULL);
                else if (r >= 0)
                        r = owner ? sd_bus_message_append(reply, "s", owner) : -ENXIO;
        } else
                return 0;
        return r < 0 ? r : 1;
}

int driver_call(Link *link, sd_bus_message *m) {
        _cleanup_message_ sd_bus_message *reply = NULL;
        const char *to = sd_bus_message_get_destination(m);
        int r;

        if (to && strcmp(to, DRIVER_NAME) != 0) {
                if (strcmp(to, WIRE_NAME) == 0 || strcmp(to, UMD_UNIQUE) == 0)
                        return 0;
                r = sd_bus_reply_method_errorf(m, SD_BUS_ERROR_SERVICE_UNKNOWN,
                                               "There is nobody here but " WIRE_NAME);
                return r < 0 ? r : 1;
        }
        if (!sd_bus_message_is_method_call(m, DRIVER_NAME, NULL))
                return 0;
        r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = sd_bus_message_set_sender(reply, DRIVER_NAME);
        if (r < 0)
                return r;
        r = driver_fill(link->peer, m, reply);
        if (r > 0)
                r = sd_bus_send(link->sd_bus, reply, NULL);
        else if (r == -ENXIO)
                r = sd_bus_reply_method_errorf(m, SD_BUS_ERROR_NAME_HAS_NO_OWNER,
                                               "There is nobody here but " WIRE_NAME);
        else
                r = sd_bus_reply_method_errorf(m,
                                               r == 0 ? SD_BUS_ERROR_UNKNOWN_METHOD
                                                      : SD_BUS_ERROR_INVALID_ARGS,
                                               "org.freedesktop.DBus: not so without a broker");
        return r < 0 ? r : 1;
}
