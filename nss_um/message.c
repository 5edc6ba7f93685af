/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* D-Bus messages, written and read by hand: no process on the host loads a D-Bus library for a
 * lookup.  Strict where the specification is
 * (https://dbus.freedesktop.org/doc/dbus-specification.html, "Message Protocol"): lengths, padding
 * of zeros, NULs, one reply serial, the exact signature. Only the host's own byte order is read and
 * written: the peer is on this host. */

#include <errno.h>
#include <string.h>

#include "base/base.h"
#include "nss_um/nss_um.h"

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define ENDIAN_MARK 'l'
#else
#define ENDIAN_MARK 'B'
#endif

enum { TYPE_CALL = 1, TYPE_RETURN = 2, TYPE_ERROR = 3, TYPE_SIGNAL = 4 };
enum {
        HEAD_PATH = 1,
        HEAD_INTERFACE,
        HEAD_MEMBER,
        HEAD_ERROR,
        HEAD_REPLY_SERIAL,
        HEAD_DESTINATION,
        HEAD_SENDER,
        HEAD_SIGNATURE,
        HEAD_UNIX_FDS,
        HEAD_MAX
};

#define CALL_SERIAL 1U

/* ---- writing --------------------------------------------------------------------------------- */

typedef struct Writer {
        unsigned char *buf;
        size_t size, at;
} Writer;

static void put_bytes(Writer *w, const void *bytes, size_t len) {
        if (w->at <= w->size && len <= w->size - w->at)
                memcpy(w->buf + w->at, bytes, len);
        w->at += len;
}

static void put_padding(Writer *w, size_t to) {
        put_bytes(w, "\0\0\0\0\0\0\0", -w->at % to);
}

static void put_u32(Writer *w, uint32_t value) {
        put_padding(w, 4);
        put_bytes(w, &value, sizeof(value));
}

static void put_string(Writer *w, const char *s, size_t len) {
        put_u32(w, (uint32_t)len);
        put_bytes(w, s, len);
        put_bytes(w, "", 1);
}

static void put_field(Writer *w, unsigned char code, char type, const char *value) {
        const char head[] = { (char)code, 1, type, '\0' };

        put_padding(w, 8);
        put_bytes(w, head, sizeof(head));
        if (type == 'g') {
                const unsigned char len = (unsigned char)strlen(value);

                put_bytes(w, &len, 1);
                put_bytes(w, value, (size_t)len + 1);
        } else
                put_string(w, value, strlen(value));
}

size_t message_call(const char *member, const Query *query, unsigned char *buf, size_t size) {
        const unsigned char head[] = { ENDIAN_MARK, TYPE_CALL, 0, 1 };
        uint32_t body_bytes = query->name ? (uint32_t)(4 + query->len + 1) : 4, fields_bytes;
        Writer w = { .buf = buf, .size = size };

        put_bytes(&w, head, sizeof(head));
        put_u32(&w, body_bytes);
        put_u32(&w, CALL_SERIAL);
        put_u32(&w, 0); /* bytes of the fields, known below */
        put_field(&w, HEAD_PATH, 'o', "/org/um1");
        put_field(&w, HEAD_INTERFACE, 's', "org.um1.Nss");
        put_field(&w, HEAD_MEMBER, 's', member);
        put_field(&w, HEAD_DESTINATION, 's', "org.um1");
        put_field(&w, HEAD_SIGNATURE, 'g', query->name ? "s" : "u");
        fields_bytes = (uint32_t)(w.at - MESSAGE_HEAD_BYTES);
        put_padding(&w, 8);
        if (query->name)
                put_string(&w, query->name, query->len);
        else
                put_u32(&w, query->id);
        if (w.at > size)
                return 0;
        memcpy(buf + 12, &fields_bytes, sizeof(fields_bytes));
        return w.at;
}

/* ---- reading --------------------------------------------------------------------------------- */

static const void *body_take(Body *body, size_t len) {
        const void *taken = body->bytes + body->at;

        if (body->bad || len > body->len - body->at) {
                body->bad = true;
                return NULL;
        }
        body->at += len;
        return taken;
}

static void body_padding(Body *body, size_t to) {
        while (!body->bad && body->at % to != 0) {
                const unsigned char *zero = body_take(body, 1);

                if (zero && *zero != 0)
                        body->bad = true;
        }
}

static unsigned char body_byte(Body *body) {
        const unsigned char *byte = body_take(body, 1);

        return byte ? *byte : 0;
}

uint32_t body_u32(Body *body) {
        const void *bytes;
        uint32_t value = 0;

        body_padding(body, 4);
        bytes = body_take(body, sizeof(value));
        if (bytes)
                memcpy(&value, bytes, sizeof(value));
        return value;
}

static const char *body_text(Body *body, size_t len) {
        const char *s = body->len - body->at > len ? body_take(body, len + 1) : NULL;

        if (!s || s[len] != '\0' || memchr(s, '\0', len)) {
                body->bad = true;
                return "";
        }
        return s;
}

const char *body_string(Body *body, size_t *ret_len) {
        size_t len = body_u32(body);
        const char *s = body_text(body, len);

        *ret_len = body->bad ? 0 : len;
        return s;
}

uint32_t body_array(Body *body) {
        uint32_t bytes = body_u32(body);

        if (body->bad || bytes > body->len - body->at)
                body->bad = true;
        return body->bad ? 0 : bytes;
}

bool body_finished(const Body *body) {
        return !body->bad && body->at == body->len;
}

int message_length(const unsigned char *head, size_t *ret_bytes) {
        uint32_t body_bytes, fields_bytes;
        uint64_t bytes;

        if (head[0] != ENDIAN_MARK || head[1] < TYPE_CALL || head[1] > TYPE_SIGNAL || head[3] != 1)
                return -EBADMSG;
        memcpy(&body_bytes, head + 4, sizeof(body_bytes));
        memcpy(&fields_bytes, head + 12, sizeof(fields_bytes));
        bytes = ((uint64_t)MESSAGE_HEAD_BYTES + fields_bytes + 7) / 8 * 8 + body_bytes;
        if (bytes > MESSAGE_MAX)
                return -EMSGSIZE;
        *ret_bytes = (size_t)bytes;
        return 0;
}

typedef struct Fields {
        uint32_t seen; /* a bit a code */
        uint32_t reply_serial, unix_fds;
        const char *error, *signature;
} Fields;

/* One header field; its value's type must be the one of its code. */
static void field_read(Body *body, Fields *fields) {
        static const char types[HEAD_MAX] = { 0, 'o', 's', 's', 's', 'u', 's', 's', 'g', 'u' };
        const char *type, *s = "";
        uint32_t number = 0;
        unsigned char code;
        size_t len;

        body_padding(body, 8);
        code = body_byte(body);
        type = body_byte(body) == 1 ? body_text(body, 1) : "";
        if (code == 0 || !strchr("osgu", type[0]) || type[0] == '\0' ||
            (code < HEAD_MAX && (types[code] != type[0] || (fields->seen & 1U << code)))) {
                body->bad = true;
                return;
        }
        if (type[0] == 'u')
                number = body_u32(body);
        else if (type[0] == 'g')
                s = body_text(body, body_byte(body));
        else
                s = body_string(body, &len);
        if (code >= HEAD_MAX)
                return; /* of a later version: ignored, as the specification says */
        fields->seen |= 1U << code;
        if (code == HEAD_ERROR)
                fields->error = s;
        else if (code == HEAD_SIGNATURE)
                fields->signature = s;
        else if (code == HEAD_REPLY_SERIAL)
                fields->reply_serial = number;
        else if (code == HEAD_UNIX_FDS)
                fields->unix_fds = number;
}

int message_parse(const unsigned char *bytes, size_t len, Message *ret) {
        Fields fields = { .error = "", .signature = "" };
        Body head = { .bytes = bytes, .len = len, .at = MESSAGE_HEAD_BYTES };
        uint32_t fields_bytes, serial;
        size_t whole;
        int r;

        r = len < MESSAGE_HEAD_BYTES ? -EBADMSG : message_length(bytes, &whole);
        if (r < 0)
                return r;
        memcpy(&serial, bytes + 8, sizeof(serial));
        memcpy(&fields_bytes, bytes + 12, sizeof(fields_bytes));
        if (whole != len || serial == 0)
                return -EBADMSG;
        head.len = MESSAGE_HEAD_BYTES + fields_bytes;
        while (!head.bad && head.at < head.len)
                field_read(&head, &fields);
        head.len = len;
        body_padding(&head, 8);
        if (head.bad || fields.unix_fds != 0)
                return -EBADMSG;
        if (bytes[1] != TYPE_RETURN && bytes[1] != TYPE_ERROR) {
                *ret = (Message){ .kind = MESSAGE_OTHER };
                return 0;
        }
        if (fields.reply_serial != CALL_SERIAL ||
            (bytes[1] == TYPE_ERROR && fields.error[0] == '\0'))
                return -EBADMSG;
        *ret = (Message){ .kind = bytes[1] == TYPE_RETURN ? MESSAGE_RETURN : MESSAGE_ERROR,
                          .error = fields.error,
                          .signature = fields.signature,
                          .body = bytes + head.at,
                          .body_bytes = len - head.at };
        return 0;
}
