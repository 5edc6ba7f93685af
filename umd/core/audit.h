/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The audit log as the faces read it and add to it: part of core.h, which includes it, on a page of
 * its own. */

#include "umd/core/core.h"

typedef struct CoreAuditValue {
        const char *field, *before, *after; /* NULL: was or is not there */
} CoreAuditValue;

typedef struct CoreAuditEntry {
        uint64_t seq, time_usec;
        const char *type, *verb, *object, *actor, *login, *via, *service, *source, *tty, *outcome,
                *reason, *reference;
        const CoreAuditValue *values;
        size_t value_count;
} CoreAuditEntry;

typedef struct CoreAuditFilter {
        const char *user, *actor, *object, *type, *outcome, *reason, *verb; /* NULL: any */
        uint64_t since_usec, until_usec; /* 0, USEC_INFINITY: open */
} CoreAuditFilter;

/* Without what the actor has no audit.view for; what is about himself is his to see.  Newest first,
 * before cursor (0 from the end); looks at no more than 20,000 entries a call.
 * ret_cursor 0 at the end. */
int core_audit_list(Core *core, const Actor *actor, const CoreAuditFilter *filter, uint64_t cursor,
                    uint32_t limit, void (*each)(void *userdata, const CoreAuditEntry *entry),
                    void *userdata, uint64_t *ret_cursor, CoreError *error);

typedef struct CoreAuditVerdict {
        uint64_t first, next, last;
        bool done;
        uint64_t bad_seq;
        char why[128];
} CoreAuditVerdict;

/* Checks a piece (10,000 entries) from next on, for the caller who keeps the verdict between calls;
 * verdict starts zeroed. */
typedef struct CoreAuditVerifier CoreAuditVerifier;
int core_audit_verifier_new(CoreAuditVerifier **ret);
CoreAuditVerifier *core_audit_verifier_free(CoreAuditVerifier *verifier);
int core_audit_verify(Core *core, CoreAuditVerifier *verifier, CoreAuditVerdict *ret);

/* An entry of umd's own (type "system", via "umd", no actor): something of the host that changed
 * what um shows, as "map.hide" of "user/alice" because /etc/passwd holds the name now.  Needs a
 * flush. */
int core_audit_system(Core *core, const char *verb, const char *object, uint32_t object_id,
                      const char *reason, uint64_t now_usec);

/* A call that was refused, for the log (type "access", outcome "deny").  How much of it is written
 * has a limit that callers cannot move: in each period of CORE_REFUSED_PERIOD_USEC an entry for a
 * caller's first refusal by each of CORE_REFUSED_METHODS methods, with the method as its verb and
 * the permission among its values; all further ones are counted, and told in one entry
 * ("access.repeated", with count and since) when the period is over.  It has CORE_REFUSED_CALLERS
 * callers, CORE_REFUSED_STRANGERS of them people um does not know; the others are one number
 * together.  Needs a flush. */
#define CORE_REFUSED_PERIOD_USEC (3600 * USEC_PER_SEC)
#define CORE_REFUSED_METHODS     16U
#define CORE_REFUSED_CALLERS     32U
#define CORE_REFUSED_STRANGERS   8U

typedef struct CoreRefusal {
        const char *method;     /* "org.um1.User.Lock"; at most 128 bytes */
        const char *permission; /* the one that is missing: "user.lock" */
        bool elsewhere;         /* it is the way that is refused: on the private socket only */
        CoreObject object;      /* what it was about; _CORE_OBJECT_MAX: nothing */
        const char *name;       /* of the object, as it was given; NULL: by id */
        uint32_t id;
} CoreRefusal;

int core_refused(Core *core, const Actor *actor, const CoreRefusal *refusal, uint64_t now_usec);
/* umd stops: ends the period now.  Needs a flush. */
int core_refusals_tell(Core *core, uint64_t now_usec);

/* Failed logins (type "login", verb "authenticate") have such a limit too: in each period of
 * CORE_MISSED_PERIOD_USEC the first CORE_MISSED_TOLD of a user from one network are an entry each,
 * the further ones are counted and told in one ("authenticate.repeated", with count and since).  A
 * period has CORE_MISSED_PAIRS such pairs, CORE_MISSED_UNKNOWN of them for names nobody has, which
 * count as one user.  Whom an
 * administrator unlocks begins anew. */
#define CORE_MISSED_PERIOD_USEC (3600 * USEC_PER_SEC)
#define CORE_MISSED_TOLD        16U
#define CORE_MISSED_PAIRS       192U
#define CORE_MISSED_UNKNOWN     64U

/* umd stops: ends the period now.  Needs a flush. */
int core_misses_tell(Core *core, uint64_t now_usec);

/* "um-7K2P" of an audit entry; umctl makes the number of it again. */
void core_reference_format(uint64_t seq, char *buf, size_t size);
