/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the files of the login share: dialogues, proofs, sessions, the judgement.
 *
 * A dialogue belongs to a connection and asks; what it ends in is a proof, which outlives the
 * connection for ten minutes and can be used once; a session is what a proof (or a key) opened. */

#include "umd/core/core.h"
#include "umd/core/history.h"
#include "umd/core/internal.h"
#include "umd/core/lockout.h"

#define DIALOGUES_MAX        1024U
#define DIALOGUES_CONNECTION 8U   /* of one peer */
#define DIALOGUES_OTHERS     512U /* of peers that are not root: the rest is for logins */
#define PROOFS_MAX           4096U
#define LOGIN_TTL_USEC       (600 * USEC_PER_SEC)
#define SESSIONS_MAX         16384U
#define SESSIONS_USER_MAX    1024U
#define LOGIN_ID_BYTES       33U /* 32 hex digits and the NUL */
#define SETUP_CODE_BYTES     14U /* "7K2P-9QXM-3T5W" */
#define NEW_PASSWORD_TRIES   3U
#define TEXT_LATER           "Try again later."

/* CoreLoginContext.flags are wire's, by number. */
#define LOGIN_FLAG_EXPIRED     2U
#define LOGIN_FLAG_ASK_CURRENT 4U
#define LOGIN_FLAG_RESOLVES    8U

/* ---- codes -------------------------------------------------------------------------------- */

int core_setup_code_new(Secret **ret);
/* -EINVAL where the answer has not the form of a code. */
int core_setup_code_read(const Secret *answer, Secret **ret);

/* ---- who and where ------------------------------------------------------------------------ */

/* The session a login takes place in, where sudo and its like say that they run in one. */
typedef struct Around {
        uid_t uid; /* whose; 0: there is none, or none that counts */
        PolicyStrength strength;
        uint64_t seq; /* of its entry */
} Around;

/* A context as it is kept and written into the log: bounded, escaped. */
typedef struct LoginWords {
        char name[BASE_NAME_MAX + 1];    /* "" where the name given can be nobody's */
        char unknown[CORE_UNKNOWN_TEXT]; /* how the log calls a name nobody has */
        char service[64], source[128], tty[64];
        uint32_t lane;        /* in the vault, of a name that has no uid: a number that is none */
        Origin origin;        /* what failures there are counted as */
        LockoutFacts lockout; /* what stands against a guess, as it was admitted */
        /* Of the ssh keys that sshd says it verified; of others nobody believes it. */
        uint64_t key;                /* a hash of the first; 0: there is none */
        uint32_t keys;               /* the kinds of all, 1U << PolicyKey */
        PolicyStrength key_strength; /* what they prove; NONE: there is none */
        bool one_key;                /* just one, and it was understood: this is its hash */
        uint8_t key_hash[STORE_DEVICE_HASH_BYTES];
        bool sshd; /* root's asks */
        Around around;
} LoginWords;

/* Blocks while sshd's settings are read (CoreHost.sshd_verifies), which is where one of the keys is
 * a security key. */
int core_login_words(const Core *core, const Actor *actor, const CoreLoginContext *context,
                     LoginWords *ret, CoreError *error);
/* A certificate with a few hundred principals and the longest keys: what is longer is not read. */
#define SSH_KEY_BLOB_MAX 16384U

typedef struct SshKey {
        const char *type; /* static; NULL: one that is not known */
        bool certificate; /* of a key, and not that itself */
        size_t blob_len;
        uint8_t blob[SSH_KEY_BLOB_MAX];
} SshKey;

/* "ssh-ed25519 AAAA...", and what stands behind a space.  POLICY_KEY_OTHER: it is not understood.
 */
PolicyKey core_ssh_key_read(const char *s, size_t len, SshKey *ret);
/* The kinds of the keys that SSH_AUTH_INFO_0 names, 1U << PolicyKey; one that is not understood is
 * POLICY_KEY_OTHER, and 0 is that there are none. */
