/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* umctl user: accounts as they are, their fields and states. */

#include <errno.h>
#include <string.h>

#include "umctl/umctl.h"

/* ---- show ------------------------------------------------------------------------------------ */

/* What a state does not have is unset. */
void user_trim(json_t *user) {
        const char *status = json_string_value(json_object_get(user, "status"));

        if (!json_is_true(json_object_get(user, "locked"))) {
                json_object_del(user, "locked_since");
                json_object_del(user, "locked_by");
                json_object_del(user, "locked_reason");
        }
        if (!status || strcmp(status, "suspended") != 0)
                json_object_del(user, "suspended_until");
        if (!json_is_true(json_object_get(user, "locked_out"))) {
                json_object_del(user, "locked_out_from");
                json_object_del(user, "locked_out_until");
        }
        user_shape_attributes(user);
        if (!json_is_true(json_object_get(user, "read_only")))
                json_object_del(user, "read_only");
        if (json_integer_value(json_object_get(user, "failures")) == 0) {
                json_object_del(user, "last_failure");
                json_object_del(user, "last_failure_source");
                json_object_del(user, "last_failure_service");
        }
}

/* "locked out for other networks until 14:05: 5 failures, last from 203.0.113.9 sshd"; "" where
 * nothing failed. */
static void failures_text(json_t *user, char *buf, size_t size) {
        json_int_t failures = json_integer_value(json_object_get(user, "failures"));
        json_t *until = json_object_get(user, "locked_out_until");
        char when[64], from[300], source[128], service[128];
        Text text;

        base_text_init(&text, buf, size);
        if (json_is_true(json_object_get(user, "locked_out"))) {
                cell_text("locked_out_until", until, when, sizeof(when));
                cell_text("", json_object_get(user, "locked_out_from"), from, sizeof(from));
                base_text_addf(&text, "locked out%s%s until %s", from[0] ? " for " : "", from,
                               strcmp(when, "never") == 0 ? "unlocked" : when);
        }
        if (failures == 0)
                return;
        base_text_addf(&text, "%s%lld failure%s", buf[0] ? ": " : "", (long long)failures,
                       failures == 1 ? "" : "s");
        if (!json_object_get(user, "last_failure"))
                return;
        cell_text("", json_object_get(user, "last_failure_source"), source, sizeof(source));
        cell_text("", json_object_get(user, "last_failure_service"), service, sizeof(service));
        cell_text("last_failure", json_object_get(user, "last_failure"), when, sizeof(when));
        base_text_addf(&text, ", last from %s %s at %s", source[0] ? source : "this machine",
                       service, when);
}

/* "totp 3 (phone)", "recovery 4 (7 left)", for people to read. */
static json_t *factors_words(const json_t *factors) {
        json_t *words = json_array(), *factor;
        size_t i;

        json_array_foreach(factors, i, factor) {
                const char *label = json_string_value(json_object_get(factor, "label"));
                const json_t *left = json_object_get(factor, "codes_left");
                bool waits =
                        strcmp(json_string_value(json_object_get(factor, "state")), "active") != 0;
                char more[160] = "";

                if (left)
                        snprintf(more, sizeof(more), " (%lld left)",
                                 (long long)json_integer_value(left));
                else if (label && label[0])
                        snprintf(more, sizeof(more), " (%s)", label);
                json_array_append_new(
                        words, json_sprintf("%s %lld%s%s",
                                            json_string_value(json_object_get(factor, "method")),
                                            (long long)json_integer_value(
                                                    json_object_get(factor, "number")),
                                            more, waits ? " pending" : ""));
        }
        return words;
}

/* ", expires 2027-01-01"; ", expired 2026-07-01, 2 logins left". */
static void expiry_text(const json_t *user, Text *text) {
        json_t *expires = json_object_get(user, "password_expires");
        json_int_t left = json_integer_value(json_object_get(user, "password_grace_left"));
        bool over = json_is_integer(expires) && /* never is a word */
                    (uint64_t)json_integer_value(expires) <= base_realtime_usec();
        char when[64];

        cell_text("password_expires", expires, when, sizeof(when));
        base_text_addf(text, ", %s %s", over ? "expired" : "expires", when);
        if (over)
                base_text_addf(text, ", %lld login%s left", (long long)left, left == 1 ? "" : "s");
}

/* "set 2026-07-01, must be changed, expires never"; "none, setup code waiting". */
static void password_text(const json_t *user, char *buf, size_t size) {
        bool has = json_is_true(json_object_get(user, "has_password"));
        char set[64];
        Text text;

        cell_text("password_changed", json_object_get(user, "password_changed"), set, sizeof(set));
        base_text_init(&text, buf, size);
        base_text_addf(&text, "%s%s", has ? "set " : "none", has ? set : "");
        if (json_is_true(json_object_get(user, "must_change")))
                base_text_add(&text, ", must be changed");
        if (has)
                expiry_text(user, &text);
        if (json_is_true(json_object_get(user, "has_setup_code")))
                base_text_add(&text, ", setup code waiting");
}

