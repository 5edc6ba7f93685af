/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the files of this folder share: tables, the codec, the transaction.  Nobody else includes
 * it but the tests of this folder. */

#include <lmdb.h>

#include "umd/store/store.h"

/* ---- codec: docs/api/store.md ---------------------------------------------------------------- */

#define CODEC_HEADER_BYTES 6U /* kind u8, version u8, length of the fields u32 */
#define CODEC_KEY_MAX      128U
#define CODEC_TEXT_MAX     1024U
#define CODEC_VALUE_MAX    65536U
#define CODEC_VERIFIER_MAX 4096U
#define CODEC_LIST_MAX     1000000U
#define CODEC_RECORD_MAX   (16U << 20)

typedef enum CodecType {
        CODEC_BOOL,   /* bool, u8; absent: false */
        CODEC_STATUS, /* UserStatus, u8 */
        CODEC_U32,    /* absent: 0 */
        CODEC_U64,    /* absent: 0 */
        CODEC_UNTIL,  /* uint64_t, u64; absent: USEC_INFINITY */
        CODEC_TEXT,   /* const char *; absent: "" */
        CODEC_BYTES,  /* const uint8_t * and size_t; absent: NULL and 0 */
        CODEC_FIXED,  /* uint8_t[max], inline */
        CODEC_IDS,    /* const uint32_t * and size_t, strictly increasing; absent: NULL and 0 */
        _CODEC_TYPE_MAX,
} CodecType;

typedef struct CodecField {
        uint8_t tag; /* strictly increasing in the table, as in the record */
        CodecType type;
        bool mandatory; /* always there; others are there exactly where not empty */
        size_t offset;
        size_t count_offset; /* BYTES and IDS */
        size_t max;          /* bytes of TEXT, BYTES and FIXED, ids of IDS */
} CodecField;

typedef struct CodecKind {
        uint8_t kind;
        uint8_t version;
        size_t size; /* of the struct */
        const CodecField *fields;
        size_t field_count;
} CodecKind;

/* A buffer that is kept and grows. */
typedef struct CodecBuffer {
        uint8_t *data;
        size_t len, size;
} CodecBuffer;

int codec_buffer_add(CodecBuffer *buffer, const void *data, size_t len);
int codec_buffer_add_varint(CodecBuffer *buffer, uint32_t value);
/* Reads a varint in its shortest form; the bytes used, or -EBADMSG. */
int codec_varint_read(const uint8_t *data, size_t len, uint32_t *ret);
/* UTF-8 without NUL? */
bool codec_text_ok(const char *s, size_t len);

/* Replaces what is in the buffer.  -EINVAL for a value the record cannot have. */
int codec_encode(const CodecKind *kind, const void *record, CodecBuffer *buffer);
/* The whole of data as one record: the bytes its struct and strings need.  -EBADMSG. */
int codec_measure(const CodecKind *kind, const void *data, size_t len, size_t *ret_size);
/* Only for data that was measured, and memory of that size. */
void codec_fill(const CodecKind *kind, const void *data, size_t len, void *memory);
/* One field of a record, where it stands; the fields before it are passed over, not checked.
 * -EBADMSG where it is not there or wrong. */
int codec_field(const CodecKind *kind, const void *data, size_t len, uint8_t tag,
                const uint8_t **ret, size_t *ret_len);
/* Both, with one allocation of extra_size more bytes behind the record, where *ret_extra (NULL
 * allowed) points. */
int codec_decode(const CodecKind *kind, const void *data, size_t len, size_t extra_size, void **ret,
                 void **ret_extra);

extern const CodecKind codec_meta, codec_user, codec_credential, codec_group, codec_grant,
        codec_audit, codec_values, codec_event, codec_session, codec_vault_key, codec_policy_value,
        codec_factor, codec_lockout, codec_throttle, codec_lock_time, codec_history,
        codec_mail_code, codec_notices, codec_role, codec_role_stamp, codec_tenant, codec_attribute,
        codec_device, codec_area, codec_seats, codec_sudo_group;

/* ---- records that no header shows ------------------------------------------------------------ */

