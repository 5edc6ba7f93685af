/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* gate: what stands between a peer of the private socket and sd-bus.  A pure state machine over
 * bytes: no socket, no clock, no sd-bus, so that it is tested and fuzzed by itself.
 *
 * sd-bus alone keeps none of um's limits: it holds 60 MiB of one half-sent message and a silent
 * peer for longer than 40 s.  The gate speaks SASL with the peer, lets whole method calls of at
 * most WIRE_MESSAGE_MAX bytes through, one at a time, and shuts for good at the first byte that
 * breaks a rule.  It checks what can be checked without a signature: the fixed header and every
 * header field.  Bodies, and with them depth and signatures, are sd-bus's to check.
 *
 * Use: gate_space() to read into, gate_received() when bytes came, gate_answer() for what SASL has
 * to say, gate_message() for a whole call, gate_consume() when it went on. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/base.h"

#define GATE_LINE_MAX     1024U /* of SASL, with its end */
#define GATE_SASL_MAX     4096U /* all bytes before the one behind BEGIN */
#define GATE_REFUSALS_MAX 3U    /* REJECTED and ERROR answers; one more and the gate shuts */
#define GATE_BUFFER_BYTES 4096U /* held for a peer, unless a longer message is on its way */
#define GATE_GUID_BYTES   32U
#define GATE_AUTH_USEC    (1 * USEC_PER_SEC) /* from the connection to BEGIN */
#define GATE_MESSAGE_USEC (2 * USEC_PER_SEC) /* from a message's first byte to its last */
#define GATE_HEADER_BYTES 16U
#define GATE_ANSWER_BYTES 256U

typedef enum GateState {
        GATE_NUL,       /* the first byte is NUL */
        GATE_AUTH,      /* AUTH EXTERNAL */
        GATE_DATA,      /* DATA, after AUTH EXTERNAL without a uid */
        GATE_CONFIRMED, /* NEGOTIATE_UNIX_FD, BEGIN */
        GATE_OPEN,
        GATE_SHUT,
        _GATE_STATE_MAX,
} GateState;

/* The rule that was broken. */
typedef enum GateFault {
        GATE_OK,
        GATE_FAULT_NO_NUL,
        GATE_FAULT_LINE_LENGTH,
        GATE_FAULT_LINE_CHARACTER,
        GATE_FAULT_SASL_LENGTH,
        GATE_FAULT_SASL_REFUSALS,
        GATE_FAULT_SASL_UID, /* the uid claimed is not the socket's */
        GATE_FAULT_SASL_ORDER,
        GATE_FAULT_DEADLINE,
        GATE_FAULT_ENDIAN,
        GATE_FAULT_TYPE, /* a client sends method calls, nothing else */
        GATE_FAULT_VERSION,
        GATE_FAULT_SERIAL,
        GATE_FAULT_LENGTH,
        GATE_FAULT_PADDING,
        GATE_FAULT_FIELD,       /* cut, of a wrong type, not terminated, unknown */
        GATE_FAULT_FIELD_TWICE, /* or missing: a call has a path and a member */
        GATE_FAULT_SENDER,      /* a peer does not say who it is */
        GATE_FAULT_DESCRIPTORS,
        _GATE_FAULT_MAX,
} GateFault;

typedef struct Gate {
        GateState state;
        GateFault fault; /* why it is shut */
        uid_t uid;       /* of the socket */
        char guid[GATE_GUID_BYTES + 1];
        bool takes_descriptors; /* NEGOTIATE_UNIX_FD was agreed */
        uint32_t refusal_count;
        size_t sasl_bytes;
        uint64_t deadline_usec; /* boottime; USEC_INFINITY: nothing is awaited */
        uint8_t *buf;
        size_t size, len;
        size_t message_len; /* a whole message stands at buf; 0: not yet */
        bool wants_reply;   /* of that message */
        char answer[GATE_ANSWER_BYTES];
        size_t answer_len;
} Gate;

/* guid: 32 hex digits, the server's. */
void gate_init(Gate *gate, uid_t uid, const char *guid, uint64_t now_usec);
/* Wipes and frees what the gate holds. */
void gate_clear(Gate *gate);

/* Where the next bytes go: *ret_len is 0 while a whole message waits, or when shut.  -ENOMEM. */
int gate_space(Gate *gate, void **ret, size_t *ret_len);
/* len bytes were put there.  A fault shuts the gate. */
GateFault gate_received(Gate *gate, size_t len, uint64_t now_usec);
/* Descriptors came along: shuts. */
GateFault gate_refuse_descriptors(Gate *gate);
/* Shuts if the deadline has passed. */
GateFault gate_check_deadline(Gate *gate, uint64_t now_usec);

/* What has to be sent to the peer; valid and pending until gate_answered(). */
const char *gate_answer(const Gate *gate, size_t *ret_len);
void gate_answered(Gate *gate);

/* The whole message at hand, or NULL; valid until gate_consume(). */
const uint8_t *gate_message(const Gate *gate, size_t *ret_len, bool *ret_wants_reply);
/* Wipes the message and looks at what stands behind it. */
GateFault gate_consume(Gate *gate, uint64_t now_usec);

/* ---- the parts (gate_sasl.c, gate_message.c) ------------------------------------------------- */

/* Handles the lines in the buffer up to BEGIN. */
GateFault gate_sasl_step(Gate *gate, uint64_t now_usec);

typedef struct GateHeader {
        bool swap; /* the other byte order: the specification permits it, dbus-java sends it */
        uint8_t type, flags, version;
        uint32_t body_bytes, serial, fields_bytes;
        uint64_t total_bytes; /* of the message */
} GateHeader;

#define GATE_TYPE_CALL     1U
#define GATE_TYPE_RETURN   2U
#define GATE_TYPE_ERROR    3U
#define GATE_FLAG_NO_REPLY 1U

/* Reads the first GATE_HEADER_BYTES without judging them.  False: not a byte order. */
bool gate_header_read(const uint8_t *bytes, GateHeader *ret);
/* The rules of a client's message. */
GateFault gate_header_check(const GateHeader *header);
/* The header fields of a whole message. */
GateFault gate_fields_check(const uint8_t *bytes, const GateHeader *header);
