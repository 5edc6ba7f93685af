/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* core: the verbs.  Knows records and rules, no D-Bus and no LMDB type.  Everything is told what
 * time it is, and reaches the host (local accounts, the vault, the root helper) through operations
 * that manager.c registers.
 *
 * A verb either does all of its change in one transaction with its audit entry and its event, or
 * nothing, and says why in CoreError.  What it changed is durable only after core_flush(): a reply
 * goes out after that (bus/reply.c queues it), and core_flush() tells the registered listener what
 * changed, so that the map is published before the reply too.
 *
 * Verbs return 0, a fault (< 0), or a CoreOutcome (> 0) with its text in *error. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/base.h"
#include "policy/policy.h"
#include "umd/core/mail.h"
#include "umd/core/quality.h"
#include "umd/core/token.h"
#include "umd/core/vault.h"

typedef struct Core Core;

typedef enum CoreOutcome {
        CORE_DONE,
        CORE_E_NO_SUCH_USER,
        CORE_E_NO_SUCH_GROUP,
        CORE_E_NO_SUCH_ENTRY,
        CORE_E_NO_SUCH_ROLE,
        CORE_E_NO_SUCH_TENANT,
        CORE_E_NO_SUCH_APP,
        CORE_E_ACCESS_DENIED,
        CORE_E_POLICY_REFUSED,
        CORE_E_BAD_VALUE,
        CORE_E_NAME_TAKEN,
        CORE_E_UID_TAKEN,
        CORE_E_CONFLICT,
        CORE_E_PROTECTED,     /* nobody acts above himself */
        CORE_E_LAST_OWNER,    /* nobody, not even root */
        CORE_E_ROLE_CONFLICT, /* two roles that must not meet */
        CORE_E_REASON_REQUIRED,
        CORE_E_SEAT_LIMIT, /* the tenant's seats are taken */
        CORE_E_BUSY,
        CORE_E_UNAVAILABLE,
        _CORE_OUTCOME_MAX,
} CoreOutcome;

/* One line for a person, naming field, value and rule, or the holder: "name: \"0x\": may not begin
 * with ...". */
typedef struct CoreError {
        CoreOutcome outcome;
        char text[512];
} CoreError;

/* Who asks.  Taken from the kernel or the bus, never from the message. */
typedef struct Actor {
        uid_t uid;       /* (uid_t)-1 never gets here */
        uid_t login_uid; /* the person behind sudo, for the audit alone; (uid_t)-1 unknown */
        const char *via; /* "socket" or "bus" */
} Actor;

/* What every changing verb takes besides its own arguments. */
typedef struct CoreOptions {
        const char *reason; /* "" if none */
        bool dry_run;       /* do everything but the commit */
        bool end_sessions; /* user delete: end what is open instead of refusing, after the commit */
        uint64_t if_version; /* 0: whatever it is; else CORE_E_CONFLICT unless it is the record's */
        bool unasked;        /* nobody could give a reason: a step of a login, or umd's own doing */
} CoreOptions;

typedef struct CoreChange {
        uint64_t id;        /* shown as ch-%u; 0 with dry_run or where nothing changed */
        uint32_t object_id; /* uid or gid of what was made */
        uint64_t version;   /* the record's after the change */
} CoreChange;

/* ---- making one --------------------------------------------------------------------------- */

/* Time since boot, which no one sets, and which boot it is: zeroes where that cannot be told. */
#define CORE_BOOT_ID_BYTES 16U

typedef struct CoreClock {
        uint64_t boottime_usec;
        uint8_t boot_id[CORE_BOOT_ID_BYTES];
} CoreClock;

/* Failures of a user, or of all users from a network, came to a lock. */
typedef struct CoreLockout {
        const char *name; /* NULL: the network */
        uid_t uid;
        const char *places;  /* where he is locked out: "other networks", "the console", ... */
        uint64_t until_usec; /* wall clock; USEC_INFINITY: until somebody unlocks */
        uint32_t failures;
        const char *source, *service; /* of the last one; "" where it came from this machine */
} CoreLockout;

#define CORE_SSHD_WHY_BYTES 256U
#define CORE_PATH_BYTES     1024U

/* What core asks of the host; synchronous, and nothing here waits for anybody.  All of it is quick
 * but sshd_verifies. */