typedef struct Meta {
        uint8_t id[16];
        uint64_t users, groups; /* without tombstones */
        uint32_t next_id;       /* the id counter */
        uint64_t audit_last;
        uint8_t audit_hash[STORE_HASH_BYTES]; /* of entry audit_last */
        uint64_t event_first, event_last;     /* the oldest number that may have one; 0: none yet */
} Meta;

typedef struct AuditRecord {
        StoreAudit entry; /* first: store_audit_free() frees the whole */
        const uint8_t *digest;
        size_t digest_len; /* 0 or STORE_HASH_BYTES */
} AuditRecord;

typedef struct ValuesRecord {
        uint8_t salt[16];
        const uint8_t *list;
        size_t list_len;
        const uint8_t *undo; /* as list */
        size_t undo_len;
        uint64_t undoes;
        uint32_t parts;
} ValuesRecord;

typedef struct VaultKeyRecord {
        uint8_t id[STORE_VAULT_KEY_BYTES];
} VaultKeyRecord;

typedef struct EventRecord {
        uint64_t seq, time_usec;
        const char *type, *object;
} EventRecord;

/* seats.c: a user is written (old NULL: for the first time); and, at an upgrade, all users are
 * counted. */
int seats_follow(StoreTxn *txn, const StoreUser *old, const StoreUser *user);
int seats_count(StoreTxn *txn);

/* Is it the key of a factor's row?  factors.c */
bool factor_key_is(const MDB_val *key);

/* Drops events that are too old, as the log grows (events.c). */
int events_drop(StoreTxn *txn);

/* The list inside a ValuesRecord: value_count values and the bytes their strings need; -EBADMSG. */
int audit_values_measure(const uint8_t *list, size_t len, size_t *ret_count, size_t *ret_size);

/* The first member of LockoutRecord and ThrottleRecord is what store.h shows. */
typedef struct LockoutRecord {
        StoreLockout lockout;
        const uint8_t *failures;
        size_t failures_len;
} LockoutRecord;

typedef struct ThrottleRecord {
        StoreThrottle throttle;
        const uint8_t *failures;
        size_t failures_len;
} ThrottleRecord;

typedef struct MailCodeRecord {
        StoreMailCode code; /* first, as above */
        const uint8_t *sends;
        size_t sends_len;
} MailCodeRecord;

typedef struct NoticesRecord {
        StoreNotices notices; /* first, as above */
        const uint8_t *list;
        size_t list_len;
} NoticesRecord;

/* The first member is what store.h shows; its lists point at the texts of these. */
typedef struct RoleRecord {
        StoreRole role;
        const uint8_t *lists[_ROLE_LIST_MAX];
        size_t lens[_ROLE_LIST_MAX];
} RoleRecord;

typedef struct RoleStampRecord {
        uint8_t stamp[STORE_ROLE_STAMP_BYTES];
} RoleStampRecord;

/* Category, flags, name, what it means: 2 bytes and two texts with their NUL. */
#define AREA_LIST_BYTES (STORE_AREA_MAX * (PERMISSION_NAME_MAX + BASE_LINE_MAX + 4U))

typedef struct AreaRecord {
        StoreArea area; /* first, as above */
        const uint8_t *list;
        size_t list_len;
} AreaRecord;

/* The permissions of a record, strictly: -EBADMSG.  Texts point into bytes; ret has room for
 * len / 6, or for STORE_AREA_MAX where that is less, and for one more. */
int area_list_read(const uint8_t *bytes, size_t len, StoreAreaPermission *ret, size_t *ret_count);
/* A change of what roles give. */
int role_stamp_renew(StoreTxn *txn);

typedef struct SudoRecord {
        StoreSudoGroup group; /* first: store_sudo_group_free() frees the whole */
        const uint8_t *commands;
        size_t commands_len;
} SudoRecord;

/* The texts of one list, strictly: -EBADMSG.  ret has room for len / 2 + 1, or is NULL. */
int role_list_read(const uint8_t *bytes, size_t len, const char **ret);
/* Replaces what is in the buffer; -EINVAL for an empty text, and beyond max bytes. */
int role_list_write(const char *const *list, size_t max, CodecBuffer *buffer);
/* The notices of a record, strictly: -EBADMSG.  Texts point into bytes. */
int notices_list_read(const uint8_t *bytes, size_t len, StoreNotices *ret);
/* The times of a record's sends, strictly: -EBADMSG. */
int mail_code_sends_read(const uint8_t *bytes, size_t len, StoreMailCode *ret);