uint32_t core_ssh_keys(const char *auth_info);
/* Tells the first of them from others, for this run; 0 exactly where there are none. */
uint64_t core_ssh_key_hash(const Core *core, const char *auth_info);
/* Is it one key that was understood?  Its hash (store_device_hash()). */
bool core_ssh_key_only(const char *auth_info, uint8_t *ret_hash);
/* What keys of these kinds prove.  Blocks as core_login_words() does. */
PolicyStrength core_ssh_keys_strength(const Core *core, uint32_t kinds);
/* "ed25519, rsa of 2048 to 3071 bits": for people; whole in KEYS_TEXT_BYTES. */
void core_ssh_keys_write(uint32_t kinds, Text *text);
/* Where a key was refused for its kind: a value of the entry that says so; else false.  Its text is
 * in buf (KEYS_TEXT_BYTES), and *ret is valid as long as that. */
#define KEYS_TEXT_BYTES 320U /* all kinds at once need 263 */
bool core_keys_value(const PolicyFacts *facts, const PolicyDecision *decision, char *buf,
                     StoreValue *ret);
/* The lane in the vault of a name, whose ever it is: a number that is no uid. */
uint32_t core_name_lane(const Core *core, const char *name);
/* Appends an entry of a login (type "login") or session ("session"); uid 0: nobody's name. */
typedef struct LoginEntry {
        const char *type, *verb, *outcome, *reason;
        const StoreValue *values;
        size_t value_count;
} LoginEntry;
int core_login_audit(StoreTxn *txn, const LoginWords *words, const StoreUser *user,
                     const Actor *actor, const LoginEntry *entry, uint64_t now_usec,
                     uint64_t *ret_seq);

typedef enum ServiceClass {
        SERVICE_OTHER,
        SERVICE_SCHEDULED, /* work without a person: no home is made, no password asked for */
        SERVICE_ELEVATE,   /* proves one user and opens a session of another */
        SERVICE_SWITCH,    /* becomes another user: without a proof it was root who asked */
        _SERVICE_CLASS_MAX,
} ServiceClass;

ServiceClass core_service_class(const char *service);
/* What it is judged and written down as: an entry of a service account by sshd is um-api's. */
const char *core_login_service(const LoginWords *words, const StoreUser *user);
/* Is it one that is used at this machine alone (FEATURES P.3, @console)? */
bool core_service_is_console(const char *service);
/* Is the service one that somebody uses within a session of his (sudo, su, polkit)? */
bool core_login_is_within(const CoreLoginContext *context);

/* Does one of root's programs let somebody in who is in no session yet?  Not su, sudo, polkit, a
 * screen's lock: whoever uses those is there already. */
bool core_login_from_outside(const Actor *actor, const LoginWords *words);

/* Of an attempt that failed: is it to be an entry?  Else it was counted. */
int core_missed(Core *core, StoreTxn *txn, const LoginWords *words, const StoreUser *user,
                uint64_t now_usec, bool *ret_entry);

/* ---- the judgement ------------------------------------------------------------------------ */

/* What the person has shown by now. */
typedef struct Shown {
        PolicyProof proof;
        PolicyStrength strength;
        bool exempt;  /* no login: second factors are not asked about */
        bool login;   /* root's program lets somebody in by it: an expired password is counted */
        bool session; /* it opens: sshd has named the key by now, if there is one */
        bool in_dialogue; /* asked about within one: it was admitted, and can lead to an enrolment
                           */
        bool recovery;    /* a recovery code is gone with it */
} Shown;

typedef struct Judged {
        StoreUser *user; /* NULL: nobody has the name; a tombstone is there and not known */
        StoreCredential *credential; /* NULL with user */
        PolicyFacts facts;
        PolicyDecision decision;
        PolicyValues values; /* the company's where nobody has the name */
        /* core_judge_login() alone; zeroed where nobody has the name */
        StoreFactors factors;
        bool recovery;
        /* Proved in this login itself: without what the session around it proved, which is borrowed
         * for one decision and makes no grace, clears no failure and is no other session's. */
        PolicyStrength own;
} Judged;

#define _cleanup_judged_ _cleanup_(core_judged_done)

/* Without a look at second factors: what is no login, and what is not decided yet. */
int core_judge(Core *core, StoreTxn *txn, const LoginWords *words, PolicyProof proof,
               uint64_t now_usec, Judged *ret);
int core_judge_login(Core *core, StoreTxn *txn, const LoginWords *words, const Shown *shown,
                     uint64_t now_usec, Judged *ret);
