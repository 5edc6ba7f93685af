/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The outbox: what others want to be told, in the transaction of the change it tells of.  An event
 * stands beside the audit entry of its change, under the same number, so that it costs a commit no
 * page more.  Whoever reads too late finds the oldest gone. */

#include <errno.h>
#include <string.h>

#include "umd/store/internal.h"

static const CodecField event_fields[] = {
        { 1, CODEC_U64, true, offsetof(EventRecord, seq), 0, 0 },
        { 2, CODEC_U64, true, offsetof(EventRecord, time_usec), 0, 0 },
        { 3, CODEC_TEXT, true, offsetof(EventRecord, type), 0, CODEC_KEY_MAX },
        { 4, CODEC_TEXT, false, offsetof(EventRecord, object), 0, CODEC_TEXT_MAX },
};

const CodecKind codec_event = { 8, 1, sizeof(EventRecord), event_fields,
                                ARRAY_LENGTH(event_fields) };

/* Old ones go by many, not one for each entry that comes: both ends of the log in every commit
 * would be two places on the disk more. */
#define DROP_COUNT 256U

int events_drop(StoreTxn *txn) {
        Meta *meta = &txn->meta;

        if (meta->audit_last - meta->event_first < STORE_EVENT_SPAN)
                return 0;
        for (unsigned i = 0; i < DROP_COUNT; i++, meta->event_first++) {
                uint8_t key[LOG_KEY_BYTES];
                int r;

                key_log(key, meta->event_first, LOG_EVENT);
                r = table_delete(txn, TABLE_LOG, key, sizeof(key));
                if (r < 0)
                        return r;
        }
        return 0;
}

int store_event_append(StoreTxn *txn, const char *type, const char *object, uint64_t time_usec,
                       uint64_t *ret_seq) {
        EventRecord event = {
                .seq = txn->meta.audit_last,
                .time_usec = time_usec,
                .type = type,
                .object = object,
        };
        uint8_t key[LOG_KEY_BYTES];
        int r;

        if (event.seq == txn->meta.event_last)
                return -EINVAL;
        key_log(key, event.seq, LOG_EVENT);
        r = record_put(txn, TABLE_LOG, key, sizeof(key), &codec_event, &event, MDB_APPEND);
        if (r < 0)
                return r;
        txn->meta.event_last = event.seq;
        txn->meta_changed = true;
        *ret_seq = event.seq;
        return 0;
}

int store_event_get(StoreTxn *txn, uint64_t seq, char **ret_type, char **ret_object,
                    uint64_t *ret_time_usec) {
        _cleanup_free_ EventRecord *event = NULL;
        _cleanup_free_ char *type = NULL, *object = NULL;
        uint8_t key[LOG_KEY_BYTES];
        int r;

        key_log(key, seq, LOG_EVENT);
        r = record_get(txn, TABLE_LOG, key, sizeof(key), &codec_event, (void **)&event);
        if (r != 0)
                return r;
        if (event->seq != seq)
                return -EBADMSG;
        type = strdup(event->type);
        object = strdup(event->object);
        if (!type || !object)
                return -ENOMEM;
        *ret_type = TAKE(type);
        *ret_object = TAKE(object);
        *ret_time_usec = event->time_usec;
        return 0;
}
