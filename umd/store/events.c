/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The outbox: what others want to be told, numbered, in the transaction of the change it tells of.
 * A ring: whoever reads too late finds the oldest gone, and knows it by the numbers. */

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

/* Old ones go by the row, not one for each that comes: both ends of the table in every commit would
 * be two places on the disk more. */
#define RING_DROP 256U

static int ring_shift(StoreTxn *txn) {
        Meta *meta = &txn->meta;

        if (meta->event_last + 1 - meta->event_first < STORE_EVENT_MAX)
                return 0;
        for (unsigned i = 0; i < RING_DROP; i++, meta->event_first++) {
                uint8_t key[8];
                int r;

                key_u64(key, meta->event_first);
                r = table_delete(txn, TABLE_EVENTS, key, sizeof(key));
                if (r < 0)
                        return r;
        }
        return 0;
}

int store_event_append(StoreTxn *txn, const char *type, const char *object, uint64_t time_usec,
                       uint64_t *ret_seq) {
        EventRecord event = {
                .seq = txn->meta.event_last + 1,
                .time_usec = time_usec,
                .type = type,
                .object = object,
        };
        uint8_t key[8];
        int r;

        key_u64(key, event.seq);
        r = record_put(txn, TABLE_EVENTS, key, sizeof(key), &codec_event, &event, MDB_APPEND);
        if (r == 0)
                r = ring_shift(txn);
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
        uint8_t key[8];
        int r;

        key_u64(key, seq);
        r = record_get(txn, TABLE_EVENTS, key, sizeof(key), &codec_event, (void **)&event);
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
