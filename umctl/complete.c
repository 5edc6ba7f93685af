/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Completion for all shells: "umctl complete WORD..." prints what may stand for the last word, one
 * a line.  Names are live, and only those the server lets the caller see; where it does not answer
 * there are none, quietly. */

#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include "umctl/umctl.h"

#define NAMES_MAX 500U

static void offer(const char *candidate, const char *prefix) {
        if (strncmp(candidate, prefix, strlen(prefix)) == 0)
                puts(candidate);
}

static bool connected(Ctl *ctl) {
        snprintf(ctl->map_dir, sizeof(ctl->map_dir), "%s", WIRE_MAP_DIR);
        return ctl->bus || wire_connect(ctl->socket, ctl->map_dir,
                                        base_boottime_usec() + USEC_PER_SEC, &ctl->bus) >= 0;
}

static void offer_names(Ctl *ctl, const char *member, const char *prefix) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        char filter[128];
        json_t *rows, *row;
        size_t i;

        for (const char *p = prefix; *p; p++)
                if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789_-", *p))
                        return;
        snprintf(filter, sizeof(filter), "name~%.64s*", prefix);
        if (!connected(ctl) ||
            sd_bus_message_new_method_call(ctl->bus, &m, WIRE_NAME, WIRE_PATH, WIRE_MANAGER,
                                           member) < 0 ||
            sd_bus_message_append(m, "ssu", filter, "", NAMES_MAX) < 0 ||
            sd_bus_call(ctl->bus, m, USEC_PER_SEC, NULL, &reply) < 0 ||
            json_from_dicts(reply, &rows) < 0)
                return;
        json_array_foreach(rows, i, row)
                offer(json_string_value(json_object_get(row, "name")), prefix);
        json_decref(rows);
}

/* The policy value of that name, or all ("") as umd tells the caller: root of the company, others
 * of themselves. */
static json_t *policy_values(Ctl *ctl, const char *name) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        const struct passwd *pw = getuid() != 0 ? getpwuid(getuid()) : NULL;
        json_t *values;

        if (!connected(ctl) ||
            sd_bus_message_new_method_call(ctl->bus, &m, WIRE_NAME, WIRE_PATH, WIRE_POLICY,
                                           "GetEffective") < 0 ||
            sd_bus_message_append(m, "ss", pw ? pw->pw_name : "", name) < 0 ||
            sd_bus_call(ctl->bus, m, USEC_PER_SEC, NULL, &reply) < 0 ||
            json_from_dicts(reply, &values) < 0)
                return NULL;
        return values;
}

static void offer_policy(Ctl *ctl, const char *prefix) {
        json_t *values = policy_values(ctl, ""), *value;
        size_t i;

        json_array_foreach(values, i, value)
                offer(json_string_value(json_object_get(value, "name")), prefix);
        json_decref(values);
}

/* The words of the value of that name; in a list each behind what stands there, with its sign. */
static void offer_policy_words(Ctl *ctl, const char *name, const char *prefix) {
        json_t *values = policy_values(ctl, name), *value = json_array_get(values, 0), *word;
        const char *comma = strrchr(prefix, ',');
        int head = 0;
        size_t i;

        if (json_is_true(json_object_get(value, "list")))
                head = comma ? (int)(comma - prefix) + 1 : 0;
        if (json_is_true(json_object_get(value, "list")) &&
            (prefix[head] == '+' || prefix[head] == '-'))
                head++;
        json_array_foreach(json_object_get(value, "words"), i, word) {
                char candidate[256];

                snprintf(candidate, sizeof(candidate), "%.*s%s", head, prefix,
                         json_string_value(word));
                offer(candidate, prefix);
        }
        json_decref(values);
}

/* Names of a method of roles or tenants that answers rows; page: by a cursor and a limit. */
static void offer_rows(Ctl *ctl, const char *interface, const char *member, bool page,
                       const char *prefix) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        json_t *rows, *row;
        size_t i;

        if (!connected(ctl) ||
            sd_bus_message_new_method_call(ctl->bus, &m, WIRE_NAME, WIRE_PATH, interface, member) <
                    0 ||
            sd_bus_message_append(m, "s", "") < 0 ||
            (page && sd_bus_message_append(m, "u", NAMES_MAX) < 0) ||
            sd_bus_call(ctl->bus, m, USEC_PER_SEC, NULL, &reply) < 0 ||
            json_from_dicts(reply, &rows) < 0)
                return;
        json_array_foreach(rows, i, row)
                offer(json_string_value(json_object_get(row, "name")), prefix);
        json_decref(rows);
}

/* Names of a List that takes nothing. */
static void offer_list(Ctl *ctl, const char *interface, const char *prefix) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        json_t *rows, *row;
        size_t i;

        if (!connected(ctl) ||
            sd_bus_message_new_method_call(ctl->bus, &m, WIRE_NAME, WIRE_PATH, interface, "List") <
                    0 ||
            sd_bus_call(ctl->bus, m, USEC_PER_SEC, NULL, &reply) < 0 ||
            json_from_dicts(reply, &rows) < 0)
                return;
        json_array_foreach(rows, i, row)
                offer(json_string_value(json_object_get(row, "name")), prefix);
        json_decref(rows);
}

