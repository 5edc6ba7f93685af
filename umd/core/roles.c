/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Making and editing roles of one's own.  A role is written, the whole set compiled anew
 * within the change, and then it is seen whether it, or another one through it, has a fault: so
 * what is looked at is just what will be in effect. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "umd/core/levels.h"
#include "umd/core/undo.h"

static const char *const list_names[_CORE_ROLE_LIST_MAX] = {
        [CORE_ROLE_INHERIT] = "inherit",           [CORE_ROLE_PERMIT] = "permit",
        [CORE_ROLE_WITHOUT] = "without",           [CORE_ROLE_DENY] = "deny",
        [CORE_ROLE_REQUIRE] = "require",           [CORE_ROLE_CONFLICT] = "conflicts",
        [CORE_ROLE_LINUX_GROUPS] = "linux_groups",
};

static const size_t list_max[_CORE_ROLE_LIST_MAX] = {
        [CORE_ROLE_INHERIT] = ROLE_INHERIT_MAX,      [CORE_ROLE_PERMIT] = ROLE_PATTERNS_MAX,
        [CORE_ROLE_WITHOUT] = ROLE_PATTERNS_MAX,     [CORE_ROLE_DENY] = ROLE_PATTERNS_MAX,
        [CORE_ROLE_REQUIRE] = ROLE_REQUIRE_MAX,      [CORE_ROLE_CONFLICT] = ROLE_CONFLICT_MAX,
        [CORE_ROLE_LINUX_GROUPS] = ROLE_REQUIRE_MAX,
};

static const char *const kind_names[_HOLDER_KIND_MAX] = {
        [HOLDER_INVALID] = "any",
        [HOLDER_PERSON] = "person",
        [HOLDER_SERVICE] = "service",
};

const char *core_role_list_name(CoreRoleList list) {
        return list_names[list];
}

const char *core_role_kind_name(uint32_t kind) {
        return kind < _HOLDER_KIND_MAX ? kind_names[kind] : "invalid";
}

/* A role as it is being written: the lists are ours; their texts the caller's, or those of the set
 * as it was, which is there until the role is written. */
typedef struct Draft {
        StoreRole role;
        const char **lists[_CORE_ROLE_LIST_MAX];
        size_t counts[_CORE_ROLE_LIST_MAX];
} Draft;

static void draft_done(Draft *draft) {
        for (size_t i = 0; i < _CORE_ROLE_LIST_MAX; i++)
                free(draft->lists[i]);
}

/* ---- lists --------------------------------------------------------------------------------- */

static size_t list_find(const Draft *draft, CoreRoleList list, const char *text) {
        size_t i = 0;

        while (i < draft->counts[list] && strcmp(draft->lists[list][i], text) != 0)
                i++;
        return i;
}

static void list_take(Draft *draft, CoreRoleList list, size_t at) {
        memmove(&draft->lists[list][at], &draft->lists[list][at + 1],
                (draft->counts[list] - at) * sizeof(*draft->lists[list])); /* and the NULL */
        draft->counts[list]--;
}

/* There is room for it and the NULL.  A text that is there already is not there twice. */
static void list_add(Draft *draft, CoreRoleList list, const char *text) {
        if (list_find(draft, list, text) < draft->counts[list])
                return;
        draft->lists[list][draft->counts[list]++] = text;
        draft->lists[list][draft->counts[list]] = NULL;
}

static int list_begin(Draft *draft, CoreRoleList list, const char *const *texts, size_t more) {
        size_t count = 0;

        while (texts && texts[count])
                count++;
        draft->lists[list] = calloc(count + more + 1, sizeof(*draft->lists[list]));
        if (!draft->lists[list])
                return -ENOMEM;
        for (size_t i = 0; i < count; i++)
                list_add(draft, list, texts[i]);
        draft->role.lists[list] = draft->lists[list];
        return 0;
}

/* "+user.view", "-user.view": all of them, or none. */
static bool edits(const char *const *texts, size_t count, size_t *ret_signed) {
        *ret_signed = 0;
        for (size_t i = 0; i < count; i++)
                *ret_signed += texts[i][0] == '+' || texts[i][0] == '-';
        return *ret_signed > 0;
}

