/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* store: records and transactions.  The only code in um that knows LMDB, and the only opener of its
 * environment.  Synchronous, one thread; no MDB type leaves this folder.  docs/api/store.md has the
 * codec.
 *
 * BATCHES.  The first store_begin() after a store_flush() opens a batch (an LMDB write
 * transaction); every StoreTxn is a nested transaction in it.  store_commit() makes a change
 * visible to what is read next, store_flush() makes the batch durable: only then may anybody be
 * told that it happened.  So concurrent changes share one fsync, and a single one costs one.
 * store_begin_read() reads the open batch if there is one, else the last durable state.  One
 * StoreTxn for writing is open at a time; while it is, or while somebody reads the batch, whatever
 * would pull it away (store_begin, store_begin_read, store_flush) is -EBUSY.
 *
 * The map grows between batches only.  So store_begin() makes a long batch durable by itself before
 * it could outgrow the map: flush every few hundred changes, and it never has to.  If that early
 * flush fails, store_begin() fails until store_flush() has returned the fault too.
 *
 * FAULTS are negative errno values.  A write that failed marks its StoreTxn: store_commit() returns
 * the fault again.  After a flush that failed the whole batch is gone, and the store goes on:
 * -ENOSPC (disk or map full), -EINTR and the like can be tried again.  -EIO cannot: from then on
 * store_begin() is -EROFS until the store is closed and opened anew, and reading goes on from the
 * last durable state.  -EBADMSG is a record that does not decode, or an index that leads nowhere:
 * nothing is made of it.  -EINVAL is a record that cannot be written: text that is not UTF-8 or too
 * long, a list not sorted, a user whose gid is not his uid.
 *
 * Where the map cannot grow any more, new users and groups are -ENOSPC first, while the last
 * sixteenth of it is kept for what ends something: tombstones, deletions, and their audit.
 * Likewise where the disk is full: 16 MiB ahead of what is used are the store's already, and new
 * users and groups are refused once that cannot be kept up. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/base.h"
#include "policy/policy.h"
#include "umd/store/attributes.h"
#include "umd/store/devices.h"
#include "umd/store/sudo_groups.h"

#define STORE_SCHEMA 5U

#define STORE_E_EXISTS   1 /* a name, id or e-mail address is taken */
#define STORE_E_MISSING  2 /* no such record */
#define STORE_E_CONFLICT 3 /* the record changed since it was read */
#define STORE_E_TOO_NEW  4 /* written by a newer um */
#define STORE_E_DAMAGED  5 /* not a store of um, or its meta record does not decode */
#define STORE_E_FULL     6 /* the id range is used up */

typedef struct Store Store;
typedef struct StoreTxn StoreTxn;

/* Opens dir/data.mdb (dir exists, 0700).  Creates it only where create is set and the file is
 * absent (else -ENOENT): "cannot read" and "is empty" are different things.  A store that is being
 * made is renamed to its name when it is whole; what a killed creation left is cleared away.
 * LMDB without NOSYNC, WRITEMAP or NOLOCK, with NOTLS.  The map is 1 GiB at first and doubles by
 * itself, up to 1 TiB; data.mdb is as long as the map, but sparse.
 *
 * A store of an older schema is made one of this, in one commit; an older um then refuses it.
 *
 * 0, STORE_E_TOO_NEW, STORE_E_DAMAGED (not LMDB's, cut off, without a meta record); -EBUSY: another
 * process has it open (dir/lock); -EPERM: dir or a file in it belongs to another, is no plain file
 * (a symlink), or lets others in. */
int store_open(const char *dir, bool create, Store **ret);
Store *store_close(Store *store);
const uint8_t *store_id(const Store *store); /* 16 random bytes made with the store */
/* Did the disk have no more blocks for it, when it last asked for some?  False on a file system
 * without fallocate(2): nothing is kept there, and a full disk is -ENOSPC for every flush. */
bool store_disk_is_full(const Store *store);

int store_begin(Store *store, StoreTxn **ret);
int store_begin_read(Store *store, StoreTxn **ret);
int store_commit(StoreTxn **txn);         /* consumes it, also on a fault */
void store_txn_abortp(StoreTxn **txn);    /* cleanup; NULL allowed */
bool store_has_batch(const Store *store); /* is anything waiting for a flush? */
int store_flush(Store *store);            /* 0 with nothing to do */

typedef struct StoreStatistics {
        uint64_t users, groups, audit_entries; /* without tombstones */
        uint64_t used_bytes, map_bytes;
        uint64_t batches; /* flushed since open */
} StoreStatistics;

