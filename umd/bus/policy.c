/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* org.um1.Policy: policy values of companies, departments, roles and users, and what is in effect.
 * Each level has methods of its own, since they are permissions and scopes of their own. */

#include <errno.h>
#include <string.h>

#include "umd/bus/private.h"

/* Whose values a method is about: by its name, and by its first argument where it has a level. */
static int place_read(Call *call, CorePolicyPlace *ret) {
        static const struct {
                const char *suffix;
                PolicyLevel level;
        } levels[] = {
                { "ForTenant", POLICY_LEVEL_COMPANY },
                { "ForDepartment", POLICY_LEVEL_DEPARTMENT },
                { "ForRole", POLICY_LEVEL_ROLE },
                { "ForUser", POLICY_LEVEL_USER },
        };
        const char *suffix = strstr(call->access->member, "For");

        *ret = (CorePolicyPlace){ .level = POLICY_LEVEL_COMPANY };
        if (!suffix)
                return 0;
        for (size_t i = 0; i < ARRAY_LENGTH(levels); i++)
                if (strcmp(suffix, levels[i].suffix) == 0) {
                        ret->level = levels[i].level;
                        return sd_bus_message_read(call->message, "s", &ret->subject);
                }
        return -EINVAL;
}

int policy_set(Call *call, CoreError *error) {
        char change[CHANGE_TEXT_MAX], kept[POLICY_VALUE_TEXT_MAX];
        const char *name, *value;
        CorePolicyPlace place;
        CoreOptions options;
        CoreChange made;
        int r = place_read(call, &place);

        if (r >= 0)
                r = sd_bus_message_read(call->message, "ss", &name, &value);
        if (r < 0)
                return r;
        r = read_options(call->message, &options, error);
        if (r == 0)
                r = core_policy_set(call->bus->core, &call->actor, &place, name, value, &options,
                                    call->now_usec, kept, &made, error);
        if (r != 0)
                return r;
        change_text(&made, change);
        return call_reply(call, "ss", kept, change);
}

int policy_unset(Call *call, CoreError *error) {
        CorePolicyPlace place;
        const char *name;
        CoreOptions options;
        CoreChange made;
        int r = place_read(call, &place);

        if (r >= 0)
                r = sd_bus_message_read(call->message, "s", &name);
        if (r < 0)
                return r;
        r = read_options(call->message, &options, error);
        if (r == 0)
                r = core_policy_unset(call->bus->core, &call->actor, &place, name, &options,
                                      call->now_usec, &made, error);
        return r != 0 ? r : call_reply_change(call, &made);
}

/* ---- what is in effect ----------------------------------------------------------------------- */

typedef struct Page {
        sd_bus_message *reply;
        int r;
} Page;

static int key_open(sd_bus_message *m, const char *key, const char *type) {
        int r = sd_bus_message_open_container(m, 'e', "sv");

        if (r >= 0)
                r = sd_bus_message_append(m, "s", key);
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'v', type);
        return r;
}

static int key_close(sd_bus_message *m) {
        int r = sd_bus_message_close_container(m);

        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int overrode_append(sd_bus_message *m, const CorePolicyEffective *shown) {
        int r = key_open(m, "overrode", "a(sss)");

        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "(sss)");
        for (size_t i = 0; i < shown->overrode_count && r >= 0; i++)
                r = sd_bus_message_append(m, "(sss)", shown->overrode[i].level,
                                          shown->overrode[i].subject, shown->overrode[i].text);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        return r < 0 ? r : key_close(m);
}

static int words_append(sd_bus_message *m, PolicyValue value) {
        const char *word;
        int r = key_open(m, "words", "as");

        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "s");
        for (size_t i = 0; r >= 0 && (word = policy_value_word(value, i)); i++)
                r = sd_bus_message_append(m, "s", word);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        return r < 0 ? r : key_close(m);
}

static int effective_append(sd_bus_message *m, const CorePolicyEffective *shown) {
        int r = sd_bus_message_open_container(m, 'a', "{sv}");

        if (r >= 0)
                r = sd_bus_message_append(m, "{sv}{sv}{sv}{sv}{sv}{sv}{sv}", "name", "s",
                                          policy_value_name(shown->value), "value", "s",
                                          shown->text, "level", "s", shown->level, "from", "s",
                                          shown->subject, "looser", "b", shown->looser, "expected",
                                          "s", shown->expected, "list", "b",
                                          policy_value_is_list(shown->value));
        if (r >= 0)
                r = words_append(m, shown->value);
        if (r >= 0)
                r = overrode_append(m, shown);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static void page_add_effective(void *userdata, const CorePolicyEffective *shown) {
        Page *page = userdata;

        if (page->r >= 0)
                page->r = effective_append(page->reply, shown);
}

int policy_get_effective(Call *call, CoreError *error) {
        _cleanup_message_ sd_bus_message *reply = NULL;
        const char *user, *name;
        Page page = { 0 };
        int r = sd_bus_message_read(call->message, "ss", &user, &name);

        if (r >= 0)
                r = call_reply_new(call, &reply);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "a{sv}");
        if (r < 0)
                return r;
        page.reply = reply;
        r = core_policy_effective(call->bus->core, user[0] ? user : NULL, name[0] ? name : NULL,
                                  page_add_effective, &page, error);
        if (r != 0)
                return r;
        r = page.r < 0 ? page.r : sd_bus_message_close_container(reply);
        return r < 0 ? r : call_reply_send(call, reply);
}

/* ---- what is set ----------------------------------------------------------------------------- */

static void page_add_set(void *userdata, const CorePolicySet *set) {
        Page *page = userdata;

        if (page->r >= 0)
                page->r = sd_bus_message_append(page->reply, "a{sv}", 6, "level", "s", set->level,
                                                "from", "s", set->subject, "name", "s", set->name,
                                                "value", "s", set->text, "by", "s", set->by, "set",
                                                "t", set->set_usec);
}

int policy_list(Call *call, CoreError *error) {
        _cleanup_message_ sd_bus_message *reply = NULL;
        char next[CORE_POLICY_CURSOR_BYTES];
        const char *cursor;
        Page page = { 0 };
        uint32_t limit;
        int r = sd_bus_message_read(call->message, "su", &cursor, &limit);

        if (r >= 0)
                r = call_reply_new(call, &reply);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "a{sv}");
        if (r < 0)
                return r;
        page.reply = reply;
        r = core_policy_list(call->bus->core, &call->actor, cursor, limit, page_add_set, &page,
                             next, error);
        if (r != 0)
                return r;
        r = page.r < 0 ? page.r : sd_bus_message_close_container(reply);
        if (r >= 0)
                r = sd_bus_message_append(reply, "s", next);
        return r < 0 ? r : call_reply_send(call, reply);
}
