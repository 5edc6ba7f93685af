/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Output: the same rows as a table fitted to the terminal, CSV, or JSON.  Whatever came from people
 * is escaped on its way to a terminal; colour is not used. */

#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "umctl/umctl.h"

#define WIDTH_MIN 3U

static const char *const time_keys[] = {
        "time",
        "since",
        "until",
        "created",
        "set",
        "valid_from",
        "valid_until",
        "status_since",
        "locked_since",
        "started",
        "last",
        "last_used",
        "deadline",
        "password_changed",
        "password_expires",
        "suspended_until",
        "locked_out_until",
        "last_failure",
        "map_published",
};

static bool is_time_key(const char *key) {
        for (size_t i = 0; i < ARRAY_LENGTH(time_keys); i++)
                if (strcmp(time_keys[i], key) == 0)
                        return true;
        return false;
}

void cell_text(const char *key, const json_t *value, char *buf, size_t size) {
        buf[0] = '\0';
        if (!value || json_is_null(value))
                return;
        if (json_is_string(value))
                base_escape(json_string_value(value), json_string_length(value), buf, size);
        else if (json_is_integer(value) && is_time_key(key))
                when_format((uint64_t)json_integer_value(value), buf, size);
        else if (json_is_integer(value))
                snprintf(buf, size, "%lld", (long long)json_integer_value(value));
        else if (json_is_boolean(value))
                snprintf(buf, size, "%s", json_is_true(value) ? "yes" : "no");
}

static void *memory_check(void *memory) {
        if (!memory) {
                fputs("umctl: out of memory\n", stderr);
                exit(EXIT_FAILED);
        }
        return memory;
}

static void cell_write(FILE *f, const char *key, const json_t *value);

/* "cert.prod-access=yes until 2027-03-01": an attribute. */
static void cell_write_attribute(FILE *f, const json_t *attribute) {
        const json_t *until = json_object_get(attribute, "until");

        cell_write(f, "", json_object_get(attribute, "name"));
        fputc('=', f);
        cell_write(f, "", json_object_get(attribute, "value"));
        if (json_is_true(json_object_get(attribute, "expired")))
                fputs(" (expired)", f);
        else if (json_is_integer(until)) {
                fputs(" until ", f);
                cell_write(f, "until", until);
        }
}

static void cell_write(FILE *f, const char *key, const json_t *value) {
        const json_t *item;
        size_t i;

        if (json_is_object(value)) {
                cell_write_attribute(f, value);
                return;
        }

        if (json_is_array(value)) {
                json_array_foreach(value, i, item) {
                        if (i > 0)
                                fputc(',', f);
                        cell_write(f, "", item);
                }
                return;
        }
        if (value) {
                size_t size = json_is_string(value) ? 4 * json_string_length(value) + 4 : 64;
                _cleanup_free_ char *text = memory_check(malloc(size));

                cell_text(key, value, text, size);
                fputs(text, f);
        }
}

char *cell_new(const char *key, const json_t *value) {
        char *text = NULL;
        size_t size = 0;
        FILE *f = memory_check(open_memstream(&text, &size));

        cell_write(f, key, value);
        return memory_check(fclose(f) == 0 ? text : NULL);
}

/* Unset fields are absent from JSON. */
static void unset_drop(json_t *value) {
        const char *key;
        json_t *field;
        void *tmp;
        size_t i;

        if (json_is_array(value))
                json_array_foreach(value, i, field) unset_drop(field);
        json_object_foreach_safe(value, tmp, key, field) {
                bool empty = json_is_string(field) ? json_string_length(field) == 0
                                                   : json_is_integer(field) && is_time_key(key) &&
                                                             json_integer_value(field) == 0;

                if (empty)
                        json_object_del(value, key);
        }
}

void json_print(const Ctl *ctl, const char *name, json_t *value) {
        json_t *document = value;
        size_t flags =
                JSON_PRESERVE_ORDER | (isatty(STDOUT_FILENO) ? JSON_INDENT(2) : JSON_COMPACT);

        unset_drop(value);
        if (ctl->json == JSON_LINES && json_is_array(value)) {
                json_t *row;
                size_t i;

                json_array_foreach(value, i, row) {
                        json_dumpf(row, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER);
                        putchar('\n');
                }
                json_decref(value);
                return;
        }
        if (name) {
                document = json_object();
                json_object_set_new(document, name, value);
        }
        if (ctl->json != JSON_LINES) {
                json_t *with_schema = json_object();

                json_object_set_new(with_schema, "schema", json_integer(1));
                json_object_update(with_schema, document);
                json_decref(document);
                document = with_schema;
        } else
                flags = JSON_COMPACT | JSON_PRESERVE_ORDER;
        json_dumpf(document, stdout, flags);
        putchar('\n');
        json_decref(document);
}

/* A cell that a spreadsheet would run gets a leading ' (FEATURES G8). */
static void csv_cell(const char *cell) {
        bool quote = strpbrk(cell, ",\"\r\n") || strchr("=+-@", cell[0]);

        if (quote && cell[0])
                putchar('"');
        if (cell[0] && strchr("=+-@", cell[0]))
                putchar('\'');
        for (const char *p = cell; *p; p++) {
                if (*p == '"')
                        putchar('"');
                putchar(*p);
        }
        if (quote && cell[0])
                putchar('"');
}

