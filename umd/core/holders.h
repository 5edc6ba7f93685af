/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Roles and who holds them, as core's files ask for them. */

#include "umd/core/internal.h"

/* ---- areas of applications (areas.c) ------------------------------------------------------ */

/* As policy takes them; the specs, in the order of the records, point into these. */
typedef struct Areas {
        StoreArea **records;
        size_t count, size;
        PermissionArea *specs;
        PermissionInfo *infos;
} Areas;

int core_areas_load(StoreTxn *txn, Areas *ret);
void core_areas_done(Areas *areas);
const StoreArea *core_areas_find(const Areas *areas, const char *name); /* NULL */

/* Each pattern of a role that names the area, with each permission of it that it covers, by its
 * place; a value other than 0 ends the walk and is returned. */
typedef int (*AreaUse)(void *userdata, size_t permission, const char *role, const char *pattern);
int core_area_uses(const Roles *roles, const StoreArea *area, AreaUse each, void *userdata);
/* Has it a permission that somebody may have? */
bool core_area_is_registered(const StoreArea *area);
/* ... or a name that a role uses?  If not, anybody may have the area. */
bool core_area_is_kept(const Roles *roles, const StoreArea *area);

/* ---- the roles there are (role_set.c) ----------------------------------------------------- */

/* Both are valid until roles are asked for in a transaction that has others. */
int core_roles(Core *core, StoreTxn *txn, const Roles **ret);
int core_role_set(Core *core, StoreTxn *txn, const RoleSet **ret);
const RoleSet *core_roles_set(const Roles *roles);
size_t core_roles_count(const Roles *roles);
const RoleSpec *core_roles_spec(const Roles *roles, uint16_t role);
const StoreRole *core_roles_record(const Roles *roles, uint16_t role); /* NULL: built in */
const Areas *core_roles_areas(const Roles *roles);
/* policy_right_from_name(), but RIGHT_NONE also for one that its application gave up. */
uint16_t core_roles_right(const Roles *roles, const char *permission);
bool core_roles_right_is_gone(const Roles *roles, uint16_t right);
/* "; near: user.view, user.edit", or "": of um's own and of the area it seems to be of, so that a
 * question costs no more for all the others.  buf has CORE_NEAR_BYTES. */
#define CORE_NEAR_BYTES 300U
void core_permission_near(const Roles *roles, const char *permission, char *buf);
const char *core_role_kind_name(uint32_t kind); /* roles.c */
int core_role_find(const RoleSet *set, const char *name, uint16_t *ret, CoreError *error);

/* Nobody edits what covers himself, nor gives or takes what he has not (D8).  Roles are those of
 * all tenants.  roles.c */
int core_role_check_actor(Change *change, const RoleSet *set, uint16_t role, CoreError *error);
int core_role_refuse_built_in(const char *name, CoreError *error);
/* Does the role, with what it inherits, deny anything?  What it denies is root's to give back: a
 * deny counts as a limit of its holders where it is asked who is above whom (D8). */
bool core_role_denies_any(const RoleSet *set, uint16_t role);
int core_role_guard_denies(Change *change, const RoleSet *set, uint16_t role, CoreError *error);

/* The roles with Linux groups of their own, one after the other; ROLE_NONE behind the last. */
uint16_t core_roles_linux(const Roles *roles, size_t at);

/* ---- who holds them (holders.c) ----------------------------------------------------------- */

#define CORE_ROLE_OWNER     "owner"
#define CORE_ROLE_EVERYBODY "self-service" /* as shipped what a new user is granted (A1) */
#define CORE_GRANTS_MAX     256U           /* of one user */

/* A user as policy sees him; texts are ours.  Grants that nobody made (RightsGrant.automatic) are
 * behind those of the store; their records say the condition as the reason, and stand nowhere. */
typedef struct Holder {
        RightsHolder facts;
        RightsGrant *grants; /* those of facts */
        StoreGrant *records; /* at the same places */
        RightsAttribute *attributes;
        Texts texts;
        size_t size;
} Holder;

#define _cleanup_holder_ _cleanup_(core_holder_done)

int core_holder_load(StoreTxn *txn, const RoleSet *set, const StoreUser *user, Holder *ret);
/* Of whoever calls: root has everything, and one who is none of ours nothing. */
int core_holder_of_actor(Core *core, StoreTxn *txn, const RoleSet *set, const Actor *actor,
                         Holder *ret);
