/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* um-fido's loop: requests in, a child for each device that is plugged in, answers out when one of
 * them has what was asked for or none of them will.
 *
 * Everything is bounded: requests at once, children, the time of each.  A device that somebody is
 * asked to touch is asked for nothing else meanwhile.  A request that nobody waits for any more
 * (cancelled, its peer gone, its time over) lets its children tell their devices to stop; until
 * they have, the devices stay busy.
 *
 * A PIN goes to the child whose device has shown, by a signature that was checked here, that it has
 * the credential, and to no other; the one of a new credential, to the only key that is plugged in.
 * Until then it is in locked memory that no child inherits, and it is wiped when no device can
 * become the one it is for. */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/base.h"
#include "um_fido/token.h"

#define CLIENTS_MAX    16U
#define JOBS_MAX       16U
#define WORKERS_MAX    32U
#define PACKETS_A_TURN 16U /* then the other peers */

typedef struct Job {
        bool used;
        int client; /* the descriptor */
        uint64_t deadline_usec;
        uint64_t seek_usec;   /* ASSERT: until then a device may show that it is meant */
        TokenRequest request; /* points into packet */
        size_t running;       /* its children */
        TokenResult result;   /* the most telling refusal by now */
        TokenGo *go;          /* its PIN, in Hidden */
        char packet[TOKEN_PACKET_MAX];
} Job;

typedef enum WorkerState {
        WORKER_ASKS,   /* what it reports is what it has to say */
        WORKER_SEEKS,  /* ASSERT: has its device a credential? */
        WORKER_PROVED, /* it has; as WORKER_ASKS */
        WORKER_ENDS,   /* nothing is heard of it any more */
} WorkerState;

typedef struct Worker {
        int control; /* -1: free */
        uint64_t device;
        WorkerState state;
        Job *job;           /* NULL: nobody waits */
        TokenReport report; /* a fault, as long as it said nothing */
} Worker;

/* Where PINs are: locked, and not there in children. */
typedef struct Hidden {
        char packet[TOKEN_PACKET_MAX];
        TokenGo gos[JOBS_MAX];
} Hidden;

typedef struct Serving {
        const BaseService *service;
        int clients[CLIENTS_MAX]; /* -1: free */
        Worker workers[WORKERS_MAX];
        Job jobs[JOBS_MAX];
        Hidden *hidden;
        bool accept_failed; /* for want of descriptors or memory: tried again after a pause */
} Serving;

enum { POLL_SIGNAL, POLL_LISTEN, POLL_CLIENTS, POLL_WORKERS = POLL_CLIENTS + CLIENTS_MAX };
#define POLLS (POLL_WORKERS + WORKERS_MAX)

/* ---- jobs ------------------------------------------------------------------------------------ */

static bool client_send(int client, const TokenAnswer *answer) {
        return send(client, answer, sizeof(*answer), MSG_NOSIGNAL | MSG_DONTWAIT) >= 0;
}

static TokenAnswer answer_of(const TokenHead *head, TokenResult result) {
        return (TokenAnswer){
                .protocol = TOKEN_PROTOCOL, .op = head->op, .id = head->id, .result = result
        };
}

/* Frees it, and lets its children go. */
static void job_drop(Serving *serving, Job *job) {
        for (size_t i = 0; i < WORKERS_MAX; i++)
                if (serving->workers[i].job == job) {
                        serving->workers[i].job = NULL;
                        (void)shutdown(serving->workers[i].control, SHUT_WR);
                }
        base_wipe(job->go, sizeof(*job->go));
        base_wipe(job, sizeof(*job));
}

/* A peer that does not take it is seen to be gone where it is read. */
static void job_answer(Serving *serving, Job *job, const TokenAnswer *answer) {
        (void)client_send(job->client, answer);
        job_drop(serving, job);
}

static void job_refuse(Serving *serving, Job *job, TokenResult result) {
        const TokenAnswer answer = answer_of(&job->request.head, result);

        job_answer(serving, job, &answer);
}

/* The packet that children will see, without its PIN. */
static int packet_move(Serving *serving, Job *job, size_t len) {
        char *packet = serving->hidden->packet;
        TokenRequest request;
        int r = token_request_parse(packet, len, &request);

        if (r < 0)
                return r;
        if (request.pin) { /* packet's own */
                char *pin = packet + (request.pin - packet);

                memcpy(job->go->pin, pin, request.head.pin_bytes);
                memset(pin, '*', request.head.pin_bytes);
        }
        memcpy(job->packet, packet, len);
        r = token_request_parse(job->packet, len, &job->request);
        job->request.pin = NULL;
        return r;
}

