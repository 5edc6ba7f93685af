/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Roles, tenants and grants (FEATURES D, M) as the faces change and show them: part of core.h,
 * which includes it, on a page of its own.  What a role gives is policy's (policy/rights.h).
 *
 * Verbs ask what D8 and D9 say of whoever calls them: nobody acts above himself, and the last owner
 * stays.  Which permission a method needs is asked by the faces (may.h). */

#include "umd/core/core.h"

#define CORE_TENANT_LOCAL "local" /* always there */
#define CORE_TENANT_ALL   "all"   /* in a grant; no tenant's name */
#define CORE_TENANTS_MAX  4096U

/* ---- roles -------------------------------------------------------------------------------- */

typedef enum CoreRoleList {
        CORE_ROLE_INHERIT,
        CORE_ROLE_PERMIT,
        CORE_ROLE_WITHOUT,
        CORE_ROLE_DENY,
        CORE_ROLE_REQUIRE,
        CORE_ROLE_CONFLICT,
        CORE_ROLE_LINUX_GROUPS,
        _CORE_ROLE_LIST_MAX,
} CoreRoleList;

const char *core_role_list_name(CoreRoleList list); /* "permit" */

typedef struct RoleEdit {
        const char *name;        /* creation only */
        const char *clone;       /* creation only: begin with what that role has; or NULL */
        const char *description; /* NULL: as it is */
        /* NULL: as it is.  Replaced as a whole, or, where each text begins with + or -, added to
         * and taken from. */
        const char *const *lists[_CORE_ROLE_LIST_MAX];
        size_t counts[_CORE_ROLE_LIST_MAX];
        const char *only_kind; /* "any", "person", "service"; NULL: as it is */
        const char *automatic; /* "department=sales,attr.region=eu" (policy/attributes.h): whose it
                                  is without being granted; "": nobody's; NULL: as it is */
        bool has_one_tenant, one_tenant;
} RoleEdit;

/* CORE_E_BAD_VALUE names what is wrong, where, and names that are near; CORE_E_POLICY_REFUSED a
 * loop, or too deep an inheritance; CORE_E_ROLE_CONFLICT two roles and the way to each;
 * CORE_E_PROTECTED a built-in role. */
int core_role_create(Core *core, const Actor *actor, const RoleEdit *edit,
                     const CoreOptions *options, uint64_t now_usec, CoreChange *ret,
                     CoreError *error);
int core_role_update(Core *core, const Actor *actor, const char *name, const RoleEdit *edit,
                     const CoreOptions *options, uint64_t now_usec, CoreChange *ret,
                     CoreError *error);
/* A role that somebody holds is CORE_E_POLICY_REFUSED unless force, which revokes the grants; one
 * that another inherits, or that is a tenant's default, in any case. */
int core_role_delete(Core *core, const Actor *actor, const char *name, bool force,
                     const CoreOptions *options, uint64_t now_usec, CoreChange *ret,
                     CoreError *error);

/* Texts are valid during the call; lists end with NULL. */
typedef struct CoreRole {
        uint64_t version; /* 0: built in */
        const char *name, *description;
        const char *const *lists[_CORE_ROLE_LIST_MAX];
        const char *only_kind;
        bool one_tenant, built_in;
        const char *automatic;          /* "": no condition */
        const char *const *permissions; /* all it gives, by um's names; login.* and sudo.* are the
                                           services and groups that no role names */
        const char *const *denied;
        const char *const *missing_groups; /* of its Linux groups: those that nobody finds here */
        const char *fault;                 /* "": none */
        uint64_t created_usec;
} CoreRole;

typedef void (*CoreRoleEach)(void *userdata, const CoreRole *role);

int core_role_show(Core *core, const char *name, CoreRoleEach each, void *userdata,
                   CoreError *error);
/* All of them by pages as core_user_list(), the built-in ones first. */
int core_role_list(Core *core, const char *cursor, uint32_t limit, CoreRoleEach each,
                   void *userdata, char *ret_cursor, CoreError *error);

/* Who would gain the role by another condition ("" none), and who would lose it, by pages: what
 * conflicts, and what it requires, is not looked at.  A role that is not there has none yet. */
typedef void (*CoreTryEach)(void *userdata, const char *user, bool gains);
int core_role_try(Core *core, const Actor *actor, const char *name, const char *condition,
                  const char *cursor, uint32_t limit, uint64_t now_usec, CoreTryEach each,
                  void *userdata, char *ret_cursor, CoreError *error);

/* ---- tenants ------------------------------------------------------------------------------ */

typedef struct TenantEdit {
        const char *name;                 /* creation only */
        const char *title, *default_role; /* NULL: as it is, or as shipped */
        bool has_seats;
        uint32_t seats; /* 0: no limit */
} TenantEdit;

