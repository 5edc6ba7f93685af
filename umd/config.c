/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* um.conf: `key = value` lines, each key once a file, /etc over /usr/lib.
 *
 * Strict, since a typing error in a limit must not become the shipped value in silence: an unknown
 * or repeated key, a value that is not wholly one, or a byte that is no text refuses the file with
 * its name and line.  Never changes what runs: the caller swaps a whole Config or keeps the old. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "um_notify/um_notify.h"
#include "umd/umd.h"

#define CONFIG_DROP_INS_MAX 256

/* Between them are the ids of sub-uids and containers, around them the system's (base_id_reserved).
 */
static const struct {
        uint32_t first, last;
} id_windows[] = { { 65536, 524287 }, { 1879048192, 2147483646 } };

/* NULL: taken; else why not, as a phrase behind the value. */
typedef const char *(*KeySet)(Config *config, const char *value);

static const char *uid_range_set(Config *config, const char *value) {
        char first[16];
        const char *dash = strchr(value, '-');
        uint32_t a, b;

        if (!dash || (size_t)(dash - value) >= sizeof(first))
                return "is not FIRST-LAST";
        memcpy(first, value, (size_t)(dash - value));
        first[dash - value] = '\0';
        if (base_parse_id(first, &a) < 0 || base_parse_id(dash + 1, &b) < 0 || a > b)
                return "is not FIRST-LAST, two ids of which the first is not the larger";
        for (size_t i = 0; i < ARRAY_LENGTH(id_windows); i++)
                if (a >= id_windows[i].first && b <= id_windows[i].last) {
                        config->id_first = a;
                        config->id_last = b;
                        return NULL;
                }
        return "must lie within 65536-524287 or 1879048192-2147483646";
}

static const char *bool_set(bool *ret, const char *value) {
        if (strcmp(value, "yes") == 0 || strcmp(value, "on") == 0)
                *ret = true;
        else if (strcmp(value, "no") == 0 || strcmp(value, "off") == 0)
                *ret = false;
        else
                return "must be yes, on, no or off";
        return NULL;
}

static const char *enumerate_set(Config *config, const char *value) {
        return bool_set(&config->enumerate, value);
}

static const char *unknown_names_set(Config *config, const char *value) {
        return bool_set(&config->unknown_names, value);
}

static const char *path_set(Field field, char *ret, const char *value) {
        FieldFault fault = base_field_check(field, value, strlen(value));

        if (fault != FIELD_OK)
                return base_field_rule(field, fault);
        memcpy(ret, value, strlen(value) + 1); /* the field's limit is BASE_PATH_MAX */
        return NULL;
}

static const char *shell_set(Config *config, const char *value) {
        return path_set(FIELD_SHELL, config->shell, value);
}

static const char *home_root_set(Config *config, const char *value) {
        return path_set(FIELD_HOME, config->home_root, value);
}

static const char *tenant_set(Config *config, const char *value) {
        FieldFault fault = base_field_check(FIELD_GROUP_NAME, value, strlen(value));

        if (fault != FIELD_OK)
                return base_field_rule(FIELD_GROUP_NAME, fault);
        if (strcmp(value, CORE_TENANT_ALL) == 0)
                return "means all tenants: a host is of one";
        memcpy(config->tenant, value, strlen(value) + 1);
        return NULL;
}

static const char *breach_file_set(Config *config, const char *value) {
        return path_set(FIELD_HOME, config->breach_file, value);
}

static const char *sendmail_set(Config *config, const char *value) {
        return path_set(FIELD_HOME, config->sendmail, value);
}

/* um.conf(5) documents each; packaging/um.conf shows each. */
static const struct {
        const char *name;
        KeySet set;
} keys[] = {
        { "audit.unknown-names", unknown_names_set },
        { "breach-file", breach_file_set },
        { "enumerate", enumerate_set },
        { "home-root", home_root_set },
        { "sendmail", sendmail_set }, /* um-notify reads it too (um_notify/sendmail.c) */
        { "shell", shell_set },
        { "tenant", tenant_set },
        { "uid-range", uid_range_set },
};

void config_init(Config *ret) {
        *ret = (Config){
                .id_first = 65536,
                .id_last = 524287,
                .enumerate = true,
                .shell = "/bin/bash",
                .home_root = "/home",
                .tenant = CORE_TENANT_LOCAL,
                .sendmail = NOTIFY_SENDMAIL,
        };
}

void config_settings(const Config *config, CoreSettings *ret) {
        *ret = (CoreSettings){
                .id_first = config->id_first,
                .id_last = config->id_last,
                .shell = config->shell,
                .home_root = config->home_root,
                .tenant = config->tenant,
                .unknown_names = config->unknown_names,
        };
}

/* ---- one file -------------------------------------------------------------------------------- */

typedef struct ConfigLine {
        const char *file;
        unsigned number;
        ConfigError *error;
} ConfigLine;

