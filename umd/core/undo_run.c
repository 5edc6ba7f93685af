/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Makes things what they were, each by the verb that a person would use: so names and addresses
 * that are taken, conflicts of roles, the last owner, seats, and whom one may touch are looked at
 * as ever, and a verb that refuses stops the whole.
 *
 * What others stand on comes first: tenants, roles, groups and users that are made again, then what
 * they are, then who is in what and who holds what; what goes, goes last. */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "umd/core/undo.h"

StoreTxn *core_undo_txn(const UndoRun *run) {
        return run->together->txn;
}

/* As the caller's, with the reason that something had. */
CoreOptions core_undo_options(const UndoRun *run, const char *reason) {
        CoreOptions options = *run->options;

        options.reason = reason;
        return options;
}

void core_fact_reversed(Fact *fact) {
        fact->reverse = false;
        fact->undone = CORE_UNDONE_REVERSED;
}

void core_fact_stays(Fact *fact, const char *why) {
        fact->reverse = false;
        fact->undone = CORE_UNDONE_NEVER;
        fact->why = why;
}

/* ---- users -------------------------------------------------------------------------------- */

/* As he is within the change, settled; NULL where he is not there, or deleted. */
int core_undo_user(const UndoRun *run, uid_t uid, bool deleted, StoreUser **ret) {
        _cleanup_(store_user_freep) StoreUser *user = NULL;
        int r = store_user_get(core_undo_txn(run), uid, &user);

        if (r != 0)
                return r < 0 ? r : 0;
        core_user_settle(user, run->now_usec);
        if (user->status != USER_STATUS_DELETED || deleted)
                *ret = TAKE(user);
        return 0;
}

/* The first step on a shortest way from one state to another; _STATUS_STEP_MAX: there is none, or
 * he is there.  No way is longer than the number of states. */
static StatusStep step_towards(UserStatus from, UserStatus to) {
        StatusStep first[_USER_STATUS_MAX];
        UserStatus queue[_USER_STATUS_MAX] = { from };
        bool seen[_USER_STATUS_MAX] = { false };
        size_t count = 1;

        seen[from] = true;
        for (size_t i = 0; i < count; i++)
                for (StatusStep s = 0; s < _STATUS_STEP_MAX; s++) {
                        const char *hint;
                        UserStatus next = policy_status_step(queue[i], s, &hint);

                        /* the first login is nobody else's */
                        if (s == STATUS_STEP_ACTIVATE || next == USER_STATUS_INVALID || seen[next])
                                continue;
                        seen[next] = true;
                        first[next] = queue[i] == from ? s : first[queue[i]];
                        queue[count++] = next;
                        if (next == to)
                                return first[next];
                }
        return _STATUS_STEP_MAX;
}

static int step_take(const UndoRun *run, const StoreUser *user, StatusStep step, uint64_t until,
                     const char *reason, CoreError *error) {
        const CoreOptions options = core_undo_options(run, reason);
        CoreChange change;

        return core_user_step(run->core, run->actor, user->name, step,
                              step == STATUS_STEP_SUSPEND ? until : USEC_INFINITY, &options,
                              run->now_usec, &change, error);
}

/* The state he had; one who was not there before goes, and leaves a tombstone. */
static bool status_wanted(const UndoRun *run, const Fact *fact, UserStatus *ret,
                          uint64_t *ret_until_usec, const char **ret_reason) {
        *ret = USER_STATUS_DELETED;
        *ret_until_usec = USEC_INFINITY;
        *ret_reason = run->options->reason;
        if (!fact->before)
                return true;
        if (!core_fact_status(fact->before, ret, ret_until_usec, ret_reason))
                return false;
        if (*ret == USER_STATUS_SUSPENDED && *ret_until_usec <= run->now_usec)
                *ret = USER_STATUS_ACTIVE; /* it would be over by now */
        return true;
}

