/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* umctl user: accounts, their fields, states and passwords. */

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "umctl/umctl.h"

static const struct {
        const char *option, *key;
} text_fields[] = {
        { "name", "name" },         { "full-name", "full_name" }, { "email", "email" },
        { "phone", "phone" },       { "title", "title" },         { "department", "department" },
        { "language", "language" }, { "time-zone", "time_zone" }, { "notify", "notify" },
        { "shell", "shell" },       { "home", "home" },
};

static int append_time(Ctl *ctl, sd_bus_message *m, const char *option, const char *key) {
        uint64_t usec;
        int r;

        if (!option_given(ctl, option))
                return 0;
        r = when_parse(option_get(ctl, option), base_realtime_usec(), &usec);
        if (r < 0)
                return complain(ctl, EXIT_USAGE, "--%s: \"%s\": not a date, time, span or never",
                                option, option_get(ctl, option));
        if (strcmp(key, "valid_from") == 0 && usec == USEC_INFINITY)
                usec = 0;
        r = sd_bus_message_append(m, "{sv}", key, "t", usec);
        return r < 0 ? complain(ctl, EXIT_FAILED, "%s", strerror(-r)) : 0;
}

static int append_id(Ctl *ctl, sd_bus_message *m, const char *name) {
        uint32_t id;
        int r;

        if (!option_given(ctl, name))
                return 0;
        r = base_parse_id(option_get(ctl, name), &id);
        if (r < 0)
                return complain(ctl, EXIT_USAGE, "--%s: \"%s\": not a number an id can be", name,
                                option_get(ctl, name));
        r = sd_bus_message_append(m, "{sv}", name, "u", id);
        return r < 0 ? complain(ctl, EXIT_FAILED, "%s", strerror(-r)) : 0;
}

int user_append_fields(Ctl *ctl, sd_bus_message *m) {
        int r = sd_bus_message_open_container(m, 'a', "{sv}");

        for (size_t i = 0; i < ARRAY_LENGTH(text_fields) && r >= 0; i++) {
                if (!option_given(ctl, text_fields[i].option))
                        continue;
                r = sd_bus_message_append(m, "{sv}", text_fields[i].key, "s",
                                          option_get(ctl, text_fields[i].option));
                if (r == -EINVAL)
                        return complain(ctl, EXIT_USAGE, "--%s: must be UTF-8",
                                        text_fields[i].option);
        }
        if (r >= 0 && option_given(ctl, "pending"))
                r = sd_bus_message_append(m, "{sv}", "pending", "b", 1);
        if (r < 0)
                return complain(ctl, EXIT_FAILED, "%s", strerror(-r));
        r = append_id(ctl, m, "uid");
        if (r == 0)
                r = append_id(ctl, m, "gid");
        if (r == 0)
                r = append_time(ctl, m, "valid-from", "valid_from");
        if (r == 0)
                r = append_time(ctl, m, "valid-until", "valid_until");
        if (r != 0)
                return r;
        r = sd_bus_message_close_container(m);
        return r < 0 ? complain(ctl, EXIT_FAILED, "%s", strerror(-r)) : 0;
}

/* ---- add ------------------------------------------------------------------------------------- */

/* --ask: what is missing, on the terminal. */
static int missing_ask(Ctl *ctl) {
        static char answers[3][BASE_LINE_MAX + 2];
        static const struct {
                const char *option, *prompt;
        } questions[] = { { "full-name", "Full name: " }, { "email", "E-mail (may be empty): " } };

        if (isatty(STDIN_FILENO) != 1)
                return complain(ctl, EXIT_USAGE, "--ask needs a terminal");
        for (size_t i = 0; i < ARRAY_LENGTH(questions); i++) {
                if (option_given(ctl, questions[i].option))
                        continue;
                if (ask_line(questions[i].prompt, answers[i], sizeof(answers[i])) < 0)
                        return complain(ctl, EXIT_FAILED, "left as it is");
                for (size_t o = 0; ctl->command->options[o].name; o++)
                        if (strcmp(ctl->command->options[o].name, questions[i].option) == 0 &&
                            answers[i][0])
                                ctl->values[o][ctl->value_count[o]++] = answers[i];
        }
        return 0;
}

