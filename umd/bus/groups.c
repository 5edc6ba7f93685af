/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* org.um1.Group: what one group is, who is in it, and what is done to it. */

#include <string.h>

#include "umd/bus/private.h"

int group_properties(Call *call, CoreError *error) {
        _cleanup_(core_group_freep) CoreGroup *group = NULL;
        PropertyQuery query;
        int r = property_query_read(call, WIRE_GROUP, &query);

        if (r < 0)
                return r;
        r = core_group_get(call->bus->core, call->name, &group, error);
        return r != 0 ? r : property_reply(call, ACCESS_ON_GROUP, &query, group);
}

int group_update(Call *call, CoreError *error) {
        _cleanup_(name_list_clear) NameList owners = { 0 };
        GroupSpec spec = { 0 };
        const DictField fields[] = {
                { "name", "s", &spec.name, NULL },
                { "description", "s", &spec.description, NULL },
                { "owners", "as", &owners, NULL },
        };
        CoreOptions options;
        CoreChange change;
        int r = read_dict(call->message, "fields", fields, ARRAY_LENGTH(fields), error);

        if (r == 0)
                r = read_options(call->message, &options, error);
        if (r != 0)
                return r;
        spec.owners = owners.names;
        spec.owner_count = owners.count;
        r = core_group_update(call->bus->core, &call->actor, call->name, &spec, &options,
                              call->now_usec, &change, error);
        return r != 0 ? r : call_reply_change(call, &change);
}

int group_members(Call *call, CoreError *error) {
        _cleanup_(name_list_clear) NameList users = { 0 }, groups = { 0 };
        bool add = strcmp(call->access->member, "AddMembers") == 0;
        CoreOptions options;
        CoreChange change;
        int r = read_names(call->message, &users, error);

        if (r == 0)
                r = read_names(call->message, &groups, error);
        if (r == 0)
                r = read_options(call->message, &options, error);
        if (r == 0)
                r = core_group_members(call->bus->core, &call->actor, call->name, add, users.names,
                                       users.count, groups.names, groups.count, &options,
                                       call->now_usec, &change, error);
        return r != 0 ? r : call_reply_change(call, &change);
}

int group_delete(Call *call, CoreError *error) {
        CoreOptions options;
        CoreChange change;
        int force, r = sd_bus_message_read(call->message, "b", &force);

        if (r < 0)
                return r;
        r = read_options(call->message, &options, error);
        if (r == 0)
                r = core_group_delete(call->bus->core, &call->actor, call->name, force != 0,
                                      &options, call->now_usec, &change, error);
        return r != 0 ? r : call_reply_change(call, &change);
}
