/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The header of a D-Bus message ("Message Format" of the specification), read by length alone:
 * the fixed part, then each header field with its type, bounds, padding and terminator.  Stricter
 * than the specification in four points, each of which a client of um has no use for: only method
 * calls, no sender, no descriptors, no unknown or repeated field.  Never reads a body. */

#include <byteswap.h>
#include <string.h>

#include "wire/wire.h"

#include "umd/bus/gate.h"

#define FIELD_PATH      1U
#define FIELD_MEMBER    3U
#define FIELD_SENDER    7U
#define FIELD_SIGNATURE 8U
#define FIELD_UNIX_FDS  9U
#define FIELD_CODE_MAX  10U

typedef struct FieldReader {
        const uint8_t *bytes;
        size_t at, end;
        bool swap;
        uint32_t seen; /* bit per code */
} FieldReader;

static uint32_t u32_read(const uint8_t *bytes, bool swap) {
        uint32_t value;

        memcpy(&value, bytes, sizeof(value));
        return swap ? bswap_32(value) : value;
}

static size_t align8(size_t at) {
        return (at + 7) & ~(size_t)7;
}

bool gate_header_read(const uint8_t *bytes, GateHeader *ret) {
        const char native = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? 'l' : 'B';

        if (bytes[0] != 'l' && bytes[0] != 'B')
                return false;
        *ret = (GateHeader){
                .swap = bytes[0] != native,
                .type = bytes[1],
                .flags = bytes[2],
                .version = bytes[3],
        };
        ret->body_bytes = u32_read(bytes + 4, ret->swap);
        ret->serial = u32_read(bytes + 8, ret->swap);
        ret->fields_bytes = u32_read(bytes + 12, ret->swap);
        ret->total_bytes = GATE_HEADER_BYTES + (((uint64_t)ret->fields_bytes + 7) & ~(uint64_t)7) +
                           ret->body_bytes;
        return true;
}

GateFault gate_header_check(const GateHeader *header) {
        if (header->type != GATE_TYPE_CALL)
                return GATE_FAULT_TYPE;
        if (header->version != 1)
                return GATE_FAULT_VERSION;
        if (header->serial == 0)
                return GATE_FAULT_SERIAL;
        if (header->total_bytes > WIRE_MESSAGE_MAX)
                return GATE_FAULT_LENGTH;
        return GATE_OK; /* unknown flags are ignored, as the specification demands */
}

static bool reader_has(const FieldReader *reader, size_t count) {
        return reader->end - reader->at >= count;
}

static GateFault padding_skip(FieldReader *reader, size_t to) {
        for (; reader->at < to; reader->at++)
                if (reader->bytes[reader->at] != 0)
                        return GATE_FAULT_PADDING;
        return GATE_OK;
}

/* len bytes without NUL and a NUL behind them. */
static GateFault text_skip(FieldReader *reader, size_t len) {
        const uint8_t *text = reader->bytes + reader->at;

        if (!reader_has(reader, len) || reader->end - reader->at - len < 1)
                return GATE_FAULT_FIELD;
        if (text[len] != 0 || memchr(text, 0, len))
                return GATE_FAULT_FIELD;
        reader->at += len + 1;
        return GATE_OK;
}

static GateFault value_skip(FieldReader *reader, char type, uint32_t *ret_number) {
        *ret_number = 0;
        if (type == 'g') {
                if (!reader_has(reader, 1))
                        return GATE_FAULT_FIELD;
                reader->at++;
                return text_skip(reader, reader->bytes[reader->at - 1]);
        }
        /* s, o and u: aligned to 4, which the struct's beginning and the variant's type are. */
        if (!reader_has(reader, 4))
                return GATE_FAULT_FIELD;
        *ret_number = u32_read(reader->bytes + reader->at, reader->swap);
        reader->at += 4;
        return type == 'u' ? GATE_OK : text_skip(reader, *ret_number);
}

/* One (yv) of the array. */
static GateFault field_skip(FieldReader *reader) {
        static const char types[FIELD_CODE_MAX] = {
                0, 'o', 's', 's', 's', 'u', 's', 's', 'g', 'u'
        };
        const uint8_t *field = reader->bytes + reader->at;
        uint32_t number;
        GateFault fault;
        uint8_t code;

        if (!reader_has(reader, 4))
                return GATE_FAULT_FIELD;
        code = field[0];
        if (code == 0 || code >= FIELD_CODE_MAX || field[1] != 1 || field[2] != types[code] ||
            field[3] != 0)
                return GATE_FAULT_FIELD;
        if (code == FIELD_SENDER)
                return GATE_FAULT_SENDER;
        if (reader->seen & (1U << code))
                return GATE_FAULT_FIELD_TWICE;
        reader->seen |= 1U << code;
        reader->at += 4;
        fault = value_skip(reader, types[code], &number);
        if (fault != GATE_OK)
                return fault;
        return code == FIELD_UNIX_FDS && number != 0 ? GATE_FAULT_DESCRIPTORS : GATE_OK;
}

GateFault gate_fields_check(const uint8_t *bytes, const GateHeader *header) {
        FieldReader reader = {
                .bytes = bytes,
                .at = GATE_HEADER_BYTES,
                .end = GATE_HEADER_BYTES + header->fields_bytes,
                .swap = header->swap,
        };
        const uint32_t needed = 1U << FIELD_PATH | 1U << FIELD_MEMBER;
        GateFault fault;

        while (reader.at < reader.end) {
                fault = field_skip(&reader);
                if (fault == GATE_OK && reader.at < reader.end) {
                        if (align8(reader.at) >= reader.end)
                                return GATE_FAULT_FIELD; /* padding that nothing follows */
                        fault = padding_skip(&reader, align8(reader.at));
                }
                if (fault != GATE_OK)
                        return fault;
        }
        if ((reader.seen & needed) != needed)
                return GATE_FAULT_FIELD_TWICE;
        if (header->body_bytes > 0 && !(reader.seen & 1U << FIELD_SIGNATURE))
                return GATE_FAULT_FIELD;
        return padding_skip(&reader, align8(reader.end));
}
