/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Policy values by level, as core's files ask for them (FEATURES D5, P.6). */

#include "umd/core/holders.h"

/* A role of his that counts. */
typedef struct LevelRole {
        uint16_t role;
        uint64_t since_usec; /* when it was granted, or began */
} LevelRole;

/* Whatever is set for somebody.  Without a uid, or for one whom nobody is, the company's alone. */
typedef struct Levels {
        PolicyLevels levels;
        char department[CORE_POLICY_SUBJECT_BYTES]; /* whose level it is; "": none's */
        const Roles *roles;
        LevelRole *granted; /* read only where some role matters */
        size_t granted_count, granted_size;
        PolicyRoleSettings *settings; /* of these and what they inherit, by rising number */
        size_t setting_count, setting_size;
        uint16_t demands;      /* a role that needs its holder to have a second factor; ROLE_NONE */
        uint64_t demands_usec; /* since when */
} Levels;

#define _cleanup_levels_ _cleanup_(core_levels_done)

int core_levels_load(Core *core, StoreTxn *txn, uid_t uid, Levels *ret);
/* What the roles that are granted, and those they inherit, set; put together into levels. */
int core_levels_roles(StoreTxn *txn, Levels *levels);
void core_levels_done(Levels *levels);

/* All that one subject sets. */
int core_level_load(StoreTxn *txn, StorePolicyLevel level, const char *subject,
                    PolicySettings *ret);
/* Takes all of it away, and tells the change's values of it. */
int core_level_drop(Change *change, StorePolicyLevel level, const char *subject);
StorePolicyLevel core_level_stored(PolicyLevel level);

/* The roles whose own value of it holds for him: as policy_value_roles(). */
int core_levels_found(const Levels *levels, PolicyValue value, uint16_t *ret, size_t max,
                      size_t *ret_count);

/* 1 where the role, by itself or by what it inherits, has a say in whether its holders need a
 * second factor; 0, or a fault.  mfa_group.c */
int core_mfa_role_speaks(StoreTxn *txn, const Roles *roles, uint16_t role);
/* factor.required, which roles may raise whatever is set (P.6). */
PolicyRequired core_levels_required(const Levels *levels);
