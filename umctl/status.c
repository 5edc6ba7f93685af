/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* umctl status: one screen; exit 0 only if all of um's parts are well.  The clock is told, and not
 * judged: many a host has nothing that keeps it. */

#include <string.h>

#include "umctl/umctl.h"

#define SETTLE_USEC      (2 * USEC_PER_SEC)
#define SETTLE_STEP_USEC (50 * USEC_PER_MSEC)

/* "12 KiB" of a number of bytes. */
static json_t *size_text(const json_t *bytes) {
        double size = (double)json_integer_value(bytes) / 1024;
        char text[64];

        if (size < 1024)
                snprintf(text, sizeof(text), "%.0f KiB", size);
        else
                snprintf(text, sizeof(text), "%.1f MiB", size / 1024);
        return json_string(text);
}

static const char *quality_text(const json_t *status) {
        const char *why = json_string_value(json_object_get(status, "quality"));

        return json_is_true(json_object_get(status, "quality_ok")) ? "ok" : why ? why : "unknown";
}

/* What is wrong with codes by e-mail, or with security keys; NULL for nothing, and where the
 * company's rules want none. */
static const char *trouble_text(const json_t *status, const char *key) {
        const char *why = json_string_value(json_object_get(status, key));
        char flag[32];

        snprintf(flag, sizeof(flag), "%s_ok", key);
        return json_is_false(json_object_get(status, flag)) ? why ? why : "unknown" : NULL;
}

static bool has_trouble(const json_t *status) {
        return trouble_text(status, "mail") || trouble_text(status, "fido") ||
               trouble_text(status, "sudo");
}

/* One that was made and does not hold is trouble; that there is none is the host's own choice. */
static bool recovery_failed(const json_t *status) {
        const char *word = json_string_value(json_object_get(status, "recovery_key"));

        return word && strcmp(word, "failed") == 0;
}

static bool tenant_is_missing(const json_t *status) {
        return json_is_false(json_object_get(status, "tenant_ok"));
}

static const char *tenant_text(const json_t *status, char *buf, size_t size) {
        const char *name = json_string_value(json_object_get(status, "host_tenant"));

        snprintf(buf, size, "%s%s", name ? name : "unknown",
                 tenant_is_missing(status) ? ": was never made: nobody has a role here" : "");
        return buf;
}

/* NULL where the vault did not say. */
static const char *recovery_text(const json_t *status) {
        const char *word = json_string_value(json_object_get(status, "recovery_key"));

        if (!word || !*word)
                return NULL;
        if (strcmp(word, "kept") == 0)
                return "kept";
        return recovery_failed(status)
                       ? "the vault's key is not kept for it: see journalctl -u um-vault"
                       : "none: who loses the vault's key loses all passwords and second factors; "
                         "\"umctl doctor\" says how to make one";
}

static bool disk_is_full(const json_t *status) {
        return json_is_false(json_object_get(status, "disk_ok"));
}

static const char *vault_text(const json_t *status) {
        if (json_is_true(json_object_get(status, "vault_ok")))
                return "ok";
        if (json_is_false(json_object_get(status, "vault_key_ok")))
                return "has another key: no password can be checked or set; see \"Another key\" in "
                       "umd(8)";
        return "away: no password can be checked";
}

/* Figures are root's to see; those of a store that is not served would only look like an empty one.
 */
static void figures_for_people(json_t *status) {
        static const char *const figures[] = { "users", "groups", "audit_entries" };

        if (!json_is_true(json_object_get(status, "store_ok")))
                for (size_t i = 0; i < ARRAY_LENGTH(figures); i++)
                        json_object_del(status, figures[i]);
        else if (json_object_get(status, "store_used_bytes"))
                json_object_set_new(status, "store_size",
                                    size_text(json_object_get(status, "store_used_bytes")));
        if (json_is_true(json_object_get(status, "map_ok")) && json_object_get(status, "map_bytes"))
                json_object_set_new(status, "map_size",
                                    size_text(json_object_get(status, "map_bytes")));
}

