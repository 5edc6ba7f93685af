/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Second factors as the faces change them: part of core.h, which includes it, on a page of its own.
 *
 * A user changes his factors himself, and proves before that it is he: by a login of the service
 * "umctl" on the private socket, with his password and, where he has a factor, its code.  An open
 * session, or root, is not enough to add one: it would be somebody else's.  The login's id is taken
 * once, from the same caller.  Root takes factors away. */

#include "umd/core/core.h"

#define CORE_LABEL_MAX 64U /* bytes of a factor's label */

typedef struct CoreFactor {
        uint32_t number;
        const char *method; /* "totp", "hotp", "fido2", "recovery"; static */
        bool active;        /* else no code of it was proved yet */
        const char *label;
        uint64_t created_usec, last_used_usec; /* 0: never */
        int codes_left;                        /* recovery codes; -1 for others */
} CoreFactor;

/* All of a user's, by number; valid during the call. */
int core_factor_list(Core *core, const char *name,
                     void (*each)(void *userdata, const CoreFactor *factor), void *userdata,
                     CoreError *error);

typedef struct CoreFactorSpec {
        const char *method; /* "totp", "hotp" or "fido2" */
        const char *label;  /* "" */
        CoreSeedForm form;  /* FIDO2: as shipped, without a period */
} CoreFactorSpec;

/* A security key's credential is made in the login before (operation enrol-key), and this stores
 * it: key and uri are NULL then, done may be called before this returns, and it is confirmed
 * without a code. Else key (base32) and uri (otpauth://) are seen once, here.  The factor counts
 * for nothing until core_factor_confirm() was given a code of it, within 15 minutes; a new
 * enrolment takes one that waits away. */
typedef void (*CoreEnrolDone)(void *userdata, int r, uint32_t number, const Secret *key,
                              const Secret *uri, const CoreChange *change, const CoreError *error);
int core_factor_enrol(Core *core, const CorePeer *peer, const char *name,
                      const CoreFactorSpec *spec, const char *login, const CoreOptions *options,
                      uint64_t now_usec, CoreEnrolDone done, void *userdata, CoreError *error);

/* codes: new recovery codes with a space between two, to be shown once; NULL where none were
 * made. */
typedef void (*CoreCodesDone)(void *userdata, int r, const Secret *codes, const CoreChange *change,
                              const CoreError *error);
/* The code is used up by it.  With the first factor come recovery codes, if they are permitted. */
int core_factor_confirm(Core *core, const CorePeer *peer, const char *name, uint32_t number,
                        const Secret *code, const CoreOptions *options, uint64_t now_usec,
                        CoreCodesDone done, void *userdata, CoreError *error);
/* New ones; the old are worthless from then on. */
int core_recovery_create(Core *core, const CorePeer *peer, const char *name, const char *login,
                         const CoreOptions *options, uint64_t now_usec, CoreCodesDone done,
                         void *userdata, CoreError *error);

/* login "": by an administrator.  The recovery codes go with the last factor; who has to have one
 * does not take away his own last. */
int core_factor_remove(Core *core, const CorePeer *peer, const char *name, uint32_t number,
                       const char *login, const CoreOptions *options, uint64_t now_usec,
                       CoreChange *ret, CoreError *error);

/* Who has to have a factor and who has one (FEATURES O, mfa-coverage).  Texts are valid during the
 * call. */
typedef struct CoreCoverage {
        const char *user;
        const char *const *roles;
        size_t role_count;
        const char *required; /* factor.required as it is in effect: "off", "on", "hardware" */
        const char *because;  /* what says so: "role admin", "company local"; "": nobody does */
        const char *const *methods; /* of his factors, each once */
        size_t method_count;
        const char *strongest;  /* what he can prove: "single", ... */
        bool enrolled;          /* a factor of a permitted method */
        int codes_left;         /* recovery codes; -1: none were made */
        uint64_t deadline_usec; /* to enrol one; 0: he has, or need not; USEC_INFINITY: none */
} CoreCoverage;

/* By pages as core_user_list(), with its filter. */
int core_factor_coverage(Core *core, const Actor *actor, const char *filter, const char *cursor,
                         uint32_t limit, uint64_t now_usec,
                         void (*each)(void *userdata, const CoreCoverage *coverage), void *userdata,
                         char *ret_cursor, CoreError *error);

/* All of them, by an admin.  Who has none: 0 with ret->id 0. */
int core_factors_reset(Core *core, const Actor *actor, const char *name, const CoreOptions *options,
                       uint64_t now_usec, CoreChange *ret, CoreError *error);
