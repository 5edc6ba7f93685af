/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The record codec: a table of fields per kind of record, one walk that encodes and one that reads.
 *
 * Every record has exactly one encoding: tags rise, a field that is empty is left out unless it is
 * mandatory, lengths take their shortest form, lists are sorted.  So what decodes encodes to the
 * same bytes, hashes over encodings mean something, and whatever is not the one encoding is
 * -EBADMSG: nothing is ever made of a part of it.  docs/api/store.md has the bytes. */

#include <endian.h>
#include <errno.h>
#include <string.h>

#include "umd/store/internal.h"

int codec_buffer_add(CodecBuffer *buffer, const void *data, size_t len) {
        if (len > CODEC_RECORD_MAX || buffer->len + len > CODEC_RECORD_MAX)
                return -EINVAL;
        if (buffer->len + len > buffer->size) {
                size_t size = buffer->size > 0 ? buffer->size : 1024;
                uint8_t *grown;

                while (size < buffer->len + len)
                        size *= 2;
                grown = realloc(buffer->data, size);
                if (!grown)
                        return -ENOMEM;
                buffer->data = grown;
                buffer->size = size;
        }
        if (len > 0)
                memcpy(buffer->data + buffer->len, data, len);
        buffer->len += len;
        return 0;
}

int codec_buffer_add_varint(CodecBuffer *buffer, uint32_t value) {
        uint8_t bytes[5];
        size_t n = 0;

        for (; value >= 0x80; value >>= 7)
                bytes[n++] = (uint8_t)(value | 0x80);
        bytes[n++] = (uint8_t)value;
        return codec_buffer_add(buffer, bytes, n);
}

int codec_varint_read(const uint8_t *data, size_t len, uint32_t *ret) {
        uint64_t value = 0;

        for (size_t i = 0; i < len && i < 5; i++) {
                value |= (uint64_t)(data[i] & 0x7F) << (7 * i);
                if (data[i] & 0x80)
                        continue;
                if ((i > 0 && data[i] == 0) || value > UINT32_MAX)
                        return -EBADMSG;
                *ret = (uint32_t)value;
                return (int)i + 1;
        }
        return -EBADMSG;
}

bool codec_text_ok(const char *s, size_t len) {
        for (size_t at = 0; at < len;) {
                uint32_t c;
                uint64_t eight;
                int n;

                if (len - at >= sizeof(eight)) { /* all eight 0x01 to 0x7F? */
                        memcpy(&eight, s + at, sizeof(eight));
                        if (((eight | (eight - 0x0101010101010101U)) & 0x8080808080808080U) == 0) {
                                at += sizeof(eight);
                                continue;
                        }
                }
                if ((unsigned char)s[at] - 1U < 0x7F) { /* 0x01 to 0x7F */
                        at++;
                        continue;
                }
                n = base_utf8_decode(s + at, len - at, &c);
                if (n < 0 || c == 0)
                        return false;
                at += (size_t)n;
        }
        return true;
}

/* ---- encoding -------------------------------------------------------------------------------- */

static int field_add(CodecBuffer *buffer, uint8_t tag, const void *data, size_t len) {
        int r;

        r = codec_buffer_add(buffer, &tag, 1);
        if (r >= 0)
                r = codec_buffer_add_varint(buffer, (uint32_t)len);
        if (r >= 0)
                r = codec_buffer_add(buffer, data, len);
        return r;
}

static int u64_encode(const CodecField *field, const void *at, uint64_t empty,
                      CodecBuffer *buffer) {
        uint64_t value, little;

        memcpy(&value, at, sizeof(value));
        if (value == empty && !field->mandatory)
                return 0;
        little = htole64(value);
        return field_add(buffer, field->tag, &little, sizeof(little));
}

static int u32_encode(const CodecField *field, const void *at, CodecBuffer *buffer) {
        uint32_t value, little;

        memcpy(&value, at, sizeof(value));
        if (value == 0 && !field->mandatory)
                return 0;
        little = htole32(value);
        return field_add(buffer, field->tag, &little, sizeof(little));
}

static int byte_encode(const CodecField *field, uint32_t value, CodecBuffer *buffer) {
        uint8_t byte = (uint8_t)value;

        if (value == 0 && !field->mandatory)
                return 0;
        return field_add(buffer, field->tag, &byte, 1);
}

