/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The ssh keys that accounts have with um.  A key is read strictly, from its text to its last byte,
 * and kept as what it is; what sshd is told later is written anew from that, so nothing that
 * somebody wrote beside his key gets into a line that sshd obeys. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "umd/core/undo.h"
#include "umd/core/holders.h"
#include "umd/core/login.h"

#define KEY_TEXT_MAX   8192U
#define FINGERPRINT_IS "SHA256:"
#define LINE_BYTES     (KEY_TEXT_MAX + 128U)

/* ---- base64 (RFC 4648, 4) ----------------------------------------------------------------- */

static void base64_write(const uint8_t *bytes, size_t len, bool pad, Text *text) {
        static const char digits[] =
                "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

        for (size_t i = 0; i < len; i += 3) {
                size_t left = len - i;
                uint32_t bits = (uint32_t)bytes[i] << 16 |
                                (left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0) |
                                (left > 2 ? bytes[i + 2] : 0);
                char four[5] = { digits[bits >> 18], digits[bits >> 12 & 63],
                                 left > 1 ? digits[bits >> 6 & 63] : '=',
                                 left > 2 ? digits[bits & 63] : '=', '\0' };

                if (!pad && left < 3)
                        four[left + 1] = '\0';
                base_text_add(text, four);
        }
}

static void fingerprint_write(const uint8_t *hash, char *buf) {
        Text text;

        base_text_init(&text, buf, CORE_FINGERPRINT_BYTES);
        base_text_add(&text, FINGERPRINT_IS);
        base64_write(hash, STORE_DEVICE_HASH_BYTES, false, &text);
}

/* The device of his that has the fingerprint, or NULL: the hash is written and compared, not read,
 * so there is one form of it. */
static const StoreDevice *device_find(const StoreDevices *devices, const char *fingerprint,
                                      uint8_t *ret_hash) {
        char text[CORE_FINGERPRINT_BYTES];

        for (size_t i = 0; i < devices->count; i++) {
                store_device_hash(devices->list[i]->blob, devices->list[i]->blob_len, ret_hash);
                fingerprint_write(ret_hash, text);
                if (strcmp(text, fingerprint) == 0)
                        return devices->list[i];
        }
        return NULL;
}

/* The type stands in the blob too, as its first string; it was read once, and is one that um
 * knows. */
static void type_write(const StoreDevice *device, char *buf, size_t size) {
        size_t len = device->blob_len > 4 ? device->blob[3] : 0;

        if (len == 0 || len >= size || len > device->blob_len - 4)
                len = 0;
        memcpy(buf, device->blob + 4, len);
        buf[len] = '\0';
}

/* ---- reading a key ------------------------------------------------------------------------ */

static int refuse(CoreError *error, const char *why) {
        return core_fail(error, CORE_E_BAD_VALUE, "key: %s", why);
}

/* Does a type of key stand further on in the line? */
static bool has_options(const char *line) {
        static const char *const types[] = { " ssh-", " ecdsa-sha2-", " sk-ssh-", " sk-ecdsa-" };

        for (size_t i = 0; i < ARRAY_LENGTH(types); i++)
                if (strstr(line, types[i]))
                        return true;
        return false;
}

/* What is wrong with a line that is no key. */
static int refuse_unread(const char *line, const SshKey *key, CoreError *error) {
        if (strncmp(line, "ssh-dss ", 8) == 0)
                return refuse(error, "a dsa key is not taken: make one of ed25519");
        if (key->type)
                return refuse(error, "is damaged: it does not end where it should, or is of "
                                     "another type than it says");
        if (has_options(line))
                return refuse(error, "options in front of a key are not taken: it begins with its "
                                     "type");
        return refuse(error, "is no ssh public key: a line as ssh-keygen writes it into a file "
                             "that ends in .pub");
}

static int key_read(const char *line, SshKey *ret, CoreError *error) {
        size_t len = strlen(line);
        PolicyKey kind;

        if (len > KEY_TEXT_MAX)
                return refuse(error, "is too long");
        if (strstr(line, "PRIVATE KEY") || strncmp(line, "PuTTY-User-Key-File", 19) == 0)
                return refuse(error, "is a private key, which nobody should be given: um takes "
                                     "the public one, in the file that ends in .pub");
        if (len > 0 && line[len - 1] == '\n')
                len--;
        if (len > 0 && line[len - 1] == '\r')
                len--;
        if (memchr(line, '\n', len) || memchr(line, '\r', len))
                return refuse(error, "must be one line");
        kind = core_ssh_key_read(line, len, ret);
        if (kind == POLICY_KEY_OTHER)
                return refuse_unread(line, ret, error);
        if (ret->certificate)
                return refuse(error, "is a certificate: um takes the key itself");
        if (kind == POLICY_KEY_RSA_SHORT)
                return refuse(error, "an rsa key of fewer than 2048 bits is not taken");
        if (ret->blob_len > STORE_DEVICE_BLOB_MAX)
                return refuse(error, "is too long");
        return 0;
}

