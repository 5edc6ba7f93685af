/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* umctl app: applications and the permissions they bring, from a file of JSON. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "umctl/umctl.h"

#define FILE_BYTES_MAX ((size_t)256 << 10)
#define CALL_BYTES_MAX ((size_t)60 << 10) /* what umd reads in one call, less the rest of it */

static int fail(const Ctl *ctl, int r) {
        return r == -EINVAL ? complain(ctl, EXIT_USAGE, "a value is not UTF-8")
                            : complain(ctl, EXIT_FAILED, "%s", strerror(-r));
}

/* ---- the file -------------------------------------------------------------------------------- */

static int file_read(const Ctl *ctl, const char *path, char *buf, size_t *ret_len) {
        int fd = strcmp(path, "-") == 0 ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
        size_t len = 0;
        ssize_t n = -1;

        if (fd >= 0)
                while (len <= FILE_BYTES_MAX &&
                       (n = read(fd, buf + len, FILE_BYTES_MAX + 1 - len)) > 0)
                        len += (size_t)n;
        if (n < 0)
                n = -errno;
        if (fd >= 0)
                close(fd);
        if (n < 0)
                return complain(ctl, EXIT_FAILED, "%s: cannot be read: %s", path,
                                strerror((int)-n));
        if (len > FILE_BYTES_MAX)
                return complain(ctl, EXIT_USAGE, "%s: has more than %zu KiB", path,
                                FILE_BYTES_MAX >> 10);
        *ret_len = len;
        return 0;
}

static int file_parse(const Ctl *ctl, const char *path, json_t **ret) {
        _cleanup_free_ char *buf = malloc(FILE_BYTES_MAX + 1);
        json_error_t error;
        size_t len = 0;
        json_t *root;
        int r;

        if (!buf)
                return fail(ctl, -ENOMEM);
        r = file_read(ctl, path, buf, &len);
        if (r != 0)
                return r;
        root = json_loadb(buf, len, JSON_REJECT_DUPLICATES, &error);
        if (!root)
                return complain(ctl, EXIT_USAGE, "%s: line %d, column %d: %s", path, error.line,
                                error.column, error.text);
        if (!json_is_array(root)) {
                json_decref(root);
                return complain(ctl, EXIT_USAGE,
                                "%s: expected a list: [{\"name\": \"crm.deal.view\", \"category\": "
                                "\"data\", \"meaning\": \"see deals\", \"reads\": true}]",
                                path);
        }
        *ret = root;
        return 0;
}

/* ---- what stands in it ----------------------------------------------------------------------- */

typedef struct Permission {
        const char *name, *category, *meaning;
        bool reads;
} Permission;

static int field_read(const Ctl *ctl, const char *path, size_t number, const char *key,
                      const json_t *value, Permission *ret) {
        const char **text = strcmp(key, "name") == 0       ? &ret->name
                            : strcmp(key, "category") == 0 ? &ret->category
                            : strcmp(key, "meaning") == 0  ? &ret->meaning
                                                           : NULL;

        if (strcmp(key, "reads") == 0) {
                if (!json_is_boolean(value))
                        return complain(ctl, EXIT_USAGE,
                                        "%s: permission %zu: reads: must be true or false", path,
                                        number);
                ret->reads = json_is_true(value);
                return 0;
        }
        if (!text)
                return complain(ctl, EXIT_USAGE,
                                "%s: permission %zu: \"%.40s\": is not known; there are name, "
                                "category, meaning and reads",
                                path, number, key);
        if (!json_is_string(value))
                return complain(ctl, EXIT_USAGE, "%s: permission %zu: %s: must be a text", path,
                                number, key);
        *text = json_string_value(value);
        return 0;
}

static int permission_read(const Ctl *ctl, const char *path, size_t number, json_t *item,
                           Permission *ret) {
        const char *key;
        json_t *value;
        int r;

        *ret = (Permission){ 0 };
        if (!json_is_object(item))
                return complain(ctl, EXIT_USAGE, "%s: permission %zu: expected {...}", path,
                                number);
        json_object_foreach(item, key, value) {
                r = field_read(ctl, path, number, key, value, ret);
                if (r != 0)
                        return r;
        }
        if (!ret->name || !ret->category || !ret->meaning)
                return complain(ctl, EXIT_USAGE, "%s: permission %zu: %s: is missing", path, number,
                                !ret->name       ? "name"
                                : !ret->category ? "category"
                                                 : "meaning");
        return 0;
}

static int permissions_append(const Ctl *ctl, sd_bus_message *m, const char *path, json_t *root) {
        size_t i, bytes = 0;
        json_t *item;
        int r = sd_bus_message_open_container(m, 'a', "(ssbs)");

        json_array_foreach(root, i, item) {
                Permission permission;
                int code = permission_read(ctl, path, i + 1, item, &permission);

                if (code != 0)
                        return code;
                bytes += 32 + strlen(permission.name) + strlen(permission.category) +
                         strlen(permission.meaning);
                if (bytes > CALL_BYTES_MAX)
                        return complain(ctl, EXIT_USAGE,
                                        "%s: permission %zu: too much from here on: at most %zu "
                                        "KiB are registered at once",
                                        path, i + 1, CALL_BYTES_MAX >> 10);
                if (r >= 0)
                        r = sd_bus_message_append(m, "(ssbs)", permission.name, permission.category,
                                                  (int)permission.reads, permission.meaning);
        }
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        return r < 0 ? fail(ctl, r) : 0;
}

/* ---- changes --------------------------------------------------------------------------------- */

