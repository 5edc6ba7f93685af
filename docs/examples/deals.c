/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A service that asks um before it acts: docs/howto.md, "Ask um before you act".
 *
 *     cc -o deals deals.c $(pkg-config --cflags --libs libsystemd)
 *     ./deals SOCKET
 *
 * It listens on a unix socket, reads one line ("view" or "close") and answers one.  Who asks is
 * what the kernel says of the peer, never what he says himself; what that one may do is umd's to
 * say. Whatever goes wrong on the way is a no. */

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <systemd/sd-bus.h>

#define UM_ADDRESS   "unix:path=/run/um/bus" /* everybody may ask there, and no broker is between */
#define UM_WAIT_USEC ((uint64_t)2 * 1000000)

static const struct Verb {
        const char *line, *permission, *done;
} verbs[] = {
        { "view\n", "crm.deal.view", "two deals are open\n" },
        { "close\n", "crm.deal.close", "closed\n" },
};

/* May the uid?  True only where umd said so. */
static bool um_permits(uid_t uid, const char *permission) {
        sd_bus_message *reply = NULL;
        sd_bus *bus = NULL;
        char user[16];
        int r, allowed = 0;

        (void)snprintf(user, sizeof(user), "%u", uid);
        r = sd_bus_new(&bus);
        if (r >= 0)
                r = sd_bus_set_address(bus, UM_ADDRESS);
        if (r >= 0)
                r = sd_bus_start(bus);
        if (r >= 0)
                r = sd_bus_set_method_call_timeout(bus, UM_WAIT_USEC);
        if (r >= 0)
                r = sd_bus_call_method(bus, "org.um1", "/org/um1", "org.um1.Manager",
                                       "CheckPermission", NULL, &reply, "sss", user, permission,
                                       ""); /* the tenant of this host */
        if (r >= 0)
                r = sd_bus_message_read(reply, "b", &allowed);
        if (r < 0)
                (void)fprintf(stderr, "deals: um cannot be asked: %s\n", strerror(-r));
        sd_bus_message_unref(reply);
        sd_bus_close_unref(bus);
        return r >= 0 && allowed;
}

static const char *answer(int peer) {
        struct ucred who;
        socklen_t size = sizeof(who);
        char line[16] = "";

        if (getsockopt(peer, SOL_SOCKET, SO_PEERCRED, &who, &size) < 0)
                return "no\n";
        for (size_t len = 0; len < sizeof(line) - 1 && !strchr(line, '\n');) {
                ssize_t n = read(peer, line + len, sizeof(line) - 1 - len);

                if (n <= 0)
                        return "no\n";
                len += (size_t)n;
        }
        for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
                if (strcmp(line, verbs[i].line) == 0)
                        return um_permits(who.uid, verbs[i].permission) ? verbs[i].done : "no\n";
        return "view or close?\n";
}

static int listen_at(const char *path) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        if (fd < 0)
                return -1;
        (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
        (void)unlink(path);
        if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || chmod(path, 0666) < 0 ||
            listen(fd, 16) < 0)
                return -1;
        return fd;
}

int main(int argc, char *argv[]) {
        const struct timeval patience = { .tv_sec =
                                                  5 }; /* with whoever connects and says nothing */
        int fd;

        if (argc != 2) {
                (void)fprintf(stderr, "usage: deals SOCKET\n");
                return 2;
        }
        (void)signal(SIGPIPE, SIG_IGN);
        fd = listen_at(argv[1]);
        if (fd < 0) {
                (void)fprintf(stderr, "deals: %s: %s\n", argv[1], strerror(errno));
                return 1;
        }
        for (;;) {
                int peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
                const char *text;

                if (peer < 0)
                        continue;
                (void)setsockopt(peer, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
                text = answer(peer);
                if (write(peer, text, strlen(text)) < 0)
                        (void)fprintf(stderr, "deals: %s\n", strerror(errno));
                close(peer);
        }
}
