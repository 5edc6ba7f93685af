/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The parts of umctl doctor share these: a finding is one line, with what to change where it is not
 * ok. */

#include "config.h"
#include "umctl/umctl.h"

typedef enum Level {
        LEVEL_OK,
        LEVEL_WARN,
        LEVEL_FAIL,
        _LEVEL_MAX,
} Level;

/* The throw-away user.  There is one for ever: its tombstone is brought back for each run, so that
 * doctor uses up one uid, not one a run. */
#define DOCTOR_PROBE "doctor-probe"
#define SERVICES_MAX 64U

typedef struct Service {
        char name[64];
        bool asks; /* its auth stack has pam_um too */
} Service;

typedef struct Doctor {
        Ctl *ctl;
        json_t *findings;
        bool failed, serves;       /* serves: umd answers and its parts are well */
        bool sk_told, sk_hardware; /* what umd takes security keys of ssh for, as root is told */
        char sk_why[256];          /* ... and why not for more; "" */
        Service services[SERVICES_MAX]; /* whose account stacks ask um */
        size_t service_count;
} Doctor;

/* text says what was found; mend what to do (NULL where nothing). */
void doctor_find(Doctor *doctor, Level level, const char *check, const char *mend,
                 const char *format, ...) __attribute__((format(printf, 5, 6)));

/* Checks that need root say so themselves. */
void doctor_units(Doctor *doctor);
void doctor_daemon(Doctor *doctor);
void doctor_files(Doctor *doctor);
void doctor_nss(Doctor *doctor);
void doctor_lookups(Doctor *doctor);
void doctor_roles(Doctor *doctor);
void doctor_ssh(Doctor *doctor);
void doctor_clock(Doctor *doctor);
void doctor_sudo(Doctor *doctor);
/* The stacks of all services as they are written; finds doctor->services. */
void doctor_pam(Doctor *doctor);
/* The stacks of doctor->services as they behave, with a throw-away user. */
void doctor_login(Doctor *doctor);
/* Files below paths whose owners nobody is, and um could make somebody. */
void doctor_owners(Doctor *doctor, int count, char *paths[]);

/* ---- doctor_try.c: what a real stack says ---------------------------------------------------- */

/* Where pam_um.so is loaded from. */
#define DOCTOR_PAM_UM "/lib/" UM_MULTIARCH "/security/pam_um.so"

typedef enum TryWorld {
        TRY_AS_IS,
        TRY_UMD_AWAY,    /* nobody listens on the private socket */
        TRY_MODULE_GONE, /* pam_um.so is an empty file */
        _TRY_WORLD_MAX,
} TryWorld;

typedef struct TryResult {
        int auth, account; /* PAM codes; auth is PAM_SUCCESS where it was not asked for, and account
                              is asked after its success */
        bool asked_more;   /* than passwords: auth says nothing then */
} TryResult;

/* Runs the auth phase (where there is a secret to answer with) and the account phase of a service
 * for a user as root, in a process of its own that sees the file system read-only: whatever its
 * modules are, they leave no tally, log or home behind.  No session is opened.  -ETIMEDOUT after
 * 10 s; -ENOTRECOVERABLE where the process died; -ENOTSUP where there is no mount namespace to be
 * had. */
int try_stack(TryWorld world, const char *service, const char *user, const Secret *secret,
              TryResult *ret);

/* ---- doctor_stack.c: what libpam would make of a stack --------------------------------------- */

typedef enum PamFacility {
        PAM_FACILITY_AUTH,
        PAM_FACILITY_ACCOUNT,
        PAM_FACILITY_SESSION,
        _PAM_FACILITY_MAX
} PamFacility;

typedef struct PamStack PamStack;

/* Reads a service's stack with everything it includes, each from the first of dirs (joined by
 * colons) that has it.  -ENOENT, -EBADMSG for a line libpam would not take (ret_where says where),
 * -ELOOP for includes without end. */
int pam_stack_read(const char *dirs, const char *service, PamFacility facility, PamStack **ret,
                   char *ret_where, size_t size);
PamStack *pam_stack_free(PamStack *stack);
bool pam_stack_has(const PamStack *stack, const char *module);
/* What the stack gives where pam_um returns um_code, pam_localuser local_code, pam_deny a denial,
 * and every other module success: the most generous neighbours a refusal can have. */
int pam_stack_run(const PamStack *stack, int um_code, int local_code);
