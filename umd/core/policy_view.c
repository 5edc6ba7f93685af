/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Policy values as they are shown: what is in effect for somebody, with where it comes from and
 * what it overrode; and what is set at all. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "umd/core/levels.h"

/* ---- what is in effect -------------------------------------------------------------------- */

#define ROLES_SHOWN_MAX 64U /* of those that set one value */
#define OVER_MAX        (_POLICY_LEVEL_MAX + ROLES_SHOWN_MAX)
#define DEMANDED_BYTES  (ROLE_NAME_MAX + sizeof(" (requires second-factor)"))

typedef struct View {
        StoreTxn *txn;
        uid_t uid;
        const char *subjects[_POLICY_LEVEL_MAX]; /* whose each level is; "" of roles */
        Levels levels;
} View;

static void view_done(View *view) {
        core_levels_done(&view->levels);
}

/* One value, as it is put together for being shown. */
typedef struct Showing {
        const View *view;
        PolicyValue value;
        PolicyEffective effective;
        uint16_t roles[ROLES_SHOWN_MAX]; /* whose values of it hold */
        size_t role_count;
        char text[4 * POLICY_VALUE_TEXT_MAX], demanded[DEMANDED_BYTES],
                names[CORE_POLICY_SUBJECT_BYTES];
        char over_texts[OVER_MAX][POLICY_VALUE_TEXT_MAX];
        CorePolicyOverrode over[OVER_MAX];
        size_t over_count;
} Showing;

/* The text of what one subject set. */
static int text_of(const Showing *showing, PolicyLevel level, const char *subject, uint64_t number,
                   char *ret) {
        _cleanup_(store_policy_value_freep) StorePolicyValue *row = NULL;
        char uid[CORE_POLICY_SUBJECT_BYTES];
        int r;

        policy_value_format(showing->value, number, ret);
        if (!policy_value_is_text(showing->value) || level == POLICY_LEVEL_BUILT_IN)
                return 0;
        if (level == POLICY_LEVEL_USER) {
                core_policy_subject(showing->view->uid, uid);
                subject = uid;
        }
        r = store_policy_value_get(showing->view->txn, core_level_stored(level), subject,
                                   policy_value_name(showing->value), &row);
        if (r != 0)
                return r < 0 ? r : -EBADMSG; /* it was there a moment ago */
        snprintf(ret, POLICY_VALUE_TEXT_MAX, "%s", row->value);
        return 0;
}

static const char *role_name(const Showing *showing, size_t at) {
        return policy_role_name(core_roles_set(showing->view->levels.roles), showing->roles[at]);
}

static uint64_t role_number(const Showing *showing, size_t at) {
        const Levels *levels = &showing->view->levels;

        for (size_t i = 0; i < levels->setting_count; i++)
                if (levels->settings[i].role == showing->roles[at])
                        return levels->settings[i].own.value[showing->value];
        return 0;
}

static int over_add(Showing *showing, PolicyLevel level, const char *subject, uint64_t number) {
        char *text = showing->over_texts[showing->over_count];
        int r = text_of(showing, level, subject, number, text);

        if (r == 0)
                showing->over[showing->over_count++] =
                        (CorePolicyOverrode){ policy_level_name(level), subject, text };
        return r;
}

/* Of roles, each by itself: those that have the value that holds, or of a list or patterns that
 * come together all, are named as where it comes from. */
static bool role_makes_it(const Showing *showing, size_t at) {
        return policy_value_is_list(showing->value) ||
               role_number(showing, at) == showing->effective.at[POLICY_LEVEL_ROLE];
}

static int over_roles(Showing *showing, bool also_its_makers) {
        int r = 0;

        for (size_t i = 0; i < showing->role_count && r == 0; i++)
                if (also_its_makers || !role_makes_it(showing, i))
                        r = over_add(showing, POLICY_LEVEL_ROLE, role_name(showing, i),
                                     role_number(showing, i));
        return r;
}

/* What is below the level that holds, the nearest first. */
static int over_levels(Showing *showing, PolicyLevel below) {
        const PolicyEffective *effective = &showing->effective;
        int r = 0;

        for (PolicyLevel l = below; l-- > POLICY_LEVEL_BUILT_IN && r == 0;) {
                if (!effective->set[l])
                        continue;
                if (l == POLICY_LEVEL_ROLE)
                        r = over_roles(showing, true);
                else
                        r = over_add(showing, l, showing->view->subjects[l], effective->at[l]);
        }
        return r;
}