typedef struct CoreHost {
        void *userdata;
        /* Is the name in /etc/passwd (or, group: /etc/group)?  Where it stands, or NULL. */
        const char *(*name_held)(void *userdata, const char *name, bool group);
        /* Does something outside um hold the id: passwd, group, subuid, subgid, a running process?
         * Writes who. */
        bool (*id_held)(void *userdata, uint32_t id, char *ret_holder, size_t size);
        bool (*time_zone_known)(void *userdata, const char *zone);
        /* Does /etc/passwd give the home to root or to a user (uid 1000 and above)?  Writes who. */
        bool (*home_held)(void *userdata, const char *home, char *ret_holder, size_t size);
        /* Looks whether what the host holds has changed; before each change, in no transaction. */
        void (*refresh)(void *userdata);
        /* Something waits for core_flush(): call it when the loop has nothing more urgent. */
        void (*flush_wanted)(void *userdata);
        /* Nobody waits for it yet: within some milliseconds will do, and flush_wanted may follow.
         */
        void (*flush_wanted_later)(void *userdata);
        void (*clock)(void *userdata, CoreClock *ret);
        /* Calls core_wake() at that boottime, or at once if it is past; an earlier wish stands. */
        void (*wake_at)(void *userdata, uint64_t boottime_usec);
        /* For the log; its entry and event are in a transaction of the open batch. */
        void (*lockout)(void *userdata, const CoreLockout *lockout);
        CoreMailer mail;
        /* Lets sshd no security key in that has not verified its user?  False with why, at most
         * CORE_SSHD_WHY_BYTES; NULL: nobody knows.  Reads sshd's settings, 64 files at most, each
         * time: for a login by a security key, and for root's Status. */
        bool (*sshd_verifies)(void *userdata, char *ret_why);
        /* Can nobody but root put another program at the path of a sudo command?  True with what it
         * leads to, in CORE_PATH_BYTES; false with why.  Looks at some files. */
        bool (*program_safe)(void *userdata, const char *path, char *ret_real, char *ret_why,
                             size_t why_size);
        /* For the log: what a user is going to be told at his next login.  NULL: nobody logs it. */
        void (*notice)(void *userdata, const char *name, const char *text);
        /* The gid of that group of /etc/group; false: there is none, or none for certain. */
        bool (*group_gid)(void *userdata, const char *name, gid_t *ret);
        /* The groups of /etc/group by their places in some order; NULL behind the last. */
        const char *(*group_at)(void *userdata, size_t at);
} CoreHost;

typedef enum CoreHomeResult {
        CORE_HOME_FAULT,
        CORE_HOME_MADE,
        CORE_HOME_EXISTS,
        CORE_HOME_FOREIGN, /* another's stands there */
        CORE_HOME_REFUSED, /* not in a place um makes homes in */
        CORE_HOME_OFF,     /* um runs without its helper */
        _CORE_HOME_MAX,
} CoreHomeResult;

typedef void (*CoreHelperDone)(void *userdata, CoreHomeResult result, uint64_t now_usec);

typedef struct CoreHelper {
        void *userdata;
        int (*make_home)(void *userdata, uid_t uid, CoreHelperDone done, void *done_userdata);
        /* Ends every process of the user's sessions and his manager.  Nobody waits for it: what
         * goes wrong is logged. */
        void (*end_sessions)(void *userdata, uid_t uid);
        /* Tells him on his terminals that it will be so within a minute; as little waited for. */
        void (*warn_sessions)(void *userdata, uid_t uid);
} CoreHelper;

typedef struct CoreSettings {
        uint32_t id_first, id_last;    /* 65536-524287 as shipped */
        const char *shell, *home_root; /* "/bin/bash", "/home" */
        const char *tenant;            /* "local" */
        const char *host;   /* how an authenticator app calls this host; "" or NULL: um */
        bool unknown_names; /* audit names nobody has in clear */
} CoreSettings;

/* state_dir is opened (store_open); the texts of settings are copied.  STORE outcomes come as
 * faults with a text in *error: CORE_E_UNAVAILABLE for a store that is damaged or too new. */
int core_new(const char *state_dir, const CoreSettings *settings, const CoreHost *host,
             const CoreVault *vault, const CoreQuality *quality, const CoreHelper *helper,
             Core **ret, CoreError *error);