int store_statistics(Store *store, StoreStatistics *ret);

/* ---- users ----------------------------------------------------------------------------------- */

/* A record and its strings are one allocation.  Strings are never NULL; "" is unset. */
typedef struct StoreUser {
        uint64_t version; /* 1 at insert, one more at each update */
        uid_t uid;
        gid_t gid; /* = uid: the private group of the same name and number, without a record */
        const char *name, *full_name, *email, *phone, *title, *department, *language, *time_zone;
        const char *notify; /* "security=mail,login": preferences as given */
        const char *shell, *home, *tenant;
        UserStatus status;
        uint64_t status_since_usec;
        uid_t status_by; /* the actor's uid */
        const char *status_reason;
        uint64_t suspended_until_usec; /* USEC_INFINITY: until resumed */
        uint64_t valid_from_usec;      /* 0: no limit */
        uint64_t valid_until_usec;     /* USEC_INFINITY: no limit */
        bool locked;
        uint64_t locked_since_usec;
        uid_t locked_by;
        const char *locked_reason;
        uint64_t created_usec;
        uid_t created_by;
        uint64_t facts_usec;       /* when what roles' conditions ask for changed last; 0: never */
        const uint8_t *attributes; /* attributes.h reads and writes them; NULL: none */
        size_t attributes_len;
        bool service, read_only; /* an account for a program, never a person's; and of such a one */
} StoreUser;

/* STORE_E_EXISTS for a name or uid that any user or group has, a name that any user had, or (in the
 * tenant, compared without case, unless "") an e-mail that any user has, tombstones included.
 * Writes version 1. */
int store_user_insert(StoreTxn *txn, const StoreUser *user);
/* user->version is the one that was read: STORE_E_CONFLICT if it is not the stored one,
 * STORE_E_EXISTS for an e-mail another has.  The indexes follow.  uid and gid never change, and the
 * name only with store_user_rename(). */
int store_user_update(StoreTxn *txn, const StoreUser *user);
/* The same, with another name: STORE_E_EXISTS where that is taken.  The old one stays his former
 * name, which nobody but he is given again: files, sudoers and crontabs may still mean him. */
int store_user_rename(StoreTxn *txn, const StoreUser *user, uint64_t now_usec);
int store_user_get(StoreTxn *txn, uid_t uid, StoreUser **ret);
int store_user_get_by_name(StoreTxn *txn, const char *name, StoreUser **ret); /* tombstones too */
/* Whose former name it is, tombstones too, and until when it was his. */
int store_user_get_by_former_name(StoreTxn *txn, const char *name, StoreUser **ret,
                                  uint64_t *ret_until_usec);
int store_user_get_by_email(StoreTxn *txn, const char *tenant, const char *email, StoreUser **ret);
/* The next user by name after `after` ("" for the first): STORE_E_MISSING at the end. */
int store_user_next(StoreTxn *txn, const char *after, StoreUser **ret);
/* All of them by uid; a value other than 0 from each ends the walk and is returned.  The user is
 * valid during the call; each may read, not write. */
int store_user_each(StoreTxn *txn, int (*each)(void *userdata, const StoreUser *user),
                    void *userdata);
/* The names of many, whose uids are sorted; who is not there or deleted is left out.  Far less work
 * than reading each.  The name is valid during the call; a value other than 0 ends it. */
int store_user_names(StoreTxn *txn, const uid_t *uids, size_t count,
                     int (*each)(void *userdata, uid_t uid, const char *name), void *userdata);
StoreUser *store_user_free(StoreUser *user);

static inline void store_user_freep(StoreUser **user) {
        *user = store_user_free(*user);
}

/* Takes the next id at or above the counter within [first, last] that is free here and not `taken`
 * (may be NULL) outside; an id once given is never given again. */
int store_id_allocate(StoreTxn *txn, uint32_t first, uint32_t last,
                      bool (*taken)(void *userdata, uint32_t id), void *userdata, uint32_t *ret);
/* Ids below have been given or passed over, and are not given by store_id_allocate() any more. */
uint32_t store_id_next(const StoreTxn *txn);
/* Is the id that of a user or group, tombstones too, or was it ever one? */
int store_id_used(StoreTxn *txn, uint32_t id, bool *ret);

/* ---- credentials: opaque verifiers, see um_vault/um_vault.h ---------------------------------- */

typedef struct StoreVerifier {
        const uint8_t *bytes; /* len 0: none */
        size_t len;
        uint64_t version; /* what the vault bound it to */
} StoreVerifier;

