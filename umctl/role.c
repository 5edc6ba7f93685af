/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* umctl role: roles, who holds them, and what somebody may; umctl access: why. */

#include <errno.h>
#include <string.h>

#include "umctl/umctl.h"

#define PAGE 500U

static int fail(const Ctl *ctl, int r) {
        return r == -EINVAL ? complain(ctl, EXIT_USAGE, "a value is not UTF-8")
                            : complain(ctl, EXIT_FAILED, "%s", strerror(-r));
}

static int message_new(Ctl *ctl, const char *member, const char *first, const char *second,
                       sd_bus_message **ret) {
        int r = ctl_message_new(ctl, WIRE_PATH, WIRE_ROLE, member, ret);

        if (r != 0)
                return r;
        if (first)
                r = sd_bus_message_append(*ret, "s", first);
        if (r >= 0 && second)
                r = sd_bus_message_append(*ret, "s", second);
        return r < 0 ? fail(ctl, r) : 0;
}

/* Sends a change and tells of it. */
static int change(Ctl *ctl, sd_bus_message *m, const char *name, const char *done, json_t *more) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        const char *id;
        int r = ctl_send(ctl, m, &reply);

        if (r == 0) {
                r = sd_bus_message_read(reply, "s", &id);
                if (r >= 0)
                        return ctl_print_change(ctl, "role", name, done, id, more);
                r = ctl_bad_reply(ctl, r);
        }
        json_decref(more);
        return r;
}

/* ---- roles ----------------------------------------------------------------------------------- */

static int append_list(sd_bus_message *m, const char *key, const char *const *values,
                       size_t count) {
        int r = sd_bus_message_open_container(m, 'e', "sv");

        if (r >= 0)
                r = sd_bus_message_append(m, "s", key);
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'v', "as");
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "s");
        for (size_t i = 0; i < count && r >= 0; i++)
                if (values[i][0]) /* --permit '' empties the list */
                        r = sd_bus_message_append(m, "s", values[i]);
        for (int i = 0; i < 3 && r >= 0; i++)
                r = sd_bus_message_close_container(m);
        return r;
}

static int append_one_tenant(Ctl *ctl, sd_bus_message *m) {
        const char *word = option_get(ctl, "one-tenant");
        int r;

        if (!word)
                return 0;
        if (strcmp(word, "yes") != 0 && strcmp(word, "no") != 0)
                return complain(ctl, EXIT_USAGE, "--one-tenant: must be yes or no");
        r = sd_bus_message_append(m, "{sv}", "one_tenant", "b", (int)(word[0] == 'y'));
        return r < 0 ? fail(ctl, r) : 0;
}

static int append_role_fields(Ctl *ctl, sd_bus_message *m) {
        static const struct {
                const char *option, *key;
        } lists[] = {
                { "inherit", "inherit" },          { "permit", "permit" },
                { "without", "without" },          { "deny", "deny" },
                { "require", "require" },          { "conflicts", "conflicts" },
                { "linux-group", "linux_groups" },
        };
        static const char *const texts[] = { "description", "clone", "kind", "auto" };
        int r = sd_bus_message_open_container(m, 'a', "{sv}");

        for (size_t i = 0; i < ARRAY_LENGTH(texts) && r >= 0; i++)
                if (option_given(ctl, texts[i]))
                        r = sd_bus_message_append(m, "{sv}", texts[i], "s",
                                                  option_get(ctl, texts[i]));
        for (size_t i = 0; i < ARRAY_LENGTH(lists) && r >= 0; i++) {
                const char *const *values;
                size_t count;

                if (!option_given(ctl, lists[i].option))
                        continue;
                values = option_values(ctl, lists[i].option, &count);
                r = append_list(m, lists[i].key, values, count);
        }
        if (r < 0)
                return fail(ctl, r);
        r = append_one_tenant(ctl, m);
        if (r != 0)
                return r;
        r = sd_bus_message_close_container(m);
        return r < 0 ? fail(ctl, r) : 0;
}