/* "developer, lead", and of several patterns "A and B". */
static int by_roles(Showing *showing, CorePolicyEffective *shown) {
        Text names, text;
        const char *comma = "", *and = "";
        int r = 0;

        base_text_init(&names, showing->names, sizeof(showing->names));
        base_text_init(&text, showing->text, sizeof(showing->text));
        for (size_t i = 0; i < showing->role_count && r == 0; i++) {
                char one[POLICY_VALUE_TEXT_MAX];

                if (!role_makes_it(showing, i))
                        continue;
                base_text_addf(&names, "%s%s", comma, role_name(showing, i));
                comma = ", ";
                if (!policy_value_is_text(showing->value))
                        continue;
                r = text_of(showing, POLICY_LEVEL_ROLE, role_name(showing, i),
                            role_number(showing, i), one);
                base_text_addf(&text, "%s%s", and, one);
                and = " and ";
        }
        if (!policy_value_is_text(showing->value))
                policy_value_format(showing->value, showing->effective.value, showing->text);
        shown->subject = showing->names;
        return r != 0 ? r : over_roles(showing, false);
}

/* A role that needs a second factor raises what is set, wherever that is (P.6). */
static bool is_demanded(const Showing *showing) {
        return showing->value == POLICY_VALUE_FACTOR_REQUIRED &&
               showing->effective.value == POLICY_REQUIRED_OFF &&
               showing->view->levels.demands != ROLE_NONE;
}

static int by_demand(Showing *showing, CorePolicyEffective *shown) {
        const Levels *levels = &showing->view->levels;

        snprintf(showing->demanded, sizeof(showing->demanded), "%s (requires second-factor)",
                 policy_role_name(core_roles_set(levels->roles), levels->demands));
        policy_value_format(showing->value, POLICY_REQUIRED_ON, showing->text);
        shown->level = policy_level_name(POLICY_LEVEL_ROLE);
        shown->subject = showing->demanded;
        shown->looser = false;
        return over_levels(showing, _POLICY_LEVEL_MAX);
}

static int value_show(Showing *showing, void (*each)(void *, const CorePolicyEffective *),
                      void *userdata) {
        const View *view = showing->view;
        PolicyEffective *effective = &showing->effective;
        char expected[POLICY_VALUE_EXPECTED_MAX];
        CorePolicyEffective shown = { .value = showing->value,
                                      .text = showing->text,
                                      .expected = expected };
        int r;

        policy_value_expected(showing->value, expected);
        policy_value_resolve(showing->value, &view->levels.levels, effective);
        r = core_levels_found(&view->levels, showing->value, showing->roles, ROLES_SHOWN_MAX,
                              &showing->role_count);
        if (r < 0)
                return r;
        if (showing->role_count > ROLES_SHOWN_MAX)
                showing->role_count = ROLES_SHOWN_MAX;
        shown.level = policy_level_name(effective->level);
        shown.subject = view->subjects[effective->level];
        shown.looser = effective->looser;
        if (is_demanded(showing))
                r = by_demand(showing, &shown);
        else if (effective->level == POLICY_LEVEL_ROLE)
                r = by_roles(showing, &shown);
        else
                r = text_of(showing, effective->level, shown.subject, effective->value,
                            showing->text);
        if (r == 0 && !is_demanded(showing))
                r = over_levels(showing, effective->level);
        shown.overrode = showing->over;
        shown.overrode_count = showing->over_count;
        if (r == 0)
                each(userdata, &shown);
        return r;
}

static int values_show(const View *view, PolicyValue only,
                       void (*each)(void *, const CorePolicyEffective *), void *userdata) {
        _cleanup_free_ Showing *showing = malloc(sizeof(*showing));
        int r = showing ? 0 : -ENOMEM;

        for (PolicyValue v = 0; v < _POLICY_VALUE_MAX && r == 0; v++) {
                if (only != _POLICY_VALUE_MAX && v != only)
                        continue;
                *showing = (Showing){ .view = view, .value = v };
                r = value_show(showing, each, userdata);
        }
        return r;
}

int core_policy_effective(Core *core, const char *user, const char *name,
                          void (*each)(void *userdata, const CorePolicyEffective *shown),
                          void *userdata, CoreError *error) {
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        _cleanup_(store_user_freep) StoreUser *record = NULL;
        _cleanup_(view_done) View view = { .subjects = { "", core->settings.tenant, "", "", "" } };
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
                r = core_levels_load(core, txn, record ? record->uid : 0, &view.levels);
        if (r != 0)
                return r;
        view.txn = txn;
        view.uid = record ? record->uid : 0;
        view.subjects[POLICY_LEVEL_DEPARTMENT] = view.levels.department;
        if (record)
                view.subjects[POLICY_LEVEL_USER] = record->name;
        return values_show(&view, only, each, userdata);
}

