/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A group as the faces show it, and the list of them: by name, and without who is deleted. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "umd/core/holders.h"

int core_group_load(StoreTxn *txn, const char *name, StoreGroup **ret, CoreError *error) {
        _cleanup_(store_group_freep) StoreGroup *group = NULL;
        _cleanup_(store_user_freep) StoreUser *user = NULL;
        int r;

        r = store_group_get_by_name(txn, name, &group);
        if (r < 0)
                return r;
        if (r == 0 && !group->deleted) {
                *ret = TAKE(group);
                return 0;
        }
        r = store_user_get_by_name(txn, name, &user);
        if (r < 0)
                return r;
        if (r == 0 && user->status != USER_STATUS_DELETED)
                return core_fail(error, CORE_E_NO_SUCH_GROUP,
                                 "%s: is a user's own group and has nobody else in it", name);
        return core_fail(error, CORE_E_NO_SUCH_GROUP, "%s: no such group", core_quote(name).text);
}

static const size_t group_texts[] = {
        offsetof(CoreGroup, name),
        offsetof(CoreGroup, description),
        offsetof(CoreGroup, tenant),
};

/* The four lists of names of a group. */
typedef struct Lists {
        Texts members, nested, owners, effective;
} Lists;

static void lists_done(Lists *lists) {
        core_texts_done(&lists->members);
        core_texts_done(&lists->nested);
        core_texts_done(&lists->owners);
        core_texts_done(&lists->effective);
}

static int lists_fill(Core *core, StoreTxn *txn, const StoreGroup *group, Lists *lists) {
        _cleanup_idset_ IdSet below = { 0 }, uids = { 0 };
        int r;

        r = core_texts_add_users(txn, group->members, group->member_count, &lists->members);
        if (r == 0)
                r = core_texts_add_groups(txn, group->nested, group->nested_count, &lists->nested);
        if (r == 0)
                r = core_texts_add_users(txn, group->owners, group->owner_count, &lists->owners);
        if (r == 0)
                r = core_groups_below(txn, group->gid, &below);
        if (r == 0)
                r = core_linux_members(core, txn, &below, &uids);
        if (r < 0)
                return r;
        if (group->nested_count == 0 && uids.count == 0) { /* a great group is looked up once */
                for (size_t i = 0; r == 0 && i < lists->members.count; i++)
                        r = core_texts_add(&lists->effective, lists->members.list[i]);
                return r;
        }
        r = core_members_listed(txn, &below, &uids);
        if (r == 0)
                r = core_texts_add_users(txn, uids.ids, uids.count, &lists->effective);
        return r;
}

static int group_view(Core *core, StoreTxn *txn, const StoreGroup *group, CoreGroup **ret) {
        _cleanup_(lists_done) Lists lists = { 0 };
        CoreGroup view;
        void *packed;
        int r;

        r = lists_fill(core, txn, group, &lists);
        if (r < 0)
                return r;
        view = (CoreGroup){
                .version = group->version,
                .gid = group->gid,
                .name = group->name,
                .description = group->description,
                .tenant = group->tenant,
                .members = (const char *const *)lists.members.list,
                .member_count = lists.members.count,
                .nested = (const char *const *)lists.nested.list,
                .nested_count = lists.nested.count,
                .owners = (const char *const *)lists.owners.list,
                .owner_count = lists.owners.count,
                .effective = (const char *const *)lists.effective.list,
                .effective_count = lists.effective.count,
                .created_usec = group->created_usec,
        };
        r = core_pack(&view, sizeof(view), group_texts, ARRAY_LENGTH(group_texts),
                      (const PackArray[]){
                              { offsetof(CoreGroup, members), view.member_count },
                              { offsetof(CoreGroup, nested), view.nested_count },
                              { offsetof(CoreGroup, owners), view.owner_count },
                              { offsetof(CoreGroup, effective), view.effective_count },
                      },
                      4, &packed);
        if (r < 0)
                return r;
        *ret = packed;
        return 0;
}

