/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sessions: judged once more, a home made if it is missing, and an entry in the log for the
 * beginning and the end.  A home that cannot be made does not keep anybody out; the person is told.
 *
 * pam_um's descriptor dies with umd; so the store keeps which sessions are open, and which process
 * holds each, for resume.c. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "umd/core/login.h"

struct Opening {
        Opening *prev, *next;
        Core *core; /* NULL: nobody waits any more, the helper's answer frees it */
        uint64_t connection;
        Actor actor;
        CoreProcess process;
        LoginWords words;
        Shown shown;
        char text[512];
        CoreSessionDone done;
        void *userdata;
};

/* ---- openings ----------------------------------------------------------------------------- */

static void opening_unlink(Opening *opening) {
        if (opening->prev)
                opening->prev->next = opening->next;
        else
                opening->core->logins->openings = opening->next;
        if (opening->next)
                opening->next->prev = opening->prev;
        opening->prev = opening->next = NULL;
        opening->core = NULL;
}

void core_openings_hangup(Logins *logins, uint64_t connection) {
        Opening *next;

        for (Opening *o = logins->openings; o; o = next) {
                next = o->next;
                if (o->connection == connection)
                        opening_unlink(o);
        }
}

static int opening_new(Core *core, const CorePeer *peer, const LoginWords *words, Shown shown,
                       CoreSessionDone done, void *userdata, Opening **ret) {
        Opening *opening = calloc(1, sizeof(*opening));

        if (!opening)
                return -ENOMEM;
        opening->core = core;
        opening->connection = peer->connection;
        opening->actor = peer->actor;
        opening->actor.via = "pam";
        opening->process = peer->process;
        opening->words = *words;
        opening->shown = shown;
        opening->done = done;
        opening->userdata = userdata;
        opening->next = core->logins->openings;
        if (core->logins->openings)
                core->logins->openings->prev = opening;
        core->logins->openings = opening;
        *ret = opening;
        return 0;
}

/* Frees the opening and answers; step NULL: with r. */
static void opening_answer(Opening *opening, int r, const char *session, const CoreStep *step) {
        CoreSessionDone done = opening->done;
        void *userdata = opening->userdata;
        CoreError error = { 0 };

        if (r > 0)
                (void)core_fail(&error, (CoreOutcome)r, "too many sessions of this user at once");

        opening_unlink(opening);
        free(opening);
        done(userdata, r, session, step, &error);
}

/* ---- sessions ----------------------------------------------------------------------------- */

static void session_free(Logins *logins, Session *session) {
        if (session->prev)
                session->prev->next = session->next;
        else
                logins->sessions = session->next;
        if (session->next)
                session->next->prev = session->prev;
        logins->session_count--;
        free(session);
}

void core_session_keep(Logins *logins, Session *session) {
        session->next = logins->sessions;
        if (logins->sessions)
                logins->sessions->prev = session;
        logins->sessions = session;
        logins->session_count++;
}

void core_session_id(uint64_t seq, char *ret_id) {
        snprintf(ret_id, SESSION_ID_BYTES, "s-%llu", (unsigned long long)seq);
}

static int session_new(const Opening *opening, const StoreUser *user, PolicyStrength strength,
                       uint64_t seq, Session **ret) {
        Session *session = calloc(1, sizeof(*session));

        if (!session)
                return -ENOMEM;
        session->seq = seq;
        core_session_id(seq, session->id);
        session->uid = user->uid;
        session->actor = opening->actor;
        session->words = opening->words;
        session->process = opening->process;
        session->strength = strength;
        session->batch = opening->core->batch;
        *ret = session;
        return 0;
}

const Session *core_session_held_by(const Core *core, const CoreProcess *process) {
        for (const Session *s = core->logins->sessions; s; s = s->next)
                if (s->process.pid != 0 && s->process.pid == process->pid &&
                    s->process.start_ticks == process->start_ticks)
                        return s;
        return NULL;
}