/* Suspended for another time or reason is a step too. */
static int status_reverse(const UndoRun *run, Fact *fact, CoreError *error) {
        bool again = true;
        const char *reason;
        UserStatus wanted;
        uint64_t until;

        if (!status_wanted(run, fact, &wanted, &until, &reason))
                return -EBADMSG;
        for (size_t i = 0; i < _USER_STATUS_MAX; i++) {
                _cleanup_(store_user_freep) StoreUser *user = NULL;
                StatusStep step;
                int r = core_undo_user(run, fact->key.id, true, &user);

                if (r < 0 || !user)
                        return r < 0 ? r : -EBADMSG;
                step = step_towards(user->status, wanted);
                if (user->status == wanted && wanted == USER_STATUS_SUSPENDED && again &&
                    user->suspended_until_usec != until)
                        step = STATUS_STEP_SUSPEND;
                else if (user->status == wanted) {
                        core_fact_reversed(fact);
                        return 0;
                }
                if (step == _STATUS_STEP_MAX) {
                        core_fact_stays(fact, "nobody becomes pending again");
                        return 0;
                }
                again = step != STATUS_STEP_SUSPEND;
                r = step_take(run, user, step, until, reason, error);
                if (r != 0)
                        return r;
        }
        return -EUCLEAN;
}

static bool goes(const Fact *fact) {
        UserStatus status;
        const char *reason;
        uint64_t until;

        return !fact->before || (core_fact_status(fact->before, &status, &until, &reason) &&
                                 status == USER_STATUS_DELETED);
}

static int status_come(const UndoRun *run, Fact *fact, CoreError *error) {
        return goes(fact) ? 0 : status_reverse(run, fact, error);
}

static int status_go(const UndoRun *run, Fact *fact, CoreError *error) {
        return goes(fact) ? status_reverse(run, fact, error) : 0;
}

/* What an edit changes of him; all of it at once, since one field may need another. */
static bool attribute_add(UserSpec *spec, UserAttribute *attributes, const Fact *fact) {
        UserAttribute *attribute = &attributes[spec->attribute_count++];

        *attribute = (UserAttribute){ fact->key.name, "", USEC_INFINITY };
        spec->attributes = attributes;
        return !fact->before ||
               core_fact_attribute(fact->before, &attribute->until_usec, &attribute->value);
}

static bool spec_add(UserSpec *spec, const Fact *fact) {
        uint64_t usec = fact->key.kind == FACT_USER_UNTIL ? USEC_INFINITY : 0;

        if (fact->key.kind == FACT_USER_TEXT) {
                spec->text[fact->key.number] = fact->before ? fact->before : "";
                return true;
        }
        if (fact->key.kind == FACT_USER_TENANT) {
                spec->tenant = fact->before;
                return true;
        }
        if (fact->key.kind == FACT_USER_READ_ONLY) {
                spec->has_read_only = true;
                spec->read_only = fact->before != NULL;
                return true;
        }
        if (fact->before && base_parse_u64(fact->before, 0, UINT64_MAX, &usec) < 0)
                return false;
        if (fact->key.kind == FACT_USER_FROM) {
                spec->has_valid_from = true;
                spec->valid_from_usec = usec;
        } else {
                spec->has_valid_until = true;
                spec->valid_until_usec = usec;
        }
        return true;
}

static bool is_edit(const Fact *fact) {
        return fact->reverse && fact->key.kind >= FACT_USER_TEXT &&
               fact->key.kind <= FACT_USER_UNTIL;
}

