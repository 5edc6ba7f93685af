/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The gate's buffer and deadlines.  Guarantees: a peer costs GATE_BUFFER_BYTES, and up to
 * WIRE_MESSAGE_MAX only while a message of that length, announced by a header that passed, is on
 * its way; what has gone on is wiped, since it may have been a password; once shut, a gate stays
 * shut and holds nothing.  Never reads behind a whole message: what the peer has sent beyond the
 * buffer waits in its socket. */

#include <errno.h>
#include <string.h>

#include "wire/wire.h"

#include "umd/bus/gate.h"

void gate_init(Gate *gate, uid_t uid, const char *guid, uint64_t now_usec) {
        *gate = (Gate){
                .state = GATE_NUL,
                .uid = uid,
                .deadline_usec = now_usec + GATE_AUTH_USEC,
        };
        memcpy(gate->guid, guid, GATE_GUID_BYTES);
}

static void buffer_release(Gate *gate) {
        if (!gate->buf)
                return;
        base_wipe(gate->buf, gate->len);
        free(gate->buf);
        gate->buf = NULL;
        gate->size = gate->len = gate->message_len = 0;
}

void gate_clear(Gate *gate) {
        buffer_release(gate);
        gate->state = GATE_SHUT;
        gate->deadline_usec = USEC_INFINITY;
}

static GateFault gate_shut(Gate *gate, GateFault fault) {
        gate_clear(gate);
        gate->fault = fault;
        return fault;
}

/* Not realloc(): the bytes it would leave behind may be a password. */
static int buffer_resize(Gate *gate, size_t size) {
        uint8_t *buf;

        if (size == gate->size)
                return 0;
        buf = malloc(size);
        if (!buf)
                return -ENOMEM;
        if (gate->buf) {
                memcpy(buf, gate->buf, gate->len);
                base_wipe(gate->buf, gate->len);
                free(gate->buf);
        }
        gate->buf = buf;
        gate->size = size;
        return 0;
}

/* The buffer's size for what is in it: longer only for the message whose header is there. */
static size_t buffer_size_wanted(const Gate *gate) {
        GateHeader header;

        if (gate->state == GATE_OPEN && gate->len >= GATE_HEADER_BYTES &&
            gate_header_read(gate->buf, &header) && header.total_bytes > GATE_BUFFER_BYTES)
                return (size_t)header.total_bytes; /* gate_received() has checked it */
        return gate->len > GATE_BUFFER_BYTES ? gate->len : GATE_BUFFER_BYTES;
}

int gate_space(Gate *gate, void **ret, size_t *ret_len) {
        int r;

        if (gate->state == GATE_SHUT || gate->message_len > 0) {
                *ret = NULL;
                *ret_len = 0;
                return 0;
        }
        r = buffer_resize(gate, buffer_size_wanted(gate));
        if (r < 0)
                return r;
        *ret = gate->buf + gate->len;
        *ret_len = gate->size - gate->len;
        return 0;
}

/* Is there a whole message at the buffer's beginning? */
static GateFault message_look(Gate *gate) {
        GateHeader header;
        GateFault fault;

        if (gate->len < GATE_HEADER_BYTES)
                return GATE_OK;
        if (!gate_header_read(gate->buf, &header))
                return GATE_FAULT_ENDIAN;
        fault = gate_header_check(&header);
        if (fault != GATE_OK || gate->len < header.total_bytes)
                return fault;
        fault = gate_fields_check(gate->buf, &header);
        if (fault != GATE_OK)
                return fault;
        gate->message_len = (size_t)header.total_bytes;
        gate->wants_reply = !(header.flags & GATE_FLAG_NO_REPLY);
        return GATE_OK;
}

static GateFault gate_step(Gate *gate, uint64_t now_usec) {
        GateFault fault = GATE_OK;

        if (gate->state != GATE_OPEN)
                fault = gate_sasl_step(gate, now_usec);
        if (fault == GATE_OK && gate->state == GATE_OPEN)
                fault = message_look(gate);
        if (fault != GATE_OK)
                return gate_shut(gate, fault);
        if (gate->state != GATE_OPEN)
                return GATE_OK; /* the deadline of the whole of SASL stands */
        if (gate->message_len > 0 || gate->len == 0)
                gate->deadline_usec = USEC_INFINITY;
        else if (gate->deadline_usec == USEC_INFINITY)
                gate->deadline_usec = now_usec + GATE_MESSAGE_USEC;
        return GATE_OK;
}

GateFault gate_received(Gate *gate, size_t len, uint64_t now_usec) {
        if (gate->state == GATE_SHUT)
                return gate->fault;
        gate->len += len;
        return gate_step(gate, now_usec);
}

GateFault gate_refuse_descriptors(Gate *gate) {
        return gate_shut(gate, GATE_FAULT_DESCRIPTORS);
}

GateFault gate_check_deadline(Gate *gate, uint64_t now_usec) {
        if (gate->state == GATE_SHUT)
                return gate->fault;
        return now_usec >= gate->deadline_usec ? gate_shut(gate, GATE_FAULT_DEADLINE) : GATE_OK;
}

const char *gate_answer(const Gate *gate, size_t *ret_len) {
        *ret_len = gate->answer_len;
        return gate->answer;
}

void gate_answered(Gate *gate) {
        gate->answer_len = 0;
}

const uint8_t *gate_message(const Gate *gate, size_t *ret_len, bool *ret_wants_reply) {
        if (gate->message_len == 0)
                return NULL;
        *ret_len = gate->message_len;
        *ret_wants_reply = gate->wants_reply;
        return gate->buf;
}

GateFault gate_consume(Gate *gate, uint64_t now_usec) {
        size_t rest;

        if (gate->message_len == 0)
                return gate->fault;
        rest = gate->len - gate->message_len;
        memmove(gate->buf, gate->buf + gate->message_len, rest);
        base_wipe(gate->buf + rest, gate->message_len);
        gate->len = rest;
        gate->message_len = 0;
        if (rest == 0)
                buffer_release(gate); /* an idle peer costs no buffer */
        return gate_step(gate, now_usec);
}
