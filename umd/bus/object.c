/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The fields of users and groups: one table each, for properties and for the rows of lists. */

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "umd/bus/private.h"

#define USER(name, key, type, member)                                                              \
        { name, key, type, offsetof(CoreUser, member), 0 }
#define PRIVATE(name, key, type, member)                                                           \
        { name, key, type, offsetof(CoreUser, member), 0, true }
#define USER_LIST(name, key, member, size)                                                         \
        { name, key, 'a', offsetof(CoreUser, member), offsetof(CoreUser, size) }
#define GROUP(name, key, type, member)                                                             \
        { name, key, type, offsetof(CoreGroup, member), 0 }
#define GROUP_LIST(name, key, member, size)                                                        \
        { name, key, 'a', offsetof(CoreGroup, member), offsetof(CoreGroup, size) }

static const Property user_rows[] = {
        USER("Name", "name", 's', name),
        USER("UID", "uid", 'u', uid),
        USER("GID", "gid", 'u', gid),
        USER("FullName", "full_name", 's', full_name),
        USER("Email", "email", 's', email),
        PRIVATE("Phone", "phone", 's', phone),
        USER("Title", "title", 's', title),
        USER("Department", "department", 's', department),
        USER("Language", "language", 's', language),
        USER("TimeZone", "time_zone", 's', time_zone),
        USER("Notify", "notify", 's', notify),
        USER("Shell", "shell", 's', shell),
        USER("Home", "home", 's', home),
        USER("Tenant", "tenant", 's', tenant),
        USER("Kind", "kind", 's', kind),
        USER("ReadOnly", "read_only", 'b', read_only),
        USER("Type", "type", 's', type),
        USER("Affiliation", "affiliation", 's', affiliation),
        USER("Version", "version", 't', version),
        USER("Status", "status", 'S', status),
        USER("StatusSince", "status_since", 't', status_since_usec),
        USER("StatusBy", "status_by", 's', status_by),
        USER("StatusReason", "status_reason", 's', status_reason),
        USER("SuspendedUntil", "suspended_until", 't', suspended_until_usec),
        USER("ValidFrom", "valid_from", 't', valid_from_usec),
        USER("ValidUntil", "valid_until", 't', valid_until_usec),
        USER("Locked", "locked", 'b', locked),
        USER("LockedSince", "locked_since", 't', locked_since_usec),
        USER("LockedBy", "locked_by", 's', locked_by),
        USER("LockedReason", "locked_reason", 's', locked_reason),
        USER("LockedOut", "locked_out", 'b', locked_out),
        PRIVATE("LockedOutFrom", "locked_out_from", 's', locked_out_from),
        USER("LockedOutUntil", "locked_out_until", 't', locked_out_until_usec),
        PRIVATE("Failures", "failures", 'u', failures),
        PRIVATE("LastFailure", "last_failure", 't', last_failure_usec),
        PRIVATE("LastFailureSource", "last_failure_source", 's', last_failure_source),
        PRIVATE("LastFailureService", "last_failure_service", 's', last_failure_service),
        USER("Created", "created", 't', created_usec),
        USER("CreatedBy", "created_by", 's', created_by),
        USER("HasPassword", "has_password", 'b', has_password),
        USER("MustChange", "must_change", 'b', must_change),
        USER("HasSetupCode", "has_setup_code", 'b', has_setup_code),
        USER("PasswordChanged", "password_changed", 't', password_changed_usec),
        USER("PasswordExpires", "password_expires", 't', password_expires_usec),
        USER("PasswordGraceLeft", "password_grace_left", 'u', password_grace_left),
        USER_LIST("Groups", "groups", groups, group_count),
        USER_LIST("Roles", "roles", roles, role_count),
        { "Attributes", "attributes", 'A', 0, 0 },
        { "PrivateAttributes", "private_attributes", 'P', .private = true },
};

static const Property group_rows[] = {
        GROUP("Name", "name", 's', name),
        GROUP("GID", "gid", 'u', gid),
        GROUP("Description", "description", 's', description),
        GROUP("Tenant", "tenant", 's', tenant),
        GROUP("Version", "version", 't', version),
        GROUP("Created", "created", 't', created_usec),
        GROUP_LIST("Members", "members", members, member_count),
        GROUP_LIST("Groups", "groups", nested, nested_count),
        GROUP_LIST("Owners", "owners", owners, owner_count),
        GROUP_LIST("EffectiveMembers", "effective_members", effective, effective_count),
};

const Property *property_rows(AccessObject object, size_t *ret_count) {
        switch (object) {
        case ACCESS_ON_USER:
                *ret_count = ARRAY_LENGTH(user_rows);
                return user_rows;
        case ACCESS_ON_GROUP:
                *ret_count = ARRAY_LENGTH(group_rows);
                return group_rows;
        case ACCESS_ON_ROOT:
        case ACCESS_ON_ROOT_BY_NAME:
        case _ACCESS_OBJECT_MAX:
                break;
        }
        *ret_count = 0;
        return NULL;
}

bool property_is_private(AccessObject object, const char *name) {
        size_t count;
        const Property *rows = property_rows(object, &count);

        for (size_t i = 0; i < count; i++)
                if (strcmp(rows[i].name, name) == 0)
                        return rows[i].private;
        return false;
}

