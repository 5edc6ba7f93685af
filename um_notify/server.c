/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* um-notify's sockets and its children: one loop that takes requests in, runs a few programs at a
 * time, and tells umd how each ended.
 *
 * Everything has a bound: peers, mails that wait, programs that run, and the time from the request
 * to the end, after which the program is killed and the mail forgotten.  A peer that breaks the
 * protocol, or does not read its answers, is dropped; what it asked for still goes out.  Codes pass
 * through one locked buffer, wiped after each packet, and messages that are wiped when their
 * program has ended. */

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/base.h"
#include "um_notify/notify.h"

#define CLIENTS_MAX    4U
#define RUNNING_MAX    4U
#define PACKETS_A_TURN 16U /* then the other peers */

/* A mail from its request to the program's end. */
typedef struct Mail {
        Secret *message; /* NULL: the place is free */
        uint64_t deadline_usec, id, order;
        uint64_t client; /* the peer's serial, which may be gone */
        uint32_t op;     /* the answer's */
        pid_t pid;       /* 0: waits */
        int pid_fd;
        bool late; /* was killed for it */
} Mail;

typedef struct Client {
        int fd; /* -1: free */
        uint64_t serial;
} Client;

typedef struct Serving {
        const NotifyPaths *paths;
        const BaseService *service;
        Client clients[CLIENTS_MAX];
        Mail mails[NOTIFY_QUEUE_MAX];
        uint64_t last_serial, last_order;
        char *packet;
        bool accept_failed; /* for want of descriptors or memory: tried again after a pause */
} Serving;

enum {
        POLL_SIGNAL,
        POLL_LISTEN,
        POLL_CLIENTS,
        POLL_MAILS = POLL_CLIENTS + CLIENTS_MAX,
        POLL_COUNT = POLL_MAILS + NOTIFY_QUEUE_MAX,
};

/* ---- peers ----------------------------------------------------------------------------------- */

