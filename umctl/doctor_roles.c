/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* umctl doctor: Linux groups that roles name and that are not there any more. */

#include <string.h>

#include "umctl/doctor.h"
#include "wire/wire.h"

#define PAGE        500U
#define TIMEOUT_SEC 5U

/* A page of the roles, and where the next one begins ("" behind the last). */
static int page_get(Ctl *ctl, char *cursor, size_t size, json_t **ret) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        const char *next = "";
        int r = sd_bus_message_new_method_call(ctl->bus, &m, WIRE_NAME, WIRE_PATH, WIRE_ROLE,
                                               "List");

        if (r >= 0)
                r = sd_bus_message_append(m, "su", cursor, PAGE);
        if (r >= 0)
                r = sd_bus_call(ctl->bus, m, TIMEOUT_SEC * USEC_PER_SEC, NULL, &reply);
        if (r >= 0)
                r = json_from_dicts(reply, ret);
        if (r >= 0)
                r = sd_bus_message_read(reply, "s", &next);
        if (r >= 0)
                snprintf(cursor, size, "%s", next);
        return r;
}

static size_t role_look(Doctor *doctor, const json_t *role) {
        const json_t *missing = json_object_get(role, "missing_groups"), *group;
        const char *name = json_string_value(json_object_get(role, "name"));
        size_t i;

        json_array_foreach(missing, i, group)
                doctor_find(doctor, LEVEL_WARN, "Linux groups of roles",
                            "umctl role set NAME --linux-group=-GROUP, or make the group again",
                            "the role %s names %s, which nobody is put into: it is not there, or "
                            "both um's and in /etc/group",
                            name ? name : "?", json_string_value(group));
        return json_array_size(missing);
}

void doctor_roles(Doctor *doctor) {
        char cursor[128] = "";
        size_t missing = 0, i;

        if (!doctor->serves)
                return;
        do {
                json_t *roles = NULL, *role;

                if (page_get(doctor->ctl, cursor, sizeof(cursor), &roles) < 0) {
                        json_decref(roles);
                        doctor_find(doctor, LEVEL_WARN, "Linux groups of roles",
                                    "run doctor as root", "um's roles cannot be listed");
                        return;
                }
                json_array_foreach(roles, i, role) missing += role_look(doctor, role);
                json_decref(roles);
        } while (cursor[0]);
        if (missing == 0)
                doctor_find(doctor, LEVEL_OK, "Linux groups of roles", NULL, "are there");
}
