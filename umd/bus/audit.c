/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* org.um1.Audit: the log of logins and changes, and for users what is about themselves. */

#include <errno.h>
#include <string.h>

#include "umd/bus/private.h"

#define LIST_LIMIT_MAX 1000U

static int filter_read(sd_bus_message *m, CoreAuditFilter *ret, CoreError *error) {
        CoreAuditFilter filter = { .until_usec = USEC_INFINITY };
        const DictField fields[] = {
                { "user", "s", &filter.user, NULL },
                { "actor", "s", &filter.actor, NULL },
                { "object", "s", &filter.object, NULL },
                { "type", "s", &filter.type, NULL },
                { "outcome", "s", &filter.outcome, NULL },
                { "reason", "s", &filter.reason, NULL },
                { "verb", "s", &filter.verb, NULL },
                { "since", "t", &filter.since_usec, NULL },
                { "until", "t", &filter.until_usec, NULL },
        };
        int r = read_dict(m, "filter", fields, ARRAY_LENGTH(fields), error);

        if (r == 0)
                *ret = filter;
        return r;
}

typedef struct Page {
        sd_bus_message *reply;
        int r;
} Page;

static int values_append(sd_bus_message *m, const CoreAuditEntry *entry) {
        int r = sd_bus_message_open_container(m, 'e', "sv");

        if (r >= 0)
                r = sd_bus_message_append(m, "s", "values");
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'v', "a(sss)");
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "(sss)");
        for (size_t i = 0; i < entry->value_count && r >= 0; i++) {
                const CoreAuditValue *value = &entry->values[i];

                r = sd_bus_message_append(m, "(sss)", value->field,
                                          value->before ? value->before : "",
                                          value->after ? value->after : "");
        }
        for (int i = 0; i < 3 && r >= 0; i++)
                r = sd_bus_message_close_container(m);
        return r;
}

static int entry_append(sd_bus_message *m, const CoreAuditEntry *entry) {
        const struct {
                const char *key, *value;
        } texts[] = {
                { "type", entry->type },       { "verb", entry->verb },
                { "object", entry->object },   { "actor", entry->actor },
                { "login", entry->login },     { "via", entry->via },
                { "service", entry->service }, { "source", entry->source },
                { "tty", entry->tty },         { "outcome", entry->outcome },
                { "reason", entry->reason },   { "reference", entry->reference },
        };
        int r = sd_bus_message_open_container(m, 'a', "{sv}");

        if (r >= 0)
                r = sd_bus_message_append(m, "{sv}{sv}", "seq", "t", entry->seq, "time", "t",
                                          entry->time_usec);
        for (size_t i = 0; i < ARRAY_LENGTH(texts) && r >= 0; i++)
                r = sd_bus_message_append(m, "{sv}", texts[i].key, "s",
                                          texts[i].value ? texts[i].value : "");
        if (r >= 0)
                r = values_append(m, entry);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static void page_add(void *userdata, const CoreAuditEntry *entry) {
        Page *page = userdata;

        if (page->r >= 0)
                page->r = entry_append(page->reply, entry);
}

int audit_list(Call *call, CoreError *error) {
        _cleanup_message_ sd_bus_message *reply = NULL;
        const CoreQuestion anywhere = { .permission = "audit.view", .where = CORE_WHERE_SOMEWHERE };
        CoreAuditFilter filter;
        uint64_t cursor, next = 0;
        uint32_t limit;
        Page page = { 0 };
        bool self;
        int r = filter_read(call->message, &filter, error);

        if (r != 0)
                return r;
        r = filter.user ? access_is_self(call->bus->core, call->actor.uid, filter.user) : 0;
        if (r < 0)
                return r;
        self = r > 0;
        if (!self) {
                call->about = filter.user;
                r = access_ask(call, &anywhere, error);
                if (r != 0)
                        return r;
        }
        r = sd_bus_message_read(call->message, "tu", &cursor, &limit);
        if (r < 0)
                return r;
        if (limit == 0 || limit > LIST_LIMIT_MAX)
                return error_set(error, CORE_E_BAD_VALUE, "limit: must be 1 to %u", LIST_LIMIT_MAX);
        r = call_reply_new(call, &reply);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "a{sv}");
        if (r < 0)
                return r;
        page.reply = reply;
        r = core_audit_list(call->bus->core, &call->actor, &filter, cursor, limit, page_add, &page,
                            &next, error);
        if (r != 0)
                return r;
        r = page.r < 0 ? page.r : sd_bus_message_close_container(reply);
        if (r >= 0)
                r = sd_bus_message_append(reply, "t", next);
        return r < 0 ? r : call_reply_send(call, reply);
}

/* ---- the chain ------------------------------------------------------------------------------- */

void audit_walk_clear(AuditWalk *walk) {
        walk->verifier = core_audit_verifier_free(walk->verifier);
        free(walk->sender);
        *walk = (AuditWalk){ 0 };
}

/* Begins at cursor 0; any other must be where this caller's walk stands. */
static int walk_prepare(Call *call, AuditWalk *walk, uint64_t cursor, CoreError *error) {
        const char *sender = call->on_system ? sd_bus_message_get_sender(call->message) : NULL;
        bool same = !walk->sender == !sender && (!sender || strcmp(sender, walk->sender) == 0);

        if (cursor != 0) {
                if (walk->verifier && same && walk->verdict.next == cursor)
                        return 0;
                return error_set(error, CORE_E_NO_SUCH_ENTRY,
                                 "cursor: not where this connection stands: begin with 0");
        }
        audit_walk_clear(walk);
        if (sender) {
                walk->sender = strdup(sender);
                if (!walk->sender)
                        return -ENOMEM;
        }
        return core_audit_verifier_new(&walk->verifier);
}

int audit_verify(Call *call, CoreError *error) {
        Link *link = call_link(call);
        CoreAuditVerdict *verdict;
        uint64_t cursor;
        int r = sd_bus_message_read(call->message, "t", &cursor);

        if (r < 0)
                return r;
        if (!link)
                return -ENOTCONN;
        r = walk_prepare(call, &link->walk, cursor, error);
        if (r != 0)
                return r;
        verdict = &link->walk.verdict;
        r = core_audit_verify(call->bus->core, link->walk.verifier, verdict);
        if (r == 0)
                r = call_reply(call, "bbttts", verdict->done, verdict->bad_seq == 0, verdict->next,
                               verdict->first, verdict->last, verdict->why);
        if (r != 0 || verdict->done)
                audit_walk_clear(&link->walk);
        return r;
}