/* The keys by which whoever has an attribute is found; old: NULL for a new user. */
int attribute_holders_move(StoreTxn *txn, const StoreUser *old, const StoreUser *user);

/* The bytes of a count's failures, strictly: -EBADMSG.  No lock is in them. */
int lockout_failures_read(const uint8_t *bytes, size_t len, LockoutState *ret);

/* ---- tables ---------------------------------------------------------------------------------- */

/* A commit writes each page it touched, and each is a write of its own to the disk: so what changes
 * together stands together, and there are few tables. */

typedef enum Table {
        /* LMDB's unnamed one: the meta record, the vault's key id, lock time and open sessions,
         * among the names of the others */
        TABLE_MAIN,
        TABLE_USERS, /* and, behind each, his grants; in front of all, policy values,
                        roles, areas, sudo command groups, tenants, and who holds which role */
        TABLE_GROUPS,
        TABLE_INDEX,       /* names and addresses to ids */
        TABLE_CREDENTIALS, /* apart: whoever walks over all users has no use for them; behind each
                              what failed, at the end the sources */
        TABLE_RELATIONS,   /* who stands in which group */
        TABLE_LOG,         /* audit entries, their values and their events */
        _TABLE_MAX,
} Table;

struct Store {
        MDB_env *env;
        MDB_dbi dbi[_TABLE_MAX];
        int lock_fd;
        char *dir;
        uint8_t id[16];
        uint8_t genesis[STORE_HASH_BYTES]; /* what entry 1 of the chain follows */
        MDB_txn *batch;
        StoreTxn *writer;
        unsigned batch_readers, snapshot_readers;
        uint64_t batches;
        bool early;     /* a batch was made durable before it was asked for */
        int lost;       /* ... or lost that way: the fault, until store_flush() has told it */
        bool read_only; /* after EIO */
        bool reopen;    /* and the environment has to be opened anew to be read */
        size_t map_bytes, map_limit, headroom_bytes, page_bytes;
        size_t room_pages, used_pages; /* of the batch: what it may need, what it may have taken */
        bool grow;                     /* a transaction ran into the end of the map */
        bool tight;                    /* at the limit: nothing new, the rest of it is for ends */
        size_t reserved_bytes;         /* as far as that the disk has blocks for the file; SIZE_MAX:
                                        * it takes none beforehand */
        bool disk_full;                /* and no more of them */
        CodecBuffer scratch;
};

struct StoreTxn {
        Store *store;
        MDB_txn *mdb;
        bool writing;
        bool is_batch; /* the batch itself: a reader's, or the first writer's in it */
        int fault;     /* the first of a write; the transaction cannot be committed any more */
        Meta meta;
        bool meta_changed;
};

/* 0 or a negative errno for what LMDB returned. */
int store_fault(int mdb_error);

/* env.c: files, the environment and its size. */
int env_open(Store *store, bool create); /* everything but the lock: 0, STORE_E_..., a fault */
int env_reopen_read_only(Store *store);
int env_make_room(Store *store); /* before a batch */
int env_usage(Store *store, uint64_t *ret_used_bytes);

/* As store_open() with sizes of the caller's; the map never grows beyond map_limit. */
int store_open_sized(const char *dir, bool create, size_t map_bytes, size_t map_limit, Store **ret);

/* table.c: one record.  get: STORE_E_MISSING; *ret is valid until the transaction writes or ends.
 */
int table_get(StoreTxn *txn, Table table, const void *key, size_t key_len, MDB_val *ret);
int table_put(StoreTxn *txn, Table table, const void *key, size_t key_len, const void *data,
              size_t len, unsigned flags);
int table_delete(StoreTxn *txn, Table table, const void *key, size_t key_len);
int table_cursor(StoreTxn *txn, Table table, MDB_cursor **ret);
/* Positions: 0, STORE_E_MISSING at the end, a fault. */
int cursor_get(MDB_cursor *cursor, MDB_val *key, MDB_val *data, MDB_cursor_op op);

