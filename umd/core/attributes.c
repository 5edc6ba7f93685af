/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Typed attributes: what there are.  The type of one never changes, since values are kept by it;
 * what a role names stays as long as the role names it. */

#include <errno.h>
#include <string.h>

#include "umd/core/holders.h"
#include "umd/core/user_attributes.h"

/* ---- finding ------------------------------------------------------------------------------- */

int core_choices_read(const StoreAttributeKind *kind, Choices *ret) {
        char *rest = ret->buf, *word;

        *ret = (Choices){ 0 };
        if (strlen(kind->choices) >= sizeof(ret->buf))
                return -EBADMSG;
        memcpy(ret->buf, kind->choices, strlen(kind->choices) + 1);
        while (kind->choices[0] && (word = strsep(&rest, ","))) {
                if (ret->count == ATTRIBUTE_CHOICES_MAX)
                        return -EBADMSG;
                ret->list[ret->count++] = word;
        }
        return 0;
}

int core_attribute_load(StoreTxn *txn, const char *name, StoreAttributeKind **ret,
                        CoreError *error) {
        int r = store_attribute_kind_get(txn, name, ret);

        if (r == 0 && (*ret)->type >= _ATTRIBUTE_TYPE_MAX)
                return -EBADMSG;
        return r <= 0 ? r
                      : core_fail(error, CORE_E_NO_SUCH_ENTRY, "%s: no such attribute",
                                  core_quote(name).text);
}

/* ---- checking ------------------------------------------------------------------------------ */

/* Its choices in the one form they are kept in. */
static void choices_join(const AttributeEdit *edit, char *buf, size_t size, CoreError *error) {
        Text text;

        base_text_init(&text, buf, size);
        if (edit->choice_count > ATTRIBUTE_CHOICES_MAX)
                core_fault_add(error, CORE_E_BAD_VALUE, "choices: more than %u",
                               ATTRIBUTE_CHOICES_MAX);
        for (size_t i = 0; i < edit->choice_count; i++) {
                if (!policy_attribute_choice_ok(edit->choices[i]))
                        core_fault_add(error, CORE_E_BAD_VALUE,
                                       "choices: \"%s\": must be a line of text without a comma, "
                                       "at most %u bytes",
                                       core_quote(edit->choices[i]).text, ATTRIBUTE_VALUE_MAX);
                for (size_t k = 0; k < i; k++)
                        if (strcmp(edit->choices[k], edit->choices[i]) == 0)
                                core_fault_add(error, CORE_E_BAD_VALUE,
                                               "choices: \"%s\": is there twice",
                                               core_quote(edit->choices[i]).text);
                base_text_addf(&text, "%s%s", i > 0 ? "," : "", edit->choices[i]);
        }
        if (text.cut)
                core_fault_add(error, CORE_E_BAD_VALUE, "choices: more than %u bytes together",
                               (unsigned int)size - 1);
}

static void check_texts(const AttributeEdit *edit, AttributeType type, char *choices,
                        CoreError *error) {
        if (edit->description)
                core_check_text("description", FIELD_LINE, edit->description, error);
        if (!edit->choices)
                return;
        if (type != ATTRIBUTE_CHOICE && edit->choice_count > 0)
                core_fault_add(error, CORE_E_BAD_VALUE, "choices: only of the type choice");
        else
                choices_join(edit, choices, CORE_CHOICES_BYTES, error);
}

static int count_one(void *userdata, const StoreAttributeKind *kind) {
        (*(size_t *)userdata)++;
        return 0;
}

