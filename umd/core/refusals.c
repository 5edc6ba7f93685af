/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Calls that were refused, in the log: who tried what he has no right to.  Whoever is refused
 * decides how often, so what is written has a ceiling that he cannot move.  In a period (an hour
 * from the first refusal on) a caller's first refusal by each method is an entry; those that follow
 * are counted, and told in one entry when the period is over.
 *
 * A uid is no ceiling by itself: a person with sub-uids has many.  So the callers of a period have
 * a limit too, with places that only users of um can take, and what is beyond it is one more
 * number. All of it is in memory: a restart, which no caller can bring about, begins a period. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "umd/core/internal.h"
#include "umd/core/lockout.h"

typedef struct Refuser {
        uid_t uid;
        uint64_t methods[CORE_REFUSED_METHODS]; /* those told, by their hash */
        size_t method_count;
        uint64_t untold;
} Refuser;

struct Refusals {
        uint64_t began_usec; /* 0: no period */
        Refuser callers[CORE_REFUSED_CALLERS];
        size_t count, strangers;
        uint64_t others; /* refusals of callers who have no place */
};

int core_refusals_new(Refusals **ret) {
        Refusals *refusals = calloc(1, sizeof(*refusals));

        if (!refusals)
                return -ENOMEM;
        *ret = refusals;
        return 0;
}

/* ---- entries ------------------------------------------------------------------------------ */

/* What the object is called in the log, by name or, where none was given, by id. */
static int user_find(StoreTxn *txn, const CoreRefusal *refusal, char *name, uint32_t *ret_id) {
        _cleanup_(store_user_freep) StoreUser *user = NULL;
        int r = refusal->name ? store_user_get_by_name(txn, refusal->name, &user)
                              : store_user_get(txn, refusal->id, &user);

        if (r != 0)
                return r;
        snprintf(name, BASE_NAME_MAX + 1, "%s", user->name);
        *ret_id = user->uid;
        return 0;
}

static int group_find(StoreTxn *txn, const CoreRefusal *refusal, char *name, uint32_t *ret_id) {
        _cleanup_(store_group_freep) StoreGroup *group = NULL;
        int r = refusal->name ? store_group_get_by_name(txn, refusal->name, &group)
                              : store_group_get(txn, refusal->id, &group);

        if (r != 0)
                return r;
        snprintf(name, BASE_NAME_MAX + 1, "%s", group->name);
        *ret_id = group->gid;
        return 0;
}

static int object_write(Core *core, StoreTxn *txn, const CoreRefusal *refusal, char *buf,
                        size_t size, uint32_t *ret_id) {
        bool user = refusal->object == CORE_OBJECT_USER;
        char name[CORE_UNKNOWN_TEXT];
        int r;

        buf[0] = '\0';
        *ret_id = 0;
        if (refusal->object == _CORE_OBJECT_MAX)
                return 0;
        r = user ? user_find(txn, refusal, name, ret_id) : group_find(txn, refusal, name, ret_id);
        if (r < 0)
                return r;
        if (r > 0 && refusal->name)
                core_unknown_text(core, refusal->name, name);
        else if (r > 0)
                snprintf(name, sizeof(name), "%u", refusal->id);
        snprintf(buf, size, "%s/%s", user ? "user" : "group", name);
        return 0;
}

static int refusal_write(Core *core, const Actor *actor, const CoreRefusal *refusal,
                         uint64_t now_usec) {
        const StoreValue permission = { "permission", NULL, refusal->permission };
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        char object[CORE_UNKNOWN_TEXT + 8];
        StoreAudit entry = {
                .time_usec = now_usec,
                .type = "access",
                .verb = refusal->method,
                .object = object,
                .actor = actor->uid,
                .login_uid = actor->login_uid,
                .via = actor->via,
                .service = "",
                .source = "",
                .tty = "",
                .outcome = "deny",
                .reason = refusal->elsewhere ? "private-socket-only" : "no-permission",
                .values = &permission,
                .value_count = 1,
        };
        uint64_t seq;
        int r;

        r = store_begin(core->store, &txn);
        if (r == 0)
                r = object_write(core, txn, refusal, object, sizeof(object), &entry.object_id);
        if (r == 0)
                r = store_audit_append(txn, &entry, &seq);
        return r < 0 ? r : core_txn_commit(core, &txn);
}

