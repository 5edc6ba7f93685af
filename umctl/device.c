/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* umctl device: the ssh keys that accounts have with um.
 *
 * A key comes from standard input, as it stands in the file that ends in .pub.  What looks like a
 * private one goes no further than this process. */

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "umctl/umctl.h"

#define KEY_BYTES_MAX 8192U /* with its comment; the longest keys have 3 KiB */

static int fail(const Ctl *ctl, int r) {
        return r == -EINVAL ? complain(ctl, EXIT_USAGE, "a value is not UTF-8")
                            : complain(ctl, EXIT_FAILED, "%s", strerror(-r));
}

/* All of standard input; buf has KEY_BYTES_MAX + 1. */
static int key_read(const Ctl *ctl, char *buf) {
        size_t len = 0;

        if (isatty(STDIN_FILENO))
                fputs("The public key, as it stands in the file that ends in .pub:\n", stderr);
        while (len <= KEY_BYTES_MAX) {
                ssize_t n = read(STDIN_FILENO, buf + len, KEY_BYTES_MAX + 1 - len);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return complain(ctl, EXIT_FAILED, "standard input: %s", strerror(errno));
                if (n == 0 || memchr(buf + len, '\n', (size_t)n)) {
                        len += (size_t)n;
                        break;
                }
                len += (size_t)n;
        }
        if (len > KEY_BYTES_MAX)
                return complain(ctl, EXIT_USAGE, "key: is too long");
        if (len == 0)
                return complain(ctl, EXIT_USAGE, "key: nothing on standard input");
        if (memchr(buf, '\0', len))
                return complain(ctl, EXIT_USAGE, "key: is no text");
        buf[len] = '\0';
        return 0;
}

static bool is_private(const char *key) {
        return strstr(key, "PRIVATE KEY") || strncmp(key, "PuTTY-User-Key-File", 19) == 0;
}

static int label_append(Ctl *ctl, sd_bus_message *m) {
        int r = sd_bus_message_open_container(m, 'a', "{sv}");

        if (r >= 0 && option_given(ctl, "label"))
                r = sd_bus_message_append(m, "{sv}", "label", "s", option_get(ctl, "label"));
        return r < 0 ? r : sd_bus_message_close_container(m);
}

int device_add_key(Ctl *ctl, int argc, char *argv[]) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        const char *fingerprint, *change;
        char key[KEY_BYTES_MAX + 1];
        int r = key_read(ctl, key);

        if (r != 0)
                return r;
        if (is_private(key)) {
                base_wipe(key, sizeof(key));
                return complain(ctl, EXIT_USAGE,
                                "key: is a private key, which nobody should be given: um takes the "
                                "public one, in the file that ends in .pub");
        }
        r = user_message_new(ctl, argv[0], "AddKey", &m);
        if (r != 0)
                return r;
        r = sd_bus_message_append(m, "s", key);
        if (r >= 0)
                r = label_append(ctl, m);
        r = r < 0 ? fail(ctl, r) : ctl_send(ctl, m, &reply);
        if (r != 0)
                return r;
        r = sd_bus_message_read(reply, "ss", &fingerprint, &change);
        if (r < 0)
                return ctl_bad_reply(ctl, r);
        return ctl_print_change(ctl, "key", fingerprint, "added", change,
                                json_pack("{s:s}", "user", argv[0]));
}

int device_remove(Ctl *ctl, int argc, char *argv[]) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        const char *change;
        int r = user_message_new(ctl, argv[0], "RemoveKey", &m);

        if (r != 0)
                return r;
        r = sd_bus_message_append(m, "s", argv[1]);
        r = r < 0 ? fail(ctl, r) : ctl_send(ctl, m, &reply);
        if (r != 0)
                return r;
        r = sd_bus_message_read(reply, "s", &change);
        return r < 0 ? ctl_bad_reply(ctl, r)
                     : ctl_print_change(ctl, "key", argv[1], "removed", change,
                                        json_pack("{s:s}", "user", argv[0]));
}

static int keys_read(sd_bus_message *m, json_t *list) {
        int r = sd_bus_message_enter_container(m, 'a', "(sssts)");

        while (r >= 0) {
                const char *fingerprint, *type, *label, *by;
                uint64_t created;
                json_t *row;

                r = sd_bus_message_read(m, "(sssts)", &fingerprint, &type, &label, &created, &by);
                if (r <= 0)
                        break;
                row = json_pack("{s:s, s:s, s:I, s:s}", "fingerprint", fingerprint, "type", type,
                                "created", (json_int_t)created, "created_by", by);
                if (label[0])
                        json_object_set_new(row, "label", json_string(label));
                if (!row || json_array_append_new(list, row) < 0)
                        return -ENOMEM;
        }
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

int device_list(Ctl *ctl, int argc, char *argv[]) {
        static const char *const columns[] = { "fingerprint", "type", "label", "created",
                                               "created_by" };
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        json_t *list;
        int r;

        ctl->csv = option_given(ctl, "csv");
        if (ctl->csv && ctl->json != JSON_OFF)
                return complain(ctl, EXIT_USAGE, "--csv and --json exclude each other");
        r = user_message_new(ctl, argv[0], "ListKeys", &m);
        if (r == 0)
                r = ctl_call(ctl, m, &reply);
        if (r != 0)
                return r;
        list = json_array();
        r = keys_read(reply, list);
        r = r < 0 ? ctl_bad_reply(ctl, r)
                  : table_print(ctl, "devices", list, columns, ARRAY_LENGTH(columns), true);
        json_decref(list);
        return r;
}
