/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Numbered requests to one other process: what the clients of um's other services share.
 *
 * The loop never waits here: a request that cannot be sent at once is queued, one that is not
 * answered in time ends as -ETIMEDOUT, and a connection that breaks ends all of them as
 * -ECONNRESET. done is never called from within channel_call().  An answer nobody waits for any
 * more is dropped; one that breaks the protocol drops the connection.  Packets may hold secrets:
 * wiped once sent. */

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/base.h"
#include "umd/umd.h"

#define BACKOFF_FIRST_USEC (100 * USEC_PER_MSEC)
#define BACKOFF_LAST_USEC  (2 * USEC_PER_SEC)
#define ANSWERS_A_TURN     64U

typedef struct Request {
        struct Request *next;
        uint64_t id, deadline_usec;
        ChannelDone done;
        void *call;      /* ours; done's userdata */
        uint8_t *unsent; /* NULL once it is sent */
        size_t len;
} Request;

struct Channel {
        ChannelSpec spec;
        sd_event *event;
        sd_event_source *io, *timeout, *retry;
        int fd;
        Request *first, **last; /* by deadline, which is also the order of sending */
        unsigned pending_count;
        uint64_t backoff_usec;
        uint8_t *packet;
};

static void request_free(Request *request) {
        if (request->unsent)
                base_wipe(request->unsent, request->len);
        free(request->unsent);
        free(request->call);
        free(request);
}

/* Takes the request out that *link points to. */
static Request *request_take(Channel *channel, Request **link) {
        Request *request = *link;

        *link = request->next;
        if (channel->last == &request->next)
                channel->last = link;
        channel->pending_count--;
        return request;
}

static void request_end(Channel *channel, Request **link, int r, const void *packet, size_t len) {
        Request *request = request_take(channel, link);

        request->done(request->call, r, packet, len);
        request_free(request);
}

/* ---- the connection -------------------------------------------------------------------------- */

static void retry_arm(Channel *channel) {
        if (!channel->spec.keep)
                return;
        (void)sd_event_source_set_time(channel->retry,
                                       base_boottime_usec() + channel->backoff_usec);
        (void)sd_event_source_set_enabled(channel->retry, SD_EVENT_ONESHOT);
        channel->backoff_usec *= 2;
        if (channel->backoff_usec > BACKOFF_LAST_USEC)
                channel->backoff_usec = BACKOFF_LAST_USEC;
}

static void connection_lost(Channel *channel, int fault) {
        Request *ended = channel->first;

        channel->io = sd_event_source_disable_unref(channel->io);
        channel->fd = base_close(channel->fd);
        channel->first = NULL;
        channel->last = &channel->first;
        channel->pending_count = 0;
        (void)sd_event_source_set_enabled(channel->timeout, SD_EVENT_OFF);
        channel->spec.lost(channel->spec.userdata, fault);
        retry_arm(channel);
        while (ended) {
                Request *next = ended->next;

                ended->done(ended->call, -ECONNRESET, NULL, 0);
                request_free(ended);
                ended = next;
        }
}

static void timeout_arm(Channel *channel) {
        if (!channel->first) {
                (void)sd_event_source_set_enabled(channel->timeout, SD_EVENT_OFF);
                return;
        }
        (void)sd_event_source_set_time(channel->timeout, channel->first->deadline_usec);
        (void)sd_event_source_set_enabled(channel->timeout, SD_EVENT_ONESHOT);
}

static int timeout_fired(sd_event_source *source, uint64_t usec, void *userdata) {
        Channel *channel = userdata;
        uint64_t now_usec = base_boottime_usec();

        /* One that was never sent is not sent any more either: nobody waits for its answer. */
        while (channel->first && channel->first->deadline_usec <= now_usec)
                request_end(channel, &channel->first, -ETIMEDOUT, NULL, 0);
        timeout_arm(channel);
        return 0;
}

/* ---- sending --------------------------------------------------------------------------------- */

