/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The frame of every change: one nested transaction that holds the records, their audit entry and
 * their event, or nothing.  With dry_run all of it is done and then let go, so that a dry run finds
 * whatever the real one would have stumbled over. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "umd/core/undo.h"

int core_change_begin(Change *change, Core *core, const Actor *actor, const CoreOptions *options,
                      uint64_t now_usec, CoreError *error) {
        CoreError faults = { 0 };
        int r;

        *error = (CoreError){ 0 };
        core_note_time(core, now_usec);
        core_check_text("reason", FIELD_LINE, options->reason, &faults);
        if (faults.outcome != CORE_DONE) {
                *error = faults;
                return (int)faults.outcome;
        }
        *change =
                (Change){ .core = core, .actor = actor, .options = options, .now_usec = now_usec };
        if (core->together) {
                change->together = core->together;
                change->txn = core->together->txn;
                return 0;
        }
        core->host.refresh(core->host.userdata);
        r = store_begin(core->store, &change->txn);
        return r < 0 ? r : core_reason_check(core, change->txn, actor, options, error);
}

static const char *text_or_null(const char *s) {
        return s && s[0] ? s : NULL;
}

int core_change_value(Change *change, const char *field, const char *before, const char *after) {
        StoreValue *values, *value;

        before = text_or_null(before);
        after = text_or_null(after);
        if (!before == !after && (!before || strcmp(before, after) == 0))
                return 0;
        if (change->value_count >= CHANGE_VALUES_MAX)
                return -E2BIG;
        values = reallocarray(change->values, change->value_count + 1, sizeof(*values));
        if (!values)
                return -ENOMEM;
        change->values = values;
        value = &values[change->value_count];
        *value = (StoreValue){ .field = field };
        value->before = before ? strdup(before) : NULL;
        value->after = after ? strdup(after) : NULL;
        change->value_count++; /* so that core_change_done() frees what there is */
        if ((before && !value->before) || (after && !value->after))
                return -ENOMEM;
        return 0;
}

int core_change_value_bool(Change *change, const char *field, bool before, bool after) {
        return core_change_value(change, field, before ? "yes" : "no", after ? "yes" : "no");
}

int core_change_value_time(Change *change, const char *field, uint64_t before, uint64_t after) {
        char was[32], is[32];

        base_format_rfc3339(before, was);
        base_format_rfc3339(after, is);
        return core_change_value(change, field, before ? was : NULL, after ? is : NULL);
}

int core_change_value_secret(Change *change, const char *field, bool before, bool after) {
        StoreValue *value;
        int r;

        /* "(changed)" to "(changed)" would be no difference: one side is put in by hand */
        r = core_change_value(change, field, NULL, "(changed)");
        if (r < 0)
                return r;
        value = &change->values[change->value_count - 1];
        if (before) {
                value->before = strdup("(changed)");
                if (!value->before)
                        return -ENOMEM;
        }
        if (!after) {
                free((char *)value->after);
                value->after = NULL;
        }
        return 0;
}

int core_change_news(Change *change, CoreObject object, CoreNews news, uint32_t id,
                     const char *name, const char *old_name) {
        return core_news_add(&change->news, object, news, id, name, old_name);
}

int core_change_news_users(Change *change, const IdSet *uids) {
        for (size_t i = 0; i < uids->count; i++) {
                _cleanup_(store_user_freep) StoreUser *user = NULL;
                int r = store_user_get(change->txn, uids->ids[i], &user);

                if (r == 0 && user->status != USER_STATUS_DELETED)
                        r = core_change_news(change, CORE_OBJECT_USER, CORE_NEWS_CHANGED, user->uid,
                                             user->name, NULL);
                if (r < 0)
                        return r;
        }
        return 0;
}

int core_change_news_groups(Change *change, const IdSet *gids) {
        for (size_t i = 0; i < gids->count; i++) {
                _cleanup_(store_group_freep) StoreGroup *group = NULL;
                int r = store_group_get(change->txn, gids->ids[i], &group);

                if (r == 0 && !group->deleted)
                        r = core_change_news(change, CORE_OBJECT_GROUP, CORE_NEWS_CHANGED,
                                             group->gid, group->name, NULL);
                if (r < 0)
                        return r;
        }
        return 0;
}

