/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Roles of any texts: what is compiled stays within what was measured, a role that has a fault
 * permits nothing and says why in a text fit for a terminal, and whoever is asked about has what
 * his grants permit less what they deny.
 *
 * A line is a role: name, inherit, permit, without, deny, require, conflict, by ";", the parts of
 * one by ",". */

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "policy/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ROLES 24U
#define WORDS 12U
#define LISTS 6U

typedef struct Input {
        const char *lists[ROLES][LISTS][WORDS + 1];
        RoleSpec roles[ROLES];
        size_t count;
} Input;

static const char *const *list_split(const char **list, char *text) {
        size_t count = 0;
        char *word;

        while (text && (word = strsep(&text, ",")) && count < WORDS)
                list[count++] = word;
        return list;
}

static void input_read(Input *input, char *text) {
        char *line;

        while (text && input->count < ROLES && (line = strsep(&text, "\n"))) {
                const char *(*lists)[WORDS + 1] = input->lists[input->count];
                RoleSpec *role = &input->roles[input->count++];
                const char *const *read[LISTS] = { NULL };

                role->name = strsep(&line, ";");
                for (size_t i = 0; i < LISTS && line; i++)
                        read[i] = list_split(lists[i], strsep(&line, ";"));
                role->inherit = read[0];
                role->permit = read[1];
                role->without = read[2];
                role->deny = read[3];
                role->require = read[4];
                role->conflict = read[5];
                role->one_tenant = role->name[0] == 't';
                role->only_kind = role->name[0] == 's' ? HOLDER_SERVICE : HOLDER_INVALID;
        }
}

static void fault_check(const RoleSet *set, uint16_t role) {
        RightsFault fault = { 0 };
        int r = policy_role_fault(set, role, &fault);
        size_t left = strnlen(fault.text, sizeof(fault.text));
        const char *at = fault.text;

        assert(r >= 0 && r < _RIGHTS_FAULT_MAX && r == (int)fault.kind);
        assert(left < sizeof(fault.text) && (r == 0 || left > 0));
        while (left > 0) {
                uint32_t c;
                int used = base_utf8_decode(at, left, &c);

                assert(used > 0 && base_codepoint_printable(c));
                at += used;
                left -= (size_t)used;
        }
        if (r == RIGHTS_FAULT_FORM || r == RIGHTS_FAULT_LOOP || r == RIGHTS_FAULT_DEPTH)
                for (uint16_t right = 0; right < policy_right_count(set); right++)
                        assert(!policy_role_permits(set, role, right));
}

static void holder_check(const RoleSet *set, uint16_t a, uint16_t b) {
        const RightsGrant grants[] = {
                { .role = a, .tenant = "acme", .until_usec = USEC_INFINITY },
                { .role = b, .tenant = "acme", .until_usec = USEC_INFINITY },
        };
        const RightsAttribute attribute = { "a", USEC_INFINITY };
        const RightsPlace place = { .tenant = "acme" };
        const RightsHolder holder = { .kind = HOLDER_PERSON,
                                      .email = true,
                                      .attributes = &attribute,
                                      .attribute_count = 1,
                                      .grants = grants,
                                      .grant_count = 2 };
        RoleConflict conflict;
        RightsPath paths[4];
        uint16_t missing;

        for (uint16_t right = 0; right < policy_right_count(set); right++) {
                bool has = policy_rights_has(set, &holder, &place, right);

                assert(!has || policy_role_permits(set, a, right) ||
                       policy_role_permits(set, b, right));
                assert(!has ||
                       policy_rights_paths(set, &holder, &place, right, false, paths, 4) > 0);
                assert(policy_rights_paths(set, &holder, &place, right, true, paths, 4) <=
                       RIGHTS_PATHS_MAX);
        }
        if (policy_role_conflict(set, a, b, &conflict))
                assert(policy_role_conflict(set, b, a, &conflict));
        (void)policy_rights_cover(set, &holder, &holder, &place, &missing);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static const PermissionInfo permissions[] = {
                { "crm.view", PERMISSION_CATEGORY_DATA, true, "see" },
                { "crm.customer.edit", PERMISSION_CATEGORY_DATA, false, "change" },
        };
        static const PermissionArea crm = { "crm", permissions, 2 };
        Input input = { 0 };
        size_t bytes;
        void *memory;
        RoleSet *set;
        char *text;

        text = strndup((const char *)data, size);
        assert(text);
        input_read(&input, text);
        assert(policy_roles_measure(input.roles, input.count, &crm, 1, &bytes) == 0);
        memory = malloc(bytes); /* exactly: who writes beyond is seen */
        assert(memory);
        set = policy_roles_compile(input.roles, input.count, &crm, 1, memory, bytes);
        assert(set);
        for (uint16_t i = 0; i < input.count; i++) {
                fault_check(set, i);
                holder_check(set, i, (uint16_t)((i + 1U) % input.count));
        }
        free(memory);
        free(text);
        return 0;
}
