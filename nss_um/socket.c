/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Asks umd over /run/um/bus where no map is published: one connection, one call, one reply, closed
 * again.  Believes only a server that is root or the owner of the map's folder, and of its answer
 * only what has the exact form, names what was asked for and passes base's field rules.  250 ms in
 * all; a server that was silent or senseless is left alone for two seconds, so that a hung umd
 * costs a process one wait and not one for each lookup. */

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"
#include "map/map.h"
#include "nss_um/nss_um.h"

#define SOCKET_PATH    "/run/um/bus"
#define DEADLINE_USEC  (250 * USEC_PER_MSEC)
#define PAUSE_SEC      2U
#define LINE_MAX_BYTES 512U /* of the SASL dialogue */
#define BUFFER_BYTES   (MESSAGE_MAX + LINE_MAX_BYTES)
#define OTHERS_MAX     8U /* messages that are not our reply, skipped */

/* Until when no one is asked, in boottime seconds; the only thing this file remembers. */
static uint32_t paused_until_sec;

typedef struct Stream {
        int fd;
        uint64_t deadline_usec;
        size_t filled;
        _Alignas(8) unsigned char buf[BUFFER_BYTES];
} Stream;

/* ---- the stream ------------------------------------------------------------------------------ */

static int stream_send(Stream *s, const unsigned char *bytes, size_t len) {
        while (len > 0) {
                ssize_t n = send(s->fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);
                int r;

                if (n >= 0) {
                        bytes += n;
                        len -= (size_t)n;
                        continue;
                }
                if (errno == EINTR)
                        continue;
                if (errno != EAGAIN)
                        return -errno;
                r = base_poll_until(s->fd, POLLOUT, s->deadline_usec);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* Until at least `wanted` bytes are there. */
static int stream_fill(Stream *s, size_t wanted) {
        while (s->filled < wanted) {
                ssize_t n;
                int r;

                if (wanted > sizeof(s->buf))
                        return -EMSGSIZE;
                r = base_poll_until(s->fd, POLLIN, s->deadline_usec);
                if (r < 0)
                        return r;
                n = recv(s->fd, s->buf + s->filled, sizeof(s->buf) - s->filled, MSG_DONTWAIT);
                if (n < 0 && errno != EINTR && errno != EAGAIN)
                        return -errno;
                if (n == 0)
                        return -ECONNRESET;
                if (n > 0)
                        s->filled += (size_t)n;
        }
        return 0;
}

static void stream_drop(Stream *s, size_t len) {
        s->filled -= len;
        memmove(s->buf, s->buf + len, s->filled);
}

/* The server's "OK <its id>", and nothing else. */
static int stream_accepted(Stream *s) {
        unsigned char *end = NULL;

        for (size_t len = 2; !end; len++) {
                int r = len > LINE_MAX_BYTES ? -EBADMSG : stream_fill(s, len);

                if (r < 0)
                        return r;
                if (memcmp(s->buf + len - 2, "\r\n", 2) == 0)
                        end = s->buf + len;
        }
        if (memcmp(s->buf, "OK ", 3) != 0)
                return -EACCES;
        stream_drop(s, (size_t)(end - s->buf));
        return 0;
}

/* ---- one call -------------------------------------------------------------------------------- */

static int server_trusted(int fd) {
        struct stat st;
        uid_t uid;
        gid_t gid;
        pid_t pid;
        int r;

        r = base_peer_credentials(fd, &uid, &gid, &pid);
        if (r < 0 || uid == 0)
                return r;
        if (stat(MAP_DIR, &st) < 0)
                return -errno;
        return uid == st.st_uid ? 0 : -EPERM;
}

/* SASL's words, with the uid in decimal in hex: a digit's code is 0x30 and the digit. */
static size_t sasl_put(unsigned char *out) {
        static const char before[] = "\0AUTH EXTERNAL ", after[] = "\r\nBEGIN\r\n";
        char digits[10];
        uint32_t uid = geteuid();
        size_t first = sizeof(digits), len = sizeof(before) - 1;

        do
                digits[--first] = (char)('0' + uid % 10);
        while (uid /= 10);
        memcpy(out, before, len);
        for (; first < sizeof(digits); first++) {
                out[len++] = '3';
                out[len++] = (unsigned char)digits[first];
        }
        memcpy(out + len, after, sizeof(after) - 1);
        return len + sizeof(after) - 1;
}

static int call_send(Stream *s, const char *member, const Query *query) {
        unsigned char out[512];
        size_t len = sasl_put(out), message;

        message = message_call(member, query, out + len, sizeof(out) - len);
        return message == 0 ? -EMSGSIZE : stream_send(s, out, len + message);
}

static int call_receive(Stream *s, Message *ret) {
        int r;

        r = stream_accepted(s);
        for (size_t i = 0; r >= 0 && i < OTHERS_MAX; i++) {
                size_t len;

                r = stream_fill(s, MESSAGE_HEAD_BYTES);
                if (r >= 0)
                        r = message_length(s->buf, &len);
                if (r >= 0)
                        r = stream_fill(s, len);
                if (r >= 0)
                        r = message_parse(s->buf, len, ret);
                if (r < 0 || ret->kind != MESSAGE_OTHER)
                        return r;
                stream_drop(s, len);
        }
        return r < 0 ? r : -EBADMSG;
}

/* 1 and a reply of that signature, 0 for the error that says "none", or a fault. */
static int call_exchange(Stream *s, const char *member, const Query *query, const char *none,
                         const char *signature, Body *ret) {
        Message reply;
        int r;

        r = server_trusted(s->fd);
        if (r >= 0)
                r = call_send(s, member, query);
        if (r >= 0)
                r = call_receive(s, &reply);
        if (r < 0)
                return r;
        if (reply.kind == MESSAGE_ERROR)
                return strcmp(reply.error, none) == 0 ? 0 : -EREMOTEIO;
        if (strcmp(reply.signature, signature) != 0)
                return -EBADMSG;
        *ret = (Body){ .bytes = reply.body, .len = reply.body_bytes };
        return 1;
}

static uint32_t now_sec(void) {
        return (uint32_t)(base_boottime_usec() / USEC_PER_SEC);
}

/* The reply's body stands in *ret_stream, which is the caller's to free. */
static int call(const char *member, const Query *query, const char *none, const char *signature,
                Stream **ret_stream, Body *ret) {
        _cleanup_free_ Stream *s = NULL;
        int r;

        if (now_sec() < __atomic_load_n(&paused_until_sec, __ATOMIC_RELAXED))
                return -EHOSTDOWN;
        s = malloc(sizeof(*s));
        if (!s)
                return -ENOMEM;
        s->filled = 0;
        s->deadline_usec = base_boottime_usec() + DEADLINE_USEC;
        r = base_unix_connect(SOCKET_PATH, SOCK_STREAM, s->deadline_usec, &s->fd);
        if (r < 0 && r != -ETIMEDOUT)
                return r; /* nobody listens: that is known at once, next time too */
        if (r >= 0) {
                r = call_exchange(s, member, query, none, signature, ret);
                s->fd = base_close(s->fd);
        }
        if (r < 0)
                __atomic_store_n(&paused_until_sec, now_sec() + PAUSE_SEC + 1, __ATOMIC_RELAXED);
        if (r > 0)
                *ret_stream = TAKE(s);
        return r;
}

/* ---- answers --------------------------------------------------------------------------------- */

void answer_done(Answer *answer) {
        free(answer->memory);
        *answer = (Answer){};
}

static bool line_valid(const char *s, size_t len, const char *forbidden) {
        return base_field_check(FIELD_LINE, s, len) == FIELD_OK && !strpbrk(s, forbidden);
}

static bool asked_for(const Query *query, const char *name, size_t len, uint32_t id) {
        if (base_id_reserved(id))
                return false;
        return query->name ? query->len == len && memcmp(query->name, name, len) == 0
                           : query->id == id;
}

static uint32_t string_put(char *strings, uint32_t at, const char *s, size_t len) {
        memcpy(strings + at, s, len + 1);
        return at + (uint32_t)len + 1;
}

static int user_read(Body *body, const Query *query, Answer *ret) {
        size_t name_len, gecos_len, home_len, shell_len;
        const char *name = body_string(body, &name_len);
        uint32_t uid = body_u32(body), gid = body_u32(body), at;
        const char *gecos = body_string(body, &gecos_len), *home = body_string(body, &home_len),
                   *shell = body_string(body, &shell_len);
        MapUser user = { .uid = uid, .gid = gid };
        char *strings;

        if (!body_finished(body) || !asked_for(query, name, name_len, uid) ||
            base_id_reserved(gid) ||
            base_field_check(FIELD_USER_NAME, name, name_len) != FIELD_OK ||
            !line_valid(gecos, gecos_len, ":") ||
            base_field_check(FIELD_HOME, home, home_len) != FIELD_OK ||
            base_field_check(FIELD_SHELL, shell, shell_len) != FIELD_OK)
                return -EBADMSG;
        strings = malloc(name_len + gecos_len + home_len + shell_len + 6);
        if (!strings)
                return -ENOMEM;
        at = user.password_at = string_put(strings, 0, name, name_len);
        at = user.gecos_at = string_put(strings, at, "*", 1);
        at = user.home_at = string_put(strings, at, gecos, gecos_len);
        at = user.shell_at = string_put(strings, at, home, home_len);
        user.strings_bytes = string_put(strings, at, shell, shell_len);
        user.strings = strings;
        *ret = (Answer){ .memory = strings, .found.user = user };
        return 1;
}

static int user_ask(const Query *query, Answer *ret) {
        _cleanup_free_ Stream *stream = NULL;
        Body body;
        int r;

        r = call(query->name ? "GetUserByName" : "GetUserByUID", query, "org.um1.Error.NoSuchUser",
                 "suusss", &stream, &body);
        return r <= 0 ? r : user_read(&body, query, ret);
}

/* Strings and offsets of the members, at most as many of each as the body has bytes. */
static int members_read(Body *body, MapGroup *group, char *strings, uint32_t *member_at) {
        size_t end = body_array(body), len;

        end += body->at;
        while (!body->bad && body->at < end) {
                const char *member = body_string(body, &len);

                if (body->bad || len == 0 || !line_valid(member, len, ":, "))
                        return -EBADMSG;
                member_at[group->member_count++] = group->strings_bytes;
                group->strings_bytes = string_put(strings, group->strings_bytes, member, len);
        }
        return body->at == end && body_finished(body) ? 1 : -EBADMSG;
}

static int group_read(Body *body, const Query *query, Answer *ret) {
        size_t name_len, count_max;
        const char *name = body_string(body, &name_len);
        uint32_t gid = body_u32(body), *member_at;
        FieldFault fault = base_field_check(FIELD_GROUP_NAME, name, name_len);
        _cleanup_free_ void *memory = NULL;
        MapGroup group = { .gid = gid };
        char *strings;
        int r;

        if (body->bad || !asked_for(query, name, name_len, gid) ||
            (fault != FIELD_OK && fault != FIELD_FAULT_RESERVED))
                return -EBADMSG;
        count_max = body->len / 5 + 1; /* a string takes a length and a NUL at least */
        memory = malloc(count_max * sizeof(*member_at) + body->len + BASE_NAME_MAX + 4);
        if (!memory)
                return -ENOMEM;
        member_at = memory;
        strings = (char *)(member_at + count_max);
        group.password_at = string_put(strings, 0, name, name_len);
        group.strings_bytes = string_put(strings, group.password_at, "*", 1);
        r = members_read(body, &group, strings, member_at);
        if (r < 0)
                return r;
        group.strings = strings;
        group.member_at = member_at;
        *ret = (Answer){ .memory = TAKE(memory), .found.group = group };
        return 1;
}

static int group_ask(const Query *query, Answer *ret) {
        _cleanup_free_ Stream *stream = NULL;
        Body body;
        int r;

        r = call(query->name ? "GetGroupByName" : "GetGroupByGID", query,
                 "org.um1.Error.NoSuchGroup", "suas", &stream, &body);
        return r <= 0 ? r : group_read(&body, query, ret);
}

static int gids_ask(const Query *query, Answer *ret) {
        _cleanup_free_ Stream *stream = NULL;
        uint32_t bytes, *gids;
        Body body;
        int r;

        r = call("GetGroupsOfUser", query, "org.um1.Error.NoSuchUser", "au", &stream, &body);
        if (r <= 0)
                return r;
        bytes = body_array(&body);
        if (body.bad || bytes < 4 || bytes % 4 != 0 || body.len - body.at != bytes)
                return -EBADMSG;
        gids = malloc(bytes);
        if (!gids)
                return -ENOMEM;
        for (uint32_t i = 0; i < bytes / 4; i++) {
                gids[i] = body_u32(&body);
                if (gids[i] == 0 || gids[i] == (gid_t)-1) {
                        free(gids);
                        return -EBADMSG;
                }
        }
        *ret = (Answer){ .memory = gids, .found.user = { .gids = gids, .gid_count = bytes / 4 } };
        return 1;
}

int socket_ask(Kind kind, const Query *query, Answer *ret) {
        switch (kind) {
        case KIND_USER:
                return user_ask(query, ret);
        case KIND_GROUP:
                return group_ask(query, ret);
        case KIND_GROUPS_OF_USER:
                return gids_ask(query, ret);
        case _KIND_MAX:
                break;
        }
        return -EINVAL;
}
