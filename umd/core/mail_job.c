/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A code by e-mail on its way out: asked for in a dialogue, made and sent behind it.  What is done
 * in the dialogue is the same whoever it is; the job finds out later whether anything is to be
 * sent.
 *
 * Where too many were sent (mail_budget.c) that is all, with a word in the log once an hour:
 * neither the vault nor the disk is there for who asks on.  The vault hashes the code; then one
 * transaction charges the sending (on the clock of locks) and keeps the hash; and only when that is
 * durable the code goes to um-notify.  Before each of the steps everything is read again. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "umd/core/second.h"

#define MAIL_WORD     "mail"
#define DIGITS_FACTOR 6U
#define DIGITS_RESET  8U /* it is all that is guessed, and any stranger may have one sent */
#define MAIL_ASKS     5U /* of one dialogue */
#define MAIL_JOBS_MAX 64U

#define MAIL_AGAIN_USEC (500 * USEC_PER_MSEC) /* an answer to one more request waits so long */

typedef enum MailState {
        MAIL_WANTED,
        MAIL_HASHING, /* the vault is asked */
        MAIL_WRITTEN, /* charged; goes out when that is durable */
        MAIL_DURABLE,
        MAIL_OVER,
} MailState;

/* A code on its way out; it outlives the dialogue that asked for it. */
typedef struct MailJob {
        struct MailJob *next;
        Core *core;
        MailState state;
        StoreMailPurpose purpose;
        VaultCall *call;
        LoginWords words;
        Actor actor;
        PolicyProof proof;
        uint64_t from_usec; /* boottime: the answer is out, and it begins */
        uid_t uid;
        uint64_t version; /* of the row when it is written */
        uint64_t batch;
        Secret *code;
} MailJob;

static void job_free(MailJob *job) {
        core_vault_give_up(job->call);
        base_secret_free(job->code);
        free(job);
}

void core_mail_jobs_free(Core *core) {
        while (core->mail_jobs) {
                MailJob *job = core->mail_jobs;

                core->mail_jobs = job->next;
                job_free(job);
        }
}

/* ---- asking for one ----------------------------------------------------------------------- */

/* No code is so short.  What it says is not looked at: for a name that resolves nowhere sshd puts
 * nonsense of the same length in its place, and who is asked again would be known to exist. */
bool core_mail_is_word(const Secret *answer) {
        return base_secret_len(answer) == strlen(MAIL_WORD);
}

static size_t job_count(const Core *core) {
        size_t count = 0;

        for (const MailJob *job = core->mail_jobs; job; job = job->next)
                count++;
        return count;
}

/* What is written down here is the same whoever it is; whether a code is sent is found out later.
 */
static int job_new(Dialogue *dialogue, StoreMailPurpose purpose, uint64_t from_usec) {
        Core *core = dialogue->core;
        MailJob *job;

        if (job_count(core) >= MAIL_JOBS_MAX)
                return 0; /* a flood of them: nobody gets one now */
        job = calloc(1, sizeof(*job));
        if (!job)
                return -ENOMEM;
        *job = (MailJob){ .next = core->mail_jobs,
                          .core = core,
                          .purpose = purpose,
                          .words = dialogue->words,
                          .actor = dialogue->actor,
                          .proof = dialogue->second.first,
                          .from_usec = from_usec };
        core->mail_jobs = job;
        core->host.wake_at(core->host.userdata, from_usec);
        return 0;
}

/* When the answer to this request is out.  What one before it led to is over by then, and what it
 * leads to itself begins then: so neither holds it. */
static uint64_t answer_due(Dialogue *dialogue) {
        uint64_t *due_usec = &dialogue->attempt.due_usec;
        uint64_t now_usec = core_boottime(dialogue->core);

        core_mail_hold(dialogue);
        if (dialogue->second.mail_due_usec != 0 &&
            *due_usec < core_later(now_usec, MAIL_AGAIN_USEC))
                *due_usec = core_later(now_usec, MAIL_AGAIN_USEC);
        return *due_usec > now_usec ? *due_usec : now_usec;
}

