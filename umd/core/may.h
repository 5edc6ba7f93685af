/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* May whoever calls do what a method needs a permission for (FEATURES M.3, M.4, D6, D7)?  Part of
 * core.h, which includes it, on a page of its own.
 *
 * The faces ask before the verb, in a transaction of its own: umd does one thing at a time, and
 * what was asked and the verb's commit are one turn of the loop, so nothing comes between.  What
 * waits for the vault asks again when it writes.  That nobody acts above himself (D8) and that the
 * last owner stays (D9) is asked by the verbs.
 *
 * Who has the permission nowhere is refused before anything is looked at.  What somebody may not
 * see is answered as what is not there. */

#include "umd/core/core.h"

/* Where the permission has to be held. */
typedef enum CoreWhere {
        CORE_WHERE_NOWHERE,      /* zero on purpose: it is root's */
        CORE_WHERE_USER,         /* in that user's home tenant, over him; and he is seen */
        CORE_WHERE_USER_OR_HOST, /* the same; with the name "" as HOST */
        CORE_WHERE_SEEN,         /* somewhere; and that user is seen */
        CORE_WHERE_GROUP,        /* in that group's tenant; and the group is seen */
        CORE_WHERE_TENANT,       /* in that one; "all": as ALL */
        CORE_WHERE_HOST,         /* in the tenant of this host */
        CORE_WHERE_ALL,          /* in every tenant there is */
        CORE_WHERE_SOMEWHERE, /* in any: what it is about is asked later, or left out of a list */
        _CORE_WHERE_MAX,
} CoreWhere;

typedef struct CoreQuestion {
        const char *permission; /* one of um's own; anything else is nobody's but root's */
        CoreWhere where;
        const char *name;   /* of the user (or his address), group or tenant; NULL: by id */
        uint32_t id;        /* uid or gid */
        const char *tenant; /* USER: there instead of at home; NULL: at home */
} CoreQuestion;

/* 0, CORE_E_ACCESS_DENIED naming the permission (and what the caller's is over, or the tenant in
 * which it is missing), CORE_E_NO_SUCH_USER, _GROUP or _TENANT.  Whoever may not act (suspended,
 * locked, over) has no permission. */
int core_may(Core *core, const Actor *actor, const CoreQuestion *question, uint64_t now_usec,
             CoreError *error);
/* Has he it by any grant that counts, for what is his own (self.*)? */
bool core_may_self(Core *core, uid_t uid, const char *permission, uint64_t now_usec);
/* All permissions that the caller has over anybody in the tenant (NULL: the host's), by name. */
int core_may_list(Core *core, const Actor *actor, const char *tenant, uint64_t now_usec,
                  void (*each)(void *userdata, const char *permission), void *userdata,
                  CoreError *error);
