/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The vault's sockets: one loop that takes packets in, hands them to the pool and sends answers.
 *
 * It never hashes and never waits for a peer.  A peer that breaks the protocol or does not read its
 * answers harms itself: the one is dropped, of the other nothing more is read.  Passwords pass
 * through one locked buffer here, wiped after each packet. */

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>

#include "base/base.h"
#include "um_vault/vault.h"

#define CLIENTS_MAX    16U
#define PACKETS_A_TURN 64U /* then the other peers */
#define DRAIN_USEC     (2 * USEC_PER_SEC)

typedef struct Client {
        int fd; /* -1: free */
        uint64_t serial;
        JobQueue answers; /* not sent yet: while there are some, nothing is read */
} Client;

typedef struct Serving {
        const VaultServer *server;
        Client clients[CLIENTS_MAX];
        uint64_t last_serial;
        uint64_t stop_usec; /* 0 while serving */
        bool accept_failed; /* for want of descriptors or memory: tried again after a pause */
        uint8_t *packet;
} Serving;

enum { POLL_SIGNAL, POLL_POOL, POLL_LISTEN, POLL_CLIENTS };

static void serving_stop(Serving *serving) {
        if (serving->stop_usec == 0)
                serving->stop_usec = base_boottime_usec() + DRAIN_USEC;
}

static void client_drop(Serving *serving, Client *client) {
        client->fd = base_close(client->fd);
        job_queue_clear(&client->answers);
        if (serving->server->service.listen_fd < 0)
                serving_stop(serving);
}

/* Takes fd over. */
static void client_add(Serving *serving, int fd) {
        for (size_t i = 0; i < CLIENTS_MAX; i++)
                if (serving->clients[i].fd < 0) {
                        serving->clients[i].fd = fd;
                        serving->clients[i].serial = ++serving->last_serial;
                        return;
                }
        base_close(fd);
}

static void client_accept(Serving *serving) {
        int fd = -1, r = base_service_accept(&serving->server->service, &fd);

        serving->accept_failed = r < 0;
        if (r > 0)
                client_add(serving, fd);
}

static void client_flush(Serving *serving, Client *client) {
        uint8_t packet[VAULT_PACKET_MAX];

        while (client->answers.first) {
                VaultJob *job = client->answers.first;
                const void *secret = job->secret ? base_secret_bytes(job->secret) : NULL;
                ssize_t len = vault_packet_build(&job->head, secret, job->verifier, packet), sent;

                sent = len < 0 ? len
                               : send(client->fd, packet, (size_t)len, MSG_NOSIGNAL | MSG_DONTWAIT);
                if (secret)
                        base_wipe(packet, sizeof(packet));
                if (sent < 0) {
                        if (len < 0 || (errno != EAGAIN && errno != EINTR))
                                client_drop(serving, client);
                        return;
                }
                vault_job_free(job_queue_remove(&client->answers, NULL));
        }
}

static void client_answer(Serving *serving, Client *client, VaultJob *job) {
        job_queue_add(&client->answers, job);
        client_flush(serving, client);
}

static void answers_send(Serving *serving) {
        VaultJob *job;

        while ((job = vault_pool_pop(serving->server->pool))) {
                Client *client = NULL;

                for (size_t i = 0; i < CLIENTS_MAX; i++)
                        if (serving->clients[i].fd >= 0 &&
                            serving->clients[i].serial == job->client)
                                client = &serving->clients[i];
                if (client)
                        client_answer(serving, client, job);
                else
                        vault_job_free(job);
        }
}

/* One packet in serving->packet.  False: the peer is to be dropped. */
static bool packet_take(Serving *serving, Client *client, size_t len) {
        VaultPacket packet;
        VaultJob *job;

        if (vault_packet_parse(serving->packet, len, &packet) < 0 ||
            vault_job_new(&packet, client->serial, &job) < 0)
                return false;
        if (!vault_request_is_valid(&packet))
                vault_job_refuse(job, VAULT_BAD_REQUEST);
        else if (vault_pool_push(serving->server->pool, job))
                return true;
        else
                vault_job_refuse(job, VAULT_BUSY);
        client_answer(serving, client, job);
        return true;
}

static void client_read(Serving *serving, Client *client) {
        for (unsigned i = 0; i < PACKETS_A_TURN && client->fd >= 0 && !client->answers.first; i++) {
                ssize_t n = recv(client->fd, serving->packet, VAULT_PACKET_MAX,
                                 MSG_DONTWAIT | MSG_TRUNC);
                bool good;

                if (n < 0 && (errno == EAGAIN || errno == EINTR))
                        return;
                good = n > 0 && n <= (ssize_t)VAULT_PACKET_MAX &&
                       packet_take(serving, client, (size_t)n);
                base_wipe(serving->packet, VAULT_PACKET_MAX);
                if (!good && client->fd >= 0)
                        client_drop(serving, client);
        }
}

