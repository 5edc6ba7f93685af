/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The way from sd-bus to the peer.  Whole messages are read, so that a descriptor goes out with the
 * message it belongs to, replies can be counted against the calls in flight, and the bytes that
 * wait for a peer that does not read have a limit: the peer is dropped, not umd.  What was sent is
 * wiped: a reply may carry a code. */

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "umd/bus/private.h"

typedef union FdControl {
        struct cmsghdr head;
        uint8_t bytes[CMSG_SPACE(sizeof(int))];
} FdControl;

static Out *out_free(Out *out) {
        if (!out)
                return NULL;
        base_close(out->fd);
        base_wipe(out->bytes, out->len);
        free(out);
        return NULL;
}

static int out_new(size_t len, Out **ret) {
        Out *out = malloc(sizeof(*out) + len);

        if (!out)
                return -ENOMEM;
        out->len = len;
        out->done = 0;
        out->fd = -1;
        *ret = out;
        return 0;
}

static void out_queue(Peer *peer, Out *out) {
        out->done = 0;
        TAILQ_INSERT_TAIL(&peer->queue, out, entry);
        peer->queue_bytes += out->len;
}

int relay_answer(Peer *peer, const void *bytes, size_t len) {
        Out *out;
        int r = out_new(len, &out);

        if (r < 0)
                return r;
        memcpy(out->bytes, bytes, len);
        out_queue(peer, out);
        return 0;
}

/* ---- from sd-bus ----------------------------------------------------------------------------- */

/* Takes what sd-bus had no place for in the pair; 1 if there may be more to read now. */
static int inner_refill(Peer *peer) {
        uint64_t waiting;
        int r = sd_bus_get_n_queued_write(peer->link.sd_bus, &waiting);

        if (r < 0 || waiting == 0)
                return r < 0 ? r : 0;
        r = sd_bus_process(peer->link.sd_bus, NULL);
        return r < 0 ? r : r > 0;
}

/* The bytes read, 0 for none now.  A descriptor comes with a message's first bytes. */
static ssize_t inner_receive(Peer *peer, void *bytes, size_t len, int *ret_fd) {
        FdControl control = { 0 };
        struct iovec iov = { .iov_base = bytes, .iov_len = len };
        struct msghdr message = {
                .msg_iov = &iov,
                .msg_iovlen = 1,
                .msg_control = &control,
                .msg_controllen = sizeof(control),
        };
        ssize_t n = recvmsg(peer->inner_fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        const struct cmsghdr *head;

        if (n < 0)
                return errno == EAGAIN || errno == EINTR ? 0 : -errno;
        if (n == 0 || (message.msg_flags & MSG_CTRUNC))
                return -EIO;
        head = CMSG_FIRSTHDR(&message);
        if (head && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS &&
            head->cmsg_len == CMSG_LEN(sizeof(int))) {
                base_close(*ret_fd);
                memcpy(ret_fd, CMSG_DATA(head), sizeof(int));
        }
        return n;
}

/* Grows the message at hand from its header to its whole length. */
static int incoming_extend(Peer *peer) {
        Out *whole, *part = peer->incoming;
        GateHeader header;
        int r;

        if (!gate_header_read(part->bytes, &header) || header.total_bytes <= GATE_HEADER_BYTES ||
            header.total_bytes > PEER_MESSAGE_MAX)
                return -EMSGSIZE;
        if (header.type == GATE_TYPE_RETURN || header.type == GATE_TYPE_ERROR)
                peer->in_flight -= peer->in_flight > 0;
        r = out_new((size_t)header.total_bytes, &whole);
        if (r < 0)
                return r;
        memcpy(whole->bytes, part->bytes, GATE_HEADER_BYTES);
        whole->done = part->done;
        whole->fd = base_take_fd(&part->fd);
        out_free(part);
        peer->incoming = whole;
        return 0;
}

/* 1: a message was read to its end; 0: not now. */
static int incoming_read(Peer *peer) {
        int r = peer->incoming ? 0 : out_new(GATE_HEADER_BYTES, &peer->incoming);

        while (r >= 0) {
                Out *out = peer->incoming;
                ssize_t n = 0;

                if (out->done < out->len) {
                        n = inner_receive(peer, out->bytes + out->done, out->len - out->done,
                                          &out->fd);
                        if (n <= 0)
                                return (int)n;
                        out->done += (size_t)n;
                }
                if (out->done < out->len)
                        continue;
                if (out->len > GATE_HEADER_BYTES) {
                        out_queue(peer, TAKE(peer->incoming));
                        return 1;
                }
                r = incoming_extend(peer);
        }
        return r;
}

bool relay_is_full(const Peer *peer) {
        return peer->queue_bytes > PEER_QUEUE_MAX;
}

int relay_read(Peer *peer) {
        while (!relay_is_full(peer)) {
                int r = incoming_read(peer);

                if (r == 0)
                        r = inner_refill(peer);
                if (r <= 0)
                        return r;
                if (peer->queue_bytes > PEER_QUEUE_THROTTLE &&
                    server_is_clogged(peer->link.bus, peer->core_peer.actor.uid)) {
                        r = relay_write(peer);
                        if (r != 0)
                                return r < 0 ? r : -ENOBUFS;
                }
        }
        return 0;
}

/* ---- to the peer ----------------------------------------------------------------------------- */

static ssize_t out_send(Peer *peer, Out *out) {
        FdControl control = { 0 };
        struct iovec iov = { .iov_base = out->bytes + out->done, .iov_len = out->len - out->done };
        struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };

        if (out->fd >= 0) {
                message.msg_control = &control;
                message.msg_controllen = sizeof(control);
                control.head.cmsg_level = SOL_SOCKET;
                control.head.cmsg_type = SCM_RIGHTS;
                control.head.cmsg_len = CMSG_LEN(sizeof(int));
                memcpy(CMSG_DATA(&control.head), &out->fd, sizeof(int));
        }
        return sendmsg(peer->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

int relay_write(Peer *peer) {
        Out *out;

        while ((out = TAILQ_FIRST(&peer->queue))) {
                ssize_t n = out_send(peer, out);

                if (n < 0)
                        return errno == EAGAIN || errno == EINTR ? 1 : -errno;
                out->fd = base_close(out->fd); /* it went with the first byte */
                out->done += (size_t)n;
                if (out->done < out->len)
                        continue;
                TAILQ_REMOVE(&peer->queue, out, entry);
                peer->queue_bytes -= out->len;
                out_free(out);
        }
        return 0;
}

void relay_clear(Peer *peer) {
        Out *out;

        while ((out = TAILQ_FIRST(&peer->queue))) {
                TAILQ_REMOVE(&peer->queue, out, entry);
                out_free(out);
        }
        peer->queue_bytes = 0;
        peer->incoming = out_free(peer->incoming);
}
