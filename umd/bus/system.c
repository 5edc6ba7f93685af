/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The system bus: owns org.um1 there, comes back by itself when the bus does, and asks the bus who
 * a caller is.  It asks without waiting (a bus that hangs must not hang umd) and under a deadline;
 * the caller's uid is (uid_t)-1 until there is an answer with a uid in it, and a caller who is
 * gone, an answer that is an error, late or odd, denies (CVE-2021-3560 was the opposite). */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "umd/bus/private.h"

#define RETRY_FIRST_USEC (1 * USEC_PER_SEC)
#define RETRY_LAST_USEC  (64 * USEC_PER_SEC)
#define DRIVER           "org.freedesktop.DBus"

/* ---- who asks -------------------------------------------------------------------------------- */

struct SystemPending {
        LIST_ENTRY(SystemPending) entry;
        Bus *bus;
        Call *call;
        sd_bus_slot *slot;
};

static void pending_free(SystemPending *pending) {
        LIST_REMOVE(pending, entry);
        pending->bus->system.pending_count--;
        sd_bus_slot_unref(pending->slot);
        call_free(pending->call);
        free(pending);
}

uid_t system_login_uid(pid_t pid, int pidfd) {
        _cleanup_free_ char *text = NULL;
        char path[64];
        size_t len;
        uint32_t id;

        if (pid <= 0)
                return (uid_t)-1;
        (void)snprintf(path, sizeof(path), "/proc/%d/loginuid", (int)pid);
        if (base_file_read(AT_FDCWD, path, 16, &text, &len) < 0 || base_parse_id(text, &id) < 0)
                return (uid_t)-1;
        return pidfd >= 0 && !process_lives(pidfd) ? (uid_t)-1 : id;
}

/* Reads the two of GetConnectionCredentials' keys that um goes by. */
static int credentials_read(sd_bus_message *m, uid_t *ret_uid, pid_t *ret_pid) {
        uint32_t uid = UINT32_MAX, pid = 0;
        const char *key;
        int r = sd_bus_message_enter_container(m, 'a', "{sv}");

        while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
                r = sd_bus_message_read(m, "s", &key);
                if (r < 0)
                        return r;
                if (strcmp(key, "UnixUserID") == 0)
                        r = sd_bus_message_read(m, "v", "u", &uid);
                else if (strcmp(key, "ProcessID") == 0)
                        r = sd_bus_message_read(m, "v", "u", &pid);
                else
                        r = sd_bus_message_skip(m, "v");
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
        }
        if (r < 0)
                return r;
        *ret_uid = uid;
        *ret_pid = (pid_t)pid;
        return 0;
}

static int credentials_done(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        SystemPending *pending = userdata;
        Call *call = TAKE(pending->call);
        uid_t uid = (uid_t)-1;
        pid_t pid = 0;

        pending_free(pending);
        if (!sd_bus_message_is_method_error(m, NULL) && credentials_read(m, &uid, &pid) >= 0 &&
            uid != (uid_t)-1) {
                call->actor.uid = uid;
                call->actor.login_uid = system_login_uid(pid, -1);
        }
        call_run(call); /* denies where the uid is not known */
        return 1;
}

static bool pending_has_place(const System *system, const char *sender) {
        const SystemPending *pending;
        uint32_t count = 0;

        LIST_FOREACH(pending, &system->pending, entry) {
                const char *other = sd_bus_message_get_sender(pending->call->message);

                if (other && strcmp(other, sender) == 0)
                        count++;
        }
        return count < SYSTEM_PENDING_PER_SENDER && system->pending_count < SYSTEM_PENDING_MAX;
}

static int credentials_ask(SystemPending *pending, const char *sender) {
        _cleanup_message_ sd_bus_message *m = NULL;
        sd_bus *sd_bus = pending->bus->system.link.sd_bus;
        int r = sd_bus_message_new_method_call(sd_bus, &m, DRIVER, "/org/freedesktop/DBus", DRIVER,
                                               "GetConnectionCredentials");

        if (r >= 0)
                r = sd_bus_message_append(m, "s", sender);
        if (r >= 0)
                r = sd_bus_call_async(sd_bus, &pending->slot, m, credentials_done, pending,
                                      SYSTEM_CREDENTIALS_USEC);
        return r;
}

