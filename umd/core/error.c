/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a refusal says.  Values from outside stand in it escaped and bounded, so that a name cannot
 * write on the terminal or the log of whoever reads the error. */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "umd/core/internal.h"

int core_fail(CoreError *error, CoreOutcome outcome, const char *format, ...) {
        va_list ap;

        if (error) {
                error->outcome = outcome;
                va_start(ap, format);
                vsnprintf(error->text, sizeof(error->text), format, ap);
                va_end(ap);
        }
        return (int)outcome;
}

void core_fault_add(CoreError *error, CoreOutcome outcome, const char *format, ...) {
        size_t len = 0;
        va_list ap;

        if (error->outcome != CORE_DONE) {
                len = strlen(error->text);
                if (len + 3 >= sizeof(error->text))
                        return;
                memcpy(error->text + len, "; ", 3);
                len += 2;
        } else
                error->outcome = outcome;
        va_start(ap, format);
        vsnprintf(error->text + len, sizeof(error->text) - len, format, ap);
        va_end(ap);
}

Quoted core_quote(const char *s) {
        Quoted quoted;

        base_escape(s, strlen(s), quoted.text, sizeof(quoted.text));
        return quoted;
}