int core_change_record(Change *change, const char *verb, const char *kind, const char *name,
                       uint32_t id, const StoreUndo *undo, uint64_t *ret_seq) {
        char object[CORE_POLICY_SUBJECT_BYTES + 16];
        StoreAudit entry = {
                .time_usec = change->now_usec,
                .type = "change",
                .verb = verb,
                .object = object,
                .object_id = id,
                .actor = change->actor->uid,
                .login_uid = change->actor->login_uid,
                .via = change->actor->via,
                .service = change->service ? change->service : "",
                .source = "",
                .tty = change->tty ? change->tty : "",
                .outcome = "done",
                .reason = change->options->reason,
                .values = change->values,
                .value_count = change->value_count,
                .undo = *undo,
        };
        uint64_t event;
        int r;

        snprintf(object, sizeof(object), "%s/%s", kind, name);
        r = store_audit_append(change->txn, &entry, ret_seq);
        if (r >= 0)
                r = store_event_append(change->txn, verb, object, change->now_usec, &event);
        return r;
}

/* What follows by itself from what the change did. */
static int follow(Change *change, const char *kind, uint32_t id) {
        bool user = strcmp(kind, "user") == 0;

        return user || change->second_factors ? core_mfa_follow(change, user ? id : 0) : 0;
}

int core_change_close(Change *change) {
        int r = core_news_reserve(&change->core->news, change->news.count);

        if (r == 0)
                r = core_txn_commit(change->core, &change->txn);
        if (r < 0)
                return r;
        core_news_merge(&change->core->news, &change->news);
        core_notices_keep(change->core, &change->notices);
        return 0;
}

int core_change_commit(Change *change, const char *verb, const char *kind, const char *name,
                       uint32_t id, uint64_t version, CoreChange *ret) {
        StoreUndo undo;
        uint64_t seq;
        int r;

        r = follow(change, kind, id);
        if (r == 0 && strcmp(kind, "user") == 0 && !change->options->dry_run)
                r = core_notice_change(change, verb, id, name);
        if (r == 0)
                r = core_notes_close(change, verb, id);
        undo = (StoreUndo){ .list = change->notes.list, .count = change->notes.count };
        if (r == 0)
                r = core_change_record(change, verb, kind, name, id, &undo, &seq);
        if (r < 0)
                return r;
        if (change->together) {
                r = core_together_add(change->together, change);
                if (r < 0)
                        return r;
        } else if (change->options->dry_run) {
                seq = 0;
                store_txn_abortp(&change->txn);
                change->txn = NULL;
        } else {
                r = core_change_close(change);
                if (r < 0)
                        return r;
        }
        if (ret)
                *ret = (CoreChange){ .id = seq, .object_id = id, .version = version };
        return 0;
}

static void texts_free(const StoreValue *values, size_t count) {
        for (size_t i = 0; i < count; i++) {
                free((char *)values[i].before);
                free((char *)values[i].after);
        }
}

void core_change_done(Change *change) {
        if (!change->together)
                store_txn_abortp(&change->txn);
        texts_free(change->values, change->value_count);
        free(change->values);
        core_notes_done(&change->notes);
        core_news_done(&change->news);
        *change = (Change){ 0 };
}

int core_txn_commit(Core *core, StoreTxn **txn) {
        int r = store_commit(txn);

        if (r < 0)
                return r;
        core->flush_called = true;
        if (core->host.flush_wanted)
                core->host.flush_wanted(core->host.userdata);
        return 0;
}

int core_txn_commit_later(Core *core, StoreTxn **txn, bool *ret_alone) {
        int r = store_commit(txn);

        if (r < 0)
                return r;
        *ret_alone = !core->flush_called;
        if (!core->flush_called && core->host.flush_wanted_later)
                core->host.flush_wanted_later(core->host.userdata);
        return 0;
}

void core_flush_hurry(Core *core) {
        if (core->flush_called || !core_has_unflushed(core))
                return;
        core->flush_called = true;
        if (core->host.flush_wanted)
                core->host.flush_wanted(core->host.userdata);
}

int core_check_version(const CoreOptions *options, const char *name, uint64_t version,
                       CoreError *error) {
        if (options->if_version == 0 || options->if_version == version)
                return 0;
        return core_fail(error, CORE_E_CONFLICT,
                         "%s: changed since it was read: version %llu, not %llu",
                         core_quote(name).text, (unsigned long long)version,
                         (unsigned long long)options->if_version);
}
