/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The client side of the API: connect, call, turn errors into exit codes, read dictionaries into
 * JSON. */

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "umctl/umctl.h"

#define CALL_TIMEOUT_USEC    (60 * USEC_PER_SEC)
#define CONNECT_TIMEOUT_USEC (5 * USEC_PER_SEC)

/* Where to look when the host's umd is silent. */
static const char *advice(const Ctl *ctl) {
        return strcmp(ctl->socket, WIRE_SOCKET) == 0
                       ? "; \"systemctl status umd.socket umd\" may say why"
                       : "";
}

int ctl_connect(Ctl *ctl) {
        int r;

        if (ctl->bus)
                return 0;
        r = wire_connect(ctl->socket, ctl->map_dir, base_boottime_usec() + CONNECT_TIMEOUT_USEC,
                         &ctl->bus);
        if (r == -EPERM)
                return complain(ctl, EXIT_NOT_REACHABLE, "%s: the server there is not umd",
                                ctl->socket);
        if (r < 0)
                return complain(ctl, EXIT_NOT_REACHABLE, "umd is not reachable at %s: %s%s",
                                ctl->socket, strerror(-r), advice(ctl));
        return 0;
}

int ctl_message_new(Ctl *ctl, const char *path, const char *interface, const char *member,
                    sd_bus_message **ret) {
        int r = ctl_connect(ctl);

        if (r != 0)
                return r;
        r = sd_bus_message_new_method_call(ctl->bus, ret, WIRE_NAME, path, interface, member);
        return r < 0 ? complain(ctl, EXIT_FAILED, "%s", strerror(-r)) : 0;
}

/* "root: no such user" is true of um and a riddle to whoever knows root. */
static bool names_local(const char *text, const char *path) {
        char name[BASE_NAME_MAX + 1];
        const char *end = text ? strstr(text, ": no such ") : NULL;
        uint32_t id;

        if (!end || (size_t)(end - text) >= sizeof(name))
                return false;
        memcpy(name, text, (size_t)(end - text));
        name[end - text] = '\0';
        return base_local_find_name(path, name, &id) == 1;
}

static const char *explanation(WireError wire, const char *text) {
        if (wire == WIRE_E_NO_SUCH_USER && names_local(text, BASE_PASSWD_PATH))
                return " of um; a local account of /etc/passwd, which um leaves alone";
        if (wire == WIRE_E_NO_SUCH_GROUP && names_local(text, BASE_GROUP_PATH))
                return " of um; a local group of /etc/group: \"gpasswd -a USER GROUP\" adds um's "
                       "users too";
        return "";
}

static int error_report(const Ctl *ctl, const sd_bus_error *error, int r) {
        const char *said = error->message ? error->message : error->name, *more = "";
        _cleanup_free_ char *text = NULL;
        int code = EXIT_FAILED;

        if (!sd_bus_error_is_set(error))
                return complain(ctl, EXIT_FAILED, "%s", strerror(-r));
        if (sd_bus_error_has_name(error, SD_BUS_ERROR_NO_REPLY) ||
            sd_bus_error_has_name(error, SD_BUS_ERROR_TIMEOUT) ||
            sd_bus_error_has_name(error, SD_BUS_ERROR_DISCONNECTED)) {
                code = EXIT_NOT_REACHABLE;
                said = "umd did not answer";
                more = advice(ctl);
        } else if (strncmp(error->name, WIRE_ERROR_PREFIX, strlen(WIRE_ERROR_PREFIX)) == 0) {
                WireError wire = wire_error_from_name(error->name);

                code = wire_error_exit_code(wire);
                more = explanation(wire, said);
        }
        if (asprintf(&text, "%s%s", said, more) < 0)
                return complain(ctl, code, "out of memory");
        return complain_as(ctl, code, error->name, text);
}

int ctl_call(Ctl *ctl, sd_bus_message *m, sd_bus_message **ret) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        int r = sd_bus_call(ctl->bus, m, CALL_TIMEOUT_USEC, &error, ret);

        if (r >= 0)
                return 0;
        if (r == -ECONNRESET || r == -ENOTCONN || r == -EPIPE)
                return complain(ctl, EXIT_NOT_REACHABLE, "umd closed the connection%s",
                                advice(ctl));
        return error_report(ctl, &error, r);
}

