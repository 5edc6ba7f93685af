/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The helper's socket: one request at a time, from umd or root.
 *
 * It never waits for a peer: a peer that sends what is no request, or does not take its answers, is
 * dropped.  Each peer gets one turn, then the next. */

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/base.h"
#include "um_helper/helper.h"

enum { POLL_SIGNAL, POLL_LISTEN, POLL_CLIENTS, POLL_MAX = POLL_CLIENTS + HELPER_CLIENTS_MAX };

static int verb_do(const Helper *helper, const HelperRequest *request) {
        switch ((HelperVerb)request->verb) {
        case HELPER_MAKE_HOME:
                return helper_home_make(helper, request->uid,
                                        base_boottime_usec() + HELPER_REQUEST_USEC);
        case HELPER_END_SESSIONS:
                return helper_sessions_end(helper, request->uid);
        case HELPER_WARN_SESSIONS:
                return helper_sessions_warn(helper, request->uid);
        case HELPER_INSTALL_SUDOERS:
                return request->uid == 0
                               ? helper_sudoers_install(helper,
                                                        base_boottime_usec() + HELPER_REQUEST_USEC)
                               : HELPER_REFUSED;
        case _HELPER_VERB_MAX:
                break;
        }
        return HELPER_REFUSED;
}

/* One request of the peer.  False: it is to be dropped. */
static bool request_serve(const Helper *helper, int fd) {
        HelperRequest request;
        HelperReply reply = { .protocol = HELPER_PROTOCOL };
        ssize_t n = recv(fd, &request, sizeof(request), MSG_DONTWAIT | MSG_TRUNC);
        int r;

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return true;
        if (n != sizeof(request) || request.protocol != HELPER_PROTOCOL || request.reserved != 0)
                return false;
        r = verb_do(helper, &request);
        reply.id = request.id;
        reply.status = r < 0 ? HELPER_FAULT : (uint32_t)r;
        reply.error = r < 0 ? (uint32_t)-r : 0;
        return send(fd, &reply, sizeof(reply), MSG_DONTWAIT | MSG_NOSIGNAL) == sizeof(reply);
}

/* False where there was nothing to accept it with. */
static bool client_accept(const BaseService *service, struct pollfd *clients) {
        int fd = -1, r = base_service_accept(service, &fd);

        if (r <= 0)
                return r == 0;
        for (size_t i = 0; i < HELPER_CLIENTS_MAX; i++)
                if (clients[i].fd < 0) {
                        clients[i].fd = fd;
                        return true;
                }
        base_close(fd);
        return true;
}

/* A request is done also where its sender has gone: what was asked for was asked for. */
static void clients_serve(const Helper *helper, struct pollfd *clients) {
        for (size_t i = 0; i < HELPER_CLIENTS_MAX; i++) {
                short events = clients[i].revents;

                if (clients[i].fd >= 0 && events &&
                    (!(events & POLLIN) || !request_serve(helper, clients[i].fd)))
                        clients[i].fd = base_close(clients[i].fd);
        }
}

static size_t clients_count(const struct pollfd *clients) {
        size_t count = 0;

        for (size_t i = 0; i < HELPER_CLIENTS_MAX; i++)
                count += clients[i].fd >= 0;
        return count;
}

int helper_serve(const Helper *helper, const BaseService *service, int signal_fd) {
        struct pollfd polls[POLL_MAX], *clients = polls + POLL_CLIENTS;
        bool by_hand = service->client_fd >= 0, paused = false;

        if (by_hand && !base_service_serves(service, service->client_fd))
                return -EPERM;
        for (size_t i = 0; i < POLL_MAX; i++)
                polls[i] = (struct pollfd){ .fd = -1, .events = POLLIN };
        polls[POLL_SIGNAL].fd = signal_fd;
        clients[0].fd = service->client_fd;
        for (;;) {
                size_t count = clients_count(clients);
                bool listens = !paused && count < HELPER_CLIENTS_MAX;

                if (by_hand && count == 0)
                        return 0;
                polls[POLL_LISTEN].fd = listens ? service->listen_fd : -1;
                if (poll(polls, POLL_MAX, paused ? BASE_SERVICE_PAUSE_MSEC : -1) < 0) {
                        if (errno == EINTR)
                                continue;
                        return -errno;
                }
                if (polls[POLL_SIGNAL].revents)
                        return 0;
                clients_serve(helper, clients);
                paused = polls[POLL_LISTEN].revents && !client_accept(service, clients);
        }
}
