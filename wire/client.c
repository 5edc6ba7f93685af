/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The client side of the private socket: connect, know the server, one bounded round a call.
 *
 * It runs inside pam_um, that is inside sshd, login and setuid programs: no environment variable is
 * read (sd-bus asks SYSTEMD_BUS_TIMEOUT only where no timeout was set; it always is), nothing
 * outlives the call but the connection, writes are MSG_NOSIGNAL, and every wait ends by the
 * caller's deadline, the D-Bus handshake included, which sd-bus alone would give 25 s. */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/base.h"
#include "wire/wire.h"

static inline void message_unrefp(sd_bus_message **m) {
        sd_bus_message_unref(*m);
}

static inline void slot_unrefp(sd_bus_slot **slot) {
        sd_bus_slot_unref(*slot);
}

static inline void bus_closep(sd_bus **bus) {
        sd_bus_close_unref(*bus);
}

uint64_t wire_time_left(uint64_t deadline_usec) {
        uint64_t now = base_boottime_usec();

        return deadline_usec > now ? deadline_usec - now : 1;
}

/* systemd listens as root; umd by hand as itself.  Anybody else on that path is not um. */
static int server_check(int fd, const char *map_dir) {
        struct stat st;
        uid_t uid;
        gid_t gid;
        pid_t pid;
        int r;

        r = base_peer_credentials(fd, &uid, &gid, &pid);
        if (r < 0)
                return r;
        if (uid == 0)
                return 0;
        if (lstat(map_dir, &st) < 0 || !S_ISDIR(st.st_mode) || st.st_uid != uid)
                return -EPERM;
        return 0;
}

static int bus_poll(sd_bus *bus, uint64_t deadline_usec) {
        int fd = sd_bus_get_fd(bus), events = sd_bus_get_events(bus);

        if (fd < 0 || events < 0)
                return fd < 0 ? fd : events;
        return base_poll_until(fd, (short)events, deadline_usec);
}

/* The handshake.  sd_bus_call would wait for it without regard to its timeout. */
static int handshake(sd_bus *bus, uint64_t deadline_usec) {
        for (;;) {
                int r;

                r = sd_bus_is_ready(bus);
                if (r != 0)
                        return r < 0 ? -ECONNRESET : 0;
                if (base_boottime_usec() >= deadline_usec)
                        return -ETIMEDOUT;
                r = sd_bus_process(bus, NULL);
                if (r < 0)
                        return r;
                if (r > 0)
                        continue;
                r = bus_poll(bus, deadline_usec);
                if (r < 0)
                        return r;
        }
}

int wire_connect(const char *path, const char *map_dir, uint64_t deadline_usec, sd_bus **ret) {
        _cleanup_(bus_closep) sd_bus *bus = NULL;
        _cleanup_close_ int owned = -1;
        int r;

        r = base_unix_connect(path, SOCK_STREAM, deadline_usec, &owned);
        if (r < 0)
                return r;
        r = server_check(owned, map_dir);
        if (r < 0)
                return r;
        r = sd_bus_new(&bus);
        if (r < 0)
                return r;
        r = sd_bus_set_fd(bus, owned, owned);
        if (r < 0)
                return r;
        owned = -1; /* sd-bus closes it from here on */
        r = sd_bus_negotiate_fds(bus, true);
        if (r >= 0)
                r = sd_bus_set_method_call_timeout(bus, wire_time_left(deadline_usec));
        if (r >= 0)
                r = sd_bus_start(bus);
        if (r >= 0)
                r = handshake(bus, deadline_usec);
        if (r < 0)
                return r;
        *ret = TAKE(bus);
        return 0;
}

bool wire_is_quiet(sd_bus *bus) {
        struct pollfd p = { .fd = sd_bus_get_fd(bus), .events = POLLIN | POLLRDHUP };

        return p.fd >= 0 && ppoll(&p, 1, &(struct timespec){ 0 }, NULL) == 0;
}

static int method_new(sd_bus *bus, const char *member, sd_bus_message **ret) {
        return sd_bus_message_new_method_call(bus, ret, NULL, WIRE_PATH, WIRE_LOGIN, member);
}

static int reply_take(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        sd_bus_message **reply = userdata;

        *reply = sd_bus_message_ref(m);
        return 1;
}

/* What a server sends without being asked concerns no client of ours. */
static int unasked_drop(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return 1;
}

static int reply_wait(sd_bus *bus, uint64_t deadline_usec, sd_bus_message *const *reply) {
        while (!*reply) {
                int r;

                if (base_boottime_usec() >= deadline_usec)
                        return -ETIMEDOUT;
                r = sd_bus_process(bus, NULL);
                if (r < 0)
                        return r;
                if (r == 0 && !*reply) {
                        r = bus_poll(bus, deadline_usec);
                        if (r < 0)
                                return r;
                }
        }
        return 0;
}

static int error_fault(const sd_bus_error *error) {
        int number = sd_bus_error_get_errno(error);

        if (sd_bus_error_has_name(error, SD_BUS_ERROR_NO_REPLY))
                return -ECONNRESET; /* sd-bus's word for a connection that is gone */
        return number > 0 && number != EREMOTEIO ? -number : -EIO;
}