static int check_new(StoreTxn *txn, const AttributeEdit *edit, AttributeType type,
                     CoreError *error) {
        _cleanup_(store_attribute_kind_freep) StoreAttributeKind *kind = NULL;
        size_t count = 0;
        int r;

        if (!policy_attribute_name_ok(edit->name))
                core_fault_add(error, CORE_E_BAD_VALUE,
                               "name: \"%s\": must be a-z, 0-9, ., _ and -, no sign first, at "
                               "most %u",
                               core_quote(edit->name).text, ATTRIBUTE_NAME_MAX);
        if (type == ATTRIBUTE_INVALID)
                core_fault_add(error, CORE_E_BAD_VALUE,
                               "type: \"%s\": must be flag, text, number, date or choice",
                               core_quote(edit->type ? edit->type : "").text);
        if (type == ATTRIBUTE_CHOICE && edit->choice_count == 0)
                core_fault_add(error, CORE_E_BAD_VALUE, "choices: a choice needs some");
        r = store_attribute_kind_get(txn, edit->name, &kind);
        if (r == 0)
                core_fault_add(error, CORE_E_NAME_TAKEN, "name: \"%s\": is another attribute's",
                               edit->name);
        if (r >= 0)
                r = store_attribute_kind_each(txn, count_one, &count);
        if (count >= CORE_ATTRIBUTES_MAX)
                core_fault_add(error, CORE_E_POLICY_REFUSED,
                               "there are %u attributes, the most there may be",
                               CORE_ATTRIBUTES_MAX);
        return r < 0 ? r : 0;
}

/* ---- who has it ---------------------------------------------------------------------------- */

typedef int (*HolderEach)(void *userdata, const StoreUser *user, const StoreAttribute *value);

static int holders_each(StoreTxn *txn, const char *name, HolderEach each, void *userdata) {
        uid_t uid = 0;
        int r = 0;

        while (r == 0) {
                _cleanup_(store_user_freep) StoreUser *user = NULL;
                StoreAttribute list[STORE_ATTRIBUTES_MAX];
                size_t count = 0, at = 0;

                r = store_attribute_holder_next(txn, name, uid, &uid);
                if (r != 0)
                        return r < 0 ? r : 0;
                r = store_user_get(txn, uid, &user);
                if (r == 0)
                        r = store_attributes_read(user, list, &count);
                while (at < count && strcmp(list[at].name, name) != 0)
                        at++;
                if (r != 0 || at == count)
                        return r < 0 ? r : -EBADMSG;
                r = each(userdata, user, &list[at]);
        }
        return r;
}

typedef struct Missing {
        const Choices *choices;
        CoreError *error;
} Missing;

static int refuse_missing(void *userdata, const StoreUser *user, const StoreAttribute *value) {
        const Missing *missing = userdata;

        for (size_t i = 0; i < missing->choices->count; i++)
                if (strcmp(missing->choices->list[i], value->value) == 0)
                        return 0;
        return core_fail(missing->error, CORE_E_POLICY_REFUSED, "choices: %s has \"%s\"",
                         user->name, core_quote(value->value).text);
}

/* What somebody has stays one. */
static int check_choices(StoreTxn *txn, const StoreAttributeKind *kind, CoreError *error) {
        Choices choices;
        Missing missing = { &choices, error };
        int r = core_choices_read(kind, &choices);

        return r < 0 ? r : holders_each(txn, kind->name, refuse_missing, &missing);
}

/* Does a role require it, or come by it? */
static int refuse_named(Change *change, const char *name, CoreError *error) {
        const Roles *roles;
        int r = core_roles(change->core, change->txn, &roles);

        for (uint16_t i = 0; r == 0 && i < core_roles_count(roles); i++) {
                const RoleSpec *spec = core_roles_spec(roles, i);

                for (size_t k = 0; spec->require && spec->require[k]; k++)
                        if (strncmp(spec->require[k], "attr:", 5) == 0 &&
                            strcmp(spec->require[k] + 5, name) == 0)
                                return core_fail(error, CORE_E_POLICY_REFUSED,
                                                 "%s: is what the role %s requires", name,
                                                 spec->name);
                if (spec->automatic && core_condition_names(spec->automatic, name))
                        return core_fail(error, CORE_E_POLICY_REFUSED,
                                         "%s: is what the role %s goes by", name, spec->name);
        }
        return r;
}

