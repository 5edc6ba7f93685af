/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What core's files share and nobody else sees.  core.h is the contract; this is the frame that
 * each verb is built in: open a change, look at what is there, write, commit.  Logins: login.h. */

#include "config.h"
#include "umd/core/core.h"
#include "umd/store/store.h"

/* ---- errors ------------------------------------------------------------------------------- */

/* Fills error (NULL allowed) and returns outcome, so that a verb can return core_fail(...). */
int core_fail(CoreError *error, CoreOutcome outcome, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
/* Adds one more fault of a spec: the first outcome stays, the texts are joined by "; ". */
void core_fault_add(CoreError *error, CoreOutcome outcome, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

/* A value from outside, fit to stand in a message: core_quote(s).text lives to the end of the full
 * expression. */
typedef struct Quoted {
        char text[160];
} Quoted;
Quoted core_quote(const char *s);

/* ---- sets of ids -------------------------------------------------------------------------- */

/* Ids in the order they were added, each once.  Zeroed is empty.  0 is no member. */
typedef struct IdSet {
        uint32_t *ids;
        size_t count, size;
        uint32_t *slots; /* position + 1, open addressing; 0 is free */
        size_t slot_count;
} IdSet;

#define _cleanup_idset_ _cleanup_(core_idset_done)

int core_idset_reserve(IdSet *set, size_t more);
int core_idset_add(IdSet *set, uint32_t id); /* 1 it is new, 0 it was there, or a fault */
bool core_idset_find(const IdSet *set, uint32_t id, size_t *ret_position);
bool core_idset_has(const IdSet *set, uint32_t id);
void core_idset_sort(IdSet *set); /* by id; positions change */
void core_idset_done(IdSet *set);

/* ---- news --------------------------------------------------------------------------------- */

typedef struct NewsItem {
        CoreObject object;
        CoreNews news; /* _CORE_NEWS_MAX: came and went */
        uint32_t id;
        char *name, *old_name; /* old_name NULL: the same */
} NewsItem;

/* What changed, each object once, in the order of its first mention.  Zeroed is empty. */
typedef struct News {
        bool everybody; /* every user may have changed: nobody is mentioned for it */
        bool policy;    /* a policy value was set or unset */
        NewsItem *items;
        size_t count, size;
        IdSet index; /* at the same positions */
} News;

int core_news_add(News *news, CoreObject object, CoreNews what, uint32_t id, const char *name,
                  const char *old_name);
int core_news_reserve(News *news, size_t more);
void core_news_merge(News *into, News *from); /* after core_news_reserve(into, from->count) */
void core_news_done(News *news);

/* ---- hashes ------------------------------------------------------------------------------- */

#define CORE_HASH_KEY_BYTES 16U
uint64_t core_hash(const uint8_t *key, const void *data, size_t len);

/* ---- core --------------------------------------------------------------------------------- */

#define CORE_LISTENER_MAX 4U

typedef struct VaultCall VaultCall;
typedef struct Logins Logins;
typedef struct Misses Misses;
typedef struct Refusals Refusals;
typedef struct Roles Roles;       /* those there are, compiled: holders.h */
typedef struct Together Together; /* several changes as one: undo.h */

/* The clock of locks, as it goes on from where it was at a moment of this boot (lock_time.c). */
typedef struct LockTime {
        bool known;
        uint64_t lock_usec, boottime_usec;
} LockTime;

/* A notice for the log, as soon as it is durable. */
typedef struct NoticeLine {
        char name[BASE_NAME_MAX + 1], text[STORE_NOTICE_MAX + 1];
} NoticeLine;

#define NOTICE_LINES_MAX 16U

/* Those of one transaction, which are nothing before it is committed. */
#define NOTICE_DRAFTS_MAX 8U
typedef struct NoticeDrafts {
        NoticeLine list[NOTICE_DRAFTS_MAX];
        size_t count;
} NoticeDrafts;

struct Core {
        Store *store;
        CoreSettings settings; /* texts are ours */
        CoreHost host;
        CoreVault vault;
        CoreQuality quality;
        CoreTokens tokens;    /* ask NULL: there are none */
        bool vault_key_wrong; /* it is not the one the store's verifiers are sealed under */
        CoreHelper helper;
        CoreListener listeners[CORE_LISTENER_MAX];
        size_t listener_count;
        News news;             /* of the open batch */
        bool host_moved;       /* to another tenant: listeners are told that anybody changed */
        bool flush_called;     /* somebody waits for the open batch, or it holds more than proofs */
        uint64_t batch;        /* counts flushes, failed ones too */
        uint64_t batches_seen; /* the store's own count at the last one */
        uint64_t now_usec;     /* the latest we were told */
        LockTime lock_time;
        VaultCall *calls;
        IdSet ending; /* users whose sessions end once the batch is durable */
        IdSet to_end; /* it is; from to_end_at on they wait for the helper's next places */
        size_t to_end_at;
        struct Job *jobs; /* jobs.c: waiting for the vault */
        struct FactorJob *factor_jobs;
        NoticeLine notices[NOTICE_LINES_MAX]; /* of the open batch */
        size_t notice_count;
        struct MailJob *mail_jobs; /* mail_job.c: codes on their way out */
        Logins *logins;
        Refusals *refusals;
        Misses *misses;
        Roles *roles; /* NULL: not asked for yet */
        struct {
                bool known;
                StoreMoment at; /* all moments up to this one are told, at what time it is */
        } moments;
        uint64_t linux_meaning;                /* of the names of Linux groups, when last looked */
        Together *together;                    /* NULL: each change is one by itself */
        uint8_t lane_key[CORE_HASH_KEY_BYTES]; /* random, of this run */
};

void core_jobs_free(Core *core);
Roles *core_roles_free(Roles *roles);
void core_factor_jobs_free(Core *core);
void core_mail_jobs_free(Core *core);
/* Is the id set aside for a user who is being made? */
bool core_jobs_hold_id(const Core *core, uint32_t id);

/* USEC_INFINITY, which is never, where clocks do not count so far. */
static inline uint64_t core_later(uint64_t now_usec, uint64_t span_usec) {
        return span_usec < USEC_INFINITY - now_usec ? now_usec + span_usec : USEC_INFINITY;
}

/* Time since boot, which no one sets. */
uint64_t core_boottime(const Core *core);
/* Every entry that is given the time notes it, for views that are not. */
void core_note_time(Core *core, uint64_t now_usec);
/* Is what the record says over by itself?  A suspension whose end has passed reads as active since
 * then. */
void core_user_settle(StoreUser *user, uint64_t now_usec);

/* ---- lists of texts ------------------------------------------------------------------------ */

/* A growing list of texts that are ours; sorted on demand. */
typedef struct Texts {
        char **list;
        size_t count, size;
} Texts;

#define _cleanup_texts_ _cleanup_(core_texts_done)

int core_texts_add(Texts *texts, const char *s); /* a NULL stands behind the last */
void core_texts_sort(Texts *texts);
void core_texts_unite(Texts *texts); /* of a sorted list each once */
void core_texts_drop(Texts *texts, size_t at);
/* A list as a caller edits it: replaced as a whole, or, where each text begins with + or -, added
 * to and taken from; an empty text is none, and each stands there once.  CORE_E_BAD_VALUE naming
 * the list (what). */
int core_texts_edit(Texts *texts, const char *what, const char *const *edits, size_t count,
                    CoreError *error);
void core_texts_done(Texts *texts);

/* ---- grants that begin and end (moments.c) ------------------------------------------------- */

/* Tells those that are due, some at a time, and asks to be woken for the next. */
void core_moments_run(Core *core, uint64_t now_usec);
/* A flush failed: what was told may not have been. */
void core_moments_lost(Core *core);

/* ---- changes ------------------------------------------------------------------------------ */

/* What is noted to take a change back by.  Texts are ours. */
typedef struct Notes {
        StoreValue *list;
        size_t count, size, bytes;
        bool too_large; /* and so none of it is kept */
} Notes;

/* One change: a nested transaction, its audit entry, its event, its news. */
typedef struct Change {
        Core *core;
        const Actor *actor;
        const CoreOptions *options;
        uint64_t now_usec;
        StoreTxn *txn;
        Together *together; /* whose transaction it is; NULL: its own */
        StoreValue *values; /* texts are ours */
        size_t value_count;
        Notes notes;
        News news;
        NoticeDrafts notices;
        const char *service, *tty; /* where a login made the change; NULL otherwise */
        bool second_factors;       /* somebody may need one by it, now or some day */
} Change;

#define _cleanup_change_  _cleanup_(core_change_done)
#define CHANGE_VALUES_MAX 256U

/* users.c: creates a user within the change; the commit is the caller's. */
int core_user_make(Change *change, const UserSpec *spec, uid_t *ret_uid, CoreError *error);
/* Refuses a reason that is no line of text, and one that is not there where it has to be. */
int core_change_begin(Change *change, Core *core, const Actor *actor, const CoreOptions *options,
                      uint64_t now_usec, CoreError *error);
/* What a field was and became; nothing where they are the same.  NULL and "" are "not there". */
int core_change_value(Change *change, const char *field, const char *before, const char *after);
int core_change_value_bool(Change *change, const char *field, bool before, bool after);
int core_change_value_time(Change *change, const char *field, uint64_t before, uint64_t after);
/* Notes that a secret changed, never what it is. */
int core_change_value_secret(Change *change, const char *field, bool before, bool after);
int core_change_news(Change *change, CoreObject object, CoreNews news, uint32_t id,
                     const char *name, const char *old_name);
/* News of all these users resp. groups, as changed; tombstones are left out. */
int core_change_news_users(Change *change, const IdSet *uids);
int core_change_news_groups(Change *change, const IdSet *gids);
/* Appends audit entry and event and commits (unless dry_run); ret may be NULL. */
int core_change_commit(Change *change, const char *verb, const char *kind, const char *name,
                       uint32_t id, uint64_t version, CoreChange *ret);
/* Commits what has its entries already, with the news. */
int core_change_close(Change *change);
/* The entry and the event of it, without the commit; undo: what else is noted of it. */
int core_change_record(Change *change, const char *verb, const char *kind, const char *name,
                       uint32_t id, const StoreUndo *undo, uint64_t *ret_seq);
void core_change_done(Change *change);
void core_notes_done(Notes *notes);
/* Commits what is not a change of an object (logins, sessions); calls for a flush. */
int core_txn_commit(Core *core, StoreTxn **txn);
/* The same for what nobody waits for: the flush may come some milliseconds later, with what does
 * follow.  *ret_alone: the batch holds nothing else, so nothing that was read is less durable. */
int core_txn_commit_later(Core *core, StoreTxn **txn, bool *ret_alone);

/* if_version against the record's. */
int core_check_version(const CoreOptions *options, const char *name, uint64_t version,
                       CoreError *error);

/* ---- users -------------------------------------------------------------------------------- */

extern const size_t core_user_field_offset[_USER_FIELD_TEXT_MAX]; /* of the text in StoreUser */

static inline const char **core_user_text(StoreUser *user, UserField field) {
        return (const char **)((char *)user + core_user_field_offset[field]);
}

/* Adds a fault where the value is not fit for the field. */
void core_check_field(Core *core, UserField field, const char *value, CoreError *error);
void core_check_text(const char *label, Field field, const char *value, CoreError *error);
/* Adds a fault where the name is held by the host, a user (also one who gave it up) or a group
 * other than id. */
int core_check_name_free(Core *core, StoreTxn *txn, const char *name, uint32_t id,
                         CoreError *error);
/* Whose name it was: "was bob's name until 2026-08-01".  STORE_E_MISSING: nobody's. */
#define CORE_FORMER_BYTES 128U
int core_former_holder(StoreTxn *txn, const char *name, uid_t *ret_uid, char *ret_text);
/* Makes a checked name free where a deleted group still has it. */
int core_name_take(StoreTxn *txn, const char *name);
/* Adds a fault where the id may not be given. */
int core_check_id_free(Core *core, StoreTxn *txn, const char *label, uint32_t id, CoreError *error);
int core_allocate_id(Core *core, StoreTxn *txn, uint32_t *ret, CoreError *error);

/* core_user_may_act() of a record. */
bool core_user_acts(StoreUser *user, uint64_t now_usec);
/* By name or e-mail address, as it is; STORE_E_MISSING. */
int core_user_find(Core *core, StoreTxn *txn, const char *name, StoreUser **ret);
/* The same, settled.  CORE_E_NO_SUCH_USER, for tombstones too unless deleted. */
int core_user_load(Core *core, StoreTxn *txn, const char *name, bool deleted, StoreUser **ret,
                   CoreError *error);
/* Names of groups as they were met, so that a page of users reads each group once. */
typedef struct GroupNames GroupNames;
int core_user_view(Core *core, StoreTxn *txn, GroupNames *names, const StoreUser *user,
                   CoreUser **ret);
/* The groups a user is in, nesting flattened; those of a tombstone are none.  ret_host (NULL
 * allowed): and those of /etc/group, by his roles. */
int core_groups_of_user(Core *core, StoreTxn *txn, uid_t uid, IdSet *ret, IdSet *ret_host);
/* News for the groups whose shown members change with this user. */
int core_change_news_user_groups(Change *change, uid_t uid);
/* "root", the name, or "uid 1000"; buf has CORE_ACTOR_BYTES. */
#define CORE_ACTOR_BYTES 64U
int core_actor_name(StoreTxn *txn, uid_t uid, char *buf);

/* The credential, or one that says "none". */
int core_credential_load(StoreTxn *txn, uid_t uid, StoreCredential **ret);
/* When the password is over, by what is in effect. */
uint64_t core_password_expires(const StoreCredential *credential, const PolicyValues *values);
/* Writes a new password into the record, with the values of the change: must_change as given, no
 * setup code any more.  expires_usec 0: as it is, unless that is over. */
int core_credential_set_password(Change *change, StoreCredential *credential,
                                 const StoreVerifier *verifier, bool must_change,
                                 uint64_t expires_usec);
/* The step of a state within a change that may hold more; commits it.  ret may be NULL. */
int core_change_user_step(Change *change, const StoreUser *user, StatusStep step,
                          uint64_t until_usec, CoreChange *ret, CoreError *error);

/* ---- groups ------------------------------------------------------------------------------- */

bool core_group_has_owner(const StoreGroup *group, uid_t uid);
int core_group_load(StoreTxn *txn, const char *name, StoreGroup **ret, CoreError *error);
int core_group_load_by_gid(StoreTxn *txn, gid_t gid,
                           StoreGroup **ret); /* STORE_E_MISSING: deleted */
/* All groups whose members are members of gid too, gid first. */
int core_groups_below(StoreTxn *txn, gid_t gid, IdSet *set);
/* All groups that what is in set counts for; what set holds stays first. */
int core_groups_above(StoreTxn *txn, IdSet *set);
/* Adds who is listed in any of the groups (tombstones too). */
int core_members_listed(StoreTxn *txn, const IdSet *gids, IdSet *uids);
/* The same, and who is in them by a role. */
int core_members_of(Core *core, StoreTxn *txn, const IdSet *gids, IdSet *uids);
/* Refuses to nest child in group where that makes a loop or too deep a chain, naming the path. */
int core_check_nesting(StoreTxn *txn, const StoreGroup *group, gid_t child, CoreError *error);

/* ---- the group um-mfa --------------------------------------------------------------------- */

/* Is it one that um keeps and nobody may change? */
bool core_group_is_kept(const char *name);
int core_group_refuse_kept(const char *name, CoreError *error);
/* 0 where it was never needed yet. */
int core_mfa_gid(StoreTxn *txn, gid_t *ret);
/* Needs the user a second factor, or has he one?  uid 0: does the company? */
int core_mfa_needed(Core *core, StoreTxn *txn, uid_t uid);

/* The same for many: in or off are those that stand alone, by their own rule or factor.  Zeroed
 * before core_mfa_load(); core_mfa_has() is false for all as long as there is no group. */
typedef struct CoreMfa {
        Core *core;
        StoreTxn *txn;
        gid_t gid;
        bool everybody;
        IdSet in, off;
        IdSet held;        /* users whose roles have a say: each is asked about by himself */
        Texts departments; /* likewise */
        bool held_by_all;
} CoreMfa;

int core_mfa_load(Core *core, StoreTxn *txn, CoreMfa *ret);
/* 1 or 0, or a fault. */
int core_mfa_has(const CoreMfa *all, const StoreUser *user);
void core_mfa_done(CoreMfa *all);

/* Makes the group where the change, of a user (uid 0: of something else), is the first after which
 * somebody needs it, or may some day. */
int core_mfa_follow(Change *change, uid_t uid);

/* ---- service accounts --------------------------------------------------------------------- */

#define CORE_API_GROUP "um-api"
#define CORE_NO_HOME   "/nonexistent"
/* What service accounts reach by ssh, and their shell. */
#define CORE_API_PROGRAM UM_LIBEXECDIR "/um-api"

bool core_spec_is_service(const UserSpec *spec);
/* What is wrong with one that is to be made, or with what one is to become. */
void core_service_check_new(const UserSpec *spec, CoreError *error);
void core_service_check_edit(const UserSpec *spec, CoreError *error);
/* Of a password, a code or a factor for one. */
int core_service_refuse_secret(const char *name, CoreError *error);
/* Into the group um-api, which is made with the first. */
int core_service_join(Change *change, const StoreUser *user, CoreError *error);

/* ---- devices ------------------------------------------------------------------------------ */

/* All of his, as he is deleted: somebody else may have them then. */
int core_devices_drop(Change *change, const StoreUser *user);

/* ---- policy values ------------------------------------------------------------------------ */

/* Since when he has to have a second factor, as it is now; 0: he has not, or always had.
 * required.c */
int core_required_since(Core *core, StoreTxn *txn, uid_t uid, uint64_t *ret);

#define CORE_POLICY_SUBJECT_BYTES (BASE_LINE_MAX + 1U)

/* Whose the rows of a user are: his uid in decimal. */
void core_policy_subject(uid_t uid, char *buf);
/* The value of that name; CORE_E_BAD_VALUE naming those that are near. */
int core_policy_find(const char *name, PolicyValue *ret, CoreError *error);
/* What is in effect for the user (levels.c); uid 0: for the company, and so for a name nobody has.
 */
int core_policy_values(Core *core, StoreTxn *txn, uid_t uid, PolicyValues *ret);
/* The same in a transaction of its own; -EBUSY while one for writing is open. */
int core_policy_values_now(Core *core, uid_t uid, PolicyValues *ret);

/* Where the actor's changes need a reason, or a ticket in it: CORE_E_REASON_REQUIRED without
 * (reasons.c). */
int core_reason_check(Core *core, StoreTxn *txn, const Actor *actor, const CoreOptions *options,
                      CoreError *error);

/* ---- verifiers ---------------------------------------------------------------------------- */

/* Keeps a copy in the place of what was kept there (zeroed: nothing); -ENOMEM leaves that. */
int core_verifier_keep(const StoreVerifier *verifier, StoreVerifier *kept);
/* By number and bytes.  The number alone would not do: after a flush that failed it is given a
 * second time. */
bool core_verifier_same(const StoreVerifier *a, const StoreVerifier *b);
void core_verifier_done(StoreVerifier *kept);

/* ---- the vault ---------------------------------------------------------------------------- */

/* A call that may be given up: its owner can go away before the vault answers. */
typedef void (*VaultDone)(void *owner, CoreProofResult result, const void *verifier, size_t len,
                          uint64_t now_usec);

typedef enum VaultVerb {
        VAULT_VERB_VERIFY,
        VAULT_VERB_HASH,
        VAULT_VERB_IMPORT,
        VAULT_VERB_SPEND,     /* takes the time of VERIFY */
        VAULT_VERB_CODE_HASH, /* secret: the codes */
        VAULT_VERB_COMPARE,   /* a new password with one that is not to be set again */
        _VAULT_VERB_MAX,
} VaultVerb;

/* What the verb takes of it: SPEND the uid, from and the secret alone. */
typedef struct VaultRequest {
        uid_t uid;
        CoreFrom from; /* VERIFY, SPEND, COMPARE */
        uint32_t kind;
        const StoreVerifier *verifier; /* VERIFY, COMPARE */
        uint64_t new_version;
        const Secret *secret;
} VaultRequest;

/* For second factors: the operations of CoreVault (core.h says what each takes), as calls that may
 * be given up. */
typedef void (*VaultSeedDone)(void *owner, CoreProofResult result, const void *sealed, size_t len,
                              const Secret *text, uint64_t now_usec);
typedef void (*VaultMatchDone)(void *owner, CoreProofResult result, uint64_t step,
                               uint64_t now_usec);

/* given NULL: a new seed.  -EKEYREJECTED as core_vault_call(). */
int core_vault_seed(Core *core, uid_t uid, uint32_t kind, const CoreSeedForm *form,
                    uint64_t new_version, const Secret *given, VaultSeedDone done, void *owner,
                    VaultCall **ret);

/* A guess at a code.  verifier: the sealed seed, or hashes one behind the other.  otp NULL: it is a
 * code_verify. */
typedef struct VaultGuess {
        uid_t uid;
        CoreFrom from;
        bool nothing; /* whatever it is, it does not count and costs nothing */
        uint32_t kind;
        const StoreVerifier *verifier;
        const CoreOtp *otp;
        const Secret *code;
} VaultGuess;

int core_vault_guess(Core *core, const VaultGuess *guess, VaultMatchDone done, void *owner,
                     VaultCall **ret);
/* The same work against a hash that no code has; of the guess uid and from count alone. */
int core_vault_guess_nothing(Core *core, const VaultGuess *of, VaultMatchDone done, void *owner,
                             VaultCall **ret);

/* -EKEYREJECTED where a verifier would be made under another key than the others. */
int core_vault_call(Core *core, VaultVerb verb, const VaultRequest *request, VaultDone done,
                    void *owner, VaultCall **ret);
/* done is not called any more.  NULL allowed; returns NULL. */
VaultCall *core_vault_give_up(VaultCall *call);

/* What the vault works on one after the other: guesses at a name, as it was typed, from a place. */
typedef struct VaultLane {
        uint32_t name;
        CoreFrom from;
} VaultLane;

/* The call is a guess that has a turn (turns.c), until it is answered: also when it is given up,
 * since the vault does not know that. */
void core_vault_hashes(VaultCall *call, const VaultLane *lane);
/* Whose such calls the vault has: how many, at most max. */
size_t core_vault_hashing(const Core *core, VaultLane *ret, size_t max);
/* core goes: whatever is answered yet is nobody's. */
void core_vault_forget(Core *core);
/* What a fault of the vault is to the caller of a verb. */
int core_vault_fail(CoreProofResult result, CoreError *error);
/* And what core_vault_call() not taking a call is. */
int core_vault_refuse(int fault, CoreError *error);

int core_secret_copy(const Secret *secret, Secret **ret);

/* ---- notices to the owner ----------------------------------------------------------------- */

/* He is told of it at his next login, and the host's log when it is durable: the drafts go to
 * core_notices_keep() once the transaction is committed. */
int core_notice_add(NoticeDrafts *drafts, StoreTxn *txn, uid_t uid, const char *name,
                    uint64_t now_usec, const char *format, ...)
        __attribute__((format(printf, 6, 7)));
void core_notices_keep(Core *core, NoticeDrafts *drafts);
/* Of the change, if it is one that he is told of. */
int core_notice_change(Change *change, const char *verb, uid_t uid, const char *name);
void core_notices_flushed(Core *core, int r);

/* ---- the quality of passwords ------------------------------------------------------------- */

typedef void (*QualityDone)(void *owner, const CoreQualityAnswer *answer, uint64_t now_usec);

/* A call to um-quality, given up like one to the vault. */
int core_quality_call(Core *core, const CoreQualityRequest *request, QualityDone done, void *owner,
                      VaultCall **ret);
void core_quality_rules(const PolicyValues *values, CoreQualityRules *ret);
/* "must have at least 12 characters, this has 7; not be ...": all that failed. */
#define CORE_QUALITY_TEXT_BYTES 480U
void core_quality_text(const CoreQualityRules *rules, const CoreQualityAnswer *answer, char *ret,
                       size_t size);
/* That as an error, or where answer is NULL that there was none. */
int core_quality_fail(const CoreQualityRules *rules, const CoreQualityAnswer *answer,
                      CoreError *error);

/* ---- security keys ------------------------------------------------------------------------ */

typedef void (*TokenDone)(void *owner, const CoreTokenAnswer *answer, uint64_t now_usec);

/* A call to um-fido; the key stops blinking when it is given up. */
int core_token_call(Core *core, const CoreTokenRequest *request, TokenDone done, void *owner,
                    VaultCall **ret);

/* ---- views -------------------------------------------------------------------------------- */

/* Copies a struct whose members at these offsets are texts, and its arrays of texts, into one
 * allocation. */
typedef struct PackArray {
        size_t at;    /* offset of the const char *const * member */
        size_t count; /* how many */
} PackArray;

int core_pack(const void *source, size_t bytes, const size_t *texts, size_t text_count,
              const PackArray *arrays, size_t array_count, void **ret);

struct GroupNames {
        IdSet gids;
        Texts names; /* at the positions of gids */
};

#define _cleanup_group_names_ _cleanup_(core_group_names_done)

/* The name is valid as long as names; STORE_E_MISSING for a deleted group. */
int core_group_name(StoreTxn *txn, GroupNames *names, gid_t gid, const char **ret);
void core_group_names_done(GroupNames *names);
/* Names of users (without tombstones) and groups, sorted. */
int core_texts_add_users(StoreTxn *txn, const uint32_t *uids, size_t count, Texts *texts);
int core_texts_add_groups(StoreTxn *txn, const uint32_t *gids, size_t count, Texts *texts);

/* ---- filters ------------------------------------------------------------------------------ */

#define FILTER_TERMS_MAX 32U
#define FILTER_BYTES_MAX 4096U

typedef struct Filter Filter;

int core_filter_new(Core *core, StoreTxn *txn, bool groups, const char *text, uint64_t now_usec,
                    Filter **ret, CoreError *error);
Filter *core_filter_free(Filter *filter);
bool core_filter_user(const Filter *filter, const StoreUser *user);
bool core_filter_group(const Filter *filter, const StoreGroup *group);
/* Does it ask for tombstones by name (status=deleted)? */
/* Does it ask for what is for those with user.view.private alone? */
bool core_filter_wants_private(const Filter *filter);
bool core_filter_wants_deleted(const Filter *filter);
/* '*' any run, '?' any byte; no backtracking beyond the last '*'. */
bool core_glob_match(const char *pattern, const char *s, bool fold_case);

static inline void core_filter_freep(Filter **filter) {
        *filter = core_filter_free(*filter);
}

/* ---- lists -------------------------------------------------------------------------------- */

#define CORE_CURSOR_BYTES     64U    /* what ret_cursor of a list has */
#define CORE_LIST_LIMIT_MAX   1000U  /* records a page */
#define CORE_LIST_RECORDS_MAX 20000U /* looked at for a page */

/* The roles of the grants that count now, sorted; and what type of user they make him, static, NULL
 * allowed. */
int core_roles_of_user(Core *core, StoreTxn *txn, const StoreUser *user, Texts *ret,
                       const char **ret_type);

/* A page of users, as core_user_list() has them, within one transaction, the asker's; without those
 * over whom the actor has not the permission, or whom he does not see. */
typedef struct Asker Asker; /* whoever calls: holders.h */
typedef int (*CoreUserEach)(void *userdata, Asker *asker, const StoreUser *user);
int core_users_page(Core *core, const Actor *actor, Permission permission, const char *filter,
                    const char *cursor, uint32_t limit, uint64_t now_usec, CoreUserEach each,
                    void *userdata, char *ret_cursor, CoreError *error);

/* Checks limit and cursor, which is the name a page ended with; opens a transaction. */
int core_list_begin_sized(Core *core, const char *cursor, uint32_t limit, char *ret_at, size_t size,
                          StoreTxn **ret, CoreError *error);
int core_list_begin(Core *core, const char *cursor, uint32_t limit, char *ret_at, StoreTxn **ret,
                    CoreError *error);

/* ---- logins and the audit log ------------------------------------------------------------- */

/* "~" and 12 hex digits: a name nobody has, since people type passwords there (FEATURES H1). */
#define CORE_UNKNOWN_BYTES 16U
void core_unknown_name(const Core *core, const char *name, char *buf);
/* That, or the name as it may be shown where um.conf says so; buf has CORE_UNKNOWN_TEXT bytes. */
#define CORE_UNKNOWN_TEXT 64U
void core_unknown_text(const Core *core, const char *name, char *buf);

#include "umd/core/counted.h"
