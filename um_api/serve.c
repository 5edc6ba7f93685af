/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One connection from its beginning to its end. */

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "um_api/um_api.h"

const char *api_end_text(ApiEnd end) {
        switch (end) {
        case API_DONE:
                return "done";
        case API_NO_SERVER:
                return "um is not there: try again later";
        case API_REFUSED:
                return "um takes no connection of this account now: it has too many, or may not";
        case API_NO_DBUS:
                return "this account has no shell: it speaks D-Bus (busctl --host=ACCOUNT@HOST)";
        case API_FAULT:
        case _API_END_MAX:
                break;
        }
        return "a fault";
}

/* systemd listens as root; umd by hand as itself.  Anybody else on that path is not um. */
static bool server_is_um(int fd, const char *map_dir) {
        struct stat st;
        uid_t uid;
        gid_t gid;
        pid_t pid;

        if (base_peer_credentials(fd, &uid, &gid, &pid) < 0)
                return false;
        return uid == 0 || (lstat(map_dir, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == uid);
}

/* A side that takes nothing must not keep us from hearing the other. */
static int set_nonblocking(int fd) {
        int flags = fcntl(fd, F_GETFL);

        return flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ? -1 : 0;
}

ApiEnd api_serve(const char *path, const char *map_dir) {
        uint64_t deadline_usec = base_boottime_usec() + API_CONNECT_USEC;
        _cleanup_close_ int server = -1;
        char guid[API_GUID_BYTES + 1];
        ApiBuffer rest = { 0 };
        ApiEnd end;

        if (base_unix_connect(path, SOCK_STREAM, deadline_usec, &server) < 0 ||
            !server_is_um(server, map_dir))
                return API_NO_SERVER;
        if (signal(SIGPIPE, SIG_IGN) == SIG_ERR || set_nonblocking(STDIN_FILENO) < 0 ||
            set_nonblocking(STDOUT_FILENO) < 0 || api_sandbox_enter() < 0)
                return API_FAULT;
        end = api_greet_server(server, deadline_usec, guid);
        if (end == API_DONE)
                end = api_greet_client(STDIN_FILENO, STDOUT_FILENO,
                                       base_boottime_usec() + API_GREET_USEC, guid, &rest);
        return end == API_DONE ? api_relay(STDIN_FILENO, STDOUT_FILENO, server, &rest) : end;
}