Around core_session_around(const Core *core, const CorePeer *peer,
                           const CoreLoginContext *context) {
        if (!core_login_is_within(context))
                return (Around){ 0 };
        for (size_t i = 0; i < peer->ancestor_count; i++) {
                const Session *s = core_session_held_by(core, &peer->ancestors[i]);

                if (s)
                        return (Around){ s->uid, s->strength, s->seq };
        }
        return (Around){ 0 };
}

static int session_record(StoreTxn *txn, const Opening *opening, const Session *session) {
        const StoreSession record = {
                .seq = session->seq,
                .uid = session->uid,
                .pid = (uint32_t)opening->process.pid,
                .start_ticks = opening->process.start_ticks,
        };

        return store_session_put(txn, &record);
}

static int note_place(const Opening *opening, StoreTxn *txn, uid_t uid, NoticeDrafts *drafts,
                      uint64_t now_usec) {
        const StoreNetwork *network = &opening->words.origin.network;
        uint64_t lock_usec;
        int r;

        if (!core_network_is(network) ||
            core_service_class(opening->words.service) != SERVICE_OTHER)
                return 0;
        r = core_lock_time(opening->core, txn, now_usec, &lock_usec);
        if (r == 0)
                r = core_login_place(drafts, txn, &opening->words, uid, lock_usec, now_usec);
        return r > 0 ? -EUCLEAN : r;
}

/* A password that is due was account's to say; whoever answered that with passwd (sshd) needs the
 * session for it.  Who came by a code for a forgotten one has no other way to a new one than the
 * login itself, which has it by now (change_login.c). */
static bool may_open(const Opening *opening, const Judged *judged) {
        return judged->decision.verdict == POLICY_ALLOW ||
               (judged->decision.verdict != POLICY_DENY &&
                opening->shown.proof != POLICY_PROOF_RESET);
}

/* A session that is not opened: one that waits for a new password is none of PAM's. */
static CoreVerdict refusal(const Judged *judged) {
        return judged->decision.verdict == POLICY_DENY ? core_verdict(&judged->decision)
                                                       : CORE_VERDICT_DENIED;
}

/* What is told of it. */
static void refusal_text(const Judged *judged, const char *reference, char *buf, size_t size) {
        if (judged->decision.verdict == POLICY_RENEW)
                snprintf(buf, size,
                         "Access refused: choose a new password in the login itself. Reference %s",
                         reference);
        else
                core_judged_text(judged, reference, buf, size);
}

/* Judges and writes the log's entry; with an allow, session is made and kept. */
static int open_session(Opening *opening, uint64_t now_usec, CoreStep *ret, char *ret_session) {
        Core *core = opening->core;
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        _cleanup_judged_ Judged judged = { 0 };
        _cleanup_free_ Session *session = NULL;
        char keys[KEYS_TEXT_BYTES];
        StoreValue value;
        LoginEntry entry = { .type = "session", .verb = "session.open", .values = &value };
        NoticeDrafts drafts = { .count = 0 };
        bool allowed;
        uint64_t seq;
        int r;

        r = store_begin(core->store, &txn);
        if (r == 0)
                r = core_judge_login(core, txn, &opening->words, &opening->shown, now_usec,
                                     &judged);
        if (r < 0)
                return r;
        allowed = may_open(opening, &judged);
        entry.outcome = allowed ? "allow" : "deny";
        entry.reason = core_reason_word(judged.decision.reason);
        entry.value_count = core_keys_value(&judged.facts, &judged.decision, keys, &value);
        r = core_login_audit(txn, &opening->words, judged.user, &opening->actor, &entry, now_usec,
                             &seq);
        if (r >= 0 && allowed)
                r = session_new(opening, judged.user, judged.own, seq, &session);
        if (r >= 0 && allowed)
                r = session_record(txn, opening, session);
        if (r >= 0 && allowed) /* a key proves him as well */
                r = note_place(opening, txn, judged.user->uid, &drafts, now_usec);
        if (r >= 0)
                r = core_txn_commit(core, &txn);
        if (r < 0)
                return r;
        core_notices_keep(core, &drafts);
        *ret = (CoreStep){ .kind = CORE_STEP_DONE,
                           .verdict = allowed ? CORE_VERDICT_ALLOW : refusal(&judged),
                           .secret = "",
                           .reason = policy_reason_name(judged.decision.reason) };
        core_reference_format(seq, ret->reference, sizeof(ret->reference));
        if (!allowed)
                refusal_text(&judged, ret->reference, ret->text, sizeof(ret->text));
        else {
                snprintf(ret->text, sizeof(ret->text), "%s", opening->text);
                memcpy(ret_session, session->id, sizeof(session->id));
                core_session_keep(core->logins, TAKE(session));
        }
        return 0;
}

