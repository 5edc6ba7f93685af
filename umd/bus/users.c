/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* org.um1.User: what one user is, and what is done to one. */

#include <errno.h>
#include <string.h>

#include "umd/bus/private.h"

int user_properties(Call *call, CoreError *error) {
        _cleanup_(core_user_freep) CoreUser *user = NULL;
        const CoreQuestion private = { .permission = "user.view.private",
                                       .where = CORE_WHERE_USER,
                                       .name = call->name };
        PropertyQuery query;
        CoreError refused;
        int r = property_query_read(call, WIRE_USER, &query);

        if (r < 0)
                return r;
        r = core_user_get(call->bus->core, call->name, false, &user, error);
        if (r != 0)
                return r;
        if (user->uid != call->actor.uid)
                r = core_may(call->bus->core, &call->actor, &private, call->now_usec, &refused);
        if (r < 0)
                return r;
        user->hides_private = r > 0;
        if (user->hides_private && query.name && query.ours &&
            property_is_private(ACCESS_ON_USER, query.name))
                return access_refuse(call, private.permission, error);
        return property_reply(call, ACCESS_ON_USER, &query, user);
}

void user_fields_clear(UserFields *fields) {
        free(fields->attributes.list);
}

int read_user_fields(sd_bus_message *m, bool creation, UserFields *ret, CoreError *error) {
        DictField fields[_USER_FIELD_TEXT_MAX + 10];
        UserSpec spec = { 0 };
        size_t count = 0;
        int r;

        fields[count++] =
                (DictField){ "valid_from", "t", &spec.valid_from_usec, &spec.has_valid_from };
        fields[count++] =
                (DictField){ "valid_until", "t", &spec.valid_until_usec, &spec.has_valid_until };
        fields[count++] = (DictField){ "attributes", "a(sst)", &ret->attributes, NULL };
        fields[count++] = (DictField){ "tenant", "s", &spec.tenant, NULL };
        fields[count++] = (DictField){ "read_only", "b", &spec.read_only, &spec.has_read_only };
        for (unsigned i = 0; i < _USER_FIELD_TEXT_MAX; i++)
                if (i != USER_FIELD_NAME || !creation)
                        fields[count++] = (DictField){ core_user_field_name((UserField)i), "s",
                                                       &spec.text[i], NULL };
        if (creation) {
                fields[count++] = (DictField){ "uid", "u", &spec.uid, &spec.has_uid };
                fields[count++] = (DictField){ "gid", "u", &spec.gid, &spec.has_gid };
                fields[count++] = (DictField){ "pending", "b", &spec.pending, NULL };
                fields[count++] = (DictField){ "kind", "s", &spec.kind, NULL };
                fields[count++] = (DictField){ "role", "s", &spec.role, NULL };
        }
        r = read_dict(m, "fields", fields, count, error);
        if (r != 0)
                return r;
        spec.attributes = ret->attributes.list;
        spec.attribute_count = ret->attributes.count;
        ret->spec = spec;
        return 0;
}

/* Who, where and how long the account is: more than its profile. */
static bool is_identity(UserField field) {
        return field == USER_FIELD_NAME || field == USER_FIELD_EMAIL || field == USER_FIELD_SHELL ||
               field == USER_FIELD_HOME;
}

/* Users change of themselves what core says they may; the row has asked for user.edit of all
 * others.  Nobody changes his own identity without the permission either. */
static int update_check(Call *call, const UserSpec *spec, CoreError *error) {
        CoreQuestion question = { .permission = "user.edit",
                                  .where = CORE_WHERE_USER,
                                  .name = call->name };
        bool identity = spec->has_valid_from || spec->has_valid_until || spec->tenant ||
                        spec->has_read_only,
             profile = false;
        int r = 0;

        for (unsigned i = 0; i < _USER_FIELD_TEXT_MAX; i++) {
                if (!spec->text[i])
                        continue;
                identity |= is_identity((UserField)i);
                profile |= !core_user_field_self_editable((UserField)i);
        }
        if (identity || profile)
                r = access_ask(call, &question, error);
        if (r == 0 && identity) {
                question.permission = "user.identity.edit";
                r = access_ask(call, &question, error);
        }
        if (r == 0 && spec->attribute_count > 0) {
                question.permission = "user.attribute.set";
                r = access_ask(call, &question, error);
        }
        return r;
}

int user_update(Call *call, CoreError *error) {
        _cleanup_(user_fields_clear) UserFields fields = { 0 };
        CoreOptions options;
        CoreChange change;
        int r = read_user_fields(call->message, false, &fields, error);

        if (r == 0)
                r = update_check(call, &fields.spec, error);
        if (r == 0)
                r = read_options(call->message, &options, error);
        if (r == 0)
                r = core_user_update(call->bus->core, &call->actor, call->name, &fields.spec,
                                     &options, call->now_usec, &change, error);
        return r != 0 ? r : call_reply_change(call, &change);
}