Core *core_free(Core *core);
void core_set_settings(Core *core, const CoreSettings *settings); /* SIGHUP */
/* What /etc/passwd and /etc/group hold changed: where a role names what did, the next flush tells
 * that anybody's groups may have. */
void core_host_changed(Core *core);

/* The vault's key, by its id (16 bytes), at each connection to a vault: is it the one that the
 * store's verifiers are sealed under?  The first one is noted, and a new one as long as nobody has
 * a verifier.  While it is another, no password can be checked and none is set: verbs that would
 * are CORE_E_UNAVAILABLE.  ret_noted (16 bytes) is the noted id, for the log.  Needs a flush. */
int core_vault_key_check(Core *core, const uint8_t *id, bool *ret_right, uint8_t *ret_noted);
/* An admin gave the old key up: the next one is noted as at first.  Needs a flush. */
int core_vault_key_forget(Core *core, uint64_t now_usec);
/* store_id(): 16 bytes, what verifiers are bound to; valid as long as core. */
const uint8_t *core_store_id(const Core *core);

/* What changed, told by core_flush() after the commit, each object once and in order. */
typedef enum CoreObject { CORE_OBJECT_USER, CORE_OBJECT_GROUP, _CORE_OBJECT_MAX } CoreObject;
typedef enum CoreNews {
        CORE_NEWS_ADDED,
        CORE_NEWS_CHANGED,
        CORE_NEWS_REMOVED,
        _CORE_NEWS_MAX
} CoreNews;

typedef struct CoreListener {
        void *userdata;
        /* One object: `id` uid or gid; names are valid during the call.  old_name differs after a
         * rename. */
        void (*changed)(void *userdata, CoreObject object, CoreNews news, uint32_t id,
                        const char *name, const char *old_name);
        /* Any user's groups may have changed, and nobody is named for it; may be NULL. */
        void (*everybody)(void *userdata);
        /* All news of this flush were told; may be NULL. */
        void (*flushed)(void *userdata);
        /* A policy value was set or unset, whoever's; may be NULL. */
        void (*policy)(void *userdata);
} CoreListener;

void core_add_listener(Core *core, const CoreListener *listener); /* at most 4 */
bool core_has_unflushed(const Core *core);
/* A reply waits for the flush from now on: calls for it, if nobody did. */
void core_flush_hurry(Core *core);
/* Makes the open batch durable, then tells listeners.  A fault means that nothing since the last
 * flush happened: every reply that waited for it must be turned into an error. */
int core_flush(Core *core);
/* Does the store live on its reserve of the disk?  Then nothing new is made. */
bool core_disk_is_full(const Core *core);
/* Ends dialogues and session ids that are over; called every few seconds. */
void core_tick(Core *core, uint64_t now_usec);
/* Moves on what waited: for a flush, for a moment, for another login.  Called when the replies of a
 * flush are out, and as CoreHost.wake_at() says. */
void core_wake(Core *core, uint64_t now_usec);

/* ---- users -------------------------------------------------------------------------------- */

/* A user as the faces show him: the record and what follows from it.  One allocation; valid until
 * freed. */
typedef struct CoreUser {
        uint64_t version;
        uid_t uid;
        gid_t gid;
        const char *name, *full_name, *email, *phone, *title, *department, *language, *time_zone,
                *notify;
        const char *shell, *home, *tenant;
        const char *kind;        /* "person", "service" */
        const char *type;        /* by his kind and roles: "technician" (FEATURES A7) */
        const char *affiliation; /* by his home: "internal", of the host's tenant, or "client" */
        bool read_only;
        UserStatus status;
        uint64_t status_since_usec;
        const char *status_by, *status_reason; /* the actor's name, or "uid 1000" */
        uint64_t suspended_until_usec, valid_from_usec, valid_until_usec;
        bool locked;
        uint64_t locked_since_usec;
        const char *locked_by, *locked_reason;
        bool locked_out;             /* by failures, at one place at least */
        const char *locked_out_from; /* where the last of these locks holds: "other networks" */
        uint64_t locked_out_until_usec;
        uint32_t failures; /* that count now, at the place where there are most */
        uint64_t last_failure_usec;
        const char *last_failure_source, *last_failure_service;
        uint64_t created_usec;
        const char *created_by;
        bool has_password, must_change, has_setup_code;
        uint64_t password_changed_usec, password_expires_usec;
        uint32_t password_grace_left; /* logins after that */
        const char *const *groups; /* names, nesting flattened, sorted, without the private one */
        const gid_t *gids;         /* of the same groups */
        size_t group_count;
        const char *const *roles;
        size_t role_count;
        bool hides_private; /* phone, failures and where they came from are not for who asks */
        const char *const *attribute_names; /* sorted */
        const char *const *attribute_values;
        const uint64_t *attribute_untils; /* one that is past: it is over */
        const bool *attribute_private;    /* for who has user.view.private */
        size_t attribute_count;
} CoreUser;