/* ---- writing ------------------------------------------------------------------------------- */

static int values_of(Change *change, const StoreAttributeKind *before,
                     const StoreAttributeKind *after) {
        int r;

        r = core_change_value(change, "description", before ? before->description : NULL,
                              after->description);
        if (r == 0)
                r = core_change_value(change, "choices", before ? before->choices : NULL,
                                      after->choices);
        if (r == 0)
                r = core_change_value_bool(change, "private", before && before->is_private,
                                           after->is_private);
        return r;
}

static void edit_apply(const AttributeEdit *edit, const char *choices, StoreAttributeKind *kind) {
        if (edit->description)
                kind->description = edit->description;
        if (edit->choices)
                kind->choices = choices;
        if (edit->has_private)
                kind->is_private = edit->is_private;
}

static int kind_write(Change *change, const StoreAttributeKind *kind) {
        int r = store_attribute_kind_put(change->txn, kind);

        return r > 0 ? -EUCLEAN : r; /* read within this transaction */
}

int core_attribute_create(Core *core, const Actor *actor, const AttributeEdit *edit,
                          const CoreOptions *options, uint64_t now_usec, CoreChange *ret,
                          CoreError *error) {
        AttributeType type =
                edit->type ? policy_attribute_type_from_name(edit->type) : ATTRIBUTE_INVALID;
        _cleanup_change_ Change change = { 0 };
        char choices[CORE_CHOICES_BYTES] = "";
        CoreError faults = { 0 };
        StoreAttributeKind kind = {
                .name = edit->name,
                .description = "",
                .type = type,
                .choices = "",
                .created_usec = now_usec,
                .created_by = actor->uid,
        };
        int r;

        r = core_change_begin(&change, core, actor, options, now_usec, error);
        if (r == 0)
                r = check_new(change.txn, edit, type, &faults);
        if (r != 0)
                return r;
        check_texts(edit, type, choices, &faults);
        if (faults.outcome != CORE_DONE) {
                *error = faults;
                return (int)faults.outcome;
        }
        edit_apply(edit, choices, &kind);
        r = core_change_value(&change, "type", NULL, edit->type);
        if (r == 0)
                r = values_of(&change, NULL, &kind);
        if (r == 0)
                r = kind_write(&change, &kind);
        return r < 0 ? r
                     : core_change_commit(&change, "attribute.create", "attribute", kind.name, 0, 1,
                                          ret);
}

int core_attribute_update(Core *core, const Actor *actor, const char *name,
                          const AttributeEdit *edit, const CoreOptions *options, uint64_t now_usec,
                          CoreChange *ret, CoreError *error) {
        _cleanup_change_ Change change = { 0 };
        _cleanup_(store_attribute_kind_freep) StoreAttributeKind *kind = NULL;
        char choices[CORE_CHOICES_BYTES] = "";
        CoreError faults = { 0 };
        StoreAttributeKind edited;
        int r;

        r = core_change_begin(&change, core, actor, options, now_usec, error);
        if (r == 0)
                r = core_attribute_load(change.txn, name, &kind, error);
        if (r == 0)
                r = core_check_version(options, name, kind->version, error);
        if (r != 0)
                return r;
        if (edit->type)
                core_fault_add(&faults, CORE_E_BAD_VALUE, "type: %s: is fixed at creation",
                               policy_attribute_type_name((AttributeType)kind->type));
        if (kind->type == ATTRIBUTE_CHOICE && edit->choices && edit->choice_count == 0)
                core_fault_add(&faults, CORE_E_BAD_VALUE, "choices: a choice needs some");
        check_texts(edit, (AttributeType)kind->type, choices, &faults);
        if (faults.outcome != CORE_DONE) {
                *error = faults;
                return (int)faults.outcome;
        }
        edited = *kind;
        edit_apply(edit, choices, &edited);
        r = values_of(&change, kind, &edited);
        *ret = (CoreChange){ .version = kind->version };
        if (r < 0 || change.value_count == 0)
                return r;
        if (edit->choices)
                r = check_choices(change.txn, &edited, error);
        if (r == 0)
                r = kind_write(&change, &edited);
        return r != 0 ? r
                      : core_change_commit(&change, "attribute.update", "attribute", name, 0,
                                           kind->version + 1, ret);
}

