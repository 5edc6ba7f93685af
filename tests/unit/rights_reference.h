/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A second evaluator of rights, slow and obvious: strings, recursion, loops.  It shares the types
 * of policy.h and the table of permissions, and no code. */

#include "policy/policy.h"

#define REFERENCE_ROLES_MAX 64U

typedef struct Reference {
        const RoleSpec *roles;
        size_t role_count;
        const PermissionArea *areas;
        size_t area_count;
} Reference;

/* Is there such a permission, and has he it there? */
bool reference_has(const Reference *reference, const RightsHolder *holder, const RightsPlace *place,
                   const char *name);
/* Has he it as far as "nobody acts above himself" goes?  Whoever edits command groups has each. */
bool reference_matches(const Reference *reference, const RightsHolder *holder,
                       const RightsPlace *place, const char *name);
bool reference_permits(const Reference *reference, size_t role, const char *name);
bool reference_denies(const Reference *reference, size_t role, const char *name);
