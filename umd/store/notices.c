/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a user is to be told at his next login: a short queue in one row behind his credential, so
 * that a login for which there is nothing to tell costs one look.  Whoever writes says how many
 * there may be; the oldest give way, and are counted. */

#include <errno.h>
#include <string.h>

#include "umd/store/internal.h"

#define NOTICES_KEY_BYTES 5U /* uid, the mark */
#define NOTICES_MARK      'n'
#define NOTICE_HEAD_BYTES 9U /* when, u64 little-endian; how long, u8 */
#define NOTICES_BYTES     ((NOTICE_HEAD_BYTES + STORE_NOTICE_MAX + 1U) * STORE_NOTICES_MAX)

static const CodecField notices_fields[] = {
        { 1, CODEC_U32, true, offsetof(NoticesRecord, notices.uid), 0, 0 },
        { 2, CODEC_U32, false, offsetof(NoticesRecord, notices.dropped), 0, 0 },
        { 3, CODEC_U64, false, offsetof(NoticesRecord, notices.shown_usec), 0, 0 },
        { 4, CODEC_BYTES, true, offsetof(NoticesRecord, list), offsetof(NoticesRecord, list_len),
          NOTICES_BYTES },
};

const CodecKind codec_notices = { 18, 1, sizeof(NoticesRecord), notices_fields,
                                  ARRAY_LENGTH(notices_fields) };

static void notices_key(uint8_t *key, uid_t uid) {
        key_u32(key, uid);
        key[4] = NOTICES_MARK;
}

/* The texts stay where they are: each has its NUL. */
int notices_list_read(const uint8_t *bytes, size_t len, StoreNotices *ret) {
        const uint8_t *at = bytes, *end = bytes + len;

        for (ret->count = 0; at < end; ret->count++) {
                StoreNotice *notice = &ret->list[ret->count];
                size_t text_len;

                if (ret->count == STORE_NOTICES_MAX || (size_t)(end - at) < NOTICE_HEAD_BYTES)
                        return -EBADMSG;
                notice->time_usec = 0;
                for (size_t b = 0; b < 8; b++)
                        notice->time_usec |= (uint64_t)at[b] << (8 * b);
                text_len = at[8];
                at += NOTICE_HEAD_BYTES;
                if (text_len == 0 || text_len > STORE_NOTICE_MAX ||
                    (size_t)(end - at) <= text_len || at[text_len] != 0 ||
                    !codec_text_ok((const char *)at, text_len))
                        return -EBADMSG;
                notice->text = (const char *)at;
                at += text_len + 1;
        }
        return ret->count > 0 ? 0 : -EBADMSG;
}

static int list_write(const StoreNotices *notices, uint8_t *buf, size_t *ret_len) {
        uint8_t *at = buf;

        if (notices->count == 0 || notices->count > STORE_NOTICES_MAX)
                return -EINVAL;
        for (size_t i = 0; i < notices->count; i++) {
                const StoreNotice *notice = &notices->list[i];
                size_t len = strnlen(notice->text, STORE_NOTICE_MAX + 1);

                if (len == 0 || len > STORE_NOTICE_MAX || !codec_text_ok(notice->text, len))
                        return -EINVAL;
                for (size_t b = 0; b < 8; b++)
                        *at++ = (uint8_t)(notice->time_usec >> (8 * b));
                *at++ = (uint8_t)len;
                memcpy(at, notice->text, len + 1);
                at += len + 1;
        }
        *ret_len = (size_t)(at - buf);
        return 0;
}

int store_notices_get(StoreTxn *txn, uid_t uid, StoreNotices **ret) {
        _cleanup_free_ NoticesRecord *record = NULL;
        uint8_t key[NOTICES_KEY_BYTES];
        int r;

        notices_key(key, uid);
        r = record_get(txn, TABLE_CREDENTIALS, key, sizeof(key), &codec_notices, (void **)&record);
        if (r == 0 && record->notices.uid != uid)
                r = -EBADMSG;
        if (r == 0)
                r = notices_list_read(record->list, record->list_len, &record->notices);
        if (r != 0)
                return r;
        *ret = &TAKE(record)->notices;
        return 0;
}

int store_notices_put(StoreTxn *txn, const StoreNotices *notices) {
        NoticesRecord record = { .notices = *notices };
        uint8_t key[NOTICES_KEY_BYTES], list[NOTICES_BYTES];
        int r = list_write(notices, list, &record.list_len);

        if (r < 0)
                return r;
        record.list = list;
        notices_key(key, notices->uid);
        return record_put(txn, TABLE_CREDENTIALS, key, sizeof(key), &codec_notices, &record, 0);
}

int store_notices_delete(StoreTxn *txn, uid_t uid) {
        uint8_t key[NOTICES_KEY_BYTES];

        notices_key(key, uid);
        return table_delete(txn, TABLE_CREDENTIALS, key, sizeof(key));
}

StoreNotices *store_notices_free(StoreNotices *notices) {
        free(notices); /* the first member of its record */
        return NULL;
}
