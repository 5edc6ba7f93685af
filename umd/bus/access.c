/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who may call what: one table, the one of docs/api/org.um1.md, read by a test that calls every row
 * as root, as the user, as an owner, as a stranger and with each built-in role.  A row that was not
 * filled in lets nobody in, and so does every fault on the way to an answer.
 *
 * A row says which permission, and where it has to be held.  SOMEWHERE and SEEN say that this
 * depends on arguments, or that what is not to be seen is left out: core asks for it in the verb.
 * Where fields need more than the row's, the handler asks by access_ask(): Update
 * (user.identity.edit), properties (user.view.private), CreateUserWithPassword (user.import of a
 * hash), Grant and Revoke (in the grant's tenant), Tenant.Set (billing.edit of seats), Audit.List.
 *
 * Denials name the permission that is missing, and are told to a stranger before anything about the
 * object is looked at: that somebody exists is not to be learnt from them. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "umd/bus/private.h"

#define PROPERTIES "org.freedesktop.DBus.Properties"

/* Where a caller who is not root needs the permission.  A row that names none is root's. */
#define SEEN              CORE_WHERE_SEEN
#define OVER_USER         CORE_WHERE_USER
#define OVER_USER_OR_HOST CORE_WHERE_USER_OR_HOST
#define OF_GROUP          CORE_WHERE_GROUP
#define IN_TENANT         CORE_WHERE_TENANT /* the first argument */
#define AT_HOST           CORE_WHERE_HOST
#define EVERYWHERE        CORE_WHERE_ALL
#define SOMEWHERE         CORE_WHERE_SOMEWHERE

#define ROOT    ACCESS_ON_ROOT
#define BY_NAME ACCESS_ON_ROOT_BY_NAME
#define USER    ACCESS_ON_USER
#define GROUP   ACCESS_ON_GROUP
#define SECRET  (ACCESS_PRIVATE | ACCESS_SENSITIVE)

static const Access rows[] = {
        { WIRE_MANAGER, "CreateUser", "sa{sv}a{sv}", "ous",
          "name\0fields\0options\0path\0uid\0change\0", ROOT, ACCESS_RIGHT, "user.create",
          ACCESS_WRITES, manager_create_user, SOMEWHERE },
        { WIRE_MANAGER, "CreateUserWithPassword", "sa{sv}aya{sv}a{sv}", "ousts",
          "name\0fields\0secret\0password\0options\0path\0uid\0code\0expires\0change\0", ROOT,
          ACCESS_RIGHT, "user.create", SECRET | ACCESS_WRITES, manager_create_user_with_password,
          SOMEWHERE },
        { WIRE_MANAGER, "GetUserByName", "s", "o", "name\0path\0", BY_NAME, ACCESS_SELF,
          "user.view", 0, manager_get_user_by_name, SEEN },
        { WIRE_MANAGER, "GetUserByUID", "u", "o", "uid\0path\0", BY_NAME, ACCESS_SELF, "user.view",
          0, manager_get_user_by_uid, SEEN },
        { WIRE_MANAGER, "ListUsers", "ssu", "aa{sv}s", "filter\0cursor\0limit\0users\0next\0", ROOT,
          ACCESS_RIGHT, "user.view", 0, manager_list_users, SOMEWHERE },
        { WIRE_MANAGER, "CreateGroup", "sa{sv}a{sv}", "ous",
          "name\0fields\0options\0path\0gid\0change\0", ROOT, ACCESS_RIGHT, "group.edit",
          ACCESS_WRITES, manager_create_group, AT_HOST },
        { WIRE_MANAGER, "GetGroupByName", "s", "o", "name\0path\0", BY_NAME, ACCESS_OWNER,
          "group.view", 0, manager_get_group_by_name, OF_GROUP },
        { WIRE_MANAGER, "GetGroupByGID", "u", "o", "gid\0path\0", BY_NAME, ACCESS_OWNER,
          "group.view", 0, manager_get_group_by_gid, OF_GROUP },
        { WIRE_MANAGER, "ListGroups", "ssu", "aa{sv}s", "filter\0cursor\0limit\0groups\0next\0",
          ROOT, ACCESS_RIGHT, "group.view", 0, manager_list_groups, SOMEWHERE },
        { WIRE_MANAGER, "Report", "sssu", "aa{sv}s", "report\0filter\0cursor\0limit\0rows\0next\0",
          ROOT, ACCESS_RIGHT, "report.view", 0, manager_report, SOMEWHERE },
        /* core asks for the permission of each verb besides */
        { WIRE_MANAGER, "Undo", "sba{sv}", "aa{sv}a{su}s",
          "change\0force\0options\0rows\0counts\0change\0", ROOT, ACCESS_RIGHT, "user.view",
          ACCESS_WRITES, manager_undo, SOMEWHERE },
        { WIRE_MANAGER, "Batch", "sasa{sv}a{sv}", "uus",
          "verb\0users\0arguments\0options\0changed\0unchanged\0change\0", ROOT, ACCESS_RIGHT,
          "user.view", ACCESS_WRITES, manager_batch, SOMEWHERE },
        { WIRE_MANAGER, "Status", "", "a{sv}", "status\0", ROOT, ACCESS_EVERYONE, "", ACCESS_ALWAYS,
          manager_status },
        { WIRE_MANAGER, "ListPermissions", "s", "as", "tenant\0permissions\0", ROOT,
          ACCESS_EVERYONE, "", 0, manager_list_permissions },
        { WIRE_MANAGER, "CheckPermission", "sss", "bsst",
          "user\0permission\0tenant\0allowed\0reason\0text\0until\0", ROOT, ACCESS_EVERYONE, "", 0,
          manager_check_permission },

        { PROPERTIES, "Get", "ss", "v", "", USER, ACCESS_SELF, "user.view", 0, user_properties,
          SEEN },
        { PROPERTIES, "GetAll", "s", "a{sv}", "", USER, ACCESS_SELF, "user.view", 0,
          user_properties, SEEN },
        { WIRE_USER, "Update", "a{sv}a{sv}", "s", "fields\0options\0change\0", USER, ACCESS_SELF,
          "user.edit", ACCESS_WRITES, user_update, OVER_USER, "self.profile.edit" },
        { WIRE_USER, "SetPassword", "aya{sv}a{sv}", "s", "secret\0password\0options\0change\0",
          USER, ACCESS_RIGHT, "user.password.reset", SECRET | ACCESS_WRITES, user_set_password,
          OVER_USER },
        { WIRE_USER, "MustChange", "a{sv}", "s", "options\0change\0", USER, ACCESS_RIGHT,
          "user.password.reset", ACCESS_WRITES, user_must_change, OVER_USER },
        { WIRE_USER, "CreateSetupCode", "a{sv}", "sts", "options\0code\0expires\0change\0", USER,
          ACCESS_RIGHT, "user.password.reset", SECRET | ACCESS_WRITES, user_create_setup_code,
          OVER_USER },
        { WIRE_USER, "Lock", "a{sv}", "s", "options\0change\0", USER, ACCESS_RIGHT, "user.lock",
          ACCESS_WRITES, user_lock, OVER_USER },
        { WIRE_USER, "Unlock", "a{sv}", "s", "options\0change\0", USER, ACCESS_RIGHT, "user.unlock",
          ACCESS_WRITES, user_lock, OVER_USER },
        { WIRE_USER, "Suspend", "ta{sv}", "s", "until\0options\0change\0", USER, ACCESS_RIGHT,
          "user.suspend", ACCESS_WRITES, user_suspend, OVER_USER },
        { WIRE_USER, "Resume", "a{sv}", "s", "options\0change\0", USER, ACCESS_RIGHT,
          "user.suspend", ACCESS_WRITES, user_step, OVER_USER },
        { WIRE_USER, "Disable", "a{sv}", "s", "options\0change\0", USER, ACCESS_RIGHT,
          "user.disable", ACCESS_WRITES, user_step, OVER_USER },
        { WIRE_USER, "Enable", "a{sv}", "s", "options\0change\0", USER, ACCESS_RIGHT,
          "user.disable", ACCESS_WRITES, user_step, OVER_USER },
        { WIRE_USER, "Delete", "a{sv}", "s", "options\0change\0", USER, ACCESS_RIGHT, "user.delete",
          ACCESS_WRITES, user_step, OVER_USER },
        { WIRE_USER, "Restore", "a{sv}", "s", "options\0change\0", USER, ACCESS_RIGHT,
          "user.delete", ACCESS_WRITES, user_step, OVER_USER },
        { WIRE_USER, "ListFactors", "", "a(usbstti)", "factors\0", USER, ACCESS_SELF,
          "user.view.private", 0, user_list_factors, OVER_USER },
        { WIRE_USER, "EnrolFactor", "sa{sv}a{sv}", "usss",
          "login\0factor\0options\0number\0key\0uri\0change\0", USER, ACCESS_ONESELF,
          "self.factor.edit", SECRET | ACCESS_WRITES, user_enrol_factor },
        { WIRE_USER, "ConfirmFactor", "uaya{sv}", "ass", "number\0secret\0options\0codes\0change\0",
          USER, ACCESS_ONESELF, "self.factor.edit", SECRET | ACCESS_WRITES, user_confirm_factor },
        { WIRE_USER, "CreateRecoveryCodes", "sa{sv}", "ass", "login\0options\0codes\0change\0",
          USER, ACCESS_ONESELF, "self.factor.edit", SECRET | ACCESS_WRITES,
          user_create_recovery_codes },
        { WIRE_USER, "RemoveFactor", "usa{sv}", "s", "number\0login\0options\0change\0", USER,
          ACCESS_SELF, "user.factor.reset", SECRET | ACCESS_WRITES, user_remove_factor, OVER_USER,
          "self.factor.edit" },
        { WIRE_USER, "ResetFactors", "a{sv}", "s", "options\0change\0", USER, ACCESS_RIGHT,
          "user.factor.reset", ACCESS_WRITES, user_reset_factors, OVER_USER },
        { WIRE_USER, "AddKey", "sa{sv}a{sv}", "ss", "key\0fields\0options\0fingerprint\0change\0",
          USER, ACCESS_RIGHT, "device.edit", ACCESS_WRITES, user_add_key, OVER_USER },
        { WIRE_USER, "ListKeys", "", "a(sssts)", "keys\0", USER, ACCESS_SELF, "device.view", 0,
          user_list_keys, OVER_USER },
        { WIRE_USER, "RemoveKey", "sa{sv}", "s", "fingerprint\0options\0change\0", USER,
          ACCESS_RIGHT, "device.edit", ACCESS_WRITES, user_remove_key, OVER_USER },

        { PROPERTIES, "Get", "ss", "v", "", GROUP, ACCESS_OWNER, "group.view", 0, group_properties,
          OF_GROUP },
        { PROPERTIES, "GetAll", "s", "a{sv}", "", GROUP, ACCESS_OWNER, "group.view", 0,
          group_properties, OF_GROUP },
        { WIRE_GROUP, "Update", "a{sv}a{sv}", "s", "fields\0options\0change\0", GROUP, ACCESS_RIGHT,
          "group.edit", ACCESS_WRITES, group_update, OF_GROUP },
        { WIRE_GROUP, "AddMembers", "asasa{sv}", "s", "users\0groups\0options\0change\0", GROUP,
          ACCESS_OWNER, "group.member.set", ACCESS_WRITES, group_members, OF_GROUP },
        { WIRE_GROUP, "RemoveMembers", "asasa{sv}", "s", "users\0groups\0options\0change\0", GROUP,
          ACCESS_OWNER, "group.member.set", ACCESS_WRITES, group_members, OF_GROUP },
        { WIRE_GROUP, "Delete", "ba{sv}", "s", "force\0options\0change\0", GROUP, ACCESS_RIGHT,
          "group.edit", ACCESS_WRITES, group_delete, OF_GROUP },

        { WIRE_AUDIT, "List", "a{sv}tu", "aa{sv}t", "filter\0cursor\0limit\0entries\0next\0", ROOT,
          ACCESS_MEMBER, "audit.view", 0, audit_list, SOMEWHERE },
        { WIRE_AUDIT, "Verify", "t", "bbttts", "cursor\0done\0ok\0next\0first\0last\0text\0", ROOT,
          ACCESS_RIGHT, "audit.view", 0, audit_verify, EVERYWHERE },

        { WIRE_POLICY, "Set", "ssa{sv}", "ss", "name\0value\0options\0kept\0change\0", ROOT,
          ACCESS_RIGHT, "policy.edit", ACCESS_WRITES, policy_set, AT_HOST },
        { WIRE_POLICY, "SetForUser", "sssa{sv}", "ss", "user\0name\0value\0options\0kept\0change\0",
          BY_NAME, ACCESS_RIGHT, "policy.user.set", ACCESS_WRITES, policy_set, OVER_USER },
        { WIRE_POLICY, "SetForTenant", "sssa{sv}", "ss",
          "tenant\0name\0value\0options\0kept\0change\0", ROOT, ACCESS_RIGHT, "policy.edit",
          ACCESS_WRITES, policy_set, IN_TENANT },
        { WIRE_POLICY, "SetForDepartment", "sssa{sv}", "ss",
          "department\0name\0value\0options\0kept\0change\0", ROOT, ACCESS_RIGHT, "policy.edit",
          ACCESS_WRITES, policy_set, EVERYWHERE },
        { WIRE_POLICY, "SetForRole", "sssa{sv}", "ss", "role\0name\0value\0options\0kept\0change\0",
          ROOT, ACCESS_RIGHT, "policy.edit", ACCESS_WRITES, policy_set, EVERYWHERE },
        { WIRE_POLICY, "Unset", "sa{sv}", "s", "name\0options\0change\0", ROOT, ACCESS_RIGHT,
          "policy.edit", ACCESS_WRITES, policy_unset, AT_HOST },
        { WIRE_POLICY, "UnsetForUser", "ssa{sv}", "s", "user\0name\0options\0change\0", BY_NAME,
          ACCESS_RIGHT, "policy.user.set", ACCESS_WRITES, policy_unset, OVER_USER },
        { WIRE_POLICY, "UnsetForTenant", "ssa{sv}", "s", "tenant\0name\0options\0change\0", ROOT,
          ACCESS_RIGHT, "policy.edit", ACCESS_WRITES, policy_unset, IN_TENANT },
        { WIRE_POLICY, "UnsetForDepartment", "ssa{sv}", "s", "department\0name\0options\0change\0",
          ROOT, ACCESS_RIGHT, "policy.edit", ACCESS_WRITES, policy_unset, EVERYWHERE },
        { WIRE_POLICY, "UnsetForRole", "ssa{sv}", "s", "role\0name\0options\0change\0", ROOT,
          ACCESS_RIGHT, "policy.edit", ACCESS_WRITES, policy_unset, EVERYWHERE },
        { WIRE_POLICY, "GetEffective", "ss", "aa{sv}", "user\0name\0values\0", BY_NAME, ACCESS_SELF,
          "policy.view", 0, policy_get_effective, OVER_USER_OR_HOST },
        { WIRE_POLICY, "List", "su", "aa{sv}s", "cursor\0limit\0values\0next\0", ROOT, ACCESS_RIGHT,
          "policy.view", 0, policy_list, SOMEWHERE },

        { WIRE_ROLE, "Add", "sa{sv}a{sv}", "s", "name\0fields\0options\0change\0", ROOT,
          ACCESS_RIGHT, "role.edit", ACCESS_WRITES, role_add, EVERYWHERE },
        { WIRE_ROLE, "Set", "sa{sv}a{sv}", "s", "name\0fields\0options\0change\0", ROOT,
          ACCESS_RIGHT, "role.edit", ACCESS_WRITES, role_set, EVERYWHERE },
        { WIRE_ROLE, "Delete", "sba{sv}", "s", "name\0force\0options\0change\0", ROOT, ACCESS_RIGHT,
          "role.edit", ACCESS_WRITES, role_delete, EVERYWHERE },
        { WIRE_ROLE, "Get", "s", "a{sv}", "name\0role\0", ROOT, ACCESS_RIGHT, "role.view", 0,
          role_get, SOMEWHERE },
        { WIRE_ROLE, "List", "su", "aa{sv}s", "cursor\0limit\0roles\0next\0", ROOT, ACCESS_RIGHT,
          "role.view", 0, role_list, SOMEWHERE },
        { WIRE_ROLE, "Permissions", "s", "aa{sv}", "category\0permissions\0", ROOT, ACCESS_EVERYONE,
          "", 0, role_permissions },
        { WIRE_ROLE, "Grant", "ssa{sv}a{sv}", "s", "user\0role\0grant\0options\0change\0", BY_NAME,
          ACCESS_RIGHT, "role.grant", ACCESS_WRITES, role_grant, SEEN },
        { WIRE_ROLE, "Revoke", "ssa{sv}a{sv}", "s", "user\0role\0grant\0options\0change\0", BY_NAME,
          ACCESS_RIGHT, "role.revoke", ACCESS_WRITES, role_revoke, SEEN },
        { WIRE_ROLE, "ListGrants", "s", "aa{sv}", "user\0grants\0", BY_NAME, ACCESS_SELF,
          "role.view", 0, role_list_grants, SEEN },
        { WIRE_ROLE, "ListHolders", "ssu", "aa{sv}s", "role\0cursor\0limit\0grants\0next\0", ROOT,
          ACCESS_RIGHT, "role.view", 0, role_list_holders, SOMEWHERE },
        { WIRE_ROLE, "TryAuto", "sssu", "aa{sv}s", "role\0condition\0cursor\0limit\0users\0next\0",
          ROOT, ACCESS_RIGHT, "role.edit", 0, role_try, EVERYWHERE },
        { WIRE_ROLE, "GetEffective", "ss", "aa{sv}", "user\0tenant\0paths\0", BY_NAME, ACCESS_SELF,
          "role.view", 0, role_get_effective, SEEN },
        { WIRE_ROLE, "Why", "sss", "aa{sv}ssas",
          "user\0permission\0tenant\0paths\0answer\0tenant\0roles\0", BY_NAME, ACCESS_SELF,
          "role.view", 0, role_why, SEEN },

        { WIRE_TENANT, "Add", "sa{sv}a{sv}", "s", "name\0fields\0options\0change\0", ROOT,
          ACCESS_RIGHT, "tenant.create", ACCESS_WRITES, tenant_add, EVERYWHERE },
        { WIRE_TENANT, "Set", "sa{sv}a{sv}", "s", "name\0fields\0options\0change\0", ROOT,
          ACCESS_RIGHT, "tenant.edit", ACCESS_WRITES, tenant_set, IN_TENANT },
        { WIRE_TENANT, "Delete", "sa{sv}", "s", "name\0options\0change\0", ROOT, ACCESS_RIGHT,
          "tenant.delete", ACCESS_WRITES, tenant_delete, IN_TENANT },
        { WIRE_TENANT, "List", "s", "aa{sv}", "name\0tenants\0", ROOT, ACCESS_MEMBER, "tenant.view",
          0, tenant_list, SOMEWHERE },

        { WIRE_APP, "Register", "ssa(ssbs)a{sv}", "sa(ss)",
          "app\0area\0permissions\0options\0change\0used\0", ROOT, ACCESS_RIGHT, "app.register",
          ACCESS_WRITES, app_register, EVERYWHERE },
        { WIRE_APP, "Unregister", "sa{sv}", "sa(ss)", "app\0options\0change\0used\0", ROOT,
          ACCESS_RIGHT, "app.register", ACCESS_WRITES, app_unregister, EVERYWHERE },
        { WIRE_APP, "Get", "s", "a{sv}a(ssbsb)", "app\0properties\0permissions\0", ROOT,
          ACCESS_RIGHT, "app.view", 0, app_get, SOMEWHERE },
        { WIRE_APP, "List", "", "aa{sv}", "apps\0", ROOT, ACCESS_RIGHT, "app.view", 0, app_list,
          SOMEWHERE },

        { WIRE_ATTRIBUTE, "Add", "sa{sv}a{sv}", "s", "name\0fields\0options\0change\0", ROOT,
          ACCESS_RIGHT, "tenant.edit", ACCESS_WRITES, attribute_add, EVERYWHERE },
        { WIRE_ATTRIBUTE, "Set", "sa{sv}a{sv}", "s", "name\0fields\0options\0change\0", ROOT,
          ACCESS_RIGHT, "tenant.edit", ACCESS_WRITES, attribute_set, EVERYWHERE },
        { WIRE_ATTRIBUTE, "Delete", "sba{sv}", "s", "name\0force\0options\0change\0", ROOT,
          ACCESS_RIGHT, "tenant.edit", ACCESS_WRITES, attribute_delete, EVERYWHERE },
        { WIRE_ATTRIBUTE, "List", "s", "aa{sv}", "name\0attributes\0", ROOT, ACCESS_RIGHT,
          "user.view", 0, attribute_list, SOMEWHERE },

        { WIRE_SUDO, "Add", "sa{sv}a{sv}", "s", "name\0fields\0options\0change\0", ROOT,
          ACCESS_RIGHT, "role.sudo.edit", ACCESS_WRITES, sudo_add, EVERYWHERE },
        { WIRE_SUDO, "Set", "sa{sv}a{sv}", "s", "name\0fields\0options\0change\0", ROOT,
          ACCESS_RIGHT, "role.sudo.edit", ACCESS_WRITES, sudo_set, EVERYWHERE },
        { WIRE_SUDO, "Delete", "sba{sv}", "s", "name\0force\0options\0change\0", ROOT, ACCESS_RIGHT,
          "role.sudo.edit", ACCESS_WRITES, sudo_delete, EVERYWHERE },
        { WIRE_SUDO, "Get", "s", "a{sv}", "name\0group\0", ROOT, ACCESS_RIGHT, "role.view", 0,
          sudo_get, SOMEWHERE },
        { WIRE_SUDO, "List", "", "aa{sv}", "groups\0", ROOT, ACCESS_RIGHT, "role.view", 0,
          sudo_list, SOMEWHERE },

        /* Who is not root speaks for himself alone: login.c reads for whom. */
        { WIRE_LOGIN, "Begin", "a{sv}", "s(usa{sv})", "context\0login\0step\0", ROOT, ACCESS_MEMBER,
          "", ACCESS_PRIVATE, login_begin },
        { WIRE_LOGIN, "Answer", "say", "(usa{sv})", "login\0secret\0step\0", ROOT, ACCESS_MEMBER,
          "", SECRET | ACCESS_WRITES, login_answer },
        { WIRE_LOGIN, "Authorize", "a{sv}s", "usss",
          "context\0login\0verdict\0reason\0text\0reference\0", ROOT, ACCESS_MEMBER, "",
          ACCESS_PRIVATE | ACCESS_WRITES, login_authorize },
        { WIRE_LOGIN, "OpenSession", "a{sv}s", "ussssh",
          "context\0login\0verdict\0reason\0text\0reference\0session\0fd\0", ROOT, ACCESS_ROOT, "",
          ACCESS_PRIVATE, login_open_session },

        { WIRE_NSS, "GetUserByName", "s", "suusss", "name\0name\0uid\0gid\0gecos\0home\0shell\0",
          ROOT, ACCESS_EVERYONE, "", ACCESS_PRIVATE, nss_get_user_by_name },
        { WIRE_NSS, "GetUserByUID", "u", "suusss", "uid\0name\0uid\0gid\0gecos\0home\0shell\0",
          ROOT, ACCESS_EVERYONE, "", ACCESS_PRIVATE, nss_get_user_by_uid },
        { WIRE_NSS, "GetGroupByName", "s", "suas", "name\0name\0gid\0members\0", ROOT,
          ACCESS_EVERYONE, "", ACCESS_PRIVATE, nss_get_group_by_name },
        { WIRE_NSS, "GetGroupByGID", "u", "suas", "gid\0name\0gid\0members\0", ROOT,
          ACCESS_EVERYONE, "", ACCESS_PRIVATE, nss_get_group_by_gid },
        { WIRE_NSS, "GetGroupsOfUser", "s", "au", "name\0gids\0", ROOT, ACCESS_EVERYONE, "",
          ACCESS_PRIVATE, nss_get_groups_of_user },
        { WIRE_NSS, "GetAuthorizedKeys", "ss", "as", "user\0fingerprint\0lines\0", ROOT,
          ACCESS_KEYS, "", ACCESS_PRIVATE, nss_get_authorized_keys },
};

const Access *access_rows(size_t *ret_count) {
        *ret_count = ARRAY_LENGTH(rows);
        return rows;
}

static bool path_is_child(const char *path, const char *prefix) {
        size_t len = strlen(prefix);

        return strncmp(path, prefix, len) == 0 && path[len] == '/' && path[len + 1] != '\0' &&
               !strchr(path + len + 1, '/');
}

static bool object_fits(AccessObject object, const char *path) {
        switch (object) {
        case ACCESS_ON_ROOT:
        case ACCESS_ON_ROOT_BY_NAME:
                return strcmp(path, WIRE_PATH) == 0;
        case ACCESS_ON_USER:
                return path_is_child(path, WIRE_PATH_USER);
        case ACCESS_ON_GROUP:
                return path_is_child(path, WIRE_PATH_GROUP);
        case _ACCESS_OBJECT_MAX:
                break;
        }
        return false;
}

const Access *access_find(const char *path, const char *interface, const char *member) {
        if (!interface || !member)
                return NULL;
        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++)
                if (strcmp(rows[i].member, member) == 0 &&
                    strcmp(rows[i].interface, interface) == 0 && object_fits(rows[i].object, path))
                        return &rows[i];
        return NULL;
}

