/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sudo command groups (FEATURES D15): making, editing and deleting them.
 *
 * What is broad is looked at when a command comes in, by its text and by what stands at its path:
 * whoever may write there may run anything.  Who edits a group gives its holders more, so nobody
 * edits one of his own, and broad commands are for who has every command himself (D8). */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "umd/core/holders.h"
#include "umd/core/sudo_command.h"

#define RUN_AS_BYTES (2U * BASE_NAME_MAX + 2U)

/* A group as it is being written; texts are ours. */
typedef struct Draft {
        StoreSudoGroup group;
        Texts commands;
        const char **list; /* the same, and a NULL */
        char run_as[BASE_NAME_MAX + 1], run_as_group[BASE_NAME_MAX + 1];
} Draft;

static void draft_done(Draft *draft) {
        core_texts_done(&draft->commands);
        free(draft->list);
}

/* ---- finding ------------------------------------------------------------------------------- */

static bool is_always_there(const char *name) {
        return strcmp(name, CORE_SUDO_MAINTENANCE) == 0;
}

static int group_make_up(StoreSudoGroup **ret) {
        static const char *const none[] = { NULL };
        StoreSudoGroup *group = malloc(sizeof(*group));

        if (!group)
                return -ENOMEM;
        *group = (StoreSudoGroup){ .name = CORE_SUDO_MAINTENANCE,
                                   .description = "",
                                   .commands = none,
                                   .run_as = "root",
                                   .run_as_group = "" };
        *ret = group;
        return 0;
}

static int group_load(StoreTxn *txn, const char *name, StoreSudoGroup **ret, CoreError *error) {
        int r = store_sudo_group_get(txn, name, ret);

        if (r == STORE_E_MISSING && is_always_there(name))
                r = group_make_up(ret);
        if (r > 0)
                return core_fail(error, CORE_E_NO_SUCH_ENTRY, "%s: no such sudo command group",
                                 core_quote(name).text);
        return r;
}

static int group_name_add(void *userdata, StoreSudoGroup **group) {
        return core_texts_add(userdata, (*group)->name);
}

/* The names of all there are, sorted. */
static int group_names(StoreTxn *txn, Texts *ret) {
        int r = core_texts_add(ret, CORE_SUDO_MAINTENANCE);

        if (r == 0)
                r = store_sudo_group_each(txn, group_name_add, ret);
        if (r != 0)
                return r;
        core_texts_sort(ret);
        core_texts_unite(ret);
        return 0;
}

/* ---- who may ------------------------------------------------------------------------------- */

/* Does any grant of his give the group, in effect or not? */
static bool gives(const RoleSet *set, const Holder *actor, const char *name) {
        char permission[PERMISSION_NAME_MAX + 1];
        uint16_t right;

        snprintf(permission, sizeof(permission), "sudo.%s", name);
        right = policy_right_from_name(set, permission);
        for (size_t i = 0; i < actor->facts.grant_count; i++)
                if (policy_role_permits(set, actor->grants[i].role, right))
                        return true;
        return false;
}

/* Command groups are those of all tenants, as roles are. */
static int check_actor(Change *change, const char *name, bool broad, CoreError *error) {
        const RightsPlace everywhere = { .all_tenants = true,
                                         .now_usec = change->now_usec,
                                         .over = RIGHTS_OVER_TENANT };
        _cleanup_holder_ Holder actor = { 0 };
        const RoleSet *set;
        int r;

        if (change->actor->uid == 0)
                return 0;
        r = core_role_set(change->core, change->txn, &set);
        if (r == 0)
                r = core_holder_of_actor(change->core, change->txn, set, change->actor, &actor);
        if (r != 0 || policy_rights_has(set, &actor.facts, &everywhere,
                                        policy_right_from_name(set, "sudo.all")))
                return r;
        if (gives(set, &actor, name))
                return core_fail(error, CORE_E_PROTECTED, "%s: is a command group of your own",
                                 name);
        if (broad)
                return core_fail(error, CORE_E_PROTECTED,
                                 "%s: has commands that give more than you have: sudo.all", name);
        return 0;
}

/* ---- checking ------------------------------------------------------------------------------ */

/* Why the command amounts to more than itself, by its text or by what stands at its path; "" where
 * it does not. */
static void broad_why(const Core *core, const char *command, char *buf, size_t size) {
        char path[CORE_SUDO_COMMAND_MAX + 1], real[CORE_PATH_BYTES];
        const char *why = sudo_command_broad(command);

        buf[0] = '\0';
        if (!why) {
                snprintf(path, sizeof(path), "%.*s", (int)sudo_command_path(command), command);
                if (core->host.program_safe(core->host.userdata, path, real, buf, size))
                        why = sudo_program_broad(real);
        }
        if (why)
                snprintf(buf, size, "%s", why);
}

