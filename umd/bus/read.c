/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads arguments strictly.  Every dictionary has a table of its keys: what is not in it, is there
 * twice or has another type is refused by name.  Nothing is skipped, so nothing is recursed into,
 * and every list has a limit.  Texts are borrowed from the message. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "umd/bus/private.h"

static int refuse_key(CoreError *error, const char *what, const char *key, const char *why) {
        char shown[128];

        (void)base_escape(key, strlen(key), shown, sizeof(shown));
        return error_set(error, CORE_E_BAD_VALUE, "%s: \"%s\" %s", what, shown, why);
}

static int read_attributes(sd_bus_message *m, AttributeList *ret, CoreError *error) {
        _cleanup_free_ UserAttribute *list = calloc(FACE_ATTRIBUTES_MAX, sizeof(*list));
        UserAttribute one;
        size_t count = 0;
        int r = list ? sd_bus_message_enter_container(m, 'a', "(sst)") : -ENOMEM;

        while (r >= 0 &&
               (r = sd_bus_message_read(m, "(sst)", &one.name, &one.value, &one.until_usec)) > 0) {
                if (count == FACE_ATTRIBUTES_MAX)
                        return error_set(error, CORE_E_BAD_VALUE,
                                         "more than %u attributes in one call",
                                         FACE_ATTRIBUTES_MAX);
                list[count++] = one;
        }
        if (r >= 0)
                r = sd_bus_message_exit_container(m);
        if (r < 0)
                return r;
        *ret = (AttributeList){ TAKE(list), count };
        return 0;
}

static int value_read(sd_bus_message *m, const DictField *field, CoreError *error) {
        int number, r;

        if (strcmp(field->type, "as") == 0)
                return read_names(m, field->value, error);
        if (strcmp(field->type, "a(sst)") == 0)
                return read_attributes(m, field->value, error);
        if (field->type[0] != 'b') {
                r = sd_bus_message_read_basic(m, field->type[0], field->value);
                return r < 0 ? r : 0;
        }
        r = sd_bus_message_read_basic(m, 'b', &number);
        if (r < 0)
                return r;
        *(bool *)field->value = number != 0;
        return 0;
}

/* One entry, but for its end. */
static int entry_read(sd_bus_message *m, const char *what, const DictField *fields, size_t count,
                      uint64_t *seen, CoreError *error) {
        const char *key, *contents;
        size_t i = 0;
        int r = sd_bus_message_read(m, "s", &key);

        if (r < 0)
                return r;
        while (i < count && strcmp(fields[i].key, key) != 0)
                i++;
        if (i == count)
                return refuse_key(error, what, key, "is not known");
        if (*seen & (uint64_t)1 << i)
                return refuse_key(error, what, key, "is there twice");
        *seen |= (uint64_t)1 << i;
        r = sd_bus_message_peek_type(m, NULL, &contents);
        if (r < 0)
                return r;
        if (strcmp(contents, fields[i].type) != 0) {
                char why[64];

                (void)snprintf(why, sizeof(why), "has the type \"%s\"", fields[i].type);
                return refuse_key(error, what, key, why);
        }
        r = sd_bus_message_enter_container(m, 'v', fields[i].type);
        if (r >= 0)
                r = value_read(m, &fields[i], error);
        if (r != 0)
                return r;
        if (fields[i].seen)
                *fields[i].seen = true;
        r = sd_bus_message_exit_container(m);
        return r < 0 ? r : 0;
}

int read_dict(sd_bus_message *m, const char *what, const DictField *fields, size_t count,
              CoreError *error) {
        uint64_t seen = 0;
        int r = sd_bus_message_enter_container(m, 'a', "{sv}");

        while (r >= 0) {
                r = sd_bus_message_enter_container(m, 'e', "sv");
                if (r <= 0)
                        break;
                r = entry_read(m, what, fields, count, &seen, error);
                if (r != 0)
                        return r;
                r = sd_bus_message_exit_container(m);
        }
        if (r >= 0)
                r = sd_bus_message_exit_container(m);
        return r < 0 ? r : 0;
}

int read_options(sd_bus_message *m, CoreOptions *ret, CoreError *error) {
        CoreOptions options = { .reason = "" };
        const DictField fields[] = {
                { "reason", "s", &options.reason, NULL },
                { "dry-run", "b", &options.dry_run, NULL },
                { "version", "t", &options.if_version, NULL },
                { "end-sessions", "b", &options.end_sessions, NULL },
        };
        int r = read_dict(m, "options", fields, ARRAY_LENGTH(fields), error);

        if (r == 0)
                *ret = options;
        return r;
}

void name_list_clear(NameList *list) {
        free(list->names);
        *list = (NameList){ 0 };
}

static int name_list_add(NameList *list, const char *name) {
        if (list->count % 64 == 0) {
                const char **names = realloc(list->names, (list->count + 64) * sizeof(*names));

                if (!names)
                        return -ENOMEM;
                list->names = names;
        }
        list->names[list->count++] = name;
        return 0;
}

int read_names(sd_bus_message *m, NameList *ret, CoreError *error) {
        NameList list = { 0 };
        const char *name;
        int r = sd_bus_message_enter_container(m, 'a', "s");

        if (r >= 0)
                r = name_list_add(&list, ""); /* an empty list is one too, not NULL */
        list.count = 0;
        while (r >= 0 && (r = sd_bus_message_read_basic(m, 's', &name)) > 0) {
                if (list.count >= FACE_NAMES_MAX) {
                        name_list_clear(&list);
                        return error_set(error, CORE_E_BAD_VALUE, "more than %u names in one call",
                                         FACE_NAMES_MAX);
                }
                r = name_list_add(&list, name);
        }
        if (r >= 0)
                r = sd_bus_message_exit_container(m);
        if (r < 0) {
                name_list_clear(&list);
                return r;
        }
        *ret = list;
        return 0;
}

int read_secret(sd_bus_message *m, size_t max, bool empty, Secret **ret, CoreError *error) {
        const void *bytes;
        size_t len;
        int r = sd_bus_message_read_array(m, 'y', &bytes, &len);

        if (r < 0)
                return r;
        if (len > max || (len == 0 && !empty))
                return error_set(error, CORE_E_BAD_VALUE, "secret: has %s",
                                 len > max ? "too many bytes" : "no bytes");
        return base_secret_new(bytes, len, ret);
}