static int list_edit(Draft *draft, CoreRoleList list, const RoleEdit *edit, CoreError *error) {
        const char *const *texts = edit->lists[list];
        size_t count = edit->counts[list], signed_count, at;
        bool change = edits(texts, count, &signed_count);

        if (change && signed_count < count)
                return core_fail(error, CORE_E_BAD_VALUE,
                                 "%s: either all begin with + or -, or none", list_names[list]);
        if (!change) {
                draft->counts[list] = 0;
                draft->lists[list][0] = NULL;
        }
        for (size_t i = 0; i < count; i++) {
                if (!change || texts[i][0] == '+') {
                        list_add(draft, list, texts[i] + change);
                        continue;
                }
                at = list_find(draft, list, texts[i] + 1);
                if (at == draft->counts[list])
                        return core_fail(error, CORE_E_BAD_VALUE, "%s: \"%s\": is not among them",
                                         list_names[list], core_quote(texts[i] + 1).text);
                list_take(draft, list, at);
        }
        if (draft->counts[list] > list_max[list])
                return core_fail(error, CORE_E_BAD_VALUE, "%s: %zu, and there may be %zu",
                                 list_names[list], draft->counts[list], list_max[list]);
        return 0;
}

/* ---- drafting ------------------------------------------------------------------------------ */

static int check_linux_groups(const Draft *draft, CoreError *error) {
        const char **texts = draft->lists[CORE_ROLE_LINUX_GROUPS];
        CoreError faults = { 0 };

        for (size_t i = 0; i < draft->counts[CORE_ROLE_LINUX_GROUPS]; i++)
                core_check_text("linux_groups", FIELD_GROUP_NAME, texts[i], &faults);
        if (faults.outcome != CORE_DONE)
                *error = faults;
        return (int)faults.outcome;
}

static int draft_edit(Change *change, Draft *draft, const StoreRole *record, const RoleEdit *edit,
                      CoreError *error) {
        CoreError faults = { 0 };
        uint32_t kind = 0;
        int r = 0;

        if (edit->description) {
                core_check_text("description", FIELD_LINE, edit->description, &faults);
                draft->role.description = edit->description;
        }
        while (edit->only_kind && kind < _HOLDER_KIND_MAX &&
               strcmp(kind_names[kind], edit->only_kind) != 0)
                kind++;
        if (kind == _HOLDER_KIND_MAX)
                core_fault_add(&faults, CORE_E_BAD_VALUE,
                               "kind: \"%s\": must be any, person or service",
                               core_quote(edit->only_kind).text);
        if (faults.outcome != CORE_DONE) {
                *error = faults;
                return (int)faults.outcome;
        }
        if (edit->automatic)
                draft->role.automatic = edit->automatic;
        if (edit->only_kind)
                draft->role.only_kind = kind;
        if (edit->has_one_tenant)
                draft->role.one_tenant = edit->one_tenant;
        for (CoreRoleList l = 0; l < _CORE_ROLE_LIST_MAX && r == 0; l++)
                if (edit->lists[l])
                        r = list_edit(draft, l, edit, error);
        if (r == 0)
                r = check_linux_groups(draft, error);
        if (r != 0)
                return r;
        return core_linux_groups_check(change, draft->role.lists[ROLE_LIST_LINUX_GROUPS],
                                       record ? record->lists[ROLE_LIST_LINUX_GROUPS] : NULL,
                                       error);
}

/* What the draft begins with: the role as it is, or the one that is cloned. */
static int draft_begin(Draft *draft, const RoleSpec *from, const StoreRole *record,
                       const RoleEdit *edit) {
        const char *const *const lists[_CORE_ROLE_LIST_MAX] = {
                [CORE_ROLE_INHERIT] = from ? from->inherit : NULL,
                [CORE_ROLE_PERMIT] = from ? from->permit : NULL,
                [CORE_ROLE_WITHOUT] = from ? from->without : NULL,
                [CORE_ROLE_DENY] = from ? from->deny : NULL,
                [CORE_ROLE_REQUIRE] = from ? from->require : NULL,
                [CORE_ROLE_CONFLICT] = from ? from->conflict : NULL,
                [CORE_ROLE_LINUX_GROUPS] = record ? record->lists[ROLE_LIST_LINUX_GROUPS] : NULL,
        };
        int r = 0;

        if (from) {
                draft->role.only_kind = (uint32_t)from->only_kind;
                draft->role.one_tenant = from->one_tenant;
        }
        for (CoreRoleList l = 0; l < _CORE_ROLE_LIST_MAX && r == 0; l++)
                r = list_begin(draft, l, lists[l], edit->counts[l]);
        return r;
}

/* ---- what is against it -------------------------------------------------------------------- */