static int text_encode(const CodecField *field, const void *at, CodecBuffer *buffer) {
        const char *s;
        size_t len;

        memcpy(&s, at, sizeof(s));
        if (!s)
                return -EINVAL;
        len = strnlen(s, field->max + 1);
        if (len > field->max || !codec_text_ok(s, len) || (len == 0 && field->mandatory))
                return -EINVAL;
        return len == 0 ? 0 : field_add(buffer, field->tag, s, len);
}

static int ids_encode(const CodecField *field, const uint32_t *ids, size_t count,
                      CodecBuffer *buffer) {
        int r;

        if (count == 0)
                return 0;
        if (count > field->max || !ids)
                return -EINVAL;
        r = codec_buffer_add(buffer, &field->tag, 1);
        if (r >= 0)
                r = codec_buffer_add_varint(buffer, (uint32_t)(count * sizeof(uint32_t)));
        for (size_t i = 0; r >= 0 && i < count; i++) {
                uint32_t little = htole32(ids[i]);

                if (i > 0 && ids[i - 1] >= ids[i])
                        return -EINVAL;
                r = codec_buffer_add(buffer, &little, sizeof(little));
        }
        return r;
}

/* BYTES and IDS: a pointer and a count. */
static int array_encode(const CodecField *field, const uint8_t *record, CodecBuffer *buffer) {
        const void *data;
        size_t count;

        memcpy(&data, record + field->offset, sizeof(data));
        memcpy(&count, record + field->count_offset, sizeof(count));
        if (field->type == CODEC_IDS)
                return ids_encode(field, data, count, buffer);
        if (count > field->max || (count == 0 && field->mandatory) || (count > 0 && !data))
                return -EINVAL;
        return count == 0 ? 0 : field_add(buffer, field->tag, data, count);
}

static int field_encode(const CodecField *field, const uint8_t *record, CodecBuffer *buffer) {
        const uint8_t *at = record + field->offset;
        UserStatus status;
        bool yes;

        switch (field->type) {
        case CODEC_BOOL:
                memcpy(&yes, at, sizeof(yes));
                return byte_encode(field, yes, buffer);
        case CODEC_STATUS:
                memcpy(&status, at, sizeof(status));
                if (status <= USER_STATUS_INVALID || status >= _USER_STATUS_MAX)
                        return -EINVAL;
                return byte_encode(field, status, buffer);
        case CODEC_U32:
                return u32_encode(field, at, buffer);
        case CODEC_U64:
                return u64_encode(field, at, 0, buffer);
        case CODEC_UNTIL:
                return u64_encode(field, at, USEC_INFINITY, buffer);
        case CODEC_TEXT:
                return text_encode(field, at, buffer);
        case CODEC_FIXED:
                return field_add(buffer, field->tag, at, field->max);
        case CODEC_BYTES:
        case CODEC_IDS:
                return array_encode(field, record, buffer);
        case _CODEC_TYPE_MAX:
                break;
        }
        return -EINVAL;
}

int codec_encode(const CodecKind *kind, const void *record, CodecBuffer *buffer) {
        uint8_t header[CODEC_HEADER_BYTES] = { kind->kind, kind->version };
        uint32_t total;
        int r;

        buffer->len = 0;
        r = codec_buffer_add(buffer, header, sizeof(header));
        for (size_t i = 0; r >= 0 && i < kind->field_count; i++)
                r = field_encode(&kind->fields[i], record, buffer);
        if (r < 0)
                return r;
        total = htole32((uint32_t)(buffer->len - CODEC_HEADER_BYTES));
        memcpy(buffer->data + 2, &total, sizeof(total));
        return 0;
}

/* ---- decoding -------------------------------------------------------------------------------- */

/* A field's bytes in the record; data NULL where it is not there. */
typedef struct Slice {
        const uint8_t *data;
        size_t len;
} Slice;