/* ---- what is set -------------------------------------------------------------------------- */

typedef struct SetWalk {
        StoreTxn *txn;
        Asker *asker;
        uint32_t limit, found, looked;
        char *cursor; /* of the last row that was looked at */
        void (*each)(void *userdata, const CorePolicySet *set);
        void *userdata;
} SetWalk;

/* "u 70000 password.min-length": a row's key as text. */
static int cursor_write(const StorePolicyValue *row, char *cursor) {
        int n = snprintf(cursor, CORE_POLICY_CURSOR_BYTES, "%c %s %s", (char)row->level,
                         row->subject, row->name);

        return n >= (int)CORE_POLICY_CURSOR_BYTES ? -EBADMSG : 0;
}

/* _POLICY_LEVEL_MAX: none. */
static PolicyLevel level_of(uint32_t stored) {
        PolicyLevel level = POLICY_LEVEL_COMPANY;

        while (level < _POLICY_LEVEL_MAX && (uint32_t)core_level_stored(level) != stored)
                level++;
        return level;
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
        return level_of(ret->level) != _POLICY_LEVEL_MAX;
}

/* The name of the user whose row it is; "" for one who is deleted, or is not shown to who asks. */
static int row_holder(SetWalk *walk, const StorePolicyValue *row, char *ret_name) {
        _cleanup_(store_user_freep) StoreUser *user = NULL;
        bool shown;
        uint32_t uid;
        int r;

        if (base_parse_id(row->subject, &uid) < 0)
                return -EBADMSG;
        r = store_user_get(walk->txn, uid, &user);
        if (r != 0)
                return r < 0 ? r : -EBADMSG;
        r = core_asker_has_seen(walk->asker, PERMISSION_POLICY_VIEW, user, &shown);
        snprintf(ret_name, BASE_NAME_MAX + 1, "%s",
                 user->status == USER_STATUS_DELETED || !shown ? "" : user->name);
        return r;
}

/* 1 ends the page. */
static int row_show(void *userdata, const StorePolicyValue *row) {
        char name[BASE_NAME_MAX + 1] = "", by[CORE_ACTOR_BYTES];
        bool of_user = row->level == STORE_POLICY_USER;
        SetWalk *walk = userdata;
        const char *subject = of_user ? name : row->subject;
        CorePolicySet set;
        int r;

        r = cursor_write(row, walk->cursor);
        if (r == 0 && of_user)
                r = row_holder(walk, row, name);
        if (r == 0)
                r = core_actor_name(walk->txn, row->by, by);
        if (r < 0)
                return r;
        if (row->level == STORE_POLICY_COMPANY &&
            !core_asker_has(walk->asker, PERMISSION_POLICY_VIEW, row->subject))
                subject = "";
        set = (CorePolicySet){
                .level = policy_level_name(level_of(row->level)),
                .subject = subject,
                .name = row->name,
                .text = row->value,
                .by = by,
                .set_usec = row->set_usec,
        };
        if (subject[0] != '\0') {
                walk->each(walk->userdata, &set);
                walk->found++;
        }
        return walk->found == walk->limit || ++walk->looked == CORE_LIST_RECORDS_MAX;
}

int core_policy_list(Core *core, const Actor *actor, const char *cursor, uint32_t limit,
                     void (*each)(void *userdata, const CorePolicySet *set), void *userdata,
                     char *ret_cursor, CoreError *error) {
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        char at[CORE_POLICY_CURSOR_BYTES], last[CORE_POLICY_CURSOR_BYTES] = "";
        _cleanup_asker_ Asker asker = { 0 };
        StorePolicyValue after;
        SetWalk walk;
        int r;

        r = core_list_begin_sized(core, cursor, limit, at, sizeof(at), &txn, error);
        if (r != 0)
                return r;
        r = core_asker_load(core, txn, actor, &asker);
        if (r < 0)
                return r;
        if (at[0] != '\0' && !cursor_read(at, &after))
                return core_fail(error, CORE_E_BAD_VALUE, "cursor: \"%s\": is none of a list",
                                 core_quote(cursor).text);
        walk = (SetWalk){
                .txn = txn,
                .asker = &asker,
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
