/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Options by getopt_long, from the tables: a verb's own and those that stand everywhere. */

#include <getopt.h>
#include <string.h>

#include "config.h"
#include "umctl/umctl.h"

#define ARGUMENT_MAX 4096U /* a message to umd has 64 KiB */

enum { GLOBAL_BASE = 1000, VERB_BASE = 2000 };

const Command *command_find(const char *noun, const char *verb) {
        for (const Command *c = command_next(NULL); c; c = command_next(c))
                if (strcmp(c->noun, noun) == 0 &&
                    (c->verb ? verb && strcmp(c->verb, verb) == 0 : true))
                        return c;
        return NULL;
}

static size_t option_index(const Ctl *ctl, const char *name) {
        size_t i;

        for (i = 0; ctl->command && ctl->command->options[i].name; i++)
                if (strcmp(ctl->command->options[i].name, name) == 0)
                        break;
        return i;
}

bool option_given(const Ctl *ctl, const char *name) {
        return ctl->value_count[option_index(ctl, name)] > 0;
}

const char *option_get(const Ctl *ctl, const char *name) {
        size_t i = option_index(ctl, name);

        return ctl->value_count[i] > 0 ? ctl->values[i][ctl->value_count[i] - 1] : NULL;
}

const char *const *option_values(const Ctl *ctl, const char *name, size_t *ret_count) {
        size_t i = option_index(ctl, name);

        *ret_count = ctl->value_count[i];
        return ctl->values[i];
}

static void long_options(const Command *command, struct option *ret) {
        size_t n = 0;

        for (int i = 0; global_options[i].name; i++) {
                const char *argument = global_options[i].argument;
                int has = !argument            ? no_argument
                          : argument[0] == '[' ? optional_argument
                                               : required_argument;

                ret[n++] = (struct option){ global_options[i].name, has, NULL, GLOBAL_BASE + i };
        }
        for (int i = 0; command && command->options[i].name; i++)
                ret[n++] = (struct option){ command->options[i].name,
                                            command->options[i].argument ? required_argument
                                                                         : no_argument,
                                            NULL, VERB_BASE + i };
        ret[n] = (struct option){ 0 };
}

static int global_take(Ctl *ctl, const char *noun, const char *name, const char *value) {
        if (strcmp(name, "json") == 0) {
                if (value && strcmp(value, "lines") != 0)
                        return complain(ctl, EXIT_USAGE,
                                        "--json: \"%s\": only --json or --json=lines", value);
                ctl->json = value ? JSON_LINES : JSON_DOCUMENT;
        } else if (strcmp(name, "no-legend") == 0)
                ctl->legend = false;
        else if (strcmp(name, "dry-run") == 0)
                ctl->dry_run = true;
        else if (strcmp(name, "yes") == 0)
                ctl->yes = true;
        else if (strcmp(name, "reason") == 0)
                ctl->reason = value;
        else if (strcmp(name, "socket") == 0)
                ctl->socket = value;
        else if (strcmp(name, "version") == 0) {
                puts("umctl " UM_VERSION);
                return EXIT_DONE;
        } else if (strcmp(name, "help") == 0) {
                if (ctl->command)
                        help_command(stdout, ctl->command);
                else if (!noun || !help_noun(ctl, stdout, noun))
                        help_overview(ctl, stdout);
                return EXIT_DONE;
        }
        return -1;
}

static int verb_take(Ctl *ctl, int index, const char *value) {
        size_t *count = &ctl->value_count[index];

        if (*count >= VALUES_MAX)
                return complain(ctl, EXIT_USAGE, "--%s: given more than %u times",
                                ctl->command->options[index].name, VALUES_MAX);
        ctl->values[index][(*count)++] = value ? value : "";
        return -1;
}

/* The noun and verb are the first two words that are not options: found before options are known.
 */