int access_refuse(Call *call, const char *permission, CoreError *error) {
        call->missing = permission;
        if (!permission[0])
                return error_set(error, CORE_E_ACCESS_DENIED,
                                 "only root may do this for somebody else");
        return error_set(error, CORE_E_ACCESS_DENIED, "this needs the permission %s", permission);
}

bool access_is_exhausted(Bus *bus, uid_t uid, uint64_t boottime_usec) {
        WriteBucket *bucket = bus->writes;

        if (uid == 0)
                return false;
        for (size_t i = 0; i < WRITES_UID_MAX; i++) {
                if (bus->writes[i].uid == uid) {
                        bucket = &bus->writes[i];
                        break;
                }
                if (bus->writes[i].full_usec < bucket->full_usec)
                        bucket = &bus->writes[i];
        }
        if (bucket->uid != uid || bucket->full_usec < boottime_usec)
                *bucket = (WriteBucket){ uid, boottime_usec };
        if (bucket->full_usec + WRITES_REFILL_USEC >
            boottime_usec + WRITES_BURST * WRITES_REFILL_USEC)
                return true;
        bucket->full_usec += WRITES_REFILL_USEC;
        return false;
}

/* A uid that stands in /etc/passwd or /etc/group too is that one's, here as in the map: whoever
 * runs with it is nobody to um. */
