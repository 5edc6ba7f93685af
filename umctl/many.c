/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* --filter: one verb for all users that a filter finds.  They are listed first, and the number is
 * shown and asked about; then they are sent by name, a thousand a change, each of which happens as
 * a whole or not at all. */

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "umctl/umctl.h"

#define PAGE       1000U
#define CHANGE_MAX 1000U /* users of one change: core's CORE_BATCH_MAX */
#define SHOWN      3U    /* names in the question */

typedef struct Many {
        const char *verb, *done;
        ManyAppend append;
        const char *argument;
        json_t *names, *changes;
        size_t changed, unchanged;
} Many;

static void many_done(Many *many) {
        json_decref(many->names);
        json_decref(many->changes);
}

/* ---- whom ------------------------------------------------------------------------------------ */

static int page_get(Ctl *ctl, const char *filter, char *cursor, size_t size, json_t *names) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        json_t *rows = NULL, *row;
        const char *next;
        size_t i;
        int r = ctl_message_new(ctl, WIRE_PATH, WIRE_MANAGER, "ListUsers", &m);

        if (r != 0)
                return r;
        r = sd_bus_message_append(m, "ssu", filter, cursor, PAGE);
        if (r < 0)
                return complain(ctl, EXIT_USAGE, "--filter: must be UTF-8");
        r = ctl_call(ctl, m, &reply);
        if (r != 0)
                return r;
        r = json_from_dicts(reply, &rows);
        if (r >= 0)
                r = sd_bus_message_read(reply, "s", &next);
        json_array_foreach(rows, i, row) json_array_append(names, json_object_get(row, "name"));
        json_decref(rows);
        if (r < 0)
                return ctl_bad_reply(ctl, r);
        (void)snprintf(cursor, size, "%s", next);
        return 0;
}

int many_names(Ctl *ctl, json_t **ret) {
        const char *filter = option_get(ctl, "filter");
        char cursor[128] = "";
        json_t *names = json_array();
        int r = filter[0] ? 0 : complain(ctl, EXIT_USAGE, "--filter: may not be empty");

        do
                r = r != 0 ? r : page_get(ctl, filter, cursor, sizeof(cursor), names);
        while (r == 0 && cursor[0]);
        if (r == 0 && json_array_size(names) == 0)
                r = complain(ctl, EXIT_NOT_FOUND, "--filter: no user is like that");
        if (r == 0)
                *ret = json_incref(names);
        json_decref(names);
        return r;
}

int many_ask(Ctl *ctl, const char *verb, const json_t *names) {
        size_t count = json_array_size(names);
        char buf[200];
        Text text;

        base_text_init(&text, buf, sizeof(buf));
        for (size_t i = 0; i < count && i < SHOWN; i++)
                base_text_addf(&text, "%s%s", i > 0 ? ", " : "",
                               json_string_value(json_array_get(names, i)));
        return ask_confirm(ctl, "%s for %zu user%s (%s%s)?", verb, count, count == 1 ? "" : "s",
                           buf, count > SHOWN ? ", ..." : "");
}

/* ---- doing it -------------------------------------------------------------------------------- */

static int names_append(sd_bus_message *m, const json_t *names, size_t from, size_t to) {
        int r = sd_bus_message_open_container(m, 'a', "s");

        for (size_t i = from; i < to && r >= 0; i++)
                r = sd_bus_message_append(m, "s", json_string_value(json_array_get(names, i)));
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int change_send(Ctl *ctl, Many *many, size_t from, size_t to) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        uint32_t changed, unchanged;
        const char *change;
        int r = ctl_message_new(ctl, WIRE_PATH, WIRE_MANAGER, "Batch", &m);

        if (r != 0)
                return r;
        r = sd_bus_message_append(m, "s", many->verb);
        if (r >= 0)
                r = names_append(m, many->names, from, to);
        if (r >= 0 && !many->append)
                r = sd_bus_message_append(m, "a{sv}", 0);
        if (r < 0)
                return complain(ctl, EXIT_FAILED, "%s", strerror(-r));
        r = many->append ? many->append(ctl, m, many->argument) : 0;
        if (r == 0)
                r = ctl_send(ctl, m, &reply);
        if (r != 0)
                return r;
        r = sd_bus_message_read(reply, "uus", &changed, &unchanged, &change);
        if (r < 0)
                return ctl_bad_reply(ctl, r);
        many->changed += changed;
        many->unchanged += unchanged;
        if (change[0])
                json_array_append_new(many->changes, json_string(change));
        if (ctl->json == JSON_OFF && change[0])
                printf("%u user%s %s (%s)\n", changed, changed == 1 ? "" : "s", many->done, change);
        return 0;
}

static void progress(const Ctl *ctl, const Many *many, size_t at) {
        size_t count = json_array_size(many->names);

        if (count > CHANGE_MAX && ctl->json == JSON_OFF && isatty(STDERR_FILENO) == 1)
                fprintf(stderr, "%zu of %zu\n", at, count);
}

static void many_print(const Ctl *ctl, const Many *many) {
        if (ctl->json != JSON_OFF)
                json_print(ctl, NULL,
                           json_pack("{s:I, s:I, s:b, s:O}", "changed", (json_int_t)many->changed,
                                     "unchanged", (json_int_t)many->unchanged, "dry_run",
                                     (int)ctl->dry_run, "changes", many->changes));
        else if (ctl->dry_run)
                printf("%zu user%s would be %s\n", many->changed, many->changed == 1 ? "" : "s",
                       many->done);
        if (ctl->json == JSON_OFF && many->unchanged > 0)
                printf("%zu user%s: nothing to change\n", many->unchanged,
                       many->unchanged == 1 ? "" : "s");
}

int many_run(Ctl *ctl, int names_given, const char *verb, const char *done, ManyAppend append,
             const char *argument) {
        _cleanup_(many_done) Many many = { verb, done, append, argument, NULL, NULL, 0, 0 };
        size_t count;
        int r = 0;

        if (!option_given(ctl, "filter"))
                return complain(ctl, EXIT_USAGE, "name a user, or --filter");
        if (names_given > 0)
                return complain(ctl, EXIT_USAGE, "a name and --filter exclude each other");
        many.changes = json_array();
        r = many_names(ctl, &many.names);
        if (r == 0)
                r = many_ask(ctl, verb, many.names);
        count = json_array_size(many.names);
        for (size_t at = 0; r == 0 && at < count; at += CHANGE_MAX) {
                size_t to = at + CHANGE_MAX < count ? at + CHANGE_MAX : count;

                r = change_send(ctl, &many, at, to);
                if (r == 0)
                        progress(ctl, &many, to);
        }
        if (r == 0)
                many_print(ctl, &many);
        return r;
}
