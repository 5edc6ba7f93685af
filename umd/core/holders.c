/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From a user's record and his grants to the facts that policy judges.  They are read each time, in
 * the transaction of whoever asks, as policy values are. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "umd/core/holders.h"

void core_holder_done(Holder *holder) {
        core_texts_done(&holder->texts);
        free(holder->grants);
        free(holder->records);
        free(holder->attributes);
        *holder = (Holder){ 0 };
}

RightsGrant core_grant_facts(const RoleSet *set, const StoreGrant *record) {
        return (RightsGrant){
                .role = policy_role_from_name(set, record->role),
                .all_tenants = strcmp(record->tenant, CORE_TENANT_ALL) == 0,
                .tenant = record->tenant,
                .from_usec = record->from_usec,
                .until_usec = record->until_usec,
                .scope = (GrantScope)record->scope,
                .over = record->over,
        };
}

static int holder_grow(Holder *holder) {
        size_t size = holder->size ? holder->size * 2 : 4;
        RightsGrant *grants;
        StoreGrant *records;

        if (holder->facts.grant_count < holder->size)
                return 0;
        grants = reallocarray(holder->grants, size, sizeof(*grants));
        if (!grants)
                return -ENOMEM;
        holder->grants = grants;
        holder->facts.grants = grants;
        records = reallocarray(holder->records, size, sizeof(*records));
        if (!records)
                return -ENOMEM;
        holder->records = records;
        holder->size = size;
        return 0;
}

static int text_keep(Holder *holder, const char **text) {
        int r = core_texts_add(&holder->texts, *text);

        if (r == 0)
                *text = holder->texts.list[holder->texts.count - 1];
        return r;
}

typedef struct Loading {
        const RoleSet *set;
        Holder *holder;
} Loading;

static int grant_keep(const RoleSet *set, const StoreGrant *grant, Holder *holder) {
        StoreGrant record = *grant;
        int r;

        r = holder_grow(holder);
        if (r == 0)
                r = text_keep(holder, &record.role);
        if (r == 0)
                r = text_keep(holder, &record.tenant);
        if (r == 0)
                r = text_keep(holder, &record.over);
        if (r == 0)
                r = text_keep(holder, &record.reason);
        if (r < 0)
                return r;
        holder->records[holder->facts.grant_count] = record;
        holder->grants[holder->facts.grant_count++] = core_grant_facts(set, &record);
        return 0;
}

static int grant_load(void *userdata, const StoreGrant *grant) {
        const Loading *loading = userdata;

        return grant_keep(loading->set, grant, loading->holder);
}

/* Those that count for anything: one that is over, too, until when it did. */
static int attributes_load(const StoreAttribute *list, size_t count, Holder *holder) {
        int r = 0;

        if (count == 0)
                return 0;
        holder->attributes = calloc(count, sizeof(*holder->attributes));
        if (!holder->attributes)
                return -ENOMEM;
        holder->facts.attributes = holder->attributes;
        for (size_t i = 0; i < count && r == 0; i++) {
                RightsAttribute *attribute = &holder->attributes[holder->facts.attribute_count];

                if (!policy_attribute_counts((AttributeType)list[i].type, list[i].value))
                        continue;
                *attribute = (RightsAttribute){ list[i].name, list[i].until_usec };
                holder->facts.attribute_count++;
                r = text_keep(holder, &attribute->name);
        }
        return r;
}

/* What he has without anybody having granted it, in his home tenant.  Nothing of it is kept: it
 * follows from his record and the roles as they are.  Nobody comes to own a tenant so. */
static int automatic_load(const RoleSet *set, const StoreUser *user, const ConditionFacts *facts,
                          Holder *holder) {
        uint16_t owner = policy_role_from_name(set, CORE_ROLE_OWNER), role;
        int r = 0;

        for (size_t at = 0; r == 0 && (role = policy_role_automatic(set, at)) != ROLE_NONE; at++) {
                StoreGrant record = {
                        .uid = user->uid,
                        .role = policy_role_name(set, role),
                        .tenant = user->tenant,
                        .by = (uid_t)-1,
                        .reason = policy_role_condition(set, role),
                        .made_usec = user->facts_usec ? user->facts_usec : user->created_usec,
                        .over = "",
                };

                if (policy_role_includes(set, role, owner) ||
                    !policy_condition_holds(record.reason, facts, &record.until_usec))
                        continue;
                r = grant_keep(set, &record, holder);
                if (r == 0)
                        holder->grants[holder->facts.grant_count - 1].automatic = true;
        }
        return r;
}

void core_condition_facts(const StoreUser *user, const StoreAttribute *list, size_t count,
                          ConditionAttribute *attributes, ConditionFacts *ret) {
        for (size_t i = 0; i < count; i++)
                attributes[i] =
                        (ConditionAttribute){ list[i].name, list[i].value, list[i].until_usec };
        *ret = (ConditionFacts){
                .department = user->department,
                .title = user->title,
                .tenant = user->tenant,
                .kind = user->service ? HOLDER_SERVICE : HOLDER_PERSON,
                .attributes = attributes,
                .attribute_count = count,
        };
}