static int create_print(Ctl *ctl, const char *name, sd_bus_message *reply, bool with_credential) {
        const char *path, *change, *code = "";
        uint64_t expires = 0;
        uint32_t uid;
        json_t *more;
        int r = with_credential
                        ? sd_bus_message_read(reply, "ousts", &path, &uid, &code, &expires, &change)
                        : sd_bus_message_read(reply, "ous", &path, &uid, &change);

        if (r < 0)
                return ctl_bad_reply(ctl, r);
        if (ctl->json != JSON_OFF) {
                more = json_pack("{s:i}", "uid", (int)uid);
                if (code[0]) {
                        json_object_set_new(more, "setup_code", json_string(code));
                        json_object_set_new(more, "expires", json_integer((json_int_t)expires));
                }
                return ctl_print_change(ctl, "user", name, "created", change, more);
        }
        if (ctl->dry_run)
                printf("user %s: would be created\n", name);
        else
                printf("user %s: created, uid %u (%s)\n", name, uid, change);
        if (code[0]) {
                char until[64];

                when_format(expires, until, sizeof(until));
                printf("setup code: %s (once, until %s)\n", code, until);
        }
        return EXIT_DONE;
}

int user_add(Ctl *ctl, int argc, char *argv[]) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        _cleanup_secret_ Secret *secret = NULL;
        bool code = option_given(ctl, "setup-code"), password = option_given(ctl, "password");
        bool ask = option_given(ctl, "ask"), with_credential = code || password || ask;
        int r;

        if (code && password)
                return complain(ctl, EXIT_USAGE, "--setup-code and --password exclude each other");
        r = ask ? missing_ask(ctl) : 0;
        if (r == 0 && (password || (ask && !code)))
                r = ask_secret(ctl, "Password for the new user: ", true, &secret);
        if (r == 0)
                r = ctl_message_new(ctl, WIRE_PATH, WIRE_MANAGER,
                                    with_credential ? "CreateUserWithPassword" : "CreateUser", &m);
        if (r != 0)
                return r;
        r = sd_bus_message_append(m, "s", argv[0]);
        if (r < 0)
                return complain(ctl, EXIT_USAGE, "name: must be UTF-8");
        r = user_append_fields(ctl, m);
        if (r != 0)
                return r;
        if (with_credential) {
                (void)sd_bus_message_sensitive(m);
                r = sd_bus_message_append_array(m, 'y', secret ? base_secret_bytes(secret) : "",
                                                secret ? base_secret_len(secret) : 0);
                if (r >= 0)
                        r = code ? sd_bus_message_append(m, "a{sv}", 1, "setup-code", "b", 1)
                                 : sd_bus_message_append(m, "a{sv}", 0);
                if (r < 0)
                        return complain(ctl, EXIT_FAILED, "%s", strerror(-r));
        }
        r = ctl_append_options(ctl, m);
        if (r == 0)
                r = ctl_call(ctl, m, &reply);
        return r != 0 ? r : create_print(ctl, argv[0], reply, with_credential);
}

/* ---- show ------------------------------------------------------------------------------------ */

/* What a state does not have is unset. */
void user_trim(json_t *user) {
        const char *status = json_string_value(json_object_get(user, "status"));

        if (!json_is_true(json_object_get(user, "locked"))) {
                json_object_del(user, "locked_since");
                json_object_del(user, "locked_by");
                json_object_del(user, "locked_reason");
        }
        if (!status || strcmp(status, "suspended") != 0)
                json_object_del(user, "suspended_until");
}

