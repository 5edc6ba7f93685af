/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Granting and revoking roles.  All that is against a grant is looked at before it is written: that
 * role and tenant are there, what the role requires and whom it is for, what it conflicts with, and
 * that nobody grants above himself.  Then the owners are looked at (owners.c). */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "umd/core/levels.h"
#include "umd/core/undo.h"

/* What a call asks for, found in the store. */
typedef struct Asked {
        const Roles *roles;
        const RoleSet *set;
        StoreUser *user;
        Holder holder; /* the user's */
        StoreGrant grant;
        RightsGrant facts; /* of grant */
        size_t old;        /* the one it replaces, in holder; its count: none */
} Asked;

static void asked_done(Asked *asked) {
        core_holder_done(&asked->holder);
        store_user_freep(&asked->user);
}

/* ---- reading what is asked for ------------------------------------------------------------- */

static int read_over(Change *change, const char *over, StoreGrant *grant, CoreError *error) {
        static const char department[] = "department=", group[] = "group=";
        _cleanup_(store_group_freep) StoreGroup *record = NULL;

        grant->over = "";
        if (!over)
                return 0;
        if (strncmp(over, department, strlen(department)) == 0) {
                grant->scope = GRANT_SCOPE_DEPARTMENT;
                grant->over = over + strlen(department);
        } else if (strncmp(over, group, strlen(group)) == 0) {
                grant->scope = GRANT_SCOPE_GROUP;
                grant->over = over + strlen(group);
        }
        if (!grant->over[0] || strlen(grant->over) > 128 ||
            base_field_check(FIELD_LINE, grant->over, strlen(grant->over)) != FIELD_OK)
                return core_fail(error, CORE_E_BAD_VALUE,
                                 "over: \"%s\": must be department=NAME or group=NAME",
                                 core_quote(over).text);
        if (grant->scope == GRANT_SCOPE_GROUP)
                return core_group_load(change->txn, grant->over, &record, error);
        return 0;
}

static int find_tenant(Change *change, const GrantEdit *edit, Asked *asked, CoreError *error) {
        _cleanup_(store_tenant_freep) StoreTenant *tenant = NULL;
        bool one = core_roles_spec(asked->roles, asked->facts.role)->one_tenant;
        const char *name = edit->tenant;

        if (one && (!name || strcmp(name, CORE_TENANT_ALL) == 0))
                return core_fail(error, CORE_E_BAD_VALUE,
                                 "tenant: %s: is for one tenant, which has to be named",
                                 edit->role);
        if (!name)
                name = change->core->settings.tenant;
        asked->grant.tenant = name;
        if (strcmp(name, CORE_TENANT_ALL) == 0)
                return 0;
        return core_tenant_load(change->core, change->txn, name, &tenant, error);
}

/* Of those that somebody granted. */
static size_t find_old(const Asked *asked) {
        size_t i;

        for (i = 0; i < asked->holder.facts.grant_count; i++) {
                const StoreGrant *grant = &asked->holder.records[i];

                if (!asked->holder.grants[i].automatic &&
                    strcmp(grant->role, asked->grant.role) == 0 &&
                    strcmp(grant->tenant, asked->grant.tenant) == 0 &&
                    grant->scope == asked->grant.scope &&
                    strcmp(grant->over, asked->grant.over) == 0)
                        break;
        }
        return i;
}

/* Texts stay the caller's. */
static int ask(Change *change, const GrantEdit *edit, Asked *ret, CoreError *error) {
        Core *core = change->core;
        int r = 0;

        if (change->options->if_version != 0)
                r = core_fail(error, CORE_E_BAD_VALUE, "version: a grant has none");
        if (r == 0)
                r = core_user_load(core, change->txn, edit->user, false, &ret->user, error);
        if (r == 0)
                r = core_roles(core, change->txn, &ret->roles);
        if (r != 0)
                return r;
        ret->set = core_roles_set(ret->roles);
        r = core_role_find(ret->set, edit->role, &ret->facts.role, error);
        if (r != 0)
                return r;
        ret->grant = (StoreGrant){
                .uid = ret->user->uid,
                .role = edit->role,
                .from_usec = edit->from_usec,
                .until_usec = edit->until_usec,
                .by = change->actor->uid,
                .reason = change->options->reason,
                .made_usec = change->now_usec,
                .end_sessions = edit->end_sessions,
        };
        r = find_tenant(change, edit, ret, error);
        if (r == 0)
                r = read_over(change, edit->over, &ret->grant, error);
        if (r == 0)
                r = core_holder_load(change->txn, ret->set, ret->user, &ret->holder);
        if (r != 0)
                return r;
        ret->facts = core_grant_facts(ret->set, &ret->grant);
        ret->old = find_old(ret);
        return 0;
}

