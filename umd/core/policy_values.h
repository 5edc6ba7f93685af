/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Policy values (FEATURES P.6, P.7) as the faces set and show them: part of core.h, which includes
 * it, on a page of its own. */

#include "umd/core/core.h"

/* Sets a value for a user, or for the company (user NULL), that is the tenant of this host.  A list
 * may be changed: "+email-code,-hotp".  ret_text has POLICY_VALUE_TEXT_MAX bytes: the value as it
 * is kept.  CORE_E_BAD_VALUE names the names that are near, or what the value may be.  Setting what
 * is set already, or taking away what is not, changes nothing: 0 with ret->id 0. */
int core_policy_set(Core *core, const Actor *actor, const char *user, const char *name,
                    const char *text, const CoreOptions *options, uint64_t now_usec, char *ret_text,
                    CoreChange *ret, CoreError *error);
int core_policy_unset(Core *core, const Actor *actor, const char *user, const char *name,
                      const CoreOptions *options, uint64_t now_usec, CoreChange *ret,
                      CoreError *error);

/* A level that a nearer one put aside. */
typedef struct CorePolicyOverrode {
        const char *level, *subject, *text;
} CorePolicyOverrode;

/* Texts are valid during the call. */
typedef struct CorePolicyEffective {
        PolicyValue value;
        const char *text;
        const char *level,
                *subject; /* "built-in" and "", "company" and "local", "user" and "bob" */
        bool looser;      /* than what it overrode */
        CorePolicyOverrode overrode[_POLICY_LEVEL_MAX]; /* the nearest first */
        size_t overrode_count;
        const char *expected; /* policy_value_expected() */
} CorePolicyEffective;

/* What is in effect for the user, or for the company (user NULL): the value of that name, or all
 * (name NULL). */
int core_policy_effective(Core *core, const char *user, const char *name,
                          void (*each)(void *userdata, const CorePolicyEffective *shown),
                          void *userdata, CoreError *error);

typedef struct CorePolicySet {
        const char *level, *subject, *name, *text, *by;
        uint64_t set_usec;
} CorePolicySet;

/* Everything that is set, the company's first, by pages as core_user_list(); without that of
 * deleted users, whose values wait for them to be restored. */
int core_policy_list(Core *core, const char *cursor, uint32_t limit,
                     void (*each)(void *userdata, const CorePolicySet *set), void *userdata,
                     char *ret_cursor, CoreError *error);
