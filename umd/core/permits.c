/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* May somebody do something?  The question other programs of the host ask before they act (FEATURES
 * D25), judged by the same grants and the same arithmetic as um's own.
 *
 * Whatever can be asked has an answer, yes or no: a program that looks at nothing else is safe with
 * a user, permission or tenant that is not there.  Anybody may ask about anybody; why it is no is
 * told to root, to the user himself and to who may see his roles, and others are told no more than
 * they would find out by asking.  Nothing is written. */

#include <errno.h>
#include <string.h>

#include "umd/core/holders.h"

typedef struct Asking {
        Core *core;
        StoreTxn *txn;
        const Actor *actor;
        const PermitAsk *ask;
        const Roles *roles;
        const RoleSet *set;
        StoreUser *user; /* NULL: root */
        Holder holder;
        RightsPlace place;
        uint16_t right;
        bool insider; /* is told why */
} Asking;

static void asking_done(Asking *asking) {
        store_user_freep(&asking->user);
        core_holder_done(&asking->holder);
}

/* ---- the answer ---------------------------------------------------------------------------- */

static int answer(CorePermit *ret, bool allowed, const char *reason) {
        *ret = (CorePermit){ .allowed = allowed, .reason = reason, .until_usec = USEC_INFINITY };
        return 0;
}

/* When what the account may do changes by itself: it begins, it ends, a suspension is over. */
static uint64_t account_change(const StoreUser *user, uint64_t now_usec) {
        const uint64_t moments[] = {
                user->valid_from_usec,
                user->valid_until_usec,
                user->status == USER_STATUS_SUSPENDED ? user->suspended_until_usec : USEC_INFINITY,
        };
        uint64_t next = USEC_INFINITY;

        for (size_t i = 0; i < ARRAY_LENGTH(moments); i++)
                if (moments[i] > now_usec && moments[i] < next)
                        next = moments[i];
        return next;
}

static void account_text(const Asking *asking, Text *text) {
        const StoreUser *user = asking->user;
        uint64_t now_usec = asking->place.now_usec;

        if (user->status != USER_STATUS_ACTIVE)
                base_text_addf(text, "the account is %s", policy_status_name(user->status));
        else if (user->locked)
                base_text_add(text, "the account is locked");
        else if (now_usec < user->valid_from_usec)
                base_text_add(text, "the account is not valid yet");
        else
                base_text_add(text, "the account is not valid any more");
}

/* By which role, where, and what is in the way: "lead > technician at local over department=sales:
 * expired". */
static void way_text(const Asking *asking, const RightsPath *path, Text *text) {
        const StoreGrant *grant = &asking->holder.records[path->grant];
        char over[CORE_OVER_BYTES];

        for (size_t i = 0; i < path->roles.count; i++)
                base_text_addf(text, "%s%s", i > 0 ? " > " : "",
                               policy_role_name(asking->set, path->roles.roles[i]));
        core_over_format(grant->scope, grant->over, over);
        base_text_addf(text, " at %s%s%s", grant->tenant, over[0] ? " over " : "", over);
        if (path->state != GRANT_COUNTS)
                base_text_addf(text, ": %s%s%s", policy_grant_state_name(path->state),
                               path->attribute ? " " : "", path->attribute ? path->attribute : "");
}

#define WAYS_MAX 16U /* looked at for the words */

/* The first of the ways that counts; else, where any will do, the first. */
static void ways_text(const Asking *asking, bool denies, bool any, Text *text) {
        RightsPath paths[WAYS_MAX];
        size_t count = policy_rights_paths(asking->set, &asking->holder.facts, &asking->place,
                                           asking->right, denies, paths, WAYS_MAX);
        size_t at = 0;

        if (count > WAYS_MAX)
                count = WAYS_MAX;
        while (at < count && paths[at].state != GRANT_COUNTS)
                at++;
        if (at < count || (any && count > 0)) {
                base_text_add(text, denies ? "denied by " : "by ");
                way_text(asking, &paths[at < count ? at : 0], text);
        }
}

static void rights_text(const Asking *asking, RightsAnswer found, Text *text) {
        switch (found) {
        case RIGHTS_HELD:
                ways_text(asking, false, false, text);
                break;
        case RIGHTS_DENIED:
                ways_text(asking, true, false, text);
                break;
        case RIGHTS_READ_ONLY:
                base_text_add(text, "the account is read-only");
                break;
        case RIGHTS_MISSING:
                ways_text(asking, false, true, text);
                if (text->len == 0)
                        base_text_add(text, "no role of his has it");
                break;
        case RIGHTS_UNKNOWN:
        case _RIGHTS_ANSWER_MAX:
                break;
        }
}

/* ---- the question -------------------------------------------------------------------------- */

/* CORE_E_NO_SUCH_USER: nobody whom um knows here. */
static int user_find(Asking *asking) {
        const PermitAsk *ask = asking->ask;
        uint32_t uid;
        int r;

        if (strcmp(ask->user, "root") == 0 || strcmp(ask->user, "0") == 0)
                return 0;
        if (base_parse_id(ask->user, &uid) == 0)
                r = store_user_get(asking->txn, uid, &asking->user);
        else
                r = store_user_get_by_name(asking->txn, ask->user, &asking->user);
        if (r < 0)
                return r;
        if (r > 0 || asking->user->status == USER_STATUS_DELETED ||
            ask->hides(ask->userdata, asking->user->name, asking->user->uid))
                return CORE_E_NO_SUCH_USER;
        return core_holder_load(asking->txn, asking->set, asking->user, &asking->holder);
}

