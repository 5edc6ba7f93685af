/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Accepts the peers of the private socket.  Who a peer is comes from SO_PEERCRED and nothing else;
 * any doubt closes the connection.  A place is given by uid, with a reserve for root in places and
 * in descriptors, so that no other uid can lock it out.  One timer watches all gates' deadlines. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "umd/bus/private.h"

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77 /* Linux 6.5 */
#endif

#define TIMER_ACCURACY_USEC (50 * USEC_PER_MSEC)

static uint64_t fds_limit(void) {
        struct rlimit limit;

        return getrlimit(RLIMIT_NOFILE, &limit) < 0 ? 0 : limit.rlim_cur;
}

bool server_may_open(const Bus *bus, uid_t uid, size_t count) {
        uint64_t limit = fds_limit();
        uint64_t used = SERVER_FDS_KEPT + (uint64_t)bus->server.peer_count * PEER_FDS +
                        bus->session_count + count;

        return used + (uid == 0 ? 0 : SERVER_FDS_RESERVED) <= limit;
}

/* behind: whoever started a program that is root now has of root's places what he has of his own,
 * and all of them together no more than half: su asks for a password as long as it is let. */
static bool server_has_place(const Bus *bus, uid_t uid, uid_t behind) {
        uint32_t count = 0, started = 0, own = 0;
        const Peer *peer;

        if (bus->server.peer_count + (uid == 0 ? 0 : SERVER_PEERS_RESERVED) >= SERVER_PEERS_MAX ||
            !server_may_open(bus, uid, PEER_FDS))
                return false;
        LIST_FOREACH(peer, &bus->server.peers, entry) {
                if (peer->core_peer.actor.uid != uid)
                        continue;
                count++;
                started += peer->behind_uid != 0;
                own += peer->behind_uid == behind;
        }
        if (behind != 0 && (started >= SERVER_PEERS_BEHIND || own >= SERVER_PEERS_PER_UID))
                return false;
        return count < (uid == 0 ? SERVER_PEERS_ROOT : SERVER_PEERS_PER_UID);
}

bool server_is_clogged(const Bus *bus, uid_t uid) {
        size_t own = 0, all = 0;
        const Peer *peer;

        if (uid == 0)
                return false;
        LIST_FOREACH(peer, &bus->server.peers, entry) {
                if (peer->core_peer.actor.uid == uid)
                        own += peer->queue_bytes;
                if (peer->core_peer.actor.uid != 0)
                        all += peer->queue_bytes;
        }
        return own > SERVER_UID_BYTES_MAX || all > SERVER_BYTES_MAX;
}

/* The pidfd, where the kernel has it, makes sure that the number still was the peer's. */
static uid_t peer_login_uid(int fd, pid_t pid) {
        _cleanup_close_ int pidfd = -1;
        socklen_t size = sizeof(pidfd);

        if (getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &size) < 0)
                pidfd = -1;
        return system_login_uid(pid, pidfd);
}

