/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* org.um1.Nss: what libnss_um asks while no map is published.  Everybody may, since everybody can
 * read the map too; the same entries, and nothing more. */

#include <string.h>

#include "umd/bus/private.h"

typedef struct Answer {
        const BusHost *host;
        sd_bus_message *reply;
        bool is_group, groups_only; /* what is looked for; GetGroupsOfUser */
        uint32_t id;                /* looked for, or UINT32_MAX: any */
        bool found;
        int r;
} Answer;

static bool hidden(const Answer *answer, const char *name, uint32_t id) {
        const BusHost *host = answer->host;

        return host->hides && host->hides(host->userdata, name, id);
}

static int group_append(const Answer *answer, const CoreEntry *entry) {
        sd_bus_message *m = answer->reply;
        int r = sd_bus_message_append(m, "su", entry->name, entry->id);

        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "s");
        for (size_t i = 0; i < entry->member_count && r >= 0; i++)
                if (!hidden(answer, entry->members[i], UINT32_MAX))
                        r = sd_bus_message_append_basic(m, 's', entry->members[i]);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

/* The private group, which has the uid's number, comes first. */
static int gids_append(const Answer *answer, const CoreEntry *entry) {
        sd_bus_message *m = answer->reply;
        int r = sd_bus_message_open_container(m, 'a', "u");

        if (r >= 0)
                r = sd_bus_message_append_basic(m, 'u', &entry->id);
        for (size_t i = 0; i < entry->gid_count && r >= 0; i++)
                if (entry->gids[i] != entry->id && !hidden(answer, NULL, entry->gids[i]))
                        r = sd_bus_message_append_basic(m, 'u', &entry->gids[i]);
        for (size_t i = 0; i < entry->host_gid_count && r >= 0; i++)
                r = sd_bus_message_append_basic(m, 'u', &entry->host_gids[i]);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int answer_take(void *userdata, const CoreEntry *entry) {
        Answer *answer = userdata;

        if (answer->found || entry->is_group != answer->is_group ||
            (answer->id != UINT32_MAX && entry->id != answer->id) ||
            hidden(answer, entry->name, entry->id))
                return 0;
        answer->found = true;
        if (answer->groups_only)
                answer->r = gids_append(answer, entry);
        else if (entry->is_group)
                answer->r = group_append(answer, entry);
        else
                answer->r =
                        sd_bus_message_append(answer->reply, "suusss", entry->name, entry->id,
                                              entry->id, entry->gecos, entry->home, entry->shell);
        return 0;
}

static int answer_begin(Call *call, bool is_group, Answer *ret) {
        *ret = (Answer){ .host = &call->bus->host, .is_group = is_group, .id = UINT32_MAX };
        return call_reply_new(call, &ret->reply);
}

static int answer_end(Call *call, Answer *answer, int r, CoreError *error) {
        if (r != 0)
                return r < 0 || error->outcome != CORE_DONE
                               ? r
                               : error_set(error, (CoreOutcome)r, "there is no such name or id");
        if (answer->r < 0)
                return answer->r;
        if (!answer->found)
                return error_set(error,
                                 answer->is_group ? CORE_E_NO_SUCH_GROUP : CORE_E_NO_SUCH_USER,
                                 "there is no such name or id");
        return call_reply_send(call, answer->reply);
}

static void answer_clear(Answer *answer) {
        sd_bus_message_unref(answer->reply);
}

static int by_name(Call *call, bool is_group, bool groups_only, CoreError *error) {
        _cleanup_(answer_clear) Answer answer = { 0 };
        const char *name;
        int r = sd_bus_message_read(call->message, "s", &name);

        if (r >= 0)
                r = answer_begin(call, is_group, &answer);
        if (r < 0)
                return r;
        answer.groups_only = groups_only;
        r = is_group ? core_entry_group_by_name(call->bus->core, name, answer_take, &answer)
                     : core_entry_user_by_name(call->bus->core, name, answer_take, &answer);
        return answer_end(call, &answer, r, error);
}

static int by_id(Call *call, bool is_group, CoreError *error) {
        _cleanup_(answer_clear) Answer answer = { 0 };
        uint32_t id;
        int r = sd_bus_message_read(call->message, "u", &id);

        if (r >= 0)
                r = answer_begin(call, is_group, &answer);
        if (r < 0)
                return r;
        answer.id = id;
        if (is_group)
                r = core_entry_group(call->bus->core, id, answer_take, &answer);
        if (!is_group || r == CORE_E_NO_SUCH_GROUP) /* a user comes with the private group */
                r = core_entry_user(call->bus->core, id, answer_take, &answer);
        if (is_group && r == CORE_E_NO_SUCH_USER)
                r = CORE_E_NO_SUCH_GROUP;
        return answer_end(call, &answer, r, error);
}

int nss_get_user_by_name(Call *call, CoreError *error) {
        return by_name(call, false, false, error);
}

int nss_get_user_by_uid(Call *call, CoreError *error) {
        return by_id(call, false, error);
}

int nss_get_group_by_name(Call *call, CoreError *error) {
        return by_name(call, true, false, error);
}

int nss_get_group_by_gid(Call *call, CoreError *error) {
        return by_id(call, true, error);
}

int nss_get_groups_of_user(Call *call, CoreError *error) {
        return by_name(call, false, true, error);
}