static const StoreGrant *old_of(const Asked *asked) {
        return asked->old < asked->holder.facts.grant_count ? &asked->holder.records[asked->old]
                                                            : NULL;
}

/* ---- what is against it -------------------------------------------------------------------- */

static int check_times(Change *change, const StoreGrant *grant, CoreError *error) {
        char from[32], until[32];

        base_format_rfc3339(grant->from_usec, from);
        base_format_rfc3339(grant->until_usec, until);
        if (grant->until_usec <= change->now_usec)
                return core_fail(error, CORE_E_BAD_VALUE, "until: %s: is over already", until);
        if (grant->end_sessions && grant->until_usec == USEC_INFINITY)
                return core_fail(error, CORE_E_BAD_VALUE, "end_sessions: needs an end");
        if (grant->until_usec <= grant->from_usec)
                return core_fail(error, CORE_E_BAD_VALUE, "until: %s: must be after from, %s",
                                 until, from);
        return 0;
}

/* Would it count, once its time has come (D20, A7)? */
static int check_state(Change *change, const Asked *asked, CoreError *error) {
        const RightsPlace place = {
                .tenant = asked->grant.tenant,
                .all_tenants = asked->facts.all_tenants,
                .now_usec = asked->grant.from_usec > change->now_usec ? asked->grant.from_usec
                                                                      : change->now_usec,
                .over = RIGHTS_OVER_SELF,
        };
        const char *attribute, *user = asked->user->name, *role = asked->grant.role;

        switch (policy_grant_state(asked->set, &asked->holder.facts, &asked->facts, &place,
                                   &attribute)) {
        case GRANT_COUNTS:
                return 0;
        case GRANT_NEEDS_EMAIL:
                return core_fail(error, CORE_E_POLICY_REFUSED,
                                 "%s: has no e-mail address, which %s requires", user, role);
        case GRANT_NEEDS_ATTRIBUTE:
                return core_fail(error, CORE_E_POLICY_REFUSED,
                                 "%s: has not the attribute %s, which %s requires", user, attribute,
                                 role);
        case GRANT_WRONG_KIND:
                return core_fail(error, CORE_E_POLICY_REFUSED,
                                 "%s: is of a kind of user that %s is not for", user, role);
        case GRANT_INVALID:
        case GRANT_BROKEN:
        case GRANT_NO_ROLE:
        case GRANT_OTHER_TENANT:
        case GRANT_NOT_YET:
        case GRANT_EXPIRED:
        case GRANT_OUT_OF_SCOPE:
        case GRANT_ONE_TENANT_ONLY:
        case GRANT_CONFLICT:
        case _GRANT_STATE_MAX:
                break;
        }
        return core_fail(error, CORE_E_POLICY_REFUSED, "%s: cannot be granted: it has a fault",
                         role);
}

static void path_text(const RoleSet *set, const RolePath *path, Text *text) {
        for (size_t i = 0; i < path->count; i++)
                base_text_addf(text, "%s%s", i > 0 ? " > " : "",
                               policy_role_name(set, path->roles[i]));
}

static bool may_override(const Asked *asked, const Holder *actor, uint64_t now_usec) {
        const RightsPlace place = {
                .tenant = asked->grant.tenant,
                .all_tenants = asked->facts.all_tenants,
                .now_usec = now_usec,
                .over = RIGHTS_OVER_TENANT,
        };

        return policy_rights_has(asked->set, &actor->facts, &place,
                                 PERMISSION_ROLE_CONFLICT_OVERRIDE);
}