static void check_command(const char *command, CoreError *error) {
        bool relative;
        const char *fault = sudo_command_fault(command, &relative);

        if (fault)
                core_fault_add(error, relative ? CORE_E_POLICY_REFUSED : CORE_E_BAD_VALUE,
                               "command: \"%s\": %s", core_quote(command).text, fault);
}

static bool list_has(const char *const *list, const char *text) {
        for (size_t i = 0; list && list[i]; i++)
                if (strcmp(list[i], text) == 0)
                        return true;
        return false;
}

/* One that was not there before.  True: it is broad. */
static bool check_new_command(const Core *core, const char *command, bool allow_broad,
                              CoreError *error) {
        char why[CORE_PATH_BYTES + 64];
        CoreError faults = { 0 };

        check_command(command, &faults);
        if (faults.outcome != CORE_DONE) {
                core_fault_add(error, faults.outcome, "%s", faults.text);
                return false;
        }
        broad_why(core, command, why, sizeof(why));
        if (why[0] && !allow_broad)
                core_fault_add(error, CORE_E_POLICY_REFUSED,
                               "command: \"%s\": %s; --allow-broad permits it",
                               core_quote(command).text, why);
        return why[0];
}

/* What was there was looked at when it came, and is as broad as it was. */
static void check_commands(const Core *core, const SudoEdit *edit, const StoreSudoGroup *before,
                           Draft *draft, CoreError *error) {
        bool broad = false;
        size_t bytes = 0;

        for (size_t i = 0; i < draft->commands.count; i++) {
                const char *command = draft->commands.list[i];

                bytes += strlen(command);
                if (!before || !list_has(before->commands, command))
                        broad |= check_new_command(core, command, edit->allow_broad, error);
                else
                        broad |= before->broad;
        }
        draft->group.broad = broad;
        if (draft->commands.count > CORE_SUDO_COMMANDS_MAX || bytes > CORE_SUDO_BYTES_MAX)
                core_fault_add(error, CORE_E_BAD_VALUE,
                               "commands: there may be %u of them, with %u bytes together",
                               CORE_SUDO_COMMANDS_MAX, CORE_SUDO_BYTES_MAX);
}

/* A name as /etc/passwd has them, which sudo takes for nothing else: no alias, which is all capital
 * letters, no #uid, no %group, no ALL. */
static bool is_account(const char *s, size_t len) {
        bool lower = false;

        if (len == 0 || len > BASE_NAME_MAX)
                return false;
        for (size_t i = 0; i < len; i++) {
                bool letter = (s[i] >= 'a' && s[i] <= 'z') || (s[i] >= 'A' && s[i] <= 'Z');

                lower = lower || (s[i] >= 'a' && s[i] <= 'z');
                if (!letter && s[i] != '_' &&
                    (i == 0 || ((s[i] < '0' || s[i] > '9') && s[i] != '-' && s[i] != '.')))
                        return false;
        }
        return lower;
}

static void run_as_read(const char *run_as, Draft *draft, CoreError *error) {
        size_t user = strcspn(run_as, ":"), group = run_as[user] ? strlen(run_as + user + 1) : 0;

        if (!is_account(run_as, user) || (run_as[user] && !is_account(run_as + user + 1, group))) {
                core_fault_add(error, CORE_E_BAD_VALUE,
                               "run_as: \"%s\": must be USER or USER:GROUP, by name",
                               core_quote(run_as).text);
                return;
        }
        memcpy(draft->run_as, run_as, user);
        draft->run_as[user] = '\0';
        memcpy(draft->run_as_group, run_as[user] ? run_as + user + 1 : "", group + 1);
}

/* ---- drafting ------------------------------------------------------------------------------ */

static int draft_list(Draft *draft) {
        draft->list = calloc(draft->commands.count + 1, sizeof(*draft->list));
        if (!draft->list)
                return -ENOMEM;
        for (size_t i = 0; i < draft->commands.count; i++)
                draft->list[i] = draft->commands.list[i];
        draft->group.commands = draft->list;
        return 0;
}