static CoreOutcome outcome_of(RightsFaultKind kind) {
        switch (kind) {
        case RIGHTS_FAULT_LOOP:
        case RIGHTS_FAULT_DEPTH:
        case RIGHTS_FAULT_TOO_MANY:
                return CORE_E_POLICY_REFUSED;
        case RIGHTS_FAULT_CONFLICT:
                return CORE_E_ROLE_CONFLICT;
        case RIGHTS_FAULT_NO_ROLE:
                return CORE_E_NO_SUCH_ROLE;
        case RIGHTS_FAULT_NONE:
        case RIGHTS_FAULT_FORM:
        case RIGHTS_FAULT_UNKNOWN:
        case RIGHTS_FAULT_TAKEN:
        case _RIGHTS_FAULT_MAX:
                break;
        }
        return CORE_E_BAD_VALUE;
}

/* Its own faults first, which name the place; then those of roles that it is part of. */
static int check_faults(const Roles *roles, uint16_t role, CoreError *error) {
        RightsFault fault = { 0 };
        int r = policy_role_fault(core_roles_set(roles), role, &fault);

        for (uint16_t i = 0; i < core_roles_count(roles) && r == 0; i++)
                if (policy_role_includes(core_roles_set(roles), i, role))
                        r = policy_role_fault(core_roles_set(roles), i, &fault);
        if (r == 0)
                return 0;
        return core_fail(error, outcome_of(fault.kind), "%.500s", fault.text);
}

static int refuse_more(const RoleSet *set, uint16_t role, uint16_t missing, const char *tenant,
                       CoreError *error) {
        return core_fail(error, CORE_E_PROTECTED, "%s: gives more than you have%s%s: %s",
                         policy_role_name(set, role), tenant ? " in " : "", tenant ? tenant : "",
                         missing == RIGHT_NONE ? "what that is cannot be told"
                                               : policy_right_name(set, missing));
}

/* In every tenant there is, by grants for all or by one for each: whoever changes a role needs the
 * permission for it in each, so he knows them. */
static int check_covers(Change *change, const RoleSet *set, const Holder *actor, uint16_t role,
                        CoreError *error) {
        _cleanup_texts_ Texts names = { 0 };
        int r = core_tenant_names(change->core, change->txn, &names);

        for (size_t i = 0; i < names.count && r == 0; i++) {
                const RightsGrant grant = { .role = role,
                                            .tenant = names.list[i],
                                            .until_usec = USEC_INFINITY };
                uint16_t missing = RIGHT_NONE;

                if (!policy_rights_cover_grant(set, &actor->facts, &grant, change->now_usec,
                                               &missing))
                        r = refuse_more(set, role, missing, names.count > 1 ? names.list[i] : NULL,
                                        error);
        }
        return r;
}

int core_role_check_actor(Change *change, const RoleSet *set, uint16_t role, CoreError *error) {
        _cleanup_holder_ Holder actor = { 0 };
        int r;

        if (change->actor->uid == 0)
                return 0;
        r = core_holder_of_actor(change->core, change->txn, set, change->actor, &actor);
        if (r != 0)
                return r;
        for (size_t i = 0; i < actor.facts.grant_count; i++)
                if (policy_role_includes(set, actor.grants[i].role, role))
                        return core_fail(error, CORE_E_PROTECTED, "%s: is a role of your own",
                                         policy_role_name(set, role));
        r = core_linux_check_actor(change, set, &actor, role, NULL, policy_role_name(set, role),
                                   error);
        return r != 0 ? r : check_covers(change, set, &actor, role, error);
}

/* Whoever holds two that conflict already, by an exception, or since before they did. */
typedef struct Clashes {
        Change *change;
        const Roles *roles;
        IdSet known;
        bool noting;
        CoreError *error;
} Clashes;

static void clashes_done(Clashes *clashes) {
        core_idset_done(&clashes->known);
}

static int clash_found(Clashes *clashes, const StoreUser *user, const RoleConflict *conflict) {
        const RoleSet *set = core_roles_set(clashes->roles);
        int r;

        if (clashes->noting) {
                r = core_idset_add(&clashes->known, user->uid);
                return r < 0 ? r : 0;
        }
        if (core_idset_has(&clashes->known, user->uid))
                return 0;
        return core_fail(clashes->error, CORE_E_ROLE_CONFLICT,
                         "%s: would hold roles that conflict: %s (by %s) and %s (by %s)",
                         user->name,
                         policy_role_name(set, conflict->a.roles[conflict->a.count - 1]),
                         policy_role_name(set, conflict->a.roles[0]),
                         policy_role_name(set, conflict->b.roles[conflict->b.count - 1]),
                         policy_role_name(set, conflict->b.roles[0]));
}

