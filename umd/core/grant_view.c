/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Grants as they are shown, and where a right comes from: each way that brings it or takes it, and
 * what is in the way of those that do not count (FEATURES D4, D17). */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "umd/core/holders.h"

/* ---- grants -------------------------------------------------------------------------------- */

typedef struct Shown {
        Asker *asker;
        StoreTxn *txn;
        const RoleSet *set;
        uint64_t now_usec;
        CoreGrantEach each;
        void *userdata;
} Shown;

static int grant_show(const Shown *shown, const StoreUser *user, const Holder *holder, size_t at) {
        const StoreGrant *grant = &holder->records[at];
        bool automatic = holder->grants[at].automatic;
        const RightsPlace place = {
                .tenant = grant->tenant,
                .all_tenants = holder->grants[at].all_tenants,
                .now_usec = shown->now_usec,
                .over = RIGHTS_OVER_SELF,
        };
        char over[CORE_OVER_BYTES], by[CORE_ACTOR_BYTES];
        const char *attribute;
        GrantState state;
        int r;

        r = core_actor_name(shown->txn, grant->by, by);
        if (r < 0)
                return r;
        core_over_format(grant->scope, grant->over, over);
        state = policy_grant_state(shown->set, &holder->facts, &holder->grants[at], &place,
                                   &attribute);
        shown->each(shown->userdata, &(CoreGrant){
                                             .user = user->name,
                                             .role = grant->role,
                                             .tenant = grant->tenant,
                                             .over = over,
                                             .from_usec = grant->from_usec,
                                             .until_usec = grant->until_usec,
                                             .made_usec = grant->made_usec,
                                             .by = by,
                                             .reason = automatic ? "" : grant->reason,
                                             .automatic = automatic ? grant->reason : "",
                                             .state = policy_grant_state_name(state),
                                             .attribute = attribute ? attribute : "",
                                             .end_sessions = grant->end_sessions,
                                     });
        return 0;
}

int core_grant_is_seen(Asker *asker, const StoreUser *user, const StoreGrant *grant, bool *ret) {
        *ret = core_asker_is_root(asker) || asker->uid == user->uid;
        if (*ret)
                return 0;
        if (strcmp(grant->tenant, CORE_TENANT_ALL) == 0)
                return core_asker_has_in_all(asker, PERMISSION_ROLE_VIEW, ret);
        return core_asker_has_over(asker, PERMISSION_ROLE_VIEW, user, grant->tenant, ret);
}

/* Those of one role, or all (role NULL); only those that nobody granted.  How many. */
static int grants_show(const Shown *shown, const StoreUser *user, const char *role,
                       bool automatic) {
        _cleanup_holder_ Holder holder = { 0 };
        int r, count = 0;
        bool seen;

        r = core_holder_load(shown->txn, shown->set, user, &holder);
        for (size_t i = 0; i < holder.facts.grant_count && r == 0; i++) {
                if ((role && strcmp(holder.records[i].role, role) != 0) ||
                    (automatic && !holder.grants[i].automatic))
                        continue;
                r = core_grant_is_seen(shown->asker, user, &holder.records[i], &seen);
                if (r == 0 && seen) {
                        r = grant_show(shown, user, &holder, i);
                        count++;
                }
        }
        return r < 0 ? r : count;
}

int core_grant_list(Core *core, const Actor *actor, const char *user, uint64_t now_usec,
                    CoreGrantEach each, void *userdata, CoreError *error) {
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        _cleanup_(store_user_freep) StoreUser *record = NULL;
        _cleanup_asker_ Asker asker = { 0 };
        Shown shown = { .asker = &asker, .now_usec = now_usec, .each = each, .userdata = userdata };
        int r;

        *error = (CoreError){ 0 };
        core_note_time(core, now_usec);
        r = store_begin_read(core->store, &txn);
        if (r == 0)
                r = core_user_load(core, txn, user, false, &record, error);
        if (r == 0)
                r = core_role_set(core, txn, &shown.set);
        if (r == 0)
                r = core_asker_load(core, txn, actor, &asker);
        shown.txn = txn;
        if (r != 0)
                return r;
        r = grants_show(&shown, record, NULL, false);
        return r < 0 ? r : 0;
}

/* A cursor is the uid a page ended with, behind those who were granted it with this before. */
#define AUTOMATIC_CURSOR "auto:"