/* Who would come to the role by the condition that is tried, and who would not have it any more. */
static int try_get(Ctl *ctl, const char *name, json_t **ret) {
        json_t *all = json_array();
        char cursor[128] = "";
        int r;

        do {
                _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
                json_t *page = NULL;
                const char *next;

                r = message_new(ctl, "TryAuto", name, option_get(ctl, "auto"), &m);
                if (r == 0) {
                        r = sd_bus_message_append(m, "su", cursor, PAGE);
                        r = r < 0 ? fail(ctl, r) : ctl_call(ctl, m, &reply);
                }
                if (r != 0)
                        break;
                r = json_from_dicts(reply, &page);
                if (r >= 0) {
                        json_array_extend(all, page);
                        json_decref(page);
                        r = sd_bus_message_read(reply, "s", &next);
                }
                if (r < 0) {
                        r = ctl_bad_reply(ctl, r);
                        break;
                }
                (void)snprintf(cursor, sizeof(cursor), "%s", next);
                r = 0;
        } while (cursor[0]);
        if (r == 0)
                *ret = all;
        else
                json_decref(all);
        return r;
}

static json_t *names_of(const json_t *rows, bool gains) {
        json_t *names = json_array(), *row;
        size_t i;

        json_array_foreach(rows, i, row) {
                if (json_is_true(json_object_get(row, "gains")) == gains)
                        json_array_append(names, json_object_get(row, "user"));
        }
        return names;
}

static void names_print(const json_t *names, const char *what) {
        json_t *name;
        size_t i;

        json_array_foreach(names, i, name) {
                printf("user %s: %s\n", json_string_value(name), what);
        }
}

static int role_write(Ctl *ctl, const char *member, const char *name, const char *done) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        bool tried = ctl->dry_run && option_given(ctl, "auto");
        json_t *rows = NULL, *gains = NULL, *loses = NULL, *more = NULL;
        int r = message_new(ctl, member, name, NULL, &m);

        if (r == 0)
                r = append_role_fields(ctl, m);
        if (r == 0 && tried)
                r = try_get(ctl, name, &rows);
        if (r == 0 && tried) {
                gains = names_of(rows, true);
                loses = names_of(rows, false);
                more = json_pack("{s:O,s:O}", "gains", gains, "loses", loses);
        }
        if (r == 0)
                r = change(ctl, m, name, done, more);
        if (r == 0 && tried && ctl->json == JSON_OFF) {
                names_print(gains, "would gain it");
                names_print(loses, "would lose it");
        }
        json_decref(gains);
        json_decref(loses);
        json_decref(rows);
        return r;
}

int role_add(Ctl *ctl, int argc, char *argv[]) {
        return role_write(ctl, "Add", argv[0], "created");
}

int role_set(Ctl *ctl, int argc, char *argv[]) {
        return role_write(ctl, "Set", argv[0], "changed");
}

int role_delete(Ctl *ctl, int argc, char *argv[]) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r = ask_confirm(ctl, "Delete role %s%s?", argv[0],
                            option_given(ctl, "force") ? ", and revoke it from all who hold it"
                                                       : "");

        if (r == 0)
                r = message_new(ctl, "Delete", argv[0], NULL, &m);
        if (r != 0)
                return r;
        r = sd_bus_message_append(m, "b", (int)option_given(ctl, "force"));
        return r < 0 ? fail(ctl, r) : change(ctl, m, argv[0], "deleted", NULL);
}

/* All pages of a method that answers rows and a cursor; page_first NULL: it has no first argument.
 */
static int pages_get(Ctl *ctl, const char *member, const char *first, json_t **ret) {
        json_t *all = json_array();
        char cursor[128] = "";
        int r;

        do {
                _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
                json_t *page = NULL;
                const char *next;

                r = message_new(ctl, member, first, cursor, &m);
                if (r == 0) {
                        r = sd_bus_message_append(m, "u", PAGE);
                        r = r < 0 ? fail(ctl, r) : ctl_call(ctl, m, &reply);
                }
                if (r != 0)
                        break;
                r = json_from_dicts(reply, &page);
                if (r >= 0) {
                        json_array_extend(all, page);
                        json_decref(page);
                        r = sd_bus_message_read(reply, "s", &next);
                }
                if (r < 0) {
                        r = ctl_bad_reply(ctl, r);
                        break;
                }
                (void)snprintf(cursor, sizeof(cursor), "%s", next);
                r = 0;
        } while (cursor[0]);
        if (r == 0)
                *ret = all;
        else
                json_decref(all);
        return r;
}