/* From the place on: those of the same user that stand together. */
static int edit_reverse(UndoRun *run, size_t at, CoreError *error) {
        _cleanup_(store_user_freep) StoreUser *user = NULL;
        UserAttribute attributes[2 * STORE_ATTRIBUTES_MAX];
        uid_t uid = run->facts[at].key.id;
        UserSpec spec = { 0 };
        size_t end = at;
        CoreChange change;
        int r = core_undo_user(run, uid, false, &user);

        if (r < 0)
                return r;
        for (; end < run->count && run->facts[end].key.id == uid && is_edit(&run->facts[end]);
             end++)
                if (run->facts[end].key.kind == FACT_USER_ATTRIBUTE
                            ? spec.attribute_count == ARRAY_LENGTH(attributes) ||
                                      !attribute_add(&spec, attributes, &run->facts[end])
                            : !spec_add(&spec, &run->facts[end]))
                        return -EBADMSG;
        if (user)
                r = core_user_update(run->core, run->actor, user->name, &spec, run->options,
                                     run->now_usec, &change, error);
        for (size_t i = at; i < end && r == 0; i++)
                if (user)
                        core_fact_reversed(&run->facts[i]);
                else
                        core_fact_stays(&run->facts[i], "the user is deleted");
        return r;
}

static int lock_reverse(const UndoRun *run, Fact *fact, CoreError *error) {
        const bool lock = fact->before != NULL;
        const CoreOptions options =
                core_undo_options(run, lock ? fact->before + 1 : run->options->reason);
        _cleanup_(store_user_freep) StoreUser *user = NULL;
        CoreChange change;
        int r = core_undo_user(run, fact->key.id, false, &user);

        if (r == 0 && user)
                r = core_user_set_lock(run->core, run->actor, user->name, lock, false, &options,
                                       run->now_usec, &change, error);
        if (r == 0 && user)
                core_fact_reversed(fact);
        else if (r == 0)
                core_fact_stays(fact, "the user is deleted");
        return r;
}

static int must_change_reverse(const UndoRun *run, Fact *fact, CoreError *error) {
        _cleanup_(store_user_freep) StoreUser *user = NULL;
        CoreChange change;
        int r = core_undo_user(run, fact->key.id, false, &user);

        if (r == 0 && user)
                r = core_user_set_must_change(run->core, run->actor, user->name,
                                              fact->before != NULL, run->options, run->now_usec,
                                              &change, error);
        if (r == 0 && user)
                core_fact_reversed(fact);
        else if (r == 0)
                core_fact_stays(fact, "the user is deleted");
        return r;
}

/* ---- groups ------------------------------------------------------------------------------- */

static int group_find(const UndoRun *run, gid_t gid, StoreGroup **ret) {
        int r = core_group_load_by_gid(core_undo_txn(run), gid, ret);

        return r == STORE_E_MISSING ? 0 : r;
}

/* What a deleted group was called is among its facts, or still its name. */
static int group_restore(const UndoRun *run, Fact *fact, CoreError *error) {
        _cleanup_(store_group_freep) StoreGroup *group = NULL;
        CoreChange change;
        int r;

        if (!fact->before)
                return 0;
        r = store_group_get(core_undo_txn(run), fact->key.id, &group);
        if (r != 0)
                return r < 0 ? r : -EBADMSG;
        if (group->name[0] == '~') {
                core_fact_stays(fact, "its name is another's by now");
                return 0;
        }
        r = core_group_restore(run->core, run->actor, group->gid, run->options, run->now_usec,
                               &change, error);
        if (r == 0)
                core_fact_reversed(fact);
        return r;
}

static int group_delete(const UndoRun *run, Fact *fact, CoreError *error) {
        _cleanup_(store_group_freep) StoreGroup *group = NULL;
        CoreChange change;
        int r;

        if (fact->before)
                return 0;
        r = group_find(run, fact->key.id, &group);
        if (r == 0 && group)
                r = core_group_delete(run->core, run->actor, group->name, run->force, run->options,
                                      run->now_usec, &change, error);
        if (r == 0)
                core_fact_reversed(fact);
        return r;
}

