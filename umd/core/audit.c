/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading the audit log.  Writing it is part of every change; here it is shown, newest first, with
 * ids turned into names, and checked.  A page looks at a bounded number of entries. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "umd/core/holders.h"

#define AUDIT_ENTRIES_MAX 20000U /* looked at for a page */
#define AUDIT_CHECK_COUNT 10000U /* entries verified at once */

/* A filter with its names resolved. */
typedef struct Wanted {
        const CoreAuditFilter *filter;
        bool has_user, has_actor, has_object;
        uint32_t user_id, actor_id, object_id;
        char unknown[CORE_UNKNOWN_BYTES + 8]; /* the user's object, if nobody has the name */
        Asker *asker;
        bool all; /* has he audit.view in every tenant there is? */
} Wanted;

static int resolve_user(Core *core, StoreTxn *txn, Wanted *wanted) {
        _cleanup_(store_user_freep) StoreUser *user = NULL;
        char hash[CORE_UNKNOWN_BYTES];
        int r;

        if (!wanted->filter->user)
                return 0;
        wanted->has_user = true;
        r = store_user_get_by_name(txn, wanted->filter->user, &user);
        if (r < 0)
                return r;
        if (r == 0)
                wanted->user_id = user->uid;
        else { /* logins under that name are there as its hash */
                core_unknown_name(core, wanted->filter->user, hash);
                snprintf(wanted->unknown, sizeof(wanted->unknown), "user/%s", hash);
        }
        return 0;
}

/* "root", a user's name, "1000" or "uid 1000". */
static int resolve_actor(StoreTxn *txn, Wanted *wanted, CoreError *error) {
        _cleanup_(store_user_freep) StoreUser *user = NULL;
        const char *actor = wanted->filter->actor, *number;
        bool seen = false;
        int r;

        if (!actor)
                return 0;
        wanted->has_actor = true;
        if (strcmp(actor, "root") == 0)
                return 0;
        number = strncmp(actor, "uid ", 4) == 0 ? actor + 4 : actor;
        if (base_parse_id(number, &wanted->actor_id) == 0)
                return 0;
        r = store_user_get_by_name(txn, actor, &user);
        if (r == 0)
                r = core_asker_sees(wanted->asker, user, &seen);
        if (r < 0)
                return r;
        if (!seen)
                return core_fail(error, CORE_E_NO_SUCH_USER, "actor: \"%s\": no such user",
                                 core_quote(actor).text);
        wanted->actor_id = user->uid;
        return 0;
}

/* The id behind "user/bob" or "group/web", so that entries under an older name are found too. */
static int resolve_object(StoreTxn *txn, Wanted *wanted) {
        _cleanup_(store_user_freep) StoreUser *user = NULL;
        _cleanup_(store_group_freep) StoreGroup *group = NULL;
        const char *object = wanted->filter->object;
        int r = STORE_E_MISSING;

        if (!object)
                return 0;
        if (strncmp(object, "user/", 5) == 0)
                r = store_user_get_by_name(txn, object + 5, &user);
        else if (strncmp(object, "group/", 6) == 0)
                r = store_group_get_by_name(txn, object + 6, &group);
        if (r < 0)
                return r;
        wanted->has_object = r == 0;
        wanted->object_id = user ? user->uid : group ? group->gid : 0;
        return 0;
}

static bool kind_equal(const char *a, const char *b) {
        size_t n = strcspn(a, "/");

        return strncmp(a, b, n + 1) == 0;
}

static bool text_wanted(const char *wanted, const char *s) {
        return !wanted || strcmp(wanted, s) == 0;
}

static bool user_wanted(const Wanted *wanted, const StoreAudit *entry) {
        if (!wanted->has_user)
                return true;
        if (wanted->unknown[0])
                return strcmp(entry->object, wanted->unknown) == 0 ||
                       (strncmp(entry->object, "user/", 5) == 0 &&
                        strcmp(entry->object + 5, wanted->filter->user) == 0);
        return entry->object_id == wanted->user_id && strncmp(entry->object, "user/", 5) == 0;
}