void core_judged_done(Judged *judged);
CoreVerdict core_verdict(const PolicyDecision *decision);
/* "allow" or "deny"; "" for a reason that says nothing. */
const char *core_outcome_word(const PolicyDecision *decision);
const char *core_reason_word(PolicyReason reason);
/* What the person is told (FEATURES P.5); "" where nothing may be. */
void core_judged_text(const Judged *judged, const char *reference, char *buf, size_t size);

/* A day where the moment is a day's start, else to the second; UTC.  buf as
 * base_format_rfc3339()'s.
 */
void core_moment_write(uint64_t usec, char *buf);
/* What an expired password is to this question; shown NULL: as for core_judge(). */
PolicyExpiry core_expiry_of(const LoginWords *words, PolicyProof proof, const Shown *shown);
/* What whoever gets in is told about his password's age; nothing where there is nothing. */
void core_age_write(const Judged *judged, Text *text);

/* ---- notices ------------------------------------------------------------------------------- */

/* He proved who he is, from there: known from now on.  Where he is known from elsewhere he is told
 * of it the next time. */
int core_login_place(NoticeDrafts *drafts, StoreTxn *txn, const LoginWords *words, uid_t uid,
                     uint64_t lock_usec, uint64_t now_usec);
/* For the end of a login from outside.  Adds those from before that moment to the text in buf, and
 * takes them away; by key, or from where he was not known before them, leaves them for a day. */
int core_notices_take(Core *core, StoreTxn *txn, uid_t uid, const Actor *actor,
                      const LoginWords *words, uint64_t before_usec, bool by_key, uint64_t now_usec,
                      char *buf, size_t size);

/* ---- graces -------------------------------------------------------------------------------- */

/* Did he prove all of it not longer ago than the span, by the same service, from the same place, in
 * the same way? */
bool core_grace_holds(const Core *core, const LoginWords *words, PolicyProof proof,
                      const StoreUser *user, const StoreCredential *credential, uint64_t span_usec,
                      uint64_t now_usec);
void core_grace_note(Core *core, const LoginWords *words, PolicyProof proof, const StoreUser *user,
                     const StoreCredential *credential, uint64_t span_usec, uint64_t now_usec);
/* A security event of the account: it is over everywhere. */
void core_graces_drop(Core *core, uid_t uid);
void core_graces_drop_batch(Logins *logins, uint64_t batch);

/* ---- dialogues ---------------------------------------------------------------------------- */

typedef struct LoginId {
        uint64_t high, low;
} LoginId;

int core_login_id_read(const char *s, LoginId *ret); /* 32 lower-case hex digits, or -EINVAL */
bool core_login_id_equal(const LoginId *a, const LoginId *b);
/* Was it begun more than ten minutes from now, on either side? */
bool core_login_over(uint64_t begun_usec, uint64_t now_usec);

typedef enum DialogueState {
        DIALOGUE_PASSWORD, /* authenticate: asked */
        DIALOGUE_RESET,    /* ... it was forgotten: the word for a code by e-mail, or that */
        DIALOGUE_CHOICE,   /* ... which of several second factors */
        DIALOGUE_CODE,
        DIALOGUE_TOKEN,       /* ... a security key is waited for */
        DIALOGUE_PIN,         /* ... and its PIN */
        DIALOGUE_TOKEN_NEW,   /* told to plug in the one that is to be enrolled */
        DIALOGUE_ENROL_SHOWN, /* told the key of a new factor; then its first code is asked */
        DIALOGUE_ENROL_CODE,
        DIALOGUE_RECOVERY_SHOWN, /* told the recovery codes; then it is over */
        DIALOGUE_CURRENT,        /* change-password: asked for the current one */
        DIALOGUE_NEW,
        DIALOGUE_AGAIN,
        DIALOGUE_SHOWN, /* told what is wrong with the new one; then it is asked again */
        _DIALOGUE_STATE_MAX,
} DialogueState;

