/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* umctl's entry: options, the verb's row, the verb.  A closed pipe ends it quietly; what it has to
 * complain about is one line that no terminal obeys, whatever it was called with. */

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "umctl/umctl.h"

/* A backslash stays as it is: umd's texts are escaped already. */
static void safe_print(FILE *f, const char *s) {
        size_t left = strlen(s);

        while (left > 0) {
                uint32_t c;
                int n = base_utf8_decode(s, left, &c);

                if (n > 0 && base_codepoint_printable(c))
                        fwrite(s, 1, (size_t)n, f);
                else {
                        n = 1;
                        fprintf(f, "\\x%02x", (unsigned char)*s);
                }
                s += n;
                left -= (size_t)n;
        }
}

/* The one line; with --json also the document, so that standard output has one whatever happens. */
int complain_as(const Ctl *ctl, int code, const char *error, const char *text) {
        _cleanup_free_ char *safe = NULL;
        char command[64] = "";
        size_t size;
        FILE *f;

        f = open_memstream(&safe, &size);
        if (f) {
                safe_print(f, text);
                fclose(f);
        }
        if (ctl->command)
                snprintf(command, sizeof(command), "%s%s%s", ctl->command->noun,
                         ctl->command->verb ? " " : "",
                         ctl->command->verb ? ctl->command->verb : "");
        fflush(stdout);
        fprintf(stderr, "umctl: %s%s%s\n", command, command[0] ? ": " : "",
                safe ? safe : "out of memory");
        if (ctl->json != JSON_OFF)
                json_print(ctl, "error",
                           json_pack("{s:s, s:s, s:s, s:i}", "command", command, "name", error,
                                     "text", safe ? safe : "out of memory", "exit", code));
        return code;
}

int complain(const Ctl *ctl, int code, const char *format, ...) {
        _cleanup_free_ char *text = NULL;
        va_list ap;
        int n;

        va_start(ap, format);
        n = vasprintf(&text, format, ap);
        va_end(ap);
        return complain_as(ctl, code, "", n < 0 ? "out of memory" : text);
}

int main(int argc, char *argv[]) {
        static const struct rlimit no_core = { 0, 0 };
        static Ctl ctl; /* large: the values of all options */
        char **rest;
        int rest_count, r;

        /* Passwords pass through this process. */
        (void)prctl(PR_SET_DUMPABLE, 0);
        (void)setrlimit(RLIMIT_CORE, &no_core);

        (void)unsetenv("TZ"); /* dates are the host's, whoever types them */
        ctl = (Ctl){ .legend = true, .reason = "", .socket = WIRE_SOCKET };
        r = options_parse(&ctl, argc, argv, &rest_count, &rest);
        if (r < 0)
                r = ctl.command->run(&ctl, rest_count, rest);
        json_decref(ctl.rights);
        sd_bus_close_unref(ctl.bus);
        if ((fflush(stdout) != 0 || ferror(stdout)) && r == EXIT_DONE)
                r = errno == EPIPE ? EXIT_FAILED
                                   : complain(&ctl, EXIT_FAILED, "cannot write all of it: %s",
                                              strerror(errno));
        return r;
}
