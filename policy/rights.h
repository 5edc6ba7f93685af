/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A page of policy.h: permissions, roles, grants (FEATURES M; docs/roles.md has it in words).
 *
 * Roles are given as texts, compiled once for each version of the whole set into memory of the
 * caller's, and asked from then on by numbers.  What cannot be resolved permits nothing, and what
 * it denies holds. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/base.h"

/* ---- permissions (FEATURES M.3) -------------------------------------------------------------- */

typedef enum PermissionCategory {
        PERMISSION_CATEGORY_MODULE,
        PERMISSION_CATEGORY_FEATURE,
        PERMISSION_CATEGORY_DATA,
        PERMISSION_CATEGORY_ACTION,
        PERMISSION_CATEGORY_REPORT,
        PERMISSION_CATEGORY_ADMINISTRATIVE,
        _PERMISSION_CATEGORY_MAX,
} PermissionCategory;

/* um's own, in the order they are shown in. */
typedef enum Permission {
        PERMISSION_USER_VIEW,
        PERMISSION_USER_VIEW_PRIVATE,
        PERMISSION_USER_CREATE,
        PERMISSION_USER_EDIT,
        PERMISSION_USER_IDENTITY_EDIT,
        PERMISSION_USER_ATTRIBUTE_SET,
        PERMISSION_USER_LOCK,
        PERMISSION_USER_UNLOCK,
        PERMISSION_USER_SUSPEND,
        PERMISSION_USER_DISABLE,
        PERMISSION_USER_DELETE,
        PERMISSION_USER_PURGE,
        PERMISSION_USER_PASSWORD_RESET,
        PERMISSION_USER_FACTOR_RESET,
        PERMISSION_USER_INVITE,
        PERMISSION_USER_IMPORT,
        PERMISSION_USER_EXPORT,
        PERMISSION_GROUP_VIEW,
        PERMISSION_GROUP_EDIT,
        PERMISSION_GROUP_MEMBER_SET,
        PERMISSION_ROLE_VIEW,
        PERMISSION_ROLE_EDIT,
        PERMISSION_ROLE_GRANT,
        PERMISSION_ROLE_REVOKE,
        PERMISSION_ROLE_CONFLICT_OVERRIDE,
        PERMISSION_ROLE_SUDO_EDIT,
        PERMISSION_RULE_VIEW,
        PERMISSION_RULE_EDIT,
        PERMISSION_RULE_TEST,
        PERMISSION_RULE_CALENDAR_EDIT,
        PERMISSION_POLICY_VIEW,
        PERMISSION_POLICY_EDIT,
        PERMISSION_POLICY_USER_SET,
        PERMISSION_SESSION_VIEW,
        PERMISSION_SESSION_TERMINATE,
        PERMISSION_SESSION_MESSAGE,
        PERMISSION_SESSION_RECORD_VIEW,
        PERMISSION_DEVICE_VIEW,
        PERMISSION_DEVICE_APPROVE,
        PERMISSION_DEVICE_BLOCK,
        PERMISSION_DEVICE_EDIT,
        PERMISSION_REQUEST_CREATE,
        PERMISSION_REQUEST_VIEW,
        PERMISSION_REQUEST_APPROVE,
        PERMISSION_REVIEW_VIEW,
        PERMISSION_REVIEW_RUN,
        PERMISSION_AUDIT_VIEW,
        PERMISSION_AUDIT_EXPORT,
        PERMISSION_REPORT_VIEW,
        PERMISSION_REPORT_EXPORT,
        PERMISSION_REPORT_COMPLIANCE,
        PERMISSION_TENANT_VIEW,
        PERMISSION_TENANT_CREATE,
        PERMISSION_TENANT_EDIT,
        PERMISSION_TENANT_DELETE,
        PERMISSION_HOST_VIEW,
        PERMISSION_HOST_ENROL,
        PERMISSION_HOST_EDIT,
        PERMISSION_HOST_MAINTAIN,
        PERMISSION_CONFIG_VIEW,
        PERMISSION_CONFIG_EDIT,
        PERMISSION_CONFIG_BACKUP,
        PERMISSION_CONFIG_INTEGRATION_EDIT,
        PERMISSION_CONFIG_SYNC_APPLY,
        PERMISSION_CONFIG_LOG_VIEW,
        PERMISSION_BILLING_VIEW,
        PERMISSION_BILLING_EDIT,
        PERMISSION_USAGE_VIEW,
        PERMISSION_USAGE_EDIT,
        PERMISSION_ASSET_VIEW,
        PERMISSION_ASSET_CREATE,
        PERMISSION_ASSET_EDIT,
        PERMISSION_ASSET_DELETE,
        PERMISSION_ASSET_ASSIGN,
        PERMISSION_ASSET_REPORT_EXPORT,
        PERMISSION_APP_VIEW,
        PERMISSION_APP_REGISTER,
        PERMISSION_APP_POLICY_EDIT,
        PERMISSION_NOTICE_SEND,
        PERMISSION_LOCKDOWN_RUN,
        PERMISSION_BREAKGLASS_SEAL,
        PERMISSION_BREAKGLASS_USE,
        PERMISSION_EVENT_READ,
        PERMISSION_SELF_PROFILE_EDIT,
        PERMISSION_SELF_PASSWORD_CHANGE,
        PERMISSION_SELF_FACTOR_EDIT,
        PERMISSION_SELF_KEY_EDIT,
        PERMISSION_SELF_SESSION_END,
        PERMISSION_SELF_ACTIVITY_VIEW,
        _PERMISSION_MAX,
} Permission;

