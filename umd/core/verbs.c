/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which permission each verb of a change needs (FEATURES M.3), for what runs verbs on behalf of
 * somebody: taking a change back needs what making it did (L9).  A verb that is not here is
 * nobody's but root's. */

#include <errno.h>
#include <string.h>

#include "umd/core/undo.h"

typedef struct VerbRow {
        const char *verb;
        Permission permission;
} VerbRow;

static const VerbRow rows[] = {
        { "group.add-members", PERMISSION_GROUP_MEMBER_SET },
        { "group.create", PERMISSION_GROUP_EDIT },
        { "group.delete", PERMISSION_GROUP_EDIT },
        { "group.remove-members", PERMISSION_GROUP_MEMBER_SET },
        { "group.restore", PERMISSION_GROUP_EDIT },
        { "group.update", PERMISSION_GROUP_EDIT },
        { "policy.set", PERMISSION_POLICY_EDIT },
        { "policy.unset", PERMISSION_POLICY_EDIT },
        { "role.create", PERMISSION_ROLE_EDIT },
        { "role.delete", PERMISSION_ROLE_EDIT },
        { "role.grant", PERMISSION_ROLE_GRANT },
        { "role.revoke", PERMISSION_ROLE_REVOKE },
        { "role.update", PERMISSION_ROLE_EDIT },
        { "tenant.create", PERMISSION_TENANT_CREATE },
        { "tenant.delete", PERMISSION_TENANT_DELETE },
        { "tenant.restore", PERMISSION_TENANT_DELETE },
        { "tenant.update", PERMISSION_TENANT_EDIT },
        { "user.create", PERMISSION_USER_CREATE },
        { "user.delete", PERMISSION_USER_DELETE },
        { "user.disable", PERMISSION_USER_DISABLE },
        { "user.enable", PERMISSION_USER_DISABLE },
        { "user.lock", PERMISSION_USER_LOCK },
        { "user.must-change", PERMISSION_USER_PASSWORD_RESET },
        { "user.restore", PERMISSION_USER_DELETE },
        { "user.resume", PERMISSION_USER_SUSPEND },
        { "user.suspend", PERMISSION_USER_SUSPEND },
        { "user.unlock", PERMISSION_USER_UNLOCK },
        { "user.update", PERMISSION_USER_EDIT },
};

static const VerbRow *row_find(const char *verb) {
        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++)
                if (strcmp(rows[i].verb, verb) == 0)
                        return &rows[i];
        return NULL;
}

static int refuse_verb(const char *verb, CoreError *error) {
        return core_fail(error, CORE_E_ACCESS_DENIED, "%s: only root may do this",
                         core_quote(verb).text);
}

static int ask_user(Asker *asker, Permission permission, uid_t uid, const char *tenant,
                    CoreError *error) {
        const CoreQuestion question = { .where = CORE_WHERE_USER, .id = uid, .tenant = tenant };

        return core_asker_ask(asker, permission, &question, error);
}

static int ask_where(Asker *asker, Permission permission, CoreWhere where, const char *name,
                     CoreError *error) {
        const CoreQuestion question = { .where = where, .name = name };

        return core_asker_ask(asker, permission, &question, error);
}

/* ---- taking back --------------------------------------------------------------------------- */

static bool is_identity(UserField field) {
        return field == USER_FIELD_NAME || field == USER_FIELD_EMAIL || field == USER_FIELD_SHELL ||
               field == USER_FIELD_HOME;
}

/* What a thing of a user's takes beside, or in place of, the verb's permission: he is shown what it
 * was. */
static int ask_user_thing(Asker *asker, Permission permission, const FactKey *key,
                          CoreError *error) {
        bool identity = key->kind == FACT_USER_TENANT || key->kind == FACT_USER_READ_ONLY ||
                        key->kind == FACT_USER_FROM || key->kind == FACT_USER_UNTIL ||
                        (key->kind == FACT_USER_TEXT && is_identity((UserField)key->number)),
             attribute = key->kind == FACT_USER_ATTRIBUTE,
             private =
                     attribute || (key->kind == FACT_USER_TEXT && key->number == USER_FIELD_PHONE);
        int r = ask_user(asker, attribute ? PERMISSION_USER_ATTRIBUTE_SET : permission, key->id,
                         NULL, error);

        if (r == 0 && identity)
                r = ask_user(asker, PERMISSION_USER_IDENTITY_EDIT, key->id, NULL, error);
        if (r == 0 && private)
                r = ask_user(asker, PERMISSION_USER_VIEW_PRIVATE, key->id, NULL, error);
        return r;
}