bool access_is_local(const Bus *bus, uid_t uid) {
        return uid != 0 && bus->host.hides && bus->host.hides(bus->host.userdata, NULL, uid);
}

int access_is_self(Core *core, uid_t uid, const char *name) {
        _cleanup_(core_user_freep) CoreUser *user = NULL;
        CoreError error;
        int r = core_user_get(core, name, false, &user, &error);

        if (r != 0)
                return r < 0 ? r : 0;
        return user->uid == uid; /* an address may be another's too, in another tenant */
}

/* 1 or 0, or a fault. */
static int is_member(Core *core, uid_t uid) {
        _cleanup_(core_user_freep) CoreUser *user = NULL;
        CoreError error;
        int r = core_user_get_by_uid(core, uid, &user, &error);

        return r < 0 ? r : r == 0;
}

static bool is_owner_of_gid(Core *core, gid_t gid, uid_t uid) {
        _cleanup_(core_group_freep) CoreGroup *group = NULL;
        CoreError error;

        return core_group_get_by_gid(core, gid, &group, &error) == 0 &&
               core_group_is_owner(core, group->name, uid);
}

/* The first argument, which is read again by the handler. */
static int argument_read(Call *call, const char *type, void *ret) {
        int r = sd_bus_message_read(call->message, type, ret);

        if (r >= 0)
                r = sd_bus_message_rewind(call->message, true);
        return r < 0 ? r : 0;
}

