/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Roles that are somebody's by a condition (FEATURES D22): what such a role may be, whom it comes
 * to, and that nobody gives by a department or an attribute what he could not grant (D8). */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "umd/core/holders.h"
#include "umd/core/user_attributes.h"

/* ---- conditions ---------------------------------------------------------------------------- */

static void term_text(const char *at, size_t len, char *buf, size_t size) {
        snprintf(buf, size, "%.*s", (int)len, at);
}

/* Of an attribute there is, and a value that it can have, in the form it is kept in. */
static int check_attribute(StoreTxn *txn, const ConditionTerm *term, CoreError *error) {
        _cleanup_(store_attribute_kind_freep) StoreAttributeKind *kind = NULL;
        char name[ATTRIBUTE_NAME_MAX + 1], value[CONDITION_BYTES_MAX + 1],
                kept[ATTRIBUTE_VALUE_MAX + 1], expected[CORE_CHOICES_BYTES + 64];
        Choices choices;
        Text text;
        int r;

        term_text(term->name, term->name_len, name, sizeof(name));
        term_text(term->value, term->value_len, value, sizeof(value));
        r = core_attribute_load(txn, name, &kind, NULL);
        if (r > 0)
                return core_fail(error, CORE_E_BAD_VALUE, "auto: attr.%s: no such attribute", name);
        if (r == 0)
                r = core_choices_read(kind, &choices);
        if (r < 0)
                return r;
        if (policy_attribute_value((AttributeType)kind->type, choices.list, value, kept) == 0 &&
            strcmp(kept, value) == 0)
                return 0;
        base_text_init(&text, expected, sizeof(expected));
        policy_attribute_expected((AttributeType)kind->type, choices.list, &text);
        return core_fail(error, CORE_E_BAD_VALUE, "auto: column %zu: attr.%s is a %s: %s",
                         term->column, name, policy_attribute_type_name((AttributeType)kind->type),
                         expected);
}

int core_condition_check(Core *core, StoreTxn *txn, const char *text, CoreError *error) {
        ConditionTerm terms[CONDITION_TERMS_MAX];
        RightsFault fault = { 0 };
        size_t count = 0;
        int r;

        if (!text[0])
                return 0; /* none */
        if (policy_condition_read(text, terms, &count, &fault) != 0)
                return core_fail(error, CORE_E_BAD_VALUE, "auto: %.400s", fault.text);
        for (size_t i = 0; i < count; i++) {
                _cleanup_(store_tenant_freep) StoreTenant *tenant = NULL;
                char name[CONDITION_BYTES_MAX + 1];

                r = 0;
                term_text(terms[i].value, terms[i].value_len, name, sizeof(name));
                if (terms[i].key == CONDITION_ATTRIBUTE)
                        r = check_attribute(txn, &terms[i], error);
                else if (terms[i].key == CONDITION_TENANT)
                        r = core_tenant_load(core, txn, name, &tenant, error);
                if (r != 0)
                        return r;
        }
        return 0;
}

bool core_condition_names(const char *text, const char *attribute) {
        ConditionTerm terms[CONDITION_TERMS_MAX];
        size_t count = 0;

        if (policy_condition_read(text, terms, &count, NULL) != 0)
                return false;
        for (size_t i = 0; i < count; i++)
                if (terms[i].key == CONDITION_ATTRIBUTE && strlen(attribute) == terms[i].name_len &&
                    memcmp(attribute, terms[i].name, terms[i].name_len) == 0)
                        return true;
        return false;
}

/* ---- roles --------------------------------------------------------------------------------- */

static bool denies_anything(const RoleSet *set, uint16_t role) {
        size_t count = policy_right_count(set);

        for (uint16_t right = 0; right < count; right++)
                if (policy_role_denies(set, role, right))
                        return true;
        return false;
}

/* Whoever writes what denies decides over people who may do more than he: so that is root's. */
int core_automatic_check(Change *change, const RoleSet *set, uint16_t role, CoreError *error) {
        uint16_t owner = policy_role_from_name(set, CORE_ROLE_OWNER), at;

        for (size_t i = 0; (at = policy_role_automatic(set, i)) != ROLE_NONE; i++) {
                if (!policy_role_includes(set, at, role))
                        continue;
                if (policy_role_includes(set, at, owner))
                        return core_fail(error, CORE_E_BAD_VALUE,
                                         "auto: %s: nobody comes to be an owner by a condition",
                                         policy_role_name(set, at));
                if (change->actor->uid != 0 && denies_anything(set, at))
                        return core_fail(error, CORE_E_PROTECTED,
                                         "%s: denies something to whomever its condition holds "
                                         "for: only root may write it",
                                         policy_role_name(set, at));
        }
        return 0;
}

/* ---- users --------------------------------------------------------------------------------- */

