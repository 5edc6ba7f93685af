/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* um-quality's sockets: one loop that takes a packet in, checks it and sends the answer.
 *
 * Checks are made one after the other: one takes milliseconds, and umd has few under way.  A peer
 * that breaks the protocol, or does not read its answers, is dropped.  Passwords pass through one
 * locked buffer, wiped after each packet. */

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "base/base.h"
#include "um_quality/quality.h"

#define CLIENTS_MAX    16U
#define PACKETS_A_TURN 16U /* then the other peers */

typedef struct Serving {
        QualityContext *context;
        const BaseService *service;
        int clients[CLIENTS_MAX]; /* -1: free */
        char *packet;
        bool accept_failed; /* for want of descriptors or memory: tried again after a pause */
} Serving;

enum { POLL_SIGNAL, POLL_LISTEN, POLL_CLIENTS };

/* Takes fd over. */
static void client_add(Serving *serving, int fd) {
        for (size_t i = 0; i < CLIENTS_MAX; i++)
                if (serving->clients[i] < 0) {
                        serving->clients[i] = fd;
                        return;
                }
        base_close(fd);
}

static void client_accept(Serving *serving) {
        int fd = -1, r = base_service_accept(serving->service, &fd);

        serving->accept_failed = r < 0;
        if (r > 0)
                client_add(serving, fd);
}

/* False: the peer is to be dropped. */
static bool packet_answer(Serving *serving, int fd, size_t len) {
        QualityRequest request;
        QualityAnswer answer;

        if (quality_request_parse(serving->packet, len, &request) < 0)
                return false;
        quality_answer(serving->context, &request, &answer);
        return send(fd, &answer, sizeof(answer), MSG_NOSIGNAL | MSG_DONTWAIT) >= 0;
}

/* False: the peer is to be dropped. */
static bool client_read(Serving *serving, int fd) {
        bool good = true;

        for (unsigned i = 0; good && i < PACKETS_A_TURN; i++) {
                ssize_t n = recv(fd, serving->packet, QUALITY_PACKET_MAX, MSG_DONTWAIT | MSG_TRUNC);

                if (n < 0 && (errno == EAGAIN || errno == EINTR))
                        return true;
                good = n > 0 && n <= (ssize_t)QUALITY_PACKET_MAX &&
                       packet_answer(serving, fd, (size_t)n);
                base_wipe(serving->packet, QUALITY_PACKET_MAX);
        }
        return good;
}

/* ---- the loop -------------------------------------------------------------------------------- */

static void polls_fill(const Serving *serving, int signal_fd, struct pollfd *polls) {
        bool has_place = false;

        for (size_t i = 0; i < CLIENTS_MAX; i++) {
                has_place = has_place || serving->clients[i] < 0;
                polls[POLL_CLIENTS + i] =
                        (struct pollfd){ .fd = serving->clients[i], .events = POLLIN };
        }
        polls[POLL_SIGNAL] = (struct pollfd){ .fd = signal_fd, .events = POLLIN };
        has_place = has_place && !serving->accept_failed;
        polls[POLL_LISTEN] = (struct pollfd){ .fd = has_place ? serving->service->listen_fd : -1,
                                              .events = POLLIN };
}

/* 1: its one peer, by hand, is gone. */
static int clients_serve(Serving *serving, const struct pollfd *polls) {
        bool dropped = false;

        for (size_t i = 0; i < CLIENTS_MAX; i++) {
                short events = polls[POLL_CLIENTS + i].revents;

                if (serving->clients[i] < 0 || events == 0)
                        continue;
                if ((events & POLLIN) && client_read(serving, serving->clients[i]))
                        continue;
                serving->clients[i] = base_close(serving->clients[i]);
                dropped = true;
        }
        return dropped && serving->service->listen_fd < 0;
}

static int serving_loop(Serving *serving, int signal_fd) {
        struct pollfd polls[POLL_CLIENTS + CLIENTS_MAX];
        int r = 0;

        while (r == 0) {
                int pause = serving->accept_failed ? BASE_SERVICE_PAUSE_MSEC : -1;

                polls_fill(serving, signal_fd, polls);
                if (poll(polls, ARRAY_LENGTH(polls), pause) < 0) {
                        r = errno == EINTR ? 0 : -errno;
                        continue;
                }
                serving->accept_failed = false;
                if (polls[POLL_SIGNAL].revents)
                        return 0;
                r = clients_serve(serving, polls);
                if (polls[POLL_LISTEN].revents)
                        client_accept(serving);
        }
        return r < 0 ? r : 0;
}

int quality_serve(QualityContext *context, const BaseService *service, int signal_fd) {
        Serving serving = { .context = context, .service = service };
        int r;

        serving.packet = mmap(NULL, QUALITY_PACKET_MAX, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (serving.packet == MAP_FAILED)
                return -ENOMEM;
        (void)mlock(serving.packet, QUALITY_PACKET_MAX);
        (void)madvise(serving.packet, QUALITY_PACKET_MAX, MADV_DONTDUMP);
        for (size_t i = 0; i < CLIENTS_MAX; i++)
                serving.clients[i] = -1;
        if (service->client_fd >= 0 && !base_service_serves(service, service->client_fd))
                r = -EPERM;
        else {
                if (service->client_fd >= 0)
                        client_add(&serving, service->client_fd);
                r = serving_loop(&serving, signal_fd);
        }
        for (size_t i = 0; i < CLIENTS_MAX; i++)
                base_close(serving.clients[i]);
        munmap(serving.packet, QUALITY_PACKET_MAX);
        return r;
}
