/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table of um's own permissions: each row is one of FEATURES M.3's.  A name that is neither
 * here, nor of a registered area, nor a service behind "login." or a command group behind "sudo.",
 * is no permission: nobody has it, root neither.
 *
 * READS: what a service account that is read-only may do as well (FEATURES A8). */

#include <errno.h>
#include <string.h>

#include "policy/internal.h"

#define MODULE         PERMISSION_CATEGORY_MODULE
#define FEATURE        PERMISSION_CATEGORY_FEATURE
#define DATA           PERMISSION_CATEGORY_DATA
#define ACTION         PERMISSION_CATEGORY_ACTION
#define REPORT         PERMISSION_CATEGORY_REPORT
#define ADMINISTRATIVE PERMISSION_CATEGORY_ADMINISTRATIVE
#define READS          true
#define CHANGES        false

/* clang-format off */
static const PermissionInfo rows[_PERMISSION_MAX] = {
        [PERMISSION_USER_VIEW] = { "user.view", DATA, READS,
                "see accounts, states, groups and roles" },
        [PERMISSION_USER_VIEW_PRIVATE] = { "user.view.private", DATA, READS,
                "see phones, private attributes, last logins, failure counts, devices' sources" },
        [PERMISSION_USER_CREATE] = { "user.create", ADMINISTRATIVE, CHANGES,
                "create accounts" },
        [PERMISSION_USER_EDIT] = { "user.edit", DATA, CHANGES,
                "change profile fields of others" },
        [PERMISSION_USER_IDENTITY_EDIT] = { "user.identity.edit", ADMINISTRATIVE, CHANGES,
                "change name, e-mail, home tenant, shell, home, validity, auth source" },
        [PERMISSION_USER_ATTRIBUTE_SET] = { "user.attribute.set", DATA, CHANGES,
                "give, change and end typed attributes" },
        [PERMISSION_USER_LOCK] = { "user.lock", ACTION, CHANGES,
                "lock" },
        [PERMISSION_USER_UNLOCK] = { "user.unlock", ACTION, CHANGES,
                "unlock, clear failure counts" },
        [PERMISSION_USER_SUSPEND] = { "user.suspend", ACTION, CHANGES,
                "suspend and resume" },
        [PERMISSION_USER_DISABLE] = { "user.disable", ACTION, CHANGES,
                "disable, enable, off-board" },
        [PERMISSION_USER_DELETE] = { "user.delete", DATA, CHANGES,
                "delete and restore" },
        [PERMISSION_USER_PURGE] = { "user.purge", ADMINISTRATIVE, CHANGES,
                "erase personal data before the retention ends" },
        [PERMISSION_USER_PASSWORD_RESET] = { "user.password.reset", ACTION, CHANGES,
                "setup codes, temporary passwords, forced change, mass reset" },
        [PERMISSION_USER_FACTOR_RESET] = { "user.factor.reset", ACTION, CHANGES,
                "remove factors, renew recovery codes, end the grace" },
        [PERMISSION_USER_INVITE] = { "user.invite", ACTION, CHANGES,
                "invite, resend, revoke invitations" },
        [PERMISSION_USER_IMPORT] = { "user.import", ADMINISTRATIVE, CHANGES,
                "import from files (besides the rights for what the rows do)" },
        [PERMISSION_USER_EXPORT] = { "user.export", DATA, READS,
                "export user lists" },
        [PERMISSION_GROUP_VIEW] = { "group.view", DATA, READS,
                "see groups and members" },
        [PERMISSION_GROUP_EDIT] = { "group.edit", DATA, CHANGES,
                "create, rename, nest, delete groups, set owners" },
        [PERMISSION_GROUP_MEMBER_SET] = { "group.member.set", ACTION, CHANGES,
                "add and remove members" },
        [PERMISSION_ROLE_VIEW] = { "role.view", DATA, READS,
                "see roles, permissions, grants" },
        [PERMISSION_ROLE_EDIT] = { "role.edit", ADMINISTRATIVE, CHANGES,
                "create, change, delete roles, approval steps, conflicts, requirements" },
        [PERMISSION_ROLE_GRANT] = { "role.grant", ADMINISTRATIVE, CHANGES,
                "grant roles (never beyond one's own rights)" },
        [PERMISSION_ROLE_REVOKE] = { "role.revoke", ADMINISTRATIVE, CHANGES,
                "revoke grants" },
        [PERMISSION_ROLE_CONFLICT_OVERRIDE] = { "role.conflict.override", ADMINISTRATIVE, CHANGES,
                "grant in spite of a conflict, for a time and with reason" },
        [PERMISSION_ROLE_SUDO_EDIT] = { "role.sudo.edit", ADMINISTRATIVE, CHANGES,
                "create and change sudo command groups" },
        [PERMISSION_RULE_VIEW] = { "rule.view", DATA, READS,
                "see rules, sites, calendars" },
        [PERMISSION_RULE_EDIT] = { "rule.edit", ADMINISTRATIVE, CHANGES,
                "create, change, enable, remove rules; commit and confirm" },
        [PERMISSION_RULE_TEST] = { "rule.test", ACTION, READS,
                "explain hypothetical logins of others, simulate, replay, access matrix" },
        [PERMISSION_RULE_CALENDAR_EDIT] = { "rule.calendar.edit", ADMINISTRATIVE, CHANGES,
                "change sites and calendars" },
        [PERMISSION_POLICY_VIEW] = { "policy.view", DATA, READS,
                "see values and effective policy of others" },
        [PERMISSION_POLICY_EDIT] = { "policy.edit", ADMINISTRATIVE, CHANGES,
                "set values at company, department and role" },
        [PERMISSION_POLICY_USER_SET] = { "policy.user.set", ADMINISTRATIVE, CHANGES,
                "set values on one user" },
        [PERMISSION_SESSION_VIEW] = { "session.view", DATA, READS,
                "see others' sessions" },
        [PERMISSION_SESSION_TERMINATE] = { "session.terminate", ACTION, CHANGES,
                "end others' sessions" },
        [PERMISSION_SESSION_MESSAGE] = { "session.message", ACTION, CHANGES,
                "write to a session's terminal" },
        [PERMISSION_SESSION_RECORD_VIEW] = { "session.record.view", DATA, READS,
                "see recordings" },
        [PERMISSION_DEVICE_VIEW] = { "device.view", DATA, READS,
                "see others' devices" },
        [PERMISSION_DEVICE_APPROVE] = { "device.approve", ACTION, CHANGES,
                "approve devices" },
        [PERMISSION_DEVICE_BLOCK] = { "device.block", ACTION, CHANGES,
                "block devices" },
        [PERMISSION_DEVICE_EDIT] = { "device.edit", DATA, CHANGES,
                "add keys and certificates for others, set limits on keys, remove" },
        [PERMISSION_REQUEST_CREATE] = { "request.create", ACTION, CHANGES,
                "ask for roles, software, help, more time" },
        [PERMISSION_REQUEST_VIEW] = { "request.view", DATA, READS,
                "see others' requests" },
        [PERMISSION_REQUEST_APPROVE] = { "request.approve", ACTION, CHANGES,
                "decide requests in which one is named as approver" },
        [PERMISSION_REVIEW_VIEW] = { "review.view", REPORT, READS,
                "see reviews and results" },
        [PERMISSION_REVIEW_RUN] = { "review.run", ADMINISTRATIVE, CHANGES,
                "start, decide as reviewer, close, apply" },
        [PERMISSION_AUDIT_VIEW] = { "audit.view", REPORT, READS,
                "see others' log entries, explain their references" },
        [PERMISSION_AUDIT_EXPORT] = { "audit.export", REPORT, READS,
                "export log entries" },
        [PERMISSION_REPORT_VIEW] = { "report.view", REPORT, READS,
                "run reports" },
        [PERMISSION_REPORT_EXPORT] = { "report.export", REPORT, READS,
                "reports as CSV, JSON or to a file" },
        [PERMISSION_REPORT_COMPLIANCE] = { "report.compliance", REPORT, READS,
                "signed compliance and off-boarding bundles" },
        [PERMISSION_TENANT_VIEW] = { "tenant.view", DATA, READS,
                "see tenants one has rights in" },
        [PERMISSION_TENANT_CREATE] = { "tenant.create", ADMINISTRATIVE, CHANGES,
                "create tenants" },
        [PERMISSION_TENANT_EDIT] = { "tenant.edit", ADMINISTRATIVE, CHANGES,
                "defaults, departments, registration, terms text" },
        [PERMISSION_TENANT_DELETE] = { "tenant.delete", ADMINISTRATIVE, CHANGES,
                "delete a tenant" },
        [PERMISSION_HOST_VIEW] = { "host.view", MODULE, READS,
                "see hosts, labels, versions" },
        [PERMISSION_HOST_ENROL] = { "host.enrol", ADMINISTRATIVE, CHANGES,
                "tokens, enrolment, revoking, retiring" },
        [PERMISSION_HOST_EDIT] = { "host.edit", ADMINISTRATIVE, CHANGES,
                "labels, tenant of a host" },
        [PERMISSION_HOST_MAINTAIN] = { "host.maintain", ACTION, CHANGES,
                "forget cached secrets, drain, run doctor on a host" },
        [PERMISSION_CONFIG_VIEW] = { "config.view", ADMINISTRATIVE, READS,
                "see configuration and status" },
        [PERMISSION_CONFIG_EDIT] = { "config.edit", ADMINISTRATIVE, CHANGES,
                "apply files, alerts, hooks" },
        [PERMISSION_CONFIG_BACKUP] = { "config.backup", ADMINISTRATIVE, READS,
                "backup and export of configuration" },
        [PERMISSION_CONFIG_INTEGRATION_EDIT] = { "config.integration.edit", ADMINISTRATIVE, CHANGES,
                "connectors, providers, mappings" },
        [PERMISSION_CONFIG_SYNC_APPLY] = { "config.sync.apply", ACTION, CHANGES,
                "plan and apply syncs" },
        [PERMISSION_CONFIG_LOG_VIEW] = { "config.log.view", REPORT, READS,
                "see the parts' own logs, make support bundles" },
        [PERMISSION_BILLING_VIEW] = { "billing.view", ADMINISTRATIVE, READS,
                "see plan, seats bought, cost centres" },
        [PERMISSION_BILLING_EDIT] = { "billing.edit", ADMINISTRATIVE, CHANGES,
                "change plan, seats, cost centres" },
        [PERMISSION_USAGE_VIEW] = { "usage.view", REPORT, READS,
                "see seats used, growth, host and service use" },
        [PERMISSION_USAGE_EDIT] = { "usage.edit", ADMINISTRATIVE, CHANGES,
                "change how use is counted and charged" },
        [PERMISSION_ASSET_VIEW] = { "asset.view", DATA, READS,
                "see assets and licences" },
        [PERMISSION_ASSET_CREATE] = { "asset.create", DATA, CHANGES,
                "add assets and licences" },
        [PERMISSION_ASSET_EDIT] = { "asset.edit", DATA, CHANGES,
                "change them" },
        [PERMISSION_ASSET_DELETE] = { "asset.delete", DATA, CHANGES,
                "delete them" },
        [PERMISSION_ASSET_ASSIGN] = { "asset.assign", ACTION, CHANGES,
                "assign and take back" },
        [PERMISSION_ASSET_REPORT_EXPORT] = { "asset.report.export", REPORT, READS,
                "export the ledger" },
        [PERMISSION_APP_VIEW] = { "app.view", MODULE, READS,
                "see registered applications and areas" },
        [PERMISSION_APP_REGISTER] = { "app.register", ADMINISTRATIVE, CHANGES,
                "register and unregister applications" },
        [PERMISSION_APP_POLICY_EDIT] = { "app.policy.edit", FEATURE, CHANGES,
                "roles and rules that concern only registered areas and their services" },
        [PERMISSION_NOTICE_SEND] = { "notice.send", ACTION, CHANGES,
                "announcements" },
        [PERMISSION_LOCKDOWN_RUN] = { "lockdown.run", ACTION, CHANGES,
                "start and end lockdowns" },
        [PERMISSION_BREAKGLASS_SEAL] = { "breakglass.seal", ADMINISTRATIVE, CHANGES,
                "make and renew break-glass codes" },
        [PERMISSION_BREAKGLASS_USE] = { "breakglass.use", ACTION, CHANGES,
                "come in with one" },
        [PERMISSION_EVENT_READ] = { "event.read", REPORT, READS,
                "read the event stream" },
        [PERMISSION_SELF_PROFILE_EDIT] = { "self.profile.edit", FEATURE, CHANGES,
                "change one's own self-editable fields" },
        [PERMISSION_SELF_PASSWORD_CHANGE] = { "self.password.change", FEATURE, CHANGES,
                "change one's own password" },
        [PERMISSION_SELF_FACTOR_EDIT] = { "self.factor.edit", FEATURE, CHANGES,
                "enrol and remove own factors as far as policy permits" },
        [PERMISSION_SELF_KEY_EDIT] = { "self.key.edit", FEATURE, CHANGES,
                "add and remove own keys" },
        [PERMISSION_SELF_SESSION_END] = { "self.session.end", ACTION, CHANGES,
                "see and end own sessions" },
        [PERMISSION_SELF_ACTIVITY_VIEW] = { "self.activity.view", REPORT, READS,
                "see own logins, changes, references" },
};
/* clang-format on */

