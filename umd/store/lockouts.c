/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What failed: a count for each place a user's logins come from, one for each source whoever was
 * meant, and the lock time they are counted in.
 *
 * A user's rows stand behind his credential, which a login reads anyway; those of the sources
 * behind all users'.  How many there may be is core's to say. */

#include <errno.h>
#include <string.h>

#include "umd/store/internal.h"

#define LOCKOUT_LETTER     'l'
#define THROTTLE_LETTER    's'
#define LOCKOUT_KEY_BYTES  (4U + 1U + 1U + STORE_NETWORK_BYTES)
#define THROTTLE_KEY_BYTES (4U + 1U + STORE_NETWORK_BYTES)
#define NOBODY             UINT32_MAX /* no uid: the rows of sources stand behind all users' */

#define FAILURE_BYTES  12U /* when, u64, and how many, u32, little-endian */
#define FAILURES_BYTES (FAILURE_BYTES * LOCKOUT_FAILURES_MAX)

#define LOCK_TIME_KEY "t"

/* ---- the failures of a count ----------------------------------------------------------------- */

typedef struct FailureBytes {
        uint8_t bytes[FAILURES_BYTES];
} FailureBytes;

static void le_write(uint8_t *at, uint64_t value, size_t bytes) {
        for (size_t i = 0; i < bytes; i++)
                at[i] = (uint8_t)(value >> (8 * i));
}

static uint64_t le_read(const uint8_t *at, size_t bytes) {
        uint64_t value = 0;

        for (size_t i = 0; i < bytes; i++)
                value |= (uint64_t)at[i] << (8 * i);
        return value;
}

static int failures_write(const LockoutState *state, FailureBytes *ret, size_t *ret_len) {
        uint64_t before = 0;

        if (state->failure_count > LOCKOUT_FAILURES_MAX)
                return -EINVAL;
        for (size_t i = 0; i < state->failure_count; i++) {
                const LockoutFailure *failure = &state->failures[i];

                if (failure->count == 0 || failure->at_usec <= before)
                        return -EINVAL;
                before = failure->at_usec;
                le_write(ret->bytes + i * FAILURE_BYTES, failure->at_usec, 8);
                le_write(ret->bytes + i * FAILURE_BYTES + 8, failure->count, 4);
        }
        *ret_len = state->failure_count * FAILURE_BYTES;
        return 0;
}

int lockout_failures_read(const uint8_t *bytes, size_t len, LockoutState *ret) {
        LockoutState state = { 0 };
        uint64_t before = 0;

        if (len % FAILURE_BYTES != 0 || len > FAILURES_BYTES)
                return -EBADMSG;
        for (; state.failure_count < len / FAILURE_BYTES; state.failure_count++) {
                const uint8_t *at = bytes + state.failure_count * FAILURE_BYTES;
                LockoutFailure failure = { le_read(at, 8), (uint32_t)le_read(at + 8, 4) };

                if (failure.count == 0 || failure.at_usec <= before)
                        return -EBADMSG;
                before = failure.at_usec;
                state.failures[state.failure_count] = failure;
        }
        *ret = state;
        return 0;
}

/* ---- of a user ------------------------------------------------------------------------------- */

static const CodecField lockout_fields[] = {
        { 1, CODEC_U32, true, offsetof(LockoutRecord, lockout.uid), 0, 0 },
        { 2, CODEC_U32, true, offsetof(LockoutRecord, lockout.place), 0, 0 },
        { 3, CODEC_FIXED, true, offsetof(LockoutRecord, lockout.network.bytes), 0,
          STORE_NETWORK_BYTES },
        { 4, CODEC_BYTES, false, offsetof(LockoutRecord, failures),
          offsetof(LockoutRecord, failures_len), FAILURES_BYTES },
        { 5, CODEC_U64, false, offsetof(LockoutRecord, lockout.state.locked_until_usec), 0, 0 },
        { 6, CODEC_U64, false, offsetof(LockoutRecord, lockout.proved_usec), 0, 0 },
        { 7, CODEC_U32, false, offsetof(LockoutRecord, lockout.untold_count), 0, 0 },
        { 8, CODEC_U64, false, offsetof(LockoutRecord, lockout.untold_since_usec), 0, 0 },
        { 9, CODEC_U64, false, offsetof(LockoutRecord, lockout.failed_usec), 0, 0 },
        { 10, CODEC_TEXT, false, offsetof(LockoutRecord, lockout.failed_source), 0, CODEC_KEY_MAX },
        { 11, CODEC_TEXT, false, offsetof(LockoutRecord, lockout.failed_service), 0,
          CODEC_KEY_MAX },
        { 12, CODEC_U64, false, offsetof(LockoutRecord, lockout.known_usec), 0, 0 },
};