static int names_append(sd_bus_message *m, const char *const *names, size_t count) {
        int r = sd_bus_message_open_container(m, 'a', "s");

        for (size_t i = 0; i < count && r >= 0; i++)
                r = sd_bus_message_append_basic(m, 's', names[i]);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

int dict_append_texts(sd_bus_message *m, const char *key, const char *const *texts, size_t count) {
        int r = sd_bus_message_open_container(m, 'e', "sv");

        if (r >= 0)
                r = sd_bus_message_append_basic(m, 's', key);
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'v', "as");
        if (r >= 0)
                r = names_append(m, texts, count);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int attributes_append(sd_bus_message *m, const CoreUser *user, bool is_private) {
        int r = sd_bus_message_open_container(m, 'a', "(sst)");

        for (size_t i = 0; i < user->attribute_count && r >= 0; i++)
                if (user->attribute_private[i] == is_private)
                        r = sd_bus_message_append(m, "(sst)", user->attribute_names[i],
                                                  user->attribute_values[i],
                                                  user->attribute_untils[i]);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int value_append(sd_bus_message *m, const Property *property, const void *record) {
        const char *at = (const char *)record + property->offset;
        int flag;

        switch (property->type) {
        case 's':
                return sd_bus_message_append_basic(m, 's', *(const char *const *)(const void *)at);
        case 'S':
                return sd_bus_message_append_basic(m, 's',
                                                   policy_status_name(
                                                           *(const UserStatus *)(const void *)at));
        case 'b':
                flag = *(const bool *)at;
                return sd_bus_message_append_basic(m, 'b', &flag);
        case 'A':
        case 'P':
                return attributes_append(m, record, property->type == 'P');
        case 'a':
                return names_append(m, *(const char *const *const *)(const void *)at,
                                    *(const size_t *)(const void *)((const char *)record +
                                                                    property->count_offset));
        default: /* u and t */
                return sd_bus_message_append_basic(m, property->type, at);
        }
}

const char *property_signature(const Property *property) {
        switch (property->type) {
        case 'u':
                return "u";
        case 't':
                return "t";
        case 'b':
                return "b";
        case 'a':
                return "as";
        case 'A':
        case 'P':
                return "a(sst)";
        default:
                return "s";
        }
}

static int property_append_variant(sd_bus_message *m, const Property *property,
                                   const void *record) {
        int r = sd_bus_message_open_container(m, 'v', property_signature(property));

        if (r >= 0)
                r = value_append(m, property, record);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

int property_append_all(sd_bus_message *m, AccessObject object, const void *record, bool keys) {
        size_t count;
        const Property *rows = property_rows(object, &count);
        bool hides = object == ACCESS_ON_USER && ((const CoreUser *)record)->hides_private;
        int r = sd_bus_message_open_container(m, 'a', "{sv}");

        for (size_t i = 0; i < count && r >= 0; i++) {
                if (rows[i].private && hides)
                        continue;
                r = sd_bus_message_open_container(m, 'e', "sv");
                if (r >= 0)
                        r = sd_bus_message_append_basic(m, 's', keys ? rows[i].key : rows[i].name);
                if (r >= 0)
                        r = property_append_variant(m, &rows[i], record);
                if (r >= 0)
                        r = sd_bus_message_close_container(m);
        }
        return r < 0 ? r : sd_bus_message_close_container(m);
}

int property_query_read(Call *call, const char *own, PropertyQuery *ret) {
        bool all = strcmp(call->access->member, "GetAll") == 0;
        const char *interface, *name = NULL;
        int r = all ? sd_bus_message_read(call->message, "s", &interface)
                    : sd_bus_message_read(call->message, "ss", &interface, &name);

        if (r < 0)
                return r;
        *ret = (PropertyQuery){
                .name = name,
                .ours = interface[0] == '\0' || strcmp(interface, own) == 0,
        };
        return 0;
}

static int property_reply_one(Call *call, const Property *rows, size_t count, const char *name,
                              const void *record) {
        _cleanup_message_ sd_bus_message *reply = NULL;
        int r = 0;

        for (size_t i = 0; i < count; i++) {
                if (strcmp(rows[i].name, name) != 0)
                        continue;
                r = call_reply_new(call, &reply);
                if (r >= 0)
                        r = property_append_variant(reply, &rows[i], record);
                return r < 0 ? r : call_reply_send(call, reply);
        }
        r = sd_bus_reply_method_errorf(call->message, SD_BUS_ERROR_UNKNOWN_PROPERTY,
                                       "there is no such property");
        return r < 0 ? r : 0;
}

int property_reply(Call *call, AccessObject object, const PropertyQuery *query,
                   const void *record) {
        _cleanup_message_ sd_bus_message *reply = NULL;
        size_t count;
        const Property *rows = property_rows(object, &count);
        int r;

        if (query->name)
                return property_reply_one(call, rows, query->ours ? count : 0, query->name, record);
        if (!query->ours)
                return call_reply(call, "a{sv}", 0); /* the standard interfaces have none */
        r = call_reply_new(call, &reply);
        if (r >= 0)
                r = property_append_all(reply, object, record, false);
        return r < 0 ? r : call_reply_send(call, reply);
}

int object_path(const char *prefix, const char *name, char **ret) {
        return sd_bus_path_encode(prefix, name, ret);
}

int call_reply_path(Call *call, const char *prefix, const char *name) {
        _cleanup_free_ char *path = NULL;
        int r = object_path(prefix, name, &path);

        return r < 0 ? r : call_reply(call, "o", path);
}

void change_text(const CoreChange *change, char *buf) {
        buf[0] = '\0';
        if (change->id != 0)
                (void)snprintf(buf, CHANGE_TEXT_MAX, "ch-%llu", (unsigned long long)change->id);
}

int call_reply_change(Call *call, const CoreChange *change) {
        char text[CHANGE_TEXT_MAX];

        change_text(change, text);
        return call_reply(call, "s", text);
}
