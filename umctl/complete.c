/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Completion for all shells: "umctl complete WORD..." prints what may stand for the last word, one
 * a line.  Names are live, and only those the server lets the caller see; where it does not answer
 * there are none, quietly. */

#include <string.h>
#include <unistd.h>

#include "umctl/umctl.h"

#define NAMES_MAX 500U

static void offer(const char *candidate, const char *prefix) {
        if (strncmp(candidate, prefix, strlen(prefix)) == 0)
                puts(candidate);
}

static void offer_names(Ctl *ctl, const char *member, const char *prefix) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        char filter[128];
        json_t *rows, *row;
        size_t i;

        for (const char *p = prefix; *p; p++)
                if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789_-", *p))
                        return;
        snprintf(ctl->map_dir, sizeof(ctl->map_dir), "%s", WIRE_MAP_DIR);
        snprintf(filter, sizeof(filter), "name~%.64s*", prefix);
        if (!ctl->bus && wire_connect(ctl->socket, ctl->map_dir,
                                      base_boottime_usec() + USEC_PER_SEC, &ctl->bus) < 0)
                return;
        if (sd_bus_message_new_method_call(ctl->bus, &m, WIRE_NAME, WIRE_PATH, WIRE_MANAGER,
                                           member) < 0 ||
            sd_bus_message_append(m, "ssu", filter, "", NAMES_MAX) < 0 ||
            sd_bus_call(ctl->bus, m, USEC_PER_SEC, NULL, &reply) < 0 ||
            json_from_dicts(reply, &rows) < 0)
                return;
        json_array_foreach(rows, i, row)
                offer(json_string_value(json_object_get(row, "name")), prefix);
        json_decref(rows);
}

static void offer_kind(Ctl *ctl, Complete kind, const char *prefix) {
        static const char *const statuses[] = { "active", "inactive", "pending", "suspended" };

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
        case COMPLETE_STATUS:
                for (size_t i = 0; i < ARRAY_LENGTH(statuses); i++)
                        offer(statuses[i], prefix);
                break;
        case COMPLETE_FILE: /* the shell's own */
        case COMPLETE_COMMAND:
        case COMPLETE_NOTHING:
                break;
        }
}

static void offer_options(const Option *options, const char *prefix) {
        for (const Option *o = options; o && o->name; o++) {
                char word[64];

                snprintf(word, sizeof(word), "--%s", o->name);
                offer(word, prefix);
        }
}

static void offer_words(const char *noun, const char *prefix) {
        const char *last = "";

        for (const Command *c = commands; c->noun; c++) {
                if (!c->help)
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

int complete_run(Ctl *ctl, int argc, char *argv[]) {
        const char *word = argc > 0 ? argv[argc - 1] : "", *noun = NULL, *verb = NULL;
        const Option *pending = NULL;
        const Command *command;

        for (int i = 0; i + 1 < argc; i++) {
                command = noun ? command_find(noun, verb) : NULL;
                pending = option_named(command ? command->options : NULL, argv[i]);
                if (!pending)
                        pending = option_named(global_options, argv[i]);
                if (pending && (!pending->argument || pending->argument[0] == '['))
                        pending = NULL;
                if (argv[i][0] == '-' ||
                    (i > 0 && option_named(global_options, argv[i - 1]) && argv[i - 1][2] == 'r'))
                        continue;
                if (!noun)
                        noun = argv[i];
                else if (!verb)
                        verb = argv[i];
        }
        command = noun ? command_find(noun, verb) : NULL;
        if (noun && strcmp(noun, "help") == 0)
                offer_words(verb, word);
        else if (pending)
                offer_kind(ctl, pending->complete, word);
        else if (word[0] == '-') {
                offer_options(command ? command->options : NULL, word);
                offer_options(global_options, word);
        } else if (!noun || !command)
                offer_words(noun, word);
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