void core_holder_done(Holder *holder);
/* Takes the one at that place out. */
void core_holder_drop(Holder *holder, size_t at);
/* Takes those out that nobody granted, and that end up to then. */
void core_holder_drop_automatic(Holder *holder, uint64_t now_usec);
/* What conditions ask for (FEATURES D22); attributes: room for as many as list has. */
void core_condition_facts(const StoreUser *user, const StoreAttribute *list, size_t count,
                          ConditionAttribute *attributes, ConditionFacts *ret);
/* A grant of the record as policy sees it; texts stay the record's. */
RightsGrant core_grant_facts(const RoleSet *set, const StoreGrant *record);
/* May he use the service here, now (M.3: login.SERVICE)? */
int core_holder_may_log_in(Core *core, StoreTxn *txn, const StoreUser *user, const char *service,
                           uint64_t now_usec, bool *ret);

/* ---- what type of user that makes him (user_type.c) --------------------------------------- */

const char *core_holder_type(const RoleSet *set, const Holder *holder, uint64_t now_usec);
const char *core_user_affiliation(const Core *core, const StoreUser *user);
/* Is the word one of both? */
bool core_user_type_known(const char *word);
/* Both: 1 or 0, or a fault. */
int core_user_is_type(Core *core, StoreTxn *txn, const StoreUser *user, const char *word);
int core_user_has_role(Core *core, StoreTxn *txn, const StoreUser *user, const char *role);

/* "department=sales", "" for all of the tenant; buf has CORE_OVER_BYTES. */
#define CORE_OVER_BYTES 160U
void core_over_format(uint32_t scope, const char *over, char *buf);

/* ---- what whoever calls may do, and sees: may.c ------------------------------------------- */

/* Whoever calls, for the transaction he is asked about in.  One who may not act has nothing. */
struct Asker {
        Core *core;
        StoreTxn *txn;
        const RoleSet *set;
        uid_t uid;
        Holder holder;
        bool over_groups; /* a grant of his is over a group */
        /* The groups of the user who was asked about last. */
        uid_t groups_uid;
        IdSet gids;
        GroupNames names;
        const char **groups;
};

#define _cleanup_asker_ _cleanup_(core_asker_done)

int core_asker_load(Core *core, StoreTxn *txn, const Actor *actor, Asker *ret);
void core_asker_done(Asker *asker);
bool core_asker_is_root(const Asker *asker);
/* In a tenant, over all of it. */
bool core_asker_has(const Asker *asker, Permission permission, const char *tenant);
/* In every tenant there is. */
int core_asker_has_in_all(const Asker *asker, Permission permission, bool *ret);
/* Does any grant of his count there? */
bool core_asker_is_in(const Asker *asker, const char *tenant);
/* In any tenant, over anybody. */
int core_asker_has_somewhere(const Asker *asker, Permission permission, bool *ret);
/* In a tenant, over the user. */
int core_asker_has_over(Asker *asker, Permission permission, const StoreUser *user,
                        const char *tenant, bool *ret);

typedef enum Sight {
        SIGHT_NONE,         /* he is to be answered as one who is not there */
        SIGHT_OUT_OF_SCOPE, /* of a tenant where others are seen */
        SIGHT_SEEN,
} Sight;

int core_asker_looks(Asker *asker, const StoreUser *user, Sight *ret);
int core_asker_sees(Asker *asker, const StoreUser *user, bool *ret);
bool core_asker_sees_group(const Asker *asker, const StoreGroup *group);
/* Is he seen, and has the asker it over him at home?  For lists. */
int core_asker_has_seen(Asker *asker, Permission permission, const StoreUser *user, bool *ret);
/* A grant is seen by role.view in its tenant over a user who is seen; his own by everybody:
 * grant_view.c */
int core_grant_is_seen(Asker *asker, const StoreUser *user, const StoreGrant *grant, bool *ret);
/* CORE_E_ACCESS_DENIED unless he has it over the user at home. */
int core_asker_check(Asker *asker, Permission permission, const StoreUser *user, CoreError *error);
/* core_may() within the asker's transaction; the permission is this one. */
int core_asker_ask(Asker *asker, Permission permission, const CoreQuestion *question,
                   CoreError *error);
/* core_may() again, within the change: for what waited, and what depends on what is written. */
int core_change_may(Change *change, Permission permission, const StoreUser *user, CoreError *error);
int core_change_may_in(Change *change, Permission permission, const char *tenant, CoreError *error);

