/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sessions across a restart of umd.  What told of a session's end, pam_um's descriptor, died with
 * the umd that held the other end; the process that opened it need not have.  So each session on
 * record is looked for by its process: where that lives the session goes on, and ends with it;
 * where it does not, the end is written now, with what is known of when it was.
 *
 * It ended after the last entry of the log, since umd ran then and would have seen it, and before
 * now, or before the machine started, if that was after that entry. */

#include <errno.h>
#include <string.h>

#include "umd/core/login.h"

typedef struct Records {
        StoreSession *list;
        size_t count, size;
} Records;

static void records_done(Records *records) {
        free(records->list);
}

static int record_add(void *userdata, const StoreSession *session) {
        Records *records = userdata;

        if (records->count == records->size) {
                size_t size = records->size ? 2 * records->size : 64;
                StoreSession *list = reallocarray(records->list, size, sizeof(*list));

                if (!list)
                        return -ENOMEM;
                records->list = list;
                records->size = size;
        }
        records->list[records->count++] = *session;
        return 0;
}

/* The time of the last entry, or 0. */
static int last_time(StoreTxn *txn, uint64_t *ret_usec) {
        _cleanup_(store_audit_freep) StoreAudit *entry = NULL;
        uint64_t first, last;
        int r;

        r = store_audit_range(txn, &first, &last);
        if (r == 0 && last > 0)
                r = store_audit_get(txn, last, &entry);
        if (r < 0)
                return r;
        *ret_usec = entry ? entry->time_usec : 0;
        return 0;
}

static void words_copy(char *to, size_t size, const char *from) {
        size_t len = strnlen(from, size - 1);

        memcpy(to, from, len);
        to[len] = '\0';
}

/* The session as it was, from the entry that opened it; what is not there any more is left out. */
static int session_restore(Core *core, const StoreSession *record, Session *ret) {
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        _cleanup_(store_audit_freep) StoreAudit *entry = NULL;
        LoginWords *words = &ret->words;
        int r;

        *ret = (Session){ .seq = record->seq, .uid = record->uid, .batch = UINT64_MAX };
        ret->process = (CoreProcess){ (pid_t)record->pid, record->start_ticks };
        ret->actor = (Actor){ .login_uid = (uid_t)-1, .via = "pam" };
        core_session_id(record->seq, ret->id);
        r = store_begin_read(core->store, &txn);
        if (r == 0)
                r = store_audit_get(txn, record->seq, &entry);
        if (r != 0)
                return r < 0 ? r : 0;
        ret->actor.uid = entry->actor;
        ret->actor.login_uid = entry->login_uid;
        if (strncmp(entry->object, "user/", 5) == 0)
                words_copy(words->unknown, sizeof(words->unknown), entry->object + 5);
        words_copy(words->service, sizeof(words->service), entry->service);
        words_copy(words->source, sizeof(words->source), entry->source);
        words_copy(words->tty, sizeof(words->tty), entry->tty);
        return 0;
}

static int session_keep(Core *core, const Session *session) {
        Session *kept = malloc(sizeof(*kept));

        if (!kept)
                return -ENOMEM;
        *kept = *session;
        core_session_keep(core->logins, kept);
        return 0;
}

static int records_read(Core *core, Records *records, uint64_t *ret_last_usec) {
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        int r;

        r = store_begin_read(core->store, &txn);
        if (r == 0)
                r = store_session_each(txn, record_add, records);
        if (r == 0)
                r = last_time(txn, ret_last_usec);
        return r;
}

int core_sessions_resume(Core *core, CoreSessionHeld held, void *userdata, uint64_t boot_usec,
                         uint64_t now_usec) {
        _cleanup_(records_done) Records records = { 0 };
        SessionLost lost = { 0 };
        int r;

        core_note_time(core, now_usec);
        r = records_read(core, &records, &lost.after_usec);
        lost.before_usec =
                boot_usec > lost.after_usec && boot_usec < now_usec ? boot_usec : now_usec;
        if (lost.after_usec > now_usec) /* the clock was set back */
                lost.after_usec = now_usec;
        for (size_t i = 0; r == 0 && i < records.count; i++) {
                const StoreSession *record = &records.list[i];
                const CoreProcess process = { (pid_t)record->pid, record->start_ticks };
                Session session;

                r = session_restore(core, record, &session);
                if (r == 0)
                        r = held(userdata, session.id, &process)
                                    ? session_keep(core, &session)
                                    : core_session_end(core, &session, &lost, now_usec);
        }
        return r;
}