const CodecKind codec_lockout = { 12, 1, sizeof(LockoutRecord), lockout_fields,
                                  ARRAY_LENGTH(lockout_fields) };

static void lockout_key(uint8_t *key, uid_t uid, uint32_t place, const StoreNetwork *network) {
        key_u32(key, uid);
        key[4] = LOCKOUT_LETTER;
        key[5] = (uint8_t)place;
        memcpy(key + 6, network->bytes, STORE_NETWORK_BYTES);
}

/* Fills in what the codec does not know, and holds the row against its key. */
static int lockout_settle(LockoutRecord *record, const uint8_t *key) {
        uint64_t until = record->lockout.state.locked_until_usec;
        uint8_t own[LOCKOUT_KEY_BYTES];
        int r;

        if (record->lockout.place > UINT8_MAX)
                return -EBADMSG;
        lockout_key(own, record->lockout.uid, record->lockout.place, &record->lockout.network);
        if (memcmp(own, key, sizeof(own)) != 0)
                return -EBADMSG;
        r = lockout_failures_read(record->failures, record->failures_len, &record->lockout.state);
        record->lockout.state.locked_until_usec = until;
        return r;
}

int store_lockout_get(StoreTxn *txn, uid_t uid, uint32_t place, const StoreNetwork *network,
                      StoreLockout **ret) {
        _cleanup_free_ LockoutRecord *record = NULL;
        uint8_t key[LOCKOUT_KEY_BYTES];
        int r;

        lockout_key(key, uid, place, network);
        r = record_get(txn, TABLE_CREDENTIALS, key, sizeof(key), &codec_lockout, (void **)&record);
        if (r == 0)
                r = lockout_settle(record, key);
        if (r != 0)
                return r;
        *ret = &TAKE(record)->lockout;
        return 0;
}

int store_lockout_put(StoreTxn *txn, const StoreLockout *lockout) {
        LockoutRecord record = { .lockout = *lockout };
        uint8_t key[LOCKOUT_KEY_BYTES];
        FailureBytes failures;
        int r;

        if (lockout->place > UINT8_MAX)
                return -EINVAL;
        r = failures_write(&lockout->state, &failures, &record.failures_len);
        if (r < 0)
                return r;
        record.failures = record.failures_len > 0 ? failures.bytes : NULL;
        lockout_key(key, lockout->uid, lockout->place, &lockout->network);
        return record_put(txn, TABLE_CREDENTIALS, key, sizeof(key), &codec_lockout, &record, 0);
}

int store_lockout_delete(StoreTxn *txn, uid_t uid, uint32_t place, const StoreNetwork *network) {
        uint8_t key[LOCKOUT_KEY_BYTES];

        lockout_key(key, uid, place, network);
        return table_delete(txn, TABLE_CREDENTIALS, key, sizeof(key));
}

static bool is_lockout(const MDB_val *key, uid_t uid) {
        const uint8_t *bytes = key->mv_data;

        return key->mv_size == LOCKOUT_KEY_BYTES && key_read_u32(bytes) == uid &&
               bytes[4] == LOCKOUT_LETTER;
}

int store_lockout_each(StoreTxn *txn, uid_t uid,
                       int (*each)(void *userdata, const StoreLockout *lockout), void *userdata) {
        static const StoreNetwork lowest;
        _cleanup_(mdb_cursor_closep) MDB_cursor *cursor = NULL;
        _cleanup_free_ void *memory = NULL;
        uint8_t start[LOCKOUT_KEY_BYTES];
        MDB_val key = { sizeof(start), start }, data;
        size_t size = 0;
        int r;

        lockout_key(start, uid, 0, &lowest);
        r = table_cursor(txn, TABLE_CREDENTIALS, &cursor);
        if (r < 0)
                return r;
        for (r = cursor_get(cursor, &key, &data, MDB_SET_RANGE); r == 0 && is_lockout(&key, uid);
             r = cursor_get(cursor, &key, &data, MDB_NEXT)) {
                r = record_reuse(&codec_lockout, &data, &memory, &size);
                if (r == 0)
                        r = lockout_settle(memory, key.mv_data);
                if (r == 0)
                        r = each(userdata, memory);
                if (r != 0)
                        return r;
        }
        return r < 0 ? r : 0;
}

StoreLockout *store_lockout_free(StoreLockout *lockout) {
        free(lockout);
        return NULL;
}

/* ---- of a source ----------------------------------------------------------------------------- */

static const CodecField throttle_fields[] = {
        { 1, CODEC_FIXED, true, offsetof(ThrottleRecord, throttle.network.bytes), 0,
          STORE_NETWORK_BYTES },
        { 2, CODEC_BYTES, false, offsetof(ThrottleRecord, failures),
          offsetof(ThrottleRecord, failures_len), FAILURES_BYTES },
        { 3, CODEC_U64, false, offsetof(ThrottleRecord, throttle.failed_usec), 0, 0 },
};