int user_print(Ctl *ctl, json_t *user) {
        static const char *const keys[] = {
                "name",       "uid",           "gid",
                "full_name",  "email",         "phone",
                "title",      "department",    "language",
                "time_zone",  "notify",        "home",
                "shell",      "tenant",        "groups",
                "roles",      "status",        "status_since",
                "status_by",  "status_reason", "suspended_until",
                "valid_from", "valid_until",   "locked_since",
                "locked_by",  "locked_reason", "password",
                "created",    "created_by",
        };
        json_t *changed = json_object_get(user, "password_changed"),
               *expires = json_object_get(user, "password_expires");
        char set[64], until[64], text[200];

        user_trim(user);
        if (ctl->json != JSON_OFF) {
                json_print(ctl, "user", json_incref(user));
                return EXIT_DONE;
        }
        cell_text("password_changed", changed, set, sizeof(set));
        cell_text("password_expires", expires, until, sizeof(until));
        snprintf(text, sizeof(text), "%s%s%s",
                 !json_is_true(json_object_get(user, "has_password")) ? "none" : "set ",
                 json_is_true(json_object_get(user, "has_password")) ? set : "",
                 json_is_true(json_object_get(user, "must_change")) ? ", must be changed" : "");
        if (json_is_true(json_object_get(user, "has_password")))
                snprintf(text + strlen(text), sizeof(text) - strlen(text), ", expires %s", until);
        if (json_is_true(json_object_get(user, "has_setup_code")))
                snprintf(text + strlen(text), sizeof(text) - strlen(text), ", setup code waiting");
        json_object_set_new(user, "password", json_string(text));
        record_print(user, keys, ARRAY_LENGTH(keys));
        return EXIT_DONE;
}

/* The object of a name, an e-mail address or a uid. */
static int user_path(Ctl *ctl, const char *name, char **ret) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        uint32_t uid;
        bool numeric = base_parse_id(name, &uid) == 0;
        const char *path;
        int r;

        if (!numeric && !strchr(name, '@')) {
                r = ctl_object_path(WIRE_PATH_USER, name, ret);
                return r < 0 ? complain(ctl, EXIT_FAILED, "%s", strerror(-r)) : 0;
        }
        r = ctl_message_new(ctl, WIRE_PATH, WIRE_MANAGER,
                            numeric ? "GetUserByUID" : "GetUserByName", &m);
        if (r != 0)
                return r;
        r = numeric ? sd_bus_message_append(m, "u", uid) : sd_bus_message_append(m, "s", name);
        if (r < 0)
                return complain(ctl, EXIT_USAGE, "name: must be UTF-8");
        r = ctl_call(ctl, m, &reply);
        if (r != 0)
                return r;
        r = sd_bus_message_read(reply, "o", &path);
        if (r < 0)
                return ctl_bad_reply(ctl, r);
        *ret = strdup(path);
        return *ret ? 0 : complain(ctl, EXIT_FAILED, "out of memory");
}

int user_show(Ctl *ctl, int argc, char *argv[]) {
        _cleanup_free_ char *path = NULL;
        json_t *user = NULL;
        int r = user_path(ctl, argv[0], &path);

        if (r == 0)
                r = object_get_all(ctl, path, WIRE_USER, &user);
        if (r == 0)
                r = user_print(ctl, user);
        json_decref(user);
        return r;
}

/* ---- changes --------------------------------------------------------------------------------- */

int user_set(Ctl *ctl, int argc, char *argv[]) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        _cleanup_free_ char *path = NULL;
        const char *change;
        int r = user_path(ctl, argv[0], &path);

        if (r == 0)
                r = ctl_message_new(ctl, path, WIRE_USER, "Update", &m);
        if (r == 0)
                r = user_append_fields(ctl, m);
        if (r == 0)
                r = ctl_append_options(ctl, m);
        if (r == 0)
                r = ctl_call(ctl, m, &reply);
        if (r != 0)
                return r;
        r = sd_bus_message_read(reply, "s", &change);
        return r < 0 ? ctl_bad_reply(ctl, r)
                     : ctl_print_change(ctl, "user", argv[0], "changed", change, NULL);
}

