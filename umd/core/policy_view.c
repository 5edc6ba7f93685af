/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Policy values as they are shown: what is in effect for somebody, with where it comes from and
 * what it overrode; and what is set at all. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "umd/core/internal.h"

/* ---- what is in effect -------------------------------------------------------------------- */

typedef struct View {
        const char *subjects[_POLICY_LEVEL_MAX]; /* whose each level is */
        PolicySettings company, user;
} View;

static void value_show(const View *view, PolicyValue value,
                       void (*each)(void *userdata, const CorePolicyEffective *shown),
                       void *userdata) {
        char text[POLICY_VALUE_TEXT_MAX], over[_POLICY_LEVEL_MAX][POLICY_VALUE_TEXT_MAX],
                expected[POLICY_VALUE_EXPECTED_MAX];
        CorePolicyEffective shown = { .value = value, .text = text, .expected = expected };
        PolicyEffective effective;

        policy_value_resolve(value, &view->company, &view->user, &effective);
        policy_value_format(value, effective.value, text);
        policy_value_expected(value, expected);
        shown.level = policy_level_name(effective.level);
        shown.subject = view->subjects[effective.level];
        shown.looser = effective.looser;
        for (PolicyLevel l = effective.level; l-- > POLICY_LEVEL_BUILT_IN;) {
                if (!effective.set[l])
                        continue;
                policy_value_format(value, effective.at[l], over[l]);
                shown.overrode[shown.overrode_count++] =
                        (CorePolicyOverrode){ policy_level_name(l), view->subjects[l], over[l] };
        }
        each(userdata, &shown);
}

int core_policy_effective(Core *core, const char *user, const char *name,
                          void (*each)(void *userdata, const CorePolicyEffective *shown),
                          void *userdata, CoreError *error) {
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        _cleanup_(store_user_freep) StoreUser *record = NULL;
        View view = { .subjects = { "", core->settings.tenant, "" } };
        PolicyValue only = _POLICY_VALUE_MAX;
        int r = 0;

        *error = (CoreError){ 0 };
        if (name)
                r = core_policy_find(name, &only, error);
        if (r == 0)
                r = store_begin_read(core->store, &txn);
        if (r == 0 && user)
                r = core_user_load(core, txn, user, false, &record, error);
        if (r == 0)
                r = core_policy_settings(core, txn, record ? record->uid : 0, &view.company,
                                         &view.user);
        if (r != 0)
                return r;
        if (record)
                view.subjects[POLICY_LEVEL_USER] = record->name;
        for (PolicyValue v = 0; v < _POLICY_VALUE_MAX; v++)
                if (only == _POLICY_VALUE_MAX || v == only)
                        value_show(&view, v, each, userdata);
        return 0;
}

/* ---- what is set -------------------------------------------------------------------------- */

typedef struct SetWalk {
        StoreTxn *txn;
        uint32_t limit, found, looked;
        char *cursor; /* of the last row that was looked at */
        void (*each)(void *userdata, const CorePolicySet *set);
        void *userdata;
} SetWalk;

/* "u 70000 password.min-length": a row's key as text. */
static int cursor_write(const StorePolicyValue *row, char *cursor) {
        int n = snprintf(cursor, CORE_CURSOR_BYTES, "%c %s %s", (char)row->level, row->subject,
                         row->name);

        return n >= (int)CORE_CURSOR_BYTES ? -EBADMSG : 0;
}

/* Cuts the text of a cursor into the key; false for what is none. */
static bool cursor_read(char *cursor, StorePolicyValue *ret) {
        char *subject, *name;

        if (cursor[0] == '\0' || cursor[1] != ' ')
                return false;
        subject = cursor + 2;
        name = strrchr(subject, ' ');
        if (!name || name == subject || name[1] == '\0')
                return false;
        *name++ = '\0';
        *ret = (StorePolicyValue){ .level = (uint8_t)cursor[0], .subject = subject, .name = name };
        return ret->level == STORE_POLICY_COMPANY || ret->level == STORE_POLICY_USER;
}

/* The name of the user whose row it is; "" for one who is deleted. */
static int row_holder(SetWalk *walk, const StorePolicyValue *row, char *ret_name) {
        _cleanup_(store_user_freep) StoreUser *user = NULL;
        uint32_t uid;
        int r;

        if (base_parse_id(row->subject, &uid) < 0)
                return -EBADMSG;
        r = store_user_get(walk->txn, uid, &user);
        if (r != 0)
                return r < 0 ? r : -EBADMSG;
        snprintf(ret_name, BASE_NAME_MAX + 1, "%s",
                 user->status == USER_STATUS_DELETED ? "" : user->name);
        return 0;
}

/* 1 ends the page. */
static int row_show(void *userdata, const StorePolicyValue *row) {
        char name[BASE_NAME_MAX + 1] = "", by[CORE_ACTOR_BYTES];
        bool of_user = row->level == STORE_POLICY_USER;
        SetWalk *walk = userdata;
        CorePolicySet set;
        int r;

        r = cursor_write(row, walk->cursor);
        if (r == 0 && of_user)
                r = row_holder(walk, row, name);
        if (r == 0)
                r = core_actor_name(walk->txn, row->by, by);
        if (r < 0)
                return r;
        set = (CorePolicySet){
                .level = policy_level_name(of_user ? POLICY_LEVEL_USER : POLICY_LEVEL_COMPANY),
                .subject = of_user ? name : row->subject,
                .name = row->name,
                .text = row->value,
                .by = by,
                .set_usec = row->set_usec,
        };
        if (set.subject[0] != '\0') {
                walk->each(walk->userdata, &set);
                walk->found++;
        }
        return walk->found == walk->limit || ++walk->looked == CORE_LIST_RECORDS_MAX;
}

int core_policy_list(Core *core, const char *cursor, uint32_t limit,
                     void (*each)(void *userdata, const CorePolicySet *set), void *userdata,
                     char *ret_cursor, CoreError *error) {
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        char at[CORE_CURSOR_BYTES], last[CORE_CURSOR_BYTES] = "";
        StorePolicyValue after;
        SetWalk walk;
        int r;

        r = core_list_begin(core, cursor, limit, at, &txn, error);
        if (r != 0)
                return r;
        if (at[0] != '\0' && !cursor_read(at, &after))
                return core_fail(error, CORE_E_BAD_VALUE, "cursor: \"%s\": is none of a list",
                                 core_quote(cursor).text);
        walk = (SetWalk){
                .txn = txn,
                .limit = limit,
                .cursor = last,
                .each = each,
                .userdata = userdata,
        };
        r = store_policy_value_all(txn, cursor[0] != '\0' ? &after : NULL, row_show, &walk);
        if (r < 0)
                return r;
        memcpy(ret_cursor, r > 0 ? last : "", r > 0 ? sizeof(last) : 1);
        return 0;
}