CoreUser *core_user_free(CoreUser *user);

static inline void core_user_freep(CoreUser **user) {
        *user = core_user_free(*user);
}

/* Fields a caller may set.  Their names on the bus and in JSON are those of FEATURES N: full_name,
 * time_zone, ... */
typedef enum UserField {
        USER_FIELD_NAME,
        USER_FIELD_FULL_NAME,
        USER_FIELD_EMAIL,
        USER_FIELD_PHONE,
        USER_FIELD_TITLE,
        USER_FIELD_DEPARTMENT,
        USER_FIELD_LANGUAGE,
        USER_FIELD_TIME_ZONE,
        USER_FIELD_NOTIFY,
        USER_FIELD_SHELL,
        USER_FIELD_HOME,
        _USER_FIELD_TEXT_MAX,
} UserField;

const char *core_user_field_name(UserField field);
/* phone, language, time_zone, notify: a user may set them himself (profile.self-editable, as
 * shipped). */
bool core_user_field_self_editable(UserField field);

typedef struct UserAttribute {
        const char *name, *value; /* value "": none any more */
        uint64_t until_usec;      /* the moment itself is over; USEC_INFINITY: never */
} UserAttribute;

typedef struct UserSpec {
        const char *text[_USER_FIELD_TEXT_MAX]; /* NULL: as it is, or the default; "" clears */
        bool has_uid, has_gid, has_valid_from, has_valid_until;
        uint32_t uid, gid; /* creation only; gid must be the uid, or is refused with the rule */
        uint64_t valid_from_usec, valid_until_usec;
        bool pending;       /* creation only: status pending instead of active */
        const char *kind;   /* creation only: "person" or "service"; NULL: a person */
        const char *tenant; /* his home; NULL: the host's, or as it is */
        const char *role;   /* creation only: granted at home, instead of what that one grants */
        bool has_read_only, read_only;   /* of a service account */
        const UserAttribute *attributes; /* others stay as they are */
        size_t attribute_count;
} UserSpec;

int core_user_create(Core *core, const Actor *actor, const UserSpec *spec,
                     const CoreOptions *options, uint64_t now_usec, CoreChange *ret,
                     CoreError *error);
int core_user_update(Core *core, const Actor *actor, const char *name, const UserSpec *spec,
                     const CoreOptions *options, uint64_t now_usec, CoreChange *ret,
                     CoreError *error);
/* suspend, resume, disable, enable, delete, restore; until only with SUSPEND (USEC_INFINITY: until
 * resumed). */
int core_user_step(Core *core, const Actor *actor, const char *name, StatusStep step,
                   uint64_t until_usec, const CoreOptions *options, uint64_t now_usec,
                   CoreChange *ret, CoreError *error);
/* Locking a locked user, or unlocking one who is not, changes nothing and says so: 0 with ret->id
 * 0.  Unlocking forgets his failures too, and what they locked. */
int core_user_lock(Core *core, const Actor *actor, const char *name, bool lock,
                   const CoreOptions *options, uint64_t now_usec, CoreChange *ret,
                   CoreError *error);

/* The name may also be an e-mail address.  Tombstones are not found unless `deleted`. */
int core_user_get(Core *core, const char *name, bool deleted, CoreUser **ret, CoreError *error);
int core_user_get_by_uid(Core *core, uid_t uid, CoreUser **ret, CoreError *error);
/* May the user change anything by the API: is he active, not locked, within his time, and no
 * service account that only reads?  Processes of one who may not come in any more can still be
 * there.  False on any fault. */
bool core_user_may_act(Core *core, uid_t uid);
/* Is it a service account that may do nothing at all: not active, locked, over?  Of a person's own
 * matters he is still told.  True on any fault. */