static bool object_wanted(const Wanted *wanted, const StoreAudit *entry) {
        const char *object = wanted->filter->object;

        if (!object || strcmp(object, entry->object) == 0)
                return true;
        return wanted->has_object && entry->object_id == wanted->object_id &&
               kind_equal(object, entry->object);
}

static bool entry_wanted(const Wanted *wanted, const StoreAudit *entry) {
        const CoreAuditFilter *filter = wanted->filter;

        return entry->time_usec >= filter->since_usec && entry->time_usec < filter->until_usec &&
               text_wanted(filter->type, entry->type) &&
               text_wanted(filter->outcome, entry->outcome) &&
               text_wanted(filter->reason, entry->reason) &&
               text_wanted(filter->verb, entry->verb) &&
               (!wanted->has_actor || entry->actor == wanted->actor_id) &&
               user_wanted(wanted, entry) && object_wanted(wanted, entry);
}

/* ---- what is not for whoever asks ---------------------------------------------------------- */

static int user_is_shown(Asker *asker, uid_t uid, bool *ret) {
        _cleanup_(store_user_freep) StoreUser *user = NULL;
        int r;

        *ret = uid == asker->uid;
        if (*ret)
                return 0;
        r = store_user_get(asker->txn, uid, &user);
        if (r != 0)
                return r < 0 ? r : 0; /* a name nobody has is of no tenant */
        return core_asker_has_over(asker, PERMISSION_AUDIT_VIEW, user, user->tenant, ret);
}

static int group_is_shown(const Asker *asker, gid_t gid, bool *ret) {
        _cleanup_(store_group_freep) StoreGroup *group = NULL;
        int r = store_group_get(asker->txn, gid, &group);

        *ret = r == 0 && core_asker_has(asker, PERMISSION_AUDIT_VIEW, group->tenant);
        return r < 0 ? r : 0;
}

/* Entries about what is of a tenant are for those who have audit.view there (over the user it is
 * about); all others, of umd and of what is of all tenants, for those who have it in every one. */
static int entry_is_shown(const Wanted *wanted, const StoreAudit *entry, bool *ret) {
        static const char tenant[] = "tenant/";
        int r = 0;

        *ret = wanted->all;
        if (*ret)
                return 0;
        if (strncmp(entry->object, "user/", 5) == 0)
                r = user_is_shown(wanted->asker, entry->object_id, ret);
        else if (strncmp(entry->object, "group/", 6) == 0)
                r = group_is_shown(wanted->asker, entry->object_id, ret);
        else if (strncmp(entry->object, tenant, strlen(tenant)) == 0)
                *ret = core_asker_has(wanted->asker, PERMISSION_AUDIT_VIEW,
                                      entry->object + strlen(tenant));
        return r;
}

/* ---- a page -------------------------------------------------------------------------------- */

static int entry_show(StoreTxn *txn, const StoreAudit *entry,
                      void (*each)(void *userdata, const CoreAuditEntry *entry), void *userdata) {
        char actor[CORE_ACTOR_BYTES], login[CORE_ACTOR_BYTES], reference[24];
        _cleanup_free_ CoreAuditValue *values = NULL;
        CoreAuditEntry shown;
        int r;

        r = core_actor_name(txn, entry->actor, actor);
        if (r == 0)
                r = core_actor_name(txn, entry->login_uid, login);
        if (r < 0)
                return r;
        values = calloc(entry->value_count + 1, sizeof(*values));
        if (!values)
                return -ENOMEM;
        for (size_t i = 0; i < entry->value_count; i++)
                values[i] = (CoreAuditValue){ entry->values[i].field, entry->values[i].before,
                                              entry->values[i].after };
        core_reference_format(entry->seq, reference, sizeof(reference));
        shown = (CoreAuditEntry){
                .seq = entry->seq,
                .time_usec = entry->time_usec,
                .type = entry->type,
                .verb = entry->verb,
                .object = entry->object,
                .actor = actor,
                .login = login,
                .via = entry->via,
                .service = entry->service,
                .source = entry->source,
                .tty = entry->tty,
                .outcome = entry->outcome,
                .reason = entry->reason,
                .reference = reference,
                .values = values,
                .value_count = entry->value_count,
        };
        each(userdata, &shown);
        return 0;
}