/* Whom it is about, where ACCESS_ON_ROOT_BY_NAME by the first argument. */
static int subject_read(Call *call, const char **ret_name, uint32_t *ret_id) {
        *ret_name = call->name;
        if (call->access->object != ACCESS_ON_ROOT_BY_NAME)
                return 0;
        if (call->access->in[0] == 's')
                return argument_read(call, "s", ret_name);
        return argument_read(call, "u", ret_id);
}

/* Is it about himself, or a group of his, and may he do that with it? */
static int subject_allows(Call *call, bool *ret) {
        const Access *access = call->access;
        const uid_t uid = call->actor.uid;
        Core *core = call->bus->core;
        const char *name = NULL, *own;
        uint32_t id = UINT32_MAX;
        int r = subject_read(call, &name, &id);

        if (r < 0)
                return r;
        if (access->who == ACCESS_OWNER)
                r = name ? core_group_is_owner(core, name, uid) : is_owner_of_gid(core, id, uid);
        else if (name)
                r = access_is_self(core, uid, name);
        else
                r = id == uid ? is_member(core, uid) : 0;
        if (r < 0)
                return r;
        *ret = r > 0;
        /* whoever may not come in any more may read about himself, and no more */
        if (access->flags & ACCESS_WRITES)
                *ret = *ret && core_user_may_act(core, uid);
        own = access->who == ACCESS_ONESELF ? access->permission : access->own;
        if (own)
                *ret = *ret && core_may_self(core, uid, own, call->now_usec);
        return 0;
}