/* Takes fd over. */
static void client_add(Serving *serving, int fd) {
        for (size_t i = 0; i < CLIENTS_MAX; i++)
                if (serving->clients[i].fd < 0) {
                        serving->clients[i] = (Client){ fd, ++serving->last_serial };
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
static bool client_tell(const Client *client, uint32_t op, uint64_t id, NotifyStatus status,
                        uint32_t code) {
        const NotifyAnswer answer = {
                .protocol = NOTIFY_PROTOCOL, .op = op, .id = id, .status = status, .code = code
        };

        return send(client->fd, &answer, sizeof(answer), MSG_NOSIGNAL | MSG_DONTWAIT) >= 0;
}

/* ---- mails ----------------------------------------------------------------------------------- */

static void mail_end(Serving *serving, Mail *mail, NotifyStatus status, uint32_t code) {
        for (size_t i = 0; i < CLIENTS_MAX; i++) {
                Client *client = &serving->clients[i];

                if (client->fd >= 0 && client->serial == mail->client &&
                    !client_tell(client, mail->op, mail->id, status, code))
                        client->fd = base_close(client->fd);
        }
        base_close(mail->pid_fd);
        base_secret_free(mail->message);
        *mail = (Mail){ .pid_fd = -1 };
}

/* False: the peer is to be dropped. */
static bool mail_take(Serving *serving, const Client *client, const NotifyRequest *request) {
        for (size_t i = 0; i < NOTIFY_QUEUE_MAX; i++) {
                Mail *mail = &serving->mails[i];

                if (mail->message)
                        continue;
                if (notify_message_write(request, &mail->message) < 0)
                        return client_tell(client, request->head.op, request->head.id, NOTIFY_FAULT,
                                           ENOMEM);
                mail->deadline_usec = base_boottime_usec() + NOTIFY_MAIL_USEC;
                mail->id = request->head.id;
                mail->op = request->head.op;
                mail->order = ++serving->last_order;
                mail->client = client->serial;
                return true;
        }
        return client_tell(client, request->head.op, request->head.id, NOTIFY_BUSY, 0);
}

static void mail_start(Serving *serving, Mail *mail) {
        char path[BASE_PATH_MAX + 1];
        NotifyStatus status = notify_sendmail_find(serving->paths, path);
        int r;

        if (status != NOTIFY_OK) {
                mail_end(serving, mail, status, 0);
                return;
        }
        r = notify_sendmail_start(path, mail->message, &mail->pid);
        if (r == 0) {
                mail->pid_fd = pidfd_open(mail->pid, 0);
                if (mail->pid_fd >= 0)
                        return;
                r = -errno;
                (void)kill(mail->pid, SIGKILL);
                (void)waitpid(mail->pid, NULL, 0);
        }
        mail_end(serving, mail, NOTIFY_FAULT, (uint32_t)-r);
}

/* The oldest that wait, as many as may run. */
static void mails_start(Serving *serving) {
        for (;;) {
                size_t running = 0;
                Mail *next = NULL;

                for (size_t i = 0; i < NOTIFY_QUEUE_MAX; i++) {
                        Mail *mail = &serving->mails[i];

                        running += mail->pid > 0;
                        if (mail->message && mail->pid == 0 && (!next || mail->order < next->order))
                                next = mail;
                }
                if (!next || running >= RUNNING_MAX)
                        return;
                mail_start(serving, next);
        }
}

static void mail_reap(Serving *serving, Mail *mail) {
        int status;
        pid_t pid = waitpid(mail->pid, &status, WNOHANG);

        if (pid == 0)
                return;
        if (mail->late)
                mail_end(serving, mail, NOTIFY_LATE, 0);
        else if (pid < 0)
                mail_end(serving, mail, NOTIFY_FAULT, (uint32_t)errno);
        else if (WIFEXITED(status))
                mail_end(serving, mail, WEXITSTATUS(status) == 0 ? NOTIFY_OK : NOTIFY_FAILED,
                         (uint32_t)WEXITSTATUS(status));
        else
                mail_end(serving, mail, NOTIFY_FAILED, 128U + (uint32_t)WTERMSIG(status));
}

/* The program alone is killed: what it left to run behind it is the mail system's. */
static void mails_expire(Serving *serving, uint64_t now_usec) {
        for (size_t i = 0; i < NOTIFY_QUEUE_MAX; i++) {
                Mail *mail = &serving->mails[i];

                if (!mail->message || mail->late || mail->deadline_usec > now_usec)
                        continue;
                mail->late = true;
                if (mail->pid > 0)
                        (void)kill(mail->pid, SIGKILL);
                else
                        mail_end(serving, mail, NOTIFY_LATE, 0);
        }
}

/* For poll(2): until the first that is late, or the pause is over. */
static int poll_timeout(const Serving *serving) {
        uint64_t now_usec = base_boottime_usec(), first_usec = USEC_INFINITY;

        if (serving->accept_failed)
                first_usec = now_usec + BASE_SERVICE_PAUSE_MSEC * USEC_PER_MSEC;

        for (size_t i = 0; i < NOTIFY_QUEUE_MAX; i++) {
                const Mail *mail = &serving->mails[i];

                if (mail->message && !mail->late && mail->deadline_usec < first_usec)
                        first_usec = mail->deadline_usec;
        }
        if (first_usec == USEC_INFINITY)
                return -1;
        return first_usec <= now_usec ? 0 : (int)((first_usec - now_usec) / USEC_PER_MSEC + 1);
}

/* ---- requests -------------------------------------------------------------------------------- */

/* False: the peer is to be dropped. */
static bool packet_take(Serving *serving, const Client *client, size_t len) {
        char path[BASE_PATH_MAX + 1];
        NotifyRequest request;

        if (notify_request_parse(serving->packet, len, &request) < 0)
                return false;
        if (request.head.op != NOTIFY_PING)
                return mail_take(serving, client, &request);
        return client_tell(client, NOTIFY_PING, request.head.id,
                           notify_sendmail_find(serving->paths, path), 0);
}

/* False: the peer is to be dropped. */
static bool client_read(Serving *serving, const Client *client) {
        bool good = true;

        for (unsigned i = 0; good && i < PACKETS_A_TURN; i++) {
                ssize_t n = recv(client->fd, serving->packet, NOTIFY_PACKET_MAX,
                                 MSG_DONTWAIT | MSG_TRUNC);

                if (n < 0 && (errno == EAGAIN || errno == EINTR))
                        return true;
                good = n > 0 && n <= (ssize_t)NOTIFY_PACKET_MAX &&
                       packet_take(serving, client, (size_t)n);
                base_wipe(serving->packet, NOTIFY_PACKET_MAX);
        }
        return good;
}

/* ---- the loop -------------------------------------------------------------------------------- */

static void polls_fill(const Serving *serving, int signal_fd, struct pollfd *polls) {
        bool has_place = false;

        for (size_t i = 0; i < CLIENTS_MAX; i++) {
                has_place = has_place || serving->clients[i].fd < 0;
                polls[POLL_CLIENTS + i] =
                        (struct pollfd){ .fd = serving->clients[i].fd, .events = POLLIN };
        }
        for (size_t i = 0; i < NOTIFY_QUEUE_MAX; i++)
                polls[POLL_MAILS + i] =
                        (struct pollfd){ .fd = serving->mails[i].pid_fd, .events = POLLIN };
        has_place = has_place && !serving->accept_failed;
        polls[POLL_SIGNAL] = (struct pollfd){ .fd = signal_fd, .events = POLLIN };
        polls[POLL_LISTEN] = (struct pollfd){ .fd = has_place ? serving->service->listen_fd : -1,
                                              .events = POLLIN };
}

/* 1: its one peer, by hand, is gone. */
static int clients_serve(Serving *serving, const struct pollfd *polls) {
        bool dropped = false;

        for (size_t i = 0; i < CLIENTS_MAX; i++) {
                short events = polls[POLL_CLIENTS + i].revents;
                Client *client = &serving->clients[i];

                if (client->fd < 0 || events == 0)
                        continue;
                if ((events & POLLIN) && client_read(serving, client))
                        continue;
                client->fd = base_close(client->fd);
                dropped = true;
        }
        return dropped && serving->service->listen_fd < 0;
}

static int serving_loop(Serving *serving, int signal_fd) {
        struct pollfd polls[POLL_COUNT];
        int r = 0;

        while (r == 0) {
                polls_fill(serving, signal_fd, polls);
                if (poll(polls, ARRAY_LENGTH(polls), poll_timeout(serving)) < 0) {
                        r = errno == EINTR ? 0 : -errno;
                        continue;
                }
                serving->accept_failed = false;
                if (polls[POLL_SIGNAL].revents)
                        return 0;
                for (size_t i = 0; i < NOTIFY_QUEUE_MAX; i++)
                        if (serving->mails[i].pid > 0 && polls[POLL_MAILS + i].revents)
                                mail_reap(serving, &serving->mails[i]);
                mails_expire(serving, base_boottime_usec());
                r = clients_serve(serving, polls);
                mails_start(serving);
                if (polls[POLL_LISTEN].revents)
                        client_accept(serving);
        }
        return r < 0 ? r : 0;
}

int notify_serve(const NotifyPaths *paths, const BaseService *service, int signal_fd) {
        Serving serving = { .paths = paths, .service = service };
        int r;

        serving.packet = mmap(NULL, NOTIFY_PACKET_MAX, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (serving.packet == MAP_FAILED)
                return -ENOMEM;
        (void)mlock(serving.packet, NOTIFY_PACKET_MAX);
        (void)madvise(serving.packet, NOTIFY_PACKET_MAX, MADV_DONTDUMP);
        for (size_t i = 0; i < CLIENTS_MAX; i++)
                serving.clients[i].fd = -1;
        for (size_t i = 0; i < NOTIFY_QUEUE_MAX; i++)
                serving.mails[i].pid_fd = -1;
        if (service->client_fd >= 0 && !base_service_serves(service, service->client_fd))
                r = -EPERM;
        else {
                if (service->client_fd >= 0)
                        client_add(&serving, service->client_fd);
                r = serving_loop(&serving, signal_fd);
        }
        /* programs that run have the whole message: they go on */
        for (size_t i = 0; i < NOTIFY_QUEUE_MAX; i++) {
                base_close(serving.mails[i].pid_fd);
                base_secret_free(serving.mails[i].message);
        }
        for (size_t i = 0; i < CLIENTS_MAX; i++)
                base_close(serving.clients[i].fd);
        munmap(serving.packet, NOTIFY_PACKET_MAX);
        return r;
}