int core_audit_list(Core *core, const Actor *actor, const CoreAuditFilter *filter, uint64_t cursor,
                    uint32_t limit, void (*each)(void *userdata, const CoreAuditEntry *entry),
                    void *userdata, uint64_t *ret_cursor, CoreError *error) {
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        _cleanup_asker_ Asker asker = { 0 };
        Wanted wanted = { .filter = filter, .asker = &asker };
        uint64_t first, last, at;
        uint32_t found = 0;
        int r;

        *error = (CoreError){ 0 };
        if (limit < 1 || limit > CORE_LIST_LIMIT_MAX)
                return core_fail(error, CORE_E_BAD_VALUE, "limit: %u: must be 1 to %u", limit,
                                 CORE_LIST_LIMIT_MAX);
        r = store_begin_read(core->store, &txn);
        if (r == 0)
                r = core_asker_load(core, txn, actor, &asker);
        if (r == 0)
                r = core_asker_has_in_all(&asker, PERMISSION_AUDIT_VIEW, &wanted.all);
        if (r == 0)
                r = resolve_user(core, txn, &wanted);
        if (r == 0)
                r = resolve_actor(txn, &wanted, error);
        if (r == 0)
                r = resolve_object(txn, &wanted);
        if (r == 0)
                r = store_audit_range(txn, &first, &last);
        if (r != 0)
                return r;
        at = cursor == 0 || cursor > last ? last + 1 : cursor;
        for (uint32_t looked = 0; first > 0 && at > first && found < limit; looked++) {
                _cleanup_(store_audit_freep) StoreAudit *entry = NULL;
                bool shown = false;

                if (looked == AUDIT_ENTRIES_MAX)
                        break;
                r = store_audit_get(txn, --at, &entry);
                if (r == 0 && entry_wanted(&wanted, entry))
                        r = entry_is_shown(&wanted, entry, &shown);
                if (r == 0 && shown) {
                        r = entry_show(txn, entry, each, userdata);
                        found++;
                }
                if (r < 0)
                        return r;
        }
        *ret_cursor = first > 0 && at > first ? at : 0;
        return 0;
}

/* ---- the chain ---------------------------------------------------------------------------- */

struct CoreAuditVerifier {
        StoreAuditCheck check;
};

int core_audit_verifier_new(CoreAuditVerifier **ret) {
        CoreAuditVerifier *verifier = calloc(1, sizeof(*verifier));

        if (!verifier)
                return -ENOMEM;
        *ret = verifier;
        return 0;
}

CoreAuditVerifier *core_audit_verifier_free(CoreAuditVerifier *verifier) {
        free(verifier);
        return NULL;
}

int core_audit_verify(Core *core, CoreAuditVerifier *verifier, CoreAuditVerdict *ret) {
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        uint64_t first, last;
        int r;

        r = store_begin_read(core->store, &txn);
        if (r == 0)
                r = store_audit_range(txn, &first, &last);
        if (r == 0)
                r = store_audit_verify(txn, AUDIT_CHECK_COUNT, &verifier->check);
        if (r < 0)
                return r;
        *ret = (CoreAuditVerdict){
                .first = first,
                .next = verifier->check.next,
                .last = last,
                .done = verifier->check.done,
                .bad_seq = verifier->check.bad_seq,
        };
        if (verifier->check.bad_why)
                snprintf(ret->why, sizeof(ret->why), "%s", verifier->check.bad_why);
        return 0;
}

int core_audit_system(Core *core, const char *verb, const char *object, uint32_t object_id,
                      const char *reason, uint64_t now_usec) {
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        StoreAudit entry = {
                .time_usec = now_usec,
                .type = "system",
                .verb = verb,
                .object = object,
                .object_id = object_id,
                .actor = (uid_t)-1,
                .login_uid = (uid_t)-1,
                .via = "umd",
                .service = "",
                .source = "",
                .tty = "",
                .outcome = "done",
                .reason = reason,
        };
        uint64_t seq;
        int r;

        core_note_time(core, now_usec);
        r = store_begin(core->store, &txn);
        if (r == 0)
                r = store_audit_append(txn, &entry, &seq);
        if (r < 0)
                return r;
        return core_txn_commit(core, &txn);
}