/* One that is deleted is of no tenant that could be asked about: made again it is the host's. */
static int ask_group(Asker *asker, Permission permission, const FactKey *key, CoreError *error) {
        const CoreQuestion question = { .where = CORE_WHERE_GROUP, .id = key->id };
        _cleanup_(store_group_freep) StoreGroup *group = NULL;
        int r = store_group_get(asker->txn, key->id, &group);

        if (r < 0)
                return r;
        if (r > 0 || group->deleted)
                r = ask_where(asker, permission, CORE_WHERE_HOST, NULL, error);
        else
                r = core_asker_ask(asker, permission, &question, error);
        if (r == 0 && (key->kind == FACT_GROUP_MEMBER || key->kind == FACT_GROUP_OWNER))
                r = ask_user(asker, PERMISSION_USER_VIEW, key->other, NULL, error);
        return r;
}

static int ask_policy(Asker *asker, Permission permission, const FactKey *key, CoreError *error) {
        uint32_t uid;

        switch ((StorePolicyLevel)key->number) {
        case STORE_POLICY_COMPANY:
                return ask_where(asker, permission, CORE_WHERE_TENANT, key->name, error);
        case STORE_POLICY_DEPARTMENT:
        case STORE_POLICY_ROLE:
                return ask_where(asker, permission, CORE_WHERE_ALL, NULL, error);
        case STORE_POLICY_USER:
                if (base_parse_id(key->name, &uid) < 0)
                        break;
                return ask_user(asker, PERMISSION_POLICY_USER_SET, uid, NULL, error);
        }
        return -EBADMSG;
}

int core_verb_may_undo(Asker *asker, const char *verb, const FactKey *key, CoreError *error) {
        const VerbRow *row = row_find(verb);

        if (core_asker_is_root(asker))
                return 0;
        if (!row)
                return refuse_verb(verb, error);
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
                return ask_user_thing(asker, row->permission, key, error);
        case FACT_GROUP_THERE:
        case FACT_GROUP_NAME:
        case FACT_GROUP_DESCRIPTION:
        case FACT_GROUP_MEMBER:
        case FACT_GROUP_NESTED:
        case FACT_GROUP_OWNER:
                return ask_group(asker, row->permission, key, error);
        case FACT_ROLE_THERE:
        case FACT_ROLE_DESCRIPTION:
        case FACT_ROLE_KIND:
        case FACT_ROLE_ONE_TENANT:
        case FACT_ROLE_AUTOMATIC:
        case FACT_ROLE_LIST:
        case FACT_TENANT_THERE: /* one that is gone is nobody's: who has it in all of them */
                return ask_where(asker, row->permission, CORE_WHERE_ALL, NULL, error);
        case FACT_TENANT_TITLE:
        case FACT_TENANT_SEATS:
        case FACT_TENANT_DEFAULT_ROLE:
                return ask_where(asker, row->permission, CORE_WHERE_TENANT, key->name, error);
        case FACT_GRANT:
                return ask_user(asker, row->permission, key->grant.uid, key->grant.tenant, error);
        case FACT_POLICY:
                return ask_policy(asker, row->permission, key, error);
        case FACT_NEVER: /* a group's or nobody's is beside others */
                return key->id > 0 ? ask_user(asker, PERMISSION_USER_VIEW, key->id, NULL, error)
                                   : 0;
        case FACT_INVALID:
        case _FACT_KIND_MAX:
                break;
        }
        return -EBADMSG;
}

/* ---- many at once -------------------------------------------------------------------------- */

/* As User.Update asks of one. */
static int ask_edit(Asker *asker, const UserSpec *spec, const char *user, CoreError *error) {
        const CoreQuestion question = { .where = CORE_WHERE_USER, .name = user };
        bool identity = spec->has_valid_from || spec->has_valid_until || spec->tenant ||
                        spec->has_read_only;
        int r = core_asker_ask(asker, PERMISSION_USER_EDIT, &question, error);

        for (unsigned i = 0; i < _USER_FIELD_TEXT_MAX; i++)
                identity |= spec->text[i] && is_identity((UserField)i);
        if (r == 0 && identity)
                r = core_asker_ask(asker, PERMISSION_USER_IDENTITY_EDIT, &question, error);
        if (r == 0 && spec->attribute_count > 0)
                r = core_asker_ask(asker, PERMISSION_USER_ATTRIBUTE_SET, &question, error);
        return r;
}

int core_verb_may_batch(Asker *asker, const CoreBatch *batch, const char *user, CoreError *error) {
        CoreQuestion question = { .where = CORE_WHERE_USER, .name = user };
        const VerbRow *row = row_find(batch->verb);

        if (core_asker_is_root(asker))
                return 0;
        if (!row)
                return refuse_verb(batch->verb, error);
        if (row->permission == PERMISSION_USER_EDIT)
                return ask_edit(asker, &batch->fields, user, error);
        if (row->permission == PERMISSION_ROLE_GRANT || row->permission == PERMISSION_ROLE_REVOKE)
                question.tenant =
                        batch->grant.tenant ? batch->grant.tenant : asker->core->settings.tenant;
        return core_asker_ask(asker, row->permission, &question, error);
}
