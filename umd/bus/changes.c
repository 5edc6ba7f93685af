/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* org.um1.Manager: taking a change back, and one verb for many users at once. */

#include <errno.h>
#include <string.h>

#include "umd/bus/private.h"

/* ---- undo ------------------------------------------------------------------------------------ */

#define UNDO_ROWS_MAX 2000U /* of a reply; the others are counted */

typedef struct UndoReply {
        sd_bus_message *reply;
        uint32_t rows, counts[_CORE_UNDONE_MAX];
        int r;
} UndoReply;

static void undo_reply_clear(UndoReply *undo) {
        sd_bus_message_unref(undo->reply);
}

static int row_append(sd_bus_message *m, const CoreUndoRow *row) {
        const struct {
                const char *key, *value;
        } texts[] = {
                { "object", row->object },
                { "field", row->field },
                { "now", row->now },
                { "becomes", row->becomes },
                { "outcome", core_undone_name(row->outcome) },
                { "why", row->why },
        };
        char change[CHANGE_TEXT_MAX];
        int r = sd_bus_message_open_container(m, 'a', "{sv}");

        for (size_t i = 0; i < ARRAY_LENGTH(texts) && r >= 0; i++)
                if (texts[i].value) /* what is not there is left out */
                        r = sd_bus_message_append(m, "{sv}", texts[i].key, "s", texts[i].value);
        change_text(&(CoreChange){ .id = row->change }, change);
        if (r >= 0)
                r = sd_bus_message_append(m, "{sv}", "change", "s", change);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static void row_add(void *userdata, const CoreUndoRow *row) {
        UndoReply *undo = userdata;

        undo->counts[row->outcome]++;
        if (undo->r >= 0 && undo->rows++ < UNDO_ROWS_MAX)
                undo->r = row_append(undo->reply, row);
}

static int counts_append(UndoReply *undo) {
        int r = sd_bus_message_open_container(undo->reply, 'a', "{su}");

        for (unsigned i = 0; i < _CORE_UNDONE_MAX && r >= 0; i++)
                r = sd_bus_message_append(undo->reply, "{su}", core_undone_name((CoreUndone)i),
                                          undo->counts[i]);
        return r < 0 ? r : sd_bus_message_close_container(undo->reply);
}

/* "ch-1042"; its number, or 0. */
static uint64_t change_read(const char *text) {
        uint64_t number;

        if (strncmp(text, "ch-", 3) != 0 || base_parse_u64(text + 3, 1, UINT64_MAX, &number) < 0)
                return 0;
        return number;
}

int manager_undo(Call *call, CoreError *error) {
        _cleanup_(undo_reply_clear) UndoReply undo = { 0 };
        char text[CHANGE_TEXT_MAX];
        CoreOptions options;
        CoreChange change;
        const char *name;
        int force;
        int r = sd_bus_message_read(call->message, "sb", &name, &force);

        if (r < 0)
                return r;
        if (change_read(name) == 0)
                return error_set(error, CORE_E_BAD_VALUE, "change: must be as ch-1042");
        r = read_options(call->message, &options, error);
        if (r == 0)
                r = call_reply_new(call, &undo.reply);
        if (r != 0)
                return r;
        r = sd_bus_message_open_container(undo.reply, 'a', "a{sv}");
        if (r < 0)
                return r;
        r = core_undo(call->bus->core, &call->actor, change_read(name), force != 0, &options,
                      call->now_usec, row_add, &undo, &change, error);
        if (r != 0)
                return r;
        r = undo.r;
        if (r >= 0)
                r = sd_bus_message_close_container(undo.reply);
        if (r >= 0)
                r = counts_append(&undo);
        change_text(&change, text);
        if (r >= 0)
                r = sd_bus_message_append(undo.reply, "s", text);
        return r < 0 ? r : call_reply_send(call, undo.reply);
}

/* ---- many users at once ---------------------------------------------------------------------- */

static int batch_read(Call *call, CoreBatch *batch, CoreError *error) {
        GrantEdit *grant = &batch->grant;
        DictField fields[_USER_FIELD_TEXT_MAX + 9] = {
                { "role", "s", &grant->role, NULL },
                { "tenant", "s", &grant->tenant, NULL },
                { "from", "t", &grant->from_usec, NULL },
                { "until", "t", &batch->until_usec, NULL },
                { "over", "s", &grant->over, NULL },
                { "allow_conflict", "b", &grant->allow_conflict, NULL },
                { "valid_from", "t", &batch->fields.valid_from_usec,
                  &batch->fields.has_valid_from },
                { "valid_until", "t", &batch->fields.valid_until_usec,
                  &batch->fields.has_valid_until },
        };
        size_t count = 8;
        int r;

        batch->until_usec = USEC_INFINITY;
        for (unsigned i = 0; i < _USER_FIELD_TEXT_MAX; i++)
                fields[count++] = (DictField){ core_user_field_name((UserField)i), "s",
                                               &batch->fields.text[i], NULL };
        r = read_dict(call->message, "arguments", fields, count, error);
        grant->until_usec = batch->until_usec;
        if (r == 0 && strncmp(batch->verb, "role.", 5) == 0 && !grant->role)
                r = error_set(error, CORE_E_BAD_VALUE, "role: is missing");
        return r;
}

int manager_batch(Call *call, CoreError *error) {
        _cleanup_(name_list_clear) NameList users = { 0 };
        CoreBatch batch = { 0 };
        char text[CHANGE_TEXT_MAX];
        CoreBatchResult result;
        CoreOptions options;
        int r = sd_bus_message_read(call->message, "s", &batch.verb);

        if (r < 0)
                return r;
        r = read_names(call->message, &users, error);
        if (r == 0)
                r = batch_read(call, &batch, error);
        if (r == 0)
                r = read_options(call->message, &options, error);
        if (r != 0)
                return r;
        batch.users = users.names;
        batch.user_count = users.count;
        r = core_batch(call->bus->core, &call->actor, &batch, &options, call->now_usec, &result,
                       error);
        if (r != 0)
                return r;
        change_text(&result.change, text);
        return call_reply(call, "uus", result.changed, result.unchanged, text);
}
