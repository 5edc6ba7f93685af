/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* umctl policy: values of companies, departments, roles and users, and what is in effect of them.
 * Which values there are, and what each may be, umd knows alone. */

#include <errno.h>
#include <string.h>

#include "umctl/umctl.h"

#define PAGE 1000U

/* Whose values a command is about; level NULL: the company's of this host. */
typedef struct Place {
        const char *level, *subject;
        const char *suffix; /* of the methods */
} Place;

static int place_read(Ctl *ctl, Place *ret) {
        static const char *const levels[][2] = {
                { "tenant", "ForTenant" },
                { "department", "ForDepartment" },
                { "role", "ForRole" },
                { "user", "ForUser" },
        };

        *ret = (Place){ .suffix = "" };
        for (size_t i = 0; i < ARRAY_LENGTH(levels); i++) {
                const char *subject = option_get(ctl, levels[i][0]);

                if (!subject)
                        continue;
                if (ret->level)
                        return complain(ctl, EXIT_USAGE, "--%s and --%s exclude each other",
                                        ret->level, levels[i][0]);
                *ret = (Place){ levels[i][0], subject, levels[i][1] };
        }
        return 0;
}

/* A call of that method for the place, which is its first argument. */
static int message_new(Ctl *ctl, const char *verb, Place *ret_place, sd_bus_message **ret) {
        char member[64];
        int r = place_read(ctl, ret_place);

        if (r != 0)
                return r;
        (void)snprintf(member, sizeof(member), "%s%s", verb, ret_place->suffix);
        r = ctl_message_new(ctl, WIRE_PATH, WIRE_POLICY, member, ret);
        if (r != 0 || !ret_place->level)
                return r;
        r = sd_bus_message_append(*ret, "s", ret_place->subject);
        return r < 0 ? complain(ctl, EXIT_USAGE, "--%s: must be UTF-8", ret_place->level) : 0;
}

/* "policy lockout.attempts: set to 3 for alice (ch-17)", "... for the role admin" */
static int change_print(Ctl *ctl, const Place *place, const char *name, const char *value,
                        const char *change) {
        bool by_level = place->level && strcmp(place->level, "user") != 0;
        json_t *more = json_object();
        char done[640];

        (void)snprintf(done, sizeof(done), "%s%s for %s%s%s%.255s", value ? "set to " : "unset",
                       value ? value : "", by_level ? "the " : "", by_level ? place->level : "",
                       by_level ? " " : "", place->level ? place->subject : "the company");
        if (value)
                json_object_set_new(more, "value", json_string(value));
        if (place->level)
                json_object_set_new(more, place->level, json_string(place->subject));
        return ctl_print_change(ctl, "policy", name, done, change, more);
}

/* What is in effect; user "": for the company, name "": all values. */
static int effective_get(Ctl *ctl, const char *user, const char *name, json_t **ret) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        int r = ctl_message_new(ctl, WIRE_PATH, WIRE_POLICY, "GetEffective", &m);

        if (r != 0)
                return r;
        r = sd_bus_message_append(m, "ss", user, name);
        if (r < 0)
                return complain(ctl, EXIT_USAGE, "NAME and --user must be UTF-8");
        r = ctl_call(ctl, m, &reply);
        if (r != 0)
                return r;
        r = json_from_dicts(reply, ret);
        return r < 0 ? ctl_bad_reply(ctl, r) : 0;
}

/* Permitted, and cannot be sent: told, since the prompt will not offer it. */
static void mail_warn(Ctl *ctl) {
        json_t *status = NULL;

        if (status_ask(ctl, &status) != 0)
                return;
        if (json_is_false(json_object_get(status, "mail_ok")))
                fprintf(stderr, "umctl: warning: %s (um.conf(5), sendmail)\n",
                        json_string_value(json_object_get(status, "mail")));
        json_decref(status);
}

