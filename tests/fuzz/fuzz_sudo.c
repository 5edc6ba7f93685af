/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Commands of sudo, and lines of sudoers: whatever is taken for a command is written so that
 * um-helper takes it, as one command, and matches itself once sudo has taken its own backslashes
 * away; and whatever um-helper takes is lines of printable ASCII, each to the end. */

#include <assert.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "um_helper/helper.h"
#include "umd/core/sudo.h"
#include "umd/core/sudo_command.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool anybody(void *userdata, const char *name) {
        return true;
}

static const HelperSudoersNames names = { NULL, anybody };

/* What sudo's lexer leaves of arguments: its own escapes are gone, those of fnmatch(3) are not. */
static void lexed(const char *s, char *ret) {
        while (*s) {
                assert(*s != ',' && *s != '#' && *s != ':' && *s != '=');
                if (*s == '\\' && strchr("\\,:=#", s[1]))
                        s++;
                else if (*s == '\\')
                        *ret++ = *s++;
                *ret++ = *s++;
        }
        *ret = '\0';
}

static void command_check(const char *command) {
        char buf[4 * CORE_SUDO_COMMAND_MAX + 4], line[sizeof(buf) + 256], pattern[sizeof(buf)];
        bool relative;
        Text text;
        size_t len;

        if (sudo_command_fault(command, &relative))
                return;
        (void)sudo_command_broad(command);
        base_text_init(&text, buf, sizeof(buf));
        sudo_command_render(command, &text);
        assert(!text.cut);
        snprintf(line, sizeof(line), "%salice ALL=(root) PASSWD: %s\n", HELPER_SUDOERS_HEAD, buf);
        assert(helper_sudoers_check(line, strlen(line), &names));
        len = sudo_command_path(command);
        if (!command[len] || strcmp(command + len, " *") == 0)
                return;
        lexed(strchr(buf, ' ') + 1, pattern);
        assert(pattern[0] != '^');
        assert(fnmatch(pattern, command + len + 1, 0) == 0);
        if (!strchr(command + len, '*')) { /* and nothing longer */
                snprintf(line, sizeof(line), "%sx", command + len + 1);
                assert(fnmatch(pattern, line, 0) != 0);
        }
}

static void lines_check(const char *data, size_t size) {
        size_t head = strlen(HELPER_SUDOERS_HEAD);
        char *text = malloc(head + size);

        assert(text);
        memcpy(text, HELPER_SUDOERS_HEAD, head);
        if (size > 0)
                memcpy(text + head, data, size);
        if (helper_sudoers_check(text, head + size, &names)) {
                assert(size == 0 || data[size - 1] == '\n');
                for (size_t i = 0; i < size; i++)
                        assert(data[i] == '\n' || (data[i] >= ' ' && data[i] <= '~'));
        }
        free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        char *command = malloc(size + 1);

        assert(command);
        memcpy(command, data, size);
        command[size] = '\0';
        command_check(command);
        free(command);
        lines_check((const char *)data, size);
        return 0;
}