/* ---- nobody acts above himself (D8), the last owner stays (D9): owners.c ------------------ */

/* CORE_E_PROTECTED unless all that the user may do in the tenant is the actor's too. */
int core_actor_covers(Change *change, const StoreUser *user, const char *tenant, CoreError *error);
/* The same in each tenant where he may do anything: for what is done to the account, since whoever
 * has his password is he everywhere.  Of tenants that are not the actor's nothing is told. */
int core_actor_covers_account(Change *change, const StoreUser *user, CoreError *error);
/* CORE_E_PROTECTED where the actor's own rights are over that department or group, and he has not
 * the same over all of the tenant: whom he brings into it he would bring under himself. */
int core_scope_guard(Change *change, GrantScope scope, const char *over, CoreError *error);
/* CORE_E_PROTECTED where he holds the role owner and the actor is neither he nor root. */
int core_owner_guard(Change *change, const StoreUser *user, CoreError *error);

/* The tenants that have an owner for good. */
typedef struct Owners {
        Texts tenants;
} Owners;

#define _cleanup_owners_ _cleanup_(core_owners_done)

/* Before the change, and when it is written: CORE_E_LAST_OWNER where a tenant has none any more. */
int core_owners_note(Change *change, Owners *ret);
int core_owners_check(Change *change, const Owners *before, CoreError *error);
/* The same where only this user changes: nothing is looked at unless he holds the role. */
int core_owners_note_user(Change *change, uid_t uid, Owners *ret);
void core_owners_done(Owners *owners);
/* Has the tenant an owner for good? */
int core_tenant_has_owner(Change *change, const char *tenant, bool *ret);

/* ---- Linux groups (linux_groups.c, linux_checks.c) ---------------------------------------- */

typedef enum LinuxGroupKind {
        LINUX_GROUP_NONE,
        LINUX_GROUP_OWN,  /* um's */
        LINUX_GROUP_HOST, /* of /etc/group */
        LINUX_GROUP_BOTH, /* of either: none is meant */
        LINUX_GROUP_ZERO, /* gid 0: nobody is put into it */
        _LINUX_GROUP_MAX,
} LinuxGroupKind;

typedef struct LinuxGroups {
        IdSet own, host;
} LinuxGroups;

typedef struct LinuxPair {
        uid_t uid;
        gid_t gid;
} LinuxPair;

typedef struct LinuxPairs {
        LinuxPair *list;
        size_t count, size;
} LinuxPairs;

/* Who is in which group by a role, by uid. */
typedef struct LinuxMembers {
        LinuxPairs own, host;
} LinuxMembers;

int core_linux_group_find(Core *core, StoreTxn *txn, const char *name, LinuxGroupKind *ret_kind,
                          gid_t *ret_gid);
/* Those that a user is in by a role now, without those above them. */
int core_linux_groups_of_user(Core *core, StoreTxn *txn, uid_t uid, LinuxGroups *ret);
void core_linux_groups_done(LinuxGroups *groups);
/* Adds who is in any of these of um's groups by a role now. */
int core_linux_members(Core *core, StoreTxn *txn, const IdSet *gids, IdSet *uids);
/* The same for many groups. */
int core_linux_members_load(Core *core, StoreTxn *txn, LinuxMembers *ret);
int core_linux_members_add(const LinuxMembers *all, const IdSet *gids, IdSet *uids);
void core_linux_members_done(LinuxMembers *all);

/* News of um's groups that show their members anew: those the role gives; all that any grant of the
 * user would give. */
int core_linux_news_of_role(Change *change, const char *role);
int core_linux_news_of_user(Change *change, const StoreUser *user);
/* Before a role is written, and after it: news of all who hold it, if it gives groups. */
int core_linux_note_role(Change *change, const char *role, IdSet *ret_own, bool *ret_gives);
int core_linux_news_of_edit(Change *change, const Roles *roles, const char *role, IdSet *own,
                            bool gave);
/* A group of um's that a role names must not go: CORE_E_POLICY_REFUSED, with a hint behind it. */
int core_linux_group_refuse_named(Change *change, const char *name, const char *hint,
                                  CoreError *error);
/* One of that name came: news of those whom a role puts into it. */
int core_linux_group_came(Change *change, const char *name);

/* Are there such groups?  What the role had before is not asked about. */
int core_linux_groups_check(Change *change, const char *const *names, const char *const *had,
                            CoreError *error);