typedef struct StoreCredential {
        uid_t uid;
        uint64_t version;          /* of the record */
        uint64_t verifier_version; /* the last one a verifier was bound to; strictly rising */
        StoreVerifier password;
        uint64_t password_changed_usec;
        uint64_t password_expires_usec; /* USEC_INFINITY: never */
        bool must_change;
        uint32_t grace_used;      /* logins since the password expired */
        StoreVerifier setup_code; /* stands for the password once */
        uint64_t setup_code_expires_usec;
} StoreCredential;

int store_credential_get(StoreTxn *txn, uid_t uid,
                         StoreCredential **ret); /* MISSING: never had one */
/* Compare-and-set on version (0: must not exist yet), else STORE_E_CONFLICT; writes version + 1.
 * A verifier_version below the stored one is -EINVAL. */
int store_credential_put(StoreTxn *txn, const StoreCredential *credential);
int store_credential_delete(StoreTxn *txn, uid_t uid); /* STORE_E_MISSING */
StoreCredential *store_credential_free(StoreCredential *credential);

static inline void store_credential_freep(StoreCredential **credential) {
        *credential = store_credential_free(*credential);
}

/* A password that was the user's, for password.history: as the vault sealed it. */
#define STORE_HISTORY_MAX 24U /* of one user */

typedef struct StorePast {
        uid_t uid;
        StoreVerifier password; /* the version tells them apart, and which was the later one */
        uint64_t until_usec;    /* when another took its place */
} StorePast;

typedef struct StoreHistory {
        StorePast *list[STORE_HISTORY_MAX]; /* the latest first */
        size_t count;
} StoreHistory;

/* The caller makes room first: store_history_keep(). */
int store_history_put(StoreTxn *txn, const StorePast *past); /* new or replaced */
/* None is no error. */
int store_history_of_user(StoreTxn *txn, uid_t uid, StoreHistory *ret);
void store_history_done(StoreHistory *history);
int store_history_keep(StoreTxn *txn, uid_t uid, size_t count); /* drops all but the latest */

int store_credential_any(StoreTxn *txn, bool *ret); /* a password, a setup code, a factor? */

/* ---- second factors -------------------------------------------------------------------------- */

#define STORE_FACTORS_MAX 16U /* of one user */

/* What the vault made of a seed or of recovery codes, and how far it is used up. */
typedef struct StoreFactor {
        uint64_t version; /* of the record */
        uid_t uid;
        uint32_t number; /* from 1; the user's, never given twice */
        PolicyMethod method;
        bool active; /* else pending: no code was proved yet, and it counts for nothing */
        const char *label;
        /* a seed; of recovery codes the hashes, one behind the other; of a FIDO2 key the public
         * key, ES256's x and y */
        StoreVerifier sealed;
        uint32_t algorithm, digits, period_seconds; /* TOTP, HOTP: as the vault takes them */
        /* TOTP: the lowest step, HOTP: the lowest counter still accepted; FIDO2: the same of its
         * counter, 0 as long as it counted nothing */
        uint64_t next;
        uint32_t used; /* recovery codes: a bit for each that is gone */
        uint64_t created_usec, last_used_usec;
        /* FIDO2 */
        const uint8_t *credential; /* its id */
        size_t credential_len;
        const uint8_t *aaguid; /* which model says it is; 16 bytes */
        size_t aaguid_len;
        bool verifies; /* the key verifies its user (PIN, finger) each time */
} StoreFactor;

typedef struct StoreFactors {
        StoreFactor *list[STORE_FACTORS_MAX]; /* by number */
        size_t count;
} StoreFactors;

int store_factor_get(StoreTxn *txn, uid_t uid, uint32_t number, StoreFactor **ret);
/* Compare-and-set on version (0: must not exist yet), else STORE_E_CONFLICT; writes version + 1.
 * -EINVAL for a record that would go back: a lower next, a used code that is not, an active factor
 * that is pending, another method or seed. */
int store_factor_put(StoreTxn *txn, const StoreFactor *factor);
int store_factor_delete(StoreTxn *txn, uid_t uid, uint32_t number); /* STORE_E_MISSING */
/* All of them, pending ones too; none is no error. */
int store_factors_of_user(StoreTxn *txn, uid_t uid, StoreFactors *ret);
void store_factors_done(StoreFactors *factors);
/* Everybody's, by uid and number; a value other than 0 from each ends the walk and is returned.
 * Valid during the call; each may read, not write. */