int ctl_bad_reply(const Ctl *ctl, int r) {
        return complain(ctl, EXIT_FAILED, "umd's answer cannot be read: %s", strerror(-r));
}

int ctl_append_options(const Ctl *ctl, sd_bus_message *m) {
        int r = sd_bus_message_open_container(m, 'a', "{sv}");

        if (r >= 0 && ctl->reason[0])
                r = sd_bus_message_append(m, "{sv}", "reason", "s", ctl->reason);
        if (r >= 0 && ctl->dry_run)
                r = sd_bus_message_append(m, "{sv}", "dry-run", "b", 1);
        if (r >= 0 && option_given(ctl, "end-sessions"))
                r = sd_bus_message_append(m, "{sv}", "end-sessions", "b", 1);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        return r < 0 ? complain(ctl, EXIT_FAILED, "%s", strerror(-r)) : 0;
}

int object_name(const char *path, char **ret) {
        int r = sd_bus_path_decode(path, WIRE_PATH_USER, ret);

        if (r == 0)
                r = sd_bus_path_decode(path, WIRE_PATH_GROUP, ret);
        return r > 0 ? 0 : r < 0 ? r : -EINVAL;
}

int ctl_print_change(const Ctl *ctl, const char *kind, const char *name, const char *done,
                     const char *change, json_t *more) {
        json_t *out;

        if (ctl->json == JSON_OFF) {
                json_decref(more);
                if (ctl->dry_run)
                        printf("%s %s: would be %s\n", kind, name, done);
                else if (change[0])
                        printf("%s %s: %s (%s)\n", kind, name, done, change);
                else
                        printf("%s %s: nothing to change\n", kind, name);
                return EXIT_DONE;
        }
        out = more ? more : json_object();
        json_object_set_new(out, kind, json_string(name));
        if (change[0])
                json_object_set_new(out, "change", json_string(change));
        if (ctl->dry_run)
                json_object_set_new(out, "dry_run", json_true());
        json_print(ctl, NULL, out);
        return EXIT_DONE;
}

int ctl_send(Ctl *ctl, sd_bus_message *m, sd_bus_message **ret) {
        int r = ctl_append_options(ctl, m);

        return r != 0 ? r : ctl_call(ctl, m, ret);
}

int ctl_change(Ctl *ctl, sd_bus_message *m, const char *kind, const char *done) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_free_ char *name = NULL;
        const char *change;
        int r = ctl_send(ctl, m, &reply);

        if (r != 0)
                return r;
        r = sd_bus_message_read(reply, "s", &change);
        if (r < 0)
                return ctl_bad_reply(ctl, r);
        r = object_name(sd_bus_message_get_path(m), &name);
        return r != 0 ? complain(ctl, EXIT_FAILED, "%s", strerror(-r))
                      : ctl_print_change(ctl, kind, name, done, change, NULL);
}

int object_get_all(Ctl *ctl, const char *path, const char *interface, json_t **ret) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        int r = ctl_message_new(ctl, path, "org.freedesktop.DBus.Properties", "GetAll", &m);

        if (r != 0)
                return r;
        r = sd_bus_message_append(m, "s", interface);
        if (r < 0)
                return complain(ctl, EXIT_FAILED, "%s", strerror(-r));
        r = ctl_call(ctl, m, &reply);
        if (r != 0)
                return r;
        r = json_from_dict(reply, ret);
        return r < 0 ? ctl_bad_reply(ctl, r) : 0;
}

/* ---- dictionaries to JSON -------------------------------------------------------------------- */

