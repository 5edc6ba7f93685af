/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* umctl's entry: options, the verb's row, the verb.  A closed pipe ends it quietly. */

#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "umctl/umctl.h"

int complain(const Ctl *ctl, int code, const char *format, ...) {
        va_list ap;

        fflush(stdout);
        fputs("umctl: ", stderr);
        if (ctl->command)
                fprintf(stderr, "%s%s%s: ", ctl->command->noun, ctl->command->verb ? " " : "",
                        ctl->command->verb ? ctl->command->verb : "");
        va_start(ap, format);
        vfprintf(stderr, format, ap);
        va_end(ap);
        fputc('\n', stderr);
        return code;
}

int main(int argc, char *argv[]) {
        static const struct rlimit no_core = { 0, 0 };
        static Ctl ctl; /* large: the values of all options */
        char **rest;
        int rest_count, r;

        /* Passwords pass through this process. */
        (void)prctl(PR_SET_DUMPABLE, 0);
        (void)setrlimit(RLIMIT_CORE, &no_core);

        ctl = (Ctl){ .legend = true, .reason = "", .socket = WIRE_SOCKET };
        r = options_parse(&ctl, argc, argv, &rest_count, &rest);
        if (r < 0)
                r = ctl.command->run(&ctl, rest_count, rest);
        sd_bus_close_unref(ctl.bus);
        if (fflush(stdout) != 0 && r == EXIT_DONE)
                r = EXIT_FAILED;
        return r;
}