static void words_find(Ctl *ctl, int argc, char *argv[], int *ret_noun, int *ret_verb) {
        *ret_noun = *ret_verb = 0;
        for (int i = 1; i < argc && *ret_verb == 0; i++) {
                if (argv[i][0] == '-' && argv[i][1]) {
                        if (strcmp(argv[i], "--reason") == 0 || strcmp(argv[i], "--socket") == 0)
                                i++; /* the two global options with an argument of their own */
                        continue;
                }
                if (*ret_noun == 0)
                        *ret_noun = i;
                else
                        *ret_verb = i;
        }
        if (*ret_noun == 0)
                return;
        ctl->command = command_find(argv[*ret_noun], *ret_verb ? argv[*ret_verb] : NULL);
        if (ctl->command && !ctl->command->verb)
                *ret_verb = 0;
}

static int command_unknown(Ctl *ctl, const char *noun, const char *verb) {
        bool noun_known = false;
        char buf[512];
        Text verbs;

        for (const Command *c = command_next(NULL); c; c = command_next(c))
                noun_known = noun_known || strcmp(c->noun, noun) == 0;
        if (!noun_known)
                return complain(ctl, EXIT_USAGE, "%s: no such command; see \"umctl help\"", noun);
        base_text_init(&verbs, buf, sizeof(buf));
        for (const Command *c = command_next(NULL); c; c = command_next(c))
                if (strcmp(c->noun, noun) == 0)
                        base_text_addf(&verbs, " %s", c->verb);
        return complain(ctl, EXIT_USAGE, "%s: %s%s; it has:%s", noun,
                        verb ? verb : "a verb is needed", verb ? ": no such verb" : "", buf);
}

/* A value is never repeated: people write passwords there. */
static int option_refuse(Ctl *ctl, int c, const char *word) {
        int len = (int)strcspn(word, "=");
        const char *noun = ctl->command ? ctl->command->noun : "",
                   *verb = ctl->command && ctl->command->verb ? ctl->command->verb : "",
                   *space = noun[0] ? " " : "", *second = verb[0] ? " " : "";
        char option[3] = { '-', (char)optopt, '\0' };

        if (c == ':')
                return complain(ctl, EXIT_USAGE, "%.*s: needs a value", len, word);
        if (optopt >= GLOBAL_BASE)
                return complain(ctl, EXIT_USAGE, "%.*s: takes no value", len, word);
        if (optopt != 0)
                word = option, len = 2;
        return complain(ctl, EXIT_USAGE, "%.*s: no such option; see \"umctl help%s%s%s%s\"", len,
                        word, space, noun, second, verb);
}

static int arguments_check(Ctl *ctl, int argc, char *argv[]) {
        for (int i = 1; i < argc; i++)
                if (strlen(argv[i]) > ARGUMENT_MAX)
                        return complain(ctl, EXIT_USAGE, "an argument is longer than %u bytes",
                                        ARGUMENT_MAX);
        return 0;
}

static void map_dir_set(Ctl *ctl) {
        const char *slash = strrchr(ctl->socket, '/');

        if (strcmp(ctl->socket, WIRE_SOCKET) == 0)
                snprintf(ctl->map_dir, sizeof(ctl->map_dir), "%s", WIRE_MAP_DIR);
        else
                snprintf(ctl->map_dir, sizeof(ctl->map_dir), "%.*s/map.d",
                         slash ? (int)(slash - ctl->socket) : 1, slash ? ctl->socket : ".");
}

/* How errors are to be told, also those in the options that stand before it. */
static JsonMode json_find(int argc, char *argv[]) {
        JsonMode mode = JSON_OFF;

        for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
                if (strcmp(argv[i], "--json") == 0)
                        mode = JSON_DOCUMENT;
                else if (strcmp(argv[i], "--json=lines") == 0)
                        mode = JSON_LINES;
        return mode;
}

/* Does the word need the next one as its value? */
static bool takes_next(const Ctl *ctl, const char *word) {
        for (int list = 0; list < 2 && strncmp(word, "--", 2) == 0; list++)
                for (const Option *o = list ? global_options : ctl->command->options; o->name; o++)
                        if (strcmp(word + 2, o->name) == 0)
                                return o->argument && o->argument[0] != '[';
        return false;
}

