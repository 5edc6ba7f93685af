/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Makes roles, tenants, grants and policy values what they were, by the verbs; undo_run.c says in
 * which order. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "umd/core/levels.h"
#include "umd/core/undo.h"

/* ---- roles and tenants -------------------------------------------------------------------- */

/* The texts of a list, which are ours. */
static int list_split(const char *value, Texts *ret) {
        _cleanup_free_ char *copy = strdup(value ? value : "");
        char *at = copy, *line;
        int r = copy ? 0 : -ENOMEM;

        while (r == 0 && at && at[0] && (line = strsep(&at, "\n")))
                r = core_texts_add(ret, line);
        return r;
}

typedef struct RoleUndo {
        RoleEdit edit;
        Texts lists[_CORE_ROLE_LIST_MAX];
        bool any, make;
} RoleUndo;

static void role_undo_done(RoleUndo *undo) {
        for (size_t i = 0; i < _CORE_ROLE_LIST_MAX; i++)
                core_texts_done(&undo->lists[i]);
}

static int role_add(RoleUndo *undo, const Fact *fact) {
        static const char *const nothing[] = { NULL };
        size_t list = fact->key.number;
        int r = 0;

        undo->any = true;
        if (fact->key.kind == FACT_ROLE_THERE)
                undo->make = true;
        else if (fact->key.kind == FACT_ROLE_DESCRIPTION)
                undo->edit.description = fact->before ? fact->before : "";
        else if (fact->key.kind == FACT_ROLE_KIND)
                undo->edit.only_kind = fact->before ? fact->before : "any";
        else if (fact->key.kind == FACT_ROLE_ONE_TENANT) {
                undo->edit.has_one_tenant = true;
                undo->edit.one_tenant = fact->before != NULL;
        } else if (fact->key.kind == FACT_ROLE_AUTOMATIC)
                undo->edit.automatic = fact->before ? fact->before : "";
        else {
                r = list_split(fact->before, &undo->lists[list]);
                undo->edit.lists[list] = undo->lists[list].count > 0
                                                 ? (const char *const *)undo->lists[list].list
                                                 : nothing;
                undo->edit.counts[list] = undo->lists[list].count;
        }
        return r;
}

static bool is_role(const Fact *fact, const char *name) {
        return fact->reverse && fact->key.kind >= FACT_ROLE_THERE &&
               fact->key.kind <= FACT_ROLE_LIST && strcmp(fact->key.name, name) == 0 &&
               (fact->key.kind != FACT_ROLE_THERE || fact->before);
}

/* All that is to be reversed of one role, which may have to be made for it. */
int core_undo_role_reverse(UndoRun *run, size_t at, CoreError *error) {
        _cleanup_(role_undo_done) RoleUndo undo = { 0 };
        const char *name = run->facts[at].key.name;
        CoreChange change;
        int r = 0;

        for (size_t i = at; i < run->count && r == 0; i++)
                if (is_role(&run->facts[i], name))
                        r = role_add(&undo, &run->facts[i]);
        if (r < 0 || !undo.any)
                return r;
        undo.edit.name = name;
        r = undo.make ? core_role_create(run->core, run->actor, &undo.edit, run->options,
                                         run->now_usec, &change, error)
                      : core_role_update(run->core, run->actor, name, &undo.edit, run->options,
                                         run->now_usec, &change, error);
        for (size_t i = at; i < run->count && r == 0; i++)
                if (is_role(&run->facts[i], name))
                        core_fact_reversed(&run->facts[i]);
        return r;
}

int core_undo_role_delete(const UndoRun *run, Fact *fact, CoreError *error) {
        CoreChange change;
        int r;

        if (fact->before)
                return 0;
        /* who holds it by its condition alone was given nothing since; a grant still stops it */
        r = core_role_update(run->core, run->actor, fact->key.name, &(RoleEdit){ .automatic = "" },
                             run->options, run->now_usec, &change, error);
        if (r == 0)
                r = core_role_delete(run->core, run->actor, fact->key.name, run->force,
                                     run->options, run->now_usec, &change, error);
        if (r == 0)
                core_fact_reversed(fact);
        return r;
}

int core_undo_tenant_restore(const UndoRun *run, Fact *fact, CoreError *error) {
        CoreChange change;
        int r;

        if (!fact->before)
                return 0;
        r = core_tenant_restore(run->core, run->actor, fact->key.name, run->options, run->now_usec,
                                &change, error);
        if (r == 0)
                core_fact_reversed(fact);
        return r;
}

/* Whoever came to it since would go with it. */
int core_undo_tenant_delete(const UndoRun *run, Fact *fact, CoreError *error) {
        CoreTenantUse use;
        CoreChange change;
        int r;

        if (fact->before)
                return 0;
        r = core_tenant_use(run->core, core_undo_txn(run), fact->key.name, &use);
        if (r < 0)
                return r;
        if (use.users + use.grants > 0 && !run->force) {
                fact->reverse = false;
                fact->undone = CORE_UNDONE_KEPT;
                return 0;
        }
        r = core_tenant_delete(run->core, run->actor, fact->key.name, run->options, run->now_usec,
                               &change, error);
        if (r == 0)
                core_fact_reversed(fact);
        return r;
}

