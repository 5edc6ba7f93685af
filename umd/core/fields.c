/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The fields of a user as one table: the name on the bus, the words in an error, the validator, who
 * may set it.  All faults of a spec are gathered before anything is written. */

#include <string.h>

#include "umd/core/internal.h"

static const struct {
        const char *name, *label;
        Field check;
        bool self; /* profile.self-editable, as shipped */
} fields[_USER_FIELD_TEXT_MAX] = {
        [USER_FIELD_NAME] = { "name", "name", FIELD_USER_NAME, false },
        [USER_FIELD_FULL_NAME] = { "full_name", "full name", FIELD_FULL_NAME, false },
        [USER_FIELD_EMAIL] = { "email", "email", FIELD_EMAIL, false },
        [USER_FIELD_PHONE] = { "phone", "phone", FIELD_PHONE, true },
        [USER_FIELD_TITLE] = { "title", "title", FIELD_LINE, false },
        [USER_FIELD_DEPARTMENT] = { "department", "department", FIELD_LINE, false },
        [USER_FIELD_LANGUAGE] = { "language", "language", FIELD_LANGUAGE, true },
        [USER_FIELD_TIME_ZONE] = { "time_zone", "time zone", FIELD_TIME_ZONE, true },
        [USER_FIELD_NOTIFY] = { "notify", "notify", FIELD_LINE, true },
        [USER_FIELD_SHELL] = { "shell", "shell", FIELD_SHELL, false },
        [USER_FIELD_HOME] = { "home", "home", FIELD_HOME, false },
};

const size_t core_user_field_offset[_USER_FIELD_TEXT_MAX] = {
        [USER_FIELD_NAME] = offsetof(StoreUser, name),
        [USER_FIELD_FULL_NAME] = offsetof(StoreUser, full_name),
        [USER_FIELD_EMAIL] = offsetof(StoreUser, email),
        [USER_FIELD_PHONE] = offsetof(StoreUser, phone),
        [USER_FIELD_TITLE] = offsetof(StoreUser, title),
        [USER_FIELD_DEPARTMENT] = offsetof(StoreUser, department),
        [USER_FIELD_LANGUAGE] = offsetof(StoreUser, language),
        [USER_FIELD_TIME_ZONE] = offsetof(StoreUser, time_zone),
        [USER_FIELD_NOTIFY] = offsetof(StoreUser, notify),
        [USER_FIELD_SHELL] = offsetof(StoreUser, shell),
        [USER_FIELD_HOME] = offsetof(StoreUser, home),
};

const char *core_user_field_name(UserField field) {
        return field < _USER_FIELD_TEXT_MAX ? fields[field].name : NULL;
}

bool core_user_field_self_editable(UserField field) {
        return field < _USER_FIELD_TEXT_MAX && fields[field].self;
}

void core_check_text(const char *label, Field field, const char *value, CoreError *error) {
        FieldFault fault = base_field_check(field, value, strlen(value));

        if (fault != FIELD_OK)
                core_fault_add(error, CORE_E_BAD_VALUE, "%s: \"%s\": %s", label,
                               core_quote(value).text, base_field_rule(field, fault));
}

/* ---- notification preferences (FEATURES H9) ----------------------------------------------- */

static const char *const notify_kinds[] = { "account", "security", "announcement", "task",
                                            "expiry" };
static const char *const notify_ways[] = { "mail", "login", "terminal" };

/* Strikes the word off those that are left; false where it is none of them, or was there before. */
static bool word_take(const char *const *words, size_t count, const char *word, size_t len,
                      unsigned int *taken) {
        for (size_t i = 0; i < count; i++)
                if (strlen(words[i]) == len && memcmp(words[i], word, len) == 0) {
                        bool first = !(*taken & 1U << i);

                        *taken |= 1U << i;
                        return first;
                }
        return false;
}

/* KIND=WAY[,WAY...][,KIND=WAY...]: whatever kind is named has a way, so none is switched off by
 * half a word. */
static bool notify_ok(const char *value) {
        unsigned int kinds = 0, ways = 0;

        for (const char *at = value;; at++) {
                size_t len = strcspn(at, ",="), used = 0;

                if (at[len] == '=') {
                        if (!word_take(notify_kinds, ARRAY_LENGTH(notify_kinds), at, len, &kinds))
                                return false;
                        used = len + 1;
                        len = strcspn(at + used, ",=");
                        ways = 0;
                }
                if (kinds == 0 ||
                    !word_take(notify_ways, ARRAY_LENGTH(notify_ways), at + used, len, &ways))
                        return false;
                at += used + len;
                if (*at != ',')
                        return *at == '\0';
        }
}

static void check_notify(const char *value, CoreError *error) {
        if (value[0] && !notify_ok(value))
                core_fault_add(
                        error, CORE_E_BAD_VALUE,
                        "notify: \"%s\": must be KIND=WAY[,WAY][,KIND=WAY]: kinds are account, "
                        "security, announcement, task, expiry; ways are mail, login, terminal; "
                        "each once",
                        core_quote(value).text);
}

/* ---- homes -------------------------------------------------------------------------------- */

/* What is the system's, with everything in it; and what is there for all. */
static const char *const system_folders[] = { "/bin",   "/boot",  "/dev",    "/etc",  "/lib",
                                              "/lib32", "/lib64", "/libx32", "/proc", "/root",
                                              "/run",   "/sbin",  "/sys",    "/usr",  "/var/run" };
static const char *const common_folders[] = { "/", "/home", "/opt", "/srv", "/tmp", "/var" };

/* A home is its user's to write, and um-helper gives it to him where it makes it: so it is neither
 * a folder of the system or of all, nor somebody else's home.  Links are not followed. */
static void check_home(Core *core, const char *home, CoreError *error) {
        char holder[128];

        for (size_t i = 0; i < ARRAY_LENGTH(system_folders); i++) {
                size_t len = strlen(system_folders[i]);

                if (strncmp(home, system_folders[i], len) == 0 &&
                    (home[len] == '\0' || home[len] == '/')) {
                        core_fault_add(error, CORE_E_BAD_VALUE,
                                       "home: \"%s\": may not be in %s, which is the system's",
                                       core_quote(home).text, system_folders[i]);
                        return;
                }
        }
        for (size_t i = 0; i < ARRAY_LENGTH(common_folders); i++)
                if (strcmp(home, common_folders[i]) == 0) {
                        core_fault_add(error, CORE_E_BAD_VALUE,
                                       "home: \"%s\": may not be a folder that is there for all",
                                       core_quote(home).text);
                        return;
                }
        if (core->host.home_held(core->host.userdata, home, holder, sizeof(holder)))
                core_fault_add(error, CORE_E_BAD_VALUE, "home: \"%s\": is the home of %s",
                               core_quote(home).text, core_quote(holder).text);
}

void core_check_field(Core *core, UserField field, const char *value, CoreError *error) {
        FieldFault fault = base_field_check(fields[field].check, value, strlen(value));

        core_check_text(fields[field].label, fields[field].check, value, error);
        if (fault == FIELD_OK && field == USER_FIELD_NOTIFY)
                check_notify(value, error);
        if (fault == FIELD_OK && field == USER_FIELD_HOME)
                check_home(core, value, error);
        if (fault == FIELD_OK && field == USER_FIELD_TIME_ZONE && value[0] &&
            !core->host.time_zone_known(core->host.userdata, value))
                core_fault_add(error, CORE_E_BAD_VALUE,
                               "time zone: \"%s\": is not a zone this host knows",
                               core_quote(value).text);
}