/* ---- the loop -------------------------------------------------------------------------------- */

static void polls_fill(const Serving *serving, struct pollfd *polls) {
        const VaultServer *server = serving->server;
        bool stopping = serving->stop_usec > 0, has_place = false;

        for (size_t i = 0; i < CLIENTS_MAX; i++) {
                const Client *client = &serving->clients[i];
                short events = client->answers.first ? POLLOUT : (stopping ? 0 : POLLIN);

                has_place = has_place || client->fd < 0;
                polls[POLL_CLIENTS + i] = (struct pollfd){ .fd = client->fd, .events = events };
        }
        polls[POLL_SIGNAL] =
                (struct pollfd){ .fd = stopping ? -1 : server->signal_fd, .events = POLLIN };
        polls[POLL_POOL] = (struct pollfd){ .fd = vault_pool_fd(server->pool), .events = POLLIN };
        polls[POLL_LISTEN] = (struct pollfd){
                .fd = has_place && !stopping && !serving->accept_failed ? server->service.listen_fd
                                                                        : -1,
                .events = POLLIN,
        };
}

static int polls_wait(const Serving *serving, struct pollfd *polls, nfds_t count) {
        uint64_t now = base_boottime_usec(), wait = BASE_SERVICE_PAUSE_MSEC * USEC_PER_MSEC;
        struct timespec timeout;
        bool forever = serving->stop_usec == 0 && !serving->accept_failed;

        if (serving->stop_usec > 0)
                wait = serving->stop_usec > now ? serving->stop_usec - now : 0;
        timeout = (struct timespec){ .tv_sec = (time_t)(wait / USEC_PER_SEC),
                                     .tv_nsec = (long)(wait % USEC_PER_SEC * 1000) };
        if (ppoll(polls, count, forever ? NULL : &timeout, NULL) < 0 && errno != EINTR)
                return -errno;
        return 0;
}

static void polls_dispatch(Serving *serving, const struct pollfd *polls) {
        if (polls[POLL_SIGNAL].revents)
                serving_stop(serving);
        if (polls[POLL_POOL].revents)
                answers_send(serving);
        for (size_t i = 0; i < CLIENTS_MAX; i++) {
                Client *client = &serving->clients[i];
                short events = polls[POLL_CLIENTS + i].revents;

                /* answers_send may have dropped it, but nothing was accepted since the poll */
                if (client->fd < 0 || client->fd != polls[POLL_CLIENTS + i].fd)
                        continue;
                if (events & (POLLHUP | POLLERR | POLLNVAL))
                        client_drop(serving, client);
                else if (events & POLLOUT)
                        client_flush(serving, client);
                else if ((events & POLLIN) && serving->stop_usec == 0)
                        client_read(serving, client);
        }
        if (polls[POLL_LISTEN].revents && serving->stop_usec == 0)
                client_accept(serving);
}

static bool serving_is_over(const Serving *serving) {
        if (serving->stop_usec == 0)
                return false;
        if (base_boottime_usec() >= serving->stop_usec)
                return true;
        for (size_t i = 0; i < CLIENTS_MAX; i++)
                if (serving->clients[i].answers.first)
                        return false;
        return vault_pool_is_idle(serving->server->pool);
}

static int serving_loop(Serving *serving) {
        struct pollfd polls[POLL_CLIENTS + CLIENTS_MAX];
        int r;

        while (!serving_is_over(serving)) {
                memset(polls, 0, sizeof(polls));
                polls_fill(serving, polls);
                r = polls_wait(serving, polls, ARRAY_LENGTH(polls));
                if (r < 0)
                        return r;
                serving->accept_failed = false;
                polls_dispatch(serving, polls);
        }
        return 0;
}

int vault_serve(const VaultServer *server) {
        Serving serving = { .server = server };
        int client_fd = server->service.client_fd, r;

        serving.packet = mmap(NULL, VAULT_PACKET_MAX, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (serving.packet == MAP_FAILED)
                return -ENOMEM;
        (void)mlock(serving.packet, VAULT_PACKET_MAX);
        (void)madvise(serving.packet, VAULT_PACKET_MAX, MADV_DONTDUMP);
        for (size_t i = 0; i < CLIENTS_MAX; i++)
                serving.clients[i].fd = -1;
        if (client_fd >= 0 && !base_service_serves(&server->service, client_fd))
                r = -EPERM;
        else {
                if (client_fd >= 0)
                        client_add(&serving, client_fd);
                r = serving_loop(&serving);
        }
        for (size_t i = 0; i < CLIENTS_MAX; i++)
                if (serving.clients[i].fd >= 0)
                        client_drop(&serving, &serving.clients[i]);
        munmap(serving.packet, VAULT_PACKET_MAX);
        return r;
}