/* CORE_E_PROTECTED where the role gives a group that amounts to root and the actor may not give
 * that away in the tenant (NULL: all). */
int core_linux_check_actor(Change *change, const RoleSet *set, const Holder *actor, uint16_t role,
                           const char *tenant, const char *subject, CoreError *error);
/* A group by the name of one that amounts to root, or a user, who has a group by his own, is made
 * and filled by who has role.sudo.edit. */
int core_linux_guard_name(Change *change, const char *name, CoreError *error);
/* Those of the names that put nobody anywhere. */
int core_linux_missing(Core *core, StoreTxn *txn, const char *const *names, Texts *ret);

/* ---- roles by a condition (automatic.c) ---------------------------------------------------- */

/* CORE_E_BAD_VALUE names the column; "" is none. */
int core_condition_check(Core *core, StoreTxn *txn, const char *text, CoreError *error);
bool core_condition_names(const char *text, const char *attribute);
/* May the role, and those that inherit it, be what they are now, where they have a condition? */
int core_automatic_check(Change *change, const RoleSet *set, uint16_t role, CoreError *error);
/* Adds everybody the role's condition holds for, or would if an attribute were not over. */
int core_automatic_holders(StoreTxn *txn, const RoleSet *set, uint16_t role, IdSet *ret);
bool core_user_facts_differ(const StoreUser *before, const StoreUser *after);
/* CORE_E_PROTECTED where the user comes to anything that the actor could not grant. */
int core_gain_check(Change *change, const StoreUser *before, const StoreUser *after,
                    CoreError *error);
/* The same for one who is created: what comes to him by conditions. */
int core_gain_check_new(Change *change, const StoreUser *user, CoreError *error);

/* ---- tenants (tenants.c) ------------------------------------------------------------------ */

/* CORE_E_NO_SUCH_TENANT, also for one that is not to be known. */
int core_tenant_refuse(const char *name, CoreError *error);
/* CORE_E_NO_SUCH_TENANT; those that are there without a row are made up. */
int core_tenant_load(Core *core, StoreTxn *txn, const char *name, StoreTenant **ret,
                     CoreError *error);
/* The names of all there are, sorted. */
int core_tenant_names(Core *core, StoreTxn *txn, Texts *ret);
/* Without a row too: "local", and the host's. */
bool core_tenant_is_always_there(const Core *core, const char *name);
/* before NULL: a new one. */
int core_tenant_write(Change *change, const StoreTenant *before, const StoreTenant *tenant);

/* Who stands on it (tenant_delete.c). */
typedef struct CoreTenantUse {
        uint32_t users, grants;
} CoreTenantUse;

int core_tenant_use(Core *core, StoreTxn *txn, const char *name, CoreTenantUse *ret);
/* A deleted one as it was, without grants: undo's. */
int core_tenant_restore(Core *core, const Actor *actor, const char *name,
                        const CoreOptions *options, uint64_t now_usec, CoreChange *ret,
                        CoreError *error);

/* ---- seats (seats.c) ---------------------------------------------------------------------- */

/* After a user was written (before NULL: he is new): CORE_E_SEAT_LIMIT where he takes a seat that
 * is not there; else the owners are told, once, when few are left. */
int core_seats_follow(Change *change, const StoreUser *before, const StoreUser *after,
                      CoreError *error);
/* After the limit was set. */
int core_seats_tell(Change *change, const char *tenant);
/* Who sets a limit needs billing.edit besides. */
int core_seats_check_actor(Change *change, const char *tenant, const TenantEdit *edit,
                           CoreError *error);
/* Is there one for somebody who becomes active? */
int core_seat_free(Core *core, StoreTxn *txn, const char *tenant, bool *ret);

/* ---- grants (grants.c) -------------------------------------------------------------------- */

/* The grant a new user comes with: of the role, or (NULL) of what his tenant grants, which is for
 * persons alone. */
int core_grant_first(Change *change, const StoreUser *user, const char *role, CoreError *error);
/* "technician at acme over department=sales, from 2026-..., until 2026-..., by alice: INC-77" */
#define CORE_GRANT_TEXT_BYTES 1500U
int core_grant_text(StoreTxn *txn, const StoreGrant *grant, char *buf, size_t size);
/* Takes one away, with the change's value and news. */
int core_grant_remove(Change *change, const StoreUser *user, const StoreGrant *grant);