/* 1 or 0; ret_until as policy_condition_holds() has it. */
static int condition_holds(const char *condition, const StoreUser *user, uint64_t *ret_until) {
        StoreAttribute list[STORE_ATTRIBUTES_MAX];
        ConditionAttribute attributes[STORE_ATTRIBUTES_MAX];
        ConditionFacts facts;
        size_t count;
        int r = store_attributes_read(user, list, &count);

        if (r < 0)
                return r;
        core_condition_facts(user, list, count, attributes, &facts);
        return policy_condition_holds(condition, &facts, ret_until);
}

typedef struct Collecting {
        const char *condition;
        IdSet *uids;
} Collecting;

static int collect(void *userdata, const StoreUser *user) {
        const Collecting *collecting = userdata;
        uint64_t until;
        int r = condition_holds(collecting->condition, user, &until);

        if (r > 0)
                r = core_idset_add(collecting->uids, user->uid);
        return r < 0 ? r : 0;
}

/* Those who have an attribute it names are fewer than all. */
static int collect_by(StoreTxn *txn, const ConditionTerm *term, Collecting *collecting) {
        char name[ATTRIBUTE_NAME_MAX + 1];
        uid_t uid = 0;
        int r = 0;

        term_text(term->name, term->name_len, name, sizeof(name));
        while (r == 0 && (r = store_attribute_holder_next(txn, name, uid, &uid)) == 0) {
                _cleanup_(store_user_freep) StoreUser *user = NULL;

                r = store_user_get(txn, uid, &user);
                if (r == 0)
                        r = collect(collecting, user);
                else if (r > 0)
                        r = -EBADMSG;
        }
        return r < 0 ? r : 0;
}

int core_automatic_holders(StoreTxn *txn, const RoleSet *set, uint16_t role, IdSet *ret) {
        Collecting collecting = { policy_role_condition(set, role), ret };
        ConditionTerm terms[CONDITION_TERMS_MAX];
        size_t count = 0;

        if (!collecting.condition ||
            policy_condition_read(collecting.condition, terms, &count, NULL) != 0)
                return 0;
        for (size_t i = 0; i < count; i++)
                if (terms[i].key == CONDITION_ATTRIBUTE)
                        return collect_by(txn, &terms[i], &collecting);
        return store_user_each(txn, collect, &collecting);
}

bool core_user_facts_differ(const StoreUser *before, const StoreUser *after) {
        return strcmp(before->department, after->department) != 0 ||
               strcmp(before->title, after->title) != 0 ||
               strcmp(before->tenant, after->tenant) != 0 ||
               before->read_only != after->read_only ||
               before->attributes_len != after->attributes_len ||
               (after->attributes_len > 0 &&
                memcmp(before->attributes, after->attributes, after->attributes_len) != 0);
}

static GrantState state_of(const RoleSet *set, const Holder *holder, size_t at, uint64_t now_usec) {
        const RightsPlace place = { .tenant = holder->grants[at].tenant,
                                    .all_tenants = holder->grants[at].all_tenants,
                                    .now_usec = now_usec,
                                    .over = RIGHTS_OVER_SELF };

        return policy_grant_state(set, &holder->facts, &holder->grants[at], &place, NULL);
}

/* Had he it before, at least as long and counting for as much? */
static bool had(const RoleSet *set, const Holder *before, const Holder *after, size_t at,
                uint64_t now_usec) {
        const StoreGrant *grant = &after->records[at];

        for (size_t i = 0; i < before->facts.grant_count; i++) {
                const StoreGrant *old = &before->records[i];

                if (strcmp(old->role, grant->role) == 0 &&
                    strcmp(old->tenant, grant->tenant) == 0 && old->scope == grant->scope &&
                    strcmp(old->over, grant->over) == 0 && old->until_usec >= grant->until_usec &&
                    (state_of(set, before, i, now_usec) == GRANT_COUNTS ||
                     state_of(set, after, at, now_usec) != GRANT_COUNTS))
                        return true;
        }
        return false;
}

/* Does anything that was taken from him come back? */
static bool is_freed(const RoleSet *set, const Holder *before, const Holder *after,
                     uint64_t now_usec) {
        if (before->facts.read_only && !after->facts.read_only)
                return true;
        for (size_t i = 0; i < before->facts.grant_count; i++)
                if (denies_anything(set, before->grants[i].role) &&
                    state_of(set, before, i, now_usec) == GRANT_COUNTS &&
                    !had(set, after, before, i, now_usec))
                        return true;
        return false;
}

static int refuse_gain(const StoreUser *user, const RoleSet *set, const StoreGrant *grant,
                       uint16_t missing, CoreError *error) {
        return core_fail(error, CORE_E_PROTECTED,
                         "%s: would come to %s, which gives more than you "
                         "have: %s",
                         user->name, grant->role,
                         missing == RIGHT_NONE ? "what that is cannot be told"
                                               : policy_right_name(set, missing));
}

