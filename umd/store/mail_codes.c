/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Codes that were sent by e-mail: a row for a user who ever asked for one, behind his credential,
 * and another for those that stand for a forgotten password.
 *
 * It has the hash of the code that is out, if one is, where it went and where it was asked for, and
 * when the last ones were sent: how many may be is core's to say.  Versions only rise, so that no
 * hash is bound to the same number twice. */

#include <errno.h>
#include <string.h>

#include "umd/store/internal.h"

#define MAIL_CODE_KEY_BYTES 5U /* uid, the mark */
#define SEND_BYTES          8U
#define SENDS_BYTES         (SEND_BYTES * STORE_MAIL_SENDS_MAX)

static const CodecField mail_code_fields[] = {
        { 1, CODEC_U64, true, offsetof(MailCodeRecord, code.version), 0, 0 },
        { 2, CODEC_U32, true, offsetof(MailCodeRecord, code.uid), 0, 0 },
        { 3, CODEC_BYTES, false, offsetof(MailCodeRecord, code.hash.bytes),
          offsetof(MailCodeRecord, code.hash.len), CODEC_VERIFIER_MAX },
        { 4, CODEC_U64, false, offsetof(MailCodeRecord, code.hash.version), 0, 0 },
        { 5, CODEC_TEXT, false, offsetof(MailCodeRecord, code.address), 0, BASE_EMAIL_MAX },
        { 6, CODEC_U32, false, offsetof(MailCodeRecord, code.place), 0, 0 },
        { 7, CODEC_FIXED, true, offsetof(MailCodeRecord, code.network.bytes), 0,
          STORE_NETWORK_BYTES },
        { 8, CODEC_U32, false, offsetof(MailCodeRecord, code.tries), 0, 0 },
        { 9, CODEC_BYTES, false, offsetof(MailCodeRecord, sends),
          offsetof(MailCodeRecord, sends_len), SENDS_BYTES },
        { 10, CODEC_U64, false, offsetof(MailCodeRecord, code.refused_usec), 0, 0 },
};

const CodecKind codec_mail_code = { 17, 1, sizeof(MailCodeRecord), mail_code_fields,
                                    ARRAY_LENGTH(mail_code_fields) };

static const uint8_t marks[_STORE_MAIL_PURPOSE_MAX] = {
        [STORE_MAIL_FACTOR] = 'm',
        [STORE_MAIL_RESET] = 'r',
};

static void mail_code_key(uint8_t *key, uid_t uid, StoreMailPurpose purpose) {
        key_u32(key, uid);
        key[4] = marks[purpose];
}

static int sends_write(const StoreMailCode *code, uint8_t *ret, size_t *ret_len) {
        uint64_t before = 0;

        if (code->send_count > STORE_MAIL_SENDS_MAX)
                return -EINVAL;
        for (size_t i = 0; i < code->send_count; i++) {
                if (code->sends[i] <= before)
                        return -EINVAL;
                before = code->sends[i];
                for (size_t b = 0; b < SEND_BYTES; b++)
                        ret[i * SEND_BYTES + b] = (uint8_t)(code->sends[i] >> (8 * b));
        }
        *ret_len = code->send_count * SEND_BYTES;
        return 0;
}

int mail_code_sends_read(const uint8_t *bytes, size_t len, StoreMailCode *ret) {
        uint64_t before = 0;

        if (len % SEND_BYTES != 0 || len > SENDS_BYTES)
                return -EBADMSG;
        for (size_t i = 0; i < len / SEND_BYTES; i++) {
                uint64_t sent = 0;

                for (size_t b = 0; b < SEND_BYTES; b++)
                        sent |= (uint64_t)bytes[i * SEND_BYTES + b] << (8 * b);
                if (sent <= before)
                        return -EBADMSG;
                before = sent;
                ret->sends[i] = sent;
        }
        ret->send_count = len / SEND_BYTES;
        return 0;
}

int store_mail_code_get(StoreTxn *txn, uid_t uid, StoreMailPurpose purpose, StoreMailCode **ret) {
        _cleanup_free_ MailCodeRecord *record = NULL;
        uint8_t key[MAIL_CODE_KEY_BYTES];
        int r;

        mail_code_key(key, uid, purpose);
        r = record_get(txn, TABLE_CREDENTIALS, key, sizeof(key), &codec_mail_code,
                       (void **)&record);
        if (r == 0 && record->code.uid != uid)
                r = -EBADMSG;
        if (r == 0)
                r = mail_code_sends_read(record->sends, record->sends_len, &record->code);
        if (r != 0)
                return r;
        record->code.purpose = purpose;
        *ret = &TAKE(record)->code;
        return 0;
}

int store_mail_code_put(StoreTxn *txn, const StoreMailCode *code) {
        _cleanup_(store_mail_code_freep) StoreMailCode *old = NULL;
        MailCodeRecord record = { .code = *code };
        uint8_t key[MAIL_CODE_KEY_BYTES], sends[SENDS_BYTES];
        int r;

        if (!txn->writing)
                return -EINVAL;
        r = store_mail_code_get(txn, code->uid, code->purpose, &old);
        if (r < 0)
                return r;
        if ((old ? old->version : 0) != code->version)
                return STORE_E_CONFLICT;
        r = sends_write(code, sends, &record.sends_len);
        if (r < 0)
                return r;
        record.sends = record.sends_len > 0 ? sends : NULL;
        record.code.version++;
        mail_code_key(key, code->uid, code->purpose);
        return record_put(txn, TABLE_CREDENTIALS, key, sizeof(key), &codec_mail_code, &record, 0);
}

StoreMailCode *store_mail_code_free(StoreMailCode *code) {
        free(code); /* the first member of its record */
        return NULL;
}