#define PERMISSION_NAME_MAX    80U /* bytes without the NUL */
#define PERMISSION_SERVICE_MAX 63U /* of "login.SERVICE" */
#define PERMISSION_GROUP_MAX   64U /* of "sudo.GROUP" */
#define PERMISSION_AREA_MAX    32U
#define PERMISSION_PARTS_MAX   6U

#define PERMISSION_AREA_COUNT_MAX 256U /* permissions of one area */

typedef struct PermissionInfo {
        const char *name; /* "user.password.reset" */
        PermissionCategory category;
        bool reads; /* changes nothing: a service account that is read-only has it too */
        const char *meaning;
} PermissionInfo;

/* An area an application registered, with its permissions (FEATURES D25). */
typedef struct PermissionArea {
        const char *name;
        const PermissionInfo *permissions;
        size_t permission_count;
} PermissionArea;

/* What is wrong with what was given.  As a positive value it is a function's outcome. */
typedef enum RightsFaultKind {
        RIGHTS_FAULT_NONE,
        RIGHTS_FAULT_FORM,    /* a name or pattern that cannot be one, a word that is none */
        RIGHTS_FAULT_UNKNOWN, /* no such permission */
        RIGHTS_FAULT_TAKEN,   /* an area of um's own, a name twice */
        RIGHTS_FAULT_NO_ROLE, /* a role that is named and not there */
        RIGHTS_FAULT_LOOP,
        RIGHTS_FAULT_DEPTH,
        RIGHTS_FAULT_CONFLICT,
        RIGHTS_FAULT_TOO_MANY,
        _RIGHTS_FAULT_MAX,
} RightsFaultKind;

#define RIGHTS_FAULT_TEXT_MAX 1024U

typedef struct RightsFault {
        RightsFaultKind kind;
        char text[RIGHTS_FAULT_TEXT_MAX]; /* fit for a terminal; what it is about, and what was
                                             expected there */
} RightsFault;

const PermissionInfo *policy_permission_info(Permission permission);
/* The name of one of um's own.  -ENOENT: login.SERVICE and sudo.GROUP are none of them either. */
int policy_permission_from_name(const char *name, Permission *ret);
const char *policy_permission_category_name(PermissionCategory category); /* "administrative" */
int policy_permission_category_from_name(const char *name, PermissionCategory *ret); /* -ENOENT */
/* Up to max names near to one that is none, the nearest first; how many. */
size_t policy_permission_near(const char *name, const PermissionArea *areas, size_t area_count,
                              const char **ret, size_t max);