const CodecKind codec_throttle = { 13, 1, sizeof(ThrottleRecord), throttle_fields,
                                   ARRAY_LENGTH(throttle_fields) };

static void throttle_key(uint8_t *key, const StoreNetwork *network) {
        key_u32(key, NOBODY);
        key[4] = THROTTLE_LETTER;
        memcpy(key + 5, network->bytes, STORE_NETWORK_BYTES);
}

static int throttle_settle(ThrottleRecord *record, const uint8_t *key) {
        if (memcmp(key + 5, record->throttle.network.bytes, STORE_NETWORK_BYTES) != 0)
                return -EBADMSG;
        return lockout_failures_read(record->failures, record->failures_len,
                                     &record->throttle.state);
}

int store_throttle_get(StoreTxn *txn, const StoreNetwork *network, StoreThrottle *ret) {
        _cleanup_free_ ThrottleRecord *record = NULL;
        uint8_t key[THROTTLE_KEY_BYTES];
        int r;

        throttle_key(key, network);
        r = record_get(txn, TABLE_CREDENTIALS, key, sizeof(key), &codec_throttle, (void **)&record);
        if (r == 0)
                r = throttle_settle(record, key);
        if (r == 0)
                *ret = record->throttle;
        return r;
}

int store_throttle_each(StoreTxn *txn, int (*each)(void *userdata, const StoreThrottle *throttle),
                        void *userdata) {
        static const StoreNetwork lowest;
        _cleanup_(mdb_cursor_closep) MDB_cursor *cursor = NULL;
        _cleanup_free_ void *memory = NULL;
        uint8_t start[THROTTLE_KEY_BYTES];
        MDB_val key = { sizeof(start), start }, data;
        size_t size = 0;
        int r;

        throttle_key(start, &lowest);
        r = table_cursor(txn, TABLE_CREDENTIALS, &cursor);
        if (r < 0)
                return r;
        for (r = cursor_get(cursor, &key, &data, MDB_SET_RANGE);
             r == 0 && key.mv_size == sizeof(start) && memcmp(key.mv_data, start, 5) == 0;
             r = cursor_get(cursor, &key, &data, MDB_NEXT)) {
                r = record_reuse(&codec_throttle, &data, &memory, &size);
                if (r == 0)
                        r = throttle_settle(memory, key.mv_data);
                if (r == 0)
                        r = each(userdata, memory);
                if (r != 0)
                        return r;
        }
        return r < 0 ? r : 0;
}

int store_throttle_put(StoreTxn *txn, const StoreThrottle *throttle) {
        ThrottleRecord record = { .throttle = *throttle };
        uint8_t key[THROTTLE_KEY_BYTES];
        FailureBytes failures;
        int r;

        r = failures_write(&throttle->state, &failures, &record.failures_len);
        if (r < 0)
                return r;
        record.failures = record.failures_len > 0 ? failures.bytes : NULL;
        throttle_key(key, &throttle->network);
        return record_put(txn, TABLE_CREDENTIALS, key, sizeof(key), &codec_throttle, &record, 0);
}

int store_throttle_delete(StoreTxn *txn, const StoreNetwork *network) {
        uint8_t key[THROTTLE_KEY_BYTES];

        throttle_key(key, network);
        return table_delete(txn, TABLE_CREDENTIALS, key, sizeof(key));
}

/* ---- lock time ------------------------------------------------------------------------------- */

static const CodecField lock_time_fields[] = {
        { 1, CODEC_U64, true, offsetof(StoreLockTime, lock_usec), 0, 0 },
        { 2, CODEC_U64, true, offsetof(StoreLockTime, boottime_usec), 0, 0 },
        { 3, CODEC_FIXED, true, offsetof(StoreLockTime, boot_id), 0, STORE_BOOT_ID_BYTES },
};

const CodecKind codec_lock_time = { 16, 1, sizeof(StoreLockTime), lock_time_fields,
                                    ARRAY_LENGTH(lock_time_fields) };

int store_lock_time_get(StoreTxn *txn, StoreLockTime *ret) {
        _cleanup_free_ StoreLockTime *record = NULL;
        int r;

        r = record_get(txn, TABLE_MAIN, LOCK_TIME_KEY, strlen(LOCK_TIME_KEY), &codec_lock_time,
                       (void **)&record);
        if (r == 0)
                *ret = *record;
        return r;
}

int store_lock_time_put(StoreTxn *txn, const StoreLockTime *time) {
        return record_put(txn, TABLE_MAIN, LOCK_TIME_KEY, strlen(LOCK_TIME_KEY), &codec_lock_time,
                          time, 0);
}