/* ---- passwords ------------------------------------------------------------------------------- */

static void change_done(void *userdata, int r, const CoreChange *change, const CoreError *error) {
        Call *call = userdata;

        if (r == 0)
                r = call_reply_change(call, change);
        if (r != 0)
                call_fail(call, r, error);
        call_free(call);
}

int user_set_password(Call *call, CoreError *error) {
        _cleanup_secret_ Secret *secret = NULL;
        CorePasswordOptions password = { 0 };
        const DictField fields[] = {
                { "must-change", "b", &password.must_change, NULL },
                { "hash", "b", &password.is_hash, NULL },
                { "expires", "t", &password.expires_usec, NULL },
        };
        const CoreQuestion import = { .permission = "user.import",
                                      .where = CORE_WHERE_USER,
                                      .name = call->name };
        CoreOptions options;
        int r = read_secret(call->message, BASE_PASSWORD_MAX, false, &secret, error);

        if (r == 0)
                r = read_dict(call->message, "password", fields, ARRAY_LENGTH(fields), error);
        if (r == 0)
                r = read_options(call->message, &options, error);
        if (r == 0 && password.is_hash) /* nobody checks what is behind it */
                r = access_ask(call, &import, error);
        if (r == 0)
                r = core_user_set_password(call->bus->core, &call->actor, call->name, secret,
                                           &password, &options, call->now_usec, change_done, call,
                                           error);
        return r != 0 ? r : CALL_HELD;
}

static void code_done(void *userdata, int r, const Secret *code, uint64_t expires_usec,
                      const CoreChange *change, const CoreError *error) {
        char text[CHANGE_TEXT_MAX];
        Call *call = userdata;

        if (r == 0) {
                change_text(change, text);
                /* a Secret has a NUL behind it, and a code has none in it */
                r = call_reply(call, "sts", code ? (const char *)base_secret_bytes(code) : "",
                               expires_usec, text);
        }
        if (r != 0)
                call_fail(call, r, error);
        call_free(call);
}

int user_create_setup_code(Call *call, CoreError *error) {
        CoreOptions options;
        int r = read_options(call->message, &options, error);

        if (r == 0)
                r = core_user_create_setup_code(call->bus->core, &call->actor, call->name, &options,
                                                call->now_usec, code_done, call, error);
        return r != 0 ? r : CALL_HELD;
}

int user_must_change(Call *call, CoreError *error) {
        CoreOptions options;
        CoreChange change;
        int r = read_options(call->message, &options, error);

        if (r == 0)
                r = core_user_must_change(call->bus->core, &call->actor, call->name, &options,
                                          call->now_usec, &change, error);
        return r != 0 ? r : call_reply_change(call, &change);
}

/* ---- states ---------------------------------------------------------------------------------- */

int user_lock(Call *call, CoreError *error) {
        bool lock = strcmp(call->access->member, "Lock") == 0;
        CoreOptions options;
        CoreChange change;
        int r = read_options(call->message, &options, error);

        if (r == 0)
                r = core_user_lock(call->bus->core, &call->actor, call->name, lock, &options,
                                   call->now_usec, &change, error);
        return r != 0 ? r : call_reply_change(call, &change);
}

static int step_run(Call *call, StatusStep step, uint64_t until_usec, CoreError *error) {
        CoreOptions options;
        CoreChange change;
        int r = read_options(call->message, &options, error);

        if (r == 0)
                r = core_user_step(call->bus->core, &call->actor, call->name, step, until_usec,
                                   &options, call->now_usec, &change, error);
        return r != 0 ? r : call_reply_change(call, &change);
}

int user_suspend(Call *call, CoreError *error) {
        uint64_t until;
        int r = sd_bus_message_read(call->message, "t", &until);

        return r < 0 ? r : step_run(call, STATUS_STEP_SUSPEND, until, error);
}

int user_step(Call *call, CoreError *error) {
        static const struct {
                const char *member;
                StatusStep step;
        } steps[] = {
                { "Resume", STATUS_STEP_RESUME },   { "Disable", STATUS_STEP_DISABLE },
                { "Enable", STATUS_STEP_ENABLE },   { "Delete", STATUS_STEP_DELETE },
                { "Restore", STATUS_STEP_RESTORE },
        };

        for (size_t i = 0; i < ARRAY_LENGTH(steps); i++)
                if (strcmp(steps[i].member, call->access->member) == 0)
                        return step_run(call, steps[i].step, USEC_INFINITY, error);
        return -EINVAL;
}