static void opening_finish(Opening *opening, uint64_t now_usec) {
        char session[sizeof(((Session *)NULL)->id)] = "";
        CoreStep step;
        int r = open_session(opening, now_usec, &step, session);

        opening_answer(opening, r, session, r < 0 ? NULL : &step);
}

/* What the person is told of his home; "" where there is nothing to say. */
static const char *home_text(CoreHomeResult result) {
        switch (result) {
        case CORE_HOME_MADE:
        case CORE_HOME_EXISTS:
        case CORE_HOME_OFF:
                return "";
        case CORE_HOME_FOREIGN:
                return "Your home belongs to somebody else and was left alone.";
        case CORE_HOME_REFUSED:
                return "Your home is not in a place where um makes homes.";
        case CORE_HOME_FAULT:
        case _CORE_HOME_MAX:
                break;
        }
        return "Your home could not be made.";
}

static void home_done(void *userdata, CoreHomeResult result, uint64_t now_usec) {
        Opening *opening = userdata;

        if (!opening->core) {
                free(opening);
                return;
        }
        core_note_time(opening->core, now_usec);
        snprintf(opening->text, sizeof(opening->text), "%s", home_text(result));
        opening_finish(opening, now_usec);
}

/* ---- opening ------------------------------------------------------------------------------ */

/* How the user of this session proved himself.  sudo proves who calls and opens a session of the
 * user entered, who proved nothing to us. */
static Shown shown_by(Core *core, const CorePeer *peer, const LoginWords *words, const char *login,
                      uint64_t now_usec) {
        Proof *proof;

        if (!login[0])
                return (Shown){ .proof = POLICY_PROOF_NONE };
        proof = core_proof_find(core, peer, login, words->service, now_usec);
        if (!proof)
                return core_proof_shown(NULL);
        proof->used = true;
        if (strcmp(proof->name, words->name) == 0)
                return core_proof_shown(proof);
        return core_service_class(words->service) == SERVICE_ELEVATE
                       ? (Shown){ .proof = POLICY_PROOF_NONE }
                       : core_proof_shown(NULL);
}

static int would_open(const Opening *opening, uint64_t now_usec, uid_t *ret_uid, bool *ret_home,
                      bool *ret) {
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        _cleanup_judged_ Judged judged = { 0 };
        int r;

        r = store_begin_read(opening->core->store, &txn);
        if (r == 0)
                r = core_judge_login(opening->core, txn, &opening->words, &opening->shown, now_usec,
                                     &judged);
        if (r < 0)
                return r;
        *ret = may_open(opening, &judged);
        *ret_uid = judged.user ? judged.user->uid : 0;
        *ret_home = judged.user && !judged.user->service &&
                    core_service_class(opening->words.service) != SERVICE_SCHEDULED;
        return 0;
}

/* Judged before the home is made, and again with the entry: the helper takes its time. */
static void opening_begin(Opening *opening, uint64_t now_usec) {
        Core *core = opening->core;
        bool open, home;
        uid_t uid;
        int r;

        r = would_open(opening, now_usec, &uid, &home, &open);
        if (r == 0 && open && core_sessions_of_user(core, uid) >= SESSIONS_USER_MAX)
                r = CORE_E_BUSY; /* each is a descriptor: one user may not have all of them */
        if (r != 0) {
                opening_answer(opening, r, "", NULL);
                return;
        }
        if (!open || !home) {
                opening_finish(opening, now_usec);
                return;
        }
        r = core->helper.make_home(core->helper.userdata, uid, home_done, opening);
        if (r < 0)
                home_done(opening, CORE_HOME_FAULT, now_usec);
}