/* What stands in his record, and what follows from it. */
static int record_load(const RoleSet *set, const StoreUser *user, Holder *holder) {
        StoreAttribute list[STORE_ATTRIBUTES_MAX];
        ConditionAttribute attributes[STORE_ATTRIBUTES_MAX];
        ConditionFacts facts;
        size_t count;
        int r = store_attributes_read(user, list, &count);

        if (r == 0)
                r = attributes_load(list, count, holder);
        if (r < 0)
                return r;
        core_condition_facts(user, list, count, attributes, &facts);
        return automatic_load(set, user, &facts, holder);
}

int core_holder_load(StoreTxn *txn, const RoleSet *set, const StoreUser *user, Holder *ret) {
        _cleanup_holder_ Holder holder = { 0 };
        Loading loading = { set, &holder };
        int r;

        holder.facts.kind = user->service ? HOLDER_SERVICE : HOLDER_PERSON;
        holder.facts.read_only = user->read_only;
        /* only an admin can set an address (FEATURES D20) */
        holder.facts.email = user->email[0] != '\0';
        r = store_grant_each(txn, user->uid, grant_load, &loading);
        if (r == 0) /* behind those that were granted */
                r = record_load(set, user, &holder);
        if (r != 0)
                return r;
        *ret = holder;
        holder = (Holder){ 0 };
        return 0;
}

int core_holder_of_actor(Core *core, StoreTxn *txn, const RoleSet *set, const Actor *actor,
                         Holder *ret) {
        _cleanup_(store_user_freep) StoreUser *user = NULL;
        int r;

        *ret = (Holder){ .facts.root = actor->uid == 0 };
        if (actor->uid == 0)
                return 0;
        r = store_user_get(txn, actor->uid, &user);
        if (r != 0)
                return r < 0 ? r : 0;
        if (!core_user_acts(user, core->now_usec))
                return 0;
        return core_holder_load(txn, set, user, ret);
}

void core_holder_drop_automatic(Holder *holder, uint64_t now_usec) {
        for (size_t i = holder->facts.grant_count; i-- > 0;)
                if (holder->grants[i].automatic && holder->grants[i].until_usec <= now_usec)
                        core_holder_drop(holder, i);
}

void core_holder_drop(Holder *holder, size_t at) {
        size_t behind = holder->facts.grant_count - at - 1;

        memmove(&holder->grants[at], &holder->grants[at + 1], behind * sizeof(*holder->grants));
        memmove(&holder->records[at], &holder->records[at + 1], behind * sizeof(*holder->records));
        holder->facts.grant_count--;
}

int core_holder_may_log_in(Core *core, StoreTxn *txn, const StoreUser *user, const char *service,
                           uint64_t now_usec, bool *ret) {
        _cleanup_holder_ Holder holder = { 0 };
        const RightsPlace place = {
                .tenant = core->settings.tenant,
                .now_usec = now_usec,
                .over = RIGHTS_OVER_SELF,
        };
        char permission[PERMISSION_NAME_MAX + 1];
        const RoleSet *set;
        int r, n = snprintf(permission, sizeof(permission), "login.%s", service);

        *ret = false;
        r = core_role_set(core, txn, &set);
        if (r == 0)
                r = core_holder_load(txn, set, user, &holder);
        if (r != 0 || n >= (int)sizeof(permission)) /* no service has such a name */
                return r;
        *ret = policy_rights_has(set, &holder.facts, &place,
                                 policy_right_from_name(set, permission));
        return 0;
}

void core_over_format(uint32_t scope, const char *over, char *buf) {
        buf[0] = '\0';
        if (scope != GRANT_SCOPE_ALL)
                snprintf(buf, CORE_OVER_BYTES, "%s=%s",
                         scope == GRANT_SCOPE_DEPARTMENT ? "department" : "group", over);
}

/* ---- what a user is shown with ------------------------------------------------------------- */

int core_roles_of_user(Core *core, StoreTxn *txn, const StoreUser *user, Texts *ret,
                       const char **ret_type) {
        _cleanup_holder_ Holder holder = { 0 };
        const RightsPlace place = {
                .tenant = core->settings.tenant,
                .now_usec = core->now_usec,
                .over = RIGHTS_OVER_SELF,
        };
        const RoleSet *set;
        int r;

        r = core_role_set(core, txn, &set);
        if (r == 0)
                r = core_holder_load(txn, set, user, &holder);
        for (size_t i = 0; i < holder.facts.grant_count && r == 0; i++)
                if (policy_grant_state(set, &holder.facts, &holder.grants[i], &place, NULL) ==
                    GRANT_COUNTS)
                        r = core_texts_add(ret, holder.records[i].role);
        if (r < 0)
                return r;
        core_texts_sort(ret);
        core_texts_unite(ret);
        if (ret_type)
                *ret_type = core_holder_type(set, &holder, core->now_usec);
        return 0;
}