CoreGroup *core_group_free(CoreGroup *group) {
        free(group);
        return NULL;
}

int core_group_get(Core *core, const char *name, CoreGroup **ret, CoreError *error) {
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        _cleanup_(store_group_freep) StoreGroup *group = NULL;
        int r;

        r = store_begin_read(core->store, &txn);
        if (r == 0)
                r = core_group_load(txn, name, &group, error);
        if (r != 0)
                return r;
        return group_view(core, txn, group, ret);
}

int core_group_get_by_gid(Core *core, gid_t gid, CoreGroup **ret, CoreError *error) {
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        _cleanup_(store_group_freep) StoreGroup *group = NULL;
        int r;

        r = store_begin_read(core->store, &txn);
        if (r == 0)
                r = core_group_load_by_gid(txn, gid, &group);
        if (r < 0)
                return r;
        if (r > 0)
                return core_fail(error, CORE_E_NO_SUCH_GROUP, "gid %u: no such group", gid);
        return group_view(core, txn, group, ret);
}

bool core_group_has_owner(const StoreGroup *group, uid_t owner) {
        for (size_t i = 0; i < group->owner_count; i++)
                if (group->owners[i] == owner)
                        return true;
        return false;
}

bool core_group_is_owner(Core *core, const char *name, uid_t uid) {
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        _cleanup_(store_group_freep) StoreGroup *group = NULL;
        _cleanup_(store_user_freep) StoreUser *user = NULL;

        if (store_begin_read(core->store, &txn) < 0 ||
            core_group_load(txn, name, &group, NULL) != 0 || store_user_get(txn, uid, &user) != 0 ||
            !core_user_acts(user, core->now_usec))
                return false;
        return core_group_has_owner(group, uid);
}

/* Shows the group if it matches; 1 if it was shown.  Counts what was looked at for it. */
static int list_one(const Asker *asker, const StoreGroup *group, const Filter *terms,
                    void (*each)(void *userdata, const CoreGroup *group), void *userdata,
                    size_t *looked) {
        _cleanup_(core_group_freep) CoreGroup *view = NULL;
        int r;

        if (group->deleted || !core_filter_group(terms, group) ||
            !core_asker_sees_group(asker, group))
                return 0;
        r = group_view(asker->core, asker->txn, group, &view);
        if (r < 0)
                return r;
        each(userdata, view);
        *looked += view->member_count + view->effective_count;
        return 1;
}

int core_group_list(Core *core, const Actor *actor, const char *filter, const char *cursor,
                    uint32_t limit, void (*each)(void *userdata, const CoreGroup *group),
                    void *userdata, char *ret_cursor, CoreError *error) {
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        _cleanup_(core_filter_freep) Filter *terms = NULL;
        _cleanup_asker_ Asker asker = { 0 };
        char at[CORE_CURSOR_BYTES];
        uint32_t found = 0;
        int r;

        r = core_list_begin(core, cursor, limit, at, &txn, error);
        if (r == 0)
                r = core_filter_new(core, txn, true, filter, core->now_usec, &terms, error);
        if (r == 0)
                r = core_asker_load(core, txn, actor, &asker);
        if (r != 0)
                return r;
        for (size_t looked = 0; found < limit && looked < CORE_LIST_RECORDS_MAX; looked++) {
                _cleanup_(store_group_freep) StoreGroup *group = NULL;

                r = store_group_next(txn, at, &group);
                if (r > 0) {
                        at[0] = '\0';
                        break;
                }
                if (r == 0) {
                        snprintf(at, sizeof(at), "%s", group->name);
                        r = list_one(&asker, group, terms, each, userdata, &looked);
                }
                if (r < 0)
                        return r;
                found += (uint32_t)r;
        }
        memcpy(ret_cursor, at, sizeof(at));
        return 0;
}