/* Rows of a method without pages. */
static int rows_get(Ctl *ctl, const char *member, const char *first, const char *second,
                    json_t **ret) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        int r = message_new(ctl, member, first, second, &m);

        if (r == 0)
                r = ctl_call(ctl, m, &reply);
        if (r != 0)
                return r;
        r = json_from_dicts(reply, ret);
        return r < 0 ? ctl_bad_reply(ctl, r) : 0;
}

/* As a table, JSON or CSV; takes the rows. */
static int rows_print(Ctl *ctl, const char *what, json_t *rows, const char *const *columns,
                      size_t count) {
        int r = 0;

        ctl->csv = option_given(ctl, "csv");
        if (ctl->csv && ctl->json != JSON_OFF)
                r = complain(ctl, EXIT_USAGE, "--csv and --json exclude each other");
        if (r == 0)
                r = table_print(ctl, what, rows, columns, count, true);
        json_decref(rows);
        return r;
}

int role_list(Ctl *ctl, int argc, char *argv[]) {
        static const char *const columns[] = { "name", "inherit", "built_in", "description" };
        json_t *rows = NULL;
        int r = pages_get(ctl, "List", NULL, &rows);

        return r != 0 ? r : rows_print(ctl, "roles", rows, columns, ARRAY_LENGTH(columns));
}

static int role_get(Ctl *ctl, const char *name, json_t **ret) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        int r = message_new(ctl, "Get", name, NULL, &m);

        if (r == 0)
                r = ctl_call(ctl, m, &reply);
        if (r != 0)
                return r;
        r = json_from_dict(reply, ret);
        return r < 0 ? ctl_bad_reply(ctl, r) : 0;
}

static const char *const grant_columns[] = { "user",  "role",      "tenant",       "over",
                                             "from",  "until",     "by",           "reason",
                                             "state", "attribute", "end_sessions", "auto" };

int role_show(Ctl *ctl, int argc, char *argv[]) {
        static const char *const keys[] = {
                "name",    "description", "inherit", "permit",     "without",      "deny",
                "require", "conflicts",   "kind",    "one_tenant", "linux_groups", "missing_groups",
                "auto",    "permissions", "denied",  "fault",      "built_in",     "created",
        };
        json_t *role = NULL, *holders = NULL;
        int r = role_get(ctl, argv[0], &role);

        if (r != 0)
                return r;
        r = pages_get(ctl, "ListHolders", argv[0], &holders);
        if (r == 0 && ctl->json != JSON_OFF) {
                json_object_set(role, "holders", holders);
                json_print(ctl, "role", json_incref(role));
        } else if (r == 0) {
                record_print(role, keys, ARRAY_LENGTH(keys));
                if (json_array_size(holders) > 0)
                        r = table_print(ctl, "grants", holders, grant_columns,
                                        ARRAY_LENGTH(grant_columns), true);
        }
        json_decref(holders);
        json_decref(role);
        return r;
}

int role_permissions(Ctl *ctl, int argc, char *argv[]) {
        static const char *const columns[] = { "name", "category", "reads", "meaning" };
        const char *category = option_get(ctl, "category");
        json_t *rows = NULL;
        int r = rows_get(ctl, "Permissions", category ? category : "", NULL, &rows);

        return r != 0 ? r : rows_print(ctl, "permissions", rows, columns, ARRAY_LENGTH(columns));
}

/* ---- grants ---------------------------------------------------------------------------------- */

