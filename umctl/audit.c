/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* umctl audit: the log of logins and changes, and whether its chain is whole. */

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "umctl/umctl.h"

#define PAGE 200U

/* What is none of the words would find nothing and look like an answer. */
static int word_check(const Ctl *ctl, const char *option, const char *const *words, size_t count) {
        const char *value = option_get(ctl, option);
        char known[128];
        Text text;

        base_text_init(&text, known, sizeof(known));
        for (size_t i = 0; i < count; i++) {
                if (!value || strcmp(value, words[i]) == 0)
                        return 0;
                base_text_addf(&text, "%s%s", i > 0 ? ", " : "", words[i]);
        }
        return complain(ctl, EXIT_USAGE, "--%s: \"%s\": no such %s; there are: %s", option, value,
                        option, known);
}

static int words_check(const Ctl *ctl) {
        static const char *const types[] = { "login", "change", "session", "access", "system" },
                                 *const outcomes[] = { "allow", "deny", "done", "failed" };
        int r = word_check(ctl, "type", types, ARRAY_LENGTH(types));

        /* Whoever means to filter would get everything, and take it for the answer. */
        if (ctl->reason[0])
                return complain(ctl, EXIT_USAGE,
                                "--reason: goes with changes; --because REASON filters");

        return r != 0 ? r : word_check(ctl, "outcome", outcomes, ARRAY_LENGTH(outcomes));
}

static int append_filter(Ctl *ctl, sd_bus_message *m) {
        static const struct {
                const char *option, *key;
        } texts[] = { { "user", "user" },     { "actor", "actor" }, { "object", "object" },
                      { "type", "type" },     { "verb", "verb" },   { "outcome", "outcome" },
                      { "because", "reason" } };
        int r = sd_bus_message_open_container(m, 'a', "{sv}");

        for (size_t i = 0; i < ARRAY_LENGTH(texts) && r >= 0; i++)
                if (option_given(ctl, texts[i].option))
                        r = sd_bus_message_append(m, "{sv}", texts[i].key, "s",
                                                  option_get(ctl, texts[i].option));
        for (int i = 0; i < 2 && r >= 0; i++) {
                const char *key = i == 0 ? "since" : "until";
                uint64_t usec;

                if (!option_given(ctl, key))
                        continue;
                if (when_parse_since(option_get(ctl, key), base_realtime_usec(), &usec) < 0)
                        return complain(ctl, EXIT_USAGE,
                                        "--%s: \"%s\": not a date, time, today or span", key,
                                        option_get(ctl, key));
                r = sd_bus_message_append(m, "{sv}", key, "t", usec);
        }
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        return r < 0 ? complain(ctl, EXIT_USAGE, "a value is not UTF-8") : 0;
}

/* "status: active -> suspended, ..." of an entry's values. */
static void values_text(json_t *values, char *buf, size_t size) {
        json_t *value;
        Text text;
        size_t i;

        base_text_init(&text, buf, size);
        json_array_foreach(values, i, value) {
                char field[64], before[256], after[256];

                cell_text("", json_array_get(value, 0), field, sizeof(field));
                cell_text("", json_array_get(value, 1), before, sizeof(before));
                cell_text("", json_array_get(value, 2), after, sizeof(after));
                base_text_addf(&text, "%s%s: %s%s%s", i > 0 ? ", " : "", field, before,
                               before[0] ? " -> " : "", after);
        }
}

/* What a person reads in one line: who did what to whom, from where, why. */
static void row_for_people(json_t *row) {
        char detail[1024], values[768];
        json_t *list = json_object_get(row, "values");
        Text text;

        base_text_init(&text, detail, sizeof(detail));
        for (int i = 0; i < 4; i++) {
                static const char *const keys[] = { "reason", "service", "source", "tty" };
                const char *value = json_string_value(json_object_get(row, keys[i]));

                if (value && value[0])
                        base_text_addf(&text, "%s%s%s", text.len > 0 ? ", " : "",
                                       i == 2 ? "from " : "", value);
        }
        if (strcmp(json_string_value(json_object_get(row, "outcome")) ?: "", "deny") == 0)
                base_text_addf(&text, "%s%s", text.len > 0 ? ", " : "",
                               json_string_value(json_object_get(row, "reference")) ?: "");
        values_text(list, values, sizeof(values));
        if (values[0])
                base_text_addf(&text, "%s%s", text.len > 0 ? "; " : "", values);
        json_object_set_new(row, "detail", json_string(detail));
}

static int page_get(Ctl *ctl, uint64_t *cursor, uint32_t limit, json_t **ret) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        int r = ctl_message_new(ctl, WIRE_PATH, WIRE_AUDIT, "List", &m);

        if (r == 0)
                r = append_filter(ctl, m);
        if (r != 0)
                return r;
        r = sd_bus_message_append(m, "tu", *cursor, limit);
        if (r < 0)
                return complain(ctl, EXIT_FAILED, "%s", strerror(-r));
        r = ctl_call(ctl, m, &reply);
        if (r != 0)
                return r;
        r = json_from_dicts(reply, ret);
        if (r >= 0)
                r = sd_bus_message_read(reply, "t", cursor);
        return r < 0 ? ctl_bad_reply(ctl, r) : 0;
}

/* "um-7K2P", which whoever was refused has read: the number of the entry, in the digits that umd
 * writes it in.  People read O for 0, and I or L for 1. */
