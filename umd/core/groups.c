/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Making, editing and deleting groups.  Members are members.c's.  A deleted group stays as a
 * tombstone without members, so that its gid is never given again. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "umd/core/holders.h"
#include "umd/core/undo.h"

/* The owners' uids, sorted; unknown names, and of those who are not seen, are faults. */
static int owners_resolve(Asker *asker, const GroupSpec *spec, IdSet *ret, CoreError *error) {
        for (size_t i = 0; i < spec->owner_count; i++) {
                _cleanup_(store_user_freep) StoreUser *user = NULL;
                bool seen = false;
                int r = store_user_get_by_name(asker->txn, spec->owners[i], &user);

                if (r == 0 && user->status != USER_STATUS_DELETED)
                        r = core_asker_sees(asker, user, &seen);
                if (r < 0)
                        return r;
                if (!seen) {
                        core_fault_add(error, CORE_E_NO_SUCH_USER, "owner: \"%s\": no such user",
                                       core_quote(spec->owners[i]).text);
                        continue;
                }
                r = core_idset_add(ret, user->uid);
                if (r < 0)
                        return r;
        }
        core_idset_sort(ret);
        return 0;
}

static int check_group_name(Core *core, StoreTxn *txn, const char *name, gid_t gid,
                            CoreError *error) {
        core_check_text("name", FIELD_GROUP_NAME, name, error);
        if (base_field_check(FIELD_GROUP_NAME, name, strlen(name)) != FIELD_OK)
                return 0;
        return core_check_name_free(core, txn, name, gid, error);
}

static int check_group(Change *change, const GroupSpec *spec, gid_t gid, IdSet *owners,
                       CoreError *error) {
        _cleanup_asker_ Asker asker = { 0 };
        int r;

        r = core_asker_load(change->core, change->txn, change->actor, &asker);
        if (r == 0 && spec->name)
                r = check_group_name(change->core, change->txn, spec->name, gid, error);
        if (spec->description)
                core_check_text("description", FIELD_LINE, spec->description, error);
        if (r == 0)
                r = owners_resolve(&asker, spec, owners, error);
        return r;
}

/* A list of users as one value: names by comma, "..." where there are more than a line holds. */
static int value_users(Change *change, const char *field, const uid_t *before, size_t before_count,
                       const uid_t *after, size_t after_count) {
        const uid_t *lists[2] = { before, after };
        const size_t counts[2] = { before_count, after_count };
        char buf[2][1024];

        for (int i = 0; i < 2; i++) {
                _cleanup_texts_ Texts names = { 0 };
                Text text;
                int r = core_texts_add_users(change->txn, lists[i], counts[i], &names);

                if (r < 0)
                        return r;
                base_text_init(&text, buf[i], sizeof(buf[i]));
                for (size_t k = 0; k < names.count; k++) {
                        if (text.len + strlen(names.list[k]) + 8 > sizeof(buf[i])) {
                                base_text_add(&text, ",...");
                                break;
                        }
                        base_text_addf(&text, "%s%s", k > 0 ? "," : "", names.list[k]);
                }
        }
        return core_change_value(change, field, buf[0], buf[1]);
}

static int insert_group(Change *change, const StoreGroup *group) {
        char gid[16];
        int r;

        r = core_name_take(change->txn, group->name);
        if (r == 0)
                r = store_group_insert(change->txn, group);
        if (r > 0)
                return -EUCLEAN; /* all that could be taken was looked at */
        if (r < 0)
                return r;
        snprintf(gid, sizeof(gid), "%u", group->gid);
        r = core_change_value(change, "gid", NULL, gid);
        if (r == 0)
                r = core_change_value(change, "name", NULL, group->name);
        if (r == 0)
                r = core_change_value(change, "description", NULL, group->description);
        if (r == 0)
                r = value_users(change, "owners", NULL, 0, group->owners, group->owner_count);
        if (r == 0)
                r = core_linux_group_came(change, group->name);
        if (r == 0)
                r = core_note_group(change, NULL, group);
        if (r < 0)
                return r;
        return core_change_news(change, CORE_OBJECT_GROUP, CORE_NEWS_ADDED, group->gid, group->name,
                                NULL);
}

