/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* umctl report failed-logins: the log's failures, added up by who was meant or by where they came
 * from.  What umd only counted (authenticate.repeated) is added with its number. */

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "umctl/umctl.h"

#define PAGE         1000U
#define SPAN_USEC    (24 * 3600 * USEC_PER_SEC)
#define OTHERS_MAX   10000U /* of one row that are told apart */
#define NOBODYS_NAME "~"

typedef struct Failed {
        bool by_source;
        uint64_t since_usec, until_usec;
        json_t *rows; /* by user or by source */
        size_t looked;
} Failed;

static const char *text_of(json_t *entry, const char *key) {
        return json_string_value(json_object_get(entry, key)) ?: "";
}

/* How many an entry stands for. */
static json_int_t count_of(json_t *entry) {
        json_t *value;
        size_t i;

        json_array_foreach(json_object_get(entry, "values"), i, value) {
                const char *field = json_string_value(json_array_get(value, 0));
                uint64_t count;

                if (field && strcmp(field, "count") == 0 &&
                    base_parse_u64(json_string_value(json_array_get(value, 2)) ?: "", 1, INT64_MAX,
                                   &count) >= 0)
                        return (json_int_t)count;
        }
        return 1;
}

/* Names nobody has are one: each is a hash, and there is no end of them. */
static const char *user_of(json_t *entry) {
        const char *object = text_of(entry, "object");

        if (strncmp(object, "user/", 5) != 0 || object[5] == NOBODYS_NAME[0])
                return "";
        return object + 5;
}

static json_t *row_of(Failed *failed, const char *key) {
        json_t *row = json_object_get(failed->rows, key);

        if (!row) {
                row = json_pack("{s:s, s:I, s:I, s:{}, s:s, s:s}",
                                failed->by_source ? "source" : "user", key, "failures",
                                (json_int_t)0, "last", (json_int_t)0, "others", "last_other", "",
                                "last_service", "");
                json_object_set_new(failed->rows, key, row);
        }
        return row;
}

static void entry_add(Failed *failed, json_t *entry) {
        const char *verb = text_of(entry, "verb"), *user = user_of(entry),
                   *source = text_of(entry, "source"), *other = failed->by_source ? user : source;
        json_t *row, *others;

        if (strncmp(verb, "auth", 4) != 0) /* authenticate, .repeated, authorize */
                return;
        row = row_of(failed, failed->by_source ? source : user);
        others = json_object_get(row, "others");
        json_object_set_new(row, "failures",
                            json_integer(json_integer_value(json_object_get(row, "failures")) +
                                         count_of(entry)));
        if (json_object_size(others) < OTHERS_MAX)
                json_object_set_new(others, other, json_true());
        if (json_integer_value(json_object_get(row, "last")) != 0) /* newest first */
                return;
        json_object_set(row, "last", json_object_get(entry, "time"));
        json_object_set_new(row, "last_other", json_string(other));
        json_object_set_new(row, "last_service", json_string(text_of(entry, "service")));
}

static int page_add(Ctl *ctl, Failed *failed, uint64_t *cursor) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        json_t *page = NULL, *entry;
        size_t i;
        int r = ctl_message_new(ctl, WIRE_PATH, WIRE_AUDIT, "List", &m);

        if (r != 0)
                return r;
        r = sd_bus_message_append(m, "a{sv}tu", 4, "type", "s", "login", "outcome", "s", "deny",
                                  "since", "t", failed->since_usec, "until", "t",
                                  failed->until_usec, *cursor, PAGE);
        if (r < 0)
                return complain(ctl, EXIT_FAILED, "%s", strerror(-r));
        r = ctl_call(ctl, m, &reply);
        if (r != 0)
                return r;
        r = json_from_dicts(reply, &page);
        if (r >= 0)
                r = sd_bus_message_read(reply, "t", cursor);
        json_array_foreach(page, i, entry) entry_add(failed, entry);
        failed->looked += json_array_size(page);
        json_decref(page);
        return r < 0 ? ctl_bad_reply(ctl, r) : 0;
}

static int by_failures(const void *a, const void *b) {
        json_t *const *x = a, *const *y = b;
        json_int_t more = json_integer_value(json_object_get(*y, "failures")) -
                          json_integer_value(json_object_get(*x, "failures"));

        return more > 0 ? 1 : more < 0 ? -1 : 0;
}

