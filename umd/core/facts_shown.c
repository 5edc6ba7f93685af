/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Facts as people read them: the object by the name it has now, the field, and what it is. */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "umd/core/undo.h"

static int text_make(char **ret, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int text_make(char **ret, const char *format, ...) {
        va_list arguments;
        int n;

        va_start(arguments, format);
        n = vasprintf(ret, format, arguments);
        va_end(arguments);
        if (n < 0)
                *ret = NULL;
        return n < 0 ? -ENOMEM : 0;
}

static int user_name(FactSource *source, uid_t uid, const char *prefix, char **ret) {
        _cleanup_(store_user_freep) StoreUser *user = NULL;
        int r = store_user_get(source->txn, uid, &user);

        if (r < 0)
                return r;
        return r == 0 ? text_make(ret, "%s%s", prefix, user->name)
                      : text_make(ret, "%suid %u", prefix, uid);
}

static int group_name(FactSource *source, gid_t gid, const char *prefix, char **ret) {
        _cleanup_(store_group_freep) StoreGroup *group = NULL;
        int r = store_group_get(source->txn, gid, &group);

        if (r < 0)
                return r;
        return r == 0 && group->name[0] != '~' ? text_make(ret, "%s%s", prefix, group->name)
                                               : text_make(ret, "%sgid %u", prefix, gid);
}

int core_fact_object(FactSource *source, const FactKey *key, char **ret) {
        uint32_t uid;

        if (key->kind == FACT_NEVER && key->number == NEVER_TOO_LARGE) /* whatever it was */
                return text_make(ret, "change");
        switch (key->kind) {
        case FACT_USER_STATUS:
        case FACT_USER_LOCK:
        case FACT_USER_TEXT:
        case FACT_USER_TENANT:
        case FACT_USER_READ_ONLY:
        case FACT_USER_ATTRIBUTE:
        case FACT_USER_FROM:
        case FACT_USER_UNTIL:
        case FACT_USER_MUST_CHANGE:
        case FACT_GRANT:
        case FACT_NEVER:
                return user_name(source, key->id, "user/", ret);
        case FACT_GROUP_THERE:
        case FACT_GROUP_NAME:
        case FACT_GROUP_DESCRIPTION:
        case FACT_GROUP_MEMBER:
        case FACT_GROUP_NESTED:
        case FACT_GROUP_OWNER:
                return group_name(source, key->id, "group/", ret);
        case FACT_ROLE_THERE:
        case FACT_ROLE_DESCRIPTION:
        case FACT_ROLE_KIND:
        case FACT_ROLE_ONE_TENANT:
        case FACT_ROLE_AUTOMATIC:
        case FACT_ROLE_LIST:
                return text_make(ret, "role/%s", key->name);
        case FACT_TENANT_THERE:
        case FACT_TENANT_TITLE:
        case FACT_TENANT_SEATS:
        case FACT_TENANT_DEFAULT_ROLE:
                return text_make(ret, "tenant/%s", key->name);
        case FACT_POLICY:
                if (key->number == STORE_POLICY_USER && base_parse_id(key->name, &uid) == 0)
                        return user_name(source, uid, "user/", ret);
                return text_make(ret, "%s/%s",
                                 key->number == STORE_POLICY_DEPARTMENT ? "department"
                                 : key->number == STORE_POLICY_ROLE     ? "role"
                                                                        : "tenant",
                                 key->name);
        case FACT_INVALID:
        case _FACT_KIND_MAX:
                break;
        }
        return -EBADMSG;
}

static int grant_field(const FactKey *key, char **ret) {
        char over[CORE_OVER_BYTES];

        core_over_format(key->grant.scope, key->grant.over, over);
        return text_make(ret, "role %s at %s%s%s", key->grant.role, key->grant.tenant,
                         over[0] ? " over " : "", over);
}

int core_fact_field(FactSource *source, const FactKey *key, char **ret) {
        static const char *const words[_FACT_KIND_MAX] = {
                [FACT_USER_STATUS] = "status",
                [FACT_USER_LOCK] = "locked",
                [FACT_USER_TENANT] = "tenant",
                [FACT_USER_READ_ONLY] = "read_only",
                [FACT_USER_FROM] = "valid_from",
                [FACT_USER_UNTIL] = "valid_until",
                [FACT_USER_MUST_CHANGE] = "must_change",
                [FACT_GROUP_THERE] = "group",
                [FACT_GROUP_NAME] = "name",
                [FACT_GROUP_DESCRIPTION] = "description",
                [FACT_ROLE_THERE] = "role",
                [FACT_ROLE_DESCRIPTION] = "description",
                [FACT_ROLE_KIND] = "kind",
                [FACT_ROLE_ONE_TENANT] = "one_tenant",
                [FACT_ROLE_AUTOMATIC] = "auto",
                [FACT_TENANT_THERE] = "tenant",
                [FACT_TENANT_TITLE] = "title",
                [FACT_TENANT_SEATS] = "seats",
                [FACT_TENANT_DEFAULT_ROLE] = "default_role",
        };
        static const char *const nevers[_NEVER_MAX] = {
                [NEVER_PASSWORD] = "password", [NEVER_SETUP_CODE] = "setup_code",
                [NEVER_FACTORS] = "factors",   [NEVER_KEYS] = "keys",
                [NEVER_FAILURES] = "failures", [NEVER_UID] = "uid",
                [NEVER_SESSIONS] = "sessions", [NEVER_HISTORY] = "password",
                [NEVER_TOO_LARGE] = "all",
        };

        if (key->kind == FACT_GROUP_MEMBER)
                return user_name(source, key->other, "member ", ret);
        if (key->kind == FACT_GROUP_OWNER)
                return user_name(source, key->other, "owner ", ret);
        if (key->kind == FACT_GROUP_NESTED)
                return group_name(source, key->other, "nested ", ret);
        if (key->kind == FACT_USER_ATTRIBUTE)
                return text_make(ret, "attr.%s", key->name);
        if (key->kind == FACT_GRANT)
                return grant_field(key, ret);
        return text_make(ret, "%s",
                         key->kind == FACT_USER_TEXT ? core_user_field_name((UserField)key->number)
                         : key->kind == FACT_ROLE_LIST
                                 ? core_role_list_name((CoreRoleList)key->number)
                         : key->kind == FACT_POLICY ? key->value
                         : key->kind == FACT_NEVER  ? nevers[key->number]
                                                    : words[key->kind]);
}

static int time_text(const char *value, char **ret) {
        uint64_t usec;
        char when[32];

        if (base_parse_u64(value, 0, UINT64_MAX, &usec) < 0)
                return -EBADMSG;
        base_format_rfc3339(usec, when);
        return text_make(ret, "%s", when);
}

static int status_text(const char *value, char **ret) {
        const char *reason;
        uint64_t until;
        UserStatus status;
        char when[32];

        if (!core_fact_status(value, &status, &until, &reason))
                return -EBADMSG;
        base_format_rfc3339(until, when);
        return text_make(ret, "%s%s%s", policy_status_name(status),
                         until != USEC_INFINITY ? " until " : "",
                         until != USEC_INFINITY ? when : "");
}

static int grant_value(const char *value, char **ret) {
        StoreGrant grant = { 0 };
        char from[32], until[32];

        if (!core_fact_grant(value, &grant))
                return -EBADMSG;
        base_format_rfc3339(grant.from_usec, from);
        base_format_rfc3339(grant.until_usec, until);
        return text_make(ret, "granted%s%s%s%s", grant.from_usec > 0 ? " from " : "",
                         grant.from_usec > 0 ? from : "",
                         grant.until_usec != USEC_INFINITY ? " until " : "",
                         grant.until_usec != USEC_INFINITY ? until : "");
}

static int attribute_value(const char *value, char **ret) {
        const char *text;
        uint64_t until;
        char when[32];

        if (!core_fact_attribute(value, &until, &text))
                return -EBADMSG;
        base_format_rfc3339(until, when);
        return text_make(ret, "%s%s%s", text, until != USEC_INFINITY ? " until " : "",
                         until != USEC_INFINITY ? when : "");
}

int core_fact_text(FactSource *source, const FactKey *key, const char *value, char **ret) {
        int r;

        *ret = NULL;
        if (!value)
                return 0;
        if (key->kind == FACT_USER_STATUS)
                return status_text(value, ret);
        if (key->kind == FACT_USER_FROM || key->kind == FACT_USER_UNTIL)
                return time_text(value, ret);
        if (key->kind == FACT_USER_ATTRIBUTE)
                return attribute_value(value, ret);
        if (key->kind == FACT_GRANT)
                return grant_value(value, ret);
        r = text_make(ret, "%s", key->kind == FACT_USER_LOCK ? "yes" : value);
        for (char *at = *ret; at && (at = strchr(at, '\n'));) /* a list */
                *at = ' ';
        return r;
}

const char *core_never_text(Never never) {
        static const char *const texts[_NEVER_MAX] = {
                [NEVER_PASSWORD] = "a password is not set again",
                [NEVER_SETUP_CODE] = "a setup code is not taken back: make another one",
                [NEVER_FACTORS] = "second factors and codes are not undone",
                [NEVER_KEYS] = "keys are not undone: whoever has one adds it again",
                [NEVER_FAILURES] = "failures that were forgotten are not counted again",
                [NEVER_UID] = "name and uid stay with the tombstone",
                [NEVER_SESSIONS] = "sessions that were ended stay ended",
                [NEVER_HISTORY] = "former passwords were erased with the account",
                [NEVER_TOO_LARGE] = "it was too large to be kept for undoing",
        };

        return texts[never];
}
