/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Several changes as one.  While it is open, each verb that begins a change is given its
 * transaction, writes its own entry of the log, and commits nothing: so every check of every verb
 * holds, each sees what those before it did, and a fault in any of them leaves nothing of all.  At
 * the end one entry more stands for the whole, and its number is the change's id; it says how many
 * entries right before it are its parts.
 *
 * What a verb does outside the store (sessions that end, proofs that are dropped) waits until the
 * whole is written.  Listeners and notices too. */

#include <errno.h>
#include <string.h>

#include "umd/core/login.h"
#include "umd/core/undo.h"

/* ---- afterwards --------------------------------------------------------------------------- */

int core_afterwards_reserve(Core *core, Afterwards what) {
        if (core->together)
                return core_idset_reserve(&core->together->after[what], 1);
        return what == AFTER_END_SESSIONS ? core_idset_reserve(&core->ending, 1) : 0;
}

/* A proof is asked for by name, and he no longer has the one that it was given under. */
static bool proof_of_uid(const Proof *proof, const void *userdata) {
        return proof->uid == *(const uid_t *)userdata;
}

/* The name he has in what was written; a fault leaves him his delay. */
static void failures_forget(Core *core, uid_t uid, const char *name) {
        _cleanup_(core_user_freep) CoreUser *user = NULL;
        CoreError error;

        core_misses_renew(core, uid);
        if (!name && core_user_get_by_uid(core, uid, &user, &error) == 0)
                name = user->name;
        if (name)
                core_delays_forget(core, name);
}

void core_afterwards(Core *core, Afterwards what, uid_t uid, const char *name) {
        if (core->together) {
                (void)core_idset_add(&core->together->after[what], uid); /* there is room */
                return;
        }
        switch (what) {
        case AFTER_END_SESSIONS:
                (void)core_idset_add(&core->ending, uid); /* likewise */
                break;
        case AFTER_DROP_PROOFS:
                core_proofs_drop(core->logins, proof_of_uid, &uid);
                break;
        case AFTER_FORGET_FAILURES:
                failures_forget(core, uid, name);
                break;
        case _AFTERWARDS_MAX:
                break;
        }
}

/* ---- the whole ---------------------------------------------------------------------------- */

int core_together_begin(Together *together, Core *core, const Actor *actor,
                        const CoreOptions *options, uint64_t now_usec, CoreError *error) {
        int r;

        *error = (CoreError){ 0 };
        *together = (Together){ 0 };
        if (core->together)
                return -EBUSY;
        if (options->if_version != 0)
                return core_fail(error, CORE_E_BAD_VALUE, "version: only of a single object");
        core_note_time(core, now_usec);
        core->host.refresh(core->host.userdata);
        r = store_begin(core->store, &together->txn);
        if (r < 0)
                return r;
        together->core = core;
        core->together = together;
        return core_reason_check(core, together->txn, actor, options, error);
}

static int notices_take(Together *together, NoticeDrafts *drafts) {
        size_t need = together->notice_count + drafts->count;

        if (need > together->notice_size) {
                NoticeLine *grown =
                        reallocarray(together->notices, need * 2, sizeof(*together->notices));

                if (!grown)
                        return -ENOMEM;
                together->notices = grown;
                together->notice_size = need * 2;
        }
        for (size_t i = 0; i < drafts->count; i++)
                together->notices[together->notice_count++] = drafts->list[i];
        drafts->count = 0;
        return 0;
}

int core_together_add(Together *together, Change *part) {
        int r = notices_take(together, &part->notices);

        if (r == 0)
                r = core_news_reserve(&together->news, part->news.count);
        if (r < 0)
                return r;
        core_news_merge(&together->news, &part->news);
        together->parts++;
        return 0;
}

static void notices_keep(Together *together) {
        NoticeDrafts drafts = { 0 };

        for (size_t i = 0; i < together->notice_count; i++) {
                drafts.list[drafts.count++] = together->notices[i];
                if (drafts.count == ARRAY_LENGTH(drafts.list))
                        core_notices_keep(together->core, &drafts);
        }
        core_notices_keep(together->core, &drafts);
}

/* Everything that can fail, before it is written. */
static int commit_prepare(Together *together) {
        Core *core = together->core;
        int r = core_news_reserve(&core->news, together->news.count);

        if (r == 0)
                r = core_idset_reserve(&core->ending, together->after[AFTER_END_SESSIONS].count);
        return r < 0 ? r : 0;
}

static int commit(Together *together) {
        Core *core = together->core;
        int r = commit_prepare(together);

        if (r == 0)
                r = core_txn_commit(core, &together->txn);
        if (r < 0)
                return r;
        core_news_merge(&core->news, &together->news);
        notices_keep(together);
        core->together = NULL;
        for (Afterwards what = 0; what < _AFTERWARDS_MAX; what++)
                for (size_t i = 0; i < together->after[what].count; i++)
                        core_afterwards(core, what, together->after[what].ids[i], NULL);
        return 0;
}

int core_together_commit(Together *together, Change *head, const char *verb, const char *kind,
                         const char *name, uint64_t undoes, CoreChange *ret) {
        const StoreUndo undo = { .undoes = undoes, .parts = together->parts };
        uint64_t seq;
        int r;

        *ret = (CoreChange){ 0 };
        if (together->parts == 0)
                return 0;
        r = core_change_record(head, verb, kind, name, 0, &undo, &seq);
        if (r == 0 && !head->options->dry_run) {
                r = commit(together);
                ret->id = seq;
        }
        return r;
}

void core_together_done(Together *together) {
        if (together->core && together->core->together == together)
                together->core->together = NULL;
        store_txn_abortp(&together->txn);
        core_news_done(&together->news);
        free(together->notices);
        for (Afterwards what = 0; what < _AFTERWARDS_MAX; what++)
                core_idset_done(&together->after[what]);
        *together = (Together){ 0 };
}
