/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the files of second factors share: the code in a login, enrolment, recovery codes. */

#include "umd/core/login.h"

#define LOGIN_SERVICE_SELF "umctl" /* the login by which a person changes his own factors */

#define TOTP_DRIFT     1U    /* steps each side of now: a code early or late is taken */
#define HOTP_AHEAD     10U   /* codes a token may have been pressed for nothing */
#define HOTP_RESYNC    1000U /* ... and where two in a row are given */
#define DIGITS_DEFAULT 6U
#define PERIOD_DEFAULT 30U

#define RECOVERY_CODES 10U
#define RECOVERY_FEW   3 /* with fewer left the login says so */

/* Before this no clock was right that runs this code: no code is checked against it (SECURITY J7).
 * 2026-01-01T00:00:00Z. */
#define CLOCK_EARLIEST_USEC (1767225600 * USEC_PER_SEC)

/* ---- what is typed at the prompt ---------------------------------------------------------- */

typedef enum CodeForm {
        CODE_NONE,     /* no code can look like that */
        CODE_DIGITS,   /* "123456", "123 456", "1234567", "12345678", "1234 5678" */
        CODE_PAIR,     /* "123456 234567": two of a HOTP in a row */
        CODE_RECOVERY, /* "7K2P-9QXM-3T5W" */
        _CODE_FORM_MAX,
} CodeForm;

/* The code as the vault takes it; *ret is NULL with CODE_NONE.  0 or -ENOMEM. */
int core_code_read(const Secret *answer, CodeForm *ret_form, Secret **ret);

/* ---- factors ------------------------------------------------------------------------------ */

const char *core_method_name(PolicyMethod method); /* "totp"; static */
bool core_method_permitted(const PolicyValues *values, PolicyMethod method);
/* Does it prove by a code that is typed? */
bool core_method_is_code(PolicyMethod method);
uint32_t core_method_kind(PolicyMethod method); /* CORE_KIND_*; 0 for none */
/* What a proof by it counts as: a security key that verifies its user is more than another. */
PolicyStrength core_factor_strength(const StoreFactor *factor);
/* Is it a security key that can be asked? */
bool core_factor_is_token(const StoreFactor *factor);
/* Do the rules of second factors hold for this login? */
PolicySecond core_second_scope(const LoginWords *words, const Shown *shown,
                               PolicyRequired required);

/* Who has to have a factor has factor.enrol-within for it, from when the rule began to hold for
 * him: from when it was set for him, or else for all, or from his own beginning. */
int core_enrol_until(Core *core, StoreTxn *txn, const PolicyValues *values, const StoreUser *user,
                     uint64_t *ret);

/* The vault's question for a code of that factor. */
CoreOtp core_otp_of(const StoreFactor *factor, CodeForm form, uint64_t now_usec);

/* Adds a factor within a change, under the number after the credential's verifier_version, which
 * moves on; a caller who had a seed made for a number has seen to it that it is this one.
 * -E2BIG where he has too many. */
int core_factor_add(Change *change, StoreCredential *credential, StoreFactor *factor);
/* News, and an entry among the change's values: "factor" was and is "totp 3 phone". */
int core_factor_note(Change *change, const StoreUser *user, const StoreFactor *before,
                     const StoreFactor *after);

#define FACTOR_TEXT_BYTES 192U
void core_factor_text(const StoreFactor *factor, char *buf);
/* Writes the credential with its next number: what was bound to the last one goes on, what is being
 * made under the next one is void. */
int core_credential_move_on(Change *change, StoreCredential *credential);

#define FACTOR_PENDING_USEC (900 * USEC_PER_SEC)

/* Is it pending still, and may be confirmed? */
bool core_factor_waits(const StoreFactor *factor, uint64_t now_usec);

/* A user with what concerns his factors. */
typedef struct FactorOwner {
        StoreUser *user;
        StoreCredential *credential;
        PolicyValues values;
        StoreFactors factors;
} FactorOwner;

#define _cleanup_factor_owner_ _cleanup_(core_factor_owner_done)

int core_factors_load(Core *core, StoreTxn *txn, const char *name, FactorOwner *ret,
                      CoreError *error);