/* May an application have this area?  0, or FORM, TAKEN, TOO_MANY. */
int policy_area_check(const PermissionArea *area, RightsFault *ret);
/* May a role have this pattern?  0, or FORM, UNKNOWN. */
int policy_pattern_check(const char *pattern, const PermissionArea *areas, size_t area_count,
                         RightsFault *ret);

/* ---- roles (FEATURES M.2, D2, D4) ------------------------------------------------------------ */

#define ROLE_NAME_MAX     64U
#define ROLE_DEPTH_MAX    10U  /* inherited roles one below the other */
#define ROLE_PATTERNS_MAX 256U /* of one list */
#define ROLE_INHERIT_MAX  32U
#define ROLE_CONFLICT_MAX 64U
#define ROLE_REQUIRE_MAX  16U
#define ROLES_MAX         4096U /* of one set, built-in ones too */
#define RIGHTS_NAMES_MAX  4096U /* permissions that a set tells apart */

#define RIGHTS_AREAS_MAX      256U
#define RIGHTS_AREA_NAMES_MAX 2048U /* of all areas together */

#define ROLE_NONE  UINT16_MAX /* a role that is not there */
#define RIGHT_NONE UINT16_MAX /* a permission that is none */

typedef enum HolderKind {
        HOLDER_INVALID, /* zero on purpose: has nothing */
        HOLDER_PERSON,
        HOLDER_SERVICE,
        _HOLDER_KIND_MAX,
} HolderKind;

/* Lists end with NULL; a list that is NULL is empty. */
typedef struct RoleSpec {
        const char *name;
        const char *const *inherit;
        const char *const *permit;
        const char *const *without;
        const char *const *deny;
        const char *const *require; /* "email", "second-factor", "attr:NAME" */
        const char *const *conflict;
        HolderKind only_kind; /* HOLDER_INVALID: for anybody */
        bool one_tenant;      /* never for all tenants */
        bool built_in;
        const char *automatic; /* the condition by which it is somebody's without being granted
                                  (policy/attributes.h), or NULL */
} RoleSpec;

/* The thirteen of FEATURES M.2, static. */
const RoleSpec *policy_roles_built_in(size_t *ret_count);

/* A set of roles, compiled. */
typedef struct RoleSet RoleSet;

/* The memory a set takes, or -E2BIG where a limit is exceeded: there is no such set then. */
int policy_roles_measure(const RoleSpec *roles, size_t role_count, const PermissionArea *areas,
                         size_t area_count, size_t *ret_bytes);
/* memory: of that many bytes, aligned as malloc(3) does it; NULL where it is less.  It, the specs,
 * the areas (that policy_area_check() takes) and their texts have to stay until the set is not used
 * any more.  A role's number is its place in roles; of two with one name the later one is broken.
 * A role with a fault does not spoil the others. */
RoleSet *policy_roles_compile(const RoleSpec *roles, size_t role_count, const PermissionArea *areas,
                              size_t area_count, void *memory, size_t bytes);
/* What is wrong with a role: 0 or the kind.  One that has a fault is not to be stored. */
int policy_role_fault(const RoleSet *set, uint16_t role, RightsFault *ret);
uint16_t policy_role_from_name(const RoleSet *set, const char *name); /* ROLE_NONE */
const char *policy_role_name(const RoleSet *set, uint16_t role);
/* The roles with a condition, one after the other; ROLE_NONE behind the last.  One that has a fault
 * is none of them: nobody comes to it. */