static int group_edit(const UndoRun *run, Fact *fact, CoreError *error) {
        _cleanup_(store_group_freep) StoreGroup *group = NULL;
        const char *text = fact->before ? fact->before : "";
        GroupSpec spec = { 0 };
        CoreChange change;
        int r = group_find(run, fact->key.id, &group);

        if (fact->key.kind == FACT_GROUP_NAME)
                spec.name = text;
        else
                spec.description = text;
        if (r == 0 && group)
                r = core_group_update(run->core, run->actor, group->name, &spec, run->options,
                                      run->now_usec, &change, error);
        if (r == 0 && group)
                core_fact_reversed(fact);
        else if (r == 0)
                core_fact_stays(fact, "the group is deleted");
        return r;
}

/* Names of one list's users or groups that are to come in, or go out. */
typedef struct Moved {
        Texts names;
        Fact **facts;
        size_t count;
} Moved;

static void moved_done(Moved *moved) {
        core_texts_done(&moved->names);
        free(moved->facts);
}

static int moved_add(const UndoRun *run, Moved *moved, Fact *fact) {
        _cleanup_(store_user_freep) StoreUser *user = NULL;
        _cleanup_(store_group_freep) StoreGroup *group = NULL;
        const char *name = NULL;
        int r;

        if (fact->key.kind == FACT_GROUP_NESTED) {
                r = group_find(run, fact->key.other, &group);
                name = group ? group->name : NULL;
        } else {
                r = core_undo_user(run, fact->key.other, !fact->before, &user);
                name = user ? user->name : NULL;
        }
        if (r < 0)
                return r;
        if (!name) {
                core_fact_stays(fact, "who it is about is deleted");
                return 0;
        }
        r = core_texts_add(&moved->names, name);
        if (r == 0)
                moved->facts[moved->count++] = fact;
        return r;
}

/* All of one kind and one way that belong to a group, from the place on. */
static int moved_collect(UndoRun *run, size_t at, Moved *moved) {
        const Fact *first = &run->facts[at];
        const FactKind kind = first->key.kind;
        const bool in = first->before != NULL;
        const gid_t gid = first->key.id;
        int r = 0;

        moved->facts = calloc(run->count - at, sizeof(Fact *));
        if (!moved->facts)
                return -ENOMEM;
        for (size_t i = at; i < run->count && r == 0; i++) {
                Fact *fact = &run->facts[i];

                if (fact->reverse && fact->key.kind == kind && fact->key.id == gid &&
                    (fact->before != NULL) == in)
                        r = moved_add(run, moved, fact);
        }
        return r;
}

static int owners_write(const UndoRun *run, const StoreGroup *group, const Moved *moved, bool in,
                        CoreError *error) {
        _cleanup_idset_ IdSet uids = { 0 };
        _cleanup_texts_ Texts names = { 0 };
        GroupSpec spec = { 0 };
        CoreChange change;
        int r = 0;

        for (size_t i = 0; i < group->owner_count && r >= 0; i++)
                r = core_idset_add(&uids, group->owners[i]);
        for (size_t i = 0; i < moved->count && r >= 0; i++)
                r = core_idset_add(&uids, moved->facts[i]->key.other);
        for (size_t i = 0; i < uids.count && r >= 0; i++) {
                bool out = false;

                for (size_t k = 0; !in && k < moved->count; k++)
                        out = out || moved->facts[k]->key.other == uids.ids[i];
                if (!out)
                        r = core_texts_add_users(core_undo_txn(run), &uids.ids[i], 1, &names);
        }
        if (r < 0)
                return r;
        spec.owners = (const char *const *)names.list;
        spec.owner_count = names.count;
        if (!spec.owners)
                spec.owners = &(const char *const){ NULL }; /* nobody, and not "as it is" */
        return core_group_update(run->core, run->actor, group->name, &spec, run->options,
                                 run->now_usec, &change, error);
}