/* The real uid of a process; 0 where it cannot be known, which favours nobody but root's. */
static uid_t process_real_uid(pid_t pid) {
        char path[64], status[1024], *uid;
        _cleanup_close_ int fd = -1;
        uint32_t id;
        ssize_t n;

        (void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        n = fd < 0 ? -1 : read(fd, status, sizeof(status) - 1);
        if (n <= 0)
                return 0;
        status[n] = '\0';
        uid = strstr(status, "\nUid:\t"); /* a name before it has its newlines escaped */
        if (!uid)
                return 0;
        uid += strlen("\nUid:\t");
        uid[strcspn(uid, "\t\n")] = '\0';
        return base_parse_id(uid, &id) < 0 ? 0 : id;
}

/* Who started a program that runs as root: su keeps his real uid, sudo only the login's.  Counts
 * places, decides nothing else. */
static uid_t peer_behind(const Actor *actor, pid_t pid) {
        uid_t real = actor->uid == 0 ? process_real_uid(pid) : 0;

        if (actor->uid != 0 || real != 0)
                return real;
        return actor->login_uid == (uid_t)-1 ? 0 : actor->login_uid;
}

static void server_admit(Bus *bus, int fd) {
        Actor actor = { .uid = (uid_t)-1, .login_uid = (uid_t)-1, .via = "socket" };
        uid_t behind = 0;
        Peer *peer = NULL;
        bool placed;
        gid_t gid;
        pid_t pid;
        int r;

        placed = base_peer_credentials(fd, &actor.uid, &gid, &pid) >= 0 && actor.uid != (uid_t)-1;
        if (placed) {
                actor.login_uid = peer_login_uid(fd, pid);
                behind = peer_behind(&actor, pid);
                placed = server_has_place(bus, actor.uid, behind);
        }
        if (!placed) {
                base_close(fd);
                return;
        }
        r = peer_new(bus, fd, &actor, behind, pid, &peer);
        if (r < 0)
                bus_log(bus, r, "cannot take a connection on the private socket");
        else
                peer_pump(peer); /* a client that sent everything at once need not wait */
}

/* No descriptor is left, in umd or in the system: the one kept for this lets the peer be refused,
 * else the listening socket would wake us for ever. */
static void server_refuse_one(Server *server) {
        server->reserve_fd = base_close(server->reserve_fd);
        base_close(accept4(server->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK));
        server->reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static int server_ready(sd_event_source *source, int listening_fd, uint32_t revents,
                        void *userdata) {
        Bus *bus = userdata;

        for (unsigned i = 0; i < SERVER_ACCEPTS_AT_ONCE; i++) {
                int fd = accept4(listening_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

                if (fd >= 0)
                        fd = base_fd_above_stdio(fd);
                else if (errno == EMFILE || errno == ENFILE) {
                        server_refuse_one(&bus->server);
                        continue;
                } else
                        return 0; /* no more, or a peer that is gone again */
                if (fd >= 0)
                        server_admit(bus, fd);
        }
        return 0;
}

static int server_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        Bus *bus = userdata;
        uint64_t now = base_boottime_usec(), next = USEC_INFINITY;
        Peer *peer, *following;

        for (peer = LIST_FIRST(&bus->server.peers); peer; peer = following) {
                following = LIST_NEXT(peer, entry);
                if (gate_check_deadline(&peer->gate, now) != GATE_OK)
                        peer_free(peer);
                else if (peer->gate.deadline_usec < next)
                        next = peer->gate.deadline_usec;
        }
        bus->server.timer_usec = USEC_INFINITY;
        server_deadline(bus, next);
        return 0;
}

void server_deadline(Bus *bus, uint64_t deadline_usec) {
        Server *server = &bus->server;

        if (deadline_usec >= server->timer_usec)
                return; /* it rings earlier, and looks at everyone then */
        server->timer_usec = deadline_usec;
        (void)sd_event_source_set_time(server->timer, deadline_usec);
        (void)sd_event_source_set_enabled(server->timer, SD_EVENT_ONESHOT);
}

int server_listen(Bus *bus, int fd) {
        Server *server = &bus->server;
        int flags = fcntl(fd, F_GETFL), r;

        if (server->source)
                return -EALREADY;
        if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
                return -errno;
        server->reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
        if (server->reserve_fd < 0)
                return -errno;
        server->timer_usec = USEC_INFINITY;
        r = sd_event_add_time(bus->event, &server->timer, CLOCK_BOOTTIME, USEC_INFINITY,
                              TIMER_ACCURACY_USEC, server_timer, bus);
        if (r >= 0)
                r = sd_event_source_set_enabled(server->timer, SD_EVENT_OFF);
        if (r >= 0)
                r = sd_event_add_io(bus->event, &server->source, fd, EPOLLIN, server_ready, bus);
        if (r < 0) {
                server_close(bus);
                return r;
        }
        server->fd = fd;
        return 0;
}

void server_close(Bus *bus) {
        Server *server = &bus->server;
        Peer *peer;

        while ((peer = LIST_FIRST(&server->peers)))
                peer_free(peer);
        server->source = sd_event_source_disable_unref(server->source);
        server->timer = sd_event_source_disable_unref(server->timer);
        server->reserve_fd = base_close(server->reserve_fd);
        server->fd = base_close(server->fd);
}