void core_mail_hold(Dialogue *dialogue) {
        if (dialogue->attempt.due_usec < dialogue->second.mail_due_usec)
                dialogue->attempt.due_usec = dialogue->second.mail_due_usec;
}

int core_mail_request(Dialogue *dialogue, StoreMailPurpose purpose, unsigned int *asks) {
        uint64_t due_usec = answer_due(dialogue);
        int r = 0;

        if (*asks < MAIL_ASKS)
                r = job_new(dialogue, purpose, due_usec);
        if (r < 0)
                return r;
        ++*asks;
        dialogue->second.mail_due_usec = core_later(due_usec, MAIL_ASKED_USEC);
        return 0;
}

int core_mail_ask(Dialogue *dialogue) {
        CoreStep step = { .kind = CORE_STEP_ASK_SHOWN, .secret = "code", .reason = "" };
        int r = core_mail_request(dialogue, STORE_MAIL_FACTOR, &dialogue->second.mails);

        if (r < 0)
                return r;
        snprintf(step.text, sizeof(step.text),
                 "If all was right so far and um has an e-mail address of yours, a code is on its "
                 "way there, good for %u minutes.\nOne-time code: ",
                 (unsigned int)(MAIL_VALID_USEC / USEC_PER_SEC / 60));
        dialogue->state = DIALOGUE_CODE;
        core_attempt_answer(dialogue, &step);
        return 0;
}

/* ---- sending ------------------------------------------------------------------------------ */

/* A second factor's: only behind the first.  Who forgot his password has proved nothing yet. */
static bool is_due(const MailJob *job) {
        return job->purpose == STORE_MAIL_RESET || job->proof == POLICY_PROOF_PASSWORD ||
               job->proof == POLICY_PROOF_SETUP_CODE || job->proof == POLICY_PROOF_KEY;
}

static bool may_get_one(StoreUser *user, PolicyProof proof, uint64_t now_usec) {
        if (user->status == USER_STATUS_PENDING && proof == POLICY_PROOF_SETUP_CODE)
                return !user->locked;
        return core_user_acts(user, now_usec);
}

/* The user, if he may get a code now: else STORE_E_MISSING. */
static int job_load(const MailJob *job, StoreTxn *txn, uint64_t now_usec, StoreUser **ret) {
        _cleanup_(store_user_freep) StoreUser *user = NULL;
        int r = STORE_E_MISSING;

        if (job->words.lockout.locked || job->words.lockout.throttled) /* as it was admitted */
                return STORE_E_MISSING;
        if (job->words.name[0] && is_due(job))
                r = store_user_get_by_name(txn, job->words.name, &user);
        if (r != 0)
                return r;
        core_user_settle(user, now_usec);
        if (user->status == USER_STATUS_DELETED || !may_get_one(user, job->proof, now_usec))
                return STORE_E_MISSING;
        r = core_mail_may(job->core, txn, user, job->purpose);
        if (r <= 0)
                return r < 0 ? r : STORE_E_MISSING;
        *ret = TAKE(user);
        return 0;
}

/* The row, or one that says "none ever". */
static int row_or_new(StoreTxn *txn, uid_t uid, StoreMailPurpose purpose, StoreMailCode **ret) {
        int r = store_mail_code_get(txn, uid, purpose, ret);

        if (r != STORE_E_MISSING)
                return r;
        *ret = calloc(1, sizeof(**ret));
        if (!*ret)
                return -ENOMEM;
        (*ret)->uid = uid;
        (*ret)->purpose = purpose;
        (*ret)->address = "";
        return 0;
}

static int code_new(StoreMailPurpose purpose, Secret **ret) {
        bool reset = purpose == STORE_MAIL_RESET;
        unsigned int digits = reset ? DIGITS_RESET : DIGITS_FACTOR;
        const uint32_t range = reset ? 100000000 : 1000000;
        char code[16];
        uint32_t number;
        int r;

        do { /* the rest of the range would make some codes likelier */
                r = base_random(&number, sizeof(number));
        } while (r == 0 && number >= UINT32_MAX / range * range);
        if (r < 0)
                return r;
        snprintf(code, sizeof(code), "%0*u", (int)digits, number % range);
        r = base_secret_new(code, digits, ret);
        base_wipe(code, sizeof(code));
        base_wipe(&number, sizeof(number));
        return r;
}