int store_factor_each(StoreTxn *txn, int (*each)(void *userdata, const StoreFactor *factor),
                      void *userdata);
StoreFactor *store_factor_free(StoreFactor *factor);

static inline void store_factor_freep(StoreFactor **factor) {
        *factor = store_factor_free(*factor);
}

/* ---- the vault's key ------------------------------------------------------------------------- */

/* The id of the vault's key that the verifiers are sealed under. */
#define STORE_VAULT_KEY_BYTES 16U

int store_vault_key_get(StoreTxn *txn, uint8_t *ret_id); /* STORE_E_MISSING: none is noted */
int store_vault_key_put(StoreTxn *txn, const uint8_t *id);
int store_vault_key_delete(StoreTxn *txn); /* STORE_E_MISSING */

/* ---- lockout: what failed -------------------------------------------------------------------- */

/* A network, byte by byte: STORE_NETWORK_FOUR and the four of a /32, _SIX and the eight of a /64,
 * _NAME and eight of a hash; zeroed is none. */
#define STORE_NETWORK_BYTES 9U
#define STORE_NETWORK_FOUR  4U
#define STORE_NETWORK_SIX   6U
#define STORE_NETWORK_NAME  1U

typedef struct StoreNetwork {
        uint8_t bytes[STORE_NETWORK_BYTES];
} StoreNetwork;

/* The failures of one user from one place (core's number), and what to tell him and his admin. */
typedef struct StoreLockout {
        uid_t uid;
        uint32_t place;       /* at most 255 */
        StoreNetwork network; /* of a place that is one */
        LockoutState state;
        uint64_t proved_usec;       /* lock time: when he last proved who he is from there */
        uint64_t known_usec;        /* wall clock: since when he is known from there */
        uint32_t untold_count;      /* failures he was not told of yet */
        uint64_t untold_since_usec; /* wall clock: of the first of them */
        uint64_t failed_usec;       /* wall clock: of the last failure */
        const char *failed_source, *failed_service; /* ... from where, by which service */
} StoreLockout;

int store_lockout_get(StoreTxn *txn, uid_t uid, uint32_t place, const StoreNetwork *network,
                      StoreLockout **ret);                         /* STORE_E_MISSING */
int store_lockout_put(StoreTxn *txn, const StoreLockout *lockout); /* new or replaced */
int store_lockout_delete(StoreTxn *txn, uid_t uid, uint32_t place,
                         const StoreNetwork *network); /* STORE_E_MISSING */
/* All of a user, by place and network; a value other than 0 from each ends the walk and is
 * returned.  Valid during the call; each may read, not write. */
int store_lockout_each(StoreTxn *txn, uid_t uid,
                       int (*each)(void *userdata, const StoreLockout *lockout), void *userdata);
StoreLockout *store_lockout_free(StoreLockout *lockout);

static inline void store_lockout_freep(StoreLockout **lockout) {
        *lockout = store_lockout_free(*lockout);
}

/* The failures from one network, whoever was meant. */
typedef struct StoreThrottle {
        StoreNetwork network;
        LockoutState state;   /* its rules have no duration: no lock is kept */
        uint64_t failed_usec; /* wall clock: of the last failure */
} StoreThrottle;

int store_throttle_get(StoreTxn *txn, const StoreNetwork *network, StoreThrottle *ret);
int store_throttle_put(StoreTxn *txn, const StoreThrottle *throttle);  /* new or replaced */
int store_throttle_delete(StoreTxn *txn, const StoreNetwork *network); /* STORE_E_MISSING */
int store_throttle_each(StoreTxn *txn, int (*each)(void *userdata, const StoreThrottle *throttle),
                        void *userdata); /* as store_lockout_each() */

/* Lock time as it was at a moment of a boot: what it goes on from after a restart. */
#define STORE_BOOT_ID_BYTES 16U

typedef struct StoreLockTime {
        uint64_t lock_usec;
        uint64_t boottime_usec;
        uint8_t boot_id[STORE_BOOT_ID_BYTES];
} StoreLockTime;

int store_lock_time_get(StoreTxn *txn, StoreLockTime *ret); /* STORE_E_MISSING */
int store_lock_time_put(StoreTxn *txn, const StoreLockTime *time);

/* ---- codes by e-mail ------------------------------------------------------------------------- */

#define STORE_MAIL_SENDS_MAX 16U

/* What codes are for: each has a row of its own, so that neither is taken for the other, nor uses
 * up what may be sent of it. */