typedef struct CoreTenant {
        uint64_t version; /* 0: never changed */
        const char *name, *title, *default_role;
        uint32_t seats;
        uint32_t used;   /* of them */
        uint32_t users;  /* whose home it is */
        uint32_t grants; /* that name it; 0 where all tenants are shown */
        bool of_host;
        bool whole; /* else only name, title and of_host are for who asks */
        uint64_t created_usec;
} CoreTenant;

/* Valid as long as the settings. */
const char *core_tenant_of_host(const Core *core);

typedef void (*CoreTenantEach)(void *userdata, const CoreTenant *tenant);

int core_tenant_create(Core *core, const Actor *actor, const TenantEdit *edit,
                       const CoreOptions *options, uint64_t now_usec, CoreChange *ret,
                       CoreError *error);
int core_tenant_update(Core *core, const Actor *actor, const char *name, const TenantEdit *edit,
                       const CoreOptions *options, uint64_t now_usec, CoreChange *ret,
                       CoreError *error);
/* Is there such a tenant?  A name that only um.conf has is none. */
int core_tenant_known(Core *core, const char *name, bool *ret);
/* By root or an owner of it; revokes its grants, deletes the users whose home it is (at most
 * CORE_BATCH_MAX) and ends their sessions.  Its name is not given again. */
int core_tenant_delete(Core *core, const Actor *actor, const char *name, const CoreOptions *options,
                       uint64_t now_usec, CoreChange *ret, CoreError *error);
/* The tenant of that name, or all (name NULL) in which the actor has any grant that counts; whole
 * with tenant.view there. */
int core_tenant_show(Core *core, const Actor *actor, const char *name, uint64_t now_usec,
                     CoreTenantEach each, void *userdata, CoreError *error);

/* How many seats of each tenant are taken (H12). */
typedef struct CoreUsage {
        const char *tenant;
        uint32_t seats, used; /* seats 0: no limit */
        uint32_t users;       /* whose home it is, with those that take none */
} CoreUsage;

/* Of those in which the caller has usage.view. */
int core_usage_report(Core *core, const Actor *actor, uint64_t now_usec,
                      void (*each)(void *userdata, const CoreUsage *usage), void *userdata,
                      CoreError *error);

/* ---- grants ------------------------------------------------------------------------------- */

typedef struct GrantEdit {
        const char *user, *role;
        const char *tenant;  /* NULL: the host's, but for a role that is for one named tenant */
        uint64_t from_usec;  /* 0: at once */
        uint64_t until_usec; /* USEC_INFINITY: without end */
        const char *over;    /* "department=NAME", "group=NAME"; NULL: all of the tenant */
        bool allow_conflict; /* for a time, with a reason (D16) */
        bool end_sessions;   /* with it the user's sessions on this host end (D10) */
} GrantEdit;

/* Granting what is granted already, or revoking what is not, changes nothing: 0 with ret->id 0. Of
 * a grant to revoke the times count for nothing. */
int core_grant_add(Core *core, const Actor *actor, const GrantEdit *edit,
                   const CoreOptions *options, uint64_t now_usec, CoreChange *ret,
                   CoreError *error);
int core_grant_revoke(Core *core, const Actor *actor, const GrantEdit *edit,
                      const CoreOptions *options, uint64_t now_usec, CoreChange *ret,
                      CoreError *error);

typedef struct CoreGrant {
        const char *user, *role, *tenant;
        const char *over; /* as in GrantEdit, or "" */
        uint64_t from_usec, until_usec, made_usec;
        const char *by, *reason;
        const char *automatic; /* the condition it follows from, or "": it was granted */
        const char *state;     /* policy_grant_state_name(), in its own tenant */
        const char *attribute; /* that is missing, or "" */
        bool end_sessions;
} CoreGrant;

typedef void (*CoreGrantEach)(void *userdata, const CoreGrant *grant);

/* All that a user holds. */
int core_grant_list(Core *core, const Actor *actor, const char *user, uint64_t now_usec,
                    CoreGrantEach each, void *userdata, CoreError *error);
/* Who holds a role, by pages as core_user_list(); the grants that users were created with are not
 * among them. */
int core_grant_holders(Core *core, const Actor *actor, const char *role, const char *cursor,
                       uint32_t limit, uint64_t now_usec, CoreGrantEach each, void *userdata,
                       char *ret_cursor, CoreError *error);

/* Roles that meet in one user and must not (D16): "lead > payer at local and approver at all until
 * 2026-08-01T00:00:00Z".  Texts are valid during the call. */
typedef struct CoreConflicts {
        const char *user;
        const char *const *list;
        size_t count;
} CoreConflicts;

typedef void (*CoreConflictsEach)(void *userdata, const CoreConflicts *conflicts);