/* The grant it replaces is out of the holder by now. */
static int check_conflict(Change *change, const GrantEdit *edit, const Asked *asked,
                          const Holder *actor, CoreError *error) {
        RoleConflict conflict;
        char buf[300];
        Text text;

        if (!policy_grant_conflict(asked->set, &asked->holder.facts, &asked->facts, &conflict))
                return 0;
        if (edit->allow_conflict) {
                if (!change->options->reason[0] || edit->until_usec == USEC_INFINITY)
                        return core_fail(error, CORE_E_BAD_VALUE,
                                         "allow-conflict: needs a reason and an end");
                if (may_override(asked, actor, change->now_usec))
                        return 0;
                return core_fail(error, CORE_E_ACCESS_DENIED, "this needs the permission %s",
                                 policy_permission_info(PERMISSION_ROLE_CONFLICT_OVERRIDE)->name);
        }
        base_text_init(&text, buf, sizeof(buf));
        path_text(asked->set, &conflict.a, &text);
        base_text_add(&text, " and ");
        path_text(asked->set, &conflict.b, &text);
        return core_fail(error, CORE_E_ROLE_CONFLICT, "%s: would hold roles that conflict: %s",
                         asked->user->name, buf);
}

/* Nobody gives what he has not, nor to one who has more, nor to himself (D8). */
static int check_actor(Change *change, const Asked *asked, const Holder *actor, CoreError *error) {
        uint16_t missing = RIGHT_NONE;
        int r;

        if (change->actor->uid == 0)
                return 0;
        if (change->actor->uid == asked->user->uid)
                return core_fail(error, CORE_E_PROTECTED, "%s: nobody grants himself a role",
                                 asked->user->name);
        if (!policy_rights_cover_grant(asked->set, &actor->facts, &asked->facts, change->now_usec,
                                       &missing))
                return core_fail(error, CORE_E_PROTECTED, "%s: gives more than you have: %s",
                                 asked->grant.role,
                                 missing == RIGHT_NONE ? "what that is cannot be told"
                                                       : policy_right_name(asked->set, missing));
        r = core_linux_check_actor(change, asked->set, actor, asked->facts.role,
                                   asked->facts.all_tenants ? NULL : asked->grant.tenant,
                                   asked->grant.role, error);
        if (r == 0)
                r = core_owner_guard(change, asked->user, error);
        if (r != 0)
                return r;
        return asked->facts.all_tenants
                       ? core_actor_covers_account(change, asked->user, error)
                       : core_actor_covers(change, asked->user, asked->grant.tenant, error);
}

/* An owner for a time alone would leave the tenant without one some day. */
static int check_first_owner(Change *change, const Asked *asked, CoreError *error) {
        const char *tenant =
                asked->facts.all_tenants ? change->core->settings.tenant : asked->grant.tenant;
        bool has = false;
        int r;

        if (strcmp(asked->grant.role, CORE_ROLE_OWNER) != 0)
                return 0;
        r = core_tenant_has_owner(change, tenant, &has);
        if (r < 0 || has)
                return r;
        return core_fail(error, CORE_E_LAST_OWNER,
                         "%s: would have no owner who stays: the first one is granted without an "
                         "end, over all of the tenant",
                         tenant);
}

static int check_grant(Change *change, const GrantEdit *edit, Asked *asked, CoreError *error) {
        _cleanup_holder_ Holder actor = { 0 };
        int r;

        r = check_times(change, &asked->grant, error);
        if (r == 0)
                r = check_state(change, asked, error);
        if (r == 0)
                r = core_holder_of_actor(change->core, change->txn, asked->set, change->actor,
                                         &actor);
        if (r == 0)
                r = check_actor(change, asked, &actor, error);
        core_holder_drop_automatic(&asked->holder, change->now_usec);
        if (r == 0 && !old_of(asked) && asked->holder.facts.grant_count >= CORE_GRANTS_MAX)
                r = core_fail(error, CORE_E_POLICY_REFUSED,
                              "%s: holds %u grants, the most there may be", asked->user->name,
                              CORE_GRANTS_MAX);
        if (r == 0 && old_of(asked))
                core_holder_drop(&asked->holder, asked->old);
        if (r == 0)
                r = check_conflict(change, edit, asked, &actor, error);
        return r;
}

/* ---- writing ------------------------------------------------------------------------------- */