void core_factor_owner_done(FactorOwner *owner);
bool core_factors_any(const StoreFactors *factors); /* an active one */
const StoreFactor *core_factor_find(const StoreFactors *factors, uint32_t number); /* or NULL */
int core_factors_check_self(const CorePeer *peer, const StoreUser *user, CoreError *error);
/* Did he prove all he has, by that login?  It is used up; ret_proof may be NULL. */
int core_factors_check_proof(Core *core, const CorePeer *peer, const FactorOwner *owner,
                             const char *login, uint64_t now_usec, Proof **ret_proof,
                             CoreError *error);

/* ---- recovery codes ----------------------------------------------------------------------- */

int core_recovery_new(Secret **ret); /* RECOVERY_CODES of them, a space between two */
/* How many are unused; -1 where he has none at all. */
int core_recovery_left(const StoreFactors *factors);
/* New ones in the place of the old, within a change. */
int core_recovery_put(Change *change, StoreCredential *credential, const StoreFactors *factors,
                      const void *hashes, size_t len);

/* ---- in a login --------------------------------------------------------------------------- */

/* Asks for a code where one is due: 1, and a step went out.  0: nothing is asked.  What came of
 * the first factor must make no difference here. */
int core_second_ask(Dialogue *dialogue, uint64_t now_usec);
/* The same where a key was verified: with a code that is due, where it is worth one, or with a
 * grace from the same key, it stands for the password, 1; else 0, and the password is asked.  One
 * of a kind that is not permitted ends the login at once, 1. */
int core_second_begin_key(Dialogue *dialogue, uint64_t now_usec);
void core_second_answer(Dialogue *dialogue, const Secret *answer, uint64_t now_usec);
/* Within the transaction of the verdict: the factor whose code was right and is unused still, or
 * NULL; then second.result says why. */
int core_second_load(Dialogue *dialogue, StoreTxn *txn, uint64_t now_usec, StoreFactor **ret);
/* The code is used up. */
int core_second_use(const Dialogue *dialogue, Change *change, StoreFactor *factor);
void core_second_done(Second *second);

/* ---- codes by e-mail ---------------------------------------------------------------------- */

#define MAIL_ASKED_USEC (2 * USEC_PER_SEC) /* what sending takes is over by then */
#define MAIL_VALID_USEC (600 * USEC_PER_SEC)

/* Does a code by e-mail count as a second factor of his, where one is due?  Whether mail can be
 * sent now makes no difference: a mail system that is down must not make a password enough. */
bool core_mail_possible(const PolicyValues *values, const StoreUser *user);
/* May the user have codes for that purpose, as far as rules and record go?  1, 0 or a fault. */
int core_mail_may(Core *core, StoreTxn *txn, const StoreUser *user, StoreMailPurpose purpose);
bool core_mail_has_address(const StoreUser *user); /* one that a mail may go to */
bool core_mail_ready(const Core *core);            /* can any be sent, as far as is known? */
/* Is it offered to whom these rules hold for? */
bool core_mail_offered(const Core *core, const PolicyValues *values);
bool core_mail_is_word(const Secret *answer); /* as long as "mail", at the prompt for a code */
/* Asks for the code, and sends one if that is right. */
int core_mail_ask(Dialogue *dialogue);
/* Has one sent, if that is right, which is found out behind the answer; asks counts them, and of
 * one dialogue no more than five are.  The answer is to go out by core_attempt_answer(): not before
 * all is over that one before it led to. */
int core_mail_request(Dialogue *dialogue, StoreMailPurpose purpose, unsigned int *asks);
/* What is answered next by core_attempt_answer() waits until all is over that was asked for. */
void core_mail_hold(Dialogue *dialogue);
/* The code for that purpose that is out and may be given in this dialogue, as to where it was asked
 * for, or NULL; whether he may have such codes is not looked at. */
int core_mail_load(const Dialogue *dialogue, StoreTxn *txn, const StoreUser *user,
                   StoreMailPurpose purpose, uint64_t now_usec, StoreMailCode **ret);
/* The same, or NULL where he may have none, or it is not the one any more that the vault was asked
 * about. */
int core_mail_load_tried(const Dialogue *dialogue, StoreTxn *txn, const StoreUser *user,
                         StoreMailPurpose purpose, const StoreVerifier *tried, uint64_t now_usec,
                         StoreMailCode **ret);