static void offer_kind(Ctl *ctl, Complete kind, const char *prefix) {

        switch (kind) {
        case COMPLETE_USER:
                offer_names(ctl, "ListUsers", prefix);
                break;
        case COMPLETE_GROUP:
                offer_names(ctl, "ListGroups", prefix);
                break;
        case COMPLETE_SHELL:
                setusershell();
                for (const char *shell; (shell = getusershell());)
                        offer(shell, prefix);
                endusershell();
                break;
        case COMPLETE_POLICY:
        case COMPLETE_POLICY_WORDS:
                offer_policy(ctl, prefix);
                break;
        case COMPLETE_ROLE:
        case COMPLETE_ROLE_USER:
                offer_rows(ctl, WIRE_ROLE, "List", true, prefix);
                break;
        case COMPLETE_TENANT:
                offer_rows(ctl, WIRE_TENANT, "List", false, prefix);
                break;
        case COMPLETE_APP:
                offer_list(ctl, WIRE_APP, prefix);
                break;
        case COMPLETE_SUDO:
                offer_list(ctl, WIRE_SUDO, prefix);
                break;
        case COMPLETE_ATTRIBUTE:
                offer_rows(ctl, WIRE_ATTRIBUTE, "List", false, prefix);
                break;
        case COMPLETE_PERMISSION:
                offer_rows(ctl, WIRE_ROLE, "Permissions", false, prefix);
                break;
        case COMPLETE_USER_PERMISSION:
                offer_names(ctl, "ListUsers", prefix);
                break;
        case COMPLETE_FILE: /* the shell's own */
        case COMPLETE_COMMAND:
        case COMPLETE_FACTOR:
        case COMPLETE_NOTHING:
                break;
        }
}

/* An action, or what stands behind it: the word before says which. */
static void offer_factor(Ctl *ctl, const Command *command, const char *before, const char *prefix) {
        static const char *const self[] = { "enrol", "list", "recovery", "remove" };
        static const char *const user[] = { "list", "remove", "reset" };
        static const char *const methods[] = { "fido2", "hotp", "totp" };
        bool own = strcmp(command->noun, "self") == 0;

        if (strcmp(before, command->verb) == 0) {
                for (size_t i = 0; i < (own ? ARRAY_LENGTH(self) : ARRAY_LENGTH(user)); i++)
                        offer(own ? self[i] : user[i], prefix);
                return;
        }
        for (size_t i = 0; i < ARRAY_LENGTH(methods) && own && strcmp(before, "enrol") == 0; i++)
                offer(methods[i], prefix);
        for (size_t i = 0; i < ARRAY_LENGTH(user) && !own; i++)
                if (strcmp(before, user[i]) == 0)
                        offer_names(ctl, "ListUsers", prefix);
}

static void offer_options(const Option *options, const char *prefix) {
        for (const Option *o = options; o && o->name; o++) {
                char word[64];

                snprintf(word, sizeof(word), "--%s", o->name);
                offer(word, prefix);
        }
}

/* Of what umd would let the caller use. */
static void offer_words(Ctl *ctl, const char *noun, const char *prefix) {
        const char *last = "";

        for (const Command *c = command_next(NULL); c; c = command_next(c)) {
                if (!c->help || !rights_permit(ctl, c))
                        continue;
                if (noun && c->verb && strcmp(c->noun, noun) == 0)
                        offer(c->verb, prefix);
                if (!noun && strcmp(c->noun, last) != 0)
                        offer(c->noun, prefix);
                last = c->noun;
        }
}

static const Option *option_named(const Option *options, const char *word) {
        for (const Option *o = options; o && o->name; o++)
                if (strncmp(word, "--", 2) == 0 && strcmp(word + 2, o->name) == 0)
                        return o;
        return NULL;
}

/* The option that the word is, where it needs the next one as its value. */
static const Option *option_pending(const Command *command, const char *word) {
        const Option *option = option_named(command ? command->options : NULL, word);

        if (!option)
                option = option_named(global_options, word);
        return option && option->argument && option->argument[0] != '[' ? option : NULL;
}

int complete_run(Ctl *ctl, int argc, char *argv[]) {
        const char *word = argc > 0 ? argv[argc - 1] : "", *noun = NULL, *verb = NULL,
                   *first = NULL;
        const Option *pending = NULL;
        const Command *command;

        for (int i = 0; i + 1 < argc; i++) {
                command = noun ? command_find(noun, verb) : NULL;
                pending = option_pending(command, argv[i]);
                if (argv[i][0] == '-' ||
                    (i > 0 && option_named(global_options, argv[i - 1]) && argv[i - 1][2] == 'r'))
                        continue;
                if (!noun)
                        noun = argv[i];
                else if (!verb)
                        verb = argv[i];
                else if (!first && !(i > 0 && option_pending(command, argv[i - 1])))
                        first = argv[i];
        }
        command = noun ? command_find(noun, verb) : NULL;
        if (noun && strcmp(noun, "help") == 0)
                offer_words(ctl, verb, word);
        else if (pending)
                offer_kind(ctl, pending->complete, word);
        else if (first && command && command->complete == COMPLETE_POLICY_WORDS &&
                 strncmp(word, "--", 2) != 0)
                offer_policy_words(ctl, first, word);
        else if (first && command && command->complete == COMPLETE_ROLE_USER && word[0] != '-')
                offer_kind(ctl, COMPLETE_USER, word);
        else if (first && command && command->complete == COMPLETE_USER_PERMISSION &&
                 word[0] != '-')
                offer_kind(ctl, COMPLETE_PERMISSION, word);
        else if (word[0] == '-') {
                offer_options(command ? command->options : NULL, word);
                offer_options(global_options, word);
        } else if (!noun || !command)
                offer_words(ctl, noun, word);
        else if (command->complete == COMPLETE_FACTOR)
                offer_factor(ctl, command, argv[argc - 2], word);
        else
                offer_kind(ctl,
                           !verb && command->verb ? COMPLETE_NOTHING
                           : strcmp(command->noun, "group") == 0 &&
                                           command->complete == COMPLETE_USER && verb && argc > 0 &&
                                           strcmp(argv[argc - 2], verb) == 0
                                   ? COMPLETE_GROUP
                                   : command->complete,
                           word);
        return EXIT_DONE;
}