int access_ask(Call *call, const CoreQuestion *question, CoreError *error) {
        int r = core_may(call->bus->core, &call->actor, question, call->now_usec, error);

        if (r == CORE_E_ACCESS_DENIED)
                call->missing = question->permission;
        return r;
}

/* Has he the row's permission where the row says? */
static int right_ask(Call *call, CoreError *error) {
        CoreQuestion question = { .permission = call->access->permission,
                                  .where = call->access->where };
        int r;

        if (call->access->where == CORE_WHERE_NOWHERE)
                return access_refuse(call, call->access->permission, error);
        if (call->access->where == CORE_WHERE_TENANT)
                r = argument_read(call, "s", &question.name);
        else
                r = subject_read(call, &question.name, &question.id);
        return r < 0 ? r : access_ask(call, &question, error);
}

static bool asks_keys(const Bus *bus, uid_t uid) {
        return bus->host.asks_keys && bus->host.asks_keys(bus->host.userdata, uid);
}

/* Who is nobody to um, whatever the row says: a local user, and a program whose account may not act
 * any more, also one that is still connected. */
static bool is_shut_out(Call *call) {
        const uid_t uid = call->actor.uid;

        switch (call->access->who) {
        case ACCESS_EVERYONE:
        case ACCESS_KEYS:
                return false;
        case ACCESS_NOBODY:
        case ACCESS_ROOT:
        case ACCESS_RIGHT:
        case ACCESS_SELF:
        case ACCESS_ONESELF:
        case ACCESS_OWNER:
        case ACCESS_MEMBER:
        case _ACCESS_WHO_MAX:
                break;
        }
        return uid != 0 && (access_is_local(call->bus, uid) ||
                            core_service_is_shut(call->bus->core, uid, call->now_usec));
}