/* NULL: too many. */
static Job *job_new(Serving *serving, int client, size_t len) {
        for (size_t i = 0; i < JOBS_MAX; i++) {
                Job *job = &serving->jobs[i];

                if (job->used)
                        continue;
                job->go = &serving->hidden->gos[i];
                if (packet_move(serving, job, len) < 0)
                        return NULL; /* it was one a moment ago */
                job->used = true;
                job->client = client;
                job->result = TOKEN_ABSENT;
                job->seek_usec = base_boottime_usec() + TOKEN_LOOK_USEC;
                job->deadline_usec = job->request.head.op == TOKEN_LOOK
                                             ? job->seek_usec
                                             : base_boottime_usec() + TOKEN_TOUCH_USEC;
                return job;
        }
        return NULL;
}

static void job_cancel(Serving *serving, int client, uint64_t target) {
        for (size_t i = 0; i < JOBS_MAX; i++) {
                Job *job = &serving->jobs[i];

                if (job->used && job->client == client && job->request.head.id == target)
                        job_refuse(serving, job, TOKEN_CANCELLED);
        }
}

/* ---- children -------------------------------------------------------------------------------- */

static bool device_is_busy(const Serving *serving, uint64_t device) {
        for (size_t i = 0; i < WORKERS_MAX; i++)
                if (serving->workers[i].control >= 0 && serving->workers[i].device == device)
                        return true;
        return false;
}

/* In the child: the two descriptors where they are looked for, and no others. */
static _Noreturn void child_run(const TokenRequest *request, pid_t parent, int control,
                                int device) {
        int high_control = fcntl(control, F_DUPFD_CLOEXEC, TOKEN_WORKER_DEVICE + 1);
        int high_device = fcntl(device, F_DUPFD_CLOEXEC, TOKEN_WORKER_DEVICE + 1);

        if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent || high_control < 0 ||
            high_device < 0 || dup3(high_control, TOKEN_WORKER_CONTROL, O_CLOEXEC) < 0 ||
            dup3(high_device, TOKEN_WORKER_DEVICE, O_CLOEXEC) < 0 ||
            close_range(TOKEN_WORKER_DEVICE + 1, ~0U, 0) < 0)
                _exit(1);
        token_worker_run(request);
}

static Worker *worker_free_one(Serving *serving) {
        for (size_t i = 0; i < WORKERS_MAX; i++)
                if (serving->workers[i].control < 0)
                        return &serving->workers[i];
        return NULL;
}

/* Lets it go on, with the PIN where it needs one.  One that is gone is seen where it is read. */
static void worker_go(const Worker *worker, bool with_pin) {
        static const TokenGo without;
        const TokenGo *go = with_pin ? worker->job->go : &without;

        (void)send(worker->control, go, sizeof(*go), MSG_NOSIGNAL | MSG_DONTWAIT);
}

static int worker_start(Serving *serving, Job *job, const TokenDevice *device) {
        Worker *worker = worker_free_one(serving);
        pid_t parent = getpid(), pid;
        int pair[2];

        if (!worker)
                return -EBUSY;
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
                return -errno;
        pid = fork();
        if (pid == 0)
                child_run(&job->request, parent, pair[1], device->fd);
        base_close(pair[1]);
        if (pid < 0) {
                base_close(pair[0]);
                return -EAGAIN;
        }
        *worker = (Worker){ .control = pair[0], .device = device->id, .job = job };
        job->running++;
        if (job->request.head.op == TOKEN_ASSERT)
                worker->state = WORKER_SEEKS;
        else if (job->request.head.op == TOKEN_MAKE)
                worker_go(worker, true);
        return 0;
}

/* Wipes the PIN where there is no child that may yet be given it. */
static void pin_forget(const Serving *serving, Job *job) {
        for (size_t i = 0; i < WORKERS_MAX; i++)
                if (serving->workers[i].control >= 0 && serving->workers[i].job == job &&
                    serving->workers[i].state == WORKER_SEEKS)
                        return;
        base_wipe(job->go, sizeof(*job->go));
}

/* One for each device that is not asked for something already. */
static void job_start(Serving *serving, Job *job) {
        const TokenHead *head = &job->request.head;
        bool alone = head->op == TOKEN_MAKE || (head->flags & TOKEN_FLAG_NEW);
        TokenDevice devices[TOKEN_DEVICES_MAX];
        size_t count = token_devices_open(devices);

        for (size_t i = 0; i < count; i++) {
                if (alone && count > 1)
                        job->result = TOKEN_SEVERAL;
                else if (device_is_busy(serving, devices[i].id) ||
                         worker_start(serving, job, &devices[i]) < 0)
                        job->result = TOKEN_BUSY;
                base_close(devices[i].fd);
        }
        pin_forget(serving, job);
        if (job->running == 0)
                job_refuse(serving, job, job->result);
}