/* 1 sent, 0 the socket is full, or a fault. */
static int packet_send(int fd, const void *packet, size_t len) {
        for (;;) {
                if (send(fd, packet, len, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
                        return 1;
                if (errno == EAGAIN)
                        return 0;
                if (errno != EINTR)
                        return -errno;
        }
}

static int queue_send(Channel *channel) {
        bool waiting = false;

        for (Request *request = channel->first; request && !waiting; request = request->next) {
                int r;

                if (!request->unsent)
                        continue;
                r = packet_send(channel->fd, request->unsent, request->len);
                if (r < 0)
                        return r;
                waiting = r == 0;
                if (waiting)
                        break;
                base_wipe(request->unsent, request->len);
                free(request->unsent);
                request->unsent = NULL;
        }
        return sd_event_source_set_io_events(channel->io, waiting ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

static bool queue_has_unsent(const Channel *channel) {
        for (const Request *request = channel->first; request; request = request->next)
                if (request->unsent)
                        return true;
        return false;
}

/* Keeps a copy where the packet could not be sent at once. */
static int request_send(Channel *channel, Request *request, const void *packet, size_t len) {
        int r = queue_has_unsent(channel) ? 0 : packet_send(channel->fd, packet, len);

        if (r != 0)
                return r < 0 ? r : 0;
        request->unsent = malloc(len);
        if (!request->unsent)
                return -ENOMEM;
        memcpy(request->unsent, packet, len);
        request->len = len;
        return sd_event_source_set_io_events(channel->io, EPOLLIN | EPOLLOUT);
}

int channel_call(Channel *channel, uint64_t id, const void *packet, size_t len, ChannelDone done,
                 void *call) {
        Request *request;
        int r = channel_connect(channel);

        if (r < 0)
                return r;
        if (channel->pending_count >= channel->spec.pending_max)
                return -EBUSY;
        request = calloc(1, sizeof(*request));
        if (!request)
                return -ENOMEM;
        *request = (Request){
                .id = id,
                .deadline_usec = base_boottime_usec() + channel->spec.timeout_usec,
                .done = done,
        };
        r = request_send(channel, request, packet, len);
        if (r < 0) { /* the loop sees the hangup, and ends the others */
                request_free(request);
                return r;
        }
        request->call = call;
        *channel->last = request;
        channel->last = &request->next;
        channel->pending_count++;
        if (channel->pending_count == 1)
                timeout_arm(channel);
        return 0;
}

/* ---- receiving ------------------------------------------------------------------------------- */

static int answer_take(Channel *channel, size_t len) {
        uint64_t id;
        int r = channel->spec.answer_id(channel->packet, len, &id);

        if (r < 0)
                return r;
        channel->backoff_usec = BACKOFF_FIRST_USEC; /* it works */
        for (Request **link = &channel->first; *link; link = &(*link)->next)
                if ((*link)->id == id && !(*link)->unsent) {
                        request_end(channel, link, 0, channel->packet, len);
                        timeout_arm(channel);
                        return 0;
                }
        return 0;
}

/* 1: go on; 0: nothing more; or why the connection is to end. */
static int answer_receive(Channel *channel) {
        ssize_t n = recv(channel->fd, channel->packet, channel->spec.packet_max,
                         MSG_DONTWAIT | MSG_TRUNC);
        int r;

        if (n < 0)
                return errno == EAGAIN || errno == EINTR ? 0 : -errno;
        if (n == 0)
                return -ECONNRESET;
        if ((size_t)n > channel->spec.packet_max)
                return -EBADMSG;
        r = answer_take(channel, (size_t)n);
        base_wipe(channel->packet, (size_t)n); /* it may hold a seed */
        return r < 0 ? r : 1;
}

static int io_ready(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        Channel *channel = userdata;
        int r = 1;

        if (events & EPOLLOUT)
                r = queue_send(channel);
        for (unsigned i = 0; r >= 0 && i < ANSWERS_A_TURN; i++) {
                r = answer_receive(channel);
                if (r == 0)
                        break;
        }
        if (r < 0)
                connection_lost(channel, r);
        return 0;
}

/* ---- connecting ------------------------------------------------------------------------------ */

int channel_connect(Channel *channel) {
        _cleanup_close_ int fd = -1;
        int r;

        if (channel->fd >= 0)
                return 0;
        r = channel->spec.connect(channel->spec.userdata, &fd);
        if (r >= 0)
                r = sd_event_add_io(channel->event, &channel->io, fd, EPOLLIN, io_ready, channel);
        if (r < 0) {
                channel->spec.lost(channel->spec.userdata, r);
                retry_arm(channel);
                return r;
        }
        channel->fd = base_take_fd(&fd);
        (void)sd_event_source_set_enabled(channel->retry, SD_EVENT_OFF);
        r = channel->spec.connected ? channel->spec.connected(channel->spec.userdata) : 0;
        if (r < 0)
                connection_lost(channel, r);
        return r;
}

int channel_peer_check(int fd, const char *passwd, const char *user) {
        uint32_t user_uid;
        uid_t uid;
        gid_t gid;
        pid_t pid;
        int r = base_peer_credentials(fd, &uid, &gid, &pid);

        if (r < 0)
                return r;
        if (uid == 0)
                return 0;
        r = base_local_find_name(passwd, user, &user_uid);
        if (r < 0)
                return r;
        return r == 1 && uid == user_uid ? 0 : -EPERM;
}

static int retry_fired(sd_event_source *source, uint64_t usec, void *userdata) {
        (void)channel_connect(userdata);
        return 0;
}

int channel_new(sd_event *event, const ChannelSpec *spec, Channel **ret) {
        _cleanup_(channel_freep) Channel *channel = calloc(1, sizeof(*channel));
        int r;

        if (!channel)
                return -ENOMEM;
        channel->spec = *spec;
        channel->event = sd_event_ref(event);
        channel->fd = -1;
        channel->last = &channel->first;
        channel->backoff_usec = BACKOFF_FIRST_USEC;
        channel->packet = malloc(spec->packet_max);
        if (!channel->packet)
                return -ENOMEM;
        r = sd_event_add_time(event, &channel->timeout, CLOCK_BOOTTIME, 0, 10 * USEC_PER_MSEC,
                              timeout_fired, channel);
        if (r >= 0)
                r = sd_event_source_set_enabled(channel->timeout, SD_EVENT_OFF);
        if (r >= 0)
                r = sd_event_add_time(event, &channel->retry, CLOCK_BOOTTIME, 0, 10 * USEC_PER_MSEC,
                                      retry_fired, channel);
        if (r >= 0)
                r = sd_event_source_set_enabled(channel->retry, SD_EVENT_OFF);
        if (r < 0)
                return r;
        *ret = TAKE(channel);
        return 0;
}

Channel *channel_free(Channel *channel) {
        if (!channel)
                return NULL;
        sd_event_source_disable_unref(channel->io);
        sd_event_source_disable_unref(channel->timeout);
        sd_event_source_disable_unref(channel->retry);
        base_close(channel->fd);
        while (channel->first)
                request_free(request_take(channel, &channel->first));
        free(channel->packet);
        sd_event_unref(channel->event);
        free(channel);
        return NULL;
}
