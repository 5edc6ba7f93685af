/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* umctl undo: takes a change back, and shows what became of each thing that it touched. */

#include <errno.h>
#include <string.h>

#include "umctl/umctl.h"

static const char *const columns[] = { "object", "field", "now", "becomes", "outcome", "change" };

/* {"reversed": 3, ...} */
static int counts_read(sd_bus_message *m, json_t **ret) {
        const char *name;
        uint32_t count;
        int r = sd_bus_message_enter_container(m, 'a', "{su}");

        *ret = json_object();
        while (r >= 0 && (r = sd_bus_message_read(m, "{su}", &name, &count)) > 0)
                json_object_set_new(*ret, name, json_integer((json_int_t)count));
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

static json_int_t count_of(const json_t *counts, const char *name) {
        return json_integer_value(json_object_get(counts, name));
}

/* Why something stays is told once, below the table, which has no room for it. */
static void reasons_print(const json_t *rows) {
        json_t *row, *told = json_object();
        size_t i;

        json_array_foreach(rows, i, row) {
                const char *why = json_string_value(json_object_get(row, "why"));
                char field[256];

                if (!why || !why[0] || json_object_get(told, why))
                        continue;
                cell_text("", json_object_get(row, "field"), field, sizeof(field));
                printf("%s: %s\n", field, why);
                json_object_set_new(told, why, json_true());
        }
        json_decref(told);
}

static int undo_print(Ctl *ctl, const char *name, json_t *rows, json_t *counts,
                      const char *change) {
        json_int_t reversed = count_of(counts, "reversed"), kept = count_of(counts, "kept"),
                   all = 0;
        json_t *count;
        const char *key;
        int r;

        json_object_foreach(counts, key, count) all += json_integer_value(count);
        if (ctl->json != JSON_OFF) {
                json_print(ctl, NULL,
                           json_pack("{s:s, s:s, s:b, s:O, s:O}", "undoes", name, "change", change,
                                     "dry_run", (int)ctl->dry_run, "counts", counts, "rows", rows));
                return reversed > 0 ? EXIT_DONE : EXIT_REFUSED;
        }
        r = table_print(ctl, "rows", rows, columns, ARRAY_LENGTH(columns), true);
        if (r != 0)
                return r;
        if ((size_t)all > json_array_size(rows))
                printf("and %lld more\n", (long long)all - (long long)json_array_size(rows));
        reasons_print(rows);
        if (reversed == 0)
                return complain(ctl, EXIT_REFUSED, "%s: nothing of it %s undone%s", name,
                                ctl->dry_run ? "would be" : "was",
                                kept > 0 ? ": later changes are kept without --force" : "");
        printf("%s: %s: %lld reversed, %lld kept, %lld not undone%s%s%s\n", name,
               ctl->dry_run ? "would be undone" : "undone", (long long)reversed, (long long)kept,
               (long long)count_of(counts, "not-undone"), change[0] ? " (" : "", change,
               change[0] ? ")" : "");
        return EXIT_DONE;
}

int undo_run(Ctl *ctl, int argc, char *argv[]) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        json_t *rows = NULL, *counts = NULL;
        const char *change;
        int r = ctl_message_new(ctl, WIRE_PATH, WIRE_MANAGER, "Undo", &m);

        if (r != 0)
                return r;
        r = sd_bus_message_append(m, "sb", argv[0], (int)option_given(ctl, "force"));
        if (r < 0)
                return complain(ctl, EXIT_USAGE, "change: must be UTF-8");
        r = ctl_send(ctl, m, &reply);
        if (r != 0)
                return r;
        r = json_from_dicts(reply, &rows);
        if (r >= 0)
                r = counts_read(reply, &counts);
        if (r >= 0)
                r = sd_bus_message_read(reply, "s", &change);
        r = r < 0 ? ctl_bad_reply(ctl, r) : undo_print(ctl, argv[0], rows, counts, change);
        json_decref(rows);
        json_decref(counts);
        return r;
}
