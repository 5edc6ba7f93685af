/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* umctl user list, group list and reports: pages of rows by cursor, chosen columns, sorting.  A
 * list that is not sorted is printed page by page, so that a million rows take no memory here. */

#include <errno.h>
#include <string.h>

#include "umctl/umctl.h"

#define PAGE 1000U

/* What a list shows: the properties of its objects, or the rows of a report; docs/api/org.um1.md.
 */
typedef struct List {
        const char *member, *name;
        const char *const *known, *const *shown;
        size_t shown_count;
        void (*trim)(json_t *row);
        const char *report; /* its name, for Report; NULL: a list of objects */
} List;

static const char *const user_known[] = {
        "name",
        "uid",
        "gid",
        "full_name",
        "email",
        "phone",
        "title",
        "department",
        "language",
        "time_zone",
        "notify",
        "home",
        "shell",
        "tenant",
        "kind",
        "read_only",
        "type",
        "affiliation",
        "groups",
        "roles",
        "attributes",
        "status",
        "status_since",
        "status_by",
        "status_reason",
        "valid_from",
        "valid_until",
        "locked",
        "locked_since",
        "locked_by",
        "locked_reason",
        "locked_out",
        "locked_out_until",
        "failures",
        "last_failure",
        "last_failure_source",
        "last_failure_service",
        "locked_out_from",
        "has_password",
        "password_changed",
        "must_change",
        "password_expires",
        "password_grace_left",
        "created",
        "suspended_until",
        "created_by",
        "has_setup_code",
        "version",
        NULL,
};

static const char *const group_known[] = {
        "name",    "gid",     "description", "tenant",
        "members", "groups",  "owners",      "effective_members",
        "created", "version", NULL,
};

/* A column by its name, with - or _ between words; NULL with a complaint. */
static const char *column_find(const Ctl *ctl, const List *list, const char *option,
                               const char *word) {
        char known[1024];
        Text text;

        for (size_t i = 0; list->known[i]; i++) {
                const char *a = list->known[i], *b = word;

                while (*a && (*a == *b || (*a == '_' && *b == '-'))) {
                        a++;
                        b++;
                }
                if (!*a && !*b)
                        return list->known[i];
        }
        base_text_init(&text, known, sizeof(known));
        for (size_t i = 0; list->known[i]; i++)
                base_text_addf(&text, "%s%s", i > 0 ? ", " : "", list->known[i]);
        complain(ctl, EXIT_USAGE, "--%s: \"%s\": no such column; there are: %s", option, word,
                 known);
        return NULL;
}

/* Those of --columns, or the list's own. */
static int columns_choose(const Ctl *ctl, const List *list, const char **ret, size_t *ret_count) {
        _cleanup_free_ char *text = NULL;
        size_t n = 0;
        char *rest;

        if (!option_given(ctl, "columns")) {
                memcpy(ret, list->shown, list->shown_count * sizeof(*ret));
                *ret_count = list->shown_count;
                return 0;
        }
        rest = text = strdup(option_get(ctl, "columns"));
        if (!text)
                return complain(ctl, EXIT_FAILED, "out of memory");
        for (char *word; (word = strsep(&rest, ","));) {
                if (n == COLUMNS_MAX)
                        return complain(ctl, EXIT_USAGE, "--columns: at most %u", COLUMNS_MAX);
                ret[n] = column_find(ctl, list, "columns", word);
                if (!ret[n++])
                        return EXIT_USAGE;
        }
        *ret_count = n;
        return 0;
}

static int row_compare(const void *a, const void *b, void *key) {
        const json_t *x = json_object_get(*(json_t *const *)a, key),
                     *y = json_object_get(*(json_t *const *)b, key);
        char left[256], right[256];

        if (json_is_integer(x) && json_is_integer(y))
                return (json_integer_value(x) > json_integer_value(y)) -
                       (json_integer_value(x) < json_integer_value(y));
        cell_text("", x, left, sizeof(left));
        cell_text("", y, right, sizeof(right));
        return strcmp(left, right);
}

static json_t *rows_sort(json_t *rows, const char *key) {
        size_t n = json_array_size(rows);
        json_t **all = n ? calloc(n, sizeof(*all)) : NULL, *sorted = json_array();

        for (size_t i = 0; all && i < n; i++)
                all[i] = json_array_get(rows, i);
        if (all)
                qsort_r(all, n, sizeof(*all), row_compare, (void *)(uintptr_t)key);
        for (size_t i = 0; all && i < n; i++)
                json_array_append(sorted, all[i]);
        free(all);
        json_decref(rows);
        return sorted;
}

static int page_fetch(Ctl *ctl, const List *list, const char *filter, char *cursor,
                      size_t cursor_size, uint32_t limit, json_t **ret) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        const char *next;
        int r = ctl_message_new(ctl, WIRE_PATH, WIRE_MANAGER, list->member, &m);

        if (r != 0)
                return r;
        r = list->report ? sd_bus_message_append(m, "s", list->report) : 0;
        if (r >= 0)
                r = sd_bus_message_append(m, "ssu", filter, cursor, limit);
        if (r < 0)
                return complain(ctl, EXIT_USAGE, "--filter: must be UTF-8");
        r = ctl_call(ctl, m, &reply);
        if (r != 0)
                return r;
        r = json_from_dicts(reply, ret);
        if (r >= 0)
                r = sd_bus_message_read(reply, "s", &next);
        if (r < 0)
                return ctl_bad_reply(ctl, r);
        snprintf(cursor, cursor_size, "%s", next);
        return 0;
}