int core_grant_text(StoreTxn *txn, const StoreGrant *grant, char *buf, size_t size) {
        char over[CORE_OVER_BYTES], when[32], by[CORE_ACTOR_BYTES];
        Text text;
        int r = core_actor_name(txn, grant->by, by);

        core_over_format(grant->scope, grant->over, over);
        base_text_init(&text, buf, size);
        base_text_addf(&text, "%s at %s%s%s", grant->role, grant->tenant, over[0] ? " over " : "",
                       over);
        if (grant->from_usec > 0) {
                base_format_rfc3339(grant->from_usec, when);
                base_text_addf(&text, ", from %s", when);
        }
        if (grant->until_usec != USEC_INFINITY) {
                base_format_rfc3339(grant->until_usec, when);
                base_text_addf(&text, ", until %s", when);
        }
        if (grant->end_sessions)
                base_text_add(&text, ", sessions end with it");
        base_text_addf(&text, ", by %s%s%s", by, grant->reason[0] ? ": " : "", grant->reason);
        return r;
}

static int grant_write(Change *change, const StoreUser *user, const StoreGrant *old,
                       const StoreGrant *grant) {
        char was[CORE_GRANT_TEXT_BYTES] = "", is[CORE_GRANT_TEXT_BYTES];
        int r = 0;

        if (old)
                r = core_grant_text(change->txn, old, was, sizeof(was));
        if (r == 0)
                r = core_grant_text(change->txn, grant, is, sizeof(is));
        if (r == 0)
                r = core_change_value(change, "grant", was, is);
        if (r == 0)
                r = core_note_grant(change, old, grant);
        if (r == 0)
                r = store_grant_put(change->txn, grant);
        if (r < 0)
                return r;
        r = core_linux_news_of_role(change, grant->role);
        if (r < 0)
                return r;
        return core_change_news(change, CORE_OBJECT_USER, CORE_NEWS_CHANGED, user->uid, user->name,
                                NULL);
}

int core_grant_remove(Change *change, const StoreUser *user, const StoreGrant *grant) {
        char was[CORE_GRANT_TEXT_BYTES];
        int r;

        r = core_grant_text(change->txn, grant, was, sizeof(was));
        if (r == 0 && change->value_count < CHANGE_VALUES_MAX / 2)
                r = core_change_value(change, "grant", was, NULL);
        if (r == 0)
                r = core_note_grant(change, grant, NULL);
        if (r == 0)
                r = store_grant_delete(change->txn, grant);
        if (r != 0)
                return r < 0 ? r : -EUCLEAN;
        r = core_linux_news_of_role(change, grant->role);
        if (r < 0)
                return r;
        return core_change_news(change, CORE_OBJECT_USER, CORE_NEWS_CHANGED, user->uid, user->name,
                                NULL);
}

/* ---- verbs --------------------------------------------------------------------------------- */

/* It may begin some day, when nothing is changed. */
static int demand_note(Change *change, const Asked *asked) {
        int r = core_mfa_role_speaks(change->txn, asked->roles, asked->facts.role);

        change->second_factors = r > 0;
        return r < 0 ? r : 0;
}

static bool grant_is(const StoreGrant *old, const StoreGrant *grant) {
        return old && old->from_usec == grant->from_usec && old->until_usec == grant->until_usec &&
               old->end_sessions == grant->end_sessions && strcmp(old->reason, grant->reason) == 0;
}

/* With a deny or a limit less, the user may do more than before: is that covered too (D8)? */
static int check_after(Change *change, const Asked *asked, CoreError *error) {
        return asked->facts.all_tenants
                       ? core_actor_covers_account(change, asked->user, error)
                       : core_actor_covers(change, asked->user, asked->grant.tenant, error);
}

