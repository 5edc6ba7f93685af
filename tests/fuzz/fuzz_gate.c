/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A peer of the private socket that sends anything, in pieces of any size.  What passes the gate is
 * a whole method call within the limits, equal to what was sent; the gate never holds more than it
 * may, and once shut it holds nothing.
 *
 * Input: pairs of (length byte, bytes); 0 skips SASL's deadline forward by a second. */

#include <assert.h>
#include <string.h>

#include "base/base.h"
#include "wire/wire.h"
#include "umd/bus/gate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct Peer {
        Gate gate;
        uint64_t now_usec;
        uint8_t *sent; /* everything the gate took */
        size_t sent_len, passed_len;
        bool open;
} Peer;

static void invariants_check(const Peer *peer) {
        const Gate *gate = &peer->gate;

        assert(gate->len <= gate->size && gate->size <= WIRE_MESSAGE_MAX);
        assert(gate->message_len <= gate->len);
        assert(gate->answer_len <= sizeof(gate->answer));
        if (gate->state == GATE_SHUT)
                assert(gate->fault != GATE_OK && !gate->buf && gate->message_len == 0);
        else
                assert(gate->fault == GATE_OK);
        if (gate->state != GATE_OPEN && gate->state != GATE_SHUT)
                assert(gate->sasl_bytes <= GATE_SASL_MAX && gate->size <= GATE_BUFFER_BYTES);
}

static void messages_take(Peer *peer) {
        const uint8_t *bytes;
        bool wants_reply;
        size_t len;

        while ((bytes = gate_message(&peer->gate, &len, &wants_reply))) {
                GateHeader header;

                if (!peer->open) {
                        peer->passed_len = peer->gate.sasl_bytes;
                        peer->open = true;
                }
                assert(gate_header_read(bytes, &header));
                assert(header.type == GATE_TYPE_CALL && header.total_bytes == len);
                assert(len >= GATE_HEADER_BYTES && len <= WIRE_MESSAGE_MAX);
                assert(memcmp(bytes, peer->sent + peer->passed_len, len) == 0);
                peer->passed_len += len;
                (void)gate_consume(&peer->gate, peer->now_usec);
                invariants_check(peer);
        }
}

static bool piece_feed(Peer *peer, const uint8_t *bytes, size_t len) {
        while (len > 0) {
                size_t space;
                void *to;

                if (gate_space(&peer->gate, &to, &space) < 0 || space == 0)
                        return false;
                space = space < len ? space : len;
                memcpy(to, bytes, space);
                memcpy(peer->sent + peer->sent_len, bytes, space);
                peer->sent_len += space;
                (void)gate_received(&peer->gate, space, peer->now_usec);
                invariants_check(peer);
                messages_take(peer);
                bytes += space;
                len -= space;
        }
        return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        Peer peer = { .now_usec = USEC_PER_SEC, .sent = malloc(size + 1) };

        assert(peer.sent);
        gate_init(&peer.gate, 1000, "0123456789abcdef0123456789abcdef", peer.now_usec);
        while (size > 0) {
                size_t len = data[0];

                data++;
                size--;
                if (len == 0) {
                        peer.now_usec += USEC_PER_SEC;
                        (void)gate_check_deadline(&peer.gate, peer.now_usec);
                        invariants_check(&peer);
                        continue;
                }
                len = len == 255 ? size : len;
                len = len < size ? len : size;
                if (!piece_feed(&peer, data, len))
                        break;
                data += len;
                size -= len;
        }
        gate_clear(&peer.gate);
        free(peer.sent);
        return 0;
}