static int draft_make(const Core *core, const SudoEdit *edit, const StoreSudoGroup *before,
                      Draft *draft, CoreError *error) {
        int r = 0;

        for (size_t i = 0; before && before->commands[i] && r == 0; i++)
                r = core_texts_add(&draft->commands, before->commands[i]);
        if (r == 0 && edit->commands)
                r = core_texts_edit(&draft->commands, "commands", edit->commands,
                                    edit->command_count, error);
        if (r < 0)
                return r;
        if (r == 0)
                check_commands(core, edit, before, draft, error);
        if (edit->description) {
                core_check_text("description", FIELD_LINE, edit->description, error);
                draft->group.description = edit->description;
        }
        if (edit->run_as)
                run_as_read(edit->run_as, draft, error);
        if (edit->has_no_password)
                draft->group.no_password = edit->no_password;
        draft->group.run_as = draft->run_as;
        draft->group.run_as_group = draft->run_as_group;
        return error->outcome != CORE_DONE ? (int)error->outcome : draft_list(draft);
}

/* ---- writing ------------------------------------------------------------------------------- */

static void run_as_format(const StoreSudoGroup *group, char *buf) {
        snprintf(buf, RUN_AS_BYTES, "%s%s%s", group->run_as, group->run_as_group[0] ? ":" : "",
                 group->run_as_group);
}

#define LIST_TEXT_BYTES (CORE_SUDO_BYTES_MAX + 2U * CORE_SUDO_COMMANDS_MAX + 1U)

static void list_text(const StoreSudoGroup *group, char *buf) {
        Text text;

        base_text_init(&text, buf, LIST_TEXT_BYTES);
        for (size_t i = 0; group && group->commands[i]; i++)
                base_text_addf(&text, "%s%s", i > 0 ? "; " : "", group->commands[i]);
}

static int values_of(Change *change, const StoreSudoGroup *before, const StoreSudoGroup *after) {
        _cleanup_free_ char *was = malloc(LIST_TEXT_BYTES), *is = malloc(LIST_TEXT_BYTES);
        char ran_as[RUN_AS_BYTES] = "", runs_as[RUN_AS_BYTES];
        int r;

        if (!was || !is)
                return -ENOMEM;
        list_text(before, was);
        list_text(after, is);
        if (before)
                run_as_format(before, ran_as);
        run_as_format(after, runs_as);
        r = core_change_value(change, "description", before ? before->description : NULL,
                              after->description);
        if (r == 0)
                r = core_change_value(change, "commands", was, is);
        if (r == 0)
                r = core_change_value(change, "run_as", ran_as, runs_as);
        if (r == 0)
                r = core_change_value_bool(change, "no_password", before && before->no_password,
                                           after->no_password);
        if (r == 0)
                r = core_change_value_bool(change, "broad", before && before->broad, after->broad);
        return r;
}

static int group_write(Change *change, const StoreSudoGroup *group) {
        int r = store_sudo_group_put(change->txn, group);

        return r > 0 ? -EUCLEAN : r; /* read within this transaction */
}

/* ---- verbs --------------------------------------------------------------------------------- */

static int check_new(Change *change, const char *name, CoreError *error) {
        _cleanup_texts_ Texts names = { 0 };
        int r;

        core_check_text("name", FIELD_GROUP_NAME, name, error);
        if (strcmp(name, "all") == 0)
                core_fault_add(error, CORE_E_BAD_VALUE, "name: \"all\": means every command");
        r = group_names(change->txn, &names);
        if (r < 0)
                return r;
        if (names.count >= CORE_SUDO_GROUPS_MAX)
                core_fault_add(error, CORE_E_POLICY_REFUSED,
                               "there are %u sudo command groups, the most there may be",
                               CORE_SUDO_GROUPS_MAX);
        for (size_t i = 0; i < names.count; i++)
                if (strcmp(names.list[i], name) == 0)
                        core_fault_add(error, CORE_E_NAME_TAKEN, "name: \"%s\": is another group's",
                                       name);
        return error->outcome != CORE_DONE ? (int)error->outcome : 0;
}

int core_sudo_group_create(Core *core, const Actor *actor, const SudoEdit *edit,
                           const CoreOptions *options, uint64_t now_usec, CoreChange *ret,
                           CoreError *error) {
        _cleanup_change_ Change change = { 0 };
        _cleanup_(draft_done) Draft draft = { .run_as = "root" };
        int r;

        r = core_change_begin(&change, core, actor, options, now_usec, error);
        if (r == 0)
                r = check_new(&change, edit->name, error);
        if (r != 0)
                return r;
        draft.group = (StoreSudoGroup){
                .name = edit->name,
                .description = "",
                .created_usec = now_usec,
                .created_by = actor->uid,
        };
        r = draft_make(core, edit, NULL, &draft, error);
        if (r == 0)
                r = check_actor(&change, edit->name, draft.group.broad, error);
        if (r == 0)
                r = core_change_value(&change, "name", NULL, edit->name);
        if (r == 0)
                r = values_of(&change, NULL, &draft.group);
        if (r == 0)
                r = group_write(&change, &draft.group);
        return r != 0 ? r
                      : core_change_commit(&change, "sudo.create", "sudo", edit->name, 0, 1, ret);
}