int user_print(Ctl *ctl, json_t *user) {
        static const char *const keys[] = {
                "name",          "uid",
                "gid",           "full_name",
                "email",         "phone",
                "title",         "department",
                "language",      "time_zone",
                "notify",        "home",
                "shell",         "tenant",
                "kind",          "read_only",
                "type",          "affiliation",
                "groups",        "roles",
                "attributes",    "status",
                "status_since",  "status_by",
                "status_reason", "suspended_until",
                "valid_from",    "valid_until",
                "locked_since",  "locked_by",
                "locked_reason", "failures",
                "password",      "factors",
                "created",       "created_by",
        };
        char text[600];

        user_trim(user);
        if (ctl->json != JSON_OFF) {
                json_print(ctl, "user", json_incref(user));
                return EXIT_DONE;
        }
        password_text(user, text, sizeof(text));
        json_object_set_new(user, "password", json_string(text));
        failures_text(user, text, sizeof(text));
        json_object_set_new(user, "failures", json_string(text));
        json_object_set_new(user, "factors", factors_words(json_object_get(user, "factors")));
        record_print(user, keys, ARRAY_LENGTH(keys));
        return EXIT_DONE;
}

/* The object of a name, an e-mail address or a uid. */
static int user_path(Ctl *ctl, const char *name, char **ret) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        uint32_t uid;
        bool numeric = base_parse_id(name, &uid) == 0;
        const char *path;
        int r;

        if (!numeric && !strchr(name, '@')) {
                r = sd_bus_path_encode(WIRE_PATH_USER, name, ret);
                return r < 0 ? complain(ctl, EXIT_FAILED, "%s", strerror(-r)) : 0;
        }
        r = ctl_message_new(ctl, WIRE_PATH, WIRE_MANAGER,
                            numeric ? "GetUserByUID" : "GetUserByName", &m);
        if (r != 0)
                return r;
        r = numeric ? sd_bus_message_append(m, "u", uid) : sd_bus_message_append(m, "s", name);
        if (r < 0)
                return complain(ctl, EXIT_USAGE, "name: must be UTF-8");
        r = ctl_call(ctl, m, &reply);
        if (r != 0)
                return r;
        r = sd_bus_message_read(reply, "o", &path);
        if (r < 0)
                return ctl_bad_reply(ctl, r);
        *ret = strdup(path);
        return *ret ? 0 : complain(ctl, EXIT_FAILED, "out of memory");
}

int user_message_new(Ctl *ctl, const char *name, const char *member, sd_bus_message **ret) {
        _cleanup_free_ char *path = NULL;
        int r = user_path(ctl, name, &path);

        return r != 0 ? r : ctl_message_new(ctl, path, WIRE_USER, member, ret);
}

/* Was umd asked by one with user.view.private?  Others are not told of failures and factors. */
static bool sees_private(const json_t *user) {
        return json_object_get(user, "failures") != NULL;
}

int user_show(Ctl *ctl, int argc, char *argv[]) {
        _cleanup_free_ char *path = NULL;
        json_t *user = NULL, *factors = NULL;
        int r = user_path(ctl, argv[0], &path);

        if (r == 0)
                r = object_get_all(ctl, path, WIRE_USER, &user);
        if (r == 0 && sees_private(user))
                r = factors_get(ctl, json_string_value(json_object_get(user, "name")), &factors);
        if (r == 0 && json_array_size(factors) > 0)
                json_object_set(user, "factors", factors);
        if (r == 0)
                r = user_print(ctl, user);
        json_decref(factors);
        json_decref(user);
        return r;
}

/* ---- changes --------------------------------------------------------------------------------- */

/* Of one user, or of all that --filter finds. */
static bool is_one(const Ctl *ctl, int argc) {
        return argc == 1 && !option_given(ctl, "filter");
}

static int append_set(Ctl *ctl, sd_bus_message *m, const char *argument) {
        return user_append_fields(ctl, m);
}

int user_set(Ctl *ctl, int argc, char *argv[]) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        if (!is_one(ctl, argc))
                return many_run(ctl, argc, "user.update", "changed", append_set, NULL);
        r = user_message_new(ctl, argv[0], "Update", &m);
        if (r == 0)
                r = user_append_fields(ctl, m);
        if (r == 0)
                r = ctl_change(ctl, m, "user", "changed");
        if (r == 0)
                shell_warn(ctl);
        return r;
}

/* A method without arguments of its own. */
static int user_step(Ctl *ctl, const char *name, const char *member, const char *done) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r = user_message_new(ctl, name, member, &m);

        return r != 0 ? r : ctl_change(ctl, m, "user", done);
}

