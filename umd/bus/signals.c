/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What changed, told after it is durable and published: to everybody on the system bus, and to
 * root's peers that said AddMatch.  A signal carries the object's path and nothing else, since
 * everybody can read it; who may know more asks. */

#include <errno.h>
#include <string.h>

#include "umd/bus/private.h"

struct Signal {
        STAILQ_ENTRY(Signal) entry;
        CoreObject object;
        CoreNews news;
        char name[];
};

static void signal_add(Bus *bus, CoreObject object, CoreNews news, const char *name) {
        size_t size = strlen(name) + 1;
        Signal *signal = malloc(sizeof(*signal) + size);

        if (!signal) {
                bus_log(bus, -ENOMEM, "cannot tell what changed");
                return;
        }
        signal->object = object;
        signal->news = news;
        memcpy(signal->name, name, size);
        STAILQ_INSERT_TAIL(&bus->signals, signal, entry);
}

/* To others an object with a new name is another object. */
static void news_changed(void *userdata, CoreObject object, CoreNews news, uint32_t id,
                         const char *name, const char *old_name) {
        Bus *bus = userdata;

        if (news == CORE_NEWS_CHANGED && old_name && strcmp(old_name, name) != 0) {
                signal_add(bus, object, CORE_NEWS_REMOVED, old_name);
                news = CORE_NEWS_ADDED;
        }
        signal_add(bus, object, news, name);
}

/* Whose, and which, is for those who may read it. */
static void news_policy(void *userdata) {
        ((Bus *)userdata)->policy_changed = true;
}

static void news_flushed(void *userdata) {
        /* bus_flushed() sends, once the map is published */
}

static const char *signal_member(const Signal *signal) {
        static const char *const members[_CORE_OBJECT_MAX][_CORE_NEWS_MAX] = {
                [CORE_OBJECT_USER] = { "UserAdded", "UserChanged", "UserRemoved" },
                [CORE_OBJECT_GROUP] = { "GroupAdded", "GroupChanged", "GroupRemoved" },
        };

        return members[signal->object][signal->news];
}

/* Only the names of what may have changed: the values are for whom they are readable. */
static int properties_changed_send(sd_bus *sd_bus, const char *path, CoreObject object) {
        _cleanup_message_ sd_bus_message *m = NULL;
        size_t count;
        const Property *rows =
                property_rows(object == CORE_OBJECT_USER ? ACCESS_ON_USER : ACCESS_ON_GROUP,
                              &count);
        int r = sd_bus_message_new_signal(sd_bus, &m, path, "org.freedesktop.DBus.Properties",
                                          "PropertiesChanged");

        if (r >= 0)
                r = sd_bus_message_append(m, "sa{sv}",
                                          object == CORE_OBJECT_USER ? WIRE_USER : WIRE_GROUP, 0);
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "s");
        for (size_t i = 0; i < count && r >= 0; i++)
                r = sd_bus_message_append_basic(m, 's', rows[i].name);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        return r < 0 ? r : sd_bus_send(sd_bus, m, NULL);
}

/* 1 where it takes one: a bus that does not read loses signals rather than umd its memory. */
static int bus_has_room(sd_bus *sd_bus) {
        uint64_t queued;
        int r;

        if (!sd_bus || sd_bus_is_ready(sd_bus) <= 0)
                return 0;
        r = sd_bus_get_n_queued_write(sd_bus, &queued);
        return r < 0 ? r : queued <= SYSTEM_SIGNALS_QUEUED_MAX;
}

static int signal_send(sd_bus *sd_bus, const Signal *signal, const char *path) {
        int r = bus_has_room(sd_bus);

        if (r <= 0)
                return r;
        r = sd_bus_emit_signal(sd_bus, WIRE_PATH, WIRE_MANAGER, signal_member(signal), "o", path);
        if (r >= 0 && signal->news == CORE_NEWS_CHANGED)
                r = properties_changed_send(sd_bus, path, signal->object);
        return r;
}

static void signal_send_all(Bus *bus, const Signal *signal) {
        _cleanup_free_ char *path = NULL;
        const Peer *peer;
        int r = object_path(signal->object == CORE_OBJECT_USER ? WIRE_PATH_USER : WIRE_PATH_GROUP,
                            signal->name, &path);

        if (r >= 0)
                r = signal_send(bus->system.link.sd_bus, signal, path);
        if (r < 0)
                bus_log(bus, r, "cannot tell the system bus what changed");
        LIST_FOREACH(peer, &bus->server.peers, entry)
        if (path && peer->wants_signals && peer->core_peer.actor.uid == 0)
                (void)signal_send(peer->link.sd_bus, signal, path);
}

static int policy_send(sd_bus *sd_bus) {
        int r = bus_has_room(sd_bus);

        return r <= 0 ? r : sd_bus_emit_signal(sd_bus, WIRE_PATH, WIRE_POLICY, "Changed", "");
}

static void policy_send_all(Bus *bus) {
        const Peer *peer;
        int r = policy_send(bus->system.link.sd_bus);

        if (r < 0)
                bus_log(bus, r, "cannot tell the system bus that policy values changed");
        LIST_FOREACH(peer, &bus->server.peers, entry)
        if (peer->wants_signals && peer->core_peer.actor.uid == 0)
                (void)policy_send(peer->link.sd_bus);
        bus->policy_changed = false;
}

void signals_send(Bus *bus) {
        Signal *signal;

        if (bus->policy_changed)
                policy_send_all(bus);
        while ((signal = STAILQ_FIRST(&bus->signals))) {
                STAILQ_REMOVE_HEAD(&bus->signals, entry);
                signal_send_all(bus, signal);
                free(signal);
        }
}

void signals_clear(Bus *bus) {
        Signal *signal;

        bus->policy_changed = false;
        while ((signal = STAILQ_FIRST(&bus->signals))) {
                STAILQ_REMOVE_HEAD(&bus->signals, entry);
                free(signal);
        }
}

void signals_listen(Bus *bus) {
        const CoreListener listener = {
                .userdata = bus,
                .changed = news_changed,
                .flushed = news_flushed,
                .policy = news_policy,
        };

        core_add_listener(bus->core, &listener);
}
