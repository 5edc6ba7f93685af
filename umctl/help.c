/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Help, from the table of verbs. */

#include <string.h>

#include "config.h"
#include "umctl/umctl.h"

static void option_line(FILE *f, const Option *option) {
        char left[64];

        if (!option->argument)
                snprintf(left, sizeof(left), "--%s", option->name);
        else if (option->argument[0] == '[')
                snprintf(left, sizeof(left), "--%s[=%.*s]", option->name,
                         (int)strlen(option->argument) - 2, option->argument + 1);
        else
                snprintf(left, sizeof(left), "--%s %s", option->name, option->argument);
        fprintf(f, "  %-24s %s\n", left, option->help);
}

void help_command(FILE *f, const Command *command) {
        bool own = command->options[0].name != NULL;

        fprintf(f, "usage: umctl %s%s%s [OPTION...]%s%s\n\n%s\n", command->noun,
                command->verb ? " " : "", command->verb ? command->verb : "",
                command->arguments[0] ? " " : "", command->arguments, command->help);
        if (command->about)
                fprintf(f, "\n%s\n", command->about);
        if (command->needs)
                fprintf(f, "\nneeds the permission %s\n", command->needs);
        if (own)
                fputs("\noptions:\n", f);
        for (const Option *o = command->options; o->name; o++)
                option_line(f, o);
        fputs("\neverywhere:\n", f);
        for (const Option *o = global_options; o->name; o++)
                option_line(f, o);
        if (command->example)
                fprintf(f, "\nexample:\n  %s\n", command->example);
}

/* The verbs of one noun, or of all (NULL): those the caller may use, and with --all the others,
 * marked; how many there are. */
static size_t verbs_list(Ctl *ctl, FILE *f, const char *noun) {
        bool all = option_given(ctl, "all");
        size_t found = 0, left_out = 0;

        for (const Command *c = command_next(NULL); c; c = command_next(c)) {
                bool may;
                char left[96];

                if (!c->help || (noun && strcmp(c->noun, noun) != 0))
                        continue;
                found++;
                may = rights_permit(ctl, c);
                left_out += !may;
                if (!may && !all)
                        continue;
                snprintf(left, sizeof(left), "%s%s%s%s%s", c->noun, c->verb ? " " : "",
                         c->verb ? c->verb : "", c->arguments[0] ? " " : "", c->arguments);
                fprintf(f, "%s %-38s %s\n", may ? " " : "-", left, c->help);
        }
        if (left_out > 0)
                fprintf(f,
                        all ? "\n-: needs a permission that you have not (%zu).\n"
                            : "\n%zu more need permissions that you have not: umctl help --all\n",
                        left_out);
        return found;
}

bool help_noun(Ctl *ctl, FILE *f, const char *noun) {
        bool found = verbs_list(ctl, f, noun) > 0;

        if (found)
                fprintf(f, "\n\"umctl help %s VERB\" explains one.\n", noun);
        return found;
}

void help_overview(Ctl *ctl, FILE *f) {
        fputs("usage: umctl NOUN VERB [OPTION...] [ARGUMENT...]\n\num, user management for Linux "
              "hosts.\n\n",
              f);
        (void)verbs_list(ctl, f, NULL);
        fputs("\neverywhere:\n", f);
        for (const Option *o = global_options; o->name; o++)
                option_line(f, o);
        fputs("\nexit: 0 done, 1 failed, 2 usage, 3 refused, 4 not found, 5 umd not reachable\n"
              "\"umctl help NOUN VERB\" explains one; man umctl has examples.\n",
              f);
}

int help_run(Ctl *ctl, int argc, char *argv[]) {
        const Command *command;

        if (argc == 0) {
                help_overview(ctl, stdout);
                return EXIT_DONE;
        }
        command = command_find(argv[0], argc > 1 ? argv[1] : NULL);
        if (command && command->help && (argc > 1 || !command->verb)) {
                help_command(stdout, command);
                return EXIT_DONE;
        }
        if (argc == 1 && help_noun(ctl, stdout, argv[0]))
                return EXIT_DONE;
        return complain(ctl, EXIT_USAGE, "%s%s%s: no such command; see \"umctl help\"", argv[0],
                        argc > 1 ? " " : "", argc > 1 ? argv[1] : "");
}