static void text_set(json_t *status, const char *key, const char *text) {
        if (text)
                json_object_set_new(status, key, json_string(text));
        else
                json_object_del(status, key);
}

/* Words in place of what a program reads. */
static void texts_for_people(json_t *status) {
        bool served = json_is_true(json_object_get(status, "store_ok")),
             published = json_is_true(json_object_get(status, "map_ok"));
        char tenant[128];

        text_set(status, "store",
                 !served                ? "not served"
                 : disk_is_full(status) ? "the disk is full: logins go on in its reserve, new "
                                          "users and groups are refused"
                                        : "ok");
        text_set(status, "vault", vault_text(status));
        text_set(status, "recovery_key", recovery_text(status));
        text_set(status, "quality", quality_text(status));
        text_set(status, "mail", trouble_text(status, "mail"));
        text_set(status, "fido", trouble_text(status, "fido"));
        text_set(status, "sudo", trouble_text(status, "sudo"));
        text_set(status, "tenant", tenant_text(status, tenant, sizeof(tenant)));
        text_set(status, "map", published ? "ok" : "not published: lookups go through the socket");
        text_set(status, "clock", clock_synchronised() ? "synchronised" : "not synchronised");
}

int status_ask(Ctl *ctl, json_t **ret) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        int r = ctl_message_new(ctl, WIRE_PATH, WIRE_MANAGER, "Status", &m);

        if (r == 0)
                r = ctl_call(ctl, m, &reply);
        if (r != 0)
                return r;
        r = json_from_dict(reply, ret);
        return r < 0 ? ctl_bad_reply(ctl, r) : 0;
}

int status_settled(Ctl *ctl, int (*ask)(Ctl *ctl, json_t **ret), json_t **ret) {
        uint64_t end_usec = base_boottime_usec() + SETTLE_USEC;
        json_t *status;
        int r;

        for (;;) {
                r = ask(ctl, &status);
                if (r != 0)
                        return r;
                if (!json_is_true(json_object_get(status, "store_ok")) ||
                    (json_is_true(json_object_get(status, "vault_ok")) &&
                     json_is_true(json_object_get(status, "quality_ok")) && !has_trouble(status)) ||
                    json_is_false(json_object_get(status, "vault_key_ok")) ||
                    base_boottime_usec() >= end_usec)
                        break;
                json_decref(status);
                (void)sd_bus_wait(ctl->bus, SETTLE_STEP_USEC); /* or until umd is gone */
        }
        *ret = status;
        return 0;
}

int status_run(Ctl *ctl, int argc, char *argv[]) {
        static const char *const keys[] = {
                "version",    "store",         "why",      "vault",       "recovery_key",
                "quality",    "mail",          "fido",     "sudo",        "tenant",
                "map",        "users",         "groups",   "map_size",    "map_published",
                "store_size", "audit_entries", "sessions", "connections", "started",
                "clock",
        };
        json_t *status = NULL;
        bool well;
        int r = status_settled(ctl, status_ask, &status);

        if (r != 0)
                return r;
        well = json_is_true(json_object_get(status, "store_ok")) &&
               json_is_true(json_object_get(status, "map_ok")) &&
               json_is_true(json_object_get(status, "vault_ok")) &&
               json_is_true(json_object_get(status, "quality_ok")) && !has_trouble(status) &&
               !recovery_failed(status) && !disk_is_full(status) && !tenant_is_missing(status);
        if (ctl->json != JSON_OFF) {
                json_object_set_new(status, "clock_synchronised",
                                    json_boolean(clock_synchronised()));
                json_object_set_new(status, "well", json_boolean(well));
                json_print(ctl, "status", status);
                return well ? EXIT_DONE : EXIT_FAILED;
        }
        texts_for_people(status);
        figures_for_people(status);
        record_print(status, keys, ARRAY_LENGTH(keys));
        json_decref(status);
        if (!well)
                fprintf(stderr, "umctl: status: not all is well\n");
        return well ? EXIT_DONE : EXIT_FAILED;
}