/* ---- the period --------------------------------------------------------------------------- */

static int counts_write(Core *core, uint64_t now_usec) {
        static const RepeatedKind kind = { "access", "access.repeated", "no-permission" };
        const Refusals *refusals = core->refusals;
        Repeated rows[CORE_REFUSED_CALLERS + 1];

        for (size_t i = 0; i < refusals->count; i++)
                rows[i] = (Repeated){ .count = refusals->callers[i].untold,
                                      .actor = refusals->callers[i].uid };
        rows[refusals->count] = (Repeated){ .count = refusals->others, .actor = (uid_t)-1 };
        return core_repeated_tell(core, &kind, rows, refusals->count + 1, refusals->began_usec,
                                  now_usec);
}

int core_refusals_tell(Core *core, uint64_t now_usec) {
        int r = counts_write(core, now_usec);

        if (r == 0)
                *core->refusals = (Refusals){ 0 };
        return r;
}

int core_refusals_tick(Core *core, uint64_t now_usec) {
        return core_repeated_is_due(core->refusals->began_usec, CORE_REFUSED_PERIOD_USEC, now_usec)
                       ? core_refusals_tell(core, now_usec)
                       : 0;
}

static int is_stranger(Core *core, uid_t uid, bool *ret) {
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        _cleanup_(store_user_freep) StoreUser *user = NULL;
        int r;

        r = store_begin_read(core->store, &txn);
        if (r == 0)
                r = store_user_get(txn, uid, &user);
        if (r < 0)
                return r;
        *ret = uid != 0 && (r > 0 || user->status == USER_STATUS_DELETED);
        return 0;
}

/* The caller's place, or NULL where he has none. */
static int refuser_get(Core *core, uid_t uid, Refuser **ret) {
        Refusals *refusals = core->refusals;
        bool stranger;
        int r;

        for (size_t i = 0; i < refusals->count; i++)
                if (refusals->callers[i].uid == uid) {
                        *ret = &refusals->callers[i];
                        return 0;
                }
        *ret = NULL;
        if (refusals->count == CORE_REFUSED_CALLERS)
                return 0;
        r = is_stranger(core, uid, &stranger);
        if (r < 0 || (stranger && refusals->strangers == CORE_REFUSED_STRANGERS))
                return r;
        *ret = &refusals->callers[refusals->count++];
        **ret = (Refuser){ .uid = uid };
        refusals->strangers += stranger;
        return 0;
}

/* Was the method told already, or were enough of them? */
static bool is_told(const Refuser *refuser, uint64_t method) {
        for (size_t i = 0; i < refuser->method_count; i++)
                if (refuser->methods[i] == method)
                        return true;
        return refuser->method_count == CORE_REFUSED_METHODS;
}

int core_refused(Core *core, const Actor *actor, const CoreRefusal *refusal, uint64_t now_usec) {
        static const uint8_t no_key[CORE_HASH_KEY_BYTES];
        uint64_t method = core_hash(no_key, refusal->method, strlen(refusal->method));
        Refuser *refuser = NULL;
        int r;

        core_note_time(core, now_usec);
        r = core_refusals_tick(core, now_usec);
        if (r == 0)
                r = refuser_get(core, actor->uid, &refuser);
        if (r < 0)
                return r;
        if (core->refusals->began_usec == 0)
                core->refusals->began_usec = now_usec;
        if (!refuser)
                core->refusals->others++;
        else if (is_told(refuser, method))
                refuser->untold++;
        else {
                r = refusal_write(core, actor, refusal, now_usec);
                if (r == 0)
                        refuser->methods[refuser->method_count++] = method;
        }
        return r;
}