/* The second factor of a dialogue. */
typedef struct Second {
        bool asked;
        bool clock_unset;       /* no TOTP can be checked */
        PolicyProof first;      /* what was proved before it */
        StoreVerifier better;   /* the password's, of a better method; ours */
        uint32_t chosen;        /* of several, the number of the one to try; 0 */
        unsigned int mails;     /* how often a code by e-mail was asked for */
        uint64_t mail_due_usec; /* boottime: no answer to a code is out before that */
        bool no_token;          /* no security key is to be had: other methods are asked */
        const char *why;        /* ... and that is told with the next prompt; static, NULL: told */
        /* What the code was held against; number 0: nothing, time was spent. */
        uid_t uid;
        uint32_t number;
        PolicyMethod method;
        StoreVerifier tried; /* ours */
        CoreProofResult result;
        uint64_t step; /* with a match: the step, the key's counter, which of the recovery codes */
} Second;

/* The way of whoever forgot his password (reset.c). */
typedef struct Reset {
        bool open;     /* nothing, as the password, leads to it */
        bool answered; /* a code was given: it is the first factor, right or wrong */
        unsigned int offers, mails;
        uid_t uid;           /* whose code that was held against */
        StoreVerifier tried; /* ours; len 0: nothing, time was spent */
} Reset;

/* Where the person is, as the session tells that the login takes place in (local.c). */
typedef enum Whereabouts {
        WHEREABOUTS_ELSEWHERE, /* or in doubt */
        WHEREABOUTS_HERE,
        WHEREABOUTS_UNKNOWN, /* it is in none: where all of his are */
        _WHEREABOUTS_MAX,
} Whereabouts;

typedef struct Enrolment Enrolment; /* enrol_login.c */
typedef struct TokenTalk TokenTalk; /* token_login.c */
typedef struct Proof Proof;         /* below */

typedef struct Dialogue {
        struct Dialogue *prev, *next;
        Core *core;
        LoginId id;
        char id_text[LOGIN_ID_BYTES];
        uint64_t connection;
        Actor actor;
        CoreProcess process; /* the peer's, of root's alone; pid 0: unknown */
        LoginWords words;
        uint32_t flags;
        bool change; /* change-password */
        bool self;   /* ... by the person himself, who has to prove it */
        bool enrols; /* enrol-key: an authenticate that goes on to a new security key */
        Whereabouts whereabouts;
        uint64_t begun_usec;
        DialogueState state;
        Attempt attempt; /* the answer that is, or was last, looked at */
        bool holds;      /* a step that is not due yet */
        CoreStep held;
        VaultCall *call;   /* to the vault or um-quality: at most one outstanding */
        CoreStepDone done; /* of the call that waits for a step; NULL: the peer has to answer */
        void *userdata;
        /* What is being checked. */
        bool spending, throttled;
        bool early;      /* the verdict may precede the flush */
        bool two_rounds; /* the answer is as long as a setup code, and held against that first */
        uint32_t lane;   /* in the vault: the uid, as soon as there is one */
        unsigned int round, tries;
        uint32_t kind;       /* of the verifier tried */
        StoreVerifier tried; /* ours */
        uint64_t tried_next_version, credential_version;
        Secret *answer;  /* authenticate: until it was looked at; NULL: one that is nobody's */
        Secret *code;    /* the answer, read as a setup code */
        Secret *current; /* change-password: proved */
        Secret *fresh;
        bool fresh_is_past; /* a reset's: it may not be that, which is told when all were looked at
                             */
        CoreQualityRules rules; /* that fresh has to satisfy */
        Past *past;             /* what fresh may not be; NULL: nothing */
        PolicyProof proof;      /* change-password: by whom it is */
        uint64_t new_version;
        Second second;
        Reset reset;
        Enrolment *enrolment;           /* NULL: none is under way */
        TokenTalk *token;               /* NULL: no security key is asked */
        char notice[CORE_NOTICE_BYTES]; /* enrols: what he is told at the end */
} Dialogue;

/* Hands a step out: the dialogue goes with a DONE. */
void core_dialogue_step(Dialogue *dialogue, const CoreStep *step);
void core_dialogue_ask(Dialogue *dialogue, DialogueState state, const char *text,
                       const char *secret);
void core_dialogue_verdict(Dialogue *dialogue, CoreVerdict verdict, const char *text);
/* Ends it with an error instead of a step. */
void core_dialogue_fail(Dialogue *dialogue, int r, const CoreError *error);
/* Verifies secret against verifier, a copy of which is kept; NULL: spends the same time. */
int core_dialogue_try(Dialogue *dialogue, uint32_t kind, uid_t uid,
                      const StoreCredential *credential, const StoreVerifier *verifier,
                      const Secret *secret, VaultDone done);