uint16_t policy_role_automatic(const RoleSet *set, size_t at);
const char *policy_role_condition(const RoleSet *set, uint16_t role); /* NULL: none */
/* Is `inherited` the role or, at any depth, one it inherits? */
bool policy_role_includes(const RoleSet *set, uint16_t role, uint16_t inherited);
bool policy_role_permits(const RoleSet *set, uint16_t role, uint16_t right);
bool policy_role_denies(const RoleSet *set, uint16_t role, uint16_t right);
/* Has a holder to have a second factor?  The grant counts without one: who has none is led to it
 * (FEATURES B10). */
bool policy_role_needs_second_factor(const RoleSet *set, uint16_t role);

/* From a role down to the one that has it of its own. */
typedef struct RolePath {
        uint16_t roles[ROLE_DEPTH_MAX + 1];
        size_t count;
} RolePath;

/* Roles that must not meet in one holder (FEATURES D16): the ends of the two paths.  a and b may be
 * the same role. */
typedef struct RoleConflict {
        RolePath a, b;
} RoleConflict;

bool policy_role_conflict(const RoleSet *set, uint16_t a, uint16_t b, RoleConflict *ret);

/* Rights are numbered as well: um's own as Permission has them, then those of the areas and what
 * roles name of login. and sudo.; all other services are one number ("login.*"), so are all other
 * command groups ("sudo.*").  RIGHT_NONE for what is no permission, and nobody has that: also for a
 * service or group whose name cannot be one. */
uint16_t policy_right_from_name(const RoleSet *set, const char *name);
const char *policy_right_name(const RoleSet *set, uint16_t right);
size_t policy_right_count(const RoleSet *set);

/* ---- grants (FEATURES M.4, D6-D8, D10) ------------------------------------------------------- */

typedef enum GrantScope {
        GRANT_SCOPE_ALL, /* of the tenant */
        GRANT_SCOPE_DEPARTMENT,
        GRANT_SCOPE_GROUP,
        _GRANT_SCOPE_MAX,
} GrantScope;

typedef struct RightsGrant {
        uint16_t role; /* in the set; ROLE_NONE: it does not exist any more */
        bool all_tenants;
        const char *tenant;  /* where not all; NULL is none */
        uint64_t from_usec;  /* 0: always */
        uint64_t until_usec; /* the moment itself is over; USEC_INFINITY: never */
        GrantScope scope;
        const char *over; /* the department or group */
        bool automatic;   /* by a condition: nobody granted it */
} RightsGrant;

typedef struct RightsAttribute {
        const char *name;
        uint64_t until_usec;
} RightsAttribute;

/* Who is asked about.  Zeroed has nothing. */
typedef struct RightsHolder {
        bool root;
        HolderKind kind;
        bool read_only;
        bool email; /* verified, or set by an admin */
        const RightsAttribute *attributes;
        size_t attribute_count;
        const RightsGrant *grants;
        size_t grant_count;
} RightsHolder;

/* Whom it is done to. */
typedef enum RightsOver {
        RIGHTS_OVER_TENANT,   /* no user, or all of them: only grants without a scope count */
        RIGHTS_OVER_SELF,     /* the holder's own matters (login, self.*): all grants count */
        RIGHTS_OVER_USER,     /* one user: a scope has to hold him */
        RIGHTS_OVER_SOMEBODY, /* yes where there may be a user it holds for; each is asked then */
        _RIGHTS_OVER_MAX,
} RightsOver;

typedef struct RightsPlace {
        const char *tenant;
        bool all_tenants; /* a thing of all of them: only grants for all count */
        uint64_t now_usec;
        RightsOver over;
        const char *department;    /* of that user; NULL: none */
        const char *const *groups; /* his, nested ones too; NULL behind the last */
} RightsPlace;