/* Fetches until there is no more or `left` is used up; prints each page, or adds it to all. */
static int pages_fetch(Ctl *ctl, const List *list, uint64_t left, const char *const *columns,
                       size_t column_count, json_t *all, bool *ret_whole) {
        const char *filter = option_given(ctl, "filter") ? option_get(ctl, "filter") : "";
        char cursor[128] = "";

        do {
                json_t *page = NULL, *row;
                size_t i;
                int r = page_fetch(ctl, list, filter, cursor, sizeof(cursor),
                                   left < PAGE ? (uint32_t)left : PAGE, &page);

                if (r != 0)
                        return r;
                left -= json_array_size(page);
                json_array_foreach(page, i, row) {
                        if (list->trim)
                                list->trim(row);
                }
                if (all)
                        json_array_extend(all, page);
                else {
                        table_print(ctl, list->name, page, columns, column_count, true);
                        ctl->legend = false;
                }
                json_decref(page);
        } while (left > 0 && cursor[0]);
        *ret_whole = !cursor[0];
        return 0;
}

static bool rows_cut(json_t *rows, uint64_t limit) {
        bool cut = json_array_size(rows) > limit;

        while (json_array_size(rows) > limit)
                json_array_remove(rows, json_array_size(rows) - 1);
        return cut;
}

/* Without --sort, lines and CSV are printed as they come, so that a million rows take no memory
 * here; with it, the first of all rows in that order are what --limit means. */
static int list_run(Ctl *ctl, const List *list) {
        const char *columns[COLUMNS_MAX], *sort = NULL;
        uint64_t limit = UINT64_MAX;
        size_t column_count = 0;
        bool whole = true;
        json_t *all;
        int r;

        r = columns_choose(ctl, list, columns, &column_count);
        if (r != 0)
                return r;
        if (option_given(ctl, "sort")) {
                sort = column_find(ctl, list, "sort", option_get(ctl, "sort"));
                if (!sort)
                        return EXIT_USAGE;
        }
        if (option_given(ctl, "limit") &&
            base_parse_u64(option_get(ctl, "limit"), 1, 1000000000, &limit) < 0)
                return complain(ctl, EXIT_USAGE, "--limit: \"%s\": not a number above 0",
                                option_get(ctl, "limit"));
        ctl->csv = option_given(ctl, "csv");
        if (ctl->csv && ctl->json != JSON_OFF)
                return complain(ctl, EXIT_USAGE, "--csv and --json exclude each other");
        if (!sort && (ctl->json == JSON_LINES || (ctl->json == JSON_OFF && ctl->csv)))
                return pages_fetch(ctl, list, limit, columns, column_count, NULL, &whole);
        all = json_array();
        r = pages_fetch(ctl, list, sort ? UINT64_MAX : limit, columns, column_count, all, &whole);
        if (r == 0 && sort)
                all = rows_sort(all, sort);
        if (r == 0) {
                whole = !rows_cut(all, limit) && whole;
                r = table_print(ctl, list->name, all, columns, column_count, whole);
        }
        json_decref(all);
        return r;
}

int user_list(Ctl *ctl, int argc, char *argv[]) {
        static const char *const shown[] = { "name",   "uid",    "full_name", "email",
                                             "status", "locked", "groups" };
        static const List list = { "ListUsers",         "users",   user_known, shown,
                                   ARRAY_LENGTH(shown), user_trim, NULL };

        return list_run(ctl, &list);
}

int group_list(Ctl *ctl, int argc, char *argv[]) {
        static const char *const shown[] = { "name",   "gid",    "members",
                                             "groups", "owners", "description" };
        static const List list = { "ListGroups",        "groups", group_known, shown,
                                   ARRAY_LENGTH(shown), NULL,     NULL };

        return list_run(ctl, &list);
}

int list_any(Ctl *ctl, const char *report, const char *filter, const char *key, const char *value,
             bool *ret) {
        const List list = { "Report", report, NULL, NULL, 0, NULL, report };
        char cursor[128] = "";
        bool any = false;
        int r;

        do {
                json_t *rows = NULL, *row;
                size_t i;

                r = page_fetch(ctl, &list, filter, cursor, sizeof(cursor), PAGE, &rows);
                json_array_foreach(rows, i, row) {
                        const char *found = json_string_value(json_object_get(row, key));

                        any = any || (found && strcmp(found, value) == 0);
                }
                json_decref(rows);
        } while (r == 0 && !any && cursor[0]);
        *ret = any;
        return r;
}

int report_role_conflicts(Ctl *ctl, int argc, char *argv[]) {
        static const char *const known[] = { "user", "conflicts", NULL };
        static const List list = { "Report", "users",         known, known, ARRAY_LENGTH(known) - 1,
                                   NULL,     "role-conflicts" };

        return list_run(ctl, &list);
}

int report_mfa_coverage(Ctl *ctl, int argc, char *argv[]) {
        static const char *const known[] = { "user",     "roles",     "required", "because",
                                             "methods",  "strongest", "enrolled", "codes_left",
                                             "deadline", NULL };
        static const List list = { "Report", "users",       known, known, ARRAY_LENGTH(known) - 1,
                                   NULL,     "mfa-coverage" };

        return list_run(ctl, &list);
}

int report_usage(Ctl *ctl, int argc, char *argv[]) {
        static const char *const known[] = { "tenant", "seats", "used", "users", NULL };
        static const List list = { "Report", "tenants", known, known, ARRAY_LENGTH(known) - 1,
                                   NULL,     "usage" };

        return list_run(ctl, &list);
}