/* Takes the field off the front of *at if it is the next one. */
static int slice_take(const uint8_t **at, const uint8_t *end, const CodecField *field, Slice *ret) {
        uint32_t len;
        int n;

        *ret = (Slice){};
        if (*at == end || **at != field->tag)
                return field->mandatory ? -EBADMSG : 0;
        if (end - *at > 1 && (*at)[1] < 0x80) { /* nearly always */
                len = (*at)[1];
                n = 1;
        } else
                n = codec_varint_read(*at + 1, (size_t)(end - *at) - 1, &len);
        if (n < 0 || len > (size_t)(end - *at) - 1 - (size_t)n)
                return -EBADMSG;
        *ret = (Slice){ *at + 1 + n, len };
        *at += 1 + (size_t)n + len;
        return 0;
}

static uint64_t read_u64(const uint8_t *data) {
        uint64_t value;

        memcpy(&value, data, sizeof(value));
        return le64toh(value);
}

static uint32_t read_u32(const uint8_t *data) {
        uint32_t value;

        memcpy(&value, data, sizeof(value));
        return le32toh(value);
}

static bool ids_ok(const CodecField *field, const Slice *slice) {
        if (slice->len == 0 || slice->len % 4 != 0 || slice->len / 4 > field->max)
                return false;
        for (size_t i = 4; i < slice->len; i += 4)
                if (read_u32(slice->data + i - 4) >= read_u32(slice->data + i))
                        return false;
        return true;
}

/* Is it the one encoding of a value the field can have? */
static bool slice_ok(const CodecField *field, const Slice *slice) {
        const uint8_t *data = slice->data;
        size_t len = slice->len;

        switch (field->type) {
        case CODEC_BOOL:
                return len == 1 && (data[0] == 1 || (data[0] == 0 && field->mandatory));
        case CODEC_STATUS:
                return len == 1 && data[0] > USER_STATUS_INVALID && data[0] < _USER_STATUS_MAX;
        case CODEC_U32:
                return len == 4 && (field->mandatory || read_u32(data) != 0);
        case CODEC_U64:
                return len == 8 && (field->mandatory || read_u64(data) != 0);
        case CODEC_UNTIL:
                return len == 8 && (field->mandatory || read_u64(data) != USEC_INFINITY);
        case CODEC_TEXT:
                return len > 0 && len <= field->max && codec_text_ok((const char *)data, len);
        case CODEC_FIXED:
                return len == field->max;
        case CODEC_BYTES:
                return len > 0 && len <= field->max;
        case CODEC_IDS:
                return ids_ok(field, slice);
        case _CODEC_TYPE_MAX:
                break;
        }
        return false;
}

/* Room for a list of ids starts where one may stand. */
static size_t aligned(size_t n) {
        return (n + 3U) & ~(size_t)3U;
}

/* Where the next text, array or list of a struct of this size goes. */
static size_t slice_place(const CodecField *field, const Slice *slice, size_t *size) {
        size_t at = *size;

        if (!slice->data)
                return at;
        if (field->type == CODEC_TEXT)
                *size = at + slice->len + 1;
        else if (field->type == CODEC_BYTES)
                *size = at + slice->len;
        else if (field->type == CODEC_IDS) {
                at = aligned(at);
                *size = at + slice->len;
        }
        return at;
}

int codec_measure(const CodecKind *kind, const void *data, size_t len, size_t *ret_size) {
        const uint8_t *at = data, *end = at + len;
        size_t size = kind->size;

        if (len < CODEC_HEADER_BYTES || len > CODEC_RECORD_MAX || at[0] != kind->kind ||
            at[1] != kind->version || read_u32(at + 2) != len - CODEC_HEADER_BYTES)
                return -EBADMSG;
        at += CODEC_HEADER_BYTES;
        for (size_t i = 0; i < kind->field_count; i++) {
                const CodecField *field = &kind->fields[i];
                Slice slice;
                int r = slice_take(&at, end, field, &slice);

                if (r < 0)
                        return r;
                if (slice.data && !slice_ok(field, &slice))
                        return -EBADMSG;
                slice_place(field, &slice, &size);
        }
        /* an unknown tag, one out of order and one that stands twice all end up here */
        if (at != end)
                return -EBADMSG;
        *ret_size = size;
        return 0;
}