int core_grant_add(Core *core, const Actor *actor, const GrantEdit *edit,
                   const CoreOptions *options, uint64_t now_usec, CoreChange *ret,
                   CoreError *error) {
        _cleanup_change_ Change change = { 0 };
        _cleanup_(asked_done) Asked asked = { 0 };
        _cleanup_owners_ Owners owners = { 0 };
        StoreGrant old = { 0 };
        bool replaces;
        int r;

        r = core_change_begin(&change, core, actor, options, now_usec, error);
        if (r == 0)
                r = ask(&change, edit, &asked, error);
        if (r != 0)
                return r;
        *ret = (CoreChange){ .object_id = asked.user->uid, .version = asked.user->version };
        if (grant_is(old_of(&asked), &asked.grant))
                return 0;
        replaces = old_of(&asked) != NULL;
        if (replaces)
                old = *old_of(&asked); /* its texts stay with the holder */
        if (asked.grant.scope != GRANT_SCOPE_ALL && strcmp(edit->role, CORE_ROLE_OWNER) == 0)
                return core_fail(error, CORE_E_BAD_VALUE, "over: an owner is one of all of it");
        r = core_owners_note_user(&change, asked.user->uid, &owners);
        if (r == 0)
                r = check_grant(&change, edit, &asked, error);
        if (r == 0)
                r = demand_note(&change, &asked);
        if (r == 0)
                r = grant_write(&change, asked.user, replaces ? &old : NULL, &asked.grant);
        if (r == 0)
                r = check_after(&change, &asked, error);
        if (r == 0)
                r = core_owners_check(&change, &owners, error);
        if (r == 0)
                r = check_first_owner(&change, &asked, error);
        if (r != 0)
                return r;
        return core_change_commit(&change, "role.grant", "user", asked.user->name, asked.user->uid,
                                  asked.user->version, ret);
}

static int value_found(void *userdata, const StorePolicyValue *row) {
        (void)userdata;
        (void)row;
        return 1;
}

static bool permits_any(const RoleSet *set, uint16_t role) {
        for (uint16_t right = 0; right < policy_right_count(set); right++)
                if (policy_role_permits(set, role, right))
                        return true;
        return false;
}

/* Nobody takes from himself what limits him: a role that denies, demands or sets something. */
static int check_own(Change *change, const Asked *asked, CoreError *error) {
        int r = store_policy_value_each(change->txn, STORE_POLICY_ROLE, asked->grant.role,
                                        value_found, NULL);

        if (r < 0)
                return r;
        if (r == 0 && !core_role_denies_any(asked->set, asked->facts.role) &&
            (!policy_role_needs_second_factor(asked->set, asked->facts.role) ||
             permits_any(asked->set, asked->facts.role)))
                return 0; /* whoever lays down what demands a factor lays down what it is for */
        if (r == 0 && strcmp(asked->grant.role, CORE_ROLE_OWNER) == 0)
                return 0; /* his to lay down (D9) */
        return core_fail(error, CORE_E_PROTECTED, "%s: limits you: somebody else takes it from you",
                         asked->grant.role);
}

/* What he may take away he could have given; an owner's are his own and root's (D9). */
static int check_revoke(Change *change, const Asked *asked, CoreError *error) {
        _cleanup_holder_ Holder actor = { 0 };
        uint16_t missing;
        int r;

        if (change->actor->uid == 0)
                return 0;
        if (change->actor->uid == asked->user->uid)
                return check_own(change, asked, error);
        r = core_owner_guard(change, asked->user, error);
        if (r == 0)
                r = core_holder_of_actor(change->core, change->txn, asked->set, change->actor,
                                         &actor);
        if (r == 0 && !policy_rights_cover_grant(asked->set, &actor.facts, &asked->facts,
                                                 change->now_usec, &missing))
                r = core_fail(error, CORE_E_PROTECTED, "%s: gives more than you have",
                              asked->grant.role);
        return r != 0 ? r : check_after(change, asked, error);
}

/* What nobody granted nobody revokes. */
static int refuse_automatic(const Asked *asked, CoreError *error) {
        for (size_t i = 0; i < asked->holder.facts.grant_count; i++) {
                const StoreGrant *grant = &asked->holder.records[i];

                if (asked->holder.grants[i].automatic &&
                    strcmp(grant->role, asked->grant.role) == 0 &&
                    strcmp(grant->tenant, asked->grant.tenant) == 0 &&
                    asked->grant.scope == GRANT_SCOPE_ALL)
                        return core_fail(error, CORE_E_POLICY_REFUSED,
                                         "%s: is %s's as long as %s holds for him", grant->role,
                                         asked->user->name, grant->reason);
        }
        return 0;
}

