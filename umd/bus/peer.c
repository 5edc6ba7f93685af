/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One peer of the private socket: its bytes through the gate into an sd-bus of its own, the replies
 * back.  sd-bus is driven from here and not by the event loop: it only ever has something to do
 * when a whole call was put into it, which it then handles at once.  It is made when the first
 * whole call is there, so that a silent peer costs a socket and nothing else.
 *
 * A peer that breaks a rule, cannot be written to, or is gone, is freed; nothing of that reaches
 * another peer.  A peer with PEER_CALLS_MAX calls in flight, or much to read, is not read from. */

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "umd/bus/private.h"

/* Logins come through root's peers: whatever others ask for, umd turns to those first. */
static int source_rank(const Peer *peer, sd_event_source *source) {
        return peer->core_peer.actor.uid == 0
                       ? 0
                       : sd_event_source_set_priority(source, PRIORITY_OTHERS);
}

/* ---- the sd-bus behind the gate -------------------------------------------------------------- */

/* sd-bus's own SASL, which it asks of our end of the pair; the gate has done the real one. */
static int inner_handshake(Peer *peer) {
        static const char said[] = "\0AUTH EXTERNAL\r\nDATA\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n";
        char heard[256];

        if (send(peer->inner_fd, said, sizeof(said) - 1, MSG_NOSIGNAL) != sizeof(said) - 1)
                return -EIO;
        for (;;) {
                int r = sd_bus_is_ready(peer->link.sd_bus);

                if (r < 0)
                        return r;
                if (r > 0)
                        break;
                r = sd_bus_process(peer->link.sd_bus, NULL);
                if (r <= 0)
                        return r < 0 ? r : -EIO; /* all it needs is there */
        }
        return recv(peer->inner_fd, heard, sizeof(heard), 0) > 0 ? 0 : -EIO;
}

static int inner_ready(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        peer_pump(userdata);
        return 0;
}

static int inner_start(Peer *peer) {
        _cleanup_close_ int other = -1;
        Bus *bus = peer->link.bus;
        int pair[2], r;

        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
                return -errno;
        peer->inner_fd = pair[0];
        other = pair[1];
        r = sd_bus_new(&peer->link.sd_bus);
        if (r >= 0)
                r = sd_bus_set_fd(peer->link.sd_bus, other, other);
        if (r < 0)
                return r;
        other = -1; /* sd-bus closes it */
        r = sd_bus_set_server(peer->link.sd_bus, true, bus->id);
        if (r >= 0)
                r = sd_bus_set_sender(peer->link.sd_bus, ":1.0");
        if (r >= 0)
                r = sd_bus_add_filter(peer->link.sd_bus, NULL, call_filter, &peer->link);
        if (r >= 0)
                r = sd_bus_start(peer->link.sd_bus);
        if (r >= 0)
                r = inner_handshake(peer);
        if (r >= 0)
                r = sd_event_add_io(bus->event, &peer->inner_source, peer->inner_fd, EPOLLIN,
                                    inner_ready, peer);
        return r < 0 ? r : source_rank(peer, peer->inner_source);
}

static int inner_process(Peer *peer) {
        for (;;) {
                int r = sd_bus_process(peer->link.sd_bus, NULL);

                if (r <= 0)
                        return r;
        }
}

/* Gives sd-bus the whole message at the gate and lets it handle it. */
static int message_forward(Peer *peer) {
        bool wants_reply;
        size_t len, sent = 0;
        const uint8_t *bytes = gate_message(&peer->gate, &len, &wants_reply);
        int r = peer->link.sd_bus ? 0 : inner_start(peer);

        while (r >= 0 && sent < len) {
                ssize_t n = send(peer->inner_fd, bytes + sent, len - sent, MSG_NOSIGNAL);

                if (n > 0)
                        sent += (size_t)n;
                else if (errno == EAGAIN)
                        r = sd_bus_process(peer->link.sd_bus, NULL) > 0 ? 0 : -EIO;
                else
                        r = -errno;
        }
        if (r < 0)
                return r;
        if (wants_reply)
                peer->in_flight++;
        if (gate_consume(&peer->gate, base_boottime_usec()) != GATE_OK)
                return -EBADMSG;
        peer->message_sound = false;
        r = inner_process(peer);
        if (r >= 0 && !peer->message_sound)
                r = -EBADMSG; /* sd-bus would drop the message and wait for the next */
        return r;
}

/* ---- the peer -------------------------------------------------------------------------------- */

/* What SASL has to say goes out before the reply to what came in the same bytes. */
static int answer_send(Peer *peer) {
        size_t len;
        const char *bytes = gate_answer(&peer->gate, &len);
        int r = len > 0 ? relay_answer(peer, bytes, len) : 0;

        gate_answered(&peer->gate);
        return r;
}

/* 1: something came; 0: nothing now.  Descriptors that come along are never received: without a
 * place for them the kernel drops them and says so. */
static int socket_read(Peer *peer) {
        struct iovec iov;
        struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };
        ssize_t n;
        int r = gate_space(&peer->gate, &iov.iov_base, &iov.iov_len);

        if (r < 0)
                return r;
        if (iov.iov_len == 0)
                return 0;
        n = recvmsg(peer->fd, &message, MSG_DONTWAIT);
        if (n < 0)
                return errno == EAGAIN || errno == EINTR ? 0 : -errno;
        if (message.msg_flags & MSG_CTRUNC) {
                (void)gate_refuse_descriptors(&peer->gate);
                return -EBADMSG;
        }
        if (n == 0)
                return -ECONNRESET;
        (void)gate_received(&peer->gate, (size_t)n, base_boottime_usec());
        r = answer_send(peer);
        if (r >= 0 && peer->gate.state == GATE_SHUT)
                r = -EBADMSG;
        return r < 0 ? r : 1;
}

