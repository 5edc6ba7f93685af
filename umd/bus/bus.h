/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* bus: the faces.  Reads arguments, checks the caller against one table, calls a verb of core,
 * replies after the flush. The same objects on the private socket (bytes gated first) and on the
 * system bus.  docs/api/org.um1.md lists them. */

#include <stdbool.h>
#include <stdint.h>

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "base/base.h"
#include "umd/core/core.h"

typedef struct Bus Bus;

/* What umd knows beside core, for the Status method. */
typedef struct BusStatus {
        const char *version;
        uint64_t map_users, map_groups, map_bytes, map_published_usec, started_usec;
        bool map_ok;
        const char *recovery_key; /* "none", "kept", "failed"; "": um-vault did not say */
        char mail[128];           /* why no mail can be sent; "" for nothing */
        char fido[128];           /* why no security key can be asked; "" for nothing */
        char sudo[192];           /* why roles give no commands of sudo; "" for nothing */
        char quality[512];        /* what is wrong with um-quality and its lists; "" for nothing */
} BusStatus;

typedef struct BusHost {
        void *userdata;
        void (*status)(void *userdata, BusStatus *ret);
        /* Does /etc/passwd or /etc/group hold the name (may be NULL) or the id (or UINT32_MAX)? Nss
         * leaves out what the map leaves out; may be NULL. */
        bool (*hides)(void *userdata, const char *name, uint32_t id);
        /* Is it the user that sshd's question for keys comes from?  NULL: nobody is. */
        bool (*asks_keys)(void *userdata, uid_t uid);
        /* A fault (negative errno) that stops travelling here, to be logged once; may be NULL. */
        void (*log)(void *userdata, int fault, const char *text);
} BusHost;

/* core NULL: the store is not served; every method but Status answers .Unavailable with why. */
int bus_new(sd_event *event, Core *core, const char *why_unavailable, const BusHost *host,
            Bus **ret);
/* Before core_free(): no done callback of a verb may come after it. */
Bus *bus_free(Bus *bus);
/* Takes a listening SOCK_STREAM unix socket over: peers of the private socket. */
int bus_listen(Bus *bus, int fd);
/* Connects to the system bus (or address, for tests) and owns org.um1; reconnects by itself. */
int bus_attach_system(Bus *bus, const char *address);
/* Sends replies that waited for a flush (r >= 0), or turns them into errors (r < 0).  manager.c
 * calls it after core_flush(), after the map was published. */
void bus_flushed(Bus *bus, int r);