bool core_service_is_shut(Core *core, uid_t uid, uint64_t now_usec);
/* Users that match filter ("" all), by name, after cursor ("" from the start), at most limit
 * (1-1000).  ret_cursor (64 bytes) is "" at the end.  Filter keys: name, status, group, email,
 * department, title, tenant, kind, type, role, locked, created, valid-until; unknown keys and
 * values are CORE_E_BAD_VALUE with the column; whom the actor may not see is left out.  Looks at no
 * more than 20,000 records a call, so a page may be short. */
int core_user_list(Core *core, const Actor *actor, const char *filter, const char *cursor,
                   uint32_t limit, uint64_t now_usec,
                   void (*each)(void *userdata, const CoreUser *user), void *userdata,
                   char *ret_cursor, CoreError *error);

/* Done callbacks of verbs that wait for the vault: r as the verbs return it. */
typedef void (*CoreChangeDone)(void *userdata, int r, const CoreChange *change,
                               const CoreError *error);

typedef struct CorePasswordOptions {
        bool must_change;      /* a temporary password */
        bool is_hash;          /* secret is a crypt(3) string (import; root) */
        uint64_t expires_usec; /* 0: as it is (never, for a first one) */
} CorePasswordOptions;

/* 1 to BASE_PASSWORD_MAX bytes, no NUL, and what um-quality says: CORE_E_POLICY_REFUSED names every
 * condition that failed, for root too.  A hash is not looked at. */
int core_user_set_password(Core *core, const Actor *actor, const char *name, const Secret *secret,
                           const CorePasswordOptions *password, const CoreOptions *options,
                           uint64_t now_usec, CoreChangeDone done, void *userdata,
                           CoreError *error);
int core_user_must_change(Core *core, const Actor *actor, const char *name,
                          const CoreOptions *options, uint64_t now_usec, CoreChange *ret,
                          CoreError *error);
/* Makes a one-time code (groups of Crockford base32, at least 60 bits) and hands it to done once,
 * as a Secret. */
typedef void (*CoreCodeDone)(void *userdata, int r, const Secret *code, uint64_t expires_usec,
                             const CoreChange *change, const CoreError *error);
int core_user_create_setup_code(Core *core, const Actor *actor, const char *name,
                                const CoreOptions *options, uint64_t now_usec, CoreCodeDone done,
                                void *userdata, CoreError *error);

/* The account and its first credential in one change.  secret NULL: a setup code is made.  With
 * dry_run the code is NULL. */
typedef void (*CoreCreateDone)(void *userdata, int r, const char *name, const Secret *code,
                               uint64_t expires_usec, const CoreChange *change,
                               const CoreError *error);
int core_user_create_with_password(Core *core, const Actor *actor, const UserSpec *spec,
                                   const Secret *secret, const CorePasswordOptions *password,
                                   const CoreOptions *options, uint64_t now_usec,
                                   CoreCreateDone done, void *userdata, CoreError *error);

/* ---- groups ------------------------------------------------------------------------------- */

#define CORE_GROUP_DEPTH_MAX 16U

typedef struct CoreGroup {
        uint64_t version;
        gid_t gid;
        const char *name, *description, *tenant;
        const char *const *members; /* direct, user names, sorted */
        size_t member_count;
        const char *const *nested; /* direct, group names, sorted */
        size_t nested_count;
        const char *const *owners;
        size_t owner_count;
        const char *const *effective; /* members with nesting flattened, sorted */
        size_t effective_count;
        uint64_t created_usec;
} CoreGroup;

CoreGroup *core_group_free(CoreGroup *group);

static inline void core_group_freep(CoreGroup **group) {
        *group = core_group_free(*group);
}

typedef struct GroupSpec {
        const char *name, *description; /* NULL: as it is */
        bool has_gid;
        uint32_t gid;              /* creation only */
        const char *const *owners; /* NULL: as it is; replaced as a whole */
        size_t owner_count;
} GroupSpec;

int core_group_create(Core *core, const Actor *actor, const GroupSpec *spec,
                      const CoreOptions *options, uint64_t now_usec, CoreChange *ret,
                      CoreError *error);
int core_group_update(Core *core, const Actor *actor, const char *name, const GroupSpec *spec,
                      const CoreOptions *options, uint64_t now_usec, CoreChange *ret,
                      CoreError *error);