/* ---- deleting ------------------------------------------------------------------------------ */

typedef struct Taking {
        Change *change;
        bool force;
        CoreError *error;
        IdSet uids;
} Taking;

static void taking_done(Taking *taking) {
        core_idset_done(&taking->uids);
}

static int note_holder(void *userdata, const StoreUser *user, const StoreAttribute *value) {
        Taking *taking = userdata;
        int r;

        if (!taking->force)
                return core_fail(taking->error, CORE_E_POLICY_REFUSED,
                                 "%s: is what %s has: --force takes it from all who have it",
                                 value->name, user->name);
        r = core_idset_add(&taking->uids, user->uid);
        return r < 0 ? r : 0;
}

static int take_all(Taking *taking, const char *name) {
        int r = holders_each(taking->change->txn, name, note_holder, taking);

        for (size_t i = 0; i < taking->uids.count && r == 0; i++) {
                _cleanup_(store_user_freep) StoreUser *user = NULL;

                r = store_user_get(taking->change->txn, taking->uids.ids[i], &user);
                if (r == 0)
                        r = core_attributes_drop(taking->change, user, name);
        }
        return r;
}

int core_attribute_delete(Core *core, const Actor *actor, const char *name, bool force,
                          const CoreOptions *options, uint64_t now_usec, CoreChange *ret,
                          CoreError *error) {
        _cleanup_change_ Change change = { 0 };
        _cleanup_(store_attribute_kind_freep) StoreAttributeKind *kind = NULL;
        _cleanup_(taking_done) Taking taking = { &change, force, error, { 0 } };
        int r;

        r = core_change_begin(&change, core, actor, options, now_usec, error);
        if (r == 0)
                r = core_attribute_load(change.txn, name, &kind, error);
        if (r == 0)
                r = core_check_version(options, name, kind->version, error);
        if (r == 0)
                r = refuse_named(&change, name, error);
        if (r == 0)
                r = core_change_value(&change, "name", name, NULL);
        if (r == 0)
                r = take_all(&taking, name);
        if (r == 0)
                r = store_attribute_kind_delete(change.txn, name);
        if (r != 0)
                return r;
        return core_change_commit(&change, "attribute.delete", "attribute", name, 0,
                                  kind->version + 1, ret);
}

/* ---- showing ------------------------------------------------------------------------------- */

typedef struct Showing {
        CoreAttributeEach each;
        void *userdata;
} Showing;

static int show_one(void *userdata, const StoreAttributeKind *kind) {
        const Showing *showing = userdata;
        Choices choices;
        int r = core_choices_read(kind, &choices);

        if (r < 0)
                return r;
        showing->each(showing->userdata,
                      &(CoreAttribute){
                              .version = kind->version,
                              .name = kind->name,
                              .type = policy_attribute_type_name((AttributeType)kind->type),
                              .description = kind->description,
                              .choices = choices.list,
                              .choice_count = choices.count,
                              .is_private = kind->is_private,
                              .created_usec = kind->created_usec,
                      });
        return 0;
}

int core_attribute_show(Core *core, const char *name, CoreAttributeEach each, void *userdata,
                        CoreError *error) {
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        _cleanup_(store_attribute_kind_freep) StoreAttributeKind *kind = NULL;
        Showing showing = { each, userdata };
        int r;

        *error = (CoreError){ 0 };
        r = store_begin_read(core->store, &txn);
        if (r < 0)
                return r;
        if (!name)
                return store_attribute_kind_each(txn, show_one, &showing);
        r = core_attribute_load(txn, name, &kind, error);
        return r != 0 ? r : show_one(&showing, kind);
}
