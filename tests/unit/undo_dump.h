/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* All that a change can touch, as one text: what undo has to bring back.  Left out is what says
 * when and by whom, which is new then, and tombstones. */

#include "tests/unit/rights_verbs.h"

#include <stdlib.h>

#include "umd/core/internal.h"

typedef struct Dump {
        char *text;
        size_t size;
        FILE *out;
        StoreTxn *txn;
} Dump;

static inline int dump_grant(void *userdata, const StoreGrant *grant) {
        Dump *dump = userdata;

        fprintf(dump->out, " grant %s@%s %u=%s %llu-%llu (%s)", grant->role, grant->tenant,
                grant->scope, grant->over, (unsigned long long)grant->from_usec,
                (unsigned long long)grant->until_usec, grant->reason);
        return 0;
}

static inline int dump_policy(void *userdata, const StorePolicyValue *value) {
        Dump *dump = userdata;

        fprintf(dump->out, " %s=%s", value->name, value->value);
        return 0;
}

static inline int dump_user(void *userdata, const StoreUser *record) {
        Dump *dump = userdata;
        StoreUser user = *record;
        char subject[CORE_POLICY_SUBJECT_BYTES];
        StoreAttribute attributes[STORE_ATTRIBUTES_MAX];
        StoreCredential *credential = NULL;
        size_t count;

        if (user.status == USER_STATUS_DELETED)
                return 0;
        fprintf(dump->out, "user %u %s", user.uid, policy_status_name(user.status));
        for (UserField field = 0; field < _USER_FIELD_TEXT_MAX; field++)
                fprintf(dump->out, " %s", *core_user_text(&user, field));
        fprintf(dump->out, " %llu %llu-%llu %s(%s)", (unsigned long long)user.suspended_until_usec,
                (unsigned long long)user.valid_from_usec, (unsigned long long)user.valid_until_usec,
                user.locked ? "locked" : "", user.locked_reason);
        if (user.status == USER_STATUS_SUSPENDED) /* of the others it says who led there */
                fprintf(dump->out, " for %s", user.status_reason);
        must(store_attributes_read(&user, attributes, &count));
        for (size_t i = 0; i < count; i++)
                fprintf(dump->out, " %s=%s %llu", attributes[i].name, attributes[i].value,
                        (unsigned long long)attributes[i].until_usec);
        must(core_credential_load(dump->txn, user.uid, &credential));
        fprintf(dump->out, "%s", credential->must_change ? " must-change" : "");
        store_credential_free(credential);
        must(store_grant_each(dump->txn, user.uid, dump_grant, dump));
        core_policy_subject(user.uid, subject);
        must(store_policy_value_each(dump->txn, STORE_POLICY_USER, subject, dump_policy, dump));
        fprintf(dump->out, "\n");
        return 0;
}

static inline void dump_ids(Dump *dump, const char *what, const uint32_t *ids, size_t count) {
        fprintf(dump->out, " %s", what);
        for (size_t i = 0; i < count; i++)
                fprintf(dump->out, " %u", ids[i]);
}

static inline int dump_group(void *userdata, const StoreGroup *group) {
        Dump *dump = userdata;

        if (group->deleted)
                return 0;
        fprintf(dump->out, "group %u %s %s", group->gid, group->name, group->description);
        dump_ids(dump, "members", group->members, group->member_count);
        dump_ids(dump, "nested", group->nested, group->nested_count);
        dump_ids(dump, "owners", group->owners, group->owner_count);
        fprintf(dump->out, "\n");
        return 0;
}

static inline int dump_role(void *userdata, StoreRole **role) {
        Dump *dump = userdata;

        fprintf(dump->out, "role %s %s %u %d (%s)", (*role)->name, (*role)->description,
                (*role)->only_kind, (*role)->one_tenant,
                (*role)->automatic ? (*role)->automatic : "");
        for (size_t l = 0; l < _ROLE_LIST_MAX; l++)
                for (size_t i = 0; (*role)->lists[l] && (*role)->lists[l][i]; i++)
                        fprintf(dump->out, " %zu:%s", l, (*role)->lists[l][i]);
        must(store_policy_value_each(dump->txn, STORE_POLICY_ROLE, (*role)->name, dump_policy,
                                     dump));
        fprintf(dump->out, "\n");
        return 0;
}

static inline int dump_tenant(void *userdata, const StoreTenant *tenant) {
        Dump *dump = userdata;
        /* one that is always there has a row once it was changed, and keeps it */
        bool plain = strcmp(tenant->name, "local") == 0 && !tenant->title[0] &&
                     tenant->seats == 0 && strcmp(tenant->default_role, "self-service") == 0;

        if (!tenant->deleted && !plain)
                fprintf(dump->out, "tenant %s %s %u %s\n", tenant->name, tenant->title,
                        tenant->seats, tenant->default_role);
        return 0;
}

/* The caller's. */
static inline char *state_dump(Fixture *f) {
        Dump dump = { 0 };

        dump.out = open_memstream(&dump.text, &dump.size);
        assert_non_null(dump.out);
        must(store_begin_read(f->core->store, &dump.txn));
        must(store_user_each(dump.txn, dump_user, &dump));
        must(store_group_each(dump.txn, dump_group, &dump));
        must(store_role_each(dump.txn, dump_role, &dump));
        must(store_tenant_each(dump.txn, dump_tenant, &dump));
        must(store_policy_value_each(dump.txn, STORE_POLICY_COMPANY, "local", dump_policy, &dump));
        must(store_policy_value_each(dump.txn, STORE_POLICY_DEPARTMENT, "a b", dump_policy, &dump));
        store_txn_abortp(&dump.txn);
        fclose(dump.out);
        return dump.text;
}

typedef struct Rows {
        char text[65536];
        Text out;
        size_t counts[_CORE_UNDONE_MAX];
} Rows;

static inline void row_note(void *userdata, const CoreUndoRow *row) {
        Rows *rows = userdata;

        rows->counts[row->outcome]++;
        base_text_addf(&rows->out, "%s %s: %s -> %s: %s%s%s", row->object, row->field,
                       row->now ? row->now : "-", row->becomes ? row->becomes : "-",
                       core_undone_name(row->outcome), row->why[0] ? ": " : "", row->why);
        if (row->change)
                base_text_addf(&rows->out, " (ch-%llu)", (unsigned long long)row->change);
        base_text_add(&rows->out, "\n");
}

/* Into rows; f->change has the change's id. */
static inline int undo_as(Fixture *f, const Actor *actor, uint64_t change, bool force, Rows *rows) {
        *rows = (Rows){ 0 };
        base_text_init(&rows->out, rows->text, sizeof(rows->text));
        f->change = (CoreChange){ 0 };
        return core_undo(f->core, actor, change, force, &f->options, f->now, row_note, rows,
                         &f->change, &f->error);
}

static inline int undo(Fixture *f, uint64_t change, Rows *rows) {
        return undo_as(f, &f->root, change, false, rows);
}