/* Adds or removes users and nested groups in one change.  A loop or a depth over
 * CORE_GROUP_DEPTH_MAX is CORE_E_POLICY_REFUSED naming the path.  Who is (or is not) a member
 * already is no error. */
int core_group_members(Core *core, const Actor *actor, const char *name, bool add,
                       const char *const *users, size_t user_count, const char *const *groups,
                       size_t group_count, const CoreOptions *options, uint64_t now_usec,
                       CoreChange *ret, CoreError *error);
/* A group that others nest is CORE_E_POLICY_REFUSED unless force. */
int core_group_delete(Core *core, const Actor *actor, const char *name, bool force,
                      const CoreOptions *options, uint64_t now_usec, CoreChange *ret,
                      CoreError *error);
int core_group_get(Core *core, const char *name, CoreGroup **ret, CoreError *error);
int core_group_get_by_gid(Core *core, gid_t gid, CoreGroup **ret, CoreError *error);
int core_group_list(Core *core, const Actor *actor, const char *filter, const char *cursor,
                    uint32_t limit, void (*each)(void *userdata, const CoreGroup *group),
                    void *userdata, char *ret_cursor, CoreError *error);
/* May the user change the group's members as its owner?  Only if he may act at all. */
bool core_group_is_owner(Core *core, const char *name, uid_t uid);

/* ---- what the map is made of -------------------------------------------------------------- */

/* Users and groups as NSS shows them: no tombstones; the GECOS derived; groups flattened.  Valid
 * during the call.  The private groups are included.  Names and ids that the host holds are not
 * left out here: publish.c does that. */
typedef struct CoreEntry {
        bool is_group;
        uint32_t id;
        const char *name, *gecos, *home, *shell;
        const gid_t *gids;
        size_t gid_count;
        const gid_t *host_gids; /* groups of /etc/group that his roles put him into */
        size_t host_gid_count;
        const char *const *members;
        size_t member_count;
} CoreEntry;

typedef int (*CoreEntryEach)(void *userdata, const CoreEntry *entry);

int core_entries_all(Core *core, CoreEntryEach each, void *userdata);
/* One object; CORE_E_NO_SUCH_USER / _GROUP where NSS must not show it (any more). */
int core_entry_user(Core *core, uid_t uid, CoreEntryEach each,
                    void *userdata); /* the user, then the private group */
int core_entry_group(Core *core, gid_t gid, CoreEntryEach each, void *userdata);
/* For Nss, by name. */
int core_entry_user_by_name(Core *core, const char *name, CoreEntryEach each, void *userdata);
int core_entry_group_by_name(Core *core, const char *name, CoreEntryEach each,
                             void *userdata); /* private ones too */

/* ---- logins ------------------------------------------------------------------------------- */

typedef struct CoreLoginContext {
        const char *operation, *user, *service, *tty, *rhost, *ruser,
                *auth_info; /* "" where not given */
        uint32_t flags;     /* wire's */
} CoreLoginContext;

/* Kinds and verdicts are wire's, by number (bus/login.c asserts it). */
typedef enum CoreStepKind {
        CORE_STEP_INVALID,
        CORE_STEP_ASK_HIDDEN,
        CORE_STEP_ASK_SHOWN,
        CORE_STEP_SHOW,
        CORE_STEP_WAIT,
        CORE_STEP_ASSERT,
        CORE_STEP_DONE,
        _CORE_STEP_MAX,
} CoreStepKind;

typedef enum CoreVerdict {
        CORE_VERDICT_INVALID,
        CORE_VERDICT_ALLOW,
        CORE_VERDICT_BAD_PROOF,
        CORE_VERDICT_DENIED,
        CORE_VERDICT_EXPIRED,
        CORE_VERDICT_RENEW,
        CORE_VERDICT_UNKNOWN_USER,
        CORE_VERDICT_UNAVAILABLE,
        CORE_VERDICT_CHANGE_FAILED,
        _CORE_VERDICT_MAX,
} CoreVerdict;

typedef struct CoreStep {
        CoreStepKind kind;
        CoreVerdict verdict;
        bool is_error;
        bool may_be_empty; /* ASK_*: nothing is an answer too, be it a password that is asked for */
        bool early;        /* goes out before it is durable: nothing follows from it alone */
        char text[1024];
        const char *secret; /* static: "password", ... or "" */
        const char *reason; /* static: policy_reason_name(); "" before everything was proved */
        char reference[32]; /* "um-7K2P" or "" */
} CoreStep;