int core_group_create(Core *core, const Actor *actor, const GroupSpec *spec,
                      const CoreOptions *options, uint64_t now_usec, CoreChange *ret,
                      CoreError *error) {
        _cleanup_change_ Change change = { 0 };
        _cleanup_idset_ IdSet owners = { 0 };
        CoreError faults = { 0 };
        StoreGroup group;
        gid_t gid = spec->gid;
        int r;

        r = core_change_begin(&change, core, actor, options, now_usec, error);
        if (r != 0)
                return r;
        if (!spec->name)
                core_fault_add(&faults, CORE_E_BAD_VALUE, "name: may not be empty");
        r = check_group(&change, spec, 0, &owners, &faults);
        if (r == 0 && spec->has_gid)
                r = core_check_id_free(core, change.txn, "gid", spec->gid, &faults);
        if (r < 0)
                return r;
        if (faults.outcome != CORE_DONE) {
                *error = faults;
                return (int)faults.outcome;
        }
        r = core_linux_guard_name(&change, spec->name, error);
        if (r == 0 && !spec->has_gid)
                r = core_allocate_id(core, change.txn, &gid, error);
        if (r != 0)
                return r;
        group = (StoreGroup){
                .gid = gid,
                .name = spec->name,
                .description = spec->description ? spec->description : "",
                .tenant = core->settings.tenant,
                .owners = owners.ids,
                .owner_count = owners.count,
                .created_usec = now_usec,
                .created_by = actor->uid,
        };
        r = insert_group(&change, &group);
        if (r < 0)
                return r;
        return core_change_commit(&change, "group.create", "group", group.name, gid, 1, ret);
}

/* ---- editing ------------------------------------------------------------------------------ */

static int update_group(Change *change, const StoreGroup *before, const StoreGroup *after) {
        bool renamed = strcmp(before->name, after->name) != 0;
        int r;

        r = core_change_value(change, "name", before->name, after->name);
        if (r == 0)
                r = core_change_value(change, "description", before->description,
                                      after->description);
        if (r == 0)
                r = value_users(change, "owners", before->owners, before->owner_count,
                                after->owners, after->owner_count);
        if (r < 0 || change->value_count == 0)
                return r;
        if (renamed)
                r = core_name_take(change->txn, after->name);
        if (r == 0)
                r = store_group_update(change->txn, after);
        if (r == 0)
                r = core_note_group(change, before, after);
        if (r > 0)
                return -EUCLEAN;
        if (r == 0 && renamed)
                r = core_linux_group_came(change, after->name);
        if (r < 0)
                return r;
        return core_change_news(change, CORE_OBJECT_GROUP, CORE_NEWS_CHANGED, after->gid,
                                after->name, renamed ? before->name : NULL);
}