/* Do grants of the role meet another of his (D16)? */
static int clash_look(Clashes *clashes, uint16_t role, uid_t uid) {
        _cleanup_(store_user_freep) StoreUser *user = NULL;
        _cleanup_holder_ Holder holder = { 0 };
        const RoleSet *set = core_roles_set(clashes->roles);
        RoleConflict conflict;
        int r;

        r = store_user_get(clashes->change->txn, uid, &user);
        if (r == 0)
                r = core_holder_load(clashes->change->txn, set, user, &holder);
        if (r != 0)
                return r < 0 ? r : -EBADMSG;
        core_holder_drop_automatic(&holder, USEC_INFINITY); /* they give way */
        for (size_t i = 0; i < holder.facts.grant_count && r == 0; i++)
                if (holder.grants[i].role == role &&
                    policy_grant_conflict(set, &holder.facts, &holder.grants[i], &conflict))
                        r = clash_found(clashes, user, &conflict);
        return r;
}

/* Looks at all who hold the role, or one that inherits it. */
static int clashes_walk(Clashes *clashes, const Roles *roles, const char *name) {
        const RoleSet *set = core_roles_set(roles);
        uint16_t role = policy_role_from_name(set, name);
        int r = 0;

        clashes->roles = roles;
        for (uint16_t i = 0; i < core_roles_count(roles) && r == 0; i++) {
                uid_t uid = 0;

                if (!policy_role_includes(set, i, role))
                        continue;
                while (r == 0 && store_grant_holder_next(clashes->change->txn,
                                                         policy_role_name(set, i), uid, &uid) == 0)
                        r = clash_look(clashes, i, uid);
        }
        return r;
}

/* ---- writing ------------------------------------------------------------------------------- */

static void list_text(const char *const *list, char *buf, size_t size) {
        Text text;

        base_text_init(&text, buf, size);
        for (size_t i = 0; list && list[i]; i++)
                base_text_addf(&text, "%s%s", i > 0 ? " " : "", list[i]);
}

#define LIST_TEXT_BYTES 24576U

static int values_of(Change *change, const StoreRole *before, const StoreRole *after) {
        _cleanup_free_ char *was = malloc(LIST_TEXT_BYTES), *is = malloc(LIST_TEXT_BYTES);
        int r;

        if (!was || !is)
                return -ENOMEM;
        r = core_change_value(change, "description", before ? before->description : NULL,
                              after->description);
        for (CoreRoleList l = 0; l < _CORE_ROLE_LIST_MAX && r == 0; l++) {
                list_text(before ? before->lists[l] : NULL, was, LIST_TEXT_BYTES);
                list_text(after->lists[l], is, LIST_TEXT_BYTES);
                r = core_change_value(change, list_names[l], was, is);
        }
        if (r == 0)
                r = core_change_value(change, "kind",
                                      kind_names[before ? before->only_kind : HOLDER_INVALID],
                                      kind_names[after->only_kind]);
        if (r == 0)
                r = core_change_value_bool(change, "one_tenant", before && before->one_tenant,
                                           after->one_tenant);
        if (r == 0)
                r = core_change_value(change, "auto", before ? before->automatic : NULL,
                                      after->automatic);
        return r;
}

static bool lists_differ(const char *const *a, const char *const *b) {
        size_t i = 0;

        while (a && a[i] && b && b[i] && strcmp(a[i], b[i]) == 0)
                i++;
        return (a && a[i]) || (b && b[i]);
}

static bool draft_needs_second_factor(const RoleSet *set, const Draft *draft) {
        for (size_t i = 0; i < draft->counts[CORE_ROLE_REQUIRE]; i++)
                if (strcmp(draft->lists[CORE_ROLE_REQUIRE][i], "second-factor") == 0)
                        return true;
        for (size_t i = 0; i < draft->counts[CORE_ROLE_INHERIT]; i++)
                if (policy_role_needs_second_factor(
                            set, policy_role_from_name(set, draft->lists[CORE_ROLE_INHERIT][i])))
                        return true;
        return false;
}

/* Who holds it has his time to enrol a second factor from now on, where he needs one now and did
 * not before. */