/* A process, as it can be found again after umd was away: the pid alone may be another's then. */
typedef struct CoreProcess {
        pid_t pid;            /* 0: unknown */
        uint64_t start_ticks; /* proc(5)'s starttime */
} CoreProcess;

#define CORE_ANCESTORS_MAX 32U

/* One peer's connection; dialogues die with it. */
typedef struct CorePeer {
        uint64_t connection; /* unique for the life of umd */
        Actor actor;
        CoreProcess process; /* who holds a session that is opened, or begins a login as root;
                              * elsewhere nobody looks at it */
        /* Whose descendant the caller is, the nearest first: in which session it runs.  Looked at
         * where core_login_looks_around() says so; 0: unknown, and then it is in none. */
        CoreProcess ancestors[CORE_ANCESTORS_MAX];
        size_t ancestor_count;
} CorePeer;

/* Is the service used within a session (sudo, su, polkit, umctl)?  Then the peer's ancestors are
 * looked at. */
bool core_login_looks_around(const CoreLoginContext *context);

typedef void (*CoreStepDone)(void *userdata, int r, const char *login, const CoreStep *step,
                             const CoreError *error);

/* done may be called before these return.  r < 0 or > 0 instead of a step is an error of the call,
 * not a verdict. */
void core_login_begin(Core *core, const CorePeer *peer, const CoreLoginContext *context,
                      uint64_t now_usec, CoreStepDone done, void *userdata);
void core_login_answer(Core *core, const CorePeer *peer, const char *login, const Secret *answer,
                       uint64_t now_usec, CoreStepDone done, void *userdata);
/* The connection is gone: its unfinished dialogues end, pending done callbacks are not called any
 * more.  Finished logins stay honoured (sshd authenticates in a child that is gone when the session
 * opens). */
void core_login_hangup(Core *core, uint64_t connection);
int core_login_authorize(Core *core, const CorePeer *peer, const CoreLoginContext *context,
                         const char *login, uint64_t now_usec, CoreStep *ret, CoreError *error);

typedef void (*CoreSessionDone)(void *userdata, int r, const char *session, const CoreStep *step,
                                const CoreError *error);

void core_session_open(Core *core, const CorePeer *peer, const CoreLoginContext *context,
                       const char *login, uint64_t now_usec, CoreSessionDone done, void *userdata);
void core_session_close(Core *core, const char *session, uint64_t now_usec);
/* Called once, before the first login: the sessions that were open when umd last ran.  held says
 * whether the process that holds one lives; core_session_close() is then due when that process
 * ends.  Of the others the log gets the end, with the reason "lost" and the times it lies between;
 * boot_usec is when the machine started, on the clock of now_usec.  A fault leaves what is not done
 * for the next time.  Needs a flush. */
typedef bool (*CoreSessionHeld)(void *userdata, const char *session, const CoreProcess *process);
int core_sessions_resume(Core *core, CoreSessionHeld held, void *userdata, uint64_t boot_usec,
                         uint64_t now_usec);
size_t core_session_count(const Core *core);

/* ---- status ------------------------------------------------------------------------------- */

typedef struct CoreStatus {
        uint64_t users, groups, audit_entries, store_used_bytes, store_map_bytes, sessions;
        bool vault_ready;     /* it answers, and has the right key */
        bool vault_key_wrong; /* it has another one */
        bool mail_wanted;     /* the company's rules permit codes by e-mail */
        bool fido_wanted;     /* ... and security keys */
        const char *tenant;   /* of this host; valid until settings are set */
        bool tenant_known;    /* somebody made it, and nobody deleted it */
} CoreStatus;

int core_status(Core *core, CoreStatus *ret);
/* CoreHost's answer.  It reads files: for root's Status and logins by security key. */
bool core_sshd_verifies(const Core *core, char *ret_why);

#include "umd/core/attributes.h"
#include "umd/core/audit.h"
#include "umd/core/devices.h"
#include "umd/core/factors.h"
#include "umd/core/may.h"
#include "umd/core/policy_values.h"
#include "umd/core/rights.h"
#include "umd/core/sudo.h"

#include "umd/core/changes.h" /* after them: it has their edits */