int core_group_update(Core *core, const Actor *actor, const char *name, const GroupSpec *spec,
                      const CoreOptions *options, uint64_t now_usec, CoreChange *ret,
                      CoreError *error) {
        _cleanup_change_ Change change = { 0 };
        _cleanup_(store_group_freep) StoreGroup *group = NULL;
        _cleanup_idset_ IdSet owners = { 0 };
        CoreError faults = { 0 };
        StoreGroup edited;
        int r;

        r = core_change_begin(&change, core, actor, options, now_usec, error);
        if (r == 0)
                r = core_group_load(change.txn, name, &group, error);
        if (r == 0 && core_group_is_kept(group->name))
                r = core_group_refuse_kept(group->name, error);
        if (r == 0)
                r = core_check_version(options, group->name, group->version, error);
        if (r != 0)
                return r;
        if (spec->has_gid)
                core_fault_add(&faults, CORE_E_BAD_VALUE, "gid: %u: is fixed at creation",
                               spec->gid);
        r = check_group(&change, spec, group->gid, &owners, &faults);
        if (r < 0)
                return r;
        if (faults.outcome != CORE_DONE) {
                *error = faults;
                return (int)faults.outcome;
        }
        if (spec->name && strcmp(spec->name, group->name) != 0) {
                r = core_linux_group_refuse_named(&change, group->name, "", error);
                if (r == 0)
                        r = core_linux_guard_name(&change, spec->name, error);
                if (r == 0) /* grants are over a group by its name */
                        r = core_scope_guard(&change, GRANT_SCOPE_GROUP, spec->name, error);
        }
        if (r != 0)
                return r;
        edited = *group;
        edited.name = spec->name ? spec->name : group->name;
        edited.description = spec->description ? spec->description : group->description;
        if (spec->owners) {
                edited.owners = owners.ids;
                edited.owner_count = owners.count;
        }
        r = update_group(&change, group, &edited);
        if (r < 0)
                return r;
        if (change.value_count == 0) {
                *ret = (CoreChange){ .object_id = group->gid, .version = group->version };
                return 0;
        }
        return core_change_commit(&change, "group.update", "group", edited.name, group->gid,
                                  group->version + 1, ret);
}

/* ---- deleting ----------------------------------------------------------------------------- */

static int refuse_nested(StoreTxn *txn, const StoreGroup *group, const gid_t *above, size_t count,
                         CoreError *error) {
        _cleanup_texts_ Texts names = { 0 };
        char buf[300];
        Text text;
        int r;

        r = core_texts_add_groups(txn, above, count, &names);
        if (r < 0)
                return r;
        base_text_init(&text, buf, sizeof(buf));
        for (size_t i = 0; i < names.count; i++)
                base_text_addf(&text, "%s%s", i > 0 ? ", " : "", names.list[i]);
        return core_fail(error, CORE_E_POLICY_REFUSED,
                         "%s: is nested in %s: take it out first, or use --force", group->name,
                         buf);
}

/* Takes the group out of one that nests it. */
static int unnest(Change *change, gid_t parent, gid_t gid, bool note) {
        _cleanup_(store_group_freep) StoreGroup *group = NULL;
        _cleanup_free_ gid_t *nested = NULL;
        StoreGroup before;
        size_t count = 0;
        int r;

        r = store_group_get(change->txn, parent, &group);
        if (r != 0)
                return r < 0 ? r : -EUCLEAN;
        nested = calloc(group->nested_count + 1, sizeof(*nested));
        if (!nested)
                return -ENOMEM;
        for (size_t i = 0; i < group->nested_count; i++)
                if (group->nested[i] != gid)
                        nested[count++] = group->nested[i];
        before = *group;
        group->nested = nested;
        group->nested_count = count;
        r = store_group_update(change->txn, group);
        if (r == 0)
                r = core_note_group(change, &before, group);
        if (r != 0)
                return r < 0 ? r : -EUCLEAN;
        return note ? core_change_value(change, "nested_in", group->name, NULL) : 0;
}

/* Everybody whose groups change, and the groups above, before the group lets go of them. */
static int news_of_deletion(Change *change, const StoreGroup *group) {
        _cleanup_idset_ IdSet above = { 0 }, below = { 0 }, uids = { 0 };
        int r;

        r = core_change_news(change, CORE_OBJECT_GROUP, CORE_NEWS_REMOVED, group->gid, group->name,
                             NULL);
        if (r == 0)
                r = core_idset_add(&above, group->gid);
        if (r >= 0)
                r = core_groups_above(change->txn, &above);
        if (r == 0)
                r = core_groups_below(change->txn, group->gid, &below);
        if (r == 0)
                r = core_members_of(change->core, change->txn, &below, &uids);
        if (r == 0)
                r = core_change_news_users(change, &uids);
        if (r == 0) /* CHANGED after REMOVED stays REMOVED */
                r = core_change_news_groups(change, &above);
        return r;
}