int core_grant_revoke(Core *core, const Actor *actor, const GrantEdit *edit,
                      const CoreOptions *options, uint64_t now_usec, CoreChange *ret,
                      CoreError *error) {
        _cleanup_change_ Change change = { 0 };
        _cleanup_(asked_done) Asked asked = { 0 };
        _cleanup_owners_ Owners owners = { 0 };
        int r;

        r = core_change_begin(&change, core, actor, options, now_usec, error);
        if (r == 0)
                r = ask(&change, edit, &asked, error);
        if (r != 0)
                return r;
        *ret = (CoreChange){ .object_id = asked.user->uid, .version = asked.user->version };
        if (!old_of(&asked))
                return refuse_automatic(&asked, error);
        r = check_revoke(&change, &asked, error);
        if (r == 0)
                r = core_owners_note_user(&change, asked.user->uid, &owners);
        if (r == 0)
                r = core_grant_remove(&change, asked.user, old_of(&asked));
        if (r == 0)
                r = check_after(&change, &asked, error);
        if (r == 0)
                r = core_owners_check(&change, &owners, error);
        if (r != 0)
                return r;
        return core_change_commit(&change, "role.revoke", "user", asked.user->name, asked.user->uid,
                                  asked.user->version, ret);
}

/* Whoever makes a user can be him, and so gives no more by it than he has (D8). */
static int check_first(Change *change, const Asked *asked, CoreError *error) {
        _cleanup_holder_ Holder actor = { 0 };
        uint16_t missing = RIGHT_NONE;
        int r;

        if (change->actor->uid == 0)
                return 0;
        r = core_holder_of_actor(change->core, change->txn, asked->set, change->actor, &actor);
        if (r == 0)
                r = core_linux_check_actor(change, asked->set, &actor, asked->facts.role,
                                           asked->grant.tenant, asked->grant.role, error);
        if (r != 0 || policy_rights_cover_grant(asked->set, &actor.facts, &asked->facts,
                                                change->now_usec, &missing))
                return r;
        return core_fail(error, CORE_E_PROTECTED, "%s: gives more than you have: %s",
                         asked->grant.role,
                         missing == RIGHT_NONE ? "what that is cannot be told"
                                               : policy_right_name(asked->set, missing));
}

int core_grant_first(Change *change, const StoreUser *user, const char *role, CoreError *error) {
        const GrantEdit edit = { .role = role, .until_usec = USEC_INFINITY };
        _cleanup_(asked_done) Asked asked = { 0 };
        _cleanup_(store_tenant_freep) StoreTenant *tenant = NULL;
        int r;

        if (!role && user->service)
                return 0;
        r = core_tenant_load(change->core, change->txn, user->tenant, &tenant, error);
        if (r == 0 && role) /* the tenant's own choice is no grant of whoever creates one */
                r = core_change_may_in(change, PERMISSION_ROLE_GRANT, user->tenant, error);
        if (r == 0)
                r = core_roles(change->core, change->txn, &asked.roles);
        if (r == 0 && role)
                r = core_role_find(core_roles_set(asked.roles), role, &asked.facts.role, error);
        if (r != 0)
                return r;
        asked.grant = (StoreGrant){
                .uid = user->uid,
                .role = role ? role : tenant->default_role,
                .tenant = user->tenant,
                .until_usec = USEC_INFINITY,
                .by = change->actor->uid,
                .reason = "",
                .made_usec = change->now_usec,
                .over = "",
        };
        asked.set = core_roles_set(asked.roles);
        asked.facts = core_grant_facts(asked.set, &asked.grant);
        asked.user = (StoreUser *)(uintptr_t)user;
        r = core_holder_load(change->txn, asked.set, user, &asked.holder);
        asked.old = asked.holder.facts.grant_count;
        if (r == 0)
                r = role ? check_grant(change, &edit, &asked, error)
                         : check_state(change, &asked, error);
        if (r == 0 && !role)
                r = check_first(change, &asked, error);
        if (r == 0)
                r = strcmp(asked.grant.role, CORE_ROLE_EVERYBODY) == 0
                            ? store_grant_put_first(change->txn, &asked.grant)
                            : store_grant_put(change->txn, &asked.grant);
        if (r == 0)
                r = check_first_owner(change, &asked, error);
        if (r == 0)
                r = core_change_value(change, "role", NULL, asked.grant.role);
        asked.user = NULL; /* not ours */
        return r;
}