static int cursor_read(const char *cursor, uid_t *ret, bool *ret_automatic, CoreError *error) {
        const size_t prefix = strlen(AUTOMATIC_CURSOR);

        *ret = 0;
        *ret_automatic = strncmp(cursor, AUTOMATIC_CURSOR, prefix) == 0;
        if (cursor[0] && base_parse_id(cursor + (*ret_automatic ? prefix : 0), ret) < 0)
                return core_fail(error, CORE_E_BAD_VALUE, "cursor: \"%s\": is none of a list",
                                 core_quote(cursor).text);
        return 0;
}

/* Whose it is by its condition: all users are gone over, some at a time. */
static int automatic_page(const Shown *shown, const char *role, uid_t uid, uint32_t limit,
                          char *ret_cursor) {
        uint32_t found = 0;

        for (uint32_t looked = 0; found < limit && looked < CORE_LIST_RECORDS_MAX; looked++) {
                _cleanup_(store_user_freep) StoreUser *user = NULL;
                int r = store_user_next_uid(shown->txn, uid, &user);
                bool seen;

                if (r == STORE_E_MISSING) {
                        ret_cursor[0] = '\0';
                        return 0;
                }
                if (r < 0)
                        return r;
                uid = user->uid;
                r = store_grant_holds(shown->txn, role, uid);
                if (r < 0)
                        return r;
                if (r == 0 || user->status == USER_STATUS_DELETED)
                        continue; /* he was shown already, or is not */
                r = core_asker_sees(shown->asker, user, &seen);
                if (r == 0 && seen)
                        r = grants_show(shown, user, role, true);
                if (r < 0)
                        return r;
                found += (uint32_t)r;
        }
        snprintf(ret_cursor, CORE_CURSOR_BYTES, AUTOMATIC_CURSOR "%u", uid);
        return 0;
}

int core_grant_holders(Core *core, const Actor *actor, const char *role, const char *cursor,
                       uint32_t limit, uint64_t now_usec, CoreGrantEach each, void *userdata,
                       char *ret_cursor, CoreError *error) {
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        _cleanup_asker_ Asker asker = { 0 };
        Shown shown = { .asker = &asker, .now_usec = now_usec, .each = each, .userdata = userdata };
        char at[CORE_CURSOR_BYTES];
        uint16_t number;
        bool automatic;
        uid_t uid;
        int r;

        r = core_list_begin(core, cursor, limit, at, &txn, error);
        if (r == 0)
                r = cursor_read(at, &uid, &automatic, error);
        if (r == 0)
                r = core_role_set(core, txn, &shown.set);
        if (r == 0)
                r = core_role_find(shown.set, role, &number, error);
        if (r == 0)
                r = core_asker_load(core, txn, actor, &asker);
        if (r != 0)
                return r;
        shown.txn = txn;
        if (automatic)
                return automatic_page(&shown, role, uid, limit, ret_cursor);
        for (uint32_t i = 0; i < limit; i++) {
                _cleanup_(store_user_freep) StoreUser *user = NULL;
                bool seen;

                r = store_grant_holder_next(txn, role, uid, &uid);
                if (r == STORE_E_MISSING) {
                        snprintf(ret_cursor, CORE_CURSOR_BYTES, "%s",
                                 policy_role_condition(shown.set, number) ? AUTOMATIC_CURSOR "0"
                                                                          : "");
                        return 0;
                }
                if (r == 0)
                        r = store_user_get(txn, uid, &user);
                if (r != 0)
                        return r < 0 ? r : -EBADMSG;
                if (user->status == USER_STATUS_DELETED)
                        continue;
                r = core_asker_sees(&asker, user, &seen);
                if (r == 0 && seen)
                        r = grants_show(&shown, user, role, false);
                if (r < 0)
                        return r;
        }
        snprintf(ret_cursor, CORE_CURSOR_BYTES, "%u", uid);
        return 0;
}

/* ---- where a right comes from -------------------------------------------------------------- */

typedef struct Asking {
        Asker asker; /* who asks; the others are of whom it is about */
        StoreUser *user;
        Holder holder;
        const Roles *roles;
        const RoleSet *set;
        RightsPlace place;
        bool acts; /* may the user do anything at all? */
        RightsPath paths[RIGHTS_PATHS_MAX];
        void (*each)(void *userdata, const CoreRightPath *path);
        void *userdata;
} Asking;