/* A child's last word for its request.  Why the key refuses that it is about tells more than what
 * others say. */
static void report_take(Serving *serving, Job *job, const Worker *worker) {
        TokenAnswer answer;

        token_report_judge(&job->request, &worker->report, &answer);
        job->running--;
        if (answer.result == TOKEN_OK) {
                job_answer(serving, job, &answer);
                return;
        }
        if (job->result == TOKEN_ABSENT ||
            (worker->state == WORKER_PROVED && answer.result != TOKEN_ABSENT))
                job->result = (TokenResult)answer.result;
        if (job->running == 0)
                job_refuse(serving, job, job->result);
}

/* ASSERT: its device is not the one, and is asked for nothing more. */
static void worker_end(Worker *worker, TokenResult result) {
        worker->state = WORKER_ENDS;
        worker->report.result = result;
        (void)shutdown(worker->control, SHUT_WR);
}

/* What has not shown by now that it is meant holds up nothing, and no PIN is kept for it. */
static void seeking_end(Serving *serving, Job *job) {
        for (size_t i = 0; i < WORKERS_MAX; i++)
                if (serving->workers[i].control >= 0 && serving->workers[i].job == job &&
                    serving->workers[i].state == WORKER_SEEKS)
                        worker_end(&serving->workers[i], TOKEN_ABSENT);
        pin_forget(serving, job);
        job->seek_usec = USEC_INFINITY;
}

/* ASSERT: what it found.  Only who has shown that he has a credential is asked for more. */
static void found_take(Serving *serving, Worker *worker, const TokenReport *report) {
        const TokenRequest *request = &worker->job->request;
        TokenResult result = token_find_judge(request, report);

        if (result == TOKEN_OK) {
                worker->state = WORKER_PROVED;
                worker_go(worker, request->credentials[report->which].flags & TOKEN_FLAG_VERIFY);
        } else
                worker_end(worker, result);
        pin_forget(serving, worker->job);
}

/* What it said counts when it is gone: the next request then finds its device free. */
static void worker_read(Serving *serving, Worker *worker) {
        Job *job = worker->job;
        TokenReport report;
        ssize_t n = recv(worker->control, &report, sizeof(report), MSG_DONTWAIT | MSG_TRUNC);

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return;
        if (n > 0) {
                if (n != (ssize_t)sizeof(report) || !job || worker->state == WORKER_ENDS)
                        return;
                if (worker->state == WORKER_SEEKS)
                        found_take(serving, worker, &report);
                else
                        worker->report = report;
                return;
        }
        worker->control = base_close(worker->control);
        worker->job = NULL;
        if (job) {
                pin_forget(serving, job);
                report_take(serving, job, worker);
        }
}

/* ---- clients --------------------------------------------------------------------------------- */

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

static void client_drop(Serving *serving, size_t i) {
        for (size_t j = 0; j < JOBS_MAX; j++) {
                Job *job = &serving->jobs[j];

                if (job->used && job->client == serving->clients[i])
                        job_drop(serving, job);
        }
        serving->clients[i] = base_close(serving->clients[i]);
}

/* False: the peer is to be dropped. */
static bool packet_take(Serving *serving, int client, size_t len) {
        TokenRequest request;
        TokenAnswer answer;
        Job *job;

        if (token_request_parse(serving->hidden->packet, len, &request) < 0)
                return false;
        if (request.head.op == TOKEN_CANCEL) {
                job_cancel(serving, client, request.head.target);
                answer = answer_of(&request.head, TOKEN_OK);
                return client_send(client, &answer);
        }
        job = job_new(serving, client, len);
        if (!job) {
                answer = answer_of(&request.head, TOKEN_BUSY);
                return client_send(client, &answer);
        }
        job_start(serving, job);
        return true;
}

