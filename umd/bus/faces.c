/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table of access.c and the properties of object.c as sd-bus's vtables, for Introspect and for
 * the errors about objects, interfaces and methods that do not exist.  Nothing is answered from
 * them: every method and every property that tells something is handled by call.c's filter before,
 * and the vtables' own handlers refuse.  They are put on a connection when somebody looks at it,
 * since most connections of the private socket ask one thing and go. */

#include <errno.h>
#include <string.h>

#include "umd/bus/private.h"

#define FACES_MAX    12U
#define VTABLE_FLAGS (((uint64_t)1 << 56) - 1) /* the field's width */

typedef struct Face {
        const char *interface;
        AccessObject object;
        bool private_only;
        sd_bus_vtable *vtable;
} Face;

struct Faces {
        Face faces[FACES_MAX];
};

static int method_refuse(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return sd_bus_error_set(error, SD_BUS_ERROR_ACCESS_DENIED, "not without call.c");
}

static int property_refuse(sd_bus *bus, const char *path, const char *interface,
                           const char *property, sd_bus_message *reply, void *userdata,
                           sd_bus_error *error) {
        return sd_bus_error_set(error, SD_BUS_ERROR_ACCESS_DENIED, "not without call.c");
}

static int property_version(sd_bus *bus, const char *path, const char *interface,
                            const char *property, sd_bus_message *reply, void *userdata,
                            sd_bus_error *error) {
        const Link *link = userdata;
        BusStatus status = { .version = "" };

        if (link->bus->host.status)
                link->bus->host.status(link->bus->host.userdata, &status);
        return sd_bus_message_append(reply, "s", status.version);
}

/* ---- making the vtables ---------------------------------------------------------------------- */

static sd_bus_vtable method_row(const Access *access) {
        uint64_t flags = SD_BUS_VTABLE_UNPRIVILEGED; /* who may is call.c's to decide */

        if (access->flags & ACCESS_SENSITIVE)
                flags |= SD_BUS_VTABLE_SENSITIVE;
        return (sd_bus_vtable){
                .type = _SD_BUS_VTABLE_METHOD,
                .flags = flags & VTABLE_FLAGS,
                .x = { .method = { .member = access->member,
                                   .signature = access->in,
                                   .result = access->out,
                                   .handler = method_refuse,
                                   .names = access->names } },
        };
}

static sd_bus_vtable property_row(const Property *property) {
        return (sd_bus_vtable){
                .type = _SD_BUS_VTABLE_PROPERTY,
                .flags = SD_BUS_VTABLE_PROPERTY_EMITS_INVALIDATION,
                .x = { .property = { .member = property->name,
                                     .signature = property_signature(property),
                                     .get = property_refuse } },
        };
}