/* Takes words such as "-hotp" out of getopt_long's sight: behind all others, where they belong as
 * the last arguments; how many.  Behind a "--" they are safe. */
static int minus_words_move(const Ctl *ctl, int argc, char *argv[]) {
        int moved = 0;

        if (!ctl->command || !ctl->command->minus)
                return 0;
        for (int i = 1; i < argc - moved && strcmp(argv[i], "--") != 0; i++) {
                char *word = argv[i];

                if (word[0] != '-' || word[1] == '-' || word[1] == '\0' ||
                    strcmp(word, "-h") == 0 || takes_next(ctl, argv[i - 1]))
                        continue;
                memmove(&argv[i], &argv[i + 1], (size_t)(argc - 1 - i) * sizeof(*argv));
                argv[argc - 1] = word;
                moved++;
                i--;
        }
        return moved;
}

int options_parse(Ctl *ctl, int argc, char *argv[], int *ret_argc, char ***ret_argv) {
        struct option options[OPTIONS_MAX * 2];
        const char *noun_word, *verb_word; /* getopt_long moves argv's words about */
        int noun, verb, c, r, skip, moved;

        words_find(ctl, argc, argv, &noun, &verb);
        noun_word = noun ? argv[noun] : NULL;
        verb_word = verb ? argv[verb] : NULL;
        if (ctl->command &&
            ctl->command->run == complete_run) { /* its words are another's options */
                *ret_argc = argc - noun - 1;
                *ret_argv = argv + noun + 1;
                return -1;
        }
        ctl->json = json_find(argc, argv);
        r = arguments_check(ctl, argc, argv);
        if (r != 0)
                return r;
        long_options(ctl->command, options);
        opterr = 0;
        moved = minus_words_move(ctl, argc, argv);
        while ((c = getopt_long(argc - moved, argv, ":h", options, NULL)) != -1) {
                if (c == '?' || c == ':') {
                        if (!ctl->command && noun)
                                break;
                        return option_refuse(ctl, c, argv[optind - 1]);
                }
                r = c >= VERB_BASE
                            ? verb_take(ctl, c - VERB_BASE, optarg)
                            : global_take(ctl, noun_word,
                                          c == 'h' ? "help" : global_options[c - GLOBAL_BASE].name,
                                          optarg);
                if (r >= 0)
                        return r;
        }
        if (noun == 0) {
                if (ctl->json != JSON_OFF)
                        return complain(ctl, EXIT_USAGE, "a command is missing");
                help_overview(ctl, stderr);
                return EXIT_USAGE;
        }
        if (!ctl->command)
                return command_unknown(ctl, noun_word, verb_word);
        map_dir_set(ctl);
        skip = ctl->command->verb ? 2 : 1;
        *ret_argc = argc - optind - skip;
        *ret_argv = argv + optind + skip;
        if (*ret_argc < ctl->command->min_args ||
            (ctl->command->max_args >= 0 && *ret_argc > ctl->command->max_args)) {
                if (*ret_argc < ctl->command->min_args)
                        complain(ctl, EXIT_USAGE, "%s is missing", ctl->command->arguments);
                else
                        complain(ctl, EXIT_USAGE, "too many arguments");
                fprintf(stderr, "usage: umctl %s%s%s %s\n", ctl->command->noun,
                        ctl->command->verb ? " " : "", ctl->command->verb ? ctl->command->verb : "",
                        ctl->command->arguments);
                return EXIT_USAGE;
        }
        if (strlen(ctl->reason) > BASE_LINE_MAX ||
            base_field_check(FIELD_LINE, ctl->reason, strlen(ctl->reason)) != FIELD_OK)
                return complain(ctl, EXIT_USAGE, "--reason: must be one line of at most %u bytes",
                                BASE_LINE_MAX);
        return -1;
}