/* The sending's entry; why_not NULL: it goes out. */
static int entry_write(const MailJob *job, StoreTxn *txn, const StoreUser *user,
                       const char *why_not, uint64_t now_usec) {
        const LoginEntry entry = { "login",
                                   job->purpose == STORE_MAIL_RESET ? "reset-code" : "mail-code",
                                   why_not ? "deny" : "done",
                                   why_not ? why_not : "",
                                   NULL,
                                   0 };
        uint64_t seq;

        return core_login_audit(txn, &job->words, user, &job->actor, &entry, now_usec, &seq);
}

static int charge(MailJob *job, StoreTxn *txn, const StoreUser *user, StoreMailCode *row,
                  const StoreVerifier *hash, uint64_t lock_usec) {
        const uint64_t last = row->send_count > 0 ? row->sends[row->send_count - 1] : 0;
        int r;

        row->sends[row->send_count++] = lock_usec > last ? lock_usec : last + 1;
        row->hash = *hash;
        row->address = user->email;
        row->place = core_mail_place(&job->words);
        row->network = job->words.origin.network;
        row->tries = 0;
        r = store_mail_code_put(txn, row);
        if (r == 0)
                r = core_lock_time_keep(job->core, txn, lock_usec);
        return r > 0 ? -EUCLEAN : r;
}

/* What a sending goes by. */
typedef struct Load {
        StoreUser *user;
        StoreMailCode *row;
        uint64_t lock_usec;
        const char *why_not; /* NULL: it may go out */
} Load;

#define _cleanup_load_ _cleanup_(load_done)

static void load_done(Load *load) {
        store_user_freep(&load->user);
        store_mail_code_freep(&load->row);
}

static int load_all(const MailJob *job, StoreTxn *txn, uint64_t now_usec, Load *load) {
        int r = job_load(job, txn, now_usec, &load->user);

        if (r == 0)
                r = row_or_new(txn, load->user->uid, job->purpose, &load->row);
        if (r == 0)
                r = core_lock_time(job->core, txn, now_usec, &load->lock_usec);
        if (r == 0)
                r = core_mail_why_not(txn, load->row, &job->words,
                                      core_mail_is_out(load->row, load->user->email,
                                                       load->lock_usec),
                                      load->lock_usec, &load->why_not);
        return r;
}

static bool was_told(const Load *load) {
        return load->row->refused_usec != 0 &&
               load->lock_usec < core_later(load->row->refused_usec, MAIL_HOUR_USEC);
}

/* An entry that none was sent; one an hour, whoever asks how often. */
static int refusal_write(const MailJob *job, uint64_t now_usec) {
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        _cleanup_load_ Load load = { 0 };
        int r;

        r = store_begin(job->core->store, &txn);
        if (r == 0)
                r = load_all(job, txn, now_usec, &load);
        if (r != 0 || !load.why_not || was_told(&load))
                return r;
        load.row->refused_usec = load.lock_usec;
        r = store_mail_code_put(txn, load.row);
        if (r == 0)
                r = core_lock_time_keep(job->core, txn, load.lock_usec);
        if (r == 0)
                r = entry_write(job, txn, load.user, load.why_not, now_usec);
        return r == 0 ? core_txn_commit(job->core, &txn) : r;
}

/* Everything is read again: who it is, where it goes, how many there were.  0 with the job over
 * where nothing is to be sent. */
