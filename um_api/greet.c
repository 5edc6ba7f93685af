/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SASL on both sides ("Authentication Protocol" of the D-Bus specification).
 *
 * Bytes alone could not be passed on from the first: a client says which uid it has on its own
 * machine (libdbus does, sd-bus leaves it to the server), and umd drops whoever claims another than
 * the socket's.  So umd is told by us, and the client is answered by us: yes to whatever it claims,
 * since sshd has proved by its key who it is; no to descriptors, which no network carries. */

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "um_api/um_api.h"

static int write_all(int fd, const char *bytes, size_t len, uint64_t deadline_usec) {
        while (len > 0) {
                ssize_t n = write(fd, bytes, len);
                int r = n < 0 && errno == EAGAIN  ? base_poll_until(fd, POLLOUT, deadline_usec)
                        : n < 0 && errno != EINTR ? -errno
                                                  : 0;

                if (r < 0)
                        return r;
                if (n > 0) {
                        bytes += n;
                        len -= (size_t)n;
                }
        }
        return 0;
}

/* Reads more into *buffer; -ECONNRESET: the other end is gone, -EMSGSIZE: there is no more room. */
static int read_more(int fd, ApiBuffer *buffer, uint64_t deadline_usec) {
        for (;;) {
                size_t room = sizeof(buffer->bytes) - buffer->len;
                ssize_t n = room > 0 ? read(fd, buffer->bytes + buffer->len, room) : -1;
                int r;

                if (room == 0)
                        return -EMSGSIZE;
                if (n > 0) {
                        buffer->len += (size_t)n;
                        return 0;
                }
                if (n == 0)
                        return -ECONNRESET;
                if (errno != EAGAIN && errno != EINTR)
                        return -errno;
                r = base_poll_until(fd, POLLIN, deadline_usec);
                if (r < 0)
                        return r;
        }
}

static void drop_front(ApiBuffer *buffer, size_t count) {
        buffer->len -= count;
        memmove(buffer->bytes, buffer->bytes + count, buffer->len);
}

/* The next line, without its end, taken out of the buffer.  -EBADMSG: it is too long, or has bytes
 * that no line has. */
static int read_line(int fd, ApiBuffer *buffer, uint64_t deadline_usec, char *ret) {
        for (;;) {
                const char *end = memmem(buffer->bytes, buffer->len, "\r\n", 2);
                size_t len = end ? (size_t)(end - buffer->bytes) : buffer->len;
                int r;

                if (len + 2 > API_LINE_MAX)
                        return -EBADMSG;
                if (end) {
                        for (size_t i = 0; i < len; i++)
                                if (buffer->bytes[i] < 0x20 || buffer->bytes[i] > 0x7e)
                                        return -EBADMSG;
                        memcpy(ret, buffer->bytes, len);
                        ret[len] = '\0';
                        drop_front(buffer, len + 2);
                        return 0;
                }
                r = read_more(fd, buffer, deadline_usec);
                if (r < 0)
                        return r;
        }
}

ApiEnd api_greet_server(int fd, uint64_t deadline_usec, char *ret_guid) {
        static const char hello[] = "\0AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n";
        char line[API_LINE_MAX];
        ApiBuffer answers = { 0 };

        if (write_all(fd, hello, sizeof(hello) - 1, deadline_usec) < 0 ||
            read_line(fd, &answers, deadline_usec, line) < 0 || strcmp(line, "DATA") != 0 ||
            read_line(fd, &answers, deadline_usec, line) < 0 || strncmp(line, "OK ", 3) != 0 ||
            strlen(line + 3) != API_GUID_BYTES || answers.len != 0)
                return API_REFUSED;
        memcpy(ret_guid, line + 3, API_GUID_BYTES + 1);
        return API_DONE;
}

/* The line is the word, or the word and something behind a space. */
static bool is_word(const char *line, const char *word) {
        size_t len = strlen(word);

        return strncmp(line, word, len) == 0 && (line[len] == '\0' || line[len] == ' ');
}

typedef enum Greeting {
        GREETING_AUTH,      /* AUTH is awaited */
        GREETING_DATA,      /* DATA, after AUTH without a name */
        GREETING_CONFIRMED, /* BEGIN */
        GREETING_OVER,
} Greeting;

static const char *answer_to(const char *line, const char *ok, Greeting *state) {
        switch (*state) {
        case GREETING_AUTH:
                if (!is_word(line, "AUTH"))
                        return "ERROR\r\n";
                if (!is_word(line, "AUTH EXTERNAL") && !is_word(line, "AUTH ANONYMOUS"))
                        return "REJECTED EXTERNAL\r\n";
                *state = strchr(strchr(line, ' ') + 1, ' ') ? GREETING_CONFIRMED : GREETING_DATA;
                return *state == GREETING_CONFIRMED ? ok : "DATA\r\n";
        case GREETING_DATA:
                *state = is_word(line, "DATA") ? GREETING_CONFIRMED : GREETING_AUTH;
                return *state == GREETING_CONFIRMED ? ok : "REJECTED EXTERNAL\r\n";
        case GREETING_CONFIRMED:
                if (strcmp(line, "BEGIN") != 0)
                        return "ERROR\r\n"; /* NEGOTIATE_UNIX_FD among them */
                *state = GREETING_OVER;
                return "";
        case GREETING_OVER:
                break;
        }
        return "";
}

ApiEnd api_greet_client(int in, int out, uint64_t deadline_usec, const char *guid,
                        ApiBuffer *rest) {
        Greeting state = GREETING_AUTH;
        char line[API_LINE_MAX], ok[API_GUID_BYTES + 8];

        (void)snprintf(ok, sizeof(ok), "OK %s\r\n", guid);
        if (rest->len == 0 && read_more(in, rest, deadline_usec) < 0)
                return API_NO_DBUS;
        if (rest->bytes[0] != '\0')
                return API_NO_DBUS;
        drop_front(rest, 1);
        for (unsigned int i = 0; i < API_LINES_MAX; i++) {
                const char *answer;

                if (read_line(in, rest, deadline_usec, line) < 0)
                        return API_NO_DBUS;
                answer = answer_to(line, ok, &state);
                if (write_all(out, answer, strlen(answer), deadline_usec) < 0)
                        return API_NO_DBUS;
                if (state == GREETING_OVER)
                        return API_DONE;
        }
        return API_NO_DBUS;
}