static const sd_bus_vtable manager_rows[] = {
        SD_BUS_PROPERTY("Version", "s", property_version, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_SIGNAL_WITH_ARGS("UserAdded", SD_BUS_ARGS("o", path), 0),
        SD_BUS_SIGNAL_WITH_ARGS("UserChanged", SD_BUS_ARGS("o", path), 0),
        SD_BUS_SIGNAL_WITH_ARGS("UserRemoved", SD_BUS_ARGS("o", path), 0),
        SD_BUS_SIGNAL_WITH_ARGS("GroupAdded", SD_BUS_ARGS("o", path), 0),
        SD_BUS_SIGNAL_WITH_ARGS("GroupChanged", SD_BUS_ARGS("o", path), 0),
        SD_BUS_SIGNAL_WITH_ARGS("GroupRemoved", SD_BUS_ARGS("o", path), 0),
};

static int face_fill(Face *face) {
        static const sd_bus_vtable policy_row = SD_BUS_SIGNAL("Changed", "", 0);
        static const sd_bus_vtable start = SD_BUS_VTABLE_START(0), end = SD_BUS_VTABLE_END;
        size_t row_count, property_count, at = 0;
        const Access *access = access_rows(&row_count);
        const Property *properties = property_rows(face->object, &property_count);
        sd_bus_vtable *vtable = calloc(row_count + property_count + ARRAY_LENGTH(manager_rows) + 3,
                                       sizeof(*vtable));

        if (!vtable)
                return -ENOMEM;
        vtable[at++] = start;
        for (size_t i = 0; i < row_count; i++)
                if (strcmp(access[i].interface, face->interface) == 0)
                        vtable[at++] = method_row(&access[i]);
        for (size_t i = 0; i < property_count; i++)
                vtable[at++] = property_row(&properties[i]);
        for (size_t i = 0; i < ARRAY_LENGTH(manager_rows); i++)
                if (strcmp(face->interface, WIRE_MANAGER) == 0)
                        vtable[at++] = manager_rows[i];
        if (strcmp(face->interface, WIRE_POLICY) == 0)
                vtable[at++] = policy_row;
        vtable[at] = end;
        face->vtable = vtable;
        return 0;
}

int faces_new(Faces **ret) {
        static const Face faces[FACES_MAX] = {
                { WIRE_MANAGER, ACCESS_ON_ROOT, false, NULL },
                { WIRE_AUDIT, ACCESS_ON_ROOT, false, NULL },
                { WIRE_POLICY, ACCESS_ON_ROOT, false, NULL },
                { WIRE_ROLE, ACCESS_ON_ROOT, false, NULL },
                { WIRE_TENANT, ACCESS_ON_ROOT, false, NULL },
                { WIRE_APP, ACCESS_ON_ROOT, false, NULL },
                { WIRE_ATTRIBUTE, ACCESS_ON_ROOT, false, NULL },
                { WIRE_SUDO, ACCESS_ON_ROOT, false, NULL },
                { WIRE_LOGIN, ACCESS_ON_ROOT, true, NULL },
                { WIRE_NSS, ACCESS_ON_ROOT, true, NULL },
                { WIRE_USER, ACCESS_ON_USER, false, NULL },
                { WIRE_GROUP, ACCESS_ON_GROUP, false, NULL },
        };
        Faces *made = calloc(1, sizeof(*made));
        int r = made ? 0 : -ENOMEM;

        for (size_t i = 0; i < FACES_MAX && r >= 0; i++) {
                made->faces[i] = faces[i];
                r = face_fill(&made->faces[i]);
        }
        if (r < 0) {
                faces_free(made);
                return r;
        }
        *ret = made;
        return 0;
}

Faces *faces_free(Faces *faces) {
        for (size_t i = 0; faces && i < FACES_MAX; i++)
                free(faces->faces[i].vtable);
        free(faces);
        return NULL;
}

/* ---- putting them on a connection ------------------------------------------------------------ */

/* Every well-formed name has an object, so that nobody learns from it who exists. */
static int object_find(sd_bus *bus, const char *path, const char *interface, void *userdata,
                       void **ret_found, sd_bus_error *error) {
        _cleanup_free_ char *name = NULL;
        int r = sd_bus_path_decode(path, WIRE_PATH_USER, &name);

        if (r == 0)
                r = sd_bus_path_decode(path, WIRE_PATH_GROUP, &name);
        if (r <= 0)
                return r;
        *ret_found = userdata;
        return name[0] != '\0' && !strchr(name, '/');
}

typedef struct Nodes {
        char **paths;
        size_t count;
        const char *prefix;
        int r;
} Nodes;

static void nodes_free(char **paths) {
        for (size_t i = 0; paths && paths[i]; i++)
                free(paths[i]);
        free(paths);
}

static void node_add(Nodes *nodes, const char *name) {
        if (nodes->r < 0 || nodes->count >= FACE_NODES_MAX)
                return;
        nodes->r = object_path(nodes->prefix, name, &nodes->paths[nodes->count]);
        if (nodes->r >= 0)
                nodes->count++;
}

static void node_add_user(void *userdata, const CoreUser *user) {
        node_add(userdata, user->name);
}

static void node_add_group(void *userdata, const CoreGroup *group) {
        node_add(userdata, group->name);
}

/* The first users or groups, for busctl tree: root's to see, and only where the uid is known at
 * once, which it is on the private socket. */
static int nodes_enumerate(sd_bus *bus, const char *prefix, void *userdata, char ***ret_nodes,
                           sd_bus_error *error) {
        const Link *link = userdata;
        Core *core = link->bus->core;
        Nodes nodes = { .prefix = prefix };
        char cursor[64];
        CoreError refused;

        bool users = strcmp(prefix, WIRE_PATH_USER) == 0;

        *ret_nodes = NULL;
        if (!users && strcmp(prefix, WIRE_PATH_GROUP) != 0)
                return 0; /* asked for a child, which has none */
        if (!core || !link->peer || link->peer->core_peer.actor.uid != 0)
                return 0;
        nodes.paths = calloc(FACE_NODES_MAX + 1, sizeof(*nodes.paths));
        if (!nodes.paths)
                return -ENOMEM;
        if (users)
                (void)core_user_list(core, &link->peer->core_peer.actor, "", "", FACE_NODES_MAX,
                                     base_realtime_usec(), node_add_user, &nodes, cursor, &refused);
        else
                (void)core_group_list(core, &link->peer->core_peer.actor, "", "", FACE_NODES_MAX,
                                      node_add_group, &nodes, cursor, &refused);
        if (nodes.r < 0) {
                nodes_free(nodes.paths);
                return nodes.r;
        }
        *ret_nodes = nodes.paths;
        return 0;
}

static int face_add(Link *link, const Face *face) {
        const char *prefix = face->object == ACCESS_ON_USER ? WIRE_PATH_USER : WIRE_PATH_GROUP;
        int r;

        if (face->private_only && !link->peer)
                return 0;
        if (face->object == ACCESS_ON_ROOT)
                return sd_bus_add_object_vtable(link->sd_bus, NULL, WIRE_PATH, face->interface,
                                                face->vtable, link);
        r = sd_bus_add_fallback_vtable(link->sd_bus, NULL, prefix, face->interface, face->vtable,
                                       object_find, link);
        if (r < 0)
                return r;
        return sd_bus_add_node_enumerator(link->sd_bus, NULL, prefix, nodes_enumerate, link);
}

int faces_add(Link *link) {
        const Faces *faces = link->bus->faces;
        int r = 0;

        if (link->has_faces)
                return 0;
        link->has_faces = true;
        for (size_t i = 0; i < FACES_MAX && r >= 0; i++)
                r = face_add(link, &faces->faces[i]);
        return r < 0 ? r : 0;
}