static int delete_group(Change *change, const StoreGroup *group, const gid_t *above,
                        size_t above_count) {
        StoreGroup tombstone = *group;
        int r;

        r = news_of_deletion(change, group);
        if (r == 0)
                r = core_change_value(change, "name", group->name, NULL);
        if (r == 0)
                r = value_users(change, "members", group->members, group->member_count, NULL, 0);
        for (size_t i = 0; r == 0 && i < above_count; i++)
                r = unnest(change, above[i], group->gid, i < CHANGE_VALUES_MAX / 2);
        if (r < 0)
                return r;
        tombstone.members = NULL;
        tombstone.nested = NULL;
        tombstone.owners = NULL;
        tombstone.member_count = tombstone.nested_count = tombstone.owner_count = 0;
        tombstone.deleted = true;
        r = store_group_update(change->txn, &tombstone);
        if (r == 0)
                r = core_note_group(change, group, &tombstone);
        return r > 0 ? -EUCLEAN : r;
}

int core_group_delete(Core *core, const Actor *actor, const char *name, bool force,
                      const CoreOptions *options, uint64_t now_usec, CoreChange *ret,
                      CoreError *error) {
        _cleanup_change_ Change change = { 0 };
        _cleanup_(store_group_freep) StoreGroup *group = NULL;
        _cleanup_free_ gid_t *above = NULL;
        size_t above_count = 0;
        int r;

        r = core_change_begin(&change, core, actor, options, now_usec, error);
        if (r == 0)
                r = core_group_load(change.txn, name, &group, error);
        if (r == 0 && core_group_is_kept(group->name))
                r = core_group_refuse_kept(group->name, error);
        if (r == 0)
                r = core_check_version(options, group->name, group->version, error);
        if (r == 0)
                r = store_groups_of_group(change.txn, group->gid, &above, &above_count);
        if (r == 0 && above_count > 0 && !force)
                r = refuse_nested(change.txn, group, above, above_count, error);
        if (r == 0 && (!force || actor->uid != 0)) /* the name may come to mean a package's */
                r = core_linux_group_refuse_named(&change, group->name,
                                                  actor->uid == 0 ? ", or use --force" : "", error);
        if (r != 0)
                return r;
        r = delete_group(&change, group, above, above_count);
        if (r < 0)
                return r;
        return core_change_commit(&change, "group.delete", "group", group->name, group->gid,
                                  group->version + 1, ret);
}

/* ---- restoring ---------------------------------------------------------------------------- */

/* The number was never given to another, so files that carry it mean this group again. */
int core_group_restore(Core *core, const Actor *actor, gid_t gid, const CoreOptions *options,
                       uint64_t now_usec, CoreChange *ret, CoreError *error) {
        _cleanup_change_ Change change = { 0 };
        _cleanup_(store_group_freep) StoreGroup *group = NULL;
        CoreError faults = { 0 };
        StoreGroup restored;
        int r;

        r = core_change_begin(&change, core, actor, options, now_usec, error);
        if (r == 0)
                r = store_group_get(change.txn, gid, &group);
        if (r == STORE_E_MISSING || (r == 0 && !group->deleted))
                return core_fail(error, CORE_E_NO_SUCH_GROUP, "gid %u: no such deleted group", gid);
        if (r == 0)
                r = check_group_name(core, change.txn, group->name, gid, &faults);
        if (r != 0)
                return r;
        if (faults.outcome != CORE_DONE) {
                *error = faults;
                return (int)faults.outcome;
        }
        restored = *group;
        restored.deleted = false;
        r = store_group_update(change.txn, &restored); /* the tombstone still has the name */
        if (r == 0)
                r = core_linux_group_came(&change, group->name);
        if (r == 0)
                r = core_change_value(&change, "name", NULL, group->name);
        if (r == 0)
                r = core_note_group(&change, group, &restored);
        if (r == 0)
                r = core_change_news(&change, CORE_OBJECT_GROUP, CORE_NEWS_ADDED, gid, group->name,
                                     NULL);
        if (r != 0)
                return r < 0 ? r : -EUCLEAN;
        return core_change_commit(&change, "group.restore", "group", group->name, gid,
                                  group->version + 1, ret);
}