/* "PasswordChanged" and "password-changed" are "password_changed"; "UID" is "uid". */
static void key_to_snake(const char *key, char *buf, size_t size) {
        size_t n = 0;

        for (size_t i = 0; key[i] && n + 2 < size; i++) {
                bool upper = isupper((unsigned char)key[i]) != 0;
                bool starts =
                        upper && i > 0 &&
                        (islower((unsigned char)key[i - 1]) || islower((unsigned char)key[i + 1]));

                if (starts)
                        buf[n++] = '_';
                buf[n++] = key[i] == '-' ? '_' : (char)tolower((unsigned char)key[i]);
        }
        buf[n] = '\0';
}

static int json_from_value(sd_bus_message *m, json_t **ret);

static int json_from_array(sd_bus_message *m, const char *contents, json_t **ret) {
        json_t *array = json_array();
        int r = sd_bus_message_enter_container(m, 'a', contents);

        while (r >= 0 && (r = sd_bus_message_at_end(m, 0)) == 0) {
                json_t *value = NULL;

                r = json_from_value(m, &value);
                if (r >= 0)
                        json_array_append_new(array, value);
        }
        if (r >= 0)
                r = sd_bus_message_exit_container(m);
        if (r < 0)
                json_decref(array);
        else
                *ret = array;
        return r;
}

static int json_from_struct(sd_bus_message *m, const char *contents, json_t **ret) {
        json_t *array = json_array();
        int r = sd_bus_message_enter_container(m, 'r', contents);

        while (r >= 0 && (r = sd_bus_message_at_end(m, 0)) == 0) {
                json_t *value = NULL;

                r = json_from_value(m, &value);
                if (r >= 0)
                        json_array_append_new(array, value);
        }
        if (r >= 0)
                r = sd_bus_message_exit_container(m);
        if (r < 0)
                json_decref(array);
        else
                *ret = array;
        return r;
}

static int json_from_basic(sd_bus_message *m, char type, json_t **ret) {
        union {
                const char *s;
                uint32_t u;
                uint64_t t;
                int b;
        } value;
        int r;

        if (!strchr("sogutb", type))
                return -EBADMSG;
        r = sd_bus_message_read_basic(m, type, &value);
        if (r < 0)
                return r;
        if (type == 'u')
                *ret = json_integer((json_int_t)value.u);
        else if (type == 't') /* never, and what JSON's integers cannot hold, is a word */
                *ret = value.t == USEC_INFINITY ? json_string("never")
                                                : json_integer((json_int_t)value.t);
        else if (type == 'b')
                *ret = json_boolean(value.b);
        else
                *ret = json_string(value.s);
        return *ret ? 0 : -EBADMSG;
}

static int json_from_value(sd_bus_message *m, json_t **ret) {
        const char *contents;
        char type;
        int r = sd_bus_message_peek_type(m, &type, &contents);

        if (r <= 0)
                return r < 0 ? r : -EBADMSG;
        if (type == 'v') {
                r = sd_bus_message_enter_container(m, 'v', contents);
                if (r >= 0)
                        r = json_from_value(m, ret);
                return r < 0 ? r : sd_bus_message_exit_container(m);
        }
        if (type == 'a' && strcmp(contents, "{sv}") == 0)
                return json_from_dict(m, ret);
        if (type == 'a')
                return json_from_array(m, contents, ret);
        if (type == 'r')
                return json_from_struct(m, contents, ret);
        return json_from_basic(m, type, ret);
}

int json_from_dict(sd_bus_message *m, json_t **ret) {
        json_t *object = json_object();
        int r = sd_bus_message_enter_container(m, 'a', "{sv}");

        while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
                json_t *value = NULL;
                const char *key;
                char snake[64];

                r = sd_bus_message_read_basic(m, 's', &key);
                if (r >= 0)
                        r = json_from_value(m, &value);
                if (r < 0)
                        break;
                key_to_snake(key, snake, sizeof(snake));
                json_object_set_new(object, snake, value);
                r = sd_bus_message_exit_container(m);
        }
        if (r >= 0)
                r = sd_bus_message_exit_container(m);
        if (r < 0)
                json_decref(object);
        else
                *ret = object;
        return r;
}

int json_from_dicts(sd_bus_message *m, json_t **ret) {
        return json_from_array(m, "a{sv}", ret);
}