int access_check(Call *call, CoreError *error) {
        const bool root = call->actor.uid == 0;
        bool allowed = false;
        int r = 0;

        if (call->actor.uid == (uid_t)-1 || is_shut_out(call))
                return access_refuse(call, call->access->permission, error);
        switch (call->access->who) {
        case ACCESS_NOBODY:
                break;
        case ACCESS_ROOT:
                allowed = root;
                break;
        case ACCESS_RIGHT:
                return root ? 0 : right_ask(call, error);
        case ACCESS_SELF:
        case ACCESS_OWNER:
                if (root)
                        return 0;
                r = subject_allows(call, &allowed);
                return r < 0 || allowed ? r : right_ask(call, error);
        case ACCESS_ONESELF:
                if (!root)
                        r = subject_allows(call, &allowed);
                break;
        case ACCESS_MEMBER:
                r = root ? 1 : is_member(call->bus->core, call->actor.uid);
                allowed = r > 0;
                break;
        case ACCESS_KEYS:
                allowed = call->actor.uid == 0 || asks_keys(call->bus, call->actor.uid);
                break;
        case ACCESS_EVERYONE:
                allowed = true;
                break;
        case _ACCESS_WHO_MAX:
                break;
        }
        if (r < 0)
                return r;
        return allowed ? 0 : access_refuse(call, call->access->permission, error);
}