static void asking_freep(Asking **asking) {
        if (!*asking)
                return;
        core_asker_done(&(*asking)->asker);
        store_user_free((*asking)->user);
        core_holder_done(&(*asking)->holder);
        free(*asking);
}

static void path_show(Asking *asking, const RightsPath *path, const char *permission, bool denies) {
        const StoreGrant *grant = &asking->holder.records[path->grant];
        char over[CORE_OVER_BYTES], roles[(ROLE_NAME_MAX + 3) * (ROLE_DEPTH_MAX + 1) + 1];
        Text text;

        base_text_init(&text, roles, sizeof(roles));
        for (size_t i = 0; i < path->roles.count; i++)
                base_text_addf(&text, "%s%s", i > 0 ? " > " : "",
                               policy_role_name(asking->set, path->roles.roles[i]));
        core_over_format(grant->scope, grant->over, over);
        asking->each(asking->userdata, &(CoreRightPath){
                                               .permission = permission,
                                               .roles = roles,
                                               .tenant = grant->tenant,
                                               .over = over,
                                               .until_usec = grant->until_usec,
                                               .denies = denies,
                                               .state = policy_grant_state_name(path->state),
                                               .attribute = path->attribute ? path->attribute : "",
                                       });
}

/* Those of grants in tenants that are not his to see are left out. */
static int paths_show(Asking *asking, uint16_t right, const char *permission, bool denies,
                      bool only_counting) {
        size_t count =
                policy_rights_paths(asking->set, &asking->holder.facts, &asking->place, right,
                                    denies, asking->paths, ARRAY_LENGTH(asking->paths));
        bool seen;
        int r = 0;

        for (size_t i = 0; i < count && r == 0; i++) {
                if (only_counting && asking->paths[i].state != GRANT_COUNTS)
                        continue;
                r = core_grant_is_seen(&asking->asker, asking->user,
                                       &asking->holder.records[asking->paths[i].grant], &seen);
                if (r == 0 && seen)
                        path_show(asking, &asking->paths[i], permission, denies);
        }
        return r;
}

/* About a permission of one's own matters, or in the tenant. */
static RightsOver over_of(const char *permission) {
        return strncmp(permission, "login.", 6) == 0 || strncmp(permission, "self.", 5) == 0
                       ? RIGHTS_OVER_SELF
                       : RIGHTS_OVER_SOMEBODY;
}

/* role.view over the user in the tenant that is asked about; of himself everybody may know what he
 * has where he has any grant that counts, and here. */
static int asking_check(Asking *asking, const char *tenant, bool here, CoreError *error) {
        bool has;
        int r;

        if (asking->asker.uid == asking->user->uid)
                return here || core_asker_is_in(&asking->asker, tenant)
                               ? 0
                               : core_tenant_refuse(tenant, error);
        if (!core_asker_is_in(&asking->asker, tenant))
                return core_tenant_refuse(tenant, error);
        r = core_asker_has_over(&asking->asker, PERMISSION_ROLE_VIEW, asking->user, tenant, &has);
        if (r < 0 || has)
                return r;
        return core_fail(error, CORE_E_ACCESS_DENIED, "this needs the permission %s in %s",
                         policy_permission_info(PERMISSION_ROLE_VIEW)->name, tenant);
}

static int asking_begin(Core *core, StoreTxn *txn, const Actor *actor, const char *user,
                        const char *tenant, uint64_t now_usec, Asking **ret, CoreError *error) {
        _cleanup_(store_tenant_freep) StoreTenant *found = NULL;
        _cleanup_(asking_freep) Asking *asking = calloc(1, sizeof(*asking));
        bool here = !tenant;
        int r;

        if (!asking)
                return -ENOMEM;
        if (!tenant)
                tenant = core->settings.tenant;
        r = core_tenant_load(core, txn, tenant, &found, error);
        if (r == 0)
                r = core_user_load(core, txn, user, false, &asking->user, error);
        if (r == 0)
                r = core_asker_load(core, txn, actor, &asking->asker);
        if (r == 0)
                r = asking_check(asking, tenant, here, error);
        if (r == 0)
                r = core_roles(core, txn, &asking->roles);
        if (r != 0)
                return r;
        asking->set = core_roles_set(asking->roles);
        asking->place = (RightsPlace){ .tenant = tenant, .now_usec = now_usec };
        asking->acts = core_user_acts(asking->user, now_usec);
        r = core_holder_load(txn, asking->set, asking->user, &asking->holder);
        if (r < 0)
                return r;
        *ret = TAKE(asking);
        return 0;
}