static int check_open(Core *core, const CorePeer *peer, const CoreLoginContext *context,
                      LoginWords *ret, CoreError *error) {
        if (peer->actor.uid != 0)
                return core_fail(error, CORE_E_ACCESS_DENIED,
                                 "only root may open sessions (login.others)");
        if (core->logins->session_count >= SESSIONS_MAX)
                return core_fail(error, CORE_E_BUSY, "too many sessions at once");
        return core_login_words(core, &peer->actor, context, ret, error);
}

void core_session_open(Core *core, const CorePeer *peer, const CoreLoginContext *context,
                       const char *login, uint64_t now_usec, CoreSessionDone done, void *userdata) {
        CoreError error = { 0 };
        LoginWords words;
        Opening *opening;
        CoreStep step;
        Shown shown;
        int r, elsewhere;

        core_note_time(core, now_usec);
        r = check_open(core, peer, context, &words, &error);
        elsewhere = r == 0 ? core_login_elsewhere(core, peer, context) : 0;
        if (elsewhere < 0)
                r = elsewhere;
        if (elsewhere > 0) {
                step = (CoreStep){ .kind = CORE_STEP_DONE,
                                   .verdict = CORE_VERDICT_UNKNOWN_USER,
                                   .secret = "",
                                   .reason = "unknown-user" };
                done(userdata, 0, "", &step, &error);
                return;
        }
        if (r == 0) {
                shown = shown_by(core, peer, &words, login, now_usec);
                shown.session = true;
                r = opening_new(core, peer, &words, shown, done, userdata, &opening);
        }
        if (r != 0)
                done(userdata, r, "", NULL, &error);
        else
                opening_begin(opening, now_usec);
}

int core_session_end(Core *core, const Session *session, const SessionLost *lost,
                     uint64_t now_usec) {
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        _cleanup_(store_user_freep) StoreUser *user = NULL;
        char after[32], before[32];
        const StoreValue values[] = { { "session", session->id, NULL },
                                      { "ended_after", NULL, after },
                                      { "ended_before", NULL, before } };
        LoginEntry entry = { "session",          "session.close", "done",
                             lost ? "lost" : "", values,          lost ? 3 : 1 };
        uint64_t seq;
        int r;

        if (lost) {
                base_format_rfc3339(lost->after_usec, after);
                base_format_rfc3339(lost->before_usec, before);
        }
        r = store_begin(core->store, &txn);
        if (r == 0)
                r = store_user_get(txn, session->uid, &user);
        if (r >= 0)
                r = core_login_audit(txn, &session->words, user, &session->actor, &entry, now_usec,
                                     &seq);
        if (r >= 0)
                r = store_session_delete(txn, session->seq);
        return r < 0 ? r : core_txn_commit(core, &txn);
}

void core_session_close(Core *core, const char *session, uint64_t now_usec) {
        Session *s;

        for (s = core->logins->sessions; s; s = s->next)
                if (strcmp(s->id, session) == 0)
                        break;
        if (!s) /* its batch was lost, or it is closed */
                return;
        /* over it is in any case; where the log cannot be written, the end is written at the next
         * start, from the record that stays */
        (void)core_session_end(core, s, NULL, now_usec);
        session_free(core->logins, s);
}

size_t core_session_count(const Core *core) {
        return core->logins->session_count;
}

size_t core_sessions_of_user(const Core *core, uid_t uid) {
        size_t count = 0;

        for (const Session *s = core->logins->sessions; s; s = s->next)
                count += s->uid == uid;
        return count;
}

void core_sessions_drop_batch(Logins *logins, uint64_t batch) {
        Session *next;

        for (Session *s = logins->sessions; s; s = next) {
                next = s->next;
                if (s->batch == batch)
                        session_free(logins, s);
        }
}

void core_sessions_free(Logins *logins) {
        while (logins->sessions)
                session_free(logins, logins->sessions);
        while (logins->openings)
                opening_unlink(logins->openings);
}
