/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A command of a sudo command group: what is none, what is broad, and that what is written for sudo
 * means it and nothing else, as the real visudo and cvtsudoers read it. */

#include <fnmatch.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "umd/core/sudo.h"
#include "umd/core/sudo_command.h"

static const char *rendered(const char *command) {
        static char buf[4 * CORE_SUDO_COMMAND_MAX + 4];
        Text text;

        base_text_init(&text, buf, sizeof(buf));
        sudo_command_render(command, &text);
        assert_false(text.cut);
        return buf;
}

static void what_is_none_is_told(void **state) {
        static const struct {
                const char *command, *fault;
                bool relative;
        } rows[] = {
                { "/usr/bin/id", NULL, false },
                { "/usr/bin/id -u", NULL, false },
                { "/usr/bin/a.b_c+d-e@f%g:h=i,j", NULL, false },
                { "/usr/bin/*", NULL, false },
                { "/usr/bin/", NULL, false },
                { "/usr/bin/id *", NULL, false },
                { "", "empty", false },
                { "id", "absolute", true },
                { "./id", "absolute", true },
                { "ALL", "absolute", true },
                { "!/usr/bin/id", "absolute", true },
                { "\"/usr/bin/id\"", "absolute", true },
                { "/", "no program", false },
                { "/usr//id", "part", false },
                { "/usr/./id", "part", false },
                { "/usr/../id", "part", false },
                { "/usr/bin/..", "part", false },
                { "/usr/bin//", "part", false },
                { "/usr/bin/i[d]", "letters", false },
                { "/usr/bin/i?", "letters", false },
                { "/usr/bin/i\\d", "letters", false },
                { "/usr/bin/i\td", "letters", false },
                { "/usr/bin/\xc3\xbc", "letters", false },
                { "/usr/bin/i\nroot ALL=(ALL) ALL", "letters", false },
                { "/usr/bin/id\n", "letters", false },
                { "/usr/bin/sudoedit", "sudoedit", false },
                { "/usr/bin/sudoedit /etc/x", "sudoedit", false },
                { "/usr/bin/ x", "directory", false },
                { "/usr/bin/id ", "space", false },
                { "/usr/bin/id  -u", "space", false },
                { "/usr/bin/id -u ", "space", false },
                { "/usr/bin/id -u  -n", "space", false },
                { "/usr/bin/id \"\"", "\"\"", false },
                { "/usr/bin/id a\nroot ALL=(ALL) ALL", "ASCII", false },
                { "/usr/bin/id a\rb", "ASCII", false },
                { "/usr/bin/id a\tb", "ASCII", false },
                { "/usr/bin/id \x7f", "ASCII", false },
                { "/usr/bin/id \xc3\xbc", "ASCII", false },
        };
        char longest[CORE_SUDO_COMMAND_MAX + 2];
        bool relative;

        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                const char *fault = sudo_command_fault(rows[i].command, &relative);

                if (!fault != !rows[i].fault || (fault && !strstr(fault, rows[i].fault)))
                        fail_msg("%s: %s", rows[i].command, fault);
                assert_int_equal(relative, rows[i].relative);
        }
        memset(longest, 'x', sizeof(longest));
        longest[0] = '/';
        longest[CORE_SUDO_COMMAND_MAX + 1] = '\0';
        assert_non_null(strstr(sudo_command_fault(longest, &relative), "512 bytes"));
        longest[CORE_SUDO_COMMAND_MAX] = '\0';
        assert_null(sudo_command_fault(longest, &relative));
}

static void what_leads_on_is_broad(void **state) {
        static const struct {
                const char *command, *why;
        } rows[] = {
                { "/bin/sh", "shell" },
                { "/usr/bin/bash -c true", "shell" },
                { "/usr/bin/ksh93", "shell" },
                { "/usr/bin/busybox ls", "shell" },
                { "/usr/bin/vi", "editor" },
                { "/usr/bin/vim.basic /etc/motd", "editor" },
                { "/usr/sbin/visudo", "editor" },
                { "/usr/bin/less /var/log/syslog", "pager" },
                { "/usr/bin/man sudo", "pager" },
                { "/usr/bin/python3.11 /root/x.py", "interpreter" },
                { "/usr/bin/perl5.36.0", "interpreter" },
                { "/usr/bin/awk", "interpreter" },
                { "/usr/bin/sed -n p", "interpreter" },
                { "/usr/bin/env A=1 /usr/bin/id", "runs other" },
                { "/usr/bin/su - postgres", "runs other" },
                { "/usr/bin/sudo", "runs other" },
                { "/usr/bin/systemctl edit backup.service", "editor" },
                { "/usr/bin/systemctl --full edit backup.service", "editor" },
                { "/usr/bin/crontab -e", "editor" },
                { "/usr/local/bin/", "directory" },
                { "/usr/*/id", "path" },
                { "/usr/bin/i*", "path" },
                { "/usr/bin/id *", "arguments" },
                { "/usr/bin/cat /var/log/*", "arguments" },
                { "/usr/bin/systemctl restart backup.service", NULL },
                { "/usr/bin/systemctl restart edit.service", NULL },
                { "/usr/bin/find /srv -name x -delete", NULL },
                { "/usr/bin/tar czf /srv/a.tgz /etc", NULL },
                { "/usr/bin/crontab -l", NULL },
                { "/usr/sbin/shutdown -r now", NULL },
                { "/opt/sh/bin/backup", NULL },
                { "/usr/bin/vigor-report", NULL },
                { "/usr/bin/lesson", NULL },
        };

        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                const char *why = sudo_command_broad(rows[i].command);

                if (!why != !rows[i].why || (why && !strstr(why, rows[i].why)))
                        fail_msg("%s: %s", rows[i].command, why);
        }
        assert_non_null(sudo_program_broad("/usr/bin/vim.tiny"));
        assert_null(sudo_program_broad("/usr/bin/systemctl"));
}