static const char *const category_names[_PERMISSION_CATEGORY_MAX] = {
        [PERMISSION_CATEGORY_MODULE] = "module",
        [PERMISSION_CATEGORY_FEATURE] = "feature",
        [PERMISSION_CATEGORY_DATA] = "data",
        [PERMISSION_CATEGORY_ACTION] = "action",
        [PERMISSION_CATEGORY_REPORT] = "report",
        [PERMISSION_CATEGORY_ADMINISTRATIVE] = "administrative",
};

const PermissionInfo *policy_permission_info(Permission permission) {
        return &rows[permission];
}

int policy_permission_from_name(const char *name, Permission *ret) {
        for (Permission p = 0; p < _PERMISSION_MAX; p++)
                if (strcmp(rows[p].name, name) == 0) {
                        *ret = p;
                        return 0;
                }
        return -ENOENT;
}

const char *policy_permission_category_name(PermissionCategory category) {
        return (unsigned int)category < _PERMISSION_CATEGORY_MAX ? category_names[category]
                                                                 : "invalid";
}

int policy_permission_category_from_name(const char *name, PermissionCategory *ret) {
        for (PermissionCategory c = 0; c < _PERMISSION_CATEGORY_MAX; c++)
                if (strcmp(category_names[c], name) == 0) {
                        *ret = c;
                        return 0;
                }
        return -ENOENT;
}