/* ---- adding and taking away --------------------------------------------------------------- */

/* "SHA256:... laptop" */
static int device_note(Change *change, const StoreUser *user, const StoreDevice *device, bool added,
                       const char *fingerprint) {
        char text[CORE_FINGERPRINT_BYTES + CORE_LABEL_MAX + 2];
        int r;

        snprintf(text, sizeof(text), "%s%s%s", fingerprint, device->label[0] ? " " : "",
                 device->label);
        r = core_change_value(change, "key", added ? NULL : text, added ? text : NULL);
        if (r == 0)
                r = core_change_news(change, CORE_OBJECT_USER, CORE_NEWS_CHANGED, user->uid,
                                     user->name, NULL);
        return r;
}

/* Begins a change of somebody's keys: whoever gives an account a key can become it. */
static int begin(Change *change, Core *core, const Actor *actor, const char *name,
                 const CoreOptions *options, uint64_t now_usec, StoreUser **ret, CoreError *error) {
        int r = core_change_begin(change, core, actor, options, now_usec, error);

        if (r == 0)
                r = core_user_load(core, change->txn, name, false, ret, error);
        if (r == 0)
                r = core_actor_covers_account(change, *ret, error);
        if (r == 0)
                r = core_check_version(options, (*ret)->name, (*ret)->version, error);
        return r;
}

static int check_label(const char *label, CoreError *error) {
        CoreError faults = { 0 };

        core_check_text("label", FIELD_LINE, label, &faults);
        if (faults.outcome == CORE_DONE && strlen(label) > CORE_LABEL_MAX)
                core_fault_add(&faults, CORE_E_BAD_VALUE, "label: may have %u bytes at most",
                               CORE_LABEL_MAX);
        *error = faults;
        return (int)faults.outcome;
}

/* Nobody has it, or he has.  1: he has. */
static int check_free(Change *change, const StoreUser *user, const uint8_t *hash,
                      CoreError *error) {
        _cleanup_(store_device_freep) StoreDevice *device = NULL;
        _cleanup_(store_devices_done) StoreDevices devices = { 0 };
        int r = store_device_get(change->txn, hash, &device);

        if (r < 0)
                return r;
        if (r == 0)
                return device->uid == user->uid
                               ? 0
                               : core_fail(error, CORE_E_CONFLICT,
                                           "key: another account has it: a key is one's alone");
        r = store_devices_of_user(change->txn, user->uid, &devices);
        if (r == 0 && devices.count >= STORE_DEVICES_MAX)
                return core_fail(error, CORE_E_POLICY_REFUSED,
                                 "%s: has %u keys, and may have no more", user->name,
                                 STORE_DEVICES_MAX);
        return r;
}

int core_device_add(Core *core, const Actor *actor, const char *name, const char *key,
                    const char *label, const CoreOptions *options, uint64_t now_usec,
                    char *ret_fingerprint, CoreChange *ret, CoreError *error) {
        _cleanup_(store_user_freep) StoreUser *user = NULL;
        _cleanup_change_ Change change = { 0 };
        uint8_t hash[STORE_DEVICE_HASH_BYTES];
        StoreDevice device = { .label = label, .created_usec = now_usec, .created_by = actor->uid };
        SshKey read;
        int r;

        r = key_read(key, &read, error);
        if (r == 0)
                r = check_label(label, error);
        if (r == 0)
                r = begin(&change, core, actor, name, options, now_usec, &user, error);
        if (r != 0)
                return r;
        store_device_hash(read.blob, read.blob_len, hash);
        fingerprint_write(hash, ret_fingerprint);
        r = check_free(&change, user, hash, error);
        if (r != 0)
                return r;
        device.uid = user->uid;
        device.blob = read.blob;
        device.blob_len = read.blob_len;
        r = store_device_insert(change.txn, &device);
        if (r == STORE_E_EXISTS) { /* his own */
                *ret = (CoreChange){ .object_id = user->uid, .version = user->version };
                return 0;
        }
        if (r == 0)
                r = device_note(&change, user, &device, true, ret_fingerprint);
        if (r != 0)
                return r;
        return core_change_commit(&change, "device.add", "user", user->name, user->uid,
                                  user->version, ret);
}

