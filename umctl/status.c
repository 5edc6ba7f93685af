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

/* NULL where no code is to be sent, or can be. */
static const char *mail_text(const json_t *status) {
        const char *why = json_string_value(json_object_get(status, "mail"));

        return json_is_false(json_object_get(status, "mail_ok")) ? why ? why : "unknown" : NULL;
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
static void for_people(json_t *status) {
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

/* A vault or um-quality that has just been started, or is just being met, is not away. */
static int status_settled(Ctl *ctl, json_t **ret) {
        uint64_t end_usec = base_boottime_usec() + SETTLE_USEC;
        json_t *status;
        int r;

        for (;;) {
                r = status_ask(ctl, &status);
                if (r != 0)
                        return r;
                if (!json_is_true(json_object_get(status, "store_ok")) ||
                    (json_is_true(json_object_get(status, "vault_ok")) &&
                     json_is_true(json_object_get(status, "quality_ok")) && !mail_text(status)) ||
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
                "version",       "store",      "why",           "vault",    "quality",
                "mail",          "map",        "users",         "groups",   "map_size",
                "map_published", "store_size", "audit_entries", "sessions", "connections",
                "started",       "clock",
        };
        json_t *status = NULL;
        bool well;
        int r = status_settled(ctl, &status);

        if (r != 0)
                return r;
        well = json_is_true(json_object_get(status, "store_ok")) &&
               json_is_true(json_object_get(status, "map_ok")) &&
               json_is_true(json_object_get(status, "vault_ok")) &&
               json_is_true(json_object_get(status, "quality_ok")) && !mail_text(status);
        if (ctl->json != JSON_OFF) {
                json_object_set_new(status, "clock_synchronised",
                                    json_boolean(clock_synchronised()));
                json_object_set_new(status, "well", json_boolean(well));
                json_print(ctl, "status", status);
                return well ? EXIT_DONE : EXIT_FAILED;
        }
        json_object_set_new(status, "store",
                            json_string(json_is_true(json_object_get(status, "store_ok"))
                                                ? "ok"
                                                : "not served"));
        json_object_set_new(status, "vault", json_string(vault_text(status)));
        json_object_set_new(status, "quality", json_string(quality_text(status)));
        if (!mail_text(status))
                json_object_del(status, "mail");
        json_object_set_new(status, "map",
                            json_string(json_is_true(json_object_get(status, "map_ok"))
                                                ? "ok"
                                                : "not published: lookups go through the socket"));
        for_people(status);
        json_object_set_new(status, "clock",
                            json_string(clock_synchronised() ? "synchronised"
                                                             : "not synchronised"));
        record_print(status, keys, ARRAY_LENGTH(keys));
        json_decref(status);
        if (!well)
                fprintf(stderr, "umctl: status: not all is well\n");
        return well ? EXIT_DONE : EXIT_FAILED;
}