/* A nearer level only takes away what the company has: told, since nothing comes of it else. */
static void reset_warn(Ctl *ctl, const char *level) {
        const char *whose = strcmp(level, "user") == 0 ? "him" : "those it is for";
        json_t *company = NULL;

        if (effective_get(ctl, "", "password.reset-by-email", &company) != 0)
                return;
        if (strcmp(json_string_value(json_object_get(json_array_get(company, 0), "value")) ?: "",
                   "on") != 0)
                fprintf(stderr,
                        "umctl: warning: password.reset-by-email is off for the company, and one "
                        "%s's value only takes it away from %s: nothing comes of this one until "
                        "the company's is on\n",
                        level, whose);
        json_decref(company);
}

/* Nobody it holds for can satisfy it: told, since whoever sets it may be about to lock them out. */
static void hardware_warn(Ctl *ctl) {
        const char *user = option_get(ctl, "user");
        char filter[64] = "";
        bool any = false;

        if (user)
                (void)snprintf(filter, sizeof(filter), "name=%s", user);
        if (list_any(ctl, "mfa-coverage", filter, "strongest", "hardware", &any) == 0 && !any)
                fprintf(stderr,
                        "umctl: warning: %s has %s security key that verifies its user (umctl self "
                        "2fa enrol fido2): it is needed once factor.enrol-within is over, and lets "
                        "in at the machine alone; by ssh an sk- key does, where sshd verifies its "
                        "user (umctl doctor)\n",
                        user ? user : "nobody", user ? "no" : "a");
}

/* What came of it that was hardly meant. */
static void set_warn(Ctl *ctl, const Place *place, const char *name, const char *kept) {
        bool resets = strcmp(name, "password.reset-by-email") == 0 && strcmp(kept, "on") == 0;

        if (resets || (strcmp(name, "factor.methods") == 0 && strstr(kept, "email-code")))
                mail_warn(ctl);
        if (resets && place->level && strcmp(place->level, "tenant") != 0)
                reset_warn(ctl, place->level);
        if (strcmp(name, "factor.required") == 0 && strcmp(kept, "hardware") == 0)
                hardware_warn(ctl);
}

int policy_unset(Ctl *ctl, int argc, char *argv[]) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        const char *change;
        Place place;
        int r = message_new(ctl, "Unset", &place, &m);

        if (r != 0)
                return r;
        r = sd_bus_message_append(m, "s", argv[0]);
        if (r < 0)
                return complain(ctl, EXIT_USAGE, "NAME: must be UTF-8");
        r = ctl_send(ctl, m, &reply);
        if (r != 0)
                return r;
        r = sd_bus_message_read(reply, "s", &change);
        return r < 0 ? ctl_bad_reply(ctl, r) : change_print(ctl, &place, argv[0], NULL, change);
}

int policy_set(Ctl *ctl, int argc, char *argv[]) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        bool unset = option_given(ctl, "unset");
        const char *kept, *change;
        Place place;
        int r;

        if (unset == (argc > 1))
                return complain(ctl, EXIT_USAGE, "either a VALUE or --unset is needed");
        if (unset)
                return policy_unset(ctl, argc, argv);
        r = message_new(ctl, "Set", &place, &m);
        if (r != 0)
                return r;
        r = sd_bus_message_append(m, "ss", argv[0], argv[1]);
        if (r < 0)
                return complain(ctl, EXIT_USAGE, "NAME and VALUE must be UTF-8");
        r = ctl_send(ctl, m, &reply);
        if (r != 0)
                return r;
        r = sd_bus_message_read(reply, "ss", &kept, &change);
        if (r < 0)
                return ctl_bad_reply(ctl, r);
        r = change_print(ctl, &place, argv[0], kept, change);
        if (r == 0)
                set_warn(ctl, &place, argv[0], kept);
        return r;
}

/* ---- what is in effect ----------------------------------------------------------------------- */

/* umd's (level, whose, value) as an object. */
static json_t *overrode_object(const json_t *tuple) {
        const char *from = json_string_value(json_array_get(tuple, 1));
        json_t *object = json_object();

        json_object_set(object, "level", json_array_get(tuple, 0));
        if (from && from[0])
                json_object_set(object, "from", json_array_get(tuple, 1));
        json_object_set(object, "value", json_array_get(tuple, 2));
        return object;
}

