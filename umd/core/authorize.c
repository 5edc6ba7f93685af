/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* PAM's account phase: what must hold for every session, since keys, cron and su from root skip the
 * password.  The facts are read anew; a login id adds only how the person proved himself, and one
 * that does not fit denies.  The answer, its entry in the log and, for a pending user's first
 * login, the step to active are one transaction. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "umd/core/holders.h"
#include "umd/core/login.h"

static void step_done(CoreStep *step, CoreVerdict verdict, const char *reason) {
        *step = (CoreStep){
                .kind = CORE_STEP_DONE, .verdict = verdict, .secret = "", .reason = reason
        };
}

/* The first login of a pending user, by his setup code. */
static int activate(Core *core, const Actor *actor, StoreTxn **txn, const StoreUser *user,
                    uint64_t now_usec) {
        static const CoreOptions options = { .reason = "first login" };
        Actor self = { .uid = user->uid, .login_uid = actor->login_uid, .via = "pam" };
        _cleanup_change_ Change change = {
                .core = core, .actor = &self, .options = &options, .now_usec = now_usec
        };
        CoreError error;
        int r;

        change.txn = *txn;
        *txn = NULL;
        r = core_change_user_step(&change, user, STATUS_STEP_ACTIVATE, USEC_INFINITY, NULL, &error);
        return r > 0 ? -EUCLEAN : r;
}

/* He came in with everything he has: it need not be asked again for a while.  A key that stands for
 * it does so each time, or not any more. */
static void grace_note(Core *core, const LoginWords *words, const Shown *shown,
                       const Judged *judged, uint64_t now_usec) {
        if (judged->decision.verdict != POLICY_DENY && shown->proof != POLICY_PROOF_RESET &&
            shown->strength >= POLICY_STRENGTH_WEAK_MFA &&
            words->key_strength < POLICY_STRENGTH_HARDWARE)
                core_grace_note(core, words, shown->proof, judged->user, judged->credential,
                                judged->values.factor_grace_usec, now_usec);
}

/* What the owner is to be told; proved_usec: not of what this login did itself.  Within a session
 * nothing is: whoever is in it may be the news. */
static int notices_take(Core *core, StoreTxn *txn, const CorePeer *peer, const LoginWords *words,
                        const Shown *shown, const Judged *judged, uint64_t proved_usec,
                        uint64_t now_usec, CoreStep *step) {
        if (judged->decision.verdict == POLICY_DENY ||
            !core_login_from_outside(&peer->actor, words))
                return 0;
        return core_notices_take(core, txn, judged->user->uid, &peer->actor, words, proved_usec,
                                 shown->proof == POLICY_PROOF_NONE, now_usec, step->text,
                                 sizeof(step->text));
}

/* One login fewer is left with a password that has expired: written with the verdict, so that none
 * is let in and not counted. */
typedef struct GraceValue {
        char before[16], after[16];
} GraceValue;

static int grace_keep(StoreTxn *txn, StoreCredential *credential, uint32_t used, GraceValue *ret) {
        int r;

        snprintf(ret->before, sizeof(ret->before), "%u", credential->grace_used);
        snprintf(ret->after, sizeof(ret->after), "%u", used);
        credential->grace_used = used;
        r = store_credential_put(txn, credential);
        return r > 0 ? -EUCLEAN : r;
}

/* Who is pending takes a seat with his first login: without one he stays what he is. */
static int seat_look(Core *core, StoreTxn *txn, Judged *judged) {
        bool is_free = true;
        int r = 0;

        if (judged->decision.verdict != POLICY_DENY && judged->user->status == USER_STATUS_PENDING)
                r = core_seat_free(core, txn, judged->user->tenant, &is_free);
        if (r == 0 && !is_free) {
                judged->decision.verdict = POLICY_DENY;
                judged->decision.reason = POLICY_REASON_STATUS_PENDING;
        }
        return r;
}

static int decide(Core *core, const CorePeer *peer, const LoginWords *words, const Shown *shown,
                  uint64_t proved_usec, uint64_t now_usec, CoreStep *ret) {
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        _cleanup_judged_ Judged judged = { 0 };
        GraceValue grace;
        StoreValue values[2];
        LoginEntry entry = { .type = "login", .verb = "authorize", .values = values };
        char keys[KEYS_TEXT_BYTES];
        uint64_t seq;
        CoreStep step;
        int r;

        r = store_begin(core->store, &txn);
        if (r == 0)
                r = core_judge_login(core, txn, words, shown, now_usec, &judged);
        if (r == 0)
                r = seat_look(core, txn, &judged);
        if (r == 0 && judged.user && judged.decision.grace_used != judged.facts.grace_used) {
                values[entry.value_count++] =
                        (StoreValue){ "grace_logins_used", grace.before, grace.after };
                r = grace_keep(txn, judged.credential, judged.decision.grace_used, &grace);
        }
        if (r < 0)
                return r;
        if (core_keys_value(&judged.facts, &judged.decision, keys, &values[entry.value_count]))
                entry.value_count++;
        entry.outcome = core_outcome_word(&judged.decision);
        entry.reason = core_reason_word(judged.decision.reason);
        r = core_login_audit(txn, words, judged.user, &peer->actor, &entry, now_usec, &seq);
        if (r < 0)
                return r;
        step_done(&step, core_verdict(&judged.decision),
                  policy_reason_name(judged.decision.reason));
        core_reference_format(seq, step.reference, sizeof(step.reference));
        core_judged_text(&judged, step.reference, step.text, sizeof(step.text));
        r = notices_take(core, txn, peer, words, shown, &judged, proved_usec, now_usec, &step);
        if (r < 0)
                return r;
        if (judged.decision.verdict != POLICY_DENY && judged.user->status == USER_STATUS_PENDING)
                r = activate(core, &peer->actor, &txn, judged.user, now_usec);
        else
                r = core_txn_commit(core, &txn);
        if (r < 0)
                return r;
        grace_note(core, words, shown, &judged, now_usec);
        *ret = step;
        return 0;
}

static int check_peer(Core *core, const CorePeer *peer, const char *name, CoreError *error) {
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        int r;

        r = store_begin_read(core->store, &txn);
        if (r == 0)
                r = core_login_check_peer(core, txn, peer, name, error);
        return r;
}

int core_login_authorize(Core *core, const CorePeer *peer, const CoreLoginContext *context,
                         const char *login, uint64_t now_usec, CoreStep *ret, CoreError *error) {
        Shown shown = { .proof = POLICY_PROOF_NONE };
        uint64_t proved_usec = USEC_INFINITY;
        LoginWords words;
        Proof *found;
        int r;

        core_note_time(core, now_usec);
        r = core_login_words(core, &peer->actor, context, &words, error);
        if (r != 0)
                return r;
        r = core_login_elsewhere(core, peer, context);
        if (r > 0)
                step_done(ret, CORE_VERDICT_UNKNOWN_USER, "unknown-user");
        if (r != 0)
                return r < 0 ? r : 0;
        r = check_peer(core, peer, words.name, error);
        if (r != 0)
                return r;
        if (login[0]) {
                found = core_proof_find(core, peer, login, words.service, now_usec);
                shown = core_proof_shown(found && strcmp(found->name, words.name) == 0 ? found
                                                                                       : NULL);
                if (found)
                        proved_usec = found->made_usec;
        }
        words.around = core_session_around(core, peer, context);
        shown.exempt = core_second_exempt(&peer->actor, &words);
        shown.login = peer->actor.uid == 0;
        return decide(core, peer, &words, &shown, proved_usec, now_usec, ret);
}