static int setup_code(Ctl *ctl, const char *name, const char *path) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        const char *code, *change;
        char until[64];
        uint64_t expires;
        int r = ctl_message_new(ctl, path, WIRE_USER, "CreateSetupCode", &m);

        if (r == 0)
                r = ctl_append_options(ctl, m);
        if (r == 0)
                r = ctl_call(ctl, m, &reply);
        if (r != 0)
                return r;
        r = sd_bus_message_read(reply, "sts", &code, &expires, &change);
        if (r < 0)
                return ctl_bad_reply(ctl, r);
        if (ctl->json != JSON_OFF)
                return ctl_print_change(ctl, "user", name, "given a setup code", change,
                                        json_pack("{s:s, s:I}", "setup_code", code, "expires",
                                                  (json_int_t)expires));
        when_format(expires, until, sizeof(until));
        r = ctl_print_change(ctl, "user", name, "given a setup code", change, NULL);
        if (code[0])
                printf("setup code: %s (once, until %s)\n", code, until);
        return r;
}

static int password_options(Ctl *ctl, sd_bus_message *m) {
        uint64_t expires = 0;
        int r;

        if (option_given(ctl, "expires") &&
            when_parse(option_get(ctl, "expires"), base_realtime_usec(), &expires) < 0)
                return complain(ctl, EXIT_USAGE,
                                "--expires: \"%s\": not a date, time, span or never",
                                option_get(ctl, "expires"));
        r = sd_bus_message_open_container(m, 'a', "{sv}");
        if (r >= 0 && option_given(ctl, "temporary"))
                r = sd_bus_message_append(m, "{sv}", "must-change", "b", 1);
        if (r >= 0 && option_given(ctl, "hash"))
                r = sd_bus_message_append(m, "{sv}", "hash", "b", 1);
        if (r >= 0 && option_given(ctl, "expires"))
                r = sd_bus_message_append(m, "{sv}", "expires", "t", expires);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        return r < 0 ? complain(ctl, EXIT_FAILED, "%s", strerror(-r)) : 0;
}

int user_passwd(Ctl *ctl, int argc, char *argv[]) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        _cleanup_secret_ Secret *secret = NULL;
        _cleanup_free_ char *path = NULL;
        const char *change;
        int r = user_path(ctl, argv[0], &path);

        if (r != 0)
                return r;
        if (option_given(ctl, "setup-code") + option_given(ctl, "must-change") +
                    option_given(ctl, "temporary") >
            1)
                return complain(ctl, EXIT_USAGE,
                                "--setup-code, --temporary and --must-change exclude each other");
        if (option_given(ctl, "setup-code"))
                return setup_code(ctl, argv[0], path);
        if (option_given(ctl, "must-change"))
                return ctl_simple_change(ctl, WIRE_PATH_USER, argv[0], WIRE_USER, "MustChange",
                                         "asked for a new password at the next login");
        r = ask_secret(ctl, option_given(ctl, "hash") ? "Hash: " : "New password: ", true, &secret);
        if (r == 0)
                r = ctl_message_new(ctl, path, WIRE_USER, "SetPassword", &m);
        if (r != 0)
                return r;
        (void)sd_bus_message_sensitive(m);
        r = sd_bus_message_append_array(m, 'y', base_secret_bytes(secret), base_secret_len(secret));
        if (r < 0)
                return complain(ctl, EXIT_FAILED, "%s", strerror(-r));
        r = password_options(ctl, m);
        if (r == 0)
                r = ctl_append_options(ctl, m);
        if (r == 0)
                r = ctl_call(ctl, m, &reply);
        if (r != 0)
                return r;
        r = sd_bus_message_read(reply, "s", &change);
        return r < 0 ? ctl_bad_reply(ctl, r)
                     : ctl_print_change(ctl, "user", argv[0], "password set", change, NULL);
}