int user_lock(Ctl *ctl, int argc, char *argv[]) {
        return is_one(ctl, argc) ? user_step(ctl, argv[0], "Lock", "locked")
                                 : many_run(ctl, argc, "user.lock", "locked", NULL, NULL);
}

/* Why he could not come in; false where nothing kept him out. */
static bool unlock_tell(json_t *user, const char *name) {
        bool locked = json_is_true(json_object_get(user, "locked"));
        char since[64], by[128], why[300], failures[600];

        if (locked) {
                cell_text("locked_since", json_object_get(user, "locked_since"), since,
                          sizeof(since));
                cell_text("", json_object_get(user, "locked_by"), by, sizeof(by));
                cell_text("", json_object_get(user, "locked_reason"), why, sizeof(why));
                printf("user %s: was locked since %s by %s: %s\n", name, since, by,
                       why[0] ? why : "no reason given");
        }
        user_trim(user);
        failures_text(user, failures, sizeof(failures));
        if (failures[0])
                printf("user %s: %s%s\n", name,
                       json_is_true(json_object_get(user, "locked_out")) ? "was " : "not locked, ",
                       failures);
        if (!locked && !failures[0])
                printf("user %s: is not locked\n", name);
        return locked || failures[0];
}

int user_unlock(Ctl *ctl, int argc, char *argv[]) {
        _cleanup_free_ char *path = NULL;
        json_t *user = NULL;
        bool change = true;
        int r;

        if (!is_one(ctl, argc))
                return many_run(ctl, argc, "user.unlock", "unlocked", NULL, NULL);
        r = user_path(ctl, argv[0], &path);
        if (r == 0)
                r = object_get_all(ctl, path, WIRE_USER, &user);
        if (r != 0)
                return r;
        if (ctl->json == JSON_OFF && sees_private(user))
                change = unlock_tell(user, argv[0]);
        json_decref(user);
        return change ? user_step(ctl, argv[0], "Unlock", "unlocked") : EXIT_DONE;
}

static int until_read(Ctl *ctl, uint64_t *ret) {
        *ret = USEC_INFINITY;
        if (option_given(ctl, "until") &&
            when_parse(option_get(ctl, "until"), base_realtime_usec(), ret) < 0)
                return complain(ctl, EXIT_USAGE, "--until: \"%s\": not a date, time or span",
                                option_get(ctl, "until"));
        return 0;
}

static int append_until(Ctl *ctl, sd_bus_message *m, const char *argument) {
        uint64_t until;
        int r = until_read(ctl, &until);

        if (r != 0)
                return r;
        r = sd_bus_message_append(m, "a{sv}", 1, "until", "t", until);
        return r < 0 ? complain(ctl, EXIT_FAILED, "%s", strerror(-r)) : 0;
}

int user_suspend(Ctl *ctl, int argc, char *argv[]) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        uint64_t until;
        int r;

        if (!is_one(ctl, argc))
                return many_run(ctl, argc, "user.suspend", "suspended", append_until, NULL);
        r = until_read(ctl, &until);
        if (r == 0)
                r = user_message_new(ctl, argv[0], "Suspend", &m);
        if (r != 0)
                return r;
        r = sd_bus_message_append(m, "t", until);
        return r < 0 ? complain(ctl, EXIT_FAILED, "%s", strerror(-r))
                     : ctl_change(ctl, m, "user", "suspended");
}

int user_resume(Ctl *ctl, int argc, char *argv[]) {
        return is_one(ctl, argc) ? user_step(ctl, argv[0], "Resume", "resumed")
                                 : many_run(ctl, argc, "user.resume", "resumed", NULL, NULL);
}

int user_disable(Ctl *ctl, int argc, char *argv[]) {
        return is_one(ctl, argc) ? user_step(ctl, argv[0], "Disable", "disabled")
                                 : many_run(ctl, argc, "user.disable", "disabled", NULL, NULL);
}

int user_enable(Ctl *ctl, int argc, char *argv[]) {
        return is_one(ctl, argc) ? user_step(ctl, argv[0], "Enable", "enabled")
                                 : many_run(ctl, argc, "user.enable", "enabled", NULL, NULL);
}

int user_delete(Ctl *ctl, int argc, char *argv[]) {
        int r;

        if (!is_one(ctl, argc))
                return many_run(ctl, argc, "user.delete", "deleted", NULL, NULL);
        r = ask_confirm(ctl, "Delete user %s?", argv[0]);

        return r != 0 ? r : user_step(ctl, argv[0], "Delete", "deleted");
}

int user_restore(Ctl *ctl, int argc, char *argv[]) {
        return is_one(ctl, argc)
                       ? user_step(ctl, argv[0], "Restore", "restored as inactive")
                       : many_run(ctl, argc, "user.restore", "restored as inactive", NULL, NULL);
}