/* Why a grant does not count. */
typedef enum GrantState {
        GRANT_INVALID, /* zero; facts that make no sense: permits nothing, its denies hold */
        GRANT_BROKEN,  /* the role has a fault: as invalid */
        GRANT_COUNTS,
        GRANT_NO_ROLE,
        GRANT_OTHER_TENANT,
        GRANT_NOT_YET,
        GRANT_EXPIRED,
        GRANT_OUT_OF_SCOPE,
        GRANT_WRONG_KIND,
        GRANT_ONE_TENANT_ONLY, /* given for all, and the role is for one */
        GRANT_NEEDS_EMAIL,
        GRANT_NEEDS_ATTRIBUTE,
        GRANT_CONFLICT, /* an automatic one gives way to whatever runs beside it */
        _GRANT_STATE_MAX,
} GrantState;

const char *policy_grant_state_name(GrantState state); /* "expired"; static */
/* ret_attribute: the one that is missing, or NULL; NULL allowed. */
GrantState policy_grant_state(const RoleSet *set, const RightsHolder *holder,
                              const RightsGrant *grant, const RightsPlace *place,
                              const char **ret_attribute);
/* When a grant or an attribute of his begins or ends next, after now: until then every answer stays
 * the same.  USEC_INFINITY: never. */
uint64_t policy_grants_change(const RightsHolder *holder, uint64_t now_usec);
/* Do two roles that must not meet meet in a tenant at a time, the new grant being one of them? */
bool policy_grant_conflict(const RoleSet *set, const RightsHolder *holder, const RightsGrant *grant,
                           RoleConflict *ret);

typedef enum RightsAnswer {
        RIGHTS_MISSING, /* zero */
        RIGHTS_DENIED,
        RIGHTS_READ_ONLY,
        RIGHTS_UNKNOWN, /* no such permission */
        RIGHTS_HELD,
        _RIGHTS_ANSWER_MAX,
} RightsAnswer;

/* The one question.  Facts that make no sense are MISSING. */
RightsAnswer policy_rights_ask(const RoleSet *set, const RightsHolder *holder,
                               const RightsPlace *place, uint16_t right);
bool policy_rights_has(const RoleSet *set, const RightsHolder *holder, const RightsPlace *place,
                       uint16_t right);
bool policy_rights_need_second_factor(const RoleSet *set, const RightsHolder *holder,
                                      const RightsPlace *place);

/* One way a right comes, or is taken, by: with that grant, once it counts. */
typedef struct RightsPath {
        size_t grant; /* in the holder's */
        GrantState state;
        const char *attribute; /* that is missing, or NULL */
        RolePath roles;        /* of a role with a fault only its two ends */
} RightsPath;

/* All of them, of grants that count and that do not; denies: the ways it is taken by.  Writes the
 * first max and returns how many there are, counted up to RIGHTS_PATHS_MAX. */
#define RIGHTS_PATHS_MAX 1024U
size_t policy_rights_paths(const RoleSet *set, const RightsHolder *holder, const RightsPlace *place,
                           uint16_t right, bool denies, RightsPath *ret, size_t max);

/* Nobody acts above himself (D8): is all that target may do in that tenant the actor's too?  What
 * he will be able to do by a grant that has not begun, or lacks what it requires, is among it. What
 * is held over a department or group covers no more than that.  Whoever may edit command groups
 * (role.sudo.edit) there covers sudo.GROUP of each that a role names: he decides what they are;
 * never sudo.all, nor sudo.* for all others.  ret_missing, written where it is not: the first, or
 * RIGHT_NONE where the target is root or what he has cannot be told. */
bool policy_rights_cover(const RoleSet *set, const RightsHolder *actor, const RightsHolder *target,
                         const RightsPlace *place, uint16_t *ret_missing);
/* The same for all that a grant gives, in its tenant: where it is for all tenants, what the actor
 * has must be as well. */
bool policy_rights_cover_grant(const RoleSet *set, const RightsHolder *actor,
                               const RightsGrant *grant, uint64_t now_usec, uint16_t *ret_missing);

/* ---- Linux groups of a role (FEATURES D2) ---------------------------------------------------- */

/* Is who is in it as good as root?  host: it is one of /etc/group, with that gid. */
bool policy_linux_group_is_root(const char *name, bool host, uint32_t gid);