/* Root, the user himself, and who may see roles where he is at home and where it is asked of. */
static int insider_find(Asking *asking) {
        _cleanup_holder_ Holder holder = { 0 };
        RightsPlace place = { .now_usec = asking->place.now_usec, .over = RIGHTS_OVER_TENANT };
        int r;

        if (asking->ask->stranger)
                return 0;
        asking->insider = asking->actor->uid == 0 ||
                          (asking->user && asking->actor->uid == asking->user->uid);
        if (asking->insider || !asking->user)
                return 0;
        r = core_holder_of_actor(asking->core, asking->txn, asking->set, asking->actor, &holder);
        if (r < 0)
                return r;
        place.tenant = asking->user->tenant;
        asking->insider =
                policy_rights_has(asking->set, &holder.facts, &place, PERMISSION_ROLE_VIEW);
        place.tenant = asking->place.tenant;
        asking->insider = asking->insider && policy_rights_has(asking->set, &holder.facts, &place,
                                                               PERMISSION_ROLE_VIEW);
        return 0;
}

static bool is_own_matter(const char *permission) {
        return strncmp(permission, "login.", 6) == 0 || strncmp(permission, "self.", 5) == 0;
}

static int rights_answer(Asking *asking, CorePermit *ret) {
        static const char *const names[_RIGHTS_ANSWER_MAX] = {
                [RIGHTS_MISSING] = "missing",     [RIGHTS_DENIED] = "denied",
                [RIGHTS_READ_ONLY] = "read-only", [RIGHTS_UNKNOWN] = "unknown",
                [RIGHTS_HELD] = "held",
        };
        uint64_t now_usec = asking->place.now_usec, next;
        RightsAnswer found = RIGHTS_MISSING;
        bool acts = core_user_acts(asking->user, now_usec);
        Text text;

        if (acts)
                found = policy_rights_ask(asking->set, &asking->holder.facts, &asking->place,
                                          asking->right);
        if (!acts)
                (void)answer(ret, false, "account");
        else if (found == RIGHTS_HELD || asking->insider)
                (void)answer(ret, found == RIGHTS_HELD, names[found]);
        else
                (void)answer(ret, false, names[RIGHTS_MISSING]);
        next = account_change(asking->user, now_usec);
        ret->until_usec = policy_grants_change(&asking->holder.facts, now_usec);
        if (next < ret->until_usec)
                ret->until_usec = next;
        if (!asking->insider)
                return 0;
        base_text_init(&text, ret->text, sizeof(ret->text));
        if (acts)
                rights_text(asking, found, &text);
        else
                account_text(asking, &text);
        return 0;
}

static int tenant_find(Asking *asking) {
        _cleanup_(store_tenant_freep) StoreTenant *tenant = NULL;

        return core_tenant_load(asking->core, asking->txn, asking->place.tenant, &tenant, NULL);
}

static int ask_begun(Asking *asking, CorePermit *ret) {
        int tenant, r;

        asking->right = core_roles_right(asking->roles, asking->ask->permission);
        if (asking->right == RIGHT_NONE) {
                char near[CORE_NEAR_BYTES];
                Text text;

                (void)answer(ret, false, "unknown");
                base_text_init(&text, ret->text, sizeof(ret->text));
                core_permission_near(asking->roles, asking->ask->permission, near);
                base_text_addf(&text, "there is no such permission%s", near);
                return 0;
        }
        r = user_find(asking);
        if (r == CORE_E_NO_SUCH_USER)
                return answer(ret, false, "no-such-user");
        if (r == 0)
                r = insider_find(asking);
        tenant = r == 0 ? tenant_find(asking) : 0;
        if (r < 0 || tenant < 0)
                return r < 0 ? r : tenant;
        if (tenant > 0) /* who has no right in one is not told whether it is there (D6) */
                return answer(ret, false, asking->actor->uid == 0 ? "no-such-tenant" : "missing");
        return asking->user ? rights_answer(asking, ret) : answer(ret, true, "held");
}

int core_permission_check(Core *core, const Actor *actor, const PermitAsk *ask, uint64_t now_usec,
                          CorePermit *ret, CoreError *error) {
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        _cleanup_(asking_done) Asking asking = {
                .core = core,
                .actor = actor,
                .ask = ask,
                .place = {
                        .tenant = ask->tenant ? ask->tenant : core->settings.tenant,
                        .now_usec = now_usec,
                        .over = is_own_matter(ask->permission) ? RIGHTS_OVER_SELF
                                                               : RIGHTS_OVER_TENANT,
                },
        };
        int r;

        *error = (CoreError){ 0 };
        core_note_time(core, now_usec);
        if (!ask->user[0] || !ask->permission[0])
                return core_fail(error, CORE_E_BAD_VALUE, "%s: is missing",
                                 ask->user[0] ? "permission" : "user");
        r = store_begin_read(core->store, &txn);
        asking.txn = txn;
        if (r == 0)
                r = core_roles(core, txn, &asking.roles);
        if (r != 0)
                return r;
        asking.set = core_roles_set(asking.roles);
        return ask_begun(&asking, ret);
}