static const char *answer_name(RightsAnswer answer) {
        static const char *const names[_RIGHTS_ANSWER_MAX] = {
                [RIGHTS_MISSING] = "missing",     [RIGHTS_DENIED] = "denied",
                [RIGHTS_READ_ONLY] = "read-only", [RIGHTS_UNKNOWN] = "unknown",
                [RIGHTS_HELD] = "held",
        };

        return names[answer];
}

/* The roles that would bring it. */
static int roles_with(const Asking *asking, uint16_t right, Texts *ret) {
        int r = 0;

        for (uint16_t i = 0; i < core_roles_count(asking->roles) && r == 0; i++)
                if (policy_role_permits(asking->set, i, right) &&
                    !policy_role_denies(asking->set, i, right))
                        r = core_texts_add(ret, policy_role_name(asking->set, i));
        return r == 0 ? core_texts_add(ret, "") : r; /* a place for the NULL */
}

static int refuse_unknown(const Roles *roles, const char *permission, CoreError *error) {
        char buf[CORE_NEAR_BYTES];

        core_permission_near(roles, permission, buf);
        return core_fail(error, CORE_E_BAD_VALUE, "permission: \"%s\": there is no such%s",
                         core_quote(permission).text, buf);
}

int core_access_why(Core *core, const Actor *actor, const char *user, const char *permission,
                    const char *tenant, uint64_t now_usec,
                    void (*each)(void *userdata, const CoreRightPath *path),
                    void (*answer)(void *userdata, const CoreWhy *why), void *userdata,
                    CoreError *error) {
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        _cleanup_(asking_freep) Asking *asking = NULL;
        _cleanup_texts_ Texts roles = { 0 };
        RightsAnswer found;
        uint16_t right;
        int r;

        *error = (CoreError){ 0 };
        core_note_time(core, now_usec);
        r = store_begin_read(core->store, &txn);
        if (r == 0)
                r = asking_begin(core, txn, actor, user, tenant, now_usec, &asking, error);
        if (r != 0)
                return r;
        right = core_roles_right(asking->roles, permission);
        if (right == RIGHT_NONE)
                return refuse_unknown(asking->roles, permission, error);
        asking->each = each;
        asking->userdata = userdata;
        asking->place.over = over_of(permission);
        found = policy_rights_ask(asking->set, &asking->holder.facts, &asking->place, right);
        r = paths_show(asking, right, permission, false, false);
        if (r == 0)
                r = paths_show(asking, right, permission, true, false);
        if (r == 0)
                r = roles_with(asking, right, &roles);
        if (r < 0)
                return r;
        free(roles.list[--roles.count]);
        roles.list[roles.count] = NULL;
        answer(userdata,
               &(CoreWhy){
                       .answer = found == RIGHTS_HELD && !asking->acts ? "account"
                                                                       : answer_name(found),
                       .tenant = asking->place.tenant,
                       .roles = (const char *const *)roles.list,
               });
        return 0;
}

int core_role_effective(Core *core, const Actor *actor, const char *user, const char *tenant,
                        uint64_t now_usec, void (*each)(void *userdata, const CoreRightPath *path),
                        void *userdata, CoreError *error) {
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        _cleanup_(asking_freep) Asking *asking = NULL;
        int r;

        *error = (CoreError){ 0 };
        core_note_time(core, now_usec);
        r = store_begin_read(core->store, &txn);
        if (r == 0)
                r = asking_begin(core, txn, actor, user, tenant, now_usec, &asking, error);
        if (r != 0)
                return r;
        asking->each = each;
        asking->userdata = userdata;
        for (uint16_t right = 0; right < policy_right_count(asking->set) && r == 0; right++) {
                const char *name = policy_right_name(asking->set, right);

                asking->place.over = over_of(name);
                if (!core_roles_right_is_gone(asking->roles, right) &&
                    policy_rights_has(asking->set, &asking->holder.facts, &asking->place, right))
                        r = paths_show(asking, right, name, false, true);
        }
        return r;
}
