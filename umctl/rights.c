/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the caller may do in a tenant, as umd tells him, so that help and completion leave out what
 * would be refused.  One question, asked when the first answer is needed, and waited for no longer
 * than nobody minds: umd that is away or hangs makes help slower by that at most, and longer, never
 * wrong. */

#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include "umctl/umctl.h"

#define WAIT_USEC (300 * USEC_PER_MSEC)

/* The names of all permissions he has; NULL where umd does not say.  Whoever it refuses has none.
 */
static json_t *rights_get(Ctl *ctl) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        uint64_t end_usec = base_boottime_usec() + WAIT_USEC, now_usec;
        const struct passwd *pw = getpwuid(getuid());
        const char *tenant = option_get(ctl, "tenant");
        json_t *rows;

        if (!ctl->map_dir[0])
                snprintf(ctl->map_dir, sizeof(ctl->map_dir), "%s", WIRE_MAP_DIR);
        if (!pw || (!ctl->bus && wire_connect(ctl->socket, ctl->map_dir, end_usec, &ctl->bus) < 0))
                return NULL;
        now_usec = base_boottime_usec();
        if (now_usec >= end_usec ||
            sd_bus_message_new_method_call(ctl->bus, &m, WIRE_NAME, WIRE_PATH, WIRE_ROLE,
                                           "GetEffective") < 0 ||
            sd_bus_message_append(m, "ss", pw->pw_name, tenant ? tenant : "") < 0)
                return NULL;
        if (sd_bus_call(ctl->bus, m, end_usec - now_usec, &error, &reply) < 0)
                return wire_error_exit_code(wire_error_from_name(error.name)) == EXIT_FAILED
                               ? NULL
                               : json_array();
        return json_from_dicts(reply, &rows) < 0 ? NULL : rows;
}

bool rights_permit(Ctl *ctl, const Command *command) {
        json_t *row;
        size_t i;

        if (!command->needs || getuid() == 0)
                return true;
        if (!ctl->rights_asked)
                ctl->rights = rights_get(ctl);
        ctl->rights_asked = true;
        if (!ctl->rights)
                return true;
        json_array_foreach(ctl->rights, i,
                           row) if (strcmp(json_string_value(json_object_get(row, "permission"))
                                                   ?: "",
                                           command->needs) == 0) return true;
        return false;
}