bool permission_in_area(const char *name, const char *area) {
        size_t len = strlen(area);

        return strncmp(name, area, len) == 0 && name[len] == '.';
}

/* ---- faults ---------------------------------------------------------------------------------- */

int fault_set(RightsFault *fault, RightsFaultKind kind, const char *subject, const char *what) {
        char shown[PERMISSION_NAME_MAX + 40];
        Text text;

        if (!fault)
                return (int)kind;
        fault->kind = kind;
        base_escape(subject, strlen(subject), shown, sizeof(shown));
        base_text_init(&text, fault->text, sizeof(fault->text));
        base_text_addf(&text, "\"%s\": %s", shown, what);
        return (int)kind;
}

void fault_add(RightsFault *fault, const char *more) {
        size_t len = strlen(fault->text);

        base_escape(more, strlen(more), fault->text + len, sizeof(fault->text) - len);
}

/* ---- names that were meant ------------------------------------------------------------------- */

#define NEAR_MAX 8U

typedef struct Near {
        const char *names[NEAR_MAX];
        size_t edits[NEAR_MAX];
        size_t count, max;
} Near;

/* Keeps the nearest; of two that are as near the earlier one. */
static void near_offer(Near *near, const char *name, const char *other) {
        size_t edits = name_edits(name, other), at = near->count;

        if (edits > NEAR_EDITS) {
                if (!strstr(other, name))
                        return;
                edits = NEAR_EDITS + 1; /* a part of it is farther than a slip */
        }
        while (at > 0 && near->edits[at - 1] > edits)
                at--;
        if (at >= near->max)
                return;
        if (near->count < near->max)
                near->count++;
        for (size_t i = near->count - 1; i > at; i--) {
                near->names[i] = near->names[i - 1];
                near->edits[i] = near->edits[i - 1];
        }
        near->names[at] = other;
        near->edits[at] = edits;
}

