/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One way for every call, of either bus: find its row, mark what is secret, learn who asks, ask
 * access.c, run the handler, reply.  No argument is read before the caller was found to be
 * permitted (but for the name in one call of the table's ACCESS_ON_ROOT_BY_NAME).
 *
 * It is a filter, which sees a message before sd-bus's own dispatching: properties too have to wait
 * until the system bus has told who asks, and vtables can only answer at once.  The vtables are
 * there for Introspect and for the errors about what does not exist. */

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "umd/bus/private.h"

Call *call_free(Call *call) {
        if (!call)
                return NULL;
        if (call->listed) {
                LIST_REMOVE(call, entry);
                if (call->on_system)
                        call->bus->system.call_count--;
        }
        sd_bus_message_unref(call->message);
        free(call->name);
        free(call);
        return NULL;
}

Link *call_link(Call *call) {
        if (call->on_system)
                return &call->bus->system.link;
        return call->peer ? &call->peer->link : NULL;
}

static size_t list_count(const struct CallList *list) {
        const Call *call;
        size_t count = 0;

        LIST_FOREACH(call, list, entry)
        count++;
        return count;
}

/* Held calls are counted against their peer, also those that want no reply and that the gate does
 * not count. */
static bool call_may_start(const Link *link) {
        if (link->peer)
                return list_count(&link->peer->calls) < PEER_CALLS_MAX;
        return link->bus->system.call_count < SYSTEM_CALLS_MAX;
}

static void call_list(Call *call) {
        call->listed = true;
        if (call->on_system)
                call->bus->system.call_count++;
        LIST_INSERT_HEAD(call->peer ? &call->peer->calls : &call->bus->calls, call, entry);
}

/* The name in the path of a user's or group's object. */
static int call_name(Call *call) {
        const char *prefix = call->access->object == ACCESS_ON_USER    ? WIRE_PATH_USER
                             : call->access->object == ACCESS_ON_GROUP ? WIRE_PATH_GROUP
                                                                       : NULL;
        int r;

        if (!prefix)
                return 0;
        r = sd_bus_path_decode(sd_bus_message_get_path(call->message), prefix, &call->name);
        return r > 0 ? 0 : r < 0 ? r : -ENOENT;
}

static int call_new(Link *link, sd_bus_message *m, const Access *access, Call **ret) {
        Call *call = calloc(1, sizeof(*call));
        int r;

        if (!call)
                return -ENOMEM;
        *call = (Call){
                .bus = link->bus,
                .peer = link->peer,
                .on_system = !link->peer,
                .message = sd_bus_message_ref(m),
                .access = access,
                .actor = { .uid = (uid_t)-1, .login_uid = (uid_t)-1, .via = "bus" },
                .now_usec = base_realtime_usec(),
        };
        if (link->peer)
                call->actor = link->peer->core_peer.actor;
        r = call_name(call);
        if (r < 0) {
                call_free(call);
                return r;
        }
        *ret = call;
        return 0;
}

/* A path may encode anything; records are reached by their own name alone, not by an address. */
static int call_name_check(const Call *call, CoreError *error) {
        bool group = call->access->object == ACCESS_ON_GROUP;
        char shown[4 * BASE_NAME_MAX];
        FieldFault fault;

        if (!call->name)
                return 0;
        fault = base_field_check(group ? FIELD_GROUP_NAME : FIELD_USER_NAME, call->name,
                                 strlen(call->name));
        if (fault == FIELD_OK || (group && fault == FIELD_FAULT_RESERVED)) /* um-mfa */
                return 0;
        base_escape(call->name, strlen(call->name), shown, sizeof(shown));
        return error_set(error, group ? CORE_E_NO_SUCH_GROUP : CORE_E_NO_SUCH_USER,
                         "%s: no such %s", shown, group ? "group" : "user");
}

/* Some methods are refused on the system bus whoever calls. */
static bool call_is_elsewhere(const Link *link, const Access *access) {
        return !link->peer && (access->flags & ACCESS_PRIVATE);
}

static int reply_elsewhere(Bus *bus, sd_bus_message *m) {
        return error_reply(bus, m, WIRE_E_PRIVATE_SOCKET_ONLY,
                           "this method works on the private socket " WIRE_SOCKET " only");
}

/* ... and where it is a right that would be used, it is on record who tried it where all can read.
 */
static void call_refuse_elsewhere(Call *call) {
        int r;

        access_record(call, true);
        r = reply_elsewhere(call->bus, call->message);
        if (r < 0)
                bus_log(call->bus, r, "cannot answer a call");
        call_free(call);
}

void call_run(Call *call) {
        CoreError error = { 0 };
        int r;

        if (call->on_system && (call->access->flags & ACCESS_PRIVATE)) {
                call_refuse_elsewhere(call);
                return;
        }
        r = access_check(call, &error);
        if (r == 0)
                r = call_name_check(call, &error);
        if (r == 0 && (call->access->flags & ACCESS_WRITES) &&
            access_is_exhausted(call->bus, call->actor.uid, base_boottime_usec()))
                r = error_set(&error, CORE_E_BUSY, "too many of these in a short time: try later");
        if (r == 0) {
                call_list(call); /* before: a login's done may come from within */
                r = call->access->handler(call, &error);
                if (r == CALL_HELD)
                        return;
        }
        if (r != 0)
                call_fail(call, r, &error);
        call_free(call);
}

/* What is known without knowing who asks: 0, or 1 and the error was sent. */
static int call_refuse_early(Link *link, sd_bus_message *m, const Access *access) {
        Bus *bus = link->bus;
        bool elsewhere = call_is_elsewhere(link, access);
        int r;

        if (elsewhere && (!access->permission[0] || !bus->core))
                r = reply_elsewhere(bus, m);
        else if (!elsewhere && !sd_bus_message_has_signature(m, access->in))
                r = sd_bus_reply_method_errorf(m, SD_BUS_ERROR_INVALID_ARGS,
                                               "%s takes arguments of type \"%s\"", access->member,
                                               access->in);
        else if (!bus->core && !(access->flags & ACCESS_ALWAYS))
                r = error_reply(bus, m, WIRE_E_UNAVAILABLE, bus->why_unavailable);
        else if (!call_may_start(link))
                r = error_reply(bus, m, WIRE_E_BUSY, "too many calls of this kind are under way");
        else
                return 0;
        return r < 0 ? r : 1;
}

/* sd-bus reads bodies as it is asked to, and a peer's must not look like a fault of ours then.  The
 * system bus has checked what it passes on. */
static bool body_is_sound(sd_bus_message *m) {
        const char *signature = sd_bus_message_get_signature(m, true);

        return !signature || !signature[0] ||
               (sd_bus_message_skip(m, signature) >= 0 && sd_bus_message_at_end(m, true) > 0 &&
                sd_bus_message_rewind(m, true) >= 0);
}

/* Sees everything first.  0 leaves a message to sd-bus; a fault of a reply is logged, and never
 * ends the connection of others. */
int call_filter(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Link *link = userdata;
        const Access *access;
        const char *path = sd_bus_message_get_path(m);
        Call *call = NULL;
        int r;

        if (!sd_bus_message_is_method_call(m, NULL, NULL) || !path)
                return 0;
        if (link->peer) {
                link->peer->message_sound = body_is_sound(m);
                if (!link->peer->message_sound)
                        return 1; /* peer.c drops the peer */
        }
        r = link->peer ? driver_call(link, m) : 0;
        if (r != 0)
                return r;
        access = access_find(path, sd_bus_message_get_interface(m), sd_bus_message_get_member(m));
        if (!access)
                return faces_add(link);
        if (access->flags & ACCESS_SENSITIVE)
                (void)sd_bus_message_sensitive(m);
        r = call_refuse_early(link, m, access);
        if (r == 0)
                r = call_new(link, m, access, &call);
        if (r < 0)
                bus_log(link->bus, r, "cannot handle a call");
        if (r != 0)
                return r;
        if (link->peer)
                call_run(call);
        else
                system_identify(call);
        return 1;
}

int call_reply_new(Call *call, sd_bus_message **ret) {
        _cleanup_message_ sd_bus_message *reply = NULL;
        int r = sd_bus_message_new_method_return(call->message, &reply);

        if (r >= 0 && (call->access->flags & ACCESS_SENSITIVE))
                r = sd_bus_message_sensitive(reply);
        if (r < 0)
                return r;
        *ret = TAKE(reply);
        return 0;
}

int call_reply_send(Call *call, sd_bus_message *reply) {
        return reply_send(call->bus, call->message, reply);
}

int call_reply(Call *call, const char *types, ...) {
        _cleanup_message_ sd_bus_message *reply = NULL;
        int r = call_reply_new(call, &reply);
        va_list arguments;

        if (r < 0)
                return r;
        va_start(arguments, types);
        r = sd_bus_message_appendv(reply, types, arguments);
        va_end(arguments);
        return r < 0 ? r : call_reply_send(call, reply);
}
