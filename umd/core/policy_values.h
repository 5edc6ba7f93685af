/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Policy values (FEATURES P.6, P.7) as the faces set and show them: part of core.h, which includes
 * it, on a page of its own. */

#include "umd/core/core.h"

#define CORE_DEPARTMENT_MAX 128U /* bytes of one that has values */

/* For whom a value is set: the company, that is the tenant of that name (subject NULL: of this
 * host), a department, a role or a user. */
typedef struct CorePolicyPlace {
        PolicyLevel level; /* never the built-in one */
        const char *subject;
} CorePolicyPlace;

/* Sets a value there.  A list may be changed from what is in effect there: "+email-code,-hotp".
 * ret_text has POLICY_VALUE_TEXT_MAX bytes: the value as it is kept.  CORE_E_BAD_VALUE names the
 * names that are near, or what the value may be; CORE_E_PROTECTED that it would be for the caller
 * himself, a role of his, or for one who may do more.  Setting what is set already, or taking away
 * what is not, changes nothing: 0 with ret->id 0. */
int core_policy_set(Core *core, const Actor *actor, const CorePolicyPlace *place, const char *name,
                    const char *text, const CoreOptions *options, uint64_t now_usec, char *ret_text,
                    CoreChange *ret, CoreError *error);
int core_policy_unset(Core *core, const Actor *actor, const CorePolicyPlace *place,
                      const char *name, const CoreOptions *options, uint64_t now_usec,
                      CoreChange *ret, CoreError *error);

/* A level that a nearer one put aside, or a role whose value a stricter one did. */
typedef struct CorePolicyOverrode {
        const char *level, *subject, *text;
} CorePolicyOverrode;

/* Texts are valid during the call. */
typedef struct CorePolicyEffective {
        PolicyValue value;
        const char *text;
        const char *level, *subject; /* "built-in" and "", "company" and "local", "user" and "bob";
                                        of a role "developer", or where it is what it demands "admin
                                        (requires second-factor)" */
        bool looser;                 /* than what it overrode */
        const CorePolicyOverrode *overrode; /* the nearest first */
        size_t overrode_count;
        const char *expected; /* policy_value_expected() */
} CorePolicyEffective;

/* What is in effect for the user, or for the company (user NULL): the value of that name, or all
 * (name NULL). */
int core_policy_effective(Core *core, const char *user, const char *name,
                          void (*each)(void *userdata, const CorePolicyEffective *shown),
                          void *userdata, CoreError *error);

/* A list that the roles of somebody leave nothing of, as a line for root; "": there is none among
 * the holders that were looked at. */
#define CORE_POLICY_EMPTIED_BYTES 256U
int core_policy_emptied(Core *core, char *buf, size_t size);

typedef struct CorePolicySet {
        const char *level, *subject, *name, *text, *by;
        uint64_t set_usec;
} CorePolicySet;

/* Everything that is set, companies' first, then departments', roles' and users', by pages as
 * core_user_list(), but with a cursor of its own size; without that of deleted users, whose values
 * wait for them to be restored. */
#define CORE_POLICY_CURSOR_BYTES 256U
int core_policy_list(Core *core, const Actor *actor, const char *cursor, uint32_t limit,
                     void (*each)(void *userdata, const CorePolicySet *set), void *userdata,
                     char *ret_cursor, CoreError *error);