static void note_second_factor(Change *change, const Roles *roles, uint16_t role,
                               const RoleEdit *edit, Draft *draft) {
        const RoleSet *set = core_roles_set(roles);
        bool had =
                role != ROLE_NONE && !edit->automatic && policy_role_needs_second_factor(set, role);
        bool needs = draft_needs_second_factor(set, draft);

        if (!needs)
                draft->role.second_factor_usec = 0;
        else if (!had)
                draft->role.second_factor_usec = change->now_usec;
        change->second_factors = needs;
}

/* Which roles count, and what they demand: who is in um-mfa may change with either. */
static bool standing_differs(const StoreRole *before, const StoreRole *after) {
        return lists_differ(before->lists[ROLE_LIST_INHERIT], after->lists[ROLE_LIST_INHERIT]) ||
               lists_differ(before->lists[ROLE_LIST_REQUIRE], after->lists[ROLE_LIST_REQUIRE]) ||
               before->only_kind != after->only_kind || before->one_tenant != after->one_tenant ||
               strcmp(before->automatic, after->automatic) != 0;
}

/* Writes the draft and looks at the set as it is then. */
static int draft_write(Change *change, const Draft *draft, const Roles **ret, CoreError *error) {
        const Roles *roles;
        uint16_t role;
        int r;

        r = store_role_put(change->txn, &draft->role);
        if (r == 0)
                r = core_roles(change->core, change->txn, &roles);
        if (r == -E2BIG)
                return core_fail(error, CORE_E_POLICY_REFUSED,
                                 "there are %u roles, the most there may be", ROLES_MAX);
        if (r != 0)
                return r < 0 ? r : -EUCLEAN; /* read within this transaction */
        role = policy_role_from_name(core_roles_set(roles), draft->role.name);
        r = check_faults(roles, role, error);
        if (r == 0)
                r = core_automatic_check(change, core_roles_set(roles), role, error);
        if (r == 0)
                r = core_role_check_actor(change, core_roles_set(roles), role, error);
        if (r == 0)
                *ret = roles;
        return r;
}

/* ---- verbs --------------------------------------------------------------------------------- */

int core_role_refuse_built_in(const char *name, CoreError *error) {
        return core_fail(
                error, CORE_E_PROTECTED,
                "%s: is built in, and stays as it is: umctl role add NAME --clone %s makes "
                "a copy that can be changed",
                name, name);
}

static int check_new(const Roles *roles, const RoleEdit *edit, uint16_t *ret_clone,
                     CoreError *error) {
        CoreError faults = { 0 };
        uint16_t role = policy_role_from_name(core_roles_set(roles), edit->name);

        core_check_text("name", FIELD_GROUP_NAME, edit->name, &faults);
        if (role != ROLE_NONE)
                core_fault_add(&faults, CORE_E_NAME_TAKEN, "name: \"%s\": is %s role's", edit->name,
                               core_roles_record(roles, role) ? "another" : "a built-in");
        if (faults.outcome != CORE_DONE) {
                *error = faults;
                return (int)faults.outcome;
        }
        *ret_clone = ROLE_NONE;
        return edit->clone ? core_role_find(core_roles_set(roles), edit->clone, ret_clone, error)
                           : 0;
}

int core_role_create(Core *core, const Actor *actor, const RoleEdit *edit,
                     const CoreOptions *options, uint64_t now_usec, CoreChange *ret,
                     CoreError *error) {
        _cleanup_change_ Change change = { 0 };
        _cleanup_(draft_done) Draft draft = { 0 };
        _cleanup_owners_ Owners owners = { 0 };
        const Roles *roles;
        uint16_t clone = ROLE_NONE;
        int r;

        r = core_change_begin(&change, core, actor, options, now_usec, error);
        if (r == 0)
                r = core_roles(core, change.txn, &roles);
        if (r == 0)
                r = check_new(roles, edit, &clone, error);
        if (r != 0)
                return r;
        draft.role = (StoreRole){
                .name = edit->name,
                .description = "",
                .created_usec = now_usec,
                .created_by = actor->uid,
        };
        if (clone == ROLE_NONE)
                r = draft_begin(&draft, NULL, NULL, edit);
        else
                r = draft_begin(&draft, core_roles_spec(roles, clone),
                                core_roles_record(roles, clone), edit);
        if (r == 0)
                r = draft_edit(&change, &draft, NULL, edit, error);
        if (r == 0 && edit->automatic)
                r = core_condition_check(core, change.txn, edit->automatic, error);
        if (r == 0)
                r = core_change_value(&change, "name", NULL, edit->name);
        if (r == 0)
                r = values_of(&change, NULL, &draft.role);
        if (r == 0 && edit->automatic) {
                change.news.everybody = true;
                r = core_owners_note(&change, &owners);
        }
        if (r == 0)
                r = core_note_role(&change, NULL, &draft.role);
        if (r == 0) {
                note_second_factor(&change, roles, ROLE_NONE, edit, &draft);
                r = draft_write(&change, &draft, &roles, error);
        }
        if (r == 0)
                r = core_owners_check(&change, &owners, error);
        if (r != 0)
                return r;
        return core_change_commit(&change, "role.create", "role", edit->name, 0, 1, ret);
}