size_t policy_permission_near(const char *name, const PermissionArea *areas, size_t area_count,
                              const char **ret, size_t max) {
        Near near = { .max = max < NEAR_MAX ? max : NEAR_MAX };

        if (name[0] == '\0')
                return 0;
        for (Permission p = 0; p < _PERMISSION_MAX; p++)
                near_offer(&near, name, rows[p].name);
        for (size_t i = 0; i < area_count; i++)
                for (size_t k = 0; k < areas[i].permission_count; k++)
                        near_offer(&near, name, areas[i].permissions[k].name);
        for (size_t i = 0; i < near.count; i++)
                ret[i] = near.names[i];
        return near.count;
}

/* ---- areas of applications ------------------------------------------------------------------- */

static bool area_is_ours(const char *area) {
        if (strcmp(area, AREA_LOGIN) == 0 || strcmp(area, AREA_SUDO) == 0)
                return true;
        for (Permission p = 0; p < _PERMISSION_MAX; p++)
                if (permission_in_area(rows[p].name, area))
                        return true;
        return false;
}

static bool area_is_name(const char *area) {
        size_t len = strspn(area, "abcdefghijklmnopqrstuvwxyz0123456789-");

        return len > 0 && area[len] == '\0' && len <= PERMISSION_AREA_MAX && area[0] >= 'a' &&
               area[0] <= 'z';
}