static void row_for_programs(json_t *row) {
        json_t *tuple, *objects = json_array();
        size_t i;

        json_array_foreach(json_object_get(row, "overrode"), i, tuple)
                json_array_append_new(objects, overrode_object(tuple));
        json_object_set_new(row, "overrode", objects);
        json_object_del(row, "words");
        json_object_del(row, "list");
}

/* "company local: 16, built-in: 12"; and the mark of what is looser stands with the value. */
static void row_for_people(json_t *row) {
        char buf[512];
        json_t *tuple;
        size_t i;
        Text text;

        base_text_init(&text, buf, sizeof(buf));
        json_array_foreach(json_object_get(row, "overrode"), i, tuple) {
                const char *from = json_string_value(json_array_get(tuple, 1)) ?: "";

                base_text_addf(&text, "%s%s%s%s: %s", i > 0 ? ", " : "",
                               json_string_value(json_array_get(tuple, 0)) ?: "",
                               from[0] ? " " : "", from,
                               json_string_value(json_array_get(tuple, 2)) ?: "");
        }
        json_object_set_new(row, "overrode", json_string(buf));
        json_object_set_new(row, "note",
                            json_string(json_is_true(json_object_get(row, "looser")) ? "looser"
                                                                                     : ""));
}

int policy_show(Ctl *ctl, int argc, char *argv[]) {
        static const char *const columns[] = {
                "name", "value", "level", "from", "note", "overrode"
        };
        static const char *const keys[] = { "name", "value",    "level",   "from",
                                            "note", "overrode", "expected" };
        const char *user = option_get(ctl, "user"), *name = option_get(ctl, "value");
        json_t *rows, *row;
        size_t i;
        int r;

        if (argc > 0 && name)
                return complain(ctl, EXIT_USAGE, "NAME and --value exclude each other");
        if (argc > 0)
                name = argv[0];
        r = effective_get(ctl, user ? user : "", name ? name : "", &rows);
        if (r != 0)
                return r;
        json_array_foreach(rows, i, row) {
                if (ctl->json != JSON_OFF)
                        row_for_programs(row);
                else
                        row_for_people(row);
        }
        if (name && ctl->json == JSON_OFF)
                record_print(json_array_get(rows, 0), keys, ARRAY_LENGTH(keys));
        else
                r = table_print(ctl, "values", rows, columns, ARRAY_LENGTH(columns), true);
        json_decref(rows);
        return r;
}

/* ---- what is set ----------------------------------------------------------------------------- */

static int page_get(Ctl *ctl, char *cursor, size_t cursor_size, json_t **ret) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        const char *next;
        int r = ctl_message_new(ctl, WIRE_PATH, WIRE_POLICY, "List", &m);

        if (r != 0)
                return r;
        r = sd_bus_message_append(m, "su", cursor, PAGE);
        if (r < 0)
                return complain(ctl, EXIT_FAILED, "%s", strerror(-r));
        r = ctl_call(ctl, m, &reply);
        if (r != 0)
                return r;
        r = json_from_dicts(reply, ret);
        if (r >= 0)
                r = sd_bus_message_read(reply, "s", &next);
        if (r < 0)
                return ctl_bad_reply(ctl, r);
        (void)snprintf(cursor, cursor_size, "%s", next);
        return 0;
}

int policy_list(Ctl *ctl, int argc, char *argv[]) {
        static const char *const columns[] = { "level", "from", "name", "value", "by", "set" };
        json_t *all = json_array();
        char cursor[512] = "";
        int r;

        do {
                json_t *page = NULL;

                r = page_get(ctl, cursor, sizeof(cursor), &page);
                if (r == 0)
                        json_array_extend(all, page);
                json_decref(page);
        } while (r == 0 && cursor[0]);
        ctl->csv = option_given(ctl, "csv");
        if (r == 0 && ctl->csv && ctl->json != JSON_OFF)
                r = complain(ctl, EXIT_USAGE, "--csv and --json exclude each other");
        if (r == 0)
                r = table_print(ctl, "values", all, columns, ARRAY_LENGTH(columns), true);
        json_decref(all);
        return r;
}