/* A row for each user who has any, by pages as core_user_list(), with its filter: of grants that
 * the actor sees. */
int core_role_conflicts(Core *core, const Actor *actor, const char *filter, const char *cursor,
                        uint32_t limit, uint64_t now_usec, CoreConflictsEach each, void *userdata,
                        char *ret_cursor, CoreError *error);

/* ---- applications and their permissions (D25) --------------------------------------------- */

#define CORE_APP_USES_MAX 256U /* told of in one call */

typedef struct AppEdit {
        const char *app, *area;
        const PermissionInfo *permissions; /* all there shall be */
        size_t count;
} AppEdit;

/* A permission that the application has given up, and a role that uses it. */
typedef void (*CoreAppUse)(void *userdata, const char *permission, const char *role);

/* Anew or in the place of what the application had: permissions that are not among these are
 * nobody's any more.  CORE_E_NAME_TAKEN: an area of um's or of another application, also where that
 * one is gone and roles use it still. */
int core_app_register(Core *core, const Actor *actor, const AppEdit *edit,
                      const CoreOptions *options, uint64_t now_usec, CoreAppUse use, void *userdata,
                      CoreChange *ret, CoreError *error);
/* Names that roles use stay the application's, and nobody's permission. */
int core_app_unregister(Core *core, const Actor *actor, const char *app, const CoreOptions *options,
                        uint64_t now_usec, CoreAppUse use, void *userdata, CoreChange *ret,
                        CoreError *error);

/* Texts are valid during the call. */
typedef struct CoreApp {
        uint64_t version;
        const char *name, *area;
        bool registered; /* no: only names that roles use are left */
        const PermissionInfo *permissions;
        const bool *gone; /* at the same places */
        size_t permission_count;
        uint64_t created_usec;
} CoreApp;

typedef void (*CoreAppEach)(void *userdata, const CoreApp *app);

/* The application of that name (CORE_E_NO_SUCH_APP), or all (name NULL). */
int core_app_show(Core *core, const char *name, CoreAppEach each, void *userdata, CoreError *error);
/* All permissions there are but login.SERVICE and sudo.GROUP: um's, then applications'. */
int core_permission_each(Core *core, void (*each)(void *userdata, const PermissionInfo *permission),
                         void *userdata);

/* ---- may somebody do something? (D25: permits.c) ------------------------------------------ */

typedef struct PermitAsk {
        const char *user; /* a name, or a uid in decimal; no address */
        const char *permission;
        const char *tenant; /* NULL: the host's */
        bool stranger;      /* the caller is nobody to um, whatever uid he has */
        /* Is the user not um's here, since a local file has the name or the uid? */
        bool (*hides)(void *userdata, const char *name, uid_t uid);
        void *userdata;
} PermitAsk;

typedef struct CorePermit {
        bool allowed;
        const char *reason;  /* "held"; "missing", "unknown", "no-such-user", "account"; to insiders
                                also "denied", "read-only"; to root "no-such-tenant" */
        char text[512];      /* for insiders; "" where there is nothing more to say */
        uint64_t until_usec; /* the answer stays the same that long, if nothing is changed */
} CorePermit;

/* Over the whole tenant: a grant over a department does not do, but for login. and self., which are
 * the user's own matters.  Only an empty user or permission is CORE_E_BAD_VALUE; a fault is a no
 * too. */
int core_permission_check(Core *core, const Actor *actor, const PermitAsk *ask, uint64_t now_usec,
                          CorePermit *ret, CoreError *error);

/* ---- where a right comes from (D4, D17) --------------------------------------------------- */

typedef struct CoreRightPath {
        const char *permission;
        const char *roles; /* "lead > technician": from the granted role down to the one that has
                              it */
        const char *tenant, *over;
        uint64_t until_usec;
        bool denies;       /* it takes the permission away */
        const char *state; /* of the grant; "counts", or what is in the way */
        const char *attribute;
} CoreRightPath;

typedef struct CoreWhy {
        const char *answer; /* "held", "missing", "denied", "read-only"; "account": held by a user
                               who may do nothing now */
        const char *tenant;
        const char *const *roles; /* where it is not held: which would bring it */
} CoreWhy;

/* Each way the user has the permission, or does not have it, in a tenant (NULL: the host's). */
int core_access_why(Core *core, const Actor *actor, const char *user, const char *permission,
                    const char *tenant, uint64_t now_usec,
                    void (*each)(void *userdata, const CoreRightPath *path),
                    void (*answer)(void *userdata, const CoreWhy *why), void *userdata,
                    CoreError *error);
/* Each permission the user has, with the ways that bring it. */
int core_role_effective(Core *core, const Actor *actor, const char *user, const char *tenant,
                        uint64_t now_usec, void (*each)(void *userdata, const CoreRightPath *path),
                        void *userdata, CoreError *error);