static void what_is_special_is_escaped(void **state) {
        static const struct {
                const char *command, *sudoers;
        } rows[] = {
                { "/usr/bin/id", "/usr/bin/id \"\"" },
                { "/usr/bin/id *", "/usr/bin/id" },
                { "/usr/bin/", "/usr/bin/" },
                { "/usr/bin/a:b=c,d", "/usr/bin/a\\:b\\=c\\,d \"\"" },
                { "/usr/bin/x a,b:c=d #e", "/usr/bin/x a\\,b\\:c\\=d \\#e" },
                { "/usr/bin/x a\\b", "/usr/bin/x a\\\\\\\\b" },
                { "/usr/bin/x ? [a] ^a$", "/usr/bin/x \\? \\[a\\] \\^a$" },
                { "/usr/bin/x /srv/* \"q\" 'p' !n", "/usr/bin/x /srv/* \"q\" 'p' !n" },
        };

        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++)
                assert_string_equal(rendered(rows[i].command), rows[i].sudoers);
}

/* ---- as sudo reads it ------------------------------------------------------------------------ */

#define RANDOM_COMMANDS 400

static uint64_t seed = 20261129;

static size_t below(size_t n) {
        seed = seed * 6364136223846793005U + 1442695040888963407U;
        return (size_t)(seed >> 33) % n;
}

/* Out of what a command may have, special characters being frequent; without a *, which means more.
 */
static void command_make(char *buf) {
        static const char path[] = "abcXYZ019./_+-@%:=,",
                          arguments[] = "aZ9 ,,::==##\\\\??[[]]^^$$!\"'{}()~|&;<>`./-";
        bool relative;

        do {
                size_t len = below(12), at = (size_t)sprintf(buf, "/usr/bin/c");

                for (size_t i = 0; i < len; i++)
                        buf[at++] = path[below(sizeof(path) - 1)];
                len = below(3) ? below(16) : 0;
                if (len > 0)
                        buf[at++] = ' ';
                for (size_t i = 0; i < len; i++)
                        buf[at++] = arguments[below(sizeof(arguments) - 1)];
                buf[at] = '\0';
        } while (sudo_command_fault(buf, &relative) || buf[strlen(buf) - 1] == '/');
}

static json_t *sudo_reads(char (*commands)[64], size_t count) {
        char path[] = "/tmp/um-sudoers.XXXXXX", line[128];
        int fd = mkstemp(path);
        FILE *f = fdopen(fd, "w"), *out;
        json_t *root;

        for (size_t i = 0; i < count; i++)
                fprintf(f, "%s%s", i == 0 ? "alice ALL=(root) PASSWD: " : ", ",
                        rendered(commands[i]));
        fputc('\n', f);
        fclose(f);
        snprintf(line, sizeof(line), "/usr/sbin/visudo -cqf %s", path);
        assert_int_equal(system(line), 0);
        snprintf(line, sizeof(line), "/usr/bin/cvtsudoers -f json %s", path);
        out = popen(line, "r");
        root = json_loadf(out, 0, NULL);
        assert_int_equal(pclose(out), 0);
        unlink(path);
        return root;
}

/* The commands sudo has in the end, arguments as the pattern it gives fnmatch(3). */
static json_t *commands_of(json_t *root) {
        json_t *spec = json_array_get(json_object_get(root, "User_Specs"), 0);

        return json_object_get(json_array_get(json_object_get(spec, "Cmnd_Specs"), 0), "Commands");
}

/* As sudo's command_args_match(): nobody but who typed just these arguments. */
static void matches_itself_alone(const char *command, const char *read) {
        size_t len = sudo_command_path(command), read_len = sudo_command_path(read);
        const char *pattern = read[read_len] ? read + read_len + 1 : "";
        char other[80];

        assert_int_equal(len, read_len);
        assert_memory_equal(command, read, len);
        if (!command[len]) {
                assert_string_equal(pattern, "\"\"");
                return;
        }
        command += len + 1;
        assert_true(pattern[0] != '^'); /* a regular expression to sudo */
        assert_int_equal(fnmatch(pattern, command, 0), 0);
        snprintf(other, sizeof(other), "%sx", command);
        assert_int_equal(fnmatch(pattern, other, 0), FNM_NOMATCH);
        for (size_t i = 0; command[i]; i++) {
                snprintf(other, sizeof(other), "%s", command);
                other[i] = command[i] == 'q' ? 'r' : 'q';
                assert_int_equal(fnmatch(pattern, other, 0), FNM_NOMATCH);
        }
}

static void sudo_reads_what_was_meant(void **state) {
        static char commands[RANDOM_COMMANDS][64];
        json_t *root, *read;

        for (size_t i = 0; i < RANDOM_COMMANDS; i++)
                command_make(commands[i]);
        root = sudo_reads(commands, RANDOM_COMMANDS);
        read = commands_of(root);
        assert_int_equal(json_array_size(read), RANDOM_COMMANDS);
        for (size_t i = 0; i < RANDOM_COMMANDS; i++)
                matches_itself_alone(commands[i],
                                     json_string_value(
                                             json_object_get(json_array_get(read, i), "command")));
        json_decref(root);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_is_none_is_told),
                cmocka_unit_test(what_leads_on_is_broad),
                cmocka_unit_test(what_is_special_is_escaped),
                cmocka_unit_test(sudo_reads_what_was_meant),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