int core_sudo_group_update(Core *core, const Actor *actor, const char *name, const SudoEdit *edit,
                           const CoreOptions *options, uint64_t now_usec, CoreChange *ret,
                           CoreError *error) {
        _cleanup_change_ Change change = { 0 };
        _cleanup_(store_sudo_group_freep) StoreSudoGroup *group = NULL;
        _cleanup_(draft_done) Draft draft = { 0 };
        int r;

        r = core_change_begin(&change, core, actor, options, now_usec, error);
        if (r == 0)
                r = group_load(change.txn, name, &group, error);
        if (r == 0)
                r = core_check_version(options, name, group->version, error);
        if (r != 0)
                return r;
        draft.group = *group;
        snprintf(draft.run_as, sizeof(draft.run_as), "%s", group->run_as);
        snprintf(draft.run_as_group, sizeof(draft.run_as_group), "%s", group->run_as_group);
        r = draft_make(core, edit, group, &draft, error);
        if (r == 0)
                r = check_actor(&change, name, draft.group.broad, error);
        if (r == 0)
                r = values_of(&change, group, &draft.group);
        if (r != 0)
                return r;
        *ret = (CoreChange){ .version = group->version };
        if (change.value_count == 0)
                return 0;
        r = group_write(&change, &draft.group);
        return r < 0 ? r
                     : core_change_commit(&change, "sudo.update", "sudo", name, 0,
                                          group->version + 1, ret);
}

/* A role that names it would mean the next one of that name. */
static int check_use(Change *change, const char *name, CoreError *error) {
        char permission[PERMISSION_NAME_MAX + 1];
        const Roles *roles;
        int r;

        snprintf(permission, sizeof(permission), "sudo.%s", name);
        r = core_roles(change->core, change->txn, &roles);
        for (uint16_t i = 0; r == 0 && i < core_roles_count(roles); i++)
                if (list_has(core_roles_spec(roles, i)->permit, permission))
                        return core_fail(error, CORE_E_POLICY_REFUSED,
                                         "%s: %s permits it: change that first, or use --force",
                                         name, core_roles_spec(roles, i)->name);
        return r;
}

int core_sudo_group_delete(Core *core, const Actor *actor, const char *name, bool force,
                           const CoreOptions *options, uint64_t now_usec, CoreChange *ret,
                           CoreError *error) {
        _cleanup_change_ Change change = { 0 };
        _cleanup_(store_sudo_group_freep) StoreSudoGroup *group = NULL;
        int r;

        r = core_change_begin(&change, core, actor, options, now_usec, error);
        if (r == 0)
                r = group_load(change.txn, name, &group, error);
        if (r == 0)
                r = core_check_version(options, name, group->version, error);
        if (r == 0 && is_always_there(name))
                r = core_fail(error, CORE_E_PROTECTED,
                              "%s: stays: umctl sudo set %s --command '' leaves it empty", name,
                              name);
        if (r == 0 && !force)
                r = check_use(&change, name, error);
        if (r == 0)
                r = check_actor(&change, name, false, error);
        if (r == 0)
                r = core_change_value(&change, "name", name, NULL);
        if (r != 0)
                return r;
        r = store_sudo_group_delete(change.txn, name);
        if (r != 0)
                return r < 0 ? r : -EUCLEAN; /* read within this transaction */
        return core_change_commit(&change, "sudo.delete", "sudo", name, 0, group->version + 1, ret);
}

int core_sudo_group_show(Core *core, const char *name, CoreSudoGroupEach each, void *userdata,
                         CoreError *error) {
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        _cleanup_texts_ Texts names = { 0 };
        int r;

        *error = (CoreError){ 0 };
        r = store_begin_read(core->store, &txn);
        if (r == 0)
                r = name ? core_texts_add(&names, name) : group_names(txn, &names);
        for (size_t i = 0; i < names.count && r == 0; i++) {
                _cleanup_(store_sudo_group_freep) StoreSudoGroup *group = NULL;
                char run_as[RUN_AS_BYTES];

                r = group_load(txn, names.list[i], &group, error);
                if (r != 0)
                        break;
                run_as_format(group, run_as);
                each(userdata, &(CoreSudoGroup){
                                       .version = group->version,
                                       .name = group->name,
                                       .description = group->description,
                                       .commands = group->commands,
                                       .run_as = run_as,
                                       .no_password = group->no_password,
                                       .broad = group->broad,
                                       .created_usec = group->created_usec,
                               });
        }
        return r;
}