int codec_field(const CodecKind *kind, const void *data, size_t len, uint8_t tag,
                const uint8_t **ret, size_t *ret_len) {
        const uint8_t *at = data, *end = at + len;

        if (len < CODEC_HEADER_BYTES || at[0] != kind->kind || at[1] != kind->version)
                return -EBADMSG;
        at += CODEC_HEADER_BYTES;
        for (size_t i = 0; i < kind->field_count; i++) {
                const CodecField *field = &kind->fields[i];
                Slice slice;

                if (slice_take(&at, end, field, &slice) < 0)
                        return -EBADMSG;
                if (field->tag != tag)
                        continue;
                if (!slice.data || !slice_ok(field, &slice))
                        return -EBADMSG;
                *ret = slice.data;
                *ret_len = slice.len;
                return 0;
        }
        return -EBADMSG;
}

static void number_fill(const CodecField *field, const Slice *slice, uint8_t *memory) {
        uint64_t u64 = field->type == CODEC_UNTIL ? USEC_INFINITY : 0;
        uint32_t u32 = 0;

        if (field->type == CODEC_U32) {
                if (slice->data)
                        u32 = read_u32(slice->data);
                memcpy(memory + field->offset, &u32, sizeof(u32));
                return;
        }
        if (slice->data)
                u64 = read_u64(slice->data);
        memcpy(memory + field->offset, &u64, sizeof(u64));
}

static void text_fill(const CodecField *field, const Slice *slice, size_t place, uint8_t *memory) {
        const char *text = slice->data ? (const char *)memory + place : "";

        if (slice->data) {
                memcpy(memory + place, slice->data, slice->len);
                memory[place + slice->len] = '\0';
        }
        memcpy(memory + field->offset, &text, sizeof(text));
}

static void array_fill(const CodecField *field, const Slice *slice, size_t place, uint8_t *memory) {
        const void *array = slice->data ? memory + place : NULL;
        size_t count = field->type == CODEC_IDS ? slice->len / 4 : slice->len;

        if (slice->data && field->type == CODEC_BYTES)
                memcpy(memory + place, slice->data, slice->len);
        else
                for (size_t i = 0; i < slice->len; i += 4) {
                        uint32_t id = read_u32(slice->data + i);

                        memcpy(memory + place + i, &id, sizeof(id));
                }
        memcpy(memory + field->offset, &array, sizeof(array));
        memcpy(memory + field->count_offset, &count, sizeof(count));
}

static void slice_fill(const CodecField *field, const Slice *slice, size_t place, uint8_t *memory) {
        UserStatus status;
        bool yes;

        switch (field->type) {
        case CODEC_BOOL:
                yes = slice->data && slice->data[0] == 1;
                memcpy(memory + field->offset, &yes, sizeof(yes));
                return;
        case CODEC_STATUS:
                status = (UserStatus)slice->data[0];
                memcpy(memory + field->offset, &status, sizeof(status));
                return;
        case CODEC_U32:
        case CODEC_U64:
        case CODEC_UNTIL:
                number_fill(field, slice, memory);
                return;
        case CODEC_TEXT:
                text_fill(field, slice, place, memory);
                return;
        case CODEC_FIXED:
                memcpy(memory + field->offset, slice->data, slice->len);
                return;
        case CODEC_BYTES:
        case CODEC_IDS:
                array_fill(field, slice, place, memory);
                return;
        case _CODEC_TYPE_MAX:
                return;
        }
}

void codec_fill(const CodecKind *kind, const void *data, size_t len, void *memory) {
        const uint8_t *at = (const uint8_t *)data + CODEC_HEADER_BYTES,
                      *end = (const uint8_t *)data + len;
        size_t size = kind->size;

        memset(memory, 0, kind->size);
        for (size_t i = 0; i < kind->field_count; i++) {
                Slice slice;

                if (slice_take(&at, end, &kind->fields[i], &slice) < 0)
                        return; /* it was measured: cannot happen */
                slice_fill(&kind->fields[i], &slice, slice_place(&kind->fields[i], &slice, &size),
                           memory);
        }
}

int codec_decode(const CodecKind *kind, const void *data, size_t len, size_t extra_size, void **ret,
                 void **ret_extra) {
        size_t size;
        uint8_t *memory;
        int r;

        r = codec_measure(kind, data, len, &size);
        if (r < 0)
                return r;
        size = (size + 15U) & ~(size_t)15U;
        memory = malloc(size + extra_size);
        if (!memory)
                return -ENOMEM;
        codec_fill(kind, data, len, memory);
        *ret = memory;
        if (ret_extra)
                *ret_extra = memory + size;
        return 0;
}
