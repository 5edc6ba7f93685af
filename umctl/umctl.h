/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* umctl: the command.  Every verb is one row of a table (commands.c) that gives its usage, options,
 * help and completion; a verb reads its options, makes D-Bus calls on the private socket and
 * prints.  Secrets come from a prompt or standard input, never from an argument. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>
#include <systemd/sd-bus.h>

#include "base/base.h"
#include "wire/wire.h"

/* Exit codes (FEATURES, common ground). */
enum {
        EXIT_DONE = 0,
        EXIT_FAILED = 1,
        EXIT_USAGE = 2,
        EXIT_REFUSED = 3,
        EXIT_NOT_FOUND = 4,
        EXIT_NOT_REACHABLE = 5,
};

typedef enum JsonMode {
        JSON_OFF,
        JSON_DOCUMENT, /* one document with "schema": 1 */
        JSON_LINES,    /* one object a line */
} JsonMode;

/* What completion offers for an argument. */
typedef enum Complete {
        COMPLETE_NOTHING,
        COMPLETE_USER,
        COMPLETE_GROUP,
        COMPLETE_SHELL,
        COMPLETE_FILE,
        COMPLETE_COMMAND,
        COMPLETE_POLICY,       /* the name of a policy value */
        COMPLETE_POLICY_WORDS, /* and behind it the words it may be */
        COMPLETE_ROLE,
        COMPLETE_TENANT,
        COMPLETE_APP,
        COMPLETE_ATTRIBUTE,
        COMPLETE_SUDO,
        COMPLETE_PERMISSION,
        COMPLETE_ROLE_USER,       /* a role, then a user */
        COMPLETE_USER_PERMISSION, /* a user, then a permission */
        COMPLETE_FACTOR,          /* an action of 2fa and what it takes */
} Complete;

#define OPTIONS_MAX 32U  /* of one verb */
#define VALUES_MAX  256U /* repetitions of one option */

typedef struct Option {
        const char *name;     /* without the dashes */
        const char *argument; /* NULL: none */
        const char *help;
        Complete complete;
} Option;

typedef struct Ctl Ctl;

typedef struct Command {
        const char *noun, *verb; /* verb NULL for a noun without */
        const char *arguments;   /* "NAME", "NAME [USER...]" */
        int min_args, max_args;  /* -1: any number */
        int (*run)(Ctl *ctl, int argc, char *argv[]);
        const char *help;            /* one line */
        Option options[OPTIONS_MAX]; /* ended by a NULL name */
        Complete complete;           /* of the arguments */
        const char *example;
        const char *about; /* lines that tell what the one line does not, or NULL */
        bool minus;        /* the last argument may begin with one '-', which is no option then */
        const char *needs; /* the permission without which umd refuses it; NULL: none, or the
                              caller's own matters need none */
} Command;

/* The first (NULL) and so on; NULL behind the last. */
const Command *command_next(const Command *command);
extern const Command rights_commands[], host_commands[];
extern const Option global_options[];

struct Ctl {
        const Command *command;
        const char *values[OPTIONS_MAX]
                          [VALUES_MAX]; /* in the order of command->options; "" where no argument */
        size_t value_count[OPTIONS_MAX];
        JsonMode json;
        bool legend, dry_run, yes, csv;
        const char *reason, *socket;
        char map_dir[256];
        sd_bus *bus;
        bool rights_asked;
        json_t *rights; /* what the caller may, the permissions' names; NULL: not known */
};

/* ---- options.c ------------------------------------------------------------------------------- */

/* Parses argv into ctl; EXIT_* or -1 to go on.  *ret_argc and *ret_argv are what is left. */
int options_parse(Ctl *ctl, int argc, char *argv[], int *ret_argc, char ***ret_argv);
const Command *command_find(const char *noun, const char *verb);
/* The value of a verb's option, or NULL; the last one where it is repeated.  "" for one without
 * argument. */
const char *option_get(const Ctl *ctl, const char *name);
bool option_given(const Ctl *ctl, const char *name); /* one the verb does not have is not given */
const char *const *option_values(const Ctl *ctl, const char *name, size_t *ret_count);