/* Sends m and waits for a reply of just this signature.  Not by sd_bus_call, which gives up where a
 * signal of the application's interrupts its poll (systemd 252). */
static int call(sd_bus *bus, sd_bus_message *m, const char *signature, uint64_t deadline_usec,
                sd_bus_message **ret, WireError *ret_error) {
        _cleanup_(slot_unrefp) sd_bus_slot *filter = NULL, *slot = NULL;
        _cleanup_(message_unrefp) sd_bus_message *reply = NULL;
        const sd_bus_error *error;
        int r;

        r = sd_bus_add_filter(bus, &filter, unasked_drop, NULL);
        if (r >= 0)
                r = sd_bus_call_async(bus, &slot, m, reply_take, &reply,
                                      wire_time_left(deadline_usec) + USEC_PER_SEC);
        if (r >= 0)
                r = reply_wait(bus, deadline_usec, &reply);
        if (r < 0)
                return r;
        error = sd_bus_message_get_error(reply);
        if (error && error->name &&
            strncmp(error->name, WIRE_ERROR_PREFIX, strlen(WIRE_ERROR_PREFIX)) == 0) {
                *ret_error = wire_error_from_name(error->name);
                return -EREMOTEIO;
        }
        if (error)
                return error_fault(error);
        if (sd_bus_message_has_signature(reply, signature) <= 0)
                return -EBADMSG;
        *ret = TAKE(reply);
        return 0;
}

static bool login_id_valid(const char *s) {
        return strlen(s) == WIRE_LOGIN_ID_BYTES &&
               strspn(s, "0123456789abcdef") == WIRE_LOGIN_ID_BYTES;
}

int wire_login_begin(sd_bus *bus, const WireContext *context, uint64_t deadline_usec,
                     char *ret_login, WireStep *ret, WireError *ret_error) {
        _cleanup_(message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        const char *login;
        WireStep step;
        int r;

        r = method_new(bus, "Begin", &m);
        if (r >= 0)
                r = wire_context_append(m, context);
        if (r >= 0)
                r = call(bus, m, "s(usa{sv})", deadline_usec, &reply, ret_error);
        if (r < 0)
                return r;
        r = sd_bus_message_read_basic(reply, 's', &login);
        if (r < 0)
                return r;
        if (r == 0 || !login_id_valid(login))
                return -EBADMSG;
        r = wire_step_read(reply, &step);
        if (r < 0)
                return r;
        memcpy(ret_login, login, WIRE_LOGIN_ID_BYTES + 1);
        *ret = step;
        return 0;
}

int wire_login_answer(sd_bus *bus, const char *login, const void *answer, size_t len,
                      uint64_t deadline_usec, WireStep *ret, WireError *ret_error) {
        _cleanup_(message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        int r;

        if (len > BASE_PASSWORD_MAX)
                return -E2BIG;
        r = method_new(bus, "Answer", &m);
        if (r >= 0)
                r = sd_bus_message_sensitive(m); /* wiped when freed */
        if (r >= 0)
                r = sd_bus_message_append_basic(m, 's', login);
        if (r >= 0)
                r = sd_bus_message_append_array(m, 'y', answer, len);
        if (r >= 0)
                r = call(bus, m, "(usa{sv})", deadline_usec, &reply, ret_error);
        if (r >= 0)
                r = wire_step_read(reply, ret);
        return r;
}

int wire_login_authorize(sd_bus *bus, const WireContext *context, const char *login,
                         uint64_t deadline_usec, WireStep *ret, WireError *ret_error) {
        _cleanup_(message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        int r;

        r = method_new(bus, "Authorize", &m);
        if (r >= 0)
                r = wire_context_append(m, context);
        if (r >= 0)
                r = sd_bus_message_append_basic(m, 's', login);
        if (r >= 0)
                r = call(bus, m, "usss", deadline_usec, &reply, ret_error);
        if (r >= 0)
                r = wire_outcome_read(reply, ret);
        return r;
}

int wire_login_open_session(sd_bus *bus, const WireContext *context, const char *login,
                            uint64_t deadline_usec, WireStep *ret, int *ret_fd,
                            WireError *ret_error) {
        _cleanup_(message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        _cleanup_close_ int session = -1;
        WireStep step;
        int r, fd;

        r = method_new(bus, "OpenSession", &m);
        if (r >= 0)
                r = wire_context_append(m, context);
        if (r >= 0)
                r = sd_bus_message_append_basic(m, 's', login);
        if (r >= 0)
                r = call(bus, m, "ussssh", deadline_usec, &reply, ret_error);
        if (r >= 0)
                r = wire_outcome_read(reply, &step);
        if (r < 0)
                return r;
        if (step.verdict == WIRE_VERDICT_ALLOW) {
                r = sd_bus_message_skip(reply, "s");
                if (r >= 0)
                        r = sd_bus_message_read_basic(reply, 'h', &fd);
                if (r <= 0)
                        return r < 0 ? r : -EBADMSG;
                session = fcntl(fd, F_DUPFD_CLOEXEC, 3); /* the message owns its own */
                if (session < 0)
                        return -errno;
        }
        *ret = step;
        *ret_fd = base_take_fd(&session);
        return 0;
}