static bool message_waits(const Peer *peer) {
        size_t len;
        bool wants_reply;

        return gate_message(&peer->gate, &len, &wants_reply) != NULL;
}

static bool peer_may_call(const Peer *peer) {
        return peer->in_flight < PEER_CALLS_MAX && peer->queue_bytes < PEER_QUEUE_THROTTLE;
}

/* 1: there may be more to do; 0: not now. */
static int peer_step(Peer *peer) {
        int r = 0;

        if (!message_waits(peer))
                r = socket_read(peer);
        if (r >= 0 && message_waits(peer) && peer_may_call(peer)) {
                r = message_forward(peer);
                if (r >= 0)
                        r = 1;
        }
        if (r < 0)
                (void)relay_write(peer); /* what SASL had to say, as a courtesy */
        return r;
}

/* What to wake up for.  A hangup always wakes. */
static int peer_watch(Peer *peer) {
        bool waits = message_waits(peer);
        uint32_t events = 0;
        int r = 0;

        if (!waits)
                events |= EPOLLIN;
        if (!TAILQ_EMPTY(&peer->queue) || (waits && peer_may_call(peer)))
                events |= EPOLLOUT; /* the second: our own turn is over, wake us for the next */
        server_deadline(peer->link.bus, peer->gate.deadline_usec);
        if (peer->inner_source)
                r = sd_event_source_set_io_events(peer->inner_source,
                                                  relay_is_full(peer) ? 0 : EPOLLIN);
        return r < 0 ? r : sd_event_source_set_io_events(peer->source, events);
}

/* A step and all that follows from it on the way back; as peer_step(). */
static int peer_turn(Peer *peer) {
        int r = peer_step(peer), back = 0;

        if (r >= 0 && peer->link.sd_bus)
                back = relay_read(peer);
        if (r >= 0 && back >= 0)
                back = relay_write(peer);
        return back < 0 ? back : r;
}

void peer_pump(Peer *peer) {
        uint64_t began_usec = base_boottime_usec();
        bool others = peer->core_peer.actor.uid != 0;
        int r = 1;

        for (unsigned i = 0; i < PEER_MESSAGES_AT_ONCE && r > 0; i++) {
                r = peer_turn(peer);
                if (others && base_boottime_usec() - began_usec > PEER_TURN_USEC)
                        break;
        }
        if (r >= 0)
                r = peer_watch(peer);
        if (r < 0)
                peer_free(peer);
}

static int peer_ready(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        Peer *peer = userdata;

        if ((revents & (EPOLLHUP | EPOLLERR)) && message_waits(peer) && !peer_may_call(peer))
                peer_free(peer); /* it would wake us for ever, and reads no reply any more */
        else
                peer_pump(peer);
        return 0;
}

int peer_new(Bus *bus, int fd, const Actor *actor, uid_t behind_uid, pid_t pid, Peer **ret) {
        Server *server = &bus->server;
        Peer *peer = calloc(1, sizeof(*peer));
        int r;

        if (!peer) {
                base_close(fd);
                return -ENOMEM;
        }
        peer->link = (Link){ .bus = bus, .peer = peer };
        peer->core_peer = (CorePeer){ .connection = ++server->last_connection, .actor = *actor };
        peer->behind_uid = behind_uid;
        peer->pid = pid;
        peer->fd = fd;
        peer->inner_fd = -1;
        TAILQ_INIT(&peer->queue);
        gate_init(&peer->gate, actor->uid, bus->guid, base_boottime_usec());
        LIST_INSERT_HEAD(&server->peers, peer, entry);
        server->peer_count++;
        r = sd_event_add_io(bus->event, &peer->source, fd, EPOLLIN, peer_ready, peer);
        if (r >= 0)
                r = source_rank(peer, peer->source);
        if (r < 0) {
                peer_free(peer);
                return r;
        }
        *ret = peer;
        return 0;
}

/* Login calls end with the peer; others finish, and their replies go nowhere. */
static void peer_calls_release(Peer *peer) {
        Bus *bus = peer->link.bus;
        Call *call;

        if (bus->core)
                core_login_hangup(bus->core, peer->core_peer.connection);
        while ((call = LIST_FIRST(&peer->calls))) {
                if (call->ends_with_peer) {
                        call_free(call);
                        continue;
                }
                LIST_REMOVE(call, entry);
                call->peer = NULL;
                LIST_INSERT_HEAD(&bus->calls, call, entry);
        }
}

Peer *peer_free(Peer *peer) {
        if (!peer)
                return NULL;
        LIST_REMOVE(peer, entry);
        peer->link.bus->server.peer_count--;
        peer_calls_release(peer);
        sd_event_source_disable_unref(peer->source);
        sd_event_source_disable_unref(peer->inner_source);
        audit_walk_clear(&peer->link.walk);
        sd_bus_close_unref(peer->link.sd_bus);
        relay_clear(peer);
        gate_clear(&peer->gate);
        base_close(peer->inner_fd);
        base_close(peer->fd);
        free(peer);
        return NULL;
}