static int list_reverse(UndoRun *run, size_t at, CoreError *error) {
        _cleanup_(store_group_freep) StoreGroup *group = NULL;
        _cleanup_(moved_done) Moved moved = { 0 };
        const FactKind kind = run->facts[at].key.kind;
        const bool in = run->facts[at].before != NULL, users = kind == FACT_GROUP_MEMBER;
        const char *const *names;
        CoreChange change;
        int r = group_find(run, run->facts[at].key.id, &group);

        if (r == 0 && !group)
                core_fact_stays(&run->facts[at], "the group is deleted");
        if (r < 0 || !group)
                return r;
        r = moved_collect(run, at, &moved);
        if (r < 0 || moved.count == 0)
                return r;
        names = (const char *const *)moved.names.list;
        if (kind == FACT_GROUP_OWNER)
                r = owners_write(run, group, &moved, in, error);
        else
                r = core_group_members(run->core, run->actor, group->name, in, users ? names : NULL,
                                       users ? moved.count : 0, users ? NULL : names,
                                       users ? 0 : moved.count, run->options, run->now_usec,
                                       &change, error);
        for (size_t i = 0; i < moved.count && r == 0; i++)
                core_fact_reversed(moved.facts[i]);
        return r;
}

/* ---- the order ---------------------------------------------------------------------------- */

typedef struct Phase {
        FactKind first, last; /* which kinds */
        int (*one)(const UndoRun *run, Fact *fact, CoreError *error);
        int (*many)(UndoRun *run, size_t at, CoreError *error); /* and those that go with it */
} Phase;

static const Phase phases[] = {
        { FACT_TENANT_THERE, FACT_TENANT_THERE, core_undo_tenant_restore, NULL },
        { FACT_ROLE_THERE, FACT_ROLE_LIST, NULL, core_undo_role_reverse },
        { FACT_TENANT_TITLE, FACT_TENANT_DEFAULT_ROLE, core_undo_tenant_edit, NULL },
        { FACT_GROUP_THERE, FACT_GROUP_THERE, group_restore, NULL },
        { FACT_USER_STATUS, FACT_USER_STATUS, status_come, NULL },
        { FACT_USER_TEXT, FACT_USER_UNTIL, NULL, edit_reverse },
        { FACT_USER_LOCK, FACT_USER_LOCK, lock_reverse, NULL },
        { FACT_USER_MUST_CHANGE, FACT_USER_MUST_CHANGE, must_change_reverse, NULL },
        { FACT_GROUP_NAME, FACT_GROUP_DESCRIPTION, group_edit, NULL },
        { FACT_GROUP_MEMBER, FACT_GROUP_OWNER, NULL, list_reverse },
        { FACT_POLICY, FACT_POLICY, core_undo_policy_reverse, NULL },
        { FACT_GRANT, FACT_GRANT, core_undo_grant_give_for_good, NULL },
        { FACT_GRANT, FACT_GRANT, core_undo_grant_give, NULL },
        { FACT_GRANT, FACT_GRANT, core_undo_grant_take, NULL },
        { FACT_USER_STATUS, FACT_USER_STATUS, status_go, NULL },
        { FACT_GROUP_THERE, FACT_GROUP_THERE, group_delete, NULL },
        { FACT_ROLE_THERE, FACT_ROLE_THERE, core_undo_role_delete, NULL },
        { FACT_TENANT_THERE, FACT_TENANT_THERE, core_undo_tenant_delete, NULL },
};

int core_undo_run(UndoRun *run, CoreError *error) {
        int r = 0;

        for (size_t p = 0; p < ARRAY_LENGTH(phases); p++)
                for (size_t i = 0; i < run->count && r == 0; i++) {
                        Fact *fact = &run->facts[i];

                        if (!fact->reverse || fact->key.kind < phases[p].first ||
                            fact->key.kind > phases[p].last)
                                continue;
                        r = phases[p].one ? phases[p].one(run, fact, error)
                                          : phases[p].many(run, i, error);
                }
        return r;
}