/* People do not read what is not there; programs do. */
static void words_for_people(json_t *row) {
        static const struct {
                const char *key, *word;
        } words[] = { { "user", "(nobody)" },
                      { "last_user", "(nobody)" },
                      { "source", "(this machine)" },
                      { "last_source", "(this machine)" } };

        for (size_t i = 0; i < ARRAY_LENGTH(words); i++) {
                const char *text = json_string_value(json_object_get(row, words[i].key));

                if (text && !text[0])
                        json_object_set_new(row, words[i].key, json_string(words[i].word));
        }
}

/* The rows as they are shown, the most failures first. */
static json_t *rows_take(const Failed *failed, size_t most, bool for_people) {
        size_t count = json_object_size(failed->rows), n = 0;
        json_t **list = calloc(count + 1, sizeof(*list));
        json_t *sorted = json_array(), *row;
        const char *key;

        if (!list || !sorted)
                most = 0;
        if (list)
                json_object_foreach(failed->rows, key, row) list[n++] = row;
        if (n > 0)
                qsort(list, n, sizeof(*list), by_failures);
        for (size_t i = 0; i < n && i < most; i++) {
                const char *others = failed->by_source ? "users" : "sources";

                json_object_set_new(list[i], others,
                                    json_integer((json_int_t)json_object_size(
                                            json_object_get(list[i], "others"))));
                json_object_set(list[i], failed->by_source ? "last_user" : "last_source",
                                json_object_get(list[i], "last_other"));
                json_object_del(list[i], "others");
                json_object_del(list[i], "last_other");
                if (for_people)
                        words_for_people(list[i]);
                json_array_append(sorted, list[i]);
        }
        free(list);
        return sorted;
}

static int time_option(const Ctl *ctl, const char *name, uint64_t *ret) {
        if (!option_given(ctl, name))
                return 0;
        if (when_parse_since(option_get(ctl, name), base_realtime_usec(), ret) < 0)
                return complain(ctl, EXIT_USAGE, "--%s: \"%s\": not a date, time, today or span",
                                name, option_get(ctl, name));
        return 0;
}

static int options_read(const Ctl *ctl, Failed *failed, uint64_t *ret_most) {
        const char *by = option_get(ctl, "by") ?: "user";
        int r;

        if (strcmp(by, "user") != 0 && strcmp(by, "source") != 0)
                return complain(ctl, EXIT_USAGE, "--by: \"%s\": must be user or source", by);
        failed->by_source = strcmp(by, "source") == 0;
        if (option_given(ctl, "limit") &&
            base_parse_u64(option_get(ctl, "limit"), 1, 100000000, ret_most) < 0)
                return complain(ctl, EXIT_USAGE, "--limit: \"%s\": not a number above 0",
                                option_get(ctl, "limit"));
        r = time_option(ctl, "since", &failed->since_usec);
        return r != 0 ? r : time_option(ctl, "until", &failed->until_usec);
}

int report_failed_logins(Ctl *ctl, int argc, char *argv[]) {
        static const char *const by_user[] = { "user", "failures",    "sources",
                                               "last", "last_source", "last_service" },
                                 *const by_source[] = { "source", "failures",  "users",
                                                        "last",   "last_user", "last_service" };
        bool progress = isatty(STDERR_FILENO) == 1 && ctl->json == JSON_OFF;
        uint64_t now_usec = base_realtime_usec(), cursor = 0, most = 100;
        Failed failed = { .since_usec = now_usec - SPAN_USEC, .until_usec = now_usec };
        int shown = 0, r = options_read(ctl, &failed, &most);
        json_t *rows;

        ctl->csv = option_given(ctl, "csv");
        if (r == 0 && ctl->csv && ctl->json != JSON_OFF)
                r = complain(ctl, EXIT_USAGE, "--csv and --json exclude each other");
        if (r != 0)
                return r;
        failed.rows = json_object();
        do {
                r = page_add(ctl, &failed, &cursor);
                if (r == 0 && progress && cursor != 0)
                        shown = fprintf(stderr, "\r%zu failures", failed.looked);
        } while (r == 0 && cursor != 0);
        if (shown > 0)
                fprintf(stderr, "\r%*s\r", shown, "");
        if (r == 0) {
                bool whole = json_object_size(failed.rows) <= most;

                rows = rows_take(&failed, most, ctl->json == JSON_OFF && !ctl->csv);
                r = table_print(ctl, failed.by_source ? "sources" : "users", rows,
                                failed.by_source ? by_source : by_user, ARRAY_LENGTH(by_user),
                                whole);
                json_decref(rows);
        }
        json_decref(failed.rows);
        return r;
}
