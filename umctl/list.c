/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* umctl user list and group list: pages of rows by cursor, chosen columns, sorting.  A list that is
 * not sorted is printed page by page, so that a million rows take no memory here. */

#include <errno.h>
#include <string.h>

#include "umctl/umctl.h"

/* Splits "a,b,c" in place; at most max. */
static size_t columns_split(char *text, const char **ret, size_t max) {
        size_t n = 0;

        for (char *next; n < max && (next = strsep(&text, ","));)
                if (next[0])
                        ret[n++] = next;
        return n;
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

static json_t *rows_sort(json_t *rows, char *key) {
        size_t n = json_array_size(rows);
        json_t **all = n ? calloc(n, sizeof(*all)) : NULL, *sorted = json_array();

        for (size_t i = 0; all && i < n; i++)
                all[i] = json_array_get(rows, i);
        if (all)
                qsort_r(all, n, sizeof(*all), row_compare, key);
        for (size_t i = 0; all && i < n; i++)
                json_array_append(sorted, all[i]);
        free(all);
        json_decref(rows);
        return sorted;
}

static int page_fetch(Ctl *ctl, const char *member, const char *filter, char *cursor,
                      size_t cursor_size, uint32_t limit, json_t **ret) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        const char *next;
        int r = ctl_message_new(ctl, WIRE_PATH, WIRE_MANAGER, member, &m);

        if (r != 0)
                return r;
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

/* Pages through ListUsers or ListGroups.  Without --sort each page is printed as it comes, so that
 * a million rows take no memory here. */
static int list_pages(Ctl *ctl, const char *member, const char *name, const char *const *defaults,
                      size_t default_count, char *sort) {
        const char *filter = option_given(ctl, "filter") ? option_get(ctl, "filter") : "",
                   *columns[32];
        uint64_t left = UINT64_MAX;
        _cleanup_free_ char *wanted = NULL;
        size_t column_count = default_count;
        char cursor[128] = "";
        json_t *all = json_array();
        bool streaming = !sort && (ctl->json == JSON_LINES || ctl->csv);
        int r = 0;

        memcpy(columns, defaults, default_count * sizeof(*columns));
        if (option_given(ctl, "columns")) {
                wanted = strdup(option_get(ctl, "columns"));
                column_count = wanted ? columns_split(wanted, columns, ARRAY_LENGTH(columns)) : 0;
                if (column_count == 0)
                        r = complain(ctl, EXIT_USAGE, "--columns: names at least one column");
        }
        if (r == 0 && option_given(ctl, "limit") &&
            base_parse_u64(option_get(ctl, "limit"), 1, 1000000000, &left) < 0)
                r = complain(ctl, EXIT_USAGE, "--limit: \"%s\": not a number above 0",
                             option_get(ctl, "limit"));
        ctl->csv = option_given(ctl, "csv");
        streaming = !sort && (ctl->json == JSON_LINES || ctl->csv);
        while (r == 0 && left > 0) {
                json_t *page = NULL;

                r = page_fetch(ctl, member, filter, cursor, sizeof(cursor),
                               left < 1000 ? (uint32_t)left : 1000, &page);
                if (r != 0)
                        break;
                left -= json_array_size(page);
                if (streaming) {
                        table_print(ctl, name, page, columns, column_count, true);
                        ctl->legend = false;
                } else
                        json_array_extend(all, page);
                json_decref(page);
                if (!cursor[0])
                        break;
        }
        if (r == 0 && sort)
                all = rows_sort(all, sort);
        if (r == 0 && !streaming)
                r = table_print(ctl, name, all, columns, column_count, !cursor[0]);
        json_decref(all);
        return r;
}

int user_list(Ctl *ctl, int argc, char *argv[]) {
        static const char *const columns[] = { "name",   "uid",    "full_name", "email",
                                               "status", "locked", "groups" };
        _cleanup_free_ char *sort =
                option_given(ctl, "sort") ? strdup(option_get(ctl, "sort")) : NULL;

        return list_pages(ctl, "ListUsers", "users", columns, ARRAY_LENGTH(columns), sort);
}

int group_list(Ctl *ctl, int argc, char *argv[]) {
        static const char *const columns[] = { "name",   "gid",    "members",
                                               "groups", "owners", "description" };

        return list_pages(ctl, "ListGroups", "groups", columns, ARRAY_LENGTH(columns), NULL);
}