/* Where a login comes from, as a code is bound to it; and is that where the row's was asked for? */
uint32_t core_mail_place(const LoginWords *words);
bool core_mail_is_there(const StoreMailCode *row, const LoginWords *words);
/* Is it good still, wherever it may be given, where that is his address? */
bool core_mail_is_out(const StoreMailCode *row, const char *address, uint64_t lock_usec);
int core_mail_used_up(StoreTxn *txn, StoreMailCode *row);
int core_mail_tried(StoreTxn *txn, StoreMailCode *row); /* ... and was wrong */
int core_mail_forget(StoreTxn *txn, uid_t uid);         /* whatever of his is out */
/* For core_second_load() and _use(): the code as a factor (NULL where it does not count any more),
 * and that it is used up. */
int core_mail_second(Dialogue *dialogue, StoreTxn *txn, uint64_t now_usec, StoreFactor **ret);
int core_mail_use(const Dialogue *dialogue, StoreTxn *txn, uint64_t now_usec);
/* In the transaction of a refusal: a wrong code of a mail costs one of its tries. */
int core_mail_missed(const Dialogue *dialogue, StoreTxn *txn, uint64_t now_usec);
#define MAIL_HOUR_USEC (3600 * USEC_PER_SEC)
/* Why none is sent now, as the log says it; NULL: it may be.  out: the row's code is good still.
 * Forgets the sendings that are older than an hour. */
int core_mail_why_not(StoreTxn *txn, StoreMailCode *row, const LoginWords *words, bool out,
                      uint64_t lock_usec, const char **ret);
void core_mails_flushed(Core *core, uint64_t batch, int r);
void core_mails_wake(Core *core, uint64_t now_usec);

/* ---- a forgotten password ----------------------------------------------------------------- */

/* Asks for the password, and says that it may have been forgotten, where a reset is offered: 1, or
 * 0 and nothing was asked. */
int core_reset_offer(Dialogue *dialogue);
/* Is nothing at that prompt the way to one?  Then that is asked next. */
bool core_reset_begin(Dialogue *dialogue, const Secret *answer);
void core_reset_answer(Dialogue *dialogue, const Secret *answer, uint64_t now_usec);
/* May the user reset his password so, as far as rules and record go?  1, 0 or a fault. */
int core_reset_possible(Core *core, StoreTxn *txn, const StoreUser *user);
/* Within the transaction of the verdict: does the code that was right count still?  1, 0 or a
 * fault.  That it is used up, with the news of it; and that it was tried for nothing. */
int core_reset_holds(const Dialogue *dialogue, StoreTxn *txn, const StoreUser *user,
                     uint64_t now_usec);
int core_reset_use(const Dialogue *dialogue, Change *change, const StoreUser *user);
int core_reset_missed(const Dialogue *dialogue, StoreTxn *txn, uint64_t now_usec);

/* ---- a security key in a login ------------------------------------------------------------ */

/* Is the person at this machine, as far as can be told?  uid is who the login is of. */
bool core_login_is_local(const Dialogue *dialogue, uid_t uid);
/* Asks for it; where there is none, for the next method.  A fault: nothing was asked. */
int core_token_begin(Dialogue *dialogue, uint64_t now_usec);
/* He proved who he is, and goes on to enrol a new one; notice is for the end. */
void core_token_announce(Dialogue *dialogue, const char *notice);
void core_token_answer(Dialogue *dialogue, const Secret *answer, uint64_t now_usec);
void core_token_free(TokenTalk *talk);

/* ---- enrolment in a login ----------------------------------------------------------------- */

/* Leads through it; the login ends with it.  *judged is of a login that lacks nothing else. */
void core_enrol_begin(Dialogue *dialogue, const Judged *judged, uint64_t now_usec);
void core_enrol_answer(Dialogue *dialogue, const Secret *answer, uint64_t now_usec);
void core_enrolment_free(Enrolment *enrolment);

/* "otpauth://totp/..." for a QR code, and what a person is shown. */
int core_otpauth_uri(const Core *core, const char *name, PolicyMethod method,
                     const CoreSeedForm *form, const Secret *key, Secret **ret);
