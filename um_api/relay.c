/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Bytes both ways, one buffer for each.  A side is read where its buffer is empty, and written
 * where it is not: so a side that takes nothing stops the other one, and no memory grows.
 *
 * When the other end has nothing more to say, umd is told, answers what it was asked, and hangs up;
 * that is the end. */

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "um_api/um_api.h"

/* 1: the end of it, 0: something or nothing came, or a fault. */
static int fill(int fd, ApiBuffer *buffer) {
        ssize_t n = read(fd, buffer->bytes, sizeof(buffer->bytes));

        if (n < 0)
                return errno == EAGAIN || errno == EINTR ? 0 : -errno;
        buffer->len = (size_t)n;
        return n == 0;
}

static int drain(int fd, ApiBuffer *buffer) {
        ssize_t n = write(fd, buffer->bytes, buffer->len);

        if (n < 0)
                return errno == EAGAIN || errno == EINTR ? 0 : -errno;
        buffer->len -= (size_t)n;
        memmove(buffer->bytes, buffer->bytes + n, buffer->len);
        return 0;
}

typedef struct Relay {
        int in, out, server;
        ApiBuffer *up; /* to umd */
        ApiBuffer down;
        bool in_over; /* nothing more goes to umd */
} Relay;

enum { IN, OUT, SERVER, ENDS };

static void step_up(Relay *relay, const struct pollfd *p) {
        if (p[IN].revents != 0 && fill(relay->in, relay->up) != 0) {
                relay->in_over = true;
                (void)shutdown(relay->server,
                               SHUT_WR); /* one that is gone says so when it is read */
        } else if (relay->up->len > 0 && p[SERVER].revents != 0 &&
                   drain(relay->server, relay->up) < 0) {
                relay->in_over = true;
                relay->up->len = 0; /* umd hung up; why, it may have said */
        }
}

/* 1: it is over. */
static int step_down(Relay *relay, const struct pollfd *p) {
        if (relay->down.len > 0)
                return p[OUT].revents != 0 ? drain(relay->out, &relay->down) : 0;
        if (p[SERVER].revents != 0)
                return fill(relay->server, &relay->down);
        return (p[OUT].revents & (POLLERR | POLLHUP)) != 0; /* nobody listens any more */
}

ApiEnd api_relay(int in, int out, int server, ApiBuffer *rest) {
        Relay relay = { .in = in, .out = out, .server = server, .up = rest };
        int r = 0;

        while (r == 0) {
                const short up = rest->len > 0 ? POLLOUT : 0;
                const short down = relay.down.len > 0 ? POLLOUT : 0;
                const short both = (short)(up | (down ? 0 : POLLIN));
                struct pollfd p[ENDS] = {
                        [IN] = { .fd = up || relay.in_over ? -1 : in, .events = POLLIN },
                        [OUT] = { .fd = out, .events = down },
                        [SERVER] = { .fd = both ? server : -1, .events = both },
                };

                if (poll(p, ENDS, -1) < 0) {
                        if (errno != EINTR)
                                return API_FAULT;
                        continue;
                }
                step_up(&relay, p);
                r = step_down(&relay, p);
        }
        return API_DONE;
}