static int job_write(MailJob *job, const void *hash, size_t len, uint64_t now_usec) {
        const StoreVerifier verifier = { hash, len, job->version };
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        _cleanup_load_ Load load = { 0 };
        int r;

        job->state = MAIL_OVER;
        r = store_begin(job->core->store, &txn);
        if (r == 0)
                r = load_all(job, txn, now_usec, &load);
        if (r != 0 || load.why_not || load.user->uid != job->uid ||
            load.row->version + 1 != job->version)
                return r < 0 ? r : 0; /* another login was quicker */
        r = entry_write(job, txn, load.user, NULL, now_usec);
        if (r == 0)
                r = charge(job, txn, load.user, load.row, &verifier, load.lock_usec);
        if (r == 0)
                r = core_txn_commit(job->core, &txn);
        if (r < 0)
                return r;
        job->batch = job->core->batch;
        job->state = MAIL_WRITTEN;
        return 0;
}

static void hashed(void *owner, CoreProofResult result, const void *hash, size_t len,
                   uint64_t now_usec) {
        MailJob *job = owner;

        job->call = NULL;
        if (result != CORE_PROOF_MATCH || len != CORE_CODE_HASH_BYTES ||
            job_write(job, hash, len, now_usec) < 0)
                job->state = MAIL_OVER; /* the person sees that nothing comes, and asks again */
        job->core->host.wake_at(job->core->host.userdata, 0);
}

/* Asks the vault, if this is somebody who gets a code. */
static int job_begin(MailJob *job, uint64_t now_usec) {
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        _cleanup_load_ Load load = { 0 };
        VaultRequest request = { .kind = job->purpose == STORE_MAIL_RESET ? CORE_KIND_RESET_CODE
                                                                          : CORE_KIND_MAIL_CODE };
        int r;

        job->state = MAIL_OVER;
        r = store_begin_read(job->core->store, &txn);
        if (r == 0)
                r = load_all(job, txn, now_usec, &load);
        if (r == 0 && load.why_not && was_told(&load))
                return 0;
        if (r == 0 && load.why_not) {
                store_txn_abortp(&txn);
                txn = NULL;
                return refusal_write(job, now_usec);
        }
        if (r == 0)
                r = code_new(job->purpose, &job->code);
        if (r != 0)
                return r;
        job->uid = load.user->uid;
        job->version = load.row->version + 1;
        request.uid = job->uid;
        request.new_version = job->version;
        request.secret = job->code;
        r = core_vault_call(job->core, VAULT_VERB_CODE_HASH, &request, hashed, job, &job->call);
        if (r == 0)
                job->state = MAIL_HASHING;
        return r;
}

static int job_send(MailJob *job, uint64_t now_usec) {
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        _cleanup_(store_user_freep) StoreUser *user = NULL;
        Core *core = job->core;
        int r;

        job->state = MAIL_OVER;
        r = store_begin_read(core->store, &txn);
        if (r == 0)
                r = job_load(job, txn, now_usec, &user);
        if (r == 0 && core->host.mail.send) {
                const CoreMail mail = { .reset = job->purpose == STORE_MAIL_RESET,
                                        .to = user->email,
                                        .full_name = user->full_name,
                                        .user = user->name,
                                        .service = job->words.service,
                                        .source = job->words.source,
                                        .code = job->code,
                                        .valid_usec = MAIL_VALID_USEC,
                                        .now_usec = now_usec };

                core->host.mail.send(core->host.mail.userdata, &mail);
        }
        return r;
}

void core_mails_flushed(Core *core, uint64_t batch, int r) {
        for (MailJob *job = core->mail_jobs; job; job = job->next)
                if (job->state == MAIL_WRITTEN && job->batch <= batch)
                        job->state = r < 0 ? MAIL_OVER : MAIL_DURABLE;
}

void core_mails_wake(Core *core, uint64_t now_usec) {
        MailJob **link = &core->mail_jobs;

        for (MailJob *job = core->mail_jobs; job; job = job->next) {
                if (job->state == MAIL_WANTED && job->from_usec > core_boottime(core))
                        core->host.wake_at(core->host.userdata, job->from_usec);
                else if (job->state == MAIL_WANTED)
                        (void)job_begin(job, now_usec);
                else if (job->state == MAIL_DURABLE)
                        (void)job_send(job, now_usec);
        }
        while (*link) {
                MailJob *job = *link;

                if (job->state != MAIL_OVER) {
                        link = &job->next;
                        continue;
                }
                *link = job->next;
                job_free(job);
        }
}
