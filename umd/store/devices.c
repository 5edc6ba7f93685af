/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Devices: the ssh keys that users have with um.
 *
 * They stand behind the user's credential, a row each, by the key's hash, and the index leads from
 * the hash to the user: a key is one user's, or whoever has it could be taken for another. */

#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "umd/store/internal.h"

#define DEVICE_KEY_BYTES (5U + STORE_DEVICE_HASH_BYTES) /* uid, the mark, hash */
#define DEVICE_MARK      'k'

static const CodecField device_fields[] = {
        { 1, CODEC_U64, true, offsetof(StoreDevice, version), 0, 0 },
        { 2, CODEC_U32, true, offsetof(StoreDevice, uid), 0, 0 },
        { 3, CODEC_BYTES, true, offsetof(StoreDevice, blob), offsetof(StoreDevice, blob_len),
          STORE_DEVICE_BLOB_MAX },
        { 4, CODEC_TEXT, false, offsetof(StoreDevice, label), 0, CODEC_KEY_MAX },
        { 5, CODEC_U64, false, offsetof(StoreDevice, created_usec), 0, 0 },
        { 6, CODEC_U32, false, offsetof(StoreDevice, created_by), 0, 0 },
};

const CodecKind codec_device = { 27, 1, sizeof(StoreDevice), device_fields,
                                 ARRAY_LENGTH(device_fields) };

void store_device_hash(const void *blob, size_t len, uint8_t *ret_hash) {
        _Static_assert(STORE_DEVICE_HASH_BYTES == crypto_hash_sha256_BYTES, "");
        (void)crypto_hash_sha256(ret_hash, blob, len);
}

static void device_key(uint8_t *key, uid_t uid, const uint8_t *hash) {
        key_u32(key, uid);
        key[4] = DEVICE_MARK;
        memcpy(key + 5, hash, STORE_DEVICE_HASH_BYTES);
}

static bool is_device_of(const MDB_val *key, uid_t uid) {
        return key->mv_size == DEVICE_KEY_BYTES &&
               ((const uint8_t *)key->mv_data)[4] == DEVICE_MARK &&
               key_read_u32(key->mv_data) == uid;
}

/* What stands under a hash that is not its own would let another key in. */
static int device_decode(const MDB_val *data, const uint8_t *key, StoreDevice **ret) {
        _cleanup_(store_device_freep) StoreDevice *device = NULL;
        uint8_t hash[STORE_DEVICE_HASH_BYTES];
        int r;

        r = codec_decode(&codec_device, data->mv_data, data->mv_size, 0, (void **)&device, NULL);
        if (r < 0)
                return r;
        store_device_hash(device->blob, device->blob_len, hash);
        if (device->uid != key_read_u32(key) || memcmp(hash, key + 5, sizeof(hash)) != 0)
                return -EBADMSG;
        *ret = TAKE(device);
        return 0;
}

int store_device_insert(StoreTxn *txn, const StoreDevice *device) {
        uint8_t hash[STORE_DEVICE_HASH_BYTES], key[DEVICE_KEY_BYTES];
        StoreDevice written = *device;
        uint32_t uid;
        int r;

        store_device_hash(device->blob, device->blob_len, hash);
        r = index_get(txn, INDEX_DEVICE, (const char *)hash, sizeof(hash), &uid);
        if (r != STORE_E_MISSING)
                return r < 0 ? r : STORE_E_EXISTS;
        written.version = 1;
        device_key(key, device->uid, hash);
        r = record_put(txn, TABLE_CREDENTIALS, key, sizeof(key), &codec_device, &written, 0);
        return r < 0 ? r
                     : index_put(txn, INDEX_DEVICE, (const char *)hash, sizeof(hash), device->uid);
}

int store_device_get(StoreTxn *txn, const uint8_t *hash, StoreDevice **ret) {
        uint8_t key[DEVICE_KEY_BYTES];
        MDB_val data;
        uint32_t uid;
        int r;

        r = index_get(txn, INDEX_DEVICE, (const char *)hash, STORE_DEVICE_HASH_BYTES, &uid);
        if (r != 0)
                return r;
        device_key(key, uid, hash);
        r = table_get(txn, TABLE_CREDENTIALS, key, sizeof(key), &data);
        if (r != 0)
                return r < 0 ? r : -EBADMSG; /* an index that leads nowhere */
        return device_decode(&data, key, ret);
}

int store_device_delete(StoreTxn *txn, uid_t uid, const uint8_t *hash) {
        uint8_t key[DEVICE_KEY_BYTES];
        int r;

        device_key(key, uid, hash);
        r = table_delete(txn, TABLE_CREDENTIALS, key, sizeof(key));
        if (r == 0)
                r = index_delete(txn, INDEX_DEVICE, (const char *)hash, STORE_DEVICE_HASH_BYTES);
        else
                return r;
        return r > 0 ? -EBADMSG : r;
}

int store_devices_of_user(StoreTxn *txn, uid_t uid, StoreDevices *ret) {
        static const uint8_t first[STORE_DEVICE_HASH_BYTES];
        _cleanup_(mdb_cursor_closep) MDB_cursor *cursor = NULL;
        _cleanup_(store_devices_done) StoreDevices devices = { 0 };
        uint8_t start[DEVICE_KEY_BYTES];
        MDB_val key = { sizeof(start), start }, data;
        int r;

        device_key(start, uid, first);
        r = table_cursor(txn, TABLE_CREDENTIALS, &cursor);
        if (r < 0)
                return r;
        for (r = cursor_get(cursor, &key, &data, MDB_SET_RANGE); r == 0 && is_device_of(&key, uid);
             r = cursor_get(cursor, &key, &data, MDB_NEXT)) {
                if (devices.count == STORE_DEVICES_MAX)
                        return -EBADMSG;
                r = device_decode(&data, key.mv_data, &devices.list[devices.count]);
                if (r < 0)
                        return r;
                devices.count++;
        }
        if (r < 0)
                return r;
        *ret = devices;
        devices = (StoreDevices){ 0 };
        return 0;
}

void store_devices_done(StoreDevices *devices) {
        for (size_t i = 0; i < devices->count; i++)
                store_device_free(devices->list[i]);
        *devices = (StoreDevices){ 0 };
}

StoreDevice *store_device_free(StoreDevice *device) {
        free(device);
        return NULL;
}