int user_lock(Ctl *ctl, int argc, char *argv[]) {
        return ctl_simple_change(ctl, WIRE_PATH_USER, argv[0], WIRE_USER, "Lock", "locked");
}

int user_unlock(Ctl *ctl, int argc, char *argv[]) {
        _cleanup_free_ char *path = NULL;
        char since[64], by[128], why[300];
        json_t *user = NULL;
        int r = user_path(ctl, argv[0], &path);

        if (r == 0)
                r = object_get_all(ctl, path, WIRE_USER, &user);
        if (r != 0)
                return r;
        if (json_is_true(json_object_get(user, "locked")) && ctl->json == JSON_OFF) {
                cell_text("locked_since", json_object_get(user, "locked_since"), since,
                          sizeof(since));
                cell_text("", json_object_get(user, "locked_by"), by, sizeof(by));
                cell_text("", json_object_get(user, "locked_reason"), why, sizeof(why));
                printf("user %s: was locked since %s by %s: %s\n", argv[0], since, by,
                       why[0] ? why : "no reason given");
        } else if (ctl->json == JSON_OFF) {
                printf("user %s: is not locked\n", argv[0]);
                json_decref(user);
                return EXIT_DONE;
        }
        json_decref(user);
        return ctl_simple_change(ctl, WIRE_PATH_USER, argv[0], WIRE_USER, "Unlock", "unlocked");
}

int user_suspend(Ctl *ctl, int argc, char *argv[]) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        uint64_t until = USEC_INFINITY;
        _cleanup_free_ char *path = NULL;
        const char *change;
        int r;

        if (option_given(ctl, "until") &&
            when_parse(option_get(ctl, "until"), base_realtime_usec(), &until) < 0)
                return complain(ctl, EXIT_USAGE, "--until: \"%s\": not a date, time or span",
                                option_get(ctl, "until"));
        r = user_path(ctl, argv[0], &path);
        if (r == 0)
                r = ctl_message_new(ctl, path, WIRE_USER, "Suspend", &m);
        if (r != 0)
                return r;
        r = sd_bus_message_append(m, "t", until);
        if (r < 0)
                return complain(ctl, EXIT_FAILED, "%s", strerror(-r));
        r = ctl_append_options(ctl, m);
        if (r == 0)
                r = ctl_call(ctl, m, &reply);
        if (r != 0)
                return r;
        r = sd_bus_message_read(reply, "s", &change);
        return r < 0 ? ctl_bad_reply(ctl, r)
                     : ctl_print_change(ctl, "user", argv[0], "suspended", change, NULL);
}

int user_resume(Ctl *ctl, int argc, char *argv[]) {
        return ctl_simple_change(ctl, WIRE_PATH_USER, argv[0], WIRE_USER, "Resume", "resumed");
}

int user_disable(Ctl *ctl, int argc, char *argv[]) {
        return ctl_simple_change(ctl, WIRE_PATH_USER, argv[0], WIRE_USER, "Disable", "disabled");
}

int user_enable(Ctl *ctl, int argc, char *argv[]) {
        return ctl_simple_change(ctl, WIRE_PATH_USER, argv[0], WIRE_USER, "Enable", "enabled");
}

int user_delete(Ctl *ctl, int argc, char *argv[]) {
        int r = ask_confirm(ctl, "Delete user %s?", argv[0]);

        return r != 0 ? r
                      : ctl_simple_change(ctl, WIRE_PATH_USER, argv[0], WIRE_USER, "Delete",
                                          "deleted");
}

int user_restore(Ctl *ctl, int argc, char *argv[]) {
        return ctl_simple_change(ctl, WIRE_PATH_USER, argv[0], WIRE_USER, "Restore",
                                 "restored as inactive");
}