/* ---- help.c, complete.c ---------------------------------------------------------------------- */

int help_run(Ctl *ctl, int argc, char *argv[]);
void help_command(FILE *f, const Command *command);
bool help_noun(Ctl *ctl, FILE *f, const char *noun); /* its verbs; false where there is none */
void help_overview(Ctl *ctl, FILE *f);
int complete_run(Ctl *ctl, int argc, char *argv[]);

/* ---- rights.c: what the caller may (FEATURES D21) -------------------------------------------- */

/* As far as umd says within a moment; where it says nothing, everything.  It is a courtesy: what
 * may not be done is refused by umd. */
bool rights_permit(Ctl *ctl, const Command *command);

/* ---- messages -------------------------------------------------------------------------------- */

/* "umctl: user add: " and the text, one line on stderr, and with --json {"error": ...} on standard
 * output; returns code, which is what umctl must end with. */
int complain(const Ctl *ctl, int code, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
/* The same for an error that has a name, "org.um1.Error.NameTaken". */
int complain_as(const Ctl *ctl, int code, const char *error, const char *text);

/* ---- call.c: the bus ------------------------------------------------------------------------- */

/* Connects once; EXIT_NOT_REACHABLE with a message if not. */
int ctl_connect(Ctl *ctl);
int ctl_message_new(Ctl *ctl, const char *path, const char *interface, const char *member,
                    sd_bus_message **ret);
/* Sends and waits (60 s: a list may be long, a hash takes its time); an EXIT_* code with the
 * message complained about, or 0. */
int ctl_call(Ctl *ctl, sd_bus_message *m, sd_bus_message **ret);
/* Appends the options a{sv}: reason, dry-run. */
int ctl_append_options(const Ctl *ctl, sd_bus_message *m);
int ctl_bad_reply(const Ctl *ctl, int r);
/* Ends every change: appends the options, calls. */
int ctl_send(Ctl *ctl, sd_bus_message *m, sd_bus_message **ret);
/* The same for a method of a user or a group that answers a change id; prints it. */
int ctl_change(Ctl *ctl, sd_bus_message *m, const char *kind, const char *done);
/* The name of the user or group whose object this is, freed by the caller. */
int object_name(const char *path, char **ret);
/* Prints "ch-17" the way all changes are printed: text or JSON with `object` set. */
int ctl_print_change(const Ctl *ctl, const char *kind, const char *name, const char *done,
                     const char *change, json_t *more);

/* Reads an a{sv} or an array of them into JSON; property names become snake_case. */
int json_from_dict(sd_bus_message *m, json_t **ret);
int json_from_dicts(sd_bus_message *m, json_t **ret);

/* ---- table.c: output ------------------------------------------------------------------------- */

#define COLUMNS_MAX 64U
/* Prints rows (an array of objects) by columns, at most COLUMNS_MAX: JSON, CSV or a table fitted to
 * the terminal. */
int table_print(const Ctl *ctl, const char *name, json_t *rows, const char *const *columns,
                size_t column_count, bool last_page);
/* A value as text for a cell: times in local time, escaped; "" for a list. */
void cell_text(const char *key, const json_t *value, char *buf, size_t size);
/* The same, whole, lists by comma, the caller's; ends the process where there is no memory. */
char *cell_new(const char *key, const json_t *value);
void json_print(const Ctl *ctl, const char *name, json_t *value); /* takes the reference */
/* Prints one record as "label: value" lines. */
void record_print(json_t *record, const char *const *keys, size_t key_count);

/* ---- ask.c: secrets and questions ------------------------------------------------------------ */

/* Reads a secret: from the terminal without echo (asked twice with `again`), else one line of
 * standard input. */
int ask_secret(const Ctl *ctl, const char *prompt, bool again, Secret **ret);
/* A one-time code: the same, but with echo, and an empty one may be. */
int ask_code(const Ctl *ctl, const char *prompt, Secret **ret);
int ask_line(const char *prompt, char *buf, size_t size);
/* 0 to go on; with --yes at once; EXIT_USAGE without a terminal. */
int ask_confirm(const Ctl *ctl, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- dialogue.c: org.um1.Login --------------------------------------------------------------- */

/* Goes through a dialogue until umd is done with it: 0 and the last step, or EXIT_*; with --dry-run
 * 0 at its first question.  ret_login has WIRE_LOGIN_ID_BYTES + 1. */
int dialogue_run(Ctl *ctl, const WireContext *context, char *ret_login, WireStep *ret);

/* ---- when.c ---------------------------------------------------------------------------------- */

/* "never", "2026-08-01" (start of day, the host's zone), RFC 3339, or with a leading + or as a bare
 * span: from now. */
int when_parse(const char *s, uint64_t now_usec, uint64_t *ret_usec);
/* A point in the past: a date, RFC 3339, "today", or a span ago. */
int when_parse_since(const char *s, uint64_t now_usec, uint64_t *ret_usec);
void when_format(uint64_t usec, char *buf, size_t size);
/* Does the kernel say that something keeps the host's clock right? */
bool clock_synchronised(void);

/* ---- many.c: --filter ------------------------------------------------------------------------ */

/* Appends the a{sv} of the verb's arguments. */
typedef int (*ManyAppend)(Ctl *ctl, sd_bus_message *m, const char *argument);

/* The verb, by the log's name, for all users that --filter finds, or a usage error where it is not
 * given or names are too.  append NULL: it has no arguments. */
int many_run(Ctl *ctl, int names_given, const char *verb, const char *done, ManyAppend append,
             const char *argument);
/* Their names, as a list of texts, and the question whether to go on. */
int many_names(Ctl *ctl, json_t **ret);
int many_ask(Ctl *ctl, const char *verb, const json_t *names);

/* ---- verbs ----------------------------------------------------------------------------------- */

int user_add(Ctl *ctl, int argc, char *argv[]);
int user_show(Ctl *ctl, int argc, char *argv[]);
int user_list(Ctl *ctl, int argc, char *argv[]);
int user_set(Ctl *ctl, int argc, char *argv[]);
int user_passwd(Ctl *ctl, int argc, char *argv[]);
int user_lock(Ctl *ctl, int argc, char *argv[]);
int user_unlock(Ctl *ctl, int argc, char *argv[]);
int user_suspend(Ctl *ctl, int argc, char *argv[]);
int user_resume(Ctl *ctl, int argc, char *argv[]);
int user_disable(Ctl *ctl, int argc, char *argv[]);
int user_enable(Ctl *ctl, int argc, char *argv[]);
int user_delete(Ctl *ctl, int argc, char *argv[]);
int user_restore(Ctl *ctl, int argc, char *argv[]);
int group_add(Ctl *ctl, int argc, char *argv[]);
int group_show(Ctl *ctl, int argc, char *argv[]);
int group_list(Ctl *ctl, int argc, char *argv[]);
int group_set(Ctl *ctl, int argc, char *argv[]);
int group_add_member(Ctl *ctl, int argc, char *argv[]);
int group_remove_member(Ctl *ctl, int argc, char *argv[]);
int group_delete(Ctl *ctl, int argc, char *argv[]);
int self_show(Ctl *ctl, int argc, char *argv[]);
int self_profile(Ctl *ctl, int argc, char *argv[]);
int self_passwd(Ctl *ctl, int argc, char *argv[]);
int policy_set(Ctl *ctl, int argc, char *argv[]);
int policy_unset(Ctl *ctl, int argc, char *argv[]);
int policy_show(Ctl *ctl, int argc, char *argv[]);
int policy_list(Ctl *ctl, int argc, char *argv[]);
int role_add(Ctl *ctl, int argc, char *argv[]);
int role_set(Ctl *ctl, int argc, char *argv[]);
int role_show(Ctl *ctl, int argc, char *argv[]);
int role_list(Ctl *ctl, int argc, char *argv[]);
int role_delete(Ctl *ctl, int argc, char *argv[]);
int role_grant(Ctl *ctl, int argc, char *argv[]);
int role_revoke(Ctl *ctl, int argc, char *argv[]);
int role_grants(Ctl *ctl, int argc, char *argv[]);
int role_effective(Ctl *ctl, int argc, char *argv[]);
int role_permissions(Ctl *ctl, int argc, char *argv[]);
int attribute_add(Ctl *ctl, int argc, char *argv[]);
int attribute_set(Ctl *ctl, int argc, char *argv[]);
int attribute_show(Ctl *ctl, int argc, char *argv[]);
int attribute_list(Ctl *ctl, int argc, char *argv[]);
int attribute_delete(Ctl *ctl, int argc, char *argv[]);
/* --attr and --attr-until, as the field of a user; and those he has, for who reads JSON. */
int user_append_attributes(Ctl *ctl, sd_bus_message *m);
void user_shape_attributes(json_t *user);
int tenant_add(Ctl *ctl, int argc, char *argv[]);
int tenant_set(Ctl *ctl, int argc, char *argv[]);
int tenant_show(Ctl *ctl, int argc, char *argv[]);
int tenant_list(Ctl *ctl, int argc, char *argv[]);
int tenant_delete(Ctl *ctl, int argc, char *argv[]);
int sudo_add(Ctl *ctl, int argc, char *argv[]);
int sudo_set(Ctl *ctl, int argc, char *argv[]);
int sudo_show(Ctl *ctl, int argc, char *argv[]);
int sudo_list(Ctl *ctl, int argc, char *argv[]);
int sudo_delete(Ctl *ctl, int argc, char *argv[]);
int device_add_key(Ctl *ctl, int argc, char *argv[]);
int device_list(Ctl *ctl, int argc, char *argv[]);
int device_remove(Ctl *ctl, int argc, char *argv[]);
int access_why(Ctl *ctl, int argc, char *argv[]);
int app_register(Ctl *ctl, int argc, char *argv[]);
int app_unregister(Ctl *ctl, int argc, char *argv[]);
int app_show(Ctl *ctl, int argc, char *argv[]);
int app_list(Ctl *ctl, int argc, char *argv[]);
int undo_run(Ctl *ctl, int argc, char *argv[]);
int report_usage(Ctl *ctl, int argc, char *argv[]);
int self_factor(Ctl *ctl, int argc, char *argv[]);
int user_factor(Ctl *ctl, int argc, char *argv[]);
int report_mfa_coverage(Ctl *ctl, int argc, char *argv[]);
int report_role_conflicts(Ctl *ctl, int argc, char *argv[]);
int report_failed_logins(Ctl *ctl, int argc, char *argv[]);
/* Has any row of the report that text for that key? */
int list_any(Ctl *ctl, const char *report, const char *filter, const char *key, const char *value,
             bool *ret);
int status_run(Ctl *ctl, int argc, char *argv[]);
int status_ask(Ctl *ctl, json_t **ret); /* umd's Status */
/* The same, after up to two seconds: a service of um's that has just been started, or is just being
 * met, is not away.  ask is status_ask() or does the same; what it returns other than 0 is
 * returned. */
int status_settled(Ctl *ctl, int (*ask)(Ctl *ctl, json_t **ret), json_t **ret);
int audit_log(Ctl *ctl, int argc, char *argv[]);
int audit_verify(Ctl *ctl, int argc, char *argv[]);
int doctor_run(Ctl *ctl, int argc, char *argv[]);

/* user.c's, shared with user_add.c, user_password.c and self.c. */

/* A call to the object of a user: of that name, e-mail address or uid. */
int user_message_new(Ctl *ctl, const char *name, const char *member, sd_bus_message **ret);
/* Properties of an object as JSON. */
int object_get_all(Ctl *ctl, const char *path, const char *interface, json_t **ret);
int user_print(Ctl *ctl, json_t *user);
/* factor.c: the user's second factors as a list of objects. */
int factors_get(Ctl *ctl, const char *name, json_t **ret);
/* Appends the a{sv} of a user's fields from the options (user_add.c). */
int user_append_fields(Ctl *ctl, sd_bus_message *m);
/* Says where the shell that was just given to a user is not on this host, which keeps him out. */
void shell_warn(const Ctl *ctl);
void user_trim(json_t *user);
/* The caller's own name by his real uid, from NSS; NULL with a complaint. */
const char *self_name(const Ctl *ctl);