static inline void mdb_cursor_closep(MDB_cursor **cursor) {
        if (*cursor)
                mdb_cursor_close(*cursor);
}

/* Encodes and puts. */
int record_put(StoreTxn *txn, Table table, const void *key, size_t key_len, const CodecKind *kind,
               const void *record, unsigned flags);
/* The same for keys that mostly rise: behind the last one a page is left full, not half full, so
 * that there are half as many of them. */
int record_put_rising(StoreTxn *txn, Table table, const void *key, size_t key_len,
                      const CodecKind *kind, const void *record, unsigned flags);
/* Gets and decodes; STORE_E_MISSING. */
int record_get(StoreTxn *txn, Table table, const void *key, size_t key_len, const CodecKind *kind,
               void **ret);
/* Decodes into *memory, which grows and is the caller's: for walks over many. */
int record_reuse(const CodecKind *kind, const MDB_val *data, void **memory, size_t *size);
/* 0, STORE_E_TOO_NEW, STORE_E_DAMAGED, META_OLDER: of an older um, to be upgraded first. */
#define META_OLDER 100
int meta_load(MDB_txn *mdb, MDB_dbi main, Meta *ret);
int meta_save(StoreTxn *txn);
/* Writes a meta record of an older schema anew as one of this; STORE_E_DAMAGED. */
int meta_upgrade(MDB_txn *mdb, MDB_dbi main);

/* The index: kind and name (or address key) to an id; of a former name to uid and time. */
typedef enum IndexKind {
        INDEX_EMAIL = 'e',
        INDEX_FORMER = 'f',
        INDEX_GROUP = 'g',
        INDEX_DEVICE = 'k', /* the hash of a key, not a name */
        INDEX_USER = 'u',
} IndexKind;

#define INDEX_KEY_MAX (CODEC_KEY_MAX + 1 + BASE_EMAIL_MAX) /* an address behind its tenant */

/* STORE_E_MISSING, also for what no index can hold. */
int index_get(StoreTxn *txn, IndexKind kind, const char *name, size_t len, uint32_t *ret);
int index_put(StoreTxn *txn, IndexKind kind, const char *name, size_t len, uint32_t id);
int index_delete(StoreTxn *txn, IndexKind kind, const char *name, size_t len);
/* The id behind the next name after `after`. */
int index_next(StoreTxn *txn, IndexKind kind, const char *after, uint32_t *ret);
/* A former name's row.  STORE_E_MISSING; index_delete() takes it away. */
int former_get(StoreTxn *txn, const char *name, uid_t *ret_uid, uint64_t *ret_until_usec);
int former_put(StoreTxn *txn, const char *name, uid_t uid, uint64_t until_usec);
/* Is the name a user's or a group's, tombstones too, or a former one of a user other than uid? */
int name_used(StoreTxn *txn, const char *name, uid_t uid, bool *ret);

#define USER_KEY_BYTES 4U /* the uid; a longer key of TABLE_USERS is not a user's */
#define LOG_KEY_BYTES  9U

typedef enum LogPart {
        LOG_ENTRY,
        LOG_VALUES,
        LOG_EVENT,
} LogPart;

/* Keys sort as numbers do. */
static inline void key_u32(uint8_t *key, uint32_t value) {
        for (int i = 0; i < 4; i++)
                key[i] = (uint8_t)(value >> (24 - 8 * i));
}

static inline void key_u64(uint8_t *key, uint64_t value) {
        for (int i = 0; i < 8; i++)
                key[i] = (uint8_t)(value >> (56 - 8 * i));
}

static inline uint32_t key_read_u32(const void *key) {
        const uint8_t *b = key;

        return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static inline uint64_t key_read_u64(const void *key) {
        const uint8_t *b = key;

        return (uint64_t)key_read_u32(b) << 32 | key_read_u32(b + 4);
}

static inline void key_log(uint8_t *key, uint64_t seq, LogPart part) {
        key_u64(key, seq);
        key[8] = (uint8_t)part;
}