static int reference_parse(const char *text, uint64_t *ret_seq) {
        static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
        uint64_t seq = 0;
        size_t len;

        if (strncasecmp(text, "um-", 3) == 0)
                text += 3;
        len = strlen(text);
        if (len < 4 || len > 12)
                return -EINVAL;
        for (; *text; text++) {
                char c = (char)toupper((unsigned char)*text);
                const char *at = strchr(digits, c == 'O' ? '0' : c == 'I' || c == 'L' ? '1' : c);

                if (!at)
                        return -EINVAL;
                seq = seq << 5 | (uint64_t)(at - digits);
        }
        *ret_seq = seq;
        return seq > 0 ? 0 : -EINVAL;
}

/* The one entry of a reference. */
static int entry_fetch(Ctl *ctl, const char *reference, json_t **ret) {
        json_t *page = NULL;
        uint64_t seq, cursor;
        int r;

        if (reference_parse(reference, &seq) < 0)
                return complain(ctl, EXIT_USAGE, "--reference: \"%s\": is not like um-7K2P",
                                reference);
        cursor = seq + 1;
        r = page_get(ctl, &cursor, 1, &page);
        if (r != 0)
                return r;
        if (json_integer_value(json_object_get(json_array_get(page, 0), "seq")) !=
            (json_int_t)seq) {
                json_decref(page);
                return complain(ctl, EXIT_NOT_FOUND, "%s: no such entry", reference);
        }
        *ret = page;
        return 0;
}

static int entries_fetch(Ctl *ctl, uint64_t left, json_t **ret, bool *ret_whole) {
        json_t *all = json_array();
        uint64_t cursor = 0;
        int r = 0;

        do {
                json_t *page = NULL;

                r = page_get(ctl, &cursor, left < PAGE ? (uint32_t)left : PAGE, &page);
                if (r != 0)
                        break;
                left -= json_array_size(page) < left ? json_array_size(page) : left;
                json_array_extend(all, page);
                json_decref(page);
        } while (cursor != 0 && left > 0);
        if (r != 0)
                json_decref(all);
        else
                *ret = all;
        *ret_whole = cursor == 0;
        return r;
}

int audit_log(Ctl *ctl, int argc, char *argv[]) {
        static const char *const columns[] = { "seq",    "time",    "actor", "verb",
                                               "object", "outcome", "detail" };
        static const char *const csv_columns[] = { "seq",     "time",     "type",  "verb",
                                                   "object",  "actor",    "login", "via",
                                                   "service", "source",   "tty",   "outcome",
                                                   "reason",  "reference" };
        uint64_t left = 100;
        json_t *all = NULL, *row;
        bool whole = true;
        size_t i;
        int r = words_check(ctl);

        ctl->csv = option_given(ctl, "csv");
        if (r == 0 && ctl->csv && ctl->json != JSON_OFF)
                r = complain(ctl, EXIT_USAGE, "--csv and --json exclude each other");
        if (r == 0 && option_given(ctl, "limit") &&
            base_parse_u64(option_get(ctl, "limit"), 1, 100000000, &left) < 0)
                r = complain(ctl, EXIT_USAGE, "--limit: \"%s\": not a number above 0",
                             option_get(ctl, "limit"));
        if (r == 0)
                r = option_given(ctl, "reference")
                            ? entry_fetch(ctl, option_get(ctl, "reference"), &all)
                            : entries_fetch(ctl, left, &all, &whole);
        if (r != 0)
                return r;
        json_array_foreach(all, i, row) {
                if (ctl->json == JSON_OFF && !ctl->csv)
                        row_for_people(row);
        }
        r = table_print(ctl, "entries", all, ctl->csv ? csv_columns : columns,
                        ctl->csv ? ARRAY_LENGTH(csv_columns) : ARRAY_LENGTH(columns), whole);
        json_decref(all);
        return r;
}

static int verify_piece(Ctl *ctl, uint64_t *cursor, uint64_t *ret_first, uint64_t *ret_last,
                        int *ret_done, int *ret_ok, char *why, size_t size) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        const char *text;
        int r = ctl_message_new(ctl, WIRE_PATH, WIRE_AUDIT, "Verify", &m);

        if (r != 0)
                return r;
        r = sd_bus_message_append(m, "t", *cursor);
        if (r < 0)
                return complain(ctl, EXIT_FAILED, "%s", strerror(-r));
        r = ctl_call(ctl, m, &reply);
        if (r != 0)
                return r;
        r = sd_bus_message_read(reply, "bbttts", ret_done, ret_ok, cursor, ret_first, ret_last,
                                &text);
        if (r < 0)
                return ctl_bad_reply(ctl, r);
        base_escape(text, strlen(text), why, size);
        return 0;
}

int audit_verify(Ctl *ctl, int argc, char *argv[]) {
        bool progress = isatty(STDERR_FILENO) == 1 && ctl->json == JSON_OFF;
        uint64_t cursor = 0, first = 0, last = 0;
        int done = 0, ok = 0, shown = 0, r = 0;
        char why[256] = "";

        while (r == 0 && !done) {
                r = verify_piece(ctl, &cursor, &first, &last, &done, &ok, why, sizeof(why));
                if (r == 0 && progress && !done)
                        shown = fprintf(stderr, "\r%llu of %llu", (unsigned long long)cursor,
                                        (unsigned long long)last);
        }
        if (shown > 0)
                fprintf(stderr, "\r%*s\r", shown, "");
        if (r != 0)
                return r;
        if (ctl->json != JSON_OFF)
                json_print(ctl, "verify",
                           json_pack("{s:I, s:I, s:b, s:s}", "first", (json_int_t)first, "last",
                                     (json_int_t)last, "ok", ok, "text", why));
        else if (ok)
                printf("entries %llu to %llu: ok\n", (unsigned long long)first,
                       (unsigned long long)last);
        else
                printf("entry %llu: %s\n", (unsigned long long)cursor, why);
        return ok ? EXIT_DONE : EXIT_FAILED;
}