static void csv_print(const Ctl *ctl, json_t *rows, const char *const *columns,
                      size_t column_count) {
        json_t *row;
        size_t i;

        for (size_t c = 0; ctl->legend && c < column_count; c++)
                printf("%s%s", c > 0 ? "," : "", columns[c]);
        if (ctl->legend)
                fputs("\r\n", stdout);
        json_array_foreach(rows, i, row) {
                for (size_t c = 0; c < column_count; c++) {
                        _cleanup_free_ char *cell =
                                cell_new(columns[c], json_object_get(row, columns[c]));

                        if (c > 0)
                                putchar(',');
                        csv_cell(cell);
                }
                fputs("\r\n", stdout);
        }
}

/* Characters of UTF-8, which is near enough to columns for names. */
static size_t text_width(const char *s) {
        size_t n = 0;

        for (; *s; s++)
                n += ((unsigned char)*s & 0xC0) != 0x80;
        return n;
}

static size_t terminal_width(void) {
        struct winsize size;

        if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 ||
            size.ws_col == 0)
                return SIZE_MAX;
        return size.ws_col;
}

static void padded_print(const char *cell, size_t width, bool last) {
        size_t have = text_width(cell), shown = 0;

        if (have > width) { /* cut at a character, with an ellipsis */
                const char *p = cell;

                for (; *p && shown + 1 < width; shown++) {
                        putchar(*p++);
                        while (((unsigned char)*p & 0xC0) == 0x80)
                                putchar(*p++);
                }
                fputs("\xE2\x80\xA6", stdout);
                have = width;
        } else
                fputs(cell, stdout);
        for (; !last && have < width + 2; have++)
                putchar(' ');
}

static void heading_text(const char *column, char *buf, size_t size) {
        size_t i;

        for (i = 0; column[i] && i + 1 < size; i++)
                buf[i] = column[i] == '_'
                                 ? ' '
                                 : (char)(column[i] >= 'a' && column[i] <= 'z' ? column[i] - 32
                                                                               : column[i]);
        buf[i] = '\0';
}

/* Narrows the widest column until the line fits. */
static void widths_fit(size_t *widths, size_t count, size_t room) {
        for (;;) {
                size_t total = 0, widest = 0;

                for (size_t c = 0; c < count; c++) {
                        total += widths[c] + (c + 1 < count ? 2 : 0);
                        if (widths[c] > widths[widest])
                                widest = c;
                }
                if (total <= room || room == SIZE_MAX || widths[widest] <= WIDTH_MIN)
                        return;
                widths[widest]--;
        }
}

static void text_table_print(const Ctl *ctl, json_t *rows, const char *const *columns,
                             size_t column_count) {
        size_t widths[COLUMNS_MAX] = { 0 }, i;
        char heading[64];
        json_t *row;

        for (size_t c = 0; c < column_count; c++) {
                widths[c] = ctl->legend ? strlen(columns[c]) : 1;
                json_array_foreach(rows, i, row) {
                        _cleanup_free_ char *cell =
                                cell_new(columns[c], json_object_get(row, columns[c]));
                        size_t width = text_width(cell);

                        if (width > widths[c])
                                widths[c] = width;
                }
        }
        widths_fit(widths, column_count, terminal_width());
        for (size_t c = 0; ctl->legend && c < column_count; c++) {
                heading_text(columns[c], heading, sizeof(heading));
                padded_print(heading, widths[c], c + 1 == column_count);
        }
        if (ctl->legend)
                putchar('\n');
        json_array_foreach(rows, i, row) {
                for (size_t c = 0; c < column_count; c++) {
                        _cleanup_free_ char *cell =
                                cell_new(columns[c], json_object_get(row, columns[c]));

                        padded_print(cell, widths[c], c + 1 == column_count);
                }
                putchar('\n');
        }
}

/* "1 user", "2 users", "1 entry". */
static void count_print(size_t count, const char *name, const char *more) {
        int len = (int)strlen(name);
        bool ies = len > 3 && strcmp(name + len - 3, "ies") == 0;

        if (count == 1)
                printf("1 %.*s%s%s.\n", len - (ies ? 3 : 1), name, ies ? "y" : "", more);
        else
                printf("%zu %s%s.\n", count, name, more);
}

int table_print(const Ctl *ctl, const char *name, json_t *rows, const char *const *columns,
                size_t column_count, bool last_page) {
        if (ctl->json != JSON_OFF) {
                json_print(ctl, name, json_incref(rows));
                return EXIT_DONE;
        }
        if (ctl->csv) {
                csv_print(ctl, rows, columns, column_count);
                return EXIT_DONE;
        }
        text_table_print(ctl, rows, columns, column_count);
        if (ctl->legend)
                count_print(json_array_size(rows), name,
                            last_page ? "" : " shown, more with --limit");
        return EXIT_DONE;
}

void record_print(json_t *record, const char *const *keys, size_t key_count) {
        size_t widest = 0;

        for (size_t i = 0; i < key_count; i++)
                if (json_object_get(record, keys[i]) && strlen(keys[i]) > widest)
                        widest = strlen(keys[i]);
        for (size_t i = 0; i < key_count; i++) {
                _cleanup_free_ char *cell = cell_new(keys[i], json_object_get(record, keys[i]));
                char label[64];
                size_t n;

                if (!cell[0])
                        continue;
                snprintf(label, sizeof(label), "%s", keys[i]);
                for (n = 0; label[n]; n++)
                        if (label[n] == '_')
                                label[n] = ' ';
                printf("%*s: %s\n", (int)widest, label, cell);
        }
}