static int append_time(Ctl *ctl, sd_bus_message *m, const char *option, const char *key) {
        uint64_t usec;
        int r;

        if (!option_given(ctl, option))
                return 0;
        if (when_parse(option_get(ctl, option), base_realtime_usec(), &usec) < 0)
                return complain(ctl, EXIT_USAGE, "--%s: \"%s\": not a date, time or span", option,
                                option_get(ctl, option));
        r = sd_bus_message_append(m, "{sv}", key, "t", usec);
        return r < 0 ? fail(ctl, r) : 0;
}

/* role NULL: it is an argument of its own. */
static int append_grant(Ctl *ctl, sd_bus_message *m, const char *role) {
        static const char *const texts[] = { "tenant", "over" };
        int r = sd_bus_message_open_container(m, 'a', "{sv}");

        if (r >= 0 && role)
                r = sd_bus_message_append(m, "{sv}", "role", "s", role);
        for (size_t i = 0; i < ARRAY_LENGTH(texts) && r >= 0; i++)
                if (option_given(ctl, texts[i]))
                        r = sd_bus_message_append(m, "{sv}", texts[i], "s",
                                                  option_get(ctl, texts[i]));
        if (r >= 0 && option_given(ctl, "allow-conflict"))
                r = sd_bus_message_append(m, "{sv}", "allow_conflict", "b", 1);
        if (r >= 0 && option_given(ctl, "end-sessions"))
                r = sd_bus_message_append(m, "{sv}", "end_sessions", "b", 1);
        if (r < 0)
                return fail(ctl, r);
        r = append_time(ctl, m, "starting", "from");
        if (r == 0)
                r = append_time(ctl, m, "for", "until");
        if (r == 0)
                r = append_time(ctl, m, "until", "until");
        if (r != 0)
                return r;
        r = sd_bus_message_close_container(m);
        return r < 0 ? fail(ctl, r) : 0;
}

static bool list_has(json_t *rows, const char *key, const char *text) {
        json_t *row;
        size_t i;

        json_array_foreach(rows, i, row) {
                const json_t *value = key ? json_object_get(row, key) : row;

                if (strcmp(json_string_value(value) ?: "", text) == 0)
                        return true;
        }
        return false;
}

/* What of the role's list the user has, or has not. */
static json_t *list_pick(json_t *list, json_t *effective, bool has) {
        json_t *picked = json_array(), *name;
        size_t i;

        json_array_foreach(list, i, name) if (list_has(effective, "permission",
                                                       json_string_value(name)) == has)
                json_array_append(picked, name);
        return picked;
}

/* What a grant would change for the user: all that the role has and he has not, and what it denies
 * him. */
static int gains_get(Ctl *ctl, const char *role, const char *user, json_t *ret) {
        const char *tenant = option_get(ctl, "tenant");
        json_t *shown = NULL, *effective = NULL;
        int r = role_get(ctl, role, &shown);

        if (r == 0)
                r = rows_get(ctl, "GetEffective", user,
                             tenant && strcmp(tenant, "all") != 0 ? tenant : "", &effective);
        if (r == 0) {
                json_object_set_new(ret, "gains",
                                    list_pick(json_object_get(shown, "permissions"), effective,
                                              false));
                json_object_set_new(ret, "loses",
                                    list_pick(json_object_get(shown, "denied"), effective, true));
        }
        json_decref(shown);
        json_decref(effective);
        return r;
}

static int grant_write(Ctl *ctl, int argc, char *argv[], const char *member, const char *done) {
        static const char *const keys[] = { "gains", "loses" };
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        json_t *more;
        bool grant = strcmp(member, "Grant") == 0;
        char text[300];
        int r;

        if (option_given(ctl, "for") && option_given(ctl, "until"))
                return complain(ctl, EXIT_USAGE, "--for and --until exclude each other");
        if (argc == 1 || option_given(ctl, "filter"))
                return many_run(ctl, argc - 1, grant ? "role.grant" : "role.revoke",
                                grant ? "granted it" : "revoked of it", append_grant, argv[0]);
        r = message_new(ctl, member, argv[1], argv[0], &m);
        if (r == 0)
                r = append_grant(ctl, m, NULL);
        if (r != 0)
                return r;
        (void)snprintf(text, sizeof(text), "%s %.255s", done, argv[1]);
        more = json_pack("{s:s}", "user", argv[1]);
        if (ctl->dry_run && grant)
                r = gains_get(ctl, argv[0], argv[1], more);
        if (r == 0)
                r = change(ctl, m, argv[0], text, json_incref(more));
        if (r == 0 && ctl->json == JSON_OFF)
                record_print(more, keys, ARRAY_LENGTH(keys));
        json_decref(more);
        return r;
}