int core_device_remove(Core *core, const Actor *actor, const char *name, const char *fingerprint,
                       const CoreOptions *options, uint64_t now_usec, CoreChange *ret,
                       CoreError *error) {
        _cleanup_(store_devices_done) StoreDevices devices = { 0 };
        _cleanup_(store_user_freep) StoreUser *user = NULL;
        _cleanup_change_ Change change = { 0 };
        uint8_t hash[STORE_DEVICE_HASH_BYTES];
        const StoreDevice *device;
        int r;

        r = begin(&change, core, actor, name, options, now_usec, &user, error);
        if (r == 0)
                r = store_devices_of_user(change.txn, user->uid, &devices);
        if (r != 0)
                return r;
        device = device_find(&devices, fingerprint, hash);
        if (!device)
                return core_fail(error, CORE_E_NO_SUCH_ENTRY, "%s: has no key %s", user->name,
                                 core_quote(fingerprint).text);
        r = store_device_delete(change.txn, user->uid, hash);
        if (r == 0)
                r = device_note(&change, user, device, false, fingerprint);
        if (r != 0)
                return r < 0 ? r : -EUCLEAN;
        return core_change_commit(&change, "device.remove", "user", user->name, user->uid,
                                  user->version, ret);
}

int core_devices_drop(Change *change, const StoreUser *user) {
        _cleanup_(store_devices_done) StoreDevices devices = { 0 };
        uint8_t hash[STORE_DEVICE_HASH_BYTES];
        int r = store_devices_of_user(change->txn, user->uid, &devices);

        for (size_t i = 0; r == 0 && i < devices.count; i++) {
                store_device_hash(devices.list[i]->blob, devices.list[i]->blob_len, hash);
                r = store_device_delete(change->txn, user->uid, hash);
        }
        if (r == 0 && devices.count > 0)
                r = core_note_never(change, user->uid, NEVER_KEYS);
        return r > 0 ? -EUCLEAN : r;
}

/* ---- showing ------------------------------------------------------------------------------ */

static int device_show(StoreTxn *txn, const StoreDevice *device,
                       void (*each)(void *userdata, const CoreDevice *device), void *userdata) {
        char fingerprint[CORE_FINGERPRINT_BYTES], type[64], by[CORE_ACTOR_BYTES];
        uint8_t hash[STORE_DEVICE_HASH_BYTES];
        int r = core_actor_name(txn, device->created_by, by);

        if (r < 0)
                return r;
        store_device_hash(device->blob, device->blob_len, hash);
        fingerprint_write(hash, fingerprint);
        type_write(device, type, sizeof(type));
        each(userdata, &(CoreDevice){ fingerprint, type, device->label, device->created_usec, by });
        return 0;
}

int core_device_list(Core *core, const char *name,
                     void (*each)(void *userdata, const CoreDevice *device), void *userdata,
                     CoreError *error) {
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        _cleanup_(store_devices_done) StoreDevices devices = { 0 };
        _cleanup_(store_user_freep) StoreUser *user = NULL;
        int r;

        r = store_begin_read(core->store, &txn);
        if (r == 0)
                r = core_user_load(core, txn, name, false, &user, error);
        if (r == 0)
                r = store_devices_of_user(txn, user->uid, &devices);
        for (size_t i = 0; r == 0 && i < devices.count; i++)
                r = device_show(txn, devices.list[i], each, userdata);
        return r;
}

/* ---- for sshd ----------------------------------------------------------------------------- */

/* Of a service account the line restricts the key to um-api by itself, should the Match block of
 * sshd's settings be missing. */
static void line_write(const StoreUser *user, const StoreDevice *device, Text *text) {
        char type[64];

        if (user->service)
                base_text_add(text, "restrict,command=\"" CORE_API_PROGRAM "\" ");
        type_write(device, type, sizeof(type));
        base_text_addf(text, "%s ", type);
        base64_write(device->blob, device->blob_len, true, text);
}

int core_device_authorized(Core *core, const char *name, const char *fingerprint,
                           void (*each)(void *userdata, const char *line), void *userdata) {
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        _cleanup_(store_devices_done) StoreDevices devices = { 0 };
        _cleanup_(store_user_freep) StoreUser *user = NULL;
        uint8_t hash[STORE_DEVICE_HASH_BYTES];
        const StoreDevice *device;
        char line[LINE_BYTES];
        Text text;
        int r;

        r = store_begin_read(core->store, &txn);
        if (r == 0)
                r = store_user_get_by_name(txn, name, &user);
        if (r == 0)
                r = store_devices_of_user(txn, user->uid, &devices);
        if (r != 0)
                return r < 0 ? r : 0; /* nobody has no keys */
        device = user->status == USER_STATUS_DELETED ? NULL
                                                     : device_find(&devices, fingerprint, hash);
        if (!device)
                return 0;
        base_text_init(&text, line, sizeof(line));
        line_write(user, device, &text);
        if (text.cut)
                return -EMSGSIZE;
        each(userdata, line);
        return 0;
}