/* What the role is before it is written: the conflicts its holders have, and the owners. */
static int update_note(Change *change, const Roles *roles, uint16_t role, Clashes *clashes,
                       Owners *owners, CoreError *error) {
        int r;

        r = core_role_check_actor(change, core_roles_set(roles), role, error);
        if (r == 0)
                r = core_owners_note(change, owners);
        clashes->noting = true;
        if (r == 0)
                r = clashes_walk(clashes, roles, policy_role_name(core_roles_set(roles), role));
        clashes->noting = false;
        return r;
}

/* Everybody who holds it may have other rights. */
static int update_write(Change *change, const Roles *roles, uint16_t role, const Draft *draft,
                        CoreError *error) {
        _cleanup_owners_ Owners owners = { 0 };
        _cleanup_(clashes_done) Clashes clashes = { .change = change, .error = error };
        _cleanup_idset_ IdSet own = { 0 }; /* Linux groups before and after */
        bool gave = false,
             inherits = lists_differ(core_roles_record(roles, role)->lists[ROLE_LIST_INHERIT],
                                     draft->role.lists[ROLE_LIST_INHERIT]);
        int r;

        r = update_note(change, roles, role, &clashes, &owners, error);
        if (r == 0)
                r = core_linux_note_role(change, draft->role.name, &own, &gave);
        if (r == 0)
                r = draft_write(change, draft, &roles, error);
        if (r == 0 && inherits)
                r = clashes_walk(&clashes, roles, draft->role.name);
        if (r == 0)
                r = core_linux_news_of_edit(change, roles, draft->role.name, &own, gave);
        if (r == 0)
                r = core_owners_check(change, &owners, error);
        return r;
}

/* Could a deny of the role's hold for fewer afterwards? */
static bool frees(const RoleEdit *edit) {
        return edit->lists[CORE_ROLE_INHERIT] || edit->lists[CORE_ROLE_DENY] ||
               edit->lists[CORE_ROLE_REQUIRE] || edit->only_kind || edit->has_one_tenant ||
               edit->automatic;
}

int core_role_update(Core *core, const Actor *actor, const char *name, const RoleEdit *edit,
                     const CoreOptions *options, uint64_t now_usec, CoreChange *ret,
                     CoreError *error) {
        _cleanup_change_ Change change = { 0 };
        _cleanup_(draft_done) Draft draft = { 0 };
        const StoreRole *record;
        const Roles *roles;
        uint64_t version;
        uint16_t role;
        int r;

        r = core_change_begin(&change, core, actor, options, now_usec, error);
        if (r == 0)
                r = core_roles(core, change.txn, &roles);
        if (r == 0)
                r = core_role_find(core_roles_set(roles), name, &role, error);
        if (r != 0)
                return r;
        record = core_roles_record(roles, role);
        if (!record)
                return core_role_refuse_built_in(name, error);
        version = record->version;
        r = core_check_version(options, name, version, error);
        if (r == 0 && frees(edit))
                r = core_role_guard_denies(&change, core_roles_set(roles), role, error);
        if (r != 0)
                return r;
        draft.role = *record;
        draft.role.name = name;
        r = draft_begin(&draft, core_roles_spec(roles, role), record, edit);
        if (r == 0)
                r = draft_edit(&change, &draft, record, edit, error);
        if (r == 0 && edit->automatic)
                r = core_condition_check(core, change.txn, edit->automatic, error);
        if (r == 0)
                r = values_of(&change, record, &draft.role);
        if (r == 0)
                r = core_note_role(&change, record, &draft.role);
        if (r != 0)
                return r;
        *ret = (CoreChange){ .version = version };
        if (change.value_count == 0)
                return 0;
        note_second_factor(&change, roles, role, edit, &draft);
        change.news.everybody = standing_differs(record, &draft.role);
        r = update_write(&change, roles, role, &draft, error);
        if (r != 0)
                return r;
        return core_change_commit(&change, "role.update", "role", name, 0, version + 1, ret);
}
