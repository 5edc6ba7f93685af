/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One question to umd, within a second: a login by a key that is in no file waits for it, and so
 * does root's. */

#include <errno.h>
#include <string.h>

#include "wire/wire.h"
#include "um_keys/um_keys.h"

#define FINGERPRINT_MAX 64U /* "SHA256:" and 43 digits */

static inline void bus_closep(sd_bus **bus) {
        sd_bus_close_unref(*bus);
}

static inline void message_unrefp(sd_bus_message **m) {
        sd_bus_message_unref(*m);
}

/* A line is written whole or not at all: half of one could lack what restricts it. */
static bool is_line(const char *s) {
        return s[0] != '\0' && strlen(s) <= KEYS_LINE_MAX && !strpbrk(s, "\r\n");
}

static int lines_write(sd_bus_message *reply, FILE *out) {
        const char *line;
        int r = sd_bus_message_enter_container(reply, 'a', "s");

        for (unsigned int i = 0; r >= 0; i++) {
                r = sd_bus_message_read_basic(reply, 's', &line);
                if (r <= 0)
                        break;
                if (i == KEYS_LINES_MAX || !is_line(line))
                        return -EBADMSG;
                if (fprintf(out, "%s\n", line) < 0)
                        return -EIO;
        }
        if (r < 0)
                return r;
        return fflush(out) != 0 ? -EIO : 0;
}

static int ask(const KeysPlace *place, const char *user, const char *fingerprint, FILE *out) {
        uint64_t deadline_usec = base_boottime_usec() + KEYS_DEADLINE_USEC;
        _cleanup_(message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        _cleanup_(bus_closep) sd_bus *bus = NULL;
        int r;

        r = wire_connect(place->socket, place->map_dir, deadline_usec, &bus);
        if (r >= 0)
                r = sd_bus_message_new_method_call(bus, &m, NULL, WIRE_PATH, WIRE_NSS,
                                                   "GetAuthorizedKeys");
        if (r >= 0)
                r = sd_bus_message_append(m, "ss", user, fingerprint);
        if (r >= 0)
                r = sd_bus_call(bus, m, wire_time_left(deadline_usec), NULL, &reply);
        return r < 0 ? r : lines_write(reply, out);
}

int keys_tell(const KeysPlace *place, const char *user, const char *fingerprint, FILE *out) {
        uint32_t id;
        int r;

        if (base_field_check(FIELD_USER_NAME, user, strlen(user)) != FIELD_OK ||
            strlen(fingerprint) > FINGERPRINT_MAX ||
            base_field_check(FIELD_LINE, fingerprint, strlen(fingerprint)) != FIELD_OK)
                return 0;
        r = base_local_find_name(place->passwd, user, &id);
        if (r != 0)
                return r < 0 ? r : 0;
        return ask(place, user, fingerprint, out);
}