void system_identify(Call *call) {
        System *system = &call->bus->system;
        const char *sender = sd_bus_message_get_sender(call->message);
        SystemPending *pending;
        CoreError error = { 0 };
        int r;

        if (!sender) {
                call_run(call); /* nobody: denied */
                return;
        }
        if (!pending_has_place(system, sender)) {
                call_fail(call, error_set(&error, CORE_E_BUSY, "too many calls are under way"),
                          &error);
                call_free(call);
                return;
        }
        pending = calloc(1, sizeof(*pending));
        if (!pending) {
                call_fail(call, -ENOMEM, NULL);
                call_free(call);
                return;
        }
        pending->bus = call->bus;
        pending->call = call;
        LIST_INSERT_HEAD(&system->pending, pending, entry);
        system->pending_count++;
        r = credentials_ask(pending, sender);
        if (r < 0) {
                call_fail(call, r, NULL);
                pending_free(pending);
        }
}

/* ---- the connection -------------------------------------------------------------------------- */

static void connection_close(System *system) {
        SystemPending *pending;

        while ((pending = LIST_FIRST(&system->pending)))
                pending_free(pending);
        system->name_slot = sd_bus_slot_unref(system->name_slot);
        system->filter_slot = sd_bus_slot_unref(system->filter_slot);
        system->disconnected_slot = sd_bus_slot_unref(system->disconnected_slot);
        if (system->link.sd_bus)
                (void)sd_bus_detach_event(system->link.sd_bus);
        system->link.sd_bus = sd_bus_close_unref(system->link.sd_bus);
        system->link.has_faces = false;
        audit_walk_clear(&system->link.walk);
}

static void connection_retry(Bus *bus, int fault, const char *why) {
        System *system = &bus->system;

        if (system->retry_usec == 0) { /* once, not at each try */
                bus_log(bus, fault, why);
                system->retry_usec = RETRY_FIRST_USEC;
        } else if (system->retry_usec < RETRY_LAST_USEC)
                system->retry_usec *= 2;
        (void)sd_event_source_set_time(system->retry, base_boottime_usec() + system->retry_usec);
        (void)sd_event_source_set_enabled(system->retry, SD_EVENT_ONESHOT);
}

static int name_done(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const sd_bus_error *refused = sd_bus_message_get_error(m);
        Bus *bus = userdata;
        uint32_t result = 0;

        if (refused)
                connection_retry(bus, -EPERM, "the system bus does not give out " WIRE_NAME);
        else if (sd_bus_message_read(m, "u", &result) < 0 || result != 1)
                connection_retry(bus, -EEXIST, WIRE_NAME " is taken on the system bus");
        else
                bus->system.retry_usec = 0;
        return 0;
}

static int disconnected(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        connection_retry(userdata, -ECONNRESET, "the system bus is gone");
        return 0;
}

static int connection_start(Bus *bus) {
        System *system = &bus->system;
        sd_bus **sd_bus = &system->link.sd_bus;
        int r;

        if (!system->address)
                r = sd_bus_open_system(sd_bus);
        else {
                r = sd_bus_new(sd_bus);
                if (r >= 0)
                        r = sd_bus_set_address(*sd_bus, system->address);
                if (r >= 0)
                        r = sd_bus_set_bus_client(*sd_bus, true);
                if (r >= 0)
                        r = sd_bus_start(*sd_bus);
        }
        if (r >= 0)
                r = sd_bus_match_signal(*sd_bus, &system->disconnected_slot,
                                        "org.freedesktop.DBus.Local", NULL,
                                        "org.freedesktop.DBus.Local", "Disconnected", disconnected,
                                        bus);
        if (r >= 0)
                r = sd_bus_add_filter(*sd_bus, &system->filter_slot, call_filter, &system->link);
        if (r >= 0)
                r = sd_bus_request_name_async(*sd_bus, &system->name_slot, WIRE_NAME, 0, name_done,
                                              bus);
        if (r >= 0)
                r = sd_bus_attach_event(*sd_bus, bus->event, PRIORITY_OTHERS);
        return r;
}

static int connection_try(sd_event_source *source, uint64_t usec, void *userdata) {
        Bus *bus = userdata;
        int r;

        connection_close(&bus->system);
        r = connection_start(bus);
        if (r < 0) {
                connection_close(&bus->system);
                connection_retry(bus, r, "the system bus cannot be reached; trying again");
        }
        return 0;
}

int bus_attach_system(Bus *bus, const char *address) {
        System *system = &bus->system;
        int r;

        if (system->retry)
                return -EALREADY;
        if (address) {
                system->address = strdup(address);
                if (!system->address)
                        return -ENOMEM;
        }
        system->link = (Link){ .bus = bus };
        r = sd_event_add_time(bus->event, &system->retry, CLOCK_BOOTTIME, USEC_INFINITY, 0,
                              connection_try, bus);
        if (r < 0)
                return r;
        return connection_try(system->retry, 0, bus);
}

void system_close(Bus *bus) {
        connection_close(&bus->system);
        bus->system.retry = sd_event_source_disable_unref(bus->system.retry);
        free(TAKE(bus->system.address));
}
