/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Any bytes as any record of the store: they decode to nothing, or to what encodes to the same
 * bytes again.  The first byte picks the kind; with its top bit the rest is the whole record, else
 * the header is made to fit, so that the fuzzer gets behind it. */

#include <assert.h>
#include <string.h>

#include "umd/store/internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const CodecKind *const kinds[] = { &codec_meta,   &codec_user,  &codec_credential,
                                          &codec_group,  &codec_grant, &codec_audit,
                                          &codec_values, &codec_event };

static void buffer_freep(CodecBuffer *buffer) {
        free(buffer->data);
}

static void values_check(const ValuesRecord *record) {
        size_t count, size;

        if (audit_values_measure(record->list, record->list_len, &count, &size) == 0)
                assert(count > 0 && size >= count * (sizeof(StoreValue) + 1));
}

static void record_check(const CodecKind *kind, const uint8_t *record, size_t len) {
        _cleanup_(buffer_freep) CodecBuffer again = {};
        _cleanup_free_ void *decoded = NULL;

        if (codec_decode(kind, record, len, 0, &decoded, NULL) < 0)
                return;
        assert(codec_encode(kind, decoded, &again) == 0);
        assert(again.len == len && memcmp(again.data, record, len) == 0);
        if (kind == &codec_values)
                values_check(decoded);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_free_ uint8_t *record = NULL;
        const CodecKind *kind;
        uint32_t total;

        if (size == 0)
                return 0;
        kind = kinds[data[0] % ARRAY_LENGTH(kinds)];
        if (data[0] & 0x80) {
                record_check(kind, data + 1, size - 1);
                return 0;
        }
        record = malloc(CODEC_HEADER_BYTES + size - 1);
        if (!record)
                return 0;
        total = (uint32_t)(size - 1);
        record[0] = kind->kind;
        record[1] = kind->version;
        memcpy(record + 2, &total,
               sizeof(total)); /* little-endian, as the machines that fuzz are */
        if (size > 1)
                memcpy(record + CODEC_HEADER_BYTES, data + 1, size - 1);
        record_check(kind, record, CODEC_HEADER_BYTES + size - 1);
        return 0;
}