static int area_permission_check(const PermissionArea *area, size_t at, RightsFault *fault) {
        const char *name = area->permissions[at].name;
        PatternKind kind;
        int r = pattern_read(name, &kind, fault);

        if (r != 0)
                return r;
        if (pattern_has_star(name))
                return fault_set(fault, RIGHTS_FAULT_FORM, name, "a permission has no *");
        if (!permission_in_area(name, area->name))
                return fault_set(fault, RIGHTS_FAULT_FORM, name, "is not in the area it is for");
        if ((unsigned int)area->permissions[at].category >= _PERMISSION_CATEGORY_MAX)
                return fault_set(fault, RIGHTS_FAULT_FORM, name, "has no category");
        for (size_t i = 0; i < at; i++)
                if (strcmp(area->permissions[i].name, name) == 0)
                        return fault_set(fault, RIGHTS_FAULT_TAKEN, name, "stands twice");
        return 0;
}

int policy_area_check(const PermissionArea *area, RightsFault *ret) {
        if (!area_is_name(area->name))
                return fault_set(ret, RIGHTS_FAULT_FORM, area->name,
                                 "an area is a-z, then a-z, 0-9 and -, at most 32");
        if (area_is_ours(area->name))
                return fault_set(ret, RIGHTS_FAULT_TAKEN, area->name, "is an area of um's own");
        if (area->permission_count == 0)
                return fault_set(ret, RIGHTS_FAULT_FORM, area->name, "has no permissions");
        if (area->permission_count > PERMISSION_AREA_COUNT_MAX)
                return fault_set(ret, RIGHTS_FAULT_TOO_MANY, area->name,
                                 "has more than 256 permissions");
        for (size_t i = 0; i < area->permission_count; i++) {
                int r = area_permission_check(area, i, ret);

                if (r != 0)
                        return r;
        }
        return 0;
}