/* Is what was tried still what is stored? */
bool core_dialogue_still(const Dialogue *dialogue, const StoreCredential *credential);
/* Stands for an answer no hash is made of: empty, too long, with a NUL. */
bool core_secret_usable(const Secret *secret);

/* Asks for the password; where sshd verified a key and a code is due, for that. */
void core_authenticate_begin(Dialogue *dialogue, uint64_t now_usec);
void core_authenticate_answer(Dialogue *dialogue, const Secret *answer, uint64_t now_usec);
/* The first factor was looked at: what comes next is the same whatever came of it. */
void core_authenticate_first(Dialogue *dialogue, PolicyProof proved, uint64_t now_usec);
/* All was asked: judges, writes, and hands the verdict out, or goes on to an enrolment. */
void core_authenticate_finish(Dialogue *dialogue, uint64_t now_usec);
/* The vault cannot say.  That is written down too, and nobody gets in. */
void core_authenticate_unavailable(Dialogue *dialogue, uint64_t now_usec);
/* So many are before it that it waited for too long (turns.c): the same, and he is told to come
 * again, whoever he is. */
void core_authenticate_busy(Dialogue *dialogue, uint64_t now_usec);
/* A refusal without more words, for the log with a reason. */
void core_authenticate_give_up(Dialogue *dialogue, const char *reason, uint64_t now_usec);
/* Judges what was proved; factor NULL: by the first factor alone. */
int core_authenticate_judge(Dialogue *dialogue, StoreTxn *txn, const StoreFactor *factor,
                            uint64_t now_usec, Judged *ret);
/* The entry of a login that is let in, what it uses up beside the second factor, and its proof. */
int core_authenticate_use(Change *change, Dialogue *dialogue, Judged *judged,
                          const StoreFactor *factor, char *ret_notice, Proof **ret);
/* Is the second factor nobody's business here? */
bool core_second_exempt(const Actor *actor, const LoginWords *words);
/* Where the peer is, by what it descends from. */
Whereabouts core_whereabouts(const Core *core, const CorePeer *peer);
/* Moves a dialogue on that waits for a security key. */
void core_token_wake(Dialogue *dialogue, uint64_t now_usec);
void core_change_login_begin(Dialogue *dialogue, uint64_t now_usec);
void core_change_login_answer(Dialogue *dialogue, const Secret *answer, uint64_t now_usec);
/* Nobody looked at the current password. */
void core_change_login_unavailable(Dialogue *dialogue, uint64_t now_usec);

/* ---- proofs ------------------------------------------------------------------------------- */

/* A credential that a security key has made and nobody stored. */
typedef struct TokenMade {
        uint8_t id[CORE_TOKEN_ID_MAX];
        size_t id_len;
        uint8_t key[CORE_TOKEN_KEY_BYTES];
        uint8_t aaguid[CORE_TOKEN_AAGUID_BYTES];
        uint32_t counter;
        bool verified;
} TokenMade;

struct Proof {
        struct Proof *prev, *next; /* newest first */
        LoginId id;
        uid_t uid, peer_uid;
        char name[BASE_NAME_MAX + 1], service[64];
        PolicyProof proof;
        PolicyStrength strength;
        bool recovery;
        uint64_t made_usec, batch;
        CoreProcess process;       /* RESET: which has to go on with the new password, as long as */
        uint64_t verifier_version; /* ... the credential's is this */
        bool used;                 /* by a session; it still says that a setup code was given */
        TokenMade *made;           /* enrol-key */
};

int core_proof_new(const Dialogue *dialogue, uid_t uid, PolicyProof proof, PolicyStrength strength,
                   uint64_t now_usec, Proof **ret);
Shown core_proof_shown(const Proof *proof);     /* NULL: something wrong */
void core_proof_keep(Core *core, Proof *proof); /* takes it */
/* The proof of that id, neither used nor over, from the same peer and service; NULL for none. */
Proof *core_proof_find(Core *core, const CorePeer *peer, const char *login, const char *service,
                       uint64_t now_usec);