static int line_refuse(const ConfigLine *line, const char *what, const char *value,
                       const char *why) {
        char shown[160];
        Text text;

        base_escape(value, strlen(value), shown, sizeof(shown));
        base_text_init(&text, line->error->text, sizeof(line->error->text));
        base_text_addf(&text, "%s:%u: %s \"%s\" %s", line->file, line->number, what, shown, why);
        return -EINVAL;
}

static bool is_blank(char c) {
        return c == ' ' || c == '\t';
}

static char *trimmed(char *s) {
        size_t len;

        while (is_blank(*s))
                s++;
        len = strlen(s);
        while (len > 0 && is_blank(s[len - 1]))
                s[--len] = '\0';
        return s;
}

/* text is written into: cut at the "=". */
static int line_parse(Config *config, const ConfigLine *line, char *text, bool *seen) {
        char *key = trimmed(text), *value;

        if (key[0] == '\0' || key[0] == '#')
                return 0;
        value = strchr(key, '=');
        if (!value)
                return line_refuse(line, "line", key, "is not key = value");
        *value = '\0';
        value = trimmed(value + 1);
        key = trimmed(key);
        for (size_t i = 0; i < ARRAY_LENGTH(keys); i++) {
                const char *why;

                if (strcmp(keys[i].name, key) != 0)
                        continue;
                if (seen[i])
                        return line_refuse(line, "key", key, "stands here twice");
                seen[i] = true;
                why = keys[i].set(config, value);
                return why ? line_refuse(line, keys[i].name, value, why) : 0;
        }
        return line_refuse(line, "key", key, "is not one of um.conf(5)");
}

int config_parse(Config *config, const char *file, const char *text, size_t len,
                 ConfigError *error) {
        ConfigLine line = { .file = file, .error = error };
        bool seen[ARRAY_LENGTH(keys)] = { false };
        _cleanup_free_ char *copy = strndup(text, len);
        char *at = copy;
        int r;

        if (!copy)
                return -ENOMEM;
        while (at) {
                char *end = strchr(at, '\n');

                line.number++;
                if (end)
                        *end++ = '\0';
                r = line_parse(config, &line, at, seen);
                if (r < 0)
                        return r;
                at = end;
        }
        /* strndup() stops at a NUL: there is no more of the text than was looked at */
        if (memchr(text, '\0', len))
                return line_refuse(&line, "line", "\\0", "has a NUL byte");
        return 0;
}

/* ---- all files ------------------------------------------------------------------------------- */

static int file_refuse(ConfigError *error, const char *path, int fault) {
        Text text;

        base_text_init(&text, error->text, sizeof(error->text));
        base_text_addf(&text, "%s: %s", path, strerrordesc_np(-fault));
        return fault;
}

static int file_load(Config *config, const char *path, bool required, ConfigError *error) {
        _cleanup_free_ char *text = NULL;
        size_t len;
        int r = base_file_read(AT_FDCWD, path, CONFIG_FILE_MAX, &text, &len);

        if (r == -ENOENT && !required)
                return 0;
        if (r < 0)
                return file_refuse(error, path, r);
        return config_parse(config, path, text, len, error);
}

static int is_drop_in(const struct dirent *entry) {
        size_t len = strlen(entry->d_name);

        return entry->d_name[0] != '.' && len > 5 && strcmp(entry->d_name + len - 5, ".conf") == 0;
}

static int by_name(const struct dirent **a, const struct dirent **b) {
        return strcmp((*a)->d_name, (*b)->d_name); /* not alphasort(): it follows a locale */
}

static int drop_ins_load(Config *config, const char *folder, ConfigError *error) {
        struct dirent **entries;
        int count = scandir(folder, &entries, is_drop_in, by_name), r = 0;

        if (count < 0)
                return errno == ENOENT ? 0 : file_refuse(error, folder, -errno);
        if (count > CONFIG_DROP_INS_MAX)
                r = file_refuse(error, folder, -E2BIG);
        for (int i = 0; i < count; i++) {
                char path[512];

                if (r == 0 && snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name) >=
                                      (int)sizeof(path))
                        r = file_refuse(error, folder, -ENAMETOOLONG);
                if (r == 0)
                        r = file_load(config, path, true, error);
                free(entries[i]);
        }
        free(entries);
        return r;
}

int config_load(const ConfigPaths *paths, Config *ret, ConfigError *error) {
        Config config;
        int r = 0;

        config_init(&config);
        if (paths->only)
                r = file_load(&config, paths->only, true, error);
        if (r == 0 && !paths->only && paths->vendor)
                r = file_load(&config, paths->vendor, false, error);
        if (r == 0 && !paths->only && paths->local)
                r = file_load(&config, paths->local, false, error);
        if (r == 0 && !paths->only && paths->drop_ins)
                r = drop_ins_load(&config, paths->drop_ins, error);
        if (r == 0)
                *ret = config;
        return r;
}
