/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A command that sudo may run: what it may look like, when it amounts to more than itself, and how
 * sudoers(5) writes it so that it means just that.
 *
 * sudo compares arguments as one text, joined by spaces, with a pattern of fnmatch(3); a text that
 * begins with ^ and ends with $ is a regular expression.  So all that is special there is escaped
 * but for *, and a command without arguments gets the "" that keeps others out.
 *
 * Broad is what leads on to anything: a shell, an editor or pager (they start one), an interpreter,
 * what runs programs by its nature, a directory, and a *.  Programs that run others only where
 * their arguments say so (find, tar, rsync) are not: arguments are exact, and a * is broad. */

#include <string.h>

#include "umd/core/sudo.h"
#include "umd/core/sudo_command.h"

static bool is_alnum(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_one_of(char c, const char *few) {
        return c != '\0' && strchr(few, c);
}

size_t sudo_command_path(const char *command) {
        return strcspn(command, " ");
}

/* ---- what is none ---------------------------------------------------------------------------- */

static const char *path_fault(const char *path, size_t len) {
        static const char program[] = "sudoedit";

        for (size_t i = 0; i < len; i++)
                if (!is_alnum(path[i]) && !is_one_of(path[i], "/._+-@%:=,*"))
                        return "its path may only have letters, digits and / . _ + - @ % : = , *";
        for (size_t at = 1; at < len;) { /* a / at the end is a directory */
                const char *part = path + at, *slash = memchr(part, '/', len - at);
                size_t n = slash ? (size_t)(slash - part) : len - at;

                if (n == 0 || (n == 1 && part[0] == '.') ||
                    (n == 2 && part[0] == '.' && part[1] == '.'))
                        return "its path may not have an empty, '.' or '..' part";
                if (n == strlen(program) && memcmp(part, program, n) == 0)
                        return "sudoedit is no command to sudo";
                at += n + 1;
        }
        return NULL;
}

static const char *arguments_fault(const char *s) {
        if (strcmp(s, "\"\"") == 0)
                return "\"\" is how sudoers writes no arguments: leave it out";
        for (size_t i = 0; s[i]; i++) {
                if (s[i] < ' ' || s[i] > '~')
                        return "its arguments may only have printable ASCII";
                if (s[i] == ' ' && (i == 0 || s[i + 1] == ' ' || s[i + 1] == '\0'))
                        return "its arguments stand behind one space each";
        }
        return *s ? NULL : "its arguments stand behind one space each";
}

const char *sudo_command_fault(const char *command, bool *ret_relative) {
        size_t len = strnlen(command, CORE_SUDO_COMMAND_MAX + 1), path_len;
        const char *fault;

        *ret_relative = false;
        if (len == 0 || len > CORE_SUDO_COMMAND_MAX)
                return len == 0 ? "may not be empty" : "may have at most 512 bytes";
        if (command[0] != '/') {
                *ret_relative = true;
                return "sudo takes absolute paths alone";
        }
        path_len = sudo_command_path(command);
        fault = path_len < 2 ? "names no program" : path_fault(command, path_len);
        if (!fault && command[path_len] == ' ')
                fault = command[path_len - 1] == '/' ? "a directory takes no arguments"
                                                     : arguments_fault(command + path_len + 1);
        return fault;
}

/* ---- what is broad --------------------------------------------------------------------------- */

/* By name, with whatever version stands behind it: python3.11, vim.basic. */
static const char *const shells[] = {
        "ash",       "bash", "bash-static", "busybox", "csh",    "dash", "elvish",     "es",
        "fish",      "ksh",  "ksh93",       "lksh",    "lshell", "mksh", "nu",         "osh",
        "pdksh",     "pwsh", "rbash",       "rc",      "rksh",   "rzsh", "sash",       "sh",
        "static-sh", "tcsh", "toybox",      "xonsh",   "yash",   "zsh",  "zsh-static",
};
static const char *const editors[] = {
        "atom",
        "code",
        "ed",
        "editor",
        "emacs",
        "emacsclient",
        "ex",
        "gedit",
        "gvim",
        "helix",
        "hx",
        "jed",
        "jmacs",
        "joe",
        "jstar",
        "kate",
        "kak",
        "mcedit",
        "mg",
        "micro",
        "nano",
        "ne",
        "nvim",
        "pico",
        "red",
        "rnano",
        "rgvim",
        "rview",
        "rvim",
        "sensible-editor",
        "select-editor",
        "vi",
        "view",
        "vigr",
        "vim",
        "vimdiff",
        "vimtutor",
        "vipw",
        "visudo",
        "zile",
};
static const char *const pagers[] = {
        "info",  "less",           "lv",  "man",   "more",  "most", "pager", "pg",
        "pinfo", "sensible-pager", "w3m", "zless", "zmore", "lynx", "links", "elinks",
};
static const char *const interpreters[] = {
        "awk",          "bc",      "bpython", "dc",      "erl",     "expect", "gawk",   "gdb",
        "ghci",         "gimp",    "guile",   "iex",     "ipython", "irb",    "java",   "jjs",
        "jrunscript",   "jshell",  "julia",   "lldb",    "lua",     "luajit", "m4",     "mawk",
        "mongo",        "mongosh", "mysql",   "mariadb", "nawk",    "node",   "nodejs", "octave",
        "original-awk", "perl",    "php",     "psql",    "pypy",    "python", "R",      "redis-cli",
        "Rscript",      "ruby",    "sed",     "sqlite",  "sqlite3", "tclsh",  "wish",
};
static const char *const runners[] = {
        "at",          "batch",  "byobu",   "capsh",      "chroot",
        "cpulimit",    "docker", "doas",    "env",        "fakeroot",
        "firejail",    "ftp",    "lxc",     "machinectl", "mc",
        "nc",          "ncat",   "newgrp",  "nohup",      "nsenter",
        "parallel",    "pkexec", "podman",  "ranger",     "runuser",
        "screen",      "script", "setarch", "setpriv",    "setsid",
        "sg",          "socat",  "ssh",     "sshpass",    "stdbuf",
        "strace",      "su",     "sudo",    "sudoedit",   "systemd-nspawn",
        "systemd-run", "telnet", "tmux",    "unshare",    "watch",
        "xargs",       "xterm",
};

static const struct {
        const char *const *names;
        size_t count;
        const char *why;
} kinds[] = {
        { shells, ARRAY_LENGTH(shells), "a shell runs anything" },
        { editors, ARRAY_LENGTH(editors), "an editor writes any file and starts a shell" },
        { pagers, ARRAY_LENGTH(pagers), "a pager starts a shell" },
        { interpreters, ARRAY_LENGTH(interpreters), "an interpreter runs anything" },
        { runners, ARRAY_LENGTH(runners), "it runs other programs" },
};

/* Of these the verb does it. */
static const struct {
        const char *program, *verb;
} verbs[] = {
        { "systemctl", "edit" },
        { "crontab", "-e" },
};

/* Is it that name, or one with a version or a flavour behind it? */
static bool is_named(const char *program, const char *name) {
        size_t len = strlen(name);

        if (strncmp(program, name, len) != 0)
                return false;
        program += len;
        return *program == '.' || program[strspn(program, "0123456789.")] == '\0';
}

static const char *program_broad(const char *program) {
        for (size_t k = 0; k < ARRAY_LENGTH(kinds); k++)
                for (size_t i = 0; i < kinds[k].count; i++)
                        if (is_named(program, kinds[k].names[i]))
                                return kinds[k].why;
        return NULL;
}

const char *sudo_program_broad(const char *path) {
        const char *slash = strrchr(path, '/');

        return program_broad(slash ? slash + 1 : path);
}

/* Is the verb among the arguments? */
static bool has_word(const char *arguments, const char *word) {
        size_t len = strlen(word);

        for (const char *at = arguments; at; at = strchr(at, ' ')) {
                at += *at == ' ';
                if (strncmp(at, word, len) == 0 && (at[len] == ' ' || at[len] == '\0'))
                        return true;
        }
        return false;
}

const char *sudo_command_broad(const char *command) {
        size_t len = sudo_command_path(command);
        const char *arguments = command[len] ? command + len + 1 : "", *why;
        char program[CORE_SUDO_COMMAND_MAX + 1];
        size_t start = len;

        if (command[len - 1] == '/')
                return "a directory is every command in it";
        if (memchr(command, '*', len))
                return "a * in a path is every command that fits";
        if (strchr(arguments, '*'))
                return "a * in arguments is anything, spaces too";
        while (command[start - 1] != '/')
                start--;
        memcpy(program, command + start, len - start);
        program[len - start] = '\0';
        why = program_broad(program);
        for (size_t i = 0; i < ARRAY_LENGTH(verbs) && !why; i++)
                if (strcmp(program, verbs[i].program) == 0 && has_word(arguments, verbs[i].verb))
                        why = "it starts an editor";
        return why;
}

/* ---- as sudoers(5) has it -------------------------------------------------------------------- */

static void text_render(const char *s, size_t len, const char *special, Text *text) {
        for (size_t i = 0; i < len; i++)
                /* one backslash is sudoers', the other fnmatch's: both are there twice */
                if (s[i] == '\\')
                        base_text_add(text, "\\\\\\\\");
                else
                        base_text_addf(text, "%s%c", is_one_of(s[i], special) ? "\\" : "", s[i]);
}

void sudo_command_render(const char *command, Text *text) {
        size_t len = sudo_command_path(command);
        const char *arguments = command[len] ? command + len + 1 : NULL;

        text_render(command, len, ",:=", text);
        if (command[len - 1] == '/')
                return; /* sudo takes no arguments there */
        if (!arguments)
                base_text_add(text, " \"\"");
        else if (strcmp(arguments, "*") != 0) { /* any: as sudoers writes none */
                base_text_add(text, " ");
                text_render(arguments, strlen(arguments), ",:=#?[]^", text);
        }
}
