/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Devices, the ssh keys that users have with um: part of store.h, which includes it, on a page of
 * its own. */

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct StoreTxn StoreTxn;

#define STORE_DEVICES_MAX       64U /* of one user */
#define STORE_DEVICE_HASH_BYTES 32U
#define STORE_DEVICE_BLOB_MAX   4096U

/* A key of a user's, by its hash; one allocation. */
typedef struct StoreDevice {
        uint64_t version;
        uid_t uid;
        const uint8_t *blob; /* the public key as ssh has it (RFC 4253, 6.6) */
        size_t blob_len;
        const char *label;
        uint64_t created_usec;
        uid_t created_by;
} StoreDevice;

typedef struct StoreDevices {
        StoreDevice *list[STORE_DEVICES_MAX]; /* by hash */
        size_t count;
} StoreDevices;

/* SHA-256 of the blob, which ssh shows as "SHA256:..."; STORE_DEVICE_HASH_BYTES. */
void store_device_hash(const void *blob, size_t len, uint8_t *ret_hash);
/* STORE_E_EXISTS: it is somebody's, his own too.  How many he has is the caller's to look at. */
int store_device_insert(StoreTxn *txn, const StoreDevice *device);
/* Whose ever it is; STORE_E_MISSING. */
int store_device_get(StoreTxn *txn, const uint8_t *hash, StoreDevice **ret);
int store_device_delete(StoreTxn *txn, uid_t uid, const uint8_t *hash); /* STORE_E_MISSING */
int store_devices_of_user(StoreTxn *txn, uid_t uid, StoreDevices *ret);
void store_devices_done(StoreDevices *devices);
StoreDevice *store_device_free(StoreDevice *device);

static inline void store_device_freep(StoreDevice **device) {
        *device = store_device_free(*device);
}