int core_undo_tenant_edit(const UndoRun *run, Fact *fact, CoreError *error) {
        TenantEdit edit = { 0 };
        uint64_t seats = 0;
        CoreChange change;
        int r;

        if (fact->key.kind == FACT_TENANT_TITLE)
                edit.title = fact->before ? fact->before : "";
        else if (fact->key.kind == FACT_TENANT_DEFAULT_ROLE)
                edit.default_role = fact->before;
        else if (fact->before && base_parse_u64(fact->before, 0, UINT32_MAX, &seats) < 0)
                return -EBADMSG;
        edit.has_seats = fact->key.kind == FACT_TENANT_SEATS;
        edit.seats = (uint32_t)seats;
        r = core_tenant_update(run->core, run->actor, fact->key.name, &edit, run->options,
                               run->now_usec, &change, error);
        if (r == CORE_E_NO_SUCH_TENANT) {
                *error = (CoreError){ 0 };
                core_fact_stays(fact, "the tenant is deleted");
                return 0;
        }
        if (r == 0)
                core_fact_reversed(fact);
        return r;
}

/* ---- grants and policy values ------------------------------------------------------------- */

static int grant_edit(const UndoRun *run, const Fact *fact, const StoreUser *user, bool give,
                      CoreError *error) {
        StoreGrant grant = { .until_usec = USEC_INFINITY, .reason = run->options->reason };
        char over[CORE_OVER_BYTES];
        GrantEdit edit = { .user = user->name,
                           .role = fact->key.grant.role,
                           .tenant = fact->key.grant.tenant,
                           .until_usec = USEC_INFINITY };
        CoreOptions options;
        CoreChange change;

        if (give && !core_fact_grant(fact->before, &grant))
                return -EBADMSG;
        core_over_format(fact->key.grant.scope, fact->key.grant.over, over);
        edit.over = over[0] ? over : NULL;
        edit.from_usec = grant.from_usec;
        edit.until_usec = grant.until_usec;
        options = core_undo_options(run, grant.reason);
        return give ? core_grant_add(run->core, run->actor, &edit, &options, run->now_usec, &change,
                                     error)
                    : core_grant_revoke(run->core, run->actor, &edit, &options, run->now_usec,
                                        &change, error);
}

static bool grant_is_over(const UndoRun *run, const Fact *fact) {
        StoreGrant grant = { 0 };

        return core_fact_grant(fact->before, &grant) && grant.until_usec <= run->now_usec;
}

static int grant_reverse(const UndoRun *run, Fact *fact, bool give, CoreError *error) {
        _cleanup_(store_user_freep) StoreUser *user = NULL;
        int r;

        if (give != (fact->before != NULL))
                return 0;
        r = core_undo_user(run, fact->key.id, false, &user);
        if (r < 0)
                return r;
        if (!user) {
                core_fact_stays(fact, "the user is deleted");
                return 0;
        }
        if (give && grant_is_over(run, fact)) {
                core_fact_stays(fact, "its time is over");
                return 0;
        }
        r = grant_edit(run, fact, user, give, error);
        if (r == 0)
                core_fact_reversed(fact);
        return r;
}

/* The first owner of a tenant has no end. */
int core_undo_grant_give_for_good(const UndoRun *run, Fact *fact, CoreError *error) {
        StoreGrant grant = { 0 };

        if (!core_fact_grant(fact->before, &grant) || grant.until_usec != USEC_INFINITY)
                return 0;
        return grant_reverse(run, fact, true, error);
}

int core_undo_grant_give(const UndoRun *run, Fact *fact, CoreError *error) {
        return grant_reverse(run, fact, true, error);
}

int core_undo_grant_take(const UndoRun *run, Fact *fact, CoreError *error) {
        return grant_reverse(run, fact, false, error);
}

/* False for a level that the store does not have. */
static bool policy_place(const Fact *fact, CorePolicyPlace *ret) {
        static const PolicyLevel levels[] = { POLICY_LEVEL_COMPANY, POLICY_LEVEL_DEPARTMENT,
                                              POLICY_LEVEL_ROLE, POLICY_LEVEL_USER };

        ret->subject = fact->key.name;
        for (size_t i = 0; i < ARRAY_LENGTH(levels); i++)
                if (core_level_stored(levels[i]) == (StorePolicyLevel)fact->key.number) {
                        ret->level = levels[i];
                        return true;
                }
        return false;
}

int core_undo_policy_reverse(const UndoRun *run, Fact *fact, CoreError *error) {
        _cleanup_(store_user_freep) StoreUser *user = NULL;
        char kept[POLICY_VALUE_TEXT_MAX];
        CorePolicyPlace place;
        CoreChange change;
        uid_t uid = 0;
        int r = 0;

        if (!policy_place(fact, &place) ||
            (place.level == POLICY_LEVEL_USER && base_parse_id(fact->key.name, &uid) < 0))
                return -EBADMSG;
        if (place.level == POLICY_LEVEL_USER) {
                r = core_undo_user(run, uid, false, &user);
                if (r == 0 && !user)
                        core_fact_stays(fact, "the user is deleted");
                if (r < 0 || !user)
                        return r;
                place.subject = user->name;
        }
        r = fact->before
                    ? core_policy_set(run->core, run->actor, &place, fact->key.value, fact->before,
                                      run->options, run->now_usec, kept, &change, error)
                    : core_policy_unset(run->core, run->actor, &place, fact->key.value,
                                        run->options, run->now_usec, &change, error);
        if (r == CORE_E_NO_SUCH_ROLE || r == CORE_E_NO_SUCH_TENANT) {
                *error = (CoreError){ 0 };
                core_fact_stays(fact, "whose it was is deleted");
                return 0;
        }
        if (r == 0)
                core_fact_reversed(fact);
        return r;
}