/* May whoever does it give that away: what the role permits, and its Linux groups? */
static int check_gives(Change *change, const RoleSet *set, const Holder *actor,
                       const Holder *holder, size_t at, const StoreUser *user, CoreError *error) {
        const RightsGrant *grant = &holder->grants[at];
        uint16_t missing = RIGHT_NONE;

        if (!policy_rights_cover_grant(set, &actor->facts, grant, change->now_usec, &missing))
                return refuse_gain(user, set, &holder->records[at], missing, error);
        return core_linux_check_actor(change, set, actor, grant->role,
                                      grant->all_tenants ? NULL : grant->tenant, user->name, error);
}

/* All he may do, in each tenant that he holds anything in. */
static int check_all(Change *change, const RoleSet *set, const Holder *actor, const Holder *after,
                     const StoreUser *user, CoreError *error) {
        int r = 0;

        for (size_t i = 0; i < after->facts.grant_count && r == 0; i++)
                r = check_gives(change, set, actor, after, i, user, error);
        return r;
}

int core_gain_check_new(Change *change, const StoreUser *user, CoreError *error) {
        _cleanup_holder_ Holder actor = { 0 }, holder = { 0 };
        const RoleSet *set;
        int r;

        if (change->actor->uid == 0)
                return 0;
        r = core_role_set(change->core, change->txn, &set);
        if (r == 0)
                r = core_holder_of_actor(change->core, change->txn, set, change->actor, &actor);
        if (r == 0)
                r = core_holder_load(change->txn, set, user, &holder);
        for (size_t i = 0; r == 0 && i < holder.facts.grant_count; i++)
                if (holder.grants[i].automatic)
                        r = check_gives(change, set, &actor, &holder, i, user, error);
        return r;
}

int core_gain_check(Change *change, const StoreUser *before, const StoreUser *after,
                    CoreError *error) {
        _cleanup_holder_ Holder actor = { 0 }, old = { 0 }, new = { 0 };
        const RoleSet *set;
        int r;

        if (change->actor->uid == 0)
                return 0;
        r = core_role_set(change->core, change->txn, &set);
        if (r == 0) /* as he is: he may be the one who is changed */
                r = core_holder_of_actor(change->core, change->txn, set, change->actor, &actor);
        if (r == 0)
                r = core_holder_load(change->txn, set, before, &old);
        if (r == 0)
                r = core_holder_load(change->txn, set, after, &new);
        if (r != 0)
                return r;
        if (is_freed(set, &old, &new, change->now_usec))
                return check_all(change, set, &actor, &new, after, error);
        for (size_t i = 0; i < new.facts.grant_count &&r == 0; i++)
                if (!had(set, &old, &new, i, change->now_usec))
                        r = check_gives(change, set, &actor, &new, i, after, error);
        return r;
}

/* ---- who would gain and lose --------------------------------------------------------------- */

/* Does the condition ("" none) hold for him now? */
static int holds_now(const char *condition, const StoreUser *user, uint64_t now_usec) {
        uint64_t until;
        int r = condition_holds(condition, user, &until);

        return r > 0 ? now_usec < until : r;
}

int core_role_try(Core *core, const Actor *actor, const char *name, const char *condition,
                  const char *cursor, uint32_t limit, uint64_t now_usec, CoreTryEach each,
                  void *userdata, char *ret_cursor, CoreError *error) {
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        _cleanup_asker_ Asker asker = { 0 };
        char at[CORE_CURSOR_BYTES];
        const RoleSet *set;
        const char *now;
        uint32_t found = 0;
        uid_t uid = 0;
        int r;

        core_note_time(core, now_usec);
        r = core_list_begin(core, cursor, limit, at, &txn, error);
        if (r == 0)
                r = core_condition_check(core, txn, condition, error);
        if (r == 0)
                r = core_role_set(core, txn, &set);
        if (r == 0 && at[0] && base_parse_id(at, &uid) < 0)
                r = core_fail(error, CORE_E_BAD_VALUE, "cursor: \"%s\": is none of a list",
                              core_quote(at).text);
        if (r == 0)
                r = core_asker_load(core, txn, actor, &asker);
        if (r != 0)
                return r;
        now = policy_role_condition(set, policy_role_from_name(set, name));
        for (uint32_t looked = 0; found < limit && looked < CORE_LIST_RECORDS_MAX; looked++) {
                _cleanup_(store_user_freep) StoreUser *user = NULL;
                int had_it, has_it;
                bool seen = false;

                r = store_user_next_uid(txn, uid, &user);
                if (r == STORE_E_MISSING) {
                        ret_cursor[0] = '\0';
                        return 0;
                }
                if (r < 0)
                        return r;
                uid = user->uid;
                if (user->status == USER_STATUS_DELETED)
                        continue;
                had_it = holds_now(now ? now : "", user, now_usec);
                has_it = holds_now(condition, user, now_usec);
                if (had_it < 0 || has_it < 0)
                        return had_it < 0 ? had_it : has_it;
                if (had_it != has_it)
                        r = core_asker_sees(&asker, user, &seen);
                if (r < 0)
                        return r;
                if (!seen)
                        continue;
                each(userdata, user->name, has_it > 0);
                found++;
        }
        snprintf(ret_cursor, CORE_CURSOR_BYTES, "%u", uid);
        return 0;
}
