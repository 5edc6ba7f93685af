/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* umctl user add: the fields of an account, from options or asked for, and its first credential, in
 * one call, so that a part that fails makes none of it. */

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
        { "shell", "shell" },       { "home", "home" },           { "tenant", "tenant" },
        { "kind", "kind" },         { "role", "role" },
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

/* At creation the word alone says yes. */
static int append_read_only(Ctl *ctl, sd_bus_message *m) {
        const char *word = option_get(ctl, "read-only");
        int r;

        if (!word)
                return 0;
        if (word[0] && strcmp(word, "yes") != 0 && strcmp(word, "no") != 0)
                return complain(ctl, EXIT_USAGE, "--read-only: must be yes or no");
        r = sd_bus_message_append(m, "{sv}", "read_only", "b", (int)(strcmp(word, "no") != 0));
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
        r = append_read_only(ctl, m);
        if (r == 0)
                r = user_append_attributes(ctl, m);
        if (r == 0)
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

void shell_warn(const Ctl *ctl) {
        const char *shell = option_get(ctl, "shell");

        if (shell && access(shell, X_OK) < 0)
                fprintf(stderr,
                        "umctl: warning: %s is not there on this host: sshd refuses a login "
                        "until it is\n",
                        shell);
}

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
        r = ctl_send(ctl, m, &reply);
        if (r == 0)
                r = create_print(ctl, argv[0], reply, with_credential);
        if (r == 0)
                shell_warn(ctl);
        return r;
}