int role_grant(Ctl *ctl, int argc, char *argv[]) {
        return grant_write(ctl, argc, argv, "Grant", "granted to");
}

int role_revoke(Ctl *ctl, int argc, char *argv[]) {
        return grant_write(ctl, argc, argv, "Revoke", "revoked from");
}

int role_grants(Ctl *ctl, int argc, char *argv[]) {
        json_t *rows = NULL;
        int r = rows_get(ctl, "ListGrants", argv[0], NULL, &rows);

        return r != 0 ? r
                      : rows_print(ctl, "grants", rows, grant_columns, ARRAY_LENGTH(grant_columns));
}

/* ---- where a right comes from ---------------------------------------------------------------- */

static const char *tenant_or_host(const Ctl *ctl) {
        const char *tenant = option_get(ctl, "tenant");

        return tenant ? tenant : "";
}

int role_effective(Ctl *ctl, int argc, char *argv[]) {
        static const char *const columns[] = { "permission", "roles", "tenant", "over", "until" };
        json_t *rows = NULL;
        int r = rows_get(ctl, "GetEffective", argv[0], tenant_or_host(ctl), &rows);

        return r != 0 ? r : rows_print(ctl, "paths", rows, columns, ARRAY_LENGTH(columns));
}

static int why_print(Ctl *ctl, const char *user, const char *permission, json_t *why) {
        static const char *const columns[] = { "roles",  "tenant", "over",     "until",
                                               "denies", "state",  "attribute" };
        static const char *const keys[] = { "user", "permission", "tenant", "answer", "roles" };
        json_t *paths = json_object_get(why, "paths");
        int r = 0;

        json_object_set_new(why, "user", json_string(user));
        json_object_set_new(why, "permission", json_string(permission));
        if (ctl->json != JSON_OFF) {
                json_print(ctl, NULL, json_incref(why));
                return 0;
        }
        record_print(why, keys, ARRAY_LENGTH(keys));
        if (json_array_size(paths) > 0)
                r = table_print(ctl, "paths", paths, columns, ARRAY_LENGTH(columns), true);
        return r;
}

int access_why(Ctl *ctl, int argc, char *argv[]) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        const char *answer, *tenant, *role;
        json_t *why = json_object(), *paths = NULL, *roles = json_array();
        int r = message_new(ctl, "Why", argv[0], argv[1], &m);

        if (r == 0) {
                r = sd_bus_message_append(m, "s", tenant_or_host(ctl));
                r = r < 0 ? fail(ctl, r) : ctl_call(ctl, m, &reply);
        }
        if (r == 0) {
                r = json_from_dicts(reply, &paths);
                if (r >= 0)
                        r = sd_bus_message_read(reply, "ss", &answer, &tenant);
                if (r >= 0)
                        r = sd_bus_message_enter_container(reply, 'a', "s");
                while (r >= 0 && (r = sd_bus_message_read_basic(reply, 's', &role)) > 0)
                        json_array_append_new(roles, json_string(role));
                if (r < 0)
                        r = ctl_bad_reply(ctl, r);
        }
        if (r == 0) {
                json_object_set_new(why, "tenant", json_string(tenant));
                json_object_set_new(why, "answer", json_string(answer));
                json_object_set(why, "paths", paths);
                if (strcmp(answer, "held") != 0 && strcmp(answer, "account") != 0)
                        json_object_set(why, "roles", roles);
                r = why_print(ctl, argv[0], argv[1], why);
        }
        json_decref(paths);
        json_decref(roles);
        json_decref(why);
        return r;
}