typedef enum StoreMailPurpose {
        STORE_MAIL_FACTOR, /* a second factor */
        STORE_MAIL_RESET,  /* a forgotten password */
        _STORE_MAIL_PURPOSE_MAX,
} StoreMailPurpose;

/* The code that was sent to a user last, and when others were. */
typedef struct StoreMailCode {
        uid_t uid;
        StoreMailPurpose purpose; /* by its key */
        uint64_t version;   /* of the record; strictly rising, and what the next hash is bound to */
        StoreVerifier hash; /* len 0: none is out */
        const char *address;                  /* where it went; "" with none */
        uint32_t place;                       /* core's number of where it was asked for, and */
        StoreNetwork network;                 /* its network, zeroed for none */
        uint32_t tries;                       /* wrong ones against it */
        uint64_t sends[STORE_MAIL_SENDS_MAX]; /* lock time, strictly rising */
        size_t send_count;
        uint64_t refused_usec; /* lock time: when the log was last told that none was sent */
} StoreMailCode;

int store_mail_code_get(StoreTxn *txn, uid_t uid, StoreMailPurpose purpose, StoreMailCode **ret);
/* Compare-and-set on version (0: must not exist yet), else STORE_E_CONFLICT; writes version + 1. */
int store_mail_code_put(StoreTxn *txn, const StoreMailCode *code);
StoreMailCode *store_mail_code_free(StoreMailCode *code);

static inline void store_mail_code_freep(StoreMailCode **code) {
        *code = store_mail_code_free(*code);
}

/* ---- notices: what a user is to be told ------------------------------------------------------ */

#define STORE_NOTICES_MAX 8U
#define STORE_NOTICE_MAX  160U /* bytes of one */

typedef struct StoreNotice {
        uint64_t time_usec; /* wall clock */
        const char *text;
} StoreNotice;

typedef struct StoreNotices {
        uid_t uid;
        uint32_t dropped;    /* older ones that gave way */
        uint64_t shown_usec; /* wall clock: when they were shown first and left; 0: not yet */
        StoreNotice list[STORE_NOTICES_MAX]; /* the oldest first */
        size_t count;                        /* at least 1 */
} StoreNotices;

int store_notices_get(StoreTxn *txn, uid_t uid, StoreNotices **ret); /* STORE_E_MISSING */
int store_notices_put(StoreTxn *txn, const StoreNotices *notices);   /* new or replaced */
int store_notices_delete(StoreTxn *txn, uid_t uid);                  /* STORE_E_MISSING */
StoreNotices *store_notices_free(StoreNotices *notices);

static inline void store_notices_freep(StoreNotices **notices) {
        *notices = store_notices_free(*notices);
}

/* ---- groups ---------------------------------------------------------------------------------- */

typedef struct StoreGroup {
        uint64_t version;
        gid_t gid;
        const char *name, *description, *tenant;
        const uid_t *members; /* sorted, without doubles */
        size_t member_count;
        const gid_t *nested; /* groups whose members are members of this one; sorted */
        size_t nested_count;
        const uid_t *owners; /* may change members and nothing else; sorted */
        size_t owner_count;
        bool deleted; /* a tombstone keeps name and gid */
        uint64_t created_usec;
        uid_t created_by;
} StoreGroup;

/* Names and gids are one space with the users' names, former ones too, and uids: STORE_E_EXISTS as
 * for those, and version as there.  A tombstone keeps its lists, but is in no relation (below). */
int store_group_insert(StoreTxn *txn, const StoreGroup *group);
int store_group_update(StoreTxn *txn, const StoreGroup *group);
int store_group_get(StoreTxn *txn, gid_t gid, StoreGroup **ret);
int store_group_get_by_name(StoreTxn *txn, const char *name, StoreGroup **ret);
int store_group_next(StoreTxn *txn, const char *after, StoreGroup **ret); /* as store_user_next */
int store_group_each(StoreTxn *txn, int (*each)(void *userdata, const StoreGroup *group),
                     void *userdata);
/* Direct relations, kept as indexes: groups that list the user, groups that nest the group, groups
 * the user owns.  *ret is the caller's (NULL for none), sorted. */
int store_groups_of_user(StoreTxn *txn, uid_t uid, gid_t **ret, size_t *ret_count);
int store_groups_of_group(StoreTxn *txn, gid_t gid, gid_t **ret, size_t *ret_count);
int store_groups_owned(StoreTxn *txn, uid_t uid, gid_t **ret, size_t *ret_count);
StoreGroup *store_group_free(StoreGroup *group);