/* Takes made, for the unused proof of that id; false: there is none. */
bool core_proof_attach(Core *core, const LoginId *id, TokenMade *made);
/* The proof of a reset that this change of password, of the same process and service, goes on with;
 * NULL for none. */
Proof *core_proof_of_reset(const Dialogue *dialogue, const StoreCredential *credential,
                           uint64_t now_usec);
/* The new password is set, in the open batch: it stands for the code from now on. */
void core_proof_renewed(Core *core, Proof *proof);
/* Drops those that are over; NULL: all. */
void core_proofs_drop(Logins *logins, bool (*over)(const Proof *proof, const void *userdata),
                      const void *userdata);
/* Did the user give a setup code within the last ten minutes? */
bool core_proof_by_code(const Core *core, uid_t uid, uint64_t now_usec);

/* ---- sessions ----------------------------------------------------------------------------- */

#define SESSION_ID_BYTES 24U /* "s-", a number, the NUL */

typedef struct Session {
        struct Session *prev, *next;
        uint64_t seq;              /* of its audit entry */
        char id[SESSION_ID_BYTES]; /* "s-" and that */
        uid_t uid;
        Actor actor;
        LoginWords words;
        CoreProcess process;     /* that holds it; pid 0: unknown */
        PolicyStrength strength; /* proved when it was opened; NONE: nobody knows any more */
        uint64_t batch;          /* UINT64_MAX: of an earlier run */
} Session;

void core_session_id(uint64_t seq, char *ret_id);
void core_session_keep(Logins *logins, Session *session); /* takes it */
/* Writes the end into the log and takes the record away; lost NULL: it ended now. */
typedef struct SessionLost {
        uint64_t after_usec, before_usec; /* it ended between these */
} SessionLost;
int core_session_end(Core *core, const Session *session, const SessionLost *lost,
                     uint64_t now_usec);

typedef struct Opening Opening; /* a session that waits for its home */

void core_sessions_drop_batch(Logins *logins, uint64_t batch);
void core_openings_hangup(Logins *logins, uint64_t connection);
void core_sessions_free(Logins *logins);
size_t core_sessions_of_user(const Core *core, uid_t uid);
/* The session on record that the process holds, or NULL. */
const Session *core_session_held_by(const Core *core, const CoreProcess *process);
/* The nearest session that the peer runs in (FEATURES B11). */
Around core_session_around(const Core *core, const CorePeer *peer, const CoreLoginContext *context);

/* ---- all of it ---------------------------------------------------------------------------- */

/* Who need not prove a second factor again for a while (FEATURES B12); in memory, for this run. */
#define GRACES_MAX 4096U

typedef struct Grace {
        uint64_t hash; /* of service, source, key and the first factor */
        uid_t uid;     /* 0: free */
        uint64_t made_usec, until_usec;
        uint64_t user_version, verifier_version; /* a change of either ends it */
        uint64_t batch;
} Grace;

struct Logins {
        Core *core;
        Grace graces[GRACES_MAX];
        Delay delays[DELAYS_MAX];
        uint64_t proved[PROVED_MAX]; /* hashes of networks */
        uint64_t turns;              /* given in this run */
        CountKey ended[ENDED_MAX];
        size_t ended_count;
        Dialogue *dialogues;
        size_t dialogue_count, dialogue_others; /* all; those of peers that are not root */
        Proof *proofs;
        size_t proof_count;
        Session *sessions;
        size_t session_count;
        Opening *openings;
};

int core_logins_new(Core *core, Logins **ret);
Logins *core_logins_free(Logins *logins);
/* The batch is gone: what was proved or opened in it was not. */
void core_logins_drop_batch(Logins *logins, uint64_t batch);
void core_logins_tick(Logins *logins, uint64_t now_usec);
/* Peers other than root may speak of themselves only. */
int core_login_check_peer(Core *core, StoreTxn *txn, const CorePeer *peer, const char *name,
                          CoreError *error);
/* Is the name another source's: /etc/passwd's, or one that resolves (LOGIN_FLAG_RESOLVES, of a root
 * peer) and that um has no record of?  A tombstone is one.  1, 0, or a fault. */
int core_login_elsewhere(Core *core, const CorePeer *peer, const CoreLoginContext *context);