/* Reads a(ss) into [{"permission": ..., "role": ...}]. */
static int uses_read(sd_bus_message *reply, json_t **ret) {
        const char *permission, *role;
        json_t *uses = json_array();
        int r = sd_bus_message_enter_container(reply, 'a', "(ss)");

        while (r >= 0 && (r = sd_bus_message_read(reply, "(ss)", &permission, &role)) > 0)
                json_array_append_new(uses, json_pack("{s:s, s:s}", "permission", permission,
                                                      "role", role));
        if (r >= 0)
                r = sd_bus_message_exit_container(reply);
        if (r < 0) {
                json_decref(uses);
                return r;
        }
        *ret = uses;
        return 0;
}

static int change(Ctl *ctl, sd_bus_message *m, const char *name, const char *done) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        json_t *uses = NULL, *use;
        const char *id;
        size_t i;
        int r = ctl_send(ctl, m, &reply);

        if (r != 0)
                return r;
        r = sd_bus_message_read(reply, "s", &id);
        if (r >= 0)
                r = uses_read(reply, &uses);
        if (r < 0)
                return ctl_bad_reply(ctl, r);
        r = ctl_print_change(ctl, "app", name, done, id,
                             ctl->json == JSON_OFF ? NULL : json_pack("{s:O}", "used", uses));
        if (ctl->json == JSON_OFF)
                json_array_foreach(uses, i, use)
                        printf("%s: is nobody's; role %s names it\n",
                               json_string_value(json_object_get(use, "permission")),
                               json_string_value(json_object_get(use, "role")));
        json_decref(uses);
        return r;
}

int app_register(Ctl *ctl, int argc, char *argv[]) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        const char *path = option_get(ctl, "permissions"), *area = option_get(ctl, "area");
        json_t *root = NULL;
        int r;

        if (!path)
                return complain(ctl, EXIT_USAGE,
                                "--permissions FILE is needed: what the application brings");
        r = file_parse(ctl, path, &root);
        if (r == 0)
                r = ctl_message_new(ctl, WIRE_PATH, WIRE_APP, "Register", &m);
        if (r == 0) {
                r = sd_bus_message_append(m, "ss", argv[0], area ? area : argv[0]);
                r = r < 0 ? fail(ctl, r) : permissions_append(ctl, m, path, root);
        }
        json_decref(root);
        return r != 0 ? r : change(ctl, m, argv[0], "registered");
}

int app_unregister(Ctl *ctl, int argc, char *argv[]) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r = ask_confirm(ctl, "Unregister %s? Nobody has its permissions any more.", argv[0]);

        if (r == 0)
                r = ctl_message_new(ctl, WIRE_PATH, WIRE_APP, "Unregister", &m);
        if (r != 0)
                return r;
        r = sd_bus_message_append(m, "s", argv[0]);
        return r < 0 ? fail(ctl, r) : change(ctl, m, argv[0], "unregistered");
}

/* ---- what is shown --------------------------------------------------------------------------- */

static int app_get(Ctl *ctl, const char *name, json_t **ret_app, json_t **ret_permissions) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        const char *permission, *category, *meaning;
        json_t *rows = NULL;
        int r = ctl_message_new(ctl, WIRE_PATH, WIRE_APP, "Get", &m), reads, gone;

        if (r != 0)
                return r;
        r = sd_bus_message_append(m, "s", name);
        r = r < 0 ? fail(ctl, r) : ctl_call(ctl, m, &reply);
        if (r != 0)
                return r;
        r = json_from_dict(reply, ret_app);
        if (r < 0)
                return ctl_bad_reply(ctl, r);
        rows = json_array();
        r = sd_bus_message_enter_container(reply, 'a', "(ssbsb)");
        while (r >= 0 && (r = sd_bus_message_read(reply, "(ssbsb)", &permission, &category, &reads,
                                                  &meaning, &gone)) > 0)
                json_array_append_new(rows, json_pack("{s:s, s:s, s:b, s:b, s:s}", "name",
                                                      permission, "category", category, "reads",
                                                      reads, "given_up", gone, "meaning", meaning));
        if (r < 0) {
                json_decref(rows);
                json_decref(*ret_app);
                return ctl_bad_reply(ctl, r);
        }
        *ret_permissions = rows;
        return 0;
}

int app_show(Ctl *ctl, int argc, char *argv[]) {
        static const char *const keys[] = { "name", "area", "registered", "created", "version" };
        static const char *const columns[] = { "name", "category", "reads", "given_up", "meaning" };
        json_t *app = NULL, *permissions = NULL;
        int r = app_get(ctl, argv[0], &app, &permissions);

        if (r != 0)
                return r;
        if (ctl->json != JSON_OFF) {
                json_object_set(app, "permissions", permissions);
                json_print(ctl, "app", json_incref(app));
        } else {
                record_print(app, keys, ARRAY_LENGTH(keys));
                r = table_print(ctl, "permissions", permissions, columns, ARRAY_LENGTH(columns),
                                true);
        }
        json_decref(permissions);
        json_decref(app);
        return r;
}

int app_list(Ctl *ctl, int argc, char *argv[]) {
        static const char *const columns[] = { "name", "area", "permissions", "registered" };
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        json_t *rows = NULL;
        int r = ctl_message_new(ctl, WIRE_PATH, WIRE_APP, "List", &m);

        if (r == 0)
                r = ctl_call(ctl, m, &reply);
        if (r != 0)
                return r;
        r = json_from_dicts(reply, &rows);
        if (r < 0)
                return ctl_bad_reply(ctl, r);
        ctl->csv = option_given(ctl, "csv");
        if (ctl->csv && ctl->json != JSON_OFF)
                r = complain(ctl, EXIT_USAGE, "--csv and --json exclude each other");
        else
                r = table_print(ctl, "apps", rows, columns, ARRAY_LENGTH(columns), true);
        json_decref(rows);
        return r;
}