static inline void store_group_freep(StoreGroup **group) {
        *group = store_group_free(*group);
}

/* ---- roles of one's own ---------------------------------------------------------------------- */

/* As policy.h's RoleSpec has them: lists that end with NULL. */
typedef enum RoleList {
        ROLE_LIST_INHERIT,
        ROLE_LIST_PERMIT,
        ROLE_LIST_WITHOUT,
        ROLE_LIST_DENY,
        ROLE_LIST_REQUIRE,
        ROLE_LIST_CONFLICT,
        ROLE_LIST_LINUX_GROUPS, /* names of um's groups and of /etc/group's */
        _ROLE_LIST_MAX,
} RoleList;

typedef struct StoreRole {
        uint64_t version;
        const char *name, *description;
        const char *const *lists[_ROLE_LIST_MAX];
        uint32_t only_kind; /* HolderKind; 0: for anybody */
        bool one_tenant;
        uint64_t created_usec;
        uid_t created_by;
        uint64_t second_factor_usec; /* since when holders need one; 0: never, or always did */
        const char *automatic;       /* the condition by which it is somebody's; NULL or "": none */
} StoreRole;

int store_role_get(StoreTxn *txn, const char *name, StoreRole **ret); /* STORE_E_MISSING */
/* Compare-and-set on version (0: must not exist yet), else STORE_E_CONFLICT; writes version + 1. */
int store_role_put(StoreTxn *txn, const StoreRole *role);
int store_role_delete(StoreTxn *txn, const char *name); /* STORE_E_MISSING */
/* All of them by name; a value other than 0 from each ends the walk and is returned.  each may take
 * the role. */
int store_role_each(StoreTxn *txn, int (*each)(void *userdata, StoreRole **role), void *userdata);
StoreRole *store_role_free(StoreRole *role);

static inline void store_role_freep(StoreRole **role) {
        *role = store_role_free(*role);
}

/* Random, another after each change of a role, area or sudo group; zeroes where none ever was. */
#define STORE_ROLE_STAMP_BYTES 16U
int store_role_stamp(StoreTxn *txn, uint8_t *ret);

/* ---- tenants --------------------------------------------------------------------------------- */

typedef struct StoreTenant {
        uint64_t version;
        const char *name, *title;
        uint32_t seats; /* 0: no limit */
        const char *default_role;
        bool deleted; /* a tombstone keeps the name */
        uint64_t created_usec;
        uid_t created_by;
} StoreTenant;

int store_tenant_get(StoreTxn *txn, const char *name, StoreTenant **ret); /* STORE_E_MISSING */
/* As store_role_put(). */
int store_tenant_put(StoreTxn *txn, const StoreTenant *tenant);
/* All of them by name, tombstones too; valid during the call. */
int store_tenant_each(StoreTxn *txn, int (*each)(void *userdata, const StoreTenant *tenant),
                      void *userdata);
StoreTenant *store_tenant_free(StoreTenant *tenant);

static inline void store_tenant_freep(StoreTenant **tenant) {
        *tenant = store_tenant_free(*tenant);
}

/* ---- seats ----------------------------------------------------------------------------------- */

/* Does the user take one of his tenant's: a person who is active or suspended? */
bool store_user_is_seat(const StoreUser *user);

/* Kept with each user that is written, in the same transaction. */
typedef struct StoreSeats {
        const char *tenant;
        uint32_t used;
        uint32_t homes; /* whose home it is, tombstones left out */
        bool told;      /* its owners were, that few are left */
} StoreSeats;

int store_seats_get(StoreTxn *txn, const char *tenant, StoreSeats *ret); /* tenant as given */
int store_seats_tell(StoreTxn *txn, const char *tenant, bool told);

/* ---- events: the outbox ---------------------------------------------------------------------- */

#define STORE_EVENT_SPAN 100000U /* an event goes when the log has as many entries after it */

/* Of the change whose entry was appended last, and under its number: at most one for an entry, else
 * -EINVAL. */
int store_event_append(StoreTxn *txn, const char *type, const char *object, uint64_t time_usec,
                       uint64_t *ret_seq);
/* Strings are the caller's.  STORE_E_MISSING: not yet, dropped already, or an entry without one. */
int store_event_get(StoreTxn *txn, uint64_t seq, char **ret_type, char **ret_object,
                    uint64_t *ret_time_usec);

#include "umd/store/areas.h"
#include "umd/store/audit.h"
#include "umd/store/grants.h"
#include "umd/store/policy_values.h"
#include "umd/store/sessions.h"