/* False: the peer is to be dropped. */
static bool client_read(Serving *serving, int client) {
        char *packet = serving->hidden->packet;
        bool good = true;

        for (unsigned i = 0; good && i < PACKETS_A_TURN; i++) {
                ssize_t n = recv(client, packet, TOKEN_PACKET_MAX, MSG_DONTWAIT | MSG_TRUNC);

                if (n < 0 && (errno == EAGAIN || errno == EINTR))
                        return true;
                good = n > 0 && n <= (ssize_t)TOKEN_PACKET_MAX &&
                       packet_take(serving, client, (size_t)n);
                base_wipe(packet, TOKEN_PACKET_MAX);
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
        for (size_t i = 0; i < WORKERS_MAX; i++)
                polls[POLL_WORKERS + i] =
                        (struct pollfd){ .fd = serving->workers[i].control, .events = POLLIN };
        polls[POLL_SIGNAL] = (struct pollfd){ .fd = signal_fd, .events = POLLIN };
        has_place = has_place && !serving->accept_failed;
        polls[POLL_LISTEN] = (struct pollfd){ .fd = has_place ? serving->service->listen_fd : -1,
                                              .events = POLLIN };
}

/* Ends what is over; milliseconds to the next end, -1: there is none. */
static int jobs_expire(Serving *serving) {
        uint64_t now_usec = base_boottime_usec(), next_usec = USEC_INFINITY;

        for (size_t i = 0; i < JOBS_MAX; i++) {
                Job *job = &serving->jobs[i];

                if (!job->used)
                        continue;
                if (job->deadline_usec <= now_usec) {
                        job_refuse(serving, job,
                                   job->request.head.op == TOKEN_LOOK ? TOKEN_ABSENT
                                                                      : TOKEN_TIMEOUT);
                        continue;
                }
                if (job->seek_usec <= now_usec)
                        seeking_end(serving, job);
                if (job->deadline_usec < next_usec)
                        next_usec = job->deadline_usec;
                if (job->seek_usec < next_usec)
                        next_usec = job->seek_usec;
        }
        return next_usec == USEC_INFINITY
                       ? -1
                       : (int)((next_usec - now_usec + USEC_PER_MSEC - 1) / USEC_PER_MSEC);
}

/* 1: its one peer, by hand, is gone. */
static int ready_serve(Serving *serving, const struct pollfd *polls) {
        bool dropped = false;

        for (size_t i = 0; i < WORKERS_MAX; i++)
                if (serving->workers[i].control >= 0 && polls[POLL_WORKERS + i].revents)
                        worker_read(serving, &serving->workers[i]);
        for (size_t i = 0; i < CLIENTS_MAX; i++)
                if (serving->clients[i] >= 0 && polls[POLL_CLIENTS + i].revents &&
                    !client_read(serving, serving->clients[i])) {
                        client_drop(serving, i);
                        dropped = true;
                }
        return dropped && serving->service->listen_fd < 0;
}

static int serving_loop(Serving *serving, int signal_fd) {
        struct pollfd polls[POLLS];
        int r = 0;

        while (r == 0) {
                int timeout_msec = jobs_expire(serving);

                if (serving->accept_failed &&
                    (timeout_msec < 0 || timeout_msec > BASE_SERVICE_PAUSE_MSEC))
                        timeout_msec = BASE_SERVICE_PAUSE_MSEC;
                polls_fill(serving, signal_fd, polls);
                if (poll(polls, ARRAY_LENGTH(polls), timeout_msec) < 0) {
                        r = errno == EINTR ? 0 : -errno;
                        continue;
                }
                if (polls[POLL_SIGNAL].revents)
                        return 0;
                serving->accept_failed = false;
                r = ready_serve(serving, polls);
                if (polls[POLL_LISTEN].revents)
                        client_accept(serving);
        }
        return r < 0 ? r : 0;
}

static int serving_prepare(Serving *serving) {
        serving->hidden = mmap(NULL, sizeof(Hidden), PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (serving->hidden == MAP_FAILED)
                return -ENOMEM;
        if (madvise(serving->hidden, sizeof(Hidden), MADV_DONTFORK) < 0)
                return -errno;
        (void)mlock(serving->hidden, sizeof(Hidden));
        (void)madvise(serving->hidden, sizeof(Hidden), MADV_DONTDUMP);
        for (size_t i = 0; i < CLIENTS_MAX; i++)
                serving->clients[i] = -1;
        for (size_t i = 0; i < WORKERS_MAX; i++)
                serving->workers[i].control = -1;
        /* children are known by their sockets; nobody waits for their status */
        return signal(SIGCHLD, SIG_IGN) == SIG_ERR ? -errno : 0;
}

int token_serve(const BaseService *service, int signal_fd) {
        Serving serving = { .service = service };
        int r = serving_prepare(&serving);

        if (r < 0)
                return r;
        if (service->client_fd >= 0 && !base_service_serves(service, service->client_fd))
                r = -EPERM;
        else {
                if (service->client_fd >= 0)
                        client_add(&serving, service->client_fd);
                r = serving_loop(&serving, signal_fd);
        }
        for (size_t i = 0; i < CLIENTS_MAX; i++)
                if (serving.clients[i] >= 0)
                        client_drop(&serving, i);
        for (size_t i = 0; i < WORKERS_MAX; i++)
                base_close(serving.workers[i].control);
        base_wipe(serving.hidden, sizeof(Hidden));
        munmap(serving.hidden, sizeof(Hidden));
        return r;
}