/* ---- what was refused, in the log ------------------------------------------------------------ */

#define LOGIN_OTHERS "login.others" /* what Login's rows mean, which name none */

static void refusal_object(Call *call, CoreRefusal *refusal) {
        bool group = call->access->object == ACCESS_ON_GROUP ||
                     strncmp(call->access->member, "GetGroup", 8) == 0;

        refusal->name = call->about ? call->about : call->name;
        refusal->object = group ? CORE_OBJECT_GROUP : CORE_OBJECT_USER;
        if (!refusal->name && (call->access->object != ACCESS_ON_ROOT_BY_NAME ||
                               subject_read(call, &refusal->name, &refusal->id) < 0))
                refusal->object = _CORE_OBJECT_MAX;
        if (refusal->name && !refusal->name[0]) /* about the company */
                refusal->object = _CORE_OBJECT_MAX;
}

void access_record(Call *call, bool elsewhere) {
        const char *permission = call->missing ? call->missing : call->access->permission;
        char method[128];
        CoreRefusal refusal = {
                .method = method,
                .permission = permission[0] ? permission : LOGIN_OTHERS,
                .elsewhere = elsewhere,
        };
        int r;

        if (!call->bus->core || call->actor.uid == (uid_t)-1)
                return; /* nobody to name */
        (void)snprintf(method, sizeof(method), "%s.%s", call->access->interface,
                       call->access->member);
        refusal_object(call, &refusal);
        r = core_refused(call->bus->core, &call->actor, &refusal, call->now_usec);
        if (r < 0)
                bus_log(call->bus, r, "cannot write into the log that a call was refused");
}
